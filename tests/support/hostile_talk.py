# SPDX-License-Identifier: GPL-3.0-or-later
"""The same conversation with a running Synapse and with the stand-in that the
hostile server misbehaves on: the same requests, the same statuses and bodies."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from .hostile import HostileServer
from .synapse import Synapse

# Another build of it says nothing new about the stand-in.
WITHOUT_THE_MODULE = pytest.mark.skipif(
    "REGISTRAR_BINARY" in os.environ, reason="the module is no part of it"
)
SECRET = "Stand_in-secret"
USERS = "/_synapse/admin/v2/users/"
LOGIN_AS = "/_synapse/admin/v1/users/{}/login"
LOGIN = "/_matrix/client/v3/login"
LOGOUT = "/_matrix/client/v3/logout"
WHOAMI = "/_matrix/client/v3/account/whoami"
ADD = "/_matrix/client/v3/account/3pid/add"
DEVICE = "/_matrix/client/v3/devices/NOSUCH"
PROFILE = "/_matrix/client/v3/profile/"
REGISTER = "/_synapse/admin/v1/register"
# New with every answer, so that only their type can be compared.
FRESH = {"access_token", "device_id", "nonce", "session", "valid_until_ts", "creation_ts"}
FRESH |= {"validated_at", "added_at", "retry_after_ms"}
# A thing that happens now and then; the stand-in's users are never seen.
LAST_SEEN = {"last_seen_ts"}
# What the database gives in any order.
SETS = {"threepids", "external_ids"}


class Talk:
    """One side of the conversation."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.heard: list[tuple[str, int, Any]] = []
        # What is called otherwise on either side, and what to call it.
        self.hidden: dict[str, str] = {}

    def ask(self, method: str, path: str, body: Any = None, token: str | None = None) -> Any:
        headers = {} if token is None else {"Authorization": "Bearer " + token}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, data, headers)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        what = f"{method} {path} {'' if data is None else data.decode()}"
        self.heard.append(
            (self._hide(what), response.status, comparable(decoded(self._hide(text))))
        )
        return decoded(text)

    def _hide(self, text: str) -> str:
        for name, called in self.hidden.items():
            text = text.replace(name, called)
        return text

    def register(self, username: str, password: str, secret: str = SECRET, **more: Any) -> Any:
        nonce = self.ask("GET", REGISTER)["nonce"]
        parts = [nonce, username, password, "admin" if more.get("admin") else "notadmin"]
        if isinstance(more.get("user_type"), str):
            parts.append(more["user_type"])
        mac = hmac.new(secret.encode(), "\0".join(parts).encode(), hashlib.sha1).hexdigest()
        body = {"nonce": nonce, "username": username, "password": password, "mac": mac}
        answer = self.ask("POST", REGISTER, body | more)
        # The request's own words hold the nonce.
        self.heard[-1] = (f"register {username!r} {more}", *self.heard[-1][1:])
        return answer

    def log_in(self, user: str, password: str, **more: Any) -> Any:
        return self.ask("POST", LOGIN, credentials(user, password) | more)


def credentials(user: str, password: str) -> dict[str, Any]:
    identifier = {"type": "m.id.user", "user": user}
    return {"type": "m.login.password", "identifier": identifier, "password": password}


def question(user: str, password: str) -> dict[str, Any]:
    return {"sid": "nosuch", "client_secret": "abc", "auth": credentials(user, password)}


def decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def comparable(value: Any) -> Any:
    """Without what no two answers share."""
    if isinstance(value, list):
        return [comparable(entry) for entry in value]
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
        elif key in SETS:
            result[key] = sorted(json.dumps(comparable(entry)) for entry in inner)
        elif key not in LAST_SEEN:
            result[key] = comparable(inner)
    return result


def assert_same_said(
    conversation: Callable[[Talk], None], config: dict[str, Any], **stand_in: Any
) -> None:
    """The conversation with a Synapse of that configuration, and with the
    stand-in as it is told to be."""
    config = {"registration_shared_secret": SECRET} | config
    talks = []
    with Synapse(config=config, start=False) as real:
        with HostileServer(secret=SECRET, **stand_in) as ours:
            real.config["listeners"][0]["resources"] = [{"names": ["client", "federation"]}]
            real.start()
            for port in (real.port, ours.port):
                talk = Talk(port)
                conversation(talk)
                talks.append(talk.heard)
    assert len(talks[0]) == len(talks[1])
    differing = [(real, ours) for real, ours in zip(*talks, strict=True) if real != ours]
    told = "\n".join(f"Synapse:  {real}\nstand-in: {ours}\n" for real, ours in differing)
    assert not differing, f"{len(differing)} of {len(talks[0])} differ:\n{told}"
