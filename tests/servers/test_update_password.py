# SPDX-License-Identifier: GPL-3.0-or-later
"""update_password: always. A password that is right already is left alone,
without a login and without a trace."""

import pytest

from tests.servers.proof import (
    NEW,
    OLD,
    a_password,
    by_secret,
    by_token,
    changes,
    has_nothing_to_do,
    is_refused,
    logs_in,
    requests_during,
    run_module,
    session_is_alive,
    sessions_of,
)
from tests.support.synapse import Synapse


def always(server, name, password, **options):
    return by_token(
        server, username=name, password=password, update_password="always", **options
    )


def sets_the_password(server, task, name, again=True, admin=False):
    account = {"admin": admin, "deactivated": False, "displayname": name}
    done = changes(
        server,
        task,
        ["set password"],
        account | {"password": OLD},
        account | {"password": NEW},
        again=again,
    )
    assert done.json["user"]["password_set"] is True
    return done


def test_a_right_password_is_left_alone_without_a_login(any_synapse, unique):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password)
    token = any_synapse.login(name, password)
    task = always(any_synapse, name, password)
    requests = requests_during(any_synapse, lambda: has_nothing_to_do(any_synapse, task))
    assert "POST /_matrix/client/v3/login" not in requests
    assert session_is_alive(any_synapse, token)
    assert len(any_synapse.devices(name)) == 1 and sessions_of(any_synapse, name) == 1
    any_synapse.logout(token)


def test_a_wrong_password_is_replaced_and_the_sessions_stay(any_synapse, unique):
    name, old, new = unique("alice"), a_password(), a_password()
    any_synapse.register(name, old)
    token = any_synapse.login(name, old)
    sets_the_password(any_synapse, always(any_synapse, name, new), name)
    assert logs_in(any_synapse, name, new) and not logs_in(any_synapse, name, old)
    assert session_is_alive(any_synapse, token)
    assert len(any_synapse.devices(name)) == 1 and sessions_of(any_synapse, name) == 1
    any_synapse.logout(token)


def test_logout_devices_ends_the_sessions_with_the_old_password(any_synapse, unique):
    name, old, new = unique("alice"), a_password(), a_password()
    any_synapse.register(name, old)
    token = any_synapse.login(name, old)
    sets_the_password(any_synapse, always(any_synapse, name, new, logout_devices=True), name)
    assert not session_is_alive(any_synapse, token)
    assert any_synapse.devices(name) == [] and sessions_of(any_synapse, name) == 0


def test_logout_devices_ends_no_session_when_the_password_was_right(any_synapse, unique):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password)
    token = any_synapse.login(name, password)
    has_nothing_to_do(any_synapse, always(any_synapse, name, password, logout_devices=True))
    assert session_is_alive(any_synapse, token)
    any_synapse.logout(token)


def test_the_callers_own_password_is_asked_about_and_replaced_like_others(any_synapse, unique):
    # Nobody gets a token on their own behalf (synapse/rest/admin/users.py,
    # UserTokenRestServlet), so its own session has to ask.
    admin, old, new = unique("root"), a_password(), a_password()
    any_synapse.register(admin, old, admin=True)
    token = any_synapse.login(admin, old)
    task = {
        "url": any_synapse.url,
        "access_token": token,
        "username": admin,
        "update_password": "always",
    }
    has_nothing_to_do(any_synapse, task | {"password": old})
    sets_the_password(any_synapse, task | {"password": new}, admin, admin=True)
    assert session_is_alive(any_synapse, token)
    assert logs_in(any_synapse, admin, new) and not logs_in(any_synapse, admin, old)
    any_synapse.logout(token)


def test_a_task_sets_the_password_that_it_logged_in_with(any_synapse, unique):
    admin, old, new = unique("root"), a_password(), a_password()
    any_synapse.register(admin, old, admin=True)
    task = {
        "url": any_synapse.url,
        "admin_username": admin,
        "admin_password": old,
        "username": admin,
        "password": new,
        "update_password": "always",
        "logout_devices": True,
    }
    sets_the_password(any_synapse, task, admin, again=False, admin=True)
    assert logs_in(any_synapse, admin, new)
    assert any_synapse.devices(admin) == [] and sessions_of(any_synapse, admin) == 0
    has_nothing_to_do(any_synapse, task | {"admin_password": new})


def test_a_locked_accounts_password_is_set_each_time_and_the_reply_says_why(
    any_synapse, unique
):
    # Its tokens are answered 401 M_USER_LOCKED, in Synapse 1.103 401
    # ORG_MATRIX_MSC3939_USER_LOCKED (synapse/api/errors.py, Codes.USER_LOCKED).
    name, old, new = unique("alice"), a_password(), a_password()
    any_synapse.register(name, old)
    path = "/_synapse/admin/v2/users/" + any_synapse.user_id(name)
    token = any_synapse.admin_token
    assert any_synapse.api("PUT", path, {"locked": True}, token)[0] == 200
    done = sets_the_password(any_synapse, always(any_synapse, name, new), name, again=False)
    assert any("locked" in warning for warning in done.json["warnings"])
    again = sets_the_password(any_synapse, always(any_synapse, name, new), name, again=False)
    assert again.changed
    assert any_synapse.user(name)["locked"] is True
    assert any_synapse.api("PUT", path, {"locked": False}, token)[0] == 200
    assert logs_in(any_synapse, name, new)


def test_an_account_without_a_password_gets_one_and_keeps_it(any_synapse, unique):
    name, password = unique("alice"), a_password()
    assert run_module(by_token(any_synapse, username=name)).changed
    done = sets_the_password(any_synapse, always(any_synapse, name, password), name)
    assert logs_in(any_synapse, name, password)
    # It was told apart: nothing is set "each time".
    assert not any("each time" in warning for warning in done.json.get("warnings", []))


def test_without_the_probe_the_password_is_set_each_time(any_synapse, unique):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password)
    task = always(any_synapse, name, password, password_probe=False)
    requests = requests_during(any_synapse, lambda: run_module(task))
    # GET /login lists what logins there are; a POST would be one, or a token.
    assert not [r for r in requests if "3pid" in r or ("/login" in r and r.startswith("POST"))]
    sets_the_password(any_synapse, task, name, again=False)
    assert logs_in(any_synapse, name, password)


def test_a_new_account_gets_its_password_with_always_as_with_on_create(any_synapse, unique):
    name, password = unique("alice"), a_password()
    reply = run_module(always(any_synapse, name, password))
    assert reply.json["actions"] == ["create"]
    assert logs_in(any_synapse, name, password)
    has_nothing_to_do(any_synapse, always(any_synapse, name, password))


def test_a_password_and_other_fields_change_together(any_synapse, unique):
    name, old, new = unique("alice"), a_password(), a_password()
    any_synapse.register(name, old)
    before = {"admin": False, "deactivated": False, "displayname": name, "password": OLD}
    after = {"admin": True, "deactivated": False, "displayname": "Alice", "password": NEW}
    task = always(any_synapse, name, new, admin=True, displayname="Alice")
    changes(any_synapse, task, ["set admin", "set displayname", "set password"], before, after)
    assert logs_in(any_synapse, name, new)


def test_only_the_first_72_bytes_of_a_password_are_compared_as_the_server_does(synapse, unique):
    # synapse/handlers/auth.py, hash: bcrypt takes 72 bytes of it.
    name, password = unique("alice"), "x" * 72
    synapse.register(name, password)
    reply = has_nothing_to_do(synapse, always(synapse, name, password + "y"))
    assert any("72" in warning for warning in reply.json["warnings"])


def test_passwords_are_compared_as_the_server_normalises_them(synapse, unique):
    # synapse/handlers/auth.py, hash: unicodedata.normalize("NFKC", password)
    name = unique("alice")
    synapse.register(name, "ｐａｓｓ e\u0301 ﬁ")
    has_nothing_to_do(synapse, always(synapse, name, "pass \u00e9 fi"))


def test_without_an_administrator_a_login_with_the_password_answers(any_synapse, unique):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password)
    task = by_secret(any_synapse, username=name, password=password, update_password="always")
    requests = requests_during(any_synapse, lambda: run_module(task))
    assert requests.count("POST /_matrix/client/v3/login") == 1
    assert requests.count("POST /_matrix/client/v3/logout") == 1
    has_nothing_to_do(any_synapse, task)
    reply = is_refused(any_synapse, task | {"password": a_password()}, "unauthorized")
    assert "access_token" in reply.msg
    assert logs_in(any_synapse, name, password)


# Servers that hinder the question.

# synapse/rest/client/account.py, ThreepidAddRestServlet: refused before the
# password is looked at.
NO_ADDRESSES = {"enable_3pid_changes": False}
# synapse/handlers/auth.py, validate_user_via_ui_auth: a token that is younger
# need not give the password, where can_skip_ui_auth (deleting a device).
SESSIONS = {"ui_auth": {"session_timeout": "15m"}}


VERSIONS = ("newest", "floor")


@pytest.fixture(
    scope="module",
    params=[(version, config) for version in VERSIONS for config in (NO_ADDRESSES, SESSIONS)],
    ids=[f"{version}-{config}" for version in VERSIONS for config in ("no-3pid", "sessions")],
)
def hindered(request):
    version, config = request.param
    with Synapse(version, config=config) as server:
        yield server


@pytest.fixture(scope="module", params=VERSIONS)
def mute(request):
    with Synapse(request.param, config=NO_ADDRESSES | SESSIONS) as server:
        yield server


def test_right_is_told_from_wrong_on_a_server_that_hinders_one_question(hindered, unique):
    name, old, new = unique("alice"), a_password(), a_password()
    hindered.register(name, old)
    token = hindered.login(name, old)
    reply = has_nothing_to_do(hindered, always(hindered, name, old))
    assert "warnings" not in reply.json
    sets_the_password(hindered, always(hindered, name, new), name)
    assert logs_in(hindered, name, new) and not logs_in(hindered, name, old)
    assert session_is_alive(hindered, token)


def test_the_callers_own_password_is_told_on_a_server_that_hinders_one_question(
    hindered, unique
):
    admin, old, new = unique("root"), a_password(), a_password()
    hindered.register(admin, old, admin=True)
    token = hindered.login(admin, old)
    task = {
        "url": hindered.url,
        "access_token": token,
        "username": admin,
        "update_password": "always",
    }
    has_nothing_to_do(hindered, task | {"password": old})
    sets_the_password(hindered, task | {"password": new}, admin, admin=True)
    assert logs_in(hindered, admin, new)


def test_a_device_of_the_account_survives_every_question(hindered, unique):
    name, password = unique("alice"), a_password()
    hindered.register(name, password)
    token = hindered.login(name, password)
    devices = [device["device_id"] for device in hindered.devices(name)]
    run_module(always(hindered, name, password))
    run_module(always(hindered, name, a_password()))
    assert [device["device_id"] for device in hindered.devices(name)] == devices
    assert session_is_alive(hindered, token)


def test_where_no_question_can_be_asked_the_password_is_set_each_time_and_why_is_said(
    mute, unique
):
    name, old, new = unique("alice"), a_password(), a_password()
    mute.register(name, old)
    for _ in range(2):
        done = sets_the_password(mute, always(mute, name, new), name, again=False)
        warnings = " ".join(done.json["warnings"])
        assert "enable_3pid_changes" in warnings and "session_timeout" in warnings
    assert logs_in(mute, name, new)
