/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/config.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/child.h"
#include "base/config_parse.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

/* Four MiB of JSON, and what the escapes of the longest text add at most. */
#define ANSWER_LIMIT ((size_t)16 * 1024 * 1024)

/* What libyaml takes for the largest file is less than a tenth of it. */
#define CHILD_MEMORY ((size_t)256 * 1024 * 1024)

struct config_value {
    const struct config *config;
    enum config_kind kind;
    size_t line;
    const json_t *json; /* of a scalar; NULL: none, or it did not fit */
    /* Side by side; those of a mapping are key, value, key, value. */
    const struct config_value *items;
    size_t count;
};

struct config {
    char *path;
    const char *language; /* "YAML" */
    json_t *json;
    struct config_value *values; /* values[0] is the root */
    size_t count, used;
};

/* ---- In the child ------------------------------------------------------------ */

struct language {
    const char *name;
    int (*parse)(const char *bytes, size_t length, struct text *json);
};

static const struct language yaml = {"YAML", config_parse_yaml};
static const struct language toml = {"TOML", config_parse_toml};

struct source {
    int file;
    const struct language *language;
};

static int
read_and_parse(void *context, struct text *answer)
{
    const struct source *source = context;
    char *bytes = memory_allocate(CONFIG_BYTES_LIMIT + 1);
    size_t length;
    int result = 0;

    if (bytes == NULL)
        return -1;
    if (file_read(source->file, bytes, CONFIG_BYTES_LIMIT + 1, &length) != 0)
        text_append_format(answer, "{\"problem\":\"it cannot be read: %s\",\"line\":0}",
            strerror(errno));
    else if (length > CONFIG_BYTES_LIMIT)
        text_append_format(answer, "{\"problem\":\"it is larger than %zu KiB\",\"line\":0}",
            CONFIG_BYTES_LIMIT / 1024);
    else
        result = source->language->parse(bytes, length, answer);
    memory_free(bytes);
    return result;
}

/* ---- What the child answered, which is not trusted either --------------------- */

static int
build(struct config *config, struct config_value *value, const json_t *json, size_t depth);

/* The items get places side by side before theirs get any. */
static int
build_items(struct config *config, struct config_value *value, const json_t *items,
    size_t depth)
{
    size_t count = json_array_size(items);
    struct config_value *first = config->values + config->used;

    if (!json_is_array(items) || count > config->count - config->used ||
        (value->kind == CONFIG_MAPPING && count % 2 != 0))
        return -1;
    config->used += count;
    value->items = first;
    value->count = count;
    for (size_t i = 0; i < count; i++)
        if (build(config, &first[i], json_array_get(items, i), depth + 1) != 0)
            return -1;
    return 0;
}

static bool
is_content_of(enum config_kind kind, const json_t *content)
{
    switch (kind) {
    case CONFIG_BOOLEAN:
        return json_is_boolean(content);
    case CONFIG_INTEGER:
        return content == NULL || json_is_integer(content);
    case CONFIG_REAL: /* 2.0 was written as 2 */
        return content == NULL || json_is_number(content);
    case CONFIG_TEXT:
        return json_is_string(content);
    default:
        return content == NULL;
    }
}

static int
build(struct config *config, struct config_value *value, const json_t *json, size_t depth)
{
    json_int_t kind = json_integer_value(json_array_get(json, 0));
    json_int_t line = json_integer_value(json_array_get(json, 1));
    const json_t *content = json_array_get(json, 2);

    if (depth > CONFIG_DEPTH_LIMIT || json_array_size(json) < 2 || kind < 0 ||
        kind >= CONFIG_KINDS || line < 1)
        return -1;
    value->config = config;
    value->kind = (enum config_kind)kind;
    value->line = (size_t)line;
    if (kind == CONFIG_SEQUENCE || kind == CONFIG_MAPPING)
        return build_items(config, value, content, depth);
    value->json = content;
    return is_content_of(value->kind, content) ? 0 : -1;
}

static int
refuse(const struct config *config, const json_t *answer, struct error *error)
{
    const char *problem = json_string_value(json_object_get(answer, "problem"));
    const char *context = json_string_value(json_object_get(answer, "context"));
    json_int_t line = json_integer_value(json_object_get(answer, "line"));
    char where[32] = "", shown[160], part[160] = "";

    if (problem == NULL)
        return error_set(error, ERROR_INVALID, "%s could not be parsed", config->path);
    text_show(shown, sizeof(shown), problem);
    if (context != NULL)
        text_show(part, sizeof(part), context);
    if (line > 0)
        snprintf(where, sizeof(where), ", line %lld", (long long)line);
    return error_set(error, ERROR_INVALID, "%s%s: %s%s%s%s", config->path, where, shown,
        context == NULL ? "" : " (", part, context == NULL ? "" : ")");
}

static int
load(struct config *config, const struct text *answer, struct error *error)
{
    size_t failures = memory_failures();
    const json_t *root;
    json_int_t values;

    config->json = json_loadb(answer->length == 0 ? "" : answer->bytes, answer->length, 0,
        NULL);
    /* jansson may leave out of a string what it had no memory for. */
    if (memory_failures() != failures)
        return error_no_memory(error);
    root = json_object_get(config->json, "root");
    values = json_integer_value(json_object_get(config->json, "values"));
    if (root == NULL || values < 1 || values > CONFIG_VALUES_LIMIT)
        return refuse(config, config->json, error);
    config->count = (size_t)values;
    config->used = 1;
    config->values = memory_zeroed(config->count, sizeof(config->values[0]));
    if (config->values == NULL)
        return error_no_memory(error);
    if (build(config, config->values, root, 1) != 0)
        return refuse(config, NULL, error);
    return 0;
}

static struct config *
read_as(const struct language *language, int file, const char *path, struct error *error)
{
    struct source source = {file, language};
    const struct child_limits limits = {
        .answer_bytes = ANSWER_LIMIT, .memory_bytes = CHILD_MEMORY, .seconds = 10};
    struct config *config = memory_zeroed(1, sizeof(*config));
    struct text answer = {0};
    struct stat status;
    int result = -1;

    if (config != NULL) {
        config->path = memory_copy_string(path);
        config->language = language->name;
    }
    if (config == NULL || config->path == NULL)
        error_no_memory(error);
    else if (fstat(file, &status) != 0)
        error_set(error, ERROR_INVALID, "%s cannot be read: %s", path, strerror(errno));
    else if (!S_ISREG(status.st_mode))
        error_set(error, ERROR_INVALID, "%s is no regular file", path);
    else if (child_run(read_and_parse, &source, &limits, path, &answer, error) == 0)
        result = load(config, &answer, error);
    text_free(&answer);
    memory_wipe_stack();
    if (result == 0)
        return config;
    config_free(config);
    return NULL;
}

struct config *
config_read(int file, const char *path, struct error *error)
{
    return read_as(&yaml, file, path, error);
}

struct config *
config_read_toml(int file, const char *path, struct error *error)
{
    return read_as(&toml, file, path, error);
}

void
config_free(struct config *config)
{
    if (config == NULL)
        return;
    json_decref(config->json);
    memory_free(config->values);
    memory_free(config->path);
    memory_free(config);
}

/* ---- Looking into it ------------------------------------------------------------ */

const struct config_value *
config_root(const struct config *config)
{
    return config->values;
}

enum config_kind
config_kind(const struct config_value *value)
{
    return value == NULL ? CONFIG_NULL : value->kind;
}

size_t
config_line(const struct config_value *value)
{
    return value->line;
}

size_t
config_count(const struct config_value *container)
{
    if (container == NULL)
        return 0;
    return container->kind == CONFIG_MAPPING ? container->count / 2 : container->count;
}

const struct config_value *
config_item(const struct config_value *container, size_t index)
{
    return container->kind == CONFIG_MAPPING ? &container->items[2 * index + 1]
                                             : &container->items[index];
}

const struct config_value *
config_key(const struct config_value *mapping, size_t index)
{
    return &mapping->items[2 * index];
}

const struct config_value *
config_get(const struct config_value *mapping, const char *key)
{
    if (config_kind(mapping) != CONFIG_MAPPING)
        return NULL;
    for (size_t i = 0; i < config_count(mapping); i++) {
        const struct config_value *found = config_key(mapping, i);

        if (found->kind == CONFIG_TEXT && strcmp(json_string_value(found->json), key) == 0)
            return config_item(mapping, i);
    }
    return NULL;
}

int
config_wrong(const struct config_value *value, struct error *error, const char *format, ...)
{
    char what[600];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    return error_set(error, ERROR_INVALID, "%s, line %zu: %s", value->config->path,
        value->line, what);
}

int
config_text(const struct config_value *value, const char *name, const char **result,
    struct error *error)
{
    if (config_kind(value) == CONFIG_NULL)
        return 0;
    if (value->kind == CONFIG_SEQUENCE || value->kind == CONFIG_MAPPING)
        return config_wrong(value, error, "%s is not a text", name);
    if (value->kind != CONFIG_TEXT)
        return config_wrong(value, error, "%s is not a text in %s; put it into quotes",
            name, value->config->language);
    *result = json_string_value(value->json);
    return 0;
}

int
config_boolean(const struct config_value *value, const char *name, bool *result,
    struct error *error)
{
    if (config_kind(value) == CONFIG_NULL)
        return 0;
    if (value->kind != CONFIG_BOOLEAN)
        return config_wrong(value, error, "%s is neither true nor false", name);
    *result = json_is_true(value->json);
    return 0;
}

int
config_integer(const struct config_value *value, const char *name, long long *result,
    struct error *error)
{
    if (config_kind(value) == CONFIG_NULL)
        return 0;
    if (value->kind != CONFIG_INTEGER)
        return config_wrong(value, error, "%s is not a whole number in %s", name,
            value->config->language);
    if (value->json == NULL)
        return config_wrong(value, error, "%s is too large a number", name);
    *result = json_integer_value(value->json);
    return 0;
}

int
config_real(const struct config_value *value, const char *name, double *result,
    struct error *error)
{
    if (config_kind(value) == CONFIG_NULL)
        return 0;
    if (value->kind != CONFIG_INTEGER && value->kind != CONFIG_REAL)
        return config_wrong(value, error, "%s is not a number in %s", name,
            value->config->language);
    if (value->json == NULL)
        return config_wrong(value, error, "%s is too large a number", name);
    *result = json_number_value(value->json);
    return 0;
}
