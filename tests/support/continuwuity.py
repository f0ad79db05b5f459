# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for continuwuity 26.7.3, which comes from no registry; and by its argument
`version` for the 26.8.0 after it, where that differs: see family.py.

    with Continuwuity() as server:
        ... server.first_run_token, server.log() ...

What is said of it is section 2.5, sections 3 to 5, and what was seen of one that ran
(section 11), which wins. Its commands are in continuwuity_users.py and _token.py.
It serves no appservices, mail or OAuth, as nothing of ours looks there.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Any

from .continuwuity_token import TOKEN_COMMANDS, TokenCommands
from .continuwuity_users import USER_COMMANDS, UserCommands
from .family_accounts import Account, random_text
from .family_base import body_of, flag_in
from .family_bot import Answer
from .family_clap import Group
from .family_fork import Fork, written
from .family_register import DUMMY, TOKEN
from .family_table import Refusal, Route, Said, Settings, Table, is_strict
from .mas_wire import Reply, Request

OLD, NEW = "26.7.3", "26.8.0"
OTHER_GROUPS = ("appservices", "oidc", "rooms", "federation", "server", "media", "check", "debug")
ADMIN = "/_matrix/client/v1/admin"


@dataclass
class ContinuwuitySettings(Settings):
    allow_registration: bool = True
    # yes_i_am_very_very_sure_i_want_an_open_registration_server_prone_to_abuse
    open_registration: bool = False
    suspend_on_register: bool = False
    force_disable_first_run_mode: bool = False
    admin_execute: tuple[str, ...] = ()
    admin_execute_errors_ignore: bool = False
    admin_room_notices: bool = True
    new_user_displayname_suffix: str = ""
    # Of OAuth: "exclusive" switches off logins and stages (section 3).
    compatibility_mode: str = "hybrid"


class Continuwuity(UserCommands, TokenCommands, Fork):
    TABLE = Table(
        name="continuwuity",
        version=OLD,
        versions=(
            *("r0.5.0", "r0.6.0", "r0.6.1", "v1.1", "v1.2", "v1.3", "v1.4", "v1.5", "v1.8"),
            *("v1.11", "v1.12", "v1.13", "v1.14", "v1.15", "v1.16", "v1.17", "v1.18"),
        ),
        flags=(
            "computer.gingershaped.msc4466",
            "org.matrix.msc4155",
            "org.matrix.simplified_msc3575",
            "uk.half-shot.msc2666.query_mutual_rooms",
            "uk.half-shot.msc2666.query_mutual_rooms.stable",
        ),
        flows=("m.login.password", "m.login.application_service", "m.login.token"),
        unrecognized="not found :(",
        missing_token=Said(
            401, "M_UNAUTHORIZED", "Failed to extract authorization: missing access token"
        ),
        folds=False,
        available_folds=False,
        emergency_relaxes=frozenset({"available", "register", "commands"}),
        taken=Said(400, "M_USER_IN_USE", "Username is not available."),
        exclusive=Said(400, "M_EXCLUSIVE", "Username is reserved by an appservice."),
        login_absent=Said(404, "M_NOT_FOUND", "This account does not exist."),
        login_wrong=Said(403, "M_FORBIDDEN", "Invalid identifier or password."),
        login_deactivated=Said(403, "M_USER_DEACTIVATED", "This account is deactivated."),
        login_foreign=Said(404, "M_NOT_FOUND", "This account does not exist."),
        login_malformed=Said(400, "M_INVALID_USERNAME", "User ID is malformed"),
        login_identifier=Said(400, "M_INVALID_PARAM", "Identifier type not recognized"),
        closed=Said(
            403, "M_FORBIDDEN", "This server is not accepting registrations at this time."
        ),
        names_before_uia=False,
        uia_params=True,
        unknown_token=Said(401, "M_UNKNOWN_TOKEN", "Invalid token"),
        unknown_session=Said(400, "M_INVALID_PARAM", "Invalid session"),
        foreign_stage=Said(400, "M_INVALID_PARAM", "No flows include the supplied stage"),
        wrong_token_text="Invalid registration token",
        wrong_uia_password="Invalid identifier or password",
        no_password=Said(400, "M_INVALID_PARAM", "A password must be provided."),
        admin_power=9007199254740990,
        not_in_room=Said(
            403, "M_FORBIDDEN", "You cannot kick users who are not in the room."
        ),
        last_admin=Said(403, "M_FORBIDDEN", "Last admin cannot leave the admins room."),
        welcome=False,
        sync_filter="limit",
        sync_default=30_000,
        messages_filter=True,
    )
    SETTINGS = ContinuwuitySettings
    # From when the port answers to when commands of the configuration run (section 11).
    startup_seconds: float = 0.5
    ROUTES = (
        Route("GET", "/", "_front"),
        Route("GET", "/_continuwuity/server_version", "_server_version"),
        Route("GET", "/_continuwuity/local_user_count", "_local_user_count"),
        Route(
            "GET",
            "/_matrix/client/v1/register/m.login.registration_token/validity",
            "_token_validity",
        ),
        Route("GET", ADMIN + "/suspend/{user_id}", "_get_suspend"),
        Route("PUT", ADMIN + "/suspend/{user_id}", "_put_suspend"),
        Route("GET", ADMIN + "/lock/{user_id}", "_get_lock"),
        Route("PUT", ADMIN + "/lock/{user_id}", "_put_lock"),
    )
    COMMANDS = Group(
        "",
        (
            Group("users", USER_COMMANDS),
            Group("token", TOKEN_COMMANDS),
            *(Group(name, ()) for name in OTHER_GROUPS),
        ),
    )

    def __init__(
        self,
        server_name: str = "example.test",
        start: bool = True,
        version: str = OLD,
        **settings: Any,
    ) -> None:
        assert version in (OLD, NEW)
        self._version = version
        self.first_run = False
        self.first_run_token = ""
        self.journal: list[str] = []
        # The start was aborted by a command of the configuration's.
        self.aborted = False
        self._starting: threading.Timer | None = None
        super().__init__(server_name, start, **settings)

    @property
    def version(self) -> str:
        return self._version

    @property
    def has_lock_bug(self) -> bool:
        return self._version == OLD

    # Coming and going

    def prepare(self) -> None:
        others = [one for one in self.accounts if one.user_id != self.bot_id]
        self.first_run = not others and not self.settings.force_disable_first_run_mode
        self.first_run_token = random_text(16)
        self.aborted = False
        bot = self.accounts.get(self.bot_id)
        assert bot is not None
        if self.settings.emergency_password is not None:
            bot.password, bot.deactivated = self.settings.emergency_password, False
        else:
            bot.password, bot.deactivated = None, True
            self.accounts.log_out(bot)

    def started(self) -> None:
        if not self.settings.admin_execute:
            self._print_banner()
            return
        self._starting = threading.Timer(self.startup_seconds, self._execute_all)
        self._starting.daemon = True
        self._starting.start()

    def stop(self) -> None:
        if self._starting is not None:
            self._starting.cancel()
        super().stop()

    def _execute_all(self) -> None:
        for line in self.settings.admin_execute:
            with self.changed:
                answer = self.execute(None, line, [])
                self.journal.append(written(answer))
            if answer.kind != "output" and not self.settings.admin_execute_errors_ignore:
                self.aborted = True
                self.listener.stop()
                return
        self._print_banner()

    def _print_banner(self) -> None:
        """As systemd's journal has it: colours and all."""
        if not self.first_run:
            return
        name, token = _bold_green(self.server_name), _bold_green(self.first_run_token)
        self.journal += [
            "\x1b[1m============\x1b[0m",
            f"Welcome to \x1b[1;95mContinuwuity\x1b[0m \x1b[1m{self.version}\x1b[0m!",
            f"Open your Matrix client of choice and register an account on {name} using the "
            f"registration token {token} . Pick your own username and password!",
            "\x1b[1m============\x1b[0m",
        ]

    def log(self) -> str:
        """What it has written to its journal since it was made."""
        return "".join(line + "\n" for line in self.journal)

    # Names

    def free_name(self, name: str, relaxed_in_emergency: bool) -> str:
        """The order of the checks is another one than elsewhere (section 2.5)."""
        relaxed = relaxed_in_emergency and self.settings.emergency_password is not None
        if not relaxed and any(re.search(one, name) for one in self.settings.forbidden_usernames):
            raise self.table.forbidden_name.refusal
        localpart = self.local_part(name)
        if localpart is None:
            text = f"Username {name} is not local to this server"
            raise Refusal(400, "M_INVALID_USERNAME", text)
        if ":" in localpart or "\0" in localpart:
            text = f"Username {name} is not valid: server name is not a valid IP address or domain"
            raise Refusal(400, "M_INVALID_USERNAME", text)
        if not relaxed and not is_strict(localpart, self.server_name):
            text = (
                f"Username {name} contains disallowed characters or spaces: "
                "localpart contains invalid characters"
            )
            raise Refusal(400, "M_INVALID_USERNAME", text)
        user_id = self.user_id(localpart)
        if user_id in self.accounts:
            raise self.table.taken.refusal
        if not relaxed and any(re.fullmatch(one, localpart) for one in self.settings.namespaces):
            raise self.table.exclusive.refusal
        return user_id

    # Logging in

    @property
    def _speaks_oauth_alone(self) -> bool:
        return self.settings.compatibility_mode == "exclusive"

    def authenticated(self, kind: str, body: dict[str, Any]) -> Account:
        if self._speaks_oauth_alone:
            text = "User-interactive authentication is not available on this server."
            raise Refusal(404, "M_UNRECOGNIZED", text)
        return super().authenticated(kind, body)

    def checked(self, user: str, password: str) -> Account:
        account = self.accounts.get(user if user.startswith("@") else self.user_id(user))
        shadow = account is not None and account.password is None and not account.deactivated
        if shadow and not account.locked and not account.login_disabled:
            raise Refusal(403, "M_FORBIDDEN", "This user cannot log in with a password.")
        return super().checked(user, password)

    def set_password(self, account: Account, password: str) -> None:
        # It makes no deactivated account active again (section 5).
        account.password = password

    # Registration

    def registration_flows(self) -> list[list[str]]:
        if self.first_run:
            return [[TOKEN]]
        if not self.settings.allow_registration:
            raise self.table.closed.refusal
        if self.settings.registration_token is not None or self.live_tokens():
            return [[TOKEN]]
        if not self.settings.open_registration:
            raise self.table.closed.refusal
        return [[DUMMY]]

    def token_is_good(self, token: str) -> bool:
        if self.first_run:
            return token == self.first_run_token
        return token == self.settings.registration_token or token in self.live_tokens()

    def passed(self, kind: str, auth: dict[str, Any]) -> None:
        """A token is used up by the stage, whatever comes of the registration."""
        if kind == TOKEN:
            self.use_token(auth["token"].strip())

    def _token_validity(self, request: Request) -> Reply:
        tokens = [value for name, value in request.query if name == "token"]
        return Reply(200, {"valid": bool(tokens) and self.token_is_good(tokens[0])})

    def make_account(self, user_id: str, password: str | None) -> Account:
        account = super().make_account(user_id, password)
        account.deactivated = False
        return account

    def create(self, name: str, password: str | None, admin: bool = False) -> str:
        with self.changed:
            self.first_run = False
            return super().create(name, password, admin)

    def displayname_suffix(self) -> str:
        suffix = self.settings.new_user_displayname_suffix
        return f" {suffix}" if suffix else ""

    def was_registered(self, account: Account, with_session: bool) -> None:
        if self.settings.admin_room_notices:
            text = f'New user "{account.user_id}" registered on this server from IP 127.0.0.1.'
            self.bot.post({"msgtype": "m.notice", "body": text})
        self.empower(account)

    def empower(self, account: Account) -> None:
        """The first account of all is an administrator, by whatever it was made."""
        if self.first_run:
            self.first_run = False
            self.promote(account.user_id)
            text = f"Welcome to the admin room of {self.server_name}!"
            mentions = {"m.mentions": {"room": True}}
            self.bot.post({"msgtype": "m.text", "body": text} | mentions)
        elif self.settings.suspend_on_register:
            account.suspended = True
            if self.settings.admin_room_notices:
                text = f"User {account.user_id} has been suspended as it is not the first user."
                self.bot.post({"msgtype": "m.text", "body": text})

    def password_changed(self, account: Account) -> None:
        if self.settings.admin_room_notices:
            text = f"User {account.user_id} changed their password."
            self.bot.post({"msgtype": "m.notice", "body": text})

    # Its own endpoints

    def _front(self, request: Request) -> Reply:
        return Reply.html(200, "<!DOCTYPE html><html><body>Continuwuity</body></html>")

    def _server_version(self, request: Request) -> Reply:
        return Reply(200, {"name": "continuwuity", "version": self.version})

    def _local_user_count(self, request: Request) -> Reply:
        if not self.settings.federation:
            raise self.table.federation_off.refusal
        return Reply(200, {"count": len(list(self.accounts))})

    def status_refusal(self, user_id: str) -> Refusal | None:
        """Why an account is none to do anything to."""
        account = self.accounts.get(user_id)
        if account is None:
            return Refusal(404, "M_NOT_FOUND", "This account does not exist.")
        if account.deactivated:
            return Refusal(403, "M_USER_DEACTIVATED", "This account is deactivated.")
        return None

    def _target(self, request: Request, user_id: str) -> tuple[Account, Account]:
        """Who asks, and about whom."""
        caller = self.admin_caller(request)
        refusal = self.status_refusal(user_id)
        if refusal is not None:
            # Afterwards both are 404 (section 3).
            raise refusal if self.has_lock_bug else Refusal(404, "M_NOT_FOUND", refusal.text)
        target = self.accounts.get(user_id)
        assert target is not None
        return caller, target

    def _changeable(self, request: Request, user_id: str, verb: str) -> Account:
        caller, target = self._target(request, user_id)
        if target is caller:
            raise Refusal(403, "M_FORBIDDEN", f"You cannot {verb} yourself")
        if self.is_admin(user_id):
            text = f"You cannot {verb} another server administrator"
            raise Refusal(403, "M_FORBIDDEN", text)
        return target

    def _get_suspend(self, request: Request, user_id: str) -> Reply:
        return Reply(200, {"suspended": self._target(request, user_id)[1].suspended})

    def _get_lock(self, request: Request, user_id: str) -> Reply:
        return Reply(200, {"locked": self._target(request, user_id)[1].locked})

    def _put_suspend(self, request: Request, user_id: str) -> Reply:
        target = self._changeable(request, user_id, "suspend")
        wanted = flag_in(body_of(request), "suspended")
        if target.suspended != wanted:
            target.suspended = wanted
            self._notice(request, user_id, "suspended" if wanted else "unsuspended")
        return Reply(200, {"suspended": wanted})

    def _put_lock(self, request: Request, user_id: str) -> Reply:
        target = self._changeable(request, user_id, "lock")
        wanted = flag_in(body_of(request), "locked")
        if self.has_lock_bug:
            # It is the suspension that is set, whatever is said of it (section 11).
            was, target.suspended = target.locked, wanted
        else:
            was, target.locked = target.locked, wanted
        if was != wanted or self.has_lock_bug:
            self._notice(request, user_id, "locked" if wanted else "unlocked")
        return Reply(200, {"locked": wanted})

    def _notice(self, request: Request, user_id: str, done: str) -> None:
        if self.settings.admin_room_notices:
            caller = self.caller(request).account.user_id
            text = f"{user_id} has been {done} by {caller}."
            self.bot.post({"msgtype": "m.text", "body": text})

    def _account_password(self, request: Request) -> Reply:
        if self._speaks_oauth_alone:
            text = "User-interactive authentication is not available on this server."
            raise Refusal(404, "M_UNRECOGNIZED", text)
        if request.header("authorization") is None:
            # Who forgot the old one proves an address of mail.
            self.authorized([["m.login.email.identity"]], "", body_of(request).get("auth"))
        return super()._account_password(request)

    # Rooms

    def oversize_content(self, text: str, relation: dict[str, Any]) -> dict[str, Any]:
        """Without a relation, so that nothing says what it answers (section 11)."""
        return {
            "msgtype": "m.file",
            "body": "Output was too large to send as text.",
            "filename": "output.md",
            "info": {"mimetype": "text/markdown", "size": len(text.encode())},
            "url": self.upload(text),
        }


def _bold_green(text: str) -> str:
    return f"\x1b[1;32m{text}\x1b[0m"


__all__ = ["NEW", "OLD", "Answer", "Continuwuity"]
