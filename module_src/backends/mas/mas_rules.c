/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/mas_rules.h"

#include <ctype.h>
#include <string.h>

#include "backends/mas/companion.h"
#include "backends/mas/state.h"
#include "base/text.h"

/* policies/register: what its policy takes in a name, and Synapse behind it. */
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789=_-./+"

/* MAS would refuse it when the user is made already. */
static int
check_addresses(const struct account *wanted, struct error *error)
{
    char shown[160];

    for (size_t i = 0; account_states(wanted, ACCOUNT_EMAILS) && i < wanted->emails.count; i++) {
        const char *address = wanted->emails.items[i].value;

        for (const char *byte = address; *byte != '\0'; byte++) {
            if (*byte != ' ' && !iscntrl((unsigned char)*byte))
                continue;
            text_show(shown, sizeof(shown), address);
            return error_set(error, ERROR_INVALID,
                "\"%s\" of %s is no e-mail address: there is white space in it", shown,
                wanted->localpart);
        }
    }
    return 0;
}

int
mas_rules_vet(struct backend *backend, const struct account *wanted, struct error *error)
{
    const struct mas_way *way = mas_state_of(backend)->way;

    if (account_states(wanted, ACCOUNT_EXTERNAL_IDS) && way != NULL && way->add_link == NULL)
        return error_set(error, ERROR_UNSUPPORTED, "external_ids of %s: %s",
            wanted->localpart, way->lacks);
    if (account_is(wanted, ACCOUNT_ERASED) && way != NULL && !way->erases)
        return error_set(error, ERROR_UNSUPPORTED, "erase of %s: %s", wanted->localpart,
            way->lacks);
    return check_addresses(wanted, error);
}

static int
need_way(const struct backend *backend, const char *what, const char *name,
    struct error *error)
{
    if (mas_state_of(backend)->way != NULL)
        return 0;
    return error_set(error, ERROR_UNAUTHORIZED,
        "%s %s takes %s", what, name, backend->type->administrator);
}

static int
check_version(struct backend *backend, const struct mas_user *user,
    const struct account *change, struct error *error)
{
    const struct mas_way *way = mas_state_of(backend)->way;

    return way->allow == NULL ? 0 : way->allow(backend, user, change, error);
}

/* An address belongs to one user; MAS's own command would let two have it. */
static int
guard_emails(struct backend *backend, const struct account *account, const char *id,
    const struct pairs *had, struct error *error)
{
    const struct mas_way *way = mas_state_of(backend)->way;

    for (size_t i = 0; i < account->emails.count; i++) {
        const struct pair *pair = &account->emails.items[i];
        char owner[MAS_ID_SIZE];
        char shown[160];

        if (had != NULL && pairs_have(had, pair->key, pair->value))
            continue;
        if (way->email_owner(backend, pair->value, owner, error) != 0)
            return -1;
        if (owner[0] == '\0' || strcmp(owner, id) == 0)
            continue;
        text_show(shown, sizeof(shown), pair->value);
        return error_set(error, ERROR_CONFLICT,
            "the e-mail address %s belongs to another user of MAS (%s), and is not taken from "
            "there to be given to %s; remove it there first",
            shown, owner, account->localpart);
    }
    return 0;
}

/* Before zxcvbn's estimate of a password there is an upper bound of it: ten guesses to
 * the power of its length, and one (zxcvbn: scoring, bruteforce matches). So this
 * long a password has to be for each score, whatever is in it. */
static const size_t shortest_for_score[] = {0, 4, 7, 9, 11};

static int
check_password(struct backend *backend, const struct account *wanted, struct error *error)
{
    const struct mas_state *state = mas_state_of(backend);
    long score = state->password_complexity;
    size_t characters;

    if (!account_states(wanted, ACCOUNT_PASSWORD))
        return 0;
    if (state->passwords_are_off)
        return error_set(error, ERROR_UNSUPPORTED,
            "passwords are switched off in MAS, so %s can have none; set passwords.enabled: true "
            "in its configuration, or leave the password away",
            wanted->localpart);
    if (backend->leeway.skip_password_check || score < 1 || score > 4)
        return 0;
    characters = text_code_points(wanted->password.bytes, wanted->password.length);
    if (characters >= shortest_for_score[score])
        return 0;
    return error_set(error, ERROR_POLICY,
        "the password of %s is too weak for MAS (passwords.minimum_complexity: %ld), whatever "
        "is in it: it takes at least %zu characters, and better more; choose another, or give "
        "skip_password_check: true",
        wanted->localpart, score, shortest_for_score[score]);
}

/* What the creation itself does not make is for the homeserver, afterwards. */
static int
check_companion(struct backend *backend, const struct account *wanted, struct error *error)
{
    static const unsigned profile =
        ACCOUNT_BIT(ACCOUNT_DISPLAYNAME) | ACCOUNT_BIT(ACCOUNT_AVATAR_URL);
    const struct mas_state *state = mas_state_of(backend);
    struct account rest = *wanted; /* borrowed, with fewer fields */

    if (companion_may_look(backend, wanted, error) != 0)
        return -1;
    if ((wanted->stated & profile) != 0 && state->way->learn != NULL &&
        state->way->learn(backend, error) != 0)
        return -1;
    if (state->has_displayname)
        rest.stated &= ~ACCOUNT_BIT(ACCOUNT_DISPLAYNAME);
    if (state->has_displayname && state->way->creates_avatar_url)
        rest.stated &= ~ACCOUNT_BIT(ACCOUNT_AVATAR_URL);
    return companion_may_update(backend, &rest, error);
}

int
mas_rules_creation(struct backend *backend, const struct account *wanted,
    struct error *error)
{
    const char *name = wanted->localpart;

    if (need_way(backend, "to create", name, error) != 0)
        return -1;
    if (name[0] == '_' || strspn(name, NAME_CHARACTERS) != strlen(name))
        return error_set(error, ERROR_INVALID,
            "a user called \"%s\" cannot be created: a name in MAS has the letters a to z, "
            "digits and = _ - . / +, and no _ at its start",
            name);
    if (strspn(name, "0123456789") == strlen(name))
        return error_set(error, ERROR_INVALID,
            "a user called \"%s\" cannot be created: Synapse keeps names of digits only for "
            "guests",
            name);
    if (check_version(backend, NULL, wanted, error) != 0 ||
        check_password(backend, wanted, error) != 0 ||
        check_companion(backend, wanted, error) != 0)
        return -1;
    return guard_emails(backend, wanted, "", NULL, error);
}

/* What this way to MAS has no step for. */
static int
check_steps(const struct mas_way *way, const struct observation *observed,
    const struct account *change, struct error *error)
{
    bool removes = account_states(change, ACCOUNT_EMAILS) &&
                   !pairs_have_all(&change->emails, &observed->account.emails);
    const char *what = NULL;

    if (removes && way->remove_email == NULL)
        what = "taking e-mail addresses away from";
    if (account_states(change, ACCOUNT_DEACTIVATED) && !change->deactivated &&
        way->reactivate == NULL)
        what = "reactivating";
    if (account_states(change, ACCOUNT_LOCKED) && way->set_locked == NULL)
        what = "locking and unlocking";
    if (what == NULL)
        return 0;
    return error_set(error, ERROR_UNSUPPORTED, "%s %s: %s", what, change->localpart,
        way->lacks);
}

int
mas_rules_change(struct backend *backend, const struct observation *observed,
    const struct account *change, struct error *error)
{
    const struct mas_state *state = mas_state_of(backend);

    if (need_way(backend, "changing", change->localpart, error) != 0 ||
        check_steps(state->way, observed, change, error) != 0 ||
        check_version(backend, &state->user, change, error) != 0 ||
        check_password(backend, change, error) != 0 ||
        companion_may_update(backend, change, error) != 0)
        return -1;
    return account_states(change, ACCOUNT_EMAILS)
               ? guard_emails(backend, change, state->user.id, &observed->account.emails, error)
               : 0;
}
