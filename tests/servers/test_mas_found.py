# SPDX-License-Identifier: GPL-3.0-or-later
"""MAS that nothing was said about: found by its own configuration, beside that of the
Synapse that has handed its accounts over, on machines of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.servers.deployments import look, run, start_playbook
from tests.servers.proof import a_password
from tests.support import mas_config
from tests.support.engine import Engine
from tests.support.machine import Machine, needs_machine
from tests.support.mas import Mas
from tests.support.namespaces import Namespace, needs_namespaces
from tests.support.synapse import Synapse

pytestmark = [needs_machine(), needs_namespaces]

FILE = "/etc/matrix-authentication-service/config.yaml"
PLAYBOOK = "/matrix/matrix-authentication-service/config/config.yaml"
NAME = "matrix-authentication-service"
Pair = tuple[Mas, Synapse]


@pytest.fixture(scope="module")
def both() -> Iterator[Pair]:
    with Mas(prefix="/auth/") as mas, mas.delegating(Synapse) as synapse:
        yield mas, synapse
        assert not mas.complaints


def secrets_of(mas: Mas) -> tuple[str, ...]:
    return mas.client.secret, mas.secret


def homeserver(synapse: Synapse, mas: Mas, bind: str) -> str:
    listener = {
        "type": "http",
        "port": synapse.port,
        "bind_addresses": [bind],
        "resources": [{"names": ["client", "federation"]}],
    }
    known = {"server_name": synapse.server_name, "listeners": [listener]}
    return yaml.safe_dump(known | {"registration_shared_secret": synapse.secret} | mas.synapse_config())


def put(machine: Machine, pair: Pair, **over: Any) -> None:
    """Both on the machine, as packages leave them there."""
    mas, synapse = pair
    machine.write("/etc/matrix-synapse/homeserver.yaml", homeserver(synapse, mas, "127.0.0.1"))
    machine.write(FILE, yaml.safe_dump(mas_config.document(mas, **over)))


def registers(machine: Machine, mas: Mas, task: dict[str, Any]) -> dict[str, Any]:
    task = task | {"password": a_password()}
    done = run(machine, task, secrets=secrets_of(mas))
    assert done.changed and not done.failed, done.msg
    assert done.json["backend"] == "mas" and done.json["authenticated_by"] == "mas_client_id"
    again = run(machine, task, secrets=secrets_of(mas))
    assert not again.changed and not again.failed, again.msg
    return done.json["discovered"]


def test_a_name_and_a_password_are_enough(machine, both, unique):
    mas, synapse = both
    put(machine, both)
    told = registers(machine, mas, {"username": unique("alice")})
    assert told["mas"] is True and told["backend"] == "synapse"
    mine = told["mas_configuration"]
    # The database of this configuration leads nowhere, which is told elsewhere.
    mine.pop("database_problem", None)
    assert mine == {
        "files": [FILE],
        "url": mas.url,
        "public_url": mas.public_base.rstrip("/"),
        "admin_api": True,
        "admin_url": mas.admin_url,
        "client_id": mas.client.id,
        "database": True,
    }


def test_the_command_line_tells_what_would_be_found(machine, both):
    mas, _ = both
    put(machine, both)
    done = machine.run("--discover")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)["mas_configuration"]
    assert told["client_id"] == mas.client.id and told["url"] == mas.url
    assert not [secret for secret in secrets_of(mas) if secret in done.stdout]
    reply = look(machine)
    assert reply.json["discovered"]["mas_configuration"] == told
    assert f"its admin API on, for the client {mas.client.id}" in reply.json["summary"]


def test_without_a_client_that_is_listed_the_homeserver_refuses(machine, both, unique):
    mas, synapse = both
    put(machine, both, policy={"data": {"admin_clients": []}}, database={"uri": "postgresql:///mas"})
    task = {"username": unique("bob"), "password": a_password()}
    reply = run(machine, task, secrets=secrets_of(mas))
    assert reply.kind == "unsupported" and "Matrix Authentication Service" in reply.msg
    # What is given opens it at the address that is found.
    given = {"mas_client_id": mas.client.id, "mas_client_secret": mas.client.secret}
    assert run(machine, task | given, secrets=secrets_of(mas)).changed


def test_a_configuration_of_another_homeserver_s_is_none(machine, both, unique):
    mas, _ = both
    put(machine, both, matrix={"homeserver": "other.test"})
    task = {"username": unique("carol"), "password": a_password()}
    reply = run(machine, task, secrets=secrets_of(mas))
    assert reply.kind == "invalid" and 'for "other.test"' in reply.msg, reply.msg


def test_the_playbooks_containers_are_found(machine, host: Namespace, docker: Engine, unique):
    with (
        Mas(prefix="/auth/", address=str(host.address[0]), namespace=host) as mas,
        mas.delegating(Synapse, namespace=host, bind_addresses=["::"]) as synapse,
    ):
        machine.write("/matrix/synapse/config/homeserver.yaml", homeserver(synapse, mas, "::"))
        machine.write(PLAYBOOK, yaml.safe_dump(mas_config.document(mas)))
        start_playbook(docker, host)
        networks = {"matrix-homeserver": host.address}
        mounts = [("bind", PLAYBOOK, "/config.yaml")]
        docker.add(NAME, pid=host.pid, networks=networks, mounts=mounts)
        told = registers(machine, mas, {"username": unique("dave")})["mas_configuration"]
        assert told["container"] == NAME and told["files"] == [PLAYBOOK]
        assert told["url"] == f"http://{NAME}:{mas.web.port}/auth"
