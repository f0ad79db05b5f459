# SPDX-License-Identifier: GPL-3.0-or-later
"""backend: auto on tuwunel, continuwuity and Conduit, with federation and without; and the
tuwunel that is too old, or whose accounts are with Matrix Authentication Service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers.proof import a_password
from tests.servers.relatives import (
    KINDS,
    Server,
    by_token,
    does,
    ran,
    refused,
    requests_during,
    trace,
)
from tests.support.continuwuity import NEW, Continuwuity
from tests.support.mas_wire import Reply as Answered
from tests.support.mas_wire import Request
from tests.support.module import run_module
from tests.support.tuwunel import Tuwunel

VERSIONS = {"tuwunel": "1.9.0", "continuwuity": "26.7.3", "conduit": "0.10.12"}
NAMES = {"tuwunel": "Tuwunel", "continuwuity": "continuwuity", "conduit": "Conduit"}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=[True, False], ids=["federation", "no-federation"])
def server(kind: str, request: pytest.FixtureRequest) -> Iterator[Server]:
    with KINDS[kind](federation=request.param) as made:
        yield made
        assert not made.complaints


@pytest.mark.parametrize("backend", [{}, {"backend": "auto"}, {"backend": None}], ids=str)
def test_it_is_found_and_does_its_work(kind, server, backend):
    task = by_token(server, username="alice", password=a_password()) | {
        name: value or kind for name, value in backend.items()
    }
    reply = does(server, task, "create")
    assert reply.json["backend"] == kind and server.opens("alice", task["password"])


def test_its_name_and_version_are_told(kind, server):
    reply = run_module(by_token(server), module="matrix_connection_info")
    assert not reply.failed, reply.json
    assert reply.json["backend"] == kind and reply.json["server_name"] == "example.test"
    told = reply.json["server"]
    assert told["name"] == NAMES[kind]
    # Conduit says it to who asks for federation alone.
    silent = kind == "conduit" and not server.settings.federation
    assert told.get("version") == (None if silent else VERSIONS[kind])


@pytest.mark.parametrize("one", ["continuwuity", "conduit"])
def test_another_than_tuwunel_is_not_taken_for_it(one, request):
    server = request.getfixturevalue(one)
    task = by_token(server, username="alice-of-another", password=a_password())
    before = trace(server)
    reply, asked = requests_during(server, task | {"backend": "tuwunel"})
    assert reply.failed and reply.kind == "unsupported" and "1.8.1" in reply.msg
    assert not any(one.startswith(("PUT", "POST")) for one in asked) and trace(server) == before


def test_conduit_s_500_where_federation_is_off_is_no_breakdown():
    with KINDS["conduit"](federation=False) as server:
        status, _ = server.api("GET", "/_matrix/federation/v1/version")
        assert status == 500
        task = by_token(server, username="alice", password=a_password())
        reply, asked = requests_during(server, task)
        assert not reply.failed and reply.seconds < 2
        assert asked.count("GET /_matrix/federation/v1/version") == 1  # asked no second time


def test_one_that_hides_who_it_is_has_to_be_told(conduit):
    def hide(request: Request) -> Answered | None:
        hidden = request.path in ("/", "/_matrix/federation/v1/version")
        return Answered(404, None) if hidden else None

    conduit.before = hide
    try:
        task = by_token(conduit, username="alice-hidden", password=a_password())
        reply = run_module(task)
        assert reply.failed and reply.kind == "unsupported" and "set backend" in reply.msg
        assert not run_module(task | {"backend": "conduit"}).failed
    finally:
        conduit.before = None


def test_the_next_continuwuity_is_found_too():
    with Continuwuity(version=NEW, federation=False) as server:
        task = by_token(server, username="alice", password=a_password())
        assert does(server, task, "create").json["server"]["version"] == NEW


# The tuwunel that cannot be managed


@pytest.mark.parametrize("version", ["1.8.0", "1.7.0", "1.6.0"])
@pytest.mark.parametrize("given", ["token", "secret", "login"])
def test_an_old_tuwunel_is_refused_with_the_version_that_is_needed(version, given):
    with Tuwunel(version=version, allow_registration=True) as server:
        server.create("root", "the-pw-of-root", admin=True)
        credentials: dict[str, dict[str, Any]] = {
            "token": {"access_token": server.token_of("root")},
            "secret": {"registration_shared_secret": server.secret},
            "login": {"admin_username": "root", "admin_password": "the-pw-of-root"},
        }
        task = {"url": server.url, "username": "alice", "password": a_password()}
        reply = refused(server, task | credentials[given], "unsupported")
        assert "1.8.1" in reply.msg and version in reply.msg and "update" in reply.msg


def test_the_oldest_that_is_managed_is():
    with Tuwunel(version="1.8.1") as server:
        task = by_token(server, username="alice", password=a_password(), displayname="A")
        assert does(server, task, "create").json["server"]["version"] == "1.8.1"
        does(server, by_token(server, username="alice", admin=True), "set admin")


@pytest.mark.parametrize("given", ["token", "secret"])
def test_a_tuwunel_whose_accounts_are_elsewhere_is_refused(given):
    with Tuwunel(mas_secret="between-the-two-of-them") as server:
        server.create("root", None, admin=True)
        credential = (
            {"access_token": server.token_of("root")}
            if given == "token"
            else {"registration_shared_secret": "Shared_secret-of/the+stand-in"}
        )
        task = {"url": server.url, "username": "alice", "password": a_password()}
        reply = refused(server, task | credential, "unsupported")
        assert "Matrix Authentication Service" in reply.msg and "backend: mas" in reply.msg


def test_a_proxy_that_hides_the_admin_api_is_told(tuwunel):
    def hide(request: Request) -> Answered | None:
        hidden = request.path.startswith("/_synapse/")
        return Answered.text(404, "404 page not found") if hidden else None

    tuwunel.before = hide
    try:
        reply = run_module(by_token(tuwunel, username="alice-hidden", password=a_password()))
        assert reply.failed and reply.kind == "unsupported" and "reverse proxy" in reply.msg
        assert "container" in reply.msg and tuwunel.find("alice-hidden") is None
    finally:
        tuwunel.before = None


def test_its_admin_api_is_not_taken_for_synapse(tuwunel, unique):
    # It answers at /_synapse/admin/v1/server_version with a version of its own.
    reply = ran(by_token(tuwunel, username=unique("alice"), password=a_password()))
    assert reply.json["server"] == {"name": "Tuwunel", "version": "1.9.0"}
