# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are cut off, or killed, at each of their requests in turn."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tests.servers.proxy import Cut, Proxy
from tests.support.module import Reply, Running, run_module, start_module

MOST = 60

# Makes a task that nothing has been done about yet, with accounts of its own.
Prepare = Callable[[], dict[str, Any]]


class Point(NamedTuple):
    """Where a run ends: at its Nth request, counted from 1."""

    number: int
    delivered: bool
    killed: bool


class Cutter:
    """A proxy's rule: at the point the line goes dead. What it saw is kept."""

    def __init__(self, point: Point) -> None:
        self.point = point
        self.seen: list[str] = []
        self.running: Running | None = None

    def __call__(self, method: str, path: str) -> Cut | None:
        self.seen.append(method)
        if len(self.seen) < self.point.number:
            return None
        if len(self.seen) > self.point.number:
            return Cut(delivered=False)
        if self.point.killed:
            assert self.running is not None
            os.kill(self.running.process.pid, signal.SIGKILL)
        return Cut(delivered=self.point.delivered)

    @property
    def met(self) -> bool:
        return len(self.seen) >= self.point.number


def run_cut(proxy: Proxy, task: dict[str, Any], point: Point) -> Cutter:
    """Runs the task, whose URL is the proxy's, up to that point."""
    cutter = Cutter(point)
    whole, proxy.rule = proxy.rule, cutter
    try:
        running = cutter.running = start_module(task)
        if point.killed:
            running.process.wait(60)
        if point.killed and cutter.met:
            running.kill()
        else:
            reply = running.wait()
            # What it could not do may be of no weight, as ending a session of
            # its own; then it says so.
            assert not cutter.met or reply.failed or reply.json["warnings"], reply.json
        proxy.settle()
    finally:
        proxy.rule = whole
    return cutter


def cut_everywhere(
    proxy: Proxy, prepare: Prepare, killed: bool = False
) -> Iterator[dict[str, Any]]:
    """For each request of the task: cut there, run again, and once more. Gives the
    task, which is to be done then; the last one was never cut.

    A request that changes something is cut before the server has it, and after;
    for one that reads, that is the same. So is a kill, as far as the server is
    concerned: where there is a file, `killed` has each of them twice.
    """
    for number in range(1, MOST + 1):
        task = prepare()
        cutter = run_cut(proxy, task, Point(number, delivered=False, killed=False))
        converges(task)
        yield task
        if not cutter.met:
            assert number > 2, "there was nothing to cut"
            return
        reads = cutter.seen[number - 1] == "GET"
        for point in (
            Point(number, delivered=True, killed=False),
            Point(number, delivered=True, killed=True),
            Point(number, delivered=False, killed=True),
        ):
            if reads and point.delivered or point.killed and not killed:
                continue
            task = prepare()
            run_cut(proxy, task, point)
            converges(task)
            yield task
    raise AssertionError(f"not through after {MOST} requests")


def converges(task: dict[str, Any]) -> Reply:
    """Once more and it is done; once more, and there is nothing to do."""
    rerun = run_module(task)
    assert not rerun.failed, rerun.json
    third = run_module(task, diff=True)
    assert not third.failed and not third.changed, third.json
    assert third.json["actions"] == [] and third.json["diff"] == []
    return rerun
