"""Own photographs to a bundle running in the agent, command by command as docs/retrain.md has it, on drawn faces."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

from edge_agent.simulate import draw_face
from edge_agent.vision.classifier import BUNDLED_MODEL
from tests.e2e.test_agent import agent, messages, witness
from tests.support.broker import Mosquitto, running_mosquitto, wait_until
from train.fit.recipe import RECIPES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

DRAWN = {"smiling": "happy", "startled": "surprise", "calm": "neutral"}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with running_mosquitto(tmp_path) as running:
        yield running


def command(*words: object) -> str:
    """Run a command as a user does and give what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", *map(str, words)], capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def photographs(root: Path) -> Path:
    for label, expression in DRAWN.items():
        for person in range(14):
            folder = root / label / f"p{person}"
            folder.mkdir(parents=True)
            for shot, intensity in enumerate((0.9, 1.0)):
                assert cv2.imwrite(str(folder / f"{shot}.jpg"), draw_face(expression, intensity, person, 200).image)
    return root


def shorter(recipe: str, path: Path) -> Path:
    """A bundled recipe with fewer epochs, as a user would copy and change it."""
    text = (RECIPES / f"{recipe}.toml").read_text(encoding="utf-8")
    assert "epochs = 12" in text
    path.write_text(text.replace("epochs = 12", "epochs = 4"), encoding="utf-8")
    return path


def test_own_photographs_become_a_bundle_whose_labels_the_agent_publishes(broker: Mosquitto, tmp_path: Path) -> None:
    photos, crops, run, model = (tmp_path / name for name in ("photos", "crops", "run", "own.tflite"))
    command("train", "prepare", "--images", photographs(photos), "--out", crops, "--detector", "haar")
    command(
        "train",
        "fit",
        shorter("finetune", tmp_path / "own.toml"),
        "--from",
        BUNDLED_MODEL,
        "--data",
        crops,
        "--out",
        run,
    )
    assert "accuracy" in command("train", "evaluate", run, "--data", crops, "--part", "test")
    command("export", "convert", run, "--out", model, "--data", crops, "--name", "own")
    command("export", "verify", run, model, "--data", crops, "--max-accuracy-drop", 10, "--min-agreement", 90)

    settings = (
        f'[classifier]\nmodel = "{model}"\n[camera]\nsource = "simulated"\nfaces = 6\nwidth_px = 800\nheight_px = 600\n'
    )
    more = settings + "[privacy]\nmin_group = 1\n[summary]\nwindow_s = 2\n"
    with witness(broker, tmp_path) as heard, agent(broker, tmp_path, more):

        def enough() -> bool:
            names = [topic for topic, _ in messages(heard)]
            published = {body["expression"] for topic, body in messages(heard) if topic == "expression"} - {"uncertain"}
            return len(published) >= 2 and names.count("summary") >= 2

        wait_until(enough, 120, "two expressions and two summaries")
        published = messages(heard)
    status = next(body for topic, body in published if topic == "status")
    events = [body for topic, body in published if topic == "expression"]
    assert status["labels"] == sorted(DRAWN)
    assert {str(body["expression"]) for body in events} <= {*DRAWN, "uncertain"}
    assert all(set(body["scores"]) == set(DRAWN) for body in events if isinstance(body["scores"], dict))
    shares = [body["shares"] for topic, body in published if topic == "summary"]
    assert all(set(share) <= {*DRAWN, "uncertain"} for share in shares if isinstance(share, dict))
