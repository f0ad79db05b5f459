/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "matrix/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#define LARGEST ((size_t)64 * 1024)

/* With the white space around it, or without. */
static int
take(struct secret *secret, int file, const char *path, const char *option, bool whole,
    struct error *error)
{
    struct stat status;
    char *buffer = NULL;
    const char *stripped;
    size_t length;
    int result = -1;

    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode))
        return error_set(error, ERROR_INVALID, "%s: %s is not a file", option, path);
    buffer = memory_allocate(LARGEST + 1);
    if (buffer == NULL)
        return error_no_memory(error);
    if (file_read(file, buffer, LARGEST + 1, &length) != 0) {
        error_set(error, ERROR_INVALID, "%s: cannot read %s: %s", option, path,
            strerror(errno));
        goto out;
    }
    stripped = whole ? buffer : text_strip(buffer, length, &length);
    if (length > LARGEST || length == 0 || memchr(stripped, '\0', length) != NULL ||
        !text_is_unicode(stripped, length))
        error_set(error, ERROR_INVALID, "%s: %s %s", option, path,
            length == 0 ? "is empty" : "does not hold a secret (too large, or binary)");
    else if (secret_set(secret, stripped, length) != 0)
        error_no_memory(error);
    else
        result = 0;
out:
    memory_free(buffer);
    return result;
}

int
secret_file_take(struct secret *secret, int file, const char *path, const char *option,
    struct error *error)
{
    return take(secret, file, path, option, false, error);
}

int
secret_file_take_whole(struct secret *secret, int file, const char *path, const char *option,
    struct error *error)
{
    return take(secret, file, path, option, true, error);
}

int
secret_file_read(struct secret *secret, const char *path, const char *option,
    struct error *error)
{
    /* O_NONBLOCK: opening a FIFO must not wait for a writer. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int result;

    if (file < 0)
        return error_set(error, ERROR_INVALID, "%s: cannot read %s: %s", option, path,
            strerror(errno));
    result = secret_file_take(secret, file, path, option, error);
    close(file);
    return result;
}
