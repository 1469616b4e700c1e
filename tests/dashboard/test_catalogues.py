"""Every text of the page is translated, and every catalogue holds the page's texts and no others."""

from __future__ import annotations

import pytest

from dashboard.settings import LANGUAGES
from qa import catalogues

TRANSLATED = [language for language in LANGUAGES if language != catalogues.SOURCE]


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_text_is_without_a_translation(language: str) -> None:
    assert list(catalogues.missing(language)) == [], "python -m qa.catalogues adds new texts to the catalogues"


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_has_no_text_that_the_page_has_no_more(language: str) -> None:
    wanted = {str(message.id) for message in catalogues.texts() if message.id}
    assert {str(message.id) for message in catalogues.catalogue(language) if message.id} - wanted == set()


def test_the_search_for_texts_finds_those_of_templates_and_code() -> None:
    found = {str(message.id) for message in catalogues.texts()}
    assert {"To the content", "Picture is frozen", "the disk does not answer"} <= found
    assert any("people present" in text for text in found)
