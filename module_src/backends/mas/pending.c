/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/pending.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "backends/mas/api.h"
#include "backends/mas/state.h"
#include "base/memory.h"
#include "matrix/session_file.h"

#define DAY_S (24LL * 60 * 60)
/* What a proxy's clock, which may date the answers, may differ from MAS's by. */
#define CLOCKS_DIFFER_S 60

struct pending {
    struct session_file *file; /* NULL: none can be made */
    char *localpart; /* whose creation the file is locked for, or NULL */
    /* An entry of another run that this one's has replaced, while it is not known that
     * the user is this run's. */
    struct session_creation former;
    bool has_former;
};

/* By the clock that also dates users, as far as it is known. */
static long long
now_s(const struct backend *backend)
{
    time_t told = mas_state_of(backend)->admin.server_date;

    return told != 0 ? (long long)told : (long long)time(NULL);
}

static long long
oldest_s(const struct backend *backend)
{
    return now_s(backend) - DAY_S;
}

static struct session_key
key_of(const struct backend *backend, const char *localpart)
{
    return (struct session_key){
        .origin = http_origin(mas_state_of(backend)->admin.http),
        .localpart = localpart,
        .server_name = backend->server_name,
    };
}

/* The file, opened once; NULL without an error where there is none. */
static struct session_file *
file_of(struct backend *backend, bool may_make, struct error *error)
{
    const char *path = backend->connection->session_file;
    struct mas_state *state = mas_state_of(backend);
    struct error failure = {0};

    if (state->pending != NULL)
        return state->pending->file;
    if (!may_make && !session_file_is_there(path))
        return NULL;
    state->pending = memory_zeroed(1, sizeof(*state->pending));
    if (state->pending == NULL) {
        error_no_memory(error);
        return NULL;
    }
    state->pending->file = session_file_open(path, backend->warnings, &failure);
    if (failure.kind != ERROR_NONE) {
        pending_close(backend); /* so that it is an error the next time, too */
        *error = failure;
        error->ends_list = true;
        return NULL;
    }
    return state->pending->file;
}

static void
let_go(struct pending *pending)
{
    if (pending->localpart == NULL)
        return;
    session_file_unlock(pending->file);
    memory_free(pending->localpart);
    pending->localpart = NULL;
    pending->has_former = false;
}

/* Locks the file for this creation. One before it that has not ended has failed, and
 * is for whoever comes next. */
static int
hold(struct backend *backend, const char *localpart, struct error *error)
{
    struct pending *pending = mas_state_of(backend)->pending;
    char *copy;

    if (pending->localpart != NULL && strcmp(pending->localpart, localpart) == 0)
        return 0;
    let_go(pending);
    copy = memory_copy_string(localpart);
    if (copy == NULL)
        return error_no_memory(error);
    if (session_file_lock(pending->file, 4LL * backend->connection->http.timeout_ms, error) !=
        0) {
        memory_free(copy);
        return -1;
    }
    pending->localpart = copy;
    return 0;
}

/* Writes the entry of the creation that is held, or lets go of it. */
static int
store(struct backend *backend, const char *localpart, const struct session_creation *creation,
    struct error *error)
{
    const struct session_key key = key_of(backend, localpart);
    struct pending *pending = mas_state_of(backend)->pending;

    if (session_file_store_creation(pending->file, &key, creation, oldest_s(backend), error) ==
        0)
        return 0;
    let_go(pending);
    return -1;
}

/* Without a file at least this run knows it. */
static void
remember(struct backend *backend, const char *localpart)
{
    struct mas_state *state = mas_state_of(backend);

    snprintf(state->begun, sizeof(state->begun), "%s", localpart);
    state->begun_s = now_s(backend);
}

int
pending_begin(struct backend *backend, const char *localpart, struct error *error)
{
    const struct session_key key = key_of(backend, localpart);
    const struct session_creation creation = {.begun_s = now_s(backend)};
    struct error failure = {0};
    struct pending *pending;

    if (backend->predict)
        return 0;
    remember(backend, localpart);
    if (backend->connection->session_file == NULL)
        return 0;
    if (file_of(backend, true, &failure) == NULL) {
        if (failure.kind == ERROR_NONE)
            return 0;
        *error = failure;
        return -1;
    }
    if (hold(backend, localpart, error) != 0)
        return -1;
    pending = mas_state_of(backend)->pending;
    pending->has_former = session_file_find_creation(pending->file, &key, &pending->former);
    return store(backend, localpart, &creation, error);
}

int
pending_made(struct backend *backend, const char *localpart, const struct mas_user *user,
    struct error *error)
{
    const struct session_key key = key_of(backend, localpart);
    struct pending *pending = mas_state_of(backend)->pending;
    struct session_creation creation;

    mas_state_of(backend)->begun[0] = '\0'; /* the answer was not lost */
    /* Nothing was begun. */
    if (pending == NULL || pending->localpart == NULL ||
        strcmp(pending->localpart, localpart) != 0)
        return 0;
    if (!session_file_find_creation(pending->file, &key, &creation))
        creation.begun_s = now_s(backend);
    snprintf(creation.id, sizeof(creation.id), "%s", user->id);
    pending->has_former = false;
    return store(backend, localpart, &creation, error);
}

/* ---- Whether one was cut off --------------------------------------------------- */

/* So many digits at text; -1: others. */
static long long
read_digits(const char *text, size_t count)
{
    long long value = 0;

    for (size_t i = 0; i < count; i++) {
        if (!isdigit((unsigned char)text[i]))
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

/*
 * Seconds since 1970 of a time in UTC as MAS writes it (RFC 3339): "2026-11-23T15:42:03",
 * perhaps a fraction, and "Z". -1: it is none.
 */
static long long
read_time(const char *text)
{
    static const char separators[] = "--T::";
    static const size_t widths[] = {4, 2, 2, 2, 2, 2};
    static const long long before_month[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304,
        334};
    long long parts[6], years, days;
    const char *end;

    if (text == NULL)
        return -1;
    for (size_t i = 0; i < 6; i++) {
        parts[i] = read_digits(text, widths[i]);
        if (parts[i] < 0)
            return -1;
        text += widths[i];
        if (i < 5 && *text++ != separators[i])
            return -1;
    }
    end = *text == '.' ? text + 1 + strspn(text + 1, "0123456789") : text;
    if (strcmp(end, "Z") != 0 || parts[0] < 1970 || parts[1] < 1 || parts[1] > 12)
        return -1;
    /* Days of the leap years before this one, and of this one once February is over. */
    years = parts[1] > 2 ? parts[0] : parts[0] - 1;
    days = (parts[0] - 1970) * 365 + (years / 4 - years / 100 + years / 400) -
           (1969 / 4 - 1969 / 100 + 1969 / 400) + before_month[parts[1] - 1] + parts[2] - 1;
    return ((days * 24 + parts[3]) * 60 + parts[4]) * 60 + parts[5];
}

/* Reads what a path shows. The caller frees the answer, also after an error. */
static int
look(struct backend *backend, const char *path, struct answer *answer, struct error *error)
{
    struct call call = {.method = "GET", .path = path, .retry = RETRY_SAFE};
    size_t failures = memory_failures();
    struct error failure = {0};
    int result = api_call(backend, &call, answer, &failure);

    if (result == 0 && !answer_ok(answer))
        result = answer_refused(answer, "looking at a user whose creation was cut off",
            &failure);
    /* libcurl asks without the filter where it has no memory for it. */
    if (memory_failures() != failures)
        return error_no_memory(error);
    if (result != 0)
        *error = failure;
    return result;
}

/* Whether the user was made after the creation was begun: MAS's answer about it was
 * lost, or was not waited for. */
static int
was_made_since(struct backend *backend, const struct mas_user *user, long long begun_s,
    bool *since, struct error *error)
{
    struct answer answer = {0};
    char path[sizeof("/users/") + MAS_ID_SIZE];
    const json_t *data;
    long long made_s;
    int result;

    snprintf(path, sizeof(path), "/users/%s", user->id);
    result = look(backend, path, &answer, error);
    data = json_object_get(answer.body, "data");
    made_s = read_time(json_string_value(
        json_object_get(json_object_get(data, "attributes"), "created_at")));
    if (result == 0 && made_s < 0)
        result = error_set(error, ERROR_PROTOCOL,
            "MAS does not say when a user was made whose creation was cut off");
    *since = made_s >= begun_s - CLOCKS_DIFFER_S;
    answer_free(&answer);
    return result;
}

/* Whether there is a session of this kind, over or not. */
static int
has_had(struct backend *backend, const char *kind, const struct mas_user *user, bool *had,
    struct error *error)
{
    struct answer answer = {0};
    const json_t *sessions, *owner;
    char path[96];
    int result;

    snprintf(path, sizeof(path), "/%s?page%%5Bfirst%%5D=1&filter%%5Buser%%5D=%s", kind,
        user->id);
    result = look(backend, path, &answer, error);
    sessions = json_object_get(answer.body, "data");
    *had = json_array_size(sessions) > 0;
    owner = json_object_get(json_object_get(json_array_get(sessions, 0), "attributes"),
        "user_id");
    /* MAS ignores a filter that it does not know. */
    if (result == 0 &&
        (!json_is_array(sessions) ||
            (*had && (!json_is_string(owner) ||
                         strcmp(json_string_value(owner), user->id) != 0))))
        result = error_set(error, ERROR_PROTOCOL,
            "MAS's list of %s of one user is none, or of another user", kind);
    answer_free(&answer);
    return result;
}

int
pending_has_had_session(struct backend *backend, const struct mas_user *user, bool *had,
    struct error *error)
{
    static const char *const kinds[] = {"compat-sessions", "user-sessions", "oauth2-sessions"};

    *had = false;
    for (size_t i = 0; !*had && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (has_had(backend, kinds[i], user, had, error) != 0)
            return -1;
    return 0;
}

/* Whether the creation is this user's, and still without its password: what MAS's
 * database says of that is certain, and what its API says beside is not needed. */
static int
is_unfinished(struct backend *backend, const struct session_creation *creation,
    const struct mas_user *user, bool *unfinished, struct error *error)
{
    bool is_this = strcmp(creation->id, user->id) == 0;
    bool had;

    *unfinished = false;
    if ((user->knows_password && user->has_password) ||
        creation->begun_s < oldest_s(backend) ||
        creation->begun_s > now_s(backend) + CLOCKS_DIFFER_S)
        return 0;
    if (mas_state_of(backend)->way != &api_way) {
        *unfinished = is_this && user->knows_password;
        return 0;
    }
    if (creation->id[0] == '\0' &&
        was_made_since(backend, user, creation->begun_s, &is_this, error) != 0)
        return -1;
    if (!is_this)
        return 0;
    if (pending_has_had_session(backend, user, &had, error) != 0)
        return -1;
    *unfinished = !had;
    return 0;
}

/* As it is once no other run is at it; in check mode, as it was read. */
static int
find(struct backend *backend, const char *localpart, struct session_creation *creation,
    bool *found, struct error *error)
{
    const struct session_key key = key_of(backend, localpart);
    struct pending *pending = mas_state_of(backend)->pending;

    *found = session_file_find_creation(pending->file, &key, creation);
    if (!*found || backend->predict)
        return 0;
    if (hold(backend, localpart, error) != 0)
        return -1;
    *found = session_file_find_creation(pending->file, &key, creation);
    return 0;
}

/*
 * Removes the entry of the creation that is held, and lets go of it. One of another run
 * comes back where this run has not made the user: that one may have, right before it
 * was killed, while this one waited for its turn.
 */
static int
end(struct backend *backend, const char *localpart, struct error *error)
{
    const struct session_key key = key_of(backend, localpart);
    struct pending *pending = mas_state_of(backend)->pending;
    int result =
        pending->has_former
            ? session_file_store_creation(pending->file, &key, &pending->former,
                  oldest_s(backend), error)
            : session_file_remove_creation(pending->file, &key, oldest_s(backend), error);

    let_go(pending);
    return result;
}

/* The same where there is no entry: another run may have removed the file, and locking
 * it has made it anew. */
static int
let_go_of_nothing(struct backend *backend, const char *localpart, struct error *error)
{
    return mas_state_of(backend)->pending->localpart == NULL ? 0
                                                             : end(backend, localpart, error);
}

/* Opens the file where there is one; *open is whether there is. What was held for
 * another user is over. */
static int
turn_to(struct backend *backend, const char *localpart, bool *open, struct error *error)
{
    struct pending *pending = mas_state_of(backend)->pending;
    struct error failure = {0};

    if (pending != NULL && pending->localpart != NULL &&
        strcmp(pending->localpart, localpart) != 0)
        let_go(pending);
    *open = backend->connection->session_file != NULL &&
            file_of(backend, false, &failure) != NULL;
    if (failure.kind == ERROR_NONE)
        return 0;
    *error = failure;
    return -1;
}

static int
is_begun(struct backend *backend, const char *localpart, const struct mas_user *user,
    bool *has, struct error *error)
{
    const struct mas_state *state = mas_state_of(backend);
    const struct session_creation creation = {.begun_s = state->begun_s};

    return strcmp(state->begun, localpart) == 0
               ? is_unfinished(backend, &creation, user, has, error)
               : 0;
}

int
pending_has(struct backend *backend, const char *localpart, const struct mas_user *user,
    bool *has, struct error *error)
{
    struct session_creation creation;
    bool open, found;
    int result;

    *has = false;
    if (turn_to(backend, localpart, &open, error) != 0)
        return -1;
    if (user->id[0] == '\0')
        return 0;
    if (!open)
        return is_begun(backend, localpart, user, has, error);
    if (find(backend, localpart, &creation, &found, error) != 0)
        return -1;
    /* What it is, is looked at from here on. */
    mas_state_of(backend)->pending->has_former = false;
    if (!found)
        return let_go_of_nothing(backend, localpart, error);
    result = is_unfinished(backend, &creation, user, has, error);
    if (backend->predict || (result == 0 && *has))
        return result;
    if (result == 0 && mas_state_of(backend)->way == &api_way)
        return end(backend, localpart, error);
    let_go(mas_state_of(backend)->pending);
    return result;
}

int
pending_end(struct backend *backend, const char *localpart, struct error *error)
{
    struct session_creation creation;
    bool open, found;

    mas_state_of(backend)->begun[0] = '\0';
    if (turn_to(backend, localpart, &open, error) != 0)
        return -1;
    if (!open || backend->predict)
        return 0;
    if (find(backend, localpart, &creation, &found, error) != 0)
        return -1;
    return found ? end(backend, localpart, error)
                 : let_go_of_nothing(backend, localpart, error);
}

void
pending_close(struct backend *backend)
{
    struct mas_state *state = mas_state_of(backend);

    if (state == NULL || state->pending == NULL)
        return;
    let_go(state->pending);
    session_file_close(state->pending->file);
    memory_free(state->pending);
    state->pending = NULL;
}
