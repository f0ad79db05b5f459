# SPDX-License-Identifier: GPL-3.0-or-later
"""registrar-doctor and registrar-connection: what is said of many hosts at once,
and that looking changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.playbooks.ansible_run import SESSION_FILE, Ansible
from tests.playbooks.just_run import Just
from tests.playbooks.stand_in import REPLIES, StandIn, write_hosts
from tests.support.machine import Machine, needs_machine
from tests.support.paths import ROOT
from tests.support.synapse import Synapse

pytestmark = pytest.mark.every_ansible

DOCTOR, CONNECTION = "registrar-doctor", "registrar-connection"
# Port 1 (tcpmux) is nobody's.
NOWHERE = {"matrix_users_url": "http://127.0.0.1:1", "matrix_users_registration_shared_secret": "a secret"}
GRAPEVINE = {"matrix_homeserver_implementation": "grapevine"}


def lines(output: str) -> dict[str, str]:
    """What the doctor said: a host's name, and its one line."""
    return dict(re.findall(r'^ok: \[([^]]+)\] => \{\n    "msg": "(.*)"\n\}$', output, re.MULTILINE))


def test_a_server_that_works_is_one_line(ansible: Ansible, with_secret: Path, synapse: Synapse) -> None:
    run = ansible.tag(with_secret, DOCTOR, {}).succeeded(changed=0)

    line = lines(run.output)["server"]
    assert synapse.url in line
    assert re.search(r"Synapse 1\.\d+", line)
    assert synapse.secret not in run.output


def test_looking_makes_no_account(
    newest_ansible: Ansible, make_inventory: Callable[..., Path], synapse: Synapse, unique: Callable[[str], str]
) -> None:
    service = unique("service")
    inventory = make_inventory(
        matrix_users_url=synapse.url,
        matrix_users_registration_shared_secret=synapse.secret,
        matrix_users_service_account=service,
    )

    for tag in (DOCTOR, CONNECTION):
        newest_ansible.tag(inventory, tag, {}).succeeded(changed=0)
        newest_ansible.tag(inventory, tag, {}, "--check", "--diff").succeeded(changed=0)

    assert synapse.user(service) is None
    assert not inventory.with_name(SESSION_FILE).exists()


def test_every_host_has_its_line_and_one_that_is_ill_fails_at_the_end(
    ansible: Ansible, tmp_path: Path, synapse: Synapse
) -> None:
    well = {
        "matrix_users_url": synapse.url,
        "matrix_users_registration_shared_secret": synapse.secret,
        "matrix_users_server_name": synapse.server_name,
        "matrix_users_session_file": "",
    }
    wrong = well | {"matrix_users_registration_shared_secret": "not the secret"}
    alone = {"matrix_users_url": "http://127.0.0.1:1"}
    hosts = {"a.test": NOWHERE, "b.test": well, "c.test": GRAPEVINE, "d.test": wrong, "e.test": alone}

    run = ansible.tag(write_hosts(tmp_path, hosts), DOCTOR, {})

    assert run.rc == 2
    said = lines(run.output)
    # In the order in which they answered.
    assert said.keys() == hosts.keys(), run.output
    assert "127.0.0.1:1" in said["a.test"]
    assert synapse.url in said["b.test"]
    assert "matrix_homeserver_implementation is grapevine" in said["c.test"]
    # "HMAC incorrect", 403: synapse/rest/admin/users.py, UserRegisterServlet.
    assert "registration_shared_secret" in said["d.test"]
    assert "Nothing opens the homeserver at http://127.0.0.1:1" in said["e.test"]
    assert {host: run.hosts[host]["failed"] for host in hosts} == {
        "a.test": 1, "b.test": 0, "c.test": 1, "d.test": 1, "e.test": 1,
    }
    first_failure = run.output.index("fatal: ")
    assert all(run.output.index(line) < first_failure for line in said.values())
    assert "not the secret" not in run.output


def test_a_program_that_does_not_start_is_one_line_too(
    ansible: Ansible, make_inventory: Callable[..., Path], tmp_path: Path
) -> None:
    module = tmp_path / "matrix_connection_info"
    module.write_text("#!/bin/sh\n# WANT_JSON\necho 'no such library' >&2\nexit 127\n")
    (tmp_path / "matrix_user").write_text(module.read_text())

    run = ansible.tag(make_inventory(), DOCTOR, {}, env={"ANSIBLE_LIBRARY": str(tmp_path)})

    assert run.rc == 2
    assert lines(run.output)["server"]


def test_the_connection_is_shown_and_nothing_is_asked(
    ansible: Ansible, make_inventory: Callable[..., Path]
) -> None:
    # It is nowhere, so that a question would fail.
    run = ansible.tag(make_inventory(**NOWHERE), CONNECTION, {}).succeeded(changed=0)

    assert '"url": "http://127.0.0.1:1"' in run.output
    assert NOWHERE["matrix_users_registration_shared_secret"] not in run.output


def test_the_doctor_asks_and_the_other_does_not(
    newest_ansible: Ansible, make_inventory: Callable[..., Path], tmp_path: Path
) -> None:
    for tag, check in ((DOCTOR, True), (CONNECTION, False)):
        stand_in = StandIn(tmp_path / tag, REPLIES)
        newest_ansible.tag(make_inventory(), tag, {}, env=stand_in.environment).succeeded(changed=0)
        assert stand_in.question()["check"] is check


@pytest.mark.parametrize("recipe", ["doctor", "connection"])
def test_just_looks(newest_ansible: Ansible, with_secret: Path, synapse: Synapse, recipe: str) -> None:
    run = Just(newest_ansible, with_secret)(recipe).succeeded(changed=0)

    assert synapse.url in run.output


@pytest.mark.parametrize("recipe", ["doctor", "connection", "ensure-users"])
def test_a_name_is_none_of_these_recipes(newest_ansible: Ansible, with_secret: Path, recipe: str) -> None:
    run = Just(newest_ansible, with_secret)(recipe, "alice")

    assert run.rc == 1
    assert "takes no name" in run.output
    assert "PLAY" not in run.output


def test_without_a_host_it_fails(newest_ansible: Ansible, make_inventory: Callable[..., Path]) -> None:
    newest_ansible.tag(make_inventory(hosts=()), DOCTOR, {}).failed('no host "matrix_servers"')


class TestWithNothingSet:
    """The inventory says nothing at all: the machine has a homeserver.yaml where the
    package of Debian has it."""

    pytestmark = needs_machine()

    @pytest.fixture
    def library(self, synapse: Synapse, tmp_path: Path) -> Iterator[dict[str, str]]:
        with Machine() as machine:
            config = (synapse.folder / "homeserver.yaml").read_text()
            machine.write("/etc/matrix-synapse/homeserver.yaml", config)
            for name in ("matrix_user", "matrix_connection_info"):
                program = machine.program(ROOT / "library" / name)
                module = tmp_path / name
                # WANT_JSON: Ansible then puts the arguments into a file of JSON.
                module.write_text(program.read_text() + "# WANT_JSON\n")
                module.chmod(0o755)
            yield {"ANSIBLE_LIBRARY": str(tmp_path)}

    def test_a_user_is_registered(
        self,
        ansible: Ansible,
        make_inventory: Callable[..., Path],
        synapse: Synapse,
        unique: Callable[[str], str],
        library: dict[str, str],
    ) -> None:
        name = unique("alice")
        inventory = make_inventory(matrix_users_session_file="")
        variables: dict[str, Any] = {"username": name, "password": "correct horse", "admin": "yes"}

        ansible.tag(inventory, "register-user", variables, env=library).succeeded(changed=1)
        ansible.tag(inventory, "register-user", variables, env=library).succeeded(changed=0)

        assert synapse.user(name)["admin"]

    def test_what_was_found_is_shown_and_no_secret(
        self, ansible: Ansible, make_inventory: Callable[..., Path], synapse: Synapse, library: dict[str, str]
    ) -> None:
        run = ansible.tag(make_inventory(), CONNECTION, {}, env=library).succeeded(changed=0)

        assert "/etc/matrix-synapse/homeserver.yaml, line " in run.output
        assert synapse.url in run.output
        assert synapse.secret not in run.output

    def test_the_doctor_is_content(
        self, newest_ansible: Ansible, make_inventory: Callable[..., Path], synapse: Synapse, library: dict[str, str]
    ) -> None:
        run = newest_ansible.tag(make_inventory(), DOCTOR, {}, env=library).succeeded(changed=0)

        assert synapse.server_name in lines(run.output)["server"]
