/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "modules/matrix_connection_info.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "ansible/reply.h"
#include "backends/backend.h"
#include "base/memory.h"
#include "modules/connection_options.h"
#include "modules/connection_summary.h"
#include "modules/credential.h"
#include "modules/location.h"

struct check_options {
    struct option_boolean check;
};

static const struct option check_option_rows[] = {
    {.name = "check", .type = OPTION_BOOLEAN, .offset = offsetof(struct check_options, check),
        .fallback = "true"},
};

static const struct option_set check_option_set = {
    .options = check_option_rows,
    .count = sizeof(check_option_rows) / sizeof(check_option_rows[0]),
};

static const struct option_schema schema = {
    .module = "matrix_connection_info",
    .context = "",
    .sets = {&connection_option_set, &check_option_set},
};

#define SECRETS_MOST (16 + 8 + MAS_SCHEMES_MOST)

/* One task, from its parameters to its reply. */
struct task {
    const struct module_call *call;
    struct connection_options where;
    struct check_options what;
    struct location location;
    const struct secret *secrets[SECRETS_MOST];
    struct redaction redaction;
    struct list warnings;
    struct list administrators;
    bool are_listed;          /* all of them */
    bool lacks_service;       /* which could list them, and is still to be made */
    json_t *reply;
    const char *backend;      /* which one answered */
    enum server server;       /* the same */
    enum { UNTOLD, CURRENT, OTHER } secret; /* the one the server runs with, or not */
    struct error refusal;     /* the first credential's that does not work */
};

/* The connection without any, but for what shows that a homeserver's accounts are with
 * MAS, which answers nobody without one. */
static struct connection
without_credentials(const struct connection *connection)
{
    struct connection one = credential_alone(connection, CREDENTIALS);

    one.mas = connection->mas;
    return one;
}

static void
keep_secret(const struct secret *secret, void *context)
{
    struct task *task = context;

    if (task->redaction.count < SECRETS_MOST)
        task->secrets[task->redaction.count++] = secret;
}

static void
collect_secrets(struct task *task)
{
    void *const into[] = {&task->where, &task->what};

    options_secrets(&schema, into, keep_secret, task);
    found_secrets(&task->location.found, keep_secret, task);
    task->redaction.secrets = task->secrets;
    task->location.connection.http.secrets = &task->redaction;
}

static int
put(struct task *task, const char *key, json_t *value, struct error *error)
{
    return json_object_set_new(task->reply, key, value) == 0 ? 0 : error_no_memory(error);
}

/* Where only MAS is known, and no homeserver. */
static int
describe_mas_alone(struct task *task, struct error *error)
{
    const struct mas_connection *mas = &task->location.connection.mas;
    const char *container = mas->reach.into_container ? mas->container.name : NULL;

    return put(task, "connection",
        json_pack("{s:s*, s:s*, s:s*, s:s*, s:s}", "url", mas->url, "mas_url", mas->url,
            "unix_socket", mas->reach.unix_socket, "container", container, "via",
            mas->reach.unix_socket != NULL ? "unix socket"
            : container != NULL            ? "container"
                                           : "url"),
        error);
}

/* How the server is reached, as far as that is known: without a backend nobody
 * has tried. */
static int
describe_connection(struct task *task, const struct backend *backend, struct error *error)
{
    const struct http_options *http = &task->location.connection.http;
    const struct connection *connection = &task->location.connection;
    bool in_namespace = false;
    const char *address = backend == NULL || backend->matrix.http == NULL
                              ? ""
                              : http_route(backend->matrix.http, &in_namespace);
    const char *via = http->unix_socket != NULL ? "unix socket"
                      : http->finder == NULL    ? "url"
                      : *address == '\0'        ? "container"
                      : in_namespace            ? "container namespace"
                                                : "container address";

    if (http->url == NULL)
        return describe_mas_alone(task, error);
    return put(task, "connection",
        json_pack("{s:s, s:s*, s:s*, s:s*, s:s, s:s*}", "url", http->url, "unix_socket",
            http->unix_socket, "container",
            http->finder != NULL ? connection->container.name : NULL, "address",
            *address != '\0' ? address : NULL, "via", via, "mas_url", connection->mas.url),
        error);
}

static int
describe_server(struct task *task, const struct backend *backend, struct error *error)
{
    if (put(task, "backend", json_string(capabilities_server_name(backend->type->server)),
            error) != 0 ||
        put(task, "server",
            json_pack("{s:s, s:s*}", "name", backend->type->product, "version",
                backend->version[0] != '\0' ? backend->version : NULL),
            error) != 0)
        return -1;
    return put(task, "mas",
        json_boolean(backend->is_delegated || backend->type->server == SERVER_MAS), error);
}

/* A listener for clients alone tells it only to who has logged in. */
static int
describe_name(struct task *task, struct backend *backend, struct error *error)
{
    struct error failure = {0};

    if (backend_learn_server_name(backend, &failure) != 0) {
        *error = failure;
        return -1;
    }
    return backend->server_name == NULL
               ? 0
               : put(task, "server_name", json_string(backend->server_name), error);
}

/* Failures that are of the server or of the way to it, and say nothing of a
 * credential. */
static bool
is_of_the_server(const struct error *failure)
{
    switch (failure->kind) {
    case ERROR_UNREACHABLE:
    case ERROR_TLS:
    case ERROR_NOT_READY:
    case ERROR_RATE_LIMITED:
    case ERROR_PROTOCOL:
    case ERROR_SERVER:
    case ERROR_INVALID:
    case ERROR_MEMORY:
    case ERROR_INTERNAL:
    case ERROR_INTERRUPTED:
        return true;
    default:
        return false;
    }
}

/* What MAS refuses is the credential, of which the look at each of them tells. */
static bool
is_told_later(const struct task *task, const struct backend *backend,
    const struct error *failure)
{
    return backend != NULL && backend->type != NULL && backend->type->server == SERVER_MAS &&
           connection_has_mas_credential(&task->location.connection) &&
           !is_of_the_server(failure);
}

/* Who is there, before any credential is sent that could be another one. */
static int
meet_server(struct task *task, struct error *error)
{
    const struct connection connection = without_credentials(&task->location.connection);
    struct list actions = {0};
    const struct backend_setting setting = {&task->warnings, &actions, true};
    struct error failure = {0};
    struct backend *backend = backend_open(&connection, &setting, &failure);
    int result = describe_connection(task, backend, error);

    if (result == 0 && backend != NULL && backend->type != NULL &&
        !is_of_the_server(&failure)) {
        struct error naming = {0};

        task->server = backend->type->server;
        task->backend = capabilities_server_name(task->server);
        result = describe_server(task, backend, error);
        if (result == 0 && describe_name(task, backend, &naming) != 0 &&
            failure.kind == ERROR_NONE)
            failure = naming;
    }
    if (result == 0 && failure.kind != ERROR_NONE &&
        !is_told_later(task, backend, &failure)) {
        *error = failure;
        result = -1;
    }
    backend_close(backend);
    list_free(&actions);
    return result;
}

/* Which administrators there are, for a credential that works. Where an
 * administrator would not be told, none is sought. */
static void
list_administrators(struct task *task, struct backend *backend)
{
    bool has_api = backend->type->unseen == NULL;
    struct error failure = {0};
    bool able;

    if (has_api && backend->authority == AUTHORITY_NONE)
        backend->type->become_administrator(backend, &failure);
    able = !has_api || backend->authority == AUTHORITY_ADMINISTRATOR;
    if (failure.kind == ERROR_NONE && able)
        backend->type->list_administrators(backend, &task->administrators, &failure);
    /* Each server has an order of its own; the first of many are those of the alphabet. */
    list_sort(&task->administrators);
    task->are_listed = failure.kind == ERROR_NONE && able;
    task->lacks_service =
        failure.kind == ERROR_NONE && backend->authority == AUTHORITY_PREDICTED;
    if (failure.kind == ERROR_NONE)
        return;
    /* A part of them would look like all. */
    list_free(&task->administrators);
    list_add(&task->warnings, "the administrators could not be listed: %.900s", failure.text);
}

/* What came of one credential; its refusal is no failure of the look. */
static int
note_credential(struct task *task, enum credential which, json_t *list, const struct error *failure,
    struct error *error)
{
    bool works = failure->kind == ERROR_NONE;
    json_t *entry = json_pack("{s:s, s:b, s:s*}", "option", credential_option(which), "works",
        works, "msg", works ? NULL : failure->text);

    if (!works && task->refusal.kind == ERROR_NONE)
        task->refusal = *failure;
    if (which == CREDENTIAL_SHARED_SECRET)
        task->secret = works ? CURRENT
                       : failure->kind == ERROR_UNAUTHORIZED ||
                               failure->kind == ERROR_UNSUPPORTED
                           ? OTHER
                           : UNTOLD;
    return json_array_append_new(list, entry) == 0 ? 0 : error_no_memory(error);
}

/* A failure after which others need not be tried; of the database, none is. */
static bool
ends_check(enum credential which, const struct error *failure)
{
    return which != CREDENTIAL_DATABASE ? is_of_the_server(failure)
                             : failure->kind == ERROR_MEMORY || failure->kind == ERROR_INTERRUPTED;
}

/* One that cannot be tried without using it up: it works, or not. */
static int
note_unknown(enum credential which, json_t *list, const struct backend *backend,
    struct error *error)
{
    char why[200];

    snprintf(why, sizeof(why), "%s says so to nobody who makes no account with it",
        backend->type->product);
    return json_array_append_new(list, json_pack("{s:s, s:n, s:s}", "option",
                                           credential_option(which), "works", "msg", why)) == 0
               ? 0
               : error_no_memory(error);
}

/* Opens the server with one credential. -1: trying others is of no use. */
static int
try_credential(struct task *task, enum credential which, json_t *list, struct error *error)
{
    struct connection connection = credential_alone(&task->location.connection, which);
    struct list actions = {0};
    const struct backend_setting setting = {&task->warnings, &actions, true};
    struct error failure = {0};
    struct backend *backend;
    bool told = true;
    int result = 0;

    connection.backend = task->backend;
    backend = backend_open(&connection, &setting, &failure);
    if (failure.kind == ERROR_NONE && credential_prove(backend, which, &told, &failure) == 0) {
        result = describe_name(task, backend, error);
        if (result == 0 && !task->are_listed && which != CREDENTIAL_REGISTRATION_TOKEN)
            list_administrators(task, backend);
    }
    if (!told)
        result = note_unknown(which, list, backend, error);
    if (result == 0 && ends_check(which, &failure)) {
        *error = failure;
        result = -1;
    }
    /* One that was only found is no credential when it does not open. */
    if (result == 0 && told &&
        !(backend != NULL && backend->database_is_unusable && which == CREDENTIAL_DATABASE))
        result = note_credential(task, which, list, &failure, error);
    backend_close(backend);
    list_free(&actions);
    return result;
}

/* One that no task can give to this server is told as what does not work; others that
 * it has no use for may be another's, who has its accounts. */
static int
look_at_credential(struct task *task, enum credential which, json_t *list, struct error *error)
{
    struct error refusal = {0};

    if (capabilities_require(capabilities_table, capabilities_count, task->server,
            credential_option(which), &refusal) == 0)
        return try_credential(task, which, list, error);
    refusal = (struct error){0};
    if (connection_options_vet(&task->location.connection, task->server,
            credential_option(which), &refusal) == 0)
        return 0;
    return note_credential(task, which, list, &refusal, error);
}

static int
check(struct task *task, struct error *error)
{
    json_t *list = json_array();
    json_t *current;

    if (list == NULL || json_object_set_new(task->reply, "credentials", list) != 0)
        return error_no_memory(error);
    if (meet_server(task, error) != 0)
        return -1;
    for (int i = 0; i < CREDENTIALS; i++)
        if (credential_is_given(&task->location.connection, (enum credential)i) &&
            look_at_credential(task, (enum credential)i, list, error) != 0)
            return -1;
    current = task->secret == UNTOLD ? json_null() : json_boolean(task->secret == CURRENT);
    if (put(task, "secret_is_current", current, error) != 0)
        return -1;
    return put(task, "administrators", reply_list(&task->administrators), error);
}

/* What was found out so far is told in any case. */
static int
look(struct task *task, struct error *error)
{
    struct error failure = {0};
    char *summary;
    int result = task->what.check.value ? check(task, &failure)
                                        : describe_connection(task, NULL, &failure);

    summary = connection_summary_make(task->reply, task->lacks_service,
        result != 0 ? failure.text : NULL);
    if (summary == NULL)
        return error_no_memory(error);
    result = put(task, "summary", json_string(summary), error);
    memory_free(summary);
    if (result != 0)
        return -1;
    *error = failure.kind != ERROR_NONE ? failure : task->refusal;
    return error->kind == ERROR_NONE ? 0 : -1;
}

static int
locate(struct task *task, struct error *error)
{
    const struct found *found = &task->location.found;
    void *const into[] = {&task->where, &task->what};
    int result;

    if (options_parse(&schema, task->call->parameters, into, &task->warnings, error) != 0)
        return -1;
    result = location_find(&task->where, &task->location, error);
    if (location_is_found(found) && task->reply != NULL &&
        json_object_set_new(task->reply, "discovered", location_describe(found)) != 0)
        return error_no_memory(error);
    return result;
}

static int
finish(struct task *task, const struct error *error)
{
    json_t *reply = task->reply;

    if (json_object_set_new(reply, "changed", json_false()) != 0 ||
        (task->warnings.count > 0 &&
            json_object_set_new(reply, "warnings", reply_list(&task->warnings)) != 0))
        return -1;
    return error->kind == ERROR_NONE ? 0 : reply_add_error(reply, error);
}

static int
run(const struct module_call *call)
{
    struct task task = {.call = call, .reply = json_object()};
    void *const into[] = {&task.where, &task.what};
    struct error error = {0};
    bool is_located = locate(&task, &error) == 0;
    int status;

    collect_secrets(&task);
    if (is_located && task.reply != NULL)
        look(&task, &error);
    if (task.reply != NULL && finish(&task, &error) != 0) {
        json_decref(task.reply);
        task.reply = NULL;
    }
    status = reply_print(task.reply, &task.redaction);
    json_decref(task.reply);
    options_free(&schema, into);
    location_free(&task.location);
    list_free(&task.warnings);
    list_free(&task.administrators);
    return status;
}

const struct module matrix_connection_info_module = {
    .name = "matrix_connection_info",
    .schema = &schema,
    .run = run,
};
