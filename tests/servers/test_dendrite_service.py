# SPDX-License-Identifier: GPL-3.0-or-later
"""The service account on a Dendrite: made when something needs it, kept, rotated
and forgotten. On each server there is one, so each test has a server of its own."""

import secrets

import pytest

from tests.servers.dendrites import make_service, rows_of, sessions, with_service
from tests.servers.kept import Kept
from tests.servers.proof import (
    NEW,
    OLD,
    SERVICE,
    SERVICE_DISPLAYNAME,
    a_password,
    changes,
    has_nothing_to_do,
    is_refused,
    logs_in,
    predicted,
    ran_in_vain,
    run_module,
    service_password,
)
from tests.servers.proxy import Proxy
from tests.support.dendrite import REGISTRATION_DEVICE, Dendrite

MADE = "create service account"
UPDATED = "update service account"
SET = ["set password"], {"password": OLD}, {"password": NEW}


@pytest.fixture
def server():
    with Dendrite() as own:
        own.register("alice", a_password())
        # Made now, while the first secret holds.
        own.admin_token  # noqa: B018
        yield own


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path / "kept")


def sets_password(server, **options):
    """A task that takes an administrator."""
    stated = {"username": "alice", "password": a_password(), "update_password": "always"}
    return with_service(server, **stated) | options


def test_it_is_an_administrator_that_says_what_it_is_and_opens_with_the_secret(server):
    foretold = predicted(server, sets_password(server))
    done = run_module(sets_password(server))
    for reply in (foretold, done):
        assert reply.json["actions"] == [MADE, "set password"], reply.json
    assert server.is_admin(SERVICE)
    assert server.profile(SERVICE) == {"displayname": SERVICE_DISPLAYNAME}
    assert logs_in(server, SERVICE, service_password(server.secret))
    assert sessions(server, SERVICE) == []


def test_it_is_not_made_where_nothing_needs_it(server):
    task = with_service(server, username="bob", password=a_password(), admin=True)
    assert run_module(task).json["actions"] == ["create"]
    has_nothing_to_do(server, task)
    has_nothing_to_do(server, task | {"if_exists": "match"})
    assert server.account(SERVICE) is None


def test_its_session_is_kept_on_a_device_of_its_own_and_spares_the_second_login(server, kept):
    assert run_module(sets_password(server, **kept.option)).json["actions"][0] == MADE
    (device,) = sessions(server, SERVICE)
    assert device != REGISTRATION_DEVICE
    assert server.whoami(kept.token)["device_id"] == device
    with Proxy(server) as proxy:
        task = sets_password(server, **kept.option, url=proxy.url)
        # A session is of one origin, and so this one has another.
        assert run_module(task).json["actions"] == ["set password"]
        seen = len(proxy.passed)
        assert run_module(task | {"password": a_password()}).json["actions"] == ["set password"]
        again = [p.path for p in proxy.passed[seen:] if p.method == "POST"]
    assert not [path for path in again if path.endswith(("/login", "/logout"))]


def test_a_kept_session_that_ended_is_followed_by_a_new_one(server, kept):
    assert run_module(sets_password(server, **kept.option)).changed
    old = kept.token
    server.logout(old)
    assert run_module(sets_password(server, **kept.option)).json["actions"] == ["set password"]
    assert kept.token != old and len(sessions(server, SERVICE)) == 1


def test_a_rotated_secret_is_followed_with_the_previous_one_or_said(server):
    assert run_module(sets_password(server)).json["actions"][0] == MADE
    old = server.secret
    server.restart({"client_api": {"registration_shared_secret": secrets.token_urlsafe(24)}})
    task = sets_password(server)
    reply = is_refused(server, task, "conflict")
    assert "registration_shared_secret_previous" in reply.msg
    task["registration_shared_secret_previous"] = old
    foretold = predicted(server, task)
    done = run_module(task, secrets=(service_password(old),))
    for reply in (foretold, done):
        assert reply.json["actions"] == [UPDATED, "set password"], reply.json
    assert logs_in(server, SERVICE, service_password(server.secret))
    assert not logs_in(server, SERVICE, service_password(old))
    del task["registration_shared_secret_previous"]
    has_nothing_to_do(server, task)


def test_a_rotated_secret_is_followed_with_the_kept_session(server, kept):
    assert run_module(sets_password(server, **kept.option)).changed
    server.restart({"client_api": {"registration_shared_secret": secrets.token_urlsafe(24)}})
    done = run_module(sets_password(server, **kept.option))
    assert done.json["actions"] == [UPDATED, "set password"], done.json
    assert logs_in(server, SERVICE, service_password(server.secret))


def test_a_strangers_account_of_that_name_is_not_touched(server):
    password = a_password()
    server.register(SERVICE, password, admin=True)
    reply = is_refused(server, sets_password(server), "conflict")
    assert SERVICE in reply.msg and "not touched" in reply.msg
    assert logs_in(server, SERVICE, password)
    other = sets_password(server, service_account="another")
    assert run_module(other).json["actions"] == [MADE, "set password"]


def test_none_is_made_where_it_is_forbidden(server):
    task = sets_password(server, service_account="")
    is_refused(server, task, "unauthorized")
    assert server.account(SERVICE) is None


def test_it_is_only_ever_asked_to_go(server):
    make_service(server)
    for stated in ({"admin": False}, {"password": a_password()}, {"displayname": "Mine"}):
        reply = is_refused(server, with_service(server, username=SERVICE, **stated), "policy")
        assert "service_account" in reply.msg


def test_forgetting_it_takes_the_database_and_without_one_that_is_said(server):
    make_service(server)
    task = with_service(server, username=SERVICE, state="deactivated")
    assert "database" in is_refused(server, task, "unauthorized").msg
    assert logs_in(server, SERVICE, service_password(server.secret))


def test_forgotten_with_the_database_it_is_deactivated_and_its_session_gone(postgres, kept):
    with Dendrite(postgres=postgres) as server:
        server.register("alice", a_password())
        server.admin_token  # noqa: B018
        assert run_module(sets_password(server, **kept.option)).changed
        token = kept.token
        task = with_service(server, database=rows_of(server), **kept.option)
        task |= {"username": SERVICE, "state": "deactivated"}
        foretold = predicted(server, task)
        assert foretold.json["actions"] == ["deactivate"] and kept.entries()
        done = run_module(task)
        assert done.json["actions"] == ["deactivate"], done.json
        assert kept.entries() == [] and server.whoami(token) is None
        assert server.account(SERVICE).deactivated and sessions(server, SERVICE) == []
        again = ran_in_vain(server, task)
        assert not again.failed and not again.changed, again.json
        # A run after it says what to do, and another name goes on.
        reply = is_refused(server, sets_password(server), "conflict")
        assert "deactivated" in reply.msg and "service_account" in reply.msg
        other = sets_password(server, service_account="another")
        assert run_module(other).json["actions"] == [MADE, "set password"]


def test_another_administrator_ends_it_and_its_kept_session_with_it(postgres, kept):
    with Dendrite(postgres=postgres) as server:
        server.register("alice", a_password())
        server.admin_token  # noqa: B018
        assert run_module(sets_password(server, **kept.option)).changed
        task = {"url": server.url, "access_token": server.admin_token, **kept.option}
        task |= {"database": rows_of(server), "username": SERVICE, "state": "deactivated"}
        changes(server, task, ["deactivate"], {"deactivated": False}, {"deactivated": True})
        assert kept.entries() == []
