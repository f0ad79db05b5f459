# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords on tuwunel, continuwuity and Conduit: any of them opens the account as it is
written, whatever a command line makes of it; the question whether it is that one already
leaves no trace; and none stays readable in the admin room."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.servers.proof import a_password
from tests.servers.relatives import (
    KINDS,
    LOGIN,
    Server,
    by_token,
    does,
    has_nothing_to_do,
    logins_of,
    ran,
    refused,
    warnings,
)
from tests.support.conduit import Conduit
from tests.support.continuwuity import Continuwuity
from tests.support.mas_wire import Reply as Answered
from tests.support.mas_wire import Request
from tests.support.module import run_module
from tests.support.tuwunel import Tuwunel

HOSTILE = {
    "blank": "two words",
    "outer blanks": " leading and trailing ",
    "newline": "first\nsecond",
    "tab": "a\ttab",
    "backtick": "back`tick`",
    "fence": "```\nx\n```",
    "option": "--help",
    "long option": "--logout",
    "short option": "-l",
    "dash": "-",
    "dashes": "--",
    "no-break space": "no\N{NO-BREAK SPACE}break",
    "ideographic space": "wide\N{IDEOGRAPHIC SPACE}space",
    "line separator": "line\N{LINE SEPARATOR}separator",
    "quotes": "'single' and \"double\"",
    "unclosed quote": '"',
    "backslash": "back\\slash\\",
    "600 bytes": "x" * 600,
    "300 umlauts": "\N{LATIN SMALL LETTER U WITH DIAERESIS}" * 300,
    "digits": "123456789",
    "html": "<b>&amp;</b>",
    "command": "!admin users list",
    "control": "bell\a\x1b[0m",
    "star": "*",
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def server(kind: str, request: pytest.FixtureRequest) -> Server:
    return request.getfixturevalue(kind)


@pytest.fixture
def alice(server: Server, unique: Callable[[str], str]) -> tuple[str, str]:
    """An account, and its password."""
    name, password = unique("alice"), a_password()
    server.create(name, password)
    return name, password


def always(server: Server, name: str, password: str, **options: object) -> dict[str, object]:
    task = by_token(server, username=name, password=password, update_password="always")
    return task | options


# As they are written


@pytest.mark.parametrize("password", HOSTILE.values(), ids=HOSTILE)
def test_any_password_opens_as_it_is_written(kind, server, unique, password):
    name = unique("alice")
    if kind == "tuwunel" and password == "*":
        return  # it means that there is none: test_tuwunel_traps.py
    task = by_token(server, username=name, password=password)
    ran(task)
    assert server.user(name).password == password and not server.user(name).deactivated
    has_nothing_to_do(server, task | {"update_password": "always"})
    other = password + password
    does(server, always(server, name, other), "set password")
    assert server.user(name).password == other
    assert server.devices(name) == []
    if len(password) > 8:
        assert not server.is_readable(password)


@pytest.mark.parametrize("password", ["two words", "--help", "carried"])
def test_and_so_it_does_after_a_reactivation(server, alice, password):
    name, _ = alice
    ran(by_token(server, username=name, state="deactivated"))
    task = by_token(server, username=name, password=password, reactivate=True)
    assert "reactivate" in ran(task).json["actions"]
    assert server.opens(name, password) and server.devices(name) == []


def test_the_shared_secret_takes_512_bytes(tuwunel, unique):
    task = {"url": tuwunel.url, "registration_shared_secret": tuwunel.secret}
    task |= {"username": unique("alice"), "password": "x" * 513}
    assert "512" in refused(tuwunel, task, "invalid").msg
    does(tuwunel, task | {"password": "x" * 512}, "create")


def test_an_empty_password_is_refused(server, unique):
    name = unique("alice")
    reply = run_module(by_token(server, username=name, password=""))
    assert reply.failed and "empty" in reply.msg and server.find(name) is None


# Whether it is that one already


def test_a_right_password_is_left_alone_without_a_trace(server, alice):
    name, password = alice
    other = server.login(name, password)
    task = always(server, name, password, logout_devices=True)
    has_nothing_to_do(server, task)  # devices and events are as they were
    assert server.whoami(other) is not None
    assert logins_of(server, name) >= 1


def test_the_question_is_one_login_with_a_device_of_its_own(server, alice):
    name, password = alice
    known = len(server.requests)
    has_nothing_to_do(server, always(server, name, password))
    asked = [json.loads(one.body) for one in server.requests[known:] if one.route == LOGIN]
    real = [one for one in asked if one["password"] == password]
    # One in check mode, and one in the run.
    assert len(real) == 2 and {one["device_id"] for one in real} == {"registrar"}


def test_password_probe_false_asks_nothing_and_sets_it_each_time(server, alice):
    name, password = alice
    task = always(server, name, password, password_probe=False)
    for check in (True, False, False):
        known = len(server.requests)
        reply = ran(task, check=check)
        assert reply.json["actions"] == ["set password"] and reply.changed
        asked = [json.loads(one.body) for one in server.requests[known:] if one.route == LOGIN]
        if check:
            assert not any(one["password"] == password for one in asked)
    assert server.opens(name, password) and server.devices(name) == []


@pytest.mark.parametrize("logout", [False, True])
def test_devices_are_logged_out_where_that_is_asked_for(server, alice, logout):
    name, password = alice
    tokens = [server.login(name, password) for _ in range(2)]
    devices = server.devices(name)
    # Both kinds: one that a command carries, and one that it cannot.
    for new in ("carried-by-a-command-" + a_password()[-6:], a_password()):
        does(server, always(server, name, new, logout_devices=logout), "set password")
        assert server.opens(name, new)
        assert [server.whoami(token) is None for token in tokens] == [logout] * 2
        assert server.devices(name) == ([] if logout else devices)
        if logout:
            tokens = [server.login(name, new) for _ in range(2)]


def test_a_list_of_many_with_always_is_one_task(server, unique):
    # None of the three limits logins.
    users = [{"username": unique("list"), "password": a_password()} for _ in range(5)]
    task = by_token(server, users=[one | {"update_password": "always"} for one in users])
    assert ran(task).json["summary"]["created"] == 5
    again = ran(task)
    assert again.json["summary"] == {"created": 0, "changed": 0, "unchanged": 5, "failed": 0}
    assert all(server.devices(one["username"]) == [] for one in users)


def test_a_locked_account_s_password_is_told_where_the_server_tells_it(kind, unique, request):
    if kind == "conduit":
        return
    server: Server = request.getfixturevalue(kind)
    name, password = unique("alice"), a_password()
    server.create(name, password)
    server.user(name).locked = True
    if kind == "tuwunel":
        # It says that it is locked to the right password alone.
        has_nothing_to_do(server, always(server, name, password))
        return
    reply = ran(always(server, name, "carried-by-a-command"))
    assert "cannot be told" in warnings(reply) and "locked" in warnings(reply)
    assert server.user(name).password == "carried-by-a-command" and server.user(name).locked


# Where nobody can log in with one


# Conduit has no setting that switches them off.
@pytest.fixture(params=["tuwunel", "continuwuity"])
def without_logins(request: pytest.FixtureRequest) -> Iterator[Server]:
    with KINDS[request.param](login_enabled=False) as server:
        server.create("alice", "the-pw-of-alice")
        yield server
        assert not server.complaints


def test_without_logins_a_password_is_set_each_time(without_logins):
    task = always(without_logins, "alice", "carried-by-a-command")
    for _ in range(2):
        reply = ran(task)
        assert reply.json["actions"] == ["set password"]
        assert "cannot be told" in warnings(reply) and "switched off" in warnings(reply)
    assert without_logins.user("alice").password == "carried-by-a-command"
    task = by_token(without_logins, username="alice", password="any", if_exists="match")
    assert "switched off" in refused(without_logins, task, "conflict").msg


def test_without_logins_one_that_no_command_carries_is_refused(without_logins):
    new = by_token(without_logins, username="bob", password="two words")
    if isinstance(without_logins, Tuwunel):
        assert ran(new).json["actions"] == ["create"]  # it takes no command
        return
    for task in (new, always(without_logins, "alice", "two words")):
        reply = refused(without_logins, task, "unsupported")
        assert "log in as itself" in reply.msg and "switched off" in reply.msg
    assert ran(new | {"password": "one-word"}).json["actions"] == ["create"]


@pytest.fixture
def speaking_oauth() -> Iterator[Continuwuity]:
    """It offers password logins, and has none."""
    with Continuwuity(compatibility_mode="exclusive") as server:
        server.create("alice", "the-pw-of-alice")
        yield server
        assert not server.complaints


def test_where_logins_are_offered_in_vain_nothing_is_created(speaking_oauth):
    task = by_token(speaking_oauth, username="bob")
    reply = refused(speaking_oauth, task | {"password": "two words"}, "unsupported")
    assert "switched off" in reply.msg
    for name, options in (("bob", {}), ("carol", {"generate_password": True})):
        assert ran(task | {"username": name} | options).json["actions"] == ["create"]
    assert ran(task | {"username": "dave", "password": "one-word"}).json["actions"] == ["create"]


@pytest.mark.parametrize("made", [Continuwuity, Conduit])
def test_a_password_that_was_changed_by_half_counts_as_changed(made):
    # The command has set another one, and the account is not let to change that.
    def refuse(request: Request) -> Answered | None:
        if request.path != "/_matrix/client/v3/account/password":
            return None
        return Answered(403, {"errcode": "M_FORBIDDEN", "error": "of the test"})

    with made() as server:
        server.create("alice", "the-pw-of-alice")
        server.before = refuse
        reply = run_module(always(server, "alice", "two words"))
        assert reply.failed and reply.changed and "until this task is run again" in reply.msg
        assert server.user("alice").password not in ("the-pw-of-alice", "two words")
        server.before = None
        does(server, always(server, "alice", "two words"), "set password")
        assert server.opens("alice", "two words") and server.devices("alice") == []


def test_conduit_makes_none_that_an_application_service_has_for_itself():
    # Its command does, and then lets nobody log in.
    with Conduit(namespaces=("irc_.*",)) as server:
        task = by_token(server, username="irc_alice", password=a_password())
        reply = refused(server, task, "policy")
        assert "application service" in reply.msg and server.find("irc_alice") is None


# Making one up


def test_a_generated_password_is_told_once_and_opens_the_account(server, unique):
    name = unique("bot")
    task = by_token(server, username=name, generate_password=True)
    assert "generated_password" not in ran(task, check=True).json["user"]
    generated = ran(task).json["user"]["generated_password"]
    assert server.opens(name, generated) and server.devices(name) == []
    assert not server.is_readable(generated)
    has_nothing_to_do(server, task)
    ran(by_token(server, username=name, state="deactivated"))
    reply = ran(task | {"reactivate": True})
    again = reply.json["user"]["generated_password"]
    assert again != generated and server.opens(name, again)


def test_verify_login_says_whether_the_account_opens(server, alice, unique):
    name, password = alice
    ran(by_token(server, username=unique("bob"), password=a_password(), verify_login=True))
    task = by_token(server, username=name, password=password, verify_login=True)
    known = logins_of(server, name)
    assert not ran(task).changed and logins_of(server, name) > known
    reply = run_module(task | {"password": a_password()})
    assert reply.failed and not reply.changed and "password" in reply.msg
    assert server.devices(name) == []
