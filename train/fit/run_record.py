"""What a run directory records: what was run on which data, and what each epoch gave."""

from __future__ import annotations

import subprocess
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from edge_agent.model_format.priors import training_shares
from train.fit.provenance import NO_PROVENANCE, Provenance
from train.fit.recipe import Recipe


class EpochMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """What one epoch gave. ``loss`` and ``accuracy`` are over the varied training images with dropout active.

    ``learning_rate`` is that of the step after it. ``images_per_s`` is over the training steps of all hosts, tracing
    included; ``waiting`` is the share of their time in which this host's devices had no batch to work on. Both are zero
    in older records.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    seconds: float
    images_per_s: float = 0.0
    waiting: float = 0.0


class ExtraData(msgspec.Struct, frozen=True, kw_only=True):
    """A further data set whose faces a training used; nothing was validated on it.

    Attributes:
        name: Name of the data set.
        fingerprint: Sha256 of the data set as read.
        protocol: Name of the split whose training part was used.
        images: How many of its faces were used.
    """

    name: str
    fingerprint: str
    protocol: str
    images: int


class RunRecord(msgspec.Struct, kw_only=True):
    """What was run.

    Attributes:
        recipe: Every setting.
        data: Name of the data set.
        fingerprint: Sha256 of the data set as read.
        protocol: Name of the split.
        protocol_note: What someone who reads results on it must know.
        classes: Labels in the order of the outputs.
        images: Number of images by part of the split.
        parameters: Of the network.
        macs: Multiply-accumulates a face.
        git_revision: Of the code, with ``-dirty`` where files had been changed.
        versions: Of Keras, its backend and NumPy.
        started_at: ISO 8601, UTC.
        finished_at: Likewise; empty while the training is unfinished.
        kept_epoch: The epoch, counted from 1, whose weights were kept; 0 for the last one.
        extra_annotation: Annotation used beyond the data set's own labels.
        machine: Where it was begun, as :func:`train.common.machine.describe_machine` gives it.
        teachers: Bundles of its teacher models, with their fingerprints.
        votes: Sha256 of the votes it used; empty where there were none, and in older records.
        started_from: The run or bundle of its initial weights, with its fingerprint; empty where they were random.
        earlier: Provenance of its initial weights and teacher models, as far as it differs from its own.
        extra: Further data sets whose faces it was trained on.
        prior: Share of each class among the training faces, as their labels and votes have it; empty in older records.
    """

    recipe: Recipe
    data: str
    fingerprint: str
    protocol: str
    protocol_note: str
    classes: tuple[str, ...]
    images: dict[str, int]
    parameters: int
    macs: int
    git_revision: str
    versions: dict[str, str]
    started_at: str
    finished_at: str = ""
    kept_epoch: int = 0
    started_from: str = ""
    earlier: Provenance = NO_PROVENANCE
    extra_annotation: str = ""
    machine: str = ""
    teachers: tuple[str, ...] = ()
    votes: str = ""
    extra: tuple[ExtraData, ...] = ()
    prior: dict[str, float] = {}

    def training_shares(self) -> dict[str, float] | None:
        """Share of each class among the training faces; of older records only where these were FER2013's, else None."""
        return training_shares(self.prior, self.classes, self.data)

    def provenance(self) -> Provenance:
        """Provenance of the run's weights: its own training and those before it."""
        return self.own_provenance().merged(self.earlier)

    def own_provenance(self) -> Provenance:
        """What this training itself used."""
        annotation = (self.extra_annotation,) if self.extra_annotation else ()
        return Provenance(
            data={self.fingerprint: self.data, **{one.fingerprint: one.name for one in self.extra}},
            annotation=annotation,
            teachers=self.teachers,
            splits={
                self.fingerprint: (self.protocol,),
                **{one.fingerprint: (one.protocol,) for one in self.extra},
            },
        )


def git_revision() -> str:
    """The checkout's commit, ``-dirty`` where files differ from it, ``unknown`` outside a checkout."""
    here = Path(__file__).parent
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


def utc_now() -> str:
    """The present moment, ISO 8601."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
