"""The trainings of a reproduction, in an order that makes partial results most useful."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from edge_agent.errors import InputError
from train.common.precision import Precision
from train.fit.recipe import Optimizer, Phase, Recipe
from train.fit.run_record import RunRecord
from train.reproduce.paper import BATCH_SIZE, CURVES, EPOCHS, LEARNING_RATE, PRINTED, DataName

Target = Literal["table8", "table9", "figures", "all"]
SplitName = Literal["paper", "subject"]
"""``paper`` is the paper's split; ``subject`` is the one in which every person is on one side only."""


DEFAULT_SEEDS = (1, 2, 3)
SUBJECT_FOLDS = {model: 10 if model in ("paper-2", "paper-6") else 5 for model in PRINTED["ckplus"]}
"""Number of folds of the subject-independent validation: more for the paper's two best models."""

# FER2013's model 3 and CK+'s model 6 are the paper's best. A run on CK+ takes minutes; the rest on FER2013 takes hours.
_FER2013_BY_PRIORITY = ("paper-3", "paper-4", "paper-2", "paper-1")
_CKPLUS_BY_PRIORITY = ("paper-6", "paper-2", "paper-3", "paper-1", "paper-4", "paper-5", "paper-7", "paper-8")


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings shared by all trainings of one reproduction.

    Attributes:
        epochs: Length of every training. If it is not the paper's, every output says so.
        precision: Keras' dtype policy.
    """

    epochs: int = EPOCHS
    precision: Precision = "float32"

    @property
    def deviation(self) -> str:
        """How these trainings deviate from the paper's; empty where they do not."""
        if self.epochs == EPOCHS:
            return ""
        word = "shortened" if self.epochs < EPOCHS else "lengthened"
        return f"{word} to {self.epochs} of the paper's {EPOCHS} epochs"


class Job(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One training.

    Attributes:
        data: The data set.
        model: The network.
        split: How the data set is divided.
        seed: Of the split, initial weights, dropout and shuffling.
        fold: The group of persons held out, from 0; only where ``folds`` is not 0.
        folds: Number of such groups; 0 where the split has none.
    """

    data: DataName
    model: str
    split: SplitName = "paper"
    seed: int = 1
    fold: int = 0
    folds: int = 0

    @property
    def protocol(self) -> str:
        """The name of its split in ``train.data.splits``."""
        if self.data == "fer2013":
            return "fer2013-paper"
        if self.split == "paper":
            return f"ckplus-by-image seed={self.seed}"
        return f"ckplus-by-subject fold={self.fold} folds={self.folds} seed={self.seed}"

    @property
    def folder(self) -> str:
        """The folder of its run below the reproduction's folder; unique to the job."""
        data = self.data if self.data == "fer2013" else f"{self.data}-{self.split}"
        fold = f"-fold{self.fold}of{self.folds}" if self.folds else ""
        return f"{data}/{self.model}-seed{self.seed}{fold}"

    def __str__(self) -> str:
        where = {"fer2013": "FER2013", "ckplus": f"CK+ by {'image' if self.split == 'paper' else 'subject'}"}[self.data]
        fold = f", fold {self.fold + 1} of {self.folds}" if self.folds else ""
        return f"{self.model} on {where}, seed {self.seed}{fold}"


def recipe_of(job: Job, settings: Settings) -> Recipe:
    """The paper's settings for a job; ``docs/reproduction.md`` lists those that the paper leaves open."""
    return Recipe(
        title=str(job),
        source="Kusno & Chowanda, CommIT Journal 18(2), 2024: Adam, 1e-4, 50 epochs. Batches of 64 are inferred.",
        command="python -m train reproduce all",
        cost="",
        expected="",
        model=job.model,
        phases=(Phase(epochs=settings.epochs),),
        protocol=job.protocol,
        batch_size=BATCH_SIZE,
        seed=job.seed,
        precision=settings.precision,
        optimizer=Optimizer(kind="adam", learning_rate=LEARNING_RATE, schedule="constant"),
    )


def job_of(record: RunRecord, settings: Settings) -> Job | None:
    """Find the job that a run was made for; None where it is no training of this reproduction."""
    name, *options = record.protocol.split() or [""]
    values = {key: value for key, _, value in (option.partition("=") for option in options)}
    numbers = {key: int(value) for key, value in values.items() if value.isdecimal()}
    job = Job(
        data="fer2013" if name.startswith("fer2013") else "ckplus",
        model=record.recipe.model,
        split="subject" if name == "ckplus-by-subject" else "paper",
        seed=record.recipe.seed,
        fold=numbers.get("fold", 0),
        folds=numbers.get("folds", 0),
    )
    return job if recipe_of(job, settings).settings() == record.recipe.settings() else None


def plan(
    target: Target,
    *,
    only: Sequence[str] = (),
    seeds: Sequence[int] = DEFAULT_SEEDS,
    splits: Sequence[SplitName] = ("paper", "subject"),
) -> list[Job]:
    """The trainings that a target needs, in the order of their priority.

    Args:
        target: The part of the paper.
        only: Models to keep, as ``paper-3`` or ``3``; all where none are given.
        seeds: CK+ on the paper's split is trained once with each; FER2013 and the folds once, with the first.
        splits: CK+'s splits to train on.

    Raises:
        InputError: There is no such model, no seed, or nothing is left.
    """
    if not seeds:
        raise InputError("seeds", received="none", expected="one at least, like 1,2,3")
    selected = _models(only)
    jobs = [job for job in _by_priority(tuple(dict.fromkeys(seeds)), splits) if _belongs(job, target, seeds[0])]
    kept = [job for job in jobs if not selected or job.model in selected]
    if not kept:
        asked = f"{target} with only {', '.join(sorted(selected))}" if selected else target
        held = ", ".join(dict.fromkeys(job.model for job in jobs)) or "CK+ on the paper's split"
        raise InputError(asked, received="nothing to train", expected=f"a selection that holds some of {held}")
    return kept


def _by_priority(seeds: Sequence[int], splits: Sequence[SplitName]) -> list[Job]:
    first = seeds[0]
    fer2013 = [Job(data="fer2013", model=model, seed=first) for model in _FER2013_BY_PRIORITY]
    by_image = {
        model: [Job(data="ckplus", model=model, seed=seed) for seed in seeds if "paper" in splits]
        for model in _CKPLUS_BY_PRIORITY
    }
    by_subject = {
        model: [
            Job(data="ckplus", model=model, split="subject", seed=first, fold=fold, folds=SUBJECT_FOLDS[model])
            for fold in range(SUBJECT_FOLDS[model])
            if "subject" in splits
        ]
        for model in _CKPLUS_BY_PRIORITY
    }
    best, *rest = _CKPLUS_BY_PRIORITY
    return [
        fer2013[0],
        *by_image[best],
        *by_subject[best],
        *(job for model in rest for job in by_image[model]),
        *(job for model in rest for job in by_subject[model]),
        *fer2013[1:],
    ]


def _belongs(job: Job, target: Target, first_seed: int) -> bool:
    if target == "all":
        return True
    if target == "figures":
        return (job.data, job.model) in CURVES.values() and job.split == "paper" and job.seed == first_seed
    return job.data == ("fer2013" if target == "table8" else "ckplus")


def _models(only: Sequence[str]) -> set[str]:
    known = PRINTED["ckplus"]
    names = {name if name.startswith("paper-") else f"paper-{name}" for name in only}
    unknown = sorted(names - set(known))
    if unknown:
        raise InputError("models", received=", ".join(unknown), expected=f"some of {', '.join(known)}")
    return names
