# SPDX-License-Identifier: GPL-3.0-or-later
"""What continuwuity 26.7.3, seen running, does to who trusts it: each of these is walked
round. Its emergency_password is in test_family_emergency.py."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest

from tests.servers.proof import a_password
from tests.servers.relatives import (
    LOGIN,
    by_token,
    commands_during,
    does,
    has_nothing_to_do,
    ran,
    refused,
    requests_during,
    warnings,
)
from tests.support.continuwuity import NEW, Continuwuity
from tests.support.family_bot import Answer
from tests.support.family_rooms import Event
from tests.support.mas_wire import Reply as Answered
from tests.support.mas_wire import Request
from tests.support.module import run_module

ADMIN = "/_matrix/client/v1/admin/"
AVAILABLE = "/_matrix/client/v3/register/available"
PROMOTE, DEMOTE = "users make-user-admin", "users force-leave-room"


@pytest.fixture
def own() -> Iterator[Continuwuity]:
    """One of the test's own, with @alice, and the harness' administrator."""
    with Continuwuity() as server:
        server.create("alice", a_password())
        assert server.admin_token
        yield server
        assert not server.complaints


@pytest.fixture
def alice(continuwuity, unique) -> str:
    name = unique("alice")
    continuwuity.create(name, a_password())
    return name


# Promoting


def test_a_name_that_nobody_has_is_never_promoted(continuwuity, unique):
    name = unique("nobody")
    task = by_token(continuwuity, username=name, admin=True, if_absent="fail")
    reply, given = commands_during(continuwuity, task)
    assert reply.kind == "not_found" and given == []
    assert not continuwuity.administers(name)


def test_nor_is_one_that_has_become_free_since_it_was_seen(own):
    # Both the availability of the name and the look of an administrator have to say so.
    def lie(request: Request) -> Answered | None:
        if request.path == AVAILABLE:
            return Answered(200, {"available": True})
        return None

    own.before = lie
    task = by_token(own, username="alice", admin=True, if_absent="fail")
    reply, given = commands_during(own, task)
    assert reply.failed and reply.kind == "not_found" and "would be one" in reply.msg
    assert given == [] and not own.administers("alice")


def test_nor_one_that_was_deactivated_since(own):
    def deactivate(request: Request) -> None:
        if request.path == AVAILABLE:
            own.user("alice").deactivated = True

    own.before = deactivate
    reply, given = commands_during(own, by_token(own, username="alice", admin=True))
    assert reply.failed and reply.kind == "conflict" and "deactivated" in reply.msg
    assert given == [] and not own.administers("alice")


def test_a_deactivated_account_is_not_promoted(continuwuity, alice):
    continuwuity.user(alice).deactivated = True
    task = by_token(continuwuity, username=alice, admin=True)
    assert "deactivated" in refused(continuwuity, task, "conflict").msg
    assert not continuwuity.administers(alice)


def test_who_is_promoted_by_another_meanwhile_is_no_failure(own):
    own.bot.interject("harness-admin", f"!admin {PROMOTE} alice")
    reply = ran(by_token(own, username="alice", admin=True))
    assert reply.json["actions"] == ["set admin"] and own.administers("alice")
    assert "already joined" in " ".join(own.readable())
    has_nothing_to_do(own, by_token(own, username="alice", admin=True))


def test_a_pending_invitation_does_not_stand_in_the_way(continuwuity, alice):
    with continuwuity.changed:
        continuwuity.rooms.invite(
            continuwuity.user_id("harness-admin"),
            continuwuity.admin_room.room_id,
            continuwuity.user_id(alice),
        )
    task = by_token(continuwuity, username=alice, admin=True)
    reply, given = commands_during(continuwuity, task)
    assert reply.json["actions"] == ["set admin"]
    assert len([one for one in given if PROMOTE in one]) == 2
    assert continuwuity.administers(alice)


def test_a_name_that_was_promoted_before_it_was_made_is_told(continuwuity, unique):
    name = unique("ghost")
    continuwuity.promote(continuwuity.user_id(name))
    task = by_token(continuwuity, username=name, password=a_password())
    reply = ran(task)
    assert continuwuity.administers(name) and "from the beginning" in warnings(reply)
    ran(task | {"admin": False})
    assert not continuwuity.administers(name)


def test_who_should_be_none_is_none_in_the_same_run(continuwuity, unique):
    name = unique("ghost")
    continuwuity.promote(continuwuity.user_id(name))
    ran(by_token(continuwuity, username=name, password=a_password(), admin=False))
    assert not continuwuity.administers(name)


# Locks


def test_a_lock_is_set_by_a_command_and_never_by_a_request(continuwuity, alice):
    # The request sets the suspension.
    for options, action in (({"locked": True}, "lock"), ({"locked": False}, "unlock")):
        task = by_token(continuwuity, username=alice, **options)
        before = len(continuwuity.requests)
        does(continuwuity, task, action)
        asked = continuwuity.requests[before:]
        assert not any(one.method == "PUT" and one.path.startswith(ADMIN) for one in asked)
        account = continuwuity.user(alice)
        assert account.locked is options["locked"] and not account.suspended


def test_a_suspension_is_told_from_a_lock(continuwuity, alice):
    does(continuwuity, by_token(continuwuity, username=alice, suspended=True), "suspend")
    account = continuwuity.user(alice)
    assert account.suspended and not account.locked
    does(continuwuity, by_token(continuwuity, username=alice, locked=True), "lock")
    both = by_token(continuwuity, username=alice, suspended=False, locked=False)
    ran(both)
    assert not account.suspended and not account.locked
    has_nothing_to_do(continuwuity, both)


@pytest.mark.parametrize("option", ["locked", "suspended"])
def test_an_administrator_is_neither_locked_nor_suspended(continuwuity, unique, option):
    name = unique("root")
    continuwuity.create(name, a_password(), admin=True)
    task = by_token(continuwuity, username=name) | {option: True}
    reply = refused(continuwuity, task, "policy")
    assert "admin: false" in reply.msg
    reply, given = commands_during(continuwuity, task | {"admin": False})
    assert not reply.failed and DEMOTE in given[0] and len(given) == 2
    assert not continuwuity.administers(name)


# Answers


@pytest.mark.parametrize("password", ["back`tick", "`", "``a``", "a\\`b", "x`"])
def test_a_password_with_a_backtick_is_opened_by_exactly_that(continuwuity, unique, password):
    name = unique("alice")
    task = by_token(continuwuity, username=name, password=password)
    does(continuwuity, task, "create")
    assert continuwuity.user(name).password == password
    task |= {"password": password + "2", "update_password": "always"}
    does(continuwuity, task, "set password")
    assert continuwuity.user(name).password == password + "2"


def test_the_formatted_body_of_an_answer_is_not_looked_at(own, monkeypatch):
    add = own.rooms.add

    def with_a_lie(
        room: Any, kind: str, sender: str, content: Any, *rest: Any, **more: Any
    ) -> Event:
        if sender == own.bot_id and kind == "m.room.message":
            text = f"<p>Created user @bob:{own.server_name} with password <code>x</code></p>"
            content = content | {"format": "org.matrix.custom.html", "formatted_body": text}
        return add(room, kind, sender, content, *rest, **more)

    monkeypatch.setattr(own.rooms, "add", with_a_lie)
    password = a_password()
    does(own, by_token(own, username="bob", password=password), "create")
    assert own.opens("bob", password)
    generated = ran(by_token(own, username="carol", generate_password=True))
    assert own.opens("carol", generated.json["user"]["generated_password"])
    does(own, by_token(own, username="alice", state="deactivated"), "deactivate")


def test_an_answer_that_is_a_file_belongs_to_the_command_before_it(own, monkeypatch):
    # Too large for a text, it comes without a relation.
    monkeypatch.setattr(own, "TABLE", dataclasses.replace(own.TABLE, oversize=10))
    task = by_token(own, username="alice", admin=True, timeout=1)
    reply = run_module(task)
    assert reply.failed and reply.kind == "protocol" and "with a file" in reply.msg
    assert own.admin_room.room_id in reply.msg


def test_an_empty_answer_to_a_reactivation_is_a_success(continuwuity, alice):
    continuwuity.user(alice).deactivated = True
    password = "carried-by-a-command"
    task = by_token(continuwuity, username=alice, password=password, reactivate=True)
    reply, given = commands_during(continuwuity, task)
    assert not reply.failed and "reactivate" in reply.json["actions"]
    assert any("--convert-to-local-account" in one for one in given)
    assert continuwuity.opens(alice, password)


def test_an_empty_answer_is_not_believed(own, monkeypatch):
    own.user("alice").deactivated = True
    monkeypatch.setattr(own, "obey", lambda command: Answer(""))
    task = by_token(own, username="alice", password="carried-by-a-command", reactivate=True)
    reply = run_module(task)
    assert reply.failed and reply.kind == "protocol" and "deactivated still" in reply.msg


def test_what_the_bot_says_before_the_answer_is_none(continuwuity, alice):
    known = len(continuwuity.events())
    does(continuwuity, by_token(continuwuity, username=alice, state="deactivated"), "deactivate")
    said = [
        one.content.get("msgtype")
        for one in continuwuity.events()[known:]
        if one.sender == continuwuity.bot_id and one.type == "m.room.message"
    ]
    assert said == ["m.text", "m.notice"]  # "Making ... leave all rooms", and the answer
    assert continuwuity.user(alice).deactivated


def test_a_silent_bot_is_named_as_possibly_dead(own):
    own.bot.deaf = True
    reply = run_module(by_token(own, username="alice", admin=True, timeout=1))
    assert reply.failed and reply.kind == "not_ready" and not own.administers("alice")
    assert "may be dead" in reply.msg and "restart the server" in reply.msg


def test_commands_are_sent_in_no_thread(continuwuity, alice):
    known = len(continuwuity.requests)
    for options in ({"admin": True}, {"admin": False}, {"locked": True}):
        ran(by_token(continuwuity, username=alice, **options))
    sent = [one for one in continuwuity.requests[known:] if "/send/m.room.message/" in one.path]
    assert len(sent) == 3
    assert not any("m.relates_to" in json.loads(one.body) for one in sent)


# Just started


@pytest.fixture
def starting() -> Iterator[Continuwuity]:
    """It answers, and makes the account of its configuration half a second later."""
    with Continuwuity(admin_execute=("users create-user root pw-of-root",)) as server:
        yield server
        assert not server.complaints


def by_root(server: Continuwuity, **options: Any) -> dict[str, Any]:
    return {"url": server.url, "admin_username": "root", "admin_password": "pw-of-root"} | options


def test_an_account_of_its_configuration_is_waited_for(starting):
    task = by_root(starting, wait_timeout=10, username="alice", password=a_password())
    assert ran(task).json["actions"] == ["create"]
    assert starting.count(LOGIN) >= 2 and starting.administers("root")


def test_without_a_time_to_wait_the_error_names_the_option(starting):
    task = by_root(starting, username="alice", password=a_password())
    reply, asked = requests_during(starting, task)
    assert reply.failed and reply.kind == "unauthorized" and "wait_timeout" in reply.msg
    assert asked.count(LOGIN) == 1


# Its configuration


def test_what_suspends_each_new_account_is_ended_where_that_is_asked_for():
    with Continuwuity(suspend_on_register=True) as server:
        task = by_token(server, username="alice", password=a_password())
        ran(task)
        assert server.user("alice").suspended
        does(server, task | {"suspended": False}, "unsuspend")
        # Suspended, it could not set its display name.
        free = task | {"username": "bob", "suspended": False, "displayname": "Bob"}
        does(server, free, "create")
        assert not server.user("bob").suspended and server.user("bob").displayname == "Bob"


# The versions after it


@pytest.fixture
def newer() -> Iterator[Continuwuity]:
    with Continuwuity(version=NEW) as server:
        yield server
        assert not server.complaints


def test_newer_versions_say_that_a_deactivated_account_is_not_there(newer):
    newer.create("alice", a_password())
    does(newer, by_token(newer, username="alice", state="deactivated"), "deactivate")
    assert "deactivated" in refused(newer, by_token(newer, username="alice"), "conflict").msg
    password = a_password()
    task = by_token(newer, username="alice", password=password, reactivate=True)
    assert "reactivate" in ran(task).json["actions"] and newer.opens("alice", password)
    does(newer, by_token(newer, username="alice", locked=True), "lock")


def test_what_is_in_a_path_is_encoded(continuwuity, unique):
    # A room's id has no domain there, and a localpart may have a slash.
    name = unique("a/b=c")
    does(continuwuity, by_token(continuwuity, username=name, password=a_password()), "create")
    does(continuwuity, by_token(continuwuity, username=name, suspended=True), "suspend")
    assert continuwuity.user(name).suspended
    assert ":" not in continuwuity.admin_room.room_id
    paths = [unquote(one.path) for one in continuwuity.requests if "/send/" in one.path]
    assert all(f"/rooms/{continuwuity.admin_room.room_id}/send/" in path for path in paths)
