/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One call to a homeserver's JSON API: JSON in, JSON out, every answer
 * checked before anybody believes it, every refusal in words that hold none
 * of the call's secrets.
 */
#ifndef REGISTRAR_MATRIX_CALL_H
#define REGISTRAR_MATRIX_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <time.h>

#include "base/error.h"
#include "base/secret.h"
#include "net/http.h"
#include "net/retry.h"

/* Where a server's logins differ from those of homeservers. */
struct login_terms {
    const char *limit;   /* its setting that limits them; Synapse's is "rc_login" */
    long long wait_ms;   /* to wait where that limit names no wait */
    const char *wrong;   /* what it says about a password that is wrong, of all that it
                            answers with 403 M_FORBIDDEN */
};

/* A homeserver as it is talked to; one thread at a time. */
struct matrix {
    struct http *http;
    struct retry *retry;
    char server_header[64]; /* of the newest answer, "" when it had none */
    time_t server_date;     /* of the newest answer, 0 when it had none */
    /* What would spare a task its login, behind "or" in the message about a
     * limit on logins: "give an access_token, which needs none". NULL: nothing. */
    const char *login_advice;
    const struct login_terms *login_terms; /* NULL: a homeserver's */
};

/* How many secrets a call's body can hold at most. */
#define CALL_SECRETS 4

struct call {
    const char *method;
    const char *path;            /* percent-encoded, begins with '/' */
    const struct secret *bearer; /* or NULL */
    const struct http_basic *basic; /* in place of bearer, or NULL */
    json_t *body;                /* or NULL; stays the caller's */
    const char *form;            /* form-encoded, in place of body, or NULL */
    bool may_be_empty;           /* so may the body of an answer of success */
    const struct secret *secrets[CALL_SECRETS]; /* that an answer might echo */
    enum retry_class retry;
    bool report_429;             /* a rate limit is an answer, too */
    bool cleaning_up;            /* goes out even after a signal to stop */
};

struct answer {
    long status;
    json_t *body;          /* a JSON object, or NULL when there was none */
    bool is_json;          /* as its Content-Type says */
    char errcode[64];      /* of a refusal, "" when it had none */
    char message[300];     /* the server's words, redacted and cut; or "" */
    long long retry_after_ms;
    bool resent;           /* an earlier try of it may have arrived (net/http.h) */
    long long waited_ms;   /* that the task had waited until then (struct retry) */
};

/*
 * Sends and waits for an answer of any status, for answer_free. Errors: those
 * of retry_exchange; protocol when a 2xx answer is not a JSON object, nor the
 * emptiness that the call allows;
 * interrupted when a signal asked to stop before it was sent.
 */
int call_send(struct matrix *matrix, const struct call *call, struct answer *answer,
    struct error *error);

/*
 * call_send for reading: GET path, as bearer, or as anybody with NULL. A path
 * of NULL is "no memory", so that it can come straight from where it is built.
 */
int call_get(struct matrix *matrix, const char *path, const struct secret *bearer,
    struct answer *answer, struct error *error);

void answer_free(struct answer *answer);

bool answer_ok(const struct answer *answer);

/* True for a refusal with this status and errcode. */
bool answer_is(const struct answer *answer, long status, const char *errcode);

/*
 * True when the server's words contain these, before anything was taken out
 * of them: a password that is "nonce" does not hide one.
 */
bool answer_says(const struct answer *answer, const char *words);

/*
 * Records a refusal as an error of the kind its errcode has: "<what>: the
 * server says 403 M_FORBIDDEN (its words)". Always -1.
 */
int answer_refused(const struct answer *answer, const char *what, struct error *error);

/* As answer_refused, but with a kind and advice of the caller's. Always -1. */
int answer_refused_as(const struct answer *answer, enum error_kind kind, const char *what,
    const char *advice, struct error *error);

/* "-> it": a string member of the answer that must be there and not empty.
 * NULL and a `protocol` error otherwise. Lives as long as the answer. */
const char *answer_string(const struct answer *answer, const char *key, const char *what,
    struct error *error);

#endif
