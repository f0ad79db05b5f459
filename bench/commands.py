# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command under bench/measure.c, and the commands that are compared."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple

from tests.support import postgres_binaries
from tests.support.dendrite import Dendrite
from tests.support.mas import Mas
from tests.support.mas_wire import Reply, Request
from tests.support.paths import BUILD, DENDRITE_BIN, ROOT, VENVS
from tests.support.synapse import Synapse

REGISTRAR = BUILD / "registrar"
MEASURE = BUILD / "bench" / "measure"
REGISTER_PATH = "/_synapse/admin/v1/register"


class Cost(NamedTuple):
    """What a command took. Seconds, seconds of processor time, MiB."""

    wall: float
    processor: float
    memory: float


class Bench:
    """A folder for arguments and replies, and the commands that use it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers = iter(range(1, 1_000_000))

    def file(self, name: str, content: str) -> Path:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(content)
        return path

    def run(self, *command: object, exit_code: int = 0) -> tuple[Cost, str]:
        """What it took, and what it wrote to stdout."""
        result = self.folder / "result"
        done = subprocess.run(
            [MEASURE, result, *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            check=True,
            cwd=ROOT,
        )
        wall, processor, memory, status = map(int, result.read_text().split())
        assert status == exit_code, f"{command}: {status}: {done.stdout}{done.stderr}"
        return Cost(wall / 1e6, processor / 1e6, memory / 1024), done.stdout

    def registrar(self, arguments: dict[str, Any], exit_code: int = 0) -> tuple[Cost, Any]:
        keys = {"_ansible_module_name": "matrix_user"}
        file = self.file("args", json.dumps(keys | arguments))
        cost, out = self.run(REGISTRAR, file, exit_code=exit_code)
        return cost, json.loads(out)

    # One creation, three ways

    def name(self) -> str:
        return f"bench-{next(self.numbers)}"

    def create_by_registrar(self, server: Synapse) -> Cost:
        arguments = {
            "backend": "synapse",
            "url": server.url,
            "registration_shared_secret": server.secret,
            "username": self.name(),
            "password": "a password for the bench",
        }
        cost, reply = self.registrar(arguments)
        assert reply["changed"] is True, reply
        return cost

    def create_by_their_script(self, server: Synapse) -> Cost:
        password = self.file("password", "a password for the bench")
        cost, _ = self.run(
            VENVS / "synapse" / "bin" / "register_new_matrix_user",
            *("--user", self.name(), "--password-file", password, "--no-admin"),
            *("--config", server.folder / "homeserver.yaml", server.url),
        )
        return cost

    def create_by_curl(self, server: Synapse) -> Cost:
        """GET and POST by curl; the MAC between them is not counted."""
        # -q: not the ~/.curlrc of the person who measures.
        curl = ("curl", "-q", "--silent", "--fail", "--noproxy", "*")
        url = server.url + REGISTER_PATH
        get, out = self.run(*curl, url)
        nonce = json.loads(out)["nonce"]
        user, password = self.name(), "a password for the bench"
        content = "\0".join((nonce, user, password, "notadmin")).encode()
        mac = hmac.new(server.secret.encode(), content, hashlib.sha1).hexdigest()
        body = {
            "nonce": nonce,
            "username": user,
            "password": password,
            "admin": False,
            "mac": mac,
            "inhibit_login": True,
        }
        file = self.file("body", json.dumps(body))
        post, out = self.run(*curl, "--json", f"@{file}", url)
        assert json.loads(out)["user_id"] == server.user_id(user), out
        return Cost(get.wall + post.wall, get.processor + post.processor, post.memory)


    # One registration on Dendrite, two ways

    def register_by_registrar(self, server: Dendrite) -> Cost:
        """And no session is left, which create-account leaves."""
        arguments = {
            "backend": "dendrite",
            "url": server.url,
            "registration_shared_secret": server.secret,
            "username": self.name(),
            "password": "a password for the bench",
        }
        cost, reply = self.registrar(arguments)
        assert reply["changed"] is True, reply
        return cost

    def register_by_create_account(self, server: Dendrite) -> Cost:
        password = self.file("password", "a password for the bench")
        words = ["-config", server.folder / "dendrite.yaml", "-url", server.url]
        words += ["-username", self.name(), "-passwordfile", password]
        cost, _ = self.run(DENDRITE_BIN / "create-account", *words)
        return cost

    # One new user of MAS, which is a stand-in

    def create_in_mas(self, mas: Mas) -> tuple[Cost, float]:
        """And how long the stand-in had the requests."""
        begun: dict[int, float] = {}
        spent = 0.0

        def before(request: Request) -> None:
            begun[id(request)] = time.monotonic()

        def after(request: Request, _: Reply) -> None:
            nonlocal spent
            spent += time.monotonic() - begun.pop(id(request))

        mas.before, mas.after = before, after
        user = {"username": self.name(), "password": "a Password for the bench"}
        cost, reply = self.registrar(mas.task(url=mas.beside.server.url) | user)
        mas.before = mas.after = None
        assert reply["changed"] is True, reply
        return cost, spent

    # One promotion, two ways; as a peer of the socket, or with a password

    def promote_by_registrar(self, server: Synapse, who: dict[str, str], admin: bool) -> Cost:
        assert server.postgres is not None
        arguments = {
            "backend": "synapse",
            "url": server.url,
            "server_name": server.server_name,
            "database": {
                "host": str(server.postgres.socket_folder),
                "port": server.postgres.port,
                "name": server.database_name,
                **who,
            },
            "username": "bench-existing",
            "admin": admin,
        }
        cost, reply = self.registrar(arguments)
        assert reply["changed"] is True, reply
        return cost

    def promote_by_psql(self, server: Synapse, who: dict[str, str], admin: bool) -> Cost:
        """The password is in a file."""
        assert server.postgres is not None
        file = self.file("pgpass", f"*:*:*:*:{who.get('password', '')}\n")
        conninfo = (
            f"host={server.postgres.socket_folder} port={server.postgres.port} "
            f"dbname={server.database_name} user={who['user']} passfile={file}"
        )
        user_id = server.user_id("bench-existing")
        update = f"UPDATE users SET admin = {int(admin)} WHERE name = '{user_id}'"
        psql = postgres_binaries.find("psql")
        cost, out = self.run(psql, "--no-psqlrc", "-c", update, conninfo)
        assert out == "UPDATE 1\n", out
        return cost


def task_times(bench: Bench, server: Synapse, rounds: int, pipelining: bool) -> dict[str, list[float]]:
    """Seconds per task of one ansible-playbook run, in which they take turns."""
    account = {
        "url": server.url,
        "backend": "synapse",
        "username": "bench-existing",
        "access_token": "{{ lookup('env', 'BENCH_TOKEN') }}",
    }
    task_list: list[dict[str, Any]] = []
    for _ in range(rounds):
        task_list.append({"name": "ping", "ansible.builtin.ping": {}})
        task_list.append({"name": "matrix_user", "matrix_user": account})
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": task_list}
    playbook = bench.file("tasks.yml", json.dumps([play]))
    times = bench.file("times", "")
    environment = os.environ | {
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "bench" / "callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "task_times",
        "ANSIBLE_CONFIG": str(bench.file("ansible.cfg", "")),
        "ANSIBLE_HOME": str(bench.folder / "ansible"),
        "ANSIBLE_LIBRARY": str(ROOT / "library"),
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
        "ANSIBLE_PIPELINING": str(pipelining),
        "ANSIBLE_REMOTE_TMP": str(bench.folder / "ansible" / "tmp"),
        "BENCH_TASK_TIMES": str(times),
        "BENCH_TOKEN": server.admin_token,
    }
    done = subprocess.run(
        ["ansible-playbook", playbook], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "changed=0" in done.stdout, done.stdout
    found: dict[str, list[float]] = {"ping": [], "matrix_user": []}
    for line in times.read_text().splitlines():
        name, seconds = json.loads(line)
        found[name].append(seconds)
    assert all(len(seconds) == rounds for seconds in found.values()), found
    # The first of a kind warms Ansible's caches up.
    return {name: seconds[1:] for name, seconds in found.items()}
