/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "modules/matrix_user.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "ansible/reply.h"
#include "base/memory.h"
#include "base/stop.h"
#include "ensure/ensure.h"
#include "modules/account_options.h"
#include "modules/connection_options.h"
#include "modules/location.h"
#include "modules/task_rules.h"
#include "modules/user_reply.h"

struct list_options {
    struct option_dicts users; /* struct account_options */
};

static const struct option list_option_rows[] = {
    {.name = "users", .type = OPTION_DICTS, .offset = offsetof(struct list_options, users),
        .dict = &account_element_option_set},
};

static const struct option_rule list_rules[] = {
    {OPTION_RULE_EXCLUSIVE, {"username", "users", NULL}},
    {OPTION_RULE_ONE_OF, {"username", "users", NULL}},
};

static const struct option_set list_option_set = {
    .options = list_option_rows,
    .count = sizeof(list_option_rows) / sizeof(list_option_rows[0]),
    .rules = list_rules,
    .rule_count = sizeof(list_rules) / sizeof(list_rules[0]),
};

static const struct option_schema schema = {
    .module = "matrix_user",
    .context = "",
    .sets = {&connection_option_set, &account_option_set, &list_option_set},
};

/* One task, from its parameters to its reply. */
struct task {
    const struct module_call *call;
    struct connection_options where;
    struct account_options single;
    struct list_options list;
    struct wish *wishes;
    struct outcome *outcomes;
    size_t count; /* of wishes and of outcomes */
    struct location location;
    struct list warnings;
    struct list actions; /* of the task, beside those of its users */
    const struct secret **secrets; /* all that must never be shown */
    struct redaction redaction;    /* the same */
};

static bool
is_list(const struct task *task)
{
    return task->list.users.given;
}

/* The options of the ith user. */
static const struct account_options *
user_options(const struct task *task, size_t i)
{
    const struct account_options *elements = task->list.users.items;

    return is_list(task) ? &elements[i] : &task->single;
}

static int
make_wishes(struct task *task, struct error *error)
{
    size_t count = is_list(task) ? task->list.users.count : 1;

    task->wishes = memory_zeroed(count + 1, sizeof(*task->wishes));
    task->outcomes = memory_zeroed(count + 1, sizeof(*task->outcomes));
    if (task->wishes == NULL || task->outcomes == NULL)
        return error_no_memory(error);
    task->count = count;
    for (size_t i = 0; i < count; i++)
        if (account_options_apply(user_options(task, i), &task->wishes[i], error) != 0)
            return -1;
    return 0;
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
    if (is_list(task) && refuse_mixture(task, error) != 0)
        return -1;
    if (location_find(&task->where, &task->location, error) != 0 ||
        make_wishes(task, error) != 0)
        return -1;
    return task_rules_check(task->wishes, task->count, &task->location.connection, error);
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

/* Visits those of the options, and the places of those that are not made yet. */
static void
visit_secrets(struct task *task, void (*visit)(const struct secret *, void *),
    void *context)
{
    void *const into[] = {&task->where, &task->single, &task->list};

    options_secrets(&schema, into, visit, context);
    found_secrets(&task->location.found, visit, context);
    for (size_t i = 0; i < task->count; i++)
        if (task->wishes[i].generate_password)
            visit(&task->outcomes[i].generated_password, context);
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
    task->location.connection.http.secrets = &task->redaction;
    return 0;
}

/* Refuses what one user's options ask for and this server has not. */
static int
vet_options(const struct wish *wish, enum server server, struct error *error)
{
    const char *options[ACCOUNT_FIELDS + 7];
    size_t count = 0;

    for (int field = 0; field < ACCOUNT_FIELDS; field++)
        if (account_states(&wish->account, (enum account_field)field))
            options[count++] = account_field_option((enum account_field)field);
    if (wish->initial.stated != 0)
        options[count++] = "initial_type";
    /* That a new account is no administrator, and has no type, is no demand. */
    if (account_is(&wish->initial, ACCOUNT_ADMIN))
        options[count++] = account_field_option(ACCOUNT_ADMIN);
    if (account_states(&wish->initial, ACCOUNT_USER_TYPE))
        options[count++] = account_field_option(ACCOUNT_USER_TYPE);
    if (wish->generate_password)
        options[count++] = "generate_password";
    if (wish->verify_login)
        options[count++] = "verify_login";
    if (wish->leeway.skip_password_check)
        options[count++] = "skip_password_check";
    if (wish->leeway.skip_homeserver_check)
        options[count++] = "skip_homeserver_check";
    for (size_t i = 0; i < count; i++)
        if (capabilities_require(capabilities_table, capabilities_count, server, options[i],
                error) != 0)
            return -1;
    return 0;
}

/* Refuses what this server cannot do, before anything is changed. */
static int
vet(const struct task *task, struct backend *backend, struct error *error)
{
    if (connection_options_vet(&task->location.connection, backend->type->server, NULL,
            error) != 0)
        return -1;
    for (size_t i = 0; i < task->count; i++)
        if (vet_options(&task->wishes[i], backend->type->server, error) != 0)
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
    const struct backend_setting setting = {
        .warnings = &task->warnings,
        .actions = &task->actions,
        .predict = task->call->check_mode,
    };
    struct backend *backend = backend_open(&task->location.connection, &setting, error);
    int result = -1;

    if (backend == NULL)
        return -1;
    if (error->kind == ERROR_NONE && vet(task, backend, error) == 0)
        result = ensure_accounts(backend, task->wishes, task->count, mode, task->outcomes,
            error);
    if (add_server(reply, backend) != 0 ||
        (backend->restart_required &&
            json_object_set_new(reply, "restart_required", json_true()) != 0))
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
    return 0;
}

/* What was done beside the accounts, and behind it what was done to the one. */
static int
add_actions(const struct task *task, json_t *reply)
{
    json_t *actions = reply_list(&task->actions);
    json_t *user = json_object_get(json_object_get(reply, "user"), "actions");

    if (actions == NULL || (user != NULL && json_array_extend(actions, user) != 0)) {
        json_decref(actions);
        return -1;
    }
    return json_object_set_new(reply, "actions", actions);
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
    bool has_users =
        task->outcomes != NULL && (error->kind == ERROR_NONE || task->outcomes[0].tried);
    bool changed = task->actions.count > 0;

    if (task->actions.failed)
        return -1;
    for (size_t i = 0; i < task->count; i++)
        changed |= task->outcomes[i].changed;
    if (json_object_set_new(reply, "changed", json_boolean(changed)) != 0)
        return -1;
    if (task->warnings.count > 0 &&
        json_object_set_new(reply, "warnings", reply_list(&task->warnings)) != 0)
        return -1;
    if (error->kind != ERROR_NONE && reply_add_error(reply, error) != 0)
        return -1;
    if (has_users && (is_list(task) ? add_users(task, reply) : add_user(task, reply)) != 0)
        return -1;
    if ((has_users || task->actions.count > 0) && add_actions(task, reply) != 0)
        return -1;
    if (location_is_found(&task->location.found) &&
        json_object_set_new(reply, "discovered", location_describe(&task->location.found)) !=
            0)
        return -1;
    return has_users && task->call->diff ? add_diff(task, reply) : 0;
}

static void
free_task(struct task *task)
{
    void *const into[] = {&task->where, &task->single, &task->list};

    for (size_t i = 0; i < task->count; i++) {
        wish_free(&task->wishes[i]);
        outcome_free(&task->outcomes[i]);
    }
    options_free(&schema, into);
    location_free(&task->location);
    memory_free(task->wishes);
    memory_free(task->outcomes);
    memory_free((void *)task->secrets);
    list_free(&task->warnings);
    list_free(&task->actions);
}

static int
run(const struct module_call *call)
{
    struct task task = {.call = call};
    struct error error = {0};
    json_t *reply = json_object();
    int result, status;

    result = read_task(&task, &error);
    /* Also after an error, so that its text is looked through, too. */
    if (collect_secrets(&task, &error) == 0 && result == 0)
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
