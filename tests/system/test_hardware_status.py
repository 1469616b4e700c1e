"""Reading heat and throttling from a folder laid out like sysfs."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.system.hardware_status import HardwareStatus, read_hardware_status


def write(platform: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = platform / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return platform


PI_4 = {
    "class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "class/thermal/thermal_zone0/temp": "61234\n",
    "devices/platform/soc/soc:firmware/get_throttled": "50005\n",
}


def test_a_raspberry_pi_reports_both(tmp_path: Path) -> None:
    assert read_hardware_status(write(tmp_path, PI_4)) == HardwareStatus(61.2, throttled=True)


def test_what_happened_since_the_start_and_is_over_does_not_count(tmp_path: Path) -> None:
    write(tmp_path, PI_4 | {"devices/platform/soc/soc:firmware/get_throttled": "50000\n"})
    assert read_hardware_status(tmp_path).throttled is False


def test_a_pi_5_has_addresses_in_its_names(tmp_path: Path) -> None:
    write(tmp_path, {"devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled": "8\n"})
    assert read_hardware_status(tmp_path).throttled is True


def test_of_several_zones_the_hottest_of_the_processor_counts(tmp_path: Path) -> None:
    kinds = [("battery", 90000), ("cpu-little", 50000), ("cpu-big", 71500), ("gpu-thermal", 80000)]
    for number, (kind, value) in enumerate(kinds):
        zone = f"class/thermal/thermal_zone{number}"
        write(tmp_path, {f"{zone}/type": kind, f"{zone}/temp": str(value)})
    assert read_hardware_status(tmp_path).temperature_c == 71.5


@pytest.mark.parametrize(("state", "throttled"), [("0", False), ("2", True)])
def test_other_hardware_reports_how_far_the_processor_is_slowed_to_cool(
    tmp_path: Path, state: str, throttled: bool
) -> None:
    fan, processor = "class/thermal/cooling_device0", "class/thermal/cooling_device1"
    write(tmp_path, {f"{fan}/type": "pwm-fan", f"{fan}/cur_state": "3"})
    assert read_hardware_status(tmp_path).throttled is None
    write(tmp_path, {f"{processor}/type": "cpufreq-cpu0", f"{processor}/cur_state": state})
    assert read_hardware_status(tmp_path).throttled is throttled


def test_nothing_and_nonsense_report_nothing(tmp_path: Path) -> None:
    assert read_hardware_status(tmp_path) == HardwareStatus()
    write(tmp_path, dict.fromkeys(PI_4, "warm"))
    (tmp_path / "class/thermal/thermal_zone1/temp").mkdir(parents=True)
    assert read_hardware_status(tmp_path) == HardwareStatus()
