# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of a folder are opened while something runs: inotify(7)."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# sys/inotify.h
IN_OPEN = 0x20
IN_NONBLOCK = os.O_NONBLOCK
EVENT = struct.Struct("iIII")


@contextmanager
def opened_in(folder: Path) -> Iterator[list[str]]:
    """The names of the files there that were opened, filled at the block's end."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(IN_NONBLOCK | os.O_CLOEXEC)
    assert descriptor >= 0, os.strerror(ctypes.get_errno())
    names: list[str] = []
    try:
        watch = libc.inotify_add_watch(descriptor, os.fsencode(folder), IN_OPEN)
        assert watch >= 0, os.strerror(ctypes.get_errno())
        yield names
        try:
            events = os.read(descriptor, 65536)
        except BlockingIOError:
            events = b""
        while events:
            _watch, _mask, _cookie, length = EVENT.unpack_from(events)
            name = events[EVENT.size : EVENT.size + length].rstrip(b"\0")
            names.append(os.fsdecode(name))
            events = events[EVENT.size + length :]
    finally:
        os.close(descriptor)
