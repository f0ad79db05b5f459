# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things are in this repository."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
LIBRARY = ROOT / "library"
VENVS = BUILD / "venv"
DENDRITE_BIN = BUILD / "dendrite" / "bin"
TOOLS_BIN = VENVS / "tools" / "bin"
OLDEST_BIN = VENVS / "oldest" / "bin"
