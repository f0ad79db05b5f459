/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is never sent to the homeserver from here: admin, deactivated, locked,
 * addresses, passwords. Synapse takes most of them from its administrators, also
 * behind MAS, which then knows nothing of it (Synapse 1.163.2).
 */
#include "backends/mas/companion.h"

#include <string.h>

#include "backends/homeserver/own.h"
#include "backends/mas/api.h"
#include "backends/mas/personal.h"
#include "backends/mas/state.h"
#include "backends/synapse/switches.h"
#include "backends/synapse/user_json.h"
#include "backends/synapse/users.h"
#include "matrix/profile.h"

#define PROFILE_FIELDS (ACCOUNT_BIT(ACCOUNT_DISPLAYNAME) | ACCOUNT_BIT(ACCOUNT_AVATAR_URL))

/* What one PUT of Synapse's admin API makes of an account. */
#define PUT_FIELDS (PROFILE_FIELDS | ACCOUNT_BIT(ACCOUNT_USER_TYPE))

_Static_assert((PUT_FIELDS & ~USER_JSON_PUT_FIELDS) == 0, "a PUT makes all of them");
_Static_assert((PUT_FIELDS | SWITCHES_FIELDS) == COMPANION_FIELDS, "and these the rest");

static bool
has_homeserver(const struct backend *backend)
{
    return backend->matrix.http != NULL && backend->connection->http.url != NULL;
}

/* The option of the first of these fields. */
static const char *
option_of(unsigned fields)
{
    int field = 0;

    while (field < ACCOUNT_FIELDS - 1 && (fields & (1u << field)) == 0)
        field++;
    return account_field_option((enum account_field)field);
}

static int
refuse_homeserver(unsigned fields, struct error *error)
{
    return error_set(error, ERROR_INVALID,
        "the %s of an account is not with MAS, but with the homeserver behind it, and where "
        "that is was not said: give url",
        option_of(fields));
}

static int
refuse_sessions(const struct backend *backend, unsigned fields, struct error *error)
{
    const struct mas_way *way = mas_state_of(backend)->way;

    if (way != &api_way)
        return error_set(error, ERROR_UNSUPPORTED,
            "the %s of an account is with the homeserver behind MAS, and Registrar gets there "
            "by MAS's admin API alone, which is not in use here%s%s",
            option_of(fields), way == NULL ? "" : "; ", way == NULL ? "" : way->lacks);
    return error_set(error, ERROR_UNSUPPORTED,
        "the %s of an account is with the homeserver behind MAS, and this version of MAS "
        "cannot let Registrar in there (personal sessions); 1.5 and newer can",
        option_of(fields));
}

/* The homeserver's name of the account. */
static const char *
user_id_of(const struct observation *observed, struct error *error)
{
    if (observed->account.user_id == NULL)
        error_set(error, ERROR_INVALID,
            "what the homeserver has of %s cannot be asked for without the homeserver's name: "
            "give server_name",
            observed->account.localpart);
    return observed->account.user_id;
}

/* What is done with a personal session, which may be done twice. */
struct errand {
    struct backend *backend;
    struct account *change;       /* a copy that is used up, or NULL: to look */
    unsigned mask;                /* what is to be seen */
    struct observation seen;      /* the homeserver's account; nothing of it is MAS's */
};

static int
start_errand(struct errand *errand, struct backend *backend, unsigned mask,
    const struct observation *observed, struct error *error)
{
    const char *user_id = user_id_of(observed, error);

    *errand = (struct errand){.backend = backend, .mask = mask};
    return user_id == NULL ? -1
                           : account_name(&errand->seen.account, user_id,
                                 observed->account.localpart, error);
}

/* Of what was seen, only what is the homeserver's is believed. */
static int
finish_errand(struct errand *errand, struct observation *observed, int result,
    struct error *error)
{
    struct error failure = {0};

    if (account_copy_fields(&observed->account, &errand->seen.account,
            errand->mask & errand->seen.account.stated, &failure) != 0) {
        if (result == 0)
            *error = failure;
        result = -1;
    }
    account_free(&errand->seen.account);
    return result;
}

static int
refuse_lost(const struct errand *errand, struct error *error)
{
    return error_set(error, ERROR_NOT_FOUND,
        "MAS has %s, and the homeserver at %s has no such account; MAS makes it there itself, "
        "so wait a moment, or see to it with \"mas-cli manage provision-all-users\"",
        errand->seen.account.user_id, http_origin(errand->backend->matrix.http));
}

/* As personal_act. Synapse breaks down over a token whose user it does not have: 500,
 * M_FORBIDDEN, "User not found" (1.163.2). */
static int
act(struct errand *errand, enum personal_kind kind, const struct mas_user *user,
    int (*what)(void *context, const struct secret *token, struct error *error),
    struct error *error)
{
    struct error failure = {0};

    if (personal_act(errand->backend, kind, user, what, errand, &failure) == 0)
        return 0;
    if (failure.status == 500 && strcmp(failure.errcode, "M_FORBIDDEN") == 0)
        return refuse_lost(errand, error);
    *error = failure;
    return -1;
}

/* ---- Looking --------------------------------------------------------------------- */

static int
look_as_administrator(void *context, const struct secret *token, struct error *error)
{
    struct errand *errand = context;

    if (users_lookup(errand->backend, token, errand->mask, &errand->seen, error) != 0)
        return -1;
    if (errand->seen.presence == PRESENCE_PRESENT)
        return 0;
    return refuse_lost(errand, error);
}

/* *shown is false where the homeserver shows profiles only to some. */
static int
look_at_profile(struct errand *errand, const struct secret *token, bool *shown,
    struct error *error)
{
    struct account *account = &errand->seen.account;
    struct profile profile = {0};
    int result =
        profile_get(&errand->backend->matrix, account->user_id, token, &profile, error);

    *shown = result == 0 && profile.result != PROFILE_HIDDEN;
    if (*shown)
        result = account_state_profile(account, profile.displayname, profile.avatar_url, error);
    profile_free(&profile);
    return result;
}

static int
look_as_itself(void *context, const struct secret *token, struct error *error)
{
    struct errand *errand = context;
    bool shown;

    if (look_at_profile(errand, token, &shown, error) != 0)
        return -1;
    return shown ? 0 : look_as_administrator(context, token, error);
}

/* By a session. Of who is deactivated it may be that nobody sees more, which need not
 * matter. */
static int
look_by_session(struct errand *errand, const struct mas_user *user, bool asks_for_all,
    struct error *error)
{
    bool as_itself = (errand->mask & ~PROFILE_FIELDS) == 0 && personal_may_be(user);
    struct error failure = {0};

    if (act(errand, as_itself ? PERSONAL_ITSELF : PERSONAL_ADMINISTRATOR, user,
            as_itself ? look_as_itself : look_as_administrator, &failure) == 0)
        return 0;
    if ((user->deactivated || asks_for_all) && personal_lacks_actor(&failure)) {
        list_add(errand->backend->warnings, "%s", failure.text);
        return 0;
    }
    *error = failure;
    return -1;
}

static int
look(struct errand *errand, const struct mas_user *user, struct error *error)
{
    /* Who asks for all that there is takes what can be seen. */
    bool asks_for_all = errand->mask == COMPANION_FIELDS;
    bool shown = false, able;

    /* What everybody is shown takes no session. */
    if ((errand->mask & ~PROFILE_FIELDS) == 0 &&
        look_at_profile(errand, NULL, &shown, error) != 0)
        return -1;
    if (shown)
        return 0;
    if (personal_is_possible(errand->backend, &able, error) != 0)
        return -1;
    if (able)
        return look_by_session(errand, user, asks_for_all, error);
    return asks_for_all ? look_at_profile(errand, NULL, &shown, error)
                        : refuse_sessions(errand->backend, errand->mask, error);
}

/* Nobody but an administrator sees these. */
static int
may_be_seen(struct backend *backend, unsigned fields, struct error *error)
{
    bool able;

    if (personal_is_possible(backend, &able, error) != 0)
        return -1;
    return able ? 0 : refuse_sessions(backend, fields, error);
}

int
companion_look(struct backend *backend, const struct mas_user *user, unsigned mask,
    struct observation *observed, struct error *error)
{
    unsigned fields = mask & COMPANION_FIELDS;
    struct errand errand;

    if (fields == 0)
        return 0;
    if (!has_homeserver(backend))
        return fields == COMPANION_FIELDS ? 0 : refuse_homeserver(fields, error);
    if (fields != COMPANION_FIELDS && (fields & ~PROFILE_FIELDS) != 0 &&
        may_be_seen(backend, fields, error) != 0)
        return -1;
    if (start_errand(&errand, backend, fields, observed, error) != 0)
        return -1;
    return finish_errand(&errand, observed, look(&errand, user, error), error);
}

int
companion_look_erased(struct backend *backend, const struct mas_user *user,
    struct observation *observed, struct error *error)
{
    struct errand errand;
    struct error failure = {0};
    bool able = false;
    int result;

    if (!has_homeserver(backend) || observed->account.user_id == NULL)
        return 0;
    if (personal_is_possible(backend, &able, error) != 0)
        return -1;
    if (!able)
        return 0;
    if (start_errand(&errand, backend, ACCOUNT_BIT(ACCOUNT_ERASED), observed, error) != 0)
        return -1;
    result = act(&errand, PERSONAL_ADMINISTRATOR, user, look_as_administrator, &failure);
    if (result != 0 && personal_lacks_actor(&failure))
        result = 0;
    else if (result != 0)
        *error = failure;
    return finish_errand(&errand, observed, result, error);
}

/* ---- Changing -------------------------------------------------------------------- */

int
companion_may_look(struct backend *backend, const struct account *wanted,
    struct error *error)
{
    unsigned fields = wanted->stated & COMPANION_FIELDS;

    return fields == 0 || has_homeserver(backend) ? 0 : refuse_homeserver(fields, error);
}

int
companion_may_update(struct backend *backend, const struct account *change,
    struct error *error)
{
    unsigned fields = change->stated & COMPANION_FIELDS;
    bool able;

    if (fields == 0)
        return 0;
    if (!has_homeserver(backend))
        return refuse_homeserver(fields, error);
    if (personal_is_possible(backend, &able, error) != 0)
        return -1;
    return able ? 0 : refuse_sessions(backend, fields, error);
}

static int
change_as_administrator(void *context, const struct secret *token, struct error *error)
{
    struct errand *errand = context;
    struct account put = *errand->change; /* borrowed, with fewer fields */

    put.stated &= PUT_FIELDS;
    if (put.stated != 0 &&
        users_put(errand->backend, token, &errand->seen, &put, false, error) != 0)
        return -1;
    return switches_update(&errand->backend->matrix, token, &errand->seen, errand->change,
        error);
}

/* Telling the rooms has a limit: the text may be stored all the same. */
static bool
is_stored(struct errand *errand, enum account_field field, const struct secret *token)
{
    struct error ignored = {0};
    struct account left = {0};
    bool shown;
    bool stored = look_at_profile(errand, token, &shown, &ignored) == 0 && shown &&
                  account_difference(&left, errand->change, &errand->seen.account,
                      &ignored) == 0 &&
                  !account_states(&left, field);

    account_free(&left);
    return stored;
}

static int
set_text(struct errand *errand, const struct session *session, enum account_field field,
    const char *value, struct error *error)
{
    struct error failure = {0};

    if (!account_states(errand->change, field))
        return 0;
    if (profile_set(&errand->backend->matrix, session, account_field_name(field),
            value == NULL ? "" : value, &failure) != 0) {
        if (failure.kind != ERROR_RATE_LIMITED ||
            !is_stored(errand, field, &session->access_token)) {
            *error = failure;
            return -1;
        }
        own_warn_slow_rooms(errand->backend, &errand->seen);
    }
    return account_state_text(&errand->seen.account, field, value, error);
}

static int
change_as_itself(void *context, const struct secret *token, struct error *error)
{
    struct errand *errand = context;
    const struct session session = {
        .access_token = *token, /* borrowed */
        .user_id = errand->seen.account.user_id,
    };

    if (set_text(errand, &session, ACCOUNT_DISPLAYNAME, errand->change->displayname, error) !=
        0)
        return -1;
    return set_text(errand, &session, ACCOUNT_AVATAR_URL, errand->change->avatar_url, error);
}

/* As little as it takes: as the user itself, unless the homeserver does not let it
 * (suspended; enable_set_displayname: false), or there is more to change. */
static int
change(struct errand *errand, const struct mas_user *user, struct error *error)
{
    struct error failure = {0};

    if ((errand->change->stated & ~PROFILE_FIELDS) == 0 && personal_may_be(user)) {
        if (act(errand, PERSONAL_ITSELF, user, change_as_itself, &failure) == 0)
            return 0;
        if (failure.kind != ERROR_FORBIDDEN) {
            *error = failure;
            return -1;
        }
    }
    return act(errand, PERSONAL_ADMINISTRATOR, user, change_as_administrator, error);
}

int
companion_update(struct backend *backend, const struct mas_user *user,
    struct observation *observed, const struct account *change_of, struct error *error)
{
    struct account ours = *change_of; /* borrowed, with fewer fields */
    struct errand errand;

    ours.stated &= COMPANION_FIELDS;
    if (ours.stated == 0)
        return 0;
    if (companion_may_update(backend, &ours, error) != 0 ||
        start_errand(&errand, backend, ours.stated, observed, error) != 0)
        return -1;
    errand.change = &ours;
    return finish_errand(&errand, observed, change(&errand, user, error), error);
}

void
companion_close(struct backend *backend)
{
    personal_close(backend);
}
