# SPDX-License-Identifier: GPL-3.0-or-later
"""The PostgreSQL that the suites run against: who gets in, and what is in the way."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .namespaces import Namespace, needs_namespaces
from .paths import ROOT
from .postgres import Postgres
from .postgres_binaries import find, identity

START_ONE = """
from tests.support.postgres import Postgres
server = Postgres()
print(server.process.pid, server.folder, flush=True)
import signal
signal.pause()
"""
AWKWARD = 'o\'brien "; DROP TABLE people; --\\'


@pytest.fixture(scope="module")
def server(postgres: Postgres) -> Postgres:
    postgres.create_role("owner", "its pass'w\"rd?")
    postgres.create_database("support", "owner")
    postgres.execute(
        "CREATE TABLE people (name text PRIMARY KEY, admin boolean, age integer);"
        "ALTER TABLE people OWNER TO owner;"
        "INSERT INTO people VALUES ('alice', true, 5), ('bob', NULL, 7)",
        "support",
    )
    return postgres


def connect(
    conninfo: str, user: str | None = None, statement: str = "SELECT current_user"
) -> subprocess.CompletedProcess[str]:
    """As a client that is told nothing but this; run by that user of the machine."""
    words = [find("psql"), "--no-psqlrc", "-AtqX", "-c", statement, conninfo]
    plain = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    return subprocess.run(
        words, env=plain, cwd="/", capture_output=True, text=True, timeout=20, **identity(user)
    )


def test_rows_come_back_with_their_types_and_in_their_order(server):
    rows = server.query("SELECT name, admin, age FROM people ORDER BY name DESC", "support")
    assert rows == [("bob", None, 7), ("alice", True, 5)]
    assert server.query("SELECT 1 AS same, 2 AS same") == [(1, 2)]
    assert server.query("SELECT name FROM people WHERE false", "support") == []


def test_a_parameter_is_a_value_whatever_is_in_it(server):
    parameters = (AWKWARD, True, None, 7, "?")
    rows = server.query("SELECT ? AS a, ? AS b, ? AS c, ? AS d, ? AS e", parameters=parameters)
    assert rows == [parameters]


def test_names_may_have_quotes_in_them(server):
    server.create_role(AWKWARD, "a password")
    server.create_database(AWKWARD, AWKWARD)
    try:
        done = connect(server.uri(AWKWARD, AWKWARD, "a password"))
        assert (done.returncode, done.stdout) == (0, AWKWARD + "\n"), done.stderr
    finally:
        server.forget(AWKWARD)
    assert AWKWARD not in server.databases()


def test_a_password_opens_the_socket_and_the_port_and_a_wrong_one_does_not(server):
    by_port = server.uri("support", "owner", "its pass'w\"rd?")
    by_socket = (
        f"host={server.socket_folder} port={server.port} dbname=support user=owner"
        " password='its pass\\'w\"rd?'"
    )
    for way in (by_port, by_socket):
        assert connect(way).stdout == "owner\n"
    for way in (server.uri("support", "owner", "wrong"), by_socket.replace("its", "not its")):
        assert "password authentication failed" in connect(way).stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="to be somebody else takes root")
def test_a_user_of_the_machine_is_the_role_it_is_mapped_to_by_the_socket_alone(server):
    server.create_role("mapped", peers=("nobody",))
    way = f"host={server.socket_folder} port={server.port} dbname=support user=mapped"
    assert connect(way, "nobody").stdout == "mapped\n"
    assert "Peer authentication failed" in connect(way, "daemon").stderr
    assert connect(way.replace(str(server.socket_folder), "127.0.0.1"), "nobody").returncode != 0


@pytest.mark.parametrize(
    ("certificate", "trusted", "host", "refusal"),
    [
        ("right", "ca", "127.0.0.1", None),
        ("right", "ca", "localhost", None),
        ("right", "other_ca", "127.0.0.1", "certificate verify failed"),
        ("wrong-name", "ca", "127.0.0.1", "does not match host name"),
        ("other-ca", "ca", "127.0.0.1", "certificate verify failed"),
        ("other-ca", "other_ca", "127.0.0.1", None),
    ],
)
def test_the_certificate_is_the_one_that_was_asked_for(server, certificate, trusted, host, refusal):
    server.show_certificate(certificate)
    try:
        ca = getattr(server, trusted).file
        words = f"host={host} port={server.port} dbname=support user=owner"
        words += f" password='its pass\\'w\"rd?' sslmode=verify-full sslrootcert={ca}"
        done = connect(words)
    finally:
        server.show_certificate("right")
    if refusal is None:
        assert done.stdout == "owner\n", done.stderr
    else:
        assert done.returncode != 0
        assert refusal in done.stderr


def test_a_role_may_be_let_in_with_tls_alone(server):
    server.create_role("careful", "a password", group="by_tls")
    for sslmode, word in (("disable", "pg_hba.conf rejects connection"), ("require", "")):
        done = connect(server.uri("support", "careful", "a password", sslmode=sslmode))
        assert (done.returncode == 0) == (sslmode == "require"), done.stderr
        assert word in done.stderr


def test_a_role_reads_only_what_it_was_granted(server):
    server.create_role("reader", "a password")
    server.create_role("stranger", "a password")
    server.grant_reading("support", "reader")
    statement = "SELECT count(*) FROM people"
    ways = {who: server.uri("support", who, "a password") for who in ("reader", "stranger")}
    assert connect(ways["reader"], statement=statement).stdout == "2\n"
    assert "permission denied" in connect(ways["reader"], statement="DELETE FROM people").stderr
    assert "permission denied" in connect(ways["stranger"], statement=statement).stderr


def test_a_setting_makes_a_database_read_only_or_impatient_and_is_taken_back(server):
    way = server.uri("support", "owner", "its pass'w\"rd?")
    update = "UPDATE people SET age = 8 WHERE name = 'bob'"
    server.setting("support", "default_transaction_read_only", "on")
    assert "read-only transaction" in connect(way, statement=update).stderr
    server.setting("support", "default_transaction_read_only", None)
    server.setting("support", "statement_timeout", "50ms")
    with server.holding("support", "SELECT FROM people FOR UPDATE"):
        assert "statement timeout" in connect(way, statement=update).stderr
    server.setting("support", "statement_timeout", None)
    assert connect(way, statement=update).returncode == 0


def test_a_lock_is_held_until_it_is_let_go(server):
    way = server.uri("support", "owner", "its pass'w\"rd?")
    words = [find("psql"), "-AtqX", "-c", "UPDATE people SET admin = false", way]
    with server.holding("support", "SELECT FROM people FOR UPDATE") as holder:
        waiting = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        blocked = server.wait_blocked("support")
        assert waiting.poll() is None
        holder.run("COMMIT")
        assert waiting.communicate(timeout=20) == (b"", b"")
    assert blocked > 0
    assert server.query("SELECT DISTINCT admin FROM people", "support") == [(False,)]


def test_a_session_keeps_its_transaction_and_says_what_failed(server):
    with server.session("support") as session:
        session.run("BEGIN; INSERT INTO people VALUES ('carol')")
        assert session.run("SELECT count(*) FROM people") == "3\n"
        assert server.query("SELECT count(*) FROM people", "support") == [(2,)]
        with pytest.raises(AssertionError, match="no_such_table"):
            session.run("SELECT FROM no_such_table")
    assert server.query("SELECT count(*) FROM people", "support") == [(2,)]


def test_the_connections_of_a_role_are_cut_off(server):
    way = server.uri("support", "owner", "its pass'w\"rd?")
    words = [find("psql"), "-AtqX", "-c", "SELECT pg_sleep(60)", way]
    with subprocess.Popen(words, stderr=subprocess.PIPE) as sleeping:
        end = time.monotonic() + 20
        while server.terminate("owner") == 0:
            assert time.monotonic() < end
            time.sleep(0.02)
        assert b"terminating connection" in sleeping.communicate(timeout=20)[1]
    assert server.terminate("owner") == 0


def test_a_trap_acts_on_the_statement_it_is_laid_for_until_it_is_taken_away(server):
    way = server.uri("support", "owner", "its pass'w\"rd?")
    update = "UPDATE people SET age = age + 1"
    server.trap("support", "people", "UPDATE", "PERFORM pg_terminate_backend(pg_backend_pid());")
    try:
        done = connect(way, statement=update)
        assert "terminating connection" in done.stderr
        assert connect(way, statement="SELECT FROM people").returncode == 0
    finally:
        server.spring("support")
    assert connect(way, statement=update).returncode == 0


def test_a_server_keeps_its_data_and_ways_over_a_restart():
    with Postgres() as server:
        server.create_role("owner", "a password")
        server.create_database("kept", "owner")
        way = server.uri("kept", "owner", "a password")
        server.stop()
        assert "Connection refused" in connect(way).stderr
        server.start()
        assert connect(way).stdout == "owner\n"
        folder = server.folder
    assert not folder.exists()


@needs_namespaces
def test_a_server_in_a_namespace_is_reached_by_the_namespace_s_address_and_its_socket():
    with Namespace() as host, Postgres(namespace=host) as server:
        server.create_role("owner", "a password")
        assert server.address == host.ipv4
        assert connect(server.uri("postgres", "owner", "a password")).stdout == "owner\n"
        outside = f"host=127.0.0.1 port={server.port} dbname=postgres user=owner password=x"
        assert "Connection refused" in connect(outside).stderr
        assert server.query("SELECT 1 AS one") == [(1,)]


def test_no_server_is_left_when_the_tests_are_killed():
    run = subprocess.Popen(
        [sys.executable, "-c", START_ONE], stdout=subprocess.PIPE, cwd=ROOT, text=True
    )
    assert run.stdout is not None
    pid, folder = run.stdout.readline().split()
    assert Path("/proc", pid).exists()
    try:
        run.kill()
        run.wait()
        end = time.monotonic() + 20
        while Path("/proc", pid).exists() and state(pid) != "Z":
            assert time.monotonic() < end, "PostgreSQL still runs"
            time.sleep(0.02)
    finally:
        run.stdout.close()
        if Path("/proc", pid).exists() and state(pid) != "Z":
            os.kill(int(pid), signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


def state(pid: str) -> str:
    try:
        return Path("/proc", pid, "stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return "Z"
