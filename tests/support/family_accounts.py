# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts of a stand-in of the Conduit family, their devices and tokens."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from typing import Any, NamedTuple

LETTERS = string.ascii_letters + string.digits


def random_text(length: int) -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(length))


@dataclass
class Device:
    device_id: str
    token: str
    display_name: str | None = None


@dataclass
class Account:
    """password None: none is stored, so that nothing opens it."""

    user_id: str
    password: str | None
    deactivated: bool = False
    locked: bool = False
    suspended: bool = False
    login_disabled: bool = False
    erased: bool = False
    displayname: str | None = None
    avatar_url: str | None = None
    devices: dict[str, Device] = field(default_factory=dict)
    filters: dict[str, Any] = field(default_factory=dict)
    threepids: list[dict[str, Any]] = field(default_factory=list)
    # What only one server has.
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def localpart(self) -> str:
        return self.user_id[1:].partition(":")[0]

    @property
    def opens(self) -> bool:
        """Whether its password opens it."""
        shut = self.deactivated or self.locked or self.login_disabled
        return self.password is not None and not shut

    def state(self) -> dict[str, Any]:
        """Of the account, what a test compares: all but its secrets."""
        return {
            "deactivated": self.deactivated,
            "locked": self.locked,
            "suspended": self.suspended,
            "login_disabled": self.login_disabled,
            "displayname": self.displayname,
            "avatar_url": self.avatar_url,
            "devices": sorted(self.devices),
        }


class Session(NamedTuple):
    """Whose token it is."""

    account: Account
    device_id: str


class Accounts:
    """All of them, by their ids; in the order in which they were made."""

    def __init__(self, server_name: str) -> None:
        self.server_name = server_name
        self._all: dict[str, Account] = {}

    def __iter__(self) -> Any:
        return iter(list(self._all.values()))

    def __contains__(self, user_id: str) -> bool:
        return user_id in self._all

    def get(self, user_id: str) -> Account | None:
        return self._all.get(user_id)

    def make(self, user_id: str, password: str | None, **more: Any) -> Account:
        assert user_id not in self._all, f"{user_id} is there already"
        account = self._all[user_id] = Account(user_id, password, **more)
        return account

    def forget(self, user_id: str) -> None:
        """As if it had never been: no server does that, but a test may."""
        del self._all[user_id]

    def log_in(
        self, account: Account, device_id: str | None = None, display_name: str | None = None
    ) -> Device:
        """A device that is there gets another token, and keeps its name."""
        device_id = device_id if device_id is not None else random_text(10)
        known = account.devices.get(device_id)
        name = known.display_name if known is not None else display_name
        device = account.devices[device_id] = Device(device_id, random_text(32), name)
        return device

    def log_out(self, account: Account, but: str | None = None) -> None:
        """All devices, but that one."""
        for device_id in [one for one in account.devices if one != but]:
            del account.devices[device_id]

    def session(self, token: str) -> Session | None:
        for account in self._all.values():
            for device in account.devices.values():
                if secrets.compare_digest(device.token.encode(), token.encode()):
                    return Session(account, device.device_id)
        return None
