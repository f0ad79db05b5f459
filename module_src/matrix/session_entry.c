/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "matrix/session_entry.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "matrix/user_id.h"

static const char device_prefix[] = "REGISTRAR_";

#define SALT_BYTES 16
#define FINGERPRINT_BYTES 32 /* of SHA-256 */
#define HEX_SIZE(bytes) ((size_t)(bytes) * 2 + 1)

/*
 * Some milliseconds: whoever reads the file has the token anyway; this is to
 * give them the password of a person not much faster than the server would.
 */
#define FINGERPRINT_ITERATIONS 20000

const char *
session_entry_string(const json_t *entry, const char *name)
{
    json_t *value = json_object_get(entry, name);

    if (!json_is_string(value) ||
        strlen(json_string_value(value)) != json_string_length(value))
        return NULL;
    return json_string_value(value);
}

static bool
member_is(const json_t *entry, const char *name, const char *wanted)
{
    const char *value = session_entry_string(entry, name);

    return value != NULL && strcmp(value, wanted) == 0;
}

/* A well-formed entry of the origin and localpart; *server_name may be NULL. */
static bool
is_of_account(const json_t *entry, const struct session_key *key, const char **server_name)
{
    json_t *name = json_object_get(entry, "server_name");

    *server_name = session_entry_string(entry, "server_name");
    if (name != NULL && (*server_name == NULL || !user_id_server_name_is_valid(*server_name)))
        return false;
    return member_is(entry, "origin", key->origin) &&
           member_is(entry, "localpart", key->localpart);
}

bool
session_entry_locate(const json_t *entries, const struct session_key *key, size_t *index)
{
    size_t named = 0, unnamed = 0, last_named = 0, last_unnamed = 0;

    for (size_t i = 0; i < json_array_size(entries); i++) {
        const char *server_name;

        if (!is_of_account(json_array_get(entries, i), key, &server_name))
            continue;
        if (server_name == NULL) {
            unnamed++;
            last_unnamed = i;
        } else if (key->server_name == NULL) {
            named++;
            last_named = i;
        } else if (strcmp(server_name, key->server_name) == 0) {
            *index = i;
            return true;
        }
    }
    if (unnamed == 0 && named != 1)
        return false;
    *index = unnamed > 0 ? last_unnamed : last_named;
    return true;
}

json_t *
session_entry_new(const struct session_key *key)
{
    if (key->server_name == NULL)
        return json_pack("{s:s, s:s}", "origin", key->origin, "localpart", key->localpart);
    return json_pack("{s:s, s:s, s:s}", "origin", key->origin, "server_name",
        key->server_name, "localpart", key->localpart);
}

/* ---- Credentials ----------------------------------------------------------- */

static int
hex_digit(char digit)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = digit == '\0' ? NULL : strchr(digits, digit);

    return at == NULL ? -1 : (int)(at - digits);
}

static bool
read_hex(unsigned char *bytes, size_t length, const char *hex)
{
    if (hex == NULL || strlen(hex) != 2 * length)
        return false;
    for (size_t i = 0; i < length; i++) {
        int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        bytes[i] = (unsigned char)(high * 16 + low);
    }
    return true;
}

static int
take_fingerprint(unsigned char fingerprint[FINGERPRINT_BYTES], const struct secret *credential,
    const unsigned char salt[SALT_BYTES], struct error *error)
{
    if (credential->length <= INT_MAX &&
        PKCS5_PBKDF2_HMAC(credential->bytes, (int)credential->length, salt, SALT_BYTES,
            FINGERPRINT_ITERATIONS, EVP_sha256(), FINGERPRINT_BYTES, fingerprint) == 1)
        return 0;
    return error_set(error, ERROR_INTERNAL, "libcrypto cannot compute a PBKDF2 here");
}

/* ---- Sessions -------------------------------------------------------------- */

/* Errors: memory; *fits is false where the user id is none. */
static int
compare_user_id(const struct session_key *key, const char *server_name,
    const char *user_id, bool *fits, struct error *error)
{
    struct error failure = {0};
    struct user_id parsed;

    *fits = false;
    if (user_id_parse(&parsed, user_id, &failure) != 0)
        return failure.kind == ERROR_MEMORY ? error_no_memory(error) : 0;
    *fits = strcmp(parsed.localpart, key->localpart) == 0 && parsed.server_name != NULL &&
            (server_name == NULL || strcmp(parsed.server_name, server_name) == 0);
    user_id_free(&parsed);
    return 0;
}

int
session_file_fits(const struct session_key *key, const struct session *session, bool *fits,
    struct error *error)
{
    return compare_user_id(key, key->server_name, session->user_id, fits, error);
}

/* Fills session with what is well-formed; *whole is false where that is not all. */
static int
take_session(const json_t *entry, const struct session_key *key, struct session *session,
    bool *whole, struct error *error)
{
    const char *server_name = session_entry_string(entry, "server_name");
    const char *user_id = session_entry_string(entry, "user_id");
    const char *token = session_entry_string(entry, "access_token");

    *whole = false;
    if (server_name == NULL || user_id == NULL || token == NULL ||
        strlen(token) > SESSION_TOKEN_LONGEST)
        return 0;
    if (compare_user_id(key, server_name, user_id, whole, error) != 0)
        return -1;
    session->user_id = memory_copy_string(user_id);
    if (session->user_id == NULL ||
        secret_set(&session->access_token, token, strlen(token)) != 0)
        return error_no_memory(error);
    *whole = *whole && secret_is_token(&session->access_token);
    return 0;
}

int
session_entry_read(const json_t *entry, const struct session_key *key,
    struct session *session, enum session_found *found, struct error *error)
{
    unsigned char salt[SALT_BYTES], kept[FINGERPRINT_BYTES], own[FINGERPRINT_BYTES] = {0};
    bool whole;
    int result = take_session(entry, key, session, &whole, error);

    *found = SESSION_NONE;
    if (result == 0 && whole &&
        read_hex(salt, sizeof(salt), session_entry_string(entry, "salt")) &&
        read_hex(kept, sizeof(kept), session_entry_string(entry, "fingerprint"))) {
        result = take_fingerprint(own, key->credential, salt, error);
        if (result == 0)
            *found = CRYPTO_memcmp(kept, own, sizeof(own)) == 0
                         ? SESSION_FOUND
                         : SESSION_OF_OTHER_CREDENTIAL;
    }
    if (*found != SESSION_NONE)
        return 0;
    secret_free(&session->access_token);
    memory_free(session->user_id);
    memset(session, 0, sizeof(*session));
    return result;
}

static int
set(json_t *entry, const char *name, const char *value, struct error *error)
{
    return json_object_set_new(entry, name, json_string(value)) == 0 ? 0
                                                                     : error_no_memory(error);
}

int
session_entry_write(json_t *entry, const struct session_key *key,
    const struct session *session, const char *device_id, struct error *error)
{
    unsigned char salt[SALT_BYTES], fingerprint[FINGERPRINT_BYTES];
    char salt_hex[HEX_SIZE(SALT_BYTES)], fingerprint_hex[HEX_SIZE(FINGERPRINT_BYTES)];

    if (session->access_token.length > SESSION_TOKEN_LONGEST ||
        !secret_is_token(&session->access_token))
        return error_set(error, ERROR_PROTOCOL,
            "the server's access_token is none that can be kept (it is too long, or has "
            "characters that no token has)");
    if (random_bytes(salt, sizeof(salt), error) != 0 ||
        take_fingerprint(fingerprint, key->credential, salt, error) != 0)
        return -1;
    text_hex(salt_hex, salt, sizeof(salt));
    text_hex(fingerprint_hex, fingerprint, sizeof(fingerprint));
    if (set(entry, "server_name", user_id_server_name(session->user_id), error) != 0 ||
        set(entry, "user_id", session->user_id, error) != 0 ||
        (device_id != NULL && set(entry, "device_id", device_id, error) != 0) ||
        set(entry, "salt", salt_hex, error) != 0 ||
        set(entry, "fingerprint", fingerprint_hex, error) != 0 ||
        set(entry, "access_token", session->access_token.bytes, error) != 0)
        return -1;
    json_object_del(entry, "next_device_id");
    return 0;
}

/* ---- Devices --------------------------------------------------------------- */

/* A device id of ours: with another, a logout could end somebody's session. */
static bool
take_device(const json_t *entry, const char *name, char device_id[SESSION_DEVICE_SIZE])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const size_t prefix = strlen(device_prefix);
    const char *kept = session_entry_string(entry, name);

    if (kept == NULL || strlen(kept) != SESSION_DEVICE_SIZE - 1 ||
        strncmp(kept, device_prefix, prefix) != 0 ||
        strspn(kept + prefix, letters) != SESSION_DEVICE_SIZE - 1 - prefix)
        return false;
    memcpy(device_id, kept, SESSION_DEVICE_SIZE);
    return true;
}

static int
make_device(char device_id[SESSION_DEVICE_SIZE], struct error *error)
{
    const size_t prefix = strlen(device_prefix);
    unsigned char random[SESSION_DEVICE_SIZE];

    if (random_bytes(random, sizeof(random), error) != 0)
        return -1;
    memcpy(device_id, device_prefix, prefix);
    for (size_t i = prefix; i < SESSION_DEVICE_SIZE - 1; i++)
        device_id[i] = (char)('A' + random[i] % 26);
    device_id[SESSION_DEVICE_SIZE - 1] = '\0';
    return 0;
}

int
session_entry_device(json_t *entry, enum session_device which,
    char device_id[SESSION_DEVICE_SIZE], bool *is_new, struct error *error)
{
    *is_new = false;
    /* The login it was made for may have gone through unseen. */
    if (take_device(entry, "next_device_id", device_id) ||
        (which == DEVICE_OF_ENTRY && take_device(entry, "device_id", device_id)))
        return 0;
    *is_new = true;
    if (make_device(device_id, error) != 0)
        return -1;
    return set(entry, which == DEVICE_BESIDE ? "next_device_id" : "device_id", device_id,
        error);
}
