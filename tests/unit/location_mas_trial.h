/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a task is led with a homeserver and MAS in two containers, "synapse" and
 * "matrix-authentication-service", that a recorded engine tells of: the folder /data of
 * both is the test's place (found_trial.h), with homeserver.yaml and config.yaml. */
#ifndef REGISTRAR_TESTS_LOCATION_MAS_TRIAL_H
#define REGISTRAR_TESTS_LOCATION_MAS_TRIAL_H

#include <stdbool.h>

#include "found_trial.h"
#include "modules/location.h"

#define ID "01GFWR32NCQ12B8Z0J8CPXRRB6"
#define OTHER_ID "01GFWR3WHR93Y5HK389H28VHZ9"
#define MAS "matrix-authentication-service"
#define DELEGATED                                                                          \
    NAME LISTENERS "matrix_authentication_service: {enabled: true}\n"                      \
                   "registration_shared_secret: " SECRET "\n"                              \
                   "database: {name: psycopg2, args: {host: synapse-db, dbname: synapse}}\n"

/* MAS's configuration, in its parts. */
#define MATRIX "matrix: {homeserver: example.org, secret: " SECRET "}\n"
#define WEB(more)                                                                          \
    "http: {listeners: [{resources: [{name: oauth}, {name: compat}" more "],"              \
    " prefix: /auth, binds: [{address: '[::]:8080'}]}]}\n"
#define API WEB(", {name: adminapi}")
#define NO_API WEB("")
#define CLIENT                                                                             \
    "clients: [{client_id: " ID ", client_auth_method: client_secret_post,"                \
    " client_secret: " SECRET "}]\npolicy: {data: {admin_clients: [" ID "]}}\n"
#define DATABASE                                                                           \
    "database: {host: matrix-postgres, username: mas, password: " SECRET                   \
    ", database: masdb}\n"
#define SCHEMES "passwords: {schemes: [{version: 1, secret: " SECRET "}]}\n"

/* The option that leads there. */
#define SYNAPSE "'container': 'synapse'"

/* The last trial's. */
extern struct connection_options mas_given;
extern struct location mas_location;

/* For cmocka: a place of its own for each test, with a homeserver.yaml that has handed the
 * accounts over. */
int mas_locating(void **state);
int mas_located_all(void **state);

/* Whether MAS's container runs. */
void mas_engine_has_it(bool runs);

unsigned mas_engine_requests(void);

/* Options as JSON with apostrophes, beside the engine. As location_find. */
int mas_locate(const char *options, struct error *error);

/* Writes config.yaml, unless it is NULL, and locates, which has to do well. */
const struct connection *mas_located(const char *mas_yaml, const char *options);

/* The same, which has to end in an error without a secret. */
void mas_not_located(const char *mas_yaml, const char *options, enum error_kind kind,
    const char *words);

#endif
