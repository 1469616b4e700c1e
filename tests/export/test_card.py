"""The model card of a bundle."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import pytest

from edge_agent.config import SmoothingSettings
from edge_agent.model_format.bundle import pack_bundle, read_bundle, unpack_bundle
from edge_agent.model_format.metadata import EARLIER, DataInfo, TrainingInfo
from edge_agent.vision.classifier import BUNDLED_MODEL, BUNDLED_MODELS
from export.card import card_to_markdown
from export.card_sections import answers_worth
from export.measurements import Measurements, read_measurements, write_measurements
from tests.support.tflite_models import dense_model, metadata
from train.measure.answer_precision import AnswerPrecision
from train.measure.calibration import choose_floor

DOCS = Path(__file__).parents[2] / "docs"
CARDS = {"edge": "model-card.md", "edge-tiny": "model-card-tiny.md"}
"""Card of each bundled model, in ``docs``."""


def measured(name: str) -> Path:
    return DOCS / "measured" / f"{BUNDLED_MODELS[name].stem}.json"


def with_answers(found: AnswerPrecision) -> Measurements:
    """Measurements with these answers alone."""
    return msgspec.structs.replace(read_measurements(measured("edge")), answers=(found,), hard_answers=())


def test_every_bundled_model_has_a_card() -> None:
    assert CARDS.keys() == BUNDLED_MODELS.keys()


@pytest.mark.parametrize("name", CARDS)
def test_the_committed_measurements_are_those_of_the_bundled_model(name: str) -> None:
    file = BUNDLED_MODELS[name]
    assert read_measurements(measured(name)).model == read_bundle(file).model_id, (
        f"measure it: python -m export measure edge_agent/models/{file.name} --data fer2013.csv --votes fer2013new.csv "
        f"--unseen CK+48 --out docs/measured/{measured(name).name} --card docs/{CARDS[name]}"
    )


@pytest.mark.parametrize("name", CARDS)
def test_the_committed_measurements_keep_their_format(name: str, tmp_path: Path) -> None:
    write_measurements(read_measurements(measured(name)), tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == measured(name).read_bytes()


@pytest.mark.parametrize("name", CARDS)
def test_cards_keep_their_lines_within_120_characters(name: str) -> None:
    lines = (DOCS / CARDS[name]).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if len(line) > 120 and not line.startswith("|")] == []


@pytest.mark.parametrize("name", CARDS)
def test_the_committed_card_is_that_of_the_bundled_model_and_its_measurements(name: str) -> None:
    file, measurements = BUNDLED_MODELS[name], measured(name)
    card = card_to_markdown(read_bundle(file), read_measurements(measurements), f"measured/{measurements.stem}")
    assert (DOCS / CARDS[name]).read_text(encoding="utf-8") == card, (
        f"docs/{CARDS[name]} is out of date: python -m export card edge_agent/models/{file.name} "
        f"--measured docs/measured/{measurements.name} --out docs/{CARDS[name]}"
    )


def test_only_all_of_the_faces_are_ten_of_ten_and_only_none_are_none() -> None:
    numbers = {"angry": (200, 200), "disgust": (199, 200), "fear": (1, 200), "happy": (0, 200), "sad": (100, 200)}
    called = {label: of for label, (_, of) in numbers.items()}
    right = {label: some for label, (some, _) in numbers.items()}
    found = AnswerPrecision(faces="RAF-DB", images=1000, called=called, right=right)
    text = answers_worth(with_answers(found), tuple(numbers))
    cells = ["10 of 10 are (200 of", "nearly 10 of 10 are (199 of", "fewer than 1 of 10 are (1 of", "0 of 10 are (0 of"]
    assert [cell in text for cell in cells] == [True] * 4


def test_faces_with_labels_that_the_model_lacks_are_counted() -> None:
    found = AnswerPrecision(faces="CK+48", images=50, called={"sad": 20}, right={"sad": 10}, there={"sad": 30})
    assert "CK+48 also has 20 faces with a label that the model lacks" in " ".join(
        answers_worth(with_answers(found), ("sad",)).split()
    )


def test_a_card_says_which_sets_the_model_and_the_prior_were_chosen_on() -> None:
    bundle, found = read_bundle(BUNDLED_MODEL), read_measurements(measured("edge"))
    assert "RAF-DB and CK+48 were used for choosing, too" in card_to_markdown(bundle, found)
    unscored = msgspec.structs.replace(found, selection=())
    assert "were used for choosing, too" not in card_to_markdown(bundle, unscored)


@pytest.mark.parametrize("name", CARDS)
def test_the_default_floor_is_the_one_the_curve_asks_for(name: str) -> None:
    asked = choose_floor(read_measurements(measured(name)).abstention)
    assert SmoothingSettings().uncertain_below == pytest.approx(asked, abs=0.05), "set smoothing.uncertain_below anew"


def test_a_card_names_the_file_it_is_about_and_its_limits() -> None:
    bundle = read_bundle(BUNDLED_MODEL)
    card = card_to_markdown(bundle)
    assert bundle.model_id in card
    assert "No demographic audit" in card
    assert "Art. 5(1)(f)" in card
    assert "were not measured" in card


def test_a_card_of_own_photographs_says_nothing_of_fer2013() -> None:
    own = DataInfo(name="crops", sha256="c" * 64, protocol="own-split seed=0", note="Drawn by image.")
    facts = msgspec.structs.replace(read_bundle(BUNDLED_MODEL).metadata, data=(own,), training=TrainingInfo())
    card = card_to_markdown(dataclasses.replace(read_bundle(BUNDLED_MODEL), metadata=facts))
    assert not any(word in card for word in ("FER2013", "PublicTest", "FER+", "web photographs", "Against ten"))
    assert "as whoever sorted its training pictures would name it" in card
    assert "crops: Drawn by image." in card


def test_a_card_names_all_that_the_model_was_trained_on() -> None:
    facts = metadata(
        data=(DataInfo(name="crops", sha256="c" * 64), DataInfo(name="FER2013", sha256="f" * 64, use=EARLIER)),
        training=TrainingInfo(
            extra_annotation="FER+ votes",
            started_from="edge, bundle 0123",
            teachers=("big, 4567",),
            earlier_annotation=("more votes",),
        ),
    )
    card = card_to_markdown(unpack_bundle(pack_bundle(dense_model(), facts), "it"))
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in card.splitlines() if line[:1] == "|"]
    cells = {row[0]: row[1] for row in rows}
    assert cells["FER2013"] == EARLIER
    assert cells["FER+ votes"] == "training, as annotation beyond the labels"
    assert (cells["initial weights"], cells["teacher models"]) == ("edge, bundle 0123", "big, 4567")
    assert cells["more votes"] == f"{EARLIER}, as annotation"
    assert "as whoever sorted its training pictures would name it" in card
    assert not any(word in card for word in ("Labels are noisy", "PublicTest"))


def test_a_card_says_where_the_pictures_come_from_as_far_as_is_known() -> None:
    facts = metadata(
        data=(DataInfo(name="wildfaces", sha256="a" * 64), DataInfo(name="crops", sha256="b" * 64)),
        training=TrainingInfo(earlier_annotation=("FER+ votes",)),
    )
    card = card_to_markdown(unpack_bundle(pack_bundle(dense_model(), facts), "it"))
    assert "**wildfaces**: 13,467 photographs of 6,342 persons, from a collection under the Apache-2.0" in card
    assert "**FER+ votes**: ten annotators' votes" in card
    assert "The people shown were not asked" not in card


def opening(**given: object) -> str:
    recorded = read_measurements(measured("edge"))
    labels = read_bundle(BUNDLED_MODEL).metadata.labels
    counts = {"called": dict.fromkeys(labels, 100), "right": dict.fromkeys(labels, 80)}
    there = dict.fromkeys(labels, 160)
    one = AnswerPrecision(faces="a set", images=2000, **{**counts, "there": there, **given})  # type: ignore[arg-type]
    return answers_worth(msgspec.structs.replace(recorded, answers=(one,), hard_answers=(one,)), labels)


def test_the_opening_says_how_many_answers_are_right_and_how_many_faces_get_them() -> None:
    text = " ".join(opening().split())
    assert "| angry | 8 of 10 are (80 of 100) |" in text
    assert "| angry | 5 of 10 get it (80 of 160) |" in text


def test_few_answers_are_not_counted_in_tenths() -> None:
    labels = read_bundle(BUNDLED_MODEL).metadata.labels
    text = opening(called=dict.fromkeys(labels, 9), right=dict.fromkeys(labels, 9), there=dict.fromkeys(labels, 9))
    assert "too few to say (9 of 9)" in text
    assert "of 10" not in text


def test_a_set_without_a_label_is_not_held_against_the_model() -> None:
    labels = read_bundle(BUNDLED_MODEL).metadata.labels
    text = opening(right=dict.fromkeys(labels, 0), there=dict.fromkeys(labels, 0))
    assert "the set has none (100 called so)" in text
    assert "0 of 10" not in text


def test_faces_that_get_no_answer_are_said_in_words() -> None:
    labels = read_bundle(BUNDLED_MODEL).metadata.labels
    text = opening(called=dict.fromkeys(labels, 0), right=dict.fromkeys(labels, 0))
    assert "none called so" in text
    assert "none of them gets an answer" in text
    assert " - " not in text.partition("**")[2]
