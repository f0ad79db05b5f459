# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands "token ..." of the stand-in for continuwuity (sections 2.5 and 11)."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any

from .family_accounts import random_text
from .family_bot import Command, Failed
from .family_clap import Flag, Positional, Word, whole_number
from .family_fork import Fork

EXPIRES = (
    Flag("max-uses", value="MAX_USES", convert=whole_number),
    Flag("max-age", value="MAX_AGE"),
    Flag("immortal"),
    Flag("once"),
)
TOKEN_COMMANDS = (
    Word("issue", flags=EXPIRES, one_of=tuple(one.long for one in EXPIRES)),
    Word("revoke", (Positional("TOKEN"),)),
    Word("list"),
)
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass
class IssuedToken:
    creator: str
    uses: int = 0
    max_uses: int | None = None
    until: float | None = None

    @property
    def lives(self) -> bool:
        used_up = self.max_uses is not None and self.uses >= self.max_uses
        return not used_up and (self.until is None or time.time() < self.until)

    @property
    def expires(self) -> str:
        if self.max_uses is not None:
            return f"Expires after {self.max_uses} uses"
        if self.until is not None:
            return f"Expires in {int(self.until - time.time())}s"
        return "Never expires"


class TokenCommands(Fork):
    def __init__(self, *arguments: Any, **settings: Any) -> None:
        self.issued: dict[str, IssuedToken] = {}
        super().__init__(*arguments, **settings)

    def live_tokens(self) -> list[str]:
        return [token for token, one in self.issued.items() if one.lives]

    def use_token(self, token: str) -> None:
        if token in self.issued:
            self.issued[token].uses += 1

    def token_issue(self, command: Command | None, values: dict[str, Any], body: list[str]) -> str:
        token = random_text(16)
        one = IssuedToken(self.bot_id if command is None else command.event.sender)
        if values["once"]:
            one.max_uses = 1
        elif values["max_uses"] is not None:
            one.max_uses = values["max_uses"]
        elif values["max_age"] is not None:
            one.until = time.time() + _seconds(values["max_age"])
        self.issued[token] = one
        page = f"https://{self.server_name}/_continuwuity/account/register/"
        text = f"New registration token issued: `{token}` . {one.expires}."
        return f"{text}\nInvite link using this token: {page}?flow=trusted&token={token}"

    def token_revoke(self, command: Command | None, values: dict[str, Any], body: list[str]) -> str:
        token = values["token"]
        if token == self.settings.registration_token:
            raise Failed(
                "The token set in the config file cannot be revoked. "
                "Edit the config file to change it."
            )
        if token not in self.live_tokens():
            raise Failed("This token does not exist or has already expired.")
        del self.issued[token]
        return "Token revoked successfully."

    def token_list(self, command: Command | None, values: dict[str, Any], body: list[str]) -> str:
        lines = []
        if self.settings.registration_token is not None:
            said = "Static token set in the server configuration."
            lines.append(f"- `{self.settings.registration_token}` --- {said}")
        for token in self.live_tokens():
            one = self.issued[token]
            said = f"Token created by {one.creator} and used {one.uses} times. {one.expires}."
            lines.append(f"- `{token}` --- {said}")
        return f"Found {len(lines)} registration tokens:\n" + "".join(f"{line}\n" for line in lines)


def _seconds(text: str) -> int:
    found = re.fullmatch(r"(\d+)([smhdw])", text)
    if found is None:
        raise Failed(f"'{text}' is not a duration")
    return int(found[1]) * SECONDS[found[2]]
