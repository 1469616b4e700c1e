"""The documents: what they say to type exists, and what they link to is there. So does what the code says to type."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from typer import Context
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from edge_agent.cli import app as device_app
from export.__main__ import app as export_app
from fleet.cli import fleet_app
from train.__main__ import app as train_app

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "integrations" / "README.md"])
CODE = sorted(
    file
    for package in ("edge_agent", "dashboard", "export", "fleet", "integrations", "qa", "train")
    for file in (ROOT / package).rglob("*.py")
)
APPS = {
    "edge-agent": device_app,
    "edge-fleet": fleet_app,
    "python -m train": train_app,
    "python -m export": export_app,
}
COMMANDS: dict[str, Any] = {program: get_command(app) for program, app in APPS.items()}
COMMAND = re.compile(r"(edge-agent|edge-fleet|python -m train|python -m export)((?: [a-z][a-z-]+)+)((?: [^`\n#|]*)?)")


def name(document: Path) -> str:
    return str(document.relative_to(ROOT))


def documented() -> list[tuple[str, str, str, str]]:
    """Every command in a shell block or between backticks, or in the code: file, program, words, rest of the line."""
    found = []
    for file in CODE:
        text = file.read_text(encoding="utf-8")
        snippets = re.findall(r"""(?<![\w-])(?:edge-agent|edge-fleet|python -m) [^`'"\n]*""", text)
        found += [(name(file), *match) for snippet in dict.fromkeys(snippets) for match in COMMAND.findall(snippet)]
    for document in DOCUMENTS:
        snippets = re.findall(r"```sh\n(.*?)```|`([^`\n]+)`", document.read_text(encoding="utf-8"), re.DOTALL)
        for block, inline in snippets:
            found += [(name(document), *match) for match in COMMAND.findall(block or inline)]
    return found


@pytest.mark.parametrize(("document", "program", "words", "rest"), documented())
def test_a_documented_command_exists_with_its_options(document: str, program: str, words: str, rest: str) -> None:
    command = COMMANDS[program]
    path = []
    for word in words.split():
        inner = command.get_command(Context(command), word) if isinstance(command, TyperGroup) else None
        if inner is None:
            break
        command = inner
        path.append(word)
    is_whole = path and not (isinstance(command, TyperGroup) and len(path) < len(words.split()))
    assert is_whole, f"{document}: {program}{words} is no command"
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    for option in re.findall(r"(?<!\S)--[a-z-]+", words + rest):
        assert option in known, f"{document}: {program} {' '.join(path)} has no {option}"


def modules() -> list[tuple[str, str]]:
    """Every module that the documents or the code say to run, with one file that names it."""
    return sorted(
        {
            module: name(file)
            for file in (*DOCUMENTS, *CODE)
            for module in re.findall(r"python3? -m ([a-z_][a-z_.]*[a-z_])", file.read_text(encoding="utf-8"))
        }.items()
    )


@pytest.mark.parametrize(("module", "file"), modules())
def test_a_documented_module_can_be_run(module: str, file: str) -> None:
    try:
        found = find_spec(module)
        if found is not None and found.submodule_search_locations is not None:
            found = find_spec(f"{module}.__main__")
    except ModuleNotFoundError:
        found = None
    assert found is not None, f"{file}: python -m {module} is no command"


def links(document: Path) -> list[tuple[str, str]]:
    """File and heading of every link that does not leave the repository, those defined at the end included."""
    text = document.read_text(encoding="utf-8")
    return re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", text) + re.findall(
        r"^\[[^\]]+\]: ([^\s#:]*)(?:#(\S*))?$", text, re.MULTILINE
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_each_target_of_links_has_a_line_of_its_own(document: Path) -> None:
    """Else Markdown takes them for text, and the links that need them lead nowhere."""
    lines = document.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if re.search(r"\]: \S+ \[|^\[[^\]]*\]:$", line)] == []


def anchors(document: Path) -> set[str]:
    """What a heading is called in a link, as GitHub forms it."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_lead_to_files_and_headings(document: Path) -> None:
    for file, heading in links(document):
        target = document.parent / file if file else document
        assert target.exists(), f"{name(document)} links to {file}"
        if heading:
            assert heading in anchors(target), f"{name(document)} links to #{heading} of {target.name}"


@pytest.mark.parametrize("app", APPS.values(), ids=APPS)
def test_every_command_has_help(app: object) -> None:
    result = CliRunner().invoke(app, ["--help"])  # type: ignore[arg-type]
    assert result.exit_code == 0


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_named_files_of_the_code_exist(document: Path) -> None:
    for file in re.findall(r"`((?:\w+/)+\w+\.(?:py|toml|sh))`", document.read_text(encoding="utf-8")):
        assert (ROOT / file).exists() or (ROOT / "edge_agent" / file).exists(), f"{name(document)} names {file}"


def test_the_architecture_names_every_package_and_module_of_the_agent() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    code = ROOT / "edge_agent"
    packages = [path.parent.name for path in code.glob("*/__init__.py")]
    modules = [path.name for path in code.glob("*.py") if path.name != "__init__.py"]
    assert [part for part in (*packages, *modules) if f"`{part}`" not in text] == []
