"""Just enough of TFLite's file format to check a model without a runtime: its inputs, its outputs, its wholeness.

The format is a FlatBuffer (https://flatbuffers.dev/internals): a table starts with a signed distance back to its
vtable, which lists where each field lies; everything else is reached by unsigned distances forward. Field numbers are
those of TensorFlow Lite's ``schema.fbs``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

IDENTIFIER = b"TFL3"
"""Bytes 4 to 8 of every TFLite model."""

_TYPE_NAMES = {0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 7: "int16", 9: "int8"}
_ONE_BYTE = (3, 9)


@dataclass(frozen=True)
class Tensor:
    """What a model takes or gives.

    Attributes:
        shape: One number a dimension, -1 where any size goes.
        dtype: NumPy's name of the element type.
        scale: Value of one quantization step; None where values are not quantized.
        zero_point: The quantized number that stands for 0.
    """

    shape: tuple[int, ...]
    dtype: str
    scale: float | None
    zero_point: int


@dataclass(frozen=True)
class Interface:
    """The outside of a model.

    Attributes:
        inputs: What it takes.
        outputs: What it gives.
        output_step: Where the first output is dequantized from integers, the value of one of them; else ``None``.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    output_step: float | None = None


def read_interface(model: bytes) -> Interface:
    """Inputs and outputs of a TFLite model, after a check that every weight it names lies inside the file.

    Raises:
        ValueError: The bytes are no TFLite model, or not all of it.
    """
    if model[4:8] != IDENTIFIER:
        raise ValueError(f"its identifier is {bytes(model[4:8])!r}, not {IDENTIFIER!r}")
    try:
        root = _Table(model, _unpack(model, "<I", 0))
        for buffer in root.tables(4):
            buffer.check_bytes(0)
        graphs = root.tables(2)
        if not graphs:
            raise ValueError("it holds no graph")
        tensors = graphs[0].tables(0)
        named = [tuple(_tensor(tensors[index]) for index in graphs[0].integers(field)) for field in (1, 2)]
        step = _output_step(graphs[0], tensors)
    except (struct.error, IndexError) as error:
        raise ValueError(f"it points outside of itself: {error}") from None
    return Interface(named[0], named[1], step)


def _output_step(graph: _Table, tensors: list[_Table]) -> float | None:
    """The scale of the integers from which the operator that gives the first output makes floats."""
    outputs = graph.integers(2)
    for operator in graph.tables(3):
        taken, given = operator.integers(1), operator.integers(2)
        if outputs and len(taken) == 1 and given == outputs[:1]:
            source = tensors[taken[0]]
            return _tensor(source).scale if source.byte(1) in _ONE_BYTE else None
    return None


def _tensor(table: _Table) -> Tensor:
    code = table.byte(1)
    if code not in _TYPE_NAMES:
        raise ValueError(f"it has a tensor of unknown type {code}")
    quantization = table.table(4)
    scales = quantization.floats(2) if quantization else ()
    zero_points = quantization.long_integers(3) if quantization else ()
    return Tensor(
        shape=table.integers(7) or table.integers(0),
        dtype=_TYPE_NAMES[code],
        scale=scales[0] if scales else None,
        zero_point=zero_points[0] if zero_points else 0,
    )


class _Table:
    """One table of a FlatBuffer. Absent fields read as zero, None or empty."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data, self._position = data, position
        self._vtable = position - _unpack(data, "<i", position)
        self._vtable_size = _unpack(data, "<H", self._vtable)

    def byte(self, field: int) -> int:
        at = self._at(field)
        return _unpack(self._data, "<b", at) if at else 0

    def table(self, field: int) -> _Table | None:
        at = self._at(field)
        return _Table(self._data, at + _unpack(self._data, "<I", at)) if at else None

    def tables(self, field: int) -> list[_Table]:
        start, count = self._vector(field, 4)
        places = range(start, start + 4 * count, 4)
        return [_Table(self._data, place + _unpack(self._data, "<I", place)) for place in places]

    def check_bytes(self, field: int) -> None:
        """Check that a vector of bytes lies inside the file."""
        self._vector(field, 1)

    def integers(self, field: int) -> tuple[int, ...]:
        return self._numbers(field, "i", 4)

    def long_integers(self, field: int) -> tuple[int, ...]:
        return self._numbers(field, "q", 8)

    def floats(self, field: int) -> tuple[float, ...]:
        return self._numbers(field, "f", 4)

    def _numbers(self, field: int, code: str, item_size: int) -> tuple[Any, ...]:
        start, count = self._vector(field, item_size)
        return struct.unpack_from(f"<{count}{code}", self._data, start) if count else ()

    def _at(self, field: int) -> int:
        entry = 4 + 2 * field
        if entry + 2 > self._vtable_size:
            return 0
        distance = _unpack(self._data, "<H", self._vtable + entry)
        return self._position + distance if distance else 0

    def _vector(self, field: int, item_size: int) -> tuple[int, int]:
        at = self._at(field)
        if not at:
            return 0, 0
        at += _unpack(self._data, "<I", at)
        count = _unpack(self._data, "<I", at)
        if at + 4 + count * item_size > len(self._data):
            raise IndexError(f"byte {at + 4 + count * item_size} of {len(self._data)}")
        return at + 4, count


def _unpack(data: bytes, kind: str, at: int) -> int:
    if at < 0:
        raise IndexError(f"byte {at}")
    return int(struct.unpack_from(kind, data, at)[0])
