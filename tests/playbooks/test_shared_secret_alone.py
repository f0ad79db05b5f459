# SPDX-License-Identifier: GPL-3.0-or-later
"""One secret in the inventory is enough for every tag: the service account."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.playbooks.ansible_run import SESSION_FILE, Ansible
from tests.support.synapse import Synapse

PASSWORD = "correct horse battery staple"
NEXT_PASSWORD = "tr0ub4dor & 3"


@pytest.fixture
def service(unique: Callable[[str], str]) -> str:
    """A service account of the test's own, which no other test has made."""
    return unique("service")


@pytest.fixture
def inventory(synapse: Synapse, make_inventory: Callable[..., Path], service: str) -> Path:
    return make_inventory(
        matrix_users_url=synapse.url,
        matrix_users_registration_shared_secret=synapse.secret,
        matrix_users_service_account=service,
    )


def told_that_it_was_made(service: str) -> str:
    return f"Registrar has made itself an administrator's account, {service}: docs/service-account.md"


def test_promote_and_demote(
    ansible: Ansible, synapse: Synapse, inventory: Path, service: str, unique: Callable[[str], str]
) -> None:
    name = unique("alice")
    synapse.register(name, PASSWORD)
    variables = {"username": name}

    run = ansible.tag(inventory, "promote-user", variables).succeeded(changed=1)
    assert f"{synapse.user_id(name)} (server administrator): done: set admin" in run.output
    assert told_that_it_was_made(service) in run.output
    assert synapse.user(name)["admin"]

    run = ansible.tag(inventory, "promote-user", variables).succeeded(changed=0)
    assert service not in run.output
    run = ansible.tag(inventory, "demote-user", variables).succeeded(changed=1)
    assert service not in run.output
    assert not synapse.user(name)["admin"]
    ansible.tag(inventory, "demote-user", variables).succeeded(changed=0)


def test_it_is_an_administrator_that_is_recognised_and_has_one_session(
    newest_ansible: Ansible, synapse: Synapse, inventory: Path, service: str, unique: Callable[[str], str]
) -> None:
    name = unique("alice")
    synapse.register(name, PASSWORD)

    for tag in ("promote-user", "demote-user"):
        newest_ansible.tag(inventory, tag, {"username": name}).succeeded(changed=1)

    account = synapse.user(service)
    assert account["admin"]
    assert account["user_type"] == "support"
    assert account["displayname"] == "Registrar service account"
    (device,) = synapse.devices(service)
    assert device["device_id"].startswith("REGISTRAR_")
    file = inventory.with_name(SESSION_FILE)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (session,) = json.loads(file.read_text())["sessions"]
    assert session["user_id"] == synapse.user_id(service)
    assert session["device_id"] == device["device_id"]


def test_without_a_session_file_no_session_stays(
    ansible: Ansible, synapse: Synapse, make_inventory: Callable[..., Path], service: str, unique: Callable[[str], str]
) -> None:
    name = unique("bob")
    synapse.register(name, PASSWORD)
    inventory = make_inventory(
        matrix_users_url=synapse.url,
        matrix_users_registration_shared_secret=synapse.secret,
        matrix_users_service_account=service,
        matrix_users_session_file="",
    )

    ansible.tag(inventory, "promote-user", {"username": name}).succeeded(changed=1)
    ansible.tag(inventory, "promote-user", {"username": name}).succeeded(changed=0)

    assert synapse.devices(service) == []
    assert synapse.user_id(service) not in {token.user_id for token in synapse.access_tokens()}
    assert not inventory.with_name(SESSION_FILE).exists()


def test_a_password_is_updated(
    ansible: Ansible, synapse: Synapse, inventory: Path, unique: Callable[[str], str]
) -> None:
    name = unique("carol")
    synapse.register(name, PASSWORD)
    variables = {"username": name, "password": NEXT_PASSWORD}

    run = ansible.tag(inventory, "update-user-password", variables).succeeded(changed=1)
    assert "The password was set" in run.output
    run = ansible.tag(inventory, "update-user-password", variables).succeeded(changed=0)
    assert "The password was left as it was" in run.output

    synapse.logout(synapse.login(name, NEXT_PASSWORD))


def test_deactivate(
    ansible: Ansible, synapse: Synapse, inventory: Path, unique: Callable[[str], str]
) -> None:
    name = unique("dora")
    synapse.register(name, PASSWORD)

    ansible.tag(inventory, "deactivate-user", {"username": name}).succeeded(changed=1)
    assert synapse.user(name)["deactivated"]
    ansible.tag(inventory, "deactivate-user", {"username": name}).succeeded(changed=0)


def test_making_it_is_a_change_where_nothing_else_is(
    ansible: Ansible, synapse: Synapse, inventory: Path, service: str, unique: Callable[[str], str]
) -> None:
    name = unique("erin")
    synapse.register(name, PASSWORD, admin=True)

    run = ansible.tag(inventory, "promote-user", {"username": name}).succeeded(changed=1)

    assert f"{synapse.user_id(name)} (server administrator): nothing had to be changed" in run.output
    assert told_that_it_was_made(service) in run.output
    ansible.tag(inventory, "promote-user", {"username": name}).succeeded(changed=0)


def test_check_mode_tells_that_it_would_be_made_and_makes_nothing(
    ansible: Ansible, synapse: Synapse, inventory: Path, service: str, unique: Callable[[str], str]
) -> None:
    name = unique("frank")
    synapse.register(name, PASSWORD)

    run = ansible.tag(inventory, "promote-user", {"username": name}, "--check", "--diff").succeeded(changed=1)

    assert f"Registrar would make itself an administrator's account, {service}" in run.output
    assert synapse.user(service) is None
    assert not synapse.user(name)["admin"]
    assert not inventory.with_name(SESSION_FILE).exists()


def test_registering_a_user_makes_no_service_account(
    newest_ansible: Ansible, synapse: Synapse, inventory: Path, service: str, unique: Callable[[str], str]
) -> None:
    variables = {"username": unique("grace"), "password": PASSWORD, "admin": "yes"}

    newest_ansible.tag(inventory, "register-user", variables).succeeded(changed=1)
    newest_ansible.tag(inventory, "register-user", variables).succeeded(changed=0)

    assert synapse.user(service) is None


def test_the_name_of_a_stranger_is_a_conflict_and_the_stranger_is_left_alone(
    ansible: Ansible, synapse: Synapse, inventory: Path, service: str, unique: Callable[[str], str]
) -> None:
    name = unique("heidi")
    synapse.register(name, PASSWORD)
    synapse.register(service, "the password of a stranger")
    before = synapse.user(service)

    run = ansible.tag(inventory, "promote-user", {"username": name})

    run.failed(service, kind="conflict")
    assert synapse.user(service) | {"last_seen_ts": 0} == before | {"last_seen_ts": 0}
    assert not synapse.user(name)["admin"]


def test_a_changed_secret_is_followed_with_the_one_before_it(
    ansible: Ansible, make_inventory: Callable[..., Path]
) -> None:
    with Synapse() as server:
        server.register("ivan", PASSWORD)
        former = server.secret
        common = {"matrix_users_url": server.url, "matrix_users_session_file": ""}
        inventory = make_inventory(matrix_users_registration_shared_secret=former, **common)
        ansible.tag(inventory, "promote-user", {"username": "ivan"}).succeeded(changed=1)

        server.stop()
        server.config["registration_shared_secret"] = "A-New-Shared-Secret"
        server.start()
        changed = {"matrix_users_registration_shared_secret": server.secret} | common
        inventory = make_inventory(**changed)
        ansible.tag(inventory, "demote-user", {"username": "ivan"}).failed(kind="conflict")
        assert server.user("ivan")["admin"]

        inventory = make_inventory(matrix_users_registration_shared_secret_previous=former, **changed)
        run = ansible.tag(inventory, "demote-user", {"username": "ivan"}).succeeded(changed=1)
        assert "has got the password that goes with the new shared secret" in run.output

        inventory = make_inventory(**changed)
        ansible.tag(inventory, "demote-user", {"username": "ivan"}).succeeded(changed=0)
