"""From face crops to probabilities: the one piece of code that runs a model, on the device and in verification."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError, ModelError
from edge_agent.model_format.bundle import Bundle, read_bundle
from edge_agent.model_format.bundled import BUNDLED_MODEL, BUNDLED_MODELS, model_path
from edge_agent.model_format.metadata import Metadata
from edge_agent.model_format.priors import (
    DEFAULT_PRIOR,
    Prior,
    describe_prior,
    prior_weights,
    training_shares_of_bundle,
)
from edge_agent.vision.runtime import open_interpreter

__all__ = ["BUNDLED_MODEL", "BUNDLED_MODELS", "Classifier", "model_path"]

_MAX_BATCH = 64
"""Faces handed to the interpreter at once. Time grows linearly with the batch; this bounds its memory."""


class Classifier:
    """A model ready to classify faces. It may be shared between threads; they take turns.

    Attributes:
        labels: Name of each column of the result.
        channels: 1 if it takes gray levels, 3 if red-green-blue.
        model_id: First 12 hex digits of the bundle's sha256.
        metadata: What travels with the model.
        runtime_name: What runs it, with its version.
        runtime: Its name as ``load`` takes it, never ``auto``.
        prior: Which shares of the labels its answers assume, in words for a person.
    """

    def __init__(
        self, bundle: Bundle, *, runtime: str = "auto", threads: int = 1, prior: Prior = DEFAULT_PRIOR
    ) -> None:
        shares = training_shares_of_bundle(bundle.metadata)
        self._weights = prior_weights(shares, bundle.metadata.labels, prior)
        self.prior: str = describe_prior(prior, shares)
        self.metadata: Metadata = bundle.metadata
        self.labels: tuple[str, ...] = bundle.metadata.labels
        self.channels: int = bundle.metadata.input.channels
        self.model_id: str = bundle.model_id
        self._flatbuffer = bundle.flatbuffer  # the interpreter reads weights from this very memory
        opened = open_interpreter(self._flatbuffer, runtime, threads)
        self.runtime_name: str = opened.runtime
        self.runtime: str = opened.key
        self._interpreter = opened.interpreter
        self._input = self._interpreter.get_input_details()[0]
        self._output_index: int = self._interpreter.get_output_details()[0]["index"]
        self._allocated = 1
        self._lock = threading.Lock()

    @classmethod
    def load(
        cls,
        path: Path | str | None = None,
        *,
        runtime: str = "auto",
        threads: int = 1,
        prior: Prior = DEFAULT_PRIOR,
    ) -> Classifier:
        """Open a model bundle.

        Args:
            path: The bundle, or the name of one that comes with the package; None for the default one of these.
            runtime: ``auto``, ``litert``, ``tflite`` or ``tensorflow``.
            threads: Threads for one inference.
            prior: Which shares of the labels the answers assume; ``training`` for those of the network itself.

        Raises:
            ModelError: The bundle cannot be used, or no runtime can run it.
            InputError: No such runtime, or fewer than one thread.
            ConfigError: The prior has shares of other labels.
        """
        return cls(read_bundle(model_path(path)), runtime=runtime, threads=threads, prior=prior)

    def predict(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Calibrated probability of each label for each face, under the assumed prior.

        Args:
            faces: ``uint8 (N, 48, 48)`` gray levels (a last axis of 1 may be there) or, for a model of three channels,
                ``uint8 (N, 48, 48, 3)`` red-green-blue, as ``crop_face`` makes them. Any ``N`` from 0 up.

        Returns:
            ``float32 (N, len(labels))``; each row sums to 1.

        Raises:
            InputError: Another type or shape.
            ModelError: An answer is no number; compared with a floor it would pass for an expression.
        """
        logits = self.logits(faces)
        if not np.isfinite(logits).all():
            raise ModelError(f"model {self.model_id}: an answer that is no number", remedy="Use another model")
        return reweigh(softmax(logits, self.metadata.temperature), self._weights)

    def logits(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The model's outputs before temperature, softmax and prior, ``float32 (N, len(labels))``.

        Arguments and errors are those of :meth:`predict`.
        """
        batch = self._checked(faces)
        outputs = np.empty((len(batch), len(self.labels)), np.float32)
        with self._lock:
            for start in range(0, len(batch), _MAX_BATCH):
                part = slice(start, start + _MAX_BATCH)
                outputs[part] = self._infer(batch[part])
        return outputs

    def _checked(self, faces: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The faces as ``uint8 (N, 48, 48, C)``."""
        faces, size = np.asarray(faces), self.metadata.input.size_px
        one = (size, size) if self.channels == 1 else (size, size, self.channels)
        if faces.dtype != np.uint8:
            raise InputError(
                "faces", received=f"an array of {faces.dtype}", expected="uint8 levels, 0 to 255, not scaled"
            )
        if faces.ndim == 0 or (faces.shape[1:] != one and faces.shape[1:] != (size, size, self.channels)):
            raise InputError(
                "faces",
                received=f"an array of shape {faces.shape}",
                expected=f"(N, {', '.join(map(str, one))})",
                remedy="Bring each face to this size with `to_face_tensor` and stack them",
            )
        return (
            faces.reshape(-1, size, size, self.channels)
            if len(faces)
            else np.empty((0, size, size, self.channels), np.uint8)
        )

    def _infer(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        if (
            len(batch) != self._allocated
        ):  # costs a tenth of one face's inference; padding to fixed sizes would cost more
            self._allocated = 0
            self._interpreter.resize_tensor_input(self._input["index"], list(batch.shape))
            self._interpreter.allocate_tensors()
            self._allocated = len(batch)
        self._interpreter.set_tensor(self._input["index"], batch.astype(self._input["dtype"], copy=False))
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output_index)


def softmax(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float32]:
    """Probabilities of logits divided by a temperature, ``float32 (N, K)``; rows sum to 1."""
    scaled = logits.astype(np.float64) / temperature  # float32 sums would miss 1 by more than a reader expects
    scaled -= scaled.max(axis=1, keepdims=True)
    exponentials = np.exp(scaled)
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), np.float32)


def reweigh(probabilities: NDArray[np.float32], weights: Sequence[float] | None) -> NDArray[np.float32]:
    """Probabilities times their labels' weights, scaled so that rows sum to 1, ``float32 (N, K)``.

    Args:
        probabilities: Calibrated, ``float32 (N, K)``; rows sum to 1.
        weights: One for each label, each above 0, as ``prior_weights`` gives them; None for no change.
    """
    if weights is None:
        return probabilities
    weighted = probabilities.astype(np.float64) * np.asarray(weights, np.float64)
    return np.asarray(weighted / weighted.sum(axis=1, keepdims=True), np.float32)
