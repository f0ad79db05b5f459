# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands "users ..." of the stand-in for continuwuity (sections 2.5 and 11)."""

from __future__ import annotations

from typing import Any

from .family_accounts import Account, random_text
from .family_bot import Answer, Command, Failed
from .family_clap import Flag, Positional, Word
from .family_fork import Fork
from .family_table import LONGEST_ID, Refusal

ID = (Positional("USER_ID"),)
NO_LEAVE = Flag("no-leave-rooms", "n")
USER_COMMANDS = (
    Word(
        "create-user",
        (Positional("USERNAME"), Positional("PASSWORD", False)),
        aliases=("create",),
    ),
    Word("issue-token", (Positional("USERNAME"), Positional("PASSWORD"))),
    Word(
        "reset-password",
        (Positional("USERNAME"), Positional("PASSWORD", False)),
        (Flag("logout", "l"), Flag("convert-to-local-account")),
    ),
    Word("deactivate", ID, (NO_LEAVE,)),
    Word("deactivate-all", (), (NO_LEAVE, Flag("force", "f"))),
    *(Word(name, ID) for name in ("logout", "suspend", "unsuspend", "lock", "unlock")),
    *(Word(name, ID) for name in ("enable-login", "disable-login", "make-user-admin")),
    Word("list-users", aliases=("list",)),
    Word("force-leave-room", (Positional("USER_ID"), Positional("ROOM_ID"))),
    Word(
        "force-join-room",
        (Positional("USER_ID"), Positional("ROOM_ID"), Positional("VIA", False)),
    ),
)
GENERATED = 25
# Of the account that nothing may be done to.
PROTECTED = {
    "suspend": "Not allowed to suspend the server service account.",
    "unsuspend": "Not allowed to unsuspend the server service account.",
    "lock": "Not allowed to lock the server service account.",
    "logout": "Not allowed to log out the server service account.",
    "disable-login": "Not allowed to disable login for the server service account.",
}
OF_ADMINS = {
    "suspend": "Admin users cannot be suspended.",
    "lock": "Admin users cannot be locked.",
    "logout": "You cannot forcefully log out admin users.",
    "disable-login": "Admin users cannot have their login disallowed.",
}

Values = dict[str, Any]


class UserCommands(Fork):
    def status_refusal(self, user_id: str) -> Refusal | None:
        raise NotImplementedError

    def empower(self, account: Account) -> None:
        raise NotImplementedError

    # Whom a command is about

    def _local_id(self, user: str) -> str:
        """All commands but create-user take capitals for small letters."""
        user = user.lower()
        localpart = self.local_part(user)
        if localpart is None:
            raise Failed(f'User "{user}" does not belong to our server.')
        if ":" in localpart:
            raise Failed(
                "The supplied username is not a valid username: "
                "server name is not a valid IP address or domain"
            )
        return self.user_id(localpart)

    def _active(self, user: str) -> Account:
        user_id = self._local_id(user)
        refusal = self.status_refusal(user_id)
        if refusal is not None:
            raise Failed(refusal.text)
        account = self.accounts.get(user_id)
        assert account is not None
        return account

    def _allowed(self, verb: str, user: str) -> Account:
        account = self._active(user)
        if account.user_id == self.bot_id and verb in PROTECTED:
            raise Failed(PROTECTED[verb])
        if self.is_admin(account.user_id) and verb in OF_ADMINS:
            raise Failed(OF_ADMINS[verb])
        return account

    # Making them, and their passwords

    def users_create_user(self, command: Command | None, values: Values, body: list[str]) -> Answer:
        try:
            user_id = self.free_name(values["username"], "commands" in self.table.emergency_relaxes)
        except Refusal as refusal:
            raise Failed(refusal.text) from None
        password = values["password"]
        password = random_text(GENERATED) if password is None else password
        account = self.make_account(user_id, password)
        self.empower(account)
        log = [("INFO", "command", f"Created new user account for {user_id}")]
        return Answer(f"Created user {user_id} with password `{password}`", log=log)

    def users_reset_password(self, command: Command | None, values: Values, body: list[str]) -> str:
        user_id = self._local_id(values["username"])
        if user_id == self.bot_id:
            raise Failed(
                "Not allowed to set the password for the server account. "
                "Please use the emergency password config option."
            )
        password = values["password"]
        password = random_text(GENERATED) if password is None else password
        account = self.accounts.get(user_id)
        text = ""
        if values["convert_to_local_account"]:
            if account is None:
                raise Failed("This account does not exist.")
            account.password, account.deactivated = password, False
        else:
            if account is None:
                raise Failed("The provided user does not exist.")
            if account.deactivated or account.password is None:
                raise Failed(
                    "The provided user is a shadow or deactivated account. To convert it to a "
                    "local account, pass the --convert-to-local-account flag."
                )
            account.password = password
            text = f"Successfully reset the password for user {user_id}: `{password}`"
        if values["logout"]:
            self.accounts.log_out(account)
            text += "\nAll existing sessions have been logged out."
        return text

    def users_issue_token(self, command: Command | None, values: Values, body: list[str]) -> str:
        account = self._active(values["username"])
        if account.password is None:
            raise Failed("This user cannot log in with a password.")
        if account.password != values["password"]:
            raise Failed("Invalid identifier or password.")
        device = self.accounts.log_in(account)
        made = f"Created device `{device.device_id}` with access token `{device.token}`"
        return f"{made} for {account.user_id}"

    # What they may do

    def users_make_user_admin(
        self, command: Command | None, values: Values, body: list[str]
    ) -> str:
        """Whether there is such an account, nobody looks (section 11)."""
        user_id = self._local_id(values["user_id"])
        membership = self.admin_room.membership(user_id)
        if membership == "join":
            raise Failed("User is already joined in the admin room")
        if membership == "invite":
            raise Failed("User is already pending an invitation to the admin room")
        self.promote(user_id)
        return f"{user_id} has been granted admin privileges."

    def users_suspend(self, command: Command | None, values: Values, body: list[str]) -> str:
        account = self._allowed("suspend", values["user_id"])
        account.suspended = True
        return f"User {account.user_id} has been suspended."

    def users_unsuspend(self, command: Command | None, values: Values, body: list[str]) -> str:
        account = self._allowed("unsuspend", values["user_id"])
        account.suspended = False
        return f"User {account.user_id} has been unsuspended."

    def users_lock(self, command: Command | None, values: Values, body: list[str]) -> str:
        account = self._allowed("lock", values["user_id"])
        account.locked = True
        return f"User {account.user_id} has been locked."

    def users_unlock(self, command: Command | None, values: Values, body: list[str]) -> str:
        account = self._allowed("unlock", values["user_id"])
        account.locked = False
        return f"User {account.user_id} has been unlocked."

    def users_logout(self, command: Command | None, values: Values, body: list[str]) -> str:
        account = self._allowed("logout", values["user_id"])
        self.accounts.log_out(account)
        return f"User {account.user_id} has been logged out from all devices."

    def users_disable_login(self, command: Command | None, values: Values, body: list[str]) -> str:
        account = self._allowed("disable-login", values["user_id"])
        account.login_disabled = True
        left = "Their existing sessions remain unaffected."
        return f"{account.user_id} can no longer log in. {left}"

    def users_enable_login(self, command: Command | None, values: Values, body: list[str]) -> str:
        account = self._allowed("enable-login", values["user_id"])
        account.login_disabled = False
        return f"{account.user_id} can now log in."

    # Ending them

    def users_deactivate(self, command: Command | None, values: Values, body: list[str]) -> Answer:
        user_id = self._local_id(values["user_id"])
        if user_id == self.bot_id:
            raise Failed("Not allowed to deactivate the server service account.")
        refusal = self.status_refusal(user_id)
        if refusal is not None:
            raise Failed(refusal.text)
        log = self._deactivated(user_id, not values["no_leave_rooms"], told=True)
        return Answer(f"User {user_id} has been deactivated", log=log)

    def _deactivated(self, user_id: str, leave: bool, told: bool) -> list[tuple[str, str, str]]:
        """The rows of the log that come of it."""
        account = self.accounts.get(user_id)
        assert account is not None
        self.accounts.log_out(account)
        account.deactivated = True
        if not leave:
            return []
        if told:
            text = f"Making {user_id} leave all rooms after deactivation..."
            self.bot.post({"msgtype": "m.text", "body": text})
        account.displayname = account.avatar_url = None
        if user_id in self.admin_room.powers.get("users", {}):
            self.rooms.set_power(self.admin_room, user_id, None, user_id)
        self.leave_all_rooms(user_id)
        if self.is_admin(user_id):
            return [("ERROR", "command", self.table.last_admin.text)]
        return []

    def users_deactivate_all(
        self, command: Command | None, values: Values, body: list[str]
    ) -> Answer:
        fenced = len(body) >= 2 and body[0].strip().startswith("```") and body[-1].strip() == "```"
        if not fenced:
            raise Failed("Expected code block in command body. Add --help for details.")
        found, admins = [], []
        for name in body[1:-1]:
            try:
                account = self._active(name)
            except Failed as failed:
                self._say(f"{name} is not a valid username, skipping over: {failed}")
                continue
            if self.is_admin(account.user_id) and not values["force"]:
                self._say(f"{name} is an admin and --force is not set, skipping over")
                admins.append(name)
            elif account.user_id == self.bot_id:
                self._say(f"{name} is the server service account, skipping over")
            else:
                found.append(account.user_id)
        log = []
        for user_id in found:
            text = f"Forcing user {user_id} to leave all rooms apart of deactivate-all"
            log += [("INFO", "command", text)] if not values["no_leave_rooms"] else []
            log += self._deactivated(user_id, not values["no_leave_rooms"], told=False)
        text = f"Deactivated {len(found)} accounts."
        if admins:
            text += f"\nSkipped admin accounts: {', '.join(admins)}."
            text += " Use --force to deactivate admin accounts"
        return Answer(text, log=log)

    def _say(self, text: str) -> None:
        self.bot.post({"msgtype": "m.text", "body": text})

    # Rooms, and who there is

    def users_force_leave_room(
        self, command: Command | None, values: Values, body: list[str]
    ) -> str:
        user_id = self._local_id(values["user_id"])
        try:
            room = self.rooms.at(self.rooms.resolve(values["room_id"]))
            if room.membership(user_id) != "join":
                raise Failed(f"{user_id} is not joined in the room")
            self.rooms.leave(user_id, room.room_id)
        except Refusal as refusal:
            raise Failed(refusal.text, [("ERROR", "command", refusal.text)]) from None
        return f"{user_id} has left {room.room_id}."

    def users_force_join_room(
        self, command: Command | None, values: Values, body: list[str]
    ) -> str:
        user_id = self._local_id(values["user_id"])
        try:
            room = self.rooms.join(user_id, self.rooms.resolve(values["room_id"]))
        except Refusal as refusal:
            raise Failed(refusal.text) from None
        return f"{user_id} has been joined to {room.room_id}."

    def users_list_users(self, command: Command | None, values: Values, body: list[str]) -> str:
        # One whose id is too long is there, and not listed (section 11).
        ids = [one.user_id for one in self.accounts if len(one.user_id.encode()) <= LONGEST_ID]
        return f"Found {len(ids)} local user account(s):\n```\n" + "\n".join(sorted(ids)) + "\n```"
