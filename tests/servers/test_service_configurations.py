# SPDX-License-Identifier: GPL-3.0-or-later
"""Service accounts, and every field, on servers that are set up differently."""

import json
import time

import pytest

from tests.servers.cutting import cut_everywhere
from tests.servers.fields import all_of
from tests.servers.proof import (
    NEW,
    SERVICE,
    a_password,
    agrees,
    by_secret,
    by_service,
    by_token,
    changes,
    facts,
    has_nothing_to_do,
    is_refused,
    logs_in,
    predicted,
    run_module,
    state,
)
from tests.servers.proxy import Proxy
from tests.support.synapse import Synapse

MADE = "create service account"

# Servers without a password login: synapse/config/auth.py. With CAS, people log
# in elsewhere (synapse/config/cas.py); nobody has to answer there.
WITHOUT_LOGINS = {
    "disabled": {"password_config": {"enabled": False}},
    "only-for-reauth": {"password_config": {"enabled": "only_for_reauth"}},
    "single-sign-on": {
        "password_config": {"localdb_enabled": False},
        "cas_config": {"enabled": True, "server_url": "https://cas.example.test/"},
    },
}


@pytest.fixture(scope="module", params=WITHOUT_LOGINS)
def without_logins(request):
    with Synapse(config=WITHOUT_LOGINS[request.param]) as server:
        yield server


@pytest.fixture
def alice(without_logins, unique):
    name = unique("alice")
    without_logins.register(name, a_password())
    return name


def test_without_a_password_login_and_a_session_file_it_is_refused_and_not_made(
    without_logins, unique, alice
):
    # It could be made, and never be opened again.
    task = by_service(
        without_logins, service_account=unique("svc"), username=alice, admin=True
    )
    reply = is_refused(without_logins, task, "unsupported")
    assert "session_file" in reply.msg
    assert without_logins.user(task["service_account"]) is None


def test_without_a_password_login_the_session_of_its_registration_is_kept(
    without_logins, unique, alice, tmp_path
):
    kept = tmp_path / "kept" / "sessions.json"
    task = by_service(
        without_logins,
        service_account=unique("svc"),
        session_file=str(kept),
        username=alice,
        admin=True,
    )
    foretold = predicted(without_logins, task)
    done = run_module(task)
    for reply in (foretold, done):
        assert reply.json["actions"] == [MADE, "set admin"], reply.json
    has_nothing_to_do(without_logins, task)
    stated, has = all_of(without_logins, alice, 0)
    del task["admin"]
    assert run_module(task | stated).changed
    agrees(facts(without_logins, alice), has)
    has_nothing_to_do(without_logins, task | stated)
    assert len(without_logins.devices(task["service_account"])) == 1

    # The session is the only way in.
    (entry,) = json.loads(kept.read_text())["sessions"]
    without_logins.logout(entry["access_token"])
    reply = run_module(task | {"displayname": "A"})
    assert reply.failed and not reply.changed, reply.json
    assert task["service_account"] in reply.msg and "password login" in reply.msg


def test_without_a_password_login_a_plain_registration_goes_on(without_logins, unique):
    task = by_service(without_logins, username=unique("alice"), password=a_password())
    assert run_module(task).json["actions"] == ["create"]
    has_nothing_to_do(without_logins, task)
    assert without_logins.user(SERVICE) is None


def test_without_a_password_login_no_password_is_set(without_logins, alice, tmp_path):
    kept = str(tmp_path / "sessions.json")
    task = by_service(
        without_logins,
        session_file=kept,
        username=alice,
        password=a_password(),
        update_password="always",
    )
    before = state(without_logins)[0]
    reply = run_module(task)
    assert reply.failed and reply.kind == "policy", reply.json
    # Nothing but, perhaps, the service account itself.
    hashes = dict(row[:2] for row in before)
    after = dict(row[:2] for row in state(without_logins)[0])
    assert all(after[name] == hashes[name] for name in hashes)


@pytest.fixture(scope="module", params=["newest", "floor"])
def peculiar(request):
    """Rooms that everybody is joined to, a user directory that shows everybody,
    no changes of addresses by their owners, questions about passwords that a
    session answers; and types of its own, where it knows them."""
    config = {
        "auto_join_rooms": ["#lobby:example.test", "#news:example.test"],
        "user_directory": {"enabled": True, "search_all_users": True},
        "enable_3pid_changes": False,
        "ui_auth": {"session_timeout": "15m"},
    }
    if request.param == "newest":
        config["user_types"] = {
            "default_user_type": "employee",
            "extra_user_types": ["employee", "contractor"],
        }
    with Synapse(request.param, config=config) as server:
        server.admin_token  # noqa: B018  the rooms are made with the first account
        yield server


def rooms_of(server, name):
    path = f"/_synapse/admin/v1/users/{server.user_id(name)}/joined_rooms"
    return server.api("GET", path, token=server.admin_token)[1]["joined_rooms"]


def found_in_directory(server, term):
    path = "/_matrix/client/v3/user_directory/search"
    status, reply = server.api("POST", path, {"search_term": term}, server.admin_token)
    assert status == 200, reply
    return [user["user_id"] for user in reply["results"]]


@pytest.mark.parametrize("with_file", [True, False], ids=["session-file", "no-file"])
def test_it_is_in_no_room_and_not_in_the_directory(peculiar, unique, tmp_path, with_file):
    name, service = unique("alice"), unique("svc")
    peculiar.register(name, a_password())
    kept = {"session_file": str(tmp_path / "sessions.json")} if with_file else {}
    task = by_service(peculiar, service_account=service, username=name, admin=True, **kept)
    assert run_module(task).json["actions"] == [MADE, "set admin"]
    assert rooms_of(peculiar, service) == []
    # Others are joined and found, so that this could fail.
    assert len(rooms_of(peculiar, name)) == 2
    assert found_in_directory(peculiar, name) == [peculiar.user_id(name)]
    # The directory follows what happens in rooms with some delay.
    end = time.monotonic() + 2
    while time.monotonic() < end:
        assert found_in_directory(peculiar, service) == []
        time.sleep(0.2)
    assert facts(peculiar, service)["user_type"] == "support"
    has_nothing_to_do(peculiar, task)
    assert rooms_of(peculiar, service) == []


def test_it_is_in_no_room_either_where_the_run_that_made_it_was_cut_off(
    peculiar, unique, tmp_path
):
    with Proxy(peculiar) as proxy:

        def prepare():
            name, service = unique("alice"), unique("svc")
            peculiar.register(name, a_password())
            return by_service(
                peculiar,
                url=proxy.url,
                service_account=service,
                username=name,
                admin=True,
                session_file=str(tmp_path / f"{service}.json"),
            )

        for task in cut_everywhere(proxy, prepare):
            assert rooms_of(peculiar, task["service_account"]) == []


def test_addresses_are_set_where_their_owners_may_not_change_them(peculiar, unique):
    # synapse/rest/client/account.py asks enable_3pid_changes; the admin API not.
    for credential in (by_token, by_service):
        name = unique("alice")
        peculiar.register(name, a_password())
        address = f"{name}@example.org"
        task = credential(peculiar, username=name, emails=[address])
        assert "set emails" in run_module(task).json["actions"]
        assert facts(peculiar, name)["emails"] == [address]
        has_nothing_to_do(peculiar, task)


def test_a_match_by_the_secret_works_where_addresses_may_not_be_changed(peculiar, unique):
    name, password = unique("alice"), a_password()
    task = by_service(
        peculiar,
        username=name,
        password=password,
        emails=[f"{name}@example.org"],
        admin=True,
        if_exists="match",
    )
    assert "create" in run_module(task).json["actions"]
    assert facts(peculiar, name)["emails"] == [f"{name}@example.org"]
    has_nothing_to_do(peculiar, task)


def test_a_password_is_set_by_it_where_sessions_answer_questions(peculiar, unique):
    # Both ways of asking are hindered on this server (test_update_password.py):
    # the password is set, each time, and the reply says why.
    name, new = unique("alice"), a_password()
    peculiar.register(name, a_password())
    task = by_service(peculiar, username=name, password=new, update_password="always")
    for _ in range(2):
        reply = run_module(task)
        assert reply.json["actions"][-1] == "set password", reply.json
        assert any("session_timeout" in warning for warning in reply.json["warnings"])
    assert logs_in(peculiar, name, new)


# The oldest version has no types of a server's own.
with_types = pytest.mark.parametrize("peculiar", ["newest"], indirect=True)


@with_types
def test_a_type_of_the_servers_own_is_set(peculiar, unique):
    for credential in (by_token, by_service):
        name = unique("alice")
        peculiar.register(name, a_password())
        # synapse/handlers/register.py: default_user_type.
        assert facts(peculiar, name)["user_type"] == "employee"
        run_module(credential(peculiar, username=name, admin=False))
        task = credential(peculiar, username=name, user_type="contractor")
        changes(
            peculiar,
            task,
            ["set user_type"],
            {"user_type": "employee"},
            {"user_type": "contractor"},
        )


@with_types
def test_a_new_account_is_an_ordinary_user_where_that_is_not_the_default(peculiar, unique):
    # A creation without a type, or with none, gets default_user_type: only an
    # update makes an ordinary user of it.
    for credential in (by_token, by_service, by_secret):
        name, password = unique("alice"), a_password()
        run_module(by_service(peculiar, username="nobody", state="deactivated"))
        task = credential(
            peculiar, username=name, password=password, user_type="user", if_exists="update"
        )
        if credential is by_secret:
            # The registration cannot do that.
            reply = run_module(task)
            assert reply.failed or facts(peculiar, name)["user_type"] is None, reply.json
            continue
        after = {"user_type": None, "password": NEW}
        changes(peculiar, task, ["create"], {}, after)


@with_types
def test_a_type_that_is_not_stated_is_the_servers_choice(peculiar, unique):
    name = unique("alice")
    task = by_token(peculiar, username=name)
    reply = run_module(task, diff=True)
    assert reply.json["diff"][0]["after"]["user_type"] == "employee", reply.json
    has_nothing_to_do(peculiar, task)
