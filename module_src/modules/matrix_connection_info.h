/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The module matrix_connection_info: where the homeserver is, what opens it,
 * and whether that works. It changes nothing. */
#ifndef REGISTRAR_MODULES_MATRIX_CONNECTION_INFO_H
#define REGISTRAR_MODULES_MATRIX_CONNECTION_INFO_H

#include "modules/module.h"

extern const struct module matrix_connection_info_module;

#endif
