/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The module's reply: one JSON object in ASCII, one line, one write, whatever
 * happens; and no secret in it. */
#ifndef REGISTRAR_ANSIBLE_REPLY_H
#define REGISTRAR_ANSIBLE_REPLY_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/list.h"
#include "base/redact.h"

/* Adds "failed", "msg" and "error" to an object. -1: no memory. */
int reply_add_error(json_t *reply, const struct error *error);

/* A list as a JSON array; NULL: no memory. */
json_t *reply_list(const struct list *list);

/*
 * Prints the reply on standard output after taking the secrets out of every
 * text in it, but for keys and for the values of our own identifiers
 * (user_id, username, ...) and of generated_password, the one key by which a
 * secret leaves. In our own sentences (msg, warnings) a secret that
 * is a plain word or number is left: what a sentence quotes was cleaned when
 * it was made (net/http.h, http_show), and a word missing from what we always
 * say would tell what the password is. Without memory to do so, a fixed reply
 * that says so is printed. Returns the exit status: 0, or 1 when the reply says
 * "failed" or could not be written.
 */
int reply_print(json_t *reply, const struct redaction *redaction);

#endif
