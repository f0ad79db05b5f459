# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account does to itself, and what an administrator does to its devices, at the
stand-in for tuwunel: each test is a fact of tuwunel 1.9.0, read in its source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.tuwunel import Tuwunel

ACCOUNT = "/_matrix/client/v3/account"
ALICE = "@alice:example.test"
DEVICES = f"/_synapse/admin/v2/users/{ALICE}/devices"


@pytest.fixture
def server() -> Iterator[Tuwunel]:
    with Tuwunel() as server:
        assert server.admin_token
        server.create("alice", "pw")
        yield server
        assert not server.complaints


def auth(name: str, password: str) -> dict[str, Any]:
    identifier = {"type": "m.id.user", "user": name}
    return {"type": "m.login.password", "identifier": identifier, "password": password}


def errcode(answer: tuple[int, Any]) -> tuple[int, str | None]:
    return answer[0], answer[1].get("errcode")


def test_an_account_goes_once_it_has_shown_its_password(server) -> None:
    token = server.login("alice", "pw")
    path = f"{ACCOUNT}/deactivate"
    assert errcode(server.api("POST", path, {})) == (401, "M_MISSING_TOKEN")
    status, body = server.api("POST", path, {}, token)
    assert status == 401
    assert sorted(body) == ["completed", "flows", "params", "session"]
    wrong = server.api("POST", path, {"auth": auth("alice", "no")}, token)
    assert errcode(wrong) == (401, "M_FORBIDDEN")
    gone = server.api("POST", path, {"auth": auth("alice", "pw"), "erase": True}, token)
    assert gone == (200, {"id_server_unbind_result": "no-support"})
    account = server.user("alice")
    assert (account.deactivated, account.erased, account.displayname) == (True, True, None)
    assert server.whoami(token) is None


def test_an_administrator_that_goes_leaves_the_room(server) -> None:
    server.promote(ALICE)
    body, token = {"auth": auth("alice", "pw")}, server.token_of("alice")
    server.api("POST", f"{ACCOUNT}/deactivate", body, token)
    assert not server.is_admin(ALICE)


def test_the_last_administrator_goes_and_stays_in_the_room_without_power() -> None:
    with Tuwunel() as server:
        server.create("last", "pw", admin=True)
        token = server.token_of("last")
        body = {"auth": auth("last", "pw")}
        assert server.api("POST", f"{ACCOUNT}/deactivate", body, token)[0] == 200
        assert server.is_admin("@last:example.test")
        assert server.admin_room.power("@last:example.test") == 0


def test_without_a_password_there_is_no_stage_that_would_do(server) -> None:
    server.create("nopw", "*")
    status, body = server.api("POST", f"{ACCOUNT}/deactivate", {}, server.token_of("nopw"))
    assert (status, body["flows"]) == (401, [])


def test_a_device_of_one_s_own_goes_with_a_password(server) -> None:
    token = server.login("alice", "pw", device_id="KEPT")
    server.login("alice", "pw", device_id="GONE")
    path = "/_matrix/client/v3/devices/"
    assert server.api("DELETE", path + "GONE", {}, token)[0] == 401
    for device in ("GONE", "NEVER"):
        body = {"auth": auth("alice", "pw")}
        assert server.api("DELETE", path + device, body, token) == (200, {})
    assert server.devices("alice") == ["KEPT"]


def test_without_mail_nobody_adds_an_address(server) -> None:
    token = server.login("alice", "pw")
    assert server.api("GET", f"{ACCOUNT}/3pid", token=token) == (200, {"threepids": []})
    answer = server.api("POST", f"{ACCOUNT}/3pid/add", {}, token)
    assert errcode(answer) == (403, "M_THREEPID_DENIED")


def test_a_suspended_account_changes_no_profile(server) -> None:
    token = server.login("alice", "pw")
    server.user("alice").suspended = True
    path = f"/_matrix/client/v3/profile/{ALICE}/displayname"
    answer = server.api("PUT", path, {"displayname": "A"}, token)
    assert errcode(answer) == (400, "M_USER_SUSPENDED")


def test_a_session_in_the_name_of_the_deactivated_is_a_guest_s(server) -> None:
    server.deactivate(server.user("alice"))
    assert server.whoami(server.token_of("alice"))["is_guest"] is True


# An administrator and the devices of others


def ask(server: Tuwunel, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    return server.api(method, path, body, server.admin_token)


def test_devices_are_listed_named_and_deleted(server) -> None:
    token = server.login("alice", "pw", device_id="D", initial_device_display_name="first")
    (told,) = ask(server, "GET", DEVICES)[1]["devices"]
    assert (told["device_id"], told["display_name"], told["user_id"]) == ("D", "first", ALICE)
    assert ask(server, "PUT", f"{DEVICES}/D", {"display_name": "second"}) == (200, {})
    assert ask(server, "GET", f"{DEVICES}/D")[1]["display_name"] == "second"
    assert ask(server, "DELETE", f"{DEVICES}/D") == (200, {})
    # One that is not there is no error.
    assert ask(server, "DELETE", f"{DEVICES}/D") == (200, {})
    assert errcode(ask(server, "GET", f"{DEVICES}/D")) == (404, "M_NOT_FOUND")
    assert server.whoami(token) is None


def test_several_devices_go_at_once(server) -> None:
    for device in ("A", "B", "C"):
        assert ask(server, "POST", DEVICES, {"device_id": device}) == (200, {})
    path = f"/_synapse/admin/v2/users/{ALICE}/delete_devices"
    assert ask(server, "POST", path, {"devices": ["A", "C"]}) == (200, {})
    assert server.devices("alice") == ["B"]


def test_devices_of_nobody_are_not_found_and_of_others_not_told(server) -> None:
    nobody = DEVICES.replace("alice", "nobody")
    assert errcode(ask(server, "GET", nobody)) == (404, "M_NOT_FOUND")
    plain = server.api("GET", DEVICES, token=server.token_of("alice"))
    assert errcode(plain) == (403, "M_FORBIDDEN")


def test_rooms_of_anybody_are_listed(server) -> None:
    server.promote("@nobody:example.test")
    path = "/_synapse/admin/v1/users/@nobody:example.test/joined_rooms"
    told = ask(server, "GET", path)[1]
    assert told == {"joined_rooms": [server.admin_room.room_id], "total": 1}


def test_sessions_are_told_to_administrators_and_to_oneself(server) -> None:
    token = server.login("alice", "pw")
    for path in ("/_synapse/admin/v1/whois/", "/_matrix/client/v3/admin/whois/"):
        for who in (token, server.admin_token):
            told = server.asked("GET", path + ALICE, token=who)
            (session,) = told["devices"][""]["sessions"]
            assert len(session["connections"]) == 1
        other = server.api("GET", path + "@harness-admin:example.test", token=token)
        assert errcode(other) == (403, "M_FORBIDDEN")
