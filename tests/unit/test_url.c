/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net/url.h. */
#include "support.h"

#include <stdbool.h>
#include <string.h>

#include <curl/curl.h>

#include "base/memory.h"
#include "net/url.h"

TEST(a_base_url_is_taken_apart)
{
    static const struct {
        const char *text, *scheme, *host, *path, *origin, *base;
    } table[] = {
        {"http://localhost", "http", "localhost", "", "http://localhost",
            "http://localhost"},
        {"http://127.0.0.1:8008/", "http", "127.0.0.1", "", "http://127.0.0.1:8008",
            "http://127.0.0.1:8008"},
        {"https://matrix.example.org/synapse//", "https", "matrix.example.org", "/synapse",
            "https://matrix.example.org", "https://matrix.example.org/synapse"},
        {"http://[::1]:8008", "http", "[::1]", "", "http://[::1]:8008", "http://[::1]:8008"},
        {"HTTP://example.org", "http", "example.org", "", "http://example.org",
            "http://example.org"},
        {"https://example.org:65535/a/b", "https", "example.org", "/a/b",
            "https://example.org:65535", "https://example.org:65535/a/b"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct error error = {0};
        struct url url;

        if (url_parse(&url, table[i].text, &error) != 0)
            fail_msg("%s: %s", table[i].text, error.text);
        assert_string_equal(url.scheme, table[i].scheme);
        assert_string_equal(url.host, table[i].host);
        assert_string_equal(url.path, table[i].path);
        assert_string_equal(url.origin, table[i].origin);
        assert_string_equal(url.base, table[i].base);
        url_free(&url);
        url_free(&url);
    }
}

TEST(what_cannot_be_a_base_url_is_refused)
{
    static const char *const table[] = {"", " ", "localhost", "localhost:8008",
        "127.0.0.1:8008", "//example.org", "http://", "http:///path", "https:",
        "ftp://example.org", "file:///etc/passwd", "unix:///run/synapse.sock",
        "javascript:alert(1)", "http://user@example.org", "http://user:pw@example.org",
        "http://:pw@example.org", "http://example.org/?q=1", "http://example.org/#part",
        "http://example.org:0x50", "http://example.org:65536", "http://example.org:port",
        "http://exa mple.org", "http://example.org/a b", "http://[::1", "http://[zz]",
        "http://example.org\r\nX-Evil: 1", "http://example.org/\nfoo"};

    size_t taken = 0;

    for (size_t i = 0; i < COUNT(table); i++) {
        struct error error = {0};
        struct url url;

        if (url_parse(&url, table[i], &error) == 0) {
            print_error("\"%s\" is taken: %s\n", table[i], url.base);
            url_free(&url);
            taken++;
            continue;
        }
        assert_kind(&error, ERROR_INVALID);
        assert_null(url.base);
    }
    assert_int_equal(taken, 0);
}

/* url may hold a password: it stands in the message of nobody. */
TEST(a_refused_url_is_not_quoted)
{
    struct error error = {0};
    struct url url;

    assert_int_equal(url_parse(&url, "http://alice:hunter2@example.org", &error), -1);
    assert_not_in("hunter2", error.text);
    error_clear(&error);
    assert_int_equal(url_parse(&url, "hunter2 is no URL", &error), -1);
    assert_not_in("hunter2", error.text);
}

/* RFC 6761, 6.3 (localhost), RFC 1122, 3.2.1.3 (127/8), RFC 4291, 2.5.3 (::1). */
TEST(only_the_machine_itself_is_loopback)
{
    static const struct {
        const char *host;
        bool is_loopback;
    } table[] = {
        {"localhost", true},
        {"LocalHost", true},
        {"127.0.0.1", true},
        {"127.255.255.254", true},
        {"[::1]", true},
        {"128.0.0.1", false},
        {"126.255.255.255", false},
        {"0.0.0.0", false},
        {"127.0.0.1.example.org", false},
        {"127.example.org", false},
        {"localhost.example.org", false},
        {"notlocalhost", false},
        {"[::2]", false},
        {"", false},
    };

    for (size_t i = 0; i < COUNT(table); i++)
        if (url_host_is_loopback(table[i].host) != table[i].is_loopback)
            fail_msg("%s is%s called loopback", table[i].host,
                table[i].is_loopback ? " not" : "");
}

static int
parse(void *context, struct error *error)
{
    struct url url;
    int result = url_parse(&url, context, error);

    /* A part that was lost would send a request to somewhere else. */
    if (result == 0 && strcmp(url.base, "http://127.0.0.1:8008/synapse") != 0)
        result = error_set(error, ERROR_INTERNAL, "the URL became %s", url.base);
    url_free(&url);
    return result;
}

TEST(a_url_is_whole_or_an_error_when_memory_is_short)
{
    fail_each_allocation(parse, (void *)(uintptr_t) "http://127.0.0.1:8008/synapse/");
}

TEST(a_url_with_credentials_is_refused_when_memory_is_short_too)
{
    fail_each_allocation(parse, (void *)(uintptr_t) "http://alice@example.org/");
}

TEST(a_url_with_a_query_is_refused_when_memory_is_short_too)
{
    fail_each_allocation(parse, (void *)(uintptr_t) "http://example.org/?query");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_base_url_is_taken_apart),
        cmocka_unit_test(what_cannot_be_a_base_url_is_refused),
        cmocka_unit_test(a_refused_url_is_not_quoted),
        cmocka_unit_test(only_the_machine_itself_is_loopback),
        cmocka_unit_test(a_url_is_whole_or_an_error_when_memory_is_short),
        cmocka_unit_test(a_url_with_credentials_is_refused_when_memory_is_short_too),
        cmocka_unit_test(a_url_with_a_query_is_refused_when_memory_is_short_too),
    };
    int failed;

    /* As net/http.c starts it, so that libcurl's allocations fail as well. */
    curl_global_init_mem(CURL_GLOBAL_DEFAULT, memory_allocate, memory_free, memory_resize,
        memory_copy_string, memory_zeroed);
    failed = cmocka_run_group_tests_name("net/url", tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
