# SPDX-License-Identifier: GPL-3.0-or-later
"""A homeserver in a container to which no address of this host leads: root opens its
sockets in the container's network namespace, and no thread of the module stays there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.servers.containers import (
    NAME,
    an_account,
    fails,
    in_container,
    registers,
    registers_and_promotes,
)
from tests.support.engine import Engine
from tests.support.hostile import HostileServer
from tests.support.hostile_tasks import by_login, populated
from tests.support.module import start_module
from tests.support.namespaces import Namespace, needs_namespaces
from tests.support.synapse import Synapse

pytestmark = needs_namespaces


@pytest.fixture(scope="module")
def walled():
    with Namespace(reachable=False) as host:
        yield host


@pytest.fixture(scope="module")
def server(walled):
    """On the loopback in there, and nowhere else."""
    with Synapse(namespace=walled) as one:
        yield one


@pytest.fixture
def engine():
    with Engine() as one:
        yield one
        assert not one.complaints


def test_register_again_and_promote_work_from_inside(server, walled, unique, engine):
    engine.add(NAME, pid=walled.pid, network_mode="none")
    way = {"url": f"http://homeserver.invalid:{server.port}", "container": NAME}
    registers_and_promotes(server, way | {"container_socket": engine.socket}, unique)


def test_an_address_that_leads_nowhere_is_no_obstacle(server, walled, unique, engine):
    # As with rootless engines, whose networks are in a namespace of their own.
    engine.add(NAME, pid=walled.pid, networks={"podman": walled.address})
    reply = registers(server, in_container(server, engine, **an_account(unique)))
    assert reply.seconds < 10


def test_slirp_s_container_has_no_address_and_is_reached(server, walled, unique):
    with Engine("podman") as engine:
        engine.add(NAME, pid=walled.pid, network_mode="slirp4netns")
        registers(server, in_container(server, engine, **an_account(unique)))


@pytest.mark.parametrize("which", [0, 1], ids=["ipv4", "ipv6"])
def test_a_server_on_the_container_s_own_address_is_reached_inside(walled, engine, which):
    address = walled.address[which]
    with walled.entered():
        homeserver = HostileServer(address=address)
    with populated(homeserver):
        addresses = (address, "") if which == 0 else ("", address)
        engine.add(NAME, pid=walled.pid, networks={"podman": addresses})
        reply = start_module(task_for(homeserver, engine)).wait()
        assert reply.changed, reply.json


def test_a_server_on_the_loopback_of_ipv6_is_reached_inside(walled, engine):
    with walled.entered():
        homeserver = HostileServer(address="::1")
    with populated(homeserver):
        engine.add(NAME, pid=walled.pid, network_mode="none")
        reply = start_module(task_for(homeserver, engine)).wait()
        assert reply.changed, reply.json


def task_for(homeserver: HostileServer, engine: Engine) -> dict:
    where = {"url": f"http://homeserver.invalid:{homeserver.port}", "container": NAME}
    task = by_login(homeserver, displayname="x", timeout=20) | where
    return task | {"container_socket": engine.socket}


def test_while_it_talks_inside_no_thread_of_it_is_there(walled, engine):
    with walled.entered():
        homeserver = HostileServer()
    with populated(homeserver):
        homeserver.misbehave("get_user", lambda exchange: exchange.wait(30))
        engine.add(NAME, pid=walled.pid, network_mode="none")
        running = start_module(task_for(homeserver, engine))
        homeserver.wait_for("get_user")
        threads = list(Path(f"/proc/{running.process.pid}/task").iterdir())
        places = {os.readlink(thread / "ns" / "net") for thread in threads}
        assert places == {os.readlink("/proc/thread-self/ns/net")}
        running.kill()


def test_the_namespace_is_held_where_no_program_would_inherit_it(walled, engine):
    with walled.entered():
        homeserver = HostileServer()
    with populated(homeserver):
        homeserver.misbehave("get_user", lambda exchange: exchange.wait(30))
        engine.add(NAME, pid=walled.pid, network_mode="none")
        running = start_module(task_for(homeserver, engine))
        homeserver.wait_for("get_user")
        process = Path(f"/proc/{running.process.pid}")
        held = [one for one in (process / "fd").iterdir() if "net:[" in os.readlink(one)]
        assert len(held) <= 1, "one namespace, held more than once"
        for descriptor in held:
            flags = (process / "fdinfo" / descriptor.name).read_text().split("flags:")[1]
            assert int(flags.split()[0], 8) & os.O_CLOEXEC
        running.kill()


def test_a_connection_that_is_lost_is_opened_inside_again(walled, engine):
    with walled.entered():
        homeserver = HostileServer()
    with populated(homeserver):
        homeserver.reset_connection(2)
        engine.add(NAME, pid=walled.pid, network_mode="none")
        task = task_for(homeserver, engine) | {"wait_timeout": 10}
        reply = start_module(task).wait()
        assert reply.changed, reply.json


def test_an_ordinary_user_is_told_that_root_could(server, walled, unprivileged, engine):
    if unprivileged.user is None:
        pytest.skip("takes root to make a namespace that another may not enter")
    os.chmod(engine.socket, 0o666)
    engine.add(NAME, pid=walled.pid, network_mode="none")
    reply = unprivileged.run(in_container(server, engine, username="carol"))
    assert reply.kind == "unreachable", reply.json
    assert "root" in reply.msg and NAME in reply.msg


def test_a_process_that_has_ended_is_no_way_in(server, engine):
    ended = subprocess.Popen(["true"])
    ended.wait()
    engine.add(NAME, pid=ended.pid, network_mode="none")
    fails(in_container(server, engine, username="carol"), "unreachable", NAME)


def test_the_loopback_of_this_host_is_not_taken_for_the_container_s(engine):
    # An engine that names a process of the host's own.
    with HostileServer() as here:
        populated(here)
        engine.add(NAME, pid=os.getpid(), network_mode="none")
        reply = start_module(task_for(here, engine)).wait()
        assert reply.kind == "unreachable", reply.json
        assert here.connections == 0
