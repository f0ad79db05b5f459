/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/pages.h"

#include <stdbool.h>
#include <string.h>

#include "backends/mas/api.h"
#include "backends/mas/api_refusal.h"
#include "backends/mas/ulid.h"

#define PAGE_SIZE "100" /* the server's own is 10 */

/* So many pages have a hundred thousand in them: no list that is read here. */
#define PAGES_MOST 1000

int
pages_no_sense(const char *what, const char *member, struct error *error)
{
    return error_set(error, ERROR_PROTOCOL, "%s: MAS's answer has no usable \"%s\"", what,
        member);
}

void
pages_filter(struct text *list, const char *name, const char *value)
{
    bool is_first = list->bytes == NULL || strchr(list->bytes, '?') == NULL;

    text_append_format(list, "%cfilter%%5B%s%%5D=", is_first ? '?' : '&', name);
    text_append_percent(list, value, strlen(value));
}

/* The path of one page: behind the item `after`, "" for the first. */
static void
append_page(struct text *path, const struct text *list, const char *after)
{
    bool is_first = strchr(list->bytes, '?') == NULL;

    text_append(path, list->bytes);
    text_append_format(path, "%cpage%%5Bfirst%%5D=" PAGE_SIZE, is_first ? '?' : '&');
    if (after[0] != '\0')
        text_append_format(path, "&page%%5Bafter%%5D=%s", after);
}

static int
ask(struct backend *backend, const struct text *list, const char *after, const char *what,
    struct answer *answer, struct error *error)
{
    struct text path = {0};
    struct call call = {.method = "GET", .retry = RETRY_SAFE};
    int result = -1;

    append_page(&path, list, after);
    if (path.failed) {
        error_no_memory(error);
        goto out;
    }
    call.path = path.bytes;
    result = api_call(backend, &call, answer, error);
    if (result == 0 && !answer_ok(answer))
        result = api_refusal_record(answer, what, error);
out:
    text_free(&path);
    return result;
}

/* Shows the visitor a page. last becomes the id of its last item. */
static int
show(const json_t *page, const char *what, pages_visitor visit, void *context,
    char last[MAS_ID_SIZE], struct error *error)
{
    const json_t *data = json_object_get(page, "data");

    if (!json_is_array(data))
        return pages_no_sense(what, "data", error);
    for (size_t i = 0; i < json_array_size(data); i++) {
        const json_t *resource = json_array_get(data, i);
        struct pages_item item = {.attributes = json_object_get(resource, "attributes")};

        if (!ulid_read(item.id, json_string_value(json_object_get(resource, "id"))))
            return pages_no_sense(what, "id", error);
        if (!json_is_object(item.attributes))
            return pages_no_sense(what, "attributes", error);
        if (visit(context, &item, error) != 0)
            return -1;
        memcpy(last, item.id, MAS_ID_SIZE);
    }
    return 0;
}

/* The links lead past a prefix and to no host: only whether there is one counts. */
static bool
has_next(const json_t *page)
{
    return json_is_string(json_object_get(json_object_get(page, "links"), "next"));
}

int
pages_visit(struct backend *backend, const struct text *list, const char *what,
    pages_visitor visit, void *context, struct error *error)
{
    char after[MAS_ID_SIZE] = "";

    if (list->failed)
        return error_no_memory(error);
    for (int page = 0; page < PAGES_MOST; page++) {
        struct answer answer = {0};
        char last[MAS_ID_SIZE] = "";
        int result = ask(backend, list, after, what, &answer, error);
        bool is_last;

        if (result == 0)
            result = show(answer.body, what, visit, context, last, error);
        is_last = !has_next(answer.body);
        answer_free(&answer);
        if (result != 0 || is_last)
            return result;
        /* They come in this order; else the same ones could come for ever. */
        if (strcmp(last, after) <= 0)
            return error_set(error, ERROR_PROTOCOL,
                "%s: MAS's list does not go on where its last page ended", what);
        memcpy(after, last, sizeof(after));
    }
    return error_set(error, ERROR_PROTOCOL, "%s: MAS's list has no end", what);
}
