# SPDX-License-Identifier: GPL-3.0-or-later
"""GET /sync of a stand-in of the Conduit family: tokens, filters, waiting."""

from __future__ import annotations

import json
import time
from typing import Any

from .family_accounts import Account, Session
from .family_base import Base, body_of
from .family_rooms import Event, Room, matches
from .family_table import Refusal, Route
from .mas_wire import Reply, Request

USUAL_LIMIT = 10
LONGEST_WAIT = 30_000
STRIPPED = ("m.room.create", "m.room.join_rules", "m.room.canonical_alias", "m.room.name")


class Sync(Base):
    ROUTES = (
        Route("GET", "/_matrix/client/{v}/sync", "_sync"),
        Route("POST", "/_matrix/client/{v}/user/{user_id}/filter", "_new_filter"),
    )
    # Of the server: it ends what waits.
    running: bool

    def _new_filter(self, request: Request, user_id: str) -> Reply:
        account = self.caller(request).account
        if account.user_id != user_id:
            raise Refusal(403, "M_FORBIDDEN", "You may only make filters of your own.")
        key = f"f{len(account.filters)}"
        account.filters[key] = body_of(request)
        return Reply(200, {"filter_id": key})

    def _sync(self, request: Request) -> Reply:
        session = self.caller(request)
        query = dict(request.query)
        wanted = self._filter(session.account, query.get("filter"))
        since = _number(query.get("since"), None)
        wait = _number(query.get("timeout"), self.table.sync_default)
        wait = max(min(wait, LONGEST_WAIT), self.table.sync_least)
        full = query.get("full_state") == "true"
        told = self._built(session.account, since, wanted, full)
        end = time.monotonic() + wait / 1000
        while not full and not _has_news(told) and time.monotonic() < end and self.running:
            before = self.rooms.position
            self.changed.wait(end - time.monotonic())
            # The token may be no more.
            self.caller(request)
            if self.rooms.position == before or not self._wakes(session, before):
                continue
            if not self.table.sync_looks_again:
                break  # with what it had: what has come is told by the next one
            told = self._built(session.account, since, wanted, full)
            if self.table.sync_filter != "all":
                break
        return Reply(200, told)

    def _wakes(self, session: Session, before: int) -> bool:
        """Whether anything that is new is of a room that the user is in."""
        user_id = session.account.user_id
        for room in self.rooms:
            new = [event for event in room.events if event.position > before]
            mine = room.membership(user_id) in ("join", "invite")
            if new and (mine or any(event.state_key == user_id for event in new)):
                return True
        return False

    def _filter(self, account: Account, text: str | None) -> dict[str, Any]:
        if text is None:
            return {}
        if not text.startswith("{"):
            return account.filters.get(text, {})
        try:
            wanted = json.loads(text)
        except ValueError:
            raise Refusal(400, "M_BAD_JSON", "deserialization failed: bad filter") from None
        return wanted

    # What there is to tell

    def _built(
        self, account: Account, since: int | None, wanted: dict[str, Any], full: bool
    ) -> dict[str, Any]:
        joined, invited, left = {}, {}, {}
        rooms = wanted.get("room", {})
        for room in self.rooms:
            if not self._is_wanted(room, rooms):
                continue
            membership = room.membership(account.user_id)
            if membership == "join":
                part = self._joined(account, room, since, rooms, full)
                if part is not None:
                    joined[room.room_id] = part
            elif membership == "invite" and self._is_new(account, room, since):
                invited[room.room_id] = {"invite_state": {"events": self._stripped(account, room)}}
            elif membership == "leave" and since is not None and self._is_new(account, room, since):
                left[room.room_id] = self._left_room(account, room, since)
        parts = {"join": joined, "invite": invited, "leave": left}
        return {
            "next_batch": str(self.rooms.position),
            "rooms": {name: part for name, part in parts.items() if part},
            "device_one_time_keys_count": {},
        }

    def _is_wanted(self, room: Room, rooms: dict[str, Any]) -> bool:
        if self.table.sync_filter != "all":
            return True
        listed = rooms.get("rooms")
        excluded = rooms.get("not_rooms", [])
        return (listed is None or room.room_id in listed) and room.room_id not in excluded

    @staticmethod
    def _is_new(account: Account, room: Room, since: int | None) -> bool:
        member = room.state[("m.room.member", account.user_id)]
        return member.position > (since or 0)

    def _stripped(self, account: Account, room: Room) -> list[dict[str, Any]]:
        keys = [(kind, "") for kind in STRIPPED] + [("m.room.member", account.user_id)]
        events = [room.state[key] for key in keys if key in room.state]
        names = ("content", "sender", "state_key", "type")
        return [{name: getattr(event, name) for name in names} for event in events]

    def _joined(
        self, account: Account, room: Room, since: int | None, rooms: dict[str, Any], full: bool
    ) -> dict[str, Any] | None:
        new_here = since is None or self._is_new(account, room, since)
        begin = 0 if new_here else since or 0
        unseen = [event for event in room.events if event.position > (since or 0)]
        limit = self._limit(rooms)
        taken = unseen[-limit:] if limit else []
        limited = len(taken) < len(unseen)
        shown = [event for event in taken if self._matches(event, rooms.get("timeline", {}))]
        first = taken[0].position if taken else self.rooms.position + 1
        if full or new_here:
            state = [event for event in room.state.values() if event.position < first]
        else:
            gap = [event for event in room.events if begin < event.position < first]
            state = [event for event in gap if event.state_key is not None]
        state = [event for event in state if self._matches(event, rooms.get("state", {}))]
        if not shown and not state and not full and since is not None:
            return None
        user_id = account.user_id
        return {
            "timeline": {
                "events": [event.told(user_id, False) for event in shown],
                "limited": limited or (new_here and since is not None),
                "prev_batch": str(first),
            },
            "state": {"events": [event.told(user_id, False) for event in state]},
        }

    def _left_room(self, account: Account, room: Room, since: int) -> dict[str, Any]:
        member = room.state[("m.room.member", account.user_id)]
        events = [event for event in room.events if since < event.position <= member.position]
        told = [event.told(account.user_id, False) for event in events[-USUAL_LIMIT:]]
        timeline = {"events": told, "limited": False, "prev_batch": str(since)}
        return {"timeline": timeline, "state": {"events": []}}

    def _limit(self, rooms: dict[str, Any]) -> int:
        if self.table.sync_filter == "nothing":
            return USUAL_LIMIT
        limit = rooms.get("timeline", {}).get("limit", USUAL_LIMIT)
        return min(limit, 100)

    def _matches(self, event: Event, wanted: dict[str, Any]) -> bool:
        return self.table.sync_filter != "all" or matches(event, wanted)


def _has_news(told: dict[str, Any]) -> bool:
    return bool(told["rooms"])


def _number(text: str | None, usual: Any) -> Any:
    # A token that is none counts as none.
    return int(text) if text is not None and text.isascii() and text.isdigit() else usual
