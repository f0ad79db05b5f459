# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose account it has to be, and whether it has to be there at all."""

from tests.servers.proof import (
    NEW,
    a_password,
    by_nothing,
    by_secret,
    by_token,
    changes,
    deactivate,
    has_nothing_to_do,
    is_refused,
    logs_in,
    predicted,
    requests_during,
    run_module,
    sessions_of,
    state,
)


def account(displayname, admin=False):
    return {"admin": admin, "deactivated": False, "displayname": displayname}


def test_match_makes_an_account_and_finds_it_again(any_synapse, unique):
    for credential in (by_secret, by_token):
        name, password = unique("alice"), a_password()
        task = credential(
            any_synapse, username=name, password=password, admin=True, if_exists="match"
        )
        changes(
            any_synapse, task, ["create"], {}, account(name, admin=True) | {"password": NEW}
        )
        assert sessions_of(any_synapse, name) == 0 and any_synapse.devices(name) == []


def test_match_is_satisfied_by_the_own_password_without_any_other_credential(
    any_synapse, unique
):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password)
    other_session = any_synapse.login(name, password)
    task = by_nothing(any_synapse, username=name, password=password, if_exists="match")
    reply = has_nothing_to_do(any_synapse, task)
    assert reply.json["authenticated_by"] == "password"
    assert reply.json["user"]["user_id"] == any_synapse.user_id(name)
    assert reply.json["user"]["admin"] is False
    assert len(any_synapse.devices(name)) == 1
    any_synapse.logout(other_session)


def test_match_spends_one_login_and_ends_it(any_synapse, unique):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password, admin=True)
    task = by_nothing(
        any_synapse,
        username=name,
        password=password,
        admin=True,
        update_password="always",
        if_exists="match",
    )
    requests = requests_during(any_synapse, lambda: run_module(task))
    assert requests.count("POST /_matrix/client/v3/login") == 1
    assert requests.count("POST /_matrix/client/v3/logout") == 1
    has_nothing_to_do(any_synapse, task)


def test_match_sees_an_administrators_flag_with_its_own_password(any_synapse, unique):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password, admin=True, displayname="Alice")
    task = by_nothing(
        any_synapse,
        username=name,
        password=password,
        admin=True,
        displayname="Alice",
        if_exists="match",
    )
    reply = has_nothing_to_do(any_synapse, task)
    assert reply.json["user"]["admin"] is True


def test_match_cannot_promote_with_the_own_password(any_synapse, unique):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password)
    for credential in (by_nothing, by_secret):
        task = credential(
            any_synapse, username=name, password=password, admin=True, if_exists="match"
        )
        reply = is_refused(any_synapse, task, "unauthorized")
        assert "access_token" in reply.msg
    assert any_synapse.user(name)["admin"] is False
    assert sessions_of(any_synapse, name) == 0


def test_match_sets_a_display_name_with_the_own_password(any_synapse, unique):
    for credential in (by_nothing, by_secret):
        name, password = unique("alice"), a_password()
        any_synapse.register(name, password)
        task = credential(
            any_synapse, username=name, password=password, displayname="A", if_exists="match"
        )
        changes(any_synapse, task, ["set displayname"], account(name), account("A"))
        assert sessions_of(any_synapse, name) == 0


def test_match_promotes_the_right_account_as_an_administrator(any_synapse, unique):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password)
    task = by_token(
        any_synapse, username=name, password=password, admin=True, if_exists="match"
    )
    changes(any_synapse, task, ["set admin"], account(name), account(name, admin=True))


def test_check_mode_of_match_finds_the_own_account_where_nobody_tells_the_servers_name(
    synapse, unique
):
    # A second register-user in check mode: one login with the password answers,
    # as it does without check mode.
    name, password = unique("alice"), a_password()
    synapse.register(name, password)
    task = by_secret(synapse, username=name, password=password, if_exists="match")
    del task["server_name"]
    reply = has_nothing_to_do(synapse, task)
    assert "guess" not in reply.json["user"]
    is_refused(synapse, task | {"if_exists": "fail"}, "conflict", in_check_mode=False)


def test_match_never_touches_an_account_with_another_password(any_synapse, unique):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password)
    for credential in (by_secret, by_token):
        for stated in (
            {},
            {"admin": True},
            {"displayname": "Mallory"},
            {"update_password": "always"},
            {"reactivate": True},
        ):
            task = credential(
                any_synapse,
                username=name,
                password=a_password(),
                if_exists="match",
                **stated,
            )
            # By the secret alone, check mode sees an account if it has a
            # profile, as this one has.
            reply = is_refused(any_synapse, task, "conflict")
            assert name in reply.msg
    assert logs_in(any_synapse, name, password)


def test_match_with_a_wrong_password_and_no_credential_is_refused(any_synapse, unique):
    # A login does not tell a wrong password from a missing account.
    name = unique("alice")
    any_synapse.register(name, a_password())
    for localpart in (name, unique("nobody")):
        task = by_nothing(
            any_synapse, username=localpart, password=a_password(), if_exists="match"
        )
        reply = is_refused(any_synapse, task, "unauthorized")
        assert "registration_shared_secret" in reply.msg
    assert any_synapse.user(localpart) is None


def test_match_refuses_a_deactivated_account_as_an_administrator(any_synapse, unique):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password)
    deactivate(any_synapse, name)
    task = by_token(
        any_synapse, username=name, password=password, reactivate=True, if_exists="match"
    )
    is_refused(any_synapse, task, "conflict")


def test_match_cannot_tell_whose_a_locked_account_is(synapse, unique):
    name, password = unique("alice"), a_password()
    synapse.register(name, password)
    path = "/_synapse/admin/v2/users/" + synapse.user_id(name)
    assert synapse.api("PUT", path, {"locked": True}, synapse.admin_token)[0] == 200
    task = by_token(synapse, username=name, password=password, if_exists="match")
    reply = is_refused(synapse, task, "conflict")
    assert "locked" in reply.msg


def test_match_needs_a_password(synapse, unique):
    task = by_token(synapse, username=unique("alice"), if_exists="match")
    reply = is_refused(synapse, task, "invalid")
    assert "password" in reply.msg


def test_fail_makes_an_account_and_refuses_one_that_is_there(any_synapse, unique):
    for credential in (by_secret, by_token):
        name, password = unique("alice"), a_password()
        task = credential(any_synapse, username=name, password=password, if_exists="fail")
        changes(
            any_synapse,
            task,
            ["create"],
            {},
            account(name) | {"password": NEW},
            again=False,
        )
        reply = is_refused(any_synapse, task, "conflict")
        assert any_synapse.user_id(name) in reply.msg
        is_refused(any_synapse, task | {"admin": True}, "conflict")


def test_update_makes_an_account_what_is_stated_whoever_has_it(any_synapse, unique):
    name = unique("alice")
    any_synapse.register(name, a_password())
    task = by_token(
        any_synapse, username=name, password=a_password(), admin=True, if_exists="update"
    )
    changes(any_synapse, task, ["set admin"], account(name), account(name, admin=True))


def test_if_absent_fail_never_makes_an_account(any_synapse, unique):
    name = unique("alcie")
    task = by_token(any_synapse, username=name, admin=True, if_absent="fail")
    reply = is_refused(any_synapse, task, "not_found")
    assert any_synapse.user_id(name) in reply.msg
    assert any_synapse.user(name) is None


def test_if_absent_fail_changes_an_account_that_is_there(any_synapse, unique):
    name = unique("alice")
    any_synapse.register(name, a_password())
    task = by_token(any_synapse, username=name, admin=True, if_absent="fail")
    changes(any_synapse, task, ["set admin"], account(name), account(name, admin=True))


def test_if_absent_fail_by_the_secret_makes_no_account_either(any_synapse, unique):
    name = unique("alcie")
    task = by_secret(any_synapse, username=name, password=a_password(), if_absent="fail")
    assert is_refused(any_synapse, task, "unauthorized").msg
    assert any_synapse.user(name) is None


def test_nothing_is_left_to_do_by_two_refusals(synapse, unique):
    task = by_token(synapse, username=unique("alice"), if_exists="fail", if_absent="fail")
    is_refused(synapse, task, "invalid")


def test_without_a_credential_or_a_password_nothing_is_made(synapse, unique):
    name = unique("alice")
    is_refused(synapse, by_nothing(synapse, username=name), "unauthorized")
    task = by_nothing(synapse, username=name, password=a_password())
    is_refused(synapse, task, "unauthorized")
    assert synapse.user(name) is None


def test_check_mode_of_match_spends_the_login_but_leaves_nothing(any_synapse, unique):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password, displayname="Alice")
    task = by_nothing(
        any_synapse, username=name, password=password, displayname="B", if_exists="match"
    )
    before = state(any_synapse)
    requests = requests_during(any_synapse, lambda: predicted(any_synapse, task))
    assert requests.count("POST /_matrix/client/v3/login") == 1
    assert not [request for request in requests if request.startswith("PUT ")]
    assert state(any_synapse) == before
