# SPDX-License-Identifier: GPL-3.0-or-later
"""What the homeserver has of an account that is with MAS: it is changed there, with
sessions that MAS makes for a minute, and that are revoked."""

import os
import signal

import pytest

from tests.servers.fields import FIELDS
from tests.servers.mas_proof import (
    at_homeserver,
    changes,
    facts,
    fails,
    has_nothing_to_do,
    is_refused,
    setting,
    succeeds,
    task,
    version,
)
from tests.servers.proof import agrees
from tests.support.mas_wire import Dropped
from tests.support.module import run_module, start_module

pytestmark = pytest.mark.usefixtures("nothing_left")

BEGIN, END = "POST /personal-sessions", "POST /personal-sessions/{id}/revoke"
THEIRS = [field for field in FIELDS if field.name in (
    "user_type", "avatar_url", "ratelimit", "suspended", "shadow_banned"
)]


@pytest.fixture
def alice(mas, unique):
    name = unique("alice")
    mas.create(name)
    return name


@pytest.mark.parametrize("field", THEIRS, ids=lambda field: field.name)
def test_a_field_of_the_homeserver_s_goes_from_value_to_value_and_back(mas, alice, field):
    was = field.untouched
    for step in field.steps(alice):
        changes(mas, task(mas, username=alice, **step.stated), [step.action], was, step.has)
        was = step.has
    assert mas.count(BEGIN) == mas.count(END) > 0


def test_a_display_name_is_set_and_cleared(mas, alice):
    was = {"displayname": alice}
    for stated, action, has in (
        ("Älice ✓", "set displayname", "Älice ✓"),
        ("B", "set displayname", "B"),
        ("", "clear displayname", None),
    ):
        changes(mas, task(mas, username=alice, displayname=stated), [action], was, {"displayname": has})
        was = {"displayname": has}


def test_a_display_name_that_is_so_takes_no_session(mas, alice):
    has_nothing_to_do(mas, task(mas, username=alice, displayname=alice))
    assert mas.count(BEGIN) == 0


def test_all_at_once_takes_one_session_more_than_looking(mas, alice):
    stated = {
        "displayname": "Alice",
        "avatar_url": "mxc://example.test/x",
        "user_type": "bot",
        "suspended": True,
        "shadow_banned": True,
        "ratelimit": {"messages_per_second": 5, "burst_count": 9},
        "admin": True,
    }
    reply = run_module(task(mas, username=alice, **stated))
    assert not reply.failed, reply.json
    agrees(facts(mas, alice), stated)
    assert mas.count(BEGIN) == mas.count(END) == 1
    has_nothing_to_do(mas, task(mas, username=alice, **stated))
    # What would come apart was never sent there.
    assert at_homeserver(mas, alice) == {"deactivated": False, "locked": False, "admin": False}


def test_a_list_shares_its_session(mas, unique):
    users = []
    for _ in range(5):
        users.append({"username": unique("alice"), "suspended": True})
        mas.create(users[-1]["username"])
    reply = run_module(task(mas, users=users))
    assert reply.json["summary"]["changed"] == 5, reply.json
    assert mas.count(BEGIN) == mas.count(END) == 1
    assert all(facts(mas, user["username"])["suspended"] for user in users)


def test_sessions_have_no_device_and_live_a_minute(mas, alice):
    succeeds(run_module(task(mas, username=alice, suspended=True)), "suspend")
    (body,) = [request.json for request in mas.requests if request.route == BEGIN]
    assert body["expires_in"] == 60 and "device" not in body["scope"]
    assert body["actor_user_id"] == mas.user(alice)["user_id"]


def test_a_locked_account_is_changed_by_an_administrator(mas, alice, unique):
    succeeds(run_module(task(mas, username=alice, locked=True)), "lock")
    mas.jobs.settle()
    mas.create(unique("root"), admin=True)
    arguments = task(mas, username=alice, displayname="Locked", suspended=True)
    reply = run_module(arguments)
    assert not reply.failed, reply.json
    agrees(facts(mas, alice), {"displayname": "Locked", "suspended": True, "locked": True})


def test_an_account_that_the_homeserver_lost_is_told(mas, unique):
    name = unique("alice")
    mas.adopt(name)
    for stated in ({"suspended": True}, {"displayname": "X"}):
        arguments = task(mas, username=name, **stated)
        reply = fails(run_module(arguments), "not_found", "provision-all-users")
        assert not reply.changed


# Where it cannot be done


def test_without_the_homeserver_s_address_it_is_refused(mas, alice, unique):
    for name in (alice, unique("bob")):
        arguments = mas.task(username=name, suspended=True)
        is_refused(mas, arguments, "invalid", "give url")
    assert mas.store.user_named(unique("bob")) is None
    # What MAS itself takes at a creation is refused the same: it could not be seen again.
    is_refused(mas, mas.task(username=alice, displayname="X"), "invalid", "give url")


def test_a_version_without_personal_sessions_is_told(mas, alice, unique):
    with version(mas, "1.4.0"):
        is_refused(mas, task(mas, username=alice, suspended=True), "unsupported", "1.5")
        is_refused(mas, task(mas, username=unique("bob"), suspended=True), "unsupported", "1.5")
        # A display name is shown to anybody.
        has_nothing_to_do(mas, task(mas, username=alice, displayname=alice))
        is_refused(mas, task(mas, username=alice, displayname="X"), "unsupported", "1.5")


# What is left behind


def active(mas):
    return mas.active_sessions()["personal_sessions"]


def test_sessions_are_revoked_after_a_failure(mas, alice):
    def breaks_down(request):
        if request.route == "POST /user-emails":
            raise Dropped

    stated = {"suspended": True, "emails": [f"{alice}@example.org"]}
    with setting(mas, before=breaks_down):
        reply = run_module(task(mas, username=alice, **stated))
    assert reply.failed and mas.count(BEGIN) == mas.count(END) == 1
    assert active(mas) == 0
    assert mas.count("POST /oauth2/revoke") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_sessions_are_revoked_after_a_signal(mas, alice, number):
    def interrupted(request, reply):
        if request.route == BEGIN:
            os.kill(running.process.pid, number)

    with setting(mas, after=interrupted):
        running = start_module(task(mas, username=alice, suspended=True))
        reply = running.wait()
    fails(reply, "interrupted")
    assert mas.count(BEGIN) == mas.count(END) == 1 and active(mas) == 0
    assert mas.count("POST /oauth2/revoke") == 1


def test_what_cannot_be_revoked_is_said_and_ends_by_itself(mas, alice):
    def cut(request):
        if request.route == END:
            raise Dropped

    arguments = task(mas, username=alice, suspended=True)
    with setting(mas, before=cut):
        reply = succeeds(run_module(arguments), "suspend")
    assert any("could not be revoked" in warning for warning in reply.json["warnings"])
    for row in mas.store.find("personal_sessions", revoked_at=None):
        mas.store.update("personal_sessions", row["personal_session_id"], revoked_at=1)
