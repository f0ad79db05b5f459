# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging in and out, and profiles, of a stand-in of the Conduit family."""

from __future__ import annotations

from typing import Any

from .family_accounts import Account
from .family_base import Base, body_of, text_in
from .family_table import Refusal, Route
from .mas_wire import Reply, Request

LOGIN = "/_matrix/client/{v}/login"
PROFILE = "/_matrix/client/{v}/profile/{user_id}"


class Login(Base):
    ROUTES = (
        Route("GET", LOGIN, "_login_flows"),
        Route("POST", LOGIN, "_login"),
        Route("POST", "/_matrix/client/{v}/logout", "_logout"),
        Route("POST", "/_matrix/client/{v}/logout/all", "_logout_all"),
        Route("GET", "/_matrix/client/{v}/account/whoami", "_whoami"),
        Route("GET", PROFILE, "_profile"),
        Route("GET", PROFILE + "/{key}", "_profile_key"),
        Route("PUT", PROFILE + "/{key}", "_set_profile_key"),
        Route("GET", "/_matrix/client/{v}/capabilities", "_capabilities"),
        Route("GET", "/_matrix/client/{v}/devices", "_devices"),
        Route("GET", "/_matrix/client/{v}/devices/{device_id}", "_device"),
    )

    # Logging in

    def _login_flows(self, request: Request) -> Reply:
        flows = [one for one in self.table.flows if self._offers(one)]
        return Reply(200, {"flows": [{"type": one} for one in flows]})

    def _offers(self, flow: str) -> bool:
        return flow != "m.login.password" or self.settings.login_enabled

    def _login(self, request: Request) -> Reply:
        body = body_of(request)
        kind = text_in(body, "type")
        account = self.authenticated(kind, body)
        wanted, shown = body.get("device_id"), body.get("initial_device_display_name")
        for one in (wanted, shown):
            if one is not None and not isinstance(one, str):
                raise Refusal(400, "M_BAD_JSON", "deserialization failed: invalid type")
        device = self.accounts.log_in(account, wanted, shown)
        return Reply(
            200,
            {
                "user_id": account.user_id,
                "access_token": device.token,
                "home_server": self.server_name,
                "device_id": device.device_id,
            },
        )

    def authenticated(self, kind: str, body: dict[str, Any]) -> Account:
        """Whose login it is. A server with other types than a password's has its own."""
        if kind != "m.login.password" or not self.settings.login_enabled:
            raise self.table.login_type.refusal
        identifier = body.get("identifier", {})
        if not isinstance(identifier, dict):
            raise Refusal(400, "M_BAD_JSON", "deserialization failed: invalid type")
        if identifier and identifier.get("type") != "m.id.user":
            raise self.table.login_identifier.refusal
        user = identifier.get("user")
        user = body.get("user") if user is None else user
        password = body.get("password")
        if not isinstance(user, str) or not isinstance(password, str):
            raise Refusal(400, "M_BAD_JSON", "deserialization failed: missing field `user`")
        return self.checked(user, password)

    def checked(self, user: str, password: str) -> Account:
        """The account, if the password opens it."""
        table = self.table
        localpart = self.local_part(user)
        if localpart is None:
            raise table.login_foreign.refusal
        if table.folds:
            localpart = localpart.lower()
        if ":" in localpart or not localpart or "\0" in localpart:
            raise table.login_malformed.refusal
        user_id = self.user_id(localpart)
        self._refuse_exclusive_login(user_id)
        account = self.accounts.get(user_id)
        if account is None:
            raise table.login_absent.refusal
        if table.locked_first:
            self._refuse_shut(account)
        if account.deactivated:
            raise table.login_deactivated.refusal
        if account.password is None or account.password != password:
            raise table.login_wrong.refusal
        self._refuse_shut(account)
        return account

    def _refuse_exclusive_login(self, user_id: str) -> None:
        """Where an appservice has the name for itself, and logins of it are refused."""

    def _refuse_shut(self, account: Account) -> None:
        if account.locked:
            locked = self.table.login_locked
            raise Refusal(locked.status, locked.errcode, locked.text, soft_logout=True)
        if account.login_disabled:
            raise self.table.login_disabled.refusal

    # Logging out

    def _logout(self, request: Request) -> Reply:
        account, device_id = self.caller(request, locked_too=True)
        del account.devices[device_id]
        return Reply(200, {})

    def _logout_all(self, request: Request) -> Reply:
        self.accounts.log_out(self.caller(request, locked_too=True).account)
        return Reply(200, {})

    # Of oneself

    def _whoami(self, request: Request) -> Reply:
        account, device_id = self.caller(request)
        told = {"user_id": account.user_id, "device_id": device_id, "is_guest": False}
        return Reply(200, told)

    def _capabilities(self, request: Request) -> Reply:
        self.caller(request)
        version = self.table.room_version
        rooms = {"default": version, "available": {version: "stable"}}
        return Reply(200, {"capabilities": {"m.room_versions": rooms}})

    def _devices(self, request: Request) -> Reply:
        account = self.caller(request).account
        return Reply(200, {"devices": [_told(one) for one in account.devices.values()]})

    def _device(self, request: Request, device_id: str) -> Reply:
        device = self.caller(request).account.devices.get(device_id)
        if device is None:
            raise Refusal(404, "M_NOT_FOUND", "Device not found.")
        return Reply(200, _told(device))

    # Profiles

    def _profile(self, request: Request, user_id: str) -> Reply:
        account = self._known(user_id)
        told = {"displayname": account.displayname, "avatar_url": account.avatar_url}
        return Reply(200, {name: value for name, value in told.items() if value is not None})

    def _profile_key(self, request: Request, user_id: str, key: str) -> Reply:
        account = self._known(user_id)
        value = getattr(account, self._profile_field(key))
        return Reply(200, {} if value is None else {key: value})

    def _set_profile_key(self, request: Request, user_id: str, key: str) -> Reply:
        account = self.caller(request).account
        if account.suspended:
            raise self.table.suspended.refusal
        field = self._profile_field(key)
        value = body_of(request).get(key)
        if value is not None and not isinstance(value, str):
            raise Refusal(400, "M_BAD_JSON", "deserialization failed: invalid type")
        self._allow_profile(account, user_id)
        setattr(account, field, value or None)
        self._show_profile(account)
        return Reply(200, {})

    def _allow_profile(self, account: Account, user_id: str) -> None:
        if account.user_id != user_id:
            raise Refusal(403, "M_FORBIDDEN", "You may only change your own profile.")

    def _show_profile(self, account: Account) -> None:
        """In all rooms that it is in."""
        shown = {"displayname": account.displayname, "avatar_url": account.avatar_url}
        content = {name: value for name, value in shown.items() if value is not None}
        for room in self.rooms.joined_by(account.user_id):
            content["membership"] = "join"
            self.rooms.add(room, "m.room.member", account.user_id, dict(content), account.user_id)

    def _profile_field(self, key: str) -> str:
        if key not in ("displayname", "avatar_url"):
            raise Refusal(404, "M_UNRECOGNIZED", self.table.unrecognized)
        return key

    def _known(self, user_id: str) -> Account:
        account = self.accounts.get(user_id)
        if account is None:
            raise Refusal(404, "M_NOT_FOUND", "Profile was not found.")
        return account


def _told(device: Any) -> dict[str, Any]:
    told = {"device_id": device.device_id, "display_name": device.display_name}
    return {name: value for name, value in told.items() if value is not None}
