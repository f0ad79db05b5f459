/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A secret that stands in a file, as Synapse's *_path settings have it. */
#ifndef REGISTRAR_MATRIX_SECRET_FILE_H
#define REGISTRAR_MATRIX_SECRET_FILE_H

#include "base/error.h"
#include "base/secret.h"

/*
 * Reads the file into secret, without the white space around it, as Synapse
 * reads it (synapse/config/registration.py: read_file(...).strip()). option
 * names the option in messages. Errors: invalid (cannot be read, empty, more
 * than 64 KiB, not a file, no UTF-8, a NUL in it), memory.
 */
int secret_file_read(struct secret *secret, const char *path, const char *option,
    struct error *error);

/* secret_file_read of a file that was opened for reading, without waiting for a
 * writer; it stays the caller's to close. path is for messages. */
int secret_file_take(struct secret *secret, int file, const char *path,
    const char *option, struct error *error);

/* The same with the white space around it, which is a part of it. */
int secret_file_take_whole(struct secret *secret, int file, const char *path,
    const char *option, struct error *error);

#endif
