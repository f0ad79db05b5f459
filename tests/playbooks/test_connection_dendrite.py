# SPDX-License-Identifier: GPL-3.0-or-later
"""roles/matrix_users/tasks/connection.yml and database.yml: a Dendrite, and where the
database is of either server. What the variables of matrix-docker-ansible-deploy look
like: its roles/custom/matrix-{dendrite,synapse}/defaults/main.yml, group_vars/
matrix_servers, and the role of its PostgreSQL (postgres_run_path)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.playbooks.ansible_run import Ansible
from tests.playbooks.connection_cases import Case, Outcome, check, name_of, worked_out

HALF_DEFINED = "{{ nobody_defines_this }}"
URL = {"matrix_users_url": "http://127.0.0.1:8008"}
SECRET = {"matrix_users_registration_shared_secret": "own"}
OWN = {"matrix_users_database": {"host": "/run/postgresql", "name": "own"}}

# What vars.yml says, which is all that a play sees that is run from elsewhere.
INVENTORY_ALONE = {"matrix_homeserver_implementation": "dendrite", "matrix_domain": "example.test"}
INTEGRATED = {
    "postgres_connection_hostname": "matrix-postgres",
    "postgres_run_path": "/matrix/postgres/run",
    "postgres_container_unix_socket_enabled": True,
}
PUBLISHED = "matrix_dendrite_container_http_host_bind_address"
# As it is by default: no port is published, and the container's is a number.
DEPLOYMENT = (
    INVENTORY_ALONE
    | INTEGRATED
    | {
        "matrix_dendrite_enabled": True,
        "matrix_dendrite_http_bind_port": 8008,
        PUBLISHED: "",
        "matrix_dendrite_client_api_registration_shared_secret": "of dendrite",
        "matrix_dendrite_database_hostname": "{{ postgres_connection_hostname }}",
        "matrix_dendrite_database_user": "dendrite",
        "matrix_dendrite_database_password": "0123",
        "matrix_dendrite_database_sslmode": "disable",
        "matrix_dendrite_user_api_database": "dendrite_userapi",
        # They are there in each deployment.
        "matrix_synapse_enabled": False,
        "matrix_synapse_macaroon_secret_key": "macaroon",
        "matrix_synapse_container_client_api_port": 8018,
        "matrix_synapse_password_config_pepper": "pepper",
    }
)
BY_SOCKET = {
    "host": "/matrix/postgres/run",
    "name": "dendrite_userapi",
    "user": "dendrite",
    "password": "0123",
}
CONTAINED = {"url": "http://matrix-dendrite:8008", "container": "matrix-dendrite"}
LEFT_TO_THE_MODULE = {"url": "", "container": "matrix-dendrite"}

SYNAPSE = INTEGRATED | {
    "matrix_homeserver_implementation": "synapse",
    "matrix_synapse_registration_shared_secret": "of synapse",
    "matrix_synapse_container_client_api_port": 8008,
    "matrix_synapse_database_host": "{{ postgres_connection_hostname }}",
    "matrix_synapse_database_port": 5432,
    "matrix_synapse_database_user": "synapse",
    "matrix_synapse_database_password": "[1]",
    "matrix_synapse_database_database": "synapse",
    "matrix_synapse_database_socket_enabled": True,
    "matrix_synapse_database_socket_path_host": "{{ postgres_run_path }}",
    "matrix_synapse_password_config_pepper": "pepper",
}
ITS_OWN_ADMINISTRATOR = {"matrix_users_service_account": ""}
OF_SYNAPSE = {
    "host": "/matrix/postgres/run",
    "port": "5432",
    "name": "synapse",
    "user": "synapse",
    "password": "[1]",
}


def left_to_the_module(name: str, **variables: Any) -> Case:
    return Case(
        f"{name}, the database is left to the module",
        DEPLOYMENT | variables,
        LEFT_TO_THE_MODULE,
        {"registration_shared_secret": "of dendrite"},
        {},
    )


CASES = [
    Case(
        "the deployment's variables are enough",
        DEPLOYMENT,
        CONTAINED | {"backend": "auto", "server_name": "example.test"},
        {"registration_shared_secret": "of dendrite"},
        BY_SOCKET,
        "",
    ),
    Case("the inventory alone says which container to search", INVENTORY_ALONE, LEFT_TO_THE_MODULE, {}, {}),
    Case(
        "Dendrite may be told by being enabled",
        {"matrix_dendrite_enabled": True},
        LEFT_TO_THE_MODULE,
        {},
        {},
    ),
    Case("a Dendrite that is not enabled has no container", {"matrix_dendrite_enabled": False}, {"container": ""}),
    Case(
        "without the deployment's secret, all is left to the module",
        DEPLOYMENT | {"matrix_dendrite_client_api_registration_shared_secret": ""},
        LEFT_TO_THE_MODULE,
    ),
    *(
        Case(
            f"a published port that is {port} has its address",
            DEPLOYMENT | {PUBLISHED: port},
            {"url": url, "container": ""},
        )
        for port, url in {
            "8008": "http://127.0.0.1:8008",
            "127.0.0.2:8009": "http://127.0.0.2:8009",
            "0.0.0.0:8008": "http://127.0.0.1:8008",
        }.items()
    ),
    Case(
        "its own address comes before the deployment's, with its database",
        DEPLOYMENT | {"matrix_users_url": "http://127.0.0.1:9"},
        {"url": "http://127.0.0.1:9", "container": ""},
        {"registration_shared_secret": "of dendrite"},
        BY_SOCKET,
    ),
    Case(
        "a Synapse beside it has neither its secret nor its database",
        DEPLOYMENT | URL | {"matrix_users_backend": "synapse"},
        {"backend": "synapse"},
        {"registration_shared_secret": "macaroon"},
        {},
        "pepper",
    ),
    Case(
        "a Dendrite beside a Synapse has neither its secret nor its database",
        SYNAPSE | URL | SECRET | ITS_OWN_ADMINISTRATOR | {"matrix_users_backend": "dendrite"},
        {"backend": "dendrite", "container": ""},
        {"registration_shared_secret": "own"},
        {},
        "",
    ),
    # Its database
    Case(
        "a database of its own comes before the deployment's",
        DEPLOYMENT | OWN,
        CONTAINED,
        {},
        OWN["matrix_users_database"],
    ),
    Case(
        "a database of its own may be all that opens it",
        URL | OWN,
        {"url": "http://127.0.0.1:8008"},
        {"registration_shared_secret": ""},
        OWN["matrix_users_database"],
    ),
    Case(
        "an external database is protected as the deployment says",
        DEPLOYMENT
        | {"matrix_dendrite_database_hostname": "db.example.test", "matrix_dendrite_database_sslmode": "require"},
        CONTAINED,
        {},
        BY_SOCKET | {"host": "db.example.test", "sslmode": "require"},
    ),
    left_to_the_module("where its host is another container", matrix_dendrite_database_hostname="some-postgres"),
    left_to_the_module("where its host is missing", matrix_dendrite_database_hostname=""),
    left_to_the_module("where its host is half-defined", matrix_dendrite_database_hostname=HALF_DEFINED),
    left_to_the_module("where its name is missing", matrix_dendrite_user_api_database=None),
    left_to_the_module("without a socket on the host", postgres_container_unix_socket_enabled=False),
    left_to_the_module("where the socket's place is half-defined", postgres_run_path=HALF_DEFINED),
    left_to_the_module("with a published port and no database", **{PUBLISHED: "8008", "postgres_run_path": ""}),
    # Synapse's
    Case(
        "Synapse's is not needed where the API does all",
        SYNAPSE,
        {},
        {"registration_shared_secret": "of synapse"},
        {},
    ),
    Case(
        "Synapse's is not needed beside an administrator",
        SYNAPSE | ITS_OWN_ADMINISTRATOR | {"matrix_users_access_token": "token"},
        {},
        {"access_token": "token"},
        {},
    ),
    Case(
        "Synapse's is used where nothing else makes administrators",
        SYNAPSE | ITS_OWN_ADMINISTRATOR,
        {},
        {},
        OF_SYNAPSE,
        "pepper",
    ),
    Case(
        "Synapse's without a socket is the integrated one's all the same",
        SYNAPSE | ITS_OWN_ADMINISTRATOR | {"matrix_synapse_database_socket_enabled": False},
        {},
        {},
        OF_SYNAPSE,
    ),
    Case(
        "Synapse's may be external",
        SYNAPSE
        | ITS_OWN_ADMINISTRATOR
        | {"matrix_synapse_database_socket_enabled": False, "matrix_synapse_database_host": "db.example.test"},
        {},
        {},
        OF_SYNAPSE | {"host": "db.example.test"},
    ),
    Case(
        "a pepper of its own comes first",
        SYNAPSE | OWN | {"matrix_users_password_pepper": "0123"},
        {},
        {},
        OWN["matrix_users_database"],
        "0123",
    ),
    Case(
        "half-defined variables of a database are no variables",
        SYNAPSE
        | ITS_OWN_ADMINISTRATOR
        | {
            name: HALF_DEFINED
            for name in SYNAPSE
            if name.startswith(("matrix_synapse_database", "matrix_synapse_password", "postgres"))
        },
        {},
        {},
        {},
        "",
    ),
    Case(
        "an address with neither credential nor database says what to set",
        INVENTORY_ALONE | URL,
        problem=("at http://127.0.0.1:8008", "matrix_users_registration_shared_secret"),
    ),
]


@pytest.fixture(scope="module")
def outcomes(ansible: Ansible, tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    return worked_out(ansible, tmp_path_factory.mktemp("cases"), CASES)


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda i: name_of(CASES[i]))
def test_connection_of_dendrite(outcomes: list[Outcome], number: int) -> None:
    check(CASES[number], outcomes[number])
