# SPDX-License-Identifier: GPL-3.0-or-later
"""Each tag on tuwunel, continuwuity and Conduit, with a real ansible-playbook and the
stand-ins for them: what is different there for a role that knows which one it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.playbooks.ansible_run import Ansible
from tests.playbooks.just_run import Just
from tests.playbooks.test_doctor import lines
from tests.playbooks.test_first_run import FIRST, Host
from tests.support.conduit import Conduit
from tests.support.continuwuity import Continuwuity
from tests.support.tuwunel import Tuwunel

# Its words occur nowhere else; and with a space, no command of an admin room carries it.
PASSWORD = "Quodlibet Password 1"
OTHER_PASSWORD = "Quodlibet-Password-2"
ADMIN, ADMIN_PASSWORD = "harness-admin", "of the harness"
SERVERS = ["tuwunel", "continuwuity", "conduit"]


class Opened(NamedTuple):
    """A server, and an inventory that says what it is, where, and what opens it."""

    kind: str
    server: Any
    inventory: Path

    def own(self, password: str) -> dict[str, str]:
        """What promoting takes of the user there."""
        return {"password": password} if self.kind == "conduit" else {}


@pytest.fixture(params=SERVERS)
def opened(request: pytest.FixtureRequest, make_inventory: Callable[..., Path]) -> Opened:
    server = request.getfixturevalue(request.param)
    if request.param == "tuwunel":
        credential = {"matrix_users_registration_shared_secret": server.secret}
    else:
        # The first administrator, who on Conduit has the power to take others out.
        assert server.admin_token and server.opens(ADMIN, ADMIN_PASSWORD)
        credential = {"matrix_users_admin_username": ADMIN, "matrix_users_admin_password": ADMIN_PASSWORD}
    inventory = make_inventory(matrix_users_backend=request.param, matrix_users_url=server.url, **credential)
    return Opened(request.param, server, inventory)


def test_a_user_is_registered_once_and_nothing_secret_is_shown(
    newest_ansible: Ansible, opened: Opened, unique: Callable[[str], str]
) -> None:
    name = unique("alice")
    variables = {"username": name, "password": PASSWORD, "admin": "no"}

    first = newest_ansible.tag(opened.inventory, "register-user", variables, "-vvv", "--diff").succeeded(changed=1)
    second = newest_ansible.tag(opened.inventory, "register-user", variables).succeeded(changed=0)

    assert "The password was set" in first.output
    assert "The password was left as it was" in second.output
    assert opened.server.opens(name, PASSWORD)
    assert not opened.server.administers(name)
    for secret in (PASSWORD, ADMIN_PASSWORD):
        assert secret not in first.output
    assert not opened.server.is_readable(PASSWORD)


def test_check_mode_registers_nobody(
    newest_ansible: Ansible, opened: Opened, unique: Callable[[str], str]
) -> None:
    name = unique("alice")
    variables = {"username": name, "password": PASSWORD, "admin": "no"}

    newest_ansible.tag(opened.inventory, "register-user", variables, "--check", "--diff").succeeded(changed=1)

    assert opened.server.find(name) is None


def test_somebody_elses_name_is_a_conflict(
    newest_ansible: Ansible, opened: Opened, unique: Callable[[str], str]
) -> None:
    name = unique("carol")
    opened.server.create(name, OTHER_PASSWORD)
    variables = {"username": name, "password": PASSWORD, "admin": "yes"}

    newest_ansible.tag(opened.inventory, "register-user", variables).failed(name, kind="conflict")

    assert opened.server.opens(name, OTHER_PASSWORD)
    assert not opened.server.administers(name)


def test_promote_and_demote_change_once_each(
    newest_ansible: Ansible, opened: Opened, unique: Callable[[str], str]
) -> None:
    name = unique("bob")
    opened.server.create(name, PASSWORD)
    variables = {"username": name} | opened.own(PASSWORD)

    newest_ansible.tag(opened.inventory, "promote-user", variables).succeeded(changed=1)
    assert opened.server.administers(name)
    newest_ansible.tag(opened.inventory, "promote-user", variables).succeeded(changed=0)
    newest_ansible.tag(opened.inventory, "demote-user", {"username": name}).succeeded(changed=1)
    assert not opened.server.administers(name)
    assert opened.server.opens(name, PASSWORD)


def test_a_mistyped_name_makes_nobody(
    newest_ansible: Ansible, opened: Opened, unique: Callable[[str], str]
) -> None:
    name = unique("nobody")

    run = newest_ansible.tag(opened.inventory, "promote-user", {"username": name} | opened.own(PASSWORD))

    run.failed(name, kind="not_found")
    assert opened.server.find(name) is None


def test_a_password_is_updated_once_and_no_session_is_ended(
    newest_ansible: Ansible, opened: Opened, unique: Callable[[str], str]
) -> None:
    name = unique("dora")
    opened.server.create(name, OTHER_PASSWORD)
    session = opened.server.token_of(name)
    variables = {"username": name, "password": PASSWORD}

    newest_ansible.tag(opened.inventory, "update-user-password", variables).succeeded(changed=1)
    newest_ansible.tag(opened.inventory, "update-user-password", variables).succeeded(changed=0)

    assert opened.server.opens(name, PASSWORD)
    assert opened.server.whoami(session) is not None
    assert not opened.server.is_readable(PASSWORD)


def test_deactivate_changes_once(
    newest_ansible: Ansible, opened: Opened, unique: Callable[[str], str]
) -> None:
    name = unique("eve")
    opened.server.create(name, PASSWORD)

    newest_ansible.tag(opened.inventory, "deactivate-user", {"username": name}).succeeded(changed=1)
    newest_ansible.tag(opened.inventory, "deactivate-user", {"username": name}).succeeded(changed=0)

    assert opened.server.user(name).deactivated


def test_a_list_is_seen_to_once_and_has_its_types_left_away(
    newest_ansible: Ansible, opened: Opened, unique: Callable[[str], str]
) -> None:
    admin, bot = unique("admin"), unique("bot")
    users = [
        {"username": admin, "initial_password": PASSWORD, "initial_type": "admin"},
        {"username": bot, "initial_password": OTHER_PASSWORD, "initial_type": "bot"},
    ]
    variables = {"matrix_user_creator_users_additional": users}

    first = newest_ansible.tag(opened.inventory, "ensure-users-created", variables).succeeded(changed=1)
    newest_ansible.tag(opened.inventory, "ensure-users-created", variables).succeeded(changed=0)

    assert f"has no types of users, so that these are no administrators and nothing else (initial_type): {bot}" in (
        " ".join(first.output.split())
    )
    assert opened.server.administers(admin)
    assert opened.server.opens(admin, PASSWORD)
    assert opened.server.opens(bot, OTHER_PASSWORD)


@pytest.mark.parametrize("kind", SERVERS)
def test_the_doctor_knows_it_and_its_administrators(
    newest_ansible: Ansible,
    request: pytest.FixtureRequest,
    make_inventory: Callable[..., Path],
    unique: Callable[[str], str],
    kind: str,
) -> None:
    server = request.getfixturevalue(kind)
    # Of many, the first ten of the alphabet are named.
    name = unique("0-ivan")
    server.create(name, PASSWORD, admin=True)
    # What it is, nobody says here.
    inventory = make_inventory(matrix_users_url=server.url, matrix_users_access_token=server.admin_token)

    line = lines(newest_ansible.run(inventory, "--tags=registrar-doctor").succeeded(changed=0).output)["server"]

    assert kind in line.lower()
    assert "access_token works" in line
    assert server.user_id(name) in line


def test_there_is_no_service_account_to_forget_but_on_tuwunel(
    newest_ansible: Ansible, opened: Opened, unique: Callable[[str], str]
) -> None:
    if opened.kind == "tuwunel":
        name = unique("alice")
        opened.server.create(name, PASSWORD)
        newest_ansible.tag(opened.inventory, "promote-user", {"username": name}).succeeded(changed=1)
        assert not opened.server.user("registrar-service").deactivated
    before = len(opened.server.requests)

    run = newest_ansible.run(opened.inventory, "--tags=forget-service-account")

    if opened.kind == "tuwunel":
        assert run.rc == 0, run.output
        assert opened.server.user("registrar-service").deactivated
        # Its name would be taken for good, and others go on with this server.
        opened.server.accounts.forget(opened.server.user_id("registrar-service"))
    else:
        run.succeeded(changed=0)
        assert "has no service account" in run.output
        assert len(opened.server.requests) == before


@pytest.mark.parametrize(
    ("kind", "variable", "tag"),
    [
        ("tuwunel", "matrix_users_registration_shared_secret", "register-user"),
        ("continuwuity", "matrix_users_emergency_password", "register-user"),
        ("continuwuity", "matrix_users_emergency_password", "promote-user"),
        ("continuwuity", "matrix_users_emergency_password", "ensure-users-created"),
        ("continuwuity", "matrix_users_emergency_password", "registrar-doctor"),
        ("conduit", "matrix_users_emergency_password", "register-user"),
    ],
)
def test_where_nothing_opens_it_the_variable_to_set_is_named(
    newest_ansible: Ansible,
    request: pytest.FixtureRequest,
    make_inventory: Callable[..., Path],
    unique: Callable[[str], str],
    kind: str,
    variable: str,
    tag: str,
) -> None:
    server = request.getfixturevalue(kind)
    assert server.admin_token  # so that it is not without accounts
    name = unique("fay")
    if tag == "promote-user":
        server.create(name, PASSWORD)
    listed = [{"username": name, "password": PASSWORD}]
    inventory = make_inventory(matrix_users_backend=kind, matrix_users_url=server.url, matrix_users_list=listed)
    variables = {"username": name, "admin": "no"} | ({"password": PASSWORD} if tag == "register-user" else {})

    run = newest_ansible.tag(inventory, tag, variables)

    # The doctor cannot tell that nothing can be done: anybody might register.
    assert run.rc == (0 if tag == "registrar-doctor" else 2), run.output
    assert run.changed == 0
    assert run.output.count(f"docs/{kind}.md") == 1, run.output
    assert variable in run.output
    assert PASSWORD not in run.output


# The first administrator


def test_a_continuwuity_without_accounts_needs_nothing(
    newest_ansible: Ansible, tmp_path: Path, make_inventory: Callable[..., Path]
) -> None:
    unit = "continuwuity.service"
    with Continuwuity(allow_registration=False) as server:
        host = Host(tmp_path / "host", {FIRST: server.log()}, unit=unit)
        inventory = make_inventory(
            matrix_users_backend="continuwuity", matrix_users_url=server.url, matrix_users_service=unit
        )
        variables = {"username": "alice", "password": PASSWORD, "admin": "yes"}

        checked = newest_ansible.tag(inventory, "register-user", variables, "--check", env=host.environment)
        first = newest_ansible.tag(inventory, "register-user", variables, "-vvv", env=host.environment)

        checked.succeeded(changed=1)
        first.succeeded(changed=1)
        assert server.first_run_token not in first.output
        assert server.administers("alice")
        assert server.opens("alice", PASSWORD)
        # The journal still has it, and the server takes it no more.
        again = newest_ansible.tag(inventory, "register-user", variables, env=host.environment)
        again.succeeded(changed=0)
        bob = newest_ansible.tag(inventory, "register-user", variables | {"username": "bob"}, env=host.environment)
        bob.failed("bob", "emergency_password", kind="unauthorized")
        assert "docs/continuwuity.md" in bob.output
        assert not server.complaints


def test_a_conduit_whose_registration_is_open_needs_nothing_for_its_first_account(
    newest_ansible: Ansible, make_inventory: Callable[..., Path]
) -> None:
    with Conduit(allow_registration=True) as server:
        inventory = make_inventory(matrix_users_backend="conduit", matrix_users_url=server.url)
        variables = {"username": "alice", "password": PASSWORD, "admin": "yes"}

        newest_ansible.tag(inventory, "register-user", variables).succeeded(changed=1)

        assert server.administers("alice")
        assert server.opens("alice", PASSWORD)
        assert not server.complaints


@pytest.mark.parametrize("kind", [Tuwunel, Continuwuity, Conduit])
def test_the_emergency_password_makes_an_administrator_and_is_warned_of(
    newest_ansible: Ansible, make_inventory: Callable[..., Path], kind: type[Any]
) -> None:
    with kind(emergency_password=OTHER_PASSWORD) as server:
        inventory = make_inventory(
            matrix_users_backend=kind.__name__.lower(),
            matrix_users_url=server.url,
            matrix_users_emergency_password=OTHER_PASSWORD,
        )
        variables = {"username": "alice", "password": PASSWORD, "admin": "yes"}

        run = newest_ansible.tag(inventory, "register-user", variables, "-vvv").succeeded(changed=1)

        assert server.administers("alice")
        assert "unset it in the server's configuration" in " ".join(run.output.split())
        assert OTHER_PASSWORD not in run.output
        assert server.devices("conduit") == []
        assert not server.complaints


# Conduit's promotions


def test_conduit_says_that_a_promotion_takes_the_user_s_own_password(
    newest_ansible: Ansible, conduit: Conduit, make_inventory: Callable[..., Path], unique: Callable[[str], str]
) -> None:
    name = unique("gil")
    conduit.create(name, PASSWORD)
    inventory = make_inventory(
        matrix_users_backend="conduit", matrix_users_url=conduit.url, matrix_users_access_token=conduit.admin_token
    )

    newest_ansible.tag(inventory, "promote-user", {"username": name}).failed(name, "its own password")

    assert not conduit.administers(name)


def test_just_passes_it_on_from_the_environment(
    newest_ansible: Ansible, conduit: Conduit, make_inventory: Callable[..., Path], unique: Callable[[str], str]
) -> None:
    name = unique("hal")
    conduit.create(name, PASSWORD)
    inventory = make_inventory(
        matrix_users_backend="conduit", matrix_users_url=conduit.url, matrix_users_access_token=conduit.admin_token
    )
    just = Just(newest_ansible, inventory)

    just("promote", name, env={"REGISTRAR_PASSWORD": PASSWORD}).succeeded(changed=1)
    assert conduit.administers(name)
    just("demote", name).succeeded(changed=1)

    assert not conduit.administers(name)
