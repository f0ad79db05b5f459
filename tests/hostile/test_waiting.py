# SPDX-License-Identifier: GPL-3.0-or-later
"""wait_timeout: a server that is still starting, that is about to be restarted
with another secret, or that is without its database."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.support import hostile_faults as faults
from tests.support.hostile import HostileServer
from tests.support.hostile_tasks import (
    NEW_PASSWORD,
    OLD_SECRET,
    ROOT_PASSWORD,
    SLACK,
    Arguments,
    assert_fails,
    by_login,
    by_secret,
    by_service,
    by_token,
    left_sessions,
    run,
)
from tests.support.module import start_module


def after(seconds: float, what: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, what)
    timer.daemon = True
    timer.start()


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


# Another secret: rest/admin/users.py, UserRegisterServlet.


@pytest.mark.parametrize("task", [by_secret, by_service], ids=["an account", "the service account"])
def test_a_secret_that_the_server_takes_only_after_its_restart_is_waited_for(
    server: HostileServer, task: Callable[..., Arguments]
) -> None:
    new, server.homeserver.secret = server.homeserver.secret, OLD_SECRET
    options = {"registration_shared_secret": new, "wait_timeout": 20}
    if task is by_service:
        options["displayname"] = "Alice II"
    after(1, lambda: setattr(server.homeserver, "secret", new))
    reply = run(task(server, **options))
    assert not reply.failed and reply.changed, reply.json
    assert server.count("register") == 2
    assert server.count("nonce") == 2, "a nonce is good for one registration"
    assert 1.9 < reply.seconds < 2 + SLACK


@pytest.mark.parametrize("check", [False, True], ids=["done", "check mode"])
def test_a_secret_that_stays_wrong_is_told_after_one_bounded_wait(
    server: HostileServer, check: bool
) -> None:
    task = by_secret(server, registration_shared_secret=OLD_SECRET, wait_timeout=3)
    before = server.homeserver.state()
    reply = run(task, check=check)
    assert_fails(reply, "unauthorized")
    assert "has waited 3 s" in reply.json["msg"]
    assert 2.9 < reply.seconds < 3 + SLACK
    assert server.count("register") == 3, "at once, after two seconds, at the end"
    assert server.homeserver.state() == before


@pytest.mark.slow
def test_a_wrong_secret_is_waited_for_no_longer_than_a_restart_takes(
    server: HostileServer,
) -> None:
    users = [{"username": name, "password": NEW_PASSWORD} for name in ("u1", "u2")]
    task = by_secret(server, registration_shared_secret=OLD_SECRET, wait_timeout=60)
    del task["username"], task["password"]
    reply = run(task | {"users": users})
    assert_fails(reply, "unauthorized")
    assert 14.9 < reply.seconds < 15 + SLACK


def test_without_wait_timeout_a_wrong_secret_is_told_at_once(server: HostileServer) -> None:
    reply = run(by_secret(server, registration_shared_secret=OLD_SECRET))
    assert_fails(reply, "unauthorized")
    assert server.count("register") == 1
    assert reply.seconds < SLACK


# No database: http/server.py, return_json_error.


BROKE_DOWN = faults.refuses(500, "M_UNKNOWN", "Internal server error")


def test_a_server_that_breaks_down_over_reading_is_asked_again(server: HostileServer) -> None:
    server.misbehave("whoami", BROKE_DOWN, on=[1, 2])
    server.misbehave("get_user", BROKE_DOWN, on=1)
    reply = run(by_token(server, displayname="Alice II") | {"wait_timeout": 20})
    assert reply.changed, reply.json
    assert server.count("whoami") == 3


def test_a_server_that_breaks_down_for_good_is_given_up_after_wait_timeout(
    server: HostileServer,
) -> None:
    server.misbehave("get_user", BROKE_DOWN, on=None)
    reply = run(by_token(server) | {"wait_timeout": 1})
    assert_fails(reply, "server")
    assert "has waited 1 s" in reply.json["msg"]
    assert 0.9 < reply.seconds < 1 + SLACK


def test_a_change_that_the_server_broke_down_over_is_not_sent_again(
    server: HostileServer,
) -> None:
    server.misbehave("put_user", faults.done_but(BROKE_DOWN), on=None)
    reply = run(by_token(server, displayname="Alice II") | {"wait_timeout": 20})
    assert_fails(reply, "server")
    assert server.count("put_user") == 1
    assert reply.seconds < SLACK


def test_the_waits_of_a_task_come_out_of_one_budget(server: HostileServer) -> None:
    """A proxy without its server, a server without its database, then another
    secret: together no longer than wait_timeout."""
    server.misbehave("nonce", faults.html(502), on=[1, 2, 3])
    server.misbehave("get_profile", BROKE_DOWN, on=[1, 2, 3])
    task = by_secret(server, registration_shared_secret=OLD_SECRET, wait_timeout=4)
    reply = run(task)
    assert_fails(reply, "unauthorized")
    assert server.count("get_profile") == 4 and server.count("register") > 1
    assert 3.9 < reply.seconds < 4 + SLACK


@pytest.mark.parametrize("route", ["register", "get_user"])
def test_a_signal_ends_each_wait(server: HostileServer, route: str) -> None:
    server.misbehave("get_user", BROKE_DOWN, on=None)
    task = by_token(server)
    if route == "register":
        task = by_secret(server, registration_shared_secret=OLD_SECRET)
    running = start_module(task | {"wait_timeout": 60})
    server.wait_for(route)
    running.process.send_signal(signal.SIGTERM)
    reply = running.wait()
    assert_fails(reply, "interrupted")
    assert reply.seconds < SLACK
