/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Refusals of an account that mean the same at every endpoint of Synapse. */
#ifndef REGISTRAR_BACKENDS_SYNAPSE_REFUSAL_H
#define REGISTRAR_BACKENDS_SYNAPSE_REFUSAL_H

#include "base/error.h"
#include "matrix/call.h"

/* answer_refused, with advice where there is some. Always -1. */
int refusal_record(const struct answer *answer, const char *what, struct error *error);

#endif
