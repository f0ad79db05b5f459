/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * TOML to the values of base/config_tree.h, by toml++, which is C++: the one file here
 * that is. It runs in the child process of base/config.c, as libyaml does, and its
 * memory comes from base/memory.h. No exception leaves it, and nothing else of C++ is
 * used by the program: streams and locales are left out.
 */
#include <charconv>
#include <cmath>
#include <new>

extern "C" {
#include "base/config_parse.h"
#include "base/config_tree.h"
#include "base/memory.h"
}

/* Its errors come as values; what can be thrown is that memory is short. */
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_INT_CHARCONV 1
#define TOML_FLOAT_CHARCONV 1
#define TOML_MAX_NESTED_VALUES CONFIG_DEPTH_LIMIT
#include <toml++/toml.h>

void *
operator new(std::size_t size)
{
    void *place = memory_allocate(size);

    if (place == nullptr)
        throw std::bad_alloc();
    return place;
}

void
operator delete(void *place) noexcept
{
    memory_free(place);
}

void
operator delete(void *place, std::size_t) noexcept
{
    memory_free(place);
}

namespace {

std::size_t
line_of(const toml::node &node)
{
    return node.source().begin.line == 0 ? 1 : node.source().begin.line;
}

config_node *
text_node(config_tree *tree, std::string_view text, std::size_t line)
{
    config_node *node = config_tree_node(tree, CONFIG_TEXT, line);

    if (node == nullptr)
        return nullptr;
    if (text.find('\0') != text.npos) {
        config_tree_problem(tree, line, "a text has a NUL in it");
        return nullptr;
    }
    node->text = static_cast<char *>(memory_copy(text.data(), text.size()));
    node->length = text.size();
    if (node->text == nullptr) {
        config_tree_no_memory(tree);
        return nullptr;
    }
    return node;
}

config_node *
scalar_node(config_tree *tree, const toml::node &value)
{
    std::size_t line = line_of(value);
    config_node *node;

    if (const auto *text = value.as_string())
        return text_node(tree, text->get(), line);
    node = config_tree_node(tree, CONFIG_OTHER, line); /* a point in time */
    if (node == nullptr)
        return nullptr;
    node->scalar.fits = true;
    if (const auto *boolean = value.as_boolean()) {
        node->scalar.kind = CONFIG_BOOLEAN;
        node->scalar.boolean = boolean->get();
    } else if (const auto *integer = value.as_integer()) {
        node->scalar.kind = CONFIG_INTEGER;
        node->scalar.integer = integer->get();
    } else if (const auto *real = value.as_floating_point()) {
        node->scalar.kind = CONFIG_REAL;
        node->scalar.real = real->get();
        node->scalar.fits = std::isfinite(real->get());
    }
    return node;
}

config_node *convert(config_tree *tree, const toml::node &value, std::size_t depth);

config_node *
sequence_node(config_tree *tree, const toml::array &array, std::size_t depth)
{
    config_node *node = config_tree_node(tree, CONFIG_SEQUENCE, line_of(array));

    if (node == nullptr)
        return nullptr;
    for (const auto &item : array) {
        config_node *one = convert(tree, item, depth + 1);

        if (one == nullptr || config_tree_append(tree, node, one) != 0)
            return nullptr;
    }
    return node;
}

config_node *
mapping_node(config_tree *tree, const toml::table &table, std::size_t depth)
{
    config_node *node = config_tree_node(tree, CONFIG_MAPPING, line_of(table));

    if (node == nullptr)
        return nullptr;
    for (const auto &[key, value] : table) {
        config_node *name = text_node(tree, key.str(), line_of(value));
        config_node *one = name == nullptr ? nullptr : convert(tree, value, depth + 1);

        if (one == nullptr || config_tree_append(tree, node, name) != 0 ||
            config_tree_append(tree, node, one) != 0)
            return nullptr;
    }
    return node;
}

/* NULL: the tree knows the problem. */
config_node *
convert(config_tree *tree, const toml::node &value, std::size_t depth)
{
    if (depth > CONFIG_DEPTH_LIMIT) {
        config_tree_problem(tree, line_of(value), "values are nested too deeply");
        return nullptr;
    }
    if (const auto *table = value.as_table())
        return mapping_node(tree, *table, depth);
    if (const auto *array = value.as_array())
        return sequence_node(tree, *array, depth);
    return scalar_node(tree, value);
}

/* What toml++ says of an error may quote the file: only the line is told. */
config_node *
compose(config_tree *tree, std::string_view bytes)
{
    const toml::parse_result parsed = toml::parse(bytes);

    if (!parsed) {
        config_tree_problem(tree, parsed.error().source().begin.line, "this is not TOML");
        return nullptr;
    }
    return convert(tree, parsed.table(), 1);
}

} // namespace

extern "C" int
config_parse_toml(const char *bytes, size_t length, struct text *json)
{
    config_tree tree = {};
    int result;

    try {
        const config_node *root = compose(&tree, std::string_view(bytes, length));

        config_parse_write(&tree, root, json);
    } catch (const std::bad_alloc &) {
        config_tree_no_memory(&tree);
    }
    result = tree.no_memory || json->failed ? -1 : 0;
    config_tree_free(&tree);
    return result;
}
