# SPDX-License-Identifier: GPL-3.0-or-later
"""A shared secret that was changed, and a service account that is to be
forgotten, on servers that are not well-behaved."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import hostile_faults as faults
from tests.support.hostile import HostileServer
from tests.support.hostile_kept import (
    SERVICE_ID,
    keep,
    keeping,
    token_in,
)
from tests.support.hostile_tasks import (
    OLD_SECRET,
    SERVICE,
    Arguments,
    add_service,
    assert_fails,
    by_service,
    left_sessions,
    run,
    service_password,
)

@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "kept"
    folder.mkdir(mode=0o700)
    return folder / "sessions"


ROTATIONS = ["a kept session", "the previous secret", "both"]


def rotated(server: HostileServer, path: Path, how: str) -> Arguments:
    """A task with a new secret, on a server that has it."""
    new, server.homeserver.secret = server.homeserver.secret, OLD_SECRET
    if how == "the previous secret":
        add_service(server, OLD_SECRET)
    else:
        keep(server, "service", path)
    server.homeserver.secret = new
    more = {} if how == "a kept session" else {"registration_shared_secret_previous": OLD_SECRET}
    return keeping(server, "service", path, displayname="Alice III", **more)


@pytest.mark.parametrize("how", ROTATIONS)
def test_a_new_secret_gives_the_service_account_its_new_password(
    server: HostileServer, path: Path, how: str
) -> None:
    arguments = rotated(server, path, how)
    reply = run(arguments)
    assert reply.json["actions"] == ["update service account", "set displayname"], reply.json
    account = server.homeserver.user(SERVICE)
    assert account.password == service_password(server.homeserver.secret or "")
    assert left_sessions(server) == [SERVICE_ID]
    server.forget()
    assert not run(arguments).changed
    assert server.count("login", "register") == 0


@pytest.mark.parametrize("how", ROTATIONS)
def test_in_check_mode_a_new_password_is_predicted_and_not_set(
    server: HostileServer, path: Path, how: str
) -> None:
    arguments = rotated(server, path, how)
    before = server.homeserver.state()
    reply = run(arguments, check=True)
    assert not reply.failed, reply.json
    assert reply.changed
    assert reply.json["actions"][0] == "update service account"
    assert server.homeserver.state() == before


REFUSALS = {
    "403": faults.refuses(403, "M_FORBIDDEN", "Password change disabled"),
    "404": faults.refuses(404, "M_NOT_FOUND"),
    "500": faults.refuses(500, "M_UNKNOWN"),
    "a page": faults.html(502),
    "a reset": faults.reset(),
    "done and lost": faults.reset(done=True),
    "done and garbled": faults.done_but(faults.reply(200, b"[]")),
}


@pytest.mark.parametrize("what", REFUSALS)
@pytest.mark.parametrize("how", ROTATIONS)
def test_a_new_password_that_is_refused_is_told_and_the_next_run_sets_it(
    server: HostileServer, path: Path, how: str, what: str
) -> None:
    arguments = rotated(server, path, how)
    before = server.homeserver.state()
    server.misbehave("put_user", REFUSALS[what], on=1)
    reply = run(arguments)
    changed = server.homeserver.state() != before
    assert reply.changed or not changed, reply.json
    server.forget()
    again = run(arguments)
    assert not again.failed, f"after {reply.json}: {again.json}"
    account = server.homeserver.user(SERVICE)
    assert account.password == service_password(server.homeserver.secret or "")
    assert left_sessions(server) == [SERVICE_ID]
    assert not run(arguments).changed


def test_without_either_a_new_secret_is_a_conflict_that_says_the_steps(
    server: HostileServer, path: Path
) -> None:
    add_service(server, OLD_SECRET)
    before = server.homeserver.state()
    reply = run(keeping(server, "service", path))
    assert_fails(reply, "conflict")
    assert "registration_shared_secret_previous" in reply.msg
    assert server.homeserver.state() == before
    assert left_sessions(server) == []


def test_the_old_secret_s_session_is_not_used_with_a_wrong_new_one(
    server: HostileServer, path: Path
) -> None:
    """The account gets no password of a secret that the server does not have."""
    token = keep(server, "service", path)
    before = server.homeserver.state()
    reply = run(
        keeping(server, "service", path, displayname="M", registration_shared_secret="not it"),
        check=False,
    )
    assert server.homeserver.state() == before or reply.changed
    assert server.homeserver.user(SERVICE).password == service_password(
        server.homeserver.secret or ""
    ), "whoever has the file would give the account a password of their own choice"
    assert_fails(reply, "unauthorized", "conflict")
    assert token in server.homeserver.tokens


# Forgetting


def forget(server: HostileServer, path: Path) -> Arguments:
    task_of_it = by_service(server, SERVICE, session_file=str(path))
    return task_of_it | {"state": "deactivated"}


def test_a_forgotten_account_is_ended_and_leaves_no_file(
    server: HostileServer, path: Path
) -> None:
    keep(server, "service", path)
    assert run(forget(server, path)).changed
    account = server.homeserver.user(SERVICE)
    assert (account.deactivated, account.erased) == (True, True)
    assert not path.exists()
    assert server.homeserver.tokens == {}
    again = run(forget(server, path))
    assert not again.failed and not again.changed, again.json


@pytest.mark.parametrize("what", [what for what in REFUSALS if "done" not in what])
def test_an_account_that_could_not_be_forgotten_keeps_its_session(
    server: HostileServer, path: Path, what: str
) -> None:
    token = keep(server, "service", path)
    before = server.homeserver.state()
    server.misbehave("deactivate_user", REFUSALS[what], on=None)
    reply = run(forget(server, path))
    if server.homeserver.state() == before:
        assert reply.failed, reply.json
        assert token_in(path) == token
    server.forget()
    again = run(forget(server, path))
    assert not again.failed, f"after {reply.json}: {again.json}"


def test_an_account_that_was_forgotten_without_a_word_leaves_no_file(
    server: HostileServer, path: Path
) -> None:
    keep(server, "service", path)
    server.misbehave("deactivate_user", faults.reset(done=True), on=1)
    first = run(forget(server, path))
    assert first.changed, first.json
    server.forget()
    again = run(forget(server, path))
    assert not again.failed, again.json
    assert not path.exists()
    assert server.homeserver.user(SERVICE).erased
