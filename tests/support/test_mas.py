# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for MAS is as strict as MAS 1.22.0 was seen to be: finding it, its
token endpoint, and what holds of all of its admin API."""

from __future__ import annotations

import base64
import re
import time
from typing import Any
from urllib.parse import quote_plus

import pytest

from tests.support.mas import Mas
from tests.support.mas_ids import new_token, new_ulid, token_problem, ulid_of, uuid_of
from tests.support.mas_openapi import description
from tests.support.mas_routes import ENDPOINTS
from tests.support.mas_wire import Dropped, Reply

SOME_ULID = "01M84H4K0XFDGJFSFZ0ASDT0ZZ"
USERS = "/api/admin/v1/users"


@pytest.fixture(scope="module")
def alone():
    """Without a homeserver: where none is asked."""
    with Mas() as server:
        yield server
        assert not server.complaints


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


# Finding it


def test_it_says_who_it_is_by_the_address_that_it_calls_its_own():
    with Mas(prefix="/auth/", public_base="https://mas.test/auth/", issuer="https://id.test/") as mas:
        told = mas.ask("GET", "/auth/.well-known/openid-configuration").json
        assert told["token_endpoint"] == "https://mas.test/auth/oauth2/token"
        assert told["issuer"] == "https://id.test/"
        key = "org.matrix.matrix-authentication-service.graphql_endpoint"
        assert told[key] == "https://mas.test/auth/graphql"
        assert told["prompt_values_supported"] == ["login"]
        mas.password_registration_enabled = True
        told = mas.ask("GET", "/auth/.well-known/openid-configuration").json
        assert told["prompt_values_supported"] == ["login", "create"]
        for path in ("/.well-known/openid-configuration", USERS, "/oauth2/token"):
            assert mas.ask("GET", path)[0] == 404
        assert mas.ask("GET", "/auth" + USERS).status == 400
        # Nothing in a link has the prefix or a host.
        links = mas.api("GET", "/users").json["links"]
        assert all(link.startswith(USERS) for link in links.values())


@pytest.mark.parametrize(
    "adminapi, web, internal", [("web", 400, 404), ("internal", 404, 400), (None, 404, 404)]
)
def test_the_admin_api_is_where_it_is_switched_on(adminapi, web, internal):
    with Mas(adminapi=adminapi) as mas:
        for listener, status in ((mas.web, web), (mas.internal, internal)):
            answer = mas.ask("GET", USERS, listener=listener)
            assert answer.status == status
            assert answer.kind == ("application/json" if status == 400 else "text/html")
            spec = mas.ask("GET", "/api/spec.json", listener=listener)
            assert spec.status == (200 if status == 400 else 404)
        assert mas.ask("GET", "/health", listener=mas.internal)[::2] == (200, b"ok")
        # The token endpoint is the public listener's alone.
        assert mas.ask("POST", "/oauth2/token", listener=mas.internal).status == 404
        assert mas.ask("POST", "/oauth2/token").status == 400


def test_anybody_may_read_which_endpoints_there_are(alone):
    spec = alone.ask("GET", "/api/spec.json").json
    assert spec["info"]["version"] == ""
    assert "post" in spec["paths"]["/api/admin/v1/personal-sessions"]
    assert "displayname" in spec["components"]["schemas"]["AddUserRequest"]["properties"]


def test_its_endpoints_are_those_of_the_real_one():
    real = description()
    if real is None:
        pytest.skip("REGISTRAR_MAS_OPENAPI names no description of the real one")
    theirs = {
        (method.upper(), path.removeprefix("/api/admin/v1"))
        for path, operations in real.document["paths"].items()
        for method in operations
    }
    assert theirs == {(one.method, one.template) for one in ENDPOINTS}


# The token endpoint


def test_a_client_has_a_token_for_five_minutes(alone):
    answer = alone.form(
        "/oauth2/token", alone.client, grant_type="client_credentials", scope="urn:mas:admin"
    )
    assert answer.status == 200 and answer.headers["cache-control"] == "no-store"
    told = answer.json
    token = told.pop("access_token")
    assert told == {"token_type": "Bearer", "expires_in": 300, "scope": "urn:mas:admin"}
    assert re.fullmatch(r"mat_[A-Za-z0-9]{30}_[A-Za-z0-9]{6}", token)
    assert alone.ask("GET", USERS, headers=bearer(token)).status == 200
    without = alone.form("/oauth2/token", alone.client, grant_type="client_credentials")
    assert without.status == 200 and "scope" not in without.json
    refused = alone.ask("GET", USERS, headers=bearer(without.json["access_token"]))
    assert refused.status == 401 and refused.titles == ["Missing urn:mas:admin scope"]


@pytest.mark.parametrize("secret", ["a %41 secret", "a+b/c=d", "colon:s:", "gehëim ☃", " x "])
def test_the_credentials_of_basic_are_compared_as_they_are_sent(alone, secret):
    client = alone.add_client(secret)
    ask = {"grant_type": "client_credentials", "scope": "urn:mas:admin"}
    assert alone.form("/oauth2/token", client, **ask).status == 200
    encoded = client._replace(secret=quote_plus(secret))
    assert alone.form("/oauth2/token", encoded, **ask).status == 401


@pytest.mark.parametrize(
    "method, changed, basic",
    [
        ("client_secret_basic", {"secret": "another"}, True),
        ("client_secret_post", {"secret": "another"}, False),
        ("client_secret_basic", {"id": SOME_ULID}, True),
        ("client_secret_basic", {"id": "registrar"}, True),
        ("client_secret_basic", {}, False),
        ("client_secret_post", {}, True),
    ],
)
def test_a_client_that_is_not_known_by_what_it_sends_is_refused(alone, method, changed, basic):
    client = alone.add_client(method=method)._replace(**changed)
    answer = alone.form("/oauth2/token", client, basic, grant_type="client_credentials")
    assert answer.status == 401
    assert answer.json == {
        "error": "invalid_client",
        "error_description": "Client authentication failed.",
    }


def test_a_client_by_its_body_is_taken_where_it_is_configured_so(alone):
    client = alone.add_client(method="client_secret_post")
    answer = alone.form("/oauth2/token", client, False, grant_type="client_credentials")
    assert answer.status == 200


def test_the_token_endpoint_says_what_it_cannot_use(alone):
    answer = alone.form("/oauth2/token", grant_type="client_credentials")
    assert answer.status == 400
    assert answer.json == {
        "error": "invalid_request",
        "error_description": "No credentials were presented",
    }
    headers = {"authorization": "Basic bm90OnRoZXJl", "content-type": "application/json"}
    # Who asks comes first.
    assert alone.ask("POST", "/oauth2/token", b"{}", headers).status == 401
    pair = f"{alone.client.id}:{alone.client.secret}".encode()
    headers["authorization"] = "Basic " + base64.b64encode(pair).decode()
    answer = alone.ask("POST", "/oauth2/token", b'{"grant_type":"client_credentials"}', headers)
    assert answer.status == 400 and answer.json["error"] == "invalid_request"
    assert alone.ask("GET", "/oauth2/token").status == 405


@pytest.mark.parametrize(
    "scope, named",
    [
        ("urn:mas:admin", ["urn:mas:admin"]),
        ("urn:synapse:admin:*", ["urn:synapse:admin:*"]),
        ("urn:mas:graphql:* urn:matrix:client:api:*", ["urn:matrix:client:api:*"]),
    ],
)
def test_a_scope_that_the_policy_does_not_give_is_named(alone, scope, named):
    client = alone.add_client(admin=False)
    answer = alone.form("/oauth2/token", client, grant_type="client_credentials", scope=scope)
    text = ", ".join(f"scope '{one}' not allowed" for one in named)
    assert answer.status == 403
    assert answer.json == {"error": "invalid_scope", "error_description": text}


def test_a_token_is_revoked_by_its_client_and_by_nobody_else(alone):
    other = alone.add_client()
    token = alone.admin_token()
    refused = alone.form("/oauth2/revoke", other, token=token)
    assert refused.status == 401 and refused.json["error"] == "unauthorized_client"
    for _ in range(2):
        assert alone.form("/oauth2/revoke", alone.client, token=token)[::2] == (200, b"")
    answer = alone.ask("GET", USERS, headers=bearer(token))
    assert answer.status == 401 and answer.titles == ["Access token revoked"]
    assert alone.form("/oauth2/introspect", alone.client, token=token).json == {"active": False}


def test_a_session_stays_active_until_its_token_is_revoked(alone):
    before = alone.active_sessions()["oauth2_sessions"]
    asked = {"grant_type": "client_credentials", "scope": "urn:mas:admin"}
    token = alone.form("/oauth2/token", alone.client, **asked).json["access_token"]
    assert alone.active_sessions()["oauth2_sessions"] == before + 1
    alone.form("/oauth2/revoke", alone.client, token=token)
    assert alone.active_sessions()["oauth2_sessions"] == before


def test_a_token_ends_after_the_seconds_that_a_test_sets():
    with Mas() as mas:
        mas.token_seconds = 1
        asked = {"grant_type": "client_credentials", "scope": "urn:mas:admin"}
        told = mas.form("/oauth2/token", mas.client, **asked).json
        assert told["expires_in"] == 1
        headers = bearer(told["access_token"])
        assert mas.ask("GET", USERS, headers=headers).status == 200
        mas.advance(1)
        answer = mas.ask("GET", USERS, headers=headers)
        assert answer.status == 401 and answer.titles == ["Access token expired"]


def test_only_the_homeserver_and_clients_learn_whose_a_token_is(alone):
    token = alone.admin_token()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    body = f"token={token}".encode()
    known = headers | bearer(alone.secret)
    told = alone.ask("POST", "/oauth2/introspect", body, known).json
    assert told["active"] and told["scope"] == "urn:mas:admin" and "username" not in told
    assert 290 < told["expires_in"] <= 300 and abs(told["exp"] - time.time() - 300) < 10
    refused = alone.ask("POST", "/oauth2/introspect", body, headers | bearer("another"))
    assert refused.status == 401 and refused.json["error"] == "access_denied"


# What holds of all of the admin API


@pytest.mark.parametrize(
    "header, status, titles",
    [
        (None, 400, ["Missing authorization header"]),
        ("Basic eDp5", 400, ["Invalid authorization header"]),
        ("Bearer abc", 401, ["Invalid type of access token", "invalid token format"]),
        ("bearer {mat}", 401, ["Unknown access token"]),
        ("Bearer {mct}", 401, ["Invalid type of access token"]),
    ],
)
def test_who_may_not_ask_is_told_why(alone, header, status, titles):
    unknown = {kind: new_token(kind) for kind in ("mat", "mct")}
    headers = {} if header is None else {"authorization": header.format(**unknown)}
    for method, path in (("GET", USERS), ("GET", f"{USERS}/{SOME_ULID}"), ("POST", USERS)):
        answer = alone.ask(method, path, headers=headers)
        assert (answer.status, answer.titles) == (status, titles)


def test_a_token_s_checksum_is_looked_at_first(alone):
    token = new_token("mat")
    broken = token[:-6] + "000000"
    answer = alone.ask("GET", USERS, headers=bearer(broken))
    told = f'invalid crc "000000", expected "{token[-6:]}"'
    assert answer.status == 401
    assert answer.titles == ["Invalid type of access token", told]
    # Of MAS 1.22.0.
    assert token_problem("mpt_TOI7FZ1VhnTB60MKHK3j5m7oHySoko_000000") is not None


@pytest.mark.parametrize(
    "path",
    [
        "/api/admin/v1/nothing",
        USERS + "/",
        "//api/admin/v1/users",
        "/api/admin/v1//users",
        "/api/admin/v1/users/by-username/a/b",
        "/api/admin/v2/users",
        "/api/admin/v1",
    ],
)
@pytest.mark.parametrize("token", ["none", "good"])
def test_a_path_that_is_none_is_a_page_before_anybody_is_asked_who_they_are(alone, path, token):
    headers = {} if token == "none" else bearer(alone.admin_token())
    answer = alone.ask("GET", path, headers=headers)
    assert answer.status == 404 and answer.kind == "text/html"
    assert answer.body.startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize(
    "method, path, allow",
    [
        ("PUT", USERS, "GET,HEAD,POST"),
        ("DELETE", f"{USERS}/{SOME_ULID}", "GET,HEAD"),
        ("GET", f"{USERS}/{SOME_ULID}/lock", "POST"),
        ("DELETE", f"/api/admin/v1/user-registration-tokens/{SOME_ULID}", "GET,HEAD,PUT"),
    ],
)
def test_a_method_that_a_path_does_not_take_is_refused_with_those_that_it_takes(
    alone, method, path, allow
):
    answer = alone.ask(method, path)
    assert (answer.status, answer.body, answer.headers["allow"]) == (405, b"", allow)


def test_a_head_is_answered_as_a_get_without_its_body(alone):
    answer = alone.ask("HEAD", USERS, headers=bearer(alone.admin_token()))
    assert answer.status == 200 and answer.body == b""
    assert int(answer.headers["content-length"]) > 0


@pytest.mark.parametrize(
    "body, kind, status, text",
    [
        (b"{}", None, 415, "Expected request with `Content-Type: application/json`"),
        (b"", None, 415, "Expected request with `Content-Type: application/json`"),
        (b"{}", "text/plain", 415, "Expected request with `Content-Type: application/json`"),
        (b"{", "application/json", 400, "Failed to parse the request body as JSON: "),
        (b"", "application/json", 400, "Failed to parse the request body as JSON: "),
        (
            b'{"username":"\\ud800"}',
            "application/json",
            400,
            "Failed to parse the request body as JSON: ",
        ),
        (
            b"{}",
            "application/json; charset=utf-8",
            422,
            "Failed to deserialize the JSON body into the target type: "
            "missing field `username` at line 1 column 2",
        ),
        (
            b'{"username":1}',
            "application/vnd.x+json",
            422,
            "Failed to deserialize the JSON body into the target type: "
            "username: invalid type: integer `1`, expected a string",
        ),
        (
            b'{"username":"x","skip_homeserver_check":null}',
            "application/json",
            422,
            "Failed to deserialize the JSON body into the target type: skip_homeserver_check: ",
        ),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_in_plain_text(alone, body, kind, status, text):
    headers = bearer(alone.admin_token()) | ({"content-type": kind} if kind else {})
    answer = alone.ask("POST", USERS, body, headers)
    assert (answer.status, answer.kind) == (status, "text/plain")
    assert answer.body.decode().startswith(text)


def test_an_id_is_the_same_in_either_case_and_has_a_form(alone):
    row = alone.adopt("ulid")
    lower = alone.api("GET", f"/users/{row['user_id'].lower()}")
    assert lower.status == 200 and lower.json["data"]["id"] == row["user_id"]
    short = alone.api("GET", "/users/01ABC")
    assert (short.status, short.titles) == (400, ["Invalid ULID in path", "invalid length"])
    wrong = alone.api("GET", "/users/" + "U" * 26)
    assert (wrong.status, wrong.titles) == (400, ["Invalid ULID in path", "invalid character"])
    assert uuid_of(SOME_ULID) == "01a20912-4c1d-7b61-27e5-ff02b2dd03ff"
    assert ulid_of("01a20912-4c1d-7b61-27e5-ff02b2dd03ff") == SOME_ULID


@pytest.fixture(scope="module")
def many():
    with Mas() as mas:
        keys = [mas.adopt(f"user{n:02d}")["user_id"] for n in range(23)]
        mas.keys = keys
        yield mas


def ids(answer: Any) -> list[str]:
    return [item["id"] for item in answer.json["data"]]


def test_a_list_comes_in_pages_of_ten_in_the_order_of_creation(many):
    first = many.api("GET", "/users")
    assert ids(first) == many.keys[:10] and first.json["meta"] == {"count": 23}
    assert first.json["data"][0]["meta"] == {"page": {"cursor": many.keys[0]}}
    assert first.json["links"]["next"] == f"{USERS}?page[after]={many.keys[9]}&page[first]=10"
    third = many.api("GET", f"/users?page%5Bafter%5D={many.keys[19]}&page[first]=10")
    assert ids(third) == many.keys[20:] and "next" not in third.json["links"]
    whole = many.api("GET", "/users?page[first]=23")
    assert ids(whole) == many.keys and "next" not in whole.json["links"]
    assert ids(many.api("GET", "/users?page[first]=100000")) == many.keys
    last = many.api("GET", f"/users?page[last]=2&page[before]={many.keys[3]}")
    assert ids(last) == many.keys[1:3] and "prev" in last.json["links"]


def test_a_list_is_counted_as_it_is_asked_for(many):
    without = many.api("GET", "/users?count=false&filter[admin]=false").json
    assert "meta" not in without and len(without["data"]) == 10
    only = many.api("GET", "/users?count=only").json
    assert only == {"meta": {"count": 23}, "links": {"self": USERS + "?count=only"}}


@pytest.mark.parametrize(
    "query, titles",
    [
        (
            "page[first]=0",
            [
                "Invalid pagination parameters",
                "Failed to deserialize query string: page[first]: invalid value: integer `0`, "
                "expected a nonzero usize",
            ],
        ),
        ("page[first]=x", ["Invalid pagination parameters"]),
        ("page[after]=x", ["Invalid pagination parameters"]),
        (
            "page[first]=1&page[last]=1",
            ["Cannot specify both `page[first]` and `page[last]` parameters"],
        ),
        (
            "filter[status]=gone",
            [
                "Invalid filter parameters",
                "Failed to deserialize query string: filter[status]: unknown variant `gone`, "
                "expected one of `active`, `locked`, `deactivated`",
            ],
        ),
        ("filter[admin]=1", ["Invalid filter parameters"]),
    ],
)
def test_a_bad_value_in_a_query_is_refused(many, query, titles):
    answer = many.api("GET", "/users?" + query)
    assert answer.status == 400
    assert answer.titles[: len(titles)] == titles


def test_what_a_list_does_not_know_it_ignores(many):
    for query in ("filter[nobody]=x", "search=x", "filter[has_active_compat_session]=x", "page=3"):
        answer = many.api("GET", "/users?" + query)
        assert answer.status == 200 and answer.json["meta"] == {"count": 23}


# Keeping and telling


def test_ids_of_one_moment_keep_their_order():
    made = [new_ulid(1_700_000_000_000) for _ in range(50)]
    assert made == sorted(made) and len(set(made)) == 50


def test_it_is_the_same_after_a_restart():
    with Mas() as mas:
        key, url = mas.adopt("stays")["user_id"], mas.url
        token = mas.admin_token()
        mas.stop()
        with pytest.raises(OSError):
            mas.ask("GET", USERS)
        mas.start()
        assert mas.url == url
        assert mas.ask("GET", f"{USERS}/{key}", headers=bearer(token)).status == 200


def test_what_is_asked_is_written_down_and_a_secret_in_a_url_is_complained_of():
    with Mas() as mas:
        token = mas.admin_token()
        mas.api("GET", "/users")
        mas.ask("GET", f"{USERS}/{SOME_ULID}?x=1", headers=bearer(token))
        assert mas.routes == ["GET /users/{id}"] and mas.count("GET /users/{id}") == 1
        assert mas.requests[0].status == 404 and mas.requests[0].query == [("x", "1")]
        assert mas.complaints == []
        mas.ask("GET", f"{USERS}?access_token={token}")
        assert len(mas.complaints) == 1 and token not in mas.complaints[0]


def test_a_reply_can_be_lost_and_another_be_given():
    with Mas() as mas:

        def lose(request: Any, reply: Any) -> None:
            if request.method == "POST":
                raise Dropped

        key = mas.adopt("cut")["user_id"]
        mas.after = lose
        with pytest.raises(OSError):
            mas.api("POST", f"/users/{key}/set-admin", {"admin": True})
        assert mas.user("cut")["can_request_admin"] is True
        mas.after, mas.before = None, lambda request: Reply.text(503, "no")
        assert mas.api("GET", "/users").status == 503
