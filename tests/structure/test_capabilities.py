# SPDX-License-Identifier: GPL-3.0-or-later
"""The capability table of the program and the table in the documentation say
the same, both ways."""

from __future__ import annotations

import re

import pytest

from tests.structure.project import program_says
from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "what-works-where.md"
ROW = re.compile(r"^\|(.+)\|[ \t]*$", re.MULTILINE)
RULE = re.compile(r":?-+:?\Z")


def table_in(text: str) -> tuple[list[str], dict[str, list[str]]]:
    """The servers of a markdown table, and for each option those that can."""
    rows = [[cell.strip() for cell in row.split("|")] for row in ROW.findall(text)]
    assert len(rows) >= 3, "there is no table"
    head, rule, *body = rows
    assert all(RULE.match(cell) for cell in rule), "the second row is no rule"
    servers = [name.strip("`").lower() for name in head[1:]]
    options: dict[str, list[str]] = {}
    for option, *cells in body:
        assert option.startswith("`") and option.endswith("`"), f"{option} is not in backticks"
        assert len(cells) == len(servers), f"the row of {option} has another length"
        assert set(cells) <= {"yes", "-"}, f"{option}: neither yes nor -: {cells}"
        name = option.strip("`")
        assert name not in options, f"{name} has two rows"
        options[name] = [
            server for server, cell in zip(servers, cells, strict=True) if cell == "yes"
        ]
    return servers, options


def test_what_works_where_is_as_the_program_says() -> None:
    said = program_says("--capabilities")
    servers, options = table_in(PAGE.read_text("utf8"))
    assert servers == said["servers"]
    assert options == said["options"]


def test_every_capability_is_an_option_of_the_module() -> None:
    options = program_says("--options", "matrix_user")["options"]
    assert program_says("--capabilities")["options"].keys() <= options.keys()


def test_every_server_is_a_choice_of_backend() -> None:
    backend = program_says("--options", "matrix_user")["options"]["backend"]
    assert backend["choices"] == ["auto", *program_says("--capabilities")["servers"]]


def test_the_page_has_one_table() -> None:
    lines = PAGE.read_text("utf8").splitlines()
    rules = [line for line in lines if re.fullmatch(r"\|([ :-]+\|)+", line)]
    assert len(rules) == 1


TABLE = "| option | Synapse | MAS |\n|---|---|---|\n| `admin` | yes | - |\n| `name` | yes | yes |\n"


def test_the_reader_reads_a_table() -> None:
    expected = {"admin": ["synapse"], "name": ["synapse", "mas"]}
    assert table_in(f"# Title\n\n{TABLE}\ntext\n") == (["synapse", "mas"], expected)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("`name`", "name"), ("| yes | yes |", "| yes |"), ("| - |", "| no |"), ("`name`", "`admin`")],
)
def test_the_reader_refuses_what_is_no_such_table(right: str, wrong: str) -> None:
    with pytest.raises(AssertionError):
        table_in(TABLE.replace(right, wrong))
