# SPDX-License-Identifier: GPL-3.0-or-later
"""Users by the admin API of the stand-in for tuwunel: each test is a fact of tuwunel
1.9.0, read in its source or seen running (sections 1.2 and 11)."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.tuwunel import Tuwunel

V1, V2 = "/_synapse/admin/v1", "/_synapse/admin/v2"


@pytest.fixture
def server() -> Iterator[Tuwunel]:
    with Tuwunel() as server:
        yield server
        assert not server.complaints


def path_of(name: str) -> str:
    user_id = name if name.startswith("@") else f"@{name}:example.test"
    return f"{V2}/users/{quote(user_id, safe='')}"


def get(server: Tuwunel, name: str) -> tuple[int, Any]:
    return server.api("GET", path_of(name), token=server.admin_token)


def put(server: Tuwunel, name: str, body: Any = None) -> tuple[int, Any]:
    return server.api("PUT", path_of(name), body, server.admin_token)


def post(server: Tuwunel, path: str, body: Any = None) -> tuple[int, Any]:
    return server.api("POST", V1 + path, body, server.admin_token)


def errcode(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["errcode"]


# Who may ask


def test_tokens_and_rights_are_looked_at_in_this_order(server) -> None:
    server.create("alice", "pw")
    plain = server.token_of("alice")
    path = path_of("alice")
    assert errcode(server.api("GET", path)) == (401, "M_MISSING_TOKEN")
    assert errcode(server.api("GET", path, token="unknown")) == (401, "M_UNKNOWN_TOKEN")
    assert errcode(server.api("GET", path, token=plain)) == (403, "M_FORBIDDEN")
    # Types come before rights.
    wrong = server.api("PUT", path, {"admin": "yes"}, plain)
    assert errcode(wrong) == (400, "M_BAD_JSON")
    assert errcode(server.api("GET", f"{V2}/users/alice", token=plain)) == (400, "M_BAD_JSON")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("password", 5),
        ("logout_devices", None),
        ("admin", "true"),
        ("deactivated", 1),
        ("threepids", {}),
        ("threepids", [{"medium": "email"}]),
        ("external_ids", [{"auth_provider": "x"}]),
        ("avatar_url", []),
    ],
)
def test_another_type_is_bad_json_and_nothing_is_done(server, field, value) -> None:
    assert errcode(put(server, "alice", {field: value})) == (400, "M_BAD_JSON")
    assert server.find("alice") is None


def test_what_is_no_json_is_not_json(server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.listener.port)
    headers = {"Authorization": "Bearer " + server.admin_token}
    connection.request("PUT", path_of("alice"), b"{", headers)
    assert b"M_NOT_JSON" in connection.getresponse().read()
    connection.close()


# Reading


def test_details_have_exactly_these_fields(server) -> None:
    put(server, "alice", {"password": "pw"})
    assert get(server, "alice") == (
        200,
        {
            "name": "@alice:example.test",
            "is_guest": False,
            "admin": False,
            "deactivated": False,
            "locked": False,
            "shadow_banned": False,
            "suspended": False,
            "erased": False,
            "consent_ts": None,
            "creation_ts": 0,
            "last_seen_ts": None,
            "displayname": None,
        },
    )
    body = {"avatar_url": "mxc://x/y", "threepids": [{"medium": "email", "address": "A@B.test"}]}
    put(server, "alice", body)
    server.login("alice", "pw")
    seen = get(server, "alice")[1]
    assert seen["avatar_url"] == "mxc://x/y"
    assert seen["last_seen_ts"] > 0
    (threepid,) = seen["threepids"]
    assert threepid.pop("added_at") == threepid.pop("validated_at") > 0
    assert threepid == {"medium": "email", "address": "a@b.test"}


def test_an_absent_user_is_not_found_and_a_foreign_one_is_wrong(server) -> None:
    assert errcode(get(server, "nobody")) == (404, "M_NOT_FOUND")
    assert errcode(get(server, "@x:elsewhere.test")) == (400, "M_INVALID_PARAM")
    assert errcode(put(server, "@x:elsewhere.test", {})) == (400, "M_INVALID_PARAM")


def test_the_bot_is_an_administrator_that_is_deactivated(server) -> None:
    seen = get(server, "conduit")[1]
    assert (seen["admin"], seen["deactivated"]) == (True, True)


# Making


def test_made_and_changed_are_both_200(server) -> None:
    for _ in range(2):
        status, body = put(server, "alice", {"password": "pw", "displayname": "A"})
        assert (status, body["displayname"]) == (200, "A")


@pytest.mark.parametrize("body", [None, {}, {"password": None}, {"displayname": "A"}])
def test_without_a_password_it_makes_a_deactivated_account(server, body) -> None:
    assert put(server, "alice", body)[1]["deactivated"] is True
    assert errcode(server.try_login("alice", "")) == (403, "M_USER_DEACTIVATED")


def test_explicitly_active_it_has_no_usable_password(server) -> None:
    assert put(server, "alice", {"deactivated": False})[1]["deactivated"] is False
    for password in ("", "*"):
        assert errcode(server.try_login("alice", password)) == (403, "M_FORBIDDEN")


def test_an_empty_password_is_one(server) -> None:
    put(server, "alice", {"password": ""})
    assert server.try_login("alice", "")[0] == 200


def test_a_star_is_no_password(server) -> None:
    assert put(server, "alice", {"password": "*"})[1]["deactivated"] is False
    assert errcode(server.try_login("alice", "*")) == (403, "M_FORBIDDEN")


@pytest.mark.parametrize("name", ["Caps", "bad!n", "bäd", "a b", "a/b", "_x", "123"])
def test_it_takes_names_of_any_kind_as_they_are(server, name) -> None:
    assert put(server, name, {"password": "pw"})[1]["name"] == f"@{name}:example.test"
    assert server.try_login(name, "pw")[0] == 200


def test_it_gives_no_display_name_of_its_own(server) -> None:
    put(server, "alice", {"password": "pw"})
    assert server.profile("alice") == {}


def test_what_it_does_not_store_is_taken_and_forgotten(server) -> None:
    body = {
        "password": "pw",
        "user_type": "bot",
        "approved": True,
        "external_ids": [{"auth_provider": "oidc", "external_id": "x"}],
    }
    status, seen = put(server, "alice", body)
    assert status == 200
    assert not {"user_type", "approved", "external_ids"} & seen.keys()


# Changing


def test_an_empty_text_clears_and_null_keeps(server) -> None:
    put(server, "alice", {"displayname": "A", "avatar_url": "http://not.checked"})
    kept = put(server, "alice", {"displayname": None})[1]
    assert (kept["displayname"], kept["avatar_url"]) == ("A", "http://not.checked")
    seen = put(server, "alice", {"displayname": "", "avatar_url": ""})[1]
    assert seen["displayname"] is None and "avatar_url" not in seen


def test_a_password_ends_all_sessions_unless_told_otherwise(server) -> None:
    server.create("alice", "pw")
    token = server.login("alice", "pw")
    put(server, "alice", {"password": "new", "logout_devices": False})
    assert server.whoami(token) is not None
    put(server, "alice", {"password": "newer"})
    assert server.whoami(token) is None
    assert server.opens("alice", "newer")


def test_only_email_addresses_are_kept_and_all_are_replaced(server) -> None:
    first = [
        {"medium": "email", "address": "Alice@Example.test"},
        {"medium": "msisdn", "address": "4912345"},
    ]
    seen = put(server, "alice", {"threepids": first})[1]
    assert [one["address"] for one in seen["threepids"]] == ["alice@example.test"]
    second = [{"medium": "email", "address": "b@example.test"}]
    seen = put(server, "alice", {"threepids": second})[1]
    assert [one["address"] for one in seen["threepids"]] == ["b@example.test"]
    assert "threepids" not in put(server, "alice", {"threepids": []})[1]
    wrong = [{"medium": "email", "address": "no address"}]
    assert errcode(put(server, "alice", {"threepids": wrong})) == (400, "M_INVALID_PARAM")


def test_an_address_leads_to_who_has_it(server) -> None:
    put(server, "alice", {"threepids": [{"medium": "email", "address": "a@example.test"}]})
    path = f"{V1}/threepid/%s/users/A%%40example.test"
    token = server.admin_token
    assert server.asked("GET", path % "email", token=token) == {"user_id": "@alice:example.test"}
    assert errcode(server.api("GET", path % "msisdn", token=token)) == (404, "M_NOT_FOUND")


@pytest.mark.parametrize("origin", ["ldap", "jwt", "oidc"])
def test_an_account_from_elsewhere_refuses_a_password(server, origin) -> None:
    server.from_elsewhere("alice", origin)
    assert errcode(put(server, "alice", {"password": "pw"})) == (400, "M_INVALID_PARAM")
    assert errcode(server.try_login("alice", "pw")) == (403, "M_FORBIDDEN")
    assert put(server, "alice", {"password": "*"})[0] == 200


# Administrators


def test_an_administrator_is_who_is_in_the_room(server) -> None:
    put(server, "alice", {"password": "pw"})
    for _ in range(2):
        assert put(server, "alice", {"admin": True})[1]["admin"] is True
    assert server.admins() == ["@alice:example.test", "@harness-admin:example.test"]
    assert server.admin_room.power("@alice:example.test") == 100
    assert server.admin_room.power(server.bot_id) == 69420
    assert put(server, "alice", {"admin": False})[1]["admin"] is False
    # The power stays behind.
    assert server.admin_room.power("@alice:example.test") == 100


def test_taking_the_rights_of_who_has_none_is_500_after_all_the_rest(server) -> None:
    status, body = put(server, "alice", {"password": "pw", "admin": False, "locked": True})
    assert (status, body) == (
        500,
        {"errcode": "M_UNKNOWN", "error": "@alice:example.test was never an admin."},
    )
    # The account is there; what comes later in the order is not done.
    assert server.opens("alice", "pw")
    put(server, "alice", {"admin": True})
    put(server, "alice", {"admin": False})
    status, body = put(server, "alice", {"admin": False})
    assert status == 500
    assert body["error"] == 'Cannot revoke @alice:example.test in membership state "leave".'


def test_the_name_is_set_before_the_rights_and_the_lock_after_them(server) -> None:
    server.create("alice", "pw")
    body = {"displayname": "A", "admin": False, "deactivated": True}
    assert put(server, "alice", body)[0] == 500
    account = server.user("alice")
    assert (account.displayname, account.deactivated) == ("A", False)


def test_nobody_takes_his_own_rights(server) -> None:
    server.create("other", "pw", admin=True)
    answer = put(server, "harness-admin", {"admin": False, "password": "new"})
    assert errcode(answer) == (400, "M_INVALID_PARAM")
    assert not server.opens("harness-admin", "new")


def test_the_last_administrator_stays_one(server) -> None:
    """Whoever asks is one, so that it takes the bot to ask it of the last."""
    server.create("last", "pw", admin=True)
    bot = server.token_of("conduit")
    answer = server.api("PUT", path_of("last"), {"admin": False}, bot)
    assert answer == (
        403,
        {
            "errcode": "M_FORBIDDEN",
            "error": "M_FORBIDDEN: Last admin cannot leave the admins room.",
        },
    )


def test_the_bot_stays_one(server) -> None:
    status, body = put(server, "conduit", {"admin": False})
    assert (status, body["errcode"]) == (403, "M_FORBIDDEN")


def test_rights_of_an_absent_user_make_a_deactivated_administrator(server) -> None:
    seen = put(server, "alice", {"admin": True})[1]
    assert (seen["admin"], seen["deactivated"]) == (True, True)


def test_a_deactivated_administrator_is_one_still(server) -> None:
    server.create("alice", "pw", admin=True)
    seen = put(server, "alice", {"deactivated": True})[1]
    assert (seen["admin"], seen["deactivated"]) == (True, True)
    assert put(server, "alice", {"admin": False})[1]["admin"] is False


def test_the_flag_alone_is_told_of_anybody_there_or_not(server) -> None:
    path = f"{V1}/users/%40nobody%3Aexample.test/admin"
    assert server.asked("GET", path, token=server.admin_token) == {"admin": False}
    server.promote("@nobody:example.test")
    assert server.asked("GET", path, token=server.admin_token) == {"admin": True}
    assert errcode(get(server, "nobody")) == (404, "M_NOT_FOUND")


def test_the_bot_is_not_protected(server) -> None:
    put(server, "conduit", {"password": "pw"})
    assert server.try_login("conduit", "pw")[0] == 200
    assert put(server, "conduit", {"deactivated": True})[1]["deactivated"] is True


# Deactivated, active, locked


def test_deactivating_and_back_again(server) -> None:
    put(server, "alice", {"password": "pw", "displayname": "A"})
    token = server.login("alice", "pw")
    assert put(server, "alice", {"deactivated": True})[1]["displayname"] == "A"
    assert server.whoami(token) is None
    assert errcode(server.try_login("alice", "pw")) == (403, "M_USER_DEACTIVATED")
    # The old password is gone.
    assert put(server, "alice", {"deactivated": False})[1]["deactivated"] is False
    assert errcode(server.try_login("alice", "pw")) == (403, "M_FORBIDDEN")
    both = {"deactivated": True, "password": "pw"}
    assert put(server, "alice", both)[1]["deactivated"] is True
    assert put(server, "alice", {"password": "pw"})[1]["deactivated"] is False
    assert server.opens("alice", "pw")
    put(server, "alice", {"deactivated": True})
    put(server, "alice", {"deactivated": False, "password": "new"})
    assert server.opens("alice", "new")


def test_active_already_it_keeps_its_password(server) -> None:
    put(server, "alice", {"password": "pw"})
    put(server, "alice", {"deactivated": False})
    assert server.opens("alice", "pw")


def test_deactivated_and_locked_is_a_contradiction(server) -> None:
    body = {"deactivated": True, "locked": True}
    assert errcode(put(server, "alice", body)) == (400, "M_INVALID_PARAM")
    assert server.find("alice") is None


def test_one_may_lock_oneself_and_is_out(server) -> None:
    put(server, "harness-admin", {"locked": True})
    status, body = get(server, "harness-admin")
    assert (status, body["errcode"], body["soft_logout"]) == (401, "M_USER_LOCKED", True)


def test_deactivate_is_idempotent_and_erases_when_told(server) -> None:
    server.create("alice", "pw")
    for _ in range(2):
        told = post(server, "/deactivate/@alice:example.test")
        assert told == (200, {"id_server_unbind_result": "success"})
    assert get(server, "alice")[1]["erased"] is False
    post(server, "/deactivate/@alice:example.test", {"erase": True})
    seen = get(server, "alice")[1]
    assert seen["erased"] is True and seen["displayname"].startswith("alice")
    assert errcode(post(server, "/deactivate/@x:example.test")) == (404, "M_NOT_FOUND")
    assert errcode(post(server, "/deactivate/@x:else.test")) == (400, "M_INVALID_PARAM")


def test_deactivated_it_stays_in_the_admin_room(server) -> None:
    server.create("alice", "pw", admin=True)
    post(server, "/deactivate/@alice:example.test")
    assert server.is_admin("@alice:example.test")


# One thing each


def test_a_password_is_reset(server) -> None:
    server.create("alice", "pw")
    token = server.login("alice", "pw")
    path = "/reset_password/@alice:example.test"
    assert post(server, path, {"new_password": "new", "logout_devices": False}) == (200, {})
    assert server.whoami(token) is not None
    assert post(server, path, {"new_password": ""}) == (200, {})
    assert server.whoami(token) is None
    assert server.try_login("alice", "")[0] == 200
    server.deactivate(server.user("alice"))
    post(server, path, {"new_password": "again"})
    assert server.opens("alice", "again")
    absent = post(server, "/reset_password/@x:example.test", {"new_password": "x"})
    assert errcode(absent) == (404, "M_NOT_FOUND")


def test_a_user_is_suspended_by_one_key_that_names_it(server) -> None:
    server.create("alice", "pw")
    path = f"{V1}/suspend/@alice:example.test"
    for value in (True, True, False):
        told = server.asked("PUT", path, {"suspend": value}, server.admin_token)
        assert told == {"user_@alice:example.test_suspended": value}
    server.asked("PUT", path, {"suspend": True}, server.admin_token)
    assert server.try_login("alice", "pw")[0] == 200
    path = f"{V1}/suspend/@x:example.test"
    absent = server.api("PUT", path, {"suspend": True}, server.admin_token)
    assert errcode(absent) == (404, "M_NOT_FOUND")


def test_a_suspended_administrator_may_do_all_but_speak(server) -> None:
    path = f"{V1}/suspend/@harness-admin:example.test"
    server.asked("PUT", path, {"suspend": True}, server.admin_token)
    room = quote(server.admin_room.room_id, safe="")
    send = f"/_matrix/client/v3/rooms/{room}/send/m.room.message/1"
    body = {"msgtype": "m.text", "body": "!admin users list"}
    said = server.api("PUT", send, body, server.admin_token)
    assert errcode(said) == (400, "M_USER_SUSPENDED")
    assert server.asked("PUT", path, {"suspend": False}, server.admin_token)


def test_a_login_as_somebody_else(server) -> None:
    server.create("alice", None)
    path = "/users/@alice:example.test/login"
    status, body = post(server, path)
    assert (status, list(body)) == (200, ["access_token"])
    # Deactivated or not.
    assert server.whoami(body["access_token"])["user_id"] == "@alice:example.test"
    (device,) = server.user("alice").devices.values()
    assert device.display_name == "Admin login"
    own = post(server, "/users/@harness-admin:example.test/login")
    assert errcode(own) == (400, "M_INVALID_PARAM")
    assert errcode(post(server, "/users/@x:example.test/login")) == (404, "M_NOT_FOUND")


def test_a_login_as_somebody_else_may_end(server) -> None:
    server.create("alice", "pw")
    soon = int(time.time() * 1000) - 1
    _, body = post(server, "/users/@alice:example.test/login", {"valid_until_ms": soon})
    status, told = server.api(
        "GET", "/_matrix/client/v3/account/whoami", token=body["access_token"]
    )
    assert (status, told["errcode"], told["soft_logout"]) == (401, "M_UNKNOWN_TOKEN", True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("taken", (400, "M_USER_IN_USE")),
        ("gone", (400, "M_USER_IN_USE")),
        ("Caps", (400, "M_INVALID_USERNAME")),
        ("a b", (400, "M_INVALID_USERNAME")),
        ("a:b", (400, "M_INVALID_USERNAME")),
        ("root", (400, "M_INVALID_USERNAME")),
        ("bridge_1", (400, "M_EXCLUSIVE")),
    ],
)
def test_a_name_is_available_or_an_error(name, expected) -> None:
    with Tuwunel(forbidden_usernames=("^root$",), namespaces=("bridge_.*",)) as server:
        server.create("taken", "pw")
        server.create("gone", None)
        path = f"{V1}/username_available?username="
        answer = server.api("GET", path + quote(name), token=server.admin_token)
        assert errcode(answer) == expected
        free = server.api("GET", path + "free", token=server.admin_token)
        assert free == (200, {"available": True})
