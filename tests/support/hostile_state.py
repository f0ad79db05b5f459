# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stand-in of Synapse knows, and who asks it: accounts, sessions,
rooms, nonces. What it does with them is in hostile_registration.py,
hostile_sessions.py, hostile_admin_api.py and hostile_profiles.py."""

from __future__ import annotations

import copy
import re
import secrets
import time
from typing import Any

from .hostile_accounts import USER_TYPES, Account, Refusal, Token, locked, unknown_token


class State:
    """One homeserver's accounts, sessions, rooms and nonces."""

    def __init__(
        self,
        server_name: str = "example.test",
        secret: str | None = "Shared_secret-of/the+stand-in",
        mas: bool = False,
        enable_3pid_changes: bool = True,
        ui_auth_session_timeout: bool = False,
        password_login: bool = True,
        require_auth_for_profile_requests: bool = False,
        extra_user_types: tuple[str, ...] = (),
        auto_join_rooms: tuple[str, ...] = (),
        rooms: dict[str, dict[str, str]] | None = None,
        login_burst: int | None = None,
    ) -> None:
        self.server_name = server_name
        self.secret = secret
        self.mas = mas
        self.enable_3pid_changes = enable_3pid_changes
        self.ui_auth_session_timeout = ui_auth_session_timeout
        # password_config.enabled
        self.password_login = password_login
        self.require_auth_for_profile_requests = require_auth_for_profile_requests
        self.user_types = (*USER_TYPES, *extra_user_types)
        # Room ids here, aliases there.
        self.auto_join_rooms = auto_join_rooms
        # rc_login.address, burst_count; None: no limit.
        self.login_burst = login_burst
        self.logins = 0
        self.accounts: dict[str, Account] = {}
        self.tokens: dict[str, Token] = {}
        # All that ever were, for those who look for them where they must not be.
        self.issued: list[str] = []
        self.nonces: set[str] = set()
        # Members by room: "join", "leave" or "invite".
        self.rooms = rooms or {}

    # What a test sets up and looks at

    def user_id(self, localpart: str) -> str:
        return f"@{localpart}:{self.server_name}"

    def add_user(
        self,
        localpart: str,
        password: str | None = None,
        emails: tuple[str, ...] = (),
        phones: tuple[str, ...] = (),
        **fields: Any,
    ) -> Account:
        account = Account(self.user_id(localpart), password, **fields)
        if "displayname" not in fields:
            account.displayname = localpart
        for email in emails:
            account.add_threepid("email", email)
        for phone in phones:
            account.add_threepid("msisdn", phone)
        self.accounts[account.user_id] = account
        return account

    def user(self, localpart: str) -> Account | None:
        return self.accounts.get(self.user_id(localpart))

    def add_token(self, localpart: str) -> str:
        """A session of the user's that the test made and the module must leave."""
        return self._issue(Token(self.user_id(localpart), self.user_id(localpart), "TEST"))

    def state(self) -> dict[str, dict[str, Any]]:
        """All there is to say about the accounts, to compare before and after."""
        return {
            user_id: copy.deepcopy(vars(account)) for user_id, account in self.accounts.items()
        }

    # What the answers have in common

    def _issue(self, token: Token) -> str:
        text = "syt_" + secrets.token_urlsafe(24)
        self.tokens[text] = token
        self.issued.append(text)
        return text

    def _end(self, user_id: str, device_id: str | None) -> None:
        self.tokens = {
            text: token
            for text, token in self.tokens.items()
            if (token.user_id, token.device_id) != (user_id, device_id)
        }

    def _end_sessions(self, user_id: str, but: str | None = None) -> None:
        """Not those on the user's behalf: they are the administrator's."""
        self.tokens = {
            text: token
            for text, token in self.tokens.items()
            if token.owner != user_id or (but is not None and token.device_id == but)
        }

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

    def _parsed(self, user_id: str) -> str:
        """types, UserID.from_string."""
        if not user_id.startswith("@"):
            raise Refusal(400, "M_INVALID_PARAM", "Expected UserID string to start with '@'")
        return user_id

    def _local(self, user_id: str, otherwise: str) -> str:
        if self._parsed(user_id).partition(":")[2] != self.server_name:
            raise Refusal(400, "M_UNKNOWN", otherwise)
        return user_id

    def _local_id(self, user_id: str, otherwise: str) -> str:
        """server.py, is_mine_id: only what follows the colon is looked at."""
        if user_id.partition(":")[2] != self.server_name:
            raise Refusal(400, "M_UNKNOWN", otherwise)
        return user_id

    def _known(self, user_id: str) -> Account:
        account = self.accounts.get(user_id)
        if account is None:
            raise Refusal(404, "M_NOT_FOUND", "User not found")
        return account

    # New accounts

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

    def _create(self, localpart: str, password: str | None, body: dict[str, Any]) -> Account:
        user_id = self._check_username(localpart)
        name = localpart if body.get("displayname") is None else body["displayname"]
        account = Account(
            user_id,
            password,
            bool(body.get("admin")),
            name or None,
            has_profile=bool(name),
            user_type=body.get("user_type"),
        )
        self.accounts[user_id] = account
        for room_id in self.auto_join_rooms:
            self.rooms.setdefault(room_id, {})[user_id] = "join"
        return account
