# SPDX-License-Identifier: GPL-3.0-or-later
"""What every file of the project keeps to."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.structure.project import (
    SOURCES,
    is_text,
    names_from_git,
    names_from_the_folder,
    project_files,
)
from tests.support.paths import ROOT

# In the first lines: a shebang, a YAML document's start or a comment's may
# come before it.
SPDX = re.compile(r"SPDX-License-Identifier: GPL-3\.0-or-later(?= |\n|\Z)")
FIRST_LINES = 3
LONGEST_FILE = 500
CODE = {".c", ".cc", ".h", ".py", ".sh", ".yml", ".cfg", ".ini", ""}
# A module's documentation is one file to Ansible, and has an entry an option.
DOCUMENTATION = re.compile(r"library/\w+\.yml")

# Written in pieces: this file is looked at, too.
HOSTS = [
    "pypi" + ".org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "crates" + ".io",
    "proxy.golang" + ".org",
    "rubygems" + ".org",
    "docker" + ".io",
    "ghcr" + ".io",
    "quay" + ".io",
    "deb.debian" + ".org",
    "archive.ubuntu" + ".com",
    "conda" + ".anaconda.org",
]
# A path of somebody's machine: below a home folder or a folder made for work.
# Root's .ansible is Ansible's own folder, and a user of one letter is nobody.
OWN_PATH = re.compile(
    r"(?<![\w.$}/-])/(?:root(?!/\.ansible/)|work|home/(?!\w/)\w+|Users/\w+|workspace)(?=/)"
)
OUTSIDE = ".." + "/shared"

# Prefixes besides that of the file's own name, with the reason.
ALSO_EXPORTED = {
    # call.h: the answer to a call is the other half of its subject.
    "matrix/call.c": ["answer_"],
    # session_file.h: whether an entry is fit for a connection is seen in the entry.
    "matrix/session_entry.c": ["session_file_"],
    # run.h: one struct, three files; it is the folder's own header.
    "ensure/absent.c": ["run_"],
    "ensure/existing.c": ["run_"],
    # wish.h has both what is wished and what came of it.
    "ensure/wish.c": ["outcome_"],
    # config_parse.h: the same for TOML, in C++.
    "base/config_toml.cc": ["config_parse_"],
    # options.h: its table is read by one file and described by the other.
    "ansible/describe.c": ["options_"],
    # One table each, named in the singular of its file.
    "modules/account_options.c": ["account_option_", "account_element_option_"],
    "modules/connection_options.c": ["connection_option_"],
    "modules/database_options.c": ["database_option_"],
}


def needs_spdx(file: Path) -> bool:
    parts = file.relative_to(ROOT).parts
    # Their formats have no comments.
    if file.suffix == ".json" or file.name in ("LICENSE", "go.sum"):
        return False
    return "fixtures" not in parts and is_text(file)


def starts_with_spdx(text: str) -> bool:
    return bool(SPDX.search("\n".join(text.splitlines()[:FIRST_LINES])))


def texts() -> list[tuple[str, str]]:
    files = [file for file in project_files() if is_text(file) and file.name != "LICENSE"]
    assert len(files) > 50, "these are not the files of the project"
    return [(file.relative_to(ROOT).as_posix(), file.read_text("utf8")) for file in files]


def test_every_file_says_its_licence() -> None:
    without = [
        file.relative_to(ROOT).as_posix()
        for file in project_files()
        if needs_spdx(file) and not starts_with_spdx(file.read_text("utf8"))
    ]
    assert not without


def test_the_licence_itself_is_there() -> None:
    text = (ROOT / "LICENSE").read_text("utf8")
    assert "GNU GENERAL PUBLIC LICENSE" in text
    assert "Version 3, 29 June 2007" in text


def test_no_file_of_code_is_long() -> None:
    long = {}
    for file in project_files():
        name = file.relative_to(ROOT).as_posix()
        if DOCUMENTATION.fullmatch(name) or file.name == "LICENSE":
            continue
        if file.suffix in CODE and is_text(file):
            lines = file.read_text("utf8").count("\n")
            if lines > LONGEST_FILE:
                long[name] = lines
    assert not long


def test_nothing_names_the_host_of_a_registry() -> None:
    named = [f"{path}: {host}" for path, text in texts() for host in HOSTS if host in text.lower()]
    assert not named


def test_nothing_names_a_path_of_somebody_s_machine() -> None:
    named = [
        f"{path}: {match[0]}" for path, text in texts() for match in OWN_PATH.finditer(text)
    ]
    # Where this checkout is, should that be none of these.
    if len(ROOT.parts) > 2:
        named += [f"{path}: {ROOT}" for path, text in texts() if f"{ROOT}/" in text]
    assert not named


def test_nothing_needs_a_folder_beside_the_project() -> None:
    assert not [path for path, text in texts() if OUTSIDE in text]


def exported_symbols() -> dict[str, list[str]]:
    """For each source file, as the compiler left them in the objects."""
    folder = ROOT / "build" / "obj" / "module_src"
    found = {}
    for source in sorted([*SOURCES.rglob("*.c"), *SOURCES.rglob("*.cc")]):
        name = source.relative_to(SOURCES)
        built = (folder / name).with_suffix(".o")
        assert built.exists(), f"{built} is missing: run `make`"
        listed = subprocess.run(
            ["nm", "--defined-only", "--extern-only", "--format=posix", built],
            check=True,
            capture_output=True,
            text=True,
        )
        symbols = [line.split()[0] for line in listed.stdout.splitlines()]
        # What only C++ can call are templates of others, once in the program.
        found[name.as_posix()] = [s for s in symbols if not s.startswith(("_Z", "DW.ref."))]
    return found


def prefixes_of(name: str) -> tuple[str, ...]:
    return (Path(name).stem + "_", *ALSO_EXPORTED.get(name, []))


def test_what_a_file_exports_begins_with_the_file_s_name() -> None:
    exported = exported_symbols()
    assert exported.pop("main.c") == ["main"]
    foreign = [
        f"{name}: {symbol}"
        for name, symbols in exported.items()
        for symbol in symbols
        if not symbol.startswith(prefixes_of(name))
    ]
    assert not foreign


def test_every_exception_to_that_is_in_use() -> None:
    exported = exported_symbols()
    for name, prefixes in ALSO_EXPORTED.items():
        for prefix in prefixes:
            used = [symbol for symbol in exported.get(name, []) if symbol.startswith(prefix)]
            assert used, f"{name} exports no {prefix} any more"


def test_every_file_that_exports_has_a_header_that_says_what() -> None:
    """What is exported is declared in some header of the same folder."""
    unknown = []
    for name, symbols in exported_symbols().items():
        headers = [header.read_text("utf8") for header in (SOURCES / name).parent.glob("*.h")]
        for symbol in symbols:
            if symbol != "main" and not any(re.search(rf"\b{symbol}\b", h) for h in headers):
                unknown.append(f"{name}: {symbol}")
    assert not unknown


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("/* SPDX-License-Identifier: GPL-3.0-or-later */\n", True),
        ("#!/bin/sh\n# SPDX-License-Identifier: GPL-3.0-or-later\n", True),
        ("<!-- SPDX-License-Identifier: GPL-3.0-or-later -->\n", True),
        ("# SPDX-License-Identifier: GPL-3.0-or-later", True),
        ("# SPDX-License-Identifier: GPL-3.0-only\n", False),
        ("# SPDX-License-Identifier: GPL-3.0-or-later-but\n", False),
        ("\n\n\n# SPDX-License-Identifier: GPL-3.0-or-later\n", False),
        ("", False),
    ],
)
def test_the_licence_check_tells_right_from_wrong(text: str, says: bool) -> None:
    assert starts_with_spdx(text) == says


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see /ro" + "ot/x", True),
        ('"/wo' + 'rk/main/build"', True),
        ("/ho" + "me/somebody/src", True),
        ("/ho" + "me/xaver/src", True),
        ("/ho" + "me/x/src", False),
        ("/ro" + "ot/.ansible/tmp/x", False),
        ("https://example.org/ro" + "ot/x", False),
        ("build/wo" + "rk/x", False),
        ("/matrix/synapse/config", False),
        ("$HOME/ro" + "ot/x", False),
    ],
)
def test_the_path_check_tells_right_from_wrong(text: str, found: bool) -> None:
    assert bool(OWN_PATH.search(text)) == found


def test_without_git_the_same_files_are_found() -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("there is no git here to compare with")
    assert sorted(names_from_the_folder()) == sorted(names_from_git())
