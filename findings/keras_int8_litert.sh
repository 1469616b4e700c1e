#!/bin/sh
# Keras: what it quantizes to int8 it cannot write for LiteRT, the format of small devices. What it quantizes to int4
# it can.
#
# A good guess: a library that has quantize("int8") and export(..., format="litert") has both for the same purpose, so
# that one follows the other. int8 is what LiteRT's kernels are made for. Seen with Keras 3.14.1, TensorFlow 2.20.0 and
# two dense layers:
# 1. The float network is exported. After quantize("int8") the export ends with RuntimeError, from an error of the
#    converter: a product of two matrices of int8 is no operator of the format.
# 2. After quantize("int4") it is exported, and the file computes.
# 3. A convolution stays float32 after quantize("int8"), 97 of 100 numbers in a small network for pictures. There is a
#    warning, in the same words as for layers that have no numbers at all, such as the input.
# What helps: export the float network, and let TFLite's converter quantize it with a set of examples.
#
# Needs python3 with venv, 3.11 to 3.13, on Linux. Installs nothing outside of a temporary folder, but about 2 GB in it.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/python -m pip install -q --disable-pip-version-check \
    numpy==2.2.6 keras==3.14.1 tensorflow-cpu==2.20.0 ai-edge-litert==2.3.0
cat >look.py <<'PYTHON'
import sys
import warnings

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from keras import layers


def dense():
    """Two dense layers."""
    given = keras.Input((64,))
    return keras.Model(given, layers.Dense(4)(layers.Dense(32, activation="relu")(given)))


def convolutions():
    """Two convolutions and a dense layer, for pictures of 48 x 48 gray levels."""
    face = keras.Input((48, 48, 1))
    x = layers.Conv2D(16, 3, strides=2, activation="relu")(face)
    x = layers.Conv2D(64, 3, activation="relu")(x)
    return keras.Model(face, layers.Dense(4)(layers.GlobalAveragePooling2D()(x)))


def exported(model):
    """What becomes of the model as a file for LiteRT: "computes", or the name of the error."""
    try:
        model.export("model.tflite", format="litert", verbose=False)
    except Exception as error:
        return type(error).__name__
    file = Interpreter("model.tflite")
    file.allocate_tensors()
    file.set_tensor(file.get_input_details()[0]["index"], np.ones((1, 64), np.float32))
    file.invoke()
    return "computes"


warnings.simplefilter("ignore")
outcomes = {"float32": exported(dense())}
for mode in ("int8", "int4"):
    model = dense()
    model.quantize(mode)
    outcomes[mode] = exported(model)
print(f"Keras {keras.__version__}: exported for LiteRT: {outcomes}")

model = convolutions()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", UserWarning)
    model.quantize("int8")
warned = [str(one.message).split()[1] for one in caught if "quantize" in str(one.message)]
kernels = {type(layer).__name__: str(layer.kernel.dtype) for layer in model.layers if layer.weights}
floats = sum(int(np.prod(weight.shape)) for weight in model.weights if weight.dtype == "float32") / model.count_params()
print(f"Keras: kernels after int8: {kernels}, {floats:.0%} of all numbers are float32. It warns of: {warned}")
as_described = (
    outcomes == {"float32": "computes", "int8": "RuntimeError", "int4": "computes"}
    and kernels == {"Conv2D": "float32", "Dense": "int8"}
    and floats > 0.9
    and warned == ["InputLayer", "Conv2D", "Conv2D", "GlobalAveragePooling2D"]
)
sys.exit(0 if as_described else 1)
PYTHON
status=0
env/bin/python look.py >out 2>log || status=$?
grep "^Keras" out || true  # TensorFlow writes beside it
if [ "$status" = 0 ]; then
    echo "As described: what is quantized to int8 cannot be exported."
else
    tail -5 log
    echo "Not as described any more."
    exit 1
fi
