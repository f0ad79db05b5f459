# SPDX-License-Identifier: GPL-3.0-or-later
"""A homeserver of which the admin room is hostile: whatever it says there, there is one clear
answer in time, and no secret in it."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.servers.family_cutting import stand_in
from tests.support import hostile_rss
from tests.support.conduit import Conduit
from tests.support.continuwuity import Continuwuity
from tests.support.family import Family
from tests.support.mas_wire import Dropped
from tests.support.mas_wire import Reply as Sent
from tests.support.mas_wire import Request
from tests.support.module import Reply, default_binary, run_module

V3 = "/_matrix/client/v3"
ROOMS = f"{V3}/rooms/{{room_id}}"
ALIAS = f"GET {V3}/directory/room/{{alias}}"
MEMBERS = f"GET {ROOMS}/joined_members"
MESSAGES = f"GET {ROOMS}/messages"
SEND = f"PUT {ROOMS}/send/{{kind}}/{{txn}}"
REDACT = f"PUT {ROOMS}/redact/{{event_id}}/{{txn}}"

PASSWORD = "Sesam 0pen thyself"
ALICE = "@alice:example.test"
# The module waits no longer than this for an answer, and for a reply.
TIMEOUT = 1
SLACK = 3
MOST_MEMORY = 64 * 1024 * 1024
KINDS = {"continuwuity": Continuwuity, "conduit": Conduit}

Bent = Callable[[Request, Any], Any]


@pytest.fixture
def continuwuity_alone() -> Iterator[Family]:
    """For what is the same on both."""
    with Continuwuity() as made:
        made.admin_token  # noqa: B018
        yield made
        assert not made.complaints


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[Family]:
    with KINDS[request.param]() as made:
        made.admin_token  # noqa: B018 - who has it is the first
        yield made
        made.bot.settle()
        assert not made.complaints


def bend(server: Family, route: str, how: Bent) -> None:
    """Every such reply becomes what that makes of its body: bytes, a Sent, or what is
    written as JSON."""

    def after(request: Request, reply: Sent) -> Sent | None:
        if request.route != route:
            return None
        made = how(request, json.loads(json.dumps(reply.body)))
        return made if isinstance(made, Sent) else Sent(200, made)

    server.after = after


def task(server: Family, **options: Any) -> dict[str, Any]:
    made = {"url": server.url, "access_token": server.admin_token, "timeout": TIMEOUT}
    made |= {"retry_timeout": 1, "username": "alice", "password": PASSWORD}
    return made | options


def run(server: Family, **options: Any) -> Reply:
    made = task(server, **options)
    reply = run_module(made, secrets=(stand_in(made["password"], ALICE),))
    assert reply.seconds < TIMEOUT + SLACK and len(reply.raw) < 8000
    if reply.failed:
        assert reply.kind not in ("internal", "memory") and reply.msg.count("\n") == 0
    return reply


def fails(server: Family, *kinds: str, **options: Any) -> Reply:
    reply = run(server, **options)
    assert reply.failed and reply.kind in kinds, reply.json
    return reply


def ends(server: Family, *kinds: str, **options: Any) -> Reply:
    """In an error; or in an account that is there, of which it is said that nobody said so."""
    reply = run(server, **options)
    told = any("it counts as created" in one for one in reply.json.get("warnings", []))
    assert told or reply.failed and reply.kind in kinds, reply.json
    return reply


def paths(server: Family) -> list[str]:
    return [request.target for request in server.requests if "/rooms/" in request.target]


# Bodies

ODD_BODIES: dict[str, Any] = {
    "nothing": b"",
    "no JSON": b"<html>it works</html>",
    "an open end": b'{"chunk": [',
    "depth": b"[" * 200_000,
    "depth that ends": b'{"chunk":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "bytes that are no text": b'{"chunk": [{"type": "\xff\xfe"}]}',
    "a NUL": b'{"chunk": [{"type": "a\\u0000b"}]}',
    "half a pair of surrogates": b'{"chunk": [{"type": "\\ud800"}]}',
    "10 MB": b'{"chunk": ["' + b"a" * 10_000_000 + b'"]}',
    "an array": [],
    "null": b"null",
    "a number": 5,
    "a number without an end": b'{"chunk": ' + b"9" * 5000 + b"}",
    "keys without an end": b"{" + b",".join(b'"%d":1' % n for n in range(60_000)) + b"}",
}


@pytest.mark.parametrize("what", ODD_BODIES)
@pytest.mark.parametrize("route", [ALIAS, MEMBERS, MESSAGES, SEND])
def test_a_body_of_any_kind_is_an_error(route: str, what: str) -> None:
    with Conduit() as server:
        server.admin_token  # noqa: B018
        bend(server, route, lambda *_: ODD_BODIES[what])
        reply = run(server)
        # A message that was sent may be there; where it is, all goes on.
        assert route == SEND or reply.kind in ("protocol", "not_ready"), reply.json


@pytest.mark.parametrize(
    ("route", "key"), [(ALIAS, "room_id"), (MEMBERS, "joined"), (MESSAGES, "chunk")]
)
@pytest.mark.parametrize("value", [None, True, 7, "", "x", [], {}, [[]]], ids=repr)
def test_a_key_of_the_wrong_type_is_an_error(
    continuwuity_alone: Family, route: str, key: str, value: Any
) -> None:
    server = continuwuity_alone
    bend(server, route, lambda _, body: body | {key: value})
    if (route, value) == (MEMBERS, {}):
        return  # nobody is in it: it is entered
    ends(server, "protocol", "not_ready", "forbidden", "unsupported")


# Events

EVIL_VALUES = (None, True, 7, -1.5e300, "", "x" * 70_000, [], ["x"], {}, {"body": {"body": 1}})
EVIL_KEYS = (
    "type",
    "event_id",
    "sender",
    "content",
    "unsigned",
    "origin_server_ts",
    "state_key",
    "content.body",
    "content.msgtype",
    "content.m.relates_to",
)


def evil_of(event: dict[str, Any]) -> Iterator[Any]:
    """The event, once with each key of each wrong type, and things that are none at all."""
    yield from (None, 5, "x", [], {}, [[]], True)
    for key in EVIL_KEYS:
        for value in EVIL_VALUES:
            one = json.loads(json.dumps(event))
            inner = one
            if key.startswith("content."):
                inner, key = one["content"], key.removeprefix("content.")
            inner[key] = value
            yield one


def test_malformed_events_are_passed_over(server: Family) -> None:
    """Before and behind the good ones, on pages of their own size."""

    def spoil(request: Request, body: Any) -> Any:
        chunk = body["chunk"]
        if not chunk:
            return body
        model = chunk[-1] | {"event_id": "$evil", "sender": "@someone:example.test"}
        evil = [one for one in evil_of(model) if "x" * 70_000 not in json.dumps(one)]
        body["chunk"] = evil + chunk + evil
        return body

    bend(server, MESSAGES, spoil)
    made = run(server)
    assert not made.failed and made.json["actions"] == ["create"], made.json
    assert server.opens("alice", PASSWORD)
    again = run(server, update_password="always")
    assert not again.failed and not again.changed, again.json


def test_answers_that_are_malformed_are_no_answers(server: Family) -> None:
    def spoil(request: Request, body: Any) -> Any:
        chunk = []
        for event in body["chunk"]:
            own = event["sender"] == server.bot_id and event["type"] == "m.room.message"
            chunk += list(evil_of(event))[7:90:9] if own else [event]
        body["chunk"] = chunk
        return body

    bend(server, MESSAGES, spoil)
    reply = run(server)
    assert reply.failed or reply.json["actions"] == ["create"], reply.json


def test_an_answer_is_only_the_bots(server: Family) -> None:
    """A room whose bot is somebody else's, which is what an alias may lead to."""

    def rename(request: Request, body: Any) -> Any:
        return json.loads(json.dumps(body).replace("@conduit:example.test", "@conduit:evil.test"))

    bend(server, MESSAGES, rename)
    reply = run(server)
    # It was obeyed all the same, so that a look at the account tells.
    assert "lost" in json.dumps(reply.json) or reply.kind == "not_ready", reply.json


def test_a_success_of_another_account_is_not_ours(server: Family) -> None:
    def rename(request: Request, body: Any) -> Any:
        for event in body["chunk"]:
            if event["sender"] == server.bot_id and "body" in event["content"]:
                said = event["content"]["body"]
                event["content"]["body"] = said.replace(ALICE, "@mallory:example.test")
        return body

    server.create("alice", "the old one")
    bend(server, MESSAGES, rename)
    fails(server, "protocol", "not_ready", update_password="always")


def test_pages_without_an_end_are_given_up(server: Family) -> None:
    count = [0]

    def endless(request: Request, body: Any) -> Any:
        count[0] += 1
        event = {
            "type": "m.room.message",
            "sender": server.bot_id,
            "event_id": f"${count[0]}",
            "content": {"msgtype": "m.text", "body": "x" * 20_000},
        }
        return {"chunk": [event] * 12, "start": "a", "end": f"{count[0]}"}

    bend(server, MESSAGES, endless)
    ends(server, "not_ready", "protocol")
    assert count[0] < 400


@pytest.mark.parametrize(
    "end", ["a b&dir=f#x?y%00/../", "\n\r\t", "ü" * 300, "x" * 100_000, 7, None, [], {}]
)
def test_a_place_to_go_on_from_cannot_change_the_request(
    continuwuity_alone: Family, end: Any
) -> None:
    server = continuwuity_alone
    def elsewhere(request: Request, body: Any) -> Any:
        return {"chunk": [{"type": "m.room.message"}], "start": "a", "end": end}

    bend(server, MESSAGES, elsewhere)
    ends(server, "not_ready", "protocol")
    for target in paths(server):
        assert target.isascii() and " " not in target and len(target) < 4000
        if "/messages?" in target:
            assert target.count("dir=") == 1 or "%26dir%3D" in target
            assert ".." not in target.partition("?")[0]


# Ids


@pytest.mark.parametrize(
    "room_id",
    ["", "x", "#a:b", "!" + "x" * 300, "!a/../../x?y#z%2e", "!a b", "!ü\n", "!", "!a:b/joined"],
)
def test_an_id_of_a_room_cannot_change_the_request(
    continuwuity_alone: Family, room_id: str
) -> None:
    server = continuwuity_alone
    bend(server, ALIAS, lambda _, body: body | {"room_id": room_id})
    fails(server, "protocol", "forbidden", "not_found", "invalid", "unsupported")
    beginning = f"{V3}/rooms/{quote(room_id, safe='')}/"
    assert all(target.startswith(beginning) for target in paths(server))
    assert server.find("alice") is None


@pytest.mark.parametrize(
    "event_id", ["", "$", "$" + "x" * 300, "$a/../../send/x?y#z", "$a b\n\r", "$ü\u202e", 7, None, {}]
)
def test_an_id_of_an_event_cannot_change_the_request(
    continuwuity_alone: Family, event_id: Any
) -> None:
    server = continuwuity_alone
    bend(server, SEND, lambda _, body: {"event_id": event_id})
    run(server)
    room = f"{V3}/rooms/{quote(server.admin_room.room_id, safe='')}/"
    for target in paths(server):
        assert target.startswith(room) and target.isascii() and " " not in target
        if "/redact/" in target:
            assert target.removeprefix(room).count("/") == 2


# What it may say of a secret


def forms_of(secret: str) -> dict[str, str]:
    return {
        "as it is": secret,
        "percent": quote(secret),
        "all percent": "".join(f"%{byte:02X}" for byte in secret.encode()),
        "JSON": json.dumps(secret),
        "base64": base64.b64encode(secret.encode()).decode(),
        "in a fence": f"```\n{secret}\n```",
        "between words": f"x{secret}x{secret}",
        "with signs of control": f"\x1b[31m{secret}\x1b[0m\x07",
    }


@pytest.mark.parametrize("form", forms_of(""))
def test_an_answer_that_repeats_the_password_is_told_without_it(form: str) -> None:
    password = "Sesam-0pen-thy/self+now"
    with Continuwuity() as server:
        server.admin_token  # noqa: B018
        server.create("alice", "the old one")
        said = forms_of(password)[form]
        server.bot.say_instead[:] = [f"Nobody knows {said}, not at all."]
        made = task(server, password=password, update_password="always")
        told = run_module(made, secrets=(said, password) if form != "all percent" else (password,))
        assert told.failed and told.kind == "protocol" and "Nobody knows" in told.msg, told.json


@pytest.mark.parametrize("route", [ALIAS, MEMBERS, MESSAGES, SEND])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 502])
def test_an_error_that_repeats_the_command_is_told_without_the_password(
    route: str, status: int
) -> None:
    password = "Sesam-0pen-thyself"
    with Continuwuity() as server:
        server.admin_token  # noqa: B018

        def refuse(request: Request, _: Any) -> Sent:
            body = {"errcode": "M_ODD", "error": f"no: {request.body.decode()} {password}"}
            return Sent(status, body | {"retry_after_ms": 10})

        bend(server, route, refuse)
        reply = run(server, password=password)
        # Who is not told who is in the room may still come in, and what was lost may be there.
        went_on = route == MEMBERS or (route == SEND and status >= 500)
        assert reply.failed or went_on or reply.json["warnings"], reply.json


@pytest.mark.parametrize("status", [403, 404, 500, None])
def test_a_redaction_that_is_refused_is_a_warning_that_says_what_stays(status: int | None) -> None:
    password = "Sesam-0pen-thyself"
    with Continuwuity() as server:
        server.admin_token  # noqa: B018

        def refuse(request: Request, _: Any) -> Sent:
            if status is None:
                raise Dropped
            return Sent(status, {"errcode": "M_FORBIDDEN", "error": f"keep {password}"})

        bend(server, REDACT, refuse)
        reply = run(server, password=password)
        assert not reply.failed and reply.json["actions"] == ["create"], reply.json
        warnings = [one for one in reply.json["warnings"] if "stays readable" in one]
        assert len(warnings) == 2 and all(server.admin_room.room_id in one for one in warnings)


def test_a_suspended_administrator_is_told_so() -> None:
    with Continuwuity() as server:
        server.admin_token  # noqa: B018
        server.user("harness-admin").suspended = True
        reply = fails(server, "forbidden")
        assert "suspended" in reply.msg


# What a run that was cut off is said to have left


def test_leavings_that_a_server_makes_up_open_nothing(server: Family) -> None:
    """It may say that a command of ours stands there; what it then says is no password."""
    server.create("alice", "the old one")
    stem = "!admin" if server.TABLE.name == "continuwuity" else f"{server.bot_id}:"
    word = "users reset-password" if server.TABLE.name == "continuwuity" else "reset-password"

    def made_up(request: Request, body: Any) -> Any:
        command = {
            "type": "m.room.message",
            "sender": "@harness-admin:example.test",
            "event_id": "$made/../up",
            "content": {"msgtype": "m.text", "body": f"{stem} {word} {ALICE}"},
            "unsigned": {"transaction_id": "registrarsecret0"},
        }
        said = f"Successfully reset the password for user {ALICE}: "
        answers = [
            command
            | {
                "sender": server.bot_id,
                "event_id": f"$a{number}",
                "unsigned": {},
                "content": {
                    "msgtype": "m.text",
                    "body": said + text,
                    "m.relates_to": {"m.in_reply_to": {"event_id": "$made/../up"}},
                },
            }
            for number, text in enumerate(["", "`", "``", "\n", "x" * 60_000, "`a`", "a b"] * 4)
        ]
        body["chunk"] = [*answers, command, *body["chunk"]]
        return body

    bend(server, MESSAGES, made_up)
    reply = run(server)
    assert not reply.failed and not reply.changed or reply.kind == "protocol", reply.json
    assert server.opens("alice", "the old one")


def test_no_room_fills_the_memory_or_the_time(server: Family, tmp_path: Path) -> None:
    binary = default_binary("matrix_user")
    if b"__asan_init" in binary.read_bytes():
        pytest.skip("the address sanitizer's shadow is memory, too")

    def full(request: Request, body: Any) -> Any:
        event = {
            "type": "m.room.message",
            "sender": server.bot_id,
            "event_id": "$" + "x" * 200,
            "content": {"msgtype": "m.text", "body": f"{ALICE} password " + "x" * 60_000},
        }
        return {"chunk": [event] * 16 + [{}] * 20_000, "start": "a", "end": "b"}

    bend(server, MESSAGES, full)
    args, result = tmp_path / "args", tmp_path / "rss"
    server.create("alice", "the old one")
    made = task(server, update_password="always")
    args.write_text(json.dumps({"_ansible_module_name": "matrix_user"} | made))
    measured = [sys.executable, "-I", "-S", hostile_rss.__file__, str(result)]
    began = time.monotonic()
    done = subprocess.run([*measured, str(binary), str(args)], stdout=subprocess.PIPE, timeout=60)
    assert time.monotonic() - began < TIMEOUT + SLACK
    assert json.loads(done.stdout)["failed"]
    assert int(result.read_text()) < MOST_MEMORY
