# SPDX-License-Identifier: GPL-3.0-or-later
"""The module run as somebody whom permissions hold for, which they do not for
root, and where files may not grow."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from .module import Reply, checked, default_binary, environment

# Anybody but root; who is not root runs everything as themselves.
SOMEBODY = 65534 if os.geteuid() == 0 else os.geteuid()


def belongs_to_somebody(*paths: Path) -> None:
    for path in paths:
        os.chown(path, SOMEBODY, -1, follow_symlinks=False)


def run_as_somebody(arguments: dict[str, Any], folder: Path) -> Reply:
    """One task; folder, which is theirs, gets what they need."""
    program, file = folder / "program", folder / "args"
    shutil.copyfile(default_binary("matrix_user"), program)
    program.chmod(0o700)
    file.write_text(json.dumps({"_ansible_module_name": "matrix_user"} | arguments))
    file.chmod(0o600)
    belongs_to_somebody(program, file)
    who = {"user": SOMEBODY, "group": SOMEBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run(
        [program, file],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment({"HOME": str(folder)}),
        cwd="/",
        timeout=60,
        **who,
    )
    file.unlink()
    value = checked(done.stdout, done.stderr, done.returncode, ())
    return Reply(value, done.stdout, done.returncode, done.stderr, 0)


def without_room(folder: Path, blocks: int) -> Path:
    """The module where no file may have more than so many blocks of 512 bytes;
    as on a full disk, a write beyond that is an error."""
    program = folder / "without-room"
    binary = default_binary("matrix_user")
    limit = f"trap '' XFSZ\nulimit -f {blocks}\n"
    program.write_text(f"#!/bin/sh\n{limit}exec '{binary}' \"$@\"\n")
    program.chmod(0o700)
    return program
