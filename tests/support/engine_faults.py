# SPDX-License-Identifier: GPL-3.0-or-later
"""Misbehaviours of the stand-in for a container engine (engine.py): faults for
Engine.misbehave, which answer in the engine's place, and edits for Engine.edit,
which change what it says about a container and leave its HTTP in order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .engine import Exchange, Fault, encoded

JSON = "Content-Type: application/json\r\n"
HEAD = "HTTP/1.1 200 OK\r\nServer: Docker/20.10.24 (linux)\r\n" + JSON

Edit = Callable[[dict[str, Any]], Any]


# Faults: what comes over the socket


def sends(data: bytes | str) -> Fault:
    """Exactly these bytes, and the end."""
    raw = data.encode("latin-1") if isinstance(data, str) else data
    return lambda exchange: exchange.send(raw)


def says(body: bytes | str, status: str = "200 OK") -> Fault:
    """A reply with this body, in order otherwise."""
    payload = body.encode() if isinstance(body, str) else body
    length = f"Content-Length: {len(payload)}\r\n\r\n"
    return sends(f"HTTP/1.1 {status}\r\n{JSON}{length}".encode() + payload)


def closes(exchange: Exchange) -> None:
    """Hears the request, and hangs up."""


def truncated(exchange: Exchange) -> None:
    """Half of an honest answer; its length, or its last chunk, is not kept to."""
    whole = encoded(exchange.answer())
    exchange.send(whole[: len(whole) // 2])


def silent(exchange: Exchange) -> None:
    """Never answers."""
    exchange.wait(600)


def dripping(exchange: Exchange) -> None:
    """An honest answer, a byte every twenty milliseconds: a minute and a half."""
    for byte in encoded(exchange.answer()):
        exchange.send(bytes([byte]))
        exchange.wait(0.02)


def endless(before: bytes, again: bytes) -> Fault:
    """`before`, then `again` until the client has had enough."""

    def fault(exchange: Exchange) -> None:
        exchange.send(before)
        while True:
            exchange.send(again)

    return fault


def huge(exchange: Exchange) -> None:
    """JSON that is never done."""
    endless(f"{HEAD}\r\n".encode() + b'{"Id":"', b"a" * 65536)(exchange)


def huge_by_its_length(exchange: Exchange) -> None:
    """Announces an exbibyte, and begins."""
    head = f"{HEAD}Content-Length: {1 << 60}\r\n\r\n"
    endless(head.encode() + b'{"Id":"', b"a" * 65536)(exchange)


def many_headers(exchange: Exchange) -> None:
    endless(HEAD.encode(), b"X-More: more\r\n" * 1000)(exchange)


def redirects(location: str, status: str = "301 Moved Permanently") -> Fault:
    """Elsewhere, as Docker does with a path that is not clean."""
    return sends(f"HTTP/1.1 {status}\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")


FAULTS: dict[str, Fault] = {
    "closes at once": closes,
    "truncated": truncated,
    "huge": huge,
    "huge by its length": huge_by_its_length,
    "endless headers": many_headers,
    "no HTTP": sends("220 mail.example.test ESMTP\r\n"),
    "HTTP/0.9": sends('{"Id": "none"}'),
    "no body": says(""),
    "no JSON": says("<html>It works!</html>"),
    "JSON and more": says('{"Id":""} {"Id":""}'),
    "no UTF-8": says(b'{"Id":"\xff\xfe"}'),
    "a NUL": says(b'{"Id":"a\x00b"}'),
    "nested too deeply": says("[" * 100000),
    "an array": says("[]"),
    "a string": says('"matrix-synapse"'),
    "null": says("null"),
    "an empty object": says("{}"),
    "500": says('{"message":"layer does not exist"}\n', "500 Internal Server Error"),
    "403": says('{"message":"authorization denied by plugin"}\n', "403 Forbidden"),
    "204": sends("HTTP/1.1 204 No Content\r\n\r\n"),
    "206": says('{"Id":""}', "206 Partial Content"),
    "redirect to TCP": redirects("http://127.0.0.1:1/containers/x/json"),
    "redirect to a file": redirects("file:///etc/hostname", "302 Found"),
    "redirect to itself": redirects("/containers/matrix-synapse/json", "307 Temporary Redirect"),
    "switching protocols": sends(
        "HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n"
    ),
}


# Edits: what is told about the container


def put(path: str, value: Any) -> Edit:
    """Puts the value at a path such as "State.Pid"; "*": into each that is there."""

    def edit(body: dict[str, Any]) -> None:
        places = [body]
        *way, last = path.split(".")
        for step in way:
            places = [
                inner
                for place in places
                for inner in (place.values() if step == "*" else [place[step]])
            ]
        for place in places:
            place[last] = value

    return edit


def both(*edits: Edit) -> Edit:
    def edit(body: dict[str, Any]) -> None:
        for one in edits:
            one(body)

    return edit


def addresses(value: Any) -> Edit:
    """The same address everywhere that an IPv4 address may be; no other is told."""

    def edit(body: dict[str, Any]) -> None:
        settings = body["NetworkSettings"]
        for place in [settings, *settings["Networks"].values()]:
            if "IPAddress" in place:
                place["IPAddress"] = value
                place["GlobalIPv6Address"] = ""

    return edit


def ipv6_addresses(value: Any) -> Edit:
    """As addresses(), where an IPv6 address may be."""

    def edit(body: dict[str, Any]) -> None:
        settings = body["NetworkSettings"]
        for place in [settings, *settings["Networks"].values()]:
            if "IPAddress" in place:
                place["IPAddress"] = ""
                place["GlobalIPv6Address"] = value

    return edit


def many_networks(count: int, address: str) -> Edit:
    def edit(body: dict[str, Any]) -> None:
        networks = body["NetworkSettings"]["Networks"]
        one = next(iter(networks.values())) | {"IPAddress": address, "GlobalIPv6Address": ""}
        networks.clear()
        networks |= {f"net-{number}": one for number in range(count)}

    return edit


def mounts(*entries: Any) -> Edit:
    return put("Mounts", list(entries))


def bind(source: Any, destination: Any) -> dict[str, Any]:
    return {"Type": "bind", "Source": source, "Destination": destination, "Mode": "", "RW": True}


# A value of the wrong type where the module looks for one.
WRONG_TYPES: dict[str, Edit] = {
    "State a list": put("State", []),
    "State null": put("State", None),
    "State a string": put("State", "running"),
    "Running a string": put("State.Running", "true"),
    "Running a number": put("State.Running", 1),
    "Running null": put("State.Running", None),
    "Pid a string": put("State.Pid", "1"),
    "Pid a fraction": put("State.Pid", 4711.5),
    "Pid null": put("State.Pid", None),
    "Pid an object": put("State.Pid", {}),
    "HostConfig a list": put("HostConfig", []),
    "NetworkMode a number": put("HostConfig.NetworkMode", 7),
    "NetworkMode null": put("HostConfig.NetworkMode", None),
    "NetworkSettings a list": put("NetworkSettings", []),
    "NetworkSettings null": put("NetworkSettings", None),
    "Networks a list": put("NetworkSettings.Networks", []),
    "Networks a string": put("NetworkSettings.Networks", "bridge"),
    "a network a string": put("NetworkSettings.Networks.bridge", "198.18.0.2"),
    "an address a number": addresses(3322019842),
    "an address a list": addresses(["127.0.0.1"]),
    "an address an object": addresses({}),
}

# What is no process of a container, whatever the engine says.
BAD_PIDS: dict[str, int] = {
    "0": 0,
    "init": 1,
    "negative": -1,
    "every process": -(1 << 31),
    # PID_MAX_LIMIT of Linux is 1 << 22.
    "beyond any pid": 1 << 23,
    "beyond an int": (1 << 32) + 2,
    "beyond a long": 1 << 63,
}

# What is no address to which a credential may be sent.
BAD_ADDRESSES: dict[str, str] = {
    "a host name": "localhost",
    "a name elsewhere": "homeserver.example.test",
    "256.1.1.1": "256.1.1.1",
    "a short form": "127.1",
    "a number": "2130706433",
    "octal": "0177.0.0.1",
    "hexadecimal": "0x7f.0.0.1",
    "loopback": "127.0.0.1",
    "loopback's other end": "127.255.255.254",
    "nowhere": "0.0.0.0",
    "broadcast": "255.255.255.255",
    "multicast": "224.0.0.1",
    "link-local": "169.254.169.254",
    "with a port": "198.18.0.2:80",
    "with a path": "198.18.0.2/../..",
    "with a user": "root@198.18.0.2",
    "with a prefix length": "198.18.0.2/24",
    "a space before": " 198.18.0.2",
    "a newline after": "198.18.0.2\n",
    "a NUL after": "198.18.0.2\0.example.test",
    "a header": "198.18.0.2\r\nX-Injected: 1",
    "a terminal's colours": "\x1b[31m198.18.0.2\x1b[0m",
    "a lone surrogate": "198.18.0.2\ud800",
    "full-width digits": "１９８.18.0.2",
    "a megabyte": "1" * (1 << 20),
}

BAD_IPV6_ADDRESSES: dict[str, str] = {
    "loopback": "::1",
    "nowhere": "::",
    "loopback in IPv4's clothes": "::ffff:127.0.0.1",
    "loopback, compatible": "::127.0.0.1",
    "multicast": "ff02::1",
    "link-local": "fe80::1",
    "with a zone": "fd00::2%lo",
    "in brackets": "[fd00::2]",
    "with a port": "[fd00::2]:80",
    "IPv4": "127.0.0.1",
    "a name": "localhost",
}

# Mounts that map no path inside to one outside; a container's mounts are looked at
# where its configuration files are.
BAD_MOUNTS: dict[str, Edit] = {
    "no list": put("Mounts", {}),
    "null": put("Mounts", None),
    "of strings": mounts("/data:/data"),
    "a relative source": mounts(bind("data", "/data")),
    "an empty source": mounts(bind("", "/data")),
    "a source that climbs": mounts(bind("/var/lib/../../etc", "/data")),
    "a destination that climbs": mounts(bind("/etc", "/data/../data")),
    "a relative destination": mounts(bind("/etc", "data")),
    "a NUL": mounts(bind("/etc\0/x", "/data")),
    "a number": mounts(bind(7, "/data")),
    "a source without its type": mounts({"Source": "/etc", "Destination": "/data"}),
    "a very long path": mounts(bind("/" + "a" * 100000, "/data")),
    "thousands": mounts(*(bind(f"/srv/{n}", f"/data/{n}") for n in range(20000))),
}
