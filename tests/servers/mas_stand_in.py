# SPDX-License-Identifier: GPL-3.0-or-later
"""A MAS with an administrator whom both it and the homeserver know, for tests of what
a homeserver does that has handed its accounts to it."""

from __future__ import annotations

from typing import Any

from tests.support.mas import Mas


class MasStandIn(Mas):
    """Its user is not provisioned: a test registers it at the homeserver before that
    delegates."""

    username = "mas-admin"

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self.adopt(self.username)
        scope = "urn:synapse:admin:* urn:matrix:client:api:*"
        self.token = self.personal_token(self.username, scope)
