# SPDX-License-Identifier: GPL-3.0-or-later
"""The listeners of the stand-in for MAS: HTTP/1.1 on the loopback or in a namespace,
what came in, and what goes out. What is said is said elsewhere (mas.py)."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote

from .namespaces import Namespace

HTML_404 = """<!DOCTYPE html>
<html lang="en">
  <head><meta charset="utf-8"><title>matrix-authentication-service</title></head>
  <body><h1>Page not found</h1><p>Go back to the home page.</p></body>
</html>
"""

# axum's, where nothing else is said.
LONGEST_BODY = 2 * 1024 * 1024


@dataclass
class Request:
    """One request as it came in, and the status it was answered with."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    peer: str
    listener: str
    # The listener's prefix is not in it; nothing in it is decoded.
    path: str = ""
    # As in the API's description, for what is known: "/api/admin/v1/users/{id}".
    template: str = ""
    segments: tuple[str, ...] = ()
    status: int | None = None
    moment: float = field(default_factory=time.monotonic)

    def header(self, name: str) -> str | None:
        return next((value for other, value in self.headers if other.lower() == name), None)

    @property
    def route(self) -> str:
        return f"{self.method} {self.template or self.path}"

    @property
    def query(self) -> list[tuple[str, str]]:
        """Decoded; a + is a space."""
        return parse_qsl(self.target.partition("?")[2], keep_blank_values=True)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("utf8", "replace"), keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def has_in_target(self, secret: str) -> bool:
        return secret in self.target or secret in unquote(self.target.replace("+", " "))


@dataclass
class Reply:
    """body: bytes, or None for an empty one, or what is written as JSON."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def text(cls, status: int, text: str) -> Reply:
        return cls(status, text.encode(), {"content-type": "text/plain; charset=utf-8"})

    @classmethod
    def html(cls, status: int, text: str) -> Reply:
        return cls(status, text.encode(), {"content-type": "text/html; charset=utf-8"})

    @classmethod
    def no_page(cls) -> Reply:
        return cls.html(404, HTML_404)

    def encoded(self, head_only: bool, close: bool) -> bytes:
        headers = dict(self.headers)
        payload = b"" if self.body is None else self.body
        if not isinstance(payload, bytes):
            payload = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
            headers.setdefault("content-type", "application/json")
        if self.status != 204:
            headers["content-length"] = str(len(payload))
        if close:
            headers["connection"] = "close"
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        first = f"HTTP/1.1 {self.status} {responses.get(self.status, '')}\r\n"
        return (first + lines + "\r\n").encode("latin-1") + (b"" if head_only else payload)


class Dropped(Exception):
    """The connection ends here, without a reply."""


Answering = Callable[[Request], Reply]


class Listener:
    """One port. It is the same after a stop and a start."""

    def __init__(
        self,
        name: str,
        answering: Answering,
        address: str,
        namespace: Namespace | None,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.name = name
        self.answering = answering
        self.address = address
        self.namespace = namespace
        self.tls = tls
        self.port = 0
        self._http: _Server | None = None

    @property
    def origin(self) -> str:
        host = self.address
        if host in ("0.0.0.0", "::"):
            host = self.namespace.ipv4 if self.namespace is not None else "127.0.0.1"
        scheme = "https" if self.tls is not None else "http"
        return f"{scheme}://" + (f"[{host}]" if ":" in host else host) + f":{self.port}"

    def start(self) -> None:
        if self._http is not None:
            return
        inside = self.namespace.entered() if self.namespace else contextlib.nullcontext()
        with inside:
            self._http = _Server((self.address, self.port), self)
        self.port = self._http.server_port
        threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def stop(self) -> None:
        """Nobody is answered any more; open connections end."""
        http, self._http = self._http, None
        if http is None:
            return
        http.shutdown()
        http.server_close()
        http.end_connections()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], listener: Listener) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.listener = listener
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # HTTPServer's asks a resolver for the name of the machine.
        socket.socket.bind(self.socket, self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that goes away is no news; what we do wrong is.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def end_connections(self) -> None:
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def setup(self) -> None:
        tls = self.server.listener.tls  # type: ignore[attr-defined]
        if tls is not None:
            self.request = tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def do_any(self) -> None:
        listener = self.server.listener  # type: ignore[attr-defined]
        # Not self.path, where two slashes at the beginning have become one.
        method, target, _version = self.requestline.split(" ")
        length = int(self.headers.get("content-length") or 0)
        if length > LONGEST_BODY:
            self.close_connection = True
            too_long = Reply.text(413, "Failed to buffer the request body: length limit exceeded")
            self.wfile.write(too_long.encoded(method == "HEAD", True))
            return
        body = self.rfile.read(length)
        request = Request(
            method,
            target,
            list(self.headers.items()),
            body,
            self.client_address[0],
            listener.name,
            path=target.partition("?")[0],
        )
        try:
            reply = listener.answering(request)
        except Dropped:
            self.close_connection = True
            return
        data = reply.encoded(method == "HEAD", self.close_connection)
        self.wfile.write(data)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_any

    def log_message(self, *_: object) -> None:
        pass
