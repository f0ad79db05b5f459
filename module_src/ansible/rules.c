/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ansible/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* "alias", "password", ...: the name of a row or one of its aliases. */
static bool
is_called(const struct option *option, const char *name)
{
    if (strcmp(option->name, name) == 0)
        return true;
    for (size_t i = 0; option->aliases != NULL && option->aliases[i] != NULL; i++)
        if (strcmp(option->aliases[i], name) == 0)
            return true;
    return false;
}

const struct option *
rules_find(const struct option_schema *schema, const char *name)
{
    for (size_t i = 0; i < OPTION_SETS_MOST && schema->sets[i] != NULL; i++)
        for (size_t j = 0; j < schema->sets[i]->count; j++)
            if (is_called(&schema->sets[i]->options[j], name))
                return &schema->sets[i]->options[j];
    return NULL;
}

const json_t *
rules_given(const struct option *option, const json_t *parameters, const char **alias)
{
    const json_t *value = json_object_get(parameters, option->name);
    bool is_text = option->type == OPTION_STRING || option->type == OPTION_PATH ||
                   option->type == OPTION_SECRET || option->type == OPTION_CHOICE;

    if (alias != NULL)
        *alias = NULL;
    for (size_t i = 0; option->aliases != NULL && option->aliases[i] != NULL; i++) {
        const json_t *by_alias = json_object_get(parameters, option->aliases[i]);

        if (by_alias == NULL)
            continue;
        if (alias != NULL && value != NULL)
            *alias = option->aliases[i];
        value = by_alias;
    }
    if (value == NULL || json_is_null(value))
        return NULL;
    if (!is_text && json_is_string(value) && json_string_length(value) == 0)
        return NULL;
    return value;
}

static int
compare_names(const void *one, const void *other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

#define NAMES_MOST 64

static void
append_sorted(struct text *text, const char **names, size_t count)
{
    qsort(names, count, sizeof(names[0]), compare_names);
    for (size_t i = 0; i < count; i++)
        text_append_format(text, "%s%s", i > 0 ? ", " : "", names[i]);
}

/* All options, sorted, and behind them all aliases: as Ansible lists them. */
static void
append_known(struct text *text, const struct option_schema *schema)
{
    const char *names[NAMES_MOST];
    const char *aliases[NAMES_MOST];
    size_t count = 0, alias_count = 0;

    for (size_t i = 0; i < OPTION_SETS_MOST && schema->sets[i] != NULL; i++)
        for (size_t j = 0; j < schema->sets[i]->count && count < NAMES_MOST; j++) {
            const struct option *option = &schema->sets[i]->options[j];

            names[count++] = option->name;
            for (size_t k = 0; option->aliases != NULL && option->aliases[k] != NULL; k++)
                if (alias_count < NAMES_MOST)
                    aliases[alias_count++] = option->aliases[k];
        }
    append_sorted(text, names, count);
    if (alias_count == 0)
        return;
    text_append(text, " (");
    append_sorted(text, aliases, alias_count);
    text_append(text, ")");
}

/* The parameters that are no options, sorted; NULL: none, or no memory. */
static const char **
list_unknown(const struct option_schema *schema, const json_t *parameters, size_t *count,
    struct error *error)
{
    const char **names = memory_zeroed(json_object_size(parameters) + 1, sizeof(*names));
    const char *name;
    json_t *value;

    *count = 0;
    if (names == NULL) {
        error_no_memory(error);
        return NULL;
    }
    json_object_foreach((json_t *)(void *)parameters, name, value)
    {
        if (strncmp(name, "_ansible_", strlen("_ansible_")) != 0 &&
            rules_find(schema, name) == NULL)
            names[(*count)++] = name;
    }
    qsort(names, *count, sizeof(*names), compare_names);
    return names;
}

/* "users.external_ids." for "users -> external_ids": Ansible writes the place
 * of an unknown parameter so, and of no other. */
static void
append_place(struct text *text, const char *context)
{
    static const char arrow[] = " -> ";
    const char *end;

    for (; (end = strstr(context, arrow)) != NULL; context = end + strlen(arrow)) {
        text_append_bytes(text, context, (size_t)(end - context));
        text_append(text, ".");
    }
    if (*context != '\0')
        text_append_format(text, "%s.", context);
}

/* Unknown parameters, all of them in one message, as Ansible does. */
int
rules_check_known(const struct option_schema *schema, const json_t *parameters,
    struct error *error)
{
    struct text unknown = {0};
    struct text known = {0};
    size_t count;
    const char **names = list_unknown(schema, parameters, &count, error);
    int result = 0;

    if (names == NULL)
        return -1;
    if (count == 0)
        goto out;
    for (size_t i = 0; i < count; i++) {
        char shown[64];

        text_show(shown, sizeof(shown), names[i]);
        text_append(&unknown, i > 0 ? ", " : "");
        append_place(&unknown, schema->context);
        text_append(&unknown, shown);
    }
    append_known(&known, schema);
    if (unknown.failed || known.failed)
        result = error_no_memory(error);
    else
        result = error_set(error, ERROR_INVALID,
            "Unsupported parameters for (%s) module: %.300s. Supported parameters include: "
            "%s.",
            schema->module, unknown.bytes, known.bytes);
out:
    text_free(&known);
    text_free(&unknown);
    memory_free((void *)names);
    return result;
}

int
rules_check_required(const struct option_schema *schema, const json_t *parameters,
    struct error *error)
{
    char missing[256] = "";

    for (size_t i = 0; i < OPTION_SETS_MOST && schema->sets[i] != NULL; i++)
        for (size_t j = 0; j < schema->sets[i]->count; j++) {
            const struct option *option = &schema->sets[i]->options[j];
            size_t length = strlen(missing);

            if (option->required && rules_given(option, parameters, NULL) == NULL)
                snprintf(missing + length, sizeof(missing) - length, "%s%s",
                    length > 0 ? ", " : "", option->name);
        }
    if (missing[0] == '\0')
        return 0;
    return error_set(error, ERROR_INVALID, "missing required arguments: %s%s%s", missing,
        CONTEXT_ARGUMENTS(schema));
}

/* How many of a rule's options are given; list becomes their names. */
static size_t
count_given(const struct option_schema *schema, const struct option_rule *rule,
    const json_t *parameters, const char *separator, char *list, size_t size)
{
    size_t given = 0;

    list[0] = '\0';
    for (size_t i = 0; rule->names[i] != NULL; i++) {
        size_t length = strlen(list);

        snprintf(list + length, size - length, "%s%s", length > 0 ? separator : "",
            rule->names[i]);
        given += rules_given(rules_find(schema, rule->names[i]), parameters, NULL) != NULL;
    }
    return given;
}

static int
check_needs(const struct option_schema *schema, const struct option_rule *rule,
    const json_t *parameters, struct error *error)
{
    char missing[256] = "";

    if (rules_given(rules_find(schema, rule->names[0]), parameters, NULL) == NULL)
        return 0;
    for (size_t i = 1; rule->names[i] != NULL; i++) {
        size_t length = strlen(missing);

        if (rules_given(rules_find(schema, rule->names[i]), parameters, NULL) == NULL)
            snprintf(missing + length, sizeof(missing) - length, "%s%s",
                length > 0 ? ", " : "", rule->names[i]);
    }
    if (missing[0] == '\0')
        return 0;
    return error_set(error, ERROR_INVALID, "missing parameter(s) required by '%s': %s%s%s",
        rule->names[0], missing, CONTEXT_ARGUMENTS(schema));
}

int
rules_check(const struct option_schema *schema, const struct option_rule *rule,
    const json_t *parameters, struct error *error)
{
    bool exclusive = rule->type == OPTION_RULE_EXCLUSIVE;
    char list[256];
    size_t given = count_given(schema, rule, parameters, exclusive ? "|" : ", ", list,
        sizeof(list));

    switch (rule->type) {
    case OPTION_RULE_EXCLUSIVE:
        if (given > 1)
            return error_set(error, ERROR_INVALID,
                "parameters are mutually exclusive: %s%s%s", list,
                CONTEXT_ARGUMENTS(schema));
        return 0;
    case OPTION_RULE_ONE_OF:
        if (given == 0)
            return error_set(error, ERROR_INVALID,
                "one of the following is required: %s%s%s", list,
                CONTEXT_ARGUMENTS(schema));
        return 0;
    case OPTION_RULE_TOGETHER:
        if (given > 0 && rule->names[given] != NULL)
            return error_set(error, ERROR_INVALID,
                "parameters are required together: %s%s%s", list,
                CONTEXT_ARGUMENTS(schema));
        return 0;
    case OPTION_RULE_NEEDS:
        return check_needs(schema, rule, parameters, error);
    }
    return 0;
}
