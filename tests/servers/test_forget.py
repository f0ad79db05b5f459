# SPDX-License-Identifier: GPL-3.0-or-later
"""Forgetting: the service account deactivates itself, and its session goes."""

import json

import pytest

from tests.servers.proof import (
    a_password,
    by_login,
    by_secret,
    by_service,
    facts,
    has_nothing_to_do,
    is_refused,
    logs_in,
    predicted,
    ran_in_vain,
    run_module,
    service_password,
    sessions_of,
)


@pytest.fixture
def used(any_synapse, unique, tmp_path):
    """A service account that a run has made, and how a task names it; one with a
    session file and one without."""

    def make(with_file):
        service, name = unique("svc"), unique("alice")
        any_synapse.register(name, a_password())
        kept = {"session_file": str(tmp_path / "kept" / "sessions.json")} if with_file else {}
        task = by_service(any_synapse, service_account=service, **kept)
        assert run_module(task | {"username": name, "admin": True}).changed
        return service, task

    return make


@pytest.fixture(params=[True, False], ids=["session-file", "no-file"])
def with_file(request):
    return request.param


def forget(service, task):
    return task | {"username": service, "state": "deactivated"}


def entries(file):
    return json.loads(file.read_text())["sessions"]


def test_it_is_deactivated_with_its_session_once(any_synapse, used, with_file, tmp_path):
    service, task = used(with_file)
    file = tmp_path / "kept" / "sessions.json"
    assert file.exists() == with_file
    foretold = predicted(any_synapse, forget(service, task))
    assert file.exists() == with_file
    done = run_module(forget(service, task))
    for reply in (foretold, done):
        assert reply.changed and not reply.failed, reply.json
        assert reply.json["actions"][0] == "deactivate"
    account = facts(any_synapse, service)
    assert account["deactivated"] is True and account["erased"] is True
    assert sessions_of(any_synapse, service) == 0
    assert not file.exists()

    for reply in (
        predicted(any_synapse, forget(service, task)),
        ran_in_vain(any_synapse, forget(service, task)),
    ):
        assert not reply.failed and not reply.changed, reply.json
    assert not file.exists()


def test_erase_may_be_stated_and_changes_nothing_about_it(any_synapse, used, with_file):
    service, task = used(with_file)
    assert run_module(forget(service, task) | {"erase": True}).changed
    assert facts(any_synapse, service)["erased"] is True
    reply = ran_in_vain(any_synapse, forget(service, task) | {"erase": True})
    assert not reply.failed and not reply.changed, reply.json


def test_a_run_after_it_says_what_to_do(any_synapse, unique, used, with_file):
    service, task = used(with_file)
    assert run_module(forget(service, task)).changed
    name = unique("bob")
    any_synapse.register(name, a_password())
    # An erased account has no profile: check mode may take it for none, and
    # says that it guesses.
    stated = task | {"username": name, "admin": True}
    reply = is_refused(any_synapse, stated, "conflict", in_check_mode=False)
    foretold = predicted(any_synapse, stated)
    assert foretold.kind == "conflict" or foretold.json["user"]["guess"] is True
    assert service in reply.msg and "service_account" in reply.msg
    assert any_synapse.user(service)["deactivated"] is True
    # What needs no administrator goes on.
    plain = task | {"username": unique("carol"), "password": a_password()}
    assert run_module(plain).json["actions"] == ["create"]
    # So does everything with another name.
    other = task | {"service_account": unique("svc"), "username": name, "admin": True}
    assert run_module(other).json["actions"] == ["create service account", "set admin"]


def test_one_that_never_was_need_not_be_forgotten(any_synapse, unique, with_file, tmp_path):
    service = unique("svc")
    kept = {"session_file": str(tmp_path / "kept.json")} if with_file else {}
    task = by_service(any_synapse, service_account=service, **kept)
    reply = ran_in_vain(any_synapse, forget(service, task))
    assert not reply.failed and not reply.changed, reply.json
    assert any_synapse.user(service) is None


def test_a_strangers_account_of_that_name_is_not_forgotten(
    any_synapse, unique, with_file, tmp_path
):
    stranger, password = unique("svc"), a_password()
    any_synapse.register(stranger, password, admin=True)
    kept = {"session_file": str(tmp_path / "kept.json")} if with_file else {}
    task = by_service(any_synapse, service_account=stranger, **kept)
    reply = is_refused(any_synapse, forget(stranger, task), "conflict")
    assert stranger in reply.msg
    assert logs_in(any_synapse, stranger, password)


def test_the_sessions_of_others_stay_in_the_file(any_synapse, unique, used, tmp_path):
    service, task = used(True)
    admin, password = unique("root"), a_password()
    any_synapse.register(admin, password, admin=True)
    file = tmp_path / "kept" / "sessions.json"
    login = by_login(any_synapse, admin, password, session_file=str(file))
    assert not run_module(login | {"username": admin, "admin": True}).failed
    assert len(entries(file)) == 2
    assert run_module(forget(service, task)).changed
    assert [entry["localpart"] for entry in entries(file)] == [admin]
    has_nothing_to_do(any_synapse, login | {"username": admin, "admin": True})
    assert len(any_synapse.devices(admin)) == 1


def test_it_is_forgotten_by_its_session_where_the_secret_was_rotated(any_synapse, used, tmp_path):
    # A wrong secret, to the server; the session that is there opens it still.
    service, task = used(True)
    any_synapse.change(service, password=a_password(), logout_devices=False)
    reply = run_module(forget(service, task))
    assert reply.changed and not reply.failed, reply.json
    assert any_synapse.user(service)["deactivated"] is True
    assert not (tmp_path / "kept" / "sessions.json").exists()


def test_a_session_that_ended_does_not_hinder_it(any_synapse, used, tmp_path):
    service, task = used(True)
    file = tmp_path / "kept" / "sessions.json"
    (entry,) = entries(file)
    any_synapse.logout(entry["access_token"])
    assert run_module(forget(service, task)).changed
    assert any_synapse.user(service)["deactivated"] is True
    assert not file.exists()


def test_it_is_nobody_else_that_is_forgotten(any_synapse, unique):
    # Where no service account is allowed, deactivating takes an administrator.
    name = unique("registrar")
    any_synapse.register(name, a_password())
    task = by_secret(any_synapse, username=name, state="deactivated")
    is_refused(any_synapse, task, "unauthorized")


def test_its_password_does_not_open_it_any_more(any_synapse, used):
    service, task = used(False)
    password = service_password(any_synapse.secret, service)
    assert logs_in(any_synapse, service, password)
    assert run_module(forget(service, task)).changed
    assert not logs_in(any_synapse, service, password)
