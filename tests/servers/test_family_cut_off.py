# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs at tuwunel, continuwuity and Conduit that lose the server, or are ended, at any of
their requests: run again, each comes to what was wanted, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.servers.family_cutting import (
    KILLED,
    LOST,
    TERMINATED,
    WAYS,
    Way,
    commands_about,
    cut_everywhere,
    nothing_is_left,
)
from tests.servers.proof import a_password
from tests.support.family import Family

# A command to continuwuity carries the first, and not the other.
PASSWORDS = {"carried": "Sesam-0pen-{}-x", "with a blank": "Sesam 0pen `{}` x"}
ROOMS = ("continuwuity", "conduit")
ALL = ("tuwunel", *ROOMS)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Family:
    return request.getfixturevalue(request.param)


on_all = pytest.mark.parametrize("server", ALL, indirect=True)
in_rooms = pytest.mark.parametrize("server", ROOMS, indirect=True)
in_every_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
# What is cut and goes on ends as what is killed, but for what it says.
in_two_ways = pytest.mark.parametrize("way", [LOST, KILLED], ids=lambda way: way.name)


def task(server: Family, **options: Any) -> dict[str, Any]:
    made = {"url": server.url, "access_token": server.admin_token, "timeout": 2}
    return made | {"retry_timeout": 1} | options


def opens(server: Family, done: dict[str, Any]) -> bool:
    return server.opens(done["username"], done["password"])


@in_every_way
@on_all
@pytest.mark.parametrize("kind", PASSWORDS)
def test_a_creation(
    server: Family, unique: Callable[[str], str], way: Way, kind: str
) -> None:
    def prepare() -> dict[str, Any]:
        name = unique("alice")
        return task(server, username=name, password=PASSWORDS[kind].format(name))

    for done, _ in cut_everywhere(server, prepare, (way,)):
        assert opens(server, done)
        nothing_is_left(server, done, way, [])
        assert set(commands_about(server, done["username"]).values()) <= {1}


@in_every_way
@on_all
def test_a_creation_of_an_administrator_with_a_profile(
    server: Family, unique: Callable[[str], str], way: Way
) -> None:
    def prepare() -> dict[str, Any]:
        name = unique("alice")
        stated = {"admin": True, "displayname": "Alice", "avatar_url": "mxc://example.test/a"}
        return task(server, username=name, password=f"Sesam 0pen {name}", **stated)

    for done, _ in cut_everywhere(server, prepare, (way,)):
        name = done["username"]
        account = server.user(name)
        assert opens(server, done) and server.administers(name)
        assert account.displayname == "Alice" and account.avatar_url == "mxc://example.test/a"
        nothing_is_left(server, done, way, [])


@in_two_ways
@on_all
@pytest.mark.parametrize("kind", PASSWORDS)
def test_a_password_that_is_made_so_always(
    server: Family, unique: Callable[[str], str], way: Way, kind: str
) -> None:
    def prepare() -> dict[str, Any]:
        name = unique("alice")
        server.create(name, a_password())
        server.token_of(name)
        wanted = PASSWORDS[kind].format(name)
        return task(server, username=name, password=wanted, update_password="always")

    for done, _ in cut_everywhere(server, prepare, (way,)):
        assert opens(server, done)
        # The session that its owner has goes on.
        (owners,) = server.devices(done["username"])
        nothing_is_left(server, done, way, [owners])


@in_two_ways
@on_all
def test_a_promotion_and_a_demotion(
    server: Family, unique: Callable[[str], str], way: Way
) -> None:
    def promotion() -> dict[str, Any]:
        name, password = unique("alice"), a_password()
        server.create(name, password)
        return task(server, username=name, password=password, admin=True)

    def demotion() -> dict[str, Any]:
        name, password = unique("alice"), a_password()
        server.create(name, password, admin=True)
        return task(server, username=name, password=password, admin=False)

    for done, _ in cut_everywhere(server, promotion, (way,)):
        assert server.administers(done["username"]) and opens(server, done)
        nothing_is_left(server, done, way, [])
    for done, _ in cut_everywhere(server, demotion, (way,)):
        assert not server.administers(done["username"]) and opens(server, done)
        nothing_is_left(server, done, way, [])


@in_two_ways
@on_all
def test_a_deactivation_of_an_administrator(
    server: Family, unique: Callable[[str], str], way: Way
) -> None:
    def prepare() -> dict[str, Any]:
        name = unique("alice")
        server.create(name, a_password(), admin=True)
        server.token_of(name)
        return task(server, username=name, state="deactivated")

    for done, _ in cut_everywhere(server, prepare, (way,)):
        name = done["username"]
        assert server.user(name).deactivated and not server.administers(name)
        nothing_is_left(server, done, way, [])


@in_every_way
@on_all
@pytest.mark.parametrize("kind", PASSWORDS)
def test_a_reactivation(
    server: Family, unique: Callable[[str], str], way: Way, kind: str
) -> None:
    def prepare() -> dict[str, Any]:
        name = unique("alice")
        server.create(name, a_password())
        deactivate(server, name)
        wanted = PASSWORDS[kind].format(name)
        return task(server, username=name, password=wanted, reactivate=True)

    for done, _ in cut_everywhere(server, prepare, (way,)):
        assert not server.user(done["username"]).deactivated and opens(server, done)
        nothing_is_left(server, done, way, [])


def deactivate(server: Family, name: str) -> None:
    with server.changed:
        account = server.user(name)
        server.accounts.log_out(account)
        account.deactivated = True
        if server.TABLE.name != "continuwuity":
            account.password = None


@in_two_ways
@pytest.mark.parametrize("server", ["tuwunel", "continuwuity"], indirect=True)
def test_a_lock_and_its_end(
    server: Family, unique: Callable[[str], str], way: Way
) -> None:
    def locking() -> dict[str, Any]:
        name = unique("alice")
        server.create(name, a_password())
        return task(server, username=name, locked=True, suspended=True)

    def freeing() -> dict[str, Any]:
        name = unique("alice")
        server.create(name, a_password())
        server.user(name).locked = server.user(name).suspended = True
        return task(server, username=name, locked=False, suspended=False)

    for done, _ in cut_everywhere(server, locking, (way,)):
        assert server.user(done["username"]).locked and server.user(done["username"]).suspended
    for done, _ in cut_everywhere(server, freeing, (way,)):
        account = server.user(done["username"])
        assert not account.locked and not account.suspended


@in_rooms
def test_a_creation_that_is_killed_at_what_only_reads(
    server: Family, unique: Callable[[str], str]
) -> None:
    def prepare() -> dict[str, Any]:
        name = unique("alice")
        return task(server, username=name, password=f"Sesam 0pen {name}")

    for done, way in cut_everywhere(server, prepare, (KILLED,), reads=True):
        assert opens(server, done)
        nothing_is_left(server, done, way, [])


@in_rooms
def test_an_administrator_who_logs_in_and_is_stopped_has_the_devices_that_it_had(
    server: Family, unique: Callable[[str], str]
) -> None:
    root, secret = unique("root"), a_password()
    server.create(root, secret)
    server.promote(server.user_id(root))

    def prepare() -> dict[str, Any]:
        name = unique("alice")
        made = task(server, username=name, password=f"Sesam-0pen-{name}")
        del made["access_token"]
        return made | {"admin_username": root, "admin_password": secret}

    for done, way in cut_everywhere(server, prepare, (TERMINATED,)):
        assert opens(server, done) and server.devices(root) == []
        nothing_is_left(server, done, way, [])
