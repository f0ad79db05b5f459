# SPDX-License-Identifier: GPL-3.0-or-later
"""The harness that holds every reply to its promises does see a broken one."""

import json
import os
import signal
import stat
import tempfile
from pathlib import Path

import pytest

from tests.support.module import Reply, run_module, start_module

GOOD = '{"changed": true}\\n'


@pytest.fixture
def module(tmp_path: Path):
    """Makes a program that prints this, and runs it as the module."""

    def run(out: str, err: str = "", rc: int = 0, **arguments: object) -> Reply:
        program = tmp_path / "module"
        program.write_text(f"#!/bin/sh\nprintf '%b' '{out}'\nprintf '%b' '{err}' >&2\nexit {rc}\n")
        program.chmod(0o700)
        return run_module(arguments, binary=program)

    return run


def test_a_good_reply_is_taken(module):
    reply = module(GOOD)
    assert reply.changed and not reply.failed
    assert (reply.json, reply.rc, reply.kind) == ({"changed": True}, 0, None)


def test_a_failure_is_taken_with_its_kind(module):
    reply = module('{"failed": true, "msg": "no", "error": {"kind": "tls"}}\\n', rc=1)
    assert (reply.failed, reply.msg, reply.kind) == (True, "no", "tls")


@pytest.mark.parametrize(
    ("out", "err", "rc", "complaint"),
    [
        (GOOD, "x", 0, "something on stderr"),
        (GOOD + GOOD, "", 0, "not exactly one line"),
        ('{"changed": true}', "", 0, "not exactly one line"),
        ("", "", 0, "not exactly one line"),
        ('{"a": "\\0303\\0244"}\\n', "", 0, "not ASCII"),
        ('{"a": }\\n', "", 0, "not JSON"),
        ('{"a": NaN}\\n', "", 0, "not JSON"),
        ("[]\\n", "", 0, "not an object"),
        (GOOD, "", 2, "an exit code that is neither"),
        (GOOD, "", 1, "the exit code and `failed` differ"),
        ('{"failed": true, "msg": "no"}\\n', "", 1, "without a kind"),
        ('{"failed": true, "error": {"kind": "tls"}}\\n', "", 1, "without a message"),
    ],
)
def test_a_broken_reply_is_refused(module, out, err, rc, complaint):
    with pytest.raises(AssertionError, match=complaint):
        module(out, err, rc)


@pytest.mark.parametrize(
    ("out", "arguments"),
    [
        ('{"msg": "it is geheim!"}\\n', {"password": "geheim"}),
        ('{"geheim": 1}\\n', {"access_token": "geheim"}),
        ('{"a": ["geheim"]}\\n', {"users": [{"password": "geheim"}]}),
        (r'{"msg": "ge\\u00e4heim"}\n', {"admin_password": "geäheim"}),
        (r'{"msg": "a\\"quote"}\n', {"registration_shared_secret": 'a"quote'}),
        ('{"msg": "geheim"}\\n', {"registration_shared_secret_previous": "geheim"}),
    ],
)
def test_a_secret_in_a_reply_is_seen(module, out, arguments):
    with pytest.raises(AssertionError, match="a secret in the reply"):
        module(out, **arguments)


def test_a_secret_that_is_no_option_is_seen_too(tmp_path):
    program = tmp_path / "module"
    program.write_text("#!/bin/sh\necho '{\"msg\": \"geheim\"}'\n")
    program.chmod(0o700)
    assert run_module({}, binary=program).msg == "geheim"
    with pytest.raises(AssertionError, match="a secret in the reply"):
        run_module({}, binary=program, secrets=("geheim",))


def test_a_module_that_is_killed_leaves_no_arguments_file(tmp_path):
    program = tmp_path / "module"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o700)
    running = start_module({"url": "x"}, binary=program)
    running.kill()
    assert running.process.returncode == -signal.SIGKILL
    assert not running.folder.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to become somebody else")
def test_a_module_may_run_as_another_user():
    # It is given the arguments file, which it may read.
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        program = Path(folder) / "module"
        program.write_text('#!/bin/sh\necho "{\\"uid\\": $(id -u), \\"given\\": $(cat "$1")}"\n')
        program.chmod(0o755)
        reply = start_module({"url": "x"}, binary=program, user=65534).wait()
    assert reply.json["uid"] == 65534 and reply.json["given"]["url"] == "x"


def test_the_arguments_file_is_for_its_owner_alone_and_then_gone(tmp_path):
    program = tmp_path / "module"
    program.write_text(
        '#!/bin/sh\nprintf \'{"file": "%s", "mode": "%s"}\\n\' "$1" "$(stat -c %f "$1")"\n'
    )
    program.chmod(0o700)
    reply = run_module({"url": "x"}, binary=program)
    assert stat.S_IMODE(int(reply.json["mode"], 16)) == 0o600
    assert not Path(reply.json["file"]).exists()


def test_the_arguments_arrive_beside_ansibles_own_keys(tmp_path):
    program = tmp_path / "module"
    program.write_text('#!/bin/sh\ncat "$1"\necho\n')
    program.chmod(0o700)
    reply = run_module({"url": "x"}, check=True, diff=True, binary=program)
    assert reply.json["url"] == "x"
    assert reply.json["_ansible_check_mode"] is True
    assert reply.json["_ansible_diff"] is True
    assert reply.json["_ansible_module_name"] == "matrix_user"
    assert json.loads(reply.raw) == reply.json
