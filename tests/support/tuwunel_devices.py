# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices, rooms and sessions of a user by the admin API of the stand-in for tuwunel:
what is served besides (section 1.2)."""

from __future__ import annotations

from typing import Any

from .family_accounts import Account, Device
from .family_table import Route
from .mas_wire import Reply, Request
from .tuwunel_fields import NEEDED_TEXT, TEXT, Field, Fields
from .tuwunel_home import Home, in_path
from .tuwunel_words import not_found

ADMIN = "/_synapse/admin"
CLIENT_WHOIS = "/_matrix/client/{v}/admin/whois/{user_id}"
DEVICES = f"{ADMIN}/v2/users/{{user_id}}/devices"


class AdminDevices(Home):
    ROUTES = (
        Route("GET", DEVICES, "_list_devices"),
        Route("POST", DEVICES, "_new_device"),
        Route("GET", f"{DEVICES}/{{device_id}}", "_get_device"),
        Route("PUT", f"{DEVICES}/{{device_id}}", "_put_device"),
        Route("DELETE", f"{DEVICES}/{{device_id}}", "_delete_device"),
        Route("POST", f"{ADMIN}/v2/users/{{user_id}}/delete_devices", "_delete_devices"),
        Route("GET", f"{ADMIN}/v1/users/{{user_id}}/joined_rooms", "_rooms_of"),
        Route("GET", f"{ADMIN}/v1/whois/{{user_id}}", "_whois"),
        Route("GET", CLIENT_WHOIS, "_whois", ("v3", "r0", "unstable")),
    )

    def _of(
        self, request: Request, user: str, fields: Fields
    ) -> tuple[Account, dict[str, Any]]:
        """Whose devices they are, and the body."""
        caller, body = self.received(request, fields)
        user_id = in_path(user)
        self.require_admin(caller)
        self.require_local(user_id, "Can only look up local users")
        return self.known(user_id), body

    def _told(self, account: Account, device: Device) -> dict[str, Any]:
        return {
            "device_id": device.device_id,
            "display_name": device.display_name,
            "last_seen_ip": "127.0.0.1",
            "last_seen_ts": self.last_seen(account),
            "user_id": account.user_id,
        }

    def _list_devices(self, request: Request, user: str) -> Reply:
        account, _ = self._of(request, user, {})
        devices = [self._told(account, one) for one in account.devices.values()]
        return Reply(200, {"devices": devices, "total": len(devices)})

    def _new_device(self, request: Request, user: str) -> Reply:
        """Without a token; one that is there stays as it is."""
        account, body = self._of(request, user, {"device_id": NEEDED_TEXT})
        if body["device_id"] not in account.devices:
            self.accounts.log_in(account, body["device_id"])
        return Reply(200, {})

    def _get_device(self, request: Request, user: str, device_id: str) -> Reply:
        account, _ = self._of(request, user, {})
        if device_id not in account.devices:
            raise not_found("No device found")
        return Reply(200, self._told(account, account.devices[device_id]))

    def _put_device(self, request: Request, user: str, device_id: str) -> Reply:
        account, body = self._of(request, user, {"display_name": TEXT})
        if device_id not in account.devices:
            raise not_found("No device found")
        if body["display_name"] is not None:
            account.devices[device_id].display_name = body["display_name"]
        return Reply(200, {})

    def _delete_device(self, request: Request, user: str, device_id: str) -> Reply:
        account, _ = self._of(request, user, {})
        account.devices.pop(device_id, None)
        return Reply(200, {})

    def _delete_devices(self, request: Request, user: str) -> Reply:
        account, body = self._of(request, user, {"devices": Field(list, required=True)})
        for device_id in body["devices"]:
            account.devices.pop(device_id, None)
        return Reply(200, {})

    def _rooms_of(self, request: Request, user: str) -> Reply:
        """Of anybody, there or not."""
        caller, _ = self.received(request, {})
        user_id = in_path(user)
        self.require_admin(caller)
        rooms = [room.room_id for room in self.rooms.joined_by(user_id)]
        return Reply(200, {"joined_rooms": rooms, "total": len(rooms)})

    def _whois(self, request: Request, user: str) -> Reply:
        """Of oneself, too."""
        caller, _ = self.received(request, {})
        user_id = in_path(user)
        if caller.user_id != user_id:
            self.require_admin(caller)
        self.require_local(user_id, "Can only look up local users")
        account = self.accounts.get(user_id)
        seen = [] if account is None else [self.last_seen(account) for _ in account.devices]
        connections = [{"ip": "127.0.0.1", "last_seen": one} for one in seen]
        told = {"user_id": user_id, "devices": {"": {"sessions": [{"connections": connections}]}}}
        return Reply(200, told)
