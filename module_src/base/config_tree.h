/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The values of a YAML document while it is parsed: what an alias stands for
 * is one node that several have. Of use to base/config_parse.c alone; runs in
 * the child process of base/config.c.
 */
#ifndef REGISTRAR_BASE_CONFIG_TREE_H
#define REGISTRAR_BASE_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/config_scalar.h"
#include "base/text.h"

struct config_node {
    struct config_scalar scalar; /* its kind is that of a collection, too */
    enum config_tag tag;         /* of a scalar */
    size_t line;
    char *text; /* of a scalar; ends with a NUL */
    size_t length;
    size_t hash;                /* of a scalar; equal keys have equal ones */
    struct config_node **items; /* of a mapping: key, value, key, value */
    size_t count, capacity;
    bool is_open;              /* its end has not come yet */
    struct config_node *older; /* in the tree's list of all nodes */
};

/* Starts as all zeroes. The first problem wins. */
struct config_tree {
    struct config_node *newest;
    size_t values;       /* how many there are, each alias a value */
    const char *problem; /* a constant text; NULL: none */
    const char *context; /* the same; what the problem is part of, or NULL */
    size_t problem_line; /* 0: not known */
    bool no_memory;
};

/* Records a problem. Returns -1. */
int config_tree_problem(struct config_tree *tree, size_t line, const char *problem);
int config_tree_no_memory(struct config_tree *tree);

/* A new node, which the tree owns; NULL when memory is short. */
struct config_node *config_tree_node(struct config_tree *tree, enum config_kind kind,
    size_t line);

/* Gives a scalar its text, which is copied, and what it is by that tag. */
int config_tree_set_scalar(struct config_tree *tree, struct config_node *node,
    const struct config_patterns *patterns, enum config_tag tag, const char *text,
    size_t length);

/* Puts an item at the end of a collection; counts it. -1: a problem. */
int config_tree_append(struct config_tree *tree, struct config_node *collection,
    struct config_node *item);

/* What PyYAML does with a mapping at last: merges (<<), and of two equal keys
 * takes the last. -1: a problem. */
int config_tree_finish_mapping(struct config_tree *tree, struct config_node *mapping);

/*
 * Appends the node as JSON: [kind, line], or [kind, line, value], in which the
 * value of a sequence is an array of such, that of a mapping one of keys and
 * values by turns. A number that does not fit has no value. *written counts
 * the values. -1: a problem.
 */
int config_tree_write(struct config_tree *tree, const struct config_node *node, size_t depth,
    size_t *written, struct text *json);

/* Zeroes and frees all nodes. */
void config_tree_free(struct config_tree *tree);

#endif
