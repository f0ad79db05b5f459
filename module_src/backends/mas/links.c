/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/links.h"

#include <stdio.h>
#include <string.h>

#include "backends/mas/api.h"
#include "backends/mas/api_refusal.h"
#include "backends/mas/pages.h"
#include "backends/mas/state.h"
#include "backends/mas/ulid.h"
#include "base/text.h"

static const char listing[] = "listing links to providers in MAS";
static const char listing_providers[] = "listing MAS's providers";

/* What a provider can be called by, besides its ULID. */
static const char *const names[] = {"issuer", "human_name", "brand_name"};

#define NAMES (sizeof(names) / sizeof(names[0]))

/* Keeps of a provider what is of use: id, names, and whether it is switched on. */
static int
take_provider(void *context, const struct pages_item *item, struct error *error)
{
    const json_t *disabled = json_object_get(item->attributes, "disabled_at");
    json_t *provider = json_pack("{s:s, s:b}", "id", item->id, "enabled",
        (int)(disabled == NULL || json_is_null(disabled)));
    int result = provider == NULL ? -1 : 0;

    for (size_t i = 0; result == 0 && i < NAMES; i++) {
        json_t *name = json_object_get(item->attributes, names[i]);

        if (json_is_string(name))
            result = json_object_set(provider, names[i], name);
    }
    if (result == 0)
        return json_array_append_new(context, provider) == 0 ? 0 : error_no_memory(error);
    json_decref(provider);
    return error_no_memory(error);
}

static int
learn_providers(struct backend *backend, struct error *error)
{
    struct mas_state *state = mas_state_of(backend);
    struct text list = {0};
    json_t *providers;
    int result;

    if (state->providers != NULL)
        return 0;
    providers = json_array();
    if (providers == NULL)
        return error_no_memory(error);
    text_append(&list, "/upstream-oauth-providers");
    result = pages_visit(backend, &list, listing_providers, take_provider, providers, error);
    text_free(&list);
    if (result == 0)
        state->providers = providers;
    else
        json_decref(providers);
    return result;
}

void
links_forget(struct backend *backend)
{
    struct mas_state *state = mas_state_of(backend);

    json_decref(state->providers);
    state->providers = NULL;
}

/* An issuer is a URL, and people are of two minds about the slash at its end. */
static bool
is_same_name(const char *name, const char *written)
{
    size_t length = strlen(name), written_length = strlen(written);

    if (length > 0 && name[length - 1] == '/')
        length--;
    if (written_length > 0 && written[written_length - 1] == '/')
        written_length--;
    return length > 0 && length == written_length && memcmp(name, written, length) == 0;
}

static bool
is_called(const json_t *provider, const char *written)
{
    char id[MAS_ID_SIZE];

    if (ulid_read(id, written) &&
        strcmp(id, json_string_value(json_object_get(provider, "id"))) == 0)
        return true;
    for (size_t i = 0; i < NAMES; i++) {
        const char *name = json_string_value(json_object_get(provider, names[i]));

        if (name != NULL && is_same_name(name, written))
            return true;
    }
    return false;
}

/* Those that are called so: how many, and the last of them. */
static size_t
count_called(const json_t *providers, const char *written, bool enabled,
    const json_t **provider)
{
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(providers); i++) {
        const json_t *one = json_array_get(providers, i);

        if (json_is_true(json_object_get(one, "enabled")) == enabled &&
            is_called(one, written)) {
            *provider = one;
            count++;
        }
    }
    return count;
}

static int
choose(struct backend *backend, const char *written, char id[MAS_ID_SIZE],
    struct error *error)
{
    const json_t *providers = mas_state_of(backend)->providers;
    const json_t *provider = NULL;
    size_t on = count_called(providers, written, true, &provider);
    size_t off = on > 0 ? 0 : count_called(providers, written, false, &provider);

    if (on + off == 0)
        return error_set(error, ERROR_INVALID,
            "external_ids: MAS has no provider \"%.200s\"; it is called by its ULID (id), issuer, "
            "human_name or brand_name under upstream_oauth2.providers in MAS's configuration "
            "(matrix-docker-ansible-deploy: "
            "matrix_authentication_service_config_upstream_oauth2_providers)",
            written);
    if (on + off > 1)
        return error_set(error, ERROR_INVALID,
            "external_ids: MAS has %zu providers that are called \"%.200s\"; give the ULID (id) of "
            "the one that is meant, as it stands under upstream_oauth2.providers in its "
            "configuration",
            on + off, written);
    if (off == 1)
        list_add(backend->warnings,
            "external_ids: the provider \"%.200s\" is switched off in MAS, so that nobody can log "
            "in there",
            written);
    ulid_read(id, json_string_value(json_object_get(provider, "id")));
    return 0;
}

int
links_provider(struct backend *backend, const char *provider, char id[MAS_ID_SIZE],
    struct error *error)
{
    struct error failure = {0};
    bool is_id = ulid_read(id, provider);

    if (learn_providers(backend, &failure) == 0)
        return choose(backend, provider, id, error);
    /* Links came before their providers could be listed. */
    if (failure.kind == ERROR_UNSUPPORTED && !failure.ends_list)
        return is_id ? 0
                     : error_set(error, ERROR_UNSUPPORTED,
                           "external_ids: this MAS cannot list its providers, so that nobody knows "
                           "which one \"%.200s\" is (that came with version 1.3.0); give its ULID "
                           "(id), as it stands under upstream_oauth2.providers in MAS's "
                           "configuration",
                           provider);
    if (error->kind == ERROR_NONE)
        *error = failure;
    return -1;
}

/* What a visit looks for, and what it found. */
struct search {
    const char *user_id;     /* whose links count, or NULL: anybody's */
    const char *provider_id; /* or NULL: any */
    const char *subject;     /* or NULL: any */
    struct pairs *links;     /* takes them, or NULL */
    struct list ids;
    char owner[MAS_ID_SIZE]; /* of the first one, "" while it has none */
};

/* A link may belong to nobody yet: somebody has logged in there, and has not
 * registered. */
static int
read_owner(const json_t *attributes, char owner[MAS_ID_SIZE], struct error *error)
{
    const json_t *user_id = json_object_get(attributes, "user_id");

    owner[0] = '\0';
    if (user_id == NULL || json_is_null(user_id) ||
        ulid_read(owner, json_string_value(user_id)))
        return 0;
    return pages_no_sense(listing, "user_id", error);
}

static int
take_link(void *context, const struct pages_item *item, struct error *error)
{
    struct search *search = context;
    const char *subject = json_string_value(json_object_get(item->attributes, "subject"));
    char provider[MAS_ID_SIZE], owner[MAS_ID_SIZE];

    if (!ulid_read(provider,
            json_string_value(json_object_get(item->attributes, "provider_id"))))
        return pages_no_sense(listing, "provider_id", error);
    if (subject == NULL)
        return pages_no_sense(listing, "subject", error);
    if (read_owner(item->attributes, owner, error) != 0)
        return -1;
    if ((search->user_id != NULL && strcmp(search->user_id, owner) != 0) ||
        (search->provider_id != NULL && strcmp(search->provider_id, provider) != 0) ||
        (search->subject != NULL && strcmp(search->subject, subject) != 0))
        return 0;
    list_add(&search->ids, "%s", item->id);
    if (search->owner[0] == '\0')
        memcpy(search->owner, owner, sizeof(owner));
    if (search->ids.failed)
        return error_no_memory(error);
    return search->links == NULL ? 0 : pairs_add(search->links, provider, subject, error);
}

/* Visits the links that count, for list_free(&search->ids). */
static int
visit(struct backend *backend, struct search *search, struct error *error)
{
    struct text list = {0};
    int result;

    text_append(&list, "/upstream-oauth-links");
    if (search->user_id != NULL)
        pages_filter(&list, "user", search->user_id);
    if (search->provider_id != NULL)
        pages_filter(&list, "provider", search->provider_id);
    if (search->subject != NULL)
        pages_filter(&list, "subject", search->subject);
    result = pages_visit(backend, &list, listing, take_link, search, error);
    text_free(&list);
    return result;
}

int
links_list(struct backend *backend, const struct mas_user *user, struct pairs *links,
    struct error *error)
{
    struct search search = {.user_id = user->id, .links = links};
    int result = visit(backend, &search, error);

    list_free(&search.ids);
    return result;
}

/* It is linked, to another user or to this one: as in emails.c. */
static int
meet_taken(struct backend *backend, const struct mas_user *user, const char *provider_id,
    const char *subject, const struct answer *answer, const char *what, struct error *error)
{
    struct search search = {.provider_id = provider_id, .subject = subject};
    int result = visit(backend, &search, error);

    list_free(&search.ids);
    if (result != 0)
        return -1;
    return strcmp(search.owner, user->id) == 0 ? 0 : api_refusal_record(answer, what, error);
}

int
links_add(struct backend *backend, const struct mas_user *user, const char *provider,
    const char *subject, struct error *error)
{
    static const char what[] = "linking a user to a provider in MAS";
    struct call call = {
        .method = "POST",
        .path = "/upstream-oauth-links",
        .retry = RETRY_SAFE, /* as in emails.c */
    };
    struct answer answer = {0};
    char id[MAS_ID_SIZE];
    int result;

    if (links_provider(backend, provider, id, error) != 0)
        return -1;
    call.body = json_pack("{s:s, s:s, s:s}", "user_id", user->id, "provider_id", id, "subject",
        subject);
    if (call.body == NULL)
        return error_no_memory(error);
    result = api_call(backend, &call, &answer, error);
    if (result == 0 && answer.status == 409)
        result = meet_taken(backend, user, id, subject, &answer, what, error);
    else if (result == 0 && !answer_ok(&answer))
        result = api_refusal_record(&answer, what, error);
    answer_free(&answer);
    json_decref(call.body);
    return result;
}

int
links_remove(struct backend *backend, const struct mas_user *user, const char *provider,
    const char *subject, struct error *error)
{
    char id[MAS_ID_SIZE];
    struct search search = {.user_id = user->id, .provider_id = id, .subject = subject};
    int result = 0;

    /* Whatever the user has a link to is there. */
    if (!ulid_read(id, provider))
        result = links_provider(backend, provider, id, error);
    if (result == 0)
        result = visit(backend, &search, error);
    if (result == 0)
        result = api_delete(backend, "/upstream-oauth-links/", &search.ids,
            "taking away a link to a provider in MAS", error);
    list_free(&search.ids);
    return result;
}
