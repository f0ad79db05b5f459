# SPDX-License-Identifier: GPL-3.0-or-later
"""A database that never answers, never ends, or says what nobody should read:
every run ends in time, in an error, and with nothing of it on the terminal."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import hostile_rss
from tests.support.hostile import HostileServer
from tests.support.hostile_postgres import (
    AUTHENTICATION_OK,
    READY,
    HostilePostgres,
    Talk,
    answer,
    columns,
    message,
    report,
    row,
)
from tests.support.hostile_secrets import AWKWARD, assert_no_secret
from tests.support.module import Reply, default_binary, start_module

TIMEOUT = 1
# Starting the program, the end of a statement (a cancel that is not answered takes
# two seconds), a busy machine and sanitizers.
SLACK = 7
# What a statement may bring (module_src/db/postgres.c), in libpq's buffers and ours.
MOST_MEMORY = 160 << 20


@pytest.fixture(scope="module")
def homeserver() -> Iterator[HostileServer]:
    with HostileServer() as one:
        yield one


@pytest.fixture
def meets(homeserver: HostileServer) -> Callable[..., Reply]:
    def run(talk: Callable[[Talk], None], **database: object) -> Reply:
        with HostilePostgres(talk) as server:
            given = {"host": "127.0.0.1", "port": server.port, "name": "synapse", "user": "synapse"}
            given |= {"password": AWKWARD, "connect_timeout": TIMEOUT} | database
            reply = start_module(
                {
                    "backend": "synapse",
                    "url": homeserver.url,
                    "server_name": "example.test",
                    "database": given,
                    "username": "alice",
                    "admin": True,
                    "timeout": TIMEOUT,
                }
            ).wait()
        assert reply.failed and not reply.changed, reply.json
        assert reply.seconds < 2 * TIMEOUT + SLACK
        assert_no_secret(reply, [AWKWARD])
        assert "\x1b" not in str(reply.json) and "\\u001b" not in reply.raw.decode()
        return reply

    return run


def in_time(reply: Reply) -> None:
    assert reply.kind == "database" and f"no answer within {TIMEOUT * 1000} ms" in reply.msg, reply.json


# Before anybody is let in


def test_one_that_accepts_and_says_nothing(meets):
    in_time(meets(Talk.hold))


def test_one_that_does_not_even_say_whether_it_has_tls(homeserver):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        task = {
            "backend": "synapse",
            "url": homeserver.url,
            "server_name": "example.test",
            "username": "alice",
            "admin": True,
            "database": {
                "host": "127.0.0.1",
                "port": listener.getsockname()[1],
                "name": "synapse",
                "connect_timeout": TIMEOUT,
            },
        }
        began = time.monotonic()
        reply = start_module(task).wait()
        assert TIMEOUT <= time.monotonic() - began < TIMEOUT + SLACK
        in_time(reply)


@pytest.mark.parametrize(
    "garbage",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\0" * 64,
        b"\xff" * 64,
        b"R\0\0\0\3",
        b"R\x7f\xff\xff\xff\0\0\0\0",
        b"E\x7f\xff\xff\xff" + b"x" * 4096,
        b"R\0\0\0\x0c\0\0\0\x0aSCRAM",
        struct.pack(">cII", b"R", 8, 99),
    ],
)
def test_one_that_speaks_no_such_language(meets, garbage):
    def talk(one: Talk) -> None:
        one.say(garbage)
        one.connection.shutdown(socket.SHUT_WR)
        one.hold()

    assert meets(talk).kind == "database"


def test_one_that_gives_notices_without_end(meets):
    notice = report(b"N", "00000", "a notice " * 100)
    in_time(meets(lambda one: (one.say(AUTHENTICATION_OK), one.say_forever(notice))))


def test_one_whose_refusal_has_our_password_and_commands_for_the_terminal_in_it(meets):
    def talk(one: Talk) -> None:
        one.say(report(b"E", "28P01", f"\x1b]0;owned\x07\x1b[2J no: {AWKWARD} \r\n\x1b[31m{AWKWARD}"))

    reply = meets(talk)
    assert reply.kind == "database" and "no:" in reply.msg


def test_one_whose_refusal_is_long_is_cut_short(meets):
    reply = meets(lambda one: one.say(report(b"E", "28P01", "blah " * 5000)))
    assert len(reply.msg) < 1500


# Once let in


def after(number: int, then: Callable[[Talk], None]) -> Callable[[Talk], None]:
    """Plays along for so many statements."""

    def talk(one: Talk) -> None:
        one.let_in()
        for _ in range(number):
            one.hear()
            one.say(answer(("f",)))
        one.hear()
        then(one)

    return talk


def test_one_that_says_nothing_any_more(meets):
    for number in (0, 2):
        reply = meets(after(number, Talk.hold))
        assert reply.kind == "database" and "does not answer any more" in reply.msg, reply.json


def test_one_that_answers_and_never_says_that_it_is_ready(meets):
    reply = meets(after(0, lambda one: (one.say(answer(("f",))[:-6]), one.hold())))
    assert "does not answer any more" in reply.msg


@pytest.mark.parametrize("rows", [row("x" * 1000) * 64, row("x") * 4096], ids=["long", "short"])
def test_one_whose_rows_never_end_fills_neither_the_time_nor_the_memory(
    homeserver, meets, tmp_path, rows
):
    def talk(one: Talk) -> None:
        one.say(message(b"1", b"") + message(b"2", b"") + columns("a"))
        one.say_forever(rows)

    assert meets(after(0, talk)).kind in ("protocol", "database")
    assert peak_memory(homeserver, after(0, talk), tmp_path) < MOST_MEMORY


def test_one_whose_single_row_is_huge_fills_no_memory(homeserver, meets, tmp_path):
    def talk(one: Talk) -> None:
        one.say(message(b"1", b"") + message(b"2", b"") + columns("a"))
        one.say(b"D" + struct.pack(">IHI", 0x3FFFFFFF, 1, 0x3FFFFFF5))
        one.say_forever(b"x" * (1 << 20))

    assert peak_memory(homeserver, after(0, talk), tmp_path) < 300 << 20
    reply = meets(after(0, talk))
    assert reply.kind in ("database", "memory"), reply.json


def peak_memory(homeserver: HostileServer, talk: Callable[[Talk], None], folder: Path) -> int:
    """Of a run that has time to be filled up."""
    binary = default_binary("matrix_user")
    if b"__asan_init" in binary.read_bytes():
        pytest.skip("the address sanitizer's shadow is memory, too")
    args, result = folder / "args", folder / "rss"
    with HostilePostgres(talk) as server:
        task = {
            "_ansible_module_name": "matrix_user",
            "backend": "synapse",
            "url": homeserver.url,
            "server_name": "example.test",
            "database": {"host": "127.0.0.1", "port": server.port, "name": "synapse"},
            "username": "alice",
            "admin": True,
            "timeout": 10,
        }
        args.write_text(json.dumps(task))
        measured = [sys.executable, "-I", "-S", hostile_rss.__file__, str(result)]
        done = subprocess.run([*measured, str(binary), str(args)], stdout=subprocess.PIPE, timeout=60)
    assert json.loads(done.stdout)["failed"]
    return int(result.read_text())


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff" * 64,
        b"D\0\0\0\6\xff\xff",
        message(b"T", struct.pack(">H", 65535)),
        message(b"1", b"") + message(b"2", b"") + columns("a") + message(b"D", b"\0\1\x7f\xff\xff\xffx"),
        message(b"1", b"") + message(b"2", b"") + columns("a") + row("1", "2", "3"),
        message(b"A", b"\0\0\0\1x\0y\0") * 100,
        message(b"C", b"UPDATE 99999999999999999999999\0"),
    ],
)
def test_one_that_answers_with_nonsense(meets, garbage):
    def talk(one: Talk) -> None:
        one.say(garbage)
        one.connection.shutdown(socket.SHUT_WR)
        one.hold()

    assert meets(after(1, talk)).kind == "database"


def test_one_that_answers_with_no_columns_and_no_rows(meets):
    empty = message(b"1", b"") + message(b"2", b"") + message(b"I", b"") + READY
    assert meets(after(0, lambda one: (one.say(empty), one.hold()))).failed


def test_one_whose_error_has_our_password_and_commands_for_the_terminal_in_it(meets):
    text = f"\x1b[2J gone: {AWKWARD}\n\u202e{AWKWARD}"
    reply = meets(after(3, lambda one: (one.say(report(b"E", "XX000", text) + READY), one.hold())))
    assert "gone" in reply.msg


def test_one_that_streams_a_copy(meets):
    for kind in (b"H", b"G", b"W"):
        copy = message(b"1", b"") + message(b"2", b"") + message(kind, b"\0\0\0")
        data = message(b"d", b"x" * 1000)
        reply = meets(after(0, lambda one: (one.say(copy), one.say_forever(data))))
        assert reply.kind in ("database", "protocol"), reply.json
