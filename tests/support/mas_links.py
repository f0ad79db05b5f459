# SPDX-License-Identifier: GPL-3.0-or-later
"""MAS's providers of other logins and the links of its users to them, by its admin
API."""

from __future__ import annotations

from typing import Any

from .mas_api import AdminBase, Filter, Shape, body_of, refused, times
from .mas_store import Row
from .mas_wire import Reply, Request

NO_PROVIDER = "Upstream OAuth 2.0 Provider ID {} not found"
NO_LINK = "Upstream OAuth 2.0 Link ID {} not found"


class Links(AdminBase):
    def __init__(self, mas: Any) -> None:
        super().__init__(mas)
        provider = ("upstream-oauth-provider", "/upstream-oauth-providers")
        link = ("upstream-oauth-link", "/upstream-oauth-links")
        self.SHAPES = {
            **self.SHAPES,
            "upstream_oauth_providers": Shape(*provider, self._provider_told),
            "upstream_oauth_links": Shape(*link, self._link_told),
        }

    def _provider_told(self, row: Row) -> dict[str, Any]:
        names = ("issuer", "human_name", "brand_name", "registration_token_required")
        return {name: row[name] for name in names} | times(row, "created_at", "disabled_at")

    def _link_told(self, row: Row) -> dict[str, Any]:
        return {
            **times(row, "created_at"),
            "provider_id": row["upstream_oauth_provider_id"],
            "subject": row["subject"],
            "user_id": row["user_id"],
            "human_account_name": row["human_account_name"],
        }

    def _list_providers(self, request: Request) -> Reply:
        page = self.page(request)
        asked = self.filters(request, enabled=Filter("bool"))
        rows = self.store.find("upstream_oauth_providers")
        if "enabled" in asked:
            rows = [row for row in rows if (row["disabled_at"] is None) == asked["enabled"]]
        return self.listed(request, "upstream_oauth_providers", page, rows)

    def _get_provider(self, _request: Request, key: str) -> Reply:
        row = self.found("upstream_oauth_providers", self.id_in(key), "Provider not found")
        return self.single("upstream_oauth_providers", row)

    def _list_links(self, request: Request) -> Reply:
        page = self.page(request)
        asked = self.filters(
            request,
            user=Filter("ulid"),
            provider=Filter("ulid"),
            subject=Filter("text"),
            human_account_name=Filter("text"),
        )
        if "user" in asked:
            self.user(asked["user"])
        if "provider" in asked:
            otherwise = "Provider ID {} not found"
            self.found("upstream_oauth_providers", asked["provider"], otherwise)
        columns = {
            "user": "user_id",
            "provider": "upstream_oauth_provider_id",
            "subject": "subject",
            "human_account_name": "human_account_name",
        }
        wanted = {columns[name]: value for name, value in asked.items()}
        rows = self.store.find("upstream_oauth_links", **wanted)
        return self.listed(request, "upstream_oauth_links", page, rows)

    def _add_link(self, request: Request) -> Reply:
        body = body_of(
            request,
            user_id="ulid",
            provider_id="ulid",
            subject="string",
            human_account_name="string?",
        )
        self.user(body["user_id"])
        provider, subject = body["provider_id"], body["subject"]
        self.found("upstream_oauth_providers", provider, NO_PROVIDER)
        with self.store.lock:
            same = self.store.find(
                "upstream_oauth_links", upstream_oauth_provider_id=provider, subject=subject
            )
            if same and same[0]["user_id"] is not None:
                # Also when it is the same user's.
                who = f"Upstream Oauth 2.0 Provider ID {provider} with subject {subject}"
                raise refused(409, f"{who} is already linked to a user")
            if same:
                key = same[0]["upstream_oauth_link_id"]
                row = self.store.update("upstream_oauth_links", key, user_id=body["user_id"])
                return self.single("upstream_oauth_links", row)
            row = self.store.insert(
                "upstream_oauth_links",
                upstream_oauth_provider_id=provider,
                subject=subject,
                user_id=body["user_id"],
                human_account_name=body.get("human_account_name"),
            )
        return self.single("upstream_oauth_links", row, 201)

    def _get_link(self, _request: Request, key: str) -> Reply:
        row = self.found("upstream_oauth_links", self.id_in(key), NO_LINK)
        return self.single("upstream_oauth_links", row)

    def _delete_link(self, _request: Request, key: str) -> Reply:
        row = self.found("upstream_oauth_links", self.id_in(key), NO_LINK)
        self.store.delete("upstream_oauth_links", row["upstream_oauth_link_id"])
        return Reply(204)
