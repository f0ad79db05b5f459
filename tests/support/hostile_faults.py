# SPDX-License-Identifier: GPL-3.0-or-later
"""Misbehaviours of the hostile server: each function makes one, to be handed
to HostileServer.misbehave.

"done" says whether the server does what was asked before it misbehaves: a
reply that is lost after a creation is another matter than one lost before.
"""

from __future__ import annotations

import gzip
import json
import time
import zlib
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

from .hostile import Answer, Exchange, Fault, encoded

JSON = "Content-Type: application/json\r\n"
OK = "HTTP/1.1 200 OK\r\nServer: Synapse/1.163.2\r\n" + JSON


# Replies that are whole, but not what they should be


def reply(status: int, body: bytes, content_type: str = "application/json", **more: str) -> Fault:
    """A reply with exactly this body; more: headers, _ for -."""
    headers = {"Content-Type": content_type, "Content-Length": str(len(body))}
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    def fault(exchange: Exchange) -> None:
        exchange.send(f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode("latin-1") + body)
        exchange.finished = True

    return fault


def says(value: Any, status: int = 200, **more: str) -> Fault:
    """A reply with this JSON value."""
    return reply(status, json.dumps(value).encode(), **more)


def refuses(status: int, errcode: str, error: str = "No.", **more: Any) -> Fault:
    """A refusal in the form of the specification; more: keys of its body."""
    return says({"errcode": errcode, "error": error} | more, status)


def limited(retry_after_ms: Any = None, **headers: str) -> Fault:
    """429 as Synapse says it (api/errors.py, LimitExceededError)."""
    body = {"errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests"}
    if retry_after_ms is not None:
        body |= {"retry_after_ms": retry_after_ms}
    return says(body, 429, **headers)


def limited_after(seconds: float) -> str:
    """A Retry-After header in the form of a date (RFC 9110, 10.2.3)."""
    return formatdate(time.time() + seconds, usegmt=True)


def html(status: int) -> Fault:
    """A page of a reverse proxy."""
    page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
    return reply(status, page.encode(), "text/html", Server="nginx/1.22.1")


def redirects(status: int, location: str) -> Fault:
    return reply(status, b"", "text/html", Location=location)


def done_but(fault: Fault) -> Fault:
    """Does what was asked, then misbehaves."""

    def after(exchange: Exchange) -> Answer | None:
        exchange.answer()
        return fault(exchange)

    return after


def done_but_not_said(change: Callable[[Any], Any]) -> Fault:
    """The honest answer, with its body put through a function."""

    def fault(exchange: Exchange) -> Answer:
        answer = exchange.answer()
        return Answer(answer.status, change(answer.body), answer.headers)

    return fault


def profile_stored_but_limited(retry_after_ms: int) -> Fault:
    """Synapse stores a display name, then tells the rooms, which has a limit:
    the 429 comes after the name is stored and before the rest is begun
    (handlers/profile.py, set_displayname; rest/admin/users.py, on_PUT)."""

    def fault(exchange: Exchange) -> Answer:
        server = exchange.server.homeserver
        body = exchange.request.json
        user_id = exchange.request.target.rsplit("/", 1)[1].replace("%40", "@").replace("%3A", ":")
        account = server.accounts[user_id]
        requester = server.tokens[exchange.request.bearer or ""]
        server.modify(account, {"displayname": body["displayname"]}, requester)
        return Answer(
            429,
            {
                "errcode": "M_LIMIT_EXCEEDED",
                "error": "Too Many Requests",
                "retry_after_ms": retry_after_ms,
            },
        )

    return fault


# Replies that break off, or never come


def early(fault: Fault) -> Fault:
    fault.before_body = True  # type: ignore[attr-defined]
    return fault


def reset_before_reading() -> Fault:
    """Resets the connection when only the head of the request was read."""
    return early(lambda exchange: exchange.reset())


def reset(done: bool = False) -> Fault:
    """Reads the request, then resets the connection without a word."""

    def fault(exchange: Exchange) -> None:
        if done:
            exchange.answer()
        exchange.reset()

    return fault


def hangs_up(done: bool = False) -> Fault:
    """Reads the request, then ends the connection in good order, wordless."""

    def fault(exchange: Exchange) -> None:
        if done:
            exchange.answer()

    return fault


def truncated(done: bool = True) -> Fault:
    """A Content-Length larger than what comes."""

    def fault(exchange: Exchange) -> None:
        body = json.dumps(exchange.answer().body if done else {"errcode": "M_X"}).encode()
        exchange.send(f"{OK}Content-Length: {len(body) + 10}\r\n\r\n".encode() + body[:-5])

    return fault


def truncated_chunks(done: bool = True) -> Fault:
    """A chunked body without its last chunk."""

    def fault(exchange: Exchange) -> None:
        data = json.dumps(exchange.answer().body if done else {}).encode()
        exchange.send(f"{OK}Transfer-Encoding: chunked\r\n\r\n".encode())
        exchange.send(b"%x\r\n%s\r\n" % (len(data), data))

    return fault


def half_a_head() -> Fault:
    return lambda exchange: exchange.send(b"HTTP/1.1 200 OK\r\nContent-Ty")


def no_http() -> Fault:
    """Something else listens on that port."""
    return lambda exchange: exchange.send(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")


def silent(seconds: float = 60) -> Fault:
    """Never answers."""
    return lambda exchange: exchange.wait(seconds)


def delayed(seconds: float) -> Fault:
    """The honest answer, late: what was asked is done at once."""

    def fault(exchange: Exchange) -> Answer:
        answer = exchange.answer()
        exchange.wait(seconds)
        return answer

    return fault


def dripping(seconds: float = 1.0) -> Fault:
    """The honest answer's body, a byte at a time."""

    def fault(exchange: Exchange) -> None:
        whole = encoded(exchange.answer())
        head, _, body = whole.partition(b"\r\n\r\n")
        exchange.send(head + b"\r\n\r\n")
        for byte in body:
            exchange.wait(seconds)
            exchange.send(bytes([byte]))

    return fault


def dripping_head(seconds: float = 1.0) -> Fault:
    def fault(exchange: Exchange) -> None:
        for byte in encoded(exchange.answer()):
            exchange.wait(seconds)
            exchange.send(bytes([byte]))

    return fault


# Replies that are too much


def pouring(head: str, piece: bytes) -> Fault:
    """A head, then the same piece until the client goes away."""

    def fault(exchange: Exchange) -> None:
        exchange.send(head)
        while not exchange.server.ended.is_set():
            exchange.send(piece)

    return fault


BLANKS = b" " * 65536


def endless_body() -> Fault:
    """No length, no end."""
    return pouring(OK + "Connection: close\r\n\r\n", BLANKS)


def endless_chunks() -> Fault:
    return pouring(OK + "Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + BLANKS + b"\r\n")


def endless_string() -> Fault:
    """As JSON that could still become valid."""
    return pouring(OK + 'Connection: close\r\n\r\n{"nonce": "', b"x" * 65536)


def huge_content_length(length: str = str(1 << 40)) -> Fault:
    return pouring(OK + f"Content-Length: {length}\r\n\r\n", BLANKS)


def huge_header() -> Fault:
    """One header of 16 MiB, then an honest body."""

    def fault(exchange: Exchange) -> None:
        exchange.send(OK + "X-Huge: ")
        for _ in range(256):
            exchange.send(b"x" * 65536)
        body = json.dumps(exchange.answer().body).encode()
        exchange.send(f"\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        exchange.finished = True

    return fault


def endless_header() -> Fault:
    return pouring(OK + "X-Endless: ", b"x" * 65536)


def endless_headers() -> Fault:
    return pouring(OK, b"".join(b"X-More-%d: and more\r\n" % i for i in range(2000)))


def endless_information() -> Fault:
    """Interim replies (RFC 9110, 15.2) and never a final one."""
    return pouring("", b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n" * 500)


def some_information(count: int = 100) -> Fault:
    """Interim replies, then the honest one: allowed, if strange."""

    def fault(exchange: Exchange) -> Answer:
        exchange.send("HTTP/1.1 102 Processing\r\n\r\n" * count)
        return exchange.answer()

    return fault


def gzip_bomb(mebibytes: int = 1024) -> Fault:
    """A compressed body, which nobody asked for: a thousand to one."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    # After a full flush a block depends on nothing, so one serves for all.
    start, block = (
        packer.compress(b" " * (1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2)
    )
    body = start + block * (mebibytes - 1) + packer.flush()
    return reply(200, body, Content_Encoding="gzip")


def gzipped(value: Any) -> Fault:
    return reply(200, gzip.compress(json.dumps(value).encode()), Content_Encoding="gzip")

