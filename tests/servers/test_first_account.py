# SPDX-License-Identifier: GPL-3.0-or-later
"""The first account of tuwunel, continuwuity and Conduit, where nobody can make another:
by registering as anybody may, or with emergency_password."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.conduit import Conduit
from tests.support.continuwuity import Continuwuity
from tests.support.mas_wire import Dropped, Reply, Request
from tests.support.module import Reply as Answer
from tests.support.module import run_module
from tests.support.tuwunel import Tuwunel

Server = Conduit | Continuwuity | Tuwunel
TOKEN, EMERGENCY = "let-them-come", "break-the-glass"


def a_continuwuity() -> Continuwuity:
    return Continuwuity()


def a_conduit() -> Conduit:
    return Conduit(allow_registration=True)


def a_tuwunel() -> Tuwunel:
    return Tuwunel(
        registration_shared_secret=None, allow_registration=True, registration_token=TOKEN
    )


@pytest.fixture(params=[a_continuwuity, a_conduit, a_tuwunel])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with request.param() as one:
        yield one


@pytest.fixture(params=[Continuwuity, Conduit, Tuwunel])
def kind(request: pytest.FixtureRequest) -> Callable[..., Server]:
    return request.param


def opening(server: Server) -> dict[str, str]:
    """What lets people register there, if it takes something."""
    if isinstance(server, Continuwuity):
        return {"registration_token": server.first_run_token}
    return {"registration_token": TOKEN} if isinstance(server, Tuwunel) else {}


def run(server: Server, check: bool = False, **options: Any) -> Answer:
    return run_module({"url": server.url} | options, check=check)


def registrations(server: Server) -> int:
    return sum(
        one.method == "POST" and one.path.endswith("/register") and b"username" in one.body
        for one in server.requests
    )


ALICE = {"username": "alice", "password": "wonder land", "admin": True, "displayname": "Al"}
BOB = {"username": "bob", "password": "a-builder"}


def test_it_becomes_an_administrator_by_registering(server: Server) -> None:
    given = opening(server) | ALICE
    foretold = run(server, check=True, **given)
    assert foretold.json["actions"] == ["create"], foretold.json
    assert registrations(server) == 0 and server.find("alice") is None

    done = run(server, **given)
    assert not done.failed and done.json["actions"] == ["create"], done.json
    alice = server.find("alice")
    assert server.administers("alice") and alice.displayname == "Al"
    assert server.opens("alice", "wonder land")
    assert not alice.devices

    again = run(server, **given)
    assert not again.failed and not again.changed, again.json
    assert registrations(server) == 1


def test_it_makes_the_accounts_that_follow_in_a_list(server: Server) -> None:
    given = opening(server) | {"users": [ALICE, BOB]}
    done = run(server, **given)
    assert not done.failed, done.json
    assert [one["actions"] for one in done.json["users"]] == [["create"], ["create"]]
    assert registrations(server) == 1
    assert server.opens("bob", "a-builder") and not server.administers("bob")
    again = run(server, **given)
    assert not again.failed and not again.changed, again.json
    assert not server.find("alice").devices


def test_who_is_made_an_administrator_unasked_is_told_or_is_none(server: Server) -> None:
    done = run(server, **opening(server) | BOB)
    assert not done.failed, done.json
    warned = any("which nobody asked for" in one for one in done.json.get("warnings", []))
    # Conduit promotes with a session alone, and is not asked for one.
    assert warned == server.administers("bob") == (not isinstance(server, Conduit))


def test_a_reply_that_is_lost_leaves_an_account_that_is_whole(server: Server) -> None:
    lost: list[str] = []

    def drop(request: Request, reply: Reply) -> Reply:
        if request.path.endswith("/register") and b"username" in request.body and not lost:
            lost.append(request.path)
            raise Dropped
        return reply

    given = opening(server) | ALICE
    server.after = drop
    done = run(server, **given)
    server.after = None
    assert lost and not done.failed and done.json["actions"] == ["create"], done.json
    assert "was lost" in done.json["warnings"][0]
    alice = server.find("alice")
    assert server.administers("alice") and alice.displayname == "Al" and not alice.devices
    assert not run(server, **given).changed


def test_where_nobody_may_register_nothing_is_tried_and_the_way_out_is_told(
    kind: Callable[..., Server],
) -> None:
    with kind() as server:
        server.create("root", "a root", admin=True)
        told = run(server, **BOB)
        assert told.failed and told.json["error"]["kind"] == "unauthorized", told.json
        assert "there is no account" in told.json["msg"]
        assert "admin_username and admin_password" in told.json["msg"]
        assert registrations(server) == 0
        assert server.count("POST /_matrix/client/v3/login") == 0


def test_the_servers_own_user_makes_it_and_is_logged_out_everywhere(
    kind: Callable[..., Server],
) -> None:
    with kind(emergency_password=EMERGENCY) as server:
        done = run(server, emergency_password=EMERGENCY, **BOB)
        assert not done.failed and done.json["actions"] == ["create"], done.json
        assert done.json["authenticated_by"] == "emergency_password"
        assert server.opens("bob", "a-builder")
        assert "unset it" in done.json["warnings"][0]
        assert not server.find("conduit").devices
        assert server.count("POST /_matrix/client/v3/logout/all") == 1
        again = run(server, emergency_password=EMERGENCY, **BOB)
        assert not again.failed and not again.changed, again.json
        assert not server.find("conduit").devices


def test_an_emergency_password_that_is_not_the_servers_is_told_as_that(
    kind: Callable[..., Server],
) -> None:
    for settings in ({}, {"emergency_password": "an-other-one"}):
        with kind(**settings) as server:
            told = run(server, emergency_password=EMERGENCY, **BOB)
            assert told.failed and told.json["error"]["kind"] == "unauthorized", told.json
            words = "the running server has another one" if settings else "has none"
            assert words in told.json["msg"]


def test_an_administrator_whom_the_server_makes_as_it_starts_is_waited_for() -> None:
    command = "users create-user admin an-admin"
    with Continuwuity(admin_execute=(command,)) as server:
        done = run(
            server,
            admin_username="admin",
            admin_password="an-admin",
            wait_timeout=10,
            **BOB,
        )
        assert not done.failed, done.json
        assert server.opens("bob", "a-builder")
