"""Names of the expressions, in the order of the models' outputs.

A model's own labels travel in its bundle; these tuples are what the known data sets mean.
"""

from __future__ import annotations

FER2013 = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""Label ``i`` of Kaggle's ``fer2013.csv`` is ``FER2013[i]`` (Goodfellow et al. 2013)."""

CK_PLUS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "contempt")
"""CK+ (Lucey et al. 2010) has no neutral class in its peak frames and adds contempt."""

FER_PLUS = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt")
"""Order of the vote columns of ``fer2013new.csv`` (Barsoum et al. 2016), in this project's spelling."""

_SYNONYMS = {
    "anger": "angry",
    "angriness": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "afraid": "fear",
    "happiness": "happy",
    "joy": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}


def canonical(name: str) -> str:
    """The spelling used throughout for a class name found in the wild: ``"Anger"`` gives ``"angry"``.

    A name that is nobody's synonym comes back in lower case, trimmed: new label sets are welcome.
    """
    plain = name.strip().lower()
    return _SYNONYMS.get(plain, plain)
