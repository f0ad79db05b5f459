# SPDX-License-Identifier: GPL-3.0-or-later
"""What refusals, failures and redirects become: the kind of the error, and
nothing else done."""

from __future__ import annotations

import pytest

from tests.support import hostile_faults as faults
from tests.support.hostile import HostileServer
from tests.support.hostile_tasks import (
    NEW_PASSWORD,
    SLACK,
    assert_fails,
    by_login,
    by_match,
    by_secret,
    by_token,
    left_sessions,
    run,
)

ROUTES = {"nonce": by_secret, "register": by_secret, "whoami": by_token, "get_user": by_token}


@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize("route", ROUTES)
def test_a_page_of_a_proxy_in_front_of_no_server_is_not_ready(
    server: HostileServer, route: str, status: int
) -> None:
    server.misbehave(route, faults.html(status), on=None)
    reply = run(ROUTES[route](server))
    assert_fails(reply, "not_ready")
    assert reply.json["error"]["status"] == status
    assert "<" not in reply.json["msg"]
    assert reply.seconds < SLACK
    # A creation may have gone through: it is looked for, and then tried again.
    assert server.count(route) <= (2 if route == "register" else 1)


@pytest.mark.parametrize("route", ROUTES)
def test_a_server_error_is_of_the_kind_server(server: HostileServer, route: str) -> None:
    """http/server.py, return_json_error: what no servlet caught."""
    server.misbehave(route, faults.refuses(500, "M_UNKNOWN", "Internal server error"), on=None)
    reply = run(ROUTES[route](server))
    assert_fails(reply, "server")
    assert reply.json["error"]["status"] == 500
    assert reply.json["error"]["errcode"] == "M_UNKNOWN"
    assert "Internal server error" in reply.json["msg"]


@pytest.mark.parametrize("body", [b"", b"oops", b"[]", b'{"errcode": 5, "error": {}}', b"\xff"])
@pytest.mark.parametrize("route", ROUTES)
def test_a_server_error_without_an_errcode_is_of_the_kind_server(
    server: HostileServer, route: str, body: bytes
) -> None:
    server.misbehave(route, faults.reply(500, body, "text/plain"), on=None)
    reply = run(ROUTES[route](server))
    assert_fails(reply, "server")
    assert reply.json["error"]["status"] == 500
    assert "errcode" not in reply.json["error"]


@pytest.mark.parametrize("errcode", ["M_UNKNOWN_TOKEN", "M_MISSING_TOKEN"])
@pytest.mark.parametrize("route", ["whoami", "get_user"])
def test_a_token_that_is_refused_is_unauthorized(
    server: HostileServer, route: str, errcode: str
) -> None:
    server.misbehave(route, faults.refuses(401, errcode, soft_logout=False), on=None)
    reply = run(by_token(server))
    assert_fails(reply, "unauthorized")
    assert reply.json["error"] == {"kind": "unauthorized", "status": 401, "errcode": errcode}
    assert server.count("put_user") == 0


@pytest.mark.parametrize("soft_logout", [True, False, 1, None, "yes"])
def test_a_token_that_has_expired_is_unauthorized_however_soft_the_logout(
    server: HostileServer, soft_logout: object
) -> None:
    refusal = faults.refuses(401, "M_UNKNOWN_TOKEN", "Expired", soft_logout=soft_logout)
    server.misbehave("whoami", refusal, on=None)
    assert_fails(run(by_token(server)), "unauthorized")


@pytest.mark.parametrize("route", ["whoami", "get_user", "login"])
def test_the_password_dialogue_of_a_proxy_is_an_error_and_stays_unanswered(
    server: HostileServer, route: str
) -> None:
    """A 401 without an errcode, which is not the homeserver's."""
    page = faults.reply(
        401, b"<h1>401</h1>", "text/html", WWW_Authenticate='Basic realm="x", Negotiate'
    )
    server.misbehave(route, page, on=None)
    reply = run((by_login if route == "login" else by_token)(server))
    assert_fails(reply, "unauthorized", "protocol")
    assert reply.json["error"]["status"] == 401
    assert server.count(route) == 1


def test_a_locked_administrator_may_not_go_on(server: HostileServer) -> None:
    server.homeserver.user("root").locked = True
    reply = run(by_token(server, displayname="x"))
    assert_fails(reply, "unauthorized", "forbidden")
    assert reply.json["error"]["errcode"] == "M_USER_LOCKED"


def test_a_locked_administrator_s_login_is_refused(server: HostileServer) -> None:
    server.homeserver.user("root").locked = True
    reply = run(by_login(server, displayname="x"))
    assert_fails(reply, "unauthorized", "forbidden")


def test_who_is_no_administrator_is_forbidden(server: HostileServer) -> None:
    server.homeserver.user("root").admin = False
    reply = run(by_token(server, displayname="x"))
    assert_fails(reply, "forbidden")
    assert reply.json["error"]["errcode"] == "M_FORBIDDEN"
    assert server.count("put_user") == 0


def test_who_is_no_administrator_is_logged_out_again(server: HostileServer) -> None:
    server.homeserver.user("root").admin = False
    assert_fails(run(by_login(server, displayname="x")), "forbidden")
    assert left_sessions(server) == []


def test_a_wrong_admin_password_is_unauthorized_and_asked_once(server: HostileServer) -> None:
    reply = run(by_login(server, admin_password="not it at all"))
    assert_fails(reply, "unauthorized")
    assert server.count("login") == 1


def test_a_server_without_password_login_is_unsupported(server: HostileServer) -> None:
    server.homeserver.password_login = False
    assert_fails(run(by_login(server)), "unsupported")


def test_a_wrong_shared_secret_is_unauthorized(server: HostileServer) -> None:
    """403 M_UNKNOWN "HMAC incorrect": rest/admin/users.py, UserRegisterServlet."""
    reply = run(by_secret(server, registration_shared_secret="not the secret"))
    assert_fails(reply, "unauthorized")
    assert server.homeserver.user("bob") is None


def test_a_server_without_a_shared_secret_says_so(server: HostileServer) -> None:
    task = by_secret(server)
    server.homeserver.secret = None
    reply = run(task)
    assert_fails(reply, "unsupported", "unauthorized", "policy")
    assert "Shared secret registration is not enabled" in reply.json["msg"]


def test_an_admin_api_that_a_proxy_hides_is_unsupported(server: HostileServer) -> None:
    server.misbehave("nonce", faults.html(404), on=None)
    server.misbehave("register", faults.html(404), on=None)
    reply = run(by_secret(server))
    assert_fails(reply, "unsupported")
    assert "/_synapse/admin" in reply.json["msg"]


@pytest.mark.parametrize("backend", ["auto", "synapse"])
@pytest.mark.parametrize("task", [by_secret, by_token], ids=["by secret", "by token"])
def test_a_homeserver_whose_accounts_are_mas_s_gets_no_orphan(
    server: HostileServer, task: object, backend: str
) -> None:
    arguments = task(server, "bob") | {"backend": backend}  # type: ignore[operator]
    server.homeserver.mas = True
    before = server.homeserver.state()
    reply = run(arguments)
    assert_fails(reply, "unsupported")
    assert "Matrix Authentication Service" in reply.json["msg"]
    assert server.homeserver.state() == before
    assert server.count("put_user", "register") == 0


@pytest.mark.parametrize(
    ("status", "errcode", "kinds"),
    [
        # api/errors.py and handlers/register.py have these.
        (400, "M_INVALID_USERNAME", ["invalid"]),
        (400, "M_EXCLUSIVE", ["policy"]),
        (400, "M_BAD_JSON", ["invalid", "protocol", "server"]),
        (403, "M_FORBIDDEN", ["forbidden"]),
        (403, "M_RESOURCE_LIMIT_EXCEEDED", ["policy", "forbidden"]),
        (403, "M_LIMITED_BY_A_MODULE", ["forbidden"]),
        (413, "M_TOO_LARGE", ["invalid", "server", "policy"]),
        # A spam checker's refusal: no rate limit, and not to be tried again.
        (429, "M_UNKNOWN", ["policy", "forbidden"]),
        (501, "M_UNRECOGNIZED", ["server", "unsupported"]),
    ],
)
def test_a_refused_creation_has_the_kind_of_its_errcode(
    server: HostileServer, status: int, errcode: str, kinds: list[str]
) -> None:
    server.misbehave("register", faults.refuses(status, errcode, "Because."), on=None)
    reply = run(by_secret(server))
    assert_fails(reply, *kinds)
    assert reply.json["error"]["status"] == status
    assert reply.json["error"]["errcode"] == errcode
    assert not reply.changed
    assert server.count("register") == 1
    assert reply.seconds < SLACK


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("route", ["nonce", "register", "whoami", "get_user", "put_user", "login"])
def test_a_redirect_to_elsewhere_is_an_error_and_nothing_goes_there(
    server: HostileServer, elsewhere: HostileServer, route: str, status: int
) -> None:
    server.misbehave(route, faults.redirects(status, elsewhere.url + "/x"), on=None)
    task = {"nonce": by_secret, "register": by_secret, "login": by_login}.get(route, by_token)
    more = {} if task is by_secret else {"displayname": "Alice II"}
    reply = run(task(server, **more))
    assert_fails(reply, "protocol")
    assert reply.json["error"]["status"] == status
    assert elsewhere.origin in reply.json["msg"], "the message does not say where to"
    assert server.count(route) == 1


@pytest.mark.parametrize(
    "location",
    [
        "/elsewhere",
        "https://127.0.0.1:1/",
        "//127.0.0.1:1/",
        "file:///etc/passwd",
        "http://[",
        "",
        "http://a\x80\xff/",
        "http://user:hunter22@127.0.0.1:1/x?access_token=hunter22",
        "x" * 50_000,
    ],
    ids=lambda location: location[:25],
)
def test_a_redirect_to_anything_is_a_protocol_error(server: HostileServer, location: str) -> None:
    server.misbehave("any", faults.redirects(302, location), on=None)
    reply = run(by_secret(server))
    assert_fails(reply, "protocol")
    assert len(server.requests) == 1
    assert "hunter22" not in reply.json["msg"]
    assert len(reply.raw) < 4000


def test_a_redirect_to_the_same_place_is_not_followed_either(server: HostileServer) -> None:
    nonce = server.url + "/_synapse/admin/v1/register"
    server.misbehave("nonce", faults.redirects(307, nonce), on=1)
    assert_fails(run(by_secret(server)), "protocol")
    assert server.count("nonce") == 1


@pytest.mark.parametrize(
    "status", [100, 199, 205, 206, 299, 300, 304, 305, 399, 418, 499, 599, 999]
)
def test_a_status_nobody_expects_is_an_error(server: HostileServer, status: int) -> None:
    server.misbehave("nonce", faults.says({"errcode": "M_ODD", "error": "Odd."}, status), on=None)
    before = server.homeserver.state()
    reply = run(by_secret(server))
    assert_fails(reply, "protocol", "server", "invalid", "forbidden", "unreachable")
    assert server.homeserver.state() == before


def test_no_redirect_follows_from_a_refresh_header(
    server: HostileServer, elsewhere: HostileServer
) -> None:
    page = faults.reply(200, b"{}", Refresh=f"0; url={elsewhere.url}", Location=elsewhere.url)
    server.misbehave("nonce", page, on=None)
    assert_fails(run(by_secret(server)), "protocol")


def test_an_alternative_service_is_not_gone_to(
    server: HostileServer, elsewhere: HostileServer
) -> None:
    """RFC 7838: a header that moves a client to another port without a word."""
    alternative = f'h2=":{elsewhere.port}"; ma=86400, http/1.1="{elsewhere.origin}"'

    def and_move(exchange: faults.Exchange) -> None:
        answer = exchange.answer()
        answer.headers["Alt-Svc"] = alternative
        exchange.send_answer(answer)
        exchange.finished = False

    server.misbehave("any", and_move, on=None)
    assert run(by_login(server, displayname="Alice II")).changed


def test_cookies_are_not_taken(server: HostileServer) -> None:
    def and_cookie(exchange: faults.Exchange) -> faults.Answer:
        answer = exchange.answer()
        answer.headers["Set-Cookie"] = "session=abc; Path=/"
        return answer

    server.misbehave("any", and_cookie, on=None)
    run(by_login(server, displayname="Alice II"))
    assert all(request.header("cookie") is None for request in server.requests)


def test_a_match_with_another_s_password_is_a_conflict_and_changes_nothing(
    server: HostileServer,
) -> None:
    before = server.homeserver.state()
    reply = run(by_match(server, password=NEW_PASSWORD, displayname="Mallory"))
    assert_fails(reply, "conflict")
    assert server.homeserver.state() == before
    assert left_sessions(server) == []
