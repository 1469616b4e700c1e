"""Countries as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.setup.answers import word
from edge_agent.setup.countries import country_code, country_name, country_of_zone


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("CH", "CH"),
        ("ch", "CH"),
        ("Switzerland", "CH"),
        ("schweiz", "CH"),
        ("Indonesia", "ID"),
        ("the Netherlands", "NL"),
        ("United Kingdom", "GB"),
        ("UK", "GB"),
        ("us-ca", "US-CA"),
        ("European Union", "EU"),
        ("Österreich", "AT"),
        ("Paraguay", "PY"),
        ("Burkina Faso", "BF"),
        ("Côte d'Ivoire", "CI"),
        ("Atlantis", "Atlantis"),
    ],
)
def test_a_country_is_understood_by_name_or_code(written: str, code: str) -> None:
    assert country_code(written) == code


def test_time_zones_say_the_country() -> None:
    assert country_of_zone("Europe/Zurich") == "CH"
    assert country_of_zone("Asia/Jakarta") == "ID"
    assert country_of_zone("UTC") == country_of_zone("") == ""
    assert country_name("CH") == "Switzerland"


def test_a_system_without_time_zone_data_knows_the_usual_countries(tmp_path: Path) -> None:
    assert country_code("Germany", tmp_path) == "DE"
    assert country_of_zone("Europe/Zurich", tmp_path) == country_name("CH", tmp_path) == ""


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("Frankreich", "FR"),
        ("Großbritannien", "GB"),
        ("Spanien", "ES"),
        ("Alemania", "DE"),
        ("Suiza", "CH"),
        ("États-Unis", "US"),
        ("Pays-Bas", "NL"),
        ("Royaume-Uni", "GB"),
        ("Jerman", "DE"),
        ("Amerika Serikat", "US"),
        ("Belanda", "NL"),
        ("California", "US-CA"),
        ("Uni Eropa", "EU"),
    ],
)
def test_countries_are_known_in_the_languages_of_the_page(written: str, code: str) -> None:
    assert country_code(written) == code


@pytest.mark.parametrize(
    ("written", "setting"),
    [("sekolah", "education"), ("at home", "home"), ("Büro", "workplace"), ("école", "education")],
)
def test_settings_are_known_in_the_languages_of_the_page(written: str, setting: str) -> None:
    assert word("setting", written) == setting
