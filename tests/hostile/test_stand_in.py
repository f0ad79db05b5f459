# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in of Synapse that the hostile server misbehaves on is held
against a running Synapse: the same requests, the same statuses and bodies."""

from __future__ import annotations

import pytest

from tests.support.hostile_talk import (
    ADD,
    DEVICE,
    LOGIN,
    LOGIN_AS,
    LOGOUT,
    PROFILE,
    REGISTER,
    USERS,
    WHOAMI,
    WITHOUT_THE_MODULE,
    Talk,
    assert_same_said,
    credentials,
    question,
)


def registering(talk: Talk) -> None:
    talk.register("root", "rootpw", admin=True, inhibit_login=True)
    talk.register("alice", "alicepw", inhibit_login=True)
    talk.register("device", "devicepw")
    talk.register("noname", "pw", inhibit_login=True, displayname="")
    talk.register("named", "pw", inhibit_login=True, displayname="Ä name")
    for taken in ("alice", "ALICE"):
        talk.register(taken, "x")
    for wrong in ("123", "_x", "a b", "", "x" * 250, "x" * 513, "ä"):
        talk.register(wrong, "x")
    talk.register("nul", "a\0b")
    talk.register("long", "x" * 513)
    talk.register("typed", "x", user_type="nonsense")
    talk.register("hmac", "x", secret="wrong")
    talk.register("proof", "x", refresh_token="no bool")
    for body in (b"{", b"[]", b'"x"', {}, {"nonce": "unknown"}, {"nonce": None}):
        talk.ask("POST", REGISTER, body)
    nonce = talk.ask("GET", REGISTER)["nonce"]
    for body in ({}, {"username": "x"}):
        talk.ask("POST", REGISTER, body | {"nonce": nonce})
        talk.heard.pop()
    talk.ask("PUT", REGISTER, {})


def sessions(talk: Talk) -> tuple[str, str]:
    root = talk.log_in("root", "rootpw")["access_token"]
    talk.log_in("alice", "wrong")
    talk.log_in("nobody", "wrong")
    talk.log_in("@alice:example.test", "alicepw")
    talk.log_in("@alice:elsewhere.test", "alicepw")
    alice = talk.log_in("ALICE", "alicepw")["access_token"]
    for body in ({}, {"type": "nonsense"}, {"type": "m.login.password"}, b"x"):
        talk.ask("POST", LOGIN, body)
    talk.ask("POST", LOGIN, credentials("alice", "x") | {"password": 5})
    talk.ask("GET", LOGIN)
    for token in (root, alice, None, "wrong"):
        talk.ask("GET", WHOAMI, token=token)
    return root, alice


def managing(talk: Talk, root: str, alice: str) -> None:
    user = USERS + "@alice:example.test"
    for token in (None, "wrong", alice, root):
        talk.ask("GET", user, token=token)
        talk.ask("PUT", user, {}, token)
    for other in ("%40alice%3Aexample.test", "@no:example.test", "@Alice:example.test"):
        talk.ask("GET", USERS + other, token=root)
    for other in ("alice", "@alice:elsewhere.test"):
        talk.ask("GET", USERS + other, token=root)
        talk.ask("PUT", USERS + other, {}, root)
    for body in (
        {"displayname": "  Al  "},
        {"displayname": None},
        {"displayname": ""},
        {"displayname": 5},
        {"displayname": "x" * 257},
        {"admin": None},
        {"admin": True},
        {"admin": False},
        {"password": 5},
        {"password": "x" * 513},
        {"password": "new", "logout_devices": 3},
        {"deactivated": "x"},
        {"deactivated": True, "locked": True},
        {"user_type": "nonsense"},
        b"x",
        b"[]",
    ):
        talk.ask("PUT", user, body, root)
    talk.ask("PUT", USERS + "@root:example.test", {"admin": False}, root)
    talk.ask("PUT", USERS + "@carol:example.test", {"password": "c", "displayname": ""}, root)
    talk.ask("PUT", USERS + "@erin:example.test", {"deactivated": True}, root)
    talk.ask("PUT", USERS + "@fay:example.test", {"displayname": None, "admin": True}, root)
    for wrong in ("@Carol:example.test", "@_x:example.test", "@:example.test"):
        talk.ask("PUT", USERS + wrong, {}, root)


    available = "/_synapse/admin/v1/username_available"
    for name in ("free", "alice", "ALICE", "123", "_x", "a%20b", "x" * 250):
        talk.ask("GET", f"{available}?username={name}", token=root)
    talk.ask("GET", available, token=root)
    for token in (None, alice):
        talk.ask("GET", f"{available}?username=free", token=token)


def listing(talk: Talk, root: str, alice: str) -> None:
    users = USERS.rstrip("/")
    for token in (None, "wrong", alice):
        talk.ask("GET", users, token=token)
    for query in (
        "",
        "?admins=true&guests=false",
        "?admins=false",
        "?deactivated=true",
        "?locked=true",
        "?limit=1",
        "?limit=1&from=1",
        "?limit=2&from=2&admins=false",
        "?limit=100&from=100",
        "?limit=0",
        "?from=x",
        "?limit=-1",
        "?admins=1",
    ):
        talk.ask("GET", users + query, token=root)


def on_behalf(talk: Talk, root: str, alice: str) -> None:
    path = LOGIN_AS.format("@alice:example.test")
    for token in (None, alice):
        talk.ask("POST", path, {}, token)
    talk.ask("POST", path, {"valid_until_ms": "x"}, root)
    for other in ("@root:example.test", "@no:example.test", "@a:elsewhere.test"):
        talk.ask("POST", LOGIN_AS.format(other), {}, root)
    ended = talk.ask("POST", path, {"valid_until_ms": 1}, root)["access_token"]
    talk.ask("GET", WHOAMI, token=ended)
    behalf = talk.ask("POST", path, {}, root)["access_token"]
    talk.ask("GET", WHOAMI, token=behalf)
    talk.ask("POST", ADD, question("@alice:example.test", "alicepw"), behalf)
    talk.ask("POST", ADD, question("@alice:example.test", "wrong"), behalf)
    talk.ask("POST", ADD, question("@root:example.test", "rootpw"), behalf)
    talk.ask("POST", ADD, {"sid": "nosuch", "client_secret": "abc"}, behalf)
    talk.ask("POST", ADD, {}, behalf)
    talk.ask("POST", ADD, question("@alice:example.test", "alicepw"))
    for password in ("alicepw", "wrong"):
        auth = {"auth": credentials("@alice:example.test", password)}
        talk.ask("DELETE", DEVICE, auth, behalf)
    talk.ask("DELETE", DEVICE, {}, behalf)
    talk.ask("DELETE", DEVICE, None, behalf)
    for token in (behalf, behalf, None):
        talk.ask("POST", LOGOUT, {}, token)


def profiles(talk: Talk, alice: str) -> None:
    mine = PROFILE + "@alice:example.test"
    for user in ("alice", "noname", "nobody", "carol", "named"):
        talk.ask("GET", f"{PROFILE}@{user}:example.test")
        talk.ask("GET", f"{PROFILE}@{user}:example.test/displayname")
    for body in ({"displayname": " Alice! "}, {}, {"displayname": None}, {"displayname": ""}):
        talk.ask("PUT", mine + "/displayname", body, alice)
        talk.ask("GET", mine + "/displayname")
        talk.ask("GET", mine)
    talk.ask("PUT", PROFILE + "@root:example.test/displayname", {"displayname": "z"}, alice)
    talk.ask("PUT", mine + "/displayname", {"displayname": "z"})


def ending(talk: Talk, root: str) -> None:
    user = USERS + "@alice:example.test"
    path = LOGIN_AS.format("@alice:example.test")
    talk.ask("PUT", user, {"locked": True}, root)
    talk.log_in("alice", "alicepw")
    behalf = talk.ask("POST", path, {}, root)["access_token"]
    talk.ask("POST", ADD, question("@alice:example.test", "alicepw"), behalf)
    talk.ask("PUT", user, {"locked": False}, root)
    token = talk.log_in("alice", "alicepw")["access_token"]
    talk.ask("PUT", user, {"password": "other", "logout_devices": False}, root)
    talk.ask("GET", WHOAMI, token=token)
    talk.ask("PUT", user, {"password": "alicepw"}, root)
    talk.ask("GET", WHOAMI, token=token)
    token = talk.log_in("alice", "alicepw")["access_token"]
    talk.ask("PUT", user, {"deactivated": True}, root)
    talk.ask("GET", WHOAMI, token=token)
    talk.log_in("alice", "alicepw")
    talk.ask("GET", PROFILE + "@alice:example.test")
    behalf = talk.ask("POST", path, {}, root)["access_token"]
    talk.ask("POST", ADD, question("@alice:example.test", "alicepw"), behalf)
    talk.ask("PUT", user, {"password": "again"}, root)
    talk.log_in("alice", "again")


def elsewhere(talk: Talk) -> None:
    for method, path in (
        ("GET", "/_matrix/federation/v1/version"),
        ("POST", "/_matrix/federation/v1/version"),
        ("GET", "/_matrix/key/v2/server"),
        ("GET", "/_synapse/admin/v1/server_version"),
        ("GET", "/_matrix/client/v1/auth_metadata"),
        ("GET", "/_matrix/client/v3/nosuch"),
        ("GET", "/_synapse/nosuch"),
        ("GET", "/nosuch"),
    ):
        talk.ask(method, path)


def everything(talk: Talk) -> None:
    registering(talk)
    root, alice = sessions(talk)
    managing(talk, root, alice)
    listing(talk, root, alice)
    on_behalf(talk, root, alice)
    profiles(talk, alice)
    ending(talk, root)
    elsewhere(talk)


@pytest.mark.slow
@WITHOUT_THE_MODULE
def test_the_stand_in_says_what_synapse_says() -> None:
    assert_same_said(everything, {})
