# SPDX-License-Identifier: GPL-3.0-or-later
"""A run at MAS that is cut off, or killed, between any two of its requests, and then run
again: it comes to what was wanted, and leaves nothing behind."""

import os
import signal

import pytest

from tests.servers.mas_proof import facts, setting, task
from tests.servers.proof import a_password, agrees
from tests.support.mas_wire import Dropped
from tests.support.module import run_module, start_module

MOST = 40
# What only reads may be lost before or after: it is the same.
READS = ("GET ",)
# The homeserver's own way to MAS stays open.
THEIRS = "POST /oauth2/introspect"
# What a killed run had, and nobody could end.
SESSIONS = {"oauth2_sessions": "finished_at", "personal_sessions": "revoked_at"}


@pytest.fixture(autouse=True)
def alone(mas):
    mas.forget()
    with setting(mas.jobs, delay=0):
        yield
    mas.jobs.settle()
    assert mas.complaints == [] and mas.invalid_requests == []


@pytest.fixture
def kept(tmp_path):
    return {"session_file": str(tmp_path / "kept" / "sessions.json")}


def end_sessions(mas):
    """Those of a run that was killed end by themselves; here at once."""
    ended = 0
    for table, column in SESSIONS.items():
        for row in mas.store.find(table, **{column: None}):
            if row["human_name"] in (None, "registrar"):
                mas.store.update(table, row[table[:-1] + "_id"], **{column: mas.store.now()})
                ended += 1
    return ended


class Cutter:
    """From the Nth request on the line is dead; `delivered` says whether MAS got that
    one. killed: the module is then no more."""

    def __init__(self, number, delivered, killed):
        self.number, self.delivered, self.killed = number, delivered, killed
        self.seen = []
        self.running = None

    def before(self, request):
        if request.route == THEIRS:
            return
        self.seen.append(request.route)
        if len(self.seen) > self.number or (len(self.seen) == self.number and not self.delivered):
            self.cut()

    def after(self, request, _reply):
        if request.route != THEIRS and len(self.seen) == self.number and self.delivered:
            self.cut()

    def cut(self):
        if self.killed:
            os.kill(self.running.process.pid, signal.SIGKILL)
        raise Dropped

    @property
    def met(self):
        return len(self.seen) >= self.number


def run_cut(mas, arguments, number, delivered, killed):
    cutter = Cutter(number, delivered, killed)
    with setting(mas, before=cutter.before, after=cutter.after):
        cutter.running = start_module(arguments)
        if killed:
            cutter.running.process.wait(60)
        if killed and cutter.met:
            cutter.running.kill()
        else:
            reply = cutter.running.wait()
            assert not cutter.met or reply.failed or reply.json["warnings"], reply.json
    end_sessions(mas)
    return cutter


# (delivered, killed). What is cut and goes on has a way of its own to end in.
ALL_WAYS = ((False, False), (True, False), (True, True), (False, True))
TWO_WAYS = ((True, True), (False, False))


def cut_everywhere(mas, prepare, ways=TWO_WAYS, reads=False):
    """As cutting.py's, at the stand-in itself. To be cut at a request that reads is to be
    cut after the one before, but for what is then said: `reads` cuts there, too."""
    whole = prepare()
    mas.forget()
    assert not run_module(whole).failed
    routes = mas.routes
    numbers = [n for n, route in enumerate(routes, 1) if reads or not route.startswith(READS)]
    assert 3 <= len(numbers) < MOST
    for number in numbers:
        for delivered, killed in ways:
            arguments = prepare()
            cutter = run_cut(mas, arguments, number, delivered, killed)
            assert cutter.met and cutter.seen[:number] == routes[:number]
            # Never back again right after a deactivation.
            mas.jobs.settle()
            converges(mas, arguments)
            yield arguments
            if routes[number - 1].startswith(READS):
                break


def converges(mas, arguments):
    rerun = run_module(arguments)
    assert not rerun.failed, rerun.json
    third = run_module(arguments, diff=True)
    assert not third.failed and not third.changed, third.json
    assert third.json["actions"] == [] and third.json["diff"] == []
    # Their own they have ended.
    assert end_sessions(mas) == 0


def test_a_plain_creation(mas, unique, kept):
    def prepare():
        return task(mas, username=unique("alice"), password=a_password(), **kept)

    for arguments in cut_everywhere(mas, prepare, ALL_WAYS, reads=True):
        assert mas.has_password(arguments["username"], arguments["password"])


def test_a_creation_with_everything(mas, unique, kept):
    # Who sees what the homeserver has of an account that is locked.
    mas.create(unique("root"), admin=True)
    provider = mas.add_provider(issuer="https://id.cut.example/")

    def prepare():
        name = unique("alice")
        return task(
            mas,
            username=name,
            password=a_password(),
            admin=True,
            displayname="Alice",
            emails=[f"one.{name}@example.org", f"two.{name}@example.org"],
            external_ids=[{"provider": "https://id.cut.example/", "id": name}],
            suspended=True,
            locked=True,
            **kept,
        )

    for arguments in cut_everywhere(mas, prepare):
        name = arguments["username"]
        assert mas.has_password(name, arguments["password"])
        has = {key: arguments[key] for key in ("admin", "displayname", "emails", "suspended", "locked")}
        agrees(facts(mas, name), has | {"external_ids": [{"provider": provider, "id": name}]})


def test_a_creation_with_if_exists_match(mas, unique, kept):
    """Whoever was killed before the password was set can prove nothing by it."""
    mas.compat.limiter.burst = 10**6

    def prepare():
        return task(mas, username=unique("alice"), password=a_password(), if_exists="match", **kept)

    try:
        for arguments in cut_everywhere(mas, prepare):
            assert mas.has_password(arguments["username"], arguments["password"])
    finally:
        mas.compat.limiter.burst = 3


def test_a_change_of_everything(mas, unique, kept):
    mas.create(unique("root"), admin=True)
    provider = mas.add_provider(issuer="https://id.change.example/")

    def prepare():
        name = unique("alice")
        mas.create(name, "the old pass phrase", emails=[f"old.{name}@example.org"])
        return task(
            mas,
            username=name,
            admin=True,
            displayname="Alice II",
            emails=[f"new.{name}@example.org"],
            emails_mode="exact",
            external_ids=[{"provider": provider, "id": name}],
            shadow_banned=True,
            locked=True,
            **kept,
        )

    for arguments in cut_everywhere(mas, prepare):
        has = {key: arguments[key] for key in ("admin", "displayname", "emails", "shadow_banned")}
        agrees(facts(mas, arguments["username"]), has | {"locked": True})


def test_a_change_of_the_password_that_ends_sessions(mas, unique):
    mas.compat.limiter.burst = 10**6

    def prepare():
        name = unique("alice")
        mas.create(name, "the old pass phrase")
        mas.store.insert("user_sessions", user_id=mas.user(name)["user_id"])
        return task(
            mas,
            username=name,
            password=a_password(),
            update_password="always",
            logout_devices=True,
        )

    try:
        for arguments in cut_everywhere(mas, prepare):
            name = arguments["username"]
            assert mas.has_password(name, arguments["password"])
            key = mas.user(name)["user_id"]
            assert mas.store.find("user_sessions", user_id=key, finished_at=None) == []
    finally:
        mas.compat.limiter.burst = 3


def test_a_deactivation_and_the_way_back(mas, unique):
    def gone():
        name = unique("alice")
        mas.create(name, "the old pass phrase", emails=[f"{name}@example.org"])
        return task(mas, username=name, state="deactivated")

    def back():
        arguments = gone()
        assert not run_module(arguments).failed
        mas.jobs.settle()
        return task(mas, username=arguments["username"], reactivate=True, admin=True)

    for arguments in cut_everywhere(mas, gone):
        agrees(facts(mas, arguments["username"]), {"deactivated": True, "emails": []})
    for arguments in cut_everywhere(mas, back):
        agrees(facts(mas, arguments["username"]), {"deactivated": False, "admin": True})
