# SPDX-License-Identifier: GPL-3.0-or-later
"""What the commands of tuwunel's bot do and say (section 2.4). The bot itself is in
tuwunel_bot.py. What is there besides, of rooms, federation and so on, is not here."""

from __future__ import annotations

import re
import time
from typing import Any

from .family_accounts import Account, random_text
from .family_bot import Command, Failed
from .family_clap import Flag, Group, Positional, Word, whole_number
from .family_table import Refusal
from .tuwunel_fields import completed
from .tuwunel_home import now_ms
from .tuwunel_register import SharedSecret
from .tuwunel_tokens import RegistrationTokens, Token
from .tuwunel_users import Users, canonical

PASSWORD_LENGTH = 25
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
OTHER_GROUPS = ("appservices", "rooms", "federation", "server", "media", "debug", "query")
ONLY_BY_SETTING = (
    "Not allowed to set the password for the server account. Please use the emergency "
    "password config option."
)

USERNAME, PASSWORD = Positional("USERNAME"), Positional("PASSWORD", required=False)
USER, ADDRESS = Positional("USER_ID"), Positional("ADDRESS")
STAYS = Flag("no-leave-rooms", "n")
COMMANDS = Group(
    "",
    (
        Group(
            "users",
            (
                Word("create-user", (USERNAME, PASSWORD), aliases=("create",)),
                Word("reset-password", (USERNAME, PASSWORD)),
                Word("add-email", (USERNAME, ADDRESS)),
                Word("del-email", (USERNAME, ADDRESS)),
                Word("deactivate", (USER,), (STAYS,)),
                Word("deactivate-all", (), (STAYS, Flag("force", "f"))),
                Word("erasure", (USER,)),
                Word("unerase", (USER,)),
                Word("delete-device", (USER, Positional("DEVICE_ID"))),
                Word("list-users", aliases=("list",)),
                Word("list-joined-rooms", (USER,)),
                Word("force-join-room", (USER, Positional("ROOM"))),
                Word("force-leave-room", (USER, Positional("ROOM_ID"))),
                Word("make-user-admin", (USER,)),
            ),
        ),
        Group(
            "token",
            (
                Word(
                    "issue",
                    (),
                    (
                        Flag("max-uses", value="MAX_USES", convert=whole_number),
                        Flag("max-age", value="MAX_AGE"),
                        Flag("once"),
                    ),
                ),
                Word("revoke", (Positional("TOKEN"),)),
                Word("list"),
            ),
        ),
        *(Group(name, ()) for name in OTHER_GROUPS),
    ),
)
Values = dict[str, Any]


class Commands(SharedSecret, Users, RegistrationTokens):
    """Each method with three arguments is a command: the message, what was given, and the
    lines after it. It returns what is said."""

    # Names

    def named(self, text: str) -> str:
        """Of this server; whether there is such an account, only some commands ask."""
        user_id = completed(text.lower(), self.server_name)
        if user_id is None:
            what = "The supplied username is not a valid username"
            raise Failed(f"{what}: localpart contains invalid characters")
        if user_id.server_name != self.server_name:
            raise Failed(f'User "{user_id}" does not belong to our server.')
        return str(user_id)

    def active(self, text: str) -> Account:
        user_id = self.named(text)
        account = self.accounts.get(user_id)
        if account is None:
            raise Failed(f'User "{user_id}" does not exist on this server.')
        if account.deactivated:
            raise Failed(f'User "{user_id}" is deactivated.')
        return account

    # Accounts

    def users_create_user(self, _: Command | None, values: Values, body: list[str]) -> str:
        user_id = self.named(values["username"])
        name = completed(user_id, self.server_name)
        assert name is not None
        if not name.is_strict and self.settings.emergency_password is None:
            raise Failed(f"Username {user_id} contains disallowed characters or spaces")
        if user_id in self.accounts:
            raise Failed(f"User {user_id} already exists")
        password = chosen(values)
        account = self.make_account(user_id, password)
        self.was_registered(account, False)
        return f"Created user with user_id: {user_id} and password: `{password}`"

    def users_reset_password(self, _: Command | None, values: Values, body: list[str]) -> str:
        """Who is not there is made: with a password, and with nothing else."""
        user_id = self.named(values["username"])
        if user_id == self.bot_id:
            raise Failed(ONLY_BY_SETTING)
        password = chosen(values)
        account = self.accounts.get(user_id)
        if account is None:
            self.new_account(user_id, password)
        else:
            try:
                self.set_password(account, password)
            except Refusal as refusal:
                why = f"{refusal.errcode}: {refusal.text}"
                raise Failed(f"Couldn't reset the password for user {user_id}: {why}") from None
        return f"Successfully reset the password for user {user_id}: `{password}`"

    def users_deactivate(self, _: Command | None, values: Values, body: list[str]) -> str:
        """Who is not there is made, and has the name for ever."""
        user_id = self.named(values["user_id"])
        if user_id == self.bot_id:
            raise Failed("Not allowed to deactivate the server service account.")
        self.shut(user_id, values["no_leave_rooms"])
        return f"User {user_id} has been deactivated"

    def shut(self, user_id: str, no_leave_rooms: bool) -> None:
        """More than the admin API does: the profile goes, and all rooms are left but for
        one in which that is refused; there, too, the power is gone before."""
        account = self.accounts.get(user_id)
        if account is None:
            account = self.accounts.make(user_id, None, deactivated=True)
        self.deactivate(account)
        if no_leave_rooms:
            return
        account.displayname = None
        self.set_profile(account, "avatar_url", None)
        for room in self.rooms:
            membership = room.membership(user_id)
            if membership == "join" and user_id in room.powers.get("users", {}):
                self.rooms.set_power(room, user_id, None, user_id)
            try:
                self.rooms.leave(user_id, room.room_id)
            except Refusal:
                continue

    def users_deactivate_all(self, _: Command | None, values: Values, body: list[str]) -> str:
        fenced = len(body) >= 2 and body[0].strip().startswith("```") and body[-1].strip() == "```"
        if not fenced:
            raise Failed("Expected code block in command body. Add --help for details.")
        found, admins = [], []
        for name in body[1:-1]:
            try:
                account = self.active(name)
            except Failed as failed:
                self.say(f"{name} is not a valid username, skipping over: {failed}")
                continue
            if self.is_admin(account.user_id) and not values["force"]:
                self.say(f"{name} is an admin and --force is not set, skipping over")
                admins.append(name)
            elif account.user_id == self.bot_id:
                self.say(f"{name} is the server service account, skipping over")
            else:
                found.append(account.user_id)
        for user_id in found:
            self.shut(user_id, values["no_leave_rooms"])
        said = f"Deactivated {len(found)} accounts."
        if admins:
            said += f"\nSkipped admin accounts: {', '.join(admins)}."
        return said

    def users_list_users(self, _: Command | None, values: Values, body: list[str]) -> str:
        """All that are not deactivated."""
        names = sorted(one.user_id for one in self.accounts if not one.deactivated)
        listed = "".join(f"{name}\n" for name in names)
        return f"Found {len(names)} local user account(s):\n```\n{listed}```"

    def users_erasure(self, _: Command | None, values: Values, body: list[str]) -> str:
        user_id = self.named(values["user_id"])
        account = self.accounts.get(user_id)
        if account is None or not account.erased:
            return f"{user_id} is not erased"
        return f"{user_id} is erased (since count 1)"

    def users_unerase(self, _: Command | None, values: Values, body: list[str]) -> str:
        user_id = self.named(values["user_id"])
        account = self.accounts.get(user_id)
        if account is not None:
            account.erased = False
        return f"Cleared the erasure marker of {user_id}"

    def users_delete_device(self, _: Command | None, values: Values, body: list[str]) -> str:
        user_id, device_id = values["user_id"], values["device_id"]
        if not self.is_local(user_id):
            raise Failed("Cannot delete device of remote user")
        account = self.accounts.get(user_id)
        if account is not None:
            account.devices.pop(device_id, None)
        return f"User {user_id}'s device {device_id} removed."

    # Administrators and rooms

    def users_make_user_admin(self, _: Command | None, values: Values, body: list[str]) -> str:
        """Whether there is such an account is not asked."""
        user_id = self.named(values["user_id"])
        if self.admin_room.membership(user_id) not in ("join", "invite"):
            self.logged("INFO", f"inviting {user_id}")
            self.logged("INFO", f"joining {user_id}")
        self.promote(user_id)
        return f"{user_id} has been granted admin privileges."

    def users_list_joined_rooms(self, _: Command | None, values: Values, body: list[str]) -> str:
        user_id = self.named(values["user_id"])
        rooms = self.rooms.joined_by(user_id)
        if not rooms:
            raise Failed("User is not in any rooms.")
        listed = "\n".join(room.room_id for room in rooms)
        return f"Rooms {user_id} Joined ({len(rooms)}):\n```\n{listed}\n```"

    def users_force_join_room(self, _: Command | None, values: Values, body: list[str]) -> str:
        user_id = self.named(values["user_id"])
        room_id = self.rooms.join(user_id, self.rooms.resolve(values["room"])).room_id
        return f"{user_id} has joined {room_id}."

    def users_force_leave_room(self, _: Command | None, values: Values, body: list[str]) -> str:
        user_id = self.named(values["user_id"])
        room_id = self.rooms.resolve(values["room_id"])
        room = self.rooms.get(room_id)
        if room is None or room.membership(user_id) != "join":
            raise Failed(f"{user_id} is not joined in the room")
        try:
            self.rooms.leave(user_id, room_id)
        except Refusal as refusal:
            self.logged("ERROR", refusal.text)
            raise
        return f"{user_id} has left {room_id}."

    # Addresses

    def users_add_email(self, _: Command | None, values: Values, body: list[str]) -> str:
        account = self.active(values["username"])
        email = canonical(values["address"])
        if account.user_id == self.bot_id:
            raise Failed("Not allowed to bind an email address to the server account.")
        if self.bound_emails.get(email, account.user_id) != account.user_id:
            raise Failed(f"Email {email} is already bound to another user.")
        at = now_ms()
        new = {"address": email, "medium": "email", "validated_at": at, "added_at": at}
        others = [one for one in account.threepids if one["address"] != email]
        account.threepids = [*others, new]
        self.bound_emails[email] = account.user_id
        return f"Bound email {email} to user {account.user_id}."

    def users_del_email(self, _: Command | None, values: Values, body: list[str]) -> str:
        user_id = self.named(values["username"])
        email = canonical(values["address"])
        account = self.accounts.get(user_id)
        if account is not None:
            account.threepids = [one for one in account.threepids if one["address"] != email]
        if self.bound_emails.get(email) == user_id:
            del self.bound_emails[email]
        return f"Removed email {email} from user {user_id}."

    # Registration tokens

    def token_issue(self, _: Command | None, values: Values, body: list[str]) -> str:
        uses = values["max_uses"]
        if uses is None and values["once"]:
            uses = 1
        ends, max_age = None, values["max_age"]
        if max_age is not None:
            match = re.fullmatch(r"(\d+)([smhdw])", max_age)
            if match is None:
                raise Failed(f"could not parse {max_age} as a duration")
            ends = now_ms() + int(match[1]) * SECONDS[match[2]] * 1000
        token = Token(uses, ends)
        text = self.tokens.make(None, None, token)
        return f"New registration token issued: `{text}` - {told(token)}"

    def token_revoke(self, _: Command | None, values: Values, body: list[str]) -> str:
        self.revoke_token(values["token"])
        return "Token revoked successfully."

    def token_list(self, _: Command | None, values: Values, body: list[str]) -> str:
        self.tokens.purge()
        lines = [f"- `{text}` --- Token defined in config file" for text in self.configured_tokens]
        lines += [f"- `{text}` --- {told(one)}" for text, one in self.tokens.stored.items()]
        listed = "".join(f"{line}\n" for line in lines)
        return f"Found {len(lines)} registration tokens:\n{listed}"

    # Of the bot

    def say(self, text: str) -> None:
        self.bot.post({"msgtype": "m.text", "body": text})

    def logged(self, level: str, text: str) -> None:
        """A row before the answer to the command that is being obeyed."""
        raise NotImplementedError


def chosen(values: Values) -> str:
    """The password that was given, or one of the server's making."""
    password = values["password"]
    return random_text(PASSWORD_LENGTH) if password is None else password


def told(token: Token) -> str:
    ends = []
    if token.uses_allowed is not None:
        ends.append(f"after {token.uses_allowed} uses")
    if token.expiry_time is not None:
        moment = time.gmtime(token.expiry_time / 1000)
        ends.append(f"at {time.strftime('%Y-%m-%d %H:%M:%S', moment)}")
    until = f"Expires {' or '.join(ends)}." if ends else "Never expires."
    return f"Token used {token.completed} times. {until}"
