/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The module matrix_user: accounts that are what the task says. */
#ifndef REGISTRAR_MODULES_MATRIX_USER_H
#define REGISTRAR_MODULES_MATRIX_USER_H

#include "modules/module.h"

extern const struct module matrix_user_module;

#endif
