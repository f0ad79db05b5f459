# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs against a Dendrite that goes away in the middle, and what a rerun makes of
what is left."""

import pytest

from tests.servers.cutting import cut_everywhere
from tests.servers.dendrites import sessions, with_all, with_rows, with_secret, with_service
from tests.servers.proof import (
    SERVICE,
    a_password,
    facts,
    has_nothing_to_do,
    logs_in,
    run_module,
)
from tests.servers.proxy import Cut, Proxy
from tests.support.dendrite import REGISTRATION_DEVICE, Dendrite

REGISTER = "/_synapse/admin/v1/register"


class First:
    """A proxy's rule: the first such requests are lost, with their answers or without;
    `then` is done before that. A kept connection that breaks makes libcurl send a
    request once more: two are lost where it is to notice."""

    def __init__(self, method, path, delivered=True, then=lambda: None, times=2):
        self.wanted = (method, path)
        self.cut = Cut(delivered)
        self.then = then
        self.times = times

    def __call__(self, method, path):
        if self.times == 0 or (method, path) != self.wanted:
            return None
        self.times -= 1
        self.then()
        return self.cut


@pytest.fixture
def proxy(dendrite):
    with Proxy(dendrite) as proxy:
        yield proxy


def registers(proxy, name):
    """How often an account of that name was asked for."""
    return sum((p.body or {}).get("username") == name and p.method == "POST" for p in proxy.passed)


@pytest.mark.parametrize("times", [1, 2])
def test_a_registration_of_which_the_answer_is_lost_is_found_with_its_session(
    dendrite, unique, proxy, times
):
    name, password = unique("alice"), a_password()
    proxy.rule = First("POST", REGISTER, times=times)
    stated = {"displayname": "Alice", "avatar_url": "mxc://example.test/a", "admin": True}
    task = with_secret(dendrite, url=proxy.url, username=name, password=password, **stated)
    reply = run_module(task)
    assert not reply.failed and reply.json["actions"] == ["create"], reply.json
    assert any("was lost" in warning for warning in reply.json["warnings"])
    assert facts(dendrite, name) == stated | {"deactivated": False}
    # The token of the session was in the answer: a login on the same device takes
    # its place, and is ended.
    assert sessions(dendrite, name) == []
    has_nothing_to_do(dendrite, task)


def test_a_name_that_another_took_meanwhile_is_not_taken_for_ours(dendrite, unique, proxy):
    name, password = unique("alice"), a_password()

    def somebody_elses():
        if dendrite.account(name) is None:
            dendrite.register(name, a_password(), displayname="Somebody")

    proxy.rule = First("POST", REGISTER, delivered=False, then=somebody_elses, times=1)
    task = with_secret(dendrite, url=proxy.url, username=name, password=password)
    reply = run_module(task | {"if_exists": "match", "displayname": "Alice"})
    assert reply.failed and reply.kind == "conflict" and not reply.changed, reply.json
    assert facts(dendrite, name)["displayname"] == "Somebody"


def test_a_registration_that_never_arrived_is_an_error_and_the_rerun_makes_it(
    dendrite, unique, proxy
):
    name = unique("alice")
    proxy.rule = First("POST", REGISTER, delivered=False)
    task = with_secret(dendrite, url=proxy.url, username=name, password=a_password())
    reply = run_module(task)
    assert reply.failed and reply.kind == "unreachable", reply.json
    assert not reply.changed and facts(dendrite, name) == {}
    assert run_module(task).json["actions"] == ["create"]
    has_nothing_to_do(dendrite, task)


def test_a_session_that_could_not_be_ended_is_said(dendrite, unique, proxy):
    name, password = unique("alice"), a_password()
    proxy.rule = lambda method, path: Cut(False) if path.endswith("/logout") else None
    task = with_secret(dendrite, url=proxy.url, username=name, password=password)
    reply = run_module(task)
    assert not reply.failed and reply.json["actions"] == ["create"], reply.json
    (warning,) = reply.json["warnings"]
    assert REGISTRATION_DEVICE in warning and name in warning
    assert sessions(dendrite, name) == [REGISTRATION_DEVICE]
    proxy.rule = lambda method, path: None
    has_nothing_to_do(dendrite, task)


def test_a_restart_between_registration_and_logout_leaves_an_account_and_no_device(
    unique,
):
    with Dendrite() as server, Proxy(server) as proxy:
        server.admin_token  # noqa: B018
        name, password = unique("alice"), a_password()
        proxy.rule = First("POST", "/_matrix/client/v3/logout", False, server.restart, 1)
        task = with_secret(server, url=proxy.url, username=name, password=password)
        reply = run_module(task)
        assert not reply.failed and reply.json["actions"] == ["create"], reply.json
        # Asked again, the new process knows the token from its database.
        assert sessions(server, name) == [] or "warnings" in reply.json
        assert logs_in(server, name, password)
        has_nothing_to_do(server, task)


def test_a_nonce_that_a_restart_made_the_server_forget_is_asked_for_once_more(unique):
    # A 500 with "message" and no errcode (clientapi/routing/register_secret.go).
    with Dendrite() as server, Proxy(server) as proxy:
        server.admin_token  # noqa: B018
        name, password = unique("alice"), a_password()
        restarted = []

        def rule(method, path):
            if method == "POST" and path == REGISTER and not restarted:
                restarted.append(path)
                server.restart()

        proxy.rule = rule
        task = with_secret(server, url=proxy.url, username=name, password=password)
        reply = run_module(task)
        assert reply.json["actions"] == ["create"] and "warnings" not in reply.json, reply.json
        first, second = [p for p in proxy.passed if (p.body or {}).get("username") == name]
        assert first.answer.keys() == {"message"} and "nonce" in first.answer["message"]
        assert first.body["nonce"] != second.body["nonce"]
        assert sessions(server, name) == [] and logs_in(server, name, password)


def test_nonces_that_are_never_known_are_not_asked_for_without_end(dendrite, unique):
    # Two Dendrites behind one address, each of which gives the other's nonces.
    with Dendrite() as other, Proxy(dendrite) as proxy:

        def rule(method, path):
            proxy.upstream = other if method == "GET" and path == REGISTER else dendrite

        proxy.rule = rule
        name = unique("alice")
        task = with_secret(dendrite, url=proxy.url, username=name, password=a_password())
        reply = run_module(task)
        assert reply.failed and reply.kind == "server" and not reply.changed, reply.json
        assert "more than one Dendrite" in reply.msg
        assert registers(proxy, name) == 2


def test_a_creation_with_a_profile_is_cut_off_anywhere(dendrite, unique, proxy):
    def prepare():
        return with_secret(
            dendrite,
            url=proxy.url,
            username=unique("alice"),
            password=a_password(),
            displayname="Alice",
            avatar_url="mxc://example.test/a",
            admin=True,
        )

    for task in cut_everywhere(proxy, prepare):
        name = task["username"]
        assert facts(dendrite, name) == {
            "admin": True,
            "deactivated": False,
            "displayname": "Alice",
            "avatar_url": "mxc://example.test/a",
        }
        assert set(sessions(dendrite, name)) <= {REGISTRATION_DEVICE}
        assert logs_in(dendrite, name, task["password"])


def test_a_change_of_password_is_cut_off_anywhere(unique):
    with Dendrite() as server, Proxy(server) as proxy:

        def prepare():
            name = unique("alice")
            server.register(name, a_password())
            task = with_service(server, url=proxy.url, username=name, password=a_password())
            return task | {"update_password": "always", "service_account": unique("svc")}

        for task in cut_everywhere(proxy, prepare):
            assert logs_in(server, task["username"], task["password"])
            assert server.is_admin(task["service_account"])
            assert sessions(server, task["username"]) == []


def test_a_database_that_is_lost_in_the_middle_is_said_and_a_rerun_converges(
    dendrite_postgres, unique
):
    server = dendrite_postgres
    name, password = unique("alice"), a_password()
    server.register(name, password)
    token = server.login(name, password)
    lost = "PERFORM pg_terminate_backend(pg_backend_pid());"
    server.postgres.trap(server.database_name, "userapi_devices", "DELETE", lost)
    task = with_rows(server, username=name, state="deactivated")
    try:
        reply = run_module(task)
    finally:
        server.postgres.spring(server.database_name)
    assert reply.failed and reply.kind == "database", reply.json
    # The one transaction was not ended.
    assert server.whoami(token) is not None and not server.account(name).deactivated
    assert run_module(task).json["actions"] == ["deactivate"]
    has_nothing_to_do(server, task)


def test_a_row_that_another_transaction_holds_is_not_waited_for_without_end(
    dendrite_postgres, unique
):
    server = dendrite_postgres
    name = unique("alice")
    server.register(name, a_password())
    held = f"SELECT 1 FROM userapi_accounts WHERE localpart = '{name}' FOR UPDATE"
    task = with_rows(server, username=name, admin=True, timeout=1)
    with server.postgres.holding(server.database_name, held):
        reply = run_module(task)
        assert reply.failed and reply.kind == "database" and not reply.changed, reply.json
        assert reply.seconds < 10
    assert not server.is_admin(name)
    assert run_module(task).json["actions"] == ["set admin"]


def test_with_all_there_is_a_lost_registration_is_settled_by_the_row(
    dendrite_postgres, unique
):
    service = dendrite_postgres.account(SERVICE)
    with Proxy(dendrite_postgres) as proxy:
        name, password = unique("alice"), a_password()
        proxy.rule = First("POST", REGISTER)
        task = with_all(dendrite_postgres, url=proxy.url, username=name, password=password)
        reply = run_module(task | {"admin": True})
        assert not reply.failed and reply.json["actions"] == ["create"], reply.json
        assert any("was lost" in warning for warning in reply.json["warnings"])
    assert facts(dendrite_postgres, name)["admin"] is True
    assert dendrite_postgres.account(SERVICE) == service
    has_nothing_to_do(dendrite_postgres, task | {"admin": True, "url": dendrite_postgres.url})
