# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Dendrite on the loopback, in a folder of its own, on SQLite or in a
database of a PostgreSQL of the test's.

What it does to prepare or to look is plain Python and SQL, and knows nothing of the
module that is under test.
"""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from urllib.parse import quote

from .database import Database, PostgresDatabase, SqliteFile
from .homeserver import Homeserver
from .namespaces import Namespace
from .paths import DENDRITE_BIN
from .postgres import Postgres
from .synapse_config import merged

# userapi/api/api.go of Dendrite, AccountType.
USER, GUEST, ADMIN, APPSERVICE = 1, 2, 3, 4
# Each of its parts has a file of its own on SQLite: where its name stands.
SQLITE_DATABASES = (
    ("federation_api", "database"),
    ("key_server", "database"),
    ("media_api", "database"),
    ("mscs", "database"),
    ("relay_api", "database"),
    ("room_server", "database"),
    ("sync_api", "database"),
    ("user_api", "account_database"),
)
# clientapi/routing/register.go: what a registration by the shared secret is left with.
REGISTRATION_DEVICE = "shared_secret_registration"


class Account(NamedTuple):
    """A row of the table userapi_accounts."""

    localpart: str
    password_hash: str | None
    deactivated: bool
    account_type: int


class Device(NamedTuple):
    """A row of the table userapi_devices, without the token."""

    localpart: str
    device_id: str
    display_name: str | None


class Dendrite(Homeserver):
    NAME: ClassVar[str] = "Dendrite"
    READY_PATH: ClassVar[str] = "/_dendrite/monitor/up"

    def __init__(
        self,
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
        """In the cluster, which outlives it, it makes a database and a role of its
        own: database_name and database_password."""
        super().__init__(server_name, folder, namespace, bind_addresses, unix_socket)
        self.postgres = postgres
        # With postgres, the name of the role, too.
        self.database_name = postgres.new_name("dendrite") if postgres else ""
        self.database_password = secrets.token_urlsafe(12)
        self._admin_token: str | None = None
        # What the next start() writes to dendrite.yaml.
        self.config = merged(self._defaults(default_limits), config or {})
        self._make_key()
        self.database: Database
        if postgres is None:
            self.database = SqliteFile(self.folder / "user_api.db")
        else:
            postgres.create_role(self.database_name, self.database_password)
            postgres.create_database(self.database_name, self.database_name)
            self.database = PostgresDatabase(postgres, self.database_name)
        if start:
            self.start()

    def __enter__(self) -> Dendrite:
        return self

    def close(self) -> None:
        super().close()
        if self.postgres is not None and self.postgres.running:
            self.postgres.forget(self.database_name)

    def restart(self, config: dict[str, Any] | None = None) -> None:
        """Stops it and starts it again, with that put on its configuration."""
        self.stop()
        self.config = merged(self.config, config or {})
        self.start()

    # Its configuration

    @property
    def database_uri(self) -> str:
        """As its configuration has it."""
        assert self.postgres is not None
        # lib/pq, which it is built with, insists on TLS unless told not to.
        return self.postgres.uri(
            self.database_name, self.database_name, self.database_password, sslmode="disable"
        )

    def _defaults(self, default_limits: bool) -> dict[str, Any]:
        shared: dict[str, Any] = {
            "server_name": self.server_name,
            "private_key": str(self.folder / "matrix_key.pem"),
            "jetstream": {"storage_path": str(self.folder), "in_memory": True},
            "cache": {"max_size_estimated": "16mb"},
        }
        config: dict[str, Any] = {
            "version": 2,
            "global": shared,
            "client_api": {
                "registration_disabled": True,
                "registration_shared_secret": "Shared_" + secrets.token_urlsafe(24),
            },
            "federation_api": {"key_perspectives": []},
            "media_api": {"base_path": str(self.folder / "media")},
            # Its default is 10.
            "user_api": {"bcrypt_cost": 4},
            "logging": [{"type": "std", "level": "info"}],
        }
        if not default_limits:
            config["client_api"]["rate_limiting"] = {"enabled": False}
        if self.postgres is not None:
            # The cluster has 60 connections for all.
            database = {"connection_string": self.database_uri, "max_open_conns": 15}
            shared["database"] = database
            return config
        for part, key in SQLITE_DATABASES:
            file = self.folder / f"{part}.db"
            config.setdefault(part, {})[key] = {"connection_string": f"file:{file}"}
        return config

    def _make_key(self) -> None:
        words = [program("generate-keys"), "--private-key", self.folder / "matrix_key.pem"]
        subprocess.run(words, check=True, capture_output=True)

    def _prepare(self) -> list[str]:
        words = [str(program("dendrite")), "-config", str(self._write("dendrite.yaml", self.config))]
        if self.unix_socket is not None:
            return [*words, "-unix-socket", self.unix_socket, "-unix-socket-permission", "777"]
        return [*words, "-http-bind-address", self.url.removeprefix("http://")]

    @property
    def secret(self) -> str:
        return self.config["client_api"]["registration_shared_secret"]

    # Talking to it

    def register(
        self, username: str, password: str, admin: bool = False, displayname: str | None = None
    ) -> str:
        """Makes an account with the shared secret and logs the session out that comes
        with it; the user's id."""
        extra = {} if displayname is None else {"displayname": displayname}
        made = self._register(username, password, admin, **extra)
        self.logout(made["access_token"])
        return made["user_id"]

    @property
    def admin_token(self) -> str:
        """A session of @harness-admin, which is made when it is first needed; it comes
        with the registration, so that no login is spent."""
        if self._admin_token is None:
            made = self._register("harness-admin", secrets.token_urlsafe(16), admin=True)
            self._admin_token = made["access_token"]
        return self._admin_token

    def available(self, localpart: str) -> bool:
        """Whether the server would give that name to somebody."""
        path = "/_matrix/client/v3/register/available?username=" + quote(localpart, safe="")
        status, reply = self.api("GET", path)
        if status == 400 and reply["errcode"] == "M_USER_IN_USE":
            return False
        assert (status, reply) == (200, {"available": True}), f"{path}: {status} {reply}"
        return True

    def may_administer(self, token: str) -> bool:
        """Whether the token opens the admin API: a list is asked for, which every
        administrator may see (clientapi/routing/routing.go, MakeAdminAPI)."""
        status, reply = self.api("GET", "/_dendrite/admin/registrationTokens", token=token)
        assert status in (200, 403), f"registrationTokens: {status} {reply}"
        return status == 200

    def reset_password(self, localpart: str, password: str, logout: bool = False) -> None:
        """By the admin API."""
        path = "/_dendrite/admin/resetPassword/" + quote(self.user_id(localpart), safe="")
        body = {"password": password, "logout_devices": logout}
        self.asked("POST", path, body, self.admin_token)

    # Looking at it, and changing it, by SQL

    def account(self, localpart: str) -> Account | None:
        rows = self.database.query(
            "SELECT localpart, password_hash, is_deactivated, account_type"
            " FROM userapi_accounts WHERE localpart = ? AND server_name = ?",
            (localpart, self.server_name),
        )
        return Account(rows[0][0], rows[0][1], bool(rows[0][2]), rows[0][3]) if rows else None

    def is_admin(self, localpart: str) -> bool:
        account = self.account(localpart)
        return account is not None and account.account_type == ADMIN

    def devices(self, localpart: str | None = None) -> list[Device]:
        """All sessions there are, or that user's."""
        rows = self.database.query(
            "SELECT localpart, device_id, display_name FROM userapi_devices"
            " WHERE server_name = ? ORDER BY localpart, device_id",
            (self.server_name,),
        )
        return [Device(*row) for row in rows if localpart in (None, row[0])]

    def user_names(self) -> list[str]:
        """The ids of all accounts."""
        rows = self.database.query("SELECT localpart FROM userapi_accounts ORDER BY localpart")
        return [self.user_id(row[0]) for row in rows]

    def set_admin(self, localpart: str, admin: bool) -> None:
        self._set(localpart, "account_type", ADMIN if admin else USER)

    def set_deactivated(self, localpart: str, deactivated: bool) -> None:
        """That alone: the user's sessions stay."""
        self._set(localpart, "is_deactivated", deactivated)

    def _set(self, localpart: str, column: str, value: Any) -> None:
        self.database.change(
            f"UPDATE userapi_accounts SET {column} = ? WHERE localpart = ? AND server_name = ?",
            (value, localpart, self.server_name),
        )


def program(name: str) -> Path:
    path = DENDRITE_BIN / name
    assert path.exists(), f"{path} is missing: run `make deps`"
    return path


if __name__ == "__main__":
    # python3 -m tests.support.dendrite: a server to try things on.
    with Dendrite(*sys.argv[1:2]) as server:
        print(f"url: {server.url}\nserver_name: {server.server_name}\nsecret: {server.secret}")
        try:
            signal.pause()
        except KeyboardInterrupt:
            pass
