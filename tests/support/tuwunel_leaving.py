# SPDX-License-Identifier: GPL-3.0-or-later
"""Deactivating oneself at the stand-in for tuwunel (tuwunel 1.9.0:
src/api/client/account/deactivate.rs, src/service/deactivate/mod.rs): all that the admin
API's deactivation leaves goes with it, but for the last administrator's room."""

from __future__ import annotations

from .family_base import body_of, flag_in
from .family_register import PASSWORD, Register
from .family_table import Route
from .mas_wire import Reply, Request
from .tuwunel_home import Home


class Leaving(Home, Register):
    ROUTES = (Route("POST", "/_matrix/client/{v}/account/deactivate", "_leave"),)

    def _leave(self, request: Request) -> Reply:
        account = self.caller(request).account
        body = body_of(request)
        erase = flag_in(body, "erase", False)
        # Who has no password has no stage to pass.
        flows = [[PASSWORD]] if account.password is not None else []
        self.authorized(flows, account.user_id, body.get("auth"))
        self.deactivate(account)
        account.displayname = account.avatar_url = None
        account.erased = account.erased or erase
        self.leave_all_rooms(account.user_id)
        return Reply(200, {"id_server_unbind_result": "no-support"})
