# SPDX-License-Identifier: GPL-3.0-or-later
"""The homeserver.yaml of a test server, and what a test changes in it."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path
from typing import Any

from .postgres import Postgres

UNLIMITED = {"per_second": 10000, "burst_count": 10000}

# The same set as Synapse's own demo/start.sh --no-rate-limit, as far as
# creating and changing accounts meets it.
NO_LIMITS: dict[str, Any] = {
    "rc_login": {"address": UNLIMITED, "account": UNLIMITED, "failed_attempts": UNLIMITED},
    "rc_registration": UNLIMITED,
    "rc_registration_token_validity": UNLIMITED,
    "rc_message": UNLIMITED,
    "rc_joins": {"local": UNLIMITED, "remote": UNLIMITED},
    "rc_joins_per_room": UNLIMITED,
    "rc_invites": {"per_room": UNLIMITED, "per_user": UNLIMITED, "per_issuer": UNLIMITED},
    "rc_3pid_validation": UNLIMITED,
}


def listener(port: int, addresses: list[str], unix_socket: str | None) -> dict[str, Any]:
    """On the port at these addresses, or on that socket (config/server.py,
    parse_listener_def: one of them; its mode is 0666 unless stated)."""
    resources = [{"names": ["client"], "compress": False}]
    if unix_socket is not None:
        return {"type": "http", "path": unix_socket, "resources": resources}
    return {
        "port": port,
        "type": "http",
        "tls": False,
        "x_forwarded": False,
        "bind_addresses": addresses,
        "resources": resources,
    }


def postgres(cluster: Postgres, name: str, password: str) -> dict[str, Any]:
    """The database of that name, as the role of that name."""
    arguments = {
        "user": name,
        "password": password,
        "dbname": name,
        "host": cluster.address,
        "port": cluster.port,
        "cp_min": 1,
        "cp_max": 5,
    }
    return {"name": "psycopg2", "args": arguments}


def defaults(
    folder: Path, listener: dict[str, Any], server_name: str, secret: str
) -> dict[str, Any]:
    return {
        "server_name": server_name,
        "report_stats": False,
        "pid_file": str(folder / "homeserver.pid"),
        "listeners": [listener],
        "database": {"name": "sqlite3", "args": {"database": str(folder / "homeserver.db")}},
        "log_config": str(folder / "log.yaml"),
        "media_store_path": str(folder / "media"),
        "signing_key_path": str(folder / "signing.key"),
        "registration_shared_secret": secret,
        "macaroon_secret_key": secrets.token_urlsafe(32),
        "form_secret": secrets.token_urlsafe(32),
        "trusted_key_servers": [],
        "federation_domain_whitelist": [],
        "presence": {"enabled": False},
        # Synapse's default is 12, which would take a quarter of a second for
        # every password that a test sets or asks about.
        "bcrypt_rounds": 4,
    }


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """base with over put on it; a key that is None there is taken out."""
    result = dict(base)
    for key, value in over.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def log_config(path: Path) -> dict[str, Any]:
    return {
        "version": 1,
        "formatters": {
            "precise": {"format": "%(asctime)s %(name)s %(levelname)s %(request)s %(message)s"}
        },
        "handlers": {
            "file": {
                "class": "logging.FileHandler",
                "filename": str(path),
                "formatter": "precise",
                "encoding": "utf8",
            }
        },
        "root": {"level": "INFO", "handlers": ["file"]},
        "disable_existing_loggers": False,
    }


def signing_key() -> str:
    seed = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    return f"ed25519 a_test {seed}\n"
