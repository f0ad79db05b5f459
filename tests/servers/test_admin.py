# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is an administrator, and the passwords and fields that are left alone."""

import pytest

from tests.servers.proof import (
    a_password,
    by_secret,
    by_token,
    changes,
    has_nothing_to_do,
    is_refused,
    logs_in,
    requests_during,
    run_module,
    sessions_of,
    state,
)


def account(displayname, admin=False):
    return {"admin": admin, "deactivated": False, "displayname": displayname}


def test_an_account_is_made_an_administrator_and_an_ordinary_one_again(any_synapse, unique):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password)
    task = by_token(any_synapse, username=name, admin=True)
    changes(any_synapse, task, ["set admin"], account(name), account(name, admin=True))
    assert any_synapse.user(name)["admin"] is True

    # A session that is there keeps working, with or without the rights.
    token = any_synapse.login(name, password)
    path = "/_synapse/admin/v1/registration_tokens"
    assert any_synapse.api("GET", path, token=token)[0] == 200
    task = by_token(any_synapse, username=name, admin=False)
    changes(any_synapse, task, ["unset admin"], account(name, admin=True), account(name))
    assert any_synapse.user(name)["admin"] is False
    assert any_synapse.api("GET", path, token=token)[0] == 403
    any_synapse.logout(token)


def test_an_administrators_login_promotes_and_leaves_no_session(any_synapse, unique):
    admin, admin_password = unique("root"), a_password()
    any_synapse.register(admin, admin_password, admin=True)
    name = unique("alice")
    any_synapse.register(name, a_password())
    task = {
        "url": any_synapse.url,
        "admin_username": admin,
        "admin_password": admin_password,
        "username": name,
        "admin": True,
    }
    changes(any_synapse, task, ["set admin"], account(name), account(name, admin=True))
    assert sessions_of(any_synapse, admin) == 0 and any_synapse.devices(admin) == []


def test_what_is_not_stated_is_left_alone(any_synapse, unique):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password, admin=True, displayname="Alice")
    token = any_synapse.login(name, password)
    for stated in ({}, {"admin": None, "displayname": None}, {"password": a_password()}):
        reply = has_nothing_to_do(any_synapse, by_token(any_synapse, username=name, **stated))
        assert reply.json["user"]["password_set"] is False
    user = any_synapse.user(name)
    assert (user["admin"], user["displayname"]) == (True, "Alice")
    assert logs_in(any_synapse, name, password)
    any_synapse.logout(token)


def test_an_existing_password_is_never_touched_on_create(any_synapse, unique):
    name, password, other = unique("alice"), a_password(), a_password()
    any_synapse.register(name, password)
    for credential in (by_secret, by_token):
        task = credential(
            any_synapse, username=name, password=other, update_password="on_create"
        )
        has_nothing_to_do(any_synapse, task)
    assert logs_in(any_synapse, name, password)
    assert not logs_in(any_synapse, name, other)


def test_a_change_beside_an_on_create_password_leaves_the_password(any_synapse, unique):
    name, password, other = unique("alice"), a_password(), a_password()
    any_synapse.register(name, password)
    token = any_synapse.login(name, password)
    task = by_token(any_synapse, username=name, password=other, admin=True)
    done = changes(any_synapse, task, ["set admin"], account(name), account(name, admin=True))
    assert done.json["user"]["password_set"] is False
    assert logs_in(any_synapse, name, password)
    any_synapse.logout(token)


def test_several_fields_change_in_one_request(any_synapse, unique):
    name = unique("alice")
    any_synapse.register(name, a_password())
    task = by_token(any_synapse, username=name, admin=True, displayname="Alice")
    requests = requests_during(any_synapse, lambda: run_module(task))
    path = f"/_synapse/admin/v2/users/%40{name}%3A{any_synapse.server_name}"
    assert requests.count(f"PUT {path}") == 1, requests
    user = any_synapse.user(name)
    assert (user["admin"], user["displayname"]) == (True, "Alice")


def test_a_task_with_nothing_to_do_writes_nothing_at_all(any_synapse, unique):
    name = unique("alice")
    any_synapse.register(name, a_password(), admin=True, displayname="Alice")
    task = by_token(any_synapse, username=name, admin=True, displayname="Alice")
    requests = requests_during(any_synapse, lambda: run_module(task))
    assert requests
    assert [request for request in requests if not request.startswith("GET ")] == []


def test_an_administrator_cannot_demote_itself(any_synapse, unique):
    # synapse/rest/admin/users.py: "You may not demote yourself."
    admin, password = unique("root"), a_password()
    any_synapse.register(admin, password, admin=True)
    token = any_synapse.login(admin, password)
    task = {"url": any_synapse.url, "access_token": token, "username": admin, "admin": False}
    requests = requests_during(any_synapse, lambda: is_refused(any_synapse, task, "policy"))
    assert not [request for request in requests if request.startswith("PUT ")]
    assert any_synapse.user(admin)["admin"] is True

    task = {
        "url": any_synapse.url,
        "admin_username": admin,
        "admin_password": password,
        "username": admin,
        "admin": False,
    }
    reply = is_refused(any_synapse, task, "policy")
    assert any_synapse.user_id(admin) in reply.msg
    any_synapse.logout(token)


@pytest.mark.parametrize("form", [str.upper, "@{}:example.test".format], ids=["upper", "id"])
def test_an_administrator_cannot_demote_itself_by_another_spelling(synapse, unique, form):
    admin, password = unique("root"), a_password()
    synapse.register(admin, password, admin=True)
    token = synapse.login(admin, password)
    for stated in ({"admin": False}, {"state": "deactivated"}):
        task = {"url": synapse.url, "access_token": token, "username": form(admin)} | stated
        is_refused(synapse, task, "policy")
    synapse.logout(token)


def test_a_refused_demotion_of_itself_leaves_the_rest_undone_too(synapse, unique):
    admin, password = unique("root"), a_password()
    synapse.register(admin, password, admin=True)
    token = synapse.login(admin, password)
    task = {
        "url": synapse.url,
        "access_token": token,
        "username": admin,
        "admin": False,
        "displayname": "Nobody",
    }
    is_refused(synapse, task, "policy")
    assert synapse.user(admin)["displayname"] == admin
    synapse.logout(token)


def test_an_administrator_may_state_what_it_is(synapse, unique):
    admin, password = unique("root"), a_password()
    synapse.register(admin, password, admin=True)
    token = synapse.login(admin, password)
    task = {"url": synapse.url, "access_token": token, "username": admin, "admin": True}
    has_nothing_to_do(synapse, task)
    synapse.logout(token)


def test_the_secret_alone_cannot_promote_and_says_that_it_takes_an_administrator(
    any_synapse, unique
):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password)
    task = by_secret(any_synapse, username=name, password=password, admin=True)
    reply = is_refused(any_synapse, task, "unauthorized")
    assert "access_token" in reply.msg and "admin_username" in reply.msg
    assert any_synapse.user(name)["admin"] is False


def test_the_secret_and_the_accounts_own_password_see_that_it_is_as_stated(any_synapse, unique):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password, admin=True, displayname="Alice")
    task = by_secret(
        any_synapse, username=name, password=password, admin=True, displayname="Alice"
    )
    reply = has_nothing_to_do(any_synapse, task)
    assert reply.json["user"]["admin"] is True
    assert sessions_of(any_synapse, name) == 0


def test_the_secret_with_somebody_elses_password_cannot_tell_who_is_an_administrator(
    any_synapse, unique
):
    name = unique("alice")
    any_synapse.register(name, a_password(), admin=True)
    task = by_secret(any_synapse, username=name, password=a_password(), admin=True)
    is_refused(any_synapse, task, "unauthorized")


def test_no_other_account_is_made_whatever_the_secret_is_asked_to_do(any_synapse, unique):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password)
    before = state(any_synapse)
    for stated in ({"admin": True}, {"displayname": "A"}, {"state": "deactivated"}):
        with_password = {} if "state" in stated else {"password": a_password()}
        run_module(by_secret(any_synapse, username=name, **with_password, **stated))
    assert state(any_synapse) == before
