"""The numbers of a lesson's report, and the questions that follow from them."""

from __future__ import annotations

from datetime import timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.history import SharesSeries
from dashboard.report import questions_for, report_of

NINE = 1_795_424_400.0
UTC = timezone.utc
Window = tuple[float, int | None, dict[str, float]]
CALM = {"happy": 0.2, "neutral": 0.6, "uncertain": 0.2}


def series(*windows: Window, window_s: float = 60.0, late: bool = False, approximate: bool = False) -> SharesSeries:
    """Windows as (end in minutes, faces, shares)."""
    names = dict.fromkeys(name for _, _, shares in windows for name in shares)
    return SharesSeries(
        at=[NINE + 60 * minute for minute, _, _ in windows],
        window_s=[window_s] * len(windows),
        faces=[faces for _, faces, _ in windows],
        shares={name: [s.get(name, 0.0) if s else None for _, _, s in windows] for name in names},
        late=[late] * len(windows),
        undated=[False] * len(windows),
        approximate=[approximate] * len(windows),
    )


def minutes(first: int, last: int, faces: int | None = 20, /, **shares: float) -> list[Window]:
    return [(minute, faces, shares if faces is not None else {}) for minute in range(first + 1, last + 1)]


def test_how_much_was_measured_withheld_and_missing() -> None:
    lesson = series(*minutes(0, 20, **CALM), *minutes(20, 25, None), *minutes(35, 45, **CALM))
    report = report_of(lesson, NINE, NINE + 2700)
    assert (report.known_s, report.withheld_s, report.missing_s) == (1800, 300, 600)
    assert report.length_s == 2700
    assert report.people == 20
    assert report.uncertain == pytest.approx(0.2)
    assert report.shares == pytest.approx(CALM)


def test_shares_count_by_face_time() -> None:
    lesson = series((1, 30, {"happy": 1.0}), (2, 10, {"neutral": 1.0}))
    assert report_of(lesson, NINE, NINE + 120).shares == pytest.approx({"happy": 0.75, "neutral": 0.25})


def test_ten_minutes_and_their_change() -> None:
    lesson = series(
        *minutes(0, 10, happy=0.5, neutral=0.5),
        *minutes(10, 11, happy=1.0),  # too little of these ten minutes
        *minutes(20, 30, happy=0.1, neutral=0.9),
        *minutes(30, 35, happy=0.3, neutral=0.7),
    )
    report = report_of(lesson, NINE, NINE + 2100)
    assert [part.people for part in report.parts] == [20, None, 20, 20]
    assert [part.shares.get("happy") for part in report.parts] == pytest.approx([0.5, None, 0.1, 0.3])
    assert [part.changes.get("happy") for part in report.parts] == pytest.approx([None, None, None, 0.2])
    assert report.changes == pytest.approx({"happy": -0.2, "neutral": 0.2})
    assert report.parts[-1].end == NINE + 2100


@given(st.lists(st.floats(0, 1) | st.none(), min_size=1, max_size=60))
def test_what_the_device_withholds_is_in_no_number(found: list[float | None]) -> None:
    windows: list[Window] = [
        (place + 1, None, {}) if share is None else (place + 1, 20, {"happy": share, "neutral": 1 - share})
        for place, share in enumerate(found)
    ]
    report = report_of(series(*windows), NINE, NINE + 60 * len(windows))
    known = [share for share in found if share is not None]
    assert report.known_s == 60 * len(known)
    assert report.withheld_s == 60 * (len(found) - len(known))
    if report.shares:
        assert report.shares["happy"] == pytest.approx(sum(known) / len(known))


@pytest.mark.parametrize("people", [1, 3, 4])
def test_which_groups_are_small_is_for_the_device_alone_to_say(people: int) -> None:
    report = report_of(series(*minutes(0, 45, people, **CALM)), NINE, NINE + 2700)
    assert (report.known_s, report.people) == (2700, people)


def test_a_lesson_withheld_as_a_whole_is_known_to_be_protected() -> None:
    withheld = series(*minutes(0, 45, None), approximate=True)
    report = report_of(withheld, NINE, NINE + 2700)
    assert (report.protected, report.approximate) == (True, False)


def test_without_figures_there_are_no_numbers() -> None:
    for lesson in (SharesSeries(), series(*minutes(0, 45, None))):
        report = report_of(lesson, NINE, NINE + 2700)
        assert (report.known_s, report.people, report.shares, report.uncertain) == (0, None, {}, None)
        assert all(part.people is None and not part.shares for part in report.parts)
        assert len(questions_for(report, UTC)) == 3


def test_windows_across_the_edges_count_by_what_lies_within() -> None:
    lesson = series((0.5, 20, CALM), (1.5, 20, CALM))
    assert report_of(lesson, NINE, NINE + 60).known_s == 60


def test_what_came_late_is_reported() -> None:
    assert report_of(series(*minutes(0, 5, **CALM), late=True), NINE, NINE + 600).late_s == 300


@pytest.mark.parametrize("approximate", [False, True])
def test_rough_figures_are_marked_for_the_lesson_each_part_and_in_questions(*, approximate: bool) -> None:
    windows = [*minutes(0, 20, 20, **CALM), *minutes(20, 45, 12, **CALM)]
    report = report_of(series(*windows, approximate=approximate), NINE, NINE + 2700)
    assert report.approximate is approximate
    assert [part.approximate for part in report.parts] == [approximate] * 5
    asked = questions_for(report, UTC)[0].say(str)
    assert ("from about 20 to about 12" in asked) is approximate


@pytest.mark.parametrize(("known", "shown"), [(8, False), (9, True)])
def test_the_lesson_has_figures_by_the_same_rule_as_its_parts(known: int, *, shown: bool) -> None:
    windows = [window for start in range(0, 45, 5) for window in minutes(start, start + 1, **CALM)]
    report = report_of(series(*windows[:known]), NINE, NINE + 2700)
    assert report.known_s == 60 * known
    assert bool(report.shares) is (report.people is not None) is (report.uncertain is not None) is shown


class TestComparison:
    def earlier(self, *happy: float, length: int = 45) -> list[tuple[SharesSeries, float, float]]:
        return [(series(*minutes(0, length, happy=share, neutral=1 - share)), NINE, NINE + 2700) for share in happy]

    def test_with_lessons_of_this_room(self) -> None:
        report = report_of(
            series(*minutes(0, 45, happy=0.5, neutral=0.5)), NINE, NINE + 2700, earlier=self.earlier(0.1, 0.2, 0.3)
        )
        assert report.comparison is not None
        assert report.comparison.lessons == 3
        assert report.comparison.mean["happy"] == pytest.approx(0.2)
        assert report.comparison.changes["happy"] == pytest.approx(0.3)
        assert (report.comparison.lowest["happy"], report.comparison.highest["happy"]) == pytest.approx((0.1, 0.3))

    def test_needs_three_lessons_with_enough_figures(self) -> None:
        lesson = series(*minutes(0, 45, happy=0.5, neutral=0.5))
        for earlier in (self.earlier(0.1, 0.2), self.earlier(0.1, 0.2, 0.3, length=10)):
            assert report_of(lesson, NINE, NINE + 2700, earlier=earlier).comparison is None


class TestQuestions:
    def ask(self, *windows: Window, **options: list[tuple[SharesSeries, float, float]]) -> list[str]:
        report = report_of(series(*windows), NINE, NINE + 2700, **options)
        questions = questions_for(report, UTC)
        assert len({question.text for question in questions}) == 3
        return [question.say(str) for question in questions]

    def test_a_calm_lesson_has_plain_questions(self) -> None:
        assert self.ask(*minutes(0, 45, **CALM)) == [
            "Which ten minutes of this lesson would you teach the same way again?",
            "At which moment did you change your plan, and what made you do it?",
            "What did you notice in the class that these figures cannot show?",
        ]

    def test_a_jump_is_asked_for_with_its_time(self) -> None:
        asked = self.ask(*minutes(0, 20, happy=0.2, neutral=0.8), *minutes(20, 45, happy=0.4, neutral=0.6))
        assert asked[0] == ("Between 09:10 and 09:30, the share of happy went from 20 % to 40 %. What happened then?")

    def test_what_is_unusual_for_the_room_is_asked_for(self) -> None:
        earlier = TestComparison().earlier(0.1, 0.2, 0.3)
        asked = self.ask(*minutes(0, 45, happy=0.5, neutral=0.5), earlier=earlier)
        assert asked[0].startswith(
            "The share of happy was 50 %. In 3 earlier lessons in this room it was 10 % to 30 %."
        )

    def test_little_knowledge_and_much_doubt_come_up(self) -> None:
        asked = self.ask(*minutes(0, 20, neutral=0.5, uncertain=0.5))
        assert asked[0].startswith("Figures are there for only 44 % of the lesson.")
        assert asked[1].startswith("For 50 % of the time the device was not sure.")

    def test_people_who_come_and_go_are_asked_for(self) -> None:
        asked = self.ask(*minutes(0, 20, 20, **CALM), *minutes(20, 45, 12, **CALM))
        assert asked[0].startswith("The number of people went from 20 to 12 between 09:10 and 09:30.")

    def test_names_of_expressions_are_translated(self) -> None:
        lesson = series(*minutes(0, 20, happy=0.2, neutral=0.8), *minutes(20, 45, happy=0.4, neutral=0.6))
        question = questions_for(report_of(lesson, NINE, NINE + 2700), UTC)[0]
        assert "froh" in question.say(lambda text: "froh" if text == "happy" else text)

    def test_a_name_with_braces_is_no_template(self) -> None:
        lesson = series(*minutes(0, 20, **{"{0}": 0.2}, neutral=0.8), *minutes(20, 45, **{"{0}": 0.6}, neutral=0.4))
        assert "{0}" in questions_for(report_of(lesson, NINE, NINE + 2700), UTC)[0].say(str)
