# SPDX-License-Identifier: GPL-3.0-or-later
"""Where tuwunel 1.9.0 differs in what all servers of the family do, what its
configuration has, and which endpoints it has had since when."""

from __future__ import annotations

from dataclasses import dataclass

from .family_table import Said, Settings, Table
from .mas_routes import Version

NEWEST = "1.9.0"

# GET /_matrix/client/versions, the flags that its siblings do not have all of.
VERSIONS = (
    *(f"r0.{minor}.{patch}" for minor, patch in enumerate((1, 0, 0, 0, 0, 0, 0))),
    "r0.6.1",
    *(f"v1.{minor}" for minor in range(1, 20)),
)
FLAGS = (
    "org.matrix.e2e_cross_signing",
    "org.matrix.msc2285.stable",
    "org.matrix.msc3575",
    "org.matrix.msc3916.stable",
    "org.matrix.msc4180",
    "org.matrix.simplified_msc3575",
    "net.zemos.msc4383",
)

SUSPENDED = Said(400, "M_USER_SUSPENDED", "Account is suspended.")

TABLE = Table(
    name="Tuwunel",
    version=NEWEST,
    versions=VERSIONS,
    flags=FLAGS,
    flows=("m.login.application_service", "m.login.token", "m.login.password"),
    repeats_code=True,
    unrecognized="Not Found",
    # /register/available goes on checking (section 11).
    emergency_relaxes=frozenset({"register"}),
    bad_name=Said(
        400, "M_INVALID_USERNAME", "Username {name} contains disallowed characters or spaces"
    ),
    taken=Said(400, "M_USER_IN_USE", "User ID is not available."),
    exclusive=Said(400, "M_EXCLUSIVE", "Username is reserved by an appservice."),
    login_foreign=Said(400, "M_UNKNOWN", "User ID does not belong to this homeserver"),
    login_identifier=Said(400, "M_UNKNOWN", "Valid identifier or username was not provided"),
    login_type=Said(400, "M_UNKNOWN", "Invalid or unsupported login type"),
    room_version="11",
    admin_power=100,
    bot_power=69420,
    # Not 403 as in the specification: section 11.
    suspended=SUSPENDED,
    not_in_room=Said(403, "M_FORBIDDEN", "Cannot kick a user who is not in the room."),
    last_admin=Said(403, "M_FORBIDDEN", "Last admin cannot leave the admins room."),
    sync_filter="all",
    sync_default=30_000,
    sync_least=5_000,
    messages_filter=True,
)


@dataclass
class TuwunelSettings(Settings):
    """Those of its configuration, and which release it is. Their names are its own."""

    version: str = NEWEST
    registration_shared_secret: str | None = "Shared_secret-of/the+stand-in"
    # A path; it wins, is read anew at each use, and may be blank: no secret then.
    registration_shared_secret_file: str | None = None
    mas_secret: str | None = None
    new_user_displayname_suffix: str = "\N{TWO HEARTS}"
    grant_admin_to_first_user: bool = True
    create_admin_room: bool = True
    admin_room_notices: bool = True
    admin_escape_commands: bool = True
    admin_output_threads: bool = False
    # Commands without what calls the bot, at each start before the port answers. One
    # that fails ends the start, unless that is ignored.
    admin_execute: tuple[str, ...] = ()
    admin_execute_errors_ignore: bool = False


# By the tags of its releases; what is not here it always had.
SINCE: dict[str, Version] = {
    "_get_suspended": (1, 6, 2),
    "_put_suspended": (1, 6, 2),
    "_get_locked": (1, 6, 2),
    "_put_locked": (1, 6, 2),
    "_nonce": (1, 7, 0),
    "_register_by_secret": (1, 7, 0),
    "_login_as": (1, 8, 2),
    "_whois": (1, 8, 1),
}
# And all else below these.
PATHS_SINCE: tuple[tuple[str, Version], ...] = (
    ("/_synapse/admin/", (1, 8, 1)),
    ("/_synapse/mas/", (1, 8, 0)),
)
# A locked account's login went through before.
LOCKED_AT_LOGIN: Version = (1, 9, 0)
# A device had one token, and lost it to the next login, before.
SEVERAL_TOKENS: Version = (1, 7, 1)
# Blanks before a command were none of it before.
BLANKS_TRIMMED: Version = (1, 9, 0)

# Gone where mas_secret is set, to any text but an empty one.
NOT_UNDER_MAS = {
    "_nonce",
    "_register_by_secret",
    "_reset_password",
    "_get_admin",
    "_login_as",
    "_list_tokens",
    "_new_token",
    "_get_token",
    "_put_token",
    "_delete_token",
}
