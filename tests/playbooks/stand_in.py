# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules that do nothing but write down what they were asked, for what becomes
of variables before a server is asked; and hosts that differ in variables alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

# WANT_JSON: Ansible then puts the arguments into a file of JSON.
SCRIPT = """#!/bin/sh
# WANT_JSON
cp "$1" "$(mktemp {folder}/XXXXXX.json)"
cat {reply}
"""


class StandIn:
    """A folder for ANSIBLE_LIBRARY, with modules of these names and replies."""

    def __init__(self, folder: Path, replies: Mapping[str, Any]) -> None:
        self.library = folder / "library"
        self.asked = folder / "asked"
        for part in (self.library, self.asked):
            part.mkdir(parents=True)
        for name, reply in replies.items():
            (folder / f"{name}.json").write_text(json.dumps(reply))
            script = self.library / name
            script.write_text(SCRIPT.format(folder=self.asked, reply=folder / f"{name}.json"))
            script.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        return {"ANSIBLE_LIBRARY": str(self.library)}

    def questions(self) -> list[dict[str, Any]]:
        """What they were asked, without what Ansible adds of its own."""
        asked = [json.loads(file.read_text()) for file in self.asked.iterdir()]
        return [{k: v for k, v in one.items() if not k.startswith("_ansible")} for one in asked]

    def question(self) -> dict[str, Any]:
        (only,) = self.questions()
        return only

    def of(self, server_name: str) -> dict[str, Any] | None:
        """The one question about that server, if there was any."""
        asked = [one for one in self.questions() if one.get("server_name") == server_name]
        assert len(asked) <= 1, asked
        return asked[0] if asked else None


# The replies of library/matrix_user.yml and library/matrix_connection_info.yml.
NOBODY_CHANGED = {
    "changed": False,
    "user": {"username": "alice", "changed": False, "actions": [], "password_set": False},
    "users": [],
    "summary": {"created": 0, "changed": 0, "unchanged": 0, "failed": 0},
}
ALL_IS_WELL = {"changed": False, "summary": "all is well", "connection": {"url": "http://found.test"}}
REPLIES = {"matrix_user": NOBODY_CHANGED, "matrix_connection_info": ALL_IS_WELL}


def write_hosts(folder: Path, hosts: Mapping[str, Mapping[str, Any]]) -> Path:
    """An inventory of local hosts in matrix_servers. Each is the host of the server
    whose name it has itself, so that what was asked about it is found again."""
    own = {
        name: {"ansible_connection": "local", "matrix_users_server_name": name} | dict(variables)
        for name, variables in hosts.items()
    }
    path = folder / "hosts.yml"
    path.write_text(yaml.safe_dump({"matrix_servers": {"hosts": own}}))
    return path
