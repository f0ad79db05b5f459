# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin room of continuwuity and Conduit is not ours alone: others talk in it, more
than one run is at work, and its bot is slow, late, silent, or says what nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.servers.cutting import converges
from tests.servers.family_cutting import stand_in
from tests.servers.proof import a_password
from tests.support.conduit import Conduit
from tests.support.continuwuity import Continuwuity
from tests.support.family import Family
from tests.support.family_bot import Answer, Command
from tests.support.family_rooms import Event, Room
from tests.support.module import Reply, run_module, start_module

OTHER = "other-admin"
# What each calls the same thing.
RESETS = {"continuwuity": "users reset-password {}", "Conduit": "reset-password {}"}
PREFIXES = {"continuwuity": "!admin ", "Conduit": "@conduit:example.test: "}

Unique = Callable[[str], str]


KINDS = {"continuwuity": Continuwuity, "conduit": Conduit}


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[Family]:
    """One of the test's own: what a bot left unanswered counts for a minute."""
    with KINDS[request.param]() as made:
        made.admin_token  # noqa: B018 - who has it is the first
        made.create(OTHER, "of another administrator", admin=True)
        yield made
        made.bot.settle()
        assert not made.complaints


@pytest.fixture
def conduit_alone() -> Iterator[Conduit]:
    with Conduit() as made:
        made.admin_token  # noqa: B018
        yield made
        assert not made.complaints


def task(server: Family, **options: Any) -> dict[str, Any]:
    made = {"url": server.url, "access_token": server.admin_token, "timeout": 2}
    return made | {"retry_timeout": 1} | options


def does(server: Family, actions: list[str], **options: Any) -> Reply:
    reply = run_module(task(server, **options))
    assert not reply.failed and reply.json["actions"] == actions, reply.json
    assert "warnings" not in reply.json
    return reply


def reset(server: Family, name: str) -> str:
    name_of = server.TABLE.name
    return PREFIXES[name_of] + RESETS[name_of].format(name)


def after_commands(server: Family, then: Callable[[], None]) -> None:
    """Is done once each command is in the room, and before it is obeyed."""

    def listen(room: Room, event: Event) -> None:
        if room is server.admin_room and server.command_in(room, event.sender, event.content):
            then()

    server.rooms.listening.append(listen)


def behind_answers(server: Family, then: Callable[[], None]) -> None:
    """Is done once each answer is in the room, and before anybody can read it."""

    def listen(room: Room, event: Event) -> None:
        told = event.type == "m.room.message" and event.sender == server.bot_id
        if room is server.admin_room and told:
            then()

    server.rooms.listening.append(listen)


def say(server: Family, text: str, who: str = OTHER) -> None:
    content = {"msgtype": "m.text", "body": text}
    server.rooms.add(server.admin_room, "m.room.message", server.user_id(who), content)


def reads_nothing(server: Family, password: str) -> None:
    assert not server.is_readable(password)


# Another administrator


@pytest.mark.parametrize("after", [False, True], ids=["before", "behind"])
def test_a_command_of_another_is_not_taken_for_ours(
    server: Family, unique: Unique, after: bool
) -> None:
    bob, alice, password, another = unique("bob"), unique("alice"), a_password(), a_password()
    server.create(bob, "the old one")
    for options in (
        {"password": password},
        {"password": another, "update_password": "always"},
        {"state": "deactivated"},
    ):
        server.bot.interject(OTHER, reset(server, bob), after)
        reply = run_module(task(server, username=alice, **options))
        assert not reply.failed and len(reply.json["actions"]) == 1, reply.json
        if "password" in options:
            assert server.opens(alice, options["password"])
            reads_nothing(server, options["password"])
    assert server.user(alice).deactivated
    # Nobody took away what was said to the other.
    assert server.is_readable(str(server.user(bob).password))


@pytest.mark.parametrize("after", [False, True], ids=["before", "behind"])
def test_a_command_of_another_about_the_same_account_is_told_apart(
    server: Family, unique: Unique, after: bool
) -> None:
    alice, password = unique("alice"), a_password()
    server.create(alice, "the old one")
    server.bot.interject(OTHER, reset(server, alice), after)
    options = {"username": alice, "password": password, "update_password": "always"}
    run_module(task(server, **options))
    # Who comes last wins; run again, it is what was wanted.
    server.bot.settle()
    converges(task(server, **options))
    assert server.opens(alice, password)


def test_words_of_people_are_no_answers(server: Family, unique: Unique) -> None:
    alice, password = unique("alice"), a_password()
    user_id = server.user_id(alice)
    lies = (
        f"Created user {user_id} with password `of a liar`",
        f"Created user with user_id: {user_id} and password: of-a-liar",
        f"Successfully reset the password for user {user_id}: of-a-liar",
        "Command failed with error:\n```\nUsername is not available.\n```",
        f"Userid {user_id} already exists",
    )

    def lie() -> None:
        for text in lies:
            say(server, text)

    after_commands(server, lie)
    does(server, ["create"], username=alice, password=password)
    assert server.opens(alice, password)
    reads_nothing(server, password)


def test_what_the_bot_says_by_itself_is_no_answer(server: Family, unique: Unique) -> None:
    alice, password, another = unique("alice"), a_password(), a_password()

    def notice() -> None:
        text = f"User {server.user_id(alice)} changed their password."
        server.bot.post({"msgtype": "m.notice", "body": text})

    after_commands(server, notice)
    does(server, ["create"], username=alice, password=password)
    does(server, ["set password"], username=alice, password=another, update_password="always")
    assert server.opens(alice, another)
    does(server, ["deactivate"], username=alice, state="deactivated")


def test_an_answer_is_found_behind_what_was_said_since(server: Family, unique: Unique) -> None:
    alice, password = unique("alice"), a_password()

    def chat() -> None:
        for number in range(60):
            say(server, f"and another thing, {number}")

    behind_answers(server, chat)
    does(server, ["create"], username=alice, password=password)
    assert server.opens(alice, password)
    reads_nothing(server, password)


def test_a_table_of_log_lines_before_an_answer_is_passed_over(
    server: Family, unique: Unique
) -> None:
    alice, password, another = unique("alice"), a_password(), a_password()
    obey = type(server).obey
    log = [("INFO", "main", f"password of {server.user_id(alice)} is not `told` here")]

    def talkative(command: Command) -> Answer:
        answer = obey(server, command)
        answer.log += log
        return answer

    if server.TABLE.name == "Conduit":
        pytest.skip("it has no such lines (section 2.3)")
    server.__dict__["obey"] = talkative
    does(server, ["create"], username=alice, password=password)
    does(server, ["set password"], username=alice, password=another, update_password="always")
    assert server.opens(alice, another)
    does(server, ["set admin"], username=alice, password=another, admin=True)
    does(server, ["deactivate"], username=alice, state="deactivated")
    third = a_password()
    run = run_module(task(server, username=alice, password=third, reactivate=True))
    assert not run.failed and server.opens(alice, third), run.json


# More than one run


def test_two_runs_at_once_about_one_account_make_one(server: Family, unique: Unique) -> None:
    alice, password = unique("alice"), a_password()
    made = task(server, username=alice, password=password, timeout=5)
    running = [start_module(made) for _ in range(2)]
    replies = [one.wait() for one in running]
    # They take each other's device from one another, which is said.
    said = [reply.msg for reply in replies]
    assert None in said and all(one is None or "M_UNKNOWN_TOKEN" in one for one in said), said
    converges(made)
    assert server.opens(alice, password) and server.devices(alice) == []
    reads_nothing(server, password)


def test_two_runs_at_once_about_two_accounts_make_both(server: Family, unique: Unique) -> None:
    names, password = [unique("alice"), unique("bob")], a_password()
    made = [task(server, username=name, password=password, timeout=5) for name in names]
    running = [start_module(one) for one in made]
    for name, one in zip(names, running, strict=True):
        reply = one.wait()
        assert not reply.failed and reply.json["actions"] == ["create"], reply.json
        assert server.opens(name, password)
    reads_nothing(server, password)


def test_a_list_mixes_nobody_up(server: Family, unique: Unique) -> None:
    always = {"update_password": "always"}
    users = [{"username": unique("list"), "password": a_password()} | always for _ in range(12)]
    for user in users[:4]:
        server.create(user["username"], "the old one")
    made = task(server, users=users, timeout=5)
    reply = run_module(made)
    assert not reply.failed, [reply.msg, reply.json.get("users")]
    assert reply.json["summary"] == {"created": 8, "changed": 4, "unchanged": 0, "failed": 0}
    for user in users:
        assert server.opens(user["username"], user["password"])
        assert server.devices(user["username"]) == []
        reads_nothing(server, user["password"])
    again = run_module(made)
    assert not again.failed and not again.changed, again.json


# Slow, late, silent


def test_a_slow_bot_is_waited_for(server: Family, unique: Unique) -> None:
    alice, password = unique("alice"), a_password()
    server.bot.delay = server.bot.reply_delay = 0.15
    does(server, ["create"], username=alice, password=password)
    assert server.opens(alice, password)


@pytest.mark.parametrize("options", [{}, {"displayname": "Alice"}], ids=["bare", "with more"])
def test_an_answer_that_comes_too_late_is_made_good_by_the_next_run(
    server: Family, unique: Unique, options: dict[str, Any]
) -> None:
    alice, password = unique("alice"), a_password()
    server.bot.reply_delay = 1.3
    made = task(server, username=alice, password=password, timeout=1, **options)
    reply = run_module(made, secrets=(stand_in(password, server.user_id(alice)),))
    # It was obeyed, as a look at the account says.
    assert reply.changed and (reply.failed or reply.json["warnings"]), reply.json
    server.bot.settle()
    server.bot.reply_delay = 0
    converges(made)
    assert server.opens(alice, password)
    reads_nothing(server, password)
    reads_nothing(server, str(server.user(alice).password))


def test_an_obedience_that_comes_too_late_is_made_good_by_the_next_run(
    server: Family, unique: Unique
) -> None:
    alice, password = unique("alice"), a_password()
    server.bot.delay = 1.3
    made = task(server, username=alice, password=password, timeout=1)
    reply = run_module(made)
    assert reply.failed and reply.kind == "not_ready" and not reply.changed, reply.json
    server.bot.settle()
    server.bot.delay = 0
    assert server.find(alice) is not None
    converges(made)
    assert server.opens(alice, password)
    reads_nothing(server, password)


def test_a_bot_that_is_silent_is_named_with_what_to_do(server: Family, unique: Unique) -> None:
    alice, password = unique("alice"), a_password()
    server.bot.deaf = True
    made = task(server, username=alice, password=password, timeout=1)
    reply = run_module(made)
    assert reply.failed and reply.kind == "not_ready" and not reply.changed, reply.json
    assert server.bot_id in reply.msg and "restart the server" in reply.msg
    assert server.admin_room.room_id in reply.msg
    assert reply.seconds < 4
    assert server.find(alice) is None
    reads_nothing(server, password)
    server.bot.settle()
    server.bot.deaf = False
    # The one that was not obeyed is not waited for.
    assert run_module(made).json["actions"] == ["create"]
    converges(made)


def test_a_bot_that_obeys_and_says_nothing_is_made_good_by_looking(
    server: Family, unique: Unique
) -> None:
    alice, password = unique("alice"), a_password()
    server.bot.mute = True
    made = task(server, username=alice, password=password, timeout=1)
    reply = run_module(made)
    assert reply.changed and (reply.failed or reply.json["warnings"]), reply.json
    server.bot.mute = False
    converges(made)
    assert server.opens(alice, password)
    reads_nothing(server, password)


def test_a_handler_that_has_died_is_there_again_after_a_restart(
    conduit_alone: Conduit, unique: Unique
) -> None:
    """Section 11: what is too large to be said kills it, and HTTP goes on."""
    server, alice, password = conduit_alone, unique("alice"), a_password()
    for number in range(300):
        server.create(f"{'a' * 230}{number}", "pw")
    server.give(PREFIXES["Conduit"] + "list-local-users")
    assert server.bot.dead
    made = task(server, username=alice, password=password, timeout=1)
    reply = run_module(made)
    assert reply.failed and reply.kind == "not_ready", reply.json
    assert "may be dead" in reply.msg and "restart the server" in reply.msg
    server.restart()
    made = task(server, username=alice, password=password)
    assert run_module(made).json["actions"] == ["create"]
    converges(made)
    assert server.opens(alice, password)


# Answers of another kind


def test_an_answer_that_is_a_file_is_an_error_that_names_the_room(
    continuwuity: Family, unique: Unique
) -> None:
    server, alice, password = continuwuity, unique("alice"), a_password()
    server.bot.say_instead.append("| INFO | main | line |\n" * 4000)
    made = task(server, username=alice, password=password)
    reply = run_module(made)
    files = [one for one in server.events() if one.content.get("msgtype") == "m.file"]
    assert files and "m.relates_to" not in files[-1].content
    # It was obeyed, which a look at the account says.
    assert reply.changed and (reply.failed or reply.json["warnings"]), reply.json
    converges(made)
    assert server.opens(alice, password)
    reads_nothing(server, password)


@pytest.mark.parametrize(
    "text",
    ["What is {} to you?", "password\n{}\n{}", "Your {} and\x1b[1m that\x07 \u202e{}", "`{}` `{}`"],
)
def test_an_answer_that_nobody_knows_is_told_without_the_password(
    server: Family, unique: Unique, text: str
) -> None:
    for password in ("Sesam-0pen-" + unique("x"), "Sesam 0pen " + unique("x")):
        alice = unique("alice")
        server.create(alice, "the old one")
        sent = (password, stand_in(password, server.user_id(alice)))
        carried = " " not in password and server.TABLE.name == "continuwuity"
        server.bot.say_instead[:] = [text.replace("{}", sent[0 if carried else 1])]
        made = task(server, username=alice, password=password, update_password="always")
        reply = run_module(made, secrets=sent[:1] if carried else sent)
        assert reply.failed and reply.kind == "protocol", reply.json
        assert "is not known here" in reply.msg and alice in reply.msg
        converges(made)
        assert server.opens(alice, password)
        reads_nothing(server, password)


def test_an_answer_without_an_end_is_told_in_part(server: Family, unique: Unique) -> None:
    alice = unique("alice")
    server.create(alice, a_password())
    server.bot.say_instead[:] = ["unheard of " * 4000]
    reply = run_module(task(server, username=alice, state="deactivated"))
    assert reply.failed and reply.kind == "protocol" and "unheard of" in reply.msg, reply.json
    assert len(reply.raw) < 4000
