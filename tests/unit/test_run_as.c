/* SPDX-License-Identifier: GPL-3.0-or-later */
/* db/run_as.h, in children: a test that stays somebody else spoils no other. What
 * it takes root for is skipped without. */
/* setresuid and getresuid are Linux'. */
#define _GNU_SOURCE
#include "support.h"

#include <pwd.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db/run_as.h"

#define OTHER "nobody"

/* What a child says: 0, or the number of what was not so. */
typedef int (*trial)(const struct passwd *other);

static int
in_a_child(trial work)
{
    const struct passwd *other = getpwnam(OTHER);
    int status = 0;
    pid_t child;

    if (other == NULL)
        return 99;
    child = fork();
    if (child == 0)
        _exit(work(other));
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int
there_and_back(const struct passwd *other)
{
    struct run_as before;
    struct error error = {0};
    uid_t real, effective, saved;
    gid_t real_group, effective_group, saved_group;

    if (run_as_begin(&before, OTHER, &error) != 0)
        return 1;
    getresuid(&real, &effective, &saved);
    getresgid(&real_group, &effective_group, &saved_group);
    /* The effective ones alone, or there is no way back. */
    if (effective != other->pw_uid || effective_group != other->pw_gid)
        return 2;
    if (real != 0 || saved != 0 || real_group != 0 || saved_group != 0)
        return 3;
    if (run_as_end(&before, &error) != 0 || error.kind != ERROR_NONE)
        return 4;
    getresuid(&real, &effective, &saved);
    getresgid(&real_group, &effective_group, &saved_group);
    if (real != 0 || effective != 0 || saved != 0)
        return 5;
    return real_group != 0 || effective_group != 0 || saved_group != 0 ? 6 : 0;
}

static int
twice(const struct passwd *other)
{
    int first = there_and_back(other);

    return first != 0 ? first : there_and_back(other);
}

static int
without_root(const struct passwd *other)
{
    struct run_as before;
    struct error error = {0};

    if (setresgid(other->pw_gid, other->pw_gid, other->pw_gid) != 0 ||
        setresuid(other->pw_uid, other->pw_uid, other->pw_uid) != 0)
        return 1;
    if (run_as_begin(&before, "root", &error) != -1 || error.kind != ERROR_FORBIDDEN)
        return 2;
    if (strstr(error.text, "root") == NULL || strstr(error.text, "become") == NULL)
        return 3;
    if (geteuid() != other->pw_uid || getegid() != other->pw_gid)
        return 4;
    /* Oneself may be oneself. */
    error_clear(&error);
    if (run_as_begin(&before, OTHER, &error) != 0 || run_as_end(&before, &error) != 0)
        return 5;
    return error.kind == ERROR_NONE ? 0 : 6;
}

TEST(the_effective_user_and_group_are_the_other_s_and_then_ours_again)
{
    if (geteuid() != 0)
        skip();
    assert_int_equal(in_a_child(there_and_back), 0);
    assert_int_equal(in_a_child(twice), 0);
}

TEST(without_root_it_is_forbidden_and_nothing_has_changed)
{
    if (geteuid() != 0)
        skip();
    assert_int_equal(in_a_child(without_root), 0);
}

TEST(a_user_that_there_is_not_is_told)
{
    struct run_as before;
    struct error error = {0};
    uid_t user = geteuid();

    assert_int_equal(run_as_begin(&before, "no such user", &error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_in("no such user", error.text);
    assert_int_equal(geteuid(), user);
}

TEST(a_name_of_any_length_is_cut_short)
{
    char name[5000];
    struct run_as before;
    struct error error = {0};

    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(run_as_begin(&before, name, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_true(strlen(error.text) < 200);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_effective_user_and_group_are_the_other_s_and_then_ours_again),
        cmocka_unit_test(without_root_it_is_forbidden_and_nothing_has_changed),
        cmocka_unit_test(a_user_that_there_is_not_is_told),
        cmocka_unit_test(a_name_of_any_length_is_cut_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
