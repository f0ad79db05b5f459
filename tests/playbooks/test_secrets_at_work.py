# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the secrets of the service account are while recipes are at work: in no
process's arguments or environment, in no output, in no file but the session
file (and the inventory, which had the shared secret before)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Callable
from pathlib import Path

from tests.playbooks.ansible_run import SESSION_FILE, Ansible
from tests.playbooks.process_watch import ProcessWatch
from tests.support.synapse import Synapse

PASSWORD = "Quodlibet-Password-1"


def service_password(secret: str, localpart: str) -> str:
    """docs/service-account.md: what the account's password is computed from."""
    message = b"registrar/v1\0" + localpart.encode()
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


def files_with(text: str, *folders: Path) -> list[Path]:
    found = []
    for folder in folders:
        for parent, _, names in os.walk(folder):
            files = [Path(parent, name) for name in names]
            found += [file for file in files if file.is_file() and text.encode() in file.read_bytes()]
    return sorted(found)


def test_secrets_of_the_service_account_are_where_they_belong_alone(
    ansible: Ansible,
    synapse: Synapse,
    make_inventory: Callable[..., Path],
    unique: Callable[[str], str],
    tmp_path: Path,
) -> None:
    name, service = unique("alice"), unique("service")
    former = "Quodlibet-Secret-2"
    inventory = make_inventory(
        matrix_users_url=synapse.url,
        matrix_users_registration_shared_secret=synapse.secret,
        matrix_users_registration_shared_secret_previous=former,
        matrix_users_service_account=service,
    )
    session_file = inventory.with_name(SESSION_FILE)
    tokens = set()
    outputs = []

    with ProcessWatch() as watch:
        for tag, variables in (
            ("register-user", {"username": name, "admin": "no", "email": f"{name}@example.org"}),
            ("register-user", {"username": name, "admin": "no", "email": f"{name}@example.org"}),
            ("promote-user", {"username": name}),
            ("update-user-password", {"username": name}),
            ("forget-service-account", {}),
        ):
            run = ansible.tag(
                inventory, tag, variables, "--diff", "-vvv", env={"REGISTRAR_PASSWORD": PASSWORD}
            )
            assert run.rc == 0, run.output
            assert "TASK [matrix_users : Make the account" in run.output
            outputs.append(run.output)
            rows = synapse.query(
                "SELECT token FROM access_tokens WHERE user_id = ?", (synapse.user_id(service),)
            )
            for (token,) in rows:
                tokens.add(token)
                assert files_with(token, ansible.home, tmp_path) == [session_file]

    assert len(tokens) == 1, "one session, which is kept"
    assert watch.arguments_with("ansible-playbook\0"), "the watch has missed something"
    assert watch.environments_with("REGISTRAR_PASSWORD="), "the watch has missed something"
    for secret in (synapse.secret, former, service_password(synapse.secret, service), *tokens):
        assert watch.arguments_with(secret) == []
        assert watch.environments_with(secret) == []
        assert not [output for output in outputs if secret in output]
        files = files_with(secret, ansible.home, tmp_path)
        assert files == ([inventory] if secret in (synapse.secret, former) else [])
    assert watch.arguments_with(PASSWORD) == []
    assert not [output for output in outputs if PASSWORD in output]


def test_the_password_that_the_page_describes_is_the_account_s(
    newest_ansible: Ansible, synapse: Synapse, make_inventory: Callable[..., Path], unique: Callable[[str], str]
) -> None:
    """Else the test above would look for something that is nowhere."""
    name, service = unique("bob"), unique("service")
    synapse.register(name, PASSWORD)
    inventory = make_inventory(
        matrix_users_url=synapse.url,
        matrix_users_registration_shared_secret=synapse.secret,
        matrix_users_service_account=service,
    )

    newest_ansible.tag(inventory, "promote-user", {"username": name}).succeeded(changed=1)

    synapse.logout(synapse.login(service, service_password(synapse.secret, service)))
