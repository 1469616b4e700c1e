"""Names of the expressions, in the order of the models' outputs.

A model's own labels travel in its bundle; these tuples are what the known data sets mean.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

FER2013 = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""Label ``i`` of Kaggle's ``fer2013.csv`` is ``FER2013[i]`` (Goodfellow et al. 2013)."""

CK_PLUS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "contempt")
"""CK+ (Lucey et al. 2010) has no neutral class in its peak frames and adds contempt."""

FER_PLUS = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt")
"""Order of the vote columns of ``fer2013new.csv`` (Barsoum et al. 2016), in this project's spelling."""

NEUTRAL = "neutral"
"""The label of a face at rest, in every set that has one."""

UNCERTAIN = "uncertain"
"""What the agent says where the calibrated confidence is under the configured floor. No model may have such a label."""

OTHER = "other"
"""In a summary: all expressions together that are not named, as too few faces hold them.

A model may have such a label. Where single members of a group are protected, it is one of those that are not named.
"""

LABELS_WANTED = f"different, non-empty names, two or more and none of them {UNCERTAIN!r}"
"""What :func:`are_usable` accepts, for error messages."""

_SPELLINGS = {
    "angry": "anger angriness angrily",
    "disgust": "disgusted disgusting disgustful digust disguist",
    "fear": "fearful afraid scared fright frightened",
    "happy": "happiness joy joyful hapiness happyness",
    "sad": "sadness unhappy saddness",
    "surprise": "surprised surprising suprise suprised surprize surprized astonished",
    "neutral": "neutrality natural nuetral netural neutrals",
    "contempt": "contemptuous contemptful",
}
_SYNONYMS = {spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings.split()}

KNOWN_SPELLINGS = {**_SYNONYMS, **{name: name for name in _SPELLINGS}}
"""Every known spelling of the usual eight classes, in lower case, and the class it means."""


def canonical(name: str) -> str:
    """The spelling used throughout for a class name found in the wild: ``"Anger"`` gives ``"angry"``.

    A name that is nobody's synonym comes back in lower case, trimmed, its letters composed as Unicode's NFC has them
    (macOS takes an ``ö`` apart): new label sets are welcome.
    """
    plain = unicodedata.normalize("NFC", name).strip().lower()
    return _SYNONYMS.get(plain, plain)


def are_usable(labels: Sequence[str]) -> bool:
    """Whether a model may have these labels: any set of :data:`LABELS_WANTED`."""
    return len(set(labels)) == len(labels) >= 2 and all(labels) and UNCERTAIN not in labels
