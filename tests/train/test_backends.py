"""The same training code on Keras' two backends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from train.run_dir import RunDir

pytest.importorskip("jax", reason="JAX is not installed: pip install 'classroom-edge-agent[train-jax]'")

SCRIPT = """
import sys
from pathlib import Path
from msgspec.structs import replace
from tests.train.faces import bright_halves, two_to_one
from tests.train.test_trainer import RECIPE
from train.recipe import Phase
from train.run_dir import RunDir
from train.trainer import fit
faces = bright_halves()
recipe = replace(RECIPE, phases=(Phase(epochs=4, side_px=32), Phase(epochs=10)))
fit(recipe, faces, two_to_one(faces), RunDir(Path(sys.argv[1])))
"""


def train_on(backend: str, folder: Path) -> RunDir:
    subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder)],
        env={**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"},
        check=True,
        capture_output=True,
        timeout=280,
    )
    return RunDir(folder)


@pytest.mark.timeout(300)
def test_jax_trains_the_same_recipe_to_a_network_that_both_backends_read(tmp_path: Path) -> None:
    run = train_on("jax", tmp_path / "jax")
    assert run.record().versions["backend"] == "jax"
    assert run.metrics()[-1].val_accuracy >= 0.9
    assert len(list(run.path.glob("tensorboard/*/events.*"))) == 2

    import keras

    model = keras.models.load_model(run.model_path, compile=False)
    assert keras.backend.backend() == "tensorflow"
    assert model.count_params() == json.loads((run.path / "run.json").read_text())["parameters"]
