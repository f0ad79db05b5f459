# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for `mas-cli manage` does what MAS 1.22's did when it was asked the same,
on the tables of a real PostgreSQL."""

import threading
import time

import pytest

from .engine_bodies import Container
from .engine_exec import ERR, OUT, Run
from .mas_manage import MasManage
from .mas_tables import MasTables, uuid_of

GOOD = "a long passphrase"


@pytest.fixture
def tables(postgres):
    with MasTables(postgres) as tables:
        yield tables


@pytest.fixture
def manage(tables):
    with MasManage(tables) as manage:
        yield manage


class Done:
    def __init__(self, code, said):
        self.code = code
        self.out = b"".join(data for stream, data in said if stream == OUT).decode()
        self.err = b"".join(data for stream, data in said if stream == ERR).decode()


def run(manage, *words, ended=None, **environment):
    one = Run(
        "f00d",
        Container("mas"),
        ["mas-cli", *words],
        environment,
        {"AttachStdout": True, "AttachStderr": True},
        ended or threading.Event(),
    )
    return Done(manage(one), one.said)


def register(manage, *words, **environment):
    return run(manage, "manage", "register-user", "--yes", *words, **environment)


def user(tables, name):
    columns = "locked_at IS NOT NULL AS l, deactivated_at IS NOT NULL AS d, can_request_admin"
    return tables.query(f"SELECT {columns} FROM users WHERE username = ?", name)


def until(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_user_is_made_with_all_that_is_given(manage, tables):
    words = ["-p", GOOD, "-e", "a@x.org", "--email=b@x.org", "-a", "-d", "Al B", "--", "alice"]
    done = register(manage, *words)
    assert done.code == 0
    assert "INFO User registered user.id=01" in done.err and "alice" in done.out
    assert GOOD not in done.out + done.err
    assert user(tables, "alice") == [(False, False, True)]
    kept = "SELECT email FROM user_emails ORDER BY email"
    assert tables.query(kept) == [("a@x.org",), ("b@x.org",)]
    assert tables.query("SELECT version FROM user_passwords") == [(1,)]
    until(lambda: manage.provisioned)
    assert manage.provisioned == [
        {
            "username": "alice",
            "locked": False,
            "emails": ["a@x.org", "b@x.org"],
            "displayname": "Al B",
        }
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["-p", "short", "bob"], 1, "That password is too weak."),
        (["ALICE"], 1, "Error: User already exists"),
        (["@alice:elsewhere.test"], 1, "Error: User already exists"),
        (["kept"], 1, "Error: Username not available on homeserver"),
        (["Bob"], 1, "Error: Username not available on homeserver"),
        (["b b"], 1, "Error: Username not available on homeserver"),
        (["--", "_bob"], 1, "Error: Username not available on homeserver"),
        (["-e", "no mail", "bob"], 2, "error: invalid value 'no mail' for '--email"),
        (["--username", "bob"], 2, "error: unexpected argument '--username' found"),
        (["-a", "-A", "bob"], 2, "cannot be used with '--no-admin'"),
        (["-p", "--", "bob"], 2, "a value is required for '--password'"),
        (["-p", GOOD, "-p", GOOD, "bob"], 2, "cannot be used multiple times"),
        (["bob", "ben"], 2, "error: unexpected argument 'ben' found"),
        ([], 2, "the following required arguments were not provided"),
        (["-m", "01M84H4K0XFDGJFSFZ0ASDT0ZZ:x", "bob"], 101, "panicked at"),
    ],
)
def test_what_it_refuses(manage, tables, words, code, said):
    tables.add_user("alice")
    manage.reserved.add("kept")
    done = register(manage, *words, RUST_BACKTRACE="0")
    assert (done.code, said in done.err) == (code, True), done.err
    assert len(done.err) < 400
    assert tables.query("SELECT username FROM users") == [("alice",)]
    assert manage.jobs == []


def test_an_error_has_a_long_backtrace_unless_it_is_told_otherwise(manage, tables):
    tables.add_user("alice")
    assert len(register(manage, "alice").err) > 4000


def test_a_value_behind_the_dashes_or_an_equals_sign_is_no_option(manage, tables):
    assert register(manage, "--password=--yes--yes--", "--", "--help").code == 0
    assert user(tables, "--help") == [(False, False, False)]
    assert run(manage, "manage", "register-user", "--help").code == 0
    assert run(manage, "manage", "set-password", "--", "--help", "-" + GOOD).code == 0
    assert len(tables.query("SELECT 1 FROM user_passwords")) == 2


def test_a_weak_password_is_taken_when_it_is_told_to(manage, tables):
    assert register(manage, "-p", "x", "--ignore-password-complexity", "bob").code == 0
    assert run(manage, "manage", "set-password", "bob", "y").code == 1
    assert run(manage, "manage", "set-password", "--ignore-complexity", "bob", "y").code == 0
    manage.passwords_enabled = False
    done = run(manage, "manage", "set-password", "bob", GOOD)
    assert done.code == 1 and "Password manager is disabled" in done.err


def test_without_yes_it_never_ends_and_says_so_again_and_again(manage, tables):
    ended = threading.Event()
    threading.Timer(0.3, ended.set).start()
    began = time.monotonic()
    done = run(manage, "manage", "register-user", "bob", ended=ended)
    assert time.monotonic() - began >= 0.3
    assert done.err.count("What do you want to do next?") > 100
    assert user(tables, "bob") == []


def test_an_address_is_neither_checked_nor_anybodys_nor_told_to_the_homeserver(manage, tables):
    tables.add_user("alice")
    tables.add_user("bob")
    for name, email in (("alice", "a@x.org"), ("bob", "a@x.org"), ("bob", "no mail")):
        assert run(manage, "manage", "add-email", name, email).code == 0
    assert "Email already exists" in run(manage, "manage", "add-email", "bob", "A@x.org").err
    assert len(tables.query("SELECT 1 FROM user_emails")) == 3
    assert manage.jobs == []


def test_admin_is_given_and_taken_however_it_was(manage, tables):
    tables.add_user("alice")
    for command, is_one in (("promote-admin", True), ("demote-admin", False)):
        for _ in range(2):
            assert run(manage, "manage", command, "alice").code == 0
            assert user(tables, "alice") == [(False, False, is_one)]
    manage.version = (1, 2)
    assert run(manage, "manage", "promote-admin", "alice").code == 2


@pytest.mark.parametrize(
    "words",
    [
        ["promote-admin"],
        ["lock-user"],
        ["unlock-user"],
        ["kill-sessions"],
        ["set-password", GOOD],
        ["add-email", "a@x.org"],
    ],
)
def test_nobody_is_an_error(manage, words):
    done = run(manage, "manage", words[0], "nobody", *words[1:])
    assert done.code == 1 and "Error: User not found" in done.err


def test_locking_alone_locks_and_deactivating_does_both_a_moment_later(manage, tables):
    alice = tables.add_user("alice")
    tables.add_email(alice, "a@x.org")
    assert run(manage, "manage", "lock-user", "alice").code == 0
    assert user(tables, "alice") == [(True, False, False)]
    assert run(manage, "manage", "unlock-user", "alice").code == 0
    assert user(tables, "alice") == [(False, False, False)]
    assert run(manage, "manage", "lock-user", "--deactivate", "alice").code == 0
    assert user(tables, "alice") == [(True, False, False)]
    until(lambda: user(tables, "alice") == [(True, True, False)])
    assert tables.query("SELECT 1 FROM user_emails WHERE user_id = ?", uuid_of(alice)) == []
    assert [job for job, _ in manage.jobs] == ["provision", "provision", "provision", "deactivate"]


def test_unlocking_does_not_reactivate_nor_the_other_way_round(manage, tables):
    alice = tables.add_user("alice")
    tables.lock(alice)
    tables.deactivate(alice)
    run(manage, "manage", "unlock-user", "--reactivate", "alice")
    until(lambda: user(tables, "alice") == [(True, False, False)])
    tables.deactivate(alice)
    run(manage, "manage", "unlock-user", "alice")
    assert user(tables, "alice") == [(False, True, False)]


def test_before_0_20_unlocking_reactivates(manage, tables):
    manage.version = (0, 19)
    alice = tables.add_user("alice")
    tables.deactivate(alice)
    assert run(manage, "manage", "unlock-user", "--reactivate", "alice").code == 2
    assert run(manage, "manage", "unlock-user", "alice").code == 0
    assert user(tables, "alice") == [(False, False, False)]


def test_without_a_worker_jobs_wait(manage, tables):
    tables.add_user("alice")
    manage.worker_seconds = None
    run(manage, "manage", "lock-user", "--deactivate", "alice")
    time.sleep(0.3)
    assert user(tables, "alice") == [(True, False, False)]


def test_a_configuration_that_is_not_there_is_no_database(manage, tables):
    tables.add_user("alice")
    for words in (["--config=/config.yaml"], ["-c", "config.yaml"], []):
        assert run(manage, *words, "manage", "lock-user", "alice").code == 0
    done = run(manage, "--config=/other.yaml", "manage", "lock-user", "alice")
    assert done.code == 1 and "could not connect to the database" in done.err
    assert run(manage, "manage", "lock-user", "alice", "--config", "/other.yaml").code == 1
