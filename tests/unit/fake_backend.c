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

static bool
has_administrator(const struct backend *backend)
{
    return backend->authority == AUTHORITY_ADMINISTRATOR;
}

static bool
has_database(const struct backend *backend)
{
    return backend->connection->database != NULL;
}

/* Whether the one who is at hand is shown accounts whole. */
static bool
sees_all(const struct backend *backend)
{
    const struct fake *fake = backend->state;

    return has_administrator(backend) && (!fake->blind || has_database(backend));
}

static int
become_administrator(struct backend *backend, struct error *error)
{
    static char server_name[] = "example.org";
    struct fake *fake = fake_of(backend);
    const struct fake_fault *fault = meet_fault(fake, "become", FAKE_SERVICE);

    if (fake->blind && has_database(backend)) {
        if (!has_administrator(backend))
            note(fake, "become", FAKE_DATABASE);
        backend->authority = AUTHORITY_ADMINISTRATOR;
        return 0;
    }
    note(fake, "become", FAKE_SERVICE);
    if (fault != NULL) {
        error->ends_list = fault->kind != ERROR_UNSUPPORTED;
        return fail_with(fault, error);
    }
    assert_true(connection_may_administrate(backend->connection));
    if (!fake->has_service)
        list_add(backend->actions, "create service account");
    if (!fake->has_service && backend->predict) {
        backend->authority = AUTHORITY_PREDICTED;
        return 0;
    }
    fake->has_service = true;
    backend->server_name = server_name;
    backend->authority = AUTHORITY_ADMINISTRATOR;
    return 0;
}

/* What the account shows: its own password all but its type, unless it is an
 * administrator itself. */
static int
show(struct observation *observed, const struct fake_account *account, bool to_all_seeing,
    struct error *error)
{
    char user_id[64];
    char localpart[32];

    snprintf(user_id, sizeof(user_id), "@%s:example.org", account->localpart);
    snprintf(localpart, sizeof(localpart), "%s", account->localpart);
    observed->presence = PRESENCE_PRESENT;
    account_state_bool(&observed->account, ACCOUNT_ADMIN, account->admin);
    account_state_bool(&observed->account, ACCOUNT_DEACTIVATED, account->deactivated);
    account_state_bool(&observed->account, ACCOUNT_LOCKED, account->locked);
    if (account_name(&observed->account, user_id, localpart, error) != 0)
        return -1;
    if ((to_all_seeing || account->admin) &&
        account_state_text(&observed->account, ACCOUNT_USER_TYPE, account->user_type,
            error) != 0)
        return -1;
    return account_state_text(&observed->account, ACCOUNT_DISPLAYNAME, account->displayname,
        error);
}

static int
show_profile(struct observation *observed, const struct fake_account *account,
    struct error *error)
{
    observed->presence = PRESENCE_PRESENT;
    return account_state_text(&observed->account, ACCOUNT_DISPLAYNAME, account->displayname,
        error);
}

static int
lookup(struct backend *backend, unsigned mask, struct observation *observed,
    struct error *error)
{
    struct fake *fake = fake_of(backend);
    const char *localpart = observed->account.localpart;
    const struct fake_account *account = find(fake, localpart);
    const struct fake_fault *fault = meet_fault(fake, "lookup", localpart);

    fake->mask = mask;
    note(fake, "lookup", localpart);
    fake->own[0] = '\0';
    if (fault != NULL)
        return fail_with(fault, error);
    if (fake->hidden_once != NULL && strcmp(fake->hidden_once, localpart) == 0) {
        fake->hidden_once = NULL;
        account = NULL;
    }
    if (!sees_all(backend)) {
        bool tells = fake->blind || fake->shut != NULL;

        observed->presence = tells ? PRESENCE_ABSENT : PRESENCE_UNKNOWN;
        return (fake->profiles || tells) && account != NULL
                   ? show_profile(observed, account, error)
                   : 0;
    }
    observed->presence = account == NULL ? PRESENCE_ABSENT : PRESENCE_PRESENT;
    return account == NULL ? 0 : show(observed, account, true, error);
}

static bool
asks_by_login(const struct backend *backend)
{
    const struct fake *fake = backend->state;

    if (fake->blind && has_database(backend))
        return false;
    if (fake->blind && (fake->mask & (ACCOUNT_BIT(ACCOUNT_ADMIN) |
                                         ACCOUNT_BIT(ACCOUNT_DISPLAYNAME))) != 0)
        return true;
    return backend->authority != AUTHORITY_ADMINISTRATOR;
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
    if (*answer != PASSWORD_SAME)
        return 0;
    if (!has_administrator(backend) || asks_by_login(backend) || fake->blind)
        snprintf(fake->own, sizeof(fake->own), "%s", localpart);
    if (fake->blind && !asks_by_login(backend) && !sees_all(backend))
        return 0;
    return show(observed, account, sees_all(backend), error);
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
    if (account->deactivated)
        account->displayname[0] = '\0'; /* see foresee */
    if ((stated & ACCOUNT_BIT(ACCOUNT_LOCKED)) != 0)
        account->locked = change->locked;
    if ((stated & ACCOUNT_BIT(ACCOUNT_USER_TYPE)) != 0)
        snprintf(account->user_type, sizeof(account->user_type), "%s",
            change->user_type == NULL ? "" : change->user_type);
    if ((stated & ACCOUNT_BIT(ACCOUNT_DISPLAYNAME)) != 0)
        snprintf(account->displayname, sizeof(account->displayname), "%s",
            change->displayname == NULL ? "" : change->displayname);
    if ((stated & ACCOUNT_BIT(ACCOUNT_PASSWORD)) != 0)
        snprintf(account->password, sizeof(account->password), "%s", change->password.bytes);
}

/* What a creation makes; the rest is left to an update. */
#define CREATED (~ACCOUNT_BIT(ACCOUNT_LOCKED))

static int
creates_openly(struct backend *backend, bool *possible, char why[300], struct error *error)
{
    struct fake *fake = fake_of(backend);
    const struct fake_fault *fault = meet_fault(fake, "creates_openly", "");

    note(fake, "creates_openly", "");
    *possible = fake->shut[0] == '\0';
    snprintf(why, 300, "%s", fake->shut);
    return fault != NULL ? fail_with(fault, error) : 0;
}

static bool
creates(const struct backend *backend, const struct account *wanted)
{
    return has_administrator(backend) ||
           (account_states(wanted, ACCOUNT_PASSWORD) && (wanted->stated & ~CREATED) == 0);
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
    *creation = fake->there_by_then ? CREATION_PERHAPS : CREATION_NAME_TAKEN;
    account = find(fake, wanted->localpart);
    if (account != NULL)
        return fake->there_by_then ? show(observed, account, true, error) : 0;
    /* Of a lost answer nobody knows what it said. */
    *creation = fault != NULL && fault->maybe_done ? CREATION_NAME_TAKEN : CREATION_DONE;
    assert_true(fake->count < FAKE_ACCOUNTS);
    account = &fake->accounts[fake->count++];
    snprintf(account->localpart, sizeof(account->localpart), "%s", wanted->localpart);
    make(account, wanted, CREATED);
    account->admin |= fake->promotes;
    if (fault != NULL && fake->shut == NULL)
        return fail_with(fault, error);
    observed->password_is_set = true;
    if (show(observed, account, true, error) != 0)
        return -1;
    return fault != NULL ? fail_with(fault, error) : 0;
}

static bool
updates(const struct backend *backend, const struct account *change)
{
    const struct fake *fake = backend->state;
    bool is_own = strcmp(fake->own, change->localpart) == 0;
    unsigned able = is_own ? ACCOUNT_BIT(ACCOUNT_DISPLAYNAME) : 0;

    if (has_administrator(backend))
        able |= fake->blind ? ACCOUNT_BIT(ACCOUNT_PASSWORD) : ~0u;
    if (fake->blind && sees_all(backend))
        able |= ~ACCOUNT_BIT(ACCOUNT_DISPLAYNAME);
    return (change->stated & ~able) == 0;
}

static int
may_update(struct backend *backend, const struct observation *observed,
    const struct account *change, struct error *error)
{
    struct fake *fake = fake_of(backend);

    (void)observed;
    note(fake, "may_update", change->localpart);
    if (!updates(backend, change))
        return error_set(error, ERROR_UNAUTHORIZED, "this takes %s",
            backend->type->administrator);
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
    assert_true(updates(backend, change));
    fake->logged_out_devices = logout_devices;
    make(account, change, fault == NULL ? ~0u : fault->done);
    return fault != NULL ? fail_with(fault, error) : show(observed, account, true, error);
}

/* A deactivation takes the display name away, here. */
static int
foresee(const struct backend *backend, struct account *after, const struct account *change,
    struct error *error)
{
    (void)backend;
    if (!account_is(change, ACCOUNT_DEACTIVATED))
        return 0;
    return account_state_text(after, ACCOUNT_DISPLAYNAME, NULL, error);
}

static int
verify_login(struct backend *backend, const struct account *account,
    const struct secret *password, struct error *error)
{
    struct fake *fake = fake_of(backend);
    const struct fake_account *known = find(fake, account->localpart);
    const struct fake_fault *fault = meet_fault(fake, "verify", account->localpart);

    note(fake, "verify", account->localpart);
    if (fault != NULL)
        return fail_with(fault, error);
    if (known == NULL || known->deactivated || strcmp(known->password, password->bytes) != 0)
        return error_set(error, ERROR_UNAUTHORIZED, "%s cannot log in", account->localpart);
    return 0;
}

static int
may_verify_login(struct backend *backend, struct error *error)
{
    if (!fake_of(backend)->no_logins)
        return 0;
    return error_set(error, ERROR_UNSUPPORTED, "the fake has no password logins");
}

static const struct backend_type fake_type = {
    .server = SERVER_SYNAPSE,
    .product = "Fake",
    .administrator = "the fake's administrator",
    .creator = "the fake's creator",
    .become_administrator = become_administrator,
    .lookup = lookup,
    .asks_by_login = asks_by_login,
    .ask_password = ask_password,
    .may_create = may_create,
    .creates = creates,
    .create = create,
    .updates = updates,
    .may_update = may_update,
    .update = update,
    .foresee = foresee,
    .may_verify_login = may_verify_login,
    .verify_login = verify_login,
};

static struct backend_type used_type; /* fake_type, and what makes it another */

static struct secret credential_bytes = {(char[]){"token"}, 5};

/* As it is when a task begins; the fake stays. */
static void
open_fake(struct trial *trial)
{
    static char server_name[] = "example.org";

    used_type = fake_type;
    used_type.unseen = trial->fake.blind ? "give the fake's database" : NULL;
    used_type.creates_openly = trial->fake.shut != NULL ? creates_openly : NULL;
    trial->backend = (struct backend){
        .type = &used_type,
        .connection = &trial->connection,
        .server_name = server_name,
        .warnings = &trial->warnings,
        .actions = &trial->actions,
        .authority = connection_has_administrator(&trial->connection)
                         ? AUTHORITY_ADMINISTRATOR
                         : AUTHORITY_NONE,
        .state = &trial->fake,
    };
    trial->fake.calls[0] = '\0';
    trial->fake.own[0] = '\0';
}

void
trial_start(struct trial *trial, enum trial_credential credential)
{
    struct fake_account *alice;

    memset(trial, 0, sizeof(*trial));
    if (credential == BY_ADMINISTRATOR)
        trial->connection.access_token = &credential_bytes;
    if (credential == BY_SHARED_SECRET || credential == BY_SERVICE_ACCOUNT)
        trial->connection.shared_secret = &credential_bytes;
    if (credential == BY_SERVICE_ACCOUNT)
        trial->connection.service_account = FAKE_SERVICE;
    open_fake(trial);
    alice = trial_account(trial, "alice");
    strcpy(alice->password, "right");
    strcpy(alice->displayname, "Alice");
}

void
trial_blind(struct trial *trial, bool has_one)
{
    static const struct postgres_options database;

    trial->fake.blind = true;
    trial->connection.database = has_one ? &database : NULL;
    open_fake(trial);
}

void
trial_shut(struct trial *trial, const char *why)
{
    trial->fake.shut = why;
    open_fake(trial);
}

/* What a run left behind. */
static void
forget_run(struct trial *trial)
{
    for (size_t i = 0; i < FAKE_ACCOUNTS; i++)
        outcome_free(&trial->outcomes[i]);
    list_free(&trial->warnings);
    list_free(&trial->actions);
    error_clear(&trial->error);
}

void
trial_repeat(struct trial *trial)
{
    forget_run(trial);
    open_fake(trial);
}

void
trial_end(struct trial *trial)
{
    forget_run(trial);
    for (size_t i = 0; i < FAKE_ACCOUNTS; i++)
        wish_free(&trial->wishes[i]);
}
