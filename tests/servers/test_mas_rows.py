# SPDX-License-Identifier: GPL-3.0-or-later
"""MAS's database, read in a real PostgreSQL by backends/mas/rows.c itself
(tests/support/mas_rows.c puts the questions)."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.by_database import USERS
from tests.support.mas_tables import MasTables, new_ulid, ulid_of, uuid_of
from tests.support.paths import BUILD
from tests.support.postgres import Postgres
from tests.support.postgres_psql import identifier

# Of "correct horse", by libsodium, in MAS's own form.
ARGON2ID = (
    "$argon2id$v=19$m=19456,t=2,p=1$TkKTREB5DtPatikEHgYwcg$CTGkTvQLXFr8XkNnBZ9WHTLQ2evJW7vYpk22vzCy5oM"
)
# Of the same, by Python's bcrypt.
BCRYPT = "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"


@pytest.fixture(scope="module")
def shared(postgres: Postgres) -> Iterator[MasTables]:
    with MasTables(postgres) as tables:
        yield tables


@pytest.fixture
def mas(postgres: Postgres) -> Iterator[MasTables]:
    """One that the test may spoil."""
    with MasTables(postgres) as tables:
        yield tables


def program() -> Path:
    built = os.environ.get("REGISTRAR_BINARY")
    folder = Path(built).resolve().parent if built else BUILD
    path = folder / "support" / "mas_rows"
    assert path.exists(), f"{path} is missing: run `make {path.relative_to(BUILD.parent)}`"
    return path


def opened(tables: MasTables, *questions: tuple[str, ...], **more: Any) -> dict[str, Any]:
    """What the program says of the database and to the questions."""
    given = {"uri": tables.uri, "ask": [list(question) for question in questions]} | more
    done = subprocess.run([program()], input=json.dumps(given).encode(), capture_output=True, timeout=60)
    assert done.returncode == 0 and done.stderr == b"", done.stderr
    assert tables.password.encode() not in done.stdout
    return json.loads(done.stdout)


def ask(tables: MasTables, *question: str, **more: Any) -> Any:
    """The answer to one question, which comes also where memory is short."""
    output = opened(tables, question, starve=True, **more)
    assert output["opened"] == 1, output
    assert output["starved"] == [] and output["warnings"] == [], output
    return output["answers"][0]


def pbkdf2(password: str, iterations: int = 100) -> str:
    def text(value: bytes) -> str:
        return base64.b64encode(value).decode().rstrip("=")

    salt = b"a salt of its own"
    key = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations, 32)
    return f"$pbkdf2-sha256$i={iterations},l=32${text(salt)}${text(key)}"


# The last with as many iterations as MAS's have.
KINDS = [ARGON2ID, BCRYPT, pbkdf2("correct horse", 600_000)]


# Ids


def test_an_id_is_what_the_api_of_a_running_mas_called_it():
    assert ulid_of("01a20912-4c1d-7b61-27e5-ff02b2dd03ff") == "01M84H4K0XFDGJFSFZ0ASDT0ZZ"
    assert uuid_of("01M84H4K0XFDGJFSFZ0ASDT0ZZ") == "01a20912-4c1d-7b61-27e5-ff02b2dd03ff"


# Users


def test_a_user_is_found_with_what_mas_has_of_it(shared, unique):
    name = unique("alice")
    user = shared.add_user(name)
    fresh = {"id": user, "admin": False, "locked": False, "deactivated": False}
    fresh |= {"knows_password": True, "has_password": False}
    assert ask(shared, "find", name) == fresh
    shared.add_password(user, ARGON2ID)
    assert ask(shared, "find", name) == fresh | {"has_password": True}
    shared.lock(user)
    assert ask(shared, "find", name) == fresh | {"has_password": True, "locked": True}
    shared.lock(user, False)
    shared.deactivate(user)
    assert ask(shared, "find", name) == fresh | {"has_password": True, "deactivated": True}


def test_an_administrator_is_told(shared, unique):
    name = unique("boss")
    shared.add_user(name, admin=True)
    assert ask(shared, "find", name)["admin"] is True


def test_nobody_is_an_answer(shared, unique):
    assert ask(shared, "find", unique("nobody")) is None


def test_a_name_is_found_in_any_case(shared, unique):
    name = unique("Carol")
    user = shared.add_user(name)
    for written in (name, name.lower(), name.upper()):
        assert ask(shared, "find", written)["id"] == user


def test_of_names_that_differ_by_case_the_exact_one_is_meant(shared, unique):
    name = unique("dora")
    users = {written: shared.add_user(written) for written in (name.upper(), name)}
    for written, user in users.items():
        assert ask(shared, "find", written)["id"] == user
    assert ask(shared, "find", name.title()) is None


@pytest.mark.parametrize("name", ["a'b", "a%", "a_", "' OR '1'='1", 'a"b', "a\\b", "ünïcode", "$1", ""])
def test_a_name_is_never_part_of_a_statement(shared, name):
    user = shared.add_user(name)
    assert ask(shared, "find", name)["id"] == user
    shared.execute("DELETE FROM users WHERE user_id = ?", uuid_of(user))
    assert ask(shared, "find", name) is None


# Addresses


def test_addresses_are_told_in_their_canonical_form(shared, unique):
    user = shared.add_user(unique("eve"))
    assert ask(shared, "emails", user) == []
    shared.add_email(user, "Eve@Example.ORG")
    shared.add_email(user, "eve@example.org")
    shared.add_email(user, "also@example.org")
    assert ask(shared, "emails", user) == [["email", "also@example.org"], ["email", "eve@example.org"]]


def test_what_is_no_address_is_told_as_it_stands(shared, unique):
    user = shared.add_user(unique("eve"))
    shared.add_email(user, "notmail")
    assert ask(shared, "emails", user) == [["email", "notmail"]]


def test_whose_an_address_is_does_not_depend_on_case(shared, unique):
    user, name = shared.add_user(unique("frank")), unique("mail")
    shared.add_email(user, f"{name}@Example.ORG".title())
    assert ask(shared, "email_owner", f"{name}@example.org") == user
    assert ask(shared, "email_owner", f"x{name}@example.org") == ""
    assert ask(shared, "email_owner", f"{name[:-1]}_@example.org") == ""


def test_of_two_who_have_an_address_the_first_is_told(shared, unique):
    address = unique("mail") + "@example.org"
    users = [shared.add_user(unique("gina")) for _ in range(2)]
    for user in reversed(users):
        shared.add_email(user, address)
    assert ask(shared, "email_owner", address) == users[1]


# Links


def test_links_are_told_with_their_provider_s_id(shared, unique):
    user = shared.add_user(unique("hugo"))
    google, other = shared.add_provider("https://issuer.example"), shared.add_provider(None, "Other")
    name = unique("subject")
    assert ask(shared, "links", user) == []
    shared.add_link(google, name, user)
    shared.add_link(other, "o'" + name, user)
    shared.add_link(other, unique("nobody's"), None)
    shared.add_link(google, unique("another's"), shared.add_user(unique("ida")))
    assert sorted(ask(shared, "links", user)) == sorted([[google, name], [other, "o'" + name]])


# Administrators


def test_administrators_are_those_who_can_act(mas):
    mas.add_user("user")
    assert ask(mas, "administrators") == []
    users = {name: mas.add_user(name, admin=True) for name in ("zoe", "anna", "locked", "gone")}
    mas.lock(users["locked"])
    mas.deactivate(users["gone"])
    assert ask(mas, "administrators") == ["anna", "zoe"]


# Passwords


@pytest.mark.parametrize("hashed", KINDS, ids=lambda value: value[:8])
def test_a_password_is_compared_with_each_kind_of_hash(shared, unique, hashed):
    user = shared.add_user(unique("jim"))
    shared.add_password(user, hashed)
    assert ask(shared, "password", user, "correct horse") == ["same", ""]
    assert ask(shared, "password", user, "battery staple") == ["different", ""]
    assert ask(shared, "has_password", user) is True


def test_who_has_no_password_has_another_one(shared, unique):
    user = shared.add_user(unique("kim"))
    assert ask(shared, "password", user, "") == ["different", ""]
    assert ask(shared, "has_password", user) is False
    assert ask(shared, "has_password", new_ulid()) is False


def test_the_newest_hash_counts(shared, unique):
    user = shared.add_user(unique("lea"))
    shared.add_password(user, pbkdf2("newest"), age=10)
    shared.add_password(user, pbkdf2("oldest"), age=30)
    shared.add_password(user, pbkdf2("older"), age=20)
    assert ask(shared, "password", user, "newest")[0] == "same"
    assert ask(shared, "password", user, "older")[0] == "different"
    assert ask(shared, "password", user, "oldest")[0] == "different"


def test_the_scheme_is_that_of_the_hash_s_version(shared, unique):
    user = shared.add_user(unique("mia"))
    schemes = [
        {"version": 1, "secret": "old pepper", "unicode_normalization": True},
        {"version": 2, "secret": "new pepper"},
        {"version": 3},
    ]
    written = "\ufb01n"  # a ligature
    for version, hashed in ((1, "finold pepper"), (2, written + "new pepper"), (3, written)):
        shared.add_password(user, pbkdf2(hashed), version=version)
        assert ask(shared, "password", user, written, schemes=schemes) == ["same", ""]
        assert ask(shared, "password", user, "other", schemes=schemes) == ["different", ""]
    # What was given counts only where no configuration was found.
    assert ask(shared, "password", user, written, schemes=schemes, pepper="x") == ["same", ""]


def test_a_version_that_the_configuration_has_not_says_nothing(shared, unique):
    user = shared.add_user(unique("nik"))
    shared.add_password(user, pbkdf2("secret"), version=7)
    answer, why = ask(shared, "password", user, "secret", schemes=[{"version": 1}])
    assert answer == "cannot tell" and "version 7" in why and "passwords.schemes" in why


def test_schemes_that_could_not_be_read_say_nothing_of_a_hash(shared, unique):
    # It would be another password's without its pepper.
    user = shared.add_user(unique("pia"))
    assert ask(shared, "password", user, "secret", trouble="no such file") == ["different", ""]
    shared.add_password(user, pbkdf2("secretpepper"), version=1)
    answer, why = ask(shared, "password", user, "secret", trouble="no such file")
    assert answer == "cannot tell" and why == "no such file; or give password_pepper"
    asked = ask(shared, "password", user, "secret", trouble="no such file", pepper="pepper")
    assert asked == ["same", ""]


def test_a_pepper_that_was_given_is_the_scheme_s_where_there_is_no_configuration(shared, unique):
    user = shared.add_user(unique("ole"))
    shared.add_password(user, pbkdf2("secretpepper"), version=4)
    assert ask(shared, "password", user, "secret", pepper="pepper") == ["same", ""]
    assert ask(shared, "password", user, "secret", pepper="peppar") == ["different", ""]
    assert ask(shared, "password", user, "secret") == ["different", ""]


@pytest.mark.parametrize(
    ("hashed", "words"),
    [
        ("plain", "unknown kind"),
        ("$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q", "takes too long"),
        ("$argon2id$v=19$m=1,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q", "malformed"),
        ("$2b$31$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e", "takes too long"),
        ("x" * 1_000_000, "unknown kind"),
    ],
    ids=["plain", "large", "small", "costly", "long"],
)
def test_a_hostile_hash_says_nothing_and_costs_nothing(shared, unique, hashed, words):
    user = shared.add_user(unique("pia"))
    shared.add_password(user, hashed)
    answer, why = ask(shared, "password", user, "plain")
    assert answer == "cannot tell" and words in why and hashed not in why


# Which database it is


def refused(tables: MasTables, **more: Any) -> str:
    output = opened(tables, **more)
    assert output["opened"] == -1 and output["error"]["kind"] == "database", output
    assert tables.name in output["error"]["text"]
    return output["error"]["text"]


def test_none_that_was_given_is_an_answer(shared):
    assert opened(shared, uri=None)["opened"] == 0


def test_a_homeserver_s_database_is_told_apart(mas):
    mas.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    mas.execute(USERS.format(table="users", owner=identifier(mas.name)))
    mas.execute(f"GRANT USAGE ON SCHEMA public TO {identifier(mas.name)}")
    assert "a homeserver's, and not the one of Matrix Authentication Service" in refused(mas)


def test_an_empty_database_is_told_apart(mas):
    mas.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    assert "no table user_passwords" in refused(mas)


@pytest.mark.parametrize(
    "column",
    ["users.deactivated_at", "users.can_request_admin", "user_passwords.version", "user_emails.email"],
)
def test_one_of_before_a_column_is_refused(mas, column):
    table, name = column.split(".")
    mas.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
    assert f"has no {column}" in refused(mas)


def test_one_of_before_a_table_is_refused(mas):
    mas.execute("DROP TABLE upstream_oauth_links")
    assert "has no upstream_oauth_links.user_id" in refused(mas)


def test_one_that_was_found_and_is_none_is_only_warned_about(mas):
    mas.execute("DROP TABLE user_passwords")
    output = opened(mas, found=True)
    assert output["opened"] == 0 and len(output["warnings"]) == 1, output
    assert "not used" in output["warnings"][0]


def test_the_schema_may_have_any_name_and_others_beside_it(mas):
    mas.execute(f'ALTER SCHEMA public RENAME TO "M; as"; CREATE SCHEMA public; '
                f'GRANT USAGE ON SCHEMA public, "M; as" TO {identifier(mas.name)}')
    mas.execute(USERS.format(table="public.users", owner=identifier(mas.name)))
    assert ask(mas, "find", "alice") is None


def test_a_role_that_may_only_read_is_enough(postgres, mas):
    user = mas.add_user("alice")
    mas.add_password(user, pbkdf2("secret"))
    reader = postgres.new_name("reader")
    postgres.create_role(reader, mas.password)
    try:
        postgres.grant_reading(mas.name, reader)
        uri = postgres.uri(mas.name, reader, mas.password, sslmode="disable")
        assert ask(mas, "password", user, "secret", uri=uri) == ["same", ""]
        assert ask(mas, "find", "alice", uri=uri)["id"] == user
    finally:
        mas.execute(f"DROP OWNED BY {identifier(reader)}")
        postgres.execute(f"DROP ROLE {identifier(reader)}")


def test_an_id_that_is_no_uuid_is_an_error(mas):
    mas.execute("ALTER TABLE user_emails DROP CONSTRAINT user_emails_user_id_fkey")
    mas.execute("ALTER TABLE user_emails ALTER COLUMN user_id TYPE text")
    mas.execute("INSERT INTO user_emails VALUES (?, 'x', 'a@example.org', now())", uuid_of(new_ulid()))
    output = opened(mas, ("email_owner", "a@example.org"))
    assert output["answers"][0]["kind"] == "database"
    assert "no uuid" in output["answers"][0]["text"]
