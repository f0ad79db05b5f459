# SPDX-License-Identifier: GPL-3.0-or-later
"""roles/matrix_users/tasks/first_run.yml: the token of a continuwuity that has no
account yet, out of the journal of its unit.

systemctl and journalctl are stand-ins, first on PATH. The second answers as systemd
257 does: with the messages of the one start that is asked for, as they are, of which
those are left that --grep finds; and with status 1 where there are none. The banner is
that of continuwuity 26.7.3, seen running: with colours, also where log_colors is false.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.playbooks.ansible_run import Ansible, Run
from tests.playbooks.stand_in import NOBODY_CHANGED, StandIn

UNIT = "matrix-continuwuity.service"
DEPLOYED = {"matrix_homeserver_implementation": "continuwuity", "matrix_domain": "example.test"}
USER = {"username": "alice", "password": "correct horse", "admin": "yes"}
FIRST, SECOND = "0123456789abcdef" * 2, "fedcba9876543210" * 2
TOKEN = "aB3dE6gH9jK2mN5p"


def banner(token: str) -> str:
    return (
        "Welcome to \x1b[38;2;255;0;0mContinuwuity\x1b[0m!\n"
        "In order to use your new homeserver, you need to create its first user account.\n"
        f"Open your Matrix client of choice and register an account on \x1b[32mexample.test\x1b[0m"
        f" using the registration token \x1b[33m{token}\x1b[0m . Pick your own username and password!\n"
    )


SYSTEMCTL = """#!/bin/sh
echo "systemctl $*" >>{folder}/calls
[ "$*" = "show --property=InvocationID --value {unit}" ] && cat {folder}/invocation
[ "$1" != start ] || cp {folder}/after/* {folder}
case $* in "show {unit}") echo LoadState=loaded; echo ActiveState=$(cat {folder}/state) ;; esac
exit 0
"""
JOURNALCTL = """#!/bin/sh
echo "journalctl $*" >>{folder}/calls
for argument; do
    case $argument in
    --grep=*) pattern=${{argument#--grep=}} ;;
    _SYSTEMD_INVOCATION_ID=*) start=${{argument#*=}} ;;
    esac
done
grep "$pattern" "{folder}/journal-$start" 2>/dev/null
status=$?
# What is written only after it was asked for.
[ ! -e {folder}/late ] || mv {folder}/late "{folder}/journal-$start"
exit $status
"""


class Host:
    """What a unit wrote in its starts, and which is the newest."""

    def __init__(self, folder: Path, journals: Mapping[str, str], newest: str = FIRST, unit: str = UNIT) -> None:
        self.folder = folder
        (folder / "after").mkdir(parents=True)
        (folder / "invocation").write_text(f"{newest}\n")
        (folder / "state").write_text("active")
        for start, text in journals.items():
            (folder / f"journal-{start}").write_text(text)
        for name, script in {"systemctl": SYSTEMCTL, "journalctl": JOURNALCTL}.items():
            program = folder / name
            program.write_text(script.format(folder=folder, unit=unit))
            program.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": f"{self.folder}:{os.environ['PATH']}"}

    def calls(self, program: str) -> list[str]:
        calls = self.folder / "calls"
        return [call for call in calls.read_text().splitlines() if call.startswith(program)] if calls.exists() else []


def replies(works: bool | None) -> dict[str, Any]:
    """works: what the homeserver says of the token, or None: it is not in reach."""
    entry = {"option": "registration_token", "works": works}
    info = {"changed": False, "summary": "seen", "credentials": [entry]} if works is not None else {
        "failed": True, "changed": False, "msg": "nothing listens there", "error": {"kind": "unreachable"},
    }
    return {"matrix_user": NOBODY_CHANGED, "matrix_connection_info": info}


class World:
    """One run of a tag, with what was asked of the modules in it."""

    def __init__(self, folder: Path, host: Host, works: bool | None = True) -> None:
        self.host = host
        self.stand_in = StandIn(folder / "stand-in", replies(works))

    def run(self, ansible: Ansible, inventory: Path, tag: str = "register-user", *arguments: str) -> Run:
        environment = self.host.environment | self.stand_in.environment
        return ansible.tag(inventory, tag, USER, *arguments, env=environment)

    @property
    def of_users(self) -> dict[str, Any]:
        (question,) = (one for one in self.stand_in.questions() if "username" in one or "users" in one)
        return question


@pytest.fixture
def deployed(make_inventory: Callable[..., Path]) -> Path:
    return make_inventory(**DEPLOYED, matrix_users_start_service=False)


@pytest.mark.every_ansible
def test_the_token_is_read_and_opens_the_server_for_the_first_account(
    ansible: Ansible, tmp_path: Path, deployed: Path
) -> None:
    world = World(tmp_path, Host(tmp_path / "host", {FIRST: "starting\n" + banner(TOKEN)}))

    run = world.run(ansible, deployed, "register-user", "-vvv").succeeded(changed=0)

    assert world.of_users["registration_token"] == TOKEN
    assert world.of_users["backend"] == "continuwuity"
    assert TOKEN not in run.output
    assert world.host.calls("systemctl") == [f"systemctl show --property=InvocationID --value {UNIT}"]


@pytest.mark.every_ansible
def test_check_mode_reads_it_too(ansible: Ansible, tmp_path: Path, deployed: Path) -> None:
    world = World(tmp_path, Host(tmp_path / "host", {FIRST: banner(TOKEN)}))

    world.run(ansible, deployed, "register-user", "--check", "--diff").succeeded(changed=0)

    assert world.of_users["registration_token"] == TOKEN


@pytest.mark.parametrize(
    ("journals", "newest"),
    [
        ({}, FIRST),
        ({FIRST: "an ordinary start\n"}, FIRST),
        # It was a token until that start, and is none any more.
        ({FIRST: banner(TOKEN), SECOND: "an ordinary start\n"}, SECOND),
        ({FIRST: banner(TOKEN)}, ""),
        # Nothing that could be one.
        ({FIRST: banner("too-short")}, FIRST),
        ({FIRST: banner(TOKEN + "x")}, FIRST),
    ],
    ids=["no-journal", "no-banner", "older-start", "never-started", "not-a-token", "longer-than-a-token"],
)
def test_without_a_token_since_the_newest_start_there_is_none(
    newest_ansible: Ansible, tmp_path: Path, deployed: Path, journals: dict[str, str], newest: str
) -> None:
    world = World(tmp_path, Host(tmp_path / "host", journals, newest))

    world.run(newest_ansible, deployed).succeeded(changed=0)

    assert "registration_token" not in world.of_users


@pytest.mark.parametrize("works", [False, None])
def test_a_token_that_opens_nothing_any_more_is_not_used(
    newest_ansible: Ansible, tmp_path: Path, deployed: Path, works: bool | None
) -> None:
    world = World(tmp_path, Host(tmp_path / "host", {FIRST: banner(TOKEN)}), works)

    world.run(newest_ansible, deployed).succeeded(changed=0)

    assert "registration_token" not in world.of_users


def test_of_two_tokens_the_configured_one_is_used_once_there_are_accounts(
    newest_ansible: Ansible, tmp_path: Path, make_inventory: Callable[..., Path]
) -> None:
    inventory = make_inventory(
        **DEPLOYED,
        matrix_users_start_service=False,
        matrix_continuwuity_config_allow_registration=True,
        matrix_continuwuity_config_registration_token="configured",
    )

    for works, expected in {True: TOKEN, False: "configured"}.items():
        folder = tmp_path / str(works)
        world = World(folder, Host(folder / "host", {FIRST: banner(TOKEN)}), works)
        world.run(newest_ansible, inventory).succeeded(changed=0)
        assert world.of_users["registration_token"] == expected


@pytest.mark.parametrize(
    "variables",
    [
        DEPLOYED | {"matrix_users_access_token": "token"},
        DEPLOYED | {"matrix_users_admin_username": "alice", "matrix_users_admin_password": "hers"},
        DEPLOYED | {"matrix_continuwuity_config_emergency_password": "emergency"},
        DEPLOYED | {"matrix_homeserver_implementation": "tuwunel"},
        {"matrix_homeserver_implementation": "synapse"},
    ],
    ids=["token", "administrator", "emergency", "tuwunel", "synapse"],
)
def test_with_anything_else_that_opens_it_nothing_is_read(
    newest_ansible: Ansible, tmp_path: Path, make_inventory: Callable[..., Path], variables: dict[str, Any]
) -> None:
    world = World(tmp_path, Host(tmp_path / "host", {FIRST: banner(TOKEN)}))

    world.run(newest_ansible, make_inventory(**variables, matrix_users_start_service=False)).succeeded(changed=0)

    assert "registration_token" not in world.of_users
    assert world.host.calls("") == []


def test_looking_for_the_connection_reads_nothing(newest_ansible: Ansible, tmp_path: Path, deployed: Path) -> None:
    world = World(tmp_path, Host(tmp_path / "host", {FIRST: banner(TOKEN)}))

    world.run(newest_ansible, deployed, "registrar-connection").succeeded(changed=0)

    assert world.host.calls("") == []


def test_the_doctor_tries_it(newest_ansible: Ansible, tmp_path: Path, deployed: Path) -> None:
    world = World(tmp_path, Host(tmp_path / "host", {FIRST: banner(TOKEN)}))

    world.run(newest_ansible, deployed, "registrar-doctor").succeeded(changed=0)

    assert [one.get("registration_token") for one in world.stand_in.questions()] == [TOKEN, TOKEN]


def test_after_a_start_it_is_waited_for(
    newest_ansible: Ansible, tmp_path: Path, make_inventory: Callable[..., Path]
) -> None:
    host = Host(tmp_path / "host", {}, newest="")
    (host.folder / "state").write_text("inactive")
    for name, text in {"state": "active", "invocation": f"{FIRST}\n", "late": banner(TOKEN)}.items():
        (host.folder / "after" / name).write_text(text)
    world = World(tmp_path, host)

    world.run(newest_ansible, make_inventory(**DEPLOYED)).succeeded(changed=1)

    assert f"systemctl start {UNIT}" in host.calls("systemctl")
    assert world.of_users["registration_token"] == TOKEN
    assert world.of_users["wait_timeout"] == 120
    assert len(host.calls("journalctl")) == 2


def test_a_server_of_one_s_own_has_its_unit_named(
    newest_ansible: Ansible, tmp_path: Path, make_inventory: Callable[..., Path]
) -> None:
    unit = "continuwuity.service"
    world = World(tmp_path, Host(tmp_path / "host", {FIRST: banner(TOKEN)}, unit=unit))
    inventory = make_inventory(
        matrix_users_backend="continuwuity", matrix_users_url="http://127.0.0.1:8008", matrix_users_service=unit
    )

    world.run(newest_ansible, inventory).succeeded(changed=0)

    assert world.of_users["registration_token"] == TOKEN
