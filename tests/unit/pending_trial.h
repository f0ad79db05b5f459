/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of pending.c share: a session file, a MAS, and a word for each step
 * of a creation. */
#ifndef REGISTRAR_TESTS_PENDING_TRIAL_H
#define REGISTRAR_TESTS_PENDING_TRIAL_H

#include <time.h>

#include "backends/mas/pending.h"
#include "base/error.h"
#include "companion_trial.h"
#include "private_place.h"

/* 2026-11-23T12:00:00Z; Python: calendar.timegm. */
#define NOON 1795435200LL

#define NO_SESSIONS                                                                        \
    {"GET " ADMIN "/compat-sessions?", 200, NULL, "{\"data\": []}"},                       \
        {"GET " ADMIN "/user-sessions?", 200, NULL, "{\"data\": []}"},                     \
        {"GET " ADMIN "/oauth2-sessions?", 200, NULL, "{\"data\": []}"}

/* What MAS dated its last answer; NOON before each test. */
extern time_t clock_s;

/* cmocka's setup and teardown of each test. */
int pending_trial_begin(void **state);
int pending_trial_finish(void **state);

/* As the end of a run, or its death. */
void next_run(void);

/* alice's creation, each step without an error. */
void begin_creation(void);
void make_creation(void);
void end_creation(void);

bool has_creation(const char *localpart, const struct mas_user *user);
void assert_has_fails(enum error_kind kind, const char *part);

#endif
