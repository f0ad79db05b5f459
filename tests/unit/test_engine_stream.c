/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net/engine_stream.h: frames, as Docker's documentation of its API describes them
 * ("Attach to a container", "Stream format"), and what is shown of their contents. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/engine_stream.h"

/* "out\n" of the output, then "error\n" of the errors. */
static const char frames[] = "\1\0\0\0\0\0\0\4out\n\2\0\0\0\0\0\0\6error\n";
#define FRAMES (sizeof(frames) - 1)

static struct engine_stream stream;
static char shown[400];

static int
forget(void **state)
{
    (void)state;
    engine_stream_wipe(&stream);
    return 0;
}

static const char *
show(const struct redaction *secrets)
{
    struct error error = {0};

    assert_int_equal(engine_stream_show(&stream, secrets, shown, sizeof(shown), &error), 0);
    return shown;
}

/* A frame of the output. */
static bool
take(const char *bytes, size_t length)
{
    char head[] = {1, 0, 0, 0, (char)(length >> 24), (char)(length >> 16), (char)(length >> 8),
        (char)length};

    return engine_stream_take(&stream, head, sizeof(head)) &&
           engine_stream_take(&stream, bytes, length);
}

static bool
take_text(const char *text)
{
    return take(text, strlen(text));
}

TEST(frames_may_be_cut_anywhere)
{
    for (size_t first = 0; first <= FRAMES; first++)
        for (size_t second = first; second <= FRAMES; second++) {
            engine_stream_wipe(&stream);
            assert_true(engine_stream_take(&stream, frames, first));
            assert_true(engine_stream_take(&stream, frames + first, second - first));
            assert_true(engine_stream_take(&stream, frames + second, FRAMES - second));
            assert_true(engine_stream_is_whole(&stream));
            assert_string_equal(show(NULL), "out error");
        }
}

TEST(a_stream_is_whole_where_a_frame_ends)
{
    for (size_t length = 0; length <= FRAMES; length++) {
        engine_stream_wipe(&stream);
        assert_true(engine_stream_take(&stream, frames, length));
        assert_int_equal(engine_stream_is_whole(&stream),
            length == 0 || length == 12 || length == FRAMES);
    }
}

TEST(an_empty_frame_is_one)
{
    assert_true(take("", 0));
    assert_true(take_text("x"));
    assert_true(engine_stream_is_whole(&stream));
    assert_string_equal(show(NULL), "x");
}

/* moby, api/pkg/stdcopy: 3 is the daemon's own failure. */
TEST(streams_are_those_that_engines_have)
{
    char head[] = "\0\0\0\0\0\0\0\0";

    for (unsigned number = 0; number < 256; number++) {
        engine_stream_wipe(&stream);
        head[0] = (char)number;
        assert_int_equal(engine_stream_take(&stream, head, 8), number <= 3);
        assert_int_equal(engine_stream_is_whole(&stream), number <= 3);
    }
}

TEST(what_is_no_frame_is_refused_from_then_on)
{
    static const char *const heads[] = {"HTTP/1.1", "\1\1\0\0\0\0\0\1", "\1\0\1\0\0\0\0\1",
        "\1\0\0\1\0\0\0\1", "\xff\0\0\0\0\0\0\1"};

    for (size_t i = 0; i < COUNT(heads); i++) {
        engine_stream_wipe(&stream);
        assert_false(engine_stream_take(&stream, heads[i], 8));
        assert_false(take_text("x"));
        assert_false(engine_stream_is_whole(&stream));
    }
}

TEST(the_largest_frame_needs_no_room)
{
    static char piece[65536];

    memset(piece, 'a', sizeof(piece));
    assert_true(engine_stream_take(&stream, "\1\0\0\0\xff\xff\xff\xff", 8));
    for (size_t i = 0; i < 4; i++)
        assert_true(engine_stream_take(&stream, piece, sizeof(piece)));
    assert_false(engine_stream_is_whole(&stream));
    assert_int_equal(strlen(show(NULL)), sizeof(shown) - 1);
}

TEST(of_much_the_end_is_shown)
{
    for (int i = 0; i < 2000; i++) {
        char line[32];

        snprintf(line, sizeof(line), "line %d\n", i);
        assert_true(take_text(line));
    }
    assert_true(take_text("Error: User already exists\n"));
    show(NULL);
    assert_in("line 1999 Error: User already exists", shown);
    assert_not_in("line 1000 ", shown);
    assert_true(strlen(shown) < sizeof(shown));
}

TEST(what_is_shown_moves_no_terminal_and_is_unicode)
{
    assert_true(take("\x1b[2Ja\0b\xff\r\n\xc3\xa4\n", 12));
    assert_string_equal(show(NULL), " [2Ja b?  \xc3\xa4");
}

TEST(no_character_is_cut_in_two)
{
    for (int i = 0; i < 300; i++)
        assert_true(take_text("\xe2\x82\xac"));
    show(NULL);
    assert_memory_equal(shown, "\xe2\x82\xac\xe2\x82\xac", 6);
    assert_not_in("?", shown);
}

TEST(secrets_are_not_shown)
{
    const struct secret password = secret_over("Passw0rd+");
    const struct secret *const list[] = {&password};
    const struct redaction secrets = {list, 1};

    assert_true(take_text("no: Passw0rd+ Passw0rd%2B \"Passw0rd\\u002b\" UGFzc3cwcmQr"));
    show(&secrets);
    assert_string_equal(shown, "no: ******** ******** \"********\" ********");
}

/* The ring forgets its beginning, and with it perhaps the half of a secret. */
TEST(no_half_of_a_secret_is_shown)
{
    static const char filler[] = "0123456789";
    const struct secret password = secret_over("correct horse battery staple");
    const struct secret *const list[] = {&password};
    const struct redaction secrets = {list, 1};

    for (size_t after = 0; after < 5000; after += 7) {
        engine_stream_wipe(&stream);
        assert_true(take_text(password.bytes));
        for (size_t i = 0; i < after; i++)
            assert_true(take(&filler[i % 10], 1));
        show(&secrets);
        for (size_t i = 0; i + 4 <= password.length; i++) {
            char part[5] = {0};

            memcpy(part, password.bytes + i, 4);
            assert_not_in(part, shown);
        }
    }
}

/* Each of them is replaced by a few bytes, so that little of the ring is left. */
TEST(no_half_of_a_secret_is_shown_where_many_whole_ones_are)
{
    char long_one[401];
    const struct secret password = {long_one, 400};
    const struct secret *const list[] = {&password};
    const struct redaction secrets = {list, 1};

    for (size_t i = 0; i < 400; i++)
        long_one[i] = (char)('a' + i % 26);
    long_one[400] = '\0';
    for (size_t i = 0; i < 40; i++) {
        assert_true(take_text(long_one));
        assert_true(take_text(" "));
    }
    assert_not_in("xyz", show(&secrets));
}

TEST(where_a_secret_is_too_long_for_what_is_kept_nothing_is_shown)
{
    char long_one[2001];
    const struct secret password = {long_one, 2000};
    const struct secret *const list[] = {&password};
    const struct redaction secrets = {list, 1};

    memset(long_one, 'p', 2000);
    long_one[2000] = '\0';
    for (size_t i = 0; i < 5000; i++)
        assert_true(take_text("x"));
    assert_string_equal(show(&secrets), "");
    engine_stream_wipe(&stream);
    assert_true(take_text("short"));
    assert_string_equal(show(&secrets), "short");
}

static int
show_once(void *context, struct error *error)
{
    return engine_stream_show(&stream, context, shown, sizeof(shown), error);
}

TEST(each_failed_allocation_is_an_error)
{
    const struct secret password = secret_over("Passw0rd");
    const struct secret *const list[] = {&password};
    struct redaction secrets = {list, 1};

    assert_true(take_text("no: Passw0rd"));
    fail_each_allocation(show_once, &secrets);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(frames_may_be_cut_anywhere, forget),
        cmocka_unit_test_teardown(a_stream_is_whole_where_a_frame_ends, forget),
        cmocka_unit_test_teardown(an_empty_frame_is_one, forget),
        cmocka_unit_test_teardown(streams_are_those_that_engines_have, forget),
        cmocka_unit_test_teardown(what_is_no_frame_is_refused_from_then_on, forget),
        cmocka_unit_test_teardown(the_largest_frame_needs_no_room, forget),
        cmocka_unit_test_teardown(of_much_the_end_is_shown, forget),
        cmocka_unit_test_teardown(what_is_shown_moves_no_terminal_and_is_unicode, forget),
        cmocka_unit_test_teardown(no_character_is_cut_in_two, forget),
        cmocka_unit_test_teardown(secrets_are_not_shown, forget),
        cmocka_unit_test_teardown(no_half_of_a_secret_is_shown, forget),
        cmocka_unit_test_teardown(no_half_of_a_secret_is_shown_where_many_whole_ones_are, forget),
        cmocka_unit_test_teardown(
            where_a_secret_is_too_long_for_what_is_kept_nothing_is_shown, forget),
        cmocka_unit_test_teardown(each_failed_allocation_is_an_error, forget),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("net/engine_stream", tests, NULL, NULL);
}
