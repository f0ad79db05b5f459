# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks that state every field of an account, and for each kind of request
that fields take one task that sends it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .hostile import HostileServer
from .hostile_accounts import Account
from .hostile_tasks import Arguments, add_service, by_match, by_service, by_token

Task = Callable[[HostileServer], Arguments]

EMAIL = "alice@example.org"
PHONE = "491701234567"
LIMIT = {"messages_per_second": 5, "burst_count": 7}
# All that can be said of an account that exists, but for its password and end.
FULL: dict[str, Any] = {
    "displayname": "Alice II",
    "avatar_url": "mxc://example.test/alice",
    "emails": [EMAIL],
    "external_ids": [{"provider": "oidc", "id": "alice-1"}],
    "ratelimit": LIMIT,
    "locked": True,
    "suspended": True,
    "shadow_banned": True,
    "user_type": "bot",
    "admin": True,
}


def assert_full(account: Account | None) -> None:
    """It is as FULL says, and has the telephone that it had."""
    assert account is not None
    assert account.displayname == "Alice II"
    assert account.avatar_url == "mxc://example.test/alice"
    assert account.emails == [EMAIL]
    assert account.external_ids == [("oidc", "alice-1")]
    assert account.ratelimit == (5, 7)
    assert (account.locked, account.suspended, account.shadow_banned) == (True, True, True)
    assert (account.user_type, account.admin) == ("bot", True)


def all_by_token(server: HostileServer) -> Arguments:
    return by_token(server, **FULL)


def all_by_service(server: HostileServer) -> Arguments:
    return by_service(server, **FULL)


def lifting_a_ban(server: HostileServer) -> Arguments:
    server.homeserver.user("alice").shadow_banned = True
    return by_token(server, shadow_banned=False)


def clearing_a_limit(server: HostileServer) -> Arguments:
    server.homeserver.user("alice").ratelimit = (1, 2)
    return by_token(server, ratelimit={})


def erasing(server: HostileServer) -> Arguments:
    return by_token(server, state="deactivated", erase=True)


def through_the_service_account(server: HostileServer) -> Arguments:
    """Which an earlier run has made."""
    add_service(server)
    return by_service(server, displayname="Alice II")


def in_rooms(server: HostileServer) -> Arguments:
    """The service account is not there yet, and the server puts it into rooms."""
    server.homeserver.auto_join_rooms = ("!a:example.test", "!b:example.test")
    return by_service(server, displayname="Alice II")


# By the request: those that only look, and those that change something.
LOOKING: dict[str, Task] = {
    "get_user": all_by_token,
    "get_ratelimit": lambda server: by_token(server, ratelimit=LIMIT),
    "user_by_threepid": lambda server: by_token(server, emails=[EMAIL]),
    "user_by_external_id": lambda server: by_token(server, external_ids=FULL["external_ids"]),
}
CHANGING: dict[str, Task] = {
    "put_user": lambda server: by_token(server, emails=[EMAIL], avatar_url="mxc://x/y"),
    "suspend_user": lambda server: by_token(server, suspended=True),
    "shadow_ban": lambda server: by_token(server, shadow_banned=True),
    "lift_shadow_ban": lifting_a_ban,
    "set_ratelimit": lambda server: by_token(server, ratelimit=LIMIT),
    "clear_ratelimit": clearing_a_limit,
    "deactivate_user": erasing,
}
def having_an_address(server: HostileServer) -> Arguments:
    server.homeserver.user("alice").add_threepid("email", EMAIL)
    return by_match(server, emails=[EMAIL])


# Of one's own, with nothing but the account's password.
OWN: dict[str, Task] = {
    "own_3pids": having_an_address,
    "get_profile": lambda server: by_match(server, avatar_url="mxc://x/y"),
    "put_profile_field": lambda server: by_match(server, avatar_url="mxc://x/y"),
}
# What the service account takes besides.
SERVING: dict[str, Task] = {
    "login_flows": all_by_service,
    "get_profile": all_by_service,
    "register": all_by_service,
    "joined_rooms": in_rooms,
    "leave_room": in_rooms,
    "login": through_the_service_account,
}
