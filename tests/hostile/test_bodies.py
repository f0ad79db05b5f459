# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies whose status is right and whose body is not."""

from __future__ import annotations

import json
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
    left_sessions,
    run,
)

DEEP = 100_000

# No JSON object at all, whatever the request was.
GARBAGE: dict[str, Fault] = {
    "empty": faults.reply(200, b""),
    "a 204": faults.reply(204, b""),
    "a page": faults.reply(200, b"<html><body>Welcome to nginx!</body></html>", "text/html"),
    "a page called JSON": faults.reply(200, b"<html></html>"),
    "half an object": faults.reply(200, b'{"nonce": "abc", "name": "@ali'),
    "an array": faults.reply(200, b"[]"),
    "a string": faults.reply(200, b'"nonce"'),
    "a number": faults.reply(200, b"5"),
    "null": faults.reply(200, b"null"),
    "true": faults.reply(200, b"true"),
    "white space": faults.reply(200, b" \r\n\t "),
    "two objects": faults.reply(200, b"{}{}"),
    "deep arrays": faults.reply(200, b"[" * DEEP),
    "deep objects": faults.reply(200, b'{"a":' * DEEP + b"1" + b"}" * DEEP),
    "NaN": faults.reply(200, b'{"nonce": NaN}'),
    "invalid UTF-8": faults.reply(200, b'{"nonce": "\xff\xfe", "name": "\xc3\x28"}'),
    "UTF-16": faults.reply(200, '{"nonce": "abc"}'.encode("utf-16")),
    "a NUL byte": faults.reply(200, b'{"nonce": "a\0b"}'),
    "compressed": faults.gzipped({"nonce": "abc"}),
}


def every_leaf(change: Callable[[Any], Any]) -> Fault:
    """The honest body, with every value of its object changed."""
    return faults.done_but_not_said(
        lambda body: {key: change(value) for key, value in body.items()}
    )


# JSON objects with the right keys and wrong values.
WRONG_VALUES: dict[str, Fault] = {
    "numbers": every_leaf(lambda _: 7),
    "huge numbers": every_leaf(lambda _: 10**30),
    "null": every_leaf(lambda _: None),
    "arrays": every_leaf(lambda value: [value]),
    "objects": every_leaf(lambda value: {"value": value}),
    "empty strings": every_leaf(lambda _: ""),
    "flags": every_leaf(lambda _: True),
    "no key": faults.done_but_not_said(lambda _: {}),
}

# What is asked, and a task that asks it.
Task = Callable[[HostileServer], dict[str, Any]]
ASKING: dict[str, Task] = {
    "nonce": by_secret,
    "whoami": by_token,
    "get_user": by_token,
    "login": by_login,
}
DOING: dict[str, Task] = {
    "register": by_secret,
    "put_user": lambda server: by_token(server, displayname="Alice the Second"),
    "login_as": lambda server: by_token(
        server, password=NEW_PASSWORD, update_password="always"
    ),
    "add_3pid": lambda server: by_token(
        server, password=ALICE_PASSWORD, update_password="always"
    ),
    "get_profile": by_match,
    "get_profile_field": by_match,
}


@pytest.mark.parametrize("what", GARBAGE)
@pytest.mark.parametrize("route", ASKING)
def test_an_answer_that_is_no_json_object_is_a_protocol_error(
    server: HostileServer, route: str, what: str
) -> None:
    server.misbehave(route, GARBAGE[what], on=None)
    before = server.homeserver.state()
    reply = run(ASKING[route](server))
    assert_fails(reply, "protocol")
    assert not reply.changed
    assert server.homeserver.state() == before
    assert reply.seconds < SLACK


@pytest.mark.parametrize("what", WRONG_VALUES)
@pytest.mark.parametrize("route", ASKING)
def test_an_answer_with_values_of_the_wrong_type_is_a_protocol_error(
    server: HostileServer, route: str, what: str
) -> None:
    server.misbehave(route, WRONG_VALUES[what], on=None)
    before = server.homeserver.state()
    reply = run(ASKING[route](server))
    assert_fails(reply, "protocol")
    assert not reply.changed
    assert server.homeserver.state() == before


@pytest.mark.parametrize("what", GARBAGE | WRONG_VALUES)
@pytest.mark.parametrize("route", DOING)
def test_after_an_answer_that_makes_no_sense_a_rerun_converges(
    server: HostileServer, route: str, what: str
) -> None:
    garbled = (GARBAGE | WRONG_VALUES)[what]
    server.misbehave(route, garbled if what in WRONG_VALUES else faults.done_but(garbled), on=None)
    task = DOING[route](server)
    first = run(task)
    assert first.seconds < TIMEOUT + SLACK
    if first.failed:
        assert first.kind in ("protocol", "unauthorized"), first.json
    # The token of an answer that was never understood cannot be ended.
    assert route == "login_as" or left_sessions(server) == []

    server.forget()
    second = run(task)
    assert not second.failed, f"after {first.json}: {second.json}"
    third = run(task)
    assert not third.failed
    assert not third.changed, third.json


@pytest.mark.parametrize("surrogate", ["\\ud800", "\\udc00", "\\ud800\\u0041", "\\udfff\\ud800"])
def test_a_lone_surrogate_is_a_protocol_error(server: HostileServer, surrogate: str) -> None:
    user = server.homeserver.accounts["@alice:example.test"].seen_by_admin()
    body = json.dumps(user | {"displayname": "MARK"}).replace("MARK", "x" + surrogate)
    server.misbehave("get_user", faults.reply(200, body.encode()), on=None)
    assert_fails(run(by_token(server, displayname="x")), "protocol")
    assert server.count("put_user") == 0


def test_a_nul_inside_a_string_is_not_taken_for_its_end(server: HostileServer) -> None:
    user = server.homeserver.accounts["@alice:example.test"].seen_by_admin()
    body = json.dumps(user | {"displayname": "alice\0and more"})
    server.misbehave("get_user", faults.reply(200, body.encode()), on=1)
    reply = run(by_token(server, displayname="alice"))
    # Either it is refused, or it is seen that the names differ.
    assert reply.kind == "protocol" or reply.changed, reply.json


def test_of_a_key_given_twice_the_first_is_not_believed_over_the_last(
    server: HostileServer,
) -> None:
    """Python's json, which Synapse and most others use, takes the last one."""
    user = server.homeserver.accounts["@alice:example.test"].seen_by_admin()
    body = json.dumps(user).replace('"admin": false', '"admin": false, "admin": true')
    server.misbehave("get_user", faults.reply(200, body.encode()), on=1)
    reply = run(by_token(server, admin=True))
    assert reply.kind == "protocol" or (not reply.failed and not reply.changed), reply.json


@pytest.mark.parametrize(
    "nonce",
    ["", 5, None, [], ["abc"], {"nonce": "abc"}, True, "x" * 200_000, "a\0b"],
    ids=lambda nonce: json.dumps(nonce)[:20],
)
def test_a_nonce_that_is_none_is_a_protocol_error(server: HostileServer, nonce: Any) -> None:
    server.misbehave("nonce", faults.says({"nonce": nonce}), on=None)
    assert_fails(run(by_secret(server)), "protocol")
    assert server.count("register") == 0


@pytest.mark.parametrize(
    "user_id", ["alice", "@alice", "@alice:", "", "@ä:x y", "@a:b:c:d", "alice@example.test"]
)
def test_a_user_id_that_is_none_is_a_protocol_error(server: HostileServer, user_id: str) -> None:
    server.misbehave("whoami", faults.says({"user_id": user_id, "is_guest": False}), on=None)
    assert_fails(run(by_token(server)), "protocol")
    assert server.count("put_user") == 0


def test_an_answer_about_another_account_is_not_taken_for_the_one_asked_for(
    server: HostileServer,
) -> None:
    mallory = server.homeserver.add_user("mallory", "x", admin=True)
    server.misbehave("get_user", faults.says(mallory.seen_by_admin()), on=1)
    reply = run(by_token(server, admin=True))
    assert_fails(reply, "protocol")


@pytest.mark.parametrize("what", GARBAGE)
def test_a_version_that_makes_no_sense_leaves_auto_with_an_error_or_sure(
    server: HostileServer, what: str
) -> None:
    """These replies have no Server header that could name Synapse."""
    server.misbehave("version", GARBAGE[what], on=None)
    reply = run(by_secret(server) | {"backend": "auto"})
    assert_fails(reply, "protocol", "unsupported")
    assert server.count("register") == 0
