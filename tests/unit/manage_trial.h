/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/mas/manage.h over a recorded engine, with functions of the tests' own in
 * place of MAS's database (rows.h): the Makefile has the linker put them there, for the
 * programs test_mas_manage*. What mas-cli takes and answers is MAS 1.22's (crates/cli/
 * src/commands/manage.rs).
 */
#ifndef REGISTRAR_TESTS_MANAGE_TRIAL_H
#define REGISTRAR_TESTS_MANAGE_TRIAL_H

#include "support.h"

#include <stdbool.h>

#include "backends/mas/manage.h"
#include "backends/mas/state.h"
#include "recorded_server.h"

#define CONTAINER                                                                          \
    "{\"State\": {\"Status\": \"running\", \"Running\": true, \"Pid\": 4711},"             \
    " \"HostConfig\": {\"NetworkMode\": \"m\"},"                                           \
    " \"NetworkSettings\": {\"Networks\": {\"m\": {\"IPAddress\": \"172.18.0.5\"}}}}\n"
#define RUNS {"GET /containers/mas/json", 200, NULL, CONTAINER}
#define MADE {"POST /containers/mas/exec", 201, NULL, "{\"Id\":\"f00d\"}\n"}
/* "Error: Passw0rd? no\n", of the errors. */
#define SAYS_NO                                                                            \
    {"POST /exec/f00d/start", RECORDED_STREAM + 200, NULL,                                 \
        "02000000000000144572726f723a2050617373773072643f206e6f0a"}
#define STATE(running, code)                                                               \
    {"GET /exec/f00d/json", 200, NULL,                                                     \
        "{\"Running\":" running ",\"ExitCode\":" code "}"}
#define EXITS(code) {RUNS, MADE, SAYS_NO, STATE("false", code), {0}}
/* It still runs when its time is over. */
#define HANGS {RUNS, MADE, SAYS_NO, STATE("true", "0"), {0}}

#define ID "01M84H4K0XFDGJFSFZ0ASDT0ZZ"
#define OTHER "01M84H4K0XFDGJFSFZ0ASDT0AA"

/* What the database says. */
struct manage_database {
    int opened;
    const struct mas_user *users[5]; /* at one look after the other; NULL as the first:
                                        there is none; as a later one: as before */
    size_t at;
    const char *owner;       /* of any address, until a command ran; or NULL */
    const char *owner_after; /* and then */
    bool has_no_password;
    enum error_kind failure; /* of each look, once a command ran */
};

struct manage_trial {
    struct recorded_server *server;
    unsigned requests_before;
    struct connection connection;
    struct mas_state state;
    struct list warnings;
    struct backend backend;
    struct account wanted; /* alice */
    struct mas_user user;
    enum creation creation;
    struct manage_database database;
};

extern struct manage_trial trial;

extern const struct mas_user plain, admin, locked, closed, locked_closed;

/* cmocka's, of a group and of a test. */
int manage_serve(void **group);
int manage_serve_no_more(void **group);
int manage_begin(void **test);
int manage_end(void **test);

#define TRIAL(name) cmocka_unit_test_setup_teardown(name, manage_begin, manage_end)

/* What is wanted. */
void manage_want_name(const char *localpart);
void manage_want_password(const char *text);
void manage_want_email(const char *address);

/* Asks the way for it. */
struct error manage_create(void);

/* The same, which must do it: there is no such user before, and this one after. */
void manage_create_well(const struct mas_user *made);

/* The words of the only command that was made since the last call, as JSON; "": none
 * was made. */
const char *manage_command(void);

bool manage_is_warned(const char *part);

#endif
