# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of the stand-in of Synapse: accounts, sessions, refusals, and the
checks of request bodies. What answers with them is hostile_homeserver.py."""

from __future__ import annotations

import json
import time
import unicodedata
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Answer:
    """A status and a body: bytes as they are, anything else as JSON."""

    status: int
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """A SynapseError: a status, an errcode and a text."""

    def __init__(self, status: int, errcode: str, error: str, **more: Any) -> None:
        super().__init__(error)
        self.answer = Answer(status, {"errcode": errcode, "error": error} | more)


@dataclass
class Account:
    user_id: str
    password: str | None
    admin: bool = False
    displayname: str | None = None
    deactivated: bool = False
    locked: bool = False
    has_profile: bool = True
    created: int = field(default_factory=lambda: int(time.time()))

    def seen_by_admin(self) -> dict[str, Any]:
        """The keys of handlers/admin.py, get_user."""
        return {
            "name": self.user_id,
            "admin": self.admin,
            "deactivated": self.deactivated,
            "locked": self.locked,
            "shadow_banned": False,
            "creation_ts": self.created,
            "appservice_id": None,
            "consent_server_notice_sent": None,
            "consent_version": None,
            "consent_ts": None,
            "user_type": None,
            "is_guest": False,
            "suspended": False,
            "displayname": self.displayname,
            "avatar_url": None,
            "threepids": [],
            "external_ids": [],
            "erased": False,
            "last_seen_ts": None,
        }


@dataclass
class Token:
    user_id: str
    owner: str
    device_id: str | None
    valid_until_ms: int | None = None


def hashed(password: str) -> bytes:
    """What bcrypt gets to see of a password (handlers/auth.py, hash)."""
    return unicodedata.normalize("NFKC", password).encode()[:72]


def unknown_token(error: str, soft_logout: bool) -> Refusal:
    return Refusal(401, "M_UNKNOWN_TOKEN", error, soft_logout=soft_logout)


def locked() -> Refusal:
    return Refusal(401, "M_USER_LOCKED", "User account has been locked", soft_logout=True)


def incomplete(answer: dict[str, Any]) -> Refusal:
    """The 401 of UI auth, which is no error in form."""
    refusal = Refusal(401, "", "")
    refusal.answer = Answer(401, answer)
    return refusal


def json_object(request: Any) -> dict[str, Any]:
    try:
        value = json.loads(request.body.decode("utf-8"))
    except ValueError:
        raise Refusal(400, "M_NOT_JSON", "Content not JSON.") from None
    if not isinstance(value, dict):
        raise Refusal(400, "M_BAD_JSON", "Content must be a JSON object.")
    return value


def checked_displayname(value: Any) -> str | None:
    """handlers/profile.py, set_displayname: stripped, "" is none."""
    if not isinstance(value, str):
        raise Refusal(400, "M_INVALID_PARAM", "'displayname' must be a string")
    if len(value) > 256:
        raise Refusal(400, "M_UNKNOWN", "Displayname is too long (max 256)")
    return None if value == "" else value.strip()


def check_user_body(body: dict[str, Any]) -> None:
    """rest/admin/users.py, on_PUT: all types are checked before any is used."""
    if body.get("user_type") not in (None, "support", "bot"):
        raise Refusal(400, "M_UNKNOWN", "Invalid user type")
    if not isinstance(body.get("admin", False), bool):
        raise Refusal(400, "M_BAD_JSON", "Param 'admin' must be a boolean, if given")
    password = body.get("password")
    if password is not None and (not isinstance(password, str) or len(password) > 512):
        raise Refusal(400, "M_UNKNOWN", "Invalid password")
    for name in ("logout_devices", "deactivated", "locked"):
        if not isinstance(body.get(name, False), bool):
            quoted = "parameter is not of type boolean"
            raise Refusal(400, "M_UNKNOWN", f"'{name}' {quoted}")
    if body.get("deactivated") and body.get("locked"):
        raise Refusal(400, "M_UNKNOWN", "An user can't be deactivated and locked")
