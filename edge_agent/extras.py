"""What the package's extras bring, and what to say where one is missing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from edge_agent.errors import InputError

_PROJECT: Final = "classroom-edge-agent"
_DEVICE: Final = ("numpy", "cv2", "ai_edge_litert")
_DASHBOARD: Final = (
    "starlette",
    "uvicorn",
    "jinja2",
    "babel",
    "argon2",
    "sqlalchemy",
    "matplotlib",
    "icalendar",
    "recurring_ical_events",
)
_MODULES_OF: Final = {
    "device": _DEVICE,
    "fleet": ("cryptography",),
    "dashboard": _DASHBOARD,
    "demo": (*_DEVICE, *_DASHBOARD, "amqtt"),
    "postgresql": (*_DASHBOARD, "psycopg"),
    "parquet": (*_DASHBOARD, "arro3"),
    "notice": ("fpdf",),
    "train": (*_DEVICE, "tensorflow", "keras", "matplotlib", "tensorboardX"),
    "export": (*_DEVICE, "tensorflow", "keras"),
    "onnx": (*_DEVICE, "tensorflow", "keras", "onnx", "onnxruntime", "tf2onnx"),
    "train-jax": (*_DEVICE, "jax", "keras", "matplotlib", "tensorboardX"),
}
"""The extras of pyproject.toml and the modules that they bring."""
_NEWEST_PYTHON: Final = {"ai-edge-litert": (3, 14), "tflite-runtime": (3, 11)}
"""The newest Python for which a package was built when this version was made. The others were built for 3.15 too."""


class MissingExtra(InputError):
    """A command needs a package that an extra of this project brings."""


def missing_extra(error: ModuleNotFoundError, prefer: str = "") -> MissingExtra | None:
    """The error to report where an optional package is missing.

    Args:
        error: What the import raised.
        prefer: The extra to name where several bring the package. Else it is the smallest.

    Returns:
        The error with its remedy; ``None`` where no extra brings the module, which is then a bug of ours.
    """
    module = (error.name or "").partition(".")[0]
    bringing = [extra for extra, modules in _MODULES_OF.items() if module in modules]
    if not bringing:
        return None
    extra = prefer if prefer in bringing else bringing[0]
    return MissingExtra(f"the package {module} is not installed", remedy=how_to_install(extra))


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Around imports: where a package is missing, name this extra.

    Raises:
        MissingExtra: A package of the extra is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = missing_extra(error, extra)
        if missing is None:
            raise
        raise missing from None


def how_to_install(extra: str, python: tuple[int, int] = sys.version_info[:2]) -> str:
    """What to type for an extra, in a checkout and from a wheel, and what may be missing for this Python."""
    typed = (
        f"Install the extra {extra}: in a checkout pip install -e '.[{extra}]', "
        f"from a wheel pip install '{_PROJECT}[{extra}]'"
    )
    packages = (module.replace("_", "-") for module in _MODULES_OF[extra])
    return ". ".join(filter(None, (typed, *(missing_build(package, python) for package in packages))))


def missing_build(package: str, python: tuple[int, int] = sys.version_info[:2]) -> str:
    """Why pip may find no build of a package for this Python; empty where it will find one.

    Args:
        package: By its name at the package index.
        python: Major and minor version.
    """
    newest = _NEWEST_PYTHON.get(package, python)
    if python <= newest:
        return ""
    known, this = (".".join(map(str, version)) for version in (newest, python))
    return f"{package} is built for Python up to {known}, and this is {this}. If pip finds none, use Python {known}"
