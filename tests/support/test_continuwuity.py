# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for continuwuity is as strict as 26.7.3 was seen to be: finding it,
registration, logins, its own endpoints. The bot is in test_continuwuity_bot.py; sections
are those of family.py."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.continuwuity import NEW, Continuwuity

V3 = "/_matrix/client/v3"
REGISTER = f"{V3}/register"
ADMIN = "/_matrix/client/v1/admin"
TOKEN, DUMMY = "m.login.registration_token", "m.login.dummy"
ALICE = "@alice:example.test"


@pytest.fixture
def server() -> Iterator[Continuwuity]:
    with Continuwuity() as made:
        yield made
        assert not made.complaints


def by_token(server: Continuwuity, name: str, token: str, **more: Any) -> tuple[int, Any]:
    body = {"username": name, "password": "pw", "auth": {"type": TOKEN, "token": token}}
    return server.api("POST", REGISTER, body | more)


def errcode(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["errcode"]


def available(server: Continuwuity, name: str) -> tuple[int, Any]:
    return server.api("GET", f"{REGISTER}/available?username={quote(name, safe='')}")


# Finding it (section 6)


def test_it_says_who_it_is(server):
    told = server.asked("GET", "/_matrix/federation/v1/version")
    assert told == {"server": {"name": "continuwuity", "version": "26.7.3"}}
    told = server.asked("GET", "/_continuwuity/server_version")
    assert told == {"name": "continuwuity", "version": "26.7.3"}
    versions = server.asked("GET", "/_matrix/client/versions")
    assert "server" not in versions and len(versions["unstable_features"]) == 5
    assert "computer.gingershaped.msc4466" in versions["unstable_features"]
    assert server.api("GET", "/")[1]["text"].startswith("<!DOCTYPE html>")
    assert server.api("GET", "/_synapse/admin/v1/server_version") == (
        404,
        {"errcode": "M_UNRECOGNIZED", "error": "not found :("},
    )


def test_its_version_is_not_told_where_federation_is_off():
    with Continuwuity(federation=False) as server:
        assert errcode(server.api("GET", "/_matrix/federation/v1/version")) == (403, "M_FORBIDDEN")
        assert server.api("GET", "/_continuwuity/local_user_count")[0] == 403
        assert server.api("GET", "/_continuwuity/server_version")[0] == 200


def test_a_missing_token_is_called_otherwise_than_elsewhere(server):
    status, reply = server.api("GET", f"{V3}/capabilities")
    assert (status, reply["errcode"]) == (401, "M_UNAUTHORIZED")
    assert reply["error"].startswith("Failed to extract authorization")
    flows = server.asked("GET", f"{V3}/login")["flows"]
    kinds = ["m.login.password", "m.login.application_service", "m.login.token"]
    assert [one["type"] for one in flows] == kinds


# The first run (section 3)


def test_the_first_run_token_stands_in_the_journal_in_colours(server):
    line = next(line for line in server.log().splitlines() if "registration token" in line)
    assert f"\x1b[1;32m{server.first_run_token}\x1b[0m . Pick" in line
    plain = re.sub(r"\x1b\[[0-9;]*m", "", line)
    found = re.search(r"using the registration token (\S{16}) \. Pick", plain)
    assert found is not None and found[1] == server.first_run_token


def test_the_first_account_is_made_with_that_token_alone_and_administers():
    with Continuwuity(allow_registration=False, registration_token="configured") as server:
        status, reply = by_token(server, "alice", "configured")
        assert errcode((status, reply)) == (401, "M_FORBIDDEN")
        status, reply = by_token(server, "alice", server.first_run_token)
        assert status == 200 and reply["user_id"] == ALICE and reply["access_token"]
        assert server.admins() == [ALICE]
        assert server.admin_room.power(ALICE) == 9007199254740990
        status, reply = by_token(server, "bob", server.first_run_token)
        assert (status, reply["errcode"]) == (403, "M_FORBIDDEN")
        assert reply["error"] == "This server is not accepting registrations at this time."


def test_the_first_run_token_is_another_at_every_start(server):
    first = server.first_run_token
    server.restart()
    assert server.first_run_token != first
    assert errcode(by_token(server, "alice", first)) == (401, "M_FORBIDDEN")
    server.create("bob", "pw")
    server.restart()
    assert not server.first_run and server.log().count("Pick your own") == 2


def test_a_command_of_the_configuration_makes_the_first_account_after_the_port_answers():
    line = "users create-user alice pw"
    with Continuwuity(admin_execute=(line,), start=False) as server:
        server.startup_seconds = 2
        server.start()
        assert errcode(server.try_login("alice", "pw")) == (404, "M_NOT_FOUND")
        end = time.monotonic() + 20
        while server.try_login("alice", "pw")[0] != 200 and time.monotonic() < end:
            time.sleep(0.05)
        assert server.admins() == [ALICE] and "registration token" not in server.log()
        # Again, it fails, and ends the start.
        server.startup_seconds = 0.1
        server.restart()
        while not server.aborted and time.monotonic() < end:
            time.sleep(0.05)
        with pytest.raises(OSError):
            server.api("GET", "/")
        server.restart(admin_execute_errors_ignore=True)
        time.sleep(0.5)
        assert not server.aborted and server.api("GET", "/")[0] == 200


# Registration


def test_the_stages_come_before_anything_else(server):
    server.create("alice", "pw")
    server.restart(registration_token="Right")
    status, reply = server.api("POST", REGISTER, {"username": "alice", "password": "pw"})
    assert status == 401 and reply["flows"] == [{"stages": [TOKEN]}]
    assert reply["params"] == {} and reply["completed"] == [] and "errcode" not in reply
    assert errcode(by_token(server, "alice", "Right")) == (400, "M_USER_IN_USE")
    assert errcode(by_token(server, "A b", "Right")) == (400, "M_INVALID_USERNAME")
    nothing = {"username": "bob", "auth": {"type": TOKEN, "token": "Right"}}
    assert errcode(server.api("POST", REGISTER, nothing)) == (400, "M_INVALID_PARAM")
    status, reply = by_token(server, "bob", "Wrong")
    assert (status, reply["errcode"], reply["params"]) == (401, "M_FORBIDDEN", {})
    for auth in ({"type": DUMMY}, {"type": TOKEN, "token": "Right", "session": "unknown"}):
        answer = server.api("POST", REGISTER, {"username": "bob", "password": "p", "auth": auth})
        assert errcode(answer) == (400, "M_INVALID_PARAM")


def test_a_registration_that_wants_no_session_has_none(server):
    status, reply = by_token(server, "alice", server.first_run_token, inhibit_login=True)
    assert (status, reply) == (200, {"user_id": ALICE, "device_id": None})
    # Being the first is what counts here.
    assert server.admins() == [ALICE] and server.devices("alice") == []


def test_a_bad_name_burns_a_use_of_the_token(server):
    token = server.told("!admin token issue --once").split("`")[1]
    assert errcode(by_token(server, "Bad", token)) == (400, "M_INVALID_USERNAME")
    assert errcode(by_token(server, "good", token)) == (403, "M_FORBIDDEN")


def test_registration_is_open_only_where_that_is_said_very_loudly(server):
    server.create("alice", "pw")
    closed = server.api("POST", REGISTER, {"username": "bob", "password": "pw"})
    assert errcode(closed) == (403, "M_FORBIDDEN")
    server.restart(open_registration=True)
    body = {"username": "bob", "password": "pw", "auth": {"type": DUMMY}}
    assert server.api("POST", REGISTER, body)[0] == 200
    assert server.admins() == []


def test_later_accounts_may_be_suspended_from_the_start():
    with Continuwuity(suspend_on_register=True) as server:
        by_token(server, "alice", server.first_run_token)
        assert not server.user("alice").suspended
        token = server.token_of("alice")
        assert "Created user @bob" in server.told("!admin users create-user bob pw", token)
        assert server.user("bob").suspended


def test_the_validity_of_a_token_is_told(server):
    path = f"/_matrix/client/v1/register/{TOKEN}/validity?token="
    assert server.asked("GET", path + server.first_run_token) == {"valid": True}
    assert server.asked("GET", path + "x") == {"valid": False}


def test_names_are_taken_as_they_are(server):
    status, reply = available(server, "Alice")
    assert (status, reply["errcode"]) == (400, "M_INVALID_USERNAME")
    assert reply["error"].startswith("Username Alice contains disallowed characters or spaces: ")
    server.restart(forbidden_usernames=("^root$",), namespaces=("bot_.*",))
    assert errcode(available(server, "root")) == (403, "M_FORBIDDEN")
    assert errcode(available(server, "bot_1")) == (400, "M_EXCLUSIVE")


def test_an_emergency_password_switches_the_checks_of_names_off_everywhere():
    with Continuwuity(emergency_password="in need", forbidden_usernames=("root",)) as server:
        for name in ("a b", "ä", "", "x" * 300, "UpPer", "root"):
            assert available(server, name) == (200, {"available": True}), name
        assert errcode(available(server, "conduit")) == (400, "M_USER_IN_USE")
        assert by_token(server, "a b", server.first_run_token)[0] == 200
        assert server.find("a b") is not None
        assert "Created user @Erin:" in server.told("!admin users create-user Erin pw")
        assert server.find("Erin") is not None and server.find("erin") is None
        # And then nothing addresses it.
        assert "This account does not exist." in server.told("!admin users lock Erin")
        # One that is too long is there and not listed.
        server.told(f"!admin users create-user {'x' * 300} pw")
        assert server.find("x" * 300) is not None
        assert "xxx" not in server.told("!admin users list-users")


# Logging in (sections 3 and 11)


def test_a_login_tells_the_states_of_accounts_apart(server):
    for name in ("alice", "locked", "off", "gone"):
        server.create(name, "pw")
    server.user("locked").locked = True
    server.user("off").login_disabled = True
    server.user("gone").deactivated = True
    assert errcode(server.try_login("nobody", "pw")) == (404, "M_NOT_FOUND")
    assert errcode(server.try_login("Alice", "pw")) == (404, "M_NOT_FOUND")
    assert errcode(server.try_login("@alice:elsewhere.test", "pw")) == (404, "M_NOT_FOUND")
    assert errcode(server.try_login("alice", "wrong")) == (403, "M_FORBIDDEN")
    status, reply = server.try_login("locked", "wrong")
    assert errcode((status, reply)) == (401, "M_USER_LOCKED") and reply["soft_logout"] is True
    status, reply = server.try_login("off", "wrong")
    told = {"errcode": "M_FORBIDDEN", "error": "This account is not permitted to log in."}
    assert (status, reply) == (403, told)
    for name in ("gone", "conduit"):
        assert errcode(server.try_login(name, "wrong")) == (403, "M_USER_DEACTIVATED")


def test_a_locked_session_may_end_and_nothing_else(server):
    server.create("alice", "pw")
    token = server.token_of("alice")
    server.user("alice").locked = True
    whoami = server.api("GET", f"{V3}/account/whoami", token=token)
    assert errcode(whoami) == (401, "M_USER_LOCKED")
    assert server.api("POST", f"{V3}/logout", {}, token) == (200, {})


def test_who_forgot_the_password_is_asked_for_an_address(server):
    status, reply = server.api("POST", f"{V3}/account/password", {"new_password": "x"})
    assert status == 401 and reply["flows"] == [{"stages": ["m.login.email.identity"]}]


def test_oauth_alone_takes_no_password(server):
    server.restart(compatibility_mode="exclusive")
    assert errcode(server.try_login("alice", "pw")) == (404, "M_UNRECOGNIZED")
    body = {"new_password": "x"}
    answer = server.api("POST", f"{V3}/account/password", body, server.admin_token)
    assert errcode(answer) == (404, "M_UNRECOGNIZED")


def test_the_emergency_password_opens_the_bot_until_it_is_gone():
    with Continuwuity(emergency_password="in need") as server:
        token = server.login("conduit", "in need")
        assert server.login("@conduit:example.test", "in need")
        server.create("alice", "pw")
        path = f"{ADMIN}/suspend/{quote(ALICE, safe='')}"
        assert server.asked("PUT", path, {"suspended": True}, token) == {"suspended": True}
        text = server.told("!admin users create-user bob pw", token)
        assert "Created user @bob:example.test" in text
        server.restart(emergency_password=None)
        assert server.whoami(token) is None
        assert errcode(server.try_login("conduit", "in need")) == (403, "M_USER_DEACTIVATED")


# Its own endpoints (section 4)


def target(kind: str, user_id: str) -> str:
    return f"{ADMIN}/{kind}/{quote(user_id, safe='')}"


def test_suspending_over_http(server):
    server.create("alice", "pw")
    admin = server.admin_token
    path = target("suspend", ALICE)
    assert server.asked("GET", path, token=admin) == {"suspended": False}
    assert server.asked("PUT", path, {"suspended": True}, admin) == {"suspended": True}
    assert server.asked("GET", path, token=admin) == {"suspended": True}
    notice = server.events()[-1]
    assert notice.content["msgtype"] == "m.text" and "m.relates_to" not in notice.content
    # The same again says nothing.
    server.asked("PUT", path, {"suspended": True}, admin)
    assert server.events()[-1] is notice
    assert errcode(server.api("PUT", path, {}, admin)) == (400, "M_BAD_JSON")


def test_the_lock_of_26_7_3_is_a_suspension(server):
    server.create("alice", "pw")
    admin = server.admin_token
    path = target("lock", ALICE)
    assert server.asked("PUT", path, {"locked": True}, admin) == {"locked": True}
    assert server.asked("GET", path, token=admin) == {"locked": False}
    assert server.user("alice").suspended and not server.user("alice").locked
    assert "has been locked" in server.events()[-1].content["body"]
    server.asked("PUT", path, {"locked": False}, admin)
    assert not server.user("alice").suspended
    with Continuwuity(version=NEW) as newer:
        newer.create("alice", "pw")
        newer.asked("PUT", path, {"locked": True}, newer.admin_token)
        assert newer.asked("GET", path, token=newer.admin_token) == {"locked": True}
        assert not newer.user("alice").suspended


@pytest.mark.parametrize("kind, field", [("suspend", "suspended"), ("lock", "locked")])
def test_nobody_does_it_to_oneself_or_another_administrator(server, kind, field):
    server.create("second", "pw", admin=True)
    server.create("gone", "pw")
    server.user("gone").deactivated = True
    admin = server.admin_token
    for name in ("harness-admin", "second"):
        path = target(kind, server.user_id(name))
        assert errcode(server.api("PUT", path, {field: True}, admin)) == (403, "M_FORBIDDEN")
        assert server.asked("GET", path, token=admin) == {field: False}
    for user_id, expected in (
        ("@nobody:example.test", (404, "M_NOT_FOUND")),
        ("@alice:elsewhere.test", (404, "M_NOT_FOUND")),
        ("@gone:example.test", (403, "M_USER_DEACTIVATED")),
    ):
        for method, body in (("GET", None), ("PUT", {field: True})):
            assert errcode(server.api(method, target(kind, user_id), body, admin)) == expected
    mine = server.token_of("gone")
    path = target(kind, "@second:example.test")
    assert errcode(server.api("GET", path, token=mine)) == (403, "M_FORBIDDEN")


def test_a_newer_one_does_not_tell_the_deactivated_from_the_absent():
    with Continuwuity(version=NEW) as server:
        server.create("gone", "pw")
        server.user("gone").deactivated = True
        path = target("suspend", "@gone:example.test")
        answer = server.api("GET", path, token=server.admin_token)
        assert errcode(answer) == (404, "M_NOT_FOUND")


def test_a_suspended_account_reads_and_does_not_speak(server):
    server.create("alice", "pw", admin=True)
    token = server.token_of("alice")
    server.user("alice").suspended = True
    room = quote(server.admin_room.room_id, safe="")
    body = {"msgtype": "m.text", "body": "!admin users list-users"}
    answer = server.api("PUT", f"{V3}/rooms/{room}/send/m.room.message/1", body, token)
    assert errcode(answer) == (403, "M_USER_SUSPENDED")
    assert server.login("alice", "pw") and server.asked("GET", f"{V3}/sync", token=token)
