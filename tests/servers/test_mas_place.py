# SPDX-License-Identifier: GPL-3.0-or-later
"""Where MAS is: as it is given, or as a real Synapse says that delegates to a stand-in
for it (tests/support/mas.py)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.servers.proof import a_password
from tests.support.mas import Mas
from tests.support.module import Reply, run_module
from tests.support.synapse import Synapse

SAYS = "says that Matrix Authentication Service is at"


@contextmanager
def delegation(**how: Any) -> Iterator[tuple[Mas, Synapse]]:
    with Mas(**how) as mas, mas.delegating(Synapse) as synapse:
        yield mas, synapse
        assert not mas.complaints


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Mas, Synapse]]:
    with delegation(prefix="/auth/") as pair:
        yield pair


def with_client(mas: Mas, **more: Any) -> dict[str, Any]:
    return {"mas_client_id": mas.client.id, "mas_client_secret": mas.client.secret} | more


def registers(mas: Mas, name: str, where: dict[str, Any]) -> Reply:
    task = {"username": name, "password": a_password()} | with_client(mas) | where
    reply = run_module(task)
    assert not reply.failed and reply.changed, reply.msg
    assert reply.json["backend"] == "mas"
    assert not run_module(task).changed
    return reply


def is_refused(mas: Mas, kind: str, words: str, **where: Any) -> None:
    before = len(mas.requests)
    task = {"username": "nobody", "password": a_password()} | with_client(mas)
    reply = run_module(task | where)
    assert reply.failed and reply.kind == kind, reply.json
    assert words in reply.msg, reply.msg
    assert mas.client.secret not in reply.msg
    bearing = [r for r in mas.requests[before:] if "/oauth2/token" in r.path]
    assert bearing == []


def test_the_homeserver_names_mas_with_its_prefix(both, unique):
    mas, synapse = both
    registers(mas, unique("alice"), {"url": synapse.url})


def test_what_is_given_is_enough_without_the_homeserver(both, unique):
    mas, _ = both
    registers(mas, unique("bob"), {"mas_url": mas.url})
    registers(mas, unique("carol"), {"mas_url": mas.url + "/", "backend": "mas"})


def test_synapse_that_is_asked_for_refuses(both, unique):
    mas, synapse = both
    name = unique("dave")
    is_refused(mas, "unsupported", "MAS", url=synapse.url, backend="synapse", username=name)
    # So does "auto" where nothing opens MAS.
    task = {"url": synapse.url, "username": name, "password": a_password()}
    reply = run_module(task | {"registration_shared_secret": synapse.secret})
    assert reply.kind == "unsupported" and "mas_client_id" in reply.msg, reply.json


def test_a_wrong_prefix_is_no_mas(both):
    mas, synapse = both
    reply = run_module({"username": "x", "mas_url": mas.web.origin} | with_client(mas))
    assert reply.failed and not reply.changed, reply.json


def test_an_admin_api_elsewhere_is_given_beside_it(unique):
    with delegation(adminapi="internal") as (mas, synapse):
        where = {"url": synapse.url, "mas_admin_url": mas.admin_url}
        registers(mas, unique("erin"), where)
        registers(mas, unique("frank"), where | {"mas_url": mas.url})


def test_no_secret_goes_to_a_public_address_over_http():
    with delegation(public_base="http://auth.example.test/") as (mas, synapse):
        is_refused(mas, "invalid", SAYS, url=synapse.url)
        is_refused(mas, "invalid", "no secret is sent there; give mas_url", url=synapse.url)


def test_a_public_address_that_cannot_be_reached_names_what_to_give(unique):
    # Of this machine, as url is, and nobody listens.
    with delegation(public_base="http://127.0.0.1:9/auth/") as (mas, synapse):
        is_refused(mas, "unreachable", "http://127.0.0.1:9/auth", url=synapse.url)
        is_refused(mas, "unreachable", "give mas_url", url=synapse.url)
        registers(mas, unique("grace"), {"url": synapse.url, "mas_url": mas.url})


def test_a_homeserver_that_cannot_reach_mas_is_told_apart():
    with Mas() as mas:
        mas.stop()
        with mas.delegating(Synapse) as synapse:
            is_refused(mas, "not_ready", "cannot reach Matrix Authentication", url=synapse.url)
            # It is MAS that has the accounts, and which is down.
            is_refused(mas, "unreachable", mas.url, url=synapse.url, mas_url=mas.url)
            task = {"url": synapse.url, "username": "x", "password": a_password()}
            reply = run_module(task | {"registration_shared_secret": synapse.secret})
            assert reply.kind == "unsupported", reply.json
            mas.start()
            registers(mas, "heidi", {"url": synapse.url})


def test_a_homeserver_that_has_its_accounts_itself_is_not_mas_s(unique):
    with Synapse() as synapse, Mas() as mas:
        task = {"url": synapse.url, "username": unique("ivan"), "password": a_password()}
        task |= {"registration_shared_secret": synapse.secret} | with_client(mas)
        reply = run_module(task)
        assert reply.changed and reply.json["backend"] == "synapse", reply.json
        is_refused(mas, "invalid", "backend is not mas", url=synapse.url, backend="mas")


def test_what_is_there_is_told(both):
    mas, synapse = both
    look = {"module": "matrix_connection_info"}
    reply = run_module({"url": synapse.url} | with_client(mas), **look)
    assert not reply.failed, reply.json
    assert reply.json["backend"] == "mas" and reply.json["mas"] is True
    assert reply.json["credentials"] == [{"option": "mas_client_id", "works": True}]
    assert reply.json["server_name"] == mas.server_name
    wrong = with_client(mas, mas_client_secret="another one")
    reply = run_module({"url": synapse.url, "mas_url": mas.url} | wrong, **look)
    assert reply.failed and reply.kind == "unauthorized", reply.json
    assert [c["works"] for c in reply.json["credentials"]] == [False]
    assert reply.json["connection"]["mas_url"] == mas.url
