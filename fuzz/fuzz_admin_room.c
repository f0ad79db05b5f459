/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A page of messages of an admin room (GET /messages): whatever stands in it, what is taken
 * for an answer, for what a run left, and for a password is within the bounds that its users
 * rely on.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backends/backend.h"
#include "backends/room/commands.h"
#include "base/memory.h"
#include "matrix/admin_leavings.h"
#include "matrix/admin_search.h"
#include "matrix/room_timeline.h"
#include "net/http.h"

#define BOT "@conduit:x"
#define ADMINISTRATOR "@root:x"
#define ALICE "@alice:x"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static const struct {
    const struct command_table *commands;
    const char *stem;
} servers[] = {{&commands_continuwuity, "!admin"}, {&commands_conduit, BOT}};

static void
check(bool is_so)
{
    if (!is_so)
        abort();
}

static bool
fits(const struct admin_command *command, const char *text)
{
    return strstr(text, command->user_id) != NULL;
}

static void
check_event_id(const char *event_id)
{
    check(event_id != NULL && strlen(event_id) <= ROOM_TIMELINE_ID_LONGEST);
}

static void
check_password(struct backend *backend, const struct command_table *table,
    const struct secret *text)
{
    struct secret password = {0};
    struct error error = {0};

    if (!secret_given(text))
        return;
    if (commands_read_password(backend, table, ALICE, text->bytes, &password, &error) != 0)
        check(error.kind == ERROR_PROTOCOL);
    if (secret_given(&password))
        check(password.length > 0 && strpbrk(password.bytes, "\r\n") == NULL &&
              strstr(text->bytes, password.bytes) != NULL);
    secret_free(&password);
}

/* The same page twice, as a reader that waits sees it. */
static void
search(struct backend *backend, size_t which, const json_t *chunk)
{
    const struct admin_command command = {.user_id = ALICE, .fits = fits};
    struct admin_search search = {
        .manner = &servers[which].commands->manner,
        .command = &command,
        .bot = BOT,
        .stem = servers[which].stem,
        .event_id = "$E",
        .previous = "$P",
        .previous_answer = "$Q",
    };
    struct error error = {0};
    enum admin_found found;

    for (int look = 0; look < 2; look++) {
        admin_search_begin(&search);
        room_timeline_visit(chunk, admin_search_show, &search);
        check(admin_search_end(&search, &found, &error) == 0);
        if (found == ADMIN_FOUND_ANSWER || found == ADMIN_FOUND_LIKELY)
            check_event_id(search.reply.event_id);
        check_password(backend, servers[which].commands, &search.reply.text);
    }
    admin_search_free(&search);
}

static void
look_for_leavings(struct backend *backend, size_t which, const json_t *chunk)
{
    struct admin_leavings leavings = {
        .administrator = ADMINISTRATOR,
        .bot = BOT,
        .stem = servers[which].stem,
        .user_id = ALICE,
        .answers_relate = servers[which].commands->manner.answers_relate,
    };

    if (room_timeline_visit(chunk, admin_leavings_show, &leavings))
        room_timeline_visit(chunk, admin_leavings_show, &leavings);
    check(!leavings.failed && leavings.event_count <= ADMIN_LEAVINGS_MOST);
    for (size_t i = 0; i < leavings.event_count; i++)
        check_event_id(leavings.events[i]);
    if (secret_given(&leavings.reply.text))
        check(leavings.has_command && strstr(leavings.reply.text.bytes, ALICE) != NULL);
    check_password(backend, servers[which].commands, &leavings.reply.text);
    admin_leavings_forget(&leavings);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const struct http_options options = {.url = "http://127.0.0.1", .timeout_ms = 1000};
    struct backend backend = {.type = NULL};
    struct error error = {0};
    json_t *body;

    json_set_alloc_funcs(memory_allocate, memory_free);
    body = json_loadb((const char *)bytes, length, 0, NULL);
    backend.matrix.http = http_open(&options, &error);
    check(backend.matrix.http != NULL);
    for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
        search(&backend, i, json_object_get(body, "chunk"));
        look_for_leavings(&backend, i, json_object_get(body, "chunk"));
    }
    http_close(backend.matrix.http);
    json_decref(body);
    return 0;
}
