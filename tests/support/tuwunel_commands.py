# SPDX-License-Identifier: GPL-3.0-or-later
"""The bot of the stand-in for tuwunel: what it hears as a command (section 2.2)."""

from __future__ import annotations

from typing import Any

from .family_rooms import Room
from .tuwunel_home import Home


class Commands(Home):
    def command_in(self, room: Room, sender: str, content: dict[str, Any]) -> str | None:
        return None
