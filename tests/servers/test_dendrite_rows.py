# SPDX-License-Identifier: GPL-3.0-or-later
"""What Dendrite has no API for: who is an administrator, who is deactivated. The
database changes it, and without one it is said, and never guessed."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.servers.dendrites import (
    rows_of,
    sessions,
    set_avatar,
    with_all,
    with_rows,
    with_secret,
    with_service,
)
from tests.servers.proof import (
    NEW,
    SERVICE,
    a_password,
    changes,
    facts,
    has_nothing_to_do,
    is_refused,
    logs_in,
    predicted,
    run_module,
    state,
)
from tests.support.dendrite import ADMIN, APPSERVICE, GUEST, USER

AVATAR = "mxc://example.test/Avatar"


@pytest.fixture
def server(dendrite_postgres):
    return dendrite_postgres


@pytest.fixture
def alice(server, unique):
    """An account that is there: its name and its password."""
    name, password = unique("alice"), a_password()
    server.register(name, password)
    return name, password


# Without a database


def test_without_a_database_what_anybody_may_see_is_all_that_is_said(dendrite, unique):
    name, password = unique("alice"), a_password()
    dendrite.register(name, password, admin=True, displayname="Alice")
    set_avatar(dendrite, name, password, AVATAR)
    seen = has_nothing_to_do(dendrite, with_secret(dendrite, username=name))
    user = seen.json["user"]
    assert (user["displayname"], user["avatar_url"]) == ("Alice", AVATAR)
    assert not {"admin", "deactivated"} & set(user)


@pytest.mark.parametrize(
    "stated", [{"admin": True}, {"admin": False}, {"state": "deactivated"}], ids=str
)
@pytest.mark.parametrize("task", [with_secret, with_service])
def test_without_a_database_what_cannot_be_known_is_an_error_that_names_it(
    dendrite, unique, task, stated
):
    name = unique("alice")
    dendrite.register(name, a_password(), admin=stated.get("admin") is False)
    reply = is_refused(dendrite, task(dendrite, username=name, **stated), "unauthorized")
    assert "database" in reply.msg and dendrite.user_id(name) in reply.msg
    # An administrator would see no more, so none is made to look.
    assert dendrite.account(SERVICE) is None


def test_an_administrators_token_sees_no_more_of_it(dendrite, unique):
    name = unique("alice")
    dendrite.register(name, a_password())
    task = {"url": dendrite.url, "access_token": dendrite.admin_token}
    reply = is_refused(dendrite, task | {"username": name, "admin": True}, "unauthorized")
    assert "database" in reply.msg


def test_without_a_database_the_accounts_own_password_shows_whether_it_is_an_administrator(
    dendrite, unique
):
    for admin in (True, False):
        name, password = unique("alice"), a_password()
        dendrite.register(name, password, admin=admin)
        task = with_secret(dendrite, username=name, password=password)
        seen = has_nothing_to_do(dendrite, task | {"admin": admin})
        assert seen.json["user"]["admin"] is admin
        assert "database" in is_refused(dendrite, task | {"admin": not admin}, "unauthorized").msg
        assert sessions(dendrite, name) == []


def test_without_a_database_nobody_takes_a_deactivated_account_for_an_active_one(
    dendrite, unique
):
    name, password = unique("alice"), a_password()
    dendrite.register(name, password)
    dendrite.set_deactivated(name, True)
    task = with_secret(dendrite, username=name, password=password)
    seen = has_nothing_to_do(dendrite, task)
    assert "deactivated" not in seen.json["user"]
    is_refused(dendrite, task | {"if_exists": "match"}, "conflict")


# With one


def test_a_token_beside_it_takes_nothing_away(server, alice):
    name, password = alice
    task = with_rows(server, access_token=server.admin_token, username=name)
    changes(server, task | {"admin": True}, ["set admin"], {"admin": False}, {"admin": True})
    has_nothing_to_do(
        server, task | {"password": password, "update_password": "always", "admin": True}
    )


def test_with_a_database_all_is_seen_without_any_session(server, unique):
    name, password = unique("alice"), a_password()
    server.register(name, password, admin=True, displayname="Alice")
    set_avatar(server, name, password, AVATAR)
    seen = has_nothing_to_do(server, with_rows(server, username=name, displayname="Alice"))
    assert facts(server, name).items() <= seen.json["user"].items()
    assert seen.json["authenticated_by"] == "database"


def test_an_administrator_by_sql_is_one_at_once_and_no_more_at_once(server, alice):
    name, password = alice
    token = server.login(name, password)
    assert not server.may_administer(token)
    task = with_rows(server, username=name)
    for admin, action in ((True, "set admin"), (False, "unset admin")):
        sides = ({"admin": not admin}, {"admin": admin})
        done = changes(server, task | {"admin": admin}, [action], *sides)
        # Each request reads the row (userapi/internal/user_api.go, QueryAccessToken).
        assert server.may_administer(token) is admin
        assert "restart_required" not in done.json
        assert server.account(name).account_type == (ADMIN if admin else USER)
    assert logs_in(server, name, password)


@pytest.mark.parametrize("kind", [GUEST, APPSERVICE])
def test_a_guest_and_an_application_services_account_become_no_administrators(
    server, alice, kind
):
    name, _ = alice
    server._set(name, "account_type", kind)
    before = state(server)
    reply = run_module(with_rows(server, username=name, admin=True))
    assert reply.failed and not reply.changed and state(server) == before, reply.json
    assert "guest" in reply.msg and "application service" in reply.msg


def test_other_accounts_are_left_alone(server, alice, unique):
    # What would match, were a name a pattern.
    others = [f"{alice[0]}x", alice[0].replace("-", "_"), "x" + alice[0]]
    for other in others:
        server.register(other, a_password())
    was = [facts(server, other) for other in others]
    assert run_module(with_rows(server, username=alice[0], admin=True)).changed
    assert run_module(with_rows(server, username=alice[0], state="deactivated")).changed
    assert [facts(server, other) for other in others] == was


def test_a_deactivated_account_has_no_sessions_and_gets_none(server, alice):
    name, password = alice
    token = server.login(name, password, device_id="PHONE")
    server.login(name, password, device_id="LAPTOP")
    task = with_rows(server, username=name, state="deactivated")
    sides = ({"deactivated": False}, {"deactivated": True})
    done = changes(server, task, ["deactivate"], *sides)
    assert server.whoami(token) is None and sessions(server, name) == []
    assert not logs_in(server, name, password)
    # What the server itself would do besides.
    (warning,) = done.json["warnings"]
    for word in ("rooms", "keys", "push rules"):
        assert word in warning


def test_a_deactivation_of_which_a_part_fails_is_none(server, alice):
    name, password = alice
    token = server.login(name, password)
    server.postgres.trap(
        server.database_name,
        "userapi_devices",
        "DELETE",
        "RAISE EXCEPTION 'no' USING ERRCODE = 'P0001';",
    )
    try:
        task = with_rows(server, username=name, state="deactivated")
        before = state(server)
        reply = run_module(task)
        assert (reply.failed, reply.kind, reply.changed) == (True, "database", False)
        assert state(server) == before
    finally:
        server.postgres.spring(server.database_name)
    assert server.whoami(token) is not None
    assert run_module(task).json["actions"] == ["deactivate"]


def test_a_deactivated_account_comes_back_only_when_that_is_said(server, alice):
    name, password = alice
    server.set_deactivated(name, True)
    task = with_rows(server, username=name)
    reply = is_refused(server, task, "conflict")
    assert "reactivate" in reply.msg
    sides = ({"deactivated": True}, {"deactivated": False})
    changes(server, task | {"reactivate": True}, ["reactivate"], *sides)
    # The hash stays in the row: the old password is the password.
    assert logs_in(server, name, password)


def test_a_reactivation_with_a_password_sets_it(server, alice):
    name, old = alice
    server.set_deactivated(name, True)
    new = a_password()
    task = with_service(
        server, database=rows_of(server), username=name, password=new, reactivate=True
    )
    before = predicted(server, task)
    done = run_module(task, diff=True)
    for reply in (before, done):
        assert reply.json["user"]["actions"] == ["reactivate", "set password"], reply.json
    assert done.json["diff"][0]["after"]["password"] == NEW
    assert logs_in(server, name, new) and not logs_in(server, name, old)
    has_nothing_to_do(server, task)


def test_names_with_quotes_and_sql_are_refused_before_anything_is_sent(server):
    for name in ("a'; DROP TABLE userapi_accounts; --", 'a"b', "a\\'b", "%", "$1"):
        is_refused(server, with_rows(server, username=name, admin=True), "invalid")


def test_an_account_that_is_not_there_is_not_made_by_sql(server, unique):
    name = unique("nobody")
    for stated in ({"admin": True}, {"state": "deactivated"}):
        before = state(server)
        reply = run_module(with_rows(server, username=name, **stated))
        assert state(server) == before and not reply.changed
    # To be deactivated, it need not be there.
    assert not reply.failed


def test_a_list_of_users_goes_over_one_connection(server, unique):
    names = [unique("alice") for _ in range(12)]
    for name in names:
        server.register(name, a_password())

    def connections() -> int:
        """Of the module; Dendrite itself may open one in the meantime."""
        return sum(
            f"database={server.database_name} application_name=registrar" in line
            for line in server.postgres.log().splitlines()
        )

    before = connections()
    users = [{"username": name, "admin": True} for name in names]
    reply = run_module(with_rows(server, users=users))
    assert reply.json["summary"]["changed"] == 12, reply.json
    assert connections() - before == 1
    assert all(server.is_admin(name) for name in names)
    has_nothing_to_do_in_a_list(server, with_rows(server, users=users))


def has_nothing_to_do_in_a_list(server, task):
    before = state(server)
    reply = run_module(task)
    assert not reply.failed and not reply.changed and state(server) == before, reply.json


def test_the_display_name_is_changed_by_the_account_itself(server, alice):
    name, password = alice
    task = with_rows(server, username=name, password=password, displayname="Alice II")
    sides = ({"displayname": name}, {"displayname": "Alice II"})
    changes(server, task, ["set displayname"], *sides)
    assert sessions(server, name) == []
    nobody = with_rows(server, username=name, displayname="Alice III")
    assert "own password" in is_refused(server, nobody, "unauthorized").msg


def test_an_avatar_is_changed_and_cleared_by_the_account_itself_without_a_database(
    dendrite, unique
):
    name, password = unique("alice"), a_password()
    dendrite.register(name, password)
    task = with_secret(dendrite, username=name, password=password)
    first = changes(
        dendrite,
        task | {"avatar_url": AVATAR},
        ["set avatar_url"],
        {"avatar_url": None},
        {"avatar_url": AVATAR},
    )
    assert first.json["user"]["avatar_url"] == AVATAR
    changes(
        dendrite,
        task | {"avatar_url": ""},
        ["clear avatar_url"],
        {"avatar_url": AVATAR},
        {"avatar_url": None},
    )
    assert sessions(dendrite, name) == []


def test_two_runs_at_once_make_one_account_and_both_are_content(server, unique):
    for stated in ({}, {"admin": True}):
        name = unique("alice")
        task = with_all(server, username=name, password=a_password(), **stated)
        with ThreadPoolExecutor(4) as pool:
            replies = list(pool.map(run_module, [task] * 4))
        assert not [reply.json for reply in replies if reply.failed]
        assert sum("create" in reply.json["actions"] for reply in replies) == 1
        assert facts(server, name)["admin"] is stated.get("admin", False)
        assert sessions(server, name) == [] and logs_in(server, name, task["password"])
        has_nothing_to_do(server, task)


def test_two_runs_that_want_opposites_end_in_one_of_them(server, alice):
    name, _ = alice
    tasks = [with_rows(server, username=name, admin=admin) for admin in (True, False)] * 3
    with ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(run_module, tasks))
    assert not [reply.json for reply in replies if reply.failed]
    assert server.account(name).account_type in (ADMIN, USER)
