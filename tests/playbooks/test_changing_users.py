# SPDX-License-Identifier: GPL-3.0-or-later
"""The tags that change a user who is there, as an administrator does it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.playbooks.ansible_run import Ansible
from tests.playbooks.conftest import ADMIN
from tests.support.synapse import Synapse

pytestmark = pytest.mark.every_ansible

PASSWORD = "correct horse battery staple"
NEXT_PASSWORD = "tr0ub4dor & 3"


def test_promote_and_demote_change_once_each(
    ansible: Ansible, synapse: Synapse, with_admin: Path, unique: Callable[[str], str]
) -> None:
    name = unique("alice")
    synapse.register(name, PASSWORD)
    variables = {"username": name}

    run = ansible.tag(with_admin, "promote-user", variables).succeeded(changed=1)
    assert "done: set admin" in run.output
    assert synapse.user(name)["admin"]
    ansible.tag(with_admin, "promote-user", variables).succeeded(changed=0)

    run = ansible.tag(with_admin, "demote-user", variables).succeeded(changed=1)
    assert "done: unset admin" in run.output
    assert not synapse.user(name)["admin"]
    ansible.tag(with_admin, "demote-user", variables).succeeded(changed=0)


def test_a_password_is_updated_once_and_no_session_is_ended(
    ansible: Ansible, synapse: Synapse, with_admin: Path, unique: Callable[[str], str]
) -> None:
    name = unique("bob")
    synapse.register(name, PASSWORD)
    session = synapse.login(name, PASSWORD)
    variables = {"username": name, "password": NEXT_PASSWORD}

    run = ansible.tag(with_admin, "update-user-password", variables).succeeded(changed=1)
    assert "The password was set" in run.output
    run = ansible.tag(with_admin, "update-user-password", variables).succeeded(changed=0)
    assert "The password was left as it was" in run.output

    synapse.logout(session)
    synapse.logout(synapse.login(name, NEXT_PASSWORD))


def test_deactivate_changes_once(
    ansible: Ansible, synapse: Synapse, with_admin: Path, unique: Callable[[str], str]
) -> None:
    name = unique("carol")
    synapse.register(name, PASSWORD)

    ansible.tag(with_admin, "deactivate-user", {"username": name}).succeeded(changed=1)
    assert synapse.user(name)["deactivated"]
    ansible.tag(with_admin, "deactivate-user", {"username": name}).succeeded(changed=0)


@pytest.mark.parametrize(
    "tag", ["update-user-password", "promote-user", "demote-user", "deactivate-user"]
)
def test_a_mistyped_name_fails_and_makes_no_account(
    newest_ansible: Ansible, synapse: Synapse, with_admin: Path, unique: Callable[[str], str], tag: str
) -> None:
    name = unique("dorra")
    variables = {"username": name, "password": PASSWORD}

    newest_ansible.tag(with_admin, tag, variables).failed(synapse.user_id(name), kind="not_found")

    assert synapse.user(name) is None


def test_check_mode_and_diff_of_a_promotion(
    ansible: Ansible, synapse: Synapse, with_admin: Path, unique: Callable[[str], str]
) -> None:
    name = unique("erin")
    synapse.register(name, PASSWORD)

    run = ansible.tag(with_admin, "promote-user", {"username": name}, "--check", "--diff")

    run.succeeded(changed=1)
    assert '-    "admin": false' in run.output
    assert '+    "admin": true' in run.output
    assert not synapse.user(name)["admin"]


def test_administrators_do_not_demote_themselves(
    newest_ansible: Ansible, synapse: Synapse, with_admin: Path
) -> None:
    newest_ansible.tag(with_admin, "demote-user", {"username": ADMIN}).failed(ADMIN, kind="policy")

    assert synapse.user(ADMIN)["admin"]


def test_without_a_service_account_the_shared_secret_promotes_nobody_and_says_what_is_needed(
    newest_ansible: Ansible, synapse: Synapse, make_inventory: Callable[..., Path], unique: Callable[[str], str]
) -> None:
    name = unique("frank")
    synapse.register(name, PASSWORD)
    inventory = make_inventory(
        matrix_users_url=synapse.url,
        matrix_users_registration_shared_secret=synapse.secret,
        matrix_users_service_account="",
    )

    run = newest_ansible.tag(inventory, "promote-user", {"username": name})

    run.failed("administrator", "admin_username", kind="unauthorized")
    assert not synapse.user(name)["admin"]


def test_an_access_token_is_used_before_a_login(
    newest_ansible: Ansible, synapse: Synapse, make_inventory: Callable[..., Path], unique: Callable[[str], str]
) -> None:
    name = unique("grace")
    synapse.register(name, PASSWORD)
    inventory = make_inventory(
        matrix_users_url=synapse.url,
        matrix_users_access_token=synapse.admin_token,
        matrix_users_admin_username="nobody",
        matrix_users_admin_password="of no use",
    )

    newest_ansible.tag(inventory, "promote-user", {"username": name}).succeeded(changed=1)

    assert synapse.user(name)["admin"]


def test_an_encrypted_password_of_the_administrator_is_decrypted(
    ansible: Ansible,
    synapse: Synapse,
    admin_password: str,
    unique: Callable[[str], str],
    tmp_path: Path,
) -> None:
    name = unique("heidi")
    synapse.register(name, PASSWORD)
    key = tmp_path / "key"
    key.write_text("the key\n")
    vault = [ansible.command("ansible-vault"), "encrypt_string", f"--vault-password-file={key}"]
    encrypted = subprocess.check_output(
        vault, input=admin_password, env=ansible.environment(), stderr=subprocess.PIPE, text=True
    )
    hosts = tmp_path / "hosts"
    hosts.write_text("[matrix_servers]\nserver ansible_connection=local\n")
    variables = tmp_path / "group_vars" / "matrix_servers.yml"
    variables.parent.mkdir()
    variables.write_text(
        f"matrix_users_url: {synapse.url}\n"
        f"matrix_users_admin_username: {ADMIN}\n"
        f"matrix_users_admin_password: {encrypted}\n"
        f"matrix_users_session_file: {tmp_path / 'session.json'}\n"
    )

    run = ansible.tag(hosts, "promote-user", {"username": name}, f"--vault-password-file={key}")

    run.succeeded(changed=1)
    assert synapse.user(name)["admin"]
