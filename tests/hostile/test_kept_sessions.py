# SPDX-License-Identifier: GPL-3.0-or-later
"""A session that is kept in session_file: where its token goes, whose it is, and
what becomes of it on servers that are not well-behaved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import hostile_faults as faults
from tests.support.hostile import Fault, HostileServer
from tests.support.hostile_kept import (
    KINDS,
    OWNERS,
    ROOT,
    assert_never_sent,
    bearers,
    entries,
    keep,
    keeping,
    token_in,
)
from tests.support.hostile_tasks import (
    SLACK,
    TIMEOUT,
    assert_fails,
    left_sessions,
    populated,
    run,
)

@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "kept"
    folder.mkdir(mode=0o700)
    return folder / "sessions"


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


# Where it goes


def test_a_kept_session_is_all_that_is_used(
    server: HostileServer, kind: str, path: Path
) -> None:
    token = keep(server, kind, path)
    reply = run(keeping(server, kind, path, displayname="Alice III"))
    assert reply.json["actions"] == ["set displayname"]
    assert server.count("login", "register", "logout") == 0
    assert bearers(server) == {None, token}
    assert server.homeserver.tokens[token].user_id == OWNERS[kind]


def test_a_kept_session_is_not_sent_to_another_port(
    server: HostileServer, kind: str, path: Path
) -> None:
    token = keep(server, kind, path)
    with HostileServer() as other:
        populated(other).homeserver.secret = server.homeserver.secret
        assert run(keeping(other, kind, path)).changed
        assert_never_sent(other, token)
        assert server.requests == []
    assert token in [entry["access_token"] for entry in entries(path)], "it is still good"
    assert not run(keeping(server, kind, path)).failed
    assert server.count("login", "register") == 0


def test_a_kept_session_is_not_sent_to_another_name_for_the_same_port(
    server: HostileServer, kind: str, path: Path
) -> None:
    """What a name leads to may be another machine tomorrow."""
    token = keep(server, kind, path)
    arguments = keeping(server, kind, path)
    arguments["url"] = server.url.replace("127.0.0.1", "localhost")
    assert not run(arguments).failed
    assert_never_sent(server, token)


@pytest.mark.parametrize("named", [True, False], ids=["named", "unnamed"])
def test_a_kept_session_is_not_sent_to_a_server_that_calls_itself_otherwise(
    server: HostileServer, kind: str, path: Path, named: bool
) -> None:
    """Another homeserver at the same address: a new one, or somebody's trick."""
    token = keep(server, kind, path)
    arguments = keeping(server, kind, path)
    if not named:
        del arguments["server_name"]
    kept = dict(server.homeserver.tokens)
    server.homeserver.server_name = "elsewhere.test"
    server.homeserver.accounts.clear()
    populated(server)
    reply = run(arguments)
    assert_never_sent(server, token)
    assert token in [entry["access_token"] for entry in entries(path)]
    if named:
        assert_fails(reply, "invalid")
        assert server.homeserver.tokens == kept, "no login either"
    else:
        assert reply.changed, reply.json


NO_NAMES: list[Any] = [5, None, [], {}, "", "x\ny", "a b", "x" * 100_000, "exa/mple.test"]


@pytest.mark.parametrize("name", NO_NAMES, ids=lambda name: repr(name)[:20])
def test_a_server_s_name_that_is_none_is_told_or_taken_for_not_said(
    server: HostileServer, kind: str, path: Path, name: Any
) -> None:
    keep(server, kind, path)
    body = {"server_name": name, "verify_keys": {}, "valid_until_ts": 1}
    server.misbehave("key_server", faults.says(body), on=None)
    arguments = keeping(server, kind, path)
    del arguments["server_name"]
    reply = run(arguments)
    if reply.failed:
        assert_fails(reply, "protocol", "invalid")
    assert len(reply.raw) < 8000
    server.forget()
    assert not run(keeping(server, kind, path)).failed
    assert server.count("login", "register") == 0


def test_a_listener_for_clients_only_may_keep_its_session(
    server: HostileServer, kind: str, path: Path
) -> None:
    """key/v2/server is the federation's: 404 M_UNRECOGNIZED elsewhere."""
    refusal = faults.refuses(404, "M_UNRECOGNIZED", "Unrecognized request")
    arguments = keeping(server, kind, path)
    del arguments["server_name"]
    for _ in range(2):
        server.forget()
        server.misbehave("key_server", refusal, on=None)
        assert not run(arguments).failed
    assert server.count("login", "register") == 0
    assert left_sessions(server) == [OWNERS[kind]]


@pytest.mark.parametrize("route", ["whoami", "get_user", "put_user", "key_server"])
def test_a_kept_session_does_not_follow_a_redirect(
    server: HostileServer, elsewhere: HostileServer, kind: str, path: Path, route: str
) -> None:
    keep(server, kind, path)
    before = path.read_bytes()
    server.misbehave(route, faults.redirects(307, elsewhere.url + "/x"), on=None)
    reply = run(keeping(server, kind, path, displayname="Alice III"))
    if route != "key_server":
        assert_fails(reply, "protocol")
    assert path.read_bytes() == before


# Whose it is

OTHERS: list[Any] = ["@alice:example.test", "@root:elsewhere.test", "@nobody:example.test", "root"]
NOBODY: list[Any] = [None, 5, "", [], {}, [ROOT], "@root", "@root:", "x" * 100_000]


@pytest.mark.parametrize("user_id", OTHERS)
def test_a_kept_session_that_is_another_s_is_not_worked_with(
    server: HostileServer, kind: str, path: Path, user_id: str
) -> None:
    token = keep(server, kind, path)
    answer = {"user_id": user_id, "is_guest": False}
    server.misbehave("whoami", faults.says(answer), on=None)
    reply = run(keeping(server, kind, path, displayname="Alice III"))
    assert token not in bearers(server, "whoami", "logout")
    if reply.failed:
        assert_fails(reply, "protocol", "unauthorized", "invalid")
    else:
        assert token_in(path) != token
        assert set(left_sessions(server)) == {OWNERS[kind]}


@pytest.mark.parametrize("user_id", NOBODY, ids=lambda value: repr(value)[:20])
def test_a_kept_session_that_is_nobody_s_is_not_worked_with(
    server: HostileServer, kind: str, path: Path, user_id: Any
) -> None:
    token = keep(server, kind, path)
    server.misbehave("whoami", faults.says({"user_id": user_id, "is_guest": False}), on=None)
    reply = run(keeping(server, kind, path, displayname="Alice III"))
    assert token not in bearers(server, "whoami", "logout")
    if reply.failed:
        assert_fails(reply, "protocol", "unauthorized")
    assert len(reply.raw) < 8000
    server.forget()
    assert not run(keeping(server, kind, path)).failed


# Not an answer to whether it works, so it is no reason to give it up: for that
# there is a limit on logins.
UNCLEAR: dict[str, Fault] = {
    "401 of a proxy": faults.reply(401, b"<h1>401</h1>", "text/html"),
    # A proxy that keeps the header for itself.
    "401 without a token": faults.refuses(401, "M_MISSING_TOKEN", "Missing access token"),
    "403": faults.refuses(403, "M_FORBIDDEN"),
    "403 of a proxy": faults.html(403),
    "404": faults.refuses(404, "M_UNRECOGNIZED"),
    "429": faults.limited(100_000),
    "500": faults.refuses(500, "M_UNKNOWN"),
    "502": faults.html(502),
    "a reset": faults.reset(),
    "half an answer": faults.truncated(),
    "a page": faults.reply(200, b"<html></html>", "text/html"),
    "an array": faults.reply(200, b"[]"),
    "too much": faults.endless_body(),
    "a redirect": faults.redirects(302, "http://127.0.0.1:1/"),
}


@pytest.mark.parametrize("what", UNCLEAR)
def test_whether_it_works_that_cannot_be_told_does_not_cost_a_session(
    server: HostileServer, kind: str, path: Path, what: str
) -> None:
    token = keep(server, kind, path)
    server.misbehave("whoami", UNCLEAR[what], on=None)
    before = server.homeserver.state()
    reply = run(keeping(server, kind, path, displayname="Alice III"))
    if reply.failed:
        assert server.homeserver.state() == before
        assert not reply.changed
    assert reply.seconds < TIMEOUT + SLACK
    assert token in server.homeserver.tokens or token_in(path) != token
    server.forget()
    assert not run(keeping(server, kind, path)).failed
    assert server.count("login", "register") == 0, "what is kept is good"
    assert left_sessions(server) == [OWNERS[kind]]


ENDED: dict[str, Fault] = {
    "hard": faults.refuses(401, "M_UNKNOWN_TOKEN", "Invalid access token passed."),
    "soft": faults.refuses(401, "M_UNKNOWN_TOKEN", "Expired", soft_logout=True),
}


@pytest.mark.parametrize("what", ENDED)
def test_a_session_that_has_ended_is_replaced_once(
    server: HostileServer, kind: str, path: Path, what: str
) -> None:
    token = keep(server, kind, path)
    server.homeserver.tokens.clear()
    server.misbehave("whoami", ENDED[what], on=1)
    reply = run(keeping(server, kind, path, displayname="Alice III"))
    assert reply.json["actions"] == ["set displayname"]
    assert server.count("login") == 1
    assert token_in(path) != token
    assert left_sessions(server) == [OWNERS[kind]]
    server.forget()
    assert not run(keeping(server, kind, path)).failed
    assert server.count("login", "register") == 0


def test_a_server_that_takes_no_session_at_all_is_not_logged_in_to_for_ever(
    server: HostileServer, kind: str, path: Path
) -> None:
    keep(server, kind, path)
    for route in ("whoami", "get_user"):
        server.misbehave(route, ENDED["hard"], on=None)
    reply = run(keeping(server, kind, path, displayname="Alice III"))
    assert_fails(reply, "unauthorized")
    assert server.count("login") <= 2
    assert reply.seconds < SLACK


def test_a_session_that_ends_after_it_was_asked_about_ends_the_work_truly(
    server: HostileServer, kind: str, path: Path
) -> None:
    keep(server, kind, path)
    server.misbehave("put_user", ENDED["hard"], on=None)
    reply = run(keeping(server, kind, path, displayname="Alice III"))
    assert_fails(reply, "unauthorized")
    assert not reply.changed
    server.forget()
    assert run(keeping(server, kind, path, displayname="Alice III")).changed
