"""The model bundle: what is written is read, and what does not fit is refused in words a user can act on."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.errors import ModelError
from edge_agent.model_format.bundle import Bundle, pack_bundle, read_bundle, unpack_bundle, write_bundle
from edge_agent.model_format.description import describe
from edge_agent.model_format.metadata import DataInfo, InputSpec, Metadata, TrainingInfo
from tests.support.tflite_models import dense_model, dense_weights, metadata

MODEL = dense_model()
FULL = metadata(
    macs=16_128,
    temperature=1.37,
    temperature_fitted_on="validation",
    training=TrainingInfo(
        run="edge", git_revision="abc", recipe="edge", seed=1, finished_at="2026-01-02T03:04:05+00:00"
    ),
    data=(DataInfo(name="FER2013", sha256="f" * 64, protocol="fer2013-official", images={"train": 9, "test": 0}),),
    metrics={"validation": {"accuracy": 0.66}},
    licence="MIT",
    created_at="2026-01-03T00:00:00+00:00",
    note="made for a test",
)


@pytest.fixture(scope="module")
def content() -> bytes:
    return pack_bundle(MODEL, FULL)


def rewritten(content: bytes, **changes: object) -> bytes:
    """The bundle with other metadata than the writer would write; a change to None removes the field."""
    bundle = unpack_bundle(content, "it")
    facts = {**json.loads(msgspec.json.encode(bundle.metadata)), **changes}
    return with_metadata(bundle.flatbuffer, json.dumps({key: v for key, v in facts.items() if v is not None}).encode())


def with_metadata(flatbuffer: bytes, text: bytes, name: str = "metadata.json") -> bytes:
    file = io.BytesIO()
    file.write(flatbuffer)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(name, text)
    return file.getvalue()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    written = write_bundle(tmp_path / "new" / "model.tflite", MODEL, FULL)

    read = read_bundle(tmp_path / "new" / "model.tflite")

    assert read == written
    assert read.flatbuffer == MODEL
    assert msgspec.structs.replace(read.metadata, flatbuffer_sha256="") == FULL


def test_any_unzip_reads_the_metadata(tmp_path: Path) -> None:
    write_bundle(tmp_path / "model.tflite", MODEL, FULL)

    with zipfile.ZipFile(tmp_path / "model.tflite") as archive:
        facts = json.loads(archive.read("metadata.json"))

    assert facts["labels"] == list(FULL.labels)
    assert facts["temperature"] == 1.37


def test_equal_models_give_equal_bytes_and_so_equal_names(tmp_path: Path) -> None:
    one = write_bundle(tmp_path / "one.tflite", MODEL, FULL)
    two = write_bundle(tmp_path / "two.tflite", MODEL, FULL)

    assert (tmp_path / "one.tflite").read_bytes() == (tmp_path / "two.tflite").read_bytes()
    assert one.model_id == two.model_id == one.sha256[:12]


def test_another_temperature_is_another_model(content: bytes) -> None:
    warmer = pack_bundle(MODEL, msgspec.structs.replace(FULL, temperature=1.38))

    assert unpack_bundle(warmer, "warmer").model_id != unpack_bundle(content, "it").model_id


def test_fields_of_later_versions_are_ignored(content: bytes) -> None:
    later = rewritten(
        content, colour_space="linear", input={**json.loads(msgspec.json.encode(InputSpec())), "crop": 0.9}
    )

    assert msgspec.structs.replace(unpack_bundle(later, "it").metadata, flatbuffer_sha256="") == FULL


@pytest.mark.parametrize("bytes_kept", [0, 3, 7, 8, 100, 1000, 30_000, 64_000, -2000, -600, -100, -22, -1])
def test_a_file_cut_short_is_refused(content: bytes, bytes_kept: int) -> None:
    with pytest.raises(ModelError, match=r"model it: (cut short|not a TFLite model)") as refusal:
        unpack_bundle(content[:bytes_kept], "it")

    assert refusal.value.remedy == "Copy the file again from where it was made"


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_refused_or_unharmed_but_never_crashes(content: bytes, data: st.DataObject) -> None:
    damaged = bytearray(content)
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=8)):
        damaged[place] ^= data.draw(st.integers(1, 255))
    try:
        bundle = unpack_bundle(bytes(damaged), "it")
    except ModelError:
        return
    assert bundle.flatbuffer == MODEL


def test_one_flipped_weight_is_noticed(content: bytes) -> None:
    damaged = bytearray(content)
    damaged[40_000] ^= 1

    with pytest.raises(ModelError, match="damaged: got weights with sha256"):
        unpack_bundle(bytes(damaged), "it")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model .*/gone\.tflite: no such file\. Check the path"):
        read_bundle(tmp_path / "gone.tflite")


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read: Is a directory"):
        read_bundle(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a zip archive", b"\x89PNG\r\n\x1a\n" + bytes(64)])
def test_another_kind_of_file_is_refused(content: bytes) -> None:
    with pytest.raises(ModelError, match=r"model it: not a TFLite model: got .*, expected a file with TFL3"):
        unpack_bundle(content, "it")


def test_a_bare_tflite_model_is_refused() -> None:
    with pytest.raises(ModelError, match=r"no metadata: got a bare TFLite model.*Make the file again with"):
        unpack_bundle(MODEL, "it")


def test_an_archive_without_metadata_is_refused() -> None:
    with pytest.raises(ModelError, match="no metadata"):
        unpack_bundle(with_metadata(MODEL, b"happy\nsad\n", name="labels.txt"), "it")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"not json", "its metadata.json: JSON is malformed"),
        (b"\xff\xfe", "its metadata.json"),
        (b"{}", "missing required field `schema_version`"),
        (b'{"schema_version": 1}', "missing required field `name`"),
    ],
)
def test_malformed_metadata_are_refused(text: bytes, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        unpack_bundle(with_metadata(MODEL, text), "it")


def test_a_bundle_for_a_newer_agent_says_so(content: bytes) -> None:
    with pytest.raises(ModelError, match=r"schema_version: got 2, expected 1\. Update the agent"):
        unpack_bundle(rewritten(content, schema_version=2, labels={"changed": "meaning"}), "it")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ["happy", "sad"]}, r"labels: got 2 for an output of shape \(-1, 7\), expected one for each output"),
        ({"labels": ["happy"] * 7}, "expected different, non-empty names"),
        ({"labels": ["happy"]}, "length >= 2"),
        ({"temperature": 0.0}, r"`float` >= 0\.01 - at `\$\.temperature`"),
        ({"quantization": "int4"}, r"Invalid enum value 'int4' - at `\$\.quantization`"),
        ({"quantization": "float32"}, "input type of an float32 model: got uint8, expected float32"),
        ({"input": {"size_px": 64}}, "input spec: got 64 px, levels 0 to 255, expected 48 px, 0 to 255"),
        ({"input": {"high": 1}}, "input spec: got 48 px, levels 0 to 1"),
        ({"input": {"channels": 3}}, r"input shape \(-1: any\): got \(-1, 48, 48, 1\), expected \(-1, 48, 48, 3\)"),
    ],
)
def test_metadata_that_do_not_fit_the_model_are_refused(
    content: bytes, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        unpack_bundle(rewritten(content, **changes), "it")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"scale": 0.941}, "input quantization: got scale 0.941, zero point 0, expected scale 1, zero point 0"),
        ({"zero_point": 3}, "input quantization: got scale 1, zero point 3"),
        ({"scale": None}, "input quantization: got none"),
        ({"shape": (1, 48, 48, 1)}, r"input shape \(-1: any\): got \(1, 48, 48, 1\)"),
        ({"shape": (-1, 1, 48, 48)}, r"input shape \(-1: any\): got \(-1, 1, 48, 48\)"),
        ({"dtype": "int8"}, "input type of an int8 model: got int8, expected uint8"),
        ({"output_dtype": "int8"}, "output type: got int8, expected float32 logits"),
    ],
)
def test_a_model_that_takes_or_gives_something_else_is_refused(model: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        unpack_bundle(pack_bundle(dense_model(**model), FULL), "it")  # type: ignore[arg-type]


def test_a_bundle_that_does_not_fit_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="labels"):
        write_bundle(tmp_path / "model.tflite", dense_model(dense_weights(outputs=5)), FULL)

    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(ModelError, match="cannot be written: File exists"):
        write_bundle(tmp_path / "file" / "model.tflite", MODEL, FULL)


def test_the_description_says_what_a_person_asks(content: bytes) -> None:
    rows = dict(describe(unpack_bundle(content, "it")))

    assert rows["id"] == unpack_bundle(content, "it").model_id
    assert rows["input"] == "48x48 gray levels, uint8, 0 to 255"
    assert rows["temperature"] == "1.3700, fitted on validation"
    assert rows["data for training"] == "FER2013; fer2013-official; 9 train; sha256 ffffffffffff"
    assert rows["on validation"] == "accuracy 0.66"


def test_the_description_leaves_out_what_is_not_known() -> None:
    plain: Metadata = metadata()
    bundle: Bundle = unpack_bundle(pack_bundle(MODEL, plain), "it")

    names = {name for name, _ in describe(bundle)}

    assert names.isdisjoint({"run", "seed", "licence", "multiply-accumulates", "note"})
    assert all(value for _, value in describe(bundle))


def test_colour_models_are_bundled_alike() -> None:
    model = dense_model(dense_weights(channels=3), shape=(-1, 48, 48, 3))

    bundle = unpack_bundle(pack_bundle(model, metadata(input=InputSpec(channels=3))), "it")

    assert dict(describe(bundle))["input"] == "48x48 red-green-blue, uint8, 0 to 255"
    assert np.prod(dense_weights(channels=3).shape) == 7 * 48 * 48 * 3


@pytest.mark.parametrize("tail", [b"x", b"x" * 1000, b"PK\x05\x06"])
def test_nothing_follows_the_end(content: bytes, tail: bytes) -> None:
    with pytest.raises(ModelError, match="cut short or damaged at its end"):
        unpack_bundle(content + tail, "it")


def test_a_small_file_does_not_unpack_into_a_large_one(content: bytes) -> None:
    bundle = unpack_bundle(content, "it")
    file = io.BytesIO()
    file.write(bundle.flatbuffer)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", msgspec.json.encode(bundle.metadata) + b" " * 10_000_000)
    with pytest.raises(ModelError, match="larger than the bundle itself"):
        unpack_bundle(file.getvalue(), "it")


@pytest.mark.parametrize("temperature", [1e-300, 1e-6, 1e6, 1e300])
def test_a_temperature_that_makes_every_face_certain_or_none_is_refused(content: bytes, temperature: float) -> None:
    with pytest.raises(ModelError, match="temperature"):
        unpack_bundle(rewritten(content, temperature=temperature), "it")


def test_metadata_of_brackets_without_end_are_refused() -> None:
    with pytest.raises(ModelError, match=r"recursion|Stack overflow|truncated"):  # Python 3.14 goes deeper
        unpack_bundle(with_metadata(MODEL, b'{"schema_version":1,"more":' + b"[" * 50_000), "it")
