# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is cut off before or after any of its requests: repeated, it ends
where a run ends that was not cut off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import hostile_faults as faults
from tests.support.hostile import Answer, Exchange, HostileServer
from tests.support.hostile_fields import EMAIL, FULL, PHONE
from tests.support.hostile_tasks import (
    ALICE_PASSWORD,
    OLD_SECRET,
    SERVICE,
    Arguments,
    add_service,
    by_login,
    by_match,
    by_service,
    by_token,
    populated,
    run,
    service_password,
)

# More requests than any of these tasks sends.
MOST = 60
FRESH = "a fresh password"
# A locked user's password cannot be asked about.
OPEN = FULL | {"locked": False}


def all_of_it(server: HostileServer, folder: Path) -> Arguments:
    alice = server.homeserver.user("alice")
    alice.add_threepid("msisdn", PHONE)
    alice.ratelimit = (1, 1)
    return by_token(server, password=FRESH, update_password="always", **OPEN)


def creation(server: HostileServer, folder: Path) -> Arguments:
    return by_token(server, "bob", password=FRESH, **FULL)


def the_end(server: HostileServer, folder: Path) -> Arguments:
    server.homeserver.user("alice").add_threepid("email", EMAIL)
    return by_token(server, state="deactivated", erase=True)


def the_return(server: HostileServer, folder: Path) -> Arguments:
    alice = server.homeserver.user("alice")
    alice.password, alice.deactivated, alice.erased, alice.has_profile = None, True, True, False
    return by_token(server, reactivate=True, password=FRESH, **FULL)


def a_login(server: HostileServer, folder: Path) -> Arguments:
    return by_login(server, session_file=str(folder / "sessions"), **FULL)


def service(server: HostileServer, folder: Path) -> Arguments:
    server.homeserver.auto_join_rooms = ("!a:example.test", "!b:example.test")
    return by_service(server, **FULL)


def service_creation(server: HostileServer, folder: Path) -> Arguments:
    return by_service(server, "bob", password=FRESH, **FULL)


def kept_service(server: HostileServer, folder: Path) -> Arguments:
    return service(server, folder) | {"session_file": str(folder / "sessions")}


def kept_service_without_passwords(server: HostileServer, folder: Path) -> Arguments:
    server.homeserver.password_login = False
    return kept_service(server, folder)


def rotation(server: HostileServer, folder: Path) -> Arguments:
    add_service(server, OLD_SECRET)
    more = FULL | {"registration_shared_secret_previous": OLD_SECRET}
    return by_service(server, **more)


def kept_rotation(server: HostileServer, folder: Path) -> Arguments:
    """A session of the old secret's is in the file."""
    new, server.homeserver.secret = server.homeserver.secret, OLD_SECRET
    task = by_service(server, session_file=str(folder / "sessions"), displayname="Alice")
    assert run(task).changed
    server.homeserver.secret = new
    server.forget()
    return task | {"registration_shared_secret": new} | FULL


def forgetting(server: HostileServer, folder: Path) -> Arguments:
    task = by_service(server, session_file=str(folder / "sessions"), displayname="Alice")
    assert run(task).changed
    server.forget()
    del task["displayname"]
    return task | {"username": SERVICE, "state": "deactivated"}


def one_s_own(server: HostileServer, folder: Path) -> Arguments:
    return by_match(server, displayname="Alice II", avatar_url="mxc://example.test/alice")


def one_s_own_and_more(server: HostileServer, folder: Path) -> Arguments:
    """Whose own password is not enough, and the shared secret is."""
    secret = {"registration_shared_secret": server.homeserver.secret}
    return by_match(server, **OPEN) | secret | {"password": ALICE_PASSWORD}


TASKS = [all_of_it, creation, the_end, the_return, a_login, service, service_creation]
TASKS += [kept_service, kept_service_without_passwords, rotation, kept_rotation, forgetting]
TASKS += [one_s_own, one_s_own_and_more]


# Nobody has the token of a reply that was lost, and without password logins no
# other will be had.
HOPELESS = {(kept_service_without_passwords, "register")}


def comparable(server: HostileServer) -> dict[str, Any]:
    """The accounts, without when what was added."""
    return {
        user_id: fields | {"created": 0, "threepids": sorted(fields["threepids"])}
        for user_id, fields in server.homeserver.state().items()
    }


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
        if done and (task, route) in HOPELESS:
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
    """So that another program may compute it: design, "registrar/v1"."""
    assert run(by_service(server, displayname="Alice II")).changed
    account = server.homeserver.user(SERVICE)
    assert account.password == service_password(server.homeserver.secret or "")
    assert (account.admin, account.user_type) == (True, "support")
    assert account.displayname == "Registrar service account"
