"""Priors: where the shares of the training come from, and what they make of a device's setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.errors import ConfigError
from edge_agent.model_format.bundle import pack_bundle, read_bundle, unpack_bundle
from edge_agent.model_format.description import describe
from edge_agent.model_format.labels import FER2013
from edge_agent.model_format.metadata import DataInfo
from edge_agent.model_format.priors import (
    FER2013_TRAINING_FACES,
    NAMED_PRIORS,
    describe_prior,
    prior_weights,
    training_shares,
    training_shares_of_bundle,
)
from tests.support.tflite_models import dense_model, metadata

SHARES = {"calm": 0.8, "tense": 0.2}
LABELS = tuple(SHARES)
OLDER_BUNDLE = Path(__file__).parents[2] / "docs/reproduction/paper-4.tflite"


def test_a_bundle_states_the_prior_of_its_training() -> None:
    facts = metadata(labels=LABELS, prior=SHARES)
    read = unpack_bundle(pack_bundle(dense_model(), metadata(prior=dict.fromkeys(FER2013, 1 / 7))), "made").metadata
    assert training_shares_of_bundle(facts) == pytest.approx(SHARES)
    assert training_shares_of_bundle(read) == pytest.approx(dict.fromkeys(FER2013, 1 / 7))


def test_a_bundle_of_fer2013_that_does_not_state_it_has_that_of_fer2013() -> None:
    facts = read_bundle(OLDER_BUNDLE).metadata
    assert not facts.prior
    assert training_shares_of_bundle(facts) == pytest.approx(
        {label: count / 28_709 for label, count in FER2013_TRAINING_FACES.items()}
    )


@pytest.mark.parametrize(
    ("stated", "labels", "data"),
    [
        pytest.param({}, FER2013, "crops", id="other pictures with FER2013's labels"),
        pytest.param({}, LABELS, "FER2013", id="other labels"),
        pytest.param({"calm": 1.0}, LABELS, "crops", id="a label is missing"),
        pytest.param({"calm": 1.0, "tense": 0.0}, LABELS, "crops", id="a label without a face"),
        pytest.param({}, FER2013, "", id="no data named"),
    ],
)
def test_shares_that_nobody_stated_are_not_known(stated: dict[str, float], labels: tuple[str, ...], data: str) -> None:
    assert training_shares(stated, labels, data) is None


def test_balanced_undoes_the_shares_of_the_training_and_half_their_square_root() -> None:
    assert prior_weights(SHARES, LABELS, "training") is None
    assert prior_weights(SHARES, LABELS, "balanced") == pytest.approx((0.5 / 0.8, 0.5 / 0.2))
    assert prior_weights(SHARES, LABELS, "half") == pytest.approx(((0.5 / 0.8) ** 0.5, (0.5 / 0.2) ** 0.5))


def test_a_table_gives_each_label_its_share_in_whatever_order() -> None:
    assert prior_weights(SHARES, LABELS, {"tense": 0.6, "calm": 0.4}) == pytest.approx((0.4 / 0.8, 0.6 / 0.2))
    assert prior_weights(SHARES, LABELS, SHARES) == pytest.approx((1.0, 1.0))


@pytest.mark.parametrize("prior", [*NAMED_PRIORS, SHARES])
def test_without_shares_of_the_training_nothing_is_changed(prior: str) -> None:
    assert prior_weights(None, LABELS, prior) is None  # type: ignore[arg-type]
    assert describe_prior(prior, None).startswith("training: ")  # type: ignore[arg-type]


@pytest.mark.parametrize("prior", [{"calm": 1.0}, {"calm": 0.5, "tens": 0.5}, SHARES | {"x": 0.2}, {}])
def test_a_table_of_other_labels_is_refused(prior: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=r"expected one for each label of the model: calm, tense\. Name every label"):
        prior_weights(SHARES, LABELS, prior)


@pytest.mark.parametrize(
    ("prior", "received"),
    [
        ({"calm": 1.0}, "no share for tense"),
        ({"calm": 0.5, "Tense": 0.5}, "a share for Tense and none for tense"),
        (SHARES | {"happy": 0.1, "sad": 0.1}, "a share for happy, sad"),
        ({}, "no share for calm, tense"),
    ],
)
def test_a_refused_table_says_which_labels_differ(prior: dict[str, float], received: str) -> None:
    with pytest.raises(ConfigError) as caught:
        prior_weights(SHARES, LABELS, prior)
    assert str(caught.value).startswith(f"$.classifier.prior: got {received}, expected ")


def test_people_are_told_the_prior_of_the_training_and_that_in_use() -> None:
    facts = metadata(prior=dict.fromkeys(FER2013, 1 / 7), data=(DataInfo(name="crops", sha256="c" * 64),))
    rows = dict(describe(unpack_bundle(pack_bundle(dense_model(), facts), "made")))
    assert rows["prior of its training"].startswith("angry 14.3%, disgust 14.3%")
    assert dict(describe(unpack_bundle(pack_bundle(dense_model(), metadata()), "made")))["prior of its training"] == (
        "not known"
    )
    assert describe_prior(SHARES, SHARES) == "given: calm 80.0%, tense 20.0%"
    assert [describe_prior(name, SHARES).partition(":")[0] for name in NAMED_PRIORS] == list(NAMED_PRIORS)
