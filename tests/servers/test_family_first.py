# SPDX-License-Identifier: GPL-3.0-or-later
"""How tuwunel, continuwuity and Conduit are opened where there is nobody yet who could do
it, and where there is: each path, on each server that has it, and what is said where it is
not the one. The server's own user is in test_family_emergency.py."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.servers.proof import a_password, service_password
from tests.servers.relatives import (
    KINDS,
    REGISTER,
    TOKEN,
    Server,
    by_token,
    does,
    foretold,
    has_nothing_to_do,
    logins_of,
    ran,
    refused,
    requests_during,
    warnings,
)
from tests.support.conduit import Conduit
from tests.support.continuwuity import Continuwuity
from tests.support.tuwunel import Tuwunel

# What lets anybody register there, by a token and by nothing.
BY_TOKEN = {"allow_registration": True, "registration_token": TOKEN}
OPENLY: dict[str, dict[str, Any]] = {
    "tuwunel": {"allow_registration": True},
    "continuwuity": {"open_registration": True, "force_disable_first_run_mode": True},
    "conduit": {"allow_registration": True},
}
SERVICE = "registrar-service"
BY_SECRET = "registration_shared_secret"


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def server(kind: str, request: pytest.FixtureRequest) -> Server:
    """The shared one."""
    return request.getfixturevalue(kind)


@pytest.fixture
def start(kind: str) -> Iterator[Callable[..., Server]]:
    """One of the test's own, without an account, with these settings."""
    yield from starting(KINDS[kind])


@pytest.fixture
def start_tuwunel() -> Iterator[Callable[..., Tuwunel]]:
    yield from starting(Tuwunel)


@pytest.fixture
def start_continuwuity() -> Iterator[Callable[..., Continuwuity]]:
    yield from starting(Continuwuity)


def starting(made: type[Server]) -> Iterator[Callable[..., Any]]:
    servers: list[Server] = []

    def begin(**settings: Any) -> Server:
        servers.append(made(**settings))
        return servers[-1]

    yield begin
    for server in servers:
        server.close()
        assert not server.complaints


# An administrator who is there


def test_an_access_token_opens_it_and_goes_on_working(server, unique):
    task = by_token(server, username=unique("alice"), password=a_password())
    devices = server.devices("harness-admin")
    assert does(server, task, "create").json["authenticated_by"] == "access_token"
    assert server.devices("harness-admin") == devices and server.whoami(server.admin_token)


def test_a_token_of_nobodys_or_of_no_administrator_is_refused(server, unique):
    name = unique("alice")
    server.create(name, a_password())
    task = {"url": server.url, "username": unique("bob"), "password": a_password()}
    reply = refused(server, task | {"access_token": "syt_of_nobody_at_all"}, "unauthorized")
    assert "access_token" in reply.msg
    refused(server, task | {"access_token": server.token_of(name)}, "forbidden")


def test_a_kept_session_spares_the_second_run_its_login(server, unique, tmp_path):
    admin, password = unique("root"), a_password()
    server.create(admin, password, admin=True)
    task = {
        "url": server.url,
        "admin_username": admin,
        "admin_password": password,
        "session_file": str(tmp_path / "kept" / "sessions.json"),
    }
    first = ran(task | {"username": unique("bob"), "password": a_password()})
    assert first.json["actions"] == ["create"]
    assert first.json["authenticated_by"] == "admin_username"
    devices = server.devices(admin)
    assert len(devices) == 1 and logins_of(server, admin) == 1
    ran(task | {"username": unique("bob"), "password": a_password()})
    assert server.devices(admin) == devices and logins_of(server, admin) == 1


def test_without_a_kept_session_no_device_is_left(server, unique):
    admin, password = unique("root"), a_password()
    server.create(admin, password, admin=True)
    task = {"url": server.url, "admin_username": admin, "admin_password": password}
    does(server, task | {"username": unique("bob"), "password": a_password()}, "create")
    assert server.devices(admin) == []
    reply = refused(
        server, task | {"admin_password": "wrong one", "username": unique("bob")}, "unauthorized"
    )
    assert "admin_password" in reply.msg and admin in reply.msg


# Registering as anybody may


def test_the_first_who_registers_with_a_token_is_an_administrator_once(kind, start):
    server = start(**BY_TOKEN)
    token = server.first_run_token if kind == "continuwuity" else TOKEN
    task = {"url": server.url, "registration_token": token, "username": "alice"}
    task |= {"password": a_password(), "admin": True}
    prediction = foretold(server, task)
    assert prediction.json["actions"] == ["create"] and "guess" in warnings(prediction)
    done = ran(task)
    assert done.json["actions"] == ["create"]
    assert done.json["authenticated_by"] == "registration_token"
    assert server.administers("alice") and server.opens("alice", task["password"])
    assert server.devices("alice") == []
    # Its own password is enough from now on, the token of the first run being no more.
    has_nothing_to_do(server, task)
    del task["registration_token"]
    has_nothing_to_do(server, task)


def test_the_first_who_registers_openly_is_an_administrator(kind, start):
    server = start(**OPENLY[kind])
    task = {"url": server.url, "username": "alice", "password": a_password()}
    foretold(server, task)
    if kind == "continuwuity":
        # Only the first run's account is promoted there.
        assert not server.first_run
        does(server, task, "create")
        assert not server.administers("alice")
        return
    done = ran(task | {"admin": True})
    assert done.json["actions"] == ["create"] and server.administers("alice")
    has_nothing_to_do(server, task | {"admin": True})


@pytest.mark.parametrize("given", [{}, {"registration_token": TOKEN}], ids=["openly", "token"])
def test_later_ones_are_none_and_who_should_be_one_is_told_so(kind, start, given):
    server = start(**(BY_TOKEN if given else OPENLY[kind]))
    server.create("root", a_password(), admin=True)
    task = {"url": server.url, "username": "bob", "password": a_password()} | given
    does(server, task, "create")
    assert not server.administers("bob") and server.opens("bob", task["password"])
    assert server.devices("bob") == []
    reply = ran(task | {"username": "carol"}, check=True)
    assert reply.json["actions"] == ["create"]


def test_who_is_no_administrator_after_all_was_made_and_the_error_says_so(kind, start):
    server = start(**BY_TOKEN)
    server.create("root", a_password(), admin=True)
    task = {"url": server.url, "registration_token": TOKEN, "username": "bob"}
    reply, _ = requests_during(server, task | {"password": a_password(), "admin": True})
    assert reply.failed and reply.kind == "policy" and reply.changed
    assert "is no administrator" in reply.msg and "admin_username" in reply.msg
    assert server.find("bob") is not None and not server.administers("bob")
    assert server.devices("bob") == []


def test_a_wrong_token_makes_nothing(kind, start):
    server = start(**BY_TOKEN)
    if kind == "continuwuity":
        server.create("root", a_password(), admin=True)
    task = {"url": server.url, "registration_token": "another-token", "username": "alice"}
    task |= {"password": a_password()}
    reply, _ = requests_during(server, task)
    assert reply.failed and not reply.changed and reply.kind == "unauthorized"
    assert "registration_token" in reply.msg and server.find("alice") is None


def test_the_configured_token_is_none_in_the_first_run(start_continuwuity):
    server = start_continuwuity(**BY_TOKEN)
    task = {"url": server.url, "registration_token": TOKEN, "username": "alice"}
    reply, _ = requests_during(server, task | {"password": a_password()})
    assert reply.failed and reply.kind == "unauthorized" and "log" in reply.msg
    assert server.user_names() == []


def test_a_used_up_token_makes_nothing(start_continuwuity):
    server = start_continuwuity(allow_registration=True)
    server.create("root", a_password(), admin=True)
    issued = server.give("!admin token issue --once", server.token_of("root"))[-1]
    token = issued.content["body"].split("`")[1]
    task = {"url": server.url, "registration_token": token, "password": a_password()}
    does(server, task | {"username": "alice"}, "create")
    reply, _ = requests_during(server, task | {"username": "bob"})
    assert reply.failed and not reply.changed and reply.kind == "unauthorized"
    assert server.find("bob") is None


def test_a_tokens_use_is_counted_once(start_tuwunel):
    server = start_tuwunel(allow_registration=True, registration_shared_secret=None)
    token = server.add_token(uses_allowed=1)
    server.add_token()  # without any, registration would be open
    task = {"url": server.url, "registration_token": token, "username": "alice"}
    does(server, task | {"password": a_password(), "admin": True}, "create")
    reply, _ = requests_during(server, task | {"username": "bob", "password": a_password()})
    assert reply.failed and server.find("bob") is None


# Where nothing opens it, the error names what to give


def test_a_closed_server_names_what_opens_it(kind, start):
    settings: dict[str, dict[str, Any]] = {
        "tuwunel": {"registration_shared_secret": None},
        "continuwuity": {"allow_registration": False},
    }
    server = start(**settings.get(kind, {}))
    server.create("root", a_password(), admin=True)
    task = {"url": server.url, "username": "alice", "password": a_password()}
    reply = refused(server, task, "unauthorized")
    wanted = ["admin_username", "access_token", "registration_token"]
    wanted += (
        ["registration_shared_secret", "TUWUNEL_REGISTRATION_SHARED_SECRET"]
        if kind == "tuwunel"
        else ["emergency_password"]
    )
    for option in wanted:
        assert option in reply.msg, reply.msg
    reply = refused(server, task | {"registration_token": TOKEN}, "unauthorized")
    assert "emergency_password" in reply.msg or "registration_shared_secret" in reply.msg


def test_a_token_is_asked_for_where_registration_takes_one(kind, start):
    server = start(**BY_TOKEN)
    server.create("root", a_password(), admin=True)
    task = {"url": server.url, "username": "alice", "password": a_password()}
    assert "registration_token" in refused(server, task, "unauthorized").msg


def test_a_shared_secret_is_refused_by_name_where_there_is_none(kind, start):
    server = start(**({"registration_shared_secret": None} if kind == "tuwunel" else {}))
    task = {"url": server.url, "registration_shared_secret": "a secret of somebody"}
    task |= {"username": "alice", "password": a_password()}
    reply = refused(server, task, "unsupported")
    assert "registration_shared_secret" in reply.msg
    assert "TUWUNEL_REGISTRATION_SHARED_SECRET" in reply.msg or "tuwunel" in reply.msg


# The shared secret of tuwunel, and its service account


def by_secret(server: Tuwunel, **options: Any) -> dict[str, Any]:
    return {"url": server.url, "registration_shared_secret": server.secret} | options


def test_the_secret_promotes_by_a_service_account_that_is_made_once(start_tuwunel, tmp_path):
    server = start_tuwunel()
    bob = a_password()
    server.create("bob", bob)
    file = tmp_path / "kept" / "sessions.json"
    task = by_secret(server, session_file=str(file), username="bob", admin=True)
    foretold(server, task)
    assert not file.exists()
    done = ran(task)
    assert done.json["actions"] == ["create service account", "set admin"], done.json
    assert done.json["authenticated_by"] == "registration_shared_secret"
    assert server.admins() == ["@bob:example.test", f"@{SERVICE}:example.test"]
    assert server.opens(SERVICE, service_password(server.secret))
    devices = server.devices(SERVICE)
    reply, asked = requests_during(server, task)
    assert reply.json["actions"] == [] and not reply.changed
    assert [one for one in asked if not one.startswith("GET ")] == []
    assert server.devices(SERVICE) == devices and len(devices) == 1


def test_an_administrator_by_the_secret_needs_no_service_account(start_tuwunel):
    server = start_tuwunel()
    task = by_secret(server, username="alice", password=a_password(), admin=True)
    does(server, task | {"if_exists": "match"}, "create")
    assert server.admins() == ["@alice:example.test"] and server.find(SERVICE) is None


def test_a_rotated_secret_is_followed_with_the_previous_one(start_tuwunel):
    server = start_tuwunel()
    old = server.secret
    server.create("bob", a_password())
    ran(by_secret(server, username="bob", admin=True))
    server.restart(registration_shared_secret="Another_secret-of/the+test")
    task = by_secret(server, username="bob", admin=False)
    reply = refused(server, task, "conflict")
    assert "registration_shared_secret_previous" in reply.msg
    done = ran(task | {"registration_shared_secret_previous": old})
    assert "unset admin" in done.json["actions"] and not server.administers("bob")
    assert server.opens(SERVICE, service_password(server.secret))
    does(server, by_secret(server, username="bob", admin=True), "set admin")


def test_the_service_account_ends_itself_and_its_session(start_tuwunel, tmp_path):
    server = start_tuwunel()
    server.create("bob", a_password())
    file = tmp_path / "kept" / "sessions.json"
    task = by_secret(server, session_file=str(file))
    ran(task | {"username": "bob", "admin": True})
    assert len(json.loads(file.read_text())["sessions"]) == 1
    ending = task | {"username": SERVICE, "state": "deactivated"}
    assert "deactivate" in foretold(server, ending).json["actions"]
    assert "deactivate" in ran(ending).json["actions"]
    assert server.user(SERVICE).deactivated and server.admins() == ["@bob:example.test"]
    assert server.devices(SERVICE) == []
    assert not file.exists() or json.loads(file.read_text())["sessions"] == []
    has_nothing_to_do(server, ending)


# Two that are given at once


def test_the_first_of_those_that_are_given_opens_it(kind, start):
    server = start(**BY_TOKEN, emergency_password="emergency-of-a-test")
    admin, password = "root", a_password()
    server.create(admin, password, admin=True)
    task = {"url": server.url, "username": "alice", "password": a_password()}
    given: list[tuple[str, dict[str, str]]] = [
        ("access_token", {"access_token": server.token_of(admin)}),
        ("admin_username", {"admin_username": admin, "admin_password": password}),
        (BY_SECRET, {BY_SECRET: getattr(server, "secret", "")}),
        ("emergency_password", {"emergency_password": "emergency-of-a-test"}),
        ("registration_token", {"registration_token": TOKEN}),
    ]
    if kind != "tuwunel":
        del given[2]
    # Some may not be given together; those that may are tried from the first on.
    for i, (name, options) in enumerate(given):
        rest = {} if i < 2 else {k: v for _, one in given[i:] for k, v in one.items()}
        reply = ran(task | options | rest | {"username": f"alice{i}"})
        assert reply.json["authenticated_by"] == name, reply.json
        assert reply.json["actions"] == ["create"]
        if name == "emergency_password":
            assert REGISTER not in server.routes


# The account's own password


def test_registering_again_takes_no_administrator(kind, start):
    settings = {"tuwunel": {"registration_shared_secret": None}}.get(kind, {})
    server = start(**settings)
    password = a_password()
    server.create("alice", password, admin=True)
    task = {"url": server.url, "username": "alice", "password": password, "admin": True}
    has_nothing_to_do(server, task | {"if_exists": "match"})
    assert logins_of(server, "alice") >= 1 and server.devices("alice") == []
    refused(server, task | {"if_exists": "match", "password": a_password()}, "conflict")
    server.create("bob", password, admin=True)
    server.create("carol", password)
    reply = refused(server, task | {"username": "carol"}, "unauthorized")
    assert "admin" in reply.msg


def test_a_deactivated_account_is_seen_without_an_administrator(kind, start):
    # Whoever tries to log in is told, whatever the password.
    settings = {"tuwunel": {"registration_shared_secret": None}}.get(kind, {})
    server = start(**settings)
    server.create("root", a_password(), admin=True)
    server.create("alice", None)
    server.user("alice").deactivated = True
    task = {"url": server.url, "username": "alice"}
    for options in ({}, {"if_exists": "match"}):
        reply = refused(server, task | options | {"password": a_password()}, "conflict")
        assert "deactivated" in reply.msg
    has_nothing_to_do(server, task | {"state": "deactivated"})
    has_nothing_to_do(server, task | {"username": "nobody", "state": "deactivated"})
