/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * flock is not POSIX; Linux and the BSDs have it. It belongs to the open file
 * and so to the inode, and goes with the process: no lock is ever left behind.
 * A replaced inode is told by comparing the locked one with what the path
 * names then.
 */
#include "matrix/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/stop.h"
#include "matrix/private_folder.h"

/* What a new file is called until it takes the place of the old one. One name
 * for all: only who has the lock makes it, and a killed run's is found again. */
#define NEW_SUFFIX ".new"

#define PAUSE_FIRST_MS 5
#define PAUSE_LONGEST_MS 100

/* How often a file may be replaced just while it is opened. */
#define READ_ATTEMPTS 100

#define OPEN_FLAGS (O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

static int
failed(const struct private_file *file, const char *what, struct error *error)
{
    return error_set(error, ERROR_INVALID, "session_file: cannot %s %s: %s", what,
        file->path, strerror(errno));
}

int
private_file_init(struct private_file *file, const char *path, int *obstacle,
    struct error *error)
{
    struct stat status;

    *file = (struct private_file){.folder = -1, .lock = -1};
    *obstacle = 0;
    file->path = memory_copy_string(path);
    if (file->path == NULL)
        return error_no_memory(error);
    file->name = private_folder_name_in(file->path);
    if (file->name[0] == '\0' || strlen(file->name) + strlen(NEW_SUFFIX) > NAME_MAX)
        return error_set(error, ERROR_INVALID,
            "session_file: %s ends in no name that a file can have", path);
    if (private_folder_open(path, &file->folder, obstacle, error) != 0)
        return -1;
    if (*obstacle == 0 &&
        fstatat(file->folder, file->name, &status, AT_SYMLINK_NOFOLLOW) != 0 &&
        errno == ENOENT && faccessat(file->folder, ".", W_OK | X_OK, AT_EACCESS) != 0)
        *obstacle = errno;
    return 0;
}

void
private_file_free(struct private_file *file)
{
    private_file_unlock(file);
    if (file->folder >= 0)
        close(file->folder);
    memory_free(file->path);
    *file = (struct private_file){.folder = -1, .lock = -1};
}

static int
check(const struct private_file *file, const struct stat *status, struct error *error)
{
    if (S_ISLNK(status->st_mode))
        return error_set(error, ERROR_INVALID,
            "session_file: %s is a symbolic link; name the file itself", file->path);
    if (!S_ISREG(status->st_mode))
        return error_set(error, ERROR_INVALID, "session_file: %s is not a file",
            file->path);
    if (status->st_uid != geteuid())
        return error_set(error, ERROR_INVALID,
            "session_file: %s belongs to another user (uid %lu); every user needs a file "
            "of their own",
            file->path, (unsigned long)status->st_uid);
    if ((status->st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return error_set(error, ERROR_INVALID,
            "session_file: %s is open to others (mode %04o), so what it holds is not to be "
            "trusted; remove it and log its sessions out, or give it mode 0600",
            file->path, (unsigned)(status->st_mode & 07777));
    if (status->st_nlink == 0)
        return error_set(error, ERROR_INVALID,
            "session_file: %s was removed while this run worked with it; run it again",
            file->path);
    if (status->st_nlink != 1)
        return error_set(error, ERROR_INVALID,
            "session_file: %s has another name besides (a hard link); remove it", file->path);
    if (status->st_size > (off_t)PRIVATE_FILE_LIMIT)
        return error_set(error, ERROR_INVALID,
            "session_file: %s is too large to be a session file of Registrar; remove it or "
            "name another",
            file->path);
    return 0;
}

/* *opened is -1 without an error when there is no such file. */
static int
open_existing(const struct private_file *file, int mode, int *opened, struct error *error)
{
    int reason;
    struct stat status;

    *opened = openat(file->folder, file->name, mode | OPEN_FLAGS);
    if (*opened >= 0 || errno == ENOENT)
        return 0;
    reason = errno;
    /* What it is says more than why it cannot be opened. */
    if (fstatat(file->folder, file->name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        check(file, &status, error) != 0)
        return -1;
    errno = reason;
    return failed(file, "open", error);
}

static int
read_opened(const struct private_file *file, int opened, const struct stat *status,
    char **bytes, size_t *length, struct error *error)
{
    if (check(file, status, error) != 0)
        return -1;
    if (status->st_size == 0)
        return 0;
    *bytes = memory_allocate((size_t)status->st_size);
    if (*bytes == NULL)
        return error_no_memory(error);
    if (file_read(opened, *bytes, (size_t)status->st_size, length) == 0)
        return 0;
    memory_free(*bytes);
    *bytes = NULL;
    return failed(file, "read", error);
}

int
private_file_read(const struct private_file *file, char **bytes, size_t *length,
    struct error *error)
{
    struct stat status;
    int opened = file->lock;
    int result = -1;

    *bytes = NULL;
    *length = 0;
    for (int attempt = 0; file->lock < 0; attempt++) {
        if (open_existing(file, O_RDONLY, &opened, error) != 0)
            return -1;
        if (opened < 0)
            return 0;
        /* Without a name: another run has replaced it just now. */
        if (fstat(opened, &status) != 0 || status.st_nlink > 0 || attempt == READ_ATTEMPTS)
            break;
        close(opened);
    }
    if (fstat(opened, &status) != 0)
        failed(file, "look at", error);
    else
        result = read_opened(file, opened, &status, bytes, length, error);
    if (opened != file->lock)
        close(opened);
    return result;
}

enum attempt { ATTEMPT_DONE, ATTEMPT_FAILED, ATTEMPT_TAKEN, ATTEMPT_REPLACED };

/* Whether the path still names the file that was opened. */
static bool
is_in_place(const struct private_file *file, int opened, struct stat *status)
{
    struct stat named;

    return fstat(opened, status) == 0 &&
           fstatat(file->folder, file->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           named.st_dev == status->st_dev && named.st_ino == status->st_ino;
}

static int
open_or_make(const struct private_file *file, int *opened, struct error *error)
{
    if (open_existing(file, O_RDWR, opened, error) != 0)
        return -1;
    if (*opened >= 0)
        return 0;
    *opened = openat(file->folder, file->name, O_RDWR | O_CREAT | O_EXCL | OPEN_FLAGS,
        S_IRUSR | S_IWUSR);
    return *opened >= 0 || errno == EEXIST ? 0 : failed(file, "make", error);
}

static enum attempt
try_to_lock(struct private_file *file, struct error *error)
{
    enum attempt attempt = ATTEMPT_FAILED;
    struct stat status;
    int opened;

    if (open_or_make(file, &opened, error) != 0)
        return ATTEMPT_FAILED;
    if (opened < 0)
        return ATTEMPT_REPLACED;
    if (flock(opened, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK || errno == EINTR)
            attempt = ATTEMPT_TAKEN;
        else
            failed(file, "lock", error);
    } else if (!is_in_place(file, opened, &status)) {
        attempt = ATTEMPT_REPLACED;
    } else if (check(file, &status, error) == 0) {
        file->lock = opened;
        return ATTEMPT_DONE;
    }
    close(opened);
    return attempt;
}

int
private_file_lock(struct private_file *file, long long timeout_ms, struct error *error)
{
    long long end = stop_clock_ms() + timeout_ms;
    long long pause_ms = PAUSE_FIRST_MS;

    for (;;) {
        enum attempt attempt = try_to_lock(file, error);
        long long left_ms = end - stop_clock_ms();

        if (attempt == ATTEMPT_DONE || attempt == ATTEMPT_FAILED)
            return attempt == ATTEMPT_DONE ? 0 : -1;
        if (left_ms <= 0)
            return error_set(error, ERROR_CONFLICT,
                "session_file: another run works with %s and has not let go of it for %lld "
                "s; wait until it has ended",
                file->path, timeout_ms / 1000);
        if (attempt == ATTEMPT_REPLACED)
            continue;
        if (stop_sleep_ms(pause_ms < left_ms ? pause_ms : left_ms) != 0)
            return error_set(error, ERROR_INTERRUPTED, "stopped by %s",
                stop_signal_name(stop_signal()));
        pause_ms = pause_ms * 2 > PAUSE_LONGEST_MS ? PAUSE_LONGEST_MS : pause_ms * 2;
    }
}

void
private_file_unlock(struct private_file *file)
{
    if (file->lock >= 0)
        close(file->lock);
    file->lock = -1;
}

static int
not_locked(struct error *error)
{
    return error_set(error, ERROR_INTERNAL, "the session file is not locked");
}

static int
write_all(int opened, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(opened, bytes, length);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        bytes += written;
        length -= (size_t)written;
    }
    return 0;
}

/* Writes the file that is to be, locked before anybody can find it. */
static int
write_new(const struct private_file *file, const char *name, const char *bytes,
    size_t length, int *opened)
{
    if (unlinkat(file->folder, name, 0) != 0 && errno != ENOENT)
        return -1;
    *opened = openat(file->folder, name, O_RDWR | O_CREAT | O_EXCL | OPEN_FLAGS,
        S_IRUSR | S_IWUSR);
    if (*opened < 0)
        return -1;
    if (flock(*opened, LOCK_EX | LOCK_NB) != 0 || write_all(*opened, bytes, length) != 0)
        return -1;
    return fsync(*opened);
}

int
private_file_replace(struct private_file *file, const char *bytes, size_t length,
    struct error *error)
{
    char name[NAME_MAX + 1];
    int opened = -1;

    if (file->lock < 0)
        return not_locked(error);
    snprintf(name, sizeof(name), "%s" NEW_SUFFIX, file->name);
    if (write_new(file, name, bytes, length, &opened) != 0 ||
        renameat(file->folder, name, file->folder, file->name) != 0) {
        failed(file, "write", error);
        if (opened >= 0) {
            unlinkat(file->folder, name, 0);
            close(opened);
        }
        return -1;
    }
    /* It is done, whatever this answers: should the power fail, the old file is
     * back, and that is as good as a run that was killed. */
    fsync(file->folder);
    private_file_unlock(file);
    file->lock = opened;
    return 0;
}

int
private_file_remove(struct private_file *file, struct error *error)
{
    if (file->lock < 0)
        return not_locked(error);
    if (unlinkat(file->folder, file->name, 0) != 0)
        return failed(file, "remove", error);
    fsync(file->folder);
    private_file_unlock(file);
    return 0;
}
