# SPDX-License-Identifier: GPL-3.0-or-later
"""What is not believed, read or sent where a homeserver is looked for: files behind a
container's mounts are the container's to write, sockets may be somebody else's, and a
configuration may be anything."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.servers import deployments
from tests.servers.deployments import look, run
from tests.servers.proof import a_password, requests_during, state
from tests.support.engine import Engine
from tests.support.machine import Machine, needs_machine
from tests.support.namespaces import needs_namespaces

pytestmark = [needs_machine(), needs_namespaces]

NOBODY = 65534
CONFIG = "/matrix/synapse/config"
# Names of containers that homeservers have.
SERVERS = ("synapse", "dendrite", "tuwunel", "continuwuity", "conduit")
WELL_KNOWN = {f"{prefix}{server}" for server in SERVERS for prefix in ("", "matrix-")}
# Of a file that the container may not read, and the module may.
OUTSIDE = "root:x:0:0:Outside_content_0123456789"


@pytest.fixture
def playbook(machine, docker, host, contained):
    """matrix-docker-ansible-deploy's deployment, with its secret in a file."""
    return deployments.playbook(machine, docker, host, contained, by_path=True)


def task(unique: Callable[[str], str]) -> dict[str, Any]:
    return {"username": unique("trust"), "password": a_password()}


def fails(machine: Machine, arguments: dict[str, Any], kind: str, *parts: str) -> str:
    reply = run(machine, arguments, secrets=(OUTSIDE,))
    assert reply.kind == kind, reply.json
    for part in parts:
        assert part in reply.msg, reply.msg
    return reply.msg


# Behind mounts


def test_a_secret_that_is_a_link_is_not_read(machine, playbook, unique):
    secret = machine.path(playbook.secret_from)
    machine.write("/etc/outside", OUTSIDE)
    secret.unlink()
    secret.symlink_to("/etc/outside")
    fails(machine, task(unique), "invalid", playbook.secret_from, "symbolic link")
    told = look(machine, registration_shared_secret="given").json["discovered"]
    assert not told["registration_shared_secret"]
    assert "symbolic link" in told["registration_shared_secret_problem"]


def test_a_link_on_the_way_to_a_secret_is_not_followed(machine, playbook, unique):
    folder = machine.path(playbook.secret_from).parent
    machine.write("/etc/elsewhere/registration", OUTSIDE)
    folder.rename(folder.with_name("before"))
    folder.symlink_to("/etc/elsewhere")
    fails(machine, task(unique), "invalid", playbook.secret_from, "symbolic link")


def test_a_configuration_that_is_a_link_is_not_read(machine, playbook, unique):
    file = machine.path(playbook.files[0])
    machine.write("/etc/outside", OUTSIDE)
    file.unlink()
    file.symlink_to("/etc/outside")
    fails(machine, task(unique), "invalid", playbook.files[0], "symbolic link")


def test_a_unix_socket_that_is_a_link_is_not_spoken_over(machine, docker, playbook, unique):
    """Of the host's sockets, the engine's answers to whoever may connect."""
    text = "listeners:\n- {type: http, path: /data/client.sock, resources: [{names: [client]}]}\n"
    machine.write(playbook.files[0], f"server_name: example.test\n{text}")
    machine.path(f"{CONFIG}/client.sock").symlink_to("/run/docker.sock")
    fails(machine, task(unique), "invalid", f"{CONFIG}/client.sock", "symbolic link")
    assert set(docker.asked) <= {f"/containers/{n}/json" for n in WELL_KNOWN}


@pytest.mark.parametrize("path", ["/etc/outside", "/data/../etc/outside", "outside"])
def test_a_path_behind_none_of_the_mounts_is_not_read(machine, playbook, unique, path):
    machine.write("/etc/outside", OUTSIDE)
    machine.write(f"{CONFIG}/outside", OUTSIDE)
    file = machine.path(playbook.files[0])
    text = file.read_text()
    file.write_text(text.replace("/data/secrets/registration", path))
    line = len(text.splitlines())
    why = "behind none of its mounts" if path.startswith("/") else "relative"
    fails(machine, task(unique), "invalid", f"{playbook.files[0]}, line {line}: ", path, why)


@pytest.mark.parametrize("what", ["a folder", "a FIFO", "a device", "empty", "binary"])
def test_a_secret_that_is_no_text_in_a_file_is_refused(machine, playbook, unique, what):
    secret = machine.path(playbook.secret_from)
    secret.unlink()
    put(secret, what)
    reply = run(machine, task(unique), secrets=(OUTSIDE,))
    assert reply.kind == "invalid", reply.json
    assert playbook.secret_from in reply.msg
    assert reply.seconds < 5


def put(path: Path, what: str) -> None:
    """Something that is no file with a text in it."""
    match what:
        case "a folder":
            path.mkdir()
        case "a FIFO":
            os.mkfifo(path)
        case "a device":
            # /dev/zero, which never ends.
            os.mknod(path, 0o20666, os.makedev(1, 5))
        case "empty":
            path.write_bytes(b"")
        case "binary":
            path.write_bytes(b"\x7fELF\x02\x01\x01\0" + OUTSIDE.encode() + bytes(range(256)))
        case _:
            raise AssertionError(what)


# Sockets


def test_an_engine_of_somebody_else_is_not_believed(machine, host, contained, unique):
    with Engine("docker", folder=machine.root / "run", owner=NOBODY) as engine:
        deployments.playbook(machine, engine, host, contained)
        before = state(contained)
        fails(machine, task(unique), "forbidden", "/run/docker.sock")
        assert engine.asked == [], "it was asked before it was looked at"
        assert state(contained) == before


def test_what_a_named_engine_of_somebody_else_says_of_files_is_not_believed(
    machine, host, contained, unique
):
    """It says where a container is, and no more: files are read with our rights."""
    with Engine("docker", folder=machine.root / "srv", owner=NOBODY) as engine:
        deployments.playbook(machine, engine, host, contained)
        named = {"container_socket": "/srv/docker.sock", "container": "matrix-synapse"}
        fails(machine, task(unique) | named, "forbidden", "/srv/docker.sock")
        assert engine.asked == []
        said = {"url": f"http://matrix-synapse:{contained.port}"}
        said |= {"registration_shared_secret": contained.secret}
        reply = run(machine, task(unique) | named | said)
        assert reply.changed, reply.json


def test_a_named_engine_of_ones_own_is_the_only_one_that_is_asked(
    machine, docker, host, contained, unique
):
    docker.add("synapse", pid=4711)
    with Engine("podman", folder=machine.root / "srv") as engine:
        deployments.image(machine, engine, host, contained)
        named = {"container_socket": "/srv/podman.sock"}
        reply = run(machine, task(unique) | named)
    assert reply.changed, reply.json
    assert docker.connections == 0


# Configurations that are none

# Of a few kilobytes, and more than 10^9 values.
LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
SECRET = "Configured_secret_0123456789"
VALID = f"server_name: example.test\nregistration_shared_secret: {SECRET}\n"

# What is there, and what the error says besides the file's name.
HOSTILE: dict[str, tuple[str | bytes, str]] = {
    "no YAML": (VALID + "listeners: [\n", ", line "),
    "a tab": (VALID + "listeners:\n\t- port: 8008\n", ", line 4"),
    "one word": (SECRET, " has no server_name"),
    "huge": (VALID + f"# {'x' * 1022}\n" * 17_000, ""),
    "deep": (VALID + "listeners: " + "[" * 100_000, ""),
    "a billion laughs": (VALID + LAUGHS, ""),
    "an anchor in itself": (VALID + "listeners: &a [*a]\n", ""),
    "a cut character": (VALID.encode() + b'x: "\xc3', ", line "),
    "binary": (b"\x7fELF\x02\x01\x01\0" + SECRET.encode() + bytes(range(256)), ""),
    "UTF-16": (VALID.encode("utf-16"), ""),
    "listeners of text": (VALID + f"listeners: {SECRET}\n", ", line 3"),
    "a port of text": (
        VALID + f"listeners:\n- {{type: http, port: {SECRET}, resources: [{{names: [client]}}]}}\n",
        ", line 4",
    ),
    "a name that is none": (f"registration_shared_secret: {SECRET}\nserver_name: a b\n", ", line 2"),
    "a name that is a list": (f"x: {SECRET}\nserver_name: [a]\n", ", line 2"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_configuration_that_is_none_is_one_error_that_quotes_nothing(machine, unique, name):
    content, says = HOSTILE[name]
    file = machine.path("/etc/matrix-synapse/homeserver.yaml")
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    reply = run(machine, task(unique), secrets=(SECRET,), timeout=20)
    assert reply.kind == "invalid", reply.json
    assert f"/etc/matrix-synapse/homeserver.yaml{says}" in reply.msg
    assert "discovered" not in reply.json
    # It has ten seconds to be parsed in.
    assert reply.seconds < 13


@pytest.mark.parametrize("what", ["a folder", "a FIFO", "a device", "binary"])
@pytest.mark.parametrize("where", ["homeserver.yaml", "conf.d"])
def test_what_is_no_file_in_a_configurations_place_is_one_error(machine, unique, where, what):
    file = machine.path(f"/etc/matrix-synapse/{where}")
    machine.write("/etc/matrix-synapse/homeserver.yaml", VALID)
    if where == "homeserver.yaml":
        file.unlink()
    put(file, what)
    reply = run(machine, task(unique), secrets=(SECRET,))
    assert reply.kind == "invalid", reply.json
    assert "/etc/matrix-synapse/" in reply.msg
    assert reply.seconds < 5


def test_a_secret_that_looks_like_a_number_is_an_error_that_does_not_quote_it(machine, unique):
    """YAML takes it for a number, and Synapse refuses to start with it."""
    number = "123456789012"
    machine.write(
        "/etc/matrix-synapse/homeserver.yaml",
        f"server_name: example.test\nregistration_shared_secret: {number}\n"
        "listeners: [{type: http, port: 8008, resources: [{names: [client]}]}]\n",
    )
    reply = run(machine, task(unique), secrets=(number,))
    assert reply.kind == "invalid", reply.json
    assert "/etc/matrix-synapse/homeserver.yaml, line 2: registration_shared_secret" in reply.msg


# Sessions


def logins(server: Any, work: Callable[[], object]) -> int:
    asked = requests_during(server, work)
    return asked.count("POST /_matrix/client/v3/login")


def test_a_session_that_is_kept_for_a_container_is_of_no_other_container_and_address(
    machine, docker, host, contained, unique
):
    """Whoever answers elsewhere is not shown a token, though all of it is one server."""
    deployments.playbook(machine, docker, host, contained)
    deployments.image(machine, docker, host, contained, name="other")
    user = task(unique)
    run(machine, user)
    kept = {"username": user["username"], "admin": True, "session_file": session_file(machine)}
    address = {"url": f"http://{host.ipv4}:{contained.port}"}
    address |= {"registration_shared_secret": contained.secret}
    inside = [address | {"container": name} for name in ("matrix-synapse", "other")]
    ways: list[dict[str, Any]] = [{}, {"container": "other"}, *inside, address]
    for number, way in enumerate(ways):
        again = kept | way
        # The first run of all makes the service account, which is no login.
        first = logins(contained, lambda again=again: works(machine, again))
        assert first == (1 if number else 0), way
        assert logins(contained, lambda again=again: works(machine, again)) == 0, way
    assert logins(contained, lambda: works(machine, kept)) == 0


def session_file(machine: Machine) -> str:
    machine.path("/var/lib/registrar/sessions.json").parent.chmod(0o700)
    return "/var/lib/registrar/sessions.json"


def works(machine: Machine, arguments: dict[str, Any]) -> None:
    reply = run(machine, arguments)
    assert not reply.failed, reply.json
