/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What matrix_connection_info found out, in one line for a person. */
#ifndef REGISTRAR_MODULES_CONNECTION_SUMMARY_H
#define REGISTRAR_MODULES_CONNECTION_SUMMARY_H

#include <jansson.h>
#include <stdbool.h>

/*
 * Sums up a reply as far as it goes: "http://127.0.0.1:8008: Synapse 1.163.2 of
 * example.org; registration_shared_secret works; administrators: ...".
 * lacks_service: the service account, which could list the administrators, is
 * not made yet. failure: why the look ended before its end, or NULL.
 * For memory_free; NULL: no memory.
 */
char *connection_summary_make(const json_t *reply, bool lacks_service, const char *failure);

#endif
