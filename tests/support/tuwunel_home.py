# SPDX-License-Identifier: GPL-3.0-or-later
"""What the parts of the stand-in for tuwunel do to accounts, and have of each other.

A deactivated account is one without a password. One that is active and without a usable
password has NO_PASSWORD, which nobody can type, as only a hash would fit (section 5)."""

from __future__ import annotations

import time
from typing import Any

from .family_accounts import Account
from .family_base import Base, body_of
from .family_bot import Bot
from .mas_routes import parsed as parsed_version
from .mas_wire import Request
from .tuwunel_fields import Fields, bad_json, parsed, read, read_query
from .tuwunel_table import SEVERAL_TOKENS
from .tuwunel_words import broken, forbidden, not_found, wrong

# As a password it is a sign, and none.
NO_PASSWORD = "*"
# Of an access token that can be refreshed, and of such a token alone.
TOKEN_SECONDS = 604_800
# Where a password may be set: others come from somewhere else (section 1.2).
OWN_ORIGINS = ("password", "sso")


class Home(Base):
    bot: Bot
    version: str

    # Who asks, and for what

    def received(self, request: Request, fields: Fields) -> tuple[Account, dict[str, Any]]:
        """The caller, whoever it is, and the body: all that is looked at before what the
        caller may do."""
        body = body_of(request)
        account = self.caller(request).account
        return account, read(body, fields)

    def queried(self, request: Request, fields: Fields) -> tuple[Account, dict[str, Any]]:
        """The same with a query."""
        account = self.caller(request).account
        return account, read_query(request.query, fields)

    def require_admin(self, account: Account) -> None:
        if not self.is_admin(account.user_id):
            raise forbidden("Only server administrators can use this endpoint")

    def require_local(self, user_id: str, otherwise: str) -> None:
        if not self.is_local(user_id):
            raise wrong(otherwise)

    def is_local(self, user_id: str) -> bool:
        return user_id.partition(":")[2] == self.server_name

    def known(self, user_id: str) -> Account:
        account = self.accounts.get(user_id)
        if account is None:
            raise not_found()
        return account

    # What is done to an account

    def new_account(self, user_id: str, password: str | None) -> Account:
        """Only that: no display name, no rooms."""
        account = self.accounts.make(user_id, None, deactivated=True)
        if password is not None:
            self.set_password(account, password)
        return account

    def set_password(self, account: Account, password: str) -> None:
        """It makes a deactivated account an active one. NO_PASSWORD is allowed to
        those from elsewhere, too."""
        if password == NO_PASSWORD:
            account.password, account.deactivated = None, False
            return
        origin = account.more.get("origin", "password")
        if origin not in OWN_ORIGINS:
            raise wrong(f'Cannot change password of an "{origin}" user.')
        account.password, account.deactivated = password, False
        account.more["origin"] = "password"

    def deactivate(self, account: Account) -> None:
        """It stays in all of its rooms, and keeps its profile."""
        self.accounts.log_out(account)
        account.password, account.deactivated = None, True

    def set_profile(self, account: Account, name: str, value: str | None) -> None:
        setattr(account, name, value)
        self._show_profile(account)  # type: ignore[attr-defined]

    def revoke(self, user_id: str) -> None:
        """Out of the admin room, by the bot."""
        if not self.settings.create_admin_room:
            raise broken("No admin room available or created.")
        membership = self.admin_room.membership(user_id)
        if membership is None:
            raise broken(f"{user_id} was never an admin.")
        if membership in ("leave", "ban"):
            raise broken(f'Cannot revoke {user_id} in membership state "{membership}".')
        self.rooms.before_leaving(self.admin_room, user_id)
        self.rooms.set_membership(self.admin_room, user_id, "leave", self.bot_id)

    # Sessions

    def new_session(
        self,
        account: Account,
        device_id: str | None,
        shown: str | None,
        refresh: bool = False,
        seconds: float | None = None,
    ) -> dict[str, Any]:
        """As an answer tells it. seconds: how long its token lives."""
        known = account.devices.get(device_id or "")
        device = self.accounts.log_in(account, device_id or None, shown)
        if known is not None and parsed_version(self.version) >= SEVERAL_TOKENS:
            # All tokens of a device are good, until it goes.
            older = account.more.setdefault("older", {})
            older |= {token: device for token, one in older.items() if one is known}
            older[known.token] = device
        told: dict[str, Any] = {"access_token": device.token, "device_id": device.device_id}
        if refresh:
            seconds = TOKEN_SECONDS
            told |= {"refresh_token": "r" + device.token, "expires_in_ms": TOKEN_SECONDS * 1000}
        if seconds is not None:
            account.more.setdefault("ends", {})[device.token] = time.time() + seconds
        account.more["seen"] = now_ms()
        return told

    def last_seen(self, account: Account) -> int | None:
        """In ms; of an account without a device nothing is known."""
        return account.more.setdefault("seen", now_ms()) if account.devices else None

    # What others have

    def tell(self, text: str, loudly: bool = False) -> None:
        """The bot, to the admin room, unless it is told to keep such things for itself."""
        if not self.settings.admin_room_notices:
            return
        self.bot.post({"msgtype": "m.text" if loudly else "m.notice", "body": text})


def in_path(segment: str) -> str:
    """A path's user id."""
    user_id = parsed(segment)
    if user_id is None:
        raise bad_json("the user id is none")
    return str(user_id)


def now_ms() -> int:
    return int(time.time() * 1000)
