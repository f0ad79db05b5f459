# SPDX-License-Identifier: GPL-3.0-or-later
"""session_file in every state that it may be found in: used, refused or told of,
and never made worse."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import hostile_faults as faults
from tests.support.hostile import Answer, Exchange, HostileServer
from tests.support.hostile_people import (
    SOMEBODY,
    belongs_to_somebody,
    run_as_somebody,
    without_room,
)
from tests.support.hostile_tasks import (
    ROOT_PASSWORD,
    Arguments,
    assert_fails,
    by_login,
    by_service,
    left_sessions,
    run,
)

# What stands in a file that is refused must not be told.
MARK = "a-token-that-stands-in-the-file"
GOOD = json.dumps({"registrar": 1, "sessions": []})


def task(server: HostileServer, path: Path | str) -> Arguments:
    return by_login(server, session_file=str(path), displayname="Alice II")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """In a folder that is as it should be."""
    folder = tmp_path / "kept"
    folder.mkdir(mode=0o700)
    return folder / "sessions"


def written(path: Path, content: bytes | str = GOOD, mode: int = 0o600) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


def linked(path: Path) -> None:
    path.symlink_to(written(path.with_name("other")))


def circling(path: Path) -> None:
    path.symlink_to(path)


def doubled(path: Path) -> None:
    os.link(written(path), path.with_name("other"))


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


def sparse(path: Path) -> None:
    written(path)
    os.truncate(path, 1 << 40)


def another_s(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    belongs_to_somebody(written(path))


REFUSED: dict[str, Callable[[Path], Any]] = {
    "a symbolic link": linked,
    "a symbolic link to nothing": lambda path: path.symlink_to("nowhere"),
    "a symbolic link to itself": circling,
    "a hard link": doubled,
    "readable by all": lambda path: written(path, mode=0o644),
    "readable by a group": lambda path: written(path, mode=0o640),
    "writable by all": lambda path: written(path, mode=0o602),
    "open to all": lambda path: written(path, mode=0o777),
    "a folder": lambda path: path.mkdir(mode=0o700),
    "a pipe": lambda path: os.mkfifo(path, 0o600),
    "a socket": listening,
    "another's": another_s,
    "huge": lambda path: written(path, b" " * (2 << 20)),
    "huge and sparse": sparse,
    "half written": lambda path: written(path, GOOD[:-4]),
    "no JSON": lambda path: written(path, b"\xff\xfe\0" + MARK.encode()),
    "deep": lambda path: written(path, b"[" * 900_000),
    "a list": lambda path: written(path, f'["{MARK}"]'),
    "null": lambda path: written(path, "null"),
    "a token": lambda path: written(path, f"{MARK}\n"),
    "somebody else's JSON": lambda path: written(path, json.dumps({"token": MARK})),
    "a newer version": lambda path: written(path, '{"registrar": 2, "sessions": []}'),
    "no version": lambda path: written(path, '{"registrar": "1", "sessions": []}'),
    "no sessions": lambda path: written(path, json.dumps({"registrar": 1, "sessions": MARK})),
    "two of a key": lambda path: written(path, GOOD[:-1] + ', "registrar": 1}'),
    "more after it": lambda path: written(path, GOOD + GOOD),
}


def snapshot(path: Path) -> tuple[Any, ...]:
    found = path.lstat()
    content = None
    if stat.S_ISREG(found.st_mode):
        with path.open("rb") as file:
            content = file.read(1 << 20)
    link = os.readlink(path) if path.is_symlink() else None
    return (found.st_mode, found.st_uid, found.st_size, found.st_ino, content, link)


@pytest.mark.parametrize("check", [False, True], ids=["done", "checked"])
@pytest.mark.parametrize("what", REFUSED)
def test_a_file_that_is_not_to_be_trusted_is_refused_and_left_as_it_is(
    server: HostileServer, path: Path, what: str, check: bool
) -> None:
    REFUSED[what](path)
    before, names = snapshot(path), sorted(path.parent.iterdir())
    reply = run(task(server, path), check=check)
    assert_fails(reply, "invalid")
    assert str(path) in reply.msg
    assert MARK not in reply.raw.decode()
    assert not reply.changed
    assert snapshot(path) == before
    assert sorted(path.parent.iterdir()) == names
    assert server.count("login", "get_user", "put_user") == 0


@pytest.mark.parametrize("what", ["a symbolic link", "readable by all", "no JSON", "a pipe"])
def test_the_service_account_s_file_is_looked_at_as_sharply(
    server: HostileServer, path: Path, what: str
) -> None:
    REFUSED[what](path)
    before = server.homeserver.state()
    reply = run(by_service(server, displayname="Alice II", session_file=str(path)))
    assert_fails(reply, "invalid")
    assert server.homeserver.state() == before
    assert server.count("register", "login") == 0


def opened(mode: int) -> Callable[[Path], None]:
    return lambda path: path.parent.chmod(mode)


def another_s_folder(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give folders away")
    belongs_to_somebody(path.parent)


def below_another_s(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give folders away")
    belongs_to_somebody(path.parent.parent)


FOLDERS: dict[str, Callable[[Path], Any]] = {
    "writable by all": opened(0o777),
    "writable by a group": opened(0o770),
    "writable by all, and sticky": opened(0o1777),
    "another's": another_s_folder,
    "below another's": below_another_s,
}


@pytest.mark.parametrize("there", [False, True], ids=["missing", "there"])
@pytest.mark.parametrize("what", FOLDERS)
def test_a_folder_that_others_can_write_is_refused(
    server: HostileServer, path: Path, what: str, there: bool
) -> None:
    if there:
        written(path)
    FOLDERS[what](path)
    reply = run(task(server, path))
    assert_fails(reply, "invalid")
    assert str(path.parent.parent) in reply.msg
    assert path.exists() == there
    assert server.count("login") == 0


@pytest.mark.parametrize(
    "name", ["kept/", "kept/.", "kept/..", "kept/sessions/", "kept/" + "x" * 300, "kept/file/x"]
)
def test_a_path_that_can_be_no_file_s_is_refused_or_told_of(
    server: HostileServer, path: Path, name: str
) -> None:
    written(path.with_name("file"))
    reply = run(task(server, f"{path.parent.parent}/{name}"))
    if not reply.failed:
        assert any("session_file" in warning for warning in reply.json["warnings"])
    else:
        assert_fails(reply, "invalid")
    assert left_sessions(server) == []
    assert [one.name for one in path.parent.iterdir()] == ["file"]


def assert_kept(server: HostileServer, path: Path) -> None:
    """There is a session in it, for its owner alone, and it is used."""
    assert stat.S_IMODE(path.lstat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert left_sessions(server) == ["@root:example.test"]
    server.forget()
    assert not run(task(server, path)).failed
    assert server.count("login", "logout") == 0


@pytest.mark.parametrize("what", ["missing", "empty", "without sessions", "a missing folder"])
def test_a_file_that_is_not_there_yet_is_made(
    server: HostileServer, path: Path, what: str
) -> None:
    if what == "empty":
        written(path, b"")
    elif what == "without sessions":
        written(path)
    elif what == "a missing folder":
        path.parent.rmdir()
    assert run(task(server, path)).changed
    assert_kept(server, path)
    assert stat.S_IMODE(path.parent.lstat().st_mode) == 0o700


def test_in_a_folder_that_cannot_be_made_it_is_told_of_and_done_without(
    server: HostileServer, tmp_path: Path
) -> None:
    path = tmp_path / "one" / "two" / "sessions"
    reply = run(task(server, path))
    assert reply.changed, reply.json
    assert any(str(path) in warning for warning in reply.json["warnings"])
    assert left_sessions(server) == []
    assert not (tmp_path / "one").exists()


@pytest.fixture
def theirs() -> Iterator[Path]:
    """A file's path in a folder of somebody's, below folders that all may enter."""
    folder = Path(tempfile.mkdtemp(prefix="registrar-"))
    (folder / "kept").mkdir(mode=0o700)
    belongs_to_somebody(folder, folder / "kept")
    yield folder / "kept" / "sessions"
    (folder / "kept").chmod(0o700)
    shutil.rmtree(folder)


def run_theirs(server: HostileServer, path: Path) -> Any:
    return run_as_somebody(task(server, path), path.parent.parent)


def test_a_folder_that_cannot_be_written_is_told_of(server: HostileServer, theirs: Path) -> None:
    theirs.parent.chmod(0o500)
    reply = run_theirs(server, theirs)
    assert reply.changed, reply.json
    assert any(str(theirs) in warning for warning in reply.json["warnings"])
    assert left_sessions(server) == []


def test_a_session_is_used_where_it_could_not_be_replaced(
    server: HostileServer, theirs: Path
) -> None:
    assert run_theirs(server, theirs).changed
    before = snapshot(theirs)
    theirs.parent.chmod(0o500)
    server.forget()
    reply = run_theirs(server, theirs)
    assert not reply.failed, reply.json
    assert server.count("login") == 0
    assert snapshot(theirs) == before


def test_a_session_that_cannot_be_stored_is_logged_out(
    server: HostileServer, theirs: Path
) -> None:
    """The one in the file has ended, and its folder cannot be written."""
    assert run_theirs(server, theirs).changed
    before = snapshot(theirs)
    theirs.parent.chmod(0o500)
    server.homeserver.tokens.clear()
    reply = run_theirs(server, theirs)
    if reply.failed:
        assert_fails(reply, "invalid")
        assert str(theirs) in reply.msg
    else:
        assert any(str(theirs) in warning for warning in reply.json["warnings"])
    assert left_sessions(server) == []
    assert snapshot(theirs) == before


def test_a_file_that_may_not_be_read_is_refused(server: HostileServer, theirs: Path) -> None:
    belongs_to_somebody(written(theirs, GOOD, mode=0o000))
    reply = run_theirs(server, theirs)
    assert_fails(reply, "invalid")
    assert str(theirs) in reply.msg
    assert server.count("login") == 0
    assert theirs.stat().st_uid == SOMEBODY


# 0: not a byte; 1: half of an entry of that length.
@pytest.mark.parametrize("blocks", [0, 1])
@pytest.mark.parametrize("there", [False, True], ids=["missing", "there"])
def test_on_a_full_disk_the_file_stays_and_no_session_is_left(
    server: HostileServer, path: Path, tmp_path: Path, there: bool, blocks: int
) -> None:
    long = [{"origin": f"http://other{number}.example.org"} for number in range(20)]
    if there:
        written(path, json.dumps({"registrar": 1, "sessions": long}))
    before = snapshot(path) if there else None
    reply = run(task(server, path), binary=without_room(tmp_path, blocks))
    if reply.failed:
        assert_fails(reply, "invalid")
        assert str(path) in reply.msg
        assert not reply.changed
    if there or blocks == 0:
        assert left_sessions(server) == []
        assert [one.name for one in path.parent.iterdir()] in ([], [path.name])
    if there:
        assert snapshot(path) == before
    assert not run(task(server, path)).failed, "once there is room again"
    assert_kept(server, path)


def test_on_a_full_disk_a_service_account_that_was_made_is_told(
    server: HostileServer, path: Path, tmp_path: Path
) -> None:
    arguments = by_service(server, displayname="Alice II", session_file=str(path))
    before = server.homeserver.state()
    reply = run(arguments, binary=without_room(tmp_path, 0))
    assert reply.changed == (server.homeserver.state() != before), reply.json
    assert left_sessions(server) == []
    assert not run(arguments).failed


# While a login is under way


def meanwhile(server: HostileServer, change: Callable[[], Any]) -> None:
    def fault(exchange: Exchange) -> Answer:
        change()
        return exchange.answer()

    server.misbehave("login", fault, on=1)


def test_a_file_that_disappears_meanwhile_is_made_again_or_told_of(
    server: HostileServer, path: Path
) -> None:
    meanwhile(server, path.unlink)
    reply = run(task(server, path))
    if reply.failed:
        assert_fails(reply, "invalid", "conflict")
        assert "hard link" not in reply.msg, "it has no name at all any more"
        assert left_sessions(server) == []
        assert not run(task(server, path)).failed
    assert_kept(server, path)


def test_a_folder_that_disappears_meanwhile_is_told_of(
    server: HostileServer, path: Path
) -> None:
    meanwhile(server, lambda: (path.unlink(), path.parent.rmdir()))
    reply = run(task(server, path))
    if reply.failed:
        assert_fails(reply, "invalid", "conflict")
    assert left_sessions(server) == []
    assert not run(task(server, path)).failed
    assert_kept(server, path)


def test_a_link_that_takes_the_file_s_place_meanwhile_is_not_followed(
    server: HostileServer, path: Path, tmp_path: Path
) -> None:
    target = written(tmp_path / "target", "precious")

    def swap() -> None:
        path.unlink()
        path.symlink_to(target)

    meanwhile(server, swap)
    reply = run(task(server, path))
    assert target.read_text() == "precious"
    if reply.failed:
        assert_fails(reply, "invalid", "conflict")
        assert left_sessions(server) == []


def test_what_another_version_wrote_beside_the_sessions_is_kept(
    server: HostileServer, path: Path
) -> None:
    written(path, json.dumps({"registrar": 1, "sessions": [], "creations": [{"x": [1, "é"]}]}))
    assert run(task(server, path)).changed
    assert json.loads(path.read_bytes())["creations"] == [{"x": [1, "é"]}]
    assert_kept(server, path)


def test_a_file_holds_no_password_and_no_secret(server: HostileServer, path: Path) -> None:
    assert run(task(server, path)).changed
    content = path.read_text()
    assert run(by_service(server, displayname="Al", session_file=str(path))).changed
    content += path.read_text()
    for secret in (ROOT_PASSWORD, server.homeserver.secret, *server.homeserver.accounts.values()):
        text = getattr(secret, "password", secret)
        assert text not in content


def test_a_login_whose_answer_is_lost_leaves_no_device_behind(
    server: HostileServer, path: Path
) -> None:
    """The next one takes the device over, since it was written down before."""
    server.misbehave("login", faults.reset(done=True), on=None)
    assert run(task(server, path)).failed
    assert len(server.homeserver.tokens) >= 1
    server.forget()
    assert run(task(server, path)).changed
    devices = {token.device_id for token in server.homeserver.tokens.values()}
    assert len(devices) == 1
