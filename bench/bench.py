# SPDX-License-Identifier: GPL-3.0-or-later
"""make bench: Registrar beside what people use today, side by side in one run.

What is compared takes turns, and medians are told, so that a machine that is
slow for a while is slow for all. The goals are those of the project's design.
"""

from __future__ import annotations

import os
import pwd
import sys
import tempfile
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
sys.dont_write_bytecode = True

from bench.commands import Bench, Cost, task_times  # noqa: E402
from tests.support.dendrite import Dendrite  # noqa: E402
from tests.support.mas import Mas  # noqa: E402
from tests.support.postgres import Postgres  # noqa: E402
from tests.support.synapse import Synapse  # noqa: E402

SHORT = os.environ.get("BENCH_SHORT", "") not in ("", "0")
STARTS = 40 if SHORT else 300
TASKS = 6 if SHORT else 26
CREATIONS = 4 if SHORT else 25
PROMOTIONS = 6 if SHORT else 30

verdicts: list[bool] = []


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="registrar-bench-") as folder:
        bench = Bench(Path(folder))
        starting(bench)
        # As Synapse hashes passwords by default (bcrypt_rounds 12), and without
        # its limits, which would be all that is measured.
        with Synapse("newest", config={"bcrypt_rounds": None}) as server:
            server.register("bench-existing", "a password for the bench")
            tasks(bench, server)
            creating(bench, server)
        with Postgres() as postgres, Synapse("newest", postgres=postgres) as server:
            server.register("bench-existing", "a password for the bench")
            promoting(bench, server)
        with Dendrite() as dendrite:
            registering(bench, dendrite)
        with Mas() as mas, mas.delegating(Synapse):
            creating_in_mas(bench, mas)
    print(f"\n{sum(verdicts)} of {len(verdicts)} goals met")


def starting(bench: Bench) -> None:
    head(f"Start to reply without a request (invalid arguments; {STARTS} times, in turns)")
    ours, nothing, python = [], [], []
    for _ in range(STARTS):
        cost, reply = bench.registrar({"url": "http://127.0.0.1"}, exit_code=1)
        assert "one of the following is required" in reply["msg"], reply
        ours.append(cost.wall)
        nothing.append(bench.run("/bin/true")[0].wall)
        python.append(bench.run("python3", "-c", "import json")[0].wall)
    row("registrar", milliseconds(ours))
    row("/bin/true", milliseconds(nothing))
    row("python3 -c 'import json'", milliseconds(python))
    goal("at most 12 ms with shared libraries", median(ours) <= 0.012)


def tasks(bench: Bench, server: Synapse) -> None:
    head(f"One local Ansible task, existing user, nothing to change ({TASKS} times, in turns)")
    plain = task_times(bench, server, TASKS, pipelining=False)
    row("matrix_user", milliseconds(plain["matrix_user"]))
    row("ansible.builtin.ping", milliseconds(plain["ping"]))
    ratio = median(plain["matrix_user"]) / median(plain["ping"])
    goal(f"at most 1/5 of ping: it is {ratio:.2f}", ratio <= 0.2)
    piped = task_times(bench, server, TASKS, pipelining=True)
    row("matrix_user, pipelining on", milliseconds(piped["matrix_user"]))
    row("ansible.builtin.ping, pipelining on", milliseconds(piped["ping"]))


def creating(bench: Bench, server: Synapse) -> None:
    head(f"One creation, default bcrypt cost ({CREATIONS} times, in turns)")
    ours: list[Cost] = []
    bare: list[Cost] = []
    theirs: list[Cost] = []
    for _ in range(CREATIONS):
        ours.append(bench.create_by_registrar(server))
        bare.append(bench.create_by_curl(server))
        theirs.append(bench.create_by_their_script(server))
    for name, costs in (
        ("registrar", ours),
        ("curl, two requests", bare),
        ("register_new_matrix_user", theirs),
    ):
        wall = milliseconds([c.wall for c in costs])
        row(name, f"{wall}, processor {milliseconds([c.processor for c in costs])}")
    wall = median(c.wall for c in ours) / median(c.wall for c in bare)
    goal(f"at most 1.10 of curl's wall time: it is {wall:.2f}", wall <= 1.10)
    processor = median(c.processor for c in ours) / median(c.processor for c in theirs)
    goal(
        "at most 1/20 of register_new_matrix_user's processor time: "
        f"it is 1/{1 / processor:.0f}",
        processor <= 1 / 20,
    )
    times = median(c.wall for c in theirs) / median(c.wall for c in ours)
    row("register_new_matrix_user takes", f"{times:.1f} times the wall time of registrar")

    head("Peak memory, one user created")
    most = max(c.memory for c in ours)
    row("registrar", f"{most:.1f} MiB")
    row("register_new_matrix_user", f"{max(c.memory for c in theirs):.1f} MiB")
    row("curl, the second request", f"{max(c.memory for c in bare):.1f} MiB")
    goal("at most 16 MiB with shared libraries", most <= 16)


def registering(bench: Bench, server: Dendrite) -> None:
    head(f"One registration on Dendrite, explicit backend ({CREATIONS} times, in turns)")
    ours: list[Cost] = []
    theirs: list[Cost] = []
    for _ in range(CREATIONS):
        ours.append(bench.register_by_registrar(server))
        theirs.append(bench.register_by_create_account(server))
    for name, costs in (("registrar", ours), ("create-account", theirs)):
        wall = milliseconds([c.wall for c in costs])
        row(name, f"{wall}, processor {milliseconds([c.processor for c in costs])}")
    times = median(c.wall for c in theirs) / median(c.wall for c in ours)
    row("create-account takes", f"{times:.2f} times the wall time of registrar")


def creating_in_mas(bench: Bench, mas: Mas) -> None:
    head(f"One new user with a password, by MAS's admin API, a stand-in ({CREATIONS} times)")
    mas.forget()
    both = [bench.create_in_mas(mas) for _ in range(CREATIONS)]
    requests = len(mas.requests) / CREATIONS
    row("registrar", milliseconds([cost.wall for cost, _ in both]))
    row("of which the stand-in and its Synapse", milliseconds([spent for _, spent in both]))
    row("without them", milliseconds([cost.wall - spent for cost, spent in both]))
    row("requests", f"{requests:.0f}, three of them the user's")


def promoting(bench: Bench, server: Synapse) -> None:
    head(f"One promotion by SQL over a socket, explicit backend ({PROMOTIONS} times, in turns)")
    assert server.postgres is not None
    peer = server.postgres.create_role("bench-peer", peers=(pwd.getpwuid(os.geteuid()).pw_name,))
    server.postgres.execute(f'GRANT "{server.database_name}" TO "{peer}"')
    # token_urlsafe(): nothing in it that a file of passwords would escape.
    owner = {"user": server.database_name, "password": server.database_password}
    ways = {"peer": {"user": peer}, "password": owner}
    ours: dict[str, list[float]] = {way: [] for way in ways}
    bare: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(PROMOTIONS):
        for way, who in ways.items():
            ours[way].append(bench.promote_by_registrar(server, who, True).wall)
            bare[way].append(bench.promote_by_psql(server, who, False).wall)
    for way in ways:
        row(f"registrar, {way}", milliseconds(ours[way]))
        row(f"psql -c UPDATE, {way}", milliseconds(bare[way]))
    # With a password, both spend as long on SCRAM's 4096 rounds, which is its point.
    wall = median(ours["peer"])
    goal(f"at most 15 ms from start to reply as a peer: it is {wall * 1000:.1f}", wall <= 0.015)


def milliseconds(seconds: list[float]) -> str:
    """The median, and the quickest of them."""
    return f"{median(seconds) * 1000:8.2f} ms (best {min(seconds) * 1000:.2f})"


def head(text: str) -> None:
    print(f"\n{text}", flush=True)


def row(name: str, value: str) -> None:
    print(f"  {name:<36} {value}", flush=True)


def goal(text: str, met: bool) -> None:
    verdicts.append(met)
    print(f"  goal: {text}: {'met' if met else 'MISSED'}", flush=True)


if __name__ == "__main__":
    main()
