# SPDX-License-Identifier: GPL-3.0-or-later
"""A MAS whose answers make no sense, at each of its endpoints in turn: the module says so
in one reply, believes nothing, tells no secret, and the next run with a MAS in its right
mind comes to what was wanted."""

import base64
import itertools
import json
import time
from urllib.parse import quote

import pytest

from tests.servers.mas_proof import setting, task
from tests.servers.proof import a_password
from tests.support.mas_wire import Reply
from tests.support.module import run_module

SECRET = "the client's secret, which nobody tells"


@pytest.fixture(scope="module", autouse=True)
def unlimited(mas):
    with setting(mas.compat.limiter, burst=10**6), setting(mas.jobs, delay=0):
        yield
        mas.jobs.settle()
        mas.end_sessions()
        mas.forget()


@pytest.fixture(scope="module")
def client(mas):
    return mas.add_client(secret=SECRET)


@pytest.fixture(scope="module")
def provider(mas):
    return mas.add_provider(issuer="https://id.hostile.example/")


def creation(mas, client, provider, name):
    return task(
        mas,
        mas_client_id=client.id,
        mas_client_secret=client.secret,
        username=name,
        password=a_password(),
        admin=True,
        displayname="Alice",
        avatar_url="mxc://example.test/a",
        suspended=True,
        emails=[f"{name}@example.org"],
        external_ids=[{"provider": "https://id.hostile.example/", "id": name}],
        verify_login=True,
        retry_timeout=0,
        timeout=5,
    )


def change(mas, client, provider, name):
    mas.create(name, "the old pass phrase", emails=[f"old.{name}@example.org"])
    key = mas.user(name)["user_id"]
    mas.store.insert("user_sessions", user_id=key)
    mas.store.insert(
        "upstream_oauth_links", user_id=key, subject=f"old {name}", upstream_oauth_provider_id=provider
    )
    more = {
        "update_password": "always",
        "logout_devices": True,
        "emails_mode": "exact",
        "external_ids_mode": "exact",
        "locked": False,
        "verify_login": False,
    }
    return creation(mas, client, provider, name) | more


def gone(mas, client, provider, name):
    mas.create(name)
    arguments = creation(mas, client, provider, name)
    kept = ("mas_client_id", "mas_client_secret", "mas_url", "url", "backend", "username")
    return {key: arguments[key] for key in kept} | {"state": "deactivated"}


# What spoils a body


def swapped(value):
    """Everything is of another type."""
    if isinstance(value, dict):
        return {key: swapped(one) for key, one in value.items()}
    if isinstance(value, list):
        return [swapped(one) for one in value] if value else {}
    if isinstance(value, bool):
        return "true"
    if isinstance(value, str):
        return 5
    return "null" if value is None else str(value)


def texts(replace):
    def change(value):
        if isinstance(value, dict):
            return {key: change(one) for key, one in value.items()}
        if isinstance(value, list):
            return [change(one) for one in value]
        return replace(value) if isinstance(value, str) else value

    return change


def plain(reply):
    return reply.body if isinstance(reply.body, (dict, list)) else {"data": None}


def echo(request, reply):
    """All that was sent, as an error's words, plain and encoded."""
    sent = request.body.decode("utf8", "replace")
    header = request.header("authorization") or ""
    said = [
        sent,
        header,
        quote(sent),
        SECRET,
        quote(SECRET),
        json.dumps(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        header.rpartition(" ")[2],
    ]
    return Reply(400, {"errors": [{"title": one} for one in said], "error": " ".join(said)})


SPOILS = {
    "html": lambda request, reply: Reply.html(200, "<html><body>Welcome</body></html>"),
    "empty": lambda request, reply: Reply(200, b"", {"content-type": "application/json"}),
    "null": lambda request, reply: Reply(200, b"null", {"content-type": "application/json"}),
    "list": lambda request, reply: Reply(200, []),
    "no data": lambda request, reply: Reply(200, {"data": None, "errors": [5, {"title": {}}]}),
    "wrong types": lambda request, reply: Reply(reply.status, swapped(plain(reply))),
    "cut": lambda request, reply: Reply(
        reply.status,
        json.dumps(plain(reply)).encode()[:-2],
        {"content-type": "application/json"},
    ),
    "nul": lambda request, reply: Reply(reply.status, texts(lambda text: text + "\0x")(plain(reply))),
    "slashes": lambda request, reply: Reply(
        reply.status, texts(lambda text: "../../x?y#" + text)(plain(reply))
    ),
    "huge texts": lambda request, reply: Reply(
        reply.status, texts(lambda text: (text * 20000)[:100000])(plain(reply))
    ),
    "deep": lambda request, reply: Reply(
        200, b'{"data":' + b"[" * 50000 + b"]" * 50000 + b"}", {"content-type": "application/json"}
    ),
    "huge": lambda request, reply: Reply(
        200, b'{"data": "' + b"x" * (70 << 20) + b'"}', {"content-type": "application/json"}
    ),
    "echo": echo,
    "teapot": lambda request, reply: Reply.text(418, "short and stout"),
    "redirect": lambda request, reply: Reply(302, None, {"location": "http://127.0.0.1:1/"}),
}


def routes_of(mas, prepare, unique, client, provider):
    """What the task asks for, each once."""
    mas.forget()
    arguments = prepare(mas, client, provider, unique("alice"))
    reply = run_module(arguments)
    assert not reply.failed, reply.json
    mas.jobs.settle()
    return list(dict.fromkeys(mas.routes))


# Of the other tasks, what a change does not ask for.
OTHERS = {
    creation: {"POST /users", "GET /_matrix/client/v3/login"},
    gone: {"POST /users/{id}/deactivate"},
}


@pytest.fixture(scope="module")
def endpoints(mas, client, provider):
    """(task, route)"""
    numbers = itertools.count()

    def unique(stem):
        return f"{stem}-endpoint-{next(numbers)}"

    found = [(change, route) for route in routes_of(mas, change, unique, client, provider)]
    for prepare, routes in OTHERS.items():
        assert routes <= set(routes_of(mas, prepare, unique, client, provider))
        found += [(prepare, route) for route in sorted(routes)]
    assert len(found) > 20
    return found


@pytest.mark.parametrize("spoil", SPOILS)
def test_at_each_endpoint_it_is_told_and_survived(mas, unique, client, provider, endpoints, spoil):
    if spoil == "huge":
        # Many megabytes each: some of them.
        endpoints = endpoints[:4]
    for prepare, route in endpoints:
        arguments = prepare(mas, client, provider, unique("alice"))

        def spoiled(request, reply, route=route):
            return SPOILS[spoil](request, reply) if request.route == route else None

        began = time.monotonic()
        with setting(mas, after=spoiled):
            reply = run_module(arguments, diff=True, secrets=("mat_", "mpt_", "mct_"))
        assert time.monotonic() - began < 20, route
        assert reply.kind not in ("internal", "memory"), (route, reply.json)
        # An id is a part of paths: what is none was never sent.
        assert not [one.target for one in mas.requests if ".." in one.target], route
        mas.requests.clear()


@pytest.mark.parametrize("spoil", ["html", "wrong types", "cut"])
def test_the_run_after_that_comes_to_what_was_wanted(mas, unique, client, provider, tmp_path, spoil):
    kept = {"session_file": str(tmp_path / "kept" / "sessions.json")}
    routes = routes_of(mas, creation, unique, client, provider)
    for route in [route for route in routes if not route.startswith("GET")]:
        arguments = creation(mas, client, provider, unique("alice")) | kept

        def spoiled(request, reply, route=route):
            return SPOILS[spoil](request, reply) if request.route == route else None

        with setting(mas, after=spoiled):
            run_module(arguments)
        rerun = run_module(arguments)
        assert not rerun.failed, (route, rerun.json)
        third = run_module(arguments)
        assert not third.failed and not third.changed, (route, third.json)
        assert mas.has_password(arguments["username"], arguments["password"]), route
