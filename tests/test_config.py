"""What the configuration file may say, and how mistakes in it are reported."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from edge_agent.commands.settings_reference import defaults_file, reference_page
from edge_agent.config import Settings
from edge_agent.config_file import load_settings, load_toml
from edge_agent.errors import ConfigError
from edge_agent.privacy.policy import permit


def write(folder: Path, text: str) -> Path:
    path = folder / "agent.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_empty_file_gives_defaults_that_work(tmp_path: Path) -> None:
    assert load_settings(write(tmp_path, "")) == Settings()


def test_values_land_in_their_section(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, '[camera]\nsource = "simulated"\nfps = 12\n[device]\nid = "pi-3a"\n'))
    assert (settings.camera.source, settings.camera.fps, settings.device.id) == ("simulated", 12.0, "pi-3a")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[camera]\nfps = 0", "$.camera.fps: got 0, expected 1 to 60"),
        ('[camera]\nfps = "fast"', "$.camera.fps: got 'fast', expected 1 to 60"),
        ("[camera]\nfsp = 3", "$.camera.fsp: got a key this version does not know, expected one of source, path"),
        ("camera = 3", "$.camera: got 3"),
        ("cam = 3", "$.cam: got a key this version does not know, expected one of device, camera"),
        ('[mqtt]\nprotocol = "4"', "$.mqtt.protocol: got '4', expected one of 3.1.1, 5"),
        (
            '[device]\nid = "a/b"',
            "$.device.id: got 'a/b', expected letters a to z, digits, . _ -, at most 64, no spaces",
        ),
        ('[camera]\nsource = "rtsp"', "$.camera.url"),
        ('[camera]\nsource = "video"', "$.camera.path: expected the video to read"),
        ('[mqtt.tls]\ncert = "a.pem"', "$.mqtt.tls: expected both cert and key, or neither"),
        (
            '[classifier]\nprior = "flat"',
            "$.classifier.prior: got 'flat', expected one of balanced, half, training, or a table of numbers",
        ),
        ("[classifier]\nprior = 3", "$.classifier.prior: got 3, expected one of balanced, half, training, or a table"),
        (
            "[classifier.prior]\nhappy = 0.5\nsad = 0.4",
            "$.classifier.prior: got shares that sum to 0.9, expected shares that sum to 1",
        ),
        ("[classifier.prior]\nhappy = 1.5", "$.classifier.prior.happy: got 1.5, expected more than 0 and at most 1"),
        ("[classifier.prior]\nhappy = 1.0\nsad = 0.0", "$.classifier.prior.sad: got 0.0, expected more than 0"),
        ("[classifier.prior]\nhappy = 0.6\nsad = -0.1", "$.classifier.prior.sad: got -0.1, expected more than 0"),
        ("[classifier.prior]\nhappy = 0.6\nsad = nan", "$.classifier.prior.sad: got nan, expected more than 0"),
        ('[classifier.prior]\nhappy = 0.6\nsad = "40%"', "$.classifier.prior.sad: got '40%', expected more than 0"),
        ("[classifier.prior]\nhappy = 0.6\nsad.a = 1", "$.classifier.prior.sad: got a table, expected more than 0"),
        ("[camera\nfps = 3", "not valid TOML"),
    ],
)
def test_a_mistake_names_the_key_what_was_found_and_what_was_expected(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[camera]\nfps = " + "9" * 5000, "a whole number is too long"),
        ("[camera]\nfps = -" + "9" * 400, "a whole number is too long"),
        ("[camera]\nfps = 0x" + "f" * 6000, "a whole number is too long"),
        ("[privacy]\nlists = [1, {a = 0b" + "1" * 300 + "}]", "a whole number is too long"),
        ("x = " + "[" * 5000, "nested too deeply"),
        ("x = " + "{a=" * 5000, "nested too deeply"),
        ("a." * 5000 + "b = 1", "nested too deeply"),
    ],
)
def test_numbers_and_nesting_that_python_refuses_are_named_and_not_quoted(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load_settings(write(tmp_path, text))
    assert len(str(caught.value)) < 300 + len(str(tmp_path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: no such file"):
        load_settings(tmp_path / "nowhere.toml")


def test_the_page_of_all_settings_is_up_to_date() -> None:
    page = (Path(__file__).parents[1] / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == reference_page(), "run: edge-agent config --reference > docs/settings.md"


def test_the_file_of_defaults_is_valid_and_holds_every_default(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, defaults_file()))
    permit(settings.camera, settings.policy)
    camera = msgspec.structs.replace(settings.camera, source=Settings().camera.source)
    assert msgspec.structs.replace(settings, camera=camera) == Settings()


def test_every_key_is_described_and_its_range_is_in_words() -> None:
    file, page = defaults_file(), reference_page()
    for table, key in every_key(Settings()):
        assert f"[{table}]" in file
        assert re.search(rf"^# .+\n({key} = |#\[\[{re.escape(table)}\.{key}\]\])", file, re.MULTILINE), key
        assert re.search(rf"^- `{key}`: \S", page, re.MULTILINE), key
    assert "matching" not in page


def test_a_zone_can_be_added_to_the_file_of_defaults(tmp_path: Path) -> None:
    ignored, watched = (f"points = [[0.5, 0.0], [1.0, 0.0], [1.0, {down}]]\n" for down in (0.4, 0.9))
    added = defaults_file() + f"\n[[detector.ignore]]\n{ignored}\n[[detector.watch]]\n{watched}"
    detector = load_settings(write(tmp_path, added)).detector
    assert [zone.points[0] for zone in (*detector.ignore, *detector.watch)] == [(0.5, 0.0), (0.5, 0.0)]


def test_the_commented_zones_in_the_file_of_defaults_are_valid(tmp_path: Path) -> None:
    table = re.compile(r"^#(\[\[|points = |name = )", re.MULTILINE)
    text = table.sub(r"\1", defaults_file())
    detector = load_settings(write(tmp_path, text)).detector
    assert len(detector.ignore) == len(detector.watch) == 1
    assert len(detector.ignore[0].points) == 4


def every_key(section: msgspec.Struct, table: str = "") -> Iterator[tuple[str, str]]:
    for field in msgspec.structs.fields(type(section)):
        value = getattr(section, field.name)
        if isinstance(value, msgspec.Struct):
            yield from every_key(value, f"{table}.{field.encode_name}".lstrip("."))
        else:
            yield table, field.encode_name


def test_a_prior_is_a_name_or_shares_that_sum_to_one(tmp_path: Path) -> None:
    assert load_settings(write(tmp_path, "")).classifier.prior == "half"
    assert load_settings(write(tmp_path, '[classifier]\nprior = "balanced"')).classifier.prior == "balanced"
    given = load_settings(write(tmp_path, "[classifier]\nprior = { calm = 0.333, tense = 0.333, other = 0.333 }"))
    assert given.classifier.prior == {"calm": 0.333, "tense": 0.333, "other": 0.333}
    for rounded in (0.495, 0.505):
        load_settings(write(tmp_path, f"[classifier]\nprior = {{ calm = 0.5, tense = {rounded} }}"))


class Shelf(msgspec.Struct):
    books: dict[str, int] = {}


class House(msgspec.Struct):
    names: dict[str, str] = {}
    shelves: list[Shelf] = []
    rooms: dict[str, Shelf] = {}


def test_a_refused_key_of_a_table_with_free_keys_is_named(tmp_path: Path) -> None:
    for text, message in [
        ("names = { a = 'x', b = 3, c = 4 }", "$.names.b: got 3, expected text"),
        ("shelves = [{}, { books = { red = 1, blue = 'x' } }]", "$.shelves[1].books.blue: got 'x'"),
        (
            "[rooms.hall.books]\nred = 1\n[rooms.attic.books]\nred = 1\nblue = true",
            "$.rooms.attic.books.blue: got true",
        ),
        ("names = { 'two words' = 3 }", "$.names.(not shown: it may hold a password): got a number"),
    ]:
        with pytest.raises(ConfigError) as caught:
            load_toml(write(tmp_path, text), House)
        assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ('[device]\nid = "room 2b"', "letters a to z, digits, . _ -, at most 64, no spaces"),
        ('[mqtt]\nroot = "a b"', "letters a to z, digits, . _ -, at most 64, no spaces"),
        ("[camera]\nfpss = 10", "Did you mean fps?"),
        ("[camera]\nfsp = 10", "Did you mean fps?"),
        ("[camera]\nwidth = 640", "Did you mean width_px?"),
        ("[camera]\nFPS = 10", "Did you mean fps?"),
        ('[camra]\nsource = "csi"', "Did you mean camera?"),
        ('[mqtt.tsl]\nca = "x"', "Did you mean tls?"),
        ("[mqtt.tls]\nenable = true", "Did you mean enabled?"),
        ('[camera]\nhost = "x"', "It belongs into the table [mqtt]"),
        ("[mqtt]\nenabled = true", "It belongs into the table [mqtt.tls]"),
        ('[mqtt]\nport = "27183"', "Write it without quotes"),
        ('[camera]\nfps = "12.5"', "Write it without quotes"),
        ('[camera]\nfps = "fast"', "Write a number, without quotes"),
        ("[mqtt]\nport = 1883.5", "Write a whole number"),
        ('[mqtt.tls]\nenabled = "true"', "Write true or false, in small letters and without quotes"),
        ("[mqtt.tls]\nenabled = 1", "Write true or false, in small letters and without quotes"),
        ("[device]\nroom = 12", "Put it in quotes"),
        ("[mqtt]\nprotocol = 5", "Put it in quotes"),
        ('[camera]\nsource = "V4L2"', 'Did you mean "v4l2"?'),
        ('[classifier]\nprior = "Balanced"', 'Did you mean "balanced"?'),
        ('[classifier]\nprior = "trainning"', 'Did you mean "training"?'),
        ('[classifier]\nprior = "uniform"', 'Did you mean "balanced"?'),
        ("[classifier.prior]\nhappy = 60\nsad = 40", "Write each share as a part of 1: 0.3 for 30 %"),
        ('[classifier.prior]\nhappy = 0.6\nsad = "0.4"', "Write it without quotes"),
        ("[resting_face]\nenabled = false", "Did you mean learn?"),
        ('[camera]\nsource = "usb"', 'Did you mean "v4l2"?'),
        ('[camera]\nsource = "mjpeg"', 'Did you mean "http"?'),
        ('[mqtt]\npasswort = "x"', "Did you mean password_file?"),
        ("[camera]\nheigth = 480", "Did you mean height_px?"),
        ("[camera]\nframerate = 5", "Did you mean fps?"),
        ('[mqtt]\nserver = "x"', "Did you mean host?"),
        ("[mqtt]\nssl = true", "Did you mean tls?"),
        ('[mqtt.tls]\ncafile = "x"', "Did you mean ca?"),
        ("[mqtt]\nport = [1883]", "Leave out the brackets"),
        ("[mqtt]\ntls = true", "expected a table"),
        ("[device]\nroom =\u00a02", "looks like a space"),
        ("camera = 3", "Write it as a table"),
        ('[camera]\nsource = "simulated"\nmqtt.host = "x"', "Write [mqtt] in a line of its own"),
        ("[camera.mqtt]\nport = 1883", "Write [mqtt] in a line of its own"),
        ("[home_assistant]\ndiscovery = true", "Did you mean enabled?"),
        ("[camera]\nfps = true", "got true, expected 1 to 60"),
        ("[camera]\nfps = 10 fps", "Write the number alone, without a unit"),
        ("[camera]\nstall_s = 10s", "Write the number alone, without a unit"),
        ("[outbox]\nmax_mb = 200 MB", "Write the number alone, without a unit"),
        ("[mqtt]\nhost = broker.lan", "Put text in quotes"),
        ("[device]\nroom = Room 2b", "Put text in quotes"),
        ("[mqtt]\nhost = 10.0.0.5", "Put text in quotes"),
        ('[mqtt]\nhost == "a"', "Write one = between"),
        ('[mqtt]\nhost => "a"', "Write one = between"),
        ("[mqtt]\nhost = null", "Leave the line out"),
        ("[mqtt]\nport = 1883;", "the digits alone"),
        ("[mqtt]\nport = 1883 // plain", "the digits alone"),
        ("[mqtt]\nport = 18 83", "the digits alone"),
        ("[outbox]\nmax_rows = 200'000", "the digits alone"),
        ('[device]\nid = "pi\x1b[0m"', "Remove the control character"),
        ('[device]\nname = "pi"', "Did you mean id?"),
        ("[mqtt.tls]\nenabled = True", "Write true or false, in small letters"),
        ("[mqtt.tls]\nenabled = yes", "Write true or false, in small letters"),
        ('[mqtt]\nhost: "x"', "Write = between key and value"),
        ("[mqtt]\nhost = \u201cx\u201d", "Write straight quotes"),
        ("[detector]\nmin_score = 0,7", "Write a point in a number"),
        ("[camera]\nfps = 1O", "a letter that looks like a digit"),
        ("[detector]\nmin_score = O.7", "a letter that looks like a digit"),
        ('[mqtt]\nhost = "x', "End the text with the quote"),
        ("[mqtt]\nhost =", "Write a value behind the ="),
        ('[camera]\npath = "C:\\video"', "backslash"),
        ("[camera\nfps = 3", "A table's name stands alone in its line"),
        ("[camera]\nfps = 3\n[camera]\nfaces = 3", "A table may stand only once"),
        ("[camera]\nfps = 3\nfps = 4", "A key may stand only once"),
    ],
)
def test_a_mistake_says_what_to_write(tmp_path: Path, text: str, remedy: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(write(tmp_path, text))
    assert remedy in str(caught.value)


def test_a_choice_of_numbers_is_not_put_in_quotes_and_a_question_has_no_full_stop(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(write(tmp_path, "[camera]\nrotate_deg = 45"))
    assert str(caught.value).endswith("got 45, expected one of 0, 90, 180, 270")
    with pytest.raises(ConfigError) as caught:
        load_settings(write(tmp_path, "[camera]\nfpss = 10"))
    assert str(caught.value).endswith("Did you mean fps?")


@pytest.mark.parametrize("text", ["[mqtt]\nhost = broker", "[mqtt]\n\nport = x"])
def test_an_error_of_syntax_names_line_and_column(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=rf"line {len(text.splitlines())}, column \d+"):
        load_settings(write(tmp_path, text))


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_in_another_encoding_is_to_be_saved_as_utf_8(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "agent.toml"
    path.write_bytes('[device]\nroom = "Zürich"\n'.encode(encoding))
    with pytest.raises(ConfigError, match="Save the file as UTF-8"):
        load_settings(path)


def test_a_mark_at_the_beginning_of_the_file_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_bytes('[device]\nroom = "Zürich"\n'.encode("utf-8-sig"))
    assert load_settings(path).device.room == "Zürich"


def test_no_word_of_a_broken_file_is_quoted(tmp_path: Path) -> None:
    for text in (
        "[mqtt]\nusername = Secret77",
        '[camera]\nurl = "rtsp://a:Secret77\\q@c"',
        "Secret77 = [",
        "[a]\n'Secret77' = 1",
    ):
        with pytest.raises(ConfigError) as caught:
            load_settings(write(tmp_path, text))
        assert "Secret77" not in str(caught.value)
