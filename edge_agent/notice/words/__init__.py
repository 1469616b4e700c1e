"""The languages of the signs."""

from typing import Final, Literal

from edge_agent.notice.words.catalogue import Words
from edge_agent.notice.words.english import ENGLISH
from edge_agent.notice.words.french import FRENCH
from edge_agent.notice.words.german import GERMAN
from edge_agent.notice.words.indonesian import INDONESIAN
from edge_agent.notice.words.spanish import SPANISH

Language = Literal["en", "de", "fr", "es", "id"]

WORDS: Final[dict[Language, Words]] = {
    "en": ENGLISH,
    "de": GERMAN,
    "fr": FRENCH,
    "es": SPANISH,
    "id": INDONESIAN,
}

__all__ = ["WORDS", "Language", "Words"]
