"""Whether the parts of a bundle are well-formed, and fit each other and this device."""

from __future__ import annotations

import math

import msgspec

from edge_agent.decoding import UNDECODABLE, decode_json
from edge_agent.errors import ModelError
from edge_agent.model_format.flatbuffer import Interface, Tensor
from edge_agent.model_format.golden import Golden
from edge_agent.model_format.labels import LABELS_WANTED, are_usable
from edge_agent.model_format.metadata import FACE_SIZE, SCHEMA_VERSION, Metadata

METADATA_NAME = "metadata.json"
GOLDEN_NAME = "golden.json"

MAKE_AGAIN = "Make the file again with `python -m export convert`"
_RECORD_AGAIN = "Record golden faces anew with `python -m export golden`"


class _Version(msgspec.Struct):
    schema_version: int


def decode_metadata(text: bytes, name: str) -> Metadata:
    """Metadata of this schema version, with labels that a model may have; ``name`` is what messages call the file.

    Raises:
        ModelError: They are malformed, of another version, or have other labels.
    """
    try:
        version = decode_json(text, _Version).schema_version
        if version != SCHEMA_VERSION:
            older = version < SCHEMA_VERSION
            raise ModelError(
                f"model {name}: schema_version",
                received=version,
                expected=str(SCHEMA_VERSION),
                remedy=MAKE_AGAIN if older else "Update the agent: the model is for a newer one",
            )
        metadata = decode_json(text, Metadata)
    except UNDECODABLE as error:
        raise ModelError(f"model {name}: its {METADATA_NAME}: {error}", remedy=MAKE_AGAIN) from None
    if not are_usable(metadata.labels):
        raise ModelError(
            f"model {name}: labels",
            received=", ".join(map(repr, metadata.labels)),
            expected=LABELS_WANTED,
            remedy=MAKE_AGAIN,
        )
    return metadata


def decode_golden(text: bytes, metadata: Metadata, name: str) -> Golden:
    """Golden faces that can belong to the model that the metadata describe.

    Raises:
        ModelError: They are malformed, or of another shape.
    """
    size = metadata.input.size_px
    try:
        golden = decode_json(text, Golden)
        golden.check_shapes((size, size, metadata.input.channels), len(metadata.labels))
    except (ValueError, *UNDECODABLE) as error:
        raise ModelError(f"model {name}: its {GOLDEN_NAME}: {error}", remedy=_RECORD_AGAIN) from None
    return golden


def check_compatible(interface: Interface, metadata: Metadata, name: str) -> None:
    """Check that a model takes and gives what its metadata say.

    Raises:
        ModelError: It takes or gives something else.
    """

    def refuse(what: str, received: object, expected: object) -> ModelError:
        return ModelError(f"model {name}: {what}", received=received, expected=str(expected), remedy=MAKE_AGAIN)

    if len(interface.inputs) != 1 or len(interface.outputs) != 1:
        raise refuse("inputs and outputs", f"{len(interface.inputs)} and {len(interface.outputs)}", "one of each")
    taken, given = interface.inputs[0], interface.outputs[0]
    spec = metadata.input
    if spec.size_px != FACE_SIZE or (spec.low, spec.high) != (0, 255):
        raise refuse("input spec", f"{spec.size_px} px, levels {spec.low} to {spec.high}", f"{FACE_SIZE} px, 0 to 255")
    shape = (-1, spec.size_px, spec.size_px, spec.channels)
    if taken.shape != shape:
        raise refuse("input shape (-1: any)", taken.shape, shape)
    dtype = "uint8" if metadata.quantization == "int8" else "float32"
    if taken.dtype != dtype:
        raise refuse(f"input type of an {metadata.quantization} model", taken.dtype, dtype)
    if taken.dtype == "uint8" and not _is_raw(taken):
        received = "none" if taken.scale is None else f"scale {taken.scale:g}, zero point {taken.zero_point}"
        raise refuse("input quantization", received, "scale 1, zero point 0; calibrate with faces that span 0 to 255")
    if len(given.shape) != 2 or given.shape[1] != len(metadata.labels):
        raise refuse("labels", f"{len(metadata.labels)} for an output of shape {given.shape}", "one for each output")
    if given.dtype != "float32":
        raise refuse("output type", given.dtype, "float32 logits")


def _is_raw(tensor: Tensor) -> bool:
    return tensor.scale is not None and math.isclose(tensor.scale, 1.0, abs_tol=1e-6) and tensor.zero_point == 0
