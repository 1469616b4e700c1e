"""A tiny convolutional network with its own faces and exports, made once for all tests that need one."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.model_format import labels
from edge_agent.model_format.bundle import Bundle, pack_bundle, unpack_bundle
from edge_agent.model_format.metadata import Metadata
from export.calibrate import choose_calibration
from export.convert import Quantization, to_tflite
from export.keras_model import import_keras, keras_logits

CLASSES = labels.FER2013


@cache
def faces(count: int, seed: int = 11) -> NDArray[np.uint8]:
    """``uint8 (count, 48, 48, 1)``: stripes of any direction, width and contrast over soft blobs, no two alike."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:48, :48]
    made = []
    for _ in range(count):
        direction, frequency, phase = random.uniform(0, np.pi), random.uniform(0.1, 1.2), random.uniform(0, 2 * np.pi)
        stripes = np.sin(frequency * (x * np.cos(direction) + y * np.sin(direction)) + phase)
        blobs = cv2.resize(random.normal(0, 25, (4, 4)), (48, 48), interpolation=cv2.INTER_CUBIC)
        made.append(random.uniform(60, 190) + random.uniform(10, 90) * stripes + blobs)
    return np.asarray(np.clip(made, 0, 255), np.uint8)[..., None]


@cache
def keras_model() -> Any:
    """The zoo's ``testing`` network, with statistics like those after training, and with predictions of all labels."""
    keras = import_keras()
    from train.models import build

    keras.utils.set_random_seed(4)
    model = build("testing", len(CLASSES))
    random = np.random.default_rng(4)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            width = layer.gamma.shape
            gamma, beta = random.uniform(0.7, 1.4, width), random.normal(0, 0.2, width)
            layer.set_weights([gamma, beta, random.normal(0, 0.1, width), random.uniform(0.5, 1.5, width)])
    output = model.get_layer("logits")
    features = keras_logits(keras.Model(model.input, output.input), faces(200))
    middle = features.mean(axis=0)
    _, strength, axes = np.linalg.svd(features - middle, full_matrices=False)
    kernel = (axes[:2].T / strength[:2]) @ random.normal(0, np.sqrt(len(features)), (2, len(CLASSES)))
    output.set_weights([kernel, -middle @ kernel])
    return model


@cache
def truth(count: int) -> NDArray[np.int64]:
    """Labels of :func:`faces`, of which the network predicts four in five."""
    found = np.asarray(keras_logits(keras_model(), faces(count)).argmax(axis=1), np.int64)
    found[::5] = (found[::5] + 1) % len(CLASSES)
    return found


@cache
def flatbuffer(quantization: Quantization) -> bytes:
    return to_tflite(keras_model(), quantization, choose_calibration(faces(200), truth(200)))


def bundle(quantization: Quantization) -> Bundle:
    facts = Metadata(
        name="testing",
        architecture="testing",
        parameters=keras_model().count_params(),
        labels=CLASSES,
        quantization=quantization,
        temperature=1.5,
    )
    return unpack_bundle(pack_bundle(flatbuffer(quantization), facts), quantization)


def write_fer2013(path: Path, train: int, public: int) -> Path:
    """Write the first faces with their labels as a table like Kaggle's."""
    rows = ["emotion,pixels,Usage"]
    for index, (face, label) in enumerate(zip(faces(200)[: train + public], truth(200), strict=False)):
        usage = "Training" if index < train else "PublicTest"
        rows.append(f"{label},{' '.join(map(str, face.ravel()))},{usage}")
    path.write_text("\n".join(rows) + "\n", encoding="ascii")
    return path
