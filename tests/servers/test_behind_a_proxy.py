# SPDX-License-Identifier: GPL-3.0-or-later
"""A reverse proxy that hides, refuses, or answers by itself; and what was seen
to pass through one that does not."""

import time

import pytest

from tests.servers.proof import a_password, by_secret, by_token, logs_in
from tests.servers.proxy import HTML_404, HTML_502, Proxy
from tests.support.module import run_module
from tests.support.synapse import Synapse


@pytest.fixture(scope="module")
def federating():
    """A server that tells what it is at /_matrix/federation/v1/version."""
    server = Synapse(start=False)
    server.config["listeners"][0]["resources"] = [{"names": ["client", "federation"]}]
    with server:
        server.start()
        yield server


def without_admin_api(method, path):
    return (404, HTML_404) if path.startswith("/_synapse/") else None


def bad_gateway(method, path):
    return 502, HTML_502


@pytest.mark.parametrize("header", ["", "nginx/1.22.1"], ids=["none", "nginx"])
def test_auto_cannot_tell_a_server_whose_header_is_taken_away(synapse, unique, header):
    name = unique("alice")
    for credential in (by_secret, by_token):
        with Proxy(synapse, server=header) as proxy:
            task = credential(synapse, username=name, password=a_password(), url=proxy.url)
            for check in (False, True):
                reply = run_module(task, check=check)
                assert reply.kind == "unsupported" and not reply.changed, reply.json
                assert "backend: synapse" in reply.msg
            # No credential goes to what may be anything.
            assert all(passed.method == "GET" for passed in proxy.passed)
    assert synapse.user(name) is None


@pytest.mark.parametrize("header", ["", "nginx/1.22.1"], ids=["none", "nginx"])
def test_backend_synapse_works_where_the_header_is_taken_away(any_synapse, unique, header):
    for credential in (by_secret, by_token):
        name, password = unique("alice"), a_password()
        with Proxy(any_synapse, server=header) as proxy:
            task = credential(
                any_synapse,
                username=name,
                password=password,
                url=proxy.url,
                backend="synapse",
            )
            reply = run_module(task)
            assert reply.json["actions"] == ["create"], reply.json
            assert reply.json["server"]["name"] == "Synapse"
            assert not run_module(task).changed
        assert logs_in(any_synapse, name, password)


def test_auto_asks_the_federation_where_the_header_is_taken_away(federating, unique):
    with Proxy(federating, server="") as proxy:
        task = by_token(federating, username=unique("alice"), url=proxy.url)
        reply = run_module(task)
        assert reply.changed and reply.json["backend"] == "synapse", reply.json


@pytest.mark.parametrize("backend", ["auto", "synapse"])
def test_a_proxy_that_does_not_route_the_admin_api_is_told(any_synapse, unique, backend):
    name = unique("alice")
    for credential in (by_secret, by_token):
        with Proxy(any_synapse, without_admin_api) as proxy:
            task = credential(
                any_synapse,
                username=name,
                password=a_password(),
                url=proxy.url,
                backend=backend,
            )
            for check in (False, True):
                reply = run_module(task, check=check)
                assert reply.kind == "unsupported" and not reply.changed, reply.json
                assert "/_synapse/admin" in reply.msg and "proxy" in reply.msg
                assert "option container" in reply.msg and "worker" not in reply.msg
                assert "Authentication Service" not in reply.msg
    assert any_synapse.user(name) is None


def test_a_listener_without_the_admin_api_is_not_taken_for_a_proxy(any_version):
    # As a worker's, it says itself that it is Synapse's.
    server = Synapse(any_version, start=False)
    server.config["listeners"][0]["resources"] = [{"names": ["federation"]}]
    with server:
        server.start()
        reply = run_module(by_secret(server, username="alice", password=a_password()))
    assert reply.kind == "unsupported" and not reply.changed, reply.json
    assert "worker" in reply.msg and 'resource "client"' in reply.msg
    assert "proxy" not in reply.msg


@pytest.mark.parametrize("backend", ["auto", "synapse"])
def test_a_proxy_without_a_homeserver_behind_it_is_told(synapse, unique, backend):
    with Proxy(synapse, bad_gateway) as proxy:
        task = by_token(synapse, username=unique("alice"), url=proxy.url, backend=backend)
        for check in (False, True):
            reply = run_module(task, check=check)
            assert reply.kind == "not_ready" and not reply.changed, reply.json
            assert reply.json["error"]["status"] == 502
            assert "wait_timeout" in reply.msg
            assert reply.seconds < 4
        reply = run_module(task | {"wait_timeout": 2})
        assert reply.kind == "not_ready"
        assert 1.5 < reply.seconds < 10


def test_a_homeserver_that_comes_up_behind_its_proxy_is_waited_for(synapse, unique):
    began = time.monotonic()
    with Proxy(
        synapse,
        lambda method, path: (502, HTML_502) if time.monotonic() - began < 2 else None,
    ) as proxy:
        task = by_secret(
            synapse,
            username=unique("alice"),
            password=a_password(),
            url=proxy.url,
            wait_timeout=30,
        )
        reply = run_module(task)
        assert reply.json["actions"] == ["create"], reply.json
        assert reply.seconds > 1


def test_a_proxy_that_breaks_down_over_a_creation_is_no_reason_to_send_it_twice(
    synapse, unique
):
    # 502 does not say whether the server got it.
    name, sent = unique("alice"), []

    def rule(method, path):
        if method == "PUT":
            sent.append(path)
            return 502, HTML_502
        return None

    with Proxy(synapse, rule) as proxy:
        task = by_token(synapse, username=name, url=proxy.url)
        reply = run_module(task)
    assert reply.failed and reply.kind == "not_ready", reply.json
    assert len(sent) == 1
    assert synapse.user(name) is None


# What passes.


def bodies(proxy, method):
    return [passed.body for passed in proxy.passed if passed.method == method]


def test_only_the_fields_that_differ_are_sent(any_synapse, unique):
    name = unique("alice")
    any_synapse.register(name, a_password(), displayname="Alice")
    for stated, sent in (
        ({"displayname": "Alice", "admin": True}, {"admin": True}),
        ({"displayname": "A", "admin": True}, {"displayname": "A"}),
        ({"displayname": " A "}, None),
        ({"password": a_password()}, None),
        ({"state": "deactivated"}, {"deactivated": True}),
    ):
        with Proxy(any_synapse) as proxy:
            reply = run_module(by_token(any_synapse, username=name, url=proxy.url, **stated))
            assert not reply.failed, reply.json
            assert bodies(proxy, "PUT") == ([] if sent is None else [sent])


@pytest.mark.parametrize("logout_devices", [True, False, None])
def test_logout_devices_is_always_sent_with_a_password(synapse, unique, logout_devices):
    # Left out, Synapse would end every session (synapse/rest/admin/users.py).
    name, password = unique("alice"), a_password()
    synapse.register(name, a_password())
    with Proxy(synapse) as proxy:
        task = by_token(
            synapse,
            username=name,
            password=password,
            update_password="always",
            logout_devices=logout_devices,
            url=proxy.url,
        )
        assert run_module(task).changed
        assert bodies(proxy, "PUT") == [
            {"password": password, "logout_devices": bool(logout_devices)}
        ]


def test_a_registration_asks_for_no_session(synapse, unique):
    name, password = unique("alice"), a_password()
    with Proxy(synapse) as proxy:
        task = by_secret(synapse, username=name, password=password, url=proxy.url)
        assert run_module(task).changed
        (body,) = bodies(proxy, "POST")
    assert body["inhibit_login"] is True and body["admin"] is False
    # A display name that is not stated is the server's to choose.
    assert set(body) == {"nonce", "username", "password", "admin", "mac", "inhibit_login"}


def test_a_token_on_an_accounts_behalf_is_given_an_end(synapse, unique):
    name, password = unique("alice"), a_password()
    synapse.register(name, password)
    with Proxy(synapse) as proxy:
        task = by_token(
            synapse,
            username=name,
            password=password,
            update_password="always",
            url=proxy.url,
        )
        assert not run_module(task).changed
        (body,) = [p.body for p in proxy.passed if p.path.endswith("/login")]
    left = body["valid_until_ms"] / 1000 - time.time()
    assert 30 < left < 90


def test_a_list_takes_one_connection(synapse, unique):
    users = [{"username": unique("alice"), "password": a_password()} for _ in range(10)]
    for credential in (by_secret, by_token):
        with Proxy(synapse) as proxy:
            task = credential(synapse, users=users, url=proxy.url)
            assert not run_module(task).failed
            assert len(proxy.passed) > 10
            assert len({passed.connection for passed in proxy.passed}) == 1
