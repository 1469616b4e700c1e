"""The page's settings: what makes no sense is refused by its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.settings import load_dashboard_settings
from edge_agent.errors import ConfigError


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
