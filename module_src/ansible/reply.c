/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ansible/reply.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

static const char no_memory[] =
    "{\"changed\": true, \"error\": {\"kind\": \"memory\"}, \"failed\": true, \"msg\": "
    "\"out of memory; what was done until then cannot be told, run the task again\"}\n";

/* The one key by which a secret leaves, the password that was made up; and our
 * own identifiers: a password that is one of them is no reason to hide it here,
 * and hiding it would tell what it is. */
static const char *const kept_keys[] = {"generated_password", "user_id", "username",
    "backend", "kind", "errcode", "authenticated_by", "actions", "before_header",
    "after_header", "name"};

/* Our own sentences. */
static const char *const sentence_keys[] = {"msg", "summary", "warnings"};

int
reply_add_error(json_t *reply, const struct error *error)
{
    json_t *details = json_pack("{s:s}", "kind", error_kind_name(error->kind));
    int result = details == NULL ? -1 : 0;

    if (result == 0 && error->status != 0)
        result = json_object_set_new(details, "status", json_integer(error->status));
    if (result == 0 && error->errcode[0] != '\0')
        result = json_object_set_new(details, "errcode", json_string(error->errcode));
    if (result == 0 && error->retry_after_ms > 0)
        result = json_object_set_new(details, "retry_after_ms",
            json_integer(error->retry_after_ms));
    if (result != 0) {
        json_decref(details);
        return -1;
    }
    if (json_object_set_new(reply, "error", details) != 0 ||
        json_object_set_new(reply, "failed", json_true()) != 0 ||
        json_object_set_new(reply, "msg", json_string(error->text)) != 0)
        return -1;
    return 0;
}

json_t *
reply_list(const struct list *list)
{
    json_t *array = json_array();

    for (size_t i = 0; array != NULL && i < list->count; i++)
        if (json_array_append_new(array, json_string(list->items[i])) != 0) {
            json_decref(array);
            array = NULL;
        }
    return array;
}

/* What is looked for in foreign text, and what in our own sentences. */
struct scrubber {
    struct redaction everywhere;
    struct redaction in_sentences;
};

static bool
is_among(const char *const *keys, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

#define IS_AMONG(keys, key) is_among(keys, sizeof(keys) / sizeof((keys)[0]), key)

/* Words, or a number: such as our own sentences are made of. */
static bool
is_plain(const struct secret *secret)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ _";
    static const char digits[] = "0123456789.:";

    return strspn(secret->bytes, letters) == secret->length ||
           strspn(secret->bytes, digits) == secret->length;
}

static int
scrub(json_t *value, const struct scrubber *scrubber, const struct redaction *redaction)
{
    const char *key;
    json_t *member;
    size_t i;
    char *clean;
    int result;

    switch (json_typeof(value)) {
    case JSON_STRING:
        clean = redact_text(json_string_value(value), redaction, REDACT_LEAVE_SHORT);
        if (clean == NULL)
            return -1;
        result = json_string_set(value, clean);
        memory_free(clean);
        return result;
    case JSON_ARRAY:
        json_array_foreach(value, i, member)
        {
            if (scrub(member, scrubber, redaction) != 0)
                return -1;
        }
        return 0;
    case JSON_OBJECT:
        json_object_foreach(value, key, member)
        {
            if (!IS_AMONG(kept_keys, key) &&
                scrub(member, scrubber,
                    IS_AMONG(sentence_keys, key) ? &scrubber->in_sentences
                                                 : &scrubber->everywhere) != 0)
                return -1;
        }
        return 0;
    default:
        return 0;
    }
}

static int
scrub_reply(json_t *reply, const struct redaction *redaction)
{
    const struct secret **uncommon =
        memory_zeroed(redaction->count + 1, sizeof(*uncommon));
    struct scrubber scrubber = {
        .everywhere = *redaction,
        .in_sentences = {.secrets = uncommon, .count = redaction->count},
    };
    int result;

    if (uncommon == NULL)
        return -1;
    for (size_t i = 0; i < redaction->count; i++) {
        const struct secret *secret = redaction->secrets[i];

        if (secret != NULL && secret_given(secret) && !is_plain(secret))
            uncommon[i] = secret;
    }
    result = scrub(reply, &scrubber, &scrubber.everywhere);
    memory_free((void *)uncommon);
    return result;
}

static int
write_all(const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(STDOUT_FILENO, text, length);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        text += written;
        length -= (size_t)written;
    }
    return 0;
}

int
reply_print(json_t *reply, const struct redaction *redaction)
{
    char *text = NULL;
    size_t length;
    int status = 1;

    if (reply != NULL && scrub_reply(reply, redaction) == 0)
        text = json_dumps(reply, JSON_ENSURE_ASCII | JSON_SORT_KEYS);
    if (text == NULL) {
        write_all(no_memory, strlen(no_memory));
        return 1;
    }
    length = strlen(text);
    text[length] = '\n'; /* in place of the NUL: one buffer, one write */
    if (write_all(text, length + 1) == 0 &&
        !json_is_true(json_object_get(reply, "failed")))
        status = 0;
    memory_free(text);
    return status;
}
