"""The reader of TFLite's file format: it agrees with the runtime and survives any bytes."""

from __future__ import annotations

from contextlib import suppress

import pytest
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.model_format.flatbuffer import Tensor, read_interface
from tests.support.tflite_models import dense_model

MODEL = dense_model()


def test_inputs_and_outputs_are_read() -> None:
    interface = read_interface(MODEL)

    assert interface.inputs == (Tensor(shape=(-1, 48, 48, 1), dtype="uint8", scale=1.0, zero_point=0),)
    assert interface.outputs == (Tensor(shape=(-1, 7), dtype="float32", scale=None, zero_point=0),)


def test_the_runtime_sees_the_same() -> None:
    seen = Interpreter(model_content=MODEL).get_input_details()[0]

    taken = read_interface(MODEL).inputs[0]

    assert taken.shape == tuple(seen["shape_signature"])
    assert taken.dtype == seen["dtype"].__name__
    assert (taken.scale, taken.zero_point) == seen["quantization"]


def test_a_fixed_shape_is_read_where_no_signature_is() -> None:
    assert read_interface(dense_model(shape=(1, 48, 48, 1))).inputs[0].shape == (1, 48, 48, 1)


@settings(max_examples=150, deadline=None)
@given(start=st.integers(0, len(MODEL)), junk=st.binary(min_size=1, max_size=64))
def test_no_bytes_crash_it(start: int, junk: bytes) -> None:
    damaged = (MODEL[:start] + junk + MODEL[start + len(junk) :])[: len(MODEL)]
    with suppress(ValueError):
        assert read_interface(damaged).inputs is not None


def test_a_model_cut_short_is_noticed() -> None:
    with pytest.raises(ValueError, match="points outside of itself"):
        read_interface(MODEL[:-1000])
