# SPDX-License-Identifier: GPL-3.0-or-later
"""A homeserver in a container that publishes no port: found through the engine's
API, reached on a bridge of this host or on the host's own loopback."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.servers.containers import (
    DEFAULT,
    NAME,
    an_account,
    fails,
    in_container,
    registers,
    registers_and_promotes,
)
from tests.servers.proof import run_module
from tests.support import engine_faults as faults
from tests.support.engine import Engine
from tests.support.hostile import HostileServer
from tests.support.hostile_tasks import by_login, populated
from tests.support.hostile_tls import Certificate
from tests.support.namespaces import Namespace, needs_namespaces
from tests.support.synapse import Synapse

ALL_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@pytest.fixture(scope="module")
def bridged():
    with Namespace() as host:
        yield host


@pytest.fixture(scope="module")
def silent():
    """A host on another bridge, on which nobody listens."""
    with Namespace() as host:
        yield host


@pytest.fixture(scope="module")
def server(bridged):
    with Synapse(namespace=bridged, bind_addresses=list(bridged.address)) as one:
        yield one


@pytest.fixture
def engine():
    with Engine() as one:
        yield one
        assert not one.complaints


@pytest.fixture
def elsewhere():
    """A server on the loopback that nothing must connect to."""
    with HostileServer() as one:
        yield one
        assert one.connections == 0


@needs_namespaces
@pytest.mark.parametrize("dialect", ["docker", "docker-new", "podman"])
def test_a_server_on_a_bridge_is_reached_at_its_address(server, bridged, unique, dialect):
    with Engine(dialect) as engine:
        engine.add(NAME, pid=bridged.pid, networks={DEFAULT[dialect]: (bridged.ipv4, "")})
        registers(server, in_container(server, engine, **an_account(unique)))
        assert set(engine.asked) == {f"/containers/{NAME}/json"}
        assert not engine.complaints


@needs_namespaces
def test_register_again_and_promote_go_the_same_way(server, bridged, unique, engine):
    engine.add(NAME, pid=bridged.pid, networks={"matrix": bridged.address})
    way = {"url": f"http://homeserver.invalid:{server.port}", "container": NAME}
    registers_and_promotes(server, way | {"container_socket": engine.socket}, unique)


@needs_namespaces
@pytest.mark.parametrize("answers", ["first", "last"])
def test_of_several_networks_the_one_that_answers_is_taken(
    server, bridged, silent, unique, engine, answers
):
    networks = {"net-a": silent.address, "net-b": (bridged.ipv4, "")}
    if answers == "first":
        networks = dict(reversed(networks.items()))
    engine.add(NAME, pid=silent.pid, networks=networks)
    reply = registers(server, in_container(server, engine, **an_account(unique)))
    assert reply.seconds < 10


@needs_namespaces
def test_an_address_from_which_nothing_comes_back_holds_nobody_up(
    server, bridged, unique, engine
):
    # Of the same /64, and nobody's: the kernel looks for its owner in vain.
    nobody = bridged.ipv6.removesuffix("2") + "dead"
    engine.add(NAME, pid=bridged.pid, networks={"a": ("", nobody), "b": (bridged.ipv4, "")})
    reply = registers(server, in_container(server, engine, **an_account(unique)))
    assert reply.seconds < 6


@needs_namespaces
def test_a_container_that_has_ipv6_alone_is_reached(server, bridged, unique, engine):
    engine.add(NAME, pid=bridged.pid, networks={"six": ("", bridged.ipv6)})
    registers(server, in_container(server, engine, **an_account(unique)))


@needs_namespaces
def test_a_container_is_named_by_its_id_too(server, bridged, unique, engine):
    made = engine.add("some-name", pid=bridged.pid, networks={"a": bridged.address})
    for name in (made.id, made.id[:12]):
        registers(server, in_container(server, engine, **an_account(unique), container=name))


@pytest.mark.parametrize("dialect", ["docker", "podman"])
def test_with_host_networking_it_is_the_loopback_of_this_host(synapse, unique, dialect):
    with Engine(dialect) as engine:
        engine.add(NAME, pid=4711, network_mode="host")
        registers(synapse, in_container(synapse, engine, **an_account(unique)))


@needs_namespaces
@pytest.mark.parametrize("dialect", ["docker", "podman"])
def test_in_another_container_s_network_it_is_reached_there(server, bridged, unique, dialect):
    with Engine(dialect) as engine:
        networks = {DEFAULT[dialect]: bridged.address}
        vpn = engine.add("vpn", pid=bridged.pid, networks=networks)
        engine.add(
            NAME,
            pid=bridged.pid,
            network_mode=f"container:{vpn.id}",
            # As seen: Podman repeats them, Docker tells none.
            networks=networks if dialect == "podman" else {},
        )
        registers(server, in_container(server, engine, **an_account(unique)))


def test_in_the_network_of_a_container_on_the_host_s_it_is_the_loopback(synapse, unique, engine):
    pod = engine.add("pod", pid=4710, network_mode="host")
    engine.add(NAME, pid=4711, network_mode=f"container:{pod.id}")
    registers(synapse, in_container(synapse, engine, **an_account(unique)))


@pytest.mark.parametrize("dialect", ["docker", "podman"])
def test_an_absent_container_is_named_with_what_to_start_and_where_to_look(synapse, dialect):
    with Engine(dialect) as engine:
        engine.add("another", pid=4711)
        task = in_container(synapse, engine, username="carol")
        fails(task, "unreachable", NAME, f"systemctl start {NAME}", f"journalctl -u {NAME}")


@pytest.mark.parametrize("status", ["exited", "created", "restarting", "dead"])
def test_a_container_that_does_not_run_is_named_with_its_state(synapse, engine, status):
    engine.add(NAME, pid=4711, status=status, network_mode="host")
    task = in_container(synapse, engine, username="carol")
    fails(task, "unreachable", NAME, status, f"systemctl start {NAME}", f"journalctl -u {NAME}")


def test_a_paused_container_is_to_be_let_go_on(synapse, engine):
    engine.add(NAME, pid=4711, status="paused", network_mode="host")
    reply = fails(in_container(synapse, engine, username="carol"), "unreachable", NAME, "unpause")
    assert "systemctl start" not in reply.msg


@needs_namespaces
def test_the_address_that_a_stopped_container_had_is_not_believed(server, bridged, unique):
    # As seen: until Podman has cleaned up, it tells the address, which the next
    # container may have by then.
    with Engine("podman") as engine:
        engine.add(NAME, status="stopped", networks={"podman": bridged.address})
        account = an_account(unique)
        fails(in_container(server, engine, **account), "unreachable", "stopped")
        assert server.user(account["username"]) is None


@needs_namespaces
def test_a_container_on_whose_port_nobody_listens_is_told_from_an_absent_one(
    synapse, silent, engine
):
    engine.add(NAME, pid=silent.pid, networks={"a": silent.address})
    task = in_container(synapse, engine, username="carol")
    port = f"port {synapse.port}"
    fails(task, "unreachable", "runs", port, silent.ipv4, f"journalctl -u {NAME}")


def test_the_host_header_and_the_engine_s_are_told_apart(engine):
    with HostileServer() as homeserver:
        populated(homeserver)
        engine.add(NAME, pid=4711, network_mode="host")
        url = f"http://homeserver.invalid:{homeserver.port}"
        task = by_login(homeserver, displayname="x") | {"url": url}
        reply = run_module(task | {"container": NAME, "container_socket": engine.socket})
        assert reply.changed, reply.json
        hosts = {request.header("Host") for request in homeserver.requests}
        assert hosts == {f"homeserver.invalid:{homeserver.port}"}
    assert {request.header("Host") for request in engine.requests} == {"localhost"}


def test_a_certificate_is_held_against_the_url_s_name(engine, tmp_path):
    engine.add(NAME, pid=4711, network_mode="host")
    for names, kind in (("DNS:homeserver.invalid", None), ("IP:127.0.0.1", "tls")):
        folder = tmp_path / str(kind)
        folder.mkdir()
        certificate = Certificate(folder, "homeserver", names=names)
        with HostileServer(tls=certificate.server()) as homeserver:
            populated(homeserver)
            task = by_login(homeserver, displayname="x") | {
                "url": f"https://homeserver.invalid:{homeserver.port}",
                "ca_path": str(certificate.file),
                "container": NAME,
                "container_socket": engine.socket,
            }
            reply = run_module(task)
            assert reply.kind == kind, reply.json
            assert reply.changed == (kind is None), reply.json


@needs_namespaces
def test_no_proxy_is_used_for_it(server, bridged, unique, engine, elsewhere):
    proxies = dict.fromkeys(ALL_PROXIES, elsewhere.url)
    engine.add(NAME, pid=bridged.pid, networks={"a": bridged.address})
    task = in_container(server, engine, **an_account(unique), use_proxy=True)
    assert run_module(task, env=proxies).changed


@needs_namespaces
def test_what_else_the_engine_tells_is_not_believed(
    server, bridged, unique, engine, elsewhere
):
    published = [{"HostIp": "127.0.0.1", "HostPort": str(elsewhere.port)}]
    engine.add(NAME, pid=bridged.pid, networks={"a": bridged.address})
    engine.edit(faults.put("NetworkSettings.Ports", {f"{server.port}/tcp": published}))
    engine.edit(faults.put("Name", "/another"))
    engine.edit(faults.put("NetworkSettings.Networks.a.Gateway", "127.0.0.1"))
    engine.edit(faults.put("Config.Env", [f"HTTP_PROXY={elsewhere.url}"]))
    registers(server, in_container(server, engine, **an_account(unique)))


@pytest.mark.parametrize(
    "container",
    ["", " ", "/matrix-synapse", "a/../b", "a?all=1", "a%2fb", "a b", "a\nb", "-a", ".", "ä"],
)
def test_what_is_no_container_s_name_is_refused_before_anything_is_asked(
    synapse, engine, container
):
    task = in_container(synapse, engine, username="carol", container=container)
    fails(task, "invalid", "container")
    assert engine.connections == 0


def test_a_container_and_a_unix_socket_exclude_each_other(synapse, engine):
    task = in_container(synapse, engine, username="carol", unix_socket="/nowhere.sock")
    fails(task, "invalid", "unix_socket", "container")
    assert engine.connections == 0


def test_a_container_is_looked_for_in_check_mode_too(synapse, unique, engine):
    engine.add(NAME, pid=4711, network_mode="host")
    account = an_account(unique)
    reply = run_module(in_container(synapse, engine, **account), check=True)
    assert reply.changed and engine.asked, reply.json
    assert synapse.user(account["username"]) is None


# The engine's socket


def test_an_engine_that_is_not_there_is_named(synapse, tmp_path):
    path = str(tmp_path / "docker.sock")
    task = in_container(synapse, None, username="carol", container_socket=path)
    fails(task, "unreachable", path, "No such file")


def test_an_engine_that_does_not_listen_is_named(synapse):
    with Engine(listening=False) as engine:
        task = in_container(synapse, engine, username="carol")
        fails(task, "unreachable", engine.socket, "Connection refused")


def test_a_file_that_is_no_socket_is_named(synapse, tmp_path):
    path = tmp_path / "docker.sock"
    path.write_text("not a socket")
    task = in_container(synapse, None, username="carol", container_socket=str(path))
    fails(task, "unreachable", str(path))


def test_a_socket_that_may_not_be_used_is_named(synapse, unprivileged):
    if unprivileged.user is None:
        pytest.skip("takes root to make a socket that another may not use")
    with Engine(mode=0o600) as engine:
        reply = unprivileged.run(in_container(synapse, engine, username="carol"))
        assert reply.kind == "forbidden", reply.json
        assert engine.socket in reply.msg and "Permission denied" in reply.msg
        assert engine.connections == 0


def test_a_path_that_is_too_long_for_a_socket_is_refused(synapse):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("a" * 120)
        task = in_container(synapse, None, username="carol", container_socket=str(path))
        fails(task, "unreachable", str(path), "too long")
