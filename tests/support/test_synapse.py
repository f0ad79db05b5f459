# SPDX-License-Identifier: GPL-3.0-or-later
"""The real servers that the suites run against."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .paths import ROOT
from .synapse import Synapse

START_ONE = """
from tests.support.synapse import Synapse
server = Synapse(start=False)
server.start(wait=False)
print(server.process.pid, server.folder, flush=True)
import signal
signal.pause()
"""


def test_a_server_answers_and_knows_who_was_registered(any_synapse, unique):
    name = unique("harness")
    assert any_synapse.register(name, "a password", displayname="Har Ness") == any_synapse.user_id(name)
    assert any_synapse.user(name)["displayname"] == "Har Ness"
    assert any_synapse.user_id(name) in any_synapse.user_names()
    assert any_synapse.user(unique("nobody")) is None


def test_a_registration_leaves_no_session_and_a_logout_ends_one(any_synapse, unique):
    name = unique("harness")
    user_id = any_synapse.register(name, "a password")

    def sessions():
        return [t for t in any_synapse.access_tokens() if t.user_id == user_id]

    assert sessions() == []
    token = any_synapse.login(name, "a password")
    assert len(sessions()) == len(any_synapse.devices(name)) == 1
    any_synapse.logout(token)
    assert sessions() == []


def test_the_server_is_of_the_version_that_was_asked_for(synapse, synapse_floor):
    told = [
        server.api("GET", "/_synapse/admin/v1/server_version")[1]["server_version"]
        for server in (synapse, synapse_floor)
    ]
    assert told == ["1.163.2", "1.103.0"]


def test_a_server_keeps_its_accounts_and_address_over_a_restart():
    with Synapse() as server:
        server.register("alice", "a password")
        before = server.url
        server.stop()
        with pytest.raises(OSError):
            server.api("GET", "/health")
        server.start()
        assert server.url == before
        assert server.user("alice") is not None


def test_a_restart_puts_a_change_on_the_configuration_and_keeps_the_accounts():
    with Synapse() as server:
        server.register("alice", "a password")
        assert server.user("alice")["user_type"] is None
        server.restart({"registration_shared_secret": "another secret"})
        assert server.secret == "another secret"
        server.register("bob", "a password", user_type="support")
        assert server.user("alice") is not None
        assert server.user("bob")["user_type"] == "support"


def test_an_account_is_changed_and_its_limit_is_told(any_synapse, unique):
    name = unique("harness")
    any_synapse.register(name, "a password")
    any_synapse.change(name, displayname="Har Ness")
    assert any_synapse.user(name)["displayname"] == "Har Ness"
    assert any_synapse.ratelimit(name) == {}
    path = f"/_synapse/admin/v1/users/{any_synapse.user_id(name)}/override_ratelimit"
    limit = {"messages_per_second": 5, "burst_count": 10}
    assert any_synapse.api("POST", path, limit, any_synapse.admin_token)[0] == 200
    assert any_synapse.ratelimit(name) == limit


def test_a_secret_in_a_file_is_taken_without_its_newline(tmp_path):
    file = tmp_path / "secret"
    file.write_text("  a secret in a file \n")
    with Synapse(config={"registration_shared_secret_path": str(file)}) as server:
        assert server.secret == "a secret in a file"
        assert server.register("alice", "a password") == "@alice:example.test"


def test_a_server_on_a_unix_socket_listens_on_nothing_else(any_version):
    with Synapse(any_version, unix_socket=True) as server:
        assert server.register("alice", "a password") == "@alice:example.test"
        assert server.user("alice") is not None
        server.logout(server.login("alice", "a password"))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), timeout=5)


def test_a_server_on_postgres_keeps_accounts_of_its_own_and_leaves_nothing(any_version, postgres):
    with Synapse(any_version, postgres=postgres) as first:
        with Synapse(any_version, postgres=postgres) as second:
            first.register("alice", "a password")
            second.register("bob", "a password", displayname="Bo B")
            # What a copied database did not give to its new owner, fails here.
            second.change("bob", deactivated=True)
            second.change("bob", deactivated=False, password="another password")
            second.restart()
            second.logout(second.login("bob", "another password"))
            assert second.user("bob")["displayname"] == "Bo B"
            assert [n for n in second.user_names() if "harness" not in n] == ["@bob:example.test"]
        assert first.user_names() == ["@alice:example.test"]
        assert first.access_tokens() == []
        assert second.database_name not in postgres.databases()


def test_no_server_outlives_a_test_run_that_is_killed():
    run = subprocess.Popen(
        [sys.executable, "-c", START_ONE], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    pid, folder = run.stdout.readline().split()
    run.kill()
    run.wait()
    run.stdout.close()
    end = time.monotonic() + 20
    while time.monotonic() < end and alive(int(pid)):
        time.sleep(0.05)
    assert not alive(int(pid))
    subprocess.run(["rm", "-r", folder], check=True)


def alive(pid: int) -> bool:
    """Whether it runs: one that ended may wait for a parent to take notice."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
