# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command and writes the peak of its resident memory to a file.

A program of its own, started with `python -I -S`: on Linux a process's peak
counts what it was before exec, so a test runner of a hundred megabytes cannot
measure its own child.

    hostile_rss.py RESULT_FILE COMMAND [ARGUMENT ...]
"""

import os
import subprocess
import sys


def main() -> int:
    result, *command = sys.argv[1:]
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    with open(result, "w", encoding="ascii") as file:
        file.write(str(usage.ru_maxrss * 1024))
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
