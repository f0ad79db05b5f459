# SPDX-License-Identifier: GPL-3.0-or-later
"""What -vvv prints holds no secret, whether the run succeeds or fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.playbooks.ansible_run import Ansible, Run
from tests.playbooks.conftest import ADMIN
from tests.support.synapse import Synapse

pytestmark = pytest.mark.every_ansible

# Their words occur nowhere else.
PASSWORD = "Quodlibet-Password-1"
OTHER_PASSWORD = "Quodlibet-Password-2"
WRONG_SECRET = "Quodlibet-Secret-3"
WRONG_TOKEN = "Quodlibet-Token-4"


def assert_none_of(secrets: list[str], run: Run) -> None:
    assert "TASK [matrix_users : Make the account" in run.output, f"it did not come so far: {run.output}"
    for secret in secrets:
        assert secret not in run.output, f"{secret!r} is in the output: {run.output}"


def test_a_registration_and_its_repetition_show_no_secret(
    ansible: Ansible, synapse: Synapse, with_secret: Path, unique: Callable[[str], str]
) -> None:
    variables = {"username": unique("alice"), "password": PASSWORD, "admin": "yes"}
    for changed in (1, 0):
        run = ansible.tag(with_secret, "register-user", variables, "--diff", "-vvv")
        run.succeeded(changed)
        assert_none_of([PASSWORD, synapse.secret], run)


def test_a_password_from_the_environment_is_not_shown(
    ansible: Ansible, synapse: Synapse, with_secret: Path, unique: Callable[[str], str]
) -> None:
    variables = {"username": unique("bob"), "admin": "no"}

    run = ansible.tag(
        with_secret, "register-user", variables, "-vvv", env={"REGISTRAR_PASSWORD": "{{ " + PASSWORD}
    )

    assert_none_of([PASSWORD, synapse.secret], run.succeeded(changed=1))


def test_a_conflict_shows_no_secret(
    ansible: Ansible, synapse: Synapse, with_secret: Path, unique: Callable[[str], str]
) -> None:
    name = unique("carol")
    synapse.register(name, OTHER_PASSWORD)
    variables = {"username": name, "password": PASSWORD, "admin": "no"}

    run = ansible.tag(with_secret, "register-user", variables, "-vvv")

    assert_none_of([PASSWORD, OTHER_PASSWORD, synapse.secret], run.failed(kind="conflict"))


def test_a_changed_password_is_not_shown(
    ansible: Ansible,
    synapse: Synapse,
    with_admin: Path,
    admin_password: str,
    unique: Callable[[str], str],
) -> None:
    name = unique("dora")
    synapse.register(name, OTHER_PASSWORD)
    variables = {"username": name, "password": PASSWORD}

    run = ansible.tag(with_admin, "update-user-password", variables, "--diff", "-vvv")

    assert_none_of([PASSWORD, OTHER_PASSWORD, admin_password], run.succeeded(changed=1))


@pytest.mark.parametrize(
    "credential",
    [
        {"matrix_users_registration_shared_secret": WRONG_SECRET},
        {"matrix_users_access_token": WRONG_TOKEN},
        {"matrix_users_admin_username": ADMIN, "matrix_users_admin_password": WRONG_SECRET},
    ],
    ids=lambda credential: list(credential)[-1],
)
def test_a_refused_credential_is_not_shown(
    ansible: Ansible,
    synapse: Synapse,
    make_inventory: Callable[..., Path],
    unique: Callable[[str], str],
    credential: dict[str, str],
) -> None:
    inventory = make_inventory(matrix_users_url=synapse.url, **credential)
    variables = {"username": unique("erin"), "password": PASSWORD, "admin": "no"}

    run = ansible.tag(inventory, "register-user", variables, "-vvv")

    assert_none_of([PASSWORD, WRONG_SECRET, WRONG_TOKEN], run.failed(kind="unauthorized"))
