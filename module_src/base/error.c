/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const struct kind {
    const char *name;
    bool ends_list;
    const char *meaning;
} kinds[ERROR_KINDS] = {
    [ERROR_NONE] = {"none", false, "nothing went wrong"},
    [ERROR_UNREACHABLE] = {"unreachable", true,
        "no connection to the server, or it was lost before the answer came"},
    [ERROR_TLS] = {"tls", true, "the server's certificate or its TLS was not accepted"},
    [ERROR_NOT_READY] = {"not_ready", true,
        "something answers, but the homeserver behind it does not (yet)"},
    [ERROR_UNAUTHORIZED] = {"unauthorized", false,
        "a credential is wrong, expired or missing"},
    [ERROR_FORBIDDEN] = {"forbidden", false,
        "the credential is right, but may not do this"},
    [ERROR_RATE_LIMITED] = {"rate_limited", false,
        "the server asks to wait longer than retry_timeout allows"},
    [ERROR_NOT_FOUND] = {"not_found", false, "there is no such account"},
    [ERROR_CONFLICT] = {"conflict", false,
        "the account exists and is not what the task says it may be"},
    [ERROR_INVALID] = {"invalid", false, "an option or a value cannot be right"},
    [ERROR_UNSUPPORTED] = {"unsupported", false, "this server cannot do this"},
    [ERROR_POLICY] = {"policy", false, "a rule, the server's or ours, forbids this"},
    [ERROR_SERVER] = {"server", false, "the server failed while it worked on this"},
    [ERROR_PROTOCOL] = {"protocol", false,
        "what answered does not speak as a Matrix homeserver does"},
    [ERROR_DATABASE] = {"database", true, "the database refused or failed"},
    [ERROR_MEMORY] = {"memory", true, "out of memory"},
    [ERROR_INTERNAL] = {"internal", true, "a mistake in this program, or its machine"},
    [ERROR_INTERRUPTED] = {"interrupted", true, "a signal ended the run early"},
};

int
error_set(struct error *error, enum error_kind kind, const char *format, ...)
{
    va_list arguments;

    if (error->kind != ERROR_NONE)
        return -1;
    error->kind = kind;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    text_make_unicode(error->text);
    return -1;
}

int
error_no_memory(struct error *error)
{
    return error_set(error, ERROR_MEMORY, "out of memory");
}

void
error_clear(struct error *error)
{
    memset(error, 0, sizeof(*error));
}

const char *
error_kind_name(enum error_kind kind)
{
    return kinds[kind].name;
}

const char *
error_kind_meaning(enum error_kind kind)
{
    return kinds[kind].meaning;
}

bool
error_hides_outcome(const struct error *error)
{
    bool broke_down = error->status >= 500 && error->status != 501; /* not implemented */
    bool made_no_sense = error->status >= 200 && error->status < 300;

    return error->maybe_done || (broke_down && !error->not_done) ||
           made_no_sense;
}

bool
error_ends_list(const struct error *error)
{
    bool credential_refused =
        error->kind == ERROR_UNAUTHORIZED && error->status != 0 && !error->is_of_one;

    return error->ends_list || credential_refused || kinds[error->kind].ends_list;
}
