#!/bin/sh
# LiteRT 2.1: a convolution with a kernel one row high, or one column wide, and a stride of 2 gives wrong answers.
# Larger kernels, a stride of 1, and the older tflite-runtime are right.
#
# A good guess: convolutions are what the format exists for, so versions of the runtime differ by rounding at most. A
# 1x2, 1x3 or 3x1 kernel with strides of 2 is what a shortcut or a separable filter has. Seen with LiteRT 2.1.0 to
# 2.1.6 on x86-64, and with TensorFlow 2.21.0, which has the same kernels: with XNNPACK, the default, answers for such
# a layer are far off, in float32 as in int8. There is no error. With the reference kernels of the same version they
# are right. 1x1 with a stride of 2 is right, and so is a stride of 1. tflite-runtime 2.14 and LiteRT 2.2.0 and later
# are right. So a model that was checked on a new runtime is wrong on a device that was installed a few months before.
# What helps: kernels of 2 x 2, LiteRT 2.2, or a comparison with known answers when a device starts.
#
# Needs python3 with venv, 3.10 to 3.13, on Linux x86-64. Installs nothing outside of a temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >look.py <<'PYTHON'
import importlib.metadata
import json
import sys

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

SIDE, CHANNELS = 12, 8


def convolution(height, width, stride):
    """A model of one convolution in float32, with padding "same"."""
    out = -(-SIDE // stride)
    weights = np.random.default_rng(1).normal(size=(CHANNELS, height, width, CHANNELS)).astype(np.float32)
    whole, graph, code, node = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT(), schema.OperatorT()
    tensors = []
    shapes = [(1, SIDE, SIDE, CHANNELS), weights.shape, (CHANNELS,), (1, out, out, CHANNELS)]
    for index, shape in enumerate(shapes):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type = str(index), list(shape), schema.TensorType.FLOAT32
        tensor.buffer = index if index in (1, 2) else 0
        tensors.append(tensor)
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CONV_2D
    code.version = 1
    options = schema.Conv2DOptionsT()
    options.padding, options.strideH, options.strideW = schema.Padding.SAME, stride, stride
    options.dilationHFactor = options.dilationWFactor = 1
    node.inputs, node.outputs = [0, 1, 2], [3]
    node.builtinOptionsType, node.builtinOptions = schema.BuiltinOptions.Conv2DOptions, options
    graph.tensors, graph.operators, graph.inputs, graph.outputs = tensors, [node], [0], [3]
    buffers = [schema.BufferT(), schema.BufferT(), schema.BufferT()]
    buffers[1].data = np.frombuffer(weights.tobytes(), np.uint8)
    buffers[2].data = np.zeros(4 * CHANNELS, np.uint8)
    whole.version, whole.operatorCodes, whole.subgraphs, whole.buffers = 3, [code], [graph], buffers
    builder = flatbuffers.Builder(1024)
    builder.Finish(whole.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def answer(model, **how):
    interpreter = Interpreter(model_content=model, **how)
    interpreter.allocate_tensors()
    picture = np.random.default_rng(2).normal(size=(1, SIDE, SIDE, CHANNELS)).astype(np.float32)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).copy()


wrong = []
for height, width, stride in json.loads(sys.argv[1]):
    model = convolution(height, width, stride)
    reference = answer(model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    difference = float(np.abs(answer(model) - reference).max())
    if difference > 1e-3:
        wrong.append([height, width, stride])
print(f"LiteRT {importlib.metadata.version('ai-edge-litert')}: wrong [height, width, stride]: {wrong}")
sys.exit(0 if wrong == json.loads(sys.argv[2]) else 1)
PYTHON
flat="[1, 2, 2], [2, 1, 2], [1, 3, 2], [3, 1, 2]"
all="[[1, 1, 2], [2, 2, 2], [3, 3, 2], [3, 4, 2], [1, 2, 1], [3, 1, 1], $flat]"
status=0
for version in 2.1.0 2.1.6 2.2.0 2.3.0; do
    case $version in 2.1.*) expected="[$flat]" ;; *) expected="[]" ;; esac
    python3 -m venv "env-$version"
    "env-$version/bin/python" -m pip install -q --disable-pip-version-check \
        numpy==2.2.6 flatbuffers==25.12.19 "ai-edge-litert==$version"
    "env-$version/bin/python" look.py "$all" "$expected" 2>log || status=$?
done
if [ "$status" = 0 ]; then
    echo "As described: LiteRT 2.1 computes flat kernels with a stride of 2 wrongly, and 2.2 does not."
else
    tail -5 log
    echo "Not as described any more."
    exit 1
fi
