# SPDX-License-Identifier: GPL-3.0-or-later
"""What whoever runs the module has in the environment and at home: it has a say
over the database when use_libpq_environment says so, and else none. Each test
shows both, so that it is known to count."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.by_database import PASSWORD, Place
from tests.support.hostile import HostileServer
from tests.support.postgres import Postgres

HEEDED = {"use_libpq_environment": True}


@pytest.fixture(scope="module")
def homeserver() -> Iterator[HostileServer]:
    with HostileServer() as one:
        yield one


@pytest.fixture(scope="module")
def place(postgres: Postgres, homeserver: HostileServer) -> Iterator[Place]:
    with Place(postgres, homeserver) as one:
        yield one


def home(folder: Path, **more: str) -> dict[str, dict[str, str]]:
    """For start_module: with that folder for a home."""
    return {"env": {"HOME": str(folder), **more}}


def private(path: Path, text: str) -> Path:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def pgpass(folder: Path, password: str) -> Path:
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    return private(folder / ".pgpass", f"*:*:*:*:{escaped}\n")


# PostgreSQL, part IV, "Environment Variables" (of libpq). Each of these spoils a
# connection to which it matters; by the socket or by the port.
SPOILERS = [
    ("socket", "PGSERVICE", "nosuch"),
    ("socket", "PGOPTIONS", "-c default_transaction_read_only=on"),
    ("socket", "PGREQUIREPEER", "nosuchuser"),
    ("socket", "PGTARGETSESSIONATTRS", "standby"),
    ("socket", "PGCLIENTENCODING", "nosuch"),
    ("socket", "PGDATESTYLE", "nosuch"),
    ("socket", "PGHOSTADDR", "127.0.0.1,127.0.0.1"),
    ("port", "PGHOSTADDR", "192.0.2.1"),
    ("port", "PGSSLMODE", "verify-full"),
    ("port", "PGSSLMINPROTOCOLVERSION", "TLSv1.9"),
    ("port", "PGCHANNELBINDING", "nosuch"),
]


@pytest.mark.parametrize(("way", "variable", "value"), SPOILERS)
def test_a_variable_counts_only_where_it_is_asked_for(place, tmp_path, way, variable, value):
    way = getattr(place, way) | {"connect_timeout": 1}
    how = home(tmp_path, **{variable: value})
    place.promotes(way, how)
    reply = place.run(way | HEEDED, how)
    assert reply.failed and not reply.changed, reply.json
    assert place.admins() == []


@pytest.mark.parametrize(
    ("variable", "key", "other"),
    [
        ("PGHOST", "host", "/nonexistent"),
        ("PGPORT", "port", "1"),
        ("PGUSER", "user", "nosuch"),
        ("PGDATABASE", "name", "nosuch"),
        ("PGPASSWORD", "password", "not the password"),
    ],
)
def test_what_is_stated_wins_over_its_variable(place, tmp_path, variable, key, other):
    how = home(tmp_path, **{variable: other})
    place.promotes(place.socket, how)
    place.promotes(place.socket | HEEDED, how)


def test_the_variables_alone_are_enough_where_they_are_asked_for(place, postgres, tmp_path):
    how = home(
        tmp_path,
        PGHOST=str(postgres.socket_folder),
        PGPORT=str(postgres.port),
        PGUSER=place.name,
        PGDATABASE=place.name,
        PGPASSWORD=PASSWORD,
    )
    place.promotes(HEEDED, how)
    place.refuses({"use_libpq_environment": False}, "uri, or with host", kind="invalid", how=how)
    # The password is not taken from there, whatever else is stated.
    place.refuses(place.without("password"), "wants a password", how=how)


def test_a_user_is_not_taken_from_a_variable(place, tmp_path):
    how = home(tmp_path, PGUSER=place.name)
    place.promotes(place.without("user") | HEEDED, how)
    reply = place.run(place.without("user"), how)
    assert reply.kind == "database" and not reply.changed


def test_a_password_file_counts_only_where_it_is_asked_for(place, tmp_path):
    pgpass(tmp_path, PASSWORD)
    place.promotes(place.without("password") | HEEDED, home(tmp_path))
    place.refuses(place.without("password"), "wants a password", how=home(tmp_path))


def test_nor_does_one_that_a_variable_names(place, tmp_path):
    named = {"PGPASSFILE": str(pgpass(tmp_path, PASSWORD))}
    empty = tmp_path / "empty"
    empty.mkdir()
    place.promotes(place.without("password") | HEEDED, home(empty, **named))
    place.refuses(place.without("password"), "wants a password", how=home(empty, **named))


def test_a_service_file_counts_only_where_it_is_asked_for(place, postgres, tmp_path):
    private(
        tmp_path / ".pg_service.conf",
        f"[mine]\nhost={postgres.socket_folder}\nport={postgres.port}\n"
        f"user={place.name}\ndbname={place.name}\n",
    )
    how = home(tmp_path, PGSERVICE="mine")
    place.promotes(HEEDED | {"password": PASSWORD}, how)
    partly = {"name": place.name, "password": PASSWORD, "host": "127.0.0.1"}
    place.promotes(partly | HEEDED | {"host": str(postgres.socket_folder)}, how)
    # Without it the port is the usual one, where this server is not.
    place.refuses(place.without("port", port=1), how=how)


def test_an_authority_at_home_counts_only_where_it_is_asked_for(place, postgres, tmp_path):
    authority = Path(postgres.other_ca.file).read_text()
    private(tmp_path / ".postgresql" / "root.crt", authority)
    required = place.port | {"sslmode": "require"}
    # With such a file, libpq takes `require` for `verify-ca`.
    place.promotes(required, home(tmp_path))
    place.refuses(required | HEEDED, "verify failed", kind="tls", how=home(tmp_path))
    # Nor can it vouch for a server.
    (tmp_path / ".postgresql" / "root.crt").write_text(Path(postgres.ca.file).read_text())
    verified = place.port | {"sslmode": "verify-full"}
    place.promotes(verified | HEEDED, home(tmp_path))
    place.refuses(verified, "verify failed", kind="tls", how=home(tmp_path))


def test_a_certificate_at_home_counts_only_where_it_is_asked_for(place, tmp_path):
    private(tmp_path / ".postgresql" / "postgresql.crt", "no certificate\n")
    required = place.port | {"sslmode": "require"}
    place.promotes(required, home(tmp_path))
    place.refuses(required | HEEDED, "certificate", kind="tls", how=home(tmp_path))


def test_no_process_shows_the_password(place, postgres):
    with postgres.holding(place.name, "UPDATE users SET admin = 0"):
        running = place.start(place.socket)
        postgres.wait_blocked(place.name)
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            for name in ("cmdline", "environ"):
                try:
                    content = Path("/proc", entry, name).read_bytes()
                except OSError:
                    continue
                assert PASSWORD.encode() not in content, f"{entry}: {name}"
    assert running.wait().changed
    assert PASSWORD not in postgres.log()
    place.demote()
