# SPDX-License-Identifier: GPL-3.0-or-later
"""A homeserver on the loopback that misbehaves when a test tells it to.

It answers as Synapse does (hostile_homeserver.py) until a misbehaviour
(hostile_faults.py) is set on a route; it writes down every request it gets.

    with HostileServer() as server:
        server.homeserver.add_user("alice", "secret")
        server.misbehave("get_user", faults.truncated(), on=2)
        ...
        assert server.count("get_user") == 2
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from .hostile_accounts import Answer
from .hostile_homeserver import VERSION, StandIn
from .hostile_routes import route_of

# What a client may send before the test calls it mad.
LONGEST_HEAD = 64 * 1024
# How long the server waits for a client that sends nothing.
IDLE_SECONDS = 60

Fault = Callable[["Exchange"], Answer | None]


@dataclass
class Request:
    """One request as it came in."""

    number: int
    connection: int
    method: str
    target: str
    headers: list[tuple[str, str]]
    route: str
    body: bytes = b""
    moment: float = field(default_factory=time.monotonic)

    def header(self, name: str) -> str | None:
        for other, value in self.headers:
            if other.lower() == name.lower():
                return value
        return None

    @property
    def bearer(self) -> str | None:
        scheme, _, token = (self.header("authorization") or "").partition(" ")
        return token if scheme == "Bearer" else None

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Closed(Exception):
    """The client, or the end of the test, has closed the connection."""


class Connection:
    """One accepted connection: reads requests, writes whatever it is told."""

    def __init__(self, server: HostileServer, raw: socket.socket, number: int) -> None:
        self.server = server
        self.socket = raw
        self.number = number
        self.buffer = b""

    def read_more(self) -> None:
        try:
            data = self.socket.recv(65536)
        except (OSError, ValueError) as error:
            raise Closed from error
        if not data:
            raise Closed
        self.buffer += data

    def read_head(self) -> Request:
        while b"\r\n\r\n" not in self.buffer:
            if len(self.buffer) >= LONGEST_HEAD:
                self.server.complaints.append(f"an endless head: {self.buffer[:200]!r}")
                raise Closed
            self.read_more()
            if self.buffer[:1] == b"\x16":
                # A TLS handshake, to which a server without TLS says what it
                # says to any nonsense (Twisted: http.py, _respondToBadRequestAndDisconnect).
                self.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                raise Closed
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _version = first.split(" ")
        headers = []
        for line in lines:
            name, _, value = line.partition(":")
            headers.append((name, value.strip()))
        return self.server.note(self.number, method, target, headers)

    def read_body(self, request: Request) -> None:
        if (request.header("expect") or "").lower() == "100-continue":
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = int(request.header("content-length") or 0)
        while len(self.buffer) < length:
            self.read_more()
        request.body, self.buffer = self.buffer[:length], self.buffer[length:]

    def send(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except (OSError, ValueError) as error:
            raise Closed from error
        self.server.bytes_sent += len(data)

    def reset(self) -> None:
        """Ends the connection with a TCP reset instead of an orderly end."""
        try:
            linger = struct.pack("ii", 1, 0)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.socket.close()
        except OSError:
            pass
        raise Closed


class Exchange:
    """What a misbehaviour gets: the request, and a free hand with the reply."""

    def __init__(self, server: HostileServer, connection: Connection, request: Request) -> None:
        self.server = server
        self.connection = connection
        self.request = request
        self.finished = False

    def answer(self) -> Answer:
        """Does what was asked, and gives what an honest server would say."""
        with self.server.lock:
            return self.server.homeserver.answer(self.request)

    def send(self, data: bytes | str) -> None:
        self.connection.send(data.encode("latin-1") if isinstance(data, str) else data)

    def send_answer(self, answer: Answer) -> None:
        self.connection.send(encoded(answer))
        self.finished = True

    def reset(self) -> None:
        self.connection.reset()

    def wait(self, seconds: float) -> None:
        """Does nothing for that long; ends early with the test."""
        if self.server.ended.wait(seconds):
            raise Closed


def encoded(answer: Answer) -> bytes:
    """The reply on the wire, with the headers that Synapse sends. Its JSON
    comes in chunks (http/server.py, respond_with_json), all else by length."""
    headers = {"Server": f"Synapse/{VERSION}"}
    if isinstance(answer.body, bytes):
        payload = answer.body
        headers |= {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Length": str(len(payload)),
        }
    else:
        data = json.dumps(answer.body, separators=(",", ":"), ensure_ascii=False).encode()
        payload = b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data)
        headers |= {
            "Content-Type": "application/json",
            "Cache-Control": "no-cache, no-store, must-revalidate",
            "Transfer-Encoding": "chunked",
        }
    headers |= answer.headers
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {answer.status} Whatever\r\n{lines}\r\n".encode("latin-1") + payload


class HostileServer:
    """Listens on 127.0.0.1 from construction on, or from listen() on."""

    def __init__(
        self,
        tls: ssl.SSLContext | None = None,
        listening: bool = True,
        address: str = "127.0.0.1",
        **homeserver: Any,
    ) -> None:
        self.homeserver = StandIn(**homeserver)
        self.tls = tls
        self.requests: list[Request] = []
        self.connections = 0
        self.failed_handshakes = 0
        # What no client may do; the fixture of tests/hostile looks at it.
        self.complaints: list[str] = []
        self.bytes_sent = 0
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self._news = threading.Condition()
        self._faults: list[tuple[str, range | set[int], Fault]] = []
        self._doomed: set[int] = set()
        self._open: set[socket.socket] = set()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.socket(family)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # A bound socket that does not listen refuses connections, and nobody
        # else can take its port meanwhile.
        self._listener.bind((address, 0))
        self.port = self._listener.getsockname()[1]
        host = f"[{address}]" if family == socket.AF_INET6 else address
        self.origin = f"{host}:{self.port}"
        self.url = f"{'https' if tls else 'http'}://{self.origin}"
        if listening:
            self.listen()

    def __enter__(self) -> HostileServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def listen(self) -> None:
        self._listener.listen(32)
        threading.Thread(target=self._accept, daemon=True).start()

    def listen_after(self, seconds: float) -> None:
        """As a server that is still starting."""
        timer = threading.Timer(seconds, self.listen)
        timer.daemon = True
        timer.start()

    def close(self) -> None:
        self.ended.set()
        for one in (self._listener, *list(self._open)):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    # What a test asks for

    def misbehave(self, route: str, fault: Fault, on: int | Iterable[int] | None = 1) -> None:
        """Answers the nth request to the route (from 1; None: every one) with
        the fault. The route "any" counts the requests of all routes."""
        if on is None:
            which: range | set[int] = range(1, 1 << 30)
        else:
            which = {on} if isinstance(on, int) else set(on)
        self._faults.append((route, which, fault))

    def reset_connection(self, *numbers: int) -> None:
        """Resets the nth connections (from 1) before reading anything."""
        self._doomed |= set(numbers)

    def forget(self) -> None:
        """Honest from here on, with an empty record."""
        self._faults.clear()
        self._doomed.clear()
        self.requests.clear()
        self.connections = 0

    # What a test looks at

    @property
    def routes(self) -> list[str]:
        return [request.route for request in self.requests]

    def sent(self, route: str) -> list[Request]:
        return [request for request in self.requests if request.route == route]

    def count(self, *routes: str) -> int:
        return sum(request.route in routes for request in self.requests)

    def wait_for(self, route: str, nth: int = 1, seconds: float = 20) -> None:
        """Until the head of the nth request to the route has come in."""
        with self._news:
            came = self._news.wait_for(lambda: self.count(route) >= nth, seconds)
        assert came, f"no {route} request number {nth}, only {self.routes}"

    # The work

    def note(
        self, connection: int, method: str, target: str, headers: list[tuple[str, str]]
    ) -> Request:
        # A proxy gets the whole URL, an origin its path.
        path = target
        if target.startswith(("http://", "https://")):
            path = "/" + target.split("/", 3)[3]
        route = route_of(method, path.split("?")[0])[0] if method != "CONNECT" else "connect"
        with self._news:
            number = len(self.requests) + 1
            request = Request(number, connection, method, path, headers, route)
            self.requests.append(request)
            self._news.notify_all()
        return request

    def fault_for(self, request: Request) -> Fault | None:
        nth = {request.route: self.count(request.route), "any": request.number}
        for route, which, fault in self._faults:
            if route in nth and nth[route] in which:
                return fault
        return None

    def _accept(self) -> None:
        while not self.ended.is_set():
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(
                target=self._serve, args=(raw, self.connections), daemon=True
            ).start()

    def _serve(self, raw: socket.socket, number: int) -> None:
        raw.settimeout(IDLE_SECONDS)
        self._open.add(raw)
        connection = Connection(self, raw, number)
        try:
            if number in self._doomed:
                connection.reset()
            if self.tls is not None:
                self._open.discard(raw)
                connection.socket = raw = self._handshake(raw)
                self._open.add(raw)
            while self._one(connection):
                pass
        except Closed:
            pass
        finally:
            self._open.discard(raw)
            raw.close()

    def _handshake(self, raw: socket.socket) -> socket.socket:
        assert self.tls is not None
        try:
            return self.tls.wrap_socket(raw, server_side=True)
        except OSError as error:
            self.failed_handshakes += 1
            raise Closed from error

    def _one(self, connection: Connection) -> bool:
        """One request and its reply; whether the connection goes on."""
        request = connection.read_head()
        exchange = Exchange(self, connection, request)
        fault = self.fault_for(request)
        # Some misbehave before they know what is asked.
        if fault is not None and getattr(fault, "before_body", False):
            fault(exchange)
            return False
        connection.read_body(request)
        answer = exchange.answer() if fault is None else fault(exchange)
        if answer is not None:
            exchange.send_answer(answer)
        return exchange.finished
