# SPDX-License-Identifier: GPL-3.0-or-later
"""Synapse's own database in place of an administrator: who is one, and whether a
password is the stored one. Synapse and PostgreSQL are real."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.servers.proof import (
    a_password,
    changes,
    deactivate,
    has_nothing_to_do,
    is_refused,
    logs_in,
    predicted,
    requests_during,
    run_module,
    sessions_of,
)
from tests.support.postgres import Postgres
from tests.support.postgres_psql import identifier
from tests.support.synapse import Synapse


Rows = dict[str, Counter[str]]


def way_to(server: Synapse) -> dict[str, Any]:
    """As the homeserver itself gets there, but by the socket."""
    assert server.postgres is not None
    name = server.database_name
    return server.postgres.by_socket(name, name, server.database_password)


def by_database(server: Synapse, **options: Any) -> dict[str, Any]:
    """A task that has the database, and nothing else."""
    return {
        "url": server.url,
        "server_name": server.server_name,
        "database": way_to(server),
    } | options


def is_admin(server: Synapse, localpart: str) -> bool:
    rows = server.query("SELECT admin FROM users WHERE name = ?", (server.user_id(localpart),))
    return rows == [(1,)]


def may_administrate(server: Synapse, token: str) -> bool:
    """By an endpoint that is for administrators (synapse/rest/admin/users.py,
    UsersRestServletV2)."""
    status, _ = server.api("GET", "/_synapse/admin/v2/users?limit=1", token=token)
    assert status in (200, 403)
    return status == 200


def everything(server: Synapse) -> Rows:
    """All rows of all tables, but for what the server writes by itself while it
    runs: statistics, when somebody was seen, and how far its own jobs have come."""
    postgres, name = server.postgres, server.database_name
    assert postgres is not None
    tables = postgres.query("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'", name)
    own = ("stats_", "user_daily_visits", "user_ips", "background_updates", "instance_map")
    own += ("room_forgetter_stream_pos", "event_push_summary_")
    looks = [
        f"SELECT '{table}' AS place, t::text AS whole, t.xmin::text AS x FROM {identifier(table)} t"
        for (table,) in tables
        if not table.startswith(own)
    ]
    result: dict[str, Counter[str]] = {table: Counter() for (table,) in tables}
    for table, whole, x in postgres.query(" UNION ALL ".join(looks), name):
        result[table][f"{whole} {x}"] += 1
    assert len(result) > 100 and result["users"]
    return result


def touched(server: Synapse, work: Callable[[], object]) -> tuple[set[str], Rows, Rows]:
    """The tables of which rows were written meanwhile, and all rows before and after."""
    before = everything(server)
    work()
    after = everything(server)
    return {table for table in after if after[table] != before[table]}, before, after


@contextmanager
def statements(postgres: Postgres) -> Iterator[list[str]]:
    """What the module has the server do in the block."""
    postgres.execute("ALTER SYSTEM SET log_statement = 'all'")
    postgres.execute("ALTER SYSTEM SET log_line_prefix = '%a|%u@%d '")
    postgres.reload()
    seen: list[str] = []
    before = len(postgres.log())
    try:
        yield seen
    finally:
        seen += [
            line
            for line in postgres.log()[before:].splitlines()
            if line.startswith("registrar|") and ("execute" in line or "statement" in line)
        ]
        postgres.execute("ALTER SYSTEM RESET ALL")
        postgres.reload()


@pytest.fixture
def server(synapse_postgres: Synapse) -> Synapse:
    return synapse_postgres


# Who is an administrator


def test_the_database_alone_makes_an_administrator_and_unmakes_one(server, unique):
    name = unique("alice")
    server.register(name, a_password())
    task = by_database(server, username=name)
    for wanted in (True, False):
        before = is_admin(server, name)
        foretold = run_module(task | {"admin": wanted}, check=True, diff=True)
        assert foretold.changed and is_admin(server, name) == before
        done = run_module(task | {"admin": wanted}, diff=True)
        assert done.changed and is_admin(server, name) == wanted, done.json
        assert done.json["authenticated_by"] == "database"
        assert done.json["actions"] == foretold.json["actions"]
        assert done.json["actions"] == ["set admin" if wanted else "unset admin"]
        (diff,) = done.json["diff"]
        assert diff["before"]["admin"] is (not wanted) and diff["after"]["admin"] is wanted
        assert foretold.json["diff"] == done.json["diff"]
        again = run_module(task | {"admin": wanted}, diff=True)
        assert not again.changed and not again.failed and again.json["actions"] == []
        assert again.json["diff"] == []
        assert "restart_required" not in again.json and "restart_required" not in foretold.json


def test_a_running_server_remembers_and_the_reply_says_so():
    """synapse/storage/databases/main/registration.py, is_server_admin: cached since
    1.135."""
    with Postgres() as postgres, Synapse(postgres=postgres) as server:
        password = a_password()
        server.register("alice", password)
        token = server.login("alice", password)
        assert not may_administrate(server, token)
        for wanted in (True, False):
            reply = run_module(by_database(server, username="alice", admin=wanted))
            assert reply.json["restart_required"] is True
            (warning,) = reply.json["warnings"]
            assert "restart" in warning and "@alice:example.test" in warning
            assert may_administrate(server, token) is not wanted
            server.restart()
            assert may_administrate(server, token) is wanted


def test_an_old_server_does_not_remember_and_needs_no_restart():
    with Postgres() as postgres, Synapse("floor", postgres=postgres) as server:
        password = a_password()
        server.register("alice", password)
        token = server.login("alice", password)
        for wanted in (True, False):
            assert may_administrate(server, token) is not wanted
            reply = run_module(by_database(server, username="alice", admin=wanted))
            assert reply.changed, reply.json
            assert "restart_required" not in reply.json and "warnings" not in reply.json
            assert may_administrate(server, token) is wanted


def test_nothing_else_is_written(server, unique):
    name = unique("alice")
    server.register(name, a_password())
    task = by_database(server, username=name)
    with statements(server.postgres) as seen:
        assert run_module(task | {"admin": True}, check=True).changed
    assert seen and not any("UPDATE" in line for line in seen)
    # The server's own jobs write when they like. What the module writes, it would
    # write in every round.
    for wanted in (True, False, True, False, True):
        tables, before, after = touched(server, lambda: run_module(task | {"admin": wanted}))
        if tables == {"users"}:
            break
    assert tables == {"users"}
    gone, come = before["users"] - after["users"], after["users"] - before["users"]
    assert gone.total() == come.total() == 1
    was, now = (next(iter(one)).rpartition(" ")[0].split(",") for one in (gone, come))
    columns = server.query(
        "SELECT column_name::text FROM information_schema.columns "
        "WHERE table_schema = 'public' AND table_name = 'users' ORDER BY ordinal_position"
    )
    differ = [column for (column,), old, new in zip(columns, was, now, strict=True) if old != new]
    assert differ == ["admin"]


def test_the_only_statement_that_writes_has_its_values_apart(server, unique):
    name = unique("alice")
    server.register(name, a_password())
    with statements(server.postgres) as seen:
        assert run_module(by_database(server, username=name, admin=True)).changed
    assert len(seen) > 2
    writing = [line for line in seen if "SELECT" not in line]
    assert len(writing) == 1 and "UPDATE users SET admin = $2" in writing[0]
    assert not any(name in line for line in seen)


@pytest.mark.parametrize("credential", ["access_token", "login", "secret"])
def test_with_a_credential_of_the_api_the_database_is_not_written(server, unique, credential):
    name, admin, password = unique("alice"), unique("root"), a_password()
    server.register(name, a_password())
    server.register(admin, password, admin=True)
    given = {
        "access_token": {"access_token": server.admin_token},
        "login": {"admin_username": admin, "admin_password": password},
        "secret": {"registration_shared_secret": server.secret},
    }[credential]
    with statements(server.postgres) as seen:
        reply = run_module(by_database(server, username=name, admin=True, **given))
    assert reply.changed and "restart_required" not in reply.json, reply.json
    assert seen == [] and is_admin(server, name)
    # The server's own cache was told of it.
    assert server.user(name)["admin"] is True


def test_a_credential_that_is_refused_does_not_give_way_to_the_database(server, unique):
    name = unique("alice")
    server.register(name, a_password())
    task = by_database(server, username=name, admin=True, access_token="syt_wrong_token_000")
    is_refused(server, task, "unauthorized")
    assert not is_admin(server, name)


def test_no_request_of_the_api_s_is_made_for_it(server, unique):
    name = unique("alice")
    server.register(name, a_password())
    task = by_database(server, username=name, admin=True)
    requests = requests_during(server, lambda: run_module(task))
    assert not any("/admin/v2" in request or "/login" in request for request in requests)


# Which accounts


def test_an_account_that_is_not_there_cannot_be_made_and_what_is_missing_is_told(server, unique):
    task = by_database(server, username=unique("nobody"), admin=True, password=a_password())
    reply = is_refused(server, task, "unauthorized")
    assert "registration_shared_secret" in reply.msg


def test_an_account_that_has_to_be_there_and_is_not_is_told(server, unique):
    task = by_database(server, username=unique("nobody"), admin=True, if_absent="fail")
    assert "there is no account" in is_refused(server, task, "not_found").msg


def test_a_guest_is_an_account_like_any_other_in_the_table(server):
    """register_user numbers them (synapse/storage/databases/main/registration.py)."""
    query = "INSERT INTO users (name, is_guest, creation_ts) VALUES (?, 1, 1)"
    server.database.change(query, (server.user_id("31415"),))
    reply = run_module(by_database(server, username="31415", admin=True))
    assert reply.changed and is_admin(server, "31415"), reply.json


def test_an_account_that_is_deactivated_is_left_so(server, unique):
    name = unique("alice")
    server.register(name, a_password())
    deactivate(server, name)
    reply = is_refused(server, by_database(server, username=name, admin=True), "conflict")
    assert "reactivate" in reply.msg and not is_admin(server, name)


def test_names_are_compared_exactly_and_never_by_pattern(server, unique):
    name = unique("a_b")
    other = name.replace("_", "x")
    server.register(other, a_password())
    is_refused(server, by_database(server, username=name, admin=True), "unauthorized")
    assert not is_admin(server, other)


# What the database is not for


@pytest.mark.parametrize(
    "more",
    [
        {"user_type": "bot"},
        {"displayname": "Alice"},
        {"locked": True},
        {"suspended": True},
        {"shadow_banned": True},
        {"emails": ["alice@example.test"]},
        {"ratelimit": {"messages_per_second": 1, "burst_count": 1}},
        {"external_ids": [{"provider": "oidc", "id": "alice"}]},
    ],
    ids=lambda more: next(iter(more)),
)
def test_all_else_takes_an_administrator(server, unique, more):
    name = unique("alice")
    server.register(name, a_password())
    task = by_database(server, username=name, admin=True, **more)
    with statements(server.postgres) as seen:
        reply = is_refused(server, task, "unauthorized")
    assert next(iter(more)) in reply.msg and "access_token" in reply.msg
    assert seen and not any("UPDATE" in line or "INSERT" in line for line in seen)
    assert not is_admin(server, name)


@pytest.mark.parametrize("more", [{"state": "deactivated"}, {"state": "deactivated", "erase": True}], ids=str)
def test_ending_an_account_takes_an_administrator(server, unique, more):
    name = unique("alice")
    server.register(name, a_password())
    reply = is_refused(server, by_database(server, username=name, **more), "unauthorized")
    assert "access_token" in reply.msg


# Passwords


def test_one_s_own_account_is_known_by_the_stored_hash_and_without_a_login(server, unique):
    name, password = unique("alice"), a_password()
    server.register(name, password)
    own = by_database(server, username=name, password=password, admin=True, if_exists="match")
    requests = requests_during(server, lambda: run_module(own))
    assert is_admin(server, name)
    assert not any("/login" in request for request in requests)
    assert sessions_of(server, name) == 0 and server.devices(name) == []
    reply = is_refused(server, own | {"password": "not hers", "admin": False}, "conflict")
    assert is_admin(server, name) and "restart_required" not in reply.json


def test_the_right_one_is_left_alone_and_a_wrong_one_is_set_by_the_secret(server, unique):
    name, old, new = unique("alice"), a_password(), a_password()
    server.register(name, old)
    task = by_database(
        server,
        username=name,
        update_password="always",
        registration_shared_secret=server.secret,
    )
    requests = requests_during(server, lambda: has_nothing_to_do(server, task | {"password": old}))
    assert not any("3pid" in request for request in requests)
    reply = run_module(task | {"password": new})
    assert reply.changed and reply.json["user"]["password_set"], reply.json
    assert logs_in(server, name, new) and not logs_in(server, name, old)
    assert not run_module(task | {"password": new}).changed


@pytest.mark.parametrize(
    ("stored", "stated"),
    [
        # NFKC, as synapse/handlers/auth.py, hash, has it.
        ("pässwörd", unicodedata.normalize("NFD", "pässwörd")),
        (unicodedata.normalize("NFD", "Ångström"), "Ångström"),
        ("ofﬁce ﬀ", "office ff"),
        ("Ⅷ ½ ①", "Ⅷ ½ ①"),
        ("ｆｕｌｌ ｗｉｄｔｈ", "full width"),
        ("가각", unicodedata.normalize("NFD", "가각")),
        ("x" * 72, "x" * 72),
        ("é" * 36, unicodedata.normalize("NFD", "é" * 36)),
    ],
)
def test_a_password_is_compared_in_the_form_that_synapse_gives_it(server, unique, stored, stated):
    name = unique("alice")
    server.register(name, stored)
    assert asked(server, name, stated)
    assert not asked(server, name, stated[:-1] + "?")


def asked(server: Synapse, name: str, password: str, **more: Any) -> bool:
    """Whether the database says that it is the one; nothing is changed."""
    task = by_database(server, username=name, password=password, if_exists="match", **more)
    reply = predicted(server, task)
    assert not reply.failed or reply.kind == "conflict", reply.json
    return not reply.failed


def test_no_more_than_72_bytes_count(server, unique):
    """bcrypt looks at no more, and Synapse cuts them off or refuses to store them."""
    name = unique("alice")
    server.register(name, "x" * 72)
    assert asked(server, name, "x" * 72) and not asked(server, name, "x" * 71 + "y")
    assert asked(server, name, "x" * 72 + "y") is logs_in(server, name, "x" * 72 + "y")


@pytest.mark.parametrize("stored", [None, ""])
def test_an_account_without_a_hash_has_no_password(server, unique, stored):
    name = unique("alice")
    server.register(name, a_password())
    put_hash(server, name, stored)
    assert not asked(server, name, "anything")


@pytest.mark.parametrize("stored", ["$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA", "plain", "$2b$04$short", "*"])
def test_a_hash_of_an_unknown_kind_says_nothing(server, unique, stored):
    name = unique("alice")
    server.register(name, a_password())
    put_hash(server, name, stored)
    task = by_database(server, username=name, password="plain", if_exists="match", admin=True)
    reply = run_module(task)
    assert reply.failed and not is_admin(server, name)
    assert "unknown kind" in reply.msg and stored not in reply.msg, reply.json


def put_hash(server: Synapse, name: str, value: str | None) -> None:
    server.database.change(
        "UPDATE users SET password_hash = ? WHERE name = ?", (value, server.user_id(name))
    )


@pytest.fixture(scope="module")
def peppered(postgres: Postgres) -> Iterator[Synapse]:
    pepper = {"password_config": {"pepper": "Pëpper & salt"}}
    with Synapse(postgres=postgres, config=pepper) as server:
        yield server


def test_the_pepper_is_part_of_what_is_compared(peppered, unique):
    name, password = unique("alice"), a_password()
    peppered.register(name, password)
    assert asked(peppered, name, password, password_pepper="Pëpper & salt")
    assert not asked(peppered, name, password, password_pepper="another pepper")
    assert not asked(peppered, name, password)
    # It is not put into another form, as the password is.
    other = unicodedata.normalize("NFD", "Pëpper & salt")
    assert not asked(peppered, name, password, password_pepper=other)
