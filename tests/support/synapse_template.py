# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases of Synapse that have no accounts yet, kept to be copied."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from pathlib import Path
from urllib.parse import quote


def lay_database(python: Path, config: Path) -> None:
    """Lays the schema and runs the background updates a fresh server would take
    minutes for; without them, it answers 500 to reactivations on SQLite."""
    program = python.with_name("update_synapse_database")
    done = subprocess.run(
        [python, "-I", program, "--database-config", config, "--run-background-updates"],
        cwd=config.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"laying a database: {done.stderr[-4000:]}"


def usable(template: Path, python: Path) -> bool:
    """Whether the template is there, and made since the server was installed."""
    return template.exists() and template.stat().st_mtime > python.parent.stat().st_mtime


def save_template(database: Path, template: Path) -> None:
    """Keeps a copy of a database that has no accounts yet."""
    template.parent.mkdir(parents=True, exist_ok=True)
    partial = template.with_suffix(f".{os.getpid()}")
    source = sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True)
    target = sqlite3.connect(partial)
    try:
        source.backup(target)
    finally:
        source.close()
        target.close()
    # Two test workers may both have got here: the last one wins, both are whole.
    os.replace(partial, template)
