"""The page's settings: what makes no sense is refused by its key."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from dashboard.settings import load_dashboard_settings, naming_keys_of
from edge_agent.config import MqttSettings, TlsSettings
from edge_agent.errors import ConfigError
from edge_agent.mqtt.endpoint import Broker


def refusal(folder: Path, text: str) -> str:
    path = folder / "dashboard.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        load_dashboard_settings(path)
    return str(refused.value)


@pytest.mark.parametrize(
    "zone", ["Europe/Zurick", "Europe", "../../etc/passwd", "/etc/passwd", "Mars/Base\\u0000", "x" * 999]
)
def test_a_time_zone_that_is_none_is_refused_by_its_key(tmp_path: Path, zone: str) -> None:
    said = refusal(tmp_path, f'[page]\ntime_zone = "{zone}"\n')
    assert "$.page.time_zone" in said
    assert "Europe/Zurich" in said


@pytest.mark.parametrize("file", ["https://user:Blue77Moon@cal/x.ics", "webcal://cal/x.ics?token=Blue77Moon"])
def test_a_timetable_s_address_is_refused_and_not_quoted(tmp_path: Path, file: str) -> None:
    said = refusal(tmp_path, f'[timetable]\nfiles = ["{file}"]\n')
    assert "$.timetable.files" in said
    assert "Save the calendar as a file" in said
    assert "Blue77Moon" not in said


@pytest.mark.parametrize(
    ("table", "key"),
    [("broker", "broker.password_file"), ("operator_broker", "operator_broker.password_file")],
)
def test_files_of_an_account_are_named_by_the_page_s_keys(
    tmp_path: Path, table: Literal["broker", "operator_broker"], key: str
) -> None:
    account = MqttSettings(username="a", password_file=str(tmp_path / "gone"))
    with pytest.raises(ConfigError, match=rf"\$\.{key} ") as refused, naming_keys_of(table):
        Broker.from_settings(account)
    assert "mqtt." not in str(refused.value)


@pytest.mark.parametrize(
    ("table", "key"), [("broker", r"\$\.broker\.tls\.cert"), ("operator_broker", r"\$\.operator_broker\.cert")]
)
def test_a_certificate_of_an_account_is_named_by_the_page_s_key(
    tmp_path: Path, table: Literal["broker", "operator_broker"], key: str
) -> None:
    tls = TlsSettings(enabled=True, cert=str(tmp_path / "a.crt"), key=str(tmp_path / "a.key"))
    with pytest.raises(ConfigError, match=key), naming_keys_of(table):
        Broker.from_settings(MqttSettings(tls=tls))
