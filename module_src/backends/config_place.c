/* SPDX-License-Identifier: GPL-3.0-or-later */
/* O_PATH is Linux'. */
#define _GNU_SOURCE
#include "backends/config_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
#define READING (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/* What of path is behind folder, with its slash; NULL when it is not in it. */
static const char *
rest_behind(const char *path, const char *folder)
{
    size_t length = strlen(folder);

    if (length > 0 && folder[length - 1] == '/')
        length--;
    if (strncmp(path, folder, length) != 0 || (path[length] != '/' && path[length] != '\0'))
        return NULL;
    return path + length;
}

/* The innermost mount that has the path, or NULL. */
static const struct engine_mount *
find_mount(const struct engine_container *container, const char *path)
{
    const struct engine_mount *best = NULL;

    for (size_t i = 0; i < container->mount_count; i++) {
        const struct engine_mount *mount = &container->mounts[i];

        if (rest_behind(path, mount->destination) != NULL &&
            (best == NULL || strlen(mount->destination) > strlen(best->destination)))
            best = mount;
    }
    return best;
}

/* No part of it leads up again. */
static bool
is_plain(const char *path)
{
    for (const char *slash = path; slash != NULL; slash = strchr(slash + 1, '/'))
        if (strncmp(slash, "/..", 3) == 0 && (slash[3] == '/' || slash[3] == '\0'))
            return false;
    return true;
}

/* Finds the mount of a path, NULL for one of this machine's own. */
static int
locate(const struct config_place *place, const char *path,
    const struct engine_mount **mount, char here[PATH_MAX], struct error *error)
{
    const char *rest = path;
    int length;

    *mount = NULL;
    if (path[0] != '/')
        return error_set(error, ERROR_INVALID,
            "%.300s is relative to a folder that only the server knows; write it with its "
            "whole path",
            path);
    if (place->mounts != NULL) {
        *mount = is_plain(path) ? find_mount(place->mounts, path) : NULL;
        if (*mount == NULL)
            return error_set(error, ERROR_INVALID,
                "%.300s is inside the container %s, behind none of its mounts", path,
                place->container);
        rest = rest_behind(path, (*mount)->destination);
    }
    length = snprintf(here, PATH_MAX, "%s%s", *mount == NULL ? "" : (*mount)->source, rest);
    if (length < 0 || length >= PATH_MAX)
        return error_set(error, ERROR_INVALID, "a path in the configuration is too long");
    return 0;
}

/* The next part of a way, if it is no link. -1 with errno. */
static int
go_into(int folder, const char *part, size_t length)
{
    char name[NAME_MAX + 1];
    struct stat status;
    int next;

    if (length > NAME_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(name, part, length);
    name[length] = '\0';
    next = openat(folder, name, O_PATH | O_CLOEXEC | O_NOFOLLOW);
    if (next < 0 || (fstat(next, &status) == 0 && !S_ISLNK(status.st_mode)))
        return next;
    close(next);
    errno = ELOOP;
    return -1;
}

/*
 * Opens for reading what a descriptor only names, if it is a file: a container
 * may make devices, of which opening one out here would do something. -1 with
 * errno, EINVAL for anything else than a file.
 */
static int
open_named(int named)
{
    char link[64];
    struct stat status;
    int opened;

    if (fstat(named, &status) != 0 || !S_ISREG(status.st_mode)) {
        errno = EINVAL;
        return -1;
    }
    snprintf(link, sizeof(link), "/proc/self/fd/%d", named);
    opened = open(link, READING);
    /* The file is there; it is /proc that is not. */
    if (opened < 0 && errno == ENOENT)
        errno = EIO;
    return opened;
}

/* Names what is behind a mount, part by part. -1 with errno. */
static int
name_behind(const char *source, const char *rest)
{
    int named = open(source, O_PATH | O_CLOEXEC);

    while (named >= 0 && rest[strspn(rest, "/")] != '\0') {
        int folder = named;
        size_t length;

        rest += strspn(rest, "/");
        length = strcspn(rest, "/");
        named = go_into(folder, rest, length);
        close(folder);
        rest += length;
    }
    return named;
}

static int
open_behind(const char *source, const char *rest)
{
    int named = name_behind(source, rest);
    int opened;

    if (named < 0)
        return -1;
    opened = open_named(named);
    close(named);
    return opened;
}

static int
refuse_link(const char *here, struct error *error)
{
    return error_set(error, ERROR_INVALID,
        "cannot use %.700s: a symbolic link leads there, and none is followed behind a "
        "container's mounts",
        here);
}

bool
config_place_reaches(const struct config_place *place, const char *path)
{
    return place->mounts == NULL ||
           (is_plain(path) && find_mount(place->mounts, path) != NULL);
}

int
config_place_path(const struct config_place *place, const char *path, char here[PATH_MAX],
    struct error *error)
{
    const struct engine_mount *mount;
    int named;

    if (locate(place, path, &mount, here, error) != 0)
        return -1;
    if (mount == NULL)
        return 0;
    named = name_behind(mount->source, rest_behind(path, mount->destination));
    if (named < 0 && errno == ELOOP)
        return refuse_link(here, error);
    if (named >= 0)
        close(named);
    return 0;
}

int
config_place_open(const struct config_place *place, const char *path, char here[PATH_MAX],
    int *absent, struct error *error)
{
    const struct engine_mount *mount;
    int opened;

    *absent = 0;
    if (locate(place, path, &mount, here, error) != 0)
        return -1;
    opened = mount == NULL
                 ? open(here, READING)
                 : open_behind(mount->source, rest_behind(path, mount->destination));
    if (opened >= 0)
        return opened;
    if (errno == ENOENT || errno == ENOTDIR)
        *absent = 1;
    else if (errno == ELOOP && mount != NULL)
        refuse_link(here, error);
    else if (errno == EINVAL && mount != NULL)
        error_set(error, ERROR_INVALID, "%.700s is no regular file", here);
    else
        error_set(error, ERROR_INVALID, "cannot read %.700s: %s%s", here, strerror(errno),
            errno == EACCES || errno == EPERM ? "; who runs this must be able to (become)"
                                              : "");
    return -1;
}

typedef struct config *(*reader)(int file, const char *path, struct error *error);

static struct config *
read_with(reader read_file, const struct config_place *place, const char *path,
    char here[PATH_MAX], int *absent, struct error *error)
{
    int file = config_place_open(place, path, here, absent, error);
    struct config *config;

    if (file < 0)
        return NULL;
    config = read_file(file, here, error);
    close(file);
    return config;
}

struct config *
config_place_read(const struct config_place *place, const char *path, char here[PATH_MAX],
    int *absent, struct error *error)
{
    return read_with(config_read, place, path, here, absent, error);
}

struct config *
config_place_read_toml(const struct config_place *place, const char *path,
    char here[PATH_MAX], int *absent, struct error *error)
{
    return read_with(config_read_toml, place, path, here, absent, error);
}
