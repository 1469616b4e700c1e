"""The languages of the signs and of the draft of the assessment."""

from typing import Final, Literal

from edge_agent.notice.words import (
    assessment_english,
    assessment_french,
    assessment_german,
    assessment_indonesian,
    assessment_spanish,
)
from edge_agent.notice.words.assessment import AssessmentWords
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
ASSESSMENT_WORDS: Final[dict[Language, AssessmentWords]] = {
    "en": assessment_english.ENGLISH,
    "de": assessment_german.GERMAN,
    "fr": assessment_french.FRENCH,
    "es": assessment_spanish.SPANISH,
    "id": assessment_indonesian.INDONESIAN,
}

__all__ = ["ASSESSMENT_WORDS", "WORDS", "AssessmentWords", "Language", "Words"]
