"""The models that come with the package, and how settings and commands name a model."""

from __future__ import annotations

from pathlib import Path

_MODELS = Path(__file__).parent.parent / "models"
BUNDLED_MODELS = {"edge": _MODELS / "expression.tflite", "edge-tiny": _MODELS / "expression-tiny.tflite"}
"""By the names that settings and commands take beside paths."""
BUNDLED_MODEL = BUNDLED_MODELS["edge"]
"""The one that is used where none is named."""


def model_path(named: Path | str | None) -> Path:
    """Where the bundle is that somebody named: by a path, by a name of ``BUNDLED_MODELS``, or not at all."""
    return BUNDLED_MODELS.get(str(named), Path(named)) if named else BUNDLED_MODEL
