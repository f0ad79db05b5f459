# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demo prints, and how it runs a command and holds it to its word."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

RECAP = re.compile(r"^this-machine\s*:.*\bchanged=(\d+).*\bunreachable=(\d+).*\bfailed=(\d+)", re.M)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
BLOCK = re.compile(r"(PLAY|TASK) \[|PLAY RECAP")
# What only looked, or only led on to other tasks.
DULL = re.compile(r"(ok|included|skipping): ?[^{]*$|localhost\s*:")
ACCOUNT_TASK = "Make the account what it was asked to be"
WIDTH = 78


class Stage:
    """Steps, counted, with the commands that they run."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self.root = root
        self.environment = environment
        self.steps = 0

    def say(self, text: str) -> None:
        self.steps += 1
        print(f"\n{bold(textwrap.fill(f'{self.steps}. {text}', WIDTH))}", flush=True)

    def note(self, text: str) -> None:
        print(textwrap.indent(textwrap.fill(text, WIDTH - 3), "   "), flush=True)

    def show(self, text: str) -> None:
        print("\n" + textwrap.indent(text, "   "), flush=True)

    def just(
        self, inventory: Path, arguments: list[str], changed: int, adds: str | None = None
    ) -> None:
        """Runs a recipe, which must tell that many changes, and may show a diff."""
        command = ["just", *arguments]
        print(f"\n   $ {shlex.join(command)}", flush=True)
        with subprocess.Popen(
            command,
            cwd=self.root,
            env=self.environment | {"REGISTRAR_INVENTORY": str(inventory)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            assert process.stdout is not None
            output = show_while_it_runs(process.stdout)

        recap = RECAP.search(output)
        told = "no recap" if recap is None else recap.group(0)
        if process.returncode or recap is None or recap.groups() != (str(changed), "0", "0"):
            fail(
                f"expected changed={changed} and no failure, "
                f"got exit code {process.returncode} and {told}"
            )
        if adds is not None and not re.search(rf"^\s*\+(?!\+).*{re.escape(adds)}", output, re.M):
            fail(f"expected a diff that adds {adds}")
        if "--check" in arguments:
            self.note("As promised: it would be changed.")
        else:
            self.note("As promised: changed." if changed else "As promised: ok, nothing changed.")


def show_while_it_runs(lines: Iterable[str]) -> str:
    """Prints what Ansible says, task by task, and returns all of it as plain text."""
    everything = []
    block: list[str] = []
    for line in lines:
        everything.append(line)
        if BLOCK.match(COLOUR.sub("", line)):
            show_block(block)
            block = []
        if line.strip():
            block.append(line)
    show_block(block)
    return COLOUR.sub("", "".join(everything))


def show_block(block: list[str]) -> None:
    """One task with its outcome, if it is one that a person wants to see."""
    body = [COLOUR.sub("", line) for line in block[1:]]
    is_dull = all(DULL.match(line) for line in body)
    if block and not (is_dull and ACCOUNT_TASK not in block[0]):
        for line in block:
            print(f"   | {line}", end="", flush=True)


def fail(text: str) -> NoReturn:
    sys.exit(f"\nThe demo failed: {text}.")


def bold(text: str) -> str:
    return f"\x1b[1m{text}\x1b[0m" if sys.stdout.isatty() else text


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The rows under their heads, each column as wide as it must be."""
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(str(cell).ljust(width) for cell, width in zip(line, widths)).rstrip()
        for line in lines
    )
