"""A worse model is told from one that is worse by chance, and from one that cannot be compared."""

from __future__ import annotations

import msgspec
import pytest

from edge_agent.errors import CheckFailed
from edge_agent.model_format.accuracy import check_accuracy, compare_accuracy
from edge_agent.model_format.bundle import read_bundle
from edge_agent.model_format.metadata import DataInfo, Metadata
from edge_agent.vision.classifier import BUNDLED_MODELS


def model(
    accuracy: float | None, images: int = 1000, *, sha256: str = "aa", labels: tuple[str, ...] = ("a", "b")
) -> Metadata:
    used = DataInfo(name="set", sha256=sha256, protocol="p", images={"validation": images}, use="temperature")
    return Metadata(
        name=f"m{accuracy}",
        architecture="edge",
        parameters=1,
        labels=labels,
        quantization="int8",
        data=(used,),
        metrics={} if accuracy is None else {"validation": {"accuracy": accuracy, "images": float(images)}},
    )


@pytest.mark.parametrize(
    ("new", "present", "worse"),
    [
        (0.268, 0.69, True),
        (0.66, 0.69, False),
        (0.64, 0.69, True),
        (0.69, 0.69, False),
        (0.75, 0.69, False),
        (0.0, 1.0, True),
    ],
)
def test_worse_means_worse_beyond_chance(new: float, present: float, worse: bool) -> None:
    assert compare_accuracy(model(new), model(present)).worse is worse


def test_few_faces_leave_more_to_chance() -> None:
    assert not compare_accuracy(model(0.5, 20), model(0.69, 20)).worse
    assert compare_accuracy(model(0.5, 2000), model(0.69, 2000)).worse


@pytest.mark.parametrize(
    ("new", "present", "reason"),
    [
        (model(0.2, sha256="bb"), model(0.69), "different data"),
        (model(0.2, labels=("b", "a")), model(0.69), "labels differ"),
        (model(None), model(0.69), "it records no accuracy"),
        (model(0.2), model(None), "the other records none"),
        (model(0.2, 0), model(0.69, 0), "it records no accuracy"),
    ],
)
def test_what_cannot_be_compared_is_said_and_not_refused(new: Metadata, present: Metadata, reason: str) -> None:
    text = check_accuracy(new, present, force=False)
    assert "cannot be compared" in text
    assert reason in text


def test_a_worse_one_needs_force() -> None:
    with pytest.raises(CheckFailed, match=r"m0.268 is worse than m0.69, the model in use: .*26\.8 %.*69\.0 %.*--force"):
        check_accuracy(model(0.268), model(0.69), force=False)
    assert "26.8 %" in check_accuracy(model(0.268), model(0.69), force=True)


def test_another_split_of_the_same_data_can_be_compared_too() -> None:
    with pytest.raises(CheckFailed, match=r"20\.0 % of 900 .* 69\.0 % of 1,000 by another split of the same data"):
        check_accuracy(model(0.2, 900), model(0.69), force=False)
    edge = read_bundle(BUNDLED_MODELS["edge"]).metadata
    part = tuple(msgspec.structs.replace(one, sha256="another part", protocol="fer2013-paper") for one in edge.data)
    poor = msgspec.structs.replace(edge, data=part, metrics={"validation": {"accuracy": 0.3, "images": 7178.0}})
    assert compare_accuracy(poor, edge).worse


@pytest.mark.parametrize(("recall", "images", "refused"), [(0.52, 300, True), (0.6, 300, False), (0.5, 199, False)])
def test_a_model_that_is_no_better_than_guessing_needs_force_on_any_data(
    recall: float, images: int, refused: bool
) -> None:
    scores = {"accuracy": recall, "balanced_accuracy": recall, "images": float(images)}
    new = msgspec.structs.replace(model(recall, images, sha256="bb"), metrics={"validation": scores})
    if refused:
        with pytest.raises(CheckFailed, match=r"finds 52\.0 % on average .* guesses would find 50\.0 %.*--force"):
            check_accuracy(new, model(0.69), force=False)
    assert "cannot be compared" in check_accuracy(new, model(0.69), force=refused)


def test_the_bundled_models_can_be_compared() -> None:
    edge, tiny = (read_bundle(path).metadata for path in BUNDLED_MODELS.values())
    for new, present in ((tiny, edge), (edge, tiny)):
        assert "3,589 held-out faces" in compare_accuracy(new, present).text
