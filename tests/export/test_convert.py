"""From Keras to TFLite: the device's classifier answers what Keras answers."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from edge_agent.errors import InputError
from edge_agent.model_format.flatbuffer import read_interface
from edge_agent.vision.classifier import Classifier
from export.convert import Quantization, to_tflite, unfolded_arithmetic
from export.keras_model import import_keras, keras_logits
from export.verify import compare
from tests.support.exported import bundle, faces, flatbuffer, keras_model, truth

pytestmark = pytest.mark.timeout(300)  # the first test imports TensorFlow


@pytest.mark.parametrize(
    ("quantization", "least_agreement", "largest_difference"),
    [("float32", 1.0, 1e-4), ("float16", 0.98, 0.01), ("int8", 0.9, 0.25)],
)
def test_the_device_answers_what_keras_answers(
    quantization: Quantization, least_agreement: float, largest_difference: float
) -> None:
    classifier = Classifier(bundle(quantization))

    compared = compare(keras_logits(keras_model(), faces(200)), classifier, faces(200), truth(200))

    assert compared.agreement >= least_agreement
    assert compared.largest_difference <= largest_difference


@pytest.mark.parametrize("quantization", ["int8", "float16", "float32"])
def test_any_number_of_faces_goes_in_and_logits_come_out(quantization: Quantization) -> None:
    interface = read_interface(flatbuffer(quantization))

    assert [tensor.shape for tensor in interface.inputs] == [(-1, 48, 48, 1)]
    assert [(tensor.shape, tensor.dtype) for tensor in interface.outputs] == [((-1, 7), "float32")]


def test_int8_takes_raw_gray_levels() -> None:
    taken = read_interface(flatbuffer("int8")).inputs[0]

    assert (taken.dtype, taken.scale, taken.zero_point) == ("uint8", 1.0, 0)


def test_int8_has_a_scale_for_each_filter_of_every_layer() -> None:
    interpreter = Interpreter(model_content=flatbuffer("int8"))
    kernels = [
        tensor
        for tensor in interpreter.get_tensor_details()
        if tensor["dtype"] is np.int8 and "shape_signature" in tensor and -1 not in tensor["shape_signature"]
    ]

    scales = {tuple(kernel["shape"]): len(kernel["quantization_parameters"]["scales"]) for kernel in kernels}

    assert scales[(7, 8)] == 7
    assert scales[(8, 3, 3, 4)] == 8


def test_half_precision_takes_half_the_space_of_the_weights() -> None:
    weights = keras_model().count_params()

    assert len(flatbuffer("float32")) - len(flatbuffer("int8")) > weights
    assert len(flatbuffer("int8")) < len(flatbuffer("float32"))


@pytest.mark.parametrize("quantization", ["int8", "float32"])
def test_scaling_and_normalisation_disappear_into_the_convolutions(quantization: Quantization) -> None:
    assert unfolded_arithmetic(flatbuffer(quantization)) == ()


def test_arithmetic_that_cannot_be_folded_is_named() -> None:
    keras = import_keras()
    inputs = keras.Input((48, 48, 1))
    shifted = keras.layers.Rescaling(1 / 64.0, offset=-2.0)(inputs)  # an offset before padding: zero is no longer black
    outputs = keras.layers.Conv2D(2, 3, strides=16, padding="same")(shifted)
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(outputs))

    assert "ADD" in unfolded_arithmetic(to_tflite(model, "float32"))


def test_the_same_network_gives_the_same_bytes() -> None:
    assert to_tflite(keras_model(), "float32") == flatbuffer("float32")


def test_int8_without_faces_is_refused() -> None:
    with pytest.raises(InputError, match="int8: got no faces to calibrate with"):
        to_tflite(keras_model(), "int8")


def test_a_network_that_gives_probabilities_is_refused() -> None:
    keras = import_keras()
    inputs = keras.Input((48, 48, 1))
    model = keras.Model(inputs, keras.layers.Dense(7, activation="softmax")(keras.layers.Flatten()(inputs)))

    with pytest.raises(InputError, match="output: got probabilities, expected logits"):
        to_tflite(model, "float32")


def test_a_network_for_another_size_is_refused() -> None:
    keras = import_keras()
    inputs = keras.Input((None, None, 1))
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))

    with pytest.raises(InputError, match=r"input: got \(None, None, None, 1\), expected \(None, 48, 48, channels\)"):
        to_tflite(model, "float32")
