/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Time, and being told to stop. SIGTERM, SIGINT and SIGHUP do not end the
 * program: the request under way finishes, what was done is reported, and
 * nothing new is begun. One pipe wakes everybody who waits. This file holds
 * variable state that is global, because a signal handler can reach nothing
 * else; the only other is the allocator's counters (base/memory.h).
 */
#ifndef REGISTRAR_BASE_STOP_H
#define REGISTRAR_BASE_STOP_H

/* Installs the handlers and ignores SIGPIPE and SIGXFSZ. -1 when the pipe
 * cannot be made. */
int stop_watch(void);

/* The signal that asked to stop, or 0. */
int stop_signal(void);

/* "SIGTERM", "SIGINT" or "SIGHUP". */
const char *stop_signal_name(int signal);

/* Milliseconds of a clock that never jumps; its zero means nothing. */
long long stop_clock_ms(void);

/* Sleeps; returns early with -1 when asked to stop. */
int stop_sleep_ms(long long duration_ms);

#endif
