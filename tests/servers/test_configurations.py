# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that are set up differently: passwords, registration, secrets."""

import pytest

from tests.servers.proof import (
    a_password,
    by_nothing,
    by_secret,
    by_token,
    has_nothing_to_do,
    is_refused,
    logs_in,
    run_module,
    sessions_of,
    state,
)
from tests.support.synapse import Synapse


@pytest.fixture(scope="module")
def peppered():
    """A pepper, and registration open to those who have a token."""
    config = {
        "password_config": {"pepper": "a pepper of the server's own"},
        "enable_registration": True,
        "registration_requires_token": True,
    }
    with Synapse(config=config) as server:
        yield server


@pytest.fixture(scope="module", params=["newest", "floor"])
def without_passwords(request):
    with Synapse(request.param, config={"password_config": {"enabled": False}}) as server:
        yield server


@pytest.fixture(scope="module")
def without_secret():
    """A server whose secret was taken out of its configuration."""
    with Synapse() as server:
        server.admin_token  # noqa: B018  made with the secret, while it is there
        server.stop()
        del server.config["registration_shared_secret"]
        server.start()
        yield server


def test_a_pepper_makes_no_difference(peppered, unique):
    for credential in (by_secret, by_token):
        name, password = unique("alice"), a_password()
        task = credential(peppered, username=name, password=password, update_password="always")
        assert run_module(task).changed
        assert logs_in(peppered, name, password)
        has_nothing_to_do(peppered, task)
        has_nothing_to_do(peppered, task | {"if_exists": "match"})


def test_a_pepper_does_not_hide_a_wrong_password(peppered, unique):
    name, new = unique("alice"), a_password()
    peppered.register(name, a_password())
    is_refused(
        peppered,
        by_secret(peppered, username=name, password=new, if_exists="match"),
        "conflict",
    )
    task = by_token(peppered, username=name, password=new, update_password="always")
    assert run_module(task).json["actions"] == ["set password"]
    assert logs_in(peppered, name, new)


def test_registration_by_token_is_passed_by_and_spends_no_token(peppered, unique):
    path = "/_synapse/admin/v1/registration_tokens"
    status, made = peppered.api(
        "POST", f"{path}/new", {"uses_allowed": 1}, peppered.admin_token
    )
    assert status == 200
    for credential in (by_secret, by_token):
        task = credential(peppered, username=unique("alice"), password=a_password())
        assert run_module(task).changed
        has_nothing_to_do(peppered, task)
    token = f"{path}/{made['token']}"
    assert peppered.api("GET", token, token=peppered.admin_token)[1]["completed"] == 0


def test_an_account_is_made_where_nobody_logs_in_with_a_password(without_passwords, unique):
    # Another way of logging in knows it by its name; the secret still works.
    for credential in (by_secret, by_token):
        name = unique("alice")
        task = credential(without_passwords, username=name, password=a_password())
        assert run_module(task).json["actions"] == ["create"]
        has_nothing_to_do(without_passwords, task)


def test_a_login_where_passwords_are_disabled_says_so(without_passwords, unique):
    # synapse/handlers/auth.py or rest/client/login.py: 400 M_UNKNOWN "Password
    # login has been disabled."
    admin, password = unique("root"), a_password()
    without_passwords.register(admin, password, admin=True)
    task = {
        "url": without_passwords.url,
        "admin_username": admin,
        "admin_password": password,
        "username": unique("alice"),
    }
    reply = is_refused(without_passwords, task, "unsupported")
    assert "access_token" in reply.msg
    task = by_nothing(without_passwords, username=admin, password=password, if_exists="match")
    is_refused(without_passwords, task, "unsupported")


def test_a_password_cannot_be_set_where_passwords_are_disabled(without_passwords, unique):
    # synapse/handlers/set_password.py answers 403 M_FORBIDDEN "Password change
    # disabled"; GET /login lists no m.login.password then (rest/client/login.py),
    # so that check mode can tell, too.
    name = unique("alice")
    without_passwords.register(name, a_password())
    task = by_token(
        without_passwords, username=name, password=a_password(), update_password="always"
    )
    reply = is_refused(without_passwords, task, "policy")
    assert "password_config" in reply.msg


def test_other_fields_change_where_passwords_are_disabled(without_passwords, unique):
    name = unique("alice")
    without_passwords.register(name, a_password())
    task = by_token(without_passwords, username=name, admin=True, displayname="Alice")
    assert run_module(task).json["actions"] == ["set admin", "set displayname"]
    has_nothing_to_do(without_passwords, task)


def test_a_server_without_a_secret_says_that_it_has_none(without_secret, unique):
    # synapse/rest/admin/users.py: 400 M_UNKNOWN "Shared secret registration is
    # not enabled", though the nonce is given to anybody.
    name = unique("alice")
    task = {
        "url": without_secret.url,
        "registration_shared_secret": "a secret that was right once",
        "username": name,
        "password": a_password(),
    }
    reply = is_refused(without_secret, task, "unsupported")
    assert "registration_shared_secret" in reply.msg
    assert without_secret.user(name) is None


def test_a_server_without_a_secret_is_managed_by_an_administrator(without_secret, unique):
    name, password = unique("alice"), a_password()
    task = by_token(without_secret, username=name, password=password, if_exists="match")
    assert run_module(task).json["actions"] == ["create"]
    has_nothing_to_do(without_secret, task)
    before = state(without_secret)
    own = by_nothing(without_secret, username=name, password=password, if_exists="match")
    has_nothing_to_do(without_secret, own)
    assert state(without_secret) == before and sessions_of(without_secret, name) == 0
