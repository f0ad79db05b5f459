# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that are not there yet, or not there any more."""

import time

import pytest

from tests.servers.proof import a_password, by_secret, logs_in
from tests.support.module import run_module, start_module
from tests.support.synapse import Synapse

# So that a list takes a while: some 50 ms each.
SLOW_PASSWORDS = {"bcrypt_rounds": 9}


@pytest.mark.slow
def test_a_server_that_starts_ten_seconds_late_is_waited_for():
    with Synapse(start=False) as server:
        password = a_password()
        task = by_secret(server, username="alice", password=password, wait_timeout=60)
        running = start_module(task)
        time.sleep(10)
        assert running.process.poll() is None, "it did not wait"
        server.start()
        reply = running.wait()
        assert reply.json["actions"] == ["create"], reply.json
        assert reply.seconds > 10
        assert logs_in(server, "alice", password)


def test_a_server_that_is_not_there_is_told_at_once_or_when_the_time_is_over():
    server = Synapse(start=False)
    try:
        task = by_secret(server, username="alice", password=a_password())
        for check in (False, True):
            reply = run_module(task, check=check)
            assert reply.kind == "unreachable", reply.json
            assert not reply.changed and server.url in reply.msg
            assert reply.seconds < 4
        reply = run_module(task | {"wait_timeout": 2})
        assert reply.kind == "unreachable", reply.json
        assert 1.5 < reply.seconds < 10
    finally:
        server.close()


def test_a_server_that_is_up_is_not_waited_for(synapse, unique):
    task = by_secret(synapse, username=unique("alice"), password=a_password(), wait_timeout=60)
    reply = run_module(task)
    assert reply.changed and reply.seconds < 10


def ends_in_the_middle(server, task):
    """The reply of a list whose server is stopped after a few of its users."""
    running = start_module(task)
    while len(server.user_names()) < 5:
        assert running.process.poll() is None, "the list was over too soon"
        time.sleep(0.01)
    server.stop()
    return running.wait()


def test_a_server_that_stops_in_the_middle_of_a_list_ends_it_and_a_rerun_completes_it():
    users = [{"username": f"user-{n}", "password": a_password()} for n in range(30)]
    with Synapse(config=SLOW_PASSWORDS) as server:
        task = by_secret(server, users=users)
        reply = ends_in_the_middle(server, task)
        assert reply.failed and reply.changed, reply.json
        assert reply.kind in ("unreachable", "not_ready"), reply.json
        entries = reply.json["users"]
        created = [user["username"] for user in entries if user["actions"] == ["create"]]
        # All are told of, in their order: the done ones, the one that met the
        # end, and those whose turn did not come.
        assert [user["username"] for user in entries] == [u["username"] for u in users]
        assert created == [f"user-{n}" for n in range(len(created))]
        assert 3 <= len(created) < 30
        met, untried = entries[len(created)], entries[len(created) + 1 :]
        assert met["failed"] is True and met["error"]["kind"] == reply.kind
        assert not any(user["changed"] or user.get("failed") for user in untried)
        assert [user["tried"] for user in untried] == [False] * len(untried)
        assert reply.json["summary"]["created"] == len(created)
        assert reply.json["summary"]["failed"] == 1

        server.start()
        there = set(server.user_names())
        # What was told as created is there; of the last one nobody knows.
        told = {server.user_id(name) for name in created}
        unsure = {server.user_id(f"user-{len(created)}")}
        assert told <= there <= told | unsure

        again = run_module(task)
        assert not again.failed and again.changed, again.json
        assert again.json["summary"]["created"] == 30 - len(there)
        assert again.json["summary"]["unchanged"] == len(there)
        for user in (users[0], users[len(created)], users[-1]):
            assert logs_in(server, user["username"], user["password"])


def test_a_task_waits_for_a_server_that_restarts_in_the_middle():
    users = [{"username": f"user-{n}", "password": a_password()} for n in range(30)]
    with Synapse(config=SLOW_PASSWORDS) as server:
        task = by_secret(server, users=users, wait_timeout=60)
        running = start_module(task)
        while len(server.user_names()) < 5:
            assert running.process.poll() is None, "the list was over too soon"
            time.sleep(0.01)
        server.stop()
        server.start()
        reply = running.wait()
        assert not reply.failed, reply.json
        assert reply.json["summary"]["created"] == 30
        assert len(server.user_names()) == 30
        again = run_module(task)
        assert not again.failed and not again.changed, again.json
