# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks what goes to and fro against the description that MAS itself gives of its
admin API, where REGISTRAR_MAS_OPENAPI names a file that has it (GET /api/spec.json of
a MAS 1.22.0). It is not part of this project; without it nothing is checked."""

from __future__ import annotations

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from .mas_api import is_json
from .mas_routes import BASE
from .mas_wire import Reply, Request

VARIABLE = "REGISTRAR_MAS_OPENAPI"


class Description:
    def __init__(self, file: Path) -> None:
        self.document = json.loads(file.read_text("utf8"))

    def complaints(self, request: Request, reply: Reply) -> tuple[list[str], list[str]]:
        """What is wrong with the request, and with the reply."""
        operation = self._operation(request)
        if operation is None:
            return [f"{request.route} is not described"], []
        return self._of_request(request, operation), self._of_reply(reply, operation)

    def _operation(self, request: Request) -> dict[str, Any] | None:
        method = "get" if request.method == "HEAD" else request.method.lower()
        return self.document["paths"].get(BASE + request.template, {}).get(method)

    def _of_request(self, request: Request, operation: dict[str, Any]) -> list[str]:
        wrong = []
        known = {one["name"]: one for one in operation.get("parameters", []) if one["in"] == "query"}
        for name, value in request.query:
            if name not in known:
                wrong.append(f"{request.route} has no parameter {name}")
                continue
            schema = known[name]["schema"]
            if not any(not self._errors(schema, one) for one in readings(value)):
                wrong.append(f"{request.route}: {name}={value} is not of its type")
        body = operation.get("requestBody")
        if body is None:
            return wrong + ([f"{request.route} takes no body"] if request.body else [])
        if not request.body and not body.get("required"):
            return wrong
        if not is_json(request.header("content-type")):
            return [*wrong, f"{request.route}: the body is not said to be JSON"]
        try:
            value = request.json
        except ValueError:
            return [*wrong, f"{request.route}: the body is no JSON"]
        schema = body["content"]["application/json"]["schema"]
        properties = self._resolved(schema).get("properties")
        if isinstance(value, dict) and properties is not None:
            unknown = sorted(value.keys() - properties.keys())
            wrong += [f"{request.route}: nobody reads {name}" for name in unknown]
        return wrong + [f"{request.route}: {error}" for error in self._errors(schema, value)]

    def _of_reply(self, reply: Reply, operation: dict[str, Any]) -> list[str]:
        described = operation["responses"].get(str(reply.status))
        where = f"{operation['operationId']} {reply.status}"
        if described is None and reply.status < 400:
            return [f"{where} is not described"]
        if isinstance(reply.body, bytes) or reply.body is None:
            empty = described is None or "content" not in described or reply.status >= 400
            return [] if empty else [f"{where}: there is no JSON"]
        # What every refusal is: those of the token are described nowhere.
        schema = {"$ref": "#/components/schemas/ErrorResponse"}
        if described is not None and "content" in described:
            schema = described["content"]["application/json"]["schema"]
        return [f"{where}: {error}" for error in self._errors(schema, reply.body)]

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        name = schema.get("$ref", "").removeprefix("#/components/schemas/")
        return self.document["components"]["schemas"][name] if name else schema

    def _errors(self, schema: dict[str, Any], value: Any) -> list[str]:
        # ansible-lint has it.
        from jsonschema import Draft202012Validator

        whole = schema | {"components": self.document["components"]}
        validator = Draft202012Validator(whole)
        # What a value is goes into no message: it may be a secret.
        return [
            f"{'.'.join(str(part) for part in error.absolute_path) or 'it'} is no {error.validator}"
            for error in validator.iter_errors(value)
        ]


def readings(value: str) -> list[Any]:
    """What a parameter's text may stand for."""
    words = {"true": True, "false": False}
    number = [int(value)] if value.isascii() and value.isdigit() else []
    return [value, [value], *number, *([words[value]] if value in words else [])]


@lru_cache(maxsize=1)
def _loaded(file: str) -> Description:
    return Description(Path(file))


def description() -> Description | None:
    file = os.environ.get(VARIABLE)
    return _loaded(file) if file else None
