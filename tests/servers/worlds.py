# SPDX-License-Identifier: GPL-3.0-or-later
"""Each server as the scenario that is the same for all of them sees it: a task that may
do everything there, and what the server itself says of an account afterwards."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.servers.dendrites import rows_of
from tests.servers.proof import facts, logs_in
from tests.support.conduit import Conduit
from tests.support.continuwuity import Continuwuity
from tests.support.dendrite import Dendrite
from tests.support.mas import Mas
from tests.support.synapse import Synapse
from tests.support.tuwunel import Tuwunel


class Seen(NamedTuple):
    admin: bool
    deactivated: bool
    locked: bool


class World:
    """What a server lacks is refused by these options' names."""

    lacks: frozenset[str] = frozenset()
    # Nobody becomes an administrator without a part of one's own in it.
    promotes_by_itself = True

    @property
    def task(self) -> dict[str, Any]:
        raise NotImplementedError

    def seen(self, name: str) -> Seen | None:
        """None: there is no such account."""
        raise NotImplementedError

    def opens(self, name: str, password: str) -> bool:
        raise NotImplementedError


class OfSynapse(World):
    def __init__(self, server: Synapse) -> None:
        self.server = server

    @property
    def task(self) -> dict[str, Any]:
        return {"url": self.server.url, "access_token": self.server.admin_token}

    def seen(self, name: str) -> Seen | None:
        user = facts(self.server, name)
        return Seen(user["admin"], user["deactivated"], user["locked"]) if user else None

    def opens(self, name: str, password: str) -> bool:
        return logs_in(self.server, name, password)


class OfDendrite(World):
    lacks = frozenset({"locked"})

    def __init__(self, server: Dendrite) -> None:
        self.server = server

    @property
    def task(self) -> dict[str, Any]:
        return {
            "url": self.server.url,
            "access_token": self.server.admin_token,
            "registration_shared_secret": self.server.secret,
            "database": rows_of(self.server),
        }

    def seen(self, name: str) -> Seen | None:
        user = facts(self.server, name)
        return Seen(user["admin"], user["deactivated"], False) if user else None

    def opens(self, name: str, password: str) -> bool:
        return logs_in(self.server, name, password)


class OfMas(World):
    def __init__(self, mas: Mas) -> None:
        self.mas = mas

    @property
    def task(self) -> dict[str, Any]:
        self.mas.advance(60)  # for its limit on logins
        return self.mas.task(url=self.mas.beside.server.url, backend="auto")

    def seen(self, name: str) -> Seen | None:
        if name not in self.mas.user_names():
            return None
        user = self.mas.user(name)
        return Seen(
            user["can_request_admin"],
            user["deactivated_at"] is not None,
            user["locked_at"] is not None,
        )

    def opens(self, name: str, password: str) -> bool:
        self.mas.advance(60)
        answer = self.mas.login(name, password)
        assert answer.status in (200, 401, 403), answer
        if answer.status == 200:
            headers = {"authorization": "Bearer " + answer.json["access_token"]}
            self.mas.ask("POST", "/_matrix/client/v3/logout", b"", headers)
        return answer.status == 200


class OfFamily(World):
    def __init__(self, server: Conduit | Continuwuity | Tuwunel) -> None:
        self.server = server

    @property
    def task(self) -> dict[str, Any]:
        return {"url": self.server.url, "access_token": self.server.admin_token}

    def seen(self, name: str) -> Seen | None:
        account = self.server.find(name)
        if account is None:
            return None
        return Seen(self.server.administers(name), account.deactivated, account.locked)

    def opens(self, name: str, password: str) -> bool:
        return self.server.opens(name, password)


class OfTuwunel(OfFamily):
    """With all that it can be opened by: the secret makes accounts."""

    @property
    def task(self) -> dict[str, Any]:
        return super().task | {"registration_shared_secret": self.server.secret}


class OfConduit(OfFamily):
    lacks = frozenset({"locked"})
    promotes_by_itself = False
