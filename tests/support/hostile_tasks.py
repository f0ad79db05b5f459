# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks for the hostile server: one for each kind of credential, with short
timeouts, and what a reply in general must keep to."""

from __future__ import annotations

from typing import Any

from .hostile import HostileServer
from .hostile_secrets import assert_no_secret
from .module import Reply, run_module

ROOT_PASSWORD = "Root's pass/word+1"
ALICE_PASSWORD = "Alice's pass word=2"
NEW_PASSWORD = "New pass&word%3"

# One request's timeout, in seconds.
TIMEOUT = 2
# What starting the program and talking to the loopback may take besides, on a
# busy machine and under sanitizers.
SLACK = 2.5

Arguments = dict[str, Any]


def connection(server: HostileServer) -> Arguments:
    return {
        "url": server.url,
        "backend": "synapse",
        "server_name": server.homeserver.server_name,
        "timeout": TIMEOUT,
        "retry_timeout": 1,
    }


def by_secret(server: HostileServer, username: str = "bob", **more: Any) -> Arguments:
    """Making an account with the shared secret."""
    credential = {"registration_shared_secret": server.homeserver.secret}
    account = {"username": username, "password": NEW_PASSWORD}
    return connection(server) | credential | account | more


def by_token(server: HostileServer, username: str = "alice", **more: Any) -> Arguments:
    """As root, with a session that is the test's own."""
    tokens = server.homeserver.tokens
    mine = [text for text, token in tokens.items() if token.device_id == "TEST"]
    token = mine[0] if mine else server.homeserver.add_token("root")
    return connection(server) | {"access_token": token, "username": username} | more


def by_login(server: HostileServer, username: str = "alice", **more: Any) -> Arguments:
    """As root, with a login of the module's own."""
    credential = {"admin_username": "root", "admin_password": ROOT_PASSWORD}
    return connection(server) | credential | {"username": username} | more


def by_match(server: HostileServer, **more: Any) -> Arguments:
    """As alice herself, with nothing but her password."""
    account = {"username": "alice", "password": ALICE_PASSWORD, "if_exists": "match"}
    return connection(server) | account | more


def run(arguments: Arguments, **how: Any) -> Reply:
    """run_module, and no secret of ours in any encoding."""
    reply = run_module(arguments, **how)
    values = [arguments.get(name) for name in ("access_token", "registration_shared_secret")]
    values += [ROOT_PASSWORD, ALICE_PASSWORD, NEW_PASSWORD, arguments.get("password")]
    assert_no_secret(reply, [value for value in values if value])
    return reply


def assert_fails(reply: Reply, *kinds: str) -> None:
    assert reply.failed, f"it went well: {reply.json}"
    assert reply.kind in kinds, f"not {' or '.join(kinds)}: {reply.json}"


def left_sessions(server: HostileServer) -> list[str]:
    """Whose sessions are open that are not the test's own."""
    tokens = server.homeserver.tokens.values()
    return [token.user_id for token in tokens if token.device_id != "TEST"]
