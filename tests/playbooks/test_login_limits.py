# SPDX-License-Identifier: GPL-3.0-or-later
"""Many runs in a row on a Synapse that limits logins as it does by default:
five, and then one in 333 seconds (rc_login in synapse/config/ratelimiting.py).

Registrar waits for no more than retry_timeout, 60 seconds: a run that would
need a sixth login fails."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.playbooks.ansible_run import Ansible
from tests.playbooks.just_run import Just
from tests.support.synapse import Synapse

RUNS = 10
PASSWORD = "correct horse battery staple"
SERVICE = "registrar-service"


@pytest.fixture
def server() -> Iterator[Synapse]:
    with Synapse(default_limits=True) as server:
        yield server


@pytest.fixture
def just(server: Synapse, newest_ansible: Ansible, make_inventory: Callable[..., Path]) -> Just:
    # With its name, the server can be asked whether the service account is
    # there. Without, a login would have to find out.
    inventory = make_inventory(
        matrix_users_url=server.url,
        matrix_users_server_name=server.server_name,
        matrix_users_registration_shared_secret=server.secret,
    )
    return Just(newest_ansible, inventory)


def logins(server: Synapse) -> int:
    """How many logins by password there were, whatever became of them."""
    return server.log().count('"POST /_matrix/client/v3/login ')


def test_a_user_with_an_email_is_registered_ten_times_without_a_login(server: Synapse, just: Just) -> None:
    arguments = ["register-user", "alice", PASSWORD, "no", "-e", "email=alice@example.org"]

    just(*arguments).succeeded(changed=1)
    for _ in range(RUNS - 1):
        just(*arguments).succeeded(changed=0)

    assert logins(server) == 0


def test_a_user_is_registered_ten_times_and_the_service_account_takes_over_at_the_limit(
    server: Synapse, just: Just
) -> None:
    arguments = ["register-user", "alice", PASSWORD, "yes"]

    runs = [just(*arguments) for _ in range(RUNS)]

    assert [run.rc for run in runs] == [0] * RUNS, runs[-1].output
    # The first creates Alice. Five log in as her; the next may not, and makes
    # the service account, whose session the rest take up.
    assert [run.changed for run in runs] == [1, 0, 0, 0, 0, 0, 1, 0, 0, 0]
    assert "Registrar has made itself an administrator's account" in runs[6].output


def test_ten_users_are_registered_and_promoted(server: Synapse, just: Just) -> None:
    for number in range(RUNS):
        just("register-user", f"user{number}", PASSWORD, "no").succeeded(changed=1)
    for number in range(RUNS):
        just("promote", f"user{number}").succeeded(changed=1)

    assert logins(server) == 0


def test_an_administrator_s_login_is_one_for_ten_runs(
    server: Synapse, newest_ansible: Ansible, make_inventory: Callable[..., Path]
) -> None:
    password = secrets.token_urlsafe(16)
    server.register("admin", password, admin=True)
    server.register("bob", PASSWORD)
    inventory = make_inventory(
        matrix_users_url=server.url,
        matrix_users_admin_username="admin",
        matrix_users_admin_password=password,
    )
    just = Just(newest_ansible, inventory)

    for number in range(RUNS):
        just("promote" if number % 2 == 0 else "demote", "bob").succeeded(changed=1)

    assert logins(server) == 1


def test_without_a_session_file_the_sixth_login_says_what_would_help(
    server: Synapse, newest_ansible: Ansible, make_inventory: Callable[..., Path]
) -> None:
    server.register("admin", PASSWORD, admin=True)
    server.register("bob", PASSWORD)
    inventory = make_inventory(
        matrix_users_url=server.url,
        matrix_users_admin_username="admin",
        matrix_users_admin_password=PASSWORD,
        matrix_users_session_file="",
    )

    for changed in (1, 0, 0, 0, 0):
        newest_ansible.tag(inventory, "promote-user", {"username": "bob"}).succeeded(changed)
    run = newest_ansible.tag(inventory, "promote-user", {"username": "bob"})

    run.failed("session_file", kind="rate_limited")
