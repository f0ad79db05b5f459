/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/emails.h"

#include <stdio.h>
#include <string.h>

#include "accounts/email.h"
#include "backends/mas/api.h"
#include "backends/mas/api_refusal.h"
#include "backends/mas/pages.h"
#include "backends/mas/ulid.h"
#include "base/memory.h"
#include "base/text.h"

static const char listing[] = "listing e-mail addresses in MAS";

/* What a visit looks for, and what it found. */
struct search {
    const char *user_id; /* whose entries count, or NULL: anybody's */
    const char *email;   /* which address counts, or NULL: any */
    struct pairs *emails; /* takes the addresses, or NULL */
    struct list ids;     /* of the entries */
    char owner[MAS_ID_SIZE]; /* of the first one */
};

/* The address of an entry in canonical form, for memory_free. -1: error. */
static int
read_address(const json_t *attributes, char **address, struct error *error)
{
    const char *written = json_string_value(json_object_get(attributes, "email"));
    const char *reason;
    int result;

    *address = NULL;
    if (written == NULL)
        return pages_no_sense(listing, "email", error);
    result = email_canonical(written, address, &reason);
    if (result == -1)
        *address = memory_copy_string(written);
    return *address == NULL ? error_no_memory(error) : 0;
}

static int
take_entry(void *context, const struct pages_item *item, struct error *error)
{
    struct search *search = context;
    char owner[MAS_ID_SIZE];
    char *address;
    int result = 0;

    if (!ulid_read(owner, json_string_value(json_object_get(item->attributes, "user_id"))))
        return pages_no_sense(listing, "user_id", error);
    if (read_address(item->attributes, &address, error) != 0)
        return -1;
    /* Older servers may have ignored the filter. */
    if ((search->user_id == NULL || strcmp(search->user_id, owner) == 0) &&
        (search->email == NULL || strcmp(search->email, address) == 0)) {
        list_add(&search->ids, "%s", item->id);
        if (search->owner[0] == '\0')
            memcpy(search->owner, owner, sizeof(owner));
        if (search->emails != NULL)
            result = pairs_add(search->emails, "email", address, error);
        if (search->ids.failed)
            result = error_no_memory(error);
    }
    memory_free(address);
    return result;
}

/* Visits the entries that count, for list_free(&search->ids). */
static int
visit(struct backend *backend, struct search *search, struct error *error)
{
    struct text list = {0};
    int result;

    text_append(&list, "/user-emails");
    if (search->user_id != NULL)
        pages_filter(&list, "user", search->user_id);
    else
        pages_filter(&list, "email", search->email);
    result = pages_visit(backend, &list, listing, take_entry, search, error);
    text_free(&list);
    return result;
}

int
emails_list(struct backend *backend, const struct mas_user *user, struct pairs *emails,
    struct error *error)
{
    struct search search = {.user_id = user->id, .emails = emails};
    int result = visit(backend, &search, error);

    list_free(&search.ids);
    return result;
}

int
emails_owner(struct backend *backend, const char *email, char owner[MAS_ID_SIZE],
    struct error *error)
{
    struct search search = {.email = email};
    int result = visit(backend, &search, error);

    memcpy(owner, search.owner, MAS_ID_SIZE);
    list_free(&search.ids);
    return result;
}

/* It is taken, by another user or by this one: then it came in between, or our
 * own request arrived twice. */
static int
meet_taken(struct backend *backend, const struct mas_user *user, const char *email,
    const struct answer *answer, const char *what, struct error *error)
{
    char owner[MAS_ID_SIZE];

    if (emails_owner(backend, email, owner, error) != 0)
        return -1;
    return strcmp(owner, user->id) == 0 ? 0 : api_refusal_record(answer, what, error);
}

int
emails_add(struct backend *backend, const struct mas_user *user, const char *localpart,
    const char *email, struct error *error)
{
    struct call call = {
        .method = "POST",
        .path = "/user-emails",
        .body = json_pack("{s:s, s:s}", "user_id", user->id, "email", email),
        .retry = RETRY_SAFE, /* the second one meets the first, see meet_taken */
    };
    struct answer answer = {0};
    char what[320];
    int result;

    snprintf(what, sizeof(what), "giving %s an e-mail address in MAS", localpart);
    if (call.body == NULL)
        return error_no_memory(error);
    result = api_call(backend, &call, &answer, error);
    if (result == 0 && answer.status == 409)
        result = meet_taken(backend, user, email, &answer, what, error);
    else if (result == 0 && !answer_ok(&answer))
        result = api_refusal_record(&answer, what, error);
    answer_free(&answer);
    json_decref(call.body);
    return result;
}

int
emails_remove(struct backend *backend, const struct mas_user *user, const char *email,
    struct error *error)
{
    struct search search = {.user_id = user->id, .email = email};
    int result = visit(backend, &search, error);

    if (result == 0)
        result = api_delete(backend, "/user-emails/", &search.ids,
            "taking away an e-mail address in MAS", error);
    list_free(&search.ids);
    return result;
}
