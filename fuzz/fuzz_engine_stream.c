/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * net/engine_stream.h: however the output of a command comes, it is the same output; and
 * no part of a secret is left in what is shown. The first byte says how it is cut.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "net/engine_stream.h"

#define SECRET "Passw0rd+%"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void
check(bool is_so)
{
    if (!is_so)
        abort();
}

static bool
take(struct engine_stream *stream, const char *bytes, size_t length, size_t piece)
{
    bool is_one = true;

    for (size_t at = 0; at < length; at += piece)
        is_one = engine_stream_take(stream, bytes + at,
            length - at < piece ? length - at : piece);
    return is_one;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct engine_stream whole, cut;
    static char shown[400], again[400];
    const struct secret secret = {(char *)(uintptr_t)SECRET, sizeof(SECRET) - 1};
    const struct secret *const list[] = {&secret};
    const struct redaction secrets = {list, 1};
    struct error error = {0};
    bool is_one;

    if (length == 0)
        return 0;
    engine_stream_wipe(&whole);
    engine_stream_wipe(&cut);
    is_one = take(&whole, (const char *)bytes + 1, length - 1, length);
    check(take(&cut, (const char *)bytes + 1, length - 1, (size_t)bytes[0] + 1) == is_one);
    check(engine_stream_is_whole(&whole) == engine_stream_is_whole(&cut));
    check(engine_stream_show(&whole, &secrets, shown, sizeof(shown), &error) == 0);
    check(engine_stream_show(&cut, &secrets, again, sizeof(again), &error) == 0);
    check(strcmp(shown, again) == 0);
    check(strstr(shown, SECRET) == NULL && text_is_unicode(shown, strlen(shown)));
    for (size_t i = 0; shown[i] != '\0'; i++)
        check((unsigned char)shown[i] >= 0x20);
    return 0;
}
