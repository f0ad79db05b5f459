# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for a container engine's API: Docker's, or Podman's of the same shape.

    with Engine("podman") as engine:
        engine.add("matrix-synapse", pid=4711, networks={"podman": ("198.18.0.2", "")})
        ... container_socket=engine.socket ...
        assert engine.asked == ["/containers/matrix-synapse/json"]

It answers GET /containers/NAME/json (engine_bodies.py), runs commands in containers
(engine_exec.py) and answers what a client needs to find an engine there (_ping), and refuses the rest as that engine does: statuses,
headers and texts are those that a Docker 20.10.24 and a Podman 4.3.1 gave when they
were asked. It misbehaves when it is told to (engine_faults.py).
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from .engine_bodies import Container, inspected
from .engine_exec import EXEC_PATH, Closed, Execs

# net/http's limit on a head is a megabyte; nobody who is sane comes near this.
LONGEST_HEAD = 64 * 1024
LONGEST_BODY = 1024 * 1024
IDLE_SECONDS = 60
NOT_FOR_AN_ENGINE = (
    "authorization",
    "cookie",
    "proxy-authorization",
    "content-type",
    "x-forwarded-for",
)
API = {"docker": "1.41", "docker-new": "1.52", "podman": "1.41"}
# Docker 29 has given up older ones (moby, daemon/config/config.go, defaultMinAPIVersion).
OLDEST_API = {"docker": "1.12", "docker-new": "1.44"}
SERVER = {
    "docker": "Docker/20.10.24+dfsg1 (linux)",
    "docker-new": "Docker/29.0.0 (linux)",
    "podman": "Libpod/4.3.1 (linux)",
}

Fault = Callable[["Exchange"], None]


@dataclass
class Request:
    """One request as it came in, and who had connected."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    peer_uid: int
    body: bytes = b""

    def header(self, name: str) -> str | None:
        for other, value in self.headers:
            if other.lower() == name.lower():
                return value
        return None


@dataclass
class Answer:
    status: str
    headers: dict[str, str]
    body: bytes
    # Go sends a longer body in chunks, a shorter one by its length.
    chunked: bool = False
    # What follows a head that tells no length, until the end of the connection.
    stream: Callable[[Callable[[bytes], None]], None] | None = None


class Exchange:
    """What a misbehaviour gets: the request, the honest answer, and the socket."""

    def __init__(self, engine: Engine, raw: socket.socket, request: Request) -> None:
        self.engine = engine
        self.socket = raw
        self.request = request

    def answer(self) -> Answer:
        return self.engine.answer(self.request)

    def send(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except (OSError, ValueError) as error:
            raise Closed from error
        self.engine.bytes_sent += len(data)

    def wait(self, seconds: float) -> None:
        """Does nothing for that long; ends early with the test."""
        if self.engine.ended.wait(seconds):
            raise Closed


class Engine:
    """Listens on a socket in a folder of its own from construction on. `mode`: of
    the socket; `owner`: whose it is and who serves it (root may say so): the one
    who listens is who a client is told it has connected to."""

    def __init__(
        self,
        dialect: str = "docker",
        listening: bool = True,
        mode: int = 0o600,
        owner: int | None = None,
        folder: Path | str | None = None,
    ) -> None:
        assert dialect in API, dialect
        self.dialect = dialect
        self.containers: list[Container] = []
        self.requests: list[Request] = []
        # What no client may do; a test looks at it at its end.
        self.complaints: list[str] = []
        self.connections = 0
        self.bytes_sent = 0
        self.ended = threading.Event()
        self.execs = Execs(self)
        self._fault: Fault | None = None
        self._edits: list[Callable[[dict[str, Any]], Any]] = []
        self._open: set[socket.socket] = set()
        # A path of a socket has 108 bytes at most, which pytest's folders exceed.
        self.folder = Path(folder or tempfile.mkdtemp(prefix="registrar-engine-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self._path = self.folder / f"{'podman' if dialect == 'podman' else 'docker'}.sock"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._path.chmod(mode)
        if owner is not None:
            os.chown(self._path, owner, owner)
        # A bound socket that does not listen refuses connections.
        if listening:
            self._listen(owner)
            threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _listen(self, owner: int | None) -> None:
        if owner is None:
            self._listener.listen(32)
            return
        # unix(7): SO_PEERCRED tells who called listen(2).
        subprocess.run(
            ["true"],
            check=True,
            preexec_fn=lambda: self._listener.listen(32),
            user=owner,
            group=owner,
            extra_groups=[],
        )

    @property
    def socket(self) -> str:
        return str(self._path)

    def close(self) -> None:
        self.ended.set()
        for one in (self._listener, *list(self._open)):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # What a test asks for

    def add(self, name: str, **container: Any) -> Container:
        """A container there, as of Container's fields; it may be changed later."""
        made = Container(name, **container)
        self.containers.append(made)
        return made

    def misbehave(self, fault: Fault | None) -> None:
        """Answers every request with the fault, until told None."""
        self._fault = fault

    def edit(self, change: Callable[[dict[str, Any]], Any]) -> None:
        """Lets `change` work on the body of every container before it is sent; what
        it returns, if anything, is sent in its place."""
        self._edits.append(change)

    def forget(self) -> None:
        """Honest from here on, with an empty record."""
        self._fault = None
        self._edits.clear()
        self.requests.clear()
        self.connections = 0

    # What a test looks at

    @property
    def asked(self) -> list[str]:
        return [request.target for request in self.requests]

    # The engine

    def answer(self, request: Request) -> Answer:
        if request.header("host") is None:
            # net/http refuses it before the engine has seen it.
            status = "400 Bad Request: missing required Host header"
            headers = {"Content-Type": "text/plain; charset=utf-8", "Connection": "close"}
            return Answer(status, headers, status.encode())
        path, _, _query = request.target.partition("?")
        answer = self._podman if self.dialect == "podman" else self._docker
        return answer(request.method, path, request)

    def answer_of(self, status: str, headers: dict[str, str]) -> Answer:
        return Answer(status, headers, b"")

    def _docker(self, method: str, path: str, request: Request) -> Answer:
        # gorilla/mux cleans the decoded path, and sends the client there.
        decoded = unquote(path)
        clean = posixpath.normpath(decoded)
        if decoded.startswith("//"):
            clean = "/" + clean.lstrip("/")
        if decoded.endswith("/") and clean != "/":
            clean += "/"
        if clean != decoded:
            return self._moved(clean)
        nowhere = self._json("404 Not Found", {"message": "page not found"}, engine=False)
        versioned = re.fullmatch(r"/v([0-9.]+)(/.*)", clean)
        if versioned:
            version, clean = versioned.groups()
            refusal = self._refused_version(version)
            if refusal is not None:
                return refusal
        if clean == "/_ping" and method in ("GET", "HEAD"):
            return self._pong()
        command = self.execs.answer(method, clean, request)
        if command is not None:
            return command
        # DELETE /containers/{name:.*} takes all that follows for a name.
        deleted = re.fullmatch(r"/containers/(.+)", clean)
        if method == "DELETE" and deleted:
            return self._absent(deleted[1])
        inspect = re.fullmatch(r"/containers/(.*)/json", clean)
        if method != "GET" or not inspect:
            return nowhere
        found = self._found(inspect[1])
        if len(found) > 1:
            text = f"Multiple IDs found with provided prefix: {inspect[1]}"
            return self._json("500 Internal Server Error", {"message": text})
        return self._inspected(found[0]) if found else self._absent(inspect[1])

    def _refused_version(self, version: str) -> Answer | None:
        newest, oldest = API[self.dialect], OLDEST_API[self.dialect]
        if numbers(version) > numbers(newest):
            text = f"too new. Maximum supported API version is {newest}"
        elif numbers(version) < numbers(oldest):
            text = (
                f"too old. Minimum supported API version is {oldest}, "
                "please upgrade your client to a newer version"
            )
        else:
            return None
        answer = self._json("400 Bad Request", {"message": f"client version {version} is {text}"})
        del answer.headers["Docker-Experimental"]
        return answer

    def _podman(self, method: str, path: str, request: Request) -> Answer:
        # Its router looks at the encoded path.
        clean = posixpath.normpath(path)
        if clean != path and clean + "/" != path:
            return self._moved(clean)
        plain = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
        ping = re.fullmatch(r"(/v[0-9.]+)?/_ping", path)
        if ping and method in ("GET", "HEAD"):
            return self._pong()
        unversioned = re.sub(r"^/v[0-9][0-9A-Za-z.-]*(?=/)", "", path)
        command = self.execs.answer(method, unversioned, request)
        if command is not None:
            return command
        inspect = re.fullmatch(r"/containers/([^/]+)/json", unversioned)
        if not inspect:
            return Answer("404 Not Found", plain, b"Not Found\n")
        if method != "GET":
            return Answer("405 Method Not Allowed", plain, b"Method Not Allowed\n")
        name = unquote(inspect[1])
        found = self._found(name)
        if len(found) > 1:
            cause = "container already exists"
            text = f"more than one result for container ID {name}: {cause}"
            return self._json(
                "404 Not Found", {"cause": cause, "message": text, "response": 404}
            )
        return self._inspected(found[0]) if found else self._absent(name)

    def _found(self, name: str) -> list[Container]:
        """By id or name; else all whose id begins like this."""
        for one in self.containers:
            if name == one.id:
                return [one]
        for one in self.containers:
            if name == one.name:
                return [one]
        return [one for one in self.containers if name and one.id.startswith(name)]

    def _inspected(self, container: Container) -> Answer:
        body: Any = inspected(container, self.dialect)
        for change in self._edits:
            changed = change(body)
            body = body if changed is None else changed
        answer = self._json("200 OK", body)
        # net/http: a body of more than 2048 bytes is not gathered to be counted.
        answer.chunked = len(answer.body) > 2048
        return answer

    def _absent(self, name: str) -> Answer:
        if self.dialect == "podman":
            cause = "no such container"
            text = f'no container with name or ID "{name}" found: {cause}'
            return self._json(
                "404 Not Found", {"cause": cause, "message": text, "response": 404}
            )
        return self._json("404 Not Found", {"message": f"No such container: {name}"})

    def _moved(self, where: str) -> Answer:
        return Answer("301 Moved Permanently", {"Location": where}, b"")

    def _pong(self) -> Answer:
        answer = self._json("200 OK", None)
        answer.headers |= {"Content-Type": "text/plain; charset=utf-8", "Pragma": "no-cache"}
        answer.body = b"OK"
        return answer

    def _json(self, status: str, body: Any, engine: bool = True) -> Answer:
        headers = {"Content-Type": "application/json"}
        if engine:
            headers |= self._headers()
        text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
        # Go's encoder ends with a newline. A lone surrogate would be no UTF-8.
        return Answer(status, headers, text.encode("utf8", "surrogatepass") + b"\n")

    def _headers(self) -> dict[str, str]:
        headers = {"Api-Version": API[self.dialect], "Server": SERVER[self.dialect]}
        if self.dialect == "podman":
            return headers | {"Libpod-Api-Version": "4.3.1", "X-Reference-Id": "0xc000014f60"}
        return headers | {"Docker-Experimental": "false", "Ostype": "linux"}

    # The wire

    def _accept(self) -> None:
        while not self.ended.is_set():
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        raw.settimeout(IDLE_SECONDS)
        self._open.add(raw)
        credentials = raw.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        _pid, uid, _gid = struct.unpack("3i", credentials)
        buffer = b""
        try:
            going_on = True
            while going_on:
                request, buffer = self._read(raw, uid, buffer)
                self.requests.append(request)
                exchange = Exchange(self, raw, request)
                if self._fault is not None:
                    self._fault(exchange)
                    return
                answer = self.answer(request)
                exchange.send(encoded(answer, request.method == "HEAD"))
                if answer.stream is not None:
                    answer.stream(exchange.send)
                    return
                going_on = "Connection" not in answer.headers and (
                    request.header("connection") or ""
                ).lower() != "close"
        except Closed:
            pass
        finally:
            self._open.discard(raw)
            raw.close()

    def _read(self, raw: socket.socket, uid: int, buffer: bytes) -> tuple[Request, bytes]:
        while b"\r\n\r\n" not in buffer:
            if len(buffer) > LONGEST_HEAD:
                self.complaints.append(f"an endless head: {buffer[:200]!r}")
                raise Closed
            buffer += self._more(raw)
        head, _, rest = buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0"):
            self.complaints.append(f"no request line: {first!r}")
            raise Closed
        headers = []
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or name != name.strip():
                self.complaints.append(f"no header: {line!r}")
            headers.append((name, value.strip()))
        request = Request(words[0], words[1], headers, uid)
        if self._judge(request):
            length = min(int(request.header("content-length") or 0), LONGEST_BODY)
            while len(rest) < length:
                rest += self._more(raw)
            request.body, rest = rest[:length], rest[length:]
        return request, rest

    def _more(self, raw: socket.socket) -> bytes:
        try:
            data = raw.recv(65536)
        except (OSError, ValueError) as error:
            raise Closed from error
        if not data:
            raise Closed
        return data

    def _judge(self, request: Request) -> bool:
        """Nothing of the task belongs here: no credential, no proxy, and a body only
        where a command is run. Whether there is to be one."""
        runs = request.method == "POST" and bool(EXEC_PATH.fullmatch(request.target))
        length = int(request.header("content-length") or 0)
        for name in NOT_FOR_AN_ENGINE:
            if request.header(name) is not None and not (runs and name == "content-type"):
                self.complaints.append(f"a header {name} to the engine: {request}")
        if (length and not runs) or request.header("transfer-encoding"):
            self.complaints.append(f"a body to the engine: {request}")
        if not request.target.startswith("/"):
            self.complaints.append(f"asked as a proxy: {request}")
        return runs


def numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part]


def encoded(answer: Answer, head_only: bool = False) -> bytes:
    """On the wire: Go sorts the headers, and ends with the Date and the length."""
    headers = dict(sorted(answer.headers.items()))
    payload = answer.body
    if answer.stream is not None:
        # Written past net/http, the type first: no length, and no Date.
        headers = answer.headers
    elif "Connection" not in headers:
        headers["Date"] = formatdate(usegmt=True)
        if answer.chunked:
            headers["Transfer-Encoding"] = "chunked"
            payload = b"%x\r\n%s\r\n0\r\n\r\n" % (len(payload), payload)
        else:
            headers["Content-Length"] = str(len(payload))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {answer.status}\r\n{lines}\r\n".encode("latin-1")
    return head if head_only else head + payload
