# SPDX-License-Identifier: GPL-3.0-or-later
"""Where container engines are looked for when no socket is named, and whose are
believed. The module sees a /run that is the test's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.servers.containers import NAME, an_account, fails, in_container, with_run
from tests.support.engine import Engine
from tests.support.module import start_module
from tests.support.namespaces import needs_namespaces

pytestmark = needs_namespaces

NOBODY = 65534


@pytest.fixture
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    folder.chmod(0o755)
    return folder


def run_with(run: Path, task, user: int | None = None):
    with with_run(run, user) as program:
        return start_module(task, binary=program).wait()


def engine_at(folder: Path, dialect: str = "docker", **more) -> Engine:
    """At the path in it that the engine's own unit has, with one container."""
    engine = Engine(dialect, folder=folder, **more)
    engine.add(NAME, pid=4711, network_mode="host")
    return engine


@pytest.mark.parametrize(("dialect", "folder"), [("docker", "."), ("podman", "podman")])
def test_root_asks_root_s_engines(synapse, unique, run, dialect, folder):
    with engine_at(run / folder, dialect) as engine:
        reply = run_with(run, in_container(synapse, None, **an_account(unique)))
        assert reply.changed, reply.json
        assert engine.asked


def test_where_docker_has_no_such_container_podman_is_asked(synapse, unique, run):
    with Engine("docker", folder=run) as docker, engine_at(run / "podman", "podman") as podman:
        docker.add("another", pid=4711)
        reply = run_with(run, in_container(synapse, None, **an_account(unique)))
        assert reply.changed, reply.json
        assert docker.asked and podman.asked


def test_a_docker_that_is_out_of_order_does_not_hide_podman(synapse, unique, run):
    with (
        Engine("docker", folder=run, listening=False),
        engine_at(run / "podman", "podman") as podman,
    ):
        reply = run_with(run, in_container(synapse, None, **an_account(unique)))
        assert reply.changed and podman.asked, reply.json


def test_without_an_engine_its_places_and_the_option_are_named(synapse, run):
    reply = run_with(run, in_container(synapse, None, username="carol"))
    assert reply.kind == "unreachable", reply.json
    for word in ("/run/docker.sock", "/run/podman/podman.sock", "container_socket", NAME):
        assert word in reply.msg


def test_root_does_not_believe_an_engine_that_somebody_else_serves(synapse, run):
    with engine_at(run, owner=NOBODY, mode=0o666) as engine:
        reply = run_with(run, in_container(synapse, None, username="carol"))
        assert reply.kind == "forbidden", reply.json
        assert "/run/docker.sock" in reply.msg
        assert engine.requests == []


def test_an_engine_that_is_named_may_be_anybody_s(synapse, unique):
    with Engine(owner=NOBODY, mode=0o666) as engine:
        engine.add(NAME, pid=4711, network_mode="host")
        reply = start_module(in_container(synapse, engine, **an_account(unique))).wait()
        assert reply.changed, reply.json


def test_an_ordinary_user_does_not_look_at_root_s_engines(synapse, run):
    with (
        engine_at(run, mode=0o666) as docker,
        engine_at(run / "podman", "podman", mode=0o666) as podman,
    ):
        reply = run_with(run, in_container(synapse, None, username="carol"), NOBODY)
        assert reply.kind == "unreachable", reply.json
        for word in (f"/run/user/{NOBODY}/docker.sock", "container_socket"):
            assert word in reply.msg
        assert docker.connections == podman.connections == 0


@pytest.mark.parametrize(("dialect", "folder"), [("docker", "."), ("podman", "podman")])
def test_an_ordinary_user_asks_engines_of_its_own(synapse, unique, run, dialect, folder):
    place = run / "user" / str(NOBODY)
    place.mkdir(parents=True)
    with engine_at(place / folder, dialect, owner=NOBODY) as engine:
        reply = run_with(run, in_container(synapse, None, **an_account(unique)), NOBODY)
        assert reply.changed, reply.json
        assert {request.peer_uid for request in engine.requests} == {NOBODY}


def test_root_does_not_look_at_a_user_s_engines(synapse, run):
    place = run / "user" / str(os.geteuid())
    place.mkdir(parents=True)
    with engine_at(place) as engine:
        reply = run_with(run, in_container(synapse, None, username="carol"))
        assert reply.kind == "unreachable", reply.json
        assert engine.connections == 0


def test_another_user_s_engine_in_one_s_own_place_is_not_believed(synapse, run):
    place = run / "user" / str(NOBODY)
    place.mkdir(parents=True)
    with engine_at(place, owner=1, mode=0o666) as engine:
        reply = run_with(run, in_container(synapse, None, username="carol"), NOBODY)
        assert reply.kind == "forbidden", reply.json
        assert engine.requests == []


def test_an_engine_that_is_named_and_absent_is_not_replaced_by_another(synapse, run):
    with engine_at(run) as engine:
        task = in_container(synapse, None, username="carol", container_socket="/run/no.sock")
        with with_run(run) as program:
            fails(task, "unreachable", "/run/no.sock", binary=program)
        assert engine.connections == 0
