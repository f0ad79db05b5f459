# SPDX-License-Identifier: GPL-3.0-or-later
"""forget-service-account: the service account goes, and so does its session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.playbooks.ansible_run import SESSION_FILE, Ansible
from tests.playbooks.conftest import ADMIN
from tests.playbooks.just_run import Just
from tests.support.synapse import Synapse

pytestmark = pytest.mark.every_ansible

TAG = "forget-service-account"
PASSWORD = "correct horse battery staple"


@pytest.fixture
def service(unique: Callable[[str], str]) -> str:
    return unique("service")


@pytest.fixture
def inventory(synapse: Synapse, make_inventory: Callable[..., Path], service: str) -> Path:
    return make_inventory(
        matrix_users_url=synapse.url,
        matrix_users_server_name=synapse.server_name,
        matrix_users_registration_shared_secret=synapse.secret,
        matrix_users_service_account=service,
    )


@pytest.fixture
def inventory_without_file(synapse: Synapse, make_inventory: Callable[..., Path], service: str) -> Path:
    return make_inventory(
        matrix_users_url=synapse.url,
        matrix_users_registration_shared_secret=synapse.secret,
        matrix_users_service_account=service,
        matrix_users_session_file="",
    )


@pytest.fixture
def somebody(synapse: Synapse, unique: Callable[[str], str]) -> str:
    name = unique("somebody")
    synapse.register(name, PASSWORD)
    return name


def assert_gone(synapse: Synapse, service: str) -> None:
    account = synapse.user(service)
    assert account["deactivated"]
    assert account["erased"]
    assert synapse.user_id(service) not in {token.user_id for token in synapse.access_tokens()}


@pytest.mark.parametrize("files", ["inventory", "inventory_without_file"])
def test_it_is_forgotten_once(
    ansible: Ansible, synapse: Synapse, service: str, somebody: str, files: str, request: pytest.FixtureRequest
) -> None:
    inventory = request.getfixturevalue(files)
    ansible.tag(inventory, "promote-user", {"username": somebody}).succeeded(changed=1)

    run = ansible.tag(inventory, TAG, {}).succeeded(changed=1)

    assert f"{synapse.user_id(service)}: done: " in run.output
    assert "deactivate" in run.output
    assert_gone(synapse, service)
    assert not inventory.with_name(SESSION_FILE).exists()
    ansible.tag(inventory, TAG, {}).succeeded(changed=0)
    assert not inventory.with_name(SESSION_FILE).exists()


def test_one_that_was_never_made_is_not_made_for_it(
    ansible: Ansible, synapse: Synapse, inventory: Path, service: str
) -> None:
    ansible.tag(inventory, TAG, {}).succeeded(changed=0)

    assert synapse.user(service) is None
    assert not inventory.with_name(SESSION_FILE).exists()


def test_check_mode_forgets_nothing(
    ansible: Ansible, synapse: Synapse, inventory: Path, service: str, somebody: str
) -> None:
    ansible.tag(inventory, "promote-user", {"username": somebody}).succeeded(changed=1)

    run = ansible.tag(inventory, TAG, {}, "--check").succeeded(changed=1)

    assert "would be changed: " in run.output
    assert not synapse.user(service)["deactivated"]
    ansible.tag(inventory, "promote-user", {"username": somebody}).succeeded(changed=0)


def test_an_administrator_deactivates_it(
    ansible: Ansible,
    synapse: Synapse,
    make_inventory: Callable[..., Path],
    inventory: Path,
    service: str,
    somebody: str,
    admin_password: str,
) -> None:
    ansible.tag(inventory, "promote-user", {"username": somebody}).succeeded(changed=1)
    with_admin = make_inventory(
        matrix_users_url=synapse.url,
        matrix_users_admin_username=ADMIN,
        matrix_users_admin_password=admin_password,
        matrix_users_service_account=service,
    )

    ansible.tag(with_admin, TAG, {}).succeeded(changed=1)

    assert_gone(synapse, service)
    ansible.tag(with_admin, TAG, {}).succeeded(changed=0)


def test_what_needs_it_fails_from_then_on_and_makes_no_other(
    newest_ansible: Ansible, synapse: Synapse, inventory: Path, service: str, somebody: str
) -> None:
    newest_ansible.tag(inventory, "promote-user", {"username": somebody}).succeeded(changed=1)
    newest_ansible.tag(inventory, TAG, {}).succeeded(changed=1)

    newest_ansible.tag(inventory, "demote-user", {"username": somebody}).failed(service, kind="conflict")

    assert_gone(synapse, service)


def test_a_user_of_that_name_who_is_somebody_else_is_left_alone(
    newest_ansible: Ansible, synapse: Synapse, inventory: Path, service: str
) -> None:
    synapse.register(service, "the password of a stranger")

    newest_ansible.tag(inventory, TAG, {}).failed(service, kind="conflict")

    assert not synapse.user(service)["deactivated"]


def test_deactivating_any_other_way_is_for_users(
    newest_ansible: Ansible, synapse: Synapse, inventory: Path, service: str, somebody: str
) -> None:
    newest_ansible.tag(inventory, "promote-user", {"username": somebody}).succeeded(changed=1)

    newest_ansible.tag(inventory, "demote-user", {"username": service}).failed(service, kind="policy")

    assert synapse.user(service)["admin"]


def test_without_a_name_it_is_not_known_who_is_meant(
    newest_ansible: Ansible, make_inventory: Callable[..., Path]
) -> None:
    inventory = make_inventory(
        matrix_users_url="http://127.0.0.1:1",
        matrix_users_registration_shared_secret="a secret",
        matrix_users_service_account="",
    )

    newest_ansible.tag(inventory, TAG, {}).failed("matrix_users_service_account is empty")


def test_more_than_one_host_is_refused(newest_ansible: Ansible, make_inventory: Callable[..., Path]) -> None:
    inventory = make_inventory(("first", "second"), matrix_users_url="http://127.0.0.1:1")

    run = newest_ansible.tag(inventory, TAG, {})

    assert run.rc == 2
    assert "This would be done on 2 hosts: first, second." in run.output
    assert "127.0.0.1:1" not in run.output, "a server was asked"


def test_just_forgets(
    newest_ansible: Ansible, synapse: Synapse, inventory: Path, service: str, somebody: str
) -> None:
    just = Just(newest_ansible, inventory)
    just("promote", somebody).succeeded(changed=1)

    # What the environment calls username is nobody's.
    just("forget", "--check", env={"username": "alice", "password": "--diff"}).succeeded(changed=1)
    just("forget").succeeded(changed=1)
    just("forget", "-e", "x=y").succeeded(changed=0)

    assert_gone(synapse, service)


def test_just_forget_takes_no_name(newest_ansible: Ansible, inventory: Path) -> None:
    run = Just(newest_ansible, inventory)("forget", "alice")

    assert run.rc == 1
    assert "takes no name" in run.output
    assert "PLAY" not in run.output
