# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the project, as the structure tests look at them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.support.paths import ROOT

SOURCES = ROOT / "module_src"


# What .gitignore leaves out, for a machine without git. (In a second work tree
# .git is a file.)
MADE = {".git", ".ansible", "build", "__pycache__", ".pytest_cache"}


def names_from_git() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return [name for name in listed.stdout.decode().split("\0") if name]


def names_from_the_folder() -> list[str]:
    names = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in MADE]
        names += [
            str((Path(folder) / name).relative_to(ROOT)) for name in files if name not in MADE
        ]
    return [name for name in names if not name.startswith("library/") or name.endswith(".yml")]


def project_files() -> list[Path]:
    """All files that are in git or would be added to it, and still exist."""
    has_git = shutil.which("git") is not None and (ROOT / ".git").exists()
    names = names_from_git() if has_git else names_from_the_folder()
    files = [ROOT / name for name in sorted(set(names))]
    return [file for file in files if file.is_file() and not file.is_symlink()]


def is_text(file: Path) -> bool:
    return b"\0" not in file.read_bytes()[:8192]


def program_says(*arguments: str) -> Any:
    """What build/registrar prints, as JSON."""
    program = ROOT / "build" / "registrar"
    assert program.exists(), f"{program} is missing: run `make`"
    done = subprocess.run([program, *arguments], capture_output=True, timeout=20)
    assert done.returncode == 0, done
    assert done.stderr == b""
    return json.loads(done.stdout)
