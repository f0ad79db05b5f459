# SPDX-License-Identifier: GPL-3.0-or-later
"""Suspending and locking by MSC4323 at the stand-in for tuwunel (section 1.4)."""

from __future__ import annotations

from .family_accounts import Account
from .family_table import Route
from .mas_wire import Reply, Request
from .tuwunel_fields import NEEDED_FLAG
from .tuwunel_home import Home, in_path
from .tuwunel_words import forbidden, not_found, wrong

SUSPEND = "/_matrix/client/v1/admin/suspend/{user_id}"
LOCK = "/_matrix/client/v1/admin/lock/{user_id}"

ACTS = {
    "suspended": ("unsuspended", "suspended"),
    "locked": ("unlocked", "locked"),
}


class Moderation(Home):
    ROUTES = (
        Route("GET", SUSPEND, "_get_suspended"),
        Route("PUT", SUSPEND, "_put_suspended"),
        Route("GET", LOCK, "_get_locked"),
        Route("PUT", LOCK, "_put_locked"),
    )

    def _get_suspended(self, request: Request, user: str) -> Reply:
        return self._get(request, user, "suspended")

    def _put_suspended(self, request: Request, user: str) -> Reply:
        return self._set(request, user, "suspended")

    def _get_locked(self, request: Request, user: str) -> Reply:
        return self._get(request, user, "locked")

    def _put_locked(self, request: Request, user: str) -> Reply:
        return self._set(request, user, "locked")

    def _get(self, request: Request, user: str, name: str) -> Reply:
        caller, _ = self.received(request, {})
        return Reply(200, {name: getattr(self._target(caller, in_path(user)), name)})

    def _set(self, request: Request, user: str, name: str) -> Reply:
        """The room hears of it where anything changes."""
        caller, body = self.received(request, {name: NEEDED_FLAG})
        user_id = in_path(user)
        account = self._target(caller, user_id)
        if getattr(account, name) != body[name]:
            setattr(account, name, body[name])
            done = ACTS[name][body[name]]
            self.tell(f"{user_id} has been {done} by {caller.user_id}.", loudly=True)
        return Reply(200, {name: body[name]})

    def _target(self, caller: Account, user_id: str) -> Account:
        """Who asks is looked at before who is meant, but for oneself."""
        if caller.user_id == user_id:
            raise forbidden("You cannot suspend or lock your own account")
        if not self.is_local(user_id):
            raise wrong("User is not local to this server")
        self.require_admin(caller)
        account = self.accounts.get(user_id)
        if account is None or account.deactivated:
            raise not_found("Unknown user")
        if self.is_admin(user_id):
            raise forbidden("You cannot suspend or lock another server administrator")
        return account
