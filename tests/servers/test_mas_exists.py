# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts that MAS has already: whose they are, and whether they may be touched."""

import pytest

from tests.servers.mas_proof import (
    changes,
    facts,
    fails,
    has_nothing_to_do,
    is_refused,
    predicted,
    state,
    succeeds,
    task,
)
from tests.servers.proof import a_password, agrees
from tests.support.module import run_module

pytestmark = pytest.mark.usefixtures("nothing_left")

LOGIN = "POST /_matrix/client/v3/login"


@pytest.fixture
def alice(mas, unique):
    name, password = unique("alice"), a_password()
    mas.create(name, password)
    return name, password


def match(mas, name, password, **more):
    return task(mas, username=name, password=password, if_exists="match", **more)


def test_match_is_the_caller_s_own_by_one_login(mas, alice):
    succeeds(run_module(match(mas, *alice)))
    assert mas.count(LOGIN) == 1
    succeeds(run_module(match(mas, *alice, admin=True)), "set admin")
    assert mas.user(alice[0])["can_request_admin"]


def test_match_creates_what_is_not_there_and_is_a_no_op_from_then_on(mas, unique):
    arguments = match(mas, unique("alice"), a_password(), admin=False)
    changes(mas, arguments, ["create"], {}, {"admin": False})
    # Only an account that is there is logged in to.
    assert mas.count(LOGIN) == 2


def test_match_never_touches_somebody_else_s_account(mas, alice):
    name, password = alice
    arguments = match(mas, name, a_password(), admin=True, emails=[f"{name}@example.org"])
    is_refused(mas, arguments, "conflict", "another password", "if_exists: match")
    assert mas.has_password(name, password)


def test_match_without_a_password_to_compare_is_somebody_else_s(mas, unique):
    name = unique("alice")
    mas.create(name)
    is_refused(mas, match(mas, name, a_password()), "conflict", "if_exists: match")
    assert not mas.has_password(name)


def test_match_cannot_tell_of_who_is_locked_or_gone(mas, alice):
    name, _ = alice
    succeeds(run_module(task(mas, username=name, locked=True)), "lock")
    is_refused(mas, match(mas, *alice), "conflict", "locked")
    succeeds(run_module(task(mas, username=name, state="deactivated")), "deactivate")
    is_refused(mas, match(mas, *alice), "conflict", "deactivated")
    assert mas.count(LOGIN) == 0


def test_match_for_more_than_three_is_refused_before_anything(mas, unique):
    users = []
    for _ in range(4):
        users.append({"username": unique("alice"), "password": a_password(), "if_exists": "match"})
    before = state(mas)
    fails(run_module(task(mas, users=users)), "invalid", "database", "here 4 do")
    assert state(mas) == before
    assert run_module(task(mas, users=users[:3])).json["summary"]["created"] == 3


def test_fail_refuses_an_account_that_is_there_in_any_case(mas, alice, unique):
    name, _ = alice
    is_refused(mas, task(mas, username=name, if_exists="fail"), "conflict", "exists already")
    arguments = task(mas, username=unique("alice"), if_exists="fail")
    succeeds(predicted(mas, arguments), "create")
    succeeds(run_module(arguments), "create")
    is_refused(mas, arguments, "conflict", "if_exists: fail")


def test_an_account_that_has_to_be_there_is_not_made(mas, unique):
    arguments = task(mas, username=unique("nobody"), if_absent="fail", password=a_password())
    is_refused(mas, arguments, "not_found", "if_absent: fail")
    assert mas.store.user_named(arguments["username"]) is None


def test_a_deactivated_account_needs_permission_to_come_back(mas, alice):
    name, _ = alice
    succeeds(run_module(task(mas, username=name, state="deactivated")), "deactivate")
    is_refused(mas, task(mas, username=name), "conflict", "reactivate: true")
    has_nothing_to_do(mas, task(mas, username=name, state="deactivated"))


def test_deactivating_who_is_not_there_is_done_already(mas, unique):
    arguments = task(mas, username=unique("nobody"), state="deactivated")
    for reply in (predicted(mas, arguments), run_module(arguments)):
        succeeds(reply)
    assert mas.store.user_named(arguments["username"]) is None


# How a name is written


def test_a_full_id_of_this_server_is_the_name(mas, unique):
    name = unique("alice")
    arguments = task(mas, username=f"@{name}:example.test")
    succeeds(run_module(arguments), "create")
    succeeds(run_module(task(mas, username=name)))


def test_one_of_another_server_is_refused(mas, unique):
    arguments = task(mas, username=f"@{unique('alice')}:elsewhere.test")
    reply = fails(run_module(arguments), "invalid", "example.test")
    assert not reply.changed


def test_the_mas_of_another_homeserver_is_refused(mas, unique):
    arguments = task(mas, username=unique("alice"), server_name="elsewhere.test")
    before = state(mas)
    fails(run_module(arguments), "invalid", "elsewhere.test", "example.test")
    assert state(mas) == before


@pytest.mark.parametrize("stem", ["a/b", "a+b", "a.b=c_d-e", "0a", "a/../b", "a%2fb"])
def test_a_name_may_have_every_character_that_mas_takes(mas, unique, stem):
    name = unique(stem)
    arguments = task(
        mas,
        username=name,
        password=a_password(),
        admin=True,
        displayname="A",
        emails=[f"x{abs(hash(name))}@example.org"],
        locked=False,
    )
    if "%" in stem:
        reply = fails(run_module(arguments), "invalid")
        assert not reply.changed
        return
    changes(mas, arguments, ["create"], {}, {"admin": True, "displayname": "A"})
    succeeds(run_module(task(mas, username=name, displayname="B")), "set displayname")
    succeeds(run_module(task(mas, username=name, state="deactivated")), "deactivate")


@pytest.mark.parametrize("name", ["_alice", "0123456789", "älice", "al ice", "al@ice", "a" * 256, ""])
def test_a_name_that_mas_or_the_homeserver_would_refuse_is_refused_before_anything(mas, name):
    before = state(mas)
    reply = fails(run_module(task(mas, username=name, password=a_password())), "invalid")
    assert not reply.changed and mas.count("POST /users") == 0
    assert state(mas) == before


def test_capitals_are_lowered_with_a_warning(mas, unique):
    name = unique("alice")
    arguments = task(mas, username=name.capitalize())
    reply = succeeds(run_module(arguments), "create")
    assert any("upper case" in warning for warning in reply.json["warnings"])
    assert mas.user(name)["username"] == name
    reply = succeeds(run_module(arguments))
    assert reply.json["user"]["user_id"] == f"@{name}:example.test"
    # Of what is only the homeserver's as well, where names in two cases are two.
    succeeds(run_module(arguments | {"displayname": "Alice"}), "set displayname")
    assert facts(mas, name)["displayname"] == "Alice"


@pytest.mark.parametrize("written", [str.lower, str.capitalize, str.upper])
def test_an_account_of_old_that_has_capitals_is_the_one_that_mas_finds(mas, unique, written):
    """As syn2mas takes them along: MAS finds a name in any case, Synapse only so."""
    name = unique("alice").capitalize()
    server = mas.beside.server
    user_id = server.user_id(name)
    # Today's Synapse makes none.
    server.database.change(
        "INSERT INTO users (name, creation_ts, admin, is_guest, deactivated, approved, locked)"
        " VALUES (?, 1500000000, 0, 0, 0, true, false)",
        (user_id,),
    )
    server.database.change(
        "INSERT INTO profiles (user_id, displayname, full_user_id) VALUES (?, 'x', ?)",
        (name, user_id),
    )
    mas.adopt(name)
    arguments = task(mas, username=written(name), displayname="Of old", admin=True)
    reply = succeeds(run_module(arguments), "set admin", "set displayname")
    assert reply.json["user"]["user_id"] == user_id
    agrees(facts(mas, name), {"displayname": "Of old", "admin": True})
    succeeds(run_module(arguments))
    same = "SELECT name FROM users WHERE lower(name) = ?"
    assert server.query(same, (user_id.lower(),)) == [(user_id,)]
