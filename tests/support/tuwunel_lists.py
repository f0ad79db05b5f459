# SPDX-License-Identifier: GPL-3.0-or-later
"""All users by the admin API of the stand-in for tuwunel (section 1.2, lists)."""

from __future__ import annotations

from typing import Any

from .family_accounts import Account
from .family_table import Route
from .mas_wire import Reply, Request
from .tuwunel_fields import FLAG, NUMBER, OFF, ON, TEXT, ZERO
from .tuwunel_home import Home

QUERY = {
    "from": ZERO,
    "limit": NUMBER,
    "user_id": TEXT,
    "name": TEXT,
    # Taken, and no matter.
    "guests": ON,
    "order_by": TEXT,
    "approved": FLAG,
    "admins": FLAG,
    "locked": OFF,
    "dir": TEXT,
}
USUAL_LIMIT = 100


class Lists(Home):
    ROUTES = (
        Route("GET", "/_synapse/admin/v2/users", "_list_users_v2"),
        Route("GET", "/_synapse/admin/v3/users", "_list_users_v3"),
    )

    def _list_users_v2(self, request: Request) -> Reply:
        """The deactivated are left out, or come with the others."""
        caller, query = self.queried(request, QUERY | {"deactivated": OFF})
        return self._listed(caller, query, {True, False} if query["deactivated"] else {False})

    def _list_users_v3(self, request: Request) -> Reply:
        """The deactivated come with the others, come alone, or are left out."""
        caller, query = self.queried(request, QUERY | {"deactivated": FLAG})
        wanted = query["deactivated"]
        return self._listed(caller, query, {True, False} if wanted is None else {wanted})

    def _listed(self, caller: Account, query: dict[str, Any], deactivated: set[bool]) -> Reply:
        self.require_admin(caller)
        # By bytes: capitals come first.
        accounts = sorted(self.accounts, key=lambda one: one.user_id.encode())
        if query["dir"] == "b":
            accounts.reverse()
        found = [
            one
            for one in accounts
            if one.deactivated in deactivated and self._is_listed(one, query)
        ]
        limit = USUAL_LIMIT if query["limit"] is None else query["limit"]
        page = found[query["from"] :][:limit]
        end = query["from"] + len(page)
        told = {
            "users": [self.minor_details(one) for one in page],
            # Not absent on the last page, but null.
            "next_token": str(end) if end < len(found) else None,
            "total": len(found),
        }
        return Reply(200, told)

    def _is_listed(self, account: Account, query: dict[str, Any]) -> bool:
        name, part = query["name"], query["user_id"]
        if name is not None:
            if name not in account.localpart and name not in (account.displayname or ""):
                return False
        elif part is not None and part not in account.user_id:
            return False
        if account.locked and not query["locked"]:
            return False
        return query["admins"] in (None, self.is_admin(account.user_id))

    def minor_details(self, account: Account) -> dict[str, Any]:
        """`suspended` is not in it."""
        seen = {
            "name": account.user_id,
            "is_guest": False,
            "admin": self.is_admin(account.user_id),
            "deactivated": account.deactivated,
            "shadow_banned": False,
            "displayname": account.displayname,
            "creation_ts": 0,
            "erased": account.erased,
            "last_seen_ts": self.last_seen(account),
            "locked": account.locked,
        }
        if account.avatar_url is not None:
            seen["avatar_url"] = account.avatar_url
        return seen
