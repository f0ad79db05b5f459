# SPDX-License-Identifier: GPL-3.0-or-later
"""The bot of the stand-in for Conduit, and its commands (sections 2.2, 2.3, 2.7, 11)."""

from __future__ import annotations

import html
import json
import re
from typing import Any

from .family import Family
from .family_accounts import Account, random_text
from .family_bot import Answer, Command
from .family_clap import Flag, Group, Positional, Usage, Word, parse, split
from .family_fork import lines_of
from .family_rooms import Room
from .family_table import LONGEST_ID, is_historical, is_strict

GENERATED = 15
# Of the event around a text.
ENVELOPE = 700


def _full_id(text: str) -> str:
    """As clap has it checked."""
    if not text.startswith("@"):
        raise ValueError("leading sigil is incorrect or missing")
    if ":" not in text:
        raise ValueError("colon is missing")
    return text


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("\n  [possible values: true, false]".lstrip())
    return text == "true"


MEDIA = (Flag("purge-media", "m"), Flag("force-filehash", "f"))
COMMANDS = Group(
    "",
    (
        Word("create-user", (Positional("USERNAME"), Positional("PASSWORD", False))),
        Word("reset-password", (Positional("USERNAME"),)),
        Word(
            "deactivate-user",
            (Positional("USER_ID", convert=_full_id),),
            (Flag("leave-rooms", "l"), *MEDIA),
        ),
        Word("deactivate-all", (), (Flag("leave-rooms", "l"), Flag("force", "F"), *MEDIA)),
        Word("list-local-users"),
        Word("allow-registration", (Positional("STATUS", False, _boolean),)),
    ),
)

Values = dict[str, Any]


class Commands(Family):
    registration_open: bool

    # Recognising

    def command_in(self, room: Room, sender: str, content: dict[str, Any]) -> str | None:
        """At the very beginning of the text, and in the admin room alone."""
        body = content.get("body")
        if room is not self.admin_room or not isinstance(body, str):
            return None
        if sender == self.bot_id and self.settings.emergency_password is None:
            return None
        bot = self.bot_id
        to_it = body in (bot, bot + ":") or body.startswith((bot + " ", bot + ": "))
        return body if to_it else None

    # Obeying

    def obey(self, command: Command) -> Answer:
        lines = lines_of(command.text)
        words = split(lines[0])
        if len(words) > 1 and words[1] == "help":
            words = [words[0], *words[2:], "--help"]
        words = [word.replace("_", "-") if n == 1 else word for n, word in enumerate(words)]
        try:
            path, values = parse(COMMANDS, words)
        except Usage as usage:
            return Answer(str(usage).replace("server.name", self.server_name), "usage")
        return Answer(getattr(self, "_bot_" + path[-1].replace("-", "_"))(values, lines[1:]))

    def answer(self, command: Command, answer: Answer) -> None:
        """Without a relation; and never again, once one was too large for an event."""
        content: dict[str, Any] = {"msgtype": "m.text", "body": answer.text}
        if answer.kind == "usage":
            first, _, rest = html.escape(answer.text, quote=False).partition("\n")
            formatted = f"<em>{first}</em><br>" + rest.replace("\n", "<br>\n")
            content |= {"format": "org.matrix.custom.html", "formatted_body": formatted}
        size = len(json.dumps(content, ensure_ascii=False).encode()) + ENVELOPE
        if size > self.table.oversize:
            self.bot.dead = True
            return
        self.bot.post(content)

    # Commands

    def is_exclusive(self, localpart: str) -> bool:
        return any(re.fullmatch(one, localpart) for one in self.settings.namespaces)

    def _parsed(self, name: str) -> tuple[str, str | None]:
        """An id of this server, or why it is none."""
        name = name.lower()
        localpart = self.local_part(name)
        if localpart is None:
            return "", "The specified user is not from this server!"
        user_id = self.user_id(localpart)
        if ":" in localpart or len(user_id.encode()) > LONGEST_ID:
            text = "server name is not a valid IP address or domain name"
            return "", f"The supplied username is not a valid username: {text}"
        return user_id, None

    def _bot_create_user(self, values: Values, body: list[str]) -> str:
        user_id, wrong = self._parsed(values["username"])
        if wrong is not None:
            return wrong
        localpart = user_id[1:].partition(":")[0]
        # What is not ASCII is neither of today nor historical, and is let through.
        strict = is_strict(localpart, self.server_name)
        if not strict and is_historical(localpart, self.server_name):
            return f"Userid {user_id} is not allowed due to historical"
        if user_id in self.accounts:
            return f"Userid {user_id} already exists"
        password = values["password"]
        password = random_text(GENERATED) if password is None else password
        self.make_account(user_id, password)
        return f"Created user with user_id: {user_id} and password: {password}"

    def _bot_reset_password(self, values: Values, body: list[str]) -> str:
        user_id, wrong = self._parsed(values["username"])
        if wrong is not None:
            return wrong
        account = self.accounts.get(user_id)
        if account is None or user_id == self.bot_id:
            return "The specified user does not exist!"
        password = random_text(GENERATED)
        self.set_password(account, password)
        return f"Successfully reset the password for user {user_id}: {password}"

    def _bot_deactivate_user(self, values: Values, body: list[str]) -> str:
        account = self.accounts.get(values["user_id"])
        if account is None:
            return f"User {values['user_id']} doesn't exist on this server"
        self._deactivate(account, values["leave_rooms"])
        return f"User {account.user_id} has been deactivated"

    def _deactivate(self, account: Account, leave: bool) -> None:
        account.password, account.deactivated = None, True
        self.accounts.log_out(account)
        if leave:
            self.leave_all_rooms(account.user_id)

    def _bot_deactivate_all(self, values: Values, body: list[str]) -> str:
        if len(body) <= 2 or body[0].strip() != "```" or body[-1].strip() != "```":
            return "Expected code block in command body. Add --help for details."
        wrong = [one for one in body[1:-1] if self.accounts.get(one.strip()) is None]
        if wrong:
            return f"{wrong[0]} is not a valid username"
        found = [account for one in body[1:-1] if (account := self.accounts.get(one.strip()))]
        admins = [one for one in found if self.is_admin(one.user_id) and not values["force"]]
        rest = [one for one in found if one not in admins]
        for account in rest:
            self._deactivate(account, values["leave_rooms"])
        text = f"Deactivated {len(rest)} accounts."
        if admins:
            names = ", ".join(one.localpart for one in admins)
            text += f'\nSkipped admin accounts: "{names}".'
            text += " Use --force to deactivate admin accounts"
        return text

    def _bot_list_local_users(self, values: Values, body: list[str]) -> str:
        names = [one.user_id for one in self.accounts if one.password is not None]
        return f"Found {len(names)} local user account(s):\n" + "\n".join(names)

    def _bot_allow_registration(self, values: Values, body: list[str]) -> str:
        if values["status"] is None:
            state = "enabled" if self.registration_open else "disabled"
            return f"Registration is currently {state}"
        self.registration_open = values["status"]
        return f"Registration is now {'enabled' if self.registration_open else 'disabled'}"
