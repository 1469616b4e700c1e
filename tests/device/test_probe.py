"""Asking whether the broker lets the device in."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.config import TlsSettings
from edge_agent.device.probe import probe_broker
from edge_agent.errors import BrokerError, ConfigError
from edge_agent.mqtt.endpoint import Broker
from tests.support.broker import Mosquitto, free_port, running_mosquitto
from tests.support.messaging import settings_for


def test_a_broker_that_takes_everything_is_fine(mosquitto: Mosquitto, tmp_path: Path) -> None:
    assert "may publish and subscribe" in probe_broker(settings_for(mosquitto.port, tmp_path))


def test_no_broker_at_all_is_an_error_that_names_the_address(tmp_path: Path) -> None:
    port = free_port()
    with pytest.raises(BrokerError, match=rf"broker 127.0.0.1:{port} cannot be reached: got connection refused"):
        probe_broker(settings_for(port, tmp_path))


def test_a_host_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match=r"broker no-such-host\.invalid:1883 cannot be reached"):
        probe_broker(settings_for(1883, tmp_path, host="no-such-host.invalid"))


def test_access_rules_that_deny_publishing_are_found(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.write_text("topic read #\n")
    with (
        running_mosquitto(tmp_path, f"acl_file {rules}") as mosquitto,
        pytest.raises(BrokerError, match="does not let this device publish on classroom/v1/north/pi-3a/reply"),
    ):
        probe_broker(settings_for(mosquitto.port, tmp_path))


def test_a_password_file_that_is_missing_or_empty_is_an_error_of_the_configuration(tmp_path: Path) -> None:
    missing = settings_for(1883, tmp_path, username="pi", password_file=str(tmp_path / "secret"))
    with pytest.raises(ConfigError, match=r"password_file .* cannot be read"):
        Broker.from_settings(missing.mqtt)
    (tmp_path / "secret").write_text("\n")
    with pytest.raises(ConfigError, match="expected the password"):
        Broker.from_settings(missing.mqtt)


@pytest.mark.parametrize("names", [{"ca": "no.crt"}, {"cert": "no.crt", "key": "no.key"}])
def test_a_certificate_that_is_missing_is_an_error_of_the_configuration(names: dict[str, str], tmp_path: Path) -> None:
    settings = settings_for(1883, tmp_path, tls=TlsSettings(enabled=True, **names))
    with pytest.raises(ConfigError, match=r"\$\.mqtt\.tls\.c.* no.crt"):
        Broker.from_settings(settings.mqtt)
