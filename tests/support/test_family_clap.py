# SPDX-License-Identifier: GPL-3.0-or-later
"""The command lines of the Conduit family's bots are taken as clap takes them (sections
2.1 and 11)."""

from __future__ import annotations

import pytest

from tests.support.family_clap import (
    Flag,
    Group,
    Positional,
    Usage,
    Word,
    parse,
    split,
    whole_number,
)

CREATE = Word("create-user", (Positional("USERNAME"), Positional("PASSWORD", False)))
RESET = Word("reset", (Positional("USERNAME"),), (Flag("logout", "l"), Flag("all", "a")))
ISSUE = Word(
    "issue",
    flags=(Flag("max-uses", value="MAX_USES", convert=whole_number), Flag("once")),
    one_of=("max-uses", "once"),
)
ROOT = Group("", (Group("users", (CREATE, RESET)), Group("token", (ISSUE,))))


def refusal(line: str) -> str:
    with pytest.raises(Usage) as caught:
        parse(ROOT, split("!admin " + line))
    return str(caught.value)


def test_it_is_split_at_white_space_of_any_script_and_at_nothing_else():
    assert split(' a\t"b c"\u00a0d\u2003e\u3000f\x85g ') == ["a", '"b', 'c"', "d", "e", "f", "g"]
    # Not white space to Rust, though it is to Python.
    assert split("a\x1cb") == ["a\x1cb"]
    assert split("a\u200bb\\ c`d") == ["a\u200bb\\", "c`d"]


def test_a_command_has_its_values():
    path, values = parse(ROOT, split('!admin users create-user alice "p`w\\ä'))
    assert path == ("users", "create-user")
    assert values == {"username": "alice", "password": '"p`w\\ä'}
    assert parse(ROOT, split("!admin users create-user alice"))[1]["password"] is None


def test_a_password_with_a_blank_is_a_usage_error_that_repeats_part_of_it():
    assert refusal("users create-user alice one two") == (
        "error: unexpected argument 'two' found\n\n"
        "Usage: !admin users create-user <USERNAME> [PASSWORD]\n\n"
        "For more information, try '--help'.\n"
    )


def test_a_word_that_begins_with_a_dash_is_a_flag_unless_two_dashes_come_first():
    assert refusal("users create-user alice -pw").startswith(
        "error: unexpected argument '-p' found\n\n  tip: to pass '-pw' as a value, use '-- -pw'"
    )
    assert refusal("users create-user alice --pw").startswith("error: unexpected argument '--pw'")
    values = parse(ROOT, split("!admin users create-user alice -- -pw"))[1]
    assert values["password"] == "-pw"
    assert parse(ROOT, split("!admin users create-user alice -"))[1]["password"] == "-"


@pytest.mark.parametrize("line", ["-l bob", "bob -l", "--logout bob", "bob --logout"])
def test_flags_may_stand_anywhere(line):
    values = parse(ROOT, split("!admin users reset " + line))[1]
    assert values == {"username": "bob", "logout": True, "all": False}


def test_flags_of_one_letter_may_stand_together():
    assert parse(ROOT, split("!admin users reset -la bob"))[1]["all"]
    assert "unexpected argument '-x'" in refusal("users reset -lx bob")
    assert "cannot be used multiple times" in refusal("users reset --logout --logout bob")


def test_what_is_missing_is_named():
    assert "were not provided:\n  <USERNAME>\n" in refusal("users create-user")
    assert "error: unrecognized subcommand 'suspend'" in refusal("users suspend bob")
    assert refusal("users").startswith("Usage: !admin users <COMMAND>")
    assert "Usage: !admin users reset [OPTIONS] <USERNAME>" in refusal("users reset --help")


def test_exactly_one_of_a_group_is_wanted():
    assert "were not provided" in refusal("token issue")
    assert "cannot be used with" in refusal("token issue --once --max-uses 2")
    assert parse(ROOT, split("!admin token issue --max-uses=2"))[1]["max_uses"] == 2
    assert "invalid digit found in string" in refusal("token issue --max-uses x")
    assert "a value is required" in refusal("token issue --max-uses")
