/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of the session file share: an entry, and doing something with
 * the file in a word. */
#ifndef REGISTRAR_TESTS_SESSION_TRIAL_H
#define REGISTRAR_TESTS_SESSION_TRIAL_H

#include "matrix/session_file.h"
#include "private_place.h"

#define ORIGIN "https://matrix.example.org"
#define DEVICE "REGISTRAR_ABCDEFGHIJKLMNOPQRSTU"
/* Python: hashlib.pbkdf2_hmac("sha256", b"wonderland", bytes(range(16)), 20000) */
#define SALT "000102030405060708090a0b0c0d0e0f"
#define FINGERPRINT "33cf2fd8c4ed8111e8869e47858d918576d452a32b0e06ce8eed45cc002276a7"

#define ENTRY_OF(origin, server, localpart, token)                                           \
    "{\"origin\": \"" origin "\", \"server_name\": \"" server "\", "                           \
    "\"localpart\": \"" localpart "\", \"user_id\": \"@" localpart ":" server "\", "           \
    "\"device_id\": \"" DEVICE "\", \"salt\": \"" SALT "\", "                                 \
    "\"fingerprint\": \"" FINGERPRINT "\", \"access_token\": \"" token "\"}"
#define ENTRY ENTRY_OF(ORIGIN, "example.org", "admin", "syt_kept")
#define FILE_OF(entries) "{\"registrar\": 1, \"sessions\": [" entries "]}"

/* Whose session: the ENTRY's, before each test. */
extern struct session_key key;
extern struct secret password, other_password;

/* For cmocka: key, and a place for the file. place_remove is for its end. */
int trial_make(void **state);

/* What is called "file" in the place, read anew; with its lock. */
struct session_file *open_file(void);
struct session_file *open_locked(void);

/* That key finds this in the file. token NULL: whichever. */
void assert_finds(const struct session_file *file, enum session_found expected,
    const char *token);

/* The device id to log in with, valid for the next three calls. */
const char *device(struct session_file *file, enum session_device which);

void store(struct session_file *file, const char *user_id, const char *token,
    const char *device_id);

/* A member of the entry at a place, as it stands in the file; "" for none. Until
 * the next call. */
const char *written(size_t index, const char *member);

size_t entries_written(void);

#endif
