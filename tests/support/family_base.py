# SPDX-License-Identifier: GPL-3.0-or-later
"""What every part of a stand-in of the Conduit family has of the others: see family.py."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

from .family_accounts import Account, Accounts, Session
from .family_rooms import Room, Rooms
from .family_table import BOT, Refusal, Route, Settings, Table
from .mas_wire import Request


class Base:
    """A part adds endpoints by a ROUTES of its own: those of all classes are served."""

    TABLE: ClassVar[Table]
    SETTINGS: ClassVar[type[Settings]] = Settings
    ROUTES: ClassVar[tuple[Route, ...]] = ()

    server_name: str
    settings: Any
    accounts: Accounts
    rooms: Rooms
    admin_room: Room
    # Who has it may look at and change all of the above; it wakes who waits for events.
    changed: threading.Condition

    @property
    def table(self) -> Table:
        return self.TABLE

    @property
    def bot_id(self) -> str:
        return self.user_id(BOT)

    def user_id(self, localpart: str) -> str:
        return f"@{localpart}:{self.server_name}"

    def local_part(self, user: str) -> str | None:
        """Of a name or a whole id as it was sent; None: it is another server's."""
        if not user.startswith("@"):
            return user
        localpart, colon, server = user[1:].partition(":")
        return localpart if not colon or server == self.server_name else None

    def is_admin(self, user_id: str) -> bool:
        """Whoever is joined to the admin room is one (section 2.1)."""
        return self.admin_room.membership(user_id) == "join"

    def caller(self, request: Request, locked_too: bool = False) -> Session:
        """Whose token came with the request."""
        scheme, _, token = (request.header("authorization") or "").partition(" ")
        if scheme != "Bearer" or not token:
            raise self.table.missing_token.refusal
        session = self.accounts.session(token)
        if session is None:
            unknown = self.table.unknown_token
            raise Refusal(unknown.status, unknown.errcode, unknown.text, soft_logout=False)
        if session.account.locked and not locked_too:
            locked = self.table.login_locked
            raise Refusal(locked.status, locked.errcode, locked.text, soft_logout=True)
        return session

    def admin_caller(self, request: Request) -> Account:
        account = self.caller(request).account
        if not self.is_admin(account.user_id):
            raise Refusal(403, "M_FORBIDDEN", "Only server administrators can use this endpoint")
        return account

    # What others than its own part do to an account; a server may add to each

    def set_password(self, account: Account, password: str) -> None:
        raise NotImplementedError

    def leave_all_rooms(self, user_id: str) -> None:
        raise NotImplementedError

    def promote(self, user_id: str) -> None:
        raise NotImplementedError

    def was_registered(self, account: Account, with_session: bool) -> None:
        raise NotImplementedError


def body_of(request: Request) -> dict[str, Any]:
    """The JSON object that came in; nothing at all is an empty one."""
    if not request.body.strip():
        return {}
    try:
        body = request.json
    except (ValueError, RecursionError):
        raise Refusal(400, "M_NOT_JSON", "deserialization failed: expected value") from None
    if not isinstance(body, dict):
        raise Refusal(400, "M_BAD_JSON", "deserialization failed: invalid type")
    return body


def text_in(body: dict[str, Any], name: str, usual: str | None = None) -> str:
    """A field that has to be a text; one without `usual` has to be there."""
    value = body.get(name, usual)
    if not isinstance(value, str):
        what = "missing field" if name not in body else "invalid type for"
        raise Refusal(400, "M_BAD_JSON", f"deserialization failed: {what} `{name}`")
    return value


def flag_in(body: dict[str, Any], name: str, usual: bool | None = None) -> bool:
    value = body.get(name, usual)
    if not isinstance(value, bool):
        what = "missing field" if name not in body else "invalid type for"
        raise Refusal(400, "M_BAD_JSON", f"deserialization failed: {what} `{name}`")
    return value
