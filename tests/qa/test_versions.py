"""Which Pythons are tried, and where they come from."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edge_agent.errors import InputError
from qa import versions
from qa.pythons import DEBIAN_SUITES, debian_python, find_python
from qa.versions import PYTHONS, try_versions

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


def test_a_python_of_the_search_path_is_found_by_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / f"python{HERE}").symlink_to(sys.executable)
    (tmp_path / "python3.9").symlink_to(sys.executable)
    assert find_python(HERE) == tmp_path / f"python{HERE}"
    assert find_python("3.9") is None  # what stands there is another version
    assert find_python("3.8") is None


def test_a_python_that_no_release_of_debian_has_is_reported_and_not_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\n")
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    cells = try_versions(tmp_path, ["3.12"], ["oldest", "newest"], [], debian=True)
    assert [(cell.packages, cell.outcome) for cell in cells] == [("oldest", "not here"), ("newest", "not here")]
    assert "in no release of Debian, expected 3.11 or 3.13 or 3.14" in cells[0].detail


def test_debians_pythons_are_among_those_that_are_tried(tmp_path: Path) -> None:
    assert set(DEBIAN_SUITES) <= set(PYTHONS)
    with pytest.raises(InputError):
        debian_python("3.9", tmp_path, tmp_path / "uv")


def test_what_the_tests_need_is_taken_from_the_extra_dev_without_linters() -> None:
    tools = versions.test_tools(Path(__file__).parents[2] / "pyproject.toml")
    assert any(tool.startswith("pytest>=") for tool in tools)
    assert not any(tool.startswith(("ruff", "mypy", "classroom-edge-agent")) for tool in tools)
