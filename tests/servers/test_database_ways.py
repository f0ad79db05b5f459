# SPDX-License-Identifier: GPL-3.0-or-later
"""How a database is reached: sockets, peers, passwords, TLS; and what each
refusal says. PostgreSQL is real, the homeserver a stand-in."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.servers.by_database import PASSWORD, Place
from tests.support import hostile_faults as faults
from tests.support.hostile import HostileServer
from tests.support.hostile_postgres import Line
from tests.support.machine import Machine, needs_machine
from tests.support.namespaces import Namespace, needs_namespaces
from tests.support.postgres import Postgres

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="to be somebody else takes root")


@pytest.fixture(scope="module")
def homeserver() -> Iterator[HostileServer]:
    with HostileServer() as one:
        yield one


@pytest.fixture(scope="module")
def place(postgres: Postgres, homeserver: HostileServer) -> Iterator[Place]:
    with Place(postgres, homeserver) as one:
        yield one


# Passwords


def test_a_password_opens_it_by_the_socket_and_by_the_port(place):
    place.promotes(place.socket)
    place.promotes(place.port)


@pytest.mark.parametrize("way", ["socket", "port"])
def test_a_wrong_password_is_told_and_not_quoted(place, way):
    way = getattr(place, way)
    place.refuses(way | {"password": "not the password"}, "user or password are wrong", place.name)


def test_a_missing_password_is_told(place):
    place.refuses(place.without("password"), "it wants a password")


def test_what_no_server_is_at_is_told(place, tmp_path):
    place.refuses(place.port | {"port": 1}, "nothing listens there")
    place.refuses(place.socket | {"host": str(tmp_path)}, "there is no such socket")
    place.refuses(place.socket | {"name": "nosuch"}, '"nosuch" does not exist')


@needs_root
def test_a_socket_that_may_not_be_used_is_told(place, tmp_path, unprivileged):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    reply = place.start(place.socket | {"host": str(closed)}, {"user": unprivileged.user}).wait()
    assert reply.kind == "database" and "use run_as, or become" in reply.msg, reply.json


def test_it_says_which_option_says_where_when_none_does(place):
    place.refuses({"user": "somebody"}, "uri, or with host and name", kind="invalid")


# Connecting begins while the homeserver is asked


class Impatient(Line):
    """Lets its first client wait, hears nothing from it, and goes away."""

    def __init__(self, port: int) -> None:
        self.clients = 0
        super().__init__(port, cut=-1, delivered=True)

    def serve(self, connection: socket.socket) -> None:
        self.clients += 1
        if self.clients == 1:
            time.sleep(1)
        else:
            super().serve(connection)


@pytest.mark.slow
@pytest.mark.parametrize(("seconds", "clients"), [(6.5, 2), (0, 1)])
def test_what_waited_for_a_slow_homeserver_is_opened_once_more(
    place, homeserver, postgres, seconds, clients
):
    """And what fails at once is told at once."""
    homeserver.forget()
    homeserver.misbehave("any", faults.delayed(seconds), on=1)
    with Impatient(postgres.port) as line:
        way = place.port | {"port": line.port}
        if clients == 2:
            place.promotes(way)
        else:
            place.refuses(way, "cannot connect")
        assert line.clients == clients
    homeserver.forget()


# Ansible's own spellings


def test_it_is_spelled_as_the_modules_for_postgresql_spell_it(place, postgres):
    place.promotes(
        {
            "login_host": "127.0.0.1",
            "login_port": postgres.port,
            "login_db": place.name,
            "login_user": place.name,
            "login_password": PASSWORD,
            "ssl_mode": "verify-full",
            "ca_cert": str(postgres.ca.file),
        }
    )
    short = place.without("name", db=place.name)
    place.promotes(short)
    place.promotes(place.port | {"sslmode": "verify-ca", "ssl_rootcert": str(postgres.ca.file)})


# Peers


@needs_root
def test_run_as_is_who_the_socket_sees_and_only_for_the_connect(homeserver, postgres):
    with Place(postgres, homeserver, peers=("nobody",)) as place:
        by_peer = place.without("password", run_as="nobody")
        place.promotes(by_peer)
        # Whom the server is told, when nothing says it, is the same.
        place.refuses(place.without("password", "user", run_as="nobody"), "(as nobody)")
        with postgres.holding(place.name, "UPDATE users SET admin = 0"):
            running = place.start(by_peer)
            postgres.wait_blocked(place.name)
            status = Path("/proc", str(running.process.pid), "status").read_text()
        # proc(5): real, effective, saved and for files.
        for line in ("Uid:", "Gid:"):
            (ids,) = [row.split()[1:] for row in status.splitlines() if row.startswith(line)]
            assert ids == ["0"] * 4
        assert running.wait().changed
        assert 'identity="nobody" method=peer' in postgres.log()


@needs_root
def test_who_is_no_peer_is_told_of_run_as(homeserver, postgres):
    with Place(postgres, homeserver, peers=("nobody",)) as place:
        place.refuses(place.without("password"), "Peer authentication failed", "set run_as")
        place.refuses(place.without("password", run_as="daemon"), "Peer authentication failed")


@needs_root
def test_who_is_not_root_cannot_be_somebody_else(place, unprivileged):
    task = place.without("password", run_as="daemon")
    reply = place.refuses(task, "takes root (become)", kind="forbidden", how={"user": unprivileged.user})
    assert "daemon" in reply.msg


def test_a_system_user_that_there_is_not_is_told(place):
    words = ('there is no system user "nosuchuser"',)
    place.refuses(place.without("password", run_as="nosuchuser"), *words, kind="invalid")


# TLS


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_certificate_is_verified_against_the_authority_that_is_named(place, postgres, host):
    verified = place.port | {"sslmode": "verify-full", "host": host}
    place.promotes(verified | {"ca_path": str(postgres.ca.file)})
    failed = place.refuses(verified | {"ca_path": str(postgres.other_ca.file)}, kind="tls")
    assert "certificate verify failed" in failed.msg and "ca_path" in failed.msg


def test_the_authorities_of_the_system_are_those_when_none_is_named(place):
    place.refuses(place.port | {"sslmode": "verify-full"}, "verify failed", kind="tls")


def test_an_authority_whose_file_is_missing_is_told(place, tmp_path):
    missing = {"sslmode": "verify-ca", "ca_path": str(tmp_path / "none.pem")}
    place.refuses(place.port | missing, "none.pem", "does not exist", kind="tls")


def test_the_name_in_the_certificate_counts_for_verify_full_alone(place, postgres):
    ca = {"ca_path": str(postgres.ca.file)}
    postgres.show_certificate("wrong-name")
    try:
        words = ("does not match host name", "as host the name that is in it")
        place.refuses(place.port | ca | {"sslmode": "verify-full"}, *words, kind="tls")
        place.promotes(place.port | ca | {"sslmode": "verify-ca"})
    finally:
        postgres.show_certificate("right")


def test_on_this_machine_tls_is_taken_and_not_verified_unless_that_is_stated(place, postgres):
    postgres.show_certificate("other-ca")
    try:
        place.promotes(place.port)
        place.promotes(place.port | {"sslmode": "require"})
    finally:
        postgres.show_certificate("right")
    assert f"{place.name}@{place.name}" in postgres.log()
    lines = [line for line in postgres.log().splitlines() if "application_name=registrar" in line]
    assert "SSL enabled" in lines[-1] and "SSL enabled" in lines[-2]


def test_without_tls_is_what_disable_means(homeserver, postgres):
    with Place(postgres, homeserver, group="by_tls") as place:
        place.promotes(place.port | {"sslmode": "require"})
        place.refuses(place.port | {"sslmode": "disable"}, "pg_hba.conf rejects", "no encryption")


def test_who_is_not_let_in_is_told_so_and_not_of_tls(homeserver, postgres):
    with Place(postgres, homeserver) as place:
        postgres.access(f'hostssl nosuch "{place.name}" all trust', f'host all "{place.name}" all reject')
        try:
            reply = place.refuses(place.port)
        finally:
            postgres.access()
    assert "pg_hba.conf" in reply.msg


@needs_namespaces
def test_off_this_machine_the_certificate_is_verified_by_default(homeserver):
    with Namespace() as host, Postgres(namespace=host) as away, Place(away, homeserver) as place:
        ca = {"ca_path": str(away.ca.file)}
        # "right" is a certificate for the loopback.
        place.refuses(place.port | ca, "does not match host name", kind="tls")
        place.refuses(place.port, "certificate verify failed", kind="tls")
        place.promotes(place.port | {"sslmode": "require"})
        away.certificates["away"] = away.ca.issue("away", f"IP:{host.ipv4}")
        away.show_certificate("away")
        place.promotes(place.port | ca)
        place.promotes({"uri": away.uri(place.name, place.name, PASSWORD)} | ca)


@needs_machine()
def test_the_system_s_own_authorities_are_enough_where_they_know_it(place, postgres, machine: Machine):
    on_it = {"binary": machine.binary}
    verified = place.port | {"sslmode": "verify-full"}
    place.refuses(verified, "does not exist", kind="tls", how=on_it)
    machine.write("/etc/ssl/certs/ca-certificates.crt", Path(postgres.ca.file).read_text(), 0o644)
    place.promotes(verified, how=on_it)


# URIs


def test_a_uri_says_it_all_with_special_characters_percent_encoded(place, postgres):
    for scheme in ("postgresql", "postgres"):
        uri = postgres.uri(place.name, place.name, PASSWORD).replace("postgresql", scheme)
        place.promotes({"uri": uri})


def test_a_uri_may_lead_to_a_socket(place, postgres):
    folder = quote(str(postgres.socket_folder), safe="")
    who = f"{place.name}:{quote(PASSWORD, safe='')}"
    place.promotes({"uri": f"postgresql://{who}@{folder}:{postgres.port}/{place.name}"})
    place.promotes(
        {"uri": f"postgresql:///{place.name}?host={folder}&port={postgres.port}&user={place.name}",
         "password": PASSWORD}
    )  # fmt: skip


def test_a_uri_may_say_how_tls_is_used(place, postgres):
    ca = str(postgres.ca.file)
    good = postgres.uri(place.name, place.name, PASSWORD, sslmode="verify-full", sslrootcert=ca)
    place.promotes({"uri": good})
    other = good.replace(quote(ca, safe=""), quote(str(postgres.other_ca.file), safe=""))
    assert other != good
    place.refuses({"uri": other}, "verify failed", kind="tls")


def test_what_is_stated_beside_a_uri_wins(place, postgres):
    wrong = f"postgresql://nosuch:wrong-password@127.0.0.1:1/nosuch"
    place.promotes({"uri": wrong} | place.socket)


@pytest.mark.parametrize(
    "more",
    [
        "service=mine", "passfile=%2Ftmp%2Fpass", "options=-c%20role%3Dpostgres",
        "requirepeer=nobody", "sslcrl=%2Ftmp%2Fx", "krbsrvname=x", "target_session_attrs=any",
        "channel_binding=disable", "client_encoding=LATIN1", "replication=database",
    ],
)  # fmt: skip
def test_a_uri_may_not_have_other_files_looked_at(place, postgres, more):
    uri = postgres.uri(place.name, place.name, PASSWORD) + "?" + more
    place.refuses({"uri": uri}, f"may not say {more.partition('=')[0]};", kind="invalid")


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql://{name}:a%zzSecret@127.0.0.1/{name}",
        "postgresql://{name}:Secr%00et@127.0.0.1/{name}",
        "postgresql://{name}:Secret@[::1/{name}",
        "postgresql://{name}:Secret@127.0.0.1/{name}?nosuch=Secret",
        "postgresql://{name}:Secret@127.0.0.1/{name}?sslmode",
        "mysql://{name}:Secret@127.0.0.1/{name}",
        "host=127.0.0.1 password=Secret",
        "postgresql:/{name}:Secret@127.0.0.1/{name}",
    ],
)
def test_a_uri_that_is_none_is_refused_and_not_quoted(place, uri):
    reply = place.refuses({"uri": uri.format(name=place.name)}, "uri", kind="invalid")
    assert "Secret" not in str(reply.json) and "Secr" not in str(reply.json)


@pytest.mark.parametrize("key", ["uri", "host"])
def test_several_hosts_are_refused(place, postgres, key):
    two = "127.0.0.1,127.0.0.2"
    way = {"uri": f"postgresql://{place.name}@{two}/{place.name}", "host": two}
    place.refuses({key: way[key], "name": place.name}, "one server", kind="invalid")
