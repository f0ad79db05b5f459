/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one Ansible module is to main.c. A module is one file with one public
 * const struct, listed in main.c. */
#ifndef REGISTRAR_MODULES_MODULE_H
#define REGISTRAR_MODULES_MODULE_H

#include "ansible/module_call.h"
#include "ansible/options.h"

struct module {
    const char *name;
    const struct option_schema *schema;

    /* Does what the call asks for and prints the one reply. Returns the exit
     * status. */
    int (*run)(const struct module_call *call);
};

#endif
