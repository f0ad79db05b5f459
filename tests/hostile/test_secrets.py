# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that a server hands back, and texts that are not fit to be shown."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest

from tests.support import hostile_faults as faults
from tests.support.hostile import HostileServer
from tests.support.hostile_secrets import AWKWARD, assert_no_secret, encodings, strings
from tests.support.hostile_tasks import (
    assert_fails,
    by_login,
    by_match,
    by_secret,
    by_token,
    run,
)

# Long enough that no reply is: what is shown of a server's text is cut.
LONGEST_REPLY = 8000

Task = Callable[[HostileServer], dict[str, Any]]
SHARED_SECRET = "Sh/ared+secret \"of\" the=stand&in ö"
# The request a secret goes with, the secret, and the task.
GIVEN: dict[str, tuple[str, str, Task]] = {
    "the password of a creation": (
        "register",
        AWKWARD,
        lambda s: by_secret(s, password=AWKWARD),
    ),
    "the shared secret": (
        "register",
        SHARED_SECRET,
        lambda s: by_secret(s, registration_shared_secret=SHARED_SECRET),
    ),
    "the password of a change": (
        "put_user",
        AWKWARD,
        lambda s: by_token(s, password=AWKWARD, update_password="always", password_probe=False),
    ),
    "the password of a creation by token": (
        "put_user",
        AWKWARD,
        lambda s: by_token(s, "bob", password=AWKWARD),
    ),
    "the password that is asked about": (
        "add_3pid",
        AWKWARD,
        lambda s: by_token(s, password=AWKWARD, update_password="always"),
    ),
    "the administrator's password": (
        "login",
        AWKWARD,
        lambda s: by_login(s, admin_password=AWKWARD),
    ),
    "the user's own password": ("login", AWKWARD, lambda s: by_match(s, password=AWKWARD)),
    "a password of the list": (
        "put_user",
        AWKWARD,
        lambda s: by_token(s, username=None)
        | {"users": [{"username": "b1", "password": AWKWARD}, {"username": "b2"}]},
    ),
}


@pytest.mark.parametrize("encoding", encodings(AWKWARD))
@pytest.mark.parametrize("what", GIVEN)
def test_a_secret_in_an_error_text_is_not_passed_on(
    server: HostileServer, what: str, encoding: str
) -> None:
    route, secret, task = GIVEN[what]
    echo = encodings(secret)[encoding]
    server.misbehave(route, faults.refuses(500, "M_UNKNOWN", f"cannot take <{echo}>"), on=None)
    reply = run(task(server))
    assert_no_secret(reply, [secret])
    if route != "add_3pid":
        assert "cannot take" in json.dumps(reply.json), "the rest of the text is of use"


@pytest.mark.parametrize("encoding", encodings(AWKWARD))
def test_a_token_in_an_error_text_is_not_passed_on(server: HostileServer, encoding: str) -> None:
    def echo(exchange: faults.Exchange) -> faults.Answer:
        said = encodings(exchange.request.bearer or "")[encoding]
        return faults.Answer(500, {"errcode": "M_UNKNOWN", "error": f"what is <{said}>?"})

    server.misbehave("get_user", echo, on=None)
    reply = run(by_login(server, displayname="x"))
    assert reply.failed
    assert_no_secret(reply, [server.sent("get_user")[0].bearer or ""])


def test_a_token_on_a_user_s_behalf_is_not_passed_on(server: HostileServer) -> None:
    def echo(exchange: faults.Exchange) -> faults.Answer:
        text = f"what is {exchange.request.bearer}?"
        return faults.Answer(500, {"errcode": "M_UNKNOWN", "error": text})

    server.misbehave("add_3pid", echo, on=None)
    server.misbehave("logout", echo, on=None)
    reply = run(by_token(server, password=AWKWARD, update_password="always"))
    assert_no_secret(reply, [server.sent("add_3pid")[0].bearer or "", AWKWARD])


@pytest.mark.parametrize("where", ["errcode", "Server", "version", "Location", "reason"])
def test_a_secret_in_an_odd_place_is_not_passed_on(server: HostileServer, where: str) -> None:
    secret = "an-odd-secret-of-36-plain-characters"

    def echo(exchange: faults.Exchange) -> None:
        status, headers, body = "403 No", "", {"errcode": "M_FORBIDDEN", "error": "No."}
        if where == "errcode":
            body["errcode"] = f"M_{secret}"
        elif where in ("Server", "version"):
            headers = f"Server: Synapse/{secret}\r\n"
        elif where == "Location":
            status, headers = "302 Go", f"Location: http://127.0.0.1:1/?{secret}\r\n"
        else:
            status = f"403 {secret}"
        data = json.dumps(body).encode()
        head = f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(data)}\r\n\r\n"
        exchange.send(head.encode() + data)
        exchange.finished = True

    server.misbehave("nonce" if where == "version" else "register", echo, on=None)
    reply = run(by_secret(server, password=secret))
    assert reply.failed
    assert_no_secret(reply, [secret])


def test_a_secret_that_the_server_has_for_a_name_is_not_passed_on(server: HostileServer) -> None:
    """The display name that is seen goes into the reply, and into the diff."""
    server.homeserver.user("alice").displayname = f"my password is {AWKWARD}"
    task = by_token(server, password=AWKWARD, displayname="Alice II", update_password="always")
    reply = run(task, diff=True)
    assert_no_secret(reply, [AWKWARD])


def test_a_secret_is_not_half_passed_on_where_a_long_text_is_cut(server: HostileServer) -> None:
    """Wherever the cut is, it goes through a copy of the secret."""
    secret = "abcdefghijklmnopqrstuvwxyz0123456789-ABCDEFGH"
    text = "!" + secret * 3000
    server.misbehave("register", faults.refuses(400, "M_UNKNOWN", text), on=None)
    reply = run(by_secret(server, password=secret))
    assert reply.failed
    for part in strings(reply.json):
        assert secret[:8] not in part
        assert secret[-8:] not in part


def test_a_secret_across_json_escapes_is_not_passed_on(server: HostileServer) -> None:
    """\\u0061 for a: the text is JSON's, whatever its spelling."""
    secret = "plain-secret-of-letters"
    spelt = "".join(f"\\u{ord(character):04x}" for character in secret)
    body = f'{{"errcode": "M_UNKNOWN", "error": "what is {spelt}?"}}'.encode()
    server.misbehave("register", faults.reply(400, body), on=None)
    reply = run(by_secret(server, password=secret))
    assert reply.failed
    assert_no_secret(reply, [secret])


def test_a_secret_that_is_a_word_of_our_own_does_not_spoil_the_reply(
    server: HostileServer,
) -> None:
    """Keys and identifiers are never scrubbed."""
    reply = run_unchecked(by_secret(server, "changed", password="changed"))
    assert reply.changed
    assert reply.json["user"]["user_id"] == "@changed:example.test"


def run_unchecked(arguments: dict[str, Any]) -> Any:
    """Where the secret is in the reply by rights."""
    from tests.support.module import run_arguments_file

    named = {"_ansible_module_name": "matrix_user"} | arguments
    return run_arguments_file(json.dumps(named).encode())


UNFIT = {
    "control characters": "a\x00b\x07c\x1b[31mred\x1b[0m\x7f\x9bd",
    "line ends": "a\r\nfatal: [host]: FAILED!\nb\u2028c\u2029d\x85e",
}


@pytest.mark.parametrize("what", UNFIT)
@pytest.mark.parametrize("key", ["error", "errcode"])
def test_what_a_terminal_would_obey_is_not_in_a_message(
    server: HostileServer, key: str, what: str
) -> None:
    body = {"errcode": "M_FORBIDDEN", "error": "No."} | {key: UNFIT[what].replace("\x00", "")}
    server.misbehave("register", faults.says(body, 403), on=None)
    reply = run(by_secret(server))
    assert reply.failed
    assert_shown_fit(reply.json["msg"])
    assert_shown_fit(reply.json["error"].get("errcode", ""))


def assert_shown_fit(text: str) -> None:
    """No controls, no separators of lines or paragraphs (Unicode's Cc, Zl, Zp)."""
    unfit = [c for c in text if unicodedata.category(c) in ("Cc", "Zl", "Zp")]
    assert not unfit, f"{unfit} in {text!r}"


def test_a_user_id_with_a_line_end_does_not_break_the_message(server: HostileServer) -> None:
    name = "@root\nfatal: FAILED:example.test"
    server.misbehave("whoami", faults.says({"user_id": name, "is_guest": False}), on=None)
    server.homeserver.user("root").admin = False
    reply = run(by_token(server))
    assert reply.failed
    assert_shown_fit(reply.json["msg"])


@pytest.mark.parametrize("location", ["http://127.0.0.1:1/\x1b[31mx", "http://a\x7fb:1/", "\x07"])
def test_a_location_with_controls_is_not_passed_on(server: HostileServer, location: str) -> None:
    server.misbehave("nonce", faults.redirects(302, location), on=None)
    reply = run(by_secret(server))
    assert_fails(reply, "protocol")
    assert_shown_fit(reply.json["msg"])


@pytest.mark.parametrize(
    "header", ["Synapse/\xff\xfe", "Synapse/\x1b[31m", "S\xc3\x28", "x" * 9000]
)
def test_a_server_header_of_any_bytes_leaves_the_reply_whole(
    server: HostileServer, header: str
) -> None:
    def and_header(exchange: faults.Exchange) -> faults.Answer:
        answer = exchange.answer()
        answer.headers["Server"] = header
        return answer

    server.misbehave("any", and_header, on=None)
    reply = run(by_secret(server))
    assert reply.changed, reply.json
    assert_shown_fit(json.dumps(reply.json["server"], ensure_ascii=False))


@pytest.mark.parametrize(
    "name", ["Ünïcödé \U0001f980", "\u202edlrow olleh", "a\x1bb\x07", "a\u2028b"]
)
def test_a_name_of_any_characters_comes_back_as_it_is(server: HostileServer, name: str) -> None:
    server.homeserver.user("alice").displayname = name
    reply = run(by_token(server, displayname=name))
    assert not reply.changed, reply.json
    assert reply.json["user"]["displayname"] == name


@pytest.mark.parametrize(
    "text", ["x" * 900_000, "\\" * 500_000, "\u2028" * 100_000, "é" * 100_000], ids="x\\lé"
)
def test_a_very_long_error_text_is_cut(server: HostileServer, text: str) -> None:
    server.misbehave("register", faults.refuses(403, "M_FORBIDDEN", text), on=None)
    reply = run(by_secret(server))
    assert_fails(reply, "forbidden")
    assert len(reply.raw) < LONGEST_REPLY


@pytest.mark.parametrize(
    "errcode",
    ["M_" + "X" * 100_000, "", "m_forbidden", 'M_"X', "M X", 5, None, [], {"a": 1}, True],
    ids=lambda errcode: repr(errcode)[:20],
)
def test_an_errcode_that_is_none_leaves_the_status_to_decide(
    server: HostileServer, errcode: object
) -> None:
    body = {"errcode": errcode, "error": "No."}
    server.misbehave("get_user", faults.says(body, 403), on=None)
    reply = run(by_token(server))
    assert_fails(reply, "forbidden", "protocol")
    assert reply.json["error"]["status"] == 403
    assert len(reply.raw) < LONGEST_REPLY


@pytest.mark.parametrize("error", [5, None, [], {"a": 1}, True, ""], ids=repr)
def test_an_error_text_that_is_none_is_left_out(server: HostileServer, error: object) -> None:
    server.misbehave("get_user", faults.says({"errcode": "M_FORBIDDEN", "error": error}, 403))
    reply = run(by_token(server))
    assert_fails(reply, "forbidden")
    assert reply.json["error"]["errcode"] == "M_FORBIDDEN"


@pytest.mark.parametrize("body", [b'{"errcode": "M_\xff"}', b'{"error": "\xc3\x28"}', b"\x80"])
def test_a_refusal_with_invalid_utf_8_keeps_its_status(server: HostileServer, body: bytes) -> None:
    server.misbehave("get_user", faults.reply(403, body), on=None)
    reply = run(by_token(server))
    assert_fails(reply, "forbidden", "protocol")
    assert reply.json["error"]["status"] == 403


def test_a_word_that_is_another_user_s_password_is_not_passed_on(server: HostileServer) -> None:
    """The request that is refused does not hold it; the task does."""
    users = [{"username": "b1", "password": "first one"}, {"username": "b2", "password": "swordfish"}]
    server.misbehave("put_user", faults.refuses(500, "M_UNKNOWN", "no swordfish here"), on=1)
    reply = run(by_token(server, username=None) | {"users": users})
    assert "no ******** here" in reply.msg, reply.json


def test_a_password_that_is_a_word_of_a_message_leaves_no_gap_in_it(
    server: HostileServer,
) -> None:
    reply = run_unchecked(by_match(server, password="other"))
    assert reply.kind == "conflict"
    assert "has another password than" in reply.msg
