/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What wishes and outcomes own. */
#include "ensure/ensure.h"

#include <string.h>

void
wish_free(struct wish *wish)
{
    user_id_free(&wish->id);
    account_free(&wish->account);
    account_free(&wish->initial);
    memset(wish, 0, sizeof(*wish));
}

void
outcome_free(struct outcome *outcome)
{
    list_free(&outcome->actions);
    secret_free(&outcome->generated_password);
    account_free(&outcome->before);
    account_free(&outcome->after);
    memset(outcome, 0, sizeof(*outcome));
}
