/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ansible/options.h"

#include <stdio.h>
#include <string.h>

#include "ansible/coerce.h"
#include "ansible/rules.h"
#include "base/memory.h"
#include "base/text.h"

/* Ansible writes it otherwise about types: " found in 'users'." */
#define TYPE_CONTEXT(schema)                                                               \
    (schema)->context[0] != '\0' ? " found in '" : "", (schema)->context,                  \
        (schema)->context[0] != '\0' ? "'." : ""

/* And about elements: " found in 'users'". */
#define ELEMENT_CONTEXT(schema)                                                            \
    (schema)->context[0] != '\0' ? " found in '" : "", (schema)->context,                  \
        (schema)->context[0] != '\0' ? "'" : ""

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
        return error_set(error, ERROR_INVALID,
            "value of %s must be from %ld to %ld, got: %ld%s%s", option->name, option->least,
            option->most, field->value, CONTEXT_ARGUMENTS(schema));
    return 0;
}

static int
wrong_element(const struct option_schema *schema, const struct option *option,
    const json_t *element, size_t number, const char *type, const char *reason,
    struct error *error)
{
    return error_set(error, ERROR_INVALID,
        "Elements value for option '%s'%s%s%s is of type <class '%s'> and we were unable to "
        "convert to %s: element %zu: %s",
        option->name, ELEMENT_CONTEXT(schema), coerce_type_name(element), type, number,
        reason);
}

static int
take_elements(const struct option_schema *schema, const struct option *option,
    const json_t *list, struct option_strings *field, struct error *error)
{
    const json_t *element;
    const char *reason;
    size_t i;

    field->items = memory_zeroed(json_array_size(list) + 1, sizeof(*field->items));
    if (field->items == NULL)
        return error_no_memory(error);
    json_array_foreach(list, i, element)
    {
        int result = coerce_string(element, &field->items[i], &reason);

        if (result == -2)
            return error_no_memory(error);
        if (result != 0)
            return wrong_element(schema, option, element, i + 1, "str", reason, error);
        field->count++;
    }
    field->given = true;
    return 0;
}

static int
take_strings(const struct option_schema *schema, const struct option *option,
    const json_t *value, struct option_strings *field, struct error *error)
{
    const char *reason;
    json_t *list;
    int result = coerce_list(value, &list, &reason);

    if (result == -2)
        return error_no_memory(error);
    if (result != 0)
        return wrong_type(schema, option, value, "list", reason, error);
    result = take_elements(schema, option, list, field, error);
    json_decref(list);
    return result;
}

/* Parses a dictionary that stands in an option into a struct of its own. */
static int
parse_dictionary(const struct option_schema *schema, const struct option *option,
    const json_t *dictionary, void *item, struct list *warnings, struct error *error)
{
    char context[128];
    const struct option_schema inner = {
        .module = schema->module, .context = context, .sets = {option->dict}};
    void *const into[] = {item};

    snprintf(context, sizeof(context), "%s%s%s", schema->context,
        schema->context[0] != '\0' ? " -> " : "", option->name);
    return options_parse(&inner, dictionary, into, warnings, error);
}

static int
take_dict(const struct option_schema *schema, const struct option *option,
    const json_t *value, struct option_dicts *field, struct list *warnings,
    struct error *error)
{
    const char *reason;
    json_t *dictionary;
    int result = coerce_dictionary(value, &dictionary, &reason);

    if (result == -2)
        return error_no_memory(error);
    if (result != 0)
        return wrong_type(schema, option, value, "dict", reason, error);
    field->given = true;
    if (json_object_size(dictionary) > 0) {
        field->items = memory_zeroed(1, option->dict->size);
        field->count = field->items != NULL;
        result = field->items == NULL ? error_no_memory(error)
                                      : parse_dictionary(schema, option, dictionary,
                                            field->items, warnings, error);
    }
    json_decref(dictionary);
    return result;
}

static int
take_dict_element(const struct option_schema *schema, const struct option *option,
    const json_t *element, struct option_dicts *field, struct list *warnings,
    struct error *error)
{
    void *item = (char *)field->items + field->count * option->dict->size;
    const char *reason;
    json_t *dictionary;
    int result = coerce_dictionary(element, &dictionary, &reason);

    if (result == -2)
        return error_no_memory(error);
    if (result != 0)
        return wrong_element(schema, option, element, field->count + 1, "dict", reason,
            error);
    field->count++;
    result = parse_dictionary(schema, option, dictionary, item, warnings, error);
    json_decref(dictionary);
    return result;
}

/* Text is not split at commas here, as Ansible would: what came of it would be
 * of no use. */
static int
take_dicts(const struct option_schema *schema, const struct option *option,
    const json_t *value, struct option_dicts *field, struct list *warnings,
    struct error *error)
{
    const json_t *element;
    size_t i;

    if (!json_is_array(value))
        return wrong_type(schema, option, value, "list", "it is not a list", error);
    field->items = memory_zeroed(json_array_size(value) + 1, option->dict->size);
    if (field->items == NULL)
        return error_no_memory(error);
    field->given = true;
    json_array_foreach(value, i, element)
    {
        if (take_dict_element(schema, option, element, field, warnings, error) != 0)
            return -1;
    }
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
    case OPTION_STRINGS:
        return take_strings(schema, option, value, field, error);
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
    case OPTION_DICT:
        return take_dict(schema, option, value, field, warnings, error);
    case OPTION_DICTS:
        return take_dicts(schema, option, value, field, warnings, error);
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
    if (option->fallback == NULL) {
        if (option->type == OPTION_CHOICE)
            *(int *)field_of(option, into) = OPTION_NO_CHOICE;
        return 0;
    }
    fallback = json_string(option->fallback);
    if (fallback == NULL)
        return error_no_memory(error);
    result = take(schema, option, fallback, into, warnings, error);
    json_decref(fallback);
    return result;
}

/* The rules of all sets that are, or are not, about excluding each other. */
static int
check_rules(const struct option_schema *schema, const json_t *parameters, bool exclusive,
    struct error *error)
{
    for (size_t i = 0; i < OPTION_SETS_MOST && schema->sets[i] != NULL; i++)
        for (size_t j = 0; j < schema->sets[i]->rule_count; j++) {
            const struct option_rule *rule = &schema->sets[i]->rules[j];

            if ((rule->type == OPTION_RULE_EXCLUSIVE) == exclusive &&
                rules_check(schema, rule, parameters, error) != 0)
                return -1;
        }
    return 0;
}

/* In the order of ArgumentSpecValidator.validate. */
int
options_parse(const struct option_schema *schema, const json_t *parameters,
    void *const into[], struct list *warnings, struct error *error)
{
    if (rules_check_known(schema, parameters, error) != 0 ||
        check_rules(schema, parameters, true, error) != 0 ||
        rules_check_required(schema, parameters, error) != 0)
        return -1;
    for (size_t i = 0; i < OPTION_SETS_MOST && schema->sets[i] != NULL; i++)
        for (size_t j = 0; j < schema->sets[i]->count; j++)
            if (parse_option(schema, &schema->sets[i]->options[j], parameters, into[i],
                    warnings, error) != 0)
                return -1;
    return check_rules(schema, parameters, false, error);
}

static void
free_set(const struct option_set *set, void *into);

static void
free_strings(struct option_strings *strings)
{
    for (size_t i = 0; i < strings->count; i++)
        memory_free(strings->items[i]);
    memory_free(strings->items);
    memset(strings, 0, sizeof(*strings));
}

static void
free_dicts(const struct option_set *set, struct option_dicts *dicts)
{
    for (size_t i = 0; i < dicts->count; i++)
        free_set(set, (char *)dicts->items + i * set->size);
    memory_free(dicts->items);
    memset(dicts, 0, sizeof(*dicts));
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
    case OPTION_STRINGS:
        free_strings(field);
        break;
    case OPTION_SECRET:
        secret_free(field);
        break;
    case OPTION_DICT:
    case OPTION_DICTS:
        free_dicts(option->dict, field);
        break;
    case OPTION_BOOLEAN:
    case OPTION_INTEGER:
    case OPTION_CHOICE:
        break;
    }
}

static void
free_set(const struct option_set *set, void *into)
{
    for (size_t i = 0; i < set->count; i++)
        free_field(&set->options[i], field_of(&set->options[i], into));
}

void
options_free(const struct option_schema *schema, void *const into[])
{
    for (size_t i = 0; i < OPTION_SETS_MOST && schema->sets[i] != NULL; i++)
        free_set(schema->sets[i], into[i]);
}

static void
visit_secrets(const struct option_set *set, void *into,
    void (*visit)(const struct secret *secret, void *context), void *context)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct option *option = &set->options[i];
        void *field = field_of(option, into);
        const struct option_dicts *dicts = field;

        if (option->type == OPTION_SECRET && secret_given(field))
            visit(field, context);
        if (option->type != OPTION_DICT && option->type != OPTION_DICTS)
            continue;
        for (size_t j = 0; j < dicts->count; j++)
            visit_secrets(option->dict, (char *)dicts->items + j * option->dict->size, visit,
                context);
    }
}

void
options_secrets(const struct option_schema *schema, void *const into[],
    void (*visit)(const struct secret *secret, void *context), void *context)
{
    for (size_t i = 0; i < OPTION_SETS_MOST && schema->sets[i] != NULL; i++)
        visit_secrets(schema->sets[i], into[i], visit, context);
}
