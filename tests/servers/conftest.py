# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways in which a task may be let into a server, who may run it, and the
machines on which a server may be found."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

# Before they are imported: what an assertion there compared is told, too.
pytest.register_assert_rewrite(
    "tests.servers.proof", "tests.servers.fields", "tests.servers.mas_proof"
)

from tests.servers.fields import WAYS, Task, Way, ways_in  # noqa: E402
from tests.support.engine import Engine  # noqa: E402
from tests.support.machine import Machine  # noqa: E402
from tests.support.mas import Mas  # noqa: E402
from tests.support.module import Reply, Running, start_module  # noqa: E402
from tests.support.namespaces import Namespace  # noqa: E402
from tests.support.synapse import Synapse  # noqa: E402


@pytest.fixture(scope="session")
def ways(tmp_path_factory: pytest.TempPathFactory):
    """ways(server)["token"], ["secret"] or ["session"], each a Task. The session
    file lives as long as the server."""
    made: dict[int, dict[str, Task]] = {}

    def of(server: Synapse) -> dict[str, Task]:
        if server.port not in made:
            folder = tmp_path_factory.mktemp("kept")
            made[server.port] = ways_in(server, str(folder / "sessions.json"))
        return made[server.port]

    return of


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, ways) -> Way:
    """The test runs once in each of them."""
    version, _, name = request.param.partition("-")
    server = request.getfixturevalue("synapse" if version == "newest" else "synapse_floor")
    return Way(name, server, ways(server)[name])


class Unprivileged(NamedTuple):
    """A user whom modes of files hold off, and a folder that is theirs."""

    user: int | None
    folder: Path

    def start(self, task: dict[str, Any]) -> Running:
        return start_module(task, user=self.user)

    def run(self, task: dict[str, Any]) -> Reply:
        return self.start(task).wait()


@pytest.fixture
def unprivileged(tmp_path: Path) -> Iterator[Unprivileged]:
    """Oneself, or nobody where that is root, who reads and writes everything."""
    nobody = 65534 if os.geteuid() == 0 else None
    # Nobody has to get there, and pytest's own folders are for their owner.
    with tempfile.TemporaryDirectory() as outer:
        os.chmod(outer, 0o755)
        folder = Path(outer) / "theirs"
        folder.mkdir(mode=0o700)
        if nobody is not None:
            os.chown(folder, nobody, -1)
        yield Unprivileged(nobody, folder)
        folder.chmod(0o700)


@pytest.fixture(scope="module")
def host() -> Iterator[Namespace]:
    with Namespace() as one:
        yield one


@pytest.fixture(scope="module")
def contained(host: Namespace) -> Iterator[Synapse]:
    """What runs in the containers of all these machines: reachable from here."""
    with Synapse(namespace=host, bind_addresses=["::"]) as server:
        yield server


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine() as one:
        yield one


@pytest.fixture
def docker(machine: Machine) -> Iterator[Engine]:
    with Engine("docker", folder=machine.root / "run") as engine:
        yield engine
        assert not engine.complaints


@pytest.fixture
def podman(machine: Machine) -> Iterator[Engine]:
    with Engine("podman", folder=machine.root / "run" / "podman") as engine:
        yield engine
        assert not engine.complaints


@pytest.fixture
def nothing_left(mas: Mas) -> Iterator[None]:
    """For tests of the shared MAS: no session of any kind is left there, no device at
    the homeserver, no secret was in a URL, and no request was one that the description
    of MAS's admin API does not have."""
    mas.forget()
    mas.compat.limiter.reset()
    mas.jobs.settle()
    # What other tests have left there on purpose is not this one's.
    mas.end_sessions()
    before = mas.active_sessions()
    devices = "SELECT count(*) FROM devices"
    had = mas.beside.server.query(devices)
    yield
    mas.jobs.settle()
    assert mas.complaints == [] and mas.invalid_requests == []
    assert mas.active_sessions() == before
    assert mas.beside.server.query(devices) == had
