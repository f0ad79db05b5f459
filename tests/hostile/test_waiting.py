# SPDX-License-Identifier: GPL-3.0-or-later
"""wait_timeout: a server that is still starting."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import hostile_faults as faults
from tests.support.hostile import HostileServer
from tests.support.hostile_tasks import (
    ROOT_PASSWORD,
    SLACK,
    assert_fails,
    by_login,
    by_secret,
    by_token,
    left_sessions,
    run,
)


@pytest.fixture
def starting() -> Iterator[HostileServer]:
    with HostileServer(listening=False) as server:
        server.homeserver.add_user("root", ROOT_PASSWORD, admin=True)
        yield server


def test_a_server_that_starts_meanwhile_is_waited_for(starting: HostileServer) -> None:
    starting.listen_after(1.5)
    reply = run(by_secret(starting) | {"wait_timeout": 20})
    assert reply.changed, reply.json
    assert 1.4 < reply.seconds < 1.5 + 2 + SLACK


def test_a_server_that_does_not_start_is_given_up_after_wait_timeout(
    starting: HostileServer,
) -> None:
    reply = run(by_secret(starting) | {"wait_timeout": 1})
    assert_fails(reply, "unreachable", "not_ready")
    assert 0.9 <= reply.seconds < 1 + SLACK


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_proxy_whose_server_starts_meanwhile_is_waited_for(
    server: HostileServer, status: int
) -> None:
    server.misbehave("nonce", faults.html(status), on=[1, 2])
    reply = run(by_secret(server) | {"wait_timeout": 20})
    assert reply.changed, reply.json
    assert server.count("nonce") == 3


def test_waiting_does_not_hammer_the_proxy(server: HostileServer) -> None:
    server.misbehave("any", faults.html(502), on=None)
    reply = run(by_secret(server) | {"wait_timeout": 2})
    assert_fails(reply, "not_ready")
    assert 2 <= len(server.requests) <= 30
    assert 1.5 <= reply.seconds < 2 + SLACK


def test_a_server_that_resets_its_first_connections_is_waited_for(server: HostileServer) -> None:
    server.reset_connection(1, 2)
    reply = run(by_secret(server) | {"wait_timeout": 20})
    assert reply.changed, reply.json


@pytest.mark.parametrize(
    "refusal",
    [faults.refuses(401, "M_UNKNOWN_TOKEN"), faults.refuses(403, "M_FORBIDDEN"), faults.html(404)],
    ids=["401", "403", "404"],
)
def test_what_waiting_cannot_mend_is_not_waited_for(
    server: HostileServer, refusal: faults.Fault
) -> None:
    server.misbehave("any", refusal, on=None)
    reply = run(by_token(server) | {"wait_timeout": 20})
    assert reply.failed
    assert reply.seconds < SLACK


def test_a_change_is_not_sent_twice_while_waiting(server: HostileServer) -> None:
    """It may have been done, and the answer alone been lost."""
    server.misbehave("put_user", faults.done_but(faults.html(504)), on=1)
    task = by_token(server, password="Fresh password", update_password="always")
    reply = run(task | {"wait_timeout": 20, "password_probe": False})
    assert server.count("put_user") == 1 or not reply.failed
    assert server.homeserver.user("alice").password == "Fresh password"


def test_without_wait_timeout_nothing_is_tried_again(server: HostileServer) -> None:
    server.misbehave("nonce", faults.html(503), on=1)
    assert_fails(run(by_secret(server)), "not_ready")
    assert server.count("nonce") == 1


def test_a_server_that_stops_in_the_middle_of_a_list_ends_it(server: HostileServer) -> None:
    users = [{"username": name, "displayname": "New"} for name in ("u1", "u2", "u3", "u4")]
    for user in users:
        server.homeserver.add_user(user["username"], "x")
    server.misbehave("put_user", faults.html(502), on=range(2, 100))
    reply = run(by_login(server, username=None) | {"users": users})
    assert_fails(reply, "not_ready")
    assert reply.changed
    assert [user["user_id"].partition(":")[0] for user in reply.json["users"]] == [
        "@u1",
        "@u2",
        "@u3",
        "@u4",
    ], "every user is reported"
    assert server.count("put_user") == 2, "the list went on"
    assert left_sessions(server) == []
