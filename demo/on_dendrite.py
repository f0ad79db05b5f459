# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo on Dendrite, with its shared secret and its database: Dendrite's own API
makes accounts and sets passwords, and all else is a row of a table."""

from __future__ import annotations

from pathlib import Path

from demo.shared import (
    ALICE,
    BOB,
    FOLDER,
    SERVER_NAME,
    SERVICE,
    SESSION_FILE,
    expect,
    inventory,
    log_in_with_a_client,
)
from demo.terminal import Stage, table
from tests.support.dendrite import Dendrite
from tests.support.postgres import Postgres

BOBS_NEXT = "two tickets to nowhere"


def play(stage: Stage) -> None:
    stage.say("A real Dendrite starts on this machine, on an empty PostgreSQL.")
    with (
        Postgres() as postgres,
        Dendrite(SERVER_NAME, folder=FOLDER / "dendrite", postgres=postgres) as server,
    ):
        stage.note(f"{server.url} is {SERVER_NAME}. Nobody has an account there yet.")
        hosts = inventory(server, matrix_users_database=database(server, postgres))
        registering(stage, server, hosts)
        changing(stage, server, hosts)
        looking(stage, server)
        leaving(stage, server, hosts)


def database(server: Dendrite, postgres: Postgres) -> dict[str, str | int]:
    """As a role's variable: by the socket, as Dendrite's own role."""
    return {
        "host": str(postgres.socket_folder),
        "port": postgres.port,
        "name": server.database_name,
        "user": server.database_name,
        "password": server.database_password,
    }


def registering(stage: Stage, server: Dendrite, hosts: Path) -> None:
    stage.note("The inventory holds Dendrite's registration_shared_secret, and its database.")
    stage.note("Of what Ansible prints, tasks that only look are left out below.")

    stage.say("Alice gets an account, and is made an administrator.")
    stage.just(hosts, ["register-user", "alice", ALICE, "yes"], changed=1)
    expect(server.user_names() == [server.user_id("alice")], "@alice is the one account")
    expect(server.is_admin("alice"), "Alice is an administrator")
    expect(server.devices() == [], "no session was left behind, though Dendrite makes one")

    stage.say("The same command again. The stored hash says that the password is right: nothing changes.")
    before = server.account("alice")
    stage.just(hosts, ["register-user", "alice", ALICE, "yes"], changed=0)
    expect(server.account("alice") == before, "the account is what it was")
    expect(server.devices() == [], "no session was left behind")

    stage.say("What would happen for Bob? A check-mode run shows it, and does nothing.")
    stage.just(
        hosts, ["register-user", "bob", BOB, "no", "--check", "--diff"], changed=1, adds="password"
    )
    expect(server.account("bob") is None, "there is no @bob yet")

    stage.say("Now really. His password has quotes, braces, a dollar and a backslash in it.")
    stage.just(hosts, ["register-user", "bob", BOB, "no"], changed=1)
    expect(server.account("bob") is not None, "@bob is there")


def changing(stage: Stage, server: Dendrite, hosts: Path) -> None:
    stage.say("Bob, who has a session open, is made an administrator: one row, and no API.")
    token = server.login("bob", BOB)
    expect(not server.may_administer(token), "Bob's session may administer nothing yet")
    stage.just(hosts, ["promote", "bob"], changed=1)
    expect(server.may_administer(token), "Bob's open session may use the admin API at once")

    stage.say("Better not.")
    stage.just(hosts, ["demote", "bob"], changed=1)
    expect(not server.may_administer(token), "it may not any more")
    expect(server.account(SERVICE) is None, "Registrar needed no account of its own for that")

    stage.say("Bob gets another password. That takes an administrator: Registrar makes itself one, and says so.")
    command = ["update-password", "bob", BOBS_NEXT]
    stage.just(hosts, command, changed=1)
    expect(server.is_admin(SERVICE), f"@{SERVICE} is there")
    expect(server.whoami(token) is not None, "Bob's session is still open")
    stage.just(hosts, command, changed=0)


def looking(stage: Stage, server: Dendrite) -> None:
    stage.say("Bob logs in with a client that anybody can install (matrix-nio), and out again.")
    log_in_with_a_client(stage, server, "bob", BOBS_NEXT)

    stage.say("The accounts of this server, as its tables tell them:")
    names = [user_id[1:].split(":")[0] for user_id in server.user_names()]
    rows = [
        (
            server.user_id(name),
            "yes" if server.is_admin(name) else "no",
            (server.profile(name) or {}).get("displayname", ""),
        )
        for name in names
    ]
    stage.show(table(("user", "administrator", "display name"), rows))
    administrators = {"alice": "yes", "bob": "no", SERVICE: "yes"}
    expect(
        [row[:2] for row in rows] == [(server.user_id(n), a) for n, a in administrators.items()],
        "Alice is an administrator, Bob is not, and nobody but the service account is there besides",
    )


def leaving(stage: Stage, server: Dendrite, hosts: Path) -> None:
    stage.say("Bob leaves. His account is deactivated, and his session ends with it.")
    stage.just(hosts, ["deactivate", "bob"], changed=1)
    bob = server.account("bob")
    expect(bob is not None and bob.deactivated, "@bob is deactivated")
    expect(server.devices("bob") == [], "he has no session left")

    stage.say("Registrar's own account is not needed any more, and goes.")
    stage.just(hosts, ["forget"], changed=1)
    service = server.account(SERVICE)
    expect(service is not None and service.deactivated, f"@{SERVICE} is deactivated")
    expect(server.devices() == [], "no session was left behind")
    expect(not SESSION_FILE.exists(), "nor was the file that its session was kept in")
