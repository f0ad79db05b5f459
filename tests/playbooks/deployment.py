# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder that is laid out as that of matrix-docker-ansible-deploy, in small, with
Registrar's two files in it; or a copy of a checkout, where there is one.

What is in it follows that playbook's inventory (examples/), group_vars/
matrix_servers, roles/custom/*/defaults/main.yml, and the defaults of the role of its
PostgreSQL, which it has from elsewhere (roles/galaxy).
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.support.paths import ROOT

HOST = "matrix.example.test"
CHECKOUT = os.environ.get("REGISTRAR_MDAD")
FILES = ROOT / "integrations" / "matrix-docker-ansible-deploy"

# Would fail a run in which it ran, whatever the tag.
TASKS = [
    {"name": "Never to run", "ansible.builtin.fail": {"msg": "a task of that playbook ran"}, "tags": ["always"]},
    {
        "name": "Nor this",
        "tags": ["register-user", "update-user-password", "ensure-matrix-users-created", "ensure-users-created"],
        "block": [{"ansible.builtin.include_tasks": "{{ role_path }}/tasks/main.yml", "name": "Nor that"}],
    },
]
# A role that has these is checked before its tasks, by a task that is always run.
SPECS = {
    "argument_specs": {
        "main": {"options": {"nobody_sets_this": {"type": "str", "required": True, "description": "Missing."}}}
    }
}
DEFAULTS: dict[str, dict[str, Any]] = {
    "matrix-base": {
        "matrix_domain": None,
        "matrix_homeserver_implementation": "synapse",
        "matrix_server_fqn_matrix": "matrix.{{ matrix_domain }}",
        "matrix_homeserver_url": "https://{{ matrix_server_fqn_matrix }}",
    },
    "matrix-synapse": {
        "matrix_synapse_enabled": True,
        "matrix_synapse_container_client_api_port": 8008,
        "matrix_synapse_container_client_api_host_bind_port": "",
        "matrix_synapse_macaroon_secret_key": "",
        "matrix_synapse_registration_shared_secret": "{{ matrix_synapse_macaroon_secret_key }}",
    },
    "matrix-dendrite": {
        "matrix_dendrite_enabled": True,
        "matrix_dendrite_http_bind_port": 8008,
        "matrix_dendrite_container_http_host_bind_address": "",
        "matrix_dendrite_client_api_registration_shared_secret": "",
        "matrix_dendrite_database_hostname": "",
        "matrix_dendrite_database_user": "dendrite",
        "matrix_dendrite_database_password": "itsasecret",
        "matrix_dendrite_database_sslmode": "disable",
        "matrix_dendrite_user_api_database": "dendrite_userapi",
    },
    "matrix-tuwunel": {
        "matrix_tuwunel_enabled": True,
        "matrix_tuwunel_config_port_number": 6167,
        "matrix_tuwunel_config_allow_registration": False,
        "matrix_tuwunel_config_registration_token": "",
        "matrix_tuwunel_config_emergency_password": "",
        "matrix_tuwunel_environment_variables_extension": "",
    },
    "matrix-continuwuity": {
        "matrix_continuwuity_enabled": True,
        "matrix_continuwuity_config_port_number": 6167,
        "matrix_continuwuity_config_allow_registration": False,
        "matrix_continuwuity_config_registration_token": "",
        "matrix_continuwuity_config_emergency_password": "",
    },
    "matrix-conduit": {"matrix_conduit_enabled": True, "matrix_conduit_port_number": 6167},
    # Without the play's group_vars, it would be enabled.
    "matrix-authentication-service": {
        "matrix_authentication_service_enabled": True,
        "matrix_authentication_service_migration_in_progress": False,
        "matrix_authentication_service_admin_api_enabled": False,
        "matrix_authentication_service_config_clients": (
            "{{ matrix_authentication_service_config_clients_auto"
            " + matrix_authentication_service_config_clients_custom }}"
        ),
        "matrix_authentication_service_config_clients_auto": [],
        "matrix_authentication_service_config_clients_custom": [],
        "matrix_authentication_service_configuration_extension_yaml": "# Nothing but words.\n",
        "matrix_authentication_service_config_database_username": "matrix_authentication_service",
        "matrix_authentication_service_config_database_password": "",
        "matrix_authentication_service_config_database_host": "",
        "matrix_authentication_service_config_database_port": 5432,
        "matrix_authentication_service_config_database_database": "matrix_authentication_service",
        "matrix_authentication_service_config_database_ssl_mode": "disable",
        "matrix_authentication_service_config_database_socket_enabled": False,
        "matrix_authentication_service_config_database_socket_path_host": "",
    },
    "matrix-bot-baibot": {
        "matrix_bot_baibot_config_user_mxid_localpart": "baibot",
        "matrix_bot_baibot_config_user_password": None,
    },
    # Others that the play names are missing: matrix-bot-maubot, for example.
}
POSTGRES = {
    "postgres_enabled": True,
    "postgres_base_path": "",
    "postgres_run_path": "{{ postgres_base_path }}/run",
    "postgres_connection_hostname": "{{ postgres_identifier }}",
    "postgres_container_unix_socket_enabled": True,
}
GROUP = {
    "matrix_synapse_enabled": "{{ matrix_homeserver_implementation == 'synapse' }}",
    "matrix_dendrite_enabled": "{{ matrix_homeserver_implementation == 'dendrite' }}",
    "matrix_tuwunel_enabled": "{{ matrix_homeserver_implementation == 'tuwunel' }}",
    "matrix_continuwuity_enabled": "{{ matrix_homeserver_implementation == 'continuwuity' }}",
    "matrix_conduit_enabled": "{{ matrix_homeserver_implementation == 'conduit' }}",
    "matrix_dendrite_client_api_registration_shared_secret": (
        "{{ (matrix_homeserver_generic_secret_key + ':dendrite.rss') | hash('sha512') | to_uuid }}"
    ),
    "matrix_dendrite_database_hostname": "{{ postgres_connection_hostname if postgres_enabled else '' }}",
    "matrix_dendrite_database_password": (
        "{{ (matrix_homeserver_generic_secret_key + ':dendrite.db') | hash('sha512') | to_uuid }}"
    ),
    "matrix_authentication_service_enabled": False,
    "matrix_synapse_matrix_authentication_service_enabled": "{{ matrix_authentication_service_enabled }}",
    "matrix_authentication_service_config_database_host": (
        "{{ '/run-postgres' if matrix_authentication_service_config_database_socket_enabled"
        " else postgres_connection_hostname }}"
    ),
    "matrix_authentication_service_config_database_password": (
        "{{ (matrix_homeserver_generic_secret_key + ':mas.db') | hash('sha512') | to_uuid }}"
    ),
    "matrix_authentication_service_config_database_socket_enabled": (
        "{{ postgres_enabled and postgres_container_unix_socket_enabled }}"
    ),
    "matrix_authentication_service_config_database_socket_path_host": "{{ postgres_run_path }}",
    "postgres_identifier": "matrix-postgres",
    "postgres_base_path": "/matrix/postgres",
    "matrix_synapse_macaroon_secret_key": (
        "{{ (matrix_homeserver_generic_secret_key + ':synapse.mac') | hash('sha512') | to_uuid }}"
    ),
    "matrix_bot_baibot_enabled": False,
    "matrix_bot_maubot_enabled": False,
    "matrix_user_creator_users_auto": (
        "{{ ([{'username': matrix_bot_baibot_config_user_mxid_localpart,"
        " 'initial_password': matrix_bot_baibot_config_user_password, 'initial_type': 'bot'}]"
        " if matrix_bot_baibot_enabled else [])"
        " + ([{'username': matrix_bot_maubot_login, 'initial_password': matrix_bot_maubot_initial_password,"
        " 'initial_type': 'bot'}] if matrix_bot_maubot_enabled else []) }}\n"
    ),
}
# The least that its documentation asks for.
VARIABLES = {
    "matrix_domain": "example.test",
    "matrix_homeserver_implementation": "synapse",
    "matrix_homeserver_generic_secret_key": "generic",
}
# to_uuid(sha512("generic:synapse.mac")), as ansible.builtin.to_uuid has it.
SECRET = "ce1481a1-ded9-5bfb-8c06-636ef58bf39b"
# The same of "generic:tuwunel.rss", "generic:dendrite.rss", "generic:mas.db" and
# "generic:dendrite.db".
TUWUNEL_SECRET = "6d2caa2f-85c1-522e-98c7-e2faca698550"
DENDRITE_SECRET = "14149725-0920-5411-a04a-0855ac596d66"
MAS_DATABASE_PASSWORD = "c9aa225a-3587-5381-b0e5-3b2a674164ee"
DENDRITE_DATABASE_PASSWORD = "9c53e84e-0f0b-5bc8-bbe2-892266b19ca2"


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))


class Deployment:
    """Where `folder` was nothing, there is the playbook's, with one host of its own."""

    def __init__(self, folder: Path, variables: Mapping[str, Any], checkout: str | None = None) -> None:
        self.folder = folder
        if checkout:
            shutil.copytree(checkout, folder, ignore=shutil.ignore_patterns(".git", "inventory"))
        else:
            self._lay()
        write(folder / "inventory" / "hosts", f"[matrix_servers]\n{HOST} ansible_connection=local\n")
        write(
            folder / "inventory" / "host_vars" / HOST / "vars.yml",
            {
                # A test is who it is; and the first python on PATH may be none.
                "ansible_become": False,
                "ansible_python_interpreter": sys.executable,
                "matrix_users_session_file": "",
                "matrix_users_start_service": False,
            }
            | VARIABLES
            | dict(variables),
        )
        for file in FILES.iterdir():
            shutil.copy(file, folder)

    def _lay(self) -> None:
        # Its own settings; the last one shows in what is printed.
        write(
            self.folder / "ansible.cfg",
            "[defaults]\nretry_files_enabled = False\ncallback_result_format = yaml\n[connection]\npipelining = True\n",
        )
        write(self.folder / "group_vars" / "matrix_servers", GROUP)
        roles = {f"custom/{role}": defaults for role, defaults in DEFAULTS.items()}
        for role, defaults in (roles | {"galaxy/postgres": POSTGRES}).items():
            home = self.folder / "roles" / role
            write(home / "defaults" / "main.yml", defaults)
            write(home / "tasks" / "main.yml", TASKS)
            write(home / "meta" / "argument_specs.yml", SPECS)

    @property
    def inventory(self) -> Path:
        return self.folder / "inventory" / "hosts"

    @property
    def play(self) -> Path:
        return self.folder / "registrar.yml"

    @property
    def environment(self) -> dict[str, str]:
        """What is said at the top of the play file."""
        return {
            "REGISTRAR": str(ROOT),
            "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
            "ANSIBLE_ROLES_PATH": str(ROOT / "roles"),
            "ANSIBLE_LIBRARY": str(ROOT / "library"),
        }
