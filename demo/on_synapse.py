# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo on Synapse, with nothing but its shared secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

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
from tests.support.synapse import Synapse

BOBS_ADDRESS = "bob@example.org"


def play(stage: Stage) -> None:
    stage.say("A real Synapse starts on this machine, with an empty database.")
    with Synapse("newest", SERVER_NAME, folder=FOLDER / "synapse") as server:
        stage.note(f"{server.url} is {SERVER_NAME}. Nobody has an account there yet.")
        hosts = inventory(server)
        registering(stage, server, hosts)
        changing(stage, server, hosts)
        looking(stage, server)
        forgetting(stage, server, hosts)


def registering(stage: Stage, server: Synapse, hosts: Path) -> None:
    stage.note("The inventory holds one secret: Synapse's registration_shared_secret.")
    stage.note("Of what Ansible prints, tasks that only look are left out below.")

    stage.say("Alice gets an account, and is made an administrator.")
    stage.just(hosts, ["register-user", "alice", ALICE, "yes"], changed=1)
    expect(server.user_names() == [server.user_id("alice")], "@alice is the one account")
    expect(server.access_tokens() == [], "no session was left behind")

    stage.say("The same command again: the account is as it should be, so nothing changes.")
    stage.just(hosts, ["register-user", "alice", ALICE, "yes"], changed=0)
    expect(server.access_tokens() == [], "no session was left behind")

    stage.say("What would happen for Bob? A check-mode run shows it, and does nothing.")
    stage.just(
        hosts, ["register-user", "bob", BOB, "no", "--check", "--diff"], changed=1, adds="password"
    )
    expect(server.user_id("bob") not in server.user_names(), "there is no @bob yet")

    stage.say("Now really. His password has quotes, braces, a dollar and a backslash in it.")
    stage.just(hosts, ["register-user", "bob", BOB, "no"], changed=1)
    expect(server.user_id("bob") in server.user_names(), "@bob is there")


def changing(stage: Stage, server: Synapse, hosts: Path) -> None:
    stage.say("Bob is made an administrator. That takes another one: Registrar makes itself one, and says so.")
    stage.just(hosts, ["promote", "bob"], changed=1)
    found = accounts(server)
    expect(found["bob"]["admin"], "Bob is an administrator")
    expect(found[SERVICE]["user_type"] == "support", f"@{SERVICE} is there, and is no ordinary user")

    stage.say("Better not. From now on that account's session is taken up again, so nothing logs in.")
    stage.just(hosts, ["demote", "bob"], changed=1)
    expect(not accounts(server)["bob"]["admin"], "Bob is not an administrator")
    expect_one_session(server)

    stage.say("Bob is registered once more, this time with an e-mail address; and again.")
    command = ["register-user", "bob", BOB, "no", "-e", f"email={BOBS_ADDRESS}"]
    stage.just(hosts, command, changed=1)
    expect(addresses(accounts(server)["bob"]) == [BOBS_ADDRESS], "Bob has the address")
    stage.just(hosts, command, changed=0)
    expect_one_session(server)


def looking(stage: Stage, server: Synapse) -> None:
    stage.say("Bob logs in with a client that anybody can install (matrix-nio), and out again.")
    log_in_with_a_client(stage, server, "bob", BOB)

    stage.say("The accounts of this server, as Synapse tells them to Alice:")
    rows = [
        (a["name"], "yes" if a["admin"] else "no", a["displayname"] or "", " ".join(addresses(a)))
        for a in accounts(server).values()
    ]
    stage.show(table(("user", "administrator", "display name", "e-mail"), rows))
    administrators = {"alice": "yes", "bob": "no", SERVICE: "yes"}
    expect(
        [row[:2] for row in rows] == [(server.user_id(name), admin) for name, admin in administrators.items()],
        "Alice is an administrator, Bob is not, and nobody but the service account is there besides",
    )


def forgetting(stage: Stage, server: Synapse, hosts: Path) -> None:
    stage.say("Registrar's own account is not needed any more, and goes.")
    stage.just(hosts, ["forget"], changed=1)
    expect(accounts(server)[SERVICE]["deactivated"], f"@{SERVICE} is deactivated")
    expect(server.access_tokens() == [], "no session was left behind")
    expect(not SESSION_FILE.exists(), "nor was the file that its session was kept in")


def expect_one_session(server: Synapse) -> None:
    expect(
        [token.user_id for token in server.access_tokens()] == [server.user_id(SERVICE)],
        "the one session there is is the one that is kept",
    )


def addresses(account: dict[str, Any]) -> list[str]:
    return [threepid["address"] for threepid in account["threepids"]]


def accounts(server: Synapse) -> dict[str, dict[str, Any]]:
    """Every account as the admin API tells it to Alice, by localpart."""
    token = server.login("alice", ALICE)
    found = {}
    for name in server.user_names():
        path = "/_synapse/admin/v2/users/" + quote(name, safe="")
        status, body = server.api("GET", path, token=token)
        expect(status == 200, f"Alice may look at {name}")
        found[name[1:].split(":")[0]] = body
    server.logout(token)
    return found
