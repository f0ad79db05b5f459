# SPDX-License-Identifier: GPL-3.0-or-later
"""MAS's OAuth 2.0 as far as tools and the homeserver need it: who MAS is, tokens for
clients, their end, and whose a token is."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from .mas_api import ADMIN_SCOPE
from .mas_ids import InvalidUlid, new_token, parsed_ulid, token_problem
from .mas_personal import DEVICE_SCOPES, devices_of, parsed_scope
from .mas_store import Row
from .mas_wire import Reply, Request

if TYPE_CHECKING:
    from .mas import Mas

FORM = "application/x-www-form-urlencoded"
NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
# oauth2-types' texts for the codes that are used here.
DESCRIPTIONS = {
    "invalid_request": "The request is missing a required parameter, includes an invalid parameter "
    "value, includes a parameter more than once, or is otherwise malformed.",
    "invalid_client": "Client authentication failed.",
    "unauthorized_client": "The client is not authorized to request an access token using this "
    "method.",
    "unsupported_grant_type": "The authorization grant type is not supported by the authorization "
    "server.",
}
API_SCOPES = ("urn:matrix:client:api:*", "urn:matrix:org.matrix.msc2967.client:api:*")
SYNAPSE_ADMIN = "urn:synapse:admin:*"
# What any client may ask for; the admin API's scope is for those of the policy.
OPEN_SCOPES = {"openid", "email", "urn:mas:graphql:*"}
METHODS = ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"]


class OauthError(Exception):
    def __init__(self, status: int, error: str, description: str | None = None) -> None:
        super().__init__(error)
        text = description if description is not None else DESCRIPTIONS[error]
        self.reply = Reply(status, {"error": error, "error_description": text})


class Oauth:
    def __init__(self, mas: Mas) -> None:
        self.mas = mas
        self.store = mas.store

    def answer(self, request: Request) -> Reply | None:
        routes = {
            "/.well-known/openid-configuration": ("GET", self.metadata),
            "/oauth2/token": ("POST", self.token),
            "/oauth2/revoke": ("POST", self.revoke),
            "/oauth2/introspect": ("POST", self.introspect),
        }
        if request.path not in routes:
            return None
        method, handler = routes[request.path]
        asked = "GET" if request.method == "HEAD" else request.method
        if asked != method:
            allow = "GET,HEAD" if method == "GET" else method
            return Reply(405, None, {"allow": allow})
        try:
            return handler(request)
        except OauthError as error:
            return error.reply

    def metadata(self, _request: Request) -> Reply:
        base = self.mas.public_base
        prompts = ["login", "create"] if self.mas.password_registration_enabled else ["login"]
        return Reply(
            200,
            {
                "issuer": self.mas.issuer,
                "authorization_endpoint": base + "authorize",
                "token_endpoint": base + "oauth2/token",
                "jwks_uri": base + "oauth2/keys.json",
                "registration_endpoint": base + "oauth2/registration",
                "scopes_supported": ["openid", "email"],
                "response_types_supported": ["code", "id_token", "code id_token"],
                "response_modes_supported": ["form_post", "query", "fragment"],
                "grant_types_supported": [
                    "authorization_code",
                    "refresh_token",
                    "client_credentials",
                    "urn:ietf:params:oauth:grant-type:device_code",
                ],
                "token_endpoint_auth_methods_supported": METHODS,
                "revocation_endpoint": base + "oauth2/revoke",
                "revocation_endpoint_auth_methods_supported": METHODS,
                "introspection_endpoint": base + "oauth2/introspect",
                "introspection_endpoint_auth_methods_supported": [*METHODS],
                "code_challenge_methods_supported": ["plain", "S256"],
                "userinfo_endpoint": base + "oauth2/userinfo",
                "subject_types_supported": ["public"],
                "prompt_values_supported": prompts,
                "device_authorization_endpoint": base + "oauth2/device",
                "org.matrix.matrix-authentication-service.graphql_endpoint": base + "graphql",
                "account_management_uri": base + "account/",
                "account_management_actions_supported": ["org.matrix.profile"],
            },
        )

    # Who asks

    def _form(self, request: Request, *needed: str) -> dict[str, str] | None:
        """None for a body that is none."""
        kind = (request.header("content-type") or "").partition(";")[0].strip().lower()
        if kind != FORM:
            return None
        form = request.form
        for name in needed:
            if name not in form:
                text = f"Failed to deserialize form body: missing field `{name}`"
                raise OauthError(400, "invalid_request", text)
        return form

    @staticmethod
    def _header(request: Request) -> tuple[str, str, str] | None:
        """basic with a name and a secret, or bearer with a token."""
        header = request.header("authorization")
        if header is None:
            return None
        scheme, _, rest = header.partition(" ")
        try:
            if scheme.lower() == "bearer":
                return "bearer", rest.strip(), ""
            if scheme.lower() == "basic":
                # Nothing in it is form-decoded, whatever RFC 6749, 2.3.1 says.
                text = base64.b64decode(rest.strip(), validate=True).decode()
                name, colon, secret = text.partition(":")
                if colon:
                    return "basic", name, secret
        except (binascii.Error, UnicodeDecodeError):
            pass
        raise OauthError(400, "invalid_request", "Invalid Authorization header")

    def _client(self, request: Request, *needed: str) -> tuple[Row, dict[str, str]]:
        """The client that has shown who it is, and the form that it sent."""
        header = self._header(request)
        form = self._form(request, *needed)
        stated = form or {}
        if header is not None and header[0] == "basic" and "client_secret" not in stated:
            if stated.get("client_id", header[1]) != header[1]:
                raise OauthError(400, "invalid_grant", "client_id in form does not match credential")
            method, name, secret = "client_secret_basic", header[1], header[2]
        elif header is None and "client_id" in stated:
            method = "client_secret_post" if "client_secret" in stated else "none"
            name, secret = stated["client_id"], stated.get("client_secret", "")
        elif header is None:
            raise OauthError(400, "invalid_request", "No credentials were presented")
        elif header[0] == "bearer" and not stated.keys() & {"client_id", "client_secret"}:
            raise OauthError(401, "invalid_client")
        else:
            raise OauthError(400, "invalid_request")
        client = self._verified(method, name, secret)
        if form is None:
            raise OauthError(400, "invalid_request")
        return client, form

    def _verified(self, method: str, name: str, secret: str) -> Row:
        try:
            client = self.store.get("oauth2_clients", parsed_ulid(name))
        except InvalidUlid:
            client = None
        if client is None or client["auth_method"] != method or client["secret"] != secret:
            raise OauthError(401, "invalid_client")
        return client

    # Tokens

    def token(self, request: Request) -> Reply:
        client, form = self._client(request, "grant_type")
        if form["grant_type"] != "client_credentials":
            raise OauthError(400, "unsupported_grant_type")
        scope = ""
        if form.get("scope"):
            parsed = parsed_scope(form["scope"])
            if parsed is None:
                text = "Failed to deserialize form body: Invalid scope format"
                raise OauthError(400, "invalid_request", text)
            scope = parsed
        refused = [one for one in scope.split() if not self._allowed(client, one)]
        if refused:
            text = ", ".join(f"scope '{one}' not allowed" for one in refused)
            raise OauthError(403, "invalid_scope", text)
        session = self.store.insert(
            "oauth2_sessions",
            oauth2_client_id=client["oauth2_client_id"],
            scope=scope,
            user_agent=request.header("user-agent"),
        )
        token, ttl = new_token("mat"), self.mas.token_seconds
        self.store.insert(
            "oauth2_access_tokens",
            oauth2_session_id=session["oauth2_session_id"],
            access_token=token,
            expires_at=self.store.now() + int(ttl * 10**9),
        )
        self.mas.remember_secret(token)
        told = {"access_token": token, "token_type": "Bearer", "expires_in": int(ttl)}
        return Reply(200, told | ({"scope": scope} if scope else {}), dict(NO_STORE))

    def _allowed(self, client: Row, scope: str) -> bool:
        if scope == ADMIN_SCOPE:
            return client["oauth2_client_id"] in self.mas.admin_clients()
        return scope in OPEN_SCOPES

    def revoke(self, request: Request) -> Reply:
        client, form = self._client(request, "token")
        found = self.store.find("oauth2_access_tokens", access_token=form["token"])
        if found and found[0]["expires_at"] > self.store.now():
            session = self.store.get("oauth2_sessions", found[0]["oauth2_session_id"])
            assert session is not None
            if session["finished_at"] is None:
                if session["oauth2_client_id"] != client["oauth2_client_id"]:
                    raise OauthError(401, "unauthorized_client")
                key = session["oauth2_session_id"]
                self.store.update("oauth2_sessions", key, finished_at=self.store.now())
        # One that is unknown or over is as good as revoked (RFC 7009, 2.2).
        return Reply(200)

    # Whose a token is

    def introspect(self, request: Request) -> Reply:
        header = self._header(request)
        if header is not None and header[0] == "bearer":
            if header[1] != self.mas.secret:
                raise OauthError(401, "access_denied", "bearer token presented is invalid")
            form = self._form(request, "token")
            if form is None:
                raise OauthError(400, "invalid_request")
        else:
            _, form = self._client(request, "token")
        token = form["token"]
        self.mas.introspected.append(token)
        told = self._introspected(token) if token_problem(token) is None else None
        return Reply(200, told or {"active": False})

    def _introspected(self, token: str) -> dict[str, Any] | None:
        kinds = {
            "mat": ("oauth2", "oauth2_access_tokens", "oauth2_sessions"),
            "mpt": ("personal", "personal_access_tokens", "personal_sessions"),
            "mct": ("compat", "compat_access_tokens", "compat_sessions"),
        }
        if token[:3] not in kinds:
            return None
        kind, tokens, sessions = kinds[token[:3]]
        found = self.store.find(tokens, access_token=token)
        if not found or found[0].get("revoked_at"):
            return None
        row, now = found[0], self.store.now()
        session = self.store.get(sessions, row[f"{kind}_session_id"])
        if session is None or session.get("finished_at") or session.get("revoked_at"):
            return None
        expires = row["expires_at"]
        if expires is not None and expires <= now:
            return None
        user_id = session["actor_user_id"] if kind == "personal" else session["user_id"]
        users = [user_id, session.get("owner_user_id")]
        if any(self._is_out(one) for one in users if one is not None):
            return None
        told: dict[str, Any] = {"active": True, "token_type": "access_token"}
        told |= {"iat": row["created_at"] // 10**9, "nbf": row["created_at"] // 10**9}
        if expires is not None:
            told |= {"exp": expires // 10**9, "expires_in": max(0, (expires - now) // 10**9)}
        if user_id is not None:
            user = self.store.get("users", user_id)
            assert user is not None
            told |= {"sub": user_id, "username": user["username"]}
        return told | self._scope_of(kind, session)

    def _is_out(self, user_id: str) -> bool:
        user = self.store.get("users", user_id)
        return user is None or bool(user["locked_at"] or user["deactivated_at"])

    @staticmethod
    def _scope_of(kind: str, session: Row) -> dict[str, Any]:
        if kind == "compat":
            scopes = set(API_SCOPES) | ({SYNAPSE_ADMIN} if session["is_synapse_admin"] else set())
            told: dict[str, Any] = {"client_id": "legacy"}
            if session["device_id"] is not None:
                told["device_id"] = session["device_id"]
        else:
            # A scope that has two names is given both.
            scopes = set(session["scope"].split())
            if scopes & set(API_SCOPES):
                scopes |= set(API_SCOPES)
            for device in devices_of(session["scope"]):
                scopes |= {prefix + device for prefix in DEVICE_SCOPES}
            client = session.get("oauth2_client_id") or session.get("owner_oauth2_client_id")
            told = {"client_id": client} if client is not None else {}
        return told | {"scope": " ".join(sorted(scopes))}
