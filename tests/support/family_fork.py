# SPDX-License-Identifier: GPL-3.0-or-later
"""The bot of the servers that came of conduwuit, which are continuwuity and tuwunel: how
a command is recognised, parsed and answered (sections 2.1 to 2.3).

A server of theirs has COMMANDS, a Group, and for each of its words a method: for "users
create-user" users_create_user(command, values, body), which returns the text, or an
Answer, or raises Failed. body: the lines that follow the command."""

from __future__ import annotations

import html
import re
from typing import Any, ClassVar

from .family import Family
from .family_bot import Answer, Command, Failed
from .family_clap import WHITE_SPACE, Group, Usage, parse, split
from .family_rooms import Room

# Groups that are refused outside the admin room (section 2.2).
RESTRICTED = ("users", "token", "appservices", "oidc", "query")
TABLE_HEAD = "| level | span | message |\n| ------: | :-----: | :------- |\n"


class Fork(Family):
    COMMANDS: ClassVar[Group]
    # Files that the bot has uploaded, by their mxc address.
    files: dict[str, str]

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        self.files = {}
        super().__init__(*arguments, **settings)

    # Recognising

    def command_in(self, room: Room, sender: str, content: dict[str, Any]) -> str | None:
        body = content.get("body")
        if not isinstance(body, str) or not self.may_command(sender):
            return None
        body = body.lstrip("".join(WHITE_SPACE))
        if room is self.admin_room:
            mine = sender == self.bot_id and self.settings.emergency_password is None
            return body if body.startswith(("!admin", self.bot_id)) and not mine else None
        escaped = body.startswith("\\") and body.lstrip("\\").startswith("!admin")
        return body if escaped else None

    def may_command(self, sender: str) -> bool:
        return self.is_admin(sender)

    # Obeying

    def obey(self, command: Command) -> Answer:
        lines = lines_of(command.text)
        return self.execute(command, lines[0], lines[1:])

    def execute(self, command: Command | None, line: str, body: list[str]) -> Answer:
        """command None: of the configuration, at the start."""
        try:
            path, values = parse(self.COMMANDS, _arguments(line))
        except Usage as usage:
            text = str(usage).replace("server.name", self.server_name)
            return Answer(text, "usage")
        if path[0] in RESTRICTED and command is not None and command.room is not self.admin_room:
            return Answer("This command can only be used in the admin room.", "failure")
        method = getattr(self, "_".join(path).replace("-", "_"))
        try:
            answer = method(command, values, body)
        except Failed as failed:
            return Answer(str(failed), "failure", failed.log)
        return answer if isinstance(answer, Answer) else Answer(answer)

    # Answering

    def answer(self, command: Command, answer: Answer) -> None:
        """In the admin room by the bot; elsewhere by who gave the command."""
        text = written(answer)
        content: dict[str, Any] = {"msgtype": "m.notice", "body": text}
        if answer.kind != "usage" and "`" in text:
            content |= {"format": "org.matrix.custom.html", "formatted_body": _as_html(text)}
        size = len(text.encode()) + len(content.get("formatted_body", "").encode())
        relation = {"m.in_reply_to": {"event_id": command.event.event_id}}
        if size > self.table.oversize:
            content = self.oversize_content(text, relation)
        else:
            content["m.relates_to"] = relation
        inside = command.room is self.admin_room
        sender = self.bot_id if inside else command.event.sender
        self.rooms.add(command.room, "m.room.message", sender, content)

    def oversize_content(self, text: str, relation: dict[str, Any]) -> dict[str, Any]:
        """What is said instead of an answer that is too large."""
        raise NotImplementedError

    def upload(self, text: str) -> str:
        """Its mxc address."""
        address = f"mxc://{self.server_name}/{len(self.files):032}"
        self.files[address] = text
        return address


def lines_of(text: str) -> list[str]:
    """Those that are not blank. A line ends with what ends one in Rust, and no other."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return [line for line in lines if split(line)]


def written(answer: Answer) -> str:
    """The body of it: the log, if there is any, and what comes of the command."""
    rows = "".join(f"| {level:>5} | {span:^12} | {text} |\n" for level, span, text in answer.log)
    log = f"{TABLE_HEAD}{rows}\n" if rows else ""
    if answer.kind == "failure":
        return f"{log}Command failed with error:\n```\n{answer.text}\n```"
    return log + answer.text


def _arguments(line: str) -> list[str]:
    words = split(line)
    if words[0].endswith("admin"):
        words[0] = words[0].lstrip("\\")
    elif not words[0].startswith("@"):
        words.insert(0, "admin")
    if len(words) > 1 and words[1] == "help":
        words = [words[0], *words[2:], "--help"]
    return [word.replace("_", "-") if n in (1, 2) else word for n, word in enumerate(words)]


def _as_html(text: str) -> str:
    """Not what to read a password from: each pair of backticks is one of code."""
    escaped = html.escape(text, quote=False)
    escaped = re.sub(r"```\n(.*?)\n```", r"<pre><code>\1\n</code></pre>", escaped, flags=re.S)
    return "<p>" + re.sub(r"`([^`\n]*)`", r"<code>\1</code>", escaped) + "</p>"
