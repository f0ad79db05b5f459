/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * That memory is zeroed before it goes back. A freed block may not be read, so
 * this program brings an explicit_bzero of its own, which notes what it was
 * asked to zero; the C library's comes second when the program is linked.
 */
#include "support.h"

#include <jansson.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static const char needle[] = "correct horse battery staple";
static uintptr_t watched;  /* where the needle stands, or stood */
static unsigned wiped;     /* how often that place was zeroed, all of it */

static void
watch(const char *place)
{
    assert_non_null(place);
    assert_memory_equal(place, needle, strlen(needle));
    watched = (uintptr_t)place;
    wiped = 0;
}

void explicit_bzero(void *bytes, size_t length);
void __explicit_bzero_chk(void *bytes, size_t length, size_t room);

void
explicit_bzero(void *bytes, size_t length)
{
    volatile unsigned char *byte = bytes;

    wiped += (uintptr_t)bytes <= watched &&
             watched + strlen(needle) <= (uintptr_t)bytes + length;
    for (size_t i = 0; i < length; i++)
        byte[i] = 0;
}

/* What explicit_bzero is with _FORTIFY_SOURCE. */
void
__explicit_bzero_chk(void *bytes, size_t length, size_t room)
{
    assert_true(length <= room);
    explicit_bzero(bytes, length);
}

TEST(freeing_a_block_wipes_all_of_it)
{
    char *block = memory_copy_string(needle);

    watch(block);
    memory_free(block);
    assert_int_equal(wiped, 1);
}

TEST(freeing_a_secret_wipes_it)
{
    struct secret secret = {0};

    assert_int_equal(secret_set(&secret, needle, strlen(needle)), 0);
    watch(secret.bytes);
    secret_free(&secret);
    assert_int_equal(wiped, 1);
    assert_null(secret.bytes);
    assert_int_equal(secret.length, 0);
}

TEST(setting_a_secret_anew_wipes_the_old_one)
{
    struct secret secret = {0};

    assert_int_equal(secret_set(&secret, needle, strlen(needle)), 0);
    watch(secret.bytes);
    assert_int_equal(secret_set(&secret, "x", 1), 0);
    assert_int_equal(wiped, 1);
    secret_free(&secret);
}

TEST(a_block_that_grows_leaves_nothing_behind)
{
    char *block = memory_copy_string(needle);

    watch(block);
    block = memory_resize(block, 4000);
    assert_int_equal(wiped, 1);
    memory_free(block);
}

TEST(a_block_that_shrinks_leaves_nothing_behind)
{
    char *block = memory_copy_string(needle);

    watch(block);
    block = memory_resize(block, 4);
    assert_int_equal(wiped, 1);
    memory_free(block);
}

TEST(a_text_that_grows_leaves_nothing_behind)
{
    struct text text = {0};

    text_append(&text, needle);
    watch(text.bytes);
    while (text.length < 300)
        text_append(&text, "0123456789");
    assert_int_equal(wiped, 1);
    watch(text.bytes);
    text_free(&text);
    assert_int_equal(wiped, 1);
}

TEST(jansson_wipes_a_string_it_lets_go)
{
    json_t *string = json_string(needle);

    watch(json_string_value(string));
    json_decref(string);
    assert_int_equal(wiped, 1);
}

TEST(jansson_wipes_what_it_parsed_and_what_it_wrote)
{
    json_t *value = json_loads("{\"password\": \"correct horse battery staple\"}", 0, NULL);
    char *text;

    assert_non_null(value);
    text = json_dumps(value, 0);
    assert_non_null(text);
    watch(strstr(text, needle));
    memory_free(text);
    assert_int_equal(wiped, 1);
    watch(json_string_value(json_object_get(value, "password")));
    json_decref(value);
    assert_int_equal(wiped, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(freeing_a_block_wipes_all_of_it),
        cmocka_unit_test(freeing_a_secret_wipes_it),
        cmocka_unit_test(setting_a_secret_anew_wipes_the_old_one),
        cmocka_unit_test(a_block_that_grows_leaves_nothing_behind),
        cmocka_unit_test(a_block_that_shrinks_leaves_nothing_behind),
        cmocka_unit_test(a_text_that_grows_leaves_nothing_behind),
        cmocka_unit_test(jansson_wipes_a_string_it_lets_go),
        cmocka_unit_test(jansson_wipes_what_it_parsed_and_what_it_wrote),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("wiping", tests, NULL, NULL);
}
