# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for Conduit is as strict as 0.10.12 was seen to be; sections are those of
family.py."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.conduit import Conduit
from tests.support.family_rooms import Event

V3 = "/_matrix/client/v3"
REGISTER = f"{V3}/register"
TOKEN, DUMMY = "m.login.registration_token", "m.login.dummy"
ALICE = "@alice:example.test"
BOT = "@conduit:example.test"


@pytest.fixture
def server() -> Iterator[Conduit]:
    with Conduit() as made:
        yield made
        assert not made.complaints


@pytest.fixture
def opened(server: Conduit) -> Conduit:
    """Anybody may register."""
    server.restart(allow_registration=True)
    return server


def registered(server: Conduit, name: str, **more: Any) -> tuple[int, Any]:
    body = {"username": name, "password": "pw", "auth": {"type": DUMMY}}
    return server.api("POST", REGISTER, body | more)


def refusal(code: str, text: str) -> dict[str, str]:
    return {"errcode": code, "error": f"{code}: {text}"}


def room_path(server: Conduit, act: str) -> str:
    return f"{V3}/rooms/{quote(server.admin_room.room_id, safe='')}/{act}"


def bodies(events: list[Event]) -> list[str]:
    return [one.content["body"] for one in events if one.type == "m.room.message"]


# Finding it (section 6)


def test_it_says_who_it_is(server):
    told = server.asked("GET", "/_matrix/federation/v1/version")
    assert told == {"server": {"name": "Conduit", "version": "0.10.12"}}
    versions = server.asked("GET", "/_matrix/client/versions")
    assert versions["versions"][0] == "r0.5.0" and versions["versions"][-1] == "v1.12"
    assert sorted(versions["unstable_features"]) == [
        "org.matrix.e2e_cross_signing",
        "org.matrix.msc3916.stable",
        "org.matrix.simplified_msc3575",
    ]
    assert server.api("GET", "/") == (200, {"text": "Hello from Conduit!"})
    told = server.asked("GET", "/.well-known/matrix/client")
    assert told["m.homeserver"] == {"base_url": "https://example.test"}
    for path in ("/_tuwunel/server_version", "/_continuwuity/server_version"):
        told = refusal("M_UNRECOGNIZED", "Unrecognized request")
        assert server.api("GET", path) == (404, told)


def test_federation_that_is_off_looks_like_a_fault(server):
    server.restart(federation=False)
    told = refusal("M_UNKNOWN", "Federation is disabled.")
    assert server.api("GET", "/_matrix/federation/v1/version") == (500, told)


def test_no_administrator_has_endpoints(server):
    v1 = "/_matrix/client/v1"
    for path in (f"{v1}/admin/lock/x", f"{v1}/register/{TOKEN}/validity"):
        status, reply = server.api("GET", path, token=server.admin_token)
        assert (status, reply["errcode"]) == (404, "M_UNRECOGNIZED")


# Registration (sections 3 and 11)


def test_registration_is_closed_unless_switched_on(server):
    told = refusal("M_FORBIDDEN", "Registration has been disabled.")
    assert registered(server, "alice") == (403, told)
    # A name is told all the same, and folded.
    path = f"{REGISTER}/available?username="
    assert server.api("GET", path + "Alice") == (200, {"available": True})
    server.create("alice", "pw")
    assert server.api("GET", path + "ALICE")[1]["errcode"] == "M_USER_IN_USE"


def test_bad_names_are_refused_before_any_stage(opened):
    opened.create("alice", "pw")
    for name, code in (("Alice", "M_USER_IN_USE"), ("a b", "M_INVALID_USERNAME")):
        body = {"username": name, "password": "pw"}
        status, reply = opened.api("POST", REGISTER, body)
        assert (status, reply["errcode"]) == (400, code)
    status, reply = opened.api("POST", REGISTER, {"username": "bob", "password": "pw"})
    assert status == 401 and "params" not in reply and reply["flows"] == [{"stages": [DUMMY]}]
    session = {"type": DUMMY, "session": "unknown"}
    answer = registered(opened, "bob", auth=session)
    assert answer == (403, refusal("M_FORBIDDEN", "UIAA session does not exist."))


def test_capitals_are_folded(opened):
    assert registered(opened, "ALICE")[1]["user_id"] == ALICE


def test_a_token_is_asked_for_where_one_is_set(opened):
    opened.restart(registration_token="Right")
    status, reply = registered(opened, "alice")
    assert status == 401 and reply["completed"] == [DUMMY] and "errcode" not in reply
    status, reply = registered(opened, "alice", auth={"type": TOKEN, "token": "Wrong"})
    assert status == 401 and reply["errcode"] == "M_FORBIDDEN"
    assert reply["error"] == "Invalid registration token."
    status, reply = registered(opened, "alice", auth={"type": TOKEN, "token": " Right "})
    assert status == 200 and reply["access_token"]
    opened.restart(registration_token=None)
    status, reply = registered(opened, "bob", auth={"type": TOKEN, "token": "Right"})
    assert (status, reply["error"]) == (401, "Invalid registration token.")


def test_an_account_without_a_password_is_deactivated(opened):
    body = {"username": "alice", "auth": {"type": DUMMY}}
    status, reply = opened.api("POST", REGISTER, body)
    assert status == 200 and opened.whoami(reply["access_token"]) is not None
    told = refusal("M_USER_DEACTIVATED", "The user has been deactivated")
    assert opened.try_login("alice", "") == (403, told)
    assert registered(opened, "bob", password="")[0] == 200
    assert opened.login("bob", "")


def test_whoever_registers_while_the_bot_is_alone_administers(opened):
    status, reply = registered(opened, "silent", inhibit_login=True)
    assert (status, reply) == (200, {"user_id": "@silent:example.test", "device_id": None})
    assert opened.admins() == []
    opened.create("made", "pw")
    registered(opened, "stranger")
    assert opened.admins() == ["@stranger:example.test"]
    assert opened.admin_room.power("@stranger:example.test") == 100
    registered(opened, "next")
    assert opened.admins() == ["@stranger:example.test"]
    # A notice that is no answer.
    last = [one for one in opened.events() if one.type == "m.room.message"][-1]
    assert last.content["msgtype"] == "m.notice" and "next" in last.content["body"]


# Logging in


def test_a_login_tells_only_the_deactivated_apart(server):
    server.create("alice", "pw")
    server.create("gone", "pw")
    server.told(f"{BOT}: deactivate-user @gone:example.test")
    wrong = (403, refusal("M_FORBIDDEN", "Wrong username or password."))
    for user in ("alice", "nobody", "@alice:elsewhere.test", "a:b"):
        assert server.try_login(user, "wrong") == wrong
    told = refusal("M_USER_DEACTIVATED", "The user has been deactivated")
    for user in ("gone", "conduit"):
        assert server.try_login(user, "wrong") == (403, told)
    assert server.login("ALICE", "pw")
    server.restart(namespaces=("alice",))
    status, reply = server.try_login("alice", "pw")
    assert (status, reply["errcode"]) == (400, "M_EXCLUSIVE")


def test_tokens_of_the_bot_outlive_the_emergency_password(server):
    server.restart(emergency_password="in need")
    token = server.login("conduit", "in need")
    warning = server.events()[-1].content
    assert warning["msgtype"] == "m.text" and "emergency" in warning["body"]
    assert server.told(f"{BOT}: create-user alice pw", token).startswith("Created user")
    server.restart(emergency_password=None)
    assert server.try_login("conduit", "in need")[1]["errcode"] == "M_USER_DEACTIVATED"
    assert server.whoami(token) is not None
    # But nothing it says is obeyed.
    assert server.give(f"{BOT}: list-local-users", token) == []


def jwt(secret: str, **claims: Any) -> dict[str, str]:
    parts = [{"alg": "HS256", "typ": "JWT"}, claims]
    texts = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in parts]
    signed = b".".join(texts)
    signature = hmac.digest(secret.encode(), signed, hashlib.sha256)
    token = signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")
    return {"type": "m.login.token", "token": token.decode()}


def test_a_jwt_opens_any_account(server):
    server.create("alice", "pw")
    login, later = f"{V3}/login", time.time() + 600
    status, reply = server.api("POST", login, jwt("key", sub="alice", exp=later))
    assert (status, reply["errcode"]) == (400, "M_UNKNOWN")
    server.restart(jwt_secret="key")
    kinds = [one["type"] for one in server.asked("GET", login)["flows"]]
    assert kinds == ["m.login.password", "m.login.application_service"]
    for name in ("alice", "conduit"):
        reply = server.asked("POST", login, jwt("key", sub=name, exp=later))
        assert reply["user_id"] == server.user_id(name)
    wrong = (400, refusal("M_INVALID_USERNAME", "Token is invalid."))
    for body in (jwt("other", sub="alice", exp=later), jwt("key", sub="alice", exp=1)):
        assert server.api("POST", login, body) == wrong
    # The handler panics.
    assert server.api("POST", login, jwt("key", sub="nobody", exp=later)) == (500, {"text": ""})


# Recognising (sections 2.2 and 11)


@pytest.mark.parametrize("text", [f"{BOT} {{}}", f"{BOT}: {{}}", f"{BOT}: {{}}\nmore\nlines"])
def test_it_hears_its_name(server, text):
    assert server.told(text.format("list-local-users")).startswith("Found 1 local")
    assert server.give(text.format("list-local-users"), msgtype="m.notice")


@pytest.mark.parametrize(
    "text", ["!admin {}", f" {BOT}: {{}}", f"{BOT}:{{}}", "@conduit: {}", "{}"]
)
def test_it_is_silent_to_anything_else(server, text):
    assert server.give(text.format("list-local-users")) == []


def test_an_answer_relates_to_nothing(server):
    (answer,) = server.give(f"{BOT}: create-user alice pw")
    text = f"Created user with user_id: {ALICE} and password: pw"
    assert answer.sender == BOT and answer.content == {"msgtype": "m.text", "body": text}


def test_a_usage_error_is_formatted(server):
    (answer,) = server.give(f"{BOT}: create-user alice one two")
    content = answer.content
    assert content["body"].startswith("error: unexpected argument 'two' found\n\nUsage: @conduit:")
    formatted = "<em>error: unexpected argument 'two' found</em><br>"
    assert content["formatted_body"].startswith(formatted)
    assert server.find("alice") is None


def test_commands_are_answered_in_their_order(server):
    server.create("second", "pw", admin=True)
    tokens = (server.admin_token, server.token_of("second"))
    for number in range(6):
        server.send(tokens[number % 2], f"{BOT}: create-user u{number} pw")
    server.bot.settle()
    said = [text for text in bodies(server.events()) if text.startswith("Created user")]
    assert [text.split()[4] for text in said] == [f"@u{n}:example.test" for n in range(6)]


# Commands (section 2.7)


@pytest.mark.parametrize("password", ['"q"', "back\\slash", "tick`", "*", "<b>&amp;", "ä€"])
def test_a_password_arrives_as_it_is(server, password):
    text = server.told(f"{BOT}: create-user alice {password}")
    assert text.endswith(f" and password: {password}") and server.opens("alice", password)
    assert server.login("alice", password)


def test_creating(server):
    text = server.told(f"{BOT}: create_user Alice")
    password = text.rpartition(" ")[2]
    assert len(password) == 15 and server.opens("alice", password)
    assert server.told(f"{BOT}: create-user alice pw") == f"Userid {ALICE} already exists"
    assert server.told(f"{BOT}: create-user {ALICE} pw") == f"Userid {ALICE} already exists"
    text = server.told(f"{BOT}: create-user @x:y pw")
    assert text == "The specified user is not from this server!"
    text = server.told(f"{BOT}: create-user bad!name pw")
    assert text == "Userid @bad!name:example.test is not allowed due to historical"
    text = server.told(f"{BOT}: create-user a:b pw")
    assert text.startswith("The supplied username is not a valid username: ")
    assert "use '-- -pw'" in server.told(f"{BOT}: create-user bob -pw")
    server.told(f"{BOT}: create-user bob -- -pw")
    assert server.opens("bob", "-pw")


def test_a_name_that_is_not_ascii_is_let_through(server):
    assert server.told(f"{BOT}: create-user bäd pw").startswith("Created user")
    assert server.find("bäd") is not None
    path = f"{REGISTER}/available?username={quote('bäd')}"
    assert server.api("GET", path)[1]["errcode"] == "M_INVALID_USERNAME"


def test_a_password_is_reset_to_one_that_is_made(server):
    server.create("alice", "pw")
    token = server.token_of("alice")
    assert server.told(f"{BOT}: reset-password alice new").startswith("error: unexpected argument")
    text = server.told(f"{BOT}: reset-password alice")
    password = text.removeprefix(f"Successfully reset the password for user {ALICE}: ")
    assert len(password) == 15 and server.opens("alice", password)
    assert server.whoami(token) is not None
    for name in ("nobody", "conduit"):
        text = server.told(f"{BOT}: reset-password {name}")
        assert text == "The specified user does not exist!"


def test_deactivating_wants_the_whole_id_and_leaves_no_room_by_itself(server):
    server.create("alice", "pw", admin=True)
    server.create("second", "pw", admin=True)
    token = server.token_of("alice")
    text = server.told(f"{BOT}: deactivate-user alice")
    assert "invalid value 'alice' for '<USER_ID>': leading sigil" in text
    text = server.told(f"{BOT}: deactivate-user @alice:y")
    assert text == "User @alice:y doesn't exist on this server"
    for _ in range(2):
        text = server.told(f"{BOT}: deactivate-user {ALICE}")
        assert text == f"User {ALICE} has been deactivated"
    assert server.whoami(token) is None and server.is_admin(ALICE)
    # What brings it back.
    server.told(f"{BOT}: reset-password alice")
    assert not server.user("alice").deactivated
    events = server.give(f"{BOT}: deactivate-user --leave-rooms {ALICE}")
    assert [one.type for one in events] == ["m.room.member", "m.room.message"]
    assert not server.is_admin(ALICE)


def test_many_are_deactivated_at_once(server):
    server.create("alice", "pw")
    line = f"{BOT}: deactivate-all -l\n```\n{ALICE}\n@harness-admin:example.test\n```"
    text = server.told(line)
    assert text.startswith("Deactivated 1 accounts.\nSkipped admin accounts: ")
    assert server.user("alice").deactivated and not server.user("harness-admin").deactivated


def test_the_list_has_only_who_has_a_password(server):
    server.create("alice", None)
    server.create("bob", "pw")
    text = server.told(f"{BOT}: list-local-users")
    assert text == "Found 2 local user account(s):\n@bob:example.test\n@harness-admin:example.test"
    server.restart(emergency_password="in need")
    assert BOT in server.told(f"{BOT}: list-local-users")


def test_registration_is_opened_until_a_restart(server):
    assert server.told(f"{BOT}: allow-registration") == "Registration is currently disabled"
    assert server.told(f"{BOT}: allow-registration true") == "Registration is now enabled"
    assert registered(server, "alice")[0] == 200
    assert server.told(f"{BOT}: allow-registration maybe").startswith("error: invalid value")
    server.restart()
    assert registered(server, "bob")[0] == 403


def test_an_answer_that_is_too_large_ends_the_handler_until_a_restart(server):
    for number in range(330):
        server.create(f"{number:0220}", "pw")
    assert server.give(f"{BOT}: list-local-users") == [] and server.bot.dead
    assert server.give(f"{BOT}: create-user alice pw") == []
    assert server.find("alice") is None and server.api("GET", "/")[0] == 200
    server.restart()
    assert server.told(f"{BOT}: create-user alice pw").startswith("Created user")


# Administrators (sections 2.7 and 5)


def test_who_is_invited_and_joins_administers_without_power(server):
    server.create("alice", "pw")
    admin, token = server.admin_token, server.token_of("alice")
    assert server.admin_room.power("@harness-admin:example.test") == 100
    server.asked("POST", room_path(server, "invite"), {"user_id": ALICE}, admin)
    server.asked("POST", room_path(server, "join"), {}, token)
    assert server.is_admin(ALICE) and server.admin_room.power(ALICE) == 0
    (answer,) = server.give(f"{BOT}: create-user bob pw", token)
    command = [one for one in server.events() if one.sender == ALICE][-1]
    answer_path = room_path(server, f"redact/{quote(answer.event_id, safe='')}/1")
    status, reply = server.api("PUT", answer_path, {}, token)
    assert (status, reply["errcode"]) == (403, "M_FORBIDDEN")
    mine = room_path(server, f"redact/{quote(command.event_id, safe='')}/2")
    assert server.api("PUT", mine, {}, token)[0] == 200
    assert server.api("PUT", answer_path, {}, admin)[0] == 200


def test_the_first_one_kicks_the_others(server):
    admin = server.admin_token
    server.create("alice", "pw", admin=True)
    token = server.token_of("alice")
    first = {"user_id": "@harness-admin:example.test"}
    assert server.api("POST", room_path(server, "kick"), first, token)[0] == 403
    server.asked("POST", room_path(server, "kick"), {"user_id": ALICE}, admin)
    assert not server.is_admin(ALICE)
    # Again, as nothing has changed (api/client_server/membership.rs).
    server.asked("POST", room_path(server, "kick"), {"user_id": ALICE}, admin)
    stranger = {"user_id": "@stranger:example.test"}
    status, reply = server.api("POST", room_path(server, "kick"), stranger, admin)
    assert (status, reply["errcode"]) == (400, "M_BAD_STATE")
    status, reply = server.api("POST", room_path(server, "kick"), {"user_id": BOT}, admin)
    assert (status, reply["errcode"]) == (403, "M_FORBIDDEN")
    told = refusal("M_FORBIDDEN", "Last admin cannot leave from admins room.")
    assert server.api("POST", room_path(server, "leave"), {}, admin) == (403, told)


def test_a_bot_that_is_called_by_its_emergency_password_kicks_anybody(server):
    server.create("alice", "pw", admin=True)
    server.create("second", "pw", admin=True)
    server.restart(emergency_password="in need")
    token = server.login("conduit", "in need")
    server.asked("POST", room_path(server, "kick"), {"user_id": ALICE}, token)
    assert server.admins() == ["@second:example.test"]


def test_a_stage_that_it_does_not_know_is_not_completed(opened):
    status, reply = registered(opened, "alice", auth={"type": "m.login.terms"})
    assert (status, reply["completed"]) == (401, [])
