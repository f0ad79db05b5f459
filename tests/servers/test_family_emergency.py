# SPDX-License-Identifier: GPL-3.0-or-later
"""emergency_password: the server's own user opens tuwunel, continuwuity and Conduit, is
warned of, and logged out everywhere, whatever became of the task."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.servers.proof import a_password
from tests.servers.relatives import (
    EMERGENCY,
    KINDS,
    LOGIN,
    REGISTER,
    TOKEN,
    Server,
    by_emergency,
    ran,
    refused,
    trace,
    warnings,
)
from tests.support.module import run_module, start_module

BOT = "conduit"
LOGOUT_ALL = "POST /_matrix/client/v3/logout/all"
NEXT_ONE = "the next account that is registered an administrator"
STRANGER = {"username": "mallory", "password": "pw", "auth": {"type": "m.login.dummy"}}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def start(kind: str) -> Iterator[Callable[..., Server]]:
    """One of the test's own, with an emergency_password unless told otherwise."""
    servers: list[Server] = []

    def begin(**settings: Any) -> Server:
        servers.append(KINDS[kind](**{"emergency_password": EMERGENCY} | settings))
        return servers[-1]

    yield begin
    for server in servers:
        server.close()
        assert not server.complaints


@pytest.fixture
def emergency(start) -> Server:
    """With @root, an administrator that nobody knows the password of."""
    server = start()
    server.create("root", a_password(), admin=True)
    return server


def test_it_makes_an_administrator_and_warns_until_it_is_unset(kind, emergency):
    task = by_emergency(emergency, username="alice", password=a_password(), admin=True)
    for check, actions in ((True, ["create"]), (False, ["create"]), (False, [])):
        reply = ran(task, check=check)
        assert reply.json["actions"] == actions
        assert reply.json["authenticated_by"] == "emergency_password"
        assert "unset it" in warnings(reply) and "@conduit:example.test" in warnings(reply)
        assert emergency.devices(BOT) == []
        # Unsetting alone does not close tuwunel (1.9.0, seen running).
        closes = "deactivates the user: PUT /_synapse/admin/v2/users/@conduit:" in warnings(reply)
        assert closes == (kind == "tuwunel")
    assert emergency.administers("alice") and emergency.opens("alice", task["password"])


def test_check_mode_makes_nothing_leaves_no_session_and_ends_no_other(emergency):
    emergency.login(BOT, EMERGENCY)
    before = trace(emergency)
    task = by_emergency(emergency, username="alice", password=a_password(), admin=True)
    assert ran(task, check=True).json["actions"] == ["create"]
    assert trace(emergency) == before and emergency.count(LOGOUT_ALL) == 0


def test_the_cure_that_the_warning_names_closes_tuwunel(request):
    server = KINDS["tuwunel"](emergency_password=EMERGENCY)
    request.addfinalizer(server.close)
    server.create("root", a_password(), admin=True)
    task = by_emergency(server, username="root", if_absent="fail")
    ran(task)
    server.restart(emergency_password=None)
    ran(task)  # the trap
    path = f"/_synapse/admin/v2/users/@conduit:{server.server_name}"
    server.asked("PUT", path, {"deactivated": True}, server.token_of("root"))
    assert "emergency_password" in refused(server, task, "unauthorized").msg


def test_all_sessions_of_the_servers_own_user_end_with_it(emergency):
    # They would outlive the password on Conduit and tuwunel.
    older = emergency.login(BOT, EMERGENCY)
    ran(by_emergency(emergency, username="alice", password=a_password()))
    assert emergency.whoami(older) is None and emergency.devices(BOT) == []
    assert emergency.count(LOGOUT_ALL) == 1


def test_they_end_also_when_the_task_fails(emergency):
    task = by_emergency(emergency, username="nobody", if_absent="fail", admin=True)
    reply = run_module(task)
    assert reply.failed and reply.kind == "not_found"
    assert "unset it" in warnings(reply) and emergency.devices(BOT) == []


def test_they_end_also_when_the_task_is_stopped(kind, emergency):
    # Between the login and the creation, or while the bot is waited for.
    emergency.bot.delay = 30
    if kind == "tuwunel":
        emergency.delay = 0.2
    running = start_module(by_emergency(emergency, username="alice", password=a_password()))
    end = time.monotonic() + 10
    while not has_begun(kind, emergency) and time.monotonic() < end:
        time.sleep(0.01)
    running.process.send_signal(signal.SIGTERM)
    reply = running.wait(10)
    assert reply.failed and reply.kind == "interrupted"
    assert "unset it" in warnings(reply) and emergency.devices(BOT) == []


def has_begun(kind: str, server: Server) -> bool:
    if kind == "tuwunel":
        return server.count(LOGIN) > 0
    return any("create-user" in text for text in server.readable())


def test_its_session_is_never_kept(emergency, tmp_path):
    file = tmp_path / "kept" / "sessions.json"
    task = by_emergency(emergency, session_file=str(file), username="root", if_absent="fail")
    for _ in range(2):
        ran(task)
    assert not file.exists() or json.loads(file.read_text())["sessions"] == []
    assert emergency.count(LOGIN) >= 2 and emergency.devices(BOT) == []


def test_one_that_could_not_be_logged_out_is_told(emergency):
    emergency.cut(LOGOUT_ALL, done=False)
    reply = ran(by_emergency(emergency, username="root", if_absent="fail"))
    if emergency.devices(BOT):
        assert "could not be logged out everywhere" in warnings(reply)
    else:
        assert emergency.count(LOGOUT_ALL) == 2  # it was sent again


def test_a_wrong_one_is_refused(emergency):
    task = by_emergency(emergency, username="alice", password=a_password())
    wrong = task | {"emergency_password": "not-the-one-that-is-set"}
    reply = refused(emergency, wrong, "unauthorized")
    assert "the running server has another one" in reply.msg and "restart" in reply.msg


def test_one_that_is_unset_is_refused(start):
    server = start(emergency_password=None)
    server.create("root", a_password(), admin=True)
    reply = refused(
        server, by_emergency(server, username="alice", password=a_password()), "unauthorized"
    )
    assert "the running server has none" in reply.msg and "restart" in reply.msg


def test_creating_prefers_it_to_a_registration_token(start):
    # What registers while the bot is alone becomes an administrator; what it makes does not.
    server = start(allow_registration=True, registration_token=TOKEN)
    server.create("root", a_password(), admin=True)
    task = by_emergency(server, registration_token=TOKEN, username="alice")
    reply = ran(task | {"password": a_password()})
    assert reply.json["authenticated_by"] == "emergency_password"
    assert server.count(REGISTER) == 0 and not server.administers("alice")


def test_the_servers_own_user_is_never_a_target(kind, emergency):
    for task in (
        {"username": BOT, "password": a_password()},
        {"username": f"@{BOT}:example.test", "admin": False},
        {"username": BOT, "state": "deactivated"},
        {"username": BOT, "password": a_password(), "update_password": "always"},
    ):
        before = trace(emergency)
        reply = run_module(by_emergency(emergency, **task))
        assert reply.failed and reply.kind == "policy" and "own user" in reply.msg
        assert trace(emergency) == before


@pytest.mark.parametrize("change", [{"admin": False}, {"state": "deactivated"}], ids=str)
def test_the_last_administrator_stays_one(emergency, change):
    # Nor does it count that the server's own user is one.
    reply = run_module(by_emergency(emergency, username="root", **change))
    assert reply.failed and reply.kind == "policy" and "another account" in reply.msg
    assert not reply.changed
    assert emergency.admins() == ["@root:example.test"]
    assert not emergency.user("root").deactivated
    emergency.create("bob", a_password(), admin=True)
    assert not run_module(by_emergency(emergency, username="root", **change)).failed
    assert emergency.admins() == ["@bob:example.test"]


# Who registers next while the bot is alone in its room


def test_that_the_next_stranger_becomes_an_administrator_is_told(kind, start):
    server = start(allow_registration=True)
    if kind == "continuwuity":
        server.first_run = False
    task = by_emergency(server, username="alice", password=a_password())
    reply = ran(task)
    assert reply.json["actions"] == ["create"] and server.admins() == []
    # continuwuity promotes the first account of all, and no stranger later.
    assert (NEXT_ONE in warnings(reply)) == (kind != "continuwuity")
    if kind != "continuwuity":
        assert server.api("POST", "/_matrix/client/v3/register", STRANGER)[0] == 200
        assert server.administers("mallory")


def test_an_administrator_in_the_room_ends_that(kind, start):
    server = start(allow_registration=True)
    task = by_emergency(server, username="alice", password=a_password(), admin=True)
    assert NEXT_ONE not in warnings(ran(task))
    assert server.admins() == ["@alice:example.test"]
    server.api("POST", "/_matrix/client/v3/register", STRANGER)
    assert not server.administers("mallory")


def test_who_is_made_in_emergency_mode_has_a_name_by_the_grammar(emergency):
    # There, continuwuity calls any of these free, and makes it (26.7.3, seen running).
    for name in ("two words", "b\N{LATIN SMALL LETTER A WITH DIAERESIS}d", "", "a" * 300, "b!d"):
        task = by_emergency(emergency, username=name, password=a_password())
        before = trace(emergency)
        assert refused(emergency, task, "invalid").kind == "invalid"
        assert trace(emergency) == before
    assert emergency.user_names() == ["@root:example.test"]


def test_capitals_make_nothing_in_emergency_mode(kind, emergency):
    task = by_emergency(emergency, username="Erin", password=a_password())
    reply = run_module(task)
    assert all(name == name.lower() for name in emergency.user_names())
    assert reply.failed or emergency.find("erin") is not None
