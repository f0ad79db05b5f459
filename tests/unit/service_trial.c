/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service_trial.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct synapse_trial service;

static char asked[16384]; /* what the newest service_assert looked at */

static const struct {
    const char *start, *word;
} words[] = {
    {"GET " REGISTER, "nonce"},
    {"POST " REGISTER, "register"},
    {"GET " KEYS, "name"},
    {"GET " LOGIN, "flows"},
    {"POST " LOGIN, "login"},
    {"POST " LOGOUT, "logout"},
    {"GET " WHOAMI, "whoami"},
    {"GET " PROFILE, "profile"},
    {"GET /_matrix/client/v3/joined_rooms", "rooms"},
    {"POST /_matrix/client/v3/rooms/", "leave"},
    {"PUT " USERS, "put"},
    {"GET " USERS, "user"},
    {"POST /_synapse/admin/v1/deactivate/", "erase"},
};

void
service_begin(const struct recorded_reply *replies)
{
    bool predict = service.predict;

    synapse_start_with_secret(&service, replies);
    service.predict = predict;
}

int
service_end(void **state)
{
    (void)state;
    synapse_close(&service);
    memset(&service, 0, sizeof(service));
    return 0;
}

int
service_become(struct error *error)
{
    if (synapse_open(&service, error) != 0)
        return -1;
    return service.backend->type->become_administrator(service.backend, error);
}

static const char *
word_for(const char *line)
{
    for (size_t i = 0; i < COUNT(words); i++)
        if (strncmp(line, words[i].start, strlen(words[i].start)) == 0)
            return words[i].word;
    return "other";
}

const char *
service_steps(const char *text)
{
    static char steps[1024];

    steps[0] = '\0';
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        size_t length = strlen(steps);
        char token[64] = "-";

        sscanf(line, "%*s %*s %63s", token);
        snprintf(steps + length, sizeof(steps) - length, "%s%s", length > 0 ? " " : "",
            word_for(line));
        length = strlen(steps);
        if (strcmp(token, "-") != 0)
            snprintf(steps + length, sizeof(steps) - length, "(%s)", token);
    }
    return steps;
}

static const char *
joined(const struct list *list)
{
    static char text[256];

    text[0] = '\0';
    for (size_t i = 0; i < list->count; i++) {
        size_t length = strlen(text);

        snprintf(text + length, sizeof(text) - length, "%s%s", i > 0 ? ", " : "",
            list->items[i]);
    }
    return text;
}

void
service_assert(enum error_kind kind, enum authority authority, const char *actions,
    const char *steps)
{
    struct error error = {0};

    synapse_open_well(&service);
    service.backend->type->become_administrator(service.backend, &error);
    snprintf(asked, sizeof(asked), "%s", synapse_asked());
    assert_kind(&error, kind);
    assert_string_equal(service_steps(asked), steps);
    assert_string_equal(joined(&service.actions), actions);
    assert_int_equal(service.backend->authority, authority);
}

static const char *
find(const char *start, unsigned nth)
{
    for (const char *line = asked; *line != '\0'; line = strchr(line, '\n') + 1)
        if (strncmp(line, start, strlen(start)) == 0 && nth-- == 0)
            return line;
    return NULL;
}

bool
service_asked(const char *start)
{
    return find(start, 0) != NULL;
}

const char *
service_body(const char *start, unsigned nth)
{
    static char body[2048];
    const char *line = find(start, nth);
    const char *brace = line == NULL ? NULL : strchr(line, '{');

    if (brace == NULL)
        fail_msg("there is no request number %u that begins with %s", nth, start);
    else
        snprintf(body, sizeof(body), "%.*s", (int)strcspn(brace, "\n"), brace);
    return body;
}
