# SPDX-License-Identifier: GPL-3.0-or-later
"""Display names: set, cleared, cut, and left alone."""

import pytest

from tests.servers.proof import (
    a_password,
    by_secret,
    by_token,
    changes,
    has_nothing_to_do,
    is_refused,
    sessions_of,
)


def account(displayname):
    return {"admin": False, "deactivated": False, "displayname": displayname}


def test_a_display_name_is_set_and_cleared(any_synapse, unique):
    name = unique("alice")
    any_synapse.register(name, a_password())
    task = by_token(any_synapse, username=name, displayname="Alice Liddell")
    changes(any_synapse, task, ["set displayname"], account(name), account("Alice Liddell"))
    assert any_synapse.user(name)["displayname"] == "Alice Liddell"

    task = by_token(any_synapse, username=name, displayname="")
    changes(any_synapse, task, ["clear displayname"], account("Alice Liddell"), account(None))
    assert any_synapse.user(name)["displayname"] is None


# Synapse strips a display name as Python's str.strip does
# (synapse/rest/admin/users.py on PUT, handlers/profile.py).
@pytest.mark.parametrize(
    "space",
    [" ", "\t\n", "\u00a0", "\u3000", "\u2003\u2028", "\x1c\x1f", "\x85"],
    ids=["space", "tab", "no-break", "ideographic", "em", "separator", "next-line"],
)
def test_white_space_around_a_display_name_does_not_count(any_synapse, unique, space):
    name = unique("alice")
    any_synapse.register(name, a_password())
    task = by_token(any_synapse, username=name, displayname=f"{space}Alice  L{space}")
    changes(any_synapse, task, ["set displayname"], account(name), account("Alice  L"))
    assert any_synapse.user(name)["displayname"] == "Alice  L"


def test_white_space_alone_clears_a_display_name(any_synapse, unique):
    name = unique("alice")
    any_synapse.register(name, a_password())
    task = by_token(any_synapse, username=name, displayname=" \u3000 ")
    changes(any_synapse, task, ["clear displayname"], account(name), account(None))
    assert any_synapse.user(name)["displayname"] is None


def test_a_display_name_left_out_stays(any_synapse, unique):
    name = unique("alice")
    any_synapse.register(name, a_password(), displayname="Alice")
    reply = has_nothing_to_do(any_synapse, by_token(any_synapse, username=name))
    assert reply.json["user"]["displayname"] == "Alice"
    has_nothing_to_do(any_synapse, by_token(any_synapse, username=name, displayname=None))
    assert any_synapse.user(name)["displayname"] == "Alice"


def test_any_character_of_a_display_name_arrives_unharmed(any_synapse, unique):
    name = unique("alice")
    any_synapse.register(name, a_password())
    stated = "Zoë \"q\" 'a' \\ {{ x }} <b> %20 🦊 \u202eabc\u202c"
    task = by_token(any_synapse, username=name, displayname=stated)
    changes(any_synapse, task, ["set displayname"], account(name), account(stated))
    assert any_synapse.user(name)["displayname"] == stated


def test_the_longest_display_name_is_taken_and_a_longer_one_refused_unsent(any_synapse, unique):
    # synapse/handlers/profile.py: MAX_DISPLAYNAME_LEN = 256, in characters.
    name, longest = unique("alice"), "🦊" * 256
    any_synapse.register(name, a_password())
    task = by_token(any_synapse, username=name, displayname=longest)
    changes(any_synapse, task, ["set displayname"], account(name), account(longest))
    for credential in (by_secret, by_token):
        task = credential(
            any_synapse, username=name, password=a_password(), displayname=longest + "x"
        )
        is_refused(any_synapse, task, "invalid")


def test_the_accounts_own_password_is_enough_to_set_its_display_name(any_synapse, unique):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password)
    task = by_secret(any_synapse, username=name, password=password, displayname="Alice")
    changes(any_synapse, task, ["set displayname"], account(name), account("Alice"))
    task = by_secret(any_synapse, username=name, password=password, displayname="")
    changes(any_synapse, task, ["clear displayname"], account("Alice"), account(None))
    assert any_synapse.user(name)["displayname"] is None
    assert sessions_of(any_synapse, name) == 0 and any_synapse.devices(name) == []


def test_the_secret_sees_by_the_public_profile_that_a_display_name_is_right(
    any_synapse, unique
):
    # Once the server's name is known, the profile tells it without a login.
    name = unique("alice")
    any_synapse.register(name, a_password(), displayname="Alice")
    has_nothing_to_do(any_synapse, by_secret(any_synapse, username=name, displayname="Alice"))


def test_the_secret_with_a_wrong_password_cannot_set_a_display_name(any_synapse, unique):
    name = unique("alice")
    any_synapse.register(name, a_password())
    task = by_secret(any_synapse, username=name, password=a_password(), displayname="Mallory")
    is_refused(any_synapse, task, "unauthorized")
    assert any_synapse.user(name)["displayname"] == name
