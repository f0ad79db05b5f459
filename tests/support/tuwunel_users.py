# SPDX-License-Identifier: GPL-3.0-or-later
"""One user by the admin API of the stand-in for tuwunel (section 1.2): what an
administrator sees, sets and takes away, with all its traps."""

from __future__ import annotations

from typing import Any

from .family_accounts import Account
from .family_table import Route
from .mas_wire import Reply, Request
from .tuwunel_fields import (
    FLAG,
    LIST,
    NEEDED_FLAG,
    NEEDED_TEXT,
    NUMBER,
    OFF,
    ON,
    TEXT,
    completed,
    read,
)
from .tuwunel_home import NO_PASSWORD, Home, in_path, now_ms
from .tuwunel_words import not_found, refused, wrong

ADMIN = "/_synapse/admin"
PUT_USER = {
    "password": TEXT,
    "logout_devices": ON,
    "displayname": TEXT,
    "threepids": LIST,
    "external_ids": LIST,
    "avatar_url": TEXT,
    "admin": FLAG,
    "deactivated": FLAG,
    "locked": FLAG,
    # Read, and forgotten.
    "user_type": TEXT,
    "approved": FLAG,
}
THREEPID = {"address": NEEDED_TEXT, "medium": NEEDED_TEXT}
EXTERNAL_ID = {"auth_provider": NEEDED_TEXT, "external_id": NEEDED_TEXT}
RESET_PASSWORD = {"new_password": NEEDED_TEXT, "logout_devices": ON}
DEACTIVATE = {"erase": OFF}
SUSPEND = {"suspend": NEEDED_FLAG}
LOGIN_AS = {"valid_until_ms": NUMBER}
AVAILABLE = {"username": NEEDED_TEXT}

LONGEST_EMAIL = 500


class Users(Home):
    ROUTES = (
        Route("GET", f"{ADMIN}/v2/users/{{user_id}}", "_get_user"),
        Route("PUT", f"{ADMIN}/v2/users/{{user_id}}", "_put_user"),
        Route("POST", f"{ADMIN}/v1/reset_password/{{user_id}}", "_reset_password"),
        Route("POST", f"{ADMIN}/v1/deactivate/{{user_id}}", "_deactivate_user"),
        Route("GET", f"{ADMIN}/v1/users/{{user_id}}/admin", "_get_admin"),
        Route("PUT", f"{ADMIN}/v1/suspend/{{user_id}}", "_suspend_user"),
        Route("POST", f"{ADMIN}/v1/users/{{user_id}}/login", "_login_as"),
        Route("GET", f"{ADMIN}/v1/username_available", "_username_available"),
        Route("GET", f"{ADMIN}/v1/threepid/{{medium}}/users/{{address}}", "_user_by_threepid"),
    )

    # Who was given an address last, which only the lookup asks for.
    bound_emails: dict[str, str]

    def details(self, account: Account) -> dict[str, Any]:
        """Exactly these; avatar_url and threepids only where there are any. What the
        server does not store is false, null or 0."""
        seen = {
            "name": account.user_id,
            "is_guest": False,
            "admin": self.is_admin(account.user_id),
            "deactivated": account.deactivated,
            "locked": account.locked,
            "shadow_banned": False,
            "suspended": account.suspended,
            "erased": account.erased,
            "consent_ts": None,
            "creation_ts": 0,
            "last_seen_ts": self.last_seen(account),
            "displayname": account.displayname,
        }
        if account.avatar_url is not None:
            seen["avatar_url"] = account.avatar_url
        if account.threepids:
            seen["threepids"] = sorted(account.threepids, key=lambda one: one["address"])
        return seen

    def _get_user(self, request: Request, user: str) -> Reply:
        caller, _ = self.received(request, {})
        user_id = in_path(user)
        self.require_admin(caller)
        self.require_local(user_id, "Can only look up local users")
        return Reply(200, self.details(self.known(user_id)))

    # Made or changed: the same, and always 200

    def _put_user(self, request: Request, user: str) -> Reply:
        caller, body = self.received(request, PUT_USER)
        user_id = in_path(user)
        for name, fields in (("threepids", THREEPID), ("external_ids", EXTERNAL_ID)):
            body[name] = body[name] and [read(one, fields) for one in body[name]]
        self.require_admin(caller)
        self.require_local(user_id, "Can only create or modify local users")
        if body["deactivated"] and body["locked"]:
            raise wrong("An account cannot be deactivated and locked")
        if body["admin"] is False and caller.user_id == user_id:
            raise wrong("You may not demote yourself.")
        account = self._with_password(user_id, body)
        # Not one transaction: what went before a refusal stays done.
        for name in ("displayname", "avatar_url"):
            if body[name] is not None:
                self.set_profile(account, name, body[name] or None)
        if body["admin"] is True:
            self.promote(user_id)
        elif body["admin"] is False:
            self.revoke(user_id)
        self._set_deactivated(account, body)
        if body["locked"] is not None:
            account.locked = body["locked"]
        if body["threepids"] is not None:
            self._replace_emails(account, body["threepids"])
        return Reply(200, self.details(account))

    def _with_password(self, user_id: str, body: dict[str, Any]) -> Account:
        """Any name will do for a new account, which is deactivated without a password."""
        account = self.accounts.get(user_id)
        if account is None:
            return self.new_account(user_id, body["password"])
        if body["password"] is not None:
            self.set_password(account, body["password"])
            if body["logout_devices"]:
                self.accounts.log_out(account)
        return account

    def _set_deactivated(self, account: Account, body: dict[str, Any]) -> None:
        if body["deactivated"]:
            self.deactivate(account)
        elif body["deactivated"] is False and account.deactivated and body["password"] is None:
            self.set_password(account, NO_PASSWORD)

    def _replace_emails(self, account: Account, threepids: list[dict[str, Any]]) -> None:
        """Other media are dropped without a word."""
        wanted = {canonical(one["address"]) for one in threepids if one["medium"] == "email"}
        before = {one["address"] for one in account.threepids}
        for email in before - wanted:
            if self.bound_emails.get(email) == account.user_id:
                del self.bound_emails[email]
        kept = [one for one in account.threepids if one["address"] in wanted]
        at = now_ms()
        for email in wanted - before:
            # Whoever had it keeps it, too.
            self.bound_emails[email] = account.user_id
            new = {"address": email, "medium": "email", "validated_at": at, "added_at": at}
            kept.append(new)
        account.threepids = kept

    # One thing each

    def _reset_password(self, request: Request, user: str) -> Reply:
        caller, body = self.received(request, RESET_PASSWORD)
        user_id = in_path(user)
        self.require_admin(caller)
        account = self.known(user_id)
        self.set_password(account, body["new_password"])
        if body["logout_devices"]:
            self.accounts.log_out(account)
        return Reply(200, {})

    def _deactivate_user(self, request: Request, user: str) -> Reply:
        """It leaves no room, not even the administrators'."""
        caller, body = self.received(request, DEACTIVATE)
        user_id = in_path(user)
        self.require_admin(caller)
        self.require_local(user_id, "Can only deactivate local users")
        account = self.known(user_id)
        self.deactivate(account)
        account.erased = account.erased or body["erase"]
        return Reply(200, {"id_server_unbind_result": "success"})

    def _get_admin(self, request: Request, user: str) -> Reply:
        """Whether there is such an account at all is not asked."""
        caller, _ = self.received(request, {})
        user_id = in_path(user)
        self.require_admin(caller)
        self.require_local(user_id, "Can only look up local users")
        return Reply(200, {"admin": self.is_admin(user_id)})

    def _suspend_user(self, request: Request, user: str) -> Reply:
        """Also administrators, and oneself."""
        caller, body = self.received(request, SUSPEND)
        user_id = in_path(user)
        self.require_admin(caller)
        self.require_local(user_id, "Can only suspend local users")
        self.known(user_id).suspended = body["suspend"]
        return Reply(200, {f"user_{user_id}_suspended": body["suspend"]})

    def _login_as(self, request: Request, user: str) -> Reply:
        """Whatever state the account is in."""
        caller, body = self.received(request, LOGIN_AS)
        user_id = in_path(user)
        self.require_admin(caller)
        self.require_local(user_id, "Only local users can be logged in as")
        if caller.user_id == user_id:
            raise wrong("Cannot use admin API to login as self")
        until = body["valid_until_ms"]
        seconds = None if until is None else max(0, until - now_ms()) / 1000
        made = self.new_session(self.known(user_id), None, "Admin login", seconds=seconds)
        return Reply(200, {"access_token": made["access_token"]})

    # Who has that

    def _username_available(self, request: Request) -> Reply:
        """Never false; nothing is folded."""
        caller, query = self.queried(request, AVAILABLE)
        name = query["username"]
        self.require_admin(caller)
        if self.is_forbidden(name):
            raise refused("M_INVALID_USERNAME", "Username is forbidden")
        user_id = completed(name, self.server_name)
        if user_id is None:
            raise refused("M_INVALID_USERNAME", "Username is not a valid localpart")
        if not user_id.is_strict:
            raise refused("M_INVALID_USERNAME", "Username contains disallowed characters")
        if str(user_id) in self.accounts:
            raise refused("M_USER_IN_USE", "Username is not available")
        if self.is_reserved(user_id.localpart):
            raise refused("M_EXCLUSIVE", "Username is reserved by an appservice")
        return Reply(200, {"available": True})

    def _user_by_threepid(self, request: Request, medium: str, address: str) -> Reply:
        caller, _ = self.received(request, {})
        self.require_admin(caller)
        user_id = self.bound_emails.get(folded(address)) if medium.lower() == "email" else None
        if user_id is None:
            raise not_found()
        return Reply(200, {"user_id": user_id})


def canonical(address: str) -> str:
    if len(address.encode()) > LONGEST_EMAIL:
        raise wrong("Email address is too long")
    local, at, domain = address.rpartition("@")
    if not at:
        raise wrong("Email address must contain a domain")
    if not local or not domain:
        raise wrong("Email address is malformed")
    return folded(address)


def folded(address: str) -> str:
    return address.lower().replace("ß", "ss")
