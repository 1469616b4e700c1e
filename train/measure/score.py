"""Scoring a finished run on a part of its data, with scores and plots written into the run's folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.vision.classifier import softmax
from train.common.writing import write_whole
from train.data.dataset import FaceSet, Split
from train.data.label_map import NO_LABEL_MAP, LabelMap
from train.fit.provenance import note_on_split
from train.fit.run_data import load_data_of
from train.fit.run_dir import RunDir
from train.fit.run_record import RunRecord
from train.fit.saved import load_model
from train.measure.evaluate import Evaluation, evaluate, to_markdown
from train.measure.plots import plot_confusion, plot_curves, plot_reliability
from train.models.inference import predict_logits


def score_run(run_path: Path, data: Path, part: str, label_map: LabelMap = NO_LABEL_MAP) -> tuple[Evaluation, str]:
    """Score the network of a run and write ``evaluation/PART.json`` and plots into its folder.

    Returns:
        The scores, and the same as Markdown.

    Raises:
        InputError: The run is unfinished, or there is no such part.
    """
    run = RunDir(run_path)
    record = run.record()
    model = load_model(run)
    chosen, note = held_out(record, data, part, label_map)
    evaluation = evaluate(softmax(predict_logits(model, chosen.images)), chosen.labels, record.classes)
    title = f"{record.recipe.model} on {record.data}, {part}"
    folder = run_path / "evaluation"
    plot_confusion(evaluation, folder / f"{part}-confusion.png", title)
    plot_reliability(evaluation, folder / f"{part}-reliability.png", title)
    if epochs := run.metrics():  # an average of runs has none
        plot_curves(epochs, folder / "curves.png", title)
    write_whole(folder / f"{part}.json", json.dumps(evaluation.to_json(), indent=2).encode() + b"\n")
    return evaluation, "\n\n".join(filter(None, (to_markdown(evaluation, title), note)))


def held_out(record: RunRecord, data: Path, part: str, label_map: LabelMap = NO_LABEL_MAP) -> tuple[FaceSet, str]:
    """Load the images of one part of a run's split again; log a warning if the data have changed.

    Returns:
        The images, and what one must know about scores on that split.

    Raises:
        InputError: There is no such part, or the data have other classes or cannot be split by the run's protocol.
    """
    faces, split = load_data_of(record, data, label_map)
    return faces.take(rows_of(split, part)), note_on_split(faces, split, record.earlier)


def rows_of(split: Split, part: str) -> NDArray[np.int64]:
    """Row numbers of ``train``, ``validation`` or ``test``.

    Raises:
        InputError: No such part, or it is empty.
    """
    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    rows = parts.get(part)
    if rows is None:
        raise InputError("part", received=repr(part), expected="train, validation or test")
    if len(rows) == 0:
        raise InputError(
            f"the {part} part of {split.protocol}", received="no images", expected="some", remedy="Choose another part"
        )
    return rows
