"""Small TFLite models made without TensorFlow: one dense layer over all pixels, so that NumPy can check the results."""

from __future__ import annotations

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from edge_agent.model_format import labels
from edge_agent.model_format.metadata import InputSpec, Metadata

FACE = (48, 48, 1)
_COPIES = 256
_TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "uint8": schema.TensorType.UINT8,
    "int8": schema.TensorType.INT8,
    "int32": schema.TensorType.INT32,
}


def dense_weights(outputs: int = 7, channels: int = 1, seed: int = 3) -> NDArray[np.float32]:
    """``float32 (outputs, 48 * 48 * channels)`` that give logits of a few units on noise."""
    return np.random.default_rng(seed).normal(0, 4e-4, (outputs, 48 * 48 * channels)).astype(np.float32)


def dense_logits(faces: NDArray[np.uint8], weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """The model's logits, computed by NumPy."""
    return np.asarray(faces.reshape(len(faces), -1).astype(np.float64) @ weights.astype(np.float64).T)


def dense_model(
    weights: NDArray[np.float32] | None = None,
    *,
    shape: tuple[int, ...] = (-1, *FACE),
    dtype: str = "uint8",
    scale: float | None = 1.0,
    zero_point: int = 0,
    output_dtype: str = "float32",
    slow: int = 0,
    fails_for: tuple[int, ...] = (),
) -> bytes:
    """A TFLite model ``levels -> [DEQUANTIZE] -> FULLY_CONNECTED -> logits``.

    Args:
        weights: ``float32 (K, 48 * 48 * C)``; those of :func:`dense_weights` unless given.
        shape: Shape of the input.
        dtype: Type of the input.
        scale: Scale of a quantized input; None for no quantization.
        zero_point: Zero point of a quantized input.
        output_dtype: Type of the output.
        slow: How often the logarithm of 256 copies of all levels is taken and undone, which only costs time.
        fails_for: Numbers of faces, up to 48, for which a run ends in an error: their entry in a table is an index out
            of bounds.
    """
    weights = dense_weights() if weights is None else weights
    model = schema.ModelT()
    model.version = 3
    model.buffers = [schema.BufferT(), schema.BufferT()]
    model.buffers[1].data = np.frombuffer(weights.tobytes(), np.uint8)
    graph = schema.SubGraphT()
    taken = _tensor("gray_levels", shape, dtype)
    if scale is not None:
        taken.quantization = schema.QuantizationParametersT()
        taken.quantization.scale, taken.quantization.zeroPoint = [scale], [zero_point]
    kernel = _tensor("kernel", weights.shape, "float32")
    kernel.buffer = 1
    given = _tensor("logits", (-1, len(weights)), output_dtype)
    graph.tensors = [taken, kernel, given]
    graph.inputs, graph.outputs = [0], [2]
    dense = schema.OperatorT()
    dense.inputs, dense.outputs = [0, 1, -1], [2]
    dense.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    dense.builtinOptions = schema.FullyConnectedOptionsT()
    graph.operators = [dense]
    model.operatorCodes = [_code(schema.BuiltinOperator.FULLY_CONNECTED)]
    if dtype != "float32":
        graph.tensors.append(_tensor("levels", shape, "float32"))
        dequantize = schema.OperatorT()
        dequantize.inputs, dequantize.outputs, dequantize.opcodeIndex = [0], [3], 1
        dense.inputs = [3, 1, -1]
        graph.operators = [dequantize, dense]
        model.operatorCodes.append(_code(schema.BuiltinOperator.DEQUANTIZE))
    if slow:
        _add_waste(model, graph, slow)
    if fails_for:
        _add_failure(model, graph, fails_for)
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1 << 17)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def metadata(**changes: object) -> Metadata:
    """Metadata that fit :func:`dense_model`, with some fields replaced."""
    facts: dict[str, object] = {
        "name": "dense",
        "architecture": "testing",
        "parameters": 7 * 48 * 48,
        "labels": labels.FER2013,
        "input": InputSpec(),
        "quantization": "int8",
    }
    return Metadata(**{**facts, **changes})  # type: ignore[arg-type]


def _add_waste(model: schema.ModelT, graph: schema.SubGraphT, times: int) -> None:
    """Add operations between the levels and the dense layer that copy every level, compute on it, and average."""
    dense = graph.operators[-1]
    levels = graph.tensors[dense.inputs[0]]
    many = (*levels.shapeSignature[:3], _COPIES)
    for content in (np.zeros(_COPIES, np.float32), np.array([3], np.int32)):
        graph.tensors.append(_tensor("constant", content.shape, str(content.dtype)))
        graph.tensors[-1].buffer = len(model.buffers)
        model.buffers.append(schema.BufferT())
        model.buffers[-1].data = np.frombuffer(content.tobytes(), np.uint8)
    nothing, last_axis = len(graph.tensors) - 2, len(graph.tensors) - 1
    operator, options = schema.BuiltinOperator, schema.BuiltinOptions
    add, log, exp, mean = range(len(model.operatorCodes), len(model.operatorCodes) + 4)
    model.operatorCodes += [_code(one) for one in (operator.ADD, operator.LOG, operator.EXP, operator.MEAN)]
    for code in (add, *[log, exp] * times, mean):
        step = schema.OperatorT()
        step.opcodeIndex, step.inputs, step.outputs = code, [dense.inputs[0]], [len(graph.tensors)]
        if code == add:
            step.inputs.append(nothing)
            step.builtinOptionsType, step.builtinOptions = options.AddOptions, schema.AddOptionsT()
        if code == mean:
            step.inputs.append(last_axis)
            step.builtinOptionsType, step.builtinOptions = options.ReducerOptions, schema.ReducerOptionsT()
            step.builtinOptions.keepDims = True
        graph.tensors.append(_tensor("levels again", levels.shapeSignature if code == mean else many, "float32"))
        graph.operators.insert(-1, step)
        dense.inputs[0] = step.outputs[0]


def _add_failure(model: schema.ModelT, graph: schema.SubGraphT, batches: tuple[int, ...]) -> None:
    """Add operations that fetch the batch's shape, look its sizes up in a table, and index with the results."""
    table = np.zeros(49, np.int32)  # as long as the largest size in the shape demands
    table[list(batches)] = 1000
    first = len(graph.tensors)
    for name, shape, dtype, content in (
        ("shape", (4,), "int32", None),
        ("table", table.shape, "int32", table),
        ("places", (4,), "int32", None),
        ("one number", (1,), "int32", np.zeros(1, np.int32)),
        ("nothing", (4,), "int32", None),
    ):
        graph.tensors.append(_tensor(name, shape, dtype))
        if content is not None:
            graph.tensors[-1].buffer = len(model.buffers)
            model.buffers.append(schema.BufferT())
            model.buffers[-1].data = np.frombuffer(content.tobytes(), np.uint8)
    for builtin, taken, given in (
        (schema.BuiltinOperator.SHAPE, [0], first),
        (schema.BuiltinOperator.GATHER, [first + 1, first], first + 2),
        (schema.BuiltinOperator.GATHER, [first + 3, first + 2], first + 4),
    ):
        step = schema.OperatorT()
        step.inputs, step.outputs, step.opcodeIndex = taken, [given], len(model.operatorCodes)
        if builtin == schema.BuiltinOperator.SHAPE:
            step.builtinOptionsType, step.builtinOptions = schema.BuiltinOptions.ShapeOptions, schema.ShapeOptionsT()
            step.builtinOptions.outType = schema.TensorType.INT32
        else:
            step.builtinOptionsType, step.builtinOptions = schema.BuiltinOptions.GatherOptions, schema.GatherOptionsT()
        model.operatorCodes.append(_code(builtin))
        graph.operators.append(step)


def _tensor(name: str, shape: tuple[int, ...], dtype: str) -> schema.TensorT:
    tensor = schema.TensorT()
    tensor.name, tensor.type = name, _TYPES[dtype]
    tensor.shape = [abs(size) for size in shape]
    if -1 in shape:
        tensor.shapeSignature = list(shape)
    return tensor


def _code(builtin: int) -> schema.OperatorCodeT:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = builtin
    code.version = 1
    return code
