/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "matrix/errcode.h"

#include <stddef.h>
#include <string.h>

/* Specification: client-server API, "Standard error response", and Synapse's
 * own (synapse/api/errors.py). M_UNKNOWN says nothing: the status decides. */
static const struct {
    const char *errcode;
    enum error_kind kind;
} by_errcode[] = {
    {"M_UNKNOWN_TOKEN", ERROR_UNAUTHORIZED},
    {"M_MISSING_TOKEN", ERROR_UNAUTHORIZED},
    {"M_USER_LOCKED", ERROR_FORBIDDEN},
    {"ORG_MATRIX_MSC3939_USER_LOCKED", ERROR_FORBIDDEN}, /* before Synapse 1.134 */
    {"M_USER_SUSPENDED", ERROR_FORBIDDEN},
    {"M_USER_DEACTIVATED", ERROR_FORBIDDEN},
    {"ORG_MATRIX_EXPIRED_ACCOUNT", ERROR_FORBIDDEN},
    {"M_FORBIDDEN", ERROR_FORBIDDEN},
    {"M_LIMIT_EXCEEDED", ERROR_RATE_LIMITED},
    {"M_NOT_FOUND", ERROR_NOT_FOUND},
    {"M_USER_IN_USE", ERROR_CONFLICT},
    {"M_INVALID_USERNAME", ERROR_INVALID},
    {"M_INVALID_PARAM", ERROR_INVALID},
    {"M_MISSING_PARAM", ERROR_INVALID},
    {"M_BAD_JSON", ERROR_INVALID},
    {"M_NOT_JSON", ERROR_INVALID},
    {"M_EXCLUSIVE", ERROR_POLICY},
    {"M_WEAK_PASSWORD", ERROR_POLICY},
    {"M_RESOURCE_LIMIT_EXCEEDED", ERROR_POLICY},
    {"M_UNRECOGNIZED", ERROR_UNSUPPORTED},
};

enum error_kind
errcode_kind(long status, const char *errcode)
{
    for (size_t i = 0; i < sizeof(by_errcode) / sizeof(by_errcode[0]); i++)
        if (strcmp(by_errcode[i].errcode, errcode) == 0)
            return by_errcode[i].kind;
    if (status == 401)
        return ERROR_UNAUTHORIZED;
    if (status == 403)
        return ERROR_FORBIDDEN;
    if (status == 404)
        return ERROR_NOT_FOUND;
    if (status == 409)
        return ERROR_CONFLICT;
    if (status == 429)
        return ERROR_RATE_LIMITED;
    if (status >= 500)
        return ERROR_SERVER;
    return status >= 400 ? ERROR_INVALID : ERROR_PROTOCOL;
}
