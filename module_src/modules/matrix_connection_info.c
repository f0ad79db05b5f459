/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "modules/matrix_connection_info.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "ansible/reply.h"
#include "backends/backend.h"
#include "base/memory.h"
#include "base/text.h"
#include "modules/connection_options.h"
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

#define SECRETS_MOST 8

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
    struct text summary;
    json_t *reply;
    size_t given, working; /* credentials */
    enum { UNTOLD, CURRENT, OTHER } secret; /* the one the server runs with, or not */
    struct error refusal;  /* the first credential's that does not work */
};

/* The credentials that can be checked, each by itself. */
static const struct {
    const char *option;
    size_t field; /* in struct connection, a pointer */
    bool is_shared_secret;
} credentials[] = {
    {"access_token", offsetof(struct connection, access_token), false},
    {"admin_username", offsetof(struct connection, admin_username), false},
    {"registration_shared_secret", offsetof(struct connection, shared_secret), true},
};

#define CREDENTIALS (sizeof(credentials) / sizeof(credentials[0]))

static const void *
credential_of(const struct connection *connection, size_t which)
{
    const void *const *place =
        (const void *const *)((const char *)connection + credentials[which].field);

    return *place;
}

/* The connection with that credential alone. */
static struct connection
with_credential(const struct connection *connection, size_t which)
{
    struct connection one = *connection;

    if (which != 0)
        one.access_token = NULL;
    if (which != 1)
        one.admin_username = NULL;
    if (which != 2)
        one.shared_secret = NULL;
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
    keep_secret(&task->location.found.shared_secret, task);
    task->redaction.secrets = task->secrets;
    task->location.connection.http.secrets = &task->redaction;
}

static int
put(struct task *task, const char *key, json_t *value, struct error *error)
{
    return json_object_set_new(task->reply, key, value) == 0 ? 0 : error_no_memory(error);
}

/* How the server is reached, as far as that is known without a backend. */
static int
describe_connection(struct task *task, const struct backend *backend, struct error *error)
{
    const struct http_options *http = &task->location.connection.http;
    const struct connection *connection = &task->location.connection;
    bool in_namespace = false;
    const char *address = backend == NULL ? "" : http_route(backend->matrix.http, &in_namespace);
    const char *via = http->unix_socket != NULL ? "unix socket"
                      : http->finder == NULL    ? "url"
                      : in_namespace            ? "container namespace"
                                                : "container address";

    return put(task, "connection",
        json_pack("{s:s, s:s*, s:s*, s:s*, s:s}", "url", http->url, "unix_socket",
            http->unix_socket, "container",
            http->finder != NULL ? connection->container.name : NULL, "address",
            *address != '\0' ? address : NULL, "via", via),
        error);
}

static int
describe_server(struct task *task, const struct backend *backend, struct error *error)
{
    if (backend->type == NULL)
        return 0;
    if (put(task, "backend", json_string(capabilities_server_name(backend->type->server)),
            error) != 0 ||
        put(task, "server",
            json_pack("{s:s, s:s*}", "name", backend->type->product, "version",
                backend->version[0] != '\0' ? backend->version : NULL),
            error) != 0)
        return -1;
    return backend->server_name == NULL
               ? 0
               : put(task, "server_name", json_string(backend->server_name), error);
}

/* Which administrators there are, for a credential that works. */
static void
list_administrators(struct task *task, struct backend *backend)
{
    struct error failure = {0};

    if (backend->authority == AUTHORITY_NONE)
        backend->type->become_administrator(backend, &failure);
    if (failure.kind == ERROR_NONE && backend->authority == AUTHORITY_ADMINISTRATOR)
        backend->type->list_administrators(backend, &task->administrators, &failure);
    if (failure.kind != ERROR_NONE)
        list_add(&task->warnings, "the administrators could not be listed: %.900s",
            failure.text);
}

/* What came of one credential; its refusal is no failure of the look. */
static int
note_credential(struct task *task, size_t which, json_t *list, const struct error *failure,
    struct error *error)
{
    bool works = failure->kind == ERROR_NONE;
    json_t *entry = json_pack("{s:s, s:b, s:s*}", "option", credentials[which].option, "works",
        works, "msg", works ? NULL : failure->text);

    task->working += works;
    if (!works && task->refusal.kind == ERROR_NONE)
        task->refusal = *failure;
    if (credentials[which].is_shared_secret)
        task->secret = works ? CURRENT
                       : failure->kind == ERROR_UNAUTHORIZED ||
                               failure->kind == ERROR_UNSUPPORTED
                           ? OTHER
                           : UNTOLD;
    return json_array_append_new(list, entry) == 0 ? 0 : error_no_memory(error);
}

/* Failures that are of the server or of the way to it, and not of a credential. */
static bool
is_of_the_server(const struct error *failure)
{
    switch (failure->kind) {
    case ERROR_UNREACHABLE:
    case ERROR_TLS:
    case ERROR_NOT_READY:
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

/* What a backend shows of the server; no more than the way to it where it could
 * not be spoken to. */
static int
describe_backend(struct task *task, struct backend *backend, bool answers,
    struct error *error)
{
    struct error unknown = {0};

    if (describe_connection(task, backend, error) != 0)
        return -1;
    if (!answers)
        return 0;
    backend_learn_server_name(backend, &unknown);
    if (describe_server(task, backend, error) != 0)
        return -1;
    return put(task, "mas", json_boolean(backend->is_delegated), error);
}

/* Opens the server with one credential, or with none (CREDENTIALS). -1: trying
 * others is of no use. */
static int
try_credential(struct task *task, size_t which, json_t *list, struct error *error)
{
    struct connection connection = with_credential(&task->location.connection, which);
    struct list actions = {0};
    const struct backend_setting setting = {&task->warnings, &actions, true};
    struct error failure = {0};
    struct backend *backend = backend_open(&connection, &setting, &failure);
    bool is_delegated = backend != NULL && backend->is_delegated;
    bool answers = backend != NULL && backend->type != NULL && !is_of_the_server(&failure);
    int result;

    if (failure.kind == ERROR_NONE && which < CREDENTIALS &&
        backend->type->check_credential(backend, &failure) == 0 &&
        task->administrators.count == 0)
        list_administrators(task, backend);
    result = describe_backend(task, backend, answers, error);
    if (result == 0 && (is_of_the_server(&failure) || is_delegated)) {
        *error = failure;
        result = -1;
    } else if (result == 0 && which < CREDENTIALS) {
        result = note_credential(task, which, list, &failure, error);
    } else if (result == 0 && failure.kind != ERROR_NONE) {
        *error = failure;
        result = -1;
    }
    backend_close(backend);
    list_free(&actions);
    return result;
}

static int
check_credentials(struct task *task, json_t *list, struct error *error)
{
    for (size_t i = 0; i < CREDENTIALS; i++) {
        if (credential_of(&task->location.connection, i) == NULL)
            continue;
        task->given++;
        if (try_credential(task, i, list, error) != 0)
            return -1;
    }
    return task->given == 0 ? try_credential(task, CREDENTIALS, list, error) : 0;
}

static int
check(struct task *task, struct error *error)
{
    json_t *list = json_array();
    json_t *current;
    int result;

    if (list == NULL || json_object_set_new(task->reply, "credentials", list) != 0)
        return error_no_memory(error);
    result = check_credentials(task, list, error);
    if (result != 0)
        return -1;
    current = task->secret == UNTOLD ? json_null() : json_boolean(task->secret == CURRENT);
    if (put(task, "secret_is_current", current, error) != 0)
        return -1;
    return put(task, "administrators", reply_list(&task->administrators), error);
}

static const char *
word(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

/* "http://matrix-synapse:8008 (container matrix-synapse, 172.18.0.2)" */
static void
sum_up_connection(struct task *task)
{
    const json_t *connection = json_object_get(task->reply, "connection");
    const char *socket = word(connection, "unix_socket");
    const char *container = word(connection, "container");
    const char *address = word(connection, "address");

    text_append(&task->summary, word(connection, "url"));
    if (*socket != '\0')
        text_append_format(&task->summary, " (unix socket %s)", socket);
    else if (*container != '\0')
        text_append_format(&task->summary, " (container %s%s%s%s)", container,
            *address != '\0' ? ", " : "", address,
            strcmp(word(connection, "via"), "container namespace") == 0 ? " from inside it"
                                                                        : "");
}

static void
sum_up_credentials(struct task *task)
{
    bool told = json_object_get(task->reply, "secret_is_current") != NULL;
    const json_t *list = json_object_get(task->reply, "credentials");
    size_t i;
    json_t *entry;

    json_array_foreach(list, i, entry)
    {
        bool works = json_is_true(json_object_get(entry, "works"));

        text_append_format(&task->summary, "; %s %s%s", word(entry, "option"),
            works ? "works" : "does not work: ", works ? "" : word(entry, "msg"));
    }
    if (told && task->given == 0)
        text_append(&task->summary, "; no credential is given or found");
}

static void
sum_up_administrators(struct task *task)
{
    if (task->administrators.count == 0)
        return;
    text_append(&task->summary, "; administrators: ");
    for (size_t i = 0; i < task->administrators.count; i++)
        text_append_format(&task->summary, "%s%s", i > 0 ? ", " : "",
            task->administrators.items[i]);
}

/* One line for a person. */
static int
sum_up(struct task *task, struct error *error)
{
    const json_t *server = json_object_get(task->reply, "server");

    sum_up_connection(task);
    if (server != NULL)
        text_append_format(&task->summary, ": %s%s%s of %s", word(server, "name"),
            json_object_get(server, "version") != NULL ? " " : "", word(server, "version"),
            json_object_get(task->reply, "server_name") != NULL
                ? word(task->reply, "server_name")
                : "a name that it does not tell");
    if (json_is_true(json_object_get(task->reply, "mas")))
        text_append(&task->summary, "; its accounts are with Matrix Authentication Service");
    sum_up_credentials(task);
    sum_up_administrators(task);
    if (task->summary.failed)
        return error_no_memory(error);
    return put(task, "summary", json_string(task->summary.bytes), error);
}

/* What was found out so far is told in any case. */
static void
look(struct task *task, struct error *error)
{
    struct error failure = {0};
    const struct found *found = &task->location.found;
    int result = 0;

    if (found->is_there &&
        put(task, "discovered", location_describe(found), error) != 0)
        return;
    if (task->what.check.value)
        result = check(task, &failure);
    else
        result = describe_connection(task, NULL, &failure);
    if (result == 0 && task->given > 0 && task->working < task->given)
        failure = task->refusal;
    if (sum_up(task, error) != 0 || failure.kind == ERROR_NONE)
        return;
    *error = failure;
}

static int
run(const struct module_call *call)
{
    struct task task = {.call = call, .reply = json_object()};
    void *const into[] = {&task.where, &task.what};
    struct error error = {0};
    int result, status;

    result = options_parse(&schema, call->parameters, into, &task.warnings, &error);
    if (result == 0)
        result = location_find(&task.where, &task.location, &error);
    collect_secrets(&task);
    if (result == 0 && task.reply != NULL)
        look(&task, &error);
    if (task.reply != NULL &&
        (json_object_set_new(task.reply, "changed", json_false()) != 0 ||
            (task.warnings.count > 0 && json_object_set_new(task.reply, "warnings",
                                            reply_list(&task.warnings)) != 0) ||
            (error.kind != ERROR_NONE && reply_add_error(task.reply, &error) != 0))) {
        json_decref(task.reply);
        task.reply = NULL;
    }
    status = reply_print(task.reply, &task.redaction);
    json_decref(task.reply);
    options_free(&schema, into);
    location_free(&task.location);
    list_free(&task.warnings);
    list_free(&task.administrators);
    text_free(&task.summary);
    return status;
}

const struct module matrix_connection_info_module = {
    .name = "matrix_connection_info",
    .schema = &schema,
    .run = run,
};
