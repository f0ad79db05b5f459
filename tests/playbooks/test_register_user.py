# SPDX-License-Identifier: GPL-3.0-or-later
"""--tags=register-user, with a real ansible-playbook and a real Synapse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.playbooks.ansible_run import Ansible
from tests.support.synapse import Synapse

pytestmark = pytest.mark.every_ansible

PASSWORD = "correct horse battery staple"


def test_the_first_run_registers_and_the_second_says_ok(
    ansible: Ansible, synapse: Synapse, with_secret: Path, unique: Callable[[str], str]
) -> None:
    name = unique("alice")
    variables = {"username": name, "password": PASSWORD, "admin": "yes"}
    sessions = synapse.access_tokens()

    first = ansible.tag(with_secret, "register-user", variables).succeeded(changed=1)
    assert synapse.user(name)["admin"], "registered, but not as an administrator"
    assert f"{synapse.user_id(name)} (server administrator): done: create" in first.output
    assert "The password was set" in first.output

    second = ansible.tag(with_secret, "register-user", variables).succeeded(changed=0)
    assert f"{synapse.user_id(name)} (server administrator): nothing had to be changed" in second.output
    assert "The password was left as it was" in second.output

    # The harness's own session apart, which user() opened.
    left = [s for s in synapse.access_tokens() if s not in sessions]
    assert {s.user_id for s in left} <= {synapse.user_id("harness-admin")}
    synapse.logout(synapse.login(name, PASSWORD))


def test_a_name_that_somebody_else_has_is_a_conflict(
    ansible: Ansible, synapse: Synapse, with_secret: Path, unique: Callable[[str], str]
) -> None:
    name = unique("bob")
    synapse.register(name, "the password of the bob who was first")
    variables = {"username": name, "password": PASSWORD, "admin": "yes"}

    run = ansible.tag(with_secret, "register-user", variables)

    run.failed(name, "another password", kind="conflict")
    assert not synapse.user(name)["admin"]
    synapse.logout(synapse.login(name, "the password of the bob who was first"))


def test_admin_no_does_not_demote(
    ansible: Ansible, synapse: Synapse, with_secret: Path, unique: Callable[[str], str]
) -> None:
    name = unique("carol")
    synapse.register(name, PASSWORD, admin=True)
    variables = {"username": name, "password": PASSWORD, "admin": "no"}

    ansible.tag(with_secret, "register-user", variables).succeeded(changed=0)

    assert synapse.user(name)["admin"]


def test_check_mode_says_what_it_would_do_and_does_not(
    ansible: Ansible, synapse: Synapse, with_secret: Path, unique: Callable[[str], str]
) -> None:
    name = unique("dora")
    variables = {"username": name, "password": PASSWORD, "admin": "yes"}

    run = ansible.tag(with_secret, "register-user", variables, "--check").succeeded(changed=1)

    assert f"{name} (server administrator): would be changed: create" in run.output
    assert "The password would be set" in run.output
    assert synapse.user(name) is None


def test_check_mode_says_ok_for_a_user_who_is_registered_already(
    ansible: Ansible, synapse: Synapse, with_secret: Path, unique: Callable[[str], str]
) -> None:
    name = unique("dora")
    synapse.register(name, PASSWORD)
    variables = {"username": name, "password": PASSWORD, "admin": "no"}

    ansible.tag(with_secret, "register-user", variables, "--check").succeeded(changed=0)


def test_the_diff_shows_the_new_account_without_its_password(
    ansible: Ansible, synapse: Synapse, with_secret: Path, unique: Callable[[str], str]
) -> None:
    name = unique("erin")
    variables = {"username": name, "password": PASSWORD, "admin": "yes"}

    run = ansible.tag(with_secret, "register-user", variables, "--check", "--diff").succeeded(changed=1)

    assert '+    "admin": true' in run.output
    assert PASSWORD not in run.output


def test_it_is_told_where_to_log_in(
    newest_ansible: Ansible, synapse: Synapse, make_inventory: Callable[..., Path], unique: Callable[[str], str]
) -> None:
    inventory = make_inventory(
        matrix_users_url=synapse.url,
        matrix_users_registration_shared_secret=synapse.secret,
        matrix_users_login_url="https://element.example.test",
    )
    variables = {"username": unique("frank"), "password": PASSWORD, "admin": "no"}

    run = newest_ansible.tag(inventory, "register-user", variables).succeeded(changed=1)

    assert "Log in at https://element.example.test" in run.output


def test_variables_of_matrix_docker_ansible_deploy_are_enough(
    ansible: Ansible, synapse: Synapse, make_inventory: Callable[..., Path], unique: Callable[[str], str]
) -> None:
    name = unique("grace")
    inventory = make_inventory(
        matrix_homeserver_implementation="synapse",
        matrix_domain=synapse.server_name,
        matrix_synapse_container_client_api_host_bind_port=f"127.0.0.1:{synapse.port}",
        matrix_synapse_macaroon_secret_key=synapse.secret,
        # There is no systemd that this one would belong to: test_start_service.py.
        matrix_users_start_service=False,
    )
    variables = {"username": name, "password": PASSWORD, "admin": "no"}

    ansible.tag(inventory, "register-user", variables).succeeded(changed=1)

    assert synapse.user(name) is not None


def test_a_secret_file_of_the_host_is_enough(
    newest_ansible: Ansible,
    synapse: Synapse,
    make_inventory: Callable[..., Path],
    unique: Callable[[str], str],
    tmp_path: Path,
) -> None:
    name = unique("heidi")
    secret_file = tmp_path / "registration_secret"
    secret_file.write_text(synapse.secret + "\n")
    inventory = make_inventory(
        matrix_users_url=synapse.url,
        matrix_users_registration_shared_secret_path=str(secret_file),
    )
    variables = {"username": name, "password": PASSWORD, "admin": "no"}

    newest_ansible.tag(inventory, "register-user", variables).succeeded(changed=1)

    assert synapse.user(name) is not None


def test_a_wrong_shared_secret_says_so(
    newest_ansible: Ansible, synapse: Synapse, make_inventory: Callable[..., Path], unique: Callable[[str], str]
) -> None:
    name = unique("ivan")
    inventory = make_inventory(
        matrix_users_url=synapse.url, matrix_users_registration_shared_secret="not the secret"
    )
    variables = {"username": name, "password": PASSWORD, "admin": "no"}

    run = newest_ansible.tag(inventory, "register-user", variables)

    # "HMAC incorrect", 403: synapse/rest/admin/users.py, UserRegisterServlet.
    run.failed("registration_shared_secret", kind="unauthorized")
    assert synapse.user(name) is None


def test_a_server_that_is_not_there_says_so(
    newest_ansible: Ansible, make_inventory: Callable[..., Path]
) -> None:
    # Port 1 (tcpmux) is nobody's: the connection is refused.
    inventory = make_inventory(
        matrix_users_url="http://127.0.0.1:1", matrix_users_registration_shared_secret="a secret"
    )
    variables = {"username": "alice", "password": PASSWORD, "admin": "no"}

    newest_ansible.tag(inventory, "register-user", variables).failed("127.0.0.1:1", kind="unreachable")
