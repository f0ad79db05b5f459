# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demos on all homeservers have in common: who is in them, the inventory,
and a client that logs in."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from demo.terminal import Stage, fail
from tests.support.homeserver import Homeserver

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "demo"
SESSION_FILE = FOLDER / "sessions" / "session.json"
SERVER_NAME = "demo.example"
# Made up, and gone with the server: so they may be seen here.
ALICE = "correct horse battery staple"
BOB = "it's $5 for {{ two }} \\o/"
# What Registrar calls the account that it makes for itself.
SERVICE = "registrar-service"


def log_in_with_a_client(stage: Stage, server: Homeserver, user: str, password: str) -> None:
    user_id, device_id = asyncio.run(client_login(server.url, user, password))
    expect(user_id == server.user_id(user), f"the client is logged in as {user}")
    stage.note(f"The server says: you are {user_id}, and your session is {device_id}.")


async def client_login(url: str, user: str, password: str) -> tuple[str, str]:
    """One login by matrix-nio; who the server says it is, and on which device."""
    import nio

    client = nio.AsyncClient(url, user)
    try:
        reply = await client.login(password, device_name="demo")
        expect(isinstance(reply, nio.LoginResponse), f"matrix-nio can log in ({reply})")
        who = await client.whoami()
        await client.logout()
        return who.user_id, who.device_id
    finally:
        await client.close()


def inventory(server: Homeserver, **more: Any) -> Path:
    """An inventory of one host, this machine, with the one secret and these variables."""
    folder = FOLDER / "inventory"
    variables = folder / "group_vars" / "matrix_servers.json"
    variables.parent.mkdir(parents=True)
    hosts = folder / "hosts"
    hosts.write_text("[matrix_servers]\nthis-machine ansible_connection=local\n")
    variables.touch(mode=0o600)
    values = {
        "matrix_users_url": server.url,
        "matrix_users_server_name": SERVER_NAME,
        "matrix_users_registration_shared_secret": server.secret,
        "matrix_users_session_file": str(SESSION_FILE),
        "ansible_python_interpreter": sys.executable,
    }
    variables.write_text(json.dumps(values | more))
    return hosts


def ansible_environment() -> dict[str, str]:
    """Ansible keeps its own things in the demo's folder, too."""
    return dict(os.environ) | {
        "ANSIBLE_HOME": str(FOLDER / "ansible"),
        "ANSIBLE_LOCAL_TEMP": str(FOLDER / "ansible" / "tmp"),
        "ANSIBLE_REMOTE_TMP": str(FOLDER / "ansible" / "tmp"),
        "ANSIBLE_FORCE_COLOR": str(sys.stdout.isatty()),
    }


def expect(truth: object, what: str) -> None:
    if not truth:
        fail(f"expected that {what}")
