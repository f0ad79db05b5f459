/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix/private_file.h: how a file is locked and replaced. */
/* SYS_openat is Linux'. */
#define _DEFAULT_SOURCE

#include "support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/stop.h"
#include "matrix/private_file.h"
#include "private_place.h"

static void
start(struct private_file *file, const char *name)
{
    struct error error = {0};
    int obstacle;

    private_file_init(file, place_path(name), &obstacle, &error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(obstacle, 0);
}

static void
lock(struct private_file *file)
{
    struct error error = {0};

    private_file_lock(file, 10000, &error);
    assert_kind(&error, ERROR_NONE);
}

static void
replace(struct private_file *file, const char *text)
{
    struct error error = {0};

    private_file_replace(file, text, strlen(text), &error);
    assert_kind(&error, ERROR_NONE);
}

static void
assert_reads(const struct private_file *file, const char *text)
{
    struct error error = {0};
    char *bytes;
    size_t length;

    private_file_read(file, &bytes, &length, &error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(length, strlen(text));
    assert_memory_equal(length == 0 ? "" : bytes, text, length);
    memory_free(bytes);
}

/*
 * Another run that replaces the file at the worst moment: just when it has been
 * opened. The C library's openat comes second when the program is linked.
 */
static bool is_replaced_next;

int openat(int folder, const char *name, int flags, ...);
int __openat_2(int folder, const char *name, int flags);

int
openat(int folder, const char *name, int flags, ...)
{
    va_list rest;
    mode_t mode;
    int opened;

    va_start(rest, flags);
    mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    opened = (int)syscall(SYS_openat, folder, name, flags, mode);
    if (is_replaced_next && strcmp(name, "file") == 0) {
        is_replaced_next = false;
        assert_int_equal(rename(place_path("other"), place_path("file")), 0);
    }
    return opened;
}

/* What openat is with _FORTIFY_SOURCE. */
int
__openat_2(int folder, const char *name, int flags)
{
    return openat(folder, name, flags);
}

/* ---- Replacing --------------------------------------------------------------- */

TEST(what_is_written_is_read_and_is_for_us_alone)
{
    mode_t before = umask(0);
    struct private_file file;

    start(&file, "file");
    lock(&file);
    assert_int_equal(place_mode("file"), 0600);
    replace(&file, "one");
    assert_reads(&file, "one");
    replace(&file, "two");
    private_file_unlock(&file);
    umask(before);
    assert_reads(&file, "two");
    private_file_free(&file);
    assert_string_equal(place_read("file"), "two");
    assert_int_equal(place_mode("file"), 0600);
    assert_false(place_has("file.new"));
}

TEST(nothing_is_written_or_removed_without_the_lock)
{
    struct private_file file;
    struct error error = {0}, second = {0};

    place_write("file", "text", 0600);
    start(&file, "file");
    assert_int_equal(private_file_replace(&file, "x", 1, &error), -1);
    assert_kind(&error, ERROR_INTERNAL);
    assert_int_equal(private_file_remove(&file, &second), -1);
    assert_kind(&second, ERROR_INTERNAL);
    private_file_free(&file);
    assert_string_equal(place_read("file"), "text");
}

/* As a run leaves it that was killed before it could rename. */
TEST(a_new_file_that_was_left_over_is_no_hindrance)
{
    struct private_file file;

    place_write("file", "old", 0600);
    place_write("file.new", "half of so", 0600);
    start(&file, "file");
    lock(&file);
    assert_reads(&file, "old");
    replace(&file, "new");
    private_file_free(&file);
    assert_string_equal(place_read("file"), "new");
    assert_false(place_has("file.new"));
}

TEST(a_link_in_the_new_files_place_is_not_followed)
{
    struct private_file file;

    place_write("target", "untouched", 0600);
    assert_int_equal(symlink(place_path("target"), place_path("file.new")), 0);
    start(&file, "file");
    lock(&file);
    replace(&file, "new");
    private_file_free(&file);
    assert_string_equal(place_read("target"), "untouched");
    assert_string_equal(place_read("file"), "new");
}

TEST(what_cannot_be_written_leaves_the_old_file_and_the_lock)
{
    struct private_file file, other;
    struct error error = {0}, second = {0};

    place_write("file", "old", 0600);
    assert_int_equal(mkdir(place_path("file.new"), 0700), 0);
    start(&file, "file");
    start(&other, "file");
    lock(&file);
    assert_int_equal(private_file_replace(&file, "new", 3, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_in("cannot write", error.text);
    assert_string_equal(place_read("file"), "old");
    assert_int_equal(private_file_lock(&other, 0, &second), -1);
    assert_kind(&second, ERROR_CONFLICT);
    private_file_free(&other);
    private_file_free(&file);
}

/* A limit on the size of files refuses as a full disk does. */
static bool
meets_its_limit(void)
{
    const struct rlimit limit = {2, 2};
    struct private_file file;
    struct error error = {0};
    int obstacle;
    bool meets;

    signal(SIGXFSZ, SIG_IGN);
    meets = private_file_init(&file, place_path("file"), &obstacle, &error) == 0 &&
            private_file_lock(&file, 0, &error) == 0 &&
            private_file_replace(&file, "ab", 2, &error) == 0 &&
            setrlimit(RLIMIT_FSIZE, &limit) == 0 &&
            private_file_replace(&file, "abc", 3, &error) == -1 &&
            error.kind == ERROR_INVALID;
    private_file_free(&file);
    return meets;
}

TEST(a_disk_that_is_full_leaves_the_old_file_and_no_new_one)
{
    pid_t child = fork();
    int status;

    if (child == 0)
        _exit(!meets_its_limit());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_string_equal(place_read("file"), "ab");
    assert_false(place_has("file.new"));
}

TEST(a_file_that_is_removed_can_be_made_again)
{
    struct private_file file;
    struct error error = {0};

    start(&file, "file");
    lock(&file);
    replace(&file, "old");
    assert_int_equal(private_file_remove(&file, &error), 0);
    assert_false(place_has("file"));
    lock(&file);
    assert_reads(&file, "");
    private_file_free(&file);
    assert_true(place_has("file"));
}

/* ---- Locks ------------------------------------------------------------------- */

/* Locks the file for a while and says so through the pipe. */
static bool
hold(const char *name, unsigned milliseconds, int told)
{
    struct private_file file;
    struct error error = {0};
    int obstacle;
    bool locked = private_file_init(&file, place_path(name), &obstacle, &error) == 0 &&
                  private_file_lock(&file, 0, &error) == 0 && write(told, "x", 1) == 1;

    if (locked)
        stop_sleep_ms(milliseconds);
    private_file_free(&file);
    return locked;
}

/* A process that holds it by now. */
static pid_t
fork_holder(const char *name, unsigned milliseconds)
{
    int ends[2];
    pid_t child;
    char said;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0)
        _exit(!hold(name, milliseconds, ends[1]));
    assert_true(child > 0);
    close(ends[1]);
    assert_int_equal(read(ends[0], &said, 1), 1);
    close(ends[0]);
    return child;
}

static void
end(pid_t child)
{
    int status;

    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
}

TEST(a_lock_that_another_run_keeps_is_a_conflict_in_the_end)
{
    pid_t child = fork_holder("file", 60000);
    struct private_file file;
    struct error error = {0};
    long long before = stop_clock_ms();

    start(&file, "file");
    assert_int_equal(private_file_lock(&file, 300, &error), -1);
    assert_true(stop_clock_ms() - before >= 300);
    assert_kind(&error, ERROR_CONFLICT);
    assert_in("another run", error.text);
    assert_reads(&file, ""); /* reading needs no lock */
    private_file_free(&file);
    end(child);
}

TEST(a_lock_is_waited_for)
{
    pid_t child = fork_holder("file", 200);
    struct private_file file;

    start(&file, "file");
    lock(&file);
    private_file_free(&file);
    end(child);
}

TEST(a_lock_goes_with_the_process_that_is_killed)
{
    pid_t child = fork_holder("file", 60000);
    struct private_file file;
    struct error error = {0};

    end(child);
    start(&file, "file");
    assert_int_equal(private_file_lock(&file, 0, &error), 0);
    private_file_free(&file);
}

TEST(the_lock_is_on_the_new_file_as_well)
{
    struct private_file file, other;
    struct error error = {0};

    start(&file, "file");
    start(&other, "file");
    lock(&file);
    replace(&file, "new");
    assert_int_equal(private_file_lock(&other, 0, &error), -1);
    assert_kind(&error, ERROR_CONFLICT);
    private_file_unlock(&file);
    lock(&other);
    assert_reads(&other, "new");
    private_file_free(&other);
    private_file_free(&file);
}

TEST(what_is_replaced_while_it_is_read_is_read_anew)
{
    struct private_file file;

    place_write("file", "old", 0600);
    place_write("other", "new", 0600);
    start(&file, "file");
    is_replaced_next = true;
    assert_reads(&file, "new");
    assert_false(is_replaced_next);
    private_file_free(&file);
}

TEST(what_is_replaced_while_it_is_locked_is_locked_anew)
{
    struct private_file file, other;
    struct error error = {0};

    place_write("file", "old", 0600);
    place_write("other", "new", 0600);
    start(&file, "file");
    start(&other, "file");
    is_replaced_next = true;
    lock(&file);
    assert_false(is_replaced_next);
    assert_reads(&file, "new");
    assert_int_equal(private_file_lock(&other, 0, &error), -1);
    assert_kind(&error, ERROR_CONFLICT);
    private_file_free(&other);
    private_file_free(&file);
}

/* The lock of a file that has no name any more keeps nobody out. */
TEST(a_file_that_is_replaced_or_removed_by_hand_is_locked_anew)
{
    pid_t child = fork_holder("file", 60000);
    struct private_file file;
    struct error error = {0};

    assert_int_equal(unlink(place_path("file")), 0);
    start(&file, "file");
    assert_int_equal(private_file_lock(&file, 0, &error), 0);
    assert_true(place_has("file"));
    private_file_free(&file);
    end(child);
}

static bool
is_interrupted(void)
{
    struct private_file file;
    struct error error = {0};
    int obstacle;
    bool is = stop_watch() == 0 &&
              private_file_init(&file, place_path("file"), &obstacle, &error) == 0 &&
              raise(SIGTERM) == 0 && private_file_lock(&file, 60000, &error) == -1 &&
              error.kind == ERROR_INTERRUPTED;

    private_file_free(&file);
    return is;
}

TEST(waiting_for_a_lock_ends_with_a_signal_to_stop)
{
    pid_t holder = fork_holder("file", 60000);
    pid_t child = fork();
    int status;

    if (child == 0)
        _exit(!is_interrupted());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    end(holder);
}

/* ---- Without memory ------------------------------------------------------------ */

static int
use_file(void *context, struct error *error)
{
    struct private_file file;
    char *bytes = NULL;
    size_t length;
    int obstacle;
    int result = private_file_init(&file, place_path("file"), &obstacle, error);

    (void)context;
    if (result == 0)
        result = private_file_lock(&file, 0, error);
    if (result == 0)
        result = private_file_replace(&file, "text", 4, error);
    if (result == 0)
        result = private_file_read(&file, &bytes, &length, error);
    memory_free(bytes);
    private_file_free(&file);
    return result;
}

TEST(without_memory_nothing_is_half_done)
{
    fail_each_allocation(use_file, NULL);
    assert_string_equal(place_read("file"), "text");
}

#define IN_PLACE(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(what_is_written_is_read_and_is_for_us_alone),
        IN_PLACE(nothing_is_written_or_removed_without_the_lock),
        IN_PLACE(a_new_file_that_was_left_over_is_no_hindrance),
        IN_PLACE(a_link_in_the_new_files_place_is_not_followed),
        IN_PLACE(what_cannot_be_written_leaves_the_old_file_and_the_lock),
        IN_PLACE(a_disk_that_is_full_leaves_the_old_file_and_no_new_one),
        IN_PLACE(a_file_that_is_removed_can_be_made_again),
        IN_PLACE(a_lock_that_another_run_keeps_is_a_conflict_in_the_end),
        IN_PLACE(a_lock_is_waited_for),
        IN_PLACE(a_lock_goes_with_the_process_that_is_killed),
        IN_PLACE(the_lock_is_on_the_new_file_as_well),
        IN_PLACE(what_is_replaced_while_it_is_read_is_read_anew),
        IN_PLACE(what_is_replaced_while_it_is_locked_is_locked_anew),
        IN_PLACE(a_file_that_is_replaced_or_removed_by_hand_is_locked_anew),
        IN_PLACE(waiting_for_a_lock_ends_with_a_signal_to_stop),
        IN_PLACE(without_memory_nothing_is_half_done),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("locks of a private file", tests, NULL, NULL);
}
