# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the real just, with a recipe of the justfile."""

from __future__ import annotations

import fcntl
import os
import subprocess
import termios
from pathlib import Path

from tests.playbooks.ansible_run import TIMEOUT, Ansible, Run
from tests.support.paths import ROOT


class Just:
    """`just` with an inventory; what is typed comes from a pipe or a terminal."""

    def __init__(self, ansible: Ansible, inventory: Path) -> None:
        self.environment = ansible.environment({"REGISTRAR_INVENTORY": str(inventory)})
        self.just = str(ansible.command("just"))

    def __call__(self, *arguments: str, typed: str = "", env: dict[str, str] | None = None) -> Run:
        process = subprocess.run(
            [self.just, *arguments],
            cwd=ROOT,
            env=self.environment | (env or {}),
            input=typed.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT,
        )
        return Run(process.returncode, process.stdout.decode("utf8", "replace"))

    def on_terminal(self, *arguments: str, answers: list[tuple[str, str]]) -> Run:
        """Waits for each prompt, and types the line that belongs to it."""
        controller, terminal = os.openpty()

        def take_terminal() -> None:
            os.setsid()
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

        process = subprocess.Popen(
            [self.just, *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            preexec_fn=take_terminal,
        )
        os.close(terminal)
        output = b""
        try:
            while True:
                if answers and answers[0][0].encode() in output:
                    os.write(controller, answers.pop(0)[1].encode() + b"\n")
                try:
                    data = os.read(controller, 65536)
                except OSError:  # EIO: nobody has the terminal any more
                    break
                if not data:
                    break
                output += data
            rc = process.wait(TIMEOUT)
        finally:
            process.kill()
            process.wait()
            os.close(controller)
        return Run(rc, output.decode("utf8", "replace").replace("\r\n", "\n"))
