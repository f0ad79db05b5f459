# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections that break, hang or never come about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support import hostile_faults as faults
from tests.support.hostile import Fault, HostileServer
from tests.support.hostile_tasks import (
    ALICE_PASSWORD,
    NEW_PASSWORD,
    SLACK,
    TIMEOUT,
    assert_fails,
    by_login,
    by_match,
    by_secret,
    by_token,
    connection,
    left_sessions,
    run,
)

Task = Callable[[HostileServer], dict[str, Any]]

# The request that goes wrong, and a task in which it is sent.
ASKED: dict[str, Task] = {
    "nonce": by_secret,
    "whoami": by_token,
    "get_user": by_token,
    "login": by_login,
}
BREAKING: dict[str, Fault] = {
    "reset before it was read": faults.reset_before_reading(),
    "reset after it was read": faults.reset(),
    "ended without a word": faults.hangs_up(),
    "a Content-Length larger than the body": faults.truncated(),
    "chunks without the last one": faults.truncated_chunks(),
    "half a head": faults.half_a_head(),
}
HANGING: dict[str, Fault] = {
    "never answered": faults.silent(),
    "a body that drips": faults.dripping(),
    "a head that drips": faults.dripping_head(),
}


@pytest.mark.parametrize("what", BREAKING)
@pytest.mark.parametrize("route", ASKED)
def test_a_connection_lost_before_the_whole_answer_is_unreachable(
    server: HostileServer, route: str, what: str
) -> None:
    server.misbehave(route, BREAKING[what], on=None)
    before = server.homeserver.state()
    reply = run(ASKED[route](server))
    # libcurl takes a head that breaks off for a whole one, and its status counts.
    half = ("protocol",) if what == "half a head" else ()
    assert_fails(reply, "unreachable", *half)
    assert not reply.changed
    assert server.homeserver.state() == before
    assert reply.seconds < SLACK


@pytest.mark.parametrize("what", HANGING)
@pytest.mark.parametrize("route", ["nonce", "login"])
def test_a_request_ends_within_its_timeout(server: HostileServer, route: str, what: str) -> None:
    server.misbehave(route, HANGING[what], on=None)
    reply = run(ASKED[route](server))
    assert_fails(reply, "unreachable")
    assert TIMEOUT - 0.1 <= reply.seconds < TIMEOUT + SLACK
    assert server.count(route) == 1


def test_a_slow_server_that_keeps_within_the_timeout_is_waited_for(server: HostileServer) -> None:
    server.misbehave("any", faults.delayed(TIMEOUT / 4), on=None)
    reply = run(by_secret(server))
    assert reply.changed, reply.json
    assert server.homeserver.user("bob") is not None


def test_the_timeout_is_of_each_request_and_not_of_the_task(server: HostileServer) -> None:
    server.misbehave("any", faults.delayed(TIMEOUT * 0.6), on=[1, 2, 3])
    reply = run(by_token(server, displayname="Alice II"))
    assert not reply.failed, reply.json
    assert reply.seconds > TIMEOUT


def test_nobody_listening_is_unreachable_at_once() -> None:
    with HostileServer(listening=False) as server:
        reply = run(by_secret(server))
    assert_fails(reply, "unreachable")
    assert server.origin in reply.json["msg"]
    assert reply.seconds < SLACK


def test_a_connection_that_is_reset_when_it_is_made_is_unreachable(server: HostileServer) -> None:
    server.reset_connection(*range(1, 20))
    assert_fails(run(by_secret(server)), "unreachable")
    assert server.requests == []


def test_a_host_that_does_not_exist_is_unreachable(server: HostileServer) -> None:
    """RFC 6761, 6.4: names under .invalid never resolve."""
    reply = run(by_secret(server) | {"url": "http://matrix.invalid:8008"})
    assert_fails(reply, "unreachable")
    assert "matrix.invalid" in reply.json["msg"]


def test_what_does_not_speak_http_is_a_protocol_error_or_unreachable(
    server: HostileServer,
) -> None:
    """libcurl may take the banner of an SSH server for HTTP/0.9 or for noise."""
    server.misbehave("any", faults.no_http(), on=None)
    assert_fails(run(by_secret(server)), "protocol", "unreachable")


@pytest.mark.parametrize("what", BREAKING)
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_session_is_ended_although_the_work_in_it_broke_off(
    server: HostileServer, what: str, done: bool
) -> None:
    fault = faults.done_but(BREAKING[what]) if done else BREAKING[what]
    server.misbehave("put_user", BREAKING[what] if "before" in what else fault, on=None)
    task = by_login(server, displayname="Alice II")
    reply = run(task)
    assert server.count("logout") == 1
    assert left_sessions(server) == []
    server.forget()
    again = run(task)
    assert not again.failed, f"after {reply.json}: {again.json}"
    assert server.homeserver.user("alice").displayname == "Alice II"


@pytest.mark.parametrize("what", BREAKING | HANGING)
def test_a_logout_that_fails_does_not_undo_the_success(server: HostileServer, what: str) -> None:
    server.misbehave("logout", (BREAKING | HANGING)[what], on=None)
    reply = run(by_login(server, displayname="Alice II"))
    assert not reply.failed
    assert reply.changed
    assert any("logged out" in warning for warning in reply.json["warnings"])
    assert reply.seconds < TIMEOUT + SLACK


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 502])
def test_a_logout_that_is_refused_does_not_undo_the_success(
    server: HostileServer, status: int
) -> None:
    server.misbehave("logout", faults.refuses(status, "M_UNKNOWN"), on=None)
    reply = run(by_login(server, displayname="Alice II"))
    assert not reply.failed
    assert reply.changed
    assert any("logged out" in warning for warning in reply.json["warnings"])


TASKS: dict[str, Task] = {
    "creating": by_secret,
    "looking": by_token,
    "changing": lambda server: by_token(
        server, displayname="A", admin=True, password=NEW_PASSWORD, update_password="always"
    ),
    "logging in": lambda server: by_login(server, displayname="A"),
    "matching": lambda server: by_match(server),
    "a list": lambda server: by_login(server, username=None)
    | {"users": [{"username": name, "password": NEW_PASSWORD} for name in ("a1", "a2", "alice")]},
    "a list by secret": lambda server: by_secret(server, username=None)
    | {"password": None, "users": [{"username": n, "password": NEW_PASSWORD} for n in "abc"]},
    "refused": lambda server: by_secret(server, registration_shared_secret="not the secret"),
    "not found": lambda server: by_token(server, "nobody", if_absent="fail"),
    "a wrong login": lambda server: by_login(server, admin_password="not the password"),
}


@pytest.mark.parametrize("what", TASKS)
def test_a_task_uses_one_connection_from_its_first_request_to_its_last(
    server: HostileServer, what: str
) -> None:
    run(TASKS[what](server))
    assert len(server.requests) > 1
    assert server.connections == 1


def test_a_server_that_ends_kept_alive_connections_is_only_slower(server: HostileServer) -> None:
    """It says so, which is its right (RFC 9112, 9.6)."""

    def and_close(exchange: faults.Exchange) -> None:
        answer = exchange.answer()
        answer.headers["Connection"] = "close"
        exchange.send_answer(answer)
        exchange.finished = False

    server.misbehave("any", and_close, on=None)
    reply = run(by_login(server, displayname="Alice II"))
    assert not reply.failed, reply.json
    assert server.connections == len(server.requests)


def test_a_kept_alive_connection_that_was_ended_meanwhile_is_made_anew(
    server: HostileServer,
) -> None:
    """The server gave it up just when the next request was on its way."""

    def and_vanish(exchange: faults.Exchange) -> None:
        exchange.send_answer(exchange.answer())
        exchange.finished = False

    server.misbehave("nonce", and_vanish, on=None)
    server.misbehave("login", and_vanish, on=None)
    reply = run(by_login(server, displayname="Alice II"))
    assert not reply.failed, reply.json
    assert left_sessions(server) == []


def test_a_base_url_with_a_path_and_a_slash_keeps_its_path(server: HostileServer) -> None:
    task = by_secret(server) | {"url": server.url + "/behind/"}
    reply = run(task)
    assert_fails(reply, "unsupported", "protocol", "not_found")
    assert server.requests
    assert all(request.target.startswith("/behind/_") for request in server.requests)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "127.0.0.1:8008",
        "http://",
        "http://user:pass@127.0.0.1:1",
        "http://127.0.0.1:1/?x=1",
        "http://127.0.0.1:1/#x",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:1\r\nX-Injected: 1",
        "http://127.0.0.1 :1",
        "gopher://127.0.0.1:1/_GET",
        "",
    ],
)
def test_a_url_that_is_none_for_a_homeserver_is_invalid(server: HostileServer, url: str) -> None:
    assert_fails(run(by_secret(server) | {"url": url}), "invalid")


@pytest.mark.parametrize("what", ["get_profile", "get_profile_field"])
def test_a_match_fails_without_a_change_when_the_profile_cannot_be_seen(
    server: HostileServer, what: str
) -> None:
    server.misbehave(what, faults.reset(), on=None)
    reply = run(by_match(server, displayname="alice"))
    assert not reply.changed
    assert left_sessions(server) == []


def test_the_user_s_own_login_is_ended_although_the_profile_could_not_be_set(
    server: HostileServer,
) -> None:
    server.misbehave("put_profile_field", faults.reset(), on=None)
    reply = run(by_match(server, displayname="Alice II"))
    assert_fails(reply, "unreachable")
    assert left_sessions(server) == []


def test_a_token_on_the_user_s_behalf_is_ended_although_the_question_broke_off(
    server: HostileServer,
) -> None:
    server.misbehave("add_3pid", faults.reset(), on=None)
    run(by_token(server, password=ALICE_PASSWORD, update_password="always"))
    assert server.count("login_as") == 1
    assert left_sessions(server) == []


def test_without_a_credential_or_a_matching_password_nothing_is_kept_open(
    server: HostileServer,
) -> None:
    account = {"username": "alice", "password": "not hers", "if_exists": "match"}
    reply = run(connection(server) | account)
    assert reply.failed
    assert left_sessions(server) == []
