# SPDX-License-Identifier: GPL-3.0-or-later
"""Keywords of Ansible that reach the module: environment and become."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.playbooks.ansible_run import Ansible
from tests.support.synapse import Synapse

pytestmark = pytest.mark.every_ansible

PASSWORD = "correct horse battery staple"


class Proxy(BaseHTTPRequestHandler):
    """Passes whatever it is asked for on to one server, whoever was meant."""

    protocol_version = "HTTP/1.1"

    def forward(self) -> None:
        import http.client

        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        meant = urlsplit(self.path)
        self.server.meant.append(meant.netloc)
        connection = http.client.HTTPConnection(self.server.target, timeout=30)
        headers = {name: self.headers[name] for name in ("Content-Type", "Authorization") if name in self.headers}
        connection.request(self.command, meant._replace(scheme="", netloc="").geturl(), body, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        self.send_response(answer.status)
        for name in ("Content-Type", "Server"):
            if answer.getheader(name):
                self.send_header(name, answer.getheader(name))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = forward

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def proxy(synapse: Synapse) -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    server.daemon_threads = True
    server.target = f"127.0.0.1:{synapse.port}"
    server.meant = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_environment_reaches_the_module(
    ansible: Ansible,
    synapse: Synapse,
    proxy: ThreadingHTTPServer,
    make_inventory: Callable[..., Path],
    unique: Callable[[str], str],
    tmp_path: Path,
) -> None:
    # No name server knows this name (RFC 2606): only the proxy can.
    inventory = make_inventory(
        matrix_users_url="http://homeserver.invalid:8008",
        matrix_users_registration_shared_secret=synapse.secret,
    )
    name = unique("alice")
    playbook = tmp_path / "play.yml"
    playbook.write_text(
        f"""
- name: Register by way of a proxy
  hosts: matrix_servers
  gather_facts: false
  environment:
    http_proxy: http://127.0.0.1:{proxy.server_port}
  tasks:
    - name: Register
      ansible.builtin.include_role:
        name: matrix_users
        tasks_from: register
      vars:
        matrix_users_username: {name}
        matrix_users_password: {PASSWORD}
"""
    )

    ansible.run(inventory, playbook=playbook).succeeded(changed=1)

    assert set(proxy.meant) == {"homeserver.invalid:8008"}
    assert synapse.user(name) is not None


def become_method() -> str:
    """How this user becomes root without being asked for a password."""
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return "sudo"
    if os.geteuid() == 0 and shutil.which("su"):
        return "su"
    pytest.skip("neither sudo without a password nor, as root, su")


def becoming() -> dict[str, str]:
    return {
        "ansible_become_method": become_method(),
        # nobody's shell is nologin.
        "ansible_become_flags": "-s /bin/sh" if become_method() == "su" else "-n",
    }


@pytest.mark.parametrize("user", ["root", "nobody"])
def test_become_runs_it_as_somebody_else(
    ansible: Ansible, synapse: Synapse, with_secret: Path, unique: Callable[[str], str], user: str
) -> None:
    if user == "nobody" and os.geteuid() != 0:
        pytest.skip("to hand files to another user takes root, or setfacl")
    name = unique("bob")
    variables = {"username": name, "password": PASSWORD, "admin": "no"} | becoming()

    run = ansible.tag(with_secret, "register-user", variables, "--become", f"--become-user={user}")

    run.succeeded(changed=1)
    assert synapse.user(name) is not None


def test_who_may_not_make_the_role_s_session_file_goes_on_without_and_is_told(
    ansible: Ansible, synapse: Synapse, make_inventory: Callable[..., Path], unique: Callable[[str], str]
) -> None:
    name = unique("carol")
    synapse.register(name, PASSWORD)
    inventory = make_inventory(
        matrix_users_url=synapse.url,
        matrix_users_server_name=synapse.server_name,
        matrix_users_registration_shared_secret=synapse.secret,
        matrix_users_service_account=unique("service"),
        # As in the role's defaults: the place that the role works out.
        matrix_users_session_file=None,
    )
    variables: dict[str, str] = {"username": name}
    as_somebody: list[str] = []
    if os.geteuid() == 0:
        variables |= becoming()
        as_somebody = ["--become", "--become-user=nobody"]

    for changed in (1, 0):
        run = ansible.tag(inventory, "promote-user", variables, *as_somebody).succeeded(changed)
        # Warnings are broken into lines anywhere.
        assert f"session_file:/var/lib/registrar/session-{synapse.server_name}.json" in "".join(run.output.split())
