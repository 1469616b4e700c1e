"""Successive summaries do not give one member of a group away."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Literal

import pytest

from edge_agent.app import Agent
from edge_agent.config import CameraSettings, OutboxSettings, PrivacySettings, Settings
from edge_agent.privacy.disclosure import FILE, GROUP, DisclosureControl, Figures, Secret, WindowTotals
from edge_agent.privacy.summary import SummaryWindow
from tests.support.running import running

MIN_GROUP, BLUR, HOLD_S = 5, 18, 75.0
WINDOW_S = 5.0
LESSON = 100
Class = Mapping[str, int]
CLASS: Class = {"happy": 12, "neutral": 4, "sad": 3, "uncertain": 5}
CALM: Class = {"happy": 4, "neutral": 12, "sad": 3, "uncertain": 5}
MERRY: Class = {"happy": 20, "neutral": 4}


class Chosen(Secret):
    """Thresholds at a place in their range that the test chooses."""

    def __init__(self, place: float) -> None:
        self.place, self.renewed = place, 0
        super().__init__(None)

    def share(self, figure: str) -> float:  # noqa: ARG002 - all alike
        return self.place

    def renew(self) -> None:
        self._value, self.renewed = b"chosen", self.renewed + 1


def control(secret: Secret, seed: int = 1) -> DisclosureControl:
    return DisclosureControl(MIN_GROUP, BLUR, HOLD_S, secret, random.Random(seed))


def lesson(control: DisclosureControl, *classes: Class, start_s: float = 0.0) -> list[Figures | None]:
    """What is published of windows of which each has one class."""
    return [
        control.add(WindowTotals(start_s + index * WINDOW_S, WINDOW_S, 10, 10 * sum(one.values()), times(one, 10)))
        for index, one in enumerate(classes)
    ]


def times(one: Class, frames: int) -> dict[str, int]:
    return {name: faces * frames for name, faces in one.items()}


def with_one(expression: str) -> Class:
    return {**CLASS, expression: CLASS.get(expression, 0) + 1}


PLACES = [(step + 0.5) / 100 for step in range(100)]


def differ(one: list[Class], other: list[Class]) -> float:
    """For which share of all thresholds two lessons look different to whoever holds everything."""
    return sum(lesson(control(Chosen(at)), *one) != lesson(control(Chosen(at)), *other) for at in PLACES) / len(PLACES)


def apart(one: Iterable[object], other: Iterable[object]) -> float:
    """By how much more often something is published in one of two cases, for thresholds at all places."""
    often, as_often = (Counter(str(published) for published in ways) for ways in (one, other))
    return sum(abs(often[seen] - as_often[seen]) for seen in often | as_often) / 2 / len(PLACES)


@pytest.mark.parametrize("expression", ["happy", "neutral", "fear"])
def test_one_more_member_changes_nothing_but_for_one_threshold_in_as_many_as_the_range_is_wide(expression: str) -> None:
    assert differ([CLASS] * LESSON, [with_one(expression)] * LESSON) <= 1 / BLUR + 0.01


@pytest.mark.parametrize("arrives", [0, 50, 95])
def test_nor_does_it_matter_when_that_member_comes_or_goes(arrives: int) -> None:
    late = [*[CLASS] * arrives, *[with_one("happy")] * (LESSON - arrives)]
    assert differ([CLASS] * LESSON, late) <= 1 / BLUR + 0.01
    assert differ([CLASS] * LESSON, late[::-1]) <= 1 / BLUR + 0.01


def test_a_member_who_is_happy_or_neutral_moves_one_figure_since_neutral_is_never_named() -> None:
    happy, neutral = [with_one("happy")] * LESSON, [with_one("neutral")] * LESSON
    assert differ(happy, neutral) <= 1 / BLUR + 0.01
    for place in PLACES[::10]:
        figures = lesson(control(Chosen(place)), *[{"neutral": 30}] * LESSON)[-1]
        assert figures is not None
        assert figures.shares == {"other": 1.0}


def test_a_models_own_label_other_is_never_named_but_part_of_the_rest() -> None:
    figures = lesson(control(Chosen(0.0)), *[{"happy": 13, "other": 13, "sad": 2}] * LESSON)[-1]
    without = lesson(control(Chosen(0.0)), *[{"happy": 13, "fear": 7, "angry": 6, "sad": 2}] * LESSON)[-1]
    assert figures is not None
    assert figures == without
    assert set(figures.shares) == {"happy", "other"}
    assert sum(figures.shares.values()) == pytest.approx(1.0)
    assert differ([{"happy": 12, "other": 12}] * LESSON, [{"happy": 12, "other": 13}] * LESSON) <= 1 / BLUR + 0.01


def test_a_member_who_shows_one_of_two_that_many_hold_moves_two_figures_and_counts_twice_at_most() -> None:
    both: Class = {"happy": 12, "sad": 11}
    happy, sad = {**both, "happy": 13}, {**both, "sad": 12}
    assert differ([happy] * LESSON, [sad] * LESSON) <= 2 / BLUR + 0.01


@pytest.mark.parametrize("spell", [20, 45, 90])
def test_a_member_who_stays_shows_no_more_however_often_the_mood_of_the_class_changes(spell: int) -> None:
    moods = [CALM if index // spell % 2 else MERRY for index in range(3 * LESSON)]
    more = [{**one, "happy": one["happy"] + 1} for one in moods]
    # Nobody but the device knows its threshold. So what counts is how often something is published, not when it is.
    without, present = ([lesson(control(Chosen(at)), *way) for at in PLACES] for way in (moods, more))
    assert len({str(published) for published in without}) >= 3
    assert apart(without, present) <= 1 / BLUR + 0.02


def test_an_expression_that_was_named_is_not_named_again_until_the_group_has_left() -> None:
    watched = control(Chosen(0.3))
    named = [
        "happy" in (figures.shares if figures else {})
        for figures in lesson(watched, *[MERRY] * 200, *[CALM] * 100, *[MERRY] * 200)
    ]
    assert named[199]
    assert not any(named[299:])
    assert lesson(watched, *[{"neutral": 1}] * 92, start_s=2500.0)[-1] is None
    after = lesson(watched, *[MERRY] * 200, start_s=2960.0)[-1]
    assert after is not None
    assert "happy" in after.shares


def test_one_member_who_comes_and_goes_all_the_time_is_looked_at_no_more_often() -> None:
    restless = [CLASS if index % 40 < 20 else with_one("happy") for index in range(LESSON)]
    assert differ([CLASS] * LESSON, restless) <= 1 / BLUR + 0.01


def test_figures_stay_the_same_however_long_the_group_does() -> None:
    published = lesson(control(Secret(None)), *[CLASS] * 2000)
    figures = [figures for figures in published if figures is not None]
    assert len({str(one) for one in figures}) == 1
    assert published.index(figures[0]) * WINDOW_S <= 8 * HOLD_S + 4 * WINDOW_S


def test_nothing_is_published_while_the_group_comes_together() -> None:
    published = lesson(control(Chosen(0.5)), *[CLASS] * 100)
    assert published[: int(2 * HOLD_S / WINDOW_S)] == [None] * int(2 * HOLD_S / WINDOW_S)
    assert published[-1] is not None


def test_a_change_of_the_whole_class_is_published_within_two_blocks() -> None:
    merry: Class = {"happy": 24}
    for place in (0.0, 0.5):
        published = lesson(control(Chosen(place)), *[CALM] * 100, *[merry] * 85)
        before, after = published[99], published[-1]
        assert before is not None
        assert "happy" not in before.shares
        assert after is not None
        assert after.shares["happy"] > 0.3


def test_shares_sum_to_one_and_name_what_many_hold_alone() -> None:
    for place in (0.0, 0.4, 0.9):
        for one in (CLASS, {"happy": 12, "neutral": 12}, {"neutral": 38}, {"sad": 40, "happy": 39}):
            figures = lesson(control(Chosen(place)), *[one] * 120)[-1]
            assert figures is not None
            assert sum(figures.shares.values()) == pytest.approx(1.0)
            assert all(one.get(name, 40) >= MIN_GROUP for name in figures.shares)


def test_classes_of_a_common_size_look_alike_whatever_the_thresholds() -> None:
    for place in (0.0, 0.5, 0.7):
        published = [lesson(control(Chosen(place)), *[{"neutral": present}] * 120)[-1] for present in range(17, 29)]
        assert {None if figures is None else figures.faces for figures in published} == {23}


@pytest.mark.parametrize("present", range(MIN_GROUP))
def test_fewer_than_the_smallest_group_are_never_published_whatever_the_thresholds(present: int) -> None:
    for place in (0.0, 0.5, 1.0):
        assert set(lesson(control(Chosen(place)), *[{"neutral": present}] * 200)) == {None}


def test_figures_of_a_group_that_has_left_stand_for_one_block_longer_in_half_of_all_cases() -> None:
    stood = []
    for seed in range(60):
        watched = control(Chosen(0.2), seed)
        lesson(watched, *[CLASS] * 120)
        gone = lesson(watched, *[{"neutral": 0}] * 92, start_s=600.0)
        assert gone[-1] is None
        stood.append(gone.index(None) * WINDOW_S)
    assert max(stood) <= 6 * HOLD_S + 3 * WINDOW_S
    assert sum(stood) / len(stood) == pytest.approx(1.5 * 1.5 * HOLD_S, rel=0.3)


def test_faces_that_are_not_classified_make_no_group() -> None:
    secret = Chosen(0.0)
    windows = [WindowTotals(index * WINDOW_S, WINDOW_S, 10, 240, {"sad": 10}) for index in range(100)]
    watched = control(secret)
    assert {watched.add(window) for window in windows} == {None}


def test_a_group_at_the_edge_of_a_threshold_does_not_flicker() -> None:
    rng = random.Random(3)
    around: list[Class] = [{"happy": 12 + rng.choice((-1, 0, 1)), "neutral": 10} for _ in range(1000)]
    for place in PLACES[::20]:
        published = lesson(control(Chosen(place)), *around)
        assert sum(one != other for one, other in pairwise(published)) <= 3


def test_closing_the_camera_draws_no_new_threshold() -> None:
    secret = Chosen(0.5)
    watched = control(secret)
    first = lesson(watched, *[CLASS] * 120)[-1]
    for turn in range(1, 20):
        watched.close_camera()
        again = lesson(watched, *[CLASS] * 120, start_s=turn * 120 * WINDOW_S)
        assert again[0] is None
        assert again[-1] == first
    assert secret.renewed == 1


def test_thresholds_are_drawn_anew_after_half_an_hour_without_a_group() -> None:
    secret = Chosen(0.5)
    watched = control(secret)
    lesson(watched, *[CLASS] * 120)
    lesson(watched, *[{"neutral": 2}] * 240, start_s=600.0)
    assert secret.renewed == 1
    lesson(watched, *[{"neutral": 2}] * 100, CLASS, start_s=1900.0)
    assert secret.renewed == 2


def test_a_restart_draws_no_new_threshold(tmp_path: Path) -> None:
    first = Secret(tmp_path)
    assert [Secret(tmp_path).share(name) for name in "ab"] == [first.share(name) for name in "ab"]
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    first.renew()
    assert Secret(tmp_path).share("a") == first.share("a")


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b'{"secret":""}', b'{"secret":"xyz"}', b"[1]", b'{"other":"00"}', b'{"secret":"00","passed":{"a":-1}}'],
)
def test_a_damaged_secret_is_replaced_by_another_random_one(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / FILE).write_bytes(damage)
    drawn = Secret(tmp_path)
    assert 0.0 <= drawn.share("group") < 1.0
    assert Secret(tmp_path).share("group") == drawn.share("group")
    assert drawn.share("group") != Secret(None).share("group")


def test_who_closes_the_camera_often_tries_no_threshold_again() -> None:
    rng = random.Random(4)
    for place in PLACES[::10]:
        watched, named = control(Chosen(place)), []
        for turn in range(8):
            restless: list[Class] = [{**CLASS, "happy": 12 + rng.choice((-1, 0, 1))}] * 120
            shown = lesson(watched, *restless, start_s=turn * 120 * WINDOW_S)[-1]
            assert shown is not None
            named.append("happy" in shown.shares)
            watched.close_camera()
        assert named == sorted(named)


class Stored(Secret):
    """Thresholds at a chosen place, in a file; it counts how often that is written."""

    place, written = 0.0, 0

    def share(self, figure: str) -> float:  # noqa: ARG002 - all alike
        return self.place

    def store(self) -> None:
        self.written += 1
        super().store()


def restarted(folder: Path, place: float, at: float = 0.0) -> DisclosureControl:
    """The control of an agent that has just started, at a time in seconds since 1970."""
    secret = Stored(folder)
    secret.place = place
    return DisclosureControl(MIN_GROUP, BLUR, HOLD_S, secret, random.Random(1), lambda: at)


def test_what_was_passed_survives_a_restart_so_that_no_threshold_is_tried_again(tmp_path: Path) -> None:
    place = 3.5 / BLUR  # The threshold lies between 11 and 12 faces.
    assert "happy" in str(lesson(restarted(tmp_path, place), *[CLASS] * 120)[-1])
    fewer: Class = {**CLASS, "happy": 10}
    assert "happy" in str(lesson(restarted(tmp_path, place), *[fewer] * 120)[-1])
    assert "happy" not in str(lesson(control(Chosen(place)), *[fewer] * 120)[-1])


def test_an_expression_that_may_not_be_named_again_is_not_after_a_restart_either(tmp_path: Path) -> None:
    assert "happy" not in str(lesson(restarted(tmp_path, 0.3), *[MERRY] * 120, *[CALM] * 120)[-1])
    after = lesson(restarted(tmp_path, 0.3), *[MERRY] * 120)[-1]
    assert after is not None
    assert "happy" not in after.shares


def test_restarts_show_no_more_of_a_member_than_a_lesson_without_any(tmp_path: Path) -> None:
    def seen(name: str, place: float, more: int) -> list[Figures | None]:
        rng = random.Random(8)
        folder = tmp_path / f"{name}{place}"
        return [
            lesson(restarted(folder, place), *[{**CLASS, "happy": 11 + rng.choice((-1, 0, 1)) + more}] * 100)[-1]
            for _ in range(6)
        ]

    without, present = ([seen(str(more), at, more) for at in PLACES] for more in (0, 1))
    assert apart(without, present) <= 1 / BLUR + 0.02


@pytest.mark.parametrize(("away_s", "renewed"), [(300.0, False), (1500.0, False), (-86400.0, False), (9000.0, True)])
def test_a_long_stop_draws_new_thresholds_and_a_short_one_does_not(
    tmp_path: Path, away_s: float, *, renewed: bool
) -> None:
    lesson(restarted(tmp_path, 0.5, at=1e9), *[CLASS] * 120)
    before = json.loads((tmp_path / FILE).read_text())
    lesson(restarted(tmp_path, 0.5, at=1e9 + away_s), *[CLASS] * 120)
    assert (json.loads((tmp_path / FILE).read_text())["secret"] != before["secret"]) is renewed


def test_a_restart_before_a_clock_is_set_waits_for_the_time_until_figures_are_judged(tmp_path: Path) -> None:
    lesson(restarted(tmp_path, 0.5, at=1e9), *[CLASS] * 120)
    before = json.loads((tmp_path / FILE).read_text())["secret"]
    clock = [1e9]
    secret = Stored(tmp_path)
    watched = DisclosureControl(MIN_GROUP, BLUR, HOLD_S, secret, random.Random(1), lambda: clock[0])
    lesson(watched, *[CLASS] * 10)
    clock[0] += 86_400.0
    lesson(watched, *[CLASS] * 120, start_s=50.0)
    assert json.loads((tmp_path / FILE).read_text())["secret"] != before


def test_the_file_holds_what_was_published_and_no_figure_of_a_block(tmp_path: Path) -> None:
    lesson(restarted(tmp_path, 0.1, at=1e9), *[MERRY] * 120)
    stored = json.loads((tmp_path / FILE).read_text())
    assert set(stored) == {"secret", "passed", "ceilings", "group_at"}
    assert stored["passed"][GROUP] == stored["passed"]["happy"] == 1
    assert set(stored["passed"].values()) == {0, 1}
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_the_file_is_written_when_something_is_passed_and_every_ten_minutes(tmp_path: Path) -> None:
    now = [1e9]
    secret = Stored(tmp_path)
    watched = DisclosureControl(MIN_GROUP, BLUR, HOLD_S, secret, random.Random(1), lambda: now[0])
    secret.written = 0
    for index in range(720):
        now[0] += WINDOW_S
        watched.add(WindowTotals(index * WINDOW_S, WINDOW_S, 10, 240, times(CLASS, 10)))
    assert 5 <= secret.written <= 7


def test_an_expression_that_few_hold_any_more_is_not_named() -> None:
    before: Class = {"happy": 8, "neutral": 16}
    for place in PLACES[::10]:
        after = lesson(control(Chosen(place)), *[before] * 120, *[{"happy": 1, "neutral": 23}] * 60)[-1]
        assert after is not None
        assert "happy" not in after.shares


@pytest.mark.parametrize("left", range(MIN_GROUP))
def test_when_a_group_has_gone_its_figures_go_and_the_next_one_has_to_come_together(left: int) -> None:
    small: Class = {"neutral": 8}
    for place in (0.0, 0.1):
        watched = control(Chosen(place))
        assert lesson(watched, *[small] * 120)[-1] is not None
        assert lesson(watched, *[{"neutral": left}] * 92, start_s=600.0)[-1] is None
        again = lesson(watched, *[CLASS] * 180, start_s=1060.0)
        assert again[: int(HOLD_S / WINDOW_S)] == [None] * int(HOLD_S / WINDOW_S)
        assert again[-1] is not None


def baselines(known: int, place: float) -> int | None:
    """What is published of so many faces with a baseline among 24."""
    watched = control(Chosen(place))
    windows = [WindowTotals(at * WINDOW_S, WINDOW_S, 10, 240, {"sad": 240}, 10 * known) for at in range(120)]
    figures = [watched.add(window) for window in windows][-1]
    assert figures is not None
    return figures.with_baseline


def test_how_many_faces_have_a_baseline_is_as_rough_as_any_figure() -> None:
    for known in range(24):
        others = [baselines(known, place) for place in PLACES[::4]]
        more = [baselines(known + 1, place) for place in PLACES[::4]]
        assert sum(one != other for one, other in zip(others, more, strict=True)) <= len(others) / BLUR + 1
        assert known >= MIN_GROUP or set(others) == {None}
    assert baselines(24, 0.5) == 17


def test_summaries_under_protection_wait_for_a_random_time_and_stay_in_order() -> None:
    window = SummaryWindow(5.0, MIN_GROUP, control(Chosen(0.5)))
    waits, ends = [], []
    for tick in range(40_000):
        summary = window.add(["happy"] * 24, tick / 20)
        if summary is not None:
            ends.append(summary.started_at + 5.0)
            waits.append(tick / 20 - ends[-1])
    assert ends == [5.0 * number for number in range(1, len(ends) + 1)]
    assert 0.0 <= min(waits) < 0.3
    assert 2.2 < max(waits) <= 2.5 + 1 / 20
    assert len({round(wait, 1) for wait in waits}) > 20


def test_a_summary_that_waits_is_sent_when_the_next_is_over_if_no_frame_comes_before() -> None:
    window = SummaryWindow(1.0, MIN_GROUP, control(Chosen(0.5)))
    sent = [window.add(["happy"] * 24, 3.0 * index) for index in range(10)]
    assert [summary.started_at for summary in sent if summary is not None] == [3.0 * index for index in range(8)]


def test_after_a_gap_the_figures_before_it_are_withheld() -> None:
    watched = control(Chosen(0.5))
    assert lesson(watched, *[CLASS] * 120)[-1] is not None
    assert lesson(watched, CLASS, start_s=120 * WINDOW_S + 2 * HOLD_S)[-1] is None


def test_windows_of_protected_summaries_lie_on_a_grid_that_frames_cannot_move() -> None:
    def ends(interval_s: float) -> list[float]:
        window = SummaryWindow(1.0, MIN_GROUP, control(Chosen(0.5)))
        summaries = [window.add(["happy"] * 24, 7.0 + index * interval_s) for index in range(round(20 / interval_s))]
        return [summary.started_at + summary.window_s for summary in summaries if summary is not None]

    assert ends(0.13)[:18] == ends(0.37)[:18] == [8.0 + second for second in range(18)]


def test_a_protected_summary_says_so_and_a_dark_camera_withholds_it() -> None:
    window = SummaryWindow(5.0, MIN_GROUP, control(Chosen(0.5)))
    summaries = [window.add(["happy"] * 24, float(second)) for second in range(700)]
    shown = [summary for summary in summaries if summary is not None]
    assert all(summary.approximate for summary in shown)
    assert not shown[-1].suppressed
    window.add_blind(700.5)
    window.add(["happy"] * 24, 706.0)
    dark = window.close_if_due(709.0)
    assert dark is not None
    assert (dark.suppressed, dark.faces, dark.shares) == (True, None, None)


@pytest.mark.parametrize(
    ("level", "blur", "approximate"), [("faces", 18, False), ("summary", 0, False), ("summary", 18, True)]
)
def test_an_agent_protects_members_at_level_summary_unless_that_is_turned_off(
    level: Literal["faces", "summary"], blur: int, approximate: bool, tmp_path: Path
) -> None:
    camera = CameraSettings(source="simulated", faces=2, width_px=320, height_px=240)
    outbox = OutboxSettings(path=str(tmp_path / "outbox.db"))
    privacy = PrivacySettings(level=level, blur=blur)
    with running(Agent(Settings(camera=camera, outbox=outbox, privacy=privacy))):
        assert privacy.protects_members is approximate
        assert (tmp_path / FILE).exists() is approximate
