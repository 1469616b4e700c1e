#!/bin/sh
# LiteRT: CompiledModel stops all other Python threads for as long as an inference takes. Interpreter does not.
#
# A good guess: CompiledModel is the newer interface, and both release Python's global lock while native code
# calculates, as NumPy and OpenCV do. Seen with LiteRT 2.3.0: during Interpreter.invoke() another thread goes on.
# During CompiledModel.run_by_index() it stands still from begin to end, in every call. So a camera, a watchdog or a
# network connection on another thread waits for the network's whole inference. What helps: Interpreter, or a process
# of its own.
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
import threading
import time

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.compiled_model import CompiledModel
from ai_edge_litert.interpreter import Interpreter

SIDE, LAYERS = 1536, 3


def dense_layers():
    """A model of three fully connected layers without activations, which share their weights."""

    def tensor(name, buffer=0):
        made = schema.TensorT()
        made.name, made.shape, made.type, made.buffer = name, [SIDE, SIDE], schema.TensorType.FLOAT32, buffer
        return made

    code, graph, whole, weights = schema.OperatorCodeT(), schema.SubGraphT(), schema.ModelT(), schema.BufferT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    code.version = 1
    graph.tensors, graph.operators = [tensor("x"), tensor("weights", 1)], []
    for layer in range(LAYERS):
        node = schema.OperatorT()
        node.inputs, node.outputs = [0 if layer == 0 else 1 + layer, 1, -1], [2 + layer]
        node.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
        node.builtinOptions = schema.FullyConnectedOptionsT()
        graph.operators.append(node)
        graph.tensors.append(tensor(f"y{layer}"))
    graph.inputs, graph.outputs = [0], [1 + LAYERS]
    weights.data = np.zeros(4 * SIDE * SIDE, np.uint8)
    whole.version, whole.operatorCodes, whole.subgraphs = 3, [code], [graph]
    whole.buffers = [schema.BufferT(), weights]
    builder = flatbuffers.Builder(1024)
    builder.Finish(whole.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def share_stood_still(name, run):
    """The longest time for which another thread did nothing, as a share of the time that an inference took."""
    run()
    ticks, over = [], threading.Event()

    def tick():
        while not over.wait(0.001):
            ticks.append(time.monotonic())

    other = threading.Thread(target=tick)
    other.start()
    time.sleep(0.2)
    began = time.monotonic()
    run()
    ended = time.monotonic()
    over.set()
    other.join()
    seen = [began, *(at for at in ticks if began < at < ended), ended]
    longest = max(after - before for before, after in zip(seen, seen[1:]))
    share = longest / (ended - began)
    print(f"{name}: {(ended - began) * 1000:.0f} ms, the other thread stood still for {share:.0%} of it")
    return share


print("LiteRT", importlib.metadata.version("ai-edge-litert"))
content, ones = dense_layers(), np.ones((SIDE, SIDE), np.float32)
interpreter = Interpreter(model_content=content, num_threads=1)
interpreter.allocate_tensors()
interpreter.set_tensor(interpreter.get_input_details()[0]["index"], ones)
old = share_stood_still("Interpreter.invoke()", interpreter.invoke)
with open("model.tflite", "wb") as file:
    file.write(content)
compiled = CompiledModel.from_file("model.tflite")
inputs, outputs = compiled.create_input_buffers(0), compiled.create_output_buffers(0)
inputs[0].write(ones)
new = share_stood_still("CompiledModel.run_by_index()", lambda: compiled.run_by_index(0, inputs, outputs))
sys.exit(0 if old < 0.5 and new > 0.9 else 1)
PYTHON
status=0
env/bin/python look.py 2>log || status=$?
if [ "$status" = 0 ]; then
    echo "As described: the newer interface holds Python's global lock during an inference."
else
    tail -5 log
    echo "Not as described any more."
    exit 1
fi
