# SPDX-License-Identifier: GPL-3.0-or-later
"""Many runs at once on one session_file: all of them do their work, and none
ends another's session."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from tests.support import hostile_faults as faults
from tests.support.hostile import HostileServer
from tests.support.hostile_kept import KINDS, OWNERS, keep, keeping, token_in
from tests.support.hostile_secrets import assert_no_secret
from tests.support.hostile_tasks import (
    SERVICE,
    SLACK,
    Arguments,
    assert_fails,
    left_sessions,
    run,
    secrets_of,
)
from tests.support.module import Reply, start_module

MANY = 40


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "kept"
    folder.mkdir(mode=0o700)
    return folder / "sessions"


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def at_once(tasks: list[Arguments]) -> list[Reply]:
    running = [start_module(arguments) for arguments in tasks]
    replies = [one.wait() for one in running]
    for reply, arguments in zip(replies, tasks, strict=True):
        assert_no_secret(reply, secrets_of(arguments))
    return replies


def tasks_of_many(server: HostileServer, kind: str, path: Path) -> list[Arguments]:
    """Each with a user of its own, and patience for the others."""
    tasks = []
    for number in range(MANY):
        server.homeserver.add_user(f"u{number}", "x")
        task = keeping(server, kind, path, username=f"u{number}", displayname="New")
        tasks.append(task | {"timeout": 15})
    return tasks


def assert_all_done(server: HostileServer, kind: str, path: Path, replies: list[Reply]) -> None:
    failed = [reply.json for reply in replies if reply.failed]
    assert not failed, f"{len(failed)} of {len(replies)}: {failed[0]}"
    for number in range(len(replies)):
        assert server.homeserver.user(f"u{number}").displayname == "New"
    assert left_sessions(server) == [OWNERS[kind]]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert token_in(path) in server.homeserver.tokens


def test_forty_runs_at_once_on_no_file_yet_log_in_once(
    server: HostileServer, kind: str, path: Path
) -> None:
    server.homeserver.login_burst = 3
    replies = at_once(tasks_of_many(server, kind, path))
    assert_all_done(server, kind, path, replies)
    assert server.count("login") + sum(
        request.json.get("username") == SERVICE for request in server.sent("register")
    ) == 1
    made = [reply for reply in replies if "create service account" in reply.json["actions"]]
    assert len(made) == (kind == "service")
    assert server.count("logout") == 0


def test_forty_runs_at_once_on_a_session_that_has_ended_log_in_once(
    server: HostileServer, kind: str, path: Path
) -> None:
    keep(server, kind, path)
    server.homeserver.tokens.clear()
    server.homeserver.login_burst = 1
    server.homeserver.logins = 0
    assert_all_done(server, kind, path, at_once(tasks_of_many(server, kind, path)))
    assert server.count("login") == 1


def test_runs_at_once_without_a_file_make_one_account_and_leave_no_session(
    server: HostileServer, path: Path
) -> None:
    tasks = [task | {"session_file": None} for task in tasks_of_many(server, "service", path)]
    replies = at_once(tasks[:12])
    failed = [reply.json for reply in replies if reply.failed]
    assert not failed, failed[0]
    made = [reply for reply in replies if "create service account" in reply.json["actions"]]
    assert len(made) == 1
    assert left_sessions(server) == []


def test_runs_at_once_with_two_accounts_keep_both(server: HostileServer, path: Path) -> None:
    tasks = []
    for number, kind in enumerate(["admin", "service"] * 8):
        server.homeserver.add_user(f"u{number}", "x")
        more = {"username": f"u{number}", "displayname": "New", "timeout": 15}
        tasks.append(keeping(server, kind, path, **more))
    replies = at_once(tasks)
    assert not [reply.json for reply in replies if reply.failed]
    kept = json.loads(path.read_bytes())["sessions"]
    assert sorted(entry["user_id"] for entry in kept) == sorted(OWNERS.values())
    assert sorted(left_sessions(server)) == sorted(OWNERS.values())


def test_runs_at_once_on_two_servers_keep_both(server: HostileServer, path: Path) -> None:
    with HostileServer() as other:
        other.homeserver.add_user("root", server.homeserver.user("root").password, admin=True)
        other.homeserver.add_user("alice", "x")
        tasks = [keeping(one, "admin", path, timeout=15) for one in (server, other) * 6]
        replies = at_once(tasks)
        assert not [reply.json for reply in replies if reply.failed]
        assert len(json.loads(path.read_bytes())["sessions"]) == 2
        for one in (server, other):
            assert one.count("login") == 1
            assert left_sessions(one) == ["@root:example.test"]


def test_runs_at_once_that_are_killed_leave_a_whole_file(
    server: HostileServer, kind: str, path: Path
) -> None:
    """SIGKILL, wherever they are: what stands there is an old file or a new one."""
    keep(server, kind, path)
    for round_of_it in range(6):
        server.homeserver.tokens.clear()
        tasks = tasks_of_many(server, kind, path)[:6]
        running = [start_module(arguments) for arguments in tasks]
        server.wait_for("whoami", round_of_it + 1)
        for one in running:
            one.process.kill()
            one.process.communicate()
        assert json.loads(path.read_bytes())["registrar"] == 1
    server.forget()
    assert not run(keeping(server, kind, path)).failed
    assert not run(keeping(server, kind, path)).failed
    assert server.count("login") <= 1
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_run_that_hangs_over_its_login_does_not_hang_the_next_for_ever(
    server: HostileServer, path: Path
) -> None:
    """It waits as long as four answers may take, and says what it waited for."""
    server.misbehave("login", faults.silent(), on=1)
    first = start_module(keeping(server, "admin", path, timeout=20))
    server.wait_for("login")
    second = run(keeping(server, "admin", path, timeout=1))
    assert_fails(second, "conflict")
    assert str(path) in second.msg
    assert second.seconds < 4 + SLACK
    assert server.count("login") == 1
    first.process.kill()
    first.process.communicate()
    third = run(keeping(server, "admin", path, timeout=1))
    assert third.changed, third.json


def test_one_whose_session_works_waits_for_nobody(server: HostileServer, path: Path) -> None:
    keep(server, "admin", path)
    server.misbehave("register", faults.silent(), on=1)
    first = start_module(keeping(server, "service", path, timeout=20))
    server.wait_for("register")
    reply = run(keeping(server, "admin", path, displayname="Alice III"))
    assert reply.changed, reply.json
    assert reply.seconds < SLACK
    first.process.kill()
    first.process.communicate()
