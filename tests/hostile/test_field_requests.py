# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent for the fields of an account: what differs and nothing else, few
requests where nothing differs, nothing that changes anything in check mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.hostile import HostileServer
from tests.support.hostile_fields import EMAIL, FULL, LIMIT, PHONE, assert_full
from tests.support.hostile_runs import READING, TASKS
from tests.support.hostile_tasks import (
    SERVICE,
    add_service,
    assert_fails,
    by_service,
    by_token,
    left_sessions,
    populated,
    run,
)

@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "kept"
    made.mkdir(mode=0o700)
    return made


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.__name__)
def test_check_mode_predicts_what_is_done_and_does_none_of_it(
    server: HostileServer, folder: Path, task: Any
) -> None:
    arguments = task(server, folder)
    before, sessions = server.homeserver.state(), len(server.homeserver.tokens)
    predicted = run(arguments, check=True, diff=True)
    assert not predicted.failed, predicted.json
    assert predicted.changed
    assert server.homeserver.state() == before
    for request in server.requests:
        if request.route == "register":
            # The proof of the secret, which stops before anything is made.
            assert not isinstance(request.json["refresh_token"], bool)
        else:
            assert request.route in READING, request.target
    # One that is kept may have been logged in for.
    assert len(server.homeserver.tokens) <= sessions + bool(list(folder.iterdir()))
    done = run(arguments, diff=True)
    assert done.json["actions"] == predicted.json["actions"]
    # What nobody can see yet is left out of a prediction; what is in it is true.
    (foreseen,), (seen,) = predicted.json["diff"], done.json["diff"]
    for side in ("before", "after"):
        assert foreseen[side] == {key: seen[side].get(key) for key in foreseen[side]}


# What each field sends, and a second time nothing.
SENT: dict[str, tuple[dict[str, Any], str, Any]] = {
    "an avatar": ({"avatar_url": "mxc://x/y"}, "put_user", {"avatar_url": "mxc://x/y"}),
    "a type": ({"user_type": "bot"}, "put_user", {"user_type": "bot"}),
    "an address": (
        {"emails": ["Alice@Example.ORG"]},
        "put_user",
        {"threepids": [{"medium": "email", "address": EMAIL}]},
    ),
    "an id": (
        {"external_ids": FULL["external_ids"]},
        "put_user",
        {"external_ids": [{"auth_provider": "oidc", "external_id": "alice-1"}]},
    ),
    "a lock": ({"locked": True}, "put_user", {"locked": True}),
    "a suspension": ({"suspended": True}, "suspend_user", {"suspend": True}),
    "a limit": ({"ratelimit": LIMIT}, "set_ratelimit", LIMIT),
    "no limit at all": (
        {"ratelimit": {"messages_per_second": 0, "burst_count": 0}},
        "set_ratelimit",
        {"messages_per_second": 0, "burst_count": 0},
    ),
}
WRITING = {"put_user", "suspend_user", "shadow_ban", "lift_shadow_ban", "set_ratelimit"}
WRITING |= {"clear_ratelimit", "deactivate_user", "register"}


@pytest.mark.parametrize("what", SENT)
def test_a_field_sends_what_differs_and_nothing_else(server: HostileServer, what: str) -> None:
    stated, route, sent = SENT[what]
    reply = run(by_token(server, **stated))
    assert reply.changed, reply.json
    assert len(reply.json["actions"]) == 1
    assert [request.json for request in server.sent(route)] == [sent]
    assert server.count(*WRITING) == 1
    server.forget()
    again = run(by_token(server, **stated))
    assert not again.changed, again.json
    assert server.count(*WRITING) == 0


CLEARED: dict[str, tuple[dict[str, Any], str, Any]] = {
    "an avatar": ({"avatar_url": ""}, "put_user", {"avatar_url": ""}),
    "a type": ({"user_type": ""}, "put_user", {"user_type": None}),
    "a type by its name": ({"user_type": "user"}, "put_user", {"user_type": None}),
    "addresses": (
        {"emails": [], "emails_mode": "exact"},
        "put_user",
        {"threepids": [{"medium": "msisdn", "address": PHONE}]},
    ),
    "ids": ({"external_ids": [], "external_ids_mode": "exact"}, "put_user", {"external_ids": []}),
    "a lock": ({"locked": False}, "put_user", {"locked": False}),
    "a suspension": ({"suspended": False}, "suspend_user", {"suspend": False}),
    "a ban": ({"shadow_banned": False}, "lift_shadow_ban", None),
    "a limit": ({"ratelimit": {}}, "clear_ratelimit", None),
}


def furnish(server: HostileServer) -> None:
    alice = server.homeserver.user("alice")
    alice.avatar_url, alice.user_type = "mxc://old/one", "support"
    alice.add_threepid("email", "old@example.org")
    alice.add_threepid("msisdn", PHONE)
    alice.external_ids.append(("saml", "old"))
    alice.locked = alice.suspended = alice.shadow_banned = True
    alice.ratelimit = (1, 2)


def without_times(threepids: dict[str, Any]) -> dict[str, Any]:
    """Phone numbers go back as they came, with when they were added."""
    if "threepids" not in threepids:
        return threepids
    kept = ("medium", "address")
    return {"threepids": [{key: one[key] for key in kept} for one in threepids["threepids"]]}


@pytest.mark.parametrize("what", CLEARED)
def test_a_field_that_is_cleared_sends_that_and_nothing_else(
    server: HostileServer, what: str
) -> None:
    furnish(server)
    stated, route, sent = CLEARED[what]
    reply = run(by_token(server, **stated))
    assert reply.changed, reply.json
    (request,) = server.sent(route)
    if sent is not None:
        assert without_times(request.json) == sent
    assert server.count(*WRITING) == 1
    server.forget()
    again = run(by_token(server, **stated))
    assert not again.changed, again.json
    assert server.count(*WRITING) == 0


def test_what_is_not_stated_is_left_alone(server: HostileServer) -> None:
    furnish(server)
    before = server.homeserver.state()["@alice:example.test"]
    assert run(by_token(server, displayname="Other", admin=True)).changed
    after = server.homeserver.state()["@alice:example.test"]
    assert after | {"displayname": "alice", "admin": False} == before


@pytest.mark.parametrize("stated", [{"emails": []}, {"external_ids": []}], ids=["emails", "ids"])
def test_an_empty_list_that_only_appends_takes_nothing_away(
    server: HostileServer, stated: dict[str, Any]
) -> None:
    furnish(server)
    assert not run(by_token(server, **stated)).changed
    assert server.count(*WRITING) == 0


def test_nothing_to_do_as_the_service_account_takes_few_requests(
    server: HostileServer, folder: Path
) -> None:
    task = by_service(server, displayname="alice", session_file=str(folder / "sessions"))
    assert run(task).json["actions"] == ["create service account"]
    server.forget()
    assert not run(task).changed
    # What the server is, what it is called, whose session, whether it was put
    # into rooms, alice.
    assert server.routes == ["nonce", "key_server", "whoami", "joined_rooms", "get_user"]


def test_a_session_of_the_service_account_s_own_is_logged_out(server: HostileServer) -> None:
    add_service(server)
    assert not run(by_service(server, displayname="alice")).changed
    assert server.requests[-1].route == "logout"
    assert server.count("login", "logout") == 2
    assert left_sessions(server) == []


@pytest.mark.parametrize(
    "stated",
    [{"displayname": "x"}, {"password": "xxxxxxxx"}, {"admin": False}, {"suspended": True}, {}],
    ids=str,
)
def test_the_service_account_is_no_target_but_to_be_forgotten(
    server: HostileServer, stated: dict[str, Any]
) -> None:
    add_service(server)
    before = server.homeserver.state()
    reply = run(by_service(server, SERVICE, **stated))
    assert_fails(reply, "policy")
    assert server.homeserver.state() == before
    assert left_sessions(server) == []


def test_one_address_for_two_users_is_refused_before_anything_is_sent(
    server: HostileServer,
) -> None:
    for stated in (
        ({"emails": [EMAIL]}, {"emails": [" ALICE@EXAMPLE.org"]}),
        ({"external_ids": FULL["external_ids"]},) * 2,
    ):
        users = [{"username": f"u{n}"} | fields for n, fields in enumerate(stated)]
        reply = run(by_token(server, username=None) | {"users": users})
        assert_fails(reply, "invalid")
        assert "u0" in reply.msg and "u1" in reply.msg
        assert server.requests == []


ODD = ["a/b", "..", ".", "a?b#c", "ä \U0001f980", "%2e%2e", "a b+c", "'\";--", "x" * 200]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: ascii(odd)[:20])
def test_an_id_of_any_characters_is_one_segment_of_a_path(
    server: HostileServer, odd: str
) -> None:
    """And the same one that the server has: somebody else's is found."""
    wanted = [{"provider": odd, "id": odd}]
    assert run(by_token(server, external_ids=wanted)).changed
    assert server.homeserver.user("alice").external_ids == [(odd, odd)]
    server.homeserver.add_user("bob", "x")
    reply = run(by_token(server, "bob", external_ids=wanted))
    assert_fails(reply, "conflict")
    assert "@alice:example.test" in reply.msg
    assert "other" not in server.routes


@pytest.mark.parametrize("odd", ["a/b", "..", "a?b#c", "ä", "%2e", "'\";--", "x" * 200])
def test_an_address_of_any_characters_is_one_segment_of_a_path(
    server: HostileServer, odd: str
) -> None:
    address = f"{odd}@example.org"
    assert run(by_token(server, emails=[address])).changed
    assert server.homeserver.user("alice").emails == [address]
    server.homeserver.add_user("bob", "x")
    reply = run(by_token(server, "bob", emails=[address]))
    assert_fails(reply, "conflict")
    assert "@alice:example.test" in reply.msg
    assert "other" not in server.routes


@pytest.mark.parametrize("name", ["team/alice", "a=b.c_d-e+f", "../alice"])
def test_an_account_of_any_name_is_one_segment_of_each_path(
    server: HostileServer, name: str
) -> None:
    account = server.homeserver.add_user(name, "x")
    assert run(by_token(server, name, **FULL)).changed
    assert_full(account)
    assert run(by_token(server, name, shadow_banned=False, ratelimit={})).changed
    assert run(by_token(server, name, state="deactivated", erase=True)).changed
    assert account.erased
    assert not {"other", "wrong_method"} & set(server.routes)


def test_a_server_name_with_a_port_is_a_server_name(folder: Path) -> None:
    with HostileServer(server_name="matrix.example.test:8448") as server:
        populated(server)
        task = by_service(server, session_file=str(folder / "sessions"), **FULL)
        assert run(task).changed
        assert_full(server.homeserver.user("alice"))
        server.forget()
        assert not run(task).changed
        assert server.count("login", "register") == 0


def test_a_type_that_the_server_has_besides_is_taken(server: HostileServer) -> None:
    """user_types.extra_user_types; any other is 400 "Invalid user type"."""
    reply = run(by_token(server, user_type="organist", displayname="Other"))
    assert_fails(reply, "invalid")
    assert "user_type" in reply.msg
    assert not reply.changed
    server.homeserver.user_types = ("support", "bot", "organist")
    assert run(by_token(server, user_type="organist", displayname="Other")).changed
    assert server.homeserver.user("alice").user_type == "organist"
