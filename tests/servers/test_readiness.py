# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that is not ready: not started, started with another secret, without
its database, or behind a proxy that is up without it."""

import contextlib
import re
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator

import pytest

from tests.servers.proof import a_password, by_secret, by_service, by_token, logs_in
from tests.servers.proxy import HTML_502, Proxy
from tests.support.module import run_module, start_module
from tests.support.synapse import Synapse

# What opening, looking and registering read. SQLite in its mode with a log, which
# Synapse uses, lets nobody lock readers out; a table that is not there is the same
# to the server: an OperationalError, which it tries six times and answers with 500
# (synapse/storage/database.py, MAX_NUMBER_OF_ATTEMPTS; synapse/http/server.py,
# return_json_error).
TABLES = ("users", "profiles", "access_tokens")

# What the message of each says, and none of the others'.
MARKS = {
    "unreachable": "nothing listens there",
    "not_ready": "reverse proxy",
    "server": "database may be away",
    "unauthorized": "another registration_shared_secret",
}


def assert_told(reply, kind: str) -> None:
    assert reply.kind == kind, reply.json
    assert [k for k, mark in MARKS.items() if mark in reply.msg] == [kind], reply.msg
    assert re.search("systemctl|journalctl|restart", reply.msg), "the next step is missing"


def wait_until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


@contextlib.contextmanager
def without_database(server: Synapse) -> Iterator[Callable[[], None]]:
    """The server's tables are away, until what this gives is called."""
    away = False

    def rename(template: str) -> None:
        path = server.config["database"]["args"]["database"]
        with contextlib.closing(sqlite3.connect(path, timeout=30)) as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            for table in TABLES:
                connection.execute(template.format(table))

    def give_back() -> None:
        nonlocal away
        if away:
            rename("ALTER TABLE {0}_away RENAME TO {0}")
        away = False

    rename("ALTER TABLE {0} RENAME TO {0}_away")
    away = True
    try:
        yield give_back
    finally:
        give_back()


def test_a_server_that_starts_late_is_waited_for():
    with Synapse(start=False) as server:
        password = a_password()
        task = by_secret(server, username="alice", password=password, wait_timeout=60)
        running = start_module(task)
        time.sleep(1)
        server.start()
        reply = running.wait()
        assert reply.json["actions"] == ["create"], reply.json
        assert logs_in(server, "alice", password)


def test_a_server_that_is_not_there_is_told_with_how_long_was_waited():
    server = Synapse(start=False)
    try:
        task = by_secret(server, username="alice", password=a_password())
        reply = run_module(task)
        assert_told(reply, "unreachable")
        assert "set wait_timeout" in reply.msg
        reply = run_module(task | {"wait_timeout": 1})
        assert_told(reply, "unreachable")
        assert "has waited 1 s" in reply.msg
    finally:
        server.close()


@pytest.mark.parametrize("credential", [by_secret, by_service])
def test_a_restart_with_the_secret_that_was_given_is_waited_for(credential):
    new = secrets.token_urlsafe(24)
    with Synapse() as server:
        task = credential(
            server,
            username="alice",
            password=a_password(),
            registration_shared_secret=new,
            wait_timeout=60,
        )
        if credential is by_service:
            task["locked"] = False  # which takes an administrator
        running = start_module(task)
        wait_until(lambda: "HMAC incorrect" in server.log())
        server.restart({"registration_shared_secret": new})
        reply = running.wait()
        assert not reply.failed, reply.json
        assert "create" in reply.json["actions"]
        assert not run_module(task).changed


def test_a_secret_that_stays_another_is_told_at_once_or_after_one_wait(any_synapse, unique):
    name = unique("alice")
    task = by_secret(any_synapse, username=name, password=a_password())
    task["registration_shared_secret"] = secrets.token_urlsafe(24)
    for check in (False, True):
        reply = run_module(task, check=check)
        assert_told(reply, "unauthorized")
        assert reply.json["error"]["status"] == 403
        assert reply.seconds < 4
        assert not reply.changed
        reply = run_module(task | {"wait_timeout": 2}, check=check)
        assert_told(reply, "unauthorized")
        assert not reply.changed
        assert "has waited 2 s" in reply.msg
        assert 1.9 < reply.seconds < 2 + 4
    assert any_synapse.user(name) is None


@pytest.mark.parametrize("credential", [by_secret, by_token])
def test_a_database_that_comes_back_is_waited_for(synapse, unique, credential):
    name, password = unique("alice"), a_password()
    task = credential(synapse, username=name, password=password, wait_timeout=60)
    with without_database(synapse) as give_back:
        running = start_module(task)
        time.sleep(1)
        assert running.process.poll() is None, "it did not wait"
        give_back()
        reply = running.wait()
    assert reply.json["actions"] == ["create"], reply.json
    assert logs_in(synapse, name, password)


@pytest.mark.parametrize("credential", [by_secret, by_token])
def test_a_database_that_stays_away_is_told(synapse, unique, credential):
    name = unique("alice")
    task = credential(synapse, username=name, password=a_password())
    with without_database(synapse):
        assert synapse.api("GET", "/health")[0] == 200
        reply = run_module(task)
        assert_told(reply, "server")
        assert reply.json["error"]["status"] == 500
        assert "waited" not in reply.msg
        # A registration that the server broke down over may have been done.
        assert reply.changed == (credential is by_secret)
        reply = run_module(task | {"wait_timeout": 2})
        assert_told(reply, "server")
        assert "has waited 2 s" in reply.msg
    assert synapse.user(name) is None


def test_a_server_that_starts_late_behind_its_proxy_is_waited_for():
    with Synapse(start=False) as server, Proxy(server, lambda *_: down(server)) as proxy:
        password = a_password()
        task = by_secret(server, username="alice", password=password, url=proxy.url)
        reply = run_module(task)
        assert_told(reply, "not_ready")
        assert "set wait_timeout" in reply.msg
        reply = run_module(task | {"wait_timeout": 1})
        assert_told(reply, "not_ready")
        assert "has waited 1 s" in reply.msg
        running = start_module(task | {"wait_timeout": 60})
        time.sleep(1)
        server.start()
        reply = running.wait()
        assert reply.json["actions"] == ["create"], reply.json
        assert logs_in(server, "alice", password)


def down(server: Synapse) -> tuple[int, bytes] | None:
    """What a proxy says while the server behind it refuses connections."""
    try:
        server.api("GET", "/health")
    except OSError:
        return 502, HTML_502
    return None
