# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms in which a server could hand a secret back, and whether a reply
of the module has any of them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote

from .module import Reply

# A password in which every encoding changes something.
AWKWARD = 'Pä"ss\\wö/rd +%&=§ {{ 7 }}'


def encodings(secret: str) -> dict[str, str]:
    """By name: the secret as it is and as servers and proxies write it."""
    data = secret.encode()
    escaped_all = "".join(f"%{byte:02X}" for byte in data)
    return {
        "as it is": secret,
        "percent-encoded": quote(secret, safe=""),
        "percent-encoded in lower case": re.sub(
            "%..", lambda match: match[0].lower(), quote(secret, safe="")
        ),
        "percent-encoded but for slashes": quote(secret),
        "percent-encoded in every byte": escaped_all,
        "percent-encoded as a form": quote(secret, safe="").replace("%20", "+"),
        "JSON-escaped": json.dumps(secret)[1:-1],
        "JSON-escaped in UTF-8": json.dumps(secret, ensure_ascii=False)[1:-1],
        "base64": base64.b64encode(data).decode(),
        "base64 without padding": base64.b64encode(data).decode().rstrip("="),
        "base64 for URLs": base64.urlsafe_b64encode(data).decode(),
        "base64 for URLs without padding": base64.urlsafe_b64encode(data).decode().rstrip("="),
    }


def assert_no_secret(reply: Reply, secrets: Iterable[str]) -> None:
    """In no encoding, in no string of the reply, key or value, nor in its bytes."""
    texts = [reply.raw.decode("ascii"), *strings(reply.json)]
    for secret in secrets:
        for name, form in encodings(secret).items():
            for text in texts:
                assert form not in text, f"a secret ({name}) in {text[:2000]!r}"


def strings(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
