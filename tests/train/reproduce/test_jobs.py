"""Which trainings a target means, in which order, with which settings."""

from __future__ import annotations

import pytest

from edge_agent.errors import InputError
from train.reproduce.jobs import Job, Settings, plan, recipe_of
from train.reproduce.paper import CURVES, PRINTED


def test_everything_is_four_on_fer2013_and_eight_on_ckplus_three_times_and_by_folds() -> None:
    jobs = plan("all")
    assert len(jobs) == len({job.folder for job in jobs}) == 4 + 8 * 3 + 2 * 10 + 6 * 5


def test_the_papers_best_models_come_first_and_fer2013s_others_last() -> None:
    jobs = plan("all")
    assert [(job.data, job.model) for job in jobs[:2]] == [("fer2013", "paper-3"), ("ckplus", "paper-6")]
    assert {job.data for job in jobs[-3:]} == {"fer2013"}


def test_the_tables_have_the_rows_the_paper_has() -> None:
    assert {job.model for job in plan("table8")} == set(PRINTED["fer2013"])
    for split in ("paper", "subject"):
        assert {job.model for job in plan("table9") if job.split == split} == set(PRINTED["ckplus"])


def test_the_figures_need_one_training_each() -> None:
    assert {(job.data, job.model) for job in plan("figures")} == set(CURVES.values())
    assert len(plan("figures")) == 4


def test_folds_hold_out_everybody_once() -> None:
    folds = [job for job in plan("table9", only=["6"]) if job.split == "subject"]
    assert [job.fold for job in folds] == list(range(10))
    assert [job.protocol for job in folds][3] == "ckplus-by-subject fold=3 folds=10 seed=1"


def test_other_seeds_change_the_splits_and_the_weights() -> None:
    jobs = plan("table9", only=["paper-6"], seeds=(8, 9), splits=("paper",))
    assert [job.protocol for job in jobs] == ["ckplus-by-image seed=8", "ckplus-by-image seed=9"]
    assert [recipe_of(job, Settings()).seed for job in jobs] == [8, 9]


def test_a_model_may_be_named_by_its_number() -> None:
    assert {job.model for job in plan("all", only=["3", "paper-6"])} == {"paper-3", "paper-6"}


@pytest.mark.parametrize(
    ("only", "message"),
    [(["9"], "got paper-9, expected some of paper-1"), (["7"], "table8 with only paper-7: got nothing")],
)
def test_what_cannot_be_selected_is_refused(only: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan("table8", only=only)


def test_a_recipe_has_the_papers_settings() -> None:
    recipe = recipe_of(Job(data="fer2013", model="paper-3"), Settings())
    assert (recipe.epochs, recipe.batch_size, recipe.protocol) == (50, 64, "fer2013-paper")
    assert (recipe.optimizer.kind, recipe.optimizer.learning_rate) == ("adam", 1e-4)
    assert (recipe.optimizer.schedule, recipe.label_smoothing, recipe.augmentation.flip) == ("constant", 0.0, False)


@pytest.mark.parametrize(("epochs", "word"), [(2, "shortened to 2 of"), (80, "lengthened to 80 of"), (50, "")])
def test_another_length_is_called_so(epochs: int, word: str) -> None:
    assert Settings(epochs=epochs).deviation.startswith(word)
    assert bool(Settings(epochs=epochs).deviation) == bool(word)
