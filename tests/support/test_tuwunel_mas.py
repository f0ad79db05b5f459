# SPDX-License-Identifier: GPL-3.0-or-later
"""What Matrix Authentication Service asks of the stand-in for tuwunel: each test is a fact
of tuwunel 1.9.0, read in its source (section 1.4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.tuwunel import Tuwunel

SECRET = "between the two"
ALICE = "@alice:example.test"


@pytest.fixture
def server() -> Iterator[Tuwunel]:
    with Tuwunel(mas_secret=SECRET) as server:
        yield server
        assert not server.complaints


def ask(server: Tuwunel, path: str, **body: Any) -> tuple[int, Any]:
    return server.api("POST", f"/_synapse/mas/{path}", {"localpart": "alice"} | body, SECRET)


def query(server: Tuwunel, path: str, name: str = "alice") -> tuple[int, Any]:
    return server.api("GET", f"/_synapse/mas/{path}?localpart={name}", token=SECRET)


def errcode(answer: tuple[int, Any]) -> tuple[int, str | None]:
    return answer[0], answer[1].get("errcode")


def test_only_who_has_the_secret_may_ask(server) -> None:
    for token in (None, "another", server.admin_token):
        path = "/_synapse/mas/query_user?localpart=alice"
        assert errcode(server.api("GET", path, token=token)) == (403, "M_FORBIDDEN")


def test_it_is_not_served_before_1_8() -> None:
    with Tuwunel(mas_secret=SECRET, version="1.7.1") as server:
        assert errcode(query(server, "query_user")) == (404, "M_UNRECOGNIZED")


def test_a_user_is_made_and_changed(server) -> None:
    made = ask(server, "provision_user", set_displayname="A", set_emails=["A@b.test"], locked=True)
    assert made == (201, {})
    assert query(server, "query_user") == (
        200,
        {
            "user_id": ALICE,
            "display_name": "A",
            "avatar_url": None,
            "is_suspended": False,
            "is_deactivated": False,
        },
    )
    account = server.user("alice")
    assert account.locked and account.threepids[0]["address"] == "a@b.test"
    assert ask(server, "provision_user", unset_displayname=True, unset_emails=True) == (200, {})
    assert (account.displayname, account.threepids, account.locked) == (None, [], True)


def test_whom_it_makes_has_no_password_and_is_given_none(server) -> None:
    ask(server, "provision_user")
    assert errcode(server.try_login("alice", "*")) == (403, "M_FORBIDDEN")
    path = f"/_synapse/admin/v2/users/{ALICE}"
    answer = server.api("PUT", path, {"password": "pw"}, server.admin_token)
    assert errcode(answer) == (400, "M_INVALID_PARAM")


def test_a_user_is_deleted_and_comes_back(server) -> None:
    ask(server, "provision_user", set_displayname="A")
    server.promote(ALICE)
    assert server.admin_token
    assert ask(server, "delete_user", erase=True) == (200, {})
    account = server.user("alice")
    assert (account.deactivated, account.erased, account.displayname) == (True, True, None)
    assert not server.is_admin(ALICE)
    assert ask(server, "reactivate_user") == (200, {})
    assert not account.deactivated


def test_an_absent_user_is_not_found(server) -> None:
    assert errcode(query(server, "query_user")) == (404, "M_NOT_FOUND")
    for path, body in (("delete_user", {"erase": False}), ("sync_devices", {"devices": []})):
        assert errcode(ask(server, path, **body)) == (404, "M_NOT_FOUND")


def test_a_name_is_available_or_not(server) -> None:
    assert query(server, "is_localpart_available") == (200, {})
    ask(server, "provision_user")
    assert errcode(query(server, "is_localpart_available")) == (400, "M_USER_IN_USE")
    caps = query(server, "is_localpart_available", "Caps")
    assert errcode(caps) == (400, "M_INVALID_USERNAME")


def test_names_are_set_and_unset(server) -> None:
    ask(server, "provision_user")
    assert ask(server, "set_displayname", displayname="A") == (200, {})
    assert server.user("alice").displayname == "A"
    assert ask(server, "unset_displayname") == (200, {})
    assert server.user("alice").displayname is None
    assert ask(server, "allow_cross_signing_reset") == (200, {})


def test_devices_are_as_it_says(server) -> None:
    ask(server, "provision_user")
    assert ask(server, "upsert_device", device_id="A", display_name="a") == (201, {})
    assert ask(server, "upsert_device", device_id="A") == (200, {})
    assert ask(server, "update_device_display_name", device_id="A", display_name="b") == (200, {})
    assert server.user("alice").devices["A"].display_name == "b"
    missing = ask(server, "update_device_display_name", device_id="X", display_name="b")
    assert errcode(missing) == (404, "M_NOT_FOUND")
    assert ask(server, "sync_devices", devices=["B", "C"]) == (200, {})
    assert server.devices("alice") == ["B", "C"]
    assert ask(server, "delete_device", device_id="B") == (200, {})
    assert server.devices("alice") == ["C"]
