"""The plan of an ablation: a base recipe, changes to it, and seeds, from one TOML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec

from edge_agent.config_file import from_tables, load_toml
from edge_agent.errors import ConfigError, InputError
from train.ablation.normalisation import Normalisation
from train.fit.recipe import MAX_SEED, Recipe, check_consistency, load_recipe
from train.models import MODELS

PLANS = Path(__file__).parent / "plans"

BASE = "base"
"""Name of the unchanged recipe in tables."""


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One change to the base recipe.

    Attributes:
        name: Its name in tables.
        set: Settings of the recipe that are replaced, nested as in a recipe: ``{ augmentation = { erase = 0.0 } }``.
        faces: The normalisation of the faces, in training and in validation alike.
    """

    name: Annotated[str, msgspec.Meta(min_length=1)]
    set: dict[str, Any] = {}
    faces: tuple[Normalisation, ...] = ()


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole ablation.

    Attributes:
        title: One line for people.
        base: Name of a bundled recipe, or a TOML file.
        seeds: Each variant is trained once with each. At least two are needed to estimate the effect of chance.
        set: Settings replaced in the base and so in every variant, such as fewer epochs.
        change: The changes.
    """

    title: str
    base: str
    seeds: Annotated[tuple[Annotated[int, msgspec.Meta(ge=0, le=MAX_SEED)], ...], msgspec.Meta(min_length=1)]
    set: dict[str, Any] = {}
    change: Annotated[tuple[Change, ...], msgspec.Meta(min_length=1)]


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One recipe to train with several seeds; ``faces`` is the normalisation of the faces."""

    name: str
    recipe: Recipe
    faces: tuple[Normalisation, ...] = ()

    @property
    def folder(self) -> str:
        """The name as the name of a folder."""
        return "-".join("".join(letter if letter.isalnum() else " " for letter in self.name.lower()).split())


def load_plan(named: str) -> tuple[Plan, tuple[Variant, ...]]:
    """Read a plan by the name of a file in ``train/ablation/plans`` or by its path, and resolve every recipe in it.

    Returns:
        The plan, and its variants, the base first.

    Raises:
        InputError: There is no such plan or base recipe, or two changes have one name.
        ConfigError: The file is malformed, or names a seed twice or an unknown network. A change names an unknown
            setting or one that cannot differ, or it changes nothing.
    """
    bundled = PLANS / f"{named}.toml"
    path = bundled if bundled.is_file() else Path(named)
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in PLANS.glob("*.toml")))
        raise InputError("ablation", received=repr(named), expected=f"one of {known}, or a path to a TOML file")
    plan = load_toml(path, Plan)
    if len(set(plan.seeds)) < len(plan.seeds):
        raise ConfigError(
            f"{path}: seeds",
            received=", ".join(map(str, plan.seeds)),
            expected="each once",
            remedy="The same training twice says nothing about chance",
        )
    beside = path.parent / plan.base
    recipe = load_recipe(str(beside) if beside.is_file() else plan.base)
    base = _changed(recipe, plan.set, path, "set")
    variants = [Variant(name=BASE, recipe=base)]
    for number, change in enumerate(plan.change):
        where = f"change[{number}].set"
        _check_varies(change, path, where)
        changed = _changed(base, change.set, path, where)
        if changed.settings() == base.settings() and not change.faces:
            raise ConfigError(
                f"{path}: change {change.name!r}",
                received="what the base has already",
                expected="something else",
                remedy="Leave it out or change another setting",
            )
        variants.append(Variant(name=change.name, recipe=changed, faces=change.faces))
    folders = [variant.folder for variant in variants]
    duplicates = sorted({name for name in folders if folders.count(name) > 1 or not name})
    if duplicates:
        raise InputError(f"{path}: changes", received=f"two called {duplicates[0]!r}", expected="different names")
    return plan, tuple(variants)


_FIXED_SETTINGS = {
    "seed": "Name seeds at the top of the plan: every variant is trained with each",
    "channels": "Name a base recipe with these channels: all variants read the same data",
}


def _changed(recipe: Recipe, replaced: dict[str, Any], path: Path, where: str) -> Recipe:
    """Replace some settings of a recipe. Tables are merged; everything else is replaced as a whole."""
    merged = _merged(msgspec.to_builtins(recipe), replaced)
    changed = from_tables(merged, Recipe, Path(f"{path}, {where}"))
    check_consistency(changed, f"{path}, {where}")
    if changed.model and changed.model not in MODELS:
        raise ConfigError(
            f"{path}, {where}.model", received=repr(changed.model), expected=f"one of {', '.join(MODELS)}"
        )
    return changed


def _check_varies(change: Change, path: Path, where: str) -> None:
    for name, remedy in _FIXED_SETTINGS.items():
        if name in change.set:
            raise ConfigError(f"{path}, {where}.{name}", received=change.set[name], expected="nothing", remedy=remedy)


def _merged(tables: dict[str, Any], replaced: dict[str, Any]) -> dict[str, Any]:
    found = dict(tables)
    for key, value in replaced.items():
        known = found.get(key)
        found[key] = _merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return found
