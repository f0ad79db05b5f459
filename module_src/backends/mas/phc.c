/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/phc.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#define TEXT_MOST 512

/* A part of the string, which is not copied. */
struct part {
    const char *start;
    size_t length;
};

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* What stands up to the separator or the end; rest becomes what is behind it. */
static struct part
take(struct part *rest, char separator)
{
    struct part part = *rest;
    const char *end = memchr(rest->start, separator, rest->length);

    if (end != NULL)
        part.length = (size_t)(end - rest->start);
    rest->start += part.length;
    rest->length -= part.length;
    if (end != NULL) {
        rest->start++;
        rest->length--;
    }
    return part;
}

/* Base 64 without padding, of which each number of bytes has one form only. */
static bool
read_bytes(struct part part, struct phc_bytes *bytes)
{
    uint32_t bits = 0;
    unsigned count = 0;

    bytes->length = 0;
    for (size_t i = 0; i < part.length; i++) {
        const char *digit = memchr(alphabet, part.start[i], sizeof(alphabet) - 1);

        if (digit == NULL)
            return false;
        bits = bits << 6 | (uint32_t)(digit - alphabet);
        count += 6;
        if (count < 8)
            continue;
        if (bytes->length == PHC_BYTES_MOST)
            return false;
        count -= 8;
        bytes->bytes[bytes->length++] = (unsigned char)(bits >> count);
        bits &= (1u << count) - 1;
    }
    return count < 6 && bits == 0 && bytes->length > 0;
}

static bool
read_number(struct part part, long *number)
{
    int64_t value = 0;

    if (part.length == 0 || part.length > 10 || (part.length > 1 && part.start[0] == '0'))
        return false;
    for (size_t i = 0; i < part.length; i++) {
        if (part.start[i] < '0' || part.start[i] > '9')
            return false;
        value = value * 10 + (part.start[i] - '0');
    }
    if (*number >= 0 || value > UINT32_MAX || value > LONG_MAX)
        return false;
    *number = (long)value;
    return true;
}

/* One name=value; a name that stands twice is a mistake. */
static bool
read_parameter(struct part value, struct phc *phc)
{
    static const char names[PHC_NUMBERS] = {'v', 'm', 't', 'p', 'i', 'l'};
    struct part name = take(&value, '=');

    if (name.length == 4 && memcmp(name.start, "data", 4) == 0)
        return phc->data.length == 0 && read_bytes(value, &phc->data);
    for (size_t i = 0; i < PHC_NUMBERS && name.length == 1; i++)
        if (name.start[0] == names[i])
            return read_number(value, &phc->numbers[i]);
    return false;
}

static bool
read_parameters(struct part rest, struct phc *phc)
{
    while (rest.length > 0)
        if (!read_parameter(take(&rest, ','), phc))
            return false;
    return true;
}

/* Salt and hash have no "=", as they are not padded. */
static bool
has_parameters(struct part rest)
{
    struct part next = take(&rest, '$');

    return memchr(next.start, '=', next.length) != NULL;
}

bool
phc_read(const char *text, struct phc *phc)
{
    struct part rest = {text, strnlen(text, TEXT_MOST + 1)};
    struct part id;

    memset(phc, 0, sizeof(*phc));
    for (size_t i = 0; i < PHC_NUMBERS; i++)
        phc->numbers[i] = -1;
    if (rest.length > TEXT_MOST || take(&rest, '$').length != 0)
        return false;
    id = take(&rest, '$');
    if (id.length == 0 || id.length >= PHC_ID_SIZE)
        return false;
    memcpy(phc->id, id.start, id.length);
    while (has_parameters(rest))
        if (!read_parameters(take(&rest, '$'), phc))
            return false;
    return read_bytes(take(&rest, '$'), &phc->salt) && read_bytes(rest, &phc->hash);
}
