/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A small file that is ours alone: read, locked and replaced as a whole. What
 * stands in it is not looked at here.
 */
#ifndef REGISTRAR_MATRIX_PRIVATE_FILE_H
#define REGISTRAR_MATRIX_PRIVATE_FILE_H

#include <stddef.h>

#include "base/error.h"

/* The largest one that is read or written. */
#define PRIVATE_FILE_LIMIT ((size_t)1024 * 1024)

struct private_file {
    char *path;       /* as it was named, for messages */
    const char *name; /* within the folder */
    int folder;       /* its descriptor */
    int lock;         /* the file's own while it is locked, or -1 */
};

/*
 * Takes a path for private_file_free, also after an error. The file need not be
 * there. *obstacle is not 0 when it is not and cannot be made: the errno.
 * Errors: invalid (private_folder.h, no file's name), memory.
 */
int private_file_init(struct private_file *file, const char *path, int *obstacle,
    struct error *error);

/* Unlocks, too. */
void private_file_free(struct private_file *file);

/*
 * Reads all of it; *bytes is for memory_free and NULL when there is none, or
 * nothing in it. Errors: invalid (a symbolic link, not a file, another owner,
 * more than one link, readable or writable by others, too large), memory.
 */
int private_file_read(const struct private_file *file, char **bytes, size_t *length,
    struct error *error);

/*
 * Keeps other runs from locking it, until private_file_unlock or the end of the
 * program; makes it, empty, when it is not there. Waits for its turn at most
 * timeout_ms. Errors: conflict (another run does not let go), interrupted, those
 * of private_file_read.
 */
int private_file_lock(struct private_file *file, long long timeout_ms, struct error *error);

void private_file_unlock(struct private_file *file);

/*
 * Puts a new file into its place, which has the lock from then on. Whenever
 * this is cut off, the path names the whole old file or the whole new one. Under
 * the lock. Errors: invalid (cannot be written), memory.
 */
int private_file_replace(struct private_file *file, const char *bytes, size_t length,
    struct error *error);

/* Removes it, and with it the lock. Under the lock. Errors as above. */
int private_file_remove(struct private_file *file, struct error *error);

#endif
