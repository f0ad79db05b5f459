# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGTERM, SIGINT and SIGHUP: the request under way is finished, what was done
is reported, what was opened is closed."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from tests.support import hostile_faults as faults
from tests.support.hostile import HostileServer
from tests.support.hostile_secrets import assert_no_secret
from tests.support.hostile_tasks import (
    ALICE_PASSWORD,
    NEW_PASSWORD,
    ROOT_PASSWORD,
    SLACK,
    TIMEOUT,
    by_login,
    by_match,
    by_secret,
    by_token,
    left_sessions,
)
from tests.support.module import Reply, start_module

SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
NAMES = [one.name for one in SIGNALS]
# How long a slow request takes: well within the timeout.
SLOW = 1.0


def interrupted(
    server: HostileServer,
    arguments: dict[str, Any],
    route: str,
    which: signal.Signals = signal.SIGTERM,
    nth: int = 1,
) -> Reply:
    """The reply of a task that gets the signal while a request to the route is
    under way."""
    running = start_module(arguments)
    server.wait_for(route, nth)
    running.process.send_signal(which)
    reply = running.wait()
    assert_no_secret(reply, [ROOT_PASSWORD, ALICE_PASSWORD, NEW_PASSWORD])
    return reply


@pytest.mark.parametrize("which", SIGNALS, ids=NAMES)
def test_a_change_under_way_is_finished_and_reported(
    server: HostileServer, which: signal.Signals
) -> None:
    server.misbehave("put_user", faults.delayed(SLOW), on=None)
    users = [{"username": "alice", "displayname": "Alice II"}, {"username": "root", "admin": True}]
    task = by_login(server, username=None) | {"users": users}
    reply = interrupted(server, task, "put_user", which)
    assert reply.failed
    assert reply.kind == "interrupted"
    assert reply.changed
    assert reply.json["users"][0]["actions"] == ["set displayname"]
    assert server.requests[-1].route == "logout"
    assert left_sessions(server) == []


@pytest.mark.parametrize("which", SIGNALS, ids=NAMES)
def test_a_creation_under_way_is_finished_and_reported(
    server: HostileServer, which: signal.Signals
) -> None:
    server.misbehave("register", faults.delayed(SLOW), on=None)
    reply = interrupted(server, by_secret(server), "register", which)
    assert server.homeserver.user("bob") is not None
    assert reply.changed
    assert reply.json["actions"] == ["create"]
    # All that was asked for is done: whether that is called a failure is open.
    assert not reply.failed or reply.kind == "interrupted"


@pytest.mark.parametrize("which", SIGNALS, ids=NAMES)
def test_before_a_change_was_sent_none_is(server: HostileServer, which: signal.Signals) -> None:
    server.misbehave("get_user", faults.delayed(SLOW), on=None)
    reply = interrupted(server, by_login(server, displayname="Alice II"), "get_user", which)
    assert reply.failed
    assert reply.kind == "interrupted"
    assert not reply.changed
    assert server.count("put_user") == 0
    assert left_sessions(server) == []


def test_a_login_under_way_is_finished_and_logged_out(server: HostileServer) -> None:
    server.misbehave("login", faults.delayed(SLOW), on=None)
    reply = interrupted(server, by_login(server, displayname="Alice II"), "login")
    assert reply.kind == "interrupted"
    assert server.requests[-1].route == "logout"
    assert left_sessions(server) == []


def test_a_login_of_the_user_s_own_is_logged_out(server: HostileServer) -> None:
    server.misbehave("login", faults.delayed(SLOW), on=None)
    reply = interrupted(server, by_match(server, displayname="Alice II"), "login")
    assert reply.kind == "interrupted"
    assert left_sessions(server) == []


def test_a_token_on_a_user_s_behalf_is_logged_out(server: HostileServer) -> None:
    server.misbehave("add_3pid", faults.delayed(SLOW), on=None)
    task = by_token(server, password=NEW_PASSWORD, update_password="always")
    reply = interrupted(server, task, "add_3pid")
    assert reply.kind == "interrupted"
    assert server.homeserver.user("alice").password == ALICE_PASSWORD
    assert left_sessions(server) == []


def test_what_was_done_of_a_list_is_reported_and_the_rest_left(server: HostileServer) -> None:
    users = []
    for name in ("u1", "u2", "u3", "u4"):
        server.homeserver.add_user(name, "x")
        users.append({"username": name, "displayname": "New"})
    server.misbehave("put_user", faults.delayed(SLOW), on=2)
    task = by_login(server, username=None) | {"users": users}
    reply = interrupted(server, task, "put_user", nth=2)
    assert reply.kind == "interrupted"
    assert server.count("put_user") == 2
    changed = [user["user_id"] for user in reply.json["users"] if user["changed"]]
    assert changed == ["@u1:example.test", "@u2:example.test"]
    assert reply.json["summary"]["changed"] == 2
    assert left_sessions(server) == []


def test_a_request_that_hangs_ends_with_its_timeout_and_no_later(server: HostileServer) -> None:
    server.misbehave("put_user", faults.silent(), on=None)
    reply = interrupted(server, by_login(server, displayname="Alice II"), "put_user")
    assert reply.failed
    assert reply.kind in ("interrupted", "unreachable")
    assert reply.seconds < TIMEOUT + SLACK
    assert left_sessions(server) == []


@pytest.mark.parametrize("which", SIGNALS, ids=NAMES)
def test_a_wait_for_a_limit_ends_at_once(server: HostileServer, which: signal.Signals) -> None:
    server.misbehave("get_user", faults.limited(30_000), on=None)
    task = by_login(server, displayname="x") | {"retry_timeout": 60}
    reply = interrupted(server, task, "get_user", which)
    assert reply.kind == "interrupted"
    assert reply.seconds < SLACK
    assert left_sessions(server) == []


def test_a_wait_for_a_server_that_starts_ends_at_once(server: HostileServer) -> None:
    server.misbehave("nonce", faults.html(502), on=None)
    reply = interrupted(server, by_secret(server) | {"wait_timeout": 60}, "nonce")
    assert reply.kind == "interrupted"
    assert reply.seconds < SLACK


def test_several_signals_are_as_one(server: HostileServer) -> None:
    server.misbehave("put_user", faults.delayed(SLOW), on=None)
    running = start_module(by_login(server, displayname="Alice II", admin=True))
    server.wait_for("put_user")
    for which in SIGNALS * 3:
        running.process.send_signal(which)
    reply = running.wait()
    assert reply.changed
    assert server.homeserver.user("alice").displayname == "Alice II"
    assert left_sessions(server) == []


def test_a_reader_that_is_gone_does_not_end_the_work(server: HostileServer) -> None:
    """Ansible's connection broke: nobody reads the reply any more."""
    server.misbehave("put_user", faults.delayed(SLOW), on=None)
    running = start_module(by_login(server, displayname="Alice II"))
    server.wait_for("put_user")
    assert running.process.stdout is not None
    running.process.stdout.close()
    assert running.process.stderr is not None
    assert running.process.stderr.read() == b""
    running.process.stderr.close()
    assert running.process.wait(20) is not None
    assert server.homeserver.user("alice").displayname == "Alice II"
    assert left_sessions(server) == []
