# SPDX-License-Identifier: GPL-3.0-or-later
"""Ids at identity providers, by which single sign-on knows an account."""

import pytest

from tests.servers.proof import (
    a_password,
    by_token,
    changes,
    facts,
    has_nothing_to_do,
    is_refused,
    run_module,
)
from tests.servers.proxy import Proxy


def ids(*pairs):
    return {"external_ids": [{"provider": provider, "id": known} for provider, known in pairs]}


def with_ids(server, name, *pairs):
    server.register(name, a_password())
    known = [{"auth_provider": provider, "external_id": known} for provider, known in pairs]
    server.change(name, external_ids=known)


def test_append_keeps_the_ids_of_other_providers_and_of_the_same(
    unique, way
):
    # PUT v2/users replaces all ids, of all providers (storage/databases/main/
    # registration.py, replace_user_external_id).
    name, task = unique("alice"), way.task
    saml, oidc, second = ("saml", f"s {name}"), ("oidc", f"o {name}"), ("oidc", f"p {name}")
    with_ids(way.server, name, saml)
    stated = task(username=name, **ids(oidc))
    changes(way.server, stated, ["set external_ids"], ids(saml), ids(saml, oidc))
    stated = task(username=name, **ids(second), external_ids_mode="append")
    changes(way.server, stated, ["set external_ids"], ids(saml, oidc), ids(saml, oidc, second))
    has_nothing_to_do(way.server, task(username=name, **ids(oidc, saml)))
    has_nothing_to_do(way.server, task(username=name, **ids()))


def test_exact_takes_away_what_is_not_stated(unique, way):
    name, task = unique("alice"), way.task
    saml, oidc = ("saml", f"s {name}"), ("oidc", f"o {name}")
    with_ids(way.server, name, saml, oidc)
    stated = task(username=name, **ids(oidc), external_ids_mode="exact")
    changes(way.server, stated, ["set external_ids"], ids(saml, oidc), ids(oidc))
    stated = task(username=name, **ids(), external_ids_mode="exact")
    changes(way.server, stated, ["clear external_ids"], ids(oidc), ids())


def test_an_id_is_taken_exactly_as_it_is_written(any_synapse, unique):
    # Unlike an address, it is another one in another case.
    name = unique("alice")
    lower, upper = ("oidc", f"a {name} ü"), ("oidc", f"A {name} Ü ")
    with_ids(any_synapse, name, lower)
    task = by_token(any_synapse, username=name, **ids(upper))
    changes(any_synapse, task, ["set external_ids"], ids(lower), ids(lower, upper))


def test_an_id_of_any_characters_is_looked_for_and_set(any_synapse, unique):
    name = unique("alice")
    any_synapse.register(name, a_password())
    odd = ("oidc-a/b", f"{name}/../?x=1&y#z%2F+ 'q'")
    task = by_token(any_synapse, username=name, **ids(odd))
    changes(any_synapse, task, ["set external_ids"], ids(), ids(odd))
    thief = by_token(any_synapse, username=unique("thief"), **ids(odd))
    reply = is_refused(any_synapse, thief, "conflict")
    assert any_synapse.user_id(name) in reply.msg


def test_an_id_of_another_account_is_a_clear_error_and_changes_nothing(
    unique, way
):
    # A creation would stop at it with the account made (synapse/rest/admin/
    # users.py: 409 "External id is already in use.").
    owner, thief, absent = unique("owner"), unique("thief"), unique("absent")
    taken = ("oidc", f"sub {owner}")
    with_ids(way.server, owner, taken)
    way.server.register(thief, a_password())
    for localpart in (thief, absent):
        task = way.task(
            username=localpart,
            password=a_password(),
            displayname="Mallory",
            shadow_banned=True,
            **ids(("saml", localpart), taken),
        )
        reply = is_refused(way.server, task, "conflict")
        assert way.server.user_id(owner) in reply.msg
        assert taken[1] in reply.msg
    assert facts(way.server, owner)["external_ids"] == ids(taken)["external_ids"]
    assert way.server.user(absent) is None


def test_a_deactivated_account_keeps_its_ids_and_nobody_takes_them(any_synapse, unique):
    # synapse/handlers/deactivate_account.py leaves them where they are.
    owner, heir = unique("owner"), unique("heir")
    taken = ("oidc", f"sub {owner}")
    with_ids(any_synapse, owner, taken)
    assert run_module(by_token(any_synapse, username=owner, state="deactivated")).changed
    any_synapse.register(heir, a_password())
    reply = is_refused(
        any_synapse, by_token(any_synapse, username=heir, **ids(taken)), "conflict"
    )
    assert any_synapse.user_id(owner) in reply.msg


@pytest.mark.parametrize("mode", ["append", "exact"])
def test_two_users_of_a_list_with_one_id_are_refused_before_anything_is_sent(
    synapse, unique, mode
):
    one, two = unique("alice"), unique("bob")
    users = [
        {"username": one, "external_ids_mode": mode} | ids(("saml", "x"), ("oidc", "y")),
        {"username": two, "external_ids_mode": mode} | ids(("oidc", "y")),
    ]
    with Proxy(synapse) as proxy:
        task = by_token(synapse, users=users, url=proxy.url)
        reply = is_refused(synapse, task, "invalid")
        assert proxy.passed == []
    assert one in reply.msg and two in reply.msg


def test_one_id_at_two_providers_is_two_ids(synapse, unique):
    users = [
        {"username": unique("alice")} | ids(("saml", "the same")),
        {"username": unique("bob")} | ids(("oidc", "the same")),
    ]
    reply = run_module(by_token(synapse, users=users))
    assert not reply.failed and reply.json["summary"]["created"] == 2, reply.json


def test_one_id_twice_for_one_user_is_there_once(synapse, unique):
    name = unique("alice")
    synapse.register(name, a_password())
    pair = ("saml", name)
    task = by_token(synapse, username=name, **ids(pair, pair))
    changes(synapse, task, ["set external_ids"], ids(), ids(pair))
