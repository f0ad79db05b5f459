# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are cut off, or killed, at their Nth request; for N = 1, 2, ..."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

from tests.servers.proxy import Cut, Proxy
from tests.support.module import Reply, Running, run_module, start_module

# What becomes of the request that the cut is at, and of the run.
NOT_DELIVERED, ANSWER_LOST, KILLED = "not-delivered", "answer-lost", "killed"
WAYS = (NOT_DELIVERED, ANSWER_LOST, KILLED)
MOST = 60


class Cutter:
    """A proxy's rule: at that request the line goes dead."""

    def __init__(self, number: int, how: str) -> None:
        self.number = number
        self.how = how
        self.count = 0
        self.running: Running | None = None

    def __call__(self, method: str, path: str) -> Cut | None:
        self.count += 1
        if self.count < self.number:
            return None
        if self.count > self.number:
            return Cut(delivered=False)
        if self.how == KILLED:
            assert self.running is not None
            os.kill(self.running.process.pid, signal.SIGKILL)
            # Delivered or not, by turns.
            return Cut(delivered=self.number % 2 == 0)
        return Cut(delivered=self.how == ANSWER_LOST)

    @property
    def met(self) -> bool:
        return self.count >= self.number


def run_cut(proxy: Proxy, task: dict[str, Any], number: int, how: str) -> bool:
    """Runs the task, whose URL is the proxy's; whether it met the cut."""
    cutter = Cutter(number, how)
    whole, proxy.rule = proxy.rule, cutter
    try:
        running = cutter.running = start_module(task)
        if how == KILLED:
            running.process.wait(60)
        if how == KILLED and cutter.met:
            running.kill()
        else:
            reply = running.wait()
            # What it could not do may be of no weight, as ending a session of
            # its own; then it says so.
            assert not cutter.met or reply.failed or reply.json["warnings"], reply.json
        proxy.settle()
    finally:
        proxy.rule = whole
    return cutter.met


def numbers() -> Iterator[int]:
    """1, 2, ... until the test breaks off."""
    yield from range(1, MOST + 1)
    raise AssertionError(f"not through after {MOST} requests")


def converges(task: dict[str, Any]) -> Reply:
    """Once more and it is done; once more, and there is nothing to do."""
    rerun = run_module(task)
    assert not rerun.failed, rerun.json
    third = run_module(task, diff=True)
    assert not third.failed and not third.changed, third.json
    assert third.json["actions"] == [] and third.json["diff"] == []
    return rerun
