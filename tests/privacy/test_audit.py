"""The file of what others asked of the device."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge_agent.privacy.audit import AUDIT, FILE, audit_file


def test_every_line_has_the_time_in_utc_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    with audit_file(tmp_path / "new"):
        AUDIT.info("command 'c1' 'ping': done")
    AUDIT.info("after the end")
    path = tmp_path / "new" / FILE
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z command 'c1' 'ping': done\n", path.read_text())
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_flood_of_commands_is_bounded(tmp_path: Path) -> None:
    with audit_file(tmp_path):
        for number in range(6000):
            AUDIT.info("%06d %s", number, "x" * 1000)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 4
    assert sum(file.stat().st_size for file in files) <= 4_000_000
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in files)
    assert "005999" in (tmp_path / FILE).read_text()


def test_a_disk_that_fails_is_said_once_and_ends_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    with audit_file(tmp_path / "file"):
        for _ in range(3):
            AUDIT.info("command 'c1' 'ping': done")
    assert caplog.text.count("cannot be written") == 1


def test_without_a_folder_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with audit_file(None):
        AUDIT.info("command 'c1' 'ping': done")
    assert list(tmp_path.iterdir()) == []
