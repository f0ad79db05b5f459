# SPDX-License-Identifier: GPL-3.0-or-later
"""What Conduit 0.10.12, seen running, does to who trusts it: each of these is walked
round. Its emergency_password is in test_family_emergency.py."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers.proof import a_password
from tests.servers.relatives import (
    LOGIN,
    REGISTER,
    by_token,
    commands_during,
    does,
    has_nothing_to_do,
    ran,
    trace,
    warnings,
)
from tests.support.conduit import Conduit
from tests.support.mas_wire import Reply as Answered
from tests.support.mas_wire import Request
from tests.support.module import run_module

STRANGER = {"username": "mallory", "password": "pw", "auth": {"type": "m.login.dummy"}}


@pytest.fixture
def own() -> Iterator[Conduit]:
    """One of the test's own, with @alice, and the harness' administrator."""
    with Conduit() as server:
        server.create("alice", "the-pw-of-alice")
        assert server.admin_token
        yield server
        assert not server.complaints


@pytest.fixture
def opened() -> Iterator[Conduit]:
    """Anybody may register there, and nobody has."""
    with Conduit(allow_registration=True) as server:
        yield server
        assert not server.complaints


@pytest.fixture
def alice(conduit, unique) -> str:
    name = unique("alice")
    conduit.create(name, "the-pw-of-alice")
    return name


def registered(server: Conduit) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in server.requests if one.route == REGISTER]


# Whoever registers with a session while the bot is alone in its room


def test_who_is_to_be_none_registers_without_a_session(opened):
    task = {"url": opened.url, "username": "alice", "password": a_password()}
    does(opened, task, "create")
    assert registered(opened)[-1]["inhibit_login"] is True
    assert not opened.administers("alice") and opened.devices("alice") == []
    # Which leaves it to the next.
    assert opened.api("POST", "/_matrix/client/v3/register", STRANGER)[0] == 200
    assert opened.administers("mallory")


def test_who_is_to_be_one_registers_with_a_session(opened):
    task = {"url": opened.url, "username": "alice", "password": a_password(), "admin": True}
    assert ran(task).json["actions"] == ["create"]
    assert not registered(opened)[-1].get("inhibit_login")
    assert opened.administers("alice") and opened.devices("alice") == []
    assert opened.api("POST", "/_matrix/client/v3/register", STRANGER)[0] == 200
    assert not opened.administers("mallory")


def test_a_profile_makes_nobody_an_administrator_either(opened):
    # It takes a session, which is made by a login afterwards.
    task = {"url": opened.url, "username": "alice", "password": a_password()}
    does(opened, task | {"displayname": "Alice"}, "create")
    assert opened.user("alice").displayname == "Alice" and not opened.administers("alice")
    assert opened.devices("alice") == []


# The bot that a long answer kills


def test_nobody_is_ever_listed(own):
    tasks: list[dict[str, Any]] = [
        {"username": "bob", "password": a_password()},
        {"username": "bob", "password": a_password(), "update_password": "always"},
        {"username": "alice", "password": "the-pw-of-alice", "admin": True},
        {"username": "alice", "admin": False},
        {"username": "bob", "state": "deactivated"},
        {"username": "nobody", "state": "deactivated"},
        {"username": "bob", "password": a_password(), "reactivate": True},
        {"users": [{"username": f"u{i}", "password": a_password()} for i in range(3)]},
    ]
    for task in tasks:
        ran(by_token(own, **task))
    reply = run_module(by_token(own), module="matrix_connection_info")
    assert own.user_id("harness-admin") in reply.json["administrators"]
    words = {text.partition(": ")[2].split()[0] for text in own.bot.obeyed}
    assert words == {"create-user", "reset-password", "deactivate-user"}


def test_a_silent_bot_is_named_as_possibly_dead(own):
    own.bot.dead = True
    task = by_token(own, username="bob", password=a_password(), timeout=1)
    reply = run_module(task)
    assert reply.failed and reply.kind == "not_ready" and own.find("bob") is None
    assert "may be dead" in reply.msg and "restart the server" in reply.msg
    own.restart()
    does(own, task, "create")


def test_what_takes_no_command_goes_on_with_a_dead_bot(own):
    own.bot.dead = True
    task = by_token(own, username="alice", password="the-pw-of-alice", timeout=1)
    has_nothing_to_do(own, task | {"if_exists": "match"})
    does(own, task | {"admin": True}, "set admin")
    assert own.administers("alice")


# Commands


def test_an_administrator_who_is_deactivated_leaves_the_admin_room(conduit, alice):
    # By itself, the command lets it stay there.
    ran(by_token(conduit, username=alice, password="the-pw-of-alice", admin=True))
    task = by_token(conduit, username=alice, state="deactivated")
    reply, given = commands_during(conduit, task)
    assert reply.json["actions"] == ["deactivate"]
    assert len(given) == 1 and "--leave-rooms" in given[0]
    assert f"@{alice}:{conduit.server_name}" in given[0]  # a localpart is none to it
    assert conduit.user(alice).deactivated and not conduit.administers(alice)


def test_a_command_begins_at_the_very_start_of_the_text(conduit, alice):
    known = len(conduit.requests)
    ran(by_token(conduit, username=alice, state="deactivated"))
    (sent,) = (one for one in conduit.requests[known:] if "/send/m.room.message/" in one.path)
    body = json.loads(sent.body)
    assert body["body"].startswith(f"@conduit:{conduit.server_name}: deactivate-user ")
    assert "m.relates_to" not in body and "\n" not in body["body"]


def test_names_that_its_command_takes_are_refused_all_the_same(conduit):
    for name in ("b\N{LATIN SMALL LETTER A WITH DIAERESIS}d", "b!d", "\N{CYRILLIC SMALL LETTER A}"):
        before = trace(conduit)
        reply = run_module(by_token(conduit, username=name, password=a_password()))
        assert reply.failed and reply.kind == "invalid" and trace(conduit) == before


def test_a_password_is_set_for_the_one_that_the_bot_made_up(conduit, alice):
    # reset-password takes none, and ends no session.
    other = conduit.login(alice, "the-pw-of-alice")
    password = "two words of `alice`"
    task = by_token(conduit, username=alice, password=password, update_password="always")
    known = len(conduit.bot.obeyed)
    does(conduit, task, "set password")
    (command,) = conduit.bot.obeyed[known:]
    assert command.endswith(f"reset-password @{alice}:{conduit.server_name}")
    assert conduit.opens(alice, password) and conduit.whoami(other) is not None
    assert not any(password in text for text in conduit.readable())


def test_its_sessions_end_where_that_is_asked_for(conduit, alice):
    other = conduit.login(alice, "the-pw-of-alice")
    task = by_token(conduit, username=alice, password=a_password(), update_password="always")
    does(conduit, task | {"logout_devices": True}, "set password")
    assert conduit.whoami(other) is None and conduit.devices(alice) == []


# Promoting and demoting


def test_nobody_is_invited_who_cannot_come(conduit, alice):
    # An invitation would stay, and be taken up by whoever has the account later.
    task = by_token(conduit, username=alice, admin=True, password="not-the-pw-of-alice")
    reply = run_module(task)
    assert reply.failed and reply.kind == "unauthorized" and "own password" in reply.msg
    room = conduit.admin_room
    assert room.membership(conduit.user_id(alice)) is None


def test_one_without_the_power_is_told_whose_it_takes(own):
    # The first administrator has 100, who came later has 0.
    own.create("bob", "the-pw-of-bob")
    for name in ("alice", "bob"):
        ran(by_token(own, username=name, admin=True, password=f"the-pw-of-{name}"))
    as_bob = {"url": own.url, "access_token": own.token_of("bob")}
    reply = run_module(as_bob | {"username": "alice", "admin": False})
    assert reply.failed and reply.kind == "policy" and "power level" in reply.msg
    assert "emergency_password" in reply.msg and own.administers("alice")
    # Who gives its password is let out by itself.
    task = as_bob | {"username": "alice", "admin": False, "password": "the-pw-of-alice"}
    assert ran(task).json["actions"] == ["unset admin"] and not own.administers("alice")


def test_what_cannot_be_redacted_opens_nothing_or_is_told(own):
    # Who came later has no power over what the bot has said.
    ran(by_token(own, username="alice", admin=True, password="the-pw-of-alice"))
    task = {"url": own.url, "access_token": own.token_of("alice")}
    reply = ran(task | {"username": "bob", "password": "carried-by-a-command"})
    assert own.opens("bob", "carried-by-a-command") and warnings(reply) == ""
    said = [str(one.content.get("body")) for one in own.events()]
    (answer,) = (text for text in said if text.startswith("Created user with user_id: @bob:"))
    assert not own.opens("bob", answer.rpartition(": ")[2])
    # Without one that is stated, the bot's own is the account's, and stays there.
    reply = ran(task | {"username": "carol"})
    assert own.admin_room.room_id in warnings(reply) and "403" in warnings(reply)


# Answers of the server's that are none


def test_a_handler_that_panics_is_no_answer(conduit, alice):
    # As with a JWT that names nobody: 500, and no body.
    def panic(request: Request) -> Answered | None:
        return Answered(500, None) if request.route == LOGIN else None

    conduit.before = panic
    try:
        before = trace(conduit)
        task = by_token(conduit, username=alice, password=a_password(), update_password="always")
        reply = run_module(task)
        assert reply.failed and reply.kind == "server" and not reply.changed
        reply = run_module(
            {"url": conduit.url, "admin_username": alice, "admin_password": "the-pw-of-alice"}
            | {"username": "nobody", "password": a_password()}
        )
        assert reply.failed and reply.kind == "server" and not reply.changed
        assert trace(conduit) == before
    finally:
        conduit.before = None
