# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in's sessions, and the questions that take a password:
rest/client/login.py, logout.py, account.py (whoami, 3pid), devices.py and
handlers/auth.py of Synapse."""

from __future__ import annotations

import secrets
from typing import Any

from .hostile_accounts import (
    Account,
    Answer,
    Refusal,
    Token,
    broken,
    hashed,
    incomplete,
    json_object,
    locked,
)
from .hostile_state import State

# api/ratelimiting.py: until the next of 0.003 a second.
LOGIN_WAIT_MS = 331_000


class Sessions(State):
    def _login_flows(self, _request: Any) -> Answer:
        flows = ["m.login.password"] if self.password_login else []
        flows.append("m.login.application_service")
        return Answer(200, {"flows": [{"type": flow} for flow in flows]})

    def _password_fits(self, user: str, password: str) -> Account | None:
        user_id = user if user.startswith("@") else self.user_id(user)
        for account in self.accounts.values():
            if account.user_id.lower() == user_id.lower() and account.password is not None:
                if hashed(account.password) == hashed(password):
                    return account
        return None

    def _login(self, request: Any) -> Answer:
        body = json_object(request)
        if not isinstance(body.get("refresh_token", False), bool):
            raise Refusal(400, "M_UNKNOWN", "`refresh_token` should be true or false.")
        if "type" not in body:
            raise Refusal(400, "M_UNKNOWN", "Missing JSON keys.")
        self._count_login()
        account = self._validated(body)
        if account.deactivated:
            raise Refusal(403, "M_USER_DEACTIVATED", "This account has been deactivated")
        if account.locked:
            raise locked()
        # A session that the device has already stays, too.
        device_id = self._device_id(body)
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

    def _count_login(self) -> None:
        """The limit per address, which right and wrong logins count for."""
        if self.login_burst is None:
            return
        if self.logins >= self.login_burst:
            raise Refusal(
                429, "M_LIMIT_EXCEEDED", "Too Many Requests", retry_after_ms=LOGIN_WAIT_MS
            )
        self.logins += 1

    def _device_id(self, body: dict[str, Any]) -> str:
        device_id = body.get("device_id")
        if device_id and not isinstance(device_id, (str, list, dict)):
            raise broken()
        if device_id and len(device_id) > 512:
            quoted = "device_id cannot be longer than 512 characters."
            raise Refusal(400, "M_INVALID_PARAM", quoted)
        return device_id or secrets.token_hex(5).upper()

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
            self._end(token.user_id, token.device_id)
        return Answer(200, {})

    def _whoami(self, request: Any) -> Answer:
        token = self._requester(request)
        answer: dict[str, Any] = {"user_id": token.user_id, "is_guest": False}
        if token.device_id is not None:
            answer["device_id"] = token.device_id
        return Answer(200, answer)

    def _own_3pids(self, request: Any) -> Answer:
        token = self._requester(request)
        return Answer(200, {"threepids": self.accounts[token.user_id].listed_threepids()})

    # The question whether a password is the account's

    def _ui_auth(self, token: Token, body: dict[str, Any]) -> None:
        """handlers/auth.py, validate_user_via_ui_auth and check_ui_auth."""
        account = self.accounts[token.user_id]
        by_password = account.password is not None and self.password_login
        answer: dict[str, Any] = {
            "session": secrets.token_urlsafe(18),
            "flows": [{"stages": ["m.login.password"]}] if by_password else [],
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
        body = json_object(request, allow_empty=True)
        if not self.ui_auth_session_timeout:
            self._ui_auth(token, body)
        self._end(token.user_id, device_id)
        return Answer(200, {})
