/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support.h"

#include "option_fields.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct fields {
    char *must, *text, *path, *one, *other, *first, *second, *third, *key;
    struct secret token;
    struct option_boolean flag, switch_on;
    struct option_integer number;
    int colour;
    struct option_strings lines;
    struct option_dicts items, limit, ids;
};

#define ROW(field, option_type)                                                            \
    .name = #field, .type = option_type, .offset = offsetof(struct fields, field)

static const char *const text_aliases[] = {"words", "phrase", NULL};
static const char *const colours[] = {"red", "green", "blue", NULL};

/* In "ids" of an element. */
static const struct option id_rows[] = {
    {ROW(key, OPTION_STRING), .required = true},
    {ROW(must, OPTION_STRING), .required = true},
    {ROW(token, OPTION_SECRET)},
    {ROW(colour, OPTION_CHOICE), .choices = colours, .fallback = "green"},
};
static const struct option_set id_set = {
    .options = id_rows, .count = COUNT(id_rows), .size = sizeof(struct fields)};

static const struct option element_rows[] = {
    {ROW(key, OPTION_STRING), .required = true},
    {ROW(flag, OPTION_BOOLEAN)},
    {ROW(colour, OPTION_CHOICE), .choices = colours, .fallback = "green"},
    {ROW(lines, OPTION_STRINGS)},
    {ROW(ids, OPTION_DICTS), .dict = &id_set},
};
static const struct option_set element_set = {
    .options = element_rows, .count = COUNT(element_rows), .size = sizeof(struct fields)};

static const struct option limit_rows[] = {
    {ROW(number, OPTION_INTEGER), .least = 0, .most = 100},
    {ROW(text, OPTION_STRING), .aliases = text_aliases},
    {ROW(flag, OPTION_BOOLEAN)},
};
static const struct option_rule limit_rules[] = {
    {OPTION_RULE_TOGETHER, {"number", "text", NULL}},
    {OPTION_RULE_EXCLUSIVE, {"number", "flag", NULL}},
};
static const struct option_set limit_set = {
    .options = limit_rows,
    .count = COUNT(limit_rows),
    .size = sizeof(struct fields),
    .rules = limit_rules,
    .rule_count = COUNT(limit_rules),
};

static const struct option rows[] = {
    {ROW(must, OPTION_STRING), .required = true},
    {ROW(text, OPTION_STRING), .aliases = text_aliases},
    {ROW(path, OPTION_PATH)},
    {ROW(token, OPTION_SECRET)},
    {ROW(flag, OPTION_BOOLEAN)},
    {ROW(switch_on, OPTION_BOOLEAN), .fallback = "true"},
    {ROW(number, OPTION_INTEGER), .fallback = "7", .least = -5, .most = 100},
    {ROW(colour, OPTION_CHOICE), .choices = colours, .fallback = "green"},
    {ROW(lines, OPTION_STRINGS)},
    {ROW(items, OPTION_DICTS), .dict = &element_set},
    {ROW(limit, OPTION_DICT), .dict = &limit_set},
    {ROW(one, OPTION_STRING)},
    {ROW(other, OPTION_STRING)},
    {ROW(first, OPTION_STRING)},
    {ROW(second, OPTION_STRING)},
    {ROW(third, OPTION_STRING)},
};

static const struct option_rule rules[] = {
    {OPTION_RULE_EXCLUSIVE, {"text", "items", NULL}},
    {OPTION_RULE_TOGETHER, {"one", "other", NULL}},
    {OPTION_RULE_NEEDS, {"first", "second", "third", NULL}},
};
static const struct option_set set = {
    .options = rows, .count = COUNT(rows), .rules = rules, .rule_count = COUNT(rules)};

const struct option_schema option_fields_schema = {
    .module = "test", .context = "", .sets = {&set}};
const struct option_schema option_fields_element_schema = {
    .module = "test", .context = "items", .sets = {&element_set}};

static json_t *
text_or_null(const char *text)
{
    return text == NULL ? json_null() : json_string(text);
}

static json_t *
strings_to_json(const struct option_strings *strings)
{
    json_t *array = strings->given ? json_array() : json_null();

    for (size_t i = 0; i < strings->count; i++)
        json_array_append_new(array, json_string(strings->items[i]));
    return array;
}

static json_t *
dict_to_json(const struct option_set *dict, const void *item)
{
    json_t *object = json_object();

    for (size_t i = 0; i < dict->count; i++)
        json_object_set_new(object, dict->options[i].name,
            option_fields_to_json(&dict->options[i], item));
    return object;
}

static json_t *
dicts_to_json(const struct option *option, const struct option_dicts *dicts)
{
    json_t *array;

    if (!dicts->given)
        return json_null();
    if (option->type == OPTION_DICT)
        return dicts->count == 0 ? json_object() : dict_to_json(option->dict, dicts->items);
    array = json_array();
    for (size_t i = 0; i < dicts->count; i++)
        json_array_append_new(array, dict_to_json(option->dict,
                                         (char *)dicts->items + i * option->dict->size));
    return array;
}

json_t *
option_fields_to_json(const struct option *option, const void *into)
{
    const void *field = (const char *)into + option->offset;
    const struct option_boolean *boolean = field;
    const struct option_integer *integer = field;

    switch (option->type) {
    case OPTION_STRING:
    case OPTION_PATH:
        return text_or_null(*(char *const *)field);
    case OPTION_STRINGS:
        return strings_to_json(field);
    case OPTION_SECRET:
        return text_or_null(((const struct secret *)field)->bytes);
    case OPTION_BOOLEAN:
        return boolean->given ? json_boolean(boolean->value) : json_null();
    case OPTION_INTEGER:
        return integer->given ? json_integer(integer->value) : json_null();
    case OPTION_CHOICE:
        return *(const int *)field == OPTION_NO_CHOICE
                   ? json_null()
                   : json_string(option->choices[*(const int *)field]);
    case OPTION_DICT:
    case OPTION_DICTS:
        return dicts_to_json(option, field);
    }
    return NULL;
}

json_t *
option_fields_load(const char *text)
{
    char *copy = strdup(text);
    json_error_t reason;
    json_t *value;

    assert_non_null(copy);
    for (char *byte = copy; *byte != '\0'; byte++)
        if (*byte == '\'')
            *byte = '"';
    value = json_loads(copy, 0, &reason);
    free(copy);
    if (value == NULL)
        fail_msg("%s: %s", text, reason.text);
    return value;
}
