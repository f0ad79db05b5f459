# SPDX-License-Identifier: GPL-3.0-or-later
"""matrix_connection_info: what is told of a server and of what opens it, and that
nothing is left behind by the look."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.mas_stand_in import MasStandIn
from tests.servers.proof import (
    SYNAPSE_TRACES,
    a_password,
    by_login,
    by_nothing,
    by_secret,
    by_service,
    by_token,
    deactivate,
    make_service_account,
    requests_during,
    sessions_of,
    state,
)
from tests.servers.proxy import HTML_404, Proxy
from tests.support.homeserver import free_port
from tests.support.module import Reply, run_module
from tests.support.synapse import Synapse

LOGIN = "POST /_matrix/client/v3/login"
LOGOUT = "POST /_matrix/client/v3/logout"
# Beyond a page of the server's list, which has a hundred.
MANY = 103


def ask(arguments: dict[str, Any], **how: Any) -> Reply:
    """A look, and what holds of all of them."""
    reply = run_module(arguments, module="matrix_connection_info", **how)
    assert reply.json["changed"] is False
    assert "\n" not in reply.json.get("summary", "")
    return reply


def look(server: Synapse, arguments: dict[str, Any], **how: Any) -> Reply:
    """A look that left nothing."""
    before = state(server)
    reply = ask(arguments, **how)
    assert state(server) == before, f"it changed something: {reply.json}"
    return reply


def entry(option: str, msg: str | None = None) -> dict[str, Any]:
    """Of `credentials`."""
    works: dict[str, Any] = {"option": option, "works": msg is None}
    return works if msg is None else works | {"msg": msg}


def administrators(server: Synapse) -> list[str]:
    """Who is one, and could do something."""
    known = (
        "SELECT name FROM users WHERE admin = 1 AND deactivated = 0"
        " AND COALESCE(locked, 0) = 0 ORDER BY name"
    )
    return [row[0] for row in server.query(known)]


# Without a credential


def test_without_a_credential_the_server_is_told_and_nothing_is_wrong(any_synapse):
    reply = look(any_synapse, by_nothing(any_synapse))
    version = any_synapse.api("GET", "/_synapse/admin/v1/server_version", token=any_synapse.admin_token)
    assert not reply.failed, reply.json
    assert {key: value for key, value in reply.json.items() if key != "summary"} == {
        "changed": False,
        "connection": {"url": any_synapse.url, "via": "url"},
        "backend": "synapse",
        "server": {"name": "Synapse", "version": version[1]["server_version"]},
        "mas": False,
        "credentials": [],
        "secret_is_current": None,
        "administrators": [],
    }
    summary = reply.json["summary"]
    assert summary.startswith(f"{any_synapse.url}: Synapse {version[1]['server_version']}; ")
    assert "no credential is given or found" in summary


def test_check_mode_is_no_different(synapse):
    for check in (True, False):
        reply = look(synapse, by_token(synapse), check=check, diff=True)
        assert reply.json["administrators"] == administrators(synapse)
        assert "diff" not in reply.json


# The shared secret


def test_a_secret_that_is_the_servers_works_and_is_current(any_synapse, tmp_path):
    file = tmp_path / "secret"
    file.write_text(f"{any_synapse.secret}\n")
    by_file = by_nothing(any_synapse, registration_shared_secret_path=str(file))
    for task in (by_secret(any_synapse), by_file):
        reply = look(any_synapse, task, secrets=(any_synapse.secret,))
        assert not reply.failed, reply.json
        assert reply.json["credentials"] == [entry("registration_shared_secret")]
        assert reply.json["secret_is_current"] is True
        assert "; registration_shared_secret works" in reply.json["summary"]


def test_another_secret_does_not_work_and_is_not_current(any_synapse):
    task = by_secret(any_synapse, registration_shared_secret="Another_secret_0123456789")
    reply = look(any_synapse, task)
    assert reply.kind == "unauthorized", reply.json
    assert reply.json["credentials"] == [entry("registration_shared_secret", reply.msg)]
    assert reply.json["secret_is_current"] is False
    assert reply.json["administrators"] == []
    assert "registration_shared_secret does not work" in reply.json["summary"]


def test_a_service_account_that_is_not_there_is_not_made_and_the_summary_says_so(
    any_synapse, unique
):
    task = by_service(any_synapse, service_account=unique("absent"))
    reply = look(any_synapse, task)
    assert not reply.failed, reply.json
    assert reply.json["administrators"] == []
    assert "who its administrators are is not known" in reply.json["summary"]
    assert "no service account yet" in reply.json["summary"]


def test_a_service_account_that_is_there_lists_them_and_is_logged_out_again(any_synapse, unique):
    name = make_service_account(any_synapse, unique("service"))
    task = by_service(any_synapse, service_account=name)
    replies = []
    asked = requests_during(any_synapse, lambda: replies.append(look(any_synapse, task)))
    (reply,) = replies
    assert not reply.failed, reply.json
    assert reply.json["administrators"] == administrators(any_synapse)
    assert any_synapse.user_id(name) in reply.json["administrators"]
    assert (asked.count(LOGIN), asked.count(LOGOUT)) == (1, 1)
    assert sessions_of(any_synapse, name) == 0


def test_where_none_is_allowed_a_warning_says_why_nobody_is_listed(synapse):
    reply = look(synapse, by_service(synapse, service_account=""))
    assert not reply.failed, reply.json
    (warning,) = reply.json["warnings"]
    assert "could not be listed" in warning and "service_account" in warning


def test_an_account_that_is_somebody_elses_is_a_warning_and_is_not_touched(synapse, unique):
    name = unique("taken")
    synapse.register(name, a_password(), admin=True, displayname="Theirs")
    reply = look(synapse, by_service(synapse, service_account=name))
    assert not reply.failed, reply.json
    assert reply.json["secret_is_current"] is True
    assert reply.json["administrators"] == []
    (warning,) = reply.json["warnings"]
    assert "could not be listed" in warning and name in warning


# Administrators' own credentials


def test_an_access_token_lists_the_administrators_and_tells_nothing_of_the_secret(any_synapse):
    reply = look(any_synapse, by_token(any_synapse))
    assert not reply.failed, reply.json
    assert reply.json["credentials"] == [entry("access_token")]
    assert reply.json["secret_is_current"] is None
    assert reply.json["administrators"] == administrators(any_synapse)
    assert reply.json["server_name"] == any_synapse.server_name


def test_an_administrators_login_works_and_is_logged_out_again(any_synapse, unique):
    name, password = unique("root"), a_password()
    any_synapse.register(name, password, admin=True)
    reply = look(any_synapse, by_login(any_synapse, name, password))
    assert not reply.failed, reply.json
    assert reply.json["credentials"] == [entry("admin_username")]
    assert any_synapse.user_id(name) in reply.json["administrators"]
    assert sessions_of(any_synapse, name) == 0


@pytest.mark.parametrize("option", ["access_token", "admin_username"])
@pytest.mark.parametrize("why", ["wrong", "of an ordinary user"])
def test_a_credential_that_makes_no_administrator_does_not_work(any_synapse, unique, option, why):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password)
    if option == "access_token":
        token = "syt_not_a_token" if why == "wrong" else any_synapse.login(name, password)
        task = by_nothing(any_synapse, access_token=token)
    else:
        given = a_password() if why == "wrong" else password
        task = by_login(any_synapse, name, given)
    reply = look(any_synapse, task)
    assert reply.kind == ("unauthorized" if why == "wrong" else "forbidden"), reply.json
    assert reply.json["credentials"] == [entry(option, reply.msg)]
    assert reply.json["administrators"] == []
    assert reply.json["secret_is_current"] is None
    assert f"; {option} does not work: " in reply.json["summary"]


def test_each_of_several_credentials_is_told_and_one_that_does_not_work_fails_the_task(synapse):
    wrong = a_password()
    task = by_token(synapse, registration_shared_secret=synapse.secret)
    task |= {"admin_username": "nobody-here", "admin_password": wrong}
    reply = look(synapse, task)
    assert reply.kind == "unauthorized", reply.json
    assert reply.json["credentials"] == [
        entry("access_token"),
        entry("admin_username", reply.msg),
        entry("registration_shared_secret"),
    ]
    assert reply.json["secret_is_current"] is True
    assert reply.json["administrators"] == administrators(synapse)


# One that has many, and changes


@pytest.fixture(scope="module")
def crowded() -> Iterator[Synapse]:
    """A server with more administrators than a page has, and some who are none."""
    with Synapse() as server:
        for number in range(MANY):
            server.register(f"root-{number:03}", a_password(), admin=True)
        server.register("alice", a_password())
        server.register("gone", a_password(), admin=True)
        deactivate(server, "gone")
        yield server


def test_all_administrators_are_listed_though_the_server_does_so_by_pages(crowded):
    reply = look(crowded, by_token(crowded))
    known = administrators(crowded)
    assert len(known) > MANY and crowded.user_id("gone") not in known
    assert sorted(reply.json["administrators"]) == known
    # The summary is a line, and stays one that can be read.
    assert reply.json["summary"].endswith(f" and {len(known) - 10} more")
    assert len(reply.json["summary"]) < 500


def test_a_secret_of_before_is_not_current_though_its_kept_session_still_works(
    crowded, tmp_path
):
    file = tmp_path / "kept" / "sessions.json"
    task = by_service(crowded, session_file=str(file))
    made = run_module(task | {"username": "alice", "displayname": "Alice"})
    assert made.changed, made.json
    reply = look(crowded, task)
    assert reply.json["secret_is_current"] is True
    crowded.restart({"registration_shared_secret": "Newer_secret_0123456789"})
    reply = look(crowded, task)
    assert reply.kind == "unauthorized", reply.json
    assert reply.json["secret_is_current"] is False
    assert not reply.json["credentials"][0]["works"]
    crowded.restart({"registration_shared_secret": None})
    reply = look(crowded, task)
    assert reply.kind == "unsupported", reply.json
    assert reply.json["secret_is_current"] is False
    assert "not enabled" in reply.msg


# What is asked, and of whom


def test_without_check_nobody_is_asked():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0.2)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        task = {"url": url, "check": False, "registration_shared_secret": "Some_secret_012345"}
        reply = ask(task)
        with pytest.raises(TimeoutError):
            listener.accept()
    assert not reply.failed, reply.json
    assert reply.json == {
        "changed": False,
        "connection": {"url": url, "via": "url"},
        "summary": f"{url}; the server was not asked",
    }


def test_a_server_that_is_not_there_is_an_error_in_one_line():
    url = f"http://127.0.0.1:{free_port()}"
    reply = ask({"url": url, "registration_shared_secret": "Some_secret_012345"})
    assert reply.kind == "unreachable", reply.json
    assert reply.json["connection"] == {"url": url, "via": "url"}
    assert reply.json["credentials"] == []
    assert reply.json["summary"] == reply.msg
    assert not {"server", "mas", "secret_is_current", "administrators"} & set(reply.json)


def test_another_server_name_than_that_of_the_credential_is_an_error(any_synapse):
    reply = look(any_synapse, by_token(any_synapse, server_name="other.test"))
    assert reply.kind == "invalid", reply.json
    assert "other.test" in reply.msg and any_synapse.server_name in reply.msg
    assert reply.json["credentials"] == []


@pytest.mark.parametrize("hidden", [False, True], ids=["a worker", "a proxy"])
def test_where_there_is_no_admin_api_no_credential_is_blamed(synapse, hidden):
    def rule(method: str, path: str) -> Any:
        return (404, HTML_404) if path.startswith("/_synapse/") else None

    with Proxy(synapse, rule, server="nginx" if hidden else None) as proxy:
        task = by_secret(synapse, url=proxy.url, backend="synapse" if hidden else "auto")
        reply = look(synapse, task)
        assert all(passed.method == "GET" for passed in proxy.passed)
    assert reply.kind == "unsupported", reply.json
    assert reply.json["credentials"] == []
    assert reply.json["mas"] is False
    assert "secret_is_current" not in reply.json
    assert reply.json["summary"].endswith(f"; {reply.msg}")


def test_a_server_of_another_kind_is_named_and_is_sent_no_credential(synapse):
    other = b'{"server": {"name": "Grapevine", "version": "0.9.0"}}'
    asked: list[str] = []

    def rule(method: str, path: str) -> Any:
        asked.append(f"{method} {path}")
        return 200, other

    with Proxy(synapse, rule) as proxy:
        reply = ask(by_secret(synapse, url=proxy.url, access_token=synapse.admin_token))
    assert reply.kind == "unsupported", reply.json
    assert "Grapevine" in reply.msg and reply.json["summary"] == reply.msg
    assert reply.json["credentials"] == [] and "secret_is_current" not in reply.json
    assert asked == ["GET /_matrix/federation/v1/version"]


def test_accounts_that_are_with_mas_are_told_and_no_credential_is_blamed():
    with MasStandIn() as mas, Synapse(start=False) as server:
        server.config |= mas.synapse_config()
        server.start()
        before = server.queries(SYNAPSE_TRACES)
        for task in (by_secret(server), by_nothing(server, access_token=mas.token)):
            reply = ask(task)
            assert reply.kind == "unsupported", reply.json
            assert reply.json["mas"] is True
            assert reply.json["server"]["name"] == "Synapse"
            assert reply.json["credentials"] == []
            assert "Matrix Authentication Service" in reply.json["summary"]
        assert server.queries(SYNAPSE_TRACES) == before
        assert mas.introspected == []


def test_a_session_is_kept_where_a_task_says_so(synapse, unique, tmp_path: Path):
    """As by every other task, so that the server's limit on logins is not met."""
    name, password = unique("root"), a_password()
    synapse.register(name, password, admin=True)
    file = tmp_path / "kept" / "sessions.json"
    task = by_login(synapse, name, password, session_file=str(file))
    first = requests_during(synapse, lambda: ask(task))
    again = requests_during(synapse, lambda: ask(task))
    assert (first.count(LOGIN), again.count(LOGIN)) == (1, 0)
    assert sessions_of(synapse, name) == 1
