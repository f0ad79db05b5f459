# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is cut off before or after any of its requests: repeated, it ends
where a run ends that was not cut off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import hostile_faults as faults
from tests.support.hostile import Answer, Exchange, HostileServer
from tests.support.hostile_runs import (
    READING,
    TASKS,
    comparable,
    kept_service_without_passwords,
)
from tests.support.hostile_tasks import SERVICE, by_service, populated, run, service_password

# More requests than any of these tasks sends.
MOST = 60
# Nobody has the token of a reply that was lost, and without password logins no
# other will be had.
HOPELESS = {(kept_service_without_passwords, "register")}


def made(task: Any, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """What a run makes of a server that nothing is wrong with, and with which
    requests."""
    folder.mkdir(mode=0o700)
    with HostileServer() as server:
        arguments = task(populated(server), folder)
        reply = run(arguments)
        assert not reply.failed, reply.json
        return comparable(server), server.routes


def cut_off(server: HostileServer, done: bool, number: int) -> None:
    """From the request with that number on nothing answers any more; whether
    that one is done all the same."""

    def gone(exchange: Exchange) -> Answer | None:
        if done and exchange.request.number == number:
            exchange.answer()
        return faults.reset()(exchange)

    server.misbehave("any", gone, on=range(number, MOST * 4))


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.__name__)
def test_cut_off_anywhere_and_repeated_it_converges(
    tmp_path: Path, task: Any, done: bool
) -> None:
    expected, routes = made(task, tmp_path / "whole")
    assert len(routes) < MOST
    for number, route in enumerate(routes, start=1):
        # After what changes nothing is before what comes next.
        if done and (route in READING - {"login"} or (task, route) in HOPELESS):
            continue
        folder = tmp_path / str(number)
        folder.mkdir(mode=0o700)
        with HostileServer() as server:
            arguments = task(populated(server), folder)
            before = comparable(server)
            cut_off(server, done, number)
            first = run(arguments)
            told = f"cut off {'after' if done else 'before'} {route} ({number}): {first.json}"
            changed = comparable(server) != before
            assert first.changed or not changed, f"a change was not told, {told}"
            server.forget()
            second = run(arguments)
            assert not second.failed, f"{told}\nand then {second.json}"
            assert comparable(server) == expected, told
            third = run(arguments) if second.changed else second
            assert not third.failed and not third.changed, f"{told}\nand then {third.json}"


def test_a_service_account_s_password_is_the_one_that_is_written_down(
    server: HostileServer,
) -> None:
    """HMAC-SHA256 of "registrar/v1" NUL localpart with the shared secret, in base64:
    any version of Registrar opens what another one made."""
    assert run(by_service(server, displayname="Alice II")).changed
    account = server.homeserver.user(SERVICE)
    assert account.password == service_password(server.homeserver.secret or "")
    assert (account.admin, account.user_type) == (True, "support")
    assert account.displayname == "Registrar service account"
