"""The same training code on Keras' two backends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from train.fit.run_dir import RunDir

pytest.importorskip("jax", reason="JAX is not installed: pip install 'classroom-edge-agent[train-jax]'")

SCRIPT = """
import sys
from pathlib import Path
from msgspec.structs import replace
from tests.train.faces import bright_halves, two_to_one
from tests.train.fit.test_trainer import RECIPE
from train.fit.recipe import Phase
from train.fit.run_dir import RunDir
from train.fit.inputs import TrainingInputs
from train.fit.trainer import fit
faces = bright_halves()
recipe = replace(RECIPE, phases=(Phase(epochs=4, side_px=32), Phase(epochs=10)))
fit(TrainingInputs(recipe, faces, two_to_one(faces)), RunDir(Path(sys.argv[1])))
"""


CONTINUED = """
import sys
from pathlib import Path
from msgspec.structs import replace
from tests.train.faces import bright_halves, two_to_one
from tests.train.fit.test_trainer import RECIPE
from train.fit.recipe import Phase
from train.fit.run_dir import RunDir
from train.fit.inputs import TrainingInputs
from train.fit.trainer import fit
class Cut(Exception):
    pass
def cut(metrics):
    raise Cut
faces = bright_halves()
recipe = replace(RECIPE, phases=(Phase(epochs=2),))
fit(TrainingInputs(recipe, faces, two_to_one(faces)), RunDir(Path(sys.argv[1]) / "whole"))
try:
    fit(TrainingInputs(recipe, faces, two_to_one(faces)), RunDir(Path(sys.argv[1]) / "cut"), on_epoch=cut)
except Cut:
    fit(TrainingInputs(recipe, faces, two_to_one(faces)), RunDir(Path(sys.argv[1]) / "cut"), resume=True)
"""


def train_on(backend: str, folder: Path, script: str = SCRIPT) -> RunDir:
    subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        env={**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"},
        check=True,
        capture_output=True,
        timeout=280,
    )
    return RunDir(folder)


@pytest.mark.timeout(300)
def test_an_interrupted_run_continues_on_jax_with_the_batches_it_would_have_had(tmp_path: Path) -> None:
    train_on("jax", tmp_path, CONTINUED)
    whole, cut = RunDir(tmp_path / "whole").metrics(), RunDir(tmp_path / "cut").metrics()
    assert [row.loss for row in cut] == pytest.approx([row.loss for row in whole], rel=1e-4)
    assert [row.val_loss for row in cut] == pytest.approx([row.val_loss for row in whole], rel=1e-4)


@pytest.mark.timeout(300)
def test_jax_trains_the_same_recipe_to_a_network_that_both_backends_load(tmp_path: Path) -> None:
    run = train_on("jax", tmp_path / "jax")
    assert run.record().versions["backend"] == "jax"
    assert run.metrics()[-1].val_accuracy >= 0.9
    assert len(list(run.path.glob("tensorboard/*/events.*"))) == 2

    import keras

    model = keras.models.load_model(run.model_path, compile=False)
    assert keras.backend.backend() == "tensorflow"
    assert model.count_params() == json.loads((run.path / "run.json").read_text())["parameters"]
