# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks that take many requests: every field, every way to an administrator,
what an account begins and ends with. Each prepares a server for itself; the
folder is for a session file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .hostile import HostileServer
from .hostile_fields import EMAIL, FULL, PHONE
from .hostile_tasks import (
    ALICE_PASSWORD,
    OLD_SECRET,
    SERVICE,
    Arguments,
    add_service,
    by_login,
    by_match,
    by_service,
    by_token,
    run,
)

# What changes no account. A login and its end are no change of one.
READING = {"version", "server_version", "nonce", "key_server", "auth_metadata", "login_flows"}
READING |= {"whoami", "get_user", "get_ratelimit", "get_profile", "get_profile_field"}
READING |= {"user_by_threepid", "user_by_external_id", "own_3pids", "username_available"}
READING |= {"login", "logout", "login_as", "add_3pid", "joined_rooms"}

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


def comparable(server: HostileServer) -> dict[str, Any]:
    """The accounts, without when what was added."""
    return {
        user_id: fields | {"created": 0, "threepids": sorted(fields["threepids"])}
        for user_id, fields in server.homeserver.state().items()
    }
