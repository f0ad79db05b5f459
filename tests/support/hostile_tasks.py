# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks for the hostile server: one for each kind of credential, with short
timeouts, and what a reply in general must keep to."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any
from weakref import WeakValueDictionary

from .hostile import HostileServer
from .hostile_accounts import Account
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

# The account that Registrar keeps for itself, as it is called by default.
SERVICE = "registrar-service"
OLD_SECRET = "Older/secret+that was=rotated"

# Where a task's url leads, for what its reply must not tell.
SERVERS: WeakValueDictionary[str, HostileServer] = WeakValueDictionary()


def populated(server: HostileServer) -> HostileServer:
    """With root, who is an administrator, and alice, who is not."""
    server.homeserver.add_user("root", ROOT_PASSWORD, admin=True)
    server.homeserver.add_user("alice", ALICE_PASSWORD)
    return server


def connection(server: HostileServer) -> Arguments:
    SERVERS[server.url] = server
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


def by_service(server: HostileServer, username: str = "alice", **more: Any) -> Arguments:
    """With the shared secret, as the service account."""
    credential = {"registration_shared_secret": server.homeserver.secret}
    return connection(server) | credential | {"username": username} | more


def service_password(secret: str, localpart: str = SERVICE) -> str:
    """HMAC-SHA256(shared secret, "registrar/v1" NUL localpart) in base64."""
    message = b"registrar/v1\0" + localpart.encode()
    return base64.b64encode(
        hmac.new(secret.encode(), message, hashlib.sha256).digest()
    ).decode()


def add_service(server: HostileServer, secret: str | None = None, **fields: Any) -> Account:
    """The service account as an earlier run left it, with that shared secret."""
    known = {"admin": True, "user_type": "support", "displayname": "Registrar service account"}
    password = service_password(secret or server.homeserver.secret or "")
    return server.homeserver.add_user(SERVICE, password, **(known | fields))


def secrets_of(arguments: Arguments) -> list[str]:
    """All that a reply to this task must not tell, but for what it is to hand out."""
    names = ("access_token", "admin_password", "password")
    values = [ROOT_PASSWORD, ALICE_PASSWORD, NEW_PASSWORD]
    values += [arguments[name] for name in names if arguments.get(name)]
    for name in ("registration_shared_secret", "registration_shared_secret_previous"):
        secret = arguments.get(name)
        if secret:
            values += [secret, service_password(secret, arguments.get("service_account", SERVICE))]
    server = SERVERS.get(arguments.get("url", ""))
    return values + (server.homeserver.issued if server is not None else [])


def run(arguments: Arguments, **how: Any) -> Reply:
    """run_module, and no secret of ours in any encoding."""
    reply = run_module(arguments, **how)
    assert_no_secret(reply, secrets_of(arguments))
    return reply


def assert_fails(reply: Reply, *kinds: str) -> None:
    assert reply.failed, f"it went well: {reply.json}"
    assert reply.kind in kinds, f"not {' or '.join(kinds)}: {reply.json}"


def assert_truthful(reply: Reply, server: HostileServer, before: dict[str, Any]) -> None:
    """`changed` says whether any account is another than before."""
    changed = server.homeserver.state() != before
    assert reply.changed == changed, f"changed should be {changed}: {reply.json}"


def left_sessions(server: HostileServer) -> list[str]:
    """Whose sessions are open that are not the test's own."""
    tokens = server.homeserver.tokens.values()
    return [token.user_id for token in tokens if token.device_id != "TEST"]
