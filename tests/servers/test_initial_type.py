# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account is at its beginning, and nobody's business afterwards: the
contract of matrix-docker-ansible-deploy's matrix_user_creator_users."""

import pytest

from tests.servers.proof import (
    a_password,
    agrees,
    by_secret,
    by_service,
    by_token,
    changes,
    facts,
    has_nothing_to_do,
    is_refused,
    logs_in,
    predicted,
    ran_in_vain,
    requests_during,
    run_module,
    sessions_of,
)
from tests.servers.proxy import Proxy
from tests.support.synapse import Synapse

LOGIN = "POST /_matrix/client/v3/login"
REGISTRATION = "POST /_synapse/admin/v1/register"

# synapse/api/constants.py, UserTypes: of an ordinary user it is null.
BECOMES = {
    "user": {"admin": False, "user_type": None},
    "bot": {"admin": False, "user_type": "bot"},
    "support": {"admin": False, "user_type": "support"},
    "admin": {"admin": True, "user_type": None},
}
# What of it is stated, so that check mode can foretell it.
STATED = {
    "user": {"admin": False},
    "bot": {"admin": False, "user_type": "bot"},
    "support": {"admin": False, "user_type": "support"},
    "admin": {"admin": True},
}


@pytest.fixture(params=["secret", "service", "token"])
def credential(request, unique):
    """The shared secret alone, without and with a name for a service account, and
    an administrator's token."""
    if request.param == "token":
        return by_token
    name = "" if request.param == "secret" else unique("svc")
    return lambda server, **options: by_service(server, service_account=name, **options)


@pytest.fixture(scope="module", params=["newest", "floor"])
def secretive(request):
    """A server that shows profiles to users alone, and gives new ones a type if it
    can (synapse/config/user_types.py, from 1.134)."""
    config = {
        "require_auth_for_profile_requests": True,
        "user_types": {"default_user_type": "bot"},
    }
    with Synapse(request.param, config=config) as server:
        yield server


@pytest.mark.parametrize("kind", BECOMES)
def test_a_new_account_is_made_as_it_is_to_begin(any_synapse, unique, credential, kind):
    name, password = unique("alice"), a_password()
    task = credential(any_synapse, username=name, password=password, initial_type=kind)
    any_synapse.admin_token  # noqa: B018  made now, not between two looks
    before = any_synapse.user_names()
    done = changes(any_synapse, task, ["create"], {}, STATED[kind])
    assert agrees(facts(any_synapse, name), BECOMES[kind])
    assert {key: done.json["user"][key] for key in STATED[kind]} == STATED[kind]
    assert set(any_synapse.user_names()) - set(before) == {any_synapse.user_id(name)}
    assert sessions_of(any_synapse, name) == 0
    assert logs_in(any_synapse, name, password)


@pytest.mark.parametrize("kind", BECOMES)
def test_an_account_that_exists_is_left_as_it_is(any_synapse, unique, credential, kind):
    people = {
        "ordinary": {"admin": False},
        "admin": {"admin": True},
        "bot": {"admin": False, "user_type": "bot"},
    }
    for stem, is_so in people.items():
        name, password = unique(stem), a_password()
        any_synapse.register(name, password, **is_so)
        # The password need not be the account's, either: it is an initial one.
        task = credential(any_synapse, username=name, password=a_password(), initial_type=kind)
        before = any_synapse.user_names()
        has_nothing_to_do(any_synapse, task)
        assert agrees(facts(any_synapse, name), is_so)
        assert any_synapse.user_names() == before
        assert logs_in(any_synapse, name, password)


def test_who_was_demoted_since_stays_so(any_synapse, unique, credential):
    name = unique("root")
    task = credential(
        any_synapse, username=name, password=a_password(), initial_type="admin"
    )
    assert run_module(task).json["actions"] == ["create"]
    any_synapse.change(name, admin=False, user_type="support")
    has_nothing_to_do(any_synapse, task)
    assert agrees(facts(any_synapse, name), {"admin": False, "user_type": "support"})


def test_what_else_is_stated_of_it_is_made_so_and_it_stays_what_it_is(any_synapse, unique):
    name = unique("alice")
    any_synapse.register(name, a_password(), user_type="support")
    task = by_token(any_synapse, username=name, displayname="Alice", initial_type="admin")
    assert run_module(task).json["actions"] == ["set displayname"]
    has_nothing_to_do(any_synapse, task)
    assert agrees(facts(any_synapse, name), {"admin": False, "user_type": "support"})


def test_a_second_run_takes_no_login_and_no_service_account(any_synapse, unique):
    name = unique("bot")
    task = by_service(
        any_synapse,
        service_account=unique("svc"),
        username=name,
        password=a_password(),
        initial_type="bot",
    )
    for again in (False, True):
        requests = requests_during(any_synapse, lambda: run_module(task))
        assert LOGIN not in requests
        assert requests.count(REGISTRATION) == (0 if again else 1), requests


def test_a_login_that_is_asked_for_shows_no_more_than_whose_it_is(any_synapse, unique):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password)
    task = by_secret(
        any_synapse, username=name, password=password, initial_type="admin", if_exists="match"
    )
    has_nothing_to_do(any_synapse, task)
    is_refused(any_synapse, task | {"password": a_password()}, "conflict")
    assert any_synapse.user(name)["admin"] is False


def test_who_is_brought_back_is_what_they_were(any_synapse, unique):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, a_password())
    assert run_module(by_token(any_synapse, username=name, state="absent")).changed
    task = by_token(
        any_synapse, username=name, password=password, initial_type="admin", reactivate=True
    )
    assert "reactivate" in run_module(task).json["actions"]
    assert any_synapse.user(name)["admin"] is False
    assert logs_in(any_synapse, name, password)


def test_where_nobody_sees_who_is_there_the_name_that_is_taken_changes_nothing(
    secretive, unique
):
    # 400 M_USER_IN_USE (synapse/handlers/register.py, check_username).
    name, password = unique("alice"), a_password()
    secretive.register(name, password)
    task = by_service(
        secretive,
        service_account=unique("svc"),
        username=name,
        password=a_password(),
        initial_type="admin",
    )
    secretive.admin_token  # noqa: B018  made now, not between two looks
    before = secretive.user_names()
    requests = requests_during(secretive, lambda: ran_in_vain(secretive, task))
    assert LOGIN not in requests and requests.count(REGISTRATION) == 1
    reply = ran_in_vain(secretive, task)
    assert not reply.failed and not reply.changed, reply.json
    assert reply.json["actions"] == []
    assert secretive.user(name)["admin"] is False
    assert secretive.user_names() == before
    assert logs_in(secretive, name, password)
    # As of every account that nobody sees.
    guessed = predicted(secretive, task)
    assert guessed.changed and guessed.json["user"]["guess"] is True, guessed.json


def test_a_user_has_the_type_that_the_server_gives(secretive, unique):
    for credential in (by_secret, by_token):
        for kind in ("user", "admin"):
            name = unique(kind)
            task = credential(
                secretive, username=name, password=a_password(), initial_type=kind
            )
            assert run_module(task).json["actions"] == ["create"]
            given = "bot" if secretive.version == "newest" else None
            assert secretive.user(name)["user_type"] == given
            assert secretive.user(name)["admin"] is (kind == "admin")


@pytest.mark.parametrize("stated", [{}, {"displayname": "Alice"}], ids=str)
@pytest.mark.parametrize("kind", BECOMES)
def test_an_account_that_somebody_makes_at_the_same_moment_is_one_that_exists(
    any_synapse, unique, kind, stated
):
    # Between the look and the creation. An administrator's PUT would change it.
    for credential in (by_secret, by_token):
        if stated and credential is by_secret:
            continue  # the name would take an administrator
        name, theirs = unique("alice"), a_password()
        with Proxy(any_synapse) as proxy:
            proxy.rule = somebody_makes(any_synapse, name, theirs)
            task = credential(
                any_synapse, username=name, password=a_password(), initial_type=kind, **stated
            )
            reply = run_module(task | {"url": proxy.url})
        assert not reply.failed, reply.json
        assert reply.json["user"]["password_set"] is False and reply.json["actions"] == []
        agrees(facts(any_synapse, name), BECOMES["user"])
        assert logs_in(any_synapse, name, theirs)


def test_somebody_who_comes_first_by_a_moment_is_a_conflict_where_it_has_to_match(
    any_synapse, unique
):
    for if_exists in ("match", "fail"):
        name, theirs = unique("alice"), a_password()
        with Proxy(any_synapse) as proxy:
            proxy.rule = somebody_makes(any_synapse, name, theirs)
            task = by_token(
                any_synapse,
                username=name,
                password=a_password(),
                admin=True,
                if_exists=if_exists,
            )
            reply = run_module(task | {"url": proxy.url})
        assert reply.kind == "conflict" and not reply.changed, reply.json
        agrees(facts(any_synapse, name), BECOMES["user"])
        assert logs_in(any_synapse, name, theirs)


def somebody_makes(server, name, password):
    """A proxy's rule: right before the request that would make the account."""

    def rule(method, path):
        creates = (method, path.partition("%40")[0]) == ("PUT", "/_synapse/admin/v2/users/")
        registers = (method, path) == tuple(REGISTRATION.split(" "))
        if (creates or registers) and server.user(name) is None:
            server.register(name, password)

    return rule


def list_of(unique, count):
    kinds = list(BECOMES)
    return [
        {
            "username": unique("one-of-many"),
            "password": a_password(),
            "initial_type": kinds[number % len(kinds)],
        }
        for number in range(count)
    ]


@pytest.mark.parametrize("count", [40, 60])
def test_a_long_list_takes_the_secret_alone_twice(any_version, unique, count):
    # With the limits of a fresh installation, which none of it meets.
    with Synapse(any_version, default_limits=True) as server:
        users = list_of(unique, count)
        task = by_service(server, users=users)
        done = run_module(task)
        assert not done.failed and done.json["summary"]["created"] == count, done.json
        assert done.json["actions"] == []
        assert [user["actions"] for user in done.json["users"]] == [["create"]] * count
        # Nobody else was made.
        assert set(server.user_names()) == {server.user_id(u["username"]) for u in users}
        for user in users:
            assert agrees(facts(server, user["username"]), BECOMES[user["initial_type"]])
        requests = requests_during(server, lambda: run_module(task))
        assert LOGIN not in requests and REGISTRATION not in requests
        # A profile a user, and what the beginning takes.
        profiles = [r for r in requests if r.startswith("GET /_matrix/client/v3/profile/")]
        assert len(profiles) == count, requests
        assert len(requests) - count <= 3, [r for r in requests if r not in profiles]
        again = run_module(task)
        assert not again.failed and not again.changed, again.json
        assert again.json["summary"]["unchanged"] == count
        assert again.json["actions"] == []


def test_it_goes_neither_with_what_holds_from_now_on_nor_with_a_deactivation(synapse, unique):
    name = unique("alice")
    synapse.register(name, a_password())
    user = {"username": name, "initial_type": "admin"}
    for option, value in {"admin": False, "user_type": ""}.items():
        said = f"parameters are mutually exclusive: initial_type|{option}"
        reply = is_refused(synapse, by_token(synapse, **user, **{option: value}), "invalid")
        assert reply.msg == said
        task = by_token(synapse, users=[user | {option: value}])
        assert requests_during(synapse, lambda: run_module(task)) == []  # noqa: B023
        assert is_refused(synapse, task, "invalid").msg == f"{said} found in users"
    gone = by_token(synapse, state="deactivated", **user)
    assert "initial_type" in is_refused(synapse, gone, "invalid").msg
