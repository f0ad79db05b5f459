# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is cut off between any two of its requests, and then run again: it
comes to what was wanted, and leaves nothing behind."""

import pytest

from tests.servers.cutting import cut_everywhere
from tests.servers.fields import all_of
from tests.servers.proof import (
    a_password,
    agrees,
    by_secret,
    by_token,
    deactivate,
    facts,
    logs_in,
    sessions_of,
)
from tests.servers.proxy import Proxy


@pytest.fixture
def proxy(synapse):
    with Proxy(synapse) as proxy:
        yield proxy


def test_an_account_with_every_field(synapse, unique, proxy):
    def prepare():
        name = unique("alice")
        stated, _ = all_of(synapse, name, 0)
        stated |= {"password": a_password(), "admin": True, "displayname": "Alice"}
        return by_token(synapse, url=proxy.url, username=name, **stated)

    for task in cut_everywhere(proxy, prepare):
        name = task["username"]
        _, has = all_of(synapse, name, 0)
        agrees(facts(synapse, name), has | {"admin": True, "displayname": "Alice"})
        assert sessions_of(synapse, name) == 0 and synapse.devices(name) == []
    assert logs_in_once_unlocked(synapse, task)


def logs_in_once_unlocked(server, task):
    server.change(task["username"], locked=False)
    return logs_in(server, task["username"], task["password"])


def test_a_plain_registration(synapse, unique, proxy):
    def prepare():
        return by_secret(
            synapse,
            url=proxy.url,
            username=unique("alice"),
            password=a_password(),
            admin=True,
            if_exists="match",
        )

    for task in cut_everywhere(proxy, prepare):
        assert synapse.user(task["username"])["admin"] is True
        assert logs_in(synapse, task["username"], task["password"])


def test_a_deactivation_with_erasure(any_synapse, unique):
    def prepare():
        name = unique("alice")
        any_synapse.register(name, a_password(), displayname="Alice")
        task = by_token(any_synapse, url=proxy.url, username=name)
        return task | {"state": "deactivated", "erase": True}

    with Proxy(any_synapse) as proxy:
        for task in cut_everywhere(proxy, prepare):
            gone = {"deactivated": True, "erased": True, "displayname": None}
            agrees(facts(any_synapse, task["username"]), gone)


def test_a_reactivation_of_an_erased_account_with_a_password_and_every_field(
    synapse, unique, proxy
):
    def prepare():
        name = unique("alice")
        synapse.register(name, a_password(), displayname="Alice")
        deactivate(synapse, name, erase=True)
        stated, _ = all_of(synapse, name, 0)
        stated |= {"displayname": "Alice II", "password": a_password(), "reactivate": True}
        return by_token(synapse, url=proxy.url, username=name, **stated)

    for task in cut_everywhere(proxy, prepare):
        name = task["username"]
        _, has = all_of(synapse, name, 0)
        has |= {"deactivated": False, "erased": False, "displayname": "Alice II"}
        agrees(facts(synapse, name), has)
        # With update_password: on_create only the activation itself gives it
        # one: an account that was active without it would never get it.
        assert logs_in_once_unlocked(synapse, task)
        assert synapse.devices(name) == []


def test_a_change_of_every_field_and_the_password(synapse, unique, proxy):
    def prepare():
        name = unique("alice")
        synapse.register(name, a_password(), admin=True)
        stated, _ = all_of(synapse, name, 0)
        stated |= {"password": a_password(), "update_password": "always", "admin": False}
        # A locked account's password cannot be asked about, and is set each time.
        stated["locked"] = False
        return by_token(synapse, url=proxy.url, username=name, **stated)

    for task in cut_everywhere(proxy, prepare):
        name = task["username"]
        _, has = all_of(synapse, name, 0)
        agrees(facts(synapse, name), has | {"locked": False, "admin": False})
        assert logs_in(synapse, name, task["password"])
        assert synapse.devices(name) == []
