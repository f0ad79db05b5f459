# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at the arguments and the environment of every process, again and
again, as `ps` would."""

from __future__ import annotations

import os
import threading
from pathlib import Path


class ProcessWatch:
    """with ProcessWatch() as watch: ... ; then watch.arguments_with("...").

    It cannot see a process that lives for less than a round, of some
    milliseconds. So a test says, too, which processes must have been seen.
    """

    def __init__(self) -> None:
        self._arguments: set[bytes] = set()
        self._environments: set[bytes] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> ProcessWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        own = os.getpid()
        while not self._end.is_set():
            for entry in os.listdir("/proc"):
                if entry.isdigit() and int(entry) != own:
                    self._look(Path("/proc", entry))

    def _look(self, process: Path) -> None:
        for file, seen in (("cmdline", self._arguments), ("environ", self._environments)):
            try:
                seen.add((process / file).read_bytes())
            except OSError:
                pass  # it has ended, or is somebody else's

    def arguments_with(self, text: str) -> list[bytes]:
        """The argument lists (NUL after each argument) that have this in them."""
        return sorted(arguments for arguments in self._arguments if text.encode() in arguments)

    def environments_with(self, text: str) -> list[bytes]:
        """The environments (NUL after each variable) that have this in them."""
        return sorted(found for found in self._environments if text.encode() in found)
