# SPDX-License-Identifier: GPL-3.0-or-later
"""MAS's e-mail addresses by its admin API: /api/admin/v1/user-emails. There is no
verification: one that is added counts as verified."""

from __future__ import annotations

import re
from typing import Any

from .mas_api import AdminBase, Filter, Shape, body_of, refused, times
from .mas_ids import quoted
from .mas_store import Row, storable
from .mas_wire import Reply, Request

# As lettre's Address has them: "a@b" is one, and nothing with white space.
USER = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+\Z")
LABEL = r"[A-Za-z0-9\u0080-\U0010ffff](?:[A-Za-z0-9\u0080-\U0010ffff-]{0,61}[A-Za-z0-9\u0080-\U0010ffff])?"
DOMAIN = re.compile(rf"(?:{LABEL}(?:\.{LABEL})*|\[[0-9A-Fa-f.:]+\])\Z")


def email_problem(email: str) -> str | None:
    user, at, domain = email.rpartition("@")
    if not at:
        return "Missing domain or user"
    if not USER.match(user) or user.isspace():
        return "Invalid email user"
    return None if DOMAIN.match(domain) else "Invalid email domain"


class Emails(AdminBase):
    def __init__(self, mas: Any) -> None:
        super().__init__(mas)
        shape = Shape("user-email", "/user-emails", self._email_told)
        self.SHAPES = {**self.SHAPES, "user_emails": shape}

    def _email_told(self, row: Row) -> dict[str, Any]:
        return {**times(row, "created_at"), "user_id": row["user_id"], "email": row["email"]}

    def _same(self, email: str) -> list[Row]:
        if not self.has("case_insensitive_emails"):
            return self.store.find("user_emails", email=email)
        storable(email)
        lower = email.lower()
        return [row for row in self.store.find("user_emails") if row["email"].lower() == lower]

    def _add_email(self, request: Request) -> Reply:
        body = body_of(request, user_id="ulid", email="string")
        self.user(body["user_id"])
        problem = email_problem(body["email"])
        if problem is not None:
            raise refused(400, f"Email {quoted(body['email'])} is not valid", problem)
        with self.store.lock:
            # Also when it is the same user's.
            if self._same(body["email"]):
                raise refused(409, f"User email {quoted(body['email'])} already in use")
            row = self.store.insert("user_emails", **body)
        self.mas.provision_later(body["user_id"])
        return self.single("user_emails", row, 201)

    def _list_emails(self, request: Request) -> Reply:
        page = self.page(request)
        asked = self.filters(request, user=Filter("ulid"), email=Filter("text"))
        rows = self._same(asked["email"]) if "email" in asked else self.store.find("user_emails")
        if "user" in asked:
            self.user(asked["user"])
            rows = [row for row in rows if row["user_id"] == asked["user"]]
        return self.listed(request, "user_emails", page, rows)

    def _email(self, key: str) -> Row:
        return self.found("user_emails", self.id_in(key), "User email ID {} not found")

    def _get_email(self, _request: Request, key: str) -> Reply:
        return self.single("user_emails", self._email(key))

    def _delete_email(self, _request: Request, key: str) -> Reply:
        row = self._email(key)
        self.store.delete("user_emails", row["user_email_id"])
        self.mas.provision_later(row["user_id"])
        return Reply(204)
