# SPDX-License-Identifier: GPL-3.0-or-later
"""As test_stand_in.py, for every field of an account, for sessions that are
kept, for rooms, and for servers that are set up otherwise."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.hostile_talk import (
    ADD,
    DEVICE,
    LOGIN,
    LOGIN_AS,
    LOGOUT,
    PROFILE,
    USERS,
    WHOAMI,
    WITHOUT_THE_MODULE,
    Talk,
    assert_same_said,
    credentials,
    question,
)

ADMIN = "/_synapse/admin/v1/"
ALICE = "@alice:example.test"
BOB = "@bob:example.test"
NOBODY = "@nobody:example.test"
STRANGE = ("alice", "@alice:elsewhere.test", "alice:example.test", NOBODY)
THREEPIDS = "/_matrix/client/v3/account/3pid"
JOINED = "/_matrix/client/v3/joined_rooms"


def mail(*addresses: str) -> list[dict[str, str]]:
    return [{"medium": "email", "address": address} for address in addresses]


def phone(number: str) -> list[dict[str, str]]:
    return [{"medium": "msisdn", "address": number}]


def ids(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"auth_provider": provider, "external_id": one} for provider, one in pairs]


def settled(talk: Talk, **more: object) -> tuple[str, str]:
    """Root's token and alice's; bob is there, too."""
    root = talk.register("root", "rootpw", admin=True, **more)["access_token"]
    alice = talk.register("alice", "alicepw")["access_token"]
    talk.register("bob", "bobpw", inhibit_login=True)
    return root, alice


def addresses(talk: Talk) -> None:
    root, alice = settled(talk)
    for threepids in (
        mail("Alice@EX.org"),
        mail("Alice@EX.org"),
        mail("alice@ex.org", "  Two@ex.org "),
        mail("STRASSE@ex.org", "straße@ex.org"),
        [],
        phone("491234") + mail("alice@ex.org"),
        None,
        mail("no address"),
        mail("a@b@c"),
        mail("@"),
        mail(""),
        [{"medium": "pigeon", "address": "x"}],
        [{"medium": "email"}],
        [{"address": "a@b.c"}],
        [{}],
        5,
        [5],
        {},
        "x",
        mail("alice@ex.org") + phone("491234"),
    ):
        talk.ask("PUT", USERS + ALICE, {"threepids": threepids}, root)
        talk.ask("GET", USERS + ALICE, token=root)
    talk.ask("GET", THREEPIDS, token=alice)
    talk.ask("GET", THREEPIDS)
    # Somebody else's address changes hands without a word.
    talk.ask("PUT", USERS + BOB, {"threepids": mail("ALICE@ex.org")}, root)
    talk.ask("GET", USERS + ALICE, token=root)
    by_address = ADMIN + "threepid/{}/users/{}"
    for medium, address in (
        ("email", "alice@ex.org"),
        ("email", "alice%40ex.org"),
        ("email", "Alice%40ex.org"),
        ("email", "no"),
        ("msisdn", "491234"),
        ("pigeon", "x"),
    ):
        talk.ask("GET", by_address.format(medium, address), token=root)
    for token in (None, alice):
        talk.ask("GET", by_address.format("email", "x"), token=token)
    body = {"password": "x", "threepids": mail("New@ex.org", "Alice@EX.org")}
    talk.ask("PUT", USERS + "@new:example.test", body, root)
    talk.ask("GET", USERS + BOB, token=root)
    # Refused, and there all the same.
    talk.ask("PUT", USERS + "@half:example.test", {"threepids": mail("nonsense")}, root)
    talk.ask("GET", USERS + "@half:example.test", token=root)


def external_ids(talk: Talk) -> None:
    root, alice = settled(talk)
    for pairs in (
        ids(("oidc", "a"), ("saml", "b")),
        ids(("oidc", "a2")),
        ids(("oidc", "a"), ("oidc", "a2")),
        ids(("oidc", "a"), ("oidc", "a")),
        [],
        None,
        [{"auth_provider": "x"}],
        [{"external_id": "x"}],
        5,
        [5],
        "x",
        ids(("oidc", "a"), ("sa/ml", "Ä b")),
    ):
        talk.ask("PUT", USERS + ALICE, {"external_ids": pairs}, root)
        talk.ask("GET", USERS + ALICE, token=root)
    talk.ask("PUT", USERS + BOB, {"external_ids": ids(("oidc", "bob"))}, root)
    clash = ids(("saml", "free"), ("oidc", "a"))
    talk.ask("PUT", USERS + BOB, {"external_ids": clash, "displayname": "B"}, root)
    talk.ask("GET", USERS + BOB, token=root)
    talk.ask("PUT", USERS + "@new:example.test", {"external_ids": clash}, root)
    talk.ask("GET", USERS + "@new:example.test", token=root)
    by_id = ADMIN + "auth_providers/{}/users/{}"
    for provider, one in (("oidc", "a"), ("sa%2Fml", "%C3%84%20b"), ("oidc", "A"), ("no", "a")):
        talk.ask("GET", by_id.format(provider, one), token=root)
    for token in (None, alice):
        talk.ask("GET", by_id.format("oidc", "a"), token=token)


def looks(talk: Talk) -> None:
    root, alice = settled(talk)
    for avatar in ("mxc://a/b", "", "  x ", "x" * 1000, "x" * 1001, None, 5):
        talk.ask("PUT", USERS + ALICE, {"avatar_url": avatar}, root)
        talk.ask("GET", PROFILE + ALICE)
        talk.ask("GET", PROFILE + ALICE + "/avatar_url")
        talk.ask("PUT", PROFILE + ALICE + "/avatar_url", {"avatar_url": avatar}, alice)
        talk.ask("GET", PROFILE + ALICE + "/avatar_url")
    talk.ask("PUT", PROFILE + ALICE + "/avatar_url", {}, alice)
    talk.ask("PUT", PROFILE + ALICE + "/avatar_url", {"avatar_url": "x"})
    talk.ask("PUT", PROFILE + BOB + "/avatar_url", {"avatar_url": "x"}, alice)
    # Nothing but an avatar is a profile as well.
    talk.ask("PUT", USERS + ALICE, {"avatar_url": "mxc://a/b", "displayname": ""}, root)
    talk.ask("GET", PROFILE + ALICE)
    talk.ask("GET", PROFILE + ALICE, token="wrong")
    for avatar in ("mxc://c/d", None, 5):
        body = {"avatar_url": avatar, "password": "x"}
        talk.ask("PUT", USERS + f"@avatar{len(str(avatar))}:example.test", body, root)


def kinds(talk: Talk) -> None:
    root, alice = settled(talk)
    for kind in ("bot", "support", None, "", "nonsense", 5, "support"):
        talk.ask("PUT", USERS + ALICE, {"user_type": kind}, root)
        talk.ask("GET", USERS + ALICE, token=root)
    talk.ask("PUT", USERS + "@made:example.test", {"user_type": "bot"}, root)
    for kind in ("bot", "support", None, "", "nonsense"):
        talk.register(f"kind{kind or 'no'}", "x", user_type=kind, admin=True)
    talk.ask("GET", USERS + "@kindsupport:example.test", token=root)


def standing(talk: Talk) -> None:
    root, alice = settled(talk)
    suspend = ADMIN + "suspend/"
    for value in (True, False, True):
        talk.ask("PUT", suspend + ALICE, {"suspend": value}, root)
        talk.ask("GET", USERS + ALICE, token=root)
    talk.ask("PUT", PROFILE + ALICE + "/displayname", {"displayname": "x"}, alice)
    talk.ask("GET", WHOAMI, token=alice)
    talk.log_in("alice", "alicepw")
    for body in ({}, {"suspend": "yes"}, {"suspend": 1}, {"suspend": None}, b"x", b"[]", None):
        talk.ask("PUT", suspend + ALICE, body, root)
    shadow = ADMIN + "users/{}/shadow_ban"
    for method in ("POST", "POST", "DELETE", "DELETE"):
        talk.ask(method, shadow.format(ALICE), None, root)
        talk.ask("GET", USERS + ALICE, token=root)
    for user_id in STRANGE:
        talk.ask("PUT", suspend + user_id, {"suspend": True}, root)
        for method in ("POST", "DELETE"):
            talk.ask(method, shadow.format(user_id), {}, root)
    for token in (None, alice):
        talk.ask("PUT", suspend + BOB, {"suspend": True}, token)
        talk.ask("POST", shadow.format(BOB), {}, token)
        talk.ask("DELETE", shadow.format(BOB), {}, token)
    # Both stay when the account is ended and begun again.
    talk.ask("POST", shadow.format(ALICE), {}, root)
    for value in (True, False):
        talk.ask("PUT", USERS + ALICE, {"deactivated": value}, root)


def limits(talk: Talk) -> None:
    root, alice = settled(talk)
    limit = ADMIN + "users/{}/override_ratelimit"
    talk.ask("GET", limit.format(ALICE), token=root)
    talk.ask("DELETE", limit.format(ALICE), token=root)
    for body in (
        {"messages_per_second": 5, "burst_count": 7},
        {"messages_per_second": 0, "burst_count": 0},
        {"messages_per_second": 1},
        {"burst_count": 2},
        {},
        None,
        {"messages_per_second": -1},
        {"burst_count": 1.5},
        {"burst_count": "5"},
        {"messages_per_second": True},
        {"messages_per_second": None},
        {"messages_per_second": (1 << 63) - 1, "burst_count": 1},
        {"messages_per_second": 1 << 63},
        b"x",
    ):
        talk.ask("POST", limit.format(ALICE), body, root)
        talk.ask("GET", limit.format(ALICE), token=root)
    for value in (True, False):
        talk.ask("PUT", USERS + ALICE, {"deactivated": value}, root)
    talk.ask("GET", limit.format(ALICE), token=root)
    for user_id in STRANGE:
        for method in ("GET", "POST", "DELETE"):
            talk.ask(method, limit.format(user_id), None, root)
    for token in (None, alice):
        for method in ("GET", "POST", "DELETE"):
            talk.ask(method, limit.format(ALICE), None, token)
    talk.ask("DELETE", limit.format(ALICE), {}, root)
    talk.ask("GET", limit.format(ALICE), token=root)


def ends(talk: Talk) -> None:
    root, alice = settled(talk)
    end = ADMIN + "deactivate/"
    full = {
        "threepids": mail("alice@ex.org"),
        "external_ids": ids(("oidc", "a")),
        "avatar_url": "mxc://a/b",
        "user_type": "bot",
        "admin": True,
    }
    talk.ask("PUT", USERS + ALICE, full, root)
    for body in ({"erase": "yes"}, {"erase": None}, {"erase": 1}, b"x", b"[]"):
        talk.ask("POST", end + ALICE, body, root)
    for token in (None, alice):
        talk.ask("POST", end + BOB, {}, token)
    for user_id in STRANGE:
        talk.ask("POST", end + user_id, {}, root)
    for body in ({}, {"erase": True}, None):
        talk.ask("POST", end + ALICE, body, root)
        talk.ask("GET", USERS + ALICE, token=root)
        talk.ask("GET", PROFILE + ALICE)
        talk.ask("GET", PROFILE + ALICE + "/displayname")
    talk.ask("GET", WHOAMI, token=alice)
    talk.ask("PUT", USERS + ALICE, {"displayname": "Back", "deactivated": True}, root)
    talk.ask("PUT", USERS + ALICE, {"deactivated": False, "password": "again"}, root)
    talk.ask("GET", PROFILE + ALICE)
    talk.log_in("alice", "again")
    talk.ask("PUT", USERS + ALICE, {"locked": True}, root)
    talk.ask("PUT", USERS + ALICE, {"deactivated": True}, root)
    talk.ask("PUT", USERS + ALICE, {"deactivated": False}, root)
    # Created, and neither of the two.
    talk.ask("PUT", USERS + "@born:example.test", {"locked": True}, root)
    talk.ask("PUT", USERS + "@dead:example.test", {"deactivated": True}, root)
    # One's own end.
    talk.ask("POST", end + "@root:example.test", {"erase": True}, root)
    talk.ask("GET", WHOAMI, token=root)
    talk.register("root", "again")


def order(talk: Talk) -> None:
    """What comes before a refusal is done, what comes after is not."""
    root, _ = settled(talk)
    talk.ask("PUT", USERS + BOB, {"external_ids": ids(("oidc", "taken"))}, root)
    for body in (
        {"displayname": "1", "threepids": mail("bad"), "avatar_url": "1", "admin": True},
        {"threepids": mail("b@ex.org"), "external_ids": ids(("oidc", "taken")), "admin": True},
        {"external_ids": ids(("oidc", "mine")), "avatar_url": 5, "admin": True},
        {"avatar_url": "mxc://3", "displayname": 5},
        {"user_type": "nonsense", "displayname": "4"},
        {"user_type": "bot", "locked": "x", "displayname": "5"},
    ):
        talk.ask("PUT", USERS + ALICE, body, root)
        talk.ask("GET", USERS + ALICE, token=root)


def devices(talk: Talk) -> None:
    settled(talk)
    first = talk.log_in("alice", "alicepw", device_id="KEPT")["access_token"]
    second = talk.log_in("alice", "alicepw", device_id="KEPT")["access_token"]
    for token in (first, second):
        talk.ask("GET", WHOAMI, token=token)
    talk.ask("POST", LOGOUT, {}, second)
    for token in (first, second):
        talk.ask("GET", WHOAMI, token=token)
    third = talk.log_in("alice", "alicepw", device_id="KEPT")["access_token"]
    talk.ask("GET", WHOAMI, token=third)
    for device_id in ("x" * 512, "x" * 513, "", None, 5, "Ä /"):
        talk.log_in("alice", "alicepw", device_id=device_id)
    talk.ask("POST", LOGIN, credentials("alice", "alicepw") | {"refresh_token": "x"})
    made = talk.register("made", "pw", device_id="MINE", user_type="support", admin=True)
    talk.ask("GET", WHOAMI, token=made["access_token"])
    talk.ask("GET", USERS + "@made:example.test", token=made["access_token"])
    # A new password of one's own, with and without the other sessions.
    talk.log_in("made", "pw", device_id="OTHER")
    mine = USERS + "@made:example.test"
    for body in ({"password": "pw2", "logout_devices": False}, {"password": "pw3"}):
        talk.ask("PUT", mine, body, made["access_token"])
        talk.ask("GET", WHOAMI, token=made["access_token"])
    talk.log_in("made", "pw3")
    talk.ask("POST", LOGOUT, None, made["access_token"])


def rooms(talk: Talk) -> None:
    root, alice = settled(talk)
    room_id = talk.ask("GET", JOINED, token=alice)["joined_rooms"][0]
    other = talk.ask("POST", "/_matrix/client/v3/createRoom", {}, root).get("room_id", "!other")
    # The stand-in was given both, and makes none.
    del talk.heard[-2:]
    talk.hidden = {room_id[1:]: "room", other[1:]: "other"}
    leave = "/_matrix/client/v3/rooms/{}/leave".format
    for token in (alice, None, "wrong"):
        talk.ask("GET", JOINED, token=token)
    made = talk.register("made", "pw", user_type="support", admin=True)["access_token"]
    talk.ask("GET", JOINED, token=made)
    behalf = talk.ask("POST", LOGIN_AS.format(BOB), {}, root)["access_token"]
    talk.ask("GET", JOINED, token=behalf)
    for body in (b"x", b"[]"):
        talk.ask("POST", leave(room_id), body, made)
    talk.ask("POST", leave(room_id), {})
    for body in ({}, {}, None):
        talk.ask("POST", leave(room_id), body, made)
        talk.ask("GET", JOINED, token=made)
    for unknown in ("!unknown:example.test", "nonsense", "!a%2Fb:example.test", other):
        talk.ask("POST", leave(unknown), {}, made)
    for token in (alice, behalf, root, root, made, alice):
        talk.ask("POST", leave(room_id.replace("!", "%21")), None, token)
    talk.ask("GET", JOINED, token=alice)


def restricted(talk: Talk) -> None:
    """No passwords, no changes of addresses, no profiles for strangers."""
    root, alice = settled(talk)
    talk.ask("GET", LOGIN)
    for password in ("alicepw", "wrong"):
        talk.log_in("alice", password)
    for body in ({"displayname": "x", "password": "y", "admin": True}, {"password": None}):
        talk.ask("PUT", USERS + ALICE, body, root)
        talk.ask("GET", USERS + ALICE, token=root)
    talk.ask("PUT", USERS + "@made:example.test", {"password": "z"}, root)
    behalf = talk.ask("POST", LOGIN_AS.format(ALICE), {}, root)["access_token"]
    talk.ask("POST", ADD, question(ALICE, "alicepw"), behalf)
    talk.ask("DELETE", DEVICE, {"auth": credentials(ALICE, "alicepw")}, behalf)
    for token in (None, "wrong", alice):
        for user_id in (ALICE, BOB, NOBODY):
            talk.ask("GET", PROFILE + user_id, token=token)
            talk.ask("GET", PROFILE + user_id + "/displayname", token=token)
    for kind in ("organist", "bot", "nonsense"):
        talk.register(f"kind{kind}", "x", user_type=kind)
        talk.ask("PUT", USERS + ALICE, {"user_type": kind}, root)


def reauthenticated(talk: Talk) -> None:
    """A session that is fresh enough is not asked for a password."""
    root, _ = settled(talk)
    for password in ("alicepw", "wrong"):
        behalf = talk.ask("POST", LOGIN_AS.format(ALICE), {}, root)["access_token"]
        talk.ask("DELETE", DEVICE, {"auth": credentials(ALICE, password)}, behalf)
        talk.ask("POST", ADD, question(ALICE, password), behalf)


def limited(talk: Talk) -> None:
    """Right and wrong logins count, registrations do not."""
    settled(talk)
    talk.ask("POST", LOGIN, {})
    for password in ("alicepw", "wrong", "alicepw", "alicepw", "wrong"):
        talk.log_in("alice", password)
    talk.log_in("bob", "bobpw")
    talk.register("late", "pw")


# What Synapse is told, and what the stand-in is told.
SETTINGS = {
    rooms: (
        {"auto_join_rooms": ["#welcome:example.test"]},
        {"auto_join_rooms": ("!room",), "rooms": {"!other": {"@root:example.test": "join"}}},
    ),
    restricted: (
        {
            "password_config": {"enabled": False},
            "enable_3pid_changes": False,
            "require_auth_for_profile_requests": True,
            "user_types": {"extra_user_types": ["organist"]},
        },
        {
            "password_login": False,
            "enable_3pid_changes": False,
            "require_auth_for_profile_requests": True,
            "extra_user_types": ("organist",),
        },
    ),
    reauthenticated: ({"ui_auth": {"session_timeout": "15m"}}, {"ui_auth_session_timeout": True}),
    limited: (
        {"rc_login": {"address": {"per_second": 0.003, "burst_count": 3}}},
        {"login_burst": 3},
    ),
}
FIELDS = [addresses, external_ids, looks, kinds, standing, limits, ends, order, devices]
SETTINGS |= {conversation: ({}, {}) for conversation in FIELDS}


@pytest.mark.slow
@WITHOUT_THE_MODULE
@pytest.mark.parametrize("conversation", SETTINGS, ids=lambda one: one.__name__)
def test_the_stand_in_says_of_every_field_what_synapse_says(
    conversation: Callable[[Talk], None],
) -> None:
    config, stand_in = SETTINGS[conversation]
    assert_same_said(conversation, config, **stand_in)
