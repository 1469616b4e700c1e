"""Running an ablation: a recipe with one change at a time, each over several seeds, compared with the unchanged recipe.

DIR/<variant>/seed-<n>   one run directory per training, with ``answers.json``: its predictions on the held-out faces
DIR/ablation.md, .json   the table so far, written again after every training
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError
from train.ablation.effects import Effect, effects, to_markdown
from train.ablation.normalisation import alignment_weights, normalise
from train.ablation.plan import Plan, Variant
from train.ablation.saved_predictions import TrainingIdentity, check_run, read_predictions, write_predictions
from train.common.writing import write_whole
from train.data.dataset import FaceSet, Split
from train.data.ferplus import Votes
from train.data.splits import make_split
from train.fit.initial_weights import describe_initial_weights, open_initial_weights
from train.fit.inputs import TrainingInputs
from train.fit.objective import open_teachers
from train.fit.run_dir import RunDir
from train.fit.run_record import EpochMetrics
from train.fit.saved import load_model
from train.fit.trainer import fit
from train.models.inference import predict_logits


@dataclass(frozen=True, kw_only=True)
class AblationInputs:
    """What all trainings of an ablation share, besides their recipes.

    Attributes:
        faces: The data set.
        votes: FER+'s votes on ``faces``, where a recipe uses them.
        teachers: Bundles for distillation, where a recipe uses them.
        weights: YuNet's weights, where a variant aligns faces; the fetched ones unless given.
        start: A finished run or a bundle with the initial weights of every training.
    """

    faces: FaceSet
    votes: Votes | None = None
    teachers: Sequence[Path] = ()
    weights: Path | None = None
    start: Path | None = None


def run_ablation(
    plan: Plan,
    variants: Sequence[Variant],
    inputs: AblationInputs,
    folder: Path,
    *,
    on_training: Callable[[str], None] = lambda _: None,
    on_epoch: Callable[[EpochMetrics], None] = lambda _: None,
) -> tuple[Effect, ...]:
    """Train what is not yet trained, and compare every variant with the base.

    All variants are trained with the first seed, then all with the next. So a plan that is cut short still compares as
    much as possible. A call on the folder of an interrupted ablation continues it; nothing is trained twice.

    Args:
        plan: The plan.
        variants: Its variants, the base first.
        inputs: What all trainings share.
        folder: The folder of runs and results.
        on_training: Called with the name of each training before it starts.
        on_epoch: Called after every epoch of a training.

    Raises:
        InputError: A recipe uses votes or teachers and there are none, faces are to be aligned without weights, or a
            variant would be validated on other faces than the base.
        RunMismatch: The folder holds runs by other recipes or of other data.
        RunDamaged: It holds a damaged run.
    """
    teachers = {variant.name: _describe_teachers(variant, inputs) for variant in variants}
    if any("align" in variant.faces for variant in variants):
        alignment_weights(inputs.weights)
    splits = _check_splits(variants, inputs.faces)
    labels = inputs.faces.labels[splits[0].validation]
    correct: dict[str, list[NDArray[np.bool_]]] = {variant.name: [] for variant in variants}
    found: tuple[Effect, ...] = ()
    for seed in plan.seeds:
        for variant, split in zip(variants, splits, strict=True):
            seeded = msgspec.structs.replace(variant, recipe=msgspec.structs.replace(variant.recipe, seed=seed))
            training = _identity(seeded, split, inputs, teachers[variant.name])
            run = RunDir(folder / variant.folder / f"seed-{seed}")
            predictions = read_predictions(run, training)
            if predictions is None:
                on_training(f"{variant.name}, seed {seed}")
                predictions = _predictions(seeded, split, inputs, run, training, on_epoch)
                write_predictions(run, training, predictions)
            correct[variant.name].append(predictions == labels)
            found = effects(correct)
            _write(plan, found, folder)
    return found


def _describe_teachers(variant: Variant, inputs: AblationInputs) -> tuple[str, ...]:
    """Describe the teacher models of a variant, and check that it has all that its recipe uses."""
    if variant.recipe.uses_votes and inputs.votes is None:
        raise InputError(
            f"variant {variant.name!r}",
            received="no votes",
            expected="FER+'s table, fer2013new.csv",
            remedy="Name it with --votes",
        )
    if variant.recipe.distillation.weight and not inputs.teachers:
        raise InputError(
            f"variant {variant.name!r}",
            received="no teacher",
            expected="a model bundle",
            remedy="Name it with --teacher",
        )
    opened = open_teachers(variant.recipe, inputs.faces, inputs.teachers if variant.recipe.distillation.weight else ())
    return () if opened is None else opened.descriptions


def _check_splits(variants: Sequence[Variant], faces: FaceSet) -> list[Split]:
    """Split the data for each variant, and check that all hold out the same faces."""
    splits = [make_split(faces, variant.recipe.protocol) for variant in variants]
    for variant, split in zip(variants, splits, strict=True):
        if not np.array_equal(split.validation, splits[0].validation):
            raise InputError(
                f"variant {variant.name!r}",
                received=f"faces held out by {split.protocol}",
                expected=f"those of {splits[0].protocol}",
                remedy="Leave protocol as the base has it",
            )
    return splits


def _identity(variant: Variant, split: Split, inputs: AblationInputs, teachers: tuple[str, ...]) -> TrainingIdentity:
    votes = inputs.votes if variant.recipe.uses_votes else None
    return TrainingIdentity(
        recipe=variant.recipe.settings(),
        faces=variant.faces,
        data=inputs.faces.fingerprint(),
        split=split.protocol,
        initial_weights=describe_initial_weights(inputs.start) if inputs.start else "",
        teachers=teachers,
        votes=votes.fingerprint() if votes is not None else "",
    )


def _predictions(
    variant: Variant,
    split: Split,
    inputs: AblationInputs,
    run: RunDir,
    training: TrainingIdentity,
    on_epoch: Callable[[EpochMetrics], None],
) -> NDArray[np.int64]:
    """Train a variant unless its run is finished, and predict the labels of the held-out faces."""
    recipe = variant.recipe
    faces = normalise(inputs.faces, variant.faces, inputs.weights)
    if run.model_path.is_file():
        check_run(run, training, faces.fingerprint())
    else:
        given = TrainingInputs(
            recipe,
            faces,
            split,
            votes=inputs.votes if recipe.uses_votes else None,
            teachers=inputs.teachers if recipe.distillation.weight else (),
            initial_weights=open_initial_weights(inputs.start, faces.images[split.train]) if inputs.start else None,
        )
        fit(given, run, resume=True, on_epoch=on_epoch)
    logits = predict_logits(load_model(run), faces.images[split.validation])
    return np.asarray(logits.argmax(axis=1), np.int64)


def _write(plan: Plan, found: tuple[Effect, ...], folder: Path) -> None:
    write_whole(folder / "ablation.md", to_markdown(plan.title, found).encode())
    write_whole(folder / "ablation.json", msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
