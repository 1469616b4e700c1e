"""ONNX files for desktop programs: a bundle's own network, converted by tf2onnx and compared with it on the same faces.

The file takes faces as the device's classifier does, and answers with the same calibrated probabilities. Labels,
temperature and prior travel in its metadata. An int8 network stays one: its weights stay integers, between nodes that
quantize and dequantize.
"""

from __future__ import annotations

import json
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import CheckFailed, InputError, ModelError
from edge_agent.extras import needs_extra
from edge_agent.model_format.bundle import Bundle, read_bundle
from edge_agent.model_format.golden import Golden
from edge_agent.model_format.golden_check import check_golden, distance, golden_faces
from edge_agent.model_format.priors import DEFAULT_PRIOR, NamedPrior, prior_weights, training_shares_of_bundle
from edge_agent.vision.classifier import Classifier
from edge_agent.vision.native_stderr import without_startup_messages
from export.golden import record_golden
from export.keras_model import import_keras
from train.common.writing import write_whole
from train.data.label_map import NO_LABEL_MAP, LabelMap
from train.measure.predictors import held_out_faces, open_predictor

FACES: Final = "faces"
LOGITS: Final = "logits"
PROBABILITIES: Final = "probabilities"
"""Names of the input and of the two outputs."""

OPSET: Final = 13
"""Version of ONNX's operators. It is the first with a scale for each filter, so that most programs can read it."""

MIN_AGREEMENT: Final = 0.99
"""Share of faces for which file and bundle must give the same label. Two kernels round a few answers differently."""

_BATCH = 64
_FACES_TEXT = "Faces as the device crops them: {size} x {size} {kind}, 0 to 255, not scaled. Any number of them."
_LOGITS_TEXT = "The network's own outputs, one for each label in the order of the metadata's labels."
_PROBABILITIES_TEXT = "softmax(logits / temperature), times the weight of each label under the prior; rows sum to 1."


@dataclass(frozen=True)
class OnnxComparison:
    """An ONNX file compared with its bundle on the same faces.

    Attributes:
        faces: Number of faces.
        agreement: Share for which both give the same label.
        largest_difference: Largest difference between two probabilities of the same face and label.
        largest_steps: Largest difference between two logits, in steps of an int8 output.
        mean_steps: Mean difference between two logits, in these steps.
    """

    faces: int
    agreement: float
    largest_difference: float
    largest_steps: float
    mean_steps: float


def to_onnx(bundle: Bundle, prior: NamedPrior = DEFAULT_PRIOR) -> bytes:
    """Convert a bundle's network into an ONNX file.

    Args:
        bundle: Of any quantization.
        prior: What the probabilities assume, as ``[classifier] prior`` on the device.

    Returns:
        The file. It takes ``faces``, ``uint8 (N, 48, 48, C)``, and gives ``logits`` and ``probabilities``, ``float32
        (N, K)`` each.

    Raises:
        MissingExtra: The extra ``onnx`` is not installed.
        ModelError: The network has a part that cannot be converted.
    """
    import_keras()  # with TensorFlow, without its messages
    with needs_extra("onnx"), without_startup_messages():
        import onnx
        from tf2onnx.convert import from_tflite
    try:
        with tempfile.TemporaryDirectory() as folder, without_startup_messages(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "(?s).*tf.lite.Interpreter is deprecated", UserWarning)
            file = Path(folder) / "network.tflite"
            file.write_bytes(bundle.flatbuffer)
            converted, _ = from_tflite(str(file), opset=OPSET)
        model = onnx.compose.add_prefix(converted, "network/")
        _complete(model, bundle, prior)
        onnx.checker.check_model(model, full_check=True)
    except (ValueError, RuntimeError, NotImplementedError, onnx.checker.ValidationError) as error:
        raise ModelError(
            f"model {bundle.model_id}: it cannot be converted to ONNX: {error}",
            remedy="Export it with another --quantization",
        ) from error
    return bytes(model.SerializeToString())


def _complete(model: Any, bundle: Bundle, prior: NamedPrior) -> None:
    """Give the converted graph its own input and outputs, and what travels with them."""
    from onnx import TensorProto, helper, numpy_helper

    facts, graph = bundle.metadata, model.graph
    size, channels = facts.input.size_px, facts.input.channels
    took, gave = graph.input[0], graph.output[0].name
    if took.type.tensor_type.elem_type == TensorProto.UINT8:
        graph.node.insert(0, helper.make_node("Identity", [FACES], [took.name], "input"))
    else:
        graph.node.insert(
            0, helper.make_node("Cast", [FACES], [took.name], "input", to=took.type.tensor_type.elem_type)
        )
    weights = prior_weights(training_shares_of_bundle(facts), facts.labels, prior) or (1.0,) * len(facts.labels)
    constants = {"temperature": np.float32(facts.temperature), "log_weights": np.log(np.asarray(weights, np.float32))}
    graph.initializer.extend(numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items())
    graph.node.extend(
        [
            helper.make_node("Identity", [gave], [LOGITS], "output"),
            helper.make_node("Div", [LOGITS, "temperature"], ["calibrated"], "calibrate"),
            helper.make_node("Add", ["calibrated", "log_weights"], ["assumed"], "assume_prior"),
            helper.make_node("Softmax", ["assumed"], [PROBABILITIES], "softmax", axis=-1),
        ]
    )
    kind = "gray levels" if channels == 1 else "red-green-blue levels"
    shapes = {
        FACES: (TensorProto.UINT8, ["N", size, size, channels], _FACES_TEXT.format(size=size, kind=kind)),
        LOGITS: (TensorProto.FLOAT, ["N", len(facts.labels)], _LOGITS_TEXT),
        PROBABILITIES: (TensorProto.FLOAT, ["N", len(facts.labels)], _PROBABILITIES_TEXT),
    }
    described = {name: helper.make_tensor_value_info(name, *shape) for name, shape in shapes.items()}
    del graph.input[:], graph.output[:]
    graph.input.append(described[FACES])
    graph.output.extend([described[LOGITS], described[PROBABILITIES]])
    graph.name, graph.doc_string = facts.name, facts.note
    model.producer_name, model.producer_version = "classroom-edge-agent", bundle.model_id
    helper.set_model_props(model, _metadata(bundle, prior))


def _metadata(bundle: Bundle, prior: NamedPrior) -> dict[str, str]:
    facts = bundle.metadata
    return {
        "labels": json.dumps(facts.labels),
        "temperature": repr(facts.temperature),
        "prior": prior,
        "training_shares": json.dumps(training_shares_of_bundle(facts) or {}),
        "model_id": bundle.model_id,
        "name": facts.name,
        "licence": facts.licence,
        "bundle_metadata": msgspec.json.encode(facts).decode(),
    }


class OnnxRunner:
    """An ONNX file in ONNX Runtime on the processor.

    Args:
        content: The file.

    Raises:
        MissingExtra: The extra ``onnx`` is not installed.
        ModelError: ONNX Runtime refuses it.
    """

    def __init__(self, content: bytes) -> None:
        with needs_extra("onnx"):
            import onnxruntime
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its own exception types have no common base but this one
            raise ModelError(f"ONNX Runtime does not read the file: {error}") from error
        self.name = f"ONNX Runtime {onnxruntime.__version__}"

    def answers(self, faces: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits and probabilities of ``uint8 (N, 48, 48, C)`` faces, ``float32 (N, K)`` each."""
        parts = [
            self._session.run([LOGITS, PROBABILITIES], {FACES: faces[start : start + _BATCH]})
            for start in range(0, len(faces), _BATCH)
        ]
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def compare_onnx(
    runner: OnnxRunner, classifier: Classifier, faces: NDArray[np.uint8], step: float | None
) -> OnnxComparison:
    """Compare an ONNX file with its bundle on ``uint8 (N, 48, 48, C)`` faces.

    Args:
        runner: The file.
        classifier: The bundle, with the same prior.
        faces: At least one.
        step: Value of one step of the bundle's output; None for a float model.

    Raises:
        InputError: There are no faces.
    """
    if len(faces) == 0:
        raise InputError("the comparison", received="no faces", expected="at least one")
    logits, probabilities = runner.answers(faces)
    expected, expected_logits = classifier.predict(faces), classifier.logits(faces)
    apart = distance(expected_logits, logits, step)
    return OnnxComparison(
        faces=len(faces),
        agreement=float(np.mean(probabilities.argmax(axis=1) == expected.argmax(axis=1))),
        largest_difference=float(np.abs(probabilities - expected).max()),
        largest_steps=apart.largest,
        mean_steps=apart.mean,
    )


def check_on_golden_faces(runner: OnnxRunner, bundle: Bundle) -> tuple[Golden, float]:
    """Check the file on the bundle's golden faces, as a device checks its runtime.

    Returns:
        The faces, and the largest difference in steps. A bundle without golden faces gets them drawn.

    Raises:
        CheckFailed: An answer is further away than a runtime may be.
    """
    golden = bundle.golden or record_golden(bundle)
    return golden, check_golden(golden, runner.answers(golden_faces(golden))[0], bundle.output_step)


@dataclass(frozen=True)
class OnnxExport:
    """An ONNX file that was written and checked.

    Attributes:
        bundle: The bundle it was made from.
        size_bytes: Its size.
        prior: What its probabilities assume, in words for a person.
        golden: Number of golden faces it was checked on.
        golden_steps: Largest difference between its answer to one of them and the bundle's, in steps.
        compared: The comparison on held-out faces; None without data.
        runtime: What ran it.
        beside: What ran the bundle.
    """

    bundle: Bundle
    size_bytes: int
    prior: str
    golden: int
    golden_steps: float
    compared: OnnxComparison | None
    runtime: str
    beside: str


def export_onnx(
    file: Path,
    out: Path,
    *,
    prior: NamedPrior = DEFAULT_PRIOR,
    data: Path | None = None,
    label_map: LabelMap = NO_LABEL_MAP,
) -> OnnxExport:
    """Convert a bundle into an ONNX file, check it on the same faces, and write it.

    Args:
        file: The bundle.
        out: The ONNX file to write.
        prior: What the probabilities assume.
        data: The data the bundle was trained on; its held-out faces are compared too.
        label_map: What the data's class names mean.

    Raises:
        MissingExtra: The extra ``onnx`` is not installed.
        InputError: The data are not of the bundle's kind.
        ModelError: The bundle cannot be used or converted.
        CheckFailed: The file answers otherwise than the bundle; nothing is written.
        NotWritten: The system refused to write it.
    """
    bundle = read_bundle(file)
    content = to_onnx(bundle, prior)
    runner, classifier = OnnxRunner(content), Classifier(bundle, prior=prior)
    golden, steps = check_on_golden_faces(runner, bundle)
    compared = None
    if data is not None:
        faces = held_out_faces(data, (open_predictor(file),), label_map)
        compared = compare_onnx(runner, classifier, faces.images, bundle.output_step)
        check_agreement(compared)
    write_whole(out, content)
    return OnnxExport(
        bundle=bundle,
        size_bytes=len(content),
        prior=classifier.prior,
        golden=golden.shape[0],
        golden_steps=steps,
        compared=compared,
        runtime=runner.name,
        beside=classifier.runtime_name,
    )


def check_agreement(compared: OnnxComparison) -> None:
    """Refuse a file that gives other labels than its bundle.

    Raises:
        CheckFailed: Fewer than :data:`MIN_AGREEMENT` of the labels agree.
    """
    if not compared.agreement >= MIN_AGREEMENT:
        raise CheckFailed(
            f"the ONNX file on {compared.faces:,} faces",
            received=f"the bundle's label for {compared.agreement:.2%}",
            expected=f"{MIN_AGREEMENT:.0%} or more",
            remedy="Export the run with another --quantization, and convert that bundle",
        )
