# SPDX-License-Identifier: GPL-3.0-or-later
"""A homeserver on a machine (tests/support/machine.py) as each of its packagers
leaves it there: the files, and the container where there is one. The server that
it says it is runs elsewhere; the templates are in configurations/."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Any, NamedTuple

from tests.support.engine import Engine
from tests.support.machine import Machine
from tests.support.module import Reply, default_binary, run_module
from tests.support.namespaces import Namespace
from tests.support.synapse import Synapse

TEMPLATES = Path(__file__).parent / "configurations"
# Secrets of the configuration that nobody asks for, and that are to stay there.
OTHERS = {
    "database_password": "Database_password_0123456789",
    "macaroon": "Macaroon_secret_0123456789",
}


class Deployment(NamedTuple):
    """What is to be said of it."""

    # Read, in this order.
    files: list[str]
    url: str
    # Where the shared secret is.
    secret_from: str
    container: str | None = None
    # Whether it is one that can be opened from outside.
    database: bool = False


def configuration(name: str, server: Synapse, **values: Any) -> str:
    known = {"port": server.port, "server_name": server.server_name, "secret": server.secret}
    text = (TEMPLATES / f"{name}.yaml").read_text()
    return Template(text).substitute(OTHERS | known | values)


def line_of(text: str, start: str) -> int:
    lines = text.splitlines()
    (line,) = [number for number, one in enumerate(lines, 1) if one.startswith(start)]
    return line


# On the machine itself


def debian(machine: Machine, server: Synapse, by_path: bool = False) -> Deployment:
    """The secret is in a file of conf.d, as Debian's README tells to put it, or in
    one of its own."""
    folder = "/etc/matrix-synapse"
    names = ["homeserver.yaml", "conf.d/registration.yaml"]
    names += ["conf.d/report_stats.yaml", "conf.d/server_name.yaml"]
    files = [f"{folder}/{name}" for name in names]
    secret = f'registration_shared_secret: "{server.secret}"\n'
    if by_path:
        secret = f"registration_shared_secret_path: {folder}/secret\n"
        machine.write(f"{folder}/secret", f"{server.secret}\n")
    machine.write(files[0], configuration("debian", server))
    machine.write(files[1], f"# Ours.\n{secret}")
    machine.write(files[2], "report_stats: false\n")
    machine.write(files[3], f"server_name: {server.server_name}\n")
    # Left by dpkg; Synapse reads what ends in .yaml.
    machine.write(f"{folder}/conf.d/server_name.yaml.dpkg-old", "server_name: old.test\n")
    url = f"http://127.0.0.1:{server.port}"
    return Deployment(files, url, f"{folder}/secret" if by_path else f"{files[1]}, line 2")


def plain(machine: Machine, server: Synapse, folder: str = "/etc/synapse") -> Deployment:
    """All in one file: Fedora's and Arch Linux' packages, or matrix.org's."""
    file = f"{folder}/homeserver.yaml"
    text = configuration("image", server, folder=folder)
    machine.write(file, text)
    line = line_of(text, "registration_shared_secret:")
    return Deployment([file], f"http://127.0.0.1:{server.port}", f"{file}, line {line}")


def with_listener(machine: Machine, server: Synapse, listener: str, more: str = "") -> str:
    """Debian's files, with another listener; the file that has it."""
    file = "/etc/matrix-synapse/homeserver.yaml"
    machine.write(
        file,
        f"server_name: {server.server_name}\n"
        f"registration_shared_secret: {server.secret}\n{more}listeners:\n"
        f"  - type: http\n    {listener}\n    resources: [{{names: [client, federation]}}]\n",
    )
    return file


# In a container


def playbook(
    machine: Machine,
    engine: Engine,
    host: Namespace,
    server: Synapse,
    by_path: bool = False,
    running: bool = True,
) -> Deployment:
    """matrix-docker-ansible-deploy's."""
    folder = "/matrix/synapse/config"
    text = configuration("playbook", server)
    secret = f'registration_shared_secret: "{server.secret}"\n'
    if by_path:
        secret = "registration_shared_secret_path: /data/secrets/registration\n"
        machine.write(f"{folder}/secrets/registration", f"{server.secret}\n")
    machine.write(f"{folder}/homeserver.yaml", text + secret)
    if running:
        start_playbook(engine, host)
    return Deployment(
        [f"{folder}/homeserver.yaml"],
        f"http://matrix-synapse:{server.port}",
        f"{folder}/secrets/registration"
        if by_path
        else f"{folder}/homeserver.yaml, line {len(text.splitlines()) + 1}",
        "matrix-synapse",
        database=True,
    )


def start_playbook(engine: Engine, host: Namespace, **container: Any) -> None:
    mounts = [
        ("bind", "/matrix/synapse/config", "/data"),
        ("bind", "/matrix/synapse/storage", "/matrix-media-store-parent"),
    ]
    known = {"pid": host.pid, "networks": {"matrix-homeserver": host.address}, "mounts": mounts}
    engine.add("matrix-synapse", **(known | container))


def image(
    machine: Machine, engine: Engine, host: Namespace, server: Synapse, name: str = "synapse"
) -> Deployment:
    """The official image's, with a volume for its data."""
    podman = engine.dialect == "podman"
    root = "/var/lib/containers/storage/volumes" if podman else "/var/lib/docker/volumes"
    volume = f"{root}/{name}-data/_data"
    text = configuration("image", server, folder="/data")
    machine.write(f"{volume}/homeserver.yaml", text)
    network = "podman" if podman else "bridge"
    engine.add(
        name, pid=host.pid, networks={network: host.address}, mounts=[("volume", volume, "/data")]
    )
    line = line_of(text, "registration_shared_secret:")
    file = f"{volume}/homeserver.yaml"
    return Deployment([file], f"http://{name}:{server.port}", f"{file}, line {line}", name)


# Asking


def run(machine: Machine, arguments: dict[str, Any], user: int = 0, **how: Any) -> Reply:
    """A task on the machine, by a user of it; what its files keep is in no reply."""
    module = how.get("module", "matrix_user")
    binary = machine.program(default_binary(module), user)
    secrets = (*how.pop("secrets", ()), *OTHERS.values())
    return run_module(arguments, binary=binary, secrets=secrets, **how)


def look(machine: Machine, **options: Any) -> Reply:
    """What matrix_connection_info finds there, without asking the server."""
    return run(machine, {"check": False} | options, module="matrix_connection_info")
