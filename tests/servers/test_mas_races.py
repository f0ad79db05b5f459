# SPDX-License-Identifier: GPL-3.0-or-later
"""Two who make the same user of MAS's at once: one makes it, nobody fails."""

import time

import pytest

from tests.servers.mas_proof import fails, has_nothing_to_do, setting, succeeds, task
from tests.servers.proof import a_password
from tests.support.mas_wire import Dropped, Reply
from tests.support.module import run_module, start_module

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture(params=[False, True], ids=["bare", "session_file"])
def kept(request, tmp_path):
    return {"session_file": str(tmp_path / "kept" / "sessions.json")} if request.param else {}


@pytest.mark.parametrize("committed_after", [0, 0.12], ids=["at once", "a moment later"])
@pytest.mark.parametrize("answer", ["exists", "reserved", "rows"])
def test_whoever_comes_second_takes_what_is_there(mas, unique, answer, committed_after):
    if answer == "exists" and committed_after:
        pytest.skip("whoever is told that it exists finds it committed")
    mas.lose_race(answer, committed_after)
    arguments = task(mas, username=unique("alice"), password=a_password(), admin=True)
    reply = succeeds(run_module(arguments), "set admin")
    # It is the other's, and keeps the password that the other gives it.
    assert reply.json["user"]["password_set"] is False
    assert not mas.has_password(arguments["username"])
    has_nothing_to_do(mas, arguments)


@pytest.mark.parametrize("answer", ["exists", "reserved", "rows"])
def test_fail_and_match_do_not_take_it(mas, unique, answer):
    for policy in ("fail", "match"):
        mas.lose_race(answer)
        arguments = task(mas, username=unique("alice"), password=a_password(), if_exists=policy)
        reply = fails(run_module(arguments), "conflict", f"if_exists: {policy}")
        assert not reply.changed and not mas.has_password(arguments["username"])


def test_a_generated_password_is_not_told_of_somebody_else_s_user(mas, unique):
    mas.lose_race("exists")
    reply = succeeds(run_module(task(mas, username=unique("alice"), generate_password=True)))
    assert "generated_password" not in reply.json["user"]


def test_what_is_reserved_and_never_comes_is_refused_after_a_moment(mas, unique):
    name = unique("orphan")
    mas.beside.provision_user(name, locked=False)
    reply = fails(run_module(task(mas, username=name)), "conflict", "reserved")
    assert reply.seconds < 5


def test_two_runs_at_once_on_one_list_make_each_user_once(mas, unique, kept):
    users = [{"username": unique("alice"), "password": a_password()} for _ in range(8)]
    arguments = task(mas, users=users, **kept)
    runs = [start_module(arguments) for _ in range(2)]
    replies = [run.wait() for run in runs]
    for reply in replies:
        assert not reply.failed, reply.json
    assert sum(reply.json["summary"]["created"] for reply in replies) == 8
    for user in users:
        assert mas.has_password(user["username"], user["password"])
    names = mas.user_names()
    assert len(names) == len(set(names))
    assert not run_module(arguments).changed


# Replies that are lost


def once(route, what):
    """A hook: the first such request."""
    left = [1]

    def hook(request, *reply):
        if request.route == route and left:
            left.pop()
            return what(request, *reply)

    return hook


def dropped(*_):
    raise Dropped


BROKEN = Reply(500, {"errors": [{"title": "A worker died"}]})


def silent(*_):
    """Longer than the module waits."""
    time.sleep(1.5)
    raise Dropped


@pytest.mark.parametrize("loss", [dropped, silent, lambda *_: BROKEN], ids=["cut", "silent", "500"])
@pytest.mark.parametrize("if_exists", ["update", "match", "fail"])
def test_a_creation_whose_reply_is_lost_is_found_and_gets_its_password(
    mas, unique, kept, loss, if_exists
):
    arguments = task(
        mas,
        username=unique("alice"),
        password=a_password(),
        if_exists=if_exists,
        admin=True,
        displayname="Alice",
        timeout=1,
        **kept,
    )
    with setting(mas, after=once("POST /users", loss)):
        reply = succeeds(run_module(arguments), "create")
    assert reply.json["user"]["password_set"] is True
    name, password = arguments["username"], arguments["password"]
    assert mas.has_password(name, password) and mas.user(name)["can_request_admin"]
    assert mas.count("POST /_matrix/client/v3/login") == 0
    if if_exists == "update":
        has_nothing_to_do(mas, arguments)


def test_what_another_made_meanwhile_and_uses_is_not_ours(mas, unique, kept):
    """Our request did not arrive, and the second one met the other's."""
    name, theirs = unique("alice"), a_password()

    def other_was_first(_request):
        mas.create(name, theirs)
        mas.store.insert("user_sessions", user_id=mas.user(name)["user_id"], finished_at=1)
        raise Dropped

    arguments = task(mas, username=name, password=a_password(), admin=True, **kept)
    with setting(mas, before=once("POST /users", other_was_first)):
        reply = succeeds(run_module(arguments), "set admin")
    assert reply.json["user"]["password_set"] is False
    assert mas.has_password(name, theirs)


def test_a_creation_that_never_arrived_is_made_by_the_rerun(mas, unique):
    arguments = task(mas, username=unique("alice"), password=a_password())
    with setting(mas, before=lambda request: dropped() if request.route == "POST /users" else None):
        reply = run_module(arguments)
    assert reply.failed and not reply.changed, reply.json
    succeeds(run_module(arguments), "create")
