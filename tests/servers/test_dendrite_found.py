# SPDX-License-Identifier: GPL-3.0-or-later
"""Which server it is, what it can do, and what matrix_connection_info tells of it;
and a Dendrite that nothing was said about, found on machines of their own."""

import json
import secrets
import shlex

import pytest

from tests.servers.dendrites import in_yaml, make_service, rows_of, with_all, with_secret, with_service
from tests.servers.deployments import run
from tests.servers.proof import (
    SERVICE,
    a_password,
    facts,
    is_refused,
    logs_in,
    run_module,
    state,
)
from tests.servers.proxy import Proxy
from tests.support.dendrite import Dendrite
from tests.support.machine import needs_machine
from tests.support.namespaces import needs_namespaces
from tests.support.postgres import Postgres

# The port is no setting of dendrite.yaml; cmd/dendrite/main.go has this default.
PORT = 8008


# Which server it is


def test_it_is_told_by_its_name_and_version(any_dendrite, unique):
    server = any_dendrite.asked("GET", "/_matrix/federation/v1/version")["server"]
    for more in ({}, {"backend": "auto"}):
        reply = run_module(with_secret(any_dendrite, username=unique("a"), password=a_password()) | more)
        assert reply.json["backend"] == "dendrite"
        assert reply.json["server"] == server


def test_it_is_told_by_its_own_path_where_it_does_not_federate(unique):
    # federationapi/routing/routing.go: without federation, no version.
    with Dendrite(config={"global": {"disable_federation": True}}) as server:
        assert server.api("GET", "/_matrix/federation/v1/version")[0] == 404
        task = with_secret(server, username="alice", password=a_password())
        reply = run_module(task)
        assert reply.json["actions"] == ["create"], reply.json
        assert reply.json["backend"] == "dendrite" and reply.json["server"] == {"name": "Dendrite"}
        assert not run_module(task).changed


def test_the_backend_that_is_stated_is_not_asked_for(dendrite, unique):
    with Proxy(dendrite) as proxy:
        task = with_secret(dendrite, url=proxy.url, backend="dendrite")
        reply = run_module(task | {"username": unique("alice"), "password": a_password()})
        assert reply.json["actions"] == ["create"], reply.json
        assert not [p for p in proxy.passed if "version" in p.path or "monitor" in p.path]


# What it cannot do


@pytest.mark.parametrize(
    "stated",
    [
        {"emails": ["a@example.test"]},
        {"external_ids": [{"provider": "oidc", "id": "1"}]},
        {"user_type": "support"},
        {"initial_type": "bot"},
        {"ratelimit": {"messages_per_second": 1, "burst_count": 1}},
        {"locked": True},
        {"suspended": False},
        {"shadow_banned": True},
        {"state": "deactivated", "erase": True},
    ],
    ids=lambda stated: list(stated)[-1],
)
def test_what_only_synapse_can_do_is_refused_before_anything_is_sent(dendrite, unique, stated):
    name, users = unique("alice"), [unique("bob"), unique("carol")]
    password = {} if "state" in stated else {"password": a_password()}
    with Proxy(dendrite) as proxy:
        task = with_service(dendrite, url=proxy.url)
        reply = is_refused(dendrite, task | {"username": name, **password, **stated}, "unsupported")
        assert {p.method for p in proxy.passed} == {"GET"}
    option = "user_type" if "initial_type" in stated else list(stated)[-1]
    assert f"dendrite cannot do what the option {option} asks for; synapse, mas" in reply.msg
    # Of the whole list, none is begun.
    first = {"username": users[0], "password": a_password()}
    listed = with_service(dendrite, users=[first, {"username": users[1]} | password | stated])
    before = state(dendrite)
    assert run_module(listed).kind == "unsupported" and state(dendrite) == before


@pytest.mark.parametrize("kind", ["user", "admin"])
def test_what_a_new_account_is_made_as_is_left_of_one_that_is_there(dendrite_postgres, unique, kind):
    name = unique("alice")
    task = with_all(dendrite_postgres, username=name, password=a_password(), initial_type=kind)
    assert run_module(task).json["actions"] == ["create"]
    assert facts(dendrite_postgres, name)["admin"] is (kind == "admin")
    dendrite_postgres.set_admin(name, kind != "admin")
    assert not run_module(task).changed


# What is told of it


def look(server, task, **how):
    before = state(server)
    reply = run_module(task, module="matrix_connection_info", **how)
    assert state(server) == before and reply.json["changed"] is False
    return reply


def entry(option, msg=None):
    return {"option": option, "works": msg is None} | ({} if msg is None else {"msg": msg})


def test_a_look_with_the_secret_tells_that_it_is_current_and_who_knows_more(dendrite):
    reply = look(dendrite, with_service(dendrite))
    assert not reply.failed, reply.json
    assert reply.json["backend"] == "dendrite" and reply.json["mas"] is False
    assert reply.json["server_name"] == dendrite.server_name
    assert reply.json["credentials"] == [entry("registration_shared_secret")]
    assert reply.json["secret_is_current"] is True and reply.json["administrators"] == []
    # A service account would not be told, either.
    assert dendrite.account(SERVICE) is None and "service account" not in reply.json["summary"]
    assert any("database" in warning for warning in reply.json["warnings"])


def test_a_look_with_another_secret_tells_that_it_is_not(dendrite):
    task = with_service(dendrite, registration_shared_secret="Another_" + secrets.token_hex(8))
    reply = look(dendrite, task)
    assert reply.failed and reply.kind == "unauthorized"
    assert reply.json["secret_is_current"] is False
    assert reply.json["credentials"] == [entry("registration_shared_secret", reply.msg)]


def test_a_look_with_the_database_lists_who_is_an_administrator(dendrite_postgres, unique):
    admin, gone = unique("root"), unique("gone")
    for name in (admin, gone):
        dendrite_postgres.register(name, a_password(), admin=True)
    dendrite_postgres.set_deactivated(gone, True)
    # The column may be null, which is no.
    dendrite_postgres._set(admin, "is_deactivated", None)
    dendrite_postgres.admin_token  # noqa: B018  made now, it is one of them
    rows = dendrite_postgres.database.query(
        "SELECT localpart FROM userapi_accounts WHERE account_type = 3 AND is_deactivated IS NOT TRUE"
        " ORDER BY localpart"
    )
    everybody = [dendrite_postgres.user_id(row[0]) for row in rows]
    both = [entry("registration_shared_secret"), entry("database")]
    for task, credentials in (
        (with_all(dendrite_postgres), both),
        ({"url": dendrite_postgres.url, "database": rows_of(dendrite_postgres)}, both[1:]),
    ):
        reply = look(dendrite_postgres, task)
        assert not reply.failed and "warnings" not in reply.json, reply.json
        assert reply.json["credentials"] == credentials
        assert reply.json["administrators"] == everybody
    assert dendrite_postgres.user_id(admin) in everybody


def test_a_look_with_a_database_that_does_not_open_says_so(dendrite_postgres):
    rows = rows_of(dendrite_postgres) | {"password": "not " + secrets.token_hex(8)}
    task = with_secret(dendrite_postgres, database=rows)
    reply = look(dendrite_postgres, task, secrets=(rows["password"],))
    assert reply.failed and reply.kind == "database", reply.json
    assert reply.json["secret_is_current"] is True
    works = {one["option"]: one["works"] for one in reply.json["credentials"]}
    assert works == {"registration_shared_secret": True, "database": False}


# On a machine of which nothing was said


@pytest.fixture(scope="module")
def deployed(host):
    """At the port that its packagers leave it at, with its database beside it."""
    with Postgres(namespace=host) as postgres:
        server = Dendrite(
            namespace=host, bind_addresses=["0.0.0.0"], postgres=postgres, start=False
        )
        server.port = PORT
        server.bind_addresses = ["0.0.0.0"]
        with server:
            server.start()
            make_service(server)
            yield server


def inside(machine, host):
    """The program on that machine, of which the loopback is the namespace's."""
    program = machine.root / "inside"
    command = " ".join(shlex.quote(word) for word in host.command(str(machine.binary)))
    program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    program.chmod(0o755)
    return program


def with_database(server, uri):
    """dendrite.yaml, with the database called so."""
    shared = server.config["global"] | {"database": {"connection_string": uri}}
    return in_yaml(server, **{"global": shared})


def registers_and_promotes(server, run_here, unique):
    """A name and a password are enough to register, and a name to promote."""
    account = {"username": unique("found"), "password": a_password()}
    made = run_here(account)
    assert made.json["actions"] == ["create"] and "warnings" not in made.json, made.json
    promoted = run_here({"username": account["username"], "admin": True})
    assert promoted.json["actions"] == ["set admin"], promoted.json
    for task in (account, {"username": account["username"], "admin": True}):
        again = run_here(task)
        assert not again.failed and not again.changed, again.json
    assert server.is_admin(account["username"])
    assert logs_in(server, account["username"], account["password"])
    return promoted.json["discovered"]


@needs_machine()
@needs_namespaces
def test_the_file_of_a_distribution_has_all_that_it_takes(deployed, host, machine, unique):
    file = "/etc/dendrite/dendrite.yaml"
    machine.write(file, with_database(deployed, deployed.database_uri))
    program = inside(machine, host)
    secret = (deployed.secret, deployed.database_password)
    found = registers_and_promotes(
        deployed, lambda task: run_module(task, binary=program, secrets=secret), unique
    )
    assert (found["backend"], found["files"]) == ("dendrite", [file])
    assert found["url"] == f"http://127.0.0.1:{PORT}" and found["database"] is True


@needs_machine()
@needs_namespaces
@pytest.mark.parametrize("way", ["a container's name", "a socket's folder"])
def test_the_playbooks_container_is_found_with_its_database(
    deployed, host, machine, docker, unique, way
):
    postgres = deployed.postgres
    mounts = [("bind", "/matrix/dendrite/config", "/data")]
    uri = deployed.database_uri
    if way == "a container's name":
        uri = uri.replace(host.ipv4, "matrix-postgres")
        docker.add("matrix-postgres", pid=host.pid, networks={"matrix": host.address})
    else:
        mounts.append(("bind", str(postgres.socket_folder), "/run/database"))
        uri = uri.replace(f"{host.ipv4}:{postgres.port}", "") + (
            f"&host=/run/database&port={postgres.port}"
        )
    machine.write("/matrix/dendrite/config/dendrite.yaml", with_database(deployed, uri))
    docker.add("matrix-dendrite", pid=host.pid, networks={"matrix": host.address}, mounts=mounts)
    secret = (deployed.secret, deployed.database_password)
    found = registers_and_promotes(
        deployed, lambda task: run(machine, task, secrets=secret), unique
    )
    assert found["container"] == "matrix-dendrite" and found["database"] is True
    assert deployed.secret not in json.dumps(found)


@needs_machine()
@needs_namespaces
def test_a_database_that_is_only_found_and_does_not_open_is_a_warning(
    deployed, host, machine, docker, unique
):
    uri = deployed.database_uri.replace(host.ipv4, "nowhere.invalid")
    machine.write("/matrix/dendrite/config/dendrite.yaml", with_database(deployed, uri))
    mounts = [("bind", "/matrix/dendrite/config", "/data")]
    docker.add("matrix-dendrite", pid=host.pid, networks={"matrix": host.address}, mounts=mounts)
    task = {"username": unique("found"), "password": a_password()}
    made = run(machine, task, secrets=(deployed.secret, deployed.database_password))
    assert made.json["actions"] == ["create"], made.json
    assert any("database that was found is not used" in w for w in made.json["warnings"])
    promote = {"username": task["username"], "admin": True}
    reply = run(machine, promote, secrets=(deployed.secret, deployed.database_password))
    assert reply.failed and "database" in reply.msg, reply.json
