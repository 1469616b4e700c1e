"""Text of generated pages: lines of at most 120 characters."""

from __future__ import annotations

from train.common.markdown import list_item, paragraph

TEXT = "A sentence of some words. " * 20


def test_a_paragraph_is_wrapped_and_loses_no_word() -> None:
    lines = paragraph(TEXT).splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= 120
    assert " ".join(lines) == TEXT.strip()


def test_an_item_of_a_list_is_indented() -> None:
    first, second, *_ = list_item(TEXT).splitlines()
    assert first.startswith("- A sentence")
    assert second.startswith("  ")
    assert not second.startswith("   ")


def test_code_and_links_stay_in_one_line() -> None:
    for piece in ("`python -m train describe fer2013.csv`", "[the model card](model-card.md)"):
        for before in range(90, 121):
            assert piece in paragraph("x" * before + f" {piece} and more")
