# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries of session_file that somebody with an editor, a power cut or another
credential made something else of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.hostile import HostileServer
from tests.support.hostile_kept import (
    KINDS,
    ROOT,
    assert_never_sent,
    entries,
    keep,
    keeping,
    token_in,
)
from tests.support.hostile_tasks import (
    assert_fails,
    left_sessions,
    run,
)

@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "kept"
    folder.mkdir(mode=0o700)
    return folder / "sessions"


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


# What somebody with an editor, or a power cut, made of an entry

VALUES: list[Any] = [None, 5, True, [], {}, "", "x\r\nX-Injected: 1", "ä\0", "y" * 100_000]
KEYS = ["origin", "server_name", "localpart", "user_id", "device_id", "salt", "fingerprint"]
KEYS += ["access_token"]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("key", KEYS)
def test_an_entry_that_was_changed_is_no_session_and_does_no_harm(
    server: HostileServer, path: Path, key: str, value: Any
) -> None:
    keep(server, "admin", path)
    (entry,) = entries(path)
    if value is None:
        del entry[key]
    else:
        entry[key] = value
    path.write_text(json.dumps({"registrar": 1, "sessions": [entry]}))
    reply = run(keeping(server, "admin", path, displayname="Alice III"))
    assert reply.changed, reply.json
    for request in server.requests:
        assert request.header("X-Injected") is None
        assert request.route not in ("other", "wrong_method")
        assert len(request.target) < 2000
    server.forget()
    assert not run(keeping(server, "admin", path)).failed
    assert server.count("login") == 0, "there is a good one now"


@pytest.mark.parametrize("entry", [5, None, "x", [], {}, [{}], True], ids=repr)
def test_entries_that_are_none_do_no_harm(
    server: HostileServer, kind: str, path: Path, entry: Any
) -> None:
    path.write_text(json.dumps({"registrar": 1, "sessions": [entry, entry]}))
    path.chmod(0o600)
    assert not run(keeping(server, kind, path)).failed
    server.forget()
    assert not run(keeping(server, kind, path)).failed
    assert server.count("login", "register") == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("origin", "http://127.0.0.1:1"),
        ("origin", "https://matrix.example.org"),
        ("server_name", "elsewhere.test"),
        ("localpart", "alice"),
    ],
)
def test_a_token_with_another_place_s_name_is_not_sent_here(
    server: HostileServer, kind: str, path: Path, key: str, value: str
) -> None:
    token = keep(server, kind, path)
    (entry,) = entries(path)
    entry[key] = value
    path.write_text(json.dumps({"registrar": 1, "sessions": [entry]}))
    assert not run(keeping(server, kind, path)).failed
    assert_never_sent(server, token)
    assert token in [one["access_token"] for one in entries(path)], "it may be good there"


def test_a_thousand_entries_of_others_are_no_reason_to_lose_one(
    server: HostileServer, path: Path
) -> None:
    """A file is replaced as a whole, and what does not fit is told."""
    keep(server, "admin", path)
    (entry,) = entries(path)
    others = [entry | {"origin": f"http://other{number}.example.org"} for number in range(1000)]
    path.write_text(json.dumps({"registrar": 1, "sessions": others}))
    reply = run(keeping(server, "admin", path))
    if reply.failed:
        assert_fails(reply, "invalid")
        assert left_sessions(server) == [ROOT], "only the one of before"
    origins = {one["origin"] for one in entries(path)}
    assert {one["origin"] for one in others} <= origins


# Another credential for the same account


def test_a_new_admin_password_takes_a_new_session_and_ends_the_old(
    server: HostileServer, path: Path
) -> None:
    token = keep(server, "admin", path)
    server.homeserver.user("root").password = "another password"
    reply = run(keeping(server, "admin", path, admin_password="another password"))
    assert not reply.failed, reply.json
    assert token_in(path) != token
    assert token not in server.homeserver.tokens
    assert left_sessions(server) == [ROOT]


def test_a_wrong_admin_password_does_not_get_in_by_the_file(
    server: HostileServer, path: Path
) -> None:
    """Who has the file has the session; who states a password is asked for it."""
    token = keep(server, "admin", path)
    before = path.read_bytes()
    reply = run(keeping(server, "admin", path, admin_password="not it", displayname="Mallory"))
    assert_fails(reply, "unauthorized")
    assert server.count("get_user", "put_user") == 0
    assert json.loads(path.read_bytes())["sessions"][0]["access_token"] == token
    assert token in server.homeserver.tokens
    server.forget()
    assert not run(keeping(server, "admin", path)).failed
    assert server.count("login") == 0
    assert json.loads(before)["sessions"][0]["access_token"] == token
