# SPDX-License-Identifier: GPL-3.0-or-later
"""https: whose certificate is believed, and what is sent before it is."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import hostile_faults as faults
from tests.support.hostile import HostileServer
from tests.support.hostile_tasks import (
    ALICE_PASSWORD,
    ROOT_PASSWORD,
    SLACK,
    TIMEOUT,
    assert_fails,
    by_login,
    by_secret,
    by_token,
    run,
)
from tests.support.hostile_tls import Certificate


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Certificate]:
    folder = tmp_path_factory.mktemp("certificates")
    return {
        "good": Certificate(folder, "good"),
        "of another name": Certificate(folder, "elsewhere", names="DNS:elsewhere.example"),
        "expired": Certificate(folder, "expired", expired=True),
        "client": Certificate(folder, "client"),
    }


@pytest.fixture
def serve(certificates: dict[str, Certificate]) -> Iterator[Any]:
    servers = []

    def start(name: str, client: str | None = None) -> HostileServer:
        wanted = None if client is None else certificates[client]
        server = HostileServer(tls=certificates[name].server(wanted))
        server.homeserver.add_user("root", ROOT_PASSWORD, admin=True)
        server.homeserver.add_user("alice", ALICE_PASSWORD)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.close()


def test_a_certificate_that_nobody_vouches_for_is_an_error_and_nothing_is_sent(
    serve: Any,
) -> None:
    server = serve("good")
    assert_fails(run(by_login(server)), "tls")
    assert server.requests == []


def test_a_certificate_that_ca_path_holds_is_believed(
    serve: Any, certificates: dict[str, Certificate]
) -> None:
    server = serve("good")
    reply = run(by_login(server, displayname="x") | {"ca_path": str(certificates["good"].file)})
    assert reply.changed, reply.json
    assert server.connections == 1


@pytest.mark.parametrize("name", ["of another name", "expired"])
def test_a_certificate_that_is_not_the_server_s_or_not_of_today_is_an_error(
    serve: Any, certificates: dict[str, Certificate], name: str
) -> None:
    server = serve(name)
    reply = run(by_login(server) | {"ca_path": str(certificates[name].file)})
    assert_fails(reply, "tls")
    assert server.requests == []


@pytest.mark.parametrize("name", ["good", "of another name", "expired"])
def test_without_validate_certs_any_certificate_will_do(serve: Any, name: str) -> None:
    server = serve(name)
    reply = run(by_login(server, displayname="x") | {"validate_certs": False})
    assert reply.changed, reply.json


def test_a_ca_path_that_does_not_exist_is_an_error_and_nothing_is_sent(
    serve: Any, tmp_path: Path
) -> None:
    server = serve("good")
    reply = run(by_login(server) | {"ca_path": str(tmp_path / "missing.pem")})
    assert_fails(reply, "tls", "invalid")
    assert "missing.pem" in reply.json["msg"]
    assert server.requests == []


def test_a_ca_path_that_is_no_certificate_is_an_error(serve: Any, tmp_path: Path) -> None:
    server = serve("good")
    (tmp_path / "ca.pem").write_text("no certificate\n")
    reply = run(by_login(server) | {"ca_path": str(tmp_path / "ca.pem")})
    assert_fails(reply, "tls", "invalid")
    assert server.requests == []


def test_a_server_that_wants_a_client_s_certificate_gets_it(
    serve: Any, certificates: dict[str, Certificate]
) -> None:
    server = serve("good", client="client")
    files = {
        "ca_path": str(certificates["good"].file),
        "client_cert": str(certificates["client"].file),
        "client_key": str(certificates["client"].key),
    }
    reply = run(by_login(server, displayname="x") | files)
    assert reply.changed, reply.json


def test_a_server_that_wants_a_client_s_certificate_and_gets_none_is_an_error(
    serve: Any, certificates: dict[str, Certificate]
) -> None:
    server = serve("good", client="client")
    reply = run(by_login(server) | {"ca_path": str(certificates["good"].file)})
    # TLS 1.3 tells the client after its first bytes, so it may look like a loss.
    assert_fails(reply, "tls", "unreachable")
    assert server.requests == []


def test_a_client_key_that_does_not_fit_is_an_error(
    serve: Any, certificates: dict[str, Certificate]
) -> None:
    server = serve("good", client="client")
    files = {
        "ca_path": str(certificates["good"].file),
        "client_cert": str(certificates["client"].file),
        "client_key": str(certificates["good"].key),
    }
    assert_fails(run(by_login(server) | files), "tls", "invalid")
    assert server.requests == []


def test_https_to_a_server_that_speaks_none_is_an_error_of_tls(server: HostileServer) -> None:
    reply = run(by_login(server) | {"url": f"https://{server.origin}"})
    assert_fails(reply, "tls")
    assert server.count("login") == 0


def test_http_to_a_server_that_speaks_https_is_an_error(serve: Any) -> None:
    server = serve("good")
    reply = run(by_secret(server) | {"url": f"http://{server.origin}"})
    assert_fails(reply, "protocol", "unreachable", "tls")
    assert server.requests == []


def test_a_handshake_that_never_comes_ends_within_the_timeout(server: HostileServer) -> None:
    """The kernel accepts, and nobody says anything at all."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"https://127.0.0.1:{mute.getsockname()[1]}"
        reply = run(by_login(server) | {"url": url})
    assert_fails(reply, "tls", "unreachable")
    assert reply.seconds < TIMEOUT + SLACK


@pytest.mark.parametrize("status", [301, 307, 308])
def test_a_redirect_from_https_to_http_is_not_followed(
    serve: Any, elsewhere: HostileServer, status: int
) -> None:
    server = serve("good")
    server.misbehave("any", faults.redirects(status, elsewhere.url), on=None)
    assert_fails(run(by_login(server) | {"validate_certs": False}), "protocol")


@pytest.mark.parametrize("status", [301, 307, 308])
def test_a_redirect_from_http_to_https_is_not_followed_but_named(
    server: HostileServer, serve: Any, status: int
) -> None:
    """What a proxy does whose owner gave http for https."""
    secure = serve("good")
    server.misbehave("any", faults.redirects(status, secure.url + "/x"), on=None)
    reply = run(by_token(server))
    assert_fails(reply, "protocol")
    assert secure.url in reply.json["msg"]
    assert secure.connections == 0


def test_the_environment_cannot_turn_the_checks_off(
    serve: Any, certificates: dict[str, Certificate]
) -> None:
    """curl's and Ansible's own variables, and OpenSSL's that name other authorities."""
    server = serve("good")
    trusted = str(certificates["good"].file)
    env = {"CURL_INSECURE": "1", "PYTHONHTTPSVERIFY": "0", "CURL_CA_BUNDLE": trusted}
    assert_fails(run(by_login(server), env=env), "tls")
    assert server.requests == []
