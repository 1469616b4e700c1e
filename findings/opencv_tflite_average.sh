#!/bin/sh
# OpenCV: of a TFLite model it counts the padding of an average pooling as pixels. LiteRT and OpenVINO do not, and
# neither does OpenCV for the same layer of an ONNX model.
#
# A good guess: readNetFromTFLite() reads a layer as the format defines it, or refuses it, as it refuses some others.
# The format has one average pooling, whose "same" padding is left out of the mean. Seen with OpenCV 4.10.0 and
# 4.14.0, 3 x 3 pixels and a picture of ones: the average is 0.44 in the corners and 0.67 along the edges, where LiteRT
# and OpenVINO have 1 everywhere. There is no error and no warning. Max pooling with the same padding is right, and so
# is an average without padding. So what comes out of such a layer has a dark frame that was not there in the training,
# and a network tried in LiteRT gives other answers in OpenCV. What helps: LiteRT, the ONNX form of the model, or no
# padding in average pooling.
#
# Needs python3 with venv, 3.10 to 3.13, on Linux x86-64. Installs nothing outside of a temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/python -m pip install -q --disable-pip-version-check \
    numpy==2.2.6 flatbuffers==25.12.19 ai-edge-litert==2.3.0 openvino==2025.4.0 onnx==1.19.1
cat >make.py <<'PYTHON'
"""Writes models of one pooling layer, and compares what LiteRT and OpenVINO answer for a picture."""
import sys

import flatbuffers
import numpy as np
import onnx
import openvino
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from onnx import TensorProto, helper

SIDE, CHANNELS, KERNEL = 8, 2, 3
POOLINGS = {"average": schema.BuiltinOperator.AVERAGE_POOL_2D, "max": schema.BuiltinOperator.MAX_POOL_2D}
PADDINGS = {"same": schema.Padding.SAME, "valid": schema.Padding.VALID}


def pooling(kind, padding):
    out = SIDE if padding == "same" else SIDE - KERNEL + 1
    whole, graph, code, node = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT(), schema.OperatorT()
    graph.tensors = []
    for name, side in (("picture", SIDE), ("answer", out)):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type = name, [1, side, side, CHANNELS], schema.TensorType.FLOAT32
        tensor.buffer = 0
        graph.tensors.append(tensor)
    code.builtinCode = code.deprecatedBuiltinCode = POOLINGS[kind]
    code.version = 1
    options = schema.Pool2DOptionsT()
    options.padding, options.strideH, options.strideW = PADDINGS[padding], 1, 1
    options.filterHeight = options.filterWidth = KERNEL
    node.inputs, node.outputs = [0], [1]
    node.builtinOptionsType, node.builtinOptions = schema.BuiltinOptions.Pool2DOptions, options
    graph.operators, graph.inputs, graph.outputs = [node], [0], [1]
    whole.version, whole.operatorCodes, whole.subgraphs, whole.buffers = 3, [code], [graph], [schema.BufferT()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(whole.Pack(builder), b"TFL3")
    return bytes(builder.Output())


as_described = True
pictures = {"ones": np.ones((1, SIDE, SIDE, CHANNELS), np.float32)}
pictures["noise"] = np.random.default_rng(1).normal(size=pictures["ones"].shape).astype(np.float32)
for kind in POOLINGS:
    for padding in PADDINGS:
        model = pooling(kind, padding)
        with open(f"{kind}-{padding}.tflite", "wb") as file:
            file.write(model)
        for content, picture in pictures.items():
            interpreter = Interpreter(model_content=model)
            interpreter.allocate_tensors()
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
            interpreter.invoke()
            answer = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
            compiled = openvino.Core().compile_model(f"{kind}-{padding}.tflite", "CPU")
            same = np.allclose(compiled([picture])[0], answer, atol=1e-3)
            as_described = as_described and same
            np.savez(f"{kind}-{padding}-{content}.npz", picture=picture, answer=answer)
print(f"LiteRT and OpenVINO answer alike: {as_described}")

layer = helper.make_node("AveragePool", ["picture"], ["answer"], kernel_shape=[KERNEL] * 2, pads=[1, 1, 1, 1])
shape = (1, CHANNELS, SIDE, SIDE)
values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("picture", "answer")]
graph = helper.make_graph([layer], "layer", values[:1], values[1:])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), "average-same.onnx")
sys.exit(0 if as_described else 1)
PYTHON
cat >look.py <<'PYTHON'
"""Compares OpenCV's answers with those of LiteRT."""
import sys

import cv2
import numpy as np


def answer(network, picture):
    """What the network answers, with the channels last, whatever order it has them in."""
    network.setInput(np.ascontiguousarray(picture.transpose(0, 3, 1, 2)))
    out = network.forward()
    return out.transpose(0, 2, 3, 1) if out.shape[1] == picture.shape[-1] else out


MODELS = ["average-same.tflite", "average-valid.tflite", "max-same.tflite", "max-valid.tflite", "average-same.onnx"]
as_described = True
print(f"OpenCV {cv2.__version__}")
for model in MODELS:
    read = cv2.dnn.readNetFromTFLite if model.endswith("tflite") else cv2.dnn.readNetFromONNX
    for content in ("ones", "noise"):
        known = np.load(f"{model.split('.')[0]}-{content}.npz")
        given = answer(read(model), known["picture"])
        difference = float(np.abs(given - known["answer"]).max())
        if content == "ones":
            corner, edge, inside = (float(given[0, row, column, 0]) for row, column in ((0, 0), (0, 3), (3, 3)))
        if model == "average-same.tflite":
            as_described = as_described and difference > 0.1
        else:
            as_described = as_described and difference < 1e-3
    print(f"    {model:20} of ones: corner {corner:.2f}, edge {edge:.2f}, inside {inside:.2f}")
    if model == "average-same.tflite":
        as_described = as_described and np.allclose([corner, edge, inside], [4 / 9, 6 / 9, 1], atol=1e-3)
sys.exit(0 if as_described else 1)
PYTHON
status=0
env/bin/python make.py 2>log || status=$?
for version in 4.10.0.84 4.14.0.94; do
    env/bin/python -m pip install -q --disable-pip-version-check "opencv-python-headless==$version"
    env/bin/python look.py 2>>log || status=$?
done
if [ "$status" = 0 ]; then
    echo "As described: OpenCV counts the padding of a TFLite model's average pooling."
else
    tail -5 log
    echo "Not as described any more."
    exit 1
fi
