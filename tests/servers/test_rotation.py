# SPDX-License-Identifier: GPL-3.0-or-later
"""A server whose registration_shared_secret is rotated, and the service account
that it was the key to."""

import secrets

import pytest

from tests.servers.proof import (
    a_password,
    by_service,
    has_nothing_to_do,
    is_refused,
    logs_in,
    predicted,
    run_module,
    service_password,
)
from tests.support.synapse import Synapse

UPDATED = "update service account"


@pytest.fixture(scope="module", params=["newest", "floor"])
def rotating(request):
    with Synapse(request.param) as server:
        # The harness's own administrator is made while the first secret holds.
        server.admin_token  # noqa: B018
        yield server


def test_a_rotated_secret_is_followed_by_session_by_previous_secret_or_not_at_all(
    rotating, unique, tmp_path
):
    """Three service accounts of one secret, since a rotation takes a restart."""
    kept = str(tmp_path / "kept" / "sessions.json")
    by_session, by_previous, by_neither = (unique("svc") for _ in range(3))
    names = [unique("alice") for _ in range(3)]
    for name in names:
        rotating.register(name, a_password())
    old = rotating.secret
    for service, options in (
        (by_session, {"session_file": kept}),
        (by_previous, {}),
        (by_neither, {}),
    ):
        task = by_service(rotating, service_account=service, username=names[0], admin=False)
        assert run_module(task | options).json["actions"] == ["create service account"]

    rotating.restart({"registration_shared_secret": secrets.token_urlsafe(24)})
    new = rotating.secret

    def task(service, name, **options):
        return by_service(
            rotating, service_account=service, username=name, admin=True, **options
        )

    for service, name, options in (
        (by_session, names[0], {"session_file": kept}),
        (by_previous, names[1], {"registration_shared_secret_previous": old}),
    ):
        stated = task(service, name, **options)
        foretold = predicted(rotating, stated)
        done = run_module(stated, secrets=(service_password(old, service),))
        for reply in (foretold, done):
            assert not reply.failed and reply.changed, reply.json
            assert reply.json["actions"] == [UPDATED, "set admin"]
        has_nothing_to_do(rotating, stated)
        assert not logs_in(rotating, service, service_password(old, service))
        assert logs_in(rotating, service, service_password(new, service))
        # The new password alone is enough.
        has_nothing_to_do(rotating, task(service, name))
    assert len(rotating.devices(by_session)) == 1
    assert rotating.devices(by_previous) == []

    reply = is_refused(rotating, task(by_neither, names[2]), "conflict")
    for step in ("registration_shared_secret_previous", "service_account"):
        assert step in reply.msg
    assert logs_in(rotating, by_neither, service_password(old, by_neither))
    assert rotating.user(names[2])["admin"] is False

    # Who still has the old secret is told that it is the wrong one, and the
    # account that its password opened once is not opened by it.
    stale = task(by_session, names[2], registration_shared_secret=old)
    reply = is_refused(rotating, stale, "unauthorized", in_check_mode=False)
    assert "registration_shared_secret" in reply.msg
