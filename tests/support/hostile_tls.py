# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates for the hostile server, made when a test asks for them, with
the openssl command."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

LOOPBACK = "IP:127.0.0.1,DNS:localhost"
CA_CONFIG = """
[ca]
default_ca = self
[self]
new_certs_dir = .
database = index
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
[names]
subjectAltName = {names}
"""


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)


class Certificate:
    """A self-signed certificate and its key, in a folder of the test's.

    names is a subjectAltName."""

    def __init__(
        self, folder: Path, stem: str, names: str = LOOPBACK, expired: bool = False
    ) -> None:
        self.file = folder / f"{stem}.pem"
        self.key = folder / f"{stem}.key"
        (folder / "names").write_text(CA_CONFIG.format(names=names))
        (folder / "index").touch()
        curve = "ec_paramgen_curve:prime256v1"
        new_key = ["-nodes", "-newkey", "ec", "-pkeyopt", curve, "-keyout", self.key.name]
        openssl(folder, "req", "-new", *new_key, "-subj", f"/CN={stem}", "-out", f"{stem}.csr")
        years = ("20200101000000Z", "20200102000000Z" if expired else "21200101000000Z")
        dates = ["-startdate", years[0], "-enddate", years[1]]
        files = ["-keyfile", self.key.name, "-in", f"{stem}.csr", "-out", self.file.name]
        options = ["-batch", "-selfsign", "-config", "names", "-extensions", "names", "-notext"]
        openssl(folder, "ca", *options, *dates, *files)

    def server(self, client: Certificate | None = None) -> ssl.SSLContext:
        """For a server with this certificate, which may want a client's."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        if client is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client.file)
        return context
