/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recorded_server.h"

#include "support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ROWS_MOST 64

struct recorded_server {
    int listener;
    pthread_t thread;
    char url[64];
    atomic_uint requests;
    pthread_mutex_t lock; /* of what is below */
    struct recorded_reply replies[ROWS_MOST + 1];
    char forgotten[64];
    char log[32768];
    char request[16384]; /* the newest */
    bool used_up[ROWS_MOST]; /* of the table */
};

/* Reads up to the end of the headers and of the body they announce. */
static void
read_request(int connection, char *request, size_t size)
{
    size_t length = 0, body = 0;
    const char *end = NULL, *announced;

    while (length + 1 < size) {
        ssize_t got = recv(connection, request + length, size - 1 - length, 0);

        if (got <= 0)
            break;
        length += (size_t)got;
        request[length] = '\0';
        end = strstr(request, "\r\n\r\n");
        if (end == NULL)
            continue;
        announced = strstr(request, "Content-Length: ");
        if (announced != NULL && announced < end)
            body = strtoul(announced + strlen("Content-Length: "), NULL, 10);
        if ((size_t)(request + length - end) >= strlen("\r\n\r\n") + body)
            break;
    }
    request[length] = '\0';
}

/* Writes the request into the log. True when its token is the forgotten one. */
static bool
note(struct recorded_server *server, const char *request)
{
    static const char header[] = "Authorization: Bearer ";
    const char *bearer = strstr(request, header);
    const char *body = strstr(request, "\r\n\r\n");
    const char *version = strstr(request, " HTTP/");
    char token[64] = "-";
    bool is_forgotten;
    size_t used;

    if (bearer != NULL)
        sscanf(bearer + strlen(header), "%63s", token);
    pthread_mutex_lock(&server->lock);
    snprintf(server->request, sizeof(server->request), "%s", request);
    used = strlen(server->log);
    is_forgotten = server->forgotten[0] != '\0' && strcmp(server->forgotten, token) == 0;
    body = body == NULL || strcmp(body, "\r\n\r\n{}") == 0 ? "" : body + 4;
    snprintf(server->log + used, sizeof(server->log) - used, "%.*s %s%s%s\n",
        version == NULL ? 0 : (int)(version - request), request, token,
        body[0] == '\0' ? "" : " ", body);
    pthread_mutex_unlock(&server->lock);
    return is_forgotten;
}

static bool
begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool
has(const struct recorded_reply *reply, int addition)
{
    return (reply->status / RECORDED_ONCE & addition / RECORDED_ONCE) != 0;
}

/* The row of the table that answers a request, or one for when none does; a copy, since
 * whoever has the answer may fill the table anew. */
static struct recorded_reply
choose(struct recorded_server *server, const char *request)
{
    struct recorded_reply chosen = {"", 404, NULL, ""};
    const char *path = strchr(request, ' ') + 1;
    bool found = false;

    pthread_mutex_lock(&server->lock);
    for (size_t row = 0; !found && server->replies[row].path != NULL; row++) {
        const char *start = server->replies[row].path;

        if (server->used_up[row] || !begins_with(start[0] == '/' ? path : request, start))
            continue;
        found = true;
        chosen = server->replies[row];
        server->used_up[row] = has(&chosen, RECORDED_ONCE);
    }
    pthread_mutex_unlock(&server->lock);
    return chosen;
}

static void
send_stream(int connection, const struct recorded_reply *reply)
{
    static char bytes[65536];
    size_t length = strlen(reply->body) / 2;
    unsigned byte;
    char ignored;

    assert_true(length <= sizeof(bytes));
    for (size_t i = 0; i < length; i++) {
        assert_int_equal(sscanf(reply->body + 2 * i, "%2x", &byte), 1);
        bytes[i] = (char)byte;
    }
    while (send(connection, bytes, length, MSG_NOSIGNAL) == (ssize_t)length &&
           has(reply, RECORDED_ENDLESS))
        ;
    if (has(reply, RECORDED_HELD))
        while (recv(connection, &ignored, 1, 0) > 0)
            ;
}

/* True when the connection is kept for another request. */
static bool
answer(struct recorded_server *server, int connection, const char *request)
{
    static const struct recorded_reply unknown = {
        "", 401, NULL, "{\"errcode\": \"M_UNKNOWN_TOKEN\", \"error\": \"Unknown\"}"};
    bool is_forgotten = note(server, request);
    struct recorded_reply reply;
    char head[1024];
    int length;

    if (strchr(request, ' ') == NULL)
        return false;
    reply = is_forgotten ? unknown : choose(server, request);
    if (reply.status % RECORDED_ONCE == RECORDED_LOST)
        return false;
    length = snprintf(head, sizeof(head), "HTTP/1.1 %d Recorded\r\n%s%s",
        reply.status % RECORDED_ONCE,
        has(&reply, RECORDED_KEPT) ? "" : "Connection: close\r\n",
        reply.headers == NULL ? "" : reply.headers);
    if (has(&reply, RECORDED_STREAM)) {
        length += snprintf(head + length, sizeof(head) - (size_t)length, "\r\n");
        send(connection, head, (size_t)length, MSG_NOSIGNAL);
        send_stream(connection, &reply);
        return false;
    }
    length += snprintf(head + length, sizeof(head) - (size_t)length,
        "Content-Length: %zu\r\n\r\n", strlen(reply.body));
    send(connection, head, (size_t)length, MSG_NOSIGNAL);
    send(connection, reply.body, strlen(reply.body), MSG_NOSIGNAL);
    return has(&reply, RECORDED_KEPT);
}

static void *
serve(void *context)
{
    struct recorded_server *server = context;
    char request[16384];
    int connection;

    while ((connection = accept(server->listener, NULL, NULL)) >= 0) {
        read_request(connection, request, sizeof(request));
        atomic_fetch_add(&server->requests, 1);
        if (answer(server, connection, request)) {
            read_request(connection, request, sizeof(request));
            note(server, request);
        }
        shutdown(connection, SHUT_WR);
        while (recv(connection, request, sizeof(request), 0) > 0)
            ; /* until the client has closed, so that no reply is cut off */
        close(connection);
    }
    return NULL;
}

struct recorded_server *
recorded_server_start_on(int listener, const struct recorded_reply *replies)
{
    struct recorded_server *server = calloc(1, sizeof(*server));
    struct sockaddr_in address = {0};
    socklen_t size = sizeof(address);

    assert_non_null(server);
    assert_true(listener >= 0);
    pthread_mutex_init(&server->lock, NULL);
    recorded_server_say(server, replies);
    server->listener = listener;
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    if (address.sin_family == AF_INET)
        snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u",
            (unsigned)ntohs(address.sin_port));
    else
        snprintf(server->url, sizeof(server->url), "http://localhost");
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
    return server;
}

struct recorded_server *
recorded_server_start(const struct recorded_reply *replies)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 8), 0);
    return recorded_server_start_on(listener, replies);
}

struct recorded_server *
recorded_server_start_at(const char *path, const struct recorded_reply *replies)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_true(strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path));
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 8), 0);
    return recorded_server_start_on(listener, replies);
}

void
recorded_server_say(struct recorded_server *server, const struct recorded_reply *replies)
{
    size_t rows = 0;

    while (replies[rows].path != NULL)
        rows++;
    assert_true(rows <= ROWS_MOST);
    pthread_mutex_lock(&server->lock);
    memset(server->used_up, 0, sizeof(server->used_up));
    memcpy(server->replies, replies, (rows + 1) * sizeof(*replies));
    pthread_mutex_unlock(&server->lock);
}

void
recorded_server_forget(struct recorded_server *server, const char *token)
{
    pthread_mutex_lock(&server->lock);
    snprintf(server->forgotten, sizeof(server->forgotten), "%s", token == NULL ? "" : token);
    pthread_mutex_unlock(&server->lock);
}

const char *
recorded_server_log(struct recorded_server *server)
{
    static char log[sizeof(server->log)];

    pthread_mutex_lock(&server->lock);
    memcpy(log, server->log, sizeof(log));
    server->log[0] = '\0';
    pthread_mutex_unlock(&server->lock);
    return log;
}

const char *
recorded_server_request(struct recorded_server *server)
{
    static char request[sizeof(server->request)];

    pthread_mutex_lock(&server->lock);
    memcpy(request, server->request, sizeof(request));
    pthread_mutex_unlock(&server->lock);
    return request;
}

const char *
recorded_server_url(const struct recorded_server *server)
{
    return server->url;
}

unsigned
recorded_server_requests(const struct recorded_server *server)
{
    return server->requests;
}

void
recorded_server_stop(struct recorded_server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    pthread_mutex_destroy(&server->lock);
    free(server);
}
