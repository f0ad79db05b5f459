/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/file.h"

#include <errno.h>
#include <unistd.h>

int
file_read(int opened, char *buffer, size_t size, size_t *length)
{
    *length = 0;
    while (*length < size) {
        ssize_t got = pread(opened, buffer + *length, size - *length, (off_t)*length);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0 ? 0 : -1;
        *length += (size_t)got;
    }
    return 0;
}
