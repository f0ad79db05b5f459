# SPDX-License-Identifier: GPL-3.0-or-later
"""backends/mas/manage.c itself (tests/support/mas_way.c has it do things), between the
stand-ins for an engine and for MAS's command, and a real PostgreSQL with MAS's tables."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.engine import Engine
from tests.support.mas_manage import MasManage
from tests.support.mas_tables import MasTables
from tests.support.paths import BUILD
from tests.support.postgres import Postgres

GOOD = "correct horse battery"


class Deployment:
    """An engine, in it MAS's container with its command, and its database."""

    def __init__(self, engine: Engine, manage: MasManage, tables: MasTables) -> None:
        self.engine = engine
        self.manage = manage
        self.tables = tables
        self.warnings: list[str] = []

    def begin(self, *steps: tuple[str, ...], **more: Any) -> subprocess.Popen[bytes]:
        given = {
            "uri": self.tables.uri,
            "engine": self.engine.socket,
            "timeout_ms": 5000,
            "do": [list(step) for step in steps],
        }
        running = subprocess.Popen([program()], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert running.stdin is not None
        running.stdin.write(json.dumps(given | more).encode())
        running.stdin.close()
        return running

    def finish(self, running: subprocess.Popen[bytes]) -> list[dict[str, Any]]:
        assert running.stdout is not None
        with running.stdout:
            said = running.stdout.read()
        assert running.wait(60) == 0
        assert GOOD.encode() not in said
        output = json.loads(said)
        assert "error" not in output, output
        self.warnings = output["warnings"]
        assert self.engine.complaints == []
        return output["answers"]

    def do(self, *steps: tuple[str, ...], **more: Any) -> list[dict[str, Any]]:
        return self.finish(self.begin(*steps, **more))

    def do_one(self, *step: str, **more: Any) -> dict[str, Any]:
        return self.do(step, **more)[0]

    @property
    def commands(self) -> list[str]:
        return [call[1] for call in self.manage.calls]


@pytest.fixture(params=["docker", "podman"])
def mas(request: pytest.FixtureRequest, postgres: Postgres) -> Iterator[Deployment]:
    with MasTables(postgres) as tables, MasManage(tables) as manage:
        with Engine(request.param) as engine:
            engine.add("mas", pid=4711, programs={"mas-cli": manage})
            yield Deployment(engine, manage, tables)


def program() -> Path:
    built = os.environ.get("REGISTRAR_BINARY")
    folder = Path(built).resolve().parent if built else BUILD
    path = folder / "support" / "mas_way"
    assert path.exists(), f"{path} is missing: run `make {path.relative_to(BUILD.parent)}`"
    return path


def state(answer: dict[str, Any]) -> tuple[bool, bool, bool]:
    user = answer["user"]
    return user["admin"], user["locked"], user["deactivated"]


def test_a_user_is_made_and_is_there_the_next_time(mas: Deployment) -> None:
    made, again = mas.do(("create", "alice", GOOD, "a@x.org"), ("create", "alice", GOOD))
    assert made["what"] == "done" and state(made) == (False, False, False)
    assert again["what"] == "taken"
    assert mas.commands == ["register-user"]
    assert mas.tables.query("SELECT email FROM user_emails") == [("a@x.org",)]
    assert len(mas.warnings) == 1 and "stood in the arguments" in mas.warnings[0]


def test_hostile_names_and_passwords_are_what_they_are(mas: Deployment) -> None:
    kept: list[str] = []
    plain = mas.manage.hashed
    mas.manage.hashed = lambda given: (kept.append(given), plain(given))[1]
    names = ["-x", "--help", "--", "a/b", "a+b=c", "x-"]
    passwords = ["--yes and so on", "-" * 8 + "aXc", "a 'b' \"c\" $(d) \\ \n é"] * 2
    steps = [("create", name, password) for name, password in zip(names, passwords)]
    steps += [("set_password", name, password) for name, password in zip(names, passwords)]
    answers = mas.do(*steps)
    assert [answer.get("what") for answer in answers] == ["done"] * 12, answers
    assert kept == passwords * 2
    assert sorted(mas.tables.query("SELECT username FROM users")) == sorted(
        (name,) for name in names
    )


def test_steps_change_what_they_say(mas: Deployment) -> None:
    mas.tables.add_user("alice")
    answers = mas.do(
        ("set_admin", "alice", "true"),
        ("set_locked", "alice", "true"),
        ("set_admin", "alice", "false"),
        ("set_locked", "alice", "false"),
        ("add_email", "alice", "a@x.org"),
        ("add_email", "alice", "a@x.org"),
        ("end_sessions", "alice"),
    )
    assert [state(answer)[:2] for answer in answers[:4]] == [
        (True, False),
        (True, True),
        (False, True),
        (False, False),
    ]
    assert mas.commands[-2:] == ["add-email", "kill-sessions"]
    assert mas.commands.count("add-email") == 1 and mas.manage.killed == ["alice"]


def test_a_deactivation_and_its_undoing_are_waited_for(mas: Deployment) -> None:
    mas.tables.add_email(mas.tables.add_user("alice"), "a@x.org")
    closed, opened = mas.do(("deactivate", "alice"), ("reactivate", "alice"))
    assert state(closed) == (False, False, True)
    assert state(opened) == (False, False, False)
    assert mas.tables.query("SELECT 1 FROM user_emails") == []
    assert mas.commands == ["lock-user", "unlock-user", "unlock-user"]
    assert mas.warnings == []


def test_where_no_worker_runs_a_user_is_locked_and_a_reactivation_an_error(
    mas: Deployment,
) -> None:
    mas.manage.worker_seconds = None
    mas.tables.add_user("alice")
    assert state(mas.do_one("deactivate", "alice", timeout_ms=400)) == (False, True, False)
    assert "left to MAS's worker" in mas.warnings[0]
    mas.tables.execute("UPDATE users SET deactivated_at = now()")
    assert mas.do_one("reactivate", "alice", timeout_ms=400)["kind"] == "not_ready"


def test_what_mas_does_not_check_is_checked(mas: Deployment) -> None:
    mas.tables.add_email(mas.tables.add_user("bob"), "a@x.org")
    mas.tables.add_user("carol")
    answers = mas.do(
        ("create", "alice", GOOD, "a@x.org"),
        ("create", "alice", GOOD, "no mail@x.org"),
        ("add_email", "carol", "a@x.org"),
        ("add_email", "carol", "@x.org"),
    )
    assert [answer["kind"] for answer in answers] == ["conflict", "invalid"] * 2
    assert mas.commands == []


def test_its_refusals_are_told_in_its_words_and_nothing_is_left(mas: Deployment) -> None:
    mas.manage.reserved.add("kept")
    weak, reserved = mas.do(("create", "alice", "w3ak"), ("create", "kept", GOOD))
    assert weak["kind"] == "server" and "That password is too weak." in weak["text"]
    assert "Error: Username not available on homeserver" in reserved["text"]
    assert mas.tables.query("SELECT 1 FROM users") == []
    assert mas.do_one("create", "alice", "w3ak", skip_password_check=True)["what"] == "done"


def test_a_configuration_of_its_own_is_told(mas: Deployment) -> None:
    mas.manage.configs = ("/etc/mas.yaml",)
    mas.tables.add_user("alice")
    step = ("set_admin", "alice", "true")
    assert state(mas.do_one(*step, config="/etc/mas.yaml"))[0] is True
    assert mas.do_one(*step, config="/config.yaml")["kind"] == "server"


def test_a_container_without_the_command_is_not_mas_s(mas: Deployment) -> None:
    mas.engine.containers[0].programs.clear()
    answer = mas.do_one("create", "alice", GOOD)
    assert answer["kind"] == "unsupported"
    assert "is not there; is this MAS's container? (exit status 127" in answer["text"]


def test_an_older_command_that_lacks_one_says_so(mas: Deployment) -> None:
    mas.manage.version = (1, 2)
    mas.tables.add_user("alice")
    answer = mas.do_one("set_admin", "alice", "true")
    assert answer["kind"] == "unsupported" and "too old" in answer["text"]


def test_a_command_that_takes_too_long_is_looked_after(mas: Deployment) -> None:
    """It goes on, as nothing ends it; the next run finds what it made."""
    mas.manage.delay_seconds = 1
    answer = mas.do_one("create", "alice", GOOD, timeout_ms=300)
    assert answer["kind"] == "server" and answer["maybe_done"] is True
    assert "has not ended within 300 ms" in answer["text"]
    end = time.monotonic() + 10
    while not mas.tables.query("SELECT 1 FROM users"):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert mas.do_one("create", "alice", GOOD)["what"] == "taken"


def test_another_database_than_mas_s_is_noticed(mas: Deployment, postgres: Postgres) -> None:
    with MasTables(postgres) as other:
        answer = mas.do_one("create", "alice", GOOD, uri=other.uri)
    assert answer["kind"] == "database"
    assert "is database the one that this MAS uses?" in answer["text"]


def test_two_runs_at_once_make_one_user(mas: Deployment) -> None:
    mas.manage.delay_seconds = 0.2
    running = [mas.begin(("create", "alice", GOOD)) for _ in range(3)]
    outcomes = sorted(mas.finish(one)[0].get("what", "error") for one in running)
    assert outcomes.count("done") == 1
    assert len(mas.tables.query("SELECT 1 FROM users")) == 1


def test_a_signal_lets_a_command_end_and_begins_no_other(mas: Deployment) -> None:
    mas.manage.delay_seconds = 0.5
    running = mas.begin(("create", "alice", GOOD), ("create", "bob", GOOD))
    end = time.monotonic() + 10
    while not mas.manage.calls:
        assert time.monotonic() < end
        time.sleep(0.01)
    running.send_signal(signal.SIGTERM)
    answers = mas.finish(running)
    assert mas.tables.query("SELECT username FROM users") == [("alice",)]
    assert len(mas.manage.calls) == 1
    assert [answer["what"] for answer in answers] == ["done"]
