# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for Matrix Authentication Service, which comes from no registry: as
strict as MAS 1.22.0, with state, in front of a real Synapse that delegates to it.

    with Mas() as mas, mas.delegating(Synapse) as synapse:
        mas.create("alice", "a long password")
        ... mas.url, mas.client.id, mas.client.secret ...
        assert mas.count("POST /users") == 1 and not mas.complaints

Creations are real accounts of that Synapse, by its own endpoints for MAS; a token of
MAS's opens it, as it asks whose that is; a lock and a deactivation arrive there some
time after MAS has answered (mas.jobs). What each endpoint does is in mas_*.py.

It is more forgiving nowhere. It is not MAS where nothing of ours looks: no pages for
people, no GraphQL, no upstream logins; a password's strength is a simple rule
(mas_passwords.py); a server of before 1.0 speaks to Synapse as one of today does.
"""

from __future__ import annotations

import secrets
import signal
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from . import mas_routes
from .homeserver import Homeserver
from .mas_api import Refusal, refused
from .mas_client import HARNESS, Client, MasClient
from .mas_compat import Compat
from .mas_emails import Emails
from .mas_homeserver import Beside
from .mas_ids import new_ulid
from .mas_jobs import Jobs
from .mas_links import Links
from .mas_oauth import Oauth
from .mas_openapi import description
from .mas_other import Other
from .mas_passwords import Scheme
from .mas_personal import PersonalSessions, devices_of
from .mas_sessions import Sessions
from .mas_store import DatabaseError, Row, Store
from .mas_users import Users
from .mas_wire import Dropped, Listener, Reply, Request
from .namespaces import Namespace


class Admin(Users, Emails, Sessions, PersonalSessions, Links, Other):
    """All of the admin API."""


class Race(NamedTuple):
    answer: str
    committed_after: float


class Mas(MasClient):
    """Listens from construction on unless told not to. Used as a context manager."""

    def __init__(
        self,
        version: str = mas_routes.NEWEST,
        server_name: str = "example.test",
        adminapi: str | None = "web",
        prefix: str = "/",
        public_base: str | None = None,
        issuer: str | None = None,
        address: str = "127.0.0.1",
        namespace: Namespace | None = None,
        tls: ssl.SSLContext | None = None,
        store: Store | None = None,
        start: bool = True,
    ) -> None:
        """adminapi: the listener that has it ("web", or "internal" as the one for
        health), or None where it is not switched on. prefix as in MAS's configuration,
        with a slash at both ends. public_base: what it calls itself, where that is not
        where it listens; the issuer may be yet another. store: mas_postgres.py's, to
        have it in a database."""
        assert adminapi in ("web", "internal", None)
        self.version = version
        self.server_name = server_name
        self.adminapi = adminapi
        self.prefix = prefix
        self._public_base = public_base
        self._issuer = issuer
        # Settings of its configuration, which a test may change as it runs.
        self.secret = "Between_" + secrets.token_urlsafe(24)
        self.password_login_enabled = True
        self.password_registration_enabled = False
        self.minimum_complexity = 3
        self.token_seconds: float = 300
        self.schemes = [Scheme()]
        self.listed_admin_clients: list[str] = []
        # What came in, and what nobody may do.
        self.requests: list[Request] = []
        self.introspected: list[str] = []
        self.complaints: list[str] = []
        # What was wrong with requests by the API's description: a test that sends
        # nonsense on purpose does not look at it.
        self.invalid_requests: list[str] = []
        # Called for each request before it is answered: may return a reply to give
        # instead, or raise Dropped. And after it, with the reply, likewise.
        self.before: Callable[[Request], Reply | None] | None = None
        self.after: Callable[[Request, Reply], Reply | None] | None = None
        # Called with the name once the homeserver has a new user and MAS has not.
        self.before_commit: Callable[[str], None] | None = None
        self._secrets: set[str] = {self.secret}
        self._races: list[Race] = []

        self.store = store or Store()
        self.beside = Beside(self.secret)
        self.jobs = Jobs(self.complaints)
        # Whoever makes a device waits for who tells the homeserver which there are
        # (storage, acquire_lock_for_sync).
        self.sync = threading.Lock()
        self.admin = Admin(self)
        self.oauth = Oauth(self)
        self.compat = Compat(self)
        self.description = description() if version == mas_routes.NEWEST else None
        self.web = Listener("web", self._answer, address, namespace, tls)
        self.internal = Listener("internal", self._answer, address, namespace, None)
        self.client: Client = self.add_client()
        if start:
            self.start()

    # Coming and going

    def __enter__(self) -> Mas:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """On the same ports as before, with what it knew; limits count anew."""
        self.compat.limiter.reset()
        self.web.start()
        self.internal.start()
        self.jobs.start()

    def stop(self) -> None:
        self.web.stop()
        self.internal.stop()
        self.jobs.stop()

    def close(self) -> None:
        self.stop()
        self.store.close()

    def synapse_config(self) -> dict[str, Any]:
        """For the configuration of a Synapse that delegates to it."""
        delegation = {"enabled": True, "endpoint": self.url + "/", "secret": self.secret}
        return {"matrix_authentication_service": delegation}

    @contextmanager
    def delegating(self, kind: type[Homeserver], **how: Any) -> Iterator[Any]:
        """A homeserver that delegates to it, which is the one beside it. `kind` is
        Synapse, how are its arguments."""
        config = (how.pop("config", None) or {}) | self.synapse_config()
        with kind(server_name=self.server_name, config=config, **how) as server:  # type: ignore[call-arg]
            self.beside.server = server
            try:
                yield server
            finally:
                self.beside.server = None

    # Where it is

    @property
    def url(self) -> str:
        """Where it can be reached, prefix and all, without a slash at its end."""
        return self.web.origin + self.prefix.rstrip("/")

    @property
    def admin_url(self) -> str:
        """The same for the admin API."""
        origin = self.internal.origin if self.adminapi == "internal" else self.web.origin
        return origin + self.prefix.rstrip("/")

    @property
    def public_base(self) -> str:
        """With a slash at its end, as MAS has it."""
        return self._public_base or self.url + "/"

    @property
    def issuer(self) -> str:
        return self._issuer or self.public_base

    # What it can do

    def at_least(self, version: mas_routes.Version) -> bool:
        return mas_routes.parsed(self.version) >= version

    def has(self, feature: str) -> bool:
        return self.at_least(mas_routes.SINCE[feature])

    # Answering

    def _answer(self, request: Request) -> Reply:
        if not self._is_aside(request):
            self.requests.append(request)
        self._watch(request)
        prefix = self.prefix.rstrip("/")
        inside = request.path.startswith(prefix + "/")
        request.path = request.path.removeprefix(prefix)
        found = mas_routes.found(request.path, mas_routes.parsed(self.version)) if inside else None
        if found is not None:
            request.template, request.segments = found
        reply = self.before(request) if self.before is not None else None
        if reply is None:
            reply = self._said(request) if inside else Reply.no_page()
            if self.after is not None:
                reply = self.after(request, reply) or reply
        request.status = reply.status
        return reply

    def _said(self, request: Request) -> Reply:
        try:
            return self._asked(request)
        except Dropped:
            raise
        except Exception:
            # A mistake of the stand-in's: a test has to see it.
            self.complaints.append(traceback.format_exc())
            return Reply.text(500, "the stand-in for MAS failed")

    def _asked(self, request: Request) -> Reply:
        if request.listener == self.adminapi and request.template:
            return self._admin_asked(request)
        if request.listener == self.adminapi and request.path == "/api/spec.json":
            if request.method not in ("GET", "HEAD"):
                return Reply(405, None, {"allow": "GET,HEAD"})
            version = mas_routes.parsed(self.version)
            return Reply(200, mas_routes.description(version, self.public_base))
        if request.listener == "internal":
            if request.path == "/health" and request.method in ("GET", "HEAD"):
                return Reply.text(200, "ok")
            return Reply.no_page()
        return self.oauth.answer(request) or self.compat.answer(request) or Reply.no_page()

    def _admin_asked(self, request: Request) -> Reply:
        methods = mas_routes.methods_of(request.template, mas_routes.parsed(self.version))
        endpoint = methods.get("GET" if request.method == "HEAD" else request.method)
        if endpoint is None:
            return Reply(405, None, {"allow": mas_routes.allowed(methods)})
        try:
            self.admin.caller(request)
            reply = getattr(self.admin, "_" + endpoint.name)(request, *request.segments)
        except Refusal as refusal:
            reply = refusal.reply
        except DatabaseError as error:
            reply = refused(500, str(error)).reply
        if self.description is not None:
            wrong, ours = self.description.complaints(request, reply)
            self.invalid_requests += wrong
            self.complaints += ours
        return reply

    def _is_aside(self, request: Request) -> bool:
        """A test's own, or the homeserver's."""
        bearer = "Bearer " + self.secret
        return request.header(HARNESS) is not None or request.header("authorization") == bearer

    def _watch(self, request: Request) -> None:
        for secret in list(self._secrets):
            if request.has_in_target(secret):
                self.complaints.append(f"a secret is in the URL of {request.method} {request.path}")

    def remember_secret(self, secret: str) -> None:
        """It must be in no URL. One that is short may be so by chance."""
        if len(secret) >= 8:
            self._secrets.add(secret)

    # What a test makes of it

    def lose_race(self, answer: str, committed_after: float = 0) -> None:
        """The next creation finds that another was first: told that the user "exists",
        that its name is "reserved", or by the database ("rows"). The other's is there;
        or is so that many seconds later, as it is not yet committed."""
        self._races.append(Race(answer, committed_after))

    def lost_race(self, name: str) -> str | None:
        if not self._races:
            return None
        race = self._races.pop(0)
        self.beside.provision_user(name, locked=False)
        if race.committed_after:
            made = threading.Timer(race.committed_after, self.adopt, [name])
            made.daemon = True
            made.start()
        else:
            self.adopt(name)
        return race.answer

    def between_provision_and_commit(self, name: str) -> None:
        if self.before_commit is not None:
            self.before_commit(name)

    def add_client(
        self, secret: str | None = None, method: str = "client_secret_basic", admin: bool = True
    ) -> Client:
        """One of its configuration; `admin`: listed in policy.data.admin_clients."""
        secret = secrets.token_urlsafe(24) if secret is None else secret
        key = new_ulid(self.store.now() // 10**6)
        self.store.insert("oauth2_clients", oauth2_client_id=key, auth_method=method, secret=secret)
        self.remember_secret(secret)
        if admin:
            self.listed_admin_clients.append(key)
        return Client(key, secret, method)

    def admin_clients(self) -> list[str]:
        """Those of its configuration, or of the policy's data, which go before."""
        data = self.store.find("policy_data")
        stated = data[-1]["data"].get("admin_clients") if data else None
        return self.listed_admin_clients if stated is None else stated

    # Passwords

    def set_password(self, user_id: str, password: str) -> Row:
        """A new row, whatever there was."""
        self.remember_secret(password)
        scheme = self.schemes[0]
        return self.store.insert(
            "user_passwords",
            user_id=user_id,
            hashed_password=scheme.hashed(password),
            version=scheme.version,
        )

    def password_is(self, user_id: str, password: str) -> bool:
        """As a login asks; a hash of an older scheme is made anew by the way."""
        rows = self.store.find("user_passwords", user_id=user_id)
        newest = max(rows, key=lambda row: row["created_at"], default=None)
        schemes = {scheme.version: scheme for scheme in self.schemes}
        if newest is None or newest["version"] not in schemes:
            return False
        if not schemes[newest["version"]].matches(password, newest["hashed_password"]):
            return False
        if newest["version"] != self.schemes[0].version:
            row = self.set_password(user_id, password)
            key, before = row["user_password_id"], newest["user_password_id"]
            self.store.update("user_passwords", key, upgraded_from_id=before)
        return True

    # What the homeserver hears later

    def provision_later(self, user_id: str) -> None:
        self.jobs.add(lambda: self._provision(user_id))

    def sync_devices_later(self, user_id: str) -> None:
        self.jobs.add(lambda: self._sync_devices(user_id))

    def reactivate_later(self, user_id: str) -> None:
        """As an unlock did before 0.20."""

        def job() -> None:
            self.beside.reactivate_user(self._name(user_id))
            self.store.update("users", user_id, deactivated_at=None)

        self.jobs.add(job)

    def deactivate_later(self, user_id: str, erase: bool) -> None:
        """MAS's own part comes at once, the homeserver's with the job: in between, a
        reactivation ends with the user active here and deactivated there. A job that
        has to come again does both."""
        self._end_all(user_id)
        attempts: list[int] = []

        def job() -> None:
            if attempts:
                row = self.store.get("users", user_id)
                if row is not None and row["deactivated_at"] is None:
                    self.store.update("users", user_id, deactivated_at=self.store.now())
                self._end_all(user_id)
            attempts.append(1)
            self.beside.delete_user(self._name(user_id), erase)

        self.jobs.add(job)

    def _name(self, user_id: str) -> str:
        row = self.store.get("users", user_id)
        assert row is not None
        return row["username"]

    def _provision(self, user_id: str) -> None:
        row = self.store.get("users", user_id)
        assert row is not None
        emails = [one["email"] for one in self.store.find("user_emails", user_id=user_id)]
        locked = row["locked_at"] is not None
        self.beside.provision_user(row["username"], locked, set_emails=emails)
        self._sync_devices(user_id)

    def _sync_devices(self, user_id: str) -> None:
        with self.sync:
            self._sync_all_devices(user_id)

    def _sync_all_devices(self, user_id: str) -> None:
        devices = {
            row["device_id"]
            for row in self.store.find("compat_sessions", user_id=user_id, finished_at=None)
            if row["device_id"] is not None
        }
        personal = self.store.find("personal_sessions", actor_user_id=user_id, revoked_at=None)
        for row in personal:
            devices |= devices_of(row["scope"])
        self.beside.sync_devices(self._name(user_id), sorted(devices))

    def _end_all(self, user_id: str) -> None:
        """Sessions of all kinds, and addresses."""
        store, now = self.store, self.store.now()
        for table in ("user_sessions", "oauth2_sessions", "compat_sessions"):
            for row in store.find(table, user_id=user_id, finished_at=None):
                store.update(table, row[table[:-1] + "_id"], finished_at=now)
        for column in ("actor_user_id", "owner_user_id"):
            for row in store.find("personal_sessions", revoked_at=None, **{column: user_id}):
                store.update("personal_sessions", row["personal_session_id"], revoked_at=now)
        for row in store.find("user_emails", user_id=user_id):
            store.delete("user_emails", row["user_email_id"])


__all__ = ["Client", "Mas"]


if __name__ == "__main__":
    # python3 -m tests.support.mas: one to try things on, with a Synapse behind it.
    from .synapse import Synapse

    with Mas() as mas, mas.delegating(Synapse) as server:
        print(f"mas: {mas.url}\nclient: {mas.client.id}\nsecret: {mas.client.secret}")
        print(f"homeserver: {server.url}")
        try:
            signal.pause()
        except KeyboardInterrupt:
            pass
