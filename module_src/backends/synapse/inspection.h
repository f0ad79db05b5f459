/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is asked about a Synapse as a whole, changing nothing. */
#ifndef REGISTRAR_BACKENDS_SYNAPSE_INSPECTION_H
#define REGISTRAR_BACKENDS_SYNAPSE_INSPECTION_H

#include "backends/backend.h"

/* See backend_type.check_credential. */
int inspection_check_credential(struct backend *backend, struct error *error);

/* See backend_type.list_administrators. */
int inspection_list_administrators(struct backend *backend, struct list *user_ids,
    struct error *error);

#endif
