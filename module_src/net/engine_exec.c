/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/engine_exec.h"

#include <ctype.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/stop.h"
#include "base/text.h"
#include "net/container.h"
#include "net/engine_stream.h"
#include "net/engine_talk.h"

/* An id has 64 digits, in Docker as in Podman. */
#define ID_LONGEST 128

/* How often it is asked whether the command has ended, once its output has. */
#define FIRST_PAUSE_MS 5
#define LONGEST_PAUSE_MS 200

/* One command on its way. */
struct exec {
    const struct engine_command *command;
    struct engine_talk talk; /* with the engine that has the container */
    char id[ID_LONGEST + 1];
    struct engine_stream output;
    bool output_is_whole;
    long long ends_ms; /* on stop_clock_ms: its time is over */
};

static int
check_signal(const struct engine_command *command, struct error *error)
{
    if (command->cleaning_up || stop_signal() == 0)
        return 0;
    return error_set(error, ERROR_INTERRUPTED, "stopped by %s",
        stop_signal_name(stop_signal()));
}

/* A list of strings, or NULL: no memory, or one is not Unicode. */
static json_t *
list_words(const char *const *words)
{
    json_t *list = json_array();

    for (size_t i = 0; words != NULL && words[i] != NULL; i++)
        if (json_array_append_new(list, json_string(words[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

/* The body that asks for the command, for memory_free. */
static char *
describe(const struct engine_command *command, struct error *error)
{
    size_t failures = memory_failures();
    json_t *asked = json_pack("{s:b, s:b, s:b, s:b}", "AttachStdin", 0, "AttachStdout", 1,
        "AttachStderr", 1, "Tty", 0);
    char *body = NULL;

    if (json_object_set_new(asked, "Env", list_words(command->environment)) == 0 &&
        json_object_set_new(asked, "Cmd", list_words(command->words)) == 0)
        body = json_dumps(asked, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(asked);
    if (memory_failures() != failures) {
        memory_free(body);
        error_no_memory(error);
        return NULL;
    }
    if (body == NULL)
        error_set(error, ERROR_INVALID,
            "%s cannot be run with an argument that is not Unicode", command->words[0]);
    return body;
}

/* "-> the id": letters and digits only, since it becomes a part of a path. */
static int
take_id(struct exec *exec, const struct http_reply *reply, const json_t *body,
    struct error *error)
{
    const json_t *member = json_object_get(body, "Id");
    const char *id = json_string_value(member);
    size_t length = id == NULL ? 0 : strlen(id);
    bool valid = length > 0 && length <= ID_LONGEST && length == json_string_length(member);

    for (size_t i = 0; valid && i < length; i++)
        valid = isalnum((unsigned char)id[i]) != 0;
    if (!valid) {
        error->status = reply->status;
        return error_set(error, ERROR_PROTOCOL,
            "the container engine's API at %s: its answer has no usable Id", exec->talk.socket);
    }
    memcpy(exec->id, id, length + 1);
    return 0;
}

static int
make(struct exec *exec, struct error *error)
{
    struct http_request request = {.method = "POST"};
    struct http_reply reply = {0};
    struct text path = {0};
    json_t *body = NULL;
    char *asked = describe(exec->command, error);
    int result = -1;

    if (asked == NULL)
        return -1;
    text_append_format(&path, "/containers/%s/exec", exec->command->container);
    request.path = path.bytes;
    request.body = asked;
    if (path.failed)
        error_no_memory(error);
    else if (engine_talk_send(&exec->talk, &request, &reply, error) == 0 &&
             engine_talk_read(&reply, &body, error) == 0)
        result = reply.status == 201
                     ? take_id(exec, &reply, body, error)
                     : engine_talk_refused(&exec->talk, &reply, body, error);
    /* It is only made, and was not started. */
    error->maybe_done = false;
    json_decref(body);
    http_reply_free(&reply);
    text_free(&path);
    memory_free(asked);
    return result;
}

static bool
take_output(void *context, const char *bytes, size_t length)
{
    struct exec *exec = context;

    return engine_stream_take(&exec->output, bytes, length);
}

static int
sends_nonsense(const struct exec *exec, struct error *error)
{
    error->maybe_done = true;
    return error_set(error, ERROR_PROTOCOL,
        "the container engine's API at %s sends something else than the output of a command; "
        "how %s ended is not known",
        exec->talk.socket, exec->command->words[0]);
}

/* What became of a start, whose head came if there is a status. */
static int
take_start(struct exec *exec, const struct http_reply *reply, bool is_whole,
    const struct error *failure, struct error *error)
{
    json_t *body = NULL;

    if (exec->output.is_wrong)
        return sends_nonsense(exec, error);
    exec->output_is_whole = is_whole && engine_stream_is_whole(&exec->output);
    /* Cut off, or out of time: how it ends can be asked. */
    if (reply->status == 200 && (is_whole || failure->kind == ERROR_UNREACHABLE))
        return 0;
    if (!is_whole) {
        *error = *failure;
        return -1;
    }
    if (engine_talk_read(reply, &body, error) == 0)
        engine_talk_refused(&exec->talk, reply, body, error);
    json_decref(body);
    return -1;
}

/* Starts it, and takes its output for as long as there is some. */
static int
start(struct exec *exec, struct error *error)
{
    const struct http_sink sink = {.take = take_output, .context = exec};
    struct engine_talk patient = exec->talk;
    struct http_request request = {
        .method = "POST",
        .body = "{\"Detach\":false,\"Tty\":false}",
        .sink = &sink,
    };
    struct http_reply reply = {0};
    struct error failure = {0};
    struct text path = {0};
    int result = -1;

    patient.timeout_ms = exec->command->timeout_ms;
    text_append_format(&path, "/exec/%s/start", exec->id);
    request.path = path.bytes;
    if (path.failed) {
        error_no_memory(error);
    } else {
        bool is_whole = engine_talk_send(&patient, &request, &reply, &failure) == 0;

        result = take_start(exec, &reply, is_whole, &failure, error);
    }
    http_reply_free(&reply);
    text_free(&path);
    return result;
}

/* Podman has an exit code of 0 while it runs, and Docker none. */
static int
take_state(const struct exec *exec, const json_t *body, bool *has_ended,
    struct engine_ended *ended, struct error *error)
{
    const json_t *running = json_object_get(body, "Running");
    const json_t *code = json_object_get(body, "ExitCode");
    json_int_t value = json_integer_value(code);

    *has_ended = json_is_false(running) && json_is_integer(code);
    ended->exit_code = *has_ended ? (long)value : 0;
    if (json_is_boolean(running) &&
        (json_is_null(code) || (json_is_integer(code) && value >= INT_MIN && value <= INT_MAX)))
        return 0;
    return error_set(error, ERROR_PROTOCOL,
        "the container engine's API at %s: its answer has no usable Running and ExitCode",
        exec->talk.socket);
}

static int
ask_state(struct exec *exec, bool *has_ended, struct engine_ended *ended,
    struct error *error)
{
    struct http_request request = {.method = "GET"};
    struct http_reply reply = {0};
    struct text path = {0};
    json_t *body = NULL;
    int result = -1;

    text_append_format(&path, "/exec/%s/json", exec->id);
    request.path = path.bytes;
    if (path.failed)
        error_no_memory(error);
    else if (engine_talk_send(&exec->talk, &request, &reply, error) == 0 &&
             engine_talk_read(&reply, &body, error) == 0)
        result = reply.status == 200 ? take_state(exec, body, has_ended, ended, error)
                                     : engine_talk_refused(&exec->talk, &reply, body, error);
    json_decref(body);
    http_reply_free(&reply);
    text_free(&path);
    return result;
}

static int
time_is_over(const struct exec *exec, struct error *error)
{
    const struct engine_command *command = exec->command;

    /* The next one would be left like this one. */
    error->ends_list = true;
    return error_set(error, ERROR_SERVER,
        "%s in the container %s has not ended within %ld ms, and may still run: no engine's "
        "API ends it. See what runs there (docker top %s, podman top %s), and restart the "
        "container if it does not end",
        command->words[0], command->container, command->timeout_ms, command->container,
        command->container);
}

/* Its output ends before the engine knows of its end. */
static int
wait_for_end(struct exec *exec, struct engine_ended *ended, struct error *error)
{
    int pause_ms = FIRST_PAUSE_MS;
    bool has_ended = false;

    for (;;) {
        if (ask_state(exec, &has_ended, ended, error) != 0)
            break;
        if (has_ended)
            return 0;
        if (stop_clock_ms() >= exec->ends_ms) {
            time_is_over(exec, error);
            break;
        }
        /* A command that was started is not left because of a signal. */
        poll(NULL, 0, pause_ms);
        pause_ms = pause_ms < LONGEST_PAUSE_MS / 2 ? pause_ms * 2 : LONGEST_PAUSE_MS;
    }
    error->maybe_done = true;
    return -1;
}

int
engine_exec_run(const struct engine_options *options, const struct engine_command *command,
    struct engine_ended *ended, struct error *error)
{
    struct engine_options own = *options;
    struct engine_container found = {0};
    struct exec exec = {.command = command};
    int result = -1;

    *ended = (struct engine_ended){0};
    own.own_only = true;
    if (check_signal(command, error) != 0 ||
        container_inspect(&own, command->container, &found, error) != 0)
        goto out;
    exec.talk = (struct engine_talk){
        .socket = found.socket,
        .own_only = true,
        .timeout_ms = options->timeout_ms,
        .secrets = command->secrets,
    };
    if (make(&exec, error) != 0 || check_signal(command, error) != 0)
        goto out;
    exec.ends_ms = stop_clock_ms() + command->timeout_ms;
    if (start(&exec, error) != 0 || wait_for_end(&exec, ended, error) != 0)
        goto out;
    result = 0;
    /* The end of what was cut off could be the half of a secret. */
    if (exec.output_is_whole)
        result = engine_stream_show(&exec.output, command->secrets, ended->said,
            sizeof(ended->said), error);
    error->maybe_done |= result != 0;
out:
    engine_stream_wipe(&exec.output);
    engine_container_free(&found);
    return result;
}
