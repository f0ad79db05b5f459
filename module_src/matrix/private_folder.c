/* SPDX-License-Identifier: GPL-3.0-or-later */
/* realpath and S_ISVTX are X/Open's part of POSIX. */
#define _XOPEN_SOURCE 700

#include "matrix/private_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum rule {
    RULE_STRICT, /* nobody else may write it */
    RULE_ABOVE,  /* or it is sticky: nobody else may exchange what is ours there */
};

const char *
private_folder_name_in(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* Cuts what stands behind the last slash off: "." and "/" are folders, too. */
static int
parent_of(const char *path, char parent[PATH_MAX], struct error *error)
{
    const char *name = private_folder_name_in(path);
    size_t length = (size_t)(name - path);

    if (length >= PATH_MAX)
        return error_set(error, ERROR_INVALID, "session_file: the path is too long");
    while (length > 1 && path[length - 1] == '/')
        length--;
    memcpy(parent, length == 0 ? "." : path, length == 0 ? 1 : length);
    parent[length == 0 ? 1 : length] = '\0';
    return 0;
}

/* What stands in the way and need not end the run; the rest is an error. */
static int
met(int reason, const char *folder, int *obstacle, struct error *error)
{
    static const int tolerable[] = {EACCES, EPERM, EROFS, ENOENT, ENOTDIR};

    for (size_t i = 0; i < sizeof(tolerable) / sizeof(tolerable[0]); i++)
        if (reason == tolerable[i]) {
            *obstacle = reason;
            return 0;
        }
    return error_set(error, ERROR_INVALID, "session_file: cannot use the folder %s: %s",
        folder, strerror(reason));
}

static int
check_folder(const char *folder, enum rule rule, struct error *error)
{
    struct stat status;
    bool others_write, sticky;

    if (lstat(folder, &status) != 0)
        return error_set(error, ERROR_INVALID, "session_file: cannot look at %s: %s", folder,
            strerror(errno));
    others_write = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    sticky = (status.st_mode & S_ISVTX) != 0;
    if (status.st_uid != 0 && status.st_uid != geteuid())
        return error_set(error, ERROR_INVALID,
            "session_file: the folder %s belongs to another user (uid %lu), who could "
            "exchange the file; name one in a folder of your own",
            folder, (unsigned long)status.st_uid);
    if (others_write && !(rule == RULE_ABOVE && sticky))
        return error_set(error, ERROR_INVALID,
            "session_file: the folder %s can be written by others (mode %04o), who could "
            "exchange the file; name one in a folder that only you can write",
            folder, (unsigned)(status.st_mode & 07777));
    return 0;
}

/* Looks at every folder from the root to this one, which is a real path. */
static int
check_chain(const char real[PATH_MAX], enum rule last, struct error *error)
{
    size_t length = strlen(real);
    char folder[PATH_MAX];

    for (size_t i = 1; i <= length; i++) {
        if (i != 1 && i != length && real[i] != '/')
            continue;
        memcpy(folder, real, i);
        folder[i] = '\0';
        if (check_folder(folder, i == length ? last : RULE_ABOVE, error) != 0)
            return -1;
    }
    return 0;
}

/* Makes a folder where the one above it is safe. Another run may be faster. */
static int
make_folder(const char *folder, int *obstacle, struct error *error)
{
    char parent[PATH_MAX], real[PATH_MAX], made[PATH_MAX + NAME_MAX + 2];
    const char *name = private_folder_name_in(folder);

    if (parent_of(folder, parent, error) != 0)
        return -1;
    if (realpath(parent, real) == NULL)
        return met(errno, folder, obstacle, error);
    if (check_chain(real, RULE_ABOVE, error) != 0)
        return -1;
    if (strlen(name) > NAME_MAX)
        return met(ENAMETOOLONG, folder, obstacle, error);
    snprintf(made, sizeof(made), "%s/%s", real, name);
    if (mkdir(made, S_IRWXU) != 0 && errno != EEXIST)
        return met(errno, folder, obstacle, error);
    return 0;
}

int
private_folder_open(const char *path, int *folder, int *obstacle, struct error *error)
{
    char parent[PATH_MAX], real[PATH_MAX];
    struct stat status;

    *folder = -1;
    *obstacle = 0;
    if (parent_of(path, parent, error) != 0)
        return -1;
    if (realpath(parent, real) == NULL) {
        if (errno != ENOENT)
            return met(errno, parent, obstacle, error);
        if (make_folder(parent, obstacle, error) != 0)
            return -1;
        if (*obstacle != 0)
            return 0;
        if (realpath(parent, real) == NULL)
            return met(errno, parent, obstacle, error);
    }
    if (lstat(real, &status) == 0 && !S_ISDIR(status.st_mode))
        return met(ENOTDIR, parent, obstacle, error);
    if (check_chain(real, RULE_STRICT, error) != 0)
        return -1;
    /* Nobody else can have exchanged it since, as every folder above is safe. */
    *folder = open(real, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *folder >= 0 ? 0 : met(errno, parent, obstacle, error);
}
