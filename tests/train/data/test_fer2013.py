"""FER2013's table: what is read, and how each broken row is reported."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge_agent.errors import InputError
from edge_agent.model_format.labels import FER2013
from tests.train.data.files import face, row, write_table
from train.data import load
from train.data.fer2013 import load_fer2013
from train.data.label_map import open_label_map


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_table(tmp_path / "fer2013.csv", [row(0, 3), row(1, 6, "PublicTest"), row(2, 0, "PrivateTest")])


def broken(tmp_path: Path, bad_row: str) -> Path:
    return write_table(tmp_path / "fer2013.csv", [row(0), row(1), bad_row])


def with_pixels(*pixels: object) -> str:
    return f"0,{' '.join(map(str, pixels))},Training"


def test_rows_are_read_as_they_stand(table: Path) -> None:
    faces = load_fer2013(table)
    assert faces.images.dtype == np.uint8
    assert faces.images.shape == (3, 48, 48, 1)
    assert np.array_equal(faces.images[1, :, :, 0], face(1))
    assert faces.labels.tolist() == [3, 6, 0]
    assert faces.classes == FER2013
    assert faces.usage.tolist() == ["Training", "PublicTest", "PrivateTest"]


def test_an_origin_is_the_row_an_editor_shows(table: Path) -> None:
    assert load_fer2013(table).origin.tolist() == ["fer2013.csv:2", "fer2013.csv:3", "fer2013.csv:4"]


def test_three_channels_repeat_the_gray(table: Path) -> None:
    colours = load_fer2013(table, channels=3).images
    assert colours.shape == (3, 48, 48, 3)
    assert all(np.array_equal(colours[0, :, :, channel], face(0)) for channel in range(3))


def test_the_variant_with_spaces_and_another_column_order_gives_the_same_faces(tmp_path: Path, table: Path) -> None:
    cells = [line.split(",") for line in table.read_text().splitlines()[1:]]
    variant = write_table(
        tmp_path / "icml_face_data.csv",
        [f"{emotion},{usage},{pixels}" for emotion, pixels, usage in cells],
        header="emotion, Usage, pixels",
    )
    assert load_fer2013(variant).fingerprint() == load_fer2013(table).fingerprint()


def test_byte_order_mark_windows_lines_quotes_and_blank_lines_do_not_matter(tmp_path: Path, table: Path) -> None:
    lines = [",".join(f'"{cell}"' for cell in line.split(",")) for line in table.read_text().splitlines()]
    variant = tmp_path / "windows.csv"
    variant.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*lines, "", ""]).encode())
    assert load_fer2013(variant).fingerprint() == load_fer2013(table).fingerprint()


def pack_zip(path: Path, content: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("fer2013/README", "about")
        archive.writestr("fer2013/fer2013.csv", content)
        archive.writestr("__MACOSX/fer2013/._fer2013.csv", "litter")


def pack_tar(path: Path, content: bytes) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in (("fer2013/README", b"about"), ("fer2013/fer2013.csv", content)):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


PACKINGS: dict[str, Callable[[Path, bytes], object]] = {
    "xz": lambda path, content: path.write_bytes(lzma.compress(content)),
    "gz": lambda path, content: path.write_bytes(gzip.compress(content)),
    "zip": pack_zip,
    "tar.gz": pack_tar,
}


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_packed_table_gives_the_same_faces(packing: str, tmp_path: Path, table: Path) -> None:
    packed = tmp_path / f"packed.{packing}"
    PACKINGS[packing](packed, table.read_bytes())
    assert load_fer2013(packed).fingerprint() == load_fer2013(table).fingerprint()


def test_packing_is_recognised_by_content_whatever_the_suffix(tmp_path: Path, table: Path) -> None:
    misnamed = tmp_path / "table.csv"
    misnamed.write_bytes(gzip.compress(table.read_bytes()))
    assert len(load_fer2013(misnamed)) == 3


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_cut_archive_is_refused(packing: str, tmp_path: Path, table: Path) -> None:
    packed = tmp_path / f"packed.{packing}"
    PACKINGS[packing](packed, table.read_bytes())
    packed.write_bytes(packed.read_bytes()[:-200])
    with pytest.raises(InputError, match=rf"packed\.{packing}: got a \w+ file that is cut off or damaged"):
        load_fer2013(packed)


def test_a_damaged_archive_says_how_far_it_could_be_read(tmp_path: Path, table: Path) -> None:
    packed = tmp_path / "packed.gz"
    packed.write_bytes(gzip.compress(table.read_bytes())[:-4])
    with pytest.raises(InputError, match="after line 4"):
        load_fer2013(packed)


def test_an_archive_cut_in_its_first_bytes_is_called_by_its_packing(tmp_path: Path, table: Path) -> None:
    packed = tmp_path / "packed.gz"
    packed.write_bytes(gzip.compress(table.read_bytes())[:60])
    with pytest.raises(InputError, match="got a gzip file that is cut off or damaged after line 0"):
        load_fer2013(packed)


def test_what_macos_puts_beside_a_table_is_no_table(tmp_path: Path, table: Path) -> None:
    with tarfile.open(tmp_path / "mac.tar", "w") as archive:
        archive.add(table, "./fer2013/table.csv")
        archive.add(table, "./fer2013/._table.csv")
    assert len(load_fer2013(tmp_path / "mac.tar")) == 3


def test_a_zip_without_a_table_is_refused(tmp_path: Path) -> None:
    packed = tmp_path / "pictures.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("train/happy/1.jpg", b"")
    with pytest.raises(InputError, match=r"pictures\.zip: got a zip of 1 files, none of them \.csv"):
        load_fer2013(packed)


def test_a_zip_with_several_tables_gives_the_one_that_has_all_splits(tmp_path: Path, table: Path) -> None:
    packed = tmp_path / "contest.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("example_submission.csv", "emotion\n0\n")
        archive.writestr("icml_face_data.csv", table.read_bytes())
    assert len(load_fer2013(packed)) == 3


def test_a_zip_with_several_unknown_tables_asks_which(tmp_path: Path, table: Path) -> None:
    packed = tmp_path / "two.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", table.read_bytes())
        archive.writestr("b.csv", table.read_bytes())
    with pytest.raises(InputError, match=r"a zip with a\.csv, b\.csv"):
        load_fer2013(packed)


@pytest.mark.parametrize(
    ("bad_row", "message"),
    [
        pytest.param(row(2, 7), "row 4, emotion: got '7', expected 0 to 6", id="unknown class"),
        pytest.param(row(2, -1), "row 4, emotion: got '-1'", id="negative class"),
        pytest.param(row(2, "hapyp"), "row 4, emotion: got the class 'hapyp': did you mean happy", id="nearly a class"),
        pytest.param(row(2, ""), "row 4, emotion: got ''", id="missing class"),
        pytest.param(
            row(2, 0, "Later"), "row 4, Usage: got 'Later', expected Training, PublicTest", id="unknown split"
        ),
        pytest.param(row(2, 0, ""), "row 4, Usage: got ''", id="missing split"),
        pytest.param(
            with_pixels(*[0] * 2303), r"row 4, pixels: got 2303 values, expected 2304 \(48 x 48\)", id="too few"
        ),
        pytest.param(with_pixels(*[0] * 2305), "row 4, pixels: got 2305 values", id="too many"),
        pytest.param(with_pixels(), "row 4, pixels: got 0 values", id="no pixels"),
        pytest.param(with_pixels(256, *[0] * 2303), "row 4, pixels: got 256, expected whole numbers", id="too bright"),
        pytest.param(with_pixels(10**30, *[0] * 2303), "row 4, pixels: got 9223372036854775807", id="far too bright"),
        pytest.param(with_pixels(-1, *[0] * 2303), "row 4, pixels: got '-1'", id="negative pixel"),
        pytest.param(with_pixels("3.5", *[0] * 2303), r"row 4, pixels: got '3\.5'", id="fraction"),
        pytest.param(with_pixels(*[0] * 2304, "x"), "row 4, pixels: got 'x'", id="letter after the last pixel"),
        pytest.param("0,1 2 3", "row 4: got 2 columns, expected 3", id="missing column"),
        pytest.param(row(2) + ",more", "row 4: got 4 columns", id="additional column"),
    ],
)
def test_a_broken_row_is_reported_with_file_and_row(bad_row: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"fer2013\.csv, {message}"):
        load_fer2013(broken(tmp_path, bad_row))


def test_numbers_of_classes_may_be_written_with_a_point(tmp_path: Path) -> None:
    """As programs write a column of numbers in which a cell was empty."""
    plain = load_fer2013(write_table(tmp_path / "fer2013.csv", [row(0, 3), row(1, 6)]))
    pointed = load_fer2013(write_table(tmp_path / "icml_face_data.csv", [row(0, "3.0"), row(1, "6.0")]))
    assert pointed.labels.tolist() == plain.labels.tolist() == [3, 6]


def test_a_label_map_that_says_what_holds_anyway_changes_nothing(table: Path) -> None:
    plain, said = load_fer2013(table), load_fer2013(table, label_map=open_label_map("FER2013"))
    assert (said.name, said.classes) == ("FER2013", FER2013)
    assert said.usage.tolist() == plain.usage.tolist()
    assert said.fingerprint() == plain.fingerprint()


def test_broken_rows_are_listed_where_the_caller_asks_for_it(tmp_path: Path) -> None:
    path = write_table(tmp_path / "fer2013.csv", [row(0), row(1, 9), row(2), with_pixels(1)])
    faces = load_fer2013(path, on_unreadable="report")
    assert faces.origin.tolist() == ["fer2013.csv:2", "fer2013.csv:4"]
    assert [", row 3, emotion" in faces.unreadable[0], ", row 5, pixels" in faces.unreadable[1]] == [True, True]
    assert len(faces.unreadable) == 2


def test_a_table_of_broken_rows_alone_is_refused_even_so(tmp_path: Path) -> None:
    path = write_table(tmp_path / "fer2013.csv", [row(1, 9)])
    with pytest.raises(InputError, match=r"no readable row .*row 2, emotion"):
        load_fer2013(path, on_unreadable="report")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("", "an empty file", id="empty file"),
        pytest.param("emotion,pixels,Usage\n", "a header and no rows", id="header alone"),
        pytest.param("emotion,pixels\n", "row 1: got a header without usage", id="missing column"),
        pytest.param("\x00\x01\x02\n", "row 1: got a header without emotion, pixels, usage", id="no table at all"),
    ],
)
def test_a_file_without_rows_or_columns_is_refused(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "fer2013.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=rf"fer2013\.csv.*{message}"):
        load_fer2013(path)


def test_a_file_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: got No such file"):
        load_fer2013(tmp_path / "none.csv")


def test_two_channels_are_refused(table: Path) -> None:
    with pytest.raises(InputError, match="channels: got 2, expected 1"):
        load_fer2013(table, channels=2)


@pytest.mark.slow
def test_the_published_counts_are_found(data_dir: Path) -> None:
    faces = load(data_dir / "fer2013")
    by_class = {
        usage: np.bincount(faces.labels[faces.usage == usage], minlength=7).tolist()
        for usage in ("Training", "PublicTest")
    }
    assert by_class == {
        "Training": [3995, 436, 4097, 7215, 4830, 3171, 4965],
        "PublicTest": [467, 56, 496, 895, 653, 415, 607],
    }
