# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test does with the stand-in for MAS to prepare or to look: plain Python that
knows nothing of the module under test."""

from __future__ import annotations

import base64
import http.client
import json as jsonlib
import socket
import ssl
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any, NamedTuple
from urllib.parse import urlencode

from .mas_api import ADMIN_SCOPE
from .mas_ids import new_token
from .mas_store import KEYS, Row, Store
from .mas_wire import Listener, Request

# Of what a test itself asks: it is not in the record of requests.
HARNESS = "x-harness"
# What says of each kind of session when it was over.
SESSIONS = {
    "oauth2_sessions": "finished_at",
    "compat_sessions": "finished_at",
    "user_sessions": "finished_at",
    "personal_sessions": "revoked_at",
}


class Client(NamedTuple):
    id: str
    secret: str
    method: str


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return jsonlib.loads(self.body)

    @property
    def kind(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0]

    @property
    def titles(self) -> list[str]:
        return [error["title"] for error in self.json["errors"]]


class MasClient:
    """Of it, what a test uses."""

    store: Store
    web: Listener
    internal: Listener
    adminapi: str | None
    prefix: str
    client: Client
    requests: list[Request]
    _token: tuple[str, int] | None = None

    # Asking it as anybody would: ask() is in the record, what a test asks by the
    # others is not

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        listener: Listener | None = None,
    ) -> Answer:
        """The path as it is sent, with the prefix."""
        listener = listener or self.web
        connection = http.client.HTTPConnection("localhost", timeout=30)
        inside = listener.namespace.entered() if listener.namespace else nullcontext()
        with inside:
            connection.sock = socket.create_connection((listener.address, listener.port), 30)
        if listener.tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection.sock = context.wrap_socket(connection.sock)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            told = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, told, response.read())
        finally:
            connection.close()

    def api(
        self, method: str, path: str, json: Any = None, token: str | None = None, **headers: str
    ) -> Answer:
        """Of the admin API, with a token for it: "/users"."""
        token = self._own_token() if token is None else token
        sent = {HARNESS: "1", "authorization": "Bearer " + token, **headers}
        body = None
        if json is not None:
            sent.setdefault("content-type", "application/json")
            body = jsonlib.dumps(json).encode()
        listener = self.internal if self.adminapi == "internal" else self.web
        whole = f"{self.prefix.rstrip('/')}/api/admin/v1{path}"
        return self.ask(method, whole, body, sent, listener)

    def form(
        self, path: str, client: Client | None = None, basic: bool = True, **fields: str
    ) -> Answer:
        """To the OAuth endpoints: "/oauth2/token"; as the client, by Basic or by body."""
        headers = {HARNESS: "1", "content-type": "application/x-www-form-urlencoded"}
        if client is not None and basic:
            pair = f"{client.id}:{client.secret}".encode()
            headers["authorization"] = "Basic " + base64.b64encode(pair).decode()
        elif client is not None:
            fields |= {"client_id": client.id, "client_secret": client.secret}
        path = self.prefix.rstrip("/") + path
        return self.ask("POST", path, urlencode(fields).encode(), headers)

    def login(self, user: str, password: str, **more: Any) -> Answer:
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": user},
            "password": password,
        }
        headers = {HARNESS: "1", "content-type": "application/json"}
        path = self.prefix.rstrip("/") + "/_matrix/client/v3/login"
        return self.ask("POST", path, jsonlib.dumps(body | more).encode(), headers)

    def task(self, **more: Any) -> dict[str, Any]:
        """The module's options that lead here, as the first client."""
        asked = {
            "backend": "mas",
            "mas_url": self.url,
            "mas_client_id": self.client.id,
            "mas_client_secret": self.client.secret,
        }
        if self.adminapi == "internal":
            asked["mas_admin_url"] = self.admin_url
        return asked | more

    # Making what a test needs, without a request

    def _own_token(self) -> str:
        if self._token is None or self.store.now() > self._token[1]:
            token = self.admin_token(86400, human_name=HARNESS)
            self._token = (token, self.store.now() + 80000 * 10**9)
        return self._token[0]

    def admin_token(
        self, seconds: float = 300, scope: str = ADMIN_SCOPE, human_name: str | None = None
    ) -> str:
        """A new one of the first client's."""
        session = self.store.insert(
            "oauth2_sessions",
            oauth2_client_id=self.client.id,
            scope=scope,
            human_name=human_name,
        )
        token = new_token("mat")
        self.store.insert(
            "oauth2_access_tokens",
            oauth2_session_id=session["oauth2_session_id"],
            access_token=token,
            expires_at=self.store.now() + int(seconds * 10**9),
        )
        self.remember_secret(token)
        return token

    def personal_token(self, name: str, scope: str) -> str:
        """One that does not end, of that user's, without a device."""
        session = self.store.insert(
            "personal_sessions",
            actor_user_id=self.user(name)["user_id"],
            owner_oauth2_client_id=self.client.id,
            human_name="a test's",
            scope=" ".join(sorted(scope.split())),
        )
        token = new_token("mpt")
        self.store.insert(
            "personal_access_tokens",
            personal_session_id=session["personal_session_id"],
            access_token=token,
        )
        self.remember_secret(token)
        return token

    def adopt(self, name: str) -> Row:
        """A user of MAS's whom the homeserver has already, or is not to have."""
        return self.store.insert("users", username=name)

    def create(
        self,
        name: str,
        password: str | None = None,
        admin: bool = False,
        emails: Iterable[str] = (),
        displayname: str | None = None,
    ) -> Row:
        """A user, here and at the homeserver."""
        row = self.admin.make(name, displayname, None)
        key = row["user_id"]
        if password is not None:
            self.set_password(key, password)
        if admin:
            row = self.store.update("users", key, can_request_admin=True)
        for email in emails:
            self.store.insert("user_emails", user_id=key, email=email)
        return row

    def add_provider(self, **columns: Any) -> str:
        """issuer, human_name, brand_name; its id."""
        row = self.store.insert("upstream_oauth_providers", **columns)
        return row["upstream_oauth_provider_id"]

    def advance(self, seconds: float) -> None:
        """Lets that time pass, for what expires and for the limit on logins."""
        self.store.ahead += seconds
        self.compat.limiter.ahead += seconds

    # Looking at it

    def user(self, name: str) -> Row:
        row = self.store.user_named(name)
        assert row is not None, f"MAS has no user {name}"
        return row

    def user_names(self) -> list[str]:
        return sorted(row["username"] for row in self.store.find("users"))

    def emails(self, name: str) -> list[str]:
        rows = self.store.find("user_emails", user_id=self.user(name)["user_id"])
        return sorted(row["email"] for row in rows)

    def has_password(self, name: str, password: str | None = None) -> bool:
        """That one, or any."""
        key = self.user(name)["user_id"]
        if password is None:
            return bool(self.store.find("user_passwords", user_id=key))
        return self.password_is(key, password)

    def links(self, name: str) -> list[tuple[str, str]]:
        """(provider's id, subject)"""
        rows = self.store.find("upstream_oauth_links", user_id=self.user(name)["user_id"])
        return sorted((row["upstream_oauth_provider_id"], row["subject"]) for row in rows)

    def active_sessions(self) -> dict[str, int]:
        """Of each kind, how many are not over: what a run leaves behind. The one that a
        test itself asks with is not counted."""
        return {table: len(rows) for table, rows in self._active().items()}

    def end_sessions(self) -> None:
        """Those that a test left on purpose."""
        for table, rows in self._active().items():
            for row in rows:
                self.store.update(table, row[KEYS[table]], **{SESSIONS[table]: self.store.now()})

    def _active(self) -> dict[str, list[Row]]:
        return {
            table: [
                row
                for row in self.store.find(table, **{end: None})
                if row.get("human_name") != HARNESS
            ]
            for table, end in SESSIONS.items()
        }

    @property
    def routes(self) -> list[str]:
        """What was asked, in its order: "POST /users/{id}/lock", "POST /oauth2/token".
        What the homeserver asks is not among it."""
        return [request.route for request in self.requests]

    def count(self, *routes: str) -> int:
        return sum(route in routes for route in self.routes)

    def forget(self) -> None:
        """An empty record."""
        self.requests.clear()
        self.introspected.clear()
        self.invalid_requests.clear()
        self.complaints.clear()
