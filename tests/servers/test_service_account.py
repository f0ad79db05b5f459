# SPDX-License-Identifier: GPL-3.0-or-later
"""The account that Registrar makes for itself where the shared secret is all there
is: when, and what it looks like. Every test has one of a name of its own."""

import pytest

from tests.servers.proof import (
    SERVICE,
    SERVICE_DISPLAYNAME,
    a_password,
    by_service,
    by_token,
    facts,
    has_nothing_to_do,
    is_refused,
    logs_in,
    predicted,
    ran_in_vain,
    requests_during,
    run_module,
    service_password,
    sessions_of,
)

MADE = "create service account"


@pytest.fixture
def service(any_synapse, unique):
    """A name for a service account that is not there yet."""
    any_synapse.admin_token  # noqa: B018  made now, not between two looks
    return unique("svc")


def by(service, server, **options):
    return by_service(server, service_account=service, **options)


def new_accounts(server, before):
    return set(server.user_names()) - set(before)


def test_a_plain_registration_and_its_second_run_make_none(any_synapse, unique, service):
    # The default, too: nobody else may have made it by now.
    for options in ({}, {"if_exists": "match"}, {"if_exists": "update", "admin": None}):
        name, password = unique("alice"), a_password()
        task = by(service, any_synapse, username=name, password=password, **options)
        before = any_synapse.user_names()
        assert run_module(task).json["actions"] == ["create"]
        has_nothing_to_do(any_synapse, task)
        assert new_accounts(any_synapse, before) == {any_synapse.user_id(name)}


@pytest.mark.parametrize(
    "stated", [{"admin": True}, {"admin": True, "displayname": "A"}, {"user_type": "bot"}], ids=str
)
def test_a_match_that_the_registration_can_make_makes_none(
    any_synapse, unique, service, stated
):
    # register-user alice ... yes, and the same again: the account's own login
    # shows that it is as it should be.
    name, password = unique("alice"), a_password()
    task = by(
        service, any_synapse, username=name, password=password, if_exists="match", **stated
    )
    before = any_synapse.user_names()
    assert run_module(task).json["actions"] == ["create"]
    if "user_type" not in stated:
        has_nothing_to_do(any_synapse, task)
        assert new_accounts(any_synapse, before) == {any_synapse.user_id(name)}
    assert sessions_of(any_synapse, name) == 0


def test_a_name_that_somebody_else_has_makes_none(any_synapse, unique, service):
    name = unique("alice")
    any_synapse.register(name, a_password())
    task = by(service, any_synapse, username=name, password=a_password(), if_exists="match")
    for stated in ({}, {"admin": True}, {"emails": ["a@example.org"]}):
        is_refused(any_synapse, task | stated, "conflict", in_check_mode=not stated)
    task = by(service, any_synapse, username=name, password=a_password(), if_exists="fail")
    is_refused(any_synapse, task, "conflict")
    assert any_synapse.user(service) is None


def test_a_promotion_makes_it_once_and_says_so(any_synapse, unique, service):
    name = unique("alice")
    any_synapse.register(name, a_password())
    task = by(service, any_synapse, username=name, admin=True)
    before = any_synapse.user_names()

    foretold = predicted(any_synapse, task)
    done = run_module(task, diff=True, secrets=(service_password(any_synapse.secret, service),))
    for reply in (foretold, done):
        assert reply.changed and not reply.failed, reply.json
        assert reply.json["actions"] == [MADE, "set admin"]
        # It is not the user's.
        assert reply.json["user"]["actions"] == ["set admin"]
        assert reply.json["authenticated_by"] == "registration_shared_secret"
    assert foretold.json["user"]["guess"] is True
    assert "guess" not in done.json["user"]
    assert any_synapse.user(name)["admin"] is True
    assert new_accounts(any_synapse, before) == {any_synapse.user_id(service)}
    has_nothing_to_do(any_synapse, task)


def test_it_can_be_told_for_what_it_is(any_synapse, unique, service):
    name = unique("alice")
    any_synapse.register(name, a_password())
    assert run_module(by(service, any_synapse, username=name, admin=True)).changed
    account = facts(any_synapse, service)
    assert account["admin"] is True and account["user_type"] == "support"
    assert account["displayname"] == SERVICE_DISPLAYNAME
    assert logs_in(any_synapse, service, service_password(any_synapse.secret, service))
    # What it had for this run is ended.
    assert sessions_of(any_synapse, service) == 0 and any_synapse.devices(service) == []


@pytest.mark.parametrize("with_file", [False, True], ids=["no-file", "session-file"])
def test_it_is_had_where_nobody_tells_the_servers_name(
    any_synapse, unique, service, tmp_path, with_file
):
    # The listener is for clients alone; a registration and a login tell it.
    name = unique("alice")
    any_synapse.register(name, a_password())
    task = by(service, any_synapse, username=name, admin=True)
    del task["server_name"]
    if with_file:
        task["session_file"] = str(tmp_path / "sessions.json")
    foretold = predicted(any_synapse, task)
    assert foretold.changed and not foretold.failed, foretold.json
    assert run_module(task).json["actions"] == [MADE, "set admin"]
    assert any_synapse.user(name)["admin"] is True
    has_nothing_to_do(any_synapse, task)
    has_nothing_to_do(any_synapse, task | {"server_name": any_synapse.server_name})
    assert len(any_synapse.devices(service)) == int(with_file)


def test_a_strangers_account_is_told_where_nobody_tells_the_servers_name(
    any_synapse, unique, service
):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, a_password())
    any_synapse.register(service, password)
    task = by(service, any_synapse, username=name, admin=True)
    del task["server_name"]
    reply = is_refused(any_synapse, task, "conflict", in_check_mode=False)
    assert service in reply.msg and "service_account" in reply.msg
    assert logs_in(any_synapse, service, password)


def test_a_secret_in_a_file_opens_it_as_well(any_synapse, unique, service, tmp_path):
    file = tmp_path / "secret"
    file.write_text(f"{any_synapse.secret}\n")
    name = unique("alice")
    any_synapse.register(name, a_password())
    task = by(service, any_synapse, username=name, admin=True)
    del task["registration_shared_secret"]
    task["registration_shared_secret_path"] = str(file)
    assert run_module(task).json["actions"] == [MADE, "set admin"]
    has_nothing_to_do(any_synapse, task)
    # It is the same account.
    has_nothing_to_do(any_synapse, by(service, any_synapse, username=name, admin=True))


def test_its_name_is_registrar_service_if_no_other_is_said(synapse, unique):
    name = unique("alice")
    synapse.register(name, a_password())
    reply = run_module(by_service(synapse, username=name, admin=True))
    assert reply.changed, reply.json
    assert synapse.user(SERVICE)["user_type"] == "support"


# The first run makes it, so that the second has nothing to do.
@pytest.mark.parametrize(
    "stated",
    [
        {"admin": False},
        {"displayname": "Alice"},
        {"avatar_url": "mxc://example.test/a"},
        {"emails": ["alice@service.example"]},
        {"ratelimit": {"messages_per_second": 0, "burst_count": 0}},
        {"locked": False},
        {"update_password": "always"},
    ],
    ids=str,
)
def test_an_update_that_states_more_makes_it_with_the_new_account(
    synapse, unique, stated
):
    name, service = unique("alice"), unique("svc")
    if "emails" in stated:
        stated = {"emails": [f"{name}@service.example"]}
    task = by(service, synapse, username=name, password=a_password(), **stated)
    foretold = predicted(synapse, task)
    done = run_module(task)
    for reply in (foretold, done):
        assert reply.changed and reply.json["actions"] == [MADE, "create"], reply.json
    assert synapse.user(service) is not None
    has_nothing_to_do(synapse, task)


def test_a_plain_update_with_if_absent_fail_makes_it(any_synapse, unique, service):
    # Only an administrator sees that an account is not there.
    task = by(service, any_synapse, username=unique("nobody"), if_absent="fail")
    reply = run_module(task)
    assert reply.failed and reply.kind == "not_found", reply.json
    # The account is there, and the reply does not keep quiet about it.
    assert reply.changed and MADE in reply.json["actions"]
    again = ran_in_vain(any_synapse, task)
    assert again.kind == "not_found" and not again.changed
    assert MADE not in again.json["actions"]


def test_a_deactivation_makes_it(any_synapse, unique, service):
    name = unique("alice")
    any_synapse.register(name, a_password())
    task = by(service, any_synapse, username=name, state="deactivated")
    done = run_module(task)
    assert done.json["actions"] == [MADE, "deactivate"], done.json
    assert any_synapse.user(name)["deactivated"] is True
    has_nothing_to_do(any_synapse, task)


def test_a_list_makes_it_once_and_before_the_users(any_synapse, unique, service):
    names = [unique("alice") for _ in range(3)]
    users = [{"username": name, "password": a_password(), "admin": True} for name in names]
    task = by(service, any_synapse, users=users)
    done = run_module(task)
    assert done.json["actions"] == [MADE], done.json
    assert [user["actions"] for user in done.json["users"]] == [["create"]] * 3
    assert done.json["summary"] == {"created": 3, "changed": 0, "unchanged": 0, "failed": 0}
    again = ran_in_vain(any_synapse, task)
    assert not again.changed and again.json["actions"] == [], again.json


def test_a_list_of_more_than_three_own_logins_takes_it(any_synapse, unique, service):
    users = [
        {"username": unique("alice"), "password": a_password(), "if_exists": "match"}
        for _ in range(5)
    ]
    for user in users:
        any_synapse.register(user["username"], user["password"])
    task = by(service, any_synapse, users=users)
    done = run_module(task)
    assert not done.failed, done.json
    assert done.json["actions"] == [MADE]
    assert done.json["summary"]["unchanged"] == 5
    requests = requests_during(any_synapse, lambda: ran_in_vain(any_synapse, task))
    assert requests.count("POST /_matrix/client/v3/login") == 1
    assert not ran_in_vain(any_synapse, task).changed


def test_a_list_of_three_own_logins_makes_none(any_synapse, unique, service):
    users = [
        {"username": unique("alice"), "password": a_password(), "if_exists": "match"}
        for _ in range(3)
    ]
    for user in users:
        any_synapse.register(user["username"], user["password"])
    reply = ran_in_vain(any_synapse, by(service, any_synapse, users=users))
    assert not reply.failed and reply.json["summary"]["unchanged"] == 3, reply.json


def test_a_password_is_asked_about_and_set_by_it(any_synapse, unique, service):
    name, old, new = unique("alice"), a_password(), a_password()
    any_synapse.register(name, old)
    token = any_synapse.login(name, old)
    task = by(
        service, any_synapse, username=name, password=new, update_password="always"
    )
    assert run_module(task).json["actions"] == [MADE, "set password"]
    assert logs_in(any_synapse, name, new)
    has_nothing_to_do(any_synapse, task)
    assert sessions_of(any_synapse, name) == 1
    any_synapse.logout(token)


def test_an_empty_name_forbids_it(any_synapse, unique):
    name = unique("alice")
    any_synapse.register(name, a_password())
    before = any_synapse.user_names()
    for stated in ({"admin": True}, {"state": "deactivated"}, {"emails": [f"{name}@a.example"]}):
        task = by("", any_synapse, username=name, **stated)
        reply = is_refused(any_synapse, task, "unauthorized")
        assert "access_token" in reply.msg
    assert any_synapse.user_names() == before


def test_another_credential_never_makes_it(any_synapse, unique, service):
    admin, password = unique("root"), a_password()
    any_synapse.register(admin, password, admin=True)
    name = unique("alice")
    any_synapse.register(name, a_password())
    everything = by(service, any_synapse, username=name)
    token = by_token(any_synapse)
    assert run_module(everything | token | {"admin": True}).json["actions"] == ["set admin"]
    login = {"admin_username": admin, "admin_password": password}
    reply = run_module(everything | login | {"admin": False})
    assert reply.json["actions"] == ["unset admin"]
    assert any_synapse.user(service) is None


@pytest.mark.parametrize("wrong", ["Not A Name", "ünï", "a@b", "x" * 256, "@other:server.test"])
def test_a_name_that_it_cannot_have_is_refused_unsent(synapse, unique, wrong):
    task = by(wrong, synapse, username=unique("alice"), admin=True, password=a_password())
    reply = is_refused(synapse, task, "invalid")
    assert "service_account" in reply.msg


def test_nothing_of_it_is_made_by_a_wrong_secret(any_synapse, unique, service):
    name = unique("alice")
    any_synapse.register(name, a_password())
    task = by(service, any_synapse, username=name, admin=True)
    task["registration_shared_secret"] = "another secret"
    reply = is_refused(any_synapse, task, "unauthorized", in_check_mode=False)
    assert "registration_shared_secret" in reply.msg
    assert any_synapse.user(service) is None
    # Check mode finds it out, or says that it guesses.
    foretold = predicted(any_synapse, task)
    assert foretold.failed or foretold.json["user"]["guess"] is True
