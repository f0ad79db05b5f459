# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts that the tests make in network namespaces of their own."""

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from .namespaces import Namespace, needs_namespaces, run
from .paths import ROOT
from .synapse import Synapse

pytestmark = needs_namespaces

START_ONE = """
from tests.support.namespaces import Namespace
host = Namespace()
print(host.host_ipv4, flush=True)
import signal
signal.pause()
"""


@pytest.fixture(scope="module")
def bridged():
    with Namespace() as host:
        yield host


@pytest.fixture(scope="module")
def walled():
    with Namespace(reachable=False) as host:
        yield host


def listening(host, address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with host.entered():
        one = socket.socket(family)
    one.bind((address, 0))
    one.listen()
    return closing(one)


def own_namespace():
    return os.readlink("/proc/thread-self/ns/net")


@pytest.mark.parametrize("which", [0, 1], ids=["ipv4", "ipv6"])
def test_a_host_on_a_link_is_reached_at_both_of_its_addresses(bridged, which):
    with listening(bridged, bridged.address[which]) as server:
        port = server.getsockname()[1]
        socket.create_connection((bridged.address[which], port), timeout=5).close()


def test_what_listens_on_the_loopback_in_there_is_not_reached_from_here(bridged):
    with listening(bridged, "127.0.0.1") as server:
        port = server.getsockname()[1]
        for address in (bridged.ipv4, "127.0.0.1"):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((address, port), timeout=5)


@pytest.mark.parametrize("own", [True, False], ids=["its-address", "its-loopback"])
def test_a_walled_host_is_reached_from_inside_alone(walled, own):
    address = walled.ipv4 if own else "127.0.0.1"
    with listening(walled, address) as server:
        target = (address, server.getsockname()[1])
        with pytest.raises(OSError):
            socket.create_connection(target, timeout=0.5)
        with walled.entered():
            socket.create_connection(target, timeout=5).close()


def test_a_thread_that_was_inside_is_back_and_the_others_never_left(walled):
    before = own_namespace()
    seen = {}
    inside, looked = threading.Event(), threading.Event()

    def other():
        inside.wait(10)
        seen["other"] = own_namespace()
        looked.set()

    watcher = threading.Thread(target=other)
    watcher.start()
    with pytest.raises(ZeroDivisionError), walled.entered():
        seen["inside"] = own_namespace()
        inside.set()
        assert looked.wait(10)
        raise ZeroDivisionError
    watcher.join()
    assert own_namespace() == before == seen["other"]
    assert seen["inside"] == os.readlink(f"/proc/{walled.pid}/ns/net") != before


def test_a_program_runs_in_there(walled):
    words = walled.command("readlink", "/proc/self/ns/net")
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    assert told == os.readlink(f"/proc/{walled.pid}/ns/net") != own_namespace()


def test_a_host_goes_with_its_link_when_the_test_run_is_killed():
    made = subprocess.Popen(
        [sys.executable, "-c", START_ONE], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    address = made.stdout.readline().strip()
    assert has_address(address)
    made.send_signal(signal.SIGKILL)
    made.wait()
    made.stdout.close()
    for _ in range(200):
        if not has_address(address):
            break
        threading.Event().wait(0.05)
    assert not has_address(address)


def has_address(address):
    told = subprocess.run(["ip", "-4", "-o", "address"], capture_output=True, text=True, check=True)
    return f" {address}/" in told.stdout


def test_a_command_that_fails_says_what_it_said():
    with pytest.raises(AssertionError, match="ip link set nosuch up: .*nosuch"):
        run("ip", "link", "set", "nosuch", "up")


def test_a_real_server_lives_in_there_and_is_prepared_as_any_other(walled):
    with Synapse(namespace=walled) as server:
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", server.port), timeout=5)
        server.register("alice", "a password", displayname="Alice")
        assert server.user("alice")["displayname"] == "Alice"
