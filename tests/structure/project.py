# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the project, as the structure tests look at them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.support.paths import ROOT

SOURCES = ROOT / "module_src"


def project_files() -> list[Path]:
    """All files that are in git or would be added to it, and still exist."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    names = {name for name in listed.stdout.decode().split("\0") if name}
    files = [ROOT / name for name in sorted(names)]
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
