/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the tables of commands.h are written down; of use to those files alone. */
#ifndef REGISTRAR_BACKENDS_ROOM_COMMANDS_ROWS_H
#define REGISTRAR_BACKENDS_ROOM_COMMANDS_ROWS_H

#include "backends/room/commands.h"

/* The end of a list of answers; a row of one that tells what came of a command; a row of a
 * refusal, with what can be done about it or NULL. */
#define ENDS {NULL, VERDICT_REFUSED, ERROR_NONE, NULL}
#define SAYS(text, verdict)                                                                \
    {                                                                                      \
        text, verdict, ERROR_NONE, NULL                                                    \
    }
#define REFUSES(text, kind, advice)                                                        \
    {                                                                                      \
        text, VERDICT_REFUSED, kind, advice                                                \
    }

#endif
