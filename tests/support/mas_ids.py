# SPDX-License-Identifier: GPL-3.0-or-later
"""How MAS writes ids, tokens, moments and quoted strings."""

from __future__ import annotations

import secrets
import string
import time
import uuid
import zlib

# Crockford's base 32.
DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# MAS's base 62 of a checksum begins with its least significant digit.
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
TOKEN_KINDS = ("mat", "mar", "mct", "mcr", "mpt")


class InvalidUlid(ValueError):
    pass


def new_ulid(milliseconds: int) -> str:
    """Of that moment; what is made later sorts after it."""
    return _encoded((milliseconds << 80) | _next_random(milliseconds))


_last = (0, 0)


def _next_random(milliseconds: int) -> int:
    # Of one millisecond, too, what came later sorts later: pages are in the order
    # of creation.
    global _last
    moment, number = _last
    number = number + 1 if moment == milliseconds else secrets.randbits(79)
    _last = (milliseconds, number)
    return number


def _encoded(number: int) -> str:
    return "".join(DIGITS[number >> (5 * place) & 31] for place in range(25, -1, -1))


def parsed_ulid(text: str) -> str:
    """Its canonical form."""
    if len(text) != 26:
        raise InvalidUlid("invalid length")
    upper = text.upper()
    if not text.isascii() or any(digit not in DIGITS for digit in upper):
        raise InvalidUlid("invalid character")
    return upper


def uuid_of(ulid: str) -> str:
    """The same 128 bits, as they are in the database."""
    number = 0
    for digit in ulid:
        number = number << 5 | DIGITS.index(digit)
    return str(uuid.UUID(int=number & (1 << 128) - 1))


def ulid_of(text: str) -> str:
    return _encoded(uuid.UUID(text).int)


def new_token(kind: str) -> str:
    """mat_<30>_<6>: the last part is a checksum of the others."""
    alphabet = string.ascii_letters + string.digits
    base = f"{kind}_" + "".join(secrets.choice(alphabet) for _ in range(30))
    return f"{base}_{_checksum(base)}"


def _checksum(base: str) -> str:
    number, said = zlib.crc32(base.encode()), ""
    while number:
        number, digit = divmod(number, 62)
        said += BASE62[digit]
    return said.rjust(6, "0")


def token_problem(token: str) -> str | None:
    """What is wrong with a token by its looks, in MAS's words; None for nothing."""
    parts = token.split("_")
    if len(parts) != 3 or [len(part) for part in parts] != [3, 30, 6]:
        return "invalid token format"
    if parts[0] not in TOKEN_KINDS:
        return f"unknown token prefix {quoted(parts[0])}"
    expected = _checksum(f"{parts[0]}_{parts[1]}")
    if parts[2] != expected:
        return f"invalid crc {quoted(parts[2])}, expected {quoted(expected)}"
    return None


def written(moment: int | None) -> str | None:
    """A moment in nanoseconds since 1970, in RFC 3339, as short as it is exact."""
    if moment is None:
        return None
    seconds, rest = divmod(moment, 10**9)
    said = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    for digits in (3, 6, 9):
        if rest == 0:
            break
        if rest % 10 ** (9 - digits) == 0:
            return f"{said}.{rest // 10 ** (9 - digits):0{digits}d}Z"
    return said + "Z"


def quoted(text: str) -> str:
    """As Rust writes a string for a programmer."""
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\", "\0": "\\0"}
    said = (short.get(c) or (c if c.isprintable() else f"\\u{{{ord(c):x}}}") for c in text)
    return '"' + "".join(said) + '"'
