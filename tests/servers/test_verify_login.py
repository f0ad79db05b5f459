# SPDX-License-Identifier: GPL-3.0-or-later
"""verify_login: the password opens the account in the end, as its owner's client
would open it; and nothing is left of that."""

import pytest

from tests.servers.proof import (
    a_password,
    by_nothing,
    by_secret,
    by_token,
    deactivate,
    has_nothing_to_do,
    is_refused,
    logs_in,
    predicted,
    ran_in_vain,
    requests_during,
    run_module,
    sessions_of,
)
from tests.support.synapse import Synapse

LOGIN = "POST /_matrix/client/v3/login"
LOGOUT = "POST /_matrix/client/v3/logout"


def verified(server, name, password, **options):
    return by_token(server, username=name, password=password, verify_login=True, **options)


def test_a_new_account_is_logged_in_to_and_out_of(unique, way):
    name, password = unique("alice"), a_password()
    task = way.task(username=name, password=password, verify_login=True)
    requests = requests_during(way.server, lambda: run_module(task))
    # The service account may log in, too.
    assert 1 <= requests.count(LOGIN) == requests.count(LOGOUT) <= 2
    assert way.server.devices(name) == [] and sessions_of(way.server, name) == 0
    again = ran_in_vain(way.server, task)
    assert not again.failed and not again.changed, again.json


def test_a_new_account_of_the_registration_is_verified(any_synapse, unique):
    name, password = unique("alice"), a_password()
    task = by_secret(any_synapse, username=name, password=password, verify_login=True)
    done = run_module(task)
    assert done.json["actions"] == ["create"] and not done.failed, done.json
    assert any_synapse.devices(name) == []
    requests = requests_during(any_synapse, lambda: ran_in_vain(any_synapse, task))
    assert requests.count(LOGIN) >= 1 and requests.count(LOGIN) == requests.count(LOGOUT)


def test_a_generated_password_is_verified(any_synapse, unique):
    name = unique("alice")
    task = by_token(any_synapse, username=name, generate_password=True, verify_login=True)
    requests = requests_during(any_synapse, lambda: run_module(task))
    assert requests.count(LOGIN) == requests.count(LOGOUT) == 1
    assert any_synapse.devices(name) == []


def test_the_devices_of_the_account_stay_as_they_are(any_synapse, unique):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password)
    token = any_synapse.login(name, password)
    before = any_synapse.devices(name)
    # has_nothing_to_do compares devices and sessions; check mode warns, so it
    # is looked at elsewhere.
    reply = ran_in_vain(any_synapse, verified(any_synapse, name, password))
    assert not reply.failed and not reply.changed, reply.json
    after = any_synapse.devices(name)
    assert [d["device_id"] for d in after] == [d["device_id"] for d in before]
    any_synapse.logout(token)


def test_another_password_of_an_existing_account_fails_the_task(
    unique, way
):
    # update_password: on_create leaves it alone, and so it is not the one stated.
    name, password, other = unique("alice"), a_password(), a_password()
    way.server.register(name, password)
    task = way.task(username=name, password=other, verify_login=True)
    reply = is_refused(way.server, task, "unauthorized", in_check_mode=False)
    assert "verify_login" in reply.msg and way.server.user_id(name) in reply.msg
    assert logs_in(way.server, name, password)


def test_what_was_changed_before_it_failed_is_told(any_synapse, unique):
    name = unique("alice")
    any_synapse.register(name, a_password())
    reply = run_module(verified(any_synapse, name, a_password(), displayname="A"), diff=True)
    assert reply.failed and reply.kind == "unauthorized" and reply.changed, reply.json
    assert reply.json["user"]["actions"] == ["set displayname"]
    assert any_synapse.user(name)["displayname"] == "A"


def test_with_always_the_new_password_opens_it(any_synapse, unique):
    name, new = unique("alice"), a_password()
    any_synapse.register(name, a_password())
    task = verified(any_synapse, name, new, update_password="always")
    done = run_module(task)
    assert done.json["actions"] == ["set password"], done.json
    again = ran_in_vain(any_synapse, task)
    assert not again.failed and not again.changed, again.json


@pytest.mark.parametrize("how", ["stated", "already"])
def test_a_locked_account_does_not_open(any_synapse, unique, how):
    # synapse/rest/client/login.py: 401 M_USER_LOCKED; 1.103 lets it in, and then
    # refuses the token (synapse/api/auth/internal.py).
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password)
    stated = {}
    if how == "already":
        any_synapse.change(name, locked=True)
    else:
        stated = {"locked": True}
    reply = run_module(verified(any_synapse, name, password, **stated))
    assert reply.failed and "locked" in reply.msg, reply.json
    assert reply.changed is bool(stated)
    assert any_synapse.user(name)["locked"] is True
    assert any_synapse.devices(name) == [] and sessions_of(any_synapse, name) == 0


def test_a_suspended_account_opens(synapse, unique):
    # A suspended user may log in, and read (MSC3823).
    name, password = unique("alice"), a_password()
    synapse.register(name, password)
    done = run_module(verified(synapse, name, password, suspended=True))
    assert done.json["actions"] == ["suspend"] and not done.failed, done.json


def test_a_reactivated_account_opens(any_synapse, unique):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, a_password())
    deactivate(any_synapse, name)
    done = run_module(verified(any_synapse, name, password, reactivate=True))
    assert done.json["actions"] == ["reactivate", "set password"] and not done.failed, done.json


def test_check_mode_leaves_it_out_and_says_so(any_synapse, unique):
    name = unique("alice")
    any_synapse.register(name, a_password())
    for localpart in (name, unique("bob")):
        task = verified(any_synapse, localpart, a_password())
        requests = requests_during(any_synapse, lambda: predicted(any_synapse, task))  # noqa: B023
        assert LOGIN not in requests
        reply = predicted(any_synapse, task)
        assert not reply.failed
        assert any("verify_login" in warning for warning in reply.json["warnings"])


def test_more_than_three_are_refused_before_anything_is_sent(synapse, unique):
    password = a_password()
    users = [
        {"username": unique("alice"), "password": password, "verify_login": True}
        for _ in range(4)
    ]
    task = by_token(synapse, users=users)
    assert requests_during(synapse, lambda: run_module(task)) == []
    reply = is_refused(synapse, task, "invalid")
    assert "verify_login" in reply.msg

    done = run_module(by_token(synapse, users=users[:3]))
    assert not done.failed and done.json["summary"]["created"] == 3, done.json


def test_the_one_that_does_not_open_fails_alone(synapse, unique):
    good, bad = unique("alice"), unique("bob")
    synapse.register(bad, a_password())
    users = [
        {"username": name, "password": a_password(), "verify_login": True}
        for name in (bad, good)
    ]
    reply = run_module(by_token(synapse, users=users))
    assert reply.failed and reply.kind == "unauthorized", reply.json
    assert [user.get("failed", False) for user in reply.json["users"]] == [True, False]
    assert synapse.user(good) is not None


def test_it_needs_a_password_to_log_in_with(synapse, unique):
    task = by_token(synapse, username=unique("alice"), verify_login=True)
    reply = is_refused(synapse, task, "invalid")
    assert "verify_login" in reply.msg and "password" in reply.msg


def test_with_match_it_is_one_more_login_at_most(synapse, unique):
    name, password = unique("alice"), a_password()
    synapse.register(name, password)
    task = by_nothing(
        synapse, username=name, password=password, if_exists="match", verify_login=True
    )
    requests = requests_during(synapse, lambda: ran_in_vain(synapse, task))
    assert 1 <= requests.count(LOGIN) <= 2
    assert requests.count(LOGIN) == requests.count(LOGOUT)


def test_where_nobody_logs_in_with_a_password_it_says_so():
    with Synapse(config={"password_config": {"enabled": False}}) as server:
        server.register("bob", a_password())
        for name in ("alice", "bob"):
            task = verified(server, name, a_password(), displayname="A")
            assert "verify_login" in is_refused(server, task, "unsupported").msg


def test_without_it_no_login_is_spent(synapse, unique):
    name, password = unique("alice"), a_password()
    synapse.register(name, password)
    task = verified(synapse, name, password) | {"verify_login": False}
    has_nothing_to_do(synapse, task)
    requests = requests_during(synapse, lambda: run_module(task))
    assert LOGIN not in requests
