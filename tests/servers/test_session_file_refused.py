# SPDX-License-Identifier: GPL-3.0-or-later
"""Session files that are not to be trusted, or cannot be had."""

import json
import os

import pytest

from tests.servers.kept import Kept
from tests.servers.proof import (
    a_password,
    by_login,
    by_service,
    is_refused,
    run_module,
    session_is_alive,
    sessions_of,
)
from tests.servers.proxy import Proxy

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="takes root to give a file away")


@pytest.fixture
def kept(synapse, unique, tmp_path):
    """A session file that a run has made; its task is `kept.task`."""
    kept = Kept(tmp_path / "kept")
    kept.admin, password, alice = unique("root"), a_password(), unique("alice")
    synapse.register(kept.admin, password, admin=True)
    synapse.register(alice, a_password())
    kept.task = by_login(
        synapse, kept.admin, password, username=alice, displayname="A", **kept.option
    )
    assert run_module(kept.task).changed
    kept.session = kept.token
    return kept


def is_not_trusted(server, kept, why, named=None):
    """Refused before anybody is asked to be let in; no token of it is sent or said."""
    with Proxy(server) as proxy:
        task = kept.task | {"url": proxy.url, "displayname": "B"}
        reply = is_refused(server, task, "invalid")
        assert all(p.method == "GET" and p.token is None for p in proxy.passed)
    assert "session_file" in reply.msg and str(named or kept.path) in reply.msg
    assert why in reply.msg
    assert kept.session not in json.dumps(reply.json)
    assert session_is_alive(server, kept.session)
    assert sessions_of(server, kept.admin) == 1


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o602, 0o610, 0o777], ids=oct)
def test_a_file_that_others_may_open_is_refused(synapse, kept, mode):
    kept.path.chmod(mode)
    content = kept.path.read_bytes()
    is_not_trusted(synapse, kept, "others")
    assert kept.path.read_bytes() == content
    assert kept.path.stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777], ids=oct)
def test_a_file_in_a_folder_that_others_may_write_is_refused(synapse, kept, mode):
    kept.folder.chmod(mode)
    is_not_trusted(synapse, kept, "", kept.folder)


def test_a_symbolic_link_is_refused(synapse, kept):
    real = kept.folder / "real.json"
    kept.path.rename(real)
    kept.path.symlink_to(real)
    is_not_trusted(synapse, kept, "link")
    assert kept.path.is_symlink()


def test_a_symbolic_link_to_nothing_is_refused(synapse, kept, tmp_path):
    target = tmp_path / "target.json"
    kept.path.unlink()
    kept.path.symlink_to(target)
    is_not_trusted(synapse, kept, "link")
    assert not target.exists()


def test_a_hard_link_is_refused(synapse, kept, tmp_path):
    (tmp_path / "other.json").hardlink_to(kept.path)
    is_not_trusted(synapse, kept, "link")


def test_a_folder_is_refused(synapse, kept):
    kept.path.unlink()
    kept.path.mkdir()
    is_not_trusted(synapse, kept, "")


def test_a_pipe_is_refused_and_not_waited_for(synapse, kept):
    kept.path.unlink()
    os.mkfifo(kept.path, 0o600)
    is_not_trusted(synapse, kept, "")


@as_root
def test_a_file_of_another_user_is_refused(synapse, kept):
    os.chown(kept.path, NOBODY, -1)
    is_not_trusted(synapse, kept, "another user")


@as_root
def test_a_file_in_a_folder_of_another_user_is_refused(synapse, kept):
    os.chown(kept.folder, NOBODY, -1)
    is_not_trusted(synapse, kept, "", kept.folder)


@pytest.fixture
def as_nobody(unprivileged, unique, synapse):
    """Runs a task as a user who owns nothing but a folder; and that folder."""
    admin, password = unique("root"), a_password()
    synapse.register(admin, password, admin=True)
    folder = unprivileged.folder

    def run(path=folder / "sessions.json", **options):
        task = by_login(synapse, admin, password, username=unique("alice"), **options)
        return unprivileged.run(task | {"session_file": str(path)})

    run.folder, run.admin = folder, admin
    return run


def test_an_unreadable_file_is_refused(as_nobody):
    assert as_nobody().changed
    file = as_nobody.folder / "sessions.json"
    file.chmod(0o000)
    reply = as_nobody()
    assert reply.failed and reply.kind == "invalid" and not reply.changed, reply.json
    assert str(file) in reply.msg


def test_an_unwritable_file_is_refused_once_it_has_to_be_written(synapse, as_nobody):
    assert as_nobody().changed
    assert as_nobody().changed
    assert sessions_of(synapse, as_nobody.admin) == 1
    as_nobody.folder.chmod(0o500)
    # The session is there, so nothing has to be written.
    assert as_nobody().changed
    assert sessions_of(synapse, as_nobody.admin) == 1


@pytest.mark.parametrize("mode", [0o500, 0o000], ids=oct)
def test_a_folder_in_which_no_file_can_be_made_is_told_and_done_without(
    synapse, as_nobody, mode
):
    as_nobody.folder.chmod(mode)
    reply = as_nobody()
    assert reply.json["actions"] == ["create"], reply.json
    assert any("session_file" in warning for warning in reply.json["warnings"])
    assert sessions_of(synapse, as_nobody.admin) == 0


@as_root
def test_a_file_of_root_is_refused_to_others(as_nobody):
    assert as_nobody().changed
    file = as_nobody.folder / "sessions.json"
    os.chown(file, 0, 0)
    reply = as_nobody()
    assert reply.failed and reply.kind == "invalid" and not reply.changed, reply.json
    assert "another user" in reply.msg and str(file) in reply.msg


GOOD = '{"registrar": 1, "sessions": []}'


@pytest.mark.parametrize(
    "content",
    [
        "not JSON",
        GOOD[:-1],
        GOOD + "x",
        "[]",
        "{}",
        "null",
        '{"registrar": 2, "sessions": []}',
        '{"registrar": "1", "sessions": []}',
        '{"registrar": 1, "sessions": {}}',
        '{"registrar": 1, "sessions": "syt_x"}',
        '{"sessions": []}',
        "\x00" * 50,
        " " * 3_000_000,
    ],
    ids=lambda content: ascii(content)[:30],
)
def test_what_is_no_session_file_is_refused_and_left_as_it_is(synapse, kept, content):
    # Somebody may have named a file of something else.
    kept.path.write_text(content)
    is_not_trusted(synapse, kept, "session file")
    assert kept.path.read_text() == content


@pytest.mark.parametrize(
    "entry",
    [
        None,
        5,
        "syt_x",
        [],
        {},
        {"access_token": 5},
        {"access_token": ""},
        {"access_token": None},
        {"access_token": "a\r\nX-Injected: 1"},
        {"access_token": "a b"},
        {"access_token": "x" * 100_000},
        {"user_id": 5},
        {"user_id": "no user id"},
        {"device_id": {}},
        {"salt": ""},
        {"fingerprint": None},
        {"origin": None},
    ],
    ids=lambda entry: ascii(entry)[:40],
)
def test_an_entry_that_is_none_is_as_one_that_is_not_there(synapse, kept, entry):
    # Damaged by hand: a new session is had, and told to nobody but the server.
    content = kept.read()
    spoilt = kept.entry | entry if isinstance(entry, dict) and entry else entry
    content["sessions"] = [spoilt]
    kept.path.write_text(json.dumps(content))
    reply = run_module(kept.task | {"displayname": "B"})
    assert reply.changed and not reply.failed, reply.json
    good = [e for e in kept.entries() if isinstance(e, dict) and e.get("access_token")]
    assert any(session_is_alive(synapse, e["access_token"]) for e in good)
    reply = run_module(kept.task | {"displayname": "B"})
    assert not reply.changed and not reply.failed, reply.json


def test_good_entries_beside_bad_ones_are_found(synapse, kept):
    content = kept.read()
    content["sessions"] = [None, {"origin": 1}, kept.entry, "x"]
    kept.path.write_text(json.dumps(content))
    assert run_module(kept.task | {"displayname": "B"}).changed
    assert sessions_of(synapse, kept.admin) == 1


@pytest.mark.parametrize("where", ["/proc/registrar", "/dev/null", "missing/missing"])
def test_where_there_can_be_no_file_the_run_goes_on_and_says_so(
    synapse, unique, tmp_path, where
):
    """`/dev/null` is not a folder, and only one folder is made."""
    path = os.path.join(tmp_path, where, "sessions.json")
    admin, password, name = unique("root"), a_password(), unique("alice")
    synapse.register(admin, password, admin=True)
    task = by_login(synapse, admin, password, username=name, session_file=path)
    reply = run_module(task)
    assert reply.json["actions"] == ["create"], reply.json
    assert any("session_file" in warning for warning in reply.json["warnings"])
    assert sessions_of(synapse, admin) == 0
    assert not os.path.exists(path)


@pytest.mark.parametrize("path", ["/", "kept/"])
def test_what_names_no_file_is_refused(synapse, unique, tmp_path, path):
    path = path.replace("kept", str(tmp_path / "kept"))
    admin, password = unique("root"), a_password()
    synapse.register(admin, password, admin=True)
    task = by_login(synapse, admin, password, username=unique("alice"), session_file=path)
    reply = run_module(task)
    assert reply.failed and reply.kind == "invalid" and "session_file" in reply.msg, reply.json


def test_an_empty_name_is_no_session_file(synapse, unique):
    admin, password = unique("root"), a_password()
    synapse.register(admin, password, admin=True)
    task = by_login(synapse, admin, password, username=unique("alice"), session_file="")
    assert run_module(task).json["actions"] == ["create"]
    assert sessions_of(synapse, admin) == 0


def test_a_bad_file_is_no_reason_to_make_a_service_account(synapse, unique, tmp_path):
    file = tmp_path / "sessions.json"
    file.write_text("not JSON")
    file.chmod(0o600)
    service, name = unique("svc"), unique("alice")
    task = by_service(
        synapse, service_account=service, username=name, admin=True, session_file=str(file)
    )
    is_refused(synapse, task | {"password": a_password()}, "invalid")
    assert synapse.user(service) is None and synapse.user(name) is None
