# SPDX-License-Identifier: GPL-3.0-or-later
"""The token that opens MAS's admin API: one a run, renewed, and ended whatever happens."""

import os
import signal
import time

import pytest

from tests.servers.mas_proof import fails, setting, succeeds, task
from tests.servers.proof import a_password
from tests.support.mas_wire import Dropped, Reply
from tests.support.module import run_module, start_module

pytestmark = pytest.mark.usefixtures("nothing_left")

HAD, ENDED = "POST /oauth2/token", "POST /oauth2/revoke"
BY_NAME = "GET /users/by-username/{username}"


def a_list(unique, count, **more):
    return [{"username": unique("alice"), "password": a_password(), **more} for _ in range(count)]


def test_one_that_ends_in_the_middle_of_a_list_is_renewed(mas, unique):
    """As it says itself, so that nothing is refused."""
    users = a_list(unique, 3)

    def time_passes(request):
        if request.route == "POST /users" and request.json["username"] != users[0]["username"]:
            time.sleep(1.2)

    with setting(mas, token_seconds=6, before=time_passes):
        reply = run_module(task(mas, users=users))
    assert reply.json["summary"]["created"] == 3, reply.json
    assert mas.count(HAD) == mas.count(ENDED) >= 2
    assert 401 not in [request.status for request in mas.requests]


def test_one_that_is_revoked_in_the_middle_of_a_list_is_renewed(mas, unique):
    """It says nothing of that: MAS answers 401."""
    users = a_list(unique, 4)
    creations = []

    def revoked(request):
        if request.route == "POST /users":
            creations.append(request)
            if len(creations) == 2:
                for row in mas.store.find("oauth2_sessions", finished_at=None):
                    if row["human_name"] is None:
                        now = mas.store.now()
                        mas.store.update("oauth2_sessions", row["oauth2_session_id"], finished_at=now)

    with setting(mas, before=revoked):
        reply = run_module(task(mas, users=users))
    assert reply.json["summary"]["created"] == 4, reply.json
    assert mas.count(HAD) == 2
    assert [request.status for request in mas.requests].count(401) == 1


def test_one_that_the_server_keeps_refusing_is_no_endless_loop(mas, unique):
    def refused(request):
        if request.template:
            return Reply(401, {"errors": [{"title": "Access token expired"}]})

    with setting(mas, before=refused):
        reply = fails(run_module(task(mas, username=unique("alice"))), "unauthorized", "just given")
    assert mas.count(HAD) == 2 and not reply.changed


def test_a_token_that_is_given_and_ends_is_not_replaced(mas, unique):
    token = mas.admin_token(human_name="x-harness")
    users = a_list(unique, 3)
    arguments = task(mas, mas_token=token, users=users)
    del arguments["mas_client_id"], arguments["mas_client_secret"]

    def over(request):
        if request.route == "POST /users" and request.json["username"] == users[1]["username"]:
            return Reply(401, {"errors": [{"title": "Access token expired"}]})

    with setting(mas, before=over):
        reply = fails(run_module(arguments), "unauthorized", "mas_token is over")
    assert reply.changed and reply.json["summary"]["created"] == 1
    # It would be refused for the others as well.
    assert mas.store.user_named(users[2]["username"]) is None


# It is ended


@pytest.mark.parametrize("status", [400, 403, 404, 409, 500])
def test_after_a_failure(mas, unique, status):
    def broken(request):
        if request.route == "POST /users":
            return Reply(status, {"errors": [{"title": "It does not go"}]})

    with setting(mas, before=broken):
        reply = run_module(task(mas, username=unique("alice"), retry_timeout=0))
    assert reply.failed and "It does not go" in reply.msg
    assert mas.count(HAD) == mas.count(ENDED) == 1


def test_in_check_mode(mas, unique):
    run_module(task(mas, username=unique("alice")), check=True)
    assert mas.count(HAD) == mas.count(ENDED) == 1


def test_after_a_signal_between_two_users(mas, unique):
    users = a_list(unique, 3)

    def interrupted(request, reply):
        if request.route == "POST /users/{id}/set-password" and mas.count(request.route) == 1:
            os.kill(running.process.pid, signal.SIGTERM)

    with setting(mas, after=interrupted):
        running = start_module(task(mas, users=users))
        reply = running.wait()
    fails(reply, "interrupted")
    assert reply.json["summary"]["created"] == 1
    assert mas.count(HAD) == mas.count(ENDED) == 1


def test_where_it_cannot_be_ended_a_warning_says_so(mas, unique):
    def cut(request):
        if request.route == ENDED:
            raise Dropped

    with setting(mas, before=cut):
        reply = succeeds(run_module(task(mas, username=unique("alice"))), "create")
    assert any("could not be revoked" in warning for warning in reply.json["warnings"])
    for row in mas.store.find("oauth2_sessions", finished_at=None):
        if row["human_name"] is None:
            mas.store.update("oauth2_sessions", row["oauth2_session_id"], finished_at=1)


# A signal lets the user under way be finished


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_while_a_user_is_made_lets_it_get_its_password(mas, unique, number):
    users = a_list(unique, 2, admin=True)

    def interrupted(request):
        if request.route == "POST /users":
            os.kill(running.process.pid, number)
            time.sleep(0.05)

    with setting(mas, before=interrupted):
        running = start_module(task(mas, users=users))
        reply = running.wait()
    fails(reply, "interrupted")
    first, second = users
    assert reply.json["summary"]["created"] == 1
    assert mas.has_password(first["username"], first["password"])
    assert mas.user(first["username"])["can_request_admin"]
    assert mas.store.user_named(second["username"]) is None
    # What is left of the list is the next run's.
    reply = run_module(task(mas, users=users))
    assert reply.json["summary"] | {"changed": 0} == {
        "created": 1, "changed": 0, "unchanged": 1, "failed": 0
    }, reply.json
