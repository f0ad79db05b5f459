# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stand-ins of the Conduit family have in common: HTTP, accounts, rooms, /sync
and what a test can make of them."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tests.support.conduit import Conduit
from tests.support.continuwuity import Continuwuity
from tests.support.mas_wire import Reply

V3 = "/_matrix/client/v3"
KINDS = [Conduit, Continuwuity]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def server(request: pytest.FixtureRequest) -> Iterator[Any]:
    with request.param() as made:
        yield made
        assert not made.complaints


def room_path(server: Any, rest: str) -> str:
    return f"{V3}/rooms/{quote(server.admin_room.room_id, safe='')}/{rest}"


def sync(server: Any, token: str, **query: Any) -> Any:
    return server.asked("GET", f"{V3}/sync?{urlencode(query)}", token=token)


def timeline(server: Any, told: Any) -> list[Any]:
    room = told["rooms"].get("join", {}).get(server.admin_room.room_id)
    return room["timeline"]["events"] if room else []


# HTTP


def test_what_is_not_served_is_404_and_another_method_405(server):
    for path in ("/_synapse/admin/v2/users", "/_tuwunel/server_version", "/_conduwuit/x", "/x"):
        status, reply = server.api("GET", path)
        assert (status, reply["errcode"]) == (404, "M_UNRECOGNIZED")
    for method, path in (("PUT", f"{V3}/login"), ("POST", f"{V3}/account/whoami")):
        status, reply = server.api(method, path)
        assert (status, reply["errcode"]) == (405, "M_UNRECOGNIZED")


def test_a_connection_takes_more_than_one_request(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.listener.port, timeout=10)
    for _ in range(3):
        connection.request("GET", f"{V3}/login")
        response = connection.getresponse()
        assert response.status == 200 and json.loads(response.read())["flows"]
    connection.close()


def test_a_body_that_is_no_json_object_is_refused(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.listener.port, timeout=10)
    for body, errcode in ((b"{", "M_NOT_JSON"), (b"[]", "M_BAD_JSON")):
        connection.request("POST", f"{V3}/login", body)
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())["errcode"]) == (400, errcode)
    connection.close()


def test_an_unknown_token_opens_nothing(server):
    status, reply = server.api("GET", f"{V3}/account/whoami", token="nobody's")
    assert (status, reply["errcode"]) == (401, "M_UNKNOWN_TOKEN")


# Accounts


def test_a_login_with_a_fixed_device_takes_its_place(server):
    server.create("alice", "a password")
    first = server.login("alice", "a password", device_id="FIXED")
    second = server.login("@alice:example.test", "a password", device_id="FIXED")
    assert server.devices("alice") == ["FIXED"]
    assert server.whoami(first) is None
    told = {"user_id": "@alice:example.test", "device_id": "FIXED", "is_guest": False}
    assert server.whoami(second) == told
    server.logout(second)
    assert server.devices("alice") == [] and server.whoami(second) is None


def test_logging_out_of_all_ends_every_session(server):
    server.create("alice", "a password")
    tokens = [server.login("alice", "a password") for _ in range(3)]
    server.asked("POST", f"{V3}/logout/all", {}, tokens[0])
    assert [server.whoami(token) for token in tokens] == [None] * 3


def test_ones_own_password_is_changed_with_the_old_one(server):
    server.create("alice", "old")
    token, other = server.token_of("alice"), server.token_of("alice")
    path, wanted = f"{V3}/account/password", {"new_password": 'new "one\\ `ä'}
    status, reply = server.api("POST", path, wanted, token)
    assert status == 401 and reply["flows"] == [{"stages": ["m.login.password"]}]
    assert "errcode" not in reply
    stage = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "alice"}}
    wrong = wanted | {"auth": stage | {"password": "x", "session": reply["session"]}}
    status, reply = server.api("POST", path, wrong, token)
    # The one error whose text has no code before it (section 11).
    assert status == 401 and reply["errcode"] == "M_FORBIDDEN"
    assert not reply["error"].startswith("M_FORBIDDEN")
    good = wanted | {"auth": stage | {"password": "old", "session": reply["session"]}}
    server.asked("POST", path, good | {"logout_devices": False}, token)
    assert server.opens("alice", 'new "one\\ `ä') and server.whoami(other) is not None
    again = {"new_password": "third", "auth": stage | {"password": 'new "one\\ `ä'}}
    server.asked("POST", path, again, token)
    assert server.whoami(other) is None and server.whoami(token) is not None


def test_the_availability_of_a_name_is_told(server):
    server.create("alice", "pw")
    path = f"{V3}/register/available?username="
    for name in ("bob", "4711", "_a/b=c.d", "x+y"):
        assert server.api("GET", path + quote(name, safe="")) == (200, {"available": True})
    for name, errcode in (
        ("alice", "M_USER_IN_USE"),
        ("conduit", "M_USER_IN_USE"),
        ("a b", "M_INVALID_USERNAME"),
        ("ä", "M_INVALID_USERNAME"),
        ("", "M_INVALID_USERNAME"),
        ("@bob:elsewhere.test", "M_INVALID_USERNAME"),
        ("x" * 300, "M_INVALID_USERNAME"),
    ):
        status, reply = server.api("GET", path + quote(name, safe=""))
        assert (status, reply["errcode"]) == (400, errcode), name


def test_a_display_name_is_ones_own_to_set(server):
    server.create("alice", "pw")
    token = server.token_of("alice")
    path = f"{V3}/profile/{quote('@alice:example.test', safe='')}/displayname"
    server.asked("PUT", path, {"displayname": "Alice Ä"}, token)
    assert server.profile("alice")["displayname"] == "Alice Ä"
    assert server.profile("nobody") is None
    assert server.api("PUT", path, {"displayname": "x"}, server.admin_token)[0] == 403


# Rooms


def test_the_admin_room_is_found_by_its_alias_without_a_token(server):
    path = f"{V3}/directory/room/{quote('#admins:example.test', safe='')}"
    room_id = server.asked("GET", path)["room_id"]
    assert room_id == server.admin_room.room_id
    # Of version 12: it has no domain.
    assert room_id.startswith("!") and ":" not in room_id
    status, reply = server.api("GET", path.replace("admins", "others"))
    assert (status, reply["errcode"]) == (404, "M_NOT_FOUND")


def test_only_members_see_who_is_in_the_room(server):
    server.create("alice", "pw")
    path = room_path(server, "joined_members")
    assert server.api("GET", path, token=server.token_of("alice"))[0] == 403
    joined = server.asked("GET", path, token=server.admin_token)["joined"]
    assert set(joined) == {"@conduit:example.test", "@harness-admin:example.test"}
    rooms = server.asked("GET", f"{V3}/joined_rooms", token=server.admin_token)
    assert rooms == {"joined_rooms": [server.admin_room.room_id]}


def test_who_is_not_invited_does_not_get_in(server):
    server.create("alice", "pw")
    token, admin = server.token_of("alice"), server.admin_token
    assert server.api("POST", room_path(server, "join"), {}, token)[0] == 403
    invited = {"user_id": "@alice:example.test"}
    for _ in range(2):
        server.asked("POST", room_path(server, "invite"), invited, admin)
    server.asked("POST", room_path(server, "join"), {}, token)
    assert server.is_admin("@alice:example.test")
    status, reply = server.api("POST", room_path(server, "invite"), invited, admin)
    assert (status, reply["errcode"]) == (403, "M_FORBIDDEN")


def test_the_same_transaction_is_the_same_event(server):
    path = room_path(server, "send/m.room.message/once")
    body = {"msgtype": "m.text", "body": "hello"}
    first = server.asked("PUT", path, body, server.admin_token)
    assert server.asked("PUT", path, body, server.admin_token) == first
    assert sum(one.content.get("body") == "hello" for one in server.events()) == 1
    # Of another session it is another one.
    other = server.token_of("harness-admin")
    assert server.asked("PUT", path, body, other) != first


def test_nothing_is_left_of_a_text_that_was_redacted(server):
    event = server.send(server.admin_token, 'secret "ä')
    assert server.is_readable('secret "ä')
    path = room_path(server, f"redact/{quote(event, safe='')}/r1")
    server.asked("PUT", path, {}, server.admin_token)
    assert not server.is_readable('secret "ä')
    told = server.asked(
        "GET", room_path(server, f"event/{quote(event, safe='')}"), token=server.admin_token
    )
    assert told["content"] == {} and told["unsigned"]["redacted_because"]["redacts"] == event


def test_the_last_administrator_and_the_bot_stay(server):
    token = server.admin_token
    status, reply = server.api("POST", room_path(server, "leave"), {}, token)
    assert (status, reply["errcode"]) == (403, "M_FORBIDDEN") and "Last admin" in reply["error"]
    kicked = {"user_id": "@conduit:example.test"}
    assert server.api("POST", room_path(server, "kick"), kicked, token)[0] == 403
    server.create("second", "pw", admin=True)
    server.asked("POST", room_path(server, "leave"), {}, token)
    assert server.admins() == ["@second:example.test"]


def test_an_invitation_stands_while_nobody_but_the_bot_is_there(server):
    server.restart(emergency_password="in need")
    server.create("alice", "pw")
    token = server.login("conduit", "in need")
    alice = {"user_id": "@alice:example.test"}
    server.asked("POST", room_path(server, "invite"), alice, token)
    status, reply = server.api("POST", room_path(server, "kick"), alice, token)
    assert (status, reply["errcode"]) == (403, "M_FORBIDDEN") and "Last admin" in reply["error"]
    assert server.admin_token
    server.asked("POST", room_path(server, "kick"), alice, token)
    assert server.admin_room.membership("@alice:example.test") == "leave"


def test_messages_are_read_backwards_from_the_end(server):
    for text in ("one", "two", "three"):
        server.send(server.admin_token, text)
    path = room_path(server, "messages?dir=b&limit=2")
    page = server.asked("GET", path, token=server.admin_token)
    assert [one["content"]["body"] for one in page["chunk"]] == ["three", "two"]
    page = server.asked("GET", path + "&from=" + page["end"], token=server.admin_token)
    assert page["chunk"][0]["content"]["body"] == "one"


def test_messages_are_filtered_where_the_server_does_that(server):
    wanted = quote(json.dumps({"types": ["m.room.message"]}))
    server.send(server.admin_token, "one")
    server.create("second", "pw", admin=True)
    path = room_path(server, f"messages?dir=b&limit=1&filter={wanted}")
    (event,) = server.asked("GET", path, token=server.admin_token)["chunk"]
    # Conduit takes no notice of it (api/client_server/message.rs).
    kind = "m.room.member" if isinstance(server, Conduit) else "m.room.message"
    assert event["type"] == kind


# /sync


def test_a_sync_tells_what_came_since(server):
    token = server.admin_token
    since = sync(server, token)["next_batch"]
    server.send(token, "news")
    told = sync(server, token, since=since, timeout=0)
    assert [one["content"]["body"] for one in timeline(server, told)] == ["news"]
    room = told["rooms"]["join"][server.admin_room.room_id]
    assert room["timeline"]["limited"] is False
    assert sync(server, token, since=told["next_batch"], timeout=0)["rooms"] == {}


def test_a_sync_waits_for_what_comes(server):
    token = server.admin_token
    since = sync(server, token)["next_batch"]
    begin = time.monotonic()
    assert sync(server, token, since=since, timeout=300)["rooms"] == {}
    assert 0.25 < time.monotonic() - begin < 5
    timer = threading.Timer(0.2, server.send, [token, "news"])
    timer.start()
    begin = time.monotonic()
    told = sync(server, token, since=since, timeout=20_000)
    assert time.monotonic() - begin < 10
    timer.join()
    if not timeline(server, told):
        # Conduit tells by the next one (api/client_server/sync.rs).
        assert isinstance(server, Conduit)
        told = sync(server, token, since=told["next_batch"], timeout=0)
    assert timeline(server, told)[0]["content"]["body"] == "news"


def test_more_than_a_timeline_holds_is_limited(server):
    token = server.admin_token
    since = sync(server, token)["next_batch"]
    for number in range(15):
        server.send(token, str(number))
    wanted = json.dumps({"room": {"timeline": {"limit": 4}}})
    told = sync(server, token, since=since, filter=wanted)["rooms"]["join"]
    part = told[server.admin_room.room_id]["timeline"]
    # Conduit takes no notice of it (api/client_server/sync.rs).
    assert len(part["events"]) == (10 if isinstance(server, Conduit) else 4)
    assert part["limited"] is True
    before = room_path(server, f"messages?dir=b&limit=1&from={part['prev_batch']}")
    last = server.asked("GET", before, token=token)["chunk"][0]["content"]["body"]
    assert last == ("4" if isinstance(server, Conduit) else "10")


def test_a_filter_of_rooms_and_types_is_taken_no_notice_of(server):
    token = server.admin_token
    since = sync(server, token)["next_batch"]
    server.send(token, "news")
    wanted = json.dumps({"room": {"rooms": ["!none"], "timeline": {"types": ["m.x"]}}})
    told = sync(server, token, since=since, filter=wanted)
    assert timeline(server, told)[0]["content"]["body"] == "news"


def test_an_invitation_comes_with_the_sync(server):
    server.create("alice", "pw")
    token = server.token_of("alice")
    since = sync(server, token, timeout=0)["next_batch"]
    invited = {"user_id": "@alice:example.test"}
    server.asked("POST", room_path(server, "invite"), invited, server.admin_token)
    told = sync(server, token, since=since)["rooms"]
    assert list(told) == ["invite"] and server.admin_room.room_id in told["invite"]


# What a test makes of it


def test_a_secret_in_a_url_is_complained_of():
    with Conduit() as server:
        server.create("alice", "a password")
        assert server.api("GET", "/?password=a%20password", recorded=True)[0] == 200
        server.api("GET", "/?token=" + server.token_of("alice"), recorded=True)
        assert len(server.complaints) == 2


def test_a_tests_own_requests_are_not_in_the_record(server):
    assert server.admin_token and server.whoami(server.admin_token)
    assert server.routes == []
    assert server.api("GET", f"{V3}/login", recorded=True)[0] == 200
    server.api("GET", f"{V3}/profile/%40a%2Fb%3Aexample.test", recorded=True)
    assert server.routes == [f"GET {V3}/login", f"GET {V3}/profile/{{user_id}}"]
    assert server.count(f"GET {V3}/login") == 1
    assert [one.status for one in server.requests] == [200, 404]


@pytest.mark.parametrize("done", [True, False])
def test_a_connection_is_cut_after_it_was_done_or_before(server, done):
    server.create("alice", "pw")
    server.cut(f"POST {V3}/login", nth=2, done=done)
    body = {"type": "m.login.password", "password": "pw"}
    body |= {"identifier": {"type": "m.id.user", "user": "alice"}}
    assert server.api("POST", f"{V3}/login", body, recorded=True)[0] == 200
    with pytest.raises((OSError, http.client.HTTPException)):
        server.api("POST", f"{V3}/login", body, recorded=True)
    assert len(server.devices("alice")) == (2 if done else 1)
    assert server.api("POST", f"{V3}/login", body, recorded=True)[0] == 200


def test_a_reply_may_be_put_in_the_place_of_its_own(server):
    server.before = lambda request: Reply(429, {"errcode": "M_LIMIT_EXCEEDED"})
    assert server.api("GET", f"{V3}/login")[0] == 429
    server.before = None
    server.after = lambda request, reply: Reply(502, b"bad gateway")
    assert server.api("GET", f"{V3}/login") == (502, {"text": "bad gateway"})


def test_a_restart_keeps_the_port_and_what_it_knew(server):
    server.create("alice", "pw")
    url, token = server.url, server.token_of("alice")
    server.restart(federation=False)
    assert server.url == url and server.whoami(token) is not None
    assert server.api("GET", "/_matrix/federation/v1/version")[0] in (403, 500)
    server.stop()
    with pytest.raises(OSError):
        server.api("GET", "/")
    server.start()
    assert server.whoami(token) is not None


def test_a_sync_that_waits_ends_with_the_server(server):
    token = server.admin_token
    since = sync(server, token)["next_batch"]
    timer = threading.Timer(0.2, server.stop)
    timer.start()
    begin = time.monotonic()
    with pytest.raises((OSError, http.client.HTTPException, AssertionError)):
        sync(server, token, since=since, timeout=20_000)
        raise AssertionError
    assert time.monotonic() - begin < 10
    timer.join()


def test_it_tells_its_name_with_its_keys(server):
    told = server.asked("GET", "/_matrix/key/v2/server")
    assert told["server_name"] == "example.test"
    server.restart(federation=False)
    # Conduit tells it all the same (api/server_server.rs).
    expected = 200 if isinstance(server, Conduit) else 403
    assert server.api("GET", "/_matrix/key/v2/server")[0] == expected
