"""What a bundle states about its training, taken from the record of its run."""

from __future__ import annotations

import msgspec

from edge_agent.errors import InputError
from edge_agent.model_format.bundle import Bundle
from edge_agent.model_format.metadata import EARLIER, TRAINING, DataInfo, Metadata, TrainingInfo
from train.fit.run_dir import RunDir
from train.fit.run_record import RunRecord


def training_info(run: str, record: RunRecord) -> TrainingInfo:
    """What a bundle states about its run; ``run`` is the run's name."""
    return TrainingInfo(
        run=run,
        git_revision=record.git_revision,
        recipe=record.recipe.title,
        seed=record.recipe.seed,
        finished_at=record.finished_at,
        extra_annotation=record.extra_annotation,
        started_from=record.started_from,
        teachers=record.teachers,
        earlier_annotation=record.earlier.annotation,
        earlier_teachers=record.earlier.teachers,
    )


def training_data(record: RunRecord) -> tuple[DataInfo, ...]:
    """What a bundle states about the data its weights were trained on; the run's own first data set comes first."""
    own = DataInfo(
        name=record.data,
        sha256=record.fingerprint,
        protocol=record.protocol,
        images=record.images,
        note=record.protocol_note,
    )
    extra = (
        DataInfo(
            name=one.name,
            sha256=one.fingerprint,
            protocol=one.protocol,
            images={"train": one.images},
            note=_note_on_extra(record),
        )
        for one in record.extra
    )
    return (own, *extra, *record.earlier.as_earlier_data())


def _note_on_extra(record: RunRecord) -> str:
    weight = 1.0 if record.recipe.extra is None else record.recipe.extra.label_weight
    labels = (
        f"Their labels counted {weight:.0%} as much as those of {record.data}"
        if weight
        else "Their labels were not used"
    )
    return f"Further faces for training alone. {labels}."


def matching_record(bundle: Bundle, run: RunDir) -> RunRecord:
    """Read the record of the run that a bundle was exported from.

    Raises:
        InputError: The bundle was exported from another run.
    """
    record, facts = run.record(), bundle.metadata
    of_run = (record.finished_at, record.recipe.seed, record.classes, record.fingerprint)
    data = facts.data[0].sha256 if facts.data else ""
    of_bundle = (facts.training.finished_at, facts.training.seed, facts.labels, data)
    if of_run != of_bundle:
        raise InputError(
            f"{run.path}",
            received=f"the record of a run finished {record.finished_at or 'never'}",
            expected=f"that of {facts.training.run}, finished {facts.training.finished_at}",
            remedy="Name the run this model was exported from",
        )
    return record


def describe_again(bundle: Bundle, run: RunDir) -> Metadata:
    """A bundle's metadata, completed from the record of its run, for bundles made when they stated less.

    Raises:
        InputError: The bundle was exported from another run.
    """
    record, facts = matching_record(bundle, run), bundle.metadata
    used = [data for data in facts.data if data.use not in (TRAINING, EARLIER)]
    return msgspec.structs.replace(
        facts,
        training=training_info(facts.training.run, record),
        data=(*training_data(record), *used),
        prior=record.prior or facts.prior,
    )
