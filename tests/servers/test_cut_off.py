# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is cut off between any two of its requests, or killed there, and then
run again: it comes to what was wanted, and leaves nothing behind."""

import pytest

from tests.servers.cutting import WAYS, converges, numbers, run_cut
from tests.servers.fields import all_of
from tests.servers.kept import Kept
from tests.servers.proof import (
    a_password,
    agrees,
    by_service,
    by_token,
    deactivate,
    facts,
    logs_in,
    make_service_account,
    service_password,
    sessions_of,
)
from tests.servers.proxy import Proxy
from tests.support.module import run_module


@pytest.fixture(params=WAYS)
def how(request):
    return request.param


@pytest.fixture
def proxy(any_synapse):
    with Proxy(any_synapse) as proxy:
        yield proxy


def everything(server, name):
    """A task's fields, all of them, and what the account has then."""
    stated, has = all_of(server, name, 0)
    more = {"admin": True, "displayname": "Alice"}
    return {"username": name, "password": a_password()} | more | stated, has | more


def nothing_is_left(server, service, kept, name):
    """The session that is kept, and no other, of anybody."""
    assert server.devices(name) == [] and sessions_of(server, name) == 0
    (device,) = server.devices(service)
    assert device["device_id"] == kept.entry["device_id"]
    assert sessions_of(server, service) == 1
    assert [file.name for file in kept.folder.iterdir()] == [kept.path.name]


def test_an_account_with_every_field_made_by_token(any_synapse, unique, proxy, how):
    for number in numbers():
        name = unique("alice")
        stated, has = everything(any_synapse, name)
        task = by_token(any_synapse, url=proxy.url, **stated)
        met = run_cut(proxy, task, number, how)
        converges(task)
        agrees(facts(any_synapse, name), has)
        assert sessions_of(any_synapse, name) == 0 and any_synapse.devices(name) == []
        if not met:
            break
    assert number > 5


def test_an_account_with_every_field_made_by_the_secret_alone(
    any_synapse, unique, proxy, how, tmp_path
):
    # Each time with a service account, and a session file, that are new.
    for number in numbers():
        name, service = unique("alice"), unique("svc")
        kept = Kept(tmp_path / service)
        stated, has = everything(any_synapse, name)
        task = by_service(
            any_synapse, url=proxy.url, service_account=service, **kept.option, **stated
        )
        met = run_cut(proxy, task, number, how)
        converges(task)
        agrees(facts(any_synapse, name), has)
        agrees(facts(any_synapse, service), {"admin": True, "user_type": "support"})
        assert logs_in(any_synapse, service, service_password(any_synapse.secret, service))
        nothing_is_left(any_synapse, service, kept, name)
        if not met:
            break
    assert number > 8


def test_a_plain_registration(any_synapse, unique, proxy, how):
    for number in numbers():
        name, password = unique("alice"), a_password()
        task = by_service(
            any_synapse,
            url=proxy.url,
            username=name,
            password=password,
            admin=True,
            if_exists="match",
        )
        met = run_cut(proxy, task, number, how)
        converges(task)
        assert any_synapse.user(name)["admin"] is True
        assert logs_in(any_synapse, name, password)
        if not met:
            break
    assert number > 2


def test_a_deactivation_with_erasure(any_synapse, unique, proxy, how):
    for number in numbers():
        name = unique("alice")
        any_synapse.register(name, a_password(), displayname="Alice")
        task = by_token(
            any_synapse, url=proxy.url, username=name, state="deactivated", erase=True
        )
        met = run_cut(proxy, task, number, how)
        converges(task)
        agrees(facts(any_synapse, name), {"deactivated": True, "erased": True})
        if not met:
            break
    assert number > 2


@pytest.mark.parametrize("erased", [False, True], ids=["deactivated", "erased"])
def test_a_reactivation_with_a_password_and_fields(any_synapse, unique, proxy, how, erased):
    for number in numbers():
        name = unique("alice")
        any_synapse.register(name, a_password(), displayname="Alice")
        deactivate(any_synapse, name, erase=erased)
        stated, has = all_of(any_synapse, name, 0)
        password = a_password()
        task = by_token(
            any_synapse,
            url=proxy.url,
            username=name,
            password=password,
            # Who was cut off after the account was activated, and before it had
            # its password, has it set now.
            update_password="always",
            reactivate=True,
            displayname="Alice II",
            **(stated | {"locked": False}),
        )
        met = run_cut(proxy, task, number, how)
        converges(task)
        has |= {"deactivated": False, "erased": False, "displayname": "Alice II"}
        agrees(facts(any_synapse, name), has | {"locked": False})
        assert logs_in(any_synapse, name, password)
        if not met:
            break
    assert number > 5


def test_a_reactivation_never_leaves_an_active_account_without_its_password(
    any_synapse, unique, proxy, how
):
    # With update_password: on_create, only the activation itself gives it one.
    for number in numbers():
        name, password = unique("alice"), a_password()
        any_synapse.register(name, a_password())
        deactivate(any_synapse, name)
        task = by_token(
            any_synapse, url=proxy.url, username=name, password=password, reactivate=True
        )
        met = run_cut(proxy, task, number, how)
        converges(task)
        assert logs_in(any_synapse, name, password)
        if not met:
            break
    assert number > 2


def test_a_rotation(any_synapse, unique, proxy, how, tmp_path):
    old = "the secret of last year"
    for number in numbers():
        name = unique("alice")
        service = make_service_account(any_synapse, unique("svc"), old)
        any_synapse.register(name, a_password())
        kept = Kept(tmp_path / service)
        task = by_service(
            any_synapse,
            url=proxy.url,
            service_account=service,
            registration_shared_secret_previous=old,
            username=name,
            admin=True,
            **kept.option,
        )
        met = run_cut(proxy, task, number, how)
        converges(task)
        assert any_synapse.user(name)["admin"] is True
        assert logs_in(any_synapse, service, service_password(any_synapse.secret, service))
        assert not logs_in(any_synapse, service, service_password(old, service))
        nothing_is_left(any_synapse, service, kept, name)
        if not met:
            break
    assert number > 5


def test_forgetting(any_synapse, unique, proxy, how, tmp_path):
    for number in numbers():
        service = make_service_account(any_synapse, unique("svc"))
        kept = Kept(tmp_path / service)
        task = by_service(
            any_synapse, url=proxy.url, service_account=service, **kept.option
        )
        name = unique("alice")
        any_synapse.register(name, a_password())
        assert run_module(task | {"username": name, "admin": True}).changed
        forget = task | {"username": service, "state": "deactivated"}
        met = run_cut(proxy, forget, number, how)
        converges(forget)
        agrees(facts(any_synapse, service), {"deactivated": True, "erased": True})
        assert not kept.path.exists()
        assert sessions_of(any_synapse, service) == 0
        if not met:
            break
    assert number > 2
