# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs at a stand-in of the Conduit family that are cut off at each request that changes
something, and then run again."""

from __future__ import annotations

import base64
import hashlib
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tests.servers.cutting import MOST, converges
from tests.support.family import Family
from tests.support.mas_wire import Dropped, Reply, Request
from tests.support.module import Reply as Told
from tests.support.module import Running, start_module

# The device that every login of the module's has; a run that is killed leaves one, which the
# next login takes over.
DEVICE = "registrar"

Prepare = Callable[[], dict[str, Any]]


class Way(NamedTuple):
    """How a run ends at a request. delivered: the server has done it. signal: what the module
    then gets; without one the line is dead from then on."""

    name: str
    delivered: bool
    signal: int | None = None


LOST = Way("lost", False)
UNANSWERED = Way("unanswered", True)
KILLED = Way("killed", True, signal.SIGKILL)
TERMINATED = Way("terminated", True, signal.SIGTERM)
WAYS = (LOST, UNANSWERED, KILLED, TERMINATED)


class Cutter:
    """The hooks of a stand-in, for one run."""

    def __init__(self, way: Way, number: int, reads: bool) -> None:
        self.way, self.number, self.reads = way, number, reads
        self.seen: list[str] = []
        self.running: Running | None = None

    def _is_counted(self, request: Request) -> bool:
        return self.reads or request.method != "GET"

    def before(self, request: Request) -> Reply | None:
        if self._is_counted(request):
            self.seen.append(request.route)
        elif not self.met:
            return None
        if self.is_dead and not self.is_here(request):
            raise Dropped
        if self.is_here(request) and not self.way.delivered:
            raise Dropped
        return None

    def after(self, request: Request, reply: Reply) -> Reply | None:
        if not self.is_here(request) or not self.way.delivered:
            return None
        if self.way.signal is not None:
            assert self.running is not None
            os.kill(self.running.process.pid, self.way.signal)
        if self.way.signal == signal.SIGTERM:
            return None
        raise Dropped

    def is_here(self, request: Request) -> bool:
        return self._is_counted(request) and len(self.seen) == self.number

    @property
    def is_dead(self) -> bool:
        return self.met and self.way.signal != signal.SIGTERM

    @property
    def met(self) -> bool:
        return len(self.seen) >= self.number


def run_cut(server: Family, task: dict[str, Any], cutter: Cutter) -> Told | None:
    """What the module said; None: it was killed."""
    server.before, server.after = cutter.before, cutter.after
    try:
        cutter.running = start_module(task)
        if cutter.way.signal == signal.SIGKILL:
            cutter.running.process.wait(60)
        if cutter.way.signal == signal.SIGKILL and cutter.met:
            cutter.running.kill()
            return None
        return cutter.running.wait()
    finally:
        server.before = server.after = None
        server.bot.settle()


def cut_everywhere(
    server: Family, prepare: Prepare, ways: tuple[Way, ...] = WAYS, reads: bool = False
) -> Iterator[tuple[dict[str, Any], Way]]:
    """For each request of the task that changes something (reads: for each): ended there,
    run again, and once more. Gives the task, which is to be done then, and how it ended."""
    for way in ways:
        for number in range(1, MOST + 1):
            task = prepare()
            cutter = Cutter(way, number, reads)
            told = run_cut(server, task, cutter)
            if not cutter.met:
                assert number > 1, "there was nothing to cut"
                assert told is not None and not told.failed, told
                break
            says_so(told, way)
            converges(task)
            yield task, way
        else:
            raise AssertionError(f"not through after {MOST} requests")


def says_so(told: Told | None, way: Way) -> None:
    """A dead line is no success, but for what is of no weight; then it is said."""
    if told is not None and way.signal is None:
        assert told.failed or told.json["warnings"], told.json


def stand_in(password: str, user_id: str) -> str:
    """What goes into a command in place of a password that it cannot carry (the module's own
    rule: backends/room/standin.h)."""
    salt = b"registrar/v1 command\0" + user_id.encode()
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 100_000)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def nothing_is_left(server: Family, task: dict[str, Any], way: Way, devices: list[str]) -> None:
    """Nothing that can be read in a room opens the account, and it has the devices that it
    had; but for the one of a session that could not be ended any more, which the next login
    takes over."""
    name = task["username"]
    password = server.user(name).password
    assert password is None or not server.is_readable(password)
    if "password" in task:
        assert not server.is_readable(task["password"])
    left = [one for one in server.devices(name) if way == TERMINATED or one != DEVICE]
    assert left == devices


def commands_about(server: Family, name: str) -> Counter[str]:
    """What the bot obeyed, without its arguments' rest, and how often."""
    return Counter(line.partition(f"@{name}:")[0] for line in server.bot.obeyed if name in line)
