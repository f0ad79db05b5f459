# SPDX-License-Identifier: GPL-3.0-or-later
"""Several users in one task."""

from tests.servers.proof import (
    NEW,
    OLD,
    a_password,
    by_nothing,
    by_secret,
    by_token,
    deactivate,
    is_refused,
    logs_in,
    predicted,
    ran_in_vain,
    requests_during,
    run_module,
    sessions_of,
    state,
)


def summary(created=0, changed=0, unchanged=0, failed=0):
    return {"created": created, "changed": changed, "unchanged": unchanged, "failed": failed}


def actions(reply):
    return [user["actions"] for user in reply.json["users"]]


def test_a_list_is_created_changed_and_left_alone_as_each_user_needs(any_synapse, unique):
    new, changed, same = unique("zoe"), unique("bob"), unique("alice")
    old, password = a_password(), a_password()
    any_synapse.register(changed, old)
    any_synapse.register(same, password, admin=True)
    users = [
        {"username": new, "password": password, "displayname": "Zoe"},
        {"name": changed, "password": password, "update_password": "always"},
        {"user": same, "admin": True},
    ]
    task = by_token(any_synapse, users=users)
    prediction = predicted(any_synapse, task)
    done = run_module(task, diff=True)
    for reply in (prediction, done):
        assert reply.changed and not reply.failed, reply.json
        # In the order of the input, not of the names or the work.
        assert [user["username"] for user in reply.json["users"]] == [new, changed, same]
        assert actions(reply) == [["create"], ["set password"], []]
        assert [user["changed"] for user in reply.json["users"]] == [True, True, False]
        assert reply.json["summary"] == summary(created=1, changed=1, unchanged=1)
        diffs = {diff["before_header"]: diff for diff in reply.json["diff"]}
        assert set(diffs) == {any_synapse.user_id(new), any_synapse.user_id(changed)}
        assert diffs[any_synapse.user_id(new)]["before"] == {}
        assert diffs[any_synapse.user_id(new)]["after"]["password"] == NEW
        assert diffs[any_synapse.user_id(changed)]["before"]["password"] == OLD
    assert any_synapse.user(new)["displayname"] == "Zoe"
    for name in (new, changed, same):
        assert logs_in(any_synapse, name, password)

    for again in (predicted(any_synapse, task), ran_in_vain(any_synapse, task)):
        assert not again.changed and not again.failed, again.json
        assert again.json["summary"] == summary(unchanged=3)
        assert again.json["diff"] == []


def test_one_users_failure_does_not_keep_the_others_from_their_turn(any_synapse, unique):
    first, gone, last = unique("alice"), unique("bob"), unique("carol")
    any_synapse.register(gone, a_password())
    deactivate(any_synapse, gone)
    users = [{"username": name, "password": a_password()} for name in (first, gone, last)]
    for credential in (by_token, by_secret):
        task = credential(any_synapse, users=[user | {"if_exists": "match"} for user in users])
        reply = run_module(task)
        assert reply.failed and reply.kind == "conflict", reply.json
        assert reply.changed is (credential is by_token)
        assert [user.get("failed", False) for user in reply.json["users"]] == [
            False,
            True,
            False,
        ]
        failed = reply.json["users"][1]
        assert failed["error"]["kind"] == "conflict" and gone in failed["msg"]
        expected = (
            summary(created=2, failed=1) if reply.changed else summary(unchanged=2, failed=1)
        )
        assert reply.json["summary"] == expected
    assert any_synapse.user(gone)["deactivated"] is True


def test_an_administrator_in_its_own_list_is_not_demoted_and_the_others_are(synapse, unique):
    admin, other, password = unique("root"), unique("root"), a_password()
    for name in (admin, other):
        synapse.register(name, password, admin=True)
    token = synapse.login(admin, password)
    users = [{"username": name, "admin": False} for name in (admin, other)]
    reply = run_module(by_token(synapse, users=users, access_token=token))
    assert reply.kind == "policy" and reply.changed, reply.json
    assert reply.json["summary"] == summary(changed=1, failed=1)
    assert synapse.user(admin)["admin"] is True and synapse.user(other)["admin"] is False
    synapse.logout(token)


def test_a_failed_list_says_how_many_failed(synapse, unique):
    users = [{"username": unique("nobody"), "if_absent": "fail"} for _ in range(3)]
    users.append({"username": unique("alice")})
    reply = run_module(by_token(synapse, users=users))
    assert reply.failed and reply.changed
    assert reply.kind == "not_found" and "3 of 4" in reply.msg
    assert reply.json["summary"] == summary(created=1, failed=3)


def test_check_mode_of_a_list_that_will_fail_says_so(synapse, unique):
    users = [{"username": unique("alice")}, {"username": unique("bob"), "if_absent": "fail"}]
    prediction = predicted(synapse, by_token(synapse, users=users))
    done = run_module(by_token(synapse, users=users))
    for reply in (prediction, done):
        assert reply.failed and reply.changed
        assert reply.json["summary"] == summary(created=1, failed=1)


def test_a_name_given_twice_is_refused_before_anything_is_sent(synapse, unique):
    name = unique("alice")
    for other in (name, name.upper(), f"@{name}:{synapse.server_name}"):
        users = [{"username": unique("bob")}, {"username": name}, {"name": other}]
        task = by_token(synapse, users=users)
        requests = requests_during(synapse, lambda: run_module(task))  # noqa: B023
        assert requests == []
        reply = is_refused(synapse, task, "invalid")
        assert name in reply.msg


def test_more_than_three_logins_are_refused_before_anything_is_sent(synapse, unique):
    password = a_password()
    names = [unique("alice") for _ in range(4)]
    for name in names:
        synapse.register(name, password)
    for way in ({"if_exists": "match"}, {"update_password": "always"}):
        users = [{"username": name, "password": password} | way for name in names]
        task = by_nothing(synapse, users=users)
        assert requests_during(synapse, lambda: run_module(task)) == []  # noqa: B023
        reply = is_refused(synapse, task, "invalid")
        assert "access_token" in reply.msg
        is_refused(synapse, by_secret(synapse, users=users), "invalid")

        three = by_nothing(synapse, users=users[:3])
        reply = ran_in_vain(synapse, three)
        assert reply.json["summary"] == summary(unchanged=3), reply.json


def test_an_administrator_matches_any_number_without_a_login(synapse, unique):
    password = a_password()
    names = [unique("alice") for _ in range(6)]
    for name in names:
        synapse.register(name, password)
    users = [{"username": name, "password": password, "if_exists": "match"} for name in names]
    task = by_token(synapse, users=users)
    requests = requests_during(synapse, lambda: ran_in_vain(synapse, task))
    assert "POST /_matrix/client/v3/login" not in requests
    assert sum(sessions_of(synapse, name) for name in names) == 0
    reply = ran_in_vain(synapse, task)
    assert reply.json["summary"] == summary(unchanged=6), reply.json


def test_the_secret_makes_a_list_and_finds_it_made(any_synapse, unique):
    users = [{"username": unique("alice"), "password": a_password()} for _ in range(6)]
    task = by_secret(any_synapse, users=users)
    done = run_module(task)
    assert done.json["summary"] == summary(created=6), done.json
    again = ran_in_vain(any_synapse, task)
    assert again.json["summary"] == summary(unchanged=6), again.json


def test_an_empty_list_has_nothing_to_do(synapse):
    reply = ran_in_vain(synapse, by_token(synapse, users=[]))
    assert not reply.failed and not reply.changed, reply.json
    assert reply.json["users"] == [] and reply.json["summary"] == summary()


def test_a_single_users_options_do_not_go_with_a_list(synapse, unique):
    task = by_token(synapse, users=[{"username": unique("alice")}], admin=True)
    reply = is_refused(synapse, task, "invalid")
    assert "admin" in reply.msg


def test_every_failure_in_a_list_leaves_the_failed_account_as_it_was(synapse, unique):
    names = [unique("alice") for _ in range(2)]
    for name in names:
        synapse.register(name, a_password())
    before = state(synapse)
    users = [
        {"username": names[0], "if_exists": "fail"},
        {"username": names[1], "password": a_password(), "if_exists": "match", "admin": True},
    ]
    reply = run_module(by_token(synapse, users=users))
    assert reply.failed and not reply.changed
    assert reply.json["summary"] == summary(failed=2)
    assert state(synapse) == before
