/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "matrix/kept_session.h"

#include <string.h>

#include "base/memory.h"

struct opening {
    struct matrix *matrix;
    struct session_file *file;
    const struct session_key *key;
    const struct session_source *source;
};

/* Frees it and leaves it as it is on the server. */
static void
let_go(struct session *session)
{
    secret_free(&session->access_token);
    memory_free(session->user_id);
    memset(session, 0, sizeof(*session));
}

static bool
is_same_token(const struct secret *one, const struct secret *other)
{
    return secret_given(one) && secret_given(other) && one->length == other->length &&
           memcmp(one->bytes, other->bytes, one->length) == 0;
}

enum trial {
    TRIAL_WORKS,
    TRIAL_OVER,   /* logged out, or not the account's at all */
    TRIAL_FAILED, /* nobody knows, so this is no reason to log in */
};

static enum trial
try_token(const struct opening *opening, struct session *session, struct error *error)
{
    char *expected = session->user_id;
    struct error failure = {0};
    enum trial trial;

    session->user_id = NULL;
    if (client_whoami(opening->matrix, session, &failure) == 0) {
        trial = strcmp(session->user_id, expected) == 0 ? TRIAL_WORKS : TRIAL_OVER;
    } else if (failure.status == 401 && strcmp(failure.errcode, "M_UNKNOWN_TOKEN") == 0) {
        trial = TRIAL_OVER;
    } else {
        *error = failure;
        trial = TRIAL_FAILED;
    }
    memory_free(expected);
    return trial;
}

/* Keeps a session that was obtained beside old, or after it. */
static int
keep(const struct opening *opening, struct session *old, const char *device_id,
    struct session *session, struct error *error)
{
    bool is_old = is_same_token(&old->access_token, &session->access_token);
    bool fits = false;
    int result = session_file_fits(opening->key, session, &fits, error);

    /* Another account's is for the caller to judge, and to log out. */
    if (result == 0 && !fits)
        return 0;
    if (result == 0)
        result = session_file_store(opening->file, opening->key, session,
            is_old ? NULL : device_id, error);
    session->is_ours = !is_old;
    if (result != 0) {
        client_logout(opening->matrix, session, NULL);
        return -1;
    }
    session->is_ours = false;
    old->is_ours = !is_old;
    return 0;
}

/* True when nobody can have been logged in with the device. */
static bool
is_refusal(const struct error *error)
{
    return !error_hides_outcome(error) &&
           (error->kind == ERROR_CONFLICT || error->kind == ERROR_UNAUTHORIZED ||
               error->kind == ERROR_UNSUPPORTED || error->kind == ERROR_RATE_LIMITED);
}

/* old is a session of another credential that works, or all zeroes. */
static int
renew(const struct opening *opening, struct session *old, bool is_first,
    struct session *session, struct error *error)
{
    bool has_old = secret_given(&old->access_token);
    const struct session_source *source = opening->source;
    char device_id[SESSION_DEVICE_SIZE];

    if (session_file_device(opening->file, opening->key,
            has_old ? DEVICE_BESIDE : DEVICE_OF_ENTRY, device_id, error) != 0)
        return -1;
    if (source->obtain(source->context, device_id, has_old ? old : NULL, session, error) !=
        0) {
        struct error ignored = {0};

        if (is_first && is_refusal(error))
            session_file_remove(opening->file, opening->key, &ignored);
        return -1;
    }
    if (secret_given(&session->access_token))
        return keep(opening, old, device_id, session, error);
    /* Nobody logged in with it: the file is to be as it was. */
    return is_first ? session_file_remove(opening->file, opening->key, error) : 0;
}

/* Under the lock. tried is a token that is known to be over, or not given. */
static int
open_locked(const struct opening *opening, const struct secret *tried,
    struct session *session, struct error *error)
{
    struct session kept;
    enum session_found found;
    enum trial trial = TRIAL_OVER;
    int result = -1;

    if (session_file_find(opening->file, opening->key, &kept, &found, error) != 0)
        return -1;
    if (found != SESSION_NONE && !is_same_token(tried, &kept.access_token))
        trial = try_token(opening, &kept, error);
    if (trial == TRIAL_WORKS && found == SESSION_FOUND) {
        *session = kept;
        return 0;
    }
    if (trial != TRIAL_WORKS)
        let_go(&kept);
    if (trial != TRIAL_FAILED)
        result = renew(opening, &kept, found == SESSION_NONE, session, error);
    /* Only where it was replaced is it ours by now. */
    client_logout(opening->matrix, &kept, NULL);
    return result;
}

/* The file's session as it was read, without the lock. session is all zeroes
 * unless it works; *tried, for secret_free, is a token that is over. */
static int
try_kept(const struct opening *opening, struct session *session, enum trial *trial,
    struct secret *tried, struct error *error)
{
    enum session_found found;

    *trial = TRIAL_OVER;
    if (session_file_find(opening->file, opening->key, session, &found, error) != 0)
        return -1;
    if (found == SESSION_FOUND) {
        *trial = try_token(opening, session, error);
        if (*trial == TRIAL_WORKS)
            return 0;
        *tried = session->access_token;
        session->access_token = (struct secret){0};
    }
    let_go(session);
    return *trial == TRIAL_FAILED ? -1 : 0;
}

int
kept_session_resume(struct matrix *matrix, struct session_file *file,
    const struct session_key *key, struct session *session, struct error *error)
{
    const struct opening opening = {matrix, file, key, NULL};
    struct secret tried = {0};
    enum trial trial;
    int result = try_kept(&opening, session, &trial, &tried, error);

    secret_free(&tried);
    return result;
}

int
kept_session_open(struct matrix *matrix, struct session_file *file,
    const struct session_key *key, long long lock_timeout_ms,
    const struct session_source *source, struct session *session, struct error *error)
{
    const struct opening opening = {matrix, file, key, source};
    struct secret tried = {0};
    enum trial trial;
    int result;

    memset(session, 0, sizeof(*session));
    if (file == NULL)
        return source->obtain(source->context, NULL, NULL, session, error);
    result = try_kept(&opening, session, &trial, &tried, error);
    if (result == 0 && trial != TRIAL_WORKS) {
        result = session_file_lock(file, lock_timeout_ms, error);
        if (result == 0) {
            result = open_locked(&opening, &tried, session, error);
            session_file_unlock(file);
        }
    }
    secret_free(&tried);
    return result;
}
