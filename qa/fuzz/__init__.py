"""Fuzzing of everything that reads what others wrote: ``python -m qa.fuzz all --seconds 60``.

A reader may refuse its input with an error of its own. Anything else that it raises, and every input that takes long or
much memory, is a fault. The inputs found so far that reach new code are in ``corpus``, and are small.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

CORPUS: Final = Path(__file__).parent / "corpus"
