# SPDX-License-Identifier: GPL-3.0-or-later
"""What tuwunel 1.9.0, seen running, does to who trusts it: each of these is walked round.
Its emergency_password is in test_family_emergency.py."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers.proof import a_password
from tests.servers.relatives import (
    EMERGENCY,
    Server,
    by_emergency,
    by_token,
    does,
    has_nothing_to_do,
    ran,
    refused,
    requests_during,
    trace,
    warnings,
)
from tests.support.mas_wire import Request
from tests.support.module import Reply, run_module
from tests.support.tuwunel import Tuwunel

USERS = "/_synapse/admin/v2/users/"
HEART = "\N{TWO HEARTS}"


@pytest.fixture
def alone() -> Iterator[Tuwunel]:
    """One of the test's own, whose only administrator is @root."""
    with Tuwunel(emergency_password=EMERGENCY) as server:
        server.create("root", a_password(), admin=True)
        yield server
        assert not server.complaints


@pytest.fixture
def alice(tuwunel, unique) -> str:
    name = unique("alice")
    tuwunel.create(name, a_password())
    return name


def by_secret(server: Tuwunel, **options: Any) -> dict[str, Any]:
    return {"url": server.url, "registration_shared_secret": server.secret} | options


def by_secret_alone(server: Tuwunel, **options: Any) -> dict[str, Any]:
    return by_secret(server, service_account="") | options


def sent(server: Tuwunel, task: dict[str, Any]) -> tuple[Reply, list[Request]]:
    """The reply, and what was asked for but to be read."""
    known = len(server.requests)
    reply = run_module(task)
    return reply, [one for one in server.requests[known:] if one.method != "GET"]


def puts(server: Tuwunel, task: dict[str, Any]) -> list[dict[str, Any]]:
    reply, requests = sent(server, task)
    assert not reply.failed, reply.json
    return [json.loads(one.body) for one in requests if one.path.startswith(USERS)]


# The administrator itself, and the last one


@pytest.mark.parametrize(
    "change",
    [{"locked": True}, {"suspended": True}, {"admin": False}, {"state": "deactivated"}],
    ids=lambda change: next(iter(change)),
)
def test_nobody_locks_suspends_demotes_or_deactivates_themselves(tuwunel, unique, change):
    # The server lets it: locked, it would be refused everything from then on.
    name = unique("root")
    tuwunel.create(name, a_password(), admin=True)
    task = {"url": tuwunel.url, "access_token": tuwunel.token_of(name), "username": name}
    reply = refused(tuwunel, task | change, "policy")
    assert "administrator" in reply.msg and "another" in reply.msg
    _, requests = sent(tuwunel, task | change)
    assert requests == []


# Passwords that are none


@pytest.mark.parametrize("opened_by", [by_secret, by_token])
@pytest.mark.parametrize("password", ["*", ""])
def test_a_password_that_stands_for_none_is_refused(tuwunel, unique, opened_by, password):
    task = opened_by(tuwunel, username=unique("bob"), password=password)
    known = tuwunel.user_names()
    for check in (True, False):
        reply = run_module(task, check=check)
        assert reply.failed and reply.kind == "invalid" and "password" in reply.msg
    assert tuwunel.user_names() == known


def test_it_is_refused_for_who_exists_too(tuwunel, alice):
    task = by_token(tuwunel, username=alice, password="*", update_password="always")
    refused(tuwunel, task, "invalid")
    users = [{"username": alice}, {"username": alice + "-b", "password": "*"}]
    refused(tuwunel, by_token(tuwunel, users=users), "invalid")


def test_an_account_without_a_password_is_active_and_opens_to_nobody(tuwunel, unique):
    # A PUT without one, and without "deactivated": false, would make it deactivated.
    name = unique("bot")
    does(tuwunel, by_token(tuwunel, username=name), "create")
    account = tuwunel.user(name)
    assert not account.deactivated and account.password is None
    for password in ("", "*"):
        assert tuwunel.try_login(name, password)[0] == 403


# Display names


@pytest.mark.parametrize("opened_by", [by_secret, by_secret_alone, by_token])
def test_a_stated_display_name_has_no_suffix(tuwunel, unique, opened_by):
    task = opened_by(tuwunel, username=unique("bob"), password=a_password(), displayname="Bob")
    ran(task)
    assert tuwunel.user(task["username"]).displayname == "Bob"
    assert ran(task).json["actions"] == []


def test_who_registers_with_a_token_gets_the_stated_name_too():
    with Tuwunel(allow_registration=True, registration_token="a-token-of-it") as server:
        server.create("root", a_password(), admin=True)
        task = {"url": server.url, "registration_token": "a-token-of-it", "username": "bob"}
        ran(task | {"password": a_password(), "displayname": "Bob"})
        assert server.user("bob").displayname == "Bob" and server.devices("bob") == []


def test_one_that_nobody_states_is_the_servers(tuwunel, unique):
    task = by_secret(tuwunel, username=unique("bob"), password=a_password())
    ran(task)
    assert tuwunel.user(task["username"]).displayname == f"{task['username']} {HEART}"
    assert ran(task).json["actions"] == []


# Administrators


def test_admin_false_is_sent_only_where_it_is_true(tuwunel, unique):
    # For who is none it is a 500, after the account was changed.
    name = unique("bob")
    creation = by_token(tuwunel, username=name, password=a_password(), admin=False)
    bodies = puts(tuwunel, creation)
    assert len(bodies) == 1 and "admin" not in bodies[0]
    assert puts(tuwunel, creation | {"displayname": "B"}) == [{"displayname": "B"}]
    assert puts(tuwunel, creation | {"admin": True}) == [{"admin": True}]
    assert puts(tuwunel, creation) == [{"admin": False}]
    assert puts(tuwunel, creation) == [] and not tuwunel.administers(name)


def test_who_left_the_room_by_then_is_no_failure(tuwunel, unique):
    name = unique("bob")
    tuwunel.create(name, a_password(), admin=True)
    task = by_token(tuwunel, username=name, admin=False)

    def leave(request: Request) -> None:
        if request.method == "PUT" and request.path.startswith(USERS):
            tuwunel.before = None
            tuwunel.leave_all_rooms(tuwunel.user_id(name))

    tuwunel.before = leave
    assert ran(task).json["actions"] == ["unset admin"]
    has_nothing_to_do(tuwunel, task)


def test_an_administrator_is_demoted_before_it_is_deactivated(tuwunel, unique):
    # It would stay in the room, and an administrator.
    name = unique("bob")
    tuwunel.create(name, a_password(), admin=True)
    bodies = puts(tuwunel, by_token(tuwunel, username=name, state="deactivated"))
    assert [body.get("admin") for body in bodies][0] is False
    assert tuwunel.user(name).deactivated and not tuwunel.administers(name)


def test_without_a_room_of_administrators_a_grant_is_not_believed():
    with Tuwunel(create_admin_room=False) as server:
        task = by_secret(server, service_account="", username="alice", password=a_password())
        reply = run_module(task | {"admin": True})
        assert reply.failed and reply.kind == "policy" and "create_admin_room" in reply.msg


def test_the_administrator_comes_before_any_ordinary_user(tuwunel_of_strangers):
    # Else the first who registers afterwards would be one.
    server = tuwunel_of_strangers
    users = [
        {"username": "bob", "password": a_password()},
        {"username": "root", "password": a_password(), "admin": True},
    ]
    ran(by_secret(server, users=users))
    stranger = {"username": "mallory", "password": "pw", "auth": {"type": "m.login.dummy"}}
    assert server.api("POST", "/_matrix/client/v3/register", stranger)[0] == 200
    assert not server.administers("mallory") and server.administers("root")


@pytest.fixture
def tuwunel_of_strangers() -> Iterator[Tuwunel]:
    with Tuwunel(allow_registration=True) as server:
        yield server
        assert not server.complaints


# What is created, and what is only changed


def test_created_and_changed_are_told_apart_though_both_are_200(tuwunel, unique):
    name = unique("bob")
    task = by_token(tuwunel, username=name, password=a_password())
    created = ran(task)
    # Nor does it count as one whose answer was lost.
    assert created.json["actions"] == ["create"] and warnings(created) == ""
    assert ran(task | {"displayname": "B"}).json["actions"] == ["set displayname"]
    users = [{"username": name}, {"username": name + "-b", "password": a_password()}]
    summary = ran(by_token(tuwunel, users=users)).json["summary"]
    assert summary == {"created": 1, "changed": 0, "unchanged": 1, "failed": 0}


def test_who_came_between_the_look_and_the_creation_is_not_changed(tuwunel, unique):
    # A PUT would set the password of whoever is there.
    name, theirs = unique("bob"), a_password()

    def come(request: Request) -> None:
        if "username_available" in request.path:
            tuwunel.before = None
            tuwunel.create(name, theirs)

    tuwunel.before = come
    task = by_token(tuwunel, username=name, password=a_password(), if_exists="fail")
    reply = run_module(task)
    assert reply.failed and reply.kind == "conflict" and tuwunel.opens(name, theirs)


def test_nothing_is_sent_for_a_name_that_nobody_has(tuwunel, unique):
    # A new password, or a deactivation, would make an account of it.
    name = unique("nobody")
    for change in (
        {"state": "deactivated"},
        {"state": "deactivated", "erase": True},
        {"if_absent": "fail", "password": a_password(), "update_password": "always"},
        {"if_absent": "fail", "admin": True},
        {"if_absent": "fail", "locked": True},
    ):
        before = trace(tuwunel)
        _, requests = sent(tuwunel, by_token(tuwunel, username=name, **change))
        assert requests == [] and trace(tuwunel) == before


# Lists and rooms


def test_a_list_ends_with_a_null(tuwunel, alice):
    reply = run_module(by_token(tuwunel), module="matrix_connection_info")
    assert not reply.failed, reply.json
    assert tuwunel.user_id("harness-admin") in reply.json["administrators"]
    assert tuwunel.bot_id not in reply.json["administrators"]


def test_nothing_is_said_in_any_room(alone: Server):
    # In a thread, two commands could not be told apart: none is given at all.
    alone.create("bob", a_password())
    known = len(alone.bot.obeyed)
    for change in (
        {"admin": True},
        {"admin": False},
        {"password": a_password(), "update_password": "always"},
        {"suspended": True},
        {"suspended": False, "locked": True},
        {"state": "deactivated"},
    ):
        reply, asked = requests_during(alone, by_emergency(alone, username="bob", **change))
        assert not reply.failed, reply.json
        assert not any("/send/" in one for one in asked)
    assert alone.bot.obeyed[known:] == []
