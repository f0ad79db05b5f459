# SPDX-License-Identifier: GPL-3.0-or-later
"""The config.yaml of a MAS like the stand-in, as `mas-cli config generate` lays it out
and people change it (MAS 1.22.0, docs/config.schema.json): what discovery finds."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import yaml

from .mas import Mas
from .synapse_config import merged

# Of a generated configuration; what is switched on later comes behind them.
WEB = ["discovery", "human", "oauth", "compat", "graphql", "assets"]


def document(mas: Mas, database: str | dict[str, Any] | None = None, **over: Any) -> dict[str, Any]:
    """database: its URI, or its parts (host, port, username, password, database). over
    is put on the whole; a key that is None there is taken out."""
    web = [{"name": name} for name in WEB]
    internal = [{"name": "health"}]
    if mas.adminapi is not None:
        {"web": web, "internal": internal}[mas.adminapi].append({"name": "adminapi"})
    if isinstance(database, str) or database is None:
        database = {"uri": database or "postgresql:///mas"}
    made = {
        "http": {
            "listeners": [
                _listener("web", web, mas.web.port, mas),
                _listener("internal", internal, mas.internal.port, mas),
            ],
            "trusted_proxies": ["127.0.0.1/8", "10.0.0.0/8", "::1/128"],
            "public_base": mas.public_base,
            "issuer": mas.issuer,
        },
        "database": {**database, "max_connections": 10, "min_connections": 0},
        "email": {"from": '"MAS" <root@localhost>', "transport": "blackhole"},
        "secrets": {"encryption": secrets.token_hex(32), "keys": []},
        "passwords": {
            "enabled": mas.password_login_enabled,
            "schemes": [_scheme(scheme) for scheme in mas.schemes],
            "minimum_complexity": mas.minimum_complexity,
        },
        "matrix": {
            "kind": "synapse",
            "homeserver": mas.server_name,
            "secret": mas.secret,
            "endpoint": mas.beside.server.url if mas.beside.server else "http://localhost:8008/",
        },
        "clients": [
            {
                "client_id": row["oauth2_client_id"],
                "client_auth_method": row["auth_method"],
                "client_secret": row["secret"],
            }
            for row in mas.store.find("oauth2_clients")
        ],
        "policy": {"data": {"admin_clients": list(mas.listed_admin_clients)}},
    }
    return merged(made, over)


def _listener(name: str, resources: list[dict[str, str]], port: int, mas: Mas) -> dict[str, Any]:
    listener: dict[str, Any] = {
        "name": name,
        "resources": resources,
        "binds": [{"address": f"{mas.web.address}:{port}"}],
        "proxy_protocol": False,
    }
    if name == "internal":
        listener["binds"] = [{"host": mas.internal.address, "port": port}]
    if mas.prefix != "/":
        listener["prefix"] = mas.prefix
    return listener


def _scheme(scheme: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"version": scheme.version, "algorithm": scheme.algorithm}
    if scheme.secret is not None:
        told["secret"] = scheme.secret
    if scheme.unicode_normalization:
        told["unicode_normalization"] = True
    return told


def write(file: Path, mas: Mas, **how: Any) -> Path:
    """As document(); into that file, which is its owner's alone. Its path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(document(mas, **how), sort_keys=False), encoding="utf8")
    file.chmod(0o600)
    return file
