# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module sends: few requests, only what differs, nothing in check
mode, everything ended that was begun, and nothing a server can inject."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support import hostile_faults as faults
from tests.support.hostile import HostileServer
from tests.support.hostile_secrets import encodings
from tests.support.hostile_tasks import (
    ALICE_PASSWORD,
    NEW_PASSWORD,
    ROOT_PASSWORD,
    assert_fails,
    by_login,
    by_match,
    by_secret,
    by_token,
    left_sessions,
    run,
)

Task = Callable[[HostileServer], dict[str, Any]]
LOOKING = {"version", "nonce", "whoami", "get_user", "get_profile", "get_profile_field"}
LOOKING |= {"key_server", "auth_metadata", "server_version", "login_flows"}

NO_OPS: dict[str, tuple[Task, int]] = {
    # The version, whose accounts they are, whose token, alice.
    "by token": (lambda s: by_token(s, displayname="alice", admin=False), 4),
    # As above with a login in place of whose token, and a logout.
    "by login": (lambda s: by_login(s, displayname="alice", admin=False), 5),
    # The version, the probe, the server's name, the profile.
    "by secret": (lambda s: by_secret(s, "alice", password=ALICE_PASSWORD), 5),
    # As by secret, then a login, the admin API (no), the profile, the logout.
    "by match": (lambda s: by_match(s, displayname="alice"), 8),
    # As by token, and a token on alice's behalf, the question, its logout.
    "with the password's question": (
        lambda s: by_token(s, password=ALICE_PASSWORD, update_password="always"),
        7,
    ),
}


@pytest.mark.parametrize("what", NO_OPS)
def test_a_task_that_has_nothing_to_do_sends_few_requests(
    server: HostileServer, what: str
) -> None:
    task, most = NO_OPS[what]
    before = server.homeserver.state()
    reply = run(task(server) | {"backend": "auto"})
    assert not reply.failed, reply.json
    assert not reply.changed
    assert reply.json["actions"] == []
    assert server.count("put_user", "register", "put_profile_field") == 0
    assert server.homeserver.state() == before
    assert len(server.requests) <= most, server.routes


def test_a_user_more_costs_one_request_more(server: HostileServer) -> None:
    counts = []
    for names in (["alice"], ["alice", "a1", "a2", "a3"]):
        for name in names[1:]:
            server.homeserver.add_user(name, "x")
        server.forget()
        users = [{"username": name, "admin": False} for name in names]
        assert not run(by_token(server, username=None) | {"users": users}).changed
        counts.append(len(server.requests))
    assert counts[1] - counts[0] == 3


DIFFERING: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "the name": ({"displayname": "Al", "admin": False}, {"displayname": "Al"}),
    "admin": ({"displayname": "alice", "admin": True}, {"admin": True}),
    "both": ({"displayname": "Al", "admin": True}, {"displayname": "Al", "admin": True}),
    "no name": ({"displayname": "", "admin": False}, {"displayname": ""}),
    "the password": (
        {"displayname": "alice", "password": NEW_PASSWORD, "update_password": "always"},
        {"password": NEW_PASSWORD, "logout_devices": False},
    ),
    "the password and sessions": (
        {"password": NEW_PASSWORD, "update_password": "always", "logout_devices": True},
        {"password": NEW_PASSWORD, "logout_devices": True},
    ),
    "the end": ({"state": "deactivated"}, {"deactivated": True}),
}


@pytest.mark.parametrize("what", DIFFERING)
def test_a_change_sends_what_differs_and_nothing_else(server: HostileServer, what: str) -> None:
    stated, sent = DIFFERING[what]
    reply = run(by_token(server, **stated))
    assert reply.changed, reply.json
    assert [request.json for request in server.sent("put_user")] == [sent]
    server.forget()
    assert not run(by_token(server, **stated)).changed
    assert server.count("put_user") == 0


def test_a_name_is_compared_as_the_server_stores_it(server: HostileServer) -> None:
    """handlers/profile.py, set_displayname: stripped."""
    task = by_token(server, displayname="  Alice II  ")
    assert run(task).changed
    server.forget()
    again = run(task)
    assert not again.changed
    assert server.count("put_user") == 0


@pytest.mark.parametrize("route", ["get_user", "put_user", "login_as", "add_3pid"])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 502])
def test_after_a_login_a_logout_is_sent_whatever_was_refused(
    server: HostileServer, route: str, status: int
) -> None:
    server.misbehave(route, faults.refuses(status, "M_UNKNOWN"), on=None)
    run(by_login(server, displayname="x", password=NEW_PASSWORD, update_password="always"))
    assert server.requests[-1].route == "logout"
    assert left_sessions(server) == []


def test_a_token_that_was_given_is_not_logged_out(server: HostileServer) -> None:
    run(by_token(server, displayname="Alice II"))
    assert server.count("logout") == 0
    assert len(server.homeserver.tokens) == 1


def test_a_login_asks_for_a_device_with_a_name_that_says_whose_it_is(
    server: HostileServer,
) -> None:
    run(by_login(server))
    assert "egistrar" in server.sent("login")[0].json["initial_device_display_name"]


def test_a_token_on_a_user_s_behalf_is_asked_for_with_an_end(server: HostileServer) -> None:
    run(by_token(server, password=ALICE_PASSWORD, update_password="always"))
    request = server.sent("login_as")[0]
    assert 0 < request.json["valid_until_ms"] / 1000 - time.time() <= 120


def test_a_creation_by_secret_leaves_no_session(server: HostileServer) -> None:
    assert run(by_secret(server)).changed
    assert server.sent("register")[0].json["inhibit_login"] is True
    assert left_sessions(server) == []


CHECKED: dict[str, Task] = {
    "creating by secret": by_secret,
    "creating by secret in a match": lambda s: by_secret(s, if_exists="match"),
    "creating by token": lambda s: by_token(s, "bob", password=NEW_PASSWORD),
    "changing": lambda s: by_login(s, displayname="x", admin=True),
    "the password": lambda s: by_token(s, password=NEW_PASSWORD, update_password="always"),
    "deactivating": lambda s: by_token(s, state="deactivated"),
    "one's own name": lambda s: by_match(s, displayname="x"),
}


@pytest.mark.parametrize("what", CHECKED)
def test_check_mode_predicts_a_change_and_makes_none(server: HostileServer, what: str) -> None:
    before = server.homeserver.state()
    predicted = run(CHECKED[what](server), check=True)
    assert not predicted.failed, predicted.json
    assert predicted.changed
    assert server.homeserver.state() == before
    assert server.count("put_user", "put_profile_field") == 0
    assert left_sessions(server) == []
    done = run(CHECKED[what](server))
    assert done.json["actions"] == predicted.json["actions"]
    assert server.homeserver.state() != before


def test_proving_the_secret_in_check_mode_could_make_no_account_on_any_server(
    server: HostileServer,
) -> None:
    """Synapse stops at refresh_token; who ignores that stops at the name, which has a
    character outside the grammar of user ids (specification, appendices)."""
    assert run(by_secret(server), check=True).changed
    (proof,) = server.sent("register")
    assert not re.fullmatch(r"[a-z0-9._=/+-]+", proof.json["username"])
    assert not isinstance(proof.json["refresh_token"], bool)


def test_credentials_go_into_headers_and_bodies_and_never_into_a_url(
    server: HostileServer,
) -> None:
    for task in (by_secret, by_login, by_match):
        run(task(server))
    run(by_token(server, password=ALICE_PASSWORD, update_password="always"))
    secrets = [ROOT_PASSWORD, ALICE_PASSWORD, NEW_PASSWORD, server.homeserver.secret]
    bearers = [request.bearer for request in server.requests if request.bearer]
    assert bearers
    for request in server.requests:
        for secret in [*secrets, *bearers]:
            for form in encodings(secret).values():
                assert form not in request.target


def test_a_request_without_need_carries_no_credential(server: HostileServer) -> None:
    run(by_token(server, displayname="x") | {"backend": "auto"})
    for request in server.requests:
        if request.route in ("version", "nonce", "key_server", "auth_metadata"):
            assert request.bearer is None
            assert request.body == b""


@pytest.mark.parametrize(
    "token",
    ["abc\r\nX-Injected: 1", "abc\nX-Injected: 1", "abc\r\n\r\nGET /x HTTP/1.1", "a\0b", "ä", " "],
    ids=repr,
)
def test_a_token_that_a_server_makes_up_cannot_inject_a_header(
    server: HostileServer, token: str
) -> None:
    body = {"user_id": "@root:example.test", "access_token": token, "device_id": "X"}
    server.misbehave("login", faults.says(body | {"home_server": "example.test"}), on=None)
    reply = run(by_login(server, displayname="x"))
    assert_fails(reply, "protocol", "unauthorized")
    assert all(request.header("X-Injected") is None for request in server.requests)
    assert "other" not in server.routes


@pytest.mark.parametrize("token", ["abc\r\nX-Injected: 1", "abc\nX: 1", "abc\n", "a b", "ä", ""])
def test_a_token_in_the_options_cannot_inject_a_header(server: HostileServer, token: str) -> None:
    """A trailing newline is what a file read by a lookup has; either it is
    taken off or it is refused."""
    reply = run(by_token(server, displayname="x") | {"access_token": token})
    assert_fails(reply, "invalid", "unauthorized")
    assert all(request.header("X-Injected") is None for request in server.requests)
    assert all(request.header("X") is None for request in server.requests)


@pytest.mark.parametrize(
    "user_id",
    ["@a/../../v1/server_version:example.test", "@a?x=1:example.test", "@a#b:example.test"]
    + ["@%2e%2e:example.test", "@a b:example.test"],
)
def test_a_user_id_that_a_server_makes_up_stays_one_segment_of_a_path(
    server: HostileServer, user_id: str
) -> None:
    server.misbehave("whoami", faults.says({"user_id": user_id, "is_guest": False}), on=None)
    run(by_token(server, displayname="x"))
    for request in server.requests:
        assert "?" not in request.target
        assert "#" not in request.target
        assert request.route != "other", request.target
        assert "/../" not in request.target


def test_a_name_with_a_slash_is_one_segment_of_a_path(server: HostileServer) -> None:
    """handlers/register.py allows slashes in localparts."""
    reply = run(by_token(server, "team/alice", password=NEW_PASSWORD))
    assert reply.changed, reply.json
    assert server.homeserver.user("team/alice") is not None


def test_a_host_header_names_the_url_s_host_and_port(server: HostileServer) -> None:
    run(by_secret(server))
    assert {request.header("Host") for request in server.requests} == {server.origin}


def test_where_addresses_may_not_be_changed_the_password_is_asked_about_another_way(
    server: HostileServer,
) -> None:
    """enable_3pid_changes: false answers 400 M_FORBIDDEN (rest/client/account.py,
    ThreepidAddRestServlet); then the deletion of a device that does not exist is asked."""
    server.homeserver.enable_3pid_changes = False
    reply = run(by_token(server, password=ALICE_PASSWORD, update_password="always"))
    assert not reply.failed, reply.json
    assert not reply.changed, "the password is that already"
    assert server.count("delete_device") >= 1
    assert left_sessions(server) == []
    assert run(by_token(server, password=NEW_PASSWORD, update_password="always")).changed
    assert server.homeserver.user("alice").password == NEW_PASSWORD


def test_where_the_question_cannot_be_asked_the_password_is_written(
    server: HostileServer,
) -> None:
    """With ui_auth.session_timeout a fresh session is not asked for its password."""
    server.homeserver.enable_3pid_changes = False
    server.homeserver.ui_auth_session_timeout = True
    reply = run(by_token(server, password=NEW_PASSWORD, update_password="always"))
    assert reply.changed, reply.json
    assert server.homeserver.user("alice").password == NEW_PASSWORD


def test_without_password_probe_no_question_is_asked(server: HostileServer) -> None:
    task = by_token(server, password=ALICE_PASSWORD, update_password="always")
    assert run(task | {"password_probe": False}).changed
    assert server.count("login_as", "add_3pid", "delete_device", "login") == 0
    assert server.count("put_user") == 1


@pytest.mark.parametrize("change", [{"admin": False}, {"state": "deactivated"}])
@pytest.mark.parametrize("credential", [by_token, by_login], ids=["by token", "by login"])
def test_nobody_demotes_or_ends_themselves(
    server: HostileServer, credential: Any, change: dict[str, Any]
) -> None:
    reply = run(credential(server, "root", **change))
    assert_fails(reply, "policy")
    assert server.count("put_user") == 0
    assert left_sessions(server) == []
