# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of the stand-in of Synapse: accounts, sessions, refusals, and the
checks of request bodies. What answers with them is hostile_homeserver.py."""

from __future__ import annotations

import json
import time
import unicodedata
from dataclasses import dataclass, field
from typing import Any

# config/user_types.py: what Synapse has by itself.
USER_TYPES = ("support", "bot")


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
    avatar_url: str | None = None
    user_type: str | None = None
    suspended: bool = False
    shadow_banned: bool = False
    erased: bool = False
    # Medium and address, and when it was added.
    threepids: dict[tuple[str, str], int] = field(default_factory=dict)
    # Provider and id.
    external_ids: list[tuple[str, str]] = field(default_factory=list)
    # Messages per second and burst.
    ratelimit: tuple[int, int] | None = None

    def seen_by_admin(self) -> dict[str, Any]:
        """The keys of handlers/admin.py, get_user."""
        return {
            "name": self.user_id,
            "admin": self.admin,
            "deactivated": self.deactivated,
            "locked": self.locked,
            "shadow_banned": self.shadow_banned,
            "creation_ts": self.created,
            "appservice_id": None,
            "consent_server_notice_sent": None,
            "consent_version": None,
            "consent_ts": None,
            "user_type": self.user_type,
            "is_guest": False,
            "suspended": self.suspended,
            "displayname": self.displayname,
            "avatar_url": self.avatar_url,
            "threepids": self.listed_threepids(),
            "external_ids": [
                {"auth_provider": provider, "external_id": external_id}
                for provider, external_id in self.external_ids
            ],
            "erased": self.erased,
            "last_seen_ts": None,
        }

    def listed(self) -> dict[str, Any]:
        """The keys of storage/databases/main/__init__.py, UserPaginateResponse,
        without `approved`."""
        return {
            "name": self.user_id,
            "user_type": self.user_type,
            "is_guest": False,
            "admin": self.admin,
            "deactivated": self.deactivated,
            "shadow_banned": self.shadow_banned,
            "displayname": self.displayname,
            "avatar_url": self.avatar_url,
            "creation_ts": self.created * 1000,
            "erased": self.erased,
            "last_seen_ts": None,
            "locked": self.locked,
        }

    def listed_threepids(self) -> list[dict[str, Any]]:
        return [
            {"medium": medium, "address": address, "validated_at": added, "added_at": added}
            for (medium, address), added in self.threepids.items()
        ]

    def add_threepid(self, medium: str, address: str) -> None:
        self.threepids[medium, address] = int(time.time() * 1000)

    @property
    def emails(self) -> list[str]:
        return sorted(address for medium, address in self.threepids if medium == "email")

    def set_profile(self, name: str, value: Any) -> None:
        """handlers/profile.py, set_displayname and set_avatar_url."""
        checked = {"displayname": checked_displayname, "avatar_url": checked_avatar_url}[name]
        setattr(self, name, checked(value))
        self.has_profile = True


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


def broken() -> Refusal:
    """What a servlet did not catch (http/server.py, return_json_error)."""
    return Refusal(500, "M_UNKNOWN", "Internal server error")


def json_object(request: Any, allow_empty: bool = False) -> dict[str, Any]:
    """http/servlet.py, parse_json_object_from_request."""
    if allow_empty and not request.body:
        return {}
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


def checked_avatar_url(value: Any) -> str | None:
    """handlers/profile.py, set_avatar_url: taken as it is, "" is none."""
    if not isinstance(value, str):
        raise Refusal(400, "M_INVALID_PARAM", "'avatar_url' must be a string")
    if len(value) > 1000:
        raise Refusal(400, "M_UNKNOWN", "Avatar URL is too long (max 1000)")
    return value or None


def canonical_email(address: Any) -> str:
    """util/threepids.py, canonicalise_email."""
    if not isinstance(address, str):
        raise broken()
    parts = address.strip().split("@")
    if len(parts) != 2:
        raise Refusal(400, "M_UNKNOWN", "Unable to parse email address")
    return parts[0].casefold() + "@" + parts[1].lower()


def canonical_threepid(medium: Any, address: Any) -> tuple[str, str]:
    """handlers/auth.py, add_threepid."""
    if medium not in ("email", "msisdn"):
        quoted = f"'{medium}' is not a valid value for 'medium'"
        raise Refusal(400, "M_INVALID_PARAM", quoted)
    return medium, canonical_email(address) if medium == "email" else address


def check_keys(entries: Any, *keys: str) -> None:
    """http/servlet.py, assert_params_in_dict, for each of a list."""
    try:
        for entry in entries:
            absent = [key for key in keys if key not in entry]
            if absent:
                raise Refusal(400, "M_MISSING_PARAM", f"Missing params: {absent!r}")
    except TypeError:
        raise broken() from None


def check_user_body(body: dict[str, Any], user_types: tuple[str, ...] = USER_TYPES) -> None:
    """rest/admin/users.py, on_PUT: all types are checked before any is used."""
    if body.get("threepids") is not None:
        check_keys(body["threepids"], "medium", "address")
    if body.get("external_ids") is not None:
        check_keys(body["external_ids"], "auth_provider", "external_id")
    if body.get("user_type") not in (None, *user_types):
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


def threepids_of(body: dict[str, Any]) -> set[tuple[Any, Any]] | None:
    """The set that on_PUT makes of the list: as it was sent, not canonical."""
    if body.get("threepids") is None:
        return None
    try:
        return {(entry["medium"], entry["address"]) for entry in body["threepids"]}
    except TypeError:
        raise broken() from None


def external_ids_of(body: dict[str, Any]) -> list[tuple[Any, Any]] | None:
    if body.get("external_ids") is None:
        return None
    try:
        return [(entry["auth_provider"], entry["external_id"]) for entry in body["external_ids"]]
    except TypeError:
        raise broken() from None
