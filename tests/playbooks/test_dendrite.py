# SPDX-License-Identifier: GPL-3.0-or-later
"""Every tag on a real Dendrite, with its shared secret and its database in PostgreSQL;
and what is said where there is no database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.playbooks.ansible_run import SESSION_FILE, Ansible
from tests.playbooks.just_run import Just
from tests.support.dendrite import Dendrite

PASSWORD = "correct horse battery"
NEXT_PASSWORD = "tr0ub4dor & 3 {{ x }}"


def database_of(server: Dendrite) -> dict[str, Any]:
    assert server.postgres is not None
    name = server.database_name
    return server.postgres.by_socket(name, name, server.database_password)


def with_secret(server: Dendrite) -> dict[str, Any]:
    return {
        "matrix_users_url": server.url,
        "matrix_users_backend": "dendrite",
        "matrix_users_registration_shared_secret": server.secret,
    }


@pytest.fixture
def opened(dendrite_postgres: Dendrite, make_inventory: Callable[..., Path]) -> Path:
    return make_inventory(
        **with_secret(dendrite_postgres), matrix_users_database=database_of(dendrite_postgres)
    )


def test_a_user_is_registered_once(
    ansible: Ansible, dendrite_postgres: Dendrite, opened: Path, unique: Callable[[str], str]
) -> None:
    name = unique("alice")
    variables = {"username": name, "password": PASSWORD, "admin": "yes"}
    before = dendrite_postgres.user_names()

    run = ansible.tag(opened, "register-user", variables).succeeded(changed=1)
    assert f"{dendrite_postgres.user_id(name)} (server administrator): done: create" in run.output
    ansible.tag(opened, "register-user", variables).succeeded(changed=0)

    assert dendrite_postgres.is_admin(name)
    assert dendrite_postgres.devices(name) == []
    token = dendrite_postgres.login(name, PASSWORD)
    assert dendrite_postgres.may_administer(token)
    dendrite_postgres.logout(token)
    # None of it takes an administrator.
    assert set(dendrite_postgres.user_names()) - set(before) == {dendrite_postgres.user_id(name)}


def test_without_a_database_registering_works_all_the_same(
    ansible: Ansible,
    dendrite: Dendrite,
    make_inventory: Callable[..., Path],
    unique: Callable[[str], str],
) -> None:
    name = unique("alice")
    inventory = make_inventory(**with_secret(dendrite))
    variables = {"username": name, "password": PASSWORD, "admin": "yes"}

    ansible.tag(inventory, "register-user", variables).succeeded(changed=1)
    ansible.tag(inventory, "register-user", variables).succeeded(changed=0)

    assert dendrite.is_admin(name)
    assert dendrite.devices(name) == []


def test_somebody_elses_name_is_a_conflict(
    newest_ansible: Ansible, dendrite_postgres: Dendrite, opened: Path, unique: Callable[[str], str]
) -> None:
    name = unique("bob")
    dendrite_postgres.register(name, PASSWORD)
    variables = {"username": name, "password": "another password", "admin": "yes"}

    newest_ansible.tag(opened, "register-user", variables).failed(name, kind="conflict")

    assert not dendrite_postgres.is_admin(name)


def test_promote_and_demote_change_once_each(
    ansible: Ansible, dendrite_postgres: Dendrite, opened: Path, unique: Callable[[str], str]
) -> None:
    name = unique("carol")
    dendrite_postgres.register(name, PASSWORD)
    token = dendrite_postgres.login(name, PASSWORD)
    variables = {"username": name}

    ansible.tag(opened, "promote-user", variables, "--check").succeeded(changed=1)
    assert not dendrite_postgres.may_administer(token)
    run = ansible.tag(opened, "promote-user", variables).succeeded(changed=1)
    assert "done: set admin" in run.output
    # Dendrite reads it anew for each request.
    assert dendrite_postgres.may_administer(token)
    ansible.tag(opened, "promote-user", variables).succeeded(changed=0)

    ansible.tag(opened, "demote-user", variables).succeeded(changed=1)
    assert not dendrite_postgres.may_administer(token)
    ansible.tag(opened, "demote-user", variables).succeeded(changed=0)
    dendrite_postgres.logout(token)


def test_a_password_is_updated_once_and_no_session_is_ended(
    ansible: Ansible,
    dendrite_postgres: Dendrite,
    make_inventory: Callable[..., Path],
    unique: Callable[[str], str],
) -> None:
    name, service = unique("dora"), unique("service")
    opened = make_inventory(
        **with_secret(dendrite_postgres),
        matrix_users_database=database_of(dendrite_postgres),
        matrix_users_service_account=service,
    )
    dendrite_postgres.register(name, PASSWORD)
    session = dendrite_postgres.login(name, PASSWORD)
    # In the environment nothing of it is taken for a template.
    environment = {"REGISTRAR_PASSWORD": NEXT_PASSWORD}

    run = ansible.tag(opened, "update-user-password", {"username": name}, env=environment)
    run.succeeded(changed=1)
    assert "The password was set" in run.output
    run = ansible.tag(opened, "update-user-password", {"username": name}, env=environment)
    run.succeeded(changed=0)
    assert "The password was left as it was" in run.output

    dendrite_postgres.logout(session)
    dendrite_postgres.logout(dendrite_postgres.login(name, NEXT_PASSWORD))
    # The administrator that Registrar makes itself for it, and whose session is kept.
    assert dendrite_postgres.is_admin(service)
    assert [device.display_name for device in dendrite_postgres.devices(service)] == ["Registrar"]

    ansible.run(opened, "--tags=forget-service-account").succeeded(changed=1)
    account = dendrite_postgres.account(service)
    assert account is not None and account.deactivated
    assert dendrite_postgres.devices(service) == []
    assert not (opened.parent / SESSION_FILE).exists()
    ansible.run(opened, "--tags=forget-service-account").succeeded(changed=0)


def test_deactivate_changes_once(
    ansible: Ansible, dendrite_postgres: Dendrite, opened: Path, unique: Callable[[str], str]
) -> None:
    name = unique("erin")
    dendrite_postgres.register(name, PASSWORD)
    dendrite_postgres.login(name, PASSWORD)

    ansible.tag(opened, "deactivate-user", {"username": name}).succeeded(changed=1)
    ansible.tag(opened, "deactivate-user", {"username": name}).succeeded(changed=0)

    account = dendrite_postgres.account(name)
    assert account is not None and account.deactivated
    assert dendrite_postgres.devices(name) == []


def test_a_list_has_its_types_left_away_and_an_administrator(
    ansible: Ansible, dendrite_postgres: Dendrite, opened: Path, unique: Callable[[str], str]
) -> None:
    bot, helper, person, chief = (unique(stem) for stem in ("bot", "helper", "person", "chief"))
    types = {bot: "bot", helper: "support", person: "user", chief: "admin"}
    variables = {
        "matrix_user_creator_users_additional": [
            {"username": name, "initial_password": PASSWORD, "initial_type": kind}
            for name, kind in types.items()
        ],
        "matrix_users_list": [{"username": chief, "displayname": "The chief", "password": PASSWORD}],
    }

    run = ansible.tag(opened, "ensure-users-created", variables).succeeded(changed=1)

    assert "Dendrite has no types of users, so that these are no administrators" in run.output
    assert f"(initial_type): {bot}, {helper}" in run.output
    assert "4 users: created 4, changed 0, as they should be 0" in run.output
    assert [name for name in types if dendrite_postgres.is_admin(name)] == [chief]
    assert [dendrite_postgres.devices(name) for name in types] == [[], [], [], []]
    ansible.tag(opened, "ensure-users-created", variables).succeeded(changed=0)


@pytest.mark.parametrize("tag", ["promote-user", "demote-user", "deactivate-user"])
def test_without_a_database_it_says_which_variable_to_set(
    ansible: Ansible,
    dendrite: Dendrite,
    make_inventory: Callable[..., Path],
    unique: Callable[[str], str],
    tag: str,
) -> None:
    name = unique("frank")
    dendrite.register(name, PASSWORD)
    before = dendrite.account(name)
    inventory = make_inventory(**with_secret(dendrite))

    ansible.tag(inventory, tag, {"username": name}).failed("Set matrix_users_database", "PostgreSQL")

    assert dendrite.account(name) == before


def test_without_a_word_about_dendrite_the_module_says_what_it_takes(
    newest_ansible: Ansible,
    dendrite: Dendrite,
    make_inventory: Callable[..., Path],
    unique: Callable[[str], str],
) -> None:
    name = unique("grace")
    dendrite.register(name, PASSWORD)
    inventory = make_inventory(**with_secret(dendrite) | {"matrix_users_backend": ""})

    run = newest_ansible.tag(inventory, "promote-user", {"username": name})

    run.failed("give database", kind="unauthorized")


def test_the_database_alone_promotes(
    ansible: Ansible,
    dendrite_postgres: Dendrite,
    make_inventory: Callable[..., Path],
    unique: Callable[[str], str],
) -> None:
    name = unique("heidi")
    dendrite_postgres.register(name, PASSWORD)
    inventory = make_inventory(
        matrix_users_url=dendrite_postgres.url, matrix_users_database=database_of(dendrite_postgres)
    )

    ansible.tag(inventory, "promote-user", {"username": name}).succeeded(changed=1)

    assert dendrite_postgres.is_admin(name)


def test_the_doctor_knows_it_and_its_administrators(
    ansible: Ansible, dendrite_postgres: Dendrite, opened: Path, unique: Callable[[str], str]
) -> None:
    # Of many, the first ten of the alphabet are named.
    name = unique("0-ivan")
    dendrite_postgres.register(name, PASSWORD, admin=True)

    run = ansible.run(opened, "--tags=registrar-doctor").succeeded(changed=0)

    assert "Dendrite" in run.output
    assert "registration_shared_secret works" in run.output
    assert dendrite_postgres.user_id(name) in run.output


def test_nothing_secret_is_shown_at_any_verbosity(
    newest_ansible: Ansible, dendrite_postgres: Dendrite, opened: Path, unique: Callable[[str], str]
) -> None:
    name = unique("judy")
    dendrite_postgres.register(name, PASSWORD)

    run = newest_ansible.tag(opened, "promote-user", {"username": name}, "-vvv", "--diff")

    run.succeeded(changed=1)
    assert dendrite_postgres.database_password not in run.output
    assert dendrite_postgres.secret not in run.output


def test_just_registers_promotes_and_demotes(
    newest_ansible: Ansible, dendrite_postgres: Dendrite, opened: Path, unique: Callable[[str], str]
) -> None:
    name = unique("mallory")
    just = Just(newest_ansible, opened)

    just("register-user", name, PASSWORD, "no").succeeded(changed=1)
    assert not dendrite_postgres.is_admin(name)
    just("promote", name).succeeded(changed=1)
    assert dendrite_postgres.is_admin(name)
    just("demote", name).succeeded(changed=1)
    assert not dendrite_postgres.is_admin(name)
    just("deactivate", name).succeeded(changed=1)
