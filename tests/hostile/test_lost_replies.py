# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that was done although nobody heard of it, and work that was half done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support import hostile_faults as faults
from tests.support.hostile import Fault, HostileServer
from tests.support.hostile_tasks import (
    ALICE_PASSWORD,
    NEW_PASSWORD,
    SLACK,
    TIMEOUT,
    by_login,
    by_match,
    by_secret,
    by_token,
    left_sessions,
    run,
)

# The creation is done, its reply is not heard. On a kept-alive connection
# libcurl sends a request again of its own accord when it ends without a byte;
# the nonce is used up by then (rest/admin/users.py: deleted by the first POST).
LOST: dict[str, Fault] = {
    "a reset": faults.reset(done=True),
    "an orderly end": faults.hangs_up(done=True),
    "half a head": faults.done_but(faults.half_a_head()),
    "a truncated body": faults.truncated(),
    "chunks without the last one": faults.truncated_chunks(),
    "a page with 502": faults.done_but(faults.html(502)),
    "a page with 504": faults.done_but(faults.html(504)),
    "no answer in time": faults.done_but(faults.silent()),
}
Task = Callable[[HostileServer], dict[str, Any]]
CREATING: dict[str, tuple[str, Task]] = {
    "by secret": ("register", by_secret),
    "by secret as an administrator": (
        "register",
        lambda s: by_secret(s, admin=True, service_account=""),
    ),
    "by secret in a match": ("register", lambda s: by_secret(s, if_exists="match")),
    "by token": ("put_user", lambda s: by_token(s, "bob", password=NEW_PASSWORD)),
    "by token in a match": (
        "put_user",
        lambda s: by_token(s, "bob", password=NEW_PASSWORD, if_exists="match"),
    ),
}


@pytest.mark.parametrize("what", LOST)
@pytest.mark.parametrize("how", CREATING)
def test_a_creation_whose_reply_was_lost_counts_as_created_with_a_warning(
    server: HostileServer, how: str, what: str
) -> None:
    route, task = CREATING[how]
    server.misbehave(route, LOST[what], on=1)
    reply = run(task(server))
    assert not reply.failed, reply.json
    assert reply.changed
    assert reply.json["actions"] == ["create"]
    assert any("lost" in warning for warning in reply.json.get("warnings", [])), reply.json
    bob = server.homeserver.user("bob")
    assert bob is not None
    assert bob.password == NEW_PASSWORD
    assert bob.admin == (how == "by secret as an administrator")
    assert left_sessions(server) == []
    assert reply.seconds < TIMEOUT + SLACK


@pytest.mark.parametrize("gone", [False, True], ids=["", "and gone"])
@pytest.mark.parametrize("how", CREATING)
def test_a_creation_that_the_server_broke_down_over_is_told(
    server: HostileServer, how: str, gone: bool
) -> None:
    """rest/admin/users.py, on_PUT, and rest/client/register.py go on after the
    account is made: 500 says nothing about that."""
    route, task = CREATING[how]

    def fault(exchange: faults.Exchange) -> faults.Answer | None:
        exchange.answer()
        if gone:
            server.misbehave("any", faults.html(502), on=None)
        return faults.refuses(500, "M_UNKNOWN", "Internal server error")(exchange)

    server.misbehave(route, fault, on=1)
    reply = run(task(server))
    assert server.homeserver.user("bob") is not None, "the test's own doing"
    assert reply.changed, reply.json
    server.forget()
    again = run(task(server))
    assert not again.failed, again.json
    assert not again.changed


@pytest.mark.parametrize("how", CREATING)
def test_a_creation_that_was_lost_with_its_reply_is_made_or_said_to_have_failed(
    server: HostileServer, how: str
) -> None:
    """Nothing was done, which looks the same from outside."""
    route, task = CREATING[how]
    server.misbehave(route, faults.truncated(done=False), on=1)
    reply = run(task(server))
    if reply.failed:
        assert reply.kind == "unreachable"
        assert server.homeserver.user("bob") is None
    else:
        assert reply.json["actions"] == ["create"]
        assert server.homeserver.user("bob").password == NEW_PASSWORD


@pytest.mark.parametrize("how", CREATING)
def test_after_a_creation_whose_replies_are_all_lost_a_rerun_converges(
    server: HostileServer, how: str
) -> None:
    route, task = CREATING[how]
    lose = faults.done_but(faults.html(502))

    def and_be_gone(exchange: faults.Exchange) -> None:
        server.misbehave("any", faults.html(502), on=None)
        lose(exchange)

    server.misbehave(route, and_be_gone, on=1)
    first = run(task(server))
    assert first.failed
    assert first.changed, "it may have been created, and it was"
    server.forget()
    again = run(task(server))
    assert not again.failed, f"after {first.json}: {again.json}"
    assert not again.changed
    assert server.homeserver.user("bob").password == NEW_PASSWORD


@pytest.mark.parametrize("what", LOST)
def test_after_a_change_whose_reply_was_lost_a_rerun_has_nothing_left_to_do(
    server: HostileServer, what: str
) -> None:
    server.misbehave("put_user", LOST[what], on=1)
    task = by_login(server, displayname="Alice II", admin=True)
    first = run(task)
    # It was done, so it must not be said that nothing was.
    assert first.changed, first.json
    assert left_sessions(server) == []
    server.forget()
    again = run(task)
    assert not again.failed
    assert not again.changed
    assert server.count("put_user") == 0


def test_a_password_whose_reply_was_lost_is_set_and_said_to_be_changed(
    server: HostileServer,
) -> None:
    server.misbehave("put_user", faults.truncated(), on=1)
    reply = run(by_token(server, password=NEW_PASSWORD, update_password="always"))
    assert reply.changed
    assert server.homeserver.user("alice").password == NEW_PASSWORD


def test_a_name_that_is_stored_but_answered_with_429_is_set(server: HostileServer) -> None:
    """handlers/profile.py: the rooms are told after it is stored, and that has
    a limit of its own (rc_message, per target user)."""
    server.misbehave("put_user", faults.profile_stored_but_limited(100_000), on=1)
    reply = run(by_token(server, displayname="Alice II") | {"retry_timeout": 60})
    assert not reply.failed, reply.json
    assert reply.changed
    assert reply.json["actions"] == ["set displayname"]
    assert server.count("put_user") == 1
    assert server.homeserver.user("alice").displayname == "Alice II"
    assert reply.seconds < SLACK, "it waited for what was done already"


def test_what_comes_after_a_name_that_is_answered_with_429_is_still_done(
    server: HostileServer,
) -> None:
    """rest/admin/users.py, on_PUT: the name first, then admin, then password;
    the 429 ends it after the first."""
    server.misbehave("put_user", faults.profile_stored_but_limited(100_000), on=1)
    task = by_token(
        server,
        displayname="Alice II",
        admin=True,
        password=NEW_PASSWORD,
        update_password="always",
    )
    reply = run(task | {"retry_timeout": 60})
    assert not reply.failed, reply.json
    alice = server.homeserver.user("alice")
    assert (alice.displayname, alice.admin, alice.password) == ("Alice II", True, NEW_PASSWORD)
    assert sorted(reply.json["actions"]) == ["set admin", "set displayname", "set password"]
    first, second = server.sent("put_user")
    assert "displayname" in first.json
    assert second.json == {"admin": True, "password": NEW_PASSWORD, "logout_devices": False}
    assert reply.seconds < SLACK


def test_a_name_that_is_not_stored_and_answered_with_429_is_tried_again(
    server: HostileServer,
) -> None:
    server.misbehave("put_user", faults.limited(300), on=1)
    reply = run(by_token(server, displayname="Alice II") | {"retry_timeout": 5})
    assert reply.changed, reply.json
    assert server.count("put_user") == 2
    assert server.homeserver.user("alice").displayname == "Alice II"


def test_a_name_of_one_s_own_that_is_stored_but_answered_with_429_is_set(
    server: HostileServer,
) -> None:
    server.misbehave("put_profile_field", faults.done_but(faults.limited(100_000)), on=1)
    reply = run(by_match(server, displayname="Alice II") | {"retry_timeout": 60})
    assert not reply.failed, reply.json
    assert reply.changed
    assert server.count("put_profile_field") == 1
    assert left_sessions(server) == []


def test_a_refusal_midway_says_what_had_been_changed(server: HostileServer) -> None:
    """The name is stored before admin is looked at."""

    def midway(exchange: faults.Exchange) -> faults.Answer:
        account = exchange.server.homeserver.user("alice")
        account.displayname = exchange.request.json["displayname"]
        return faults.Answer(403, {"errcode": "M_FORBIDDEN", "error": "Not admin, no."})

    server.misbehave("put_user", midway, on=None)
    reply = run(by_token(server, displayname="Alice II", admin=True))
    assert reply.failed
    assert reply.changed, "the name was changed"


def test_a_lost_reply_to_the_question_leaves_the_password_alone_or_says_changed(
    server: HostileServer,
) -> None:
    server.misbehave("add_3pid", faults.truncated(done=False), on=None)
    reply = run(by_token(server, password=ALICE_PASSWORD, update_password="always"))
    assert reply.failed or reply.changed == bool(server.count("put_user"))
    assert server.homeserver.user("alice").password == ALICE_PASSWORD
    assert left_sessions(server) == []


def test_a_nonce_that_was_forgotten_is_asked_for_again(server: HostileServer) -> None:
    """The server was restarted in between: its nonces are in its memory."""

    def forget(exchange: faults.Exchange) -> faults.Answer:
        exchange.server.homeserver.nonces.clear()
        return exchange.answer()

    server.misbehave("register", forget, on=1)
    reply = run(by_secret(server))
    assert reply.changed, reply.json
    assert server.count("nonce") == 2


def test_a_nonce_that_is_never_known_is_not_asked_for_without_an_end(
    server: HostileServer,
) -> None:
    """Two processes behind one address, and the POST always meets the other."""
    server.misbehave("register", faults.refuses(400, "M_UNKNOWN", "unrecognised nonce"), on=None)
    reply = run(by_secret(server))
    assert reply.failed
    assert server.count("register") <= 3


def test_a_password_that_is_in_the_server_s_words_hides_no_meaning_of_theirs(
    server: HostileServer,
) -> None:
    """What is shown of "unrecognised nonce" has the password taken out; what it means
    is that a new nonce will do."""
    server.misbehave("register", faults.refuses(400, "M_UNKNOWN", "unrecognised nonce"), on=1)
    reply = run(by_secret(server, password="nonce"))
    assert reply.json["actions"] == ["create"], reply.json
    assert server.count("nonce") == 2
