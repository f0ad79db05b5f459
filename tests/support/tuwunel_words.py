# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stand-in for tuwunel refuses with. The core puts an error's code before its
text, as this server does; but for faults of its own (section 11)."""

from __future__ import annotations

from .family_table import Refusal


def refused(errcode: str, text: str, status: int = 400) -> Refusal:
    return Refusal(status, errcode, text)


def wrong(text: str) -> Refusal:
    return refused("M_INVALID_PARAM", text)


def forbidden(text: str) -> Refusal:
    return refused("M_FORBIDDEN", text, 403)


def not_found(text: str = "User not found") -> Refusal:
    return refused("M_NOT_FOUND", text, 404)


def broken(text: str) -> Refusal:
    """An error that has no code of its own."""
    refusal = Refusal(500, None)
    refusal.more = {"errcode": "M_UNKNOWN", "error": text}
    return refusal
