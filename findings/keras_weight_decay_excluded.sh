#!/bin/sh
# Keras: which weights are free of weight decay is not in a .keras file. A training that goes on from one shrinks them.
#
# A good guess: load_model() gives back the training as it was: the file has the optimizer's state and settings, so
# that fit() goes on as if the program had never stopped. Seen with Keras 3.15.1 on JAX, for a network with batch
# normalization and AdamW, whose exclude_from_weight_decay() keeps biases and scales free of decay:
# 1. Without that call, the model that was loaded and the one in memory have the same bits after three more epochs. So
#    the decay itself, the clipping of gradients and the moments of Adam are all in the file.
# 2. With it, they do not. The scales and biases decay in the loaded one. There is no error and no warning.
# 3. With the same call once more after load_model(), they have the same bits again.
# So a training with an interruption ends with other weights than one without, and a fine-tuning of a stored model
# pulls its scales towards zero. What helps: make the call after each load_model(), or load no more than the weights.
#
# Needs python3 with venv, 3.11 to 3.13, on Linux. Installs nothing outside of a temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/python -m pip install -q --disable-pip-version-check numpy==2.2.6 jax==0.8.1 keras==3.15.1
cat >look.py <<'PYTHON'
import os
import sys
import warnings

os.environ["KERAS_BACKEND"] = "jax"
import keras
import numpy as np
from keras import layers

FREE = ["bias", "gamma", "beta"]
random = np.random.default_rng(1)
faces = random.normal(size=(64, 12, 12, 1)).astype(np.float32)
labels = random.integers(0, 3, 64)


def go_on(model):
    model.fit(faces, labels, epochs=3, batch_size=16, shuffle=False, verbose=0)
    return {"/".join(weight.path.split("/")[-2:]): np.asarray(weight.value) for weight in model.weights}


def differing(free, again):
    """The weights that differ between a training that went on in memory and one that went on from a file."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            layers.Conv2D(8, 3, name="convolution"),
            layers.BatchNormalization(name="normalization"),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax", name="head"),
        ]
    )
    optimizer = keras.optimizers.AdamW(1e-2, weight_decay=0.5, global_clipnorm=1.0)
    if free:
        optimizer.exclude_from_weight_decay(var_names=FREE)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    go_on(model)
    model.save("model.keras")
    loaded = keras.saving.load_model("model.keras")
    if again:
        loaded.optimizer.exclude_from_weight_decay(var_names=FREE)
    in_memory, from_file = go_on(model), go_on(loaded)
    scales = [float(weights["normalization/gamma"].mean()) for weights in (in_memory, from_file)]
    names = [name for name in in_memory if not np.array_equal(in_memory[name], from_file[name])]
    print(f"    scales of the normalization: {scales[0]:.3f} in memory, {scales[1]:.3f} from the file. ", end="")
    print(f"Other bits: {', '.join(names) or 'none'}")
    return names, scales


print(f"Keras {keras.__version__} on {keras.backend.backend()}")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", UserWarning)
    print("Decay for all weights:")
    plain, _ = differing(free=False, again=False)
    print("Scales and biases free of decay:")
    lost, (kept, shrunk) = differing(free=True, again=False)
    print("The same, and said once more after loading:")
    repeated, _ = differing(free=True, again=True)
warned = [str(one.message) for one in caught if issubclass(one.category, UserWarning)]
as_described = (
    not plain
    and not repeated
    and "normalization/gamma" in lost
    and "head/bias" in lost
    and shrunk < 0.97 * kept
    and not warned
)
sys.exit(0 if as_described else 1)
PYTHON
status=0
env/bin/python look.py 2>log || status=$?
if [ "$status" = 0 ]; then
    echo "As described: a loaded model decays what it was told to leave alone."
else
    tail -5 log
    echo "Not as described any more."
    exit 1
fi
