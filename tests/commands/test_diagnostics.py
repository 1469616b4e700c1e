"""One file for a report, in which there is no secret, no picture and no name."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from edge_agent import __version__
from tests.support.commands import edge_agent

SECRETS = ("Blue77Moon", "Maria", "Muster", "principal", "room-of-2b", "Hidden9Word", "hill-school", "pi-of-maria")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    password = tmp_path / "secret"
    password.write_text("Hidden9Word\n")
    path = tmp_path / "agent.toml"
    path.write_text(
        '[device]\nsite = "hill-school"\nid = "pi-of-maria"\nroom = "room-of-2b"\n'
        '[camera]\nsource = "rtsp"\nurl = "rtsp://admin:Blue77Moon@127.0.0.1:9/s?token=Blue77Moon"\n'
        '[policy]\njurisdiction = "CH"\nsetting = "other"\nlegal_basis = "consent"\n'
        'declared_by = "Maria Muster, principal"\n'
        f'[mqtt]\nhost = "127.0.0.1"\nport = 9\nusername = "Maria"\npassword_file = "{password}"\n'
        f'[outbox]\npath = "{tmp_path}/state/outbox.db"\n'
    )
    state = tmp_path / "state"
    state.mkdir()
    (state / "audit.log").write_text("2026-11-29T08:00:00.000Z command ping from Maria Muster in room-of-2b\n")
    return path


def test_the_report_has_all_parts_and_neither_secret_nor_name(config: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.txt"
    done = edge_agent("diagnostics", "--config", config, "--out", target)
    assert done.returncode == 0, done.stderr
    assert str(target) in done.stdout
    written = target.read_text()
    for part in ("versions", "settings", "hardware", "doctor", "log", "audit log"):
        assert f"== {part} ==" in written
    assert f"edge-agent {__version__}" in written
    assert "FAIL  broker" in written
    assert '"fps": 10.0' in written
    assert "command ping" in written
    for secret in SECRETS:
        assert secret.casefold() not in (written + done.stdout + done.stderr).replace(str(tmp_path), "").casefold(), (
            secret
        )
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
