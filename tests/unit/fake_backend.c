/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fake_backend.h"

#include "support.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

static struct fake *
fake_of(struct backend *backend)
{
    return backend->state;
}

static struct fake_account *
find(struct fake *fake, const char *localpart)
{
    for (size_t i = 0; i < fake->count; i++)
        if (strcmp(fake->accounts[i].localpart, localpart) == 0)
            return &fake->accounts[i];
    return NULL;
}

static void
note(struct fake *fake, const char *operation, const char *localpart)
{
    size_t length = strlen(fake->calls);

    snprintf(fake->calls + length, sizeof(fake->calls) - length, "%s %s, ", operation,
        localpart);
}

/* The fault that this call meets, taken out of the table; NULL: none. */
static const struct fake_fault *
meet_fault(struct fake *fake, const char *operation, const char *localpart)
{
    static struct fake_fault met;

    for (size_t i = 0; i < COUNT(fake->faults); i++) {
        met = fake->faults[i];
        if (met.operation == NULL || strcmp(met.operation, operation) != 0 ||
            strcmp(met.localpart, localpart) != 0)
            continue;
        fake->faults[i].operation = NULL;
        return &met;
    }
    return NULL;
}

static int
fail_with(const struct fake_fault *fault, struct error *error)
{
    error->status = fault->status;
    error->maybe_done = fault->maybe_done;
    return error_set(error, fault->kind, "the fake %s of %s fails", fault->operation,
        fault->localpart);
}

static int
show(struct observation *observed, const struct fake_account *account, struct error *error)
{
    char user_id[64];
    char localpart[32];

    snprintf(user_id, sizeof(user_id), "@%s:example.org", account->localpart);
    snprintf(localpart, sizeof(localpart), "%s", account->localpart);
    observed->presence = PRESENCE_PRESENT;
    account_state_admin(&observed->account, account->admin);
    account_state_deactivated(&observed->account, account->deactivated);
    if (account_name(&observed->account, user_id, localpart, error) != 0)
        return -1;
    return account_state_displayname(&observed->account, account->displayname, error);
}

static int
lookup(struct backend *backend, unsigned mask, struct observation *observed,
    struct error *error)
{
    struct fake *fake = fake_of(backend);
    const char *localpart = observed->account.localpart;
    const struct fake_account *account = find(fake, localpart);
    const struct fake_fault *fault = meet_fault(fake, "lookup", localpart);

    (void)mask;
    note(fake, "lookup", localpart);
    if (fault != NULL)
        return fail_with(fault, error);
    if (!connection_has_administrator(backend->connection)) {
        observed->presence = PRESENCE_UNKNOWN;
        return 0;
    }
    observed->presence = account == NULL ? PRESENCE_ABSENT : PRESENCE_PRESENT;
    return account == NULL ? 0 : show(observed, account, error);
}

static int
ask_password(struct backend *backend, struct observation *observed,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error)
{
    struct fake *fake = fake_of(backend);
    const char *localpart = observed->account.localpart;
    const struct fake_account *account = find(fake, localpart);
    const struct fake_fault *fault = meet_fault(fake, "ask", localpart);

    note(fake, "ask", localpart);
    if (fault != NULL)
        return fail_with(fault, error);
    if (fake->cannot_tell) {
        *answer = PASSWORD_CANNOT_TELL;
        strcpy(why, "the fake does not know");
        return 0;
    }
    *answer = account != NULL && !account->deactivated &&
                      strcmp(account->password, password->bytes) == 0
                  ? PASSWORD_SAME
                  : PASSWORD_DIFFERENT;
    return *answer == PASSWORD_SAME ? show(observed, account, error) : 0;
}

static int
may_create(struct backend *backend, const struct account *wanted, struct error *error)
{
    struct fake *fake = fake_of(backend);

    note(fake, "may_create", wanted->localpart);
    if (fake->forbidden != NULL && strcmp(fake->forbidden, wanted->localpart) == 0)
        return error_set(error, ERROR_POLICY, "the fake forbids it");
    return 0;
}

static void
make(struct fake_account *account, const struct account *change, unsigned mask)
{
    unsigned stated = change->stated & mask;

    if ((stated & ACCOUNT_BIT(ACCOUNT_ADMIN)) != 0)
        account->admin = change->admin;
    if ((stated & ACCOUNT_BIT(ACCOUNT_DEACTIVATED)) != 0)
        account->deactivated = change->deactivated;
    if ((stated & ACCOUNT_BIT(ACCOUNT_DISPLAYNAME)) != 0)
        snprintf(account->displayname, sizeof(account->displayname), "%s",
            change->displayname == NULL ? "" : change->displayname);
    if ((stated & ACCOUNT_BIT(ACCOUNT_PASSWORD)) != 0)
        snprintf(account->password, sizeof(account->password), "%s", change->password.bytes);
}

static int
create(struct backend *backend, const struct account *wanted, enum creation *creation,
    struct observation *observed, struct error *error)
{
    struct fake *fake = fake_of(backend);
    const struct fake_fault *fault = meet_fault(fake, "create", wanted->localpart);
    struct fake_account *account;

    note(fake, "create", wanted->localpart);
    if (fault != NULL && fault->done == 0)
        return fail_with(fault, error);
    *creation = CREATION_NAME_TAKEN;
    if (find(fake, wanted->localpart) != NULL)
        return 0;
    *creation = CREATION_DONE;
    assert_true(fake->count < FAKE_ACCOUNTS);
    account = &fake->accounts[fake->count++];
    snprintf(account->localpart, sizeof(account->localpart), "%s", wanted->localpart);
    make(account, wanted, ~0u);
    return fault != NULL ? fail_with(fault, error) : show(observed, account, error);
}

static int
may_update(struct backend *backend, const struct observation *observed,
    const struct account *change, struct error *error)
{
    struct fake *fake = fake_of(backend);

    (void)observed;
    note(fake, "may_update", change->localpart);
    if (fake->itself != NULL && strcmp(fake->itself, change->localpart) == 0)
        return error_set(error, ERROR_POLICY, "nobody changes themselves here");
    return 0;
}

static int
update(struct backend *backend, struct observation *observed, const struct account *change,
    bool logout_devices, struct error *error)
{
    struct fake *fake = fake_of(backend);
    struct fake_account *account = find(fake, change->localpart);
    const struct fake_fault *fault = meet_fault(fake, "update", change->localpart);

    note(fake, "update", change->localpart);
    assert_non_null(account);
    assert_int_not_equal(change->stated, 0);
    fake->logged_out_devices = logout_devices;
    make(account, change, fault == NULL ? ~0u : fault->done);
    return fault != NULL ? fail_with(fault, error) : show(observed, account, error);
}

static const struct backend_type fake_type = {
    .server = SERVER_SYNAPSE,
    .product = "Fake",
    .administrator = "the fake's administrator",
    .lookup = lookup,
    .ask_password = ask_password,
    .may_create = may_create,
    .create = create,
    .may_update = may_update,
    .update = update,
};

static struct secret credential_bytes = {(char[]){"token"}, 5};

void
trial_start(struct trial *trial, enum trial_credential credential)
{
    static char server_name[] = "example.org";
    struct fake_account *alice;

    memset(trial, 0, sizeof(*trial));
    if (credential == BY_ADMINISTRATOR)
        trial->connection.access_token = &credential_bytes;
    if (credential == BY_SHARED_SECRET)
        trial->connection.shared_secret = &credential_bytes;
    trial->backend = (struct backend){
        .type = &fake_type,
        .connection = &trial->connection,
        .server_name = server_name,
        .warnings = &trial->warnings,
        .state = &trial->fake,
    };
    alice = trial_account(trial, "alice");
    strcpy(alice->password, "right");
    strcpy(alice->displayname, "Alice");
}

struct fake_account *
trial_account(struct trial *trial, const char *localpart)
{
    struct fake_account *account = &trial->fake.accounts[trial->fake.count++];

    snprintf(account->localpart, sizeof(account->localpart), "%s", localpart);
    return account;
}

struct wish *
trial_wish(struct trial *trial, const char *name, const char *password)
{
    struct wish *wish = &trial->wishes[trial->count++];
    struct error error = {0};

    wish->password_probe = true;
    assert_int_equal(user_id_parse(&wish->id, name, &error), 0);
    if (password != NULL) {
        const struct secret secret = secret_over(password);

        assert_int_equal(account_state_password(&wish->account, &secret, &error), 0);
    }
    return wish;
}

int
trial_run(struct trial *trial, enum ensure_mode mode)
{
    return ensure_accounts(&trial->backend, trial->wishes, trial->count, mode,
        trial->outcomes, &trial->error);
}

const char *
trial_actions(const struct trial *trial)
{
    static char actions[256];
    const struct list *list = &trial->outcomes[0].actions;

    actions[0] = '\0';
    for (size_t i = 0; i < list->count; i++) {
        size_t length = strlen(actions);

        snprintf(actions + length, sizeof(actions) - length, "%s%s", i > 0 ? ", " : "",
            list->items[i]);
    }
    return actions;
}

struct fake_account *
trial_find(struct trial *trial, const char *localpart)
{
    return find(&trial->fake, localpart);
}

void
trial_end(struct trial *trial)
{
    for (size_t i = 0; i < FAKE_ACCOUNTS; i++) {
        wish_free(&trial->wishes[i]);
        outcome_free(&trial->outcomes[i]);
    }
    list_free(&trial->warnings);
}
