/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/tuwunel/dialect.h"

#include <string.h>

#include "backends/homeserver/register.h"
#include "backends/homeserver/state.h"
#include "backends/synapse/acting.h"
#include "backends/synapse/user_json.h"
#include "backends/synapse/users.h"

/* ---- Registration with the shared secret (tuwunel 1.9.0: src/api/client/admin/register.rs,
 * get_nonce.rs) ------------------------------------------------------------------------ */

static bool
is_about_nonce(const struct answer *answer)
{
    return answer_is(answer, 400, "M_INVALID_PARAM") && answer_says(answer, "nonce");
}

static enum registration_refusal
read_refusal(const struct answer *answer)
{
    if (is_about_nonce(answer))
        return REFUSAL_NONCE;
    if (answer_is(answer, 403, "M_FORBIDDEN"))
        return REFUSAL_SECRET;
    return answer_is(answer, 400, "M_USER_IN_USE") ? REFUSAL_TAKEN : REFUSAL_OTHER;
}

static int
refuse(const struct answer *answer, const char *what, struct error *error)
{
    if (is_about_nonce(answer))
        return answer_refused_as(answer, ERROR_SERVER, what,
            "it does not know the nonces that it gives: is there more than one tuwunel behind "
            "this address?",
            error);
    if (answer_is(answer, 400, "M_UNKNOWN"))
        return answer_refused_as(answer, ERROR_UNSUPPORTED, what,
            "set registration_shared_secret in tuwunel's configuration, or "
            "TUWUNEL_REGISTRATION_SHARED_SECRET in its environment, and restart it "
            "(matrix-docker-ansible-deploy: matrix_tuwunel_environment_variables_extension has "
            "the latter); or give an administrator's credential",
            error);
    return answer_refused(answer, what, error);
}

/* With mas_secret set, the routes of what MAS has are not there, and those of users are
 * (src/api/router.rs). */
static int
explain_missing(struct backend *backend, const struct answer *answer, struct error *error)
{
    const char *origin = http_origin(backend->matrix.http);

    error->status = answer->status;
    memcpy(error->errcode, answer->errcode, sizeof(error->errcode));
    if (answer_is(answer, 404, "M_UNRECOGNIZED"))
        return error_set(error, ERROR_UNSUPPORTED,
            "the accounts of %s are with Matrix Authentication Service (its mas_secret is set, "
            "so that it has no %s): what is made or changed in tuwunel itself is nobody's who "
            "logs in there; use backend: mas",
            origin, REGISTER_PATH);
    return error_set(error, ERROR_UNSUPPORTED,
        "%s has no admin API (%ld at /_synapse/admin): the reverse proxy there does not pass it "
        "on to tuwunel; run the module on the server itself, where the option container, or url "
        "with tuwunel's own address, leads past the proxy, or have it pass that on "
        "(matrix-docker-ansible-deploy: "
        "matrix_tuwunel_container_labels_public_client_synapse_admin_api_enabled: true)",
        origin, answer->status);
}

/* The MAC is checked before the name, which is one that no server takes, be it as a user
 * id or by the strict grammar. */
static bool
proves_secret(const struct answer *answer)
{
    return answer_is(answer, 400, "M_INVALID_USERNAME") ||
           (answer_is(answer, 400, "M_INVALID_PARAM") && !is_about_nonce(answer));
}

/* ---- The admin API for users (src/api/client/admin/users) ------------------------------ */

/* Empty lists are left out, and external ids are nobody's here. */
static int
complete(json_t *body)
{
    static const char *const lists[] = {"threepids", "external_ids"};
    int result = 0;

    for (size_t i = 0; result == 0 && i < sizeof(lists) / sizeof(lists[0]); i++)
        if (json_object_get(body, lists[i]) == NULL)
            result = json_object_set_new(body, lists[i], json_array());
    return result;
}

/*
 * A PUT does less than a registration: it gives no display name, and no password is a
 * deactivated account unless deactivated says otherwise. "admin": false of who is none
 * fails when the rest is done (create_or_modify.rs).
 */
static json_t *
creation_body(const struct account *wanted)
{
    struct account told = *wanted; /* borrowed, with fewer fields */
    json_t *body;
    int result = 0;

    if (!account_is(wanted, ACCOUNT_ADMIN))
        told.stated &= ~ACCOUNT_BIT(ACCOUNT_ADMIN);
    body = user_json_change(&told, NULL, false);
    if (body == NULL)
        return NULL;
    if (!account_states(wanted, ACCOUNT_DISPLAYNAME))
        result = json_object_set_new(body, "displayname", json_string(wanted->localpart));
    if (result == 0 && !account_states(wanted, ACCOUNT_PASSWORD))
        result = json_object_set_new(body, "deactivated", json_false());
    if (result != 0) {
        json_decref(body);
        body = NULL;
    }
    return body;
}

/* Refusals of a change that have a cure. */
static const struct {
    long status;
    const char *errcode;
    enum account_field field; /* that the change states */
    enum error_kind kind;
    const char *advice;
} refusals[] = {
    /* src/service/rooms/timeline/build.rs, check_pdu_for_admin_room. */
    {403, "M_FORBIDDEN", ACCOUNT_ADMIN, ERROR_POLICY,
        "tuwunel keeps its last administrator: make another account one first"},
    /* src/service/users/mod.rs, set_password. */
    {400, "M_INVALID_PARAM", ACCOUNT_PASSWORD, ERROR_POLICY,
        "an account that logs in by LDAP, JWT or OIDC takes no password"},
    {400, "M_INVALID_PARAM", ACCOUNT_EMAILS, ERROR_INVALID,
        "does tuwunel take the addresses of emails for such?"},
};

static int
refuse_change(const struct answer *answer, const struct account *change,
    struct error *error)
{
    static const char what[] = "changing the account";

    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (answer_is(answer, refusals[i].status, refusals[i].errcode) &&
            account_states(change, refusals[i].field))
            return answer_refused_as(answer, refusals[i].kind, what, refusals[i].advice,
                error);
    return answer_refused(answer, what, error);
}

/* src/service/emergency: at a start without one, nothing is done. */
static const char emergency_rest[] =
    "tuwunel goes on taking the password then, until another administrator deactivates the "
    "user: PUT /_synapse/admin/v2/users/@conduit:<server name> {\"deactivated\": true}";

static const struct users_manner manner = {
    .complete = complete,
    .creation_body = creation_body,
    .never_says_created = true,
    .has_only_emails = true,
    .refuse = refuse_change,
};

/* Who is logged in only to be asked about is seen by the administrator. */
static int
look_as_itself(struct backend *backend, struct observation *observed, struct error *error)
{
    return state_has_administrator(backend)
               ? 0
               : acting_look_as_itself(backend, observed, error);
}

const struct homeserver_dialect dialect_tuwunel = {
    .registers_silently = true,
    .registers_any_device = true,
    .checks_types_first = true,
    .adds_to_names = true,
    .has_admin_room = true,
    .users = &manner,
    .first_account = FIRST_PROMOTED,
    .login_device = "registrar",
    .locks_behind_password = true,
    .emergency_rest = emergency_rest,
    .read_refusal = read_refusal,
    .refuse = refuse,
    .secret_advice = "matrix-docker-ansible-deploy: systemctl restart matrix-tuwunel, or a run "
                     "with --tags=restart-all",
    .explain_missing = explain_missing,
    .proves_secret = proves_secret,
    .build_reset = users_build_reset,
    .look_as_itself = look_as_itself,
};
