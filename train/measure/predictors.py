"""Predictors: whatever classifies faces, behind one interface. A bundle in the device's classifier or a trained run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.model_format.bundle import read_bundle
from edge_agent.model_format.metadata import TRAINING
from edge_agent.model_format.priors import Prior, prior_weights, training_shares_of_bundle
from edge_agent.vision.classifier import Classifier, reweigh, softmax
from train.common.backend import import_backend
from train.data import load
from train.data.dataset import FaceSet
from train.data.label_map import NO_LABEL_MAP, LabelMap
from train.data.splits import make_split
from train.fit.distillation import TeacherModels
from train.fit.provenance import Provenance, provenance_of_bundle, splits_that_trained_on
from train.fit.run_data import warn_of_other_data
from train.fit.run_dir import RunDir


@dataclass(frozen=True)
class Predictor:
    """A network that is ready to be measured.

    Attributes:
        name: Its name in reports.
        identity: First 12 hex digits of its file's sha256.
        labels: Name of each output, in order.
        channels: 1 for gray levels, 3 for red-green-blue.
        temperature: Logits are divided by it; 1 for a run, which has none.
        protocol: The split it was trained with.
        fingerprint: Sha256 of the data set it was trained on by that split; empty where unknown.
        provenance: Of its weights, earlier trainings included.
        prior: Shares of the labels in its training; None where they are not known.
        logits: From ``uint8 (N, 48, 48, C)`` to ``float32 (N, K)``.
    """

    name: str
    identity: str
    labels: tuple[str, ...]
    channels: int
    temperature: float
    protocol: str
    fingerprint: str
    provenance: Provenance
    logits: Callable[[NDArray[np.uint8]], NDArray[np.float32]]
    prior: dict[str, float] | None = None

    def predict(self, images: NDArray[np.uint8], prior: Prior = "training") -> NDArray[np.float32]:
        """Probability of each label under a prior, ``float32 (N, K)``, as the device computes it."""
        probabilities = softmax(self.logits(images), self.temperature)
        return reweigh(probabilities, prior_weights(self.prior, self.labels, prior))

    def expected(self, faces: FaceSet) -> NDArray[np.int64]:
        """The column of each face's own label, ``int64 (N,)``; -1 where the model has no such label."""
        columns = [self.labels.index(label) if label in self.labels else -1 for label in faces.classes]
        return np.array(columns, np.int64)[faces.labels]


def with_known_labels(predictor: Predictor, faces: FaceSet, name: str = "") -> tuple[FaceSet, NDArray[np.int64]]:
    """The faces whose labels a model has, and the column of each one's label, ``int64 (N,)``.

    Args:
        predictor: The model.
        faces: Labelled faces.
        name: What to call them in the message; the data set's name unless given.

    Raises:
        InputError: There is none.
    """
    expected = predictor.expected(faces)
    rows = np.flatnonzero(expected >= 0)
    if not rows.size:
        raise InputError(
            f"{name or faces.name}: classes",
            received=", ".join(faces.classes),
            expected=f"some of {', '.join(predictor.labels)}",
        )
    return faces.take(rows), expected[rows]


def open_predictor(path: Path) -> Predictor:
    """Open a model bundle or a finished run directory.

    Raises:
        InputError: The run is unfinished or broken.
        ModelError: The bundle cannot be used.
    """
    return _open_run(path) if path.is_dir() else _of_bundle(Classifier.load(path, threads=1))


def open_teachers(bundles: Sequence[Path], *, flip: bool = False) -> Predictor:
    """Open several model bundles as one predictor, which answers as they do when they teach a network together.

    Args:
        bundles: One or more, with the same labels.
        flip: Whether each also answers for the mirrored face.

    Raises:
        InputError: One lacks a label of the first one, or takes other channels.
        ModelError: A file is no bundle.
    """
    kind = read_bundle(bundles[0]).metadata
    teachers = TeacherModels(bundles, kind.labels, channels=kind.input.channels, flip=flip)
    members = [_of_bundle(classifier) for classifier in teachers.classifiers]
    shares = [one.prior for one in members if one.prior is not None]
    return replace(
        members[0],
        name=" + ".join(bundle.name for bundle in bundles) + (", mirror images too" if flip else ""),
        identity="+".join(one.identity for one in members),
        temperature=1.0,
        provenance=teachers.provenance,
        logits=lambda images: np.log(np.maximum(teachers.answers(images), np.finfo(np.float32).tiny)),
        prior={label: float(np.mean([one[label] for one in shares])) for label in kind.labels}
        if len(shares) == len(members)
        else None,
    )


def held_out_faces(data: Path, predictors: tuple[Predictor, ...], label_map: LabelMap = NO_LABEL_MAP) -> FaceSet:
    """Load the validation part of a data set, by the first predictor's split.

    Args:
        data: The data set.
        predictors: One or more.
        label_map: What the data's class names mean.

    Raises:
        InputError: The predictors differ in channels or from the data in labels, one of them was trained on faces of
            that part, now or in an earlier training, or the part is empty.
    """
    first = predictors[0]
    faces = load(data, channels=first.channels, label_map=label_map)
    for predictor in predictors:
        if (predictor.labels, predictor.channels) != (faces.classes, first.channels):
            raise InputError(
                f"{predictor.name}: labels",
                received=f"{', '.join(predictor.labels)}; {predictor.channels} channels",
                expected=f"{', '.join(faces.classes)}; {first.channels} channels",
                remedy="Measure models of one kind together, on data of that kind",
            )
    warn_of_other_data(data, faces, first.name, first.fingerprint)
    rows = make_split(faces, first.protocol).validation
    if len(rows) == 0:
        raise InputError(f"the validation part of {first.protocol}", received="no images", expected="some")
    for predictor in predictors:
        if seen := splits_that_trained_on(predictor.provenance, faces, rows):
            raise InputError(
                f"{predictor.name}, trained by {', '.join(seen)}",
                received="faces it was trained on",
                expected=f"only faces that are held out of {first.protocol}, the split of {first.name}",
                remedy="Measure models together whose trainings, earlier ones too, all held out these faces",
            )
    return faces.take(rows)


def _of_bundle(classifier: Classifier) -> Predictor:
    facts = classifier.metadata
    trained = [data for data in facts.data if data.use == TRAINING]
    return Predictor(
        name=f"{facts.name}, {facts.quantization}",
        identity=classifier.model_id,
        labels=classifier.labels,
        channels=classifier.channels,
        temperature=facts.temperature,
        protocol=trained[0].protocol if trained else "",
        fingerprint=trained[0].sha256 if trained else "",
        provenance=provenance_of_bundle(facts),
        logits=classifier.logits,
        prior=training_shares_of_bundle(facts),
    )


def _open_run(path: Path) -> Predictor:
    run = RunDir(path)
    record = run.record()
    run.check_finished()
    # Keras takes seconds to import, and a bundle does without it.
    import_backend()
    from train.fit.saved import load_model
    from train.models.inference import predict_logits

    model = load_model(run)
    return Predictor(
        name=path.resolve().name,
        identity=run.fingerprint()[:12],
        labels=record.classes,
        channels=record.recipe.channels,
        temperature=1.0,
        protocol=record.protocol,
        fingerprint=record.fingerprint,
        provenance=record.provenance(),
        logits=lambda images: predict_logits(model, images),
        prior=record.training_shares(),
    )
