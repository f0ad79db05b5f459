# SPDX-License-Identifier: GPL-3.0-or-later
"""The bot of a stand-in of the Conduit family: the queue of commands, which are obeyed
one at a time, and what a test may do to it. What a command does, and how an answer looks
as an event, is the server's: Family.command_in, obey, answer."""

from __future__ import annotations

import queue
import threading
import traceback
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .family_rooms import Event, Room


@dataclass
class Answer:
    """What the bot says. kind: "output"; "failure", which is put into a fence; "usage",
    of the parser of the command line. log: rows that go before it (level, span, message)."""

    text: str
    kind: str = "output"
    log: list[tuple[str, str, str]] = field(default_factory=list)


class Failed(Exception):
    """A command ends with a failure of that text."""

    def __init__(self, text: str, log: list[tuple[str, str, str]] | None = None) -> None:
        super().__init__(text)
        self.log = log or []


class Command(NamedTuple):
    """One that the bot has heard. event: the message; its text may be redacted since."""

    room: Room
    event: Event
    text: str


class Interjection(NamedTuple):
    name: str
    text: str
    after: bool


class Bot:
    def __init__(self, server: Any) -> None:
        self.server = server
        # Seconds from a command to obeying it, and from there to the answer.
        self.delay: float = 0
        self.reply_delay: float = 0
        # It obeys no command; or does, and does not say so.
        self.deaf = False
        self.mute = False
        # Of itself: its task has ended (Conduit), until a restart.
        self.dead = False
        # Said in place of the next answers, in this order.
        self.say_instead: list[str] = []
        # What it obeyed, as it was said, the oldest first.
        self.obeyed: list[str] = []
        self._heard = self._done = 0
        self._interjections: list[Interjection] = []
        self._queue: queue.SimpleQueue[Command | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        server.rooms.listening.append(self._hear)
        server.rooms.before_sending.append(self._interject)

    # Coming and going

    def start(self) -> None:
        """Commands that were not yet obeyed are lost."""
        self.dead = False
        self._done = self._heard
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, args=[self._queue], daemon=True)
        self._thread.start()

    def stop(self) -> None:
        thread, self._thread = self._thread, None
        commands, self._queue = self._queue, queue.SimpleQueue()
        self._ended.set()
        if thread is not None:
            commands.put(None)
            thread.join(10)

    # What a test makes of it

    def interject(self, name: str, text: str, after: bool = False) -> None:
        """The next time anybody gives a command, that account says this right before it,
        or right after it: the bot gets both, in that order."""
        self._interjections.append(Interjection(name, text, after))

    def post(self, content: dict[str, Any], room: Room | None = None) -> Event:
        """Something that it says by itself."""
        server = self.server
        where = room or server.admin_room
        return server.rooms.add(where, "m.room.message", server.bot_id, content)

    def settle(self, seconds: float = 20) -> None:
        """Returns once every command that was given is done with."""
        changed = self.server.changed
        with changed:
            done = changed.wait_for(lambda: self._done >= self._heard, seconds)
        assert done, "the bot is not done"

    # Hearing and obeying

    def _interject(self, room: Room, sender: str, kind: str, content: dict[str, Any]) -> None:
        if kind != "m.room.message" or not self._interjections:
            return
        if self.server.command_in(room, sender, content) is not None:
            self._said([one for one in self._interjections if not one.after])

    def _said(self, interjections: list[Interjection]) -> None:
        for one in interjections:
            self._interjections.remove(one)
        for one in interjections:
            content = {"msgtype": "m.text", "body": one.text}
            sender = self.server.user_id(one.name)
            self.server.rooms.add(self.server.admin_room, "m.room.message", sender, content)

    def _hear(self, room: Room, event: Event) -> None:
        if event.type != "m.room.message":
            return
        text = self.server.command_in(room, event.sender, event.content)
        if text is None:
            return
        self._heard += 1
        self._queue.put(Command(room, event, text))
        if event.txn is not None:
            self._said([one for one in self._interjections if one.after])

    def _work(self, commands: queue.SimpleQueue[Command | None]) -> None:
        while True:
            command = commands.get()
            if command is None or commands is not self._queue:
                return
            try:
                self._obey(command)
            except Exception:
                # A mistake of the stand-in's: a test has to see it.
                self.server.complaints.append(traceback.format_exc())
            with self.server.changed:
                self._done += 1
                self.server.changed.notify_all()

    def _obey(self, command: Command) -> None:
        if self.deaf or self.dead:
            return
        if self._ended.wait(self.delay):
            return
        with self.server.changed:
            self.obeyed.append(command.text)
            answer = self.server.obey(command)
        if self.mute or self._ended.wait(self.reply_delay):
            return
        with self.server.changed:
            if self.say_instead:
                answer = Answer(self.say_instead.pop(0))
            self.server.answer(command, answer)
