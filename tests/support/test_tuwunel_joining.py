# SPDX-License-Identifier: GPL-3.0-or-later
"""Registering as anybody may, logging in, registration tokens, MSC4323 and the emergency
of the stand-in for tuwunel: each test is a fact of tuwunel 1.9.0, read in its source or
seen running (sections 1.3 to 1.5, 3 and 11)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.tuwunel import Tuwunel

REGISTER = "/_matrix/client/v3/register"
TOKENS = "/_synapse/admin/v1/registration_tokens"
VALIDITY = "/_matrix/client/v1/register/m.login.registration_token/validity?token="
BOT = "/_synapse/admin/v2/users/@conduit:example.test"
EMERGENCY = "of an emergency"


@pytest.fixture
def server() -> Iterator[Tuwunel]:
    """Registration is open, and somebody is an administrator."""
    with Tuwunel(allow_registration=True) as server:
        assert server.admin_token
        yield server
        assert not server.complaints


def register(server: Tuwunel, name: str | None, **more: Any) -> tuple[int, Any]:
    body = {"password": "pw", "auth": {"type": "m.login.dummy"}} | more
    if name is not None:
        body["username"] = name
    return server.api("POST", REGISTER, body)


def by_token(token: str, **more: Any) -> dict[str, Any]:
    return {"auth": {"type": "m.login.registration_token", "token": token} | more}


def available(server: Tuwunel, name: str) -> tuple[int, Any]:
    return server.api("GET", f"{REGISTER}/available?username={quote(name)}")


def errcode(answer: tuple[int, Any]) -> tuple[int, str | None]:
    return answer[0], answer[1].get("errcode")


# Registration


def test_open_registration_takes_one_request(server) -> None:
    status, body = register(server, "Alice", device_id="D")
    assert (status, body["user_id"], body["device_id"]) == (200, "@alice:example.test", "D")
    assert server.whoami(body["access_token"])
    assert server.user("alice").displayname == "alice \N{TWO HEARTS}"


def test_without_auth_the_stages_are_told(server) -> None:
    status, body = register(server, "alice", auth=None)
    assert status == 401
    assert sorted(body) == ["completed", "flows", "session"]
    assert (body["flows"], body["completed"]) == ([{"stages": ["m.login.dummy"]}], [])
    auth = {"type": "m.login.dummy", "session": body["session"]}
    assert register(server, "alice", auth=auth)[0] == 200


def test_a_session_that_is_none_is_forbidden(server) -> None:
    auth = {"type": "m.login.dummy", "session": "unknown"}
    assert errcode(register(server, "alice", auth=auth)) == (403, "M_FORBIDDEN")


def test_closed_registration_is_forbidden_before_anything() -> None:
    with Tuwunel() as server:
        server.create("taken", "pw")
        assert errcode(register(server, "taken")) == (403, "M_FORBIDDEN")
        assert available(server, "free") == (200, {"available": True})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("taken", (400, "M_USER_IN_USE")),
        ("TAKEN", (400, "M_USER_IN_USE")),
        ("gone", (400, "M_USER_IN_USE")),
        ("conduit", (400, "M_USER_IN_USE")),
        ("a b", (400, "M_INVALID_USERNAME")),
        ("", (400, "M_INVALID_USERNAME")),
        ("ä", (400, "M_INVALID_USERNAME")),
        ("root", (403, "M_FORBIDDEN")),
        ("bridge_1", (400, "M_EXCLUSIVE")),
    ],
)
def test_a_name_is_checked_before_any_stage(name, expected) -> None:
    settings = {"forbidden_usernames": ("^root$",), "namespaces": ("bridge_.*",)}
    with Tuwunel(allow_registration=True, **settings) as server:
        server.create("taken", "pw")
        server.create("gone", None)
        assert errcode(available(server, name)) == expected
        assert errcode(register(server, name, auth=None)) == expected


def test_names_that_are_allowed(server) -> None:
    for name in ("123", "_x", "a=b", "a/b", "a.b-c+d", "Caps"):
        assert available(server, name) == (200, {"available": True})


def test_an_emergency_relaxes_registering_but_not_asking() -> None:
    with Tuwunel(allow_registration=True, emergency_password=EMERGENCY) as server:
        assert register(server, "a b")[0] == 200
        assert errcode(available(server, "c d")) == (400, "M_INVALID_USERNAME")


def test_without_a_password_the_account_is_deactivated(server) -> None:
    assert register(server, "alice", password=None)[0] == 200
    assert errcode(server.try_login("alice", "pw")) == (403, "M_USER_DEACTIVATED")


def test_inhibit_login_leaves_a_null(server) -> None:
    status, body = register(server, "alice", inhibit_login=True)
    assert (status, body) == (200, {"user_id": "@alice:example.test", "device_id": None})
    assert not server.devices("alice")


def test_a_token_is_a_stage_where_there_is_any() -> None:
    with Tuwunel(allow_registration=True, registration_token="tok") as server:
        status, body = register(server, "alice", auth=None)
        assert body["flows"] == [{"stages": ["m.login.registration_token"]}]
        status, body = register(server, "alice", **by_token("wrong"))
        assert (status, body["errcode"]) == (401, "M_FORBIDDEN")
        # This text has no code before it.
        assert body["error"] == "Invalid registration token."
        assert body["flows"]
        status, body = register(server, "alice")
        assert (status, body["completed"]) == (401, ["m.login.dummy"])
        assert "errcode" not in body
        assert register(server, "alice", **by_token(" tok "))[0] == 200


def test_a_token_where_none_is_wanted_is_wrong(server) -> None:
    assert errcode(register(server, "alice", **by_token("tok"))) == (401, "M_FORBIDDEN")


def test_a_token_of_the_database_is_used_up(server) -> None:
    server.add_token("once", uses_allowed=1)
    assert register(server, "alice", **by_token("once"))[0] == 200
    # With the last of them, registration is open again.
    assert errcode(register(server, "bob", **by_token("once"))) == (401, "M_FORBIDDEN")
    assert register(server, "bob")[0] == 200


def test_a_bad_name_uses_no_token(server) -> None:
    server.add_token("once", uses_allowed=1)
    assert errcode(register(server, "a b", **by_token("once")))[0] == 400
    assert server.tokens.stored["once"].completed == 0


def test_a_guest_is_refused(server) -> None:
    answer = server.api("POST", REGISTER + "?kind=guest", {})
    assert errcode(answer) == (403, "M_GUEST_ACCESS_FORBIDDEN")


# The first


@pytest.mark.parametrize("inhibit", [False, True])
def test_the_first_that_registers_is_an_administrator(inhibit) -> None:
    with Tuwunel(allow_registration=True) as server:
        register(server, "first", inhibit_login=inhibit)
        register(server, "second")
        assert server.admins() == ["@first:example.test"]


def test_the_rule_fires_after_others_were_made_otherwise() -> None:
    with Tuwunel(allow_registration=True) as server:
        server.create("made", "pw")
        register(server, "stranger")
        assert server.admins() == ["@stranger:example.test"]


def test_the_rule_does_not_fire_once_there_is_an_administrator() -> None:
    with Tuwunel(allow_registration=True) as server:
        server.create("boss", "pw", admin=True)
        register(server, "stranger")
        assert server.admins() == ["@boss:example.test"]


@pytest.mark.parametrize("setting", ["grant_admin_to_first_user", "create_admin_room"])
def test_the_rule_can_be_switched_off(setting) -> None:
    with Tuwunel(allow_registration=True, **{setting: False}) as server:
        register(server, "first")
        assert not server.admins()


# Is a token good?


def test_validity_is_told_where_there_is_a_token_also_when_closed() -> None:
    with Tuwunel() as server:
        assert errcode(server.api("GET", VALIDITY + "x")) == (403, "M_FORBIDDEN")
        server.add_token("x")
        assert server.api("GET", VALIDITY + "x") == (200, {"valid": True})
        assert server.api("GET", VALIDITY + "y") == (200, {"valid": False})


# Logging in


def test_what_a_login_says_of_an_account(server) -> None:
    server.create("alice", "pw")
    server.create("gone", None)
    server.create("shut", "pw")
    server.user("shut").locked = True
    absent, wrong = server.try_login("nobody", "pw"), server.try_login("alice", "no")
    assert absent == wrong and errcode(wrong) == (403, "M_FORBIDDEN")
    assert errcode(server.try_login("gone", "any")) == (403, "M_USER_DEACTIVATED")
    # A lock is told to who has the password.
    assert errcode(server.try_login("shut", "no")) == (403, "M_FORBIDDEN")
    status, body = server.try_login("shut", "pw")
    assert (status, body["errcode"], body["soft_logout"]) == (401, "M_USER_LOCKED", True)
    assert errcode(server.try_login("@alice:else.test", "pw")) == (400, "M_UNKNOWN")
    assert errcode(server.try_login("a b", "pw")) == (403, "M_FORBIDDEN")
    assert errcode(server.try_login("a:b", "pw")) == (400, "M_INVALID_USERNAME")
    assert server.try_login("ALICE", "pw")[1]["user_id"] == "@alice:example.test"
    assert server.try_login("@alice:example.test", "pw")[0] == 200


def test_a_locked_account_could_log_in_before_1_9() -> None:
    with Tuwunel(version="1.8.3") as server:
        server.create("alice", "pw")
        server.user("alice").locked = True
        token = server.login("alice", "pw")
        status, body = server.api("GET", "/_matrix/client/v3/account/whoami", token=token)
        assert (status, body["errcode"]) == (401, "M_USER_LOCKED")


def test_a_locked_account_may_log_out(server) -> None:
    server.create("alice", "pw")
    token = server.login("alice", "pw")
    server.user("alice").locked = True
    server.logout(token)
    assert not server.devices("alice")


def test_a_device_is_used_again_and_no_session_ends_unless_asked(server) -> None:
    server.create("alice", "pw")
    for _ in range(3):
        status, body = server.try_login("alice", "pw", device_id="SAME")
        assert "expires_in_ms" not in body
    assert server.devices("alice") == ["SAME"]
    status, body = server.try_login("alice", "pw", refresh_token=True)
    assert body["expires_in_ms"] == 604_800_000


def test_all_tokens_of_a_device_are_good_until_it_goes(server) -> None:
    server.create("alice", "pw")
    tokens = [server.login("alice", "pw", device_id="SAME") for _ in range(3)]
    assert all(server.whoami(token)["device_id"] == "SAME" for token in tokens)
    server.logout(tokens[0])
    server.login("alice", "pw", device_id="SAME")
    assert not any(server.whoami(token) for token in tokens)


def test_a_device_had_one_token_before_1_7_1() -> None:
    with Tuwunel(version="1.7.0") as server:
        server.create("alice", "pw")
        first = server.login("alice", "pw", device_id="SAME")
        assert server.whoami(server.login("alice", "pw", device_id="SAME"))
        assert not server.whoami(first)


def test_password_logins_can_be_switched_off() -> None:
    with Tuwunel(login_enabled=False) as server:
        server.create("alice", "pw")
        assert errcode(server.try_login("alice", "pw")) == (400, "M_UNKNOWN")
        flows = server.asked("GET", "/_matrix/client/v3/login")["flows"]
        assert {"type": "m.login.password"} not in flows


def test_one_s_own_password_is_changed_by_a_stage(server) -> None:
    server.create("alice", "pw")
    token, other = server.login("alice", "pw"), server.login("alice", "pw")
    path = "/_matrix/client/v3/account/password"
    status, body = server.api("POST", path, {"new_password": "new"}, token)
    assert (status, body["flows"]) == (401, [{"stages": ["m.login.password"]}])
    auth = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": "alice"},
        "password": "wrong",
    }
    change = {"new_password": "new", "logout_devices": False}
    refused = server.api("POST", path, change | {"auth": auth}, token)
    assert errcode(refused) == (401, "M_FORBIDDEN")
    right = {"auth": auth | {"password": "pw"}}
    assert server.api("POST", path, change | right, token) == (200, {})
    assert server.opens("alice", "new") and server.whoami(other)
    mine = auth | {"password": "new"}
    assert server.api("POST", path, {"new_password": "3", "auth": mine}, token) == (200, {})
    assert server.whoami(token) and not server.whoami(other)
    theirs = auth | {"identifier": {"type": "m.id.user", "user": "bob"}}
    stranger = server.api("POST", path, {"new_password": "4", "auth": theirs}, token)
    assert errcode(stranger) == (403, "M_FORBIDDEN")


# An emergency


def test_an_emergency_lets_the_bot_in_and_outlives_its_end() -> None:
    with Tuwunel() as server:
        assert errcode(server.try_login("conduit", EMERGENCY)) == (403, "M_USER_DEACTIVATED")
        server.restart(emergency_password=EMERGENCY)
        token = server.login("conduit", EMERGENCY)
        assert server.api("GET", BOT, token=token)[1]["admin"] is True
        server.restart(emergency_password=None)
        # Neither the session nor the password ends with it.
        assert server.whoami(token)
        assert server.opens("conduit", EMERGENCY)
        # An administrator ends both.
        server.asked("PUT", BOT, {"deactivated": True}, server.admin_token)
        assert not server.whoami(token)
        assert errcode(server.try_login("conduit", EMERGENCY)) == (403, "M_USER_DEACTIVATED")


def test_at_each_start_the_password_of_an_emergency_is_set_again() -> None:
    with Tuwunel(emergency_password=EMERGENCY) as server:
        server.asked("PUT", BOT, {"deactivated": True}, server.admin_token)
        server.restart()
        assert server.opens("conduit", EMERGENCY)


def test_in_an_emergency_the_bot_is_in_the_list_of_the_active() -> None:
    with Tuwunel(emergency_password=EMERGENCY) as server:
        path = "/_synapse/admin/v2/users?deactivated=false"
        listed = server.asked("GET", path, token=server.admin_token)["users"]
        assert "@conduit:example.test" in [one["name"] for one in listed]


# Registration tokens (section 1.3)


def ask(server: Tuwunel, method: str, path: str = "", body: Any = None) -> tuple[int, Any]:
    return server.api(method, TOKENS + path, body, server.admin_token)


def test_a_token_is_made_read_changed_and_deleted(server) -> None:
    later = int(time.time() * 1000) + 60_000
    made = ask(server, "POST", "/new", {"token": "t", "uses_allowed": 3, "expiry_time": later})
    told = {
        "token": "t",
        "uses_allowed": 3,
        "pending": 0,
        "completed": 0,
        "expiry_time": later,
    }
    assert made == (200, told)
    assert ask(server, "GET", "/t") == (200, told)
    # What is missing stays, and null is no limit.
    kept = ask(server, "PUT", "/t", {"expiry_time": None})[1]
    assert (kept["uses_allowed"], kept["expiry_time"]) == (3, None)
    assert ask(server, "PUT", "/t", {"uses_allowed": None})[1]["uses_allowed"] is None
    assert ask(server, "DELETE", "/t") == (200, {})
    for method in ("GET", "PUT", "DELETE"):
        assert errcode(ask(server, method, "/t", {})) == (404, "M_NOT_FOUND")


def test_a_token_is_of_16_letters_or_of_as_many_as_are_asked_for(server) -> None:
    made = ask(server, "POST", "/new", {})[1]
    assert len(made["token"]) == 16
    assert (made["uses_allowed"], made["expiry_time"]) == (None, None)
    assert len(ask(server, "POST", "/new", {"length": 40})[1]["token"]) == 40


def test_a_token_may_have_any_characters_and_no_double(server) -> None:
    assert ask(server, "POST", "/new", {"token": "a b/c"})[0] == 200
    assert ask(server, "GET", "/" + quote("a b/c", safe=""))[0] == 200
    again = ask(server, "POST", "/new", {"token": "a b/c"})
    assert errcode(again) == (400, "M_INVALID_PARAM")


@pytest.mark.parametrize("value", [-1, 2**53, "3", 1.5, True])
def test_a_number_is_a_whole_one_within_bounds(server, value) -> None:
    answer = ask(server, "POST", "/new", {"uses_allowed": value})
    assert errcode(answer) == (400, "M_BAD_JSON")
    assert not server.tokens.stored


def test_a_token_of_the_past_is_made_and_vanishes(server) -> None:
    assert ask(server, "POST", "/new", {"token": "past", "expiry_time": 1})[0] == 200
    assert ask(server, "GET")[1] == {"registration_tokens": []}


def test_only_valid_tokens_are_listed() -> None:
    with Tuwunel(registration_token="of the file") as server:
        server.add_token("t")
        both = ask(server, "GET")[1]["registration_tokens"]
        assert [one["token"] for one in both] == ["of the file", "t"]
        assert (both[0]["uses_allowed"], both[0]["completed"]) == (None, 0)
        assert ask(server, "GET", "?valid=true")[1]["registration_tokens"] == both
        assert ask(server, "GET", "?valid=false")[1] == {"registration_tokens": []}


def test_a_token_of_the_configuration_stays() -> None:
    with Tuwunel(registration_token="tok") as server:
        assert ask(server, "GET", "/tok")[0] == 200
        assert errcode(ask(server, "PUT", "/tok", {})) == (403, "M_FORBIDDEN")
        assert errcode(ask(server, "DELETE", "/tok")) == (403, "M_FORBIDDEN")


def test_tokens_are_administrators_matter(server) -> None:
    server.create("alice", "pw")
    answer = server.api("GET", TOKENS, token=server.token_of("alice"))
    assert errcode(answer) == (403, "M_FORBIDDEN")


# MSC4323 (section 1.4)


@pytest.mark.parametrize(("act", "key"), [("suspend", "suspended"), ("lock", "locked")])
def test_a_user_is_suspended_and_locked_by_msc4323(server, act, key) -> None:
    server.create("alice", "pw")
    path = f"/_matrix/client/v1/admin/{act}/@alice:example.test"
    token = server.admin_token
    before = len(server.events())
    for value in (True, True, False):
        assert server.api("PUT", path, {key: value}, token) == (200, {key: value})
        assert server.api("GET", path, token=token) == (200, {key: value})
    assert getattr(server.user("alice"), key) is False
    # The room hears of what changed.
    told = [one.content["msgtype"] for one in server.events()[before:]]
    assert told == ["m.text", "m.text"]


def test_who_asks_is_looked_at_in_this_order(server) -> None:
    server.create("alice", "pw")
    server.create("gone", None)
    server.create("boss", "pw", admin=True)

    def at(name: str, token: str, method: str = "PUT") -> tuple[int, str | None]:
        user = name if name.startswith("@") else f"@{name}:example.test"
        path = f"/_matrix/client/v1/admin/lock/{user}"
        body = {"locked": True} if method == "PUT" else None
        return errcode(server.api(method, path, body, token))

    plain, boss = server.token_of("alice"), server.token_of("boss")
    for method in ("GET", "PUT"):
        assert at("boss", boss, method) == (403, "M_FORBIDDEN")
        assert at("@x:else.test", plain, method) == (400, "M_INVALID_PARAM")
        assert at("nobody", plain, method) == (403, "M_FORBIDDEN")
        assert at("nobody", boss, method) == (404, "M_NOT_FOUND")
        assert at("gone", boss, method) == (404, "M_NOT_FOUND")
        assert at("conduit", boss, method) == (404, "M_NOT_FOUND")
        assert at("harness-admin", boss, method) == (403, "M_FORBIDDEN")
