# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways in which a task may be let into a server."""

from __future__ import annotations

import pytest

# Before they are imported: what an assertion there compared is told, too.
pytest.register_assert_rewrite("tests.servers.proof", "tests.servers.fields")

from tests.servers.fields import WAYS, Task, Way, ways_in  # noqa: E402
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
