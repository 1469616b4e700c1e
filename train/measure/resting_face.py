"""What learning each person's face at rest gains and costs: simulated lessons of real and of drawn people.

A lesson shows one person's faces in random order, one a second, to the same class as the agent's. Then faces of the
person that were not in the lesson are read with and without the correction.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from edge_agent.config import RestingFaceSettings
from edge_agent.errors import InputError
from edge_agent.model_format.crop import crop_face
from edge_agent.model_format.labels import FER2013, NEUTRAL
from edge_agent.model_format.priors import DEFAULT_PRIOR
from edge_agent.simulate.portrait import draw_face
from edge_agent.vision.resting_face import RestingFaces
from train.common.table import table
from train.data.dataset import FaceSet
from train.measure.predictors import Predictor

_FILE_OF_PERSON = re.compile(r"(?P<person>.+)_\d+\.[A-Za-z]+")
"""The name of a picture's file that says who is shown. A row of a table has a number behind the ending."""

_AT_REST = 0.75
"""Share of a lesson in which a person's face is at rest."""

_DRAWN_PEOPLE, _DRAWN_SIDE_PX, _DRAWN_REST = 40, 160, 0.35


@dataclass(frozen=True)
class Lesson:
    """One person's lesson and what is read after it.

    Attributes:
        kind: What it is about, for the report.
        shown: Probabilities of the faces in the lesson, ``float32 (N, K)``.
        read: Probabilities of the faces read after it, ``float32 (M, K)``.
        expected: Column of the label that each of these has, ``int64 (M,)``.
    """

    kind: str
    shown: NDArray[np.float32]
    read: NDArray[np.float32]
    expected: NDArray[np.int64]


@dataclass(frozen=True)
class RestingFaceResult:
    """How often faces are read as they are labelled.

    Attributes:
        kind: Which lessons.
        people: Number of lessons.
        faces: Number of faces read.
        before: Share that is read right without the correction.
        after: Share that is read right with it.
    """

    kind: str
    people: int
    faces: int
    before: float
    after: float


def measure_resting_face(
    predictor: Predictor, data: Sequence[FaceSet], settings: RestingFaceSettings, seed: int = 0
) -> list[RestingFaceResult]:
    """Read faces after simulated lessons, with and without what the lesson taught of the person.

    Args:
        predictor: The model; its answers are those under the default prior.
        data: Faces of persons, by ``subject`` or else by file names such as ``PERSON_NUMBER.jpg``; others are left out.
        settings: Of the correction.
        seed: Of the order of faces.

    Returns:
        One entry for each kind of lesson that the data allow.

    Raises:
        InputError: The model has no label for a face at rest, or a set does not say of any face who is shown.
    """
    if NEUTRAL not in predictor.labels:
        raise InputError(
            f"{predictor.name}: labels",
            received=", ".join(predictor.labels),
            expected=f"{NEUTRAL} among them",
            remedy="Faces at rest are learnt only for models that have this label",
        )
    rng = np.random.default_rng(seed)
    lessons = _drawn_lessons(predictor)
    for faces in data:
        lessons += _lessons(predictor, faces)
    found: dict[str, list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]] = defaultdict(list)
    for lesson in lessons:
        found[lesson.kind].append(_read(lesson, predictor.labels, settings, rng))
    return [
        RestingFaceResult(
            kind,
            people=len(reads),
            faces=sum(len(before) for before, _ in reads),
            before=float(np.concatenate([before for before, _ in reads]).mean()),
            after=float(np.concatenate([after for _, after in reads]).mean()),
        )
        for kind, reads in found.items()
    ]


def to_markdown(results: Sequence[RestingFaceResult]) -> str:
    """A table with a row for each kind of lesson."""
    rows = [[one.kind, one.people, one.faces, f"{one.before:.1%}", f"{one.after:.1%}"] for one in results]
    return table(["lesson", "people", "faces read", "right without", "right with"], rows)


def _read(
    lesson: Lesson, labels: tuple[str, ...], settings: RestingFaceSettings, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    resting = RestingFaces(labels, settings)
    seconds = math.ceil(settings.after_s) + 1
    for second, row in enumerate(rng.integers(0, len(lesson.shown), seconds)):
        resting.correct("", lesson.shown[row], float(second))
    # Within the same second nothing more is learnt, so that every face is read by what the lesson taught.
    corrected = np.stack([resting.correct("", answer, seconds - 1.0) for answer in lesson.read])
    return lesson.read.argmax(1) == lesson.expected, corrected.argmax(1) == lesson.expected


def _lessons(predictor: Predictor, faces: FaceSet) -> list[Lesson]:
    answers = predictor.predict(faces.images, DEFAULT_PRIOR)
    neutral, expected = predictor.labels.index(NEUTRAL), predictor.expected(faces)
    people: dict[str, list[int]] = defaultdict(list)
    for row, person in enumerate(_people(faces)):
        if person and expected[row] >= 0:
            people[person].append(row)
    lessons = []
    for rows in people.values():
        of_label = {label: [row for row in rows if expected[row] == label] for label in set(expected[rows].tolist())}
        lessons += _varied_lesson(faces.name, answers, expected, of_label, neutral)
        for label, same in of_label.items():
            if label != neutral and len(same) >= 2:
                kind = f"{faces.name}: {predictor.labels[label]} for the whole time"
                lessons.append(Lesson(kind, answers[same[::2]], answers[same[1::2]], expected[same[1::2]]))
    return lessons


def _varied_lesson(
    name: str,
    answers: NDArray[np.float32],
    expected: NDArray[np.int64],
    of_label: dict[int, list[int]],
    neutral: int,
) -> list[Lesson]:
    """A lesson at rest for most of the time; read are other faces at rest, and others with an expression."""
    rest = of_label.get(neutral, [])
    other = [row for label, rows in of_label.items() if label != neutral for row in rows]
    if len(rest) < 4 or len(other) < 2:
        return []
    shown = _mixed(answers[rest[::2]], answers[other[::2]])
    return [
        Lesson(f"{name}: at rest", shown, answers[rest[1::2]], expected[rest[1::2]]),
        Lesson(f"{name}: an expression", shown, answers[other[1::2]], expected[other[1::2]]),
    ]


def _mixed(rest: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Both, each repeated so often that rest makes up its share of the lesson."""
    repeats = max(1, round(len(other) * _AT_REST / (1.0 - _AT_REST) * 4 / len(rest)))
    return np.concatenate([np.repeat(rest, repeats, axis=0), np.repeat(other, 4, axis=0)])


def _drawn_lessons(predictor: Predictor) -> list[Lesson]:
    """Drawn people whose face at rest leans towards an expression, and the same people at rest without that."""
    index = predictor.labels.index
    lessons = []
    for leaning in (NEUTRAL, "sad", "angry"):
        what = "no expression" if leaning == NEUTRAL else leaning
        for person in range(_DRAWN_PEOPLE):
            others = [name for name in predictor.labels if name in FER2013 and name not in (NEUTRAL, leaning)]
            if not others:
                continue  # nothing that can be drawn
            rest = _drawn(predictor, [leaning], _DRAWN_REST, person)
            shown, read = (_drawn(predictor, some, 1.0, person) for some in (others[::2], others))
            lesson = _mixed(rest, shown)
            lessons += [
                Lesson(f"drawn, rest leans to {what}: at rest", lesson, rest, np.array([index(NEUTRAL)])),
                Lesson(
                    f"drawn, rest leans to {what}: an expression",
                    lesson,
                    read,
                    np.array([index(one) for one in others]),
                ),
            ]
    return lessons


def _drawn(predictor: Predictor, expressions: Sequence[str], intensity: float, person: int) -> NDArray[np.float32]:
    portraits = [draw_face(name, intensity, person, _DRAWN_SIDE_PX) for name in expressions]
    crops = [crop_face(one.image, one.box.left, one.box.top, one.box.side, predictor.channels) for one in portraits]
    return predictor.predict(np.stack(crops), DEFAULT_PRIOR)


def _people(faces: FaceSet) -> list[str]:
    """Who is shown in each row; empty where that is not known.

    Raises:
        InputError: It is known of none.
    """
    named = [_FILE_OF_PERSON.fullmatch(PurePath(str(origin)).name) for origin in faces.origin]
    people = [
        str(subject) or (found["person"] if found else "") for subject, found in zip(faces.subject, named, strict=True)
    ]
    if not any(people):
        raise InputError(
            faces.name,
            received="faces that do not say who is shown",
            expected="CK+48, or files such as PERSON_NUMBER.jpg",
            remedy="Name the files so, or leave the data out",
        )
    return people
