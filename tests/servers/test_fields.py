# SPDX-License-Identifier: GPL-3.0-or-later
"""Every field: set, set to something else, cleared; each time predicted, shown,
and found as it should be afterwards. As an administrator's token may, and as the
shared secret may, with a session file and without one."""

import pytest

from tests.servers.fields import FIELDS, WAYS, all_of, known_to
from tests.servers.proof import (
    NEW,
    a_password,
    agrees,
    by_token,
    changes,
    facts,
    has_nothing_to_do,
    is_refused,
    logs_in,
    run_module,
    session_is_alive,
    sessions_of,
)

AUTHENTICATED_BY = {
    "token": "access_token",
    "secret": "registration_shared_secret",
    "session": "registration_shared_secret",
}


# Each way with each field that its server has; what the oldest one lacks is in
# test_floor.py.
each_field_each_way = pytest.mark.parametrize(
    ("way", "field"),
    [
        pytest.param(way, field, id=f"{way}-{field.name}")
        for way in WAYS
        for field in FIELDS
        if known_to(way.partition("-")[0], field)
    ],
    indirect=["way"],
)


@each_field_each_way
def test_a_field_is_set_changed_and_cleared(unique, way, field):
    name, task = unique("alice"), way.task
    way.server.register(name, a_password())
    before = field.untouched
    for step in field.steps(name):
        stated = task(username=name, **step.stated)
        done = changes(way.server, stated, [step.action], before, step.has)
        assert done.json["authenticated_by"] == AUTHENTICATED_BY[way.name]
        agrees(facts(way.server, name), step.has)
        before = step.has


@each_field_each_way
def test_a_new_account_has_the_field_that_is_stated(unique, way, field):
    name, password = unique("alice"), a_password()
    step = field.first(name)
    task = way.task(username=name, password=password, **step.stated)
    changes(way.server, task, ["create"], {}, {"password": NEW} | step.has)
    agrees(facts(way.server, name), step.has)
    assert sessions_of(way.server, name) == 0 and way.server.devices(name) == []


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_a_field_that_is_not_stated_is_left_alone(synapse, unique, field):
    name = unique("alice")
    synapse.register(name, a_password())
    step = field.first(name)
    assert run_module(by_token(synapse, username=name, **step.stated)).changed
    for stated in ({}, dict.fromkeys(step.stated), {"admin": False}):
        has_nothing_to_do(synapse, by_token(synapse, username=name, **stated))
    done = run_module(by_token(synapse, username=name, displayname="Alice"))
    assert done.json["actions"] == ["set displayname"]
    agrees(facts(synapse, name), step.has)


def test_all_fields_at_once_are_set_and_cleared(unique, way):
    name, task = unique("alice"), way.task
    way.server.register(name, a_password())
    stated, has = all_of(way.server, name, 0)
    untouched = {key: value for key, value in facts(way.server, name).items() if key in has}
    # In the order of the account's fields, which is the order of the reply.
    actions = [step.action for step in steps(way.server, name, 0)]
    changes(way.server, task(username=name, **stated), actions, untouched, has)

    stated, cleared = all_of(way.server, name, -1)
    actions = [step.action for step in steps(way.server, name, -1)]
    changes(way.server, task(username=name, **stated), actions, has, cleared)
    agrees(facts(way.server, name), cleared)


def steps(server, name, number):
    return [field.steps(name)[number] for field in FIELDS if known_to(server.version, field)]


def test_a_new_account_has_all_fields_that_are_stated(unique, way):
    name, password = unique("alice"), a_password()
    stated, has = all_of(way.server, name, 0)
    task = way.task(
        username=name, password=password, admin=True, displayname="Alice", **stated
    )
    has |= {"admin": True, "displayname": "Alice"}
    changes(way.server, task, ["create"], {}, {"password": NEW} | has)
    agrees(facts(way.server, name), has)


def test_a_list_gets_its_fields_user_by_user(unique, way):
    names = [unique("alice") for _ in range(3)]
    way.server.register(names[0], a_password())
    users = [{"username": name} | all_of(way.server, name, 0)[0] for name in names]
    task = way.task(users=users)
    done = run_module(task)
    assert done.json["summary"] == {"created": 2, "changed": 1, "unchanged": 0, "failed": 0}
    for name in names:
        agrees(facts(way.server, name), all_of(way.server, name, 0)[1])
    again = run_module(task)
    assert again.json["summary"]["unchanged"] == 3 and not again.changed, again.json


@pytest.mark.parametrize("name_of_it", ["user", ""])
def test_an_ordinary_user_has_no_type(unique, way, name_of_it):
    name = unique("alice")
    way.server.register(name, a_password())
    task = way.task(username=name, user_type=name_of_it)
    reply = has_nothing_to_do(way.server, task)
    assert reply.json["user"]["user_type"] is None
    way.server.change(name, user_type="bot")
    changes(way.server, task, ["clear user_type"], {"user_type": "bot"}, {"user_type": None})


def test_a_type_that_the_server_does_not_have_changes_nothing(unique, way):
    # synapse/rest/admin/users.py: 400 "Invalid user type", before anything else
    # of the request; what a server allows, nobody tells beforehand.
    name, absent = unique("alice"), unique("bob")
    way.server.register(name, a_password())
    for localpart in (name, absent):
        task = way.task(
            username=localpart,
            password=a_password(),
            user_type="no such type",
            displayname="X",
            shadow_banned=True,
        )
        reply = is_refused(way.server, task, "invalid", in_check_mode=False)
        assert "user_type" in reply.msg
    assert way.server.user(absent) is None


def test_the_registration_gives_a_new_account_its_type(any_synapse, unique):
    # Without a service account: the type is a part of the MAC.
    name, password = unique("bot"), a_password()
    task = {
        "url": any_synapse.url,
        "server_name": any_synapse.server_name,
        "registration_shared_secret": any_synapse.secret,
        "username": name,
        "password": password,
        "user_type": "bot",
        "if_exists": "match",
    }
    before = set(any_synapse.user_names())
    reply = run_module(task)
    assert reply.json["actions"] == ["create"], reply.json
    assert any_synapse.user(name)["user_type"] == "bot"
    assert set(any_synapse.user_names()) - before == {any_synapse.user_id(name)}
    assert logs_in(any_synapse, name, password)


def test_a_locked_account_keeps_its_sessions_and_its_password(any_synapse, unique):
    # synapse/api/auth/internal.py: a locked user's token is refused, not deleted.
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password)
    token = any_synapse.login(name, password)
    assert run_module(by_token(any_synapse, username=name, locked=True)).changed
    assert not session_is_alive(any_synapse, token) and sessions_of(any_synapse, name) == 1
    assert run_module(by_token(any_synapse, username=name, locked=False)).changed
    assert session_is_alive(any_synapse, token)
    assert logs_in(any_synapse, name, password)
    any_synapse.logout(token)


@pytest.mark.parametrize(
    ("stated", "option"),
    [
        ({"ratelimit": {"messages_per_second": 5}}, "burst_count"),
        ({"ratelimit": {"burst_count": 5}}, "messages_per_second"),
        ({"ratelimit": {"messages_per_second": -1, "burst_count": 5}}, "messages_per_second"),
        ({"ratelimit": {"messages_per_second": 1, "burst_count": "x"}}, "burst_count"),
        ({"external_ids": [{"provider": "saml"}]}, "id"),
        ({"external_ids": [{"id": "1"}]}, "provider"),
        ({"emails_mode": "replace"}, "emails_mode"),
        # synapse/handlers/profile.py: MAX_AVATAR_URL_LEN = 1000
        ({"avatar_url": "mxc://example.test/" + "x" * 982}, "avatar_url"),
    ],
    ids=str,
)
def test_what_no_server_takes_is_refused_unsent(synapse, unique, stated, option):
    task = by_token(synapse, username=unique("alice"), **stated)
    assert option in is_refused(synapse, task, "invalid").msg
