# SPDX-License-Identifier: GPL-3.0-or-later
"""MAS's users by its admin API: /api/admin/v1/users."""

from __future__ import annotations

import re
import threading
from typing import Any
from urllib.parse import unquote_to_bytes

from .mas_api import AdminBase, Filter, Shape, body_of, refused, times
from .mas_homeserver import HomeserverError
from .mas_ids import quoted
from .mas_passwords import score
from .mas_store import Row, storable
from .mas_wire import Reply, Request

# Not a leading underscore, and nothing else.
USERNAME = re.compile(r"(?!_)[a-z0-9=_\-./+]{1,255}\Z")
# What whoever comes second is told, by how far the first one has got.
LOST_RACES = {
    "exists": (409, "User already exists"),
    "reserved": (409, "Username is reserved by the homeserver"),
    "rows": (500, "Expected 1 rows to be affected, but 0 rows were affected"),
}


class Users(AdminBase):
    def __init__(self, mas: Any) -> None:
        super().__init__(mas)
        self.SHAPES = {**self.SHAPES, "users": Shape("user", "/users", self._user_told)}
        # Names whose creation is not committed: a second one waits for that.
        self._under_way: dict[str, threading.Event] = {}

    def _user_told(self, row: Row) -> dict[str, Any]:
        told = {
            "username": row["username"],
            **times(row, "created_at", "locked_at", "deactivated_at"),
            "admin": row["can_request_admin"],
            "legacy_guest": row["is_guest"],
        }
        for name in ("deactivated_at", "legacy_guest"):
            if not self.has(name):
                del told[name]
        return told

    # Looking

    def _get_user(self, _request: Request, key: str) -> Reply:
        return self.single("users", self.user(self.id_in(key)))

    def _user_by_username(self, _request: Request, segment: str) -> Reply:
        try:
            name = unquote_to_bytes(segment).decode()
        except UnicodeDecodeError:
            return Reply.text(400, "Invalid URL: Invalid UTF-8 in `username`")
        row = self.store.user_named(name)
        if row is None or (not self.has("case_insensitive_names") and row["username"] != name):
            raise refused(404, f"User with username {quoted(name)} not found")
        return self.single("users", row, path=f"/users/by-username/{name}")

    def _list_users(self, request: Request) -> Reply:
        page = self.page(request)
        asked = self.filters(
            request,
            admin=Filter("bool"),
            legacy_guest=Filter("bool", since=(1, 3, 0)),
            search=Filter("text", since=(1, 3, 0)),
            status=Filter(("active", "locked", "deactivated")),
            active_oauth2_client=Filter("ulid", many=True, since=(1, 20, 0)),
            has_active_oauth2_session=Filter("bool", since=(1, 20, 0)),
            has_active_compat_session=Filter("bool", since=(1, 20, 0)),
        )
        for client in asked.get("active_oauth2_client", []):
            self.found("oauth2_clients", client, "Client ID {} not found")
        rows = [row for row in self.store.find("users") if self._fits(row, asked)]
        return self.listed(request, "users", page, rows)

    def _fits(self, row: Row, asked: dict[str, Any]) -> bool:
        status = {
            "active": row["locked_at"] is None and row["deactivated_at"] is None,
            "locked": row["locked_at"] is not None,
            "deactivated": row["deactivated_at"] is not None,
        }
        active = [
            session
            for session in self.store.find("oauth2_sessions", user_id=row["user_id"])
            if session["finished_at"] is None
        ]
        compat = self.store.find("compat_sessions", user_id=row["user_id"], finished_at=None)
        clients = asked.get("active_oauth2_client", [])
        return all(
            (
                asked.get("admin") in (None, row["can_request_admin"]),
                asked.get("legacy_guest") in (None, row["is_guest"]),
                like(asked.get("search"), row["username"]),
                status[asked["status"]] if "status" in asked else True,
                not clients or any(one["oauth2_client_id"] in clients for one in active),
                asked.get("has_active_oauth2_session") in (None, bool(active)),
                asked.get("has_active_compat_session") in (None, bool(compat)),
            )
        )

    # Making

    def _add_user(self, request: Request) -> Reply:
        profile = {}
        if self.has("profile_at_create"):
            profile = {"displayname": "string?", "avatar_url": "string?"}
        body = body_of(request, username="string", skip_homeserver_check="boolean~", **profile)
        name = body["username"]
        try:
            lost = self.mas.lost_race(name)
        except HomeserverError as error:
            raise refused(500, *error.titles) from error
        if lost is not None:
            status, title = LOST_RACES[lost]
            raise refused(status, title)
        if self.store.name_taken(name):
            raise refused(409, "User already exists")
        if not USERNAME.match(name):
            raise refused(400, "Username is not valid")
        try:
            available = self.mas.beside.is_localpart_available(name)
            if not available and not body.get("skip_homeserver_check"):
                raise refused(409, "Username is reserved by the homeserver")
            row = self.make(name, body.get("displayname"), body.get("avatar_url"))
        except HomeserverError as error:
            raise refused(500, *error.titles) from error
        return self.single("users", row, 201)

    def make(self, name: str, displayname: str | None, avatar_url: str | None) -> Row:
        """Provisions it, and commits."""
        mine = threading.Event()
        with self.store.lock:
            other = self._under_way.setdefault(name, mine)
        if other is not mine:
            # The database makes the second transaction wait for the first.
            other.wait(30)
            if self.store.name_taken(name):
                status, title = LOST_RACES["rows"]
                raise refused(status, title)
            return self.make(name, displayname, avatar_url)
        fields = {"set_displayname": displayname, "set_avatar_url": avatar_url}
        stated = {key: value for key, value in fields.items() if value is not None}
        try:
            self.mas.beside.provision_user(name, locked=False, **stated)
            self.mas.between_provision_and_commit(name)
            if self.store.name_taken(name):
                status, title = LOST_RACES["rows"]
                raise refused(status, title)
            return self.store.insert("users", username=name)
        finally:
            with self.store.lock:
                del self._under_way[name]
            mine.set()

    # Changing

    def _set_password(self, request: Request, key: str) -> Reply:
        key = self.id_in(key)
        body = body_of(request, password="string", skip_password_check="boolean?")
        if not self.mas.password_login_enabled:
            raise refused(403, "Password auth is disabled")
        user = self.user(key)
        password = body["password"]
        if not body.get("skip_password_check") and score(password) < self.mas.minimum_complexity:
            raise refused(400, "Password is too weak")
        self.mas.set_password(user["user_id"], password)
        return Reply(204)

    def _set_admin(self, request: Request, key: str) -> Reply:
        key = self.id_in(key)
        body = body_of(request, admin="boolean")
        self.user(key)
        row = self.store.update("users", key, can_request_admin=body["admin"])
        return self.single("users", row, path=f"/users/{key}/set-admin")

    def _lock(self, _request: Request, key: str) -> Reply:
        row = self.user(self.id_in(key))
        if row["locked_at"] is None:
            row = self.store.update("users", row["user_id"], locked_at=self.store.now())
        if self.has("lock_pushed"):
            self.mas.provision_later(row["user_id"])
        return self.single("users", row, path=f"/users/{row['user_id']}/lock")

    def _unlock(self, _request: Request, key: str) -> Reply:
        row = self.user(self.id_in(key))
        if row["locked_at"] is not None:
            row = self.store.update("users", row["user_id"], locked_at=None)
        if not self.has("lock_and_deactivation_apart") and row["deactivated_at"] is not None:
            self.mas.reactivate_later(row["user_id"])
        if self.has("lock_pushed"):
            self.mas.provision_later(row["user_id"])
        return self.single("users", row, path=f"/users/{row['user_id']}/unlock")

    def _deactivate(self, request: Request, key: str) -> Reply:
        key = self.id_in(key)
        known = {"skip_erase": "boolean~"} if self.has("skip_erase") else {}
        # Before there was a body, none was read.
        body = body_of(request, optional=True, **known) if known else {}
        row = self.user(key)
        changes: dict[str, int] = {}
        if row["deactivated_at"] is None:
            changes["deactivated_at"] = self.store.now()
        if not self.has("lock_and_deactivation_apart") and row["locked_at"] is None:
            changes["locked_at"] = self.store.now()
        if changes:
            row = self.store.update("users", key, **changes)
        self.mas.deactivate_later(key, erase=not body.get("skip_erase"))
        return self.single("users", row, path=f"/users/{key}/deactivate")

    def _reactivate(self, _request: Request, key: str) -> Reply:
        row = self.user(self.id_in(key))
        try:
            self.mas.beside.reactivate_user(row["username"])
        except HomeserverError as error:
            raise refused(500, *error.titles) from error
        row = self.user(row["user_id"])
        if row["deactivated_at"] is not None:
            row = self.store.update("users", row["user_id"], deactivated_at=None)
        return self.single("users", row, path=f"/users/{row['user_id']}/reactivate")


def like(pattern: str | None, text: str) -> bool:
    """PostgreSQL's ILIKE '%pattern%': what stands for any character does so here."""
    if pattern is None:
        return True
    storable(pattern)
    pieces = {"%": ".*", "_": "."}
    regular = "".join(pieces.get(c) or re.escape(c) for c in pattern)
    return re.search(regular, text, re.IGNORECASE | re.DOTALL) is not None

