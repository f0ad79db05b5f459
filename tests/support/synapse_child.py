# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs Synapse until its standard input closes.

The test that started it holds the other end, so a test run that is killed
leaves no server behind. Arguments are those of synapse.app.homeserver.
"""

import os
import sys
import threading

from synapse.app.homeserver import main


def end_with_parent(pipe: int) -> None:
    while os.read(pipe, 1):
        pass
    os._exit(70)


# A descriptor of its own: Synapse may put /dev/null in the place of stdin.
threading.Thread(target=end_with_parent, args=(os.dup(sys.stdin.fileno()),), daemon=True).start()
main()
