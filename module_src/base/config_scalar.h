/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a scalar of YAML is, as PyYAML's SafeLoader has it. Of use to
 * base/config_tree.c alone; runs in the child process of base/config.c.
 */
#ifndef REGISTRAR_BASE_CONFIG_SCALAR_H
#define REGISTRAR_BASE_CONFIG_SCALAR_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/config.h"

/* The tags of YAML 1.1 that a scalar can have. */
enum config_tag {
    TAG_NULL,
    TAG_BOOLEAN,
    TAG_INTEGER,
    TAG_REAL,
    TAG_TIMESTAMP,
    TAG_TEXT,
    TAG_MERGE, /* <<, which is no value */
    TAG_VALUE, /* =, which as a key is a text, and no value */
    TAGS       /* how many there are; not a tag */
};

struct config_patterns {
    regex_t compiled[8]; /* in the order of the table in config_scalar.c */
    size_t count;        /* how many of them there are by now */
};

struct config_scalar {
    enum config_kind kind;
    bool boolean;
    bool fits; /* an integer into a long long, a real into what is finite */
    long long integer;
    double real;
};

/* -1 when memory is short; what there is is freed all the same. */
int config_scalar_init(struct config_patterns *patterns);
void config_scalar_free(struct config_patterns *patterns);

/* The tag of a plain scalar without one. The text ends with a NUL. */
enum config_tag config_scalar_resolve(const struct config_patterns *patterns,
    const char *text);

/* The tag of this full name ("tag:yaml.org,2002:int"); TAGS when there is none. */
enum config_tag config_scalar_tag(const char *name);

/*
 * What the text is with this tag, which it may have been given explicitly. -1:
 * the text is not of that tag, or (errno is ENOMEM) memory is short.
 */
int config_scalar_read(const struct config_patterns *patterns, enum config_tag tag,
    const char *text, size_t length, struct config_scalar *scalar);

#endif
