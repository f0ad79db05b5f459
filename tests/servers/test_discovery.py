# SPDX-License-Identifier: GPL-3.0-or-later
"""A homeserver that nothing was said about, on machines as packagers leave them:
tasks of a username and a password find it, and what opens it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import NamedTuple

import pytest

from tests.servers import deployments
from tests.servers.deployments import Deployment, look, run
from tests.servers.opened import opened_in
from tests.servers.proof import a_password, requests_during, state
from tests.support.engine import Engine
from tests.support.machine import Machine, needs_machine
from tests.support.namespaces import Namespace, needs_namespaces
from tests.support.synapse import Synapse

pytestmark = [needs_machine(), needs_namespaces]

NOBODY = 65534


class Deployed(NamedTuple):
    machine: Machine
    server: Synapse
    deployment: Deployment


@pytest.fixture
def make(machine: Machine, host: Namespace, request: pytest.FixtureRequest):
    """make(name) is one of PLACES on the machine."""

    def on_the_machine(kind: Callable[..., Deployment], **how: object) -> Deployed:
        server = request.getfixturevalue("synapse")
        return Deployed(machine, server, kind(machine, server, **how))

    def in_a_container(engine: str, kind: Callable[..., Deployment], **how: object) -> Deployed:
        server = request.getfixturevalue("contained")
        asked = request.getfixturevalue(engine)
        return Deployed(machine, server, kind(machine, asked, host, server, **how))

    def of(name: str) -> Deployed:
        match name:
            case "Debian":
                return on_the_machine(deployments.debian)
            case "Debian, the secret in a file":
                return on_the_machine(deployments.debian, by_path=True)
            case "matrix.org's package":
                return on_the_machine(deployments.plain, folder="/etc/matrix-synapse")
            case "Fedora, Arch Linux":
                return on_the_machine(deployments.plain)
            case "the playbook":
                return in_a_container("docker", deployments.playbook)
            case "the playbook, the secret in a file":
                return in_a_container("docker", deployments.playbook, by_path=True)
            case "the image in Docker":
                return in_a_container("docker", deployments.image)
            case "the image in Podman":
                return in_a_container("podman", deployments.image)
        raise AssertionError(name)

    return of


PLACES = [
    "Debian",
    "Debian, the secret in a file",
    "matrix.org's package",
    "Fedora, Arch Linux",
    "the playbook",
    "the playbook, the secret in a file",
    "the image in Docker",
    "the image in Podman",
]


@pytest.fixture(params=PLACES)
def deployed(request: pytest.FixtureRequest, make) -> Deployed:
    return make(request.param)


def told(deployed: Deployed) -> dict[str, object]:
    """What a reply has to say of it."""
    deployment = deployed.deployment
    container = {"container": deployment.container} if deployment.container else {}
    return container | {
        "backend": "synapse",
        "files": deployment.files,
        "server_name": deployed.server.server_name,
        "url": deployment.url,
        "registration_shared_secret": True,
        "registration_shared_secret_from": deployment.secret_from,
        "mas": False,
        "database": deployment.database,
    }


# Every packager's


def test_a_name_and_a_password_are_enough_to_register_and_a_name_to_promote(deployed, unique):
    machine, server, _ = deployed
    name = unique("found")
    account = {"username": name, "password": a_password()}
    for task, actions in ((account, ["create"]), ({"username": name, "admin": True}, None)):
        before = state(server)
        predicted = run(machine, task, check=True, secrets=(server.secret,))
        assert predicted.changed, predicted.json
        assert state(server) == before, "check mode changed something"
        done = run(machine, task, secrets=(server.secret,))
        assert done.changed, done.json
        assert actions is None or done.json["actions"] == actions
        again = run(machine, task, secrets=(server.secret,))
        assert not again.failed and not again.changed, again.json
        for reply in (predicted, done, again):
            assert reply.json["discovered"] == told(deployed)
    assert server.user(name)["admin"]


def test_the_command_line_tells_what_would_be_found(deployed):
    machine, server, _ = deployed
    done = machine.run("--discover")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == told(deployed)
    assert server.secret not in done.stdout


# A look at it


def test_a_look_tells_the_way_into_the_container_and_what_opens_the_server(make, host):
    machine, server, deployment = make("the playbook")
    before = state(server)
    reply = run(machine, {}, module="matrix_connection_info", secrets=(server.secret,))
    assert not reply.failed, reply.json
    assert state(server) == before
    assert reply.json["connection"] == {
        "url": deployment.url,
        "container": "matrix-synapse",
        "address": host.ipv4,
        "via": "container address",
    }
    assert reply.json["credentials"] == [{"option": "registration_shared_secret", "works": True}]
    assert reply.json["secret_is_current"] is True
    assert reply.json["server_name"] == server.server_name
    assert f"{deployment.url} (container matrix-synapse, {host.ipv4}): Synapse " in (
        reply.json["summary"]
    )


def test_a_look_without_asking_tells_what_is_found_and_speaks_to_nobody(make):
    machine, server, deployment = make("the playbook")
    replies = []
    assert requests_during(server, lambda: replies.append(look(machine))) == []
    (reply,) = replies
    assert reply.json == {
        "changed": False,
        "discovered": told(Deployed(machine, server, deployment)),
        # Nobody has tried which way leads there.
        "connection": {
            "url": deployment.url,
            "container": "matrix-synapse",
            "via": "container",
        },
        "summary": f"{deployment.url} (container matrix-synapse): synapse of "
        f"{server.server_name}, found in {deployment.files[0]}; registration_shared_secret "
        f"found in {deployment.secret_from}; the server was not asked",
    }


def test_a_look_tells_what_is_found_also_where_its_secret_cannot_be_read(make):
    machine, _, deployment = make("the playbook, the secret in a file")
    machine.path(deployment.secret_from).write_text("\n")
    reply = run(machine, {}, module="matrix_connection_info")
    assert reply.kind == "invalid", reply.json
    assert f"{deployment.secret_from} is empty" in reply.msg
    discovered = reply.json["discovered"]
    assert discovered["files"] == deployment.files
    assert discovered["registration_shared_secret"] is False
    assert discovered["registration_shared_secret_problem"] == reply.msg


# What is given wins


def test_a_credential_that_is_given_is_the_one_that_is_used(make, unique):
    machine, server, _ = make("Debian")
    task = {"username": unique("given"), "password": a_password()}
    wrong = run(machine, task | {"registration_shared_secret": "another secret"})
    assert wrong.kind == "unauthorized", wrong.json
    right = run(machine, task | {"access_token": server.admin_token})
    assert right.json["authenticated_by"] == "access_token", right.json
    assert right.json["discovered"]["registration_shared_secret"]


def test_a_credential_that_is_given_makes_up_for_a_secret_that_cannot_be_read(make, unique):
    machine, server, deployment = make("Debian, the secret in a file")
    machine.path(deployment.secret_from).unlink()
    task = {"username": unique("given"), "password": a_password()}
    without = run(machine, task)
    assert without.kind == "invalid", without.json
    assert f"{deployment.files[1]}, line 2: registration_shared_secret_path" in without.msg
    assert "is not there" in without.msg
    done = run(machine, task | {"registration_shared_secret": server.secret})
    assert done.changed, done.json
    assert done.json["discovered"]["registration_shared_secret_problem"] in without.msg


def test_another_server_name_than_the_one_that_is_found_is_refused(make, unique):
    machine, server, deployment = make("Debian")
    before = state(server)
    task = {"username": unique("elsewhere"), "password": a_password(), "server_name": "other.test"}
    reply = run(machine, task)
    assert reply.kind == "invalid", reply.json
    for part in ("other.test", server.server_name, deployment.files[0]):
        assert part in reply.msg
    assert state(server) == before


@pytest.mark.parametrize("where", ["url", "unix_socket"])
def test_where_a_task_says_where_nothing_is_looked_for(make, docker, tmp_path, where):
    machine, server, _ = make("Debian")
    said = {"url": server.url} if where == "url" else {"unix_socket": str(tmp_path / "none")}
    folder = machine.root / "etc" / "matrix-synapse"
    with opened_in(folder) as names:
        reply = run(machine, {"username": "nobody", "password": "Pass word 1"} | said, check=True)
    assert "discovered" not in reply.json
    assert names == []
    assert docker.connections == 0
    with opened_in(folder) as names:
        run(machine, {"username": "nobody", "password": "Pass word 1"}, check=True)
    assert "homeserver.yaml" in names
    assert docker.connections > 0


def test_a_container_that_is_named_is_the_only_place_that_is_looked_into(
    make, docker, contained, host, unique
):
    machine, _, _ = make("Debian")
    deployments.playbook(machine, docker, host, contained)
    named = deployments.image(machine, docker, host, contained, name="chat")
    task = {"username": unique("named"), "password": a_password(), "container": "chat"}
    with opened_in(machine.root / "etc" / "matrix-synapse") as names:
        reply = run(machine, task)
    assert reply.changed, reply.json
    assert reply.json["discovered"] == told(Deployed(machine, contained, named))
    assert names == []
    assert set(docker.asked) == {"/containers/chat/json"}


# None, too many, or not there


def test_where_there_is_none_the_error_tells_what_was_looked_for(machine):
    reply = run(machine, {"username": "alice", "password": "Pass word 1"})
    done = machine.run("--discover")
    assert reply.kind == "invalid", reply.json
    for part in (
        "/matrix/synapse/config/homeserver.yaml",
        "/etc/matrix-synapse/homeserver.yaml",
        "/etc/synapse/homeserver.yaml",
        "container matrix-synapse",
        "container synapse",
        "/run/docker.sock",
        "/run/podman/podman.sock",
        "give url, unix_socket or container",
    ):
        assert part in reply.msg
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"registrar: {reply.msg}\n"


def test_two_homeservers_on_one_machine_are_both_named(make, docker, contained, host):
    machine, _, debian = make("Debian")
    playbook = deployments.playbook(machine, docker, host, contained)
    reply = look(machine)
    assert reply.kind == "invalid", reply.json
    assert debian.files[0] in reply.msg and playbook.files[0] in reply.msg
    assert "url or container" in reply.msg
    chosen = look(machine, container="matrix-synapse")
    assert chosen.json["discovered"]["files"] == playbook.files


@pytest.mark.parametrize("second", ["cannot be read", "does not run"])
def test_a_second_homeserver_counts_though_nobody_can_tell_what_it_is(
    make, docker, contained, host, second
):
    if second == "does not run":
        machine, _, first = make("Debian")
        file = "/matrix/synapse/config/homeserver.yaml"
        deployments.playbook(machine, docker, host, contained, running=False)
    else:
        machine, _, first = make("the playbook")
        file = "/etc/matrix-synapse/homeserver.yaml"
        machine.write(file, "listeners: [")
    reply = look(machine)
    assert reply.kind == "invalid", reply.json
    assert first.files[0] in reply.msg and file in reply.msg


@pytest.mark.parametrize("engine", ["has none", "has others", "does not listen", "is no engine"])
def test_an_engine_does_not_stand_in_the_way_of_a_package(make, unique, engine):
    machine, server, _ = make("Debian")
    with Engine("docker", folder=machine.root / "run", listening=engine != "does not listen") as one:
        if engine == "has others":
            one.add("synapse", pid=4711, mounts=[("bind", "/srv/analytics", "/var/lib/analytics")])
            one.add("matrix-synapse", status="exited")
        if engine == "is no engine":
            one.edit(lambda _: [])
            one.add("matrix-synapse", pid=4711)
        reply = run(machine, {"username": unique("package"), "password": a_password()})
    assert reply.changed, reply.json


@pytest.mark.parametrize("status", ["exited", None])
def test_a_container_that_is_down_is_an_error_that_says_how_to_start_it(
    machine, docker, contained, host, status
):
    deployments.playbook(machine, docker, host, contained, running=False)
    if status is not None:
        deployments.start_playbook(docker, host, status=status)
    reply = run(machine, {"username": "alice", "password": "Pass word 1"})
    assert reply.kind == "unreachable", reply.json
    assert "systemctl start matrix-synapse" in reply.msg
    assert "journalctl -u matrix-synapse" in reply.msg
    assert (status or "is not there") in reply.msg


def test_a_container_that_comes_up_during_the_run_is_waited_for(
    machine, docker, contained, host, unique
):
    deployments.playbook(machine, docker, host, contained, running=False)
    timer = threading.Timer(1.2, deployments.start_playbook, (docker, host))
    timer.start()
    task = {"username": unique("waited"), "password": a_password(), "wait_timeout": 30}
    reply = run(machine, task)
    timer.join()
    assert reply.changed, reply.json
    assert 1 < reply.seconds < 10


def test_a_containers_configuration_without_an_engine_is_an_error_that_names_it(
    machine, docker, contained, host
):
    deployments.playbook(machine, docker, host, contained)
    docker.close()
    machine.path("/run/docker.sock").parent.mkdir(exist_ok=True)
    reply = run(machine, {"username": "alice", "password": "Pass word 1"})
    assert reply.kind == "unreachable", reply.json
    assert "no container engine to ask about matrix-synapse" in reply.msg
    assert "/run/docker.sock" in reply.msg


# Others than root


def as_nobody(machine: Machine, **options: object):
    task = {"username": "alice", "password": "Pass word 1"} | options
    return run(machine, task, user=NOBODY)


def test_an_ordinary_user_is_told_of_a_file_that_may_not_be_read(make, docker):
    machine, _, deployment = make("Debian")
    reply = as_nobody(machine)
    assert reply.kind == "invalid", reply.json
    assert f"cannot read {deployment.files[0]}: Permission denied" in reply.msg
    assert "become" in reply.msg
    assert docker.connections == 0, "root's engine was asked"


def test_an_ordinary_user_is_told_of_a_folder_that_may_not_be_entered(make, docker):
    machine, _, deployment = make("the playbook")
    # matrix_base_data_path_mode
    machine.path("/matrix/synapse").parent.chmod(0o750)
    reply = as_nobody(machine)
    assert reply.kind == "invalid", reply.json
    assert f"cannot look for {deployment.files[0]}: Permission denied" in reply.msg
    assert "become" in reply.msg
    assert docker.connections == 0, "root's engine was asked"


def test_an_ordinary_user_is_told_whose_engine_would_know_the_container(make, docker):
    machine, _, _ = make("the playbook")
    reply = as_nobody(machine)
    assert reply.kind == "unreachable", reply.json
    assert f"/run/user/{NOBODY}/docker.sock" in reply.msg
    assert "become" in reply.msg
    assert docker.connections == 0, "root's engine was asked"


def test_an_ordinary_users_own_engine_and_files_are_enough(machine, contained, host, unique):
    folder = machine.root / "run" / "user" / str(NOBODY)
    with Engine("docker", folder=folder, owner=NOBODY) as engine:
        deployment = deployments.image(machine, engine, host, contained)
        machine.path(deployment.files[0]).chmod(0o644)
        reply = as_nobody(machine, username=unique("rootless"), password=a_password())
    assert reply.changed, reply.json
    assert reply.json["discovered"] == told(Deployed(machine, contained, deployment))
