/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ansible/reply.h and modules/user_reply.h: what is printed, byte by byte. */
#include "support.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ansible/reply.h"
#include "base/memory.h"
#include "modules/user_reply.h"

static char printed[8192];

/* reply_print with standard output in a file; frees the reply. */
static int
print(json_t *reply, const char *secret)
{
    const struct secret one = secret_over(secret);
    const struct secret *const secrets[] = {&one};
    const struct redaction redaction = {secrets, 1};
    FILE *file = tmpfile();
    int kept, status;
    size_t length;

    assert_non_null(file);
    fflush(stdout);
    kept = dup(STDOUT_FILENO);
    assert_true(kept >= 0);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    status = reply_print(reply, &redaction);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    rewind(file);
    length = fread(printed, 1, sizeof(printed) - 1, file);
    printed[length] = '\0';
    fclose(file);
    json_decref(reply);
    return status;
}

/* Loads what was printed after checking its form. */
static json_t *
load_printed(void)
{
    const char *newline = strchr(printed, '\n');
    json_t *reply;

    assert_non_null(newline);
    assert_string_equal(newline, "\n");
    for (const char *byte = printed; byte < newline; byte++)
        assert_in_range(*byte, 0x20, 0x7e);
    reply = json_loads(printed, 0, NULL);
    assert_true(json_is_object(reply));
    return reply;
}

TEST(a_reply_is_one_object_on_one_line)
{
    assert_int_equal(print(json_pack("{s:b, s:[s,s]}", "changed", 1, "actions", "create",
                               "set admin"),
                         "hunter2"),
        0);
    assert_string_equal(printed, "{\"actions\": [\"create\", \"set admin\"], \"changed\": true}\n");
}

TEST(a_failure_has_the_exit_status_one)
{
    assert_int_equal(print(json_pack("{s:b, s:s}", "failed", 1, "msg", "x"), "hunter2"), 1);
    assert_int_equal(print(json_pack("{s:b}", "failed", 0), "hunter2"), 0);
}

/* ansible-core splits at each of these (str.splitlines in
 * module_utils/json_utils.py), so that they may not be raw. */
TEST(all_but_printable_ascii_is_escaped)
{
    static const char text[] = "\xe2\x80\xa8\xe2\x80\xa9\xc2\x85\x0b\x0c\x1c\x1d\x1e\r\n\t"
                               "\xc3\xa9\xf0\x9f\x94\x91\"\\/\x01";
    json_t *reply;

    print(json_pack("{s:s}", "msg", text), "hunter2");
    reply = load_printed();
    assert_string_equal(json_string_value(json_object_get(reply, "msg")), text);
    json_decref(reply);
}

TEST(del_is_escaped_or_harmless)
{
    json_t *reply;

    print(json_pack("{s:s}", "msg", "a\x7f" "b"), "hunter2");
    reply = json_loads(printed, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(reply, "msg")), "a\x7f" "b");
    json_decref(reply);
}

TEST(secrets_are_taken_out_of_every_text_however_deep)
{
    print(json_pack("{s:s, s:[s,{s:s}], s:{s:{s:s}}, s:i}", "msg", "is hunter2 right?",
              "warnings", "hunter2", "x", "hunter2", "diff", "after", "displayname",
              "Mr. hunter2", "n", 2),
        "hunter2");
    assert_not_in("hunter2", printed);
    assert_in("is ******** right?", printed);
    assert_in("Mr. ********", printed);
    assert_in("\"n\": 2", printed);
}

/* Who knows our sentences would read the password in the gap. */
TEST(a_password_that_is_a_word_of_our_sentences_leaves_no_gap_in_them)
{
    print(json_pack("{s:s, s:[s]}", "msg", "it has another password", "warnings",
              "the other one"),
        "other");
    assert_in("it has another password", printed);
    assert_in("the other one", printed);
    print(json_pack("{s:s}", "msg", "the server answers 4033 at 127.0.0.1:8008"), "8008");
    assert_in("127.0.0.1:8008", printed);
    print(json_pack("{s:{s:s}}", "user", "displayname", "the other one"), "other");
    assert_in("the ******** one", printed);
}

/* A password that is a word of ours is no reason to hide that word. */
TEST(keys_and_our_own_identifiers_stay_though_a_secret_is_the_same)
{
    static const char *const kept[] = {"user_id", "username", "backend", "kind", "errcode",
        "authenticated_by", "before_header", "after_header", "name"};

    for (size_t i = 0; i < COUNT(kept); i++) {
        json_t *reply;

        print(json_pack("{s:s}", kept[i], "alice"), "alice");
        reply = load_printed();
        assert_string_equal(json_string_value(json_object_get(reply, kept[i])), "alice");
        json_decref(reply);
    }
    print(json_pack("{s:s, s:[s]}", "changed", "x", "actions", "create"), "changed");
    assert_in("\"changed\"", printed);
    print(json_pack("{s:[s]}", "actions", "create"), "create");
    assert_in("create", printed);
}

/* It has to reach whoever ran the task by that key, and by nothing else. */
TEST(a_generated_password_leaves_by_its_key_alone)
{
    json_t *reply;

    print(json_pack("{s:{s:s, s:s, s:s}, s:s, s:[s], s:[{s:{s:s}}]}", "user",
              "generated_password", "Kx7-hunter2", "displayname", "Kx7-hunter2",
              "avatar_url", "mxc://x/Kx7-hunter2", "msg", "the server said Kx7-hunter2",
              "warnings", "Kx7-hunter2", "diff", "after", "password", "Kx7-hunter2"),
        "Kx7-hunter2");
    reply = load_printed();
    assert_string_equal(json_string_value(json_object_get(json_object_get(reply, "user"),
                            "generated_password")),
        "Kx7-hunter2");
    json_decref(reply);
    assert_null(strstr(strstr(printed, "hunter2") + 1, "hunter2"));
}

TEST(a_short_secret_leaves_texts_alone)
{
    print(json_pack("{s:s}", "msg", "an admin is an admin"), "an");
    assert_in("an admin is an admin", printed);
}

TEST(without_a_reply_there_is_a_fixed_one_that_fails)
{
    json_t *reply;

    assert_int_equal(print(NULL, "hunter2"), 1);
    reply = load_printed();
    assert_true(json_is_true(json_object_get(reply, "failed")));
    assert_true(json_is_true(json_object_get(reply, "changed")));
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(reply, "error"), "kind")),
        "memory");
    assert_true(json_is_string(json_object_get(reply, "msg")));
    json_decref(reply);
}

TEST(an_error_has_what_is_known_of_it)
{
    struct error error = {.kind = ERROR_RATE_LIMITED,
        .status = 429,
        .retry_after_ms = 2500,
        .errcode = "M_LIMIT_EXCEEDED",
        .text = "slow"};
    json_t *reply = json_object();
    json_t *expected = json_pack("{s:b, s:s, s:{s:s, s:i, s:s, s:i}}", "failed", 1, "msg",
        "slow", "error", "kind", "rate_limited", "status", 429, "errcode", "M_LIMIT_EXCEEDED",
        "retry_after_ms", 2500);

    assert_int_equal(reply_add_error(reply, &error), 0);
    assert_true(json_equal(reply, expected));
    json_decref(reply);
    json_decref(expected);
    reply = json_object();
    error = (struct error){.kind = ERROR_TLS, .text = "x"};
    expected = json_pack("{s:b, s:s, s:{s:s}}", "failed", 1, "msg", "x", "error", "kind", "tls");
    assert_int_equal(reply_add_error(reply, &error), 0);
    assert_true(json_equal(reply, expected));
    json_decref(reply);
    json_decref(expected);
}

/* An account that was made, with a password and a display name. */
static void
make_outcome(struct wish *wish, struct outcome *outcome)
{
    struct error error = {0};

    assert_int_equal(user_id_parse(&wish->id, "@alice:x", &error), 0);
    assert_int_equal(account_name(&outcome->after, "@alice:x", "alice", &error), 0);
    assert_int_equal(account_state_text(&outcome->after, ACCOUNT_DISPLAYNAME, "Al", &error), 0);
    account_state_bool(&outcome->after, ACCOUNT_ADMIN, true);
    list_add(&outcome->actions, "create");
    outcome->tried = outcome->changed = outcome->created = outcome->password_set = true;
}

TEST(an_entry_says_what_became_of_an_account)
{
    struct wish wish = {0};
    struct outcome outcome = {0};
    json_t *entry, *expected;

    make_outcome(&wish, &outcome);
    entry = user_reply_entry(&wish, &outcome);
    expected = json_pack("{s:s, s:s, s:b, s:[s], s:b, s:s, s:b}", "user_id", "@alice:x",
        "username", "alice", "changed", 1, "actions", "create", "admin", 1, "displayname",
        "Al", "password_set", 1);
    assert_true(json_equal(entry, expected));
    json_decref(entry);
    json_decref(expected);
    outcome.guess = true;
    error_set(&outcome.error, ERROR_CONFLICT, "taken");
    entry = user_reply_entry(&wish, &outcome);
    assert_true(json_is_true(json_object_get(entry, "guess")));
    assert_true(json_is_true(json_object_get(entry, "failed")));
    assert_string_equal(json_string_value(json_object_get(entry, "msg")), "taken");
    json_decref(entry);
    wish_free(&wish);
    outcome_free(&outcome);
}

TEST(an_entry_has_every_field_that_is_known)
{
    struct wish wish = {0};
    struct outcome outcome = {0};
    struct error error = {0};
    struct pairs emails = {0}, ids = {0};
    json_t *entry, *expected, *value;
    const char *key;

    make_outcome(&wish, &outcome);
    assert_int_equal(pairs_add(&emails, "email", "a@x.org", &error), 0);
    assert_int_equal(pairs_add(&ids, "oidc", "7", &error), 0);
    account_state_set(&outcome.after, ACCOUNT_EMAILS, &emails, &error);
    account_state_set(&outcome.after, ACCOUNT_EXTERNAL_IDS, &ids, &error);
    account_state_text(&outcome.after, ACCOUNT_USER_TYPE, "", &error);
    account_state_text(&outcome.after, ACCOUNT_AVATAR_URL, "mxc://x/y", &error);
    account_state_ratelimit(&outcome.after, (struct account_ratelimit){0});
    for (enum account_field field = ACCOUNT_LOCKED; field <= ACCOUNT_SHADOW_BANNED; field++)
        account_state_bool(&outcome.after, field, field == ACCOUNT_SUSPENDED);
    account_state_bool(&outcome.after, ACCOUNT_ERASED, false);
    entry = user_reply_entry(&wish, &outcome);
    expected = json_pack("{s:n, s:s, s:[s], s:[{s:s,s:s}], s:{}, s:b, s:b, s:b, s:b}",
        "user_type", "avatar_url", "mxc://x/y", "emails", "a@x.org", "external_ids",
        "provider", "oidc", "id", "7", "ratelimit", "locked", 0, "suspended", 1,
        "shadow_banned", 0, "erased", 0);
    assert_int_equal(json_object_size(entry), 7 + 9); /* those of any entry come first */
    json_object_foreach(expected, key, value)
    {
        if (!json_equal(value, json_object_get(entry, key)))
            fail_msg("%s is shown in another way", key);
    }
    json_decref(entry);
    json_decref(expected);
    pairs_free(&emails);
    pairs_free(&ids);
    wish_free(&wish);
    outcome_free(&outcome);
}

TEST(a_generated_password_is_in_the_entry_and_in_no_diff)
{
    struct wish wish = {.generate_password = true};
    struct outcome outcome = {0};
    json_t *entry, *diff;
    char *text;

    make_outcome(&wish, &outcome);
    entry = user_reply_entry(&wish, &outcome);
    assert_null(json_object_get(entry, "generated_password")); /* none was due */
    json_decref(entry);
    assert_int_equal(secret_set(&outcome.generated_password, "hunter2", 7), 0);
    entry = user_reply_entry(&wish, &outcome);
    assert_string_equal(json_string_value(json_object_get(entry, "generated_password")),
        "hunter2");
    diff = user_reply_diff(&wish, &outcome);
    text = json_dumps(diff, 0);
    assert_not_in("hunter2", text);
    assert_in("(the new one)", text);
    memory_free(text);
    json_decref(diff);
    json_decref(entry);
    wish_free(&wish);
    outcome_free(&outcome);
}

TEST(a_diff_shows_that_a_password_was_set_and_not_which)
{
    struct wish wish = {0};
    struct outcome outcome = {0};
    struct error error = {0};
    json_t *diff;

    make_outcome(&wish, &outcome);
    diff = user_reply_diff(&wish, &outcome);
    assert_int_equal(json_object_size(json_object_get(diff, "before")), 0);
    assert_int_equal(json_object_size(json_object_get(diff, "after")), 3);
    assert_string_equal(json_string_value(json_object_get(diff, "before_header")), "@alice:x");
    json_decref(diff);
    outcome.created = false;
    assert_int_equal(account_state_text(&outcome.before, ACCOUNT_DISPLAYNAME, "Old", &error), 0);
    diff = user_reply_diff(&wish, &outcome);
    assert_string_not_equal(
        json_string_value(json_object_get(json_object_get(diff, "before"), "password")),
        json_string_value(json_object_get(json_object_get(diff, "after"), "password")));
    json_decref(diff);
    wish_free(&wish);
    outcome_free(&outcome);
}

TEST(a_summary_counts_only_what_was_tried)
{
    struct outcome outcomes[] = {{.tried = true, .changed = true, .created = true},
        {.tried = true, .changed = true}, {.tried = true},
        {.tried = true, .changed = true, .error = {.kind = ERROR_SERVER}}, {.tried = false}};
    json_t *summary = user_reply_summary(outcomes, COUNT(outcomes));
    json_t *expected = json_pack("{s:i, s:i, s:i, s:i}", "created", 1, "changed", 1,
        "unchanged", 1, "failed", 1);

    assert_true(json_equal(summary, expected));
    json_decref(summary);
    json_decref(expected);
}

static int
build(void *context, struct error *error)
{
    struct wish *wish = ((void **)context)[0];
    struct outcome *outcome = ((void **)context)[1];
    json_t *entry = user_reply_entry(wish, outcome);
    json_t *diff = user_reply_diff(wish, outcome);
    json_t *summary = user_reply_summary(outcome, 1);
    bool complete = json_object_size(entry) == 11 && json_object_size(diff) == 4 &&
                    json_object_size(summary) == 4;
    bool missing = entry == NULL || diff == NULL || summary == NULL;

    json_decref(entry);
    json_decref(diff);
    json_decref(summary);
    if (missing)
        return error_no_memory(error);
    return complete ? 0 : error_set(error, ERROR_INTERNAL, "a part is missing");
}

TEST(a_reply_is_built_whole_or_not_at_all)
{
    struct wish wish = {0};
    struct outcome outcome = {0};
    void *context[] = {&wish, &outcome};

    make_outcome(&wish, &outcome);
    outcome.error = (struct error){.kind = ERROR_RATE_LIMITED,
        .status = 429,
        .retry_after_ms = 5,
        .errcode = "M_X",
        .text = "x"};
    assert_int_equal(secret_set(&outcome.generated_password, "hunter2", 7), 0);
    fail_each_allocation(build, context);
    wish_free(&wish);
    outcome_free(&outcome);
}

static int
print_reply(void *context, struct error *error)
{
    json_t *reply = json_pack("{s:s, s:[s]}", "msg", "hunter2", "warnings", "p hunter2");
    int status = print(reply, "hunter2");

    (void)context;
    if (strstr(printed, "hunter2") != NULL)
        return error_set(error, ERROR_INTERNAL, "a secret was printed");
    if (status == 0)
        return 0;
    return strstr(printed, "\"kind\": \"memory\"") == NULL
               ? error_set(error, ERROR_INTERNAL, "printed: %s", printed)
               : error_no_memory(error);
}

TEST(a_reply_without_memory_to_print_it_is_the_fixed_one)
{
    fail_each_allocation(print_reply, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_is_one_object_on_one_line),
        cmocka_unit_test(a_failure_has_the_exit_status_one),
        cmocka_unit_test(all_but_printable_ascii_is_escaped),
        cmocka_unit_test(del_is_escaped_or_harmless),
        cmocka_unit_test(secrets_are_taken_out_of_every_text_however_deep),
        cmocka_unit_test(a_password_that_is_a_word_of_our_sentences_leaves_no_gap_in_them),
        cmocka_unit_test(keys_and_our_own_identifiers_stay_though_a_secret_is_the_same),
        cmocka_unit_test(a_generated_password_leaves_by_its_key_alone),
        cmocka_unit_test(a_short_secret_leaves_texts_alone),
        cmocka_unit_test(without_a_reply_there_is_a_fixed_one_that_fails),
        cmocka_unit_test(an_error_has_what_is_known_of_it),
        cmocka_unit_test(an_entry_says_what_became_of_an_account),
        cmocka_unit_test(an_entry_has_every_field_that_is_known),
        cmocka_unit_test(a_generated_password_is_in_the_entry_and_in_no_diff),
        cmocka_unit_test(a_diff_shows_that_a_password_was_set_and_not_which),
        cmocka_unit_test(a_summary_counts_only_what_was_tried),
        cmocka_unit_test(a_reply_is_built_whole_or_not_at_all),
        cmocka_unit_test(a_reply_without_memory_to_print_it_is_the_fixed_one),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("ansible/reply", tests, NULL, NULL);
}
