# SPDX-License-Identifier: GPL-3.0-or-later
"""The rooms of a stand-in of the Conduit family: events, members and who may do what.
Nothing of HTTP is in it (family_room_api.py), nor of the bot (family_bot.py)."""

from __future__ import annotations

import fnmatch
import math
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .family_accounts import random_text
from .family_table import Refusal

LONGEST_EVENT = 65535


@dataclass
class Event:
    """position: of all events of the server, from 1. txn: whose and which."""

    room_id: str
    position: int
    event_id: str
    type: str
    sender: str
    content: dict[str, Any]
    state_key: str | None = None
    moment: int = field(default_factory=lambda: int(time.time() * 1000))
    txn: tuple[str, str, str] | None = None
    redacts: str | None = None
    redacted_because: Event | None = None

    def told(self, user_id: str, with_room: bool = True) -> dict[str, Any]:
        """As a client of that user sees it."""
        unsigned: dict[str, Any] = {"age": int(time.time() * 1000) - self.moment}
        if self.txn is not None and self.sender == user_id:
            unsigned["transaction_id"] = self.txn[2]
        if self.redacted_because is not None:
            unsigned["redacted_because"] = self.redacted_because.told(user_id, with_room)
        event: dict[str, Any] = {
            "content": self.content,
            "event_id": self.event_id,
            "origin_server_ts": self.moment,
            "sender": self.sender,
            "type": self.type,
            "unsigned": unsigned,
        }
        if self.state_key is not None:
            event["state_key"] = self.state_key
        if self.redacts is not None:
            event["redacts"] = self.redacts
        if with_room:
            event["room_id"] = self.room_id
        return event


@dataclass
class Room:
    room_id: str
    version: str
    creator: str
    events: list[Event] = field(default_factory=list)
    state: dict[tuple[str, str], Event] = field(default_factory=dict)

    def membership(self, user_id: str) -> str | None:
        event = self.state.get(("m.room.member", user_id))
        return event.content["membership"] if event is not None else None

    def joined(self) -> list[str]:
        members = (key for kind, key in self.state if kind == "m.room.member")
        return [one for one in members if self.membership(one) == "join"]

    @property
    def powers(self) -> dict[str, Any]:
        event = self.state.get(("m.room.power_levels", ""))
        return event.content if event is not None else {}

    def power(self, user_id: str) -> float:
        # From version 12 on, who made a room may do anything in it.
        if user_id == self.creator and int(self.version) >= 12:
            return math.inf
        return self.powers.get("users", {}).get(user_id, self.powers.get("users_default", 0))

    def needed(self, act: str, usual: int) -> int:
        return self.powers.get(act, usual)

    def event(self, event_id: str) -> Event | None:
        return next((one for one in self.events if one.event_id == event_id), None)


class Rooms:
    """All of a server's. `changed` is told of each new event; whoever calls has it.

    Each of the acts of a user checks what the user may do, and raises a Refusal."""

    def __init__(self, server_name: str, changed: threading.Condition) -> None:
        self.server_name = server_name
        self.changed = changed
        self.position = 0
        self.rooms: dict[str, Room] = {}
        self.aliases: dict[str, str] = {}
        # Called before a user sends, with the sender, the type and the content; and with
        # each new event, after it is there.
        self.before_sending: list[Callable[[Room, str, str, dict[str, Any]], None]] = []
        self.listening: list[Callable[[Room, Event], None]] = []
        # Says why somebody may not leave, or raises nothing.
        self.before_leaving: Callable[[Room, str], None] = lambda room, user_id: None
        self._sent: dict[tuple[str, str, str], str] = {}

    def __iter__(self) -> Iterator[Room]:
        return iter(list(self.rooms.values()))

    # What is there

    def get(self, room_id: str) -> Room | None:
        return self.rooms.get(room_id)

    def at(self, room_id: str) -> Room:
        room = self.rooms.get(room_id)
        if room is None:
            raise Refusal(403, "M_FORBIDDEN", "You don't have permission to view this room.")
        return room

    def joined_by(self, user_id: str) -> list[Room]:
        return [room for room in self if room.membership(user_id) == "join"]

    def seen_by(self, room_id: str, user_id: str) -> Room:
        """The room, for who is in it."""
        room = self.at(room_id)
        if room.membership(user_id) != "join":
            raise Refusal(403, "M_FORBIDDEN", "You don't have permission to view this room.")
        return room

    def resolve(self, id_or_alias: str) -> str:
        if not id_or_alias.startswith("#"):
            return id_or_alias
        if id_or_alias not in self.aliases:
            raise Refusal(404, "M_NOT_FOUND", "Room with alias not found.")
        return self.aliases[id_or_alias]

    # What the server does by itself

    def create(
        self, creator: str, version: str, alias: str | None = None, preset: str = "private_chat"
    ) -> Room:
        with_domain = int(version) < 12
        room_id = "!" + (random_text(18) + ":" + self.server_name if with_domain else new_hash())
        room = self.rooms[room_id] = Room(room_id, version, creator)
        self.add(room, "m.room.create", creator, {"room_version": version}, "")
        self.add(room, "m.room.member", creator, {"membership": "join"}, creator)
        powers: dict[str, Any] = {"users": {}} if not with_domain else {"users": {creator: 100}}
        self.add(room, "m.room.power_levels", creator, powers, "")
        rule = "public" if preset == "public_chat" else "invite"
        self.add(room, "m.room.join_rules", creator, {"join_rule": rule}, "")
        self.add(room, "m.room.history_visibility", creator, {"history_visibility": "shared"}, "")
        if alias is not None:
            self.aliases[alias] = room_id
            self.add(room, "m.room.canonical_alias", creator, {"alias": alias}, "")
        return room

    def add(
        self,
        room: Room,
        kind: str,
        sender: str,
        content: dict[str, Any],
        state_key: str | None = None,
        **more: Any,
    ) -> Event:
        """Whatever the sender may."""
        with self.changed:
            self.position += 1
            event_id = "$" + new_hash()
            event = Event(
                room.room_id, self.position, event_id, kind, sender, content, state_key, **more
            )
            room.events.append(event)
            if state_key is not None:
                room.state[(kind, state_key)] = event
            self.changed.notify_all()
        for listening in list(self.listening):
            listening(room, event)
        return event

    def set_membership(self, room: Room, user_id: str, membership: str, sender: str) -> Event:
        content = {"membership": membership}
        return self.add(room, "m.room.member", sender, content, user_id)

    def set_power(self, room: Room, user_id: str, power: int | None, sender: str) -> None:
        """None: it has no entry any more."""
        powers = dict(room.powers)
        users = dict(powers.get("users", {}))
        users.pop(user_id, None)
        if power is not None:
            users[user_id] = power
        self.add(room, "m.room.power_levels", sender, powers | {"users": users}, "")

    # What a user does

    def join(self, user_id: str, room_id: str) -> Room:
        room = self.at(room_id)
        membership = room.membership(user_id)
        if membership == "join":
            return room
        rule = room.state[("m.room.join_rules", "")].content["join_rule"]
        if membership == "ban" or (rule != "public" and membership != "invite"):
            raise Refusal(403, "M_FORBIDDEN", "Event is not authorized.")
        self.set_membership(room, user_id, "join", user_id)
        return room

    def invite(self, sender: str, room_id: str, user_id: str) -> None:
        room = self.seen_by(room_id, sender)
        joined = room.membership(user_id) in ("join", "ban")
        if joined or room.power(sender) < room.needed("invite", 0):
            raise Refusal(403, "M_FORBIDDEN", "Event is not authorized.")
        self.set_membership(room, user_id, "invite", sender)

    def leave(self, user_id: str, room_id: str) -> None:
        room = self.at(room_id)
        if room.membership(user_id) not in ("join", "invite"):
            return
        self.before_leaving(room, user_id)
        self.set_membership(room, user_id, "leave", user_id)

    def kick(self, sender: str, room_id: str, user_id: str, absent: Refusal) -> None:
        """absent: what is said where the other is not in the room."""
        room = self.at(room_id)
        membership = room.membership(user_id)
        if membership not in ("join", "invite"):
            raise absent
        power = room.power(sender)
        able = room.membership(sender) == "join" and power >= room.needed("kick", 50)
        if not able or power <= room.power(user_id):
            raise Refusal(403, "M_FORBIDDEN", "Event is not authorized.")
        self.before_leaving(room, user_id)
        self.set_membership(room, user_id, "leave", sender)

    def send(
        self, sender: str, device: str, room_id: str, kind: str, txn: str, content: dict[str, Any]
    ) -> Event:
        """The same transaction again is the same event, and nothing is done."""
        key = (sender, device, txn)
        done = self._already(key)
        if done is not None:
            return done
        room = self.at(room_id)
        able = room.power(sender) >= room.needed("events_default", 0)
        if room.membership(sender) != "join" or not able:
            raise Refusal(403, "M_FORBIDDEN", "Event is not authorized.")
        for before in list(self.before_sending):
            before(room, sender, kind, content)
        event = self.add(room, kind, sender, content, txn=key)
        self._sent[key] = event.event_id
        return event

    def redact(
        self, sender: str, device: str, room_id: str, event_id: str, txn: str, reason: str | None
    ) -> Event:
        key = (sender, device, txn)
        done = self._already(key)
        if done is not None:
            return done
        room = self.at(room_id)
        target = room.event(event_id)
        if room.membership(sender) != "join":
            raise Refusal(403, "M_FORBIDDEN", "Event is not authorized.")
        if target is None:
            raise Refusal(404, "M_NOT_FOUND", "Event not found.")
        if target.sender != sender and room.power(sender) < room.needed("redact", 50):
            raise Refusal(403, "M_FORBIDDEN", "User cannot redact event.")
        content = {"redacts": event_id} | ({} if reason is None else {"reason": reason})
        event = self.add(room, "m.room.redaction", sender, content, txn=key, redacts=event_id)
        self._redacted(target, event)
        self._sent[key] = event.event_id
        return event

    def _already(self, key: tuple[str, str, str]) -> Event | None:
        event_id = self._sent.get(key)
        if event_id is None:
            return None
        return next(found for room in self if (found := room.event(event_id)) is not None)

    @staticmethod
    def _redacted(target: Event, because: Event) -> None:
        kept = {"m.room.member": ("membership",)}.get(target.type, ())
        target.content = {name: target.content[name] for name in kept}
        target.redacted_because = because


def matches(event: Event, wanted: dict[str, Any]) -> bool:
    """Whether a filter of events lets it through: by types and senders."""
    for name, value in (("types", event.type), ("senders", event.sender)):
        listed, excluded = wanted.get(name), wanted.get("not_" + name) or []
        if listed is not None and not any(fnmatch.fnmatchcase(value, one) for one in listed):
            return False
        if any(fnmatch.fnmatchcase(value, one) for one in excluded):
            return False
    return True


def new_hash() -> str:
    """43 characters, as ids of events and of rooms of version 12 have."""
    return secrets.token_urlsafe(32)
