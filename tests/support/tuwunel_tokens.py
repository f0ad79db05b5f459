# SPDX-License-Identifier: GPL-3.0-or-later
"""Registration tokens of the stand-in for tuwunel: what they are good for, and the
admin API's endpoints for them (section 1.3)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from .family_accounts import random_text
from .family_table import Route
from .mas_wire import Reply, Request
from .tuwunel_fields import FLAG, MISSING, NUMBER, TEXT, THREE_NUMBER
from .tuwunel_home import Home
from .tuwunel_words import forbidden, not_found, wrong

TOKENS = "/_synapse/admin/v1/registration_tokens"
USUAL_LENGTH = 16
NEW = {"token": TEXT, "length": NUMBER, "uses_allowed": NUMBER, "expiry_time": NUMBER}
CHANGE = {"uses_allowed": THREE_NUMBER, "expiry_time": THREE_NUMBER}


@dataclass
class Token:
    """In the database; those of the configuration have no count."""

    uses_allowed: int | None = None
    expiry_time: int | None = None  # ms
    completed: int = 0

    @property
    def is_valid(self) -> bool:
        if self.uses_allowed is not None and self.completed >= self.uses_allowed:
            return False
        return self.expiry_time is None or time.time() * 1000 <= self.expiry_time

    def told(self, token: str) -> dict[str, Any]:
        return {
            "token": token,
            "uses_allowed": self.uses_allowed,
            "pending": 0,
            "completed": self.completed,
            "expiry_time": self.expiry_time,
        }


class Tokens:
    """All that are valid. The one of the configuration is never in `stored`."""

    def __init__(self) -> None:
        self.stored: dict[str, Token] = {}

    def purge(self) -> None:
        self.stored = {text: one for text, one in self.stored.items() if one.is_valid}

    def make(self, text: str | None, length: int | None, token: Token) -> str:
        text = text if text is not None else random_text(USUAL_LENGTH if length is None else length)
        if text in self.stored:
            raise wrong("Registration token already exists")
        self.stored[text] = token
        return text

    def get(self, text: str) -> Token:
        """Also one that is not valid any more, and was not looked at since."""
        if text not in self.stored:
            raise not_found("Registration token not found")
        return self.stored[text]

    def consume(self, text: str) -> bool:
        token = self.stored.get(text)
        if token is None or not token.is_valid:
            self.stored.pop(text, None)
            return False
        token.completed += 1
        if not token.is_valid:
            del self.stored[text]
        return True


class RegistrationTokens(Home):
    ROUTES = (
        Route("GET", TOKENS, "_list_tokens"),
        # Before the next one, for which "new" would be a token.
        Route("POST", f"{TOKENS}/new", "_new_token"),
        Route("GET", f"{TOKENS}/{{token}}", "_get_token"),
        Route("PUT", f"{TOKENS}/{{token}}", "_put_token"),
        Route("DELETE", f"{TOKENS}/{{token}}", "_delete_token"),
    )

    tokens: Tokens

    @property
    def configured_tokens(self) -> list[str]:
        token = self.settings.registration_token
        return [] if token is None else [token]

    def _list_tokens(self, request: Request) -> Reply:
        """Those that are not valid are not there, whatever is asked for."""
        caller, query = self.queried(request, {"valid": FLAG})
        self.require_admin(caller)
        listed = []
        if query["valid"] is not False:
            self.tokens.purge()
            listed = [Token().told(text) for text in self.configured_tokens]
            listed += [one.told(text) for text, one in sorted(self.tokens.stored.items())]
        return Reply(200, {"registration_tokens": listed})

    def _new_token(self, request: Request) -> Reply:
        caller, body = self.received(request, NEW)
        self.require_admin(caller)
        token = Token(body["uses_allowed"], body["expiry_time"])
        return Reply(200, token.told(self.tokens.make(body["token"], body["length"], token)))

    def _get_token(self, request: Request, text: str) -> Reply:
        caller, _ = self.received(request, {})
        self.require_admin(caller)
        token = Token() if text in self.configured_tokens else self.tokens.get(text)
        return Reply(200, token.told(text))

    def _put_token(self, request: Request, text: str) -> Reply:
        """What is missing stays; null is no limit."""
        caller, body = self.received(request, CHANGE)
        self.require_admin(caller)
        if text in self.configured_tokens:
            raise forbidden("Tokens set in the config file can't be updated")
        token = self.tokens.get(text)
        for name, value in body.items():
            if value is not MISSING:
                setattr(token, name, value)
        return Reply(200, token.told(text))

    def _delete_token(self, request: Request, text: str) -> Reply:
        caller, _ = self.received(request, {})
        self.require_admin(caller)
        self.revoke_token(text)
        return Reply(200, {})

    def revoke_token(self, text: str) -> None:
        """For the endpoint and for the command."""
        if text in self.configured_tokens:
            what = (
                "The token set in the config file cannot be revoked. Edit the config file to "
                "change it."
            )
            raise forbidden(what)
        self.tokens.get(text)
        del self.tokens.stored[text]
