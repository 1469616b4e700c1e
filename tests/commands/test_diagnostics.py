"""One file for a report, in which there is no secret, no picture and no name."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent import __version__
from edge_agent.commands.diagnostics import report
from edge_agent.config_file import load_settings
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


def test_root_has_the_checks_made_with_the_rights_of_the_services_user(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can take the place of another user")
    accounts, settings, out = tmp_path / "passwd", tmp_path / "etc", tmp_path / "report.txt"
    account = "edge-agent:x:64123:64123::/nonexistent:/usr/sbin/nologin\n"
    accounts.write_text(Path("/etc/passwd").read_text() + account)
    settings.mkdir()
    password = settings / "password"
    password.write_text("Hidden9Word\n")
    password.chmod(0o600)
    (settings / "agent.toml").write_text(
        '[camera]\nsource = "simulated"\n[mqtt]\nhost = "127.0.0.1"\nport = 9\nusername = "pi"\n'
        'password_file = "/etc/edge-agent/password"\n'
    )
    inside = (
        'mkdir -p /etc/edge-agent && mount --bind "$0" /etc/passwd && mount --bind "$1" /etc/edge-agent && '
        'exec "$2" -m edge_agent.cli diagnostics --config /etc/edge-agent/agent.toml --out "$3"'
    )
    command = ["unshare", "--mount", "sh", "-c", inside, str(accounts), str(settings), sys.executable, str(out)]
    had_folder = Path("/etc/edge-agent").exists()
    ran = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    if not had_folder:
        with contextlib.suppress(OSError):
            Path("/etc/edge-agent").rmdir()
    if "mount" in ran.stderr or "unshare" in ran.stderr:
        pytest.skip(f"the accounts cannot be replaced here: {ran.stderr}")
    checks = out.read_text().split("== doctor ==")[1].split("== log ==")[0]
    assert "as the service's user:" in checks
    if os.access(os.__file__, os.R_OK, effective_ids=True) and not Path(os.__file__).is_relative_to("/root"):
        assert "the user edge-agent may not read it" in checks
    assert "Hidden9Word" not in out.read_text()


def test_the_products_name_stays_though_a_path_or_an_account_has_it(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(
        '[camera]\nsource = "simulated"\n[mqtt]\nhost = "127.0.0.1"\nport = 9\nusername = "edge-agent"\n'
        'password_file = "/etc/edge-agent/password-of-maria"\nroot = "mqtt"\n'
    )
    written = report(load_settings(path), path)
    assert f"\nedge-agent {__version__}\n" in written
    assert f"edge-agent {__version__}, as the user" in written
    assert "mqtt.password_file" in written
    assert "maria" not in written.replace(str(tmp_path), "").casefold()


def test_names_of_zones_and_what_a_passwords_file_holds_stay_out(tmp_path: Path) -> None:
    """A list of tables is searched as well, and a password that got into a log is known by its file."""
    password, path = tmp_path / "secret", tmp_path / "agent.toml"
    password.write_text("Hidden9Word\n")
    (tmp_path / "audit.log").write_text("desk of Maria Muster, asked with Hidden9Word from muster.example/live\n")
    zone = '[[detector.{}]]\nname = "desk of Maria Muster"\npoints = [[0, 0], [{}, 0], [{}, 0.5]]\n'
    path.write_text(
        '[camera]\nsource = "simulated"\n'
        + zone.format("ignore", 0.5, 0.5)
        + zone.format("watch", 1, 1)
        + f'[mqtt]\nhost = "127.0.0.1"\nport = 9\nusername = "pi"\npassword_file = "{password}"\n'
        f'[home_assistant]\ndashboard_url = "http://muster.example/live"\n[outbox]\npath = "{tmp_path}/outbox.db"\n'
    )
    written = report(load_settings(path), path)
    assert "asked with" in written
    assert "0.5" in written.split('"ignore"')[1].split('"watch"')[0]
    for word in ("maria", "muster", "hidden9word"):
        assert word not in written.replace(str(tmp_path), "").casefold()
