# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for tuwunel: what it says it is, what each release serves, and the shared
secret. Each test is a fact of tuwunel 1.9.0, read in its source or seen running; sections
are those of family.py."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.tuwunel import Tuwunel
from tests.support.tuwunel_register import NONCES

REGISTER = "/_synapse/admin/v1/register"


@pytest.fixture
def server() -> Iterator[Tuwunel]:
    with Tuwunel() as server:
        yield server
        assert not server.complaints


def mac_of(secret: str, body: dict[str, Any]) -> str:
    parts = [body["nonce"], body["username"], body["password"]]
    parts.append("admin" if body.get("admin") else "notadmin")
    if body.get("user_type") is not None:
        parts.append(body["user_type"])
    return hmac.new(secret.encode(), "\0".join(parts).encode(), hashlib.sha1).hexdigest()


def register(server: Tuwunel, username: str, password: str = "pw", **more: Any) -> tuple[int, Any]:
    """more: fields of the body, which win; `with_secret` makes the MAC."""
    secret = more.pop("with_secret", server.settings.registration_shared_secret)
    nonce = server.asked("GET", REGISTER)["nonce"]
    body = {"nonce": nonce, "username": username, "password": password} | more
    body.setdefault("mac", mac_of(secret, body))
    return server.api("POST", REGISTER, body)


def errcode(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["errcode"]


# What it is (section 6)


def test_it_names_itself_in_all_its_ways(server) -> None:
    assert server.asked("GET", "/_tuwunel/server_version") == {
        "name": "Tuwunel",
        "version": "1.9.0",
    }
    assert server.asked("GET", "/_synapse/admin/v1/server_version") == {"server_version": "1.9.0"}
    federation = server.asked("GET", "/_matrix/federation/v1/version")["server"]
    assert (federation["name"], federation["version"]) == ("Tuwunel", "1.9.0")
    versions = server.asked("GET", "/_matrix/client/versions")
    assert versions["server"]["name"] == "Tuwunel"
    assert "v1.19" in versions["versions"] and len(versions["versions"]) == 27
    assert versions["unstable_features"]["net.zemos.msc4383"] is True
    assert server.api("GET", "/") == (200, {"text": "hewwo from tuwunel woof!"})


def test_without_federation_its_version_and_its_count_are_forbidden() -> None:
    with Tuwunel(federation=False) as server:
        for path in ("/_matrix/federation/v1/version", "/_tuwunel/local_user_count"):
            assert errcode(server.api("GET", path)) == (403, "M_FORBIDDEN")
        assert server.asked("GET", "/_tuwunel/server_version")["name"] == "Tuwunel"


def test_its_count_has_none_of_the_deactivated(server) -> None:
    server.create("alice", "pw")
    server.create("gone", None)
    assert server.asked("GET", "/_tuwunel/local_user_count") == {"count": 1}


def test_what_it_does_not_serve_is_unrecognized(server) -> None:
    user = "@x:example.test"
    for path in (
        f"/_synapse/admin/v1/users/{user}/shadow_ban",
        f"/_synapse/admin/v1/users/{user}/override_ratelimit",
        f"/_synapse/admin/v1/auth_providers/oidc/users/{user}",
        "/_synapse/admin/v1/event_reports",
        "/_synapse/mas/query_user",
        "/_continuwuity/server_version",
        "/_matrix/client/v1/auth_metadata",
    ):
        status, body = server.api("GET", path, token=server.admin_token)
        assert (status, body["errcode"]) == (404, "M_UNRECOGNIZED")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", REGISTER),
        ("PUT", "/_synapse/admin/v1/users/@x:example.test/admin"),
        ("GET", "/_synapse/admin/v1/deactivate/@x:example.test"),
        ("POST", "/_synapse/admin/v2/users/@x:example.test"),
    ],
)
def test_another_method_on_a_path_it_serves_is_405(server, method, path) -> None:
    assert errcode(server.api(method, path, {}, server.admin_token)) == (405, "M_UNRECOGNIZED")


def test_an_error_repeats_its_code(server) -> None:
    status, body = server.try_login("nobody", "pw")
    assert status == 403
    assert body["error"] == "M_FORBIDDEN: Wrong username or password."


# Which release serves what


SHARED = ("GET", REGISTER)
USERS = ("GET", "/_synapse/admin/v2/users")
LOGIN_AS = ("POST", "/_synapse/admin/v1/users/@x:example.test/login")
VERSION = ("GET", "/_synapse/admin/v1/server_version")
SUSPEND = ("GET", "/_matrix/client/v1/admin/suspend/@x:example.test")


@pytest.mark.parametrize(
    ("version", "served", "missing"),
    [
        ("1.9.0", [SHARED, USERS, LOGIN_AS, SUSPEND], []),
        ("1.8.2", [SHARED, USERS, LOGIN_AS, SUSPEND], []),
        ("1.8.1", [SHARED, USERS, SUSPEND], [LOGIN_AS]),
        ("1.8.0", [SHARED, SUSPEND], [USERS, LOGIN_AS, VERSION]),
        ("1.6.2", [SUSPEND], [SHARED, USERS]),
        ("1.6.0", [], [SHARED, USERS, SUSPEND]),
    ],
)
def test_a_release_serves_what_its_tag_has(version, served, missing) -> None:
    with Tuwunel(version=version) as server:
        assert server.asked("GET", "/_tuwunel/server_version")["version"] == version
        for method, path in served:
            answer = server.api(method, path, token=server.admin_token)
            assert answer[1].get("errcode") != "M_UNRECOGNIZED", path
        for method, path in missing:
            answer = server.api(method, path, token=server.admin_token)
            assert errcode(answer) == (404, "M_UNRECOGNIZED"), path


def test_under_mas_only_what_mas_does_not_own_is_served() -> None:
    user = "@x:example.test"
    with Tuwunel(mas_secret="between them") as server:
        for method, path in (
            SHARED,
            ("POST", f"/_synapse/admin/v1/reset_password/{user}"),
            ("GET", f"/_synapse/admin/v1/users/{user}/admin"),
            LOGIN_AS,
            ("GET", "/_synapse/admin/v1/registration_tokens"),
        ):
            answer = server.api(method, path, {}, server.admin_token)
            assert errcode(answer) == (404, "M_UNRECOGNIZED"), path
        assert server.api(*USERS, token=server.admin_token)[0] == 200
    with Tuwunel(mas_secret="") as server:
        assert server.api(*SHARED)[0] == 200


# The shared secret (sections 1.1, 11)


def test_an_account_is_registered_and_its_session_works(server) -> None:
    status, body = register(server, "Alice", displayname="Disp Läy")
    assert status == 200
    assert body["user_id"] == "@alice:example.test"
    assert body["home_server"] == "example.test"
    assert server.whoami(body["access_token"])["device_id"] == body["device_id"]
    assert server.opens("alice", "pw")
    assert not server.is_admin("@alice:example.test")
    # What is asked for gets the suffix, too.
    assert server.profile("alice") == {"displayname": "Disp Läy \N{TWO HEARTS}"}


def test_without_a_display_name_it_is_the_localpart_with_the_suffix(server) -> None:
    register(server, "alice")
    assert server.user("alice").displayname == "alice \N{TWO HEARTS}"
    server.restart(new_user_displayname_suffix="")
    register(server, "bob")
    assert server.user("bob").displayname == "bob"


def test_nobody_is_promoted_but_who_asks_for_it(server) -> None:
    assert register(server, "first")[0] == 200
    assert not server.admins()
    assert register(server, "boss", admin=True)[0] == 200
    assert server.admins() == ["@boss:example.test"]


def test_without_an_admin_room_the_grant_is_skipped_in_silence() -> None:
    with Tuwunel(create_admin_room=False) as server:
        status, body = register(server, "boss", admin=True)
        assert status == 200
        path = "/_synapse/admin/v2/users/@boss:example.test"
        assert errcode(server.api("GET", path, token=body["access_token"])) == (403, "M_FORBIDDEN")


def test_inhibit_login_makes_no_session(server) -> None:
    status, body = register(server, "alice", inhibit_login=True)
    assert status == 200
    assert body == {"user_id": "@alice:example.test", "home_server": "example.test"}
    assert not server.devices("alice")


def test_a_session_is_on_the_device_that_is_asked_for(server) -> None:
    _, body = register(server, "alice", device_id="MINE", initial_device_display_name="shown")
    assert body["device_id"] == "MINE"
    assert server.user("alice").devices["MINE"].display_name == "shown"
    assert "refresh_token" not in body


def test_a_refresh_token_comes_with_an_end(server) -> None:
    _, body = register(server, "alice", refresh_token=True)
    assert body["expires_in_ms"] == 604_800_000
    assert body["refresh_token"] != body["access_token"]


def test_the_mac_may_be_in_capitals_and_has_the_user_type(server) -> None:
    nonce = server.asked("GET", REGISTER)["nonce"]
    body = {"nonce": nonce, "username": "bot", "password": "pw", "user_type": "bot"}
    body["mac"] = mac_of(server.settings.registration_shared_secret, body).upper()
    assert server.api("POST", REGISTER, body)[0] == 200


def test_the_mac_is_of_the_name_as_it_was_sent(server) -> None:
    nonce = server.asked("GET", REGISTER)["nonce"]
    body = {"nonce": nonce, "username": "CAPS", "password": "pw"}
    small = mac_of(server.settings.registration_shared_secret, body | {"username": "caps"})
    assert errcode(server.api("POST", REGISTER, body | {"mac": small})) == (403, "M_FORBIDDEN")


def test_a_nonce_is_gone_after_one_use_whatever_came_of_it(server) -> None:
    nonce = server.asked("GET", REGISTER)["nonce"]
    assert len(nonce) == 32
    assert errcode(register(server, "alice", nonce=nonce, mac="00")) == (403, "M_FORBIDDEN")
    assert errcode(register(server, "alice", nonce=nonce)) == (400, "M_INVALID_PARAM")


def test_a_nonce_lives_for_a_minute(server) -> None:
    nonce = server.asked("GET", REGISTER)["nonce"]
    server.nonces.made[nonce] -= 61
    assert errcode(register(server, "alice", nonce=nonce)) == (400, "M_INVALID_PARAM")


def test_the_oldest_nonce_goes_when_there_are_too_many(server) -> None:
    first = server.nonces.issue()
    for _ in range(NONCES):
        server.nonces.issue()
    assert first not in server.nonces.made
    assert len(server.nonces.made) == NONCES


def test_checks_come_in_this_order(server) -> None:
    server.create("taken", "pw")
    wrong = "00" * 20
    # What is wrong with a request, the earlier before the later.
    for username, password, more, expected in (
        ("", "", {"nonce": "unknown", "mac": wrong}, (400, "M_INVALID_PARAM")),
        ("", "", {"mac": wrong}, (400, "M_INVALID_PARAM")),
        ("bad name", "x" * 513, {"mac": wrong}, (400, "M_INVALID_PARAM")),
        ("bad name", "pw", {"mac": wrong}, (403, "M_FORBIDDEN")),
        ("a:b", "pw", {}, (400, "M_INVALID_PARAM")),
        ("bad name", "pw", {}, (400, "M_INVALID_USERNAME")),
        ("@a b:elsewhere.test", "pw", {}, (400, "M_INVALID_USERNAME")),
        ("@taken:elsewhere.test", "pw", {}, (400, "M_INVALID_PARAM")),
        ("taken", "pw", {}, (400, "M_USER_IN_USE")),
    ):
        assert errcode(register(server, username, password, **more)) == expected, username


@pytest.mark.parametrize("field", ["username", "password"])
@pytest.mark.parametrize(("value", "status"), [("", 400), ("x" * 513, 400), ("a\0b", 400)])
def test_a_name_and_a_password_have_bounds(server, field, value, status) -> None:
    fields = {"username": "alice", "password": "pw"} | {field: value}
    answer = register(server, fields["username"], fields["password"])
    assert errcode(answer) == (status, "M_INVALID_PARAM")


def test_the_longest_password_is_taken(server) -> None:
    assert register(server, "alice", "ä" * 256)[0] == 200
    assert server.opens("alice", "ä" * 256)


def test_a_name_that_was_deactivated_is_taken(server) -> None:
    server.create("gone", None)
    assert errcode(register(server, "gone")) == (400, "M_USER_IN_USE")


def test_a_whole_id_is_a_name_too(server) -> None:
    assert register(server, "@alice:example.test")[1]["user_id"] == "@alice:example.test"


def test_an_emergency_does_not_relax_the_grammar() -> None:
    with Tuwunel(emergency_password="of an emergency") as server:
        assert errcode(register(server, "a b")) == (400, "M_INVALID_USERNAME")


def test_a_star_for_a_password_is_none(server) -> None:
    assert register(server, "alice", "*")[0] == 200
    assert server.try_login("alice", "*")[0] == 403
    assert not server.user("alice").deactivated


def test_a_secret_that_is_not_set_is_unknown_and_not_404() -> None:
    with Tuwunel(registration_shared_secret=None) as server:
        assert errcode(server.api("GET", REGISTER)) == (400, "M_UNKNOWN")
        body = {"nonce": "x", "username": "a", "password": "b", "mac": "00"}
        assert errcode(server.api("POST", REGISTER, body)) == (400, "M_UNKNOWN")


def test_a_secret_s_file_is_read_at_each_use(tmp_path) -> None:
    file = tmp_path / "secret"
    file.write_text(" of the file\n")
    with Tuwunel(registration_shared_secret_file=str(file)) as server:
        assert register(server, "a", with_secret="of the file")[0] == 200
        file.write_text("another")
        assert register(server, "b", with_secret="of the file")[0] == 403
        assert register(server, "b", with_secret="another")[0] == 200


def test_a_blank_secret_s_file_still_gives_nonces_and_takes_no_registration(tmp_path) -> None:
    file = tmp_path / "secret"
    file.write_text("\n")
    with Tuwunel(registration_shared_secret_file=str(file)) as server:
        assert server.api("GET", REGISTER)[0] == 200
        assert errcode(register(server, "a", with_secret="")) == (400, "M_UNKNOWN")


@pytest.mark.parametrize(
    "change",
    [{"username": 1}, {"password": None}, {"admin": "yes"}, {"inhibit_login": None}, {"mac": 5}],
)
def test_another_type_is_bad_json(server, change) -> None:
    nonce = server.asked("GET", REGISTER)["nonce"]
    body = {"nonce": nonce, "username": "a", "password": "b", "mac": "00"} | change
    assert errcode(server.api("POST", REGISTER, body)) == (400, "M_BAD_JSON")


def test_a_missing_mac_is_bad_json_and_keeps_the_nonce(server) -> None:
    nonce = server.asked("GET", REGISTER)["nonce"]
    body = {"nonce": nonce, "username": "a", "password": "b"}
    assert errcode(server.api("POST", REGISTER, body)) == (400, "M_BAD_JSON")
    assert register(server, "a", "b", nonce=nonce)[0] == 200


# What a test does with it


def test_a_request_is_recorded_and_one_of_the_harness_is_not(server) -> None:
    server.api("GET", REGISTER)
    server.api("GET", REGISTER, recorded=True)
    assert server.routes == [f"GET {REGISTER}"]


def test_a_connection_can_be_cut_once_a_request_is_done(server) -> None:
    server.cut("PUT /_synapse/admin/v2/users", nth=1)
    path = "/_synapse/admin/v2/users/@alice:example.test"
    with pytest.raises(OSError):
        server.api("PUT", path, {"password": "pw"}, server.admin_token, recorded=True)
    assert server.opens("alice", "pw")


def test_answers_can_be_slow_but_not_to_the_test_itself(server) -> None:
    server.delay = 0.2
    for recorded in (False, True):
        begin = time.monotonic()
        server.api("GET", REGISTER, recorded=recorded)
        assert (time.monotonic() - begin >= 0.2) is recorded


def test_a_restart_keeps_accounts_and_changes_settings(server) -> None:
    server.create("alice", "pw")
    server.restart(version="1.8.0")
    assert server.opens("alice", "pw")
    assert errcode(server.api(*USERS, token=server.admin_token)) == (404, "M_UNRECOGNIZED")
