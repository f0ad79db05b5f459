# SPDX-License-Identifier: GPL-3.0-or-later
"""A small reverse proxy in front of a test's server. A test gives it a rule for
what goes wrong on the way; everything that passes is written down."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.support.synapse import Synapse

HTML_404 = b"<html><head><title>404 Not Found</title></head><body>nginx</body></html>\r\n"
HTML_502 = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>\r\n"


class Passed(NamedTuple):
    method: str
    path: str
    body: Any
    connection: tuple[str, int]
    token: str | None
    answer: Any


def decoded(body: bytes) -> Any:
    """What it says in JSON, or None."""
    try:
        return json.loads(body)
    except ValueError:
        return None


class Cut(NamedTuple):
    """The connection ends without an answer; the server may have got the request."""

    delivered: bool


class QuietServer(ThreadingHTTPServer):
    """One whose clients may go away in the middle of an answer."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        pass


class Proxy:
    """`rule(method, path)` gives None (pass it on), a status and an HTML page, or a
    Cut. The Server header of what is passed on is replaced by `server`; None: kept,
    "": taken out."""

    def __init__(
        self,
        upstream: Synapse,
        rule: Callable[[str, str], tuple[int, bytes] | Cut | None] = lambda method, path: None,
        server: str | None = None,
    ) -> None:
        self.upstream = upstream
        self.rule = rule
        self.server = server
        self.passed: list[Passed] = []
        self._busy = 0
        self._idle = threading.Condition()
        self._http = QuietServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(
            # How long it may take to notice that it is over.
            target=self._http.serve_forever, args=(0.02,), daemon=True
        )

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def settle(self) -> None:
        """Returns when no request is on its way any more, be it that nobody waits
        for its answer."""
        with self._idle:
            assert self._idle.wait_for(lambda: self._busy == 0, 30), "a request hangs"

    @contextlib.contextmanager
    def on_its_way(self) -> Iterator[None]:
        with self._idle:
            self._busy += 1
        try:
            yield
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Else each answer waits some 40 ms for the acknowledgement of its head.
            disable_nagle_algorithm = True

            def handle_any(self) -> None:
                with proxy.on_its_way():
                    self.pass_on()

            def pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                refusal = proxy.rule(self.command, self.path)
                if isinstance(refusal, Cut):
                    self.close_connection = True
                    if not refusal.delivered:
                        return
                elif refusal is not None:
                    self.answer(refusal[0], {"Content-Type": "text/html"}, refusal[1])
                    return
                connection = http.client.HTTPConnection("127.0.0.1", proxy.upstream.port)
                # The path as it came, still percent-encoded.
                connection.request(self.command, self.path, body or None, dict(self.headers))
                response = connection.getresponse()
                content = response.read()
                kept = ("Content-Type", "Date", "Server", "Retry-After")
                headers = {key: value for key, value in response.getheaders() if key in kept}
                connection.close()
                proxy.passed.append(
                    Passed(
                        self.command,
                        self.path,
                        decoded(body),
                        self.client_address,
                        self.headers.get("Authorization", "").removeprefix("Bearer ") or None,
                        decoded(content),
                    )
                )
                if refusal is None:
                    self.answer(response.status, headers, content)

            do_GET = do_PUT = do_POST = do_DELETE = handle_any

            def answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
                if proxy.server is not None:
                    headers = headers | {"Server": proxy.server}
                self.send_response_only(status)
                for key, value in headers.items():
                    if value:
                        self.send_header(key, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
