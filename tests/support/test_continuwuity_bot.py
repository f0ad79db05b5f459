# SPDX-License-Identifier: GPL-3.0-or-later
"""The bot of the stand-in for continuwuity says what that of 26.7.3 was seen to say; the
sections are those of family.py."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.continuwuity import Continuwuity
from tests.support.family_rooms import Event

V3 = "/_matrix/client/v3"
ALICE = "@alice:example.test"
BOT = "@conduit:example.test"
FAILED = "Command failed with error:\n```\n{}\n```"


@pytest.fixture
def server() -> Iterator[Continuwuity]:
    with Continuwuity() as made:
        yield made
        assert not made.complaints


@pytest.fixture
def alice(server: Continuwuity) -> Any:
    server.create("alice", "pw")
    return server.user("alice")


def failure(text: str) -> str:
    return FAILED.format(text)


def answers_of(events: list[Event], command: str) -> list[Event]:
    def relates(event: Event) -> bool:
        related = event.content.get("m.relates_to", {}).get("m.in_reply_to", {})
        return related.get("event_id") == command

    return [event for event in events if relates(event)]


# Recognising and relating (sections 2.2, 2.3 and 11)


def test_an_answer_relates_to_its_command(server):
    token = server.admin_token
    names = [f"u{number}" for number in range(5)]
    commands = {name: server.send(token, f"!admin users create-user {name} pw") for name in names}
    server.bot.settle()
    for name, command in commands.items():
        (answer,) = answers_of(server.events(), command)
        assert answer.sender == BOT and answer.content["msgtype"] == "m.notice"
        assert f"Created user @{name}:example.test with password `pw`" in answer.content["body"]


def test_one_in_a_thread_is_answered_all_the_same(server):
    root = server.send(server.admin_token, "a root")
    thread = {"m.relates_to": {"rel_type": "m.thread", "event_id": root}}
    (answer,) = server.give("!admin users list-users", **thread)
    assert list(answer.content["m.relates_to"]) == ["m.in_reply_to"]


@pytest.mark.parametrize(
    "text", ["!admin {}", "  \n!admin {}", f"{BOT}: {{}}", f"{BOT} {{}}", "!admin {}\nmore lines"]
)
def test_it_hears_its_prefixes(server, text):
    assert "Found" in server.told(text.format("users list-users"))
    assert server.give(text.format("users list-users"), msgtype="m.notice")


@pytest.mark.parametrize("text", ["!Admin users list", "admin users list", "hello"])
def test_it_is_silent_to_anything_else(server, text):
    assert server.give(text) == []


def test_a_prefix_that_runs_into_the_next_word_is_a_usage_error(server):
    assert "error: unrecognized subcommand '!adminusers'" in server.told("!adminusers list")


def test_its_own_words_are_commands_only_in_need(server):
    token = server.token_of("conduit")
    assert server.give("!admin users list-users", token) == []
    server.restart(emergency_password="in need")
    assert "Found" in server.told("!admin users list-users", server.login("conduit", "in need"))


def test_elsewhere_one_answers_oneself_that_it_is_refused(server):
    token = server.admin_token
    room_id = server.asked("POST", f"{V3}/createRoom", {}, token)["room_id"]
    command = server.send(token, "\\!admin users list-users", room_id)
    server.send(token, "!admin users list-users", room_id)
    server.bot.settle()
    room = server.rooms.at(room_id)
    (answer,) = answers_of(room.events, command)
    assert answer.sender == "@harness-admin:example.test"
    assert sum(one.type == "m.room.message" for one in room.events) == 3
    assert answer.content["body"] == failure("This command can only be used in the admin room.")


def test_who_is_no_administrator_is_not_heard(server, alice):
    # Invited but not joined: it cannot even speak.
    token = server.token_of("alice")
    room = quote(server.admin_room.room_id, safe="")
    body = {"msgtype": "m.text", "body": "!admin users list-users"}
    status, reply = server.api("PUT", f"{V3}/rooms/{room}/send/m.room.message/1", body, token)
    assert (status, reply["errcode"]) == (403, "M_FORBIDDEN")


def test_a_usage_error_is_plain_text(server):
    (answer,) = server.give("!admin users create-user alice one two")
    assert answer.content["body"].startswith("error: unexpected argument 'two' found")
    assert "formatted_body" not in answer.content and server.find("alice") is None
    (answer,) = server.give("!admin users create-user alice -pw")
    assert "use '-- -pw'" in answer.content["body"]


# Making accounts (section 2.5)


@pytest.mark.parametrize("password", ['"q"', "back\\sl`ash", "tick`", "*", "<b>&amp;", "ä€"])
def test_a_password_arrives_as_it_is(server, password):
    (answer,) = server.give(f"!admin users create-user alice {password}")
    text = answer.content["body"]
    assert text.startswith("| level | span | message |\n")
    # Between the first and the last backtick of the last line.
    line = text.splitlines()[-1]
    assert line == f"Created user {ALICE} with password `{password}`"
    assert server.opens("alice", password) and server.login("alice", password)


def test_a_formatted_body_mangles_backticks(server):
    (answer,) = server.give("!admin users create-user alice a`b")
    assert "a`b" in answer.content["body"] and "a`b" not in answer.content["formatted_body"]


@pytest.mark.parametrize("words", ["create-user", "create", "create_user"])
def test_a_password_is_made_where_none_is_given(server, words):
    text = server.told(f"!admin users {words} alice")
    password = text.splitlines()[-1].split("`")[1]
    assert len(password) == 25 and server.opens("alice", password)


def test_a_password_with_a_dash_comes_behind_two(server):
    assert "Created user" in server.told("!admin users create-user alice -- -pw")
    assert server.opens("alice", "-pw")


def test_names_are_not_folded_when_they_are_made(server, alice):
    for name, text in (
        ("alice", "Username is not available."),
        (ALICE, "Username is not available."),
        ("@x:y", "Username @x:y is not local to this server"),
    ):
        assert server.told(f"!admin users create-user {name} pw") == failure(text)
    text = server.told("!admin users create-user Bob pw")
    assert "Username Bob contains disallowed characters or spaces: " in text
    server.restart(forbidden_usernames=("^root$",), namespaces=("bot_.*",))
    for name, text in (
        ("root", "Username is forbidden"),
        ("bot_1", "Username is reserved by an appservice."),
    ):
        assert server.told(f"!admin users create-user {name} pw") == failure(text)


# Passwords


def test_resetting_a_password(server, alice):
    token = server.token_of("alice")
    text = server.told("!admin users reset-password Alice new")
    assert text == f"Successfully reset the password for user {ALICE}: `new`"
    assert server.opens("alice", "new") and server.whoami(token) is not None
    text = server.told("!admin users reset-password -l alice")
    assert text.endswith("`\nAll existing sessions have been logged out.")
    assert server.whoami(token) is None and server.opens("alice", text.split("`")[1])
    text = server.told("!admin users reset-password nobody pw")
    assert text == failure("The provided user does not exist.")
    assert server.find("nobody") is None
    text = server.told("!admin users reset-password conduit pw")
    assert "Not allowed to set the password for the server account." in text


def test_a_deactivated_account_comes_back_with_an_empty_answer(server, alice):
    server.told("!admin users deactivate alice")
    assert "--convert-to-local-account" in server.told("!admin users reset-password alice pw2")
    assert alice.deactivated
    (answer,) = server.give("!admin users reset-password alice pw2 --convert-to-local-account")
    assert answer.content["body"] == "" and "m.relates_to" in answer.content
    assert server.login("alice", "pw2")
    text = server.told("!admin users reset-password nobody pw --convert-to-local-account")
    assert text == failure("This account does not exist.")


def test_a_token_is_issued_for_a_password(server, alice):
    text = server.told("!admin users issue-token alice pw")
    device, token = text.split("`")[1::2]
    assert text == f"Created device `{device}` with access token `{token}` for {ALICE}"
    assert server.whoami(token)["device_id"] == device
    assert server.told("!admin users issue-token alice no").startswith("Command failed")
    assert "does not exist" in server.told("!admin users issue-token nobody pw")


# Administrators


def test_a_grant_is_told_after_the_events_that_make_it(server, alice):
    events = server.give("!admin users make-user-admin alice")
    kinds = ["m.room.member", "m.room.member", "m.room.power_levels", "m.room.message"]
    assert [one.type for one in events] == kinds
    assert events[-1].content["body"] == f"{ALICE} has been granted admin privileges."
    assert server.is_admin(ALICE) and server.admin_room.power(ALICE) == 9007199254740990
    text = server.told("!admin users make-user-admin alice")
    assert text == failure("User is already joined in the admin room")


def test_one_that_is_invited_is_not_granted(server, alice):
    server.rooms.invite(server.bot_id, server.admin_room.room_id, ALICE)
    text = server.told("!admin users make-user-admin alice")
    assert text == failure("User is already pending an invitation to the admin room")


def test_a_name_that_nobody_has_is_granted_to_whoever_takes_it_later(server):
    assert "has been granted" in server.told("!admin users make-user-admin ghost")
    assert server.find("ghost") is None and server.is_admin("@ghost:example.test")
    path = f"{V3}/register/available?username=ghost"
    assert server.api("GET", path) == (200, {"available": True})
    server.told("!admin users create-user ghost pw")
    path = f"/_matrix/client/v1/admin/suspend/{quote(ALICE, safe='')}"
    status, reply = server.api("GET", path, token=server.login("ghost", "pw"))
    assert (status, reply["errcode"]) == (404, "M_NOT_FOUND")  # and not 403


def test_a_demotion_is_leaving_by_force(server, alice):
    room_id = server.admin_room.room_id
    line = "!admin users force-leave-room {} #admins:example.test"
    assert server.told(line.format("alice")) == failure(f"{ALICE} is not joined in the room")
    server.told("!admin users make-user-admin alice")
    assert server.told(line.format("alice")) == f"{ALICE} has left {room_id}."
    assert not server.is_admin(ALICE)
    # Its entry stays.
    assert ALICE in server.admin_room.powers["users"]
    text = server.told(line.format("harness-admin"))
    assert text.startswith("| level | span | message |") and "| ERROR |" in text
    assert text.endswith(failure("Last admin cannot leave the admins room."))


def test_one_administrator_does_not_kick_another(server, alice):
    server.told("!admin users make-user-admin alice")
    path = f"{V3}/rooms/{quote(server.admin_room.room_id, safe='')}/kick"
    body = {"user_id": ALICE}
    assert server.api("POST", path, body, server.admin_token)[0] == 403
    assert server.api("POST", path, {"user_id": "@x:example.test"}, server.admin_token)[0] == 403


# States


@pytest.mark.parametrize(
    "verb, field, value, text",
    [
        ("suspend", "suspended", True, "User {} has been suspended."),
        ("unsuspend", "suspended", False, "User {} has been unsuspended."),
        ("lock", "locked", True, "User {} has been locked."),
        ("unlock", "locked", False, "User {} has been unlocked."),
        ("disable-login", "login_disabled", True, "{} can no longer log in."),
        ("enable-login", "login_disabled", False, "{} can now log in."),
    ],
)
def test_a_state_is_set(server, alice, verb, field, value, text):
    setattr(alice, field, not value)
    for _ in range(2):
        assert server.told(f"!admin users {verb} {ALICE}").startswith(text.format(ALICE))
        assert getattr(alice, field) is value
    absent = failure("This account does not exist.")
    assert server.told(f"!admin users {verb} nobody") == absent
    alice.deactivated = True
    assert server.told(f"!admin users {verb} alice") == failure("This account is deactivated.")
    foreign = server.told(f"!admin users {verb} @x:y")
    assert foreign == failure('User "@x:y" does not belong to our server.')


@pytest.mark.parametrize(
    "verb, text",
    [
        ("suspend", "Admin users cannot be suspended."),
        ("lock", "Admin users cannot be locked."),
        ("logout", "You cannot forcefully log out admin users."),
        ("disable-login", "Admin users cannot have their login disallowed."),
    ],
)
def test_administrators_are_spared(server, verb, text):
    assert server.told(f"!admin users {verb} harness-admin") == failure(text)


def test_logging_somebody_out(server, alice):
    token = server.token_of("alice")
    text = server.told("!admin users logout alice")
    assert text == f"User {ALICE} has been logged out from all devices."
    assert server.whoami(token) is None


def test_a_deactivation_leaves_all_rooms_before_it_is_told(server, alice):
    token = server.token_of("alice")
    server.told("!admin users make-user-admin alice")
    events = server.give("!admin users deactivate alice")
    kinds = ["m.room.message", "m.room.power_levels", "m.room.member", "m.room.message"]
    assert [one.type for one in events] == kinds
    extra, last = events[0].content, events[-1].content
    assert extra["msgtype"] == "m.text" and "m.relates_to" not in extra and ALICE in extra["body"]
    assert last["body"] == f"User {ALICE} has been deactivated"
    assert alice.deactivated and not server.is_admin(ALICE) and server.whoami(token) is None
    text = server.told("!admin users deactivate alice")
    assert text == failure("This account is deactivated.")
    assert server.told("!admin users deactivate nobody") == failure("This account does not exist.")
    text = server.told("!admin users deactivate conduit")
    assert text == failure("Not allowed to deactivate the server service account.")
    # Its password is kept, and it goes on being listed.
    assert not server.opens("alice", "pw") and ALICE in server.told("!admin users list-users")


def test_many_are_deactivated_at_once(server, alice):
    events = server.give("!admin users deactivate-all\n```\nnobody\nalice\nharness-admin\n```")
    texts = [one.content["body"] for one in events if one.type == "m.room.message"]
    assert texts[0].startswith("nobody is not a valid username, skipping over: ")
    assert "is an admin and --force is not set" in texts[1]
    assert "Deactivated 1 accounts." in texts[-1] and alice.deactivated
    assert "Expected code block" in server.told("!admin users deactivate-all")


# What is listed, and what is too much


def test_everyone_is_listed(server, alice):
    text = server.told("!admin users list")
    names = [ALICE, BOT, "@harness-admin:example.test"]
    listed = "\n".join(names)
    assert text == f"Found 3 local user account(s):\n```\n{listed}\n```"


def test_an_answer_that_is_too_large_is_a_file_that_relates_to_nothing(server):
    for number in range(260):
        server.create(f"{number:0220}", "pw")
    (answer,) = server.give("!admin users list-users")
    assert answer.content["msgtype"] == "m.file" and answer.content["filename"] == "output.md"
    assert "m.relates_to" not in answer.content
    assert answer.content["body"] == "Output was too large to send as text."
    assert "Found 262 local" in server.files[answer.content["url"]]
    # It goes on.
    assert "Created user" in server.told("!admin users create-user bob pw")


def test_registration_tokens(server):
    assert server.told("!admin token list") == "Found 0 registration tokens:\n"
    text = server.told("!admin token issue --max-uses 3")
    token = text.split("`")[1]
    assert text.startswith(f"New registration token issued: `{token}` . Expires after 3 uses.\n")
    assert "\nInvite link using this token: https://" in text
    listed = server.told("!admin token list")
    said = "Token created by @harness-admin:example.test and used 0 times. Expires after 3 uses."
    assert listed == f"Found 1 registration tokens:\n- `{token}` --- {said}\n"
    assert server.told(f"!admin token revoke {token}") == "Token revoked successfully."
    text = server.told(f"!admin token revoke {token}")
    assert text == failure("This token does not exist or has already expired.")
    assert server.told("!admin token issue").startswith("error: ")
    server.restart(registration_token="Configured")
    assert "Static token set in the server configuration." in server.told("!admin token list")
    assert "cannot be revoked" in server.told("!admin token revoke Configured")


# What a test makes of it


def test_the_bot_may_be_slow_mute_or_deaf(server):
    token = server.admin_token
    server.bot.reply_delay = 0.3
    command = server.send(token, "!admin users create-user alice pw")
    pause = threading.Event()
    end = 100
    while server.find("alice") is None and end:
        pause.wait(0.02)
        end -= 1
    assert not answers_of(server.events(), command)
    server.bot.settle()
    assert answers_of(server.events(), command)
    server.bot.reply_delay, server.bot.mute = 0, True
    assert server.give("!admin users create-user bob pw") == [] and server.find("bob")
    server.bot.mute, server.bot.deaf = False, True
    assert server.give("!admin users create-user carol pw") == [] and not server.find("carol")


def test_the_bot_may_say_something_else(server):
    server.bot.say_instead = ["Beg your pardon?"]
    assert server.told("!admin users create-user alice pw") == "Beg your pardon?"
    assert server.opens("alice", "pw") and "available" in server.told("!admin users create alice p")


def test_another_administrator_may_speak_in_between(server):
    server.create("second", "pw", admin=True)
    server.bot.interject("second", "!admin users create-user before pw")
    server.bot.interject("second", "!admin users create-user after pw", after=True)
    server.give("!admin users create-user mine pw")
    names = [line.split()[3] for line in server.bot.obeyed]
    assert names == ["before", "mine", "after"]
    assert all(server.find(name) for name in names)
