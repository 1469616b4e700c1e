"""The systemd unit, through systemd's own tools."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).parents[2] / "deploy" / "systemd"
UNIT = SYSTEMD / "edge-agent.service"
PAGE_UNIT = SYSTEMD.parent / "dashboard" / "edge-agent-dashboard.service"
ALLOWED_EXPOSURE = 2.0


@pytest.fixture(scope="module")
def analyze() -> str:
    """The program that checks units; skips where there is none."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed (Debian: apt install systemd)")
    return program


def _version(analyze: str) -> int:
    printed = subprocess.run([analyze, "--version"], capture_output=True, text=True, check=True).stdout
    matched = re.match(r"systemd (\d+)", printed)
    assert matched is not None
    return int(matched[1])


def test_the_unit_is_clean(analyze: str, tmp_path: Path) -> None:
    # The command has to exist for the check, and the agent is not installed here.
    unit = tmp_path / UNIT.name
    unit.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text(), flags=re.MULTILINE))
    if _version(analyze) >= 254:
        drop_ins = tmp_path / f"{UNIT.name}.d"
        drop_ins.mkdir()
        shutil.copy(SYSTEMD / "10-backoff.conf", drop_ins)
    done = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_its_exposure_stays_low(analyze: str) -> None:
    done = subprocess.run([analyze, "security", "--offline=yes", str(UNIT)], capture_output=True, text=True, check=True)
    matched = re.search(r"Overall exposure level.*?: ([\d.]+)", done.stdout)
    assert matched is not None, done.stdout
    assert float(matched[1]) <= ALLOWED_EXPOSURE


def test_the_pages_unit_is_clean_and_its_exposure_low(analyze: str, tmp_path: Path) -> None:
    unit = tmp_path / PAGE_UNIT.name
    unit.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", PAGE_UNIT.read_text(), flags=re.MULTILINE))
    done = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    command = [analyze, "security", "--offline=yes", str(PAGE_UNIT)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    matched = re.search(r"Overall exposure level.*?: ([\d.]+)", printed)
    assert matched is not None, printed
    assert float(matched[1]) <= ALLOWED_EXPOSURE


def test_the_light_goes_out_however_the_agent_ended(tmp_path: Path) -> None:
    matched = re.search(r"^ExecStopPost=-\+/bin/sh -c '(.*)'$", UNIT.read_text(), re.MULTILINE)
    assert matched is not None
    led = tmp_path / "camera-in-use"
    script = matched[1].replace("/sys/class/leds/camera-in-use", str(led))
    without = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=False)
    led.mkdir()
    (led / "brightness").write_text("255\n")
    subprocess.run(["/bin/sh", "-c", script], check=True)
    assert (led / "brightness").read_text() == "0\n"
    assert without.stdout + without.stderr == ""
