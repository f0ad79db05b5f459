# SPDX-License-Identifier: GPL-3.0-or-later
"""Registration as anybody may do it, its stages, and changing one's own password, of a
stand-in of the Conduit family."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .family_accounts import Account, random_text
from .family_base import Base, body_of, flag_in, text_in
from .family_table import Refusal, Route, is_strict
from .mas_wire import Reply, Request

TOKEN, DUMMY, PASSWORD = "m.login.registration_token", "m.login.dummy", "m.login.password"


@dataclass
class Stages:
    """Of one go through UIA; whose: the user that goes through it, "" nobody yet."""

    flows: list[list[str]]
    whose: str
    completed: list[str] = field(default_factory=list)


class Register(Base):
    ROUTES = (
        Route("GET", "/_matrix/client/{v}/register/available", "_available"),
        Route("POST", "/_matrix/client/{v}/register", "_register"),
        Route("POST", "/_matrix/client/{v}/account/password", "_account_password"),
    )

    def __init__(self) -> None:
        self._stages: dict[str, Stages] = {}

    # Names

    def _available(self, request: Request) -> Reply:
        names = [value for name, value in request.query if name == "username"]
        if not names:
            raise Refusal(400, "M_BAD_JSON", "missing field `username`")
        name = names[0].lower() if self.table.available_folds else names[0]
        self.free_name(name, "available" in self.table.emergency_relaxes)
        return Reply(200, {"available": True})

    def free_name(self, name: str, relaxed_in_emergency: bool) -> str:
        """The id that a name makes; or why it may not be had."""
        table, settings = self.table, self.settings
        localpart = self.local_part(name)
        relaxed = relaxed_in_emergency and settings.emergency_password is not None
        if localpart is None or not (relaxed or is_strict(localpart, self.server_name)):
            bad = table.bad_name
            raise Refusal(bad.status, bad.errcode, bad.text.format(name=name))
        user_id = self.user_id(localpart)
        if user_id in self.accounts:
            raise table.taken.refusal
        if not relaxed:
            self._refuse_reserved(localpart)
        return user_id

    def _refuse_reserved(self, localpart: str) -> None:
        if any(re.search(one, localpart) for one in self.settings.forbidden_usernames):
            raise self.table.forbidden_name.refusal
        if any(re.fullmatch(one, localpart) for one in self.settings.namespaces):
            raise self.table.exclusive.refusal

    # Registration

    def registration_flows(self) -> list[list[str]]:
        """Of stages; or a Refusal, where nobody may register."""
        raise NotImplementedError

    def _register(self, request: Request) -> Reply:
        body = body_of(request)
        kinds = [value for name, value in request.query if name == "kind"]
        if kinds and kinds[0] != "user":
            raise Refusal(403, "M_GUEST_ACCESS_FORBIDDEN", "Guests may not register here.")
        wanted = body.get("username")
        inhibit = flag_in(body, "inhibit_login", False)
        password = body.get("password")
        for one in (wanted, password, body.get("device_id")):
            if one is not None and not isinstance(one, str):
                raise Refusal(400, "M_BAD_JSON", "deserialization failed: invalid type")
        flows = self.registration_flows()
        if not self.table.names_before_uia:
            self.authorized(flows, "", body.get("auth"))
        if password is None and self.table.no_password is not None:
            raise self.table.no_password.refusal
        user_id = self._registered_name(wanted)
        if self.table.names_before_uia:
            self.authorized(flows, "", body.get("auth"))
        account = self.make_account(user_id, password)
        told: dict[str, Any] = {"user_id": user_id, "device_id": None}
        if not inhibit:
            shown = body.get("initial_device_display_name")
            device = self.accounts.log_in(account, body.get("device_id"), shown)
            told |= {"device_id": device.device_id, "access_token": device.token}
        self.was_registered(account, not inhibit)
        return Reply(200, told)

    def _registered_name(self, wanted: str | None) -> str:
        if wanted is None:
            return self.user_id(random_text(10).lower())
        name = wanted.lower() if self.table.folds else wanted
        return self.free_name(name, "register" in self.table.emergency_relaxes)

    def make_account(self, user_id: str, password: str | None) -> Account:
        """As a registration makes one."""
        account = self.accounts.make(user_id, None)
        account.displayname = account.localpart + self.displayname_suffix()
        if password is None:
            account.deactivated = True
        else:
            self.set_password(account, password)
        return account

    def displayname_suffix(self) -> str:
        return self.table.displayname_suffix

    # Stages

    def authorized(self, flows: list[list[str]], whose: str, auth: Any) -> None:
        """Returns once all stages of a flow are passed; or raises what is left. A stage
        without a session begins one, so that a flow of one stage takes one request."""
        if auth is None:
            raise self._left(Stages(flows, whose), random_text(32))
        if not isinstance(auth, dict):
            raise Refusal(400, "M_BAD_JSON", "deserialization failed: invalid type")
        session, stages = self._begun(flows, whose, auth)
        kind = text_in(auth, "type", "")
        if self.table.foreign_stage is not None and not any(kind in one for one in stages.flows):
            raise self.table.foreign_stage.refusal
        wrong = self._wrong(kind, auth, whose)
        if wrong is not None:
            raise self._left(stages, session, wrong)
        if kind in (TOKEN, DUMMY, PASSWORD):
            stages.completed.append(kind)
        if not any(set(flow) <= set(stages.completed) for flow in stages.flows):
            raise self._left(stages, session)
        self._stages.pop(session, None)
        self.passed(kind, auth)

    def _begun(self, flows: list[list[str]], whose: str, auth: Any) -> tuple[str, Stages]:
        session = auth.get("session")
        if session is None:
            return random_text(32), Stages(flows, whose)
        stages = self._stages.get(session) if isinstance(session, str) else None
        if stages is None or stages.whose != whose:
            raise self.table.unknown_session.refusal
        return session, stages

    def _wrong(self, kind: str, auth: dict[str, Any], whose: str) -> str | None:
        """What is wrong with a stage; or nothing."""
        if kind == TOKEN:
            good = self.token_is_good(text_in(auth, "token").strip())
            return None if good else self.table.wrong_token_text
        if kind == PASSWORD:
            identifier = auth.get("identifier", {})
            user = identifier.get("user") if isinstance(identifier, dict) else None
            user = auth.get("user") if user is None else user
            localpart = self.local_part(user) if isinstance(user, str) else None
            account = self.accounts.get(whose)
            mine = localpart is not None and self.user_id(localpart) == whose
            if account is None or not mine or account.password != auth.get("password"):
                return self.table.wrong_uia_password
        return None

    def _left(self, stages: Stages, session: str, wrong: str | None = None) -> Refusal:
        self._stages[session] = stages
        more: dict[str, Any] = {
            "flows": [{"stages": flow} for flow in stages.flows],
            "completed": list(stages.completed),
        }
        if self.table.uia_params:
            more["params"] = {}
        more["session"] = session
        # Only these have the bare text on all servers (section 11).
        return Refusal(401, None if wrong is None else "M_FORBIDDEN", wrong or "", **more)

    def token_is_good(self, token: str) -> bool:
        return token == self.settings.registration_token

    def passed(self, kind: str, auth: dict[str, Any]) -> None:
        """After the last stage: a server counts the uses of a token here."""

    # One's own password

    def _account_password(self, request: Request) -> Reply:
        account, device_id = self.caller(request)
        body = body_of(request)
        new = text_in(body, "new_password")
        log_out = flag_in(body, "logout_devices", True)
        self.authorized([[PASSWORD]], account.user_id, body.get("auth"))
        self.set_password(account, new)
        if log_out:
            self.accounts.log_out(account, but=device_id)
        self.password_changed(account)
        return Reply(200, {})

    def password_changed(self, account: Account) -> None:
        """By itself: a server's bot may tell so in the admin room."""
