/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * base/config_parse.h: what the child of base/config.c does with a file of TOML. What
 * it answers is always JSON: a document, or what is wrong with it.
 */
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/config.h"
#include "base/config_parse.h"
#include "base/memory.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct text answer = {0};
    json_t *json;

    json_set_alloc_funcs(memory_allocate, memory_free);
    if (length > CONFIG_BYTES_LIMIT)
        return 0;
    if (config_parse_toml((const char *)bytes, length, &answer) != 0)
        abort(); /* there is memory enough */
    json = json_loadb(answer.bytes, answer.length, 0, NULL);
    if (json == NULL ||
        (json_object_get(json, "root") == NULL) == (json_object_get(json, "problem") == NULL))
        abort();
    json_decref(json);
    text_free(&answer);
    return 0;
}
