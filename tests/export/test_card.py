"""The model card of a bundle."""

from __future__ import annotations

from pathlib import Path

from edge_agent.contract.bundle import read_bundle
from edge_agent.vision.classifier import BUNDLED_MODEL
from export.card import render_card

COMMITTED = Path(__file__).parents[2] / "docs/model-card.md"


def test_the_committed_card_is_that_of_the_bundled_model() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == render_card(read_bundle(BUNDLED_MODEL)), (
        "docs/model-card.md is out of date: python -m export card edge_agent/models/expression.tflite "
        "--out docs/model-card.md"
    )


def test_a_card_names_the_file_it_is_about_and_its_limits() -> None:
    bundle = read_bundle(BUNDLED_MODEL)
    card = render_card(bundle)
    assert bundle.model_id in card
    assert "No demographic audit" in card
    assert "Art. 5(1)(f)" in card
