# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords that the module makes up: told once, where one was due."""

import json

import pytest

from tests.servers.proof import (
    NEW,
    OLD,
    a_password,
    agrees,
    by_token,
    changes,
    deactivate,
    facts,
    has_nothing_to_do,
    is_refused,
    logs_in,
    predicted,
    ran_in_vain,
    run_module,
)
from tests.servers.proxy import HTML_502, Proxy


@pytest.fixture
def generated(way):
    """A task that makes up the password."""

    def task(**options):
        return way.task(generate_password=True, **options)

    return task


def test_a_new_account_has_the_password_that_is_told(unique, way, generated):
    name = unique("alice")
    task = generated(username=name)
    done = changes(way.server, task, ["create"], {}, {"password": NEW})
    password = done.json["user"]["generated_password"]
    assert logs_in(way.server, name, password)
    assert done.json["user"]["password_set"] is True
    # At that one place, and nowhere else.
    assert json.dumps(done.json).count(json.dumps(password)) == 1
    # Said once: nobody knows it now.
    again = has_nothing_to_do(way.server, task)
    assert "generated_password" not in again.json["user"]
    assert again.json["user"]["password_set"] is False


def test_check_mode_predicts_one_and_tells_none(unique, way, generated):
    reply = predicted(way.server, generated(username=unique("alice")))
    assert reply.changed and reply.json["actions"] == ["create"]
    assert reply.json["user"]["password_set"] is True
    assert "generated_password" not in reply.json["user"]
    assert reply.json["diff"][0]["after"]["password"] == NEW


def test_a_reactivated_account_has_one(unique, way, generated):
    name, old = unique("alice"), a_password()
    way.server.register(name, old)
    deactivate(way.server, name)
    done = changes(
        way.server,
        generated(username=name, reactivate=True),
        ["reactivate", "set password"],
        {"deactivated": True, "password": OLD},
        {"deactivated": False, "password": NEW},
    )
    assert logs_in(way.server, name, done.json["user"]["generated_password"])
    assert not logs_in(way.server, name, old)


def test_an_existing_account_keeps_the_one_it_has(unique, way, generated):
    name, password = unique("alice"), a_password()
    way.server.register(name, password)
    reply = has_nothing_to_do(way.server, generated(username=name))
    assert "generated_password" not in reply.json["user"]
    done = run_module(generated(username=name, displayname="A"))
    assert done.json["actions"] == ["set displayname"]
    assert "generated_password" not in done.json["user"]
    assert logs_in(way.server, name, password)


def test_everybody_of_a_list_has_one_of_their_own(unique, way, generated):
    names, old = [unique("alice") for _ in range(4)], unique("bob")
    way.server.register(old, a_password())
    users = [{"username": name, "generate_password": True} for name in (*names, old)]
    task = generated(users=users)
    del task["generate_password"]
    done = run_module(task)
    assert not done.failed, done.json
    told = [user.get("generated_password") for user in done.json["users"]]
    assert told[-1] is None
    assert len(set(told)) == 5
    for name, password in zip(names, told, strict=False):
        assert logs_in(way.server, name, password)
    again = ran_in_vain(way.server, task)
    assert not any("generated_password" in user for user in again.json["users"])


def test_they_are_long_and_never_the_same(synapse, unique):
    users = [{"username": unique("alice"), "generate_password": True} for _ in range(20)]
    done = run_module(by_token(synapse, users=users))
    told = [user["generated_password"] for user in done.json["users"]]
    assert len(set(told)) == 20
    for password in told:
        # 128 bits even if it were hexadecimal digits; bcrypt takes 72 bytes.
        assert 20 <= len(password) <= 72 and password.isascii() and password.isprintable()
        assert " " not in password
    # No place has the same character every time.
    for place in range(20):
        assert len({password[place] for password in told}) > 1


def test_a_failed_creation_tells_none(synapse, unique):
    owner, name = unique("owner"), unique("alice")
    synapse.register(owner, a_password())
    email = f"{owner}@example.org"
    synapse.change(owner, threepids=[{"medium": "email", "address": email}])
    task = by_token(synapse, username=name, generate_password=True, emails=[email])
    reply = is_refused(synapse, task, "conflict")
    assert "generated_password" not in reply.json["user"]


@pytest.mark.parametrize("broken", ["/override_ratelimit", "/v3/login"])
def test_one_that_was_set_is_told_even_if_what_comes_after_it_fails(synapse, unique, broken):
    # Nobody could ever know it otherwise.
    name = unique("alice")

    def rule(method, path):
        return (500, HTML_502) if method == "POST" and path.endswith(broken) else None

    with Proxy(synapse, rule) as proxy:
        task = by_token(
            synapse,
            url=proxy.url,
            username=name,
            generate_password=True,
            verify_login=True,
            ratelimit={"messages_per_second": 1, "burst_count": 1},
        )
        reply = run_module(task)
    assert reply.failed and reply.changed, reply.json
    assert logs_in(synapse, name, reply.json["user"]["generated_password"])


def test_the_rest_of_a_new_account_is_as_stated(unique, way, generated):
    name = unique("alice")
    task = generated(username=name, admin=True, displayname="A", emails=[f"{name}@a.example"])
    done = run_module(task)
    assert done.json["actions"] == ["create"], done.json
    agrees(
        facts(way.server, name),
        {"admin": True, "displayname": "A", "emails": [f"{name}@a.example"]},
    )
    has_nothing_to_do(way.server, task)


@pytest.mark.parametrize(
    "stated",
    [
        {"password": "a password"},
        {"update_password": "always"},
        {"if_exists": "match"},
        {"state": "deactivated"},
        {"password": "a password", "if_exists": "match"},
    ],
    ids=str,
)
def test_it_excludes_what_needs_a_password_that_is_known(synapse, unique, stated):
    name = unique("alice")
    synapse.register(name, a_password())
    for localpart in (name, unique("nobody")):
        task = by_token(synapse, username=localpart, generate_password=True, **stated)
        assert "generate_password" in is_refused(synapse, task, "invalid").msg


def test_it_may_be_turned_off(synapse, unique):
    name, password = unique("alice"), a_password()
    task = by_token(synapse, username=name, password=password, generate_password=False)
    done = run_module(task)
    assert done.json["actions"] == ["create"] and "generated_password" not in done.json["user"]
    assert logs_in(synapse, name, password)
