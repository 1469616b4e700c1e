"""What the class names of a data set mean: one vocabulary for folders, tables and lists.

Names are read by the usual spellings. Numbers mean something else in each data set, so somebody must say which it is.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge_agent.config_file import load_toml
from edge_agent.errors import InputError
from edge_agent.model_format.labels import FER2013, KNOWN_SPELLINGS, canonical

log = logging.getLogger(__name__)

AFFECTNET = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt")
"""Class ``i`` of AffectNet (Mollahosseini et al. 2017) is ``AFFECTNET[i]``."""

RAFDB = ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral")
"""Class ``i`` of RAF-DB's basic emotions (Li et al. 2017) is ``RAFDB[i - 1]``."""

NUMBERED: dict[str, dict[int, str]] = {
    "rafdb": dict(enumerate(RAFDB, start=1)),
    "affectnet": dict(enumerate(AFFECTNET)),
    "fer2013": dict(enumerate(FER2013)),
}
"""What numbers mean in the data sets that have them."""

_BETWEEN_WORDS = re.compile(r"[\W\d_]+")
_WORDS_FOR_PICTURES = re.compile(
    "(face|image|img|picture|pic|photo|expression|emotion)s?|facial|class|label", re.IGNORECASE
)
"""What stands beside the class in names such as ``happy faces`` and ``class_happy``."""

_LONG_NAMES = ("angry", "disgust", "happy", "surprise", "neutral", "contempt")
"""A name one letter from one of these is meant to be that of an emotion. ``bad`` and ``sad`` may both be meant."""


_NUMBER = re.compile(r"(\d+)(?:\.0*)?")
"""A whole number. Programs that make tables write ``3.0`` where a cell of the column is empty."""

_MAX_DIGITS = 9


@dataclass(frozen=True)
class LabelMap:
    """How class names are read.

    Attributes:
        named: What the user gave with ``--label-map``; empty for nothing.
        numbers: What numbers mean; empty where nobody has said so.
        names: What single names mean, from the user's file.
        option: The option that a message advises to give.
    """

    named: str = ""
    numbers: Mapping[int, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    option: str = field(default="--label-map", compare=False)

    def read(self, found: Iterable[str], where: str, *, of_emotions: bool = False) -> dict[str, str]:
        """The class that each name means. Logs a line on names that are spelled otherwise.

        Args:
            found: The names in the data.
            where: What to call the place in errors and in the log.
            of_emotions: Whether the names are known to be those of emotions. Else one of them must be a known one for
                the others to count as misspelt.

        Raises:
            InputError: A name is a number that nobody has explained or the table lacks, or is nearly a known name.
        """
        names = list(dict.fromkeys(found))
        numbers = [name for name in names if number_of(name) is not None and name not in self.names]
        if numbers and not self.numbers:
            raise InputError(
                where,
                received=f"{_listed(numbers)}, which {'are numbers' if len(numbers) > 1 else 'is a number'}",
                expected=f"names, or {self.option} with the table of the numbers: "
                + "; ".join(f"{name} ({_listed_table(table)})" for name, table in NUMBERED.items()),
                remedy="The tables give the same number different meanings: name one, or a file with your own",
            )
        # Among sides, moods or colours, a name that looks like an emotion's is one of theirs.
        of_emotions = of_emotions or any(map(_is_of_emotion, map(_bare, names)))
        meaning = {name: self._meaning(name, where, of_emotions=of_emotions) for name in names}
        respelled = {name: label for name, label in meaning.items() if name.strip().lower() != label}
        if respelled:
            log.warning("%s: read %s", where, ", ".join(f"{name} as {label}" for name, label in respelled.items()))
        return meaning

    def _meaning(self, name: str, where: str, *, of_emotions: bool) -> str:
        explained = self.names.get(name, self.names.get(name.strip().lower()))
        if explained is not None:
            return canonical(explained)
        plain = canonical(name)
        if (number := number_of(name)) is not None:
            label = self.numbers.get(number)
            if label is None:
                raise InputError(
                    where,
                    received=f"the class {name}",
                    expected=f"{self.named}'s {_listed_table(self.numbers)}",
                    remedy=f"Choose another table with {self.option}, or move the class elsewhere",
                )
            return label
        bare = _bare(plain)
        if bare in KNOWN_SPELLINGS:
            return canonical(bare)
        if of_emotions:
            near = sorted({label for known, label in KNOWN_SPELLINGS.items() if is_one_slip_away(bare, known)})
            if near:
                raise InputError(
                    where,
                    received=f"the class {name!r}: did you mean {' or '.join(near)}?",
                    expected="a known name, or one that is clearly another",
                    remedy=f'Rename it, or say what it means in a file for {self.option}: "{name}" = "{near[0]}", or '
                    f'"{name}" = "{name}" to keep it',
                )
        return plain


NO_LABEL_MAP = LabelMap()

RAFDB_MAP = LabelMap("rafdb", NUMBERED["rafdb"])
"""How RAF-DB is read where it is known to be RAF-DB: copies of it have its numbers for classes."""


def open_label_map(named: str, option: str = "--label-map") -> LabelMap:
    """What ``--label-map`` names: one of :data:`NUMBERED`, or a TOML file of names and their classes.

    Args:
        named: The name; empty where the option is not given.
        option: What the option is called.

    Raises:
        InputError: There is no such table or file.
        ConfigError: The file is malformed.
    """
    if not named:
        return LabelMap(option=option)
    if named.lower() in NUMBERED:
        return LabelMap(named.lower(), NUMBERED[named.lower()], option=option)
    path = Path(named)
    if not path.is_file():
        raise InputError(
            option,
            received=repr(named),
            expected=f"{', '.join(NUMBERED)}, or a TOML file",
            remedy='A file has a line for each class, such as "1" = "surprise"',
        )
    names = load_toml(path, dict[str, str])
    digits = {name for name in names if name.isdecimal() and len(name) <= _MAX_DIGITS}
    numbers = {int(name): canonical(names[name]) for name in sorted(digits)}
    return LabelMap(named, numbers, {**{name.lower(): label for name, label in names.items()}, **names}, option)


def open_label_maps(named: Sequence[str], data_sets: int) -> list[LabelMap]:
    """A label map for each data set: none, the same for all, or one each, in order.

    Raises:
        InputError: Their number is neither one nor that of the data sets, or one of them is not there.
        ConfigError: A file is malformed.
    """
    if len(named) > 1 and len(named) != data_sets:
        raise InputError("--label-map", received=f"{len(named)} of them", expected=f"one, or {data_sets} as of --data")
    maps = [open_label_map(name) for name in named] or [NO_LABEL_MAP]
    return maps if len(maps) == data_sets else maps * data_sets


def number_of(name: str) -> int | None:
    """The number that a class is called by, also one written as ``3.0``; None where it is called by a name."""
    found = _NUMBER.fullmatch(canonical(name))
    return _number(found[1]) if found else None


def is_one_slip_away(name: str, known: str) -> bool:
    """Whether one letter is added, left out or another, or two neighbours are exchanged."""
    if name == known or abs(len(name) - len(known)) > 1 or len(known) < 3:
        return False
    shorter, longer = sorted((name, known), key=len)
    if len(shorter) < len(longer):
        return any(longer[:at] + longer[at + 1 :] == shorter for at in range(len(longer)))
    differing = [at for at in range(len(name)) if name[at] != known[at]]
    if len(differing) == 1:
        return True
    return (
        len(differing) == 2 and name[differing[0]] == known[differing[1]] and name[differing[1]] == known[differing[0]]
    )


def _bare(name: str) -> str:
    """A class name without numbers and words for pictures: ``3_happy``, ``happy (2)`` and ``happy faces`` are happy.

    A name of several other words, such as ``not happy``, is itself.
    """
    plain = canonical(name)
    words = [word for word in _BETWEEN_WORDS.split(plain) if word and not _WORDS_FOR_PICTURES.fullmatch(word)]
    return words[0] if len(words) == 1 else plain


def _is_of_emotion(bare: str) -> bool:
    return bare in KNOWN_SPELLINGS or any(is_one_slip_away(bare, known) for known in _LONG_NAMES)


def _number(digits: str) -> int:
    """The number, or one that no table has: Python refuses to read thousands of digits."""
    return int(digits) if len(digits) <= _MAX_DIGITS else -1


def _listed(names: list[str]) -> str:
    return ", ".join(names[:10]) + (" ..." if len(names) > 10 else "")


def _listed_table(table: Mapping[int, str]) -> str:
    return ", ".join(f"{number} {label}" for number, label in table.items())
