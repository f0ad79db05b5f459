# SPDX-License-Identifier: GPL-3.0-or-later
"""A session file as a test makes, reads and spoils it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class Kept:
    """A session file in a folder that is not there yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "sessions.json"

    def __str__(self) -> str:
        return str(self.path)

    @property
    def option(self) -> dict[str, str]:
        return {"session_file": str(self.path)}

    def read(self) -> dict[str, Any]:
        return json.loads(self.path.read_text())

    def entries(self) -> list[dict[str, Any]]:
        return self.read()["sessions"] if self.path.exists() else []

    @property
    def entry(self) -> dict[str, Any]:
        """The only one there is."""
        (entry,) = self.entries()
        return entry

    @property
    def token(self) -> str:
        return self.entry["access_token"]

    def change(self, **members: Any) -> None:
        """Puts that into the only entry."""
        content = self.read()
        content["sessions"] = [self.entry | members]
        self.path.write_text(json.dumps(content))
