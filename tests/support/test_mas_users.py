# SPDX-License-Identifier: GPL-3.0-or-later
"""Users of the stand-in for MAS, in front of a real Synapse: what MAS 1.22.0 was seen
to answer, and what came of it at the homeserver."""

from __future__ import annotations

import threading
import time
from urllib.parse import quote

import pytest

from tests.support.mas import Mas
from tests.support.mas_passwords import Scheme, score
from tests.support.mas_wire import Dropped
from tests.support.synapse import Synapse

SOME_ULID = "01M84H4K0XFDGJFSFZ0ASDT0ZZ"


@pytest.fixture
def server(mas) -> Synapse:
    return mas.beside.server


def at_synapse(mas: Mas, name: str) -> tuple:
    """(deactivated, locked, erased) of it there."""
    user_id = mas.beside.server.user_id(name)
    rows = mas.beside.server.query(
        "SELECT deactivated, coalesce(locked, FALSE),"
        " EXISTS (SELECT 1 FROM erased_users WHERE user_id = name) FROM users WHERE name = ?",
        (user_id,),
    )
    assert rows, f"Synapse has no {user_id}"
    return tuple(bool(value) for value in rows[0])


# Making


def test_a_user_is_there_and_at_the_homeserver_when_it_is_answered(mas, server, unique):
    name = unique("mas")
    answer = mas.api("POST", "/users", {"username": name, "password": "ignored", "admin": True})
    data = answer.json["data"]
    assert answer.status == 201
    created = data["attributes"].pop("created_at")
    assert data == {
        "type": "user",
        "id": data["id"],
        "attributes": {
            "username": name,
            "locked_at": None,
            "deactivated_at": None,
            "admin": False,
            "legacy_guest": False,
        },
        "links": {"self": f"/api/admin/v1/users/{data['id']}"},
    }
    assert not mas.has_password(name)
    assert server.user_id(name) in server.user_names()
    # Nanoseconds in the reply of what wrote it, microseconds ever after.
    again = mas.api("GET", f"/users/{data['id']}").json["data"]["attributes"]["created_at"]
    assert len(created) == len("2026-11-23T15:42:03.805560539Z")
    assert again != created and created.startswith(again.rstrip("Z"))


@pytest.mark.parametrize(
    "profile, shown",
    [
        ({}, "localpart"),
        ({"displayname": None}, "localpart"),
        ({"displayname": "Ä ☃"}, "Ä ☃"),
        ({"displayname": ""}, None),
    ],
)
def test_the_display_name_is_the_one_given_or_else_the_localpart(
    mas, server, unique, profile, shown
):
    name = unique("mas")
    assert mas.api("POST", "/users", {"username": name} | profile).status == 201
    rows = server.query("SELECT displayname FROM profiles WHERE user_id = ?", (name,))
    assert rows == ([(name if shown == "localpart" else shown,)] if shown else [])


def test_the_avatar_is_set_with_the_user(mas, server, unique):
    name, avatar = unique("mas"), "mxc://example.test/abc"
    mas.api("POST", "/users", {"username": name, "avatar_url": avatar})
    assert server.query("SELECT avatar_url FROM profiles WHERE user_id = ?", (name,)) == [(avatar,)]


@pytest.mark.parametrize(
    "name", ["", "x" * 256, "_alice", "Alice", "al ice", "@alice", "alice:hs", "älice", "a%b"]
)
def test_a_name_that_is_none_is_refused(mas, name):
    answer = mas.api("POST", "/users", {"username": name})
    assert (answer.status, answer.titles) == (400, ["Username is not valid"])


def test_a_name_is_taken_in_any_case_and_after_a_deactivation(mas, unique):
    name = unique("mas")
    key = mas.create(name)["user_id"]
    # That it exists is found before that it is no name.
    for other in (name, name.upper()):
        answer = mas.api("POST", "/users", {"username": other})
        assert (answer.status, answer.titles) == (409, ["User already exists"])
    mas.api("POST", f"/users/{key}/deactivate")
    mas.jobs.settle()
    assert mas.api("POST", "/users", {"username": name}).status == 409


def test_a_name_of_the_homeserver_alone_is_reserved_unless_it_is_to_be_adopted(
    mas, server, unique
):
    for name in (unique("orphan"), "123456"):
        if not name.isdigit():
            mas.beside.provision_user(name, locked=False)
        answer = mas.api("POST", "/users", {"username": name})
        assert (answer.status, answer.titles) == (409, ["Username is reserved by the homeserver"])
    orphan = unique("orphan")
    mas.beside.provision_user(orphan, locked=False)
    body = {"username": orphan, "skip_homeserver_check": True}
    assert mas.api("POST", "/users", body).status == 201
    answer = mas.api("POST", "/users", {"username": "123456", "skip_homeserver_check": True})
    assert answer.status == 500
    assert answer.titles[:2] == [
        "Unexpected HTTP response while provisioning user in Synapse",
        "M_INVALID_USERNAME: Numeric user IDs are reserved for guest users.",
    ]
    assert "123456" not in mas.user_names()


def test_nothing_is_made_while_the_homeserver_is_away(unique):
    with Mas() as mas:
        for more in ({}, {"skip_homeserver_check": True}):
            answer = mas.api("POST", "/users", {"username": unique("mas")} | more)
            assert answer.status == 500
            assert answer.titles[0] == "Failed to check localpart availability from Synapse"
            assert answer.titles[-1] == "Connection refused (os error 111)"
        assert mas.user_names() == []


@pytest.mark.parametrize(
    "race, status, title",
    [
        ("exists", 409, "User already exists"),
        ("reserved", 409, "Username is reserved by the homeserver"),
        ("rows", 500, "Expected 1 rows to be affected, but 0 rows were affected"),
    ],
)
def test_who_is_second_is_told_one_of_three_things_and_finds_the_first_one_s(
    mas, server, unique, race, status, title
):
    name = unique("mas")
    mas.lose_race(race, committed_after=0.2)
    answer = mas.api("POST", "/users", {"username": name})
    assert (answer.status, answer.titles) == (status, [title])
    assert mas.api("GET", f"/users/by-username/{name}").status == 404
    time.sleep(0.4)
    assert mas.api("GET", f"/users/by-username/{name}").status == 200
    assert server.user_id(name) in server.user_names()


def test_of_many_at_once_one_makes_the_user(mas, unique):
    name, answers = unique("mas"), []

    def make() -> None:
        answers.append(mas.api("POST", "/users", {"username": name}))

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers)[0] == 201
    allowed = {
        (409, "User already exists"),
        (409, "Username is reserved by the homeserver"),
        (500, "Expected 1 rows to be affected, but 0 rows were affected"),
    }
    lost = [(a.status, a.titles[0]) for a in answers if a.status != 201]
    assert len(lost) == 5 and set(lost) <= allowed
    assert mas.user_names().count(name) == 1


def test_a_crash_before_the_commit_leaves_the_homeserver_s_account_alone(mas, server, unique):
    def crash(_name: str) -> None:
        raise Dropped

    name = unique("mas")
    mas.before_commit = crash
    try:
        with pytest.raises(OSError):
            mas.api("POST", "/users", {"username": name})
    finally:
        mas.before_commit = None
    assert server.user_id(name) in server.user_names() and name not in mas.user_names()
    assert mas.api("POST", "/users", {"username": name}).status == 409


# Looking


def test_a_user_is_found_by_its_id_and_by_its_name(mas, unique):
    name = unique("mas/a+b")
    key = mas.create(name)["user_id"]
    path = "/users/by-username/"
    for asked in (name, name.upper()):
        answer = mas.api("GET", path + quote(asked, safe=""))
        assert answer.status == 200 and answer.json["data"]["id"] == key
        assert answer.json["links"]["self"] == "/api/admin/v1" + path + asked
    raw = mas.api("GET", path + name)
    assert (raw.status, raw.kind) == (404, "text/html")
    user_id = quote(mas.beside.server.user_id(name), safe="")
    for asked, told in (("no%22body", 'no\\"body'), (user_id, mas.beside.server.user_id(name))):
        answer = mas.api("GET", path + asked)
        assert answer.status == 404 and answer.kind == "application/json"
        assert answer.titles == [f'User with username "{told}" not found']
    answer = mas.api("GET", f"/users/{SOME_ULID}")
    assert (answer.status, answer.titles) == (404, [f"User ID {SOME_ULID} not found"])


def test_of_names_that_differ_in_case_the_one_that_is_asked_for_is_found(mas, unique):
    name = unique("mas")
    mas.adopt(name)
    mas.adopt(name.upper())
    assert mas.api("GET", f"/users/by-username/{name}").status == 200
    assert mas.api("GET", f"/users/by-username/{name.capitalize()}").status == 404


def test_a_list_is_filtered(unique):
    with Mas() as mas:
        keys = {name: mas.adopt(name)["user_id"] for name in ("ab_cd", "abxcd", "other", "both")}
        store = mas.store
        store.update("users", keys["other"], can_request_admin=True, locked_at=store.now())
        moments = {"locked_at": store.now(), "deactivated_at": store.now()}
        store.update("users", keys["both"], **moments)
        store.update("users", keys["abxcd"], deactivated_at=store.now())

        def names(query: str) -> list[str]:
            data = mas.api("GET", "/users?" + query).json["data"]
            return [one["attributes"]["username"] for one in data]

        assert names("filter[admin]=true") == ["other"]
        # Deactivated alone is not locked; active is neither.
        assert names("filter[status]=locked") == ["other", "both"]
        assert names("filter[status]=deactivated") == ["abxcd", "both"]
        assert names("filter[status]=active") == ["ab_cd"]
        # What LIKE knows is not escaped.
        assert names("filter[search]=AB_CD") == ["ab_cd", "abxcd"]
        assert len(names("filter[search]=%25")) == 4


# Passwords


def test_a_password_is_set_by_a_new_row_and_ends_no_session(mas, server, unique):
    name = unique("mas")
    key = mas.create(name, "the first one")["user_id"]
    mas.compat.limiter.reset()
    token = mas.login(name, "the first one").json["access_token"]
    path = f"/users/{key}/set-password"
    answer = mas.api("POST", path, {"password": "the second one"})
    assert (answer.status, answer.body) == (204, b"")
    assert len(mas.store.find("user_passwords", user_id=key)) == 2
    assert mas.has_password(name, "the second one") and not mas.has_password(name, "the first one")
    assert server.whoami(token)


def test_a_weak_password_is_refused_unless_nobody_looks(mas, unique):
    name = unique("mas")
    path = f"/users/{mas.create(name)['user_id']}/set-password"
    for weak in ("", "hunter2", "aaaaaaaaaaaaaaa", "short"):
        answer = mas.api("POST", path, {"password": weak})
        assert (answer.status, answer.titles) == (400, ["Password is too weak"])
        assert not mas.has_password(name)
    answer = mas.api("POST", path, {"password": "", "skip_password_check": True})
    assert answer.status == 204 and mas.has_password(name, "")
    assert [score(one) for one in ("abc", "abcdefg", "abcdefghij", "a password")] == [1, 2, 3, 3]
    answer = mas.api("POST", f"/users/{SOME_ULID}/set-password", {"password": "long enough"})
    assert (answer.status, answer.titles) == (404, [f"User ID {SOME_ULID} not found"])


def test_where_there_are_no_passwords_that_is_said_first():
    with Mas() as mas:
        mas.password_login_enabled = False
        answer = mas.api("POST", f"/users/{SOME_ULID}/set-password", {"password": "x"})
        assert (answer.status, answer.titles) == (403, ["Password auth is disabled"])
        flows = mas.ask("GET", "/_matrix/client/v3/login").json["flows"]
        assert "m.login.password" not in [flow["type"] for flow in flows]
        refused = mas.login("alice", "x")
        assert refused.status == 400 and refused.json["error"] == "Invalid login type"


@pytest.mark.parametrize(
    "scheme",
    [
        Scheme(),
        Scheme(secret="pepper: %+/é"),
        Scheme(algorithm="pbkdf2", secret="pepper"),
        Scheme(unicode_normalization=True),
    ],
)
def test_a_hash_is_that_of_the_password_by_its_scheme_alone(scheme):
    kept = scheme.hashed("Åse's pass")
    assert scheme.matches("Åse's pass", kept) and not scheme.matches("another", kept)
    # The same letter in two characters.
    assert scheme.matches("A\u030ase's pass", kept) is scheme.unicode_normalization
    if scheme.secret:
        assert not Scheme(algorithm=scheme.algorithm).matches("Åse's pass", kept)
    assert kept.startswith(("$argon2id$v=19$m=64,t=1,p=1$", "$pbkdf2-sha256$i=1000,l=32$"))


# States


def test_the_administrator_s_flag_is_mas_s_alone(mas, server, unique):
    name = unique("mas")
    key = mas.create(name)["user_id"]
    for admin in (True, True, False):
        answer = mas.api("POST", f"/users/{key}/set-admin", {"admin": admin})
        assert answer.status == 200 and answer.json["data"]["attributes"]["admin"] is admin
        assert answer.json["links"]["self"] == f"/api/admin/v1/users/{key}/set-admin"
    assert mas.api("POST", f"/users/{key}/set-admin", {}).status == 422
    statement = "SELECT admin FROM users WHERE name = ?"
    assert server.query(statement, (server.user_id(name),)) == [(0,)]


def test_a_lock_arrives_later_and_keeps_new_logins_out(mas, server, unique):
    name = unique("mas")
    key = mas.create(name, "a long password")["user_id"]
    mas.compat.limiter.reset()
    token = mas.login(name, "a long password").json["access_token"]
    mas.jobs.settle()
    mas.jobs.hold()
    first = mas.api("POST", f"/users/{key}/lock").json["data"]["attributes"]["locked_at"]
    assert first is not None and at_synapse(mas, name) == (False, False, False)
    mas.jobs.release()
    mas.jobs.settle()
    assert at_synapse(mas, name) == (False, True, False)
    again = mas.api("POST", f"/users/{key}/lock").json["data"]["attributes"]["locked_at"]
    assert first.startswith(again.rstrip("Z"))
    for password in ("a long password", "a wrong one"):
        refused = mas.login(name, password)
        assert refused.status == 401 and refused.json == {
            "errcode": "M_USER_LOCKED",
            "error": "User account has been locked",
        }
    # A session that Synapse had not asked about is refused, and not as locked.
    status, told = server.api("GET", "/_matrix/client/v3/account/whoami", token=token)
    assert (status, told["errcode"]) == (401, "M_UNKNOWN_TOKEN")
    answer = mas.api("POST", f"/users/{key}/unlock")
    assert answer.json["data"]["attributes"]["locked_at"] is None
    mas.jobs.settle()
    assert at_synapse(mas, name) == (False, False, False)
    assert mas.login(name, "a long password").status == 200


@pytest.mark.parametrize("body, erased", [(None, True), ({}, True), ({"skip_erase": True}, False)])
def test_a_deactivation_arrives_and_erases_unless_it_is_told_not_to(
    mas, server, unique, body, erased
):
    name = unique("mas")
    key = mas.create(name, "a long password", emails=[f"{name}@x.test"])["user_id"]
    mas.compat.limiter.reset()
    mas.login(name, "a long password")
    answer = mas.api("POST", f"/users/{key}/deactivate", body)
    assert answer.status == 200 and answer.json["data"]["attributes"]["deactivated_at"]
    mas.jobs.settle()
    assert at_synapse(mas, name) == (True, False, erased)
    profile = server.query("SELECT displayname FROM profiles WHERE user_id = ?", (name,))
    assert (profile == [(name,)]) is not erased
    assert mas.emails(name) == [] and mas.has_password(name, "a long password")
    sessions = mas.store.find("compat_sessions", user_id=key)
    assert sessions and all(one["finished_at"] for one in sessions)
    assert mas.login(name, "a long password").status == 403
    wrong = mas.api("POST", f"/users/{key}/deactivate", {}, **{"content-type": "text/plain"})
    assert wrong.status == 415


def test_a_reactivation_is_at_once_and_the_old_password_works_again(mas, unique):
    name = unique("mas")
    key = mas.create(name, "a long password")["user_id"]
    mas.api("POST", f"/users/{key}/lock")
    mas.api("POST", f"/users/{key}/deactivate", {"skip_erase": True})
    mas.jobs.settle()
    answer = mas.api("POST", f"/users/{key}/reactivate")
    attributes = answer.json["data"]["attributes"]
    # It does not unlock.
    assert answer.status == 200 and attributes["deactivated_at"] is None
    assert attributes["locked_at"] is not None
    assert at_synapse(mas, name)[0] is False
    mas.api("POST", f"/users/{key}/unlock")
    mas.compat.limiter.reset()
    assert mas.login(name, "a long password").status == 200
    # One who is active here is active there afterwards.
    mas.beside.delete_user(name, erase=False)
    assert mas.api("POST", f"/users/{key}/reactivate").status == 200
    assert at_synapse(mas, name)[0] is False


def test_a_reactivation_right_after_a_deactivation_is_overtaken(mas, unique):
    name = unique("mas")
    key = mas.create(name)["user_id"]
    mas.jobs.settle()
    mas.jobs.hold()
    mas.api("POST", f"/users/{key}/deactivate", {"skip_erase": True})
    assert mas.api("POST", f"/users/{key}/reactivate").status == 200
    mas.jobs.release()
    mas.jobs.settle()
    assert mas.user(name)["deactivated_at"] is None and at_synapse(mas, name)[0] is True
    assert mas.api("POST", f"/users/{key}/reactivate").status == 200
    assert at_synapse(mas, name)[0] is False


def test_no_user_is_deleted(mas, unique):
    key = mas.create(unique("mas"))["user_id"]
    assert mas.api("DELETE", f"/users/{key}").status == 405


@pytest.mark.slow
def test_what_the_homeserver_did_not_hear_is_told_again(unique):
    name = unique("mas")
    with Mas() as mas, mas.delegating(Synapse) as server:
        mas.jobs.first_wait = 0.2
        key = mas.create(name)["user_id"]
        server.stop()
        assert mas.api("POST", f"/users/{key}/lock").status == 200
        assert mas.api("POST", f"/users/{key}/deactivate", {"skip_erase": True}).status == 200
        body = {"user_id": key, "email": f"{name}@x.test"}
        assert mas.api("POST", "/user-emails", body).status == 201
        answer = mas.api("POST", f"/users/{key}/reactivate")
        assert answer.status == 500
        assert answer.titles[0] == "Failed to reactivate user in Synapse"
        time.sleep(0.3)
        assert mas.jobs.pending
        server.start()
        mas.jobs.settle(60)
        assert at_synapse(mas, name) == (True, True, False)
