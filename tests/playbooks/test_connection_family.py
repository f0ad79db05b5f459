# SPDX-License-Identifier: GPL-3.0-or-later
"""roles/matrix_users/tasks/connection.yml and family.yml: tuwunel, continuwuity and
Conduit. What the variables of matrix-docker-ansible-deploy look like: its
roles/custom/matrix-{tuwunel,continuwuity,conduit}/defaults/main.yml, and templates/
env.j2 of the first, which is handed to `docker create --env-file`."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.playbooks.ansible_run import Ansible
from tests.playbooks.connection_cases import Case, Outcome, check, name_of, worked_out
from tests.playbooks.deployment import TUWUNEL_SECRET
from tests.support.paths import ROOT

HALF_DEFINED = "{{ nobody_defines_this }}"
URL = {"matrix_users_url": "http://127.0.0.1:8008"}
ADMIN = {"matrix_users_admin_username": "alice", "matrix_users_admin_password": "hers"}
# They are there in each deployment, and none of these servers takes them.
SYNAPSE = {
    "matrix_synapse_enabled": False,
    "matrix_synapse_macaroon_secret_key": "macaroon",
    "matrix_synapse_container_client_api_port": 8008,
    "matrix_synapse_container_client_api_host_bind_port": "127.0.0.1:8008",
    "matrix_synapse_password_config_pepper": "pepper",
    "matrix_synapse_database_host": "/run/postgresql",
    "matrix_synapse_database_database": "synapse",
}
ENVIRONMENT = "matrix_tuwunel_environment_variables_extension"
SECRET = "TUWUNEL_REGISTRATION_SHARED_SECRET"


def inventory_alone(server: str) -> dict[str, Any]:
    """What vars.yml says, which is all that a play sees that is run from elsewhere."""
    return {"matrix_homeserver_implementation": server, "matrix_domain": "example.test"}


# As they are by default.
TUWUNEL = SYNAPSE | inventory_alone("tuwunel") | {
    "matrix_tuwunel_config_port_number": 6167,
    "matrix_tuwunel_config_allow_registration": False,
    "matrix_tuwunel_config_registration_token": "",
    "matrix_tuwunel_config_emergency_password": "",
    ENVIRONMENT: "",
}
CONTINUWUITY = SYNAPSE | inventory_alone("continuwuity") | {
    "matrix_continuwuity_config_port_number": 6167,
    "matrix_continuwuity_config_allow_registration": False,
    "matrix_continuwuity_config_registration_token": "",
    "matrix_continuwuity_config_emergency_password": "",
}
CONDUIT = SYNAPSE | inventory_alone("conduit") | {
    "matrix_conduit_port_number": 6167,
    "matrix_conduit_allow_registration": False,
}
DEPLOYMENTS = {"tuwunel": TUWUNEL, "continuwuity": CONTINUWUITY, "conduit": CONDUIT}
NOTHING = {
    "access_token": "",
    "admin_username": "",
    "registration_shared_secret": "",
    "registration_token": "",
    "emergency_password": "",
}
UNIT = "matrix-continuwuity.service"


def at(server: str, port: int = 6167) -> dict[str, str]:
    return {"backend": server, "url": f"http://matrix-{server}:{port}", "container": f"matrix-{server}"}


def left_to_the_module(server: str) -> dict[str, str]:
    return {"backend": server, "url": "", "container": f"matrix-{server}", "server_name": "example.test"}


def documented() -> dict[str, Any]:
    """The lines of the page that give tuwunel a secret there."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "docs" / "tuwunel.md").read_text(), re.MULTILINE | re.DOTALL)
    (block,) = [block for block in blocks if f"{ENVIRONMENT}:" in block]
    return yaml.safe_load(block)


def of_environment(name: str, lines: str, secret: str) -> Case:
    return Case(name, TUWUNEL | {ENVIRONMENT: lines}, credential=NOTHING | {"registration_shared_secret": secret})


CASES = [
    # By default
    *(
        Case(
            f"a deployment of {server} holds nothing, and the container is looked into",
            variables,
            left_to_the_module(server),
            NOTHING,
            {},
            "",
            server=server,
        )
        for server, variables in DEPLOYMENTS.items()
    ),
    *(
        Case(
            f"the inventory alone says that it is {server}, and in which container",
            inventory_alone(server),
            left_to_the_module(server),
            NOTHING,
            server=server,
        )
        for server in DEPLOYMENTS
    ),
    *(
        Case(
            f"an administrator of {server} is asked at its port",
            variables | ADMIN,
            at(server),
            {"admin_username": "alice", "admin_password": "hers"},
        )
        for server, variables in DEPLOYMENTS.items()
    ),
    Case(
        "another port of the deployment is taken",
        TUWUNEL | ADMIN | {"matrix_tuwunel_config_port_number": 6168},
        at("tuwunel", 6168),
    ),
    Case("the inventory alone has the default port", inventory_alone("conduit") | ADMIN, at("conduit")),
    Case(
        "what refers to variables that are not there is not given",
        TUWUNEL
        | {
            ENVIRONMENT: HALF_DEFINED,
            "matrix_tuwunel_config_port_number": HALF_DEFINED,
            "matrix_tuwunel_config_emergency_password": HALF_DEFINED,
            "matrix_tuwunel_config_allow_registration": HALF_DEFINED,
        },
        left_to_the_module("tuwunel"),
        NOTHING,
    ),
    # tuwunel's secret
    Case(
        "the documented line of tuwunel's environment opens it",
        TUWUNEL | {"matrix_homeserver_generic_secret_key": "generic"} | documented(),
        at("tuwunel"),
        NOTHING | {"registration_shared_secret": TUWUNEL_SECRET},
    ),
    of_environment("one line is enough", f"{SECRET}=of-tuwunel", "of-tuwunel"),
    of_environment("of several lines it is the last", f"{SECRET}=a\nTUWUNEL_LOG=info\n  {SECRET}=b  \n", "b"),
    of_environment("a comment is none", f"# {SECRET}=a\n", ""),
    of_environment("another name is none", f"X{SECRET}=a\n{SECRET}_FILE=/run/secret\n", ""),
    of_environment("what tuwunel would not read as it stands is left alone", f'{SECRET}="a b"\n', ""),
    Case(
        "Synapse's secret is none of tuwunel's",
        TUWUNEL | {"matrix_synapse_registration_shared_secret": "of synapse"},
        credential=NOTHING,
    ),
    # Registration and emergencies
    *(
        Case(
            f"the emergency password of {server} is taken",
            DEPLOYMENTS[server] | {f"matrix_{server}_config_emergency_password": "emergency"},
            at(server),
            NOTHING | {"emergency_password": "emergency"},
            first_run_unit="",
        )
        for server in ("tuwunel", "continuwuity")
    ),
    *(
        Case(
            f"the registration token of {server} is taken where registration is allowed",
            DEPLOYMENTS[server]
            | {
                f"matrix_{server}_config_registration_token": "token",
                f"matrix_{server}_config_allow_registration": True,
            },
            at(server),
            NOTHING | {"registration_token": "token"},
        )
        for server in ("tuwunel", "continuwuity")
    ),
    *(
        Case(
            f"the registration token of {server} is none where registration is not allowed",
            DEPLOYMENTS[server] | {f"matrix_{server}_config_registration_token": "token"},
            left_to_the_module(server),
            NOTHING,
        )
        for server in ("tuwunel", "continuwuity")
    ),
    Case(
        "a credential of its own comes before all of the deployment's",
        TUWUNEL | ADMIN | {ENVIRONMENT: f"{SECRET}=a", "matrix_tuwunel_config_emergency_password": "emergency"},
        credential=NOTHING | {"admin_username": "alice"},
    ),
    *(
        Case(
            f"the role's own {name} is one",
            CONDUIT | {f"matrix_users_{name}": "own"},
            at("conduit"),
            NOTHING | {name: "own"},
        )
        for name in ("emergency_password", "registration_token")
    ),
    # The first account of continuwuity
    Case("the first token of the deployment is in its unit's journal", CONTINUWUITY, first_run_unit=UNIT),
    Case(
        "it counts before the configured one, which makes no first account",
        CONTINUWUITY
        | {
            "matrix_continuwuity_config_registration_token": "token",
            "matrix_continuwuity_config_allow_registration": True,
        },
        first_run_unit=UNIT,
    ),
    Case(
        "the unit may be another one",
        {"matrix_users_backend": "continuwuity", "matrix_users_service": "continuwuity.service"} | URL,
        first_run_unit="continuwuity.service",
    ),
    Case("no unit is guessed beside the deployment", {"matrix_users_backend": "continuwuity"} | URL, first_run_unit=""),
    Case("nor at an address", CONTINUWUITY | URL, first_run_unit=""),
    *(
        Case(f"with {what} no journal is read", CONTINUWUITY | credential, first_run_unit="")
        for what, credential in {
            "an administrator": ADMIN,
            "an access token": {"matrix_users_access_token": "token"},
            "a registration token of one's own": {"matrix_users_registration_token": "own"},
            "an emergency password": {"matrix_users_emergency_password": "own"},
        }.items()
    ),
    *(Case(f"{server} has no such token", DEPLOYMENTS[server], first_run_unit="") for server in ("tuwunel", "conduit")),
    # What would open it
    Case("tuwunel's variable is named", TUWUNEL, opening=(ENVIRONMENT, f"{SECRET}=", "docs/tuwunel.md")),
    Case(
        "continuwuity's variable is named",
        CONTINUWUITY,
        opening=("matrix_users_admin_username", "matrix_continuwuity_config_emergency_password", "docs/continuwuity.md"),
    ),
    Case(
        "Conduit's variable is named",
        CONDUIT,
        opening=("matrix_users_admin_username", "matrix_conduit_allow_registration", "docs/conduit.md"),
    ),
    *(
        Case(
            f"at an address of one's own it is the role's for {server}, and the server is asked first",
            {"matrix_users_backend": server} | URL,
            {"backend": server, "url": "http://127.0.0.1:8008", "container": ""},
            NOTHING,
            opening=(variable, f"docs/{server}.md"),
        )
        for server, variable in {
            "tuwunel": "matrix_users_registration_shared_secret",
            "continuwuity": "matrix_users_emergency_password",
            "conduit": "matrix_users_emergency_password",
        }.items()
    ),
]


@pytest.fixture(scope="module")
def outcomes(ansible: Ansible, tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    return worked_out(ansible, tmp_path_factory.mktemp("cases"), CASES)


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda i: name_of(CASES[i]))
def test_connection_of_the_family(outcomes: list[Outcome], number: int) -> None:
    check(CASES[number], outcomes[number])
