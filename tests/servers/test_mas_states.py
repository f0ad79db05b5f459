# SPDX-License-Identifier: GPL-3.0-or-later
"""What MAS has an account be: an administrator, locked, deactivated, back again; and
what of it arrives at the homeserver."""

import pytest

from tests.servers.mas_proof import (
    at_homeserver,
    changes,
    facts,
    fails,
    has_nothing_to_do,
    is_refused,
    setting,
    state,
    succeeds,
    task,
    version,
)
from tests.servers.proof import NEW, a_password, agrees
from tests.support.module import run_module

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture
def alice(mas, unique):
    name = unique("alice")
    mas.create(name, "the old pass phrase", emails=[f"{name}@example.org"], displayname="Alice")
    return name


def gone(mas, name, **more):
    return task(mas, username=name, state="deactivated", **more)


# Administrators


def test_admin_goes_on_and_off_and_says_the_first_time_what_it_means(mas, alice):
    on = task(mas, username=alice, admin=True)
    done = changes(mas, on, ["set admin"], {"admin": False}, {"admin": True})
    (warning,) = done.json["warnings"]
    assert "MAS's own" in warning and "docs/mas.md" in warning
    assert "warnings" not in has_nothing_to_do(mas, on).json
    # Synapse's own flag has no effect behind MAS.
    assert at_homeserver(mas, alice)["admin"] is False
    off = on | {"admin": False}
    done = changes(mas, off, ["unset admin"], {"admin": True}, {"admin": False})
    assert "warnings" not in done.json


def test_an_omitted_admin_is_left_alone(mas, unique):
    name = unique("alice")
    mas.create(name, admin=True)
    has_nothing_to_do(mas, task(mas, username=name))


# Locks


def test_a_lock_goes_on_and_off_and_the_homeserver_hears_of_it(mas, alice):
    on = task(mas, username=alice, locked=True)
    changes(mas, on, ["lock"], {"locked": False}, {"locked": True})
    assert at_homeserver(mas, alice)["locked"]
    assert mas.login(alice, "the old pass phrase").status == 401
    off = on | {"locked": False}
    changes(mas, off, ["unlock"], {"locked": True}, {"locked": False})
    assert not at_homeserver(mas, alice)["locked"]


def test_a_lock_comes_last_and_an_unlock_first(mas, alice):
    def order():
        return [
            route.rpartition("/")[2]
            for route in mas.routes
            if route.startswith("POST /users/{id}")
        ]

    arguments = task(mas, username=alice, password=a_password(), update_password="always")
    arguments |= {"password_probe": False}
    succeeds(run_module(arguments | {"locked": True, "admin": True}), "set admin", "lock", "set password")
    assert order() == ["set-password", "set-admin", "lock"]
    mas.forget()
    arguments |= {"locked": False, "admin": False}
    assert not run_module(arguments).failed
    assert order() == ["unlock", "set-password", "set-admin"]


# Deactivation


def test_deactivating_keeps_the_data_and_takes_the_addresses(mas, alice):
    before = {"deactivated": False}
    done = changes(mas, gone(mas, alice), ["deactivate"], before, {"deactivated": True})
    agrees(facts(mas, alice), {"displayname": "Alice", "emails": []})
    assert at_homeserver(mas, alice)["deactivated"]
    server = mas.beside.server
    assert server.query("SELECT * FROM erased_users WHERE user_id = ?", (server.user_id(alice),)) == []
    (body,) = [r.json for r in mas.requests if r.route == "POST /users/{id}/deactivate"]
    assert body == {"skip_erase": True}
    assert not done.json["user"].get("erased")


def test_erasing_takes_the_profile_as_well(mas, alice):
    succeeds(run_module(gone(mas, alice, erase=True)), "deactivate", "erase")
    mas.jobs.settle()
    server = mas.beside.server
    assert server.query("SELECT count(*) FROM erased_users WHERE user_id = ?", (server.user_id(alice),)) == [(1,)]
    assert facts(mas, alice)["displayname"] is None


def test_whether_it_is_erased_already_the_homeserver_says(mas, alice, unique):
    mas.create(unique("admin"), admin=True)
    succeeds(run_module(gone(mas, alice)), "deactivate")
    mas.jobs.settle()
    erased = gone(mas, alice, erase=True)
    changes(mas, erased, ["erase"], {"erased": False}, {"erased": True})
    assert facts(mas, alice)["displayname"] is None


def test_where_nobody_says_it_the_erasure_is_repeated_with_a_warning(mas, alice):
    for actions in (["deactivate", "erase"], ["erase"]):
        reply = run_module(mas.task(username=alice, state="deactivated", erase=True))
        succeeds(reply, *actions)
        mas.jobs.settle()
    (warning,) = reply.json["warnings"]
    assert "erase" in warning and "url" in warning


def test_deactivating_ends_the_sessions(mas, alice):
    token = mas.login(alice, "the old pass phrase").json["access_token"]
    succeeds(run_module(gone(mas, alice)), "deactivate")
    mas.jobs.settle()
    assert mas.beside.server.whoami(token) is None


def test_back_again_the_data_is_as_it_was_and_the_password_is_the_one_stated(mas, alice):
    succeeds(run_module(gone(mas, alice)), "deactivate")
    mas.jobs.settle()
    password = a_password()
    arguments = task(mas, username=alice, reactivate=True, password=password)
    changes(
        mas,
        arguments,
        ["reactivate", "set password"],
        {"deactivated": True},
        {"deactivated": False, "password": NEW},
    )
    assert not at_homeserver(mas, alice)["deactivated"]
    assert mas.has_password(alice, password)
    assert facts(mas, alice)["displayname"] == "Alice"


def test_back_without_a_password_the_old_one_is_good_again(mas, alice):
    succeeds(run_module(gone(mas, alice)), "deactivate")
    mas.jobs.settle()
    emails = [f"{alice}@example.org"]
    succeeds(run_module(task(mas, username=alice, reactivate=True, emails=emails)), "reactivate", "set emails")
    assert mas.has_password(alice, "the old pass phrase") and mas.emails(alice) == emails


def test_coming_back_does_not_unlock(mas, alice):
    succeeds(run_module(task(mas, username=alice, locked=True)), "lock")
    succeeds(run_module(gone(mas, alice)), "deactivate")
    mas.jobs.settle()
    succeeds(run_module(task(mas, username=alice, reactivate=True)), "reactivate")
    assert facts(mas, alice)["locked"]
    succeeds(run_module(task(mas, username=alice, locked=False)), "unlock")


def test_reactivating_an_active_account_is_nothing_to_do(mas, alice):
    has_nothing_to_do(mas, task(mas, username=alice, reactivate=True))


# While the homeserver is away


@pytest.fixture
def away(mas):
    """The homeserver behind MAS does not answer MAS."""
    server, mas.beside.server = mas.beside.server, None
    yield server
    mas.beside.server = server


def test_an_account_is_not_made_while_the_homeserver_is_away(mas, unique, away):
    arguments = mas.task(url=away.url, username=unique("alice"), password=a_password())
    reply = fails(run_module(arguments), "not_ready", "homeserver behind it", "matrix.endpoint")
    assert not reply.changed and mas.store.user_named(arguments["username"]) is None


def test_reactivating_waits_for_the_homeserver(mas, alice):
    succeeds(run_module(gone(mas, alice)), "deactivate")
    mas.jobs.settle()
    arguments = task(mas, username=alice, reactivate=True)
    with setting(mas.beside, server=None):
        reply = fails(run_module(arguments), "not_ready", "homeserver behind it")
        assert not reply.changed
    # wait_timeout: a homeserver that is just starting is waited for.
    server = mas.beside.server
    looks = []

    def starting(request):
        if request.route == "POST /users/{id}/reactivate":
            looks.append(request)
            mas.beside.server = server if len(looks) > 1 else None

    with setting(mas, before=starting):
        succeeds(run_module(arguments | {"wait_timeout": 20}), "reactivate")
    assert len(looks) == 2


def test_a_lock_is_taken_while_the_homeserver_is_away(mas, alice):
    server = mas.beside.server
    with setting(mas.jobs, first_wait=0.1), setting(mas.beside, server=None):
        succeeds(run_module(mas.task(url=server.url, username=alice, locked=True)), "lock")
    mas.jobs.settle()
    assert at_homeserver(mas, alice)["locked"]


# Older ones


def test_one_that_cannot_keep_the_data_is_told_before_it_erases(mas, alice):
    with version(mas, "0.17.0"):
        is_refused(mas, gone(mas, alice), "unsupported", "0.20.0", "erase: true")
        succeeds(run_module(gone(mas, alice, erase=True)), "deactivate", "erase")
    mas.jobs.settle()
    assert facts(mas, alice)["displayname"] is None


def test_one_that_reactivates_by_unlocking_is_not_told_to_unlock(mas, alice):
    succeeds(run_module(task(mas, username=alice, locked=True)), "lock")
    succeeds(run_module(gone(mas, alice)), "deactivate")
    mas.jobs.settle()
    before = state(mas)
    with version(mas, "0.17.0"):
        arguments = task(mas, username=alice, reactivate=True)
        reply = fails(run_module(arguments), "unsupported", "0.20.0")
        assert not reply.changed
    assert state(mas) == before
