# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of all suites: servers that live as long as the test run."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.support.conduit import Conduit
from tests.support.continuwuity import Continuwuity
from tests.support.dendrite import Dendrite
from tests.support.mas import Mas
from tests.support.postgres import Postgres
from tests.support.synapse import Synapse
from tests.support.tuwunel import Tuwunel

_numbers = itertools.count(1)


# Here, since pytest asks for options before it looks into the suites' folders.
def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every-ansible",
        action="store_true",
        help="run whatever runs ansible-playbook on the oldest ansible-core, too, marked or not",
    )


@pytest.fixture(scope="session")
def synapse() -> Iterator[Synapse]:
    """The newest Synapse, shared: a test makes accounts of its own there."""
    with Synapse("newest") as server:
        yield server


@pytest.fixture(scope="session")
def synapse_floor() -> Iterator[Synapse]:
    """The oldest Synapse that Registrar promises to work with, shared."""
    with Synapse("floor") as server:
        yield server


@pytest.fixture(params=["newest", "floor"])
def any_synapse(request: pytest.FixtureRequest) -> Synapse:
    """Both of them: the test runs twice."""
    return request.getfixturevalue("synapse" if request.param == "newest" else "synapse_floor")


@pytest.fixture(params=["newest", "floor"])
def any_version(request: pytest.FixtureRequest) -> str:
    """The version for a test that starts a server of its own, on both."""
    return request.param


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL, shared: a test makes databases and roles of its own there, and
    leaves its configuration as it was."""
    with Postgres() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def synapse_postgres(postgres: Postgres) -> Iterator[Synapse]:
    """The newest Synapse, shared, with its database there."""
    with Synapse("newest", postgres=postgres) as server:
        yield server


@pytest.fixture(scope="session")
def dendrite() -> Iterator[Dendrite]:
    """Dendrite on SQLite, shared: a test makes accounts of its own there."""
    with Dendrite() as server:
        yield server


@pytest.fixture(scope="session")
def dendrite_postgres(postgres: Postgres) -> Iterator[Dendrite]:
    """Dendrite, shared, with its database in the shared PostgreSQL."""
    with Dendrite(postgres=postgres) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def any_dendrite(request: pytest.FixtureRequest) -> Dendrite:
    """Both of them: the test runs twice."""
    kind = "dendrite" if request.param == "sqlite" else "dendrite_postgres"
    return request.getfixturevalue(kind)


@pytest.fixture(scope="session")
def mas() -> Iterator[Mas]:
    """The stand-in for MAS of today, shared; mas.beside.server is the newest Synapse,
    which delegates to it. A test makes accounts of its own, and leaves settings as
    they were."""
    with Mas() as server, server.delegating(Synapse):
        yield server
        assert not server.complaints


@pytest.fixture(scope="session")
def tuwunel() -> Iterator[Tuwunel]:
    """The stand-in for it, shared, as are the two below: a test makes accounts of its own,
    and leaves settings as they were."""
    with Tuwunel() as server:
        yield server
        assert not server.complaints


@pytest.fixture(scope="session")
def continuwuity() -> Iterator[Continuwuity]:
    with Continuwuity() as server:
        yield server
        assert not server.complaints


@pytest.fixture(scope="session")
def conduit() -> Iterator[Conduit]:
    with Conduit() as server:
        yield server
        assert not server.complaints


@pytest.fixture
def unique() -> Callable[[str], str]:
    """unique("alice") is a localpart that no other test of this run uses."""
    return lambda stem="user": f"{stem}-{next(_numbers)}"
