# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts that a Dendrite does not have yet."""

import pytest

from tests.servers.dendrites import sessions, with_all, with_rows, with_secret, with_service
from tests.servers.proof import (
    NEW,
    a_password,
    changes,
    facts,
    has_nothing_to_do,
    is_refused,
    logs_in,
    predicted,
    run_module,
    state,
)
from tests.servers.proxy import Proxy
from tests.support.dendrite import Dendrite

AVATAR = "mxc://example.test/Avatar"


def diff_of_a_new_account(displayname, admin=False, **more):
    after = {"admin": admin, "deactivated": False, "displayname": displayname, "password": NEW}
    return {"before": {}, "after": after | more}


def test_the_shared_secret_makes_an_account_and_leaves_no_session(any_dendrite, unique):
    name, password = unique("alice"), a_password()
    task = with_secret(any_dendrite, username=name, password=password)
    names = {*any_dendrite.user_names(), any_dendrite.user_id("harness-admin")}
    # The localpart is the name to begin with (userapi/storage/shared/storage.go,
    # createAccount).
    done = changes(any_dendrite, task, ["create"], **diff_of_a_new_account(name))
    assert done.json["authenticated_by"] == "registration_shared_secret"
    assert done.json["user"] == {
        "user_id": any_dendrite.user_id(name),
        "username": name,
        "changed": True,
        "actions": ["create"],
        "password_set": True,
        "admin": False,
        "deactivated": False,
        "displayname": name,
    }
    assert set(any_dendrite.user_names()) == names | {any_dendrite.user_id(name)}
    # inhibit_login is unknown to it: each registration logs in
    # (clientapi/routing/register.go, handleSharedSecretRegistration).
    assert sessions(any_dendrite, name) == []
    assert "warnings" not in done.json
    assert logs_in(any_dendrite, name, password)


def test_an_administrator_may_administer_at_once(any_dendrite, unique):
    name, password = unique("alice"), a_password()
    task = with_secret(any_dendrite, username=name, password=password, admin=True)
    changes(any_dendrite, task, ["create"], **diff_of_a_new_account(name, admin=True))
    token = any_dendrite.login(name, password)
    assert any_dendrite.may_administer(token)
    any_dendrite.logout(token)


def test_the_profile_is_set_with_the_session_of_the_registration_before_its_end(
    dendrite, unique
):
    name = unique("alice")
    with Proxy(dendrite) as proxy:
        task = with_secret(
            dendrite,
            url=proxy.url,
            username=name,
            password=a_password(),
            displayname="Zoë 🦊 \"quoted\" \\ {{ x }}",
            avatar_url=AVATAR,
        )
        changes(
            dendrite,
            task,
            ["create"],
            **diff_of_a_new_account(task["displayname"], avatar_url=AVATAR),
        )
        writes = [p for p in proxy.passed if p.method != "GET" and p.token]
        (registered,) = [p for p in proxy.passed if (p.body or {}).get("username") == name]
    assert dendrite.profile(name) == {"displayname": task["displayname"], "avatar_url": AVATAR}
    assert {request.token for request in writes} == {registered.answer["access_token"]}
    assert [request.path.rpartition("/")[2] for request in writes] == [
        "displayname",
        "avatar_url",
        "logout",
    ]
    assert sessions(dendrite, name) == []


def test_an_empty_display_name_makes_an_account_without_one(dendrite_postgres, unique):
    name = unique("alice")
    task = with_all(dendrite_postgres, username=name, password=a_password(), displayname="")
    changes(dendrite_postgres, task, ["create"], **diff_of_a_new_account(None))
    assert not (dendrite_postgres.profile(name) or {}).get("displayname")


def test_check_mode_sends_no_registration_of_an_account(dendrite, unique):
    task = {"username": unique("alice"), "password": a_password()}
    with Proxy(dendrite) as proxy:
        reply = predicted(dendrite, with_secret(dendrite, url=proxy.url, **task))
        posted = [request.body["username"] for request in proxy.passed if request.method == "POST"]
    # register/available tells of taken names, so it is no guess.
    assert reply.changed and "guess" not in reply.json["user"] and "warnings" not in reply.json
    # What proves the secret is a name that no server takes.
    assert posted == ["!registrar"]


@pytest.mark.parametrize(
    "name",
    ["a/b+c=d", "a.b-c_d", "4711", "9" * 30, "/etc/passwd", ".."],
)
def test_every_name_that_the_server_takes_is_made_and_found_again(dendrite_postgres, name):
    password = a_password()
    task = with_all(dendrite_postgres, username=name, password=password, admin=True)
    changes(dendrite_postgres, task, ["create"], **diff_of_a_new_account(name, admin=True))
    # Without the database, too.
    has_nothing_to_do(dendrite_postgres, with_secret(dendrite_postgres, username=name))
    assert sessions(dendrite_postgres, name) == []
    assert logs_in(dendrite_postgres, dendrite_postgres.user_id(name), password)


def test_upper_case_is_lowered_with_a_warning(any_dendrite, unique):
    name = unique("alice")
    task = with_secret(any_dendrite, username=name.upper(), password=a_password())
    done = changes(any_dendrite, task, ["create"], **diff_of_a_new_account(name))
    assert any("upper case" in warning for warning in done.json["warnings"])
    assert facts(any_dendrite, name) and not facts(any_dendrite, name.upper())


@pytest.mark.parametrize("name", ["_alice", "al ice", "älice", "alice!", "a" * 250])
def test_a_name_that_no_account_can_have_is_refused(dendrite, name):
    reply = is_refused(
        dendrite, with_secret(dendrite, username=name, password=a_password()), "invalid"
    )
    assert "username" in reply.msg


@pytest.mark.parametrize(
    "password",
    # internal/validate.go: from 8 bytes on; golang.org/x/crypto/bcrypt: to 72.
    ["8 bytes!", "x" * 72, "ü" * 36, "🦊🦊", "a\"b\\c{{ d }}\u3000"],
    ids=["8", "72", "72 in 36 characters", "8 in 2 characters", "hostile"],
)
def test_a_password_of_8_to_72_bytes_arrives_unharmed(dendrite, unique, password):
    name = unique("alice")
    task = with_secret(dendrite, username=name, password=password)
    assert run_module(task).json["actions"] == ["create"]
    assert logs_in(dendrite, name, password)
    assert not logs_in(dendrite, name, password[:-1] + "#")


@pytest.mark.parametrize(
    ("password", "word"),
    [("7 bytes", "less"), ("ü" * 3, "less"), ("x" * 73, "more"), ("ü" * 36 + "x", "more")],
    ids=["7", "6 in 3 characters", "73", "73 in 37 characters"],
)
def test_another_password_is_refused_before_anything_of_it_is_sent(
    dendrite, unique, password, word
):
    with Proxy(dendrite) as proxy:
        task = with_secret(dendrite, url=proxy.url, username=unique("alice"), password=password)
        reply = is_refused(dendrite, task, "policy")
        assert {request.method for request in proxy.passed} == {"GET"}
    assert f"{word} than Dendrite takes" in reply.msg and "from 8 to 72 bytes" in reply.msg


def test_the_server_tells_of_success_for_73_bytes_and_makes_nothing(dendrite, unique):
    # Why the refusal above is needed (userapi/internal/user_api.go,
    # PerformAccountCreation).
    name = unique("alice")
    made = dendrite._register(name, "x" * 73, False)
    assert made["user_id"] == dendrite.user_id(name)
    assert dendrite.account(name) is None and dendrite.available(name)
    # For a name that is taken, it even is a session of whoever has it.
    dendrite.register(name, a_password())
    made = dendrite._register(name, "x" * 73, False)
    assert dendrite.whoami(made["access_token"])["user_id"] == dendrite.user_id(name)
    dendrite.logout(made["access_token"])


def test_an_account_with_another_password_is_somebody_elses_to_match(any_dendrite, unique):
    name, password = unique("alice"), a_password()
    any_dendrite.register(name, password)
    own = with_secret(any_dendrite, username=name, password=password, if_exists="match")
    has_nothing_to_do(any_dendrite, own)
    reply = is_refused(any_dendrite, own | {"password": a_password()}, "conflict")
    assert "another password" in reply.msg
    assert sessions(any_dendrite, name) == []


def test_the_database_answers_whose_account_it_is_without_a_login(dendrite_postgres, unique):
    name, password = unique("alice"), a_password()
    dendrite_postgres.register(name, password)
    with Proxy(dendrite_postgres) as proxy:
        own = with_all(
            dendrite_postgres, url=proxy.url, username=name, password=password, if_exists="match"
        )
        has_nothing_to_do(dendrite_postgres, own)
        is_refused(dendrite_postgres, own | {"password": a_password()}, "conflict")
        assert not [request for request in proxy.passed if request.path.endswith("/login")]


def test_an_account_that_exists_fails_if_that_is_wanted(any_dendrite, unique):
    name, password = unique("alice"), a_password()
    any_dendrite.register(name, password)
    task = with_secret(any_dendrite, username=name, password=password, if_exists="fail")
    assert "exists already" in is_refused(any_dendrite, task, "conflict").msg


def test_a_wrong_secret_is_said_and_nothing_is_made(dendrite, unique):
    name = unique("alice")
    task = with_secret(dendrite, username=name, password=a_password(), retry_timeout=0)
    reply = is_refused(dendrite, task | {"registration_shared_secret": "wrong"}, "unauthorized")
    # clientapi/routing/register.go: 403 M_FORBIDDEN "bad mac".
    assert reply.json["error"]["status"] == 403
    assert "another registration_shared_secret" in reply.msg
    assert dendrite.available(name)


def test_a_server_without_a_secret_is_told_apart_from_a_wrong_one(unique):
    with Dendrite(config={"client_api": {"registration_shared_secret": ""}}) as server:
        task = {"url": server.url, "registration_shared_secret": "one of our own"}
        task |= {"username": unique("alice"), "password": a_password()}
        for check in (True, False):
            reply = run_module(task, check=check)
            assert (reply.failed, reply.kind) == (True, "unsupported"), reply.json
            assert reply.json["error"]["status"] == 404
            assert "client_api.registration_shared_secret" in reply.msg
            assert "dendrite.yaml" in reply.msg
        assert server.user_names() == []


def test_nothing_but_the_secret_makes_accounts(dendrite_postgres, unique):
    name = unique("alice")
    for task in (
        with_rows(dendrite_postgres),
        {"url": dendrite_postgres.url, "access_token": dendrite_postgres.admin_token},
    ):
        task |= {"username": name, "password": a_password()}
        reply = is_refused(dendrite_postgres, task, "unauthorized")
        assert "registration_shared_secret" in reply.msg


def test_a_new_account_needs_a_password(dendrite, unique):
    reply = is_refused(dendrite, with_secret(dendrite, username=unique("alice")), "invalid")
    assert "password" in reply.msg


def test_a_generated_password_is_given_back_once_and_opens(dendrite, unique):
    name = unique("alice")
    task = with_service(dendrite, username=name, generate_password=True)
    done = run_module(task)
    password = done.json["user"]["generated_password"]
    assert done.json["actions"] == ["create"] and logs_in(dendrite, name, password)
    again = has_nothing_to_do(dendrite, task)
    assert "generated_password" not in again.json["user"]


def test_a_login_at_the_end_is_ended_and_a_wrong_one_said(dendrite, unique):
    name, password = unique("alice"), a_password()
    task = with_secret(dendrite, username=name, password=password, verify_login=True)
    assert run_module(task).json["actions"] == ["create"]
    assert sessions(dendrite, name) == []
    before = state(dendrite)
    reply = run_module(task | {"password": a_password()})
    assert reply.failed and reply.kind == "unauthorized" and "verify_login" in reply.msg
    assert state(dendrite) == before
