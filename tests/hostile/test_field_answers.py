# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers about the fields of an account that have the right status and the
wrong content."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support import hostile_faults as faults
from tests.support.hostile import Fault, HostileServer
from tests.support.hostile_fields import (
    CHANGING,
    EMAIL,
    FULL,
    LIMIT,
    LOOKING,
    OWN,
    PHONE,
    Task,
    all_by_token,
    assert_full,
)
from tests.support.hostile_tasks import (
    SLACK,
    assert_fails,
    assert_truthful,
    by_match,
    by_token,
    left_sessions,
    run,
)

NO_TEXT: list[Any] = [5, True, [], {}, ["x"], 1e300]
NO_FLAG: list[Any] = ["true", "", "no", [], {}, [True], 0.5, 1e300]
NO_LIST: list[Any] = [None, 5, True, "x", {}, {"medium": "email", "address": EMAIL}]
# What GET v2/users says of a field that it cannot say. null is a flag that was
# never set, and 0 and 1 are what older databases have for flags.
WRONG: dict[str, list[Any]] = {
    "displayname": NO_TEXT,
    "avatar_url": NO_TEXT,
    "user_type": NO_TEXT,
    "admin": NO_FLAG,
    "deactivated": NO_FLAG,
    "locked": NO_FLAG,
    "suspended": NO_FLAG,
    "shadow_banned": NO_FLAG,
    "erased": NO_FLAG,
    "threepids": NO_LIST
    + [
        [5],
        [None],
        ["alice@example.org"],
        [[]],
        [{}],
        [{"medium": "email"}],
        [{"address": EMAIL}],
        [{"medium": "email", "address": 5}],
        [{"medium": "email", "address": None}],
        [{"medium": 5, "address": EMAIL}],
        [{"medium": "email", "address": EMAIL}, 5],
    ],
    "external_ids": NO_LIST
    + [
        [5],
        [None],
        [[]],
        [{}],
        [{"auth_provider": "oidc"}],
        [{"external_id": "x"}],
        [{"auth_provider": "oidc", "external_id": 5}],
        [{"auth_provider": [], "external_id": "x"}],
        [{"auth_provider": "oidc", "external_id": "x"}, {}],
    ],
}
CASES = [
    pytest.param(field, value, id=f"{field} {json.dumps(value)[:48]}")
    for field, values in WRONG.items()
    for value in values
]


def saying(field: str, value: Any) -> Fault:
    """The honest answer but for one field."""
    return faults.done_but_not_said(lambda body: body | {field: value})


@pytest.mark.parametrize(("field", "value"), CASES)
def test_a_field_of_the_wrong_type_is_a_protocol_error(
    server: HostileServer, field: str, value: Any
) -> None:
    server.misbehave("get_user", saying(field, value), on=None)
    before = server.homeserver.state()
    reply = run(all_by_token(server))
    assert_fails(reply, "protocol")
    assert "@alice:example.test" in reply.msg
    assert not reply.changed
    assert server.homeserver.state() == before
    assert server.count("put_user", "suspend_user", "shadow_ban", "set_ratelimit") == 0


@pytest.mark.parametrize("field", WRONG)
def test_an_answer_without_a_field_is_a_protocol_error_or_leaves_it_unseen(
    server: HostileServer, field: str
) -> None:
    def without(body: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in body.items() if key != field}

    server.misbehave("get_user", faults.done_but_not_said(without), on=None)
    reply = run(all_by_token(server))
    if reply.failed:
        # A Synapse that has no such field yet is named as the reason.
        assert_fails(reply, "protocol", "unsupported")
        assert not reply.changed
    else:
        # What is null when it is not set may be left out as well.
        assert_full(server.homeserver.user("alice"))


@pytest.mark.parametrize(("field", "value"), CASES)
def test_a_change_whose_answer_is_wrong_is_told_as_one_and_a_rerun_converges(
    server: HostileServer, field: str, value: Any
) -> None:
    server.misbehave("put_user", saying(field, value), on=None)
    before = server.homeserver.state()
    first = run(all_by_token(server))
    assert_truthful(first, server, before)
    server.forget()
    second = run(all_by_token(server))
    assert not second.failed, f"after {first.json}: {second.json}"
    assert_full(server.homeserver.user("alice"))
    assert not second.changed or not run(all_by_token(server)).changed


NO_LIMIT: list[Any] = [
    5,
    "x",
    None,
    [5, 7],
    {"messages_per_second": 5},
    {"burst_count": 7},
    LIMIT | {"burst_count": None},
    LIMIT | {"burst_count": "7"},
    LIMIT | {"burst_count": 7.0},
    LIMIT | {"burst_count": 1e300},
    LIMIT | {"messages_per_second": True},
    LIMIT | {"messages_per_second": []},
    LIMIT | {"messages_per_second": 10**30},
    LIMIT | {"messages_per_second": 1.5},
]


@pytest.mark.parametrize("value", NO_LIMIT, ids=lambda value: json.dumps(value)[:60])
def test_a_rate_limit_that_is_none_is_a_protocol_error(
    server: HostileServer, value: Any
) -> None:
    server.misbehave("get_ratelimit", faults.says(value), on=None)
    reply = run(LOOKING["get_ratelimit"](server))
    assert_fails(reply, "protocol")
    assert not reply.changed
    assert server.count("set_ratelimit") == 0


@pytest.mark.parametrize("number", [-1, -(1 << 63), (1 << 63) - 1, 10**12])
@pytest.mark.parametrize("key", LIMIT)
def test_a_rate_limit_that_no_server_has_is_refused_or_replaced(
    server: HostileServer, key: str, number: int
) -> None:
    """Column types are bigint (schema/main/full_schemas); the API takes no
    number below zero (rest/admin/users.py, RateLimitRestServlet)."""
    server.misbehave("get_ratelimit", faults.says(LIMIT | {key: number}), on=1)
    reply = run(LOOKING["get_ratelimit"](server))
    if not reply.failed:
        assert server.homeserver.user("alice").ratelimit == (5, 7)
    else:
        assert_fails(reply, "protocol")


NO_OWNER: list[Any] = [
    5,
    None,
    [],
    "@bob:example.test",
    {},
    {"user_id": None},
    {"user_id": 5},
    {"user_id": ""},
    {"user_id": []},
    {"user_id": {"user_id": "@alice:example.test"}},
    {"user_id": ["@alice:example.test"]},
    {"user_id": True},
]


@pytest.mark.parametrize("value", NO_OWNER, ids=lambda value: json.dumps(value)[:48])
@pytest.mark.parametrize("route", ["user_by_threepid", "user_by_external_id"])
def test_an_owner_who_is_nobody_is_no_reason_to_take_an_address_or_an_id(
    server: HostileServer, route: str, value: Any
) -> None:
    server.misbehave(route, faults.says(value), on=None)
    reply = run(LOOKING[route](server))
    assert_fails(reply, "protocol")
    assert not reply.changed
    assert server.count("put_user") == 0


@pytest.mark.parametrize(
    "owner",
    ["bob", "@Alice:example.test", "@alice:elsewhere.test", "@" + "b" * 200_000, "x\ny\x1b[31m"],
    ids=lambda owner: repr(owner)[:24],
)
@pytest.mark.parametrize("route", ["user_by_threepid", "user_by_external_id"])
def test_an_owner_who_is_another_is_a_conflict_of_a_bounded_length(
    server: HostileServer, route: str, owner: str
) -> None:
    server.misbehave(route, faults.says({"user_id": owner}), on=None)
    reply = run(LOOKING[route](server))
    assert_fails(reply, "conflict", "protocol")
    assert server.count("put_user") == 0
    assert len(reply.raw) < 8000
    assert not {"\n", "\x1b"} & set(reply.msg)


# 404 is "nobody has it" only in Synapse's own words.
NO_ANSWER: dict[str, Fault] = {
    "a page": faults.html(404),
    "no such endpoint": faults.refuses(404, "M_UNRECOGNIZED", "Unrecognized request"),
    "no errcode": faults.says({}, 404),
    "nothing": faults.reply(404, b""),
}


@pytest.mark.parametrize("check", [False, True], ids=["done", "checked"])
@pytest.mark.parametrize("what", NO_ANSWER)
@pytest.mark.parametrize("route", ["user_by_threepid", "user_by_external_id"])
def test_where_nobody_says_whose_it_is_nothing_is_taken(
    server: HostileServer, route: str, what: str, check: bool
) -> None:
    server.misbehave(route, NO_ANSWER[what], on=None)
    reply = run(LOOKING[route](server), check=check)
    assert_fails(reply, "unsupported", "protocol", "not_found")
    assert not reply.changed
    assert server.count("put_user") == 0


@pytest.mark.parametrize("check", [False, True], ids=["done", "checked"])
@pytest.mark.parametrize("creating", [False, True], ids=["changing", "creating"])
def test_what_is_another_s_is_a_conflict_that_names_them(
    server: HostileServer, creating: bool, check: bool
) -> None:
    server.homeserver.add_user(
        "mallory", "x", emails=(EMAIL,), external_ids=[("oidc", "alice-1")]
    )
    before = server.homeserver.state()
    for stated in ({"emails": ["ALICE@Example.ORG"]}, {"external_ids": FULL["external_ids"]}):
        name = "bob" if creating else "alice"
        reply = run(by_token(server, name, password="fresh password", **stated), check=check)
        assert_fails(reply, "conflict")
        assert "@mallory:example.test" in reply.msg
        assert not reply.changed
        assert server.homeserver.state() == before


def test_a_telephone_number_stays_whatever_becomes_of_the_addresses(
    server: HostileServer,
) -> None:
    alice = server.homeserver.add_user(
        "alice", "x", emails=("old@example.org",), phones=(PHONE,)
    )
    for stated, left in (
        ({"emails": [EMAIL]}, [EMAIL, "old@example.org"]),
        ({"emails": [EMAIL], "emails_mode": "exact"}, [EMAIL]),
        ({"emails": [], "emails_mode": "exact"}, []),
    ):
        assert run(by_token(server, **stated)).changed
        assert alice.emails == left
        assert ("msisdn", PHONE) in alice.threepids


def test_a_thousand_addresses_are_compared_in_good_time(server: HostileServer) -> None:
    many = [f"alice{number}@example.org" for number in range(1000)]
    alice = server.homeserver.add_user("alice", "x", emails=tuple(many))
    reply = run(by_token(server, emails=[EMAIL, *many[:500]]))
    assert reply.json["actions"] == ["set emails"]
    assert len(alice.emails) == 1001
    assert reply.seconds < SLACK


def test_an_address_that_a_server_stores_otherwise_does_not_change_for_ever(
    server: HostileServer,
) -> None:
    """util/threepids.py, canonicalise_email, casefolds what stands before the @."""
    task = by_token(server, emails=["  STRASSE.Groß@Example.ORG  "])
    assert run(task).changed
    assert server.homeserver.user("alice").emails == ["strasse.gross@example.org"]
    assert not run(task).changed


# The same nonsense for what has no fields of interest.
SENSELESS: dict[str, Fault] = {
    "empty": faults.done_but(faults.reply(200, b"")),
    "a page": faults.done_but(faults.reply(200, b"<html></html>", "text/html")),
    "an array": faults.done_but(faults.reply(200, b"[]")),
    "null": faults.done_but(faults.reply(200, b"null")),
    "deep": faults.done_but(faults.reply(200, b"[" * 100_000)),
    "numbers": faults.done_but_not_said(lambda body: {key: 7 for key in body}),
    "another key": faults.done_but_not_said(lambda _: {"user_@bob:example.test_suspended": 5}),
}


def assert_unhurt(server: HostileServer, task: Task) -> None:
    """It is told what became of the accounts, and repeating it makes them right."""
    arguments = task(server)
    before = server.homeserver.state()
    first = run(arguments)
    assert_truthful(first, server, before)
    assert first.seconds < SLACK
    assert left_sessions(server) == []
    server.forget()
    second = run(arguments)
    assert not second.failed, f"after {first.json}: {second.json}"
    assert server.homeserver.state() != before
    third = run(arguments) if second.changed else second
    assert not third.failed and not third.changed, third.json


@pytest.mark.parametrize("what", SENSELESS)
@pytest.mark.parametrize("route", CHANGING)
def test_after_a_senseless_answer_to_a_change_a_rerun_converges(
    server: HostileServer, route: str, what: str
) -> None:
    server.misbehave(route, SENSELESS[what], on=None)
    assert_unhurt(server, CHANGING[route])


@pytest.mark.parametrize(
    "value", [5, None, "x", {}, [5], ["x"], [{}], [{"medium": "email"}]], ids=json.dumps
)
def test_one_s_own_addresses_that_make_no_sense_are_not_taken_for_none(
    server: HostileServer, value: Any
) -> None:
    """What cannot be seen takes an administrator."""
    server.homeserver.user("alice").add_threepid("email", EMAIL)
    server.misbehave("own_3pids", faults.says({"threepids": value}), on=None)
    reply = run(by_match(server, emails=[], emails_mode="exact"))
    assert_fails(reply, "protocol", "unauthorized")
    assert not reply.changed
    assert left_sessions(server) == []


@pytest.mark.parametrize("value", NO_TEXT, ids=json.dumps)
@pytest.mark.parametrize("key", ["displayname", "avatar_url"])
def test_a_profile_with_something_that_is_no_text_does_no_harm(
    server: HostileServer, key: str, value: Any
) -> None:
    server.misbehave("get_profile", saying(key, value), on=None)
    reply = run(OWN["put_profile_field"](server))
    if not reply.failed:
        assert server.homeserver.user("alice").avatar_url == "mxc://x/y"
    else:
        assert_fails(reply, "protocol")
    assert left_sessions(server) == []
