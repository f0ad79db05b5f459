# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts that are made in MAS by its admin API, and are there at the homeserver."""

import pytest

from tests.servers.mas_proof import (
    BY_NAME,
    CLOSING,
    OPENING,
    at_homeserver,
    changes,
    facts,
    fails,
    has_nothing_to_do,
    is_refused,
    setting,
    succeeds,
    task,
)
from tests.servers.proof import NEW, a_password, agrees
from tests.support.module import run_module

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture(scope="module")
def provider(mas):
    return mas.add_provider(issuer="https://id.create.example/", human_name="Company of create")


def everything(name, provider, **more):
    stated = {
        "username": name,
        "password": a_password(),
        "admin": True,
        "displayname": "Älice ✓",
        "avatar_url": "mxc://example.test/aBcDeF0123",
        "emails": [f"Work.{name}@Example.org", f"{name}@example.org"],
        "external_ids": [{"provider": provider, "id": f"subject of {name}"}],
        "locked": True,
    }
    return stated | more


def test_an_account_with_everything_is_made_and_is_so_at_the_homeserver(mas, unique, provider):
    name = unique("alice")
    stated = everything(name, provider)
    has = {
        "admin": True,
        "displayname": "Älice ✓",
        "avatar_url": "mxc://example.test/aBcDeF0123",
        "emails": [f"{name}@example.org", f"work.{name}@example.org"],
        "external_ids": [{"provider": provider, "id": f"subject of {name}"}],
        "locked": True,
        "deactivated": False,
    }
    done = changes(mas, task(mas, **stated), ["create"], {}, has | {"password": NEW})
    agrees(facts(mas, name), has)
    assert done.json["user"]["password_set"] is True
    assert mas.has_password(name, stated["password"])
    # An address counts as verified at the homeserver.
    rows = mas.beside.server.query(
        "SELECT address FROM user_threepids WHERE user_id = ? AND validated_at IS NOT NULL",
        (mas.beside.server.user_id(name),),
    )
    assert sorted(address for (address,) in rows) == has["emails"]
    # Synapse's own flag has no meaning behind MAS, and is left alone.
    assert at_homeserver(mas, name) == {"locked": True, "deactivated": False, "admin": False}


def test_a_plain_account_takes_three_requests_of_its_own_and_the_next_run_one(mas, unique):
    arguments = task(mas, username=unique("alice"), password=a_password())
    succeeds(run_module(arguments), "create")
    made = ["POST /users", "POST /users/{id}/set-password"]
    assert mas.routes == [*OPENING, BY_NAME, *made, *CLOSING]
    mas.forget()
    has_nothing_to_do(mas, arguments)
    # Check mode and the run.
    assert mas.routes == [*OPENING, BY_NAME, *CLOSING] * 2


def test_a_second_run_over_everything_asks_only_for_what_was_stated(mas, unique, provider):
    arguments = task(mas, **everything(unique("alice"), provider))
    succeeds(run_module(arguments), "create")
    mas.forget()
    succeeds(run_module(arguments))
    asked = [
        "GET /upstream-oauth-providers",
        BY_NAME,
        "GET /user-emails", "GET /upstream-oauth-links",
    ]
    assert mas.routes == [*OPENING, *asked, *CLOSING]


def test_an_account_needs_no_password_and_is_called_by_its_name_then(mas, unique):
    name = unique("alice")
    changes(mas, task(mas, username=name), ["create"], {}, {"deactivated": False})
    assert not mas.has_password(name)
    # MAS: a display name that nobody stated is the localpart.
    assert facts(mas, name)["displayname"] == name


def test_an_empty_display_name_is_none(mas, unique):
    arguments = task(mas, username=unique("alice"), displayname="", avatar_url="")
    succeeds(run_module(arguments), "create")
    agrees(facts(mas, arguments["username"]), {"displayname": None, "avatar_url": None})
    has_nothing_to_do(mas, arguments)


def test_what_is_the_homeserver_s_alone_is_set_on_a_new_account(mas, unique):
    name = unique("alice")
    stated = {
        "user_type": "bot",
        "suspended": True,
        "shadow_banned": True,
        "ratelimit": {"messages_per_second": 5, "burst_count": 10},
        "password": a_password(),
        "admin": False,
    }
    kept = {key: value for key, value in stated.items() if key != "password"}
    changes(mas, task(mas, username=name, **stated), ["create"], {}, kept)


def test_a_list_is_made_with_one_token(mas, unique):
    users = [{"username": unique("alice"), "password": a_password()} for _ in range(12)]
    arguments = task(mas, users=users)
    reply = run_module(arguments)
    assert reply.json["summary"]["created"] == 12, reply.json
    assert mas.count("POST /oauth2/token", "POST /oauth2/revoke") == 2
    for user in users:
        assert mas.has_password(user["username"], user["password"])
    mas.forget()
    assert not run_module(arguments).changed
    assert mas.routes == [*OPENING, *[BY_NAME] * 12, *CLOSING]


def test_a_display_name_and_more_go_along_with_the_creation_itself(mas, unique):
    name = unique("alice")
    arguments = task(mas, username=name, displayname="Alice", avatar_url="mxc://a.test/b")
    succeeds(run_module(arguments), "create")
    (body,) = [request.json for request in mas.requests if request.route == "POST /users"]
    assert body == {"username": name, "displayname": "Alice", "avatar_url": "mxc://a.test/b"}
    assert mas.count("POST /personal-sessions") == 0


# What is refused beforehand


def test_a_password_that_no_rule_would_take_is_refused_before_a_user_is_made(mas, unique):
    arguments = task(mas, username=unique("alice"), password="Xk4$vQ!w")
    reply = is_refused(mas, arguments, "policy", "too weak", "at least 9", "skip_password_check")
    assert "password" in reply.msg
    assert mas.count("POST /users") == 0


def test_what_only_mas_finds_weak_leaves_a_user_that_the_error_tells_of(mas, unique, tmp_path):
    name = unique("alice")
    # Long enough for any score, and yet among the first that anybody tries.
    weak = task(mas, username=name, password="letmein123", session_file=str(tmp_path / "s" / "f"))
    reply = fails(run_module(weak), "policy", "Password is too weak", "was made", "no password yet")
    assert reply.changed and reply.json["actions"] == ["create"], reply.json
    assert reply.json["user"]["password_set"] is False
    assert "always" not in reply.msg
    assert not mas.has_password(name)
    # It is as weak at the second try, which says so and has changed nothing.
    again = fails(run_module(weak), "policy", "Password is too weak")
    assert not again.changed
    # on_create: the account is still being made.
    better = weak | {"password": a_password()}
    succeeds(run_module(better), "set password")
    assert mas.has_password(name, better["password"])
    has_nothing_to_do(mas, better)


def test_without_a_session_file_the_error_says_that_it_takes_always(mas, unique):
    name = unique("alice")
    weak = task(mas, username=name, password="letmein123")
    fails(run_module(weak), "policy", "was made", "update_password: always")
    better = weak | {"password": a_password(), "update_password": "always"}
    succeeds(run_module(better), "set password")
    assert mas.has_password(name, better["password"])


def test_skip_password_check_takes_any_password(mas, unique):
    name = unique("alice")
    arguments = task(mas, username=name, password="short", skip_password_check=True)
    changes(mas, arguments, ["create"], {}, {"password": NEW})
    assert mas.has_password(name, "short")


def test_a_name_that_the_homeserver_alone_has_is_refused_until_it_may_be_adopted(mas, unique):
    name = unique("orphan")
    mas.beside.provision_user(name, locked=False, set_displayname="Of before")
    arguments = task(mas, username=name, password=a_password())
    reply = fails(run_module(arguments), "conflict", "reserved by the homeserver")
    assert "skip_homeserver_check: true" in reply.msg and not reply.changed
    assert mas.store.user_named(name) is None
    adopting = arguments | {"skip_homeserver_check": True}
    succeeds(run_module(adopting), "create")
    assert mas.has_password(name, arguments["password"])
    assert facts(mas, name)["displayname"] == "Of before"
    has_nothing_to_do(mas, adopting)
    # It is there from now on.
    has_nothing_to_do(mas, arguments)


def test_where_passwords_are_off_none_is_set_and_a_user_without_one_is_made(mas, unique):
    arguments = task(mas, username=unique("alice"))
    with setting(mas, password_login_enabled=False):
        is_refused(
            mas, arguments | {"password": a_password()}, "unsupported", "passwords.enabled: true"
        )
        changes(mas, arguments, ["create"], {}, {"deactivated": False})
