# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for a container engine keeps to what a Docker 20.10.24 and a Podman
4.3.1 answered when they were asked the same."""

import http.client
import json
import os
import socket
import stat
import struct

import pytest

from . import engine_faults as faults
from .engine import Engine

NOWHERE = b'{"message":"page not found"}\n'
BRIDGE = {"docker": "bridge", "docker-new": "bridge", "podman": "podman"}


@pytest.fixture(params=["docker", "docker-new", "podman"])
def dialect(request):
    return request.param


@pytest.fixture
def docker():
    with Engine("docker") as engine:
        yield engine


@pytest.fixture
def podman():
    with Engine("podman") as engine:
        yield engine


def connected(engine):
    raw = socket.socket(socket.AF_UNIX)
    raw.settimeout(10)
    raw.connect(engine.socket)
    return raw


def ask(engine, path, method="GET"):
    """The status, the headers and the body."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = connected(engine)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def raw_answer(engine, data):
    with connected(engine) as raw:
        raw.sendall(data)
        got = b""
        while more := raw.recv(65536):
            got += more
    return got


def told(engine, name):
    status, _, body = ask(engine, f"/containers/{name}/json")
    assert status == 200
    return json.loads(body)


def without(headers, *names):
    return {name: value for name, value in headers.items() if name not in names}


def test_docker_finds_a_container_and_sends_it_in_chunks(docker):
    docker.add("matrix-synapse", pid=4711)
    status, headers, body = ask(docker, "/containers/matrix-synapse/json")
    assert status == 200
    assert without(headers, "Date") == {
        "Api-Version": "1.41",
        "Content-Type": "application/json",
        "Docker-Experimental": "false",
        "Ostype": "linux",
        "Server": "Docker/20.10.24+dfsg1 (linux)",
        "Transfer-Encoding": "chunked",
    }
    assert json.loads(body)["Name"] == "/matrix-synapse"
    assert body.endswith(b"}\n")


def test_podman_finds_a_container_and_says_that_it_is_podman(podman):
    podman.add("matrix-synapse", pid=4711)
    status, headers, body = ask(podman, "/containers/matrix-synapse/json")
    assert status == 200
    assert headers["Libpod-Api-Version"] == "4.3.1"
    assert headers["Server"] == "Libpod/4.3.1 (linux)"
    assert json.loads(body)["Name"] == "/matrix-synapse"


def test_docker_has_no_such_container(docker):
    status, headers, body = ask(docker, "/containers/nosuch/json")
    assert (status, body) == (404, b'{"message":"No such container: nosuch"}\n')
    assert headers["Content-Length"] == "40"


def test_podman_has_no_such_container(podman):
    status, headers, body = ask(podman, "/containers/nosuch/json")
    assert status == 404
    assert body == (
        b'{"cause":"no such container","message":"no container with name or ID '
        b'\\"nosuch\\" found: no such container","response":404}\n'
    )
    assert headers["Content-Length"] == "122"


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/nosuch", 404, NOWHERE),
        ("POST", "/containers/here/json", 404, NOWHERE),
        ("PUT", "/containers/here/json", 404, NOWHERE),
        ("HEAD", "/containers/here/json", 404, b""),
        ("GET", "/containers/here/json/", 404, NOWHERE),
        ("DELETE", "/containers/here/json", 404, b'{"message":"No such container: here/json"}\n'),
        ("GET", "/containers/a/b/json", 404, b'{"message":"No such container: a/b"}\n'),
        ("GET", "/containers/no%20such/json", 404, b'{"message":"No such container: no such"}\n'),
        ("GET", "/containers/%2Fhere/json", 301, b""),
        ("GET", "/containers//json", 301, b""),
        ("GET", "/containers/..%2f..%2fx/json", 301, b""),
        (
            "GET",
            "/v9.99/containers/here/json",
            400,
            b'{"message":"client version 9.99 is too new. '
            b'Maximum supported API version is 1.41"}\n',
        ),
    ],
)
def test_docker_refuses_the_rest(docker, method, path, status, body):
    docker.add("here")
    got, headers, said = ask(docker, path, method)
    assert (got, said) == (status, body)
    if status == 301:
        assert headers["Location"] in ("/containers/here/json", "/containers/json", "/x/json")


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/nosuch", 404, b"Not Found\n"),
        ("GET", "/containers/a/b/json", 404, b"Not Found\n"),
        ("POST", "/containers/here/json", 405, b"Method Not Allowed\n"),
        ("DELETE", "/containers/here/json", 405, b"Method Not Allowed\n"),
        ("HEAD", "/containers/here/json", 405, b""),
        ("GET", "/containers//here/json", 301, b""),
    ],
)
def test_podman_refuses_the_rest(podman, method, path, status, body):
    podman.add("here")
    got, headers, said = ask(podman, path, method)
    assert (got, said) == (status, body)
    if status != 301:
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Server" not in headers


def test_a_request_without_a_host_is_refused(dialect):
    with Engine(dialect) as engine:
        answer = raw_answer(engine, b"GET /containers/here/json HTTP/1.1\r\n\r\n")
    assert answer == (
        b"HTTP/1.1 400 Bad Request: missing required Host header\r\n"
        b"Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        b"400 Bad Request: missing required Host header"
    )


def test_an_id_and_the_beginning_of_one_name_a_container_and_an_ambiguous_one_does_not():
    for engine, status in ((Engine("docker"), 500), (Engine("podman"), 404)):
        with engine:
            one = engine.add("one", id="ab" + "0" * 62)
            engine.add("two", id="ac" + "0" * 62)
            assert told(engine, one.id)["Name"] == told(engine, "ab")["Name"] == "/one"
            got, _, body = ask(engine, "/containers/a/json")
            assert got == status
            assert json.loads(body)["message"] in (
                "Multiple IDs found with provided prefix: a",
                "more than one result for container ID a: container already exists",
            )


def test_a_docker_that_is_newer_tells_addresses_by_the_network_alone():
    # moby, api/docs/CHANGELOG.md, v1.52.
    with Engine("docker-new") as engine:
        engine.add("here", pid=9, networks={"bridge": ("198.18.0.2", "")})
        settings = told(engine, "here")["NetworkSettings"]
        assert "IPAddress" not in settings
        assert settings["Networks"]["bridge"]["IPAddress"] == "198.18.0.2"
        status, _, body = ask(engine, "/v1.43/containers/here/json")
        assert status == 400 and b"too old" in body


@pytest.mark.parametrize("dialect", ["docker", "podman"])
def test_the_default_network_s_address_is_told_twice_and_another_s_once(dialect):
    with Engine(dialect) as engine:
        engine.add("default", pid=9, networks={BRIDGE[dialect]: ("198.18.0.2", "")})
        engine.add("named", pid=9, networks={"net-a": ("198.18.0.6", "fd00::6")})
        default, named = (told(engine, name)["NetworkSettings"] for name in ("default", "named"))
        assert default["IPAddress"] == "198.18.0.2"
        assert named["IPAddress"] == named["GlobalIPv6Address"] == ""
        assert named["Networks"]["net-a"]["GlobalIPv6Address"] == "fd00::6"


@pytest.mark.parametrize(
    ("status", "running", "pid"),
    [
        ("running", True, 4711),
        ("paused", True, 4711),
        # As seen: Docker calls one that waits for its restart running.
        ("restarting", True, 0),
        ("created", False, 0),
        ("exited", False, 0),
        ("dead", False, 0),
    ],
)
def test_the_state_is_told_as_docker_does(docker, status, running, pid):
    docker.add("here", pid=4711, status=status, networks={"bridge": ("198.18.0.2", "")})
    body = told(docker, "here")
    state = body["State"]
    assert (state["Status"], state["Running"], state["Pid"]) == (status, running, pid)
    assert body["NetworkSettings"]["IPAddress"] == ("198.18.0.2" if pid else "")


def test_podman_leaves_the_addresses_of_a_container_that_has_just_stopped(podman):
    podman.add("just", status="stopped", networks={"podman": ("198.18.0.2", "")})
    podman.add("long", status="exited", networks={"podman": ("198.18.0.2", "")})
    just, long = told(podman, "just"), told(podman, "long")
    assert just["State"]["Running"] is long["State"]["Running"] is False
    assert just["NetworkSettings"]["IPAddress"] == "198.18.0.2"
    assert long["NetworkSettings"]["IPAddress"] == ""


def test_the_network_s_mode_is_told_as_each_does():
    for dialect, default in (("docker", "default"), ("docker-new", "bridge"), ("podman", "bridge")):
        with Engine(dialect) as engine:
            engine.add("default", networks={BRIDGE[dialect]: ("198.18.0.2", "")})
            engine.add("named", networks={"net-a": ("198.18.0.6", "")})
            engine.add("host", network_mode="host")
            modes = [
                told(engine, name)["HostConfig"]["NetworkMode"]
                for name in ("default", "named", "host")
            ]
            assert modes == [default, "bridge" if dialect == "podman" else "net-a", "host"]
            networks = told(engine, "host")["NetworkSettings"]["Networks"]
            assert list(networks) == ([] if dialect == "podman" else ["host"])


def test_mounts_are_told(dialect):
    with Engine(dialect) as engine:
        volume = "/var/lib/docker/volumes/media/_data"
        mounts = [("bind", "/matrix/synapse/config", "/data"), ("volume", volume, "/media")]
        engine.add("here", mounts=[*mounts, ("tmpfs", "", "/tmp")])
        got = [(m["Type"], m["Source"], m["Destination"]) for m in told(engine, "here")["Mounts"]]
        assert got == [*mounts, ("tmpfs", "", "/tmp")]


def test_it_writes_down_who_asked_for_what(docker):
    ask(docker, "/containers/a/json")
    ask(docker, "/_ping")
    assert docker.asked == ["/containers/a/json", "/_ping"]
    assert {request.peer_uid for request in docker.requests} == {os.geteuid()}
    assert docker.connections == 2 and docker.complaints == []


@pytest.mark.parametrize(
    "more",
    [
        "Authorization: Bearer x",
        "Cookie: x",
        "Content-Length: 1",
        "Content-Type: text/plain",
        "X-Forwarded-For: 127.0.0.1",
    ],
)
def test_it_complains_of_what_is_none_of_its_business(docker, more):
    head = f"GET /_ping HTTP/1.1\r\nHost: localhost\r\n{more}\r\nConnection: close\r\n\r\n"
    raw_answer(docker, head.encode())
    assert len(docker.complaints) == 1


def test_it_complains_when_it_is_taken_for_a_proxy(docker):
    raw_answer(docker, b"GET http://x/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert docker.complaints


def test_the_socket_has_the_mode_and_the_server_that_were_asked_for():
    with Engine(mode=0o640) as engine:
        assert stat.S_IMODE(os.stat(engine.socket).st_mode) == 0o640
        assert server_of(engine) == os.geteuid()


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to become somebody else")
def test_the_socket_may_be_somebody_else_s():
    with Engine(owner=65534) as engine:
        engine.add("here")
        assert server_of(engine) == os.stat(engine.socket).st_uid == 65534
        assert told(engine, "here")["Name"] == "/here"


def server_of(engine):
    with connected(engine) as raw:
        told = raw.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return struct.unpack("3i", told)[1]


def test_a_socket_that_does_not_listen_refuses_and_its_folder_goes_with_it():
    with Engine(listening=False) as engine:
        with pytest.raises(ConnectionRefusedError):
            connected(engine)
        folder = engine.folder
    assert not folder.exists()


def test_a_misbehaviour_takes_the_place_of_the_answer_until_it_is_forgotten(docker):
    docker.add("here")
    docker.misbehave(faults.says("no"))
    assert ask(docker, "/containers/here/json")[2] == b"no"
    docker.forget()
    assert told(docker, "here")["Name"] == "/here"


def test_half_of_an_answer_is_no_answer(docker):
    docker.add("here")
    docker.misbehave(faults.truncated)
    with pytest.raises(http.client.IncompleteRead):
        ask(docker, "/containers/here/json")


def test_an_edit_changes_what_is_told_and_nothing_else(docker):
    docker.add("here", pid=4711, networks={"bridge": ("198.18.0.2", "")})
    honest = told(docker, "here")
    docker.edit(faults.put("State.Pid", "7"))
    docker.edit(faults.addresses("nonsense"))
    edited = told(docker, "here")
    assert edited["State"].pop("Pid") == "7" and honest["State"].pop("Pid") == 4711
    for place in (edited["NetworkSettings"], edited["NetworkSettings"]["Networks"]["bridge"]):
        assert place.pop("IPAddress") == "nonsense"
    for place in (honest["NetworkSettings"], honest["NetworkSettings"]["Networks"]["bridge"]):
        assert place.pop("IPAddress") == "198.18.0.2"
    assert edited == honest
