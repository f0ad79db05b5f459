# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxies: whose requests they see."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.hostile import HostileServer
from tests.support.hostile_tasks import (
    ALICE_PASSWORD,
    ROOT_PASSWORD,
    assert_fails,
    by_login,
    run,
)

# RFC 6761, 6.4: it never resolves, so what arrives has come through the proxy.
FAR = "http://matrix.invalid:8008"


@pytest.fixture
def proxy() -> Iterator[HostileServer]:
    """A proxy behind which the far homeserver is: it answers for it."""
    with HostileServer() as one:
        one.homeserver.add_user("root", ROOT_PASSWORD, admin=True)
        one.homeserver.add_user("alice", ALICE_PASSWORD)
        yield one


def named(proxy: HostileServer, *variables: str) -> dict[str, str]:
    return dict.fromkeys(variables, proxy.url)


ALL = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@pytest.mark.parametrize("variable", ["http_proxy", "all_proxy", "ALL_PROXY"])
def test_the_environment_s_proxy_is_used_for_a_server_elsewhere(
    proxy: HostileServer, variable: str
) -> None:
    reply = run(by_login(proxy, displayname="x") | {"url": FAR}, env=named(proxy, variable))
    assert reply.changed, reply.json
    assert {request.header("Host") for request in proxy.requests} == {"matrix.invalid:8008"}
    assert proxy.connections == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "127.0.0.2"])
def test_a_server_on_the_loopback_is_never_proxied(
    proxy: HostileServer, host: str
) -> None:
    with HostileServer(address="127.0.0.2" if host == "127.0.0.2" else "127.0.0.1") as server:
        server.homeserver.add_user("root", ROOT_PASSWORD, admin=True)
        server.homeserver.add_user("alice", ALICE_PASSWORD)
        url = f"http://{host}:{server.port}"
        reply = run(by_login(server, displayname="x") | {"url": url}, env=named(proxy, *ALL))
        assert reply.changed, reply.json
    assert proxy.connections == 0


def test_a_server_on_the_loopback_of_ipv6_is_never_proxied(proxy: HostileServer) -> None:
    try:
        server = HostileServer(address="::1")
    except OSError:
        pytest.skip("this machine has no ::1")
    with server:
        server.homeserver.add_user("root", ROOT_PASSWORD, admin=True)
        server.homeserver.add_user("alice", ALICE_PASSWORD)
        reply = run(by_login(server, displayname="x"), env=named(proxy, *ALL))
        assert reply.changed, reply.json
    assert proxy.connections == 0


def test_use_proxy_false_uses_none(proxy: HostileServer) -> None:
    task = by_login(proxy) | {"url": FAR, "use_proxy": False}
    assert_fails(run(task, env=named(proxy, *ALL)), "unreachable")
    assert proxy.connections == 0


@pytest.mark.parametrize("no_proxy", ["matrix.invalid", ".invalid", "*", "a,matrix.invalid,b"])
@pytest.mark.parametrize("variable", ["no_proxy", "NO_PROXY"])
def test_no_proxy_is_heeded(proxy: HostileServer, variable: str, no_proxy: str) -> None:
    env = named(proxy, "http_proxy") | {variable: no_proxy}
    assert_fails(run(by_login(proxy) | {"url": FAR}, env=env), "unreachable")
    assert proxy.connections == 0


def test_of_https_a_proxy_sees_the_host_alone(proxy: HostileServer) -> None:
    """RFC 9110, 9.3.6: CONNECT; ours refuses it."""
    task = by_login(proxy) | {"url": "https://matrix.invalid:8448"}
    assert_fails(run(task, env=named(proxy, "https_proxy")), "unreachable", "protocol")
    assert proxy.routes == ["connect"]
    request = proxy.requests[0]
    assert request.target == "matrix.invalid:8448" or request.header("Host")
    assert request.bearer is None
    assert request.body == b""


def test_a_proxy_that_does_not_answer_is_unreachable() -> None:
    with HostileServer(listening=False) as proxy:
        reply = run(by_login(proxy) | {"url": FAR}, env=named(proxy, "http_proxy"))
    assert_fails(reply, "unreachable")


def test_a_proxy_s_password_is_not_in_the_reply() -> None:
    with HostileServer(listening=False) as proxy:
        url = f"http://someone:hunter-22-hunter@{proxy.origin}"
        reply = run(by_login(proxy) | {"url": FAR}, env={"http_proxy": url})
    assert_fails(reply, "unreachable")
    assert b"hunter-22" not in reply.raw
