/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Running a command in a container, over its engine's API (Docker Engine API, "Exec";
 * Podman serves the same as its compatible API): POST /containers/NAME/exec makes it,
 * POST /exec/ID/start starts it and sends its output until it ends, GET /exec/ID/json
 * tells its exit status. The command gets no input and no terminal.
 *
 * Its words are no secret: they stand in the arguments of a process in the container,
 * and in what the engine tells its own clients about it.
 */
#ifndef REGISTRAR_NET_ENGINE_EXEC_H
#define REGISTRAR_NET_ENGINE_EXEC_H

#include <stdbool.h>

#include "base/error.h"
#include "base/redact.h"
#include "net/engine.h"

struct engine_command {
    const char *container;          /* its name or id */
    const char *const *words;       /* the program and its arguments; ends with NULL */
    const char *const *environment; /* "NAME=value", beside the container's own; ends with
                                       NULL; or NULL */
    const struct redaction *secrets; /* in the words, never to be shown; or NULL */
    long timeout_ms;                /* for the command, from its start to its end */
    bool cleaning_up;               /* it goes out even after a signal to stop */
};

/* Of what a command said last. */
#define ENGINE_EXEC_SAID_SIZE 400

struct engine_ended {
    long exit_code; /* 126, 127: it could not be started (also Podman's 125) */
    /* The end of its output, both streams, without secrets and fit to be shown; "" for
     * none, and where that cannot be without a part of a secret. */
    char said[ENGINE_EXEC_SAID_SIZE];
};

/*
 * Runs the command in the engine that has the container, which must be served by root
 * or by who we are, also if options name its socket. However much the command says,
 * little of it is kept. No API ends a command: when its time is over, it is left as it
 * is.
 *
 * 0: it has ended, whatever its exit code. Errors: those of container_inspect; invalid
 * (a word that is not Unicode); server (the engine refuses, or the time is over); what
 * the engine's API is unreachable by; protocol (what it sends is no engine's);
 * interrupted (before it was started), memory. error->maybe_done: it was started, or
 * may have been, and how it ended is not known.
 */
int engine_exec_run(const struct engine_options *options,
    const struct engine_command *command, struct engine_ended *ended, struct error *error);

#endif
