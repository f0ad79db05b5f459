# SPDX-License-Identifier: GPL-3.0-or-later
"""A Synapse that has handed its accounts to Matrix Authentication Service: what
would be made there, MAS would not know."""

import pytest

from tests.servers.mas_stand_in import MasStandIn
from tests.servers.proof import a_password
from tests.support.module import run_module
from tests.support.synapse import Synapse

CREDENTIALS = ["registration_shared_secret", "access_token", "admin_username", "password", "database"]


@pytest.fixture(scope="module")
def mas():
    with MasStandIn() as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def delegated(mas):
    """Synapse, with the account of an administrator whom MAS knows as well, and
    one of before MAS came."""
    with Synapse() as server:
        server.register(mas.username, a_password(), admin=True)
        server.register("veteran", a_password(), admin=True)
        server.stop()
        server.config |= mas.synapse_config()
        server.start()
        yield server


def given(credential, server, mas):
    return {
        "registration_shared_secret": {"registration_shared_secret": server.secret},
        "access_token": {"access_token": mas.token},
        "admin_username": {"admin_username": mas.username, "admin_password": a_password()},
        "password": {"if_exists": "match"},
        # Nothing listens there: it must not come to that.
        "database": {"database": {"host": "127.0.0.1", "port": 1, "name": "s"}, "admin": True},
    }[credential]


def test_the_stand_in_is_enough_for_synapse_to_take_the_token_as_an_administrators(
    delegated, mas
):
    path = "/_synapse/admin/v2/users/%40" + mas.username + "%3Aexample.test"
    status, user = delegated.api("GET", path, token=mas.token)
    assert status == 200 and user["name"] == delegated.user_id(mas.username)
    assert mas.introspected
    # Older ones would make an orphan by this (synapse#18993); 1.163 refuses
    # (synapse/rest/admin/users.py, UserRestServletV2.on_PUT).
    path = "/_synapse/admin/v2/users/%40orphan%3Aexample.test"
    assert delegated.api("PUT", path, {}, mas.token)[0] == 403
    # Changing an account is still taken, though MAS does not hear of it.
    path = "/_synapse/admin/v2/users/%40veteran%3Aexample.test"
    assert delegated.api("PUT", path, {"displayname": "V"}, mas.token)[0] == 200
    assert delegated.api("GET", path, token="mat_another_token")[0] == 401


@pytest.mark.parametrize("backend", ["auto", "synapse"])
@pytest.mark.parametrize("credential", CREDENTIALS)
@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_accounts_that_are_with_mas_are_refused_and_none_is_made(
    delegated, mas, unique, backend, credential, check
):
    before = delegated.user_names()
    task = {
        "url": delegated.url,
        "backend": backend,
        "username": unique("alice"),
        "password": a_password(),
    } | given(credential, delegated, mas)
    reply = run_module(task, check=check)
    assert reply.failed and not reply.changed, reply.json
    assert reply.kind == "unsupported"
    assert "Matrix Authentication Service" in reply.msg
    assert delegated.user_names() == before


def test_an_existing_account_that_is_with_mas_is_left_alone(delegated, mas):
    # Synapse would store the flag, and MAS decides who is an administrator
    # (synapse/api/auth/mas.py, is_server_admin).
    statement = "SELECT name, admin, deactivated, password_hash FROM users"
    before = delegated.query(statement)
    for stated in ({"admin": False}, {"state": "deactivated"}, {"displayname": "X"}):
        task = {"url": delegated.url, "access_token": mas.token, "username": "veteran"}
        reply = run_module(task | stated)
        assert reply.kind == "unsupported", reply.json
    assert delegated.query(statement) == before


def test_an_account_that_looks_right_in_synapse_is_no_reason_to_say_ok(delegated, mas):
    # Its flag is what Synapse had when MAS came; MAS says who is one today.
    assert delegated.query("SELECT admin FROM users WHERE name = '@veteran:example.test'") == [(1,)]
    for stated in ({"admin": True}, {}):
        task = {"url": delegated.url, "access_token": mas.token, "username": "veteran"}
        reply = run_module(task | stated)
        assert reply.kind == "unsupported", reply.json
