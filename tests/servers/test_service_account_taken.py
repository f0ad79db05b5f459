# SPDX-License-Identifier: GPL-3.0-or-later
"""Service accounts that are not ours, not any more, or not to be touched."""

import pytest

from tests.servers.proof import (
    a_password,
    by_service,
    by_token,
    deactivate,
    facts,
    has_nothing_to_do,
    is_refused,
    logs_in,
    make_service_account,
    requests_during,
    run_module,
    service_password,
    session_is_alive,
)


@pytest.fixture
def alice(any_synapse, unique):
    name = unique("alice")
    any_synapse.register(name, a_password())
    return name


def by(service, server, **options):
    return by_service(server, service_account=service, **options)


def says_what_to_do(reply, server, service):
    assert server.user_id(service) in reply.msg or service in reply.msg
    for step in ("service_account", "registration_shared_secret_previous"):
        assert step in reply.msg


@pytest.mark.parametrize("admin", [False, True], ids=["user", "admin"])
@pytest.mark.parametrize("displayname", ["Stranger", ""], ids=["profile", "no-profile"])
def test_a_strangers_account_is_never_touched(any_synapse, unique, alice, admin, displayname):
    # Without a profile it looks as if it were not there.
    stranger, password = unique("svc"), a_password()
    any_synapse.register(stranger, password, admin=admin, displayname=displayname)
    token = any_synapse.login(stranger, password)
    before = facts(any_synapse, stranger)
    task = by(stranger, any_synapse, username=alice, admin=True)
    # is_refused compares the devices and the password's hash, too.
    reply = is_refused(any_synapse, task, "conflict", in_check_mode=bool(displayname))
    says_what_to_do(reply, any_synapse, stranger)
    assert facts(any_synapse, stranger) == before
    assert session_is_alive(any_synapse, token)
    assert any_synapse.user(alice)["admin"] is False
    any_synapse.logout(token)


def test_a_strangers_account_is_not_touched_with_a_session_file_either(
    any_synapse, unique, alice, tmp_path
):
    stranger, password = unique("svc"), a_password()
    any_synapse.register(stranger, password)
    kept = tmp_path / "kept" / "sessions.json"
    task = by(stranger, any_synapse, username=alice, admin=True, session_file=str(kept))
    says_what_to_do(is_refused(any_synapse, task, "conflict"), any_synapse, stranger)
    assert logs_in(any_synapse, stranger, password)
    assert not kept.exists() or "access_token" not in kept.read_text().replace('""', "")


def test_a_deactivated_account_of_that_name_is_told_and_stays_so(any_synapse, unique, alice):
    service = make_service_account(any_synapse, unique("svc"))
    deactivate(any_synapse, service)
    task = by(service, any_synapse, username=alice, admin=True)
    says_what_to_do(is_refused(any_synapse, task, "conflict"), any_synapse, service)
    assert any_synapse.user(service)["deactivated"] is True


def test_a_service_account_that_lost_its_rights_is_told(any_synapse, unique, alice):
    service = make_service_account(any_synapse, unique("svc"))
    any_synapse.change(service, admin=False)
    task = by(service, any_synapse, username=alice, admin=True)
    reply = run_module(task)
    assert reply.failed and not reply.changed, reply.json
    assert service in reply.msg and "administrator" in reply.msg
    assert any_synapse.user(service)["admin"] is False
    assert any_synapse.devices(service) == []


def test_a_service_account_that_is_locked_is_told(synapse, unique):
    service = make_service_account(synapse, unique("svc"))
    synapse.change(service, locked=True)
    name = unique("alice")
    synapse.register(name, a_password())
    reply = run_module(by(service, synapse, username=name, admin=True))
    assert reply.failed and not reply.changed and "locked" in reply.msg, reply.json
    assert synapse.user(service)["locked"] is True


def test_one_that_is_there_already_is_taken_as_it_is(any_synapse, unique, alice):
    service = make_service_account(any_synapse, unique("svc"))
    any_synapse.change(service, displayname="Robot", user_type=None)
    before = facts(any_synapse, service)
    reply = run_module(by(service, any_synapse, username=alice, admin=True))
    assert reply.json["actions"] == ["set admin"], reply.json
    assert facts(any_synapse, service) == before


# As a target.


@pytest.mark.parametrize(
    "stated",
    [
        {"admin": False},
        {"password": "another one"},
        {"password": "another one", "update_password": "always"},
        {"password": "another one", "if_exists": "match"},
        {"displayname": "Mine"},
        {"locked": True},
        {},
    ],
    ids=str,
)
def test_it_is_no_users_account(any_synapse, unique, stated):
    for service in (unique("svc"), make_service_account(any_synapse, unique("svc"))):
        forms = (service, service.upper(), any_synapse.user_id(service))
        for form in forms if service == forms[0] and not stated else forms[:1]:
            task = by(service, any_synapse, username=form, **stated)
            reply = is_refused(any_synapse, task, "policy")
            assert service in reply.msg and "service_account" in reply.msg


def test_a_list_with_it_is_refused_before_anything_is_changed(any_synapse, unique):
    service = unique("svc")
    users = [{"username": unique("alice"), "password": a_password()}, {"username": service}]
    task = by(service, any_synapse, users=users)
    requests = requests_during(any_synapse, lambda: run_module(task))
    assert all(request.startswith("GET ") for request in requests)
    assert service in is_refused(any_synapse, task, "policy").msg


def test_an_administrator_may_manage_it_like_any_other(any_synapse, unique):
    service = make_service_account(any_synapse, unique("svc"))
    task = by_token(
        any_synapse, username=service, displayname="Robot", service_account=service
    )
    assert run_module(task).json["actions"] == ["set displayname"]
    has_nothing_to_do(any_synapse, task)


# A secret that was rotated. The accounts are as an earlier secret would have
# made them; test_rotation.py rotates a server's own.


def test_a_rotated_secret_without_the_old_one_is_an_error_with_the_steps(
    any_synapse, unique, alice
):
    service = make_service_account(any_synapse, unique("svc"), "the secret of last year")
    task = by(service, any_synapse, username=alice, admin=True)
    says_what_to_do(is_refused(any_synapse, task, "conflict"), any_synapse, service)
    task |= {"registration_shared_secret_previous": "not the secret of last year"}
    says_what_to_do(is_refused(any_synapse, task, "conflict"), any_synapse, service)


def test_the_previous_secret_opens_it_and_the_new_one_is_set(any_synapse, unique, alice):
    old = "the secret of last year"
    service = make_service_account(any_synapse, unique("svc"), old)
    task = by(
        service,
        any_synapse,
        username=alice,
        admin=True,
        registration_shared_secret_previous=old,
    )
    passwords = service_password(old, service), service_password(any_synapse.secret, service)
    done = run_module(task, secrets=passwords)
    assert done.json["actions"] == ["update service account", "set admin"], done.json
    assert done.json["user"]["actions"] == ["set admin"]
    assert not logs_in(any_synapse, service, passwords[0])
    assert logs_in(any_synapse, service, passwords[1])
    assert any_synapse.devices(service) == []
    has_nothing_to_do(any_synapse, task)
    del task["registration_shared_secret_previous"]
    has_nothing_to_do(any_synapse, task)


def test_check_mode_does_not_rotate(any_synapse, unique, alice):
    old = "the secret of last year"
    service = make_service_account(any_synapse, unique("svc"), old)
    task = by(
        service,
        any_synapse,
        username=alice,
        admin=True,
        registration_shared_secret_previous=old,
    )
    reply = run_module(task, check=True)
    assert not reply.failed and reply.changed, reply.json
    assert reply.json["actions"] == ["update service account", "set admin"]
    assert logs_in(any_synapse, service, service_password(old, service))
    assert any_synapse.devices(service) == []


def test_the_previous_secret_goes_with_the_secret_alone(synapse, unique):
    task = by_token(
        synapse, username=unique("alice"), registration_shared_secret_previous="last year's"
    )
    reply = is_refused(synapse, task, "invalid")
    assert "registration_shared_secret_previous" in reply.msg


def test_the_previous_secret_is_not_needed_where_the_new_one_opens_it(
    any_synapse, unique, alice
):
    service = make_service_account(any_synapse, unique("svc"))
    task = by(
        service,
        any_synapse,
        username=alice,
        admin=True,
        registration_shared_secret_previous="last year's",
    )
    assert run_module(task).json["actions"] == ["set admin"]
