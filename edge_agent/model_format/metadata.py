"""What travels with a model, as types: the ``metadata.json`` of a bundle."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

FACE_SIZE = 48
"""Side of a face crop in pixels: FER2013's own size (Goodfellow et al. 2013)."""

SCHEMA_VERSION = 1
"""Version of the metadata this code writes and reads. It rises only when the meaning of a field changes."""


class InputSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a face must be before it goes in: raw levels, nothing subtracted or divided.

    Attributes:
        size_px: Height and width of a face in pixels.
        channels: 1 for gray levels, 3 for red-green-blue.
        dtype: Element type handed to ``Classifier.predict``.
        low: Darkest level.
        high: Brightest level.
    """

    size_px: int = FACE_SIZE
    channels: Literal[1, 3] = 1
    dtype: Literal["uint8"] = "uint8"
    low: int = 0
    high: int = 255


TRAINING = "training"
EARLIER = "training of a network it began with or was taught by"
"""Uses of data that belong to a model's provenance: its own training, or that of its initial weights and teachers."""


class TrainingInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The run a model came from. Empty or None where it is not known.

    Attributes:
        run: Its name.
        git_revision: Of the code.
        recipe: Its title.
        seed: Of the training.
        finished_at: ISO 8601, UTC.
        extra_annotation: Annotation used besides the data's own labels, such as the votes of further annotators.
        started_from: The run or bundle that gave the initial weights, and its fingerprint.
        teachers: Teacher models of the distillation, with their fingerprints.
        earlier_annotation: The extra annotation behind the initial weights and the teachers.
        earlier_teachers: The teachers behind those.
    """

    run: str = ""
    git_revision: str = ""
    recipe: str = ""
    seed: int | None = None
    finished_at: str = ""
    extra_annotation: str = ""
    started_from: str = ""
    teachers: tuple[str, ...] = ()
    earlier_annotation: tuple[str, ...] = ()
    earlier_teachers: tuple[str, ...] = ()


class DataInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A data set that was used for a model.

    Attributes:
        name: What it is called.
        sha256: Fingerprint over its pixels, labels and class names.
        protocol: Name of the split it was used by.
        images: Number of images by part of the split.
        use: What it was used for: :data:`TRAINING`, :data:`EARLIER`, ``ranges and temperature`` ...
        note: What to know before results on that split are compared.
    """

    name: str
    sha256: str
    protocol: str = ""
    images: dict[str, int] = {}
    use: str = TRAINING
    note: str = ""


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What travels with a model. Fields that a reader does not know are ignored.

    Attributes:
        name: What people call the model.
        architecture: Name of the network in ``train.models``.
        parameters: Stored weights before quantization.
        macs: Multiply-accumulates a face; None where not counted.
        labels: Name of each output, in order.
        input: What goes in.
        quantization: How weights and arithmetic are stored.
        temperature: Logits are divided by it before the softmax. Fitted after quantization, from 0.05 to 20; far
            outside of that every face is certain, or none is.
        temperature_fitted_on: The part of the data it was fitted on; empty where it was not fitted.
        training: The run.
        data: The data sets.
        prior: Share of each label among the faces it was trained on; empty where it is not known.
        metrics: By part of the data, each metric's name and its value, measured on this very file.
        licence: Terms of the weights.
        created_at: ISO 8601, UTC.
        note: Anything a reader should know of where the model comes from.
        flatbuffer_sha256: Fingerprint of the model without this metadata; filled in on writing.
        schema_version: Of this description.
    """

    name: str
    architecture: str
    parameters: int
    macs: int | None = None
    labels: Annotated[tuple[str, ...], msgspec.Meta(min_length=2)]
    input: InputSpec = InputSpec()
    quantization: Literal["int8", "float16", "float32"]
    temperature: Annotated[float, msgspec.Meta(ge=0.01, le=100.0)] = 1.0
    temperature_fitted_on: str = ""
    training: TrainingInfo = TrainingInfo()
    data: tuple[DataInfo, ...] = ()
    prior: dict[str, float] = {}
    metrics: dict[str, dict[str, float]] = {}
    licence: str = ""
    created_at: str = ""
    note: str = ""
    flatbuffer_sha256: str = ""
    schema_version: int = SCHEMA_VERSION
