# SPDX-License-Identifier: GPL-3.0-or-later
"""proof.py for MAS: check mode predicts and changes nothing, the run does it, the second
run has nothing to do. What MAS and the homeserver behind it keep is read in their
tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.servers.proof import SYNAPSE_TRACES, agrees, holds, told
from tests.support.mas import Mas
from tests.support.module import Reply, run_module

# All that a task may leave behind. A password is hashed with a new salt each time.
ROWS = ("users", "user_passwords", "user_emails", "upstream_oauth_links")
FLAGS = ("shadow_banned", "suspended")
# What opens the admin API, and ends it.
OPENING = ["POST /oauth2/token", "GET /site-config", "GET /version"]
CLOSING = ["POST /oauth2/revoke"]
BY_NAME = "GET /users/by-username/{username}"


def task(mas: Mas, **options: Any) -> dict[str, Any]:
    """One of MAS's first client, which is told where the homeserver is, too."""
    return mas.task(url=mas.beside.server.url) | options


def state(mas: Mas) -> list[Any]:
    """All that MAS and the homeserver keep of accounts; equal: nothing changed."""
    mas.jobs.settle()
    ours = [str(mas.store.find(table)) for table in ROWS]
    theirs = mas.beside.server.database.queries(SYNAPSE_TRACES)
    return [*ours, mas.active_sessions(), *(Counter(rows) for rows in theirs)]


def facts(mas: Mas, name: str) -> dict[str, Any]:
    """The account in the words of a reply; {} if there is none. What is MAS's is from
    MAS, and the rest from the homeserver."""
    mas.jobs.settle()
    row = mas.store.user_named(name)
    if row is None:
        return {}
    return {
        "admin": row["can_request_admin"],
        "deactivated": row["deactivated_at"] is not None,
        "locked": row["locked_at"] is not None,
        "emails": mas.emails(name),
        "external_ids": sorted(
            ({"provider": provider, "id": subject} for provider, subject in mas.links(name)),
            key=str,
        ),
    } | beside(mas, name)


def beside(mas: Mas, name: str) -> dict[str, Any]:
    """What the homeserver has of it; {} if it has no such account."""
    server = mas.beside.server
    user_id = server.user_id(name)
    users = server.query(
        "SELECT user_type, shadow_banned, suspended FROM users WHERE name = ?", (user_id,)
    )
    if not users:
        return {}
    profile = server.query(
        "SELECT displayname, avatar_url FROM profiles WHERE full_user_id = ?", (user_id,)
    )
    limits = server.query(
        "SELECT messages_per_second, burst_count FROM ratelimit_override WHERE user_id = ?",
        (user_id,),
    )
    limit = dict(zip(("messages_per_second", "burst_count"), limits[0], strict=True)) if limits else {}
    displayname, avatar_url = profile[0] if profile else (None, None)
    flags = dict(zip(FLAGS, (bool(value) for value in users[0][1:]), strict=True))
    return {
        "user_type": users[0][0],
        "displayname": displayname or None,
        "avatar_url": avatar_url or None,
        "ratelimit": limit,
    } | flags


def at_homeserver(mas: Mas, name: str) -> dict[str, Any]:
    """The flags that MAS tells it."""
    mas.jobs.settle()
    server = mas.beside.server
    rows = server.query(
        "SELECT deactivated, locked, admin FROM users WHERE name = ?", (server.user_id(name),)
    )
    return dict(zip(("deactivated", "locked", "admin"), map(bool, rows[0]), strict=True)) if rows else {}


def predicted(mas: Mas, arguments: dict[str, Any]) -> Reply:
    before = state(mas)
    reply = run_module(arguments, check=True, diff=True)
    assert state(mas) == before, f"check mode changed something: {reply.json}"
    return reply


def ran_in_vain(mas: Mas, arguments: dict[str, Any]) -> Reply:
    before = state(mas)
    reply = run_module(arguments, diff=True)
    assert state(mas) == before, f"it changed something: {reply.json}"
    return reply


def is_true(mas: Mas, name: str, side: dict[str, Any]) -> None:
    """MAS and the homeserver agree with what is said of the account's fields."""
    is_so = facts(mas, name)
    agrees(is_so, {key: value for key, value in told(side).items() if key in is_so})


def changes(
    mas: Mas,
    arguments: dict[str, Any],
    actions: list[str],
    before: dict[str, Any],
    after: dict[str, Any],
    again: bool = True,
) -> Reply:
    """As proof.changes. The reply of the run that did it."""
    name = arguments["username"]
    prediction = predicted(mas, arguments)
    was = state(mas)
    then = facts(mas, name)
    done = run_module(arguments, diff=True)
    for reply in (prediction, done):
        assert not reply.failed, reply.json
        assert reply.changed and reply.json["user"]["changed"], reply.json
        assert reply.json["actions"] == reply.json["user"]["actions"] == actions
    assert state(mas) != was
    (diff,), (foretold,) = done.json["diff"], prediction.json["diff"]
    assert diff["before_header"] == diff["after_header"] == done.json["user"]["user_id"]
    holds(diff, before, after)
    agrees(then, {key: value for key, value in told(diff["before"]).items() if key in then})
    is_true(mas, name, diff["after"])
    is_true(mas, name, done.json["user"])
    assert told(foretold["before"]) == told(diff["before"])
    agrees(told(diff["after"]), told(foretold["after"]))
    if again:
        has_nothing_to_do(mas, arguments)
    return done


def has_nothing_to_do(mas: Mas, arguments: dict[str, Any]) -> Reply:
    for reply in (predicted(mas, arguments), ran_in_vain(mas, arguments)):
        assert not reply.failed, reply.json
        assert not reply.changed, reply.json
        assert reply.json["actions"] == [] and reply.json["diff"] == []
    if "username" in arguments:
        is_true(mas, arguments["username"], reply.json["user"])
    return reply


def is_refused(mas: Mas, arguments: dict[str, Any], kind: str, *words: str) -> Reply:
    """Neither a run nor check mode does it, nor changes anything; the words are in what
    both say of it."""
    reply = ran_in_vain(mas, arguments)
    for tried in (reply, predicted(mas, arguments)):
        fails(tried, kind, *words)
        assert not tried.changed, tried.json
    return reply


def fails(reply: Reply, kind: str, *words: str) -> Reply:
    assert reply.failed, reply.json
    assert reply.kind == kind, reply.json
    for word in words:
        assert word in reply.msg, reply.json
    return reply


def succeeds(reply: Reply, *actions: str) -> Reply:
    assert not reply.failed, reply.json
    assert reply.json["actions"] == list(actions), reply.json
    return reply


@contextmanager
def version(mas: Mas, number: str) -> Iterator[Mas]:
    """The stand-in is one of that release meanwhile."""
    now, described = mas.version, mas.description
    mas.version, mas.description = number, None
    try:
        yield mas
    finally:
        mas.version, mas.description = now, described


@contextmanager
def setting(mas: Any, **settings: Any) -> Iterator[None]:
    """Attributes are these meanwhile."""
    before = {name: getattr(mas, name) for name in settings}
    for name, value in settings.items():
        setattr(mas, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(mas, name, value)
