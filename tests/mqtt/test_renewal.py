"""A password and certificates that are renewed while the agent runs are used for the next connection."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from edge_agent.config import MqttSettings, TlsSettings
from edge_agent.mqtt.renewal import RenewedBroker
from tests.support.brokers_certificates import TestAuthority


def test_a_new_password_is_read(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("old\n")
    broker = RenewedBroker(MqttSettings(username="pi", password_file=str(file)))
    before = broker.current()
    assert broker.current() is before
    file.write_text("the new one\n")
    assert broker.current().password == "the new one"


def test_a_new_authority_is_known(tmp_path: Path) -> None:
    first, second = TestAuthority(tmp_path / "first", "first"), TestAuthority(tmp_path / "second", "second")
    file = tmp_path / "ca.crt"
    first.file.rename(file)
    broker = RenewedBroker(MqttSettings(tls=TlsSettings(enabled=True, ca=str(file))))
    second.file.replace(file)
    tls = broker.current().tls
    assert tls is not None
    assert "second" in str(tls.get_ca_certs()[0]["subject"])


def test_files_that_cannot_be_used_are_reported_once_and_the_last_ones_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    authority = TestAuthority(tmp_path / "authority")
    (certificate, key), (other, _) = authority.issue("device"), authority.issue("other")
    tls = TlsSettings(enabled=True, ca=str(authority.file), cert=str(certificate), key=str(key))
    broker = RenewedBroker(MqttSettings(tls=tls))
    before = broker.current()
    good = certificate.read_bytes()
    with caplog.at_level(logging.INFO):
        certificate.write_bytes(other.read_bytes())  # its key is still the old one
        assert broker.current() is before
        assert broker.current() is before
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "the key belongs to another certificate" in caplog.text
    with caplog.at_level(logging.INFO):
        certificate.write_bytes(good + b"\n")
        assert broker.current() is not before


def test_without_files_nothing_is_ever_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    broker = RenewedBroker(MqttSettings(tls=TlsSettings(enabled=True)))
    before = broker.current()
    with caplog.at_level(logging.INFO):
        (tmp_path / "outbox.db").touch()  # the folder that the agent runs in changes
        assert broker.current() is before
    assert caplog.records == []


def test_a_file_that_is_gone_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("kept\n")
    broker = RenewedBroker(MqttSettings(username="pi", password_file=str(file)))
    file.unlink()
    assert broker.current().password == "kept"
