# SPDX-License-Identifier: GPL-3.0-or-later
"""A host of the test's own, in a network namespace: what a container is to the
network. Linux, root, iproute2's ip and util-linux's unshare and nsenter.

    with Namespace() as host:                     # as on an engine's bridge
        host.ipv4, host.ipv6                      # reachable from here
    with Namespace(reachable=False) as host:      # only from inside
        with host.entered(): ...                  # this thread's new sockets
        host.command("some", "program")           # to be run in there

A process holds the namespace (host.pid, as a container's process does). When it
ends, by close() or because the test run was killed, the kernel takes the namespace
and the link to it away: nothing has a name that could stay behind.
"""

from __future__ import annotations

import ctypes
import ipaddress
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# linux/sched.h
CLONE_NEWNET = 0x40000000
# linux/capability.h
CAP_NET_ADMIN = 12
CAP_SYS_ADMIN = 21

# RFC 2544: for measurements between networks, and in nobody's use here.
IPV4 = ipaddress.ip_network("198.18.0.0/15")


def obstacle() -> str | None:
    """Why no namespace can be made here, or None. What is missing besides the
    rights to it is a failure and no obstacle: `make deps` sees to it."""
    status = Path("/proc/self/status").read_text()
    effective = int(next(line.split()[1] for line in status.splitlines() if "CapEff" in line), 16)
    for bit, name in ((CAP_SYS_ADMIN, "CAP_SYS_ADMIN"), (CAP_NET_ADMIN, "CAP_NET_ADMIN")):
        if not effective >> bit & 1:
            return f"takes root to make network namespaces ({name} is missing)"
    return None


needs_namespaces = pytest.mark.skipif(obstacle() is not None, reason=str(obstacle()))


class Namespace:
    """One host, up from construction on. Its loopback is up, and it has the addresses
    ipv4 and ipv6: on a link to this host, on whose other end are host_ipv4 and
    host_ipv6; or, where it is not `reachable`, on the loopback in there alone."""

    def __init__(self, reachable: bool = True) -> None:
        self.reachable = reachable
        # One /30 and one /64 of a great many: nobody has the same at the same time.
        block = int(IPV4.network_address) + 4 * secrets.randbelow(IPV4.num_addresses // 4)
        self.host_ipv4 = str(ipaddress.ip_address(block + 1))
        self.ipv4 = str(ipaddress.ip_address(block + 2))
        subnet = ipaddress.ip_address((0xFD << 120) | secrets.randbits(56) << 64)
        self.host_ipv6 = str(subnet + 1)
        self.ipv6 = str(subnet + 2)
        # unshare becomes cat, which ends when nobody holds its input any longer.
        self.holder = subprocess.Popen(
            ["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        try:
            self._wait_held()
            self._set_up()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Namespace:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.holder.kill()
        self.holder.wait()
        for pipe in (self.holder.stdin, self.holder.stdout):
            assert pipe is not None
            pipe.close()

    @property
    def pid(self) -> int:
        """A process that lives in it."""
        return self.holder.pid

    @property
    def address(self) -> tuple[str, str]:
        """Its (IPv4, IPv6), as an engine's network is told to have them."""
        return self.ipv4, self.ipv6

    def command(self, *words: str) -> list[str]:
        """The same, to be run in there. nsenter becomes it: its pid is the program's."""
        return ["nsenter", f"--target={self.pid}", "--net", "--", *words]

    @contextmanager
    def entered(self) -> Iterator[None]:
        """In the block, what this thread opens is in there; other threads stay out."""
        back = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            there = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            try:
                enter(there)
            finally:
                os.close(there)
            try:
                yield
            finally:
                enter(back)
        finally:
            os.close(back)

    def _wait_held(self) -> None:
        assert self.holder.stdin is not None and self.holder.stdout is not None
        try:
            self.holder.stdin.write(b"there\n")
            self.holder.stdin.flush()
        except BrokenPipeError:
            pass
        said = self.holder.stdout.readline()
        assert said == b"there\n", "no network namespace: `unshare --net` failed"

    def _set_up(self) -> None:
        run(*self.command("ip", "link", "set", "lo", "up"))
        if not self.reachable:
            self._give("lo", f"{self.ipv4}/32", f"{self.ipv6}/128")
            return
        # An interface's name has 15 characters at most. It goes with its peer.
        here = f"rgt{secrets.token_hex(5)}"
        peer = ("peer", "name", "eth0", "netns", str(self.pid))
        run("ip", "link", "add", here, "type", "veth", *peer)
        self._give("eth0", f"{self.ipv4}/30", f"{self.ipv6}/64")
        run(*self.command("ip", "link", "set", "eth0", "up"))
        for address in (f"{self.host_ipv4}/30", f"{self.host_ipv6}/64"):
            run("ip", "address", "add", address, "dev", here, *dad(address))
        run("ip", "link", "set", here, "up")

    def _give(self, interface: str, *addresses: str) -> None:
        for address in addresses:
            words = ("ip", "address", "add", address, "dev", interface, *dad(address))
            run(*self.command(*words))


def dad(address: str) -> tuple[str, ...]:
    """Nobody else can have it: no wait for a duplicate."""
    return ("nodad",) if ":" in address else ()


def enter(namespace: int) -> None:
    """Puts this thread into the network namespace that the descriptor stands for.
    (os.setns is of Python 3.12.)"""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"setns: {os.strerror(error)}")


def run(*words: str) -> None:
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr.strip()}"
