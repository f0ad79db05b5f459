/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Does things by backends/mas/manage.h, for test_mas_manage.py. Standard input is
 *
 *     {"uri": "...", "engine": "/path/of/its.sock", "timeout_ms": 2000, "config": "...",
 *      "skip_password_check": true, "do": [["create", "alice", "password", "a@x.org"],
 *      ["set_admin", "alice", "true"], ...]}
 *
 * and the output {"answers": [...], "warnings": [...]}: each answer is what came of it,
 * and the user as the way then has it.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "backends/mas/manage.h"
#include "backends/mas/state.h"
#include "base/memory.h"
#include "base/stop.h"

static json_t *
to_json(const struct mas_user *user, bool found)
{
    if (!found)
        return json_null();
    return json_pack("{s:s, s:b, s:b, s:b}", "id", user->id, "admin", user->admin, "locked",
        user->locked, "deactivated", user->deactivated);
}

static struct secret
secret_of(const char *text)
{
    struct secret secret = {(char *)text, text == NULL ? 0 : strlen(text)};

    return secret;
}

static int
create(struct backend *backend, const char *const *words, const char **what,
    struct error *error)
{
    static const char *const outcomes[] = {
        [CREATION_DONE] = "done", [CREATION_NAME_TAKEN] = "taken", [CREATION_PERHAPS] = "perhaps"};
    struct account wanted = {0};
    struct secret password = secret_of(words[1]);
    struct pairs emails = {0};
    struct mas_user user;
    enum creation creation = CREATION_DONE;
    int result = account_name(&wanted, NULL, words[0], error);

    if (result == 0 && words[1] != NULL)
        result = account_state_password(&wanted, &password, error);
    if (result == 0 && words[2] != NULL)
        result = pairs_add(&emails, "email", words[2], error);
    if (result == 0 && words[2] != NULL)
        result = account_state_set(&wanted, ACCOUNT_EMAILS, &emails, error);
    if (result == 0)
        result = manage_way.create(backend, &wanted, &creation, &user, error);
    *what = outcomes[creation];
    pairs_free(&emails);
    account_free(&wanted);
    return result;
}

static int
act(struct backend *backend, const char *operation, const char *const *words,
    struct mas_user *user, const char **what, struct error *error)
{
    const char *name = words[0];
    bool value = words[1] != NULL && strcmp(words[1], "true") == 0;
    struct secret password = secret_of(words[1]);

    if (strcmp(operation, "create") == 0)
        return create(backend, words, what, error);
    if (strcmp(operation, "set_password") == 0)
        return manage_way.set_password(backend, user, name, &password, error);
    if (strcmp(operation, "set_admin") == 0)
        return manage_way.set_admin(backend, user, name, value, error);
    if (strcmp(operation, "set_locked") == 0)
        return manage_way.set_locked(backend, user, name, value, error);
    if (strcmp(operation, "deactivate") == 0)
        return manage_way.deactivate(backend, user, name, false, error);
    if (strcmp(operation, "reactivate") == 0)
        return manage_way.reactivate(backend, user, name, error);
    if (strcmp(operation, "end_sessions") == 0)
        return manage_way.end_sessions(backend, user, name, error);
    if (strcmp(operation, "add_email") == 0)
        return manage_way.add_email(backend, user, name, words[1], error);
    return error_set(error, ERROR_INTERNAL, "no operation is called %s", operation);
}

/* The user before it is the newest lookup's, as in mas.c. */
static json_t *
answer(struct backend *backend, const char *operation, const char *const *words)
{
    struct mas_user user = {0};
    struct error error = {0};
    const char *what = "done";
    bool found = false;

    if (manage_way.find(backend, words[0], &user, &found, &error) == 0 &&
        act(backend, operation, words, &user, &what, &error) == 0 && stop_signal() == 0)
        manage_way.find(backend, words[0], &user, &found, &error);
    if (error.kind == ERROR_NONE)
        return json_pack("{s:s, s:o}", "what", what, "user", to_json(&user, found));
    return json_pack("{s:s, s:s, s:b}", "kind", error_kind_name(error.kind), "text",
        error.text, "maybe_done", error.maybe_done);
}

static void
do_all(struct backend *backend, const json_t *input, json_t *answers)
{
    json_t *line;
    size_t i;

    json_array_foreach(json_object_get(input, "do"), i, line)
    {
        const char *words[4];

        /* As ensure.c ends a list. */
        if (stop_signal() != 0)
            return;
        for (size_t at = 0; at < 4; at++)
            words[at] = json_string_value(json_array_get(line, at));
        json_array_append_new(answers, answer(backend, words[0], words + 1));
    }
}

static int
run(void)
{
    static const struct backend_type type = {.product = "Matrix Authentication Service"};
    json_t *input = json_loadf(stdin, 0, NULL);
    json_t *output = json_pack("{s:[], s:[]}", "answers", "warnings");
    struct secret uri = secret_of(json_string_value(json_object_get(input, "uri")));
    struct postgres_options database = {
        .uri = &uri, .connect_timeout_ms = 20000, .statement_timeout_ms = 20000};
    struct connection connection = {
        .database = &database,
        .http.timeout_ms = (long)json_integer_value(json_object_get(input, "timeout_ms")),
        .engine.socket = json_string_value(json_object_get(input, "engine")),
        .engine.timeout_ms = 20000,
        .mas.command_container = "mas",
        .mas.command_config = json_string_value(json_object_get(input, "config")),
    };
    struct list warnings = {0};
    struct mas_state state = {0};
    struct backend backend = {.type = &type,
        .connection = &connection,
        .warnings = &warnings,
        .state = &state,
        .leeway.skip_password_check =
            json_is_true(json_object_get(input, "skip_password_check"))};
    struct error error = {0};

    stop_watch();
    if (manage_is_possible(&backend) && manage_way.open(&backend, &error) == 0)
        do_all(&backend, input, json_object_get(output, "answers"));
    if (error.kind != ERROR_NONE)
        json_object_set_new(output, "error",
            json_pack("{s:s, s:s}", "kind", error_kind_name(error.kind), "text", error.text));
    for (size_t i = 0; i < warnings.count; i++)
        json_array_append_new(json_object_get(output, "warnings"),
            json_string(warnings.items[i]));
    manage_way.close(&backend);
    postgres_close(backend.database);
    list_free(&warnings);
    json_dumpf(output, stdout, JSON_SORT_KEYS);
    json_decref(output);
    json_decref(input);
    return 0;
}

int
main(void)
{
    /* As main.c does, before the first JSON. */
    json_set_alloc_funcs(memory_allocate, memory_free);
    return run();
}
