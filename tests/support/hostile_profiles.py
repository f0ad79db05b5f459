# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in's profiles and rooms: rest/client/profile.py and room.py of
Synapse, handlers/profile.py and room_member.py."""

from __future__ import annotations

from typing import Any

from .hostile_accounts import Account, Answer, Refusal, json_object
from .hostile_state import State

NAMES = ("displayname", "avatar_url")


class Profiles(State):
    def _asked_by_somebody(self, request: Any) -> None:
        """A token that is sent has to be one, even where none is needed."""
        if self.require_auth_for_profile_requests or request.bearer is not None:
            self._requester(request)

    def _profile_of(self, user_id: str) -> Account | None:
        account = self.accounts.get(user_id)
        return account if account is not None and account.has_profile else None

    def _get_profile(self, request: Any, user_id: str) -> Answer:
        self._asked_by_somebody(request)
        account = self._profile_of(user_id)
        if account is None:
            raise Refusal(404, "M_UNKNOWN", "No row found (profiles)")
        profile = {name: getattr(account, name) for name in NAMES}
        shown = {name: value for name, value in profile.items() if value is not None}
        if not shown:
            raise Refusal(404, "M_NOT_FOUND", "Profile was not found")
        return Answer(200, shown)

    def _get_profile_field(self, request: Any, user_id: str, name: str) -> Answer:
        self._asked_by_somebody(request)
        account = self._profile_of(user_id)
        if account is None:
            raise Refusal(404, "M_NOT_FOUND", "Profile was not found")
        value = getattr(account, name) if name in NAMES else None
        return Answer(200, {} if value is None else {name: value})

    def _put_profile_field(self, request: Any, user_id: str, name: str) -> Answer:
        token = self._requester(request)
        body = json_object(request)
        if name not in body:
            raise Refusal(400, "M_MISSING_PARAM", f"Missing key '{name}'")
        requester = self.accounts[token.user_id]
        if requester.suspended:
            quoted = "Updating profile while account is suspended is not allowed."
            raise Refusal(403, "M_USER_SUSPENDED", quoted)
        if user_id != token.user_id and not requester.admin:
            raise Refusal(400, "M_FORBIDDEN", f"Cannot set another user's {name}")
        if name in NAMES:
            self.accounts[user_id].set_profile(name, body[name])
        return Answer(200, {})

    # Rooms

    def _joined_rooms(self, request: Any) -> Answer:
        user_id = self._requester(request).user_id
        joined = [room for room, members in self.rooms.items() if members.get(user_id) == "join"]
        return Answer(200, {"joined_rooms": joined})

    def _leave_room(self, request: Any, room_id: str) -> Answer:
        user_id = self._requester(request).user_id
        json_object(request, allow_empty=True)
        members = self.rooms.get(room_id, {})
        if "join" not in members.values() and user_id not in members:
            raise Refusal(404, "M_UNKNOWN", "Not a known room")
        if user_id not in members:
            raise Refusal(403, "M_FORBIDDEN", f"{user_id} not in room {room_id}.")
        members[user_id] = "leave"
        return Answer(200, {})
