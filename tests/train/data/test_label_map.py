"""What class names mean, in folders and tables: spellings, numbers, near misses, and the user's own file."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.errors import InputError
from edge_agent.model_format.labels import CK_PLUS, FER2013
from tests.train.data.files import face, row, write_face, write_table
from tests.train.data.test_folders import make_tree
from train.data import load
from train.data.label_map import NO_LABEL_MAP, NUMBERED, is_one_slip_away, open_label_map, open_label_maps
from train.data.splits import make_split
from train.prepare.photos import find_photos


@pytest.mark.parametrize(
    ("found", "meant"),
    [
        ("Suprise", "surprise"),
        ("Neutrality", "neutral"),
        ("Natural", "neutral"),
        ("Anger", "angry"),
        ("Sadness", "sad"),
        ("Happiness", "happy"),
        ("Disgusted", "disgust"),
        ("Fearful", "fear"),
        ("Surprised", "surprise"),
        ("0_neutral", "neutral"),
        ("3 - Anger", "angry"),
        ("Contempt", "contempt"),
        ("happy faces", "happy"),
        ("Angry_Images", "angry"),
        ("2-afraid-pics", "fear"),
        ("happy_1", "happy"),
        ("Sad (2)", "sad"),
        ("4)angry", "angry"),
        ("class_disgusted", "disgust"),
        ("label: Fear", "fear"),
        ("happy face images", "happy"),
    ],
)
def test_usual_spellings_are_read_with_a_line_that_says_so(
    found: str, meant: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    faces = load(make_tree(tmp_path / "set", (found, "bored")))
    assert meant in faces.classes
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ([] if found.lower() == meant else [f"{tmp_path / 'set'}: class folders: read {found} as {meant}"])


@pytest.mark.parametrize(("table", "numbers"), [("rafdb", range(1, 8)), ("affectnet", range(8)), ("fer2013", range(7))])
def test_numbered_folders_need_a_table_and_are_read_by_it(table: str, numbers: range, tmp_path: Path) -> None:
    root = make_tree(tmp_path, tuple(map(str, numbers)))
    with pytest.raises(
        InputError, match=r"which are numbers.*rafdb \(1 surprise.*affectnet \(0 neutral.*fer2013 \(0 a"
    ):
        load(root)
    faces = load(root, label_map=open_label_map(table))
    named = {
        origin.split("/")[0]: faces.classes[label] for origin, label in zip(faces.origin, faces.labels, strict=True)
    }
    assert named == {str(number): NUMBERED[table][number] for number in numbers}


def test_numbered_folders_within_splits_and_for_prepare_are_treated_alike(tmp_path: Path) -> None:
    for split in ("train", "test"):
        make_tree(tmp_path / split, ("1", "04"))
    for read in (load, find_photos):
        with pytest.raises(InputError, match=r"04, 1, which are|1, which are"):
            read(tmp_path)
    rafdb = open_label_map("rafdb")
    assert set(load(tmp_path, label_map=rafdb).classes) == {"surprise", "happy"}
    assert {photo.label for photo in find_photos(tmp_path, label_map=rafdb)} == {"surprise", "happy"}


def test_a_number_that_the_table_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the class 7, expected fer2013's 0 angry"):
        load(make_tree(tmp_path, ("1", "7")), label_map=open_label_map("fer2013"))


def test_a_class_one_letter_from_a_known_one_is_asked_about_and_a_file_settles_it(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "set", ("hapyp", "sed", "angry"))
    with pytest.raises(InputError, match=r"the class 'hapyp': did you mean happy\?.*--label-map"):
        load(root)
    own = tmp_path / "own.toml"
    own.write_text('hapyp = "happy"\nsed = "sed"\n')
    assert load(root, label_map=open_label_map(str(own))).classes == ("angry", "happy", "sed")


@pytest.mark.parametrize("names", [("hapyp", "bored"), ("0_nuetrall", "1_angri"), ("surpise_faces", "left")])
def test_a_class_one_letter_from_a_known_one_is_asked_about_where_no_other_is_known(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"did you mean (happy|neutral|angry|surprise)\?"):
        load(make_tree(tmp_path, names))


def test_words_that_only_look_like_short_names_are_left_alone(tmp_path: Path) -> None:
    assert load(make_tree(tmp_path, ("bad", "good", "mad", "rear"))).classes == ("bad", "good", "mad", "rear")


def test_several_folders_of_one_class_are_told_how_to_be_kept_apart(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "set", ("happy 1", "happy 2", "sad"))
    with pytest.raises(InputError, match=r"both mean happy.*--label-map"):
        load(root)
    own = tmp_path / "own.toml"
    own.write_text('"happy 1" = "happy 1"\n"happy 2" = "happy 2"\n')
    assert load(root, label_map=open_label_map(str(own))).classes == ("happy 1", "happy 2", "sad")


def test_names_of_ones_own_are_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    faces = load(make_tree(tmp_path, ("Smiling", "serious", "bored", "not tired 2")))
    assert faces.classes == ("bored", "not tired 2", "serious", "smiling")
    assert not caplog.records


def test_a_map_that_is_not_there_says_what_there_is() -> None:
    with pytest.raises(InputError, match=r"--label-map: got 'raf', expected rafdb, affectnet, fer2013, or a TOML file"):
        open_label_map("raf")


def test_several_data_sets_have_one_map_or_one_each() -> None:
    rafdb, affectnet = open_label_map("rafdb"), open_label_map("affectnet")
    assert open_label_maps((), 2) == [NO_LABEL_MAP] * 2
    assert open_label_maps(("rafdb",), 2) == [rafdb] * 2
    assert open_label_maps(("rafdb", "affectnet"), 2) == [rafdb, affectnet]
    with pytest.raises(InputError, match="got 2 of them, expected one, or 3"):
        open_label_maps(("rafdb", "affectnet"), 3)


def test_slips() -> None:
    assert all(is_one_slip_away(slip, "happy") for slip in ("hapy", "happpy", "hoppy", "ahppy", "happ"))
    assert not any(is_one_slip_away(name, "happy") for name in ("happy", "hapys", "hpapyy", "smile"))


def test_ckplus_table_has_eight_classes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    usages = ("Training", "PublicTest", "PrivateTest")
    table = write_table(tmp_path / "ckextended.csv", [row(n, n % 8, usages[n // 8]) for n in range(24)])
    for path in (table, tmp_path):
        faces = load(path)
        assert faces.classes == (*FER2013, "contempt")
        assert (faces.name, faces.labels.tolist()) == ("CK+", [n % 8 for n in range(24)])
        assert faces.usage.tolist() == ["train"] * 8 + ["validation"] * 8 + ["test"] * 8
    assert "read as CK+'s table (0 angry, 1 disgust, " in caplog.text


def test_a_table_may_name_classes_and_splits_in_words(tmp_path: Path) -> None:
    rows = [row(0, "Happiness", "train"), row(1, "Anger", "Test"), row(2, "neutrality", "Validation")]
    faces = load(write_table(tmp_path / "own.csv", rows))
    assert [faces.classes[label] for label in faces.labels] == ["happy", "angry", "neutral"]
    assert faces.usage.tolist() == ["train", "test", "validation"]
    with pytest.raises(InputError, match=r"own.csv, row 2, emotion: got the class 'hapyp': did you mean happy"):
        load(write_table(tmp_path / "own.csv", [row(0, "hapyp")]))


def test_a_table_is_read_by_the_numbers_that_were_named(tmp_path: Path) -> None:
    table = write_table(tmp_path / "faces.csv", [row(n, n + 1) for n in range(7)])
    faces = load(table, label_map=open_label_map("rafdb"))
    assert [faces.classes[label] for label in faces.labels] == list(NUMBERED["rafdb"].values())
    with pytest.raises(InputError, match="row 2, emotion: got '8', expected 1 to 7"):
        load(write_table(tmp_path / "faces.csv", [row(0, 8)]), label_map=open_label_map("rafdb"))


def test_rafdbs_list_is_read_with_its_aligned_pictures(tmp_path: Path) -> None:
    lines = []
    for n in range(1, 8):
        for part in ("train", "test"):
            write_face(tmp_path / f"basic/Image/aligned/{part}_{n:05}_aligned.jpg", face(n, 100, 100))
            lines.append(f"{part}_{n:05}.jpg {n}")
    listed = tmp_path / "basic" / "EmoLabel" / "list_patition_label.txt"
    listed.parent.mkdir()
    listed.write_text("\n".join(lines) + "\n")
    for path in (listed, tmp_path, tmp_path / "basic"):
        faces = load(path)
        assert faces.name == "RAF-DB"
        assert faces.classes == FER2013
        assert [faces.classes[label] for label in faces.labels[::2]] == list(NUMBERED["rafdb"].values())
        assert faces.usage.tolist() == ["train", "test"] * 7
    listed.write_text("\n".join([*lines, "train_00001.jpg 11", "train_00099.jpg 1", "nonsense"]) + "\n")
    with pytest.raises(InputError, match=r"line 15: got 11, expected 1 to 7"):
        load(listed)
    assert len(load(listed, on_unreadable="report").unreadable) == 3


def test_a_number_of_thousands_of_digits_is_one_that_no_table_has(tmp_path: Path) -> None:
    write_face(tmp_path / "aligned/train_1_aligned.jpg", face(1))
    listed = tmp_path / "list_patition_label.txt"
    listed.write_text(f"train_1.jpg {'9' * 5000}\n")
    with pytest.raises(InputError, match="line 1: got"):
        load(tmp_path)
    with pytest.raises(InputError, match="got the class 999"):
        open_label_map("affectnet").read(["9" * 5000], "classes")
    own = tmp_path / "own.toml"
    own.write_text(f'"{"9" * 5000}" = "happy"\n')
    assert open_label_map(str(own)).read(["9" * 5000], "classes") == {"9" * 5000: "happy"}


def test_labels_that_are_no_emotions_are_taken_as_they_are() -> None:
    assert NO_LABEL_MAP.read(["left", "right"], "sides") == {"left": "left", "right": "right"}


@pytest.mark.parametrize("name", ["ckplus.csv", "CK+.csv", "my_ck.csv", "ckextended_7.csv"])
def test_a_table_of_ckplus_with_seven_classes_is_not_taken_for_fer2013(name: str, tmp_path: Path) -> None:
    without_neutral = load(write_table(tmp_path / name, [row(n, n) for n in (0, 1, 2, 3, 4, 5, 7)]))
    assert (without_neutral.name, without_neutral.classes) == ("CK+", CK_PLUS)
    without_contempt = load(write_table(tmp_path / name, [row(n, n) for n in range(7)]))
    assert (without_contempt.name, without_contempt.classes) == ("CK+", FER2013)


def test_a_table_without_splits_is_read_and_split_by_class(tmp_path: Path) -> None:
    rows = [row(n, n % 7).rpartition(",")[0] for n in range(21)]
    faces = load(write_table(tmp_path / "train.csv", rows, "emotion,pixels"))
    assert (faces.classes, set(faces.usage.tolist())) == (FER2013, {""})
    assert len(make_split(faces).test) == 7


@pytest.mark.parametrize("table", ["fer2013.csv", "mine.csv"])
@pytest.mark.parametrize(
    "words",
    [
        ("train", "valid", "test"),
        ("TRAIN", "VAL", "TEST"),
        ("Training", "validation", "Testing"),
        ("train", "dev", "eval"),
    ],
)
def test_splits_have_the_same_words_in_tables_and_in_folders(
    table: str, words: tuple[str, str, str], tmp_path: Path
) -> None:
    for number, word in enumerate(words):
        for label in ("happy", "sad"):
            write_face(tmp_path / "folders" / word / label / "1.png", face(number))
    folders = load(tmp_path / "folders")
    rows = [row(number, label, word) for number, word in enumerate(words) for label in (3, 4)]
    for faces in (folders, load(write_table(tmp_path / table, rows))):
        assert sorted(set(faces.usage.tolist())) == ["test", "train", "validation"]


@pytest.mark.parametrize("name", ["affectnet.csv", "AffectNet8_train.csv", "raf-db.csv"])
def test_numbers_in_a_table_called_like_another_data_set_are_asked_about(name: str, tmp_path: Path) -> None:
    table = write_table(tmp_path / name, [row(number, number) for number in range(1, 8)])
    with pytest.raises(InputError, match=r"row 2, emotion: got 1, which is a number.*affectnet \(0 neutral"):
        load(table)
    assert "contempt" in load(table, label_map=open_label_map("affectnet")).classes
