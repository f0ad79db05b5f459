# SPDX-License-Identifier: GPL-3.0-or-later
"""Both versions of ansible-core, and inventories that name a server."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.playbooks.ansible_run import Ansible, write_inventory
from tests.support.synapse import Synapse

ADMIN = "playbook-admin"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Which versions a test of `ansible` runs on: a run of ansible-playbook takes
    seconds, so that each entry point is shown on both, and the rest on the newest."""
    if "ansible" in metafunc.fixturenames:
        both = metafunc.config.getoption("every_ansible") or any(
            metafunc.definition.iter_markers("every_ansible")
        )
        versions = ["oldest", "newest"] if both else ["newest"]
        metafunc.parametrize("ansible", versions, indirect=True, scope="session")


@pytest.fixture(scope="session")
def ansible(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ansible:
    """The newest ansible-core; with the mark every_ansible, or the option of that
    name, also the oldest: the test runs twice."""
    return Ansible(request.param, tmp_path_factory.mktemp(f"ansible-{request.param}"))


@pytest.fixture(scope="session")
def newest_ansible(tmp_path_factory: pytest.TempPathFactory) -> Ansible:
    """For what does not depend on the version."""
    return Ansible("newest", tmp_path_factory.mktemp("ansible"))


@pytest.fixture
def make_inventory(tmp_path: Path) -> Callable[..., Path]:
    """make_inventory(matrix_users_url=..., hosts=[...])."""

    def make(hosts: tuple[str, ...] = ("server",), **variables: Any) -> Path:
        return write_inventory(tmp_path / secrets.token_hex(4), variables, hosts)

    return make


@pytest.fixture(scope="session")
def admin_password(synapse: Synapse) -> str:
    """There is an administrator with this password on the shared server."""
    password = secrets.token_urlsafe(16)
    synapse.register(ADMIN, password, admin=True)
    return password


@pytest.fixture
def with_secret(synapse: Synapse, make_inventory: Callable[..., Path]) -> Path:
    """The shared server, opened by its shared secret."""
    return make_inventory(
        matrix_users_url=synapse.url, matrix_users_registration_shared_secret=synapse.secret
    )


@pytest.fixture
def with_admin(
    synapse: Synapse, make_inventory: Callable[..., Path], admin_password: str
) -> Path:
    """The shared server, opened by an administrator's login."""
    return make_inventory(
        matrix_users_url=synapse.url,
        matrix_users_admin_username=ADMIN,
        matrix_users_admin_password=admin_password,
    )
