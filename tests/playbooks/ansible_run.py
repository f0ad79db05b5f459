# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the real ansible-playbook, and reads what it printed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.paths import ROOT, VENVS

# Which virtual environment has which ansible-core.
VENV_OF_VERSION = {"oldest": "oldest", "newest": "tools"}
SITE = ROOT / "playbooks" / "site.yml"
# Its name in the folder of an inventory.
SESSION_FILE = "session.json"
TIMEOUT = 120


@dataclass(frozen=True)
class Run:
    """One run that is over."""

    rc: int
    output: str

    @property
    def hosts(self) -> dict[str, dict[str, int]]:
        """The recap: hosts["server"]["changed"]."""
        lines = re.findall(r"^(\S+) +: (ok=.*)$", self.output, re.MULTILINE)
        return {
            host: {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", counts)}
            for host, counts in lines
        }

    @property
    def changed(self) -> int:
        return sum(counts["changed"] for counts in self.hosts.values())

    @property
    def failure(self) -> dict[str, Any]:
        """The reply of the one task that failed."""
        starts = [m.end() for m in re.finditer(r"^fatal: \[[^]]+\]: FAILED! => ", self.output, re.MULTILINE)]
        assert len(starts) == 1, f"not exactly one failure: {self.output}"
        return json.JSONDecoder().raw_decode(self.output, starts[0])[0]

    def succeeded(self, changed: int) -> Run:
        assert self.rc == 0, self.output
        assert self.changed == changed, self.output
        return self

    def failed(self, *parts: str, kind: str | None = None) -> Run:
        """It failed with a message that has these parts, and changed nothing."""
        assert self.rc == 2, self.output
        assert self.changed == 0, self.output
        for part in parts:
            assert part in self.failure["msg"], f"no {part!r} in: {self.failure['msg']}"
        if kind is not None:
            assert self.failure["error"]["kind"] == kind, self.failure
        return self


@dataclass(frozen=True)
class Ansible:
    """One version of ansible-core, with a folder for what it leaves behind."""

    version: str
    home: Path

    def command(self, name: str) -> Path:
        command = VENVS / VENV_OF_VERSION[self.version] / "bin" / name
        assert command.exists(), f"{command} is missing: run `make deps`"
        return command

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Small, and without what the person who tests has set."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.home),
            "ANSIBLE_LOCAL_TEMP": str(self.home / "tmp"),
            "ANSIBLE_REMOTE_TMP": str(self.home / "tmp"),
            "ANSIBLE_NOCOLOR": "1",
        } | dict(extra or {})

    def run(
        self,
        inventory: Path | str,
        *arguments: str,
        playbook: Path = SITE,
        env: Mapping[str, str] | None = None,
    ) -> Run:
        command = [self.command("ansible-playbook"), f"--inventory={inventory}", playbook, *arguments]
        process = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT,
        )
        return Run(process.returncode, process.stdout.decode("utf8", "replace"))

    def tag(
        self,
        inventory: Path | str,
        tag: str,
        variables: Mapping[str, Any] | str,
        *arguments: str,
        env: Mapping[str, str] | None = None,
    ) -> Run:
        """One tag of the playbook; the extra variables as JSON, or as they are."""
        if not isinstance(variables, str):
            variables = json.dumps(variables)
        return self.run(inventory, f"--tags={tag}", f"--extra-vars={variables}", *arguments, env=env)


def write_inventory(
    folder: Path, variables: Mapping[str, Any], hosts: Sequence[str] = ("server",)
) -> Path:
    """An inventory of local hosts in the group matrix_servers. Sessions are kept
    beside it: the role's own place for them is this machine's."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "inventory.json"
    # JSON is YAML, and the plugin for YAML takes the ending, too.
    group = {
        "hosts": dict.fromkeys(hosts, {}),
        "vars": {
            "ansible_connection": "local",
            # For Ansible's own modules: the first on PATH may be none.
            "ansible_python_interpreter": sys.executable,
            "matrix_users_session_file": str(folder / SESSION_FILE),
        }
        | dict(variables),
    }
    path.write_text(json.dumps({"matrix_servers": group}))
    return path
