/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "modules/matrix_user.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ansible/reply.h"
#include "base/memory.h"
#include "base/stop.h"
#include "ensure/ensure.h"
#include "modules/account_options.h"
#include "modules/connection_options.h"
#include "modules/user_reply.h"

struct list_options {
    json_t *users;
};

static const struct option list_option_rows[] = {
    {.name = "users", .type = OPTION_DICTS, .offset = offsetof(struct list_options, users),
        .dict = &account_element_option_set},
};

static const struct option_set list_option_set = {.options = list_option_rows, .count = 1};

static const struct option_rule rules[] = {
    {OPTION_RULE_EXCLUSIVE, {"username", "users", NULL}},
    {OPTION_RULE_ONE_OF, {"username", "users", NULL}},
    CONNECTION_RULES,
};

static const struct option_schema schema = {
    .module = "matrix_user",
    .context = "",
    .sets = {&connection_option_set, &account_option_set, &list_option_set},
    .rules = rules,
    .rule_count = sizeof(rules) / sizeof(rules[0]),
};

static const struct option_schema element_schema = {
    .module = "matrix_user",
    .context = "users",
    .sets = {&account_element_option_set},
};

/* One task, from its parameters to its reply. */
struct task {
    const struct module_call *call;
    struct connection_options where;
    struct account_options single;
    struct list_options list;
    struct account_options *elements; /* options of users[i] */
    struct wish *wishes;
    struct outcome *outcomes;
    size_t count;
    struct connection connection;
    struct list warnings;
    const struct secret **secrets; /* all that must never be shown */
    struct redaction redaction;    /* the same */
};

static bool
is_list(const struct task *task)
{
    return task->list.users != NULL;
}

static int
read_elements(struct task *task, struct error *error)
{
    const json_t *element;
    size_t i;

    task->count = json_array_size(task->list.users);
    task->elements = memory_zeroed(task->count + 1, sizeof(*task->elements));
    if (task->elements == NULL)
        return error_no_memory(error);
    json_array_foreach(task->list.users, i, element)
    {
        void *const into[] = {&task->elements[i]};

        if (options_parse(&element_schema, element, into, &task->warnings, error) != 0)
            return -1;
    }
    return 0;
}

static int
compare_localparts(const void *one, const void *other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

/* A name given twice would make the result depend on the order of work. */
static int
refuse_duplicates(const struct task *task, struct error *error)
{
    const char **names = memory_zeroed(task->count + 1, sizeof(*names));
    int result = 0;

    if (names == NULL)
        return error_no_memory(error);
    for (size_t i = 0; i < task->count; i++)
        names[i] = task->wishes[i].id.localpart;
    qsort(names, task->count, sizeof(*names), compare_localparts);
    for (size_t i = 1; result == 0 && i < task->count; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            result = error_set(error, ERROR_INVALID, "users has \"%.80s\" more than once",
                names[i]);
    memory_free(names);
    return result;
}

/* Servers limit logins, so a list may not cost one a user. */
static int
refuse_many_logins(const struct task *task, struct error *error)
{
    size_t logins = 0;

    if (connection_has_administrator(&task->connection))
        return 0;
    for (size_t i = 0; i < task->count; i++)
        logins += task->wishes[i].if_exists == IF_EXISTS_MATCH ||
                  task->wishes[i].update_password == UPDATE_PASSWORD_ALWAYS;
    if (logins <= ENSURE_LOGINS_MOST)
        return 0;
    return error_set(error, ERROR_INVALID,
        "without an administrator (access_token, or admin_username and admin_password) "
        "if_exists: match and update_password: always take a login a user, and servers "
        "limit logins: at most %d users in one task can have them, here %zu do",
        ENSURE_LOGINS_MOST, logins);
}

static int
make_wishes(struct task *task, struct error *error)
{
    task->wishes = memory_zeroed(task->count + 1, sizeof(*task->wishes));
    task->outcomes = memory_zeroed(task->count + 1, sizeof(*task->outcomes));
    if (task->wishes == NULL || task->outcomes == NULL)
        return error_no_memory(error);
    for (size_t i = 0; i < task->count; i++)
        if (account_options_apply(is_list(task) ? &task->elements[i] : &task->single,
                &task->wishes[i], error) != 0)
            return -1;
    return refuse_duplicates(task, error);
}

/* A single user's options make no sense beside a list; their defaults do. */
static int
refuse_mixture(const struct task *task, struct error *error)
{
    const struct option_set *set = &account_option_set;

    for (size_t i = 0; i < set->count; i++)
        if (json_object_get(task->call->parameters, set->options[i].name) != NULL &&
            !json_is_null(json_object_get(task->call->parameters, set->options[i].name)))
            return error_set(error, ERROR_INVALID,
                "parameters are mutually exclusive: %s|users; inside users each has its own",
                set->options[i].name);
    return 0;
}

static int
read_task(struct task *task, struct error *error)
{
    void *const into[] = {&task->where, &task->single, &task->list};

    if (options_parse(&schema, task->call->parameters, into, &task->warnings, error) != 0)
        return -1;
    task->count = 1;
    if (is_list(task) &&
        (refuse_mixture(task, error) != 0 || read_elements(task, error) != 0))
        return -1;
    if (connection_options_apply(&task->where, &task->connection, error) != 0 ||
        make_wishes(task, error) != 0)
        return -1;
    return refuse_many_logins(task, error);
}

static void
count_secret(const struct secret *secret, void *context)
{
    (void)secret;
    ++*(size_t *)context;
}

static void
keep_secret(const struct secret *secret, void *context)
{
    struct task *task = context;

    task->secrets[task->redaction.count++] = secret;
}

static void
visit_secrets(struct task *task, void (*visit)(const struct secret *, void *),
    void *context)
{
    void *const into[] = {&task->where, &task->single, &task->list};

    options_secrets(&schema, into, visit, context);
    for (size_t i = 0; task->elements != NULL && i < task->count; i++) {
        void *const element[] = {&task->elements[i]};

        options_secrets(&element_schema, element, visit, context);
    }
}

static int
collect_secrets(struct task *task, struct error *error)
{
    size_t count = 0;

    visit_secrets(task, count_secret, &count);
    task->secrets = memory_zeroed(count + 1, sizeof(*task->secrets));
    if (task->secrets == NULL)
        return error_no_memory(error);
    visit_secrets(task, keep_secret, task);
    task->redaction.secrets = task->secrets;
    task->connection.http.secrets = &task->redaction;
    return 0;
}

/* Refuses what this server cannot do, before anything is changed. */
static int
vet(const struct task *task, struct backend *backend, struct error *error)
{
    for (int field = 0; field < ACCOUNT_FIELDS; field++)
        for (size_t i = 0; i < task->count; i++)
            if (account_states(&task->wishes[i].account, (enum account_field)field) &&
                capabilities_require(capabilities_table, capabilities_count,
                    backend->type->server, account_field_name((enum account_field)field),
                    error) != 0)
                return -1;
    for (size_t i = 0; i < task->count; i++) {
        struct account *wanted = &task->wishes[i].account;

        if (account_name(wanted, NULL, task->wishes[i].id.localpart, error) != 0 ||
            backend->type->vet(backend, wanted, error) != 0)
            return -1;
    }
    return 0;
}

static int
add_server(json_t *reply, const struct backend *backend)
{
    json_t *server;

    if (backend->type == NULL)
        return 0;
    server = json_pack("{s:s, s:s*}", "name", backend->type->product, "version",
        backend->version[0] != '\0' ? backend->version : NULL);
    if (json_object_set_new(reply, "server", server) != 0 ||
        json_object_set_new(reply, "backend",
            json_string(capabilities_server_name(backend->type->server))) != 0)
        return -1;
    if (backend->authenticated_by == NULL)
        return 0;
    return json_object_set_new(reply, "authenticated_by",
        json_string(backend->authenticated_by));
}

static int
work(struct task *task, json_t *reply, struct error *error)
{
    enum ensure_mode mode = task->call->check_mode ? ENSURE_PREDICT : ENSURE_APPLY;
    struct backend *backend = backend_open(&task->connection, &task->warnings, error);
    int result = -1;

    if (backend == NULL)
        return -1;
    if (error->kind == ERROR_NONE && vet(task, backend, error) == 0)
        result = ensure_accounts(backend, task->wishes, task->count, mode, task->outcomes,
            error);
    if (add_server(reply, backend) != 0)
        result = error_no_memory(error);
    backend_close(backend);
    return result;
}

static int
add_users(const struct task *task, json_t *reply)
{
    json_t *users = json_array();

    if (users == NULL || json_object_set_new(reply, "users", users) != 0 ||
        json_object_set_new(reply, "summary",
            user_reply_summary(task->outcomes, task->count)) != 0)
        return -1;
    for (size_t i = 0; i < task->count; i++)
        if (json_array_append_new(users,
                user_reply_entry(&task->wishes[i], &task->outcomes[i])) != 0)
            return -1;
    return 0;
}

/* The single user's entry; its error, if any, is the task's own. */
static int
add_user(const struct task *task, json_t *reply)
{
    json_t *entry = user_reply_entry(&task->wishes[0], &task->outcomes[0]);

    if (json_object_set_new(reply, "user", entry) != 0)
        return -1;
    json_object_del(entry, "failed");
    json_object_del(entry, "msg");
    json_object_del(entry, "error");
    return json_object_set(reply, "actions", json_object_get(entry, "actions"));
}

static int
add_diff(const struct task *task, json_t *reply)
{
    json_t *diffs = json_array();

    if (diffs == NULL || json_object_set_new(reply, "diff", diffs) != 0)
        return -1;
    for (size_t i = 0; i < task->count; i++)
        if (task->outcomes[i].changed &&
            json_array_append_new(diffs,
                user_reply_diff(&task->wishes[i], &task->outcomes[i])) != 0)
            return -1;
    return 0;
}

/* The task's error when accounts failed one by one. */
static void
sum_up_errors(const struct task *task, struct error *error)
{
    size_t failed = 0;
    const struct outcome *first = NULL;

    if (error->kind != ERROR_NONE || task->outcomes == NULL)
        return;
    for (size_t i = 0; i < task->count; i++) {
        if (task->outcomes[i].error.kind == ERROR_NONE)
            continue;
        if (first == NULL)
            first = &task->outcomes[i];
        failed++;
    }
    if (first == NULL)
        return;
    *error = first->error;
    if (is_list(task) && failed > 1)
        snprintf(error->text, sizeof(error->text),
            "%zu of %zu users failed; the first: %.1100s", failed, task->count,
            first->error.text);
}

static int
fill_reply(const struct task *task, json_t *reply, const struct error *error)
{
    bool changed = false;

    for (size_t i = 0; task->outcomes != NULL && i < task->count; i++)
        changed |= task->outcomes[i].changed;
    if (json_object_set_new(reply, "changed", json_boolean(changed)) != 0)
        return -1;
    if (task->warnings.count > 0 &&
        json_object_set_new(reply, "warnings", reply_list(&task->warnings)) != 0)
        return -1;
    if (error->kind != ERROR_NONE && reply_add_error(reply, error) != 0)
        return -1;
    if (task->outcomes == NULL || (error->kind != ERROR_NONE && !task->outcomes[0].tried))
        return 0;
    if ((is_list(task) ? add_users(task, reply) : add_user(task, reply)) != 0)
        return -1;
    return task->call->diff ? add_diff(task, reply) : 0;
}

static void
free_task(struct task *task)
{
    void *const into[] = {&task->where, &task->single, &task->list};

    for (size_t i = 0; i < task->count; i++) {
        void *const element[] = {task->elements == NULL ? NULL : &task->elements[i]};

        if (task->elements != NULL)
            options_free(&element_schema, element);
        if (task->wishes != NULL)
            wish_free(&task->wishes[i]);
        if (task->outcomes != NULL)
            outcome_free(&task->outcomes[i]);
    }
    options_free(&schema, into);
    memory_free(task->elements);
    memory_free(task->wishes);
    memory_free(task->outcomes);
    memory_free((void *)task->secrets);
    list_free(&task->warnings);
}

static int
run(const struct module_call *call)
{
    struct task task = {.call = call};
    struct error error = {0};
    json_t *reply = json_object();
    int status;

    if (read_task(&task, &error) == 0 && collect_secrets(&task, &error) == 0)
        work(&task, reply, &error);
    sum_up_errors(&task, &error);
    if (reply != NULL && fill_reply(&task, reply, &error) != 0) {
        json_decref(reply);
        reply = NULL;
    }
    status = reply_print(reply, &task.redaction);
    json_decref(reply);
    free_task(&task);
    return status;
}

const struct module matrix_user_module = {
    .name = "matrix_user",
    .schema = &schema,
    .run = run,
};
