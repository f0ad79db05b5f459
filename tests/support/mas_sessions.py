# SPDX-License-Identifier: GPL-3.0-or-later
"""MAS's sessions by its admin API, and its clients: what is there and how each is
ended. Personal sessions are in mas_personal.py."""

from __future__ import annotations

from typing import Any

from .mas_api import AdminBase, Filter, Shape, refused, times
from .mas_store import KEYS, Row
from .mas_wire import Reply, Request

STATUS = ("active", "finished")
TIMES = {
    name: Filter("time")
    for name in ("created_before", "created_after", "last_active_before", "last_active_after")
}
# The table, and what MAS calls one.
NAMES = {
    "compat_sessions": "Compatibility session",
    "user_sessions": "User session",
    "oauth2_sessions": "OAuth 2.0 session",
}


class Sessions(AdminBase):
    def __init__(self, mas: Any) -> None:
        super().__init__(mas)
        self.SHAPES = {
            **self.SHAPES,
            "compat_sessions": Shape("compat-session", "/compat-sessions", self._compat_told),
            "user_sessions": Shape("user-session", "/user-sessions", self._browser_told),
            "oauth2_sessions": Shape("oauth2-session", "/oauth2-sessions", self._oauth2_told),
            "oauth2_clients": Shape("oauth2-client", "/oauth2-clients", self._client_told),
        }

    def _compat_told(self, row: Row) -> dict[str, Any]:
        told = {
            name: row[name]
            for name in ("user_id", "device_id", "user_session_id", "user_agent", "last_active_ip")
        }
        told |= {"redirect_uri": None, "human_name": row["human_name"]}
        return told | times(row, "created_at", "last_active_at", "finished_at")

    def _browser_told(self, row: Row) -> dict[str, Any]:
        told = {name: row[name] for name in ("user_id", "user_agent", "last_active_ip")}
        return told | times(row, "created_at", "last_active_at", "finished_at")

    def _oauth2_told(self, row: Row) -> dict[str, Any]:
        names = ("user_id", "user_session_id", "scope", "user_agent", "last_active_ip", "human_name")
        told = {name: row[name] for name in names} | {"client_id": row["oauth2_client_id"]}
        return told | times(row, "created_at", "last_active_at", "finished_at")

    def _client_told(self, row: Row) -> dict[str, Any]:
        return {
            "client_id": row["oauth2_client_id"],
            "client_name": row["client_name"],
            "client_uri": row["client_uri"],
            "logo_uri": None,
            "redirect_uris": [],
            "grant_types": ["client_credentials"],
            "is_static": row["is_static"],
        }

    # What the three have in common

    def _of_status(self, rows: list[Row], asked: dict[str, Any]) -> list[Row]:
        if "status" in asked:
            rows = [r for r in rows if (r["finished_at"] is None) == (asked["status"] == "active")]
        return self.between(rows, asked)

    def _of_user(self, table: str, asked: dict[str, Any]) -> list[Row]:
        rows = self.store.find(table)
        if "user" in asked:
            self.user(asked["user"])
            rows = [row for row in rows if row["user_id"] == asked["user"]]
        if "user_session" in asked:
            key = asked["user_session"]
            self.found("user_sessions", key, "User session ID {} not found")
            rows = [row for row in rows if row["user_session_id"] == key]
        return self._of_status(rows, asked)

    def _session_of(self, table: str, key: str) -> Row:
        return self.found(table, self.id_in(key), NAMES[table] + " with ID {} not found")

    def _get_session(self, table: str, key: str) -> Reply:
        key = self.id_in(key)
        return self.single(table, self.found(table, key, NAMES[table] + " ID {} not found"))

    def _finish(self, table: str, key: str) -> Reply:
        with self.store.lock:
            row = self._session_of(table, key)
            key = row[KEYS[table]]
            if row["finished_at"] is not None:
                raise refused(400, f"{NAMES[table]} with ID {key} is already finished")
            row = self.store.update(table, key, finished_at=self.store.now())
        if table != "user_sessions" and row["user_id"] is not None:
            self.mas.sync_devices_later(row["user_id"])
        return self.single(table, row, path=f"{self.SHAPES[table].path}/{key}/finish")

    # Each

    def _list_compat_sessions(self, request: Request) -> Reply:
        page = self.page(request)
        asked = self.filters(
            request,
            user=Filter("ulid"),
            user_session=Filter("ulid"),
            status=Filter(STATUS),
            **TIMES,
        )
        return self.listed(request, "compat_sessions", page, self._of_user("compat_sessions", asked))

    def _get_compat_session(self, _request: Request, key: str) -> Reply:
        return self._get_session("compat_sessions", key)

    def _finish_compat_session(self, _request: Request, key: str) -> Reply:
        return self._finish("compat_sessions", key)

    def _list_user_sessions(self, request: Request) -> Reply:
        page = self.page(request)
        asked = self.filters(request, user=Filter("ulid"), status=Filter(STATUS), **TIMES)
        return self.listed(request, "user_sessions", page, self._of_user("user_sessions", asked))

    def _get_user_session(self, _request: Request, key: str) -> Reply:
        return self._get_session("user_sessions", key)

    def _finish_user_session(self, _request: Request, key: str) -> Reply:
        return self._finish("user_sessions", key)

    def _list_oauth2_sessions(self, request: Request) -> Reply:
        page = self.page(request)
        asked = self.filters(
            request,
            user=Filter("ulid"),
            client=Filter("ulid", many=True),
            client_kind=Filter(("dynamic", "static")),
            user_session=Filter("ulid"),
            scope=Filter("text", many=True),
            status=Filter(STATUS),
            **TIMES,
        )
        for client in asked.get("client", []):
            self.found("oauth2_clients", client, "Client ID {} not found")
        rows = self._of_user("oauth2_sessions", asked)
        if "client" in asked:
            rows = [row for row in rows if row["oauth2_client_id"] in asked["client"]]
        if asked.get("client_kind") == "dynamic":
            rows = []
        wanted = set(asked.get("scope", []))
        rows = [row for row in rows if wanted <= set(row["scope"].split())]
        return self.listed(request, "oauth2_sessions", page, rows)

    def _get_oauth2_session(self, _request: Request, key: str) -> Reply:
        return self._get_session("oauth2_sessions", key)

    def _finish_oauth2_session(self, _request: Request, key: str) -> Reply:
        return self._finish("oauth2_sessions", key)

    def _list_clients(self, request: Request) -> Reply:
        page = self.page(request)
        asked = self.filters(request, client_kind=Filter(("dynamic", "static")))
        rows = self.store.find("oauth2_clients")
        if "client_kind" in asked:
            rows = [row for row in rows if row["is_static"] == (asked["client_kind"] == "static")]
        return self.listed(request, "oauth2_clients", page, rows)

    def _get_client(self, _request: Request, key: str) -> Reply:
        key = self.id_in(key)
        row = self.found("oauth2_clients", key, "OAuth 2.0 client ID {} not found")
        return self.single("oauth2_clients", row)
