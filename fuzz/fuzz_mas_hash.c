/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/mas/phc.h and ulid.h: whatever stands in MAS's database, what is believed of
 * it is within the bounds that its users rely on. Nothing is computed here, for that
 * takes time by design; what is too much is for the unit tests of hash.h.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "backends/mas/phc.h"
#include "backends/mas/ulid.h"
#include "base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void
check(bool is_so)
{
    if (!is_so)
        abort();
}

static void
check_hash(const char *text)
{
    struct phc phc;

    if (!phc_read(text, &phc))
        return;
    check(text[0] == '$' && strncmp(text + 1, phc.id, strlen(phc.id)) == 0);
    check(phc.id[0] != '\0' && strlen(phc.id) < PHC_ID_SIZE);
    check(phc.salt.length > 0 && phc.salt.length <= PHC_BYTES_MOST);
    check(phc.hash.length > 0 && phc.hash.length <= PHC_BYTES_MOST);
    check(phc.data.length <= PHC_BYTES_MOST);
    for (size_t i = 0; i < PHC_NUMBERS; i++)
        check(phc.numbers[i] >= -1 && phc.numbers[i] <= UINT32_MAX);
}

/* What is an id in one form is the same one after both ways. */
static void
check_id(const char *text)
{
    char ulid[MAS_ID_SIZE], uuid[ULID_UUID_SIZE], again[MAS_ID_SIZE];

    if (ulid_from_uuid(text, ulid)) {
        check(ulid_to_uuid(ulid, uuid));
        check(strcasecmp(uuid, text) == 0);
    }
    if (ulid_to_uuid(text, uuid)) {
        check(ulid_from_uuid(uuid, again));
        check(strcasecmp(again, text) == 0);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char *text = memory_copy(bytes, length);
    char *next = text;

    /* Each line is one. */
    while (next != NULL) {
        char *line = next;

        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        check_hash(line);
        check_id(line);
    }
    memory_free(text);
    return 0;
}
