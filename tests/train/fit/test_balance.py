"""How a training takes the labels' unequal frequency off the network's answers."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from edge_agent.errors import InputError
from tests.train.faces import bright_halves
from tests.train.fit.test_trainer import RECIPE
from train.data.dataset import Split
from train.fit.inputs import TrainingInputs, prepare_inputs
from train.fit.objective import Objective, balance_adjustment

SHARES = {"many": 0.9, "few": 0.1}


def test_without_balance_nothing_is_added() -> None:
    assert balance_adjustment(SHARES, ("many", "few"), 0.0).tolist() == [0.0, 0.0]


def test_with_balance_the_loss_expects_what_is_frequent() -> None:
    adjusted = Objective(2, 0.0, 0.0, balance_adjustment(SHARES, ("many", "few"), 1.0))
    undecided = np.zeros((1, 2), np.float32)
    losses = [float(adjusted.loss(target, undecided)[0]) for target in np.eye(2, dtype=np.float32)[:, None]]
    assert losses == pytest.approx([-np.log(0.9), -np.log(0.1)], rel=1e-5)


def test_a_class_without_images_cannot_be_balanced() -> None:
    with pytest.raises(InputError, match="no training images of few"):
        balance_adjustment({"many": 1.0, "few": 0.0}, ("many", "few"), 0.5)


@pytest.mark.parametrize(("balance", "odds"), [(0.0, 2.0), (0.5, 2.0**0.5), (1.0, 1.0)])
def test_the_recorded_prior_is_what_the_answers_still_assume(balance: float, odds: float) -> None:
    faces = bright_halves(90)
    rows = np.arange(90)
    first, second = (rows[faces.labels == label] for label in (0, 1))
    split = Split("two to one", np.sort([*first[:30], *second[:15]]), first[30:], second[15:])
    recipe = msgspec.structs.replace(RECIPE, balance=balance)
    prior = prepare_inputs(TrainingInputs(recipe, faces, split)).prior
    assert prior[faces.classes[0]] / prior[faces.classes[1]] == pytest.approx(odds, rel=1e-4)
