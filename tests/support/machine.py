# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine of a test's own, as far as files go: its /etc, /matrix, /run and /var
are folders of the test. The module finds there what a packager would have put
there, and nothing of the machine that the tests run on."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from .module import default_binary

SCRIPT = Path(__file__).with_name("machine.sh")
# Of this machine's /etc: who its users are, and how programs find libraries.
KEPT = ("passwd", "group", "ld.so.cache", "ld.so.conf", "ld.so.conf.d")


class Machine:
    """Used as a context manager. `binary` is what run_module takes for its binary."""

    def __init__(self, module: str = "matrix_user") -> None:
        self.root = Path(tempfile.mkdtemp(prefix="registrar-machine-"))
        # An ordinary user may look at what such a user may look at.
        self.root.chmod(0o755)
        for folder in ("etc", "run", "var"):
            (self.root / folder).mkdir()
        for name in KEPT:
            source = Path("/etc") / name
            if source.is_dir():
                shutil.copytree(source, self.root / "etc" / name)
            elif source.exists():
                shutil.copy(source, self.root / "etc" / name)
        self.binary = self.program(default_binary(module))

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.root, ignore_errors=True)

    def program(self, binary: Path, user: int = 0) -> Path:
        """A program that runs that one on this machine, as that user."""
        path = self.root / f"on-{binary.name}-as-{user}"
        unshare = ["unshare", "--mount", "--propagation", "private"]
        command = [*unshare, "sh", SCRIPT, self.root, user, binary]
        words = " ".join(shlex.quote(str(word)) for word in command)
        path.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        path.chmod(0o755)
        return path

    def path(self, path: str) -> Path:
        """Where that path of the machine is here; its folder is made."""
        here = self.root / path.lstrip("/")
        here.parent.mkdir(parents=True, exist_ok=True)
        return here

    def write(self, path: str, text: str, mode: int = 0o640) -> Path:
        """Puts a file onto the machine."""
        here = self.path(path)
        here.write_text(text)
        here.chmod(mode)
        return here

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The program itself, as an administrator calls it: run("--discover")."""
        return subprocess.run(
            [self.binary, *arguments], capture_output=True, text=True, timeout=60
        )


def needs_machine() -> Any:
    """For pytestmark: a machine of one's own takes root."""
    able = os.geteuid() == 0 and shutil.which("unshare") is not None
    return pytest.mark.skipif(not able, reason="a mount namespace takes root and unshare")
