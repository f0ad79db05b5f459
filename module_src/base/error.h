/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What went wrong, in the form a reply can show. The caller owns the struct
 * and starts it as all zeroes; the first error wins, so that a failure in
 * cleaning up never hides its cause. A text never holds a secret: whoever
 * quotes a server redacts first (base/redact.h).
 */
#ifndef REGISTRAR_BASE_ERROR_H
#define REGISTRAR_BASE_ERROR_H

#include <stdbool.h>

enum error_kind {
    ERROR_NONE = 0,
    ERROR_UNREACHABLE,
    ERROR_TLS,
    ERROR_NOT_READY,
    ERROR_UNAUTHORIZED,
    ERROR_FORBIDDEN,
    ERROR_RATE_LIMITED,
    ERROR_NOT_FOUND,
    ERROR_CONFLICT,
    ERROR_INVALID,
    ERROR_UNSUPPORTED,
    ERROR_POLICY,
    ERROR_SERVER,
    ERROR_PROTOCOL,
    ERROR_DATABASE,
    ERROR_MEMORY,
    ERROR_INTERNAL,
    ERROR_INTERRUPTED,
    ERROR_KINDS /* how many there are; not a kind */
};

struct error {
    enum error_kind kind;
    long status;              /* HTTP status, 0 when there was none */
    long long retry_after_ms; /* how long the server asked to wait, 0: no word */
    bool maybe_done;          /* the request left us, its reply never came */
    bool not_done;            /* the server broke down, and says that before it did it */
    bool ends_list;           /* whatever its kind: nobody else would fare better */
    bool is_of_one;           /* a credential of one account alone was refused */
    char errcode[64];         /* Matrix errcode, "" when there was none */
    char text[1200];          /* one sentence, UTF-8 */
};

/* The compiler checks formats against arguments, as for printf. */
#define PRINTF_LIKE(format_at, first_at) __attribute__((format(printf, format_at, first_at)))

/*
 * Records an error unless one is recorded already. Always returns -1, so that
 * `return error_set(...)` reads as what it is.
 */
int error_set(struct error *error, enum error_kind kind, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* error_set for "out of memory". */
int error_no_memory(struct error *error);

/* Forgets what was recorded. */
void error_clear(struct error *error);

/* The word for a kind in a reply: "rate_limited". */
const char *error_kind_name(enum error_kind kind);

/* What the kind means, one sentence, for the documentation. */
const char *error_kind_meaning(enum error_kind kind);

/*
 * True when what was asked for may have been done although it failed: the
 * answer never came, made no sense, or said that the server broke down.
 */
bool error_hides_outcome(const struct error *error);

/*
 * True for errors that every later account would meet as well, so that a list
 * of users ends there instead of failing once a user. A credential that the
 * server refused is one; one that is missing for what one account needs is
 * not.
 */
bool error_ends_list(const struct error *error);

#endif
