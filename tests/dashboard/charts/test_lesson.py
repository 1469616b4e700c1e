"""The chart of a lesson: what a page may contain, what is drawn and what is not, and the same in words."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from dashboard.charts import Chart, lesson_chart
from dashboard.charts.happenings import happenings
from dashboard.charts.lesson import step_for
from dashboard.charts.palette import INKS, in_order
from dashboard.history import Marker, SharesSeries
from dashboard.settings import LANGUAGES, Language, PageSettings
from dashboard.web.templating import make_templates
from tests.dashboard.charts.samples import END, MARKERS, NAMES, NINE, lesson

ZURICH = ZoneInfo("Europe/Zurich")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def chart() -> Chart:
    return lesson_chart(lesson(), MARKERS, NINE, END, zone=ZURICH, ident="room-1")


def polygons(chart: Chart, css: str) -> list[list[tuple[float, float]]]:
    """The outlines of all areas of a class, apart from those of the legend."""
    root = ET.fromstring(chart.svg)
    patterns = {
        pattern.get("id"): rect.get("class", "")
        for pattern in root.iter(f"{SVG}pattern")
        for rect in pattern.iter(f"{SVG}rect")
    }
    found = []
    for path in root.iter(f"{SVG}path"):
        fill = re.fullmatch(r"url\(#(.*)\)", path.get("fill", ""))
        classes = f"{path.get('class', '')} {patterns.get(fill[1], '') if fill else ''}".split()
        if css in classes and path.get("clip-path"):
            parts = path.get("d", "").split("M")[1:]
            pairs = (re.findall(r"(-?[\d.]+) (-?[\d.]+)", part) for part in parts)
            found += [[(float(x), float(y)) for x, y in one] for one in pairs]
    return found


def test_a_strict_policy_allows_it(chart: Chart) -> None:
    root = ET.fromstring(chart.svg)
    allowed = {f"{SVG}{tag}" for tag in ("svg", "g", "path", "rect", "text", "defs", "clipPath", "pattern", "use")}
    for element in root.iter():
        assert element.tag in allowed | {f"{SVG}title", f"{SVG}desc"}
        assert "style" not in element.attrib
        assert not any(name.startswith("on") for name in element.attrib)
    assert "http" not in re.sub(r' xmlns(:\w+)?="[^"]+"', "", chart.svg)


def test_every_colour_is_a_class_of_the_style_sheet(chart: Chart) -> None:
    assert not any(stand_in in chart.svg for stand_in in INKS)
    for css in ("e-happy", "e-uncertain", "c-text", "c-axis", "c-grid", "c-gap", "c-late", "c-presence", "c-marker"):
        assert re.search(rf'class="([^"]* )?{css}( [^"]*)?"', chart.svg), css


def test_screen_readers_get_a_title_a_description_and_the_numbers(chart: Chart) -> None:
    root = ET.fromstring(chart.svg)
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "room-1-title room-1-desc"
    title, description = root[0], root[1]
    assert (title.tag, title.get("id"), title.text) == (
        f"{SVG}title",
        "room-1-title",
        "Perceived expressions over time",
    )
    assert description.text == chart.description
    assert chart.description.startswith("From 10:00 to 10:40. Figures are there for 85 % of this time.")
    assert chart.header == ["Time", "People present", *NAMES]
    assert len(chart.rows) == 20
    assert chart.rows[0][:2] == ["10:00", "24"]
    assert chart.rows[5][:3] == ["10:10", "no data", ""]
    assert chart.rows[10][:3] == ["10:20", "withheld", ""]


@pytest.mark.parametrize("shift_s", range(0, 120, 10))
def test_three_minutes_without_figures_show_in_the_table_wherever_it_begins(shift_s: int) -> None:
    chart = lesson_chart(lesson(), [], NINE + shift_s, END + shift_s, zone=ZURICH)
    said = [row[1] for row in chart.rows]
    assert "no data" in said[:-2]
    assert "withheld" in said
    assert "24" in said


def test_ids_of_several_charts_do_not_meet(chart: Chart) -> None:
    other = lesson_chart(lesson(), MARKERS, NINE, END, zone=ZURICH, ident="room-2")
    ids = [set(re.findall(r' id="([^"]+)"', one.svg)) for one in (chart, other)]
    assert not ids[0] & ids[1]
    for one, known in zip((chart, other), ids, strict=True):
        referred = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', one.svg))
        assert {first or second for first, second in referred} <= known


def test_gaps_and_what_is_withheld_are_left_out_of_the_areas(chart: Chart) -> None:
    areas = polygons(chart, "e-happy")
    assert len(areas) == 3  # before the gap, between it and what is withheld, after that
    edges = sorted((min(x for x, _ in area), max(x for x, _ in area)) for area in areas)
    left, right = edges[0][0], edges[-1][1]
    minutes = [tuple(40 * (x - left) / (right - left) for x in edge) for edge in edges]
    assert minutes == [
        pytest.approx((0, 10), abs=0.05),
        pytest.approx((13, 20), abs=0.05),
        pytest.approx((23, 40), abs=0.05),
    ]


def test_the_areas_fill_the_height_and_do_not_overlap(chart: Chart) -> None:
    ends = [max(y for x, y in area) for area in polygons(chart, "e-happy")]
    tops = [min(y for x, y in area) for area in polygons(chart, "e-uncertain")]
    assert max(ends) - min(ends) < 0.2
    assert max(tops) - min(tops) < 0.2


def test_happenings_have_letters_in_the_order_of_time(chart: Chart) -> None:
    assert [(one.letter, one.time, one.text) for one in chart.happenings] == [
        ("A", "10:10:00", "broker gone: <b>no route & more</b>"),
        ("B", "10:20:00", "camera closed on request"),
        ("C", "10:23:00", "camera opened again"),
    ]


def test_names_and_texts_from_devices_are_no_markup() -> None:
    name = "<script>1</script>&\"'"
    series = lesson(names=("happy", name, "uncertain"))
    chart = lesson_chart(series, MARKERS, NINE, END, zone=ZURICH, title=name)
    assert "<script" not in chart.svg
    assert name in {text.text for text in ET.fromstring(chart.svg).iter(f"{SVG}text")}
    assert chart.header[-2] == name


def test_a_very_long_name_is_cut_in_the_legend_alone() -> None:
    name = "x" * 64
    chart = lesson_chart(lesson(names=("happy", name)), [], NINE, END, zone=ZURICH)
    assert f">{'x' * 47}…<" in chart.svg
    assert name in chart.header


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_legend_says_in_every_language_why_figures_are_missing(language: Language, narrow: bool) -> None:
    say = make_templates(PageSettings(), lambda: END).translator(language)
    chart = lesson_chart(lesson(), [], NINE, END, zone=ZURICH, say=say, narrow=narrow)
    assert "…" not in chart.svg


def test_dollars_in_names_are_no_formulas() -> None:
    series = lesson(names=("_x", "$x^2$", "$\\frac{", "uncertain"))
    chart = lesson_chart(series, [], NINE, END, zone=ZURICH)
    assert "$x^2$<" in chart.svg
    assert "_x<" in chart.svg


def test_without_figures_an_empty_chart_says_so() -> None:
    chart = lesson_chart(SharesSeries(), [], NINE, END, zone=ZURICH)
    assert "Figures are there for 0 % of this time." in chart.description
    assert {row[1] for row in chart.rows} == {"no data"}
    assert "<svg" in chart.svg


@pytest.mark.parametrize("length_s", [0, 5, 600, 86_400, 7 * 86_400, 300 * 86_400])
@pytest.mark.parametrize("narrow", [False, True])
def test_any_length_of_time_can_be_drawn(length_s: float, *, narrow: bool) -> None:
    chart = lesson_chart(lesson(), MARKERS, NINE, NINE + length_s, zone=ZURICH, narrow=narrow)
    assert len(chart.rows) <= 25 or length_s > 24 * 86_400


def test_a_day_on_which_clocks_change_has_right_times() -> None:
    start = NINE - 29 * 86_400 - 9 * 3600  # 25 October 2026 in UTC
    chart = lesson_chart(SharesSeries(), [], start, start + 4 * 3600, zone=ZURICH)
    times = [text.text for text in ET.fromstring(chart.svg).iter(f"{SVG}text")]
    assert "02:00" in times


def test_every_text_is_translated() -> None:
    chart = lesson_chart(lesson(), MARKERS, NINE, END, zone=ZURICH, say=lambda text: f"~{text}")
    texts = [text.text or "" for text in ET.fromstring(chart.svg).iter(f"{SVG}text")]
    words = [text for text in texts if re.search(r"[a-z]{3}", text)]
    assert words
    assert all(text.startswith("~") for text in (*words, *chart.header))
    assert chart.description.count("~") == 3


def test_the_order_of_expressions_is_the_same_in_every_chart() -> None:
    assert in_order(["uncertain", "zeal", "sad", "happy", "awe"]) == ["happy", "sad", "awe", "zeal", "uncertain"]


@pytest.mark.parametrize(("length_s", "step"), [(60, 0), (1200, 0), (2700, 15), (3600, 15), (86_400, 600)])
def test_long_times_are_joined(length_s: float, step: float) -> None:
    assert step_for(0, length_s) == step


def test_markers_of_a_kind_that_is_not_known_are_shown_as_they_are() -> None:
    chart = lesson_chart(lesson(), [Marker(NINE + 5, "comet", "")], NINE, END, zone=ZURICH)
    assert chart.happenings[0].text == "comet"


def test_of_very_many_markers_the_first_have_letters() -> None:
    markers = [Marker(NINE + second, "online", "") for second in range(2000)]
    chart = lesson_chart(lesson(), markers, NINE, END, zone=ZURICH)
    assert len(chart.happenings) == 26


def test_markers_without_a_letter_are_counted() -> None:
    markers = [Marker(NINE + 10 * number, "muted", "") for number in range(40)] + [Marker(END + 5, "online", "")]
    assert lesson_chart(lesson(), markers, NINE, END, zone=ZURICH).further == 14
    assert lesson_chart(lesson(), MARKERS, NINE, END, zone=ZURICH).further == 0


def boxes(chart: Chart) -> list[tuple[str, float, float, float, float]]:
    """The texts of a drawing, and about where each is; those that are turned are left out."""
    found = []
    for text in ET.fromstring(chart.svg).iter(f"{SVG}text"):
        turned = "rotate(-90" in text.get("transform", "")
        if text.text and not turned:
            size = float(text.get("font-size", "0px")[:-2])
            x, y = float(text.get("x", "nan")), float(text.get("y", "nan"))
            if x != x:
                place = re.search(r"translate\(([\d.]+) ([\d.]+)\)", text.get("transform", ""))
                assert place is not None
                x, y = float(place[1]), float(place[2])
            wide = 0.56 * size * len(text.text)
            left = x - {"middle": wide / 2, "end": wide}.get(text.get("text-anchor", ""), 0.0)
            found.append((text.text, left, left + wide, y - 0.7 * size, y))
    return found


@pytest.mark.parametrize("narrow", [True, False])
@pytest.mark.parametrize("length_s", [2400.0, 86_400.0, 30 * 86_400.0, 400 * 86_400.0])
@pytest.mark.parametrize("every_s", [20.0, 300.0])
def test_texts_are_large_and_none_lies_on_another(length_s: float, every_s: float, *, narrow: bool) -> None:
    markers = [Marker(NINE + every_s * number, "muted", "") for number in range(26)]
    long = "withheld from everybody who"
    series = lesson(names=(*NAMES[:-1], long, f"{long} 2"))
    chart = lesson_chart(series, markers, NINE, NINE + length_s, zone=ZURICH, narrow=narrow)
    sizes = {float(text.get("font-size", "0px")[:-2]) for text in ET.fromstring(chart.svg).iter(f"{SVG}text")}
    assert min(sizes) >= 11
    width = float(ET.fromstring(chart.svg).get("viewBox", "").split()[2])
    found = boxes(chart)
    for place, (text, left, right, top, bottom) in enumerate(found):
        assert left > -1, text
        assert right < width + 1, text
        for other, left2, right2, top2, bottom2 in found[place + 1 :]:
            apart = right <= left2 or right2 <= left or bottom <= top2 or bottom2 <= top
            assert apart, (text, other)


def test_times_of_several_days_have_their_day() -> None:
    chart = lesson_chart(lesson(), MARKERS, NINE, NINE + 3 * 86_400, zone=ZURICH)
    assert chart.happenings[0].time == "23.11. 10:10:00"
    assert chart.rows[0][0] == "23.11. 10:00"
    assert chart.description.startswith("From 23.11. 10:00 to 26.11. 10:00.")


@pytest.mark.parametrize(
    ("marker", "text"),
    [
        (Marker(NINE, "camera", "dark"), "[camera]: [dark]"),
        (Marker(NINE, "camera", "failed"), "[camera]: [cannot be opened]"),
        (Marker(NINE, "camera", "<b>stale</b>"), "[camera]: <b>stale</b>"),
        (Marker(NINE, "offline", "connection_lost"), "[device offline]: [connection broken]"),
        (Marker(NINE, "recorder", "began"), "[recording]: [began]"),
        (Marker(NINE, "lost", "12 windows"), "[figures lost]: [windows of figures: 12]"),
        (Marker(NINE, "lost", "many windows"), "[figures lost]: many windows"),
        (Marker(NINE, "broker", "dark"), "[broker gone]: dark"),
        (Marker(NINE, "comet", "dark"), "comet: dark"),
    ],
)
def test_words_that_are_stored_with_a_marker_are_in_the_language_of_the_page(marker: Marker, text: str) -> None:
    found = happenings([marker], NINE, END, ZURICH, lambda words: f"[{words}]")
    assert [one.text for one in found] == [text]


def test_a_chart_of_rough_figures_says_so_in_drawing_words_and_table() -> None:
    rough = replace(lesson(), approximate=[True] * len(lesson().at))
    chart = lesson_chart(rough, [], NINE, END, zone=ZURICH)
    assert "≈ 24" in chart.svg
    assert "rough on purpose" in chart.description
    assert chart.rows[0][1] == "about 24"
    assert lesson_chart(lesson(), [], NINE, END, zone=ZURICH).rows[0][1] == "24"
