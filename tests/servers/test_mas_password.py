# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords in MAS by its admin API, which neither tells nor compares them: whether one
is set already is asked by a login, of which MAS allows few."""

import pytest

from tests.servers.mas_proof import (
    BY_NAME,
    CLOSING,
    OPENING,
    changes,
    fails,
    has_nothing_to_do,
    is_refused,
    predicted,
    setting,
    state,
    succeeds,
    task,
)
from tests.servers.proof import NEW, OLD, a_password
from tests.support.mas_wire import Reply
from tests.support.module import run_module

pytestmark = pytest.mark.usefixtures("nothing_left")

LOGIN, LOGOUT = "POST /_matrix/client/v3/login", "POST /_matrix/client/v3/logout"
SET = "POST /users/{id}/set-password"


@pytest.fixture
def alice(mas, unique):
    """A user of MAS's with a password; (name, password)."""
    name, password = unique("alice"), a_password()
    mas.create(name, password)
    return name, password


def always(mas, name, password, **more):
    return task(mas, username=name, password=password, update_password="always", **more)


# Which password it is


def test_on_create_leaves_the_password_of_an_existing_account_alone(mas, alice):
    name, password = alice
    has_nothing_to_do(mas, task(mas, username=name, password=a_password()))
    assert mas.has_password(name, password)
    assert mas.count(LOGIN) == 0


def test_always_sets_another_password_once(mas, alice):
    name, _ = alice
    new = a_password()
    mas.compat.limiter.burst = 30
    try:
        changes(mas, always(mas, name, new), ["set password"], {"password": OLD}, {"password": NEW})
    finally:
        mas.compat.limiter.burst = 3
    assert mas.has_password(name, new)


def test_always_with_the_same_password_is_one_login_which_is_ended(mas, alice):
    succeeds(run_module(always(mas, *alice)))
    assert mas.routes == [*OPENING, BY_NAME, LOGIN, LOGOUT, *CLOSING]


def test_always_sets_a_password_where_there_is_none(mas, unique):
    name, password = unique("alice"), a_password()
    mas.create(name)
    succeeds(run_module(always(mas, name, password)), "set password")
    assert mas.has_password(name, password)


def test_without_a_probe_the_password_is_set_each_time_and_nobody_logs_in(mas, alice):
    name, password = alice
    arguments = always(mas, name, password, password_probe=False)
    for _ in range(2):
        assert succeeds(run_module(arguments), "set password").changed
    assert mas.count(LOGIN) == 0 and mas.has_password(name, password)


def test_a_locked_account_s_password_cannot_be_told_and_is_set_each_time(mas, alice):
    name, password = alice
    succeeds(run_module(task(mas, username=name, locked=True)), "lock")
    reply = succeeds(run_module(always(mas, name, password)), "set password")
    assert any("locked" in warning and "each time" in warning for warning in reply.json["warnings"])
    assert mas.count(LOGIN) == 0


def test_a_password_is_any_text(mas, alice):
    name, _ = alice
    for password in ("Ünïcode ❤ & %2B+ \"quoted\" \\ pass", " blanks at both ends of it ", "x+y%z&a=b c d e f"):
        mas.compat.limiter.reset()
        succeeds(run_module(always(mas, name, password)), "set password")
        succeeds(run_module(always(mas, name, password)))
        assert mas.has_password(name, password)


def test_a_password_that_is_too_weak_changes_nothing(mas, alice):
    name, password = alice
    is_refused(mas, always(mas, name, "Xk4$vQ!w"), "policy", "too weak")
    mas.compat.limiter.reset()
    reply = fails(run_module(always(mas, name, "letmein123")), "policy", "Password is too weak")
    assert not reply.changed and mas.has_password(name, password)
    arguments = always(mas, name, "letmein123", skip_password_check=True)
    succeeds(run_module(arguments), "set password")
    assert mas.has_password(name, "letmein123")


# How often that may be asked


def test_three_may_be_asked_about_in_one_task_and_four_are_refused_beforehand(mas, unique):
    users = []
    for _ in range(4):
        name, password = unique("alice"), a_password()
        mas.create(name, password)
        users.append({"username": name, "password": password, "update_password": "always"})
    asking = task(mas)
    assert not run_module(asking | {"users": users[:3]}).failed
    mas.forget()
    four = asking | {"users": [*users[:3], users[3] | {"admin": True}]}
    before = state(mas)
    for check in (False, True):
        reply = fails(run_module(four, check=check), "invalid", "database", "password_probe: false")
        assert not reply.changed
    assert mas.count(LOGIN, BY_NAME) == 0 and state(mas) == before
    for user in users:
        user |= {"password": a_password(), "password_probe": False}
    reply = run_module(asking | {"users": users})
    assert not reply.failed and reply.json["summary"]["changed"] == 4, reply.json


def test_where_the_limit_is_reached_the_error_says_how_to_do_without_a_login(mas, alice):
    for _ in range(3):
        assert mas.login(alice[0], "wrong").status == 403
    arguments = always(mas, *alice, retry_timeout=0)
    ways = ("database", "password_probe: false", "rate_limiting.login", "20 s")
    reply = fails(run_module(arguments), "rate_limited", *ways)
    # MAS names no wait.
    assert "retry_after_ms" not in reply.json["error"]


# generate_password


def test_a_password_is_generated_for_a_new_account_only(mas, unique):
    name = unique("alice")
    arguments = task(mas, username=name, generate_password=True)
    assert "generated_password" not in predicted(mas, arguments).json["user"]
    reply = succeeds(run_module(arguments), "create")
    generated = reply.json["user"]["generated_password"]
    assert mas.has_password(name, generated)
    assert "generated_password" not in has_nothing_to_do(mas, arguments).json["user"]


def test_a_generated_password_of_a_run_that_was_cut_off_is_made_anew(mas, unique, tmp_path):
    name = unique("alice")
    kept = str(tmp_path / "kept" / "sessions.json")
    arguments = task(mas, username=name, generate_password=True, session_file=kept)

    def breaks_down(request):
        broken = Reply(500, {"errors": [{"title": "Something broke"}]})
        return broken if request.route == SET else None

    with setting(mas, before=breaks_down):
        reply = run_module(arguments | {"retry_timeout": 0})
        assert reply.failed and reply.changed, reply.json
    reply = succeeds(run_module(arguments), "set password")
    assert mas.has_password(name, reply.json["user"]["generated_password"])
    has_nothing_to_do(mas, arguments)


# verify_login


def test_verify_login_logs_in_at_mas_and_out_and_leaves_no_device(mas, unique):
    arguments = task(mas, username=unique("alice"), password=a_password(), verify_login=True)
    succeeds(run_module(arguments), "create")
    assert mas.count(LOGIN) == mas.count(LOGOUT) == 1
    succeeds(run_module(arguments))


def test_verify_login_says_that_an_existing_account_keeps_its_password(mas, alice):
    name, password = alice
    arguments = task(mas, username=name, password=a_password(), verify_login=True)
    reply = fails(run_module(arguments), "unauthorized", "update_password is always")
    assert not reply.changed and mas.has_password(name, password)


def test_verify_login_is_left_out_in_check_mode(mas, alice):
    arguments = task(mas, username=alice[0], password=alice[1], verify_login=True)
    reply = predicted(mas, arguments)
    assert any("check mode" in warning for warning in reply.json["warnings"])
    assert mas.count(LOGIN) == 0


def test_where_passwords_are_off_verify_login_is_refused_before_anything(mas, unique):
    arguments = task(mas, username=unique("alice"), password=a_password(), verify_login=True)
    with setting(mas, password_login_enabled=False):
        is_refused(mas, arguments, "unsupported", "passwords.enabled")


def test_a_locked_account_cannot_log_in_which_verify_login_tells(mas, alice):
    name, password = alice
    succeeds(run_module(task(mas, username=name, locked=True)), "lock")
    arguments = task(mas, username=name, password=password, verify_login=True)
    reply = run_module(arguments)
    assert reply.failed and "locked" in reply.msg, reply.json


# logout_devices


def sessions_of_all_kinds(mas, name):
    """One that began in each way; (kind, id) of what has to end."""
    key = mas.user(name)["user_id"]
    store = mas.store
    browser = store.insert("user_sessions", user_id=key)
    oauth = store.insert(
        "oauth2_sessions", user_id=key, oauth2_client_id=mas.client.id, scope="openid"
    )
    return [
        ("user_sessions", browser["user_session_id"]),
        ("oauth2_sessions", oauth["oauth2_session_id"]),
    ]


def test_a_password_change_ends_no_session_unless_that_is_stated(mas, alice):
    name, password = alice
    others = sessions_of_all_kinds(mas, name)
    token = mas.login(name, password).json["access_token"]
    mas.jobs.settle()
    server = mas.beside.server
    succeeds(run_module(always(mas, name, a_password())), "set password")
    assert server.api("GET", "/_matrix/client/v3/account/whoami", token=token)[0] == 200
    assert all(mas.store.get(*session)["finished_at"] is None for session in others)

    mas.compat.limiter.reset()
    arguments = always(mas, name, a_password(), logout_devices=True)
    succeeds(run_module(arguments), "set password")
    mas.jobs.settle()
    assert server.api("GET", "/_matrix/client/v3/account/whoami", token=token)[0] == 401
    assert all(mas.store.get(*session)["finished_at"] is not None for session in others)


def test_more_sessions_than_fit_on_a_page_are_ended(mas, alice):
    name, _ = alice
    key = mas.user(name)["user_id"]
    for _ in range(130):
        mas.store.insert("compat_sessions", user_id=key)
    arguments = always(mas, name, a_password(), logout_devices=True, password_probe=False)
    succeeds(run_module(arguments), "set password")
    assert mas.store.find("compat_sessions", user_id=key, finished_at=None) == []
