# SPDX-License-Identifier: GPL-3.0-or-later
"""make demo: a real homeserver on this machine gets its first users.

Everything happens in build/demo and on the loopback. Each step says what it
does, runs the command that one would type, and is held to what it promised;
a step that does otherwise ends the demo with an error. SERVER says which
homeserver it is.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
sys.dont_write_bytecode = True

from demo import on_dendrite, on_synapse  # noqa: E402
from demo.shared import FOLDER, ansible_environment  # noqa: E402
from demo.terminal import Stage  # noqa: E402

PLAYS = {"synapse": ("Synapse", on_synapse.play), "dendrite": ("Dendrite", on_dendrite.play)}


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    name = os.environ.get("SERVER", "synapse")
    if name not in PLAYS:
        sys.exit(f"SERVER is {name!r}, and the demo knows: {', '.join(PLAYS)}.")
    title, play = PLAYS[name]
    began = time.monotonic()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    stage = Stage(ROOT, ansible_environment())
    try:
        play(stage)
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
    seconds = time.monotonic() - began
    stage.say(f"Done in {seconds:.0f} seconds. {title} has ended, and its folder is gone.")


if __name__ == "__main__":
    main()
