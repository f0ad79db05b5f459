# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials that are right, wrong, several, or in a file."""

import os
import stat

import pytest

from tests.servers.proof import (
    a_password,
    by_secret,
    by_token,
    has_nothing_to_do,
    is_refused,
    logs_in,
    requests_during,
    run_module,
    sessions_of,
)
from tests.support.synapse import Synapse


@pytest.fixture(scope="module")
def secret_in_a_file(tmp_path_factory):
    """A server that reads its secret from a file, and that file."""
    file = tmp_path_factory.mktemp("secret") / "registration_shared_secret"
    file.write_text("\n  A secret, in a file\u3000\n\n", "utf8")
    with Synapse(config={"registration_shared_secret_path": str(file)}) as server:
        yield server, file


def by_file(server, path, **options):
    return {"url": server.url, "registration_shared_secret_path": str(path)} | options


def test_a_wrong_secret_is_told_and_makes_nothing_in_check_mode_too(any_synapse, unique):
    # synapse/rest/admin/users.py: 403 "HMAC incorrect", with M_UNKNOWN.
    name = unique("alice")
    task = by_secret(
        any_synapse,
        username=name,
        password=a_password(),
        registration_shared_secret="not the server's secret",
    )
    reply = is_refused(any_synapse, task, "unauthorized")
    assert "registration_shared_secret" in reply.msg
    assert reply.json["error"]["status"] == 403
    assert any_synapse.user(name) is None


@pytest.mark.parametrize("change", [str.upper, lambda s: s + " ", lambda s: s[:-1]])
def test_a_secret_that_is_given_inline_is_taken_exactly(synapse, unique, change):
    # synapse/config/registration.py strips a file's content, not this.
    task = by_secret(
        synapse,
        username=unique("alice"),
        password=a_password(),
        registration_shared_secret=change(synapse.secret),
    )
    is_refused(synapse, task, "unauthorized")


def test_a_wrong_token_is_told(any_synapse, unique):
    name = unique("alice")
    task = by_token(any_synapse, username=name, access_token="syt_wrong_token_0000")
    reply = is_refused(any_synapse, task, "unauthorized")
    assert reply.json["error"]["status"] == 401
    assert reply.json["error"]["errcode"] == "M_UNKNOWN_TOKEN"
    assert "access_token" in reply.msg
    assert any_synapse.user(name) is None


def test_a_logged_out_token_is_told(any_synapse, unique):
    admin, password = unique("root"), a_password()
    any_synapse.register(admin, password, admin=True)
    token = any_synapse.login(admin, password)
    task = by_token(any_synapse, username=unique("alice"), access_token=token)
    assert run_module(task).changed
    any_synapse.logout(token)
    reply = is_refused(any_synapse, task, "unauthorized")
    assert reply.json["error"]["errcode"] == "M_UNKNOWN_TOKEN"


def test_a_token_of_an_ordinary_account_is_not_enough(any_synapse, unique):
    name, password = unique("bob"), a_password()
    any_synapse.register(name, password)
    token = any_synapse.login(name, password)
    other = unique("alice")
    task = by_token(any_synapse, username=other, access_token=token)
    # synapse/rest/admin/_base.py, assert_user_is_admin: 403 M_FORBIDDEN
    reply = is_refused(any_synapse, task, "forbidden")
    assert any_synapse.user_id(name) in reply.msg and "administrator" in reply.msg
    assert any_synapse.user(other) is None
    # It was not ours to end.
    assert sessions_of(any_synapse, name) == 1
    any_synapse.logout(token)


def test_an_ordinary_login_is_not_enough_and_is_ended(any_synapse, unique):
    name, password = unique("bob"), a_password()
    any_synapse.register(name, password)
    task = {
        "url": any_synapse.url,
        "admin_username": name,
        "admin_password": password,
        "username": unique("alice"),
    }
    reply = is_refused(any_synapse, task, "forbidden")
    assert any_synapse.user_id(name) in reply.msg
    assert sessions_of(any_synapse, name) == 0 and any_synapse.devices(name) == []


def test_a_wrong_admin_password_and_an_unknown_admin_look_the_same(any_synapse, unique):
    # synapse/handlers/auth.py: 403 M_FORBIDDEN for either.
    admin = unique("root")
    any_synapse.register(admin, a_password(), admin=True)
    for username in (admin, unique("nobody")):
        task = {
            "url": any_synapse.url,
            "admin_username": username,
            "admin_password": a_password(),
            "username": unique("alice"),
        }
        reply = is_refused(any_synapse, task, "unauthorized")
        assert username in reply.msg and "admin_password" in reply.msg


@pytest.mark.parametrize("form", ["{}", "@{}:example.test"])
def test_an_administrator_is_named_by_localpart_or_full_id(synapse, unique, form):
    admin, password = unique("root"), a_password()
    synapse.register(admin, password, admin=True)
    task = {
        "url": synapse.url,
        "admin_username": form.format(admin),
        "admin_password": password,
        "username": unique("alice"),
    }
    assert run_module(task).changed


def test_of_several_credentials_the_first_is_used(any_synapse, unique):
    admin, password = unique("root"), a_password()
    any_synapse.register(admin, password, admin=True)
    login = {"admin_username": admin, "admin_password": password}
    everything = by_secret(any_synapse, **by_token(any_synapse), **login)

    reply = run_module(everything | {"username": unique("alice")})
    assert reply.changed and reply.json["authenticated_by"] == "access_token"
    requests = requests_during(
        any_synapse, lambda: run_module(everything | {"username": unique("alice")})
    )
    assert "POST /_matrix/client/v3/login" not in requests
    assert "POST /_synapse/admin/v1/register" not in requests

    del everything["access_token"]
    reply = run_module(everything | {"username": unique("alice")})
    assert reply.changed and reply.json["authenticated_by"] == "admin_username"


def test_a_refused_credential_is_the_error_even_if_another_would_do(any_synapse, unique):
    name = unique("alice")
    task = by_secret(
        any_synapse, username=name, password=a_password(), access_token="syt_wrong_token_0000"
    )
    is_refused(any_synapse, task, "unauthorized")
    task = by_secret(
        any_synapse,
        username=name,
        password=a_password(),
        admin_username="harness-admin",
        admin_password=a_password(),
    )
    is_refused(any_synapse, task, "unauthorized")
    assert any_synapse.user(name) is None


@pytest.mark.parametrize(
    "around", ["{}\n", "{}", "  {} \r\n\n", "\u00a0\u3000{}\u2028\x1c\x85"], ids=ascii
)
def test_white_space_around_a_secret_in_a_file_does_not_count(
    synapse, unique, tmp_path, around
):
    # synapse/config/_base.py: read_file(...).strip(), which is Python's.
    file = tmp_path / "secret"
    file.write_text(around.format(synapse.secret), "utf8", newline="")
    name, password = unique("alice"), a_password()
    reply = run_module(by_file(synapse, file, username=name, password=password))
    assert reply.changed, reply.json
    assert reply.json["authenticated_by"] == "registration_shared_secret"
    assert logs_in(synapse, name, password)


def test_the_servers_own_secret_file_is_the_same_secret(secret_in_a_file, unique):
    server, file = secret_in_a_file
    assert server.secret == "A secret, in a file"
    name, password = unique("alice"), a_password()
    task = by_file(
        server, file, server_name=server.server_name, username=name, password=password
    )
    assert run_module(task).changed
    has_nothing_to_do(server, task)
    assert logs_in(server, name, password)


def test_a_missing_secret_file_is_told(synapse, unique, tmp_path):
    file = tmp_path / "missing"
    task = by_file(synapse, file, username=unique("alice"), password=a_password())
    assert requests_during(synapse, lambda: run_module(task)) == []
    reply = is_refused(synapse, task, "invalid")
    assert "registration_shared_secret_path" in reply.msg and str(file) in reply.msg


@pytest.mark.parametrize("content", ["", "\n", " \u3000\n\n"], ids=["none", "newline", "space"])
def test_an_empty_secret_file_is_told(synapse, unique, tmp_path, content):
    file = tmp_path / "secret"
    file.write_text(content, "utf8")
    task = by_file(synapse, file, username=unique("alice"), password=a_password())
    reply = is_refused(synapse, task, "invalid")
    assert str(file) in reply.msg and "empty" in reply.msg


def test_a_directory_is_no_secret_file(synapse, unique, tmp_path):
    task = by_file(synapse, tmp_path, username=unique("alice"), password=a_password())
    reply = is_refused(synapse, task, "invalid")
    assert str(tmp_path) in reply.msg


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_secret_file_is_told(synapse, unique, tmp_path):
    file = tmp_path / "secret"
    file.write_text(synapse.secret)
    file.chmod(stat.S_IWUSR)
    task = by_file(synapse, file, username=unique("alice"), password=a_password())
    assert str(file) in is_refused(synapse, task, "invalid").msg


def test_a_secret_and_its_file_exclude_each_other(synapse, unique, tmp_path):
    task = by_secret(
        synapse,
        username=unique("alice"),
        password=a_password(),
        registration_shared_secret_path=str(tmp_path / "secret"),
    )
    reply = is_refused(synapse, task, "invalid")
    assert reply.msg == (
        "parameters are mutually exclusive: "
        "registration_shared_secret|registration_shared_secret_path"
    )


def test_an_admin_username_needs_its_password(synapse, unique):
    task = {"url": synapse.url, "admin_username": "root", "username": unique("alice")}
    assert "admin_password" in is_refused(synapse, task, "invalid").msg


@pytest.mark.parametrize("option", ["access_token", "registration_shared_secret", "password"])
def test_an_empty_secret_is_a_mistake_and_not_left_out(synapse, unique, option):
    # A template of an undefined variable often is.
    task = by_secret(synapse, username=unique("alice"), password=a_password())
    reply = is_refused(synapse, task | {option: ""}, "invalid")
    assert option in reply.msg


def test_a_url_may_end_in_a_slash(synapse, unique):
    reply = run_module(by_token(synapse, username=unique("alice"), url=synapse.url + "/"))
    assert reply.changed, reply.json
