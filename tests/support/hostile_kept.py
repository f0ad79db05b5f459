# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks that keep a session in a file, and what stands in it then."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .hostile import HostileServer
from .hostile_tasks import SERVICE, Arguments, by_login, by_service, left_sessions, run

ROOT = "@root:example.test"
SERVICE_ID = f"@{SERVICE}:example.test"
# Whose session it is that is kept.
KINDS: dict[str, Callable[..., Arguments]] = {"admin": by_login, "service": by_service}
OWNERS = {"admin": ROOT, "service": SERVICE_ID}


def keeping(server: HostileServer, kind: str, path: Path, **more: Any) -> Arguments:
    return KINDS[kind](server, **({"session_file": str(path), "displayname": "Alice II"} | more))


def keep(server: HostileServer, kind: str, path: Path) -> str:
    """Runs once; the token that is kept from then on."""
    reply = run(keeping(server, kind, path))
    assert not reply.failed, reply.json
    assert left_sessions(server) == [OWNERS[kind]]
    server.forget()
    return token_in(path)


def entries(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_bytes())["sessions"]


def token_in(path: Path) -> str:
    (entry,) = entries(path)
    return entry["access_token"]


def bearers(server: HostileServer, *but: str) -> set[str | None]:
    """The tokens of all requests but those."""
    return {request.bearer for request in server.requests if request.route not in but}


def assert_never_sent(server: HostileServer, token: str) -> None:
    for request in server.requests:
        assert request.bearer != token, f"sent with {request.route}"
        assert token not in request.target
        assert token.encode() not in request.body
