/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tuwunel, from 1.8.1, by its Synapse-style admin API: Synapse's code, and what differs. */
#ifndef REGISTRAR_BACKENDS_TUWUNEL_TUWUNEL_H
#define REGISTRAR_BACKENDS_TUWUNEL_TUWUNEL_H

#include "backends/backend.h"

extern const struct backend_type tuwunel_backend;

#endif
