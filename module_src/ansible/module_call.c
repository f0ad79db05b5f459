/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ansible/module_call.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static int
read_file(const char *path, struct text *content, struct error *error)
{
    FILE *file = fopen(path, "rb");
    char buffer[16384];
    size_t length;
    int result = -1;

    if (file == NULL)
        return error_set(error, ERROR_INVALID, "cannot read the module's arguments file: %s",
            strerror(errno));
    setvbuf(file, NULL, _IONBF, 0); /* no copy of secrets in a buffer we cannot wipe */
    while ((length = fread(buffer, 1, sizeof(buffer), file)) > 0) {
        text_append_bytes(content, buffer, length);
        if (content->length > MODULE_ARGUMENTS_LIMIT)
            break;
    }
    if (ferror(file))
        error_set(error, ERROR_INVALID, "cannot read the module's arguments file");
    else if (content->length > MODULE_ARGUMENTS_LIMIT)
        error_set(error, ERROR_INVALID,
            "the module's arguments are more than %zu MiB; split the task",
            MODULE_ARGUMENTS_LIMIT / 1024 / 1024);
    else if (content->failed)
        error_no_memory(error);
    else
        result = 0;
    memory_wipe(buffer, sizeof(buffer));
    fclose(file);
    return result;
}

/* jansson's own error text quotes what is near the fault, perhaps a password,
 * so it is not shown. */
static int
parse(struct module_call *call, const struct text *content, struct error *error)
{
    size_t failures = memory_failures();
    json_error_t reason;

    call->parameters = json_loadb(content->length == 0 ? "" : content->bytes,
        content->length, JSON_ALLOW_NUL, &reason);
    /* jansson may leave out of a string what it had no memory for. */
    if (memory_failures() != failures)
        return error_no_memory(error);
    if (call->parameters == NULL)
        return error_set(error, ERROR_INVALID,
            "the module's arguments are not JSON (line %d, column %d); a number may be too "
            "large or not a number, or a text may not be Unicode",
            reason.line, reason.column);
    if (!json_is_object(call->parameters))
        return error_set(error, ERROR_INVALID,
            "the module's arguments are not a JSON object");
    call->check_mode =
        json_is_true(json_object_get(call->parameters, "_ansible_check_mode"));
    call->diff = json_is_true(json_object_get(call->parameters, "_ansible_diff"));
    return 0;
}

int
module_call_read(struct module_call *call, const char *path, struct error *error)
{
    struct text content = {0};
    int result;

    memset(call, 0, sizeof(*call));
    result = read_file(path, &content, error);
    if (result == 0)
        result = parse(call, &content, error);
    text_free(&content);
    return result;
}

void
module_call_free(struct module_call *call)
{
    json_decref(call->parameters);
    memset(call, 0, sizeof(*call));
}

const char *
module_call_name(const struct module_call *call, const char *program)
{
    static const char wrapper[] = "AnsiballZ_";
    const char *name =
        json_string_value(json_object_get(call->parameters, "_ansible_module_name"));
    const char *slash;
    const char *dot;

    if (name != NULL) {
        dot = strrchr(name, '.');
        return dot == NULL ? name : dot + 1;
    }
    slash = strrchr(program, '/');
    name = slash == NULL ? program : slash + 1;
    if (strncmp(name, wrapper, strlen(wrapper)) == 0)
        name += strlen(wrapper);
    return name;
}
