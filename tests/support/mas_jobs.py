# SPDX-License-Identifier: GPL-3.0-or-later
"""What MAS does after it has answered: its queue, whose jobs tell the homeserver."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
import traceback
from collections.abc import Callable

from .mas_homeserver import HomeserverError

ATTEMPTS = 10


class Jobs:
    """One worker. A job that fails at the homeserver comes again after 5, 10, 20 ...
    seconds, ten times at most."""

    def __init__(self, complaints: list[str]) -> None:
        self.complaints = complaints
        # Seconds from the answer to the homeserver's hearing of it.
        self.delay: float = 0.05
        self.first_wait: float = 5
        self.failed = 0
        self._queue: list[tuple[float, int, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._running = 0
        self._held = False
        self._ended = False
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, job: Callable[[], None]) -> None:
        self._put(self.delay, 0, job)

    def _put(self, wait: float, attempt: int, job: Callable[[], None]) -> None:
        with self._news:
            due = time.monotonic() + wait
            heapq.heappush(self._queue, (due, next(self._numbers), attempt, job))
            self._news.notify_all()

    # What a test does

    def hold(self) -> None:
        """None is begun from here on."""
        with self._news:
            self._held = True

    def release(self) -> None:
        with self._news:
            self._held = False
            self._news.notify_all()

    @property
    def pending(self) -> int:
        with self._news:
            return len(self._queue) + self._running

    def settle(self, seconds: float = 20) -> None:
        """Until all are done."""
        with self._news:
            done = self._news.wait_for(lambda: not self._queue and not self._running, seconds)
        assert done, f"{self.pending} jobs of MAS are not done in {seconds} s"

    # The work

    def start(self) -> None:
        self._ended = False
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """What is queued stays, and is done after the next start."""
        with self._news:
            self._ended = True
            self._news.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _next(self) -> tuple[int, Callable[[], None]] | None:
        with self._news:
            while not self._ended:
                left = self._queue[0][0] - time.monotonic() if self._queue else None
                if left is not None and left <= 0 and not self._held:
                    _, _, attempt, job = heapq.heappop(self._queue)
                    self._running += 1
                    return attempt, job
                self._news.wait(None if left is None or self._held else left)
        return None

    def _work(self) -> None:
        while (found := self._next()) is not None:
            attempt, job = found
            try:
                job()
            except HomeserverError:
                self._again(attempt + 1, job)
            except Exception:
                # A mistake of the stand-in's: a test has to see it.
                self.complaints.append(traceback.format_exc())
            finally:
                with self._news:
                    self._running -= 1
                    self._news.notify_all()

    def _again(self, attempt: int, job: Callable[[], None]) -> None:
        if attempt < ATTEMPTS:
            self._put(self.first_wait * 2 ** (attempt - 1), attempt, job)
        else:
            self.failed += 1
