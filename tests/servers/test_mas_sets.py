# SPDX-License-Identifier: GPL-3.0-or-later
"""E-mail addresses and links to other providers of accounts in MAS, by its admin API."""

import pytest

from tests.servers.mas_proof import (
    changes,
    facts,
    fails,
    has_nothing_to_do,
    is_refused,
    setting,
    state,
    succeeds,
    task,
)
from tests.servers.proof import a_password
from tests.support.mas_wire import Dropped
from tests.support.module import run_module

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture
def alice(mas, unique):
    name = unique("alice")
    mas.create(name, a_password(), emails=[f"old.{name}@example.org"])
    return name


def addresses(name, *stems):
    return [f"{stem}.{name}@example.org" for stem in stems]


# Addresses


def test_addresses_are_appended_and_those_that_are_there_stay(mas, alice):
    arguments = task(mas, username=alice, emails=addresses(alice, "work"))
    has = addresses(alice, "old", "work")
    changes(mas, arguments, ["set emails"], {"emails": has[:1]}, {"emails": has})
    rows = mas.beside.server.query(
        "SELECT address FROM user_threepids WHERE user_id = ? ORDER BY address",
        (mas.beside.server.user_id(alice),),
    )
    assert [address for (address,) in rows] == has


def test_exact_takes_the_others_away_after_it_has_added(mas, alice):
    exact = addresses(alice, "home", "work")
    arguments = task(mas, username=alice, emails=exact, emails_mode="exact")
    before = addresses(alice, "old")
    changes(mas, arguments, ["set emails"], {"emails": before}, {"emails": exact})
    order = [route for route in mas.routes if route.split()[0] in ("POST", "DELETE") and "user-emails" in route]
    assert order == ["POST /user-emails"] * 2 + ["DELETE /user-emails/{id}"]


def test_exact_and_none_clears_them(mas, alice):
    arguments = task(mas, username=alice, emails=[], emails_mode="exact")
    before = addresses(alice, "old")
    changes(mas, arguments, ["clear emails"], {"emails": before}, {"emails": []})


def test_case_makes_no_other_address_and_is_lowered_when_sent(mas, alice):
    same = [address.upper() for address in addresses(alice, "old")]
    has_nothing_to_do(mas, task(mas, username=alice, emails=same))
    new = [address.title() for address in addresses(alice, "new")]
    succeeds(run_module(task(mas, username=alice, emails=new)), "set emails")
    assert mas.emails(alice) == addresses(alice, "new", "old")


def test_what_mas_has_in_upper_case_is_the_same_address(mas, unique):
    name = unique("alice")
    mas.create(name, emails=[f"Mixed.{name}@Example.org"])
    arguments = task(mas, username=name, emails=[f"mixed.{name}@example.org"])
    reply = succeeds(run_module(arguments))
    assert reply.json["user"]["emails"] == [f"mixed.{name}@example.org"]


@pytest.mark.parametrize("written", [str.lower, str.upper])
def test_an_address_of_another_user_is_never_taken(mas, alice, unique, written):
    other = unique("bob")
    mas.create(other, emails=[f"Bob+1.{other}@example.org"])
    taken = [written(f"bob+1.{other}@example.org")]
    reply = is_refused(mas, task(mas, username=alice, emails=taken), "conflict")
    assert f"bob+1.{other}@example.org" in reply.msg and "another user" in reply.msg
    new = task(mas, username=unique("carol"), emails=taken, password=a_password())
    is_refused(mas, new, "conflict", "another user of MAS")
    assert mas.store.user_named(new["username"]) is None


def test_an_address_that_is_taken_in_the_last_moment_is_not_taken_away(mas, alice, unique):
    other = unique("bob")
    mas.create(other)
    (address,) = addresses(alice, "late")

    def comes_in_between(request):
        if request.route == "POST /user-emails":
            key = mas.user(other)["user_id"]
            mas.store.insert("user_emails", user_id=key, email=address)

    arguments = task(mas, username=alice, emails=[address])
    with setting(mas, before=comes_in_between):
        fails(run_module(arguments), "conflict", "already in use")
    assert mas.emails(other) == [address] and mas.emails(alice) == addresses(alice, "old")


def test_two_users_of_a_list_cannot_have_one_address(mas, unique):
    users = [
        {"username": unique("alice"), "emails": ["one@two.example"]},
        {"username": unique("bob"), "emails": ["One@Two.example"]},
    ]
    before = state(mas)
    fails(run_module(task(mas, users=users)), "invalid", "one@two.example")
    assert state(mas) == before and mas.count("POST /oauth2/token") == 0


@pytest.mark.parametrize("address", ["a@", "no address", "a@b c.example", "a\u0000@b.example"])
def test_an_address_that_is_none_is_refused_before_anything(mas, alice, address):
    reply = fails(run_module(task(mas, username=alice, emails=[address])), "invalid")
    assert not reply.changed and mas.count("POST /user-emails") == 0


def test_more_addresses_than_fit_on_a_page(mas, unique):
    name = unique("alice")
    many = [f"n{number}.{name}@example.org" for number in range(130)]
    mas.create(name, emails=many)
    has_nothing_to_do(mas, task(mas, username=name, emails=many, emails_mode="exact"))


# Links to providers


@pytest.fixture(scope="module")
def providers(mas):
    """Their ids by what they are called here."""
    return {
        "one": mas.add_provider(
            issuer="https://id.sets.example/", human_name="Sets", brand_name="sets"
        ),
        "other": mas.add_provider(issuer="https://other.sets.example", human_name="Other of sets"),
        "twin": mas.add_provider(issuer="https://id.twin.example/", human_name="Twins"),
        "twin 2": mas.add_provider(issuer="https://id.twin2.example/", human_name="Twins"),
    }


def link(provider, subject):
    return {"provider": provider, "id": subject}


@pytest.mark.parametrize(
    "called", [None, "https://id.sets.example/", "https://id.sets.example", "Sets", "sets"]
)
def test_a_provider_is_called_by_its_id_issuer_name_or_brand(mas, alice, providers, called):
    subject = f"{alice} {called}"
    arguments = task(mas, username=alice, external_ids=[link(called or providers["one"], subject)])
    has = {"external_ids": [link(providers["one"], subject)]}
    changes(mas, arguments, ["set external_ids"], {"external_ids": []}, has)
    assert mas.links(alice) == [(providers["one"], subject)]


def test_links_are_appended_or_exact(mas, alice, providers):
    one, other = link(providers["one"], f"1 {alice}"), link("Other of sets", f"2 {alice}")
    known = link(providers["other"], f"2 {alice}")
    arguments = task(mas, username=alice)
    succeeds(run_module(arguments | {"external_ids": [one]}), "set external_ids")
    both = {"external_ids": sorted([one, known], key=str)}
    appended = arguments | {"external_ids": [other]}
    changes(mas, appended, ["set external_ids"], {"external_ids": [one]}, both)
    exact = appended | {"external_ids_mode": "exact"}
    changes(mas, exact, ["set external_ids"], both, {"external_ids": [known]})
    cleared = exact | {"external_ids": []}
    changes(mas, cleared, ["clear external_ids"], {"external_ids": [known]}, {"external_ids": []})


def test_a_name_that_two_providers_have_is_refused(mas, alice, providers, unique):
    stated = {"external_ids": [link("Twins", alice)]}
    is_refused(mas, task(mas, username=alice, **stated), "invalid", "2 providers", "ULID")
    new = task(mas, username=unique("bob"), password=a_password(), **stated)
    is_refused(mas, new, "invalid", "Twins")
    assert mas.store.user_named(new["username"]) is None
    by_id = task(mas, username=alice, external_ids=[link(providers["twin"], alice)])
    succeeds(run_module(by_id), "set external_ids")


def test_a_provider_that_there_is_not_is_refused(mas, alice, providers, unique):
    for called in ("nobody's", "01M84H4K0XFDGJFSFZ0ASDT0ZZ", "https://id.sets.example/x"):
        new = task(mas, username=unique("bob"), external_ids=[link(called, "1")])
        is_refused(mas, new, "invalid", called, "upstream_oauth2.providers")


def test_a_provider_that_is_switched_off_is_told(mas, alice):
    mas.add_provider(human_name="Off of sets", disabled_at=mas.store.now())
    arguments = task(mas, username=alice, external_ids=[link("Off of sets", alice)])
    reply = succeeds(run_module(arguments), "set external_ids")
    assert any("switched off" in warning for warning in reply.json["warnings"])


def test_a_link_of_another_user_is_never_taken(mas, alice, providers, unique):
    other = unique("bob")
    mas.create(other)
    arguments = task(mas, username=other, external_ids=[link("Sets", f"of {other}")])
    succeeds(run_module(arguments), "set external_ids")
    before = facts(mas, alice)
    reply = fails(run_module(arguments | {"username": alice}), "conflict", "another user of MAS")
    assert not reply.changed and facts(mas, alice) == before
    assert mas.links(other) == [(providers["one"], f"of {other}")]


def test_a_link_that_belongs_to_nobody_yet_becomes_the_user_s(mas, alice, providers):
    mas.store.insert(
        "upstream_oauth_links",
        upstream_oauth_provider_id=providers["one"],
        subject=f"of {alice}",
    )
    arguments = task(mas, username=alice, external_ids=[link("Sets", f"of {alice}")])
    succeeds(run_module(arguments), "set external_ids")
    assert mas.links(alice) == [(providers["one"], f"of {alice}")]


def test_a_reply_that_was_lost_is_no_error(mas, alice, providers):
    """The server did it, and says 409 when it is asked again: it is the user's own."""
    lost = {"POST /user-emails", "POST /upstream-oauth-links"}

    def once(request, reply):
        if request.route in lost and reply.status == 201:
            lost.remove(request.route)
            raise Dropped

    stated = {
        "emails": addresses(alice, "lost"),
        "external_ids": [link("Sets", f"lost {alice}")],
    }
    arguments = task(mas, username=alice, **stated)
    with setting(mas, after=once):
        reply = run_module(arguments)
    assert not lost
    succeeds(reply, "set emails", "set external_ids")
    has_nothing_to_do(mas, arguments)
