# SPDX-License-Identifier: GPL-3.0-or-later
"""registrar.yml and registrar.just in the folder of matrix-docker-ansible-deploy:
its inventory, group variables and defaults count, and none of its tasks runs.

With the environment variable REGISTRAR_MDAD, which names a checkout of that
playbook, the same is seen there.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.playbooks.ansible_run import TIMEOUT, Ansible, Run
from tests.playbooks.deployment import (
    CHECKOUT,
    DENDRITE_DATABASE_PASSWORD,
    DENDRITE_SECRET,
    FILES,
    HOST,
    MAS_DATABASE_PASSWORD,
    SECRET,
    TUWUNEL_SECRET,
    Deployment,
)
from tests.playbooks.stand_in import REPLIES, StandIn
from tests.playbooks.test_connection_family import documented as secret_of_tuwunel
from tests.support.paths import ROOT
from tests.support.synapse import Synapse

USER = {"username": "alice", "password": "correct horse", "admin": "no"}
LISTED = {"matrix_users_list": [{"username": "alice"}]}
TAGS: dict[str, dict[str, Any]] = {
    "register-user": USER,
    "update-user-password": USER,
    "promote-user": USER,
    "demote-user": USER,
    "deactivate-user": USER,
    "forget-service-account": {},
    "ensure-matrix-users-created": LISTED,
    "ensure-users-created": LISTED,
    "registrar-doctor": {},
    "registrar-connection": {},
}
# Where Synapse is, and what opens it, by that playbook's defaults.
CONNECTION = {
    "container": "matrix-synapse",
    "url": "http://matrix-synapse:8008",
    "registration_shared_secret": SECRET,
    "server_name": "example.test",
}
DENDRITE = {
    "container": "matrix-dendrite",
    "url": "http://matrix-dendrite:8008",
    "registration_shared_secret": DENDRITE_SECRET,
    "server_name": "example.test",
    "database": {
        "host": "/matrix/postgres/run",
        "name": "dendrite_userapi",
        "user": "dendrite",
        "password": DENDRITE_DATABASE_PASSWORD,
    },
}
MAS = {
    "container": "matrix-synapse",
    "mas_container": "matrix-authentication-service",
    "server_name": "example.test",
    "database": {
        "host": "/matrix/postgres/run",
        "port": "5432",
        "name": "matrix_authentication_service",
        "user": "matrix_authentication_service",
        "password": MAS_DATABASE_PASSWORD,
    },
}
CLIENT = "01GFWR32NCQ12B8Z0J8CPXRRB6"
BOT = {"matrix_bot_baibot_enabled": True, "matrix_bot_baibot_config_user_password": "bot's own"}
ALICE = {"username": "alice", "initial_password": "hers", "initial_type": "admin"}


@pytest.fixture
def stand_in(tmp_path: Path) -> StandIn:
    return StandIn(tmp_path / "stand-in", REPLIES)


@pytest.fixture
def lay(tmp_path: Path) -> Callable[..., Deployment]:
    """lay(matrix_domain=...): the folder in small, with these in its vars.yml."""
    return lambda **variables: Deployment(tmp_path / "deployment", variables)


def run_play(
    ansible: Ansible, deployment: Deployment, tag: str, variables: dict[str, Any], stand_in: StandIn, *arguments: str
) -> Run:
    return ansible.run(
        deployment.inventory,
        f"--tags={tag}",
        f"--extra-vars={json.dumps(variables)}",
        *arguments,
        playbook=deployment.play,
        env=deployment.environment | stand_in.environment,
    )


@pytest.mark.parametrize("tag", TAGS)
def test_its_defaults_count_and_none_of_its_tasks_runs(
    newest_ansible: Ansible, lay: Callable[..., Deployment], stand_in: StandIn, tag: str
) -> None:
    run_play(newest_ansible, lay(), tag, TAGS[tag], stand_in).succeeded(changed=0)

    assert stand_in.question().items() >= CONNECTION.items()


def test_dendrite_is_known_with_its_database(
    ansible: Ansible, lay: Callable[..., Deployment], stand_in: StandIn
) -> None:
    deployment = lay(matrix_homeserver_implementation="dendrite")

    run_play(ansible, deployment, "promote-user", USER, stand_in).succeeded(changed=0)

    assert stand_in.question().items() >= DENDRITE.items()


def test_tuwunel_is_known_with_the_secret_that_its_page_gives_it(
    newest_ansible: Ansible, lay: Callable[..., Deployment], stand_in: StandIn
) -> None:
    deployment = lay(matrix_homeserver_implementation="tuwunel", **secret_of_tuwunel())

    run_play(newest_ansible, deployment, "promote-user", USER, stand_in).succeeded(changed=0)

    question = stand_in.question()
    assert question.items() >= {
        "backend": "tuwunel",
        "container": "matrix-tuwunel",
        "url": "http://matrix-tuwunel:6167",
        "registration_shared_secret": TUWUNEL_SECRET,
    }.items()
    assert not {"database", "password_pepper", "password"} & question.keys()


@pytest.mark.parametrize("server", ["continuwuity", "conduit"])
def test_a_server_that_holds_no_secret_is_looked_into(
    newest_ansible: Ansible, lay: Callable[..., Deployment], stand_in: StandIn, server: str
) -> None:
    deployment = lay(matrix_homeserver_implementation=server)

    run_play(newest_ansible, deployment, "deactivate-user", USER, stand_in).succeeded(changed=0)

    question = stand_in.question()
    assert question.items() >= {"backend": server, "container": f"matrix-{server}"}.items()
    assert not {"url", "registration_shared_secret", "emergency_password", "registration_token"} & question.keys()


def test_a_dendrite_whose_database_nobody_knows_is_looked_for(
    ansible: Ansible, lay: Callable[..., Deployment], stand_in: StandIn
) -> None:
    deployment = lay(matrix_homeserver_implementation="dendrite")
    # Where that playbook keeps the socket is one of its defaults.
    shutil.rmtree(deployment.folder / "roles" / "galaxy")

    run_play(ansible, deployment, "promote-user", USER, stand_in).succeeded(changed=0)

    question = stand_in.question()
    assert question["container"] == "matrix-dendrite"
    assert not {"url", "database"} & question.keys()


def test_mas_is_known_with_its_database_and_once_it_is_switched_on_with_its_client(
    ansible: Ansible, lay: Callable[..., Deployment], stand_in: StandIn, tmp_path: Path
) -> None:
    deployment = lay(matrix_authentication_service_enabled=True)

    run_play(ansible, deployment, "promote-user", USER, stand_in).succeeded(changed=0)

    question = stand_in.question()
    assert question.items() >= MAS.items()
    # The address of either is found with its configuration.
    assert not {"url", "mas_url", "mas_client_id"} & question.keys()

    client = {"client_id": CLIENT, "client_auth_method": "client_secret_basic", "client_secret": "the client's"}
    other = StandIn(tmp_path / "other", REPLIES)
    switched_on = {
        "matrix_authentication_service_admin_api_enabled": True,
        "matrix_authentication_service_config_clients_custom": [client],
        "matrix_authentication_service_configuration_extension_yaml": (
            f"policy:\n  data:\n    admin_clients: [{CLIENT}]\n"
        ),
    }

    run_play(ansible, deployment, "promote-user", USER | switched_on, other).succeeded(changed=0)

    stated = {"mas_client_id": CLIENT, "mas_client_secret": "the client's"}
    assert other.question().items() >= (MAS | stated).items()


def test_bots_and_users_of_the_inventory_are_listed(
    ansible: Ansible, lay: Callable[..., Deployment], stand_in: StandIn
) -> None:
    deployment = lay(**BOT, matrix_user_creator_users_additional=[ALICE])

    run_play(ansible, deployment, "ensure-matrix-users-created", {}, stand_in).succeeded(changed=0)

    question = stand_in.question()
    assert question.items() >= CONNECTION.items()
    assert [(u["username"], u["password"], u["initial_type"]) for u in question["users"]] == [
        ("baibot", "bot's own", "bot"),
        ("alice", "hers", "admin"),
    ]


def test_without_a_tag_nothing_is_done(
    newest_ansible: Ansible, lay: Callable[..., Deployment], stand_in: StandIn
) -> None:
    deployment = lay()

    run = newest_ansible.run(
        deployment.inventory, playbook=deployment.play, env=deployment.environment | stand_in.environment
    )

    run.succeeded(changed=0)
    assert stand_in.questions() == []


def test_a_version_that_has_none_of_the_roles_is_no_error(
    ansible: Ansible, lay: Callable[..., Deployment], stand_in: StandIn
) -> None:
    deployment = lay()
    shutil.rmtree(deployment.folder / "roles")

    run_play(ansible, deployment, "register-user", USER, stand_in).succeeded(changed=0)

    # From vars.yml and group_vars alone: the port is a role's default.
    question = stand_in.question()
    assert question["container"] == "matrix-synapse"
    assert question["registration_shared_secret"] == SECRET
    assert "url" not in question


def test_its_inventory_alone_says_which_container(
    ansible: Ansible, lay: Callable[..., Deployment], stand_in: StandIn
) -> None:
    deployment = lay(matrix_user_creator_users_additional=[ALICE])

    # Registrar's own playbook, with that inventory: no group_vars, no defaults.
    run = ansible.run(deployment.inventory, "--tags=ensure-users-created", env=stand_in.environment)

    run.succeeded(changed=0)
    question = stand_in.question()
    assert question["container"] == "matrix-synapse"
    assert question["server_name"] == "example.test"
    assert not {"url", "registration_shared_secret"} & question.keys()
    assert [user["username"] for user in question["users"]] == ["alice"]


def test_another_homeserver_is_refused(
    newest_ansible: Ansible, lay: Callable[..., Deployment], stand_in: StandIn
) -> None:
    deployment = lay(matrix_homeserver_implementation="grapevine")

    run = run_play(newest_ansible, deployment, "register-user", USER, stand_in)

    assert run.rc == 2
    assert "matrix_homeserver_implementation is grapevine" in run.output
    assert stand_in.questions() == []


def test_it_becomes_root_as_that_playbook_does() -> None:
    before, play = yaml.safe_load((FILES / "registrar.yml").read_text())

    assert play["become"] is True
    assert "become" not in before
    assert all(role["when"] is False for role in play["roles"])


def test_it_has_every_tag_that_registrar_has() -> None:
    play = (FILES / "registrar.yml").read_text()
    before = yaml.safe_load(play)[0]["tasks"][0]["tags"]

    assert sorted(before) == sorted(["never", *TAGS])
    files = {file.name for file in (ROOT / "playbooks" / "tasks").iterdir()} - {"one_user.yml"}
    assert set(re.findall(r"playbooks/tasks/(\w+\.yml)", play)) == files
    tags = re.findall(r"tags: \[never, (.*)\]", "".join((ROOT / "playbooks/tasks" / f).read_text() for f in files))
    assert sorted(", ".join(tags).split(", ")) == sorted(TAGS)


class Recipes:
    """`just -f registrar.just`, in that folder."""

    def __init__(self, ansible: Ansible, deployment: Deployment) -> None:
        self.just = str(ansible.command("just"))
        self.folder = deployment.folder
        tools = ansible.command("ansible-playbook").parent
        self.environment = ansible.environment({"REGISTRAR": str(ROOT)})
        self.environment["PATH"] = f"{tools}:{self.environment['PATH']}"
        # The folder's own is to be found.
        del self.environment["ANSIBLE_CONFIG"]

    def __call__(self, *arguments: str) -> Run:
        process = subprocess.run(
            [self.just, "-f", "registrar.just", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
        )
        return Run(process.returncode, process.stdout)


@pytest.fixture
def recipes(newest_ansible: Ansible, lay: Callable[..., Deployment], synapse: Synapse) -> Recipes:
    """Beside a deployment whose Synapse is the shared one, on a published port."""
    deployment = lay(
        matrix_synapse_container_client_api_host_bind_port=f"127.0.0.1:{synapse.port}",
        matrix_synapse_registration_shared_secret=synapse.secret,
        matrix_domain=synapse.server_name,
    )
    return Recipes(newest_ansible, deployment)


def test_just_registers_a_user_there(
    recipes: Recipes, synapse: Synapse, unique: Callable[[str], str]
) -> None:
    name = unique("alice")
    password = "{{ 7 * 7 }} $HOME `id` \" ' \\ --check"

    run = recipes("register-user", name, password, "yes")

    # What is printed is in that folder's format, so its ansible.cfg was in force.
    assert run.rc == 0, run.output
    assert re.search(r"^ +- The password was set$", run.output, re.MULTILINE), run.output
    assert "skipping" not in run.output, "the roles that are left out are of no interest"
    assert synapse.user(name)["admin"]
    synapse.logout(synapse.login(name, password))


def test_just_looks_at_the_homeserver_there(recipes: Recipes, synapse: Synapse) -> None:
    run = recipes("doctor")

    assert run.rc == 0, run.output
    assert f"http://127.0.0.1:{synapse.port}: Synapse" in run.output


def test_its_recipes_are_those_of_registrar(newest_ansible: Ansible) -> None:
    def recipes_of(file: Path) -> dict[str, Any]:
        command = [newest_ansible.command("just"), "-f", file, "--dump", "--dump-format=json"]
        dump = json.loads(subprocess.check_output(command, timeout=TIMEOUT))
        return {
            name: (recipe["doc"], recipe["parameters"], str(recipe["body"]).split("one-user.sh")[-1].strip('"'))
            for name, recipe in dump["recipes"].items()
            if name != "default"
        }

    def plain(recipes: dict[str, Any]) -> dict[str, Any]:
        return {name: (doc, params, body.lstrip('"')) for name, (doc, params, body) in recipes.items()}

    assert plain(recipes_of(FILES / "registrar.just")) == plain(recipes_of(ROOT / "justfile"))


# Every bot that matrix_user_creator_users_auto has, each with its least.
BOTS = {
    "baibot": {"matrix_bot_baibot_enabled": True, "matrix_bot_baibot_config_user_password": "1"},
    "bot.matrix-reminder-bot": {
        "matrix_bot_matrix_reminder_bot_enabled": True,
        "matrix_bot_matrix_reminder_bot_matrix_user_password": "2",
    },
    "honoroit": {"matrix_bot_honoroit_enabled": True, "matrix_bot_honoroit_password": "3"},
    "postmoogle": {"matrix_bridge_postmoogle_enabled": True, "matrix_bridge_postmoogle_password": "4"},
    "bot.buscarron": {"matrix_bot_buscarron_enabled": True, "matrix_bot_buscarron_password": "5"},
    "bot.maubot": {"matrix_bot_maubot_enabled": True, "matrix_bot_maubot_initial_password": "6"},
    "bot.draupnir": {"matrix_bot_draupnir_enabled": True, "matrix_bot_draupnir_password": "7"},
}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    if not CHECKOUT:
        pytest.skip("REGISTRAR_MDAD names no checkout of that playbook")
    variables = {name: value for bot in BOTS.values() for name, value in bot.items()}
    folder = tmp_path_factory.mktemp("checkout") / "playbook"
    return Deployment(folder, variables | {"matrix_user_creator_users_additional": [ALICE]}, CHECKOUT)


@pytest.mark.parametrize("tag", TAGS)
def test_none_of_the_real_playbook_s_tasks_runs(
    newest_ansible: Ansible, real: Deployment, stand_in: StandIn, tag: str
) -> None:
    run = run_play(newest_ansible, real, tag, TAGS[tag], stand_in).succeeded(changed=0)

    assert stand_in.question().items() >= CONNECTION.items()
    theirs = re.findall(r"^TASK \[\S*custom/.*\n((?:.+\n)*)", run.output, re.MULTILINE)
    assert theirs, "its roles are not in the play"
    assert set(theirs) == {f"skipping: [{HOST}]\n"}


def test_every_bot_of_the_real_playbook_is_listed(ansible: Ansible, real: Deployment, stand_in: StandIn) -> None:
    run_play(ansible, real, "ensure-matrix-users-created", {}, stand_in).succeeded(changed=0)

    users = stand_in.question()["users"]
    assert {user["username"] for user in users} == {*BOTS, "alice"}
    assert all(user["password"] and user["initial_type"] for user in users)
