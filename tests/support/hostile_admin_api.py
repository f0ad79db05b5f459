# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in's admin API: rest/admin/users.py and username_available.py of
Synapse, and what handlers/deactivate_account.py does."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from .hostile_accounts import (
    Account,
    Answer,
    Refusal,
    Token,
    broken,
    canonical_threepid,
    check_user_body,
    external_ids_of,
    json_object,
    threepids_of,
)
from .hostile_state import State

ONLY_RATELIMITED = "Only local users can be ratelimited"
ONLY_SHADOW_BANNED = "Only local users can be shadow-banned"
# The database's largest integer.
LARGEST = (1 << 63) - 1


class AdminApi(State):
    # All users

    def _list_users(self, request: Any) -> Answer:
        """UsersRestServletV2; of its filters, those that the module uses."""
        self._administrator(request)
        query = parse_qs(urlsplit(request.target).query, keep_blank_values=True)
        start, limit = whole(query, "from", 0), whole(query, "limit", 100)
        if self.mas and truth(query, "guests", True):
            text = "The guests parameter is not supported when delegating to MAS."
            raise Refusal(400, "M_INVALID_PARAM", text)
        admins, deactivated = truth(query, "admins"), truth(query, "deactivated")
        found = [
            account
            for _, account in sorted(self.accounts.items())
            if (admins is None or account.admin == admins)
            and (deactivated or not account.deactivated)
            and (truth(query, "locked") or not account.locked)
        ]
        users = [account.listed() for account in found[start : start + limit]]
        body = {"users": users, "total": len(found)}
        if start + limit < len(found):
            body["next_token"] = str(start + len(users))
        return Answer(200, body)

    # One user

    def _get_user(self, request: Any, user_id: str) -> Answer:
        self._administrator(request)
        account = self._known(self._local(user_id, "Can only look up local users"))
        return Answer(200, account.seen_by_admin())

    def _put_user(self, request: Any, user_id: str) -> Answer:
        requester = self._administrator(request)
        self._parsed(user_id)
        body = json_object(request)
        self._local(user_id, "This endpoint can only be used with local users")
        check_user_body(body, self.user_types)
        external_ids = external_ids_of(body)
        threepids = threepids_of(body)
        account = self.accounts.get(user_id)
        if account is not None:
            self.modify(account, body, requester)
            return Answer(200, account.seen_by_admin())
        account = self._create(user_id[1:].partition(":")[0], body.get("password"), body)
        # The account is there, whatever is refused from here on.
        for medium, address in threepids or ():
            self._give(account, medium, address)
        for pair in external_ids or ():
            self._map(account, pair)
        if isinstance(body.get("avatar_url"), str):
            account.set_profile("avatar_url", body["avatar_url"])
        return Answer(201, account.seen_by_admin())

    def modify(self, account: Account, body: dict[str, Any], requester: Token) -> None:
        """In Synapse's order; what went before a refusal stays done."""
        if "displayname" in body:
            account.set_profile("displayname", body["displayname"])
        self._replace_threepids(account, threepids_of(body))
        self._replace_external_ids(account, external_ids_of(body))
        if "avatar_url" in body:
            account.set_profile("avatar_url", body["avatar_url"])
        if "admin" in body and body["admin"] != account.admin:
            if account.user_id == requester.user_id and not body["admin"]:
                raise Refusal(400, "M_UNKNOWN", "You may not demote yourself.")
            account.admin = body["admin"]
        if body.get("password") is not None:
            self._set_password(account, body, requester)
        if "deactivated" in body:
            if body["deactivated"] and not account.deactivated:
                self._deactivate(account)
            elif account.deactivated and not body["deactivated"]:
                account.erased = account.deactivated = False
                account.has_profile = True
        if "locked" in body:
            account.locked = body["locked"]
        if "user_type" in body:
            account.user_type = body["user_type"]

    def _replace_threepids(
        self, account: Account, wanted: set[tuple[Any, Any]] | None
    ) -> None:
        """What is sent is compared as it was sent with what is stored in
        canonical form: what only looks otherwise is taken away and added."""
        if wanted is None:
            return
        for medium, address in set(account.threepids) - wanted:
            del account.threepids[canonical_threepid(medium, address)]
        for medium, address in wanted - set(account.threepids):
            self._give(account, medium, address)

    def _give(self, account: Account, medium: Any, address: Any) -> None:
        """storage/databases/main/registration.py, user_add_threepid: an address
        of somebody else's changes hands without a word."""
        pair = canonical_threepid(medium, address)
        for other in self.accounts.values():
            other.threepids.pop(pair, None)
        account.add_threepid(*pair)

    def _replace_external_ids(
        self, account: Account, wanted: list[tuple[Any, Any]] | None
    ) -> None:
        """replace_user_external_id: all in one transaction."""
        if wanted is None:
            return
        before, account.external_ids = account.external_ids, []
        try:
            for pair in wanted:
                self._map(account, pair)
        except Refusal:
            account.external_ids = before
            raise

    def _map(self, account: Account, pair: tuple[Any, Any]) -> None:
        if pair in account.external_ids:
            return
        if any(pair in other.external_ids for other in self.accounts.values()):
            raise Refusal(409, "M_UNKNOWN", "External id is already in use.")
        account.external_ids.append(pair)

    def _set_password(self, account: Account, body: dict[str, Any], requester: Token) -> None:
        if not self.password_login:
            raise Refusal(403, "M_FORBIDDEN", "Password change disabled")
        account.password = body["password"]
        if body.get("logout_devices", True):
            self._end_sessions(account.user_id, requester.device_id)

    def _deactivate(self, account: Account, erase: bool = False) -> None:
        account.threepids.clear()
        account.password = None
        self._end_sessions(account.user_id)
        if erase:
            account.displayname = account.avatar_url = None
            account.has_profile = False
            account.erased = True
        account.deactivated = True
        for members in self.rooms.values():
            if members.get(account.user_id) == "join":
                members[account.user_id] = "leave"

    def _deactivate_user(self, request: Any, user_id: str) -> Answer:
        self._administrator(request)
        account = self._known(self._local(user_id, "Can only deactivate local users"))
        erase = json_object(request, allow_empty=True).get("erase", False)
        if not isinstance(erase, bool):
            raise Refusal(400, "M_BAD_JSON", "Param 'erase' must be a boolean, if given")
        self._deactivate(account, erase)
        return Answer(200, {"id_server_unbind_result": "success"})

    def _suspend_user(self, request: Any, user_id: str) -> Answer:
        self._administrator(request)
        account = self._known(self._local(user_id, "Can only suspend local users"))
        body = json_object(request)
        if not isinstance(body.get("suspend"), bool):
            errcode = "M_BAD_JSON" if "suspend" in body else "M_MISSING_PARAM"
            raise Refusal(400, errcode, "1 validation error for PutBody\nsuspend")
        account.suspended = body["suspend"]
        return Answer(200, {f"user_{user_id}_suspended": account.suspended})

    def _shadow_ban(self, request: Any, user_id: str) -> Answer:
        return self._set_shadow_banned(request, user_id, True)

    def _lift_shadow_ban(self, request: Any, user_id: str) -> Answer:
        return self._set_shadow_banned(request, user_id, False)

    def _set_shadow_banned(self, request: Any, user_id: str, value: bool) -> Answer:
        self._administrator(request)
        account = self.accounts.get(self._parsed(self._local_id(user_id, ONLY_SHADOW_BANNED)))
        if account is None:
            raise Refusal(404, "M_UNKNOWN", "No row found (users)")
        account.shadow_banned = value
        return Answer(200, {})

    def _get_ratelimit(self, request: Any, user_id: str) -> Answer:
        self._administrator(request)
        account = self._known(self._local_id(user_id, "Can only look up local users"))
        return Answer(200, ratelimit(account))

    def _set_ratelimit(self, request: Any, user_id: str) -> Answer:
        self._administrator(request)
        account = self._known(self._local_id(user_id, ONLY_RATELIMITED))
        body = json_object(request, allow_empty=True)
        values = [body.get(name, 0) for name in ("messages_per_second", "burst_count")]
        for value in values:
            if type(value) is not int or value < 0:
                quoted = f"{value!r} parameter must be a positive int"
                raise Refusal(400, "M_INVALID_PARAM", quoted)
        if max(values) > LARGEST:
            raise broken()
        account.ratelimit = (values[0], values[1])
        return Answer(200, ratelimit(account))

    def _clear_ratelimit(self, request: Any, user_id: str) -> Answer:
        self._administrator(request)
        self._known(self._local_id(user_id, ONLY_RATELIMITED)).ratelimit = None
        return Answer(200, {})

    def _login_as(self, request: Any, user_id: str) -> Answer:
        requester = self._administrator(request)
        self._known(self._parsed(self._local_id(user_id, "Only local users can be logged in as")))
        valid_until_ms = json_object(request, allow_empty=True).get("valid_until_ms")
        if type(valid_until_ms) not in (int, type(None)):
            raise Refusal(400, "M_UNKNOWN", "'valid_until_ms' parameter must be an int")
        if requester.user_id == user_id:
            raise Refusal(400, "M_UNKNOWN", "Cannot use admin API to login as self")
        token = Token(user_id, requester.user_id, None, valid_until_ms)
        return Answer(200, {"access_token": self._issue(token)})

    # Who has that

    def _username_available(self, request: Any) -> Answer:
        """rest/admin/username_available.py"""
        self._administrator(request)
        names = parse_qs(urlsplit(request.target).query).get("username")
        if not names:
            raise Refusal(400, "M_MISSING_PARAM", "Missing string query parameter 'username'")
        self._check_username(names[0])
        return Answer(200, {"available": True})

    def _user_by_threepid(self, request: Any, medium: str, address: str) -> Answer:
        """As it is stored: nothing is made canonical here."""
        self._administrator(request)
        for account in self.accounts.values():
            if (medium, address) in account.threepids:
                return Answer(200, {"user_id": account.user_id})
        raise Refusal(404, "M_NOT_FOUND", "User not found")

    def _user_by_external_id(self, request: Any, provider: str, external_id: str) -> Answer:
        self._administrator(request)
        for account in self.accounts.values():
            if (provider, external_id) in account.external_ids:
                return Answer(200, {"user_id": account.user_id})
        raise Refusal(404, "M_NOT_FOUND", "User not found")


def ratelimit(account: Account) -> dict[str, int]:
    if account.ratelimit is None:
        return {}
    return dict(zip(("messages_per_second", "burst_count"), account.ratelimit, strict=True))


# http/servlet.py


def whole(query: dict[str, list[str]], name: str, default: int) -> int:
    try:
        value = int(query.get(name, [str(default)])[0])
    except ValueError:
        text = f"Query parameter {name} must be an integer"
        raise Refusal(400, "M_INVALID_PARAM", text) from None
    if value < 0:
        text = f"Query parameter {name} must be a positive integer."
        raise Refusal(400, "M_INVALID_PARAM", text)
    return value


def truth(query: dict[str, list[str]], name: str, default: bool | None = None) -> bool | None:
    if name not in query:
        return default
    if query[name][0] not in ("true", "false"):
        text = f"Boolean query parameter '{name}' must be one of ['true', 'false']"
        raise Refusal(400, "M_INVALID_PARAM", text)
    return query[name][0] == "true"
