/* SPDX-License-Identifier: GPL-3.0-or-later */
/* nftw is X/Open's part of POSIX. */
#define _XOPEN_SOURCE 700

#include "private_place.h"

#include "support.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

int
place_make(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/registrar-unit-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int
remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    return remove(path);
}

int
place_remove(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *
place_path(const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % COUNT(paths)];

    snprintf(path, sizeof(paths[0]), "%s%s%s", folder, name[0] == '\0' ? "" : "/", name);
    return path;
}

void
place_write(const char *name, const char *text, mode_t mode)
{
    const char *path = place_path(name);
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

const char *
place_read(const char *name)
{
    static char text[1 << 17];
    FILE *file = fopen(place_path(name), "rb");
    size_t length;

    assert_non_null(file);
    length = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[length] = '\0';
    return text;
}

bool
place_has(const char *name)
{
    struct stat status;

    return lstat(place_path(name), &status) == 0;
}

mode_t
place_mode(const char *name)
{
    struct stat status;

    assert_int_equal(lstat(place_path(name), &status), 0);
    return status.st_mode & 07777;
}
