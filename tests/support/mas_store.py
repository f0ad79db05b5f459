# SPDX-License-Identifier: GPL-3.0-or-later
"""What MAS keeps: tables whose columns have the names of its database's (its
migrations, 1.22.0), in memory. mas_postgres.py keeps them in a PostgreSQL as well.

Ids are ULIDs, and moments are nanoseconds since 1970. The row that a writing call
returns has the moment as the clock gave it; what is read later has microseconds,
as PostgreSQL keeps them.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from .mas_ids import new_ulid

Row = dict[str, Any]

KEYS = {
    "users": "user_id",
    "user_passwords": "user_password_id",
    "user_emails": "user_email_id",
    "user_sessions": "user_session_id",
    "user_registration_tokens": "user_registration_token_id",
    "compat_sessions": "compat_session_id",
    "compat_access_tokens": "compat_access_token_id",
    "compat_refresh_tokens": "compat_refresh_token_id",
    "oauth2_clients": "oauth2_client_id",
    "oauth2_sessions": "oauth2_session_id",
    "oauth2_access_tokens": "oauth2_access_token_id",
    "personal_sessions": "personal_session_id",
    "personal_access_tokens": "personal_access_token_id",
    "upstream_oauth_providers": "upstream_oauth_provider_id",
    "upstream_oauth_links": "upstream_oauth_link_id",
    "policy_data": "policy_data_id",
}
# Whose columns a row has when nothing is said of them.
DEFAULTS: dict[str, Row] = {
    "users": {
        "locked_at": None,
        "deactivated_at": None,
        "can_request_admin": False,
        "is_guest": False,
    },
    "user_passwords": {"upgraded_from_id": None},
    "compat_sessions": {
        "device_id": None,
        "user_session_id": None,
        "is_synapse_admin": False,
        "human_name": None,
        "user_agent": None,
        "last_active_at": None,
        "last_active_ip": None,
        "finished_at": None,
    },
    "oauth2_sessions": {
        "user_id": None,
        "user_session_id": None,
        "human_name": None,
        "user_agent": None,
        "last_active_at": None,
        "last_active_ip": None,
        "finished_at": None,
    },
    "user_sessions": {
        "user_agent": None,
        "last_active_at": None,
        "last_active_ip": None,
        "finished_at": None,
    },
    "personal_sessions": {
        "owner_user_id": None,
        "owner_oauth2_client_id": None,
        "last_active_at": None,
        "last_active_ip": None,
        "revoked_at": None,
    },
    "personal_access_tokens": {"expires_at": None, "revoked_at": None},
    "compat_access_tokens": {"expires_at": None},
    "compat_refresh_tokens": {"consumed_at": None},
    "upstream_oauth_providers": {
        "issuer": None,
        "human_name": None,
        "brand_name": None,
        "disabled_at": None,
        "registration_token_required": False,
    },
    "upstream_oauth_links": {"user_id": None, "human_account_name": None},
    "user_registration_tokens": {
        "usage_limit": None,
        "times_used": 0,
        "last_used_at": None,
        "expires_at": None,
        "revoked_at": None,
    },
    "oauth2_clients": {"client_name": None, "client_uri": None, "is_static": True},
}


class DatabaseError(Exception):
    """PostgreSQL's refusal, as MAS tells it: with a 500."""

    NUL = 'error returned from database: invalid byte sequence for encoding "UTF8": 0x00'


def storable(*values: Any) -> None:
    """A text of PostgreSQL's has any character but one."""
    if any(isinstance(value, str) and "\0" in value for value in values):
        raise DatabaseError(DatabaseError.NUL)


def kept(row: Row) -> Row:
    """As it comes out of the database."""
    return {
        name: value - value % 1000 if name.endswith("_at") and value is not None else value
        for name, value in row.items()
    }


class Store:
    """Safe to use from many threads; `lock` makes several calls one."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        # Seconds that the clock is ahead of the machine's: a test sets it.
        self.ahead: float = 0
        self._tables: dict[str, dict[str, Row]] = {name: {} for name in KEYS}

    def now(self) -> int:
        moment = time.time_ns() + int(self.ahead * 10**9)
        # A moment that happens to have no nanoseconds would hide what they are for.
        return moment if moment % 1000 else moment + 1

    def insert(self, table: str, **columns: Any) -> Row:
        with self.lock:
            now = self.now()
            row = {KEYS[table]: new_ulid(now // 10**6), "created_at": now}
            row |= DEFAULTS.get(table, {}) | columns
            storable(*row.values())
            self._write(table, row)
            return row

    def update(self, table: str, key: str, **columns: Any) -> Row:
        with self.lock:
            row = self.get(table, key)
            assert row is not None
            row |= columns
            self._write(table, row)
            return row

    def get(self, table: str, key: str) -> Row | None:
        return next(iter(self.find(table, **{KEYS[table]: key})), None)

    def find(self, table: str, **equal: Any) -> list[Row]:
        """In the order of their ids, those with these values."""
        storable(*equal.values())
        with self.lock:
            rows = sorted(self._read(table), key=lambda row: row[KEYS[table]])
        return [row for row in rows if all(row.get(name) == equal[name] for name in equal)]

    def delete(self, table: str, key: str) -> None:
        with self.lock:
            self._remove(table, key)

    def close(self) -> None:
        pass

    # What mas_postgres.py does besides

    def _write(self, table: str, row: Row) -> None:
        self._tables[table][row[KEYS[table]]] = kept(row)

    def _remove(self, table: str, key: str) -> None:
        self._tables[table].pop(key, None)

    def _read(self, table: str) -> list[Row]:
        return [dict(row) for row in self._tables[table].values()]

    # What more than one subject asks for

    def user_named(self, name: str) -> Row | None:
        """Without regard to case, unless several have the name in different ones."""
        storable(name)
        same = [row for row in self.find("users") if row["username"].lower() == name.lower()]
        if len(same) == 1:
            return same[0]
        return next((row for row in same if row["username"] == name), None)

    def name_taken(self, name: str) -> bool:
        storable(name)
        return any(row["username"].lower() == name.lower() for row in self.find("users"))
