# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks for secrets wherever the machine could show them, while a run is under way:
at each of its requests, when it waits for the answer."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.servers.proxy import Proxy
from tests.support.module import Running

# The keys of requests and answers of which the value opens something.
OPENERS = ("password", "new_password", "access_token", "mac", "nonce")


class Spy:
    """A proxy's rule. What passes and opens something is looked for from then on.
    `may_open` are files that the run may have open, and that may say a secret."""

    def __init__(self, proxy: Proxy, known: Iterable[str], may_open: Iterable[Path]) -> None:
        self.proxy = proxy
        self.secrets = set(known)
        self.may_open = [str(path) for path in may_open]
        self.running: Running | None = None
        self.looks = 0
        self.found: list[str] = []
        proxy.rule = self

    def __call__(self, method: str, path: str) -> None:
        self.learn()
        if self.running is not None:
            self.looks += 1
            self.look_at_processes()
            self.look_at_the_module(Path("/proc", str(self.running.process.pid)))

    def learn(self) -> None:
        for passed in self.proxy.passed:
            self.secrets.update([passed.token] if passed.token else [])
            self.secrets.update(openers(passed.body), openers(passed.answer))

    def look_at_processes(self) -> None:
        """The arguments and the environment of everything that runs, but of the
        process that these secrets are from, which is this one."""
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) != os.getpid():
                self.look_into(Path("/proc", entry, "cmdline"))
                self.look_into(Path("/proc", entry, "environ"))

    def look_at_the_module(self, process: Path) -> None:
        """What it has open, and whether its memory could end up in a file."""
        for link in (process / "fd").iterdir():
            try:
                target = os.readlink(link)
            except OSError:
                continue
            if target.startswith("/") and target not in ("/dev/null", *self.may_open):
                self.found.append(f"it has {target} open")
        limits = (process / "limits").read_text()
        if not re.search(r"^Max core file size +0 +0 ", limits, re.M):
            self.found.append("it may dump its memory")

    def look_into(self, file: Path) -> None:
        try:
            content = file.read_bytes()
        except OSError:
            return
        self.found += [f"{s} in {file}" for s in self.secrets if s.encode() in content]

    def look_below(self, folder: Path) -> None:
        """Every file there, but for those that may say a secret."""
        for file in folder.rglob("*"):
            if file.is_file() and str(file) not in self.may_open:
                self.look_into(file)


def openers(body: Any) -> Iterable[str]:
    if isinstance(body, dict):
        for key, value in body.items():
            if key in OPENERS and isinstance(value, str):
                yield value
            else:
                yield from openers(value)
    elif isinstance(body, list):
        for value in body:
            yield from openers(value)
