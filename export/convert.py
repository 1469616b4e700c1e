"""Conversion of a Keras model to a TFLite model that takes raw gray levels and gives logits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.model_format.metadata import FACE_SIZE
from edge_agent.vision.native_stderr import without_startup_messages
from export.keras_model import import_keras

Quantization = Literal["int8", "float16", "float32"]


def to_tflite(model: Any, quantization: Quantization, calibration: NDArray[np.uint8] | None = None) -> bytes:
    """Convert a Keras model; the batch dimension stays open.

    ``int8`` means integers throughout with one scale per filter, uint8 levels as input, and float32 logits as output:
    the last step dequantizes the int8 logits, so that users of the model need not. ``float16`` stores weights in half
    precision and calculates in float32. Float models take the levels 0 to 255 as float32.

    Args:
        model: Takes levels ``(N, 48, 48, C)``, 0 to 255, and gives logits.
        quantization: How weights and arithmetic are stored.
        calibration: ``uint8 (M, 48, 48, C)`` faces that span 0 to 255; needed for ``int8`` alone.

    Returns:
        The TFLite flatbuffer.

    Raises:
        InputError: The model takes another shape or gives probabilities, or there are no faces to calibrate with.
    """
    import_keras()
    import tensorflow as tf

    shape = tuple(model.input_shape)
    if shape[:3] != (None, FACE_SIZE, FACE_SIZE):
        raise InputError(
            "the Keras model's input", received=shape, expected=f"(None, {FACE_SIZE}, {FACE_SIZE}, channels)"
        )
    if getattr(model.layers[-1], "activation", None) is tf.keras.activations.softmax:
        raise InputError(
            "the Keras model's output",
            received="probabilities",
            expected="logits",
            remedy="End it without softmax: the device applies it after the temperature",
        )
    if quantization == "int8" and (calibration is None or len(calibration) == 0):
        raise InputError(
            "int8",
            received="no faces to calibrate with",
            expected="the data the model was trained on",
            remedy="Pass --data, or choose float16 or float32",
        )

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32, name="levels")])  # type: ignore[untyped-decorator]
    def logits(levels: Any) -> Any:
        return model(levels, training=False)

    def batches() -> Iterator[list[NDArray[np.float32]]]:
        for face in () if calibration is None else calibration:
            yield [face[None].astype(np.float32)]

    holder = tf.Module()  # the converter finds variables through a module, and a Keras model is none
    holder.variables_of_model = [variable.value for variable in model.variables]
    with without_startup_messages():
        converter = tf.lite.TFLiteConverter.from_concrete_functions([logits.get_concrete_function()], holder)
        if quantization != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if quantization == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if quantization == "int8":
            converter.representative_dataset = batches
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = tf.uint8
            converter.inference_output_type = tf.float32
        return bytes(converter.convert())


def unfolded_arithmetic(flatbuffer: bytes) -> tuple[str, ...]:
    """List multiplications and additions of constants that the converter kept as operators, in graph order.

    Scaling and batch normalisation should be folded into the weights of a neighbouring layer. Some cannot be, such as a
    normalisation after an activation or an offset before padding. Each of these costs a pass over the data and, in
    int8, one more rounding.
    """
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(flatbuffer, 0)
    graph = model.subgraphs[0]
    names = {getattr(schema.BuiltinOperator, name): name for name in ("ADD", "SUB", "MUL", "DIV")}

    def is_constant(tensor: int) -> bool:
        data = model.buffers[graph.tensors[tensor].buffer].data
        return data is not None and len(data) > 0

    found = []
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex].builtinCode
        if code in names and any(is_constant(tensor) for tensor in operator.inputs):
            found.append(names[code])
    return tuple(found)
