# SPDX-License-Identifier: GPL-3.0-or-later
"""MAS as matrix-docker-ansible-deploy leaves it: in a container, with its admin API
switched off and its database in another container. Nothing is said, all is found;
what is to be changed is done by MAS's own command. Synapse and PostgreSQL are real."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import yaml

from tests.servers.deployments import run, start_playbook
from tests.servers.proof import a_password
from tests.servers.test_mas_found import NAME, PLAYBOOK, homeserver
from tests.support import mas_config
from tests.support.engine import Engine
from tests.support.machine import Machine, needs_machine
from tests.support.mas import Mas
from tests.support.mas_manage import MasManage
from tests.support.mas_postgres import PostgresStore
from tests.support.mas_tables import MasTables
from tests.support.module import Reply
from tests.support.namespaces import Namespace, needs_namespaces
from tests.support.postgres import Postgres
from tests.support.synapse import Synapse

pytestmark = [needs_machine(), needs_namespaces]


class Deployment(NamedTuple):
    machine: Machine
    mas: Mas
    manage: MasManage
    tables: MasTables

    def run(self, check: bool = False, **task: Any) -> Reply:
        """What it was told, nobody is shown."""
        secrets = (self.mas.secret, self.tables.password)
        return run(self.machine, task, secrets=secrets, check=check)

    @property
    def commands(self) -> list[str]:
        return [call[call.index("manage") + 1] for call in self.manage.calls]

    def password_is(self, name: str, password: str) -> bool:
        return self.mas.has_password(name, password)


@pytest.fixture(scope="module")
def cluster(host: Namespace) -> Iterator[Postgres]:
    with Postgres(namespace=host) as one:
        yield one


@pytest.fixture(scope="module")
def beside(host: Namespace, cluster: Postgres) -> Iterator[tuple[Mas, MasTables, Synapse]]:
    with (
        MasTables(cluster) as tables,
        Mas(
            adminapi=None,
            address=str(host.address[0]),
            namespace=host,
            store=PostgresStore(cluster, tables.name),
        ) as mas,
        mas.delegating(Synapse, namespace=host, bind_addresses=["::"]) as synapse,
    ):
        yield mas, tables, synapse


@pytest.fixture
def deployment(machine: Machine, host: Namespace, docker: Engine, cluster: Postgres, beside):
    mas, tables, synapse = beside
    database = tables.uri.replace(cluster.address, "matrix-postgres")
    document = mas_config.document(mas, database=database)
    machine.write("/matrix/synapse/config/homeserver.yaml", homeserver(synapse, mas, "::"))
    machine.write(PLAYBOOK, yaml.safe_dump(document))
    start_playbook(docker, host)
    networks = {"matrix-homeserver": host.address}
    docker.add("matrix-postgres", pid=host.pid, networks=networks)
    with MasManage(tables) as manage:
        manage.hashed = lambda given: (mas.schemes[0].version, mas.schemes[0].hashed(given))
        docker.add(
            NAME,
            pid=host.pid,
            networks=networks,
            mounts=[("bind", PLAYBOOK, "/config.yaml")],
            programs={"mas-cli": manage},
        )
        yield Deployment(machine, mas, manage, tables)


def test_a_name_and_a_password_are_enough(deployment, unique):
    name, password = unique("alice"), a_password()
    task = {"username": name, "password": password, "if_exists": "match"}
    foretold = deployment.run(check=True, **task)
    assert not foretold.failed and foretold.json["actions"] == ["create"], foretold.json
    assert deployment.commands == []
    done = deployment.run(**task)
    assert not done.failed and done.json["actions"] == ["create"], done.json
    assert done.json["backend"] == "mas" and done.json["authenticated_by"] == "mas_container"
    assert deployment.commands == ["register-user"]
    assert any("stood in the arguments" in warning for warning in done.json["warnings"])
    assert deployment.password_is(name, password)
    again = deployment.run(**task)
    assert not again.failed and not again.changed, again.json
    taken = deployment.run(**task | {"password": a_password()})
    assert taken.kind == "conflict" and not taken.changed, taken.json
    assert deployment.commands == ["register-user"]


def test_an_administrator_with_an_address_is_made_at_once(deployment, unique):
    name = unique("root")
    email = f"{name}@example.org"
    task = {"username": name, "password": a_password(), "admin": True, "emails": [email]}
    done = deployment.run(**task)
    assert not done.failed and done.changed, done.json
    assert deployment.mas.user(name)["can_request_admin"] is True
    assert deployment.mas.emails(name) == [email]
    assert deployment.commands == ["register-user"]
    assert not deployment.run(**task).changed
    # Nobody else gets it, whom MAS's own command would give it to.
    other = deployment.run(username=unique("eve"), password=a_password(), emails=[email.upper()])
    assert other.kind == "conflict" and not other.changed, other.json


def test_a_display_name_comes_with_the_user(deployment, unique):
    task = {"username": unique("named"), "password": a_password(), "displayname": "A Name"}
    done = deployment.run(**task)
    assert not done.failed and done.json["actions"] == ["create"], done.json
    assert deployment.commands == ["register-user"]
    assert "--display-name=A Name" in deployment.manage.calls[0]


def test_one_who_is_there_is_promoted_demoted_and_given_a_password(deployment, unique):
    name, password, another = unique("bob"), a_password(), a_password()
    deployment.run(username=name, password=password)
    for admin, action in ((True, "set admin"), (False, "unset admin")):
        done = deployment.run(username=name, admin=admin, if_absent="fail")
        assert not done.failed and done.json["actions"] == [action], done.json
        assert deployment.mas.user(name)["can_request_admin"] is admin
        assert not deployment.run(username=name, admin=admin, if_absent="fail").changed
    task = {"username": name, "password": another, "update_password": "always"}
    assert deployment.run(**task).json["actions"] == ["set password"]
    assert deployment.password_is(name, another)
    # The stored hash says so, and nobody logs in for it.
    deployment.mas.forget()
    assert not deployment.run(**task).changed
    assert "/_matrix/client/v3/login" not in [request.path for request in deployment.mas.requests]


def test_one_is_locked_and_deactivated(deployment, unique):
    name = unique("carol")
    deployment.run(username=name, password=a_password())
    for locked, action in ((True, "lock"), (False, "unlock")):
        assert deployment.run(username=name, locked=locked).json["actions"] == [action]
        assert not deployment.run(username=name, locked=locked).changed
    done = deployment.run(username=name, state="deactivated")
    assert not done.failed and done.json["actions"] == ["deactivate"], done.json
    assert not deployment.run(username=name, state="deactivated").changed


@pytest.mark.parametrize(
    "task",
    [
        {"external_ids": [{"provider": "x", "id": "1"}]},
        {"state": "deactivated", "erase": True},
        {"displayname": "Another"},
        {"user_type": "bot"},
    ],
    ids=lambda task: list(task)[-1],
)
def test_what_the_command_cannot_do_is_refused_before_anything_is_changed(deployment, unique, task):
    name = unique("dave")
    deployment.run(username=name, password=a_password())
    before = list(deployment.manage.calls)
    reply = deployment.run(username=name, **task)
    assert reply.failed and not reply.changed, reply.json
    assert reply.kind == "unsupported" and "admin API" in reply.msg, reply.msg
    assert deployment.manage.calls == before


def test_a_weak_password_makes_nobody(deployment, unique):
    name = unique("weak")
    reply = deployment.run(username=name, password="aaaaaaaaaa")
    assert reply.failed and not reply.changed and "too weak" in reply.msg, reply.json
    assert name not in deployment.mas.user_names()
