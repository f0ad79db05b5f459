# SPDX-License-Identifier: GPL-3.0-or-later
"""Deactivating oneself at the stand-in for tuwunel: each test is a fact of tuwunel 1.9.0,
read in its source (src/api/client/account/deactivate.rs, src/service/deactivate/mod.rs)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.tuwunel import Tuwunel

PATH = "/_matrix/client/v3/account/deactivate"


@pytest.fixture
def server() -> Iterator[Tuwunel]:
    with Tuwunel() as server:
        server.create("alice", "pw", admin=True)
        yield server
        assert not server.complaints


def proof(password: str = "pw") -> dict[str, Any]:
    user = {"type": "m.id.user", "user": "alice"}
    return {"type": "m.login.password", "identifier": user, "password": password}


def leave(server: Tuwunel, **body: Any) -> tuple[int, Any]:
    return server.api("POST", PATH, body, server.token_of("alice"))


def test_it_takes_the_password(server) -> None:
    status, answer = leave(server)
    assert (status, answer["flows"]) == (401, [{"stages": ["m.login.password"]}])
    assert leave(server, auth=proof("other"))[0] == 401
    assert server.opens("alice", "pw")


def test_who_leaves_is_in_no_room_and_has_no_profile(server) -> None:
    server.create("bob", "pw", admin=True)
    assert server.admins() == ["@alice:example.test", "@bob:example.test"]
    status, answer = leave(server, auth=proof(), erase=True)
    assert (status, answer) == (200, {"id_server_unbind_result": "no-support"})
    alice = server.user("alice")
    assert alice.deactivated and alice.erased and alice.displayname is None
    assert server.admins() == ["@bob:example.test"]
    assert server.devices("alice") == []


def test_without_a_word_nothing_is_erased(server) -> None:
    assert leave(server, auth=proof())[0] == 200
    assert not server.user("alice").erased


def test_the_last_administrator_stays_in_the_admin_room(server) -> None:
    assert leave(server, auth=proof())[0] == 200
    assert server.user("alice").deactivated
    assert server.admins() == ["@alice:example.test"]
