# SPDX-License-Identifier: GPL-3.0-or-later
"""The extra variable `email` of register-user."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.playbooks.ansible_run import Ansible
from tests.playbooks.just_run import Just
from tests.support.synapse import Synapse

PASSWORD = "correct horse battery staple"


def addresses(synapse: Synapse, name: str) -> list[str]:
    threepids = synapse.user(name)["threepids"]
    assert {threepid["medium"] for threepid in threepids} <= {"email"}
    return sorted(threepid["address"] for threepid in threepids)


def add_address(synapse: Synapse, name: str, address: str) -> None:
    path = f"/_synapse/admin/v2/users/{synapse.user_id(name)}"
    body = {"threepids": [{"medium": "email", "address": address}]}
    status, reply = synapse.api("PUT", path, body, synapse.admin_token)
    assert status == 200, reply


@pytest.fixture(params=["with_secret", "with_admin"])
def inventory(request: pytest.FixtureRequest) -> Path:
    """Opened by the shared secret alone, and by an administrator's login."""
    return request.getfixturevalue(request.param)


def test_it_is_set_and_the_second_run_says_ok(
    ansible: Ansible, synapse: Synapse, inventory: Path, unique: Callable[[str], str]
) -> None:
    name = unique("alice")
    variables = {"username": name, "password": PASSWORD, "admin": "no", "email": f"{name}@example.org"}

    ansible.tag(inventory, "register-user", variables).succeeded(changed=1)
    assert addresses(synapse, name) == [f"{name}@example.org"]

    ansible.tag(inventory, "register-user", variables).succeeded(changed=0)
    synapse.logout(synapse.login(name, PASSWORD))


def test_a_user_who_is_there_gets_it_beside_the_addresses_that_are_there(
    ansible: Ansible, synapse: Synapse, with_secret: Path, unique: Callable[[str], str]
) -> None:
    name = unique("bob")
    synapse.register(name, PASSWORD)
    add_address(synapse, name, f"{name}@example.com")
    variables = {"username": name, "password": PASSWORD, "admin": "no", "email": f"{name}@example.org"}

    run = ansible.tag(with_secret, "register-user", variables).succeeded(changed=1)
    assert "done: set emails" in run.output
    assert addresses(synapse, name) == [f"{name}@example.com", f"{name}@example.org"]

    ansible.tag(with_secret, "register-user", variables).succeeded(changed=0)


def test_capitals_make_no_other_address(
    newest_ansible: Ansible, synapse: Synapse, with_secret: Path, unique: Callable[[str], str]
) -> None:
    name = unique("carol")
    variables = {"username": name, "password": PASSWORD, "admin": "no"}

    # synapse/util/threepids.py, canonicalise_email: what is stored.
    for email, changed in ((f" {name.upper()}@Example.ORG ", 1), (f"{name}@example.org", 0)):
        newest_ansible.tag(with_secret, "register-user", variables | {"email": email}).succeeded(changed)

    assert addresses(synapse, name) == [f"{name}@example.org"]


@pytest.mark.parametrize("email", ["", None])
def test_an_empty_one_is_none(
    newest_ansible: Ansible, synapse: Synapse, with_secret: Path, unique: Callable[[str], str], email: Any
) -> None:
    name = unique("dora")
    variables = {"username": name, "password": PASSWORD, "admin": "no", "email": email}

    newest_ansible.tag(with_secret, "register-user", variables).succeeded(changed=1)

    assert addresses(synapse, name) == []


@pytest.mark.parametrize("email", ["erin", "erin@@example.org", "a@example.org,b@example.org", "{{ 7 }}", 7])
def test_what_is_none_is_refused_and_makes_no_account(
    newest_ansible: Ansible, synapse: Synapse, with_secret: Path, unique: Callable[[str], str], email: Any
) -> None:
    name = unique("erin")
    variables = {"username": name, "password": PASSWORD, "admin": "no", "email": email}

    newest_ansible.tag(with_secret, "register-user", variables).failed("email", kind="invalid")

    assert synapse.user(name) is None


def test_the_address_of_somebody_else_is_a_conflict_and_stays_theirs(
    ansible: Ansible, synapse: Synapse, with_secret: Path, unique: Callable[[str], str]
) -> None:
    owner, name = unique("frank"), unique("frank")
    synapse.register(owner, PASSWORD)
    add_address(synapse, owner, f"{owner}@example.org")
    synapse.register(name, PASSWORD)
    variables = {"username": name, "password": PASSWORD, "admin": "no", "email": f"{owner}@example.org"}

    for more in (["--check"], []):
        run = ansible.tag(with_secret, "register-user", variables, *more)
        assert run.rc == 2, run.output
        assert run.failure["error"]["kind"] == "conflict"
        assert synapse.user_id(owner) in run.failure["msg"]

    assert addresses(synapse, owner) == [f"{owner}@example.org"]
    assert addresses(synapse, name) == []


def test_the_diff_shows_it_in_check_mode(
    ansible: Ansible, synapse: Synapse, with_admin: Path, unique: Callable[[str], str]
) -> None:
    name = unique("grace")
    synapse.register(name, PASSWORD)
    variables = {"username": name, "password": PASSWORD, "admin": "no", "email": f"{name}@example.org"}

    run = ansible.tag(with_admin, "register-user", variables, "--check", "--diff").succeeded(changed=1)

    assert "would be changed: set emails" in run.output
    assert f'+        "{name}@example.org"' in run.output
    assert addresses(synapse, name) == []


def test_just_hands_it_on(
    newest_ansible: Ansible, synapse: Synapse, with_secret: Path, unique: Callable[[str], str]
) -> None:
    just = Just(newest_ansible, with_secret)
    name = unique("heidi")

    for changed in (1, 0):
        just("register-user", name, PASSWORD, "yes", "-e", f"email={name}@example.org").succeeded(changed)

    assert addresses(synapse, name) == [f"{name}@example.org"]
    assert synapse.user(name)["admin"]
