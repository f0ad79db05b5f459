/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/config_place.h: paths of this machine and of a container's. */
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/config_place.h"
#include "private_place.h"

static char *
writable(const char *text)
{
    return (char *)(uintptr_t)text;
}

#define MOUNT(from, to) {.source = writable(from), .destination = writable(to)}

static const struct config_place here_place = {.file = "/etc/matrix-synapse/homeserver.yaml"};

/* ---- Where a path is ------------------------------------------------------------- */

TEST(a_path_of_this_machine_is_where_it_says)
{
    char here[PATH_MAX];
    struct error error = {0};

    assert_int_equal(config_place_path(&here_place, "/etc/../srv//secret", here, &error), 0);
    assert_string_equal(here, "/etc/../srv//secret");
}

TEST(a_path_of_a_container_is_behind_its_innermost_mount)
{
    struct engine_mount mounts[] = {
        MOUNT("/srv/data", "/data"),
        MOUNT("/srv/media", "/data/media"),
        MOUNT("/srv/deep", "/data/media/deep/"),
        MOUNT("/srv/secret-file", "/run/secret"),
        MOUNT("/srv/slash/", "/slash/"),
        MOUNT("/", "/host"),
    };
    const struct engine_container container = {.mounts = mounts, .mount_count = COUNT(mounts)};
    const struct config_place place = {.container = "synapse", .mounts = &container};
    static const struct {
        const char *inside, *outside;
    } table[] = {
        {"/data", "/srv/data"},
        {"/data/", "/srv/data/"},
        {"/data/homeserver.yaml", "/srv/data/homeserver.yaml"},
        {"/data//a/./b", "/srv/data//a/./b"},
        {"/data/media", "/srv/media"},
        {"/data/media/x", "/srv/media/x"},
        {"/data/mediax", "/srv/data/mediax"},
        {"/data/media/deep/x", "/srv/deep/x"},
        {"/data/media/deeper", "/srv/media/deeper"},
        {"/run/secret", "/srv/secret-file"},
        {"/data/..x", "/srv/data/..x"},
        {"/data/x..", "/srv/data/x.."},
        {"/data/...", "/srv/data/..."},
        {"/slash/x", "/srv/slash//x"},
        {"/host/etc/x", "//etc/x"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        char here[PATH_MAX];
        struct error error = {0};

        if (config_place_path(&place, table[i].inside, here, &error) != 0)
            fail_msg("%s: %s", table[i].inside, error.text);
        assert_string_equal(here, table[i].outside);
    }
}

TEST(the_order_of_mounts_does_not_matter)
{
    struct engine_mount mounts[] = {
        MOUNT("/srv/media", "/data/media"),
        MOUNT("/srv/data", "/data"),
        MOUNT("/srv/root", "/"),
    };
    const struct engine_container container = {.mounts = mounts, .mount_count = COUNT(mounts)};
    const struct config_place place = {.container = "synapse", .mounts = &container};
    char here[PATH_MAX];
    struct error error = {0};

    assert_int_equal(config_place_path(&place, "/data/media/x", here, &error), 0);
    assert_string_equal(here, "/srv/media/x");
    assert_int_equal(config_place_path(&place, "/etc/x", here, &error), 0);
    assert_string_equal(here, "/srv/root/etc/x");
}

TEST(what_is_behind_no_mount_is_refused)
{
    static const char *const paths[] = {"/dat", "/database/x", "/etc/x", "/", "/data/../etc/x",
        "/data/..", "/data/x/../../etc/shadow", "/../data/x", "/.."};
    struct engine_mount mounts[] = {MOUNT("/srv/data", "/data")};
    const struct engine_container container = {.mounts = mounts, .mount_count = 1};
    const struct config_place place = {.container = "synapse", .mounts = &container};

    for (size_t i = 0; i < COUNT(paths); i++) {
        char here[PATH_MAX];
        struct error error = {0};

        if (config_place_path(&place, paths[i], here, &error) == 0)
            fail_msg("%s is %s", paths[i], here);
        assert_kind(&error, ERROR_INVALID);
        assert_in("is inside the container synapse, behind none of its mounts", error.text);
    }
}

TEST(a_relative_path_is_the_servers_alone)
{
    static const char *const paths[] = {"", "secret", "./secret", "../secret"};
    const struct engine_container none = {0};
    const struct config_place inside = {.container = "synapse", .mounts = &none};

    for (size_t i = 0; i < COUNT(paths); i++) {
        char here[PATH_MAX];
        struct error error = {0}, other = {0};

        assert_int_equal(config_place_path(&here_place, paths[i], here, &error), -1);
        assert_kind(&error, ERROR_INVALID);
        assert_in("is relative to a folder that only the server knows", error.text);
        assert_int_equal(config_place_path(&inside, paths[i], here, &other), -1);
        assert_kind(&other, ERROR_INVALID);
    }
}

TEST(a_path_that_becomes_too_long_is_refused)
{
    static char path[PATH_MAX + 10];
    struct engine_mount mounts[] = {MOUNT("/srv/a/long/folder", "/d")};
    const struct engine_container container = {.mounts = mounts, .mount_count = 1};
    const struct config_place place = {.container = "synapse", .mounts = &container};
    char here[PATH_MAX];
    struct error error = {0};

    memset(path, 'a', PATH_MAX - 5);
    memcpy(path, "/d/", 3);
    assert_int_equal(config_place_path(&place, path, here, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    error_clear(&error);
    memset(path, 'a', PATH_MAX);
    path[0] = '/';
    assert_int_equal(config_place_path(&here_place, path, here, &error), -1);
    assert_kind(&error, ERROR_INVALID);
}

/* ---- Opening ------------------------------------------------------------------------ */

/* What is in the file; "absent", or the error's text. Mounted: the place's folder
 * is /data of a container. */
static const char *
content(const char *path, bool mounted)
{
    static char text[1300];
    struct engine_mount mounts[] = {{.source = writable(place_path("")),
        .destination = writable("/data")}};
    const struct engine_container container = {.mounts = mounts, .mount_count = 1};
    const struct config_place inside = {.container = "synapse", .mounts = &container};
    char here[PATH_MAX];
    struct error error = {0};
    int absent = 7;
    int file = config_place_open(mounted ? &inside : &here_place, path, here, &absent, &error);
    ssize_t length;

    if (file < 0) {
        assert_int_equal(absent, error.kind == ERROR_NONE);
        if (!absent)
            assert_kind(&error, ERROR_INVALID);
        snprintf(text, sizeof(text), "%s", absent ? "absent" : error.text);
        return text;
    }
    assert_int_equal(absent, 0);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(fcntl(file, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    length = read(file, text, sizeof(text) - 1);
    close(file);
    text[length < 0 ? 0 : length] = '\0';
    return text;
}

static void
make_files(void)
{
    place_write("file", "words", 0600);
    assert_int_equal(mkdir(place_path("folder"), 0700), 0);
    place_write("folder/file", "words", 0600);
    assert_int_equal(symlink("file", place_path("link")), 0);
    assert_int_equal(symlink("folder", place_path("linked")), 0);
    assert_int_equal(symlink(place_path("folder"), place_path("folder/absolute")), 0);
    assert_int_equal(symlink("nowhere", place_path("dangling")), 0);
    assert_int_equal(symlink("loop", place_path("loop")), 0);
    assert_int_equal(mkfifo(place_path("fifo"), 0600), 0);
}

TEST(a_file_is_opened_here_and_behind_a_mount)
{
    make_files();
    assert_string_equal(content(place_path("file"), false), "words");
    assert_string_equal(content("/data/file", true), "words");
    assert_string_equal(content("/data//folder/./file", true), "words");
}

TEST(links_are_followed_on_this_machine)
{
    make_files();
    assert_string_equal(content(place_path("link"), false), "words");
    assert_string_equal(content(place_path("linked/file"), false), "words");
    assert_string_equal(content(place_path("dangling"), false), "absent");
    assert_in("Too many levels of symbolic links", content(place_path("loop"), false));
}

TEST(no_link_is_followed_behind_a_mount)
{
    static const char *const paths[] = {"/data/link", "/data/linked/file",
        "/data/folder/absolute/file", "/data/folder/absolute", "/data/linked/absolute/file",
        "/data/dangling", "/data/loop", "/data/link/x", "/data/link/"};

    make_files();
    for (size_t i = 0; i < COUNT(paths); i++)
        assert_in("a symbolic link leads there, and none is followed", content(paths[i], true));
}

TEST(a_file_that_is_itself_mounted_is_opened)
{
    struct engine_mount mounts[] = {{.destination = writable("/run/secret")}};
    const struct engine_container container = {.mounts = mounts, .mount_count = 1};
    const struct config_place place = {.container = "synapse", .mounts = &container};
    char here[PATH_MAX], bytes[10] = "";
    struct error error = {0};
    int absent, file;

    make_files();
    mounts[0].source = writable(place_path("file"));
    file = config_place_open(&place, "/run/secret", here, &absent, &error);
    assert_true(file >= 0);
    assert_string_equal(here, mounts[0].source);
    assert_int_equal(read(file, bytes, sizeof(bytes) - 1), 5);
    assert_string_equal(bytes, "words");
    close(file);
    assert_int_equal(config_place_open(&place, "/run/secret/more", here, &absent, &error), -1);
    assert_int_equal(absent, 1);
}

/* A test that blocks here fails by the time of its run. */
TEST(a_fifo_is_not_waited_for)
{
    make_files();
    assert_string_equal(content(place_path("fifo"), false), "");
    assert_in("fifo is no regular file", content("/data/fifo", true));
}

TEST(what_is_no_file_is_not_opened_behind_a_mount)
{
    make_files();
    assert_in("folder is no regular file", content("/data/folder", true));
    assert_in(" is no regular file", content("/data", true));
    assert_in(" is no regular file", content("/data/", true));
}

TEST(a_device_is_not_opened_behind_a_mount)
{
    struct engine_mount mounts[] = {MOUNT("/dev", "/data")};
    const struct engine_container container = {.mounts = mounts, .mount_count = 1};
    const struct config_place place = {.container = "synapse", .mounts = &container};
    char here[PATH_MAX];
    struct error error = {0};
    int absent;

    assert_int_equal(config_place_open(&place, "/data/null", here, &absent, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_string_equal(error.text, "/dev/null is no regular file");
}

TEST(what_is_not_there_is_absent)
{
    make_files();
    assert_string_equal(content(place_path("none"), false), "absent");
    assert_string_equal(content(place_path("file/none"), false), "absent");
    assert_string_equal(content(place_path("none/none"), false), "absent");
    assert_string_equal(content("/data/none", true), "absent");
    assert_string_equal(content("/data/file/none", true), "absent");
    assert_string_equal(content("/data/none/none", true), "absent");
}

TEST(a_name_that_is_too_long_is_an_error)
{
    char path[400] = "/data/";

    memset(path + 6, 'a', NAME_MAX + 1);
    assert_in("File name too long", content(path, true));
    path[6 + NAME_MAX] = '\0';
    assert_string_equal(content(path, true), "absent");
}

TEST(what_may_not_be_read_is_not_absent)
{
    if (geteuid() == 0 && seteuid(65534) != 0)
        skip();
    assert_in("Permission denied; who runs this must be able to",
        content("/proc/1/environ", false));
    assert_int_equal(seteuid(getuid()), 0);
}

/* The same with a file behind a mount, whose folder may be entered. */
TEST(what_may_not_be_read_behind_a_mount_is_not_absent)
{
    const char *text;

    make_files();
    assert_int_equal(chmod(place_path(""), 0755), 0);
    assert_int_equal(chmod(place_path("file"), 0), 0);
    if (geteuid() == 0 && seteuid(65534) != 0)
        skip();
    text = content("/data/file", true);
    assert_int_equal(seteuid(getuid()), 0);
    assert_in("Permission denied; who runs this must be able to", text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_of_this_machine_is_where_it_says),
        cmocka_unit_test(a_path_of_a_container_is_behind_its_innermost_mount),
        cmocka_unit_test(the_order_of_mounts_does_not_matter),
        cmocka_unit_test(what_is_behind_no_mount_is_refused),
        cmocka_unit_test(a_relative_path_is_the_servers_alone),
        cmocka_unit_test(a_path_that_becomes_too_long_is_refused),
        cmocka_unit_test_setup_teardown(
            a_file_is_opened_here_and_behind_a_mount, place_make, place_remove),
        cmocka_unit_test_setup_teardown(
            links_are_followed_on_this_machine, place_make, place_remove),
        cmocka_unit_test_setup_teardown(
            no_link_is_followed_behind_a_mount, place_make, place_remove),
        cmocka_unit_test_setup_teardown(
            a_file_that_is_itself_mounted_is_opened, place_make, place_remove),
        cmocka_unit_test_setup_teardown(a_fifo_is_not_waited_for, place_make, place_remove),
        cmocka_unit_test_setup_teardown(
            what_is_no_file_is_not_opened_behind_a_mount, place_make, place_remove),
        cmocka_unit_test(a_device_is_not_opened_behind_a_mount),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_absent, place_make, place_remove),
        cmocka_unit_test_setup_teardown(
            a_name_that_is_too_long_is_an_error, place_make, place_remove),
        cmocka_unit_test(what_may_not_be_read_is_not_absent),
        cmocka_unit_test_setup_teardown(
            what_may_not_be_read_behind_a_mount_is_not_absent, place_make, place_remove),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("backends/config_place", tests, NULL, NULL);
}
