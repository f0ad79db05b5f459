# SPDX-License-Identifier: GPL-3.0-or-later
"""What every test of this folder holds a task to: check mode predicts and
changes nothing, the run does it, the second run has nothing to do."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.support.dendrite import ADMIN, Dendrite
from tests.support.module import Reply, run_module
from tests.support.synapse import Synapse

Server = Synapse | Dendrite

# In place of passwords in a diff.
OLD, NEW = "(the old one)", "(the new one)"

SERVICE = "registrar-service"
SERVICE_DISPLAYNAME = "Registrar service account"

# What replies and diffs say of an account.
FIELD_NAMES = (
    "admin",
    "deactivated",
    "erased",
    "user_type",
    "displayname",
    "avatar_url",
    "emails",
    "external_ids",
    "ratelimit",
    "locked",
    "suspended",
    "shadow_banned",
)

# All that a task about accounts may leave behind. A password is hashed with a
# new salt each time (synapse/handlers/auth.py, hash; bcrypt in Dendrite, too), and
# an address says when it was added, so that even setting the same one again shows.
# Of sessions and devices, the columns that tell when they were used are left out.
SYNAPSE_TRACES = (
    "SELECT * FROM users",
    "SELECT * FROM profiles",
    "SELECT * FROM user_threepids",
    "SELECT * FROM user_external_ids",
    "SELECT * FROM ratelimit_override",
    "SELECT * FROM erased_users",
    "SELECT user_id, device_id, puppets_user_id FROM access_tokens",
    "SELECT user_id, device_id, display_name FROM devices",
)
DENDRITE_TRACES = (
    "SELECT * FROM userapi_accounts",
    "SELECT * FROM userapi_profiles",
    "SELECT * FROM userapi_threepids",
    "SELECT localpart, server_name, device_id, access_token, display_name"
    " FROM userapi_devices",
)
TRACES = {"Synapse": SYNAPSE_TRACES, "Dendrite": DENDRITE_TRACES}


def by_service(server: Synapse, **options: Any) -> dict[str, Any]:
    """A task that has the shared secret, and takes a service account where that
    is not enough; it is told the server's name, which a listener for clients
    alone does not tell."""
    return {
        "url": server.url,
        "server_name": server.server_name,
        "registration_shared_secret": server.secret,
    } | options


def by_secret(server: Synapse, **options: Any) -> dict[str, Any]:
    """A task that has the shared secret and nothing else."""
    return by_service(server, service_account="") | options


def by_token(server: Synapse, **options: Any) -> dict[str, Any]:
    """A task of an administrator."""
    return {"url": server.url, "access_token": server.admin_token} | options


def by_login(
    server: Synapse, username: str, password: str, /, **options: Any
) -> dict[str, Any]:
    """A task that logs in as an administrator."""
    login = {"admin_username": username, "admin_password": password}
    return {"url": server.url} | login | options


def by_nothing(server: Synapse, **options: Any) -> dict[str, Any]:
    """A task without any credential but the passwords of its users."""
    return {"url": server.url} | options


def a_password() -> str:
    return "Pass word " + secrets.token_urlsafe(9)


def service_password(secret: str, localpart: str = SERVICE) -> str:
    """What the service account of that name has for a password."""
    mac = hmac.new(secret.encode(), b"registrar/v1\0" + localpart.encode(), hashlib.sha256)
    return base64.b64encode(mac.digest()).decode()


def make_service_account(
    server: Synapse, localpart: str = SERVICE, secret: str | None = None
) -> str:
    """Makes it as a run would that needs it; its localpart. Not a second time."""
    if server.user(localpart) is None:
        server.register(
            localpart,
            service_password(secret or server.secret, localpart),
            admin=True,
            displayname=SERVICE_DISPLAYNAME,
            user_type="support",
        )
    return localpart


def facts(server: Server, localpart: str) -> dict[str, Any]:
    """The account as the server's own admin API tells it, or, where there is none,
    its tables, in the words of a reply; {} if there is no such account."""
    if isinstance(server, Dendrite):
        return rows_of_account(server, localpart)
    user = server.user(localpart)
    if user is None:
        return {}
    kept = ("admin", "deactivated", "erased", "user_type", "displayname", "avatar_url")
    # Synapse 1.103 does not know `suspended`.
    flags = [flag for flag in ("locked", "suspended", "shadow_banned") if flag in user]
    return {key: user[key] for key in (*kept, *flags)} | {
        "emails": sorted(t["address"] for t in user["threepids"] if t["medium"] == "email"),
        "external_ids": in_order(
            {"provider": known["auth_provider"], "id": known["external_id"]}
            for known in user["external_ids"]
        ),
        "ratelimit": server.ratelimit(localpart),
    }


def rows_of_account(server: Dendrite, localpart: str) -> dict[str, Any]:
    account = server.account(localpart)
    if account is None:
        return {}
    rows = server.database.query(
        "SELECT display_name, avatar_url FROM userapi_profiles"
        " WHERE localpart = ? AND server_name = ?",
        (localpart, server.server_name),
    )
    displayname, avatar_url = rows[0] if rows else (None, None)
    return {
        "admin": account.account_type == ADMIN,
        "deactivated": account.deactivated,
        # There, an empty one is none.
        "displayname": displayname or None,
        "avatar_url": avatar_url or None,
    }


def in_order(items: Any) -> list[Any]:
    """Sets come in any order."""
    return sorted(items, key=str)


def localpart_of(reply: Reply) -> str:
    """Of the account that was dealt with, which the user id names exactly."""
    user = reply.json["user"]
    return user["user_id"][1:].partition(":")[0] if "user_id" in user else user["username"]


def told(account: dict[str, Any]) -> dict[str, Any]:
    """One side of a diff, with what is a set in an order that can be compared."""
    return {
        key: in_order(value) if isinstance(value, list) else value
        for key, value in account.items()
    }


def agrees(whole: dict[str, Any], part: dict[str, Any]) -> bool:
    """Asserts that the whole has all of the part, and says what differs."""
    so = {key: whole.get(key, "(not there)") for key in part}
    assert so == part
    return True


def state(server: Server) -> list[Counter[tuple[Any, ...]]]:
    """Everything of TRACES; equal before and after means that nothing changed."""
    server.admin_token  # noqa: B018  made now, not between two looks
    return [Counter(rows) for rows in server.database.queries(TRACES[server.NAME])]


def predicted(server: Server, arguments: dict[str, Any]) -> Reply:
    """The reply of a run in check mode, which changed nothing."""
    before = state(server)
    reply = run_module(arguments, check=True, diff=True)
    assert state(server) == before, f"check mode changed something: {reply.json}"
    return reply


def changes(
    server: Server,
    arguments: dict[str, Any],
    actions: list[str],
    before: dict[str, Any],
    after: dict[str, Any],
    again: bool = True,
) -> Reply:
    """Runs a single user's task four times: it would change what `actions` say,
    it does, and (unless again is False) from then on it is as it should be.

    `before` and `after` have all that differs in the diff, and may have more.
    What the diff says, the server's own admin API has to say, too."""
    prediction = predicted(server, arguments)
    localpart = localpart_of(prediction)
    unchanged, was = state(server), facts(server, localpart)
    done = run_module(arguments, diff=True)
    for reply in (prediction, done):
        assert not reply.failed, reply.json
        assert reply.changed and reply.json["user"]["changed"], reply.json
        assert reply.json["actions"] == reply.json["user"]["actions"] == actions
        assert len(reply.json["diff"]) == 1
    assert state(server) != unchanged
    user_id = done.json["user"]["user_id"]
    (diff,) = done.json["diff"]
    assert diff["before_header"] == diff["after_header"] == user_id
    holds(diff, before, after)
    now = facts(server, localpart)
    is_true(diff["before"], was)
    is_true(diff["after"], now)
    is_true(done.json["user"], now)
    # What a server will choose by itself is not foretold, the rest is.
    (foretold,) = prediction.json["diff"]
    assert told(foretold["before"]) == told(diff["before"])
    agrees(told(diff["after"]), told(foretold["after"]))
    if again:
        has_nothing_to_do(server, arguments)
    return done


def holds(diff: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> None:
    """The diff has this on its two sides, and differs in nothing else."""
    for side, expected in (("before", before), ("after", after)):
        agrees(told(diff[side]), told(expected))
    if not before:
        assert diff["before"] == {}, diff
        return
    differ = {key for key in diff["after"] if diff["after"][key] != diff["before"].get(key)}
    assert differ == {key for key in after if after[key] != before.get(key)}, diff


def is_true(side: dict[str, Any], is_so: dict[str, Any]) -> None:
    """The server agrees with what is said of the account's fields."""
    agrees(is_so, {key: value for key, value in told(side).items() if key in FIELD_NAMES})


def has_nothing_to_do(server: Server, arguments: dict[str, Any]) -> Reply:
    """The reply of a run that changed nothing, as check mode had said."""
    for reply in (predicted(server, arguments), ran_in_vain(server, arguments)):
        assert not reply.failed, reply.json
        assert not reply.changed, reply.json
        assert reply.json["actions"] == []
        assert reply.json["diff"] == []
    is_true(reply.json["user"], facts(server, localpart_of(reply)))
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


def ran_in_vain(server: Server, arguments: dict[str, Any]) -> Reply:
    before = state(server)
    reply = run_module(arguments, diff=True)
    assert state(server) == before, f"it changed something: {reply.json}"
    return reply


def logs_in(server: Server, localpart: str, password: str) -> bool:
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


def session_is_alive(server: Server, token: str) -> bool:
    return server.api("GET", "/_matrix/client/v3/account/whoami", token=token)[0] == 200


def sessions_of(server: Synapse, localpart: str) -> int:
    user_id = server.user_id(localpart)
    return sum(user_id in (t.user_id, t.puppets_user_id) for t in server.access_tokens())


def deactivate(server: Synapse, localpart: str, erase: bool = False) -> None:
    path = f"/_synapse/admin/v1/deactivate/{server.user_id(localpart)}"
    status, reply = server.api("POST", path, {"erase": erase}, server.admin_token)
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
