# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks for a server that is reached in a container, and root's /run as the module
sees it."""

from __future__ import annotations

import shlex
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers.proof import a_password, by_secret, by_service, run_module
from tests.support.engine import Engine
from tests.support.module import Reply, default_binary
from tests.support.synapse import Synapse

NAME = "matrix-synapse"
# The name of the default network.
DEFAULT = {"docker": "bridge", "docker-new": "bridge", "podman": "podman"}


def in_container(
    server: Synapse, engine: Engine | None, task: Any = by_secret, **options: Any
) -> dict[str, Any]:
    """A task whose URL has a name that nobody resolves (RFC 6761, 6.4)."""
    where: dict[str, Any] = {"url": f"http://homeserver.invalid:{server.port}", "container": NAME}
    if engine is not None:
        where["container_socket"] = engine.socket
    return task(server) | where | options


def an_account(unique: Any, **more: Any) -> dict[str, Any]:
    return {"username": unique("carol"), "password": a_password()} | more


def registers(server: Synapse, task: dict[str, Any]) -> Reply:
    """The reply to a task that makes an account, which the server then has."""
    reply = run_module(task, secrets=("Engine_environment_secret",))
    assert reply.changed and reply.json["actions"] == ["create"], reply.json
    assert server.user(task["username"]) is not None
    return reply


def registers_and_promotes(server: Synapse, way: dict[str, Any], unique: Any) -> None:
    """The whole of what register-user is for, over that way."""
    account = {"username": unique("carol"), "password": a_password()}
    registers(server, by_secret(server) | way | account)
    again = run_module(by_secret(server) | way | account | {"if_exists": "match"})
    assert not again.failed and not again.changed, again.json
    promote = by_service(server) | way | {"username": account["username"], "admin": True}
    promoted = run_module(promote)
    assert not promoted.failed and "set admin" in promoted.json["actions"], promoted.json
    assert server.user(account["username"])["admin"] is True
    again = run_module(promote)
    assert not again.failed and not again.changed, again.json


def fails(task: dict[str, Any], kind: str, *words: str, **how: Any) -> Reply:
    """The reply to a task that fails like this, and says so in these words."""
    reply = run_module(task, secrets=("Engine_environment_secret",), **how)
    assert reply.failed and not reply.changed, reply.json
    assert reply.kind == kind, reply.json
    for word in words:
        assert word in (reply.msg or ""), reply.json
    return reply


@contextmanager
def with_run(folder: Path, user: int | None = None) -> Iterator[Path]:
    """A program to run the module with, to which that folder is /run: no test puts
    anything into the machine's own. It begins as root, and is that user then."""
    binary = shlex.quote(str(default_binary("matrix_user")))
    become = f"setpriv --reuid={user} --regid={user} --clear-groups " if user else ""
    give = f'chown -R {user} "$(dirname "$1")"\n' if user else ""
    with tempfile.TemporaryDirectory(prefix="registrar-run-") as place:
        program = Path(place) / "module"
        inside = f'mount --bind "$1" /run && exec {become}{binary} "$2"'
        program.write_text(
            f"#!/bin/sh\n{give}exec unshare --mount --propagation=private "
            f"sh -c {shlex.quote(inside)} sh {shlex.quote(str(folder))} \"$1\"\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        yield program
