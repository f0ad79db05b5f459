# SPDX-License-Identifier: GPL-3.0-or-later
"""Registration with the shared secret at the stand-in for tuwunel (section 1.1)."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any

from .family_accounts import random_text
from .family_base import body_of
from .family_table import Refusal, Route
from .mas_wire import Reply, Request
from .tuwunel_fields import NEEDED_TEXT, OFF, TEXT, completed, read
from .tuwunel_home import Home
from .tuwunel_words import forbidden, refused, wrong

PATH = "/_synapse/admin/v1/register"

NONCE_LENGTH = 32
NONCE_SECONDS = 60
NONCES = 2048
LONGEST_FIELD = 512

BODY = {
    "nonce": NEEDED_TEXT,
    "username": NEEDED_TEXT,
    "displayname": TEXT,
    "password": NEEDED_TEXT,
    "admin": OFF,
    "user_type": TEXT,
    "mac": NEEDED_TEXT,
    "inhibit_login": OFF,
    "refresh_token": OFF,
    "device_id": TEXT,
    "initial_device_display_name": TEXT,
}


class Nonces:
    """In memory only: a restart forgets them."""

    def __init__(self) -> None:
        # Each with the moment of its making; a test may set that back.
        self.made: dict[str, float] = {}

    def issue(self) -> str:
        nonce = random_text(NONCE_LENGTH)
        now = time.monotonic()
        self.made = {
            known: made for known, made in self.made.items() if now - made < NONCE_SECONDS
        }
        if len(self.made) >= NONCES:
            del self.made[min(self.made, key=lambda known: self.made[known])]
        self.made[nonce] = now
        return nonce

    def consume(self, nonce: str) -> bool:
        """Whether it holds; it is gone in any case."""
        made = self.made.pop(nonce, None)
        return made is not None and time.monotonic() - made < NONCE_SECONDS


class SharedSecret(Home):
    ROUTES = (Route("GET", PATH, "_nonce"), Route("POST", PATH, "_register_by_secret"))

    nonces: Nonces

    def _nonce(self, request: Request) -> Reply:
        # Whether a file has one in it is not looked at here.
        settings = self.settings
        if settings.registration_shared_secret_file is None and not self.secret:
            raise not_enabled()
        return Reply(200, {"nonce": self.nonces.issue()})

    def _register_by_secret(self, request: Request) -> Reply:
        body = read(body_of(request), BODY)
        if not self.secret:
            raise not_enabled()
        if not self.nonces.consume(body["nonce"]):
            raise wrong("Unrecognised or expired nonce")
        for name in ("username", "password"):
            check_field(name.capitalize(), body[name])
        if not mac_fits(self.secret, body):
            raise forbidden("HMAC check failed")
        user_id = self._name_by_secret(body["username"].lower())
        if user_id in self.accounts:
            raise refused("M_USER_IN_USE", "User ID is not available")
        # Nobody is promoted for being the first.
        account = self.make_account(user_id, body["password"])
        if body["displayname"] is not None:
            account.displayname = body["displayname"] + self.displayname_suffix()
        if body["admin"]:
            self.promote(user_id)
        answer = {"user_id": user_id, "home_server": self.server_name}
        if not body["inhibit_login"]:
            shown = body["initial_device_display_name"]
            refresh = body["refresh_token"]
            answer |= self.new_session(account, body["device_id"], shown, refresh=refresh)
        return Reply(200, answer)

    def _name_by_secret(self, username: str) -> str:
        user_id = completed(username, self.server_name)
        if user_id is None:
            raise wrong("Invalid user id")
        if not user_id.is_strict:
            what = "Username contains disallowed characters or spaces"
            raise refused("M_INVALID_USERNAME", what)
        if user_id.server_name != self.server_name:
            raise wrong("User is not local to this server")
        return str(user_id)


def not_enabled() -> Refusal:
    # Not 404, as comments in its source have it.
    return refused("M_UNKNOWN", "Shared-secret registration is not enabled")


def check_field(name: str, value: str) -> None:
    if not value:
        raise wrong(f"{name} must not be empty")
    if len(value.encode()) > LONGEST_FIELD:
        raise wrong(f"{name} must not exceed {LONGEST_FIELD} bytes")
    if "\0" in value:
        raise wrong(f"{name} must not contain a null byte")


def mac_fits(secret: str, body: dict[str, Any]) -> bool:
    """Of the name as it was sent: capitals are folded afterwards."""
    parts = [body["nonce"], body["username"], body["password"]]
    parts.append("admin" if body["admin"] else "notadmin")
    if body["user_type"] is not None:
        parts.append(body["user_type"])
    mac = hmac.new(secret.encode(), "\0".join(parts).encode(), hashlib.sha1)
    # Capitals or not; bytes.fromhex() would take white space, too.
    return hmac.compare_digest(mac.hexdigest().encode(), body["mac"].lower().encode())
