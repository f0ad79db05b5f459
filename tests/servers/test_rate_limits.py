# SPDX-License-Identifier: GPL-3.0-or-later
"""Synapse's own rate limits, and what the module says or does about them."""

import pytest

from tests.servers.proof import (
    a_password,
    by_nothing,
    by_token,
    has_nothing_to_do,
    ran_in_vain,
    run_module,
    session_is_alive,
    sessions_of,
)
from tests.support.synapse import Synapse


@pytest.fixture(scope="module", params=["newest", "floor"])
def limited(request):
    """A server with the limits of a fresh installation."""
    with Synapse(request.param, default_limits=True) as server:
        yield server


def test_twelve_display_names_in_a_row_are_all_set(limited, unique):
    # rc_message allows a burst of 10 (synapse/config/ratelimiting.py). It is
    # asked after the name was stored (synapse/handlers/profile.py,
    # _update_join_states), so the 429 comes too late to prevent anything.
    name = unique("alice")
    limited.register(name, a_password())
    replies = []
    for number in range(12):
        reply = run_module(by_token(limited, username=name, displayname=f"Alice {number}"))
        assert reply.changed and not reply.failed, reply.json
        assert reply.json["actions"] == ["set displayname"]
        assert limited.user(name)["displayname"] == f"Alice {number}"
        replies.append(reply)
    warned = [reply for reply in replies if reply.json.get("warnings")]
    assert warned, "the limit was not met"
    assert all("profile" in " ".join(reply.json["warnings"]) for reply in warned)
    # Nothing is waited for: it is done.
    assert max(reply.seconds for reply in replies) < 4
    has_nothing_to_do(limited, by_token(limited, username=name, displayname="Alice 11"))


def test_a_display_name_over_the_limit_does_not_swallow_what_comes_after_it(limited, unique):
    # PUT v2/users sets the name first and stops at the 429
    # (synapse/rest/admin/users.py): the flag and the password are still due.
    name, password = unique("alice"), a_password()
    limited.register(name, a_password())
    warned = False
    for number in range(12):
        task = by_token(
            limited, username=name, displayname=f"Alice {number}", admin=number % 2 == 0
        )
        reply = run_module(task)
        assert not reply.failed, reply.json
        assert reply.json["actions"] == [
            "set admin" if number % 2 == 0 else "unset admin",
            "set displayname",
        ]
        user = limited.user(name)
        assert user["displayname"] == f"Alice {number}"
        assert user["admin"] is (number % 2 == 0)
        warned = warned or "warnings" in reply.json
    assert warned, "the limit was not met"

    task = by_token(
        limited,
        username=name,
        displayname="Alice",
        password=password,
        update_password="always",
    )
    reply = run_module(task)
    assert reply.json["actions"] == ["set displayname", "set password"], reply.json
    has_nothing_to_do(limited, task)


def test_questions_about_passwords_spend_no_logins(limited, unique):
    # rc_login allows five (synapse/config/ratelimiting.py), and no more for
    # about five minutes.
    name, password = unique("alice"), a_password()
    limited.register(name, password)
    task = by_token(limited, username=name, password=password, update_password="always")
    for _ in range(12):
        reply = ran_in_vain(limited, task)
        assert not reply.failed and not reply.changed, reply.json
        assert reply.seconds < 4
    token = limited.login(name, password)
    assert session_is_alive(limited, token)


def test_wrong_answers_are_no_failed_logins(limited, unique):
    # rc_login.failed_attempts has a burst of 3 and counts a LoginError, which
    # is not what a wrong password in user-interactive authentication becomes
    # (synapse/handlers/auth.py, check_ui_auth).
    name = unique("alice")
    limited.register(name, a_password())
    for _ in range(6):
        task = by_token(limited, username=name, password=a_password(), update_password="always")
        reply = run_module(task)
        assert reply.json["actions"] == ["set password"], reply.json
        assert "warnings" not in reply.json
        assert reply.seconds < 4


def test_the_sixth_login_says_what_would_help(limited, unique):
    # Burst 5, 0.003 a second (synapse/config/ratelimiting.py, rc_login): the
    # next one is allowed after 1/0.003 s. The last test of this file, since it
    # leaves no logins; the first may have spent one or two.
    admin, password = unique("root"), a_password()
    limited.register(admin, password, admin=True)
    task = {
        "url": limited.url,
        "admin_username": admin,
        "admin_password": password,
        "username": unique("alice"),
    }
    replies = [run_module(task) for _ in range(6)]
    assert not replies[0].failed, replies[0].json
    refused = replies[-1]
    assert refused.failed and refused.kind == "rate_limited", refused.json
    error = refused.json["error"]
    assert error["status"] == 429 and error["errcode"] == "M_LIMIT_EXCEEDED"
    assert 200_000 < error["retry_after_ms"] <= 334_000
    # Said at once: it is longer than retry_timeout (60 s) allows.
    assert refused.seconds < 10
    assert "access_token" in refused.msg and "rc_login" in refused.msg
    assert sessions_of(limited, admin) == 0

    task = by_nothing(limited, username=admin, password=password, if_exists="match")
    reply = ran_in_vain(limited, task)
    assert reply.kind == "rate_limited", reply.json
    assert not reply.changed


@pytest.fixture(scope="module")
def slow_logins():
    """One login, then one in four seconds."""
    limit = {"per_second": 0.25, "burst_count": 1}
    config = {"rc_login": {"address": limit}}
    with Synapse(config=config) as server:
        yield server


def test_a_short_limit_is_waited_for(slow_logins, unique):
    admin, password = unique("root"), a_password()
    slow_logins.register(admin, password, admin=True)
    task = {
        "url": slow_logins.url,
        "admin_username": admin,
        "admin_password": password,
        "username": unique("alice"),
    }
    replies = [run_module(task) for _ in range(2)]
    assert not any(reply.failed for reply in replies), [reply.json for reply in replies]
    assert replies[1].seconds > 1, "the limit was not met"

    impatient = run_module(task | {"retry_timeout": 0})
    assert impatient.kind == "rate_limited", impatient.json
    assert 0 < impatient.json["error"]["retry_after_ms"] <= 4000
