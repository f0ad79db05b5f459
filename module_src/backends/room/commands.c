/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Continuwuity 26.7.3 (src/admin/user) and Conduit 0.10.12 (src/service/admin), as both
 * were seen running. A table of log lines may stand before an answer, so that its texts
 * are searched for. Nothing but a server's own words can have them: neither a user id nor
 * a password that commands_carry has white space in it.
 */
#include "backends/room/commands.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "matrix/user_id.h"

static const char room_alias[] = " #admins:";

/* ---- Continuwuity -------------------------------------------------------------------- */

#define ENDS {NULL, VERDICT_REFUSED, ERROR_NONE, NULL}
#define SAYS(text, verdict)                                                                \
    {                                                                                      \
        text, verdict, ERROR_NONE, NULL                                                    \
    }
#define REFUSES(text, kind, advice)                                                        \
    {                                                                                      \
        text, VERDICT_REFUSED, kind, advice                                                \
    }
#define NOT_AN_ADMINISTRATOR                                                               \
    REFUSES("Admin users cannot be ", ERROR_POLICY,                                        \
        "take the administrator's rights away first (admin: false)")

static const struct command_answer continuwuity_create[] = {
    SAYS("Created user %s with password ", VERDICT_DONE),
    SAYS("Username is not available.", VERDICT_TAKEN),
    REFUSES("contains disallowed characters or spaces", ERROR_INVALID, NULL),
    REFUSES("is not local to this server", ERROR_INVALID, NULL),
    REFUSES("Username is forbidden", ERROR_POLICY,
        "forbidden_usernames in the server's configuration has it"),
    REFUSES("Username is reserved by an appservice.", ERROR_POLICY,
        "choose a name outside of its namespaces"),
    REFUSES(" is not valid: ", ERROR_INVALID, NULL),
    ENDS,
};

static const struct command_answer continuwuity_reset[] = {
    SAYS("Successfully reset the password for user %s: ", VERDICT_DONE),
    SAYS("The provided user does not exist.", VERDICT_ABSENT),
    SAYS("The provided user is a shadow or deactivated account.", VERDICT_DEACTIVATED),
    ENDS,
};

/* With that option an answer of success is empty. */
static const struct command_answer continuwuity_revive[] = {
    SAYS("", VERDICT_DONE),
    SAYS("Successfully reset the password for user %s: ", VERDICT_DONE),
    SAYS("The provided user does not exist.", VERDICT_ABSENT),
    ENDS,
};

static const struct command_answer continuwuity_promote[] = {
    SAYS("%s has been granted admin privileges.", VERDICT_DONE),
    SAYS("User is already joined in the admin room", VERDICT_ALREADY),
    SAYS("User is already pending an invitation to the admin room", VERDICT_PENDING),
    ENDS,
};

static const struct command_answer continuwuity_demote[] = {
    SAYS("%s has left ", VERDICT_DONE),
    SAYS("is not joined in the room", VERDICT_ALREADY),
    REFUSES("Last admin cannot leave", ERROR_POLICY,
        "it is the last administrator: make another one first"),
    ENDS,
};

static const struct command_answer continuwuity_deactivate[] = {
    SAYS("User %s has been deactivated", VERDICT_DONE),
    SAYS("This account is deactivated.", VERDICT_ALREADY),
    ENDS,
};

static const struct command_answer continuwuity_lock[] = {
    SAYS("User %s has been locked.", VERDICT_DONE),
    NOT_AN_ADMINISTRATOR,
    ENDS,
};

static const struct command_answer continuwuity_unlock[] = {
    SAYS("User %s has been unlocked.", VERDICT_DONE),
    ENDS,
};

static const struct command_answer continuwuity_suspend[] = {
    SAYS("User %s has been suspended.", VERDICT_DONE),
    NOT_AN_ADMINISTRATOR,
    ENDS,
};

static const struct command_answer continuwuity_unsuspend[] = {
    SAYS("User %s has been unsuspended.", VERDICT_DONE),
    ENDS,
};

static const struct command_answer continuwuity_common[] = {
    SAYS("This account does not exist.", VERDICT_ABSENT),
    SAYS("This account is deactivated.", VERDICT_DEACTIVATED),
    REFUSES("for the server account.", ERROR_POLICY, "it is the server's own account"),
    REFUSES("the server service account.", ERROR_POLICY, "it is the server's own account"),
    REFUSES("does not belong to our server.", ERROR_INVALID, NULL),
    REFUSES("The supplied username is not a valid username", ERROR_INVALID, NULL),
    REFUSES("This command can only be used in the admin room.", ERROR_POLICY, NULL),
    REFUSES("error: unrecognized subcommand", ERROR_UNSUPPORTED,
        "this version of continuwuity has no such command; 26.7 has it"),
    REFUSES("Panic occurred while processing command:", ERROR_SERVER,
        "look into its log (journalctl -u, with its systemd unit)"),
    ENDS,
};

const struct command_table commands_continuwuity = {
    .manner = {.prefix = "!admin ", .answers_relate = true, .msgtype = "m.notice"},
    .failure = "Command failed with error:",
    .quotes_passwords = true,
    .forms =
        {
            [COMMAND_CREATE] = {.words = "users create-user",
                .takes_password = true,
                .tells_password = true,
                .answers = continuwuity_create},
            [COMMAND_RESET] = {.words = "users reset-password",
                .logout_option = "--logout",
                .takes_password = true,
                .tells_password = true,
                .answers = continuwuity_reset},
            [COMMAND_REVIVE] = {.words = "users reset-password --convert-to-local-account",
                .takes_password = true,
                .answers = continuwuity_revive},
            [COMMAND_PROMOTE] = {.words = "users make-user-admin",
                .answers = continuwuity_promote},
            [COMMAND_DEMOTE] = {.words = "users force-leave-room",
                .names_room = true,
                .answers = continuwuity_demote},
            [COMMAND_DEACTIVATE] = {.words = "users deactivate",
                .answers = continuwuity_deactivate},
            [COMMAND_LOCK] = {.words = "users lock", .answers = continuwuity_lock},
            [COMMAND_UNLOCK] = {.words = "users unlock", .answers = continuwuity_unlock},
            [COMMAND_SUSPEND] = {.words = "users suspend", .answers = continuwuity_suspend},
            [COMMAND_UNSUSPEND] = {.words = "users unsuspend",
                .answers = continuwuity_unsuspend},
        },
    .common = continuwuity_common,
};

/* ---- Conduit ------------------------------------------------------------------------- */

static const struct command_answer conduit_create[] = {
    SAYS("Created user with user_id: %s and password: ", VERDICT_DONE),
    SAYS("Userid %s already exists", VERDICT_TAKEN),
    REFUSES("is not allowed due to historical", ERROR_INVALID, NULL),
    ENDS,
};

/* It also brings a deactivated account back. */
static const struct command_answer conduit_reset[] = {
    SAYS("Successfully reset the password for user %s: ", VERDICT_DONE),
    SAYS("The specified user does not exist!", VERDICT_ABSENT),
    ENDS,
};

static const struct command_answer conduit_deactivate[] = {
    SAYS("User %s has been deactivated", VERDICT_DONE),
    SAYS("doesn't exist on this server", VERDICT_ABSENT),
    ENDS,
};

static const struct command_answer conduit_common[] = {
    REFUSES("The supplied username is not a valid username", ERROR_INVALID, NULL),
    REFUSES("The specified user is not from this server!", ERROR_INVALID, NULL),
    REFUSES("is not from this server", ERROR_INVALID, NULL),
    REFUSES("Encountered an error while handling the command:", ERROR_SERVER,
        "look into its log (journalctl -u, with its systemd unit)"),
    ENDS,
};

/* An account stays in its rooms unless that is asked for, unlike everywhere else. */
const struct command_table commands_conduit = {
    .manner = {.prefix = "@conduit:%s: ", .answers_relate = false, .msgtype = "m.text"},
    .failure = "Encountered an error while handling the command:",
    .forms =
        {
            [COMMAND_CREATE] = {.words = "create-user",
                .takes_password = true,
                .tells_password = true,
                .answers = conduit_create},
            [COMMAND_RESET] = {.words = "reset-password",
                .tells_password = true,
                .answers = conduit_reset},
            [COMMAND_REVIVE] = {.words = "reset-password",
                .tells_password = true,
                .answers = conduit_reset},
            [COMMAND_DEACTIVATE] = {.words = "deactivate-user --leave-rooms",
                .answers = conduit_deactivate},
        },
    .common = conduit_common,
};

/* ---- Passwords ----------------------------------------------------------------------- */

/* Unicode's White_Space beyond ASCII and the control characters (PropList.txt), by which
 * both servers split a line. */
static bool
is_blank(unsigned code_point)
{
    static const struct {
        unsigned first, last;
    } blanks[] = {{0x20, 0x20}, {0xa0, 0xa0}, {0x1680, 0x1680}, {0x2000, 0x200a},
        {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}};

    for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++)
        if (code_point >= blanks[i].first && code_point <= blanks[i].last)
            return true;
    return false;
}

static bool
is_control(unsigned code_point)
{
    return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
}

bool
commands_carry(const struct secret *password)
{
    size_t at = 0;

    if (password->length == 0 || password->length > COMMANDS_PASSWORD_LONGEST)
        return false;
    while (at < password->length) {
        unsigned code_point;
        size_t length =
            text_character(password->bytes + at, password->length - at, &code_point);

        if (length == 0 || is_blank(code_point) || is_control(code_point) ||
            code_point == '`')
            return false;
        at += length;
    }
    return true;
}

void
commands_outcome_free(struct command_outcome *outcome)
{
    secret_free(&outcome->password);
    list_free(&outcome->readable);
    memset(outcome, 0, sizeof(*outcome));
}

/* ---- Reading answers ----------------------------------------------------------------- */

/* The answer itself, behind log lines (a table in Markdown) and empty ones. */
static const char *
skip_log(const char *answer)
{
    while (*answer == '|' || *answer == '\n' || *answer == '\r' || *answer == ' ')
        answer += *answer == '|' ? strcspn(answer, "\n") : 1;
    return answer;
}

/* Where the text ends in the answer; NULL: it is not in it. */
static const char *
find(const char *answer, const char *text, const char *user_id)
{
    char whole[USER_ID_LONGEST + 200];
    const char *place = strstr(text, "%s");
    const char *at;

    if (text[0] == '\0')
        return *skip_log(answer) == '\0' ? answer : NULL;
    if (place == NULL)
        snprintf(whole, sizeof(whole), "%s", text);
    else
        snprintf(whole, sizeof(whole), "%.*s%s%s", (int)(place - text), text, user_id,
            place + strlen("%s"));
    at = strstr(answer, whole);
    return at == NULL ? NULL : at + strlen(whole);
}

/* The row that the answer has; *end is where its text ends. */
static const struct command_answer *
choose(const struct command_table *table, const struct command_form *form,
    const char *answer, const char *user_id, const char **end)
{
    const struct command_answer *lists[] = {form->answers, table->common};
    bool failed = table->failure != NULL && strstr(answer, table->failure) != NULL;

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        for (const struct command_answer *row = lists[i]; row->text != NULL; row++)
            if (!(failed && row->verdict == VERDICT_DONE) &&
                (*end = find(answer, row->text, user_id)) != NULL)
                return row;
    return NULL;
}

/* "-> the password that an answer tells" from there to the end of the line, or between
 * the first and the last backtick of it. */
static int
take_password(struct secret *password, const struct command_table *table, const char *from,
    struct error *error)
{
    size_t length = strcspn(from, "\r\n");

    if (table->quotes_passwords) {
        const char *first = memchr(from, '`', length);
        size_t last = length;

        while (last > 0 && from[last - 1] != '`')
            last--;
        length = first == NULL || from + last <= first + 1 ? 0
                                                           : (size_t)(from + last - first) - 2;
        from = first == NULL ? from : first + 1;
    }
    if (length == 0)
        return error_set(error, ERROR_PROTOCOL,
            "the server's answer in the admin room has no password where it tells one");
    return secret_set(password, from, length) != 0 ? error_no_memory(error) : 0;
}

/* The server's words. Where they may tell a password that nobody knows, and it is not
 * known where, what stands behind that word is left out. */
static int
show(struct backend *backend, const struct command_order *order, bool has_unknown_password,
    const char *answer, char *shown, size_t size, struct error *error)
{
    const struct redaction redaction = {&order->password, order->password == NULL ? 0 : 1};
    char *end;

    if (http_show(backend->matrix.http, shown, size, skip_log(answer), &redaction, error) != 0)
        return -1;
    end = has_unknown_password ? strstr(shown, "password") : NULL;
    if (end != NULL)
        snprintf(end, size - (size_t)(end - shown), "password " REDACTED);
    return 0;
}

/* An answer that is an error, in the server's words. */
static int
refuse(struct backend *backend, const struct command_order *order,
    const struct command_form *form, const struct command_answer *row, const char *answer,
    struct error *error)
{
    bool has_unknown_password =
        row == NULL && form->tells_password &&
        (order->password == NULL || !form->takes_password);
    char shown[600];

    if (show(backend, order, has_unknown_password, answer, shown, sizeof(shown), error) != 0)
        return -1;
    if (row != NULL)
        return error_set(error, row->kind,
            "\"%s\" for %s: the server says in the admin room: %s%s%s", form->words,
            order->user_id, shown, row->advice == NULL ? "" : "; ",
            row->advice == NULL ? "" : row->advice);
    /* What it did is not known, either. */
    error->maybe_done = true;
    return error_set(error, ERROR_PROTOCOL,
        "\"%s\" for %s: the server answers in the admin room with what is not known here, so "
        "that it may have been done or not: %s",
        form->words, order->user_id, shown);
}

static int
read_answer(struct backend *backend, const struct command_table *table,
    const struct command_order *order, const char *answer, struct command_outcome *outcome,
    struct error *error)
{
    const struct command_form *form = &table->forms[order->command];
    const char *end;
    const struct command_answer *row = choose(table, form, answer, order->user_id, &end);

    if (row == NULL || row->verdict == VERDICT_REFUSED)
        return refuse(backend, order, form, row, answer, error);
    outcome->verdict = row->verdict;
    if (row->verdict != VERDICT_DONE)
        return 0;
    if (form->tells_password)
        return take_password(&outcome->password, table, end, error) != 0
                   ? -1
                   : http_learn_secret(backend->matrix.http, &outcome->password, error);
    return order->password != NULL && form->takes_password &&
                   secret_copy(&outcome->password, order->password) != 0
               ? error_no_memory(error)
               : 0;
}

int
commands_read_password(struct backend *backend, const struct command_table *table,
    const char *user_id, const char *answer, struct secret *password, struct error *error)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        const struct command_form *form = &table->forms[i];
        const struct command_answer *row;
        const char *end;

        if (form->words == NULL || !form->tells_password)
            continue;
        row = choose(table, form, answer, user_id, &end);
        if (row != NULL && row->verdict == VERDICT_DONE)
            return take_password(password, table, end, error) != 0
                       ? -1
                       : http_learn_secret(backend->matrix.http, password, error);
    }
    return 0;
}

/* ---- Giving commands ----------------------------------------------------------------- */

/* Whose account an answer is about where it says so: the first user id in it that is no
 * bot's. Answers of Conduit do not relate to their commands. */
static bool
fits(const struct admin_command *command, const char *text)
{
    const char *server_name = user_id_server_name(command->user_id);
    const char *at;

    if (strstr(text, command->user_id) != NULL || server_name == NULL)
        return true;
    for (at = strchr(text, '@'); at != NULL; at = strchr(at + 1, '@')) {
        size_t localpart = strcspn(at + 1, ": \n");

        if (at[1 + localpart] == ':' &&
            strncmp(at + localpart + 2, server_name, strlen(server_name)) == 0 &&
            strncmp(at + 1, ADMIN_ROOM_BOT ":", sizeof(ADMIN_ROOM_BOT)) != 0)
            return false;
    }
    return true;
}

/* The command's line; a password that begins with "-" would be read as an option. */
static int
write_line(struct secret *line, const struct command_form *form,
    const struct command_order *order, struct error *error)
{
    struct text text = {0};
    int result;

    text_append(&text, form->words);
    if (order->logout_devices && form->logout_option != NULL)
        text_append_format(&text, " %s", form->logout_option);
    text_append_format(&text, " %s", order->user_id);
    if (form->names_room) {
        text_append(&text, room_alias);
        text_append(&text, user_id_server_name(order->user_id));
    }
    if (order->password != NULL && form->takes_password) {
        text_append(&text, order->password->bytes[0] == '-' ? " -- " : " ");
        text_append_bytes(&text, order->password->bytes, order->password->length);
    }
    result = text.failed || secret_set(line, text.bytes, text.length) != 0
                 ? error_no_memory(error)
                 : 0;
    text_free(&text);
    return result;
}

int
commands_give(struct backend *backend, const struct command_table *table,
    struct admin_room *room, const struct command_order *order,
    struct command_outcome *outcome, struct error *error)
{
    const struct command_form *form = &table->forms[order->command];
    struct admin_command command = {
        .user_id = order->user_id,
        .holds_secret = form->takes_password || form->tells_password,
        .stands = order->stands,
        .secrets = {order->password},
        .fits = table->manner.answers_relate ? NULL : fits,
    };
    struct admin_reply reply = {0};
    struct list readable = {0};
    int result;

    memset(outcome, 0, sizeof(*outcome));
    if (form->words == NULL)
        return error_set(error, ERROR_UNSUPPORTED,
            "%s has no command for what is asked of %s", backend->type->product,
            order->user_id);
    if (write_line(&command.line, form, order, error) != 0)
        return -1;
    result = admin_room_command(room, &command, &reply, &readable, error);
    if (result == 0)
        result = read_answer(backend, table, order,
            reply.text.bytes == NULL ? "" : reply.text.bytes, outcome, error);
    if (result != 0)
        commands_outcome_free(outcome);
    if (result == 0 && order->is_passing) {
        outcome->readable = readable;
    } else {
        list_add_all(backend->warnings, &readable);
        list_free(&readable);
    }
    admin_reply_free(&reply);
    secret_free(&command.line);
    return result;
}
