# SPDX-License-Identifier: GPL-3.0-or-later
"""While a run is under way, and after it: no secret in the arguments or the
environment of any process, in any file but the session file, or in the reply."""

import os
import signal
import time

import pytest

from tests.servers.cutting import Cutter, Point
from tests.servers.fields import all_of
from tests.servers.kept import Kept
from tests.servers.proof import (
    a_password,
    by_login,
    by_service,
    by_token,
    make_service_account,
    run_module,
    service_password,
)
from tests.servers.proxy import Proxy
from tests.servers.spying import Spy
from tests.support.module import start_module
from tests.support.paths import LIBRARY

OLD_SECRET = "the shared secret of last year"


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path / "kept")


@pytest.fixture
def proxy(synapse):
    with Proxy(synapse) as proxy:
        yield proxy


@pytest.fixture
def folders(tmp_path):
    """Where a program might leave something."""
    environment = {}
    for name in ("HOME", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME"):
        folder = tmp_path / name.lower()
        folder.mkdir()
        environment[name] = str(folder)
    return environment


def new_account(server, unique, kept):
    """By a service account that has to be made, with its session kept."""
    name, service = unique("alice"), unique("svc")
    stated, _ = all_of(server, name, 0)
    password = a_password()
    stated |= {"username": name, "password": password, "verify_login": True}
    stated["locked"] = False
    known = [server.secret, service_password(server.secret, service), password]
    return by_service(server, service_account=service, **kept.option, **stated), known


def rotation(server, unique, kept):
    name, service = unique("alice"), make_service_account(server, unique("svc"), OLD_SECRET)
    server.register(name, a_password())
    password = a_password()
    task = by_service(
        server,
        service_account=service,
        registration_shared_secret_previous=OLD_SECRET,
        username=name,
        password=password,
        update_password="always",
        **kept.option,
    )
    passwords = [service_password(secret, service) for secret in (OLD_SECRET, server.secret)]
    return task, [server.secret, OLD_SECRET, password, *passwords]


def login(server, unique, kept):
    admin, password, name, new = unique("root"), a_password(), unique("alice"), a_password()
    server.register(admin, password, admin=True)
    server.register(name, a_password())
    task = by_login(server, admin, password, username=name, **kept.option)
    return task | {"password": new, "update_password": "always"}, [password, new]


def token(server, unique, kept):
    name = unique("alice")
    server.register(name, a_password())
    password = a_password()
    task = by_token(server, username=name, password=password, update_password="always")
    return task, [server.admin_token, password]


def registration(server, unique, kept):
    password = a_password()
    task = by_service(server, username=unique("alice"), password=password, verify_login=True)
    return task, [server.secret, password]


TASKS = (new_account, rotation, login, token, registration)


@pytest.fixture(params=TASKS, ids=lambda task: task.__name__)
def work(request, synapse, unique, kept, proxy):
    task, known = request.param(synapse, unique, kept)
    return task | {"url": proxy.url}, known


def test_no_secret_shows_while_a_run_is_under_way(work, proxy, kept, folders, tmp_path):
    task, known = work
    spy = Spy(proxy, known, [kept.path, kept.folder, f"{kept.path}.new"])
    spy.running = start_module(task, env=folders)
    # The file with the arguments is Ansible's, and it is read once.
    spy.may_open.append(str(spy.running.folder / "args"))
    reply = spy.running.wait()
    assert not reply.failed, reply.json
    spy.learn()
    spy.look_below(tmp_path)
    assert spy.looks > 3 and spy.found == []
    # More than was stated: the tokens and the codes that passed.
    assert len(spy.secrets) > len(known)
    assert not [secret for secret in spy.secrets if secret in reply.raw.decode()]

    # And of those in the session file there is but the token that is kept.
    kept_text = kept.path.read_text() if kept.path.exists() else ""
    in_file = {secret for secret in spy.secrets if secret in kept_text}
    assert in_file == {entry["access_token"] for entry in kept.entries()}


def test_a_run_that_is_killed_leaves_no_secret_behind(
    work, proxy, kept, folders, tmp_path
):
    task, known = work
    spy = Spy(proxy, known, [kept.path])
    for number in (3, 6, 9, 12):
        cutter = Cutter(Point(number, delivered=True, killed=True))
        proxy.rule = cutter
        running = cutter.running = start_module(task, env=folders)
        running.process.wait(60)
        proxy.settle()
        if cutter.met:
            assert running.process.returncode == -signal.SIGKILL
            running.kill()
        else:
            assert not running.wait().failed
        spy.learn()
        spy.look_below(tmp_path)
        assert spy.found == []
        kept_text = kept.path.read_text() if kept.path.exists() else ""
        in_file = {secret for secret in spy.secrets if secret in kept_text}
        assert in_file <= {entry.get("access_token") for entry in kept.entries()}
    proxy.rule = lambda method, path: None
    assert not run_module(task).failed


@pytest.mark.skipif(
    "REGISTRAR_BINARY" in os.environ, reason="the leak checker has to look into its own memory"
)
def test_its_memory_is_closed_to_others_of_the_same_user(synapse, unique, unprivileged, proxy):
    # Linux gives /proc/<pid> of what may not be dumped to root (proc(5)).
    owners = set()
    running = None

    def look(method, path):
        if running is not None:
            owners.update(
                os.stat(f"/proc/{running.process.pid}/{name}").st_uid
                for name in ("mem", "environ", "maps", "fd")
            )

    proxy.rule = look
    task = by_token(synapse, username=unique("alice"), url=proxy.url)
    running = unprivileged.start(task)
    assert running.wait().changed
    assert owners == {0}


def test_nothing_of_it_writes_into_the_systems_log():
    # Neither the C library's way nor the socket of one's own.
    program = (LIBRARY / "matrix_user").read_bytes()
    # (Messages say where to look: "journalctl -u ...".)
    ways = (b"\0syslog\0", b"\0vsyslog\0", b"\0openlog\0", b"/dev/log", b"sd_journal", b"journal/")
    for way in ways:
        assert way not in program


def test_the_spy_sees_what_there_is_to_see(proxy, tmp_path):
    """A stand-in for a module that keeps no secret."""
    shown = "a secret that is shown"
    careless = tmp_path / "careless"
    careless.write_text(
        f"#!/bin/sh\nexec 3>{tmp_path}/dropped\necho $SHOWN >&3\n"
        'exec tail -f /dev/null "$SHOWN"\n'
    )
    careless.chmod(0o700)
    spy = Spy(proxy, [shown], [])
    running = spy.running = start_module({}, binary=careless, env={"SHOWN": shown})
    process = f"/proc/{running.process.pid}"
    try:
        end = time.monotonic() + 10
        while f"{shown} in {process}/cmdline" not in spy.found and time.monotonic() < end:
            spy("GET", "/")
    finally:
        running.kill()
    spy.look_below(tmp_path)
    assert {
        f"{shown} in {process}/cmdline",
        f"{shown} in {process}/environ",
        f"it has {tmp_path}/dropped open",
        f"{shown} in {tmp_path}/dropped",
        "it may dump its memory",
    } <= set(spy.found)
