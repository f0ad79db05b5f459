/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Outcomes of accounts as a reply shows them. */
#ifndef REGISTRAR_MODULES_USER_REPLY_H
#define REGISTRAR_MODULES_USER_REPLY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "ensure/ensure.h"

/* One account's entry, with "failed", "msg" and "error" when it failed, with
 * "tried": false when the list ended before its turn, and with the password
 * that was made up, if one was set. NULL: no memory. */
json_t *user_reply_entry(const struct wish *wish, const struct outcome *outcome);

/* "-- before", "++ after" of one account; NULL: no memory. */
json_t *user_reply_diff(const struct wish *wish, const struct outcome *outcome);

/* {"created": 1, "changed": 0, "unchanged": 2, "failed": 0}. */
json_t *user_reply_summary(const struct outcome *outcomes, size_t count);

#endif
