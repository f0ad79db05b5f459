# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks for a real Dendrite, and what its tables say afterwards. What a task is
held to is in proof.py, as for every server."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from tests.servers.proof import SERVICE, SERVICE_DISPLAYNAME, service_password
from tests.support.dendrite import Dendrite


def with_secret(server: Dendrite, **options: Any) -> dict[str, Any]:
    """A task that has the shared secret, and makes itself no service account."""
    return {
        "url": server.url,
        "registration_shared_secret": server.secret,
        "service_account": "",
    } | options


def with_service(server: Dendrite, **options: Any) -> dict[str, Any]:
    """A task that has the shared secret, and all that this gives."""
    return {"url": server.url, "registration_shared_secret": server.secret} | options


def with_rows(server: Dendrite, **options: Any) -> dict[str, Any]:
    """A task that has the database alone."""
    return {"url": server.url, "database": rows_of(server)} | options


def with_all(server: Dendrite, **options: Any) -> dict[str, Any]:
    """A task that has the shared secret and the database."""
    return with_secret(server, database=rows_of(server)) | options


def rows_of(server: Dendrite) -> dict[str, Any]:
    """The option database, over the socket's folder."""
    assert server.postgres is not None, "only PostgreSQL is opened from outside"
    name = server.database_name
    return server.postgres.by_socket(name, name, server.database_password)


def make_service(server: Dendrite, localpart: str = SERVICE, secret: str | None = None) -> str:
    """Makes the service account as a run would that needs it; its localpart."""
    password = service_password(secret or server.secret, localpart)
    server.register(localpart, password, admin=True, displayname=SERVICE_DISPLAYNAME)
    return localpart


def set_avatar(server: Dendrite, localpart: str, password: str, avatar_url: str) -> None:
    """As its owner would."""
    token = server.login(localpart, password)
    path = f"/_matrix/client/v3/profile/{quote(server.user_id(localpart), safe='')}/avatar_url"
    server.asked("PUT", path, {"avatar_url": avatar_url}, token)
    server.logout(token)


def sessions(server: Dendrite, localpart: str) -> list[str]:
    """The ids of the devices whose rows there are."""
    return [device.device_id for device in server.devices(localpart)]




def in_yaml(server: Dendrite, **changes: Any) -> str:
    """dendrite.yaml as the server has it, with other sections; JSON is YAML."""
    return json.dumps(server.config | changes, indent=2)
