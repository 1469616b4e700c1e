"""The page of symptoms has every problem that ``health`` can report, every check of ``doctor``, and no others."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.protocol.problems import PROBLEMS
from edge_agent.vision.camera_state import CameraState

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
HEALTHY = {CameraState.OK, CameraState.STARTING, CameraState.MUTED}


def section(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, f"the page has no section {title}"
    return found[1]


def listed(title: str) -> set[str]:
    """The first cells of a section's tables."""
    return set(re.findall(r"^\| `(\w+)` \|", section(title), re.MULTILINE))


def trees(folder: Path) -> Iterator[ast.Module]:
    for file in folder.rglob("*.py"):
        yield ast.parse(file.read_text(encoding="utf-8"))


def strings(nodes: Iterator[ast.expr | None]) -> set[str]:
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def words_of_problems(function: ast.FunctionDef) -> set[str]:
    """Words that a function adds to its problems: keys beside the condition for them, and what it appends."""
    if "problems" not in function.name and not any(
        isinstance(node, ast.Name) and node.id == "problems" for node in ast.walk(function)
    ):
        return set()
    found: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Dict):
            found |= strings(iter(node.keys))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "append":
            found |= strings(iter(node.args))
    return found


def emitted() -> set[str]:
    functions = (
        node
        for part in ("device", "health")
        for tree in trees(ROOT / "edge_agent" / part)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    )
    app = ast.parse((ROOT / "edge_agent" / "app.py").read_text(encoding="utf-8"))
    found = {word for function in functions for word in words_of_problems(function)}
    found |= {word for node in ast.walk(app) if isinstance(node, ast.FunctionDef) for word in words_of_problems(node)}
    return found | {f"camera_{state.value}" for state in CameraState if state not in HEALTHY}


def test_the_page_has_every_problem_that_health_can_report_and_no_other() -> None:
    words = emitted()
    assert {"throttled", "outbox_degraded", "led_failed"} <= words, "the search finds nothing in the code any more"
    assert listed("Problems in `health`") == words == set(PROBLEMS)


@pytest.mark.parametrize("word", PROBLEMS)
def test_a_problem_is_described_on_the_page_as_in_the_code(word: str) -> None:
    row = re.search(rf"^\| `{word}` \| ([^|]*) \| ([^|]*) \|", section("Problems in `health`"), re.MULTILINE)
    assert row is not None
    cause, remedy = (re.sub(r"; see (below|\[.*)$", "", cell).replace("`", "") for cell in row.groups())
    assert (cause, remedy) == PROBLEMS[word]


def test_the_page_has_every_check_of_doctor_and_no_other() -> None:
    tree = ast.parse((ROOT / "edge_agent" / "commands" / "doctor.py").read_text(encoding="utf-8"))
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name))
    checks = strings(node.args[0] for node in calls if isinstance(node.func, ast.Name) and node.func.id == "_Check")
    assert len(checks) >= 9, "the search finds nothing in the code any more"
    assert listed("Checks of `edge-agent doctor`") == checks


MESSAGES = sorted(
    {
        fragment.strip(" :")
        for title in ("Camera errors", "Connection errors", "Certificates", "Model errors", "Installation and service")
        for cell in re.findall(r"^\| ([^|]*`[^|]*) \|", section(title), re.MULTILINE)
        for message in re.findall(r"`([^`]+)`", cell)
        for fragment in message.split("...")
        if len(fragment.strip(" :")) > 3
    }
)


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_on_the_page_is_one_that_the_code_can_say(message: str) -> None:
    sources = (file.read_text(encoding="utf-8") for file in (ROOT / "edge_agent").rglob("*.py"))
    joined = (re.sub(r'"\s*f?"', "", source) for source in sources)
    assert any(message in source for source in joined)
