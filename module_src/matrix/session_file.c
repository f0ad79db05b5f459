/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * {"registrar": 1, "sessions": [entries, see session_entry.h], "creations":
 * [entries, see session_creation.h; where there are any]}. Whatever else stands in
 * it is another version's, and is kept.
 */
#include "matrix/session_file.h"

#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "matrix/private_file.h"
#include "matrix/session_creation.h"
#include "matrix/session_entry.h"
#include "matrix/user_id.h"

#define VERSION 1
#define MOST_ENTRIES 256

struct session_file {
    struct private_file file;
    json_t *root; /* as it was read or written last; never NULL */
};

static json_t *
entries_of(const json_t *root)
{
    return json_object_get(root, "sessions");
}

/* NULL: there are none. */
static json_t *
creations_of(const json_t *root)
{
    return json_object_get(root, "creations");
}

static json_t *
empty(struct error *error)
{
    json_t *root = json_pack("{s:i, s:[]}", "registrar", VERSION, "sessions");

    if (root == NULL)
        error_no_memory(error);
    return root;
}

/* Nothing of a text that may hold tokens is said. */
static json_t *
parse(const struct private_file *file, const char *bytes, size_t length,
    struct error *error)
{
    size_t failures = memory_failures();
    json_t *root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    json_t *version = json_object_get(root, "registrar");
    bool whole = entries_of(root) != NULL ||
                 json_object_set_new(root, "sessions", json_array()) == 0;

    /* jansson takes a character that it has no memory for as none. */
    if (memory_failures() != failures)
        error_no_memory(error);
    else if (!whole || !json_is_integer(version) || json_integer_value(version) != VERSION ||
             !json_is_array(entries_of(root)) ||
             (creations_of(root) != NULL && !json_is_array(creations_of(root))))
        error_set(error, ERROR_INVALID,
            "session_file: %s is not a session file of Registrar, or is damaged; remove it, "
            "or name another",
            file->path);
    else
        return root;
    json_decref(root);
    return NULL;
}

/* What the file holds now. */
static json_t *
load(const struct session_file *file, struct error *error)
{
    char *bytes;
    size_t length;
    json_t *root;

    if (private_file_read(&file->file, &bytes, &length, error) != 0)
        return NULL;
    root = length == 0 ? empty(error) : parse(&file->file, bytes, length, error);
    memory_free(bytes);
    return root;
}

/* Puts root, which is taken over in any case, into the file's place. */
static int
save(struct session_file *file, json_t *root, struct error *error)
{
    size_t failures = memory_failures();
    char *text = json_dumps(root, JSON_INDENT(2));
    size_t length = text == NULL ? 0 : strlen(text);
    int result = -1;

    /* jansson leaves out a key that it has no memory for. */
    if (text == NULL || memory_failures() != failures) {
        error_no_memory(error);
    } else if (length >= PRIVATE_FILE_LIMIT) {
        error_set(error, ERROR_INVALID, "session_file: %s is full; remove it, or name another",
            file->file.path);
    } else {
        text[length] = '\n'; /* in place of the NUL */
        result = private_file_replace(&file->file, text, length + 1, error);
    }
    memory_free(text);
    if (result == 0) {
        json_decref(file->root);
        file->root = json_incref(root);
    }
    json_decref(root);
    return result;
}

struct session_file *
session_file_open(const char *path, struct list *warnings, struct error *error)
{
    struct session_file *file = memory_zeroed(1, sizeof(*file));
    int obstacle;

    if (file == NULL) {
        error_no_memory(error);
        return NULL;
    }
    if (private_file_init(&file->file, path, &obstacle, error) != 0)
        goto fail;
    if (obstacle != 0) {
        list_add(warnings,
            "session_file: %s is not there and cannot be made (%s), so nothing is kept "
            "between runs",
            path, strerror(obstacle));
        goto fail;
    }
    file->root = load(file, error);
    if (file->root != NULL)
        return file;
fail:
    session_file_close(file);
    return NULL;
}

bool
session_file_is_there(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0;
}

void
session_file_close(struct session_file *file)
{
    if (file == NULL)
        return;
    private_file_free(&file->file);
    json_decref(file->root);
    memory_free(file);
}

bool
session_file_is_empty(const struct session_file *file)
{
    return json_array_size(entries_of(file->root)) == 0;
}

int
session_file_lock(struct session_file *file, long long timeout_ms, struct error *error)
{
    json_t *root;

    if (private_file_lock(&file->file, timeout_ms, error) != 0)
        return -1;
    root = load(file, error);
    if (root == NULL) {
        private_file_unlock(&file->file);
        return -1;
    }
    json_decref(file->root);
    file->root = root;
    return 0;
}

void
session_file_unlock(struct session_file *file)
{
    private_file_unlock(&file->file);
}

int
session_file_find(const struct session_file *file, const struct session_key *key,
    struct session *session, enum session_found *found, struct error *error)
{
    json_t *entries = entries_of(file->root);
    size_t index;

    memset(session, 0, sizeof(*session));
    *found = SESSION_NONE;
    if (!session_entry_locate(entries, key, &index))
        return 0;
    return session_entry_read(json_array_get(entries, index), key, session, found, error);
}

/* The account's entry, a new one where there is none; NULL with an error. */
static json_t *
entry_for(const struct session_file *file, json_t *root, const struct session_key *key,
    struct error *error)
{
    json_t *entries = entries_of(root);
    json_t *entry;
    size_t index;

    if (session_entry_locate(entries, key, &index))
        return json_array_get(entries, index);
    if (json_array_size(entries) >= MOST_ENTRIES) {
        error_set(error, ERROR_INVALID,
            "session_file: %s is full: it holds %d sessions; remove it, or name another",
            file->file.path, MOST_ENTRIES);
        return NULL;
    }
    entry = session_entry_new(key);
    if (entry == NULL || json_array_append_new(entries, entry) != 0) {
        error_no_memory(error);
        return NULL;
    }
    return entry;
}

int
session_file_device(struct session_file *file, const struct session_key *key,
    enum session_device which, char device_id[SESSION_DEVICE_SIZE], struct error *error)
{
    json_t *root = load(file, error);
    json_t *entry = root == NULL ? NULL : entry_for(file, root, key, error);
    bool is_new = false;
    int result = entry == NULL ? -1
                               : session_entry_device(entry, which, device_id, &is_new, error);

    if (result == 0 && is_new)
        return save(file, root, error);
    json_decref(root);
    return result;
}

/*
 * The entry for a session. A login may tell the server's name that was not
 * known before it: where there is an entry with that name already, the one
 * that was made without gives way to it.
 */
static json_t *
entry_for_session(const struct session_file *file, json_t *root,
    const struct session_key *key, const struct session *session, struct error *error)
{
    json_t *entries = entries_of(root);
    struct session_key named = *key;
    json_t *entry;
    size_t index, other;

    named.server_name = user_id_server_name(session->user_id);
    if (!session_entry_locate(entries, &named, &index))
        return entry_for(file, root, key, error);
    entry = json_array_get(entries, index);
    if (session_entry_locate(entries, key, &other) && other != index)
        json_array_remove(entries, other);
    return entry;
}

int
session_file_store(struct session_file *file, const struct session_key *key,
    const struct session *session, const char *device_id, struct error *error)
{
    json_t *root = load(file, error);
    json_t *entry =
        root == NULL ? NULL : entry_for_session(file, root, key, session, error);

    if (entry != NULL && session_entry_write(entry, key, session, device_id, error) == 0)
        return save(file, root, error);
    json_decref(root);
    return -1;
}

/* Removes the file; root, which is taken over, is what it would have held. */
static int
discard(struct session_file *file, json_t *root, struct error *error)
{
    int result = private_file_remove(&file->file, error);

    if (result == 0) {
        json_decref(file->root);
        file->root = json_incref(root);
    }
    json_decref(root);
    return result;
}

/* Writes root, which is taken over, or removes the file where nothing is left. */
static int
put_back(struct session_file *file, json_t *root, bool changed, struct error *error)
{
    /* Two members: ours, and nothing that another version wrote. */
    if (json_array_size(entries_of(root)) == 0 && json_object_size(root) == 2)
        return discard(file, root, error);
    if (changed)
        return save(file, root, error);
    json_decref(root);
    return 0;
}

int
session_file_remove(struct session_file *file, const struct session_key *key,
    struct error *error)
{
    json_t *root = load(file, error);
    bool found;
    size_t index;

    if (root == NULL)
        return -1;
    found = session_entry_locate(entries_of(root), key, &index) &&
            json_array_remove(entries_of(root), index) == 0;
    return put_back(file, root, found, error);
}

/* ---- Creations --------------------------------------------------------------- */

bool
session_file_find_creation(const struct session_file *file, const struct session_key *key,
    struct session_creation *creation)
{
    const json_t *entry;
    size_t i;

    json_array_foreach(creations_of(file->root), i, entry)
        if (session_creation_read(entry, key, creation))
            return true;
    memset(creation, 0, sizeof(*creation));
    return false;
}

/* Takes key's creation, and those that are too old, out of root. */
static bool
drop_creations(json_t *root, const struct session_key *key, long long oldest_s)
{
    json_t *creations = creations_of(root);
    size_t before = json_array_size(creations);
    size_t after;

    for (size_t i = before; i-- > 0;)
        if (session_creation_may_go(json_array_get(creations, i), key, oldest_s))
            json_array_remove(creations, i);
    after = json_array_size(creations);
    if (after == 0)
        json_object_del(root, "creations");
    return after != before;
}

static int
append_creation(const struct session_file *file, json_t *root, const struct session_key *key,
    const struct session_creation *creation, struct error *error)
{
    if (creations_of(root) == NULL &&
        json_object_set_new(root, "creations", json_array()) != 0)
        return error_no_memory(error);
    if (json_array_size(creations_of(root)) >= MOST_ENTRIES)
        return error_set(error, ERROR_INVALID,
            "session_file: %s is full: it holds %d creations that were cut off; remove it, or "
            "name another",
            file->file.path, MOST_ENTRIES);
    return json_array_append_new(creations_of(root), session_creation_new(key, creation)) == 0
               ? 0
               : error_no_memory(error);
}

int
session_file_store_creation(struct session_file *file, const struct session_key *key,
    const struct session_creation *creation, long long oldest_s, struct error *error)
{
    json_t *root = load(file, error);

    if (root == NULL)
        return -1;
    drop_creations(root, key, oldest_s);
    if (append_creation(file, root, key, creation, error) == 0)
        return save(file, root, error);
    json_decref(root);
    return -1;
}

int
session_file_remove_creation(struct session_file *file, const struct session_key *key,
    long long oldest_s, struct error *error)
{
    json_t *root = load(file, error);

    if (root == NULL)
        return -1;
    return put_back(file, root, drop_creations(root, key, oldest_s), error);
}
