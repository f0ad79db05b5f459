# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of users by the admin API of the stand-in for tuwunel: each test is a fact of
tuwunel 1.9.0, read in its source or seen running (sections 1.2 and 11)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.tuwunel import Tuwunel

V2 = "/_synapse/admin/v2/users"


@pytest.fixture
def server() -> Iterator[Tuwunel]:
    with Tuwunel() as server:
        yield server
        assert not server.complaints


def listed(server: Tuwunel, query: str = "", version: str = "v2") -> list[str]:
    path = f"/_synapse/admin/{version}/users?{query}"
    told = server.asked("GET", path, token=server.admin_token)
    return [one["name"].split(":")[0] for one in told["users"]]


@pytest.fixture
def people(server) -> Tuwunel:
    for name in ("bob", "alice"):
        server.create(name, "pw")
    server.create("gone", None)
    for name, more in (("Zoe", {"displayname": "The Bob"}), ("shut", {"locked": True})):
        body = {"password": "pw"} | more
        server.asked("PUT", f"{V2}/@{name}:example.test", body, server.admin_token)
    return server


@pytest.mark.parametrize(
    ("version", "query", "names"),
    [
        # Capitals first; neither the locked nor, in v2, the deactivated.
        ("v2", "", "@Zoe @alice @bob @harness-admin"),
        ("v2", "deactivated=true", "@Zoe @alice @bob @conduit @gone @harness-admin"),
        ("v3", "", "@Zoe @alice @bob @conduit @gone @harness-admin"),
        ("v3", "deactivated=true", "@conduit @gone"),
        ("v3", "deactivated=false", "@Zoe @alice @bob @harness-admin"),
        ("v2", "locked=true", "@Zoe @alice @bob @harness-admin @shut"),
        ("v2", "admins=true", "@harness-admin"),
        ("v2", "admins=false&guests=false", "@Zoe @alice @bob"),
        ("v2", "dir=b", "@harness-admin @bob @alice @Zoe"),
        ("v2", "name=ob", "@Zoe @bob"),
        ("v2", "name=Bob", "@Zoe"),
        ("v2", "user_id=bob", "@bob"),
        ("v2", "user_id=bob&name=ali", "@alice"),
        ("v2", "order_by=creation_ts", "@Zoe @alice @bob @harness-admin"),
    ],
)
def test_a_list_is_filtered(people, version, query, names) -> None:
    assert listed(people, query, version) == names.split()


def test_the_last_page_s_token_is_null(people) -> None:
    token = people.admin_token
    first = people.asked("GET", f"{V2}?limit=3", token=token)
    assert (first["next_token"], first["total"], len(first["users"])) == ("3", 4, 3)
    last = people.asked("GET", f"{V2}?limit=3&from=3", token=token)
    assert "next_token" in last and last["next_token"] is None
    assert len(last["users"]) == 1
    beyond = people.asked("GET", f"{V2}?from=9", token=token)
    assert (beyond["users"], beyond["next_token"]) == ([], None)


def test_an_entry_does_not_say_who_is_suspended(people) -> None:
    (entry, *_) = people.asked("GET", V2, token=people.admin_token)["users"]
    assert sorted(entry) == [
        "admin",
        "creation_ts",
        "deactivated",
        "displayname",
        "erased",
        "is_guest",
        "last_seen_ts",
        "locked",
        "name",
        "shadow_banned",
    ]


def test_a_query_of_another_type_is_bad_json(server) -> None:
    for query in ("from=-1", "limit=many", "admins=1", "deactivated=yes"):
        answer = server.api("GET", f"{V2}?{query}", token=server.admin_token)
        assert (answer[0], answer[1]["errcode"]) == (400, "M_BAD_JSON"), query
