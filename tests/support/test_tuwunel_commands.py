# SPDX-License-Identifier: GPL-3.0-or-later
"""The bot of the stand-in for tuwunel: each test is a fact of tuwunel 1.9.0, read in its
source or seen running (sections 2.1 to 2.4 and 11)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.family_rooms import Event
from tests.support.tuwunel import Tuwunel

ALIAS = "#admins:example.test"
SILENCE = 0.15


@pytest.fixture
def server() -> Iterator[Tuwunel]:
    """Somebody is an administrator already."""
    with Tuwunel() as server:
        assert server.admin_token
        yield server
        assert not server.complaints


def relation_of(event: Event) -> Any:
    return event.content.get("m.relates_to")


def answers_to(server: Tuwunel, event_id: str, events: list[Event]) -> list[Event]:
    wanted = {"m.in_reply_to": {"event_id": event_id}}
    return [one for one in events if relation_of(one) == wanted]


def waited(find: Any, seconds: float = 10) -> Any:
    """What it finds, once it finds any."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = find()
        if found:
            return found
        time.sleep(0.005)
    raise AssertionError("it did not come")


def command(server: Tuwunel, text: str, **more: Any) -> Event:
    """The answer to it."""
    event_id = server.send(server.admin_token, text, **more)
    (answer,) = waited(lambda: answers_to(server, event_id, server.events()))
    return answer


def body(server: Tuwunel, text: str) -> str:
    return command(server, "!admin " + text).content["body"]


def failure(text: str) -> str:
    return f"Command failed with error:\n```\n{text}\n```"


def is_silent(server: Tuwunel, text: str, token: str | None = None, **more: Any) -> bool:
    token = token or server.admin_token
    before = len(server.events())
    server.send(token, text, **more)
    time.sleep(SILENCE)
    return len(server.events()) == before + 1


# The room


def test_the_room_is_of_version_11_and_its_bot_has_the_power(server) -> None:
    room_id = server.asked("GET", f"/_matrix/client/v3/directory/room/{quote(ALIAS)}")["room_id"]
    assert room_id.endswith(":example.test")
    assert server.admin_room.version == "11"
    assert server.admin_room.power(server.bot_id) == 69420
    assert server.admin_room.power(server.user_id("harness-admin")) == 100


def test_one_administrator_cannot_take_out_another(server) -> None:
    server.create("alice", "pw", admin=True)
    room = quote(server.admin_room.room_id, safe="")
    kick = {"user_id": "@alice:example.test"}
    path = f"/_matrix/client/v3/rooms/{room}/kick"
    assert server.api("POST", path, kick, server.admin_token)[0] == 403
    nobody = server.api("POST", path, {"user_id": "@x:example.test"}, server.admin_token)
    assert (nobody[0], nobody[1]["errcode"]) == (403, "M_FORBIDDEN")
    leave = f"/_matrix/client/v3/rooms/{room}/leave"
    assert server.api("POST", leave, {}, server.token_of("alice"))[0] == 200
    status, told = server.api("POST", leave, {}, server.admin_token)
    assert status == 403
    assert told["error"] == "M_FORBIDDEN: Last admin cannot leave the admins room."


# What is heard


@pytest.mark.parametrize(
    "text",
    [
        "!admin token list",
        "  \n !admin token list",
        "!admin token list\nand a second line",
        "@conduit:example.test token list",
        "@conduit:example.test: token list",
        "!admin token_list",
    ],
)
def test_a_command_is_heard(server, text) -> None:
    if text == "!admin token_list":
        # Only the words of a command are read so.
        assert "unrecognized subcommand 'token-list'" in command(server, text).content["body"]
    else:
        assert command(server, text).content["body"] == "Found 0 registration tokens:\n"


def test_a_notice_is_obeyed_too(server) -> None:
    answer = command(server, "!admin token list", msgtype="m.notice")
    assert answer.content["body"].startswith("Found")


@pytest.mark.parametrize("text", ["!Admin token list", "token list", "say !admin token list"])
def test_what_is_no_command_is_not_answered(server, text) -> None:
    assert is_silent(server, text)


def test_blanks_before_it_were_in_its_way_before_1_9() -> None:
    with Tuwunel(version="1.8.3") as server:
        assert is_silent(server, " !admin token list")


def test_a_word_that_only_begins_like_it_is_a_wrong_command(server) -> None:
    said = command(server, "!adminusers list").content
    assert said["body"].startswith("error: unrecognized subcommand '!adminusers'")
    assert "formatted_body" not in said


def test_in_another_room_a_backslash_is_needed_and_one_answers_oneself(server) -> None:
    token = server.admin_token
    room_id = server.asked("POST", "/_matrix/client/v3/createRoom", {}, token)["room_id"]
    room = server.rooms.get(room_id)
    event_id = server.send(token, r"\!admin users list-users", room_id)
    (answer,) = waited(lambda: answers_to(server, event_id, list(room.events)))
    assert answer.sender == server.user_id("harness-admin")
    assert answer.content["body"].startswith("Found 1 local user account(s):")
    before = len(room.events)
    server.send(token, "!admin users list-users", room_id)
    time.sleep(SILENCE)
    assert len(room.events) == before + 1


def test_the_bot_does_not_obey_itself_but_in_an_emergency(server) -> None:
    assert is_silent(server, "!admin token list", server.token_of("conduit"))
    server.restart(emergency_password="of an emergency")
    event_id = server.send(server.token_of("conduit"), "!admin token list")
    waited(lambda: answers_to(server, event_id, server.events()))


# How it answers


def test_an_answer_says_what_it_answers(server) -> None:
    """Several at once each get their own."""
    names = [f"user{number}" for number in range(5)]
    events = {
        name: server.send(server.admin_token, f"!admin users create-user {name} pw")
        for name in names
    }
    for name, event_id in events.items():
        (answer,) = waited(lambda event_id=event_id: answers_to(server, event_id, server.events()))
        assert f"@{name}:" in answer.content["body"]
        assert answer.sender == server.bot_id
        assert answer.content["msgtype"] == "m.notice"


def test_in_a_thread_only_the_thread_is_named(server) -> None:
    root = server.send(server.admin_token, "of a thread")
    relation = {"rel_type": "m.thread", "event_id": root}
    server.send(server.admin_token, "!admin token list", **{"m.relates_to": relation})
    (answer,) = waited(
        lambda: [one for one in server.events() if one.sender == server.bot_id and relation_of(one)]
    )
    assert relation_of(answer) == relation


def test_every_answer_is_in_a_thread_where_that_is_set() -> None:
    with Tuwunel(admin_output_threads=True) as server:
        event_id = server.send(server.admin_token, "!admin token list")
        wanted = {"rel_type": "m.thread", "event_id": event_id}
        waited(lambda: [one for one in server.events() if relation_of(one) == wanted])


def test_an_answer_that_is_too_large_is_a_file_that_says_what_it_answers(server) -> None:
    for number in range(800):
        server.create(f"{'x' * 60}{number}", "pw")
    said = command(server, "!admin users list").content
    assert said["msgtype"] == "m.file"
    assert re.fullmatch(r"admin-output-\d+\.md", said["body"])
    assert said["url"].startswith("mxc://example.test/")
    assert command(server, "!admin token list").content["msgtype"] == "m.notice"


def test_only_markup_is_formatted(server) -> None:
    assert "formatted_body" not in command(server, "!admin token list").content
    assert "<code>" in command(server, "!admin users create-user a").content["formatted_body"]


def test_the_same_transaction_is_obeyed_once(server) -> None:
    room = quote(server.admin_room.room_id, safe="")
    path = f"/_matrix/client/v3/rooms/{room}/send/m.room.message/same"
    message = {"msgtype": "m.text", "body": "!admin token issue"}
    first = server.asked("PUT", path, message, server.admin_token)
    assert server.asked("PUT", path, message, server.admin_token) == first
    waited(lambda: server.tokens.stored)
    time.sleep(SILENCE)
    assert len(server.tokens.stored) == 1


# Accounts


def test_a_user_is_created_with_a_password_or_with_one_of_its_own(server) -> None:
    said = body(server, "users create-user alice pw")
    assert said == "Created user with user_id: @alice:example.test and password: `pw`"
    assert server.opens("alice", "pw")
    assert server.user("alice").displayname == "alice \N{TWO HEARTS}"
    said = body(server, "users create Bob")
    match = re.fullmatch(
        r"Created user with user_id: @bob:example\.test and password: `([A-Za-z0-9]{25})`", said
    )
    assert match and server.opens("bob", match[1])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("taken", "User @taken:example.test already exists"),
        ("gone", "User @gone:example.test already exists"),
        ("@x:else.test", 'User "@x:else.test" does not belong to our server.'),
    ],
)
def test_a_user_is_not_created(server, name, said) -> None:
    server.create("taken", "pw")
    server.create("gone", None)
    assert body(server, f"users create-user {name} pw") == failure(said)


def test_a_name_is_checked_but_in_an_emergency(server) -> None:
    said = body(server, "users create-user bad!name pw")
    wanted = "Username @bad!name:example.test contains disallowed characters or spaces"
    assert wanted in said and said.startswith("Command failed with error:")
    assert "The supplied username is not a valid username: " in body(server, "users create a:b")
    server.restart(emergency_password="of an emergency")
    assert body(server, "users create-user bad!name pw").startswith("Created user")


def test_there_is_no_quoting(server) -> None:
    said = body(server, 'users create-user alice "a b"')
    assert said.startswith("error: unexpected argument 'b\"' found")
    assert server.find("alice") is None
    assert body(server, "users create-user alice -pw").startswith("error: unexpected argument")
    body(server, "users create-user -- alice -pw")
    assert server.opens("alice", "-pw")


def test_the_first_that_is_created_is_an_administrator() -> None:
    with Tuwunel(emergency_password="of an emergency") as server:
        event_id = server.send(server.token_of("conduit"), "!admin users create-user first pw")
        waited(lambda: answers_to(server, event_id, server.events()))
        assert server.admins() == ["@first:example.test"]


def test_a_star_is_no_password(server) -> None:
    body(server, "users create-user alice *")
    assert server.try_login("alice", "*")[0] == 403


def test_a_password_is_reset_and_a_user_is_active_again(server) -> None:
    server.create("gone", None)
    said = body(server, "users reset-password gone new")
    assert said == "Successfully reset the password for user @gone:example.test: `new`"
    assert server.opens("gone", "new")


def test_resetting_the_password_of_nobody_makes_half_an_account(server) -> None:
    assert body(server, "users reset-password nobody pw").startswith("Successfully")
    assert server.try_login("nobody", "pw")[0] == 200
    assert server.profile("nobody") == {}


def test_what_is_the_bot_s_is_refused(server) -> None:
    said = body(server, "users reset-password conduit pw")
    assert "Not allowed to set the password for the server account." in said
    said = body(server, "users deactivate conduit")
    assert said == failure("Not allowed to deactivate the server service account.")


def test_an_account_from_elsewhere_keeps_its_password(server) -> None:
    server.from_elsewhere("alice")
    said = body(server, "users reset-password alice pw")
    assert "Couldn't reset the password for user @alice:example.test: M_INVALID_PARAM" in said


def test_deactivating_leaves_all_rooms_and_clears_the_profile(server) -> None:
    server.create("alice", "pw", admin=True)
    said = body(server, "users deactivate alice")
    assert said == "User @alice:example.test has been deactivated"
    account = server.user("alice")
    assert account.deactivated and account.displayname is None
    assert not server.is_admin(account.user_id)
    assert server.admin_room.power(account.user_id) == 0


def test_deactivating_may_leave_no_room(server) -> None:
    server.create("alice", "pw", admin=True)
    body(server, "users deactivate -n alice")
    assert server.user("alice").displayname == "alice \N{TWO HEARTS}"
    assert server.is_admin("@alice:example.test")


def test_deactivating_nobody_takes_the_name_for_ever(server) -> None:
    assert "has been deactivated" in body(server, "users deactivate nobody")
    assert server.try_login("nobody", "x")[1]["errcode"] == "M_USER_DEACTIVATED"
    assert "already exists" in body(server, "users create-user nobody pw")


def test_many_are_deactivated_and_administrators_only_by_force(server) -> None:
    server.create("alice", "pw")
    server.create("boss", "pw", admin=True)
    lines = "\n```\nalice\nnobody\nboss\n```"
    before = len(server.events())
    said = body(server, "users deactivate-all" + lines)
    assert said.startswith("Deactivated 1 accounts.")
    texts = [
        one.content["body"]
        for one in server.events()[before:]
        if one.content.get("msgtype") == "m.text" and one.sender == server.bot_id
    ]
    assert texts[0].startswith("nobody is not a valid username, skipping over: ")
    assert not server.user("boss").deactivated
    assert body(server, "users deactivate-all -f" + lines) == "Deactivated 1 accounts."
    assert server.user("boss").deactivated
    assert "Expected code block" in body(server, "users deactivate-all")


def test_the_list_has_none_of_the_deactivated(server) -> None:
    server.create("alice", "pw")
    server.create("gone", None)
    said = body(server, "users list-users")
    assert said == (
        "Found 2 local user account(s):\n```\n@alice:example.test\n@harness-admin:example.test\n```"
    )


# Administrators


def test_an_administrator_is_made_with_a_log_before_the_answer(server) -> None:
    server.create("alice", "pw")
    before = len(server.events())
    said = body(server, "users make-user-admin alice")
    assert said.startswith("| level | span | message |\n")
    assert said.count("INFO") == 2
    assert said.endswith("\n\n@alice:example.test has been granted admin privileges.")
    kinds = [one.type for one in server.events()[before:]]
    assert kinds == [
        "m.room.message",
        "m.room.member",
        "m.room.member",
        "m.room.power_levels",
        "m.room.message",
        "m.room.message",
    ]
    before = len(server.events())
    again = body(server, "users make-user-admin alice")
    assert again == "@alice:example.test has been granted admin privileges."
    # The command and the answer, and no second welcome.
    assert len(server.events()) == before + 2


def test_who_takes_the_name_of_a_granted_nobody_is_an_administrator(server) -> None:
    assert "granted" in body(server, "users make-user-admin nobody")
    body(server, "users create-user nobody pw")
    path = "/_synapse/admin/v2/users"
    assert server.api("GET", path, token=server.login("nobody", "pw"))[0] == 200


def test_who_is_only_invited_stays_so(server) -> None:
    server.create("alice", "pw")
    room = server.admin_room
    server.rooms.set_membership(room, "@alice:example.test", "invite", server.bot_id)
    assert "granted" in body(server, "users make-user-admin alice")
    assert not server.is_admin("@alice:example.test")


def test_an_administrator_is_no_more(server) -> None:
    server.create("alice", "pw", admin=True)
    said = body(server, f"users force-leave-room alice {ALIAS}")
    assert said == f"@alice:example.test has left {server.admin_room.room_id}."
    assert not server.is_admin("@alice:example.test")
    said = body(server, f"users force-leave-room alice {ALIAS}")
    assert said == failure("@alice:example.test is not joined in the room")
    said = body(server, f"users force-leave-room harness-admin {ALIAS}")
    assert "| ERROR |" in said
    assert failure("M_FORBIDDEN: Last admin cannot leave the admins room.") in said


@pytest.mark.parametrize("word", ["suspend", "lock", "logout"])
def test_there_is_no_such_command(server, word) -> None:
    said = body(server, f"users {word} alice")
    assert said.startswith(f"error: unrecognized subcommand '{word}'")


# Addresses and tokens


def test_an_address_is_bound_to_one_user(server) -> None:
    server.create("alice", "pw")
    server.create("bob", "pw")
    said = body(server, "users add-email alice A@b.test")
    assert said == "Bound email a@b.test to user @alice:example.test."
    said = body(server, "users add-email bob a@b.test")
    assert said == failure("Email a@b.test is already bound to another user.")
    said = body(server, "users del-email alice a@b.test")
    assert said == "Removed email a@b.test from user @alice:example.test."
    assert "does not exist on this server." in body(server, "users add-email nobody a@b.test")


def test_a_token_is_issued_listed_and_revoked() -> None:
    with Tuwunel(registration_token="tok") as server:
        said = body(server, "token issue --once")
        match = re.match(r"New registration token issued: `(\w{16})` - ", said)
        assert match and server.tokens.stored[match[1]].uses_allowed == 1
        said = body(server, "token list")
        assert said.startswith("Found 2 registration tokens:\n- `tok` --- ")
        assert f"- `{match[1]}` --- " in said
        assert body(server, f"token revoke {match[1]}") == "Token revoked successfully."
        assert "M_NOT_FOUND" in body(server, f"token revoke {match[1]}")
        assert "M_FORBIDDEN" in body(server, "token revoke tok")
        assert "Never expires." in body(server, "token issue")
        assert body(server, "token issue --max-uses x").startswith("error: invalid value 'x'")


# At the start (section 3)


def test_commands_of_the_configuration_are_obeyed_before_the_port_answers() -> None:
    with Tuwunel(admin_execute=("users create-user first pw",)) as server:
        assert server.opens("first", "pw")
        assert server.admins() == ["@first:example.test"]
        # At the next start the user is there already, which is a failure.
        with pytest.raises(RuntimeError, match="already exists"):
            server.restart()
        server.restart(admin_execute_errors_ignore=True)
        assert server.opens("first", "pw")
