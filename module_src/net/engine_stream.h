/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The output of a command, as engines send it: frames of a head of eight bytes (the
 * number of the stream, three zeroes, the length in network order) and that many bytes
 * (Docker Engine API, "Attach to a container", "Stream format").
 */
#ifndef REGISTRAR_NET_ENGINE_STREAM_H
#define REGISTRAR_NET_ENGINE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/redact.h"

#define ENGINE_STREAM_HEAD 8
#define ENGINE_STREAM_KEPT ((size_t)4096)

/* Starts as all zeroes; for engine_stream_wipe. */
struct engine_stream {
    unsigned char head[ENGINE_STREAM_HEAD];
    size_t head_length; /* of it, so far */
    uint32_t left;      /* of the frame */
    bool is_wrong;      /* it was none */
    size_t length;      /* of all frames' contents so far */
    char kept[ENGINE_STREAM_KEPT]; /* the newest of them, in a ring */
};

/* Takes what came, however it is cut. False, from then on: it is no such stream. */
bool engine_stream_take(struct engine_stream *stream, const char *bytes, size_t length);

/* Whether it ends where a frame does. */
bool engine_stream_is_whole(const struct engine_stream *stream);

/*
 * Writes the end of the output, both streams as they came, fit to be shown and without
 * the secrets; "" where a part of one could be left over. -1: memory.
 */
int engine_stream_show(const struct engine_stream *stream, const struct redaction *secrets,
    char *buffer, size_t size, struct error *error);

void engine_stream_wipe(struct engine_stream *stream);

#endif
