# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGTERM, SIGINT and SIGHUP while the service account is made, a session is
kept or a field is changed: it is told what was done, nothing is left open, and
the next run goes on from there."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support import hostile_faults as faults
from tests.support.hostile import HostileServer
from tests.support.hostile_fields import FULL, assert_full, in_rooms
from tests.support.hostile_kept import (
    KINDS,
    OWNERS,
    SERVICE_ID,
    entries,
    keep,
    keeping,
    token_in,
)
from tests.support.hostile_secrets import assert_no_secret
from tests.support.hostile_tasks import (
    OLD_SECRET,
    SERVICE,
    SLACK,
    Arguments,
    add_service,
    by_secret,
    by_service,
    by_token,
    left_sessions,
    run,
    secrets_of,
    service_password,
)
from tests.support.module import Reply, start_module

# How long a slow request takes: well within the timeout.
SLOW = 0.7
SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "kept"
    folder.mkdir(mode=0o700)
    return folder / "sessions"


def interrupted(
    server: HostileServer,
    arguments: Arguments,
    route: str,
    nth: int = 1,
    which: signal.Signals = signal.SIGTERM,
) -> Reply:
    """The reply of a task that gets the signal while its nth request to the
    route is under way; the server answers that one all the same, late."""
    server.misbehave(route, faults.delayed(SLOW), on=nth)
    before = server.homeserver.state()
    running = start_module(arguments)
    server.wait_for(route, nth)
    running.process.send_signal(which)
    reply = running.wait()
    assert_no_secret(reply, secrets_of(arguments))
    assert reply.kind == "interrupted", reply.json
    assert reply.changed == (server.homeserver.state() != before), reply.json
    assert reply.seconds < SLOW + SLACK
    return reply


def assert_converges(server: HostileServer, arguments: Arguments) -> None:
    server.forget()
    again = run(arguments)
    assert not again.failed, again.json
    assert server.homeserver.user("alice").displayname == "Alice II"
    assert not run(arguments).changed


# The requests of a run that makes the account, in their order.
MAKING = ["nonce", "get_profile", "login_flows", "register", "joined_rooms", "leave_room"]
MAKING += ["get_user", "put_user"]


@pytest.mark.parametrize("which", SIGNALS, ids=[one.name for one in SIGNALS])
def test_a_service_account_under_way_is_made_told_and_logged_out(
    server: HostileServer, which: signal.Signals
) -> None:
    arguments = in_rooms(server)
    reply = interrupted(server, arguments, "register", which=which)
    assert reply.json["actions"] == ["create service account"]
    assert server.homeserver.user(SERVICE) is not None
    assert left_sessions(server) == []
    assert_converges(server, arguments)


@pytest.mark.parametrize("route", MAKING)
def test_a_signal_anywhere_while_the_account_is_made_leaves_nothing_open(
    server: HostileServer, route: str
) -> None:
    arguments = in_rooms(server) | {"admin": True, "suspended": True}
    interrupted(server, arguments, route)
    assert left_sessions(server) == []
    assert_converges(server, arguments)
    assert server.count("register") <= 1


@pytest.mark.parametrize("route", MAKING)
def test_a_signal_anywhere_while_a_session_is_kept_keeps_a_good_one_or_none(
    server: HostileServer, path: Path, route: str
) -> None:
    arguments = in_rooms(server) | {"session_file": str(path), "suspended": True}
    interrupted(server, arguments, route)
    kept = [entry.get("access_token") for entry in entries(path)] if path.exists() else []
    for token in kept:
        assert token is None or token in server.homeserver.tokens
    assert len(left_sessions(server)) == len([token for token in kept if token])
    assert_converges(server, arguments)
    assert left_sessions(server) == [SERVICE_ID]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("route", ["whoami", "login"])
def test_a_signal_while_a_session_is_replaced_leaves_a_good_one_or_none(
    server: HostileServer, path: Path, route: str, kind: str
) -> None:
    keep(server, kind, path)
    server.homeserver.tokens.clear()
    arguments = keeping(server, kind, path, displayname="Alice II", suspended=True)
    interrupted(server, arguments, route)
    left = left_sessions(server)
    assert left in ([], [OWNERS[kind]])
    if left:
        assert token_in(path) in server.homeserver.tokens
    assert_converges(server, arguments)
    assert left_sessions(server) == [OWNERS[kind]]


@pytest.mark.parametrize("how", ["a kept session", "the previous secret"])
def test_a_new_password_under_way_is_set_and_told(
    server: HostileServer, path: Path, how: str
) -> None:
    new, server.homeserver.secret = server.homeserver.secret, OLD_SECRET
    arguments = by_service(server, displayname="Alice II", suspended=True)
    arguments["registration_shared_secret"] = new
    if how == "a kept session":
        keep(server, "service", path)
        arguments["session_file"] = str(path)
    else:
        add_service(server, OLD_SECRET)
        arguments["registration_shared_secret_previous"] = OLD_SECRET
    server.homeserver.secret = new
    reply = interrupted(server, arguments, "put_user")
    assert reply.json["actions"] == ["update service account"]
    assert server.homeserver.user(SERVICE).password == service_password(new or "")
    if how != "a kept session":
        assert left_sessions(server) == []
    assert_converges(server, arguments)


def test_a_wait_for_another_run_ends_at_once(server: HostileServer, path: Path) -> None:
    server.misbehave("login", faults.silent(), on=1)
    first = start_module(keeping(server, "admin", path, timeout=30))
    server.wait_for("login")
    arguments = keeping(server, "admin", path, timeout=30)
    second = start_module(arguments)
    server.wait_for("nonce", 2)
    # It says nothing while it waits: give it the time to begin.
    with pytest.raises(Exception, match="timed out"):
        second.process.wait(0.5)
    second.process.send_signal(signal.SIGTERM)
    reply = second.wait()
    assert reply.kind == "interrupted"
    assert not reply.changed
    assert reply.seconds < 0.5 + SLACK
    first.process.kill()
    first.process.communicate()


@pytest.mark.parametrize("route", ["put_user", "set_ratelimit", "suspend_user", "shadow_ban"])
def test_a_field_under_way_is_changed_and_told_and_the_rest_is_left(
    server: HostileServer, route: str
) -> None:
    arguments = by_token(server, **FULL)
    server.misbehave(route, faults.delayed(SLOW), on=1)
    running = start_module(arguments)
    server.wait_for(route)
    running.process.send_signal(signal.SIGTERM)
    reply = running.wait()
    assert reply.changed
    if reply.failed:
        assert reply.kind == "interrupted"
        assert server.requests[-1].route == route, "work went on"
    else:
        # It was the last of them, and nothing was left to interrupt.
        assert_full(server.homeserver.user("alice"))
    server.forget()
    assert not run(arguments).failed
    assert_full(server.homeserver.user("alice"))


def test_an_account_that_was_just_created_is_told_with_its_password(
    server: HostileServer,
) -> None:
    """Nobody else will ever say it."""
    users: dict[str, Any] = {"username": "bob", "generate_password": True}
    arguments = by_secret(server, **users, password=None)
    server.misbehave("register", faults.delayed(SLOW), on=1)
    running = start_module(arguments)
    server.wait_for("register")
    running.process.send_signal(signal.SIGTERM)
    reply = running.wait()
    assert reply.changed
    entry = reply.json["user"]
    assert entry["generated_password"] == server.homeserver.user("bob").password
