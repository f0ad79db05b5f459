# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases that are not the homeserver's, may not be written, or are in use:
one clear error each, and nothing changed."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.servers.by_database import Place
from tests.support.hostile import HostileServer
from tests.support.hostile_postgres import Line
from tests.support.mas_tables import TABLES
from tests.support.postgres import Postgres
from tests.support.postgres_psql import identifier

# What starting the program and talking to the loopback may take besides, on a
# busy machine and under sanitizers.
SLACK = 4


@pytest.fixture(scope="module")
def homeserver() -> Iterator[HostileServer]:
    with HostileServer() as one:
        yield one


@pytest.fixture
def place(postgres: Postgres, homeserver: HostileServer) -> Iterator[Place]:
    with Place(postgres, homeserver) as one:
        yield one


# Which database, which schema


def test_a_database_without_the_table_is_none_of_synapse_s(place):
    place.execute("ALTER TABLE users RENAME TO people")
    reply = place.run(place.socket)
    assert reply.kind == "database" and "is not one of Synapse" in reply.msg, reply.json
    assert "no table users" in reply.msg and place.name in reply.msg


def test_the_database_of_mas_is_none_of_synapse_s(place):
    """It has a table "users", too."""
    place.execute(f"DROP TABLE users; SET ROLE {identifier(place.name)}; {TABLES}")
    reply = place.run(place.socket)
    assert reply.kind == "database" and not reply.changed, reply.json
    assert "is the one of Matrix Authentication Service" in reply.msg and place.name in reply.msg


def test_mas_s_tables_may_be_in_another_schema(place):
    who = identifier(place.name)
    place.execute(f"CREATE SCHEMA mas AUTHORIZATION {who}; SET ROLE {who}; SET search_path TO mas; {TABLES}")
    place.promotes(place.socket)


def test_a_table_in_two_schemas_is_not_guessed_about(place):
    place.execute(f'CREATE SCHEMA other AUTHORIZATION "{place.name}"')
    place.create_users("other.users")
    place.refuses(place.socket, "more than one schema", "users")


def test_a_schema_that_the_user_may_not_use_does_not_count(place):
    place.execute("CREATE SCHEMA other")
    place.create_users("other.users")
    place.execute("ALTER TABLE other.users OWNER TO postgres")
    place.promotes(place.socket)


@pytest.mark.parametrize("schema", ['we"ird; drop', "o'brien", "Zwölf $1 %s", "a.b", "select"])
def test_a_schema_may_have_any_name(place, schema):
    place.execute(f'CREATE SCHEMA {identifier(schema)} AUTHORIZATION "{place.name}"')
    place.execute(f"ALTER TABLE users SET SCHEMA {identifier(schema)}")
    assert not place.run(place.socket).failed
    query = f"SELECT name FROM {identifier(schema)}.users WHERE admin = 1"
    assert place.postgres.query(query, place.name) == [("@alice:example.test",)]
    assert not place.run(place.socket).changed


def test_a_database_a_role_and_a_server_may_have_any_name(postgres, homeserver):
    awkward = 'o\'brien "; DROP TABLE users; --\\ :/@'
    with Place(postgres, homeserver, stem=awkward) as place:
        place.promotes(place.socket)
        place.promotes({"uri": postgres.uri(place.name, place.name, place.password)})
        place.execute("INSERT INTO users (name) VALUES ('@alice:[::1]:8448')")
        with HostileServer() as place.server:
            place.server.homeserver.server_name = "[::1]:8448"
            reply = place.run(place.socket, server_name="[::1]:8448")
            assert reply.changed, reply.json
        assert place.admins() == ["@alice:[::1]:8448"]


def test_a_name_in_the_form_of_a_uri_or_of_a_list_of_words_is_a_name(place):
    # libpq would take such a dbname for a whole connection string (expand_dbname).
    for name in (place.postgres.uri(place.name, place.name, place.password), f"dbname={place.name}"):
        place.refuses(place.socket | {"name": name}, "does not exist")


def test_a_view_in_place_of_the_table_is_none(place):
    place.execute("ALTER TABLE users RENAME TO people; CREATE VIEW users AS SELECT * FROM people")
    place.refuses(place.socket, "no table users")


def test_a_table_of_the_same_name_that_has_other_columns_is_told(place):
    place.execute("ALTER TABLE users DROP COLUMN deactivated")
    place.refuses(place.socket, "SQLSTATE 42703", "another version")


def test_a_table_of_the_session_s_own_is_not_taken_for_it(place):
    # The search path holds the one schema that was found, and no other.
    place.execute(f'CREATE SCHEMA "{place.name}" AUTHORIZATION "{place.name}"')
    place.execute(
        f'CREATE FUNCTION "{place.name}".set_config(text, text, boolean) RETURNS text '
        "LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'called'; END $$"
    )
    place.execute(f'ALTER ROLE "{place.name}" SET search_path = "{place.name}", pg_catalog')
    place.promotes(place.socket)


# What the user may


def test_a_user_who_may_only_read_is_told_of_the_privilege(place, postgres):
    reader = postgres.create_role(postgres.new_name("reader"), place.password)
    postgres.grant_reading(place.name, reader)
    words = ("permission denied for table users", "lacks the privilege", "SQLSTATE 42501")
    place.refuses(place.socket | {"user": reader}, *words)


def test_a_user_who_may_nothing_is_told_of_the_privilege(place, postgres):
    nobody = postgres.create_role(postgres.new_name("nobody"), place.password)
    place.refuses(place.socket | {"user": nobody}, "lacks the privilege")


def test_a_user_who_may_not_use_the_schema_sees_no_table(place, postgres):
    nobody = postgres.create_role(postgres.new_name("nobody"), place.password)
    place.execute("REVOKE USAGE ON SCHEMA public FROM PUBLIC")
    place.refuses(place.socket | {"user": nobody}, "no table users that this user may see")


def test_a_database_that_is_only_read_is_told(place, postgres):
    postgres.setting(place.name, "default_transaction_read_only", "on")
    reply = place.refuses(place.socket, "SQLSTATE 25006", "read-only transaction")
    assert "primary" in reply.msg


def test_a_database_of_another_encoding_is_spoken_to_in_utf_8(postgres, homeserver):
    with Place(postgres, homeserver) as place:
        name = postgres.new_name("latin")
        postgres.execute(
            f'CREATE DATABASE "{name}" TEMPLATE template0 OWNER "{place.name}" '
            "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
        )
        try:
            place.execute("CREATE TABLE nothing ()")
            own, place.name = place.name, name
            postgres.execute(
                "CREATE TABLE users (name text, admin smallint DEFAULT 0, deactivated smallint DEFAULT 0);"
                f'ALTER TABLE users OWNER TO "{own}"; INSERT INTO users VALUES (\'@alice:example.test\')',
                name,
            )
            place.promotes(place.socket | {"user": own})
            # What Latin-1 has no letter for is nobody's name there.
            reply = place.run(place.socket | {"user": own}, server_name="example.test", username="bob")
            assert reply.failed and not reply.changed
        finally:
            place.name = own
            postgres.forget(name)


# Others who are at work there


def test_a_lock_is_waited_for_and_not_for_ever(place, postgres):
    with postgres.holding(place.name, "UPDATE users SET admin = 0"):
        began = time.monotonic()
        reply = place.run(place.socket, timeout=1)
        assert 1 <= time.monotonic() - began < 1 + SLACK
    assert reply.kind == "database" and not reply.changed, reply.json
    # lock_timeout and statement_timeout are as long; which comes first is open.
    assert "SQLSTATE 55P03" in reply.msg or "SQLSTATE 57014" in reply.msg
    assert place.admins() == []


def test_a_lock_that_is_given_up_in_time_is_waited_out(place, postgres):
    with postgres.holding(place.name, "UPDATE users SET admin = 0"):
        running = place.start(place.socket)
        postgres.wait_blocked(place.name)
    assert running.wait().changed and place.admins() == ["@alice:example.test"]


def test_a_statement_may_not_take_longer_than_the_timeout(place, postgres):
    postgres.trap(place.name, "users", "UPDATE", "PERFORM pg_sleep(30);")
    reply = place.refuses(place.socket, "SQLSTATE 57014", "time limit", timeout=1)
    assert reply.seconds < 1 + SLACK


def test_it_is_ours_that_counts_and_not_the_role_s(place):
    place.execute(f'ALTER ROLE "{place.name}" SET statement_timeout = 1')
    place.promotes(place.socket)


def test_a_statement_that_is_stopped_by_a_signal_stops_at_the_server_too(place, postgres):
    with postgres.holding(place.name, "UPDATE users SET admin = 0"):
        running = place.start(place.socket)
        postgres.wait_blocked(place.name)
        began = time.monotonic()
        running.process.terminate()
        reply = running.wait()
        assert time.monotonic() - began < SLACK
        assert reply.failed and reply.kind == "interrupted", reply.json
        query = "SELECT pid FROM pg_stat_activity WHERE usename = ?"
        end = time.monotonic() + 5
        while postgres.query(query, parameters=(place.name,)):
            assert time.monotonic() < end, "its statement goes on without it"
            time.sleep(0.02)
    assert place.admins() == []


def test_a_trigger_s_error_is_told(place, postgres):
    postgres.trap(place.name, "users", "UPDATE", "RAISE EXCEPTION 'not today';")
    place.refuses(place.socket, "not today", "SQLSTATE P0001")


def test_notices_are_nobody_s_business(place, postgres):
    postgres.trap(place.name, "users", "UPDATE", "RAISE NOTICE 'a notice'; RAISE WARNING 'another';")
    postgres.setting(place.name, "client_min_messages", "debug5")
    # run() sees to it that nothing is on stderr.
    assert "notice" not in str(place.promotes(place.socket).json)


# Connections that are lost


def test_a_connection_that_is_ended_between_statements_is_told(place, postgres):
    ending = "PERFORM pg_terminate_backend(pg_backend_pid());"
    postgres.trap(place.name, "users", "UPDATE", ending)
    reply = place.run(place.socket)
    assert reply.failed and reply.kind == "database", reply.json
    assert place.admins() == []
    postgres.spring(place.name)
    place.promotes(place.socket)


def test_a_server_that_stops_midway_is_told(homeserver):
    with Postgres() as one, Place(one, homeserver) as place:
        with one.holding(place.name, "UPDATE users SET admin = 0"):
            running = place.start(place.socket)
            one.wait_blocked(place.name)
            one.stop()
            reply = running.wait()
        assert reply.failed and reply.kind == "database", reply.json
        one.start()
        place.promotes(place.socket)


def statements(place: Place) -> int:
    """How many a promotion takes."""
    with Line(place.postgres.port, -1, True) as line:
        place.promotes(place.port | {"port": line.port, "sslmode": "disable"})
        return line.statements


@pytest.mark.parametrize("delivered", [False, True])
def test_a_line_that_goes_dead_at_any_statement_is_told_and_the_next_run_does_it(place, delivered):
    last = statements(place)
    for number in range(1, last + 1):
        with Line(place.postgres.port, number, delivered) as line:
            reply = place.run(place.port | {"port": line.port, "sslmode": "disable"})
        assert reply.failed and reply.kind == "database", (number, reply.json)
        done = place.admins() != []
        assert done == (delivered and number == last)
        # Whether the last one arrived cannot be known from here.
        assert reply.changed == (number == last), (number, reply.json)
        assert place.run(place.port).changed is not done
        place.demote()
