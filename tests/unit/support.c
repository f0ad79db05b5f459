/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

#include "base/memory.h"

void
use_program_memory(void)
{
    json_set_alloc_funcs(memory_allocate, memory_free);
}

struct secret
secret_over(const char *bytes)
{
    return (struct secret){.bytes = (char *)(uintptr_t)bytes, .length = strlen(bytes)};
}

void
assert_kind(const struct error *error, enum error_kind kind)
{
    if (error->kind != kind)
        fail_msg("the error's kind is %s, not %s: %s", error_kind_name(error->kind),
            error_kind_name(kind), error->text);
}

void
assert_in(const char *part, const char *text)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

void
assert_not_in(const char *part, const char *text)
{
    if (strstr(text, part) != NULL)
        fail_msg("\"%s\" is in \"%s\"", part, text);
}

/* Only the sanitizer knows; without it nothing has leaked. */
static bool
something_leaked(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return __lsan_do_recoverable_leak_check() != 0;
#else
    return false;
#endif
}

void
fail_each_allocation(fallible action, void *context)
{
    struct error usual = {0};
    bool leaked_before = something_leaked(); /* that is for another test to tell */
    int usual_result = action(context, &usual);
    struct error first_wrong = {0};
    size_t first_number = 0, wrong = 0, number = 1;

    for (;; number++) {
        struct error error = {0};
        bool as_usual;
        int result;

        memory_fail_at(number);
        result = action(context, &error);
        if (memory_fail_at(0) < number)
            break;
        as_usual = result == usual_result && error.kind == usual.kind;
        if (as_usual || (result != 0 && error.kind == ERROR_MEMORY))
            continue;
        if (wrong++ == 0) {
            first_wrong = error;
            first_number = number;
        }
    }
    assert_true(number > 1); /* or nothing was tried */
    if (!leaked_before && something_leaked())
        fail_msg("something leaks when one of %zu allocations fails", number - 1);
    if (wrong > 0)
        fail_msg("%zu of %zu failed allocations are neither harmless nor an error of the "
                 "kind memory; the first is number %zu: %s: %s",
            wrong, number - 1, first_number, error_kind_name(first_wrong.kind),
            first_wrong.text);
}

static char folder[64];
static char path[96];

static void
remove_folder(void)
{
    unlink(path);
    rmdir(folder);
}

const char *
file_with(const char *bytes, size_t length)
{
    FILE *file;

    if (folder[0] == '\0') {
        snprintf(folder, sizeof(folder), "/tmp/registrar-unit-XXXXXX");
        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/file", folder);
        atexit(remove_folder);
    }
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    return path;
}
