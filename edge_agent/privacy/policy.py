"""May this camera watch these people? What its operator has to declare first, and what is refused.

The check is a pure function of the settings. It checks that the questions were answered and that the answers are
not ones the law forbids outright; whether they are true, and whether all else is in order, is the operator's to answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from edge_agent.addresses.setting_values import shown_value
from edge_agent.config import CameraSettings, PolicySettings
from edge_agent.errors import ConfigError
from edge_agent.privacy.declaration_words import meant

SETTINGS = ("education", "workplace", "healthcare", "research", "home", "public", "other")
"""Where a camera may be declared to hang; a closed list, so that a school cannot be called by another word."""

EXEMPT_BASES = ("medical", "safety")
"""The reasons for which Article 5(1)(f) lets emotions be inferred at workplaces and in education institutions."""

AI_ACT = "Art. 5(1)(f) of Regulation (EU) 2024/1689 (AI Act)"


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


_EU = _codes("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK")
_EU_ELSEWHERE = _codes("AX GF GP MF MQ RE YT")
"""Parts of France and Finland that have country codes of their own; the Union's law holds there (Art. 355 TFEU)."""
_EEA = _EU | _EU_ELSEWHERE | _codes("IS LI NO EU EEA")
_OTHER_NAMES = {"EL": "GR", "UK": "GB"}
_COUNTRIES = _codes(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA
    CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA
    GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP
    KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS
    MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS
    RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW
    TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
    """
)
"""ISO 3166-1 alpha-2. A code outside it is a slip of the pen, and could hide a country in which more is forbidden."""

_PARTS = {
    "AT": _codes("1 2 3 4 5 6 7 8 9"),
    "AU": _codes("ACT NSW NT QLD SA TAS VIC WA"),
    "CA": _codes("AB BC MB NB NL NS NT NU ON PE QC SK YT"),
    "CH": _codes("AG AI AR BE BL BS FR GE GL GR JU LU NE NW OW SG SH SO SZ TG TI UR VD VS ZG ZH"),
    "DE": _codes("BB BE BW BY HB HE HH MV NI NW RP SH SL SN ST TH"),
    "US": _codes(
        """
        AK AL AR AS AZ CA CO CT DC DE FL GA GU HI IA ID IL IN KS KY LA MA MD ME MI MN MO MP MS MT NC ND NE NH NJ NM NV
        NY OH OK OR PA PR RI SC SD TN TX UM UT VA VI VT WA WI WV WY
        """
    ),
}
"""ISO 3166-2 of the countries whose parts are declared most. Of others any part is taken."""

_PLACE = re.compile(r"(?P<country>[A-Z]{2})(?:-(?P<part>[A-Z0-9]{1,3}))?|EEA")
_WORDS = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_MAX_BASIS_LENGTH, _MAX_NAME_LENGTH = 40, 200

_HOW_TO_WRITE = {
    "jurisdiction": "country code, EU or EEA",
    "setting": " | ".join(SETTINGS),
    "legal_basis": "consent | public_task | medical | safety | ...",
    "declared_by": "name and office",
}


@dataclass(frozen=True, slots=True)
class Declaration:
    """What the operator has declared, spelt in one way.

    Attributes:
        jurisdiction: ``DE``, ``US-CA``, ``EU``, ``EEA``: capitals.
        setting: One of :data:`SETTINGS`.
        legal_basis: Small letters, digits and underscores.
        declared_by: Who answers for it.
    """

    jurisdiction: str
    setting: str
    legal_basis: str
    declared_by: str


def permit(camera: CameraSettings, policy: PolicySettings, where: str = "") -> Declaration | None:
    """What has been declared, where the camera may start.

    Args:
        camera: Which camera. Simulations and files may always start.
        policy: The declaration as it was written.
        where: The file it stands in, for the message.

    Returns:
        The declaration; ``None`` where none is needed and none stands that would permit a live camera.

    Raises:
        ConfigError: The camera is live, and the declaration is missing, incomplete, not understood or of something that
            the law forbids.
    """
    subject = _subject(where)
    try:
        return _check(camera.source, policy, subject)
    except ConfigError:
        if camera.live:
            raise
        return None


def _subject(where: str) -> str:
    return f"{where}: $.policy" if where else "$.policy"


def in_eea(jurisdiction: str) -> bool:
    """Whether a declared jurisdiction is in the European Union or the European Economic Area."""
    return jurisdiction.partition("-")[0] in _EEA


def _quoted(name: str, text: str) -> str:
    """A word of the declaration for a message; an address that got there is not quoted."""
    shown = shown_value(text, f"$.policy.{name}")
    return f'"{text}"' if shown == repr(text) else shown


def check_answers(policy: PolicySettings, where: str = "") -> None:
    """Refuse an answer that is not understood. One that is missing is fine, since a simulation needs no declaration.

    Args:
        policy: The declaration as it was written.
        where: The file it stands in, for the message.

    Raises:
        ConfigError: There is such an answer.
    """
    written = _written(policy)
    wrong = {name: text for name, text in written.items() if text and understood(name, text) is None}
    if wrong:
        raise ConfigError(
            _subject(where),
            received=", ".join(f"{name} {_quoted(name, text)}" for name, text in wrong.items()),
            expected="a declaration that is understood, or none",
            remedy=f"Write in the table [policy]: {_how_to_write(wrong)}. docs/privacy.md explains them",
        )


def _written(policy: PolicySettings) -> dict[str, str]:
    """The answers as they were written, but for blanks."""
    return {name: " ".join(getattr(policy, name).split()) for name in _HOW_TO_WRITE}


def _how_to_write(wrong: Mapping[str, str]) -> str:
    """Lines of the table, for answers that are not understood: what is probably meant, or how it is written."""
    wanted = {name: meant(name, text) or f"<{_HOW_TO_WRITE[name]}>" for name, text in wrong.items()}
    return ", ".join(f'{name} = "{word}"' for name, word in wanted.items())


def _check(source: str, policy: PolicySettings, subject: str) -> Declaration:
    written = _written(policy)
    answers = {name: understood(name, text) for name, text in written.items()}
    open_questions = [name for name, value in answers.items() if value is None]
    if open_questions:
        found = [f"{name} {_quoted(name, written[name])}" if written[name] else f"no {name}" for name in open_questions]
        lines = _how_to_write({name: written[name] for name in open_questions})
        raise ConfigError(
            subject,
            received=", ".join(found),
            expected=f"the operator's declaration before a live camera ({source}) starts",
            remedy=f"Write in the table [policy]: {lines}. docs/privacy.md explains them",
        )
    declared = Declaration(**{name: value for name, value in answers.items() if value is not None})
    forbidden = in_eea(declared.jurisdiction) and declared.setting in ("education", "workplace")
    if forbidden and declared.legal_basis not in EXEMPT_BASES:
        raise ConfigError(
            f"{subject}: a live camera ({source}) does not start",
            received=f'setting "{declared.setting}" in {declared.jurisdiction} on the basis "{declared.legal_basis}"',
            expected=f"the basis {' or '.join(EXEMPT_BASES)}, since {AI_ACT} prohibits inferring emotions "
            "at workplaces and in education institutions for other reasons",
            remedy="Do not use it there; a simulation or a file needs no declaration",
        )
    return declared


def understood(question: str, written: str) -> str | None:
    """An answer of the declaration in its one spelling; ``None`` where it is not understood.

    Args:
        question: A key of :class:`Declaration`.
        written: What the operator wrote.
    """
    readers = {"jurisdiction": _place, "setting": _setting, "legal_basis": _basis, "declared_by": _name}
    return readers[question](" ".join(written.split()))


# Each gives an answer in its one spelling, or None where it is not understood.


def _place(text: str) -> str | None:
    code = text.upper()
    code = _OTHER_NAMES.get(code[:2], code[:2]) + code[2:]
    matched = _PLACE.fullmatch(code)
    country = matched["country"] if matched else None
    known = matched is not None and (country is None or country in _COUNTRIES or code == "EU")
    part = matched["part"] if matched else None
    there = part is None or country not in _PARTS or part in _PARTS[country]
    return code if known and there else None


def _setting(text: str) -> str | None:
    return text.casefold() if text.casefold() in SETTINGS else None


def _basis(text: str) -> str | None:
    words = re.sub(r"[ _-]+", "_", text.casefold())
    return words if len(words) <= _MAX_BASIS_LENGTH and _WORDS.fullmatch(words) else None


def _name(text: str) -> str | None:
    return text if len(text) <= _MAX_NAME_LENGTH and text.isprintable() and any(map(str.isalpha, text)) else None
