# SPDX-License-Identifier: GPL-3.0-or-later
"""MAS's API beside its database: the rows tell what the API does not say of passwords.
Synapse and PostgreSQL are real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from tests.servers.proof import a_password
from tests.support.mas import Mas
from tests.support.mas_postgres import PostgresStore
from tests.support.mas_tables import MasTables
from tests.support.module import Reply, run_module
from tests.support.postgres import Postgres
from tests.support.synapse import Synapse


class Both(NamedTuple):
    mas: Mas
    tables: MasTables

    def run(self, rows: bool = True, check: bool = False, **task: Any) -> Reply:
        whole = self.mas.task(url=self.mas.beside.server.url) | task
        if rows:
            whole["database"] = {"uri": self.tables.uri}
        reply = run_module(whole, check=check, secrets=(self.tables.password,))
        assert not reply.failed, reply.json
        return reply


@pytest.fixture(scope="module")
def both(postgres: Postgres) -> Iterator[Both]:
    with (
        MasTables(postgres) as tables,
        Mas(store=PostgresStore(postgres, tables.name)) as mas,
        mas.delegating(Synapse),
    ):
        yield Both(mas, tables)
        assert not mas.complaints


def test_who_was_made_without_a_password_is_finished_on_create(
    both: Both, unique: Callable[[str], str]
) -> None:
    name, password = unique("cut"), a_password()
    both.mas.create(name)
    task = {"username": name, "password": password}
    # Nobody else can tell.
    assert not both.run(rows=False, **task).changed
    assert both.run(check=True, **task).json["actions"] == ["set password"]
    assert not both.mas.has_password(name)
    assert both.run(**task).json["actions"] == ["set password"]
    assert both.mas.has_password(name, password)
    assert not both.run(**task).changed
    assert not both.run(**task | {"password": a_password()}).changed


def test_registering_takes_nobody_over_who_has_no_password(
    both: Both, unique: Callable[[str], str]
) -> None:
    """It may be somebody else's, who is about to set one."""
    name = unique("cut")
    both.mas.create(name)
    task = both.mas.task(url=both.mas.beside.server.url, database={"uri": both.tables.uri})
    reply = run_module(task | {"username": name, "password": a_password(), "if_exists": "match"})
    assert reply.kind == "conflict" and not reply.changed, reply.json
    assert not both.mas.has_password(name)


def test_who_logs_in_elsewhere_is_given_no_password(
    both: Both, unique: Callable[[str], str]
) -> None:
    name = unique("linked")
    user = both.mas.create(name)
    provider = both.mas.add_provider(issuer="https://id.example", human_name="Id")
    link = {"user_id": user["user_id"], "provider_id": provider, "subject": "s"}
    assert both.mas.api("POST", "/upstream-oauth-links", link).status == 201
    assert not both.run(username=name, password=a_password()).changed
    assert not both.mas.has_password(name)


def test_who_has_had_a_session_is_given_no_password(
    both: Both, unique: Callable[[str], str]
) -> None:
    name = unique("seen")
    user = both.mas.create(name, a_password())
    assert both.mas.login(name, "not the password").status == 403
    known = a_password()
    both.mas.set_password(user["user_id"], known)
    assert both.mas.login(name, known).status == 200
    both.tables.execute("DELETE FROM user_passwords WHERE user_id = "
                        "(SELECT user_id FROM users WHERE username = ?)", name)
    assert not both.run(username=name, password=a_password()).changed
    assert not both.mas.has_password(name)


def test_the_stored_hash_is_asked_and_nobody_logs_in(
    both: Both, unique: Callable[[str], str]
) -> None:
    users = [{"username": unique("many"), "password": a_password()} for _ in range(5)]
    assert both.run(users=users).json["summary"]["created"] == 5
    for user in users:
        user["update_password"] = "always"
    both.mas.forget()
    assert not both.run(users=users).changed
    users[3]["password"] = a_password()
    assert both.run(users=users).json["summary"]["changed"] == 1
    assert both.mas.has_password(users[3]["username"], users[3]["password"])
    assert "/_matrix/client/v3/login" not in [request.path for request in both.mas.requests]
