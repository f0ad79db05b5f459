# SPDX-License-Identifier: GPL-3.0-or-later
"""Older releases of MAS: what each can is done, and of what it lacks is said with which
release it came. The stand-in lacks it as they do (tests/support/mas_routes.py)."""

import pytest

from tests.servers.mas_proof import (
    facts,
    fails,
    is_refused,
    succeeds,
    task,
    version,
)
from tests.servers.proof import a_password, agrees
from tests.support.module import run_module

pytestmark = pytest.mark.usefixtures("nothing_left")

RELEASES = ["0.10.0", "0.17.0", "1.0.0", "1.4.0", "1.17.0", "1.22.0"]


def at_least(number, other):
    def parts(text):
        return [int(part) for part in text.split(".")]

    return parts(number) >= parts(other)


@pytest.fixture(params=RELEASES)
def release(request, mas):
    with version(mas, request.param):
        yield request.param


@pytest.fixture
def alice(mas, unique):
    name = unique("alice")
    mas.create(name, "the old pass phrase")
    return name


def test_an_account_is_made_with_password_and_admin_and_the_second_run_changes_nothing(
    mas, unique, release
):
    # Before site-config MAS says no name of the homeserver's; before that it is asked.
    arguments = task(mas, username=unique("alice"), password=a_password(), admin=True, locked=False)
    for stated in ({}, {"server_name": "example.test"}):
        made = arguments | stated | {"username": unique("alice")}
        reply = succeeds(run_module(made, check=True), "create")
        reply = succeeds(run_module(made), "create")
        assert mas.has_password(made["username"], made["password"])
        again = succeeds(run_module(made))
        for told in (reply, again):
            assert told.json["server"].get("version") == (release if at_least(release, "1.4.0") else None)
        assert again.json["user"]["admin"] is True


def test_admin_lock_and_password_of_an_existing_account(mas, alice, release):
    arguments = task(mas, username=alice, admin=True, password=a_password(), update_password="always")
    assert not run_module(arguments).failed
    mas.jobs.settle()
    assert not run_module(arguments).changed
    agrees(facts(mas, alice), {"admin": True})
    for locked in (True, False):
        changed = task(mas, username=alice, locked=locked)
        succeeds(run_module(changed), "lock" if locked else "unlock")
        succeeds(run_module(changed))
    assert mas.has_password(alice, arguments["password"])


def test_an_erasing_deactivation_came_with_the_sight_of_it_in_0_17(mas, alice, release):
    arguments = task(mas, username=alice, state="deactivated", erase=True)
    if not at_least(release, "0.17.0"):
        is_refused(mas, arguments, "unsupported", "0.17.0")
        return
    succeeds(run_module(arguments), "deactivate", "erase")
    mas.jobs.settle()
    row = mas.user(alice)
    assert row["deactivated_at"] is not None


def test_keeping_the_data_came_with_0_20(mas, alice, release):
    arguments = task(mas, username=alice, state="deactivated")
    if at_least(release, "0.20.0"):
        succeeds(run_module(arguments), "deactivate")
        mas.jobs.settle()
        back = task(mas, username=alice, reactivate=True)
        succeeds(run_module(back), "reactivate")
    else:
        is_refused(mas, arguments, "unsupported", "0.20.0" if release != "0.10.0" else "0.17.0")


def test_addresses_came_with_0_15(mas, alice, unique, release):
    for name in (alice, unique("bob")):
        arguments = task(mas, username=name, emails=[f"{name}@example.org"], password=a_password())
        if at_least(release, "0.15.0"):
            assert not run_module(arguments).failed
            succeeds(run_module(arguments))
        else:
            reply = is_refused(mas, arguments, "unsupported", "0.1")
            assert not reply.changed
            assert name == alice or mas.store.user_named(name) is None


def test_links_came_with_0_15_and_names_of_their_providers_with_1_3(mas, alice, unique, release):
    name = f"Versions {alice}"
    provider = mas.add_provider(human_name=name)
    by_name = task(mas, username=alice, external_ids=[{"provider": name, "id": alice}])
    by_id = task(mas, username=alice, external_ids=[{"provider": provider, "id": alice}])
    if at_least(release, "1.3.0"):
        succeeds(run_module(by_name), "set external_ids")
    else:
        is_refused(mas, by_name, "unsupported", "1.3.0")
    if at_least(release, "0.15.0"):
        assert not run_module(by_id).failed
        succeeds(run_module(by_id))
        assert mas.links(alice) == [(provider, alice)]
    else:
        is_refused(mas, by_id, "unsupported", "0.1")


def test_ending_sessions_came_with_1_4_and_is_refused_before_the_password_is_set(
    mas, alice, release
):
    session = mas.store.insert("user_sessions", user_id=mas.user(alice)["user_id"])
    key = session["user_session_id"]
    arguments = task(mas, username=alice, password=a_password(), update_password="always")
    reply = run_module(arguments | {"logout_devices": True})
    ended = mas.store.get("user_sessions", key)["finished_at"] is not None
    if at_least(release, "1.4.0"):
        succeeds(reply, "set password")
        assert ended
    else:
        fails(reply, "unsupported", "1.4.0" if at_least(release, "0.14.0") else "0.1")
        assert not reply.changed and mas.has_password(alice, "the old pass phrase")
        mas.store.update("user_sessions", key, finished_at=1)


@pytest.mark.parametrize("stated", [{"displayname": "X"}, {"avatar_url": "mxc://a.test/b"}])
def test_a_profile_goes_along_since_1_18_and_through_the_homeserver_since_1_5(
    mas, unique, release, stated
):
    arguments = task(mas, username=unique("alice"), password=a_password(), **stated)
    if not at_least(release, "1.5.0"):
        is_refused(mas, arguments, "unsupported", "1.5")
        assert mas.store.user_named(arguments["username"]) is None
        return
    succeeds(run_module(arguments), "create")
    agrees(facts(mas, arguments["username"]), stated)
    assert mas.count("POST /personal-sessions") == (0 if at_least(release, "1.18.0") else 1)
    succeeds(run_module(arguments))


def test_what_is_the_homeserver_s_takes_1_5(mas, alice, release):
    arguments = task(mas, username=alice, suspended=True)
    if at_least(release, "1.5.0"):
        succeeds(run_module(arguments), "suspend")
    else:
        is_refused(mas, arguments, "unsupported", "1.5")


def test_weak_passwords_where_nobody_says_how_strong_they_have_to_be(mas, unique, release):
    arguments = task(mas, username=unique("alice"), password="Xk4$vQ!w")
    reply = fails(run_module(arguments), "policy", "too weak")
    made = mas.store.user_named(arguments["username"]) is not None
    assert reply.changed == made == (not at_least(release, "1.3.0"))
    if made:
        assert "no password yet" in reply.msg
        better = arguments | {"password": a_password(), "update_password": "always"}
        succeeds(run_module(better), "set password")
