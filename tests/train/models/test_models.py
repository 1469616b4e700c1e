"""Every network by its name: what it costs, and that it is the one it claims to be."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from edge_agent.errors import InputError
from train.models import MODELS, build, describe_cost
from train.models.paper import PAPER_MODELS

PARAMETERS = {
    # The counts the paper prints; its text exchanges those of models 3 and 4.
    "paper-2": 4_594_439,
    "paper-3": 2_368_455,
    "paper-4": 592_647,
    "paper-6": 2_349_703,
    # Counts the paper leaves out, from the same table of layers.
    "paper-1": 2_104_583,
    "paper-5": 1_116_647,
    "paper-7": 4_590_343,
    "paper-8": 1_125_863,
    "edge": 1_230_503,
    "edge-tiny": 235_671,
    "edge-teacher": 3_758_111,
    "edge-mirror": 1_160_199,
    "testing": 1_427,
    "testing-mirror": 6_007,
}


def test_the_table_covers_every_network() -> None:
    assert set(PARAMETERS) == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_a_network_has_its_parameters_and_gives_one_logit_a_class(name: str) -> None:
    model = build(name, classes=7)
    assert describe_cost(model).parameters == PARAMETERS[name]
    assert model.output_shape == (None, 7)


def test_the_papers_counts_are_those_of_its_table() -> None:
    printed = {name: model.parameters for name, model in PAPER_MODELS.items() if model.parameters is not None}
    assert printed == {name: PARAMETERS[name] for name in printed}
    assert len(printed) == 4


def test_the_edge_models_stay_in_their_budgets() -> None:
    edge, tiny = describe_cost(build("edge", 7)), describe_cost(build("edge-tiny", 7))
    for one in (edge, describe_cost(build("edge-mirror", 7))):
        assert one.macs <= 45e6
        assert one.parameters <= 1.5e6
    assert tiny.macs <= 10e6
    assert tiny.parameters <= 300e3


def test_multiply_accumulates_count_every_position_of_every_kernel() -> None:
    # 24x24 positions: stem 3x3x1x4, two 3x3x4x4; 12x12: 3x3x4x8, 3x3x8x8 and the shortcut 1x1x4x8; dense 8x7.
    by_hand = 24 * 24 * (9 * 4 + 2 * 9 * 16) + 12 * 12 * (9 * 32 + 9 * 64 + 32) + 56
    assert describe_cost(build("testing", 7)).macs == by_hand


def test_normalisation_is_inside_the_network() -> None:
    assert any(isinstance(layer, keras.layers.Rescaling) for layer in build("edge", 7).layers)


def test_colour_networks_take_three_channels() -> None:
    model = build("testing", 3, channels=3)
    assert model.predict(np.zeros((2, 48, 48, 3), np.float32), verbose=0).shape == (2, 3)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"got 'papier-3', expected one of paper-1, .*testing"):
        build("papier-3", 7)


def test_a_paper_network_refuses_changing_resolutions() -> None:
    with pytest.raises(InputError, match="48 pixels throughout"):
        build("paper-3", 7, any_size=True)


@pytest.mark.parametrize("name", MODELS)
def test_no_kernel_is_one_that_a_supported_runtime_computes_wrongly(name: str) -> None:
    """LiteRT 2.1 is wrong where a stride goes along a side of 1 of a kernel that is longer along the other side."""
    for layer in build(name, 7).layers:
        if isinstance(layer, keras.layers.Conv2D) and max(layer.kernel_size) > 1:
            assert all(stride == 1 or side > 1 for side, stride in zip(layer.kernel_size, layer.strides, strict=True))
