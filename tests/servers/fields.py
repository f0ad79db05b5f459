# SPDX-License-Identifier: GPL-3.0-or-later
"""Every field of an account but its password and its display name, which have
files of their own: what is stated, what it is called, what then is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.servers.proof import by_service, by_token, make_service_account
from tests.support.module import run_module
from tests.support.synapse import Synapse

# A task with one of the ways to be let in: task(username=...).
Task = Callable[..., dict[str, Any]]


# What the ways have in common is the newest server's to show; on the oldest, the
# one that takes most of it is enough.
WAYS = ("newest-token", "newest-secret", "newest-session", "floor-session")


class Way(NamedTuple):
    """A server, and one of the ways of being let in there."""

    name: str
    server: Synapse
    task: Task


class Step(NamedTuple):
    """What is stated, the word for doing it, and what the account then has."""

    stated: dict[str, Any]
    action: str
    has: dict[str, Any]


class Field(NamedTuple):
    """A field from its default to a value, to another one, and back."""

    name: str
    default: Any
    first: Callable[[str], Step]
    second: Callable[[str], Step] | None
    cleared: Step

    @property
    def untouched(self) -> dict[str, Any]:
        return {self.name: self.default}

    def steps(self, name: str) -> list[Step]:
        """`name` keeps apart what no two accounts may have."""
        second = [self.second(name)] if self.second else []
        return [self.first(name), *second, self.cleared]


def flag(option: str, on: str, off: str) -> Field:
    return Field(
        option,
        False,
        lambda name: Step({option: True}, on, {option: True}),
        None,
        Step({option: False}, off, {option: False}),
    )


def avatar(uri: str) -> Callable[[str], Step]:
    return lambda name: Step({"avatar_url": uri}, "set avatar_url", {"avatar_url": uri})


def user_type(value: str) -> Callable[[str], Step]:
    return lambda name: Step({"user_type": value}, "set user_type", {"user_type": value})


def ratelimit(per_second: int, burst: int) -> Callable[[str], Step]:
    limit = {"messages_per_second": per_second, "burst_count": burst}
    return lambda name: Step({"ratelimit": limit}, "set ratelimit", {"ratelimit": limit})


def emails(*stems: str) -> Callable[[str], Step]:
    def step(name: str) -> Step:
        addresses = [f"{stem}.{name}@example.org" for stem in stems]
        stated = {"emails": addresses, "emails_mode": "exact"}
        return Step(stated, "set emails", {"emails": addresses})

    return step


def external_ids(*providers: str) -> Callable[[str], Step]:
    def step(name: str) -> Step:
        ids = [{"provider": provider, "id": f"{provider} of {name}"} for provider in providers]
        stated = {"external_ids": ids, "external_ids_mode": "exact"}
        return Step(stated, "set external_ids", {"external_ids": ids})

    return step


# In the order of an account, which is that of the actions of a reply.
FIELDS = (
    Field(
        "user_type",
        None,
        user_type("bot"),
        user_type("support"),
        Step({"user_type": "user"}, "clear user_type", {"user_type": None}),
    ),
    Field(
        "avatar_url",
        None,
        avatar("mxc://example.test/aBcDeF0123"),
        avatar("mxc://other.test/GhIjKl4567"),
        Step({"avatar_url": ""}, "clear avatar_url", {"avatar_url": None}),
    ),
    Field(
        "emails",
        [],
        emails("work"),
        emails("home", "work"),
        Step({"emails": [], "emails_mode": "exact"}, "clear emails", {"emails": []}),
    ),
    Field(
        "external_ids",
        [],
        external_ids("oidc-keycloak"),
        external_ids("oidc-keycloak", "saml"),
        Step(
            {"external_ids": [], "external_ids_mode": "exact"},
            "clear external_ids",
            {"external_ids": []},
        ),
    ),
    Field(
        "ratelimit",
        {},
        ratelimit(5, 10),
        # synapse/handlers/ratelimit.py: 0 and 0 is no limit at all, which is
        # another thing than the server's own.
        ratelimit(0, 0),
        Step({"ratelimit": {}}, "clear ratelimit", {"ratelimit": {}}),
    ),
    flag("locked", "lock", "unlock"),
    flag("suspended", "suspend", "unsuspend"),
    flag("shadow_banned", "shadow-ban", "lift shadow-ban"),
)


def known_to(version: str, field: Field) -> bool:
    # Suspending became a stable endpoint in Synapse 1.122.
    return field.name != "suspended" or version == "newest"


def all_of(server: Synapse, name: str, step: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What states all fields that the server knows, and what the account has then.
    Step 0 sets them, -1 clears them."""
    stated: dict[str, Any] = {}
    has: dict[str, Any] = {}
    for field in FIELDS:
        if known_to(server.version, field):
            one = field.steps(name)[step]
            stated |= one.stated
            has |= one.has
    return stated, has


def ways_in(server: Synapse, kept: str) -> dict[str, Task]:
    """An access token; the shared secret alone; the same with a session file, which
    is there from the first call on."""
    make_service_account(server)

    def with_session(**options: Any) -> dict[str, Any]:
        return by_service(server, session_file=kept) | options

    # The session is had now: what a test compares is then the account.
    opened = run_module(with_session(username="nobody", state="deactivated"))
    assert not opened.failed and not opened.changed, opened.json
    return {
        "token": lambda **options: by_token(server, **options),
        "secret": lambda **options: by_service(server, **options),
        "session": with_session,
    }
