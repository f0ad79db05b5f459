# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for `mas-cli manage`, which acts on MAS's tables as MAS 1.22's does
(crates/cli/src/commands/manage.rs; its arguments are taken as clap takes them).

    with MasManage(tables) as manage:  # mas_tables.py
        engine.add("mas", pid=9, programs={"mas-cli": manage})

What it prints goes where MAS's goes: the attributes of a new user to standard output,
all else to standard error, with a long backtrace behind an error unless it is told
RUST_BACKTRACE=0. Without --yes it asks a terminal that is not there, for ever. What a
test looks at: `calls`, `jobs`, `provisioned`. Commands that issue tokens are left out.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import threading
import time
from collections.abc import Callable
from typing import Any

from .engine_exec import Run
from .mas_manage_arguments import Arguments, Usage, parsed
from .mas_tables import new_ulid, ulid_of, uuid_of

NEWEST = (1, 22)
CONFIGS = ("config.yaml", "/config.yaml")
# Synapse's for names, and what is reserved in it is a test's.
USABLE = re.compile(r"[a-z0-9=._/+-]+")
BACKTRACE = "\n\nStack backtrace:\n" + "".join(
    f"  {n:2}: mas_cli::commands::manage::Options::run::{{{{closure}}}}\n"
    f"             at ./app/crates/cli/src/commands/manage.rs:{100 + n}:17\n"
    for n in range(60)
)


class Failure(Exception):
    """`Error: ...`, and an exit status of 1."""


class Panic(Exception):
    pass


def strong(password: str) -> bool:
    """As zxcvbn's score of 3, by a rule that a test can rely on."""
    return len(password) >= 10 and len(set(password)) > 2


def hashed(password: str) -> tuple[int, str]:
    """The version of the scheme, and the hash; a cheap one."""
    salt = os.urandom(16)
    made = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1000, 32)
    text = "$".join(base64.b64encode(part).decode().rstrip("=") for part in (salt, made))
    return 1, f"$pbkdf2-sha256$i=1000,l=32${text}"


class MasManage:
    """One MAS: `tables` has its database (execute and query, as MasTables)."""

    def __init__(self, tables: Any, version: tuple[int, int] = NEWEST) -> None:
        self.tables = tables
        self.version = version
        self.configs: tuple[str, ...] = CONFIGS
        self.passwords_enabled = True
        self.hashed: Callable[[str], tuple[int, str]] = hashed
        # Names that the homeserver has, or keeps for an application service.
        self.reserved: set[str] = set()
        self.homeserver_is_up = True
        # Seconds until the worker of the running server does a job; None: none runs.
        self.worker_seconds: float | None = 0.2
        # What a command waits for before it writes; a test sets it.
        self.delay_seconds: float = 0
        self.calls: list[list[str]] = []
        self.jobs: list[tuple[str, str]] = []
        self.provisioned: list[dict[str, Any]] = []
        self.killed: list[str] = []
        self._timers: list[threading.Timer] = []

    def __enter__(self) -> MasManage:
        return self

    def __exit__(self, *_: object) -> None:
        """What is scheduled is not done any more."""
        for timer in self._timers:
            timer.cancel()
        for timer in self._timers:
            timer.join()

    def __call__(self, run: Run) -> int:
        self.calls.append(run.words[1:])
        try:
            arguments = parsed(run.words[1:], self.version)
            if arguments.command == "help":
                run.out(b"Usage: mas-cli [OPTIONS] [COMMAND]\n")
                return 0
            self._connect(arguments)
            time.sleep(self.delay_seconds)
            method = getattr(self, "_" + arguments.command.replace("-", "_"))
            return method(run, arguments) or 0
        except Usage as usage:
            run.err(f"error: {usage}\n\nFor more information, try '--help'.\n".encode())
            return 2
        except Failure as failure:
            terse = run.environment.get("RUST_BACKTRACE") == "0"
            run.err(f"Error: {failure}{'' if terse else BACKTRACE}\n".encode())
            return 1
        except Panic as panic:
            run.err(f"thread 'main' panicked at {panic}\n".encode())
            return 101

    def _connect(self, arguments: Arguments) -> None:
        for path in arguments.all("config"):
            # A file that is not there is none of the configuration's; the default
            # database then is.
            if path not in self.configs:
                raise Failure(
                    "could not connect to the database\n\nCaused by:\n    0: error "
                    "communicating with database: Connection refused"
                )

    def _log(self, run: Run, level: str, text: str) -> None:
        run.err(f"2026-11-23T15:42:03.805560Z {level:>5} {text}\n".encode())

    # Users and jobs

    def _named(self, name: str) -> tuple[str, str]:
        """The id, and the name as it is; without regard to case where one is left."""
        rows = self.tables.query(
            "SELECT user_id::text, username FROM users WHERE lower(username) = lower(?)", name
        )
        if len(rows) > 1:
            rows = [row for row in rows if row[1] == name]
        if not rows:
            raise Failure("User not found")
        return ulid_of(rows[0][0]), rows[0][1]

    def _schedule(self, job: str, user: str, **more: Any) -> None:
        self.jobs.append((job, user))
        if self.worker_seconds is not None:
            work = getattr(self, "_do_" + job)
            timer = threading.Timer(self.worker_seconds, work, (user,), more)
            self._timers.append(timer)
            timer.start()

    def _do_provision(self, user: str, displayname: str | None = None) -> None:
        row = self.tables.query(
            "SELECT username, locked_at IS NOT NULL, ARRAY(SELECT email FROM user_emails e"
            " WHERE e.user_id = u.user_id ORDER BY email) FROM users u WHERE user_id = ?",
            uuid_of(user),
        )[0]
        told = {"username": row[0], "locked": row[1], "emails": row[2]}
        self.provisioned.append(told | {"displayname": displayname})

    def _do_deactivate(self, user: str) -> None:
        key = uuid_of(user)
        self.tables.execute(
            "BEGIN; UPDATE users SET deactivated_at = now() WHERE user_id = ?"
            " AND deactivated_at IS NULL; DELETE FROM user_emails WHERE user_id = ?; COMMIT",
            key,
            key,
        )

    def _do_reactivate(self, user: str) -> None:
        # Tried again later where the homeserver is away.
        if self.homeserver_is_up:
            self.tables.execute(
                "UPDATE users SET deactivated_at = NULL WHERE user_id = ?", uuid_of(user)
            )

    # Commands

    def _register_user(self, run: Run, arguments: Arguments) -> int | None:
        password = arguments.one("password")
        if self._is_refused(run, password, arguments.has("ignore-password-complexity")):
            return 1
        name = arguments.positional[0] if arguments.positional else None
        if name is not None:
            name = self._available(name)
        mappings = [one.partition(":") for one in arguments.all("upstream-provider-mapping")]
        self._look_for_providers({provider for provider, _, _ in mappings})
        if name is None or not arguments.has("yes"):
            return self._ask_for_ever(run)
        self._show(run, name, arguments)
        user = new_ulid()
        try:
            self.tables.execute(*self._insertion(user, name, arguments))
        except AssertionError as error:
            # Another one was faster.
            assert "duplicate key" in str(error), error
            cause = "Expected 1 rows to be affected, but 0 rows were affected"
            raise Failure(cause) from error
        for provider, _, subject in mappings:
            self.tables.add_link(provider.upper(), subject, user)
        self._schedule("provision", user, displayname=arguments.one("display-name"))
        if not arguments.all("email"):
            self._log(run, "WARN", "No email address provided, user will need to add one")
        self._log(run, "INFO", f"User registered user.id={user}")
        return None

    def _is_refused(self, run: Run, password: str | None, as_it_is: bool) -> bool:
        """Whether it is too weak, which is told."""
        if password is None:
            return False
        if not self.passwords_enabled:
            raise Failure("Password manager is disabled")
        if not as_it_is and not strong(password):
            self._log(run, "ERROR", "That password is too weak.")
            return True
        return False

    def _available(self, name: str) -> str:
        name = name.lstrip("@").partition(":")[0]
        if not name:
            raise Failure("Username cannot be empty")
        if self.tables.query("SELECT 1 FROM users WHERE lower(username) = lower(?)", name):
            raise Failure("User already exists")
        if not self.homeserver_is_up:
            raise Failure("Failed to check localpart availability from Synapse")
        usable = USABLE.fullmatch(name) and not name.isdigit() and not name.startswith("_")
        if not usable or name in self.reserved:
            raise Failure("Username not available on homeserver")
        return name

    def _look_for_providers(self, wanted: set[str]) -> None:
        known = "SELECT 1 FROM upstream_oauth_providers WHERE disabled_at IS NULL AND"
        for provider in wanted:
            column = "upstream_oauth_provider_id"
            if not self.tables.query(f"{known} {column} = ?", uuid_of(provider)):
                raise Panic("crates/cli/src/commands/manage.rs: no entry found for key")

    def _ask_for_ever(self, run: Run) -> int:
        """The prompt fails at once, and is shown again."""
        while not run.ended.is_set():
            run.err(b"What do you want to do next? (<Esc> to abort)\n" * 100)
            time.sleep(0.01)
        return 130

    def _show(self, run: Run, name: str, arguments: Arguments) -> None:
        lines = ["User attributes", f"         Username: {name}"]
        lines += ["         Password: ********"] if arguments.one("password") is not None else []
        lines += [f"            Email: {email}" for email in arguments.all("email")]
        run.out("".join(f"{line}\n" for line in lines).encode())

    def _insertion(self, user: str, name: str, arguments: Arguments) -> list[Any]:
        """The statement and its parameters: all or nothing."""
        words = (
            "BEGIN; INSERT INTO users (user_id, username, created_at, can_request_admin)"
            " VALUES (?, ?, now(), ?);"
        )
        values: list[Any] = [uuid_of(user), name, arguments.has("admin")]
        password = arguments.one("password")
        if password is not None:
            words += self._password_row(user, password, values)
        for email in arguments.all("email"):
            words += " INSERT INTO user_emails VALUES (?, ?, ?, now());"
            values += [uuid_of(new_ulid()), uuid_of(user), email]
        return [words + " COMMIT", *values]

    def _password_row(self, user: str, password: str, values: list[Any]) -> str:
        version, text = self.hashed(password)
        values += [uuid_of(new_ulid()), uuid_of(user), text, version]
        return (
            " INSERT INTO user_passwords (user_password_id, user_id, hashed_password, version,"
            " created_at) VALUES (?, ?, ?, ?, clock_timestamp());"
        )

    def _set_password(self, run: Run, arguments: Arguments) -> int | None:
        user, name = self._named(arguments.positional[0])
        password = arguments.positional[1]
        if self._is_refused(run, password, arguments.has("ignore-complexity")):
            return 1
        values: list[Any] = []
        self.tables.execute(self._password_row(user, password, values), *values)
        self._log(run, "INFO", f"Password changed user.id={user} user.username={name}")
        return None

    def _add_email(self, run: Run, arguments: Arguments) -> None:
        user, name = self._named(arguments.positional[0])
        email = arguments.positional[1]
        same = "SELECT 1 FROM user_emails WHERE user_id = ? AND lower(email) = lower(?)"
        if self.tables.query(same, uuid_of(user), email):
            self._log(run, "INFO", "Email already exists, makring as verified")
        else:
            self.tables.add_email(user, email)
        self._log(run, "INFO", f"Email added user.id={user} user.username={name}")

    def _verify_email(self, run: Run, arguments: Arguments) -> None:
        self._log(run, "WARN", "The 'verify-email' command is deprecated")

    def _promote_admin(self, run: Run, arguments: Arguments, is_one: bool = True) -> None:
        user, _ = self._named(arguments.positional[0])
        self.tables.execute(
            "UPDATE users SET can_request_admin = ? WHERE user_id = ?", is_one, uuid_of(user)
        )
        word = "User promoted to admin" if is_one else "User is no longer admin"
        self._log(run, "INFO", f"{word} user.id={user}")

    def _demote_admin(self, run: Run, arguments: Arguments) -> None:
        self._promote_admin(run, arguments, False)

    def _list_admin_users(self, run: Run, arguments: Arguments) -> None:
        for (name,) in self.tables.query("SELECT username FROM users WHERE can_request_admin"):
            self._log(run, "INFO", f"username={name}")

    def _lock_user(self, run: Run, arguments: Arguments) -> None:
        user, _ = self._named(arguments.positional[0])
        self._log(run, "INFO", f"Locking user user.id={user}")
        self.tables.execute(
            "UPDATE users SET locked_at = coalesce(locked_at, now()) WHERE user_id = ?",
            uuid_of(user),
        )
        self._schedule("provision", user)
        if arguments.has("deactivate"):
            self._log(run, "WARN", f"Scheduling user deactivation user.id={user}")
            self._schedule("deactivate", user)

    def _unlock_user(self, run: Run, arguments: Arguments) -> None:
        user, _ = self._named(arguments.positional[0])
        self._schedule("provision", user)
        if arguments.has("reactivate"):
            self._log(run, "WARN", f"Scheduling user reactivation user.id={user}")
            self._schedule("reactivate", user)
            return
        # In the tags before 0.20, it did both.
        more = ", deactivated_at = NULL" if self.version < (0, 20) else ""
        self.tables.execute(
            f"UPDATE users SET locked_at = NULL{more} WHERE user_id = ?", uuid_of(user)
        )

    def _kill_sessions(self, run: Run, arguments: Arguments) -> None:
        user, name = self._named(arguments.positional[0])
        if not arguments.has("dry-run"):
            self.killed.append(name)
        self._log(run, "INFO", f"No sessions killed user.id={user}")

    def _provision_all_users(self, run: Run, arguments: Arguments) -> None:
        for (user,) in self.tables.query("SELECT user_id::text FROM users"):
            self._schedule("provision", ulid_of(user))
