/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "db/postgres.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/memory.h"
#include "base/redact.h"
#include "base/stop.h"
#include "base/text.h"
#include "db/postgres_parameters.h"
#include "db/run_as.h"

/* Between two looks at whether a signal asked to stop. */
#define SLICE_MS 200

/* Some kilobytes an account, and ten thousand accounts, several times over. */
#define MOST_BYTES ((size_t)64 << 20)

/* For an order to the server that a statement is not to go on. */
#define CANCEL_SECONDS 2

struct postgres {
    PGconn *connection;
    const struct postgres_options *options;
    struct postgres_parameters parameters;
    char *where;
    bool is_replica;
    PostgresPollingStatusType polling; /* what connecting waits for */
};

/* Foreign text without the secrets of the options, cut and on one line. */
static int
show(const struct postgres *postgres, char *buffer, size_t size, const char *text,
    struct error *error)
{
    const struct secret *secrets[] = {postgres->options->password, postgres->options->uri,
        &postgres->parameters.password};
    const struct redaction redaction = {secrets, sizeof(secrets) / sizeof(secrets[0])};
    char *redacted = redact_text(text, &redaction, REDACT_WITHHOLD_SHORT);
    size_t length;

    if (redacted == NULL)
        return error_no_memory(error);
    text_show(buffer, size, redacted);
    memory_free(redacted);
    for (length = strlen(buffer); length > 0 && buffer[length - 1] == ' ';)
        buffer[--length] = '\0';
    return 0;
}

static int
interrupted(struct error *error)
{
    return error_set(error, ERROR_INTERRUPTED, "stopped by %s",
        stop_signal_name(stop_signal()));
}

/*
 * Waits until the connection's socket is ready. 1: it is; 0: the time is over;
 * -1: a signal asked to stop.
 */
static int
wait_ready(const struct postgres *postgres, short events, long long end_ms)
{
    for (;;) {
        struct pollfd one = {.fd = PQsocket(postgres->connection), .events = events};
        long long left = end_ms - stop_clock_ms();

        if (stop_signal() != 0)
            return -1;
        if (left <= 0)
            return 0;
        if (poll(&one, 1, (int)(left < SLICE_MS ? left : SLICE_MS)) > 0)
            return 1;
    }
}

/* What libpq says in its own words, which are never translated here. */
static const struct {
    const char *words;
    enum error_kind kind;
    const char *advice;
} connect_failures[] = {
    {"Connection refused", ERROR_DATABASE,
        "nothing listens there: is it running, and is this its address and port?"},
    {"No such file or directory", ERROR_DATABASE,
        "there is no such socket: is it running, and is host the folder of its socket?"},
    {"Permission denied", ERROR_DATABASE,
        "the socket may not be used by who runs this: use run_as, or become"},
    {"Peer authentication failed", ERROR_DATABASE,
        "it wants the system user of that name: set run_as"},
    {"password authentication failed", ERROR_DATABASE, "user or password are wrong"},
    {"no password supplied", ERROR_DATABASE, "it wants a password"},
    /* Which also says whether SSL was in use. */
    {"pg_hba.conf", ERROR_DATABASE,
        "its pg_hba.conf does not let this user in from here, or not with this sslmode"},
    {"certificate", ERROR_TLS,
        "give ca_path with the authority that signed it, and as host the name that is in it"},
    {"SSL", ERROR_TLS, "sslmode says how it is to be protected"},
    {"does not exist", ERROR_DATABASE, "check the database's name and user"},
    {"starting up", ERROR_DATABASE, "try again in a moment"},
};

static int
connect_failed(const struct postgres *postgres, struct error *error)
{
    const char *message = PQerrorMessage(postgres->connection);
    enum error_kind kind = ERROR_DATABASE;
    const char *advice = "";
    char shown[500];

    for (size_t i = 0; i < sizeof(connect_failures) / sizeof(connect_failures[0]); i++)
        if (strstr(message, connect_failures[i].words) != NULL) {
            kind = connect_failures[i].kind;
            advice = connect_failures[i].advice;
            break;
        }
    if (show(postgres, shown, sizeof(shown), message, error) != 0)
        return -1;
    return error_set(error, kind, "cannot connect to %s: %s%s%s", postgres->where, shown,
        *advice != '\0' ? "; " : "", advice);
}

static int
finish_connecting(struct postgres *postgres, struct error *error)
{
    long long end_ms = stop_clock_ms() + postgres->options->connect_timeout_ms;

    while (postgres->polling != PGRES_POLLING_OK) {
        int ready;

        if (postgres->polling == PGRES_POLLING_FAILED)
            return connect_failed(postgres, error);
        ready = wait_ready(postgres,
            postgres->polling == PGRES_POLLING_READING ? POLLIN : POLLOUT, end_ms);
        if (ready < 0)
            return interrupted(error);
        if (ready == 0)
            return error_set(error, ERROR_DATABASE,
                "cannot connect to %s: no answer within %ld ms (connect_timeout)",
                postgres->where, postgres->options->connect_timeout_ms);
        postgres->polling = PQconnectPoll(postgres->connection);
    }
    return 0;
}

/* The socket is open when this is done: whoever we are then is who we are over there. */
static int
begin_connecting(struct postgres *postgres, struct error *error)
{
    struct pollfd one = {.events = POLLOUT};

    postgres->connection = PQconnectStartParams(postgres->parameters.keywords,
        postgres->parameters.values, 0);
    if (postgres->connection == NULL)
        return error_no_memory(error);
    if (PQstatus(postgres->connection) == CONNECTION_BAD)
        return connect_failed(postgres, error);
    /* Notices would go to standard error. */
    PQsetNoticeProcessor(postgres->connection, postgres_parameters_ignore, NULL);
    postgres->polling = PGRES_POLLING_WRITING;
    /* A socket of this machine is open at once: then it says who wants in, too. */
    one.fd = PQsocket(postgres->connection);
    if (poll(&one, 1, 0) > 0)
        postgres->polling = PQconnectPoll(postgres->connection);
    return 0;
}

/* The same as another user. A host that is not this machine has more than the socket to
 * wait for, and none of it asks who we are. */
static int
begin_as(struct postgres *postgres, const char *name, struct error *error)
{
    struct run_as before;
    int result;

    if (run_as_begin(&before, name, error) != 0)
        return -1;
    result = begin_connecting(postgres, error);
    return run_as_end(&before, error) != 0 ? -1 : result;
}

/* Who may do this and cannot within that time never will. */
static int
set_up(struct postgres *postgres, struct error *error)
{
    char limit[32];
    const char *const values[] = {limit};
    struct postgres_rows rows;
    int result;

    snprintf(limit, sizeof(limit), "%ldms", postgres->options->statement_timeout_ms);
    result = postgres_run(postgres,
        "SELECT pg_catalog.set_config('statement_timeout', $1, false), "
        "pg_catalog.set_config('lock_timeout', $1, false), "
        "pg_catalog.set_config('client_encoding', 'UTF8', false), "
        "pg_catalog.pg_is_in_recovery()",
        values, 1, &rows, error);
    if (result == 0)
        postgres->is_replica = postgres_rows_true(&rows, 0, 3);
    postgres_rows_free(&rows);
    return result;
}

struct postgres *
postgres_begin(const struct postgres_options *options, struct error *error)
{
    struct postgres *postgres = memory_zeroed(1, sizeof(*postgres));

    if (postgres == NULL) {
        error_no_memory(error);
        return NULL;
    }
    postgres->options = options;
    if (postgres_parameters_make(&postgres->parameters, options, error) == 0 &&
        (postgres->where = postgres_parameters_where(&postgres->parameters, error)) != NULL &&
        (options->run_as != NULL ? begin_as(postgres, options->run_as, error)
                                 : begin_connecting(postgres, error)) == 0)
        return postgres;
    postgres_close(postgres);
    return NULL;
}

int
postgres_finish(struct postgres *postgres, struct error *error)
{
    return finish_connecting(postgres, error) == 0 ? set_up(postgres, error) : -1;
}

struct postgres *
postgres_open(const struct postgres_options *options, struct error *error)
{
    struct postgres *postgres = postgres_begin(options, error);

    if (postgres == NULL || postgres_finish(postgres, error) == 0)
        return postgres;
    postgres_close(postgres);
    return NULL;
}

void
postgres_close(struct postgres *postgres)
{
    if (postgres == NULL)
        return;
    PQfinish(postgres->connection);
    postgres_parameters_free(&postgres->parameters);
    memory_free(postgres->where);
    memory_free(postgres);
}

const char *
postgres_where(const struct postgres *postgres)
{
    return postgres->where;
}

bool
postgres_is_replica(const struct postgres *postgres)
{
    return postgres->is_replica;
}

/* What a database's refusal means here (PostgreSQL, appendix A: error codes). */
static const struct {
    const char *sqlstate;
    const char *advice;
} statement_failures[] = {
    {"42501", "this user lacks the privilege; give the one that the homeserver uses"},
    {"25006", "it may be read and not written: is this a replica? give the primary"},
    {"42P01", "this is not the homeserver's database"},
    {"42703", "this database is of another version of the homeserver"},
    {"55P03", "another transaction holds the row; try again when it has ended"},
    {"57014", "it took longer than the statement's time limit; is the database busy?"},
    {"40P01", "it got in the way of another transaction; try again"},
};

static int
statement_failed(const struct postgres *postgres, const PGresult *result,
    struct error *error)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *advice = "";
    char shown[400];

    /* The connection broke: there is no word of the server's. */
    if (message == NULL)
        message = PQerrorMessage(postgres->connection);
    error->maybe_done = sqlstate == NULL;
    for (size_t i = 0; sqlstate != NULL && i < sizeof(statement_failures) /
                                                   sizeof(statement_failures[0]);
         i++)
        if (strcmp(statement_failures[i].sqlstate, sqlstate) == 0)
            advice = statement_failures[i].advice;
    if (show(postgres, shown, sizeof(shown), message, error) != 0)
        return -1;
    return error_set(error, ERROR_DATABASE, "%s: %s%s%s%s%s%s", postgres->where, shown,
        sqlstate == NULL ? "" : " (SQLSTATE ", sqlstate == NULL ? "" : sqlstate,
        sqlstate == NULL ? "" : ")", *advice != '\0' ? "; " : "", advice);
}

/* libpq waits without end for a server that does not answer even this; so it is
 * done by a child, and not for long. */
static int
order_cancel(void *order, struct text *answer)
{
    char ignored[256];

    (void)answer;
    PQcancel(order, ignored, sizeof(ignored));
    return 0;
}

static void
cancel(const struct postgres *postgres)
{
    static const struct child_limits limits = {.seconds = CANCEL_SECONDS};
    PGcancel *order = PQgetCancel(postgres->connection);
    struct error ignored = {0};
    struct text answer = {0};

    if (order != NULL)
        child_run(order_cancel, order, &limits, "the end of a statement", &answer, &ignored);
    text_free(&answer);
    PQfreeCancel(order);
}

/* Waits until there is a result, or the end of them, to be taken. */
static int
wait_result(const struct postgres *postgres, long long end_ms, struct error *error)
{
    while (PQisBusy(postgres->connection)) {
        int ready = wait_ready(postgres, POLLIN, end_ms);

        if (ready <= 0) {
            cancel(postgres);
            error->maybe_done = true;
            return ready < 0 ? interrupted(error)
                             : error_set(error, ERROR_DATABASE, "%s does not answer any more",
                                   postgres->where);
        }
        if (!PQconsumeInput(postgres->connection))
            break;
    }
    return 0;
}

/* Puts the one row of a result behind those that came before it. */
static int
add_row(const struct postgres *postgres, PGresult **rows, PGresult *row, struct error *error)
{
    int number, added = 1;

    if (*rows == NULL) {
        *rows = row;
        return 0;
    }
    number = PQntuples(*rows);
    for (int column = 0; added && column < PQnfields(row) && column < PQnfields(*rows); column++)
        added = PQgetisnull(row, 0, column)
                    ? PQsetvalue(*rows, number, column, NULL, -1)
                    : PQsetvalue(*rows, number, column, PQgetvalue(row, 0, column),
                          PQgetlength(row, 0, column));
    PQclear(row);
    if (!added)
        return error_no_memory(error);
    if (PQresultMemorySize(*rows) > MOST_BYTES)
        return error_set(error, ERROR_PROTOCOL, "%s answers with more than %zu MiB",
            postgres->where, MOST_BYTES >> 20);
    return 0;
}

static bool
is_copy(ExecStatusType status)
{
    return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

/*
 * Takes all that a statement brings: its rows, one after the other, so that there
 * can be too many, and what is said at their end. NULL: error recorded.
 */
static PGresult *
take_results(struct postgres *postgres, struct postgres_rows *rows, struct error *error)
{
    /* The server keeps its own time limit; this is for one that is gone. */
    long long end_ms =
        stop_clock_ms() + postgres->options->statement_timeout_ms + SLICE_MS * 5;
    PGresult *last = NULL, *kept = NULL, *result;
    int outcome;

    while ((outcome = wait_result(postgres, end_ms, error)) == 0 &&
           (result = PQgetResult(postgres->connection)) != NULL) {
        if (PQresultStatus(result) == PGRES_SINGLE_TUPLE) {
            outcome = add_row(postgres, &kept, result, error);
            if (outcome != 0)
                break;
            continue;
        }
        PQclear(last);
        last = result;
        /* libpq has no end of results while a copy goes on, which nobody asked for. */
        if (is_copy(PQresultStatus(last))) {
            outcome = error_set(error, ERROR_PROTOCOL, "%s answers with a copy of data",
                postgres->where);
            break;
        }
    }
    rows->result = kept;
    if (outcome == 0 && last == NULL)
        outcome = error_no_memory(error);
    if (outcome == 0)
        return last;
    PQclear(last);
    return NULL;
}

int
postgres_run(struct postgres *postgres, const char *statement, const char *const *values,
    size_t count, struct postgres_rows *rows, struct error *error)
{
    ExecStatusType status;
    PGresult *last;
    int result = 0;

    *rows = (struct postgres_rows){0};
    if (!PQsendQueryParams(postgres->connection, statement, (int)count, NULL, values, NULL,
            NULL, 0))
        return statement_failed(postgres, NULL, error);
    PQsetSingleRowMode(postgres->connection);
    last = take_results(postgres, rows, error);
    if (last == NULL)
        return -1;
    status = PQresultStatus(last);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        rows->changed = strtoul(PQcmdTuples(last), NULL, 10);
    else
        result = statement_failed(postgres, last, error);
    PQclear(last);
    return result;
}

void
postgres_rows_free(struct postgres_rows *rows)
{
    PQclear(rows->result);
    rows->result = NULL;
}

size_t
postgres_rows_count(const struct postgres_rows *rows)
{
    return rows->result == NULL ? 0 : (size_t)PQntuples(rows->result);
}

size_t
postgres_rows_changed(const struct postgres_rows *rows)
{
    return rows->changed;
}

const char *
postgres_rows_value(const struct postgres_rows *rows, size_t row, int column)
{
    if (row >= postgres_rows_count(rows) || PQgetisnull(rows->result, (int)row, column))
        return NULL;
    return PQgetvalue(rows->result, (int)row, column);
}

bool
postgres_rows_true(const struct postgres_rows *rows, size_t row, int column)
{
    const char *value = postgres_rows_value(rows, row, column);

    return value != NULL && (strcmp(value, "t") == 0 || strtol(value, NULL, 10) != 0);
}
