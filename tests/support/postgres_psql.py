# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said to psql, and what it answers."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from typing import Any

Rows = list[tuple[Any, ...]]
MARK = "harness: done"


def identifier(name: str) -> str:
    """As SQL wants a name that has any characters."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    assert isinstance(value, str), f"no literal is made of {type(value)}"
    # standard_conforming_strings is on: a backslash is a backslash.
    return "'" + value.replace("'", "''") + "'"


def bound(statement: str, parameters: tuple[Any, ...]) -> str:
    """With the parameters in the places of the ?, as sqlite3 would have them. A
    statement without parameters may have a ? of its own."""
    if not parameters:
        return statement
    pieces = statement.split("?")
    assert len(pieces) == len(parameters) + 1, f"{len(parameters)} parameters: {statement}"
    values = [literal(value) for value in parameters]
    return pieces[0] + "".join(value + piece for value, piece in zip(values, pieces[1:]))


def in_json(statement: str) -> str:
    """A query for the same rows, that come as one line of JSON objects."""
    return (
        f"WITH answer AS ({statement.rstrip().rstrip(';')}) "
        "SELECT coalesce(json_agg(row_to_json(answer)), '[]') FROM answer"
    )


def rows_of(text: str) -> Rows:
    """Of what in_json() asked for: the columns in their order, null as None."""
    # json_agg puts a line's end between objects; a string in JSON has none.
    return json.loads(text, object_pairs_hook=lambda pairs: tuple(value for _, value in pairs))


class Session:
    """A connection that stays, with the transaction that it is in."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ.get("PATH", ""), "PGCLIENTENCODING": "UTF8"},
        )

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, statement: str, seconds: float = 20) -> str:
        """What psql prints for it. An error ends the session, and raises."""
        self.send(statement)
        return self.wait(seconds)

    def send(self, statement: str) -> None:
        """The same without waiting: wait() is for that."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{statement}\n;\n\\echo {MARK}\n".encode())
        self.process.stdin.flush()

    def wait(self, seconds: float = 20) -> str:
        assert self.process.stdout is not None
        said = b""
        end = time.monotonic() + seconds
        while not said.endswith(f"{MARK}\n".encode()):
            left = end - time.monotonic()
            ready = left > 0 and select.select([self.process.stdout], [], [], left)[0]
            assert ready, f"psql has not done it in {seconds} s: {said!r}"
            piece = os.read(self.process.stdout.fileno(), 65536)
            assert piece, f"psql ended: {said.decode('utf8', 'replace')}"
            said += piece
        return said.decode().removesuffix(f"{MARK}\n")

    def close(self) -> None:
        """What is not committed is rolled back."""
        assert self.process.stdin is not None and self.process.stdout is not None
        # Not by the pipe's end: it may be waiting for a lock.
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
