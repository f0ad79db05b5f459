# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests about the fields of an account that are refused, broken off, slow or
answered with too much: what is said then, and what was changed by then."""

from __future__ import annotations

import pytest

from tests.support import hostile_faults as faults
from tests.support.hostile import Answer, Exchange, Fault, HostileServer
from tests.support.hostile_fields import (
    CHANGING,
    FULL,
    LOOKING,
    OWN,
    SERVING,
    all_by_token,
    assert_full,
)
from tests.support.hostile_tasks import (
    SLACK,
    TIMEOUT,
    assert_fails,
    assert_truthful,
    by_token,
    left_sessions,
    run,
)

ALL = LOOKING | CHANGING | OWN | SERVING
# Without an answer to one of these, work may go on: profiles may be hidden,
# flows need not be told, and a room that is not left is told in a warning.
WITHOUT = {"get_profile", "login_flows", "joined_rooms", "leave_room"}
# What else such a refusal means there: another's password, an administrator
# that it takes.
ALSO = {"login": ["conflict", "unsupported"], "own_3pids": ["unauthorized"]}
REFUSALS: dict[str, tuple[Fault, list[str]]] = {
    "400": (faults.refuses(400, "M_UNKNOWN", "So not."), ["invalid", "server", "protocol"]),
    "401": (faults.refuses(401, "M_UNKNOWN_TOKEN", soft_logout=False), ["unauthorized"]),
    "403": (faults.refuses(403, "M_FORBIDDEN"), ["forbidden", "unauthorized", "policy"]),
    "403 of a proxy": (faults.html(403), ["forbidden", "protocol", "unauthorized", "policy"]),
    "404": (faults.refuses(404, "M_UNRECOGNIZED"), ["unsupported", "not_found"]),
    "404 of a proxy": (faults.html(404), ["unsupported", "not_found", "protocol"]),
    "405": (faults.refuses(405, "M_UNRECOGNIZED"), ["unsupported", "protocol", "server"]),
    "429": (faults.limited(100_000), ["rate_limited"]),
    "500": (faults.refuses(500, "M_UNKNOWN", "Internal server error"), ["server"]),
    "502": (faults.html(502), ["not_ready"]),
    "503": (faults.refuses(503, "M_UNKNOWN"), ["not_ready", "server"]),
    "too much": (faults.endless_body(), ["protocol", "unreachable"]),
    "a redirect": (faults.redirects(302, "http://127.0.0.1:1/"), ["protocol"]),
    "a reset": (faults.reset(), ["unreachable"]),
    "an end": (faults.hangs_up(), ["unreachable"]),
    "half an answer": (faults.truncated(done=False), ["unreachable", "protocol"]),
}
# Whether it was done before is not to be told from these: "changed" may be said
# of what was not.
UNTOLD = {"502", "503", "too much", "a reset", "an end", "half an answer"}


@pytest.mark.parametrize("what", REFUSALS)
@pytest.mark.parametrize("route", ALL)
def test_a_refusal_is_told_and_so_is_what_was_changed_by_then(
    server: HostileServer, route: str, what: str
) -> None:
    fault, kinds = REFUSALS[what]
    arguments = ALL[route](server)
    before = server.homeserver.state()
    server.misbehave(route, fault, on=None)
    reply = run(arguments)
    assert server.count(route) >= 1, "it was not asked at all"
    if what not in UNTOLD or not reply.changed:
        assert_truthful(reply, server, before)
    if route not in WITHOUT:
        assert_fails(reply, *kinds, *ALSO.get(route, []))
    assert left_sessions(server) == []
    assert reply.seconds < SLACK

    server.forget()
    again = run(arguments)
    assert not again.failed, f"after {reply.json}: {again.json}"
    assert not again.changed or not run(arguments).changed


@pytest.mark.parametrize("route", ALL)
def test_no_answer_in_time_is_told_within_the_timeout(
    server: HostileServer, route: str
) -> None:
    arguments = ALL[route](server)
    before = server.homeserver.state()
    server.misbehave(route, faults.silent(), on=1)
    reply = run(arguments | {"timeout": 1})
    if not reply.changed:
        assert_truthful(reply, server, before)
    assert reply.seconds < TIMEOUT / 2 + SLACK
    assert left_sessions(server) == []


LOST: dict[str, Fault] = {
    "a reset": faults.reset(done=True),
    "half an answer": faults.truncated(),
    "a page with 502": faults.done_but(faults.html(502)),
    "a limit": faults.done_but(faults.limited(100_000)),
    "an error": faults.done_but(faults.refuses(500, "M_UNKNOWN", "Internal server error")),
}


@pytest.mark.parametrize("what", LOST)
@pytest.mark.parametrize("route", CHANGING | {"put_profile_field": OWN["put_profile_field"]})
def test_a_change_that_was_made_but_not_said_is_told_as_one(
    server: HostileServer, route: str, what: str
) -> None:
    arguments = ALL[route](server)
    before = server.homeserver.state()
    server.misbehave(route, LOST[what], on=1)
    reply = run(arguments)
    assert server.homeserver.state() != before, "the test's own doing"
    assert reply.changed, reply.json
    assert left_sessions(server) == []
    server.forget()
    again = run(arguments)
    assert not again.failed
    assert not again.changed, again.json


@pytest.mark.parametrize("what", LOST)
@pytest.mark.parametrize("route", CHANGING)
def test_a_change_that_was_made_before_the_server_went_away_is_told_as_one(
    server: HostileServer, route: str, what: str
) -> None:
    arguments = ALL[route](server)
    before = server.homeserver.state()

    def and_be_gone(exchange: Exchange) -> Answer | None:
        server.misbehave("any", faults.html(502), on=None)
        return LOST[what](exchange)

    server.misbehave(route, and_be_gone, on=1)
    reply = run(arguments)
    assert server.homeserver.state() != before, "the test's own doing"
    assert reply.failed
    # Refused in so many words, it need not have been made.
    assert reply.changed or what == "a limit", reply.json
    server.forget()
    assert not run(arguments).failed
    assert not run(arguments).changed


SWITCHED = ["suspend_user", "shadow_ban", "set_ratelimit"]


@pytest.mark.parametrize("route", SWITCHED)
def test_what_was_changed_before_a_refusal_is_told(server: HostileServer, route: str) -> None:
    server.misbehave(route, faults.refuses(403, "M_FORBIDDEN"), on=None)
    reply = run(all_by_token(server))
    assert_fails(reply, "forbidden")
    assert reply.changed
    assert server.homeserver.user("alice").displayname == "Alice II"
    diff = run(all_by_token(server), check=True, diff=True)
    fields = {"suspend_user": "suspended", "shadow_ban": "shadow_banned"}
    field = fields.get(route, "ratelimit")
    (what,) = diff.json["diff"]
    assert what["before"][field] != what["after"][field]
    server.forget()
    assert not run(all_by_token(server)).failed
    assert_full(server.homeserver.user("alice"))


@pytest.mark.parametrize("route", ["put_user", *SWITCHED])
def test_an_account_that_was_created_before_a_refusal_is_told(
    server: HostileServer, route: str
) -> None:
    """What goes with the creation is the first PUT, all else follows."""
    server.misbehave(route, faults.refuses(403, "M_FORBIDDEN"), on=range(2, 9))
    if route != "put_user":
        server.misbehave(route, faults.refuses(403, "M_FORBIDDEN"), on=1)
    task = by_token(server, "bob", password="a fresh password", **FULL)
    reply = run(task)
    assert_fails(reply, "forbidden", "policy")
    assert reply.changed
    assert "create" in reply.json["actions"], reply.json
    assert server.homeserver.user("bob") is not None
    server.forget()
    assert not run(task).failed
    assert_full(server.homeserver.user("bob"))
    assert not run(task).changed


def test_a_list_goes_on_after_a_field_that_one_server_refuses(server: HostileServer) -> None:
    users = []
    for name in ("u1", "u2", "u3"):
        server.homeserver.add_user(name, "x")
        users.append({"username": name, "suspended": True, "displayname": "New"})
    server.misbehave("suspend_user", faults.refuses(403, "M_FORBIDDEN"), on=2)
    reply = run(by_token(server, username=None) | {"users": users})
    assert_fails(reply, "forbidden")
    assert reply.changed
    assert [user["changed"] for user in reply.json["users"]] == [True, True, True]
    suspended = [server.homeserver.user(user["username"]).suspended for user in users]
    assert suspended == [True, False, True]
    assert reply.json["summary"]["failed"] == 1


def test_an_external_id_that_was_taken_meanwhile_is_a_conflict(server: HostileServer) -> None:
    """409 (rest/admin/users.py, on_PUT): between the guard and the change."""

    def and_take(exchange: Exchange) -> Answer:
        answer = exchange.answer()
        server.homeserver.add_user("mallory", "x", external_ids=[("oidc", "alice-1")])
        return answer

    server.misbehave("user_by_external_id", and_take, on=1)
    reply = run(LOOKING["user_by_external_id"](server))
    assert_fails(reply, "conflict")
    assert not reply.changed
    assert server.homeserver.user("alice").external_ids == []


def test_the_rest_of_a_change_that_a_clash_ended_is_told(server: HostileServer) -> None:
    """The name is stored before the external ids are looked at."""

    def and_take(exchange: Exchange) -> Answer:
        answer = exchange.answer()
        server.homeserver.add_user("mallory", "x", external_ids=[("oidc", "alice-1")])
        return answer

    server.misbehave("user_by_external_id", and_take, on=1)
    reply = run(by_token(server, displayname="New", external_ids=FULL["external_ids"]))
    assert_fails(reply, "conflict")
    assert reply.changed
    assert server.homeserver.user("alice").displayname == "New"


def test_a_server_too_old_to_suspend_is_named_before_anything_is_changed(
    server: HostileServer,
) -> None:
    """suspend is stable since 1.122 (CHANGES.md of Synapse)."""

    def and_old(exchange: Exchange) -> Answer:
        answer = exchange.answer()
        answer.headers["Server"] = "Synapse/1.121.1"
        return answer

    server.misbehave("any", and_old, on=None)
    before = server.homeserver.state()
    reply = run(all_by_token(server))
    assert_fails(reply, "unsupported")
    assert "suspended" in reply.msg
    assert "1.121.1" in reply.msg
    assert server.homeserver.state() == before
