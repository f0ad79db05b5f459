# SPDX-License-Identifier: GPL-3.0-or-later
"""generate_password and verify_login on servers that are not well-behaved: a
password that was set is never lost, and one that does not open is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support import hostile_faults as faults
from tests.support.hostile import Answer, Exchange, Fault, HostileServer
from tests.support.hostile_secrets import assert_no_secret, encodings
from tests.support.hostile_tasks import (
    ALICE_PASSWORD,
    NEW_PASSWORD,
    SLACK,
    TIMEOUT,
    Arguments,
    assert_fails,
    assert_truthful,
    by_secret,
    by_service,
    by_token,
    left_sessions,
    run,
)
from tests.support.module import Reply

Task = Callable[[HostileServer], Arguments]
GENERATED = {"generate_password": True}


def by_the_secret(server: HostileServer, **more: Any) -> Arguments:
    return by_secret(server, **(GENERATED | {"password": None} | more))


def by_the_token(server: HostileServer, **more: Any) -> Arguments:
    return by_token(server, "bob", **(GENERATED | more))


def by_the_service(server: HostileServer, **more: Any) -> Arguments:
    return by_service(server, "bob", **(GENERATED | {"displayname": "Bob"} | more))


CREATING: dict[str, tuple[str, Task]] = {
    "by secret": ("register", by_the_secret),
    "by token": ("put_user", by_the_token),
    "by service account": ("put_user", by_the_service),
}


def reactivating(server: HostileServer) -> Arguments:
    server.homeserver.add_user("bob", None, deactivated=True)
    return by_the_token(server, reactivate=True)


def handed_out(reply: Reply, entry: dict[str, Any] | None = None) -> str:
    """The one place where it is, and it is nowhere else."""
    entry = reply.json["user"] if entry is None else entry
    password = entry["generated_password"]
    assert isinstance(password, str)
    rest = json.loads(reply.raw)
    for one in [rest.get("user", {}), *rest.get("users", [])]:
        one.pop("generated_password", None)
    for form in encodings(password).values():
        assert form not in json.dumps(rest, ensure_ascii=False)
    return password


@pytest.mark.parametrize("how", CREATING)
def test_a_password_that_was_made_up_is_the_account_s_and_is_handed_out(
    server: HostileServer, how: str
) -> None:
    task = CREATING[how][1]
    reply = run(task(server), diff=True)
    assert reply.changed, reply.json
    password = handed_out(reply)
    assert password == server.homeserver.user("bob").password
    assert 16 <= len(password) <= 72, "bcrypt looks at no more"
    assert password.isascii() and password.isprintable() and " " not in password
    again = run(task(server))
    assert not again.changed
    assert "generated_password" not in again.json["user"]
    assert server.homeserver.user("bob").password == password


def test_no_two_passwords_are_the_same(server: HostileServer) -> None:
    users = [{"username": f"u{number}", "generate_password": True} for number in range(20)]
    reply = run(by_token(server, username=None) | {"users": users})
    passwords = [handed_out(reply, entry) for entry in reply.json["users"]]
    assert len(set(passwords)) == 20
    for entry in reply.json["users"]:
        account = server.homeserver.user(entry["username"])
        assert account.password == entry["generated_password"]


def test_a_reactivated_account_gets_one(server: HostileServer) -> None:
    reply = run(reactivating(server))
    assert "reactivate" in reply.json["actions"], reply.json
    assert handed_out(reply) == server.homeserver.user("bob").password


@pytest.mark.parametrize("how", CREATING)
def test_in_check_mode_none_is_made_up(server: HostileServer, how: str) -> None:
    before = server.homeserver.state()
    reply = run(CREATING[how][1](server), check=True, diff=True)
    assert reply.changed, reply.json
    assert "generated_password" not in json.dumps(reply.json)
    assert server.homeserver.state() == before


LOST: dict[str, Fault] = {
    "a reset": faults.reset(done=True),
    "an end": faults.hangs_up(done=True),
    "half an answer": faults.truncated(),
    "a page with 502": faults.done_but(faults.html(502)),
    "no answer in time": faults.done_but(faults.silent()),
    "an error": faults.done_but(faults.refuses(500, "M_UNKNOWN", "Internal server error")),
    "an array": faults.done_but(faults.reply(200, b"[]")),
    "nothing": faults.done_but(faults.reply(200, b"")),
    "another account": faults.done_but_not_said(
        lambda body: body | {"user_id": "@mallory:example.test", "name": "@mallory:example.test"}
    ),
}


@pytest.mark.parametrize("gone", [False, True], ids=["", "and gone"])
@pytest.mark.parametrize("what", LOST)
@pytest.mark.parametrize("how", CREATING)
def test_a_password_that_was_set_is_handed_out_whatever_became_of_the_answer(
    server: HostileServer, how: str, what: str, gone: bool
) -> None:
    """The account is there, and nobody else will ever know what opens it."""
    route, task = CREATING[how]

    def fault(exchange: Exchange) -> Answer | None:
        if route == "register" or "bob" in exchange.request.target:
            if gone:
                server.misbehave("any", faults.html(502), on=None)
            return LOST[what](exchange)
        return exchange.answer()

    server.misbehave(route, fault, on=1)
    reply = run(task(server))
    assert reply.changed
    bob = server.homeserver.user("bob")
    assert bob is not None, "the test's own doing"
    assert handed_out(reply) == bob.password
    assert reply.seconds < TIMEOUT + SLACK


@pytest.mark.parametrize("how", ["by token", "by service account"])
@pytest.mark.parametrize("status", [400, 403, 409, 500, 502])
def test_a_password_is_handed_out_although_what_comes_after_it_is_refused(
    server: HostileServer, how: str, status: int
) -> None:
    task = CREATING[how][1](server, suspended=True, external_ids=[{"provider": "a", "id": "b"}])
    server.misbehave("suspend_user", faults.refuses(status, "M_UNKNOWN"), on=None)
    reply = run(task)
    assert reply.failed
    assert reply.changed
    assert handed_out(reply) == server.homeserver.user("bob").password


def test_a_reactivated_account_s_is_handed_out_although_the_answer_was_lost(
    server: HostileServer,
) -> None:
    arguments = reactivating(server)
    server.misbehave("put_user", faults.reset(done=True), on=None)
    reply = run(arguments)
    assert reply.changed
    assert handed_out(reply) == server.homeserver.user("bob").password


def test_of_a_list_that_ends_early_all_that_were_set_are_handed_out(
    server: HostileServer,
) -> None:
    users = [{"username": f"u{number}", "generate_password": True} for number in range(5)]
    server.misbehave("put_user", faults.html(502), on=range(3, 99))
    reply = run(by_token(server, username=None) | {"users": users})
    assert reply.failed
    made = {
        name: account.password
        for name, account in server.homeserver.accounts.items()
        if name.startswith("@u")
    }
    assert len(made) == 2
    for entry in reply.json["users"]:
        if entry["user_id"] in made:
            assert entry["generated_password"] == made[entry["user_id"]]
        else:
            assert "generated_password" not in entry, "of an account that was seen not to be there"


REFUSED = {
    "400": faults.refuses(400, "M_UNKNOWN"),
    "403": faults.refuses(403, "M_FORBIDDEN"),
    "429": faults.limited(100_000),
}


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("how", ["by secret", "by token"])
def test_a_password_of_no_account_is_not_handed_out(
    server: HostileServer, how: str, what: str
) -> None:
    route, task = CREATING[how]
    server.misbehave(route, REFUSED[what], on=None)
    reply = run(task(server))
    assert reply.failed
    assert not reply.changed
    assert "generated_password" not in json.dumps(reply.json)


@pytest.mark.parametrize("encoding", encodings("x"))
@pytest.mark.parametrize("how", ["by secret", "by token"])
def test_a_made_up_password_in_an_error_text_is_not_passed_on(
    server: HostileServer, how: str, encoding: str
) -> None:
    route, task = CREATING[how]
    made_up = []

    def echo(exchange: Exchange) -> Answer:
        made_up.append(exchange.request.json["password"])
        said = encodings(made_up[0])[encoding]
        return Answer(400, {"errcode": "M_UNKNOWN", "error": f"cannot take <{said}>"})

    server.misbehave(route, echo, on=None)
    reply = run(task(server))
    assert reply.failed
    assert "cannot take" in reply.msg, "the rest of the text is of use"
    assert_no_secret(reply, made_up)


def test_a_made_up_password_in_a_later_error_is_not_passed_on(server: HostileServer) -> None:
    """The request that is refused does not hold it; the server remembers it."""

    def echo(exchange: Exchange) -> Answer:
        password = server.homeserver.user("bob").password
        return Answer(403, {"errcode": "M_FORBIDDEN", "error": f"Was it {password}?"})

    server.misbehave("suspend_user", echo, on=None)
    reply = run(by_the_token(server, suspended=True))
    assert_fails(reply, "forbidden", "policy")
    assert handed_out(reply) == server.homeserver.user("bob").password


# Proving that the user can log in

VERIFYING: dict[str, Task] = {
    "creating": lambda s: by_secret(s, verify_login=True),
    "changing": lambda s: by_token(
        s, password=NEW_PASSWORD, update_password="always", verify_login=True
    ),
    "nothing": lambda s: by_token(s, password=ALICE_PASSWORD, verify_login=True),
    "made up": lambda s: by_the_token(s, verify_login=True),
}


@pytest.mark.parametrize("what", VERIFYING)
def test_a_login_that_works_is_proven_and_logged_out(server: HostileServer, what: str) -> None:
    reply = run(VERIFYING[what](server))
    assert not reply.failed, reply.json
    assert server.requests[-1].route == "logout"
    assert server.count("login") == 1
    assert left_sessions(server) == []


LOGINS: dict[str, tuple[Fault, list[str]]] = {
    "403": (faults.refuses(403, "M_FORBIDDEN", "Invalid"), ["unauthorized"]),
    "locked": (
        faults.refuses(401, "M_USER_LOCKED", soft_logout=True),
        ["forbidden", "unauthorized"],
    ),
    "deactivated": (faults.refuses(403, "M_USER_DEACTIVATED"), ["forbidden", "unauthorized"]),
    "400": (faults.refuses(400, "M_UNKNOWN", "Password login has been disabled."), ["unsupported"]),
    "404": (faults.refuses(404, "M_UNRECOGNIZED"), ["unsupported"]),
    "429": (faults.limited(331_000), ["rate_limited"]),
    "500": (faults.refuses(500, "M_UNKNOWN"), ["server"]),
    "502": (faults.html(502), ["not_ready"]),
    "a reset": (faults.reset(), ["unreachable"]),
    "a page": (faults.reply(200, b"<html></html>"), ["protocol"]),
    "an array": (faults.reply(200, b"[]"), ["protocol"]),
    "no token": (faults.says({"user_id": "@bob:example.test"}), ["protocol"]),
    "another's": (
        faults.done_but_not_said(lambda body: body | {"user_id": "@mallory:example.test"}),
        ["protocol", "unauthorized"],
    ),
    "nobody's": (faults.done_but_not_said(lambda body: body | {"user_id": 5}), ["protocol"]),
    "an injection": (
        faults.done_but_not_said(lambda body: body | {"access_token": "x\r\nX-Injected: 1"}),
        ["protocol"],
    ),
    "a redirect": (faults.redirects(302, "http://127.0.0.1:1/"), ["protocol"]),
    "too much": (faults.endless_body(), ["protocol", "unreachable"]),
}


@pytest.mark.parametrize("how", LOGINS)
@pytest.mark.parametrize("what", VERIFYING)
def test_a_login_that_does_not_work_fails_the_task_and_what_was_done_is_told(
    server: HostileServer, what: str, how: str
) -> None:
    fault, kinds = LOGINS[how]
    arguments = VERIFYING[what](server)
    before = server.homeserver.state()
    server.misbehave("login", fault, on=None)
    reply = run(arguments)
    assert_fails(reply, *kinds)
    assert_truthful(reply, server, before)
    if what == "made up":
        assert handed_out(reply) == server.homeserver.user("bob").password
    assert all(request.header("X-Injected") is None for request in server.requests)
    if how not in ("no token", "an injection"):
        assert left_sessions(server) == []
    server.forget()
    assert not run(arguments | {"verify_login": what != "made up"}).failed


def test_a_password_that_is_another_than_the_account_s_fails(server: HostileServer) -> None:
    reply = run(by_token(server, password="not alice's", verify_login=True))
    assert_fails(reply, "unauthorized")
    assert "verify_login" in reply.msg
    assert not reply.changed
    assert server.homeserver.user("alice").password == ALICE_PASSWORD


@pytest.mark.parametrize("status", [401, 403, 404, 500, 502])
def test_a_logout_that_fails_is_a_warning(server: HostileServer, status: int) -> None:
    server.misbehave("logout", faults.refuses(status, "M_UNKNOWN"), on=None)
    reply = run(VERIFYING["creating"](server))
    assert not reply.failed, reply.json
    assert any("logged out" in warning for warning in reply.json["warnings"])


@pytest.mark.parametrize("what", VERIFYING)
def test_in_check_mode_nobody_is_logged_in_and_that_is_said(
    server: HostileServer, what: str
) -> None:
    reply = run(VERIFYING[what](server), check=True)
    assert not reply.failed, reply.json
    assert any("verify_login" in warning for warning in reply.json["warnings"])
    verifying = [request for request in server.sent("login") if NEW_PASSWORD in str(request.json)]
    assert len(verifying) <= 1, "it may be asked whether the account is there"
    assert left_sessions(server) == []


def test_more_logins_than_servers_allow_are_refused_before_anything_is_sent(
    server: HostileServer,
) -> None:
    users = [
        {"username": f"u{number}", "password": "some password", "verify_login": True}
        for number in range(4)
    ]
    reply = run(by_token(server, username=None) | {"users": users})
    assert_fails(reply, "invalid", "policy", "unsupported")
    assert server.requests == []


def test_a_token_of_a_proving_login_is_not_passed_on(server: HostileServer) -> None:
    def echo(exchange: Exchange) -> Answer:
        return Answer(500, {"errcode": "M_UNKNOWN", "error": f"What is {exchange.request.bearer}?"})

    server.misbehave("logout", echo, on=None)
    run(VERIFYING["creating"](server))
    assert server.count("logout") >= 1
