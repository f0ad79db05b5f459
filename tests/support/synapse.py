# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Synapse on the loopback, in a folder of its own, for one test or many.

What it does to prepare or to look (register, login, user, access_tokens ...)
is plain Python and knows nothing of the module that is under test.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import hmac
import http.client
import json as jsonlib
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from . import synapse_config
from .namespaces import Namespace
from .paths import BUILD, VENVS

VENV_OF_VERSION = {"newest": "synapse", "floor": "synapse-floor"}
STARTUP_SECONDS = 60
# Synapse stops in a fraction of a second; on a busy machine it gets more.
STOP_SECONDS = 10


class AccessToken(NamedTuple):
    """A row of the table access_tokens, without the token itself."""

    user_id: str
    device_id: str | None
    puppets_user_id: str | None


class Synapse:
    """One homeserver. Used as a context manager, or closed with close()."""

    def __init__(
        self,
        version: str = "newest",
        server_name: str = "example.test",
        config: dict[str, Any] | None = None,
        default_limits: bool = False,
        start: bool = True,
        folder: Path | str | None = None,
        namespace: Namespace | None = None,
        bind_addresses: list[str] | None = None,
        unix_socket: bool = False,
    ) -> None:
        """It listens on the loopback, or on these addresses, or on a Unix socket and
        nothing else; in that namespace, which outlives it."""
        self.version = version
        self.server_name = server_name
        self.folder = Path(folder or tempfile.mkdtemp(prefix="registrar-synapse-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.namespace = namespace
        self.bind_addresses = bind_addresses or ["127.0.0.1"]
        self.unix_socket = str(self.folder / "client.sock") if unix_socket else None
        self.process: subprocess.Popen[bytes] | None = None
        self._admin_token: str | None = None

        over = dict(config or {})
        if "registration_shared_secret_path" in over:
            over.setdefault("registration_shared_secret", None)
        limits = {} if default_limits else synapse_config.NO_LIMITS
        base = synapse_config.defaults(
            self.folder,
            synapse_config.listener(self.port, self.bind_addresses, self.unix_socket),
            server_name,
            "Shared_" + secrets.token_urlsafe(24),
        )
        # What the next start() writes to homeserver.yaml.
        self.config = synapse_config.merged(base | limits, over)
        (self.folder / "signing.key").write_text(synapse_config.signing_key())
        atexit.register(self.close)
        if start:
            self.start()

    # Coming and going

    def __enter__(self) -> Synapse:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        return f"http://{origin(self.bind_addresses[0], self.port)}"

    @property
    def python(self) -> Path:
        """The interpreter of the virtual environment with this version."""
        python = VENVS / VENV_OF_VERSION[self.version] / "bin" / "python"
        assert python.exists(), f"{python} is missing: run `make deps`"
        return python

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, wait: bool = True) -> None:
        """Starts the server, on the same port and data as before if it ran."""
        assert not self.running, "the server runs already"
        database = Path(self.config["database"]["args"].get("database", ""))
        template = self._template()
        self._write_config()
        if database.name and not database.exists():
            if not usable(template, self.python):
                self._lay_database()
                save_template(database, template)
            shutil.copyfile(template, database)
        with open(self.folder / "output.log", "ab") as output:
            self.process = subprocess.Popen(
                self._command(),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                env={
                    "PATH": os.environ.get("PATH", ""),
                    # Else it takes this repository for its own, and puts our
                    # branch and commit into the version that it tells. The
                    # virtual environments may be a link to another checkout's.
                    "GIT_CEILING_DIRECTORIES": f"{BUILD}:{VENVS.resolve().parent}",
                },
            )
        if wait:
            self.wait_ready()

    def _command(self) -> list[str]:
        words = [
            str(self.python),
            # Isolated: this folder's synapse.py is not their package.
            "-I",
            str(Path(__file__).with_name("synapse_child.py")),
            "--config-path",
            str(self.folder / "homeserver.yaml"),
        ]
        return words if self.namespace is None else self.namespace.command(*words)

    def _lay_database(self) -> None:
        """Lays the schema and runs the background updates a fresh server would take
        minutes for; without them, it answers 500 to reactivations on SQLite."""
        subprocess.run(
            [
                self.python,
                "-I",
                self.python.with_name("update_synapse_database"),
                "--database-config",
                self.folder / "homeserver.yaml",
                "--run-background-updates",
            ],
            check=True,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )

    def wait_ready(self, seconds: float = STARTUP_SECONDS) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process is not None, "the server was not started"
            assert self.process.poll() is None, f"Synapse ended: {self.log()[-4000:]}"
            try:
                if self.api("GET", "/health")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise AssertionError(f"Synapse was not ready in {seconds} s: {self.log()[-4000:]}")

    def restart(self, config: dict[str, Any] | None = None) -> None:
        """Stops it and starts it again, with that put on its configuration: what
        it counts in memory, as the limits on logins, begins anew."""
        self.stop()
        self.config = synapse_config.merged(self.config, config or {})
        self.start()

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
        files = [self.folder / "homeserver.log", self.folder / "output.log"]
        return "".join(f.read_text("utf8", "replace") for f in files if f.exists())

    def _write_config(self) -> None:
        # JSON is YAML, and needs no library here.
        for name, value in (
            ("homeserver.yaml", self.config),
            ("log.yaml", synapse_config.log_config(self.folder / "homeserver.log")),
        ):
            path = self.folder / name
            path.touch(mode=0o600)
            path.write_text(jsonlib.dumps(value, indent=2))

    def _template(self) -> Path:
        """An empty database of this version: its schema takes seconds to lay."""
        return BUILD / f"synapse-{self.version}.template.db"

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
            # Without it, it fails to find out who logs in (rest/client/login.py, on_POST:
            # the address of a Unix socket has no host).
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

    def user_id(self, localpart: str) -> str:
        return f"@{localpart}:{self.server_name}"

    @property
    def secret(self) -> str:
        """The shared secret as the server takes it: a file's is stripped."""
        if "registration_shared_secret" in self.config:
            return self.config["registration_shared_secret"]
        return Path(self.config["registration_shared_secret_path"]).read_text().strip()

    def register(
        self,
        username: str,
        password: str,
        admin: bool = False,
        displayname: str | None = None,
        user_type: str | None = None,
    ) -> str:
        """Makes an account with the shared secret, without a device; its id."""
        extra = {"displayname": displayname, "user_type": user_type}
        stated = {key: value for key, value in extra.items() if value is not None}
        return self._register(username, password, admin, inhibit_login=True, **stated)["user_id"]

    def _register(self, username: str, password: str, admin: bool, **extra: Any) -> Any:
        path = "/_synapse/admin/v1/register"
        nonce = self.api("GET", path)[1]["nonce"]
        # docs/admin_api/register_api.md of Synapse: the parts of the MAC.
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
        status, reply = self.api("POST", path, body | extra)
        assert status == 200, f"registering {username}: {status} {reply}"
        return reply

    def login(self, user: str, password: str) -> str:
        """A new session of that user; its access token."""
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": user},
            "password": password,
        }
        status, reply = self.api("POST", "/_matrix/client/v3/login", body)
        assert status == 200, f"login of {user}: {status} {reply}"
        return reply["access_token"]

    def logout(self, token: str) -> None:
        status, reply = self.api("POST", "/_matrix/client/v3/logout", {}, token)
        assert status == 200, f"logout: {status} {reply}"

    @property
    def admin_token(self) -> str:
        """A session of @harness-admin, which is made when it is first needed.

        It comes with the registration, so that no login is spent and passwords
        may be disabled.
        """
        if self._admin_token is None:
            made = self._register("harness-admin", secrets.token_urlsafe(16), admin=True)
            self._admin_token = made["access_token"]
        return self._admin_token

    # Looking at it

    def user(self, localpart: str) -> dict[str, Any] | None:
        """The account as the admin API tells it, or None."""
        path = "/_synapse/admin/v2/users/" + quote(self.user_id(localpart), safe="")
        status, reply = self.api("GET", path, token=self.admin_token)
        assert status in (200, 404), f"{path}: {status} {reply}"
        return reply if status == 200 else None

    def change(self, localpart: str, **fields: Any) -> None:
        """Makes that of the account by the admin API."""
        path = "/_synapse/admin/v2/users/" + quote(self.user_id(localpart), safe="")
        status, reply = self.api("PUT", path, fields, self.admin_token)
        assert status == 200, f"{path}: {status} {reply}"

    def ratelimit(self, localpart: str) -> dict[str, int]:
        """The limit of its own that the account has, or {}."""
        user_id = quote(self.user_id(localpart), safe="")
        path = f"/_synapse/admin/v1/users/{user_id}/override_ratelimit"
        status, reply = self.api("GET", path, token=self.admin_token)
        assert status == 200, f"{path}: {status} {reply}"
        return reply

    def devices(self, localpart: str) -> list[dict[str, Any]]:
        user_id = quote(self.user_id(localpart), safe="")
        path = f"/_synapse/admin/v2/users/{user_id}/devices"
        status, reply = self.api("GET", path, token=self.admin_token)
        assert status == 200, f"{path}: {status} {reply}"
        return reply["devices"]

    def access_tokens(self) -> list[AccessToken]:
        """All sessions there are, read from the database."""
        rows = self.query("SELECT user_id, device_id, puppets_user_id FROM access_tokens")
        return [AccessToken(*row) for row in rows]

    def user_names(self) -> list[str]:
        """The ids of all accounts, read from the database."""
        return [row[0] for row in self.query("SELECT name FROM users ORDER BY name")]

    def query(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Rows of the SQLite database, which is opened for reading alone."""
        with contextlib.closing(self._opened()) as connection:
            return connection.execute(statement, parameters).fetchall()

    def queries(self, statements: Iterable[str]) -> list[list[tuple[Any, ...]]]:
        """The rows of each, in one go: the schema is read once."""
        with contextlib.closing(self._opened()) as connection:
            return [connection.execute(statement).fetchall() for statement in statements]

    def _opened(self) -> sqlite3.Connection:
        database = quote(self.config["database"]["args"]["database"])
        return sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def origin(address: str, port: int) -> str:
    """As a URL has it."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def usable(template: Path, python: Path) -> bool:
    """Whether the template is there, and made since the server was installed."""
    return template.exists() and template.stat().st_mtime > python.parent.stat().st_mtime


def save_template(database: Path, template: Path) -> None:
    """Keeps a copy of a database that has no accounts yet."""
    template.parent.mkdir(parents=True, exist_ok=True)
    partial = template.with_suffix(f".{os.getpid()}")
    source = sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True)
    target = sqlite3.connect(partial)
    try:
        source.backup(target)
    finally:
        source.close()
        target.close()
    # Two test workers may both have got here: the last one wins, both are whole.
    os.replace(partial, template)


if __name__ == "__main__":
    # python3 -m tests.support.synapse [newest|floor]: a server to try things on.
    with Synapse(*sys.argv[1:2]) as server:
        print(f"url: {server.url}\nserver_name: {server.server_name}\nsecret: {server.secret}")
        try:
            signal.pause()
        except KeyboardInterrupt:
            pass
