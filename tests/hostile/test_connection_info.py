# SPDX-License-Identifier: GPL-3.0-or-later
"""matrix_connection_info where the server's list of administrators is none: it ends,
says what it does not know, and blames no credential for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support import hostile_faults as faults
from tests.support.hostile import Exchange, Fault, HostileServer
from tests.support.hostile_accounts import Answer
from tests.support.hostile_tasks import (
    SERVERS,
    SLACK,
    TIMEOUT,
    add_service,
    assert_fails,
    by_service,
    by_token,
    left_sessions,
    run,
)
from tests.support.module import Reply

LIST = "list_users"
ROOT = "@root:example.test"


def task_of(arguments: dict[str, Any]) -> dict[str, Any]:
    """Of a task about a user, what is about the server."""
    return {key: value for key, value in arguments.items() if key not in ("username", "password")}


def look(arguments: dict[str, Any]) -> Reply:
    server = SERVERS[arguments["url"]]
    before = server.homeserver.state()
    reply = run(task_of(arguments), module="matrix_connection_info")
    assert not reply.changed
    assert server.homeserver.state() == before
    assert left_sessions(server) == []
    assert "\n" not in reply.json["summary"]
    return reply


@pytest.fixture
def service(server: HostileServer) -> Iterator[HostileServer]:
    """With the service account of an earlier run, which lists and is no more than that:
    the first of its requests for the list is the list."""
    add_service(server)
    yield server


def lists(users: Any, **more: Any) -> Fault:
    return faults.says({"users": users, "total": 1} | more)


def an_administrator(name: str) -> dict[str, Any]:
    return {"name": name, "admin": True, "deactivated": False}


def page(exchange: Exchange) -> list[int]:
    """From, limit, as it was asked for."""
    query = parse_qs(urlsplit(exchange.request.target).query)
    return [int(query[name][0]) for name in ("from", "limit")]


NONE_AT_ALL: dict[str, Fault] = {
    "a page of HTML": faults.html(200),
    "an array": faults.says([]),
    "no users": faults.says({"total": 1}),
    "null": lists(None),
    "a number": lists(7),
    "a text": lists("@root:example.test"),
    "an object": lists({"name": "@root:example.test"}),
    "more than were asked for": lists([an_administrator(f"@a{n}:example.test") for n in range(101)]),
    "an endless body": faults.endless_body(),
    "an endless name": faults.endless_string(),
    "two mebibytes": lists([an_administrator("@" + "x" * (1 << 21))]),
    "cut off": faults.truncated(),
    "a 500": faults.refuses(500, "M_UNKNOWN"),
    "a 404": faults.refuses(404, "M_UNRECOGNIZED"),
    "a 403": faults.refuses(403, "M_FORBIDDEN"),
}


@pytest.mark.parametrize("name", NONE_AT_ALL)
def test_a_list_that_is_none_is_a_warning_and_the_secret_still_works(service, name):
    service.misbehave(LIST, NONE_AT_ALL[name], on=None)
    reply = look(by_service(service))
    assert not reply.failed, reply.json
    assert reply.json["secret_is_current"] is True
    assert reply.json["administrators"] == []
    (warning,) = reply.json["warnings"]
    assert warning.startswith("the administrators could not be listed: ")


TOKENS: dict[str, Any] = {
    "a number": 100,
    "a fraction": 1.5,
    "true": True,
    "a list": ["100"],
    "empty": "",
    "a word": "next",
    "negative": "-100",
    "a path": "100&limit=1/../../v1/deactivate",
    "a line end": "100\r\nX: y",
    "longer than any": "9" * 40,
    "the same again": "0",
}


@pytest.mark.parametrize("name", TOKENS)
def test_a_next_page_that_is_none_is_a_warning_and_not_asked_for(service, name):
    service.misbehave(LIST, lists([an_administrator(ROOT)], next_token=TOKENS[name]), on=None)
    reply = look(by_service(service))
    assert not reply.failed, reply.json
    # What was listed until then is not all, and so is not told as if it were.
    assert reply.json["administrators"] == []
    (warning,) = reply.json["warnings"]
    assert "next_token" in warning
    assert service.count(LIST) == 1


def test_a_list_that_never_ends_is_given_up(service):
    def endless(exchange: Exchange) -> Answer:
        start, limit = page(exchange)
        users = [an_administrator(f"@a{start + n}:example.test") for n in range(limit)]
        return Answer(200, {"users": users, "total": 10**9, "next_token": str(start + limit)})

    service.misbehave(LIST, endless, on=None)
    reply = look(by_service(service))
    assert not reply.failed, reply.json
    assert reply.json["administrators"] == []
    assert "does not end" in reply.json["warnings"][0]
    assert service.count(LIST) == 100


def test_a_list_that_breaks_off_is_not_told_as_if_it_were_whole(service):
    for number in range(150):
        service.homeserver.add_user(f"admin{number:03}", admin=True)
    whole = look(by_service(service)).json["administrators"]
    assert len(whole) == 152
    service.forget()
    service.misbehave(LIST, faults.refuses(500, "M_UNKNOWN"), on=[2, 3, 4, 5])
    reply = look(by_service(service))
    assert reply.json["administrators"] == []
    assert "could not be listed" in reply.json["warnings"][0]


def test_what_is_no_administrator_in_the_list_is_left_out(service):
    """A server without the filter would list everybody."""
    entries = [
        an_administrator("@yes:example.test"),
        an_administrator("@number:example.test") | {"admin": 1},
        an_administrator("@no:example.test") | {"admin": False},
        an_administrator("@two:example.test") | {"admin": 2},
        an_administrator("@text:example.test") | {"admin": "true"},
        {"name": "@unsaid:example.test"},
        {"admin": True},
        {"admin": True, "name": 5},
        None,
        7,
        "@word:example.test",
        ["@list:example.test"],
    ]
    service.misbehave(LIST, lists(entries), on=None)
    reply = look(by_service(service))
    assert reply.json["administrators"] == ["@number:example.test", "@yes:example.test"]


def test_names_that_a_terminal_would_obey_or_that_tell_a_secret_are_made_harmless(service):
    secret = service.homeserver.secret
    names = ["@a\nb:example.test", "@\x1b[31mred:example.test", f"@{secret}:example.test"]
    names += ["@" + "ä" * 300 + ":example.test", "@\u202eback:example.test"]
    service.misbehave(LIST, lists([an_administrator(name) for name in names]), on=None)
    reply = look(by_service(service))
    listed = reply.json["administrators"]
    assert len(listed) == len(names)
    for name in [*listed, reply.json["summary"]]:
        assert not any(ord(c) < 32 or c == "\u202e" for c in name)
    assert all(len(name.encode()) <= 255 for name in listed)


# An access token is checked by the same list


def test_an_administrators_token_that_is_refused_does_not_work(server):
    server.misbehave(LIST, faults.refuses(403, "M_FORBIDDEN"), on=None)
    reply = look(by_token(server))
    assert_fails(reply, "forbidden")
    assert reply.json["credentials"] == [
        {"option": "access_token", "works": False, "msg": reply.msg}
    ]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (faults.limited(60_000), "rate_limited"),
        (faults.refuses(500, "M_UNKNOWN"), "server"),
        (faults.html(502), "not_ready"),
        (faults.html(200), "protocol"),
        (faults.reset(), "unreachable"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_token_that_nobody_answers_about_is_not_said_to_be_wrong(server, fault, kind):
    server.misbehave(LIST, fault, on=None)
    reply = look(by_token(server))
    assert_fails(reply, kind)
    assert reply.json["credentials"] == []
    assert reply.json["server"]["name"] == "Synapse"
    assert reply.msg in reply.json["summary"]


def test_silence_ends_with_the_timeout(server):
    server.misbehave(LIST, faults.silent(), on=None)
    reply = look(by_token(server))
    assert_fails(reply, "unreachable")
    assert reply.seconds < TIMEOUT + SLACK


def test_a_server_of_another_name_is_sent_no_secret_s_mac(service):
    reply = look(by_service(service, server_name="other.test"))
    assert_fails(reply, "invalid")
    assert "other.test" in reply.msg and "example.test" in reply.msg
    assert {request.method for request in service.requests} == {"GET"}
    assert reply.json["credentials"] == []
