# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipes of the justfile, run by the real just against a real Synapse."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.playbooks.ansible_run import TIMEOUT, Ansible
from tests.playbooks.just_run import Just
from tests.playbooks.process_watch import ProcessWatch
from tests.support.paths import ROOT
from tests.support.synapse import Synapse

PASSWORD = "correct horse battery staple"
PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))


@pytest.fixture
def just(newest_ansible: Ansible, with_secret: Path) -> Just:
    return Just(newest_ansible, with_secret)


@pytest.fixture
def just_as_admin(newest_ansible: Ansible, with_admin: Path) -> Just:
    return Just(newest_ansible, with_admin)


@pytest.mark.parametrize(
    "password",
    [
        # In two, since bcrypt looks at 72 bytes alone.
        PRINTABLE[:48],
        PRINTABLE[48:],
        "{{ 7 * 7 }} {% raw %} {# %s $HOME `id` $(id) \\n !! ",
        "--check",
        " spaces around it, a\ttab and\na line feed ",
        "yes",
        "\u043f\u0430\u0440\u043e\u043b\u044c \u00e9\u4e2d \U0001f511",
    ],
)
def test_any_password_arrives_unharmed(
    just: Just, synapse: Synapse, unique: Callable[[str], str], password: str
) -> None:
    name = unique("alice")

    just("register-user", name, password, "no").succeeded(changed=1)

    synapse.logout(synapse.login(name, password))


def test_the_password_is_in_no_argument_list_below_justs_own(
    just: Just, just_as_admin: Just, synapse: Synapse, unique: Callable[[str], str], tmp_path: Path
) -> None:
    name = unique("bob")
    # The shells are over before anybody could look: they note it themselves.
    shells = tmp_path / "shells"
    bash = tmp_path / "bin" / "bash"
    bash.parent.mkdir()
    bash.write_text(f'#!/bin/sh\nprintf "%s\\0" "$@" >>{shells}\nexec {shutil.which("bash")} "$@"\n')
    bash.chmod(0o755)
    path = {"PATH": f"{bash.parent}:{os.environ['PATH']}"}

    for run, recipe, more in ((just, "register-user", ["yes"]), (just_as_admin, "update-password", [])):
        password = "Quodlibet-" + secrets.token_hex(8)
        arguments = [recipe, name, password, *more]
        with ProcessWatch() as watch:
            run(*arguments, env=path).succeeded(changed=1)
        # just itself, and for a moment the copy of it that becomes a shell.
        own = b"".join(argument.encode() + b"\0" for argument in [run.just, *arguments])
        assert watch.arguments_with(password) == [own]
        assert watch.arguments_with("ansible-playbook\0"), "the watch has missed something"
        synapse.logout(synapse.login(name, password))

    assert shells.read_bytes().count(b"one-user.sh") == 4, "a shell each for the recipe and the script"
    assert b"Quodlibet" not in shells.read_bytes()


@pytest.mark.parametrize(
    "arguments",
    [[], ["yes"], ["--check", "--diff"], ["yes", "-e", "x=y"], ["-e", "x=y"]],
    ids=" ".join,
)
def test_a_password_that_is_not_given_is_asked_for_twice_without_echo(
    just: Just, synapse: Synapse, unique: Callable[[str], str], arguments: list[str]
) -> None:
    name = unique("carol")

    run = just.on_terminal(
        "register-user", name, *arguments, answers=[("Password of", PASSWORD), ("same again", PASSWORD)]
    )

    run.succeeded(changed=1)
    assert PASSWORD not in run.output
    if "--check" in arguments:
        assert synapse.user(name) is None
    else:
        assert synapse.user(name)["admin"] == ("yes" in arguments)
        synapse.logout(synapse.login(name, PASSWORD))


def test_two_different_answers_change_nothing(
    just: Just, synapse: Synapse, unique: Callable[[str], str]
) -> None:
    name = unique("dora")

    run = just.on_terminal(
        "register-user", name, answers=[("Password of", PASSWORD), ("same again", PASSWORD + "x")]
    )

    assert run.rc == 1
    assert "two different passwords" in run.output
    assert synapse.user(name) is None


def test_a_password_may_come_through_a_pipe(
    just: Just, synapse: Synapse, unique: Callable[[str], str]
) -> None:
    name = unique("erin")

    just("register-user", name, typed="  piped \\ in\n").succeeded(changed=1)

    synapse.logout(synapse.login(name, "  piped \\ in"))


def test_a_password_may_come_in_the_environment(
    just: Just, synapse: Synapse, unique: Callable[[str], str]
) -> None:
    name = unique("frank")

    just("register-user", name, env={"REGISTRAR_PASSWORD": PASSWORD}).succeeded(changed=1)

    synapse.logout(synapse.login(name, PASSWORD))


def test_without_a_password_or_anybody_to_ask_it_fails(just: Just) -> None:
    run = just("register-user", "alice", "yes")

    assert run.rc == 1
    assert "no terminal to ask at" in run.output


def test_admin_is_yes_or_no(just: Just) -> None:
    run = just("register-user", "alice", "correct", "horse", "battery")

    assert run.rc == 1
    assert "yes" in run.output and "no" in run.output
    assert "horse" not in run.output, "a part of a password, most likely"


def test_a_user_from_beginning_to_end(
    just: Just, just_as_admin: Just, synapse: Synapse, unique: Callable[[str], str]
) -> None:
    name = unique("grace")

    just("register-user", name, PASSWORD, "no").succeeded(changed=1)
    just("register-user", name, PASSWORD, "no").succeeded(changed=0)

    just_as_admin("promote", name, "--check", "--diff").succeeded(changed=1)
    assert not synapse.user(name)["admin"]
    just_as_admin("promote", name).succeeded(changed=1)
    assert synapse.user(name)["admin"]
    just_as_admin("demote", name).succeeded(changed=1)
    assert not synapse.user(name)["admin"]

    just_as_admin("update-password", name, "another one", "--check").succeeded(changed=1)
    synapse.logout(synapse.login(name, PASSWORD))
    just_as_admin("update-password", name, "another one").succeeded(changed=1)
    just_as_admin("update-password", name, "another one").succeeded(changed=0)
    synapse.logout(synapse.login(name, "another one"))

    just_as_admin("deactivate", name).succeeded(changed=1)
    assert synapse.user(name)["deactivated"]


def test_the_default_recipe_lists_the_others(just: Just) -> None:
    run = just()

    assert run.rc == 0
    for recipe in ("register-user", "update-password", "promote", "demote", "deactivate"):
        assert f"\n    {recipe} username" in run.output
    assert "\n    forget *options" in run.output


def test_the_module_is_built_first_where_it_is_missing(just: Just, tmp_path: Path) -> None:
    # A copy of what the recipes need, with a Makefile that only says it was
    # called, and an ansible-playbook on PATH, since no virtual environment is there.
    for name in ("justfile", "playbooks"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    (tmp_path / "Makefile").write_text("all:\n\tmkdir library && touch library/matrix_user && chmod +x library/*\n")
    tools = tmp_path / "tools"
    tools.mkdir()
    playbook = tools / "ansible-playbook"
    playbook.write_text('#!/bin/sh\necho "arguments: $*"\necho "password: $REGISTRAR_PASSWORD"\n')
    playbook.chmod(0o755)
    environment = just.environment | {"PATH": f"{tools}:{os.environ['PATH']}"}
    command = [just.just, "register-user", "alice", PASSWORD, "yes", "--check"]

    output = subprocess.check_output(command, cwd=tmp_path, env=environment, text=True, timeout=TIMEOUT)

    assert (tmp_path / "library" / "matrix_user").exists()
    assert f"arguments: --inventory {environment['REGISTRAR_INVENTORY']} " in output
    assert output.count("--tags register-user --check") == 1
    assert f"password: {PASSWORD}" in output
