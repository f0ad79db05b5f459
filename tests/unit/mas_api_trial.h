/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MAS's admin API against a recorded server (recorded_server.h), whose answers are as
 * MAS 1.22.0 gives them. */
#ifndef REGISTRAR_TESTS_MAS_API_TRIAL_H
#define REGISTRAR_TESTS_MAS_API_TRIAL_H

#include "support.h"

#include "backends/backend.h"
#include "backends/mas/state.h"
#include "recorded_server.h"

/* Everything lives behind a prefix here, which the links of answers never have. */
#define MAS "/auth"
#define API MAS "/api/admin/v1"
#define SPEC MAS "/api/spec.json"
#define TOKEN MAS "/oauth2/token"
#define REVOKE MAS "/oauth2/revoke"

#define JSON "Content-Type: application/json\r\n"
#define HTML "Content-Type: text/html; charset=utf-8\r\n"
#define PLAIN "Content-Type: text/plain; charset=utf-8\r\n"

#define U "01M84H4K0XFDGJFSFZ0ASDT0ZZ"
#define U2 "01M84H4K0XFDGJFSFZ0ASDT100"
#define ID "01M84H4K0XFDGJFSFZ0ASDT2A1"
#define ID2 "01M84H4K0XFDGJFSFZ0ASDT2A2"

#define ERRORS(titles) "{\"errors\":[" titles "]}"
#define TITLE(text) "{\"title\":\"" text "\"}"
#define REFUSAL(title) ERRORS(TITLE(title))

#define NO_ROUTE 404, HTML, "<!DOCTYPE html><title>Not found</title>"

#define USER_DATA(id, name, locked, deactivated, admin)                                    \
    "{\"type\":\"user\",\"id\":\"" id "\",\"attributes\":{\"username\":\"" name            \
    "\",\"created_at\":\"2026-11-23T15:42:03.805560Z\",\"locked_at\":" locked           \
    ",\"deactivated_at\":" deactivated ",\"admin\":" admin ",\"legacy_guest\":false},"     \
    "\"links\":{\"self\":\"/api/admin/v1/users/" id "\"}}"
#define USER(name, locked, deactivated, admin)                                             \
    "{\"data\":" USER_DATA(U, name, locked, deactivated, admin)                            \
    ",\"links\":{\"self\":\"/api/admin/v1/users/" U "\"}}"
#define MOMENT "\"2026-11-23T15:42:03.805560Z\""
#define ALICE USER("alice", "null", "null", "false")
#define BY_ALICE API "/users/by-username/alice"
#define NOBODY 404, JSON, REFUSAL("User with username \\\"alice\\\" not found")

/* A list whose last page it is, and one with another behind it. */
#define LIST(items) "{\"meta\":{\"count\":9},\"data\":[" items "],\"links\":{\"self\":\"/x\"}}"
#define LIST_GOES_ON(items)                                                                \
    "{\"meta\":{\"count\":9},\"data\":[" items                                             \
    "],\"links\":{\"self\":\"/x\",\"next\":\"http://elsewhere.example/x\"}}"

#define FIRST "page%5Bfirst%5D=100"
#define AFTER "&page%5Bafter%5D="
#define FILTER(name) "filter%5B" name "%5D="

/* All is the trial's, but for the connection's texts. */
struct mas_api_trial {
    struct connection connection;
    struct list warnings;
    struct list actions;
    struct mas_state state;
    struct backend backend;
};

/* cmocka's setup and teardown of a group: the recorded server. */
int mas_api_serve(void **state);
int mas_api_serve_no_more(void **state);

/* A trial with mas_token "mpt_admin", which takes no request. */
void mas_api_start(struct mas_api_trial *trial, const struct recorded_reply *replies);

/* A trial with a client of this secret. */
void mas_api_start_with_client(struct mas_api_trial *trial, const char *secret,
    const struct recorded_reply *replies);

/* Ends it, as mas.c does. Requests go out for that where a token was had. */
void mas_api_end(struct mas_api_trial *trial);

/* Other replies from here on; what was asked so far is forgotten. */
void mas_api_say(const struct recorded_reply *replies);

/* Fails the test unless this was asked since the last call: lines "METHOD path token
 * body\n". */
void mas_api_assert_asked(const char *log);
const char *mas_api_asked(void);

/* The newest request, whole. */
const char *mas_api_request(void);

/* libcurl calls some of its own failed allocations a lost connection. */
int mas_api_or_no_memory(int result, struct error *error);

#endif
