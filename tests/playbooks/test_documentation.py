# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-doc finds the module and the role, in this folder."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.playbooks.ansible_run import TIMEOUT, Ansible
from tests.support.paths import ROOT


def doc(ansible: Ansible, *arguments: str) -> Any:
    command = [ansible.command("ansible-doc"), "--json", *arguments]
    output = subprocess.check_output(
        command, cwd=ROOT, env=ansible.environment(), stderr=subprocess.PIPE, timeout=TIMEOUT
    )
    return json.loads(output)


def test_ansible_doc_shows_the_module(ansible: Ansible) -> None:
    page = doc(ansible, "matrix_user")["matrix_user"]

    assert page["doc"]["attributes"]["check_mode"]["support"] == "full"
    assert page["doc"]["attributes"]["diff_mode"]["support"] == "full"
    assert "matrix_user:" in page["examples"]
    assert "user" in page["return"]


def test_ansible_doc_shows_the_entry_points_of_the_role(ansible: Ansible) -> None:
    page = doc(ansible, "--type=role", "--roles-path", "roles", "matrix_users")["matrix_users"]

    assert page["entry_points"].keys() == {"register", "update_password", "promote", "demote", "deactivate"}
