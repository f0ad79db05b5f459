# SPDX-License-Identifier: GPL-3.0-or-later
"""The real Dendrite that the suites run against, on both of its databases."""

from __future__ import annotations

import socket

import pytest

from .dendrite import ADMIN, REGISTRATION_DEVICE, USER, Dendrite

PASSWORD = "a password"


def test_it_is_the_version_that_was_asked_for(any_dendrite):
    server = any_dendrite.asked("GET", "/_matrix/federation/v1/version")["server"]
    assert server["name"] == "Dendrite"
    # internal/version.go: the revision follows where it is known.
    assert server["version"].split("+")[0] == "0.15.2"


def test_an_account_is_there_by_the_api_and_by_sql_and_nobody_else_is(any_dendrite, unique):
    name = unique("harness")
    assert any_dendrite.available(name)
    assert any_dendrite.account(name) is None
    assert any_dendrite.profile(name) is None
    user_id = any_dendrite.register(name, PASSWORD, displayname="Har Ness")
    assert user_id == any_dendrite.user_id(name)
    assert not any_dendrite.available(name)
    account = any_dendrite.account(name)
    assert (account.account_type, account.deactivated) == (USER, False)
    # golang.org/x/crypto/bcrypt, with the least cost there is.
    assert account.password_hash.startswith("$2a$04$")
    assert any_dendrite.profile(name) == {"displayname": "Har Ness"}
    assert user_id in any_dendrite.user_names()


def test_a_registration_leaves_no_session_and_a_logout_ends_one(any_dendrite, unique):
    name = unique("harness")
    made = any_dendrite._register(name, PASSWORD, False)
    assert [device.device_id for device in any_dendrite.devices(name)] == [REGISTRATION_DEVICE]
    any_dendrite.logout(made["access_token"])
    assert any_dendrite.devices(name) == []
    token = any_dendrite.login(name, PASSWORD, device_id="MINE")
    who = any_dendrite.whoami(token)
    assert (who["user_id"], who["device_id"]) == (any_dendrite.user_id(name), "MINE")
    assert [device.device_id for device in any_dendrite.devices(name)] == ["MINE"]
    any_dendrite.logout(token)
    assert any_dendrite.whoami(token) is None
    assert any_dendrite.devices(name) == []


def test_who_is_an_administrator_is_changed_by_sql_and_holds_at_once(any_dendrite, unique):
    name = unique("harness")
    any_dendrite.register(name, PASSWORD)
    token = any_dendrite.login(name, PASSWORD)
    assert (any_dendrite.is_admin(name), any_dendrite.may_administer(token)) == (False, False)
    any_dendrite.set_admin(name, True)
    assert any_dendrite.account(name).account_type == ADMIN
    assert any_dendrite.may_administer(token)
    any_dendrite.set_admin(name, False)
    assert (any_dendrite.is_admin(name), any_dendrite.may_administer(token)) == (False, False)


def test_a_deactivated_user_does_not_log_in_until_that_is_taken_back(any_dendrite, unique):
    name = unique("harness")
    any_dendrite.register(name, PASSWORD)
    any_dendrite.set_deactivated(name, True)
    assert any_dendrite.account(name).deactivated
    with pytest.raises(AssertionError, match="M_FORBIDDEN"):
        any_dendrite.login(name, PASSWORD)
    any_dendrite.set_deactivated(name, False)
    any_dendrite.logout(any_dendrite.login(name, PASSWORD))


def test_an_administrator_sets_a_password_and_ends_sessions_or_not(any_dendrite, unique):
    name = unique("harness")
    any_dendrite.register(name, PASSWORD)
    token = any_dendrite.login(name, PASSWORD)
    any_dendrite.reset_password(name, "another password")
    assert any_dendrite.whoami(token) is not None
    any_dendrite.logout(any_dendrite.login(name, "another password"))
    any_dendrite.reset_password(name, PASSWORD, logout=True)
    assert any_dendrite.whoami(token) is None


def test_a_server_keeps_its_accounts_and_address_over_a_restart_and_is_told_anew(postgres):
    for cluster in (None, postgres):
        with Dendrite(postgres=cluster) as server:
            server.register("alice", PASSWORD)
            before = server.url
            server.restart({"client_api": {"registration_shared_secret": "another secret"}})
            assert (server.url, server.secret) == (before, "another secret")
            server.register("bob", PASSWORD)
            assert server.user_names() == [server.user_id("alice"), server.user_id("bob")]
            server.stop()
            with pytest.raises(OSError):
                server.api("GET", Dendrite.READY_PATH)


def test_nothing_is_left_of_a_server_that_is_closed(postgres):
    with Dendrite(postgres=postgres) as server:
        assert server.database_name in postgres.databases()
        folder, process = server.folder, server.process
    assert process.poll() is not None
    assert not folder.exists()
    assert server.database_name not in postgres.databases()
    roles = postgres.query("SELECT rolname FROM pg_roles")
    assert (server.database_name,) not in roles


def test_the_limits_of_its_defaults_are_there_when_they_are_asked_for():
    # setup/config/config_clientapi.go: a threshold of 5.
    path = "/_matrix/client/v3/register/available?username=alice"
    with Dendrite(default_limits=True) as server:
        connection = server._connection()
        told = []
        for _ in range(6):
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            told.append(response.status)
        connection.close()
    assert told == [200] * 5 + [429]


def test_a_server_on_a_unix_socket_listens_on_nothing_else():
    with Dendrite(unix_socket=True) as server:
        server.register("alice", PASSWORD)
        assert not server.available("alice")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), timeout=5)
