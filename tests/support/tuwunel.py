# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for tuwunel, which comes from no registry: as strict as tuwunel 1.9.0, with
state, upon the core that it has in common with its siblings (family.py).

    with Tuwunel() as server:
        server.create("alice", "a password")
        ... server.url, server.secret, server.admin_token ...
        assert server.opens("alice", "a password")

    Tuwunel(version="1.8.0")             no admin API but the shared secret
    Tuwunel(version="1.6.0")             not even that
    Tuwunel(mas_secret="...")            whose accounts are another's
    Tuwunel(registration_shared_secret=None, allow_registration=True,
            registration_token="...", emergency_password="...")

Its parts: tuwunel_table.py (its settings, and what it has had since when), tuwunel_home.py
(what is done to accounts), tuwunel_register.py (the shared secret), tuwunel_users.py,
tuwunel_lists.py, tuwunel_devices.py and tuwunel_tokens.py (the admin API),
tuwunel_moderation.py (MSC4323), tuwunel_joining.py (registering and logging in),
tuwunel_own.py (what an account does to itself), tuwunel_mas.py (what MAS asks of it),
tuwunel_bot.py and tuwunel_commands.py.

It is more forgiving nowhere. It has no appservices, no JWT, no single sign-on, no mail and
no media; what it lacks of the admin API is about rooms, media and federation.
"""

from __future__ import annotations

import contextlib
import math
import secrets
import time
from pathlib import Path
from typing import Any

from .family import Family
from .family_accounts import Account, Session
from .family_client import HARNESS
from .family_table import Refusal, Route
from .mas_routes import parsed as parsed_version
from .mas_wire import Reply, Request
from .tuwunel_bot import TuwunelBot
from .tuwunel_devices import AdminDevices
from .tuwunel_lists import Lists
from .tuwunel_mas import MAS, ForMas
from .tuwunel_moderation import Moderation
from .tuwunel_own import Own
from .tuwunel_register import Nonces
from .tuwunel_table import NOT_UNDER_MAS, PATHS_SINCE, SINCE, TABLE, TuwunelSettings
from .tuwunel_tokens import Token, Tokens

GREETING = "hewwo from tuwunel woof!"


class Tuwunel(TuwunelBot, Lists, AdminDevices, Moderation, ForMas, Own, Family):
    TABLE = TABLE
    SETTINGS = TuwunelSettings
    ROUTES = (
        Route("GET", "/", "_greeting"),
        Route("GET", "/_tuwunel/server_version", "_own_version"),
        Route("GET", "/_tuwunel/local_user_count", "_user_count"),
        Route("GET", "/_synapse/admin/v1/server_version", "_admin_version"),
    )

    def __init__(
        self, server_name: str = "example.test", start: bool = True, **settings: Any
    ) -> None:
        self.nonces = Nonces()
        self.tokens = Tokens()
        self.bound_emails: dict[str, str] = {}
        # Seconds before each answer, but to the test itself.
        self.delay: float = 0
        super().__init__(server_name, start, **settings)
        if not self.settings.create_admin_room:
            del self.rooms.aliases[f"#admins:{server_name}"]

    # What it is

    @property
    def version(self) -> str:
        return self.settings.version

    @property
    def secret(self) -> str | None:
        """The shared secret as the server takes it now; empty or None: it takes none."""
        file = self.settings.registration_shared_secret_file
        if file is not None:
            # One that cannot be read is as none at all.
            with contextlib.suppress(OSError):
                return Path(file).read_text("utf8").strip()
        return self.settings.registration_shared_secret

    def prepare(self) -> None:
        """The password of an emergency is set at each start. Where there is none, nothing
        is done, so that one of before goes on opening (section 11)."""
        self.nonces = Nonces()
        if self.settings.emergency_password is not None:
            bot = self.known(self.bot_id)
            self.set_password(bot, self.settings.emergency_password)
        for line in self.settings.admin_execute:
            answer = self.execute(None, line, [])
            if answer.kind != "output" and not self.settings.admin_execute_errors_ignore:
                raise RuntimeError(f"{line}: {answer.text}")

    # Its endpoints

    def routes_served(self) -> list[Route]:
        version = parsed_version(self.version)
        there = (route for route in super().routes_served() if version >= since(route))
        if self.settings.mas_secret:
            return [route for route in there if route.handler not in NOT_UNDER_MAS]
        return [route for route in there if not route.template.startswith(MAS)]

    def _greeting(self, request: Request) -> Reply:
        return Reply.text(200, GREETING)

    def _own_version(self, request: Request) -> Reply:
        return Reply(200, {"name": self.table.name, "version": self.version})

    def _admin_version(self, request: Request) -> Reply:
        return Reply(200, {"server_version": self.version})

    def _told_version(self) -> dict[str, Any]:
        return {"name": self.table.name, "version": self.version, "compiler": "rustc 1.94.1"}

    def _versions(self, request: Request) -> Reply:
        reply = super()._versions(request)
        reply.body["server"] = self._told_version()
        return reply

    def _federation_version(self, request: Request) -> Reply:
        self._require_federation()
        return Reply(200, {"server": self._told_version()})

    def _user_count(self, request: Request) -> Reply:
        self._require_federation()
        return Reply(200, {"count": sum(not one.deactivated for one in self.accounts)})

    def _require_federation(self) -> None:
        if not self.settings.federation:
            raise self.table.federation_off.refusal

    # What it does otherwise

    def _answer(self, request: Request) -> Reply:
        if request.header(HARNESS) is None:
            time.sleep(self.delay)
        return super()._answer(request)

    def caller(self, request: Request, locked_too: bool = False) -> Session:
        """Also by an older token of a device; and not by one that has ended."""
        token = (request.header("authorization") or "").partition(" ")[2]
        for account in self.accounts:
            if account.more.get("ends", {}).get(token, math.inf) < time.time():
                unknown = self.table.unknown_token
                text = "Expired access token."
                raise Refusal(unknown.status, unknown.errcode, text, soft_logout=True)
            device = account.more.get("older", {}).get(token)
            if device is not None and account.devices.get(device.device_id) is device:
                if account.locked and not locked_too:
                    self._refuse_shut(account)
                return Session(account, device.device_id)
        return super().caller(request, locked_too)

    def promote(self, user_id: str) -> None:
        """Without an admin room nothing is done, and nothing said. Who is only invited
        gets the power, and no more; who had it keeps the entry."""
        if not self.settings.create_admin_room:
            return
        room = self.admin_room
        is_new = room.membership(user_id) not in ("join", "invite")
        if is_new:
            self.rooms.set_membership(room, user_id, "invite", self.bot_id)
            self.rooms.set_membership(room, user_id, "join", user_id)
        if room.power(user_id) != self.table.admin_power:
            self.rooms.set_power(room, user_id, self.table.admin_power, self.bot_id)
        if is_new:
            self.tell(f"Welcome to the admin room of {self.server_name}.", loudly=True)

    def add_token(self, token: str | None = None, **how: Any) -> str:
        """A registration token of the database; uses_allowed, expiry_time (ms)."""
        with self.changed:
            return self.tokens.make(token or secrets.token_urlsafe(12), None, Token(**how))

    def from_elsewhere(self, name: str, origin: str = "oidc") -> Account:
        """An account that another service has made, and that has no password here."""
        with self.changed:
            account = self.make_account(self.user_id(name), "*")
            account.more["origin"] = origin
            return account


def since(route: Route) -> tuple[int, int, int]:
    usual = next((one for start, one in PATHS_SINCE if route.template.startswith(start)), (0, 0, 0))
    return SINCE.get(route.handler, usual)


__all__ = ["Tuwunel"]


if __name__ == "__main__":
    # python3 -m tests.support.tuwunel: one to try things on.
    with Tuwunel() as server:
        print(f"{server.url}\nsecret: {server.secret}\ntoken: {server.admin_token}")
        try:
            while True:
                time.sleep(60)
        except KeyboardInterrupt:
            pass
