/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "modules/connection_summary.h"

#include <string.h>

#include "base/text.h"

/* More names than these make no line. */
#define NAMES_MOST 10

static const char *
word(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

/* "http://matrix-synapse:8008 (container matrix-synapse, 172.18.0.2)" */
static void
add_connection(struct text *line, const json_t *connection)
{
    const char *socket = word(connection, "unix_socket");
    const char *container = word(connection, "container");
    const char *address = word(connection, "address");
    bool is_inside = strcmp(word(connection, "via"), "container namespace") == 0;

    text_append(line, word(connection, "url"));
    if (*socket != '\0')
        text_append_format(line, " (unix socket %s)", socket);
    else if (*container != '\0')
        text_append_format(line, " (container %s%s%s%s)", container,
            *address != '\0' ? ", " : "", address, is_inside ? " from inside it" : "");
}

/* "Synapse 1.163.2 of example.org" */
static void
add_server(struct text *line, const json_t *reply)
{
    const json_t *server = json_object_get(reply, "server");
    const char *version = word(server, "version");
    const char *server_name = word(reply, "server_name");

    text_append_format(line, ": %s%s%s", word(server, "name"), *version != '\0' ? " " : "",
        version);
    if (*server_name != '\0')
        text_append_format(line, " of %s", server_name);
}

/* Of MAS's own configuration. */
static void
add_mas(struct text *line, const json_t *mas)
{
    const json_t *files = json_object_get(mas, "files");
    const char *problem = word(mas, "problem");
    const char *client = word(mas, "client_id");

    if (*problem != '\0')
        text_append_format(line, "; its configuration is not used: %s", problem);
    if (json_array_size(files) > 0)
        text_append_format(line, ", found in %s, its admin API %s%s%s",
            json_string_value(json_array_get(files, 0)),
            json_is_true(json_object_get(mas, "admin_api")) ? "on" : "off",
            *client != '\0' ? ", for the client " : "", client);
}

/* "synapse of example.org, found in /etc/..." */
static void
add_homeserver(struct text *line, const json_t *discovered, const json_t *files)
{
    const char *server_name = word(discovered, "server_name");
    const char *file = json_string_value(json_array_get(files, 0));

    text_append_format(line, ": %s", word(discovered, "backend"));
    if (*server_name != '\0')
        text_append_format(line, " of %s", server_name);
    if (file != NULL)
        text_append_format(line, ", found in %s", file);
    else
        text_append_format(line, ", found by its container %s", word(discovered, "container"));
}

/* What is known before anybody is asked. */
static void
add_discovered(struct text *line, const json_t *discovered)
{
    const json_t *files = json_object_get(discovered, "files");
    const json_t *mas = json_object_get(discovered, "mas_configuration");
    const char *from = word(discovered, "registration_shared_secret_from");

    if (files != NULL)
        add_homeserver(line, discovered, files);
    if (*from != '\0')
        text_append_format(line, "; registration_shared_secret found in %s", from);
    if (json_is_true(json_object_get(discovered, "registration_token")))
        text_append(line, "; registration_token found");
    if (json_is_true(json_object_get(discovered, "emergency_password")))
        text_append(line, "; emergency_password found");
    if (json_is_true(json_object_get(discovered, "mas")))
        text_append(line, "; its accounts are with Matrix Authentication Service");
    else if (mas != NULL)
        text_append(line, ": Matrix Authentication Service");
    add_mas(line, mas);
    text_append(line, "; the server was not asked");
}

static void
add_credentials(struct text *line, const json_t *list)
{
    size_t i;
    json_t *entry;

    json_array_foreach(list, i, entry)
    {
        const json_t *works = json_object_get(entry, "works");
        const char *verdict = json_is_true(works)   ? "works"
                              : json_is_null(works) ? "may work: "
                                                    : "does not work: ";

        text_append_format(line, "; %s %s%s", word(entry, "option"), verdict,
            json_is_true(works) ? "" : word(entry, "msg"));
    }
}

static void
add_administrators(struct text *line, const json_t *list)
{
    size_t count = json_array_size(list);

    text_append(line, count == 1 ? "; administrator: " : "; administrators: ");
    for (size_t i = 0; i < count && i < NAMES_MOST; i++)
        text_append_format(line, "%s%s", i > 0 ? ", " : "",
            json_string_value(json_array_get(list, i)));
    if (count > NAMES_MOST)
        text_append_format(line, " and %zu more", count - NAMES_MOST);
}

/* What opens the server, and who its administrators are or why nobody says. */
static void
add_findings(struct text *line, const json_t *reply, bool lacks_service)
{
    const json_t *list = json_object_get(reply, "credentials");

    add_credentials(line, list);
    if (json_array_size(json_object_get(reply, "administrators")) > 0)
        add_administrators(line, json_object_get(reply, "administrators"));
    else if (lacks_service)
        text_append(line, "; who its administrators are is not known, as there is no service "
                          "account yet: the first task that takes an administrator makes it");
    else if (json_array_size(list) == 0)
        text_append(line, "; no credential is given or found, so that all that can be done is "
                          "what users can do with their own passwords");
}

char *
connection_summary_make(const json_t *reply, bool lacks_service, const char *failure)
{
    struct text line = {0};
    bool is_met = json_object_get(reply, "server") != NULL;

    if (failure != NULL && !is_met) {
        text_append(&line, failure);
    } else {
        add_connection(&line, json_object_get(reply, "connection"));
        if (is_met)
            add_server(&line, reply);
        else
            add_discovered(&line, json_object_get(reply, "discovered"));
        if (failure != NULL) {
            add_credentials(&line, json_object_get(reply, "credentials"));
            text_append_format(&line, "; %s", failure);
        } else if (is_met) {
            add_findings(&line, reply, lacks_service);
        }
    }
    if (line.failed)
        text_free(&line);
    return line.bytes;
}
