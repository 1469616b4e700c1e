"""The settings file is written whole, and for those alone who need it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from edge_agent.errors import ConfigError, InputError
from edge_agent.setup.found import Surroundings
from edge_agent.setup.settings_file import complete, finished, write_settings
from edge_agent.vision.camera_list import ListedCamera


def camera(path: str) -> ListedCamera:
    return ListedCamera("v4l2", path, "/dev/video0", "Maker Camera", None, ())


def found(*cameras: ListedCamera) -> Surroundings:
    return Surroundings("pi-3a", cameras, (), "Europe/Zurich", "CH", True, "/data/outbox.db")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    write_settings("[device]\n", tmp_path / "agent.toml")
    assert mode(tmp_path / "agent.toml") == 0o600


@pytest.mark.parametrize(("before", "after"), [(0o640, 0o640), (0o600, 0o600), (0o666, 0o640)])
def test_a_file_that_is_there_keeps_its_readers_but_not_everybody(tmp_path: Path, before: int, after: int) -> None:
    path = tmp_path / "agent.toml"
    path.write_text("")
    path.chmod(before)
    write_settings("[device]\n", path)
    assert mode(path) == after


def test_a_folder_that_is_not_there_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_settings("[device]\n", tmp_path / "none" / "agent.toml")
    assert list(tmp_path.iterdir()) == []


def test_the_only_camera_is_taken_where_none_is_named() -> None:
    tables = complete({"policy": {"jurisdiction": "CH"}}, found(camera("/dev/v4l/by-id/usb-1")))
    assert tables["camera"] == {"source": "v4l2", "path": "/dev/v4l/by-id/usb-1"}
    assert tables["device"] == {"id": "pi-3a"}
    assert tables["outbox"] == {"path": "/data/outbox.db"}
    named = complete({"camera": {"source": "simulated"}}, found(camera("/dev/v4l/by-id/usb-1")))
    assert named["camera"] == {"source": "simulated"}


@pytest.mark.parametrize("cameras", [(), (camera("/dev/video0"), camera("/dev/video2"))])
def test_no_camera_and_several_have_to_be_named(cameras: tuple[ListedCamera, ...]) -> None:
    with pytest.raises(ConfigError, match="edge-agent cameras"):
        complete({}, found(*cameras))


def test_only_what_was_answered_is_written_with_what_it_means(tmp_path: Path) -> None:
    _, text = finished({"camera": {"source": "simulated"}, "mqtt": {"tls": {"enabled": False}}}, tmp_path / "a.toml")
    lines = text.splitlines()
    values = [line for line in lines if line and not line.startswith("#")]
    assert values == ["[camera]", 'source = "simulated"', "[mqtt.tls]", "enabled = false"]
    assert lines[lines.index('source = "simulated"') - 1].startswith("# ")


@pytest.mark.parametrize("answer", [{"jurisdiction": "Atlantis"}, {"setting": "moon"}, {"legal_basis": "because!"}])
def test_an_answer_that_is_not_understood_is_refused_also_for_a_simulation(answer: dict[str, str]) -> None:
    tables = complete({"camera": {"source": "simulated"}, "policy": answer}, found())
    with pytest.raises(ConfigError, match=f"{next(iter(answer))} ") as refused:
        finished(tables, Path("agent.toml"))
    assert "a declaration that is understood" in str(refused.value)


def test_a_simulation_needs_no_answers() -> None:
    settings, _ = finished(
        complete({"camera": {"source": "simulated"}, "policy": {"jurisdiction": "CH"}}, found()), Path()
    )
    assert settings.policy.jurisdiction == "CH"
