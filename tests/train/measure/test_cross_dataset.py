"""Classifying faces of a data set that a model was not trained on."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from edge_agent.errors import InputError
from edge_agent.model_format.accuracy import PUBLISHED
from edge_agent.model_format.labels import CK_PLUS
from edge_agent.vision.classifier import BUNDLED_MODEL
from tests.train.data.files import face_set
from tests.train.predicting import always, predictor
from train.data import load
from train.fit.provenance import Provenance
from train.measure.cross_dataset import evaluate_cross_dataset, to_markdown
from train.measure.predictors import open_predictor


def test_only_classes_that_both_have_are_counted() -> None:
    faces = face_set([0, 3, 6, 5], classes=CK_PLUS)  # contempt, the third, is no label of the model

    measured = evaluate_cross_dataset(predictor(always(0, 3, 6)), faces)

    assert measured.images == 3
    assert measured.accuracy == pytest.approx(2 / 3)
    assert measured.support == {"angry": 1, "happy": 1, "surprise": 1}
    assert measured.recall == {"angry": 1.0, "happy": 1.0, "surprise": 0.0}


def test_a_label_that_the_data_lack_is_a_wrong_answer_and_counted_apart() -> None:
    scores = np.array([[3, 0, 0, 0, 0, 0, 9]], np.float32)  # neutral first, then angry

    measured = evaluate_cross_dataset(predictor(lambda _: scores), face_set([0], classes=CK_PLUS))

    assert (measured.accuracy, measured.among_shared) == (0.0, 1.0)


def test_labels_are_matched_by_name_not_by_number() -> None:
    model = predictor(always(1, 0, classes=2), labels=("happy", "angry"))
    assert evaluate_cross_dataset(model, face_set([0, 3], classes=CK_PLUS)).accuracy == 1.0


def test_the_interval_is_over_persons() -> None:
    answers, labels = [0] * 50 + [3] * 50, [0] * 100
    alike = face_set(labels, classes=CK_PLUS, subject=["S001"] * 50 + ["S002"] * 50)
    many = face_set(labels, classes=CK_PLUS, subject=[f"S{number:03d}" for number in range(100)])

    of_two, of_many = (evaluate_cross_dataset(predictor(always(*answers)), faces).interval for faces in (alike, many))

    assert of_two == (0.0, 1.0)
    assert 0.3 < of_many[0] < 0.5 < of_many[1] < 0.7


def test_a_model_is_not_judged_on_its_training_data() -> None:
    faces = face_set([0], classes=CK_PLUS)
    provenance = Provenance(data={faces.fingerprint(): "once called so"})
    with pytest.raises(InputError, match="trained on made"):
        evaluate_cross_dataset(predictor(always(0), provenance=provenance), faces)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_set_is_the_same_whichever_of_its_parts_are_there(name: str) -> None:
    faces = dataclasses.replace(face_set([0], classes=CK_PLUS), name=name)
    with pytest.raises(InputError, match=f"trained on {re.escape(name)}"):
        evaluate_cross_dataset(predictor(always(0), provenance=Provenance(data={"of other parts": name})), faces)


def test_another_folder_of_the_same_name_is_measured_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    faces = face_set([0], classes=CK_PLUS)
    evaluate_cross_dataset(predictor(always(0), provenance=Provenance(data={"another": faces.name})), faces)
    assert "was trained on other data of the name made" in caplog.text


def test_data_without_a_class_of_the_model_are_refused() -> None:
    with pytest.raises(InputError, match="expected some of cat, dog"):
        evaluate_cross_dataset(predictor(always(0), labels=("cat", "dog")), face_set([0], classes=CK_PLUS))


def test_models_of_different_labels_stand_in_one_table() -> None:
    faces = face_set([0, 3], classes=CK_PLUS)
    angry_alone = predictor(always(0, classes=2), labels=("angry", "keen"))
    text = to_markdown([evaluate_cross_dataset(one, faces) for one in (angry_alone, predictor(always(0, 3)))])
    assert re.search(r"images +\| +1 \| +2 \|", text)
    assert re.search(r"recall, happy \(1\) +\| +not among its labels \| +100\.0%", text)


def test_a_report_shows_recall_by_class() -> None:
    text = to_markdown([evaluate_cross_dataset(predictor(always(0, 3)), face_set([0, 5], classes=CK_PLUS))])
    assert "| recall, surprise (1)" in text


def test_the_bundled_model_classifies_ck_plus_well_above_chance(data_dir: Path) -> None:
    measured = evaluate_cross_dataset(open_predictor(BUNDLED_MODEL), load(data_dir / "ck48"))

    assert (measured.images, measured.subjects, len(measured.recall)) == (927, 106, 6)
    assert measured.accuracy > 0.6
