# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module the way Ansible does, and holds every reply to its promises:
one line, ASCII, one JSON object, nothing on stderr, no secret anywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .paths import LIBRARY

SECRET_OPTIONS = (
    "password",
    "access_token",
    "admin_password",
    "registration_shared_secret",
    "registration_shared_secret_previous",
    "registration_token",
    "emergency_password",
    "mas_client_secret",
    "mas_token",
)
# A shorter one occurs by accident.
SHORTEST_SECRET = 4


@dataclass(frozen=True)
class Reply:
    """What the module printed, and how it ended."""

    json: dict[str, Any]
    raw: bytes
    rc: int
    stderr: bytes
    seconds: float

    @property
    def changed(self) -> bool:
        return self.json.get("changed", False)

    @property
    def failed(self) -> bool:
        return self.json.get("failed", False)

    @property
    def msg(self) -> str | None:
        return self.json.get("msg")

    @property
    def kind(self) -> str | None:
        return self.json.get("error", {}).get("kind")


def run_module(
    arguments: Mapping[str, Any],
    *,
    check: bool = False,
    diff: bool = False,
    module: str = "matrix_user",
    binary: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 60,
    verbosity: int = 0,
    secrets: tuple[str, ...] = (),
) -> Reply:
    """One task. `arguments` may hold `_ansible_*` keys, which then win. `secrets`
    are not to be in the reply, as the values of secret options are not."""
    return start_module(
        arguments,
        check=check,
        diff=diff,
        module=module,
        binary=binary,
        env=env,
        verbosity=verbosity,
        secrets=secrets,
    ).wait(timeout)


def run_arguments_file(
    content: bytes,
    *,
    module: str = "matrix_user",
    binary: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 60,
    secrets: tuple[str, ...] = (),
) -> Reply:
    """One task whose arguments file has exactly these bytes."""
    return Running(content, binary or default_binary(module), env, secrets).wait(timeout)


def start_module(
    arguments: Mapping[str, Any],
    *,
    check: bool = False,
    diff: bool = False,
    module: str = "matrix_user",
    binary: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    verbosity: int = 0,
    secrets: tuple[str, ...] = (),
    user: int | None = None,
) -> Running:
    """As run_module, for a test that does something while the module runs; as root,
    it may run as another `user`."""
    content = {
        # The keys that ansible-core 2.21 sends.
        "_ansible_check_mode": check,
        "_ansible_debug": False,
        "_ansible_diff": diff,
        "_ansible_ignore_unknown_opts": False,
        "_ansible_inject_invocation": False,
        "_ansible_keep_remote_files": False,
        "_ansible_module_name": module,
        "_ansible_no_log": False,
        "_ansible_remote_tmp": "~/.ansible/tmp",
        "_ansible_selinux_special_fs": ["fuse", "nfs"],
        "_ansible_shell_executable": "/bin/sh",
        "_ansible_socket": None,
        "_ansible_syslog_facility": "LOG_USER",
        "_ansible_target_log_info": None,
        "_ansible_tmpdir": None,
        "_ansible_tracebacks_for": [],
        "_ansible_verbosity": verbosity,
        "_ansible_version": "2.21.0",
    } | dict(arguments)
    return Running(
        json.dumps(content).encode("ascii"),
        binary or default_binary(module),
        env,
        (*secret_values(arguments), *secrets),
        user,
    )


class Running:
    """A module at work. `process` is there to be looked at or signalled."""

    def __init__(
        self,
        content: bytes,
        binary: str | Path,
        env: Mapping[str, str] | None,
        secrets: tuple[str, ...],
        user: int | None = None,
    ) -> None:
        self.secrets = secrets
        self.folder = Path(tempfile.mkdtemp(prefix="registrar-module-"))
        file = self.folder / "args"
        file.touch(mode=0o600)
        file.write_bytes(content)
        other: dict[str, Any] = {}
        if user is not None:
            os.chown(self.folder, user, -1)
            os.chown(file, user, -1)
            other = {"user": user, "group": user, "extra_groups": [], "cwd": self.folder}
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [str(binary), str(file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(env),
            **other,
        )

    def kill(self) -> None:
        """Ends it as a power cut would: no reply, nothing undone."""
        self.process.kill()
        self.process.communicate()
        shutil.rmtree(self.folder, ignore_errors=True)

    def wait(self, timeout: float = 60) -> Reply:
        try:
            out, err = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            raise AssertionError(
                f"the module gave no reply in {timeout} s; so far: {out!r} {err!r}"
            ) from None
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
        seconds = time.monotonic() - self.began
        value = checked(out, err, self.process.returncode, self.secrets)
        return Reply(value, out, self.process.returncode, err, seconds)


def checked(out: bytes, err: bytes, rc: int, secrets: tuple[str, ...]) -> dict[str, Any]:
    """The reply, after what every reply promises was held against it."""
    told = f"rc {rc}, stdout {out!r}, stderr {err.decode('utf8', 'replace')}"
    assert err == b"", f"something on stderr: {told}"
    assert out.endswith(b"\n") and out.count(b"\n") == 1, f"not exactly one line: {told}"
    assert out.isascii(), f"not ASCII: {told}"
    try:
        value = json.loads(out, parse_constant=no_json)
    except ValueError as error:
        raise AssertionError(f"not JSON ({error}): {told}") from None
    assert isinstance(value, dict), f"not an object: {told}"
    assert rc in (0, 1), f"an exit code that is neither 0 nor 1: {told}"
    assert (rc == 1) == bool(value.get("failed")), f"the exit code and `failed` differ: {told}"
    if value.get("failed"):
        assert value.get("msg"), f"a failure without a message: {told}"
        assert value.get("error", {}).get("kind"), f"a failure without a kind: {told}"

    text = json.dumps(value, ensure_ascii=False)
    for secret in secrets:
        for form in (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
            assert form not in text and form.encode() not in out, f"a secret in the reply: {told}"
    return value


def no_json(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def secret_values(arguments: Mapping[str, Any]) -> Iterator[str]:
    """The values of secret options, of the task and of each of its users."""
    for option in SECRET_OPTIONS:
        value = arguments.get(option)
        if isinstance(value, str) and len(value) >= SHORTEST_SECRET:
            yield value
    users = arguments.get("users")
    for user in users if isinstance(users, list) else []:
        if isinstance(user, Mapping):
            yield from secret_values(user)


def default_binary(module: str) -> Path:
    """REGISTRAR_BINARY (a sanitizer build, say), else the module in library/."""
    named = os.environ.get("REGISTRAR_BINARY")
    binary = Path(named).resolve() if named else LIBRARY / module
    assert binary.exists(), f"{binary} is missing: run `make`"
    return binary


def environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    """A small environment: no proxy, locale or token of the person who tests."""
    kept = ("PATH", "HOME", "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS")
    return {name: os.environ[name] for name in kept if name in os.environ} | dict(extra or {})
