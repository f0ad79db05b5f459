/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "matrix/registration.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "matrix/user_id.h"

static const char path[] = "/_matrix/client/v3/register";
static const char registering[] = "registering";

/* Specification: client-server API, "Authentication types". */
static const char stage_dummy[] = "m.login.dummy";
static const char stage_token[] = "m.login.registration_token";

/* ---- What it takes --------------------------------------------------------------------- */

/* What no program can pass, in the order in which it is named. */
static const struct {
    const char *stage;
    const char *words;
} barriers[] = {
    {"m.login.recaptcha", "a CAPTCHA"},
    {"m.login.email.identity", "an e-mail address that is confirmed"},
    {"m.login.msisdn", "a telephone number that is confirmed"},
    {"m.login.terms", "terms that a person has to agree to"},
};

/* The gate of one way through, which is a list of stages. Of more than one, none can be
 * passed in one request. */
static enum registration_gate
read_flow(const json_t *flow)
{
    const json_t *stages = json_object_get(flow, "stages");
    const char *stage = json_string_value(json_array_get(stages, 0));

    if (!json_is_array(stages) || json_array_size(stages) > 1)
        return REGISTRATION_CLOSED;
    if (json_array_size(stages) == 0)
        return REGISTRATION_OPEN;
    if (stage == NULL)
        return REGISTRATION_CLOSED;
    if (strcmp(stage, stage_dummy) == 0)
        return REGISTRATION_OPEN;
    return strcmp(stage, stage_token) == 0 ? REGISTRATION_TOKEN : REGISTRATION_CLOSED;
}

static bool
has_stage(const json_t *flows, const char *wanted)
{
    const json_t *flow, *stage;
    size_t i, j;

    json_array_foreach(flows, i, flow)
    {
        json_array_foreach(json_object_get(flow, "stages"), j, stage)
        {
            const char *name = json_string_value(stage);

            if (name != NULL && strcmp(name, wanted) == 0)
                return true;
        }
    }
    return false;
}

static const char *
name_barrier(const json_t *flows)
{
    for (size_t i = 0; i < sizeof(barriers) / sizeof(barriers[0]); i++)
        if (has_stage(flows, barriers[i].stage))
            return barriers[i].words;
    return "what no program can do";
}

static void
read_flows(const json_t *flows, enum registration_gate *gate, char *why)
{
    const json_t *flow;
    size_t i;

    *gate = REGISTRATION_CLOSED;
    json_array_foreach(flows, i, flow)
    {
        enum registration_gate one = read_flow(flow);

        if (one == REGISTRATION_OPEN || *gate == REGISTRATION_CLOSED)
            *gate = one;
        if (one == REGISTRATION_OPEN)
            return;
    }
    if (*gate == REGISTRATION_CLOSED)
        snprintf(why, REGISTRATION_WHY_SIZE, "registration takes %s", name_barrier(flows));
}

static bool
has_flows(const struct answer *answer)
{
    return answer->status == 401 && json_is_array(json_object_get(answer->body, "flows"));
}

/* Nobody may register, or there is no such thing. */
static bool
is_closed(const struct answer *answer)
{
    return answer->status == 403 || answer_is(answer, 404, "M_UNRECOGNIZED");
}

static int
read_gate(const struct answer *answer, enum registration_gate *gate, char *why,
    struct error *error)
{
    static const char what[] = "asking what registering takes";

    if (has_flows(answer)) {
        read_flows(json_object_get(answer->body, "flows"), gate, why);
        return 0;
    }
    if (answer->body != NULL && is_closed(answer)) {
        *gate = REGISTRATION_CLOSED;
        snprintf(why, REGISTRATION_WHY_SIZE, "%s",
            answer->message[0] != '\0' ? answer->message : "registration is closed");
        return 0;
    }
    if (answer_ok(answer))
        return error_set(error, ERROR_PROTOCOL,
            "%s: the server says that it has registered somebody, though nothing was said but "
            "that somebody asks; there may be an account now that nobody wants",
            what);
    return answer_refused(answer, what, error);
}

int
registration_ask(struct matrix *matrix, enum registration_gate *gate,
    char why[REGISTRATION_WHY_SIZE], struct error *error)
{
    /* Should it make something after all, then no session. */
    struct call call = {
        .method = "POST",
        .path = path,
        .body = json_pack("{s:b}", "inhibit_login", 1),
        .retry = RETRY_SAFE,
    };
    char words[REGISTRATION_WHY_SIZE] = "";
    struct answer answer = {0};
    int result = call.body == NULL ? error_no_memory(error)
                                   : call_send(matrix, &call, &answer, error);

    *gate = REGISTRATION_CLOSED;
    if (result == 0)
        result = read_gate(&answer, gate, words, error);
    if (why != NULL)
        memcpy(why, words, sizeof(words));
    answer_free(&answer);
    json_decref(call.body);
    return result;
}

/* ---- Making an account ------------------------------------------------------------------- */

/* The one stage that there is, without a session: all three take that. */
static json_t *
build_auth(const struct registration *registration)
{
    if (registration->token == NULL)
        return json_pack("{s:s}", "type", stage_dummy);
    return json_pack("{s:s, s:s%}", "type", stage_token, "token", registration->token->bytes,
        registration->token->length);
}

/* NULL: no memory. Without a password it would be an account that is deactivated. */
static json_t *
build_body(const struct registration *registration)
{
    json_t *auth = build_auth(registration);
    json_t *body = json_pack("{s:s, s:s%, s:b, s:o}", "username", registration->localpart,
        "password", registration->password->bytes, registration->password->length,
        "inhibit_login", (int)registration->without_session, "auth", auth);

    if (body == NULL || registration->without_session)
        return body;
    if ((registration->device_id == NULL ||
            json_object_set_new(body, "device_id", json_string(registration->device_id)) ==
                0) &&
        json_object_set_new(body, "initial_device_display_name", json_string("Registrar")) == 0)
        return body;
    json_decref(body);
    return NULL;
}

static enum registration_result
read_result(const struct registration *registration, const struct answer *answer)
{
    /* A stage that was passed and is not enough has no errcode. */
    bool is_about_token =
        has_flows(answer) && registration->token != NULL && answer->errcode[0] != '\0';

    if (answer->resent)
        return REGISTRATION_PERHAPS;
    if (answer_is(answer, 400, "M_USER_IN_USE"))
        return REGISTRATION_NAME_TAKEN;
    return is_about_token ? REGISTRATION_WRONG_TOKEN : REGISTRATION_REFUSED;
}

static int
read_refusal(const struct registration *registration, const struct answer *answer,
    enum registration_result *result, struct error *error)
{
    /* tuwunel and continuwuity have names that nobody may take (forbidden_usernames). */
    if (answer_is(answer, 403, "M_FORBIDDEN") && answer_says(answer, "is forbidden"))
        return answer_refused_as(answer, ERROR_POLICY, registering,
            "choose another username, or change the server's forbidden_usernames", error);
    if (!has_flows(answer) && !answer_is(answer, 403, "M_FORBIDDEN") &&
        !answer_is(answer, 400, "M_USER_IN_USE"))
        return answer_refused(answer, registering, error);
    *result = read_result(registration, answer);
    return 0;
}

/* Who was made, by the answer. */
static int
take_account(const struct registration *registration, const struct answer *answer,
    struct session *session, struct error *error)
{
    const char *user_id = answer_string(answer, "user_id", registering, error);
    const char *server_name = user_id == NULL ? NULL : user_id_server_name(user_id);

    if (user_id == NULL)
        return -1;
    if (server_name == NULL || !user_id_server_name_is_valid(server_name) ||
        strlen(user_id) > USER_ID_LONGEST ||
        !user_id_has_localpart(user_id, registration->localpart))
        return error_set(error, ERROR_PROTOCOL,
            "%s %s: the server's answer names another account, or none", registering,
            registration->localpart);
    session->user_id = memory_copy_string(user_id);
    return session->user_id == NULL ? error_no_memory(error) : 0;
}

static int
take_session(const struct registration *registration, const struct answer *answer,
    struct session *session, struct error *error)
{
    if (!registration->without_session &&
        client_take_token(session, answer, registering, error) != 0)
        return -1;
    return take_account(registration, answer, session, error);
}

int
registration_make(struct matrix *matrix, const struct registration *registration,
    struct session *session, enum registration_result *result, struct error *error)
{
    struct call call = {
        .method = "POST",
        .path = path,
        .body = build_body(registration),
        .secrets = {registration->password, registration->token},
        .retry = RETRY_UNSENT,
    };
    struct answer answer = {0};
    int status;

    memset(session, 0, sizeof(*session));
    *result = REGISTRATION_REFUSED;
    status = call.body == NULL ? error_no_memory(error)
                               : call_send(matrix, &call, &answer, error);
    if (status == 0 && answer_ok(&answer)) {
        *result = REGISTRATION_DONE;
        status = take_session(registration, &answer, session, error);
        if (status != 0)
            client_logout(matrix, session, NULL);
    } else if (status == 0) {
        status = read_refusal(registration, &answer, result, error);
    }
    answer_free(&answer);
    json_decref(call.body);
    return status;
}
