# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts that are erased, at once or after they were deactivated."""

import pytest

from tests.servers.proof import (
    NEW,
    OLD,
    a_password,
    by_token,
    changes,
    deactivate,
    facts,
    has_nothing_to_do,
    is_refused,
    logs_in,
    run_module,
    session_is_alive,
)

PASSWORD = "the password of Alice"
AVATAR = "mxc://example.test/aBcDeF0123"


@pytest.fixture
def alice(way, unique):
    """An account with a profile and an address."""
    name = unique("alice")
    way.server.register(name, PASSWORD, displayname="Alice")
    address = {"medium": "email", "address": f"{name}@example.org"}
    way.server.change(name, avatar_url=AVATAR, threepids=[address])
    return name


def diff(name, displayname="Alice", emails=True, **flags):
    """What a deactivation, and then an erasure, takes from such an account
    (synapse/handlers/deactivate_account.py)."""
    gone = {"deactivated": True, "erased": True, "displayname": None, "avatar_url": None}
    was = {
        "deactivated": False,
        "erased": False,
        "displayname": displayname,
        "avatar_url": AVATAR,
    }
    return was | {"emails": [f"{name}@example.org"]} | flags, gone | {"emails": []}


def test_an_account_is_deactivated_and_erased(way, alice):
    token = way.server.login(alice, PASSWORD)
    task = way.task(username=alice, state="deactivated", erase=True)
    before, after = diff(alice)
    changes(way.server, task, ["deactivate", "erase"], before, after)
    assert facts(way.server, alice)["erased"] is True
    assert not session_is_alive(way.server, token)
    # It stays as it is without erase, too.
    has_nothing_to_do(way.server, task | {"erase": False})


def test_a_deactivated_account_is_erased(way, alice):
    deactivate(way.server, alice)
    task = way.task(username=alice, state="deactivated", erase=True)
    before, after = diff(alice, deactivated=True)
    before["emails"] = []
    changes(way.server, task, ["erase"], before, after)
    assert facts(way.server, alice)["erased"] is True


def test_without_erase_an_account_is_deactivated_only(way, alice):
    task = way.task(username=alice, state="deactivated")
    before, _ = diff(alice)
    changes(
        way.server,
        task,
        ["deactivate"],
        before,
        before | {"deactivated": True, "emails": []},
    )
    assert facts(way.server, alice)["erased"] is False
    assert facts(way.server, alice)["avatar_url"] == AVATAR


def test_an_account_that_does_not_exist_need_not_be_erased(unique, way):
    name = unique("nobody")
    task = way.task(username=name, state="deactivated", erase=True)
    has_nothing_to_do(way.server, task)
    assert way.server.user(name) is None


def test_an_erased_account_comes_back_with_what_is_stated(way, alice):
    # It has no profile any more, which an activation makes anew since 1.157
    # (synapse/handlers/deactivate_account.py, activate_account).
    erase = by_token(way.server, username=alice, state="deactivated", erase=True)
    assert run_module(erase).changed
    password = a_password()
    task = way.task(
        username=alice,
        password=password,
        displayname="Alice II",
        avatar_url=AVATAR,
        emails=[f"{alice}@example.org"],
        reactivate=True,
    )
    changes(
        way.server,
        task,
        ["reactivate", "set displayname", "set avatar_url", "set emails", "set password"],
        {
            "deactivated": True,
            "erased": True,
            "displayname": None,
            "avatar_url": None,
            "emails": [],
            "password": OLD,
        },
        {
            "deactivated": False,
            "erased": False,
            "displayname": "Alice II",
            "avatar_url": AVATAR,
            "emails": [f"{alice}@example.org"],
            "password": NEW,
        },
    )
    assert logs_in(way.server, alice, password)


def test_erase_goes_with_deactivated_alone(synapse, unique):
    name = unique("alice")
    synapse.register(name, a_password())
    for stated in ({}, {"state": "present"}):
        task = by_token(synapse, username=name, erase=True, **stated)
        reply = is_refused(synapse, task, "invalid")
        assert "erase" in reply.msg and "deactivated" in reply.msg
    has_nothing_to_do(synapse, by_token(synapse, username=name, erase=False))


@pytest.mark.parametrize(
    "stated",
    [
        {"admin": False},
        {"displayname": ""},
        {"avatar_url": ""},
        {"emails": ["a@example.org"]},
        {"emails": [], "emails_mode": "exact"},
        {"external_ids": [{"provider": "saml", "id": "1"}]},
        {"user_type": "bot"},
        {"ratelimit": {}},
        {"locked": True},
        {"locked": False},
        {"suspended": False},
        {"shadow_banned": True},
        {"password": "a password"},
        {"generate_password": True},
        {"verify_login": True},
    ],
    ids=str,
)
def test_deactivated_goes_with_erase_alone(synapse, unique, stated):
    name = unique("alice")
    synapse.register(name, a_password())
    for erase in (False, True):
        task = by_token(synapse, username=name, state="deactivated", erase=erase, **stated)
        is_refused(synapse, task, "invalid")


def test_administrators_do_not_erase_themselves(any_synapse, unique):
    admin, password = unique("root"), a_password()
    any_synapse.register(admin, password, admin=True)
    token = any_synapse.login(admin, password)
    task = by_token(
        any_synapse, access_token=token, username=admin, state="deactivated", erase=True
    )
    is_refused(any_synapse, task, "policy")
    any_synapse.logout(token)
