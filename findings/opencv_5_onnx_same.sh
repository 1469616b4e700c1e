#!/bin/sh
# OpenCV 5: of an ONNX model with automatic padding (SAME_UPPER) and a stride of 2, its new engine computes another
# model: it pads as if the stride were 1. There is no error, and the shape is right.
#
# A good guess: a network that OpenCV 4 and onnxruntime compute alike, OpenCV 5 computes alike too. A new engine may be
# faster or refuse an operator. Seen with OpenCV 5.0.0, where the new engine comes first, and a 3x3 layer on 48 x 48
# pixels: it pads one pixel on each side, where the format asks for none on the left and one on the right. So each
# such layer looks one pixel beside the right place. It is so for convolutions, with and without groups, and for both
# kinds of pooling. With the same padding as numbers (`pads = [0, 0, 1, 1]`), with 47 x 47 pixels or with a stride of
# 1, it is right. So is the old engine of the same version, and OpenCV 4.13. tf2onnx writes SAME_UPPER for the padding
# "same" of Keras where a model leaves height and width open. Such a network gives other answers after an update on
# the device, and nothing says so. What helps: an export with a fixed size, which gives numbers, or
# `engine=cv2.dnn.ENGINE_CLASSIC`, and known answers that are compared on the device.
#
# Needs python3 with venv, 3.10 to 3.13. Installs nothing outside of a temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/python -m pip install -q --disable-pip-version-check numpy==2.2.6 onnx==1.19.1 onnxruntime==1.23.2
cat >make.py <<'PYTHON'
"""Writes models of one layer, a picture for each, and what onnxruntime answers."""
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(1)
CHANNELS = 4
AUTOMATIC, NUMBERS = {"auto_pad": "SAME_UPPER"}, {"pads": [0, 0, 1, 1]}  # the same for 48 pixels and a stride of 2
made = {
    "Conv, automatic": ("Conv", 48, 2, AUTOMATIC),
    "Conv of groups, automatic": ("Conv", 48, 2, AUTOMATIC | {"group": CHANNELS}),
    "MaxPool, automatic": ("MaxPool", 48, 2, AUTOMATIC),
    "AveragePool, automatic": ("AveragePool", 48, 2, AUTOMATIC),
    "Conv, numbers": ("Conv", 48, 2, NUMBERS),
    "Conv of groups, numbers": ("Conv", 48, 2, NUMBERS | {"group": CHANNELS}),
    "MaxPool, numbers": ("MaxPool", 48, 2, NUMBERS),
    "AveragePool, numbers": ("AveragePool", 48, 2, NUMBERS),
    "Conv, automatic, 47 pixels": ("Conv", 47, 2, AUTOMATIC),
    "Conv, automatic, stride 1": ("Conv", 48, 1, AUTOMATIC),
}
for name, (operator, side, stride, padding) in made.items():
    inputs, constants = ["picture"], []
    if operator == "Conv":
        weights = random.normal(size=(CHANNELS, CHANNELS // padding.get("group", 1), 3, 3)).astype(np.float32)
        inputs, constants = ["picture", "weights"], [numpy_helper.from_array(weights, "weights")]
    picture = random.normal(size=(1, CHANNELS, side, side)).astype(np.float32)
    out = -(-side // stride)
    layer = helper.make_node(operator, inputs, ["answer"], kernel_shape=[3, 3], strides=[stride] * 2, **padding)
    graph = helper.make_graph(
        [layer],
        "layer",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, picture.shape)],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, (1, CHANNELS, out, out))],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    onnx.save(model, f"{name}.onnx")
    np.savez(f"{name}.npz", picture=picture, answer=session.run(None, {"picture": picture})[0])
PYTHON
cat >look.py <<'PYTHON'
"""Compares OpenCV's answers with those of onnxruntime."""
import pathlib
import sys

import cv2
import numpy as np

new = cv2.__version__.startswith("5")
engines = {"new": {}, "old": {"engine": cv2.dnn.ENGINE_CLASSIC}} if new else {"its": {}}
as_described = True
for engine, options in engines.items():
    print(f"OpenCV {cv2.__version__}, {engine} engine")
    for path in sorted(pathlib.Path().glob("*.onnx")):
        known = np.load(path.with_suffix(".npz"))
        network = cv2.dnn.readNetFromONNX(str(path), **options)
        network.setInput(known["picture"])
        answer, right = network.forward(), known["answer"]
        wrong = answer.shape == right.shape and float(np.abs(answer - right).max()) > 0.5
        same = answer.shape == right.shape and float(np.abs(answer - right).max()) < 1e-3
        print(f"    {path.stem:27} {'right' if same else 'WRONG'}")
        expected_wrong = engine == "new" and path.stem.endswith("automatic")
        as_described = as_described and (wrong if expected_wrong else same)
        if expected_wrong and path.stem == "Conv, automatic":
            np.save("answer.npy", answer)
sys.exit(0 if as_described else 1)
PYTHON
cat >shifted.py <<'PYTHON'
"""Is OpenCV's wrong answer that of a layer which pads by one on each side, as a stride of 1 asks for?"""
import sys

import numpy as np
import onnx
import onnxruntime

model = onnx.load("Conv, automatic.onnx")
for attribute in list(model.graph.node[0].attribute):
    if attribute.name == "auto_pad":
        model.graph.node[0].attribute.remove(attribute)
model.graph.node[0].attribute.append(onnx.helper.make_attribute("pads", [1, 1, 1, 1]))
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
picture = np.load("Conv, automatic.npz")["picture"]
same = np.allclose(session.run(None, {"picture": picture})[0], np.load("answer.npy"), atol=1e-3)
print(f"onnxruntime gives the wrong answer too when it is told to pad as for a stride of 1: {same}")
sys.exit(0 if same else 1)
PYTHON
status=0
env/bin/python make.py 2>log || status=$?
for version in 4.13.0.92 5.0.0.93; do
    env/bin/python -m pip install -q --disable-pip-version-check "opencv-python-headless==$version"
    env/bin/python look.py 2>>log || status=$?
done
env/bin/python shifted.py 2>>log || status=$?
if [ "$status" = 0 ]; then
    echo "As described: OpenCV 5 pads as if the stride were 1."
else
    tail -5 log
    echo "Not as described any more."
    exit 1
fi
