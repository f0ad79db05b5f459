# SPDX-License-Identifier: GPL-3.0-or-later
"""MAS's personal sessions by its admin API: a token for any user and any scope. The
policy is not asked, and the user need not be an administrator."""

from __future__ import annotations

import re
from typing import Any

from .mas_api import AdminBase, Caller, Filter, Shape, body_of, refused, times
from .mas_homeserver import HomeserverError
from .mas_ids import new_token, quoted, written
from .mas_store import Row
from .mas_wire import Reply, Request

# RFC 6749, appendix A.4.
SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+\Z")
DEVICE_SCOPES = ("urn:matrix:client:device:", "urn:matrix:org.matrix.msc2967.client:device:")


def parsed_scope(text: str) -> str | None:
    """In MAS's order; None if it is none."""
    tokens = text.split(" ")
    if not all(SCOPE_TOKEN.match(token) for token in tokens):
        return None
    return " ".join(sorted(set(tokens)))


def devices_of(scope: str) -> set[str]:
    return {
        token.removeprefix(prefix)
        for token in scope.split()
        for prefix in DEVICE_SCOPES
        if token.startswith(prefix)
    }


class PersonalSessions(AdminBase):
    def __init__(self, mas: Any) -> None:
        super().__init__(mas)
        shape = Shape("personal-session", "/personal-sessions", self._personal_told)
        self.SHAPES = {**self.SHAPES, "personal_sessions": shape}

    def filter_key(self, name: str) -> str:
        # These filters alone have underscores in their names.
        underscored = ("owner_user", "owner_client", "actor_user")
        underscored += ("expires_before", "expires_after")
        key = super().filter_key(name)
        return name if name in underscored else "" if key in underscored else key

    def _token_of(self, row: Row) -> Row | None:
        tokens = self.store.find(
            "personal_access_tokens",
            personal_session_id=row["personal_session_id"],
            revoked_at=None,
        )
        return tokens[0] if tokens and row["revoked_at"] is None else None

    def _personal_told(self, row: Row) -> dict[str, Any]:
        token = self._token_of(row)
        return {
            **times(row, "created_at", "revoked_at"),
            "owner_user_id": row["owner_user_id"],
            "owner_client_id": row["owner_oauth2_client_id"],
            "actor_user_id": row["actor_user_id"],
            "human_name": row["human_name"],
            "scope": row["scope"],
            **times(row, "last_active_at"),
            "last_active_ip": row["last_active_ip"],
            "expires_at": written(token["expires_at"]) if token else None,
        }

    def _with_token(self, row: Row, expires_in: int | None) -> Reply:
        token = new_token("mpt")
        now = self.store.now()
        self.store.insert(
            "personal_access_tokens",
            personal_session_id=row["personal_session_id"],
            access_token=token,
            expires_at=None if expires_in is None else now + expires_in * 10**9,
        )
        self.mas.remember_secret(token)
        reply = self.single("personal_sessions", row, 201)
        reply.body["data"]["attributes"]["access_token"] = token
        return reply

    @staticmethod
    def _owner(caller: Caller) -> dict[str, str | None]:
        if caller.user_id is not None:
            return {"owner_user_id": caller.user_id, "owner_oauth2_client_id": None}
        return {"owner_user_id": None, "owner_oauth2_client_id": caller.client_id}

    def _add_personal_session(self, request: Request) -> Reply:
        body = body_of(
            request, actor_user_id="ulid", human_name="string", scope="string", expires_in="u32?"
        )
        actor = self.found("users", body["actor_user_id"], "User not found")
        if actor["deactivated_at"] is not None:
            raise refused(410, "User is not active")
        scope = parsed_scope(body["scope"])
        if scope is None:
            raise refused(400, "Invalid scope")
        for device in devices_of(scope):
            try:
                self.mas.beside.upsert_device(actor["username"], device)
            except HomeserverError as error:
                raise refused(500, "Failed to provision device", *error.titles) from error
        row = self.store.insert(
            "personal_sessions",
            actor_user_id=actor["user_id"],
            human_name=body["human_name"],
            scope=scope,
            **self._owner(self.caller(request)),
        )
        return self._with_token(row, body.get("expires_in"))

    def _list_personal_sessions(self, request: Request) -> Reply:
        page = self.page(request)
        asked = self.filters(
            request,
            owner_user=Filter("ulid"),
            owner_client=Filter("ulid"),
            actor_user=Filter("ulid"),
            scope=Filter("text", many=True),
            status=Filter(("active", "revoked")),
            expires_before=Filter("time"),
            expires_after=Filter("time"),
            expires=Filter("bool"),
        )
        for name in ("owner_user", "actor_user"):
            if name in asked:
                self.user(asked[name])
        if "owner_client" in asked:
            self.found("oauth2_clients", asked["owner_client"], "Client ID {} not found")
        for scope in asked.get("scope", []):
            if not SCOPE_TOKEN.match(scope):
                raise refused(400, f"Invalid scope {quoted(scope)} in filter parameters")
        rows = [row for row in self.store.find("personal_sessions") if self._is_asked(row, asked)]
        return self.listed(request, "personal_sessions", page, rows)

    def _is_asked(self, row: Row, asked: dict[str, Any]) -> bool:
        token = self._token_of(row)
        expires = token["expires_at"] if token else None
        return all(
            (
                asked.get("owner_user") in (None, row["owner_user_id"]),
                asked.get("owner_client") in (None, row["owner_oauth2_client_id"]),
                asked.get("actor_user") in (None, row["actor_user_id"]),
                set(asked.get("scope", [])) <= set(row["scope"].split()),
                "status" not in asked
                or (row["revoked_at"] is None) == (asked["status"] == "active"),
                asked.get("expires") in (None, expires is not None),
                "expires_before" not in asked or (expires or 1 << 80) < asked["expires_before"],
                "expires_after" not in asked or (expires or 0) > asked["expires_after"],
            )
        )

    def _get_personal_session(self, _request: Request, key: str) -> Reply:
        row = self.found("personal_sessions", self.id_in(key), "Personal session not found")
        return self.single("personal_sessions", row)

    def _revoke_personal_session(self, _request: Request, key: str) -> Reply:
        key = self.id_in(key)
        otherwise = "Personal session with ID {} not found"
        with self.store.lock:
            row = self.found("personal_sessions", key, otherwise)
            if row["revoked_at"] is not None:
                raise refused(409, f"Personal session with ID {key} is already revoked")
            row = self.store.update("personal_sessions", key, revoked_at=self.store.now())
        if devices_of(row["scope"]):
            self.mas.sync_devices_later(row["actor_user_id"])
        return self.single("personal_sessions", row)

    def _regenerate_personal_session(self, request: Request, key: str) -> Reply:
        key = self.id_in(key)
        body = body_of(request, expires_in="u32?")
        row = self.found("personal_sessions", key, "Session not found")
        if row["revoked_at"] is not None:
            raise refused(422, "Session not valid")
        if not self._owner(self.caller(request)).items() <= row.items():
            raise refused(403, "Session does not belong to you")
        token = self._token_of(row)
        if token is None:
            raise refused(422, "Session not valid")
        self.store.update(
            "personal_access_tokens",
            token["personal_access_token_id"],
            revoked_at=self.store.now(),
        )
        return self._with_token(row, body.get("expires_in"))
