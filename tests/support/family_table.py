# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the servers of the Conduit family differ in what all of them do: one constant
table each, and what their endpoints are made of. See family.py."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import unquote

from .mas_wire import Reply

# No localpart of these servers has anything else (section 5).
STRICT = re.compile(r"[0-9a-z\-.=_/+]+")
LONGEST_ID = 255
BOT = "conduit"


class Refusal(Exception):
    """An error as Matrix has it. errcode None: the stages of UIA, which have none."""

    def __init__(self, status: int, errcode: str | None, text: str = "", **more: Any) -> None:
        super().__init__(status, errcode, text)
        self.status = status
        self.errcode = errcode
        self.text = text
        self.more = more


class Said(NamedTuple):
    """What a table has for one case."""

    status: int
    errcode: str
    text: str

    @property
    def refusal(self) -> Refusal:
        return Refusal(self.status, self.errcode, self.text)


class Route(NamedTuple):
    """One endpoint: "{user_id}" is a part of the path that a handler gets decoded, in
    the order of the path; "{v}" is one of `versions` and no argument of it. handler:
    the name of the server's method."""

    method: str
    template: str
    handler: str
    versions: tuple[str, ...] = ("v3", "r0")

    def arguments(self, path: str) -> tuple[str, ...] | None:
        """Of the path as it was sent; None: it is not this endpoint's."""
        wanted, sent = self.template.split("/"), path.split("/")
        if len(wanted) != len(sent):
            return None
        found = []
        for one, other in zip(wanted, sent, strict=True):
            if one == "{v}":
                if other not in self.versions:
                    return None
            elif one.startswith("{"):
                found.append(unquote(other))
            elif one != other:
                return None
        return tuple(found)


@dataclass(frozen=True)
class Table:
    """A server's. The texts are those of its answers, without the code that some put
    before each (repeats_code)."""

    name: str  # as GET /_matrix/federation/v1/version has it
    version: str
    versions: tuple[str, ...]  # of GET /_matrix/client/versions
    flags: tuple[str, ...]
    flows: tuple[str, ...]  # of GET /login
    repeats_code: bool = False  # "M_FORBIDDEN: Wrong username or password."
    # GET /_matrix/key/v2/server is answered though federation is off.
    keys_without_federation: bool = False
    federation_off: Said = Said(403, "M_FORBIDDEN", "Federation is disabled.")
    unrecognized: str = "Unrecognized request"
    missing_token: Said = Said(401, "M_MISSING_TOKEN", "Missing access token.")
    unknown_token: Said = Said(401, "M_UNKNOWN_TOKEN", "Unknown access token.")

    # Names
    folds: bool = True  # register and login take capitals for small letters
    available_folds: bool = True
    # What emergency_password switches off: "register", "available".
    emergency_relaxes: frozenset[str] = frozenset()
    bad_name: Said = Said(400, "M_INVALID_USERNAME", "Username is invalid.")
    taken: Said = Said(400, "M_USER_IN_USE", "Desired user ID is already taken.")
    forbidden_name: Said = Said(403, "M_FORBIDDEN", "Username is forbidden")
    exclusive: Said = Said(400, "M_EXCLUSIVE", "User id reserved by appservice.")

    # Logins, by what is wrong; locked_first: that is told before the password is looked at.
    login_absent: Said = Said(403, "M_FORBIDDEN", "Wrong username or password.")
    login_wrong: Said = Said(403, "M_FORBIDDEN", "Wrong username or password.")
    login_deactivated: Said = Said(403, "M_USER_DEACTIVATED", "The user has been deactivated")
    login_locked: Said = Said(401, "M_USER_LOCKED", "This account has been locked.")
    login_disabled: Said = Said(403, "M_FORBIDDEN", "This account is not permitted to log in.")
    login_foreign: Said = Said(403, "M_FORBIDDEN", "Wrong username or password.")
    login_malformed: Said = Said(403, "M_FORBIDDEN", "Wrong username or password.")
    login_identifier: Said = Said(403, "M_FORBIDDEN", "Bad login type.")  # not m.id.user
    login_type: Said = Said(400, "M_UNKNOWN", "Unsupported login type.")
    locked_first: bool = True

    # Registration
    closed: Said = Said(403, "M_FORBIDDEN", "Registration has been disabled.")
    names_before_uia: bool = True  # a bad or taken name is told before any stage
    uia_params: bool = False  # "params":{} in the stages that are left
    unknown_session: Said = Said(403, "M_FORBIDDEN", "UIAA session does not exist.")
    # A stage that is in none of the flows; None: it is taken as completed, in vain.
    foreign_stage: Said | None = None
    wrong_token_text: str = "Invalid registration token."
    wrong_uia_password: str = "Invalid username or password."
    # An account that is registered without a password; None: it is deactivated.
    no_password: Said | None = None
    displayname_suffix: str = ""  # what a registration puts behind the localpart

    # Rooms
    room_version: str = "12"
    admin_power: int = 100  # of who is made an administrator
    # The power of the bot in its admin room, where that is not its creator's.
    bot_power: int | None = None
    invite_power: int = 0
    suspended: Said = Said(
        403, "M_USER_SUSPENDED", "You cannot perform this action while suspended."
    )
    not_in_room: Said = Said(400, "M_BAD_STATE", "Cannot kick a user who is not in the room.")
    # Kicking who has left is a success; not_in_room is for who never was there.
    kicks_the_gone: bool = False
    last_admin: Said = Said(403, "M_FORBIDDEN", "Last admin cannot leave from admins room.")
    bot_leaving: Said = Said(403, "M_FORBIDDEN", "Server user cannot leave the admins room.")
    welcome: bool = True  # the bot greets who is made an administrator

    # /sync: what it takes notice of in a filter, "nothing", "limit", "all"; how long it
    # waits where nobody says how long, and at least, in ms; whether it looks again once
    # something has come.
    sync_filter: str = "nothing"
    sync_default: int = 0
    sync_least: int = 0
    sync_looks_again: bool = True
    messages_filter: bool = False  # GET /messages takes notice of its filter

    # The bot. Beyond that many bytes an answer is another one's matter (say).
    oversize: int = 60000
    more: dict[str, Any] = field(default_factory=dict)  # of the server's own use


@dataclass
class Settings:
    """Of a server's configuration. A restart may change them: restart(federation=True)."""

    allow_registration: bool = False
    registration_token: str | None = None
    emergency_password: str | None = None
    federation: bool = True
    forbidden_usernames: tuple[str, ...] = ()  # regular expressions
    namespaces: tuple[str, ...] = ()  # of an appservice, which has them for itself
    login_enabled: bool = True  # by a password


def refused(refusal: Refusal, repeats_code: bool) -> Reply:
    body: dict[str, Any] = dict(refusal.more)
    if refusal.errcode is not None:
        repeated = repeats_code and not refusal.more.get("flows")
        text = f"{refusal.errcode}: {refusal.text}" if repeated else refusal.text
        body = {"errcode": refusal.errcode, "error": text} | body
    return Reply(refusal.status, body)


def is_strict(localpart: str, server_name: str) -> bool:
    """Whether the grammar of today allows it."""
    whole = len(f"@{localpart}:{server_name}".encode())
    return STRICT.fullmatch(localpart) is not None and whole <= LONGEST_ID


def is_historical(localpart: str, server_name: str) -> bool:
    """Whether it was allowed once: anything printable of ASCII but a colon."""
    whole = len(f"@{localpart}:{server_name}".encode())
    return re.fullmatch(r"[!-9;-~]+", localpart) is not None and whole <= LONGEST_ID
