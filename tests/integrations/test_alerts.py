"""The alert rules, checked and run by Prometheus' own tool."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from edge_agent.health.metrics import exposition
from tests.health.test_metrics import DEVICE, HEALTH

RULES = Path(__file__).parents[2] / "integrations" / "prometheus" / "alerts.yml"
LABELS = {"instance": "pi-3a:9100", "job": "edge-agent"}


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (Debian: apt install prometheus)")
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)


def series_of(page: str, minutes: int) -> list[dict[str, str]]:
    """What an agent serves, as series that stay as they are."""
    target = ",".join(f'{name}="{value}"' for name, value in LABELS.items())
    made = [{"series": f"up{{{target}}}", "values": f"1x{minutes}"}]
    for line in page.splitlines():
        if line.startswith("#"):
            continue
        found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
        assert found is not None, line
        own = f"{found[2]}," if found[2] else ""
        made.append({"series": f"{found[1]}{{{own}{target}}}", "values": f"{found[3]}x{minutes}"})
    return made


def run_rules(folder: Path, series: list[dict[str, str]], wanted: dict[str, list[dict[str, Any]]]) -> str:
    """What promtool says where alerts after half an hour are not those; empty where they are."""
    checks = [{"eval_time": "30m", "alertname": name, "exp_alerts": alerts} for name, alerts in wanted.items()]
    test = {"interval": "1m", "input_series": series, "alert_rule_test": checks}
    file = folder / "test.yml"  # JSON is YAML
    file.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}))
    done = promtool("test", "rules", str(file))
    return "" if done.returncode == 0 else done.stdout + done.stderr


def names() -> list[str]:
    return re.findall(r"alert: (\w+)", RULES.read_text(encoding="utf-8"))


def test_promtool_takes_the_rules() -> None:
    done = promtool("check", "rules", str(RULES))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"SUCCESS: {len(names())} rules found" in done.stdout


def test_a_device_that_is_well_raises_no_alert(tmp_path: Path) -> None:
    well = replace(HEALTH, problems=(), outbox=replace(HEALTH.outbox, lost=0))
    series = series_of(exposition(DEVICE, well, connected=True), 40)
    assert run_rules(tmp_path, series, {name: [] for name in names()}) == ""


def test_what_is_wrong_raises_alerts_that_name_site_and_device(tmp_path: Path) -> None:
    ill = replace(HEALTH, problems=("camera_stalled",))
    series = series_of(exposition(DEVICE, ill, connected=False), 40)
    named = LABELS | {"site": "north", "device": "pi-3a", "severity": "warning"}
    wanted = {
        "EdgeAgentWithoutBroker": [
            {
                "exp_labels": named,
                "exp_annotations": {
                    "summary": "north/pi-3a reaches no broker",
                    "description": "Its events wait in the outbox. On the device, edge-agent doctor says why.",
                },
            }
        ],
        "EdgeAgentProblem": [
            {
                "exp_labels": named | {"problem": "camera_stalled"},
                "exp_annotations": {
                    "summary": "north/pi-3a: camera_stalled",
                    "description": "docs/troubleshooting.md says what the word means and what to do.",
                },
            }
        ],
        "EdgeAgentDown": [],
    }
    assert run_rules(tmp_path, series, wanted) == ""


def test_a_restart_with_losses_behind_it_is_no_new_loss_and_a_new_one_is(tmp_path: Path) -> None:
    target = ",".join(f'{name}="{value}"' for name, value in LABELS.items())
    info = {"series": f'edge_agent_info{{site="north",device="pi-3a",{target}}}', "values": "1x40"}
    for values, count in (("7x40", 0), ("7x10 0x30", 0), ("0x25 5x15", 1)):
        lost = {"series": f"edge_agent_events_lost_total{{{target}}}", "values": values}
        said = run_rules(tmp_path, [info, lost], {"EdgeAgentEventsLost": []})
        assert bool(said) == bool(count), (values, said)
