# SPDX-License-Identifier: GPL-3.0-or-later
"""The command lines of the bots of the Conduit family, which are parsed by clap: what it
takes, and the texts with which it refuses the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

# What Rust's split_whitespace takes for one: Unicode's White_Space. Python's str.split
# takes the four separators of ASCII for more.
WHITE_SPACE = frozenset(
    "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000"
    + "".join(chr(one) for one in range(0x2000, 0x200B))
)
MORE = "\n\nFor more information, try '--help'.\n"


class Usage(Exception):
    """The line is refused, or help was asked for: the whole text."""


class Flag(NamedTuple):
    """"--logout", "-l"; or an option, with a value."""

    long: str
    short: str = ""
    value: str = ""  # the name of the value, in capitals
    convert: Callable[[str], Any] | None = None


class Positional(NamedTuple):
    name: str  # in capitals
    required: bool = True
    convert: Callable[[str], Any] | None = None


@dataclass(frozen=True)
class Word:
    """A command. Its values come under the names in small letters, with _ for -.
    one_of: of these flags, exactly one."""

    name: str
    positionals: tuple[Positional, ...] = ()
    flags: tuple[Flag, ...] = ()
    aliases: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()

    @property
    def usage(self) -> str:
        parts = ["[OPTIONS]"] if len(self.flags) > len(self.one_of) else []
        if self.one_of:
            parts.append(self.choice)
        parts += [f"<{one.name}>" if one.required else f"[{one.name}]" for one in self.positionals]
        return " ".join([self.name, *parts])

    @property
    def choice(self) -> str:
        """Of those flags, as it is written."""
        shown = [f"--{one.long}" + (f" <{one.value}>" if one.value else "") for one in self.flags]
        return "<" + "|".join(shown) + ">"


@dataclass(frozen=True)
class Group:
    """Of commands. Without a name it is the root."""

    name: str
    members: tuple[Group | Word, ...]
    aliases: tuple[str, ...] = ()


def split(line: str) -> list[str]:
    """At white space and nowhere else: there is no quoting."""
    words, word = [], ""
    for character in line:
        if character in WHITE_SPACE:
            words, word = ([*words, word], "") if word else (words, "")
        else:
            word += character
    return [*words, word] if word else words


def parse(root: Group, words: list[str]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The names of the command and its values. words: the program's name and the rest.
    Raises Usage."""
    path, rest, where = [words[0]], list(words[1:]), root
    while True:
        said = " ".join(path)
        if not rest or rest[0] in ("-h", "--help"):
            raise Usage(_help_of_group(where, said))
        word = rest.pop(0)
        if word.startswith("-") and word != "-":
            raise Usage(_unexpected(word, f"{said} <COMMAND>"))
        found = next((m for m in where.members if word == m.name or word in m.aliases), None)
        if found is None:
            text = f"error: unrecognized subcommand '{word}'\n\nUsage: {said} <COMMAND>"
            raise Usage(text + MORE)
        if isinstance(found, Word):
            return (*path[1:], found.name), _values(found, rest, said)
        path.append(found.name)
        where = found


def _values(word: Word, rest: list[str], said: str) -> dict[str, Any]:
    usage = f"{said} {word.usage}"
    values: dict[str, Any] = {
        _key(one.long): None if one.value else False for one in word.flags
    } | {_key(one.name): None for one in word.positionals}
    left = list(word.positionals)
    verbatim = False
    while rest:
        text = rest.pop(0)
        if verbatim or not text.startswith("-") or text == "-":
            if not left:
                raise Usage(_unexpected(text, usage))
            one = left.pop(0)
            shown = f"<{one.name}>" if one.required else f"[{one.name}]"
            values[_key(one.name)] = _converted(text, shown, one.convert)
        elif text == "--":
            verbatim = True
        elif text in ("-h", "--help"):
            raise Usage(_help_of_word(word, usage))
        elif text.startswith("--"):
            name, given, value = text[2:].partition("=")
            flag = next((one for one in word.flags if one.long == name), None)
            if flag is None:
                raise Usage(_unexpected("--" + name, usage, bool(left)))
            _set_flag(values, flag, value if given else None, rest, usage)
        else:
            _cluster(values, word, text, rest, usage, bool(left))
    _complete(word, left, values, usage)
    return values


def _cluster(
    values: dict[str, Any], word: Word, text: str, rest: list[str], usage: str, room: bool
) -> None:
    """"-lf": flags of one letter each; the rest is the value of one that takes one."""
    for position, letter in enumerate(text[1:], 1):
        flag = next((one for one in word.flags if one.short == letter), None)
        if flag is None:
            shown = "-" + letter
            raise Usage(_unexpected(shown, usage, room, whole=text))
        if flag.value:
            behind = text[position + 1 :].removeprefix("=")
            _set_flag(values, flag, behind or None, rest, usage)
            return
        values[_key(flag.long)] = True


def _set_flag(
    values: dict[str, Any], flag: Flag, value: str | None, rest: list[str], usage: str
) -> None:
    shown = f"--{flag.long}"
    if not flag.value:
        if value is not None:
            text = f"error: unexpected value '{value}' for '{shown}' found; no more were expected"
            raise Usage(f"{text}\n\nUsage: {usage}{MORE}")
        if values[_key(flag.long)]:
            text = f"error: the argument '{shown}' cannot be used multiple times"
            raise Usage(f"{text}\n\nUsage: {usage}{MORE}")
        values[_key(flag.long)] = True
        return
    shown += f" <{flag.value}>"
    if value is None:
        if not rest or (rest[0].startswith("-") and rest[0] != "-"):
            raise Usage(f"error: a value is required for '{shown}' but none was supplied{MORE}")
        value = rest.pop(0)
    values[_key(flag.long)] = _converted(value, shown, flag.convert)


def _complete(word: Word, left: list[Positional], values: dict[str, Any], usage: str) -> None:
    missing = [f"<{one.name}>" for one in left if one.required]
    given = [one for one in word.one_of if values[_key(one)]]
    if word.one_of and not given:
        missing.append(word.choice)
    if missing:
        listed = "".join(f"\n  {one}" for one in missing)
        text = f"error: the following required arguments were not provided:{listed}"
        raise Usage(f"{text}\n\nUsage: {usage}{MORE}")
    if len(given) > 1:
        text = f"error: the argument '--{given[0]}' cannot be used with '--{given[1]}'"
        raise Usage(f"{text}\n\nUsage: {usage}{MORE}")


def _converted(text: str, shown: str, convert: Callable[[str], Any] | None) -> Any:
    """convert raises a ValueError that says what is wrong."""
    if convert is None:
        return text
    try:
        return convert(text)
    except ValueError as error:
        raise Usage(f"error: invalid value '{text}' for '{shown}': {error}{MORE}") from None


def _unexpected(shown: str, usage: str, room: bool = False, whole: str | None = None) -> str:
    text = f"error: unexpected argument '{shown}' found"
    if room:
        whole = whole or shown
        text += f"\n\n  tip: to pass '{whole}' as a value, use '-- {whole}'"
    return f"{text}\n\nUsage: {usage}{MORE}"


def _help_of_group(group: Group, said: str) -> str:
    names = "".join(f"\n  {one.name}" for one in group.members)
    return f"Usage: {said} <COMMAND>\n\nCommands:{names}\n\nOptions:\n  -h, --help  Print help\n"


def _help_of_word(word: Word, usage: str) -> str:
    named = "".join(f"\n  {one.name}" for one in word.positionals)
    arguments = f"\n\nArguments:{named}" if named else ""
    return f"Usage: {usage}{arguments}\n\nOptions:\n  -h, --help  Print help\n"


def _key(name: str) -> str:
    return name.lower().replace("-", "_")


def whole_number(text: str) -> int:
    """As Rust reads an unsigned one."""
    if not text:
        raise ValueError("cannot parse integer from empty string")
    digits = text.removeprefix("+")
    if not digits.isascii() or not digits.isdigit():
        raise ValueError("invalid digit found in string")
    return int(digits)
