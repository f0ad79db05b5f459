# SPDX-License-Identifier: GPL-3.0-or-later
"""429: how long a server may make the module wait, and how it is asked."""

from __future__ import annotations

import pytest

from tests.support import hostile_faults as faults
from tests.support.hostile import HostileServer
from tests.support.hostile_tasks import (
    SLACK,
    assert_fails,
    by_login,
    by_secret,
    by_token,
    left_sessions,
    run,
)

ROUTES = {"nonce": by_secret, "register": by_secret, "login": by_login, "get_user": by_token}


@pytest.mark.parametrize("route", ROUTES)
def test_a_limit_is_obeyed_and_then_the_work_goes_on(server: HostileServer, route: str) -> None:
    server.misbehave(route, faults.limited(300), on=[1, 2])
    reply = run(ROUTES[route](server) | {"retry_timeout": 5})
    assert not reply.failed, reply.json
    first, second, third = server.sent(route)[:3]
    assert second.moment - first.moment >= 0.29
    assert third.moment - second.moment >= 0.29
    assert reply.seconds < 0.6 + SLACK


@pytest.mark.parametrize("route", ROUTES)
def test_a_limit_beyond_retry_timeout_is_an_error_at_once_with_the_wait_in_it(
    server: HostileServer, route: str
) -> None:
    """331 s is what Synapse says after five logins with its own defaults."""
    server.misbehave(route, faults.limited(331_000), on=None)
    reply = run(ROUTES[route](server) | {"retry_timeout": 60})
    assert_fails(reply, "rate_limited")
    error = {"kind": "rate_limited", "status": 429, "errcode": "M_LIMIT_EXCEEDED"}
    assert reply.json["error"] == error | {"retry_after_ms": 331_000}
    assert server.count(route) == 1
    assert reply.seconds < SLACK


def test_retry_timeout_is_the_sum_of_a_task_s_waits(server: HostileServer) -> None:
    server.misbehave("any", faults.limited(400), on=range(1, 100))
    reply = run(by_secret(server) | {"retry_timeout": 1})
    assert_fails(reply, "rate_limited")
    # Twice 0.4 s fit into a second, a third time does not.
    assert len(server.requests) == 3
    assert 0.8 <= reply.seconds < 0.8 + SLACK


def test_retry_timeout_counts_over_different_requests(server: HostileServer) -> None:
    server.misbehave("nonce", faults.limited(400), on=1)
    server.misbehave("login", faults.limited(400), on=1)
    server.misbehave("put_user", faults.limited(400), on=None)
    reply = run(by_login(server, admin=True) | {"retry_timeout": 1})
    assert_fails(reply, "rate_limited")
    assert server.count("put_user") == 1
    assert left_sessions(server) == []


def test_a_retry_timeout_of_zero_never_waits(server: HostileServer) -> None:
    server.misbehave("nonce", faults.limited(1), on=1)
    reply = run(by_secret(server) | {"retry_timeout": 0})
    assert_fails(reply, "rate_limited")
    assert server.count("nonce") == 1


def test_retry_after_ms_counts_before_the_header(server: HostileServer) -> None:
    server.misbehave("nonce", faults.limited(300, Retry_After="600"), on=1)
    reply = run(by_secret(server) | {"retry_timeout": 5})
    assert not reply.failed, reply.json


def test_a_header_of_seconds_is_obeyed(server: HostileServer) -> None:
    server.misbehave("nonce", faults.limited(Retry_After="1"), on=1)
    reply = run(by_secret(server) | {"retry_timeout": 5})
    assert not reply.failed, reply.json
    first, second = server.sent("nonce")
    assert 0.99 <= second.moment - first.moment < 1 + SLACK


def test_a_header_with_a_date_is_obeyed(server: HostileServer) -> None:
    server.misbehave("nonce", faults.limited(Retry_After=faults.limited_after(2)), on=1)
    reply = run(by_secret(server) | {"retry_timeout": 10})
    assert not reply.failed, reply.json
    first, second = server.sent("nonce")
    # Dates have whole seconds, and two seconds ahead may be but one and a bit.
    assert 0.9 <= second.moment - first.moment < 3.1 + SLACK


def test_a_date_far_ahead_is_an_error_at_once(server: HostileServer) -> None:
    server.misbehave("nonce", faults.limited(Retry_After=faults.limited_after(3600)), on=None)
    reply = run(by_secret(server) | {"retry_timeout": 60})
    assert_fails(reply, "rate_limited")
    assert 3_500_000 < reply.json["error"]["retry_after_ms"] <= 3_601_000
    assert reply.seconds < SLACK


NONSENSE = [-1, 0, 0.5, "300", None, True, [], {}, -(10**30), "soon", 10**15, 10**30, 1e308]


@pytest.mark.parametrize("wait", NONSENSE, ids=repr)
def test_a_wait_that_makes_no_sense_is_survived_without_hammering(
    server: HostileServer, wait: object
) -> None:
    body = {"errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests", "retry_after_ms": wait}
    server.misbehave("nonce", faults.says(body, 429), on=None)
    reply = run(by_secret(server) | {"retry_timeout": 1})
    assert_fails(reply, "rate_limited")
    assert reply.json["error"].get("retry_after_ms", 1) > 0
    assert server.count("nonce") <= 10
    assert reply.seconds < 1 + SLACK


@pytest.mark.parametrize(
    "value",
    ["-1", "0", "1.5", "soon", "", "99999999999999999999", "1" * 5000, "\x7f", "0x10", "1, 2"]
    + ["Thu, 01 Jan 1970 00:00:00 GMT", "Mon, 99 Foo 9999 99:99:99 GMT"],
    ids=lambda value: value[:24],
)
def test_a_header_that_makes_no_sense_is_survived_without_hammering(
    server: HostileServer, value: str
) -> None:
    server.misbehave("nonce", faults.limited(Retry_After=value), on=None)
    reply = run(by_secret(server) | {"retry_timeout": 1})
    assert_fails(reply, "rate_limited")
    assert server.count("nonce") <= 10
    assert reply.seconds < 1 + SLACK


@pytest.mark.parametrize("body", [b"", b"<h1>429</h1>", b"[]", b'{"errcode": null}'])
def test_a_429_of_a_proxy_is_a_limit_too(server: HostileServer, body: bytes) -> None:
    """nginx' limit_req answers a page, and no Retry-After unless told to."""
    server.misbehave("nonce", faults.reply(429, body, "text/html", Retry_After="1"), on=1)
    reply = run(by_secret(server) | {"retry_timeout": 5})
    assert not reply.failed, reply.json
    assert server.count("nonce") == 2


def test_a_session_is_ended_although_a_limit_ended_the_work(server: HostileServer) -> None:
    server.misbehave("put_user", faults.limited(100_000), on=None)
    assert_fails(run(by_login(server, admin=True)), "rate_limited")
    assert left_sessions(server) == []


def test_a_login_limit_says_what_can_be_done(server: HostileServer) -> None:
    server.misbehave("login", faults.limited(331_000), on=None)
    reply = run(by_login(server))
    assert_fails(reply, "rate_limited")
    assert "access_token" in reply.json["msg"] or "rc_login" in reply.json["msg"]


def test_a_refusal_of_a_spam_checker_is_not_waited_for(server: HostileServer) -> None:
    """handlers/register.py: 429 M_UNKNOWN "Rate limited" from a module."""
    server.misbehave("register", faults.refuses(429, "M_UNKNOWN", "Rate limited"), on=None)
    reply = run(by_secret(server) | {"retry_timeout": 60})
    assert_fails(reply, "policy", "forbidden")
    assert server.count("register") == 1
