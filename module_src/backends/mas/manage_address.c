/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/manage_address.h"

#include <ctype.h>
#include <string.h>

#include "backends/mas/rows.h"
#include "base/text.h"

/* RFC 5321, 4.5.3.1; RFC 1035, 2.3.4. */
#define LOCAL_LONGEST 64
#define DOMAIN_LONGEST 254
#define LABEL_LONGEST 63

static bool
is_local_part(const char *bytes, size_t length)
{
    static const char signs[] = ".!#$%&'*+/=?^_`{|}~-";
    bool after_dot = true;

    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes[i];

        if (byte == '.' && after_dot)
            return false;
        if (byte < 0x80 && !isalnum(byte) && (byte == '\0' || strchr(signs, byte) == NULL))
            return false;
        after_dot = byte == '.';
    }
    return length <= LOCAL_LONGEST && !after_dot;
}

static bool
is_label(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes[i];

        if (byte < 0x80 && !isalnum(byte) && byte != '-')
            return false;
    }
    return length > 0 && length <= LABEL_LONGEST && bytes[0] != '-' && bytes[length - 1] != '-';
}

static bool
is_domain(const char *domain)
{
    size_t length;

    if (strlen(domain) > DOMAIN_LONGEST)
        return false;
    for (;; domain += length + 1) {
        length = strcspn(domain, ".");
        if (!is_label(domain, length))
            return false;
        if (domain[length] == '\0')
            return true;
    }
}

/*
 * mas-cli add-email takes anything, and with an address that is none each later
 * provisioning of its user fails, locking too. What is taken here is less than what
 * is one: no quoted names and no literal addresses.
 */
static int
check_address(const char *email, struct error *error)
{
    const char *at = strrchr(email, '@');
    char shown[160];

    if (at != NULL && is_local_part(email, (size_t)(at - email)) && is_domain(at + 1))
        return 0;
    text_show(shown, sizeof(shown), email);
    return error_set(error, ERROR_INVALID,
        "%s is no e-mail address that can be given to MAS's own command, which does not check "
        "it: a name of up to 64 letters, digits and signs, an @ and a domain",
        shown);
}

int
manage_address_owner(struct backend *backend, const char *email, char owner[MAS_ID_SIZE],
    struct error *error)
{
    if (check_address(email, error) != 0)
        return -1;
    return rows_email_owner(backend, email, owner, error);
}

int
manage_address_guard(struct backend *backend, const char *email, const char *id, bool *has_it,
    struct error *error)
{
    char owner[MAS_ID_SIZE] = "";
    char shown[160];

    if (manage_address_owner(backend, email, owner, error) != 0)
        return -1;
    *has_it = owner[0] != '\0' && strcmp(owner, id) == 0;
    if (owner[0] == '\0' || *has_it)
        return 0;
    text_show(shown, sizeof(shown), email);
    return error_set(error, ERROR_CONFLICT,
        "the e-mail address %s belongs to another user of MAS (%s), and is not taken from there; "
        "remove it there first",
        shown, owner);
}
