# SPDX-License-Identifier: GPL-3.0-or-later
"""MAS's passwords: how strong one is, how it is kept, and whether it is the one.

Hashes are real ones with a small cost: a server's takes 65 ms. The version beside a
hash says which scheme made it (its configuration, passwords.schemes).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import unicodedata
from dataclasses import dataclass

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

# As zxcvbn would find them: among the first that anybody tries.
COMMON = {"password", "password1", "hunter2", "12345678", "1234567890", "qwertyuiop", "letmein123"}


def score(password: str) -> int:
    """From 0 to 4 as zxcvbn's, by a rule that a test can rely on: 0 for what is
    common or one character again and again, 1 below six characters, 2 below ten,
    3 below fourteen."""
    if password.lower() in COMMON or len(set(password)) < 3:
        return 0
    return next((n for n, length in ((1, 6), (2, 10), (3, 14)) if len(password) < length), 4)


@dataclass
class Scheme:
    """One of passwords.schemes."""

    version: int = 1
    algorithm: str = "argon2id"
    secret: str | None = None
    unicode_normalization: bool = False

    def _prepared(self, password: str) -> bytes:
        if self.unicode_normalization:
            password = unicodedata.normalize("NFKC", password)
        return password.encode()

    def hashed(self, password: str) -> str:
        secret = self.secret.encode() if self.secret is not None else None
        if self.algorithm == "argon2id":
            kdf = Argon2id(
                salt=os.urandom(16),
                length=32,
                iterations=1,
                lanes=1,
                memory_cost=64,
                secret=secret,
            )
            return kdf.derive_phc_encoded(self._prepared(password))
        assert self.algorithm == "pbkdf2", f"no hash is made by {self.algorithm} here"
        salt = os.urandom(16)
        digest = _pbkdf2(self._prepared(password) + (secret or b""), salt, 1000, 32)
        return f"$pbkdf2-sha256$i=1000,l=32${_base64(salt)}${_base64(digest)}"

    def matches(self, password: str, kept: str) -> bool:
        secret = self.secret.encode() if self.secret is not None else None
        if kept.startswith("$argon2id$"):
            try:
                Argon2id.verify_phc_encoded(self._prepared(password), kept, secret)
            except InvalidKey:
                return False
            return True
        _, name, parameters, salt, digest = kept.split("$")
        assert name == "pbkdf2-sha256", f"no hash of the kind {name} is compared here"
        numbers = dict(part.split("=") for part in parameters.split(","))
        expected = _decoded(digest)
        made = _pbkdf2(
            self._prepared(password) + (secret or b""),
            _decoded(salt),
            int(numbers["i"]),
            len(expected),
        )
        return hmac.compare_digest(made, expected)


def _pbkdf2(password: bytes, salt: bytes, rounds: int, length: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password, salt, rounds, length)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))
