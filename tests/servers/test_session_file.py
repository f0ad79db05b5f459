# SPDX-License-Identifier: GPL-3.0-or-later
"""The session file: what is in it, when it is used, and to whom a token of it is
never shown."""

import json
import stat

import pytest

from tests.servers.kept import Kept
from tests.servers.proof import (
    a_password,
    by_login,
    by_nothing,
    by_service,
    by_token,
    has_nothing_to_do,
    is_refused,
    predicted,
    ran_in_vain,
    requests_during,
    run_module,
    service_password,
    session_is_alive,
    sessions_of,
    state,
)
from tests.servers.proxy import Proxy

LOGIN = "POST /_matrix/client/v3/login"
LOGOUT = "POST /_matrix/client/v3/logout"
REGISTER = "POST /_synapse/admin/v1/register"


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path / "kept")


@pytest.fixture
def alice(any_synapse, unique):
    name = unique("alice")
    any_synapse.register(name, a_password())
    return name


@pytest.fixture(params=["service", "login"])
def opening(request, any_synapse, unique, kept):
    """The two credentials whose sessions are kept: a task, and whose they are."""
    if request.param == "service":
        account = unique("svc")
        return by_service(any_synapse, service_account=account, **kept.option), account
    account, password = unique("root"), a_password()
    any_synapse.register(account, password, admin=True)
    return by_login(any_synapse, account, password, **kept.option), account


def display(number):
    return {"displayname": f"Alice {number}"}


def test_one_session_serves_all_runs(any_synapse, alice, opening, kept):
    task, account = opening
    task |= {"username": alice}
    first = run_module(task | display(0))
    assert first.changed and not first.failed, first.json
    token = kept.token

    def nine_more():
        for number in range(1, 10):
            reply = run_module(task | display(number), secrets=(token,))
            assert reply.json["actions"] == ["set displayname"], reply.json

    requests = requests_during(any_synapse, nine_more)
    for request in (LOGIN, LOGOUT, REGISTER):
        assert request not in requests
    assert kept.token == token and session_is_alive(any_synapse, token)
    assert len(any_synapse.devices(account)) == sessions_of(any_synapse, account) == 1
    has_nothing_to_do(any_synapse, task | display(9))


def test_the_file_is_its_owners_alone_and_says_whose_session_it_is(
    any_synapse, alice, opening, kept
):
    task, account = opening
    secrets = [task.get("admin_password") or service_password(any_synapse.secret, account)]
    secrets.append(any_synapse.secret)
    assert run_module(task | {"username": alice} | display(0)).changed
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.folder.stat().st_mode) == 0o700
    assert [file.name for file in kept.folder.iterdir()] == [kept.path.name]

    assert kept.read()["registrar"] == 1
    entry = kept.entry
    assert entry["origin"] == any_synapse.url and entry["localpart"] == account
    assert entry["server_name"] == any_synapse.server_name
    assert entry["user_id"] == any_synapse.user_id(account)
    (device,) = any_synapse.devices(account)
    assert entry["device_id"] == device["device_id"]
    assert device["device_id"].startswith("REGISTRAR_")
    assert session_is_alive(any_synapse, entry["access_token"])
    # Nothing of the credential but its fingerprint.
    text = kept.path.read_text()
    assert all(secret not in text for secret in secrets)
    assert len(entry["salt"]) >= 16 and len(entry["fingerprint"]) >= 32


def test_a_file_in_a_folder_that_is_there_leaves_the_folder_as_it_is(alice, opening, kept):
    kept.folder.mkdir(mode=0o755)
    task, _ = opening
    assert run_module(task | {"username": alice} | display(0)).changed
    assert stat.S_IMODE(kept.folder.stat().st_mode) == 0o755
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600


def test_a_session_that_ended_is_replaced_by_one_of_the_same_device(
    any_synapse, alice, opening, kept
):
    task, account = opening
    task |= {"username": alice}
    assert run_module(task | display(0)).changed
    before = kept.entry
    any_synapse.logout(before["access_token"])
    reply = run_module(task | display(1))
    assert reply.json["actions"] == ["set displayname"], reply.json
    after = kept.entry
    assert after["access_token"] != before["access_token"]
    assert after["device_id"] == before["device_id"]
    assert len(any_synapse.devices(account)) == sessions_of(any_synapse, account) == 1
    requests = requests_during(any_synapse, lambda: run_module(task | display(2)))
    assert LOGIN not in requests


def test_a_session_that_is_ended_in_the_middle_of_a_run_is_told_and_had_anew(
    any_synapse, alice, opening, kept
):
    task, account = opening
    with Proxy(any_synapse) as proxy:
        task |= {"username": alice, "url": proxy.url}
        assert run_module(task | display(0)).changed
        token = kept.token

        def end_it(method, path):
            # It was found to work by then, and is needed for the account.
            if "/v2/users/" in path and session_is_alive(any_synapse, token):
                any_synapse.logout(token)

        proxy.rule = end_it
        reply = run_module(task | display(1), secrets=(token,))
        assert not reply.failed or reply.kind == "unauthorized", reply.json
        assert not session_is_alive(any_synapse, token)
        assert run_module(task | display(2)).json["actions"] == ["set displayname"]
    assert len(any_synapse.devices(account)) == sessions_of(any_synapse, account) == 1


def test_check_mode_opens_with_the_session_that_is_there(any_synapse, alice, opening, kept):
    task, _ = opening
    task |= {"username": alice}
    assert run_module(task | display(0)).changed
    content = kept.path.read_bytes()
    requests = requests_during(any_synapse, lambda: predicted(any_synapse, task | display(1)))
    assert LOGIN not in requests and REGISTER not in requests
    assert kept.path.read_bytes() == content


def test_check_mode_leaves_one_device_at_most(any_synapse, alice, unique, kept):
    # A token may be kept, or logged out again; what may not be is one a run.
    admin, password = unique("root"), a_password()
    any_synapse.register(admin, password, admin=True)
    task = by_login(any_synapse, admin, password, username=alice, **kept.option)
    for _ in range(3):
        assert run_module(task | display(0), check=True).changed
    assert len(any_synapse.devices(admin)) == len(kept.entries()) <= 1
    assert any_synapse.user(alice)["displayname"] == alice


def test_check_mode_makes_neither_a_service_account_nor_a_session_of_it(
    any_synapse, alice, unique, kept
):
    service = unique("svc")
    task = by_service(any_synapse, service_account=service, username=alice, admin=True)
    reply = predicted(any_synapse, task | kept.option)
    assert reply.json["actions"] == ["create service account", "set admin"], reply.json
    assert any_synapse.user(service) is None
    assert kept.entries() == []


def test_a_session_is_used_from_the_start_where_there_is_one(
    any_synapse, alice, unique, kept
):
    # Even for what the shared secret alone could do: it sees more.
    service = unique("svc")
    task = by_service(any_synapse, service_account=service, **kept.option)
    assert run_module(task | {"username": alice, "admin": True}).changed
    plain = task | {"username": unique("bob"), "password": a_password()}
    requests = requests_during(any_synapse, lambda: run_module(plain))
    assert REGISTER not in requests
    reply = predicted(any_synapse, task | {"username": unique("carol"), "password": a_password()})
    assert reply.changed and "guess" not in reply.json["user"]


def test_an_access_token_is_never_kept(any_synapse, alice, kept):
    task = by_token(any_synapse, username=alice, admin=True, **kept.option)
    assert run_module(task).changed
    assert not kept.path.exists()


def test_a_users_own_session_is_never_kept(any_synapse, unique, kept):
    name, password = unique("alice"), a_password()
    any_synapse.register(name, password)
    for task in (
        by_nothing(any_synapse, username=name, password=password, if_exists="match"),
        by_service(any_synapse, username=name, password=password, if_exists="match"),
    ):
        reply = ran_in_vain(any_synapse, task | kept.option)
        assert not reply.failed, reply.json
        assert not kept.path.exists()
    assert any_synapse.devices(name) == []


# Whom a token is never shown.


def tokens_through(proxy):
    return {passed.token for passed in proxy.passed if passed.token}


def test_a_token_is_never_sent_to_another_origin(any_synapse, alice, opening, kept):
    task, account = opening
    task |= {"username": alice}
    with Proxy(any_synapse) as one, Proxy(any_synapse) as other:
        assert run_module(task | {"url": one.url} | display(0)).changed
        token = kept.token
        assert token in tokens_through(one)
        assert run_module(task | {"url": other.url} | display(1)).changed
        assert token not in tokens_through(other) and tokens_through(other)
    # Each has an entry, and a device, of its own.
    assert sorted(entry["origin"] for entry in kept.entries()) == sorted([one.url, other.url])
    assert session_is_alive(any_synapse, token)
    assert len(any_synapse.devices(account)) == 2


def test_an_origin_is_the_same_however_it_is_written(any_synapse, alice, opening, kept):
    # RFC 6454, section 4: scheme and host in lower case.
    task, _ = opening
    task |= {"username": alice}
    assert run_module(task | display(0)).changed
    for url in (f"{any_synapse.url}/", any_synapse.url.replace("http", "HTTP")):
        spelt = task | {"url": url} | display(1)
        requests = requests_during(any_synapse, lambda: run_module(spelt))  # noqa: B023
        assert LOGIN not in requests and requests
    assert len(kept.entries()) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"origin": "http://127.0.0.1:1"},
        {"origin": "https://127.0.0.1"},
        {"server_name": "other.test", "user_id": "@x:other.test"},
        {"localpart": "somebody"},
    ],
    ids=str,
)
def test_an_entry_of_something_else_is_passed_by(
    any_synapse, alice, opening, kept, other
):
    task, account = opening
    task |= {"username": alice, "server_name": any_synapse.server_name}
    assert run_module(task | display(0)).changed
    token = kept.token
    kept.change(**other)
    with Proxy(any_synapse) as proxy:
        # The same origin, as far as the file can tell, is the proxy's here.
        if "origin" not in other:
            kept.change(origin=proxy.url)
        reply = run_module(task | {"url": proxy.url} | display(1))
        assert reply.changed and not reply.failed, reply.json
        assert token not in tokens_through(proxy)
    assert len(kept.entries()) == 2
    assert session_is_alive(any_synapse, token)


@pytest.mark.parametrize("spoilt", ["fingerprint", "salt"])
def test_a_token_of_another_credential_is_not_the_callers(
    any_synapse, alice, unique, kept, spoilt
):
    # Who does not know the password gets nowhere with the file alone.
    admin, password = unique("root"), a_password()
    any_synapse.register(admin, password, admin=True)
    task = by_login(any_synapse, admin, password, username=alice, **kept.option)
    assert run_module(task | display(0)).changed
    token = kept.token
    reply = is_refused(
        any_synapse, task | {"admin_password": a_password()} | display(1), "unauthorized"
    )
    assert "admin_password" in reply.msg
    assert kept.token == token
    has_nothing_to_do(any_synapse, task | display(0))

    entry = kept.entry
    kept.change(**{spoilt: entry[spoilt][::-1]})
    wrong = task | {"admin_password": a_password()}
    is_refused(any_synapse, wrong | display(1), "unauthorized")
    # Who knows it logs in anew, and ends what was there.
    has_nothing_to_do_but_log_in(any_synapse, task | display(0))
    assert not session_is_alive(any_synapse, entry["access_token"])
    assert len(any_synapse.devices(admin)) == sessions_of(any_synapse, admin) == 1


def has_nothing_to_do_but_log_in(server, task):
    before = state(server)[:6]
    reply = run_module(task)
    assert not reply.failed and not reply.changed, reply.json
    assert state(server)[:6] == before


def test_an_administrators_new_password_replaces_the_session(any_synapse, alice, unique, kept):
    admin, old, new = unique("root"), a_password(), a_password()
    any_synapse.register(admin, old, admin=True)
    task = by_login(any_synapse, admin, old, username=alice, **kept.option)
    assert run_module(task | display(0)).changed
    first = kept.entry
    any_synapse.change(admin, password=new, logout_devices=False)
    # The session works still, and with it the password that it was had with.
    assert run_module(task | display(1)).changed
    task |= {"admin_password": new}
    reply = run_module(task | display(2))
    assert reply.changed and not reply.failed, reply.json
    assert kept.token != first["access_token"]
    assert not session_is_alive(any_synapse, first["access_token"])
    assert len(any_synapse.devices(admin)) == sessions_of(any_synapse, admin) == 1
    has_nothing_to_do(any_synapse, task | display(2))


def test_an_ordinary_accounts_session_is_not_kept(any_synapse, alice, unique, kept):
    name, password = unique("bob"), a_password()
    any_synapse.register(name, password)
    task = by_login(any_synapse, name, password, username=alice, admin=True, **kept.option)
    reply = run_module(task)
    assert reply.failed and reply.kind == "forbidden" and not reply.changed, reply.json
    assert any_synapse.user_id(name) in reply.msg
    # It is no harm if it is: then there is one, and not one more each time.
    for _ in range(2):
        run_module(task)
    assert len(any_synapse.devices(name)) <= 1
    assert len(any_synapse.devices(name)) == len(kept.entries())


def test_the_file_is_not_written_where_nothing_in_it_changes(alice, opening, kept):
    task, _ = opening
    task |= {"username": alice}
    assert run_module(task | display(0)).changed
    before = kept.path.stat()
    for number in range(3):
        run_module(task | display(number))
    after = kept.path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_what_another_version_wrote_beside_is_kept(any_synapse, alice, opening, kept):
    task, _ = opening
    task |= {"username": alice}
    assert run_module(task | display(0)).changed
    content = kept.read() | {"later": {"a": [1]}}
    kept.path.write_text(json.dumps(content))
    any_synapse.logout(kept.token)
    assert run_module(task | display(1)).changed
    assert kept.read()["later"] == {"a": [1]}
