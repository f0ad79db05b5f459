# SPDX-License-Identifier: GPL-3.0-or-later
"""E-mail addresses: in the form in which the server keeps them, beside the phone
numbers that are there, and never taken from another account."""

import pytest

from tests.servers.proof import (
    NEW,
    a_password,
    by_token,
    changes,
    facts,
    has_nothing_to_do,
    is_refused,
    predicted,
    requests_during,
    run_module,
)
from tests.servers.proxy import Proxy

PHONE = "447700900123"


def emails(*addresses):
    return {"emails": list(addresses)}


def numbers_of(server, name):
    """All rows of its phone numbers, with the times."""
    return server.query(
        "SELECT * FROM user_threepids WHERE medium = 'msisdn' AND user_id = ?",
        (server.user_id(name),),
    )


def with_addresses(server, name, *addresses, phone=None):
    """Makes the account with these, by the server's own admin API."""
    server.register(name, a_password())
    threepids = [{"medium": "email", "address": address} for address in addresses]
    if phone:
        threepids.append({"medium": "msisdn", "address": phone})
    server.change(name, threepids=threepids)


# synapse/util/threepids.py, canonicalise_email: strip, casefold, lower.
@pytest.mark.parametrize(
    ("stated", "stored"),
    [
        ("Alice.{}@Example.ORG", "alice.{}@example.org"),
        (" \talice.{}@example.org\n", "alice.{}@example.org"),
        ("\u3000alice.{}@example.org\u00a0", "alice.{}@example.org"),
        ("Straße.{}@example.org", "strasse.{}@example.org"),
        ("ÄPFEL.{}@example.org", "äpfel.{}@example.org"),
        ("ΣΊΣΥΦΟΣ.{}@example.org", "σίσυφοσ.{}@example.org"),
        ("ﬁ.{}@example.org", "fi.{}@example.org"),
        ("{}@münchen.example", "{}@münchen.example"),
        ('"a b+c".{}@example.org', '"a b+c".{}@example.org'),
    ],
    ids=ascii,
)
def test_an_address_is_taken_in_the_form_in_which_the_server_keeps_it(
    any_synapse, unique, stated, stored
):
    name = unique("alice")
    any_synapse.register(name, a_password())
    task = by_token(any_synapse, username=name, **emails(stated.format(name)))
    after = emails(stored.format(name))
    done = changes(any_synapse, task, ["set emails"], emails(), after)
    assert done.json["user"]["emails"] == [stored.format(name)]
    other = by_token(any_synapse, username=name, **emails(stored.format(name)))
    has_nothing_to_do(any_synapse, other)


def test_an_address_goes_over_the_wire_in_that_form(any_synapse, unique):
    # Synapse compares what is sent with what is stored, as it is, and would
    # delete and add it each time (synapse/rest/admin/users.py, add_threepids).
    name = unique("alice")
    with Proxy(any_synapse) as proxy:
        stated = emails(f" {name}@Example.ORG", f"{name}@example.org")
        task = by_token(any_synapse, username=name, url=proxy.url, **stated)
        assert run_module(task).json["actions"] == ["create"]
        (sent,) = [passed.body for passed in proxy.passed if passed.method == "PUT"]
    assert sent["threepids"] == [{"medium": "email", "address": f"{name}@example.org"}]


# util/threepids.py, canonicalise_email and validate_email: one "@", from 3 up to
# 500 characters.
@pytest.mark.parametrize(
    "wrong",
    ["", " ", "alice", "a@b@c", "@", "a@", "a" * 489 + "@example.org", "a@ÄPFEL.example", 5, {}],
    ids=lambda wrong: ascii(wrong)[:20],
)
def test_what_is_no_address_is_refused_unsent(synapse, unique, wrong):
    task = by_token(synapse, username=unique("alice"), emails=["good@example.org", wrong])
    requests = requests_during(synapse, lambda: run_module(task))
    assert requests == []
    assert "emails" in is_refused(synapse, task, "invalid").msg


def test_the_longest_address_is_taken(synapse, unique):
    name = unique("alice")
    synapse.register(name, a_password())
    longest = name + "a" * (500 - len(name) - len("@example.org")) + "@example.org"
    task = by_token(synapse, username=name, **emails(longest))
    changes(synapse, task, ["set emails"], emails(), emails(longest))


def test_append_keeps_what_is_there_and_exact_does_not(unique, way):
    name, task = unique("alice"), way.task
    one, two, three = (f"{stem}.{name}@example.org" for stem in ("one", "two", "three"))
    with_addresses(way.server, name, one, two)
    has_nothing_to_do(way.server, task(username=name, **emails(two.upper())))
    has_nothing_to_do(way.server, task(username=name, **emails()))
    changes(
        way.server,
        task(username=name, **emails(three), emails_mode="append"),
        ["set emails"],
        emails(one, two),
        emails(one, two, three),
    )
    changes(
        way.server,
        task(username=name, **emails(three, one), emails_mode="exact"),
        ["set emails"],
        emails(one, two, three),
        emails(one, three),
    )
    changes(
        way.server,
        task(username=name, **emails(), emails_mode="exact"),
        ["clear emails"],
        emails(one, three),
        emails(),
    )


def test_an_address_that_stays_is_not_written_again(any_synapse, unique):
    # The time of its validation would be lost.
    name = unique("alice")
    stays, comes = f"{name}@example.org", f"new.{name}@example.org"
    with_addresses(any_synapse, name, stays)
    row = "SELECT * FROM user_threepids WHERE address = ?"
    before = any_synapse.query(row, (stays,))
    assert run_module(by_token(any_synapse, username=name, **emails(comes))).changed
    assert any_synapse.query(row, (stays,)) == before


@pytest.mark.parametrize("mode", ["append", "exact"])
def test_phone_numbers_stay(any_synapse, unique, mode):
    name = unique("alice")
    phone = PHONE + name.rpartition("-")[2]
    old, new = f"old.{name}@example.org", f"new.{name}@example.org"
    with_addresses(any_synapse, name, old, phone=phone)
    before = numbers_of(any_synapse, name)
    assert len(before) == 1

    after = emails(old, new) if mode == "append" else emails(new)
    task = by_token(any_synapse, username=name, **emails(new), emails_mode=mode)
    changes(any_synapse, task, ["set emails"], emails(old), after)
    assert numbers_of(any_synapse, name) == before

    if mode == "exact":
        task = by_token(any_synapse, username=name, **emails(), emails_mode=mode)
        changes(any_synapse, task, ["clear emails"], after, emails())
        assert numbers_of(any_synapse, name) == before


# Never taken from another account.


def test_an_address_of_another_account_is_not_taken(unique, way):
    owner, thief, absent = unique("owner"), unique("thief"), unique("absent")
    address = f"{owner}@example.org"
    with_addresses(way.server, owner, address)
    way.server.register(thief, a_password())
    for localpart in (thief, absent):
        for stated in (address, address.upper()):
            task = way.task(
                username=localpart,
                password=a_password(),
                displayname="Mallory",
                admin=True,
                locked=True,
                **emails(f"{localpart}@example.org", stated),
            )
            reply = is_refused(way.server, task, "conflict")
            assert way.server.user_id(owner) in reply.msg and address in reply.msg
    assert facts(way.server, owner)["emails"] == [address]
    assert way.server.user(absent) is None


def test_the_one_whose_address_is_taken_fails_alone(unique, way):
    owner, thief, other = unique("owner"), unique("thief"), unique("other")
    with_addresses(way.server, owner, f"{owner}@example.org")
    users = [
        {"username": thief} | emails(f"{owner}@example.org"),
        {"username": other} | emails(f"{other}@example.org"),
    ]
    reply = run_module(way.task(users=users))
    assert reply.failed and reply.kind == "conflict" and reply.changed
    assert [user.get("failed", False) for user in reply.json["users"]] == [True, False]
    assert way.server.user(thief) is None
    assert facts(way.server, other)["emails"] == [f"{other}@example.org"]


def test_an_address_that_is_the_accounts_own_is_no_theft(any_synapse, unique):
    name = unique("alice")
    with_addresses(any_synapse, name, f"{name}@example.org")
    new = f"new.{name}@example.org"
    task = by_token(any_synapse, username=name, **emails(f"{name}@example.org", new))
    after = emails(f"{name}@example.org", new)
    changes(any_synapse, task, ["set emails"], emails(f"{name}@example.org"), after)


def test_an_address_that_was_given_up_may_be_had(any_synapse, unique):
    # A deactivation takes the addresses away (handlers/deactivate_account.py).
    owner, heir = unique("owner"), unique("heir")
    address = f"{owner}@example.org"
    with_addresses(any_synapse, owner, address)
    any_synapse.register(heir, a_password())
    gone = by_token(any_synapse, username=owner, state="deactivated")
    assert run_module(gone).json["actions"] == ["deactivate"]
    task = by_token(any_synapse, username=heir, **emails(address))
    changes(any_synapse, task, ["set emails"], emails(), emails(address))


@pytest.mark.parametrize(
    ("first", "second"),
    [("{}@example.org", "{}@example.org"), ("Straße.{}@example.org", "STRASSE.{}@Example.Org")],
)
def test_two_users_of_a_list_with_one_address_are_refused_before_anything_is_sent(
    synapse, unique, first, second
):
    one, two = unique("alice"), unique("bob")
    users = [
        {"username": unique("carol")},
        {"username": one} | emails(first.format("shared")),
        {"username": two} | emails("another@example.org", second.format("shared")),
    ]
    with Proxy(synapse) as proxy:
        task = by_token(synapse, users=users, url=proxy.url)
        reply = is_refused(synapse, task, "invalid")
        assert proxy.passed == []
    assert one in reply.msg and two in reply.msg


def test_one_address_twice_for_one_user_is_there_once(synapse, unique):
    name = unique("alice")
    synapse.register(name, a_password())
    address = f"{name}@example.org"
    task = by_token(synapse, username=name, **emails(address, address.upper(), address))
    changes(synapse, task, ["set emails"], emails(), emails(address))


def test_a_new_account_has_its_addresses_by_the_secret_alone_and_matches(
    any_synapse, unique, ways
):
    # register-user NAME with an e-mail address: if_exists: match.
    name, password = unique("alice"), a_password()
    address = f"{name}@example.org"
    task = ways(any_synapse)["secret"](
        username=name, password=password, if_exists="match", **emails(address)
    )
    reply = predicted(any_synapse, task)
    assert reply.changed and reply.json["actions"] == ["create"], reply.json
    done = run_module(task, diff=True)
    assert done.json["actions"] == ["create"], done.json
    assert done.json["diff"][0]["after"]["password"] == NEW
    assert facts(any_synapse, name)["emails"] == [address]
    has_nothing_to_do(any_synapse, task)
