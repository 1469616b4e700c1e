"""What works without the package's extras, and what is said where one is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent import __version__
from edge_agent.config_file import parse_toml
from edge_agent.extras import how_to_install, missing_build, missing_extra
from tests.support.without_extras import run_without

ROOT = Path(__file__).parents[1]
MAINS = {
    "edge-agent": "from edge_agent.cli import main",
    "edge-fleet": "from fleet.cli import main",
    "train": "from train.__main__ import main",
    "export": "from export.__main__ import main",
}
HELP_OF_ALL = """
from typer import Context
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner
{imports} app

def walk(command, words):
    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0, (words, result.output, result.exception)
    print(*words)
    if isinstance(command, TyperGroup):
        context = Context(command)
        for name in command.list_commands(context):
            walk(command.get_command(context, name), [*words, name])

walk(get_command(app), [])
"""
APPS = {
    "edge-agent": ("from edge_agent.cli import app as", "fleet publish-model"),
    "edge-fleet": ("from fleet.cli import fleet_app as", "init"),
    "train": ("from train.__main__ import app as", "fit"),
    "export": ("from export.__main__ import app as", "convert"),
}


def program(main: str) -> str:
    return f"{MAINS[main]}\nmain()"


@pytest.mark.parametrize("name", APPS)
def test_every_commands_help_needs_no_extra(name: str) -> None:
    imports, one_of_them = APPS[name]
    done = run_without(HELP_OF_ALL.format(imports=imports))
    assert done.returncode == 0, done.stderr
    assert one_of_them in done.stdout.splitlines()


FOUND = ["init", "North", "--host", "broker.lan", "--folder", "fleet"]


@pytest.mark.parametrize(
    ("main", "words", "package", "extra"),
    [
        ("edge-agent", ["run"], "numpy", "device"),
        ("edge-agent", ["doctor", "--preflight"], "cv2", "device"),
        ("edge-agent", ["classify", "face.png"], "numpy", "device"),
        ("edge-agent", ["demo"], "numpy", "demo"),
        ("edge-agent", ["enrol", "--request", "-"], "cryptography", "fleet"),
        ("edge-agent", ["fleet", *FOUND], "cryptography", "fleet"),
        ("edge-fleet", FOUND, "cryptography", "fleet"),
        ("train", ["describe", "faces.csv"], "numpy", "train"),
        ("train", ["fit", "edge", "--data", "faces.csv", "--out", "run"], "keras", "train"),
        ("export", ["verify", "run", "model.tflite", "--data", "faces"], "numpy", "export"),
    ],
)
def test_a_missing_extra_is_one_line_that_says_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, main: str, words: list[str], package: str, extra: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run_without(program(main), *words, absent=(package,), PYTHONPATH=str(ROOT))
    assert done.stderr == (
        f"error: the package {package} is not installed. Install the extra {extra}: in a checkout pip install -e "
        f"'.[{extra}]', from a wheel pip install 'classroom-edge-agent[{extra}]'. (edge-agent {__version__})\n"
    )
    assert done.returncode == 3
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_that_no_extra_brings_keeps_its_traceback() -> None:
    done = run_without(program("edge-agent"), "check", "agent.toml", absent=("msgspec",))
    assert "Traceback" in done.stderr
    assert "ModuleNotFoundError: No module named 'msgspec" in done.stderr


def test_a_missing_module_of_ours_is_no_missing_extra() -> None:
    assert missing_extra(ModuleNotFoundError(name="edge_agent.app")) is None


def test_the_client_watch_and_the_contract_need_no_extra(tmp_path: Path) -> None:
    listening = "import sys\nimport edge_agent.client, edge_agent.mqtt.connection, edge_agent.console.live_view\n"
    assert run_without(listening).stderr == ""
    written = run_without(program("edge-agent"), "contract", "--out", tmp_path / "contract")
    assert written.returncode == 0, written.stderr
    assert (tmp_path / "contract" / "asyncapi.json").exists()


def test_a_python_too_new_for_a_package_is_named_with_the_newest_that_has_it() -> None:
    said = "ai-edge-litert is built for Python up to 3.14, and this is 3.15. If pip finds none, use Python 3.14"
    assert missing_build("ai-edge-litert", (3, 15)) == said
    assert missing_build("ai-edge-litert", (3, 14)) == ""
    assert missing_build("paho-mqtt", (3, 15)) == ""
    for extra in ("device", "demo", "train"):
        assert how_to_install(extra, (3, 15)).endswith(f"'classroom-edge-agent[{extra}]'. {said}")
    assert said not in how_to_install("fleet", (3, 15))


def test_extras_bring_the_modules_that_they_are_named_for() -> None:
    project = parse_toml((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = " ".join(project["dependencies"])
    for package in ("numpy", "opencv", "litert", "cryptography", "amqtt", "tensorflow"):
        assert package not in needed
    extras = {extra: " ".join(packages) for extra, packages in project["optional-dependencies"].items()}
    for module, package in {
        "numpy": "numpy",
        "cv2": "opencv-python-headless",
        "ai_edge_litert": "ai-edge-litert",
    }.items():
        missing = missing_extra(ModuleNotFoundError(name=module))
        assert missing is not None
        assert "extra device" in str(missing)
        assert package in extras["device"]
    for extra in ("demo", "train", "train-jax", "export"):
        assert "classroom-edge-agent[device]" in extras[extra]


def test_the_schools_tools_are_described_in_the_same_words_under_both_commands() -> None:
    from edge_agent.cli.fleet import fleet as shown
    from fleet.cli import fleet_app

    assert shown.info.help == fleet_app.info.help
