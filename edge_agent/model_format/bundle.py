"""The model bundle: one file that holds a TFLite model and all that must travel with it.

The ``.tflite`` FlatBuffer comes first, a zip archive with ``metadata.json`` and ``golden.json`` behind it.
Interpreters ignore the tail, any unzip reads it: ``unzip -p model.tflite metadata.json``. A model is named by the
sha256 of the whole file.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge_agent.errors import ModelError
from edge_agent.files import replace_file
from edge_agent.model_format.compatibility import (
    GOLDEN_NAME,
    MAKE_AGAIN,
    METADATA_NAME,
    check_compatible,
    decode_golden,
    decode_metadata,
)
from edge_agent.model_format.flatbuffer import IDENTIFIER, Interface, read_interface
from edge_agent.model_format.golden import Golden
from edge_agent.model_format.metadata import Metadata
from edge_agent.model_format.other_formats import how_to_get_a_bundle, other_folder, other_format
from edge_agent.rights import denied_read

MODEL_ID_LENGTH = 12

COPY_AGAIN = "Copy the file again from where it was made"

_END, _END_BYTES = b"PK\x05\x06", 22
"""What an archive without a comment ends with."""


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
        if other := other_folder(path):
            raise ModelError(
                f"model {path}", received=other, expected="a model bundle", remedy=how_to_get_a_bundle(other)
            ) from None
        words, remedy = denied_read(path, error)
        raise ModelError(
            f"model {path}: cannot be read: {words}", remedy=remedy or "Check the path of the model"
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
    """Split the bytes of a bundle into its parts and check them; ``name`` is what messages call the file.

    Raises:
        ModelError: As :func:`read_bundle`.
    """
    if content[4:8] != IDENTIFIER:
        other = other_format(content)
        received = f"{len(content)} bytes" if len(content) < 8 else f"a file that begins {content[:8]!r}"
        raise ModelError(
            f"model {name}: not a TFLite model",
            received=other or received,
            expected=f"a file with {IDENTIFIER.decode()} at bytes 4 to 8",
            remedy=how_to_get_a_bundle(other) if other else COPY_AGAIN,
        )
    flatbuffer, text, recorded = _split(content, name)
    metadata = decode_metadata(text, name)
    found = hashlib.sha256(flatbuffer).hexdigest()
    if metadata.flatbuffer_sha256 and metadata.flatbuffer_sha256 != found:
        raise ModelError(
            f"model {name}: damaged",
            received=f"weights with sha256 {found[:12]}...",
            expected=f"{metadata.flatbuffer_sha256[:12]}..., as its metadata says",
            remedy=COPY_AGAIN,
        )
    interface = _interface(flatbuffer, name)
    check_compatible(interface, metadata, name)
    golden = None if recorded is None else decode_golden(recorded, metadata, name)
    step = interface.output_step
    return Bundle(flatbuffer, metadata, hashlib.sha256(content).hexdigest(), len(content), golden, step)


def _split(content: bytes, name: str) -> tuple[bytes, bytes, bytes | None]:
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
                remedy=COPY_AGAIN,
            ) from None
    raise ModelError(
        f"model {name}: no metadata",
        received="a bare TFLite model",
        expected=f"one with {METADATA_NAME} behind it, which names labels and temperature",
        remedy=MAKE_AGAIN,
    )


def _interface(flatbuffer: bytes, name: str) -> Interface:
    try:
        return read_interface(flatbuffer)
    except ValueError as error:
        raise ModelError(
            f"model {name}: cut short or damaged: {error}", received=f"{len(flatbuffer)} bytes", remedy=COPY_AGAIN
        ) from None
