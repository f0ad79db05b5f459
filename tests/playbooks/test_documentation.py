# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-doc finds the module and the role, in this folder; and the pages say
what is there."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest
import yaml

from tests.playbooks.ansible_run import TIMEOUT, Ansible
from tests.support.paths import ROOT

pytestmark = pytest.mark.every_ansible


def doc(ansible: Ansible, *arguments: str) -> Any:
    command = [ansible.command("ansible-doc"), "--json", *arguments]
    output = subprocess.check_output(
        command, cwd=ROOT, env=ansible.environment(), stderr=subprocess.PIPE, timeout=TIMEOUT
    )
    return json.loads(output)


@pytest.mark.parametrize(
    ("module", "diff_mode", "returned"),
    [("matrix_user", "full", "user"), ("matrix_connection_info", "none", "connection")],
)
def test_ansible_doc_shows_the_module(ansible: Ansible, module: str, diff_mode: str, returned: str) -> None:
    page = doc(ansible, module)[module]

    assert page["doc"]["attributes"]["check_mode"]["support"] == "full"
    assert page["doc"]["attributes"]["diff_mode"]["support"] == diff_mode
    assert f"{module}:" in page["examples"]
    assert returned in page["return"]


def test_ansible_doc_shows_the_entry_points_of_the_role(ansible: Ansible) -> None:
    page = doc(ansible, "--type=role", "--roles-path", "roles", "matrix_users")["matrix_users"]

    assert page["entry_points"].keys() == {
        "register",
        "update_password",
        "promote",
        "demote",
        "deactivate",
        "forget",
        "ensure",
        "connection_info",
        "doctor",
    }


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ROLE = ROOT / "roles" / "matrix_users"


# What no play includes by itself.
PARTS = {
    "account", "connected", "connection", "database", "family", "first_run", "listed", "look", "main", "mas",
    "unneeded", "users",
}


def variables_of_the_role() -> set[str]:
    return set(yaml.safe_load((ROLE / "defaults" / "main.yml").read_text()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Any) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_lists_every_page() -> None:
    readme = PAGES[0].read_text()

    assert [page.name for page in PAGES[1:] if f"| [docs/{page.name}](docs/{page.name}) |" not in readme] == []


def test_the_pages_name_only_variables_that_the_role_has() -> None:
    # This one is the plays'.
    known = variables_of_the_role() | {"matrix_users_many_hosts"}
    for page in PAGES:
        named = set(re.findall(r"\bmatrix_users_[a-z_]+[a-z]\b", page.read_text()))
        assert named <= known, page.name


def test_the_role_describes_the_variables_that_it_has() -> None:
    entries = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    described = {name for entry in entries.values() for name in entry["options"]}

    assert described == variables_of_the_role()
    files = {file.stem for file in (ROLE / "tasks").glob("*.yml")}
    assert entries.keys() == files - PARTS
