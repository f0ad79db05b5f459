# SPDX-License-Identifier: GPL-3.0-or-later
"""A database with the one table that a promotion needs, a homeserver that is only
asked who it is, and a task between them that has no other credential."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tests.support.hostile import HostileServer
from tests.support.module import Reply, Running, start_module
from tests.support.postgres import Postgres
from tests.support.postgres_psql import identifier

# What is read or written of Synapse's table (its schema:
# synapse/storage/schema/main/full_schemas), under the owner's name.
USERS = """
CREATE TABLE {table} (
    name text UNIQUE, password_hash text, admin smallint NOT NULL DEFAULT 0,
    deactivated smallint NOT NULL DEFAULT 0
);
ALTER TABLE {table} OWNER TO {owner};
INSERT INTO {table} (name) VALUES ('@alice:example.test'), ('@bob:example.test');
"""
# Every character of which something could go wrong in a URI, a file or a log.
PASSWORD = "a Pass:w@rd/1?%&=#'\"\\ü"


class Place:
    """A database of its own in the cluster, a role that owns it and has the same
    name, and its table."""

    def __init__(
        self, postgres: Postgres, server: HostileServer, stem: str = "place", **role: Any
    ) -> None:
        self.postgres, self.server = postgres, server
        self.name = postgres.new_name(stem)
        self.password = PASSWORD
        postgres.create_role(self.name, self.password, **role)
        postgres.create_database(self.name, self.name)
        self.create_users("users")

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *_: object) -> None:
        self.postgres.forget(self.name)

    def create_users(self, table: str) -> None:
        """`table` as SQL has it, with its schema or without."""
        self.execute(USERS.format(table=table, owner=identifier(self.name)))

    def execute(self, statement: str) -> str:
        return self.postgres.execute(statement, self.name)

    # Ways to it

    @property
    def port(self) -> dict[str, Any]:
        """By TCP, with the password."""
        return self.socket | {"host": self.postgres.address}

    @property
    def socket(self) -> dict[str, Any]:
        return self.postgres.by_socket(self.name, self.name, self.password)

    def without(self, *keys: str, **more: Any) -> dict[str, Any]:
        """The way by the socket, but for these."""
        return {key: value for key, value in self.socket.items() if key not in keys} | more

    # Tasks

    def task(self, database: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        return {
            "backend": "synapse",
            "url": self.server.url,
            "server_name": "example.test",
            "database": dict(database),
            "username": "alice",
            "admin": True,
            "timeout": 20,
        } | options

    def start(self, database: Mapping[str, Any], how: Mapping[str, Any] = {}, **options: Any) -> Running:
        """`how` is for start_module."""
        secrets = (self.password, quote(self.password, safe=""), *secrets_of(database))
        return start_module(self.task(database, **options), secrets=secrets, **how)

    def run(self, database: Mapping[str, Any], how: Mapping[str, Any] = {}, **options: Any) -> Reply:
        return self.start(database, how, **options).wait()

    def promotes(self, database: Mapping[str, Any], how: Mapping[str, Any] = {}, **options: Any) -> Reply:
        """Asserts that it made an administrator of alice, and of nobody else; then it
        is undone."""
        assert self.admins() == []
        reply = self.run(database, how, **options)
        assert not reply.failed and reply.changed, reply.json
        assert reply.json["authenticated_by"] == "database"
        assert self.admins() == ["@alice:example.test"], reply.json
        self.demote()
        return reply

    def refuses(
        self,
        database: Mapping[str, Any],
        *words: str,
        kind: str = "database",
        how: Mapping[str, Any] = {},
        **options: Any,
    ) -> Reply:
        """Asserts that it failed, with these words, and that nothing was changed."""
        reply = self.run(database, how, **options)
        assert reply.failed and reply.kind == kind, reply.json
        for word in words:
            assert word in (reply.msg or ""), reply.json
        assert not reply.changed, reply.json
        assert self.admins() == []
        return reply

    def admins(self) -> list[str]:
        query = "SELECT name FROM users WHERE admin <> 0"
        return [name for (name,) in self.postgres.query(query, self.name)]

    def demote(self) -> None:
        self.execute("UPDATE users SET admin = 0")


def secrets_of(database: Mapping[str, Any]) -> list[str]:
    names = ("uri", "password", "login_password")
    return [str(database[name]) for name in names if len(str(database.get(name) or "")) > 3]
