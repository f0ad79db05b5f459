# SPDX-License-Identifier: GPL-3.0-or-later
"""The service account on servers that are not well-behaved: what is made, what
is told, and what is left alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support import hostile_faults as faults
from tests.support.hostile import Answer, Exchange, Fault, HostileServer
from tests.support.hostile_tasks import (
    SERVICE,
    SLACK,
    TIMEOUT,
    add_service,
    assert_fails,
    by_secret,
    by_service,
    left_sessions,
    run,
)

SERVICE_ID = f"@{SERVICE}:example.test"
INJECTIONS = ["abc\r\nX-Injected: 1", "abc\nX-Injected: 1", "abc\n", "a b", "ä", "a\0b"]
NO_TOKEN: list[Any] = [None, 5, True, "", [], {}, ["abc"], {"token": "abc"}, *INJECTIONS]


def saying(key: str, value: Any) -> Fault:
    return faults.done_but_not_said(lambda body: body | {key: value})


def without(key: str) -> Fault:
    return faults.done_but_not_said(
        lambda body: {name: value for name, value in body.items() if name != key}
    )


def task(server: HostileServer) -> dict[str, Any]:
    return by_service(server, displayname="Alice II")


def assert_nothing_injected(server: HostileServer) -> None:
    for request in server.requests:
        assert request.header("X-Injected") is None
        assert request.route not in ("other", "wrong_method"), request.target


def assert_made_and_told(server: HostileServer, reply: Any) -> None:
    """The account was made, then something failed; repeating it works."""
    assert reply.failed, reply.json
    assert reply.changed
    assert reply.json["actions"] == ["create service account"]
    assert server.homeserver.user("alice").displayname == "alice"
    server.forget()
    again = run(task(server))
    assert not again.failed, again.json
    assert again.json["actions"] == ["set displayname"]
    assert server.count("register") == 0


@pytest.mark.parametrize("token", [one for one in NO_TOKEN if one != "a\0b"], ids=repr)
def test_a_registration_that_gives_no_token_made_the_account_all_the_same(
    server: HostileServer, token: Any
) -> None:
    server.misbehave("register", saying("access_token", token), on=None)
    reply = run(task(server))
    assert_nothing_injected(server)
    assert_made_and_told(server, reply)


def test_a_registration_without_a_token_made_the_account_all_the_same(
    server: HostileServer,
) -> None:
    server.misbehave("register", without("access_token"), on=None)
    assert_made_and_told(server, run(task(server)))


SENSELESS: dict[str, Fault] = {
    "nothing": faults.reply(200, b""),
    "a page": faults.reply(200, b"<html></html>", "text/html"),
    "an array": faults.reply(200, b"[]"),
    "half an object": faults.reply(200, b'{"user_id": "@regis'),
    "no UTF-8": faults.reply(200, b'{"user_id": "\xff"}'),
    "a NUL": faults.says({"user_id": SERVICE_ID, "access_token": "a\0b"}),
    "a 204": faults.reply(204, b""),
    "too much": faults.reply(200, b" " * (64 << 20)),
    "an error": faults.refuses(500, "M_UNKNOWN", "Internal server error"),
    "a page with 502": faults.html(502),
}


@pytest.mark.parametrize("what", SENSELESS)
@pytest.mark.parametrize("gone", [False, True], ids=["", "and gone"])
def test_a_registration_that_was_done_is_told_whatever_was_answered(
    server: HostileServer, what: str, gone: bool
) -> None:
    def fault(exchange: Exchange) -> Answer | None:
        exchange.answer()
        if gone:
            server.misbehave("any", faults.html(502), on=None)
        return SENSELESS[what](exchange)

    server.misbehave("register", fault, on=1)
    reply = run(task(server))
    assert server.homeserver.user(SERVICE) is not None, "the test's own doing"
    assert reply.changed, reply.json
    assert reply.failed or not gone
    server.forget()
    again = run(task(server))
    assert not again.failed, again.json
    assert "create service account" not in again.json["actions"]
    assert server.homeserver.user("alice").displayname == "Alice II"


OTHERS: list[Any] = [
    "@root:example.test",
    "@alice:example.test",
    f"@{SERVICE}:elsewhere.test",
    f"@{SERVICE.upper()}:example.test",
    f"@{SERVICE}",
    f"{SERVICE}:example.test",
    f"@{SERVICE}x:example.test",
    f"@{SERVICE}:example.test\nfatal",
    f"@{SERVICE}:example.test:8448:1",
    f"@{SERVICE}:" + "x" * 100_000,
    "",
    None,
    5,
    [SERVICE_ID],
    {},
]


@pytest.mark.parametrize("user_id", OTHERS, ids=lambda value: repr(value)[:40])
@pytest.mark.parametrize("named", [True, False], ids=["named", "unnamed"])
def test_a_registration_of_somebody_else_is_not_worked_with(
    server: HostileServer, user_id: Any, named: bool
) -> None:
    """Whether or not server_name says what the server is called."""
    server.misbehave("register", saying("user_id", user_id), on=None)
    arguments = task(server)
    if not named:
        del arguments["server_name"]
    reply = run(arguments)
    assert_fails(reply, "protocol", "invalid")
    assert len(reply.raw) < 8000
    assert server.count("get_user", "put_user") == 0
    assert left_sessions(server) == [], "the token was good"
    assert_made_and_told(server, reply)


@pytest.mark.parametrize("user_id", OTHERS, ids=lambda value: repr(value)[:40])
@pytest.mark.parametrize("named", [True, False], ids=["named", "unnamed"])
def test_a_login_as_somebody_else_is_not_worked_with(
    server: HostileServer, user_id: Any, named: bool
) -> None:
    add_service(server)
    server.misbehave("login", saying("user_id", user_id), on=None)
    before = server.homeserver.state()
    arguments = task(server)
    if not named:
        del arguments["server_name"]
    reply = run(arguments)
    assert_fails(reply, "protocol", "invalid")
    assert not reply.changed
    assert server.homeserver.state() == before
    assert server.count("get_user", "put_user", "register") == 0
    assert left_sessions(server) == []


@pytest.mark.parametrize("token", NO_TOKEN, ids=repr)
def test_a_login_that_gives_no_token_is_told_and_nothing_is_changed(
    server: HostileServer, token: Any
) -> None:
    add_service(server)
    server.misbehave("login", saying("access_token", token), on=None)
    before = server.homeserver.state()
    reply = run(task(server))
    assert_fails(reply, "protocol")
    assert not reply.changed
    assert server.homeserver.state() == before
    assert_nothing_injected(server)


STRANGERS: dict[str, dict[str, Any]] = {
    "an administrator": {"password": "another", "admin": True},
    "a user": {"password": "another"},
    "of type support": {"password": "another", "user_type": "support"},
    "without a name": {"password": "another", "displayname": None},
    "without a profile": {"password": "another", "displayname": None, "has_profile": False},
    "without a password": {"password": None},
    "that was deactivated": {"password": None, "deactivated": True},
    "that was erased": {
        "password": None,
        "deactivated": True,
        "erased": True,
        "displayname": None,
        "has_profile": False,
    },
}


@pytest.mark.parametrize("check", [False, True], ids=["done", "checked"])
@pytest.mark.parametrize("kept", [False, True], ids=["", "kept"])
@pytest.mark.parametrize("what", STRANGERS)
def test_an_account_of_that_name_that_is_not_ours_is_never_touched(
    server: HostileServer, what: str, kept: bool, check: bool, tmp_path: Any
) -> None:
    server.homeserver.add_user(SERVICE, **STRANGERS[what])
    before = server.homeserver.state()
    arguments = task(server)
    if kept:
        arguments["session_file"] = str(tmp_path / "sessions")
    reply = run(arguments, check=check)
    hidden = "profile" in what or "name" in what or "erased" in what
    if not (check and hidden):
        # Nobody sees it before it is in the way.
        assert_fails(reply, "conflict")
        assert SERVICE in reply.msg
        assert "registration_shared_secret_previous" in reply.msg
        assert not reply.changed
    assert server.homeserver.state() == before
    assert left_sessions(server) == []
    server.homeserver.accounts.pop(SERVICE_ID)
    assert run(arguments).changed


def test_a_service_account_that_was_demoted_is_told_of(server: HostileServer) -> None:
    add_service(server, admin=False)
    before = server.homeserver.state()
    reply = run(task(server))
    assert_fails(reply, "forbidden")
    assert SERVICE in reply.msg
    assert server.homeserver.state() == before
    assert left_sessions(server) == []


def test_a_service_account_that_was_locked_is_told_of(server: HostileServer) -> None:
    add_service(server, locked=True)
    before = server.homeserver.state()
    reply = run(task(server))
    assert_fails(reply, "unauthorized", "forbidden", "conflict")
    assert server.homeserver.state() == before
    assert server.count("register") == 0


def test_where_profiles_are_hidden_the_account_is_found_by_logging_in(
    server: HostileServer,
) -> None:
    server.homeserver.require_auth_for_profile_requests = True
    assert run(task(server)).json["actions"] == ["create service account", "set displayname"]
    server.forget()
    assert run(task(server)).json["actions"] == []
    assert server.count("register") == 0
    assert left_sessions(server) == []


@pytest.mark.parametrize("check", [False, True], ids=["done", "checked"])
def test_without_password_logins_and_a_session_file_none_is_made(
    server: HostileServer, check: bool
) -> None:
    server.homeserver.password_login = False
    before = server.homeserver.state()
    reply = run(task(server), check=check)
    assert_fails(reply, "unsupported")
    assert "session_file" in reply.msg
    assert not reply.changed
    assert server.homeserver.state() == before


def test_without_password_logins_a_session_file_is_enough(
    server: HostileServer, tmp_path: Any
) -> None:
    server.homeserver.password_login = False
    arguments = task(server) | {"session_file": str(tmp_path / "sessions")}
    assert run(arguments).json["actions"] == ["create service account", "set displayname"]
    again = run(arguments)
    assert not again.failed and not again.changed, again.json
    assert server.count("login") == 0


def test_a_login_limit_says_that_a_session_file_would_help(server: HostileServer) -> None:
    add_service(server)
    server.homeserver.login_burst = 5
    replies = [run(task(server)) for _ in range(6)]
    assert [reply.failed for reply in replies] == [False] * 5 + [True]
    assert_fails(replies[-1], "rate_limited")
    assert "session_file" in replies[-1].msg
    assert left_sessions(server) == []


def test_with_a_session_file_no_limit_is_met(server: HostileServer, tmp_path: Any) -> None:
    server.homeserver.login_burst = 1
    for number in range(10):
        path = str(tmp_path / "sessions")
        reply = run(by_service(server, displayname=f"Alice {number}", session_file=path))
        assert not reply.failed, reply.json
    assert server.count("login", "register") == 1


# Rooms

NO_ROOMS: list[Any] = [None, 5, "!a:example.test", {}, {"!a:example.test": 1}, [5], [None], [[]]]
NO_ROOMS += [[{}], ["!a:example.test", 5]]


@pytest.mark.parametrize("rooms", NO_ROOMS, ids=json.dumps)
def test_rooms_that_are_none_are_told_of_and_do_not_end_the_work(
    server: HostileServer, rooms: Any
) -> None:
    server.homeserver.auto_join_rooms = ("!a:example.test",)
    server.misbehave("joined_rooms", faults.says({"joined_rooms": rooms}), on=None)
    reply = run(task(server))
    assert not reply.failed, reply.json
    assert reply.json["actions"] == ["create service account", "set displayname"]
    assert any("rooms" in warning for warning in reply.json["warnings"])
    assert_nothing_injected(server)


@pytest.mark.parametrize(
    "room",
    [
        "!a/b:example.test",
        "../../../_synapse/admin/v1/deactivate/@alice:example.test?x=",
        "..",
        ".",
        "",
        "!a?x=1#y:example.test",
        "!a\r\nX-Injected: 1:example.test",
        "!ä \x00\x1b[31m:example.test",
        "!" + "x" * 100_000,
        "%2e%2e%2f",
    ],
    ids=lambda room: repr(room)[:30],
)
def test_a_room_of_any_name_is_one_segment_of_a_path(
    server: HostileServer, room: str
) -> None:
    server.misbehave("joined_rooms", faults.says({"joined_rooms": [room]}), on=None)
    reply = run(task(server))
    assert_nothing_injected(server)
    assert server.homeserver.user("alice").deactivated is False
    for request in server.sent("leave_room"):
        assert request.json == {}
        assert request.target.count("/") == "/_matrix/client/v3/rooms/x/leave".count("/")
    assert len(reply.raw) < 8000
    assert reply.seconds < SLACK


def test_ten_thousand_rooms_are_not_left_one_by_one(server: HostileServer) -> None:
    rooms = [f"!room{number}:example.test" for number in range(10_000)]
    server.misbehave("joined_rooms", faults.says({"joined_rooms": rooms}), on=None)
    reply = run(task(server))
    assert not reply.failed, reply.json
    assert server.count("leave_room") <= 1000
    assert reply.seconds < TIMEOUT + SLACK
    assert any("rooms" in warning for warning in reply.json["warnings"])


@pytest.mark.parametrize("route", ["joined_rooms", "leave_room"])
@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_rooms_that_cannot_be_left_are_told_of_and_do_not_end_the_work(
    server: HostileServer, route: str, status: int
) -> None:
    server.homeserver.auto_join_rooms = ("!a:example.test", "!b:example.test")
    server.misbehave(route, faults.refuses(status, "M_UNKNOWN"), on=None)
    reply = run(task(server))
    assert not reply.failed, reply.json
    assert any("rooms" in warning for warning in reply.json["warnings"])
    assert left_sessions(server) == []


def test_a_server_that_grants_no_administrator_gets_its_user_made_and_no_more(
    server: HostileServer,
) -> None:
    """The registration's "admin" is not heard: a proxy, another server."""

    def and_demoted(exchange: Exchange) -> Answer:
        answer = exchange.answer()
        server.homeserver.user(SERVICE).admin = False
        return answer

    server.misbehave("register", and_demoted, on=None)
    reply = run(task(server))
    assert_fails(reply, "forbidden")
    assert reply.changed
    assert reply.json["actions"] == ["create service account"]
    assert left_sessions(server) == []


def test_an_answer_that_names_another_account_than_was_looked_at_ends_it(
    server: HostileServer,
) -> None:
    add_service(server)
    mallory = server.homeserver.add_user("mallory", "x", admin=True)
    server.misbehave("get_user", faults.says(mallory.seen_by_admin()), on=None)
    reply = run(by_service(server, admin=True))
    assert_fails(reply, "protocol")
    assert server.count("put_user") == 0
    assert left_sessions(server) == []


def test_what_needs_no_administrator_makes_none(server: HostileServer) -> None:
    assert run(by_secret(server)).changed
    assert server.homeserver.user(SERVICE) is None


def test_an_empty_service_account_forbids_one(server: HostileServer) -> None:
    reply = run(task(server) | {"service_account": ""})
    assert_fails(reply, "unauthorized")
    assert server.homeserver.user(SERVICE) is None
    assert not reply.changed


def test_in_check_mode_none_is_made_and_it_is_predicted(server: HostileServer) -> None:
    before = server.homeserver.state()
    reply = run(task(server), check=True)
    assert not reply.failed, reply.json
    assert reply.changed
    assert reply.json["actions"] == ["create service account", "set displayname"]
    assert server.homeserver.state() == before
    assert left_sessions(server) == []
