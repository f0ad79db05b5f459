# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate authority of a test's own, with the openssl command."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
DAYS = ("-days", "30")


class Issued(NamedTuple):
    """A certificate and its key, as PEM files."""

    file: Path
    key: Path


class Authority:
    """Its files are in the folder; `file` is what a client is told to trust."""

    def __init__(self, folder: Path, stem: str) -> None:
        self.folder = folder
        self.stem = stem
        self.file = folder / f"{stem}.pem"
        self.key = folder / f"{stem}.key"
        self._openssl(
            "req", "-x509", *CURVE, *DAYS,
            "-keyout", self.key.name, "-out", self.file.name,
            "-subj", f"/CN={stem}", "-addext", "keyUsage=critical,keyCertSign",
        )  # fmt: skip

    def issue(self, stem: str, names: str) -> Issued:
        """For a server with these names, a subjectAltName: DNS:localhost,IP:127.0.0.1"""
        issued = Issued(self.folder / f"{stem}.pem", self.folder / f"{stem}.key")
        request, extensions = f"{stem}.csr", f"{stem}.extensions"
        (self.folder / extensions).write_text(f"subjectAltName={names}\n")
        self._openssl(
            "req", *CURVE, "-keyout", issued.key.name, "-out", request, "-subj", "/CN=server"
        )
        self._openssl(
            "x509", "-req", *DAYS, "-in", request, "-out", issued.file.name,
            "-CA", self.file.name, "-CAkey", self.key.name, "-CAcreateserial",
            "-extfile", extensions,
        )  # fmt: skip
        return issued

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(
            ["openssl", *arguments], check=True, capture_output=True, cwd=self.folder
        )
