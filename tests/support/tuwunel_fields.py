# SPDX-License-Identifier: GPL-3.0-or-later
"""How the stand-in for tuwunel reads user ids, JSON bodies and queries: what a strictly
typed server takes, and what it refuses before anything else is looked at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from .family_table import LONGEST_ID, STRICT, Refusal
from .tuwunel_words import refused

LARGEST = 2**53 - 1
SERVER_NAME = re.compile(r"(?:[0-9A-Za-z.\-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?\Z")


class UserId(NamedTuple):
    localpart: str
    server_name: str

    def __str__(self) -> str:
        return f"@{self.localpart}:{self.server_name}"

    @property
    def is_strict(self) -> bool:
        """As a name has to be that anybody may register (section 5)."""
        return STRICT.fullmatch(self.localpart) is not None


def parsed(text: str) -> UserId | None:
    """A whole id. Its localpart may be anything (section 11: "@a b" and more)."""
    localpart, colon, server_name = text.partition(":")
    if not localpart.startswith("@") or not colon or "\0" in localpart:
        return None
    if len(text.encode()) > LONGEST_ID or not SERVER_NAME.match(server_name):
        return None
    return UserId(localpart[1:], server_name)


def completed(text: str, server_name: str) -> UserId | None:
    """A whole id, or a localpart of that server."""
    if text.startswith("@"):
        return parsed(text)
    return None if ":" in text else parsed(f"@{text}:{server_name}")


# Bodies and queries: a table of fields each.


class Field(NamedTuple):
    kind: type
    default: Any = None
    # Null is an error for these, and for those with a default.
    required: bool = False
    # Keeps missing (MISSING) and null (None) apart.
    three: bool = False


MISSING = object()

TEXT = Field(str)
NEEDED_TEXT = Field(str, required=True)
FLAG = Field(bool)
NEEDED_FLAG = Field(bool, required=True)
OFF = Field(bool, default=False)
ON = Field(bool, default=True)
NUMBER = Field(int)
ZERO = Field(int, default=0)
LIST = Field(list)
OBJECT = Field(dict)
THREE_NUMBER = Field(int, three=True)

Fields = Mapping[str, Field]


def bad_json(what: str) -> Refusal:
    return refused("M_BAD_JSON", f"deserialization failed: {what}")


def fits(value: Any, kind: type) -> bool:
    if kind is int:
        return type(value) is int and 0 <= value <= LARGEST
    return type(value) is kind


def read(body: Any, fields: Fields) -> dict[str, Any]:
    """The fields, and their defaults; others are not looked at."""
    if not isinstance(body, dict):
        raise bad_json("not an object")
    return {name: value_of(body, name, field) for name, field in fields.items()}


def value_of(body: dict[str, Any], name: str, field: Field) -> Any:
    if name not in body:
        if field.required:
            raise bad_json(f"missing field `{name}`")
        return MISSING if field.three else field.default
    value = body[name]
    if value is None and not field.required and field.default is None:
        return None
    if not fits(value, field.kind):
        raise bad_json(f"invalid type for `{name}`")
    return value


def read_query(query: list[tuple[str, str]], fields: Fields) -> dict[str, Any]:
    """The same of a query, where all is text."""
    return read({name: typed(name, text, fields) for name, text in query}, fields)


def typed(name: str, text: str, fields: Fields) -> Any:
    kind = fields[name].kind if name in fields else str
    if kind is bool and text in ("true", "false"):
        return text == "true"
    if kind is int and text.isascii() and text.isdigit():
        return int(text)
    return text
