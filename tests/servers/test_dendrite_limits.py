# SPDX-License-Identifier: GPL-3.0-or-later
"""The rate limits of a fresh Dendrite: five requests at once, then one in half a
second (setup/config/config_clientapi.go). They are obeyed, and nothing fails."""

import pytest

from tests.servers.dendrites import sessions, with_secret, with_service
from tests.servers.proof import SERVICE, a_password, logs_in, run_module
from tests.support.dendrite import Dendrite

USERS = 20


@pytest.fixture(scope="module")
def limited():
    with Dendrite(default_limits=True) as server:
        yield server


def test_ten_registrations_in_a_row_meet_no_limit_that_fails_them(limited, unique):
    for _ in range(10):
        name = unique("alice")
        reply = run_module(with_secret(limited, username=name, password=a_password()))
        assert reply.json["actions"] == ["create"] and "warnings" not in reply.json, reply.json
        assert sessions(limited, name) == []


def test_a_list_of_twenty_is_made_and_its_passwords_asked_about_and_set(limited, unique):
    users = [{"username": unique("alice"), "password": a_password()} for _ in range(USERS)]
    made = run_module(with_service(limited, users=users))
    assert made.json["summary"]["created"] == USERS, made.json
    assert limited.account(SERVICE) is None

    for user in users:
        user["update_password"] = "always"
    asked = run_module(with_service(limited, users=users))
    assert not asked.failed and asked.json["summary"]["unchanged"] == USERS, asked.json
    users[7]["password"] = a_password()
    again = run_module(with_service(limited, users=users))
    assert [user["actions"] for user in again.json["users"] if user["changed"]] == [
        ["set password"]
    ], again.json
    assert logs_in(limited, users[7]["username"], users[7]["password"])
    assert limited.devices() == []


def test_a_task_that_may_not_wait_says_how_long_it_would_have_to(limited, unique):
    users = [{"username": unique("alice"), "password": a_password()} for _ in range(USERS)]
    # Requests are counted by connection, and a task has one.
    reply = run_module(with_secret(limited, users=users, retry_timeout=0))
    assert reply.failed and reply.kind == "rate_limited", reply.json
    assert reply.json["error"]["retry_after_ms"] > 0
    # A rerun that may wait goes on where it stopped.
    again = run_module(with_secret(limited, users=users))
    made = reply.json["summary"]["created"] + again.json["summary"]["created"]
    assert not again.failed and made == USERS, again.json
