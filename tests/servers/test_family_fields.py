# SPDX-License-Identifier: GPL-3.0-or-later
"""Each option about an account on tuwunel, continuwuity and Conduit: at its creation and
later, by an administrator and with the account's own password; and what a server lacks is
refused by the option's name, with those that have it, before anything is sent. Passwords
are in test_family_passwords.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.servers.proof import a_password
from tests.servers.relatives import (
    KINDS,
    Server,
    by_token,
    does,
    foretold,
    has_nothing_to_do,
    ran,
    refused,
    requests_during,
    trace,
    warnings,
)
from tests.support.module import run_module
from tests.support.tuwunel import Tuwunel

AVATAR = "mxc://example.test/an-avatar"
# What each lacks, and who has it.
AN_ID = [{"provider": "oidc", "id": "a"}]
LACKING: list[tuple[dict[str, Any], str, tuple[str, ...]]] = [
    ({"user_type": "bot"}, "synapse, mas", ("tuwunel", "continuwuity", "conduit")),
    ({"external_ids": AN_ID}, "synapse, mas", ("tuwunel", "continuwuity", "conduit")),
    ({"shadow_banned": True}, "synapse, mas", ("tuwunel", "continuwuity", "conduit")),
    (
        {"ratelimit": {"messages_per_second": 5, "burst_count": 9}},
        "synapse, mas",
        ("tuwunel", "continuwuity", "conduit"),
    ),
    ({"emails": ["a@example.test"]}, "synapse, mas, tuwunel", ("continuwuity", "conduit")),
    ({"erase": True, "state": "deactivated"}, "synapse, mas, tuwunel", ("continuwuity", "conduit")),
    ({"suspended": True}, "synapse, mas, tuwunel, continuwuity", ("conduit",)),
    ({"locked": True}, "synapse, mas, tuwunel, continuwuity", ("conduit",)),
]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def server(kind: str, request: pytest.FixtureRequest) -> Server:
    return request.getfixturevalue(kind)


@pytest.fixture
def alice(server: Server, unique: Callable[[str], str]) -> tuple[str, str]:
    """An account, and its password."""
    name, password = unique("alice"), a_password()
    server.create(name, password)
    return name, password


def profile(server: Server, name: str) -> tuple[str | None, str | None]:
    account = server.user(name)
    return account.displayname, account.avatar_url


# Display name and avatar


def test_a_new_account_has_the_profile_that_is_stated(server, unique):
    task = by_token(server, username=unique("bob"), password=a_password())
    does(server, task | {"displayname": "B\N{LATIN SMALL LETTER O WITH DIAERESIS}b `1`"}, "create")
    assert profile(server, task["username"])[0] == "B\N{LATIN SMALL LETTER O WITH DIAERESIS}b `1`"
    task |= {"username": unique("bob"), "displayname": "Bob", "avatar_url": AVATAR}
    does(server, task, "create")
    assert profile(server, task["username"]) == ("Bob", AVATAR)
    assert server.devices(task["username"]) == []


@pytest.mark.parametrize("field, value", [("displayname", "Alice"), ("avatar_url", AVATAR)])
def test_it_is_changed_later_and_cleared(kind, server, alice, field, value):
    name, password = alice
    task = by_token(server, username=name)
    own = task if kind == "tuwunel" else task | {"password": password}
    if kind != "tuwunel":
        # Only the account itself can: its password has to be there, and right.
        reply = refused(server, task | {field: value}, "unauthorized")
        assert "own password" in reply.msg and field in reply.msg
        refused(server, task | {field: value, "password": a_password()}, "unauthorized")
    does(server, own | {field: value}, f"set {field}")
    assert getattr(server.user(name), field) == value
    has_nothing_to_do(server, task | {field: value})
    ran(own | {field: ""})
    assert not getattr(server.user(name), field)
    has_nothing_to_do(server, own | {field: ""})
    assert server.devices(name) == []


def test_both_and_a_password_in_one_run(server, alice):
    name, _ = alice
    task = by_token(server, username=name, displayname="Alice", avatar_url=AVATAR)
    task |= {"password": a_password(), "update_password": "always"}
    reply = ran(task)
    assert set(reply.json["actions"]) == {"set displayname", "set avatar_url", "set password"}
    assert profile(server, name) == ("Alice", AVATAR) and server.opens(name, task["password"])
    has_nothing_to_do(server, task)
    assert server.devices(name) == []


def test_the_account_itself_changes_it_without_an_administrator(server, alice):
    name, password = alice
    task = {"url": server.url, "username": name, "password": password, "if_exists": "match"}
    does(server, task | {"displayname": "Alice"}, "set displayname")
    assert server.user(name).displayname == "Alice" and server.devices(name) == []
    foretold(server, task | {"displayname": "Other"})


# What only tuwunel has


def test_emails_are_set_added_and_taken_away(tuwunel, unique):
    name = unique("bob")
    task = by_token(tuwunel, username=name, password=a_password())
    does(tuwunel, task | {"emails": ["One@Example.test"]}, "create")
    assert addresses(tuwunel, name) == ["one@example.test"]
    two = task | {"emails": ["two@example.test"]}
    does(tuwunel, two | {"emails_mode": "append"}, "set emails")
    assert addresses(tuwunel, name) == ["one@example.test", "two@example.test"]
    does(tuwunel, two | {"emails_mode": "exact"}, "set emails")
    assert addresses(tuwunel, name) == ["two@example.test"]
    does(tuwunel, task | {"emails": [], "emails_mode": "exact"}, "clear emails")
    assert addresses(tuwunel, name) == []


def addresses(server: Tuwunel, name: str) -> list[str]:
    user = f"/_synapse/admin/v2/users/{server.user_id(name)}"
    told = server.asked("GET", user, token=server.admin_token)
    return sorted(one["address"] for one in told.get("threepids", []))


def test_an_erased_account_keeps_nothing(tuwunel, unique):
    name = unique("bob")
    task = by_token(tuwunel, username=name)
    profile_of_it = {"displayname": "Bob", "avatar_url": AVATAR, "emails": ["b@example.test"]}
    ran(task | {"password": a_password()} | profile_of_it)
    reply = ran(task | {"state": "deactivated", "erase": True})
    assert "erase" in reply.json["actions"], reply.json
    account = tuwunel.user(name)
    assert account.deactivated and account.erased
    assert not account.displayname and not account.avatar_url and not account.threepids
    has_nothing_to_do(tuwunel, task | {"state": "deactivated", "erase": True})


def test_tuwunel_locks_and_suspends_each_by_itself(tuwunel, unique):
    name, password = unique("bob"), a_password()
    task = by_token(tuwunel, username=name, password=password)
    does(tuwunel, task | {"suspended": True, "locked": False}, "create")
    assert tuwunel.user(name).suspended and not tuwunel.user(name).locked
    does(tuwunel, task | {"locked": True}, "lock")
    assert tuwunel.user(name).suspended and tuwunel.user(name).locked
    does(tuwunel, task | {"suspended": False}, "unsuspend")
    does(tuwunel, task | {"locked": False}, "unlock")
    assert tuwunel.opens(name, password)


# And continuwuity


def test_continuwuity_makes_accounts_that_are_locked_or_suspended(continuwuity, unique):
    name = unique("bob")
    task = by_token(continuwuity, username=name, password=a_password())
    does(continuwuity, task | {"suspended": True, "locked": True}, "create")
    account = continuwuity.user(name)
    assert account.suspended and account.locked
    both = task | {"suspended": False, "locked": False}
    ran(both)
    assert not account.suspended and not account.locked
    has_nothing_to_do(continuwuity, both)


def test_a_locked_account_gets_a_new_password_all_the_same(continuwuity, unique):
    name = unique("bob")
    continuwuity.create(name, a_password())
    continuwuity.user(name).locked = True
    task = by_token(continuwuity, username=name, locked=False, displayname="Bob")
    task |= {"password": "two words", "update_password": "always"}
    ran(task)
    account = continuwuity.user(name)
    assert not account.locked and account.displayname == "Bob"
    assert continuwuity.opens(name, "two words")


# What is not there


@pytest.mark.parametrize("lacking", LACKING, ids=lambda one: next(iter(one[0])))
def test_what_a_server_lacks_is_refused_by_name_before_anything_is_sent(
    kind, server, alice, lacking
):
    options, able, unable = lacking
    if kind not in unable:
        return
    name, _ = alice
    reply = refused(server, by_token(server, username=name) | options, "unsupported")
    option = next(iter(options))
    assert reply.msg.endswith(
        f"{kind} cannot do what the option {option} asks for; {able} can"
    ), reply.msg
    task = by_token(server, username=name + "-new") | options
    reply, asked = requests_during(server, task)
    assert reply.failed and reply.kind == "unsupported"
    assert not any(one.startswith(("PUT", "POST")) for one in asked)


# What a new account is


def test_initial_type_is_of_new_accounts_alone(kind, server, unique):
    name = unique("root")
    task = by_token(server, username=name, password=a_password())
    does(server, task | {"initial_type": "admin"}, "create")
    assert server.administers(name)
    has_nothing_to_do(server, task | {"initial_type": "user"})
    other = unique("bob")
    does(server, task | {"username": other, "initial_type": "user"}, "create")
    assert not server.administers(other)
    has_nothing_to_do(server, task | {"username": other, "initial_type": "admin"})
    assert not server.administers(other)


@pytest.mark.parametrize("initial_type", ["bot", "support"])
def test_types_of_accounts_are_refused(kind, server, unique, initial_type):
    task = by_token(server, username=unique("bob"), password=a_password())
    before = trace(server)
    reply = run_module(task | {"initial_type": initial_type})
    assert reply.failed and reply.kind == "unsupported", reply.json
    assert reply.msg == f"{kind} cannot do what the option user_type asks for; synapse, mas can"
    assert trace(server) == before and warnings(reply) == ""


# One that is there already, and is not the one


def test_a_state_that_is_not_stated_is_left_alone(server, alice):
    name, password = alice
    server.make_admin(server.user_id(name))
    before = server.user(name).state()
    has_nothing_to_do(server, by_token(server, username=name, password=password))
    assert server.user(name).state() == before and server.administers(name)
