# SPDX-License-Identifier: GPL-3.0-or-later
"""What the oldest Synapse does not have is refused by its name, and nothing else is
done then."""

import pytest

from tests.servers.proof import (
    NEW,
    a_password,
    by_token,
    changes,
    deactivate,
    facts,
    has_nothing_to_do,
    is_refused,
    run_module,
)


def says_why(reply):
    # Suspending is for all since Synapse 1.122 (docs/admin_api/user_admin_api.md).
    for part in ("suspended", "1.122", "1.103.0"):
        assert part in reply.msg


@pytest.fixture(params=["token", "secret", "session"])
def task(request, synapse_floor, ways):
    return ways(synapse_floor)[request.param]


@pytest.mark.parametrize("suspended", [True, False])
def test_suspended_is_refused_and_nothing_is_changed(
    synapse_floor, unique, task, suspended
):
    name = unique("alice")
    synapse_floor.register(name, a_password())
    stated = {"displayname": "A", "admin": True, "locked": True, "suspended": suspended}
    reply = is_refused(synapse_floor, task(username=name, **stated), "unsupported")
    says_why(reply)


def test_suspended_is_refused_for_a_new_account_and_none_is_made(
    synapse_floor, unique, task
):
    name = unique("alice")
    stated = task(username=name, password=a_password(), suspended=True)
    says_why(is_refused(synapse_floor, stated, "unsupported"))
    assert synapse_floor.user(name) is None


def test_suspended_is_refused_for_an_account_that_would_be_activated(
    synapse_floor, unique
):
    name = unique("alice")
    synapse_floor.register(name, a_password())
    deactivate(synapse_floor, name)
    task = by_token(
        synapse_floor,
        username=name,
        password=a_password(),
        suspended=True,
        reactivate=True,
    )
    says_why(is_refused(synapse_floor, task, "unsupported"))
    assert synapse_floor.user(name)["deactivated"] is True


def test_suspended_in_a_list_is_told_of_the_one_that_states_it(synapse_floor, unique):
    good, bad = unique("alice"), unique("bob")
    users = [{"username": bad, "suspended": True}, {"username": good}]
    reply = run_module(by_token(synapse_floor, users=users))
    assert reply.failed and reply.kind == "unsupported", reply.json
    says_why(reply)
    assert synapse_floor.user(bad) is None


def test_nothing_is_said_of_it_where_it_is_not_stated(synapse_floor, unique):
    name = unique("alice")
    synapse_floor.register(name, a_password())
    reply = has_nothing_to_do(synapse_floor, by_token(synapse_floor, username=name))
    assert "suspended" not in reply.json["user"]
    assert "warnings" not in reply.json


def test_a_type_of_a_servers_own_is_refused_by_the_server(synapse_floor, unique):
    # user_types.extra_user_types came later (synapse/api/constants.py,
    # UserTypes.ALL_USER_TYPES).
    name = unique("alice")
    synapse_floor.register(name, a_password())
    task = by_token(synapse_floor, username=name, user_type="employee", displayname="A")
    reply = is_refused(synapse_floor, task, "invalid", in_check_mode=False)
    assert "user_type" in reply.msg


def test_an_account_with_all_that_the_oldest_has_can_be_had(synapse_floor, unique):
    name = unique("alice")
    task = by_token(
        synapse_floor, username=name, password=a_password(), locked=True, shadow_banned=True
    )
    after = {"locked": True, "shadow_banned": True, "password": NEW}
    changes(synapse_floor, task, ["create"], {}, after)
    assert "suspended" not in facts(synapse_floor, name)
