# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a server's listeners is spoken to where its configuration was found, and
which is not."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.servers import deployments
from tests.servers.deployments import run, with_listener
from tests.servers.proof import a_password, state
from tests.support.hostile_tls import Certificate
from tests.support.homeserver import free_port
from tests.support.machine import needs_machine
from tests.support.namespaces import Namespace, needs_namespaces
from tests.support.synapse import Synapse

pytestmark = [needs_machine(), needs_namespaces]

# The name that the certificate has: of the address that users have.
PUBLIC = "matrix.example.test"


class Listening(NamedTuple):
    """One server that listens in every way."""

    server: Synapse
    certificate: Certificate
    tls_port: int
    ipv6_port: int
    # On an address of this machine that is not the loopback's.
    bridge_port: int
    socket: Path


@pytest.fixture(scope="module")
def listening(host: Namespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listening]:
    folder = tmp_path_factory.mktemp("authority")
    certificate = Certificate(folder, "server", names=f"DNS:{PUBLIC}")
    with Synapse(start=False) as server:
        all_of_it = Listening(
            server,
            certificate,
            free_port(),
            free_port(),
            free_port(),
            server.folder / "more.sock",
        )
        resources = [{"names": ["client"], "compress": False}]

        def listener(**how: Any) -> dict[str, Any]:
            return {"type": "http", "resources": resources} | how

        server.config["listeners"] += [
            listener(port=all_of_it.tls_port, tls=True, bind_addresses=["127.0.0.1"]),
            listener(port=all_of_it.ipv6_port, bind_addresses=["::1"]),
            listener(port=all_of_it.bridge_port, bind_addresses=[host.host_ipv4]),
            listener(path=str(all_of_it.socket)),
        ]
        server.config |= {
            "tls_certificate_path": str(certificate.file),
            "tls_private_key_path": str(certificate.key),
        }
        server.start()
        yield all_of_it


@contextmanager
def untouched(host: Namespace | None = None) -> Iterator[int]:
    """The port of a listener, on the loopback or on that host, to which nobody may
    connect."""
    with host.entered() if host is not None else nullcontext():
        one = socket.socket()
    with one:
        one.bind((host.ipv4 if host is not None else "127.0.0.1", 0))
        one.listen()
        one.settimeout(0.2)
        yield one.getsockname()[1]
        with pytest.raises(TimeoutError):
            one.accept()


def account(unique: Any) -> dict[str, Any]:
    return {"username": unique("listened"), "password": a_password()}


def manages(machine: Any, server: Synapse, unique: Any, address: str, **options: Any) -> dict[str, Any]:
    """Registers, promotes by way of the service account's login, and has nothing to do
    then; what was discovered."""
    task = account(unique)
    promotion = {"username": task["username"], "admin": True} | options
    task |= options
    secrets = (server.secret,)
    for one in (task, promotion):
        done = run(machine, one, secrets=secrets)
        assert done.changed, done.json
        again = run(machine, one, secrets=secrets)
        assert not again.failed and not again.changed, again.json
    assert server.user(task["username"])["admin"]
    assert done.json["discovered"]["url"] == address
    return done.json["discovered"]


def test_a_unix_socket_of_the_machine_is_spoken_over(machine, listening, unique):
    with_listener(machine, listening.server, f"path: {listening.socket}")
    found = manages(machine, listening.server, unique, "http://localhost")
    assert found["unix_socket"] == str(listening.socket)


def test_a_unix_socket_behind_a_mount_is_spoken_over(machine, docker, host, listening, unique):
    server = listening.server
    deployments.playbook(machine, docker, host, server, running=False)
    file = machine.path("/matrix/synapse/config/homeserver.yaml")
    with_listener(machine, server, "path: /run/synapse/more.sock")
    machine.path("/etc/matrix-synapse/homeserver.yaml").rename(file)
    mounts = [
        ("bind", "/matrix/synapse/config", "/data"),
        ("bind", str(server.folder), "/run/synapse"),
    ]
    deployments.start_playbook(docker, host, mounts=mounts)
    found = manages(machine, server, unique, "http://localhost")
    assert found["unix_socket"] == str(listening.socket)


def test_ipv6_alone_is_enough(machine, listening, unique):
    with_listener(
        machine, listening.server, f"port: {listening.ipv6_port}\n    bind_addresses: ['::1']"
    )
    manages(machine, listening.server, unique, f"http://[::1]:{listening.ipv6_port}")


@pytest.mark.parametrize("old", [False, True], ids=["bind_addresses", "bind_address"])
def test_an_address_of_the_machines_own_is_reached_without_a_proxy(
    machine, listening, host, unique, old
):
    """Though it is none of the loopback's, for which no proxy is used in any case."""
    bound = f"bind_address: {host.host_ipv4}" if old else f"bind_addresses: ['{host.host_ipv4}']"
    port = listening.bridge_port
    with_listener(machine, listening.server, f"port: {port}\n    {bound}")
    with untouched() as proxy:
        names = ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY")
        env = dict.fromkeys(names, f"http://127.0.0.1:{proxy}")
        reply = run(machine, account(unique), env=env)
    assert reply.changed, reply.json
    assert reply.json["discovered"]["url"] == f"http://{host.host_ipv4}:{port}"


# TLS


def by_port(port: int) -> str:
    """What a request that came over it leaves in the log (synapse/http/site.py)."""
    return f" - {port} - "


def tls(machine: Any, listening: Listening, public: str = PUBLIC) -> str:
    return with_listener(
        machine,
        listening.server,
        f"port: {listening.tls_port}\n    tls: true\n    bind_addresses: ['127.0.0.1']",
        f"public_baseurl: https://{public}/\n",
    )


def test_a_listener_with_tls_alone_is_reached_by_the_certificates_name(
    machine, listening, unique
):
    tls(machine, listening)
    address = f"https://{PUBLIC}:{listening.tls_port}"
    ca_path = str(listening.certificate.file)
    found = manages(machine, listening.server, unique, address, ca_path=ca_path)
    # The name is not asked of any DNS.
    assert found["address"] == "127.0.0.1"
    assert by_port(listening.tls_port) in listening.server.log()


@pytest.mark.parametrize("wrong", ["name", "authority"])
def test_a_certificate_that_is_not_right_is_refused_before_anything_is_sent(
    machine, listening, unique, wrong
):
    tls(machine, listening, public="other.test" if wrong == "name" else PUBLIC)
    before = state(listening.server)
    log = len(listening.server.log())
    ca = {"ca_path": str(listening.certificate.file)} if wrong == "name" else {}
    reply = run(machine, account(unique) | ca)
    assert reply.kind == "tls", reply.json
    assert state(listening.server) == before
    assert by_port(listening.tls_port) not in listening.server.log()[log:]


# Not there


def test_an_address_that_is_not_the_machines_is_not_spoken_to(machine, host, contained, unique):
    with untouched(host) as port:
        file = with_listener(
            machine, contained, f"port: {port}\n    bind_addresses: ['{host.ipv4}']"
        )
        reply = run(machine, account(unique))
    assert reply.kind == "invalid", reply.json
    assert reply.msg.startswith(f"{file} has no listener that serves clients")
    assert "an address of this machine" in reply.msg


def test_a_listener_without_clients_or_for_federation_alone_is_none(machine, synapse, unique):
    machine.write(
        "/etc/matrix-synapse/homeserver.yaml",
        f"server_name: {synapse.server_name}\nlisteners:\n"
        f"  - {{type: metrics, port: {synapse.port}}}\n"
        f"  - {{type: http, port: {synapse.port}, resources: [{{names: [federation]}}]}}\n",
    )
    reply = run(machine, account(unique))
    assert reply.kind == "invalid", reply.json
    assert "no listener that serves clients" in reply.msg
