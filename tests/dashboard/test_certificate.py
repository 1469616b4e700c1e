"""The page's certificate: renewed files are used without a restart, and bad ones never replace good ones."""

from __future__ import annotations

import logging
import shutil
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

from dashboard.certificate import Certificate
from dashboard.settings import PageSettings


def make(folder: Path, name: str) -> None:
    """A certificate of that name and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.crt"), "-subj", f"/CN={name}"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def put(folder: Path, name: str, kind: str) -> None:
    """What a renewal does: the file is replaced whole."""
    shutil.copyfile(folder / f"{name}.{kind}", folder / "fresh")
    (folder / "fresh").replace(folder / f"page.{kind}")


def shown(certificate: Certificate) -> bytes:
    """The certificate that a new connection gets."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with certificate.context.wrap_socket(connection, server_side=True):
                pass

        thread = threading.Thread(target=answer)
        thread.start()
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(server.getsockname()) as plain, context.wrap_socket(plain) as secure:
            found = secure.getpeercert(binary_form=True)
        thread.join(30)
    assert found is not None
    return found


def der(folder: Path, name: str) -> bytes:
    return ssl.PEM_cert_to_DER_cert((folder / f"{name}.crt").read_text())


def test_renewed_files_are_used_for_new_connections(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for name in ("old", "new"):
        make(tmp_path, name)
    for kind in ("crt", "key"):
        put(tmp_path, "old", kind)
    page = PageSettings(tls_cert=str(tmp_path / "page.crt"), tls_key=str(tmp_path / "page.key"))
    certificate = Certificate(page)
    assert shown(certificate) == der(tmp_path, "old")
    assert not certificate.refresh()

    put(tmp_path, "new", "crt")  # half of the renewal: the pair does not fit
    for _ in range(3):
        assert not certificate.refresh()
    assert shown(certificate) == der(tmp_path, "old")
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1, "said once"
    assert "keeps its old certificate" in warnings[0]

    put(tmp_path, "new", "key")
    assert certificate.refresh()
    assert shown(certificate) == der(tmp_path, "new")
    assert not certificate.refresh()

    (tmp_path / "page.key").unlink()
    assert not certificate.refresh()
    assert shown(certificate) == der(tmp_path, "new")
