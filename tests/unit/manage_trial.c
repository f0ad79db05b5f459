/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manage_trial.h"

#include <stdio.h>
#include <string.h>

#include "backends/mas/rows.h"
#include "private_place.h"

struct manage_trial trial;

const struct mas_user plain = {.id = ID};
const struct mas_user admin = {.id = ID, .admin = true};
const struct mas_user locked = {.id = ID, .locked = true};
const struct mas_user closed = {.id = ID, .deactivated = true};
const struct mas_user locked_closed = {.id = ID, .locked = true, .deactivated = true};

static const struct recorded_reply well[] = EXITS("0");

int __wrap_rows_open(struct backend *one, struct error *error);
int __wrap_rows_find(struct backend *one, const char *localpart, struct mas_user *found_user,
    bool *found, struct error *error);
int __wrap_rows_email_owner(struct backend *one, const char *email, char owner[MAS_ID_SIZE],
    struct error *error);
int __wrap_rows_has_password(struct backend *one, const struct mas_user *of, bool *has,
    struct error *error);

/* Whether a command has, which takes four requests. */
static bool
ran(void)
{
    return recorded_server_requests(trial.server) - trial.requests_before >= 4;
}

static int
look(struct error *error)
{
    return trial.database.failure != ERROR_NONE && ran()
               ? error_set(error, trial.database.failure, "no look")
               : 0;
}

int
__wrap_rows_open(struct backend *one, struct error *error)
{
    (void)one;
    return trial.database.opened < 0 ? error_set(error, ERROR_DATABASE, "shut") : trial.database.opened;
}

int
__wrap_rows_find(struct backend *one, const char *localpart, struct mas_user *found_user,
    bool *found, struct error *error)
{
    const struct mas_user *now = trial.database.users[trial.database.at];

    (void)one;
    assert_string_equal(localpart, trial.wanted.localpart);
    if (look(error) != 0)
        return -1;
    *found = now != NULL;
    if (*found)
        *found_user = *now;
    if (trial.database.users[trial.database.at + 1] != NULL)
        trial.database.at++;
    return 0;
}

int
__wrap_rows_email_owner(struct backend *one, const char *email, char owner[MAS_ID_SIZE],
    struct error *error)
{
    const char *now = ran() ? trial.database.owner_after : trial.database.owner;

    (void)one;
    assert_in("@", email);
    if (look(error) != 0)
        return -1;
    snprintf(owner, MAS_ID_SIZE, "%s", now == NULL ? "" : now);
    return 0;
}

int
__wrap_rows_has_password(struct backend *one, const struct mas_user *of, bool *has,
    struct error *error)
{
    (void)one;
    assert_string_equal(of->id, ID);
    if (look(error) != 0)
        return -1;
    *has = !trial.database.has_no_password;
    return 0;
}

int
manage_serve(void **group)
{
    if (place_make(group) != 0)
        return -1;
    trial.server = recorded_server_start_at(place_path("engine.sock"), well);
    return 0;
}

int
manage_serve_no_more(void **group)
{
    recorded_server_stop(trial.server);
    return place_remove(group);
}

void
manage_want_name(const char *localpart)
{
    struct error error = {0};

    account_free(&trial.wanted);
    assert_int_equal(account_name(&trial.wanted, NULL, localpart, &error), 0);
}

int
manage_begin(void **test)
{
    static struct postgres_options somewhere;
    static char socket[200];

    (void)test;
    snprintf(socket, sizeof(socket), "%s", place_path("engine.sock"));
    memset(&trial.connection, 0, sizeof(trial.connection));
    memset(&trial.state, 0, sizeof(trial.state));
    memset(&trial.backend, 0, sizeof(trial.backend));
    memset(&trial.database, 0, sizeof(trial.database));
    memset(&trial.user, 0, sizeof(trial.user));
    trial.connection.http.timeout_ms = 400;
    trial.connection.engine = (struct engine_options){.socket = socket, .timeout_ms = 10000};
    trial.connection.mas.command_container = "mas";
    trial.connection.database = &somewhere;
    trial.backend.connection = &trial.connection;
    trial.backend.state = &trial.state;
    trial.backend.warnings = &trial.warnings;
    trial.database.opened = 1;
    manage_want_name("alice");
    recorded_server_say(trial.server, well);
    recorded_server_log(trial.server);
    trial.requests_before = recorded_server_requests(trial.server);
    return 0;
}

int
manage_end(void **test)
{
    (void)test;
    account_free(&trial.wanted);
    list_free(&trial.warnings);
    return 0;
}

const char *
manage_command(void)
{
    static char words[2000];
    const char *log = recorded_server_log(trial.server);
    const char *start = strstr(log, "\"Cmd\":[");
    const char *close;

    words[0] = '\0';
    if (start == NULL)
        return words;
    start += strlen("\"Cmd\":[");
    close = strstr(start, "]}\n");
    assert_non_null(close);
    assert_null(strstr(close, "\"Cmd\":["));
    snprintf(words, sizeof(words), "%.*s", (int)(close - start), start);
    return words;
}

void
manage_want_password(const char *text)
{
    const struct secret secret = secret_over(text);
    struct error error = {0};

    assert_int_equal(account_state_password(&trial.wanted, &secret, &error), 0);
}

void
manage_want_email(const char *address)
{
    struct pairs set = {0};
    struct error error = {0};

    assert_int_equal(pairs_add_all(&set, &trial.wanted.emails, &error), 0);
    assert_int_equal(pairs_add(&set, "email", address, &error), 0);
    assert_int_equal(account_state_set(&trial.wanted, ACCOUNT_EMAILS, &set, &error), 0);
    pairs_free(&set);
}

struct error
manage_create(void)
{
    struct error error = {0};

    manage_way.create(&trial.backend, &trial.wanted, &trial.creation, &trial.user, &error);
    assert_not_in("Passw0rd", error.text);
    return error;
}

void
manage_create_well(const struct mas_user *made)
{
    struct error error = {0};
    static struct mas_user after;

    after = *made;
    trial.database.users[0] = NULL;
    trial.database.users[1] = &after;
    error = manage_create();
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(trial.creation, CREATION_DONE);
}

bool
manage_is_warned(const char *part)
{
    for (size_t i = 0; i < trial.warnings.count; i++)
        if (strstr(trial.warnings.items[i], part) != NULL)
            return true;
    return false;
}
