"""Which TFLite runtime runs the model: LiteRT, else tflite-runtime, else TensorFlow. One API, three packages."""

from __future__ import annotations

import importlib
import logging
import os
import warnings
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError, ModelError
from edge_agent.extras import missing_build
from edge_agent.vision.native_stderr import without_startup_messages

log = logging.getLogger(__name__)


class Interpreter(Protocol):
    """What all three packages offer."""

    def allocate_tensors(self) -> None: ...
    def resize_tensor_input(self, input_index: int, tensor_size: list[int]) -> None: ...
    def set_tensor(self, tensor_index: int, value: NDArray[Any]) -> None: ...
    def invoke(self) -> None: ...
    def get_tensor(self, tensor_index: int) -> NDArray[Any]: ...
    def get_input_details(self) -> list[dict[str, Any]]: ...
    def get_output_details(self) -> list[dict[str, Any]]: ...


@dataclass(frozen=True)
class OpenInterpreter:
    """A model that has run once.

    Attributes:
        interpreter: Allocated for one face.
        runtime: Name and version of what runs it: ``LiteRT 2.3.0``.
        key: Its name in ``RUNTIMES``.
    """

    interpreter: Interpreter
    runtime: str
    key: str


@dataclass(frozen=True)
class _Package:
    title: str
    module: str
    distribution: str


_PACKAGES = {
    "litert": _Package("LiteRT", "ai_edge_litert.interpreter", "ai-edge-litert"),
    "tflite": _Package("tflite-runtime", "tflite_runtime.interpreter", "tflite-runtime"),
    "tensorflow": _Package("TensorFlow", "tensorflow", "tensorflow"),
}

RUNTIMES = ("auto", *_PACKAGES)
"""What ``open_interpreter`` takes; ``auto`` tries the others in this order."""


def open_interpreter(flatbuffer: bytes, runtime: str = "auto", threads: int = 1) -> OpenInterpreter:
    """Open a TFLite model and run it once: importing a runtime proves nothing about it.

    ``auto`` passes over runtimes that are not installed, and with a warning over those that are installed but broken.

    Args:
        flatbuffer: The model; the caller keeps it alive as long as the interpreter.
        runtime: One of ``RUNTIMES``.
        threads: Threads for one inference.

    Raises:
        InputError: No such runtime, or fewer than one thread.
        ModelError: The runtime asked for, or under ``auto`` every one, is missing or cannot run the model.
    """
    if runtime not in RUNTIMES:
        raise InputError("runtime", received=repr(runtime), expected=f"one of {', '.join(RUNTIMES)}")
    if threads < 1:
        raise InputError("threads", received=threads, expected="1 or more")
    failures = []
    for key, package in _PACKAGES.items():
        if runtime not in ("auto", key):
            continue
        try:
            opened = _open(flatbuffer, package, threads)
        except _NotInstalled:
            if runtime == key:
                raise ModelError(f"runtime {key}: {package.title} is not installed", remedy=_install(package)) from None
        except Exception as error:  # a broken package may raise anything, SystemError included
            reason, remedy = _explain(error, package)
            if runtime == key:
                raise ModelError(f"runtime {key} cannot run the model: {reason}", remedy=remedy) from error
            log.warning("%s is installed but cannot run the model: %s. %s.", package.title, reason, remedy)
            failures.append(f"{package.title}: {reason}")
        else:
            _announce(opened.runtime, threads)
            return opened
    raise ModelError(
        "no runtime can run the model",
        received="; ".join(failures) or "none installed",
        expected="LiteRT, tflite-runtime or TensorFlow",
        remedy=_install(_PACKAGES["litert"]),
    )


def _open(flatbuffer: bytes, package: _Package, threads: int) -> OpenInterpreter:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with without_startup_messages():
        module = _import(package)
        make = module.lite.Interpreter if package.module == "tensorflow" else module.Interpreter
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"\s*Warning: tf\.lite\.Interpreter is deprecated")
            interpreter: Interpreter = make(model_content=flatbuffer, num_threads=threads)
        interpreter.allocate_tensors()
        taken = interpreter.get_input_details()[0]
        interpreter.set_tensor(taken["index"], np.zeros(taken["shape"], taken["dtype"]))
        interpreter.invoke()
        interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    key = next(key for key, known in _PACKAGES.items() if known is package)
    return OpenInterpreter(interpreter, f"{package.title} {_version(package)}".strip(), key)


class _NotInstalled(Exception):
    """The package itself is missing, not something it needs."""


def _import(package: _Package) -> Any:
    try:
        return importlib.import_module(package.module)
    except ModuleNotFoundError as error:
        if error.name and f"{package.module}.".startswith(f"{error.name}."):
            raise _NotInstalled from None
        raise


def _version(package: _Package) -> str:
    try:
        return version(package.distribution)
    except PackageNotFoundError:
        return ""


def _install(package: _Package) -> str:
    typed = f"Install it with `pip install {package.distribution}`"
    return ". ".join(filter(None, (typed, missing_build(package.distribution))))


def _explain(error: Exception, package: _Package) -> tuple[str, str]:
    """Why a package failed and what helps."""
    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    if any("_ARRAY_API" in str(link) or "multiarray failed to import" in str(link) for link in chain):
        return (
            f"it was built for NumPy 1 and NumPy {np.__version__} is installed",
            f'Install `"numpy<2"` beside it, or `{_PACKAGES["litert"].distribution}` in its place',
        )
    text = str(chain[-1]).strip() or type(chain[-1]).__name__
    return text, f"Reinstall it with `pip install --force-reinstall {package.distribution}`, or check the model"


@lru_cache(maxsize=len(_PACKAGES))
def _announce(runtime: str, threads: int) -> None:
    log.info("inference runs on %s with %d thread%s", runtime, threads, "" if threads == 1 else "s")
