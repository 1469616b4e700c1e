"""What is found by looking at a machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.setup.found import own_name


def card(network: Path, name: str, address: str, *, real: bool = True) -> None:
    (network / name).mkdir(parents=True)
    (network / name / "address").write_text(f"{address}\n")
    if real:
        (network / name / "device").mkdir()


@pytest.mark.parametrize("hostname", ["raspberrypi", "raspberrypi.local", "RaspberryPi", "localhost", "ubuntu"])
def test_names_that_many_machines_have_get_the_end_of_the_cards_address(hostname: str, tmp_path: Path) -> None:
    card(tmp_path, "docker0", "02:42:ac:11:00:02", real=False)
    card(tmp_path, "lo", "00:00:00:00:00:00")
    card(tmp_path, "wlan0", "dc:a6:32:00:00:02")
    card(tmp_path, "eth0", "dc:a6:32:00:00:01")
    assert own_name(hostname, tmp_path) == f"{hostname.partition('.')[0]}-000001"


def test_a_name_of_its_own_stays_and_so_does_one_without_a_card(tmp_path: Path) -> None:
    card(tmp_path, "eth0", "dc:a6:32:00:00:01")
    assert own_name("pi-3a", tmp_path) == "pi-3a"
    assert own_name("raspberrypi", tmp_path / "none") == "raspberrypi"
