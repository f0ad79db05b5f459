# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for Conduit 0.10.12, which comes from no registry: see family.py.

    with Conduit(allow_registration=True) as server:
        ... server.bot.dead, server.admins() ...

What is said of it is section 2.7, sections 3 to 5, and what was seen of one that ran
(section 11), which wins. Its commands are in conduit_commands.py.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any

from .conduit_commands import Commands
from .family_accounts import Account
from .family_base import text_in
from .family_register import DUMMY, TOKEN
from .family_table import Refusal, Route, Said, Settings, Table, is_strict
from .mas_wire import Reply, Request


@dataclass
class ConduitSettings(Settings):
    jwt_secret: str | None = None
    enable_lightning_bolt: bool = True


class HandlerPanics(Exception):
    """The server's task for the request ends, and the body with it."""


class Conduit(Commands):
    TABLE = Table(
        name="Conduit",
        version="0.10.12",
        versions=("r0.5.0", "r0.6.0", *(f"v1.{minor}" for minor in range(1, 13))),
        flags=(
            "org.matrix.e2e_cross_signing",
            "org.matrix.msc3916.stable",
            "org.matrix.simplified_msc3575",
        ),
        flows=("m.login.password", "m.login.application_service"),
        repeats_code=True,
        federation_off=Said(500, "M_UNKNOWN", "Federation is disabled."),
        keys_without_federation=True,
        locked_first=False,
        kicks_the_gone=True,
        last_admin=Said(403, "M_FORBIDDEN", "Last admin cannot leave from admins room."),
        bot_leaving=Said(403, "M_FORBIDDEN", "Conduit user cannot leave from admins room."),
        oversize=65535,
        # It takes no notice of a filter, and tells what has come with the next request.
        sync_filter="nothing",
        sync_looks_again=False,
    )
    SETTINGS = ConduitSettings
    ROUTES = (
        Route("GET", "/", "_greeting"),
        Route("GET", "/.well-known/matrix/client", "_well_known"),
    )

    # Coming and going

    def prepare(self) -> None:
        """Sessions of the bot outlive the password that they were made with (section 11)."""
        # A command that opened registration did so until now.
        self.registration_open = self.settings.allow_registration
        bot = self.accounts.get(self.bot_id)
        assert bot is not None
        bot.password = self.settings.emergency_password
        bot.deactivated = bot.password is None
        if bot.password is not None:
            text = "The emergency password of the server's own user is set: unset it soon."
            self.bot.post({"msgtype": "m.text", "body": text})

    # Its own endpoints

    def _greeting(self, request: Request) -> Reply:
        return Reply.text(200, "Hello from Conduit!")

    def _well_known(self, request: Request) -> Reply:
        # A guess, where nothing is configured.
        return Reply(200, {"m.homeserver": {"base_url": f"https://{self.server_name}"}})

    # Logging in

    def _login(self, request: Request) -> Reply:
        try:
            return super()._login(request)
        except HandlerPanics:
            return Reply(500, None)

    def authenticated(self, kind: str, body: dict[str, Any]) -> Account:
        if kind != "m.login.token":
            return super().authenticated(kind, body)
        if self.settings.jwt_secret is None:
            text = "Token login is not supported (server has no jwt decoding key)."
            raise Refusal(400, "M_UNKNOWN", text)
        subject = _subject(text_in(body, "token"), self.settings.jwt_secret)
        if subject is None:
            raise Refusal(400, "M_INVALID_USERNAME", "Token is invalid.")
        account = self.accounts.get(self.user_id(subject.lower()))
        if account is None:
            raise HandlerPanics
        return account

    def _refuse_exclusive_login(self, user_id: str) -> None:
        localpart = user_id[1:].partition(":")[0]
        if self.is_exclusive(localpart):
            raise self.table.exclusive.refusal

    # Registration

    def registration_flows(self) -> list[list[str]]:
        if not self.registration_open:
            raise self.table.closed.refusal
        return [[DUMMY]] if self.settings.registration_token is None else [[TOKEN]]

    def free_name(self, name: str, relaxed_in_emergency: bool) -> str:
        """What register/available says: of namespaces it knows nothing."""
        localpart = self.local_part(name)
        if localpart is None or not is_strict(localpart, self.server_name):
            raise self.table.bad_name.refusal
        if self.user_id(localpart) in self.accounts:
            raise self.table.taken.refusal
        return self.user_id(localpart)

    def _registered_name(self, wanted: str | None) -> str:
        user_id = super()._registered_name(wanted)
        self._refuse_exclusive_login(user_id)
        return user_id

    def displayname_suffix(self) -> str:
        return " ⚡️" if self.settings.enable_lightning_bolt else ""

    def was_registered(self, account: Account, with_session: bool) -> None:
        """Who comes while the bot is alone is made an administrator, each time; but not
        without a session, whose reply is given before that (section 11)."""
        if not with_session:
            return
        self.notice(f"New user {account.user_id} registered on this server.")
        if self.is_bot_alone():
            self.promote(account.user_id)

    def password_changed(self, account: Account) -> None:
        self.notice(f"User {account.user_id} changed their password.")

    def notice(self, text: str) -> None:
        """By the task that answers commands, which may be dead."""
        if not self.bot.dead:
            self.bot.post({"msgtype": "m.notice", "body": text})

    # What a test makes of it

    def make_admin(self, user_id: str) -> None:
        """The first one with power; who comes later is invited and joins (section 5)."""
        if self.is_bot_alone():
            self.promote(user_id)
        else:
            self.rooms.set_membership(self.admin_room, user_id, "invite", self.bot_id)
            self.rooms.set_membership(self.admin_room, user_id, "join", user_id)


def _subject(token: str, secret: str) -> str | None:
    """Of a JWT by HS256 that is valid now."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        head, claims, sent = (_decoded(part) for part in parts)
        algorithm, told = json.loads(head)["alg"], json.loads(claims)
        signed = f"{parts[0]}.{parts[1]}".encode()
        good = hmac.digest(secret.encode(), signed, hashlib.sha256)
        valid = algorithm == "HS256" and hmac.compare_digest(good, sent)
        return told["sub"] if valid and told["exp"] > time.time() - 60 else None
    except (ValueError, KeyError, TypeError):
        return None


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
