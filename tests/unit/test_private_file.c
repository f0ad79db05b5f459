/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix/private_file.h and private_folder.h: which files are let in. How they
 * are locked and replaced is in test_private_file_locks.c. */
#include "support.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "matrix/private_file.h"
#include "private_place.h"

/* Takes the path and reads it; what became of it is in error and obstacle. */
static int
look(const char *path, int *obstacle, struct error *error)
{
    struct private_file file;
    char *bytes = NULL;
    size_t length;
    int result = private_file_init(&file, path, obstacle, error);

    if (result == 0 && *obstacle == 0)
        result = private_file_read(&file, &bytes, &length, error);
    memory_free(bytes);
    private_file_free(&file);
    return result;
}

static void
assert_taken(const char *path)
{
    struct error error = {0};
    int obstacle;

    look(path, &obstacle, &error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(obstacle, 0);
}

static void
assert_obstacle(const char *path, int expected)
{
    struct error error = {0};
    int obstacle;

    look(path, &obstacle, &error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(obstacle, expected);
}

/* Neither reading nor locking it is allowed. */
static void
assert_refused(const char *path, const char *words)
{
    struct private_file file;
    struct error error = {0}, second = {0};
    int obstacle;

    assert_int_equal(look(path, &obstacle, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_in("session_file: ", error.text);
    assert_in(words, error.text);
    if (private_file_init(&file, path, &obstacle, &second) == 0 &&
        private_file_lock(&file, 0, &second) == 0)
        fail_msg("%s was locked", path);
    assert_kind(&second, ERROR_INVALID);
    private_file_free(&file);
}

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

/* ---- The file ---------------------------------------------------------------- */

TEST(a_file_of_ours_is_read)
{
    struct private_file file;

    place_write("file", "text", 0600);
    start(&file, "file");
    assert_reads(&file, "text");
    private_file_free(&file);
    assert_string_equal(place_read("file"), "text");
}

TEST(a_file_that_is_not_there_is_empty_and_stays_away)
{
    struct private_file file;

    start(&file, "file");
    assert_reads(&file, "");
    private_file_free(&file);
    assert_false(place_has("file"));
}

TEST(a_symbolic_link_is_refused_wherever_it_leads)
{
    place_write("target", "text", 0600);
    assert_int_equal(symlink(place_path("target"), place_path("link")), 0);
    assert_int_equal(symlink(place_path("nothing"), place_path("dangling")), 0);
    assert_refused(place_path("link"), "symbolic link");
    assert_refused(place_path("dangling"), "symbolic link");
    assert_string_equal(place_read("target"), "text");
    assert_false(place_has("nothing"));
}

TEST(a_file_that_others_can_read_or_write_is_refused)
{
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610, 0601, 0644, 0666};

    for (size_t i = 0; i < COUNT(modes); i++) {
        place_write("file", "text", modes[i]);
        assert_refused(place_path("file"), "open to others");
        assert_int_equal(place_mode("file"), modes[i]);
    }
}

TEST(a_file_with_another_name_besides_is_refused)
{
    place_write("file", "text", 0600);
    assert_int_equal(link(place_path("file"), place_path("other")), 0);
    assert_refused(place_path("file"), "hard link");
}

TEST(a_pipe_is_refused_without_waiting_for_it)
{
    assert_int_equal(mkfifo(place_path("file"), 0600), 0);
    assert_refused(place_path("file"), "not a file");
}

TEST(a_folder_is_refused)
{
    assert_int_equal(mkdir(place_path("file"), 0700), 0);
    assert_refused(place_path("file"), "not a file");
}

TEST(a_path_without_a_files_name_is_refused)
{
    char name[NAME_MAX + 1];

    assert_refused(place_path("file/"), "no name");
    assert_refused("", "no name");
    assert_refused("/", "no name");
    assert_refused(place_path("."), "not a file");
    /* One that the new file's name would not fit. */
    memset(name, 'x', sizeof(name) - 1);
    name[NAME_MAX - 3] = '\0';
    assert_refused(place_path(name), "no name");
    name[NAME_MAX - 4] = '\0';
    assert_taken(place_path(name));
}

TEST(a_file_that_is_too_large_is_refused)
{
    place_write("file", "text", 0600);
    assert_int_equal(truncate(place_path("file"), (off_t)PRIVATE_FILE_LIMIT), 0);
    assert_taken(place_path("file"));
    assert_int_equal(truncate(place_path("file"), (off_t)PRIVATE_FILE_LIMIT + 1), 0);
    assert_refused(place_path("file"), "too large");
}

TEST(a_file_of_another_user_is_refused)
{
    if (geteuid() != 0)
        skip(); /* only root can give a file away */
    place_write("file", "text", 0600);
    assert_int_equal(chown(place_path("file"), 12345, (gid_t)-1), 0);
    assert_refused(place_path("file"), "another user");
}

/* ---- The folder -------------------------------------------------------------- */

TEST(a_folder_that_others_can_write_is_refused)
{
    static const mode_t modes[] = {0720, 0702, 0777, 01777};

    assert_int_equal(mkdir(place_path("open"), 0700), 0);
    for (size_t i = 0; i < COUNT(modes); i++) {
        assert_int_equal(chmod(place_path("open"), modes[i]), 0);
        assert_refused(place_path("open/file"), "can be written by others");
        assert_false(place_has("open/file"));
    }
    assert_int_equal(chmod(place_path("open"), 0755), 0);
    assert_taken(place_path("open/file"));
}

TEST(a_folder_above_that_others_can_write_is_refused_unless_it_is_sticky)
{
    assert_int_equal(mkdir(place_path("above"), 0700), 0);
    assert_int_equal(mkdir(place_path("above/below"), 0700), 0);
    assert_int_equal(chmod(place_path("above"), 0777), 0);
    assert_refused(place_path("above/below/file"), "can be written by others");
    assert_refused(place_path("above/missing/file"), "can be written by others");
    assert_false(place_has("above/missing"));
    assert_int_equal(chmod(place_path("above"), 01777), 0);
    assert_taken(place_path("above/below/file"));
}

TEST(a_folder_of_another_user_is_refused_on_every_level)
{
    if (geteuid() != 0)
        skip(); /* only root can give a folder away */
    assert_int_equal(mkdir(place_path("above"), 0700), 0);
    assert_int_equal(mkdir(place_path("above/below"), 0700), 0);
    assert_int_equal(chown(place_path("above"), 12345, (gid_t)-1), 0);
    assert_refused(place_path("above/file"), "another user");
    assert_refused(place_path("above/below/file"), "another user");
}

TEST(a_linked_folder_is_as_good_as_the_one_it_leads_to)
{
    assert_int_equal(mkdir(place_path("real"), 0700), 0);
    assert_int_equal(symlink(place_path("real"), place_path("link")), 0);
    assert_taken(place_path("link/file"));
    assert_int_equal(chmod(place_path("real"), 0777), 0);
    assert_refused(place_path("link/file"), "can be written by others");
}

TEST(a_missing_folder_is_made_for_us_alone)
{
    mode_t before = umask(0);

    assert_taken(place_path("made/file"));
    umask(before);
    assert_int_equal(place_mode("made"), 0700);
    assert_false(place_has("made/file"));
    assert_taken(place_path("made//file"));
    assert_taken(place_path("second//file"));
}

TEST(a_folder_that_cannot_be_made_is_an_obstacle)
{
    assert_obstacle(place_path("one/two/file"), ENOENT);
    assert_false(place_has("one"));
    place_write("plain", "", 0600);
    assert_obstacle(place_path("plain/file"), ENOTDIR);
    assert_obstacle(place_path("plain/two/file"), ENOTDIR);
    assert_obstacle("/proc/registrar/file", ENOENT); /* nobody makes a folder there */
    assert_int_equal(symlink(place_path("nothing"), place_path("link")), 0);
    assert_obstacle(place_path("link/file"), ENOENT);
}

TEST(a_folder_without_permission_is_an_obstacle)
{
    if (geteuid() == 0)
        skip(); /* root has every permission */
    assert_int_equal(mkdir(place_path("closed"), 0500), 0);
    assert_obstacle(place_path("closed/file"), EACCES);
    assert_obstacle(place_path("closed/two/file"), EACCES);
    assert_int_equal(chmod(place_path("closed"), 0700), 0);
}

TEST(a_path_may_be_relative)
{
    char before[PATH_MAX];

    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(place_path("")), 0);
    assert_taken("file");
    assert_taken("made/file");
    assert_int_equal(chdir(before), 0);
    assert_true(place_has("made"));
}

#define IN_PLACE(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(a_file_of_ours_is_read),
        IN_PLACE(a_file_that_is_not_there_is_empty_and_stays_away),
        IN_PLACE(a_symbolic_link_is_refused_wherever_it_leads),
        IN_PLACE(a_file_that_others_can_read_or_write_is_refused),
        IN_PLACE(a_file_with_another_name_besides_is_refused),
        IN_PLACE(a_pipe_is_refused_without_waiting_for_it),
        IN_PLACE(a_folder_is_refused),
        IN_PLACE(a_path_without_a_files_name_is_refused),
        IN_PLACE(a_file_that_is_too_large_is_refused),
        IN_PLACE(a_file_of_another_user_is_refused),
        IN_PLACE(a_folder_that_others_can_write_is_refused),
        IN_PLACE(a_folder_above_that_others_can_write_is_refused_unless_it_is_sticky),
        IN_PLACE(a_folder_of_another_user_is_refused_on_every_level),
        IN_PLACE(a_linked_folder_is_as_good_as_the_one_it_leads_to),
        IN_PLACE(a_missing_folder_is_made_for_us_alone),
        IN_PLACE(a_folder_that_cannot_be_made_is_an_obstacle),
        IN_PLACE(a_folder_without_permission_is_an_obstacle),
        IN_PLACE(a_path_may_be_relative),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("private file", tests, NULL, NULL);
}
