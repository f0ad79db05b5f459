/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lists of MAS's admin API, page by page. */
#ifndef REGISTRAR_BACKENDS_MAS_PAGES_H
#define REGISTRAR_BACKENDS_MAS_PAGES_H

#include <jansson.h>

#include "backends/backend.h"
#include "backends/mas/way.h"
#include "base/error.h"
#include "base/text.h"

/* One of a list: its ULID, and its attributes, which are an object of anything. */
struct pages_item {
    char id[MAS_ID_SIZE];
    const json_t *attributes;
};

/* Takes one of a list. -1 with an error recorded ends the visit. */
typedef int (*pages_visitor)(void *context, const struct pages_item *item,
    struct error *error);

/*
 * Visits all of a list, in the order of their ULIDs. list is a path as of api_call
 * with its filters ("/user-emails?filter%5Buser%5D=..."), whose failed says "no
 * memory"; servers ignore filters they do not know, so that the visitor checks what
 * it is shown. what is for messages. Errors: those of api_call, of a refusal, and
 * protocol (no list, or one without end).
 */
int pages_visit(struct backend *backend, const struct text *list, const char *what,
    pages_visitor visit, void *context, struct error *error);

/* Appends "filter[name]=value", with the '?' or '&' before it. */
void pages_filter(struct text *list, const char *name, const char *value);

/* Records that the answer has no usable member of this name (protocol). Always -1. */
int pages_no_sense(const char *what, const char *member, struct error *error);

#endif
