# SPDX-License-Identifier: GPL-3.0-or-later
"""MAS's part of the client-server API: logins with a password, and their end. All
else below /_matrix is the homeserver's."""

from __future__ import annotations

import ipaddress
import json
import re
import secrets
import string
import time
from typing import TYPE_CHECKING, Any

from .mas_api import Refusal, body_of, is_json
from .mas_homeserver import HomeserverError
from .mas_ids import new_token, token_problem
from .mas_store import DatabaseError, Row
from .mas_wire import Reply, Request

if TYPE_CHECKING:
    from .mas import Mas

ROUTES = [
    (re.compile(r"/_matrix/client/[^/]+/login\Z"), {"GET": "flows", "POST": "login"}),
    (re.compile(r"/_matrix/client/[^/]+/logout\Z"), {"POST": "logout"}),
    (re.compile(r"/_matrix/client/[^/]+/logout/all\Z"), {"POST": "logout_all"}),
    (re.compile(r"/_matrix/client/[^/]+/refresh\Z"), {"POST": "refresh"}),
    (re.compile(r"/_matrix/client/[^/]+/login/sso/redirect(?:/[^/]*)?\Z"), {"GET": "sso"}),
]
SSO = {
    "type": "m.login.sso",
    "oauth_aware_preferred": True,
    "org.matrix.msc3824.delegated_oidc_compatibility": True,
}
# MAS's default http.trusted_proxies.
TRUSTED = [
    ipaddress.ip_network(net)
    for net in ("192.168.0.0/16", "172.16.0.0/12", "10.0.0.0/8", "127.0.0.0/8", "fd00::/8", "::1/128")
]
TOKEN_SECONDS = 300


class MatrixError(Exception):
    def __init__(self, status: int, errcode: str, error: str) -> None:
        super().__init__(errcode)
        self.reply = Reply(status, {"errcode": errcode, "error": error})


class Limiter:
    """rate_limiting.login of MAS's configuration: so many at once, then one in so many
    seconds. What is refused is not counted."""

    def __init__(self) -> None:
        self.burst = 3
        self.seconds = 20.0
        # Seconds that a test has let pass.
        self.ahead = 0.0
        self._last: dict[str, tuple[float, float]] = {}

    def reset(self) -> None:
        self._last.clear()

    def allows(self, who: str) -> bool:
        # What was spent, and not what is left: so another burst holds at once.
        now = time.monotonic() + self.ahead
        spent, then = self._last.get(who, (0.0, now))
        spent = max(0.0, spent - (now - then) / self.seconds)
        allowed = spent + 1 <= self.burst
        self._last[who] = (spent + 1 if allowed else spent, now)
        return allowed


class Compat:
    def __init__(self, mas: Mas) -> None:
        self.mas = mas
        self.store = mas.store
        self.limiter = Limiter()

    def answer(self, request: Request) -> Reply | None:
        for pattern, methods in ROUTES:
            if not pattern.match(request.path):
                continue
            asked = "GET" if request.method == "HEAD" else request.method
            if asked not in methods:
                allow = ",".join("GET,HEAD" if name == "GET" else name for name in sorted(methods))
                return Reply(405, None, {"allow": allow})
            try:
                return getattr(self, "_" + methods[asked])(request)
            except (MatrixError, Refusal) as error:
                return error.reply
            except DatabaseError:
                return MatrixError(500, "M_UNKNOWN", "Internal server error").reply
        return None

    def _flows(self, _request: Request) -> Reply:
        password = [{"type": "m.login.password"}] if self.mas.password_login_enabled else []
        return Reply(200, {"flows": [*password, SSO, {"type": "m.login.token"}]})

    def _sso(self, _request: Request) -> Reply:
        return Reply(303, None, {"location": self.mas.public_base + "complete-compat-sso/0"})

    # Logging in

    @staticmethod
    def _body(request: Request) -> dict[str, Any]:
        kind = request.header("content-type")
        if kind is not None and not is_json(kind):
            text = "Invalid Content-Type header: expected application/json"
            raise MatrixError(400, "M_NOT_JSON", text)
        try:
            body = json.loads(request.body.decode())
        except ValueError as error:
            text = "Body is not a valid JSON document"
            raise MatrixError(400, "M_NOT_JSON", text) from error
        texts = ("password", "user", "device_id", "initial_device_display_name")
        if (
            not isinstance(body, dict)
            or not isinstance(body.get("type"), str)
            or not all(isinstance(body.get(name), (str, type(None))) for name in texts)
            or not isinstance(body.get("identifier"), (dict, type(None)))
            or (body["type"] == "m.login.password" and not isinstance(body.get("password"), str))
        ):
            raise MatrixError(400, "M_BAD_JSON", "JSON fields are not valid")
        return body

    def _login(self, request: Request) -> Reply:
        body = self._body(request)
        if body["type"] == "m.login.token":
            raise MatrixError(403, "M_FORBIDDEN", "Invalid login token")
        if body["type"] != "m.login.password" or not self.mas.password_login_enabled:
            raise MatrixError(400, "M_UNKNOWN", "Invalid login type")
        user = self._who(self._named(body), request, body["password"])
        with self.mas.sync:
            session = self._begin(user, body, request)
            try:
                name = body.get("initial_device_display_name")
                self.mas.beside.upsert_device(user["username"], session["device_id"], name)
            except HomeserverError as error:
                key = session["compat_session_id"]
                self.store.update("compat_sessions", key, finished_at=self.store.now())
                raise MatrixError(500, "M_UNKNOWN", "Internal server error") from error
        refreshable = body.get("refresh_token") is True
        told = {
            "access_token": self._new_token(session, refreshable),
            "device_id": session["device_id"],
            "user_id": f"@{user['username']}:{self.mas.server_name}",
        }
        if refreshable:
            told |= {"refresh_token": self._new_refresh_token(session, told["access_token"])}
            told |= {"expires_in_ms": TOKEN_SECONDS * 1000}
        return Reply(200, told)

    def _named(self, body: dict[str, Any]) -> str:
        """The localpart of this server's id, or what is no id of this server's."""
        identifier, named = body.get("identifier"), body.get("user")
        if named is None:
            if identifier is None:
                raise MatrixError(400, "M_BAD_JSON", "Missing property 'identifier")
            if identifier.get("type") != "m.id.user":
                raise MatrixError(400, "M_UNKNOWN", "Unsupported login identifier")
            named = identifier.get("user")
            if not isinstance(named, str):
                raise MatrixError(400, "M_BAD_JSON", "JSON fields are not valid")
        localpart, colon, server = named[1:].partition(":")
        if named.startswith("@") and colon and server == self.mas.server_name:
            return localpart
        return named

    def _who(self, name: str, request: Request, password: str) -> Row:
        wrong = MatrixError(403, "M_FORBIDDEN", "Invalid username/password")
        user = self.store.user_named(name)
        if user is None or user["deactivated_at"] is not None:
            raise wrong
        if user["locked_at"] is not None:
            if not self.mas.has("user_locked_at_login"):
                raise wrong
            raise MatrixError(401, "M_USER_LOCKED", "User account has been locked")
        if not self.limiter.allows(requester(request)):
            raise MatrixError(429, "M_LIMIT_EXCEEDED", "Too many login attempts")
        if not self.mas.password_is(user["user_id"], password):
            raise wrong
        return user

    def _begin(self, user: Row, body: dict[str, Any], request: Request) -> Row:
        letters = string.ascii_letters + string.digits
        device = body.get("device_id")
        if device is None:
            device = "".join(secrets.choice(letters) for _ in range(10))
        with self.store.lock:
            # A device has one session: the newest.
            for old in self.store.find(
                "compat_sessions", user_id=user["user_id"], device_id=device, finished_at=None
            ):
                key = old["compat_session_id"]
                self.store.update("compat_sessions", key, finished_at=self.store.now())
            return self.store.insert(
                "compat_sessions",
                user_id=user["user_id"],
                device_id=device,
                human_name=body.get("initial_device_display_name"),
                user_agent=request.header("user-agent"),
            )

    def _new_token(self, session: Row, expires: bool) -> str:
        token = new_token("mct")
        self.store.insert(
            "compat_access_tokens",
            compat_session_id=session["compat_session_id"],
            access_token=token,
            expires_at=self.store.now() + TOKEN_SECONDS * 10**9 if expires else None,
        )
        self.mas.remember_secret(token)
        return token

    def _new_refresh_token(self, session: Row, access_token: str) -> str:
        token = new_token("mcr")
        self.store.insert(
            "compat_refresh_tokens",
            compat_session_id=session["compat_session_id"],
            refresh_token=token,
            access_token=access_token,
        )
        self.mas.remember_secret(token)
        return token

    # And out

    def _logout(self, request: Request) -> Reply:
        header = request.header("authorization")
        scheme, _, token = (header or "").partition(" ")
        if header is None or scheme.lower() != "bearer":
            raise MatrixError(401, "M_MISSING_TOKEN", "Missing access token")
        invalid = MatrixError(401, "M_UNKNOWN_TOKEN", "Invalid access token")
        if token_problem(token) is not None:
            raise invalid
        with self.store.lock:
            found = self.store.find("compat_access_tokens", access_token=token)
            if not found or (found[0]["expires_at"] or 1 << 80) <= self.store.now():
                raise invalid
            session = self.store.get("compat_sessions", found[0]["compat_session_id"])
            if session is None or session["finished_at"] is not None:
                raise invalid
            key = session["compat_session_id"]
            self.store.update("compat_sessions", key, finished_at=self.store.now())
        self.mas.sync_devices_later(session["user_id"])
        return Reply(200, {})

    def _logout_all(self, _request: Request) -> Reply:
        text = "The /logout/all endpoint is not supported by this deployment"
        raise MatrixError(404, "M_UNRECOGNIZED", text)

    def _refresh(self, request: Request) -> Reply:
        body = body_of(request, refresh_token="string")
        invalid = MatrixError(401, "M_UNKNOWN_TOKEN", "Invalid refresh token")
        with self.store.lock:
            found = self.store.find("compat_refresh_tokens", refresh_token=body["refresh_token"])
            if not found or found[0]["consumed_at"] is not None:
                raise invalid
            session = self.store.get("compat_sessions", found[0]["compat_session_id"])
            if session is None or session["finished_at"] is not None:
                raise invalid
            key = found[0]["compat_refresh_token_id"]
            self.store.update("compat_refresh_tokens", key, consumed_at=self.store.now())
            before = found[0]["access_token"]
            for old in self.store.find("compat_access_tokens", access_token=before):
                key = old["compat_access_token_id"]
                self.store.update("compat_access_tokens", key, expires_at=self.store.now())
        token = self._new_token(session, True)
        told = {"access_token": token, "refresh_token": self._new_refresh_token(session, token)}
        return Reply(200, told | {"expires_in_ms": TOKEN_SECONDS * 1000})


def requester(request: Request) -> str:
    """The address that logins are counted for: the last in X-Forwarded-For that is no
    proxy's. Who has none shares one count with all the others."""
    forwarded = (request.header("x-forwarded-for") or "").split(",")
    for text in reversed([one.strip() for one in forwarded if one.strip()]):
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            break
        if not any(address in net for net in TRUSTED if net.version == address.version):
            return str(address)
    return ""
