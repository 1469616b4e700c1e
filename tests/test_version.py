"""One version: in the package, in its metadata and at the top of the changelog."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from edge_agent import __version__
from edge_agent.config_file import parse_toml

ROOT = Path(__file__).parents[1]
CATEGORIES = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def changelog() -> str:
    return (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_changelogs_newest_version_is_the_packages() -> None:
    versions = re.findall(r"^## \[?(\d+\.\d+\.\d+)", changelog(), re.MULTILINE)
    assert versions[0] == __version__


def test_the_projects_metadata_take_the_version_from_the_package() -> None:
    project = parse_toml((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in project["project"]
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "edge_agent.__version__"}


def test_the_command_prints_the_version_and_nothing_else() -> None:
    command = [sys.executable, "-m", "edge_agent.cli", "--version"]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True).stdout
    assert printed == f"{__version__}\n"


def test_the_changelog_sorts_what_changed_by_the_usual_categories() -> None:
    headings = re.findall(r"^### (.+)$", changelog(), re.MULTILINE)
    assert headings
    assert set(headings) <= CATEGORIES
