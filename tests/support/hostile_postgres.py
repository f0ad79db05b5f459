# SPDX-License-Identifier: GPL-3.0-or-later
"""What looks like a PostgreSQL on the loopback and misbehaves, and a line to a real
one that goes dead. Both speak just enough of the protocol, version 3 (PostgreSQL,
part VIII, "Frontend/Backend Protocol").

    with HostilePostgres(talk) as server: ...      # talk(Talk) for each connection
    with Line(port, cut=4, delivered=True) as line: ...
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

SSL_REQUEST, CANCEL_REQUEST = 80877103, 80877102
READY = b"Z\0\0\0\5I"
AUTHENTICATION_OK = struct.pack(">cII", b"R", 8, 0)


class Gone(Exception):
    """The other side is not there any more."""


def exactly(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        piece = connection.recv(length - len(data))
        if not piece:
            raise Gone
        data += piece
    return data


def startup(connection: socket.socket) -> bytes:
    """The message that has no type."""
    head = exactly(connection, 4)
    return head + exactly(connection, struct.unpack(">I", head)[0] - 4)


def typed(connection: socket.socket) -> bytes:
    head = exactly(connection, 5)
    return head + exactly(connection, struct.unpack(">I", head[1:])[0] - 4)


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">I", len(body) + 4) + body


def report(kind: bytes, sqlstate: str, text: str) -> bytes:
    """An error (E) or a notice (N)."""
    fields = {b"S": "ERROR", b"V": "ERROR", b"C": sqlstate, b"M": text}
    body = b"".join(key + value.encode() + b"\0" for key, value in fields.items())
    return message(kind, body + b"\0")


def columns(*names: str) -> bytes:
    """All of them are text."""
    body = struct.pack(">H", len(names))
    for name in names:
        body += name.encode() + b"\0" + struct.pack(">IHIhiH", 0, 0, 25, -1, -1, 0)
    return message(b"T", body)


def row(*values: str) -> bytes:
    body = struct.pack(">H", len(values))
    for value in values:
        body += struct.pack(">I", len(value)) + value.encode()
    return message(b"D", body)


def answer(*rows: tuple[str, ...], names: tuple[str, ...] = ("a",)) -> bytes:
    """All that a statement is answered."""
    data = message(b"1", b"") + message(b"2", b"") + columns(*names)
    data += b"".join(row(*values) for values in rows)
    return data + message(b"C", f"SELECT {len(rows)}\0".encode()) + READY


class Talk:
    """One connection, from its startup on."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def say(self, data: bytes) -> None:
        self.connection.sendall(data)

    def say_forever(self, data: bytes) -> None:
        while True:
            self.say(data)

    def hear(self) -> str:
        """The next statement, when all of it is there."""
        statement = ""
        while True:
            heard = typed(self.connection)
            if heard[:1] == b"P":
                statement = heard[5:].split(b"\0")[1].decode()
            elif heard[:1] == b"S":
                return statement
            elif heard[:1] == b"X":
                raise Gone

    def let_in(self) -> None:
        self.say(AUTHENTICATION_OK + message(b"K", struct.pack(">II", 1, 2)) + READY)

    def hold(self) -> None:
        """Says nothing, until the other side goes."""
        while self.connection.recv(65536):
            pass


class Server:
    """Listens, and has a thread for each connection."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()
        for connection in self.open:
            end(connection)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, Gone):
            self.serve(connection)
        end(connection)

    def serve(self, connection: socket.socket) -> None:
        raise NotImplementedError


def end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def begin(connection: socket.socket) -> bytes:
    """The startup message; TLS is not to be had."""
    first = startup(connection)
    while struct.unpack(">I", first[4:8])[0] == SSL_REQUEST:
        connection.sendall(b"N")
        first = startup(connection)
    return first


class HostilePostgres(Server):
    """Whoever connects is talked to like that. A request to cancel is taken, and
    neither answered nor ended, which is more than libpq by itself can bear."""

    def __init__(self, talk: Callable[[Talk], None]) -> None:
        self.talk = talk
        self.cancels = 0
        super().__init__()

    def serve(self, connection: socket.socket) -> None:
        first = begin(connection)
        if struct.unpack(">I", first[4:8])[0] == CANCEL_REQUEST:
            self.cancels += 1
            Talk(connection).hold()
            return
        self.talk(Talk(connection))


class Line(Server):
    """Between a client and the PostgreSQL on that port. At statement number `cut`
    (from 1; -1: at none) it goes dead for good, once the statement was `delivered` or before."""

    def __init__(self, port: int, cut: int, delivered: bool) -> None:
        self.real = port
        self.cut, self.delivered = cut, delivered
        self.statements = 0
        super().__init__()

    def serve(self, connection: socket.socket) -> None:
        first = begin(connection)
        with socket.create_connection(("127.0.0.1", self.real)) as real:
            self.open.append(real)
            real.sendall(first)
            back = threading.Thread(target=self._back, args=(real, connection), daemon=True)
            back.start()
            while True:
                heard = typed(connection)
                self.statements += heard[:1] == b"S"
                if self.statements == self.cut and heard[:1] == b"S":
                    if self.delivered:
                        # Its answer is not let through.
                        end(connection)
                        real.sendall(heard)
                        back.join(5)
                    # Closing alone is not seen over there while it is read from.
                    end(real)
                    return
                real.sendall(heard)

    def _back(self, real: socket.socket, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := real.recv(65536):
                with contextlib.suppress(OSError):
                    connection.sendall(data)
                if self.statements == self.cut:
                    return
