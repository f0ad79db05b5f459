# SPDX-License-Identifier: GPL-3.0-or-later
"""The argument files of the unit tests, given to ansible-core itself.

What test_options.c expects of Registrar is what AnsibleModule does. A file that
is meant to differ says why in "differs" and is left out here.
"""

from __future__ import annotations

import json
import pathlib
import re
import subprocess

import pytest

from tests.support.paths import BUILD

spec_module = pytest.importorskip("ansible.module_utils.common.arg_spec")
errors_module = pytest.importorskip("ansible.module_utils.errors")

FOLDER = pathlib.Path(__file__).parent / "args"

COLOUR = {"type": "str", "choices": ["red", "green", "blue"], "default": "green"}
ID = {
    "key": {"type": "str", "required": True},
    "must": {"type": "str", "required": True},
    "token": {"type": "str", "no_log": True},
    "colour": COLOUR,
}
ELEMENT = {
    "key": {"type": "str", "required": True},
    "flag": {"type": "bool"},
    "colour": COLOUR,
    "lines": {"type": "list", "elements": "str"},
    "ids": {"type": "list", "elements": "dict", "options": ID},
}
LIMIT = {
    "number": {"type": "int"},
    "text": {"type": "str", "aliases": ["words", "phrase"]},
    "flag": {"type": "bool"},
}
TEST = {
    "must": {"type": "str", "required": True},
    "text": {"type": "str", "aliases": ["words", "phrase"]},
    "path": {"type": "path"},
    "token": {"type": "str", "no_log": True},
    "flag": {"type": "bool"},
    "switch_on": {"type": "bool", "default": True},
    "number": {"type": "int", "default": 7},
    "colour": COLOUR,
    "lines": {"type": "list", "elements": "str"},
    "items": {"type": "list", "elements": "dict", "options": ELEMENT},
    "limit": {
        "type": "dict",
        "options": LIMIT,
        "required_together": [("number", "text")],
        "mutually_exclusive": [("number", "flag")],
    },
    **{name: {"type": "str"} for name in ("one", "other", "first", "second", "third")},
}
RULES = {
    "mutually_exclusive": [("text", "items")],
    "required_together": [("one", "other")],
    "required_by": {"first": ["second", "third"]},
}


def _specification(name: str) -> tuple[str, dict, dict]:
    if name == "matrix_user":
        return _described()
    return "test", TEST, RULES


def _described() -> tuple[str, dict, dict]:
    text = subprocess.run(
        [BUILD / "registrar", "--options", "matrix_user"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    table = json.loads(text)
    options = _as_specification(table.pop("options"))
    return table.pop("module"), options, table


def _as_specification(options: dict) -> dict:
    """What the documentation calls suboptions is called options there."""
    for option in options.values():
        if "suboptions" in option:
            option["options"] = _as_specification(option.pop("suboptions"))
    return options


def _files(kind: str) -> list:
    files = []
    for path in sorted((FOLDER / kind).glob("*.json")):
        case = json.loads(path.read_text("utf-8"))
        if "differs" not in case:
            files.append(pytest.param(case, id=path.stem))
    assert files
    return files


def _in_new_words(message: str) -> str:
    """Before 2.19 a type was called "<class 'str'>", as Registrar does it still."""
    return re.sub(r"<class '(\w+)'>", r"\1", message)


def _validate(case: dict):
    schema = case.get("schema", "test")
    module, options, rules = _specification(schema)
    args = case["args"]
    if schema == "element":  # as an element of the list that it belongs to
        args = {"must": "x", "items": [args]}
    result = spec_module.ArgumentSpecValidator(options, **rules).validate(args)
    values = result.validated_parameters
    if schema == "element" and not result.error_messages:
        values = values["items"][0]
    return module, values, result


def _expected(expected: object, value: object) -> object:
    """value, without what it has in dictionaries beyond what is expected there;
    a dictionary that is to be empty is taken as it is."""
    if isinstance(expected, dict) and expected and isinstance(value, dict):
        return {key: _expected(expected[key], value.get(key)) for key in expected}
    if isinstance(expected, list) and isinstance(value, list) and len(expected) == len(value):
        return [_expected(*pair) for pair in zip(expected, value, strict=True)]
    return value


@pytest.mark.parametrize("case", _files("good"))
def test_ansible_core_takes_it_for_the_same(case: dict) -> None:
    _, values, result = _validate(case)
    assert result.error_messages == []
    assert _expected(case["expect"], values) == case["expect"]


@pytest.mark.parametrize("case", _files("bad"))
def test_ansible_core_refuses_it_in_the_same_words(case: dict) -> None:
    module, _, result = _validate(case)
    message = _in_new_words(result.errors.msg)
    if isinstance(result.errors[0], errors_module.UnsupportedError):
        message = f"Unsupported parameters for ({module}) module: {message}"
    # It quotes the value behind the colon; Registrar says what is wrong with it.
    expected = _in_new_words(case["error"])
    before, convert, _ = expected.partition("unable to convert to ")
    if convert:
        expected = before + convert + expected.removeprefix(before + convert).partition(":")[0]
        message = message[: len(expected)]
    assert message == expected
