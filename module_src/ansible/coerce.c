/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ansible/coerce.h"

#include <ctype.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"

const char *
coerce_type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "dict";
    case JSON_ARRAY:
        return "list";
    case JSON_STRING:
        return "str";
    case JSON_INTEGER:
        return "int";
    case JSON_REAL:
        return "float";
    case JSON_TRUE:
    case JSON_FALSE:
        return "bool";
    case JSON_NULL:
        break;
    }
    return "NoneType";
}

int
coerce_boolean(const json_t *value, bool *boolean, const char **reason)
{
    static const char *const yes[] = {"y", "yes", "on", "1", "true", "t", NULL};
    static const char *const no[] = {"n", "no", "off", "0", "false", "f", NULL};
    const char *stripped;
    char word[8];
    size_t length;

    *reason = "it is not a valid boolean";
    if (json_is_boolean(value)) {
        *boolean = json_is_true(value);
        return 0;
    }
    if (json_is_number(value)) {
        double number = json_number_value(value);

        *boolean = number > 0.5;
        return number == 0.0 || number == 1.0 ? 0 : -1;
    }
    if (!json_is_string(value))
        return -1;
    stripped = text_strip(json_string_value(value), json_string_length(value), &length);
    if (length >= sizeof(word))
        return -1;
    memcpy(word, stripped, length);
    word[length] = '\0';
    for (size_t i = 0; yes[i] != NULL; i++) {
        *boolean = strcasecmp(word, yes[i]) == 0;
        if (*boolean || strcasecmp(word, no[i]) == 0)
            return 0;
    }
    return -1;
}

/* A number without a fraction that fits, as a long. */
static int
whole_number(double number, long *integer)
{
    if (!(number >= -1e9 && number <= 1e9) || number != (double)(long)number)
        return -1;
    *integer = (long)number;
    return 0;
}

int
coerce_integer(const json_t *value, long *integer, const char **reason)
{
    const char *text;
    char *end;
    double number;

    *reason = "it is not an integer";
    if (json_is_integer(value)) {
        json_int_t whole = json_integer_value(value);

        *integer = (long)whole;
        return whole >= LONG_MIN && whole <= LONG_MAX ? 0 : -1;
    }
    if (json_is_real(value))
        return whole_number(json_real_value(value), integer);
    /* "07", " 5 ", "5.0" and "1e1" are integers to Ansible; hexadecimal, "inf"
     * and "nan", which strtod reads, too, are none. */
    text = json_string_value(value);
    if (text == NULL || strlen(text) != json_string_length(value) ||
        strspn(text, "0123456789+-.eE \t\n") != strlen(text))
        return -1;
    number = strtod(text, &end);
    if (end == text)
        return -1;
    while (isspace((unsigned char)*end))
        end++;
    return *end == '\0' ? whole_number(number, integer) : -1;
}

/* The shortest text that reads back as the same number, as Python writes it:
 * with an exponent only below 1e-4 and from 1e16 on. */
static void
write_real(char *buffer, size_t size, double number)
{
    int digits = 0;
    int exponent;

    do
        snprintf(buffer, size, "%.*e", digits, number);
    while (strtod(buffer, NULL) != number && ++digits < 17);
    exponent = atoi(strchr(buffer, 'e') + 1);
    if (exponent >= -4 && exponent < 16)
        snprintf(buffer, size, "%.*f", digits - exponent < 1 ? 1 : digits - exponent, number);
}

int
coerce_string(const json_t *value, char **string, const char **reason)
{
    char buffer[64];

    *string = NULL;
    if (json_is_string(value)) {
        *reason = "it has a NUL character in it";
        if (strlen(json_string_value(value)) != json_string_length(value))
            return -1;
        *string = memory_copy_string(json_string_value(value));
        return *string == NULL ? -2 : 0;
    }
    *reason = "it is neither text nor a number";
    if (json_is_integer(value))
        snprintf(buffer, sizeof(buffer), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        write_real(buffer, sizeof(buffer), json_real_value(value));
    else if (json_is_boolean(value))
        snprintf(buffer, sizeof(buffer), "%s", json_is_true(value) ? "True" : "False");
    else
        return -1;
    *string = memory_copy_string(buffer);
    return *string == NULL ? -2 : 0;
}

/* Appends the parts of text between its commas; nothing is stripped. -1: no memory. */
static int
split_at_commas(json_t *list, const char *text, size_t length)
{
    for (;;) {
        const char *comma = memchr(text, ',', length);
        size_t size = comma == NULL ? length : (size_t)(comma - text);

        if (json_array_append_new(list, json_stringn(text, size)) != 0)
            return -1;
        if (comma == NULL)
            return 0;
        text += size + 1;
        length -= size + 1;
    }
}

int
coerce_list(const json_t *value, json_t **list, const char **reason)
{
    int result;

    *list = NULL;
    *reason = "it is not a list";
    if (json_is_object(value) || json_is_null(value))
        return -1;
    if (json_is_array(value)) {
        *list = json_incref((json_t *)(void *)value);
        return 0;
    }
    *list = json_array();
    if (*list == NULL)
        return -2;
    result = json_is_string(value) ? split_at_commas(*list, json_string_value(value),
                                         json_string_length(value))
                                   : json_array_append(*list, (json_t *)(void *)value);
    if (result == 0)
        return 0;
    json_decref(*list);
    *list = NULL;
    return -2;
}

/* Text that is JSON. */
static int
load_dictionary(const char *text, size_t length, json_t **dictionary, const char **reason)
{
    size_t failures = memory_failures();

    *reason = "unable to evaluate string as dictionary";
    *dictionary = json_loadb(text, length, JSON_ALLOW_NUL, NULL);
    if (memory_failures() == failures)
        return *dictionary != NULL ? 0 : -1;
    /* jansson may leave out of a string what it had no memory for. */
    json_decref(*dictionary);
    *dictionary = NULL;
    return -2;
}

/* Moves what was gathered of "key=value" into the dictionary. -1: it has no
 * "="; -2: no memory. */
static int
add_field(json_t *dictionary, struct text *field)
{
    char *equals;

    if (field->failed)
        return -2;
    if (field->length == 0)
        return 0;
    equals = strchr(field->bytes, '=');
    if (equals == NULL)
        return -1;
    *equals = '\0';
    if (json_object_set_new(dictionary, field->bytes, json_string(equals + 1)) != 0)
        return -2;
    text_free(field);
    return 0;
}

/* As check_type_dict of validation.py: commas and spaces separate, but not in
 * quotes or behind a backslash. */
static int
add_fields(json_t *dictionary, const char *text, size_t length, struct text *field)
{
    bool escaped = false;
    char quote = '\0';
    int result = 0;

    for (size_t i = 0; result == 0 && i < length; i++) {
        if (escaped) {
            text_append_bytes(field, text + i, 1);
            escaped = false;
        } else if (text[i] == '\\') {
            escaped = true;
        } else if (quote == '\0' && (text[i] == '\'' || text[i] == '"')) {
            quote = text[i];
        } else if (quote != '\0' && text[i] == quote) {
            quote = '\0';
        } else if (quote == '\0' && (text[i] == ',' || text[i] == ' ')) {
            result = add_field(dictionary, field);
        } else {
            text_append_bytes(field, text + i, 1);
        }
    }
    return result == 0 ? add_field(dictionary, field) : result;
}

static int
read_dictionary(const char *text, size_t length, json_t **dictionary, const char **reason)
{
    struct text field = {0};
    int result;

    *reason = "unable to evaluate string in the \"key=value\" format as dictionary";
    *dictionary = json_object();
    if (*dictionary == NULL)
        return -2;
    text = text_strip(text, length, &length);
    result = add_fields(*dictionary, text, length, &field);
    text_free(&field);
    if (result != 0) {
        json_decref(*dictionary);
        *dictionary = NULL;
    }
    return result;
}

int
coerce_dictionary(const json_t *value, json_t **dictionary, const char **reason)
{
    const char *text = json_string_value(value);
    size_t length = json_string_length(value);

    *dictionary = NULL;
    *reason = "it is not a dictionary";
    if (json_is_object(value)) {
        *dictionary = json_incref((json_t *)(void *)value);
        return 0;
    }
    if (text == NULL)
        return -1;
    *reason = "it has a NUL character in it";
    if (strlen(text) != length)
        return -1;
    if (*text == '{')
        return load_dictionary(text, length, dictionary, reason);
    *reason = "dictionary requested, could not parse JSON or key=value";
    if (strchr(text, '=') == NULL)
        return -1;
    return read_dictionary(text, length, dictionary, reason);
}

/* Length of a variable's name at `text`; 0: none. */
static size_t
variable_name(const char *text)
{
    size_t length = 0;

    while (isalnum((unsigned char)text[length]) || text[length] == '_')
        length++;
    return length;
}

/* Appends what the $NAME or ${NAME} at dollar means, itself when nothing;
 * returns what comes behind it. */
static const char *
expand_variable(struct text *expanded, const char *dollar)
{
    bool braces = dollar[1] == '{';
    const char *start = dollar + 1 + braces;
    size_t length = variable_name(start);
    const char *end = start + length;
    char name[128];
    const char *value = NULL;

    if (length == 0 || length >= sizeof(name) || (braces && *end != '}')) {
        text_append_bytes(expanded, dollar, 1);
        return dollar + 1;
    }
    end += braces;
    memcpy(name, start, length);
    name[length] = '\0';
    value = getenv(name);
    if (value != NULL)
        text_append(expanded, value);
    else
        text_append_bytes(expanded, dollar, (size_t)(end - dollar));
    return end;
}

static void
expand_variables(struct text *expanded, const char *path)
{
    text_append(expanded, "");
    while (*path != '\0') {
        size_t plain = strcspn(path, "$");

        text_append_bytes(expanded, path, plain);
        path += plain;
        if (*path == '$')
            path = expand_variable(expanded, path);
    }
}

/* The home folder that a path's leading ~ or ~user means, NULL: none. */
static const char *
find_home(const char *path, size_t length)
{
    char name[64] = "";
    const struct passwd *user;

    if (*path != '~' || length > sizeof(name))
        return NULL;
    if (length == 1)
        return getenv("HOME");
    memcpy(name, path + 1, length - 1);
    user = getpwnam(name);
    return user == NULL ? NULL : user->pw_dir;
}

char *
coerce_path(const char *path)
{
    struct text expanded = {0};
    struct text result = {0};
    size_t user_length;
    const char *home;

    /* In the order of os.path.expanduser(os.path.expandvars(path)). */
    expand_variables(&expanded, path);
    if (expanded.failed)
        goto out;
    user_length = strcspn(expanded.bytes, "/");
    home = find_home(expanded.bytes, user_length);
    if (home != NULL)
        text_append(&result, home);
    text_append(&result, expanded.bytes + (home != NULL ? user_length : 0));
    if (result.failed)
        text_free(&result);
out:
    text_free(&expanded);
    return result.bytes;
}
