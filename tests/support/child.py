# SPDX-License-Identifier: GPL-3.0-or-later
"""Becomes a program, which then ends when this one's standard input closes.

    python3 child.py USER SIGNAL PROGRAM ARGUMENT...

The test that started it holds the other end, so a test run that is killed leaves
no server behind. The pid is the program's; USER is whom it runs as, or "" for
whoever it is already. Linux: a pidfd is never another process's.
"""

import os
import pwd
import select
import signal
import sys


def watch(program: int, number: int) -> None:
    """Until the program has ended by itself, or has to."""
    poll = select.poll()
    poll.register(program, select.POLLIN)
    poll.register(0, select.POLLIN)
    while True:
        ready = [descriptor for descriptor, _ in poll.poll()]
        if program in ready:
            return
        if not os.read(0, 64):
            signal.pidfd_send_signal(program, number)
            return


def leave_watcher(number: int) -> None:
    """Twice a fork: the program has no child that it does not know of."""
    program = os.pidfd_open(os.getpid())
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            # Whoever reads what the program says is not to wait for this one.
            with open(os.devnull, "wb") as nothing:
                os.dup2(nothing.fileno(), 1)
                os.dup2(nothing.fileno(), 2)
            watch(program, number)
        os._exit(0)
    os.waitpid(child, 0)
    os.close(program)


def become(user: str) -> None:
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def main() -> None:
    user, number, *program = sys.argv[1:]
    if user:
        become(user)
    leave_watcher(int(number))
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.execv(program[0], program)


if __name__ == "__main__":
    main()
