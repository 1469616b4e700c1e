"""When the device's own certificate ends."""

from __future__ import annotations

import ssl
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

from edge_agent.config import TlsSettings
from edge_agent.mqtt.own_certificate import certificate_end


def test_the_end_of_the_certificate_is_read_from_its_file(certificates: Path) -> None:
    now = datetime.now(tz=timezone.utc)
    end = certificate_end(TlsSettings(enabled=True, cert=str(certificates / "ca.crt"), key="k"))
    assert end is not None
    assert now + timedelta(days=1) < end < now + timedelta(days=3)


def test_without_a_certificate_that_can_be_read_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "broken.crt").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    for settings in (
        TlsSettings(),
        TlsSettings(enabled=True),
        TlsSettings(enabled=True, cert=str(tmp_path / "missing.crt"), key="k"),
        TlsSettings(enabled=True, cert=str(tmp_path / "broken.crt"), key="k"),
    ):
        assert certificate_end(settings) is None


def test_the_end_is_the_one_that_openssl_reads(certificates: Path) -> None:
    for name in ("ca.crt", "server.crt"):
        printed = subprocess.run(
            ["openssl", "x509", "-in", name, "-noout", "-enddate"], cwd=certificates, check=True, capture_output=True
        ).stdout.decode()
        end = certificate_end(TlsSettings(enabled=True, cert=str(certificates / name), key="k"))
        assert end is not None
        assert end.timestamp() == ssl.cert_time_to_seconds(printed.strip().partition("=")[2])
