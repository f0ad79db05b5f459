# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables, and the connection that roles/matrix_users/tasks/connection.yml makes of
them. Every case is a host of one inventory, so that one run works them all out.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.playbooks.ansible_run import Ansible

Outcome = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """Variables, and what is to come of them: settings, or parts of a message."""

    name: str
    variables: dict[str, Any]
    connection: dict[str, str] = field(default_factory=dict)
    credential: dict[str, str] = field(default_factory=dict)
    # All of it.
    database: dict[str, Any] | None = None
    pepper: str | None = None
    problem: tuple[str, ...] = ()
    mas: dict[str, str] = field(default_factory=dict)
    mas_credential: dict[str, str] = field(default_factory=dict)
    server: str | None = None
    # Parts of what is said to set, where nothing else opens it.
    opening: tuple[str, ...] = ()
    # In whose journal the token of the first account is looked for.
    first_run_unit: str | None = None


# Writes what came out, secrets included: they are made up.
PLAY = """
- name: Work every case out
  hosts: all
  gather_facts: false
  tasks:
    - name: Work it out
      ansible.builtin.include_role:
        name: matrix_users
        tasks_from: connection
    - name: Write it down
      ansible.builtin.debug:
        msg: >-
          CASE {{ {
            'name': inventory_hostname,
            'connection': matrix_users_connection,
            'credential': matrix_users_credential,
            'database': matrix_users_known_database,
            'pepper': matrix_users_known_pepper,
            'mas': matrix_users_mas,
            'mas_credential': matrix_users_mas_credential,
            'server': matrix_users_server,
            'opening': matrix_users_opening,
            'first_run_unit': matrix_users_first_run_unit,
            'problem': matrix_users_problem
          } | to_json | b64encode }} END
"""


def name_of(case: Case) -> str:
    return re.sub(r"[^\w.:-]+", "-", case.name)


def worked_out(ansible: Ansible, folder: Path, cases: Sequence[Case]) -> list[Outcome]:
    """What came of each, in their order."""
    playbook = folder / "cases.yml"
    playbook.write_text(PLAY)
    hosts = {f"case{i}": case.variables for i, case in enumerate(cases)}
    inventory = folder / "inventory.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": {"ansible_connection": "local"}}}))

    run = ansible.run(inventory, playbook=playbook)

    assert run.rc == 0, run.output
    found = [json.loads(base64.b64decode(text)) for text in re.findall(r"CASE (\S+) END", run.output)]
    assert len(found) == len(cases), run.output
    by_name = {outcome["name"]: outcome for outcome in found}
    return [by_name[f"case{i}"] for i in range(len(cases))]


def check(case: Case, outcome: Outcome) -> None:
    if case.problem:
        for part in case.problem:
            assert part in outcome["problem"]
        return
    assert outcome["problem"] == ""
    assert outcome["connection"].items() >= case.connection.items()
    assert outcome["credential"].items() >= case.credential.items()
    if case.database is not None:
        assert outcome["database"] == case.database
    assert outcome["mas"].items() >= case.mas.items()
    assert outcome["mas_credential"].items() >= case.mas_credential.items()
    if case.server is not None:
        assert outcome["server"] == case.server
    for part in case.opening:
        assert part in outcome["opening"]
    if case.first_run_unit is not None:
        assert outcome["first_run_unit"] == case.first_run_unit
    if case.pepper is not None:
        assert outcome["pepper"] == case.pepper
