"""The class summed up over windows."""

from __future__ import annotations

import pytest

from edge_agent.privacy.summary import SummaryWindow


def test_a_window_reports_mean_presence_and_shares_of_face_time() -> None:
    window = SummaryWindow(5.0, min_group=2)
    for index in range(50):
        assert window.add(["happy", "happy", "sad", None], index / 10) is None
    summary = window.add([], 5.0)
    assert summary is not None
    assert summary.faces == 4
    assert summary.shares == pytest.approx({"happy": 2 / 3, "sad": 1 / 3})


def test_fewer_faces_than_the_group_size_suppress_every_figure() -> None:
    window = SummaryWindow(5.0, min_group=5)
    window.add(["happy"] * 4, 0.0)
    summary = window.close_if_due(5.0)
    assert summary is not None
    assert (summary.suppressed, summary.faces, summary.shares) == (True, None, None)


def test_a_face_present_in_some_frames_alone_does_not_lift_the_group_over_the_limit() -> None:
    window = SummaryWindow(5.0, min_group=5)
    for index in range(10):
        window.add(["happy"] * (5 if index == 0 else 4), index / 10)
    summary = window.close_if_due(5.0)
    assert summary is not None
    assert summary.suppressed


def test_one_face_with_an_expression_among_many_without_is_not_reported() -> None:
    window = SummaryWindow(5.0, min_group=5)
    window.add(["sad"] + [None] * 29, 0.0)
    summary = window.close_if_due(5.0)
    assert summary is not None
    assert (summary.suppressed, summary.shares) == (True, None)


def test_an_empty_classroom_over_the_limit_of_zero_is_reported_as_empty() -> None:
    window = SummaryWindow(1.0, min_group=0)
    window.add([], 0.0)
    summary = window.close_if_due(1.0)
    assert summary is not None
    assert (summary.faces, summary.shares) == (0, {})


def test_a_window_without_frames_has_no_summary() -> None:
    assert SummaryWindow(1.0, min_group=1).close_if_due(100.0) is None


def test_an_empty_classroom_is_published_where_a_group_of_one_is_enough() -> None:
    window = SummaryWindow(1.0, min_group=1)
    window.add([], 0.0)
    summary = window.close_if_due(1.0)
    assert summary is not None
    assert (summary.faces, summary.shares, summary.suppressed) == (0, {}, False)


def test_somebody_who_was_there_for_a_moment_is_not_an_empty_classroom() -> None:
    window = SummaryWindow(1.0, min_group=1)
    for index in range(10):
        window.add(["happy"] if index == 0 else [], index / 10)
    summary = window.close_if_due(1.0)
    assert summary is not None
    assert (summary.faces, summary.shares) == (1, {"happy": 1.0})


@pytest.mark.parametrize("present", range(5))
def test_nobody_looks_like_a_few_where_the_group_is_larger(present: int) -> None:
    window = SummaryWindow(1.0, min_group=5)
    window.add(["happy"] * present, 0.0)
    summary = window.close_if_due(1.0)
    assert summary is not None
    assert (summary.faces, summary.shares, summary.suppressed) == (None, None, True)


def test_a_closed_camera_drops_the_running_window_and_says_that_no_figures_follow() -> None:
    window = SummaryWindow(5.0, min_group=1)
    window.add(["happy"] * 9, 10.0)
    summary = window.close_camera(12.0)
    assert (summary.faces, summary.shares, summary.suppressed, summary.muted) == (None, None, True, True)
    assert summary.started_at + summary.window_s == 12.0
    assert window.close_if_due(100.0) is None


def test_faces_with_a_baseline_are_counted_where_they_are_a_group() -> None:
    def counted(known: int, min_group: int) -> int | None:
        window = SummaryWindow(5.0, min_group=min_group)
        for index in range(10):
            window.add(["happy"] * 8, index / 2, known)
        summary = window.close_if_due(5.0)
        assert summary is not None
        return summary.with_baseline

    assert [counted(known, 5) for known in (0, 4, 5, 8)] == [None, None, 5, 8]
    assert [counted(known, 1) for known in (0, 1)] == [0, 1]
