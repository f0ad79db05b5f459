# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts that are deactivated and, when that is asked for, brought back."""

import pytest

from tests.servers.proof import (
    NEW,
    OLD,
    a_password,
    by_secret,
    by_token,
    changes,
    deactivate,
    has_nothing_to_do,
    is_refused,
    logs_in,
    run_module,
    session_is_alive,
    sessions_of,
)


def account(displayname, deactivated=False, admin=False):
    return {"admin": admin, "deactivated": deactivated, "displayname": displayname}


@pytest.mark.parametrize("word", ["deactivated", "absent"])
def test_an_account_is_deactivated_once(any_synapse, unique, word):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password)
    token = any_synapse.login(name, password)
    # Without erase the profile stays (synapse/handlers/deactivate_account.py).
    task = by_token(any_synapse, username=name, state=word)
    changes(any_synapse, task, ["deactivate"], account(name), account(name, deactivated=True))
    user = any_synapse.user(name)
    assert user["deactivated"] is True and user["erased"] is False
    assert not session_is_alive(any_synapse, token) and sessions_of(any_synapse, name) == 0
    assert not logs_in(any_synapse, name, password)


def test_deactivated_and_absent_are_the_same(synapse, unique):
    name = unique("alice")
    synapse.register(name, a_password())
    assert run_module(by_token(synapse, username=name, state="deactivated")).changed
    has_nothing_to_do(synapse, by_token(synapse, username=name, state="absent"))


def test_an_account_that_does_not_exist_need_not_be_deactivated(any_synapse, unique):
    name = unique("nobody")
    task = by_token(any_synapse, username=name, state="deactivated")
    has_nothing_to_do(any_synapse, task)
    reply = is_refused(any_synapse, task | {"if_absent": "fail"}, "not_found")
    assert any_synapse.user_id(name) in reply.msg


def test_deactivating_takes_an_administrator(any_synapse, unique):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password)
    reply = is_refused(
        any_synapse, by_secret(any_synapse, username=name, state="deactivated"), "unauthorized"
    )
    assert "access_token" in reply.msg
    assert logs_in(any_synapse, name, password)


def test_an_administrator_cannot_deactivate_itself(any_synapse, unique):
    admin, password = unique("root"), a_password()
    any_synapse.register(admin, password, admin=True)
    token = any_synapse.login(admin, password)
    task = {"url": any_synapse.url, "username": admin, "state": "deactivated"}
    is_refused(any_synapse, task | {"access_token": token}, "policy")
    is_refused(
        any_synapse, task | {"admin_username": admin, "admin_password": password}, "policy"
    )
    assert session_is_alive(any_synapse, token)
    assert any_synapse.user(admin)["deactivated"] is False
    any_synapse.logout(token)


def test_a_deactivated_account_is_not_brought_back_by_chance(any_synapse, unique):
    name = unique("alice")
    any_synapse.register(name, a_password())
    deactivate(any_synapse, name)
    for stated in ({}, {"password": a_password()}, {"admin": True}, {"displayname": "A"}):
        task = by_token(any_synapse, username=name, **stated)
        reply = is_refused(any_synapse, task, "conflict")
        assert "deactivated" in reply.msg and "reactivate" in reply.msg


def test_an_account_is_reactivated_with_a_password(any_synapse, unique):
    name, old, new = unique("alice"), a_password(), a_password()
    any_synapse.register(name, old, displayname="Alice")
    deactivate(any_synapse, name)
    task = by_token(any_synapse, username=name, password=new, reactivate=True)
    done = changes(
        any_synapse,
        task,
        ["reactivate", "set password"],
        account("Alice", deactivated=True) | {"password": OLD},
        account("Alice") | {"password": NEW},
    )
    assert done.json["user"]["password_set"] is True
    assert any_synapse.user(name)["deactivated"] is False
    assert logs_in(any_synapse, name, new) and not logs_in(any_synapse, name, old)


def test_an_account_is_reactivated_without_a_password(any_synapse, unique):
    # A password is optional since Synapse 1.99.
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password)
    deactivate(any_synapse, name)
    task = by_token(any_synapse, username=name, reactivate=True)
    changes(any_synapse, task, ["reactivate"], account(name, deactivated=True), account(name))
    # The deactivation took the password away.
    assert not logs_in(any_synapse, name, password)


def test_a_reactivation_makes_the_rest_as_stated_too(any_synapse, unique):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, a_password())
    deactivate(any_synapse, name)
    task = by_token(
        any_synapse,
        username=name,
        password=password,
        update_password="always",
        admin=True,
        displayname="Alice",
        reactivate=True,
    )
    changes(
        any_synapse,
        task,
        ["reactivate", "set admin", "set displayname", "set password"],
        account(name, deactivated=True) | {"password": OLD},
        account("Alice", admin=True) | {"password": NEW},
    )
    user = any_synapse.user(name)
    assert (user["admin"], user["displayname"]) == (True, "Alice")
    assert logs_in(any_synapse, name, password)


def test_reactivate_means_nothing_for_an_active_account(any_synapse, unique):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password)
    task = by_token(any_synapse, username=name, password=a_password(), reactivate=True)
    has_nothing_to_do(any_synapse, task)
    assert logs_in(any_synapse, name, password)


def test_reactivate_makes_an_account_that_does_not_exist(any_synapse, unique):
    name, password = unique("alice"), a_password()
    task = by_token(any_synapse, username=name, password=password, reactivate=True)
    changes(any_synapse, task, ["create"], {}, account(name) | {"password": NEW})
    assert logs_in(any_synapse, name, password)


def test_an_account_goes_and_comes_back_as_often_as_is_asked(synapse, unique):
    name = unique("alice")
    synapse.register(name, a_password())
    gone = by_token(synapse, username=name, state="deactivated")
    back = by_token(synapse, username=name, password=a_password(), reactivate=True)
    for _ in range(2):
        assert run_module(gone).json["actions"] == ["deactivate"]
        assert run_module(back).json["actions"] == ["reactivate", "set password"]
    assert synapse.user(name)["deactivated"] is False


def test_the_secret_cannot_make_an_account_again_that_is_deactivated(any_synapse, unique):
    # "User ID already taken" counts deactivated accounts, too
    # (synapse/handlers/register.py, check_username).
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password)
    deactivate(any_synapse, name)
    task = by_secret(any_synapse, username=name, password=password, if_exists="match")
    is_refused(any_synapse, task, "conflict")
    assert any_synapse.user(name)["deactivated"] is True


def test_deactivated_goes_alone(synapse, unique):
    name = unique("alice")
    synapse.register(name, a_password())
    for stated in ({"admin": False}, {"displayname": ""}, {"password": a_password()}):
        task = by_token(synapse, username=name, state="deactivated", **stated)
        is_refused(synapse, task, "invalid")
