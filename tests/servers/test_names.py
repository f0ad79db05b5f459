# SPDX-License-Identifier: GPL-3.0-or-later
"""User names and server names: which are taken, and as what."""

import sqlite3

import pytest

from tests.servers.proof import (
    NEW,
    a_password,
    by_nothing,
    by_secret,
    by_token,
    changes,
    has_nothing_to_do,
    is_refused,
    logs_in,
    predicted,
    requests_during,
    run_module,
    sessions_of,
)
from tests.support.synapse import Synapse

LISTENER_RESOURCES = [{"names": ["client", "federation"], "compress": False}]


def account(displayname, admin=False):
    return {"admin": admin, "deactivated": False, "displayname": displayname}


@pytest.fixture(scope="module")
def askable():
    """A server whose name anybody may ask for, as on most deployments: its
    listener serves the federation, too."""
    server = Synapse(start=False)
    server.config["listeners"][0]["resources"] = LISTENER_RESOURCES
    server.config["server_notices"] = {"system_mxid_localpart": "notices"}
    with server:
        server.start()
        yield server


@pytest.fixture(scope="module")
def old_server():
    """A server with an account of the time when ids could have capitals."""
    with Synapse() as server:
        server.admin_token  # noqa: B018  made while the server is there
        server.stop()
        database = sqlite3.connect(server.config["database"]["args"]["database"])
        user_id = server.user_id("Historical.Alice")
        with database:
            database.execute(
                "INSERT INTO users (name, creation_ts, admin, is_guest, deactivated)"
                " VALUES (?, 1400000000, 0, 0, 0)",
                (user_id,),
            )
            database.execute(
                "INSERT INTO profiles (user_id, displayname, full_user_id) VALUES (?, ?, ?)",
                ("Historical.Alice", "Historical.Alice", user_id),
            )
        database.close()
        server.start()
        yield server


def test_upper_case_is_lowered_with_a_warning(any_synapse, unique):
    for credential in (by_secret, by_token):
        name, password = unique("alice"), a_password()
        task = credential(any_synapse, username=name.upper(), password=password)
        done = changes(any_synapse, task, ["create"], {}, account(name) | {"password": NEW})
        assert done.json["user"]["username"] == name
        assert done.json["user"]["user_id"] == any_synapse.user_id(name)
        assert any(name.upper() in warning for warning in done.json["warnings"])
        has_nothing_to_do(any_synapse, credential(any_synapse, username=name))
        assert logs_in(any_synapse, name, password)


def test_a_lower_case_name_needs_no_warning(any_synapse, unique):
    for credential in (by_secret, by_token):
        task = credential(any_synapse, username=unique("alice"), password=a_password())
        assert "warnings" not in run_module(task).json


def test_a_historical_id_with_capitals_is_taken_as_it_is(old_server):
    before = set(old_server.user_names())
    task = by_token(old_server, username="Historical.Alice", admin=True)
    done = changes(
        old_server,
        task,
        ["set admin"],
        account("Historical.Alice"),
        account("Historical.Alice", admin=True),
    )
    assert done.json["user"]["user_id"] == "@Historical.Alice:example.test"
    assert not done.json.get("warnings")
    full_id = by_token(old_server, username="@Historical.Alice:example.test", admin=True)
    has_nothing_to_do(old_server, full_id)
    assert set(old_server.user_names()) == before


def test_a_name_that_differs_from_a_historical_id_by_case_alone_is_a_conflict(old_server):
    # synapse/handlers/register.py, check_username: names are compared without
    # regard to case.
    before = old_server.user_names()
    for name in ("historical.alice", "HISTORICAL.ALICE"):
        task = by_token(old_server, username=name, password=a_password())
        is_refused(old_server, task, "conflict")
    assert old_server.user_names() == before


def test_digits_only_are_refused_by_either_credential(any_synapse):
    # synapse/handlers/register.py: "Numeric user IDs are reserved for guest users."
    for credential in (by_secret, by_token):
        task = credential(any_synapse, username="1234567", password=a_password())
        reply = is_refused(any_synapse, task, "invalid")
        assert "1234567" in reply.msg
    assert any_synapse.user("1234567") is None


def test_a_leading_underscore_is_refused_by_either_credential(any_synapse, unique):
    # synapse/handlers/register.py: "User ID may not begin with _"
    name = "_" + unique("bridge")
    reply = is_refused(
        any_synapse, by_token(any_synapse, username=name, password=a_password()), "invalid"
    )
    assert reply.json["error"]["errcode"] == "M_INVALID_USERNAME"
    # A server may allow it, and without an administrator there is no asking.
    task = by_secret(any_synapse, username=name, password=a_password())
    is_refused(any_synapse, task, "invalid", in_check_mode=False)
    prediction = predicted(any_synapse, task)
    assert prediction.failed or prediction.json["user"]["guess"] is True
    assert any_synapse.user(name) is None


def test_the_servers_own_name_is_refused_by_either_credential(askable):
    # synapse/handlers/register.py, check_user_id_not_appservice_exclusive and
    # check_username: 400 M_EXCLUSIVE
    task = by_token(askable, username="notices", password=a_password())
    reply = is_refused(askable, task, "policy")
    assert reply.json["error"]["errcode"] == "M_EXCLUSIVE"
    task = by_secret(askable, username="notices", password=a_password())
    is_refused(askable, task, "policy", in_check_mode=False)
    assert askable.user("notices") is None


def test_a_user_id_has_up_to_255_characters(any_synapse, unique):
    # synapse/api/constants.py: MAX_USERID_LENGTH = 255, "@" and ":" included
    room = 255 - len("@:") - len(any_synapse.server_name)
    for credential in (by_secret, by_token):
        stem = unique("long") + "-"
        longest = stem + "x" * (room - len(stem))
        password = a_password()
        task = credential(any_synapse, username=longest, password=password)
        done = changes(any_synapse, task, ["create"], {}, account(longest) | {"password": NEW})
        assert len(done.json["user"]["user_id"]) == 255
        assert logs_in(any_synapse, longest, password)
        is_refused(any_synapse, task | {"username": longest + "x"}, "invalid")


def test_a_name_too_long_for_a_server_that_does_not_tell_its_name_is_refused_by_it(
    synapse, unique
):
    stem = unique("long") + "-"
    name = stem + "x" * (256 - len("@:") - len(synapse.server_name) - len(stem))
    task = {
        "url": synapse.url,
        "registration_shared_secret": synapse.secret,
        "username": name,
        "password": a_password(),
    }
    is_refused(synapse, task, "invalid", in_check_mode=False)


def test_a_slash_and_the_other_odd_characters_are_part_of_a_name(any_synapse, unique):
    # Specification, "User Identifiers": a-z 0-9 . _ = - / +
    for credential in (by_secret, by_token):
        name, password = unique("a/b+c=d.e_f-"), a_password()
        task = credential(any_synapse, username=name, password=password, if_exists="match")
        changes(any_synapse, task, ["create"], {}, account(name) | {"password": NEW})
        assert any_synapse.user_id(name) in any_synapse.user_names()
        assert logs_in(any_synapse, name, password)
        has_nothing_to_do(
            any_synapse,
            by_nothing(any_synapse, username=name, password=password, if_exists="match"),
        )
        task = by_token(
            any_synapse,
            username=name,
            password=a_password(),
            update_password="always",
            displayname="A/B",
        )
        assert run_module(task).json["actions"] == ["set displayname", "set password"]
        has_nothing_to_do(any_synapse, task)
        task = by_token(any_synapse, username=name, state="deactivated")
        assert run_module(task).changed
        assert sessions_of(any_synapse, name) == 0


@pytest.mark.parametrize(
    "name", ["zoë", "алиса", "al ice", "alice!", "a@b", "alice\n", "%61lice", "a:b", "", "@"]
)
def test_a_name_with_another_character_is_refused_before_anything_is_sent(synapse, name):
    for credential in (by_secret, by_token):
        task = credential(synapse, username=name, password=a_password())
        assert requests_during(synapse, lambda: run_module(task)) == []  # noqa: B023
        is_refused(synapse, task, "invalid")


def test_a_full_id_of_this_server_is_its_localpart(any_synapse, unique):
    for credential in (by_secret, by_token):
        name = unique("alice")
        task = credential(
            any_synapse, username=any_synapse.user_id(name), password=a_password()
        )
        done = changes(any_synapse, task, ["create"], {}, account(name) | {"password": NEW})
        assert done.json["user"]["username"] == name
        has_nothing_to_do(any_synapse, credential(any_synapse, username=name))


def test_a_full_id_of_another_server_is_refused(any_synapse, askable, unique):
    name = unique("alice")
    other = f"@{name}:other.test"
    unasked = {"server_name": None}
    for task in (
        by_token(any_synapse, username=other),
        by_secret(any_synapse, username=other, password=a_password()),
    ):
        reply = is_refused(any_synapse, task, "invalid")
        assert "other.test" in reply.msg and any_synapse.server_name in reply.msg
    is_refused(
        askable, by_secret(askable, username=other, password=a_password(), **unasked), "invalid"
    )
    assert any_synapse.user(name) is None and askable.user(name) is None


def test_a_wrong_server_name_is_refused_before_anything_is_changed(
    any_synapse, askable, unique
):
    name = unique("alice")
    task = by_token(any_synapse, username=name, server_name="other.test")
    reply = is_refused(any_synapse, task, "invalid")
    assert "other.test" in reply.msg and any_synapse.server_name in reply.msg
    task = by_secret(askable, username=name, password=a_password(), server_name="other.test")
    is_refused(askable, task, "invalid")
    assert any_synapse.user(name) is None and askable.user(name) is None


def test_a_wrong_server_name_that_nobody_can_check_makes_no_wrong_claims(any_synapse, unique):
    # By the secret, a listener for clients tells its name only in the reply to
    # the creation; the account is there then.
    name = unique("alice")
    task = by_secret(
        any_synapse, username=name, password=a_password(), server_name="other.test"
    )
    reply = run_module(task)
    assert any("other.test" in warning for warning in reply.json["warnings"])
    assert reply.json["user"]["user_id"] == any_synapse.user_id(name)


def test_what_is_no_server_name_is_refused_unsent(synapse, unique):
    for wrong in ("https://example.test", "example.test/", "exa mple", ":8448", ""):
        task = by_secret(
            synapse, username=unique("alice"), password=a_password(), server_name=wrong
        )
        is_refused(synapse, task, "invalid")


def test_a_server_that_tells_its_name_need_not_be_told(askable, unique):
    # Now check mode by the secret sees that an account exists, by its profile.
    name, password = unique("alice"), a_password()
    task = by_secret(askable, username=name, password=password)
    del task["server_name"]
    done = changes(askable, task, ["create"], {}, account(name) | {"password": NEW})
    assert done.json["user"]["user_id"] == askable.user_id(name)
