# SPDX-License-Identifier: GPL-3.0-or-later
"""A homeserver that listens on a Unix socket."""

from __future__ import annotations

import socket

import pytest

from tests.servers.containers import an_account, fails, registers, registers_and_promotes
from tests.servers.proof import a_password, by_secret, has_nothing_to_do, run_module
from tests.support.hostile import HostileServer
from tests.support.hostile_tasks import by_login, populated
from tests.support.synapse import Synapse

ALL_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@pytest.fixture(scope="module")
def server():
    with Synapse(unix_socket=True) as one:
        yield one


def over_socket(server: Synapse, **options) -> dict:
    task = by_secret(server, unix_socket=server.unix_socket) | options
    if "url" not in options:
        del task["url"]
    return task


def test_register_again_and_promote_work_over_it(server, unique):
    way = {"unix_socket": server.unix_socket, "url": "http://localhost"}
    registers_and_promotes(server, way, unique)


def test_a_url_is_not_needed_beside_it(server, unique):
    task = over_socket(server, **an_account(unique))
    registers(server, task)
    has_nothing_to_do(server, task)


def test_a_url_beside_it_says_nothing_about_where(server, unique):
    registers(server, over_socket(server, url="http://homeserver.invalid:1", **an_account(unique)))


def test_no_proxy_is_used_for_it(server, unique):
    with HostileServer() as elsewhere:
        proxies = dict.fromkeys(ALL_PROXIES, elsewhere.url)
        task = over_socket(server, url="http://homeserver.invalid", **an_account(unique))
        assert run_module(task, env=proxies).changed
        assert elsewhere.connections == 0


def test_only_over_it_a_server_is_told_where_the_client_is():
    # That Synapse needs it there, the logins of the tests above show.
    with HostileServer() as homeserver:
        reply = run_module(by_login(populated(homeserver), displayname="x"))
        assert reply.changed, reply.json
        assert all(request.header("X-Forwarded-For") is None for request in homeserver.requests)


def test_the_oldest_server_is_reached_over_it_too(unique):
    with Synapse("floor", unix_socket=True) as server:
        way = {"unix_socket": server.unix_socket, "url": "http://localhost"}
        registers_and_promotes(server, way, unique)


def test_a_socket_that_is_not_there_is_named(server, tmp_path):
    path = str(tmp_path / "none.sock")
    task = over_socket(server, unix_socket=path, username="carol", password=a_password())
    fails(task, "unreachable", path, "No such file")


def test_a_socket_on_which_nobody_listens_is_named(server, tmp_path):
    path = str(tmp_path / "dead.sock")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    task = over_socket(server, unix_socket=path, username="carol", password=a_password())
    fails(task, "unreachable", path, "Connection refused")


def test_a_file_that_is_no_socket_is_named(server, tmp_path):
    path = tmp_path / "file.sock"
    path.write_text("")
    task = over_socket(server, unix_socket=str(path), username="carol", password=a_password())
    fails(task, "unreachable", str(path))


def test_a_socket_that_may_not_be_used_is_named(server, unprivileged):
    if unprivileged.user is None:
        pytest.skip("takes root to make a socket that another may not use")
    # Its folder is its owner's alone.
    task = over_socket(server, username="carol", password=a_password())
    reply = unprivileged.run(task)
    assert reply.kind == "forbidden", reply.json
    assert server.unix_socket in reply.msg and "Permission denied" in reply.msg


def test_a_path_that_is_too_long_for_a_socket_is_refused(server, tmp_path):
    path = str(tmp_path / ("a" * 120))
    task = over_socket(server, unix_socket=path, username="carol", password=a_password())
    fails(task, "unreachable", path, "too long")
