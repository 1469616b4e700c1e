#!/bin/sh
# Keras on JAX: with prefetching workers, the first training of a model begins at the third batch, although it is asked
# not to shuffle.
#
# A good guess: fit(..., shuffle=False) takes the batches of a PyDataset in their order, on each backend and with any
# number of workers: the documentation only says that workers prepare batches in parallel. Seen with Keras 3.14.1, five
# batches and two epochs:
# 1. On JAX with two or four workers the order is 2 3 4 0 1, in both epochs. With one worker it is 0 1 2 3 4.
# 2. A second fit() of the same model has the right order. So the first one took two batches off the queue, to look at
#    their shapes, and never put them back in front.
# 3. On TensorFlow the order is right with any number of workers.
# Batches whose order matters (sequences for a network with a state, easy ones first, a training that goes on where
# another one ended) are out of order, and only in a fresh process. What helps: one worker, or test_on_batch() with any
# batch before fit().
#
# Needs python3 with venv, 3.11 to 3.13, on Linux. Installs nothing outside of a temporary folder, but about 2 GB in it.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/python -m pip install -q --disable-pip-version-check \
    numpy==2.2.6 keras==3.14.1 jax==0.7.2 tensorflow-cpu==2.20.0
cat >look.py <<'PYTHON'
import sys

import numpy as np
import keras


class Counted(keras.utils.PyDataset):
    """Five batches; each holds its own number."""

    def __len__(self):
        return 5

    def __getitem__(self, index):
        batch = np.full((4, 1), float(index), "float32")
        return batch, batch


class Order(keras.callbacks.Callback):
    """Reads from the mean loss after each step which batch the step had."""

    def __init__(self):
        super().__init__()
        self.batches, self.sum = [], 0.0

    def on_epoch_begin(self, epoch, logs=None):
        self.sum = 0.0

    def on_train_batch_end(self, batch, logs=None):
        total = float(logs["loss"]) * (batch + 1)
        self.batches.append(round(total - self.sum))
        self.sum = total


def orders(workers, warm_up=False):
    """The order in two calls of fit(), of two epochs each."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones", use_bias=False)])
    model.compile(keras.optimizers.SGD(0.0), loss=lambda given, answer: keras.ops.mean(answer))
    if warm_up:
        model.test_on_batch(*Counted()[0])
    found = []
    for _ in range(2):
        order = Order()
        model.fit(Counted(workers=workers), epochs=2, shuffle=False, verbose=0, callbacks=[order])
        found.append(order.batches)
    return found


backend = keras.backend.backend()
right, late = [0, 1, 2, 3, 4] * 2, [2, 3, 4, 0, 1] * 2
expected = {
    (1, False): [right, right],
    (2, False): [late if backend == "jax" else right, right],
    (4, False): [late if backend == "jax" else right, right],
    (2, True): [right, right],
}
wrong = 0
for (workers, warm_up), wanted in expected.items():
    found = orders(workers, warm_up)
    wrong += found != wanted
    how = f"{workers} workers" + (", after test_on_batch" if warm_up else "")
    print(f"Keras {keras.__version__}, {backend}, {how}: {found}")
sys.exit(wrong > 0)
PYTHON
status=0
for backend in jax tensorflow; do
    KERAS_BACKEND=$backend env/bin/python look.py 2>log || status=$?
done
if [ "$status" = 0 ]; then
    echo "As described: with workers, the first training on JAX begins at the third batch."
else
    tail -5 log
    echo "Not as described any more."
    exit 1
fi
