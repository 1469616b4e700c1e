"""The page: the paper's statistics and ours, and what is missing is marked so."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from tests.train.reproduce.made import result, results
from train.fit.run_record import EpochMetrics
from train.measure.evaluate import wilson_interval
from train.reproduce.aggregate import results_for, summarise
from train.reproduce.jobs import Job
from train.reproduce.leakage import SplitLeakage
from train.reproduce.markdown import plot_path, to_markdown
from train.reproduce.page import PAGE, RESULTS, TABLES, tables_json, write_page
from train.reproduce.results import Curve, Results, merge, read_results, write_results

BASE = Job(data="ckplus", model="paper-6")
BY_IMAGE = [Job(data="ckplus", model="paper-6", seed=seed) for seed in (1, 2, 3)]
FOLDS = [Job(data="ckplus", model="paper-6", split="subject", fold=fold, folds=10) for fold in range(2)]


def row(page: str, start: str) -> list[str]:
    """The cells of the first row of a table that starts so."""
    line = next(line for line in page.splitlines() if line.startswith(f"| {start}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_seeds_give_mean_spread_and_an_interval_over_one_seeds_images() -> None:
    found = [result(job, val_accuracy=share) for job, share in zip(BY_IMAGE, (0.90, 0.94, 0.98), strict=True)]
    ours = summarise(found, "val_accuracy")
    assert ours is not None
    assert (ours.mean, ours.deviation, ours.images) == (pytest.approx(0.94), pytest.approx(0.04), 300)
    assert ours.interval == wilson_interval(282, 300)


def test_folds_count_by_their_images() -> None:
    found = [
        result(FOLDS[0], val_accuracy=0.5, val_images=100),
        result(FOLDS[1], val_accuracy=0.8, val_images=200),
    ]
    ours = summarise(found, "val_accuracy")
    assert ours is not None
    assert (ours.mean, ours.images, ours.interval) == (pytest.approx(0.7), 300, wilson_interval(210, 300))


def test_losses_have_no_interval() -> None:
    ours = summarise([result(BY_IMAGE[0])], "val_loss")
    assert ours is not None
    assert (ours.interval, ours.deviation) == (None, None)


def test_folds_of_another_assignment_are_not_mixed_in() -> None:
    other = Job(data="ckplus", model="paper-6", split="subject", fold=0, folds=10, seed=9)
    found = results(*(result(job) for job in [*FOLDS, other]))
    assert [one.job for one in results_for(found, "ckplus", "paper-6", "subject")] == FOLDS


def test_a_row_shows_paper_ours_difference_and_interval() -> None:
    page = to_markdown(results(result(BY_IMAGE[0], val_accuracy=0.98, val_loss=0.25)))
    assert row(page, "model 6, validation accuracy")[1:5] == ["99.69 %", "98.00 %", "-1.69", "95.71 % to 99.08 %"]
    assert row(page, "model 6, validation loss")[1:5] == ["0.1504", "0.2500", "+0.0996", ""]


def test_what_is_not_trained_is_marked_so() -> None:
    page = to_markdown(results(result(BY_IMAGE[0])))
    assert row(page, "model 3, validation accuracy")[2] == "not yet trained"
    assert row(page, "model 6, validation accuracy")[5] == "not yet trained"
    assert "Figure 1, model 3 on FER2013: not yet trained." in page


def test_every_row_of_both_tables_is_there() -> None:
    page = to_markdown(results())
    assert sum(line.startswith("| model") and ", validation accuracy" in line for line in page.splitlines()) == 4 + 8
    assert "None of the 12 rows is trained yet." in page


def test_the_quoted_baselines_stand_as_quoted() -> None:
    page = to_markdown(results())
    assert row(page, "Jaiswal et al. 2020, model A")[1:3] == ["70 %", "not trained here"]
    assert row(page, "Jaiswal et al. 2020, model B")[1] == "67 %"


def test_a_shortened_reproduction_says_so_in_its_title_and_over_every_table() -> None:
    page = to_markdown(results(result(BY_IMAGE[0]), epochs=2))
    assert page.startswith("# The paper, reproduced, shortened to 2 of the paper's 50 epochs\n")
    headings = [line for line in page.splitlines() if line.startswith("## ")][:3]
    assert all("shortened to 2 of" in heading for heading in headings)


@pytest.mark.parametrize(
    ("note", "images", "text"),
    [
        ("Validated on PublicTest alone: PrivateTest is not in the data.", 3589, "PublicTest alone"),
        ("", 7178, "PublicTest and PrivateTest together. That is 7,178 images"),
    ],
)
def test_fer2013_says_what_it_was_validated_on(note: str, images: int, text: str) -> None:
    trained = result(Job(data="fer2013", model="paper-3"), val_images=images)
    assert text in to_markdown(results(msgspec.structs.replace(trained, note=note)))


def test_splits_show_siblings_and_the_nearest_neighbour() -> None:
    facts = (
        SplitLeakage(protocol="a", split="paper", folds=0, images=300, siblings=270, nearest_correct=276),
        SplitLeakage(protocol="b", split="subject", folds=10, images=100, siblings=0, nearest_correct=62),
        SplitLeakage(protocol="c", split="subject", folds=5, images=200, siblings=0, nearest_correct=10),
    )
    page = to_markdown(Results(settings=results().settings, deviation="", splits=facts))
    assert [row(page, "nearest neighbour on pixels")[column] for column in (2, 5)] == ["92.00 %", "62.00 %"]
    assert [row(page, "held-out images with a sibling")[column] for column in (2, 5)] == ["90.00 %", "0.00 %"]


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    found = results(*(result(job) for job in [*BY_IMAGE, *FOLDS]), epochs=2)
    write_results(found, tmp_path / "deep" / "results.json")
    assert read_results(tmp_path / "deep" / "results.json") == found


def test_each_training_has_a_line_of_its_own_in_the_file(tmp_path: Path) -> None:
    write_results(results(*map(result, BY_IMAGE)), tmp_path / "results.json")
    lines = (tmp_path / "results.json").read_text().splitlines()
    assert sum(line.lstrip().startswith('{"job"') for line in lines) == len(BY_IMAGE)


def test_what_two_folders_have_is_put_together_and_the_first_ones_own_counts() -> None:
    here = results(result(BY_IMAGE[1], val_accuracy=0.9))
    there = results(result(BY_IMAGE[0], val_accuracy=0.7), result(BY_IMAGE[1], val_accuracy=0.8))
    assert [one.val_accuracy for one in merge(here, there).results] == [0.7, 0.9]


def test_of_two_curves_for_a_figure_that_of_the_first_seed_is_shown() -> None:
    first, second = (results(result(job)) for job in BY_IMAGE[:2])
    first, second = (
        msgspec.structs.replace(one, curves=(Curve(figure=4, job=one.results[0].job, epochs=()),))
        for one in (first, second)
    )
    for both in (merge(first, second), merge(second, first)):
        assert [curve.job for curve in both.curves] == [BY_IMAGE[0]]


def test_facts_of_a_split_are_kept_once() -> None:
    facts = SplitLeakage(protocol="a", split="paper", folds=0, images=300, siblings=270, nearest_correct=276)
    one = msgspec.structs.replace(results(), splits=(facts,))
    two = msgspec.structs.replace(results(), splits=(facts, msgspec.structs.replace(facts, protocol="b")))
    assert [known.protocol for known in merge(one, two).splits] == ["a", "b"]


def test_the_tables_are_there_for_programs(tmp_path: Path) -> None:
    write_page(results(result(BASE), epochs=2), tmp_path)
    text = json.loads((tmp_path / "reproduction" / "tables.json").read_text())
    found = {(row["data"], row["model"], row["split"], row["figure"]): row for row in text["rows"]}
    assert len(found) == 4 * 4 + 2 * 8 * 4
    row = found["ckplus", "paper-6", "paper", "val_accuracy"]
    assert (row["paper"], row["ours"], row["trainings"]) == (0.9969, 0.98, 1)
    assert row["difference"] == pytest.approx(0.98 - 0.9969)
    assert row["interval"][0] < 0.98 < row["interval"][1]
    assert found["ckplus", "paper-6", "subject", "val_accuracy"]["ours"] is None
    assert text["deviation"].startswith("shortened to 2 of")


def test_a_curve_is_drawn_with_the_papers_last_epoch_marked(tmp_path: Path) -> None:
    epochs = tuple(
        EpochMetrics(epoch=number, loss=1, accuracy=0.5, val_loss=1, val_accuracy=0.5, learning_rate=1, seconds=1)
        for number in range(3)
    )
    drawn = msgspec.structs.replace(results(), curves=(Curve(figure=4, job=BASE, epochs=epochs),))
    write_page(drawn, tmp_path)
    assert (tmp_path / "reproduction" / "figure-4.png").stat().st_size > 10_000
    page = (tmp_path / "reproduction.md").read_text()
    assert "![Figure 4, model 6 on CK+](reproduction/figure-4.png)" in page


def test_the_documents_page_is_what_its_results_say() -> None:
    docs = Path(__file__).parents[3] / "docs"
    kept = read_results(docs / RESULTS)
    assert (docs / PAGE).read_text(encoding="utf-8") == to_markdown(kept)
    assert (docs / TABLES).read_bytes() == tables_json(kept)
    assert all((docs / plot_path(curve.figure)).is_file() for curve in kept.curves)
    assert kept.deviation == ""


def test_the_documents_results_keep_their_format(tmp_path: Path) -> None:
    docs = Path(__file__).parents[3] / "docs"
    write_results(read_results(docs / RESULTS), tmp_path / "results.json")
    assert (tmp_path / "results.json").read_bytes() == (docs / RESULTS).read_bytes()
