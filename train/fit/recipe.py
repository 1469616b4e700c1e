"""A recipe: one TOML file with every setting of a training, their source, the cost and the expected result."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from edge_agent.config_file import load_toml
from edge_agent.errors import ConfigError, InputError
from edge_agent.model_format.metadata import FACE_SIZE
from train.common.precision import PrecisionChoice
from train.fit.augment import Augmentation
from train.fit.degradation import NO_DEGRADATION, Degradation

RECIPES = Path(__file__).parent / "recipes"

_Positive = Annotated[int, msgspec.Meta(ge=1)]
_Rate = Annotated[float, msgspec.Meta(gt=0.0, le=10.0)]
MAX_SEED = 2**32 - 1
"""The largest that NumPy's and so Keras' random state takes."""

_Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Phase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the training.

    Attributes:
        epochs: Its length.
        side_px: Side of the training images in pixels.
        variation: Share of the recipe's augmentation: 0.5 goes half as far.
        use_teachers: Whether the recipe's teacher models are used; ``taught`` in TOML. A first phase learns as well
            from labels alone, and the teachers' answers take time.
    """

    epochs: _Positive
    side_px: Annotated[int, msgspec.Meta(ge=16, le=96)] = 48
    variation: _Share = 1.0
    use_teachers: bool = msgspec.field(name="taught", default=True)


class VotesUse(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a training uses FER+'s votes (Barsoum et al. 2016), which are annotation beyond the data set's own labels.

    Attributes:
        head: Weight of the loss of a second head that learns to predict the votes; export never sees it.
        blend: Share of the targets that comes from the votes instead of the label.
    """

    head: Annotated[float, msgspec.Meta(ge=0.0, le=10.0)] = 0.0
    blend: _Share = 0.0


class Distillation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a training learns from teacher models, bundles that answer for each varied face (Hinton et al. 2015).

    Attributes:
        weight: Share of the classes' targets that comes from the teachers' answers; 0 for no distillation.
        temperature: Of the answers, relative to the teachers' calibrated ones; more makes them softer.
        flip: Whether teachers also answer for the mirrored face; the mean of both is used.
    """

    weight: _Share = 0.0
    temperature: Annotated[float, msgspec.Meta(ge=0.1, le=20.0)] = 1.0
    flip: bool = False


class ExtraUse(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a training uses the faces of further data sets, which are never validated on.

    Attributes:
        label_weight: How much their labels count, compared with those of the first data set. The rest of their targets
            is the teachers' answers: with 0 these alone, as for faces without labels.
    """

    label_weight: _Share = 1.0


class Optimizer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How weights move.

    Attributes:
        kind: ``sgd`` is with Nesterov momentum, ``adam`` as Keras has it.
        learning_rate: At the peak.
        momentum: Of ``sgd``.
        weight_decay: Decoupled: each step takes ``learning_rate * weight_decay`` of every kernel. An L2 penalty ``d``
            under momentum ``m`` corresponds to ``d / (1 - m)``. Biases and normalisation are exempt.
        schedule: ``cosine`` falls to zero with the end of the training, ``constant`` stays.
        warmup_epochs: Epochs over which the rate rises linearly from zero before it falls; ``cosine`` alone has them.
        sharpness: Radius of sharpness-aware steps (Foret et al. 2021), which take twice as long; 0 for plain steps,
            0.05 is usual.
        sharpness_epochs: Last epochs that have them; 0 for all.
    """

    kind: Literal["sgd", "adam"] = "sgd"
    learning_rate: _Rate = 0.1
    momentum: _Share = 0.9
    weight_decay: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 0.0
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup_epochs: Annotated[int, msgspec.Meta(ge=0)] = 0
    sharpness: Annotated[float, msgspec.Meta(ge=0.0, le=10.0)] = 0.0
    sharpness_epochs: Annotated[int, msgspec.Meta(ge=0)] = 0


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A training, whole.

    Attributes:
        title: One line for people.
        source: Where the settings come from: a paper, a trial, a reason.
        command: The command that runs it.
        cost: What it takes, on which machine.
        expected: What it should reach, on which images.
        model: Name of a network of ``train.models``; empty for that of the weights to begin with.
        phases: Resolutions over time; their epochs add up to the training's.
        protocol: Name of a split of ``train.data.splits``; empty for the data set's customary one.
        channels: 1 for gray, 3 for red-green-blue.
        batch_size: Images a step.
        label_smoothing: Share of the target spread evenly over all labels.
        balance: How much of the labels' unequal frequency the loss takes off the network's answers: its logits get this
            share of the logarithm of each label's share before they are compared with the targets (balanced softmax,
            Ren et al. 2020; logit adjustment, Menon et al. 2021). With 1 the network answers as if all labels were
            equally frequent.
        seed: Of initial weights, dropout, shuffling and augmentation.
        precision: Keras' dtype policy. bfloat16 pays on processors with instructions for it and is several times slower
            elsewhere; ``fastest`` measures which is faster when a long training begins.
        optimizer: How weights move.
        augmentation: How images are varied.
        degradation: How the varied images are degraded, the same in all phases; ``[spoiling]`` in TOML.
        votes: What FER+'s votes are used for, if anything.
        distillation: What teacher models are used for, if anything; ``[teaching]`` in TOML.
        extra: How the faces of further data sets are used; None for a training on one data set.
        limit: At most so many training images of the first data set, drawn by class; 0 for all.
        early_stop: The training ends after so many epochs without a lower validation loss, and the weights of the epoch
            with the lowest are kept; 0 to train to the end and keep the last.
    """

    title: str
    source: str
    command: str
    cost: str
    expected: str
    phases: tuple[Phase, ...]
    model: str = ""
    protocol: str = ""
    channels: Literal[1, 3] = 1
    batch_size: _Positive = 128
    label_smoothing: _Share = 0.0
    balance: _Share = 0.0
    seed: Annotated[int, msgspec.Meta(ge=0, le=MAX_SEED)] = 1
    precision: PrecisionChoice = "float32"
    optimizer: Optimizer = Optimizer()
    augmentation: Augmentation = Augmentation()
    degradation: Degradation = msgspec.field(name="spoiling", default=NO_DEGRADATION)
    votes: VotesUse = VotesUse()
    distillation: Distillation = msgspec.field(name="teaching", default=Distillation())
    extra: ExtraUse | None = None
    limit: Annotated[int, msgspec.Meta(ge=0)] = 0
    early_stop: Annotated[int, msgspec.Meta(ge=0)] = 0

    @property
    def uses_votes(self) -> bool:
        """Whether a table of votes must be given."""
        return self.votes != VotesUse()

    @property
    def epochs(self) -> int:
        """Length of the training."""
        return sum(phase.epochs for phase in self.phases)

    @property
    def changes_size(self) -> bool:
        """Whether a phase shows pictures of another size than the device's, so that the network's must stay open."""
        return any(phase.side_px != FACE_SIZE for phase in self.phases)

    def settings(self) -> Recipe:
        """The recipe without its words: equal for equal trainings."""
        return msgspec.structs.replace(self, title="", source="", command="", cost="", expected="")

    def is_sharp(self, epoch: int) -> bool:
        """Whether an epoch, counted from 0, has sharpness-aware steps."""
        optimizer = self.optimizer
        return optimizer.sharpness > 0.0 and epoch >= self.epochs - (optimizer.sharpness_epochs or self.epochs)

    def phase(self, epoch: int) -> Phase:
        """The part of the training that an epoch, counted from 0, belongs to."""
        for phase in self.phases:
            if epoch < phase.epochs:
                return phase
            epoch -= phase.epochs
        return self.phases[-1]


def adjust(
    recipe: Recipe,
    *,
    epochs: int | None = None,
    limit: int | None = None,
    learning_rate: float | None = None,
    early_stop: int | None = None,
    precision: PrecisionChoice | None = None,
) -> Recipe:
    """A recipe with single settings replaced, as the command line gives them.

    With other ``epochs``, the phases keep their shares of the training, each with one epoch at least; of fewer epochs
    than phases, the last phases are left. The warm-up and the sharpness-aware epochs keep their shares too.

    Raises:
        ConfigError: The result contradicts itself.
    """
    if epochs is not None and epochs != recipe.epochs:
        warmup = min(math.ceil(recipe.optimizer.warmup_epochs * epochs / recipe.epochs), epochs - 1)
        sharp = math.ceil(recipe.optimizer.sharpness_epochs * epochs / recipe.epochs)
        recipe = msgspec.structs.replace(
            recipe,
            phases=_stretched(recipe.phases, epochs),
            optimizer=msgspec.structs.replace(recipe.optimizer, warmup_epochs=warmup, sharpness_epochs=sharp),
        )
    if learning_rate is not None:
        optimizer = msgspec.structs.replace(recipe.optimizer, learning_rate=learning_rate)
        recipe = msgspec.structs.replace(recipe, optimizer=optimizer)
    if limit is not None:
        recipe = msgspec.structs.replace(recipe, limit=limit)
    if early_stop is not None:
        recipe = msgspec.structs.replace(recipe, early_stop=early_stop)
    if precision is not None:
        recipe = msgspec.structs.replace(recipe, precision=precision)
    check_consistency(recipe, "the command line")
    return recipe


def _stretched(phases: tuple[Phase, ...], epochs: int) -> tuple[Phase, ...]:
    phases = phases[-epochs:]
    total, begun, before = sum(phase.epochs for phase in phases), 0, 0
    stretched = []
    for index, phase in enumerate(phases):
        before += phase.epochs
        left = len(phases) - index - 1
        end = min(max(round(before * epochs / total), begun + 1), epochs - left)
        stretched.append(msgspec.structs.replace(phase, epochs=end - begun))
        begun = end
    return tuple(stretched)


def load_recipe(named: str) -> Recipe:
    """Read a recipe by the name of a file in ``train/fit/recipes`` or by its path.

    Raises:
        InputError: There is no such recipe.
        ConfigError: The file is malformed or contradicts itself.
    """
    bundled = RECIPES / f"{named}.toml"
    path = bundled if bundled.is_file() else Path(named)
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in RECIPES.glob("*.toml")))
        raise InputError("recipe", received=repr(named), expected=f"one of {known}, or a path to a TOML file")
    recipe = load_toml(path, Recipe)
    check_consistency(recipe, str(path))
    return recipe


def check_consistency(recipe: Recipe, where: str) -> None:
    """Refuse settings that contradict each other.

    Raises:
        ConfigError: There are no phases, a warm-up that nothing follows, sharpness-aware epochs without a radius, more
            of them than epochs, or faces that some phase has no targets for.
    """
    if not recipe.phases:
        raise ConfigError(f"{where}: phases", received="none", expected="at least one")
    optimizer = recipe.optimizer
    if optimizer.schedule == "constant" and optimizer.warmup_epochs:
        raise ConfigError(
            f"{where}: optimizer.warmup_epochs",
            received=optimizer.warmup_epochs,
            expected='0, as schedule = "constant" has none',
            remedy='Set it to 0, or schedule = "cosine"',
        )
    if optimizer.warmup_epochs and optimizer.warmup_epochs >= recipe.epochs:
        raise ConfigError(
            f"{where}: optimizer.warmup_epochs",
            received=optimizer.warmup_epochs,
            expected=f"fewer than the {recipe.epochs} epochs of the phases",
            remedy="Lower it or train longer",
        )
    if optimizer.sharpness_epochs and (not optimizer.sharpness or optimizer.sharpness_epochs > recipe.epochs):
        raise ConfigError(
            f"{where}: optimizer.sharpness_epochs",
            received=optimizer.sharpness_epochs,
            expected=f"at most the {recipe.epochs} epochs of the phases, and sharpness above 0",
            remedy="Lower it, or set sharpness",
        )
    if recipe.extra is not None and recipe.extra.label_weight < 1.0:
        untaught = any(not phase.use_teachers for phase in recipe.phases)
        if untaught or not recipe.distillation.weight:
            raise ConfigError(
                f"{where}: extra.label_weight",
                received=recipe.extra.label_weight,
                expected="1, as not every phase has teachers, whose answers are the rest of the targets",
                remedy="Set weight under [teaching] and leave out taught = false, or set label_weight = 1",
            )
