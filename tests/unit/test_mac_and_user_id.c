/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix/mac.h, matrix/user_id.h, matrix/errcode.h, matrix/secret_file.h. */
#include "support.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "matrix/errcode.h"
#include "matrix/mac.h"
#include "matrix/secret_file.h"
#include "matrix/user_id.h"

/* The first is what a Synapse computed, as Dendrite's own test says that has it
 * (matrix-org/dendrite, clientapi/routing/register_secret_test.go). The others
 * are from Python's hmac, fed as Synapse does: docs/admin_api/register_api.md
 * and synapse/rest/admin/users.py, UserRegisterServlet.on_POST. */
static const struct {
    const char *secret, *nonce, *username, *password;
    bool admin;
    const char *user_type, *mac;
} macs[] = {
    {"dendritetest",
        "759f047f312b99ff428b21d581256f8592b8976e58bc1b543972dc6147e529a79657605b52d7becd"
        "160ff5137f3de11975684319187e06901955f79e5a6c5a79",
        "alice", "wonderland", false, NULL, "f1ba8d37123866fd659b40de4bad9b0f8965c565"},
    {"shared", "abcd", "bob", "abc123", true, NULL,
        "acf8dada08384367b9684e7878ce9866f07ba1b1"},
    {"shared", "abcd", "bob", "abc123", false, NULL,
        "18e7c570a29fc1f7f71a32c9e468f5fb7e0e6bba"},
    {"shared", "abcd", "a", "1", true, "support",
        "7d1be7f42c098c6ba3a4d21acc3891f76fefdf6b"},
    {"shared", "abcd", "a", "1", false, "bot",
        "8d4fbfad0293478a417472c9a057733e7b1eb351"},
    /* one of user_types.extra_user_types */
    {"shared", "abcd", "a", "1", false, "org.example.kiosk",
        "9ee1c56a65f1e187c6726e50b1e364348097fcbd"},
    {"sh\xc3\xa4red secret \xe2\x98\x83", "abcd", "bob",
        "p\xc3\xa4ssw\xc3\xb6rt \xf0\x9f\x94\x91", false, NULL,
        "001a346ef3afe2dc6d2efb1ba2f12dd32ab13ffb"},
    {"shared", "abcd", "bob", "", false, NULL, "1080c442393c6b39c6415031bef8b31619edf0fd"},
    /* longer than SHA-1's block: RFC 2104 hashes the key first */
    {"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", "abcd", "bob",
        "abc123", false, NULL, "ec9542b31be96c297ac42093127b7ea8f7659ba4"},
};

static int
compute(size_t i, char mac[MAC_SIZE], struct error *error)
{
    const struct secret secret = secret_over(macs[i].secret);
    const struct secret password = secret_over(macs[i].password);
    const struct mac_subject subject = {macs[i].nonce, macs[i].username, &password,
        macs[i].admin, macs[i].user_type};

    return mac_compute(mac, &secret, &subject, error);
}

TEST(the_mac_is_synapses)
{
    for (size_t i = 0; i < COUNT(macs); i++) {
        struct error error = {0};
        char mac[MAC_SIZE];

        assert_int_equal(compute(i, mac, &error), 0);
        assert_string_equal(mac, macs[i].mac);
    }
}

static int
compute_first(void *context, struct error *error)
{
    (void)context;
    return compute(0, (char[MAC_SIZE]){0}, error);
}

TEST(a_mac_without_memory_is_an_error)
{
    fail_each_allocation(compute_first, NULL);
}

/* Specification: appendices, "User Identifiers"; '+' since version 1.8. */
TEST(a_user_id_is_read_as_people_write_it)
{
    static const struct {
        const char *text, *localpart, *server_name;
        bool lowered;
    } table[] = {
        {"alice", "alice", NULL, false},
        {"@alice", "alice", NULL, false},
        {"@alice:example.org", "alice", "example.org", false},
        {"Alice", "alice", NULL, true},
        {"@ALICE:example.org", "alice", "example.org", true},
        {"a", "a", NULL, false},
        {"12345", "12345", NULL, false},
        {"_bot", "_bot", NULL, false},
        {"abcdefghijklmnopqrstuvwxyz0123456789._=-/+",
            "abcdefghijklmnopqrstuvwxyz0123456789._=-/+", NULL, false},
        {"@a:localhost", "a", "localhost", false},
        {"@a:example.org:8448", "a", "example.org:8448", false},
        {"@a:1.2.3.4", "a", "1.2.3.4", false},
        {"@a:[::1]", "a", "[::1]", false},
        {"@a:[2001:db8::1]:8448", "a", "[2001:db8::1]:8448", false},
        {"@a:Example.ORG", "a", "Example.ORG", false}, /* only localparts are lowered */
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct error error = {0};
        struct user_id user;

        if (user_id_parse(&user, table[i].text, &error) != 0)
            fail_msg("%s: %s", table[i].text, error.text);
        assert_string_equal(user.localpart, table[i].localpart);
        assert_true((user.server_name == NULL) == (table[i].server_name == NULL));
        if (table[i].server_name != NULL)
            assert_string_equal(user.server_name, table[i].server_name);
        assert_int_equal(user_id_was_lowered(&user), table[i].lowered);
        user_id_free(&user);
    }
}

TEST(what_cannot_be_a_user_id_is_refused)
{
    static const char *const table[] = {"", "@", "@:example.org", ":", "alice:example.org",
        "al ice", " alice", "alice\n", "al@ice", "@@alice", "al#ice", "a%20b", "a\\b", "a~b",
        "al\xc3\xad" "ce", "\xc3\x89ve", "a\x01", "a,b", "@alice:", "@alice:example.org:",
        "@alice:example.org:port", "@alice:example.org:123456", "@alice:exa_mple.org",
        "@alice:exa mple.org", "@alice:[::1", "@alice:[]", "@alice:[:]", "@alice:[zz]",
        "@alice:http://example.org", "@alice:example.org/x", "@alice:bob:example.org",
        "@alice:b\xc3\xbc" "cher.example"};

    for (size_t i = 0; i < COUNT(table); i++) {
        struct error error = {0};
        struct user_id user;

        if (user_id_parse(&user, table[i], &error) == 0) {
            user_id_free(&user);
            fail_msg("\"%s\" is taken", table[i]);
        }
        assert_kind(&error, ERROR_INVALID);
        assert_null(user.localpart);
    }
}

/* Specification: "The complete user ID must not exceed 255 bytes". */
TEST(a_user_id_has_at_most_255_bytes)
{
    char text[300] = "@";
    struct error error = {0};
    struct user_id user;

    memset(text + 1, 'a', 255 - strlen("@:example.org"));
    strcat(text, ":example.org");
    assert_int_equal(strlen(text), 255);
    assert_int_equal(user_id_parse(&user, text, &error), 0);
    user_id_free(&user);
    text[1] = '\0';
    memset(text + 1, 'a', 256 - strlen("@:example.org"));
    text[1 + 256 - strlen("@:example.org")] = '\0';
    strcat(text, ":example.org");
    assert_int_equal(user_id_parse(&user, text, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    error_clear(&error);
    memset(text, 'a', 254);
    text[254] = '\0'; /* no server name is so short that this could be */
    assert_int_equal(user_id_parse(&user, text, &error), -1);
    assert_kind(&error, ERROR_INVALID);
}

/* Appendices, "Server Name": IPv6address = 2*45IPv6char, dns-name = 1*255DNS-char. */
TEST(a_server_name_follows_the_grammar)
{
    size_t taken = 0;
    static const char *const bad[] = {"", ":8448", "a:", "a:1:2", "a_b", "[1]", "[::1]x",
        "[::1]:", "::1", "a b",
        "[11111111111111111111111111111111111111111111111]"};

    assert_true(user_id_server_name_is_valid("a"));
    assert_true(user_id_server_name_is_valid("a-b.c"));
    assert_true(user_id_server_name_is_valid("a:1"));
    assert_true(user_id_server_name_is_valid("[::]:65535"));
    for (size_t i = 0; i < COUNT(bad); i++)
        if (user_id_server_name_is_valid(bad[i])) {
            print_error("\"%s\" is taken\n", bad[i]);
            taken++;
        }
    assert_int_equal(taken, 0);
}

TEST(the_server_name_of_a_user_id_begins_behind_its_first_colon)
{
    assert_string_equal(user_id_server_name("@a:b:1"), "b:1");
    assert_null(user_id_server_name("@a"));
    assert_null(user_id_server_name("a:b"));
    assert_null(user_id_server_name(""));
}

static int
read_user_id(void *context, struct error *error)
{
    struct user_id user;
    int result = user_id_parse(&user, context, error);

    user_id_free(&user);
    return result;
}

TEST(a_user_id_without_memory_is_an_error)
{
    fail_each_allocation(read_user_id, (void *)(uintptr_t) "@Alice:example.org");
    fail_each_allocation(read_user_id, (void *)(uintptr_t) "@al ice:example.org");
}

/* Client-server API, "Standard error response"; statuses where Synapse uses a
 * general code: 1.163.2, synapse/rest/admin/users.py. */
TEST(an_errcode_has_its_kind_whatever_the_status)
{
    static const struct {
        long status;
        const char *errcode;
        enum error_kind kind;
    } table[] = {
        {401, "M_UNKNOWN_TOKEN", ERROR_UNAUTHORIZED},
        {401, "M_MISSING_TOKEN", ERROR_UNAUTHORIZED},
        {403, "M_FORBIDDEN", ERROR_FORBIDDEN},
        {401, "M_FORBIDDEN", ERROR_FORBIDDEN},
        {429, "M_LIMIT_EXCEEDED", ERROR_RATE_LIMITED},
        {404, "M_NOT_FOUND", ERROR_NOT_FOUND},
        {404, "M_UNRECOGNIZED", ERROR_UNSUPPORTED},
        {400, "M_USER_IN_USE", ERROR_CONFLICT},
        {400, "M_INVALID_USERNAME", ERROR_INVALID},
        {400, "M_EXCLUSIVE", ERROR_POLICY},
        {400, "M_WEAK_PASSWORD", ERROR_POLICY},
        {403, "M_USER_DEACTIVATED", ERROR_FORBIDDEN},
        {401, "M_USER_LOCKED", ERROR_FORBIDDEN},
        {400, "M_UNKNOWN", ERROR_INVALID},
        {403, "M_UNKNOWN", ERROR_FORBIDDEN},
        {500, "M_UNKNOWN", ERROR_SERVER},
        {401, "", ERROR_UNAUTHORIZED},
        {403, "", ERROR_FORBIDDEN},
        {404, "", ERROR_NOT_FOUND},
        {409, "", ERROR_CONFLICT},
        {429, "", ERROR_RATE_LIMITED},
        {503, "", ERROR_SERVER},
        {418, "", ERROR_INVALID},
        {302, "", ERROR_PROTOCOL},
        {200, "M_MADE_UP", ERROR_PROTOCOL},
    };

    for (size_t i = 0; i < COUNT(table); i++)
        if (errcode_kind(table[i].status, table[i].errcode) != table[i].kind)
            fail_msg("%ld %s is %s, not %s", table[i].status, table[i].errcode,
                error_kind_name(errcode_kind(table[i].status, table[i].errcode)),
                error_kind_name(table[i].kind));
}

/* Synapse 1.163.2, synapse/config/registration.py: read_file(...).strip(). */
TEST(a_secret_file_is_stripped_as_synapse_strips_it)
{
    static const char content[] = "\xe2\x80\x83 two words\xc2\xa0\r\n";
    struct secret secret = {0};
    struct error error = {0};

    assert_int_equal(
        secret_file_read(&secret, file_with(content, sizeof(content) - 1), "path", &error), 0);
    assert_string_equal(secret.bytes, "two words");
    secret_free(&secret);
}

/* synapse/config/_base.py, read_file: file_stream.read() of a text file, which
 * is UTF-8; the header says so, too. */
TEST(what_holds_no_secret_is_refused)
{
    static const struct {
        const char *bytes;
        size_t length;
    } table[] = {{"", 0}, {" \n", 2}, {"a\0b", 3}, {"caf\xe9", 4}, {"\xff\xfe", 2}};
    size_t taken = 0;

    for (size_t i = 0; i < COUNT(table); i++) {
        const char *path = file_with(table[i].bytes, table[i].length);
        struct secret secret = {0};
        struct error error = {0};
        int result = secret_file_read(&secret, path, "the_option", &error);

        secret_free(&secret);
        if (result == 0) {
            print_error("content %zu is taken\n", i);
            taken++;
            continue;
        }
        assert_kind(&error, ERROR_INVALID);
        assert_in("the_option", error.text);
        assert_in(path, error.text);
    }
    assert_int_equal(taken, 0);
}

TEST(what_is_no_file_of_a_sensible_size_is_refused)
{
    static char many[64 * 1024 + 1];
    struct secret secret = {0};
    struct error error = {0};

    memset(many, 'm', sizeof(many));
    assert_int_equal(
        secret_file_read(&secret, file_with(many, sizeof(many) - 1), "o", &error), 0);
    assert_int_equal(secret.length, sizeof(many) - 1);
    secret_free(&secret);
    assert_int_equal(
        secret_file_read(&secret, file_with(many, sizeof(many)), "o", &error), -1);
    assert_kind(&error, ERROR_INVALID);
    error_clear(&error);
    assert_int_equal(secret_file_read(&secret, "/tmp", "o", &error), -1);
    assert_kind(&error, ERROR_INVALID);
    error_clear(&error);
    assert_int_equal(secret_file_read(&secret, "/nonexistent/x", "o", &error), -1);
    assert_kind(&error, ERROR_INVALID);
}

TEST(a_fifo_is_refused_and_not_waited_for)
{
    char path[128];
    struct secret secret = {0};
    struct error error = {0};
    int result;

    snprintf(path, sizeof(path), "%s.fifo", file_with("", 0));
    assert_int_equal(mkfifo(path, 0600), 0);
    result = secret_file_read(&secret, path, "o", &error);
    unlink(path);
    assert_int_equal(result, -1);
    assert_kind(&error, ERROR_INVALID);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mac_is_synapses),
        cmocka_unit_test(a_mac_without_memory_is_an_error),
        cmocka_unit_test(a_user_id_is_read_as_people_write_it),
        cmocka_unit_test(what_cannot_be_a_user_id_is_refused),
        cmocka_unit_test(a_user_id_has_at_most_255_bytes),
        cmocka_unit_test(a_server_name_follows_the_grammar),
        cmocka_unit_test(the_server_name_of_a_user_id_begins_behind_its_first_colon),
        cmocka_unit_test(a_user_id_without_memory_is_an_error),
        cmocka_unit_test(an_errcode_has_its_kind_whatever_the_status),
        cmocka_unit_test(a_secret_file_is_stripped_as_synapse_strips_it),
        cmocka_unit_test(what_holds_no_secret_is_refused),
        cmocka_unit_test(what_is_no_file_of_a_sensible_size_is_refused),
        cmocka_unit_test(a_fifo_is_refused_and_not_waited_for),
    };

    return cmocka_run_group_tests_name("matrix", tests, NULL, NULL);
}
