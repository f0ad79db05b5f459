# SPDX-License-Identifier: GPL-3.0-or-later
"""Includes point downwards only:

    main > modules > ensure > backends > accounts > matrix > {net, db} > base

ansible/ knows base/ alone, and only modules/ and main.c know ansible/.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.structure.project import SOURCES

# The higher knows the lower. net and db are neighbours that do not.
HEIGHTS = {
    "main": 7,
    "modules": 6,
    "ensure": 5,
    "backends": 4,
    "accounts": 3,
    "matrix": 2,
    "net": 1,
    "db": 1,
    "base": 0,
}
KNOW_ANSIBLE = {"main", "modules", "ansible"}
KNOWN_TO_ANSIBLE = {"base", "ansible"}

# Every quoted include, also one behind an #if, with any white space.
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.MULTILINE)


def layer_of(path: str) -> str:
    """The first folder; main.c is a layer of its own."""
    folder, slash, _ = path.partition("/")
    return folder if slash else "main"


def is_allowed(including: str, included: str) -> bool:
    """Whether a file of module_src may include another, both relative to it."""
    above, below = layer_of(including), layer_of(included)
    if above == below:
        return True
    if below == "ansible":
        return above in KNOW_ANSIBLE
    if above == "ansible":
        return below in KNOWN_TO_ANSIBLE
    if above not in HEIGHTS or below not in HEIGHTS:
        return False
    return HEIGHTS[above] > HEIGHTS[below]


def includes_of(text: str) -> list[str]:
    return INCLUDE.findall(text)


def source_files() -> Iterable[Path]:
    return sorted(file for file in SOURCES.rglob("*") if file.suffix in (".c", ".cc", ".h"))


def test_no_include_points_up() -> None:
    files = list(source_files())
    assert len(files) > 20, "these are not the sources"
    wrong = []
    for file in files:
        including = file.relative_to(SOURCES).as_posix()
        for included in includes_of(file.read_text("utf8")):
            if not is_allowed(including, included):
                wrong.append(f"{including} includes {included}")
    assert not wrong


def test_every_quoted_include_is_a_file_named_from_the_sources_root() -> None:
    missing = []
    for file in source_files():
        for included in includes_of(file.read_text("utf8")):
            if not (SOURCES / included).is_file() or ".." in Path(included).parts:
                missing.append(f"{file.relative_to(SOURCES)}: {included}")
    assert not missing


def test_every_folder_of_the_sources_is_a_layer() -> None:
    folders = {folder.name for folder in SOURCES.iterdir() if folder.is_dir()}
    assert folders <= HEIGHTS.keys() | {"ansible"}
    assert [file.name for file in SOURCES.iterdir() if file.is_file()] == ["main.c"]


UP = [
    ("base/text.c", "net/http.h"),
    ("base/text.c", "ansible/reply.h"),
    ("net/http.c", "matrix/call.h"),
    ("net/http.c", "db/postgres.h"),
    ("db/postgres.c", "net/http.h"),
    ("matrix/call.c", "accounts/account.h"),
    ("matrix/call.c", "ansible/options.h"),
    ("accounts/account.c", "backends/backend.h"),
    ("backends/backend.c", "ensure/ensure.h"),
    ("backends/synapse/users.c", "ansible/reply.h"),
    ("ensure/ensure.c", "modules/matrix_user.h"),
    ("ensure/ensure.c", "ansible/reply.h"),
    ("ansible/options.c", "net/http.h"),
    ("ansible/options.c", "accounts/account.h"),
    ("ansible/options.c", "modules/matrix_user.h"),
    ("modules/matrix_user.c", "main.h"),
    ("modules/matrix_user.c", "nowhere/known.h"),
    ("nowhere/known.c", "base/text.h"),
]
DOWN = [
    ("main.c", "modules/module.h"),
    ("main.c", "ansible/reply.h"),
    ("main.c", "base/error.h"),
    ("modules/matrix_user.c", "ensure/ensure.h"),
    ("modules/matrix_user.c", "ansible/options.h"),
    ("modules/matrix_user.c", "base/error.h"),
    ("ensure/ensure.c", "backends/backend.h"),
    ("backends/backend.c", "backends/synapse/synapse.h"),
    ("backends/synapse/users.c", "backends/backend.h"),
    ("backends/synapse/users.c", "accounts/account.h"),
    ("backends/synapse/users.c", "net/retry.h"),
    ("accounts/account.c", "matrix/user_id.h"),
    ("matrix/call.c", "net/http.h"),
    ("net/http.c", "net/url.h"),
    ("ansible/options.c", "ansible/reply.h"),
    ("ansible/options.c", "base/text.h"),
]


@pytest.mark.parametrize(("including", "included"), UP)
def test_the_checker_sees_an_arrow_that_points_up(including: str, included: str) -> None:
    assert not is_allowed(including, included)


@pytest.mark.parametrize(("including", "included"), DOWN)
def test_the_checker_lets_an_arrow_pass_that_points_down(including: str, included: str) -> None:
    assert is_allowed(including, included)


def test_the_checker_reads_every_form_of_an_include() -> None:
    text = '#include "a/b.h"\n  #  include\t"c.h"\n#include <d.h>\n/* x */\n#if 0\n#include "e.h"\n'
    assert includes_of(text) == ["a/b.h", "c.h", "e.h"]
