# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords of accounts that Dendrite has already: asked about without a trace, and
set by its admin API."""

import pytest

from tests.servers.dendrites import (
    make_service,
    rows_of,
    sessions,
    with_all,
    with_rows,
    with_secret,
    with_service,
)
from tests.servers.proof import (
    NEW,
    OLD,
    SERVICE,
    a_password,
    by_login,
    changes,
    has_nothing_to_do,
    is_refused,
    logs_in,
    predicted,
    run_module,
    state,
)
from tests.servers.proxy import Proxy
from tests.support.dendrite import Dendrite

ALWAYS = {"update_password": "always"}
SET = ["set password"], {"password": OLD}, {"password": NEW}


def with_token(server, **options):
    return {"url": server.url, "access_token": server.admin_token} | options


@pytest.fixture
def server():
    """One of the test's own, for there is one service account on each."""
    with Dendrite() as own:
        yield own


@pytest.fixture
def account(any_dendrite, unique):
    name, password = unique("alice"), a_password()
    any_dendrite.register(name, password)
    return name, password


def test_an_administrator_leaves_the_password_that_it_is_and_sets_another(
    any_dendrite, account
):
    name, password = account
    token = any_dendrite.login(name, password, device_id="PHONE")
    task = with_token(any_dendrite, username=name, password=password) | ALWAYS
    has_nothing_to_do(any_dendrite, task)
    new = a_password()
    done = changes(any_dendrite, task | {"password": new}, *SET)
    assert done.json["user"]["password_set"] is True
    assert logs_in(any_dendrite, name, new) and not logs_in(any_dendrite, name, password)
    # logout_devices is false unless it is asked for.
    assert any_dendrite.whoami(token) is not None and sessions(any_dendrite, name) == ["PHONE"]


def test_sessions_end_with_the_password_where_that_is_wanted(any_dendrite, account):
    name, password = account
    token = any_dendrite.login(name, password)
    task = with_token(any_dendrite, username=name, logout_devices=True) | ALWAYS
    has_nothing_to_do(any_dendrite, task | {"password": password})
    assert any_dendrite.whoami(token) is not None
    changes(any_dendrite, task | {"password": a_password()}, *SET)
    assert any_dendrite.whoami(token) is None and sessions(any_dendrite, name) == []


def test_on_create_never_touches_the_password_of_an_account_that_is_there(
    any_dendrite, account
):
    name, password = account
    has_nothing_to_do(any_dendrite, with_token(any_dendrite, username=name, password=a_password()))
    assert logs_in(any_dendrite, name, password)


def test_the_question_leaves_no_trace_after_either_answer_and_could_set_nothing(
    dendrite, unique
):
    name, password = unique("alice"), a_password()
    dendrite.register(name, password)
    asker = dendrite.admin_token
    before = state(dendrite)
    with Proxy(dendrite) as proxy:
        task = with_token(dendrite, url=proxy.url, username=name) | ALWAYS
        assert not run_module(task | {"password": password}).changed
        assert run_module(task | {"password": a_password()}, check=True).changed
        asked = [p for p in proxy.passed if p.path.endswith("/account/password")]
        assert not [p for p in proxy.passed if p.path.endswith("/login")]
    assert state(dendrite) == before
    assert len(asked) == 2
    for request in asked:
        # An empty one would be set, as the asker's own
        # (clientapi/routing/password.go).
        assert len(request.body["new_password"]) > 512
        assert request.body["logout_devices"] is False
        assert request.token == asker
    assert logs_in(dendrite, name, password)


@pytest.mark.parametrize("password", ['quote" \\ {{ x }}', "ü" * 36, "x" * 72], ids=["a", "b", "c"])
def test_any_password_is_told_apart_by_the_question_and_by_the_hash(
    dendrite_postgres, unique, password
):
    name = unique("alice")
    dendrite_postgres.register(name, password)
    for task in (with_token(dendrite_postgres), with_rows(dendrite_postgres)):
        task |= {"username": name, "password": password} | ALWAYS
        has_nothing_to_do(dendrite_postgres, task)
        # Check mode: that the database alone cannot set it, is said when it is run.
        other = with_token(dendrite_postgres) | task | {"password": password[:-1] + "#"}
        assert predicted(dendrite_postgres, other).json["actions"] == ["set password"]


def test_no_normal_form_of_unicode_is_another_password(dendrite_postgres, unique):
    # Dendrite hashes the bytes as they come; Synapse would take NFKC of them.
    name, composed, decomposed = unique("alice"), "Zo\u00eb zo\u00eb", "Zoe\u0308 zoe\u0308"
    dendrite_postgres.register(name, composed)
    for task in (with_token(dendrite_postgres), with_all(dendrite_postgres)):
        task |= {"username": name} | ALWAYS
        assert not run_module(task | {"password": composed}, check=True).changed
        with_access = task | {"access_token": dendrite_postgres.admin_token}
        assert run_module(with_access | {"password": decomposed}, check=True).changed


def test_the_service_account_sets_it_and_is_made_for_that(server, unique):
    name, password = unique("alice"), a_password()
    server.register(name, password)
    task = with_service(server, username=name, password=a_password()) | ALWAYS
    before = predicted(server, task)
    assert before.json["actions"] == ["create service account", "set password"]
    done = run_module(task, diff=True)
    assert done.json["actions"] == ["create service account", "set password"], done.json
    assert done.json["user"]["actions"] == ["set password"]
    assert server.is_admin(SERVICE) and server.devices(SERVICE) == []
    assert logs_in(server, name, task["password"])
    has_nothing_to_do(server, task)
    changes(server, task | {"password": a_password()}, *SET)
    assert server.devices(SERVICE) == server.devices(name) == []


def test_no_service_account_is_made_to_find_that_nothing_is_to_be_done(server, unique):
    name, password = unique("alice"), a_password()
    server.register(name, password)
    task = with_service(server, username=name, password=password) | ALWAYS
    has_nothing_to_do(server, task)
    assert server.account(SERVICE) is None


def test_with_the_database_the_hash_answers_and_only_setting_takes_the_service_account(unique, postgres):
    with Dendrite(postgres=postgres) as server:
        name, password = unique("alice"), a_password()
        server.register(name, password)
        assert server.account(name).password_hash.startswith("$2a$")
        task = with_service(server, database=rows_of(server), username=name) | ALWAYS
        has_nothing_to_do(server, task | {"password": password})
        assert server.account(SERVICE) is None
        new = a_password()
        done = run_module(task | {"password": new})
        assert done.json["actions"] == ["create service account", "set password"], done.json
        assert logs_in(server, name, new)
        has_nothing_to_do(server, task | {"password": new})


def test_the_database_alone_sets_no_password(dendrite_postgres, unique):
    name, password = unique("alice"), a_password()
    dendrite_postgres.register(name, password)
    task = with_rows(dendrite_postgres, username=name, password=a_password()) | ALWAYS
    reply = is_refused(dendrite_postgres, task, "unauthorized")
    assert "administrator" in reply.msg
    assert logs_in(dendrite_postgres, name, password)


def test_without_an_administrator_the_accounts_own_login_answers_and_ends(dendrite, unique):
    name, password = unique("alice"), a_password()
    dendrite.register(name, password)
    task = with_secret(dendrite, username=name) | ALWAYS
    has_nothing_to_do(dendrite, task | {"password": password})
    assert sessions(dendrite, name) == []
    reply = is_refused(dendrite, task | {"password": a_password()}, "unauthorized")
    assert "administrator" in reply.msg
    assert logs_in(dendrite, name, password)


def test_an_administrator_sets_the_password_that_it_logged_in_with_in_another_task(
    dendrite, unique
):
    admin, password = unique("root"), a_password()
    dendrite.register(admin, password, admin=True)
    name = unique("alice")
    dendrite.register(name, a_password())
    task = by_login(dendrite, admin, password, username=name, password=a_password()) | ALWAYS
    changes(dendrite, task, *SET)
    assert logs_in(dendrite, name, task["password"])
    assert sessions(dendrite, admin) == []


def test_who_is_no_administrator_sets_nobodys_password(dendrite, unique):
    name, password = unique("mallory"), a_password()
    dendrite.register(name, password)
    victim, its = unique("alice"), a_password()
    dendrite.register(victim, its)
    task = by_login(dendrite, name, password, username=victim, password=a_password()) | ALWAYS
    reply = is_refused(dendrite, task, "forbidden", in_check_mode=False)
    assert reply.json["error"]["status"] == 403
    assert logs_in(dendrite, victim, its)


def test_a_token_and_the_secret_make_an_administrator_and_find_it_again(dendrite, unique):
    # Nobody but the account itself tells whether it is one.
    name, password = unique("alice"), a_password()
    task = with_service(dendrite, access_token=dendrite.admin_token)
    task |= {"username": name, "password": password, "admin": True}
    assert run_module(task).json["actions"] == ["create"]
    has_nothing_to_do(dendrite, task)
    has_nothing_to_do(dendrite, task | {"if_exists": "match"})
    assert sessions(dendrite, name) == []


def test_a_probe_that_is_not_wanted_is_not_made(dendrite, unique):
    name, password = unique("alice"), a_password()
    dendrite.register(name, password)
    with Proxy(dendrite) as proxy:
        task = with_token(dendrite, url=proxy.url, username=name, password=password) | ALWAYS
        reply = run_module(task | {"password_probe": False})
        assert reply.json["actions"] == ["set password"], reply.json
        assert not [p for p in proxy.passed if p.path.endswith("/account/password")]
    assert logs_in(dendrite, name, password)


def test_the_password_of_a_deactivated_account_is_told_by_its_hash(dendrite_postgres, unique):
    name, password = unique("alice"), a_password()
    dendrite_postgres.register(name, password)
    dendrite_postgres.set_deactivated(name, True)
    task = with_all(dendrite_postgres, username=name, password=password, if_exists="match")
    # A deactivated one is nobody's to match.
    assert "deactivated" in is_refused(dendrite_postgres, task, "conflict").msg


def test_passwords_that_the_server_would_refuse_are_not_sent(dendrite, unique):
    name = unique("alice")
    dendrite.register(name, a_password())
    for password in ("7 bytes", "x" * 73):
        task = with_token(dendrite, username=name, password=password) | ALWAYS
        is_refused(dendrite, task, "policy")


def test_five_users_cost_the_service_account_one_login_and_no_other(server, unique):
    users = [{"username": unique("alice"), "password": a_password()} | ALWAYS for _ in range(5)]
    for user in users:
        server.register(user["username"], user["password"])
    make_service(server)
    with Proxy(server) as proxy:
        task = with_service(server, url=proxy.url, users=users)
        reply = run_module(task)
        logins = [
            p.body["identifier"]["user"]
            for p in proxy.passed
            if p.method == "POST" and p.path.endswith("/login")
        ]
    assert not reply.failed and not reply.changed, reply.json
    assert logins == [SERVICE]
    assert server.devices() == []
    users[3]["password"] = a_password()
    reply = run_module(task | {"url": server.url})
    assert [user["actions"] for user in reply.json["users"]] == [[]] * 3 + [["set password"], []]
    assert logs_in(server, users[3]["username"], users[3]["password"])


def test_five_users_without_an_administrator_are_too_many(dendrite, unique):
    users = [{"username": unique("alice"), "password": a_password()} | ALWAYS for _ in range(5)]
    before = state(dendrite)
    reply = run_module(with_secret(dendrite, users=users))
    assert reply.failed and reply.kind == "invalid", reply.json
    assert "limit logins" in reply.msg and state(dendrite) == before
