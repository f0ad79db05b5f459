# SPDX-License-Identifier: GPL-3.0-or-later
"""MAS as it is not set up for this, or not there: what is wrong, what to change, and
where. Nothing is changed."""

import socket

import pytest

from tests.servers.mas_proof import (
    fails,
    has_nothing_to_do,
    is_refused,
    setting,
    state,
    succeeds,
    task,
)
from tests.servers.proof import a_password
from tests.support.mas import Mas
from tests.support.mas_homeserver import Beside
from tests.support.mas_wire import Reply
from tests.support.module import run_module

pytestmark = pytest.mark.usefixtures("nothing_left")


def with_client(mas, client, **more):
    return task(mas, mas_client_id=client.id, mas_client_secret=client.secret) | more


@pytest.fixture
def alice(mas, unique):
    name = unique("alice")
    mas.create(name)
    return name


@pytest.fixture
def other(mas):
    """other(prefix=...): another MAS in front of the same homeserver."""
    made = []

    def make(**how):
        one = Mas(**how)
        made.append(one)
        one.secret = mas.secret
        one.beside = Beside(mas.secret)
        one.beside.server = mas.beside.server
        return one

    yield make
    for one in made:
        one.close()
        assert one.complaints == []


# Clients


def test_an_unknown_client_and_a_wrong_secret_are_told_and_where_clients_stand(mas, alice):
    wrong = [
        {"mas_client_id": "01M84H4K0XFDGJFSFZ0ASDT0ZZ"},
        {"mas_client_secret": "another secret of nobody's"},
    ]
    for stated in wrong:
        reply = is_refused(
            mas,
            task(mas, username=alice, admin=True, **stated),
            "unauthorized",
            "mas_client_secret",
            "matrix_authentication_service_config_clients_custom",
            "Client authentication failed",
        )
        assert reply.json["error"]["status"] == 401


def test_an_id_that_no_client_can_have_is_refused_without_a_request(mas, alice):
    fails(run_module(task(mas, username=alice, mas_client_id="not a ULID")), "invalid", "a ULID")
    assert mas.routes == []


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
@pytest.mark.parametrize(
    "secret", ["plain", "with blanks and %2B + : / = & ünïcode ❤", "a:b:c", "%41%2f"]
)
def test_a_client_opens_it_by_either_method_and_with_any_secret(mas, alice, method, secret):
    client = mas.add_client(secret=secret, method=method)
    has_nothing_to_do(mas, with_client(mas, client, username=alice))


def test_the_method_that_works_is_remembered(mas, alice):
    client = mas.add_client(method="client_secret_post")
    succeeds(run_module(with_client(mas, client, username=alice)))
    statuses = [r.status for r in mas.requests if r.route.startswith("POST /oauth2/")]
    assert statuses == [401, 200, 200]


def test_a_secret_in_a_file_is_as_good(mas, alice, tmp_path):
    file = tmp_path / "secret"
    file.write_text(mas.client.secret + "\n")
    arguments = task(mas, username=alice, mas_client_secret_path=str(file))
    del arguments["mas_client_secret"]
    has_nothing_to_do(mas, arguments)


def test_a_client_that_is_no_administrator_s_is_told_where_to_list_it(mas, alice):
    client = mas.add_client(admin=False)
    arguments = with_client(mas, client, username=alice, admin=True)
    is_refused(
        mas,
        arguments,
        "forbidden",
        "policy.data.admin_clients",
        client.id,
        "matrix_authentication_service_configuration_extension_yaml",
    )


# Tokens


def test_a_token_that_is_given_is_used_and_not_ended(mas, alice):
    token = mas.admin_token(human_name="x-harness")
    arguments = task(mas, username=alice, mas_token=token)
    del arguments["mas_client_id"], arguments["mas_client_secret"]
    reply = has_nothing_to_do(mas, arguments)
    assert reply.json["authenticated_by"] == "mas_token"
    assert mas.count("POST /oauth2/token", "POST /oauth2/revoke") == 0
    has_nothing_to_do(mas, arguments)


@pytest.mark.parametrize(
    ("made", "kind", "word"),
    [
        (lambda mas: mas.admin_token(seconds=-1, human_name="x-harness"), "unauthorized", "is over"),
        (lambda mas: "mat_" + "a" * 30 + "_000000", "unauthorized", "not a whole token"),
        (lambda mas: "garbage", "unauthorized", "not a whole token"),
        (lambda mas: "two words", "invalid", "characters"),
        (
            lambda mas: mas.admin_token(scope="openid", human_name="x-harness"),
            "forbidden",
            "urn:mas:admin",
        ),
    ],
)
def test_a_token_that_is_no_good_is_told(mas, alice, made, kind, word):
    token = made(mas)
    arguments = task(mas, username=alice, admin=True, mas_token=token)
    del arguments["mas_client_id"], arguments["mas_client_secret"]
    is_refused(mas, arguments, kind, word)


# Where it is


def test_an_admin_api_that_is_not_switched_on_is_told(mas, alice, other):
    off = other(adminapi=None)
    reply = run_module(off.task(username=alice, admin=True))
    fails(
        reply,
        "unsupported",
        "adminapi",
        "http.listeners",
        "matrix_authentication_service_admin_api_enabled",
    )
    assert sum(off.active_sessions().values()) == 0


def test_an_admin_api_on_a_listener_of_its_own(mas, unique, other):
    apart = other(adminapi="internal")
    arguments = apart.task(username=unique("alice"), password=a_password(), admin=True)
    assert arguments["mas_admin_url"] != arguments["mas_url"]
    succeeds(run_module(arguments), "create")
    succeeds(run_module(arguments))
    assert apart.has_password(arguments["username"], arguments["password"])
    assert {r.listener for r in apart.requests if r.template} == {"internal"}
    del arguments["mas_admin_url"]
    fails(run_module(arguments), "unsupported", "mas_admin_url")
    assert sum(apart.active_sessions().values()) == 0


def test_a_base_without_tokens_is_told(mas, unique, other):
    apart = other(adminapi="internal")
    arguments = apart.task(username=unique("alice"), mas_url=apart.admin_url)
    fails(run_module(arguments), "protocol", "oauth", "mas_admin_url")


def test_a_mas_behind_a_prefix(mas, unique, other):
    prefixed = other(prefix="/auth/")
    for url in (prefixed.url, prefixed.url + "/"):
        arguments = prefixed.task(
            username=unique("a/b"), password=a_password(), emails=["x@y.example"], mas_url=url
        )
        succeeds(run_module(arguments), "create")
        succeeds(run_module(arguments | {"update_password": "always"}))
        succeeds(run_module(arguments | {"state": "deactivated", "password": None, "emails": None}), "deactivate")
    arguments["mas_url"] = prefixed.web.origin
    fails(run_module(arguments), "protocol", "prefix")
    assert sum(prefixed.active_sessions().values()) == 0


def test_nobody_at_that_address(mas, alice):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        reply = fails(run_module(task(mas, username=alice, mas_url=url)), "unreachable")
    assert url.removeprefix("http://") in reply.msg


def test_the_homeserver_in_place_of_mas(mas, alice):
    arguments = task(mas, username=alice, mas_url=mas.beside.server.url)
    reply = run_module(arguments)
    assert reply.failed and reply.kind in ("protocol", "unsupported", "not_found"), reply.json


def test_without_the_homeserver_s_address_all_that_is_mas_s_works(mas, unique):
    arguments = mas.task(username=unique("alice"), password=a_password(), admin=True)
    reply = succeeds(run_module(arguments), "create")
    assert reply.json["user"]["user_id"].endswith(":example.test")
    succeeds(run_module(arguments))


def test_auto_finds_mas_by_the_homeserver(mas, unique):
    arguments = task(mas, username=unique("alice"), password=a_password(), backend="auto")
    reply = succeeds(run_module(arguments), "create")
    assert reply.json["backend"] == "mas"
    del arguments["mas_url"]
    reply = succeeds(run_module(arguments))
    assert reply.json["backend"] == "mas"


# A proxy before it


def test_a_proxy_that_takes_the_credentials_away_is_told(mas, alice):
    def strip(request):
        if request.template:
            request.headers = [pair for pair in request.headers if pair[0].lower() != "authorization"]

    with setting(mas, before=strip):
        reply = fails(run_module(task(mas, username=alice)), "protocol", "reverse proxy", "Authorization")
    assert not reply.changed


def test_a_proxy_that_refuses_a_slash_in_a_name_is_told(mas, unique):
    name = unique("a/b")
    mas.create(name)

    def refuses(request):
        if "%2F" in request.target:
            return Reply.html(404, "<h1>Not Found</h1><p>nginx</p>")

    with setting(mas, before=refuses):
        fails(run_module(task(mas, username=name)), "unsupported", "%2F")


def test_a_bad_gateway_is_told(mas, alice):
    def gateway(request):
        return Reply.html(502, "<h1>502 Bad Gateway</h1>")

    with setting(mas, before=gateway):
        reply = run_module(task(mas, username=alice))
    assert reply.failed and reply.json["error"]["status"] == 502 and not reply.changed


# The machine behind it


def test_a_homeserver_with_another_secret_is_told(mas, unique):
    before = state(mas)
    with setting(mas.beside, secret="another secret"):
        arguments = task(mas, username=unique("alice"))
        fails(run_module(arguments), "server", "matrix.secret")
    assert state(mas) == before


def test_a_mas_that_restarts_between_two_requests_goes_on(mas, unique):
    def restarts(request):
        if request.route == "POST /users/{id}/set-password" and not restarted:
            restarted.append(True)
            mas.web._http.end_connections()

    restarted = []
    arguments = task(mas, username=unique("alice"), password=a_password())
    with setting(mas, before=restarts):
        succeeds(run_module(arguments), "create")
    assert restarted and mas.has_password(arguments["username"], arguments["password"])
