# SPDX-License-Identifier: GPL-3.0-or-later
"""Every tag on a Synapse whose accounts are with Matrix Authentication Service, by that
one's admin API: a stand-in for it (tests/support/mas.py) before a real Synapse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.playbooks.ansible_run import SESSION_FILE, Ansible
from tests.playbooks.just_run import Just
from tests.support.mas import Mas

PASSWORD = "correct horse battery"
NEXT_PASSWORD = "tr0ub4dor & 3 {{ x }}"
ADMIN_IS_MAS_S = "it makes nobody an administrator for the clients that are logged in"


def with_client(mas: Mas, **more: Any) -> dict[str, Any]:
    return {
        "matrix_users_url": mas.beside.server.url,
        "matrix_users_mas_url": mas.url,
        "matrix_users_mas_client_id": mas.client.id,
        "matrix_users_mas_client_secret": mas.client.secret,
    } | more


@pytest.fixture
def opened(mas: Mas, make_inventory: Callable[..., Path]) -> Path:
    return make_inventory(**with_client(mas))


def user_id(mas: Mas, name: str) -> str:
    return f"@{name}:{mas.server_name}"


def can_log_in(mas: Mas, name: str, password: str) -> bool:
    """As a client does, and out again."""
    answer = mas.login(name, password)
    if answer.status == 200:
        token = answer.json["access_token"]
        headers = {"x-harness": "1", "authorization": f"Bearer {token}"}
        assert mas.ask("POST", "/_matrix/client/v3/logout", None, headers).status == 200
    return answer.status == 200


def at_the_homeserver(mas: Mas, name: str) -> dict[str, Any]:
    """What its admin API tells of the account, to whom MAS lets in for that."""
    if "0-harness" not in mas.user_names():
        mas.create("0-harness")
    token = mas.personal_token("0-harness", "urn:synapse:admin:* urn:matrix:client:api:*")
    status, told = mas.beside.server.api(
        "GET", f"/_synapse/admin/v2/users/{user_id(mas, name)}", token=token
    )
    assert status == 200, told
    return told


def test_a_user_is_registered_once(
    ansible: Ansible, mas: Mas, opened: Path, unique: Callable[[str], str]
) -> None:
    name = unique("alice")
    address = f"{name}@Example.TEST"
    variables = {"username": name, "password": PASSWORD, "admin": "yes", "email": address}
    sessions = mas.active_sessions()

    run = ansible.tag(opened, "register-user", variables).succeeded(changed=1)
    assert f"{user_id(mas, name)} (server administrator): done: create" in run.output
    assert "The password was set" in run.output
    # What admin is not is said when it is set.
    assert ADMIN_IS_MAS_S in run.output.replace("\n", " ")
    mas.advance(60)
    run = ansible.tag(opened, "register-user", variables).succeeded(changed=0)
    assert ADMIN_IS_MAS_S not in run.output.replace("\n", " ")

    assert mas.user(name)["can_request_admin"]
    assert mas.emails(name) == [address.lower()]
    assert mas.active_sessions() == sessions
    mas.advance(60)
    assert can_log_in(mas, name, PASSWORD)
    # Nothing is left of a creation that has ended.
    session_file = opened.parent / SESSION_FILE
    assert not session_file.exists() or name not in session_file.read_text()


def test_somebody_else_s_name_is_a_conflict(
    newest_ansible: Ansible, mas: Mas, opened: Path, unique: Callable[[str], str]
) -> None:
    name = unique("bob")
    mas.create(name, PASSWORD)
    mas.advance(60)
    variables = {"username": name, "password": "another long password", "admin": "yes"}

    newest_ansible.tag(opened, "register-user", variables).failed(name, kind="conflict")

    assert not mas.user(name)["can_request_admin"]
    assert mas.has_password(name, PASSWORD)


def test_a_weak_password_makes_nobody_unless_it_is_let_through(
    ansible: Ansible, mas: Mas, opened: Path, unique: Callable[[str], str]
) -> None:
    name = unique("carol")
    variables = {"username": name, "password": "hi", "admin": "no"}

    ansible.tag(opened, "register-user", variables).failed("too weak", kind="policy")
    assert name not in mas.user_names()

    variables |= {"matrix_users_skip_password_check": True}
    ansible.tag(opened, "register-user", variables).succeeded(changed=1)
    assert mas.has_password(name, "hi")


def test_an_account_that_the_homeserver_alone_has_is_adopted_when_that_is_said(
    newest_ansible: Ansible, mas: Mas, opened: Path, unique: Callable[[str], str]
) -> None:
    name = unique("dave")
    mas.beside.provision_user(name, locked=False)
    variables = {"username": name, "password": PASSWORD, "admin": "no"}

    newest_ansible.tag(opened, "register-user", variables).failed("skip_homeserver_check", kind="conflict")
    assert name not in mas.user_names()

    variables |= {"matrix_users_skip_homeserver_check": True}
    newest_ansible.tag(opened, "register-user", variables).succeeded(changed=1)
    assert mas.has_password(name, PASSWORD)


def test_promote_and_demote_change_once_each(
    ansible: Ansible, mas: Mas, opened: Path, unique: Callable[[str], str]
) -> None:
    name = unique("erin")
    mas.create(name, PASSWORD)
    variables = {"username": name}

    ansible.tag(opened, "promote-user", variables, "--check").succeeded(changed=1)
    assert not mas.user(name)["can_request_admin"]
    run = ansible.tag(opened, "promote-user", variables).succeeded(changed=1)
    assert "done: set admin" in run.output
    assert mas.user(name)["can_request_admin"]
    ansible.tag(opened, "promote-user", variables).succeeded(changed=0)

    ansible.tag(opened, "demote-user", variables).succeeded(changed=1)
    assert not mas.user(name)["can_request_admin"]
    ansible.tag(opened, "demote-user", variables).succeeded(changed=0)


@pytest.mark.parametrize("tag", ["promote-user", "demote-user", "deactivate-user"])
def test_nobody_is_made_by_a_mistyped_name(
    newest_ansible: Ansible, mas: Mas, opened: Path, unique: Callable[[str], str], tag: str
) -> None:
    name = unique("nobody")

    newest_ansible.tag(opened, tag, {"username": name}).failed(name, kind="not_found")

    assert name not in mas.user_names()


def test_a_password_is_updated_once_and_no_session_is_ended(
    ansible: Ansible, mas: Mas, opened: Path, unique: Callable[[str], str]
) -> None:
    name = unique("frank")
    mas.create(name, PASSWORD)
    mas.advance(60)
    assert mas.login(name, PASSWORD).status == 200
    sessions = mas.active_sessions()
    # In the environment nothing of it is taken for a template.
    environment = {"REGISTRAR_PASSWORD": NEXT_PASSWORD}

    run = ansible.tag(opened, "update-user-password", {"username": name}, env=environment)
    run.succeeded(changed=1)
    assert "The password was set" in run.output
    run = ansible.tag(opened, "update-user-password", {"username": name}, env=environment)
    run.succeeded(changed=0)
    assert "The password was left as it was" in run.output

    assert mas.has_password(name, NEXT_PASSWORD)
    assert mas.active_sessions() == sessions


def test_deactivate_changes_once_and_erases_nothing(
    ansible: Ansible, mas: Mas, opened: Path, unique: Callable[[str], str]
) -> None:
    name = unique("grace")
    mas.create(name, PASSWORD, emails=[f"{name}@example.test"], displayname="Grace")
    mas.forget()

    ansible.tag(opened, "deactivate-user", {"username": name}).succeeded(changed=1)
    ansible.tag(opened, "deactivate-user", {"username": name}).succeeded(changed=0)

    assert mas.user(name)["deactivated_at"] is not None
    (asked,) = [request for request in mas.requests if request.route.endswith("/deactivate")]
    assert b'"skip_erase":true' in asked.body.replace(b" ", b"")


def test_a_list_is_seen_to_once(
    ansible: Ansible, mas: Mas, opened: Path, unique: Callable[[str], str]
) -> None:
    bot, person, chief = (unique(stem) for stem in ("bot", "person", "chief"))
    types = {bot: "bot", person: "user", chief: "admin"}
    variables = {
        # That playbook has MAS look at no password of its lists.
        "matrix_user_creator_users_additional": [
            {"username": name, "initial_password": "weak", "initial_type": kind}
            for name, kind in types.items()
        ],
        "matrix_users_list": [{"username": chief, "displayname": "The chief"}],
    }

    run = ansible.tag(opened, "ensure-users-created", variables).succeeded(changed=1)

    assert "3 users: created 3, changed 0, as they should be 0" in run.output
    assert [name for name in types if mas.user(name)["can_request_admin"]] == [chief]
    assert all(mas.has_password(name, "weak") for name in types)
    assert at_the_homeserver(mas, bot)["user_type"] == "bot"
    ansible.tag(opened, "ensure-users-created", variables).succeeded(changed=0)


def test_whoever_is_in_the_role_s_own_list_has_a_good_password_or_none(
    newest_ansible: Ansible, mas: Mas, opened: Path, unique: Callable[[str], str]
) -> None:
    name = unique("heidi")
    variables = {"matrix_users_list": [{"username": name, "initial_password": "weak"}]}

    newest_ansible.tag(opened, "ensure-users-created", variables).failed(kind=None)

    assert name not in mas.user_names()


def test_there_is_no_service_account_to_forget(
    newest_ansible: Ansible, mas: Mas, opened: Path
) -> None:
    newest_ansible.run(opened, "--tags=forget-service-account").succeeded(changed=0)

    assert "registrar-service" not in mas.user_names()


def test_the_doctor_knows_it_and_its_administrators(
    ansible: Ansible, mas: Mas, opened: Path, unique: Callable[[str], str]
) -> None:
    # Of many, the first ten of the alphabet are named.
    name = unique("0-ivan")
    mas.create(name, PASSWORD, admin=True)

    run = ansible.run(opened, "--tags=registrar-doctor").succeeded(changed=0)

    assert "Matrix Authentication Service" in run.output
    assert "mas_client_id works" in run.output
    assert user_id(mas, name) in run.output


def test_the_doctor_says_what_is_wrong_with_a_client(
    ansible: Ansible, mas: Mas, make_inventory: Callable[..., Path]
) -> None:
    stranger = mas.add_client(admin=False)
    inventory = make_inventory(
        **with_client(
            mas, matrix_users_mas_client_id=stranger.id, matrix_users_mas_client_secret=stranger.secret
        )
    )

    run = ansible.run(inventory, "--tags=registrar-doctor")

    assert run.rc == 2
    assert "policy.data.admin_clients" in run.output
    assert stranger.secret not in run.output


def test_without_anything_that_opens_it_the_variables_are_named(
    newest_ansible: Ansible, mas: Mas, make_inventory: Callable[..., Path], unique: Callable[[str], str]
) -> None:
    name = unique("judy")
    inventory = make_inventory(matrix_users_url=mas.beside.server.url, matrix_users_backend="mas")

    run = newest_ansible.tag(inventory, "promote-user", {"username": name})

    run.failed("Nothing opens Matrix Authentication Service", "matrix_users_mas_client_id")


@pytest.mark.parametrize(
    "tag",
    ["register-user", "update-user-password", "promote-user", "demote-user", "deactivate-user"],
)
def test_nothing_is_done_while_the_accounts_are_on_their_way(
    newest_ansible: Ansible,
    mas: Mas,
    make_inventory: Callable[..., Path],
    unique: Callable[[str], str],
    tag: str,
) -> None:
    name = unique("kim")
    inventory = make_inventory(
        **with_client(mas), matrix_authentication_service_migration_in_progress=True
    )
    variables = {"username": name, "password": PASSWORD, "admin": "no"}
    before = len(mas.requests)

    newest_ansible.tag(inventory, tag, variables).failed(
        "matrix_authentication_service_migration_in_progress is true"
    )

    assert len(mas.requests) == before


def test_nothing_secret_is_shown_at_any_verbosity(
    ansible: Ansible, mas: Mas, opened: Path, unique: Callable[[str], str]
) -> None:
    name = unique("leo")
    variables = {"username": name, "admin": "yes"}
    environment = {"REGISTRAR_PASSWORD": PASSWORD}

    run = ansible.tag(opened, "register-user", variables, "-vvv", "--diff", env=environment)

    run.succeeded(changed=1)
    assert mas.client.secret not in run.output
    assert PASSWORD not in run.output


def test_just_registers_promotes_and_demotes(
    newest_ansible: Ansible, mas: Mas, opened: Path, unique: Callable[[str], str]
) -> None:
    name = unique("mallory")
    just = Just(newest_ansible, opened)

    just("register-user", name, PASSWORD, "no", "-e", f"email={name}@example.test").succeeded(changed=1)
    assert not mas.user(name)["can_request_admin"]
    assert mas.emails(name) == [f"{name}@example.test"]
    just("promote", name).succeeded(changed=1)
    assert mas.user(name)["can_request_admin"]
    just("demote", name).succeeded(changed=1)
    assert not mas.user(name)["can_request_admin"]
    just("deactivate", name).succeeded(changed=1)
