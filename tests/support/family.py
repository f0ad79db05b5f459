# SPDX-License-Identifier: GPL-3.0-or-later
"""The core of the stand-ins for tuwunel, continuwuity and Conduit, none of which comes
from a registry: HTTP on the loopback, accounts, devices, rooms, /sync, UIA, the bot.

A server is a subclass of Family with

    TABLE     a Table: where it differs in what all do (family_table.py)
    SETTINGS  a subclass of Settings: of its configuration, which are the arguments of
              the class and of restart(); self.settings has them
    ROUTES    its own endpoints: Route(method, template, name of a method). A handler is
              called with the request and the decoded parts of the path, has the lock
              (self.changed), and returns a Reply or raises a Refusal. What has no route
              is 404 M_UNRECOGNIZED, and a route's path by another method 405. A route of
              a subclass goes before its parents'; routes_served() may leave some out.

and overrides what it does otherwise: registration_flows, was_registered, checked,
promote, set_password, refuse_leaving, command_in, obey, answer, prepare. The parts are
family_base.py (what each has of the others), family_login.py, family_register.py,
family_room_api.py, family_sync.py, family_bot.py; a test's side is family_client.py.

    with Continuwuity(emergency_password="...") as server:
        server.create("alice", "a password", admin=True)
        ... server.url, server.server_name, server.admin_token ...
        assert server.count("POST /_matrix/client/v3/login") == 1

Sections that are cited are those of the facts that the project keeps beside its sources.
"""

from __future__ import annotations

import contextlib
import dataclasses
import ssl
import threading
import time
import traceback
from typing import Any

from .family_accounts import Account, Accounts
from .family_bot import Answer, Bot, Command
from .family_client import HARNESS, FamilyClient
from .family_login import Login
from .family_register import Register
from .family_room_api import RoomApi
from .family_rooms import Room, Rooms
from .family_sync import Sync
from .family_table import Refusal, Route, refused
from .mas_wire import Dropped, Listener, Reply, Request
from .namespaces import Namespace


class Family(Login, Register, RoomApi, Sync, FamilyClient):
    """Listens from construction on unless told not to. Used as a context manager."""

    ROUTES = (
        Route("GET", "/_matrix/client/versions", "_versions"),
        Route("GET", "/_matrix/federation/v1/version", "_federation_version"),
        Route("GET", "/_matrix/key/v2/server", "_server_keys"),
    )

    def __init__(
        self,
        server_name: str = "example.test",
        start: bool = True,
        address: str = "127.0.0.1",
        namespace: Namespace | None = None,
        tls: ssl.SSLContext | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        self.server_name = server_name
        self.settings = self.SETTINGS(**settings)
        self.changed = threading.Condition(threading.RLock())
        self.accounts = Accounts(server_name)
        self.rooms = Rooms(server_name, self.changed)
        self.rooms.before_leaving = self.refuse_leaving
        self.running = False
        # What came in, and what went wrong in the stand-in itself.
        self.requests: list[Request] = []
        self.complaints: list[str] = []
        # Called for each request before it is answered: may return a reply to give
        # instead, or raise Dropped. And after it, with the reply, likewise.
        self.before = None
        self.after = None
        name = self.TABLE.name.lower()
        self.listener = Listener(name, self._answer, address, namespace, tls)
        self.bot = Bot(self)
        self._routes = [
            route
            for kind in type(self).__mro__
            for route in kind.__dict__.get("ROUTES", ())
        ]
        self._make_admin_room()
        if start:
            self.start()

    # Coming and going

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """On the same port as before, with what it knew."""
        with self.changed:
            self.prepare()
            self.running = True
        self.bot.start()
        self.listener.start()
        self.started()

    def stop(self) -> None:
        self.listener.stop()
        with self.changed:
            self.running = False
            self.changed.notify_all()
        self.bot.stop()

    def restart(self, **settings: Any) -> None:
        """Stops it and starts it again, with those settings changed."""
        self.stop()
        self.settings = dataclasses.replace(self.settings, **settings)
        self._stages.clear()
        self.start()

    def close(self) -> None:
        self.stop()

    def prepare(self) -> None:
        """What a start does before the port answers."""

    def started(self) -> None:
        """And what it does afterwards."""

    # Where it is

    @property
    def url(self) -> str:
        return self.listener.origin

    # Answering

    def routes_served(self) -> list[Route]:
        """All that there are; a server may leave some out by its settings."""
        return self._routes

    def _answer(self, request: Request) -> Reply:
        if request.header(HARNESS) is None:
            self.requests.append(request)
            self._watch(request)
        route, arguments = self._found(request)
        if route is not None:
            request.template = route.template.replace("{v}", _version_in(request.path))
        reply = self.before(request) if self.before is not None else None
        if reply is None:
            reply = self._said(request, route, arguments)
            if self.after is not None:
                reply = self.after(request, reply) or reply
        request.status = reply.status
        return reply

    def _watch(self, request: Request) -> None:
        """No password and no token is in a URL. One that is short may be so by chance."""
        with self.changed:
            found = [one.password for one in self.accounts if one.password is not None]
            found += [device.token for one in self.accounts for device in one.devices.values()]
        if any(len(one) >= 8 and request.has_in_target(one) for one in found):
            self.complaints.append(f"a secret is in the URL of {request.method} {request.path}")

    def _found(self, request: Request) -> tuple[Route | None, tuple[str, ...]]:
        """The endpoint; or another method's of the same path."""
        other: tuple[Route | None, tuple[str, ...]] = (None, ())
        for route in self.routes_served():
            arguments = route.arguments(request.path)
            if arguments is None:
                continue
            if route.method == request.method:
                return route, arguments
            if other[0] is None:
                other = (route, arguments)
        return other

    def _said(self, request: Request, route: Route | None, arguments: tuple[str, ...]) -> Reply:
        try:
            if route is None:
                raise Refusal(404, "M_UNRECOGNIZED", self.table.unrecognized)
            if route.method != request.method:
                raise Refusal(405, "M_UNRECOGNIZED", "Method not allowed")
            with self.changed:
                return getattr(self, route.handler)(request, *arguments)
        except Refusal as refusal:
            return refused(refusal, self.table.repeats_code)
        except Dropped:
            raise
        except Exception:
            # A mistake of the stand-in's: a test has to see it.
            self.complaints.append(traceback.format_exc())
            return Reply.text(500, f"the stand-in for {self.TABLE.name} failed")

    def _versions(self, request: Request) -> Reply:
        flags = dict.fromkeys(self.table.flags, True)
        told = {"versions": list(self.table.versions), "unstable_features": flags}
        return Reply(200, told | self.table.more.get("versions", {}))

    def _federation_version(self, request: Request) -> Reply:
        if not self.settings.federation:
            raise self.table.federation_off.refusal
        return Reply(200, {"server": {"name": self.table.name, "version": self.version}})

    def _server_keys(self, request: Request) -> Reply:
        if not self.settings.federation and not self.table.keys_without_federation:
            raise self.table.federation_off.refusal
        until = int(time.time() + 86400) * 1000
        told = {"server_name": self.server_name, "valid_until_ts": until}
        return Reply(200, told | {"verify_keys": {}, "old_verify_keys": {}, "signatures": {}})

    @property
    def version(self) -> str:
        return self.table.version

    # The bot (family_bot.py)

    def command_in(self, room: Room, sender: str, content: dict[str, Any]) -> str | None:
        """The command that a message is, with its prefix or without; None: it is none."""
        return None

    def obey(self, command: Command) -> Answer:
        raise NotImplementedError

    def answer(self, command: Command, answer: Answer) -> None:
        """Posts it."""
        raise NotImplementedError

    # What the parts do to each other

    def set_password(self, account: Account, password: str) -> None:
        account.password = password
        account.deactivated = False

    def leave_all_rooms(self, user_id: str) -> None:
        """As the server takes somebody out; the last administrator stays."""
        for room in self.rooms:
            with contextlib.suppress(Refusal):
                self.rooms.leave(user_id, room.room_id)

    # The admin room

    def _make_admin_room(self) -> None:
        with self.changed:
            self.accounts.make(self.bot_id, None, deactivated=True)
            alias = f"#admins:{self.server_name}"
            room = self.rooms.create(self.bot_id, self.table.room_version, alias)
            if self.table.bot_power is not None:
                self.rooms.set_power(room, self.bot_id, self.table.bot_power, self.bot_id)
            name = f"{self.server_name} Admin Room"
            self.rooms.add(room, "m.room.name", self.bot_id, {"name": name}, "")
            self.admin_room = room

    def is_bot_alone(self) -> bool:
        return self.admin_room.joined() == [self.bot_id]

    def promote(self, user_id: str) -> None:
        """Into the admin room, by the bot and by force; whether there is such an account
        or not. Nothing for who is there."""
        if self.is_admin(user_id):
            return
        room = self.admin_room
        self.rooms.set_membership(room, user_id, "invite", self.bot_id)
        self.rooms.set_membership(room, user_id, "join", user_id)
        self.rooms.set_power(room, user_id, self.table.admin_power, self.bot_id)
        if self.table.welcome:
            text = f"Welcome to the admin room of {self.server_name}, {user_id}."
            self.bot.post({"msgtype": "m.text", "body": text})

    def make_admin(self, user_id: str) -> None:
        self.promote(user_id)

    def refuse_leaving(self, room: Room, user_id: str) -> None:
        """Nobody may who leaves no administrator behind, one who is only invited included
        (continuwuity: service/rooms/timeline/build.rs; the others alike); the bot never."""
        if room is not self.admin_room:
            return
        others = set(room.joined()) - {self.bot_id, user_id}
        if user_id == self.bot_id:
            raise self.table.bot_leaving.refusal
        if not others:
            raise self.table.last_admin.refusal

    def was_registered(self, account: Account, with_session: bool) -> None:
        """By itself, with a session or without one."""


def _version_in(path: str) -> str:
    parts = path.split("/")
    return parts[3] if len(parts) > 3 else ""
