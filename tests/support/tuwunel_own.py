# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account does to itself at the stand-in for tuwunel, after it has shown its
password: going, and its devices; and its addresses, which nobody can add without mail."""

from __future__ import annotations

from typing import Any

from .family_accounts import Account
from .family_register import PASSWORD, Register, Stages
from .family_table import Refusal, Route
from .mas_wire import Reply, Request
from .tuwunel_commands import Commands
from .tuwunel_fields import OBJECT, OFF
from .tuwunel_words import refused

ACCOUNT = "/_matrix/client/{v}/account"


class Own(Commands, Register):
    ROUTES = (
        Route("POST", f"{ACCOUNT}/deactivate", "_deactivate_myself"),
        Route("GET", f"{ACCOUNT}/3pid", "_own_3pids", ("v3",)),
        Route("POST", f"{ACCOUNT}/3pid/add", "_add_3pid"),
        Route("DELETE", "/_matrix/client/{v}/devices/{device_id}", "_delete_own_device"),
    )

    def shown(self, request: Request, fields: dict[str, Any]) -> tuple[Account, dict[str, Any]]:
        """The caller, who has given the password of the account, and the body."""
        account, body = self.received(request, fields | {"auth": OBJECT})
        # Of an account without a password there is no stage that would do.
        flows = [] if account.password is None else [[PASSWORD]]
        self.authorized(flows, account.user_id, body["auth"])
        return account, body

    def _left(self, stages: Stages, session: str, wrong: str | None = None) -> Refusal:
        left = super()._left(stages, session, wrong)
        # Not in those of a registration.
        if stages.whose:
            left.more["params"] = {}
        return left

    def _deactivate_myself(self, request: Request) -> Reply:
        """All rooms are left, unless it is the last administrator."""
        account, body = self.shown(request, {"erase": OFF})
        self.shut(account.user_id, False)
        account.erased = account.erased or body["erase"]
        self.tell(f"User {account.user_id} deactivated their account.")
        return Reply(200, {"id_server_unbind_result": "no-support"})

    def _own_3pids(self, request: Request) -> Reply:
        account, _ = self.received(request, {})
        return Reply(200, {"threepids": account.threepids})

    def _add_3pid(self, request: Request) -> Reply:
        self.received(request, {})
        raise refused("M_THREEPID_DENIED", "Email verification is not configured", 403)

    def _delete_own_device(self, request: Request, device_id: str) -> Reply:
        """One that is not there is no error."""
        account, _ = self.shown(request, {})
        account.devices.pop(device_id, None)
        return Reply(200, {})
