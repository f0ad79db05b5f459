# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands in the containers of the stand-in for an engine (engine.py): POST
/containers/NAME/exec, POST /exec/ID/start and GET /exec/ID/json.

    def hello(run):
        run.err(b"hello\\n")
        return 3

    engine.add("mas", pid=9, programs={"mas-cli": hello})

Statuses and texts are those of moby (daemon/server/router/container/exec.go,
daemon/exec.go, daemon/errors.go, daemon/inspect.go; "docker" as v20.10.24 has them) and
Podman (pkg/api/handlers/compat/exec.go, libpod/container_exec.go, libpod/util.go).
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .engine_bodies import Container, digest

RAW_STREAM = "application/vnd.docker.raw-stream"
OUT, ERR = 1, 2
STREAMS = {OUT: "AttachStdout", ERR: "AttachStderr"}
EXEC_PATH = re.compile(r"(?:/v[0-9][^/]*)?/(?:containers/[^/]+/exec|exec/[^/]+/start)")
# Of a process that no test looks for.
PID = 4321
# Docker hears of the end of a process by another way than of its output's.
KNOWN_LATER_SECONDS = 0.03

Program = Callable[["Run"], int]


class Closed(Exception):
    """The client, or the end of the test, has closed the connection."""


@dataclass
class Run:
    """One command, as its program sees it and as a test looks at it."""

    id: str
    container: Container
    words: list[str]
    environment: dict[str, str]
    attached: dict[str, bool]
    ended: threading.Event  # the test has: whatever runs is to return
    state: str = "created"  # "running", "stopped"
    exit_code: int | None = None
    said: list[tuple[int, bytes]] = field(default_factory=list)
    watcher: Callable[[bytes], None] | None = None

    def out(self, data: bytes) -> None:
        self._say(OUT, data)

    def err(self, data: bytes) -> None:
        self._say(ERR, data)

    def _say(self, stream: int, data: bytes) -> None:
        if len(self.said) < 1000:
            self.said.append((stream, data))
        if self.watcher is None or not self.attached[STREAMS[stream]]:
            return
        try:
            self.watcher(bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data)
        except Closed:
            # The process goes on.
            self.watcher = None


class Execs:
    """Those of one engine."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.runs: list[Run] = []

    @property
    def podman(self) -> bool:
        return self.engine.dialect == "podman"

    def answer(self, method: str, path: str, request: Any) -> Any:
        """None: none of its paths."""
        made = re.fullmatch(r"/containers/([^/]+)/exec", path)
        started = re.fullmatch(r"/exec/([^/]+)/start", path)
        asked = re.fullmatch(r"/exec/([^/]+)/json", path)
        if made and method == "POST":
            return self._make(made[1], request)
        if started and method == "POST":
            return self._start(started[1], request)
        if asked and method == "GET":
            return self._inspect(asked[1])
        return None

    # Making one

    def _make(self, name: str, request: Any) -> Any:
        body = self._body(request)
        if not isinstance(body, dict):
            return body
        words = body.get("Cmd")
        if not self.podman and not words:
            return self._refusal(400, "No exec command specified")
        found = self.engine._found(name)
        if not found:
            return self.engine._absent(name)
        container = found[0]
        refusal = self._not_running(container, name, making=True)
        if refusal is not None:
            return refusal
        if not words:
            text = "must provide a non-empty command to start an exec session"
            return self._refusal(500, f"{text}: invalid argument", "invalid argument")
        pairs = [one.partition("=") for one in body.get("Env") or []]
        run = Run(
            id=digest("exec", container.id, str(len(self.runs))),
            container=container,
            words=list(words),
            environment={key: value for key, _, value in pairs},
            attached={n: body.get(n) is True for n in ("AttachStdout", "AttachStderr")},
            ended=self.engine.ended,
        )
        if body.get("AttachStdin") or body.get("Tty"):
            self.engine.complaints.append(f"a command with an input or a terminal: {body}")
        self.runs.append(run)
        return self.engine._json("201 Created", {"Id": run.id})

    def _body(self, request: Any) -> Any:
        """As JSON, or the answer that refuses it."""
        kind = (request.header("content-type") or "").partition(";")[0].strip()
        if kind != "application/json" and not self.podman:
            text = {
                "docker": f"Content-Type specified ({kind}) must be 'application/json'",
                "docker-new": f"unsupported Content-Type header ({kind}): must be "
                "'application/json'",
            }[self.engine.dialect]
            return self._refusal(400, text)
        try:
            body = json.loads(request.body)
        except ValueError:
            body = None
        return body if isinstance(body, dict) else self._refusal(400, "invalid JSON")

    def _not_running(self, container: Container, name: str, making: bool) -> Any:
        """The refusal, or None."""
        if container.status == "running":
            return None
        if self.podman:
            return self._podman_not_running(container, making)
        if container.status == "paused":
            text = f"Container {name} is paused, unpause the container before exec"
        elif container.status == "restarting":
            text = f"Container {container.id} is restarting, wait until the container is running"
        else:
            word = "Container" if self.engine.dialect == "docker" else "container"
            text = f"{word} {container.id} is not running"
        return self._refusal(409, text)

    def _podman_not_running(self, container: Container, making: bool) -> Any:
        if not making:
            text = (
                "cannot exec in a container that is not running; container "
                f"{container.id} is {container.status}"
            )
            return self._refusal(409, text, text)
        if container.status == "paused":
            text = f"cannot create exec session as container {container.id} is paused"
            return self._refusal(409, text, text)
        cause = "container state improper"
        text = f"can only create exec sessions on running containers: {cause}"
        return self._refusal(500, text, cause)

    def _refusal(self, status: int, text: str, cause: str = "") -> Any:
        reasons = {400: "Bad Request", 404: "Not Found", 409: "Conflict"}
        line = f"{status} {reasons.get(status, 'Internal Server Error')}"
        body: dict[str, Any] = {"message": text}
        if self.podman:
            body = {"cause": cause or text, "message": text, "response": status}
        return self.engine._json(line, body)

    # Running it

    def _found(self, name: str) -> Run | None:
        return next((run for run in self.runs if run.id == name), None)

    def _unknown(self, name: str) -> Any:
        if self.podman:
            cause = "no such exec session"
            return self._refusal(404, f"no exec session with ID {name} found: {cause}", cause)
        return self._refusal(404, f"No such exec instance: {name}")

    def _start(self, name: str, request: Any) -> Any:
        body = self._body(request)
        if not isinstance(body, dict):
            return body
        run = self._found(name)
        if run is None:
            return self._unknown(name)
        refusal = self._not_running(run.container, run.container.id, making=False)
        if refusal is not None:
            return refusal
        if body.get("Detach") or body.get("Tty"):
            self.engine.complaints.append(f"a command is detached, or has a terminal: {body}")
        if run.state != "created" and self.podman:
            cause = "exec session state improper"
            text = (
                f"can only start created exec sessions, while container {run.container.id} "
                f'session {run.id} state is "{run.state}": {cause}'
            )
            return self._refusal(500, text, cause)
        headers = {"Content-Type": RAW_STREAM}
        if not self.podman:
            headers |= self.engine._headers()
        answer = self.engine.answer_of("200 OK", headers)
        answer.stream = lambda send: self._run(run, send)
        return answer

    def _run(self, run: Run, send: Callable[[bytes], None]) -> None:
        """In the thread of the connection, which ends with it."""
        program = run.container.programs.get(run.words[0])
        run.watcher = send
        if run.state != "created":
            # The head has been sent by then: daemon/exec.go.
            word = "Error: Exec command" if self.engine.dialect == "docker" else "exec command"
            run.out(f"{word} {run.id} has already run\r\n".encode())
            return
        if program is None:
            self._cannot_start(run)
            return
        run.state = "running"
        try:
            code = program(run)
        except Exception as error:
            self.engine.complaints.append(f"{run.words[0]} has a mistake in it: {error!r}")
            code = 255
        run.watcher = None
        if self.podman:
            run.exit_code, run.state = code, "stopped"
        else:
            threading.Thread(target=self._know_later, args=(run, code), daemon=True).start()

    def _know_later(self, run: Run, code: int) -> None:
        time.sleep(KNOWN_LATER_SECONDS)
        run.exit_code, run.state = code, "stopped"

    def _cannot_start(self, run: Run) -> None:
        run.exit_code, run.state = 127, "stopped"
        name = run.words[0]
        if self.podman:
            text = f"Error: crun: executable file `{name}` not found in $PATH: No such file or "
            text += "directory: OCI runtime attempted to invoke a command that was not found\n"
            run.err(text.encode())
            return
        text = "OCI runtime exec failed: exec failed: unable to start container process: exec: "
        run.out(f'{text}"{name}": executable file not found in $PATH: unknown\r\n'.encode())

    # Looking at it

    def _inspect(self, name: str) -> Any:
        run = self._found(name)
        if run is None:
            return self._unknown(name)
        code = run.exit_code
        body: dict[str, Any] = {
            "ID": run.id,
            "Running": run.state == "running",
            # Podman has no null there.
            "ExitCode": 0 if code is None and self.podman else code,
            "ProcessConfig": {
                "tty": False,
                "entrypoint": run.words[0],
                "arguments": run.words[1:],
                "privileged": False,
            },
            "OpenStdin": False,
            "OpenStderr": run.attached["AttachStderr"],
            "OpenStdout": run.attached["AttachStdout"],
            "CanRemove": self.podman and run.state == "stopped",
            "ContainerID": run.container.id,
            "DetachKeys": "",
            "Pid": PID if run.state != "created" else 0,
        }
        return self.engine._json("200 OK", body)
