/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The option table as JSON, for `registrar --options` and for the test that
 * holds it against the documentation. */
#include "ansible/coerce.h"
#include "ansible/options.h"
#include "base/memory.h"

static json_t *
describe_set(const struct option_set *set);

static json_t *
names_to_json(const char *const *names)
{
    json_t *array = json_array();

    for (size_t i = 0; names[i] != NULL; i++)
        json_array_append_new(array, json_string(names[i]));
    return array;
}

/* A default in its own type: the table has it as text. */
static json_t *
fallback_to_json(const struct option *option)
{
    json_t *text = json_string(option->fallback);
    json_t *value = json_incref(text);
    const char *reason;
    bool boolean;
    long integer;

    if (option->type == OPTION_BOOLEAN && coerce_boolean(text, &boolean, &reason) == 0) {
        json_decref(value);
        value = json_boolean(boolean);
    } else if (option->type == OPTION_INTEGER &&
               coerce_integer(text, &integer, &reason) == 0) {
        json_decref(value);
        value = json_integer(integer);
    }
    json_decref(text);
    return value;
}

static void
describe_rule(json_t *description, const struct option_rule *rule)
{
    static const char *const keys[] = {
        [OPTION_RULE_EXCLUSIVE] = "mutually_exclusive",
        [OPTION_RULE_ONE_OF] = "required_one_of",
        [OPTION_RULE_TOGETHER] = "required_together",
        [OPTION_RULE_NEEDS] = "required_by",
    };
    const char *key = keys[rule->type];
    bool needs = rule->type == OPTION_RULE_NEEDS;

    if (json_object_get(description, key) == NULL)
        json_object_set_new(description, key, needs ? json_object() : json_array());
    if (needs)
        json_object_set_new(json_object_get(description, key), rule->names[0],
            names_to_json(rule->names + 1));
    else
        json_array_append_new(json_object_get(description, key), names_to_json(rule->names));
}

static void
describe_rules(json_t *description, const struct option_set *set)
{
    for (size_t i = 0; i < set->rule_count; i++)
        describe_rule(description, &set->rules[i]);
}

static json_t *
describe_option(const struct option *option)
{
    static const char *const types[] = {
        [OPTION_STRING] = "str",
        [OPTION_STRINGS] = "list",
        [OPTION_PATH] = "path",
        [OPTION_SECRET] = "str",
        [OPTION_BOOLEAN] = "bool",
        [OPTION_INTEGER] = "int",
        [OPTION_CHOICE] = "str",
        [OPTION_DICT] = "dict",
        [OPTION_DICTS] = "list",
    };
    json_t *object = json_pack("{s:s}", "type", types[option->type]);

    if (option->aliases != NULL)
        json_object_set_new(object, "aliases", names_to_json(option->aliases));
    if (option->choices != NULL)
        json_object_set_new(object, "choices", names_to_json(option->choices));
    if (option->fallback != NULL)
        json_object_set_new(object, "default", fallback_to_json(option));
    if (option->required)
        json_object_set_new(object, "required", json_true());
    if (option->type == OPTION_SECRET)
        json_object_set_new(object, "no_log", json_true());
    if (option->type == OPTION_STRINGS || option->type == OPTION_DICTS)
        json_object_set_new(object, "elements",
            json_string(option->type == OPTION_STRINGS ? "str" : "dict"));
    if (option->dict != NULL) {
        json_object_set_new(object, "suboptions", describe_set(option->dict));
        describe_rules(object, option->dict);
    }
    return object;
}

static json_t *
describe_set(const struct option_set *set)
{
    json_t *object = json_object();

    for (size_t i = 0; i < set->count; i++)
        json_object_set_new(object, set->options[i].name,
            describe_option(&set->options[i]));
    return object;
}

json_t *
options_describe(const struct option_schema *schema)
{
    size_t failures = memory_failures();
    json_t *description = json_pack("{s:s, s:[], s:[], s:[], s:{}}", "module",
        schema->module, "mutually_exclusive", "required_one_of", "required_together",
        "required_by");
    json_t *options = json_object();

    for (size_t i = 0; i < OPTION_SETS_MOST && schema->sets[i] != NULL; i++) {
        json_t *set = describe_set(schema->sets[i]);

        json_object_update(options, set);
        json_decref(set);
        describe_rules(description, schema->sets[i]);
    }
    json_object_set_new(description, "options", options);
    if (memory_failures() != failures) {
        json_decref(description);
        description = NULL;
    }
    return description;
}
