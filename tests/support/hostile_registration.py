# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in's registration with the shared secret: rest/admin/users.py
(UserRegisterServlet) and rest/client/register.py of Synapse."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any

from .hostile_accounts import Answer, Refusal, Token, json_object
from .hostile_state import State


class Registration(State):
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
        if body.get("user_type") not in (None, *self.user_types):
            raise Refusal(400, "M_UNKNOWN", "Invalid user type")
        if "mac" not in body:
            raise Refusal(400, "M_BAD_JSON", "mac must be specified")
        if not hmac.compare_digest(self._mac(body).encode(), body["mac"].encode("ascii")):
            raise Refusal(403, "M_UNKNOWN", "HMAC incorrect")
        if not isinstance(body.get("refresh_token", False), bool):
            raise Refusal(400, "M_UNKNOWN", "refresh_token must be a boolean")
        account = self._create(body["username"].lower(), body["password"], body)
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
