# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Synapse on the loopback, in a folder of its own, for one test or many, on
SQLite or in a database of a PostgreSQL of the test's.

What it does to prepare or to look (register, login, user, access_tokens ...)
is plain Python and knows nothing of the module that is under test.
"""

from __future__ import annotations

import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from urllib.parse import quote

from . import synapse_config
from .database import Database, PostgresDatabase, SqliteFile
from .homeserver import Homeserver
from .namespaces import Namespace
from .paths import BUILD, VENVS
from .postgres import Postgres
from .synapse_template import lay_database, save_template, usable

VENV_OF_VERSION = {"newest": "synapse", "floor": "synapse-floor"}


class AccessToken(NamedTuple):
    """A row of the table access_tokens, without the token itself."""

    user_id: str
    device_id: str | None
    puppets_user_id: str | None


class Synapse(Homeserver):
    """One homeserver. Used as a context manager, or closed with close()."""

    NAME: ClassVar[str] = "Synapse"
    READY_PATH: ClassVar[str] = "/health"
    LOGS: ClassVar[tuple[str, ...]] = ("homeserver.log", "output.log")

    def __init__(
        self,
        version: str = "newest",
        server_name: str = "example.test",
        config: dict[str, Any] | None = None,
        default_limits: bool = False,
        start: bool = True,
        folder: Path | str | None = None,
        namespace: Namespace | None = None,
        bind_addresses: list[str] | None = None,
        unix_socket: bool = False,
        postgres: Postgres | None = None,
    ) -> None:
        """It listens on the loopback, or on these addresses, or on a Unix socket and
        nothing else; in that namespace, which outlives it. In the cluster, which does
        so too, it makes a database and a role of its own: database_name."""
        super().__init__(server_name, folder, namespace, bind_addresses, unix_socket)
        self.version = version
        self.postgres = postgres
        # With postgres, the name of the role, too.
        self.database_name = postgres.new_name("synapse") if postgres else ""
        self.database_password = secrets.token_urlsafe(12)
        self._admin_token: str | None = None

        over = dict(config or {})
        if "registration_shared_secret_path" in over:
            over.setdefault("registration_shared_secret", None)
        limits = {} if default_limits else synapse_config.NO_LIMITS
        base = synapse_config.defaults(
            self.folder,
            synapse_config.listener(self.port, self.bind_addresses, self.unix_socket),
            server_name,
            "Shared_" + secrets.token_urlsafe(24),
        )
        if postgres is not None:
            postgres.create_role(self.database_name, self.database_password)
            base["database"] = synapse_config.postgres(
                postgres, self.database_name, self.database_password
            )
        # What the next start() writes to homeserver.yaml.
        self.config = synapse_config.merged(base | limits, over)
        (self.folder / "signing.key").write_text(synapse_config.signing_key())
        if start:
            self.start()

    # Coming and going

    def __enter__(self) -> Synapse:
        return self

    @property
    def python(self) -> Path:
        """The interpreter of the virtual environment with this version."""
        python = VENVS / VENV_OF_VERSION[self.version] / "bin" / "python"
        assert python.exists(), f"{python} is missing: run `make deps`"
        return python

    def _prepare(self) -> list[str]:
        self._write("log.yaml", synapse_config.log_config(self.folder / "homeserver.log"))
        config = self._write("homeserver.yaml", self.config)
        if self.postgres is None:
            self._lay_sqlite(config)
        else:
            self._lay_postgres(self.postgres)
        # Isolated: this folder's synapse.py is not their package.
        words = [str(self.python), "-I", "-m", "synapse.app.homeserver"]
        return [*words, "--config-path", str(config)]

    def _lay_sqlite(self, config: Path) -> None:
        """An empty database of this version, whose schema takes seconds to lay."""
        database = Path(self.config["database"]["args"].get("database", ""))
        if not database.name or database.exists():
            return
        template = BUILD / f"synapse-{self.version}.template.db"
        if not usable(template, self.python):
            lay_database(self.python, config)
            save_template(database, template)
        shutil.copyfile(template, database)

    def _lay_postgres(self, postgres: Postgres) -> None:
        """The same; the cluster keeps one for those that come after."""
        databases = postgres.databases()
        if self.database_name in databases:
            return
        template = f"synapse-{self.version}-template"
        if template not in databases:
            password = secrets.token_urlsafe(12)
            postgres.create_role(template, password)
            postgres.create_database(template, template)
            database = synapse_config.postgres(postgres, template, password)
            lay_database(self.python, self._write("template.yaml", self.config | {"database": database}))
            postgres.execute(f'ALTER DATABASE "{template}" OWNER TO postgres')
        postgres.copy_database(self.database_name, self.database_name, template, template)

    def _environment(self) -> dict[str, str]:
        # Else it takes this repository for its own, and puts our branch and commit
        # into the version that it tells. The virtual environments may be a link to
        # another checkout's.
        return {"GIT_CEILING_DIRECTORIES": f"{BUILD}:{VENVS.resolve().parent}"}

    def restart(self, config: dict[str, Any] | None = None) -> None:
        """Stops it and starts it again, with that put on its configuration: what
        it counts in memory, as the limits on logins, begins anew."""
        self.stop()
        self.config = synapse_config.merged(self.config, config or {})
        self.start()

    def close(self) -> None:
        super().close()
        if self.postgres is not None and self.postgres.running:
            self.postgres.forget(self.database_name)

    # Talking to it

    @property
    def secret(self) -> str:
        """The shared secret as the server takes it: a file's is stripped."""
        if "registration_shared_secret" in self.config:
            return self.config["registration_shared_secret"]
        return Path(self.config["registration_shared_secret_path"]).read_text().strip()

    def register(
        self,
        username: str,
        password: str,
        admin: bool = False,
        displayname: str | None = None,
        user_type: str | None = None,
    ) -> str:
        """Makes an account with the shared secret, without a device; its id."""
        extra = {"displayname": displayname, "user_type": user_type}
        stated = {key: value for key, value in extra.items() if value is not None}
        return self._register(username, password, admin, inhibit_login=True, **stated)["user_id"]

    @property
    def admin_token(self) -> str:
        """A session of @harness-admin, which is made when it is first needed.

        It comes with the registration, so that no login is spent and passwords
        may be disabled.
        """
        if self._admin_token is None:
            made = self._register("harness-admin", secrets.token_urlsafe(16), admin=True)
            self._admin_token = made["access_token"]
        return self._admin_token

    # Looking at it

    def user(self, localpart: str) -> dict[str, Any] | None:
        """The account as the admin API tells it, or None."""
        path = "/_synapse/admin/v2/users/" + quote(self.user_id(localpart), safe="")
        status, reply = self.api("GET", path, token=self.admin_token)
        assert status in (200, 404), f"{path}: {status} {reply}"
        return reply if status == 200 else None

    def change(self, localpart: str, **fields: Any) -> None:
        """Makes that of the account by the admin API."""
        path = "/_synapse/admin/v2/users/" + quote(self.user_id(localpart), safe="")
        status, reply = self.api("PUT", path, fields, self.admin_token)
        assert status == 200, f"{path}: {status} {reply}"

    def ratelimit(self, localpart: str) -> dict[str, int]:
        """The limit of its own that the account has, or {}."""
        user_id = quote(self.user_id(localpart), safe="")
        path = f"/_synapse/admin/v1/users/{user_id}/override_ratelimit"
        status, reply = self.api("GET", path, token=self.admin_token)
        assert status == 200, f"{path}: {status} {reply}"
        return reply

    def devices(self, localpart: str) -> list[dict[str, Any]]:
        user_id = quote(self.user_id(localpart), safe="")
        path = f"/_synapse/admin/v2/users/{user_id}/devices"
        status, reply = self.api("GET", path, token=self.admin_token)
        assert status == 200, f"{path}: {status} {reply}"
        return reply["devices"]

    def access_tokens(self) -> list[AccessToken]:
        """All sessions there are, read from the database."""
        rows = self.query("SELECT user_id, device_id, puppets_user_id FROM access_tokens")
        return [AccessToken(*row) for row in rows]

    def user_names(self) -> list[str]:
        """The ids of all accounts, read from the database."""
        return [row[0] for row in self.query("SELECT name FROM users ORDER BY name")]

    @property
    def database(self) -> Database:
        if self.postgres is not None:
            return PostgresDatabase(self.postgres, self.database_name)
        return SqliteFile(Path(self.config["database"]["args"]["database"]))

    def query(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Rows of the database; ? is a parameter's place."""
        return self.database.query(statement, parameters)

    def queries(self, statements: Iterable[str]) -> list[list[tuple[Any, ...]]]:
        """The rows of each."""
        return self.database.queries(statements)


if __name__ == "__main__":
    # python3 -m tests.support.synapse [newest|floor]: a server to try things on.
    with Synapse(*sys.argv[1:2]) as server:
        print(f"url: {server.url}\nserver_name: {server.server_name}\nsecret: {server.secret}")
        try:
            signal.pause()
        except KeyboardInterrupt:
            pass
