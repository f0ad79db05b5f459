/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/synapse/refusal.h"

#include <stddef.h>
#include <string.h>

/* synapse/handlers/register.py, check_username; synapse/rest/admin/users.py. */
static const struct {
    const char *errcode; /* or NULL: any */
    const char *words;   /* of the server's message, or NULL: any */
    enum error_kind kind;
    const char *advice;
} refusals[] = {
    {"M_EXCLUSIVE", NULL, ERROR_POLICY,
        "the name belongs to an application service or to the server itself"},
    {NULL, "Invalid user type", ERROR_INVALID,
        "a user_type that the server knows is user, bot, support, or one of "
        "user_types.extra_user_types in its configuration"},
};

int
refusal_record(const struct answer *answer, const char *what, struct error *error)
{
    for (size_t i = 0; answer->status == 400 && i < sizeof(refusals) / sizeof(refusals[0]);
         i++)
        if ((refusals[i].errcode == NULL ||
                strcmp(answer->errcode, refusals[i].errcode) == 0) &&
            (refusals[i].words == NULL || answer_says(answer, refusals[i].words)))
            return answer_refused_as(answer, refusals[i].kind, what, refusals[i].advice,
                error);
    return answer_refused(answer, what, error);
}
