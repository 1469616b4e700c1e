"""The model bundle: one file that holds a TFLite model and all that must travel with it.

The ``.tflite`` FlatBuffer comes first, a zip archive with ``metadata.json`` and ``golden.json`` behind it.
Interpreters ignore the tail, any unzip reads it: ``unzip -p model.tflite metadata.json``. A model is named by the
sha256 of the whole file.
"""

from __future__ import annotations

import hashlib
import io
import math
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge_agent.errors import UNDECODABLE, ModelError
from edge_agent.files import replace_file
from edge_agent.model_format.crop import FACE_SIZE
from edge_agent.model_format.flatbuffer import IDENTIFIER, Interface, Tensor, read_interface
from edge_agent.model_format.golden import Golden
from edge_agent.model_format.labels import LABELS_WANTED, are_usable
from edge_agent.model_format.metadata import SCHEMA_VERSION, Metadata

METADATA_NAME = "metadata.json"
GOLDEN_NAME = "golden.json"
MODEL_ID_LENGTH = 12

_END, _END_BYTES = b"PK\x05\x06", 22
"""What an archive without a comment ends with."""

_MAKE_IT_AGAIN = "Make the file again with `python -m export convert`"
_RECORD_AGAIN = "Record golden faces anew with `python -m export golden`"
_COPY_IT_AGAIN = "Copy the file again from where it was made"


@dataclass(frozen=True)
class Bundle:
    """A checked model with its metadata.

    Attributes:
        flatbuffer: The TFLite model alone.
        metadata: What travels with it.
        sha256: Of the whole file, 64 hex digits.
        size_bytes: Of the whole file.
        golden: Drawn faces with the model's answers; ``None`` where none were recorded.
        output_step: Value of one step of an int8 model's output, ``None`` for float models.
    """

    flatbuffer: bytes
    metadata: Metadata
    sha256: str
    size_bytes: int
    golden: Golden | None = None
    output_step: float | None = None

    @property
    def model_id(self) -> str:
        """What every event calls the model: the first 12 hex digits of the file's sha256."""
        return self.sha256[:MODEL_ID_LENGTH]


def read_bundle(path: Path | str) -> Bundle:
    """Read a bundle and check that model and metadata fit each other and this device.

    Raises:
        ModelError: The file is missing, cut short, damaged, no TFLite model, without metadata, of another schema
            version, or its model takes or gives something else than its metadata says.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"model {path}: no such file", remedy="Check the path of the model") from None
    except OSError as error:
        raise ModelError(
            f"model {path}: cannot be read: {error.strerror}", remedy="Check the path of the model"
        ) from None
    return unpack_bundle(content, str(path))


def write_bundle(path: Path | str, flatbuffer: bytes, metadata: Metadata, golden: Golden | None = None) -> Bundle:
    """Write a bundle, whole or not at all, and give it back as a reader will see it.

    Raises:
        ModelError: Model and metadata do not fit each other, or the file cannot be written.
    """
    path = Path(path)
    content = pack_bundle(flatbuffer, metadata, golden)
    bundle = unpack_bundle(content, str(path))
    try:
        replace_file(path, content)
    except OSError as error:
        raise ModelError(f"model {path}: cannot be written: {error.strerror}", remedy="Choose another place") from None
    return bundle


def pack_bundle(flatbuffer: bytes, metadata: Metadata, golden: Golden | None = None) -> bytes:
    """The bytes of a bundle. Equal parts give equal bytes: the archive has no clock and no compression."""
    metadata = msgspec.structs.replace(metadata, flatbuffer_sha256=hashlib.sha256(flatbuffer).hexdigest())
    members = {METADATA_NAME: msgspec.json.format(msgspec.json.encode(metadata), indent=2) + b"\n"}
    if golden is not None:
        members[GOLDEN_NAME] = msgspec.json.encode(golden) + b"\n"
    content = io.BytesIO()
    content.write(flatbuffer)
    with zipfile.ZipFile(content, "a", zipfile.ZIP_STORED) as archive:
        for name, text in members.items():
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            member.create_system, member.external_attr = 3, 0o644 << 16
            archive.writestr(member, text)
    return content.getvalue()


def unpack_bundle(content: bytes, name: str) -> Bundle:
    """Take the bytes of a bundle apart and check them; ``name`` is what messages call the file.

    Raises:
        ModelError: As :func:`read_bundle`.
    """
    if content[4:8] != IDENTIFIER:
        received = f"{len(content)} bytes" if len(content) < 8 else f"a file that begins {content[:8]!r}"
        raise ModelError(
            f"model {name}: not a TFLite model",
            received=received,
            expected=f"a file with {IDENTIFIER.decode()} at bytes 4 to 8",
            remedy=_COPY_IT_AGAIN,
        )
    flatbuffer, text, recorded = _take_apart(content, name)
    metadata = _decode(text, name)
    found = hashlib.sha256(flatbuffer).hexdigest()
    if metadata.flatbuffer_sha256 and metadata.flatbuffer_sha256 != found:
        raise ModelError(
            f"model {name}: damaged",
            received=f"weights with sha256 {found[:12]}...",
            expected=f"{metadata.flatbuffer_sha256[:12]}..., as its metadata says",
            remedy=_COPY_IT_AGAIN,
        )
    interface = _interface(flatbuffer, name)
    _check_fit(interface, metadata, name)
    golden = None if recorded is None else _decode_golden(recorded, metadata, name)
    step = interface.output_step
    return Bundle(flatbuffer, metadata, hashlib.sha256(content).hexdigest(), len(content), golden, step)


def _take_apart(content: bytes, name: str) -> tuple[bytes, bytes, bytes | None]:
    """The FlatBuffer, the text of the metadata and that of the golden faces, where there are any."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            boundary = min((member.header_offset for member in archive.infolist()), default=0)
            if archive.comment or content[-_END_BYTES:][:4] != _END:
                raise zipfile.BadZipFile("something follows the end of its archive")
            if any(member.file_size > len(content) for member in archive.infolist()):
                raise zipfile.BadZipFile("a file in its archive would be larger than the bundle itself")
            golden = archive.read(GOLDEN_NAME) if GOLDEN_NAME in archive.namelist() else None
            return content[:boundary], archive.read(METADATA_NAME), golden
    except KeyError:
        pass
    except (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, RuntimeError, ValueError) as error:
        _interface(content, name)
        if b"PK\x03\x04" in content and METADATA_NAME.encode() in content:
            raise ModelError(
                f"model {name}: cut short or damaged at its end: {error}",
                received=f"{len(content)} bytes",
                remedy=_COPY_IT_AGAIN,
            ) from None
    raise ModelError(
        f"model {name}: no metadata",
        received="a bare TFLite model",
        expected=f"one with {METADATA_NAME} behind it, which names labels and temperature",
        remedy=_MAKE_IT_AGAIN,
    )


def _interface(flatbuffer: bytes, name: str) -> Interface:
    try:
        return read_interface(flatbuffer)
    except ValueError as error:
        raise ModelError(
            f"model {name}: cut short or damaged: {error}", received=f"{len(flatbuffer)} bytes", remedy=_COPY_IT_AGAIN
        ) from None


class _Version(msgspec.Struct):
    schema_version: int


def _decode(text: bytes, name: str) -> Metadata:
    try:
        version = msgspec.json.decode(text, type=_Version).schema_version
        if version != SCHEMA_VERSION:
            older = version < SCHEMA_VERSION
            raise ModelError(
                f"model {name}: schema_version",
                received=version,
                expected=str(SCHEMA_VERSION),
                remedy=_MAKE_IT_AGAIN if older else "Update the agent: the model is for a newer one",
            )
        metadata = msgspec.json.decode(text, type=Metadata)
    except UNDECODABLE as error:
        raise ModelError(f"model {name}: its {METADATA_NAME}: {error}", remedy=_MAKE_IT_AGAIN) from None
    if not are_usable(metadata.labels):
        raise ModelError(
            f"model {name}: labels",
            received=", ".join(map(repr, metadata.labels)),
            expected=LABELS_WANTED,
            remedy=_MAKE_IT_AGAIN,
        )
    return metadata


def _decode_golden(text: bytes, metadata: Metadata, name: str) -> Golden:
    size = metadata.input.size_px
    try:
        golden = msgspec.json.decode(text, type=Golden)
        problem = golden.problem((size, size, metadata.input.channels), len(metadata.labels))
    except UNDECODABLE as error:
        problem = str(error)
    if problem:
        raise ModelError(f"model {name}: its {GOLDEN_NAME}: {problem}", remedy=_RECORD_AGAIN)
    return golden


def _check_fit(interface: Interface, metadata: Metadata, name: str) -> None:
    """Refuse a model that takes or gives anything else than its metadata promises."""

    def refuse(what: str, received: object, expected: object) -> ModelError:
        return ModelError(f"model {name}: {what}", received=received, expected=str(expected), remedy=_MAKE_IT_AGAIN)

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


def describe(bundle: Bundle) -> list[tuple[str, str]]:
    """What a person wants to know of a model, as rows of name and value in reading order, without what is not known."""
    facts = bundle.metadata
    run = facts.training
    size = facts.input.size_px
    colours = "gray levels" if facts.input.channels == 1 else "red-green-blue"
    fitted = f", fitted on {facts.temperature_fitted_on}" if facts.temperature_fitted_on else ", not fitted"
    rows = [
        ("name", facts.name),
        ("id", bundle.model_id),
        ("sha256", bundle.sha256),
        ("size", f"{bundle.size_bytes:,} bytes"),
        ("architecture", facts.architecture),
        ("parameters", f"{facts.parameters:,}"),
        ("multiply-accumulates", f"{facts.macs / 1e6:.1f} million a face" if facts.macs is not None else ""),
        ("quantization", facts.quantization),
        ("labels", ", ".join(facts.labels)),
        ("input", f"{size}x{size} {colours}, {facts.input.dtype}, {facts.input.low} to {facts.input.high}"),
        ("temperature", f"{facts.temperature:.4f}{fitted}"),
        ("run", run.run),
        ("recipe", run.recipe),
        ("seed", "" if run.seed is None else str(run.seed)),
        ("code", run.git_revision),
        ("trained", run.finished_at),
        ("begun from", run.started_from),
        ("taught by", ", ".join(run.teachers)),
        ("annotation beyond labels", run.extra_annotation),
        ("learnt before", ", ".join((*run.earlier_annotation, *run.earlier_teachers))),
    ]
    for data in facts.data:
        counts = ", ".join(f"{count:,} {part}" for part, count in data.images.items() if count)
        parts = [data.name, data.protocol, counts, f"sha256 {data.sha256[:12]}", data.note]
        rows.append((f"data for {data.use}", "; ".join(part for part in parts if part)))
    for part, figures in facts.metrics.items():
        rows.append(
            (
                f"on {part}",
                ", ".join(
                    f"{figure} {value:,.0f}" if value >= 10 else f"{figure} {value:.4g}"
                    for figure, value in figures.items()
                ),
            )
        )
    if bundle.golden is not None:
        rows.append(("golden faces", f"{len(bundle.golden.logits)}, drawn"))
    rows += [("licence", facts.licence), ("created", facts.created_at), ("note", facts.note)]
    return [(name, value) for name, value in rows if value]
