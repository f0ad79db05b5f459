# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stand-in for MAS keeps, in a PostgreSQL with MAS's tables as well: what it
writes is there, and what it reads comes from there, as others write there, too (a
`mas-cli manage`, whoever repairs something by SQL). Tables that the database lacks
are in memory alone.

    Mas(store=PostgresStore(postgres, database))
"""

from __future__ import annotations

import json
from typing import Any

from .mas_ids import ulid_of, uuid_of, written
from .mas_store import DEFAULTS, KEYS, Row, Store
from .postgres import Postgres
from .postgres_psql import Session, identifier, in_json, literal


class PostgresStore(Store):
    def __init__(self, postgres: Postgres, database: str) -> None:
        super().__init__()
        self.postgres = postgres
        self.database = database
        self._session: Session | None = None
        # Of the tables that are there, the columns and whether each is of MAS's ids.
        self._columns: dict[str, dict[str, str]] = {}
        statement = (
            "SELECT table_name::text, column_name::text, data_type::text"
            " FROM information_schema.columns WHERE table_schema = 'public'"
        )
        for table, column, kind in postgres.query(statement, database):
            if table in KEYS:
                self._columns.setdefault(table, {})[column] = kind

    def close(self) -> None:
        with self.lock:
            session, self._session = self._session, None
            if session is not None:
                session.close()

    def _run(self, statement: str) -> str:
        if self._session is None:
            self._session = self.postgres.session(self.database)
        try:
            return self._session.run(statement)
        except (AssertionError, OSError):
            self.close()
            raise

    def _write(self, table: str, row: Row) -> None:
        if table in self._columns:
            columns = [name for name in self._columns[table] if name in row]
            names = ", ".join(identifier(name) for name in columns)
            values = ", ".join(self._literal(table, name, row[name]) for name in columns)
            changes = ", ".join(f"{identifier(n)} = excluded.{identifier(n)}" for n in columns)
            self._run(
                f"INSERT INTO {identifier(table)} ({names}) VALUES ({values})"
                f" ON CONFLICT ({identifier(KEYS[table])}) DO UPDATE SET {changes}"
            )
        # What the database has no column for is here.
        super()._write(table, row)

    def _remove(self, table: str, key: str) -> None:
        if table in self._columns:
            where = f"{identifier(KEYS[table])} = {literal(uuid_of(key))}"
            self._run(f"DELETE FROM {identifier(table)} WHERE {where}")
        super()._remove(table, key)

    def _read(self, table: str) -> list[Row]:
        if table not in self._columns:
            return super()._read(table)
        known = self._tables[table]
        rows = []
        for told in json.loads(self._run(in_json(self._select(table)))):
            row = {name: self._value(table, name, told[name]) for name in self._columns[table]}
            rows.append(DEFAULTS.get(table, {}) | known.get(row[KEYS[table]], {}) | row)
        return rows

    def _select(self, table: str) -> str:
        parts = []
        for name, kind in self._columns[table].items():
            column = identifier(name)
            if kind.startswith("timestamp"):
                # Exact: a double has not the digits for it.
                column = f"(extract(epoch FROM {column}) * 1000000)::bigint AS {column}"
            parts.append(column)
        return f"SELECT {', '.join(parts)} FROM {identifier(table)}"

    def _literal(self, table: str, name: str, value: Any) -> str:
        kind = self._columns[table][name]
        if value is None:
            return "NULL"
        if kind == "uuid":
            return literal(uuid_of(value))
        if kind.startswith("timestamp"):
            return literal(written(value - value % 1000))
        return literal(value)

    def _value(self, table: str, name: str, value: Any) -> Any:
        kind = self._columns[table][name]
        if value is None:
            return None
        if kind == "uuid":
            return ulid_of(value)
        return value * 1000 if kind.startswith("timestamp") else value
