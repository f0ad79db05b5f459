# SPDX-License-Identifier: GPL-3.0-or-later
"""A real PostgreSQL in a folder of its own, on a Unix socket and the loopback.

Who gets in how is written in HBA below. What it does to prepare or to look is
psql's work, and knows nothing of the module that is under test.
"""

from __future__ import annotations

import atexit
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from . import postgres_binaries as binaries
from .certificates import Authority, Issued
from .namespaces import Namespace
from .postgres_psql import Rows, Session, bound, identifier, in_json, rows_of
from .homeserver import free_port

STARTUP_SECONDS = 30
STOP_SECONDS = 20
SUPERUSER = "postgres"
# Whom the certificate of the server speaks for. "db.example.test" is a name that
# no resolver knows: such a server is reached by its address, and is not verified.
RIGHT_NAMES = "DNS:localhost,IP:127.0.0.1,IP:::1"
WRONG_NAMES = "DNS:db.example.test"

# pg_hba.conf: the first line that fits counts. A role that is in none of the
# groups gets in with its password, by socket and by TCP, with TLS and without.
HBA = """
local all {superuser} peer map=harness
local all +by_peer peer map=people
local all all scram-sha-256
hostnossl all +by_tls all reject
host all +by_plain_password all password
host all all all scram-sha-256
"""


class Postgres:
    """One cluster. Used as a context manager, or closed with close()."""

    def __init__(self, namespace: Namespace | None = None, start: bool = True) -> None:
        """In the namespace it listens on all addresses there are."""
        # Short: a socket's path has 107 bytes at most.
        self.folder = Path(tempfile.mkdtemp(prefix="rgpg-", dir="/tmp"))
        # Clients of other users reach the socket; the data are the server's alone.
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.socket_folder = self.folder / "run"
        self.namespace = namespace
        self.port = free_port()
        self.owner = binaries.unprivileged_user()
        self.process: subprocess.Popen[bytes] | None = None
        self._peers: list[tuple[str, str]] = []
        self._numbers = itertools.count(1)
        atexit.register(self.close)
        self._lay()
        if start:
            self.start()

    # Coming and going

    def __enter__(self) -> Postgres:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Starts the server, on the same port and data as before if it ran."""
        assert not self.running, "the server runs already"
        with open(self.folder / "output.log", "ab") as output:
            self.process = subprocess.Popen(
                self._command(),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                env={"PATH": os.environ.get("PATH", "")},
            )
        self._wait_ready()

    def _command(self) -> list[str]:
        # SIGQUIT is its immediate shutdown, which takes its children along.
        words = [sys.executable, "-I", str(Path(__file__).with_name("child.py"))]
        words += [self.owner or "", str(int(signal.SIGQUIT))]
        words += [str(binaries.find("postgres")), "-D", str(self.data), "-p", str(self.port)]
        return words if self.namespace is None else self.namespace.command(*words)

    def _wait_ready(self) -> None:
        end = time.monotonic() + STARTUP_SECONDS
        while time.monotonic() < end:
            assert self.process is not None
            assert self.process.poll() is None, f"PostgreSQL ended: {self.log()[-4000:]}"
            if self._asked("SELECT 1", "postgres").returncode == 0:
                return
            time.sleep(0.02)
        raise AssertionError(f"PostgreSQL was not ready: {self.log()[-4000:]}")

    def restart(self) -> None:
        self.stop()
        self.start()

    def stop(self) -> None:
        """Ends the server, with whoever is connected (the "fast" shutdown); its data
        stay, and start() takes them up again."""
        self._end(signal.SIGINT)

    def close(self) -> None:
        """Ends the server at once and removes its folder."""
        self._end(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
        atexit.unregister(self.close)

    def _end(self, number: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdin is not None
        process.stdin.close()

    def log(self) -> str:
        """What the server logged: statements that failed, who connected."""
        return (self.folder / "output.log").read_text("utf8", "replace")

    # The cluster's own files

    def _lay(self) -> None:
        shutil.copytree(binaries.template(self.owner), self.data)
        self.socket_folder.mkdir()
        self.ca = Authority(self.folder, "ca")
        self.other_ca = Authority(self.folder, "other-ca")
        self.certificates = {
            "right": self.ca.issue("right", RIGHT_NAMES),
            "wrong-name": self.ca.issue("wrong-name", WRONG_NAMES),
            "other-ca": self.other_ca.issue("other-ca-right", RIGHT_NAMES),
        }
        self._put_certificate(self.certificates["right"])
        settings = {
            "unix_socket_directories": str(self.socket_folder),
            "listen_addresses": "localhost" if self.namespace is None else "*",
            "ssl": "on",
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
            "shared_buffers": "16MB",
            "max_connections": "60",
            "log_connections": "on",
            "log_line_prefix": "%u@%d ",
        }
        lines = [f"{name} = '{value}'\n" for name, value in settings.items()]
        with open(self.data / "postgresql.conf", "a", encoding="utf8") as file:
            file.writelines(lines)
        self._write_access([])
        self._give(self.folder)

    def _put_certificate(self, issued: Issued) -> None:
        shutil.copyfile(issued.file, self.data / "server.crt")
        key = self.data / "server.key"
        shutil.copyfile(issued.key, key)
        key.chmod(0o600)

    def _write_access(self, lines: list[str]) -> None:
        access = "".join(f"{line}\n" for line in lines) + HBA.format(superuser=SUPERUSER)
        (self.data / "pg_hba.conf").write_text(access)
        owner = self.owner or pwd.getpwuid(os.geteuid()).pw_name
        ours = {owner, pwd.getpwuid(os.geteuid()).pw_name}
        maps = [("harness", who, SUPERUSER) for who in sorted(ours)]
        maps += [("people", who, role) for who, role in self._peers]
        text = "".join(f'{name} "{who}" "{role}"\n' for name, who, role in maps)
        (self.data / "pg_ident.conf").write_text(text)

    def _give(self, *paths: Path) -> None:
        """To the user that the server runs as."""
        if self.owner is None:
            return
        entry = pwd.getpwnam(self.owner)
        for path in paths:
            os.chown(path, entry.pw_uid, entry.pw_gid)
            if path.is_dir():
                self._give(*path.iterdir())

    def reload(self) -> None:
        """Its configuration; connections that are made from now on have it."""
        clock = "SELECT extract(epoch FROM pg_conf_load_time())::text"
        before = self.query(clock)
        self._give(self.data)
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 10
        while self.query(clock) == before:
            assert time.monotonic() < end, "PostgreSQL did not reload its configuration"
            time.sleep(0.01)

    def access(self, *lines: str) -> None:
        """Lines of pg_hba.conf before those of HBA, instead of the last such ones."""
        self._write_access(list(lines))
        self.reload()

    def show_certificate(self, which: str) -> None:
        """To those who connect from now on: right, wrong-name or other-ca."""
        self._put_certificate(self.certificates[which])
        self.reload()

    # Databases and roles

    def create_database(
        self, name: str, owner: str | None = None, template: str | None = None
    ) -> str:
        """As Synapse wants it (docs/postgres.md of Synapse); its name."""
        words = f"CREATE DATABASE {identifier(name)} TEMPLATE {identifier(template or 'template0')}"
        if template is None:
            words += " ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
        self.execute(words + (f" OWNER {identifier(owner)}" if owner else ""))
        return name

    def new_name(self, stem: str) -> str:
        """For a database or a role: one that nothing has here."""
        return f"{stem}-{next(self._numbers)}"

    def databases(self) -> list[str]:
        return [row[0] for row in self.query("SELECT datname::text FROM pg_database")]

    def forget(self, name: str) -> None:
        """The database of that name, and the role: as if they had not been."""
        self.execute(f"DROP DATABASE IF EXISTS {identifier(name)} WITH (FORCE)")
        self.execute(f"DROP ROLE IF EXISTS {identifier(name)}")

    def create_role(
        self,
        name: str,
        password: str | None = None,
        group: str | None = None,
        peers: tuple[str, ...] = (),
    ) -> str:
        """One that can log in, and can do nothing yet. `group` is one of those that
        HBA names, and says how it gets in; `peers` are users of this machine that may be it."""
        words = f"CREATE ROLE {identifier(name)} LOGIN"
        words += bound(" PASSWORD ?", (password,)) if password is not None else ""
        self.execute(words)
        if peers:
            group = "by_peer"
            self._peers += [(who, name) for who in peers]
            self._write_access([])
            self.reload()
        if group is not None:
            self.execute(f"GRANT {identifier(group)} TO {identifier(name)}")
        return name

    def give_owned(self, database: str, owner: str, to: str) -> None:
        """All that the one owns in the database, and on the cluster, to the other."""
        words = f"REASSIGN OWNED BY {identifier(owner)} TO {identifier(to)}"
        self.execute(words, database)

    def copy_database(self, name: str, owner: str, template: str, its_owner: str) -> str:
        """One of this owner's, of what is in the other, where all is its_owner's but
        the database itself; its name."""
        self.create_database(name, owner, template)
        self.give_owned(name, its_owner, owner)
        return name

    def grant_reading(self, database: str, role: str) -> None:
        """SELECT on what there is, and nothing else."""
        who = identifier(role)
        self.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {who}", database)

    def setting(self, database: str, name: str, value: str | None) -> None:
        """For those who connect to it from now on; None takes it back. With
        ("default_transaction_read_only", "on") nothing can be written, with
        ("statement_timeout", "50ms") nothing may take long."""
        words = f"ALTER DATABASE {identifier(database)} "
        if value is None:
            self.execute(words + f"RESET {identifier(name)}")
        else:
            self.execute(words + bound(f"SET {identifier(name)} TO ?", (value,)))

    # Ways to it

    def uri(self, database: str, role: str, password: str | None = None, **options: str) -> str:
        """By TCP, as libpq and Dendrite take it."""
        who = quote(role, safe="")
        if password is not None:
            who += ":" + quote(password, safe="")
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
        host = f"{self.address}:{self.port}"
        return f"postgresql://{who}@{host}/{quote(database, safe='')}" + (query and f"?{query}")

    def by_socket(self, database: str, role: str, password: str) -> dict[str, Any]:
        """The same by the socket, as the module's option `database`."""
        return {
            "host": str(self.socket_folder),
            "port": self.port,
            "name": database,
            "user": role,
            "password": password,
        }

    @property
    def address(self) -> str:
        return "127.0.0.1" if self.namespace is None else self.namespace.ipv4

    @property
    def socket(self) -> Path:
        return self.socket_folder / f".s.PGSQL.{self.port}"

    # Looking at it, and being in the way

    def _psql(self, database: str) -> list[str]:
        words = [str(binaries.find("psql")), "--no-psqlrc", "--quiet", "--no-align"]
        words += ["--tuples-only", "--set=ON_ERROR_STOP=1"]
        words += [f"--host={self.socket_folder}", f"--port={self.port}"]
        return [*words, f"--username={SUPERUSER}", "--dbname=" + database]

    def _asked(self, statement: str, database: str) -> subprocess.CompletedProcess[str]:
        # No PG* variable of whoever runs the tests has a say.
        environment = {"PATH": os.environ.get("PATH", ""), "PGCLIENTENCODING": "UTF8"}
        return subprocess.run(
            self._psql(database),
            input=statement,
            capture_output=True,
            text=True,
            env=environment,
            timeout=60,
        )

    def execute(
        self, statement: str, database: str = "postgres", parameters: tuple[Any, ...] = ()
    ) -> str:
        """What psql prints for statements that may be several; ? is a parameter's place."""
        done = self._asked(bound(statement, parameters), database)
        assert done.returncode == 0, f"{statement}: {done.stderr}"
        return done.stdout

    def query(
        self, statement: str, database: str = "postgres", parameters: tuple[Any, ...] = ()
    ) -> Rows:
        """The rows of one SELECT, or of one statement that is RETURNING some."""
        return rows_of(self.execute(in_json(statement), database, parameters))

    def session(self, database: str) -> Session:
        """One of the superuser's that stays; closed by with, or by close()."""
        return Session(self._psql(database))

    @contextmanager
    def holding(self, database: str, statement: str) -> Iterator[Session]:
        """In the block, a transaction that has done this and is not ended: it holds
        the locks. Afterwards it is rolled back."""
        with self.session(database) as session:
            session.run("BEGIN; " + statement)
            yield session

    def wait_blocked(self, database: str, seconds: float = 10) -> int:
        """Until somebody there waits for a lock; the pid of that backend."""
        statement = "SELECT pid FROM pg_stat_activity WHERE datname = ? AND wait_event_type = 'Lock'"
        end = time.monotonic() + seconds
        while not (rows := self.query(statement, parameters=(database,))):
            assert time.monotonic() < end, f"nobody waits for a lock in {database}"
            time.sleep(0.01)
        return rows[0][0]

    def terminate(self, role: str) -> int:
        """The connections of that role; how many there were."""
        statement = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ?"
        return len(self.query(statement, parameters=(role,)))

    def trap(self, database: str, table: str, event: str, does: str) -> None:
        """Before each such event on the table (UPDATE, DELETE, INSERT) its backend does
        that, in PL/pgSQL and as the superuser:

            PERFORM pg_terminate_backend(pg_backend_pid());   the connection is lost
            PERFORM pg_sleep(1);                              it is slow
            RAISE EXCEPTION 'no' USING ERRCODE = 'P0001';     it fails
        """
        self.execute(
            f"""
            CREATE FUNCTION harness_trap() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
            AS $trap$ BEGIN {does} RETURN NULL; END $trap$;
            CREATE TRIGGER harness_trap BEFORE {event} ON {identifier(table)}
            FOR EACH STATEMENT EXECUTE FUNCTION harness_trap();
            """,
            database,
        )

    def spring(self, database: str) -> None:
        """Takes the trap away."""
        self.execute("DROP FUNCTION harness_trap CASCADE", database)
