# SPDX-License-Identifier: GPL-3.0-or-later
"""The option table of the program and the documentation beside the module say
the same, both ways."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.structure.project import program_says
from tests.support.paths import LIBRARY, ROOT

MODULES = ["matrix_user", "matrix_connection_info"]
# Those that change something, and those that have users in them.
CHANGING = ["matrix_user"]
WITH_USERS = ["matrix_user"]
# What an option is, in the words of the documentation; the program's own
# "no_log" has no word there.
ASPECTS = ("type", "elements", "aliases", "default", "choices", "required")
# Ansible's types (ansible/module_utils/common/validation.py) that are in use.
TYPES = {"str", "bool", "int", "float", "path", "list", "dict"}


def table_of(module: str) -> dict[str, Any]:
    said = program_says("--options", module)
    assert said["module"] == module
    return said


def documentation_of(module: str) -> dict[str, Any]:
    return yaml.safe_load((LIBRARY / f"{module}.yml").read_text("utf8"))


def normal(option: dict[str, Any]) -> dict[str, Any]:
    """An option's aspects, what is left out filled in as Ansible does."""
    result = {aspect: option.get(aspect) for aspect in ASPECTS}
    result["type"] = result["type"] or "str"
    result["aliases"] = sorted(result["aliases"] or [])
    result["required"] = bool(result["required"])
    return result


def differences(table: dict[str, Any], documented: dict[str, Any], where: str = "") -> list[str]:
    """What the two say differently, an entry each; [] when they agree."""
    found = [f"{where}{name}: not documented" for name in table.keys() - documented.keys()]
    found += [f"{where}{name}: not in the program" for name in documented.keys() - table.keys()]
    for name in sorted(table.keys() & documented.keys()):
        ours, theirs = normal(table[name]), normal(documented[name])
        found += [
            f"{where}{name}: {aspect} is {ours[aspect]!r}, documented as {theirs[aspect]!r}"
            for aspect in ASPECTS
            # True == 1 in Python, not in YAML.
            if (ours[aspect], type(ours[aspect])) != (theirs[aspect], type(theirs[aspect]))
        ]
        found += differences(
            table[name].get("suboptions", {}),
            documented[name].get("suboptions", {}),
            f"{where}{name}.",
        )
    return found


@pytest.mark.parametrize("module", MODULES)
def test_the_options_are_documented_as_they_are(module: str) -> None:
    documented = documentation_of(module)["DOCUMENTATION"]["options"]
    assert differences(table_of(module)["options"], documented) == []


@pytest.mark.parametrize("module", MODULES)
def test_every_type_is_one_of_ansible_s(module: str) -> None:
    options = table_of(module)["options"]
    assert {option["type"] for option in options.values()} <= TYPES
    assert ("suboptions" in options.get("users", {})) == (module in WITH_USERS)


@pytest.mark.parametrize("module", MODULES)
def test_the_rules_between_options_name_options_that_exist(module: str) -> None:
    said = table_of(module)
    groups = [*said["mutually_exclusive"], *said["required_one_of"], *said["required_together"]]
    groups += [[name, *others] for name, others in said["required_by"].items()]
    assert groups
    for group in groups:
        assert len(group) > 1
        assert set(group) <= said["options"].keys()


def secrets_of(options: dict[str, Any], where: str = "") -> set[str]:
    """What is marked as a secret, inside of dictionaries, too."""
    found = {where + name for name, option in options.items() if option.get("no_log")}
    for name, option in options.items():
        found |= secrets_of(option.get("suboptions", {}), f"{where}{name}.")
    return found


OF_THE_CONNECTION = {
    "access_token",
    "admin_password",
    "database.password",
    "database.uri",
    "emergency_password",
    "mas_client_secret",
    "mas_token",
    "password_pepper",
    "registration_shared_secret",
    "registration_shared_secret_previous",
    "registration_token",
}


def test_every_secret_of_the_options_is_marked_as_one() -> None:
    of_users = {"password", "users.password"}
    assert secrets_of(table_of("matrix_user")["options"]) == OF_THE_CONNECTION | of_users
    info = table_of("matrix_connection_info")["options"]
    assert secrets_of(info) == OF_THE_CONNECTION


@pytest.mark.parametrize("module", WITH_USERS)
def test_the_keys_of_a_user_are_the_options_of_a_single_one(module: str) -> None:
    options = table_of(module)["options"]
    inner = options["users"]["suboptions"]
    assert "username" in inner
    for name, option in inner.items():
        assert name in options, f"users has {name}, the module has not"
        differing = differences({name: option}, {name: options[name]})
        # Of a single user the name is required unless there is a list.
        assert not [text for text in differing if "required" not in text]


@pytest.mark.parametrize("module", MODULES)
def test_the_documentation_has_what_ansible_doc_shows(module: str) -> None:
    documentation = documentation_of(module)
    assert documentation.keys() >= {"DOCUMENTATION", "EXAMPLES", "RETURN"}
    about = documentation["DOCUMENTATION"]
    assert about["module"] == module
    assert about["attributes"]["check_mode"]["support"] == "full"
    shows = about["attributes"]["diff_mode"]["support"]
    assert shows == ("full" if module in CHANGING else "none")
    for name, option in about["options"].items():
        assert option["description"], f"{name} has no description"
    examples = documentation["EXAMPLES"]
    tasks = yaml.safe_load(examples) if isinstance(examples, str) else examples
    assert tasks


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_use_options_that_exist(module: str) -> None:
    options = table_of(module)["options"]
    names = set(options) | {alias for o in options.values() for alias in o.get("aliases", [])}
    examples = documentation_of(module)["EXAMPLES"]
    tasks = yaml.safe_load(examples) if isinstance(examples, str) else examples
    used: set[str] = set()
    for task in tasks:
        for action, arguments in task.items():
            if action.rpartition(".")[2] == module:
                used |= (arguments or {}).keys()
    assert used
    assert used <= names


@pytest.mark.parametrize("module", MODULES)
def test_the_module_is_the_program(module: str) -> None:
    program = ROOT / "build" / "registrar"
    assert (LIBRARY / module).read_bytes() == program.read_bytes()


@pytest.mark.parametrize(
    ("ours", "theirs", "told"),
    [
        ({"a": {"type": "str"}}, {}, "a: not documented"),
        ({}, {"a": {"type": "str"}}, "a: not in the program"),
        ({"a": {"type": "str"}}, {"a": {"type": "int"}}, "a: type"),
        ({"a": {"type": "int", "default": 1}}, {"a": {"type": "int"}}, "a: default"),
        ({"a": {"type": "int", "default": 1}}, {"a": {"type": "int", "default": True}}, "a: def"),
        ({"a": {"type": "str", "choices": ["x"]}}, {"a": {"type": "str"}}, "a: choices"),
        ({"a": {"type": "str", "required": True}}, {"a": {"type": "str"}}, "a: required"),
        ({"a": {"type": "str", "aliases": ["b"]}}, {"a": {"type": "str"}}, "a: aliases"),
        ({"a": {"type": "list", "elements": "str"}}, {"a": {"type": "list"}}, "a: elements"),
        (
            {"a": {"type": "dict", "suboptions": {"b": {"type": "str"}}}},
            {"a": {"type": "dict"}},
            "a.b: not documented",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_comparison_sees_a_difference(
    ours: dict[str, Any], theirs: dict[str, Any], told: str
) -> None:
    found = differences(ours, theirs)
    assert len(found) == 1
    assert found[0].startswith(told)
