# SPDX-License-Identifier: GPL-3.0-or-later
"""A container engine that cannot be believed: whatever it says, there is one clear
error in bounded time and space, and nothing of the task goes where it points."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from tests.support import engine_faults as faults
from tests.support.engine import Engine
from tests.support.hostile import HostileServer
from tests.support.hostile_tasks import SLACK, TIMEOUT, Arguments, assert_fails, by_secret, run
from tests.support.module import Reply

NAME = "matrix-synapse"
NETWORKS = {"bridge": ("198.18.0.2", "fd00::2")}
# What may be sent before the module has had enough: http's limit for a body, and
# what the sockets' buffers hold.
ENOUGH = 64 * 1024 * 1024


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as one:
        one.add(NAME, pid=os.getpid(), networks=NETWORKS)
        yield one
        assert not one.complaints


def task(elsewhere: HostileServer, engine: Engine, **more: object) -> Arguments:
    """Its URL's port is the other server's, on the loopback: whoever follows the
    engine there arrives."""
    where = {"url": f"http://homeserver.invalid:{elsewhere.port}", "container": NAME}
    return by_secret(elsewhere) | where | {"container_socket": engine.socket} | more


def fails(reply: Reply, engine: Engine, *kinds: str) -> None:
    """With one line that names the engine's socket, and cannot do anything to a
    terminal."""
    assert_fails(reply, *kinds)
    assert not reply.changed
    assert engine.socket in reply.msg or NAME in reply.msg, reply.msg
    assert reply.msg.isprintable() and len(reply.msg) < 2000, reply.msg
    assert reply.seconds < TIMEOUT + SLACK


# A status that an engine gives with words of its own is a server's.
OF_THE_SERVER = ("500", "403")
# Nothing came, or not all of it.
UNREACHABLE = ("closes at once", "truncated", "switching protocols")


@pytest.mark.parametrize("name", faults.FAULTS)
def test_nonsense_over_the_socket_is_one_clear_error(
    elsewhere: HostileServer, engine: Engine, name: str
) -> None:
    engine.misbehave(faults.FAULTS[name])
    kinds = ["protocol"]
    if name in OF_THE_SERVER:
        kinds = ["server"]
    elif name in UNREACHABLE:
        kinds = ["protocol", "unreachable"]
    fails(run(task(elsewhere, engine)), engine, *kinds)
    assert engine.bytes_sent < ENOUGH


@pytest.mark.parametrize("slow", [faults.silent, faults.dripping], ids=["silent", "dripping"])
def test_an_engine_that_is_slow_is_given_a_request_s_time(
    elsewhere: HostileServer, engine: Engine, slow: faults.Fault
) -> None:
    engine.misbehave(slow)
    reply = run(task(elsewhere, engine))
    fails(reply, engine, "unreachable")
    assert reply.seconds >= TIMEOUT - 0.1


def test_a_redirect_is_not_followed(elsewhere: HostileServer, engine: Engine) -> None:
    for location in (elsewhere.url + "/containers/x/json", "/containers/other/json"):
        engine.forget()
        engine.misbehave(faults.redirects(location))
        fails(run(task(elsewhere, engine)), engine, "protocol")
        assert engine.asked == [f"/containers/{NAME}/json"]


@pytest.mark.parametrize("name", faults.WRONG_TYPES)
def test_a_value_of_the_wrong_type_is_refused(
    elsewhere: HostileServer, engine: Engine, name: str
) -> None:
    engine.edit(faults.WRONG_TYPES[name])
    fails(run(task(elsewhere, engine)), engine, "protocol")


@pytest.mark.parametrize("name", faults.BAD_PIDS)
def test_what_is_no_process_of_a_container_is_refused(
    elsewhere: HostileServer, engine: Engine, name: str
) -> None:
    engine.edit(faults.put("State.Pid", faults.BAD_PIDS[name]))
    fails(run(task(elsewhere, engine)), engine, "protocol")


@pytest.mark.parametrize("name", faults.BAD_ADDRESSES)
def test_nothing_is_sent_to_what_is_no_container_s_address(
    elsewhere: HostileServer, engine: Engine, name: str
) -> None:
    engine.edit(faults.addresses(faults.BAD_ADDRESSES[name]))
    reply = run(task(elsewhere, engine))
    fails(reply, engine, "protocol")
    assert faults.BAD_ADDRESSES[name] not in reply.msg


@pytest.mark.parametrize("name", faults.BAD_IPV6_ADDRESSES)
def test_nothing_is_sent_to_what_is_no_container_s_ipv6_address(
    elsewhere: HostileServer, engine: Engine, name: str
) -> None:
    engine.edit(faults.ipv6_addresses(faults.BAD_IPV6_ADDRESSES[name]))
    fails(run(task(elsewhere, engine)), engine, "protocol")


def test_a_thousand_networks_hold_nobody_up(elsewhere: HostileServer, engine: Engine) -> None:
    # Port by port, none of them answers.
    engine.edit(faults.many_networks(1000, "198.18.0.2"))
    reply = run(task(elsewhere, engine))
    assert_fails(reply, "unreachable", "protocol")
    assert reply.seconds < 3 * TIMEOUT + SLACK


@pytest.mark.parametrize("mode", ["container:", "container:" + "a" * 5000, "container:../x"])
def test_a_network_of_nobody_s_is_no_way_in(
    elsewhere: HostileServer, engine: Engine, mode: str
) -> None:
    engine.edit(faults.put("NetworkSettings.Networks", {}))
    engine.edit(faults.put("HostConfig.NetworkMode", mode))
    reply = run(task(elsewhere, engine))
    assert_fails(reply, "unreachable", "protocol")
    assert all(target == f"/containers/{NAME}/json" for target in engine.asked)


def test_containers_that_share_each_other_s_network_lead_nowhere(
    elsewhere: HostileServer,
) -> None:
    with Engine() as engine:
        one = engine.add(NAME, pid=os.getpid())
        two = engine.add("two", pid=os.getpid(), network_mode=f"container:{one.id}")
        one.network_mode = f"container:{two.id}"
        reply = run(task(elsewhere, engine))
        assert_fails(reply, "unreachable", "protocol")
        assert len(engine.asked) <= 8


@pytest.mark.parametrize("name", faults.BAD_MOUNTS)
def test_mounts_that_map_nothing_lead_nowhere(
    elsewhere: HostileServer, engine: Engine, name: str
) -> None:
    # The way to a port takes no mounts: it may be that nobody minds.
    engine.edit(faults.BAD_MOUNTS[name])
    reply = run(task(elsewhere, engine))
    assert_fails(reply, "protocol", "unreachable")
    assert reply.seconds < 2 * TIMEOUT + SLACK


@pytest.mark.parametrize(
    "message",
    ["\x1b]0;title\x07", "a\nb\rc", "x" * 100000, "\u202etxet", "", None, 7, {}],
    ids=["terminal", "lines", "long", "right-to-left", "empty", "null", "number", "object"],
)
def test_an_engine_s_words_are_shown_so_that_they_can_do_nothing(
    elsewhere: HostileServer, engine: Engine, message: object
) -> None:
    body = json.dumps({"message": message})
    engine.misbehave(faults.says(body, "500 Internal Server Error"))
    fails(run(task(elsewhere, engine)), engine, "server", "protocol")


@pytest.mark.parametrize(
    "body",
    ["", "404 page not found\n", "[]", "{}", '{"message":7}', '{"errcode":"M_NOT_FOUND"}'],
)
def test_a_404_that_is_no_engine_s_is_not_taken_for_an_absent_container(
    elsewhere: HostileServer, engine: Engine, body: str
) -> None:
    engine.misbehave(faults.says(body, "404 Not Found"))
    fails(run(task(elsewhere, engine)), engine, "protocol")
