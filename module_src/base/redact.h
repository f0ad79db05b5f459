/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Taking secrets out of text that somebody else wrote. A server may echo a
 * secret as it is, percent-encoded, as a JSON string or in base64 (also in
 * the middle of a longer base64 text); each of these is replaced.
 */
#ifndef REGISTRAR_BASE_REDACT_H
#define REGISTRAR_BASE_REDACT_H

#include <stddef.h>

#include "base/secret.h"

/* What stands in place of a secret. */
#define REDACTED "********"

/* Secrets to look for; the caller owns both arrays. */
struct redaction {
    const struct secret *const *secrets; /* entries may be NULL or not given */
    size_t count;
};

/*
 * A copy of source without the secrets, for the caller to memory_free; NULL
 * when memory is short. A secret of fewer than REDACT_SHORT bytes cannot be
 * cut out without making nonsense of the rest: where one occurs, and
 * withhold_short says so, the whole text is replaced; else it is left.
 */
#define REDACT_SHORT 4
enum redact_short { REDACT_WITHHOLD_SHORT, REDACT_LEAVE_SHORT };
char *redact_text(const char *source, const struct redaction *redaction,
    enum redact_short short_secrets);

#endif
