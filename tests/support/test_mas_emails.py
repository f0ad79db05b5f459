# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses and links of the stand-in for MAS, and the rest of its admin API, in front
of a real Synapse: what MAS 1.22.0 was seen to answer, and what came of it."""

from __future__ import annotations

import pytest

from tests.support.mas import Mas
from tests.support.mas_ids import new_token
from tests.support.synapse import Synapse

SOME_ULID = "01M84H4K0XFDGJFSFZ0ASDT0ZZ"


@pytest.fixture
def server(mas) -> Synapse:
    return mas.beside.server


@pytest.fixture
def user(mas, unique):
    """(name, id)"""
    name = unique("mas")
    return name, mas.create(name)["user_id"]


# Addresses


def test_an_address_is_one_user_s_in_any_case_and_arrives_at_the_homeserver(mas, server, user):
    name, key = user
    email = f"{name}@Example.test"
    answer = mas.api("POST", "/user-emails", {"user_id": key, "email": email})
    data = answer.json["data"]
    assert answer.status == 201 and data["type"] == "user-email"
    assert data["attributes"]["email"] == email and data["attributes"]["user_id"] == key
    # Also when it is the same user's own.
    again = mas.api("POST", "/user-emails", {"user_id": key, "email": email.lower()})
    told = [f'User email "{email.lower()}" already in use']
    assert (again.status, again.titles) == (409, told)
    mas.jobs.settle()
    statement = "SELECT address FROM user_threepids WHERE user_id = ?"
    assert server.query(statement, (server.user_id(name),)) == [(email.lower(),)]
    by_email = mas.api("GET", f"/user-emails?filter[email]={email.upper()}").json["data"]
    assert [one["id"] for one in by_email] == [data["id"]]
    assert mas.api("DELETE", f"/user-emails/{data['id']}")[::2] == (204, b"")
    gone = mas.api("DELETE", f"/user-emails/{data['id']}")
    assert (gone.status, gone.titles) == (404, [f"User email ID {data['id']} not found"])
    mas.jobs.settle()
    assert server.query(statement, (server.user_id(name),)) == []


@pytest.mark.parametrize(
    "email, cause",
    [
        ("notmail", "Missing domain or user"),
        ("@x.test", "Invalid email user"),
        ("a b@x.test", "Invalid email user"),
        ("a@b c", "Invalid email domain"),
    ],
)
def test_an_address_that_is_none_is_refused(mas, user, email, cause):
    answer = mas.api("POST", "/user-emails", {"user_id": user[1], "email": email})
    assert (answer.status, answer.titles) == (400, [f'Email "{email}" is not valid', cause])


def test_addresses_of_whom_there_is_not(mas, user):
    body = {"user_id": SOME_ULID, "email": "nobody@x.test"}
    told = [f"User ID {SOME_ULID} not found"]
    answer = mas.api("POST", "/user-emails", body)
    assert (answer.status, answer.titles) == (404, told)
    answer = mas.api("GET", f"/user-emails?filter[user]={SOME_ULID}")
    assert (answer.status, answer.titles) == (404, told)
    answer = mas.api("POST", "/user-emails", body | {"user_id": "x"})
    assert answer.status == 422 and b"user_id: invalid length" in answer.body
    assert mas.api("GET", "/user-emails?filter[email]=nobody@x.test").json["data"] == []


def test_a_plus_in_a_query_is_a_space_unless_it_is_encoded(mas, user):
    name, key = user
    email = f"{name}+tag@x.test"
    assert mas.api("POST", "/user-emails", {"user_id": key, "email": email}).status == 201
    assert mas.api("POST", "/user-emails", {"user_id": key, "email": name + "@b"}).status == 201
    raw = mas.api("GET", f"/user-emails?filter[email]={email}").json
    encoded = mas.api("GET", f"/user-emails?filter[email]={email.replace('+', '%2B')}").json
    assert (raw["meta"]["count"], encoded["meta"]["count"]) == (0, 1)


# Links


def test_a_link_is_one_user_s(mas, user):
    _, key = user
    provider = mas.add_provider(issuer="https://id.test/", human_name="The company")
    listed = mas.api("GET", "/upstream-oauth-providers?filter[enabled]=true").json["data"]
    mine = next(one for one in listed if one["id"] == provider)["attributes"]
    assert mine["issuer"] == "https://id.test/" and mine["human_name"] == "The company"
    body = {"user_id": key, "provider_id": provider, "subject": "sub1"}
    made = mas.api("POST", "/upstream-oauth-links", body)
    assert made.status == 201 and mas.links(user[0]) == [(provider, "sub1")]
    again = mas.api("POST", "/upstream-oauth-links", body)
    told = f"Upstream Oauth 2.0 Provider ID {provider} with subject sub1 is already linked to a user"
    assert (again.status, again.titles) == (409, [told])
    for change, title in (
        ({"user_id": SOME_ULID}, f"User ID {SOME_ULID} not found"),
        ({"provider_id": SOME_ULID}, f"Upstream OAuth 2.0 Provider ID {SOME_ULID} not found"),
    ):
        answer = mas.api("POST", "/upstream-oauth-links", body | change)
        assert (answer.status, answer.titles) == (404, [title])
    link = made.json["data"]["id"]
    listed = mas.api("GET", f"/upstream-oauth-links?filter[user]={key}&filter[subject]=sub1")
    assert [one["id"] for one in listed.json["data"]] == [link]
    assert mas.api("DELETE", f"/upstream-oauth-links/{link}").status == 204
    gone = mas.api("DELETE", f"/upstream-oauth-links/{link}")
    assert (gone.status, gone.titles) == (404, [f"Upstream OAuth 2.0 Link ID {link} not found"])


def test_a_link_that_was_nobody_s_is_given_to_the_user(mas, user):
    provider = mas.add_provider(brand_name="acme")
    mas.store.insert("upstream_oauth_links", upstream_oauth_provider_id=provider, subject="s")
    body = {"user_id": user[1], "provider_id": provider, "subject": "s"}
    assert mas.api("POST", "/upstream-oauth-links", body).status == 200
    assert mas.links(user[0]) == [(provider, "s")]


@pytest.mark.parametrize("path", ["/users/by-username/a%00b", "/user-emails?filter[email]=%00"])
def test_a_character_that_the_database_has_not_is_an_error_of_the_server(mas, path):
    answer = mas.api("GET", path)
    told = 'error returned from database: invalid byte sequence for encoding "UTF8": 0x00'
    assert (answer.status, answer.titles) == (500, [told])


# The rest


def test_tokens_for_those_who_register_are_made_changed_and_revoked(mas):
    answer = mas.api("POST", "/user-registration-tokens", {})
    data = answer.json["data"]
    assert answer.status == 201 and data["type"] == "user-registration_token"
    assert len(data["attributes"]["token"]) == 12 and data["attributes"]["usage_limit"] is None
    body = {"token": data["attributes"]["token"]}
    again = mas.api("POST", "/user-registration-tokens", body)
    told = ["A registration token with the same token already exists"]
    assert (again.status, again.titles) == (409, told)
    path = f"/user-registration-tokens/{data['id']}"
    changed = mas.api("PUT", path, {"usage_limit": 0, "token": "ignored"}).json["data"]
    assert changed["attributes"]["usage_limit"] == 0 and not changed["attributes"]["valid"]
    changed = mas.api("PUT", path, {"usage_limit": None}).json["data"]["attributes"]
    assert changed["usage_limit"] is None and changed["token"] == body["token"]
    assert mas.api("POST", path + "/revoke").status == 200
    again = mas.api("POST", path + "/revoke")
    told = [f"Registration token with ID {data['id']} is already revoked"]
    assert (again.status, again.titles) == (400, told)
    assert mas.api("POST", path + "/unrevoke").status == 200
    again = mas.api("POST", path + "/unrevoke")
    assert again.titles == [f"Registration token with ID {data['id']} is not revoked"]
    past = mas.api("POST", "/user-registration-tokens", {"expires_at": "2020-01-01T00:00:00+02:00"})
    assert past.status == 201 and past.json["data"]["attributes"]["valid"] is False
    number = mas.api("POST", "/user-registration-tokens", {"expires_at": 5})
    assert number.status == 422


def test_the_site_is_told_flat_and_the_version_with_its_letter(mas):
    told = mas.api("GET", "/site-config").json
    assert told["server_name"] == "example.test" and told["minimum_password_complexity"] == 3
    assert told["password_login_enabled"] is True and "data" not in told
    assert mas.api("GET", "/version").json == {"version": "v1.22.0"}


def test_the_policy_s_data_may_name_other_clients():
    with Mas() as mas:
        none = mas.api("GET", "/policy-data/latest")
        assert (none.status, none.titles) == (404, ["No policy data found"])
        asked = {"grant_type": "client_credentials", "scope": "urn:mas:admin"}
        other = mas.add_client(admin=False)
        assert mas.form("/oauth2/token", other, **asked).status == 403
        assert mas.api("POST", "/policy-data", {"data": {"admin_clients": [other.id]}}).status == 201
        assert mas.form("/oauth2/token", other, **asked).status == 200
        refused = mas.api("POST", "/policy-data", {"data": 1})
        assert refused.titles[0] == "Failed to instanciate policy with the provided data"


def test_a_token_that_nobody_gave_is_nobody_s_at_the_homeserver(mas, server):
    assert server.whoami(new_token("mct")) is None and server.whoami("mct_x") is None
    # An OAuth token of a client's has no user.
    status, _ = server.api("GET", "/_matrix/client/v3/account/whoami", token=mas.admin_token())
    assert status == 401


def test_the_homeserver_names_it_and_has_no_logins_of_its_own(mas, server):
    status, told = server.api("GET", "/_matrix/client/v1/auth_metadata")
    assert status == 200 and told["token_endpoint"] == mas.url + "/oauth2/token"
    for path in ("/_matrix/client/v3/login", "/_synapse/admin/v1/register"):
        status, told = server.api("GET", path)
        assert (status, told["errcode"]) == (404, "M_UNRECOGNIZED")
