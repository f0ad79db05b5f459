# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies that are too large, and the memory they may cost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import hostile_faults as faults
from tests.support import hostile_rss
from tests.support.hostile import Fault, HostileServer
from tests.support.hostile_tasks import (
    SLACK,
    TIMEOUT,
    Arguments,
    assert_fails,
    by_secret,
    by_token,
    run,
)
from tests.support.module import default_binary

# What the design allows a task for one user is 16 MiB; the rest is for what a
# hostile server makes of it.
MOST_MEMORY = 64 * 1024 * 1024
# A server that is refused early could not send more than what fits into the
# buffers of both kernels.
MOST_BYTES = 32 * 1024 * 1024

TOO_MUCH: dict[str, Fault] = {
    "a body without an end": faults.endless_body(),
    "chunks without an end": faults.endless_chunks(),
    "a string without an end": faults.endless_string(),
    "a Content-Length of a tebibyte": faults.huge_content_length(),
    "a Content-Length of 2^64": faults.huge_content_length(str(1 << 64)),
    "a Content-Length below zero": faults.huge_content_length("-1"),
    "a header of 16 MiB": faults.huge_header(),
    "a header without an end": faults.endless_header(),
    "headers without an end": faults.endless_headers(),
}


@pytest.mark.parametrize("what", TOO_MUCH)
@pytest.mark.parametrize("route", ["nonce", "get_user"])
def test_too_large_an_answer_is_refused_early(
    server: HostileServer, route: str, what: str
) -> None:
    server.misbehave(route, TOO_MUCH[what], on=None)
    reply = run(by_secret(server) if route == "nonce" else by_token(server))
    assert_fails(reply, "protocol", "unreachable")
    assert reply.seconds < TIMEOUT + SLACK
    assert server.bytes_sent < MOST_BYTES, "it was read on"
    assert server.count(route) == 1


def test_a_body_of_a_tebibyte_is_refused_before_it_is_read(server: HostileServer) -> None:
    server.misbehave("nonce", faults.huge_content_length(), on=None)
    reply = run(by_secret(server))
    assert_fails(reply, "protocol")
    assert reply.seconds < TIMEOUT / 2 + SLACK / 2


def test_interim_replies_without_an_end_are_given_up_within_the_timeout(
    server: HostileServer,
) -> None:
    server.misbehave("nonce", faults.endless_information(), on=None)
    reply = run(by_secret(server))
    assert_fails(reply, "protocol", "unreachable")
    assert reply.seconds < TIMEOUT + SLACK


def test_some_interim_replies_are_no_reason_to_fail(server: HostileServer) -> None:
    server.misbehave("any", faults.some_information(), on=None)
    assert run(by_secret(server)).changed


def test_a_body_is_not_unpacked_that_nobody_asked_to_be_packed(server: HostileServer) -> None:
    server.misbehave("nonce", faults.gzip_bomb(), on=None)
    reply = run(by_secret(server))
    assert_fails(reply, "protocol")
    assert server.sent("nonce")[0].header("Accept-Encoding") in (None, "identity")


def peak_memory(arguments: Arguments, folder: Path) -> int:
    """The peak of the module's resident memory, in bytes."""
    binary = default_binary("matrix_user")
    if b"__asan_init" in binary.read_bytes():
        pytest.skip("the address sanitizer's shadow is memory, too")
    args, result = folder / "args", folder / "rss"
    args.write_text(json.dumps({"_ansible_module_name": "matrix_user"} | arguments))
    measured = [sys.executable, "-I", "-S", hostile_rss.__file__, str(result)]
    done = subprocess.run([*measured, str(binary), str(args)], stdout=subprocess.PIPE, timeout=60)
    assert json.loads(done.stdout)["failed"]
    return int(result.read_text())


@pytest.mark.parametrize("what", TOO_MUCH | {"a bomb": None, "interim replies": None})
def test_too_large_an_answer_does_not_fill_the_memory(
    server: HostileServer, tmp_path: Path, what: str
) -> None:
    more = {"a bomb": faults.gzip_bomb(), "interim replies": faults.endless_information()}
    server.misbehave("nonce", (TOO_MUCH | more)[what], on=None)
    assert peak_memory(by_secret(server), tmp_path) < MOST_MEMORY
