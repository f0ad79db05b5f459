# SPDX-License-Identifier: GPL-3.0-or-later
"""What Synapse asks of Matrix Authentication Service, as far as a token check
goes: who it is, and whose a token is (synapse/api/auth/mas.py)."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs


class MasStandIn:
    """Knows one token, an administrator's. Listens while it is entered."""

    secret = "a secret between Synapse and MAS"
    token = "mat_administrators_token_0000"
    username = "mas-admin"

    def __init__(self) -> None:
        self.introspected: list[str] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._http.server_port}/"
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)

    def __enter__(self) -> MasStandIn:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        mas = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/.well-known/openid-configuration":
                    # Spelt with a slash at its end, as MAS does.
                    self.answer(
                        {"issuer": mas.url, "account_management_uri": mas.url + "account/"}
                    )
                else:
                    self.answer({"error": "not found"}, 404)

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = parse_qs(self.rfile.read(length).decode())
                if self.path != "/oauth2/introspect":
                    self.answer({"error": "not found"}, 404)
                elif self.headers.get("Authorization") != "Bearer " + mas.secret:
                    self.answer({"error": "invalid_client"}, 401)
                else:
                    self.introspect(body.get("token", [""])[0])

            def introspect(self, token: str) -> None:
                mas.introspected.append(token)
                if token != mas.token:
                    self.answer({"active": False})
                    return
                scope = "urn:matrix:org.matrix.msc2967.client:api:* urn:synapse:admin:*"
                self.answer({"active": True, "scope": scope, "username": mas.username})

            def answer(self, value: object, status: int = 200) -> None:
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
