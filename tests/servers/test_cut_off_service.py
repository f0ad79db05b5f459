# SPDX-License-Identifier: GPL-3.0-or-later
"""A run by the shared secret alone, with a session file, that is cut off or killed
at any of its requests, and then run again."""

import pytest

from tests.servers.cutting import cut_everywhere
from tests.servers.fields import all_of
from tests.servers.kept import Kept
from tests.servers.proof import (
    a_password,
    agrees,
    by_service,
    facts,
    logs_in,
    make_service_account,
    service_password,
    sessions_of,
)
from tests.servers.proxy import Proxy
from tests.support.module import run_module


@pytest.fixture
def proxy(any_synapse):
    with Proxy(any_synapse) as proxy:
        yield proxy


@pytest.fixture
def by_new_service(any_synapse, unique, proxy, tmp_path):
    """A task with a service account, and a session file, of its own."""

    def task(service, **options):
        options |= Kept(tmp_path / service).option
        return by_service(any_synapse, url=proxy.url, service_account=service, **options)

    return task


def kept_of(task, tmp_path):
    return Kept(tmp_path / task["service_account"])


def nothing_is_left(server, task, tmp_path):
    """One device, the kept session's: also where the answer to a login was lost,
    of which the token is nobody's, and ends with it."""
    service, kept = task["service_account"], kept_of(task, tmp_path)
    (device,) = server.devices(service)
    assert device["device_id"] == kept.entry["device_id"]
    tokens = [t for t in server.access_tokens() if t.user_id == server.user_id(service)]
    assert {token.device_id for token in tokens} == {device["device_id"]}
    assert [file.name for file in kept.folder.iterdir()] == [kept.path.name]
    assert server.devices(task["username"]) == []
    assert sessions_of(server, task["username"]) == 0
    assert logs_in(server, service, service_password(server.secret, service))


def test_an_account_with_every_field_by_a_service_account_that_is_not_there_yet(
    any_synapse, unique, proxy, by_new_service, tmp_path
):
    def prepare():
        name = unique("alice")
        stated, _ = all_of(any_synapse, name, 0)
        stated |= {"username": name, "password": a_password(), "displayname": "Alice"}
        return by_new_service(unique("svc"), **stated)

    for task in cut_everywhere(proxy, prepare, killed=True):
        name = task["username"]
        _, has = all_of(any_synapse, name, 0)
        agrees(facts(any_synapse, name), has | {"displayname": "Alice"})
        account = {"admin": True, "user_type": "support", "deactivated": False}
        agrees(facts(any_synapse, task["service_account"]), account)
        nothing_is_left(any_synapse, task, tmp_path)


def test_a_rotation(any_synapse, unique, proxy, by_new_service, tmp_path):
    old = "the secret of last year"

    def prepare():
        service, name = unique("svc"), unique("alice")
        make_service_account(any_synapse, service, old)
        any_synapse.register(name, a_password())
        return by_new_service(
            service, username=name, admin=True, registration_shared_secret_previous=old
        )

    for task in cut_everywhere(proxy, prepare, killed=True):
        service = task["service_account"]
        assert any_synapse.user(task["username"])["admin"] is True
        nothing_is_left(any_synapse, task, tmp_path)
        assert not logs_in(any_synapse, service, service_password(old, service))


def test_forgetting(any_synapse, unique, proxy, by_new_service, tmp_path):
    def prepare():
        service, name = make_service_account(any_synapse, unique("svc")), unique("alice")
        any_synapse.register(name, a_password())
        task = by_new_service(service, username=name, admin=True)
        assert run_module(task).changed
        del task["admin"]
        return task | {"username": service, "state": "deactivated"}

    for task in cut_everywhere(proxy, prepare, killed=True):
        service = task["username"]
        agrees(facts(any_synapse, service), {"deactivated": True, "erased": True})
        assert sessions_of(any_synapse, service) == 0
        assert kept_of(task, tmp_path).entries() == []
