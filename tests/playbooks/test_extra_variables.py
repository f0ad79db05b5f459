# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tags take, and what they refuse before a server is asked.

The contract is that of matrix-docker-ansible-deploy's register-user:
roles/custom/matrix-synapse/tasks/register_user.yml there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.playbooks.ansible_run import Ansible
from tests.support.synapse import Synapse

pytestmark = pytest.mark.every_ansible

PASSWORD = "correct-horse-battery-staple"
GOOD = {"username": "alice", "password": PASSWORD, "admin": "yes"}


@pytest.fixture
def nowhere(make_inventory: Callable[..., Path]) -> Path:
    """A server that would refuse every connection (port 1, tcpmux, is nobody's)."""
    return make_inventory(
        matrix_users_url="http://127.0.0.1:1", matrix_users_registration_shared_secret="a secret"
    )


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in GOOD.items() if key != name}


@pytest.mark.parametrize(
    ("variables", "question"),
    [
        (without("username"), "Which user?"),
        (GOOD | {"username": ""}, "Which user?"),
        (GOOD | {"username": "<your-username>"}, "Which user?"),
        (without("password"), "Which password?"),
        (GOOD | {"password": "<your-password>"}, "Which password?"),
        (GOOD | {"password": None}, "Which password?"),
        (without("admin"), "server administrator?"),
        (GOOD | {"admin": "maybe"}, "server administrator?"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else None,
)
def test_what_is_missing_or_a_placeholder_is_asked_for(
    newest_ansible: Ansible, nowhere: Path, variables: dict[str, Any], question: str
) -> None:
    newest_ansible.tag(nowhere, "register-user", variables).failed(question)


def test_what_is_missing_is_asked_for_by_the_oldest_ansible_too(ansible: Ansible, nowhere: Path) -> None:
    ansible.tag(nowhere, "register-user", "username=alice admin=yes").failed("Which password?")


@pytest.mark.parametrize(
    ("variables", "admin"),
    [
        ("username={} password={} admin=yes", True),
        ("username={} password={} admin=no", False),
        ('{{"username": "{}", "password": "{}", "admin": true}}', True),
        ('{{"username": "{}", "password": "{}", "admin": "True"}}', True),
        ('{{"username": "{}", "password": "{}", "admin": false}}', False),
        ("@file", True),
    ],
)
def test_extra_variables_may_have_any_form(
    ansible: Ansible,
    synapse: Synapse,
    with_secret: Path,
    unique: Callable[[str], str],
    tmp_path: Path,
    variables: str,
    admin: bool,
) -> None:
    name = unique("alice")
    if variables == "@file":
        file = tmp_path / "extra.yml"
        file.write_text(f"username: {name}\npassword: {PASSWORD}\nadmin: yes\n")
        variables = f"@{file}"

    ansible.tag(with_secret, "register-user", variables.format(name, PASSWORD)).succeeded(changed=1)

    assert synapse.user(name)["admin"] == admin
    synapse.logout(synapse.login(name, PASSWORD))


@pytest.mark.parametrize("password", ["0123456", "True", "[1, 2]", '{"a": 1}', "None", "{{ 7 * 7 }}"])
def test_a_password_that_looks_like_something_else_is_a_password(
    ansible: Ansible, synapse: Synapse, with_secret: Path, unique: Callable[[str], str], password: str
) -> None:
    name = unique("bob")
    variables = {"username": name, "admin": "no"}

    run = ansible.tag(with_secret, "register-user", variables, env={"REGISTRAR_PASSWORD": password})

    run.succeeded(changed=1)
    synapse.logout(synapse.login(name, password))


def test_an_extra_variable_comes_before_the_environment(
    newest_ansible: Ansible, synapse: Synapse, with_secret: Path, unique: Callable[[str], str]
) -> None:
    name = unique("carol")
    variables = {"username": name, "password": PASSWORD, "admin": "no"}
    environment = {"REGISTRAR_USERNAME": "eve", "REGISTRAR_PASSWORD": "eve's", "REGISTRAR_ADMIN": "yes"}

    newest_ansible.tag(with_secret, "register-user", variables, env=environment).succeeded(changed=1)

    assert not synapse.user(name)["admin"]
    synapse.logout(synapse.login(name, PASSWORD))


def test_more_than_one_host_is_refused(ansible: Ansible, make_inventory: Callable[..., Path]) -> None:
    inventory = make_inventory(("first", "second"), matrix_users_url="http://127.0.0.1:1")

    run = ansible.tag(inventory, "register-user", GOOD)

    assert run.rc == 2
    assert run.output.count("This would be done on 2 hosts: first, second.") >= 1
    assert "127.0.0.1:1" not in run.output, "a server was asked"


def test_one_of_several_hosts_can_be_named(
    newest_ansible: Ansible, synapse: Synapse, make_inventory: Callable[..., Path], unique: Callable[[str], str]
) -> None:
    inventory = make_inventory(
        ("first", "second"),
        matrix_users_url=synapse.url,
        matrix_users_registration_shared_secret=synapse.secret,
    )
    for choice in ("--limit=second", "--extra-vars=target=second"):
        variables = GOOD | {"username": unique("dora")}
        run = newest_ansible.tag(inventory, "register-user", variables, choice).succeeded(changed=1)
        assert run.hosts["second"]["changed"] == 1


def test_several_hosts_are_worked_on_when_that_is_said_to_be_meant(
    newest_ansible: Ansible, synapse: Synapse, make_inventory: Callable[..., Path], unique: Callable[[str], str]
) -> None:
    # Both hosts name the same server, so the second finds the user there.
    inventory = make_inventory(
        ("first", "second"),
        matrix_users_url=synapse.url,
        matrix_users_registration_shared_secret=synapse.secret,
        matrix_users_many_hosts=True,
    )
    variables = GOOD | {"username": unique("erin")}

    run = newest_ansible.tag(inventory, "register-user", variables, "--forks=1").succeeded(changed=1)

    assert run.hosts.keys() == {"first", "second", "localhost"}


def test_no_host_is_a_failure_and_not_a_green_nothing(ansible: Ansible, tmp_path: Path) -> None:
    inventory = tmp_path / "hosts"
    inventory.write_text("[some_other_group]\nserver ansible_connection=local\n")

    ansible.tag(inventory, "register-user", GOOD).failed('no host "matrix_servers"', str(inventory))


def test_without_a_tag_nothing_is_done(ansible: Ansible, nowhere: Path) -> None:
    run = ansible.run(nowhere, "--extra-vars", json.dumps(GOOD))

    assert run.rc == 0
    assert run.hosts == {}, "a task was run"


def test_the_role_without_an_entry_point_says_which_there_are(
    newest_ansible: Ansible, nowhere: Path, tmp_path: Path
) -> None:
    playbook = tmp_path / "play.yml"
    playbook.write_text("- hosts: all\n  gather_facts: false\n  roles:\n    - matrix_users\n")

    newest_ansible.run(nowhere, playbook=playbook).failed("tasks_from: register")
