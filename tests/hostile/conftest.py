# SPDX-License-Identifier: GPL-3.0-or-later
"""The hostile server as the tests of this folder meet it: root, who is an
administrator, and alice, who is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.hostile import HostileServer
from tests.support.hostile_tasks import populated


@pytest.fixture
def server() -> Iterator[HostileServer]:
    with HostileServer() as one:
        yield populated(one)
        assert not one.complaints


@pytest.fixture
def elsewhere() -> Iterator[HostileServer]:
    """Another origin, at which nothing of a task must ever arrive."""
    with HostileServer() as one:
        yield populated(one)
        assert one.connections == 0, f"another origin was contacted: {one.requests}"
