# SPDX-License-Identifier: GPL-3.0-or-later
"""What MAS asks of the Synapse beside it, by Synapse's own endpoints for it
(synapse/rest/synapse/mas/ of Synapse 1.163.2), and how MAS tells that it failed."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from .homeserver import Homeserver

# Those of Synapse's refusals that mean: the name is not to be had.
NOT_AVAILABLE = {"M_INVALID_USERNAME", "M_USER_IN_USE", "M_EXCLUSIVE"}


class HomeserverError(Exception):
    """titles: the error, and its causes."""

    def __init__(self, *titles: str, errcode: str | None = None) -> None:
        super().__init__(titles[0])
        self.titles = titles
        self.errcode = errcode


class Beside:
    """The homeserver that delegates to this MAS; None until a test has started it."""

    def __init__(self, secret: str) -> None:
        self.server: Homeserver | None = None
        self.secret = secret

    def is_localpart_available(self, localpart: str) -> bool:
        if not localpart.isascii():
            return False
        path = f"is_localpart_available?localpart={quote(localpart, safe='')}"
        try:
            self._ask(
                "GET",
                path,
                None,
                "Failed to check localpart availability from Synapse",
                "Failed to query localpart availability from Synapse",
            )
        except HomeserverError as error:
            if error.errcode in NOT_AVAILABLE:
                return False
            raise
        return True

    def provision_user(self, localpart: str, locked: bool, **fields: Any) -> None:
        """fields: set_displayname, set_avatar_url, set_emails."""
        body = {"localpart": localpart, "locked": locked} | fields
        self._post("provision_user", body, "provision user", "provisioning user")

    def delete_user(self, localpart: str, erase: bool) -> None:
        body = {"localpart": localpart, "erase": erase}
        self._post("delete_user", body, "delete user", "deleting user")

    def reactivate_user(self, localpart: str) -> None:
        body = {"localpart": localpart}
        self._post("reactivate_user", body, "reactivate user", "reactivating user")

    def upsert_device(self, localpart: str, device: str, name: str | None = None) -> None:
        body = {"localpart": localpart, "device_id": device}
        if name is not None:
            body["display_name"] = name
        self._post("upsert_device", body, "create device", "creating device")

    def sync_devices(self, localpart: str, devices: list[str]) -> None:
        body = {"localpart": localpart, "devices": devices}
        self._post("sync_devices", body, "sync devices", "syncing devices")

    def _post(self, path: str, body: dict[str, Any], what: str, doing: str) -> None:
        self._ask(
            "POST",
            path,
            body,
            f"Failed to {what} in Synapse",
            f"Unexpected HTTP response while {doing} in Synapse",
        )

    def _ask(self, method: str, path: str, body: Any, unreachable: str, refused: str) -> None:
        where = "_synapse/mas/" + path
        url = f"{self.server.url if self.server else 'http://nowhere'}/{where}"
        try:
            if self.server is None:
                raise ConnectionRefusedError
            status, reply = self.server.api(method, "/" + where, body, self.secret)
        except OSError as error:
            raise HomeserverError(
                unreachable,
                f"error sending request for url ({url})",
                "client error (Connect)",
                "tcp connect error",
                "Connection refused (os error 111)",
            ) from error
        if status >= 400:
            side = "client" if status < 500 else "server"
            said = f"HTTP status {side} error ({status}) for url ({url})"
            errcode = reply.get("errcode")
            cause = f"{errcode}: {reply.get('error')}" if errcode else "(no specific error)"
            raise HomeserverError(refused, cause, said, errcode=errcode)
