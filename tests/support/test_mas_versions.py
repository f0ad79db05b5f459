# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for MAS as an older one, in a database, as a configuration, and held
against the description that the real one gives of itself."""

from __future__ import annotations

import json
import ssl

import pytest
import yaml

from tests.support import mas_config, mas_openapi
from tests.support.certificates import Authority
from tests.support.mas import Mas
from tests.support.mas_passwords import Scheme
from tests.support.mas_postgres import PostgresStore
from tests.support.mas_wire import Reply
from tests.support.namespaces import Namespace, needs_namespaces
from tests.support.synapse import Synapse

SOME_ULID = "01M84H4K0XFDGJFSFZ0ASDT0ZZ"
BODY = {
    "actor_user_id": SOME_ULID,
    "human_name": "x",
    "scope": "openid",
}


# Older ones


@pytest.mark.parametrize(
    "method, path, lacking, having",
    [
        ("GET", "/oauth2-clients", "1.19.0", "1.20.0"),
        ("POST", "/personal-sessions", "1.4.0", "1.5.0"),
        ("GET", "/version", "1.3.0", "1.4.0"),
        ("POST", f"/compat-sessions/{SOME_ULID}/finish", "1.3.0", "1.4.0"),
        ("GET", "/site-config", "1.2.0", "1.3.0"),
        ("GET", "/upstream-oauth-providers", "1.2.0", "1.3.0"),
        ("POST", f"/users/{SOME_ULID}/reactivate", "0.19.0", "0.20.0"),
        ("GET", "/user-registration-tokens", "0.16.0", "0.17.0"),
        ("GET", "/user-emails", "0.13.0", "0.14.0"),
    ],
)
def test_an_endpoint_that_an_older_one_lacks_is_a_page(method, path, lacking, having):
    for version, there in ((lacking, False), (having, True)):
        with Mas(version=version) as mas:
            answer = mas.api(method, path, BODY if method == "POST" else None)
            assert (answer.kind != "text/html") is there, answer
            spec = mas.ask("GET", "/api/spec.json").json["paths"]
            template = "/api/admin/v1" + path.replace(SOME_ULID, "{id}")
            assert (template in spec) is there


def test_a_method_that_an_older_one_lacks_is_not_allowed():
    with Mas(version="0.14.0") as mas:
        answer = mas.api("POST", "/user-emails", {"user_id": SOME_ULID, "email": "a@b"})
        assert (answer.status, answer.body, answer.headers["allow"]) == (405, b"", "GET,HEAD")


def test_the_floor_has_no_profile_at_creation_and_pushes_no_lock(unique):
    with Mas(version="1.0.0") as mas, mas.delegating(Synapse) as server:
        name = unique("mas")
        answer = mas.api("POST", "/users", {"username": name, "displayname": "Ignored"})
        key, told = answer.json["data"]["id"], answer.json["data"]["attributes"]
        assert answer.status == 201 and "legacy_guest" not in told and "deactivated_at" in told
        assert server.profile(name)["displayname"] == name
        properties = mas.ask("GET", "/api/spec.json").json["components"]["schemas"]
        assert "displayname" not in properties["AddUserRequest"]["properties"]
        assert mas.api("POST", f"/users/{key}/lock").status == 200
        mas.jobs.settle()
        statement = "SELECT coalesce(locked, FALSE) FROM users WHERE name = ?"
        assert server.query(statement, (server.user_id(name),)) == [(0,)]
        # Search is unknown to it: everybody is listed.
        mas.create(unique("other"))
        listed = mas.api("GET", f"/users?filter[search]={name}&count=false").json
        assert listed["meta"] == {"count": 2} and "meta" not in listed["data"][0]


def test_before_0_20_a_deactivation_locked_and_erased_and_an_unlock_reactivated(unique):
    with Mas(version="0.19.0") as mas, mas.delegating(Synapse) as server:
        name = unique("mas")
        key = mas.create(name, "a long password")["user_id"]
        schemas = mas.ask("GET", "/api/spec.json").json["components"]["schemas"]
        assert "DeactivateUserRequest" not in schemas
        told = mas.api("POST", f"/users/{key}/deactivate", {"skip_erase": True}).json["data"]
        assert told["attributes"]["locked_at"] and told["attributes"]["deactivated_at"]
        mas.jobs.settle()
        erased = "SELECT user_id FROM erased_users"
        assert server.query(erased) == [(server.user_id(name),)]
        mas.api("POST", f"/users/{key}/unlock")
        mas.jobs.settle()
        assert mas.user(name)["deactivated_at"] is None
        mas.api("POST", f"/users/{key}/lock")
        # Who is locked is told what anybody is told.
        assert mas.login(name, "a long password").json["errcode"] == "M_FORBIDDEN"


# In a database

TABLES = """
CREATE TABLE users (user_id uuid PRIMARY KEY, username text UNIQUE, created_at timestamptz,
    locked_at timestamptz, deactivated_at timestamptz,
    can_request_admin boolean DEFAULT FALSE, is_guest boolean DEFAULT FALSE);
CREATE TABLE user_passwords (user_password_id uuid PRIMARY KEY, user_id uuid,
    hashed_password text, created_at timestamptz, version int, upgraded_from_id uuid);
CREATE TABLE user_emails (user_email_id uuid PRIMARY KEY, user_id uuid, email text,
    created_at timestamptz);
CREATE TABLE upstream_oauth_providers (upstream_oauth_provider_id uuid PRIMARY KEY,
    issuer text, human_name text, brand_name text, created_at timestamptz);
CREATE TABLE upstream_oauth_links (upstream_oauth_link_id uuid PRIMARY KEY,
    upstream_oauth_provider_id uuid, user_id uuid, subject text, created_at timestamptz);
"""


@pytest.fixture
def database(postgres):
    name = postgres.create_database(postgres.new_name("mas"))
    postgres.execute(TABLES, name)
    yield name
    postgres.forget(name)


def test_what_it_keeps_is_in_the_database_and_what_others_write_there_it_knows(postgres, database):
    with Mas(store=PostgresStore(postgres, database)) as mas:
        row = mas.adopt("alice")
        mas.set_password(row["user_id"], "a long password")
        body = {"user_id": row["user_id"], "email": "o'brien@x.test"}
        assert mas.api("POST", "/user-emails", body).status == 201
        provider = mas.add_provider(issuer="https://id.test/")
        link = {"user_id": row["user_id"], "provider_id": provider, "subject": "s"}
        assert mas.api("POST", "/upstream-oauth-links", link).status == 201
        assert mas.api("POST", f"/users/{row['user_id']}/lock").status == 200
        statement = (
            "SELECT username, locked_at IS NOT NULL, hashed_password, email, subject FROM users"
            " JOIN user_passwords USING (user_id) JOIN user_emails USING (user_id)"
            " JOIN upstream_oauth_links USING (user_id)"
        )
        found = postgres.query(statement, database)
        assert [(*one[:2], *one[3:]) for one in found] == [("alice", True, "o'brien@x.test", "s")]
        assert Scheme().matches("a long password", found[0][2])
        # As `mas-cli manage` and SQL do.
        postgres.execute("UPDATE users SET can_request_admin = TRUE, locked_at = NULL", database)
        told = mas.api("GET", "/users/by-username/alice").json["data"]["attributes"]
        assert told["admin"] is True and told["locked_at"] is None
        assert told["created_at"].endswith("Z")
        key = "01a20912-4c1d-7b61-27e5-ff02b2dd03ff"
        insert = "INSERT INTO users (user_id, username, created_at) VALUES (?, 'cli', now())"
        postgres.execute(insert, database, (key,))
        told = mas.api("GET", "/users/by-username/cli").json["data"]
        assert told["id"] == SOME_ULID and told["attributes"]["legacy_guest"] is False
        email = mas.store.find("user_emails")[0]["user_email_id"]
        assert mas.api("DELETE", f"/user-emails/{email}").status == 204
        assert postgres.query("SELECT email FROM user_emails", database) == []


def test_it_works_in_front_of_synapse_from_a_database(postgres, database, unique):
    with Mas(store=PostgresStore(postgres, database)) as mas, mas.delegating(Synapse) as server:
        name = unique("mas")
        assert mas.api("POST", "/users", {"username": name}).status == 201
        key = mas.user(name)["user_id"]
        mas.api("POST", f"/users/{key}/set-password", {"password": "a long password"})
        token = mas.login(name, "a long password").json["access_token"]
        assert server.whoami(token)["user_id"] == server.user_id(name)
        assert mas.api("POST", "/users", {"username": name.upper()}).status == 409


# As a configuration


def test_its_configuration_says_where_it_is_and_who_may_ask(tmp_path):
    with Mas(prefix="/auth/", adminapi="internal", issuer="https://id.test/") as mas:
        mas.schemes = [Scheme(2, secret="pepper"), Scheme(1, "pbkdf2", unicode_normalization=True)]
        poor = mas.add_client("s: %'\"", method="client_secret_post", admin=False)
        database = {"host": "db", "username": "mas", "password": "p", "database": "mas"}
        file = mas_config.write(tmp_path / "mas" / "config.yaml", mas, database=database)
        assert file.stat().st_mode & 0o777 == 0o600
        told = yaml.safe_load(file.read_text("utf8"))
        web, internal = told["http"]["listeners"]
        assert web["prefix"] == internal["prefix"] == "/auth/"
        assert {"name": "adminapi"} in internal["resources"]
        assert {"name": "adminapi"} not in web["resources"]
        assert web["binds"] == [{"address": f"127.0.0.1:{mas.web.port}"}]
        assert told["http"]["public_base"] == mas.url + "/"
        assert told["http"]["issuer"] == "https://id.test/"
        assert told["policy"]["data"]["admin_clients"] == [mas.client.id]
        clients = {one["client_id"]: one for one in told["clients"]}
        assert clients[mas.client.id]["client_secret"] == mas.client.secret
        assert clients[poor.id]["client_secret"] == "s: %'\""
        assert clients[poor.id]["client_auth_method"] == "client_secret_post"
        assert [one["version"] for one in told["passwords"]["schemes"]] == [2, 1]
        assert told["passwords"]["schemes"][0]["secret"] == "pepper"
        assert told["matrix"]["secret"] == mas.secret and told["database"]["host"] == "db"
        over = mas_config.document(mas, database="postgresql://x/y", policy=None, clients=[])
        assert over["database"]["uri"] == "postgresql://x/y" and "policy" not in over


# Elsewhere than on the loopback


def test_it_can_be_reached_by_tls(tmp_path):
    issued = Authority(tmp_path, "ca").issue("mas", "DNS:localhost,IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.file, issued.key)
    with Mas(tls=context) as mas:
        assert mas.url.startswith("https://127.0.0.1:")
        told = mas.ask("GET", "/.well-known/openid-configuration").json
        assert told["token_endpoint"] == mas.url + "/oauth2/token"


@needs_namespaces
def test_it_can_be_in_a_container_s_network():
    with Namespace() as host, Mas(namespace=host, address="0.0.0.0") as mas:
        assert mas.url == f"http://{host.ipv4}:{mas.web.port}"
        told = mas.ask("GET", "/.well-known/openid-configuration").json
        assert told["issuer"] == mas.url + "/"


# Held against the real one's description


@pytest.fixture
def described(tmp_path, monkeypatch) -> Mas:
    """One that is checked by a small description of ours."""
    user = {
        "type": "object",
        "properties": {"username": {"type": "string"}},
        "required": ["username"],
    }
    operation = {
        "operationId": "createUser",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Add"}}},
        },
        "responses": {
            "201": {"content": {"application/json": {"schema": {"type": "object"}}}},
            "409": {"content": {"application/json": {"schema": {"required": ["errors"]}}}},
        },
    }
    first = {"in": "query", "name": "page[first]", "schema": {"type": "integer", "minimum": 1}}
    listing = {
        "operationId": "listUsers",
        "parameters": [first],
        "responses": {"200": {"content": {"application/json": {"schema": {"required": ["data"]}}}}},
    }
    errors = {"type": "object", "required": ["errors"]}
    document = {
        "paths": {"/api/admin/v1/users": {"post": operation, "get": listing}},
        "components": {"schemas": {"Add": user, "ErrorResponse": errors}},
    }
    file = tmp_path / "described.json"
    file.write_text(json.dumps(document))
    monkeypatch.setenv(mas_openapi.VARIABLE, str(file))
    with Mas() as mas:
        yield mas


@pytest.mark.parametrize(
    "method, path, body, told",
    [
        ("GET", "/users?page[first]=3", None, []),
        ("GET", "/users?page[first]=0", None, ["page[first]=0"]),
        ("GET", "/users?filter[nobody]=0", None, ["filter[nobody]"]),
        ("POST", "/users", {"username": "taken"}, []),
        ("POST", "/users", {"username": 1}, ["username is no type"]),
        ("POST", "/users", {}, ["it is no required"]),
        ("POST", "/users", {"username": "taken", "password": "x"}, ["nobody reads password"]),
        ("POST", "/users", None, ["not said to be JSON"]),
        ("GET", f"/users/{SOME_ULID}", None, ["is not described"]),
    ],
)
def test_a_request_that_is_not_as_described_is_written_down(described, method, path, body, told):
    described.adopt("taken")
    described.api(method, path, body)
    assert len(described.invalid_requests) == len(told)
    for wrong, text in zip(described.invalid_requests, told):
        assert text in wrong
    assert described.complaints == []


def test_a_reply_of_ours_that_is_not_as_described_is_complained_of(described):
    described.admin._list_users = lambda request: Reply(200, {"links": {}})
    described.api("GET", "/users")
    described.admin._list_users = lambda request: Reply(202, {"data": []})
    described.api("GET", "/users")
    described.admin._list_users = lambda request: Reply(400, {"error": "x"})
    described.api("GET", "/users")
    assert len(described.complaints) == 3


def test_nothing_is_checked_where_no_description_is_named(monkeypatch):
    monkeypatch.delenv(mas_openapi.VARIABLE, raising=False)
    with Mas() as mas:
        mas.api("GET", "/users?x=y")
        assert mas.invalid_requests == []
