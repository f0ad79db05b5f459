# SPDX-License-Identifier: GPL-3.0-or-later
"""ensure-matrix-users-created: from lists of the inventory to what the module is
asked. Every case is a host of one inventory, so that one run works them all out.

What the lists of matrix-docker-ansible-deploy look like, and what must hold of
them: its group_vars/matrix_servers (matrix_user_creator_users_auto), and its
roles/custom/matrix-user-creator, vars/main.yml and tasks/util/validate_user.yml.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.playbooks.ansible_run import Ansible, Run
from tests.playbooks.stand_in import REPLIES, StandIn, write_hosts

TAG = "ensure-matrix-users-created"
AUTO = "matrix_user_creator_users_auto"
ADDITIONAL = "matrix_user_creator_users_additional"
OWN = "matrix_users_list"
HALF_DEFINED = "{{ nobody_defines_this }}"
# As long as the password that must be in no message.
SECRET = "Unsayable-4711"


def creator(name: Any, password: Any = "first", kind: Any = "bot", **more: Any) -> dict[str, Any]:
    return {"username": name, "initial_password": password, "initial_type": kind} | more


def without(key: str, entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != key}


def asked(name: str, password: str = "first", kind: str = "bot", **more: Any) -> dict[str, Any]:
    return {
        "username": name,
        "password": password,
        "initial_type": kind,
        "update_password": "on_create",
    } | more


@dataclass(frozen=True)
class Case:
    """Variables; and the users that the module is asked for, or nothing, or parts of
    a message. What is said besides is in `told`."""

    name: str
    variables: dict[str, Any]
    users: list[dict[str, Any]] = field(default_factory=list)
    problem: tuple[str, ...] = ()
    told: str = ""


def refused(name: str, variables: dict[str, Any], *parts: str) -> Case:
    return Case(name, variables, problem=parts)


# A template with a line feed at its end, as it is written there.
WRITTEN_AUTO = """{{
    ([{
      'username': bot_login,
      'initial_password': bot_password,
      'initial_type': 'bot',
    }] if bot_enabled else [])
    +
    ([{
      'username': other_login,
      'initial_password': other_password,
      'initial_type': ('admin' if bot_enabled else 'bot'),
    }] if not bot_enabled else [])
}}
"""
BOT = {"bot_login": "baibot", "bot_password": "it's \"quoted\"", "bot_enabled": True}

CASES = [
    Case("nobody is listed", {}, told="Nobody is listed"),
    Case("lists may be empty", {AUTO: [], ADDITIONAL: [], OWN: []}, told="Nobody is listed"),
    Case("the creator's lists may be null", {AUTO: None, ADDITIONAL: None}, told="Nobody is listed"),
    Case(
        "the creator's lists are taken together",
        {AUTO: [creator("baibot")], ADDITIONAL: [creator("alice", "second", "admin")]},
        [asked("baibot"), asked("alice", "second", "admin")],
    ),
    Case(
        "the deployment's own list is a template",
        BOT | {AUTO: WRITTEN_AUTO},
        [asked("baibot", "it's \"quoted\"")],
    ),
    *(
        Case(f"{kind} is a type", {ADDITIONAL: [creator("alice", kind=kind)]}, [asked("alice", kind=kind)])
        for kind in ("admin", "user", "bot", "support")
    ),
    Case(
        "what the creator does not know is left out, as it does",
        {ADDITIONAL: [creator("alice", displayname="Alice", admin=True)]},
        [asked("alice")],
    ),
    Case("a password may be a number", {ADDITIONAL: [creator("alice", 1234)]}, [asked("alice", "1234")]),
    Case(
        "a password may look like a list or a boolean",
        {ADDITIONAL: [creator("alice", "[1, 2]"), creator("bob", "yes"), creator("carol", "{}")]},
        [asked("alice", "[1, 2]"), asked("bob", "yes"), asked("carol", "{}")],
    ),
    Case(
        "its own list has the module's keys",
        {OWN: [{"username": "alice", "displayname": "", "emails": ["a@example.test"], "admin": False}]},
        [{"username": "alice", "displayname": "", "emails": ["a@example.test"], "admin": False}],
    ),
    Case(
        "its own list has the creator's keys, too",
        {OWN: [creator("alice", displayname="Alice"), {"username": "bob", "initial_password": "x"}]},
        [
            asked("alice", displayname="Alice"),
            {"username": "bob", "password": "x", "update_password": "on_create"},
        ],
    ),
    # The same name
    Case(
        "what two lists say of a name adds up",
        {AUTO: [creator("baibot")], OWN: [{"username": "baibot", "displayname": "Bai", "ratelimit": {}}]},
        [asked("baibot", displayname="Bai", ratelimit={})],
    ),
    Case(
        "where they contradict each other, its own list counts",
        {
            ADDITIONAL: [creator("alice")],
            OWN: [{"username": "alice", "password": "own", "update_password": "always"}],
        },
        [asked("alice", "own", update_password="always")],
    ),
    Case(
        "its own initial password counts, too",
        {ADDITIONAL: [creator("alice")], OWN: [{"username": "alice", "initial_password": "own"}]},
        [asked("alice", "own")],
    ),
    Case(
        "the automatic list comes before the additional one",
        {AUTO: [creator("baibot")], ADDITIONAL: [creator("baibot", "second", "admin"), creator("bob")]},
        [asked("baibot"), asked("bob")],
    ),
    Case(
        "of two entries in one of the creator's lists the first counts",
        {ADDITIONAL: [creator("alice"), creator("alice", "second", "admin")]},
        [asked("alice")],
    ),
    refused(
        "its own list has a name once",
        {OWN: [{"username": "alice"}, {"username": "bob"}, {"username": "alice", "admin": True}]},
        "alice is in matrix_users_list more than once",
    ),
    # Where Matrix Authentication Service has the accounts
    Case(
        "MAS looks at no password of the creator's lists, as that playbook has it, unless that is said",
        {
            "matrix_users_backend": "mas",
            ADDITIONAL: [creator("alice", kind="admin"), creator("bob", kind="user")],
            OWN: [{"username": "bob", "skip_password_check": False}, {"username": "carol", "password": "hers"}],
        },
        [
            asked("alice", kind="admin", skip_password_check=True),
            asked("bob", kind="user", skip_password_check=False),
            {"username": "carol", "password": "hers"},
        ],
    ),
    Case(
        "types are left away where nothing is known that opens MAS's API",
        {"matrix_users_backend": "mas", ADDITIONAL: [creator("alice"), creator("bob", kind="admin")]},
        [asked("alice", kind="user", skip_password_check=True), asked("bob", kind="admin", skip_password_check=True)],
        told="(initial_type): alice",
    ),
    Case(
        "types are given by MAS's API",
        {"matrix_users_backend": "mas", "matrix_users_mas_token": "mpt_own", ADDITIONAL: [creator("alice")]},
        [asked("alice", skip_password_check=True)],
    ),
    # Nothing is done
    Case(
        "nothing is done while accounts migrate",
        {
            "matrix_authentication_service_migration_in_progress": True,
            AUTO: HALF_DEFINED,
            ADDITIONAL: [creator("alice")],
            OWN: [{"username": "bob"}],
        },
        told="matrix_authentication_service_migration_in_progress",
    ),
    Case(
        "whether accounts migrate may be half-defined",
        {"matrix_authentication_service_migration_in_progress": HALF_DEFINED, OWN: [{"username": "bob"}]},
        [{"username": "bob"}],
    ),
    # Variables that refer to variables which are not there
    *(
        Case(
            f"a half-defined automatic list is left out, {where}",
            {AUTO: text, ADDITIONAL: [creator("alice")]},
            [asked("alice")],
            told="matrix_user_creator_users_auto is left out",
        )
        for where, text in {
            "as a whole": HALF_DEFINED,
            "in an entry": "{{ [{'username': 'baibot', 'initial_password': nobody_defines_this}] }}",
            "in a condition": "{{ [] if nobody_defines_this else [] }}",
        }.items()
    ),
    Case(
        "a half-defined automatic list alone is told, too",
        {AUTO: HALF_DEFINED},
        told="matrix_user_creator_users_auto is left out",
    ),
    *(
        refused(
            f"a half-defined additional list is refused, {where}",
            {ADDITIONAL: text, OWN: [{"username": "bob"}]},
            ADDITIONAL,
            "refers to a variable that is not there",
        )
        for where, text in {
            "as a whole": HALF_DEFINED,
            "in an entry": [creator("alice", SECRET), creator("bob", HALF_DEFINED)],
        }.items()
    ),
    # What must hold of the entries
    *(
        refused(f"an entry without a username is refused: {value!r}", {ADDITIONAL: [entry]}, ADDITIONAL, "no username")
        for value, entry in {
            "missing": without("username", creator("alice", SECRET)),
            "empty": creator("", SECRET),
            "null": creator(None, SECRET),
        }.items()
    ),
    *(
        refused(
            f"an entry without a password is refused: {value!r}",
            {AUTO: [entry], ADDITIONAL: [creator("bob", SECRET)]},
            "The entry of alice in matrix_user_creator_users_auto has no initial_password",
        )
        for value, entry in {
            "missing": without("initial_password", creator("alice")),
            "empty": creator("alice", ""),
            "null": creator("alice", None),
        }.items()
    ),
    *(
        refused(
            f"an entry without one of the types is refused: {value!r}",
            {ADDITIONAL: [creator("bob", SECRET), entry]},
            "The entry of alice in matrix_user_creator_users_additional has no initial_type",
            "admin, user, bot, support",
        )
        for value, entry in {
            "missing": without("initial_type", creator("alice", SECRET)),
            "empty": creator("alice", SECRET, ""),
            "null": creator("alice", SECRET, None),
            "another": creator("alice", SECRET, "guest"),
        }.items()
    ),
    refused("its own entry without a username is refused", {OWN: [{"password": SECRET}]}, OWN, "no username"),
    refused(
        "its own entry with an empty initial password is refused",
        {OWN: [{"username": "alice", "initial_password": ""}]},
        "The entry of alice in matrix_users_list has no initial_password",
    ),
    *(
        refused(
            f"an initial password does not go with {key}",
            {OWN: [{"username": "alice", "initial_password": SECRET, key: value}]},
            "alice in matrix_users_list",
            "neither password nor update_password",
        )
        for key, value in {"password": SECRET + "2", "update_password": "always"}.items()
    ),
    *(
        refused(f"the additional list is a list: {value!r}", {ADDITIONAL: value}, ADDITIONAL, "no list of users")
        for value in ("alice", {"username": "alice"}, ["alice"])
    ),
]


@pytest.fixture(scope="module")
def outcome(ansible: Ansible, tmp_path_factory: pytest.TempPathFactory) -> tuple[StandIn, Run]:
    folder: Path = tmp_path_factory.mktemp("lists")
    stand_in = StandIn(folder, REPLIES)
    inventory = write_hosts(folder, {f"case{i}.test": case.variables for i, case in enumerate(CASES)})
    run = ansible.run(inventory, f"--tags={TAG}", env=stand_in.environment)
    return stand_in, run


def said_of(run: Run, host: str) -> str:
    """Everything that was printed for that host, without line breaks in the text."""
    pattern = rf"^(?:ok|fatal|failed): \[{re.escape(host)}\].*?(?=^\w+: \[|^TASK|^PLAY|\Z)"
    return "\n".join(re.findall(pattern, run.output, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda i: re.sub(r"[^\w.:-]+", "-", CASES[i].name))
def test_lists(outcome: tuple[StandIn, Run], number: int) -> None:
    stand_in, run = outcome
    case, host = CASES[number], f"case{number}.test"
    said = said_of(run, host)

    question = stand_in.of(host)

    assert (question["users"] if question else []) == case.users
    assert run.hosts[host]["failed"] == (1 if case.problem else 0), said
    for part in (*case.problem, case.told):
        assert part in said
    if not case.told:
        assert "left out" not in said and "Nobody is listed" not in said


def test_no_message_shows_a_password(outcome: tuple[StandIn, Run]) -> None:
    _, run = outcome

    assert run.hosts["case0.test"]["ok"] > 0, run.output
    assert SECRET not in run.output


def test_both_tags_do_it(
    newest_ansible: Ansible, make_inventory: Callable[..., Path], tmp_path: Path
) -> None:
    inventory = make_inventory(matrix_users_list=[{"username": "alice"}])
    for tag in (TAG, "ensure-users-created"):
        stand_in = StandIn(tmp_path / tag, REPLIES)

        newest_ansible.run(inventory, f"--tags={tag}", env=stand_in.environment).succeeded(changed=0)

        assert stand_in.question()["users"] == [{"username": "alice"}]


def test_without_a_host_it_fails(newest_ansible: Ansible, make_inventory: Callable[..., Path]) -> None:
    newest_ansible.run(make_inventory(hosts=()), f"--tags={TAG}").failed('no host "matrix_servers"')


def test_passwords_may_be_encrypted_one_by_one(ansible: Ansible, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("the vault's own password")

    def encrypted(text: str) -> str:
        command = [ansible.command("ansible-vault"), "encrypt_string", f"--vault-password-file={key}", text]
        vault = subprocess.check_output(command, env=ansible.environment(), stderr=subprocess.DEVNULL, text=True)
        return vault.strip().replace("\n", "\n      ")

    inventory = tmp_path / "hosts.yml"
    inventory.write_text(
        "matrix_servers:\n hosts:\n  server:\n   ansible_connection: local\n"
        f"   {ADDITIONAL}:\n"
        f"    - username: alice\n      initial_type: user\n      initial_password: {encrypted('{{ first')}\n"
        f"   {OWN}:\n"
        f"    - username: bob\n      initial_password: {encrypted('second')}\n"
        f"    - username: carol\n      password: {encrypted('[3]')}\n"
    )
    stand_in = StandIn(tmp_path / "stand-in", REPLIES)

    run = ansible.run(inventory, f"--tags={TAG}", f"--vault-password-file={key}", env=stand_in.environment)

    run.succeeded(changed=0)
    passwords = {user["username"]: user["password"] for user in stand_in.question()["users"]}
    assert passwords == {"alice": "{{ first", "bob": "second", "carol": "[3]"}
