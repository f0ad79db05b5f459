# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of Matrix Authentication Service 1.22 in a PostgreSQL, as far as they are
known, and what MAS would have written there. Whoever reads them is under test.

    with MasTables(postgres) as mas:
        alice = mas.add_user("alice")
        mas.add_password(alice, "$argon2id$...")
        mas.uri
"""

from __future__ import annotations

import os
import time
import uuid
from typing import Any

from .postgres import Postgres
from .postgres_psql import Rows, identifier

# crates/storage-pg/migrations: what has a column here is what a test has a use for.
TABLES = """
CREATE TABLE users (
    user_id uuid PRIMARY KEY, username text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL, locked_at timestamptz, deactivated_at timestamptz,
    can_request_admin boolean NOT NULL DEFAULT FALSE, is_guest boolean NOT NULL DEFAULT FALSE
);
CREATE INDEX users_lower_username_idx ON users (lower(username));
CREATE TABLE user_passwords (
    user_password_id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES users,
    hashed_password text NOT NULL, created_at timestamptz NOT NULL, version integer NOT NULL,
    upgraded_from_id uuid REFERENCES user_passwords
);
CREATE TABLE user_emails (
    user_email_id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES users,
    email text NOT NULL, created_at timestamptz NOT NULL
);
CREATE TABLE user_registration_tokens (
    user_registration_token_id uuid PRIMARY KEY, token text NOT NULL UNIQUE,
    usage_limit integer, times_used integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL, last_used_at timestamptz, expires_at timestamptz,
    revoked_at timestamptz
);
CREATE TABLE upstream_oauth_providers (
    upstream_oauth_provider_id uuid PRIMARY KEY, issuer text, human_name text, brand_name text,
    created_at timestamptz NOT NULL, disabled_at timestamptz
);
CREATE TABLE upstream_oauth_links (
    upstream_oauth_link_id uuid PRIMARY KEY,
    upstream_oauth_provider_id uuid NOT NULL REFERENCES upstream_oauth_providers,
    user_id uuid REFERENCES users, subject text NOT NULL, human_account_name text,
    created_at timestamptz NOT NULL, UNIQUE (upstream_oauth_provider_id, subject)
);
"""
# Crockford's.
BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_ulid() -> str:
    """Of now: 48 bits of milliseconds, 80 of chance."""
    return ulid_of(uuid.UUID(bytes=int(time.time() * 1000).to_bytes(6, "big") + os.urandom(10)))


def ulid_of(value: uuid.UUID | str) -> str:
    number = uuid.UUID(str(value)).int
    return "".join(BASE32[number >> shift & 31] for shift in range(125, -1, -5))


def uuid_of(ulid: str) -> str:
    number = 0
    for letter in ulid.upper():
        number = number << 5 | BASE32.index(letter)
    return str(uuid.UUID(int=number))


class MasTables:
    """A database of its own in the cluster, and a role of the same name that owns it
    as MAS's does. Ids that are given and taken are ULIDs, as in MAS's API."""

    def __init__(self, postgres: Postgres, password: str = "a Pass:w@rd/1?%&=") -> None:
        self.postgres = postgres
        self.password = password
        self.name = postgres.new_name("mas")
        postgres.create_role(self.name, password)
        postgres.create_database(self.name, self.name)
        self.execute(f"SET ROLE {identifier(self.name)}; {TABLES}")

    def __enter__(self) -> MasTables:
        return self

    def __exit__(self, *_: object) -> None:
        self.postgres.forget(self.name)

    @property
    def uri(self) -> str:
        return self.postgres.uri(self.name, self.name, self.password, sslmode="disable")

    def execute(self, statement: str, *parameters: Any) -> str:
        return self.postgres.execute(statement, self.name, parameters)

    def query(self, statement: str, *parameters: Any) -> Rows:
        return self.postgres.query(statement, self.name, parameters)

    # What MAS would write

    def add_user(self, username: str, *, admin: bool = False) -> str:
        user = new_ulid()
        self.execute(
            "INSERT INTO users (user_id, username, created_at, can_request_admin)"
            " VALUES (?, ?, now(), ?)",
            uuid_of(user),
            username,
            admin,
        )
        return user

    def lock(self, user: str, locked: bool = True) -> None:
        self._set_time("locked_at", user, locked)

    def deactivate(self, user: str, deactivated: bool = True) -> None:
        self._set_time("deactivated_at", user, deactivated)

    def _set_time(self, column: str, user: str, is_set: bool) -> None:
        now = "now()" if is_set else "NULL"
        self.execute(f"UPDATE users SET {column} = {now} WHERE user_id = ?", uuid_of(user))

    def add_password(self, user: str, hashed: str, *, version: int = 1, age: int = 0) -> None:
        """One that is that many seconds old; the newest counts."""
        self.execute(
            "INSERT INTO user_passwords (user_password_id, user_id, hashed_password, version,"
            " created_at) VALUES (?, ?, ?, ?, clock_timestamp() - make_interval(secs => ?))",
            uuid_of(new_ulid()),
            uuid_of(user),
            hashed,
            version,
            age,
        )

    def add_email(self, user: str, email: str) -> None:
        self.execute(
            "INSERT INTO user_emails VALUES (?, ?, ?, clock_timestamp())",
            uuid_of(new_ulid()),
            uuid_of(user),
            email,
        )

    def add_provider(self, issuer: str | None, human_name: str | None = None) -> str:
        provider = new_ulid()
        self.execute(
            "INSERT INTO upstream_oauth_providers (upstream_oauth_provider_id, issuer,"
            " human_name, created_at) VALUES (?, ?, ?, now())",
            uuid_of(provider),
            issuer,
            human_name,
        )
        return provider

    def add_link(self, provider: str, subject: str, user: str | None) -> None:
        """None: it is nobody's yet."""
        self.execute(
            "INSERT INTO upstream_oauth_links (upstream_oauth_link_id,"
            " upstream_oauth_provider_id, subject, user_id, created_at)"
            " VALUES (?, ?, ?, ?, now())",
            uuid_of(new_ulid()),
            uuid_of(provider),
            subject,
            user and uuid_of(user),
        )
