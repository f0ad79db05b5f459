/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How Ansible calls a binary module: one file of JSON with the parameters and
 * keys of Ansible's own (ansible-core, lib/ansible/plugins/action/__init__.py). */
#ifndef REGISTRAR_ANSIBLE_MODULE_CALL_H
#define REGISTRAR_ANSIBLE_MODULE_CALL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/* The largest arguments file that is read, in bytes. */
#define MODULE_ARGUMENTS_LIMIT ((size_t)32 * 1024 * 1024)

struct module_call {
    json_t *parameters; /* an object, Ansible's own keys included */
    bool check_mode;
    bool diff;
};

/*
 * Reads an arguments file into call, for module_call_free. Errors: invalid (no
 * such file, too large, no JSON object; what is in it is never quoted), memory.
 */
int module_call_read(struct module_call *call, const char *path, struct error *error);

void module_call_free(struct module_call *call);

/*
 * The module that was called: the last part of _ansible_module_name or, where
 * there is none, of the program's own path, without Ansible's "AnsiballZ_".
 * Lives as long as call and program.
 */
const char *module_call_name(const struct module_call *call, const char *program);

#endif
