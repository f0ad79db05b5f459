# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins and sessions of the stand-in for MAS, in front of a real Synapse: what MAS
1.22.0 was seen to answer, and what came of it."""

from __future__ import annotations

import json

import pytest

from tests.support.mas import Mas
from tests.support.synapse import Synapse

SOME_ULID = "01M84H4K0XFDGJFSFZ0ASDT0ZZ"
PASSWORD = "a long password"
SYNAPSE_ADMIN = "urn:synapse:admin:* urn:matrix:client:api:*"
USERS_OF_SYNAPSE = "/_synapse/admin/v2/users?guests=false&limit=100000"


@pytest.fixture
def server(mas) -> Synapse:
    return mas.beside.server


@pytest.fixture
def user(mas, unique):
    """(name, id) of one who can log in."""
    mas.compat.limiter.reset()
    name = unique("mas")
    return name, mas.create(name, PASSWORD)["user_id"]


def refusal(answer) -> tuple[int, str, str]:
    return answer.status, answer.json["errcode"], answer.json["error"]


WRONG = (403, "M_FORBIDDEN", "Invalid username/password")


# Logins


def test_a_login_leaves_a_device_that_its_logout_removes(mas, server, user):
    name, key = user
    for who in (name, name.upper(), server.user_id(name)):
        told = mas.login(who, PASSWORD).json
        assert told["user_id"] == server.user_id(name) and len(told["device_id"]) == 10
        assert set(told) == {"access_token", "device_id", "user_id"}
        assert server.whoami(told["access_token"])["device_id"] == told["device_id"]
        headers = {"authorization": "Bearer " + told["access_token"]}
        out = mas.ask("POST", "/_matrix/client/v3/logout", headers=headers)
        assert (out.status, out.json) == (200, {})
        mas.jobs.settle()
        devices = server.query("SELECT device_id FROM devices WHERE user_id = ?", (told["user_id"],))
        assert devices == [] and server.whoami(told["access_token"]) is None
        again = mas.ask("POST", "/_matrix/client/r0/logout", headers=headers)
        assert refusal(again) == (401, "M_UNKNOWN_TOKEN", "Invalid access token")
    assert all(one["finished_at"] for one in mas.store.find("compat_sessions", user_id=key))


def test_a_login_with_the_device_of_another_ends_that_one(mas, server, user):
    name, _ = user
    first, second = (mas.login(name, PASSWORD, device_id="FIXED").json for _ in range(2))
    assert first["device_id"] == second["device_id"] == "FIXED"
    assert server.whoami(second["access_token"]) and not server.whoami(first["access_token"])


def test_a_login_that_asks_for_it_can_be_refreshed(mas, user):
    told = mas.login(user[0], PASSWORD, refresh_token=True).json
    assert told["expires_in_ms"] == 300000
    body = json.dumps({"refresh_token": told["refresh_token"]}).encode()
    kind = {"content-type": "application/json"}
    answer = mas.ask("POST", "/_matrix/client/v3/refresh", body, kind)
    assert answer.status == 200 and set(answer.json) == {
        "access_token",
        "refresh_token",
        "expires_in_ms",
    }
    again = mas.ask("POST", "/_matrix/client/v3/refresh", body, kind)
    assert refusal(again) == (401, "M_UNKNOWN_TOKEN", "Invalid refresh token")


def test_all_who_cannot_log_in_are_told_the_same(mas, user, unique):
    name, key = user
    without = mas.create(unique("mas"))["username"]
    others = f"@{name}:other.test"
    for who, password in ((name, "wrong"), (unique("nobody"), "x"), (without, "x"), (others, PASSWORD)):
        assert refusal(mas.login(who, password)) == WRONG
    mas.store.update("users", key, deactivated_at=mas.store.now())
    assert refusal(mas.login(name, PASSWORD)) == WRONG


@pytest.mark.parametrize(
    "body, kind, told",
    [
        (b"{", "application/json", (400, "M_NOT_JSON", "Body is not a valid JSON document")),
        (
            b"{}",
            "text/plain",
            (400, "M_NOT_JSON", "Invalid Content-Type header: expected application/json"),
        ),
        (b'{"type":"m.login.dummy"}', None, (400, "M_UNKNOWN", "Invalid login type")),
        (
            b'{"type":"m.login.password","password":"x","identifier":'
            b'{"type":"m.id.thirdparty","medium":"email","address":"a@b"}}',
            "application/json",
            (400, "M_UNKNOWN", "Unsupported login identifier"),
        ),
        (
            b'{"type":"m.login.password","password":"x"}',
            None,
            (400, "M_BAD_JSON", "Missing property 'identifier"),
        ),
    ],
)
def test_a_login_that_is_none_is_told_what_it_lacks(mas, body, kind, told):
    headers = {"content-type": kind} if kind else {}
    assert refusal(mas.ask("POST", "/_matrix/client/v3/login", body, headers)) == told


def test_logins_are_three_at_once_and_then_one_in_twenty_seconds(mas, user, unique):
    name, key = user
    # Who is unknown, and who is locked, is not counted.
    for _ in range(4):
        assert refusal(mas.login(unique("nobody"), "x")) == WRONG
    mas.store.update("users", key, locked_at=mas.store.now())
    assert mas.login(name, "x").status == 401
    mas.store.update("users", key, locked_at=None)
    assert [mas.login(name, one).status for one in ("x", PASSWORD, "x")] == [403, 200, 403]
    limited = mas.login(name, PASSWORD)
    assert limited.json == {"errcode": "M_LIMIT_EXCEEDED", "error": "Too many login attempts"}
    assert limited.status == 429 and "retry-after" not in limited.headers
    mas.compat.limiter.ahead += 19
    assert mas.login(name, PASSWORD).status == 429
    mas.compat.limiter.ahead += 1.5
    assert [mas.login(name, PASSWORD).status for _ in range(2)] == [200, 429]


def test_each_address_behind_a_proxy_has_a_limit_of_its_own(mas, user):
    body = {"type": "m.login.password", "user": user[0], "password": "x"}
    sent = json.dumps(body).encode()

    def login(forwarded: str) -> int:
        headers = {"x-forwarded-for": forwarded}
        return mas.ask("POST", "/_matrix/client/v3/login", sent, headers).status

    assert [login("203.0.113.7, 10.0.0.1") for _ in range(4)] == [403, 403, 403, 429]
    assert login("203.0.113.8") == 403
    # The last that is no proxy's, whatever a client put before it.
    assert login("203.0.113.9, 203.0.113.7") == 429


@pytest.mark.parametrize(
    "method, path, status",
    [
        ("GET", "/_matrix/client/v3/account/whoami", 404),
        ("POST", "/_matrix/client/v3/register", 404),
        ("GET", "/_matrix/client/versions", 404),
        ("GET", "/_matrix/client/unstable/login", 200),
        ("GET", "/_matrix/client/v3/logout", 405),
    ],
)
def test_of_the_client_s_paths_only_a_few_are_mas_s(mas, method, path, status):
    answer = mas.ask(method, path)
    assert answer.status == status
    assert status != 404 or answer.kind == "text/html"


def test_all_sessions_at_once_are_not_ended(mas):
    answer = mas.ask("POST", "/_matrix/client/v3/logout/all")
    text = "The /logout/all endpoint is not supported by this deployment"
    assert refusal(answer) == (404, "M_UNRECOGNIZED", text)


def test_a_login_fails_while_the_homeserver_is_away_and_leaves_no_session():
    with Mas() as mas:
        key = mas.adopt("alice")["user_id"]
        mas.set_password(key, PASSWORD)
        told = refusal(mas.login("alice", PASSWORD))
        assert told == (500, "M_UNKNOWN", "Internal server error")
        assert mas.active_sessions()["compat_sessions"] == 0


def test_a_device_s_name_that_the_database_has_not_tells_the_right_password(mas, user):
    name, _ = user
    # Nothing of it is kept. Seen, and not to be relied on.
    assert mas.login(name, PASSWORD, device_id="a\0b").status == 500
    assert mas.login(name, "wrong", device_id="a\0b").status == 403


# Sessions


@pytest.mark.parametrize(
    "kind, name",
    [
        ("compat", "Compatibility session"),
        ("user", "User session"),
        ("oauth2", "OAuth 2.0 session"),
    ],
)
def test_a_session_is_finished_once(mas, user, kind, name):
    _, key = user
    more = {"oauth2_client_id": mas.client.id, "scope": "openid"} if kind == "oauth2" else {}
    row = mas.store.insert(f"{kind}_sessions", user_id=key, **more)
    session = row[f"{kind}_session_id"]
    listed = mas.api("GET", f"/{kind}-sessions?filter[user]={key}&filter[status]=active")
    assert [one["id"] for one in listed.json["data"]] == [session]
    path = f"/{kind}-sessions/{session}"
    assert mas.api("GET", path).json["data"]["attributes"]["finished_at"] is None
    first = mas.api("POST", path + "/finish")
    assert first.status == 200 and first.json["data"]["attributes"]["finished_at"]
    again = mas.api("POST", path + "/finish")
    assert (again.status, again.titles) == (400, [f"{name} with ID {session} is already finished"])
    unknown = mas.api("POST", f"/{kind}-sessions/{SOME_ULID}/finish")
    assert (unknown.status, unknown.titles) == (404, [f"{name} with ID {SOME_ULID} not found"])
    listed = mas.api("GET", f"/{kind}-sessions?filter[user]={key}&filter[status]=finished")
    assert len(listed.json["data"]) == 1
    nobody = mas.api("GET", f"/{kind}-sessions?filter[user]={SOME_ULID}")
    assert (nobody.status, nobody.titles) == (404, [f"User ID {SOME_ULID} not found"])


def test_a_finished_login_is_over_at_the_homeserver(mas, server, user):
    name, key = user
    token = mas.login(name, PASSWORD).json["access_token"]
    assert server.whoami(token)
    session = mas.store.find("compat_sessions", user_id=key)[0]["compat_session_id"]
    mas.api("POST", f"/compat-sessions/{session}/finish")
    mas.jobs.settle()
    assert server.whoami(token) is None


# Personal sessions


def personal(mas, key: str, scope: str = SYNAPSE_ADMIN, **more):
    body = {"actor_user_id": key, "human_name": "a tool", "scope": scope}
    return mas.api("POST", "/personal-sessions", body | more)


def test_a_personal_session_as_an_administrator_opens_synapse_s_admin_api(mas, server, user):
    name, key = user
    answer = personal(mas, key, expires_in=60)
    attributes = answer.json["data"]["attributes"]
    assert answer.status == 201 and attributes["scope"] == " ".join(sorted(SYNAPSE_ADMIN.split()))
    assert attributes["owner_client_id"] == mas.client.id and attributes["owner_user_id"] is None
    token = attributes["access_token"]
    assert token.startswith("mpt_") and attributes["expires_at"]
    status, told = server.api("GET", USERS_OF_SYNAPSE, token=token)
    assert status == 200
    assert server.user_id(name) in [one["name"] for one in told["users"]]
    status, told = server.api("GET", "/_synapse/admin/v2/users", token=token)
    assert (status, told["errcode"]) == (400, "M_INVALID_PARAM")
    # It has no device: Synapse has none of it.
    devices = server.query("SELECT * FROM devices WHERE user_id = ?", (server.user_id(name),))
    assert devices == []
    # The token is shown once.
    path = f"/personal-sessions/{answer.json['data']['id']}"
    assert "access_token" not in mas.api("GET", path).json["data"]["attributes"]


def test_a_scope_for_synapse_s_admin_alone_is_not_enough(mas, server, user):
    token = personal(mas, user[1], "urn:synapse:admin:*").json["data"]["attributes"]["access_token"]
    status, told = server.api("GET", USERS_OF_SYNAPSE, token=token)
    assert (status, told["errcode"]) == (401, "M_UNKNOWN_TOKEN")


def test_an_administrator_s_login_is_no_administrator_s_at_synapse(mas, server, user):
    name, key = user
    mas.store.update("users", key, can_request_admin=True)
    token = mas.login(name, PASSWORD).json["access_token"]
    status, told = server.api("GET", USERS_OF_SYNAPSE, token=token)
    assert (status, told["error"]) == (403, "You are not a server admin")


def test_a_profile_is_changed_by_a_session_of_the_user_s(mas, server, user):
    name, key = user
    answer = personal(mas, key, "urn:matrix:client:api:*", expires_in=60)
    token = answer.json["data"]["attributes"]["access_token"]
    path = f"/_matrix/client/v3/profile/{server.user_id(name)}/displayname"
    assert server.api("PUT", path, {"displayname": "New"}, token)[0] == 200
    assert server.profile(name)["displayname"] == "New"
    session = answer.json["data"]["id"]
    revoked = mas.api("POST", f"/personal-sessions/{session}/revoke")
    attributes = revoked.json["data"]["attributes"]
    assert attributes["revoked_at"] and attributes["expires_at"] is None
    again = mas.api("POST", f"/personal-sessions/{session}/revoke")
    told = [f"Personal session with ID {session} is already revoked"]
    assert (again.status, again.titles) == (409, told)


def test_a_device_in_the_scope_is_made_and_goes_with_the_session(mas, server, user):
    name, key = user
    scope = "urn:matrix:client:api:* urn:matrix:client:device:ABCDEFGHIJ"
    answer = personal(mas, key, scope)
    statement = "SELECT device_id FROM devices WHERE user_id = ?"
    assert server.query(statement, (server.user_id(name),)) == [("ABCDEFGHIJ",)]
    token = answer.json["data"]["attributes"]["access_token"]
    assert server.whoami(token)["device_id"] == "ABCDEFGHIJ"
    mas.api("POST", f"/personal-sessions/{answer.json['data']['id']}/revoke")
    mas.jobs.settle()
    assert server.query(statement, (server.user_id(name),)) == []


def test_who_cannot_have_a_personal_session_is_told_why(mas, user):
    _, key = user
    unknown = personal(mas, SOME_ULID)
    assert (unknown.status, unknown.titles) == (404, ["User not found"])
    for scope in ("", "a  b", 'a"b'):
        answer = personal(mas, key, scope)
        assert (answer.status, answer.titles) == (400, ["Invalid scope"])
    body = {"actor_user_id": key, "scope": "openid"}
    missing = mas.api("POST", "/personal-sessions", body)
    assert missing.status == 422 and b"missing field `human_name`" in missing.body
    # One who is locked may, and is refused by the homeserver alone.
    mas.store.update("users", key, locked_at=mas.store.now())
    answer = personal(mas, key, "urn:mas:admin " + SYNAPSE_ADMIN)
    token = answer.json["data"]["attributes"]["access_token"]
    assert answer.status == 201 and mas.api("GET", "/users", token=token).status == 200
    assert mas.beside.server.whoami(token) is None
    mas.store.update("users", key, deactivated_at=mas.store.now())
    gone = personal(mas, key)
    assert (gone.status, gone.titles) == (410, ["User is not active"])


def test_a_personal_token_with_the_scope_opens_the_admin_api(mas, user):
    token = personal(mas, user[1], "urn:mas:admin").json["data"]["attributes"]["access_token"]
    answer = mas.api("GET", "/users", token=token)
    assert answer.status == 200
    other = personal(mas, user[1], "openid").json["data"]["attributes"]["access_token"]
    answer = mas.api("GET", "/users", token=other)
    assert (answer.status, answer.titles) == (401, ["Missing urn:mas:admin scope"])
    # What it makes is the user's, and no longer the client's.
    body = {"actor_user_id": user[1], "human_name": "x", "scope": "openid"}
    made = mas.api("POST", "/personal-sessions", body, token=token).json["data"]["attributes"]
    assert (made["owner_user_id"], made["owner_client_id"]) == (user[1], None)


def test_a_regenerated_token_takes_the_place_of_the_old(mas, user):
    first = personal(mas, user[1], "urn:mas:admin").json["data"]
    old = first["attributes"]["access_token"]
    path = f"/personal-sessions/{first['id']}"
    answer = mas.api("POST", path + "/regenerate", {"expires_in": 60})
    assert answer.status == 201
    new = answer.json["data"]["attributes"]["access_token"]
    assert mas.api("GET", "/users", token=new).status == 200
    dead = mas.api("GET", "/users", token=old)
    assert (dead.status, dead.titles) == (401, ["Access token expired"])
    mas.api("POST", path + "/revoke")
    dead = mas.api("GET", "/users", token=new)
    assert (dead.status, dead.titles) == (401, ["Access token revoked"])
    refused = mas.api("POST", path + "/regenerate", {})
    assert (refused.status, refused.titles) == (422, ["Session not valid"])


def test_filters_of_personal_sessions_have_underscores(mas, user):
    key = user[1]
    kept = personal(mas, key, "openid").json["data"]["id"]
    ended = personal(mas, key, "email openid", expires_in=60).json["data"]["id"]
    mas.api("POST", f"/personal-sessions/{ended}/revoke")

    def listed(query: str) -> list[str]:
        answer = mas.api("GET", f"/personal-sessions?page[first]=1000&{query}")
        return [one["id"] for one in answer.json["data"]]

    assert listed(f"filter[actor_user]={key}") == [kept, ended]
    assert listed(f"filter[actor_user]={key}&filter[status]=active") == [kept]
    assert listed(f"filter[actor_user]={key}&filter[scope]=email") == [ended]
    # With a dash it is unknown, and all are listed.
    assert {kept, ended} <= set(listed(f"filter[actor-user]={SOME_ULID}"))
    nobody = mas.api("GET", f"/personal-sessions?filter[actor_user]={SOME_ULID}")
    assert (nobody.status, nobody.titles) == (404, [f"User ID {SOME_ULID} not found"])
