# SPDX-License-Identifier: GPL-3.0-or-later
"""tuwunel, continuwuity and Conduit: how `auto` tells them apart, and what
matrix_connection_info says of what opens them. The stand-ins are as strict as tuwunel 1.9.0,
continuwuity 26.7.3 and Conduit 0.10.12."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.conduit import Conduit
from tests.support.continuwuity import Continuwuity
from tests.support.module import Reply, run_module
from tests.support.tuwunel import Tuwunel

EMERGENCY, TOKEN = "an emergency password", "a-token"
KINDS: dict[str, Any] = {"tuwunel": Tuwunel, "continuwuity": Continuwuity, "conduit": Conduit}


@pytest.fixture(params=sorted(KINDS))
def server(request):
    with KINDS[request.param](
        allow_registration=True, registration_token=TOKEN, emergency_password=EMERGENCY
    ) as server:
        yield server


def name_of(server: Any) -> str:
    return next(name for name, kind in KINDS.items() if isinstance(server, kind))


def look(server: Any, **options: Any) -> Reply:
    return run_module({"url": server.url, **options}, module="matrix_connection_info")


def asked(server: Any) -> list[str]:
    return [f"{request.method} {request.path}" for request in server.requests]


def test_auto_knows_the_server_by_the_first_request(server):
    reply = look(server)
    assert not reply.failed, reply.json
    assert reply.json["backend"] == name_of(server)
    assert reply.json["server"]["version"] == server.version
    assert asked(server)[0] == "GET /_matrix/federation/v1/version"
    assert "GET /_matrix/client/versions" not in asked(server)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_auto_knows_the_server_where_federation_is_off_and_waits_for_nothing(name):
    with KINDS[name](federation=False) as server:
        reply = look(server, wait_timeout=30)
        assert reply.json["backend"] == name, reply.json
        assert reply.seconds < 15


def test_the_emergency_password_is_tried_and_logged_out_again(server):
    reply = look(server, emergency_password=EMERGENCY)
    assert not reply.failed, reply.json
    assert reply.json["credentials"] == [{"option": "emergency_password", "works": True}]
    assert any("unset it" in warning for warning in reply.json["warnings"])
    assert asked(server)[-1] == "POST /_matrix/client/v3/logout"


def test_a_wrong_emergency_password_is_told(server):
    reply = look(server, emergency_password="wr0ng-secret")
    assert reply.kind == "unauthorized"
    [entry] = reply.json["credentials"]
    assert entry["works"] is False and "emergency_password" in entry["msg"]


def test_a_token_is_asked_about_and_makes_nobody(server):
    if name_of(server) == "continuwuity":
        server.create("first", "a password")
    reply = look(server, registration_token=TOKEN)
    assert not reply.failed, reply.json
    [entry] = reply.json["credentials"]
    assert entry["option"] == "registration_token"
    assert entry["works"] is (None if name_of(server) == "conduit" else True)
    assert all(request.startswith("GET ") for request in asked(server))
    wrong = look(server, registration_token="b-token")
    assert wrong.kind == (None if name_of(server) == "conduit" else "unauthorized")


@pytest.mark.parametrize("server", ["conduit", "continuwuity"], indirect=True)
def test_what_other_servers_have_is_refused_before_anything_is_made(server):
    options = {"registration_shared_secret": "a secret", "emergency_password": EMERGENCY}
    reply = run_module({"url": server.url, "username": "alice", "password": "a pass", **options})
    assert reply.kind == "unsupported" and not reply.changed, reply.json
    assert "registration_shared_secret" in reply.msg and "tuwunel" in reply.msg
