"""Trying changes to a recipe one at a time, each over several seeds, and telling gains from chance.

DIR/<variant>/seed-<n>   one run directory a training, with ``answers.json``: what it answered on the held-out faces
DIR/ablation.md, .json   the table so far, written anew after every training
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError
from train.ablation.effects import Effect, effects, render
from train.ablation.normalisation import alignment_weights, normalise
from train.ablation.plan import Plan, Variant
from train.ablation.saved_predictions import Training, check_run, read_answers, write_answers
from train.data.dataset import FaceSet
from train.data.ferplus import Votes
from train.data.splits import make_split
from train.fit.initial_weights import describe_start, open_start
from train.fit.objective import open_teachers
from train.fit.run_dir import EpochMetrics, RunDir
from train.fit.saved import load_model
from train.fit.trainer import fit, predict_logits


def run_ablation(
    plan: Plan,
    variants: Sequence[Variant],
    faces: FaceSet,
    folder: Path,
    *,
    votes: Votes | None = None,
    teachers: Sequence[Path] = (),
    weights: Path | None = None,
    start: Path | None = None,
    on_training: Callable[[str], None] = lambda _: None,
    on_epoch: Callable[[EpochMetrics], None] = lambda _: None,
) -> tuple[Effect, ...]:
    """Train what is not yet trained, and compare every variant with the base.

    All variants are trained with the first seed, then all with the next: a plan that is cut short compares all it can.
    A call on a folder that an interrupted one left continues it; a finished one trains nothing again.

    Args:
        plan: Seeds and words.
        variants: The base first.
        faces: The data set.
        folder: Where runs and results go.
        votes: FER+'s votes on ``faces``, where a recipe uses them.
        teachers: Bundles to learn from, where a recipe uses them.
        weights: YuNet's, where a variant aligns faces; where fetched unless given.
        start: A finished run or a bundle whose weights every training begins with.
        on_training: Told before each training what it is.
        on_epoch: Told after every epoch of a training.

    Raises:
        InputError: A recipe uses votes or teachers and there are none, faces shall be aligned without weights, or
            a variant would be judged on other faces than the base.
        RunMismatch: The folder holds runs by other recipes or of other data.
        RunDamaged: It holds a broken one.
    """
    descriptions: dict[str, tuple[str, ...]] = {}
    for variant in variants:
        if variant.recipe.uses_votes and votes is None:
            raise InputError(
                f"variant {variant.name!r}",
                received="no votes",
                expected="FER+'s table, fer2013new.csv",
                remedy="Name it with --votes",
            )
        if variant.recipe.teaching.weight and not teachers:
            raise InputError(
                f"variant {variant.name!r}",
                received="no teacher",
                expected="a model bundle",
                remedy="Name it with --teacher",
            )
        opened = open_teachers(variant.recipe, faces, teachers if variant.recipe.teaching.weight else ())
        descriptions[variant.name] = () if opened is None else opened.descriptions
    if any("align" in variant.faces for variant in variants):
        alignment_weights(weights)
    splits = [make_split(faces, variant.recipe.protocol) for variant in variants]
    for variant, split in zip(variants, splits, strict=True):
        if not np.array_equal(split.validation, splits[0].validation):
            raise InputError(
                f"variant {variant.name!r}",
                received=f"faces held out by {split.protocol}",
                expected=f"those of {splits[0].protocol}",
                remedy="Leave protocol as the base has it",
            )
    labels = faces.labels[splits[0].validation]
    right: dict[str, list[NDArray[np.bool_]]] = {variant.name: [] for variant in variants}
    found: tuple[Effect, ...] = ()
    for seed in plan.seeds:
        for variant, split in zip(variants, splits, strict=True):
            recipe = msgspec.structs.replace(variant.recipe, seed=seed)
            taught_by = teachers if recipe.teaching.weight else ()
            training = Training(
                recipe=recipe.settings(),
                faces=variant.faces,
                data=faces.fingerprint(),
                split=split.protocol,
                start=describe_start(start) if start else "",
                teachers=descriptions[variant.name],
                votes=votes.fingerprint() if votes is not None and recipe.uses_votes else "",
            )
            run = RunDir(folder / variant.folder / f"seed-{seed}")
            answers = read_answers(run, training)
            if answers is None:
                on_training(f"{variant.name}, seed {seed}")
                seen = normalise(faces, variant.faces, weights)
                if run.model_path.is_file():
                    check_run(run, training, seen.fingerprint())
                else:
                    begun = open_start(start, seen.images[split.train]) if start else None
                    fit(
                        recipe,
                        seen,
                        split,
                        run,
                        resume=True,
                        start_from=begun,
                        votes=votes if recipe.uses_votes else None,
                        teachers=taught_by,
                        on_epoch=on_epoch,
                    )
                answers = predict_logits(load_model(run), seen.images[split.validation]).argmax(axis=1)
                write_answers(run, training, answers)
            right[variant.name].append(answers == labels)
            found = effects(right)
            _write(plan, found, folder)
    return found


def _write(plan: Plan, found: tuple[Effect, ...], folder: Path) -> None:
    (folder / "ablation.md").write_text(render(plan.title, found), encoding="utf-8")
    (folder / "ablation.json").write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
