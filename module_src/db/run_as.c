/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "db/run_as.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

int
run_as_begin(struct run_as *before, const char *name, struct error *error)
{
    struct passwd entry, *found = NULL;
    char buffer[16384];

    if (getpwnam_r(name, &entry, buffer, sizeof(buffer), &found) != 0 || found == NULL)
        return error_set(error, ERROR_INVALID, "run_as: there is no system user \"%.60s\"",
            name);
    before->user = geteuid();
    before->group = getegid();
    if (found->pw_uid == before->user)
        return 0;
    /* The group first: afterwards we may not any more. */
    if (setegid(found->pw_gid) != 0 || seteuid(found->pw_uid) != 0) {
        int reason = errno;

        run_as_end(before, error);
        return error_set(error, ERROR_FORBIDDEN,
            "run_as: cannot become %.60s (%s); that takes root (become)", name,
            strerror(reason));
    }
    return 0;
}

int
run_as_end(const struct run_as *before, struct error *error)
{
    if (seteuid(before->user) == 0 && setegid(before->group) == 0)
        return 0;
    return error_set(error, ERROR_INTERNAL, "run_as: cannot become who we were again: %s",
        strerror(errno));
}
