/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/mas_cli.h"

#include <string.h>

#include "backends/mas/state.h"
#include "base/memory.h"
#include "net/engine_exec.h"

#define PROGRAM "mas-cli"

/* What stands before a command: the program, its configuration, "manage". */
#define BEFORE 3

void
mas_cli_add(struct mas_cli *cli, const char *prefix, const char *value)
{
    size_t prefix_length = strlen(prefix);
    size_t value_length = value == NULL ? 0 : strlen(value);
    char **words = memory_resize(cli->words, (cli->count + 1) * sizeof(*words));
    char *word = memory_allocate(prefix_length + value_length + 1);

    if (words != NULL)
        cli->words = words;
    if (words == NULL || word == NULL) {
        memory_free(word);
        cli->failed = true;
        return;
    }
    memcpy(word, prefix, prefix_length);
    if (value_length > 0)
        memcpy(word + prefix_length, value, value_length);
    word[prefix_length + value_length] = '\0';
    cli->words[cli->count++] = word;
}

static void
free_words(struct mas_cli *cli)
{
    for (size_t i = 0; i < cli->count; i++)
        memory_free(cli->words[i]);
    memory_free(cli->words);
    *cli = (struct mas_cli){0};
}

/* What an exit status other than 0 means; the last row is any other. */
static const struct {
    long status;
    enum error_kind kind;
    bool ends_list;
    const char *meaning;
} statuses[] = {
    {1, ERROR_SERVER, false, "refused or failed"},
    /* clap's, of arguments that it does not know or cannot take. */
    {2, ERROR_UNSUPPORTED, false, "does not take these arguments; is it too old for them?"},
    {101, ERROR_SERVER, false, "broke down"}, /* Rust's, of a panic */
    /* The engine's: there is no such program. Podman's 125 is any failure to start it. */
    {125, ERROR_UNSUPPORTED, true, "could not be started; is this MAS's container?"},
    {126, ERROR_UNSUPPORTED, true, "could not be started; is this MAS's container?"},
    {127, ERROR_UNSUPPORTED, true, "is not there; is this MAS's container?"},
    {0, ERROR_SERVER, false, "was ended"},
};

static int
refused(const char *container, const char *name, const struct engine_ended *ended,
    struct error *error)
{
    size_t row = 0;

    while (statuses[row].status != 0 && statuses[row].status != ended->exit_code)
        row++;
    error->ends_list = statuses[row].ends_list;
    return error_set(error, statuses[row].kind,
        PROGRAM " manage %s in the container %s %s (exit status %ld%s%s)", name, container,
        statuses[row].meaning, ended->exit_code, ended->said[0] != '\0' ? ": " : "",
        ended->said);
}

static const char password_was_seen[] =
    "the password stood in the arguments of mas-cli in the container %.64s, where for a moment "
    "it could be read by who sees its processes or its engine's events. MAS's admin API needs "
    "no such thing: in MAS's configuration, add {name: adminapi} to the resources of one of "
    "http.listeners, {client_id: A-ULID, client_auth_method: client_secret_basic, "
    "client_secret: ...} to clients, and A-ULID to policy.data.admin_clients (with "
    "matrix-docker-ansible-deploy: matrix_authentication_service_admin_api_enabled: true, "
    "matrix_authentication_service_config_clients_custom, and policy in "
    "matrix_authentication_service_configuration_extension_yaml), and give mas_client_id and "
    "mas_client_secret; see docs/mas.md";

/* An argument ends at its first NUL. */
static int
check_password(const struct secret *password, struct error *error)
{
    if (password == NULL || strlen(password->bytes) == password->length)
        return 0;
    return error_set(error, ERROR_INVALID,
        "the password has a NUL in it, which no argument of a command can have");
}

/* With what stands before them, and the NULL behind them: for memory_free. */
static const char **
complete(const struct backend *backend, const struct mas_cli *cli, char **config)
{
    const char *path = backend->connection->mas.command_config;
    const char **words = memory_zeroed(BEFORE + cli->count + 1, sizeof(*words));
    struct mas_cli option = {0};
    size_t count = 0;

    *config = NULL;
    if (words == NULL)
        return NULL;
    words[count++] = PROGRAM;
    if (path != NULL) {
        mas_cli_add(&option, "--config=", path);
        if (option.failed) {
            free_words(&option);
            memory_free((void *)words);
            return NULL;
        }
        words[count++] = *config = option.words[0];
        memory_free(option.words);
    }
    words[count++] = "manage";
    memcpy((void *)(words + count), cli->words, cli->count * sizeof(*words));
    return words;
}

int
mas_cli_run(struct backend *backend, struct mas_cli *cli, const struct secret *password,
    struct error *error)
{
    /* Or its errors end in hundreds of lines of where in its code they came from. */
    static const char *const environment[] = {"RUST_BACKTRACE=0", NULL};
    const struct connection *connection = backend->connection;
    const struct redaction secrets = {&password, 1};
    struct engine_ended ended = {0};
    struct engine_command command = {
        .container = connection->mas.command_container,
        .environment = environment,
        .secrets = &secrets,
        .timeout_ms = connection->http.timeout_ms,
        .cleaning_up = mas_state_of(backend)->finishing,
    };
    char *config = NULL;
    const char **words = cli->failed ? NULL : complete(backend, cli, &config);
    int result = -1;

    command.words = words;
    if (words == NULL) {
        error_no_memory(error);
    } else if (check_password(password, error) == 0) {
        result = engine_exec_run(&connection->engine, &command, &ended, error);
        /* Also when its end is not known: it was started, perhaps. */
        if (password != NULL && (result == 0 || error->maybe_done))
            list_add(backend->warnings, password_was_seen, command.container);
        if (result == 0 && ended.exit_code != 0)
            result = refused(command.container, cli->words[0], &ended, error);
    }
    memory_free((void *)words);
    memory_free(config);
    free_words(cli);
    return result;
}
