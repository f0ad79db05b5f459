# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in of Synapse that the hostile server misbehaves on is held
against a running Synapse: the same requests, the same statuses and bodies."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
from typing import Any

import pytest

from tests.support.hostile import HostileServer
from tests.support.synapse import Synapse

SECRET = "Stand_in-secret"
USERS = "/_synapse/admin/v2/users/"
LOGIN_AS = "/_synapse/admin/v1/users/{}/login"
LOGIN = "/_matrix/client/v3/login"
ADD = "/_matrix/client/v3/account/3pid/add"
DEVICE = "/_matrix/client/v3/devices/NOSUCH"
PROFILE = "/_matrix/client/v3/profile/"
REGISTER = "/_synapse/admin/v1/register"
# New with every answer, so that only their type can be compared.
FRESH = {"access_token", "device_id", "nonce", "session", "valid_until_ts", "creation_ts"}
# A thing that happens now and then; the stand-in's users are never seen.
LAST_SEEN = {"last_seen_ts"}


class Talk:
    """The same conversation with either server."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.heard: list[tuple[str, int, Any]] = []

    def ask(self, method: str, path: str, body: Any = None, token: str | None = None) -> Any:
        headers = {} if token is None else {"Authorization": "Bearer " + token}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, data, headers)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        try:
            value = json.loads(text)
        except ValueError:
            value = text.decode()
        what = f"{method} {path} {'' if data is None else data.decode()}"
        self.heard.append((what, response.status, comparable(value)))
        return value

    def register(self, username: str, password: str, secret: str = SECRET, **more: Any) -> Any:
        nonce = self.ask("GET", REGISTER)["nonce"]
        parts = [nonce, username, password, "admin" if more.get("admin") else "notadmin"]
        mac = hmac.new(secret.encode(), "\0".join(parts).encode(), hashlib.sha1).hexdigest()
        body = {"nonce": nonce, "username": username, "password": password, "mac": mac}
        answer = self.ask("POST", REGISTER, body | more)
        # The request's own words hold the nonce.
        self.heard[-1] = (f"register {username!r} {more}", *self.heard[-1][1:])
        return answer

    def log_in(self, user: str, password: str) -> Any:
        return self.ask("POST", LOGIN, credentials(user, password))


def credentials(user: str, password: str) -> dict[str, Any]:
    identifier = {"type": "m.id.user", "user": user}
    return {"type": "m.login.password", "identifier": identifier, "password": password}


def question(user: str, password: str) -> dict[str, Any]:
    return {"sid": "nosuch", "client_secret": "abc", "auth": credentials(user, password)}


def comparable(value: Any) -> Any:
    """Without what no two answers share."""
    if not isinstance(value, dict):
        return value
    result = {}
    for key, inner in value.items():
        if key in FRESH:
            result[key] = type(inner).__name__
        elif key in ("signatures", "verify_keys"):
            result[key] = type(inner).__name__
        elif key == "version" or key == "server_version":
            result[key] = "a version"
        elif key == "error" and "validation error" in inner:
            result[key] = "a validation error"
        elif key not in LAST_SEEN:
            result[key] = comparable(inner)
    return result


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
        talk.ask("GET", "/_matrix/client/v3/account/whoami", token=token)
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


def on_behalf(talk: Talk, root: str, alice: str) -> None:
    path = LOGIN_AS.format("@alice:example.test")
    for token in (None, alice):
        talk.ask("POST", path, {}, token)
    talk.ask("POST", path, {"valid_until_ms": "x"}, root)
    for other in ("@root:example.test", "@no:example.test", "@a:elsewhere.test"):
        talk.ask("POST", LOGIN_AS.format(other), {}, root)
    ended = talk.ask("POST", path, {"valid_until_ms": 1}, root)["access_token"]
    talk.ask("GET", "/_matrix/client/v3/account/whoami", token=ended)
    behalf = talk.ask("POST", path, {}, root)["access_token"]
    talk.ask("GET", "/_matrix/client/v3/account/whoami", token=behalf)
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
        talk.ask("POST", "/_matrix/client/v3/logout", {}, token)


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
    talk.ask("GET", "/_matrix/client/v3/account/whoami", token=token)
    talk.ask("PUT", user, {"password": "alicepw"}, root)
    talk.ask("GET", "/_matrix/client/v3/account/whoami", token=token)
    token = talk.log_in("alice", "alicepw")["access_token"]
    talk.ask("PUT", user, {"deactivated": True}, root)
    talk.ask("GET", "/_matrix/client/v3/account/whoami", token=token)
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


@pytest.mark.slow
def test_the_stand_in_says_what_synapse_says() -> None:
    talks = []
    config = {"registration_shared_secret": SECRET}
    with Synapse(config=config, start=False) as real, HostileServer(secret=SECRET) as stand_in:
        real.config["listeners"][0]["resources"] = [{"names": ["client", "federation"]}]
        real.start()
        for port in (real.port, stand_in.port):
            talk = Talk(port)
            registering(talk)
            root, alice = sessions(talk)
            managing(talk, root, alice)
            on_behalf(talk, root, alice)
            profiles(talk, alice)
            ending(talk, root)
            elsewhere(talk)
            talks.append(talk.heard)
    assert len(talks[0]) == len(talks[1])
    differing = [(real, ours) for real, ours in zip(*talks, strict=True) if real != ours]
    told = "\n".join(f"Synapse:  {real}\nstand-in: {ours}\n" for real, ours in differing)
    assert not differing, f"{len(differing)} of {len(talks[0])} differ:\n{told}"
