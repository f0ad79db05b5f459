# SPDX-License-Identifier: GPL-3.0-or-later
"""The same life of an account on every server: what one server does, all do, or say
that they cannot, before anything is changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.servers.proof import a_password
from tests.servers.worlds import (
    OfConduit,
    OfDendrite,
    OfFamily,
    OfMas,
    OfSynapse,
    OfTuwunel,
    Seen,
    World,
)
from tests.support.module import Reply, run_module

WORLDS = {
    "synapse": (OfSynapse, "synapse"),
    "synapse-floor": (OfSynapse, "synapse_floor"),
    "dendrite": (OfDendrite, "dendrite_postgres"),
    "mas": (OfMas, "mas"),
    "tuwunel": (OfTuwunel, "tuwunel"),
    "continuwuity": (OfFamily, "continuwuity"),
    "conduit": (OfConduit, "conduit"),
}
NOBODY_SPECIAL = Seen(admin=False, deactivated=False, locked=False)


@pytest.fixture(scope="module", params=WORLDS)
def world(request: pytest.FixtureRequest) -> World:
    kind, fixture = WORLDS[request.param]
    return kind(request.getfixturevalue(fixture))


@pytest.fixture
def account(world: World, unique: Callable[[str], str]) -> tuple[str, str]:
    """One that the module has made, and its password."""
    name, password = unique("life"), a_password()
    does(world, ["create"], username=name, password=password)
    return name, password


def run(world: World, check: bool = False, **options: Any) -> Reply:
    reply = run_module(world.task | options, check=check, diff=True)
    assert not reply.failed, reply.json
    return reply


def does(world: World, actions: list[str], **options: Any) -> None:
    """Foretold, done, and done once."""
    name = options["username"]
    before = world.seen(name)
    foretold = run(world, check=True, **options)
    assert foretold.json["actions"] == actions and foretold.changed
    assert world.seen(name) == before
    done = run(world, **options)
    assert done.json["actions"] == actions and done.changed
    is_done(world, **options)


def is_done(world: World, **options: Any) -> None:
    name = options["username"].lstrip("@").partition(":")[0]
    before = world.seen(name)
    for check in (True, False):
        again = run(world, check=check, **options)
        assert again.json["actions"] == [] and not again.changed, again.json
        assert again.json["diff"] == []
    assert world.seen(name) == before


def refused(world: World, **options: Any) -> Reply:
    name = options["username"].lstrip("@").partition(":")[0]
    before = world.seen(name)
    for check in (True, False):
        reply = run_module(world.task | options, check=check)
        assert reply.failed and not reply.changed, reply.json
    assert world.seen(name) == before
    return reply


def test_it_is_created_once_and_opens_with_its_password(world, unique):
    name, password = unique("alice"), a_password()
    does(world, ["create"], username=name, password=password)
    assert world.seen(name) == NOBODY_SPECIAL
    assert world.opens(name, password) and not world.opens(name, password + "x")


def test_it_is_created_as_an_administrator(world, unique):
    name = unique("root")
    does(world, ["create"], username=name, password=a_password(), admin=True)
    assert world.seen(name) == NOBODY_SPECIAL._replace(admin=True)


def test_it_is_made_an_administrator_and_none_again(world, account):
    name, password = account
    promotion: dict[str, Any] = {"username": name, "admin": True, "if_absent": "fail"}
    if not world.promotes_by_itself:
        reply = refused(world, **promotion)
        assert reply.kind == "unauthorized" and "own password" in reply.msg
        promotion["password"] = password
    does(world, ["set admin"], **promotion)
    assert world.seen(name).admin
    does(world, ["unset admin"], username=name, admin=False, if_absent="fail")
    assert world.seen(name) == NOBODY_SPECIAL
    assert world.opens(name, password)


def test_its_password_is_kept_on_create_and_made_so_always(world, account):
    name, password = account
    another = a_password()
    is_done(world, username=name, password=another)
    assert world.opens(name, password)
    is_done(world, username=name, password=password, update_password="always")
    does(world, ["set password"], username=name, password=another, update_password="always")
    assert world.opens(name, another) and not world.opens(name, password)


def test_registering_a_name_that_is_taken_is_a_conflict(world, account):
    name, password = account
    is_done(world, username=name, password=password, if_exists="match")
    reply = refused(world, username=name, password=a_password(), if_exists="match")
    assert reply.kind == "conflict"
    assert refused(world, username=name, if_exists="fail").kind == "conflict"


def test_a_name_that_nobody_has_is_not_promoted(world, unique):
    name = unique("nobody")
    assert refused(world, username=name, admin=True, if_absent="fail").kind == "not_found"
    assert world.seen(name) is None


def test_it_is_locked_and_unlocked(world, account):
    name, password = account
    if "locked" in world.lacks:
        reply = refused(world, username=name, locked=True)
        assert reply.kind == "unsupported" and "locked" in reply.msg and "synapse" in reply.msg
        return
    does(world, ["lock"], username=name, locked=True)
    assert world.seen(name).locked and not world.seen(name).deactivated
    does(world, ["unlock"], username=name, locked=False)
    assert world.seen(name) == NOBODY_SPECIAL
    assert world.opens(name, password)


def test_it_is_deactivated_and_reactivated(world, account):
    name, password = account
    does(world, ["deactivate"], username=name, state="deactivated")
    assert world.seen(name).deactivated and not world.opens(name, password)
    assert refused(world, username=name, password=password).kind == "conflict"
    if isinstance(world, OfMas):
        world.mas.jobs.settle()
    again = a_password()
    reply = run(world, username=name, password=again, reactivate=True)
    assert reply.changed and "reactivate" in reply.json["actions"]
    assert not world.seen(name).deactivated and world.opens(name, again)
    is_done(world, username=name, password=again, reactivate=True)


def test_nobody_is_deactivated_who_is_not_there(world, unique):
    name = unique("gone")
    is_done(world, username=name, state="deactivated")
    assert world.seen(name) is None


@pytest.mark.parametrize(
    "name",
    ["two words", "semi;colon", "quo'te", 'double"quote', "per%cent", "ümlaut", "new\nline", "",
     "$(id)", "a`b", "tab\tbed", "@", "a" * 300],
)
def test_hostile_names_are_refused(world, name):
    assert refused(world, username=name, password=a_password()).kind == "invalid"


@pytest.mark.parametrize("stem", ["plus+", "slash/", "dots..", "equals=", "-minus"])
def test_names_with_every_allowed_sign_are_made(world, unique, stem):
    name = unique(stem)
    does(world, ["create"], username=name, password=a_password())
    assert world.seen(name) == NOBODY_SPECIAL


def test_a_full_user_id_is_the_same_account(world, account):
    name, password = account
    is_done(world, username=f"@{name}:example.test", password=password)
    reply = refused(world, username=f"@{name}:elsewhere.test", password=password)
    assert reply.kind == "invalid"


def test_a_list_is_one_task_and_a_second_one_has_nothing_to_do(world, unique):
    users = [{"username": unique("list"), "password": a_password()} for _ in range(4)]
    users[2]["admin"] = True
    first = run(world, users=users)
    assert first.json["summary"] == {"created": 4, "changed": 0, "unchanged": 0, "failed": 0}
    assert [world.seen(user["username"]).admin for user in users] == [False, False, True, False]
    second = run(world, users=users)
    assert not second.changed
    assert second.json["summary"] == {"created": 0, "changed": 0, "unchanged": 4, "failed": 0}
