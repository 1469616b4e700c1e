"""Recipes: what the files say, and how mistakes in them are reported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge_agent.errors import ConfigError, InputError
from train.data.splits import PROTOCOLS
from train.fit.recipe import RECIPES, Phase, Recipe, load_recipe
from train.fit.run_dir import RunDir
from train.models import MODELS

RUNS = Path(__file__).parents[3] / "docs/runs"
NAMES = sorted(path.stem for path in RECIPES.glob("*.toml"))
MINIMAL = 'title = ""\nsource = ""\ncommand = ""\ncost = ""\nexpected = ""\nmodel = "edge"\nphases = [{ epochs = 2 }]\n'


@pytest.mark.parametrize("name", NAMES)
def test_a_bundled_recipe_names_what_exists_and_says_what_it_costs_and_gives(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.model in MODELS or "--from" in recipe.command
    assert recipe.protocol in ("", *PROTOCOLS)
    assert f"python -m train fit {name} " in recipe.command
    assert all((recipe.title, recipe.source, recipe.cost, recipe.expected))


def test_the_resolution_follows_the_phases() -> None:
    phases = (Phase(epochs=2, side_px=32), Phase(epochs=1, side_px=40), Phase(epochs=3))
    recipe = Recipe(title="", source="", command="", cost="", expected="", model="edge", phases=phases)
    assert [recipe.phase(epoch).side_px for epoch in range(recipe.epochs)] == [32, 32, 40, 48, 48, 48]


def test_words_do_not_make_another_training() -> None:
    recipe = load_recipe("edge")
    assert recipe.settings().title == ""
    assert recipe.settings().optimizer == recipe.optimizer


def test_an_unknown_recipe_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"recipe: got 'edgy', expected one of .*edge"):
        load_recipe("edgy")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("batch_sise = 3", "$.batch_sise: got a key this version does not know"),
        ("batch_size = 0", "$.batch_size: got 0, expected at least 1"),
        ("label_smoothing = 2.0", "$.label_smoothing: got 2.0, expected 0 to 1"),
        ("[augmentation]\nflip = 3", "$.augmentation.flip: got 3, expected true or false"),
        ("seed = 4294967296", "$.seed: got 4294967296, expected 0 to 4294967295"),
        ("[optimizer]\nschedule = 'constant'\nwarmup_epochs = 1", "optimizer.warmup_epochs: got 1, expected 0"),
        ("[extra]\nlabel_weight = 1.5", "$.extra.label_weight: got 1.5, expected 0 to 1"),
        ("[extra]\nlabel_weight = 0.5", "extra.label_weight: got 0.5, expected 1, as not every phase has teachers"),
        ("[optimizer]\nwarmup_epochs = 2", "optimizer.warmup_epochs: got 2, expected fewer than the 2 epochs"),
    ],
)
def test_a_mistake_in_a_recipe_names_the_key(tmp_path: Path, change: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(MINIMAL + change)
    with pytest.raises(ConfigError) as caught:
        load_recipe(str(path))
    assert message in str(caught.value)


def test_an_unknown_key_of_a_phase_lists_the_known_ones(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(MINIMAL.replace("epochs = 2", "epochs = 2, side = 32"))
    with pytest.raises(ConfigError, match=r"phases\[0\]\.side: got a key .* one of epochs, side_px"):
        load_recipe(str(path))


def test_the_mark_that_some_editors_begin_a_file_with_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(MINIMAL, encoding="utf-8-sig")
    assert load_recipe(str(path)).epochs == 2


def test_keys_of_recipes_and_records_stay_whatever_the_attributes_are_called() -> None:
    recipe = msgspec.to_builtins(load_recipe("edge-robust"))
    assert recipe["spoiling"]["share"] > 0
    assert recipe["teaching"]["weight"] > 0
    assert recipe["phases"][0]["taught"] is True


def is_within(part: Any, whole: Any) -> bool:
    """Whether a decoded JSON value holds all keys and values of another."""
    if isinstance(part, dict):
        return all(key in whole and is_within(value, whole[key]) for key, value in part.items())
    if isinstance(part, list):
        return len(part) == len(whole) and all(map(is_within, part, whole))
    return bool(part == whole)


@pytest.mark.parametrize("run", sorted(RUNS.glob("*/run.json")), ids=lambda run: str(run.parent.name))
def test_records_of_earlier_versions_are_read_and_written_as_they_are(run: Path) -> None:
    stored = msgspec.json.decode(run.read_bytes())
    assert is_within(stored, msgspec.to_builtins(RunDir(run.parent).record()))
