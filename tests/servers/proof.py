# SPDX-License-Identifier: GPL-3.0-or-later
"""What every test of this folder holds a task to: check mode predicts and
changes nothing, the run does it, the second run has nothing to do."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.support.module import Reply, run_module
from tests.support.synapse import Synapse

# In place of passwords in a diff.
OLD, NEW = "(the old one)", "(the new one)"

# All that a task about accounts may leave behind, but for times. A password is
# hashed with a new salt each time (synapse/handlers/auth.py, hash), so that
# even setting the same one again shows.
TRACES = (
    "SELECT name, password_hash, admin, deactivated, is_guest, user_type, locked FROM users",
    "SELECT user_id, displayname, avatar_url FROM profiles",
    "SELECT user_id, device_id, puppets_user_id FROM access_tokens",
    "SELECT user_id, device_id, display_name FROM devices",
    "SELECT user_id, medium, address FROM user_threepids",
    "SELECT user_id FROM erased_users",
)


def by_secret(server: Synapse, **options: Any) -> dict[str, Any]:
    """A task that has the shared secret; it is told the server's name, which a
    listener for clients alone does not tell."""
    return {
        "url": server.url,
        "server_name": server.server_name,
        "registration_shared_secret": server.secret,
    } | options


def by_token(server: Synapse, **options: Any) -> dict[str, Any]:
    """A task of an administrator."""
    return {"url": server.url, "access_token": server.admin_token} | options


def by_nothing(server: Synapse, **options: Any) -> dict[str, Any]:
    """A task without any credential but the passwords of its users."""
    return {"url": server.url} | options


def a_password() -> str:
    return "Pass word " + secrets.token_urlsafe(9)


def state(server: Synapse) -> list[Counter[tuple[Any, ...]]]:
    """Everything of TRACES; equal before and after means that nothing changed."""
    server.admin_token  # noqa: B018  made now, not between two looks
    return [Counter(server.query(statement)) for statement in TRACES]


def predicted(server: Synapse, arguments: dict[str, Any]) -> Reply:
    """The reply of a run in check mode, which changed nothing."""
    before = state(server)
    reply = run_module(arguments, check=True, diff=True)
    assert state(server) == before, f"check mode changed something: {reply.json}"
    return reply


def changes(
    server: Synapse,
    arguments: dict[str, Any],
    actions: list[str],
    before: dict[str, Any],
    after: dict[str, Any],
    again: bool = True,
) -> Reply:
    """Runs a single user's task four times: it would change what `actions` say,
    it does, and (unless again is False) from then on it is as it should be."""
    prediction = predicted(server, arguments)
    unchanged = state(server)
    done = run_module(arguments, diff=True)
    for reply in (prediction, done):
        assert not reply.failed, reply.json
        assert reply.changed and reply.json["user"]["changed"], reply.json
        assert reply.json["actions"] == reply.json["user"]["actions"] == actions
        assert len(reply.json["diff"]) == 1
        assert reply.json["diff"][0]["before"] == before
    assert done.json["diff"][0]["after"] == after
    # What a server will choose by itself is not foretold, the rest is.
    assert prediction.json["diff"][0]["after"].items() <= after.items()
    user_id = done.json["user"]["user_id"]
    assert done.json["diff"][0]["before_header"] == user_id
    assert done.json["diff"][0]["after_header"] == user_id
    assert state(server) != unchanged
    if again:
        has_nothing_to_do(server, arguments)
    return done


def has_nothing_to_do(server: Synapse, arguments: dict[str, Any]) -> Reply:
    """The reply of a run that changed nothing, as check mode had said."""
    for reply in (predicted(server, arguments), ran_in_vain(server, arguments)):
        assert not reply.failed, reply.json
        assert not reply.changed, reply.json
        assert reply.json["actions"] == []
        assert reply.json["diff"] == []
    return reply


def is_refused(
    server: Synapse, arguments: dict[str, Any], kind: str, in_check_mode: bool = True
) -> Reply:
    """The reply of a run that failed and changed nothing, in check mode too."""
    reply = ran_in_vain(server, arguments)
    for tried in [reply] + ([predicted(server, arguments)] if in_check_mode else []):
        assert tried.failed, tried.json
        assert tried.kind == kind, tried.json
        assert not tried.changed
    return reply


def ran_in_vain(server: Synapse, arguments: dict[str, Any]) -> Reply:
    before = state(server)
    reply = run_module(arguments, diff=True)
    assert state(server) == before, f"it changed something: {reply.json}"
    return reply


def logs_in(server: Synapse, localpart: str, password: str) -> bool:
    """Whether that is the password; the session is ended at once."""
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": localpart},
        "password": password,
    }
    status, reply = server.api("POST", "/_matrix/client/v3/login", body)
    assert status in (200, 403), f"login of {localpart}: {status} {reply}"
    if status == 200:
        server.logout(reply["access_token"])
    return status == 200


def session_is_alive(server: Synapse, token: str) -> bool:
    return server.api("GET", "/_matrix/client/v3/account/whoami", token=token)[0] == 200


def sessions_of(server: Synapse, localpart: str) -> int:
    user_id = server.user_id(localpart)
    return sum(user_id in (t.user_id, t.puppets_user_id) for t in server.access_tokens())


def deactivate(server: Synapse, localpart: str) -> None:
    path = f"/_synapse/admin/v1/deactivate/{server.user_id(localpart)}"
    status, reply = server.api("POST", path, {"erase": False}, server.admin_token)
    assert status == 200, reply


def requests_during(server: Synapse, work: Callable[[], object]) -> list[str]:
    """The requests that the server logged while work() ran, "POST /path"."""
    mark = f"/mark-{secrets.token_hex(8)}"
    server.api("GET", mark + "-begin")
    work()
    server.api("GET", mark + "-end")
    # A request is logged after it was answered, in the order of the answers.
    end = time.monotonic() + 10
    while f"{mark}-end HTTP" not in (log := server.log()):
        assert time.monotonic() < end, "the server does not log requests"
        time.sleep(0.01)
    lines = log[log.index(f"{mark}-begin HTTP") : log.index(f"{mark}-end HTTP")].splitlines()
    return [
        line.split('"')[1].rsplit(" ", 1)[0].split("?")[0]
        # The first and the last are cut in two by the marks.
        for line in lines[1:-1]
        if "Processed request" in line
    ]
