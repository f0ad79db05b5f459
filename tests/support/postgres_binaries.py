# SPDX-License-Identifier: GPL-3.0-or-later
"""Where PostgreSQL's programs are, and a cluster to copy: initdb takes seconds."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from .paths import BUILD

# Debian and its kin keep every version's programs apart, and off PATH.
DEBIAN = Path("/usr/lib/postgresql")
# Roles that no one logs in as: pg_hba.conf names them (postgres.py, HBA).
GROUPS = ("by_peer", "by_tls", "by_plain_password")


def find(name: str) -> Path:
    """The program, of the newest version that is here."""
    versions = sorted(
        (folder for folder in DEBIAN.glob("*/bin") if (folder / "initdb").exists()),
        key=lambda folder: int(folder.parent.name),
    )
    on_path = shutil.which(name)
    if versions:
        return versions[-1] / name
    assert on_path is not None, f"PostgreSQL's {name} is missing: run `make deps`"
    return Path(on_path)


def unprivileged_user() -> str | None:
    """Whom the server runs as: it refuses to be root's. None: whoever asks."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def identity(user: str | None) -> dict[str, Any]:
    """For subprocess: as that user, who is in no group but its own."""
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def template(user: str | None) -> Path:
    """A folder with an empty cluster of this version, made when it is first asked for."""
    version = subprocess.run(
        [find("postgres"), "--version"], check=True, capture_output=True, text=True
    ).stdout.split()[2]
    folder = BUILD / f"postgresql-{version}.template"
    if folder.exists():
        return folder
    with tempfile.TemporaryDirectory(prefix="rgpg-") as made:
        if user is not None:
            shutil.chown(made, user)
        data = Path(made) / "data"
        subprocess.run(
            [
                find("initdb"), "--pgdata", data, "--no-sync", "--username=postgres",
                "--encoding=UTF8", "--locale=C", "--auth=trust", "--wal-segsize=1",
            ],
            check=True, capture_output=True, cwd=made, **identity(user),
        )  # fmt: skip
        add_groups(data, user)
        BUILD.mkdir(parents=True, exist_ok=True)
        partial = BUILD / f"{folder.name}.{os.getpid()}"
        shutil.copytree(data, partial)
    try:
        partial.rename(folder)
    except OSError:
        # Another test worker was first.
        shutil.rmtree(partial)
    return folder


def add_groups(data: Path, user: str | None) -> None:
    """Into the cluster, while no server runs on it."""
    subprocess.run(
        [find("postgres"), "--single", "-D", data, "postgres"],
        input="".join(f"CREATE ROLE {name}\n" for name in GROUPS),
        text=True, check=True, capture_output=True, cwd=data, **identity(user),
    )  # fmt: skip
