# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests on the three stand-ins of the Conduit family hold a task to: check mode
foretells and leaves no trace, the run does it, the second run has nothing to do."""

from __future__ import annotations

import json
from typing import Any

from tests.support.conduit import Conduit
from tests.support.continuwuity import Continuwuity
from tests.support.module import Reply, run_module
from tests.support.tuwunel import Tuwunel

Server = Conduit | Continuwuity | Tuwunel
KINDS: dict[str, type[Server]] = {
    "tuwunel": Tuwunel,
    "continuwuity": Continuwuity,
    "conduit": Conduit,
}
LOGIN = "POST /_matrix/client/v3/login"
REGISTER = "POST /_matrix/client/v3/register"
EMERGENCY = "emergency-pw-of-a-test"
TOKEN = "a-registration-token"


def trace(server: Server) -> dict[str, Any]:
    """All that a run could leave behind: accounts, their passwords and devices, and every
    event of the admin room."""
    with server.changed:
        accounts = {
            one.user_id: (one.state(), one.password, one.erased, one.threepids)
            for one in server.accounts
        }
        events = [(event.event_id, json.dumps(event.content)) for event in server.events()]
        return {"accounts": json.loads(json.dumps(accounts)), "events": events}


def by_token(server: Server, **options: Any) -> dict[str, Any]:
    """A task of an administrator."""
    return {"url": server.url, "access_token": server.admin_token} | options


def by_emergency(server: Server, **options: Any) -> dict[str, Any]:
    """A task of the server's own user."""
    return {"url": server.url, "emergency_password": EMERGENCY} | options


def ran(task: dict[str, Any], **how: Any) -> Reply:
    reply = run_module(task, **how)
    assert not reply.failed, reply.json
    return reply


def foretold(server: Server, task: dict[str, Any]) -> Reply:
    """In check mode, and without a trace."""
    before = trace(server)
    reply = ran(task, check=True)
    assert trace(server) == before
    return reply


def does(server: Server, task: dict[str, Any], *actions: str) -> Reply:
    prediction = foretold(server, task)
    done = ran(task)
    for reply in (prediction, done):
        assert reply.json["actions"] == list(actions) and reply.changed, reply.json
    has_nothing_to_do(server, task)
    return done


def has_nothing_to_do(server: Server, task: dict[str, Any]) -> Reply:
    """Neither does a run leave a trace then."""
    before = trace(server)
    for check in (True, False):
        reply = ran(task, check=check)
        assert reply.json["actions"] == [] and not reply.changed, reply.json
    assert trace(server) == before
    return reply


def refused(server: Server, task: dict[str, Any], kind: str) -> Reply:
    """The run's, after that of check mode; neither leaves a trace."""
    before = trace(server)
    for check in (True, False):
        reply = run_module(task, check=check)
        assert reply.failed and not reply.changed and reply.kind == kind, reply.json
    assert trace(server) == before
    return reply


def logins_of(server: Server, name: str) -> int:
    """How often anybody tried to log in by that name."""
    asked = (json.loads(one.body) for one in server.requests if one.route == LOGIN)
    names = (name, server.user_id(name))
    return sum(one.get("identifier", {}).get("user") in names for one in asked)


def commands_during(server: Server, task: dict[str, Any], **how: Any) -> tuple[Reply, list[str]]:
    known = len(server.bot.obeyed)
    reply = run_module(task, **how)
    return reply, server.bot.obeyed[known:]


def requests_during(server: Server, task: dict[str, Any], **how: Any) -> tuple[Reply, list[str]]:
    known = len(server.requests)
    reply = run_module(task, **how)
    return reply, [f"{one.method} {one.path}" for one in server.requests[known:]]


def warnings(reply: Reply) -> str:
    return "\n".join(reply.json.get("warnings", []))
