# SPDX-License-Identifier: GPL-3.0-or-later
"""The YAML files of the unit tests, given to PyYAML itself.

What test_config_files.c expects of Registrar is what safe_load makes of them,
in the form of plain() below.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml")

FOLDER = Path(__file__).parent / "fixtures" / "yaml"
LARGEST = 2**63 - 1


def plain(value: object) -> object:
    """The value with its type, in JSON, as the test in C builds it, too."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if -LARGEST - 1 <= value <= LARGEST else {"integer": None}
    if isinstance(value, float):
        return {"real": value if math.isfinite(value) else None}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {"mapping": [[plain(key), plain(item)] for key, item in value.items()]}
    return {"other": None}


def _files(kind: str) -> list:
    files = sorted((FOLDER / kind).glob("*.yaml"))
    assert files
    return [pytest.param(path, id=path.stem) for path in files]


@pytest.mark.parametrize("path", _files("good"))
def test_pyyaml_takes_it_for_the_same(path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text("utf8"))
    # Python has 1 equal to true, and JSON not.
    taken = plain(yaml.safe_load(path.read_bytes()))
    assert json.dumps(taken) == json.dumps(expected)


@pytest.mark.parametrize("path", _files("bad"))
def test_pyyaml_refuses_it(path: Path) -> None:
    # Besides its own errors those of Python, for a month 13 and the like.
    with pytest.raises((yaml.YAMLError, ValueError, KeyError, AttributeError)):
        yaml.safe_load(path.read_bytes())
