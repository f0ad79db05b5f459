# SPDX-License-Identifier: GPL-3.0-or-later
"""What the real homeservers of the tests have in common: a folder, a process, and
the part of the client-server API that all of them speak. No module is in it."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import hmac
import http.client
import json as jsonlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from .namespaces import Namespace

CHILD = Path(__file__).with_name("child.py")
# They stop in a fraction of a second; on a busy machine they get more.
STOP_SECONDS = 10


class Homeserver:
    """One of them. Used as a context manager, or closed with close()."""

    NAME: ClassVar[str]
    STARTUP_SECONDS: ClassVar[int] = 60
    # Answers 200 as soon as the server takes requests.
    READY_PATH: ClassVar[str]
    # Of its folder, what its log is in.
    LOGS: ClassVar[tuple[str, ...]] = ("output.log",)

    def __init__(
        self,
        server_name: str,
        folder: Path | str | None,
        namespace: Namespace | None,
        bind_addresses: list[str] | None,
        unix_socket: bool,
    ) -> None:
        self.server_name = server_name
        prefix = f"registrar-{self.NAME.lower()}-"
        self.folder = Path(folder or tempfile.mkdtemp(prefix=prefix))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.namespace = namespace
        self.bind_addresses = bind_addresses or ["127.0.0.1"]
        self.unix_socket = str(self.folder / "client.sock") if unix_socket else None
        self.process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    # Coming and going

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        return f"http://{origin(self.bind_addresses[0], self.port)}"

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def _prepare(self) -> list[str]:
        """Writes its configuration; the words of its command."""
        raise NotImplementedError

    def start(self, wait: bool = True) -> None:
        """Starts the server, on the same port and data as before if it ran."""
        assert not self.running, "the server runs already"
        words = [sys.executable, "-I", str(CHILD), "", str(int(signal.SIGKILL)), *self._prepare()]
        with open(self.folder / "output.log", "ab") as output:
            self.process = subprocess.Popen(
                words if self.namespace is None else self.namespace.command(*words),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                env={"PATH": os.environ.get("PATH", "")} | self._environment(),
            )
        if wait:
            self.wait_ready()

    def _environment(self) -> dict[str, str]:
        return {}

    def wait_ready(self, seconds: float | None = None) -> None:
        seconds = seconds or self.STARTUP_SECONDS
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process is not None, "the server was not started"
            assert self.process.poll() is None, f"{self.NAME} ended: {self.log()[-4000:]}"
            try:
                if self.api("GET", self.READY_PATH)[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise AssertionError(f"{self.NAME} was not ready in {seconds} s: {self.log()[-4000:]}")

    def stop(self) -> None:
        """Ends the server; its data stay, and start() takes them up again."""
        process, self.process = self.process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        assert process.stdin is not None
        process.stdin.close()

    def close(self) -> None:
        """Ends the server at once and removes its folder."""
        if self.running:
            assert self.process is not None
            self.process.kill()
            self.process.wait()
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        atexit.unregister(self.close)

    def log(self) -> str:
        """What the server logged, and what it wrote to its terminal."""
        files = [self.folder / name for name in self.LOGS]
        return "".join(f.read_text("utf8", "replace") for f in files if f.exists())

    def _write(self, name: str, value: Any) -> Path:
        """A configuration into its folder. JSON is YAML, and needs no library here."""
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(jsonlib.dumps(value, indent=2))
        return path

    # Talking to it

    def api(
        self, method: str, path: str, json: Any = None, token: str | None = None
    ) -> tuple[int, Any]:
        """One request; the status and the decoded body, whatever the status."""
        headers = {}
        body = None
        if json is not None:
            headers["Content-Type"] = "application/json"
            body = jsonlib.dumps(json).encode()
        if token is not None:
            headers["Authorization"] = "Bearer " + token
        if self.unix_socket is not None:
            # Without it, Synapse fails to find out who logs in (rest/client/login.py,
            # on_POST: the address of a Unix socket has no host).
            headers |= {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http"}
        connection = self._connection()
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            data = response.read()
        finally:
            connection.close()
        try:
            return response.status, jsonlib.loads(data)
        except ValueError:
            return response.status, {"text": data.decode("utf8", "replace")}

    def _connection(self) -> http.client.HTTPConnection:
        """Open already, from where the server can be reached."""
        connection = http.client.HTTPConnection("localhost", timeout=30)
        if self.unix_socket is not None:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(30)
            try:
                connection.sock.connect(self.unix_socket)
            except OSError:
                connection.close()
                raise
            return connection
        with self.namespace.entered() if self.namespace else contextlib.nullcontext():
            address = (self.bind_addresses[0], self.port)
            connection.sock = socket.create_connection(address, timeout=30)
        return connection

    def asked(self, method: str, path: str, json: Any = None, token: str | None = None) -> Any:
        """The body of a reply that has to be a 200."""
        status, reply = self.api(method, path, json, token)
        assert status == 200, f"{method} {path}: {status} {reply}"
        return reply

    def user_id(self, localpart: str) -> str:
        return f"@{localpart}:{self.server_name}"

    @property
    def secret(self) -> str:
        """The shared secret as the server takes it."""
        raise NotImplementedError

    def _register(self, username: str, password: str, admin: bool, **extra: Any) -> Any:
        path = "/_synapse/admin/v1/register"
        nonce = self.asked("GET", path)["nonce"]
        # docs/admin_api/register_api.md of Synapse: the parts of the MAC. Dendrite has
        # the same but for the user's type (clientapi/routing/register_secret.go).
        parts = [nonce, username, password, "admin" if admin else "notadmin"]
        if "user_type" in extra:
            parts.append(extra["user_type"])
        mac = hmac.new(self.secret.encode(), "\0".join(parts).encode(), hashlib.sha1)
        body = {
            "nonce": nonce,
            "username": username,
            "password": password,
            "admin": admin,
            "mac": mac.hexdigest(),
        }
        return self.asked("POST", path, body | extra)

    def login(self, user: str, password: str, **more: Any) -> str:
        """A new session of that user; its access token."""
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": user},
            "password": password,
        }
        return self.asked("POST", "/_matrix/client/v3/login", body | more)["access_token"]

    def logout(self, token: str) -> None:
        self.asked("POST", "/_matrix/client/v3/logout", {}, token)

    def whoami(self, token: str) -> dict[str, Any] | None:
        """Whose token it is, and of which device; None if it is nobody's."""
        status, reply = self.api("GET", "/_matrix/client/v3/account/whoami", token=token)
        assert status in (200, 401), f"whoami: {status} {reply}"
        return reply if status == 200 else None

    def profile(self, localpart: str) -> dict[str, Any] | None:
        """What anybody may see of that user; None if there is nothing to see."""
        path = "/_matrix/client/v3/profile/" + quote(self.user_id(localpart), safe="")
        status, reply = self.api("GET", path)
        assert status in (200, 404), f"{path}: {status} {reply}"
        return reply if status == 200 else None


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def origin(address: str, port: int) -> str:
    """As a URL has it."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
