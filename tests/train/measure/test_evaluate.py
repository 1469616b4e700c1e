"""Scores of an evaluation compared with values worked out by hand."""

from __future__ import annotations

import json
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from train.measure.evaluate import CALIBRATION_BINS, Evaluation, evaluate, to_markdown, wilson_interval

CLASSES = ("keen", "bored", "asleep")
PROBABILITIES = np.array([[0.8, 0.1, 0.1], [0.5, 0.3, 0.2], [0.3, 0.6, 0.1], [0.7, 0.2, 0.1]], np.float32)
LABELS = np.array([0, 1, 1, 0])


@pytest.fixture
def scored() -> Evaluation:
    return evaluate(PROBABILITIES, LABELS, CLASSES)


@st.composite
def predictions(draw: st.DrawFn) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    count = draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    return rng.dirichlet(np.full(3, draw(st.sampled_from([0.1, 1.0, 10.0]))), count), rng.integers(0, 3, count)


def test_accuracy_is_the_share_of_right_answers(scored: Evaluation) -> None:
    assert scored.accuracy == 0.75


def test_the_confusion_matrix_has_labels_in_rows(scored: Evaluation) -> None:
    assert scored.confusion == ((2, 0, 0), (1, 1, 0), (0, 0, 0))


def test_scores_by_class_are_reported_only_where_they_exist(scored: Evaluation) -> None:
    keen, bored, asleep = scored.classes
    assert (keen.recall, keen.precision, keen.f1) == pytest.approx((1.0, 2 / 3, 0.8))
    assert (bored.recall, bored.precision, bored.f1) == pytest.approx((0.5, 1.0, 2 / 3))
    assert (asleep.support, asleep.recall, asleep.precision, asleep.f1) == (0, None, None, None)


def test_means_over_classes_leave_out_those_that_do_not_occur(scored: Evaluation) -> None:
    assert scored.balanced_accuracy == pytest.approx(0.75)
    assert scored.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)


def test_a_class_predicted_but_never_there_counts_against_macro_f1() -> None:
    scored = evaluate(np.array([[0.9, 0.1, 0.0], [0.1, 0.0, 0.9]]), np.array([0, 0]), CLASSES)
    assert scored.macro_f1 == pytest.approx((2 / 3 + 0) / 2)
    assert scored.balanced_accuracy == 0.5


def test_the_likelihood_is_of_the_labels(scored: Evaluation) -> None:
    assert scored.nll == pytest.approx(-(log(0.8) + log(0.3) + log(0.6) + log(0.7)) / 4, rel=1e-6)


def test_a_label_held_impossible_costs_a_finite_amount() -> None:
    assert evaluate(np.array([[1.0, 0.0]]), np.array([1]), ("a", "b")).nll == pytest.approx(-log(1e-12))


def test_calibration_error_weighs_bins_by_count() -> None:
    probabilities = np.array([[0.9, 0.1]] * 3 + [[0.65, 0.35]])
    scored = evaluate(probabilities, np.array([0, 0, 1, 0]), ("a", "b"))
    assert scored.calibration_error == pytest.approx(3 / 4 * (0.9 - 2 / 3) + 1 / 4 * (1 - 0.65))


def test_right_answers_given_with_certainty_are_calibrated() -> None:
    scored = evaluate(np.eye(3), np.arange(3), CLASSES)
    assert scored.calibration_error == 0
    assert scored.calibration[-1].count == 3


def test_a_confidence_on_an_edge_belongs_to_the_bin_below() -> None:
    edge = 9 / CALIBRATION_BINS
    scored = evaluate(np.array([[edge, 1 - edge]]), np.array([0]), ("a", "b"))
    assert [index for index, bin_ in enumerate(scored.calibration) if bin_.count] == [8]


@given(predictions())
def test_scores_are_shares_and_agree_with_each_other(given_: tuple[NDArray[np.float64], NDArray[np.int64]]) -> None:
    probabilities, labels = given_
    scored = evaluate(probabilities, labels, CLASSES)
    assert np.sum(scored.confusion) == len(labels) == sum(bin_.count for bin_ in scored.calibration)
    assert scored.accuracy == pytest.approx(
        sum(bin_.count * bin_.accuracy for bin_ in scored.calibration) / len(labels)
    )
    assert scored.interval[0] <= scored.accuracy <= scored.interval[1]
    for share in (scored.accuracy, scored.balanced_accuracy, scored.macro_f1, scored.calibration_error):
        assert 0 <= share <= 1
    assert all(bin_.low <= bin_.confidence <= bin_.high + 1e-12 for bin_ in scored.calibration if bin_.count)


@given(predictions(), st.permutations(range(3)))
def test_the_order_of_the_classes_does_not_matter(
    given_: tuple[NDArray[np.float64], NDArray[np.int64]], order: list[int]
) -> None:
    probabilities, labels = given_
    first = evaluate(probabilities, labels, CLASSES)
    other = evaluate(probabilities[:, order], np.argsort(order)[labels], tuple(CLASSES[index] for index in order))
    for figure in ("accuracy", "balanced_accuracy", "macro_f1", "calibration_error", "nll"):
        assert getattr(other, figure) == pytest.approx(getattr(first, figure))


def test_wilsons_interval_has_the_values_worked_out_by_hand() -> None:
    # For x = 8 of n = 10, z = 1.96: (x + z^2/2) / (n + z^2) +- z / (n + z^2) * sqrt(x (n - x) / n + z^2 / 4)
    squared = 1.959963984540054**2
    middle, reach = (8 + squared / 2) / (10 + squared), (squared * (8 * 2 / 10 + squared / 4)) ** 0.5 / (10 + squared)
    assert wilson_interval(8, 10) == pytest.approx((middle - reach, middle + reach))
    assert wilson_interval(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)


@given(st.integers(1, 10**6).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_wilsons_interval_holds_the_share_and_stays_within_0_and_1(counts: tuple[int, int]) -> None:
    low, high = wilson_interval(*counts)
    assert 0 <= low <= counts[0] / counts[1] <= high <= 1


@pytest.mark.parametrize("counts", [(0, 0), (-1, 5), (6, 5)])
def test_impossible_counts_have_no_interval(counts: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="expected 0 <= successes <= trials"):
        wilson_interval(*counts)


@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        pytest.param(np.zeros((0, 3)), [], "N at least 1", id="nothing"),
        pytest.param(np.full((2, 2), 0.5), [0, 1], r"got probabilities \(2, 2\)", id="too few classes"),
        pytest.param(np.full((2, 3), 1 / 3), [0], r"labels \(1,\)", id="too few labels"),
        pytest.param(np.array([[2.0, 1.0, 5.0]]), [0], "rows summing to 8", id="logits"),
        pytest.param(np.array([[1.5, -0.5, 0.0]]), [0], "negative or no numbers", id="negative"),
        pytest.param(np.array([[np.nan, 0.5, 0.5]]), [0], "negative or no numbers", id="not a number"),
        pytest.param(np.full((1, 3), 1 / 3), [3], "got labels 3 to 3, expected 0 to 2", id="label out of range"),
    ],
)
def test_what_is_no_prediction_is_refused(probabilities: NDArray[np.float64], labels: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(probabilities, np.array(labels, np.int64), CLASSES)


def test_an_evaluation_is_json(scored: Evaluation) -> None:
    reported = json.loads(json.dumps(scored.to_json()))
    assert reported["accuracy"] == 0.75
    assert reported["classes"][1]["recall"] == 0.5
    assert reported["confusion"][1] == [1, 1, 0]


def test_an_evaluation_reads_as_tables(scored: Evaluation) -> None:
    text = to_markdown(scored, "Edge on PublicTest")
    assert text.startswith("# Edge on PublicTest\n")
    assert "75.00% (95 % interval 30.06% to 95.44%)" in text
    assert "| asleep |      0 |      - |         - |     - |" in text
    assert "| bored  |    1 |     1 |      0 |" in text
