"""The command ``python -m train fit`` as a user meets it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge_agent.errors import InputError
from tests.support.training import needs_training
from tests.train.data.test_folders import make_tree
from train.__main__ import app
from train.fit.run_dir import RunDir

RECIPE = """
title = "A test"
source = ""
command = ""
cost = ""
expected = ""
model = "testing"
batch_size = 8
[[phases]]
epochs = 9
"""


@pytest.mark.timeout(300)
def test_settings_of_the_command_line_are_recorded_and_the_screen_stays_clean(tmp_path: Path) -> None:
    needs_training()
    data = make_tree(tmp_path / "set", ("1", "4"), per_class=12)
    (tmp_path / "own.toml").write_text(RECIPE)
    options = "--label-map rafdb --epochs 2 --limit 12 --learning-rate 0.01 --early-stop 3"
    command = ["fit", tmp_path / "own.toml", "--data", data, "--out", tmp_path / "run", *options.split()]
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("TF_CPP")}
    done = subprocess.run(
        [sys.executable, "-m", "train", *map(str, command)],
        capture_output=True,
        text=True,
        env=quiet,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not re.search(r"cuda|cuInit|oneDNN|absl|NodeDef", done.stderr, re.IGNORECASE), done.stderr
    record = RunDir(tmp_path / "run").record()
    assert record.classes == ("happy", "surprise")
    assert (record.recipe.epochs, record.recipe.limit, record.recipe.early_stop) == (2, 12, 3)
    assert record.recipe.optimizer.learning_rate == 0.01
    assert record.images["train"] == 12
    assert "--label-map rafdb" in done.stdout


@pytest.mark.timeout(300)
def test_a_training_that_is_interrupted_says_how_it_continues(tmp_path: Path) -> None:
    needs_training()
    data = make_tree(tmp_path / "set", ("happy", "sad"), per_class=12)
    (tmp_path / "own.toml").write_text(RECIPE)
    command = ["fit", tmp_path / "own.toml", "--data", data, "--out", tmp_path / "run", "--epochs", "100000"]
    # A shell starts what runs in its background with Ctrl-C ignored, tests too.
    main = "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    main += "runpy.run_module('train', run_name='__main__', alter_sys=True)"
    with subprocess.Popen(
        [sys.executable, "-c", main, *map(str, command)], stderr=subprocess.PIPE, text=True
    ) as process:
        while process.poll() is None and not (tmp_path / "run" / "metrics.jsonl").exists():
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=200)[1]
    assert process.returncode == 130, said
    assert f"The same command with --resume continues the run in {tmp_path / 'run'}" in said
    assert "Traceback" not in said


def test_a_folder_that_no_run_can_be_made_in_is_refused_before_the_data_are_read(tmp_path: Path) -> None:
    needs_training()
    (tmp_path / "own.toml").write_text(RECIPE)
    words = ["fit", tmp_path / "own.toml", "--data", tmp_path / "nowhere", "--out", tmp_path]
    for further in ([], ["--resume"]):
        found = CliRunner().invoke(app, [*map(str, words), *further]).exception
        assert isinstance(found, InputError)
        assert "a folder that is not empty" in str(found)
    found = CliRunner().invoke(app, [*map(str, words[:-1]), "/proc/run"]).exception
    assert "/proc: cannot be written" in str(found)
