/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "matrix/user_id.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static bool
is_lower(char character)
{
    return character >= 'a' && character <= 'z';
}

static bool
is_upper(char character)
{
    return character >= 'A' && character <= 'Z';
}

static bool
is_digit(char character)
{
    return character >= '0' && character <= '9';
}

static bool
is_localpart_character(char character)
{
    return is_lower(character) || is_digit(character) ||
           (character != '\0' && strchr("._=-/+", character) != NULL);
}

static char
lower(char character)
{
    return (char)(is_upper(character) ? character - 'A' + 'a' : character);
}

bool
user_id_has_localpart(const char *user_id, const char *localpart)
{
    size_t length = strlen(localpart);

    return user_id[0] == '@' && strncmp(user_id + 1, localpart, length) == 0 &&
           user_id[1 + length] == ':';
}

bool
user_id_server_name_is_valid(const char *server_name)
{
    const char *rest = server_name;
    size_t digits;

    if (*rest == '[') {
        size_t length = strspn(rest + 1, "0123456789abcdefABCDEF:.");

        /* IPv6address = 2*45IPv6char */
        if (length < 2 || length > 45 || rest[length + 1] != ']')
            return false;
        rest += length + 2;
    } else {
        while (is_lower(*rest) || is_upper(*rest) || is_digit(*rest) || *rest == '-' ||
               *rest == '.')
            rest++;
        if (rest == server_name)
            return false;
    }
    if (*rest == '\0')
        return true;
    digits = strspn(rest + 1, "0123456789");
    return *rest == ':' && digits >= 1 && digits <= 5 && rest[digits + 1] == '\0';
}

const char *
user_id_server_name(const char *user_id)
{
    const char *colon = *user_id == '@' ? strchr(user_id, ':') : NULL;

    return colon == NULL ? NULL : colon + 1;
}

/* Splits text into user; what the parts are made of is not looked at. */
static int
split(struct user_id *user, const char *text, struct error *error)
{
    const char *server_name = user_id_server_name(text);
    size_t length = server_name == NULL ? strlen(text) : (size_t)(server_name - 1 - text);

    if (*text == '@') {
        text++;
        length--;
    }
    user->as_written = memory_copy(text, length);
    user->localpart = memory_copy(text, length);
    if (server_name != NULL)
        user->server_name = memory_copy_string(server_name);
    if (user->as_written == NULL || user->localpart == NULL ||
        (server_name != NULL && user->server_name == NULL))
        return error_no_memory(error);
    for (char *character = user->localpart; *character != '\0'; character++)
        *character = lower(*character);
    return 0;
}

static int
check(const struct user_id *user, struct error *error)
{
    size_t length = strlen(user->localpart);
    char shown[80];

    text_show(shown, sizeof(shown), user->as_written);
    if (length == 0)
        return error_set(error, ERROR_INVALID, "a username is empty");
    for (const char *character = user->localpart; *character != '\0'; character++)
        if (!is_localpart_character(*character))
            return error_set(error, ERROR_INVALID,
                "username \"%s\" has a character that user ids may not have; allowed are "
                "a-z, 0-9 and . _ = - / +",
                shown);
    if (user->server_name != NULL && !user_id_server_name_is_valid(user->server_name))
        return error_set(error, ERROR_INVALID,
            "what stands behind the colon of \"@%s\" is not a server name", shown);
    if (user->server_name != NULL)
        length += strlen(user->server_name);
    if (length + 2 > USER_ID_LONGEST)
        return error_set(error, ERROR_INVALID,
            "username \"%s\" is too long: a whole user id has at most %d bytes", shown,
            USER_ID_LONGEST);
    return 0;
}

int
user_id_parse(struct user_id *user, const char *text, struct error *error)
{
    memset(user, 0, sizeof(*user));
    if (split(user, text, error) == 0 && check(user, error) == 0)
        return 0;
    user_id_free(user);
    return -1;
}

bool
user_id_was_lowered(const struct user_id *user)
{
    return strcmp(user->localpart, user->as_written) != 0;
}

void
user_id_free(struct user_id *user)
{
    memory_free(user->localpart);
    memory_free(user->as_written);
    memory_free(user->server_name);
    memset(user, 0, sizeof(*user));
}

char *
user_id_format(const char *localpart, const char *server_name)
{
    struct text text = {0};

    text_append_format(&text, "@%s:%s", localpart, server_name);
    return text.bytes;
}
