/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session_trial.h"

#include "support.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "matrix/user_id.h"

struct secret password, other_password;
struct session_key key;

int
trial_make(void **state)
{
    password = secret_over("wonderland");
    other_password = secret_over("looking-glass");
    key = (struct session_key){ORIGIN, "admin", "example.org", &password};
    return place_make(state);
}

struct session_file *
open_file(void)
{
    struct list warnings = {0};
    struct error error = {0};
    struct session_file *file = session_file_open(place_path("file"), &warnings, &error);

    assert_kind(&error, ERROR_NONE);
    assert_non_null(file);
    assert_int_equal(warnings.count, 0);
    return file;
}

struct session_file *
open_locked(void)
{
    struct session_file *file = open_file();
    struct error error = {0};

    session_file_lock(file, 10000, &error);
    assert_kind(&error, ERROR_NONE);
    return file;
}

static void
forget(struct session *session)
{
    client_logout(NULL, session, NULL); /* not ours, so nobody is asked */
}

void
assert_finds(const struct session_file *file, enum session_found expected, const char *token)
{
    struct session session = {0};
    struct error error = {0};
    enum session_found found;

    session_file_find(file, &key, &session, &found, &error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(found, expected);
    assert_true(secret_given(&session.access_token) == (expected != SESSION_NONE));
    assert_true((session.user_id != NULL) == (expected != SESSION_NONE));
    assert_false(session.is_ours);
    if (token != NULL)
        assert_string_equal(session.access_token.bytes, token);
    forget(&session);
}

const char *
device(struct session_file *file, enum session_device which)
{
    static char devices[4][SESSION_DEVICE_SIZE];
    static unsigned next;
    char *device_id = devices[next++ % COUNT(devices)];
    struct error error = {0};

    session_file_device(file, &key, which, device_id, &error);
    assert_kind(&error, ERROR_NONE);
    return device_id;
}

void
store(struct session_file *file, const char *user_id, const char *token, const char *device_id)
{
    struct error error = {0};
    char id[USER_ID_LONGEST + 1];
    struct session session = {.access_token = secret_over(token), .user_id = id};

    snprintf(id, sizeof(id), "%s", user_id);
    session_file_store(file, &key, &session, device_id, &error);
    assert_kind(&error, ERROR_NONE);
}

const char *
written(size_t index, const char *member)
{
    static char value[600];
    json_t *root = json_loads(place_read("file"), JSON_ALLOW_NUL, NULL);
    json_t *entry = json_array_get(json_object_get(root, "sessions"), index);
    const char *text = json_string_value(json_object_get(entry, member));

    assert_non_null(root);
    snprintf(value, sizeof(value), "%s", text == NULL ? "" : text);
    json_decref(root);
    return value;
}

size_t
entries_written(void)
{
    json_t *root = json_loads(place_read("file"), JSON_ALLOW_NUL, NULL);
    size_t count = json_array_size(json_object_get(root, "sessions"));

    json_decref(root);
    return count;
}
