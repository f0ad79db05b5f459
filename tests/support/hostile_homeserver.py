# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hostile server says while nothing makes it misbehave: the endpoints
of Synapse that the module uses, with state.

Statuses, errcodes, texts and the order of checks are those of Synapse 1.163.2:
synapse/rest/admin/users.py (register, users, login), rest/client/login.py,
rest/client/account.py (whoami, 3pid/add), rest/client/devices.py,
rest/client/logout.py, rest/client/profile.py, handlers/auth.py (UI auth),
handlers/register.py (check_username). tests/hostile/test_stand_in.py holds
this file against a running Synapse: it must not be more forgiving.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .hostile_accounts import (
    Account,
    Answer,
    Refusal,
    Token,
    check_user_body,
    checked_displayname,
    hashed,
    incomplete,
    json_object,
    locked,
    unknown_token,
)
from .hostile_routes import NO_RESOURCE, NOT_UNDER_MAS, route_of

VERSION = "1.163.2"


class StandIn:
    """One homeserver's accounts, sessions and nonces."""

    def __init__(
        self,
        server_name: str = "example.test",
        secret: str | None = "Shared_secret-of/the+stand-in",
        mas: bool = False,
        enable_3pid_changes: bool = True,
        ui_auth_session_timeout: bool = False,
        password_login: bool = True,
    ) -> None:
        self.server_name = server_name
        self.secret = secret
        self.mas = mas
        self.enable_3pid_changes = enable_3pid_changes
        self.ui_auth_session_timeout = ui_auth_session_timeout
        self.password_login = password_login
        self.accounts: dict[str, Account] = {}
        self.tokens: dict[str, Token] = {}
        self.nonces: set[str] = set()

    # What a test sets up and looks at

    def user_id(self, localpart: str) -> str:
        return f"@{localpart}:{self.server_name}"

    def add_user(self, localpart: str, password: str | None = None, **fields: Any) -> Account:
        account = Account(self.user_id(localpart), password, **fields)
        if "displayname" not in fields:
            account.displayname = localpart
        self.accounts[account.user_id] = account
        return account

    def user(self, localpart: str) -> Account | None:
        return self.accounts.get(self.user_id(localpart))

    def add_token(self, localpart: str) -> str:
        """A session of the user's that the test made and the module must leave."""
        return self._issue(Token(self.user_id(localpart), self.user_id(localpart), "TEST"))

    def state(self) -> dict[str, dict[str, Any]]:
        """All there is to say about the accounts, to compare before and after."""
        return {user_id: vars(account).copy() for user_id, account in self.accounts.items()}

    def _issue(self, token: Token) -> str:
        text = "syt_" + secrets.token_urlsafe(24)
        self.tokens[text] = token
        return text

    # Answering

    def answer(self, request: Any) -> Answer:
        """Does what the request asks and says what Synapse would say."""
        path = request.target.split("?")[0]
        route, segments = route_of(request.method, path)
        if route == "other" and not path.startswith(("/_matrix/", "/_synapse/")):
            return Answer(404, NO_RESOURCE)
        try:
            if self.mas and route in NOT_UNDER_MAS:
                raise Refusal(404, "M_UNRECOGNIZED", "Unrecognized request")
            if route == "wrong_method":
                raise Refusal(405, "M_UNRECOGNIZED", "Unrecognized request")
            handler = getattr(self, "_" + route, None)
            if handler is None:
                raise Refusal(404, "M_UNRECOGNIZED", "Unrecognized request")
            return handler(request, *segments)
        except Refusal as refusal:
            return refusal.answer

    def _version(self, _request: Any) -> Answer:
        return Answer(200, {"server": {"name": "Synapse", "version": VERSION}})

    def _server_version(self, _request: Any) -> Answer:
        return Answer(200, {"server_version": VERSION})

    def _key_server(self, _request: Any) -> Answer:
        signatures = {self.server_name: {"ed25519:a_test": "c2lnbmF0dXJl"}}
        return Answer(
            200,
            {
                "old_verify_keys": {},
                "server_name": self.server_name,
                "signatures": signatures,
                "valid_until_ts": int(time.time() * 1000) + 86_400_000,
                "verify_keys": {"ed25519:a_test": {"key": "a2V5"}},
            },
        )

    def _auth_metadata(self, _request: Any) -> Answer:
        if not self.mas:
            raise Refusal(404, "M_UNRECOGNIZED", "Unrecognized request")
        return Answer(200, {"issuer": "https://account.example.test/"})

    def _login_flows(self, _request: Any) -> Answer:
        flows = ["m.login.password"] if self.password_login else []
        flows.append("m.login.application_service")
        return Answer(200, {"flows": [{"type": flow} for flow in flows]})

    # Registration with the shared secret

    def _nonce(self, _request: Any) -> Answer:
        nonce = secrets.token_hex(64)
        self.nonces.add(nonce)
        return Answer(200, {"nonce": nonce})

    def _register(self, request: Any) -> Answer:
        if not self.secret:
            raise Refusal(400, "M_UNKNOWN", "Shared secret registration is not enabled")
        body = json_object(request)
        if "nonce" not in body:
            raise Refusal(400, "M_BAD_JSON", "nonce must be specified")
        if body["nonce"] not in self.nonces:
            raise Refusal(400, "M_UNKNOWN", "unrecognised nonce")
        self.nonces.remove(body["nonce"])
        for name in ("username", "password"):
            if name not in body:
                raise Refusal(400, "M_BAD_JSON", f"{name} must be specified")
            value = body[name]
            if not isinstance(value, str) or len(value) > 512 or "\0" in value:
                raise Refusal(400, "M_UNKNOWN", f"Invalid {name}")
        if body.get("user_type") not in (None, "support", "bot"):
            raise Refusal(400, "M_UNKNOWN", "Invalid user type")
        if "mac" not in body:
            raise Refusal(400, "M_BAD_JSON", "mac must be specified")
        if not hmac.compare_digest(self._mac(body).encode(), body["mac"].encode("ascii")):
            raise Refusal(403, "M_UNKNOWN", "HMAC incorrect")
        if not isinstance(body.get("refresh_token", False), bool):
            raise Refusal(400, "M_UNKNOWN", "refresh_token must be a boolean")
        account = self._create(
            body["username"].lower(),
            body["password"],
            bool(body.get("admin")),
            body.get("displayname"),
        )
        answer = {"user_id": account.user_id, "home_server": self.server_name}
        if not body.get("inhibit_login", False):
            device_id = body.get("device_id") or secrets.token_hex(5).upper()
            token = self._issue(Token(account.user_id, account.user_id, device_id))
            answer |= {"access_token": token, "device_id": device_id}
        return Answer(200, answer)

    def _mac(self, body: dict[str, Any]) -> str:
        assert self.secret is not None
        parts = [body["nonce"], body["username"], body["password"]]
        parts.append("admin" if body.get("admin") else "notadmin")
        if body.get("user_type"):
            parts.append(body["user_type"])
        return hmac.new(self.secret.encode(), "\0".join(parts).encode(), hashlib.sha1).hexdigest()

    def _check_username(self, localpart: str) -> str:
        """handlers/register.py, check_username; the user id of a free name."""
        invalid = "M_INVALID_USERNAME"
        if not re.fullmatch(r"[a-z0-9=_./+-]*", localpart):
            allowed = "User ID can only contain characters a-z, 0-9, or '=_-./+'"
            raise Refusal(400, invalid, allowed)
        if not localpart:
            raise Refusal(400, invalid, "User ID cannot be empty")
        if localpart.startswith("_"):
            raise Refusal(400, invalid, "User ID may not begin with _")
        user_id = self.user_id(localpart)
        if len(user_id) > 255:
            raise Refusal(400, invalid, "User ID may not be longer than 255 characters")
        if any(user_id.lower() == known.lower() for known in self.accounts):
            raise Refusal(400, "M_USER_IN_USE", "User ID already taken.")
        if re.fullmatch(r"\d+", localpart):
            raise Refusal(400, invalid, "Numeric user IDs are reserved for guest users.")
        return user_id

    def _create(
        self, localpart: str, password: str | None, admin: bool, displayname: str | None
    ) -> Account:
        user_id = self._check_username(localpart)
        name = localpart if displayname is None else displayname
        account = Account(user_id, password, admin, name or None, has_profile=bool(name))
        self.accounts[user_id] = account
        return account

    def _username_available(self, request: Any) -> Answer:
        """rest/admin/username_available.py"""
        self._administrator(request)
        names = parse_qs(urlsplit(request.target).query).get("username")
        if not names:
            raise Refusal(400, "M_MISSING_PARAM", "Missing string query parameter 'username'")
        self._check_username(names[0])
        return Answer(200, {"available": True})

    # Tokens

    def _requester(self, request: Any, allow_locked: bool = False) -> Token:
        bearer = request.bearer
        if bearer is None:
            raise Refusal(401, "M_MISSING_TOKEN", "Missing access token")
        token = self.tokens.get(bearer)
        ended = (
            token is not None
            and token.valid_until_ms is not None
            and token.valid_until_ms < time.time() * 1000
        )
        if token is None:
            raise unknown_token("Invalid access token passed.", soft_logout=False)
        if ended:
            raise unknown_token("Access token has expired", soft_logout=True)
        account = self.accounts.get(token.user_id)
        if account is not None and account.locked and not allow_locked:
            raise locked()
        return token

    def _administrator(self, request: Any) -> Token:
        token = self._requester(request)
        account = self.accounts.get(token.user_id)
        if account is None or not account.admin:
            raise Refusal(403, "M_FORBIDDEN", "You are not a server admin")
        return token

    def _password_fits(self, user: str, password: str) -> Account | None:
        user_id = user if user.startswith("@") else self.user_id(user)
        for account in self.accounts.values():
            if account.user_id.lower() == user_id.lower() and account.password is not None:
                if hashed(account.password) == hashed(password):
                    return account
        return None

    def _login(self, request: Any) -> Answer:
        body = json_object(request)
        if "type" not in body:
            raise Refusal(400, "M_UNKNOWN", "Missing JSON keys.")
        account = self._validated(body)
        if account.deactivated:
            raise Refusal(403, "M_USER_DEACTIVATED", "This account has been deactivated")
        if account.locked:
            raise locked()
        device_id = body.get("device_id") or secrets.token_hex(5).upper()
        token = self._issue(Token(account.user_id, account.user_id, device_id))
        return Answer(
            200,
            {
                "user_id": account.user_id,
                "access_token": token,
                "home_server": self.server_name,
                "device_id": device_id,
            },
        )

    def _validated(self, body: dict[str, Any]) -> Account:
        """handlers/auth.py, validate_login; for logins and for UI auth."""
        if body["type"] == "m.login.password":
            if not self.password_login:
                raise Refusal(400, "M_UNKNOWN", "Password login has been disabled.")
            if not isinstance(body.get("password"), str):
                raise Refusal(400, "M_INVALID_PARAM", "Bad parameter: password")
        identifier = body.get("identifier")
        if body["type"] != "m.login.password" or not isinstance(identifier, dict):
            raise Refusal(400, "M_INVALID_PARAM", "Invalid login submission")
        account = self._password_fits(str(identifier.get("user")), body["password"])
        if account is None:
            raise Refusal(403, "M_FORBIDDEN", "Invalid username or password")
        return account

    def _logout(self, request: Any) -> Answer:
        token = self._requester(request, allow_locked=True)
        if token.device_id is None:
            del self.tokens[request.bearer]
        else:
            device = (token.user_id, token.device_id)
            self.tokens = {
                text: other
                for text, other in self.tokens.items()
                if (other.user_id, other.device_id) != device
            }
        return Answer(200, {})

    def _whoami(self, request: Any) -> Answer:
        token = self._requester(request)
        answer: dict[str, Any] = {"user_id": token.user_id, "is_guest": False}
        if token.device_id is not None:
            answer["device_id"] = token.device_id
        return Answer(200, answer)

    # The question whether a password is the account's

    def _ui_auth(self, token: Token, body: dict[str, Any]) -> None:
        """handlers/auth.py, validate_user_via_ui_auth and check_ui_auth."""
        account = self.accounts[token.user_id]
        answer: dict[str, Any] = {
            "session": secrets.token_urlsafe(18),
            "flows": [] if account.password is None else [{"stages": ["m.login.password"]}],
            "params": {},
        }
        auth = body.get("auth") or {}
        if not auth:
            raise incomplete(answer)
        try:
            proven = self._validated(auth)
        except Refusal as refusal:
            if refusal.answer.status != 403:
                raise
            raise incomplete(answer | {"completed": []} | refusal.answer.body) from None
        if proven is not account:
            raise Refusal(403, "M_FORBIDDEN", "Invalid auth")

    def _add_3pid(self, request: Any) -> Answer:
        if not self.enable_3pid_changes:
            # 400, not 403: rest/client/account.py, ThreepidAddRestServlet.
            raise Refusal(400, "M_FORBIDDEN", "3PID changes are disabled on this server")
        token = self._requester(request)
        body = json_object(request)
        for name in ("client_secret", "sid"):
            if not isinstance(body.get(name), str):
                raise Refusal(400, "M_BAD_JSON", f"1 validation error for PostBody\n{name}")
        self._ui_auth(token, body)
        raise Refusal(400, "M_THREEPID_AUTH_FAILED", "No validated 3pid session found")

    def _delete_device(self, request: Any, device_id: str) -> Answer:
        token = self._requester(request)
        body = json_object(request) if request.body else {}
        if not self.ui_auth_session_timeout:
            self._ui_auth(token, body)
        device = (token.user_id, device_id)
        self.tokens = {
            text: other
            for text, other in self.tokens.items()
            if (other.user_id, other.device_id) != device
        }
        return Answer(200, {})

    # The admin API

    def _local(self, user_id: str, otherwise: str) -> str:
        if not user_id.startswith("@"):
            raise Refusal(400, "M_INVALID_PARAM", "Expected UserID string to start with '@'")
        if user_id.partition(":")[2] != self.server_name:
            raise Refusal(400, "M_UNKNOWN", otherwise)
        return user_id

    def _get_user(self, request: Any, user_id: str) -> Answer:
        self._administrator(request)
        account = self.accounts.get(self._local(user_id, "Can only look up local users"))
        if account is None:
            raise Refusal(404, "M_NOT_FOUND", "User not found")
        return Answer(200, account.seen_by_admin())

    def _put_user(self, request: Any, user_id: str) -> Answer:
        requester = self._administrator(request)
        body = json_object(request)
        self._local(user_id, "This endpoint can only be used with local users")
        check_user_body(body)
        account = self.accounts.get(user_id)
        if account is not None:
            self.modify(account, body, requester)
            return Answer(200, account.seen_by_admin())
        account = self._create(
            user_id[1:].partition(":")[0],
            body.get("password"),
            body.get("admin", False),
            body.get("displayname"),
        )
        return Answer(201, account.seen_by_admin())

    def modify(self, account: Account, body: dict[str, Any], requester: Token) -> None:
        """In Synapse's order; what went before a refusal stays done."""
        if "displayname" in body:
            account.displayname = checked_displayname(body["displayname"])
            account.has_profile = True
        if "admin" in body and body["admin"] != account.admin:
            if account.user_id == requester.user_id and not body["admin"]:
                raise Refusal(400, "M_UNKNOWN", "You may not demote yourself.")
            account.admin = body["admin"]
        if body.get("password") is not None:
            account.password = body["password"]
            if body.get("logout_devices", True):
                self._end_sessions(account.user_id, requester.device_id)
        if "deactivated" in body:
            if body["deactivated"] and not account.deactivated:
                account.password = None
                self._end_sessions(account.user_id)
            account.deactivated = body["deactivated"]
        if "locked" in body:
            account.locked = body["locked"]

    def _end_sessions(self, user_id: str, but: str | None = None) -> None:
        """Not those on the user's behalf: they are the administrator's."""
        self.tokens = {
            text: token
            for text, token in self.tokens.items()
            if token.owner != user_id or (but is not None and token.device_id == but)
        }

    def _login_as(self, request: Any, user_id: str) -> Answer:
        requester = self._administrator(request)
        self._local(user_id, "Only local users can be logged in as")
        if user_id not in self.accounts:
            raise Refusal(404, "M_NOT_FOUND", "User not found")
        body = json_object(request) if request.body else {}
        valid_until_ms = body.get("valid_until_ms")
        if type(valid_until_ms) not in (int, type(None)):
            raise Refusal(400, "M_UNKNOWN", "'valid_until_ms' parameter must be an int")
        if requester.user_id == user_id:
            raise Refusal(400, "M_UNKNOWN", "Cannot use admin API to login as self")
        token = Token(user_id, requester.user_id, None, valid_until_ms)
        return Answer(200, {"access_token": self._issue(token)})

    # Profiles

    def _profile_of(self, user_id: str) -> Account | None:
        account = self.accounts.get(user_id)
        return account if account is not None and account.has_profile else None

    def _get_profile(self, _request: Any, user_id: str) -> Answer:
        account = self._profile_of(user_id)
        if account is None:
            raise Refusal(404, "M_UNKNOWN", "No row found (profiles)")
        if account.displayname is None:
            raise Refusal(404, "M_NOT_FOUND", "Profile was not found")
        return Answer(200, {"displayname": account.displayname})

    def _get_profile_field(self, _request: Any, user_id: str, name: str) -> Answer:
        account = self._profile_of(user_id)
        if account is None:
            raise Refusal(404, "M_NOT_FOUND", "Profile was not found")
        if name == "displayname" and account.displayname is not None:
            return Answer(200, {"displayname": account.displayname})
        return Answer(200, {})

    def _put_profile_field(self, request: Any, user_id: str, name: str) -> Answer:
        token = self._requester(request)
        body = json_object(request)
        if name not in body:
            raise Refusal(400, "M_MISSING_PARAM", f"Missing key '{name}'")
        requester = self.accounts[token.user_id]
        if user_id != token.user_id and not requester.admin:
            raise Refusal(400, "M_FORBIDDEN", "Cannot set another user's displayname")
        account = self.accounts[user_id]
        if name == "displayname":
            account.displayname = checked_displayname(body[name])
            account.has_profile = True
        return Answer(200, {})
