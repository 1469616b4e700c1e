#!/bin/sh
# LiteRT: to which side a value half-way between two steps is rounded depends on the kernels, the operator, and even
# on the place in the tensor.
#
# A good guess: a quantized model is integer arithmetic, so one version of the runtime has one rule for halves. Seen
# with LiteRT 2.3.0 on x86-64, with a scale of 1, so that halves are exact:
# 1. QUANTIZE to int8 of eleven times 0.5 gives eleven times 0 with XNNPACK, the default, and eleven times 1 with the
#    reference kernels. Without a delegate it gives eight times 0 and then three times 1. Whole blocks of eight are
#    rounded to even, and the rest away from zero.
# 2. QUANTIZE from int8 to int8 has a third rule, with all kernels: halves go up, and -0.5 becomes 0.
# 3. ADD of int8 rounds halves up with XNNPACK, and away from zero with the other kernels.
# Pixels are whole numbers, so that halves are common after a scale or a mean. What helps: compare runtimes with a
# tolerance of a step for each operator, and take golden outputs from the kernels that run on the device.
#
# Needs python3 with venv, 3.10 to 3.13, on Linux x86-64. Installs nothing outside of a temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/python -m pip install -q --disable-pip-version-check \
    numpy==2.2.6 flatbuffers==25.12.19 ai-edge-litert==2.3.0
cat >look.py <<'PYTHON'
import importlib.metadata
import sys

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

OPERATOR, TYPE, OPTIONS = schema.BuiltinOperator, schema.TensorType, schema.BuiltinOptions
KERNELS = {
    "XNNPACK": OpResolverType.AUTO,
    "no delegate": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    "reference": OpResolverType.BUILTIN_REF,
}


def tensor(name, shape, kind, scale=None, buffer=0):
    made = schema.TensorT()
    made.name, made.shape, made.type, made.buffer = name, shape, kind, buffer
    if scale is not None:
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale, made.quantization.zeroPoint = [scale], [0]
    return made


def model(operator, options_type, options, tensors, constant=b""):
    """One operator. Its inputs are all tensors but the last, which is its output."""
    code, node, graph, whole = schema.OperatorCodeT(), schema.OperatorT(), schema.SubGraphT(), schema.ModelT()
    code.builtinCode = code.deprecatedBuiltinCode = operator
    code.version = 2
    node.inputs, node.outputs = list(range(len(tensors) - 1)), [len(tensors) - 1]
    node.builtinOptionsType, node.builtinOptions = options_type, options
    graph.tensors, graph.operators, graph.inputs, graph.outputs = tensors, [node], [0], node.outputs
    filled = schema.BufferT()
    filled.data = np.frombuffer(constant, np.uint8)
    whole.version, whole.operatorCodes, whole.subgraphs = 3, [code], [graph]
    whole.buffers = [schema.BufferT(), filled]
    builder = flatbuffers.Builder(1024)
    builder.Finish(whole.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def run(content, kernels, values):
    interpreter = Interpreter(model_content=content, num_threads=1, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).ravel().tolist()


def operator(code, options, kinds, shape, constant=b""):
    """One operator, whose tensors have these types and scales. The one before the last of three is a constant."""
    tensors = [
        tensor(f"t{place}", shape, kind, scale, buffer=int(0 < place < len(kinds) - 1))
        for place, (kind, scale) in enumerate(kinds)
    ]
    return model(getattr(OPERATOR, code), *options, tensors, constant)


QUANTIZE = (OPTIONS.QuantizeOptions, schema.QuantizeOptionsT())
FLOAT, HALF_STEPS, STEPS = (TYPE.FLOAT32, None), (TYPE.INT8, 0.5), (TYPE.INT8, 1.0)
halves = np.array([[-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]])
in_half_steps = (2 * halves).astype(np.int8)
tried = {
    "QUANTIZE float -> int8, 11 x 0.5": (
        operator("QUANTIZE", QUANTIZE, [FLOAT, STEPS], [1, 11]),
        np.full((1, 11), 0.5, np.float32),
        {
            "XNNPACK": [0] * 11,
            "no delegate": [0] * 8 + [1] * 3,
            "reference": [1] * 11,
        },
    ),
    f"QUANTIZE int8 -> int8, {halves[0].tolist()}": (
        operator("QUANTIZE", QUANTIZE, [HALF_STEPS, STEPS], [1, 6]),
        in_half_steps,
        dict.fromkeys(KERNELS, [-2, -1, 0, 1, 2, 3]),
    ),
    f"ADD of 0, int8, {halves[0].tolist()}": (
        operator(
            "ADD", (OPTIONS.AddOptions, schema.AddOptionsT()), [HALF_STEPS, HALF_STEPS, STEPS], [1, 6], bytes(6)
        ),
        in_half_steps,
        {
            "XNNPACK": [-2, -1, 0, 1, 2, 3],
            "no delegate": [-3, -2, -1, 1, 2, 3],
            "reference": [-3, -2, -1, 1, 2, 3],
        },
    ),
}
print("LiteRT", importlib.metadata.version("ai-edge-litert"))
as_described = True
for name, (content, values, expected) in tried.items():
    print(name)
    for kernels, resolver in KERNELS.items():
        seen = run(content, resolver, values)
        print(f"    {kernels:12} {seen}")
        as_described = as_described and seen == expected[kernels]
sys.exit(0 if as_described else 1)
PYTHON
status=0
env/bin/python look.py 2>log || status=$?
if [ "$status" = 0 ]; then
    echo "As described: halves go to either side, by kernels, operator and place in the tensor."
else
    tail -5 log
    echo "Not as described any more."
    exit 1
fi
