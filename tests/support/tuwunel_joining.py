# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, registration as anybody may do it, and logging in at the stand-in for tuwunel,
where it is not as its siblings (section 1.5)."""

from __future__ import annotations

import re
from typing import Any

from .family_accounts import Account
from .family_base import body_of
from .family_login import Login
from .family_register import DUMMY, PASSWORD, TOKEN, Register
from .family_table import Route
from .mas_routes import parsed as parsed_version
from .mas_wire import Reply, Request
from .tuwunel_fields import NEEDED_TEXT, OFF, TEXT, completed, read, read_query
from .tuwunel_table import LOCKED_AT_LOGIN
from .tuwunel_tokens import RegistrationTokens
from .tuwunel_words import forbidden, refused

VALIDITY = "/_matrix/client/{v}/register/m.login.registration_token/validity"


LOGIN = {
    "type": NEEDED_TEXT,
    "device_id": TEXT,
    "initial_device_display_name": TEXT,
    "refresh_token": OFF,
}


class Joining(RegistrationTokens, Login, Register):
    ROUTES = (Route("GET", VALIDITY, "_validity", ("v1",)),)

    # Names

    def is_forbidden(self, name: str) -> bool:
        return any(re.search(one, name) for one in self.settings.forbidden_usernames)

    def is_reserved(self, localpart: str) -> bool:
        """By an appservice, for itself."""
        return any(re.fullmatch(one, localpart) for one in self.settings.namespaces)

    def displayname_suffix(self) -> str:
        suffix = self.settings.new_user_displayname_suffix
        return f" {suffix}" if suffix else ""

    # Registration

    def token_is_needed(self) -> bool:
        self.tokens.purge()
        return bool(self.configured_tokens or self.tokens.stored)

    def registration_flows(self) -> list[list[str]]:
        if not self.settings.allow_registration:
            raise self.table.closed.refusal
        return [[TOKEN if self.token_is_needed() else DUMMY]]

    def token_is_good(self, token: str) -> bool:
        """Asked once, at its stage: that is a use of it."""
        return token in self.configured_tokens or self.tokens.consume(token)

    def _validity(self, request: Request) -> Reply:
        """Also where registration is closed."""
        text = read_query(request.query, {"token": NEEDED_TEXT})["token"]
        if not self.token_is_needed():
            raise forbidden("Server does not allow token registration")
        stored = self.tokens.stored.get(text)
        valid = text in self.configured_tokens or (stored is not None and stored.is_valid)
        return Reply(200, {"valid": valid})

    def was_registered(self, account: Account, with_session: bool) -> None:
        """The first of those that come this way is an administrator, whoever was made in
        other ways before."""
        if self.settings.grant_admin_to_first_user and self.is_bot_alone():
            self.promote(account.user_id)
        if with_session:
            self.tell(f'New user "{account.user_id}" registered on this server')

    def password_changed(self, account: Account) -> None:
        self.tell(f"User {account.user_id} changed their password.")

    def _wrong(self, kind: str, auth: dict[str, Any], whose: str) -> str | None:
        """A password of somebody else's is not only wrong."""
        if kind == PASSWORD:
            identifier = auth.get("identifier")
            user = identifier.get("user") if isinstance(identifier, dict) else auth.get("user")
            named = completed(user, self.server_name) if isinstance(user, str) else None
            if named is not None and named.localpart != whose[1:].partition(":")[0]:
                raise forbidden("User ID and access token mismatch.")
        return super()._wrong(kind, auth, whose)

    # Logging in

    def _whoami(self, request: Request) -> Reply:
        reply = super()._whoami(request)
        # A deactivated account has a session by an administrator's doing only.
        reply.body["is_guest"] = self.caller(request).account.deactivated
        return reply

    def _login(self, request: Request) -> Reply:
        body = read(sent := body_of(request), LOGIN)
        account = self.authenticated(body["type"], sent)
        shown = body["initial_device_display_name"]
        made = self.new_session(account, body["device_id"], shown, refresh=body["refresh_token"])
        told = {"user_id": account.user_id, "home_server": self.server_name}
        return Reply(200, told | made)

    def checked(self, user: str, password: str) -> Account:
        """A name as it is written goes before the same in small letters. Where somebody
        comes from is looked at first, and a lock last."""
        named = completed(user, self.server_name)
        if named is None:
            raise refused("M_INVALID_USERNAME", "Username is invalid")
        if named.server_name != self.server_name:
            raise self.table.login_foreign.refusal
        account = self.accounts.get(str(named))
        if account is not None and account.more.get("origin", "password") != "password":
            raise forbidden("Account does not permit password login.")
        if account is None:
            account = self.accounts.get(self.user_id(named.localpart.lower()))
        if account is None:
            raise self.table.login_absent.refusal
        if account.deactivated:
            raise self.table.login_deactivated.refusal
        if account.password is None or account.password != password:
            raise self.table.login_wrong.refusal
        if parsed_version(self.version) >= LOCKED_AT_LOGIN:
            self._refuse_shut(account)
        return account
