# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hostile server says while nothing makes it misbehave: the endpoints
of Synapse that the module uses, with state.

Statuses, errcodes, texts and the order of checks are those of Synapse 1.163.2,
whose files are named where they are followed. tests/hostile/test_stand_in.py
and test_stand_in_fields.py hold this against a running Synapse: it must not be
more forgiving.
"""

from __future__ import annotations

import time
from typing import Any

from .hostile_accounts import Answer, Refusal
from .hostile_admin_api import AdminApi
from .hostile_profiles import Profiles
from .hostile_registration import Registration
from .hostile_routes import NO_RESOURCE, NOT_UNDER_MAS, route_of
from .hostile_sessions import Sessions

VERSION = "1.163.2"


class StandIn(Registration, Sessions, AdminApi, Profiles):
    """One homeserver: each route of hostile_routes.py is a method with its name."""

    def answer(self, request: Any) -> Answer:
        """Does what the request asks and says what Synapse would say."""
        path = request.target.split("?")[0]
        route, segments = route_of(request.method, path)
        if route == "other" and not path.startswith(("/_matrix/", "/_synapse/")):
            return Answer(404, NO_RESOURCE)
        try:
            if self.mas and route in NOT_UNDER_MAS:
                raise Refusal(404, "M_UNRECOGNIZED", "Unrecognized request")
            if route == "wrong_method":
                raise Refusal(405, "M_UNRECOGNIZED", "Unrecognized request")
            handler = getattr(self, "_" + route, None)
            if handler is None:
                raise Refusal(404, "M_UNRECOGNIZED", "Unrecognized request")
            return handler(request, *segments)
        except Refusal as refusal:
            return refusal.answer

    def _version(self, _request: Any) -> Answer:
        return Answer(200, {"server": {"name": "Synapse", "version": VERSION}})

    def _server_version(self, _request: Any) -> Answer:
        return Answer(200, {"server_version": VERSION})

    def _key_server(self, _request: Any) -> Answer:
        signatures = {self.server_name: {"ed25519:a_test": "c2lnbmF0dXJl"}}
        return Answer(
            200,
            {
                "old_verify_keys": {},
                "server_name": self.server_name,
                "signatures": signatures,
                "valid_until_ts": int(time.time() * 1000) + 86_400_000,
                "verify_keys": {"ed25519:a_test": {"key": "a2V5"}},
            },
        )

    def _auth_metadata(self, _request: Any) -> Answer:
        if not self.mas:
            raise Refusal(404, "M_UNRECOGNIZED", "Unrecognized request")
        return Answer(200, {"issuer": "https://account.example.test/"})
