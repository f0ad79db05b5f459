# SPDX-License-Identifier: GPL-3.0-or-later
"""MAS's admin API by its endpoints: since which release each is there, which filters
a list takes, and the description of it all that the server gives to anybody.

Releases are those of MAS's tags: what an older server lacks is no page at all there
(HTML), or a method that it does not take on a path that it has (405).
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

BASE = "/api/admin/v1"
Version = tuple[int, int, int]
NEWEST = "1.22.0"

# What a server of each release can do besides having endpoints.
SINCE: dict[str, Version] = {
    "case_insensitive_names": (0, 15, 0),
    "deactivated_at": (0, 17, 0),
    "skip_erase": (0, 20, 0),
    "lock_and_deactivation_apart": (0, 20, 0),
    "user_locked_at_login": (0, 20, 0),
    "case_insensitive_emails": (0, 20, 0),
    "legacy_guest": (1, 3, 0),
    "count": (1, 4, 0),
    "cursors": (1, 4, 0),
    "lock_pushed": (1, 14, 0),
    "profile_at_create": (1, 18, 0),
    "password_registration_token_required": (1, 19, 0),
}


def parsed(version: str) -> Version:
    """Of "1.22.0"."""
    major, minor, patch = (int(part) for part in version.split("."))
    return major, minor, patch


class Endpoint(NamedTuple):
    method: str
    template: str
    # The handler's name, without its underscore.
    name: str
    since: Version = (0, 10, 0)


ENDPOINTS = [
    Endpoint("GET", "/site-config", "site_config", (1, 3, 0)),
    Endpoint("GET", "/version", "version", (1, 4, 0)),
    Endpoint("GET", "/users", "list_users"),
    Endpoint("POST", "/users", "add_user"),
    Endpoint("GET", "/users/{id}", "get_user"),
    Endpoint("POST", "/users/{id}/set-password", "set_password"),
    Endpoint("GET", "/users/by-username/{username}", "user_by_username"),
    Endpoint("POST", "/users/{id}/set-admin", "set_admin"),
    Endpoint("POST", "/users/{id}/deactivate", "deactivate"),
    Endpoint("POST", "/users/{id}/reactivate", "reactivate", (0, 20, 0)),
    Endpoint("POST", "/users/{id}/lock", "lock"),
    Endpoint("POST", "/users/{id}/unlock", "unlock"),
    Endpoint("GET", "/user-emails", "list_emails", (0, 14, 0)),
    Endpoint("POST", "/user-emails", "add_email", (0, 15, 0)),
    Endpoint("GET", "/user-emails/{id}", "get_email", (0, 14, 0)),
    Endpoint("DELETE", "/user-emails/{id}", "delete_email", (0, 15, 0)),
    Endpoint("GET", "/compat-sessions", "list_compat_sessions", (0, 14, 0)),
    Endpoint("GET", "/compat-sessions/{id}", "get_compat_session", (0, 14, 0)),
    Endpoint("POST", "/compat-sessions/{id}/finish", "finish_compat_session", (1, 4, 0)),
    Endpoint("GET", "/user-sessions", "list_user_sessions", (0, 14, 0)),
    Endpoint("GET", "/user-sessions/{id}", "get_user_session", (0, 14, 0)),
    Endpoint("POST", "/user-sessions/{id}/finish", "finish_user_session", (1, 4, 0)),
    Endpoint("GET", "/oauth2-sessions", "list_oauth2_sessions"),
    Endpoint("GET", "/oauth2-sessions/{id}", "get_oauth2_session"),
    Endpoint("POST", "/oauth2-sessions/{id}/finish", "finish_oauth2_session", (1, 4, 0)),
    Endpoint("GET", "/oauth2-clients", "list_clients", (1, 20, 0)),
    Endpoint("GET", "/oauth2-clients/{id}", "get_client", (1, 20, 0)),
    Endpoint("GET", "/personal-sessions", "list_personal_sessions", (1, 5, 0)),
    Endpoint("POST", "/personal-sessions", "add_personal_session", (1, 5, 0)),
    Endpoint("GET", "/personal-sessions/{id}", "get_personal_session", (1, 5, 0)),
    Endpoint("POST", "/personal-sessions/{id}/revoke", "revoke_personal_session", (1, 5, 0)),
    Endpoint("POST", "/personal-sessions/{id}/regenerate", "regenerate_personal_session", (1, 5, 0)),
    Endpoint("GET", "/upstream-oauth-providers", "list_providers", (1, 3, 0)),
    Endpoint("GET", "/upstream-oauth-providers/{id}", "get_provider", (1, 3, 0)),
    Endpoint("GET", "/upstream-oauth-links", "list_links", (0, 14, 0)),
    Endpoint("POST", "/upstream-oauth-links", "add_link", (0, 15, 0)),
    Endpoint("GET", "/upstream-oauth-links/{id}", "get_link", (0, 14, 0)),
    Endpoint("DELETE", "/upstream-oauth-links/{id}", "delete_link", (0, 15, 0)),
    Endpoint("GET", "/user-registration-tokens", "list_tokens", (0, 17, 0)),
    Endpoint("POST", "/user-registration-tokens", "add_token", (0, 17, 0)),
    Endpoint("GET", "/user-registration-tokens/{id}", "get_token", (0, 17, 0)),
    Endpoint("PUT", "/user-registration-tokens/{id}", "edit_token", (0, 17, 0)),
    Endpoint("POST", "/user-registration-tokens/{id}/revoke", "revoke_token", (0, 17, 0)),
    Endpoint("POST", "/user-registration-tokens/{id}/unrevoke", "unrevoke_token", (0, 17, 0)),
    Endpoint("POST", "/policy-data", "set_policy_data", (0, 15, 0)),
    Endpoint("GET", "/policy-data/latest", "latest_policy_data", (0, 15, 0)),
    Endpoint("GET", "/policy-data/{id}", "get_policy_data", (0, 15, 0)),
]


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(BASE + re.sub(r"\{\w+\}", "([^/]+)", template) + r"\Z")


# A template without variables comes before one that has them.
_PATTERNS = {
    template: _pattern(template)
    for template in sorted({one.template for one in ENDPOINTS}, key=lambda t: t.count("{"))
}


def found(path: str, version: Version) -> tuple[str, tuple[str, ...]] | None:
    """The template that a server of that release has for the path, and the path's
    variable segments, not decoded."""
    for template, pattern in _PATTERNS.items():
        match = pattern.match(path)
        if match and methods_of(template, version):
            return template, match.groups()
    return None


def methods_of(template: str, version: Version) -> dict[str, Endpoint]:
    return {
        one.method: one
        for one in ENDPOINTS
        if one.template == template and one.since <= version
    }


def allowed(methods: dict[str, Any]) -> str:
    """The header of a 405: who takes GET takes HEAD."""
    return ",".join(
        "GET,HEAD" if method == "GET" else method for method in sorted(methods)
    )


# As long as the real one is: whoever reads it has to have room for it.
DESCRIPTION_BYTES = 250_000


def description(version: Version, base: str) -> dict[str, Any]:
    """What GET /api/spec.json says; anybody may read it. The release is not in it."""
    paths: dict[str, Any] = {}
    for one in ENDPOINTS:
        if one.since <= version:
            operation = {"operationId": one.name, "responses": {}}
            paths.setdefault(BASE + one.template, {})[one.method.lower()] = operation
    add_user: dict[str, Any] = {
        "username": {"type": "string"},
        "skip_homeserver_check": {"type": "boolean", "default": False},
    }
    if version >= SINCE["profile_at_create"]:
        add_user |= {name: {"type": ["string", "null"]} for name in ("displayname", "avatar_url")}
    deactivate = {"skip_erase": {"type": "boolean", "default": False}}
    schemas = {
        "AddUserRequest": {"type": "object", "properties": add_user, "required": ["username"]},
        "Padding": {"description": "x" * DESCRIPTION_BYTES},
    }
    if version >= SINCE["skip_erase"]:
        schemas["DeactivateUserRequest"] = {"type": "object", "properties": deactivate}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Matrix Authentication Service admin API", "version": ""},
        "servers": [{"url": base}],
        "paths": paths,
        "components": {"schemas": schemas},
    }
