# SPDX-License-Identifier: GPL-3.0-or-later
"""What Matrix Authentication Service asks of the stand-in for tuwunel (section 1.4): the
secret between them is the bearer. Whom it makes comes from elsewhere, and has no password."""

from __future__ import annotations

from typing import Any

from .family_accounts import Account
from .family_base import body_of
from .family_table import Route
from .mas_wire import Reply, Request
from .tuwunel_commands import Commands
from .tuwunel_fields import (
    FLAG,
    LIST,
    NEEDED_TEXT,
    OFF,
    TEXT,
    Field,
    Fields,
    completed,
    read,
    read_query,
)
from .tuwunel_home import NO_PASSWORD
from .tuwunel_joining import Joining
from .tuwunel_words import forbidden, not_found, refused, wrong

MAS = "/_synapse/mas/"
PROVISION = {
    "set_displayname": TEXT,
    "unset_displayname": OFF,
    "set_avatar_url": TEXT,
    "unset_avatar_url": OFF,
    "set_emails": LIST,
    "unset_emails": OFF,
    "locked": FLAG,
}
DEVICE = {"device_id": NEEDED_TEXT}


class ForMas(Commands, Joining):
    ROUTES = (
        Route("GET", MAS + "query_user", "_mas_query_user"),
        Route("GET", MAS + "is_localpart_available", "_mas_is_localpart_available"),
        Route("POST", MAS + "provision_user", "_mas_provision_user"),
        Route("POST", MAS + "delete_user", "_mas_delete_user"),
        Route("POST", MAS + "reactivate_user", "_mas_reactivate_user"),
        Route("POST", MAS + "set_displayname", "_mas_set_displayname"),
        Route("POST", MAS + "unset_displayname", "_mas_unset_displayname"),
        Route("POST", MAS + "allow_cross_signing_reset", "_mas_allow_cross_signing_reset"),
        Route("POST", MAS + "upsert_device", "_mas_upsert_device"),
        Route("POST", MAS + "delete_device", "_mas_delete_device"),
        Route("POST", MAS + "update_device_display_name", "_mas_update_device"),
        Route("POST", MAS + "sync_devices", "_mas_sync_devices"),
    )

    def _from_mas(self, request: Request) -> None:
        if request.header("authorization") != f"Bearer {self.settings.mas_secret}":
            raise forbidden("This endpoint may only be called by MAS")

    def _asked_by_mas(self, request: Request, fields: Fields) -> tuple[Account, dict[str, Any]]:
        """Of whom, and the body."""
        self._from_mas(request)
        body = read(body_of(request), {"localpart": NEEDED_TEXT} | dict(fields))
        return self._meant(body["localpart"]), body

    def _meant(self, localpart: str) -> Account:
        account = self.accounts.get(self._mas_user_id(localpart))
        if account is None:
            raise not_found("User does not exist")
        return account

    def _mas_user_id(self, localpart: str) -> str:
        user_id = completed(localpart, self.server_name)
        if user_id is None:
            raise wrong("Invalid localpart")
        return str(user_id)

    # Users

    def _mas_query_user(self, request: Request) -> Reply:
        self._from_mas(request)
        account = self._meant(read_query(request.query, {"localpart": NEEDED_TEXT})["localpart"])
        told = {
            "user_id": account.user_id,
            "display_name": account.displayname,
            "avatar_url": account.avatar_url,
            "is_suspended": account.suspended,
            "is_deactivated": account.deactivated,
        }
        return Reply(200, told)

    def _mas_is_localpart_available(self, request: Request) -> Reply:
        self._from_mas(request)
        name = read_query(request.query, {"localpart": NEEDED_TEXT})["localpart"]
        user_id = None if self.is_forbidden(name) else completed(name, self.server_name)
        if user_id is None or not user_id.is_strict:
            raise refused("M_INVALID_USERNAME", "Localpart is not a valid username")
        if str(user_id) in self.accounts:
            raise refused("M_USER_IN_USE", "Localpart is not available")
        if self.is_reserved(user_id.localpart):
            raise refused("M_EXCLUSIVE", "Localpart is reserved by an appservice")
        return Reply(200, {})

    def _mas_provision_user(self, request: Request) -> Reply:
        self._from_mas(request)
        body = read(body_of(request), PROVISION | {"localpart": NEEDED_TEXT})
        user_id = self._mas_user_id(body["localpart"])
        account = self.accounts.get(user_id)
        created = account is None
        if account is None:
            account = self.new_account(user_id, NO_PASSWORD)
            account.more["origin"] = "oidc"
        for name in ("displayname", "avatar_url"):
            if body[f"set_{name}"] is not None or body[f"unset_{name}"]:
                self.set_profile(account, name, body[f"set_{name}"])
        emails = [] if body["unset_emails"] else body["set_emails"]
        if emails is not None:
            threepids = [{"medium": "email", "address": one} for one in emails]
            self._replace_emails(account, threepids)
        if body["locked"] is not None:
            account.locked = body["locked"]
        return Reply(201 if created else 200, {})

    def _mas_delete_user(self, request: Request) -> Reply:
        account, body = self._asked_by_mas(request, {"erase": Field(bool, required=True)})
        self.shut(account.user_id, False)
        account.erased = account.erased or body["erase"]
        return Reply(200, {})

    def _mas_reactivate_user(self, request: Request) -> Reply:
        account, _ = self._asked_by_mas(request, {})
        self.set_password(account, NO_PASSWORD)
        return Reply(200, {})

    def _mas_set_displayname(self, request: Request) -> Reply:
        account, body = self._asked_by_mas(request, {"displayname": NEEDED_TEXT})
        self.set_profile(account, "displayname", body["displayname"])
        return Reply(200, {})

    def _mas_unset_displayname(self, request: Request) -> Reply:
        account, _ = self._asked_by_mas(request, {})
        self.set_profile(account, "displayname", None)
        return Reply(200, {})

    def _mas_allow_cross_signing_reset(self, request: Request) -> Reply:
        self._asked_by_mas(request, {})
        return Reply(200, {})

    # Devices

    def _mas_upsert_device(self, request: Request) -> Reply:
        account, body = self._asked_by_mas(request, DEVICE | {"display_name": TEXT})
        created = body["device_id"] not in account.devices
        if created:
            self.accounts.log_in(account, body["device_id"])
        if body["display_name"] is not None:
            account.devices[body["device_id"]].display_name = body["display_name"]
        return Reply(201 if created else 200, {})

    def _mas_delete_device(self, request: Request) -> Reply:
        account, body = self._asked_by_mas(request, DEVICE)
        account.devices.pop(body["device_id"], None)
        return Reply(200, {})

    def _mas_update_device(self, request: Request) -> Reply:
        account, body = self._asked_by_mas(request, DEVICE | {"display_name": NEEDED_TEXT})
        if body["device_id"] not in account.devices:
            raise not_found("Device does not exist")
        account.devices[body["device_id"]].display_name = body["display_name"]
        return Reply(200, {})

    def _mas_sync_devices(self, request: Request) -> Reply:
        account, body = self._asked_by_mas(request, {"devices": Field(list, required=True)})
        for device_id in set(account.devices) - set(body["devices"]):
            del account.devices[device_id]
        for device_id in set(body["devices"]) - set(account.devices):
            self.accounts.log_in(account, device_id)
        return Reply(200, {})
