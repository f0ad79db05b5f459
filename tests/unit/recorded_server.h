/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A web server that says what a test wrote down, to whatever is asked: for
 * what reads replies. What servers do is for the suites with real ones. */
#ifndef REGISTRAR_TESTS_RECORDED_SERVER_H
#define REGISTRAR_TESTS_RECORDED_SERVER_H

/* Added to a status: the row is good for one request. */
#define RECORDED_ONCE 1000

/* Added to a status, each of them: the body is written in hexadecimal, and is sent
 * without its length, so that the end of the connection is its end; that end comes only
 * when the client closes; the body is sent again and again. */
#define RECORDED_STREAM 2000
#define RECORDED_HELD 4000
#define RECORDED_ENDLESS 8000

/* Added to a status: the connection is kept, and breaks when the next request has arrived
 * on it, so that libcurl sends that one again. */
#define RECORDED_KEPT 16000

/* In place of a status: the request arrives, and its reply is lost. */
#define RECORDED_LOST 0

struct recorded_reply {
    const char *path;    /* the start of the request's path, or of its method and
                            path ("GET /x"); NULL ends a table */
    int status;
    const char *headers; /* lines with \r\n, or NULL */
    const char *body;
};

struct recorded_server;

/*
 * Starts to listen on a port of 127.0.0.1 that is free, in a thread of its
 * own. The first reply of the table whose path fits is given; none: 404. The
 * table, of 64 rows at most, is copied, but for its texts; it may be exchanged
 * between requests, and the rows of the new one are all good.
 */
struct recorded_server *recorded_server_start(const struct recorded_reply *replies);

/* The same on a new unix socket; the path is the caller's to remove. */
struct recorded_server *recorded_server_start_at(const char *path,
    const struct recorded_reply *replies);

/* The same on a socket that listens; it is closed when the server stops. */
struct recorded_server *recorded_server_start_on(int listener,
    const struct recorded_reply *replies);

void recorded_server_say(struct recorded_server *server,
    const struct recorded_reply *replies);

/*
 * A token that is answered 401 M_UNKNOWN_TOKEN, whatever the table says; NULL:
 * none is.
 */
void recorded_server_forget(struct recorded_server *server, const char *token);

/*
 * What was asked since the last call: a line "METHOD path token\n" for each
 * request, "-" without a token, and the request's body behind it if it has one.
 * Until the next call.
 */
const char *recorded_server_log(struct recorded_server *server);

/* The newest request, whole. Until the next call. */
const char *recorded_server_request(struct recorded_server *server);

/* "http://127.0.0.1:12345", as long as the server runs; "http://localhost" for
 * one that does not listen there. */
const char *recorded_server_url(const struct recorded_server *server);

/* How many requests came. */
unsigned recorded_server_requests(const struct recorded_server *server);

void recorded_server_stop(struct recorded_server *server);

#endif
