# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints of rooms of a stand-in of the Conduit family."""

from __future__ import annotations

import json
from typing import Any

from .family_accounts import Account
from .family_base import Base, body_of, text_in
from .family_rooms import LONGEST_EVENT, matches
from .family_table import Refusal, Route
from .mas_wire import Reply, Request

ROOM = "/_matrix/client/{v}/rooms/{room_id}"


class RoomApi(Base):
    ROUTES = (
        Route("GET", "/_matrix/client/{v}/directory/room/{alias}", "_alias"),
        Route("POST", "/_matrix/client/{v}/createRoom", "_create_room"),
        Route("GET", "/_matrix/client/{v}/joined_rooms", "_joined_rooms"),
        Route("GET", ROOM + "/joined_members", "_joined_members"),
        Route("POST", "/_matrix/client/{v}/join/{room}", "_join"),
        Route("POST", ROOM + "/join", "_join"),
        Route("POST", ROOM + "/invite", "_invite"),
        Route("POST", ROOM + "/kick", "_kick"),
        Route("POST", ROOM + "/leave", "_leave"),
        Route("PUT", ROOM + "/send/{kind}/{txn}", "_send"),
        Route("PUT", ROOM + "/redact/{event_id}/{txn}", "_redact"),
        Route("GET", ROOM + "/event/{event_id}", "_event"),
        Route("GET", ROOM + "/state", "_state"),
        Route("GET", ROOM + "/state/{kind}", "_state_event"),
        Route("GET", ROOM + "/state/{kind}/{key}", "_state_event"),
        Route("GET", ROOM + "/messages", "_messages"),
    )

    def _alias(self, request: Request, alias: str) -> Reply:
        # Anybody may ask (section 11).
        room_id = self.rooms.resolve(alias) if alias.startswith("#") else None
        if room_id is None:
            raise Refusal(400, "M_INVALID_PARAM", "leading sigil is incorrect or missing")
        return Reply(200, {"room_id": room_id, "servers": [self.server_name]})

    def _create_room(self, request: Request) -> Reply:
        account = self._speaking(request)
        body = body_of(request)
        alias = body.get("room_alias_name")
        whole = None if alias is None else f"#{alias}:{self.server_name}"
        if whole in self.rooms.aliases:
            raise Refusal(400, "M_ROOM_IN_USE", "Room alias already exists.")
        preset = text_in(body, "preset", "private_chat")
        room = self.rooms.create(account.user_id, self.table.room_version, whole, preset)
        for one in body.get("invite", []):
            self.rooms.invite(account.user_id, room.room_id, one)
        return Reply(200, {"room_id": room.room_id})

    def _joined_rooms(self, request: Request) -> Reply:
        account = self.caller(request).account
        rooms = self.rooms.joined_by(account.user_id)
        return Reply(200, {"joined_rooms": [room.room_id for room in rooms]})

    def _joined_members(self, request: Request, room_id: str) -> Reply:
        account = self.caller(request).account
        room = self.rooms.seen_by(room_id, account.user_id)
        return Reply(200, {"joined": {one: self._shown(one) for one in room.joined()}})

    def _shown(self, user_id: str) -> dict[str, Any]:
        account = self.accounts.get(user_id)
        if account is None:
            return {}
        shown = {"display_name": account.displayname, "avatar_url": account.avatar_url}
        return {name: value for name, value in shown.items() if value is not None}

    # Members

    def _join(self, request: Request, room: str) -> Reply:
        account = self._speaking(request)
        joined = self.rooms.join(account.user_id, self.rooms.resolve(room))
        return Reply(200, {"room_id": joined.room_id})

    def _invite(self, request: Request, room_id: str) -> Reply:
        account = self._speaking(request)
        self.rooms.invite(account.user_id, room_id, self._named(request))
        return Reply(200, {})

    def _kick(self, request: Request, room_id: str) -> Reply:
        account = self._speaking(request)
        absent, user_id = self.table.not_in_room.refusal, self._named(request)
        gone = self.rooms.at(room_id).membership(user_id) == "leave"
        if not (gone and self.table.kicks_the_gone):
            self.rooms.kick(account.user_id, room_id, user_id, absent)
        return Reply(200, {})

    def _leave(self, request: Request, room_id: str) -> Reply:
        account = self.caller(request).account
        self.rooms.leave(account.user_id, room_id)
        return Reply(200, {})

    @staticmethod
    def _named(request: Request) -> str:
        user_id = text_in(body_of(request), "user_id")
        if not user_id.startswith("@") or ":" not in user_id:
            raise Refusal(400, "M_BAD_JSON", "deserialization failed: invalid user ID")
        return user_id

    def _speaking(self, request: Request) -> Account:
        """Who may say something."""
        account = self.caller(request).account
        if account.suspended:
            raise self.table.suspended.refusal
        return account

    # Events

    def _send(self, request: Request, room_id: str, kind: str, txn: str) -> Reply:
        account, device_id = self.caller(request)
        if account.suspended:
            raise self.table.suspended.refusal
        if kind == "m.room.encrypted" and room_id == self.admin_room.room_id:
            raise Refusal(403, "M_FORBIDDEN", "Encryption is disabled in the admin room.")
        content = body_of(request)
        if len(json.dumps(content, ensure_ascii=False).encode()) > LONGEST_EVENT - 1000:
            raise Refusal(413, "M_TOO_LARGE", "Message is too long")
        event = self.rooms.send(account.user_id, device_id, room_id, kind, txn, content)
        return Reply(200, {"event_id": event.event_id})

    def _redact(self, request: Request, room_id: str, event_id: str, txn: str) -> Reply:
        account, device_id = self.caller(request)
        if account.suspended:
            raise self.table.suspended.refusal
        reason = body_of(request).get("reason")
        event = self.rooms.redact(account.user_id, device_id, room_id, event_id, txn, reason)
        return Reply(200, {"event_id": event.event_id})

    def _event(self, request: Request, room_id: str, event_id: str) -> Reply:
        user_id = self.caller(request).account.user_id
        event = self.rooms.seen_by(room_id, user_id).event(event_id)
        if event is None:
            raise Refusal(404, "M_NOT_FOUND", "Event not found.")
        return Reply(200, event.told(user_id))

    def _state(self, request: Request, room_id: str) -> Reply:
        user_id = self.caller(request).account.user_id
        room = self.rooms.seen_by(room_id, user_id)
        return Reply(200, [event.told(user_id) for event in room.state.values()])

    def _state_event(self, request: Request, room_id: str, kind: str, key: str = "") -> Reply:
        user_id = self.caller(request).account.user_id
        event = self.rooms.seen_by(room_id, user_id).state.get((kind, key))
        if event is None:
            raise Refusal(404, "M_NOT_FOUND", "State event not found.")
        return Reply(200, event.content)

    def _messages(self, request: Request, room_id: str) -> Reply:
        user_id = self.caller(request).account.user_id
        room = self.rooms.seen_by(room_id, user_id)
        query = dict(request.query)
        backwards = query.get("dir") == "b"
        if query.get("dir") not in ("b", "f"):
            raise Refusal(400, "M_BAD_JSON", "unknown variant of `dir`")
        start = _position(query.get("from"), self.rooms.position + 1 if backwards else 0)
        end = _position(query.get("to"), None)
        limit = min(_position(query.get("limit"), 10) or 0, 100)
        wanted = _filter_of(query.get("filter")) if self.table.messages_filter else {}
        found = []
        for event in reversed(room.events) if backwards else room.events:
            behind = event.position >= start if backwards else event.position <= start
            if behind or not matches(event, wanted):
                continue
            if len(found) == limit or event.position == end:
                break
            found.append(event)
        told: dict[str, Any] = {
            "start": str(start),
            "chunk": [event.told(user_id) for event in found],
            "state": [],
        }
        if found:
            told["end"] = str(found[-1].position)
        return Reply(200, told)


def _filter_of(text: str | None) -> dict[str, Any]:
    try:
        wanted = json.loads(text) if text is not None else {}
    except ValueError:
        wanted = None
    if not isinstance(wanted, dict):
        raise Refusal(400, "M_BAD_JSON", "deserialization failed: bad filter")
    return wanted


def _position(text: str | None, usual: Any) -> Any:
    if text is None:
        return usual
    if not text.isascii() or not text.isdigit():
        raise Refusal(400, "M_INVALID_PARAM", "Invalid pagination token.")
    return int(text)
