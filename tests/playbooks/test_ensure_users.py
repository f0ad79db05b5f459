# SPDX-License-Identifier: GPL-3.0-or-later
"""ensure-matrix-users-created with a real Synapse. From the lists to the users:
test_ensure_lists.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.playbooks.ansible_run import Ansible
from tests.playbooks.just_run import Just
from tests.support.synapse import Synapse

pytestmark = pytest.mark.every_ansible

TAG = "ensure-matrix-users-created"


@pytest.fixture
def names(unique: Callable[[str], str]) -> dict[str, str]:
    return {kind: unique(kind) for kind in ("admin", "user", "bot", "support")}


@pytest.fixture
def variables(synapse: Synapse, names: dict[str, str], unique: Callable[[str], str]) -> dict[str, Any]:
    return {
        "matrix_users_url": synapse.url,
        "matrix_users_registration_shared_secret": synapse.secret,
        "matrix_users_service_account": unique("service"),
        "matrix_user_creator_users_auto": [
            {"username": names["bot"], "initial_password": "bot's own", "initial_type": "bot"}
        ],
        "matrix_user_creator_users_additional": [
            {"username": names[kind], "initial_password": f"the {kind}'s", "initial_type": kind}
            for kind in ("admin", "user", "support")
        ],
    }


def test_all_users_are_made_once(
    ansible: Ansible,
    synapse: Synapse,
    make_inventory: Callable[..., Path],
    variables: dict[str, Any],
    names: dict[str, str],
) -> None:
    inventory = make_inventory(**variables)

    checked = ansible.run(inventory, f"--tags={TAG}", "--check", "--diff").succeeded(changed=1)
    assert "4 users: would be created 4" in checked.output
    assert synapse.user(names["admin"]) is None

    run = ansible.run(inventory, f"--tags={TAG}").succeeded(changed=1)

    assert "4 users: created 4, changed 0, as they should be 0" in run.output
    users = {kind: synapse.user(name) for kind, name in names.items()}
    assert {kind for kind, user in users.items() if user["admin"]} == {"admin"}
    # UserTypes: synapse/api/constants.py.
    assert {kind: user["user_type"] for kind, user in users.items()} == {
        "admin": None, "user": None, "bot": "bot", "support": "support",
    }
    synapse.logout(synapse.login(names["bot"], "bot's own"))
    # The shared secret alone made them.
    assert synapse.user(variables["matrix_users_service_account"]) is None
    again = ansible.run(inventory, f"--tags={TAG}").succeeded(changed=0)
    assert "4 users: created 0, changed 0, as they should be 4" in again.output


def test_what_is_initial_is_never_put_back(
    newest_ansible: Ansible,
    synapse: Synapse,
    make_inventory: Callable[..., Path],
    variables: dict[str, Any],
    names: dict[str, str],
) -> None:
    # Someone has made them before, another way.
    synapse.register(names["admin"], "another password", admin=False)
    synapse.register(names["user"], "another password", admin=True)

    run = newest_ansible.run(make_inventory(**variables), f"--tags={TAG}").succeeded(changed=1)

    assert "4 users: created 2, changed 0, as they should be 2" in run.output
    assert not synapse.user(names["admin"])["admin"]
    assert synapse.user(names["user"])["admin"]
    synapse.logout(synapse.login(names["admin"], "another password"))


def test_its_own_list_goes_further(
    newest_ansible: Ansible,
    synapse: Synapse,
    make_inventory: Callable[..., Path],
    variables: dict[str, Any],
    names: dict[str, str],
) -> None:
    own = [{"username": names["bot"], "displayname": "The bot"}]
    inventory = make_inventory(**variables, matrix_users_list=own)

    newest_ansible.run(inventory, f"--tags={TAG}").succeeded(changed=1)

    bot = synapse.user(names["bot"])
    assert bot["displayname"] == "The bot"
    assert bot["user_type"] == "bot"
    synapse.logout(synapse.login(names["bot"], "bot's own"))
    newest_ansible.run(inventory, f"--tags={TAG}").succeeded(changed=0)


def test_a_name_that_nobody_can_have_is_named_and_no_password(
    newest_ansible: Ansible,
    synapse: Synapse,
    make_inventory: Callable[..., Path],
    variables: dict[str, Any],
    names: dict[str, str],
) -> None:
    # No user id can have a "!" (the specification, "User Identifiers").
    wrong = {"username": "no!name", "initial_password": "Unsayable-4711", "initial_type": "user"}
    variables["matrix_user_creator_users_auto"].append(wrong)

    run = newest_ansible.run(make_inventory(**variables), f"--tags={TAG}")

    assert run.rc == 2
    assert "no!name" in run.output
    assert "Unsayable-4711" not in run.output


def test_just_ensures_users(
    newest_ansible: Ansible,
    synapse: Synapse,
    make_inventory: Callable[..., Path],
    variables: dict[str, Any],
    names: dict[str, str],
) -> None:
    just = Just(newest_ansible, make_inventory(**variables))

    just("ensure-users", "--check").succeeded(changed=1)
    assert synapse.user(names["bot"]) is None
    just("ensure-users").succeeded(changed=1)
    just("ensure-users").succeeded(changed=0)
