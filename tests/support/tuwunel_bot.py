# SPDX-License-Identifier: GPL-3.0-or-later
"""The bot of the stand-in for tuwunel, where it is not as that of continuwuity: what it
hears as a command, and how its answer looks as an event (sections 2.2, 2.3)."""

from __future__ import annotations

import json
import time
from typing import Any

from .family_bot import Answer, Command
from .family_clap import WHITE_SPACE
from .family_fork import Fork, _as_html as as_html, written
from .family_rooms import Room
from .family_table import Refusal
from .mas_routes import parsed
from .tuwunel_commands import COMMANDS, Commands
from .tuwunel_table import BLANKS_TRIMMED

# Of an answer's content, as JSON: what an event may have, less what is around it.
LARGEST_CONTENT = 65_536 - 10_240 - 512
MARKUP = "`*|#>"


class TuwunelBot(Commands, Fork):
    COMMANDS = COMMANDS

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        self.log: list[tuple[str, str, str]] = []
        super().__init__(*arguments, **settings)

    # Hearing

    def command_in(self, room: Room, sender: str, content: dict[str, Any]) -> str | None:
        """In its room, or anywhere with backslashes before."""
        body = content.get("body")
        if not isinstance(body, str) or not self.may_command(sender):
            return None
        if parsed(self.version) >= BLANKS_TRIMMED:
            body = body.lstrip("".join(WHITE_SPACE))
        inside = room is self.admin_room
        escaped = body.startswith("\\") and body.lstrip("\\").startswith("!admin")
        called = inside and body.startswith(("!admin", self.bot_id))
        if not called and not (escaped and self.settings.admin_escape_commands):
            return None
        mine = sender == self.bot_id and self.settings.emergency_password is None
        return None if inside and mine else body

    # Obeying

    def execute(self, command: Command | None, line: str, body: list[str]) -> Answer:
        """In all rooms alike: there is no group of commands for its own alone."""
        self.log = []
        try:
            answer = super().execute(None, line, body)
        except Refusal as refusal:
            # With its code, as everywhere here.
            answer = Answer(f"{refusal.errcode}: {refusal.text}", "failure")
        if answer.kind != "usage":
            answer.log = self.log
        return answer

    def logged(self, level: str, text: str) -> None:
        self.log.append((level, "admin", text))

    # Answering

    def answer(self, command: Command, answer: Answer) -> None:
        text = written(answer)
        content: dict[str, Any] = {"msgtype": "m.notice", "body": text}
        # What the command line's parser says is never taken for markup.
        if answer.kind != "usage" and any(one in text for one in MARKUP):
            content |= {"format": "org.matrix.custom.html", "formatted_body": as_html(text)}
        if len(json.dumps(content, ensure_ascii=False).encode()) > LARGEST_CONTENT:
            content = self._attached(text)
        content["m.relates_to"] = self._relation(command)
        inside = command.room is self.admin_room
        sender = self.bot_id if inside else command.event.sender
        self.rooms.add(command.room, "m.room.message", sender, content)

    def _attached(self, text: str) -> dict[str, Any]:
        """A file, whose text only the media API has; but it says what it answers."""
        name = f"admin-output-{int(time.time())}.md"
        info = {"mimetype": "text/markdown", "size": len(text.encode())}
        return {
            "msgtype": "m.file",
            "body": name,
            "filename": name,
            "url": self.upload(text),
            "info": info,
        }

    def _relation(self, command: Command) -> dict[str, Any]:
        """In a thread nothing says which command it answers (section 11)."""
        relation = command.event.content.get("m.relates_to", {})
        root = relation.get("event_id") if relation.get("rel_type") == "m.thread" else None
        if root is None and self.settings.admin_output_threads:
            root = command.event.event_id
        if root is not None:
            return {"rel_type": "m.thread", "event_id": root}
        return {"m.in_reply_to": {"event_id": command.event.event_id}}
