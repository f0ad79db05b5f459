# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment as matrix-docker-ansible-deploy makes it: Synapse in a container
that publishes no port. The container is a network namespace with a real Synapse,
and its engine a stand-in for Docker's API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.playbooks.ansible_run import Ansible, Run
from tests.playbooks.deployment import Deployment
from tests.support.engine import Engine
from tests.support.namespaces import Namespace, needs_namespaces
from tests.support.synapse import Synapse

pytestmark = needs_namespaces
CONTAINER = "matrix-synapse"


@pytest.fixture(scope="module")
def contained() -> Iterator[tuple[Synapse, Engine]]:
    with (
        Namespace() as host,
        Synapse(namespace=host, bind_addresses=list(host.address)) as synapse,
        Engine("docker") as engine,
    ):
        engine.add(
            CONTAINER,
            pid=host.pid,
            networks={"matrix-homeserver": (host.ipv4, "")},
            # As roles/custom/matrix-synapse has it: config_dir_path at /data.
            mounts=[("bind", str(synapse.folder), "/data")],
        )
        yield synapse, engine


@pytest.fixture
def lay(tmp_path: Path, contained: tuple[Synapse, Engine]) -> Callable[..., Deployment]:
    """With no more in its vars.yml than what is this test's: the engine, and a port
    that is not 8008."""
    synapse, engine = contained
    return lambda **variables: Deployment(
        tmp_path / "deployment",
        {
            "matrix_domain": synapse.server_name,
            "matrix_users_container_socket": engine.socket,
            "matrix_users_session_file": str(tmp_path / "sessions" / "session.json"),
        }
        | variables,
    )


def register(run: Callable[..., Run], name: str) -> Run:
    return run("--tags=register-user", f"--extra-vars=username={name} password=correct-horse admin=yes")


def test_beside_the_playbook_nothing_has_to_be_set(
    ansible: Ansible,
    contained: tuple[Synapse, Engine],
    lay: Callable[..., Deployment],
    unique: Callable[[str], str],
) -> None:
    synapse, _ = contained
    name = unique("alice")
    # What its variables say in a deployment, where 8008 is the port of all.
    deployment = lay(
        matrix_synapse_container_client_api_port=synapse.port,
        matrix_synapse_macaroon_secret_key=synapse.secret,
        matrix_user_creator_users_additional=[
            {"username": unique("bot"), "initial_password": "the bot's", "initial_type": "bot"}
        ],
    )

    def run(*arguments: str) -> Run:
        return ansible.run(
            deployment.inventory, *arguments, playbook=deployment.play, env=deployment.environment
        )

    for changed in (1, 0):
        assert register(run, name).rc == 0
        users = run("--tags=ensure-users-created")
        assert (users.rc, users.changed) == (0, changed), users.output
    assert synapse.user(name)["admin"]
    looked = run("--tags=registrar-doctor")
    assert looked.rc == 0, looked.output
    assert f"container {CONTAINER}" in looked.output


def test_with_its_inventory_alone_nothing_has_to_be_set(
    ansible: Ansible,
    contained: tuple[Synapse, Engine],
    lay: Callable[..., Deployment],
    unique: Callable[[str], str],
) -> None:
    synapse, _ = contained
    name = unique("bob")
    inventory = lay().inventory

    def run(*arguments: str) -> Run:
        return ansible.run(inventory, *arguments)

    register(run, name).succeeded(changed=1)
    register(run, name).succeeded(changed=0)

    assert synapse.user(name)["admin"]
    found = run("--tags=registrar-connection").succeeded(changed=0)
    assert "homeserver.yaml, line " in found.output
    assert synapse.secret not in found.output


def test_a_container_that_is_gone_is_named(
    newest_ansible: Ansible, contained: tuple[Synapse, Engine], lay: Callable[..., Deployment]
) -> None:
    inventory = lay(matrix_users_container="synapse-of-yesterday").inventory

    run = newest_ansible.run(inventory, "--tags=registrar-doctor")

    assert run.rc == 2
    assert "synapse-of-yesterday" in run.output
