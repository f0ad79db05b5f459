/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/config_parse.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <yaml.h>

#include "base/config.h"
#include "base/config_tree.h"
#include "base/memory.h"

struct anchor {
    char *name;
    size_t hash;
    struct config_node *node;
};

struct parse {
    yaml_parser_t parser;
    struct config_patterns patterns;
    struct config_tree tree;
    struct anchor *anchors;
    size_t anchor_count, anchor_capacity;
    const char *bytes;
};

static size_t
line_of(const yaml_event_t *event)
{
    return event->start_mark.line + 1;
}

/* The reader of libyaml, alone among its parts, gives no line. */
static size_t
line_at(const struct parse *parse, size_t offset)
{
    size_t line = 1;

    for (size_t i = 0; i < offset; i++)
        line += parse->bytes[i] == '\n';
    return line;
}

/* What libyaml says are constants; problem_value is a byte of the file. */
static int
not_yaml(struct parse *parse)
{
    const yaml_parser_t *parser = &parse->parser;
    size_t line = parser->error == YAML_READER_ERROR
                      ? line_at(parse, parser->problem_offset)
                      : parser->problem_mark.line + 1;

    if (parser->error == YAML_MEMORY_ERROR)
        return config_tree_no_memory(&parse->tree);
    parse->tree.context = parser->context;
    return config_tree_problem(&parse->tree, line,
        parser->problem == NULL ? "this is not YAML" : parser->problem);
}

static int
next_event(struct parse *parse, yaml_event_t *event)
{
    return yaml_parser_parse(&parse->parser, event) == 1 ? 0 : not_yaml(parse);
}

/* ---- Anchors and aliases ----------------------------------------------------- */

static size_t
hash_of(const char *name)
{
    size_t hash = 0;

    while (*name != '\0')
        hash = hash * 31 + (unsigned char)*name++;
    return hash;
}

static struct config_node *
find_anchor(const struct parse *parse, const char *name)
{
    size_t hash = hash_of(name);

    for (size_t i = 0; i < parse->anchor_count; i++)
        if (parse->anchors[i].hash == hash && strcmp(parse->anchors[i].name, name) == 0)
            return parse->anchors[i].node;
    return NULL;
}

static int
add_anchor(struct parse *parse, const yaml_char_t *given, struct config_node *node)
{
    const char *name = (const char *)given;
    struct anchor *anchor;

    if (name == NULL)
        return 0;
    if (find_anchor(parse, name) != NULL)
        return config_tree_problem(&parse->tree, node->line, "an anchor is there twice");
    if (parse->anchor_count == parse->anchor_capacity) {
        size_t capacity = parse->anchor_capacity == 0 ? 8 : parse->anchor_capacity * 2;
        struct anchor *grown =
            memory_resize(parse->anchors, capacity * sizeof(struct anchor));

        if (grown == NULL)
            return config_tree_no_memory(&parse->tree);
        parse->anchors = grown;
        parse->anchor_capacity = capacity;
    }
    anchor = &parse->anchors[parse->anchor_count];
    anchor->name = memory_copy_string(name);
    if (anchor->name == NULL)
        return config_tree_no_memory(&parse->tree);
    anchor->hash = hash_of(name);
    anchor->node = node;
    parse->anchor_count++;
    return 0;
}

static struct config_node *
aliased(struct parse *parse, const yaml_event_t *event)
{
    struct config_node *node = find_anchor(parse, (const char *)event->data.alias.anchor);

    if (node == NULL)
        config_tree_problem(&parse->tree, line_of(event), "an alias names no anchor");
    else if (node->is_open)
        config_tree_problem(&parse->tree, line_of(event),
            "an alias stands inside what it names");
    else
        return node;
    return NULL;
}

/* ---- Nodes --------------------------------------------------------------------- */

static struct config_node *
compose_scalar(struct parse *parse, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    const char *name = (const char *)event->data.scalar.tag;
    struct config_node *node =
        config_tree_node(&parse->tree, CONFIG_TEXT, line_of(event));
    enum config_tag tag = TAG_TEXT;

    if (node == NULL)
        return NULL;
    if (name != NULL && strcmp(name, "!") != 0)
        tag = config_scalar_tag(name);
    else if (name != NULL || event->data.scalar.plain_implicit) /* `! "12"` is a number */
        tag = config_scalar_resolve(&parse->patterns, text);
    if (tag == TAGS) {
        config_tree_problem(&parse->tree, node->line, "a value has a tag that is not known");
        return NULL;
    }
    if (config_tree_set_scalar(&parse->tree, node, &parse->patterns, tag, text,
            event->data.scalar.length) != 0 ||
        add_anchor(parse, event->data.scalar.anchor, node) != 0)
        return NULL;
    return node;
}

static struct config_node *compose(struct parse *parse, const yaml_event_t *event,
    size_t depth);

/* << and = have a meaning as keys, and SafeLoader has no value for them. */
static int
check_value(struct parse *parse, const struct config_node *node)
{
    if (node->tag == TAG_MERGE || node->tag == TAG_VALUE)
        return config_tree_problem(&parse->tree, node->line,
            "a value is << or =, which takes quotes");
    return 0;
}

static int
check_item(struct parse *parse, const struct config_node *collection,
    const struct config_node *item)
{
    bool is_key = collection->scalar.kind == CONFIG_MAPPING && collection->count % 2 == 0;

    if (!is_key)
        return check_value(parse, item);
    if (item->scalar.kind == CONFIG_SEQUENCE || item->scalar.kind == CONFIG_MAPPING)
        return config_tree_problem(&parse->tree, item->line, "a key is a list or a mapping");
    return 0;
}

/* The items, up to the event that ends them. */
static int
compose_items(struct parse *parse, struct config_node *collection, size_t depth)
{
    yaml_event_type_t end = collection->scalar.kind == CONFIG_MAPPING
                                ? YAML_MAPPING_END_EVENT
                                : YAML_SEQUENCE_END_EVENT;

    for (;;) {
        struct config_node *item;
        yaml_event_t event;

        if (next_event(parse, &event) != 0)
            return -1;
        if (event.type == end) {
            yaml_event_delete(&event);
            return 0;
        }
        item = compose(parse, &event, depth + 1);
        yaml_event_delete(&event);
        if (item == NULL || check_item(parse, collection, item) != 0 ||
            config_tree_append(&parse->tree, collection, item) != 0)
            return -1;
    }
}

static struct config_node *
compose_collection(struct parse *parse, const yaml_event_t *event, enum config_kind kind,
    size_t depth)
{
    bool is_mapping = kind == CONFIG_MAPPING;
    const char *tag = (const char *)(is_mapping ? event->data.mapping_start.tag
                                                : event->data.sequence_start.tag);
    struct config_node *node = config_tree_node(&parse->tree, kind, line_of(event));

    if (node == NULL)
        return NULL;
    if (tag != NULL && strcmp(tag, "!") != 0 &&
        strcmp(tag, is_mapping ? YAML_MAP_TAG : YAML_SEQ_TAG) != 0) {
        config_tree_problem(&parse->tree, node->line, "a value has a tag that is not known");
        return NULL;
    }
    node->tag = TAGS;
    node->is_open = true;
    if (add_anchor(parse, is_mapping ? event->data.mapping_start.anchor
                                     : event->data.sequence_start.anchor, node) != 0 ||
        compose_items(parse, node, depth) != 0 ||
        (is_mapping && config_tree_finish_mapping(&parse->tree, node) != 0))
        return NULL;
    node->is_open = false;
    return node;
}

/* NULL: the tree knows the problem. */
static struct config_node *
compose(struct parse *parse, const yaml_event_t *event, size_t depth)
{
    if (depth > CONFIG_DEPTH_LIMIT) {
        config_tree_problem(&parse->tree, line_of(event), "values are nested too deeply");
        return NULL;
    }
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return aliased(parse, event);
    case YAML_SCALAR_EVENT:
        return compose_scalar(parse, event);
    case YAML_SEQUENCE_START_EVENT:
        return compose_collection(parse, event, CONFIG_SEQUENCE, depth);
    case YAML_MAPPING_START_EVENT:
        return compose_collection(parse, event, CONFIG_MAPPING, depth);
    default:
        config_tree_problem(&parse->tree, line_of(event), "this is not YAML");
        return NULL;
    }
}

/* ---- The document ---------------------------------------------------------------- */

/* Passes the event, which is of that type or a second document's beginning. */
static int
expect(struct parse *parse, yaml_event_type_t type)
{
    yaml_event_t event;
    int result = 0;

    if (next_event(parse, &event) != 0)
        return -1;
    if (event.type != type)
        result = config_tree_problem(&parse->tree, line_of(&event),
            "a second document begins here");
    yaml_event_delete(&event);
    return result;
}

/* An empty file is a null. */
static struct config_node *
compose_document(struct parse *parse)
{
    struct config_node *root;
    yaml_event_t event;
    bool is_empty;

    if (expect(parse, YAML_STREAM_START_EVENT) != 0 || next_event(parse, &event) != 0)
        return NULL;
    is_empty = event.type == YAML_STREAM_END_EVENT;
    yaml_event_delete(&event);
    if (is_empty)
        return config_tree_node(&parse->tree, CONFIG_NULL, 1);
    if (next_event(parse, &event) != 0)
        return NULL;
    root = compose(parse, &event, 1);
    yaml_event_delete(&event);
    if (root == NULL || check_value(parse, root) != 0 ||
        expect(parse, YAML_DOCUMENT_END_EVENT) != 0 ||
        expect(parse, YAML_STREAM_END_EVENT) != 0)
        return NULL;
    return root;
}

static void
write_problem(const struct config_tree *tree, struct text *json)
{
    /* Constants of ours and of libyaml's: there is nothing in them to escape. */
    text_append_format(json, "{\"problem\":\"%s\",\"line\":%zu", tree->problem,
        tree->problem_line);
    if (tree->context != NULL)
        text_append_format(json, ",\"context\":\"%s\"", tree->context);
    text_append(json, "}");
}

void
config_parse_write(struct config_tree *tree, const struct config_node *root,
    struct text *json)
{
    struct text written = {0};
    size_t values = 0;

    if (root != NULL && config_tree_write(tree, root, 1, &values, &written) == 0) {
        text_append(json, "{\"root\":");
        text_append_bytes(json, written.bytes, written.length);
        text_append_format(json, ",\"values\":%zu}", values);
    } else if (!tree->no_memory) {
        write_problem(tree, json);
    }
    text_free(&written);
}

int
config_parse_yaml(const char *bytes, size_t length, struct text *json)
{
    struct parse parse = {.bytes = bytes};
    int result = -1;

    if (config_scalar_init(&parse.patterns) != 0 || !yaml_parser_initialize(&parse.parser))
        goto out;
    yaml_parser_set_input_string(&parse.parser, (const unsigned char *)bytes, length);
    config_parse_write(&parse.tree, compose_document(&parse), json);
    yaml_parser_delete(&parse.parser);
    result = parse.tree.no_memory || json->failed ? -1 : 0;
out:
    for (size_t i = 0; i < parse.anchor_count; i++)
        memory_free(parse.anchors[i].name);
    memory_free(parse.anchors);
    config_tree_free(&parse.tree);
    config_scalar_free(&parse.patterns);
    return result;
}
