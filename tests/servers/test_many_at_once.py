# SPDX-License-Identifier: GPL-3.0-or-later
"""Many runs at once on one session file: one session, and nobody ends another's."""

import pytest

from tests.servers.kept import Kept
from tests.servers.proof import (
    a_password,
    by_login,
    by_service,
    run_module,
    session_is_alive,
    sessions_of,
)
from tests.support.module import start_module

MADE = "create service account"


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path / "kept")


def at_once(tasks):
    """Started one after the other without waiting; all replies."""
    return [running.wait(120) for running in [start_module(task) for task in tasks]]


def all_are_well(replies, actions):
    assert not any(reply.failed for reply in replies), [r.json for r in replies if r.failed]
    users = [reply.json["user"] for reply in replies]
    assert all(user["actions"] == actions for user in users), users
    # Nothing had to be done twice, and nobody had reason to complain.
    assert not any(reply.json.get("warnings") for reply in replies)


def names_of(server, unique, count):
    names = [unique("alice") for _ in range(count)]
    for name in names:
        server.register(name, a_password())
    return names


def test_forty_runs_that_need_a_service_account_make_one_with_one_device(
    any_synapse, unique, kept
):
    service = unique("svc")
    names = names_of(any_synapse, unique, 40)
    tasks = [
        by_service(
            any_synapse,
            service_account=service,
            username=name,
            displayname="Alice",
            timeout=60,
            **kept.option,
        )
        for name in names
    ]
    replies = at_once(tasks)
    all_are_well(replies, ["set displayname"])
    made = [reply for reply in replies if MADE in reply.json["actions"]]
    assert len(made) == 1
    assert all(any_synapse.user(name)["displayname"] == "Alice" for name in names)
    (device,) = any_synapse.devices(service)
    assert kept.entry["device_id"] == device["device_id"]
    assert sessions_of(any_synapse, service) == 1
    assert session_is_alive(any_synapse, kept.token)
    # And once more, with the session that is there.
    token = kept.token
    all_are_well(at_once([task | {"admin": True} for task in tasks[:20]]), ["set admin"])
    assert kept.token == token and session_is_alive(any_synapse, token)


@pytest.mark.parametrize("before", ["no-session", "ended-session", "old-password"])
def test_twenty_logins_at_once_are_one(synapse, unique, kept, before):
    admin, password = unique("root"), a_password()
    synapse.register(admin, password, admin=True)
    names = names_of(synapse, unique, 20)
    login = by_login(synapse, admin, password, timeout=60, **kept.option)
    if before != "no-session":
        assert not run_module(login | {"username": names[0]}).failed
    if before == "ended-session":
        synapse.logout(kept.token)
    if before == "old-password":
        login["admin_password"] = a_password()
        synapse.change(admin, password=login["admin_password"], logout_devices=False)
    replies = at_once([login | {"username": name, "displayname": "A"} for name in names])
    all_are_well(replies, ["set displayname"])
    assert len(synapse.devices(admin)) == sessions_of(synapse, admin) == 1
    assert session_is_alive(synapse, kept.token)


def test_a_session_that_is_ended_again_and_again_between_runs_harms_none_of_them(
    synapse, unique, kept
):
    admin, password = unique("root"), a_password()
    synapse.register(admin, password, admin=True)
    names = names_of(synapse, unique, 12)
    login = by_login(synapse, admin, password, timeout=60, **kept.option)
    assert not run_module(login | {"username": names[0]}).failed
    for batch in (names[:4], names[4:8], names[8:]):
        synapse.logout(kept.token)
        replies = at_once([login | {"username": name, "displayname": "A"} for name in batch])
        all_are_well(replies, ["set displayname"])
        assert len(synapse.devices(admin)) == 1


def test_two_servers_accounts_share_a_file(synapse, synapse_floor, unique, kept):
    servers = [synapse, synapse_floor] * 8
    service = unique("svc")
    tasks = []
    for server in servers:
        name = unique("alice")
        server.register(name, a_password())
        tasks.append(
            by_service(
                server,
                service_account=service,
                username=name,
                admin=True,
                timeout=60,
                **kept.option,
            )
        )
    replies = at_once(tasks)
    all_are_well(replies, ["set admin"])
    assert len([reply for reply in replies if MADE in reply.json["actions"]]) == 2
    assert len(kept.entries()) == 2
    for server in (synapse, synapse_floor):
        assert len(server.devices(service)) == sessions_of(server, service) == 1


def test_one_forgets_while_others_work_and_nobody_is_left_with_a_half_written_file(
    synapse, unique, kept
):
    # What each of them says depends on who was first; the file, and the rest of
    # its entries, do not.
    service = unique("svc")
    admin, password = unique("root"), a_password()
    synapse.register(admin, password, admin=True)
    names = names_of(synapse, unique, 9)
    login = by_login(synapse, admin, password, username=names[0], timeout=60, **kept.option)
    assert not run_module(login).failed
    token = kept.token
    working = by_service(synapse, service_account=service, timeout=60, **kept.option)
    assert not run_module(working | {"username": names[0], "admin": True}).failed
    tasks = [working | {"username": name, "displayname": "A"} for name in names]
    tasks.insert(4, working | {"username": service, "state": "deactivated"})
    for reply in at_once(tasks):
        assert not reply.failed or reply.kind in ("conflict", "unauthorized"), reply.json
    assert token in [entry["access_token"] for entry in kept.entries()]
    assert session_is_alive(synapse, token)
    assert sessions_of(synapse, service) == 0
    assert synapse.user(service)["deactivated"] is True
