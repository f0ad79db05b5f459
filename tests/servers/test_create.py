# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts that are not there yet."""

import pytest

from tests.servers.proof import (
    NEW,
    a_password,
    by_secret,
    by_token,
    changes,
    has_nothing_to_do,
    is_refused,
    logs_in,
    predicted,
    run_module,
    sessions_of,
    state,
)


def diff_of_a_new_account(displayname, admin=False, password=True):
    after = {"admin": admin, "deactivated": False, "displayname": displayname}
    return {"before": {}, "after": after | ({"password": NEW} if password else {})}


def test_the_shared_secret_makes_an_account_and_nothing_else(any_synapse, unique):
    name, password = unique("alice"), a_password()
    task = by_secret(any_synapse, username=name, password=password)
    names = set(any_synapse.user_names()) | {any_synapse.user_id("harness-admin")}
    # Without a display name, Synapse takes the localpart
    # (synapse/handlers/register.py, register_user, default_display_name).
    done = changes(any_synapse, task, ["create"], **diff_of_a_new_account(name))
    assert done.json["authenticated_by"] == "registration_shared_secret"
    assert done.json["user"] == {
        "user_id": any_synapse.user_id(name),
        "username": name,
        "changed": True,
        "actions": ["create"],
        "password_set": True,
        "admin": False,
        "deactivated": False,
        "displayname": name,
    }
    assert set(any_synapse.user_names()) == names | {any_synapse.user_id(name)}
    assert sessions_of(any_synapse, name) == 0
    assert any_synapse.devices(name) == []
    assert any_synapse.user(name)["admin"] is False
    assert logs_in(any_synapse, name, password)


def test_the_shared_secret_makes_an_administrator(any_synapse, unique):
    name, password = unique("alice"), a_password()
    task = by_secret(any_synapse, username=name, password=password, admin=True)
    changes(any_synapse, task, ["create"], **diff_of_a_new_account(name, admin=True))
    assert any_synapse.user(name)["admin"] is True
    assert sessions_of(any_synapse, name) == 0


@pytest.mark.parametrize(
    ("stated", "stored"),
    [
        ("Alice Liddell", "Alice Liddell"),
        # The reply is ASCII, the name need not be.
        ('Zoë 🦊 "quoted" \\ {{ x }}', 'Zoë 🦊 "quoted" \\ {{ x }}'),
    ],
)
def test_the_shared_secret_gives_a_new_account_its_display_name(
    any_synapse, unique, stated, stored
):
    name = unique("alice")
    task = by_secret(any_synapse, username=name, password=a_password(), displayname=stated)
    changes(any_synapse, task, ["create"], **diff_of_a_new_account(stored))
    assert any_synapse.user(name)["displayname"] == stored


def test_white_space_around_a_new_accounts_display_name_is_cut_by_either_credential(
    any_synapse, unique
):
    # PUT v2/users strips it, the registration does not: the second run would
    # find a difference (synapse/rest/admin/users.py, handlers/register.py).
    for credential in (by_secret, by_token):
        name = unique("alice")
        task = credential(
            any_synapse, username=name, password=a_password(), displayname=" \tAlice\u3000"
        )
        changes(any_synapse, task, ["create"], **diff_of_a_new_account("Alice"))
        assert any_synapse.user(name)["displayname"] == "Alice"


def test_an_empty_display_name_makes_an_account_without_one(any_synapse, unique):
    for credential in (by_secret, by_token):
        name = unique("alice")
        task = credential(any_synapse, username=name, password=a_password(), displayname="")
        done = run_module(task, diff=True)
        assert done.changed and done.json["actions"] == ["create"], done.json
        assert done.json["diff"][0]["after"]["displayname"] is None
        assert any_synapse.user(name)["displayname"] is None
        has_nothing_to_do(any_synapse, by_token(any_synapse, username=name, displayname=""))


def test_an_access_token_makes_an_account(any_synapse, unique):
    name, password = unique("alice"), a_password()
    task = by_token(
        any_synapse, username=name, password=password, admin=True, displayname="Alice"
    )
    done = changes(any_synapse, task, ["create"], **diff_of_a_new_account("Alice", admin=True))
    assert done.json["authenticated_by"] == "access_token"
    user = any_synapse.user(name)
    assert (user["admin"], user["displayname"]) == (True, "Alice")
    assert sessions_of(any_synapse, name) == 0 and any_synapse.devices(name) == []
    assert logs_in(any_synapse, name, password)


def test_an_administrator_makes_an_account_without_a_password(any_synapse, unique):
    name = unique("alice")
    task = by_token(any_synapse, username=name)
    done = changes(any_synapse, task, ["create"], **diff_of_a_new_account(name, password=False))
    assert done.json["user"]["password_set"] is False
    rows = any_synapse.query(
        "SELECT password_hash FROM users WHERE name = ?", (any_synapse.user_id(name),)
    )
    assert rows == [(None,)]


def test_an_administrators_login_makes_an_account_and_ends(any_synapse, unique):
    admin, admin_password = unique("root"), a_password()
    any_synapse.register(admin, admin_password, admin=True)
    name, password = unique("alice"), a_password()
    task = {
        "url": any_synapse.url,
        "admin_username": admin,
        "admin_password": admin_password,
        "username": name,
        "password": password,
    }
    done = changes(any_synapse, task, ["create"], **diff_of_a_new_account(name))
    assert done.json["authenticated_by"] == "admin_username"
    assert any_synapse.devices(admin) == [] and sessions_of(any_synapse, admin) == 0
    assert logs_in(any_synapse, name, password)


def test_a_password_of_any_printable_characters_arrives_unharmed(any_synapse, unique):
    password = "".join(map(chr, range(0x20, 0x7F)))[:60] + "{{ %! ü \u3000"
    for credential in (by_secret, by_token):
        name = unique("alice")
        task = credential(any_synapse, username=name, password=password)
        assert run_module(task).changed
        assert logs_in(any_synapse, name, password)


def test_the_longest_password_is_taken_and_a_longer_one_refused_unsent(synapse, unique):
    # synapse/rest/admin/users.py: len(password) > 512, in characters.
    name, longest = unique("alice"), "ü" * 512
    reply = run_module(by_secret(synapse, username=name, password=longest))
    assert reply.changed, reply.json
    # bcrypt looks at 72 bytes (synapse/handlers/auth.py, hash).
    assert any("72" in warning for warning in reply.json["warnings"])
    assert logs_in(synapse, name, longest)
    for credential in (by_secret, by_token):
        other = unique("alice")
        task = credential(synapse, username=other, password=longest + "x")
        is_refused(synapse, task, "invalid")


def test_the_shared_secret_alone_needs_a_password_for_a_new_account(synapse, unique):
    reply = is_refused(synapse, by_secret(synapse, username=unique("alice")), "invalid")
    assert "password" in reply.msg


def test_check_mode_says_that_it_guesses_where_only_an_administrator_could_know(
    any_synapse, unique
):
    name = unique("alice")
    task = by_secret(any_synapse, username=name, password=a_password())
    reply = predicted(any_synapse, task)
    assert reply.changed and reply.json["user"]["guess"] is True
    assert any("guess" in warning for warning in reply.json["warnings"])
    # An administrator sees every account.
    reply = predicted(any_synapse, by_token(any_synapse, username=name))
    assert reply.changed and "guess" not in reply.json["user"]


def test_check_mode_by_the_secret_still_guesses_when_nobody_tells_the_servers_name(
    any_synapse, unique
):
    # The client resource alone does not serve /_matrix/key/v2/server
    # (synapse/app/homeserver.py, _configure_named_resource).
    name, password = unique("alice"), a_password()
    task = {
        "url": any_synapse.url,
        "registration_shared_secret": any_synapse.secret,
        "username": name,
        "password": password,
    }
    assert run_module(task).changed
    before = state(any_synapse)
    again = run_module(task)
    assert not again.changed and state(any_synapse) == before
    reply = predicted(any_synapse, task)
    assert not reply.changed or reply.json["user"]["guess"] is True


def test_the_diff_is_left_out_unless_it_is_asked_for(synapse, unique):
    task = by_token(synapse, username=unique("alice"))
    for check in (True, False):
        assert "diff" not in run_module(task, check=check).json


def test_the_reply_names_the_server_and_its_version(any_synapse, unique):
    version = any_synapse.api("GET", "/_synapse/admin/v1/server_version")[1]["server_version"]
    reply = run_module(by_token(any_synapse, username=unique("alice")))
    assert reply.json["backend"] == "synapse"
    assert reply.json["server"] == {"name": "Synapse", "version": version}


def test_backend_synapse_does_what_auto_finds_out(synapse, unique):
    for credential in (by_secret, by_token):
        name = unique("alice")
        task = credential(synapse, username=name, password=a_password(), backend="synapse")
        done = changes(synapse, task, ["create"], **diff_of_a_new_account(name))
        assert done.json["backend"] == "synapse"
