# SPDX-License-Identifier: GPL-3.0-or-later
"""roles/matrix_users/tasks/{connection,mas,database}.yml: Matrix Authentication
Service. What the variables of matrix-docker-ansible-deploy look like:
its roles/custom/matrix-authentication-service/defaults/main.yml and group_vars/
matrix_servers."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest
import yaml

from tests.playbooks.ansible_run import Ansible
from tests.playbooks.connection_cases import Case, Outcome, check, name_of, worked_out
from tests.support.paths import ROOT

HALF_DEFINED = "{{ nobody_defines_this }}"
CLIENT = "01GFWR32NCQ12B8Z0J8CPXRRB6"
OTHER_CLIENT = "01GFWR28C4KNE04WG3HKXB7C9R"
NO_CREDENTIAL = {"token": "", "client_id": "", "client_secret": "", "client_secret_path": ""}
NOWHERE = {"url": "", "admin_url": "", "container": "", "unit": ""}

# Its own
URL = {"matrix_users_url": "http://127.0.0.1:8008"}
MAS_URL = {"matrix_users_mas_url": "http://127.0.0.1:8080/auth"}
OWN_CLIENT = {"matrix_users_mas_client_id": CLIENT, "matrix_users_mas_client_secret": "own"}

# What vars.yml says, which is all that a play sees that is run from elsewhere.
INVENTORY_ALONE = {
    "matrix_homeserver_implementation": "synapse",
    "matrix_domain": "example.test",
    "matrix_authentication_service_enabled": True,
}
DEPLOYMENT = INVENTORY_ALONE | {
    "postgres_connection_hostname": "matrix-postgres",
    "postgres_run_path": "/matrix/postgres/run",
    "postgres_container_unix_socket_enabled": True,
    "matrix_synapse_enabled": True,
    "matrix_synapse_macaroon_secret_key": "macaroon",
    "matrix_synapse_container_client_api_port": 8008,
    "matrix_synapse_container_client_api_host_bind_port": "127.0.0.1:8008",
    "matrix_synapse_password_config_pepper": "pepper",
    "matrix_synapse_database_host": "matrix-postgres",
    "matrix_synapse_database_database": "synapse",
    "matrix_synapse_matrix_authentication_service_enabled": "{{ matrix_authentication_service_enabled }}",
    "matrix_authentication_service_migration_in_progress": False,
    "matrix_authentication_service_admin_api_enabled": False,
    "matrix_authentication_service_config_clients": "{{ matrix_authentication_service_config_clients_custom }}",
    "matrix_authentication_service_config_clients_custom": [],
    "matrix_authentication_service_configuration_extension_yaml": "# Your custom YAML goes here.\n",
    "matrix_authentication_service_config_database_host": "/run-postgres",
    "matrix_authentication_service_config_database_port": 5432,
    "matrix_authentication_service_config_database_database": "matrix_authentication_service",
    "matrix_authentication_service_config_database_username": "matrix_authentication_service",
    "matrix_authentication_service_config_database_password": "0123",
    "matrix_authentication_service_config_database_ssl_mode": "disable",
    "matrix_authentication_service_config_database_socket_enabled": True,
    "matrix_authentication_service_config_database_socket_path_host": "{{ postgres_run_path }}",
}
BY_SOCKET = {
    "host": "/matrix/postgres/run",
    "port": "5432",
    "name": "matrix_authentication_service",
    "user": "matrix_authentication_service",
    "password": "0123",
}
# Both are looked for with their configurations: the address of neither is given.
FOUND = {"url": "", "container": "matrix-synapse", "backend": "auto"}
DEPLOYED = {
    "url": "",
    "container": "matrix-authentication-service",
    "unit": "matrix-authentication-service.service",
}
WITHOUT_A_SOCKET = {
    "matrix_authentication_service_config_database_socket_enabled": False,
    "matrix_authentication_service_config_database_host": "{{ postgres_connection_hostname }}",
}


def client(**over: Any) -> dict[str, Any]:
    return {
        "client_id": CLIENT,
        "client_auth_method": "client_secret_basic",
        "client_secret": "deployment's",
    } | over


def switched_on(*clients: Any, listed: str = CLIENT, **variables: Any) -> dict[str, Any]:
    """The admin API, with these clients, of which one may use it."""
    extension = f"policy:\n  data:\n    admin_clients:\n      - {listed}\n"
    return (
        DEPLOYMENT
        | {
            "matrix_authentication_service_admin_api_enabled": True,
            "matrix_authentication_service_config_clients_custom": list(clients),
            "matrix_authentication_service_configuration_extension_yaml": extension,
        }
        | variables
    )


def documented() -> dict[str, Any]:
    """The lines of the page that switch the admin API on there."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "docs" / "mas.md").read_text(), re.MULTILINE | re.DOTALL)
    (block,) = [block for block in blocks if "matrix_authentication_service_admin_api_enabled" in block]
    return yaml.safe_load(block)


def derived(what: str) -> str:
    return hashlib.sha512(f"generic:registrar.{what}".encode()).hexdigest()


ITS_CLIENT = {"client_id": CLIENT, "client_secret": "deployment's"}


def no_client(name: str, variables: dict[str, Any]) -> Case:
    return Case(name, variables, FOUND, {}, BY_SOCKET, mas=DEPLOYED, mas_credential=NO_CREDENTIAL, server="mas")


CASES = [
    # Nothing but what is there already
    Case(
        "a deployment that has it needs no new variable",
        DEPLOYMENT,
        FOUND | {"server_name": "example.test"},
        {},
        BY_SOCKET,
        "",
        mas=DEPLOYED,
        mas_credential=NO_CREDENTIAL,
        server="mas",
    ),
    Case(
        "its inventory alone says which containers to search",
        INVENTORY_ALONE,
        FOUND,
        {},
        {},
        mas=DEPLOYED,
        mas_credential=NO_CREDENTIAL,
        server="mas",
    ),
    Case(
        "one that is not enabled is not there",
        DEPLOYMENT | {"matrix_authentication_service_enabled": False},
        {"url": "http://127.0.0.1:8008"},
        {"registration_shared_secret": "macaroon"},
        {},
        "pepper",
        mas=NOWHERE,
        server="synapse",
    ),
    Case(
        "one that Synapse does not hand its accounts to is not there",
        DEPLOYMENT | {"matrix_synapse_matrix_authentication_service_enabled": False},
        {"url": "http://127.0.0.1:8008"},
        {"registration_shared_secret": "macaroon"},
        {},
        mas=NOWHERE,
        server="synapse",
    ),
    Case(
        "one that is elsewhere has neither a container nor a database here",
        DEPLOYMENT
        | {"matrix_authentication_service_enabled": False, "matrix_synapse_matrix_authentication_service_enabled": True},
        FOUND,
        {},
        {},
        mas=NOWHERE,
        mas_credential=NO_CREDENTIAL,
        server="mas",
    ),
    Case(
        "a Dendrite hands its accounts to nobody",
        {"matrix_homeserver_implementation": "dendrite", "matrix_authentication_service_enabled": True},
        {"container": "matrix-dendrite"},
        mas=NOWHERE,
        server="dendrite",
    ),
    Case(
        "half-defined variables are no variables",
        {name: HALF_DEFINED for name in DEPLOYMENT if name.startswith(("matrix_auth", "matrix_synapse_matrix"))}
        | {"matrix_homeserver_implementation": "synapse"},
        {"container": "matrix-synapse"},
        mas=NOWHERE,
        mas_credential=NO_CREDENTIAL,
        server="synapse",
    ),
    Case(
        "half-defined variables of one that is there are left to the module",
        {
            name: HALF_DEFINED
            for name in DEPLOYMENT
            if name.startswith(("matrix_authentication_service_c", "matrix_authentication_service_a", "postgres"))
        }
        | INVENTORY_ALONE,
        FOUND,
        {},
        {},
        mas=DEPLOYED,
        mas_credential=NO_CREDENTIAL,
        server="mas",
    ),
    # What opens its admin API
    Case(
        "a client that is listed opens its admin API",
        switched_on(client()),
        FOUND,
        {},
        BY_SOCKET,
        mas=DEPLOYED,
        mas_credential=ITS_CLIENT,
    ),
    Case(
        "a client may be of another method",
        switched_on(client(client_auth_method="client_secret_post")),
        mas_credential=ITS_CLIENT,
    ),
    Case(
        "of several clients it is the one that is listed",
        switched_on(client(client_id=OTHER_CLIENT, client_secret="another's"), client()),
        mas_credential=ITS_CLIENT,
    ),
    Case(
        "the extension's clients are in place of the others",
        switched_on(
            client(client_secret="overwritten"),
            matrix_authentication_service_configuration_extension_yaml=(
                f"clients:\n- client_id: {CLIENT}\n  client_auth_method: client_secret_basic\n"
                f"  client_secret: deployment's\npolicy: {{data: {{admin_clients: [{CLIENT}]}}}}\n"
            ),
        ),
        mas_credential=ITS_CLIENT,
    ),
    Case(
        "with its inventory alone a client of its own is known",
        {
            name: value
            for name, value in switched_on(client()).items()
            if name != "matrix_authentication_service_config_clients" and not name.startswith("postgres")
        },
        FOUND,
        {},
        mas_credential=ITS_CLIENT,
    ),
    Case("a secret may look like a number", switched_on(client(client_secret="0123")), mas_credential={"client_secret": "0123"}),
    no_client("a client is of no use where the API is not on", switched_on(client(), matrix_authentication_service_admin_api_enabled=False)),
    no_client("a client that is not listed is none", switched_on(client(), listed=OTHER_CLIENT)),
    no_client("a client whose secret is in a file of the container is left to the module", switched_on({
        "client_id": CLIENT, "client_auth_method": "client_secret_basic", "client_secret_file": "/keys/secret",
    })),
    no_client("a client without a secret is none", switched_on(client(client_auth_method="none", client_secret=""))),
    no_client("a client that signs is none", switched_on(client(client_auth_method="client_secret_jwt"))),
    no_client("what is no client is none", switched_on("words", {}, 7)),
    no_client(
        "an extension that is no mapping says nothing",
        switched_on(client(), matrix_authentication_service_configuration_extension_yaml="- only\n- a list\n"),
    ),
    Case(
        "the lines of the documentation make a client",
        DEPLOYMENT | {"matrix_homeserver_generic_secret_key": "generic"} | documented(),
        FOUND,
        # A ULID: what is in hexadecimal is in Crockford's base 32, too.
        mas_credential={"client_id": f"0{derived('id')[:25]}".upper(), "client_secret": derived("mas")},
    ),
    # Its own variables
    Case(
        "its own client comes before the deployment's",
        switched_on(client(client_id=OTHER_CLIENT), listed=OTHER_CLIENT) | OWN_CLIENT,
        FOUND,
        {},
        BY_SOCKET,
        mas=DEPLOYED,
        mas_credential=NO_CREDENTIAL | {"client_id": CLIENT, "client_secret": "own"},
    ),
    Case(
        "its own secret may be in a file",
        DEPLOYMENT | {"matrix_users_mas_client_id": CLIENT, "matrix_users_mas_client_secret_path": "/etc/mas/secret"},
        mas_credential=NO_CREDENTIAL | {"client_id": CLIENT, "client_secret_path": "/etc/mas/secret"},
    ),
    Case(
        "its own token comes before the deployment's client",
        switched_on(client()) | {"matrix_users_mas_token": "mpt_own"},
        mas_credential=NO_CREDENTIAL | {"token": "mpt_own"},
    ),
    Case(
        "its own address comes before the deployment's container",
        DEPLOYMENT | MAS_URL | OWN_CLIENT | {"matrix_users_mas_admin_url": "http://127.0.0.1:8081/auth"},
        FOUND,
        {},
        {},
        mas={"url": "http://127.0.0.1:8080/auth", "admin_url": "http://127.0.0.1:8081/auth", "container": "", "unit": ""},
        server="mas",
    ),
    Case(
        "its own container comes before the deployment's",
        DEPLOYMENT | {"matrix_users_mas_container": "mas"},
        FOUND,
        {},
        BY_SOCKET,
        mas={"url": "", "container": "mas", "unit": ""},
    ),
    Case(
        "without a deployment, its own variables are all there is",
        URL | MAS_URL | OWN_CLIENT,
        {"url": "http://127.0.0.1:8008", "container": ""},
        {},
        {},
        mas=NOWHERE | {"url": "http://127.0.0.1:8080/auth"},
        server="mas",
    ),
    Case(
        "a session file has its name from what is known",
        MAS_URL | OWN_CLIENT,
        {"url": "", "session_file": "/var/lib/registrar/session-127.0.0.1.json"},
        server="mas",
    ),
    Case(
        "what it is may be said by backend alone",
        {"matrix_users_backend": "mas"},
        {"backend": "mas", "url": ""},
        mas=NOWHERE,
        server="mas",
    ),
    Case(
        "a deployment's Synapse may be said to have its accounts elsewhere",
        DEPLOYMENT | {"matrix_users_backend": "mas"},
        {"backend": "mas", "url": "", "container": "matrix-synapse"},
        {},
        BY_SOCKET,
        mas=DEPLOYED,
    ),
    Case(
        "whoever says Synapse gets Synapse",
        DEPLOYMENT | {"matrix_users_backend": "synapse"},
        {"backend": "synapse", "url": "http://127.0.0.1:8008"},
        {"registration_shared_secret": "macaroon"},
        {},
        "pepper",
        mas=NOWHERE,
        server="synapse",
    ),
    # Its database
    Case(
        "the integrated database is reached by its socket also without that of MAS",
        DEPLOYMENT | WITHOUT_A_SOCKET,
        FOUND,
        {},
        BY_SOCKET,
    ),
    Case(
        "an external database is protected as the deployment says",
        DEPLOYMENT
        | WITHOUT_A_SOCKET
        | {
            "matrix_authentication_service_config_database_host": "db.example.test",
            "matrix_authentication_service_config_database_ssl_mode": "require",
        },
        FOUND,
        {},
        BY_SOCKET | {"host": "db.example.test", "sslmode": "require"},
    ),
    Case(
        "a database in another container is left to the module",
        DEPLOYMENT | WITHOUT_A_SOCKET | {"matrix_authentication_service_config_database_host": "some-postgres"},
        FOUND,
        {},
        {},
    ),
    Case(
        "a database of its own comes first, with what is added to its passwords",
        DEPLOYMENT
        | {"matrix_users_database": {"host": "/run/postgresql", "name": "mas"}, "matrix_users_password_pepper": "own"},
        FOUND,
        {},
        {"host": "/run/postgresql", "name": "mas"},
        "own",
    ),
    # What is not done
    Case(
        "an address with nothing that opens MAS says what to set",
        DEPLOYMENT | URL,
        problem=("at http://127.0.0.1:8008", "matrix_users_mas_client_id", "matrix_users_mas_token", "docs/mas.md"),
    ),
    Case(
        "an address with the deployment's client is enough",
        switched_on(client()) | URL,
        {"url": "http://127.0.0.1:8008", "container": ""},
        {},
        BY_SOCKET,
        mas=NOWHERE,
        mas_credential=ITS_CLIENT,
    ),
    Case(
        "nothing is done while the accounts are on their way",
        DEPLOYMENT | {"matrix_authentication_service_migration_in_progress": True},
        problem=("Nothing is done while matrix_authentication_service_migration_in_progress is true",),
    ),
]


@pytest.fixture(scope="module")
def outcomes(ansible: Ansible, tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    return worked_out(ansible, tmp_path_factory.mktemp("cases"), CASES)


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda i: name_of(CASES[i]))
def test_connection_of_mas(outcomes: list[Outcome], number: int) -> None:
    check(CASES[number], outcomes[number])
