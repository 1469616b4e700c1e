"""A model's answers against annotators' votes."""

from __future__ import annotations

import numpy as np
import pytest

from edge_agent.errors import InputError
from tests.train.data.files import face_set
from tests.train.predicting import always, predictor
from train.data.ferplus import VOTES_FOR, Votes
from train.measure.annotator_agreement import AnnotatorAgreement, measure_agreement, to_markdown

HAPPY, SAD = 3, 4  # FER2013's numbers


def votes(*rows: dict[str, int]) -> Votes:
    return Votes(np.array([[row.get(name, 0) for name in VOTES_FOR] for row in rows], np.int64))


@pytest.fixture
def view() -> AnnotatorAgreement:
    """Five faces: clear and right, unclear and wrong, a tie, contempt, no face."""
    cast = votes(
        {"happy": 10},
        {"sad": 5, "neutral": 3, "angry": 2},
        {"sad": 5, "neutral": 5},
        {"contempt": 6, "happy": 4},
        {"not a face": 9, "happy": 1},
    )
    return measure_agreement(predictor(always(HAPPY, 6)), face_set([HAPPY, SAD, SAD, HAPPY, 0]), cast)


def test_the_commonest_choice_is_what_counts(view: AnnotatorAgreement) -> None:
    assert (view.images, view.accuracy, view.label_accuracy) == (2, 0.5, 1.0)
    assert view.recall == {"happy": 1.0, "sad": 0.0}


def test_faces_without_an_answer_the_model_could_give_are_left_out_and_counted(view: AnnotatorAgreement) -> None:
    assert view.left_out == {"tie": 1, "contempt": 1, "not a face": 1}


def test_votes_for_the_answer_are_counted_even_where_it_is_not_the_commonest(view: AnnotatorAgreement) -> None:
    assert view.vote_share == pytest.approx((1.0 + 0.3) / 2)
    assert view.max_vote_share == pytest.approx((1.0 + 0.5) / 2)


def test_faces_are_binned_by_how_far_annotators_agree(view: AnnotatorAgreement) -> None:
    filled = {(one.low, one.high): one.accuracy for one in view.by_agreement if one.images}
    assert filled == {(0.0, 0.5): 0.0, (0.9, 1.0): 1.0}


def test_a_report_shows_bins_and_what_was_left_out(view: AnnotatorAgreement) -> None:
    text = to_markdown(view)
    assert "1 tie, 1 contempt, 1 not a face" in text
    assert "| over 90% to 100%" in text


def test_a_part_without_any_clear_face_is_refused() -> None:
    with pytest.raises(InputError, match="no face"):
        measure_agreement(predictor(always(0)), face_set([0]), votes({"not a face": 10}))


def test_labels_that_nobody_voted_on_are_refused() -> None:
    with pytest.raises(InputError, match="labels: got cat"):
        measure_agreement(predictor(always(0), labels=("cat", "happy")), face_set([0]), votes({"happy": 10}))
