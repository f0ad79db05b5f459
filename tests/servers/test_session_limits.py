# SPDX-License-Identifier: GPL-3.0-or-later
"""The session file under the limits of a fresh installation: five logins, and one
in five minutes from then on (synapse/config/ratelimiting.py, rc_login)."""

import pytest

from tests.servers.kept import Kept
from tests.servers.proof import (
    a_password,
    by_login,
    by_service,
    run_module,
    sessions_of,
)
from tests.support.synapse import Synapse

RUNS = 10
# "within seconds": some 0.3 s each on a busy machine.
SECONDS = 15


@pytest.fixture(scope="module")
def servers():
    """Those that are needed, by their version; one at a time."""
    made: dict[str, Synapse] = {}
    yield made
    for server in made.values():
        server.close()


@pytest.fixture
def limited(request, servers):
    """A server with all its logins, which it counts in memory: the newest, or the
    one that a test asks for."""
    version = getattr(request, "param", "newest")
    if version not in servers:
        servers[version] = Synapse(version, default_limits=True)
        servers[version].admin_token  # noqa: B018
    else:
        servers[version].restart()
    return servers[version]


on_both = pytest.mark.parametrize("limited", ["newest", "floor"], indirect=True)


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path / "kept")


def run_all(tasks):
    replies = [run_module(task) for task in tasks]
    assert not any(reply.failed for reply in replies), [reply.json for reply in replies]
    assert sum(reply.seconds for reply in replies) < SECONDS
    return replies


@on_both
def test_ten_times_the_same_registration(limited, unique, kept):
    # As register-user does it: each run asks by a login whether the account is
    # the caller's own, until that is over; then the service account is made
    # (by a registration, which is no login) and asks without one.
    name, password = unique("alice"), a_password()
    task = by_service(
        limited, username=name, password=password, admin=True, if_exists="match", **kept.option
    )
    replies = run_all([task] * RUNS)
    actions = [reply.json["actions"] for reply in replies]
    assert actions[0] == ["create"]
    assert sorted(filter(None, actions[1:])) in ([], [["create service account"]])
    assert [reply.changed for reply in replies] == [bool(action) for action in actions]
    assert sessions_of(limited, name) == 0


def test_ten_promotions_and_demotions(limited, unique, kept):
    name = unique("alice")
    limited.register(name, a_password())
    tasks = [
        by_service(limited, username=name, admin=number % 2 == 0, **kept.option)
        for number in range(RUNS)
    ]
    replies = run_all(tasks)
    assert all(reply.changed for reply in replies)
    assert limited.user(name)["admin"] is False


def test_ten_runs_of_an_administrators_login(limited, unique, kept):
    admin, password, name = unique("root"), a_password(), unique("alice")
    limited.register(admin, password, admin=True)
    tasks = [
        by_login(limited, admin, password, username=name, admin=number == 3, **kept.option)
        for number in range(RUNS)
    ]
    replies = run_all(tasks)
    assert [reply.json["actions"] for reply in replies[:5]] == [
        ["create"],
        [],
        [],
        ["set admin"],
        ["unset admin"],
    ]
    assert sessions_of(limited, admin) == 1


@on_both
def test_without_a_session_file_the_sixth_run_says_what_would_help(limited, unique):
    name, service = unique("alice"), unique("svc")
    limited.register(name, a_password())
    task = by_service(limited, service_account=service, username=name)
    # The first one has the session of the registration, which is no login.
    replies = [run_module(task | {"admin": number % 2 == 0}) for number in range(RUNS)]
    done = [reply for reply in replies if not reply.failed]
    assert len(done) == 6, [reply.json for reply in replies]
    for reply in replies[6:]:
        assert reply.kind == "rate_limited" and not reply.changed, reply.json
        assert "session_file" in reply.msg
        assert reply.seconds < 10
    assert limited.user(name)["admin"] is False
    assert limited.devices(service) == []


def test_without_a_session_file_a_login_says_what_would_help(limited, unique):
    admin, password = unique("root"), a_password()
    limited.register(admin, password, admin=True)
    task = by_login(limited, admin, password, username=unique("alice"))
    replies = [run_module(task) for _ in range(6)]
    assert not any(reply.failed for reply in replies[:5]), [r.json for r in replies]
    assert replies[5].kind == "rate_limited", replies[5].json
    assert "session_file" in replies[5].msg


def test_with_a_session_file_the_login_that_is_refused_is_not_told_to_have_one(
    limited, unique, kept
):
    # It is there already; what would help is time, or an access token.
    admin, password = unique("root"), a_password()
    limited.register(admin, password, admin=True)
    bare = by_login(limited, admin, password, username=unique("alice"))
    for _ in range(6):
        run_module(bare)
    reply = run_module(bare | kept.option)
    assert reply.kind == "rate_limited" and "rc_login" in reply.msg, reply.json
    assert "session_file" not in reply.msg
