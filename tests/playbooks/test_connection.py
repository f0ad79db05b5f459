# SPDX-License-Identifier: GPL-3.0-or-later
"""roles/matrix_users/tasks/connection.yml: from variables to a connection. Dendrite's
is in test_connection_dendrite.py, what a database is for in both.

Every case is a host of one inventory, so that one run works them all out. What
the variables of matrix-docker-ansible-deploy look like: its
roles/custom/matrix-synapse/defaults/main.yml and group_vars/matrix_servers.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.playbooks.ansible_run import Ansible
from tests.playbooks.connection_cases import Case, Outcome, check, name_of, worked_out

# A variable whose template refers to one that is not there, as
# matrix_homeserver_url and matrix_synapse_macaroon_secret_key do where that
# playbook's roles are not loaded.
HALF_DEFINED = "{{ nobody_defines_this }}"
HALF_DEFINED_SECRET = "{{ (nobody_defines_this + ':synapse.mac') | hash('sha512') | to_uuid }}"

URL = {"matrix_users_url": "http://127.0.0.1:8008"}
SECRET = {"matrix_users_registration_shared_secret": "own"}
SOCKET = {"matrix_users_unix_socket": "/run/matrix-synapse/main.sock"}
PORT = "matrix_synapse_container_client_api_host_bind_port"
INNER_PORT = "matrix_synapse_container_client_api_port"
DEPLOYMENT = {
    "matrix_homeserver_implementation": "synapse",
    "matrix_domain": "example.test",
    "matrix_homeserver_url": "https://matrix.example.test",
    PORT: "127.0.0.1:8008",
    "matrix_synapse_macaroon_secret_key": "macaroon",
}


# As it is by default: no port is published, and the container's is a number.
CONTAINED = DEPLOYMENT | {PORT: "", INNER_PORT: 8008}
# What a play sees of it that is run from elsewhere: what vars.yml says.
INVENTORY_ALONE = {"matrix_homeserver_implementation": "synapse", "matrix_domain": "example.test"}


def published(name: str, port: Any, url: str) -> Case:
    return Case(name, SECRET | {PORT: port}, {"url": url})


def kept_in(name: str, variables: dict[str, Any], file: str) -> Case:
    return Case(name, SECRET | variables, {"session_file": file})


FOLDER = "/var/lib/registrar/"
CONTAINER_ALONE = {"matrix_users_container": "synapse-of-ours"}
PREVIOUS = {"matrix_users_registration_shared_secret_previous": "former"}

CASES = [
    Case(
        "its own variables are enough",
        URL | SECRET,
        {"backend": "auto", "url": "http://127.0.0.1:8008", "server_name": "", "login_url": ""},
        {"registration_shared_secret": "own"},
    ),
    Case(
        "the deployment's variables are enough",
        DEPLOYMENT,
        {
            "backend": "auto",
            "url": "http://127.0.0.1:8008",
            "server_name": "example.test",
            "login_url": "https://matrix.example.test",
        },
        {"registration_shared_secret": "macaroon"},
    ),
    Case(
        "its own variables come before the deployment's",
        DEPLOYMENT
        | {
            "matrix_users_backend": "synapse",
            "matrix_users_url": "https://own.example.test",
            "matrix_users_server_name": "own.test",
            "matrix_users_login_url": "https://element.own.test",
        }
        | SECRET,
        {
            "backend": "synapse",
            "url": "https://own.example.test",
            "server_name": "own.test",
            "login_url": "https://element.own.test",
        },
        {"registration_shared_secret": "own"},
    ),
    # Addresses
    published("a port alone is on the loopback", "8008", "http://127.0.0.1:8008"),
    published("a port may be a number", 8008, "http://127.0.0.1:8008"),
    published("a port has its address", "127.0.0.2:8009", "http://127.0.0.2:8009"),
    published("a port has its IPv6 address", "[::1]:8008", "http://[::1]:8008"),
    published("every address is reached over the loopback", "0.0.0.0:8008", "http://127.0.0.1:8008"),
    published("every IPv6 address is, too", "[::]:8008", "http://[::1]:8008"),
    Case(
        "a published port comes before the public address",
        DEPLOYMENT | {PORT: "8010"},
        {"url": "http://127.0.0.1:8010"},
    ),
    Case(
        "without a published port, it is Synapse's container",
        CONTAINED,
        {"url": "http://matrix-synapse:8008", "container": "matrix-synapse", "server_name": "example.test"},
        {"registration_shared_secret": "macaroon"},
    ),
    Case(
        "with a published port, no container has to be looked into",
        DEPLOYMENT | {INNER_PORT: 8008},
        {"url": "http://127.0.0.1:8008", "container": ""},
    ),
    *(
        Case(f"a container's port that is {name} is left to the module", CONTAINED | {INNER_PORT: port}, of_container)
        for of_container in [{"url": "", "container": "matrix-synapse"}]
        for name, port in {"null": None, "empty": "", "half-defined": HALF_DEFINED}.items()
    ),
    Case(
        "the public address is none to talk to",
        SECRET | {"matrix_homeserver_url": "https://matrix.example.test"},
        {"url": "", "container": "", "login_url": "https://matrix.example.test"},
    ),
    Case(
        "the inventory alone says which container to search",
        INVENTORY_ALONE,
        {"url": "", "container": "matrix-synapse", "server_name": "example.test"},
        {"registration_shared_secret": ""},
    ),
    # An address without a credential is no use, and keeps the module from looking for one.
    Case(
        "without a secret, the container's address is left to the module",
        CONTAINED | {"matrix_synapse_macaroon_secret_key": ""},
        {"url": "", "container": "matrix-synapse"},
        {"registration_shared_secret": ""},
    ),
    Case(
        "without a secret, a published port is left to the module",
        INVENTORY_ALONE | {PORT: "8008"},
        {"url": "", "container": "matrix-synapse"},
    ),
    Case("nothing has to be set", {}, {"backend": "auto", "url": "", "container": "", "unix_socket": ""}),
    Case(
        "a credential alone may be set",
        SECRET,
        {"url": "", "container": "", "unix_socket": ""},
        {"registration_shared_secret": "own"},
    ),
    Case("Synapse may be told by being enabled", {"matrix_synapse_enabled": True}, {"container": "matrix-synapse"}),
    Case("a Synapse that is not enabled has no container", {"matrix_synapse_enabled": False}, {"container": ""}),
    Case("whether it is enabled may be half-defined", {"matrix_synapse_enabled": HALF_DEFINED}, {"container": ""}),
    Case(
        "its own container comes before the deployment's, and before a published port",
        DEPLOYMENT | {INNER_PORT: 8008, "matrix_users_container": "synapse-of-ours"},
        {"url": "http://synapse-of-ours:8008", "container": "synapse-of-ours"},
    ),
    Case(
        "its own container may be all that is said",
        {"matrix_users_container": "synapse-of-ours"},
        {"url": "", "container": "synapse-of-ours"},
    ),
    Case(
        "its own container may have its own address",
        CONTAINED | URL | {"matrix_users_container": "synapse-of-ours"},
        {"url": "http://127.0.0.1:8008", "container": "synapse-of-ours"},
    ),
    Case(
        "with its own address, the deployment's container is not looked into",
        CONTAINED | URL,
        {"url": "http://127.0.0.1:8008", "container": ""},
    ),
    Case(
        "with its own socket, neither the deployment's address nor its container is used",
        DEPLOYMENT | SOCKET,
        {"url": "", "container": "", "unix_socket": "/run/matrix-synapse/main.sock"},
        {"registration_shared_secret": "macaroon"},
    ),
    Case(
        "an address may be reached over its own socket",
        DEPLOYMENT | URL | SOCKET,
        {"url": "http://127.0.0.1:8008", "container": "", "unix_socket": "/run/matrix-synapse/main.sock"},
    ),
    Case(
        "a https address is where one logs in",
        {"matrix_users_url": "https://matrix.example.test"} | SECRET,
        {"login_url": "https://matrix.example.test"},
    ),
    # Variables that refer to variables which are not there
    Case(
        "half-defined variables are no variables",
        DEPLOYMENT
        | URL
        | {
            "matrix_homeserver_implementation": HALF_DEFINED,
            "matrix_domain": HALF_DEFINED,
            "matrix_homeserver_url": f"https://matrix.{HALF_DEFINED}",
            PORT: HALF_DEFINED,
            "matrix_synapse_registration_shared_secret": HALF_DEFINED,
        },
        {"url": "http://127.0.0.1:8008", "server_name": "", "login_url": ""},
        {"registration_shared_secret": "macaroon"},
    ),
    Case(
        "a half-defined address is no address",
        SECRET | {PORT: HALF_DEFINED, "matrix_homeserver_url": f"https://matrix.{HALF_DEFINED}"},
        {"url": "", "login_url": ""},
    ),
    Case(
        "half-defined variables are left to the module",
        {name: HALF_DEFINED for name in CONTAINED} | {"matrix_synapse_macaroon_secret_key": HALF_DEFINED_SECRET},
        {"url": "", "container": "", "server_name": "", "login_url": ""},
        {"registration_shared_secret": ""},
    ),
    Case(
        "a half-defined secret is no secret",
        URL
        | {
            "matrix_synapse_registration_shared_secret": HALF_DEFINED,
            "matrix_synapse_macaroon_secret_key": HALF_DEFINED_SECRET,
        },
        problem=("matrix_users_registration_shared_secret", "matrix_users_admin_username"),
    ),
    Case(
        "variables that are null are no variables",
        dict.fromkeys(DEPLOYMENT) | URL | SECRET,
        {"url": "http://127.0.0.1:8008", "server_name": ""},
        {"registration_shared_secret": "own"},
    ),
    # Credentials
    Case(
        "the registration secret comes before the macaroon secret",
        DEPLOYMENT | {"matrix_synapse_registration_shared_secret": "registration"},
        credential={"registration_shared_secret": "registration"},
    ),
    Case(
        "an empty registration secret is none",
        DEPLOYMENT | {"matrix_synapse_registration_shared_secret": ""},
        credential={"registration_shared_secret": "macaroon"},
    ),
    Case(
        "with a token of its own, the deployment's secret is not sent",
        DEPLOYMENT | {"matrix_users_access_token": "token"},
        credential={"access_token": "token", "registration_shared_secret": ""},
    ),
    Case(
        "with a secret file of its own, the deployment's secret is not sent",
        DEPLOYMENT | {"matrix_users_registration_shared_secret_path": "/etc/secret"},
        credential={"registration_shared_secret_path": "/etc/secret", "registration_shared_secret": ""},
    ),
    Case(
        "a login and a shared secret may both be given",
        URL | SECRET | {"matrix_users_admin_username": "alice", "matrix_users_admin_password": "[1]"},
        credential={
            "admin_username": "alice",
            "admin_password": "[1]",
            "registration_shared_secret": "own",
        },
    ),
    # The secret before a change of secrets: the module refuses it without one after it.
    Case(
        "the previous secret goes with the secret",
        URL | SECRET | PREVIOUS,
        credential={"registration_shared_secret": "own", "registration_shared_secret_previous": "former"},
    ),
    Case(
        "the previous secret goes with a secret file",
        URL | {"matrix_users_registration_shared_secret_path": "/etc/secret"} | PREVIOUS,
        credential={"registration_shared_secret_previous": "former"},
    ),
    Case(
        "the previous secret goes with the deployment's secret",
        DEPLOYMENT | PREVIOUS,
        credential={"registration_shared_secret": "macaroon", "registration_shared_secret_previous": "former"},
    ),
    Case(
        "the previous secret goes with a secret that the module finds",
        INVENTORY_ALONE | PREVIOUS,
        credential={"registration_shared_secret": "", "registration_shared_secret_previous": "former"},
    ),
    Case(
        "without a secret after it, the previous secret is not sent",
        DEPLOYMENT | {"matrix_users_access_token": "token"} | PREVIOUS,
        credential={"registration_shared_secret": "", "registration_shared_secret_previous": ""},
    ),
    # The session file
    kept_in(
        "the session file has the server's name",
        URL | {"matrix_users_server_name": "example.test", "matrix_domain": "other.test"},
        FOLDER + "session-example.test.json",
    ),
    kept_in(
        "the session file has the deployment's name",
        URL | {"matrix_domain": "example.test"},
        FOLDER + "session-example.test.json",
    ),
    *(
        kept_in(f"the session file has the host of {url}", {"matrix_users_url": url}, FOLDER + file)
        for url, file in {
            "http://127.0.0.1:8008": "session-127.0.0.1.json",
            "https://matrix.example.test": "session-matrix.example.test.json",
            "https://matrix.example.test/below/it?a=@b:1": "session-matrix.example.test.json",
            "http://user:word@localhost:8008/": "session-localhost.json",
            "http://[::1]:8008": "session-___1_.json",
            "http://[fe80::7]": "session-_fe80__7_.json",
        }.items()
    ),
    kept_in("the session file has the container's name", CONTAINER_ALONE, FOLDER + "session-synapse-of-ours.json"),
    kept_in("the session file of what is looked for has a name, too", {}, FOLDER + "session-homeserver.json"),
    kept_in("the session file of a socket has a name, too", SOCKET, FOLDER + "session-homeserver.json"),
    kept_in("the session file has the host of a published port", {PORT: "8008"}, FOLDER + "session-127.0.0.1.json"),
    *(
        kept_in(
            f"the session file is one file of that folder for {name[:24]!r}",
            URL | {"matrix_users_server_name": name},
            FOLDER + file,
        )
        for name, file in {
            "example.test:8448": "session-example.test_8448.json",
            "/etc/passwd": "session-_etc_passwd.json",
            "../../x": "session-.._.._x.json",
            "a b\nc'\"$(d)\u00e9": "session-a_b_c____d__.json",
            # A file's name has 255 bytes at most.
            "n" * 253: f"session-{'n' * 200}.json",
        }.items()
    ),
    kept_in(
        "the session file may be said",
        URL | {"matrix_users_session_file": "/srv/sessions/it: is.json"},
        "/srv/sessions/it: is.json",
    ),
    kept_in("there may be no session file", URL | {"matrix_users_session_file": ""}, ""),
    # What is refused
    Case("a published port that is none is not used", SECRET | {PORT: "127.0.0.1"}, {"url": ""}),
    *(
        Case(
            f"{name} without a credential says what to set",
            address,
            problem=("at " + where, "matrix_users_registration_shared_secret", "matrix_users_admin_username"),
        )
        for name, address, where in [
            ("an address", URL, "http://127.0.0.1:8008"),
            ("a socket", SOCKET, "/run/matrix-synapse/main.sock"),
            ("an address beside the deployment", INVENTORY_ALONE | URL, "http://127.0.0.1:8008"),
        ]
    ),
    Case(
        "another homeserver is refused",
        DEPLOYMENT | {"matrix_homeserver_implementation": "grapevine"},
        problem=("grapevine", "none of synapse, dendrite, tuwunel, continuwuity, conduit"),
    ),
    Case(
        "a Synapse beside another homeserver is taken when it is said so",
        DEPLOYMENT | URL | {"matrix_homeserver_implementation": "dendrite", "matrix_users_backend": "synapse"},
        {"backend": "synapse"},
    ),
    Case(
        "such a Synapse is not looked for in the deployment's container",
        INVENTORY_ALONE | {"matrix_homeserver_implementation": "dendrite", "matrix_users_backend": "synapse"},
        {"backend": "synapse", "container": ""},
    ),
]


@pytest.fixture(scope="module")
def outcomes(ansible: Ansible, tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    return worked_out(ansible, tmp_path_factory.mktemp("cases"), CASES)


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda i: name_of(CASES[i]))
def test_connection(outcomes: list[Outcome], number: int) -> None:
    check(CASES[number], outcomes[number])
