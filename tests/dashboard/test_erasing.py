"""Erasing by command: after a question, and noted in the page's log."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dashboard.access.access import Access
from dashboard.access.audit import Entry
from dashboard.access.roles import Visitor
from dashboard.history.store import History, open_history
from dashboard.history.tables import devices, health
from dashboard.settings import AccessSettings
from edge_agent.cli import app
from edge_agent.client import Device

NORTH, SOUTH = Device("north", "pi-0"), Device("south", "pi-1")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The page's settings, with five reports of each of two devices in its database, a second apart."""
    file = tmp_path / "dashboard.toml"
    file.write_text(f'[store]\nplace = "{tmp_path}/dashboard.db"\n[page]\ntime_zone = "Europe/Zurich"\n')
    history = open_history(str(tmp_path / "dashboard.db"))
    with history.writing() as connection:
        for number, device in enumerate((NORTH, SOUTH), 1):
            connection.execute(devices.insert().values(id=number, site=device.site, device=device.id))
            for second in range(5):
                row = {"fps": 1.0, "pending": 0, "camera": "ok", "muted": 0, "problems": ""}
                connection.execute(health.insert().values(device_id=number, at_ms=second * 1000, **row))
    history.close()
    return file


@pytest.fixture
def history(config: Path) -> Iterator[History]:
    """The same database as a running page has it open."""
    history = open_history(str(config.parent / "dashboard.db"))
    yield history
    history.close()


def rows(history: History, device: Device) -> int:
    return len(history.health(device, -1.0, 100.0).at)


def log(history: History) -> list[Entry]:
    return Access(history.database, AccessSettings()).audit.entries(Visitor(), action="erase")


def run(config: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["dashboard", "erase", *arguments, "--config", str(config)])
    return result.exit_code, result.output + str(result.exception or "")


def test_a_room_is_erased_and_the_log_says_who_did_it(config: Path, history: History) -> None:
    code, said = run(config, "--room", "north/pi-0", "--yes")
    assert code == 0, said
    assert "erased: 5 health" in said
    assert (rows(history, NORTH), rows(history, SOUTH)) == (0, 5)
    done, begun = log(history)
    assert (begun.device, begun.detail) == (NORTH, "from the beginning to now")
    assert (done.device, done.detail) == (NORTH, "done: 5 health")
    assert begun.address == "terminal"
    assert begun.who


def test_a_time_is_one_of_the_school(config: Path, history: History) -> None:
    times = ("--from", "1970-01-01T01:00:01", "--to", "1970-01-01T01:00:02")
    assert run(config, "--room", "north/pi-0", *times, "--yes")[0] == 0
    assert (rows(history, NORTH), rows(history, SOUTH)) == (3, 5)


def test_a_date_is_its_whole_day(config: Path, history: History) -> None:
    assert run(config, "--all", "--from", "1970-01-01", "--to", "1970-01-01", "--yes")[0] == 0
    assert (rows(history, NORTH), rows(history, SOUTH)) == (0, 0)
    assert {entry.device for entry in log(history)} == {None}


def test_settings_before_the_command_count_too(config: Path, history: History) -> None:
    arguments = ["dashboard", "--config", str(config), "erase", "--all", "--yes"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert rows(history, NORTH) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "either --room SITE/DEVICE or --all"),
        (("--yes",), "either --room SITE/DEVICE or --all"),
        (("--room", "north/pi-0", "--all", "--yes"), "either --room SITE/DEVICE or --all"),
        (("--room", "pi-0", "--yes"), "SITE/DEVICE"),
        (("--room", "north/pi-7", "--yes"), "one of: north/pi-0, south/pi-1"),
        (("--all", "--from", "yesterday", "--yes"), "2026-11-23T08:00"),
        (("--all", "--from", "2026-11-24", "--to", "2026-11-22", "--yes"), "a later time"),
        (("--all",), "a terminal to ask at, or --yes"),
    ],
)
def test_a_mistake_erases_and_notes_nothing(
    config: Path, history: History, arguments: tuple[str, ...], said: str
) -> None:
    code, text = run(config, *arguments)
    assert code != 0
    assert said in text
    assert (rows(history, NORTH), rows(history, SOUTH)) == (5, 5)
    assert log(history) == []


@pytest.mark.parametrize(("answer", "code", "left"), [("n", 1, 5), ("", 1, 5), ("y", 0, 0)])
def test_it_asks_before_it_erases(config: Path, history: History, answer: str, code: int, left: int) -> None:
    main, side = pty.openpty()
    command = [sys.executable, "-m", "edge_agent.cli", "dashboard", "erase", "--room", "north/pi-0"]
    process = subprocess.Popen(
        [*command, "--config", str(config)], stdin=side, stdout=side, stderr=side, start_new_session=True
    )
    os.close(side)
    shown = b""
    while b"Erase for good?" not in shown:
        shown += os.read(main, 1000)
    assert b"north/pi-0 is to be erased, from the beginning to now" in shown
    assert rows(history, NORTH) == 5
    os.write(main, answer.encode() + b"\n")
    while (b"nothing was erased" if left else b"erased: 5 health") not in shown:
        shown += os.read(main, 1000)
    assert process.wait(60) == code
    os.close(main)
    assert rows(history, NORTH) == left
    assert len(log(history)) == (0 if left else 2)


def test_a_log_that_cannot_be_written_erases_nothing(config: Path, history: History) -> None:
    Access(history.database, AccessSettings())
    with history.engine.connect() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
        )
        connection.commit()
    assert run(config, "--all", "--yes")[0] != 0
    assert rows(history, NORTH) == 5
