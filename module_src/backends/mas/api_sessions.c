/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/api_sessions.h"

#include <stdio.h>
#include <string.h>

#include "backends/mas/api.h"
#include "backends/mas/api_refusal.h"
#include "backends/mas/pages.h"
#include "backends/mas/ulid.h"
#include "base/text.h"

/* A browser's first: with one, the others could be begun again. */
static const char *const kinds[] = {"/user-sessions", "/oauth2-sessions", "/compat-sessions"};

struct search {
    const char *user_id;
    const char *what;
    struct list ids;
};

/* Older servers ignore filters that they do not know. */
static int
take_session(void *context, const struct pages_item *item, struct error *error)
{
    struct search *search = context;
    const json_t *finished = json_object_get(item->attributes, "finished_at");
    char owner[MAS_ID_SIZE];

    /* That of an OAuth 2.0 client of its own is nobody's. */
    if (!ulid_read(owner, json_string_value(json_object_get(item->attributes, "user_id"))))
        return 0;
    if (strcmp(owner, search->user_id) != 0 || (finished != NULL && !json_is_null(finished)))
        return 0;
    list_add(&search->ids, "%s", item->id);
    return search->ids.failed ? error_no_memory(error) : 0;
}

/* One that is over by itself by then (400), or gone (404), is ended. */
static int
end(struct backend *backend, const char *kind, const char *id, const char *what,
    struct error *error)
{
    char path[MAS_ID_SIZE + 64];
    struct call call = {.method = "POST", .path = path, .retry = RETRY_SAFE};
    struct answer answer = {0};
    int result;

    snprintf(path, sizeof(path), "%s/%s/finish", kind, id);
    result = api_call(backend, &call, &answer, error);
    if (result == 0 && !answer_ok(&answer) && answer.status != 404 &&
        !(answer.status == 400 && api_says(&answer, "already finished")))
        result = api_refusal_record(&answer, what, error);
    answer_free(&answer);
    return result;
}

static int
end_kind(struct backend *backend, const char *kind, struct search *search,
    struct error *error)
{
    struct text list = {0};
    int result;

    text_append(&list, kind);
    pages_filter(&list, "user", search->user_id);
    pages_filter(&list, "status", "active");
    result = pages_visit(backend, &list, search->what, take_session, search, error);
    text_free(&list);
    for (size_t i = 0; result == 0 && i < search->ids.count; i++)
        result = end(backend, kind, search->ids.items[i], search->what, error);
    list_free(&search->ids);
    return result;
}

int
api_sessions_end(struct backend *backend, const struct mas_user *user, const char *localpart,
    struct error *error)
{
    char what[320];
    struct search search = {.user_id = user->id, .what = what};
    int result = 0;

    snprintf(what, sizeof(what), "ending the sessions of %s in MAS", localpart);
    for (size_t i = 0; result == 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        result = end_kind(backend, kinds[i], &search, error);
    return result;
}
