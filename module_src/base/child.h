/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Work that is done in a child process, so that its crash is not ours and its
 * memory goes with it. It is a fork without an exec: the child has all that
 * the program had, in copies.
 */
#ifndef REGISTRAR_BASE_CHILD_H
#define REGISTRAR_BASE_CHILD_H

#include "base/error.h"
#include "base/text.h"

/*
 * What the child does: appends its answer to `answer` and returns 0, or -1
 * when memory is short. It may use neither stdio's streams nor threads, and
 * whatever it opens or allocates ends with it.
 */
typedef int (*child_work)(void *context, struct text *answer);

struct child_limits {
    size_t answer_bytes; /* a longer answer is refused */
    size_t memory_bytes; /* of data, with what the program has itself; 0: no limit */
    int seconds;         /* both of time and of processor time */
};

/*
 * Does the work in a child, waits for it and appends its answer to `answer`,
 * which is the caller's to free. Called while there is one thread: another's
 * locks would stay locked in the child. Signals do not reach the child, except for
 * SIGKILL; the parent handles its own meanwhile. When it returns, the child
 * is gone and has been waited for.
 *
 * -1: `memory`, of either process; `internal` when there can be no child;
 * `invalid` when it crashed, took too long, or answered too much: "WHAT could
 * not be read: ...", so that `what` is what the work was about.
 */
int child_run(child_work work, void *context, const struct child_limits *limits,
    const char *what, struct text *answer, struct error *error);

#endif
