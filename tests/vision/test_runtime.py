"""Which runtime runs a model, that all of them agree, and what is said when one is missing or broken."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_agent.errors import InputError, ModelError
from edge_agent.model_format.bundle import pack_bundle, unpack_bundle, write_bundle
from edge_agent.vision.classifier import BUNDLED_MODEL, Classifier
from edge_agent.vision.runtime import open_interpreter
from tests.support.tflite_models import dense_model, metadata
from tests.support.tflite_runtime import ROOT, Unavailable, python_with_tflite_runtime

TOLERANCE = {"int8": 0.08, "float16": 1e-4, "float32": 1e-4}
"""Largest difference of a probability between two runtimes. int8 kernels may round a value to the step beside it, and
the next layers carry that on. A label may change only where the two best are closer together than this."""

READ_FACES = """
import json, sys
import numpy as np
from edge_agent.vision.classifier import Classifier
model, faces, runtime, out = sys.argv[1:]
classifier = Classifier.load(model, runtime=runtime)
np.save(out, classifier.predict(np.load(faces)))
print(json.dumps(classifier.runtime_name))
"""


def installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except pytest.skip.Exception:  # a quick run
        return False


@pytest.fixture(scope="module")
def old_python() -> Path:
    """A Python with tflite-runtime and NumPy 1."""
    try:
        return python_with_tflite_runtime()
    except Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module", params=["int8", "float32", "the package's own"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A convolutional model as a file."""
    if request.param == "the package's own":
        if not BUNDLED_MODEL.is_file():
            pytest.skip("the package carries no model")
        return BUNDLED_MODEL
    if not installed("tensorflow"):
        pytest.skip("TensorFlow is not installed: it makes the model to compare with")
    from tests.support.exported import bundle

    made = bundle(request.param)
    path = tmp_path_factory.mktemp("models") / "model.tflite"
    write_bundle(path, made.flatbuffer, made.metadata)
    return path


@pytest.fixture(scope="module")
def faces() -> NDArray[np.uint8]:
    return textures(64)


def textures(count: int) -> NDArray[np.uint8]:
    """Gray pictures with structure of every size: sums of noise from one to forty-eight cells wide."""
    random = np.random.default_rng(21)
    made = np.zeros((count, 48, 48))
    for cells in (1, 2, 4, 8, 16, 48):
        coarse = random.normal(0, 40, (count, cells, cells))
        made += coarse.repeat(48 // cells, axis=1).repeat(48 // cells, axis=2)
    return np.asarray(np.clip(made + 128, 0, 255), np.uint8)


def assert_same_reading(one: NDArray[np.float32], other: NDArray[np.float32], tolerance: float) -> None:
    """Probabilities within the tolerance; labels equal but where one's two best are closer together than that."""
    np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)
    best = np.sort(one, axis=1)
    near_tie = best[:, -1] - best[:, -2] < tolerance
    assert (near_tie | (one.argmax(axis=1) == other.argmax(axis=1))).all()
    assert len(np.unique(one.argmax(axis=1))) > 1, "a model that answers the same to everything proves nothing"


def read_in(
    python: Path, model: Path, faces: NDArray[np.uint8], folder: Path, runtime: str, path: str = ""
) -> tuple[NDArray[np.float32], str, str]:
    """Probabilities, the runtime's name and what was logged, from a Python of its own."""
    np.save(folder / "faces.npy", faces)
    words = [str(model), str(folder / "faces.npy"), runtime, str(folder / "out.npy")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [path, str(ROOT)]))}
    done = subprocess.run(
        [str(python), "-c", READ_FACES, *words], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return np.load(folder / "out.npy"), json.loads(done.stdout), done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_tflite_runtime_answers_as_litert_does(
    old_python: Path, model: Path, faces: NDArray[np.uint8], tmp_path: Path
) -> None:
    litert = Classifier.load(model, runtime="litert")

    read, name, _ = read_in(old_python, model, faces, tmp_path, "tflite")

    assert name == "tflite-runtime 2.14.0"
    assert_same_reading(litert.predict(faces), read, TOLERANCE[litert.metadata.quantization])


@pytest.mark.timeout(300)
@pytest.mark.skipif(not installed("tensorflow"), reason="TensorFlow is not installed")
def test_tensorflow_answers_as_litert_does(model: Path, faces: NDArray[np.uint8]) -> None:
    litert = Classifier.load(model, runtime="litert")
    tensorflow = Classifier.load(model, runtime="tensorflow")

    assert tensorflow.runtime_name.startswith("TensorFlow 2.")
    assert_same_reading(litert.predict(faces), tensorflow.predict(faces), TOLERANCE[litert.metadata.quantization])


def test_litert_comes_first() -> None:
    assert open_interpreter(dense_model()).runtime.startswith("LiteRT ")


@pytest.mark.timeout(600)
def test_a_broken_runtime_is_passed_over_with_a_warning_that_says_why(old_python: Path, tmp_path: Path) -> None:
    package = tmp_path / "broken" / "ai_edge_litert"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "interpreter.py").write_text("raise OSError('libLiteRt.so: cannot open shared object file')\n")
    write_bundle(tmp_path / "model.tflite", dense_model(), metadata())

    _, name, logged = read_in(
        old_python, tmp_path / "model.tflite", textures(2), tmp_path, "auto", path=str(tmp_path / "broken")
    )

    assert name == "tflite-runtime 2.14.0"
    assert "LiteRT is installed but cannot run the model: libLiteRt.so: cannot open shared object file" in logged


@pytest.mark.timeout(600)
@pytest.mark.skipif(
    sys.version_info[:2] not in ((3, 10), (3, 11)), reason="tflite-runtime has no build for this Python"
)
@pytest.mark.skipif(int(np.__version__.split(".")[0]) < 2, reason="needs NumPy 2")
def test_tflite_runtime_beside_numpy_2_is_recognised_and_explained(old_python: Path, tmp_path: Path) -> None:
    asked = "import sys, tflite_runtime; print(sys.version_info[:2] == eval(sys.argv[1]), tflite_runtime.__path__[0])"
    done = subprocess.run(
        [str(old_python), "-c", asked, str(sys.version_info[:2])], capture_output=True, text=True, check=True
    )
    same_version, package = done.stdout.split()
    if same_version != "True":
        pytest.skip("the tflite-runtime here is built for another Python")
    (tmp_path / "tflite_runtime").symlink_to(package)
    code = (
        "from edge_agent.vision.runtime import open_interpreter\n"
        "from edge_agent.errors import ModelError\n"
        "from tests.support.tflite_models import dense_model\n"
        "try: open_interpreter(dense_model(), 'tflite')\n"
        "except ModelError as error: print(error)\n"
    )

    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

    assert "it was built for NumPy 1 and NumPy 2" in said.stdout
    assert 'Install `"numpy<2"` beside it, or `ai-edge-litert` in its place' in said.stdout
    assert said.stderr == ""


@pytest.mark.skipif(installed("tflite_runtime"), reason="tflite-runtime is installed")
def test_a_forced_runtime_that_is_missing_says_how_to_get_it() -> None:
    with pytest.raises(
        ModelError,
        match=r"runtime tflite: tflite-runtime is not installed\. Install it with `pip install tflite-runtime`",
    ):
        open_interpreter(dense_model(), "tflite")


def test_a_forced_runtime_that_fails_says_why() -> None:
    with pytest.raises(ModelError, match=r"runtime litert cannot run the model: .+\. Reinstall it with"):
        open_interpreter(dense_model()[:1000], "litert")


def test_no_such_runtime() -> None:
    with pytest.raises(InputError, match="runtime: got 'onnx', expected one of auto, litert, tflite, tensorflow"):
        open_interpreter(dense_model(), "onnx")


def test_no_threads() -> None:
    with pytest.raises(InputError, match="threads: got 0, expected 1 or more"):
        open_interpreter(dense_model(), threads=0)


def test_the_choice_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            open_interpreter(dense_model(), threads=3)

    assert [line for line in caplog.messages if line.startswith("inference runs on LiteRT")] == [
        f"inference runs on {open_interpreter(dense_model()).runtime} with 3 threads"
    ]


def test_the_runtime_greets_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    Classifier(unpack_bundle(pack_bundle(dense_model(), metadata()), "dense"))

    assert capfd.readouterr().err == ""
