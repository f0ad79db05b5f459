/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Typed options from a table. One table row drives parsing, coercion, the
 * default, the error text and what `registrar --options` prints; the values
 * land in a struct of the caller's. Coercions and wording are AnsibleModule's
 * (ansible-core, module_utils/common/validation.py and arg_spec.py).
 */
#ifndef REGISTRAR_ANSIBLE_OPTIONS_H
#define REGISTRAR_ANSIBLE_OPTIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/list.h"
#include "base/secret.h"

/* What lands in the struct, at the row's offset. */
enum option_type {
    OPTION_STRING,  /* char *, NULL when not given */
    OPTION_STRINGS, /* struct option_strings; text is split at its commas */
    OPTION_PATH,    /* char *, ~ and $VARIABLES expanded */
    OPTION_SECRET,  /* struct secret; numbers only with a warning, no booleans */
    OPTION_BOOLEAN, /* struct option_boolean */
    OPTION_INTEGER, /* struct option_integer */
    OPTION_CHOICE,  /* int, the index in choices; OPTION_NO_CHOICE when not given */
    OPTION_DICT,    /* struct option_dicts, with one struct, or none for {} */
    OPTION_DICTS,   /* struct option_dicts */
};

/* Of a choice without a default. */
#define OPTION_NO_CHOICE (-1)

struct option_strings {
    bool given;
    size_t count;
    char **items;
};

/* Dictionaries, each parsed into a struct as option->dict describes it. */
struct option_dicts {
    bool given;
    size_t count;
    void *items; /* an array of these structs */
};

struct option_boolean {
    bool given;
    bool value; /* false when not given */
};

struct option_integer {
    bool given;
    long value;
};

struct option {
    const char *name;
    enum option_type type;
    size_t offset;
    const char *const *aliases; /* NULL-terminated, or NULL */
    const char *const *choices; /* NULL-terminated; for OPTION_CHOICE */
    const char *fallback;       /* the default, as a string; or NULL */
    bool required;
    long least, most;           /* for OPTION_INTEGER */
    const struct option_set *dict; /* for OPTION_DICT and OPTION_DICTS: what is in one */
};

enum option_rule_type {
    OPTION_RULE_EXCLUSIVE, /* at most one of them */
    OPTION_RULE_ONE_OF,    /* at least one of them */
    OPTION_RULE_TOGETHER,  /* all or none of them */
    OPTION_RULE_NEEDS,     /* the first needs the others */
};

struct option_rule {
    enum option_rule_type type;
    const char *names[5]; /* NULL-terminated */
};

/* Rows, the struct they fill, and the rules among them. */
struct option_set {
    const struct option *options;
    size_t count;
    size_t size; /* of the struct in bytes, for dictionaries */
    const struct option_rule *rules;
    size_t rule_count;
};

#define OPTION_SETS_MOST 3

/* All options of a module, or of a dictionary in one of them. The rules of a
 * set may name options of the others. */
struct option_schema {
    const char *module;  /* "matrix_user" */
    const char *context; /* "" or where the dictionary is: "users -> external_ids" */
    const struct option_set *sets[OPTION_SETS_MOST]; /* unused ones NULL */
};

/*
 * Fills the structs in `into`, one a set, from the parameters. They must be
 * all zeroes before, and are for options_free in any case. Warnings are added
 * to warnings. Errors: invalid, in Ansible's wording and without any value that
 * could be a secret; memory.
 */
int options_parse(const struct option_schema *schema, const json_t *parameters,
    void *const into[], struct list *warnings, struct error *error);

void options_free(const struct option_schema *schema, void *const into[]);

/* Calls visit with each given secret of the structs. */
void options_secrets(const struct option_schema *schema, void *const into[],
    void (*visit)(const struct secret *secret, void *context), void *context);

/* The schema as JSON, for `registrar --options`. NULL: no memory. */
json_t *options_describe(const struct option_schema *schema);

#endif
