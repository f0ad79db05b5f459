# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of `mas-cli manage`, as clap 4 takes them: what begins with a dash is an
option until a "--" has come, and is no value of one unless "=" joins them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# A local part of RFC 5321's characters and a domain of labels, or an address.
EMAIL = re.compile(
    r"[^\x00-\x20\x7f()<>\[\]:;@\\,\".]+(?:\.[^\x00-\x20\x7f()<>\[\]:;@\\,\".]+)*"
    r"@(?:[^\W_](?:[\w-]*[^\W_])?(?:\.[^\W_](?:[\w-]*[^\W_])?)*|\[[0-9a-fA-F:.]+\])"
)


class Usage(Exception):
    """What clap says, with an exit status of 2."""


@dataclass
class Option:
    long: str
    short: str = ""
    takes_value: bool = False
    repeats: bool = False


@dataclass
class Command:
    least: int = 1  # how many positional arguments there are
    most: int = 1
    options: list[Option] = field(default_factory=list)
    since: tuple[int, int] = (0, 10)


CONFIG = Option("config", "c", takes_value=True, repeats=True)
COMMANDS = {
    "register-user": Command(
        0,
        1,
        [
            Option("password", "p", takes_value=True),
            Option("email", "e", takes_value=True, repeats=True),
            Option("upstream-provider-mapping", "m", takes_value=True, repeats=True),
            Option("admin", "a"),
            Option("no-admin", "A"),
            Option("yes", "y"),
            Option("display-name", "d", takes_value=True),
            Option("ignore-password-complexity"),
        ],
    ),
    "set-password": Command(2, 2, [Option("ignore-complexity")]),
    "add-email": Command(2, 2),
    "verify-email": Command(2, 2),
    "promote-admin": Command(since=(1, 3)),
    "demote-admin": Command(since=(1, 3)),
    "list-admin-users": Command(0, 0, since=(1, 3)),
    "lock-user": Command(options=[Option("deactivate")]),
    "unlock-user": Command(options=[Option("reactivate")]),
    "kill-sessions": Command(options=[Option("dry-run")]),
    "provision-all-users": Command(0, 0),
}


@dataclass
class Arguments:
    command: str
    positional: list[str] = field(default_factory=list)
    options: dict[str, list[str]] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        return name in self.options

    def all(self, name: str) -> list[str]:
        return self.options.get(name, [])

    def one(self, name: str) -> str | None:
        return self.options[name][0] if name in self.options else None


class Parser:
    def __init__(self, words: list[str], known: list[Option], arguments: Arguments) -> None:
        self.words = words
        self.known = known
        self.arguments = arguments

    def option(self, word: str) -> None:
        """Takes one off the words; its value may be another word."""
        if word.startswith("--"):
            name, joined, value = word[2:].partition("=")
            option = next((one for one in self.known if one.long == name), None)
        else:
            name, value = word[1], word[2:]
            joined = value
            value = value.removeprefix("=")
            option = next((one for one in self.known if one.short == name), None)
        if option is None:
            raise Usage(f"unexpected argument '{word}' found")
        if option.takes_value:
            self._give(option, value if joined else self._next_value(option))
            return
        if joined and word.startswith("--"):
            raise Usage(f"unexpected value '{value}' for '--{option.long}' found")
        self._give(option, "")
        if joined:  # -ya
            self.option("-" + joined)

    def _next_value(self, option: Option) -> str:
        if not self.words or (self.words[0].startswith("-") and self.words[0] != "-"):
            raise Usage(f"a value is required for '--{option.long}' but none was supplied")
        return self.words.pop(0)

    def _give(self, option: Option, value: str) -> None:
        values = self.arguments.options.setdefault(option.long, [])
        if values and not option.repeats:
            raise Usage(f"the argument '--{option.long}' cannot be used multiple times")
        values.append(value)


def parsed(words: list[str], version: tuple[int, int]) -> Arguments:
    words = list(words)
    arguments = Arguments("")
    before = Parser(words, [CONFIG], arguments)
    commands = [name for name, command in COMMANDS.items() if command.since <= version]
    for known in (["manage"], commands):
        while words and words[0].startswith("-"):
            if words[0] in ("--help", "-h"):
                return Arguments("help")
            before.option(words.pop(0))
        if not words or words[0] not in known:
            raise Usage(f"unrecognized subcommand '{words[0] if words else ''}'")
        arguments.command = words.pop(0)
    return _of_command(words, arguments, version)


def _of_command(words: list[str], arguments: Arguments, version: tuple[int, int]) -> Arguments:
    command = COMMANDS[arguments.command]
    options = [one for one in command.options if one.long != "reactivate" or version >= (0, 20)]
    parser = Parser(words, [CONFIG, *options], arguments)
    only_positional = False
    while words:
        word = words.pop(0)
        if not only_positional and word == "--":
            only_positional = True
        elif not only_positional and word in ("--help", "-h"):
            return Arguments("help")
        elif not only_positional and word.startswith("-") and word != "-":
            parser.option(word)
        else:
            arguments.positional.append(word)
    _check(command, arguments)
    return arguments


def _check(command: Command, arguments: Arguments) -> None:
    count = len(arguments.positional)
    if count > command.most:
        raise Usage(f"unexpected argument '{arguments.positional[command.most]}' found")
    if count < command.least or (count == 0 and arguments.has("yes")):
        raise Usage("the following required arguments were not provided:\n  <USERNAME>")
    if arguments.has("admin") and arguments.has("no-admin"):
        raise Usage("the argument '--admin' cannot be used with '--no-admin'")
    for email in arguments.all("email"):
        if not EMAIL.fullmatch(email):
            raise Usage(f"invalid value '{email}' for '--email <EMAILS>': Missing domain or user")
    for mapping in arguments.all("upstream-provider-mapping"):
        if not re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}:.*", mapping, re.IGNORECASE | re.DOTALL):
            raise Usage(f"invalid value '{mapping}' for '--upstream-provider-mapping'")
