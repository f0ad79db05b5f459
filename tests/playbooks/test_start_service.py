# SPDX-License-Identifier: GPL-3.0-or-later
"""matrix_users_start_service: the homeserver's unit is started before it is asked.

systemctl is a stand-in, first on PATH, that keeps a unit's state in a file and
answers what ansible/modules/systemd_service.py asks: `show UNIT` for LoadState
and ActiveState, `start UNIT`, `daemon-reload`.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.playbooks.ansible_run import Ansible
from tests.playbooks.stand_in import REPLIES, StandIn, write_hosts
from tests.support.synapse import Synapse

UNIT = "matrix-synapse.service"
MAS_UNIT = "matrix-authentication-service.service"
DEPLOYED = {"matrix_homeserver_implementation": "synapse", "matrix_domain": "example.test"}
DENDRITE = {"matrix_homeserver_implementation": "dendrite", "matrix_domain": "example.test"}
USER = {"username": "alice", "password": "correct horse", "admin": "no"}

SYSTEMCTL = """#!/bin/sh
echo "$*" >>{folder}/calls
while [ "${{1#-}}" != "$1" ]; do shift; done
case $1 in
show)
    echo "Id=$2"
    case " {units} " in *" $2 "*) echo LoadState=loaded ;; *) echo LoadState=not-found ;; esac
    if [ -e {folder}/active ]; then echo ActiveState=active; else echo ActiveState=inactive; fi
    ;;
start) touch {folder}/active ;;
is-active) [ -e {folder}/active ] ;;
is-enabled) echo disabled; exit 1 ;;
esac
"""


class Systemd:
    """The stand-in, in a folder of its own."""

    def __init__(self, folder: Path, *units: str) -> None:
        self.folder = folder
        folder.mkdir()
        program = folder / "systemctl"
        program.write_text(SYSTEMCTL.format(folder=folder, units=" ".join(units or [UNIT])))
        program.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": f"{self.folder}:{os.environ['PATH']}"}

    @property
    def active(self) -> bool:
        return (self.folder / "active").exists()

    def start(self) -> None:
        (self.folder / "active").touch()

    @property
    def calls(self) -> list[str]:
        calls = self.folder / "calls"
        return calls.read_text().splitlines() if calls.exists() else []


@pytest.fixture
def systemd(tmp_path: Path) -> Systemd:
    return Systemd(tmp_path / "systemd")


@pytest.fixture
def stand_in(tmp_path: Path) -> StandIn:
    return StandIn(tmp_path / "stand-in", REPLIES)


def test_the_deployment_s_service_is_started_and_waited_for(
    ansible: Ansible, make_inventory: Callable[..., Path], systemd: Systemd, stand_in: StandIn
) -> None:
    environment = systemd.environment | stand_in.environment

    ansible.tag(make_inventory(**DEPLOYED), "register-user", USER, env=environment).succeeded(changed=1)

    assert systemd.active
    assert f"start {UNIT}" in systemd.calls
    # Units that were just written are known only then, as that playbook has it.
    assert "daemon-reload" in systemd.calls
    assert int(stand_in.question()["wait_timeout"]) == 120


def test_a_longer_wait_stays_as_long(
    ansible: Ansible, make_inventory: Callable[..., Path], systemd: Systemd, stand_in: StandIn
) -> None:
    inventory = make_inventory(**DEPLOYED, matrix_users_wait_timeout=300)

    ansible.tag(inventory, "register-user", USER, env=systemd.environment | stand_in.environment).succeeded(1)

    assert int(stand_in.question()["wait_timeout"]) == 300


def test_a_service_that_runs_is_left_alone_and_not_waited_for(
    ansible: Ansible, make_inventory: Callable[..., Path], systemd: Systemd, stand_in: StandIn
) -> None:
    systemd.start()
    environment = systemd.environment | stand_in.environment

    ansible.tag(make_inventory(**DEPLOYED), "register-user", USER, env=environment).succeeded(changed=0)

    assert not [call for call in systemd.calls if call.startswith("start")]
    assert int(stand_in.question()["wait_timeout"]) == 0


@pytest.mark.parametrize(
    ("tag", "variables"),
    [
        ("update-user-password", USER),
        ("promote-user", USER),
        ("demote-user", USER),
        ("deactivate-user", USER),
        ("forget-service-account", {}),
        ("ensure-matrix-users-created", {"matrix_users_list": [{"username": "alice"}]}),
    ],
)
def test_every_tag_that_changes_something_starts_it(
    newest_ansible: Ansible,
    make_inventory: Callable[..., Path],
    systemd: Systemd,
    stand_in: StandIn,
    tag: str,
    variables: dict[str, Any],
) -> None:
    environment = systemd.environment | stand_in.environment

    newest_ansible.tag(make_inventory(**DEPLOYED), tag, variables, env=environment).succeeded(changed=1)

    assert systemd.active
    assert int(stand_in.question()["wait_timeout"]) == 120


@pytest.mark.parametrize("tag", ["registrar-doctor", "registrar-connection"])
def test_looking_starts_nothing(
    newest_ansible: Ansible, make_inventory: Callable[..., Path], systemd: Systemd, stand_in: StandIn, tag: str
) -> None:
    inventory = make_inventory(**DEPLOYED, matrix_users_start_service=True)

    newest_ansible.tag(inventory, tag, {}, env=systemd.environment | stand_in.environment).succeeded(changed=0)

    assert systemd.calls == []
    assert int(stand_in.question()["wait_timeout"]) == 0


def test_nobody_listed_starts_nothing(
    newest_ansible: Ansible, make_inventory: Callable[..., Path], systemd: Systemd, stand_in: StandIn
) -> None:
    environment = systemd.environment | stand_in.environment

    newest_ansible.tag(make_inventory(**DEPLOYED), "ensure-users-created", {}, env=environment).succeeded(0)

    assert systemd.calls == []
    assert stand_in.questions() == []


URL = {"matrix_users_url": "http://127.0.0.1:8008", "matrix_users_registration_shared_secret": "own"}
SOCKET = {"matrix_users_unix_socket": "/run/synapse.sock", "matrix_users_registration_shared_secret": "own"}


WANTED = [
    ({}, False),
    (URL, False),
    (DEPLOYED, True),
    ({"matrix_synapse_enabled": True}, True),
    ({"matrix_synapse_enabled": False}, False),
    ({"matrix_synapse_enabled": "{{ nobody_defines_this }}"}, False),
    (DENDRITE, True),
    (DENDRITE | URL, False),
    ({"matrix_homeserver_implementation": "tuwunel"}, True),
    ({"matrix_homeserver_implementation": "continuwuity"} | URL, False),
    ({"matrix_dendrite_enabled": True}, True),
    ({"matrix_dendrite_enabled": False}, False),
    ({"matrix_dendrite_enabled": "{{ nobody_defines_this }}"}, False),
    # An address that somebody gives may lead to another machine.
    (DEPLOYED | URL, False),
    (DEPLOYED | SOCKET, False),
    (DEPLOYED | {"matrix_users_start_service": False}, False),
    (DEPLOYED | URL | {"matrix_users_start_service": True}, True),
    (URL | {"matrix_users_start_service": True}, True),
    (URL | {"matrix_users_start_service": "yes"}, True),
]


def test_it_is_started_where_that_is_wanted(
    ansible: Ansible, tmp_path: Path, stand_in: StandIn
) -> None:
    systemd = Systemd(tmp_path / "systemd", UNIT, "matrix-dendrite.service", "matrix-tuwunel.service")
    python = {"ansible_python_interpreter": sys.executable}
    hosts = {f"case{i}.test": python | variables for i, (variables, _) in enumerate(WANTED)}
    arguments = ["--check", "--extra-vars=matrix_users_many_hosts=true"]

    # In check mode, a start is a change, and no host's start is seen by the next.
    run = ansible.tag(
        write_hosts(tmp_path, hosts), "register-user", USER, *arguments,
        env=systemd.environment | stand_in.environment,
    )

    assert run.rc == 0, run.output
    would = [bool(run.hosts[f"case{i}.test"]["changed"]) for i in range(len(WANTED))]
    assert would == [started for _, started in WANTED]
    assert len(stand_in.questions()) == would.count(False)


def test_dendrite_has_a_unit_of_its_own(
    ansible: Ansible, make_inventory: Callable[..., Path], tmp_path: Path, stand_in: StandIn
) -> None:
    systemd = Systemd(tmp_path / "systemd", "matrix-dendrite.service")
    environment = systemd.environment | stand_in.environment

    ansible.tag(make_inventory(**DENDRITE), "register-user", USER, env=environment).succeeded(changed=1)

    assert "start matrix-dendrite.service" in systemd.calls
    assert int(stand_in.question()["wait_timeout"]) == 120


def test_matrix_authentication_service_is_started_with_synapse(
    ansible: Ansible, make_inventory: Callable[..., Path], tmp_path: Path, stand_in: StandIn
) -> None:
    systemd = Systemd(tmp_path / "systemd", UNIT, MAS_UNIT)
    # One state for two units: the first start would hide that the other is due.
    script = systemd.folder / "systemctl"
    script.write_text(script.read_text().replace("/active", "/active-$2"))
    inventory = make_inventory(**DEPLOYED, matrix_authentication_service_enabled=True)
    environment = systemd.environment | stand_in.environment

    ansible.tag(inventory, "register-user", USER, env=environment).succeeded(changed=2)

    starts = [call for call in systemd.calls if call.startswith("start")]
    assert starts == [f"start {UNIT}", f"start {MAS_UNIT}"]
    assert int(stand_in.question()["wait_timeout"]) == 120

    (systemd.folder / f"active-{MAS_UNIT}").unlink()
    run = ansible.tag(inventory, "register-user", USER, "--check", env=environment).succeeded(changed=1)
    assert f"{MAS_UNIT} does not run, and would be started" in run.output


def test_the_unit_may_be_another_one(
    newest_ansible: Ansible, make_inventory: Callable[..., Path], tmp_path: Path, stand_in: StandIn
) -> None:
    systemd = Systemd(tmp_path / "systemd", "synapse-of-ours.service")
    inventory = make_inventory(**DEPLOYED, matrix_users_service="synapse-of-ours.service")

    newest_ansible.tag(inventory, "register-user", USER, env=systemd.environment | stand_in.environment).succeeded(1)

    assert "start synapse-of-ours.service" in systemd.calls


def test_a_unit_that_is_not_there_is_named(
    newest_ansible: Ansible, make_inventory: Callable[..., Path], tmp_path: Path, stand_in: StandIn
) -> None:
    systemd = Systemd(tmp_path / "systemd", "something-else.service")
    environment = systemd.environment | stand_in.environment

    newest_ansible.tag(make_inventory(**DEPLOYED), "register-user", USER, env=environment).failed(UNIT)

    assert stand_in.questions() == []


def test_check_mode_starts_nothing_and_says_where_it_ends(
    ansible: Ansible, make_inventory: Callable[..., Path], systemd: Systemd, stand_in: StandIn
) -> None:
    environment = systemd.environment | stand_in.environment

    run = ansible.tag(make_inventory(**DEPLOYED), "register-user", USER, "--check", env=environment)

    run.succeeded(changed=1)
    assert f"{UNIT} does not run, and would be started" in run.output
    assert not systemd.active
    assert stand_in.questions() == []


def test_check_mode_asks_a_service_that_runs(
    ansible: Ansible, make_inventory: Callable[..., Path], systemd: Systemd, stand_in: StandIn
) -> None:
    systemd.start()
    environment = systemd.environment | stand_in.environment

    ansible.tag(make_inventory(**DEPLOYED), "register-user", USER, "--check", env=environment).succeeded(changed=0)

    assert stand_in.question()["username"] == "alice"


def test_a_server_that_takes_its_time_after_the_start_is_waited_for(
    newest_ansible: Ansible, make_inventory: Callable[..., Path], systemd: Systemd, tmp_path: Path
) -> None:
    with Synapse(start=False) as synapse:
        # `start` returns at once, and the server answers some seconds later.
        script = systemd.folder / "systemctl"
        go = tmp_path / "go"
        script.write_text(script.read_text().replace("start) touch", f"start) touch {go}; touch"))
        inventory = make_inventory(
            matrix_users_url=synapse.url,
            matrix_users_registration_shared_secret=synapse.secret,
            matrix_users_start_service=True,
        )
        def start_when_told() -> None:
            while not go.exists():
                time.sleep(0.1)
            synapse.start()

        starting = threading.Thread(target=start_when_told)
        starting.start()
        run = newest_ansible.tag(inventory, "register-user", USER, env=systemd.environment)
        starting.join()

        run.succeeded(changed=2)
        assert synapse.user("alice") is not None
