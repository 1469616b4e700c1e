"""From a bundle to an ONNX file: ONNX Runtime answers what the device's classifier answers."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge_agent.errors import CheckFailed, InputError, ModelError
from edge_agent.model_format.bundle import Bundle, pack_bundle, read_bundle, unpack_bundle, write_bundle
from edge_agent.model_format.metadata import InputSpec, Metadata
from edge_agent.model_format.priors import NamedPrior, training_shares_of_bundle
from edge_agent.vision.classifier import BUNDLED_MODELS, Classifier, softmax
from export.convert import Quantization, to_tflite
from export.keras_model import import_keras
from export.onnx_file import (
    FACES,
    LOGITS,
    PROBABILITIES,
    OnnxRunner,
    check_agreement,
    check_on_golden_faces,
    compare_onnx,
    export_onnx,
    to_onnx,
)
from tests.export.test_commands import Call, call, data, run
from tests.support.exported import CLASSES, bundle, faces

onnxruntime = pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")

__all__ = ["call", "data", "run"]
pytestmark = pytest.mark.timeout(300)  # the first test imports TensorFlow
DOCUMENT = Path(__file__).parents[2] / "docs" / "onnx.md"


@cache
def converted(quantization: Quantization, prior: NamedPrior = "half") -> bytes:
    return to_onnx(with_shares(bundle(quantization)), prior)


def with_shares(plain: Bundle) -> Bundle:
    """A bundle that states the shares of its training: each label half as frequent as the one before it."""
    shares = {label: 2.0**-place for place, label in enumerate(CLASSES)}
    total = sum(shares.values())
    facts = msgspec.structs.replace(plain.metadata, prior={label: share / total for label, share in shares.items()})
    return unpack_bundle(pack_bundle(plain.flatbuffer, facts), plain.metadata.quantization)


@pytest.mark.parametrize(
    ("quantization", "agreement", "difference"), [("int8", 0.99, 0.1), ("float16", 1.0, 1e-3), ("float32", 1.0, 1e-4)]
)
def test_the_file_answers_what_the_bundle_answers(
    quantization: Quantization, agreement: float, difference: float
) -> None:
    given = with_shares(bundle(quantization))
    compared = compare_onnx(OnnxRunner(converted(quantization)), Classifier(given), faces(200), given.output_step)
    assert compared.faces == 200
    assert compared.agreement >= agreement
    assert compared.largest_difference <= difference
    assert compared.mean_steps < 0.1


@pytest.mark.parametrize("architecture", ["edge", "edge-tiny"])
def test_a_bundled_model_passes_on_its_golden_faces(architecture: str) -> None:
    given = read_bundle(BUNDLED_MODELS[architecture])
    content = to_onnx(given)
    golden, steps = check_on_golden_faces(OnnxRunner(content), given)
    assert golden == given.golden
    assert steps <= 2.0
    assert len(content) < 1.1 * given.size_bytes, "integers stay integers"


@pytest.mark.parametrize("quantization", ["int8", "float16", "float32"])
def test_it_takes_any_number_of_raw_levels(quantization: Quantization) -> None:
    session = onnxruntime.InferenceSession(converted(quantization), providers=["CPUExecutionProvider"])
    taken, given = session.get_inputs(), session.get_outputs()
    assert [(one.name, one.type, one.shape[1:]) for one in taken] == [(FACES, "tensor(uint8)", [48, 48, 1])]
    assert [(one.name, one.type, one.shape[1:]) for one in given] == [
        (LOGITS, "tensor(float)", [7]),
        (PROBABILITIES, "tensor(float)", [7]),
    ]
    runner = OnnxRunner(converted(quantization))
    together = runner.answers(faces(70))[1]
    for size in (1, 3):
        np.testing.assert_allclose(runner.answers(faces(70)[:size])[1], together[:size], atol=1e-5)


@pytest.mark.parametrize("prior", ["balanced", "half", "training"])
def test_probabilities_assume_the_prior_that_was_asked_for(prior: NamedPrior) -> None:
    given = with_shares(bundle("float32"))
    found = OnnxRunner(converted("float32", prior)).answers(faces(50))[1]
    np.testing.assert_allclose(found, Classifier(given, prior=prior).predict(faces(50)), atol=1e-4)


def test_what_travels_with_it_is_enough_for_another_prior() -> None:
    session = onnxruntime.InferenceSession(converted("float32"), providers=["CPUExecutionProvider"])
    told = session.get_modelmeta().custom_metadata_map
    assert json.loads(told["labels"]) == list(CLASSES)
    assert told["prior"] == "half"
    shares = np.array([json.loads(told["training_shares"])[label] for label in CLASSES])
    (logits,) = session.run([LOGITS], {FACES: faces(50)})
    assumed = softmax(logits, float(told["temperature"])) * (1 / shares)
    expected = Classifier(with_shares(bundle("float32")), prior="balanced").predict(faces(50))
    np.testing.assert_allclose(assumed / assumed.sum(axis=1, keepdims=True), expected, atol=1e-4)
    whole = msgspec.json.decode(told["bundle_metadata"], type=Metadata)
    assert whole == with_shares(bundle("float32")).metadata


def test_a_bundle_that_states_no_shares_answers_as_it_was_trained() -> None:
    given = bundle("float32")
    assert training_shares_of_bundle(given.metadata) is None
    found = OnnxRunner(to_onnx(given)).answers(faces(50))[1]
    np.testing.assert_allclose(found, Classifier(given, prior="training").predict(faces(50)), atol=1e-4)


@pytest.mark.parametrize(("architecture", "channels"), [("testing", 3), ("paper-4", 1)])
def test_networks_in_colour_and_of_the_other_family_are_converted_too(architecture: str, channels: int) -> None:
    import_keras()
    from train.models import build

    levels = np.repeat(faces(24), channels, axis=-1)
    flatbuffer = to_tflite(build(architecture, 7, channels=channels), "int8", levels)
    facts = Metadata(
        name="other",
        architecture=architecture,
        parameters=1,
        labels=CLASSES,
        quantization="int8",
        input=InputSpec(channels=channels),  # type: ignore[arg-type]
    )
    given = unpack_bundle(pack_bundle(flatbuffer, facts), "other")
    compared = compare_onnx(OnnxRunner(to_onnx(given)), Classifier(given), levels, given.output_step)
    assert compared.largest_steps <= 4


def test_a_file_that_answers_otherwise_is_not_written(tmp_path: Path) -> None:
    given = read_bundle(BUNDLED_MODELS["edge-tiny"])
    assert given.golden is not None
    lying = msgspec.structs.replace(given.golden, logits=tuple(row[::-1] for row in given.golden.logits))
    write_bundle(tmp_path / "lying.tflite", given.flatbuffer, given.metadata, lying)
    with pytest.raises(CheckFailed, match="golden face"):
        export_onnx(tmp_path / "lying.tflite", tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


def test_other_labels_on_real_faces_are_refused() -> None:
    runner, other = OnnxRunner(converted("float32")), Classifier(with_shares(bundle("float32")), prior="balanced")
    compared = compare_onnx(runner, other, faces(200), None)
    assert compared.agreement < 0.99
    with pytest.raises(CheckFailed, match=r"the ONNX file on 200 faces: got the bundle's label for \d"):
        check_agreement(compared)


def test_no_faces_are_no_comparison() -> None:
    with pytest.raises(InputError, match="got no faces"):
        compare_onnx(OnnxRunner(converted("float32")), Classifier(bundle("float32")), faces(1)[:0], None)


def test_what_is_no_onnx_file_is_refused() -> None:
    with pytest.raises(ModelError, match="ONNX Runtime does not read the file"):
        OnnxRunner(b"no model")


def test_the_command_says_what_goes_in_and_how_far_the_answers_are_apart(
    run: Path, data: Path, tmp_path: Path, call: Call, capfd: pytest.CaptureFixture[str]
) -> None:
    assert call("convert", run, "--out", tmp_path / "tiny.tflite", "--data", data, "--force") == 0
    capfd.readouterr()
    assert call("onnx", tmp_path / "tiny.tflite", "--out", tmp_path / "tiny.onnx", "--data", data) == 0
    said = capfd.readouterr()
    assert "faces: uint8 (N, 48, 48, 1), levels 0 to 255" in said.out
    assert re.search(r"same label +\d+\.\d\d% of 80 held-out faces", said.out)
    assert "ONNX Runtime" in said.out
    assert said.err == ""
    assert OnnxRunner((tmp_path / "tiny.onnx").read_bytes()).answers(faces(3))[1].shape == (3, 7)


def test_the_command_refuses_another_kind_of_file_name(
    tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    code = call("onnx", BUNDLED_MODELS["edge-tiny"], "--out", tmp_path / "tiny.tflite")
    assert code == InputError.exit_code
    assert "a name that ends in .onnx" in capsys.readouterr().err


def test_the_documented_program_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "expression.onnx").write_bytes(converted("int8"))
    np.save(tmp_path / "faces.npy", faces(5))
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 1
    exec(compile(blocks[0], str(DOCUMENT), "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert {line.split()[0] for line in lines} <= {*CLASSES, "uncertain"}
