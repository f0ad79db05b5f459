# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test does with a stand-in of the Conduit family to prepare or to look: as with
a real homeserver (homeserver.py), and it knows nothing of the module under test."""

from __future__ import annotations

import http.client
import json as jsonlib
import socket
import ssl
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any
from urllib.parse import quote

from .family_accounts import Account
from .family_base import Base
from .family_bot import Bot
from .family_rooms import Event
from .mas_wire import Dropped, Listener, Reply, Request

# Of what a test itself asks: it is not in the record of requests.
HARNESS = "x-harness"
HARNESS_ADMIN = "harness-admin"


class FamilyClient(Base):
    bot: Bot
    listener: Listener
    requests: list[Request]
    _admin_token: str | None = None

    # Asking it as anybody would

    def api(
        self,
        method: str,
        path: str,
        json: Any = None,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        recorded: bool = False,
    ) -> tuple[int, Any]:
        """One request; the status and the decoded body, whatever the status."""
        sent = dict(headers or {}) | ({} if recorded else {HARNESS: "1"})
        body = None
        if json is not None:
            sent["Content-Type"] = "application/json"
            body = jsonlib.dumps(json).encode()
        if token is not None:
            sent["Authorization"] = "Bearer " + token
        connection = self._connection()
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            data = response.read()
        finally:
            connection.close()
        try:
            return response.status, jsonlib.loads(data)
        except ValueError:
            return response.status, {"text": data.decode("utf8", "replace")}

    def _connection(self) -> http.client.HTTPConnection:
        """Open already, from where it can be reached."""
        listener = self.listener
        connection = http.client.HTTPConnection("localhost", timeout=60)
        with listener.namespace.entered() if listener.namespace else nullcontext():
            connection.sock = socket.create_connection((listener.address, listener.port), 60)
        if listener.tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection.sock = context.wrap_socket(connection.sock)
        return connection

    def asked(self, method: str, path: str, json: Any = None, token: str | None = None) -> Any:
        """The body of a reply that has to be a 200."""
        status, reply = self.api(method, path, json, token)
        assert status == 200, f"{method} {path}: {status} {reply}"
        return reply

    def try_login(self, user: str, password: str, **more: Any) -> tuple[int, Any]:
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": user},
            "password": password,
        }
        return self.api("POST", "/_matrix/client/v3/login", body | more)

    def login(self, user: str, password: str, **more: Any) -> str:
        """A new session of that user; its access token."""
        status, reply = self.try_login(user, password, **more)
        assert status == 200, f"login: {status} {reply}"
        return reply["access_token"]

    def logout(self, token: str) -> None:
        self.asked("POST", "/_matrix/client/v3/logout", {}, token)

    def whoami(self, token: str) -> dict[str, Any] | None:
        """Whose token it is, and of which device; None if it is nobody's."""
        status, reply = self.api("GET", "/_matrix/client/v3/account/whoami", token=token)
        assert status in (200, 401), f"whoami: {status} {reply}"
        return reply if status == 200 else None

    def profile(self, localpart: str) -> dict[str, Any] | None:
        path = "/_matrix/client/v3/profile/" + quote(self.user_id(localpart), safe="")
        status, reply = self.api("GET", path)
        assert status in (200, 404), f"{path}: {status} {reply}"
        return reply if status == 200 else None

    def send(self, token: str, text: str, room_id: str | None = None, **more: Any) -> str:
        """A message to the admin room, or another; the event's id."""
        room = quote(room_id or self.admin_room.room_id, safe="")
        self._txns = getattr(self, "_txns", 0) + 1
        path = f"/_matrix/client/v3/rooms/{room}/send/m.room.message/harness{self._txns}"
        body = {"msgtype": "m.text", "body": text} | more
        return self.asked("PUT", path, body, token)["event_id"]

    def give(self, text: str, token: str | None = None, **more: Any) -> list[Event]:
        """A command to the admin room, prefix and all; by the harness' administrator
        unless somebody's token is given. What came after it once it was done."""
        command = self.send(self.admin_token if token is None else token, text, **more)
        self.bot.settle()
        events = self.events()
        position = next(one.position for one in events if one.event_id == command)
        return [one for one in events if one.position > position]

    def told(self, text: str, token: str | None = None) -> str:
        """The answer to it, which is the last thing that the bot says."""
        events = self.give(text, token)
        said = [one for one in events if one.sender == self.bot_id and "body" in one.content]
        assert said, f"no answer to {text}"
        return said[-1].content["body"]

    # Making what a test needs, without a request

    def create(self, name: str, password: str | None, admin: bool = False) -> str:
        """An account that is there; the user's id. As the server's command makes it."""
        with self.changed:
            account = self.make_account(self.user_id(name), password)
            if admin:
                self.make_admin(account.user_id)
            return account.user_id

    def make_account(self, user_id: str, password: str | None) -> Account:
        raise NotImplementedError

    def make_admin(self, user_id: str) -> None:
        """With the power that the server gives to who is made one."""
        raise NotImplementedError

    def token_of(self, name: str) -> str:
        """A session of that account, which it may do without a password."""
        with self.changed:
            return self.accounts.log_in(self.user(name)).token

    @property
    def admin_token(self) -> str:
        """A session of @harness-admin, an administrator that is made when it is first
        needed: the server has an account then."""
        if self._admin_token is None:
            if self.find(HARNESS_ADMIN) is None:
                self.create(HARNESS_ADMIN, "of the harness", admin=True)
            self._admin_token = self.token_of(HARNESS_ADMIN)
        return self._admin_token

    # Looking at it

    def find(self, name: str) -> Account | None:
        return self.accounts.get(self.user_id(name))

    def user(self, name: str) -> Account:
        account = self.find(name)
        assert account is not None, f"there is no {name}"
        return account

    def user_names(self) -> list[str]:
        """The ids of all accounts but the bot's."""
        return sorted(one.user_id for one in self.accounts if one.user_id != self.bot_id)

    def opens(self, name: str, password: str) -> bool:
        """Whether a login with it would succeed."""
        account = self.find(name)
        return account is not None and account.opens and account.password == password

    def administers(self, name: str) -> bool:
        return self.is_admin(self.user_id(name))

    def admins(self) -> list[str]:
        """The ids of all administrators but the bot."""
        return sorted(set(self.admin_room.joined()) - {self.bot_id})

    def devices(self, name: str) -> list[str]:
        return sorted(self.user(name).devices)

    def events(self) -> list[Event]:
        """All of the admin room, the oldest first."""
        with self.changed:
            return list(self.admin_room.events)

    def readable(self) -> list[str]:
        """Every text that still stands in an event of any room."""
        with self.changed:
            events = [event for room in self.rooms for event in room.events]
            return [jsonlib.dumps(event.content, ensure_ascii=False) for event in events]

    def is_readable(self, secret: str) -> bool:
        """Whether it stands in any of them."""
        written = jsonlib.dumps(secret, ensure_ascii=False)[1:-1]
        return any(written in text for text in self.readable())

    # The record of requests

    @property
    def routes(self) -> list[str]:
        """Of all requests but the test's own: "POST /_matrix/client/v3/login"."""
        return [request.route for request in self.requests]

    def count(self, route: str) -> int:
        return self.routes.count(route)

    # What goes wrong

    before: Callable[[Request], Reply | None] | None
    after: Callable[[Request, Reply], Reply | None] | None

    def cut(self, route: str, nth: int = 1, done: bool = True) -> None:
        """The connection ends at the nth such request from now on: after it was done, or
        before. The route as in `routes`, or the beginning of it."""
        left = [nth]

        def is_it(request: Request) -> bool:
            if not request.route.startswith(route) or request.header(HARNESS) is not None:
                return False
            left[0] -= 1
            return left[0] == 0

        def dropping(request: Request, reply: Reply | None = None) -> None:
            if is_it(request):
                raise Dropped

        if done:
            self.after = dropping
        else:
            self.before = dropping
