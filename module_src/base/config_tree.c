/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/config_tree.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"

/* More than a file of the largest size becomes without aliases. */
#define JSON_LIMIT ((size_t)4 * 1024 * 1024)

int
config_tree_problem(struct config_tree *tree, size_t line, const char *problem)
{
    if (tree->problem == NULL) {
        tree->problem = problem;
        tree->problem_line = line;
    }
    return -1;
}

int
config_tree_no_memory(struct config_tree *tree)
{
    tree->no_memory = true;
    return -1;
}

struct config_node *
config_tree_node(struct config_tree *tree, enum config_kind kind, size_t line)
{
    struct config_node *node = memory_zeroed(1, sizeof(*node));

    if (node == NULL) {
        config_tree_no_memory(tree);
        return NULL;
    }
    node->scalar.kind = kind;
    node->line = line;
    node->older = tree->newest;
    tree->newest = node;
    return node;
}

static bool
is_number(const struct config_node *node)
{
    return node->scalar.kind == CONFIG_BOOLEAN || node->scalar.kind == CONFIG_INTEGER ||
           node->scalar.kind == CONFIG_REAL;
}

/* All numbers have the same: 1, 1.0 and true are equal keys in Python. */
static size_t
hash_of(const struct config_node *node)
{
    size_t hash = (size_t)node->scalar.kind;

    if (is_number(node))
        return CONFIG_KINDS;
    if (node->scalar.kind == CONFIG_NULL)
        return CONFIG_NULL;
    for (size_t i = 0; i < node->length; i++)
        hash = hash * 31 + (unsigned char)node->text[i];
    return hash;
}

int
config_tree_set_scalar(struct config_tree *tree, struct config_node *node,
    const struct config_patterns *patterns, enum config_tag tag, const char *text,
    size_t length)
{
    if (memchr(text, '\0', length) != NULL)
        return config_tree_problem(tree, node->line, "a text has a NUL in it");
    node->text = memory_copy(text, length);
    if (node->text == NULL)
        return config_tree_no_memory(tree);
    node->length = length;
    node->tag = tag;
    if (config_scalar_read(patterns, tag, node->text, length, &node->scalar) != 0)
        return errno == ENOMEM
                   ? config_tree_no_memory(tree)
                   : config_tree_problem(tree, node->line, "a value is not of its type");
    node->hash = hash_of(node);
    return 0;
}

int
config_tree_append(struct config_tree *tree, struct config_node *collection,
    struct config_node *item)
{
    if (++tree->values > CONFIG_VALUES_LIMIT)
        return config_tree_problem(tree, item->line, "there are too many values");
    if (collection->count == collection->capacity) {
        size_t capacity = collection->capacity == 0 ? 8 : collection->capacity * 2;
        struct config_node **grown =
            memory_resize(collection->items, capacity * sizeof(struct config_node *));

        if (grown == NULL)
            return config_tree_no_memory(tree);
        collection->items = grown;
        collection->capacity = capacity;
    }
    collection->items[collection->count++] = item;
    return 0;
}

static int
append_all(struct config_tree *tree, struct config_node *collection,
    const struct config_node *from)
{
    for (size_t i = 0; i < from->count; i++)
        if (config_tree_append(tree, collection, from->items[i]) != 0)
            return -1;
    return 0;
}

/* Of several mappings the first wins, so that it comes last. What is merged is
 * finished already: an alias to what is still open is refused. */
static int
merge(struct config_tree *tree, struct config_node *mapping, const struct config_node *source)
{
    if (source->scalar.kind == CONFIG_MAPPING)
        return append_all(tree, mapping, source);
    if (source->scalar.kind != CONFIG_SEQUENCE)
        return config_tree_problem(tree, source->line,
            "what is merged is neither a mapping nor a list of mappings");
    for (size_t i = source->count; i-- > 0;) {
        if (source->items[i]->scalar.kind != CONFIG_MAPPING)
            return config_tree_problem(tree, source->items[i]->line,
                "what is merged is a list of something else than mappings");
        if (append_all(tree, mapping, source->items[i]) != 0)
            return -1;
    }
    return 0;
}

/* What is merged stands before what the mapping has itself, and so loses
 * (SafeConstructor.flatten_mapping). */
static int
merge_all(struct config_tree *tree, struct config_node *mapping)
{
    struct config_node own = *mapping;
    int result = 0;

    mapping->items = NULL;
    mapping->count = mapping->capacity = 0;
    for (size_t i = 0; i < own.count && result == 0; i += 2)
        if (own.items[i]->tag == TAG_MERGE)
            result = merge(tree, mapping, own.items[i + 1]);
    for (size_t i = 0; i < own.count && result == 0; i += 2)
        if (own.items[i]->tag != TAG_MERGE &&
            (config_tree_append(tree, mapping, own.items[i]) != 0 ||
                config_tree_append(tree, mapping, own.items[i + 1]) != 0))
            result = -1;
    memory_free(own.items);
    return result;
}

static bool
are_equal_numbers(const struct config_node *one, const struct config_node *other)
{
    bool are_reals =
        one->scalar.kind == CONFIG_REAL || other->scalar.kind == CONFIG_REAL;
    const struct config_scalar *pair[] = {&one->scalar, &other->scalar};
    long long integer[2];
    double real[2];

    for (size_t i = 0; i < 2; i++) {
        bool is_boolean = pair[i]->kind == CONFIG_BOOLEAN;

        if (!is_boolean && !pair[i]->fits)
            return one->length == other->length &&
                   memcmp(one->text, other->text, one->length) == 0;
        integer[i] = is_boolean ? pair[i]->boolean : pair[i]->integer;
        real[i] = pair[i]->kind == CONFIG_REAL ? pair[i]->real : (double)integer[i];
    }
    return are_reals ? !(real[0] < real[1] || real[0] > real[1]) : integer[0] == integer[1];
}

static bool
are_equal_keys(const struct config_node *one, const struct config_node *other)
{
    if (one->hash != other->hash)
        return false;
    if (is_number(one) && is_number(other))
        return are_equal_numbers(one, other);
    if (one->scalar.kind != other->scalar.kind)
        return false;
    return one->scalar.kind == CONFIG_NULL ||
           (one->length == other->length && memcmp(one->text, other->text, one->length) == 0);
}

/* As in a Python dictionary: the first key, the last value. */
static void
drop_overridden(struct config_node *mapping)
{
    size_t kept = 0;

    for (size_t i = 0; i < mapping->count; i += 2) {
        size_t at = 0;

        while (at < kept && !are_equal_keys(mapping->items[at], mapping->items[i]))
            at += 2;
        if (at == kept) {
            mapping->items[kept] = mapping->items[i];
            kept += 2;
        }
        mapping->items[at + 1] = mapping->items[i + 1];
    }
    mapping->count = kept;
}

int
config_tree_finish_mapping(struct config_tree *tree, struct config_node *mapping)
{
    bool has_merge = false;

    for (size_t i = 0; i < mapping->count; i += 2)
        has_merge = has_merge || mapping->items[i]->tag == TAG_MERGE;
    if (has_merge && merge_all(tree, mapping) != 0)
        return -1;
    drop_overridden(mapping);
    return 0;
}

/* UTF-8 stays as it is: libyaml has made sure that it is. */
static void
write_text(const struct config_node *node, struct text *json)
{
    size_t start = 0;

    text_append(json, ",\"");
    for (size_t i = 0; i < node->length; i++) {
        unsigned char byte = (unsigned char)node->text[i];

        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        text_append_bytes(json, node->text + start, i - start);
        text_append_format(json, "\\u%04x", byte);
        start = i + 1;
    }
    text_append_bytes(json, node->text + start, node->length - start);
    text_append(json, "\"");
}

static int
write_items(struct config_tree *tree, const struct config_node *node, size_t depth,
    size_t *written, struct text *json)
{
    text_append(json, ",[");
    for (size_t i = 0; i < node->count; i++) {
        if (i > 0)
            text_append(json, ",");
        if (config_tree_write(tree, node->items[i], depth + 1, written, json) != 0)
            return -1;
    }
    text_append(json, "]");
    return 0;
}

int
config_tree_write(struct config_tree *tree, const struct config_node *node, size_t depth,
    size_t *written, struct text *json)
{
    const struct config_scalar *scalar = &node->scalar;
    int result = 0;

    if (depth > CONFIG_DEPTH_LIMIT)
        return config_tree_problem(tree, node->line, "values are nested too deeply");
    if (++*written > CONFIG_VALUES_LIMIT || json->length + node->length > JSON_LIMIT)
        return config_tree_problem(tree, node->line,
            "there are too many values, those of aliases counted each time");
    text_append_format(json, "[%d,%zu", (int)scalar->kind, node->line);
    if (scalar->kind == CONFIG_BOOLEAN)
        text_append(json, scalar->boolean ? ",true" : ",false");
    else if (scalar->kind == CONFIG_INTEGER && scalar->fits)
        text_append_format(json, ",%lld", scalar->integer);
    else if (scalar->kind == CONFIG_REAL && scalar->fits)
        text_append_format(json, ",%.17g", scalar->real);
    else if (scalar->kind == CONFIG_TEXT)
        write_text(node, json);
    else if (scalar->kind == CONFIG_SEQUENCE || scalar->kind == CONFIG_MAPPING)
        result = write_items(tree, node, depth, written, json);
    text_append(json, "]");
    return json->failed ? config_tree_no_memory(tree) : result;
}

void
config_tree_free(struct config_tree *tree)
{
    while (tree->newest != NULL) {
        struct config_node *node = tree->newest;

        tree->newest = node->older;
        memory_free(node->text);
        memory_free(node->items);
        memory_free(node);
    }
}
