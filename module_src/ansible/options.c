/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ansible/options.h"

#include <string.h>

#include "ansible/coerce.h"
#include "ansible/rules.h"
#include "base/memory.h"
#include "base/text.h"

/* Ansible writes it otherwise about types: " found in 'users'." */
#define TYPE_CONTEXT(schema)                                                               \
    (schema)->context[0] != '\0' ? " found in '" : "", (schema)->context,                  \
        (schema)->context[0] != '\0' ? "'." : ""

static void *
field_of(const struct option *option, void *into)
{
    return (char *)into + option->offset;
}

static int
wrong_type(const struct option_schema *schema, const struct option *option,
    const json_t *value, const char *type, const char *reason, struct error *error)
{
    return error_set(error, ERROR_INVALID,
        "argument '%s' is of type <class '%s'>%s%s%s and we were unable to convert to %s: %s",
        option->name, coerce_type_name(value), TYPE_CONTEXT(schema), type, reason);
}

static int
take_string(const struct option_schema *schema, const struct option *option,
    const json_t *value, void *field, struct error *error)
{
    const char *reason;
    char *string;
    int result = coerce_string(value, &string, &reason);

    if (result == -2)
        return error_no_memory(error);
    if (result != 0)
        return wrong_type(schema, option, value, "str", reason, error);
    if (option->type == OPTION_PATH) {
        char *path = coerce_path(string);

        memory_free(string);
        if (path == NULL)
            return error_no_memory(error);
        string = path;
    }
    *(char **)field = string;
    return 0;
}

/* YAML makes 0123 the number 83 and yes a boolean: as a password that would be
 * another one than the one that was written. */
static int
take_secret(const struct option_schema *schema, const struct option *option,
    const json_t *value, void *field, struct list *warnings, struct error *error)
{
    const char *reason;
    char *string;
    int result;

    if (!json_is_string(value) && !json_is_integer(value))
        return wrong_type(schema, option, value, "str",
            "a secret is taken as text only; put it in quotes", error);
    if (json_is_integer(value))
        list_add(warnings,
            "%s was given as a number; put it in quotes, or YAML may change it on the way "
            "(leading zeros)",
            option->name);
    result = coerce_string(value, &string, &reason);
    if (result == -2)
        return error_no_memory(error);
    if (result != 0)
        return wrong_type(schema, option, value, "str", reason, error);
    result = secret_set(field, string, strlen(string));
    memory_free(string);
    if (result != 0)
        return error_no_memory(error);
    if (((struct secret *)field)->length == 0)
        return error_set(error, ERROR_INVALID,
            "argument '%s'%s%s is empty; leave it out when there is none", option->name,
            CONTEXT_ARGUMENTS(schema));
    return 0;
}

static void
refuse_choice(const struct option_schema *schema, const struct option *option,
    const char *known, const char *got, struct error *error)
{
    char shown[80];

    text_show(shown, sizeof(shown), got);
    error_set(error, ERROR_INVALID, "value of %s must be one of: %s, got: %s%s%s",
        option->name, known, shown, CONTEXT_ARGUMENTS(schema));
}

static int
take_choice(const struct option_schema *schema, const struct option *option,
    const json_t *value, void *field, struct error *error)
{
    struct text known = {0};
    const char *reason;
    char *string = NULL;
    int result = coerce_string(value, &string, &reason);

    if (result == -1)
        return wrong_type(schema, option, value, "str", reason, error);
    for (int i = 0; result == 0 && option->choices[i] != NULL; i++) {
        if (strcmp(option->choices[i], string) == 0) {
            *(int *)field = i;
            goto out;
        }
        text_append_format(&known, "%s%s", i == 0 ? "" : ", ", option->choices[i]);
    }
    if (result != 0 || known.failed)
        error_no_memory(error);
    else
        refuse_choice(schema, option, known.bytes, string, error);
    result = -1;
out:
    text_free(&known);
    memory_free(string);
    return result;
}

static int
take_integer(const struct option_schema *schema, const struct option *option,
    const json_t *value, struct option_integer *field, struct error *error)
{
    const char *reason;

    if (coerce_integer(value, &field->value, &reason) != 0)
        return wrong_type(schema, option, value, "int", reason, error);
    field->given = true;
    if (field->value < option->least || field->value > option->most)
        return error_set(error, ERROR_INVALID, "value of %s must be from %ld to %ld, got: %ld",
            option->name, option->least, option->most, field->value);
    return 0;
}

static int
take_dicts(const struct option_schema *schema, const struct option *option,
    const json_t *value, json_t **field, struct error *error)
{
    const json_t *element;
    size_t i;

    if (!json_is_array(value))
        return wrong_type(schema, option, value, "list", "it is not a list", error);
    json_array_foreach(value, i, element)
    {
        if (!json_is_object(element))
            return error_set(error, ERROR_INVALID,
                "Elements value for option '%s' is of type <class '%s'> and we were unable "
                "to convert to dict: element %zu is not a dictionary",
                option->name, coerce_type_name(element), i + 1);
    }
    *field = json_incref((json_t *)(void *)value);
    return 0;
}

static int
take(const struct option_schema *schema, const struct option *option, const json_t *value,
    void *into, struct list *warnings, struct error *error)
{
    void *field = field_of(option, into);
    struct option_boolean *boolean = field;
    const char *reason;

    switch (option->type) {
    case OPTION_STRING:
    case OPTION_PATH:
        return take_string(schema, option, value, field, error);
    case OPTION_SECRET:
        return take_secret(schema, option, value, field, warnings, error);
    case OPTION_BOOLEAN:
        if (coerce_boolean(value, &boolean->value, &reason) != 0)
            return wrong_type(schema, option, value, "bool", reason, error);
        boolean->given = true;
        return 0;
    case OPTION_INTEGER:
        return take_integer(schema, option, value, field, error);
    case OPTION_CHOICE:
        return take_choice(schema, option, value, field, error);
    case OPTION_DICTS:
        return take_dicts(schema, option, value, field, error);
    }
    return error_set(error, ERROR_INTERNAL, "option %s has no type", option->name);
}

static int
parse_option(const struct option_schema *schema, const struct option *option,
    const json_t *parameters, void *into, struct list *warnings, struct error *error)
{
    const char *alias;
    const json_t *value = rules_given(option, parameters, &alias);
    json_t *fallback;
    int result;

    if (alias != NULL)
        list_add(warnings, "Both option %s and its alias %s are set.", option->name, alias);
    if (value != NULL)
        return take(schema, option, value, into, warnings, error);
    if (option->fallback == NULL)
        return 0;
    fallback = json_string(option->fallback);
    if (fallback == NULL)
        return error_no_memory(error);
    result = take(schema, option, fallback, into, warnings, error);
    json_decref(fallback);
    return result;
}

int
options_parse(const struct option_schema *schema, const json_t *parameters,
    void *const into[], struct list *warnings, struct error *error)
{
    if (rules_check_known(schema, parameters, error) != 0)
        return -1;
    for (size_t i = 0; i < schema->rule_count; i++)
        if (schema->rules[i].type == OPTION_RULE_EXCLUSIVE &&
            rules_check(schema, &schema->rules[i], parameters, error) != 0)
            return -1;
    if (rules_check_required(schema, parameters, error) != 0)
        return -1;
    for (size_t i = 0; i < OPTION_SETS_MOST && schema->sets[i] != NULL; i++)
        for (size_t j = 0; j < schema->sets[i]->count; j++)
            if (parse_option(schema, &schema->sets[i]->options[j], parameters, into[i],
                    warnings, error) != 0)
                return -1;
    for (size_t i = 0; i < schema->rule_count; i++)
        if (schema->rules[i].type != OPTION_RULE_EXCLUSIVE &&
            rules_check(schema, &schema->rules[i], parameters, error) != 0)
            return -1;
    return 0;
}

static void
free_field(const struct option *option, void *field)
{
    switch (option->type) {
    case OPTION_STRING:
    case OPTION_PATH:
        memory_free(*(char **)field);
        *(char **)field = NULL;
        break;
    case OPTION_SECRET:
        secret_free(field);
        break;
    case OPTION_DICTS:
        json_decref(*(json_t **)field);
        *(json_t **)field = NULL;
        break;
    case OPTION_BOOLEAN:
    case OPTION_INTEGER:
    case OPTION_CHOICE:
        break;
    }
}

void
options_free(const struct option_schema *schema, void *const into[])
{
    for (size_t i = 0; i < OPTION_SETS_MOST && schema->sets[i] != NULL; i++)
        for (size_t j = 0; j < schema->sets[i]->count; j++)
            free_field(&schema->sets[i]->options[j],
                field_of(&schema->sets[i]->options[j], into[i]));
}

void
options_secrets(const struct option_schema *schema, void *const into[],
    void (*visit)(const struct secret *secret, void *context), void *context)
{
    for (size_t i = 0; i < OPTION_SETS_MOST && schema->sets[i] != NULL; i++)
        for (size_t j = 0; j < schema->sets[i]->count; j++) {
            const struct option *option = &schema->sets[i]->options[j];
            const struct secret *secret = field_of(option, into[i]);

            if (option->type == OPTION_SECRET && secret_given(secret))
                visit(secret, context);
        }
}
