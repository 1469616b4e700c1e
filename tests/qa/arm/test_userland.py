"""The pieces from which the emulated board is made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_agent.errors import InputError
from qa import debian
from qa.arm.emulator import CORES, CORTEX_A53, CORTEX_A72, Board, Processor, cpuinfo, sys_files
from qa.fresh import files_fingerprint, is_fresh, mark_fresh


def test_apt_keeps_to_its_own_state(tmp_path: Path) -> None:
    settings = debian.apt_settings(tmp_path, ["arm64", "amd64"])
    assert f'Dir::State "{tmp_path}";' in settings
    assert f'Dir::Cache "{tmp_path}/cache";' in settings
    assert 'APT::Architecture "arm64";' in settings
    assert 'APT::Architectures { "arm64"; "amd64"; };' in settings


def test_a_source_names_the_architectures_and_the_key() -> None:
    line = debian.source_line("http://mirror.example/debian", "sid", ["arm64", "amd64"])
    assert line == f"deb [arch=arm64,amd64 signed-by={debian.KEYRING}] http://mirror.example/debian sid main\n"


def test_another_mirror_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBIAN_MIRROR", "http://mirror.example/debian")
    assert debian.mirror() == "http://mirror.example/debian"
    monkeypatch.setenv("DEBIAN_MIRROR", "")
    assert debian.mirror() == debian.DEFAULT_MIRROR


def test_the_error_on_a_machine_without_apt_names_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="apt-get, dpkg, dpkg-deb"):
        debian.Archive(tmp_path / "apt", "bookworm")


@pytest.mark.parametrize(("processor", "part"), [(CORTEX_A53, "0xd03"), (CORTEX_A72, "0xd08")])
def test_the_board_describes_its_own_processor(processor: Processor, part: str) -> None:
    text = cpuinfo(processor)
    assert text.count("processor\t:") == CORES
    assert text.count(f"CPU part\t: {part}\n") == CORES


def test_all_its_cores_are_there() -> None:
    files = sys_files()
    assert files["present"] == f"0-{CORES - 1}\n"
    assert files[f"cpu{CORES - 1}/topology/core_id"] == f"{CORES - 1}\n"


def test_a_board_sees_the_userland_and_its_own_processor(tmp_path: Path) -> None:
    userland = tmp_path / "userland"
    (userland / "usr" / "bin").mkdir(parents=True)
    (userland / "proc").mkdir()
    board = Board(CORTEX_A72, [str(tmp_path / "qemu")], userland, [tmp_path / "a", tmp_path / "b"], tmp_path / "root")
    root = tmp_path / "root"
    assert (root / "usr" / "bin").is_dir()
    assert "0xd08" in (root / "proc" / "cpuinfo").read_text()
    assert not any((userland / "proc").iterdir())
    assert board.python("-V")[:5] == [str(tmp_path / "qemu"), "-cpu", "cortex-a72", "-L", str(root)]


def test_a_board_takes_nothing_of_this_machines_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/here")
    monkeypatch.setenv("PYTHONHOME", "/here")
    (tmp_path / "userland").mkdir()
    board = Board(CORTEX_A53, ["qemu"], tmp_path / "userland", [Path("/a"), Path("/b")], tmp_path / "root")
    environment = board.environment()
    assert environment["PYTHONPATH"] == "/a:/b"
    assert "PYTHONHOME" not in environment
    assert environment["PATH"] == os.environ["PATH"]


def test_a_folder_is_fresh_only_for_what_it_was_made_from(tmp_path: Path) -> None:
    assert not is_fresh(tmp_path, "one")
    mark_fresh(tmp_path, "one")
    assert is_fresh(tmp_path, "one")
    assert not is_fresh(tmp_path, "two")


def test_a_fingerprint_follows_names_and_contents_and_no_byte_code(tmp_path: Path) -> None:
    package = tmp_path / "package"
    (package / "__pycache__").mkdir(parents=True)
    (package / "a.py").write_text("1")
    first = files_fingerprint(tmp_path, "package")
    (package / "__pycache__" / "a.pyc").write_text("x")
    assert files_fingerprint(tmp_path, "package") == first
    (package / "a.py").write_text("2")
    second = files_fingerprint(tmp_path, "package")
    (package / "a.py").rename(package / "b.py")
    assert len({first, second, files_fingerprint(tmp_path, "package")}) == 3
