# SPDX-License-Identifier: GPL-3.0-or-later
"""What only the service account and the session file know, handed back by a
server: it does not get into a reply."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import hostile_faults as faults
from tests.support.hostile import Answer, Exchange, HostileServer
from tests.support.hostile_kept import keep, keeping
from tests.support.hostile_secrets import AWKWARD, assert_no_secret, encodings
from tests.support.hostile_tasks import (
    OLD_SECRET,
    SERVICE,
    Arguments,
    add_service,
    by_service,
    by_token,
    run,
    secrets_of,
    service_password,
)

Task = Callable[[HostileServer, Path], Arguments]
Secret = Callable[[HostileServer, Exchange], str]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "kept"
    folder.mkdir(mode=0o700)
    return folder / "sessions"


def making(server: HostileServer, path: Path) -> Arguments:
    server.homeserver.auto_join_rooms = ("!a:example.test",)
    return by_service(server, displayname="Alice II")


def opening(server: HostileServer, path: Path) -> Arguments:
    add_service(server)
    return by_service(server, displayname="Alice II")


def resuming(server: HostileServer, path: Path) -> Arguments:
    keep(server, "service", path)
    return keeping(server, "service", path, displayname="Alice III")


def rotating(server: HostileServer, path: Path) -> Arguments:
    add_service(server, OLD_SECRET)
    more = {"registration_shared_secret_previous": OLD_SECRET}
    return by_service(server, displayname="Alice II", **more)


def forgetting(server: HostileServer, path: Path) -> Arguments:
    keep(server, "service", path)
    return by_service(server, SERVICE, state="deactivated", session_file=str(path))


def own(server: HostileServer, _: Exchange) -> str:
    return service_password(server.homeserver.secret or "")


def shared(server: HostileServer, _: Exchange) -> str:
    return server.homeserver.secret or ""


def previous(_: HostileServer, __: Exchange) -> str:
    return OLD_SECRET


def previous_own(_: HostileServer, __: Exchange) -> str:
    return service_password(OLD_SECRET)


def token(_: HostileServer, exchange: Exchange) -> str:
    return exchange.request.bearer or ""


# What is echoed, where, and in which task.
ECHOES: dict[str, tuple[Secret, str, Task]] = {
    "its password, registering": (own, "register", making),
    "its password, logging in": (own, "login", opening),
    "its new password": (own, "put_user", rotating),
    "its old password, logging in": (previous_own, "login", rotating),
    "its old password, setting the new": (previous_own, "put_user", rotating),
    "its password, in a later answer": (own, "put_user", opening),
    "the shared secret, registering": (shared, "register", making),
    "the shared secret, logging in": (shared, "login", opening),
    "the shared secret, changing": (shared, "put_user", opening),
    "the previous secret, logging in": (previous, "login", rotating),
    "the previous secret, setting the new": (previous, "put_user", rotating),
    "a new token, with the rooms": (token, "joined_rooms", making),
    "a new token, with a room": (token, "leave_room", making),
    "a new token, looking": (token, "get_user", making),
    "a new token, logging out": (token, "logout", making),
    "a kept token, asking whose it is": (token, "whoami", resuming),
    "a kept token, looking": (token, "get_user", resuming),
    "a kept token, changing": (token, "put_user", resuming),
    "a kept token, forgetting": (token, "deactivate_user", forgetting),
}


@pytest.mark.parametrize("status", [400, 403, 500])
@pytest.mark.parametrize("what", ECHOES)
def test_a_secret_in_an_error_text_is_not_passed_on(
    server: HostileServer, path: Path, what: str, status: int
) -> None:
    """In all the forms that it could have, in one text."""
    secret, route, task = ECHOES[what]
    arguments = task(server, path)
    told = []

    def echo(exchange: Exchange) -> Answer:
        if secret is previous_own and server.count("login") == 1:
            # Nobody has sent it yet: the new one is tried before.
            return exchange.answer()
        told.append(secret(server, exchange))
        forms = "> <".join(encodings(told[-1]).values())
        return Answer(status, {"errcode": "M_UNKNOWN", "error": f"No. <{forms}>"})

    server.misbehave(route, echo, on=None)
    reply = run(arguments)
    assert told, "it was never asked"
    assert_no_secret(reply, [*told, *secrets_of(arguments)])


@pytest.mark.parametrize("encoding", encodings("x"))
@pytest.mark.parametrize("what", ["its password, registering", "a kept token, changing"])
def test_a_secret_that_is_taken_out_leaves_the_rest_of_the_text(
    server: HostileServer, path: Path, what: str, encoding: str
) -> None:
    secret, route, task = ECHOES[what]
    arguments = task(server, path)

    def echo(exchange: Exchange) -> Answer:
        said = encodings(secret(server, exchange))[encoding]
        return Answer(403, {"errcode": "M_FORBIDDEN", "error": f"I won't take <{said}> today"})

    server.misbehave(route, echo, on=None)
    reply = run(arguments)
    assert "I won't take <" in reply.msg
    assert "> today" in reply.msg


FIELDS = ["displayname", "avatar_url", "user_type"]


@pytest.mark.parametrize("field", FIELDS)
def test_a_secret_that_the_server_has_for_a_field_is_not_passed_on(
    server: HostileServer, field: str
) -> None:
    """What is seen goes into the reply, and into the diff."""
    setattr(server.homeserver.user("alice"), field, f"say {AWKWARD} and {OLD_SECRET}")
    arguments = by_service(
        server,
        password=AWKWARD,
        admin=True,
        registration_shared_secret_previous=OLD_SECRET,
        **({"user_type": "bot"} if field == "user_type" else {field: "other"}),
    )
    reply = run(arguments, diff=True)
    assert_no_secret(reply, [AWKWARD, OLD_SECRET])


def test_a_secret_that_the_server_has_for_an_address_or_an_id_is_not_passed_on(
    server: HostileServer,
) -> None:
    alice = server.homeserver.user("alice")
    alice.add_threepid("email", f"{OLD_SECRET}@example.org")
    alice.external_ids.append(("oidc", AWKWARD))
    arguments = by_token(
        server,
        password=AWKWARD,
        emails=["alice@example.org"],
        external_ids=[{"provider": "saml", "id": "x"}],
        registration_shared_secret=OLD_SECRET,
    )
    reply = run(arguments, diff=True)
    assert_no_secret(reply, [AWKWARD, OLD_SECRET])


def test_an_owner_whose_name_is_a_secret_is_not_told(server: HostileServer) -> None:
    name = f"@{service_password(server.homeserver.secret or '')}:example.test"
    server.misbehave("user_by_threepid", faults.says({"user_id": name}), on=None)
    add_service(server)
    reply = run(by_service(server, emails=["alice@example.org"]))
    assert reply.failed


def test_nothing_but_the_file_has_the_token(server: HostileServer, path: Path) -> None:
    """No other file beside it, nothing in the reply of a run with all verbosity."""
    token_of_it = keep(server, "service", path)
    reply = run(keeping(server, "service", path), verbosity=5, diff=True)
    assert token_of_it not in json.dumps(reply.json)
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_secret_goes_only_where_it_is_asked_for(server: HostileServer, path: Path) -> None:
    """The shared secret never leaves; its password goes into registrations,
    logins and its own change, tokens into one header."""
    arguments = rotating(server, path) | {"session_file": str(path)}
    assert run(arguments).changed
    assert run(arguments | {"displayname": "Alice III"}).changed
    never = [server.homeserver.secret or "", OLD_SECRET]
    bodies: dict[str, set[str]] = {"register": set(), "login": set(), "put_user": set()}
    passwords = [own(server, None), service_password(OLD_SECRET)]  # type: ignore[arg-type]
    for request in server.requests:
        text = request.target + request.body.decode() + repr(request.headers)
        for secret in never:
            assert not any(form in text for form in encodings(secret).values()), request.route
        for password in passwords:
            if password in request.body.decode():
                assert request.route in bodies, request.route
            assert password not in request.target
        for issued in server.homeserver.issued:
            assert issued not in request.target
            assert issued not in request.body.decode()


def credentials_of(server: HostileServer, *routes: str) -> list[Any]:
    return [request.bearer for request in server.requests if request.route in routes]


def test_what_anybody_may_ask_is_asked_without_a_token(
    server: HostileServer, path: Path
) -> None:
    assert run(resuming(server, path)).changed
    assert run(making(server, path)).changed
    assert set(credentials_of(server, "nonce", "key_server", "login_flows", "get_profile")) == {
        None
    }
