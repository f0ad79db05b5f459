# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment as matrix-docker-ansible-deploy makes it, with Matrix Authentication
Service and the integrated database. The containers are a network namespace, with a real
Synapse and the stand-in for MAS; the engine and the command in MAS's container are
stand-ins, the database a real PostgreSQL with MAS's tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.playbooks.ansible_run import Ansible, Run
from tests.playbooks.deployment import Deployment
from tests.support import mas_config
from tests.support.engine import Engine
from tests.support.mas import Mas
from tests.support.mas_manage import MasManage
from tests.support.mas_passwords import Scheme
from tests.support.mas_postgres import PostgresStore
from tests.support.mas_tables import MasTables
from tests.support.namespaces import Namespace, needs_namespaces
from tests.support.postgres import Postgres
from tests.support.synapse import Synapse

pytestmark = needs_namespaces
PASSWORD = "correct horse battery"
CONTAINER = "matrix-authentication-service"


class Contained(NamedTuple):
    mas: Mas
    synapse: Synapse
    engine: Engine
    manage: MasManage
    tables: MasTables
    config: Path


@pytest.fixture(scope="module")
def contained(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contained]:
    config = tmp_path_factory.mktemp("mas") / "config.yaml"
    with (
        Namespace() as host,
        MasTables(postgres) as tables,
        MasManage(tables) as manage,
        Mas(
            namespace=host,
            address="0.0.0.0",
            prefix="/auth/",
            adminapi="web",
            store=PostgresStore(postgres, tables.name),
        ) as mas,
        mas.delegating(Synapse, namespace=host, bind_addresses=list(host.address)) as synapse,
        Engine("docker") as engine,
    ):
        manage.hashed = lambda password: (1, Scheme().hashed(password))
        networks = {"matrix-homeserver": (host.ipv4, "")}
        engine.add(
            "matrix-synapse",
            pid=host.pid,
            networks=networks,
            mounts=[("bind", str(synapse.folder), "/data")],
        )
        engine.add(
            CONTAINER,
            pid=host.pid,
            networks=networks,
            # As roles/custom/matrix-authentication-service has it.
            mounts=[
                ("bind", str(config), "/config.yaml"),
                ("bind", str(postgres.socket_folder), "/run-postgres"),
            ],
            programs={"mas-cli": manage},
        )
        yield Contained(mas, synapse, engine, manage, tables, config)


def write_config(contained: Contained, **over: Any) -> None:
    """As that playbook's template has it."""
    database = {
        "host": "/run-postgres",
        "port": contained.tables.postgres.port,
        "username": contained.tables.name,
        "password": contained.tables.password,
        "database": contained.tables.name,
        "ssl_mode": "disable",
    }
    mas_config.write(contained.config, contained.mas, database=database, **over)


@pytest.fixture
def without_the_api(contained: Contained) -> Iterator[None]:
    """As that playbook has it by default."""
    contained.mas.adminapi = None
    write_config(contained, clients=[], policy=None)
    contained.manage.calls.clear()
    yield
    contained.mas.adminapi = "web"


@pytest.fixture
def lay(tmp_path: Path, contained: Contained) -> Callable[..., Deployment]:
    """With no more in its vars.yml than its documentation asks for, and what is this
    test's: the engine, and where the database is that is not in /matrix."""
    tables = contained.tables
    return lambda **variables: Deployment(
        tmp_path / "deployment",
        {
            "matrix_domain": contained.synapse.server_name,
            "matrix_authentication_service_enabled": True,
            "matrix_users_container_socket": contained.engine.socket,
            "matrix_users_session_file": str(tmp_path / "sessions" / "session.json"),
            "postgres_run_path": str(tables.postgres.socket_folder),
            "matrix_authentication_service_config_database_port": tables.postgres.port,
            "matrix_authentication_service_config_database_database": tables.name,
            "matrix_authentication_service_config_database_username": tables.name,
            "matrix_authentication_service_config_database_password": tables.password,
        }
        | variables,
    )


def beside(ansible: Ansible, deployment: Deployment) -> Callable[..., Run]:
    return lambda *arguments, **more: ansible.run(
        deployment.inventory,
        *arguments,
        playbook=deployment.play,
        env=deployment.environment | more,
    )


def register(run: Callable[..., Run], name: str) -> Run:
    variables = f"username={name} admin=yes email={name}@example.test"
    return run("--tags=register-user", f"--extra-vars={variables}", "-vvv", REGISTRAR_PASSWORD=PASSWORD)


def commands(contained: Contained) -> list[str]:
    return [call[call.index("manage") + 1] for call in contained.manage.calls]


def test_its_register_user_works_with_no_new_variable(
    ansible: Ansible,
    contained: Contained,
    without_the_api: None,
    lay: Callable[..., Deployment],
    unique: Callable[[str], str],
) -> None:
    name = unique("alice")
    bot = unique("bot")
    deployment = lay(
        matrix_user_creator_users_additional=[
            {"username": bot, "initial_password": "weak", "initial_type": "bot"}
        ]
    )
    run = beside(ansible, deployment)

    first = register(run, name)
    again = register(run, name)
    listed = run("--tags=ensure-users-created")
    listed_again = run("--tags=ensure-users-created")

    outcomes = [(one.rc, one.changed) for one in (first, again, listed, listed_again)]
    assert outcomes == [(0, 1), (0, 0), (0, 1), (0, 0)], first.output + listed.output
    mas = contained.mas
    assert mas.user(name)["can_request_admin"] and mas.has_password(name, PASSWORD)
    assert mas.emails(name) == [f"{name}@example.test"]
    assert mas.has_password(bot, "weak") and not mas.user(bot)["can_request_admin"]
    assert commands(contained) == ["register-user", "register-user"]
    # Where it was to be read for a moment is said, and it is not.
    output = first.output.replace("\n", " ")
    assert "stood in the arguments of mas-cli" in output
    for secret in (PASSWORD, contained.tables.password):
        assert secret not in first.output + again.output
    assert "no types of users can be set" in " ".join(listed.output.split())
    assert f"(initial_type): {bot}" in " ".join(listed.output.split())


def test_promote_demote_password_and_deactivate_do_so_too(
    newest_ansible: Ansible,
    contained: Contained,
    without_the_api: None,
    lay: Callable[..., Deployment],
    unique: Callable[[str], str],
) -> None:
    name = unique("bob")
    contained.tables.add_user(name)
    run = beside(newest_ansible, lay())

    for tag in ("promote-user", "demote-user", "update-user-password", "deactivate-user"):
        for changed in (1, 0):
            done = run(f"--tags={tag}", f"--extra-vars=username={name}", REGISTRAR_PASSWORD=PASSWORD)
            assert (done.rc, done.changed) == (0, changed), done.output

    user = contained.mas.user(name)
    assert not user["can_request_admin"] and user["deactivated_at"] is not None
    assert contained.mas.has_password(name, PASSWORD)


def test_its_inventory_alone_does(
    ansible: Ansible,
    contained: Contained,
    without_the_api: None,
    lay: Callable[..., Deployment],
    unique: Callable[[str], str],
) -> None:
    name = unique("carol")
    inventory = lay().inventory
    # Of the database, it is then MAS's configuration that knows.
    file = inventory.parent / "host_vars" / "matrix.example.test" / "vars.yml"
    lines = file.read_text().splitlines(True)
    file.write_text("".join(line for line in lines if "config_database" not in line))

    def run(*arguments: str, **more: str) -> Run:
        return ansible.run(inventory, *arguments, env=more)

    register(run, name).succeeded(changed=1)
    register(run, name).succeeded(changed=0)

    assert contained.mas.has_password(name, PASSWORD)
    found = run("--tags=registrar-connection").succeeded(changed=0)
    assert "config.yaml" in found.output
    assert contained.tables.password not in found.output
    looked = run("--tags=registrar-doctor").succeeded(changed=0)
    assert "Matrix Authentication Service" in looked.output
    assert f"@{name}:{contained.synapse.server_name}" in looked.output


@pytest.mark.parametrize("known", ["by its variables", "by its configuration"])
def test_once_the_api_is_switched_on_it_is_used(
    ansible: Ansible,
    contained: Contained,
    lay: Callable[..., Deployment],
    unique: Callable[[str], str],
    known: str,
) -> None:
    mas, name = contained.mas, unique("dora")
    write_config(contained)
    contained.manage.calls.clear()
    policy = f"policy: {{data: {{admin_clients: [{mas.client.id}]}}}}\n"
    client = {
        "client_id": mas.client.id,
        "client_auth_method": "client_secret_basic",
        "client_secret": mas.client.secret,
    }
    stated = {
        "matrix_authentication_service_admin_api_enabled": True,
        "matrix_authentication_service_config_clients_custom": [client],
        "matrix_authentication_service_configuration_extension_yaml": policy,
    }
    run = beside(ansible, lay(**(stated if known == "by its variables" else {})))

    first, again = register(run, name), register(run, name)

    assert [(one.rc, one.changed) for one in (first, again)] == [(0, 1), (0, 0)], first.output
    assert mas.user(name)["can_request_admin"] and mas.has_password(name, PASSWORD)
    assert not mas.beside.is_localpart_available(name)
    assert contained.manage.calls == []
    for secret in (PASSWORD, mas.client.secret, contained.tables.password):
        assert secret not in first.output + again.output
    assert not mas.complaints
