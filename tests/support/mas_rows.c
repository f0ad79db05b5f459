/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asks a database by backends/mas/rows.h, for test_mas_rows.py. Standard input is
 *
 *     {"uri": "...", "found": false, "pepper": "...", "schemes": [{"version": 1,
 *      "unicode_normalization": true, "secret": "..."}], "ask": [["find", "alice"], ...],
 *      "trouble": "why the schemes are not known"}
 *
 * and the output {"opened": 1, "error": ..., "warnings": [...], "answers": [...]}. With
 * "starve": true each question is asked again and again, with the next of its allocations
 * failing; any answer but "memory" and the right one is one of "starved".
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "backends/mas/rows.h"
#include "base/memory.h"

#define MOST_FAILURES 500

typedef json_t *(*question)(struct backend *backend, const char *const *words,
    struct error *error);

static json_t *
find(struct backend *backend, const char *const *words, struct error *error)
{
    struct mas_user user;
    bool found;

    if (rows_find(backend, words[0], &user, &found, error) != 0)
        return NULL;
    if (!found)
        return json_null();
    return json_pack("{s:s, s:b, s:b, s:b, s:b, s:b}", "id", user.id, "admin", user.admin,
        "locked", user.locked, "deactivated", user.deactivated, "knows_password",
        user.knows_password, "has_password", user.has_password);
}

static struct mas_user
user_of(const char *id)
{
    struct mas_user user = {0};

    snprintf(user.id, sizeof(user.id), "%s", id);
    return user;
}

static json_t *
from_pairs(int result, struct pairs *pairs)
{
    json_t *list = result == 0 ? json_array() : NULL;

    for (size_t i = 0; list != NULL && i < pairs->count; i++)
        json_array_append_new(list,
            json_pack("[s, s]", pairs->items[i].key, pairs->items[i].value));
    pairs_free(pairs);
    return list;
}

static json_t *
emails(struct backend *backend, const char *const *words, struct error *error)
{
    struct mas_user user = user_of(words[0]);
    struct pairs pairs = {0};

    return from_pairs(rows_emails(backend, &user, &pairs, error), &pairs);
}

static json_t *
links(struct backend *backend, const char *const *words, struct error *error)
{
    struct mas_user user = user_of(words[0]);
    struct pairs pairs = {0};

    return from_pairs(rows_links(backend, &user, &pairs, error), &pairs);
}

static json_t *
email_owner(struct backend *backend, const char *const *words, struct error *error)
{
    char owner[MAS_ID_SIZE];

    return rows_email_owner(backend, words[0], owner, error) == 0 ? json_string(owner) : NULL;
}

static json_t *
from_list(const struct list *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(array, json_string(list->items[i]));
    return array;
}

static json_t *
administrators(struct backend *backend, const char *const *words, struct error *error)
{
    struct list list = {0};
    int result = rows_list_administrators(backend, &list, error);
    json_t *array = result == 0 ? from_list(&list) : NULL;

    (void)words;
    list_free(&list);
    return array;
}

static json_t *
password(struct backend *backend, const char *const *words, struct error *error)
{
    static const char *const answers[] = {
        [PASSWORD_SAME] = "same",
        [PASSWORD_DIFFERENT] = "different",
        [PASSWORD_CANNOT_TELL] = "cannot tell",
    };
    struct mas_user user = user_of(words[0]);
    struct secret secret = {(char *)words[1], strlen(words[1])};
    enum password_answer answer;
    char why[PASSWORD_WHY_SIZE] = "";

    if (rows_ask_password(backend, &user, &secret, &answer, why, error) != 0)
        return NULL;
    return json_pack("[s, s]", answers[answer], why);
}

static json_t *
has_password(struct backend *backend, const char *const *words, struct error *error)
{
    struct mas_user user = user_of(words[0]);
    bool has;

    return rows_has_password(backend, &user, &has, error) == 0 ? json_boolean(has) : NULL;
}

static const struct {
    const char *name;
    question ask;
} questions[] = {
    {"find", find},
    {"emails", emails},
    {"links", links},
    {"email_owner", email_owner},
    {"administrators", administrators},
    {"password", password},
    {"has_password", has_password},
};

static json_t *
from_error(const struct error *error)
{
    return json_pack("{s:s, s:s}", "kind", error_kind_name(error->kind), "text", error->text);
}

static json_t *
answer_of(question ask, struct backend *backend, const char *const *words)
{
    struct error error = {0};
    json_t *answer = ask(backend, words, &error);

    return answer != NULL ? answer : from_error(&error);
}

/* The connection itself may be lost for want of memory, and is made anew. */
static void
starve(question ask, struct backend *backend, const char *const *words, json_t *right,
    json_t *starved)
{
    for (size_t nth = 1; nth < MOST_FAILURES; nth++) {
        struct error error = {0};
        size_t failures = memory_failures();
        json_t *answer;

        memory_fail_at(nth);
        answer = ask(backend, words, &error);
        memory_fail_at(0);
        if (answer != NULL ? !json_equal(answer, right) : error.kind != ERROR_MEMORY)
            json_array_append_new(starved,
                answer != NULL ? json_incref(answer) : from_error(&error));
        json_decref(answer);
        if (failures == memory_failures())
            return;
        postgres_close(backend->database);
        backend->database = NULL;
        error_clear(&error);
        if (rows_open(backend, &error) != 1) {
            json_array_append_new(starved, from_error(&error));
            return;
        }
    }
}

static void
ask_all(struct backend *backend, const json_t *input, json_t *output)
{
    bool is_starving = json_is_true(json_object_get(input, "starve"));
    json_t *answers = json_object_get(output, "answers");
    json_t *line;
    size_t i;

    json_array_foreach(json_object_get(input, "ask"), i, line)
    {
        const char *words[3] = {NULL};

        for (size_t at = 0; at < 3; at++)
            words[at] = json_string_value(json_array_get(line, at));
        for (size_t at = 0; at < sizeof(questions) / sizeof(questions[0]); at++) {
            json_t *answer;

            if (strcmp(questions[at].name, words[0]) != 0)
                continue;
            answer = answer_of(questions[at].ask, backend, words + 1);
            if (is_starving)
                starve(questions[at].ask, backend, words + 1, answer,
                    json_object_get(output, "starved"));
            json_array_append_new(answers, answer);
        }
    }
}

static struct secret
secret_in(const json_t *input, const char *key)
{
    const json_t *value = json_object_get(input, key);
    struct secret secret = {(char *)json_string_value(value), json_string_length(value)};

    return secret;
}

static void
take_schemes(const json_t *input, struct mas_schemes *schemes)
{
    json_t *item;
    size_t i;

    json_array_foreach(json_object_get(input, "schemes"), i, item)
    {
        struct mas_scheme *scheme = &schemes->items[schemes->count++];

        scheme->version = (long)json_integer_value(json_object_get(item, "version"));
        scheme->unicode_normalization = json_is_true(
            json_object_get(item, "unicode_normalization"));
        scheme->secret = secret_in(item, "secret");
    }
}

int
main(void)
{
    static const struct backend_type type = {.product = "Matrix Authentication Service"};
    json_t *input = json_loadf(stdin, 0, NULL);
    json_t *output = json_pack("{s:[], s:[]}", "answers", "starved");
    struct secret uri = secret_in(input, "uri"), pepper = secret_in(input, "pepper");
    struct mas_schemes schemes = {0};
    struct postgres_options database = {
        .uri = &uri, .connect_timeout_ms = 20000, .statement_timeout_ms = 20000};
    struct connection connection = {.database = secret_given(&uri) ? &database : NULL,
        .database_is_found = json_is_true(json_object_get(input, "found")),
        .password_pepper = secret_given(&pepper) ? &pepper : NULL,
        .mas.schemes = &schemes,
        .mas.schemes_trouble = json_string_value(json_object_get(input, "trouble"))};
    struct list warnings = {0};
    struct backend backend = {
        .type = &type, .connection = &connection, .warnings = &warnings};
    struct error error = {0};
    int opened;

    take_schemes(input, &schemes);
    opened = rows_open(&backend, &error);
    json_object_set_new(output, "opened", json_integer(opened));
    if (opened < 0)
        json_object_set_new(output, "error", from_error(&error));
    if (opened == 1)
        ask_all(&backend, input, output);
    json_object_set_new(output, "warnings", from_list(&warnings));
    postgres_close(backend.database);
    list_free(&warnings);
    json_dumpf(output, stdout, JSON_SORT_KEYS);
    json_decref(output);
    json_decref(input);
    return 0;
}
