# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes how long every task took, as lines of JSON, to BENCH_TASK_TIMES."""

from __future__ import annotations

import json
import os
import time

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_times
type: aggregate
short_description: how long every task took
description: For make bench.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_times"

    def __init__(self) -> None:
        super().__init__()
        self.file = open(os.environ["BENCH_TASK_TIMES"], "a", encoding="utf8", buffering=1)
        self.began = 0.0

    def v2_playbook_on_task_start(self, task, is_conditional) -> None:
        self.began = time.monotonic()

    def v2_runner_on_ok(self, result) -> None:
        seconds = time.monotonic() - self.began
        self.file.write(json.dumps([result._task.get_name(), seconds]) + "\n")
