# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints of Synapse that the stand-in knows, by the names that tests
and misbehaviours use for them."""

from __future__ import annotations

import re
from urllib.parse import unquote

ADMIN = "/_synapse/admin"
CLIENT = "/_matrix/client/v3"
SEGMENT = "([^/]*)"
# Name, method, path.
ROUTES = [
    ("version", "GET", "/_matrix/federation/v1/version"),
    ("key_server", "GET", "/_matrix/key/v2/server"),
    ("nonce", "GET", f"{ADMIN}/v1/register"),
    ("register", "POST", f"{ADMIN}/v1/register"),
    ("list_users", "GET", f"{ADMIN}/v2/users"),
    ("get_user", "GET", f"{ADMIN}/v2/users/{SEGMENT}"),
    ("put_user", "PUT", f"{ADMIN}/v2/users/{SEGMENT}"),
    ("deactivate_user", "POST", f"{ADMIN}/v1/deactivate/{SEGMENT}"),
    ("suspend_user", "PUT", f"{ADMIN}/v1/suspend/{SEGMENT}"),
    ("shadow_ban", "POST", f"{ADMIN}/v1/users/{SEGMENT}/shadow_ban"),
    ("lift_shadow_ban", "DELETE", f"{ADMIN}/v1/users/{SEGMENT}/shadow_ban"),
    ("get_ratelimit", "GET", f"{ADMIN}/v1/users/{SEGMENT}/override_ratelimit"),
    ("set_ratelimit", "POST", f"{ADMIN}/v1/users/{SEGMENT}/override_ratelimit"),
    ("clear_ratelimit", "DELETE", f"{ADMIN}/v1/users/{SEGMENT}/override_ratelimit"),
    ("login_as", "POST", f"{ADMIN}/v1/users/{SEGMENT}/login"),
    ("user_by_threepid", "GET", f"{ADMIN}/v1/threepid/{SEGMENT}/users/{SEGMENT}"),
    ("user_by_external_id", "GET", f"{ADMIN}/v1/auth_providers/{SEGMENT}/users/{SEGMENT}"),
    ("username_available", "GET", f"{ADMIN}/v1/username_available"),
    ("server_version", "GET", f"{ADMIN}/v1/server_version"),
    ("login_flows", "GET", f"{CLIENT}/login"),
    ("login", "POST", f"{CLIENT}/login"),
    ("logout", "POST", f"{CLIENT}/logout"),
    ("whoami", "GET", f"{CLIENT}/account/whoami"),
    ("own_3pids", "GET", f"{CLIENT}/account/3pid"),
    ("add_3pid", "POST", f"{CLIENT}/account/3pid/add"),
    ("delete_device", "DELETE", f"{CLIENT}/devices/{SEGMENT}"),
    ("get_profile", "GET", f"{CLIENT}/profile/{SEGMENT}"),
    ("get_profile_field", "GET", f"{CLIENT}/profile/{SEGMENT}/{SEGMENT}"),
    ("put_profile_field", "PUT", f"{CLIENT}/profile/{SEGMENT}/{SEGMENT}"),
    ("joined_rooms", "GET", f"{CLIENT}/joined_rooms"),
    ("leave_room", "POST", f"{CLIENT}/rooms/{SEGMENT}/leave"),
    ("auth_metadata", "GET", "/_matrix/client/v1/auth_metadata"),
]
PATTERNS = [(name, method, re.compile(path + r"\Z")) for name, method, path in ROUTES]
# Gone from a homeserver whose accounts are MAS's: synapse/rest/__init__.py and
# rest/admin/__init__.py leave them out.
NOT_UNDER_MAS = {"nonce", "register", "login_as", "login_flows", "login", "logout", "add_3pid"}

NO_RESOURCE = b"""
<html>
  <head><title>404 - No Such Resource</title></head>
  <body>
    <h1>No Such Resource</h1>
    <p>Sorry. No luck finding that resource.</p>
  </body>
</html>
"""


def route_of(method: str, path: str) -> tuple[str, tuple[str, ...]]:
    """The route's name and the path's variable segments, decoded."""
    known = False
    for name, route_method, pattern in PATTERNS:
        match = pattern.match(path)
        if match is None:
            continue
        known = True
        if route_method == method:
            return name, tuple(unquote(segment) for segment in match.groups())
    return ("wrong_method" if known else "other"), ()
