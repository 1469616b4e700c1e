"""`run` reads plain arguments by itself, and as typer would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest
import typer
from typer.core import TyperCommand
from typer.main import get_command

from edge_agent import cli
from edge_agent.cli.plain_arguments import PlainCommand, plain_values
from tests.support.commands import edge_agent


def run_command() -> TyperCommand:
    command = cli._load("run")
    assert isinstance(command, PlainCommand)
    return command


PLAIN = [
    [],
    ["--config", "agent.toml"],
    ["--config=a b.toml", "-v"],
    ["--runtime", "tflite", "--verbose", "--config", "."],
    ["--config", "first.toml", "--config", "second.toml"],
]
NOT_PLAIN = [
    ["--help"],
    ["--config", "agent.toml", "--help"],
    ["--confg", "agent.toml"],
    ["--config"],
    ["--runtime", "fast"],
    ["--verbose=yes"],
    ["agent.toml"],
    ["--", "agent.toml"],
]


@pytest.mark.parametrize("args", PLAIN, ids=str)
def test_plain_arguments_are_read_as_typer_reads_them(args: list[str]) -> None:
    command = run_command()
    context = typer.Context(command)
    TyperCommand.parse_args(command, context, list(args))
    assert plain_values(command, args) == context.params


@pytest.mark.parametrize("args", NOT_PLAIN, ids=str)
def test_help_and_mistakes_are_left_to_typer(args: list[str]) -> None:
    assert plain_values(run_command(), args) is None


def test_kinds_of_options_that_take_more_than_a_look_are_left_to_typer() -> None:
    app = typer.Typer(add_completion=False)

    def command(number: int = 1, word: str = "a", kind: Literal["x", "y"] = "x", many: list[str] | None = None) -> None:
        """Does nothing: its parameters count."""
        _ = number, word, kind, many

    app.command(cls=PlainCommand)(command)
    made = get_command(app)
    assert isinstance(made, TyperCommand)
    assert plain_values(made, ["--word", "b", "--kind", "y"]) == {"number": 1, "word": "b", "kind": "y", "many": None}
    assert plain_values(made, ["--number", "2"]) is None
    assert plain_values(made, ["--many", "b"]) is None


def test_run_says_what_is_wrong_with_its_arguments() -> None:
    for args, said in ((["--confg", "a"], "No such option"), (["--runtime", "fast"], "fast"), (["a.toml"], "a.toml")):
        done = edge_agent("run", *args)
        assert done.returncode == 2
        assert "edge-agent run" in done.stderr
        assert said in done.stderr
    assert "--config" in edge_agent("run", "--help").stdout


def test_run_holds_neither_pydantic_nor_rich(tmp_path: Path) -> None:
    missing = tmp_path / "none.toml"
    program = (
        "import sys\nfrom edge_agent import cli\nsys.argv = ['edge-agent', 'run', '--config', sys.argv[1]]\n"
        "try:\n    cli.main()\nexcept SystemExit as ending:\n    print(ending.code)\n"
        "print(sorted({'pydantic', 'rich', 'http.server'} & sys.modules.keys()))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, missing], capture_output=True, text=True, check=True)
    assert done.stdout == "4\n[]\n"
    assert str(missing) in done.stderr
