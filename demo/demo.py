# SPDX-License-Identifier: GPL-3.0-or-later
"""make demo: a real Synapse on this machine gets its first users.

Everything happens in build/demo and on the loopback. Each step says what it
does, runs the command that one would type, and is held to what it promised;
a step that does otherwise ends the demo with an error.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
sys.dont_write_bytecode = True

from demo.terminal import Stage, fail, table  # noqa: E402
from tests.support.synapse import Synapse  # noqa: E402

FOLDER = ROOT / "build" / "demo"
SESSION_FILE = FOLDER / "sessions" / "session.json"
SERVER_NAME = "demo.example"
# Made up, and gone with the server: so they may be seen here.
ALICE = "correct horse battery staple"
BOB = "it's $5 for {{ two }} \\o/"
BOBS_ADDRESS = "bob@example.org"
# What Registrar calls the account that it makes for itself.
SERVICE = "registrar-service"


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    stage = Stage(ROOT, ansible_environment())
    try:
        stage.say("A real Synapse starts on this machine, with an empty database.")
        with Synapse("newest", SERVER_NAME, folder=FOLDER / "synapse") as server:
            stage.note(f"{server.url} is {SERVER_NAME}. Nobody has an account there yet.")
            hosts = inventory(server)
            registering(stage, server, hosts)
            changing(stage, server, hosts)
            looking(stage, server)
            forgetting(stage, server, hosts)
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
    seconds = time.monotonic() - began
    stage.say(f"Done in {seconds:.0f} seconds. Synapse has ended, and its folder is gone.")


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
    user_id, device_id = asyncio.run(client_login(server.url, "bob", BOB))
    expect(user_id == server.user_id("bob"), "the client is logged in as Bob")
    stage.note(f"The server says: you are {user_id}, and your session is {device_id}.")

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


async def client_login(url: str, user: str, password: str) -> tuple[str, str]:
    """One login by matrix-nio; who the server says it is, and on which device."""
    import nio

    client = nio.AsyncClient(url, user)
    try:
        reply = await client.login(password, device_name="demo")
        expect(isinstance(reply, nio.LoginResponse), f"matrix-nio can log in ({reply})")
        who = await client.whoami()
        await client.logout()
        return who.user_id, who.device_id
    finally:
        await client.close()


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


def inventory(server: Synapse) -> Path:
    """An inventory of one host, this machine, with the one secret."""
    folder = FOLDER / "inventory"
    variables = folder / "group_vars" / "matrix_servers.json"
    variables.parent.mkdir(parents=True)
    hosts = folder / "hosts"
    hosts.write_text("[matrix_servers]\nthis-machine ansible_connection=local\n")
    variables.touch(mode=0o600)
    values = {
        "matrix_users_url": server.url,
        "matrix_users_server_name": SERVER_NAME,
        "matrix_users_registration_shared_secret": server.secret,
        "matrix_users_session_file": str(SESSION_FILE),
        "ansible_python_interpreter": sys.executable,
    }
    variables.write_text(json.dumps(values))
    return hosts


def ansible_environment() -> dict[str, str]:
    """Ansible keeps its own things in the demo's folder, too."""
    return dict(os.environ) | {
        "ANSIBLE_HOME": str(FOLDER / "ansible"),
        "ANSIBLE_LOCAL_TEMP": str(FOLDER / "ansible" / "tmp"),
        "ANSIBLE_REMOTE_TMP": str(FOLDER / "ansible" / "tmp"),
        "ANSIBLE_FORCE_COLOR": str(sys.stdout.isatty()),
    }


def expect(truth: object, what: str) -> None:
    if not truth:
        fail(f"expected that {what}")


if __name__ == "__main__":
    main()
