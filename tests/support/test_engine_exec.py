# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for a container engine runs commands as moby and Podman do: statuses,
texts and streams are those of their sources (engine_exec.py says which)."""

import http.client
import json
import socket
import threading
import time

import pytest

from .engine import Engine

ASKED = {"Cmd": ["hello", "you"], "AttachStdout": True, "AttachStderr": True, "Env": ["A=b=c"]}
START = {"Detach": False, "Tty": False}


def hello(run):
    run.out(run.words[1].encode())
    run.err(run.environment.get("A", "").encode())
    return 3


@pytest.fixture(params=["docker", "docker-new", "podman"])
def engine(request):
    with Engine(request.param) as engine:
        engine.add("here", pid=9, programs={"hello": hello})
        yield engine


@pytest.fixture
def docker():
    with Engine("docker") as engine:
        engine.add("here", pid=9, programs={"hello": hello})
        yield engine


@pytest.fixture
def podman():
    with Engine("podman") as engine:
        engine.add("here", pid=9, programs={"hello": hello})
        yield engine


def ask(engine, method, path, body=None, kind="application/json"):
    """The status, the headers and the body."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(10)
    connection.sock.connect(engine.socket)
    headers = {} if body is None else {"Content-Type": kind}
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def make(engine, name="here", **changes):
    status, _, body = ask(engine, "POST", f"/containers/{name}/exec", ASKED | changes)
    assert status == 201
    return json.loads(body)["Id"]


def refused(engine, *arguments, **options):
    status, _, body = ask(engine, *arguments, **options)
    return status, json.loads(body)["message"]


def state(engine, made):
    status, _, body = ask(engine, "GET", f"/exec/{made}/json")
    assert status == 200
    told = json.loads(body)
    return told["Running"], told["ExitCode"]


def ended(engine, made):
    end = time.monotonic() + 10
    while state(engine, made)[0]:
        assert time.monotonic() < end
    return state(engine, made)[1]


def test_a_command_s_output_comes_in_frames_until_the_connection_ends(engine):
    made = make(engine)
    status, headers, body = ask(engine, "POST", f"/exec/{made}/start", START)
    assert status == 200
    assert headers["Content-Type"] == "application/vnd.docker.raw-stream"
    assert "Content-Length" not in headers and "Transfer-Encoding" not in headers
    assert body == b"\1\0\0\0\0\0\0\3you\2\0\0\0\0\0\0\3b=c"
    assert ended(engine, made) == 3
    assert engine.complaints == []


def test_what_is_not_attached_to_is_not_sent(engine):
    made = make(engine, AttachStdout=False)
    assert ask(engine, "POST", f"/exec/{made}/start", START)[2] == b"\2\0\0\0\0\0\0\3b=c"


def test_docker_has_no_exit_code_before_the_end_and_podman_has_0(engine):
    def seen(run):
        run.out(json.dumps(state(engine, run.id)).encode())
        return 7

    engine.containers[0].programs["seen"] = seen
    nothing = 0 if engine.dialect == "podman" else None
    made = make(engine, Cmd=["seen"])
    assert state(engine, made) == (False, nothing)
    body = ask(engine, "POST", f"/exec/{made}/start", START)[2]
    assert json.loads(body[8:]) == [True, nothing]
    assert ended(engine, made) == 7


def test_docker_knows_of_the_end_after_that_of_the_output(docker, podman):
    for engine, running in ((docker, True), (podman, False)):
        made = make(engine)
        ask(engine, "POST", f"/exec/{made}/start", START)
        assert state(engine, made)[0] is running
        assert ended(engine, made) == 3


def test_a_program_that_is_not_there_ends_with_127(docker, podman):
    for engine, stream, words in (
        (docker, 1, b'"nosuch": executable file not found in $PATH'),
        (podman, 2, b"executable file `nosuch` not found in $PATH"),
    ):
        made = make(engine, Cmd=["nosuch"])
        body = ask(engine, "POST", f"/exec/{made}/start", START)[2]
        assert body[0] == stream and words in body
        assert ended(engine, made) == 127


def test_a_process_goes_on_when_its_client_has_gone(engine):
    seen = threading.Event()

    def patient(run):
        while not seen.wait(0.005):
            run.err(b"still here\n")
        return 0

    engine.containers[0].programs["patient"] = patient
    made = make(engine, Cmd=["patient"])
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(engine.socket)
        head = "POST /exec/{} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        raw.sendall((head.format(made + "/start") + "Content-Length: 2\r\n\r\n{}").encode())
        raw.recv(100)
    assert state(engine, made)[0] is True
    seen.set()
    assert ended(engine, made) == 0


def test_what_is_not_there_is_not_found(docker, podman):
    for engine, absent in (
        (docker, "No such container: gone"),
        (podman, 'no container with name or ID "gone" found: no such container'),
    ):
        assert refused(engine, "POST", "/containers/gone/exec", ASKED) == (404, absent)
        for method, path, body in (("POST", "start", START), ("GET", "json", None)):
            status, text = refused(engine, method, f"/exec/{'0' * 64}/{path}", body)
            assert status == 404 and "o such exec " in text


@pytest.mark.parametrize(
    ("status", "docker_says", "podman_says"),
    [
        ("exited", (409, "is not running"), (500, "container state improper")),
        ("paused", (409, "unpause the container before exec"), (409, "is paused")),
        ("restarting", (409, "wait until the container is running"), (500, "improper")),
    ],
)
def test_a_container_that_does_not_run_runs_no_command(
    docker, podman, status, docker_says, podman_says
):
    for engine, (code, words) in ((docker, docker_says), (podman, podman_says)):
        made = make(engine)
        engine.containers[0].status = status
        got, text = refused(engine, "POST", "/containers/here/exec", ASKED)
        assert got == code and words in text
        assert refused(engine, "POST", f"/exec/{made}/start", START)[0] == 409


def test_docker_takes_json_alone(docker):
    got = refused(docker, "POST", "/containers/here/exec", ASKED, kind="text/plain")
    assert got == (400, "Content-Type specified (text/plain) must be 'application/json'")


def test_a_command_runs_once(docker, podman):
    for engine in (docker, podman):
        made = make(engine)
        ask(engine, "POST", f"/exec/{made}/start", START)
        ended(engine, made)
        status, _, body = ask(engine, "POST", f"/exec/{made}/start", START)
        assert status == (200 if engine is docker else 500)
        assert (b"has already run" if engine is docker else b"session state improper") in body
        assert len(engine.execs.runs[0].said) <= 3


def test_it_complains_of_an_input_a_terminal_and_of_leaving_it_alone(engine):
    made = make(engine, Tty=True)
    make(engine, AttachStdin=True)
    ask(engine, "POST", f"/exec/{made}/start", START | {"Detach": True})
    assert len(engine.complaints) == 3
