# SPDX-License-Identifier: GPL-3.0-or-later
"""The rest of MAS's admin API: what the site is like, its version, tokens for those
who register, and the policy's data."""

from __future__ import annotations

import secrets
import string
from typing import Any

from .mas_api import AdminBase, Filter, Shape, body_of, refused, times
from .mas_store import Row
from .mas_wire import Reply, Request

NO_TOKEN = "Registration token with ID {} not found"


class Other(AdminBase):
    def __init__(self, mas: Any) -> None:
        super().__init__(mas)
        token = Shape("user-registration_token", "/user-registration-tokens", self._token_told)
        self.SHAPES = {
            **self.SHAPES,
            "user_registration_tokens": token,
            "policy_data": Shape("policy-data", "/policy-data", self._policy_told),
        }

    # The site

    def _site_config(self, _request: Request) -> Reply:
        mas = self.mas
        told: dict[str, Any] = {
            "server_name": mas.server_name,
            "password_login_enabled": mas.password_login_enabled,
            "password_registration_enabled": mas.password_registration_enabled,
            "password_registration_email_required": True,
            "password_registration_token_required": False,
            "registration_token_required": False,
            "email_change_allowed": True,
            "displayname_change_allowed": True,
            "password_change_allowed": mas.password_login_enabled,
            "account_recovery_allowed": False,
            "account_deactivation_allowed": True,
            "captcha_enabled": False,
            "minimum_password_complexity": mas.minimum_complexity,
        }
        if not self.has("password_registration_token_required"):
            del told["password_registration_token_required"]
        return Reply(200, told)

    def _version(self, _request: Request) -> Reply:
        return Reply(200, {"version": f"v{self.mas.version}"})

    # Tokens for those who register

    def _token_told(self, row: Row) -> dict[str, Any]:
        expires, limit = row["expires_at"], row["usage_limit"]
        valid = (
            row["revoked_at"] is None
            and (expires is None or expires > self.store.now())
            and (limit is None or row["times_used"] < limit)
        )
        return {
            "token": row["token"],
            "valid": valid,
            "usage_limit": limit,
            "times_used": row["times_used"],
            **times(row, "created_at", "last_used_at", "expires_at", "revoked_at"),
        }

    def _list_tokens(self, request: Request) -> Reply:
        page = self.page(request)
        kinds = ("used", "revoked", "expired", "valid")
        asked = self.filters(request, **{name: Filter("bool") for name in kinds})
        rows = []
        for row in self.store.find("user_registration_tokens"):
            is_so = {
                "used": row["times_used"] > 0,
                "revoked": row["revoked_at"] is not None,
                "expired": (row["expires_at"] or 1 << 80) <= self.store.now(),
                "valid": self._token_told(row)["valid"],
            }
            if all(is_so[name] == value for name, value in asked.items()):
                rows.append(row)
        return self.listed(request, "user_registration_tokens", page, rows)

    def _add_token(self, request: Request) -> Reply:
        body = body_of(request, token="string?", usage_limit="u32?", expires_at="time?")
        if body.get("token") is None:
            letters = string.ascii_letters + string.digits
            body["token"] = "".join(secrets.choice(letters) for _ in range(12))
        with self.store.lock:
            if self.store.find("user_registration_tokens", token=body["token"]):
                raise refused(409, "A registration token with the same token already exists")
            row = self.store.insert("user_registration_tokens", **body)
        return self.single("user_registration_tokens", row, 201)

    def _token(self, key: str) -> Row:
        return self.found("user_registration_tokens", self.id_in(key), NO_TOKEN)

    def _get_token(self, _request: Request, key: str) -> Reply:
        return self.single("user_registration_tokens", self._token(key))

    def _edit_token(self, request: Request, key: str) -> Reply:
        key = self.id_in(key)
        body = body_of(request, usage_limit="u32?", expires_at="time?")
        self._token(key)
        # Absent keeps, null clears.
        row = self.store.update("user_registration_tokens", key, **body)
        return self.single("user_registration_tokens", row)

    def _revoke_token(self, _request: Request, key: str) -> Reply:
        return self._set_revoked(key, self.store.now(), "is already revoked", "revoke")

    def _unrevoke_token(self, _request: Request, key: str) -> Reply:
        return self._set_revoked(key, None, "is not revoked", "unrevoke")

    def _set_revoked(self, key: str, moment: int | None, already: str, verb: str) -> Reply:
        row = self._token(key)
        key = row["user_registration_token_id"]
        if (row["revoked_at"] is None) == (moment is None):
            raise refused(400, f"Registration token with ID {key} {already}")
        row = self.store.update("user_registration_tokens", key, revoked_at=moment)
        path = f"/user-registration-tokens/{key}/{verb}"
        return self.single("user_registration_tokens", row, path=path)

    # The policy's data

    def _policy_told(self, row: Row) -> dict[str, Any]:
        return times(row, "created_at") | {"data": row["data"]}

    def _set_policy_data(self, request: Request) -> Reply:
        body = body_of(request, data="any")
        if not isinstance(body["data"], dict):
            raise refused(
                400,
                "Failed to instanciate policy with the provided data",
                "Failed to merge policy data",
            )
        row = self.store.insert("policy_data", data=body["data"])
        return self.single("policy_data", row, 201)

    def _latest_policy_data(self, _request: Request) -> Reply:
        rows = self.store.find("policy_data")
        if not rows:
            raise refused(404, "No policy data found")
        return self.single("policy_data", rows[-1])

    def _get_policy_data(self, _request: Request, key: str) -> Reply:
        row = self.found("policy_data", self.id_in(key), "Policy data with ID {} not found")
        return self.single("policy_data", row)
